"""Arrays as sets of their entries, with NumPy's signatures; each value has the slope of the first entry."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..rules import NUMPY
from ..rules.operands import numbers
from .arguments import operand
from .joining import concatenate

__all__ = [
    "intersect1d", "setdiff1d", "setxor1d", "union1d", "unique", "unique_all", "unique_counts",
    "unique_inverse", "unique_values",
]  # fmt: skip


def unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    *,
    equal_nan: bool = True,
    sorted: bool = True,
) -> Any:
    """
    Return the different values in ascending order; along an axis, the different slices.

    Indices, inverse and counts are whole numbers, as NumPy gives them.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor([2.0, 1.0, 2.0], requires_grad=True)
    >>> values, counts = mg.unique(x, return_counts=True)
    >>> values.data, counts
    (array([1., 2.]), array([1, 2]))
    >>> values.sum().backward()
    >>> x.grad
    array([1., 1., 0.])
    """
    x = operand(ar)
    found: Any = np.unique(numbers(x), True, return_inverse, return_counts, axis, equal_nan=equal_nan)  # type: ignore[call-overload]
    values, first, *others = found
    entries = _entries(x, values) if axis is None else np.take(x, first, axis)
    others = [first, *others] if return_index else others
    return (entries, *others) if others else entries


def unique_all(x: Any) -> Any:
    """
    Return the different values, where each is first, which one each entry has, and how many have it.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.unique_all(mg.tensor([3.0, 1.0, 3.0])).values
    tensor([1., 3.])
    """
    return _as_numpy(np.unique_all, x)


def unique_counts(x: Any) -> Any:
    """
    Return the different values, and how many entries have each.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.unique_counts(mg.tensor([3.0, 1.0, 3.0])).counts
    array([1, 2])
    """
    return _as_numpy(np.unique_counts, x)


def unique_inverse(x: Any) -> Any:
    """
    Return the different values, and which one each entry has.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.unique_inverse(mg.tensor([3.0, 1.0, 3.0])).inverse_indices
    array([1, 0, 1])
    """
    return _as_numpy(np.unique_inverse, x)


def unique_values(x: Any) -> Any:
    """
    Return the different values, in any order.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.sort(mg.unique_values(mg.tensor([3.0, 1.0, 3.0])))
    tensor([1., 3.])
    """
    x = operand(x)
    return _entries(x, np.unique_values(numbers(x)))


def union1d(ar1: Any, ar2: Any) -> Any:
    """
    Return the values that are in either array, in ascending order.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.union1d(mg.tensor([3.0, 1.0]), [2.0, 1.0])
    tensor([1., 2., 3.])
    """
    both = concatenate([ar1, ar2], axis=None)
    return _entries(both, np.unique(numbers(both)))


def intersect1d(ar1: Any, ar2: Any, assume_unique: bool = False, return_indices: bool = False) -> Any:
    """
    Return the values that are in both arrays, in ascending order: as entries of the first.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.intersect1d(mg.tensor([3.0, 1.0]), [2.0, 1.0])
    tensor([1.])
    """
    x, y = operand(ar1), operand(ar2)
    values, *indices = np.intersect1d(numbers(x), numbers(y), assume_unique, return_indices=True)
    entries = _entries(x.astype(values.dtype), values)
    return (entries, *indices) if return_indices else entries


def setdiff1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    """
    Return the values of the first array that are not in the second.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.setdiff1d(mg.tensor([3.0, 1.0]), [2.0, 1.0])
    tensor([3.])
    """
    x, y = operand(ar1), operand(ar2)
    return _entries(x, np.setdiff1d(numbers(x), numbers(y), assume_unique))


def setxor1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    """
    Return the values that are in one of the arrays alone, in ascending order.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.setxor1d(mg.tensor([3.0, 1.0]), [2.0, 1.0])
    tensor([2., 3.])
    """
    x, y = operand(ar1), operand(ar2)
    values = np.setxor1d(numbers(x), numbers(y), assume_unique)
    return _entries(np.concatenate([x, y], axis=None), values)


def _as_numpy(function: Any, x: Any) -> Any:
    """What NumPy gives by name, with entries in place of the values."""
    x = operand(x)
    found = function(numbers(x))
    return found._replace(values=_entries(x, found.values))


def _entries(x: Any, values: Any) -> Any:
    """The first entries that have these values; sorted, which tells :func:`thin` where that changes."""
    row = np.sort(x, axis=None)
    return row[np.searchsorted(numbers(row), values)]


NUMPY |= {getattr(np, name): globals()[name] for name in __all__}
