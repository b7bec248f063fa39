"""The polygons that the gates of a network cut a plane into, gate by gate.

In a region of all earlier gates, the numbers that a gate decides about are affine functions, and they are
continuous across regions. So their values at the corners of the polygons tell everything: one run of the
network on all corners settles a gate.

A gate that compares several pieces is settled as a tournament: first each piece against its neighbour, then
the winners of two against the winners of the next two. A boundary between two pieces that lose against a
third disappears again: it is not a boundary of the gate.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..graph import Node
from ..nn import Module
from ..tensor import Array
from ..thin.followed import Recorded, chunks, follow, record
from .cells import Cells
from .cutting import cut
from .gates import coded
from .pieces import ENTRIES, UnsettledError

BYTES = 2**29
"""How much memory the values of a gate may take: 512 MB. Of more units, one part is settled after another."""

TOLERANCE = 8.0
"""How many times the rounding of a gate's margins (:mod:`minigrad.thin.rounding`) its boundary may be off."""

THIN = 1e-8
"""Cells of a smaller width, in (s, t), are asked whether they are there at all."""

NOTHING = 4 * float(np.finfo(np.float64).eps)
"""Cells of no larger width are not there: their corners can't be told apart."""

SAMPLE = 64
"""At how many corners, besides those of the square, the rounding is looked up."""


def polygons(net: Module, corner: Array, directions: Array) -> Cells:
    """
    Return the linear regions of a network in a parallelogram, as cells of the unit square.

    Parameters
    ----------
    net : Module
        It takes batches.
    corner, directions : ndarray of float64, shapes (*input), (2, *input)
        The point (s, t) of the square is the input ``corner + s·directions[0] + t·directions[1]``.
    """
    for looser in (1.0, 2.0**8, 2.0**16):
        try:
            return _Plane(net, corner, directions, TOLERANCE * looser).settled()
        except UnsettledError:
            continue
    raise UnsettledError("the regions are smaller than the rounding of the network: look at a larger plane")


def inputs(corner: Array, directions: Array, at: Array) -> Array:
    """Return the inputs at points (s, t) of the square, shape (points, *input)."""
    return corner + np.tensordot(at, directions, axes=1)


def batches(net: Module, corner: Array, directions: Array, at: Array, k: int = 0) -> Iterator[slice]:
    """Iterate over slices of points that fit into memory, with slopes along k directions."""
    rows = next(chunks(net, inputs(corner, directions, at[:16]), k)).stop
    return (slice(first, first + rows) for first in range(0, len(at), rows))


