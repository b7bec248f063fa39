"""How to draw arguments for products of arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minigrad.rules import Primitive

from .base import Draw, Shape


def _matmul(draw: Draw, primitive: Primitive) -> tuple[list[Shape], dict[str, Any]]:
    drawn = hnp.mutually_broadcastable_shapes(
        signature=np.matmul.signature, max_dims=2, min_side=0, max_side=3
    )
    return list(draw(drawn).input_shapes), {}


def _linear(draw: Draw, primitive: Primitive) -> tuple[list[Shape], dict[str, Any]]:
    n_in, n_out = draw(st.integers(0, 3)), draw(st.integers(0, 3))
    lead = draw(hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=3))
    return [(*lead, n_in), (n_out, n_in), draw(st.sampled_from([(n_out,), ()]))], {}


SAMPLERS = {
    "matmul": _matmul,
    "linear": _linear,
}
