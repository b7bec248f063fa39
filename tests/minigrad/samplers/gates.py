"""How to draw arguments for gates that are not elementwise."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from minigrad.rules import Primitive

from .base import Draw, Shape, shapes


def _group_maxout(draw: Draw, primitive: Primitive) -> tuple[list[Shape], dict[str, Any]]:
    groups = tuple(draw(st.lists(st.integers(1, 3), max_size=3)))
    return [(*draw(shapes)[:2], sum(groups))], {"groups": groups}


SAMPLERS = {"group_maxout": _group_maxout}
