"""One node of a computation graph as a card: its name above, value on the left, gradient on the right."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from viz import fonts
from viz.scene import Group, Path, Rect, Shape, Text, hatch, visible
from viz.style import (
    INACTIVE,
    INK,
    MUTED,
    NOT_COMPUTED,
    PANEL,
    PAPER,
    RULE,
    Look,
    diverging,
    magnitude,
    mark,
    number,
)

if TYPE_CHECKING:
    from minigrad.tracing import GraphNode

_HEADER, _DETAIL, _CHIP, _PAD = 30.0, 15.0, 36.0, 8.0  # heights of a card's parts, and what is around them
_NORM = "‖gradient‖"
_DECADES = 4.0  # the least that the ramp of norms spans, so that a small factor is a small step on it
_NOT_FINITE = ("nan", "inf", "−inf")
_LONGEST = 250.0  # room for a name
_NAME, _SMALL, _CAPTION = 14.0, 11.0, 9.0  # sizes of text


@dataclass(frozen=True, slots=True)
class Scales:
    """What colours are relative to: largest value, largest gradient, whole decades of norms."""

    value: float
    gradient: float
    low: float
    high: float

    @classmethod
    def of(cls, nodes: tuple[GraphNode, ...]) -> Scales:
        """Return the scales that fit all the nodes."""
        logs = [math.log10(n) for n in (norm(node.gradient) for node in nodes) if n > 0 and math.isfinite(n)]
        high = float(math.ceil(max(logs, default=0.0)))
        low = float(math.floor(min([*logs, high - _DECADES])))
        return cls(_largest(n.value for n in nodes), _largest(n.gradient for n in nodes), low, high)


@dataclass(frozen=True, slots=True)
class Card:
    """The size of a node's card, and its shapes around (0, 0)."""

    width: float
    height: float
    shapes: tuple[Shape, ...]


def card(
    node: GraphNode,
    scales: Scales,
    *,
    output: bool = False,
    unnamed: str = "",
    detail: str = "",
    least: float = 0.0,
) -> Card:
    """
    Draw one node.

    Parameters
    ----------
    node : GraphNode
        What to draw.
    scales : Scales
        What its colours are relative to.
    output : bool
        Whether it is a result of the graph.
    unnamed : str
        What to write where there is neither a label nor an operation; its kind by default.
    detail : str
        A line beneath its name, such as its shape.
    least : float
        The smallest width, so that all edges find room at the top.

    Examples
    --------
    >>> import minigrad as mg
    >>> node, = mg.trace(mg.Value(2.0, label="a")).nodes
    >>> drawn = card(node, Scales.of((node,)))
    >>> drawn.height, [shape.role for shape in drawn.shapes]
    (74.0, ['outline', '', 'half value-half', 'half gradient-half'])
    """
    halves = [_half("value", *value_words(node.value))]
    if node.kind != "constant":
        halves.append(_half("gradient", *gradient_words(node.gradient)))
    between = 4.0 * (len(halves) - 1)
    needed = sum(half.width for half in halves) + between
    head, head_width = _head(node, unnamed or node.kind)
    width = max(head_width, fonts.width(detail, _SMALL), needed, least - 2 * _PAD) + 2 * _PAD
    height = _HEADER + (_DETAIL if detail else 0.0) + _CHIP + _PAD
    shapes: list[Shape] = [_outline(node.kind, width, height, output)]
    shapes.append(Group(head, dx=-head_width / 2, dy=15.5 - height / 2))
    if detail:
        quiet = Look(fill=MUTED)
        shapes.append(Text(0, _HEADER + 5 - height / 2, detail, _SMALL, look=quiet, role="detail"))
    spare = (width - 2 * _PAD - needed) / len(halves)
    x = _PAD - width / 2
    for half in halves:
        place = Rect(x, height / 2 - _PAD - _CHIP, half.width + spare, _CHIP)
        shapes.append(_chip(half, place, node, scales))
        x += place.width + 4.0
    return Card(width, height, tuple(shapes))


def outline_sample(kind: str, output: bool = False) -> Shape:
    """Return a small outline of a kind of node, for the key."""
    return _outline(kind, 26.0, 18.0, output)


def value_words(value: np.ndarray[Any, Any] | None) -> tuple[str, str]:
    """
    Return caption and summary of a value: the number, the few numbers, or mean ± standard deviation.

    Examples
    --------
    >>> value_words(np.array(2.5)), value_words(np.array([1.0, -2.0])), value_words(np.arange(9.0))
    (('value', '2.5'), ('value', '[1, −2]'), ('mean ± std', '4 ± 2.58'))
    """
    if value is None:
        return "value", NOT_COMPUTED
    if value.size == 0:
        return "value", "empty"
    if value.ndim == 0:
        return "value", number(float(value)) if value.dtype != bool else str(bool(value)).lower()
    if value.ndim == 1 and value.size <= 3:
        return "value", "[" + ", ".join(number(x) for x in value) + "]"
    if value.dtype == bool:
        return "true", f"{int(value.sum())} of {value.size}"
    if bad := int(value.size - np.isfinite(value).sum()):
        return "not finite", f"{bad} of {value.size}"
    return "mean ± std", f"{number(value.mean())} ± {number(value.std())}"


