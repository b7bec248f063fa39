"""How to draw arguments for the primitive that writes to entries."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from minigrad.rules import Primitive

from .base import Draw, Shape, indices, shapes


def _assign(draw: Draw, primitive: Primitive) -> tuple[list[Shape], dict[str, Any]]:
    """What is written may be broadcast to the place."""
    shape = draw(shapes)
    index = draw(indices(shape))
    place = np.zeros(shape)[index].shape
    narrow = tuple(1 if draw(st.booleans()) else n for n in place)
    return [shape, narrow[draw(st.integers(0, len(place))) :]], {"index": index}


SAMPLERS = {"assign": _assign}
