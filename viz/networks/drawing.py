"""Pictures of networks: neurons in layers, and the thin linear network that is left for one input."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from viz import fonts
from viz.frame import framed
from viz.networks.columns import Column, columns_of_thin
from viz.networks.key import network_key
from viz.networks.neurons import neuron_shapes
from viz.networks.outputs import TILE, has_images, map_table, output_shapes
from viz.networks.spots import Spot, place
from viz.networks.text import dot_source, text_drawing
from viz.networks.wires import skips, wires
from viz.networks.words import (
    Fact,
    description,
    facts_line,
    figures,
    network_lead,
    thin_facts,
    thin_lead,
)
from viz.picture import Picture
from viz.scene import Group, Shape, Text, union
from viz.style import INK, MUTED, Look

if TYPE_CHECKING:
    from minigrad.nn import Module
    from minigrad.thin import ThinNetwork

_EDGES = 300
_TABLE = 24  # entries of W up to which it is written out


def draw_network(
    module: Module,
    x: ArrayLike | None = None,
    *,
    labels: Sequence[str] | None = None,
    max_edges: int = _EDGES,
    title: str = "",
) -> Picture:
    """
    Draw a network as neurons in layers; with an input, with the state that every neuron has there.

    An active neuron is filled with its value, an inactive one hollow and dashed, a dropped one crossed out;
    of Maxout's pieces the winner is solid. Edges are as wide as the root of weight · value (without an
    input, of the weight), solid and blue if positive, dashed and orange if negative.

    Parameters
    ----------
    module : Module
        Layers that follow one another; also with residual connections.
    x : array_like, shape (n_in,), optional
        One input. In training mode dropout masks are drawn.
    labels : sequence of str, optional
        Names of the outputs; by default 0, 1, 2, ...
    max_edges : int
        How many edges to draw: the strongest. Layers of more than 64 neurons are abbreviated.
    title : str
        The heading.

    Returns
    -------
    Picture
        It can also be saved as ``.dot`` and ``.json``.

    Raises
    ------
    ValueError
        If ``x`` is not one input of finite numbers, if there is no Linear layer, if there is not one label
        per output, or if ``max_edges`` is negative.
    TypeError
        If the layers don't follow one another.

    Examples
    --------
    >>> from minigrad import nn
    >>> net = nn.Sequential(nn.Linear.of([[1.0], [-1.0]]), nn.ReLU(), nn.Linear.of([[1.0, 1.0]]))
    >>> print(draw_network(net, [3.0]))
    A network at one input
    input     ●
    hidden 1  ●○  Linear 1→2, ReLU: 1 of 2 active
    output    ●   Linear 2→1: 3
    ● active  ○ inactive
    """
    from viz.networks.traced import columns_of_network

    columns = columns_of_network(module, x)
    heading = title or ("A network" if x is None else "A network at one input")
    return _picture(columns, labels, max_edges, heading, network_lead(columns), None)


def draw_thin(
    thin: ThinNetwork,
    other: ThinNetwork | None = None,
    *,
    labels: Sequence[str] | None = None,
    max_edges: int = _EDGES,
    title: str = "",
) -> Picture:
    """
    Draw the thin linear network of one input: what is left in full strength, what was taken away faded.

    Nothing moves: every neuron is where `draw_network` has it. An input that is a square number of pixels
    is drawn as an image, and so are the rows of ``thin.weight``: the whole network, around this input.

    With a second one, draw their difference: the left half of a neuron is filled if only the first has it,
    the right half if only the second has it, and the whole if both do.

    Parameters
    ----------
    thin : ThinNetwork
        From `minigrad.thin`.
    other : ThinNetwork, optional
        Of the same network, for another input.
    labels, max_edges, title
        As for `draw_network`.

    Returns
    -------
    Picture
        It can also be saved as ``.json``, and if it is no difference as ``.dot``.

    Raises
    ------
    ValueError
        If there is not one label per output, if ``max_edges`` is negative, or if ``other`` is of another
        network.
    TypeError
        If ``other`` is no thin network.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> net = nn.Sequential(nn.Linear.of([[1.0], [-1.0]]), nn.ReLU(), nn.Linear.of([[1.0, 1.0]]))
    >>> print(draw_thin(mg.thin(net, [3.0])))
    The thin linear network of one input
    input     ●
    hidden 1  ●○  Linear 1→2, ReLU: 1 of 2 left
    output    ●   Linear 2→1: 3
    ● active  ○ inactive
    1 of 2 neurons left · largest error |Wx + b − net(x)| = 0 · radius 3
    >>> print(draw_thin(mg.thin(net, [3.0]), mg.thin(net, [-2.0])))
    Two inputs, two thin linear networks
    hidden 1  ◐◑
    output    ●
    ● left for both inputs  ◐ only for the first  ◑ only for the second
    0 left for both inputs · 1 only for the first · 1 only for the second · 0 for neither
    """
    if other is not None:
        from viz.networks.difference import draw_difference

        return draw_difference(thin, other, labels, max_edges, title)
    columns = columns_of_thin(thin)
    heading = title or "The thin linear network of one input"
    return _picture(columns, labels, max_edges, heading, thin_lead(columns, thin), thin)


def _picture(
    columns: Sequence[Column],
    labels: Sequence[str] | None,
    max_edges: int,
    title: str,
    lead: str,
    thin: ThinNetwork | None,
) -> Picture:
    """Draw columns in every format."""
    names = output_names(columns[-1].size, labels)
    check_budget(max_edges)
    weight = thin.weight.astype(np.float64) if thin is not None and has_images(thin.weight) else None
    spots = place(columns, TILE + 6 if weight is not None else 26.0)
    limit = _limit(spots)
    edges = wires(spots, max_edges, "weight" if columns[-1].values is None else "carries")
    beside = output_shapes(spots[-1], names, limit, weight, None if thin is None else thin.x.ravel())
    shapes = [*(shape for shape in beside if shape.role == "band"), *edges.shapes, *skips(spots)]
    for spot in spots:
        shapes += neuron_shapes(spot, limit)
    shapes += [*_captions(spots, left="left" if thin is not None else "active")]
    shapes += [shape for shape in beside if shape.role != "band"]
    facts = [] if thin is None else thin_facts(columns, thin)
    shapes += fact_shapes(facts, shapes)
    if thin is not None and weight is None and thin.weight.size <= _TABLE:
        shapes.append(map_table(thin.weight, thin.bias, names, shapes))
    scene = framed(
        shapes, title=title, lead=lead, description=description(columns, names, facts_line(facts)),
        key=network_key(spots, edges, limit, thin, weight),
    )  # fmt: skip
    return Picture(
        scene, text=text_drawing(columns, names, title, facts), dot=dot_source(columns, names, title),
        data=figures(columns, thin),
    )  # fmt: skip


def output_names(n: int, labels: Sequence[str] | None) -> list[str]:
    """Return one name per output; by default numbers, of a single output none."""
    names = [str(j) if n > 1 else "" for j in range(n)] if labels is None else list(map(str, labels))
    if len(names) != n:
        raise ValueError(f"labels names {len(names)} outputs, but the network has {n}")
    return names


def check_budget(max_edges: int) -> None:
    """Refuse a negative number of edges."""
    if max_edges < 0:
        raise ValueError(f"max_edges is how many edges to draw, at least 0, but got {max_edges}")


def _limit(spots: Sequence[Spot]) -> float:
    """Return the largest value of a neuron; images have a scale of their own, and outputs have numbers."""
    values = [spot.column.values for spot in spots if not spot.image]
    values = values[:-1] or values
    return max((float(np.abs(some).max(initial=0)) for some in values if some is not None), default=0.0)


def _captions(spots: Sequence[Spot], left: str) -> list[Shape]:
    """Say above each column what it is, and below it how much of it there is no room for."""
    shapes: list[Shape] = []
    top = min(spot.top for spot in spots) - (64 if any(s.column.skip is not None for s in spots) else 14)
    lines = [_caption(spot, left) for spot in spots]
    tallest = max(map(len, lines))
    room = min((right.x - left.x for left, right in pairwise(spots)), default=128.0) + 4
    for spot, words in zip(spots, lines, strict=True):
        for k, text in enumerate(words):
            y = spot.top - 14 - 15 * (len(words) - 1 - k) if spot.image else top - 15 * (tallest - 1 - k)
            role = "caption"
            look = Look(fill=INK if k in (0, len(words) - 1) and (k == 0 or left in text) else MUTED)
            shapes.append(
                Text(spot.x, y, fonts.shorten(text, room, 11), 11, bold=k == 0, look=look, role=role)
            )
        if missing := spot.column.size - len(spot.centres):
            shapes.append(
                Text(spot.x, spot.bottom + 14, f"+{missing:,} more", 11, look=Look(fill=MUTED), role="more")
            )
    return shapes


def _caption(spot: Spot, left: str) -> list[str]:
    """Return the lines above one column."""
    column = spot.column
    if spot.image:
        side = round(len(spot.centres) ** 0.5)
        lines = [column.name, f"{side} × {side} pixels", *column.captions]
    else:
        lines = [column.name, *column.captions]
    units = column.left(left)
    alive, total = int(units.sum()), len(units)
    if column.values is not None and (alive < total or (column.name.startswith("hidden") and left == "left")):
        lines.append(
            f"{alive:,} of {total:,} {left}"
            if not column.groups or left == "left"
            else f"{alive} of {total} win"
        )
    return lines


def fact_shapes(facts: Sequence[Fact], drawing: Sequence[Shape]) -> list[Shape]:
    """Set what was measured in a row beneath the drawing."""
    left, _, right, bottom = union(tuple(drawing))
    widest = max((fonts.width(fact.name, 11.5) for fact in facts), default=0.0)
    step = max((right - left) / max(len(facts), 1), widest + 28)
    shapes: list[Shape] = []
    for k, fact in enumerate(facts):
        x = (left + right) / 2 + (k + 0.5 - len(facts) / 2) * step
        number_, words = (
            Text(x, bottom + 32, fact.value, 19, bold=True),
            Text(x, bottom + 54, fact.name, 11.5, look=Look(fill=MUTED)),
        )
        shapes.append(Group((number_, words), role="fact"))
    return shapes
