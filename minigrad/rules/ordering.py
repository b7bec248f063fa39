"""Entries in their order along an axis: sorting, and accumulating from the first to the last."""

from __future__ import annotations

from typing import Any

import numpy as np

from .guarded import Guarded
from .operands import Operand, as_array, numbers
from .primitive import Linear, strong_multiply


def _order(x: Operand, axis: int) -> Any:
    """Where the entries come from when they are sorted; equal ones stay in their order."""
    return np.argsort(numbers(x), axis=axis, stable=True)


def _pairs(x: Operand, axis: int) -> Operand:
    """Each entry minus each along the axis: all of them, since a long way may swap any two."""
    return np.expand_dims(x, -1) - np.expand_dims(np.moveaxis(x, axis, -1), axis % x.ndim)


sort = Guarded(
    "sort",
    lambda x, axis=-1: np.sort(x, axis=axis),
    vjps=[
        lambda multiply, g, out, x, axis=-1: np.take_along_axis(
            g, np.argsort(_order(x, axis), axis=axis), axis=axis
        )
    ],
    jvps=[lambda t, out, x, axis=-1: np.take_along_axis(t, _order(x, axis), axis=axis)],
    formula="the entries in ascending order along an axis",
    source="a permutation, as long as the order stays",
    classes="gate",
    kinks={"ties": "equal entries keep their order"},
    pattern=lambda x, axis=-1: np.sign(_pairs(x, axis)),
    margins=lambda pattern, x, axis=-1: _pairs(x, axis),
)

cumsum = Linear(
    "cumsum",
    lambda x, axis: np.cumsum(x, axis=axis),
    lambda g, x, axis: np.flip(np.cumsum(np.flip(g, axis), axis=axis), axis),
    formula="yᵢ = x₁ + … + xᵢ along an axis",
    source="xᵢ counts in all later sums: the transpose runs backwards",
    classes="linear",
)


def earlier(x: Operand, first: float) -> Operand:
    """Each entry's predecessor along the last axis; the first one has `first`."""
    return np.concatenate([np.full_like(numbers(x)[..., :1], first), x[..., :-1]], axis=-1)


def _recurrence(a: Operand, b: Operand) -> Operand:
    multiply = np.multiply if np.isfinite(a).all() else strong_multiply
    y = as_array(b).copy(order="K")
    for i in range(1, b.shape[-1]):
        y[..., i] += multiply(a[..., i], y[..., i - 1])
    return y


def _backwards(g: Operand, a: Operand) -> Operand:
    """The cotangents of b: what arrives at yᵢ itself, and through yᵢ₊₁ = aᵢ₊₁·yᵢ + bᵢ₊₁."""
    return recurrence(earlier(a[..., ::-1], 0), g[..., ::-1])[..., ::-1]


recurrence: Guarded = Guarded(
    "recurrence",
    _recurrence,
    vjps=[
        lambda multiply, g, out, a, b: multiply(_backwards(g, a), earlier(out, 0)),
        lambda multiply, g, out, a, b: _backwards(g, a),
    ],
    jvps=[
        lambda t, out, a, b: recurrence(a, strong_multiply(t, earlier(out, 0))),
        lambda t, out, a, b: recurrence(a, t),
    ],
    formula="yᵢ = aᵢ·yᵢ₋₁ + bᵢ along the last axis, y₀ = 0; 0·∞ = 0",
    source="its derivatives obey the same recurrence, backwards for cotangents",
    classes=("smooth", "linear"),
)
recurrence.guards = True  # b is a cotangent, and 0 where a branch was not taken

cumprod = Guarded(
    "cumprod",
    lambda x: np.cumprod(x, axis=-1),
    vjps=[lambda multiply, g, out, x: multiply(_backwards(g, x), earlier(out, 1))],
    jvps=[lambda t, out, x: recurrence(x, t * earlier(out, 1))],
    formula="yᵢ = x₁·…·xᵢ along the last axis",
    source="yᵢ = xᵢ·yᵢ₋₁, a recurrence: exact also where entries are 0",
    classes="smooth",
)
