"""How to draw arguments for reductions and the softmax family."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minigrad.rules import Primitive

from .base import Draw, Sampler, Shape, axes


def _reduction(min_side: int) -> Sampler:
    def sample(draw: Draw, primitive: Primitive) -> tuple[list[Shape], dict[str, Any]]:
        shape = draw(hnp.array_shapes(min_dims=0, max_dims=3, min_side=min_side, max_side=3))
        options = {"axis": draw(axes(len(shape))), "keepdims": draw(st.booleans())}
        return [shape], options if draw(st.booleans()) else {}

    return sample


def _spread(draw: Draw, primitive: Primitive) -> tuple[list[Shape], dict[str, Any]]:
    """Several entries for each result, since that of one is 0 everywhere."""
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=2, max_side=3))
    axis = draw(axes(len(shape)).filter(lambda chosen: chosen != ()))
    return [shape], {
        "axis": axis,
        "keepdims": draw(st.booleans()),
        "ddof": draw(st.sampled_from([0, 1, 0.5])),
    }


def _softmax(draw: Draw, primitive: Primitive) -> tuple[list[Shape], dict[str, Any]]:
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=3))
    return [shape], {"axis": draw(st.integers(-len(shape), len(shape) - 1))}


SAMPLERS = {
    "sum": _reduction(0),
    "mean": _reduction(1),
    "var": _spread,
    "std": _spread,
    "prod": _reduction(0),
    "max": _reduction(1),
    "min": _reduction(1),
    "logsumexp": _reduction(1),
    "softmax": _softmax,
    "log_softmax": _softmax,
}
