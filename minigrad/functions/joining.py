"""Putting arrays together, as NumPy's functions of lists of arrays do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..rules import NUMPY, shaping
from ..rules.operands import as_array, numbers
from .arguments import along, one_axis, operand, refuse

__all__ = ["append", "block", "column_stack", "concatenate", "dstack", "hstack", "insert", "stack", "vstack"]


GROUP = 64
"""Parts that one primitive joins."""


def concatenate(
    arrays: Sequence[Any],
    /,
    axis: int | None = 0,
    out: None = None,
    *,
    dtype: DTypeLike | None = None,
    casting: str = "same_kind",
) -> Any:
    """
    Join arrays or Tensors along an existing axis; for ``None``, all their entries in a row.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.concatenate([mg.tensor([1.0]), mg.tensor([2.0, 3.0])])
    tensor([1., 2., 3.])
    """
    refuse("concatenate", out=out)
    return _concatenated("concatenate", _several("concatenate", arrays), axis, dtype, casting)


def stack(
    arrays: Sequence[Any],
    axis: int = 0,
    out: None = None,
    *,
    dtype: DTypeLike | None = None,
    casting: str = "same_kind",
) -> Any:
    """
    Join arrays or Tensors of one shape along a new axis.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.stack([mg.tensor([1.0, 2.0]), mg.tensor([3.0, 4.0])]).shape
    (2, 2)
    """
    refuse("stack", out=out)
    return _converted("stack", _stacked(_several("stack", arrays), axis), dtype, casting)


def hstack(tup: Sequence[Any], *, dtype: DTypeLike | None = None, casting: str = "same_kind") -> Any:
    """
    Join arrays side by side: along axis 1, or along the only axis.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.hstack([mg.tensor(1.0), mg.tensor([2.0, 3.0])])
    tensor([1., 2., 3.])
    """
    parts = [np.atleast_1d(operand(part)) for part in _several("hstack", tup)]
    return _concatenated("hstack", parts, 0 if parts[0].ndim == 1 else 1, dtype, casting)


def vstack(tup: Sequence[Any], *, dtype: DTypeLike | None = None, casting: str = "same_kind") -> Any:
    """
    Join arrays one below the other: along axis 0, those of one axis as rows.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.vstack([mg.tensor([1.0, 2.0]), mg.tensor([3.0, 4.0])]).shape
    (2, 2)
    """
    parts = [np.atleast_2d(operand(part)) for part in _several("vstack", tup)]
    return _concatenated("vstack", parts, 0, dtype, casting)


def dstack(tup: Sequence[Any]) -> Any:
    """
    Join arrays one behind the other: along a third axis.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.dstack([mg.tensor([1.0, 2.0]), mg.tensor([3.0, 4.0])]).shape
    (1, 2, 2)
    """
    return _concatenated("dstack", [np.atleast_3d(operand(part)) for part in _several("dstack", tup)], 2)


def column_stack(tup: Sequence[Any]) -> Any:
    """
    Join arrays side by side, those of one axis as columns.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.column_stack([mg.tensor([1.0, 2.0]), mg.tensor([3.0, 4.0])])
    tensor([[1., 3.],
            [2., 4.]])
    """
    parts = [operand(part) for part in _several("column_stack", tup)]
    columns = [part if part.ndim > 1 else np.reshape(part, (-1, 1)) for part in parts]
    return _concatenated("column_stack", columns, 1)


def append(arr: Any, values: Any, axis: int | None = None) -> Any:
    """
    Return ``arr`` with ``values`` behind it along an axis; for ``None``, all entries in a row.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.append(mg.tensor([1.0, 2.0]), 3.0)
    tensor([1., 2., 3.])
    """
    return _concatenated("append", [operand(arr), operand(values)], axis)


def insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    """
    Return ``arr`` with ``values`` before some of its entries along an axis; for ``None``, of all in a row.

    Parameters
    ----------
    arr : array_like
        What to insert into.
    obj : int, sequence of int or bool, or slice
        Before which entries, counted without what is inserted.
    values : array_like
        What, converted to the dtype of ``arr``: broadcast to one entry for each place, or before a single
        place as many as there are.
    axis : int, optional
        Along which.

    Raises
    ------
    IndexError
        If there is no such place.
    ValueError
        If the values do not fit.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.insert(mg.tensor([1.0, 2.0, 3.0]), [0, 2], mg.tensor([8.0, 9.0]))
    tensor([8., 1., 2., 9., 3.])
    """
    x, new = operand(arr), operand(values)
    if x.dtype.kind in "iu" and isinstance(new, np.ndarray) and not hasattr(values, "shape"):
        new = np.array(values, dtype=x.dtype)  # or OverflowError
    if axis is None:
        x, axis = np.reshape(x, (-1,)), 0
    axis = one_axis("insert", axis, x)
    n = x.shape[axis]
    places = np.arange(*obj.indices(n)) if isinstance(obj, slice) else as_array(numbers(obj))
    if places.size and places.dtype.kind not in "iub":
        raise TypeError(f"insert takes whole numbers as places, but got dtype {places.dtype}")
    places = np.flatnonzero(places) if places.dtype == bool else places.astype(int)
    if ((places < -n) | (places > n)).any():
        raise IndexError(f"insert: no place {obj} along an axis of {n} entries; there are {-n} to {n}")
    count = places.size
    if count == 1:
        new = np.reshape(new, (*(1,) * (x.ndim - new.ndim), *new.shape))
        new = np.moveaxis(new, 0, axis) if places.ndim == 0 else new
        places, count = np.full(new.shape[axis], places.item()), new.shape[axis]
    new = np.broadcast_to(new.astype(x.dtype), (*x.shape[:axis], count, *x.shape[axis + 1 :]))
    order = np.insert(np.arange(n), places, n + np.arange(count))
    return shaping.concatenate(x, new, axis=axis)[along(axis, order)]


def block(arrays: Any) -> Any:
    """
    Join the blocks of nested lists: the innermost lists along the last axis, the next along the one before.

    Raises
    ------
    TypeError, ValueError
        If the blocks are in tuples, a list is empty, or lists are nested unequally deep.

    Examples
    --------
    >>> import minigrad as mg
    >>> a = mg.tensor([[1.0]])
    >>> mg.block([[a, 2 * a], [3 * a, 4 * a]])
    tensor([[1., 2.],
            [3., 4.]])
    """
    depths = set(_depths(arrays))
    if len(depths) > 1:
        raise ValueError(f"block takes lists nested equally deep, but they are {sorted(depths)} deep")
    depth = depths.pop()

    def join(part: Any, level: int) -> Any:
        if level == depth:
            x = operand(part)
            return np.reshape(x, (*(1,) * (depth - x.ndim), *x.shape))
        parts = [join(inner, level + 1) for inner in part]
        ndim = max(x.ndim for x in parts)
        parts = [np.reshape(x, (*(1,) * (ndim - x.ndim), *x.shape)) for x in parts]
        return _concatenated("block", parts, level - depth)

    return join(arrays, 0) if depth else np.copy(operand(arrays))


def _depths(part: Any, level: int = 0) -> list[int]:
    """How deep each of the blocks is nested."""
    if isinstance(part, tuple):
        raise TypeError("block takes lists of blocks, not tuples")
    if not isinstance(part, list):
        return [level]
    if not part:
        raise ValueError("block takes lists with at least one block in each, but got an empty one")
    return [depth for inner in part for depth in _depths(inner, level + 1)]


def _concatenated(
    name: str,
    parts: Sequence[Any],
    axis: int | None,
    dtype: DTypeLike | None = None,
    casting: str = "same_kind",
) -> Any:
    if axis is None:  # as NumPy: of all entries in a row
        kinds = [part if type(part) in (int, float) else operand(part).dtype for part in parts]
        common = np.result_type(*kinds)  # a number of Python's leaves float32 as it is
        rows = [np.reshape(operand(part), (-1,)) for part in parts]
        parts, axis = [row if row.dtype == common else row.astype(common) for row in rows], 0
    try:
        return _converted(name, _joined(parts, axis), dtype, casting)
    except (TypeError, ValueError) as error:  # which names the primitive
        raise type(error)(str(error).replace("concatenate", name, 1)) from None


def _joined(parts: Sequence[Any], axis: int) -> Any:
    """Join in groups: a rule of n parts looks at all of them for each, which of many takes n² time."""
    while len(parts) > GROUP:
        parts = [shaping.concatenate(*group, axis=axis) for group in _groups(parts)]
    return shaping.concatenate(*parts, axis=axis)


def _stacked(parts: Sequence[Any], axis: int) -> Any:
    if len(parts) <= GROUP:
        return shaping.stack(*parts, axis=axis)
    return _joined([shaping.stack(*group, axis=axis) for group in _groups(parts)], axis)


def _groups(parts: Sequence[Any]) -> list[Sequence[Any]]:
    return [parts[k : k + GROUP] for k in range(0, len(parts), GROUP)]


def _several(name: str, arrays: Any) -> Sequence[Any]:
    if getattr(arrays, "shape", ()):
        arrays = list(arrays)  # its rows
    if not isinstance(arrays, (list, tuple)) or not arrays:
        what = f"one of shape {arrays.shape}" if hasattr(arrays, "shape") else repr(arrays)
        raise ValueError(f"{name} takes a list of arrays with at least one in it, but got {what}")
    return arrays


def _converted(name: str, x: Any, dtype: DTypeLike | None, casting: Any) -> Any:
    if dtype is None:
        return x
    if not np.can_cast(x.dtype, dtype, casting):
        raise TypeError(
            f"{name} makes no {np.dtype(dtype)} of {x.dtype} with casting={casting!r}; "
            f'casting="unsafe" cuts off what does not fit'
        )
    return x.astype(np.dtype(dtype))


NUMPY |= {getattr(np, name): globals()[name] for name in __all__}