def gradient_words(gradient: np.ndarray[Any, Any] | None) -> tuple[str, str]:
    """
    Return caption and summary of a gradient: the number, or the Euclidean norm.

    Examples
    --------
    >>> gradient_words(np.array(-1.5)), gradient_words(np.array([3.0, 4.0])), gradient_words(None)
    (('gradient', '−1.5'), ('‖gradient‖', '5'), ('gradient', '–'))
    """
    if gradient is None:
        return "gradient", NOT_COMPUTED
    if gradient.ndim == 0:
        return "gradient", number(float(gradient))
    return _NORM, number(norm(gradient))


def norm(array: np.ndarray[Any, Any] | None) -> float:
    """Return the Euclidean norm; 0 where there is nothing."""
    return 0.0 if array is None else float(np.linalg.norm(np.ravel(array).astype(float)))


def _head(node: GraphNode, unnamed: str) -> tuple[tuple[Shape, ...], float]:
    """Set the operation's badge and the node's name from (0, 0) to the right; return their width, too."""
    shapes: list[Shape] = []
    right = 0.0
    if node.symbol:
        right = max(fonts.width(node.symbol, _NAME, bold=True) + 10, 22.0)
        shapes.append(Rect(0, -11, right, 22, 11, look=Look(fill=INK), role="badge"))
        shapes.append(Text(right / 2, 0, node.symbol, _NAME, bold=True, look=Look(fill=PAPER)))
    named = bool(node.label)
    if name := visible(node.label) or ("" if node.symbol else unnamed):
        name = fonts.shorten(name, _LONGEST, _NAME, bold=named)
        left = right + 7 if node.symbol else 0.0
        ink = Look(fill=INK if named else MUTED)
        shapes.append(Text(left, 0, name, _NAME, "start", bold=named, look=ink, role="name"))
        right = left + fonts.width(name, _NAME, bold=named)
    return tuple(shapes), right


@dataclass(frozen=True, slots=True)
class _Half:
    """What one half of a card says."""

    part: str
    caption: str
    words: str
    width: float
    strip: float  # room for the mark of a size at its left


def _half(part: str, caption: str, words: str) -> _Half:
    """Measure one half."""
    strip = 8.0 if caption == _NORM or words in _NOT_FINITE else 0.0
    needed = max(fonts.width(words, 13) + 14, fonts.width(caption, _CAPTION) + 14, 50.0) + strip
    return _Half(part, caption, words, needed, strip)


def _chip(half: _Half, place: Rect, node: GraphNode, scales: Scales) -> Group:
    """Draw one half: signed numbers on the diverging scale, norms with a strip that shows their size."""
    array, limit = (node.value, scales.value) if half.part == "value" else (node.gradient, scales.gradient)
    number_there = array is not None and array.ndim == 0 and array.dtype != bool
    fill = diverging(float(array), limit) if number_there and array is not None else PANEL
    x, y, width = place.x, place.y, place.width
    shapes: list[Shape] = [Rect(x, y, width, place.height, 5, look=Look(fill=fill, stroke=RULE), role="chip")]
    if half.strip:
        shapes += size_strip(norm(array), Rect(x + 4, y + 5, half.strip - 2, place.height - 10), scales)
    middle = x + (width + half.strip) / 2
    small = Look(fill=MUTED if fill is PANEL else INK)
    shapes.append(Text(middle, y + 10, half.caption, _CAPTION, look=small))
    shapes.append(Text(middle, y + 24, half.words, 13, role=half.part))
    return Group(tuple(shapes), role=f"half {half.part}-half")


def size_strip(size: float, place: Rect, scales: Scales) -> list[Shape]:
    """Draw the size of a gradient on the logarithmic ramp, or the mark of what has no logarithm."""
    if kind := mark(size):
        frame = Rect(place.x, place.y, place.width, place.height, look=Look(fill=PAPER, stroke=MUTED))
        return [frame, hatch(frame, kind, Look(stroke=MUTED), spacing=4.0)]
    fill = magnitude(math.log10(size), scales.low, scales.high)
    look = Look(fill=fill, stroke=MUTED, width=0.75)
    return [Rect(place.x, place.y, place.width, place.height, look=look, role="size")]


def _outline(kind: str, width: float, height: float, output: bool) -> Shape:
    """Draw a card's edge, whose form says its kind: constants square, inputs round, parameters cut."""
    look = Look(fill=PAPER, stroke=INK, width=2.75 if output else 1.25)
    if kind == "constant":
        return Rect(-width / 2, -height / 2, width, height, look=Look(PAPER, INACTIVE), role="outline")
    if kind == "parameter":
        x, y, cut = width / 2, height / 2, min(10.0, height / 3)
        corners = [(-x + cut, -y), (x - cut, -y), (x, -y + cut), (x, y - cut)]
        corners += [(-px, -py) for px, py in corners]
        return Path(tuple(corners), closed=True, look=look, role="outline")
    corner = min(16.0, height / 2) if kind == "input" else 4.0
    return Rect(-width / 2, -height / 2, width, height, corner, look=look, role="outline")


def _largest(arrays: Any) -> float:
    """Return the largest finite size among the scalars of some arrays."""
    sizes = [abs(float(a)) for a in arrays if a is not None and a.ndim == 0 and np.isfinite(a)]
    return max(sizes, default=0.0)
