"""Vectors as images: an input in grey, and rows of weights on the diverging scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from viz.networks.columns import Array
from viz.scene import Group, Rect, Shape
from viz.style import INK, RULE, Look, Paint, diverging, shade

_SMALLEST = 36  # pixels: a vector of 4, 9, 16 or 25 numbers is hardly an image
DOTTED = 16  # side up to which there is room for a dot in a pixel
_DOT = Look(fill=INK, opacity=0.55)


def side_of(n: int) -> int | None:
    """
    Return the side of the square image that a vector of n numbers is taken for; None where it is none.

    Examples
    --------
    >>> side_of(64), side_of(784), side_of(60), side_of(9)
    (8, 28, None, None)
    """
    side = math.isqrt(n)
    return side if side * side == n and n >= _SMALLEST else None


def grey_image(pixels: Array, left: float, top: float, size: float, role: str, title: str) -> Group:
    """Return an image whose smallest pixel is paper and whose largest is ink."""
    low, high = min(0.0, float(pixels.min(initial=0))), float(pixels.max(initial=0))
    span = (high - low) or 1.0
    return _image([shade((p - low) / span) for p in pixels.tolist()], left, top, size, role, title)


def signed_image(
    weights: Array, limit: float, left: float, top: float, size: float, role: str, title: str
) -> Group:
    """Return an image of weights: orange with a dot below zero, grey at zero, blue above."""
    image = _image([diverging(w, limit) for w in weights.tolist()], left, top, size, role, title)
    side = math.isqrt(weights.size)
    cell = size / side
    if side > DOTTED:
        return image
    dots = []
    for k in (weights < -0.1 * limit).nonzero()[0].tolist():
        x, y = left + (k % side + 0.38) * cell, top + (k // side + 0.38) * cell
        dots.append(Rect(x, y, 0.24 * cell, 0.24 * cell, look=_DOT))
    return replace(image, shapes=(*image.shapes, *dots))


def _image(paints: Sequence[Paint], left: float, top: float, size: float, role: str, title: str) -> Group:
    """Paint a square image; neighbours of one colour in a row are one rectangle."""
    side = math.isqrt(len(paints))
    cell = size / side
    shapes: list[Shape] = []
    for row in range(side):
        start = 0
        for paint, run in groupby(paints[row * side : (row + 1) * side]):
            end = start + len(list(run))
            over_x, over_y = 0.4 * (end < side), 0.4 * (row + 1 < side)  # so that no gap shows
            place = (left + start * cell, top + row * cell, (end - start) * cell + over_x, cell + over_y)
            shapes.append(Rect(*place, look=Look(fill=paint)))
            start = end
    frame = Rect(left, top, size, size, look=Look(stroke=RULE, width=1), role="frame")
    return Group((*shapes, frame), role=role, title=title)
