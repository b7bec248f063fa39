"""Scenes hold what they draw: bounds, arrows, hatches, text."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viz import fonts, style
from viz.scene import Circle, Group, Path, Rect, Scene, Shape, Text, arrow, cross, hatch, line, visible
from viz.style import INK, Look

coordinate = st.floats(-1000, 1000)
extent = st.floats(0.1, 500)
point = st.tuples(coordinate, coordinate)
stroked = Look(stroke=INK, width=2)
shape = st.one_of(
    st.builds(Circle, x=coordinate, y=coordinate, radius=extent, look=st.just(stroked)),
    st.builds(Rect, x=coordinate, y=coordinate, width=extent, height=extent),
    st.builds(lambda points: Path(tuple(points)), st.lists(point, min_size=2, max_size=7)),
    st.builds(Text, x=coordinate, y=coordinate, text=st.text(max_size=20)),
)


def corners(shape: Shape, dx: float = 0, dy: float = 0) -> list[tuple[float, float]]:
    """Points of a shape, worked out without its bounds."""
    if isinstance(shape, Group):
        return [p for s in shape.shapes for p in corners(s, dx + shape.dx, dy + shape.dy)]
    if isinstance(shape, Circle):
        turns = [k * math.pi / 2 for k in range(4)]
        own = [(shape.x + shape.radius * math.cos(t), shape.y + shape.radius * math.sin(t)) for t in turns]
    elif isinstance(shape, Rect):
        own = [(shape.x, shape.y), (shape.x + shape.width, shape.y + shape.height)]
    elif isinstance(shape, Path):
        own = list(shape.points)
    else:
        assert isinstance(shape, Text)
        own = [(shape.x, shape.y)]
    return [(x + dx, y + dy) for x, y in own]


@given(st.lists(shape, min_size=1, max_size=6), coordinate, coordinate)
def test_a_scene_holds_every_shape(shapes: list[Shape], dx: float, dy: float) -> None:
    scene = Scene.around([Group(tuple(shapes), dx=dx, dy=dy)], title="t", description="d", margin=5)
    for x, y in corners(scene.shapes[0]):
        assert scene.x + 4.9 <= x <= scene.x + scene.width - 4.9
        assert scene.y + 4.9 <= y <= scene.y + scene.height - 4.9


def test_walk_visits_groups_before_their_members() -> None:
    inner = Group((Circle(0, 0, 1), Circle(0, 0, 2)))
    scene = Scene.around([inner, Circle(0, 0, 3)], title="t", description="d")
    assert [type(s).__name__ for s in scene.walk()] == ["Group", "Circle", "Circle", "Circle"]


@given(point, point)
def test_an_arrow_ends_where_it_points(start: tuple[float, float], end: tuple[float, float]) -> None:
    shaft, tip = arrow([start, end], stroked).shapes
    assert isinstance(shaft, Path) and isinstance(tip, Path)
    assert tip.points[0] == end and tip.closed
    assert shaft.points[0] == start


@given(coordinate, coordinate, extent, extent, st.sampled_from(["zero", "nan", "inf"]))
def test_hatches_stay_inside(x: float, y: float, width: float, height: float, mark: str) -> None:
    area = Rect(x, y, width, height)
    strokes = hatch(area, mark, stroked, spacing=max(width, height) / 7).shapes
    assert strokes
    for stroke in strokes:
        for px, py in corners(stroke):
            assert x - 1e-2 <= px <= x + width + 1e-2 and y - 1e-2 <= py <= y + height + 1e-2


def test_the_three_hatches_differ() -> None:
    area = Rect(0, 0, 30, 20)
    drawn = {mark: tuple(map(repr, hatch(area, mark, stroked).shapes)) for mark in ("zero", "nan", "inf")}
    assert len(set(drawn.values())) == 3


def test_cross_and_line_are_straight() -> None:
    assert len(cross(0, 0, 5, stroked).shapes) == 2
    assert line((0, 0), (1, 1), stroked).bounds() == (-1, -1, 2, 2)


@given(st.text())
def test_visible_text_is_one_line_that_xml_allows(text: str) -> None:
    shown = visible(text)
    assert not any(ord(c) < 32 or 0xD800 <= ord(c) <= 0xDFFF for c in shown)
    assert visible(shown) == shown
    for character in filter(str.isprintable, set(text) - set("⏎⇥�")):
        assert shown.count(character) == text.count(character)


@given(st.text(st.characters(exclude_categories=["C"]), max_size=40), st.floats(5, 300), st.booleans())
def test_shortened_text_fits(text: str, room: float, bold: bool) -> None:
    short = fonts.shorten(text, room, 12, bold)
    assert short == text or short.endswith("…")
    assert fonts.width(short, 12, bold) <= max(room, fonts.width("…", 12, bold)) + 1e-9


@pytest.mark.parametrize("text", ["value", "∂e/∂a = −3", "Linear(64, 32)"])
def test_width_agrees_with_matplotlib(text: str) -> None:
    textpath = pytest.importorskip("matplotlib.textpath")
    from matplotlib.font_manager import FontProperties

    outline = textpath.TextPath((0, 0), text, size=100, prop=FontProperties(family=fonts.FAMILY))
    assert fonts.width(text, 100) == pytest.approx(outline.get_extents().width, abs=20)


@pytest.mark.parametrize("character", "∂×√✕·≥−Σ‖∇⏎ᵀ²σ∞–…")
def test_special_characters_have_glyphs(character: str) -> None:
    assert fonts.covered(character)


def test_missing_glyphs_are_found_and_given_room() -> None:
    assert not fonts.covered("漢")
    assert fonts.width("漢", 10) == 10


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_the_diverging_scale_keeps_the_sign(value: float, limit: float) -> None:
    name = style.diverging(value, limit).name
    strong = math.sqrt(abs(value) / limit) >= 1 / 40 + 1e-9
    assert name.startswith("value-p" if value > 0 else "value-m") if strong else name.startswith("value-")
    mirrored = style.diverging(-value, limit).name
    assert name.translate(str.maketrans("pm", "mp"))[6:] == mirrored[6:]


@given(st.floats(-1e300, 1e300) | st.sampled_from([math.nan, math.inf, -math.inf, -0.0, 5e-324]))
def test_numbers_are_short_and_honest(value: float) -> None:
    text = style.number(value)
    assert len(text) <= 9
    back = float(text.replace("−", "-"))
    if math.isnan(value):
        assert text == "nan"
    elif math.isinf(value) or value == 0:
        assert back == value
    else:
        assert back == pytest.approx(value, rel=0.06)
        assert (back < 0) == (value < 0)


@given(st.floats(-50, 50), st.floats(-20, 0), st.floats(0, 20))
def test_magnitude_stays_on_its_ramp(log10: float, low: float, high: float) -> None:
    step = int(style.magnitude(log10, low, high).name.removeprefix("magnitude-"))
    assert 0 <= step <= 24
    if low < high and log10 <= low:
        assert step == 0


def luminance(colour: str) -> float:
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("step", range(-20, 21))
def test_ink_is_readable_on_every_step_of_the_scale(step: int) -> None:
    paint = style.diverging(math.copysign((step / 20) ** 2, step), 1.0)
    assert contrast(INK.light, paint.light) >= 4.5
    assert contrast(INK.dark, paint.dark) >= 4.5


@pytest.mark.parametrize("paint", [style.MUTED, style.POSITIVE, style.NEGATIVE, *style.SERIES])
def test_lines_and_quiet_text_are_readable_on_the_page(paint: style.Paint) -> None:
    assert contrast(paint.light, style.PAPER.light) >= 4.0
    assert contrast(paint.dark, style.PAPER.dark) >= 4.0
