"""What stands around a drawing: a heading that says what to look at, a key that explains the marks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from viz import fonts
from viz.scene import Group, Rect, Scene, Shape, Text, union
from viz.style import INK, MUTED, RULE, Look, diverging

Entry: TypeAlias = tuple[Shape, str]  # a sample, drawn around its own place, and what it means

_TITLE, _LEAD, _KEY = 17.0, 13.0, 12.0  # sizes of text
_NARROWEST = 440.0


def framed(
    shapes: Iterable[Shape], *, title: str, lead: str, description: str = "", key: Sequence[Entry] = ()
) -> Scene:
    """
    Put a heading above a drawing and a key beneath it.

    Parameters
    ----------
    shapes : iterable of Shape
        The drawing, anywhere.
    title : str
        What it is: the heading and the picture's accessible name.
    lead : str
        One or two sentences beneath the heading: what to look at.
    description : str
        The picture in words, for those who don't see it; the lead goes before it.
    key : sequence of (Shape, str)
        A sample of each mark, and what it means.

    Returns
    -------
    Scene

    Examples
    --------
    >>> from viz.scene import Circle
    >>> scene = framed([Circle(0, 0, 20)], title="A neuron", lead="It is on.", key=[(Circle(0, 0, 5), "on")])
    >>> [shape.text for shape in scene.walk() if isinstance(shape, Text)]
    ['A neuron', 'It is on.', 'on']
    """
    drawing = tuple(shapes)
    left, top, right, bottom = union(drawing)
    width = max(right - left, _NARROWEST)
    lines = fonts.wrap(lead, width, _LEAD)
    height = 26.0 + 19.0 * len(lines) + 12.0
    head = [
        Text(0, 8, fonts.shorten(title, width, _TITLE, bold=True), _TITLE, "start", bold=True, role="heading")
    ]
    quiet = Look(fill=MUTED)
    head += [
        Text(0, 32 + 19 * k, line, _LEAD, "start", look=quiet, role="lead") for k, line in enumerate(lines)
    ]
    inset = (width - (right - left)) / 2
    body = Group(drawing, dx=inset - left, dy=height - top, role="drawing")
    foot = _key(key, height + (bottom - top) + 22.0, width) if key else []
    words = f"{lead} {description}".strip()
    return Scene.around([*head, body, *foot], title=title, description=words, margin=20.0)


def sign_scale() -> Group:
    """
    Return the key's sample of the diverging scale: orange is negative, grey zero, blue positive.

    Examples
    --------
    >>> [cell.look.fill.name for cell in sign_scale().shapes][::4]
    ['value-m20', 'value-0', 'value-p20']
    """
    cells = [
        Rect(
            -40.5 + 9 * k,
            -7,
            9,
            14,
            look=Look(fill=diverging((k - 4) * abs(k - 4), 16.0), stroke=RULE, width=0.5),
        )
        for k in range(9)
    ]
    return Group(tuple(cells))


def _key(entries: Sequence[Entry], top: float, width: float) -> list[Shape]:
    """Set samples and their meanings in rows."""
    placed: list[Shape] = []
    x, y = 0.0, top
    for sample, meaning in entries:
        left, _, right, _ = sample.bounds()
        wide = right - left + 7 + fonts.width(meaning, _KEY)
        if x and x + wide > width:
            x, y = 0.0, y + 26.0
        words = Text(x + right - left + 7, y, meaning, _KEY, "start", look=Look(fill=INK))
        placed.append(Group((Group((sample,), dx=x - left, dy=y), words), role="key"))
        x += wide + 22.0
    return placed
