"""How neurons look: each state of its own kind."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from viz import fonts
from viz.networks import columns as states
from viz.networks.columns import Column
from viz.networks.pixels import grey_image, side_of
from viz.networks.spots import Spot
from viz.scene import Circle, Group, Rect, Shape, Text, cross, line
from viz.style import (
    ACTIVE,
    DROPPED,
    INACTIVE,
    INK,
    LOSER,
    MUTED,
    PANEL,
    PRUNED,
    RULE,
    WINNER,
    Look,
    Paint,
    diverging,
    number,
)

READABLE = 15.0  # radius from which a neuron has room for its value


def neuron_shapes(spot: Spot, limit: float) -> list[Shape]:
    """Return the shapes of one column's neurons, coloured on a scale from -limit to limit."""
    column = spot.column
    if spot.image:
        return [_image(spot)]
    return [
        _stack(spot, j, limit) if column.groups is not None else _circle(spot, j, limit) for j in spot.centres
    ]


def sample(state: str, value: float = 1.0, radius: float = 8.0) -> Shape:
    """Return one neuron in a state, for a key."""
    column = Column("", (), (state,), values=np.array([value]))
    shape = _circle(Spot(column, 0.0, {0: (0.0, 0.0)}, {0: (0.0, 0.0)}, radius, radius), 0, 1.0)
    return replace(shape, title="", role="sample", data={})


def stack_sample(given: bool) -> Shape:
    """Return a Maxout neuron of three pieces, for a key; without an input none of them wins."""
    column = Column("", (), (states.PLAIN,), groups=(3,))
    if given:
        pieces = np.array([0.1, 1.0, 0.0])
        column = replace(column, states=(states.ACTIVE,), winners=np.array([1]), pieces=pieces)
    ports = {0: (0.0, -6.0), 1: (0.0, 0.0), 2: (0.0, 6.0)}
    shape = _stack(Spot(column, 0.0, {0: (0.0, 0.0)}, ports, 3.0, 8.0), 0, 1.0)
    return replace(shape, title="", role="sample", data={})


def _circle(spot: Spot, j: int, limit: float) -> Group:
    """Draw one neuron as its state looks."""
    (x, y), r, column = spot.centres[j], spot.radius, spot.column
    state = column.states[j]
    value = None if column.values is None else float(column.values[j])
    thick = 1.5 if r > 5 else 1.0
    filled = replace(ACTIVE, fill=diverging(value or 0.0, limit), width=thick)
    look = {
        states.PLAIN: replace(ACTIVE, width=thick),
        states.INACTIVE: replace(PRUNED, width=min(1.25, thick)),
        states.IDLE: replace(PRUNED, width=min(1.25, thick)),
        states.DROPPED: replace(DROPPED, width=min(1.25, thick)),
        states.LOWER: replace(filled, dash=(2, 2)),
        states.BYPASSED: replace(filled, stroke=INACTIVE, dash=PRUNED.dash),
    }.get(state, filled)
    shapes: list[Shape] = [Circle(x, y, r, look=look)]
    if state == states.DROPPED:
        shapes.append(cross(x, y, 0.95 * r, Look(stroke=MUTED, width=max(1.25, r / 8))))
    elif state == states.IDLE:
        shapes.append(Circle(x, y, max(0.25 * r, 1.2), look=Look(fill=INACTIVE)))
    elif state == states.SATURATED:
        side = 0.55 * r if value is not None and value > 0.4 else -0.55 * r
        shapes.append(
            line((x - 0.8 * r, y - side), (x + 0.8 * r, y - side), Look(stroke=INK, width=max(1.5, r / 6)))
        )
    if value is not None and state not in (states.DROPPED, states.INACTIVE, states.IDLE):
        shapes += _value(x, y, value, r, r >= READABLE, INK)
    return _neuron(spot, j, shapes)


