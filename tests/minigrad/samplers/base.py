"""What is drawn for every primitive: shapes, numbers away from kinks, axes, indices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minigrad.rules import Primitive

Draw: TypeAlias = Callable[[st.SearchStrategy[Any]], Any]
Shape: TypeAlias = tuple[int, ...]
Sampler: TypeAlias = Callable[[Draw, Primitive], tuple[list[Any], dict[str, Any]]]
"""Draws arguments, each as a shape (filled with numbers of its domain) or as an array, and options."""

REAL_LINE = (-np.inf, np.inf)

shapes = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
full_shapes = hnp.array_shapes(min_dims=0, max_dims=3, min_side=1, max_side=3)
seeds = st.integers(0, 2**32 - 1)
float_dtypes = st.sampled_from([np.float32, np.float64])


def spread(draw: Draw, shape_list: list[Shape], intervals: list[tuple[float, float]]) -> list[np.ndarray]:
    """
    Arrays of numbers inside their intervals: all different, none 0, at least a small distance apart.

    So no derivative is taken near a kink, wherever it is: at 0, or where two arguments are equal.
    """
    sizes = [int(np.prod(shape)) for shape in shape_list]
    places = np.random.default_rng(draw(seeds)).permutation(sum(sizes))
    ends = np.cumsum(sizes)
    arrays = []
    for shape, size, end, (low, high) in zip(shape_list, sizes, ends, intervals, strict=True):
        low, high = max(low + 0.2, -3.0), min(high - 0.2, 3.0)
        unit = (places[end - size : end] + 0.37) / max(sum(sizes), 1)  # never the middle, so never 0
        arrays.append((low + unit * (high - low)).reshape(shape))
    return arrays


def normal(draw: Draw, shape: Shape) -> np.ndarray:
    """Any numbers, for tangents and cotangents, where kinks do not matter."""
    return np.random.default_rng(draw(seeds)).normal(size=shape)


def broadcasting(draw: Draw, count: int, min_side: int = 0) -> list[Shape]:
    """Shapes that broadcast together: 0-d, empty and several axes among them."""
    drawn = draw(
        hnp.mutually_broadcastable_shapes(num_shapes=count, max_dims=3, min_side=min_side, max_side=3)
    )
    return list(drawn.input_shapes)


@st.composite
def axes(draw: Draw, ndim: int) -> Any:
    """None, one axis or several, counted from either end."""
    if ndim == 0:
        return draw(st.sampled_from([None, ()]))
    chosen = draw(st.lists(st.integers(0, ndim - 1), unique=True, max_size=ndim))
    signed = tuple(a - ndim if draw(st.booleans()) else a for a in chosen)
    return draw(st.sampled_from([None, signed, *signed[:1]]))


@st.composite
def indices(draw: Draw, shape: Shape) -> Any:
    """Basic, fancy (with repeats), boolean and mixed indices."""
    kinds = [hnp.basic_indices(shape, allow_newaxis=True, allow_ellipsis=True)]
    if shape and all(shape):
        some = hnp.array_shapes(max_dims=2, max_side=3)
        whole = [hnp.arrays(np.intp, draw(some), elements=st.integers(-n, n - 1)) for n in shape]
        kinds += [
            hnp.integer_array_indices(shape, result_shape=hnp.array_shapes(max_dims=2, max_side=3)),
            hnp.arrays(bool, shape),
            st.lists(st.integers(0, shape[0] - 1), min_size=1, max_size=4),
            st.tuples(st.lists(st.integers(0, shape[0] - 1), min_size=1, max_size=3).map(tuple)),
            st.tuples(st.just(slice(None, None, -1)), *whole[1:2]),
            st.tuples(st.just(Ellipsis), whole[-1]),
        ]
    return draw(st.one_of(kinds))
