"""Reductions over axes, with NumPy's signatures: sums and moments, extrema, and both without nan."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple
from numpy.typing import DTypeLike

from ..rules import NUMPY, gates, reductions
from ..rules.operands import numbers
from .arguments import operand, refuse

__all__ = [
    "amax", "amin", "average", "max", "mean", "min", "nanmax", "nanmean", "nanmin", "nanprod", "nanstd",
    "nansum", "nanvar", "prod", "ptp", "std", "sum", "var",
]  # fmt: skip

Axis: TypeAlias = int | tuple[int, ...] | None

# Sums and moments


def sum(
    a: Any,
    axis: Axis = None,
    dtype: DTypeLike | None = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """
    Return the sum over axes, of those entries alone ``where`` a mask holds, plus ``initial``.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.sum(mg.tensor([[1.0, 2.0], [3.0, 4.0]]), axis=0)
    tensor([4., 6.])
    """
    refuse("sum", out=out)
    result = reductions.sum(_masked("sum", _of("sum", a, dtype), where, 0), axis=axis, keepdims=keepdims)
    if dtype is not None:  # of small whole numbers the sum is larger ones
        result = result.astype(np.dtype(dtype))
    return result + _initial("sum", initial).astype(result.dtype) if _given(initial) else result


def prod(
    a: Any,
    axis: Axis = None,
    dtype: DTypeLike | None = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """
    Return the product over axes, of those entries alone ``where`` a mask holds, times ``initial``.

    Its derivatives are exact also where entries are 0.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor([0.0, 2.0, 3.0], requires_grad=True)
    >>> mg.prod(x).backward()
    >>> x.grad
    array([6., 0., 0.])
    """
    refuse("prod", out=out)
    result = reductions.prod(_masked("prod", _of("prod", a, dtype), where, 1), axis=axis, keepdims=keepdims)
    if dtype is not None:
        result = result.astype(np.dtype(dtype))
    return result * _initial("prod", initial).astype(result.dtype) if _given(initial) else result


def mean(
    a: Any,
    axis: Axis = None,
    dtype: DTypeLike | None = None,
    out: None = None,
    keepdims: bool = False,
    *,
    where: Any = True,
) -> Any:
    """
    Return the arithmetic mean over axes, of those entries alone ``where`` a mask holds.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.mean(mg.tensor([1.0, 2.0, 6.0]))
    tensor(3.)
    """
    refuse("mean", out=out)
    x = _of("mean", a, dtype, "f")
    if where is True:
        return reductions.mean(x, axis=axis, keepdims=keepdims)
    total = reductions.sum(_masked("mean", x, where, 0), axis=axis, keepdims=keepdims)
    counted = np.sum(np.broadcast_to(numbers(where), x.shape), axis=axis, keepdims=keepdims)
    return (total / counted).astype(x.dtype if x.dtype.kind == "f" else float)


def average(
    a: Any, axis: Axis = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False
) -> Any:
    """
    Return the weighted mean Σ w·x / Σ w over axes, which has a derivative by the weights too.

    Raises
    ------
    ZeroDivisionError
        If weights sum to 0.
    ValueError, TypeError
        If the weights' shape is neither that of ``a`` nor that of the axes.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.average(mg.tensor([1.0, 2.0]), weights=[3.0, 1.0])
    tensor(1.25)
    """
    x, axis = operand(a), axis if axis is None else normalize_axis_tuple(axis, operand(a).ndim)
    if weights is None:
        result = mean(x, axis=axis, keepdims=keepdims)
        n = x.size / result.size if result.size else 0
        return (result, np.full(result.shape, n, dtype=result.dtype)) if returned else result
    w = _spread_weights(operand(weights), x, axis)
    total = np.sum(w, axis=axis, keepdims=keepdims)
    if np.any(numbers(total) == 0):
        raise ZeroDivisionError("the weights sum to 0, so there is no average; give some a positive weight")
    result = np.sum(x * w, axis=axis, keepdims=keepdims) / total
    return (result, np.broadcast_to(total, result.shape)) if returned else result


def _spread_weights(w: Any, x: Any, axis: Axis) -> Any:
    """Give weights along some axes all axes of ``x``."""
    if w.shape == x.shape:
        return w
    if axis is None:
        raise TypeError(f"weights of shape {w.shape} for shape {x.shape}: say along which axis= they are")
    axes = normalize_axis_tuple(axis, x.ndim)
    lengths = tuple(x.shape[k] for k in axes)
    if w.shape != lengths:
        raise ValueError(f"weights along axis {axis} of shape {x.shape} have shape {lengths}, not {w.shape}")
    ordered = np.transpose(w, tuple(np.argsort(axes)))
    return np.broadcast_to(
        np.reshape(ordered, [n if k in axes else 1 for k, n in enumerate(x.shape)]), x.shape
    )


def var(
    a: Any,
    axis: Axis = None,
    dtype: DTypeLike | None = None,
    out: None = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: Any = True,
    mean: Any = None,
    correction: float | None = None,
) -> Any:
    """
    Return the variance Σ (x − x̄)² / (n − ddof) over axes; ``correction`` is another name of ``ddof``.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.var(mg.tensor([1.0, 2.0, 3.0]), ddof=1)
    tensor(1.)
    """
    refuse("var", out=out, where=where, mean=mean)
    x = _of("var", a, dtype, "f")
    return reductions.var(x, axis=axis, ddof=_ddof(ddof, correction), keepdims=keepdims)


def std(
    a: Any,
    axis: Axis = None,
    dtype: DTypeLike | None = None,
    out: None = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: Any = True,
    mean: Any = None,
    correction: float | None = None,
) -> Any:
    """
    Return the standard deviation, the square root of :func:`var`; where it is 0, so is its derivative.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.std(mg.tensor([1.0, 3.0]))
    tensor(1.)
    """
    refuse("std", out=out, where=where, mean=mean)
    x = _of("std", a, dtype, "f")
    return reductions.std(x, axis=axis, ddof=_ddof(ddof, correction), keepdims=keepdims)


def _ddof(ddof: float, correction: float | None) -> float:
    if correction is None:
        return ddof
    if ddof != 0:
        raise ValueError("ddof and correction are two names of one number; give one of them")
    return correction


def _of(name: str, a: Any, dtype: DTypeLike | None, kinds: str = "fiu") -> Any:
    """The entries to reduce, converted beforehand, as NumPy does."""
    x = operand(a)
    if dtype is None:
        return x
    if np.dtype(dtype).kind not in kinds:
        what = "floating point" if kinds == "f" else "numbers; np.any and np.all say what is true"
        raise TypeError(f"np.{name} of a Tensor takes no dtype={np.dtype(dtype)}: the result is in {what}")
    return x.astype(np.dtype(dtype))


def _initial(name: str, initial: Any) -> Any:
    first = operand(initial)
    if first.ndim:
        raise ValueError(f"{name} takes one number as initial=, but got shape {first.shape}")
    return first


def _given(option: Any) -> bool:
    return option is not None and option is not np._NoValue


def _masked(name: str, x: Any, where: Any, neutral: Any) -> Any:
    """The entries, with one that changes nothing where the mask does not hold."""
    if where is True or where is np._NoValue:
        return x
    mask = operand(numbers(where))
    if np.broadcast_shapes(mask.shape, x.shape) != x.shape:
        raise ValueError(f"{name} takes a mask where= of shape {x.shape} or less, but got {mask.shape}")
    return np.where(mask, x, neutral)


# Extrema


def max(
    a: Any,
    axis: Axis = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """
    Return the largest entry over axes; several that attain it share the derivative equally.

    ``initial`` takes part as one more entry, and must be given where a mask ``where`` leaves some out.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.max(mg.tensor([[1.0, 4.0], [3.0, 2.0]]), axis=1)
    tensor([4., 3.])
    """
    refuse("max", out=out)
    return _extremum(reductions.max, gates.maximum, operand(a), axis, keepdims, initial, where)


def min(
    a: Any,
    axis: Axis = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """
    Return the smallest entry over axes; several that attain it share the derivative equally.

    ``initial`` takes part as one more entry, and must be given where a mask ``where`` leaves some out.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.min(mg.tensor([[1.0, 4.0], [3.0, 2.0]]), axis=1)
    tensor([1., 2.])
    """
    refuse("min", out=out)
    return _extremum(reductions.min, gates.minimum, operand(a), axis, keepdims, initial, where)


amax, amin = max, min


def _extremum(
    reduce: Any, pairwise: Any, x: Any, axis: Axis, keepdims: bool, initial: Any, where: Any
) -> Any:
    """The extremum, also compared with what is given."""
    if not _given(initial):
        if where is not True and where is not np._NoValue:
            raise ValueError(f"{reduce.name} with where= takes initial= too: the result where nothing counts")
        return reduce(x, axis=axis, keepdims=keepdims)
    first = _initial(reduce.name, initial).astype(x.dtype)
    loser = -pairwise(-np.inf, np.inf) if x.dtype.kind == "f" else numbers(first)
    x = _masked(reduce.name, x, where, loser)
    if x.size == 0:
        return np.broadcast_to(first, np.sum(numbers(x), axis=axis, keepdims=keepdims).shape)
    return pairwise(reduce(x, axis=axis, keepdims=keepdims), first)


def ptp(a: Any, axis: Axis = None, out: None = None, keepdims: bool = False) -> Any:
    """
    Return the range over axes, largest minus smallest ("peak to peak").

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.ptp(mg.tensor([2.0, 7.0, 3.0]))
    tensor(5.)
    """
    refuse("ptp", out=out)
    return max(a, axis=axis, keepdims=keepdims) - min(a, axis=axis, keepdims=keepdims)


# Without nan


def nansum(
    a: Any,
    axis: Axis = None,
    dtype: DTypeLike | None = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """
    Return the sum over axes of the entries that are not nan.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nansum(mg.tensor([1.0, float("nan"), 2.0]))
    tensor(3.)
    """
    refuse("nansum", out=out)
    return sum(_replaced(a, 0), axis, dtype, None, keepdims, initial, where)


def nanprod(
    a: Any,
    axis: Axis = None,
    dtype: DTypeLike | None = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """
    Return the product over axes of the entries that are not nan.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nanprod(mg.tensor([3.0, float("nan"), 2.0]))
    tensor(6.)
    """
    refuse("nanprod", out=out)
    return prod(_replaced(a, 1), axis, dtype, None, keepdims, initial, where)


def nanmean(
    a: Any,
    axis: Axis = None,
    dtype: DTypeLike | None = None,
    out: None = None,
    keepdims: bool = False,
    *,
    where: Any = True,
) -> Any:
    """
    Return the mean over axes of the entries that are not nan.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nanmean(mg.tensor([1.0, float("nan"), 2.0]))
    tensor(1.5)
    """
    refuse("nanmean", out=out, where=where)
    x = _of("nanmean", a, dtype, "f")
    if x.dtype.kind != "f":
        return reductions.mean(x, axis=axis, keepdims=keepdims)
    total = sum(_replaced(x, 0), axis=axis, keepdims=keepdims)
    return (total / _present(x, axis, keepdims)).astype(x.dtype)


def nanvar(
    a: Any,
    axis: Axis = None,
    dtype: DTypeLike | None = None,
    out: None = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: Any = True,
    mean: Any = None,
    correction: float | None = None,
) -> Any:
    """
    Return the variance over axes of the entries that are not nan.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nanvar(mg.tensor([1.0, float("nan"), 3.0]))
    tensor(1.)
    """
    refuse("nanvar", out=out, where=where, mean=mean)
    x, ddof = _of("nanvar", a, dtype, "f"), _ddof(ddof, correction)
    if x.dtype.kind != "f":
        return reductions.var(x, axis=axis, ddof=ddof, keepdims=keepdims)
    away = np.where(np.isnan(numbers(x)), 0, x - nanmean(x, axis=axis, keepdims=True))
    freedom = _present(x, axis, keepdims) - ddof
    total = sum(away * away, axis=axis, keepdims=keepdims)
    return (total / np.where(freedom > 0, freedom, np.nan)).astype(x.dtype)


def nanstd(
    a: Any,
    axis: Axis = None,
    dtype: DTypeLike | None = None,
    out: None = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: Any = True,
    mean: Any = None,
    correction: float | None = None,
) -> Any:
    """
    Return the standard deviation over axes of the entries that are not nan; at 0 its derivative is 0.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nanstd(mg.tensor([1.0, float("nan"), 3.0]))
    tensor(1.)
    """
    refuse("nanstd", out=out, where=where, mean=mean)
    variance = nanvar(a, axis, dtype, ddof=ddof, keepdims=keepdims, correction=correction)
    flat = numbers(variance) == 0
    return np.where(flat, 0, np.sqrt(np.where(flat, 1, variance)))


def nanmax(
    a: Any,
    axis: Axis = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """
    Return the largest entry over axes that is not nan; nan where all are.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nanmax(mg.tensor([1.0, float("nan"), 2.0]))
    tensor(2.)
    """
    refuse("nanmax", out=out, initial=initial, where=where)
    return _without_nan(max, a, -np.inf, axis, keepdims)


def nanmin(
    a: Any,
    axis: Axis = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """
    Return the smallest entry over axes that is not nan; nan where all are.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nanmin(mg.tensor([1.0, float("nan"), 2.0]))
    tensor(1.)
    """
    refuse("nanmin", out=out, initial=initial, where=where)
    return _without_nan(min, a, np.inf, axis, keepdims)


def _without_nan(extremum: Any, a: Any, loser: float, axis: Axis, keepdims: bool) -> Any:
    x = operand(a)
    result = extremum(_replaced(x, loser), axis=axis, keepdims=keepdims)
    empty = np.all(np.isnan(numbers(x)), axis=axis, keepdims=keepdims)
    return np.where(empty, np.nan, result) if np.any(empty) else result


def _replaced(a: Any, value: float) -> Any:
    """The entries, with another value where they are nan."""
    x = operand(a)
    return np.where(np.isnan(numbers(x)), value, x) if x.dtype.kind == "f" else x


def _present(x: Any, axis: Axis, keepdims: bool) -> Any:
    """How many entries are not nan, in float64, since float16 ends at 65504; nan for none."""
    count = np.sum(~np.isnan(numbers(x)), axis=axis, keepdims=keepdims)
    return np.where(count > 0, count, np.nan)


NUMPY |= {getattr(np, name): globals()[name] for name in __all__}
