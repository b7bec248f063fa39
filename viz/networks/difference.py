"""The difference of two inputs' thin networks: what one has and the other has not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from viz import fonts
from viz.frame import Entry, framed
from viz.networks.compared import (
    BOTH,
    FIRST,
    MEANINGS,
    OPEN_IN_FIRST,
    OPEN_IN_SECOND,
    SECOND,
    Compared,
    compare,
    edges_between,
)
from viz.networks.difference_words import description, facts, figures, lead, text_drawing
from viz.networks.drawing import check_budget, fact_shapes, output_names
from viz.networks.halves import FIRST_LINE, SECOND_LINE, half, sample, unit_shapes
from viz.networks.pixels import grey_image
from viz.networks.spots import KEPT, MOST, Spot, place
from viz.picture import Picture
from viz.scene import Path, Rect, Shape, Text, line, union
from viz.style import FADED, INK, MUTED, PAPER, Look, number, strength

if TYPE_CHECKING:
    from minigrad.thin import ThinNetwork

_APART = 112.0  # from the middle of the drawing to that of each image of an input
_BAR = 70.0  # longest bar
_WRITTEN = 16  # inputs up to which their numbers are written


def draw_difference(
    thin: ThinNetwork, other: ThinNetwork, names: Sequence[str] | None, max_edges: int, title: str
) -> Picture:
    """Draw two thin networks of one network in one place; see `viz.networks.draw_thin`."""
    layers = compare(thin, other)
    labels = output_names(layers[-1].column.size, names)
    check_budget(max_edges)
    spots = place([layer.column for layer in layers], 26.0, [layer.chosen() for layer in layers])
    wires = _wires(layers, spots, max_edges)
    shapes: list[Shape] = [*wires.shapes]
    for layer, spot in zip(layers, spots, strict=True):
        shapes += _images(layer, spot) if spot.image else unit_shapes(layer, spot)
    shapes += [] if spots[0].image else _inputs(layers[0], spots[0])
    shapes += _captions(layers, spots)
    shapes += _outputs(layers[-1], spots[-1], labels)
    counts = facts(layers)
    shapes += fact_shapes(counts, shapes)
    scene = framed(
        shapes, title=title or "Two inputs, two thin linear networks", lead=lead(layers, thin, other),
        description=description(layers, labels, counts), key=_key(layers, spots, wires),
    )  # fmt: skip
    return Picture(scene, text=text_drawing(layers, scene.title, counts), data=figures(layers, thin, other))


@dataclass(frozen=True)
class _Wires:
    """Edges: those that both have, and those that only one has."""

    shapes: tuple[Shape, ...]
    drawn: dict[str, int]
    total: dict[str, int]


def _wires(layers: Sequence[Compared], spots: Sequence[Spot], budget: int) -> _Wires:
    """Draw the strongest edges that one has alone, and a few of those that both have."""
    gaps = []
    for (before, after), (left, right) in zip(pairwise(layers), pairwise(spots), strict=True):
        if (carried := edges_between(before, after)) is not None:
            gaps.append((left, right, *carried))
    limit = max((float(np.abs(some).max(initial=0)) for gap in gaps for some in gap[2:]), default=0.0)
    room = budget // (3 * max(len(gaps), 1))
    found: dict[str, list[tuple[float, Shape]]] = {BOTH: [], FIRST: [], SECOND: []}
    total = dict.fromkeys(found, 0)
    for left, right, one, two in gaps:
        units, neurons = sorted(right.ports), sorted(left.centres)
        a, b = (np.abs(some[np.ix_(units, neurons)]) for some in (one, two))
        sizes = {BOTH: np.where((a > 0) & (b > 0), np.maximum(a, b), 0)}
        sizes |= {FIRST: np.where(b > 0, 0, a), SECOND: np.where(a > 0, 0, b)}
        for state, size in sizes.items():
            if state == BOTH and left.image:
                continue  # they would leave from two images
            total[state] += int(np.count_nonzero(size))
            for place_ in np.argsort(-size, axis=None, kind="stable")[: min(room, np.count_nonzero(size))]:
                row, column = np.unravel_index(place_, size.shape)
                ends = left, neurons[column], right, units[row]
                found[state].append(
                    (float(size[row, column]), _edge(*ends, state, float(size[row, column]), limit))
                )
    shapes = [shape for state in found for _, shape in sorted(found[state], key=lambda each: each[0])]
    return _Wires(tuple(shapes), {state: len(some) for state, some in found.items()}, total)


def _edge(left: Spot, neuron: int, right: Spot, unit: int, state: str, size: float, limit: float) -> Path:
    """Draw one edge."""
    (x0, y0), (x1, y1) = left.exits[neuron], right.ports[unit]
    if left.image:
        x0 = left.x + 0.8 * left.half_width
        y0 = 0.8 * y0 + (-_APART if state == FIRST else _APART)
    x1 -= right.half_width
    bend = 0.45 * (x1 - x0)
    share = strength(size, limit)
    if state == BOTH:
        look = Look(stroke=MUTED, width=max(2.5 * share, 0.6), opacity=2 * FADED)
    else:
        paint, dash = (FIRST_LINE, ()) if state == FIRST else (SECOND_LINE, (7.0, 3.0))
        look = Look(
            stroke=paint, width=max(3.2 * share, 0.75), dash=dash, opacity=round(0.35 + 0.6 * share, 2)
        )
    points = ((x0, y0), (x0 + bend, y0), (x1 - bend, y1), (x1, y1))
    title = (
        f"{left.column.name} {neuron} → {right.column.name} {unit}: carries {number(size)}, {MEANINGS[state]}"
    )
    return Path(points, curved=True, look=look, role=f"edge edge-{state}", title=title)


def _images(layer: Compared, spot: Spot) -> list[Shape]:
    """Draw both inputs as images, the first above the second."""
    size = 1.6 * spot.half_width
    shapes: list[Shape] = []
    for state, column, y in ((FIRST, layer.first, -_APART), (SECOND, layer.second, _APART)):
        assert column.values is not None
        low, high = number(column.values.min()), number(column.values.max())
        title = f"the {state} input: {column.size} pixels from {low} to {high}"
        left, top = spot.x - size / 2, y - size / 2
        shapes.append(grey_image(column.values, left, top, size, f"image input {state}", title))
        shapes += [half(left + 8, top - 15, 6.5, state)]
        words = "first input" if state == FIRST else "second input"
        shapes.append(Text(left + 20, top - 15, words, 11, "start", bold=True, role="caption"))
    return shapes


def _inputs(layer: Compared, spot: Spot) -> list[Shape]:
    """Write both inputs beside their neurons, where there is room."""
    if len(spot.centres) > _WRITTEN:
        return []
    assert layer.first.values is not None and layer.second.values is not None
    shapes: list[Shape] = []
    right = spot.x - spot.half_width - 8
    for k, (x, column) in enumerate(((right - 52, layer.first), (right, layer.second))):
        state = (FIRST, SECOND)[k]
        shapes.append(half(x - 10, spot.top - 12, 4.5, state))
        for j, (_, y) in spot.centres.items():
            words = number(column.values[j])  # type: ignore[index]
            shapes.append(Text(x, y, words, 11, "end", look=Look(fill=MUTED), role=f"input {state}"))
    return shapes


def _captions(layers: Sequence[Compared], spots: Sequence[Spot]) -> list[Shape]:
    """Say above each column what it is and how many one has alone; below, what there is no room for."""
    shapes: list[Shape] = []
    top = min(spot.top for spot in spots if not spot.image) - 14
    room = min((right.x - left.x for left, right in pairwise(spots)), default=128.0) + 4
    lines = [[layer.column.name, *layer.column.captions] for layer in layers]
    tallest = max(len(words) for words, spot in zip(lines, spots, strict=True) if not spot.image) + 1
    for layer, spot, words in zip(layers, spots, lines, strict=True):
        if spot.image:
            continue
        for k, text in enumerate(words):
            y, look = top - 15 * (tallest - 1 - k), Look(fill=MUTED if k else INK)
            shapes.append(
                Text(spot.x, y, fonts.shorten(text, room, 11), 11, bold=k == 0, look=look, role="caption")
            )
        if layer is not layers[0] and layer is not layers[-1]:
            alone = [len(layer.indices(a)) + len(layer.indices(b)) for a, b in _ALONE]
            for dx, state, count in zip((-28, 8), (FIRST, SECOND), alone, strict=True):
                shapes.append(half(spot.x + dx, top, 4.5, state))
                shapes.append(Text(spot.x + dx + 8, top, str(count), 11, "start", role=f"count {state}"))
        if missing := layer.column.size - len(spot.centres):
            words_ = f"+{missing:,} more"
            shapes.append(Text(spot.x, spot.bottom + 14, words_, 11, look=Look(fill=MUTED), role="more"))
    return shapes


def _outputs(layer: Compared, spot: Spot, labels: Sequence[str]) -> list[Shape]:
    """Draw what the network says to both inputs: two bars per output, and the largest of each marked."""
    one, two = layer.first.values, layer.second.values
    assert one is not None and two is not None
    shapes: list[Shape] = []
    left = spot.x + spot.half_width + 9
    drawn = list(spot.centres.items())
    best = {FIRST: int(one.argmax()), SECOND: int(two.argmax())} if len(one) > 1 else {}
    names = [
        Text(left, y, fonts.shorten(labels[j], 110, 13), 13, "start", bold=j in best.values(), role="label")
        for j, (_, y) in drawn
    ]
    shapes += names
    left = union(names)[2] + 12
    for state, j in best.items():
        dx = 14 if state == SECOND and best[FIRST] == j else 0
        if j in spot.centres:
            shapes.append(half(left + dx, spot.centres[j][1], 5.5, state, title=f"largest for the {state}"))
    left += 34
    widest = max(float(np.abs(one).max()), float(np.abs(two).max())) or 1.0
    below = float(min(one.min(), two.min(), 0.0))
    zero = left + (_BAR * -below / widest + 40 if below < 0 else 0.0)
    pitch = min((b[1] - a[1] for (_, a), (_, b) in pairwise(drawn)), default=40.0)
    tall = min(0.36 * pitch, 10.0)
    for j, (_, y) in drawn:
        for state, value, top in ((FIRST, float(one[j]), y - tall), (SECOND, float(two[j]), y + 1)):
            length = _BAR * abs(value) / widest
            start = zero if value >= 0 else zero - length
            look = (
                Look(fill=FIRST_LINE, stroke=FIRST_LINE)
                if state == FIRST
                else Look(fill=PAPER, stroke=SECOND_LINE, width=1.5)
            )
            title = f"output {labels[j]}".strip() + f", {state} input: {number(value)}"
            shapes.append(Rect(start, top, length, tall - 1, look=look, role=f"bar {state}", title=title))
            words = Look(fill=MUTED)
            at, anchor = (zero + length + 5, "start") if value >= 0 else (start - 5, "end")
            shapes.append(Text(at, top + tall / 2 - 0.5, number(value), 9, anchor, look=words, role="value"))  # type: ignore[arg-type]
    ys = [y for _, (_, y) in drawn]
    shapes.append(
        line((zero, min(ys) - tall - 5), (zero, max(ys) + tall + 5), Look(stroke=MUTED), role="zero")
    )
    shapes.append(Text(zero, min(ys) - tall - 14, "output", 11, look=Look(fill=MUTED), role="caption"))
    return shapes


def _key(layers: Sequence[Compared], spots: Sequence[Spot], wires: _Wires) -> list[Entry]:
    """Explain the marks that are in the picture."""
    seen = {state for layer in layers[1:] for state in layer.states}
    grouped = any(layer.column.groups for layer in layers)
    abbreviated = any(len(spot.centres) < spot.column.size for spot in spots)
    entries: list[Entry] = [
        (sample(state, grouped), meaning) for state, meaning in MEANINGS.items() if state in seen
    ]
    for state, paint, dash, width in (
        (FIRST, FIRST_LINE, (), 3.0), (SECOND, SECOND_LINE, (7.0, 3.0), 3.0), (BOTH, MUTED, (), 1.5)
    ):  # fmt: skip
        if not wires.drawn[state]:
            continue
        whose = {FIRST: "only the first has", SECOND: "only the second has", BOTH: "both have"}[state]
        pixels = " (those from the pixels are not drawn)" if state == BOTH and spots[0].image else ""
        among = " among the neurons shown" if abbreviated else ""
        share = f"the strongest {wires.drawn[state]:,} of {wires.total[state]:,} edges"
        few = f"{wires.total[state]:,} edges" if wires.drawn[state] == wires.total[state] else share
        opacity = 0.5 if state == BOTH else 1.0
        mark = line((0, 0), (26, 0), Look(stroke=paint, width=width, dash=dash, opacity=opacity))
        entries.append((mark, f"{few} that {whose}{among}{pixels}"))
    entries.append((Rect(0, -5, 22, 10, look=Look(fill=FIRST_LINE)), "output for the first"))
    entries.append(
        (Rect(0, -5, 22, 10, look=Look(fill=PAPER, stroke=SECOND_LINE, width=1.5)), "for the second")
    )
    if abbreviated:
        rule = f"layers of more than {MOST} show {KEPT}: some that differ, and of the others their share"
        entries.append((Text(0, 0, "+ more", 11, look=Look(fill=MUTED)), rule))
    return entries


_ALONE = ((FIRST, OPEN_IN_FIRST), (SECOND, OPEN_IN_SECOND))
