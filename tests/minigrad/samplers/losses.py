"""How to draw arguments for losses."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minigrad.rules import Primitive

from .base import Draw


def _cross_entropy(draw: Draw, primitive: Primitive) -> tuple[list[Any], dict[str, Any]]:
    batch = draw(hnp.array_shapes(min_dims=0, max_dims=2, max_side=3))
    classes = draw(st.integers(1, 4))
    return [(*batch, classes), draw(hnp.arrays(np.intp, batch, elements=st.integers(0, classes - 1)))], {}


SAMPLERS = {"cross_entropy": _cross_entropy}
