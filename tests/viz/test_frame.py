"""Headings and keys."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from viz import fonts
from viz.frame import framed, sign_scale
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
