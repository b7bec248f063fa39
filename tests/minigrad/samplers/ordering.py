"""How to draw arguments for sorting and accumulating."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minigrad.rules import Primitive

from .base import Draw, Shape

_rows = hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=4)


def _along_an_axis(draw: Draw, primitive: Primitive) -> tuple[list[Shape], dict[str, Any]]:
    shape = draw(_rows)
    return [shape], {"axis": draw(st.integers(-len(shape), len(shape) - 1))}


def _along_the_last_axis(draw: Draw, primitive: Primitive) -> tuple[list[Shape], dict[str, Any]]:
    return [draw(_rows)] * len(primitive.classes), {}


SAMPLERS = {
    "sort": _along_an_axis,
    "cumsum": _along_an_axis,
    "cumprod": _along_the_last_axis,
    "recurrence": _along_the_last_axis,
}
