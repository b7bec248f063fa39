"""Moving entries around: linear primitives whose transposes move them back."""

from __future__ import annotations

from typing import Any

import numpy as np

from .operands import Operand
from .primitive import Linear

astype = Linear(
    "astype",
    lambda x, dtype: x.astype(dtype),
    lambda g, x, dtype: g,  # the engine returns every cotangent in its operand's dtype
    formula="x, rounded to another dtype",
    source="identity",
    classes="linear",
)

reshape = Linear(
    "reshape",
    lambda x, shape: np.reshape(x, shape),
    lambda g, x, shape: np.reshape(g, x.shape),
    formula="the same entries in another shape",
    source="a bijection",
    classes="linear",
    numpy=[np.reshape],
)

transpose = Linear(
    "transpose",
    lambda x, axes=None: np.transpose(x, axes),
    lambda g, x, axes=None: np.transpose(g, None if axes is None else _inverse(axes)),
    symbol="ᵀ",
    formula="the same entries with axes permuted",
    source="a bijection",
    classes="linear",
    numpy=[np.transpose],
)


def _inverse(axes: tuple[int, ...]) -> tuple[int, ...]:
    """Return the permutation that undoes ``axes``."""
    inverse = [0] * len(axes)
    for place, axis in enumerate(axes):
        inverse[axis] = place
    return tuple(inverse)


expand_dims = Linear(
    "expand_dims",
    lambda x, axis: np.expand_dims(x, axis),
    lambda g, x, axis: np.reshape(g, x.shape),
    formula="new axes of length 1",
    source="a bijection",
    classes="linear",
    numpy=[np.expand_dims],
)

squeeze = Linear(
    "squeeze",
    lambda x, axis=None: np.squeeze(x, axis),
    lambda g, x, axis=None: np.reshape(g, x.shape),
    formula="without the axes of length 1",
    source="a bijection",
    classes="linear",
    numpy=[np.squeeze],
)

broadcast_to = Linear(
    "broadcast_to",
    lambda x, shape: np.broadcast_to(x, shape),
    lambda g, x, shape: g,  # the engine sums every cotangent to its operand's shape
    formula="copies along new or length-1 axes",
    source="copying and summing are transposes",
    classes="linear",
    numpy=[np.broadcast_to],
)

gather: Linear = Linear(
    "gather",
    lambda x, index: x[index],
    lambda g, x, index: scatter_add(g, index=index, shape=x.shape),
    symbol="x[i]",
    formula="x[index], basic or fancy",
    source="picking and adding back are transposes",
    classes="linear",
)


def _scatter_add(g: Operand, index: Any, shape: tuple[int, ...], unique: bool = False) -> Operand:
    out = np.zeros_like(g, shape=shape, order="C")
    parts = index if isinstance(index, tuple) else (index,)
    fancy = [part for part in parts if isinstance(part, (np.ndarray, list, tuple, bool, np.bool_))]
    if unique or not fancy or (len(fancy) == 1 and getattr(fancy[0], "dtype", None) == np.bool_):
        out[index] = g  # no entry is picked twice, as of slices and of one mask
    elif len(fancy) == len(shape):
        np.add.at(out, index, g)
    else:  # next to slices np.add.at is slow; with one flat index it is not
        places = np.arange(out.size).reshape(shape)[index]
        np.add.at(out.reshape(-1), places.reshape(-1), g.reshape(-1))
    return out


scatter_add: Linear = Linear(
    "scatter_add",
    _scatter_add,
    lambda g, x, index, shape, unique=False: g[index],
    formula="zeros of a shape, with x added at index (repeats accumulate; none if unique)",
    source="picking and adding back are transposes",
    classes="linear",
)


roll = Linear(
    "roll",
    lambda x, shift, axis=None: np.roll(x, shift, axis),
    lambda g, x, shift, axis=None: np.roll(g, -np.asarray(shift), axis),
    formula="the same entries moved along; those that leave at the end come in at the start",
    source="a bijection",
    classes="linear",
    numpy=[np.roll],
)


def _concatenate_transpose(k: int, g: Operand, *parts: Operand, axis: int = 0) -> Operand:
    """The slice of the cotangent that came from part ``k``."""
    start = sum(part.shape[axis] for part in parts[:k])
    where = [slice(None)] * g.ndim
    where[axis] = slice(start, start + parts[k].shape[axis])
    return g[tuple(where)]


concatenate = Linear(
    "concatenate",
    lambda *parts, axis=0: np.concatenate(parts, axis=axis),
    _concatenate_transpose,
    formula="the parts one after the other along an axis",
    source="joining and slicing are transposes",
    classes="linear",
    variadic=True,
)


def _stack_transpose(k: int, g: Operand, *parts: Operand, axis: int = 0) -> Operand:
    """The layer of the cotangent that came from part ``k``."""
    where: list[Any] = [slice(None)] * g.ndim
    where[axis] = k
    return g[tuple(where)]


stack = Linear(
    "stack",
    lambda *parts, axis=0: np.stack(parts, axis=axis),
    _stack_transpose,
    formula="the parts side by side along a new axis",
    source="stacking and picking are transposes",
    classes="linear",
    variadic=True,
)
