"""What a network says: outputs as labelled bars, and the linear map behind them as images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from viz import fonts
from viz.networks.columns import Array
from viz.networks.neurons import READABLE
from viz.networks.pixels import side_of, signed_image
from viz.networks.spots import Spot
from viz.scene import Group, Path, Rect, Shape, Text, line, union
from viz.style import INK, MINUS, MUTED, PANEL, Look, diverging, number

TILE = 44.0  # side of an image of weights
_BAR = 60.0  # longest bar
_LABEL = 110.0  # most room for a label


def has_images(weight: Array) -> bool:
    """Tell whether the rows of a linear map can be drawn as images beside the outputs."""
    return side_of(weight.shape[1]) is not None and weight.shape[0] <= 16


def marks_largest(spot: Spot) -> bool:
    """Tell whether one of several outputs is the largest, and is drawn."""
    values = spot.column.values
    if values is None or len(values) < 2 or not np.ptp(values):
        return False
    return int(values.argmax()) in spot.centres


def output_shapes(
    spot: Spot, labels: Sequence[str], limit: float, weight: Array | None, x: Array | None
) -> list[Shape]:
    """
    Draw what stands to the right of the outputs: label, row of the linear map, bar and number.

    Parameters
    ----------
    spot : Spot
        The outputs' column.
    labels : sequence of str
        One per output.
    limit : float
        The number that gets the full colour.
    weight, x : ndarray, shapes (n_out, n_in), (n_in,); or None
        The linear map and the input, if they are to be drawn as images.
    """
    values = spot.column.values
    compared = values is not None and len(values) > 1
    largest = int(values.argmax()) if values is not None and marks_largest(spot) else -1
    left = spot.x + spot.half_width + 9
    shapes = [_label(labels[j], left, y, j == largest) for j, (_, y) in spot.centres.items()]
    left = union(shapes)[2] + 10
    if weight is not None and x is not None:
        shapes += _images(spot, weight, "W", "template", left)
        shapes += _images(spot, weight * x, "W · pixel", "evidence", left + TILE + 8)
        left += 2 * TILE + 22
    if values is not None and len(values) == 1 and spot.radius < READABLE:
        shapes.append(Text(left, spot.centres[0][1], number(values[0]), 13, "start", role="value"))
    if values is not None and compared:
        shapes += _bars(spot, values, "sum + b" if weight is not None else "output", left, limit)
    if largest in spot.centres:
        tall = TILE / 2 if weight is not None else 9.0
        shapes.insert(0, _band(spot, largest, tall, union(shapes)[2]))
    return shapes


def map_table(weight: Array, bias: Array, names: Sequence[str], drawing: Sequence[Shape]) -> Group:
    """
    Write a linear map out, a row per output, centred beneath a drawing.

    Parameters
    ----------
    weight, bias : ndarray, shapes (n_out, n_in), (n_out,)
        W and b.
    names : sequence of str
        One per output.
    drawing : sequence of Shape
        What is above it.
    """
    n = weight.shape[1]
    rows = [["W and b", *(f"input {k}" for k in range(n)), "b"]]
    rows += [
        [f"output {name}".strip(), *map(number, row), number(b)]
        for name, row, b in zip(names, weight.tolist(), bias.tolist(), strict=True)
    ]
    left, _, right, bottom = union(tuple(drawing))
    first = max(fonts.width(row[0], 11.5, bold=True) for row in rows) + 20
    wide = max(fonts.width(cell, 11.5) for row in rows for cell in row[1:]) + 20
    start, top = (left + right - first - wide * (n + 1)) / 2, bottom + 32
    shapes: list[Shape] = []
    for r, row in enumerate(rows):
        y = top + 19 * r + (5 if r else 0)
        look = Look(fill=INK if r else MUTED)
        shapes.append(Text(start, y, row[0], 11.5, "start", bold=True))
        shapes += [
            Text(start + first + wide * (k + 1), y, cell, 11.5, "end", look=look)
            for k, cell in enumerate(row[1:])
        ]
    end = start + first + wide * (n + 1)
    shapes.append(line((start, top + 11), (end, top + 11), Look(stroke=MUTED)))
    cut = end - wide + 10
    shapes.append(line((cut, top - 9), (cut, top + 19 * len(rows) - 6), Look(stroke=MUTED)))
    return Group(tuple(shapes), role="map", title="W x′ + b")


def _label(label: str, x: float, y: float, largest: bool) -> Shape:
    """Name one output; the largest is marked."""
    text = Text(x, y, fonts.shorten(label, _LABEL, 13, bold=True), 13, "start", bold=largest)
    if not largest:
        return replace(text, role="label")
    tip = text.bounds()[2] + 5
    mark = Path(((tip + 8, y - 5.5), (tip + 8, y + 5.5), (tip, y)), closed=True, look=Look(fill=INK))
    return Group((text, mark), role="label largest", title="the largest output")


def _band(spot: Spot, j: int, tall: float, right: float) -> Rect:
    """Return a quiet band behind all that belongs to one output."""
    y, left = spot.centres[j][1], spot.x - spot.half_width - 8
    half = max(tall, spot.radius) + 3.0
    return Rect(left, y - half, right + 8 - left, 2 * half, 6, look=Look(fill=PANEL), role="band")


def _images(spot: Spot, rows: Array, heading: str, role: str, left: float) -> list[Shape]:
    """Draw one row per output as an image, all on one scale."""
    limit = float(np.abs(rows).max(initial=0))
    top = min(y for _, y in spot.centres.values()) - TILE / 2
    shapes: list[Shape] = [_heading(left + TILE / 2, top - 12, heading)]
    for j, (_, y) in spot.centres.items():
        title = f"{heading}, output {j}: from {number(rows[j].min())} to {number(rows[j].max())}"
        shapes.append(signed_image(rows[j], limit, left, y - TILE / 2, TILE, f"image {role}", title))
    return shapes


def _bars(spot: Spot, values: Array, heading: str, left: float, limit: float) -> list[Shape]:
    """Draw one bar per output, from a common zero line."""
    widest = float(np.abs(values).max()) or 1.0
    zero = left + (_BAR * float(-values.min()) / widest + 30 if (values < 0).any() else 0.0)
    tall = min(0.9 * spot.radius, 9.0)
    ys = [y for _, y in spot.centres.values()]
    shapes: list[Shape] = [
        _heading(max(zero, left + 22), min(ys) - TILE / 2 - 12, heading),
        line((zero, min(ys) - tall - 6), (zero, max(ys) + tall + 6), Look(stroke=MUTED), role="zero"),
    ]
    for j, (_, y) in spot.centres.items():
        value = float(values[j])
        length = _BAR * abs(value) / widest
        look = Look(fill=diverging(value, limit), stroke=INK, width=0.75)
        start = zero if value >= 0 else zero - length
        shapes.append(Rect(start, y - tall, length, 2 * tall, look=look, role="bar", title=number(value)))
        words = f"{value:z.1f}".replace("-", MINUS) if 1 <= widest < 1000 else number(value)
        if spot.radius < READABLE:  # else the neuron shows it
            end = Text(zero + length + 5, y, words, 10.5, "start", look=Look(fill=MUTED), role="value")
            shapes.append(end if value >= 0 else replace(end, x=start - 5, anchor="end"))
    return shapes


def _heading(x: float, y: float, words: str) -> Text:
    return Text(x, y, words, 11, look=Look(fill=MUTED), role="caption")
