"""Headings, keys and columns of neurons."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from viz import fonts
from viz.frame import framed, sign_scale
from viz.layout.layered import columns, edges
from viz.scene import Circle, Group, Rect, Text


@given(st.floats(1, 900), st.lists(st.text("ab ", min_size=1, max_size=40), max_size=8))
def test_key_and_heading_stay_within_the_picture_and_apart(width: float, meanings: list[str]) -> None:
    drawing = Rect(50, 70, width, 30, role="drawn")
    scene = framed([drawing], title="Title", lead="word " * 60, key=[(sign_scale(), m) for m in meanings])
    boxes = [s.bounds() for s in scene.shapes]
    for left, top, right, bottom in boxes:
        assert scene.x <= left and right <= scene.x + scene.width
        assert scene.y <= top and bottom <= scene.y + scene.height
    body = next(k for k, s in enumerate(scene.shapes) if s.role == "drawing")
    assert all(box[3] <= boxes[body][1] for box in boxes[:body])
    assert all(box[1] >= boxes[body][3] for box in boxes[body + 1 :])
    for one, other in pairwise(boxes[body + 1 :]):
        assert one[2] < other[0] or one[3] < other[1]


def test_the_description_starts_with_what_to_look_at() -> None:
    scene = framed([Circle(0, 0, 5)], title="T", lead="Look here.", description="One circle.")
    assert scene.description == "Look here. One circle."
    assert isinstance(scene.shapes[0], Text) and isinstance(scene.shapes[-1], Group)


@given(st.text(max_size=80), st.floats(10, 300))
def test_wrapping_keeps_every_word(text: str, room: float) -> None:
    lines = fonts.wrap(text, room, 12)
    assert " ".join(lines).split() == text.split()
    assert all(fonts.width(line, 12) <= room for line in lines if len(line.split()) > 1)


@given(st.lists(st.integers(0, 60), max_size=12), st.floats(5, 80))
def test_columns_are_even_and_centred(counts: list[int], spacing: float) -> None:
    placed = columns(counts, spacing)
    assert [len(column) for column in placed] == counts
    for column in placed:
        assert all(abs((b[1] - a[1]) - spacing) < 1e-6 for a, b in pairwise(column))
        assert abs(sum(y for _, y in column)) < 1e-6 * spacing * (len(column) + 1) ** 2
    xs = [column[0][0] for column in placed if column]
    assert xs == sorted(set(xs))


def test_edges_connect_neighbours_only() -> None:
    found = edges([2, 3, 1])
    assert len(found) == len(set(found)) == 2 * 3 + 3 * 1
    assert all(b[0] == a[0] + 1 for a, b in found)
