"""Neurons of two thin networks in one place: the left half is the first's, the right half the second's."""

from __future__ import annotations

from dataclasses import replace

from viz.networks.compared import (
    BOTH,
    FIRST,
    MEANINGS,
    NEITHER,
    OPEN_IN_FIRST,
    OPEN_IN_SECOND,
    Compared,
)
from viz.networks.spots import Spot
from viz.scene import Circle, Group, Path, Point, Rect, Shape
from viz.style import INK, LOSER, PAPER, PRUNED, SERIES, Look, Paint, shade

FIRST_LINE, SECOND_LINE = SERIES[2], SERIES[3]
_ROUND = 0.5523  # of the radius: where a cubic curve has its control points to be a quarter of a circle
_SHARED = shade(0.3)


def unit_shapes(layer: Compared, spot: Spot) -> list[Shape]:
    """Draw the neurons of one column, or the pieces of its Maxout neurons."""
    column = layer.column
    shapes: list[Shape] = []
    for j in spot.centres:
        if column.groups is None:
            parts, states = _disc(*spot.centres[j], spot.radius, layer.states[j]), [layer.states[j]]
        else:
            start = sum(column.groups[:j])
            units = range(start, start + column.groups[j])
            states = [layer.states[unit] for unit in units]
            parts = [
                cell
                for unit, state in zip(units, states, strict=True)
                for cell in _cell(*spot.ports[unit], spot.half_width, 0.86 * spot.radius, state)
            ]
        words = "; ".join(dict.fromkeys(MEANINGS[state] for state in states))
        title = f"{column.name}, neuron {j}: {words}"
        data = {"column": column.name, "neuron": str(j), "states": " ".join(states)}
        shapes.append(
            Group(tuple(parts), role=f"neuron {' '.join(dict.fromkeys(states))}", title=title, data=data)
        )
    return shapes


def sample(state: str, grouped: bool) -> Shape:
    """Return one unit in a state, for a key."""
    return Group(tuple(_cell(0, 0, 12, 6, state) if grouped else _disc(0, 0, 8, state)), role="sample")


def half(x: float, y: float, radius: float, state: str, title: str = "") -> Shape:
    """Return the mark of the first or the second: a disc with that half filled."""
    return Group(tuple(_disc(x, y, radius, state)), role=f"whose {state}", title=title)


def _disc(x: float, y: float, r: float, state: str) -> list[Shape]:
    """Draw one neuron."""
    thick = 1.5 if r > 5 else 1.0
    if state == NEITHER:
        return [Circle(x, y, r, look=replace(PRUNED, width=min(1.25, thick)))]
    if state == BOTH:
        return [Circle(x, y, r, look=Look(fill=_SHARED, stroke=INK, width=thick))]
    paint, side = _whose(state)
    other = _SHARED if state in (OPEN_IN_FIRST, OPEN_IN_SECOND) else PAPER
    k = _ROUND * r
    points: tuple[Point, ...] = (
        (x, y - r), (x + side * k, y - r), (x + side * r, y - k), (x + side * r, y),
        (x + side * r, y + k), (x + side * k, y + r), (x, y + r),
    )  # fmt: skip
    return [
        Circle(x, y, r, look=Look(fill=other, stroke=paint, width=thick)),
        Path(points, curved=True, closed=True, look=Look(fill=paint)),
    ]


def _cell(x: float, y: float, width: float, height: float, state: str) -> list[Shape]:
    """Draw one piece of a Maxout neuron; ``width`` and ``height`` are half of its own."""
    corner = min(3.0, height)
    whole = Rect(x - width, y - height, 2 * width, 2 * height, corner)
    if state == NEITHER:
        return [replace(whole, look=replace(LOSER, width=0.7 if height < 4 else LOSER.width))]
    if state == BOTH:
        return [replace(whole, look=Look(fill=_SHARED, stroke=INK, width=1.2 if height < 4 else 2.0))]
    paint, side = _whose(state)
    filled = Rect(x if side > 0 else x - width, y - height, width, 2 * height, look=Look(fill=paint))
    return [replace(whole, look=Look(fill=PAPER, stroke=paint, width=1.2)), filled]


def _whose(state: str) -> tuple[Paint, int]:
    """Return the colour and the side of whoever has a unit alone."""
    return (FIRST_LINE, -1) if state in (FIRST, OPEN_IN_FIRST) else (SECOND_LINE, 1)
