"""The same entries in other shapes and places, with NumPy's signatures."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..rules import NUMPY, shaping
from .arguments import one_axis, operand, refuse, several_axes

__all__ = [
    "astype", "atleast_1d", "atleast_2d", "atleast_3d", "broadcast_arrays", "broadcast_to", "copy",
    "expand_dims", "flip", "fliplr", "flipud", "matrix_transpose", "meshgrid", "moveaxis", "permute_dims",
    "ravel", "reshape", "roll", "rollaxis", "rot90", "squeeze", "swapaxes", "transpose",
]  # fmt: skip


def reshape(a: Any, /, shape: int | Sequence[int], order: str = "C", *, copy: bool | None = None) -> Any:
    """
    Return the same entries in another shape, row by row; one length may be −1.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.reshape(mg.tensor([1.0, 2.0, 3.0, 4.0]), (2, -1))
    tensor([[1., 2.],
            [3., 4.]])
    """
    refuse("reshape", order=order)
    return shaping.reshape(operand(a), shape=_lengths(shape))


def _lengths(shape: int | Sequence[int]) -> tuple[int, ...]:
    return (operator.index(shape),) if hasattr(shape, "__index__") else tuple(map(operator.index, shape))


def ravel(a: Any, order: str = "C") -> Any:
    """
    Return all entries in a row, a view where that is possible.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.ravel(mg.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([1., 2., 3., 4.])
    """
    refuse("ravel", order=order)
    return shaping.reshape(operand(a), shape=(-1,))


def astype(x: Any, dtype: DTypeLike, /, *, copy: bool = True, device: None = None) -> Any:
    """
    Return the entries in another dtype; gradients come back in that of ``x``.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.astype(mg.tensor([1.5, 2.0]), "float32").dtype
    dtype('float32')
    """
    return shaping.astype(operand(x), dtype=np.dtype(dtype))


def copy(a: Any, order: str = "K", subok: bool = False) -> Any:
    """
    Return the same entries in memory of their own.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.copy(mg.tensor([1.0, 2.0]))
    tensor([1., 2.])
    """
    x = operand(a)
    if order not in ("C", "F", "A", "K"):
        raise ValueError(f'copy: the order in memory is "C", "F", "A" or "K", not {order!r}')
    return shaping.astype(x, dtype=x.dtype)


# Axes


def transpose(a: Any, axes: int | Sequence[int] | None = None) -> Any:
    """
    Return the entries with axes permuted, or reversed where no ``axes`` are given.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.transpose(mg.tensor([[1.0, 2.0]])).shape
    (2, 1)
    """
    x = operand(a)
    return shaping.transpose(x) if axes is None else shaping.transpose(x, axes=_lengths(axes))


permute_dims = transpose


def matrix_transpose(x: Any, /) -> Any:
    """
    Return each matrix of a stack transposed: the last two axes swap.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.matrix_transpose(mg.tensor([[[1.0, 2.0]]])).shape
    (1, 2, 1)
    """
    x = operand(x)
    if x.ndim < 2:
        raise ValueError(f"a matrix has two axes at least, but got shape {x.shape}")
    return swapaxes(x, -1, -2)


def swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    """
    Return the entries with two axes exchanged.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.swapaxes(mg.tensor([[[1.0, 2.0]]]), 0, 2).shape
    (2, 1, 1)
    """
    x = operand(a)
    first, second = one_axis("swapaxes", axis1, x), one_axis("swapaxes", axis2, x)
    axes = list(range(x.ndim))
    axes[first], axes[second] = second, first
    return shaping.transpose(x, axes=tuple(axes))


def moveaxis(a: Any, source: int | Sequence[int], destination: int | Sequence[int]) -> Any:
    """
    Return the entries with some axes moved to other places, the rest in their order.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.moveaxis(mg.tensor([[[1.0, 2.0]]]), -1, 0).shape
    (2, 1, 1)
    """
    x = operand(a)
    origin, aim = (several_axes("moveaxis", axis, x) for axis in (source, destination))
    if len(origin) != len(aim):
        raise ValueError(f"moveaxis takes as many places as axes, but got {source} and {destination}")
    axes = [k for k in range(x.ndim) if k not in origin]
    for place, axis in sorted(zip(aim, origin, strict=True)):
        axes.insert(place, axis)
    return shaping.transpose(x, axes=tuple(axes))


def rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    """
    Return the entries with one axis moved to before axis ``start``; :func:`moveaxis` is easier to read.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.rollaxis(mg.tensor([[[1.0, 2.0]]]), 2).shape
    (2, 1, 1)
    """
    x = operand(a)
    axis = one_axis("rollaxis", axis, x)
    start = x.ndim if start == x.ndim else one_axis("rollaxis", start, x)
    return moveaxis(x, axis, start - 1 if axis < start else start)


def expand_dims(a: Any, axis: int | Sequence[int]) -> Any:
    """
    Return the entries with new axes of length 1.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.expand_dims(mg.tensor([1.0, 2.0]), 0).shape
    (1, 2)
    """
    return shaping.expand_dims(operand(a), axis=axis if hasattr(axis, "__index__") else tuple(axis))


def squeeze(a: Any, axis: int | tuple[int, ...] | None = None) -> Any:
    """
    Return the entries without the axes of length 1, or without the given ones.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.squeeze(mg.tensor([[1.0, 2.0]])).shape
    (2,)
    """
    return shaping.squeeze(operand(a), axis=axis)


def atleast_1d(*arys: Any) -> Any:
    """
    Return a number as an array of one axis, others as they are; a tuple of results for several.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.atleast_1d(mg.tensor(1.0))
    tensor([1.])
    """
    return _each(arys, lambda x: x if x.ndim else np.reshape(x, (1,)))


def atleast_2d(*arys: Any) -> Any:
    """
    Return arrays with two axes at least, new ones in front; a tuple of results for several.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.atleast_2d(mg.tensor([1.0, 2.0])).shape
    (1, 2)
    """
    return _each(arys, lambda x: x if x.ndim > 1 else np.reshape(x, (1, -1)))


def atleast_3d(*arys: Any) -> Any:
    """
    Return arrays with three axes at least: (n,) becomes (1, n, 1), (m, n) becomes (m, n, 1).

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.atleast_3d(mg.tensor([1.0, 2.0])).shape
    (1, 2, 1)
    """
    return _each(arys, lambda x: x if x.ndim > 2 else np.expand_dims(atleast_2d(x), -1))


def _each(arrays: Sequence[Any], change: Any) -> Any:
    results = tuple(change(operand(array)) for array in arrays)
    return results[0] if len(results) == 1 else results


# Broadcasting


def broadcast_to(array: Any, shape: int | Sequence[int], subok: bool = False) -> Any:
    """
    Return copies of the entries along new axes and axes of length 1; gradients of copies add up.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.broadcast_to(mg.tensor([1.0, 2.0]), (2, 2))
    tensor([[1., 2.],
            [1., 2.]])
    """
    return shaping.broadcast_to(operand(array), shape=_lengths(shape))


def broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Any, ...]:
    """
    Return the arrays broadcast to their common shape.

    Examples
    --------
    >>> import minigrad as mg
    >>> [x.shape for x in mg.broadcast_arrays(mg.tensor([1.0, 2.0]), mg.tensor([[3.0]]))]
    [(1, 2), (1, 2)]
    """
    arrays = [operand(x) for x in args]
    shape = np.broadcast_shapes(*(x.shape for x in arrays))
    return tuple(x if x.shape == shape else shaping.broadcast_to(x, shape=shape) for x in arrays)


def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> tuple[Any, ...]:
    """
    Return the coordinates of a grid, one array per axis; with ``"xy"`` the first two axes change places.

    Examples
    --------
    >>> import minigrad as mg
    >>> x, y = mg.meshgrid(mg.tensor([1.0, 2.0]), mg.tensor([3.0, 4.0, 5.0]))
    >>> x.shape
    (3, 2)
    """
    if indexing not in ("xy", "ij"):
        raise ValueError(f'meshgrid: indexing is "xy" or "ij", not {indexing!r}')
    n = len(xi)
    order = [1, 0, *range(2, n)] if indexing == "xy" and n > 1 else list(range(n))
    lines = tuple(
        np.reshape(operand(x), [-1 if k == order[j] else 1 for k in range(n)]) for j, x in enumerate(xi)
    )
    return lines if sparse else broadcast_arrays(*lines)


# Turning and rolling


def flip(m: Any, axis: int | tuple[int, ...] | None = None) -> Any:
    """
    Return the entries in reverse order along axes, all of them for ``None``.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.flip(mg.tensor([1.0, 2.0, 3.0]))
    tensor([3., 2., 1.])
    """
    x = operand(m)
    axes = range(x.ndim) if axis is None else several_axes("flip", axis, x)
    return x[tuple(slice(None, None, -1) if k in axes else slice(None) for k in range(x.ndim))]


def fliplr(m: Any) -> Any:
    """
    Return the columns in reverse order.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.fliplr(mg.tensor([[1.0, 2.0]]))
    tensor([[2., 1.]])
    """
    x = operand(m)
    if x.ndim < 2:
        raise ValueError(f"fliplr takes two axes at least, but got shape {x.shape}")
    return flip(x, 1)


def flipud(m: Any) -> Any:
    """
    Return the rows in reverse order.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.flipud(mg.tensor([1.0, 2.0]))
    tensor([2., 1.])
    """
    x = operand(m)
    if x.ndim < 1:
        raise ValueError("flipud takes one axis at least, but got a single number")
    return flip(x, 0)


def rot90(m: Any, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Any:
    """
    Return the entries turned by k·90° in the plane of two axes, from the first towards the second.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.rot90(mg.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([[2., 4.],
            [1., 3.]])
    """
    x = operand(m)
    if len(axes) != 2:
        raise ValueError(f"rot90 turns in the plane of two axes, but got {axes}")
    first, second = (one_axis("rot90", axis, x) for axis in axes)
    if first == second:
        raise ValueError(f"rot90 turns in the plane of two different axes, but got {axes}")
    turned = {
        0: lambda: x[...],
        1: lambda: swapaxes(flip(x, second), first, second),
        2: lambda: flip(x, (first, second)),
        3: lambda: flip(swapaxes(x, first, second), second),
    }
    return turned[operator.index(k) % 4]()


def roll(a: Any, shift: Any, axis: int | tuple[int, ...] | None = None) -> Any:
    """
    Return the entries moved along axes; those that leave at the end come in at the start.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.roll(mg.tensor([1.0, 2.0, 3.0]), 1)
    tensor([3., 1., 2.])
    """
    return shaping.roll(operand(a), shift=shift, axis=axis)


def _real(val: Any) -> Any:
    """Return the entries themselves, which are real."""
    return operand(val)


def _real_if_close(a: Any, tol: float = 100) -> Any:
    """Return the entries themselves, which are real."""
    return operand(a)


NUMPY |= {getattr(np, name): globals()[name] for name in __all__ if hasattr(np, name)}  # some since 2.1
NUMPY |= {np.real: _real, np.real_if_close: _real_if_close}
