"""Scenes: immutable shapes with roles, in pixels with y downwards; svg.py writes them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from viz import fonts
from viz.style import PLAIN, Look

Point: TypeAlias = tuple[float, float]
Bounds: TypeAlias = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """What every shape has: a look, roles (words), a tooltip, and data for scripts and tests."""

    look: Look = PLAIN
    role: str = ""
    title: str = ""
    data: Mapping[str, str] = field(default_factory=dict)

    def bounds(self) -> Bounds:
        """Return left, top, right, bottom."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Circle(Shape):
    """A circle around (x, y)."""

    x: float
    y: float
    radius: float

    def bounds(self) -> Bounds:
        """Return left, top, right, bottom."""
        reach = self.radius + _half_stroke(self.look)
        return self.x - reach, self.y - reach, self.x + reach, self.y + reach


@dataclass(frozen=True, slots=True)
class Rect(Shape):
    """A rectangle with its top left at (x, y); ``corner`` rounds it."""

    x: float
    y: float
    width: float
    height: float
    corner: float = 0.0

    def bounds(self) -> Bounds:
        """Return left, top, right, bottom."""
        reach = _half_stroke(self.look)
        return self.x - reach, self.y - reach, self.x + self.width + reach, self.y + self.height + reach


@dataclass(frozen=True, slots=True)
class Path(Shape):
    """A polyline, or with ``curved`` a chain of cubic Béziers (1 + 3n points); ``closed`` joins the ends."""

    points: tuple[Point, ...]
    curved: bool = False
    closed: bool = False

    def bounds(self) -> Bounds:
        """Return left, top, right, bottom; a curve lies within its control points."""
        reach = _half_stroke(self.look)
        xs, ys = zip(*self.points, strict=True)
        return min(xs) - reach, min(ys) - reach, max(xs) + reach, max(ys) + reach


@dataclass(frozen=True, slots=True)
class Text(Shape):
    """One line of text in the look's fill (else ink); x is its anchor, y the middle of its capitals."""

    x: float
    y: float
    text: str
    size: float = 13.0
    anchor: Literal["start", "middle", "end"] = "middle"
    bold: bool = False
    italic: bool = False

    def bounds(self) -> Bounds:
        """Return left, top, right, bottom."""
        width = fonts.width(self.text, self.size, self.bold)
        left = self.x - {"start": 0.0, "middle": 0.5, "end": 1.0}[self.anchor] * width
        return left, self.y - 0.62 * self.size, left + width, self.y + 0.62 * self.size


@dataclass(frozen=True, slots=True)
class Group(Shape):
    """Shapes that belong together, moved by (dx, dy); its tooltip and opacity hold for all of them."""

    shapes: tuple[Shape, ...]
    dx: float = 0.0
    dy: float = 0.0

    def bounds(self) -> Bounds:
        """Return left, top, right, bottom."""
        left, top, right, bottom = union(self.shapes)
        return left + self.dx, top + self.dy, right + self.dx, bottom + self.dy


@dataclass(frozen=True, slots=True)
class Scene:
    """
    A whole picture: shapes, painted in order, with a title and a description for those who don't see it.

    Examples
    --------
    >>> scene = Scene.around([Circle(0, 0, 10, role="neuron")], title="A neuron", description="It is alone.")
    >>> scene.width, scene.height
    (52.0, 52.0)
    """

    shapes: tuple[Shape, ...]
    title: str
    description: str
    x: float
    y: float
    width: float
    height: float

    @classmethod
    def around(cls, shapes: Iterable[Shape], *, title: str, description: str, margin: float = 16.0) -> Scene:
        """Return the scene that just holds all the shapes, with a margin."""
        shapes = tuple(shapes)
        left, top, right, bottom = union(shapes)
        size = right - left + 2 * margin, bottom - top + 2 * margin
        return cls(shapes, title, description, left - margin, top - margin, *size)

    def walk(self) -> Iterable[Shape]:
        """Yield every shape, groups before their members."""
        waiting: list[Shape] = list(reversed(self.shapes))
        while waiting:
            shape = waiting.pop()
            yield shape
            if isinstance(shape, Group):
                waiting.extend(reversed(shape.shapes))


