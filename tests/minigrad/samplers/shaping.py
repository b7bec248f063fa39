"""How to draw arguments for the primitives that move entries."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minigrad.rules import Primitive

from .base import Draw, Shape, broadcasting, indices, shapes


def _reshape(draw: Draw, primitive: Primitive) -> tuple[list[Shape], dict[str, Any]]:
    shape = draw(shapes)
    choices = [shape[::-1], (*shape, 1), (int(np.prod(shape)),), (-1,)]
    return [shape], {"shape": draw(st.sampled_from(choices))}


def _transpose(draw: Draw, primitive: Primitive) -> tuple[list[Shape], dict[str, Any]]:
    cycles = hnp.array_shapes(min_dims=3, max_dims=3, max_side=3)  # whose inverses are others
    shape = draw(st.one_of(shapes, cycles))
    order = draw(st.permutations(range(len(shape))))
    signed = tuple(a - len(shape) if draw(st.booleans()) else a for a in order)
    return [shape], draw(st.sampled_from([{}, {"axes": signed}, {"axes": order}]))


def _expand_dims(draw: Draw, primitive: Primitive) -> tuple[list[Shape], dict[str, Any]]:
    shape = draw(shapes)
    one = st.integers(-len(shape) - 1, len(shape))
    return [shape], {"axis": draw(st.one_of(one, st.just((0, -1))))}


def _squeeze(draw: Draw, primitive: Primitive) -> tuple[list[Shape], dict[str, Any]]:
    shape = (*draw(shapes), 1, *draw(shapes)[:1])
    ones = [a for a, n in enumerate(shape) if n == 1]
    one = draw(st.sampled_from(ones))
    return [shape], {"axis": draw(st.sampled_from([None, one, one - len(shape), (one,), tuple(ones)]))}


def _broadcast_to(draw: Draw, primitive: Primitive) -> tuple[list[Shape], dict[str, Any]]:
    shape, other = broadcasting(draw, 2)
    return [shape], {"shape": np.broadcast_shapes(shape, other)}


def _gather(draw: Draw, primitive: Primitive) -> tuple[list[Shape], dict[str, Any]]:
    shape = draw(shapes)
    return [shape], {"index": draw(indices(shape))}


def _scatter_add(draw: Draw, primitive: Primitive) -> tuple[list[Shape], dict[str, Any]]:
    shape = draw(shapes)
    index = draw(indices(shape))
    places = np.arange(np.prod(shape, dtype=int)).reshape(shape)[index]
    given = {"unique": True} if np.unique(places).size == places.size and draw(st.booleans()) else {}
    return [places.shape], {"index": index, "shape": shape, **given}


def _roll(draw: Draw, primitive: Primitive) -> tuple[list[Shape], dict[str, Any]]:
    shape = draw(shapes)
    shift = st.integers(-4, 4)
    if not shape or draw(st.booleans()):
        return [shape], {"shift": draw(shift)}
    chosen = draw(st.lists(st.integers(-len(shape), len(shape) - 1), min_size=1, max_size=3))
    together = {"shift": tuple(draw(shift) for _ in chosen), "axis": tuple(chosen)}
    return [shape], draw(st.sampled_from([together, {"shift": draw(shift), "axis": chosen[0]}]))


def _concatenate(draw: Draw, primitive: Primitive) -> tuple[list[Shape], dict[str, Any]]:
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=3))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    lengths = draw(st.lists(st.integers(0, 3), min_size=1, max_size=3))
    parts = [tuple(n if a == axis % len(shape) else m for a, m in enumerate(shape)) for n in lengths]
    return parts, {"axis": axis}


def _stack(draw: Draw, primitive: Primitive) -> tuple[list[Shape], dict[str, Any]]:
    shape = draw(shapes)
    return [shape] * draw(st.integers(1, 3)), {"axis": draw(st.integers(-len(shape) - 1, len(shape)))}


def _astype(draw: Draw, primitive: Primitive) -> tuple[list[Shape], dict[str, Any]]:
    return [draw(shapes)], {"dtype": np.dtype(float)}


SAMPLERS = {
    "astype": _astype,
    "reshape": _reshape,
    "transpose": _transpose,
    "expand_dims": _expand_dims,
    "squeeze": _squeeze,
    "broadcast_to": _broadcast_to,
    "gather": _gather,
    "scatter_add": _scatter_add,
    "roll": _roll,
    "concatenate": _concatenate,
    "stack": _stack,
}
