"""Sorting, and what is read off sorted entries: medians and quantiles, with NumPy's signatures."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..rules import NUMPY, ordering
from ..rules.primitive import numbers
from .arguments import operand, refuse
from .reductions import Axis

__all__ = ["median", "percentile", "quantile", "sort"]

_PLACES: dict[str, Any] = {
    "linear": lambda place: place,
    "lower": np.floor,
    "higher": np.ceil,
    "midpoint": lambda place: (np.floor(place) + np.ceil(place)) / 2,
}
"""Where between the sorted entries a quantile is read off, by NumPy's name of the method."""


def sort(
    a: Any, axis: int | None = -1, kind: Any = None, order: None = None, *, stable: bool | None = None
) -> Any:
    """
    Return the entries in ascending order along an axis, of all in a row for ``None``; nan come last.

    The derivative follows the entries to their places; equal ones keep their order.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor([3.0, 1.0, 2.0], requires_grad=True)
    >>> mg.sort(x).backward(gradient=[10.0, 20.0, 30.0])
    >>> x.grad
    array([30., 10., 20.])
    """
    if order is not None:
        raise TypeError("np.sort of a Tensor takes no order=: that is for arrays of records")
    x = operand(a)
    return ordering.sort(np.reshape(x, (-1,)) if axis is None else x, axis=-1 if axis is None else axis)


def median(
    a: Any, axis: Axis = None, out: None = None, overwrite_input: bool = False, keepdims: bool = False
) -> Any:
    """
    Return the middle of the sorted entries over axes, the mean of both where there are two.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.median(mg.tensor([5.0, 1.0, 2.0, 4.0]))
    tensor(3.)
    """
    refuse("median", out=out)
    x = operand(a)
    rows = _sorted_rows(x, axis)
    n = rows.shape[-1]
    middle = rows[..., (n - 1) // 2 : n // 2 + 1] if n else rows
    return _finished(np.mean(middle, axis=-1), rows, x, axis, keepdims)


def quantile(
    a: Any,
    q: Any,
    axis: Axis = None,
    out: None = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: None = None,
) -> Any:
    """
    Return the value below which the share ``q`` of the entries lies, for each number of ``q``.

    Parameters
    ----------
    a : array_like
        The entries.
    q : array_like
        Shares from 0 to 1, constants; their axes come first in the result.
    axis, out, overwrite_input, keepdims
        As in :func:`median`.
    method : {"linear", "lower", "higher", "midpoint"}
        What to read off between two entries.
    weights : None
        Not supported.

    Raises
    ------
    ValueError
        If a share is outside [0, 1], there are no entries, or the method is another one.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.quantile(mg.tensor([1.0, 3.0, 2.0]), [0.25, 0.5])
    tensor([1.5, 2. ])
    """
    refuse("quantile", out=out, weights=weights)
    if method not in _PLACES:
        raise ValueError(f"quantile: method {method!r} has no rule here; there are {', '.join(_PLACES)}")
    x = operand(a)
    shares = np.asarray(numbers(q), dtype=float)
    if not ((shares >= 0) & (shares <= 1)).all():
        raise ValueError(f"quantiles are shares from 0 to 1, but got {q!r}")
    rows = _sorted_rows(x, axis)
    if rows.shape[-1] == 0:
        raise ValueError(f"quantile of no entries: the shape is {x.shape}, over axis {axis}")
    place = _PLACES[method](shares * (rows.shape[-1] - 1))
    below, above = rows[..., np.floor(place).astype(int)], rows[..., np.ceil(place).astype(int)]
    rest = place % 1 if not _plain_number(q) or below.dtype.kind != "f" else below.dtype.type(place % 1)
    between = below if method in ("lower", "higher") else below + rest * (above - below)
    first = np.moveaxis(between, range(-shares.ndim, 0), range(shares.ndim)) if shares.ndim else between
    return _finished(first, rows, x, axis, keepdims)


def percentile(
    a: Any,
    q: Any,
    axis: Axis = None,
    out: None = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: None = None,
) -> Any:
    """
    Return quantiles for shares in percent: see :func:`quantile`.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.percentile(mg.tensor([1.0, 3.0, 2.0]), 75)
    tensor(2.5)
    """
    refuse("percentile", out=out, weights=weights)
    shares = q / 100 if _plain_number(q) else np.asarray(numbers(q), dtype=float) / 100
    return quantile(a, shares, axis, method=method, keepdims=keepdims)


def _plain_number(q: Any) -> bool:
    """Whether NumPy lets the dtype of the entries win, as over all of Python's numbers."""
    return type(q) in (int, float)


def _sorted_rows(x: Any, axis: Axis) -> Any:
    """The entries to choose from, sorted along a last axis; the other axes as they were."""
    if axis is None:
        return sort(x, axis=None)
    axes = normalize_axis_tuple(axis, x.ndim)
    last = np.moveaxis(x, axes, range(x.ndim - len(axes), x.ndim))
    rest = last.shape[: x.ndim - len(axes)]
    return sort(np.reshape(last, (*rest, x.size // max(np.prod(rest, dtype=int), 1))))


def _finished(result: Any, rows: Any, x: Any, axis: Axis, keepdims: bool) -> Any:
    """Let nan win, which stand last among the sorted entries; give axes of length 1 back."""
    lost = np.isnan(numbers(rows)[..., -1]) if rows.shape[-1] else np.False_
    if np.any(lost):
        result = np.where(lost, np.nan, result)
    if not keepdims:
        return result
    axes = range(x.ndim) if axis is None else normalize_axis_tuple(axis, x.ndim)
    lead = result.shape[: result.ndim - rows.ndim + 1]
    return np.reshape(result, (*lead, *(1 if k in axes else n for k, n in enumerate(x.shape))))


NUMPY |= {getattr(np, name): globals()[name] for name in __all__}
