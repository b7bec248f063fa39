"""Sorting, and what is read off sorted entries: medians and quantiles, with NumPy's signatures."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from ..rules import NUMPY, ordering
from ..rules.operands import numbers
from .arguments import operand, refuse
from .reductions import Axis

__all__ = [
    "median", "nanmedian", "nanpercentile", "nanquantile", "partition", "percentile", "quantile", "sort",
]  # fmt: skip


def _between(alpha: float, beta: float) -> Any:
    """Places as of Hyndman & Fan (1996), table 1; alpha and beta say how far out the entries stand."""
    return lambda n, q: n * q + (alpha + q * (1 - alpha - beta)) - 1


def _averaged(n: Any, q: Any) -> Any:
    place = n * q - 1
    return np.where(place % 1 == 0, place + 0.5, np.ceil(place))


def _closest(n: Any, q: Any) -> Any:
    place = n * q - 1.5
    return np.where(place % 2 == 1, place, np.floor(place) + 1)


_PLACES: dict[str, Any] = {
    "linear": lambda n, q: (n - 1) * q,
    "lower": lambda n, q: np.floor((n - 1) * q),
    "higher": lambda n, q: np.ceil((n - 1) * q),
    "midpoint": lambda n, q: (np.floor((n - 1) * q) + np.ceil((n - 1) * q)) / 2,
    "nearest": lambda n, q: np.round((n - 1) * q),
    "inverted_cdf": lambda n, q: np.ceil(n * q - 1),
    "averaged_inverted_cdf": _averaged,
    "closest_observation": _closest,
    "interpolated_inverted_cdf": _between(0, 1),
    "hazen": _between(1 / 2, 1 / 2),
    "weibull": _between(0, 0),
    "median_unbiased": _between(1 / 3, 1 / 3),
    "normal_unbiased": _between(3 / 8, 3 / 8),
}
"""Where among n sorted entries, counted from 0, a quantile is read off, by NumPy's name of the method."""

_WHOLE = ("lower", "higher", "nearest", "inverted_cdf", "closest_observation")
"""Methods that give an entry, never something between two."""


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
    np.sort(np.zeros(0), kind=kind, stable=stable)  # or ValueError: the result is the same for all kinds
    x = operand(a)
    return ordering.sort(np.reshape(x, (-1,)) if axis is None else x, axis=-1 if axis is None else axis)


def partition(a: Any, kth: Any, axis: int | None = -1, kind: str = "introselect", order: None = None) -> Any:
    """
    Return the entries so that no larger one stands before place ``kth`` and no smaller one behind.

    All of them are sorted, which is one such order, and which tells :func:`thin` where it changes.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.partition(mg.tensor([4.0, 1.0, 3.0, 2.0]), 1)
    tensor([1., 2., 3., 4.])
    """
    if order is not None:
        raise TypeError("np.partition of a Tensor takes no order=: that is for arrays of records")
    x = operand(a)
    n = x.size if axis is None else x.shape[normalize_axis_index(axis, x.ndim)]
    if not all(-n <= k < n for k in np.ravel(numbers(kth))):
        raise ValueError(f"partition: place {kth} of {n} entries; there are those from {-n} to {n - 1}")
    return sort(x, axis)


def median(
    a: Any, axis: Axis = None, out: None = None, overwrite_input: bool = False, keepdims: bool = False
) -> Any:
    """
    Return the middle of the sorted entries over axes, the mean of both where there are two.

    Several entries that are equal to it share its derivative equally.

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
    middle = np.moveaxis(rows[..., (n - 1) // 2 : n // 2 + 1] if n else rows, -1, 0)
    return _finished(np.mean(_shared(middle, rows), axis=0), rows, x, axis, keepdims)


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
    method : str
        What to read off between two entries: "linear" or one of NumPy's other names.
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
    x = operand(a)
    rows = _sorted_rows(x, axis)
    return _finished(_read_off("quantile", rows, rows.shape[-1], q, method), rows, x, axis, keepdims)


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
    return quantile(a, _shares("percentile", a, q), axis, method=method, keepdims=keepdims)


def nanmedian(
    a: Any, axis: Axis = None, out: None = None, overwrite_input: bool = False, keepdims: bool = False
) -> Any:
    """
    Return the median over axes of the entries that are not nan; nan where all are.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nanmedian(mg.tensor([1.0, float("nan"), 2.0]))
    tensor(1.5)
    """
    refuse("nanmedian", out=out)
    x = operand(a)
    x = x if x.dtype.kind == "f" else x.astype(float)
    if x.size == 0:
        return np.sum(x, axis=axis, keepdims=keepdims) * np.nan
    return nanquantile(x, 0.5, axis, keepdims=keepdims)


def nanquantile(
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
    Return quantiles over axes of the entries that are not nan, nan where all are: see :func:`quantile`.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nanquantile(mg.tensor([1.0, float("nan"), 3.0, 2.0]), 0.25)
    tensor(1.5)
    """
    refuse("nanquantile", out=out, weights=weights)
    x = operand(a)
    rows = _sorted_rows(x, axis)
    present = np.sum(~np.isnan(numbers(rows)), axis=-1)
    return _spread_out(_read_off("nanquantile", rows, present, q, method), rows, x, axis, keepdims)


