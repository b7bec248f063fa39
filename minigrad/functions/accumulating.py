"""Running sums and products, differences of neighbours, and integrals, with NumPy's signatures."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..rules import NUMPY, ordering
from ..rules.operands import numbers
from .arguments import along, one_axis, operand, refuse, several_axes
from .reductions import Axis

__all__ = [
    "cumprod", "cumsum", "cumulative_prod", "cumulative_sum", "diff", "ediff1d", "nancumprod", "nancumsum",
    "trapezoid",
]  # fmt: skip


def cumsum(a: Any, axis: int | None = None, dtype: DTypeLike | None = None, out: None = None) -> Any:
    """
    Return the running sums along an axis, of all entries in a row for ``None``.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.cumsum(mg.tensor([1.0, 2.0, 3.0]))
    tensor([1., 3., 6.])
    """
    refuse("cumsum", out=out)
    x, axis = _in_line("cumsum", a, axis, dtype)
    result = ordering.cumsum(x, axis=axis)
    return result if dtype is None or result.dtype == dtype else result.astype(np.dtype(dtype))


def cumprod(a: Any, axis: int | None = None, dtype: DTypeLike | None = None, out: None = None) -> Any:
    """
    Return the running products along an axis, of all entries in a row for ``None``.

    The derivatives are exact also where entries are 0.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.cumprod(mg.tensor([1.0, 2.0, 3.0]))
    tensor([1., 2., 6.])
    """
    refuse("cumprod", out=out)
    x, axis = _in_line("cumprod", a, axis, dtype)
    if axis in (-1, x.ndim - 1):
        result = ordering.cumprod(x)
    else:
        result = np.moveaxis(ordering.cumprod(np.moveaxis(x, axis, -1)), -1, axis)
    return result if dtype is None or result.dtype == dtype else result.astype(np.dtype(dtype))


def cumulative_sum(
    x: Any,
    /,
    *,
    axis: int | None = None,
    dtype: DTypeLike | None = None,
    out: None = None,
    include_initial: bool = False,
) -> Any:
    """
    Return the running sums along an axis, with the empty sum 0 in front if ``include_initial``.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.cumulative_sum(mg.tensor([1.0, 2.0]), include_initial=True)
    tensor([0., 1., 3.])
    """
    refuse("cumulative_sum", out=out)
    return _cumulative("cumulative_sum", cumsum, operand(x), axis, dtype, 0 if include_initial else None)


def cumulative_prod(
    x: Any,
    /,
    *,
    axis: int | None = None,
    dtype: DTypeLike | None = None,
    out: None = None,
    include_initial: bool = False,
) -> Any:
    """
    Return the running products along an axis, with the empty product 1 in front if ``include_initial``.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.cumulative_prod(mg.tensor([3.0, 2.0]), include_initial=True)
    tensor([1., 3., 6.])
    """
    refuse("cumulative_prod", out=out)
    return _cumulative("cumulative_prod", cumprod, operand(x), axis, dtype, 1 if include_initial else None)


def _cumulative(name: str, running: Any, x: Any, axis: int | None, dtype: Any, first: float | None) -> Any:
    if axis is None and x.ndim != 1:
        raise ValueError(
            f"{name} of shape {x.shape}, with {x.ndim} axes: say along which axis= to accumulate"
        )
    axis = 0 if axis is None else one_axis(name, axis, x)
    result = running(x, axis, dtype)
    if first is None:
        return result
    shape = (*result.shape[:axis], 1, *result.shape[axis + 1 :])
    return np.concatenate([np.full(shape, first, dtype=result.dtype), result], axis=axis)


def nancumsum(a: Any, axis: int | None = None, dtype: DTypeLike | None = None, out: None = None) -> Any:
    """
    Return the running sums, with 0 for nan.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nancumsum(mg.tensor([1.0, float("nan"), 3.0]))
    tensor([1., 1., 4.])
    """
    refuse("nancumsum", out=out)
    x = operand(a)
    return cumsum(np.where(np.isnan(numbers(x)), 0, x), axis, dtype)


def nancumprod(a: Any, axis: int | None = None, dtype: DTypeLike | None = None, out: None = None) -> Any:
    """
    Return the running products, with 1 for nan.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.nancumprod(mg.tensor([2.0, float("nan"), 3.0]))
    tensor([2., 2., 6.])
    """
    refuse("nancumprod", out=out)
    x = operand(a)
    return cumprod(np.where(np.isnan(numbers(x)), 1, x), axis, dtype)


def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """
    Return the differences of neighbours along an axis, ``n`` times over.

    Parameters
    ----------
    a : array_like
        At least one axis.
    n : int
        How often; 0 gives ``a`` itself.
    axis : int
        Along which.
    prepend, append : array_like, optional
        What to put before and after the entries first; a number is one entry.

    Raises
    ------
    ValueError
        If ``n`` is negative or ``a`` has no axis.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.diff(mg.tensor([1.0, 4.0, 9.0, 16.0]), n=2)
    tensor([2., 2.])
    """
    x = operand(a)
    if n < 0:
        raise ValueError(f"diff takes differences n ≥ 0 times, but n = {n}")
    if x.ndim == 0:
        raise ValueError("diff of a single number: neighbours need an axis")
    axis = one_axis("diff", axis, x)
    if n == 0:
        return x
    if x.dtype == bool:
        raise TypeError("diff of true and false; convert them first: np.diff(t.astype(int))")
    before, after = _beside(prepend, x, axis), _beside(append, x, axis)
    if before or after:
        x = np.concatenate([*before, x, *after], axis=axis)
    for _ in range(n):
        x = x[along(axis, slice(1, None))] - x[along(axis, slice(None, -1))]
    return x


def _beside(entries: Any, x: Any, axis: int) -> list[Any]:
    """What to join to ``x``: nothing, or entries, a number as one of each row."""
    if entries is None or entries is np._NoValue:
        return []
    part = operand(entries)
    row = (*x.shape[:axis], 1, *x.shape[axis + 1 :])
    return [np.broadcast_to(part, row) if part.ndim == 0 else part]


def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    """
    Return the differences of neighbours among all entries in a row, between ``to_begin`` and ``to_end``.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.ediff1d(mg.tensor([1.0, 4.0, 9.0]), to_end=[0.0])
    tensor([3., 5., 0.])
    """
    x = np.reshape(operand(ary), (-1,))
    parts = [operand(part) for part in (to_begin, diff(x), to_end) if part is not None]
    rows = [np.reshape(part, (-1,)).astype(x.dtype) for part in parts]
    return np.concatenate(rows) if len(rows) > 1 else rows[0]


def _gradient(f: Any, *varargs: Any, axis: Axis = None, edge_order: int = 1) -> Any:
    """
    Return the slopes of samples along axes: the derivative of the parabola through each and its neighbours.

    Not public: ``mg.grad`` differentiates functions.

    Parameters
    ----------
    f : array_like
        The samples.
    *varargs : array_like
        How far apart they are, or where they are along each axis; one for all axes, or one for each.
    axis : int, tuple of int or None
        Along which axes; a tuple of results for several.
    edge_order : {1, 2}
        At the ends, the slope to the only neighbour, or that of the parabola through the last three.

    Raises
    ------
    ValueError
        If there are too few samples for that, or places do not fit them.
    TypeError
        If there are not as many spacings as axes.

    Examples
    --------
    >>> import numpy as np, minigrad as mg
    >>> np.gradient(mg.tensor([0.0, 1.0, 4.0, 9.0]), edge_order=2)
    tensor([0., 2., 4., 6.])
    """
    x = operand(f)
    x = x if x.dtype.kind == "f" else x.astype(float)
    if edge_order not in (1, 2):
        raise ValueError(f"gradient: edge_order is 1 or 2, not {edge_order}")
    axes = range(x.ndim) if axis is None else several_axes("gradient", axis, x)
    spacings = [operand(each) for each in varargs or (1.0,)]
    spacings *= len(axes) if len(spacings) == 1 and spacings[0].ndim == 0 else 1
    if len(spacings) != len(axes):
        raise TypeError(f"gradient along {len(axes)} axes takes as many spacings, but got {len(spacings)}")
    results = [_slopes(x, k, each, edge_order) for k, each in zip(axes, spacings, strict=True)]
    return results[0] if len(results) == 1 else tuple(results)


def _slopes(x: Any, axis: int, spacing: Any, edge_order: int) -> Any:
    n = x.shape[axis]
    if n <= edge_order:
        raise ValueError(f"gradient with edge_order={edge_order} takes {edge_order + 1} samples, but got {n}")
    if spacing.shape not in ((), (n,)):
        raise ValueError(f"gradient: {n} samples along axis {axis}, but places of shape {spacing.shape}")
    h = diff(spacing) if spacing.ndim else np.broadcast_to(spacing, (n - 1,))
    h = np.reshape(h, (n - 1, *(1,) * (x.ndim - axis - 1)))
    slope = diff(x, axis=axis) / h
    before, after = slope[along(axis, slice(None, -1))], slope[along(axis, slice(1, None))]
    inner = (h[1:] * before + h[:-1] * after) / (h[:-1] + h[1:])
    front, back = slope[along(axis, slice(None, 1))], slope[along(axis, slice(-1, None))]
    if edge_order == 2:
        bend = (after - before) / (h[:-1] + h[1:])
        front = front - h[:1] * bend[along(axis, slice(None, 1))]
        back = back + h[-1:] * bend[along(axis, slice(-1, None))]
    return np.concatenate([front, inner, back], axis=axis).astype(x.dtype)


def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """
    Return the integral of ``y`` along an axis by the trapezoidal rule, Σ Δx·(yᵢ + yᵢ₊₁)/2.

    Parameters
    ----------
    y : array_like
        The values.
    x : array_like, optional
        Where they are: of one axis, or of the shape of ``y``. Without it they are ``dx`` apart.
    dx : float
        The distance between them.
    axis : int
        Along which to integrate.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.trapezoid(mg.tensor([0.0, 1.0, 4.0]), x=[0.0, 1.0, 3.0])
    tensor(5.5)
    """
    values = operand(y)
    axis = one_axis("trapezoid", axis, values)
    width: Any = operand(dx) if isinstance(dx, np.ndarray) else dx
    if x is not None:
        width = diff(x, axis=axis if operand(x).ndim > 1 else 0)
        if width.ndim == 1:
            width = np.reshape(width, (-1, *(1,) * (values.ndim - axis - 1)))
    ends = values[along(axis, slice(1, None))] + values[along(axis, slice(None, -1))]
    return np.sum(width * ends / 2.0, axis=axis)


def _in_line(name: str, a: Any, axis: int | None, dtype: DTypeLike | None) -> tuple[Any, int]:
    """The entries to accumulate, converted beforehand as NumPy does, and the axis."""
    x = operand(a)
    if dtype is not None:
        if np.dtype(dtype).kind not in "fiu":
            raise TypeError(f"{name} gives numbers, not those of dtype {np.dtype(dtype)}")
        x = x.astype(np.dtype(dtype))
    x = np.reshape(x, (-1,)) if axis is None or x.ndim == 0 else x
    return x, 0 if axis is None else one_axis(name, axis, x)


NUMPY |= {getattr(np, name): globals()[name] for name in __all__ if hasattr(np, name)}  # some since 2.1
NUMPY[np.gradient] = _gradient
