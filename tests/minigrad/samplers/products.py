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


@st.composite
def subscripts(draw: Draw) -> tuple[list[str], str, dict[str, int]]:
    """Indices of some operands and of the result, with repeats and sums, and the length of each."""
    lengths = {letter: draw(st.integers(0, 3)) for letter in "ijkL"}
    term = st.text(alphabet=list(lengths), max_size=3)
    inputs = draw(st.lists(term, min_size=1, max_size=3))
    used = sorted(set("".join(inputs)))
    output = "".join(draw(st.lists(st.sampled_from(used), unique=True))) if used else ""
    return inputs, output, lengths


def _einsum(draw: Draw, primitive: Primitive) -> tuple[list[Shape], dict[str, Any]]:
    inputs, output, lengths = draw(subscripts())
    narrow = {(k, i): draw(st.booleans()) for k, term in enumerate(inputs) for i in set(term)}
    several = {i for i in lengths if sum(i in term for term in inputs) > 1}  # who may be broadcast
    shapes = [
        tuple(1 if i in several and narrow[k, i] else lengths[i] for i in t) for k, t in enumerate(inputs)
    ]
    optimize = draw(st.booleans())
    return shapes, {"subscripts": f"{','.join(inputs)}->{output}", "optimize": optimize}


SAMPLERS = {
    "einsum": _einsum,
    "matmul": _matmul,
    "linear": _linear,
}