def _stack(spot: Spot, j: int, limit: float) -> Group:
    """Draw one Maxout neuron: its pieces on top of each other, the winner solid."""
    column = spot.column
    assert column.groups is not None
    first = sum(column.groups[:j])
    state, thin = column.states[j], spot.radius < 5
    shapes: list[Shape] = []
    for piece in range(column.groups[j]):
        x, y = spot.ports[first + piece]
        won = column.winners is not None and column.winners[j] == piece
        value = None if column.pieces is None else float(column.pieces[first + piece])
        if state == states.PLAIN:
            look = Look(fill=PANEL, stroke=INK, width=1.0)
        elif won and state not in (states.DROPPED, states.IDLE, states.INACTIVE):
            look = replace(WINNER, fill=diverging(value or 0.0, limit), width=1.2 if thin else WINNER.width)
        else:
            look = replace(
                LOSER, width=0.7 if thin else LOSER.width, dash=() if state == states.DROPPED else LOSER.dash
            )
        half, tall = spot.half_width, 0.86 * spot.radius
        role = "piece" if column.winners is None else "piece winner" if won else "piece loser"
        cell: list[Shape] = [Rect(x - half, y - tall, 2 * half, 2 * tall, min(3.0, tall), look=look)]
        if value is not None and state != states.DROPPED and (won or not thin):
            cell += _value(x, y, value, half, spot.radius >= 8, INK if won else MUTED)
        shapes.append(Group(tuple(cell), role=role))
    shapes.sort(key=lambda shape: "winner" in shape.role)  # its outline over its neighbours'
    if state == states.DROPPED:
        reach = min(spot.half_width, column.groups[j] * spot.radius)
        shapes.append(cross(*spot.centres[j], reach, Look(stroke=MUTED, width=max(1.25, reach / 8))))
    return _neuron(spot, j, shapes)


def _value(x: float, y: float, value: float, half: float, readable: bool, ink: Paint) -> list[Shape]:
    """Write a neuron's value; where there is no room, a minus if it is negative."""
    if not readable:
        reach = 0.4 * half
        minus = line((x - reach, y), (x + reach, y), Look(stroke=ink, width=1.0), role="minus")
        return [minus] if value < 0 else []
    texts = [number(value), *(number(float(f"{value:.{digits}g}")) for digits in (2, 1))]
    text = next((text for text in texts if fonts.width(text, 10.5) <= 1.75 * half), texts[-1])
    return [Text(x, y, text, 10.5, look=Look(fill=ink))]


def _neuron(spot: Spot, j: int, shapes: list[Shape]) -> Group:
    """Group a neuron's shapes, with a ring if it changes next, and with what is known of it."""
    column = spot.column
    if j in column.flips:
        (x, y), r = spot.centres[j], spot.radius
        if column.groups is None:
            shapes.append(Circle(x, y, r + 3.0, look=Look(stroke=INK, width=1.25), role="next-flip"))
        else:
            half, tall = spot.half_width + 3, column.groups[j] * r + 2
            ring = Rect(x - half, y - tall, 2 * half, 2 * tall, 4, look=Look(stroke=INK, width=1.25))
            shapes.append(replace(ring, role="next-flip"))
    words = [f"{column.name}, neuron {j}"]
    if column.states[j] != states.PLAIN:
        words[0] += f": {column.states[j]}"
    if column.winners is not None and column.groups is not None:
        words.append(f"piece {int(column.winners[j]) + 1} of {column.groups[j]} wins")
    if column.values is not None:
        words.append(f"gives {number(column.values[j])}")
    if column.margin is not None and np.isfinite(column.margin[j]):
        words.append(f"changes {number(column.margin[j])} from here")
    return Group(
        tuple(shapes), role=f"neuron {column.states[j]}", title=", ".join(words),
        data={"column": column.name, "neuron": str(j)},
    )  # fmt: skip


def _image(spot: Spot) -> Group:
    """Draw the input as an image; without an input an empty grid."""
    column, size = spot.column, 2 * spot.half_width
    left, top = spot.x - size / 2, -size / 2
    if column.values is None:
        paper = Rect(left, top, size, size, look=Look(fill=PANEL, stroke=RULE), role="frame")
        side = side_of(column.size) or 1
        cuts = [k * size / side for k in range(1, side)] if side <= 10 else []
        grid = [line((left + c, top), (left + c, top + size), Look(stroke=RULE, width=0.5)) for c in cuts]
        grid += [line((left, top + c), (left + size, top + c), Look(stroke=RULE, width=0.5)) for c in cuts]
        return Group((paper, *grid), role="image input", title=f"the input: {column.size} pixels")
    title = (
        f"the input: {column.size} pixels from {number(column.values.min())} to {number(column.values.max())}"
    )
    image = grey_image(column.values, left, top, size, "image input", title)
    crosses = [
        replace(cross(*spot.centres[k], 0.7 * spot.radius, Look(stroke=MUTED, width=1.5)), role="dropped")
        for k, state in enumerate(column.states)
        if state == states.DROPPED
    ]
    return replace(image, shapes=(*image.shapes, *crosses))
