"""Where the neurons of a network are drawn: columns from left to right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from viz.networks.columns import Column
from viz.networks.pixels import side_of
from viz.scene import Point

MOST = 64  # neurons of one layer that are drawn
KEPT = 40  # of a layer that has more
_HEIGHT = 540.0


@dataclass(frozen=True)
class Spot:
    """
    Where a column is drawn.

    Attributes
    ----------
    column : Column
    x : float
        Its middle.
    centres : dict of int to (x, y)
        Of the neurons that are drawn; of an image's pixels.
    ports : dict of int to (x, y)
        Where edges reach each unit (neuron or piece) that is drawn.
    radius : float
        Of a neuron; half the height of a Maxout piece.
    half_width : float
        How far the column reaches to both sides of its middle.
    image : bool
        Whether the neurons are the pixels of an image.
    """

    column: Column
    x: float
    centres: dict[int, Point]
    ports: dict[int, Point]
    radius: float
    half_width: float
    image: bool = False

    @property
    def exits(self) -> dict[int, Point]:
        """Where edges leave each neuron; pixels leave their image on its right, in the order of reading."""
        right = self.x + self.half_width
        if not self.image:
            return {j: (right, self._exit(j)) for j in self.centres}
        step = 2 * self.half_width / len(self.centres)
        return {j: (right, (j + 0.5) * step - self.half_width) for j in self.centres}

    def _exit(self, j: int) -> float:
        """Return how high edges leave a neuron: at its middle, for Maxout at the winner."""
        column = self.column
        if column.groups is None or column.winners is None:
            return self.centres[j][1]
        return self.ports[sum(column.groups[:j]) + int(column.winners[j])][1]

    @property
    def top(self) -> float:
        """The upper end."""
        return min((y for _, y in self.ports.values()), default=0.0) - self.radius

    @property
    def bottom(self) -> float:
        """The lower end."""
        return max((y for _, y in self.ports.values()), default=0.0) + self.radius


def place(
    columns: Sequence[Column], row_height: float = 0.0, chosen: Sequence[Sequence[int]] | None = None
) -> list[Spot]:
    """
    Place columns from left to right, their neurons from top to bottom, all around y = 0.

    Parameters
    ----------
    columns : sequence of Column
        An input that is a square number of entries becomes an image.
    row_height : float
        Least distance between outputs, for what stands beside them.
    chosen : sequence of sequence of int, optional
        The neurons of each column to draw; by default the strongest, and of what gives 0 its share.

    Examples
    --------
    >>> spots = place([Column("input", (), ("plain",) * 2), Column("output", (), ("plain",))])
    >>> [[y for x, y in spot.centres.values()] for spot in spots]
    [[-28.0, 28.0], [0.0]]
    """
    shown = [_shown(column) for column in columns] if chosen is None else chosen
    images = [k == 0 and side_of(column.size) is not None for k, column in enumerate(columns)]
    rows = [len(some) for some, image in zip(shown, images, strict=True) if not image]
    pitch = min(max(_HEIGHT / max(*rows, 1, 1), 9.5), 56.0)
    gap = min(max(620.0 / max(len(columns) - 1, 1), 76.0), 150.0)
    spots: list[Spot] = []
    x = 0.0
    for k, (column, some) in enumerate(zip(columns, shown, strict=True)):
        last = k == len(columns) - 1
        if images[k]:
            spot = _pixels(column)
        elif column.groups is not None:
            spot = _stacks(column, some, pitch)
        else:
            own = max(pitch, min(row_height, 1.1 * _HEIGHT / max(len(some), 1))) if last and k else pitch
            spot = _circles(column, some, own, max(0.39 * pitch, 8.0 if last else 0.0))
        x += spot.half_width if k else 0.0
        spots.append(_moved(spot, x))
        x += spot.half_width + gap
    return spots


def _shown(column: Column) -> list[int]:
    """Choose the neurons of a layer to draw, in order: active ones, and their share of others."""
    if column.size <= MOST or (column.name == "input" and side_of(column.size)):
        return list(range(column.size))
    weight = np.zeros(column.size) if column.values is None else np.abs(column.values)
    if column.strengths is not None:
        np.maximum.at(weight, column.owners, np.abs(column.strengths).max(axis=1, initial=0))
    order = np.argsort(-weight, kind="stable")
    alive, rest = order[column.alive[order]], order[~column.alive[order]]
    share = round(KEPT * len(alive) / column.size)
    evenly = np.linspace(0, len(rest) - 1, KEPT - share).round().astype(int)
    return sorted([*alive[:share].tolist(), *rest[evenly].tolist()])


def _pixels(column: Column) -> Spot:
    """Place an image's pixels."""
    side = side_of(column.size) or 1
    size = 168.0
    cell = size / side
    centres = {
        k: ((k % side + 0.5) * cell - size / 2, (k // side + 0.5) * cell - size / 2)
        for k in range(column.size)
    }
    return Spot(column, 0.0, centres, centres, cell / 2, size / 2, image=True)


def _circles(column: Column, some: Sequence[int], pitch: float, radius: float) -> Spot:
    """Place neurons as circles."""
    radius = min(radius, 0.39 * pitch, 20.0)
    centres = {j: (0.0, pitch * (k - (len(some) - 1) / 2)) for k, j in enumerate(some)}
    return Spot(column, 0.0, centres, centres, radius, radius)


def _stacks(column: Column, some: Sequence[int], pitch: float) -> Spot:
    """Place Maxout's neurons as stacks of their pieces."""
    assert column.groups is not None
    groups = column.groups
    pieces = sum(groups[j] for j in some)
    cell = min(max(_HEIGHT / max(pieces + 0.45 * len(some), 1), 4.2), 20.0, pitch)
    starts = np.cumsum(groups) - groups
    y = -(pieces + 0.45 * (len(some) - 1)) * cell / 2
    centres: dict[int, Point] = {}
    ports: dict[int, Point] = {}
    for j in some:
        for piece in range(groups[j]):
            ports[int(starts[j]) + piece] = (0.0, y + (piece + 0.5) * cell)
        centres[j] = (0.0, y + groups[j] * cell / 2)
        y += (groups[j] + 0.45) * cell
    return Spot(column, 0.0, centres, ports, cell / 2, min(max(1.05 * cell, 6.0), 22.0))


def _moved(spot: Spot, x: float) -> Spot:
    shift = {
        name: {k: (a + x, b) for k, (a, b) in getattr(spot, name).items()} for name in ("centres", "ports")
    }
    return replace(spot, x=x, **shift)  # type: ignore[arg-type]