def nanpercentile(
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
    Return the same for shares in percent.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nanpercentile(mg.tensor([1.0, float("nan"), 3.0, 2.0]), 25)
    tensor(1.5)
    """
    refuse("nanpercentile", out=out, weights=weights)
    return nanquantile(a, _shares("nanpercentile", a, q), axis, method=method, keepdims=keepdims)


def _shares(name: str, a: Any, q: Any) -> Any:
    """Percents as shares, rounded as NumPy does."""
    _check_constant(name, q)
    x = operand(a)
    return np.true_divide(numbers(q), x.dtype.type(100) if x.dtype.kind == "f" else 100)


def _check_constant(name: str, q: Any) -> None:
    if getattr(q, "requires_grad", False):
        raise TypeError(f"{name} has no derivative by its shares; say so with q.data")


def _read_off(name: str, rows: Any, n: Any, q: Any, method: str) -> Any:
    """The quantiles of the first ``n`` entries of each sorted row, those of one share after the other."""
    if method not in _PLACES:
        raise ValueError(f"{name}: there is no method {method!r}; there are {', '.join(_PLACES)}")
    if rows.shape[-1] == 0:
        raise ValueError(f"{name} of no entries: there is nothing to read off, since an axis has length 0")
    _check_constant(name, q)
    lets_dtype_win = type(q) in (int, float) and rows.dtype.kind == "f"
    shares = np.asarray(numbers(q), dtype=rows.dtype if lets_dtype_win else None)
    shares = shares if shares.dtype.kind == "f" else shares.astype(float)
    if not ((shares >= 0) & (shares <= 1)).all():
        raise ValueError(f"{name} takes shares from 0 to 1, 0 to 100 in percent, but got the shares {shares}")
    count = np.asarray(n).astype(shares.dtype)
    place = _PLACES[method](count, np.reshape(shares, (*shares.shape, *(1,) * (rows.ndim - 1))))
    place = np.clip(place, 0, np.maximum(count - 1, 0))
    grid = np.ix_(*map(np.arange, rows.shape[:-1]))
    below = _shared(rows[(*grid, np.floor(place).astype(int))], rows)
    if method in _WHOLE:
        return below
    above = _shared(rows[(*grid, np.ceil(place).astype(int))], rows)
    return below + place % 1 * (above - below)


def _shared(entries: Any, rows: Any) -> Any:
    """The same entries of rows, with slopes from all that are equal to them: differences of 0 are added."""
    own = np.expand_dims(numbers(entries), -1)
    ties = (numbers(rows) == own) & np.isfinite(own)
    count = np.sum(ties, axis=-1)
    if not np.any(count > 1):
        return entries
    differences = np.where(ties, rows, 0) - np.where(ties, np.expand_dims(entries, -1), 0)
    return entries + np.sum(differences, axis=-1) / np.maximum(count, 1).astype(rows.dtype)


def _sorted_rows(x: Any, axis: Axis) -> Any:
    """The entries to choose from, sorted along a last axis; the other axes as they were."""
    if axis is None:
        return sort(x, axis=None)
    axes = normalize_axis_tuple(axis, x.ndim)
    last = np.moveaxis(x, axes, range(x.ndim - len(axes), x.ndim))
    rest = last.shape[: x.ndim - len(axes)]
    return sort(np.reshape(last, (*rest, x.size // max(np.prod(rest, dtype=int), 1))))


def _finished(result: Any, rows: Any, x: Any, axis: Axis, keepdims: bool) -> Any:
    """Let nan win, which stand last among the sorted entries."""
    lost = np.isnan(numbers(rows)[..., -1]) if rows.shape[-1] else np.False_
    if np.any(lost):
        result = np.where(lost, np.nan, result)
    return _spread_out(result, rows, x, axis, keepdims)


def _spread_out(result: Any, rows: Any, x: Any, axis: Axis, keepdims: bool) -> Any:
    """Give the axes that are kept back, with length 1."""
    if not keepdims:
        return result
    axes = range(x.ndim) if axis is None else normalize_axis_tuple(axis, x.ndim)
    lead = result.shape[: result.ndim - rows.ndim + 1]
    return np.reshape(result, (*lead, *(1 if k in axes else n for k, n in enumerate(x.shape))))


NUMPY |= {getattr(np, name): globals()[name] for name in __all__}
