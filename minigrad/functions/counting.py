"""Entries counted by number or in bins, or their weights added up, with NumPy's signatures."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..rules import NUMPY
from ..rules.operands import numbers
from ..rules.shaping import scatter_add
from .accumulating import diff
from .arguments import operand
from .making import linspace

__all__ = ["bincount", "histogram", "histogram_bin_edges"]


def bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Any:
    """
    Return how often each of the whole numbers 0, 1, 2 … is among the entries, or the sum of their weights.

    Counts are constants, a plain array; sums are linear in the weights.

    Parameters
    ----------
    x : array_like of int, shape (n,)
        The numbers.
    weights : array_like, shape (n,), optional
        How much each counts, in float64 as in NumPy.
    minlength : int
        How many numbers to count at least.

    Raises
    ------
    ValueError
        If there is not one weight for each number, or a number is negative.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.bincount([0, 2, 2], weights=mg.tensor([1.0, 2.0, 3.0]))
    tensor([1., 0., 5.])
    """
    places = numbers(operand(x))
    counts = np.bincount(places, minlength=minlength)
    if weights is None:
        return counts
    w = operand(weights)
    if w.shape != places.shape:
        raise ValueError(
            f"bincount takes one weight for each number, but got shapes {w.shape} and {places.shape}"
        )
    return scatter_add(w.astype(float), index=(places.astype(int),), shape=counts.shape)


def histogram(
    a: Any, bins: Any = 10, range: Any = None, density: bool | None = None, weights: Any = None
) -> Any:
    """
    Return how many entries are in each bin, or the sum of their weights, and the edges of the bins.

    Counts are constants, a plain array; sums are linear in the weights. Edges, and so densities, have
    derivatives by what they are computed from: see :func:`histogram_bin_edges`.

    Parameters
    ----------
    a : array_like
        The entries.
    bins, range
        As in :func:`histogram_bin_edges`.
    density : bool, optional
        Whether to divide by all that is counted and by the widths, so that the integral is 1.
    weights : array_like, shape of ``a``, optional
        How much each entry counts.

    Raises
    ------
    ValueError
        If there is not one weight for each entry.

    Examples
    --------
    >>> import numpy as np, minigrad as mg
    >>> w = mg.tensor([1.0, 2.0, 4.0], requires_grad=True)
    >>> sums, _ = np.histogram([0.1, 0.2, 0.9], bins=2, range=(0, 1), weights=w)
    >>> sums.data
    array([3., 4.])
    """
    x, w = operand(a), None if weights is None else operand(weights)
    if w is not None and w.shape != x.shape:
        raise ValueError(f"histogram takes one weight for each entry, but got shapes {w.shape} and {x.shape}")
    edges = histogram_bin_edges(x, bins, range, w)
    counts, _ = np.histogram(numbers(x), *_plain(bins, range))
    if w is not None:
        row, ends = np.ravel(numbers(x)), numbers(edges)
        counted = (row >= ends[0]) & (row <= ends[-1])
        bin_of = np.searchsorted(ends[:-1], row[counted], side="right") - 1
        counts = bincount(bin_of, np.reshape(w, (-1,))[counted], counts.size).astype(w.dtype)
    if density:
        return counts / diff(edges).astype(float) / np.sum(counts), edges
    return counts, edges


def histogram_bin_edges(a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> Any:
    """
    Return the edges of the bins in which :func:`histogram` counts.

    Parameters
    ----------
    a : array_like
        The entries.
    bins : int, str or array_like
        How many of equal width, or the name of NumPy's rule for that, which gives a constant; or the edges.
    range : pair of float, optional
        The first and the last edge; by default the smallest and the largest entry, which have the derivative.
    weights : array_like, optional
        Taken for NumPy's sake.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.histogram_bin_edges(mg.tensor([1.0, 2.0, 5.0]), bins=2)
    tensor([1., 3., 5.])
    """
    x = operand(a)
    if not isinstance(bins, str) and np.ndim(numbers(operand(bins))):
        return operand(bins)
    edges = np.histogram_bin_edges(numbers(x), *_plain(bins, range), numbers(weights))
    if range is None and not x.size:
        return edges
    first, last = (np.min(x), np.max(x)) if range is None else range
    if numbers(first) == numbers(last):  # of equal entries, around which NumPy makes some room
        first, last = first - 0.5, last + 0.5
    return linspace(first, last, edges.size).astype(edges.dtype)


def _plain(bins: Any, limits: Any) -> tuple[Any, Any]:
    """The numbers of both, for NumPy."""
    return (
        bins if isinstance(bins, str) else numbers(operand(bins)),
        None if limits is None else tuple(map(numbers, limits)),
    )


NUMPY |= {getattr(np, name): globals()[name] for name in __all__}
