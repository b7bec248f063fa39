"""Reading many places of a vector at once, and adding to them: by strides where they are regular.

Every vector may have axes in front, one entry per input of a batch; the places are along its last axis.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import as_strided

Array: TypeAlias = np.ndarray[Any, Any]
Action: TypeAlias = Callable[[], Any]


def strides_of(index: Array) -> tuple[int, ...] | None:
    """
    Return the steps along each axis that lead from one place to the next, or None where they are uneven.

    Examples
    --------
    >>> strides_of(np.array([[5, 7, 9], [5, 7, 9]])), strides_of(np.array([0, 1, 3]))
    ((0, 2), None)
    """
    if index.size == 0:
        return None
    first = index[(0,) * index.ndim]
    regular = np.full((), first)
    strides = []
    for axis, length in enumerate(index.shape):
        place = tuple(min(1, length - 1) if a == axis else 0 for a in range(index.ndim))
        strides.append(int(index[place] - first))
        regular = regular[..., None] + strides[-1] * np.arange(length)
    return tuple(strides) if np.array_equal(index, regular) else None


def regular_shape(index: Array) -> tuple[int, ...]:
    """
    Return the shape in which a list of places has even steps along every axis, or the list's own.

    Examples
    --------
    >>> regular_shape(np.array([4, 5, 6, 4, 5, 6])), regular_shape(np.array([1, 5, 2]))
    ((2, 3), (3,))
    """
    steps = np.diff(index)
    breaks = np.flatnonzero(steps != steps[0]) if steps.size else steps
    if not breaks.size:
        return index.shape
    row = int(breaks[0]) + 1
    if index.size % row or row == 1:
        return index.shape
    shape = (*regular_shape(index[::row]), row)
    return shape if strides_of(index.reshape(shape)) is not None else index.shape


def view(vector: Array, first: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> Array:
    """Return the places of a vector that begin at ``first`` and go on by these steps, without a copy."""
    step = vector.strides[-1]
    tail = vector[..., first : first + 1]
    return as_strided(
        tail, (*vector.shape[:-1], *shape), (*vector.strides[:-1], *(step * stride for stride in strides))
    )


def block(vector: Array, first: int, shape: tuple[int, ...]) -> Array:
    """Return neighbouring places of a vector, in order, in a shape."""
    size = int(np.prod(shape, dtype=int))
    return vector[..., first : first + size].reshape(*vector.shape[:-1], *shape)


class Gather:
    """
    Reads places of a vector.

    Parameters
    ----------
    index : ndarray of int
        The places, in the shape in which they are wanted.
    compact : bool
        Whether neighbours along the last axis must be neighbours in memory, as BLAS wants it.
    fixed : bool
        Whether the numbers there never change: then they are read once.
    """

    def __init__(self, index: Array, compact: bool = False, fixed: bool = False) -> None:
        self.index, self.fixed = index, fixed
        strides = strides_of(index)
        if compact and strides is not None and not (strides[-1] == 1 and strides[0] >= index.shape[-1]):
            strides = None
        self.strides = strides

    @property
    def bytes(self) -> int:
        """Memory for what is copied, and for the places."""
        return 0 if self.strides is not None else self.index.size * (8 + self.index.itemsize)

    def bind(self, vector: Array) -> tuple[Array, list[Action]]:
        """Return the array in which the numbers are, and what to do before it is read."""
        if self.strides is not None:
            return view(vector, int(self.index.flat[0]), self.index.shape, self.strides), []
        flat = np.empty((*vector.shape[:-1], self.index.size))
        index = self.index.ravel()

        def load() -> None:
            np.take(vector, index, axis=-1, out=flat, mode="clip")  # "raise" would copy once more

        numbers = flat.reshape(*vector.shape[:-1], *self.index.shape)
        if self.fixed:
            load()
            return numbers, []
        return numbers, [load]


class Scatter:
    """
    Adds to places of a vector; where a place occurs several times, all that is meant for it.

    Parameters
    ----------
    index : ndarray of int
        The places, in the shape in which the numbers come.
    """

    def __init__(self, index: Array) -> None:
        self.index = index
        strides = strides_of(index)
        self.summed: tuple[int, ...] = ()
        self.target: Array | None = None
        if strides is not None:
            summed = tuple(
                axis for axis, stride in enumerate(strides) if stride == 0 and index.shape[axis] > 1
            )
            target = index[tuple(0 if axis in summed else slice(None) for axis in range(index.ndim))]
            if np.unique(target).size == target.size:
                self.summed, self.target = summed, target
        if self.target is None:
            places = index.ravel()
            self.order = np.argsort(places, kind="stable")
            ordered = places[self.order]
            self.starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
            self.places = ordered[self.starts]

    @property
    def bytes(self) -> int:
        """Memory for sums, and for the places."""
        if self.target is not None:
            return 8 * self.target.size if self.summed else 0
        return 16 * self.index.size + 24 * self.places.size

    def bind(self, vector: Array) -> Callable[[Array], None]:
        """Return what adds an array of numbers, compact where it has to be."""
        batch = vector.shape[:-1]
        if self.target is not None:
            target = view(vector, int(self.index.flat[0]), self.target.shape, strides_of(self.target) or ())
            if not self.summed:

                def add_numbers(numbers: Array) -> None:
                    np.add(target, numbers, out=target)

                return add_numbers
            total = np.empty(target.shape)
            axes = tuple(axis - self.index.ndim for axis in self.summed)

            def add_sums(numbers: Array) -> None:
                np.add.reduce(numbers, axis=axes, out=total)
                np.add(target, total, out=target)

            return add_sums
        ordered, sums = np.empty((*batch, self.index.size)), np.empty((*batch, self.places.size))
        old = np.empty_like(sums)
        repeated = self.places.size < self.index.size
        near = strides_of(self.places)
        spot = None if near is None else view(vector, int(self.places[0]), self.places.shape, near)

        def add(numbers: Array) -> None:
            np.take(numbers.reshape(ordered.shape), self.order, axis=-1, out=ordered, mode="clip")
            total = ordered
            if repeated:
                total = np.add.reduceat(ordered, self.starts, axis=-1, out=sums)
            if spot is not None:
                np.add(spot, total, out=spot)
            else:
                np.take(vector, self.places, axis=-1, out=old, mode="clip")
                np.add(old, total, out=old)
                vector[..., self.places] = old

        return add
