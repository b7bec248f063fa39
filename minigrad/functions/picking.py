"""Picking entries by index, condition or place in a matrix, with NumPy's signatures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..rules import NUMPY
from ..rules.operands import as_array, numbers
from ..rules.shaping import scatter_add
from .arguments import along, one_axis, operand, refuse, several_axes

__all__ = [
    "choose", "compress", "delete", "diag", "diagflat", "diagonal", "extract", "take", "take_along_axis",
    "tril", "trim_zeros", "triu",
]  # fmt: skip


def take(a: Any, indices: Any, axis: int | None = None, out: None = None, mode: str = "raise") -> Any:
    """
    Return the entries at ``indices`` along an axis, of all in a row for ``None``.

    Parameters
    ----------
    a : array_like
        What to take from.
    indices : array_like of int
        Which; those that occur several times get the sum of the gradients.
    axis : int, optional
        Along which.
    out : None
        Not supported.
    mode : {"raise", "wrap", "clip"}
        What to do with an index out of bounds.

    Raises
    ------
    IndexError
        If an index is out of bounds.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.take(mg.tensor([10.0, 20.0, 30.0]), [2, 0])
    tensor([30., 10.])
    """
    refuse("take", out=out)
    return _taken("take", operand(a), as_array(numbers(indices)), axis, mode)


def _taken(name: str, x: Any, indices: Any, axis: int | None, mode: str = "raise") -> Any:
    if axis is None:
        x, axis = np.reshape(x, (-1,)), 0
    axis = one_axis(name, axis, x)
    whole, n = _within(name, indices, x.shape[axis], mode), x.shape[axis]
    if whole.size and not (-n <= whole.min() and whole.max() < n):
        beyond = whole[(whole < -n) | (whole >= n)].flat[0]
        raise IndexError(
            f"{name} got index {beyond}, but there are {n} entries along axis {axis} of {x.shape}"
        )
    return x[along(axis, whole)]


def _within(name: str, indices: Any, n: int, mode: str) -> Any:
    if mode not in ("raise", "wrap", "clip"):
        raise ValueError(
            f'{name}: mode is "raise", "wrap" or "clip", for indices out of bounds, not {mode!r}'
        )
    if indices.size == 0:
        return indices.astype(int)
    if indices.dtype.kind not in "iu" and indices.dtype != bool:
        raise TypeError(f"{name} takes indices that are whole numbers, but got dtype {indices.dtype}")
    whole = indices.astype(int)
    return whole if mode == "raise" else whole % n if mode == "wrap" else np.clip(whole, 0, n - 1)


def take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    """
    Return for each row along an axis its entries at its own indices, as argsort and argmax give them.

    Examples
    --------
    >>> import numpy as np, minigrad as mg
    >>> mg.take_along_axis(mg.tensor([[3.0, 1.0], [5.0, 7.0]]), np.array([[1], [1]]), axis=1)
    tensor([[1.],
            [7.]])
    """
    x, places = operand(arr), as_array(numbers(indices))
    if axis is None:
        x, axis = np.reshape(x, (-1,)), 0
    axis = one_axis("take_along_axis", axis, x)
    if places.ndim != x.ndim:
        raise ValueError(f"indices need the {x.ndim} axes of shape {x.shape}, but have shape {places.shape}")
    if places.dtype.kind not in "iu":
        raise IndexError(f"indices are whole numbers, but got dtype {places.dtype}")
    index = list(np.ix_(*map(np.arange, x.shape)))
    index[axis] = places
    return x[tuple(index)]


def compress(condition: Any, a: Any, axis: int | None = None, out: None = None) -> Any:
    """
    Return the slices along an axis for which a condition holds.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.compress([True, False, True], mg.tensor([1.0, 2.0, 3.0]))
    tensor([1., 3.])
    """
    refuse("compress", out=out)
    chosen = as_array(numbers(condition))
    if chosen.ndim != 1:
        raise ValueError(f"compress takes a condition of one axis, but it has shape {chosen.shape}")
    return _taken("compress", operand(a), np.flatnonzero(chosen), axis)


def extract(condition: Any, arr: Any) -> Any:
    """
    Return the entries, in a row, where a condition holds.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor([1.0, -2.0, 3.0])
    >>> mg.extract(x > 0, x)
    tensor([1., 3.])
    """
    return _taken("extract", operand(arr), np.flatnonzero(numbers(condition)), None)


def choose(a: Any, choices: Sequence[Any], out: None = None, mode: str = "raise") -> Any:
    """
    Return an array made of several: each entry from the one that ``a`` says there.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.choose([0, 1], [mg.tensor([1.0, 2.0]), mg.tensor([3.0, 4.0])])
    tensor([1., 4.])
    """
    refuse("choose", out=out)
    which = as_array(numbers(a))
    first, *others = np.broadcast_arrays(which, *choices)
    index = _within("choose", numbers(first), len(others), mode)
    if ((index < 0) | (index >= len(others))).any():
        raise ValueError(f"choose: there are {len(others)} choices, but an entry asks for another")
    return take_along_axis(np.stack(others), index[None], axis=0)[0]


def delete(arr: Any, obj: Any, axis: int | None = None) -> Any:
    """
    Return the entries without some along an axis, of all in a row for ``None``.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.delete(mg.tensor([1.0, 2.0, 3.0]), 1)
    tensor([1., 3.])
    """
    x = operand(arr)
    if axis is None:
        x, axis = np.reshape(x, (-1,)), 0
    axis = one_axis("delete", axis, x)
    try:
        kept = np.delete(np.arange(x.shape[axis]), numbers(obj))
    except (IndexError, ValueError) as error:
        raise type(error)(f"delete got {obj!r} along axis {axis} of shape {x.shape}: {error}") from None
    return x[along(axis, kept)]


def trim_zeros(filt: Any, trim: str = "fb", axis: Any = None) -> Any:
    """
    Return the entries without the zeros at the front (``"f"``) and at the back (``"b"``).

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.trim_zeros(mg.tensor([0.0, 1.0, 0.0, 2.0, 0.0]))
    tensor([1., 0., 2.])
    """
    x = operand(filt)
    if trim.lower() not in ("", "f", "b", "fb", "bf"):
        raise ValueError(f'trim_zeros takes zeros off the front, "f", the back, "b", or both, not {trim!r}')
    if axis is not None:
        several_axes("trim_zeros", axis, x)
    if x.ndim != 1 or axis not in (None, 0, -1):
        raise ValueError(f"trim_zeros of a Tensor takes one axis, but got shape {x.shape}; slice it instead")
    held = np.flatnonzero(numbers(x))
    start = held[0] if held.size and "f" in trim.lower() else 0
    stop = held[-1] + 1 if held.size and "b" in trim.lower() else len(x) if held.size else 0
    return x[start:stop]


# Matrices


def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """
    Return the diagonal of the matrices in two axes, ``offset`` above the main one, along a last axis.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.diagonal(mg.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([1., 4.])
    """
    return _diagonal("diagonal", operand(a), offset, axis1, axis2)


def _diagonal(name: str, x: Any, offset: int, axis1: int, axis2: int) -> Any:
    if x.ndim < 2:
        raise ValueError(f"{name} takes two axes at least, but got shape {x.shape}")
    matrices = np.moveaxis(x, several_axes(name, (axis1, axis2), x), (-2, -1))
    rows, columns = matrices.shape[-2:]
    n = min(rows + min(offset, 0), columns - max(offset, 0))
    steps = np.arange(max(n, 0))
    return matrices[..., steps + max(-offset, 0), steps + max(offset, 0)]


def diag(v: Any, k: int = 0) -> Any:
    """
    Return the diagonal of a matrix, or the matrix that has a row of entries on its diagonal.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.diag(mg.tensor([1.0, 2.0]))
    tensor([[1., 0.],
            [0., 2.]])
    """
    x = operand(v)
    if x.ndim == 2:
        return diagonal(x, k)
    if x.ndim != 1:
        raise ValueError(f"diag takes a matrix or a row of entries, but got shape {x.shape}")
    n, steps = len(x) + abs(k), np.arange(len(x))
    return scatter_add(x, index=(steps + max(-k, 0), steps + max(k, 0)), shape=(n, n), unique=True)


def diagflat(v: Any, k: int = 0) -> Any:
    """
    Return the matrix that has all entries, in a row, on its diagonal.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.diagflat(mg.tensor([[1.0], [2.0]])).shape
    (2, 2)
    """
    return diag(np.reshape(operand(v), (-1,)), k)


def _trace(
    a: Any,
    offset: int = 0,
    axis1: int = 0,
    axis2: int = 1,
    dtype: DTypeLike | None = None,
    out: None = None,
) -> Any:
    """
    Return the sum of the diagonal of the matrices in two axes.

    Not public: ``mg.trace`` shows graphs.

    Examples
    --------
    >>> import numpy as np, minigrad as mg
    >>> np.trace(mg.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor(5.)
    """
    refuse("trace", out=out)
    return np.sum(_diagonal("trace", operand(a), offset, axis1, axis2), axis=-1, dtype=dtype)


def tril(m: Any, k: int = 0) -> Any:
    """
    Return the lower triangle of the last two axes, with 0 above diagonal ``k``.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.tril(mg.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([[1., 0.],
            [3., 4.]])
    """
    x = operand(m)
    return _masked(x, np.tri(*_square(x), k=k, dtype=bool))


def triu(m: Any, k: int = 0) -> Any:
    """
    Return the upper triangle of the last two axes, with 0 below diagonal ``k``.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.triu(mg.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([[1., 2.],
            [0., 4.]])
    """
    x = operand(m)
    return _masked(x, ~np.tri(*_square(x), k=k - 1, dtype=bool))


def _square(x: Any) -> tuple[int, int]:
    """Rows and columns; a row of n entries is taken n times, as NumPy does."""
    if x.ndim == 0:
        raise ValueError("a triangle takes one axis at least, but got a single number")
    return (x.shape[-2:]) if x.ndim > 1 else (x.shape[0], x.shape[0])


def _masked(x: Any, mask: Any) -> Any:
    return np.where(mask, x, np.zeros((), dtype=x.dtype))


NUMPY |= {getattr(np, name): globals()[name] for name in __all__} | {np.trace: _trace}
