"""Edges between neurons: which ones there is room for, and how they look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from viz.networks.columns import Array
from viz.networks.spots import Spot
from viz.scene import Path, Point, Shape, Text, arrow
from viz.style import FADED, INK, MUTED, Look, edge, number, strength

_SPARSE = 100  # edges up to which each can be followed


@dataclass(frozen=True)
class Wires:
    """
    Edges, and how much they are of all those between neurons that are drawn.

    Attributes
    ----------
    shapes : tuple of Shape
        Faded ones first, then from weak to strong.
    drawn, total : int
        Of the edges that carry something.
    share : float
        What the drawn ones carry, of the sum of absolute values.
    faded_drawn, faded : int
        Of the edges that carry nothing.
    limit : float
        The strongest.
    """

    shapes: tuple[Shape, ...]
    drawn: int
    total: int
    share: float
    faded_drawn: int
    faded: int
    limit: float


def wires(spots: Sequence[Spot], budget: int, verb: str) -> Wires:
    """
    Draw the strongest edges between neighbouring columns.

    Parameters
    ----------
    spots : sequence of Spot
        The columns in their places.
    budget : int
        How many edges that carry something to draw at most, and how many faded ones; there is a share for
        every pair of columns, and the strongest of each neuron come first.
    verb : str
        What an edge's number is, for its tooltip: "weight" or "carries".
    """
    gaps = [_Gap(left, right) for left, right in pairwise(spots) if right.column.strengths is not None]
    room = budget // max(len(gaps), 1)
    limit = max((float(gap.shown.max(initial=0.0)) for gap in gaps), default=0.0)
    dense = sum(gap.sizes.size for gap in gaps) > _SPARSE
    live = [(gap, *pair) for gap in gaps for pair in gap.strongest(room)]
    live.sort(key=lambda entry: entry[0].sizes[entry[1:]])
    faded = [(gap, *pair) for gap in gaps for pair in gap.some_idle(room)]
    quiet = Look(stroke=MUTED, width=0.6 if dense else 0.8, opacity=FADED)
    shapes = [replace(gap.path(unit, neuron, quiet), role="edge faded") for gap, unit, neuron in faded]
    shapes += [_edge(*entry, limit, dense, verb) for entry in live]
    carried = sum(float(gap.shown.sum()) for gap in gaps)
    share = sum(float(gap.sizes[unit, neuron]) for gap, unit, neuron in live) / carried if carried else 1.0
    total = sum(int(np.count_nonzero(gap.shown)) for gap in gaps)
    idle = sum(int(np.count_nonzero(gap.shown == 0)) for gap in gaps)
    return Wires(tuple(shapes), len(live), total, share, len(faded), idle, limit)


def skips(spots: Sequence[Spot]) -> list[Shape]:
    """Draw the residual connections: arrows above the columns that they pass."""
    shapes: list[Shape] = []
    for k, spot in enumerate(spots):
        if spot.column.skip is None:
            continue
        start = spots[spot.column.skip]
        height = min(other.top for other in spots[spot.column.skip : k + 1]) - 34.0
        points: list[Point] = [
            (start.x, start.top - 4),
            (start.x, height),
            (spot.x, height),
            (spot.x, spot.top - 4),
        ]
        title = f"{start.column.name} is added to {spot.column.name}, neuron by neuron"
        shapes.append(arrow(points, Look(stroke=INK, width=2), curved=True, role="skip", title=title))
        middle = (start.x + spot.x) / 2, 0.25 * (start.top + spot.top) / 2 + 0.75 * height - 14
        shapes.append(Text(*middle, "+ the same values", 10.5, look=Look(fill=MUTED)))
    return shapes


class _Gap:
    """The edges between two columns; ``sizes`` is how much each carries, 0 where an end passes nothing on."""

    def __init__(self, left: Spot, right: Spot) -> None:
        assert right.column.strengths is not None
        self.left, self.right, self.strengths = left, right, right.column.strengths
        alive = right.column.alive_units[:, None] & left.column.alive[None, :]
        self.sizes = np.where(alive & np.isfinite(self.strengths), np.abs(self.strengths), 0.0)
        self.units, self.neurons = sorted(right.ports), sorted(left.centres)
        self.shown = self.sizes[np.ix_(self.units, self.neurons)]

    def strongest(self, room: int) -> list[tuple[int, int]]:
        """Choose (unit, neuron) pairs that carry most, every unit's and every neuron's own first."""
        rows, columns = np.nonzero(self.shown)
        if len(rows) > room:
            own = np.zeros(self.shown.shape, dtype=bool)
            own[np.arange(len(self.units)), self.shown.argmax(axis=1)] = True
            if not self.left.image:
                own[self.shown.argmax(axis=0), np.arange(len(self.neurons))] = True
            order = np.lexsort((-self.shown[rows, columns], ~own[rows, columns]))[:room]
            rows, columns = rows[order], columns[order]
        return self._names(rows, columns)

    def some_idle(self, room: int) -> list[tuple[int, int]]:
        """Choose pairs that carry nothing, some of all where there are more than room for."""
        rows, columns = np.nonzero(self.shown == 0)
        if len(rows) > room:
            chosen = np.random.default_rng(0).choice(len(rows), room, replace=False)
            rows, columns = rows[chosen], columns[chosen]
        return self._names(rows, columns)

    def path(self, unit: int, neuron: int, look: Look) -> Path:
        """Draw one edge, from a neuron's right side to a unit's left."""
        (x0, y0), (x1, y1) = self.left.exits[neuron], self.right.ports[unit]
        x1 -= self.right.half_width
        bend = 0.45 * (x1 - x0)
        return Path(((x0, y0), (x0 + bend, y0), (x1 - bend, y1), (x1, y1)), curved=True, look=look)

    def _names(self, rows: Array, columns: Array) -> list[tuple[int, int]]:
        return [(self.units[r], self.neurons[c]) for r, c in zip(rows, columns, strict=True)]


def _edge(gap: _Gap, unit: int, neuron: int, limit: float, dense: bool, verb: str) -> Path:
    """Draw an edge that carries something; among many, the weak ones are pale."""
    carries = float(gap.strengths[unit, neuron])
    look = edge(carries, limit, 3.2 if dense else 5.0)
    if dense:
        look = replace(look, opacity=round(0.3 + 0.6 * strength(carries, limit), 2))
    data = {"from": f"{gap.left.column.name} {neuron}", "to": f"{gap.right.column.name} {unit}"}
    title = f"{data['from']} → {data['to']}: {verb} {number(carries)}"
    return replace(gap.path(unit, neuron, look), role="edge", title=title, data=data)
