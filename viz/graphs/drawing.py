"""Computation graphs: values flow down, gradients flow back up."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from minigrad.tracing import Graph, GraphNode, trace
from viz import fonts
from viz.frame import Entry, framed, sign_scale
from viz.graphs.cards import Card, Scales, card, norm, outline_sample, size_strip
from viz.graphs.modules import collapsed
from viz.graphs.words import (
    description,
    dot_source,
    kind_word,
    lead,
    module_words,
    name_of,
    node_words,
    text_drawing,
)
from viz.layout import Box, Layout, Link, place_graph
from viz.picture import Picture
from viz.scene import Group, Point, Rect, Scene, Shape, Text, arrow, line
from viz.style import INK, MUTED, PAPER, RULE, Look, edge, number

if TYPE_CHECKING:
    from minigrad.tensor import Tensor
    from minigrad.value import Value

_PARTIAL, _KEY = 11.0, 12.0  # sizes of the text on edges and in the key
_KINDS = {"scalar": {"input": "leaf: input or weight"}, "tensor": {}}
_STRIP = {"scalar": 34.0, "tensor": 14.0}  # room above a card, where its edges arrive


def draw_graph(
    target: Value | Tensor | Graph, *, max_nodes: int = 300, collapse: bool | None = None
) -> Picture:
    """
    Draw how a number or an array was computed.

    Each node has its value in the left half and its gradient in the right; edges enter it from left to right
    in the order of its operands. At scalar level they carry the local derivative ∂ of the result by that
    operand, and are as wide as (the root of) the gradient that flows back through them, dashed if negative.

    Parameters
    ----------
    target : Value, Tensor or Graph
        A result whose graph has not been released, or what `minigrad.trace` returned.
    max_nodes : int
        The largest graph to draw.
    collapse : bool, optional
        Draw each layer of a network as one node; by default only where there would be too many nodes.

    Returns
    -------
    Picture
        It can also be saved as ``.dot`` and ``.json``.

    Raises
    ------
    ValueError
        If there are more nodes than ``max_nodes``.

    Examples
    --------
    >>> import minigrad as mg
    >>> a = mg.Value(3.0, label="a")
    >>> square = a * a
    >>> square.backward()
    >>> print(draw_graph(square))
    ×    value 9, gradient 1
    ├─ ∂=3  a    value 3, gradient 6
    └─ ∂=3  a    (above)
    """
    whole = target if isinstance(target, Graph) else trace(target)
    shown = _without_idle_gradients(whole)
    graph = shown
    if collapse or (collapse is None and len(graph.nodes) > max_nodes):
        graph = collapsed(graph)
    if len(graph.nodes) > max_nodes:
        raise ValueError(
            f"the graph has {len(graph.nodes)} nodes, and more than {max_nodes} can hardly be read; "
            f"draw an intermediate result or a smaller network, or insist with max_nodes={len(graph.nodes)}"
        )
    return Picture(
        _scene(graph, _title(whole), lead(shown)),
        text=text_drawing(graph),
        dot=dot_source(graph),
        data=whole.to_dict(),
    )


def _without_idle_gradients(graph: Graph) -> Graph:
    """Take away what Values hold before a backward pass from here: zeros, or what an earlier pass left."""
    if graph.level != "scalar" or any(norm(graph.nodes[k].gradient) != 0 for k in graph.outputs):
        return graph
    return replace(graph, nodes=tuple(replace(node, gradient=None) for node in graph.nodes))


def _scene(graph: Graph, title: str, lead: str) -> Scene:
    """Lay out and draw a graph."""
    scales = Scales.of(graph.nodes)
    cards = [_card(graph, node, scales) for node in graph.nodes]
    strip = _STRIP[graph.level]
    room = [strip if node.inputs else 0.0 for node in graph.nodes]
    boxes = [
        Box(drawn.width, drawn.height + above, len(node.inputs) - 1 if _is_spine(graph, node) else 0)
        for node, drawn, above in zip(graph.nodes, cards, room, strict=True)
    ]
    links = [
        Link(source, node.id, 8 if slot == 0 and _is_spine(graph, node) else 1)
        for node in graph.nodes
        for slot, source in enumerate(node.inputs)
    ]
    placed = place_graph(boxes, links)
    places = [(x, y + r / 2) for (x, y), r in zip(placed.centres, room, strict=True)]
    shapes = _edges(graph, cards, places, placed)
    for node, drawn, (x, y) in zip(graph.nodes, cards, places, strict=True):
        tip = "\n".join(node_words(graph, node))
        known = {"node": str(node.id), "label": node.label, "operation": node.primitive}
        shapes.append(Group(drawn.shapes, x, y, role=f"node {node.kind}", title=tip, data=known))
    return framed(
        shapes,
        title=title,
        lead=lead,
        description=description(graph),
        key=_key(graph, scales),
    )


def _is_spine(graph: Graph, node: GraphNode) -> bool:
    """Tell whether data come in by the first operand alone, as in a layer: then they go straight down."""
    rest = [graph.nodes[source].kind for source in node.inputs[1:]]
    return graph.level == "tensor" and bool(node.inputs) and set(rest) <= {"parameter", "constant"}


def _card(graph: Graph, node: GraphNode, scales: Scales) -> Card:
    """Draw a node as wide as its edges need."""
    widest = max((fonts.width(words, _PARTIAL) for words in _partial_words(graph, node)), default=0.0)
    least = len(node.inputs) * (widest + 16 if graph.level == "scalar" else 12)
    detail = "" if graph.level == "scalar" else shape_words(node)
    return card(
        node, scales, output=node.id in graph.outputs, unnamed=kind_word(node), detail=detail, least=least
    )


def shape_words(node: GraphNode) -> str:
    """
    Return shape and dtype of a node in words, its module, and what a collapsed one holds.

    Examples
    --------
    >>> import minigrad as mg
    >>> shape_words(mg.trace(mg.tensor([[1.0, 2.0]])).nodes[0])
    '1 × 2 · float64'
    """
    shape = " × ".join(map(str, node.shape)) or "scalar"
    held = node.options.get("holds", "")
    module = "" if held else module_words(node)
    return " · ".join(filter(None, (shape, node.dtype, module, held)))


def _partial_words(graph: Graph, node: GraphNode) -> list[str]:
    """Return what stands on the edges into a node; nothing where a constant stops the gradient."""
    if node.partials is None:
        return ["" for _ in node.inputs]
    constant = [graph.nodes[source].kind == "constant" for source in node.inputs]
    return ["" if c else f"∂={number(p)}" for c, p in zip(constant, node.partials, strict=True)]


def _edges(graph: Graph, cards: Sequence[Card], places: Sequence[Point], placed: Layout) -> list[Shape]:
    """Draw every edge, down into its card, with its partial."""
    flows = (abs(c) for node in graph.nodes for c in _contributions(node) if c is not None)
    limit = max(filter(math.isfinite, flows), default=0.0)
    drawn: list[Shape] = []
    curves = iter(placed.curves)
    for node in graph.nodes:
        words, contributions = _partial_words(graph, node), _contributions(node)
        for slot, source in enumerate(node.inputs):
            curve = next(curves)
            x, y = curve[-1]
            top = places[node.id][1] - cards[node.id].height / 2 - 1
            flow = contributions[slot] if words[slot] else None
            look = Look(stroke=MUTED, width=1.3) if flow is None else edge(flow, limit, widest=4.5)
            down = ((x, y + (top - y) / 3), (x, y + 2 * (top - y) / 3), (x, top))
            parts: list[Shape] = [arrow((*curve, *down), look, curved=True)]
            if words[slot]:
                parts += _pill(words[slot], x, y + 11)
            known = {"source": str(source), "target": str(node.id), "operand": str(slot)}
            title = _edge_words(graph, node, slot) if words[slot] else ""
            drawn.append(Group(tuple(parts), role="edge", title=title, data=known))
    return drawn


def _contributions(node: GraphNode) -> list[float | None]:
    """Return what flows back through each edge into a node: its gradient times the partial."""
    if node.partials is None or node.gradient is None:
        return [None for _ in node.inputs]
    return [float(node.gradient) * partial for partial in node.partials]


def _edge_words(graph: Graph, node: GraphNode, slot: int) -> str:
    """Explain an edge: the local derivative, and what flows back."""
    assert node.partials is not None
    result, operand = name_of(node), name_of(graph.nodes[node.inputs[slot]])
    words = f"∂{result}/∂{operand} = {number(node.partials[slot])}"
    flow = _contributions(node)[slot]
    if flow is None or node.gradient is None:
        return words
    return (
        f"{words}\ntimes the gradient of {result}, {number(float(node.gradient))}: {number(flow)} flows back"
    )


def _pill(words: str, x: float, y: float) -> list[Shape]:
    """Write on an edge, on a patch of paper."""
    width = fonts.width(words, _PARTIAL) + 8
    patch = Rect(x - width / 2, y - 9, width, 18, 9, look=Look(fill=PAPER, stroke=RULE, width=0.75))
    return [patch, Text(x, y, words, _PARTIAL, role="partial")]


def _title(graph: Graph) -> str:
    """Name the picture."""
    names = [graph.nodes[k].label for k in graph.outputs if graph.nodes[k].label]
    return f"Computation graph of {', '.join(names)}" if names else "Computation graph"


def _key(graph: Graph, scales: Scales) -> list[Entry]:
    """Explain the marks that this graph has."""
    kinds = [
        k for k in ("input", "parameter", "constant", "operation") if any(n.kind == k for n in graph.nodes)
    ]
    key: list[Entry] = [(outline_sample(kind), _KINDS[graph.level].get(kind, kind)) for kind in kinds]
    key.append((outline_sample("operation", output=True), "result"))
    if scales.value or scales.gradient:
        key.append((sign_scale(), "value or gradient: negative, zero, positive"))
    dashes = {
        edge(flow, 1.0).dash
        for node in graph.nodes
        for flow, words in zip(_contributions(node), _partial_words(graph, node), strict=True)
        if words and flow is not None
    }
    signs = {"positive": edge(1.0, 1.0), "negative": edge(-1.0, 1.0), "none": edge(0.0, 1.0)}
    signs["nan"] = edge(math.nan, 1.0)
    if samples := [(words, look) for words, look in signs.items() if look.dash in dashes]:
        key.append((_words("edge colour and width:"), "∂ × gradient = what flows back along it"))
        key.append((_in_a_row(samples[:-1], samples[-1][1]), samples[-1][0]))
    if graph.level == "tensor" and any(norm(node.gradient) > 0 for node in graph.nodes):
        cells = [10 ** (scales.low + (scales.high - scales.low) * k / 8) for k in range(9)]
        strips = [s for k, size in enumerate(cells) for s in size_strip(size, Rect(8 * k, -7, 8, 14), scales)]
        ends = f"{number(cells[0])} to {number(cells[-1])}"
        key.append((Group(tuple(strips)), f"‖gradient‖, {ends}, logarithmic"))
    if graph.level == "tensor" and any(n.gradient is not None and norm(n.gradient) == 0 for n in graph.nodes):
        key.append((Group(tuple(size_strip(0.0, Rect(0, -8, 16, 16), scales))), "exactly 0"))
    return key


def _in_a_row(samples: Sequence[tuple[str, Look]], last: Look) -> Group:
    """Set edges with their meanings side by side, and one more: an entry of the key that never breaks."""
    row: list[Shape] = []
    x = 0.0
    for words, look in samples:
        row += [_edge_sample(x, look), _words(words, x + 37)]
        x += 37 + fonts.width(words, _KEY) + 16
    return Group((*row, _edge_sample(x, last)))


def _edge_sample(x: float, look: Look) -> Shape:
    """Draw a short edge for the key."""
    return line((x, 0), (x + 30, 0), replace(look, width=2.5))


def _words(words: str, x: float = 0.0) -> Text:
    """Write a part of the key."""
    return Text(x, 0, words, _KEY, "start", look=Look(fill=INK))