class _Plane:
    def __init__(self, net: Module, corner: Array, directions: Array, tolerance: float) -> None:
        self.net, self.corner, self.directions, self.tolerance = net, corner, directions, tolerance
        self.scale = float(
            np.abs(corner).max(initial=0) + np.abs(directions).reshape(2, -1).max(axis=1).sum()
        )
        self.made = 0
        self.doubtful: list[int] = []

    def settled(self) -> Cells:
        """Return the cells of all gates."""
        cells = Cells.square()
        for gate, node in enumerate(self._record(cells.points).gates):
            units, pieces = self._margins(node).shape[1:]
            first = 0
            while first < units:
                count = max(1, BYTES // (8 * pieces * len(cells.points)))
                part = slice(first, first + count)
                settle = self._settle_winners if node.primitive.envelope else self._settle_lines
                cells = settle(cells, gate, part)
                first += count
        return self._resolved(cells)

    def _resolved(self, cells: Cells) -> Cells:
        """
        Return the cells without the edges that rounding made.

        Where boundaries go through a corner that is not quite on them, a cell that is thinner than that may
        turn out to have the pattern of a cell beside it, or to be turned inside out. And pieces that are
        almost equal may have been left apart by a tournament.
        """
        doubtful = (cells.widths < THIN)[cells.cell] | np.isin(cells.born, self.doubtful)
        edges = np.flatnonzero(doubtful & (cells.twins >= 0))
        if not len(edges):
            return cells
        sides = np.stack([cells.cell[edges], cells.cell[cells.twins[edges]]])
        asked, place = np.unique(sides, return_inverse=True)
        codes = self._codes(cells.centers[asked])[place.reshape(sides.shape)]
        gone = np.zeros(len(cells.corners), dtype=bool)
        gone[edges[(codes[0] == codes[1]).all(axis=1)]] = True
        cells, _ = cells.merged(gone)
        gone = np.zeros(len(cells.corners), dtype=bool)
        gone[cells.longest[cells.widths <= NOTHING]] = True
        return cells.merged(gone)[0] if gone.any() else cells

    def _codes(self, at: Array) -> Array:
        """Return the patterns at points, shape (points, columns)."""
        parts = []
        for part in batches(self.net, self.corner, self.directions, at):
            found = self._record(at[part])
            patterns = [
                coded(node, pattern) for node, pattern in zip(found.gates, found.patterns, strict=True)
            ]
            parts.append(np.concatenate(patterns, axis=1))
        return np.concatenate(parts)

    def _settle_lines(self, cells: Cells, gate: int, units: slice) -> Cells:
        """Cut by every boundary of some units."""
        margins = self._values(cells, gate, units)
        tolerance = np.repeat(self._tolerance(cells, gate, units), margins.shape[2])
        return self._cut(cells, margins.reshape(len(margins), -1), tolerance)

    def _settle_winners(self, cells: Cells, gate: int, units: slice) -> Cells:
        """Cut where the winner changes, one round of the tournament after the other."""
        width, first = 1, self.made
        deficits = self._values(cells, gate, units)
        while width < deficits.shape[2]:
            ahead = -np.minimum.reduceat(deficits, np.arange(0, deficits.shape[2], width), axis=2)
            rivals = ahead.shape[2] // 2 * 2
            values = (ahead[..., 0:rivals:2] - ahead[..., 1:rivals:2]).reshape(len(ahead), -1)
            tolerance = self._tolerance(cells, gate, units)
            before = len(cells)
            cells = self._cut(cells, values, np.repeat(tolerance, rivals // 2))
            if len(cells) > before:
                deficits = self._values(cells, gate, units)
            width *= 2
            if width > 2:
                self.doubtful += range(first, self.made)
                gone = _no_boundaries(cells, first, deficits, tolerance, width)
                if gone.any():
                    cells, used = cells.merged(gone)
                    deficits = deficits[used]
        return cells

    def _cut(self, cells: Cells, values: Array, tolerance: Array) -> Cells:
        self.made += 1
        return cut(cells, values, tolerance, self.made - 1)

    def _record(self, at: Array) -> Recorded:
        return record(self.net, inputs(self.corner, self.directions, at))

    def _values(self, cells: Cells, gate: int, units: slice) -> Array:
        """Return the margins of some units of a gate at all points, shape (points, units, boundaries)."""
        at = cells.points
        shape = self._margins(self._record(at[:1]).gates[gate])[:, units].shape[1:]
        values = np.empty((len(at), *shape))
        for part in batches(self.net, self.corner, self.directions, at):
            values[part] = self._margins(self._record(at[part]).gates[gate])[:, units]
        return values

    def _margins(self, node: Node) -> Array:
        """Return the margins of a gate, shape (rows, units, boundaries); what can't win is far behind."""
        assert node.args is not None and node.primitive.pattern and node.primitive.margins
        pattern = node.primitive.pattern(*node.args, **node.options)
        margins = np.asarray(node.primitive.margins(pattern, *node.args, **node.options))
        units = int(np.prod(margins.shape[1:-1]))
        by_unit = margins.reshape(len(margins), units, margins.shape[-1])
        return np.nan_to_num(by_unit, posinf=1e150, neginf=-1e150)

    def _tolerance(self, cells: Cells, gate: int, units: slice) -> Array:
        """Return how far from 0 the margins of each unit may be on their boundary, shape (units,)."""
        step = max(1, len(cells.points) // SAMPLE)
        at = np.concatenate([cells.points[:4], cells.points[4::step]])
        found = follow(self.net, inputs(self.corner, self.directions, at), np.zeros((0, *self.corner.shape)))
        noise, shape = found.gates[gate].noise, found.gates[gate].margins.shape[:-1]
        total = np.broadcast_to(noise[0] + noise[1] * self.scale, shape).reshape(len(at), -1)
        return self.tolerance * total.max(axis=0)[units]


def _no_boundaries(cells: Cells, born: int, deficits: Array, tolerance: Array, width: int) -> Array:
    """
    Return which edges made since some cut are no boundary: in every unit the same piece wins on both sides.

    Winners are asked for among `width` neighbouring pieces. One wins in a cell if it does at all its corners,
    the first of those that do.
    """
    twins = cells.twins
    edge = np.flatnonzero(
        (twins > np.arange(len(twins))) & (np.minimum(cells.born, cells.born[twins]) >= born)
    )
    sides = np.stack([cells.cell[edge], cells.cell[twins[edge]]])
    same = np.ones(len(edge), dtype=bool)
    pieces = np.arange(deficits.shape[2])
    starts = pieces[::width]
    step = max(1, ENTRIES // max(1, len(cells.corners) * deficits.shape[2]))
    for first in range(0, deficits.shape[1], step):
        some, least = deficits[:, first : first + step], tolerance[first : first + step, None]
        best = np.minimum.reduceat(some, starts, axis=2)
        behind = some - np.repeat(best, np.diff([*starts, some.shape[2]]), axis=2)
        wins = cells.folded(np.logical_and, behind <= least)
        winner = np.minimum.reduceat(np.where(wins, pieces, len(pieces)), starts, axis=2)
        one = (winner[sides[0]] == winner[sides[1]]) & (winner[sides[0]] < len(pieces))
        same &= one.all(axis=(1, 2))
    gone = np.zeros(len(twins), dtype=bool)
    gone[edge[same]] = gone[twins[edge[same]]] = True
    return gone
