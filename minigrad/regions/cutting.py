"""Cutting convex cells by lines: all cells at once, each by the lines that cross it.

Each cell becomes a tree: it is cut in two by the first of its lines, each half by the first of the lines that
still cross it, and so on. With the lines in random order the trees are shallow, and what is left to do
shrinks with every level.

Two cells must agree about the points on the edge between them, and so must the two halves of a cell. So
points have names, not only coordinates: (edge, line) or (cell, line, line). Whatever is computed about a
point is computed from its name, in one order of operations, whoever asks.
"""

from __future__ import annotations

import numpy as np

from ..tensor import Array
from .cells import Cells, following, ragged
from .pieces import Pieces, batches, joined, signs, split


def cut(cells: Cells, values: Array, tolerance: Array, born: int) -> Cells:
    """
    Cut cells by the lines where functions are 0, each affine on every cell and continuous.

    Parameters
    ----------
    cells : Cells
        What to cut.
    values : ndarray, shape (V, lines)
        The functions at the points; those within the tolerance become 0.
    tolerance : ndarray, shape (lines,)
        Where a function is at most so large at a corner, its line goes through the corner.
    born : int
        What the new edges are labelled with.

    Raises
    ------
    UnsettledError
        If the tolerance is too small for the rounding in the values.
    """
    for part in batches(np.full(len(values), values.shape[1])):
        values[part][np.abs(values[part]) <= tolerance] = 0
    cell, line = _crossings(cells, values)
    if not len(cell):
        return cells
    order = np.lexsort((np.random.default_rng(0).permutation(values.shape[1])[line], cell))
    return _Cutting(cells, values, tolerance, cell[order], line[order]).run(born)


def _crossings(cells: Cells, values: Array) -> tuple[Array, Array]:
    """Return which cells have corners on both sides of which lines."""
    above, below = (
        cells.folded(np.bitwise_or, np.packbits(side, axis=1)) for side in (values > 0, values < 0)
    )
    both: Array = above & below
    cell, byte = np.nonzero(both)
    found, bit = np.nonzero(np.unpackbits(both[cell, byte][:, None], axis=1))
    return cell[found], 8 * byte[found] + bit