def union(shapes: Sequence[Shape]) -> Bounds:
    """Return the bounds of several shapes; of none, a point at the origin."""
    if not shapes:
        return 0.0, 0.0, 0.0, 0.0
    lefts, tops, rights, bottoms = zip(*(shape.bounds() for shape in shapes), strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def line(start: Point, end: Point, look: Look, role: str = "", title: str = "") -> Path:
    """Return a straight line."""
    return Path((start, end), look=look, role=role, title=title)


def arrow(
    points: Sequence[Point],
    look: Look,
    *,
    curved: bool = False,
    role: str = "",
    title: str = "",
) -> Group:
    """
    Return a line that ends in an arrowhead at its last point, in the line's colour.

    Examples
    --------
    >>> from viz.style import INK
    >>> shaft, tip = arrow([(0, 0), (100, 0)], Look(stroke=INK)).shapes
    >>> shaft.points[-1], tip.points[0]
    ((93.6, 0.0), (100, 0))
    """
    head = 6.0 + 2.0 * look.width
    (x0, y0), (x, y) = _direction(points), points[-1]
    base = (x - head * x0, y - head * y0)
    shaft_end = (x - 0.8 * head * x0, y - 0.8 * head * y0)
    half = 0.42 * head
    tip = ((x, y), (base[0] - half * y0, base[1] + half * x0), (base[0] + half * y0, base[1] - half * x0))
    shaft = Path((*points[:-1], shaft_end), curved=curved, look=look)
    return Group((shaft, Path(tip, closed=True, look=Look(fill=look.stroke))), role=role, title=title)


def cross(x: float, y: float, reach: float, look: Look) -> Group:
    """Return the ✕ of what a dropout mask took away."""
    corners = ((-reach, -reach, reach, reach), (-reach, reach, reach, -reach))
    strokes = (line((x + a, y + b), (x + c, y + d), look) for a, b, c, d in corners)
    return Group(tuple(strokes), role="cross")


def hatch(area: Rect, mark: str, look: Look, spacing: float = 5.0) -> Group:
    """
    Return the hatching that marks a number without a logarithm: zero ``/``, nan ``×`` (crossed), inf ``|``.

    Parameters
    ----------
    area : Rect
        What to hatch.
    mark : str
        What `style.mark` returned: ``"zero"``, ``"nan"`` or ``"inf"``.
    look : Look
        The look of the lines.
    spacing : float
        Pixels between lines.

    Examples
    --------
    >>> from viz.style import INK
    >>> hatch(Rect(0, 0, 10, 10), "inf", Look(stroke=INK)).shapes[0].points
    ((2.5, 10.0), (2.5, 0.0))
    """
    angles = {"zero": (45.0,), "nan": (45.0, 135.0), "inf": (90.0,)}[mark]
    strokes = [line(*ends, look) for angle in angles for ends in _chords(area, math.radians(angle), spacing)]
    return Group(tuple(strokes), role=f"mark mark-{mark}")


def visible(text: str) -> str:
    """
    Return a text on one line, with what can't be drawn replaced by something that can be seen.

    Examples
    --------
    >>> visible("two\\nlines"), visible("a\\x00b")
    ('two⏎lines', 'a�b')
    """
    shown = text.replace("\r\n", "⏎").replace("\n", "⏎").replace("\t", "⇥")
    return "".join("�" if _undrawable(character) else character for character in shown)


def _undrawable(character: str) -> bool:
    """Tell whether a character is a control, a lone surrogate or a noncharacter, which no file can show."""
    code = ord(character)
    return code < 32 or 127 <= code < 160 or 0xD800 <= code <= 0xDFFF or code & 0xFFFE == 0xFFFE


def _half_stroke(look: Look) -> float:
    """Return how far a stroke reaches beyond its line."""
    return look.width / 2 if look.stroke else 0.0


def _direction(points: Sequence[Point]) -> Point:
    """Return the unit vector in which a line arrives at its last point."""
    x, y = points[-1]
    for px, py in reversed(points[:-1]):
        if length := math.hypot(x - px, y - py):
            return (x - px) / length, (y - py) / length
    return 0.0, 1.0


def _chords(area: Rect, angle: float, spacing: float) -> list[tuple[Point, Point]]:
    """Return the parallel lines of one angle, ``spacing`` apart, cut to the rectangle."""
    cos, sin = math.cos(angle), -math.sin(angle)
    x, y = area.x + area.width / 2, area.y + area.height / 2
    reach = (abs(sin) * area.width + abs(cos) * area.height) / 2
    count = max(1, int(2 * reach // spacing))
    found = []
    for k in range(count):
        offset = (k - (count - 1) / 2) * spacing
        found.append(_cut(area, (x - offset * sin, y + offset * cos), (cos, sin)))
    return found


def _cut(area: Rect, through: Point, direction: Point) -> tuple[Point, Point]:
    """Return the part of a line that lies inside a rectangle (it passes through the inside)."""
    low, high = -math.inf, math.inf
    sides = ((area.x, area.width), (area.y, area.height))
    for start, step, (side, length) in zip(through, direction, sides, strict=True):
        if abs(step) > 1e-9:
            first, last = sorted(((side - start) / step, (side + length - start) / step))
            low, high = max(low, first), min(high, last)
    (x, y), (dx, dy) = through, direction
    first_end, last_end = ((round(x + t * dx, 3), round(y + t * dy, 3)) for t in (low, high))
    return first_end, last_end
