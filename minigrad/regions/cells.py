"""A plane cut into convex cells that share their corners, and the merging of cells again."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..tensor import Array


def following(offsets: Array) -> Array:
    """Return the place of the next corner of every corner, for loops that lie one after the other."""
    after = np.arange(1, offsets[-1] + 1)
    after[offsets[1:] - 1] = offsets[:-1]
    return after


def ragged(starts: Array, sizes: Array) -> tuple[Array, Array]:
    """Return the places of all entries of some loops, one loop after the other, and their new offsets."""
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    return np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], sizes), offsets


@dataclass(frozen=True, eq=False)
class Cells:
    """
    Convex cells that fill a square. Where two touch along a line they have the same corners there.

    Attributes
    ----------
    points : ndarray, shape (V, 2)
        The corners; the first four are those of the square.
    offsets : ndarray of int, shape (F + 1,)
        The corners of cell f are ``corners[offsets[f]:offsets[f + 1]]``, counter-clockwise.
    corners : ndarray of int, shape (H,)
        Indices into the points. From each an edge goes to the next.
    born : ndarray of int, shape (H,)
        Which cut the edge was made by, on both its sides; −1 for the square's.
    """

    points: Array
    offsets: Array
    corners: Array
    born: Array

    @classmethod
    def square(cls) -> Cells:
        """Return the unit square as one cell."""
        points = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
        return cls(points, np.array([0, 4]), np.arange(4), np.full(4, -1))

    def __len__(self) -> int:
        """How many cells there are."""
        return len(self.offsets) - 1

    @cached_property
    def next(self) -> Array:
        """The place of the next corner in the cell, shape (H,)."""
        return following(self.offsets)

    @cached_property
    def cell(self) -> Array:
        """The cell that every corner belongs to, shape (H,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    @cached_property
    def twins(self) -> Array:
        """The place of each edge in the cell on its other side; −1 at the rim of the square, shape (H,)."""
        start, end = self.corners, self.corners[self.next]
        key = np.minimum(start, end) * len(self.points) + np.maximum(start, end)
        order = np.argsort(key, kind="stable")
        same = np.flatnonzero(key[order[1:]] == key[order[:-1]])
        found = np.full(len(start), -1)
        found[order[same]], found[order[same + 1]] = order[same + 1], order[same]
        return found

    @cached_property
    def areas(self) -> Array:
        """Share of the square that every cell has, shape (F,)."""
        here = self.points[self.corners] - np.repeat(
            self.points[self.corners[self.offsets[:-1]]], self.sizes, 0
        )
        there = here[self.next]
        cross = here[:, 0] * there[:, 1] - here[:, 1] * there[:, 0]
        return 0.5 * np.add.reduceat(cross, self.offsets[:-1])

    @cached_property
    def lengths(self) -> Array:
        """How long every edge is, shape (H,)."""
        return np.hypot(*(self.points[self.corners[self.next]] - self.points[self.corners]).T)

    @cached_property
    def widths(self) -> Array:
        """Area over half the rim of every cell; negative if it is turned inside out, shape (F,)."""
        rims = np.add.reduceat(self.lengths, self.offsets[:-1])
        return np.divide(2 * self.areas, rims, out=np.zeros_like(rims), where=rims > 0)

    @property
    def longest(self) -> Array:
        """The place of the longest edge of every cell, shape (F,)."""
        return np.lexsort((self.lengths, self.cell))[self.offsets[1:] - 1]

    @cached_property
    def sizes(self) -> Array:
        """How many corners every cell has, shape (F,)."""
        return np.diff(self.offsets)

    @cached_property
    def centers(self) -> Array:
        """A point in the interior of every cell: the mean of its corners, shape (F, 2)."""
        return np.add.reduceat(self.points[self.corners], self.offsets[:-1], axis=0) / self.sizes[:, None]

    def folded(self, ufunc: np.ufunc, rows: Array) -> Array:
        """Return ``ufunc.reduce`` of the rows of every cell's corners, shape (V, ...) → (F, ...)."""
        found = rows[self.corners[self.offsets[:-1]]]
        for k in range(1, int(self.sizes.max())):
            longer = np.flatnonzero(self.sizes > k)
            found[longer] = ufunc(found[longer], rows[self.corners[self.offsets[longer] + k]])
        return found

    def merged(self, gone: Array) -> tuple[Cells, Array]:
        """
        Return the cells without some edges, and which points are left.

        Cells that would have a hole, or touch themselves in a point, stay apart.

        Parameters
        ----------
        gone : ndarray of bool, shape (H,)
            The edges between cells that are one, on one side or both.
        """
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        edges = np.flatnonzero(gone & (self.twins >= 0))
        pairs = (self.cell[edges], self.cell[self.twins[edges]])
        graph = coo_array((np.ones(len(edges)), pairs), shape=(len(self), len(self)))
        _, group = connected_components(graph, directed=False)
        while True:
            _, group = np.unique(group, return_inverse=True)
            outer = np.flatnonzero((self.twins < 0) | (group[self.cell] != group[self.cell[self.twins]]))
            owner, start = group[self.cell[outer]], self.corners[outer]
            order = np.lexsort((start, owner))
            outer, owner, start = outer[order], owner[order], start[order]
            offsets = np.searchsorted(owner, np.arange(group.max() + 2))
            place = owner * len(self.points) + start
            after = np.searchsorted(place, owner * len(self.points) + self.corners[self.next[outer]])
            rank, met = _ranks(after, offsets)
            odd = np.unique(owner[np.append(place[1:] == place[:-1], False) | ~met])
            if not len(odd):
                break
            apart = np.isin(group, odd)
            group[apart] = group.max() + 1 + np.flatnonzero(apart)
        order = np.lexsort((rank, owner))
        return Cells(self.points, offsets, start[order], self.born[outer[order]])._straightened()

    def compact(self) -> Cells:
        """Return the same cells without points that none of them has."""
        used = np.bincount(self.corners, minlength=len(self.points)) > 0
        return Cells(self.points[used], self.offsets, (np.cumsum(used) - 1)[self.corners], self.born)

    def _straightened(self) -> tuple[Cells, Array]:
        """Return the cells without the corners where nothing ends, and which points are left."""
        once = np.flatnonzero((self.twins < 0) | (np.arange(len(self.corners)) < self.twins))
        ends = np.concatenate([self.corners[once], self.corners[self.next[once]]])
        degree = np.bincount(ends, minlength=len(self.points))
        used = (degree > 2) | (np.arange(len(self.points)) < 4)
        few = np.add.reduceat(used[self.corners].astype(int), self.offsets[:-1]) < 3
        used[self.corners[few[self.cell]]] = True  # a sliver between two edges remains a polygon
        kept = used[self.corners]
        born = self.born.copy()
        np.minimum.at(born, nearest(kept, self.offsets, -1), self.born)
        sizes = np.add.reduceat(kept.astype(int), self.offsets[:-1])
        names = np.cumsum(used) - 1
        offsets = np.concatenate([[0], np.cumsum(sizes)])
        return Cells(self.points[used], offsets, names[self.corners[kept]], born[kept]), used


def nearest(marked: Array, offsets: Array, direction: int) -> Array:
    """Return the nearest marked place, at or before (−1) or at or after (+1) each, around its own loop."""
    n, sizes = len(marked), np.diff(offsets)
    if direction < 0:
        found = np.where(marked, np.arange(n), -1)
        around = np.repeat(np.maximum.reduceat(found, offsets[:-1]), sizes)
        found = np.maximum.accumulate(found)
        return np.where(found < np.repeat(offsets[:-1], sizes), around, found)
    found = np.where(marked, np.arange(n), n)
    around = np.repeat(np.minimum.reduceat(found, offsets[:-1]), sizes)
    found = np.minimum.accumulate(found[::-1])[::-1]
    return np.where(found >= np.repeat(offsets[1:], sizes), around, found)


def _ranks(after: Array, offsets: Array) -> tuple[Array, Array]:
    """Return how far every place is on its loop from the first, by pointer jumping, and which are on it."""
    sizes = np.diff(offsets)
    first = np.repeat(offsets[:-1], sizes)
    last = after == first
    jump, left = np.where(last, np.arange(len(after)), after), np.where(last, 0, 1)
    for _ in range(int(sizes.max()).bit_length()):
        left, jump = left + left[jump], jump[jump]
    return -left, last[jump]