class _Cutting:
    """
    The crossings (cell, line), and a table of points that grows while cells are cut.

    A point is a mean of at most four corners of its cell, and so is the value of every line there.
    """

    def __init__(self, cells: Cells, values: Array, tolerance: Array, cell: Array, line: Array) -> None:
        self.cells, self.values, self.tolerance = cells, values, tolerance
        self.cell, self.line = cell, line
        n, edges = len(cells.points), np.arange(len(cells.corners))
        self.edges = np.where(cells.twins < 0, edges, np.minimum(edges, cells.twins))
        self.position = cells.points
        self.among = np.broadcast_to(np.arange(n), (4, n))
        self.weights = np.repeat([[1.0], [0.0], [0.0], [0.0]], n, axis=1)
        self.lines = np.full((2, n), -1)  # what a point was made by: it lies there whatever rounding says
        self.names = np.full((2, n), -1)
        self.ends = self._chords()

    def run(self, born: int) -> Cells:
        """Cut until no line crosses a piece."""
        crossed = np.bincount(self.cell, minlength=len(self.cells)) > 0
        none = np.zeros(0, dtype=int)
        done = [Pieces(*self._loops(np.flatnonzero(~crossed)), none, none)]
        cut = np.flatnonzero(crossed)
        todo = Pieces(*self._loops(cut), np.searchsorted(cut, self.cell), np.arange(len(self.cell)))
        while len(todo.crossing):
            todo, finished = self._halve(todo)
            done.append(finished)
        return self._assemble(done, born)

    def _loops(self, cell: Array) -> tuple[Array, Array, Array, Array]:
        place, offsets = ragged(self.cells.offsets[cell], self.cells.sizes[cell])
        return cell, offsets, self.cells.corners[place], place

    def _value(self, point: Array, line: Array) -> Array:
        """Return functions at points of the table; 0 where it is within the tolerance."""
        value = self._mean(point, line)
        on = (self.lines[0][point] == line) | (self.lines[1][point] == line)
        return np.where(on | (np.abs(value) <= self.tolerance[line]), 0.0, value)

    def _mean(self, point: Array, line: Array) -> Array:
        return np.asarray(
            sum(self.weights[k][point] * self.values[self.among[k][point], line] for k in range(4))
        )

    def _chords(self) -> Array:
        """Return the points where the line of every crossing leaves and enters it, shape (2, crossings)."""
        _, offsets, points, place = self._loops(self.cell)
        sign = signs(self.values[points, np.repeat(self.line, np.diff(offsets))], offsets)
        after = following(offsets)
        leaving = np.flatnonzero((sign >= 0) & (sign[after] < 0))
        entering = np.flatnonzero((sign < 0) & (sign[after] >= 0))
        ends = np.stack([points[leaving], points[after[entering]]])
        for end, last in zip(ends, (leaving, entering), strict=True):
            between = np.flatnonzero(sign[last] * sign[after[last]] < 0)
            end[between] = self._on_edges(place[last[between]], self.line[between])
        return ends

    def _on_edges(self, edge: Array, line: Array) -> Array:
        """Make the points where lines meet edges of the cells; return their places in the table."""
        corners = self.cells.corners
        ends = np.sort([corners[edge], corners[self.cells.next[edge]]], axis=0)
        return self._add(ends, line, np.stack([line, line]), np.stack([self.edges[edge], line]))

    def _on_chords(self, chord: Array, crossing: Array) -> Array:
        """Make the points where lines meet the chord of an earlier line in the same cell."""
        lines = self.line[np.stack([crossing, chord])]
        return self._add(self.ends[:, chord], lines[0], lines, np.stack([-1 - chord, crossing]))

    def _add(self, ends: Array, line: Array, lines: Array, names: Array) -> Array:
        """Add the points between two of the table where lines cross."""
        start, end = ends
        begin, stop = self._mean(start, line), self._mean(end, line)
        rise = begin - stop
        share = np.clip(np.divide(begin, rise, out=np.full(len(rise), 0.5), where=rise != 0), 0, 1)
        way = self.position[end] - self.position[start]
        of_start, of_end = self.weights[:2, start] * (1 - share), self.weights[:2, end] * share
        first = len(self.position)
        self.position = np.concatenate([self.position, self.position[start] + share[:, None] * way])
        among = np.stack([self.among[:2, start], self.among[:2, end]], axis=1).reshape(4, -1)
        self.among = np.concatenate([self.among, among], axis=1)
        weights = np.stack([of_start, of_end], axis=1).reshape(4, -1)
        self.weights = np.concatenate([self.weights, weights], axis=1)
        self.lines = np.concatenate([self.lines, lines], axis=1)
        self.names = np.concatenate([self.names, names], axis=1)
        return np.arange(first, len(self.position))

    def _halve(self, todo: Pieces) -> tuple[Pieces, Pieces]:
        """Cut every piece by its first line; return the halves that are still crossed, and the others."""
        sizes, after = np.diff(todo.offsets), following(todo.offsets)
        counts = np.bincount(todo.piece, minlength=len(sizes))
        begins = np.cumsum(counts) - counts
        crossing = np.repeat(todo.crossing[begins], sizes)
        sign = signs(self._value(todo.corners, self.line[crossing]), todo.offsets)
        ahead = sign[after]
        behind = np.empty_like(sign)
        behind[after] = sign

        between = np.flatnonzero(sign * ahead < 0)
        carrier = todo.carriers[between]
        made = np.empty(len(between), dtype=int)
        old = carrier >= 0
        made[old] = self._on_edges(carrier[old], self.line[crossing[between[old]]])
        made[~old] = self._on_chords(-1 - carrier[~old], crossing[between[~old]])

        # Two slots for each corner: itself, and the point made on the edge after it. Both halves take theirs.
        slots = np.stack([todo.corners, np.full_like(todo.corners, -1)], axis=1)
        slots[between, 1] = made
        along, chord = todo.carriers, -1 - crossing
        crossed = slots[:, 1] >= 0
        touch = (sign == 0) & ((ahead < 0) | (behind < 0))
        in_upper = np.stack([sign >= 0, crossed], axis=1)
        in_lower = np.stack([(sign < 0) | touch, crossed], axis=1)
        upper = np.stack(
            [np.where((sign == 0) & (ahead < 0), chord, along), np.where(ahead < 0, chord, along)], 1
        )
        lower = np.stack(
            [np.where((sign == 0) & (behind < 0), chord, along), np.where(ahead > 0, chord, along)], 1
        )

        rest = np.ones(len(todo.crossing), dtype=bool)
        rest[begins] = False
        sides = self._sides(slots, in_upper, in_lower, todo.offsets, todo.piece[rest], todo.crossing[rest])
        halves = [
            self._half(todo, slots, mask, carriers, todo.piece[rest][side], todo.crossing[rest][side])
            for mask, carriers, side in ((in_upper, upper, sides[0]), (in_lower, lower, sides[1]))
        ]
        parts = [split(half) for half in halves]
        return joined([crossed for crossed, _ in parts]), joined([done for _, done in parts])

    def _sides(
        self, slots: Array, in_upper: Array, in_lower: Array, offsets: Array, piece: Array, crossing: Array
    ) -> tuple[Array, Array]:
        """Return which lines cross the upper half of their piece, and which the lower."""
        used = (slots >= 0).ravel()
        ends = np.concatenate([[0], np.cumsum(used)])[2 * offsets]
        point, up, low = slots.ravel()[used], in_upper.ravel()[used], in_lower.ravel()[used]
        found = np.zeros((2, len(piece)), dtype=bool)
        sizes = np.diff(ends)
        for part in batches(sizes[piece]):
            place, starts = ragged(ends[:-1][piece[part]], sizes[piece[part]])
            value = self._value(point[place], np.repeat(self.line[crossing[part]], np.diff(starts)))
            bits = up[place] * ((value > 0) + 2 * (value < 0)) + low[place] * (
                4 * (value > 0) + 8 * (value < 0)
            )
            seen = np.bitwise_or.reduceat(bits.astype(np.uint8), starts[:-1])
            found[:, part] = (seen & 3) == 3, (seen & 12) == 12
        return found[0], found[1]

    def _half(
        self, todo: Pieces, slots: Array, mask: Array, carriers: Array, piece: Array, crossing: Array
    ) -> Pieces:
        """Return one half of every piece."""
        ends = np.concatenate([[0], np.cumsum(mask.sum(axis=1))])[todo.offsets]
        return Pieces(todo.cell, ends, slots[mask], carriers[mask], piece, crossing)

    def _assemble(self, done: list[Pieces], born: int) -> Cells:
        """Return the pieces as cells: points of one name are one point."""
        pieces = joined(done)
        n = len(self.cells.points)
        span = max(self.values.shape[1], len(self.line)) + 1
        _, first, place = np.unique(
            (self.names[0, n:] + len(self.line) + 1) * span + self.names[1, n:],
            return_index=True,
            return_inverse=True,
        )
        points = np.concatenate([self.cells.points, self.position[n:][first]])
        renamed = np.concatenate([np.arange(n), n + place])
        old = pieces.carriers >= 0
        labels = np.where(old, self.cells.born[np.where(old, pieces.carriers, 0)], born)
        return Cells(points, pieces.offsets, renamed[pieces.corners], labels).compact()
