"""Arrays made of few numbers, with NumPy's signatures: one everywhere, or steps from one to another."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index
from numpy.typing import DTypeLike

from ..rules import NUMPY
from ..rules.operands import numbers
from .arguments import operand, refuse

__all__ = ["full", "full_like", "geomspace", "linspace", "logspace"]


def full(shape: int | tuple[int, ...], fill_value: Any, dtype: DTypeLike | None = None) -> Any:
    """
    Return an array that has one number, or one row of them, everywhere.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.full((2, 2), mg.tensor(3.0))
    tensor([[3., 3.],
            [3., 3.]])
    """
    x = operand(fill_value)
    return np.copy(np.broadcast_to(x if dtype is None else x.astype(np.dtype(dtype)), shape))


def full_like(
    a: Any,
    fill_value: Any,
    dtype: DTypeLike | None = None,
    order: str = "K",
    subok: bool = True,
    shape: int | tuple[int, ...] | None = None,
    *,
    device: str | None = None,
) -> Any:
    """
    Return an array of the shape and dtype of ``a`` that has one number, or one row of them, everywhere.

    Examples
    --------
    >>> import numpy as np, minigrad as mg
    >>> mg.full_like(np.zeros(3), mg.tensor(2.0))
    tensor([2., 2., 2.])
    """
    refuse("full_like", order=None if order == "K" else order)
    like = numbers(operand(a))
    return full(like.shape if shape is None else shape, fill_value, like.dtype if dtype is None else dtype)


def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: DTypeLike | None = None,
    axis: int = 0,
    *,
    device: str | None = None,
) -> Any:
    """
    Return ``num`` numbers at equal steps from ``start`` to ``stop``: linear in both.

    Parameters
    ----------
    start, stop : array_like
        The ends; shapes broadcast.
    num : int
        How many.
    endpoint : bool
        Whether ``stop`` is the last of them; if not, it would be the next.
    retstep : bool
        Whether to return the step too.
    dtype : dtype, optional
        Of the result; whole numbers are rounded down.
    axis : int
        Along which they stand in the result.
    device : str, optional
        Taken for NumPy's sake.

    Raises
    ------
    ValueError
        If ``num`` is negative.

    Examples
    --------
    >>> import numpy as np, minigrad as mg
    >>> stop = mg.tensor(3.0, requires_grad=True)
    >>> line = np.linspace(1.0, stop, 5)
    >>> line.data
    array([1. , 1.5, 2. , 2.5, 3. ])
    >>> line.sum().backward()
    >>> stop.grad
    array(2.5)
    """
    num = operator.index(num)
    if num < 0:
        raise ValueError(f"linspace makes num ≥ 0 numbers, but num = {num}")
    kind = np.result_type(*(getattr(end, "dtype", end) for end in map(_weak, (start, stop))), 1.0)
    first, last = np.broadcast_arrays(*(operand(end).astype(kind) for end in (start, stop)))
    count = num - 1 if endpoint else num
    step = (last - first) / count if count > 0 else (last - first) * np.nan
    places = np.arange(num, dtype=kind).reshape(-1, *(1,) * first.ndim)
    line = first + places * (step if count > 0 else last - first)
    if endpoint and num > 1:
        line = np.concatenate([line[:-1], last[None]])
    line = np.moveaxis(line, 0, normalize_axis_index(axis, line.ndim)) if axis else line
    if dtype is not None:
        line = (np.floor(line) if np.dtype(dtype).kind in "iu" else line).astype(np.dtype(dtype))
    return (line, step) if retstep else line


def logspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    base: Any = 10.0,
    dtype: DTypeLike | None = None,
    axis: int = 0,
) -> Any:
    """
    Return ``num`` powers of ``base`` with exponents at equal steps from ``start`` to ``stop``.

    See :func:`linspace`.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.logspace(mg.tensor(0.0), 2.0, 3)
    tensor([  1.,  10., 100.])
    """
    if np.ndim(base):
        start, stop, base = np.broadcast_arrays(*map(operand, (start, stop, base)))
        base = np.expand_dims(base, axis)
    powers = np.power(base, linspace(start, stop, num, endpoint, axis=axis))
    return powers if dtype is None else powers.astype(np.dtype(dtype))


def geomspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: DTypeLike | None = None, axis: int = 0
) -> Any:
    """
    Return ``num`` numbers from ``start`` to ``stop`` of which each is the same multiple of the one before.

    They are in float64 at least, as NumPy's are. See :func:`linspace`.

    Raises
    ------
    ValueError
        If an end is 0, or the two have different signs.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.geomspace(mg.tensor(1.0), 8.0, 4)
    tensor([1., 2., 4., 8.])
    """
    kind = np.result_type(*(operand(end).dtype for end in (start, stop)), np.float64)
    first, last = np.broadcast_arrays(*(operand(end).astype(kind) for end in (start, stop)))
    sign = np.sign(numbers(first))
    if (sign * np.sign(numbers(last)) <= 0).any():
        raise ValueError(
            f"geomspace goes between numbers of one sign, never through 0, but got {numbers(first)} "
            f"and {numbers(last)}"
        )
    line = sign * logspace(np.log10(sign * first), np.log10(sign * last), num, endpoint)
    ends = [first[None]][:num], [last[None]] if endpoint and num > 1 else []
    inner = line[1 : num - len(ends[1])]
    line = np.concatenate([*ends[0], inner, *ends[1]])
    line = np.moveaxis(line, 0, normalize_axis_index(axis, line.ndim)) if axis else line
    return line if dtype is None else line.astype(np.dtype(dtype))


def _weak(end: Any) -> Any:
    """The end itself if it has no dtype to insist on, as Python's numbers have not."""
    return end if isinstance(end, (int, float)) else operand(end)


NUMPY |= {getattr(np, name): globals()[name] for name in __all__ if name != "full"}  # it does not ask
