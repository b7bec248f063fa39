"""How to draw matrices for linear algebra: well-conditioned, in batches that broadcast, also without rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minigrad.rules import Primitive

from .base import Draw, Sampler, Shape, broadcasting, normal, seeds

batches = hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=2)


def matrices(draw: Draw, lead: Shape, rows: int, columns: int) -> np.ndarray:
    """Any matrices with singular values that differ, from 1 upwards."""
    rng = np.random.default_rng(draw(seeds))
    k = min(rows, columns)
    left, right = (np.linalg.qr(rng.normal(size=(*lead, n, k)))[0] for n in (rows, columns))
    values = 1 + 0.7 * np.arange(k) + rng.uniform(0, 0.3, size=(*lead, k))
    return np.asarray((left * values[..., None, :]) @ np.swapaxes(right, -1, -2))


def symmetric(draw: Draw, lead: Shape, n: int) -> np.ndarray:
    """Symmetric matrices with positive eigenvalues that differ."""
    rng = np.random.default_rng(draw(seeds))
    vectors = np.linalg.qr(rng.normal(size=(*lead, n, n)))[0]
    values = 1 + 0.7 * np.arange(n) + rng.uniform(0, 0.3, size=(*lead, n))
    a = (vectors * values[..., None, :]) @ np.swapaxes(vectors, -1, -2)
    return np.asarray((a + np.swapaxes(a, -1, -2)) / 2)


def _square(draw: Draw, primitive: Primitive) -> tuple[list[Any], dict[str, Any]]:
    n = draw(st.integers(0, 3))
    return [matrices(draw, draw(batches), n, n)], {}


def _symmetric(draw: Draw, primitive: Primitive) -> tuple[list[Any], dict[str, Any]]:
    """One triangle of a symmetric matrix, and anything in the other."""
    a, upper = symmetric(draw, draw(batches), draw(st.integers(0, 3))), draw(st.booleans())
    unread = np.tri(a.shape[-1], k=-1) if upper else np.tri(a.shape[-1], k=-1).T
    return [a + normal(draw, a.shape) * unread], {"upper": upper}


def _solve(draw: Draw, primitive: Primitive) -> tuple[list[Any], dict[str, Any]]:
    of_a, of_b = broadcasting(draw, 2)
    n = draw(st.integers(0, 3))
    return [matrices(draw, of_a, n, n), (*of_b, n, draw(st.integers(0, 2)))], {}


def _rectangular(draw: Draw, primitive: Primitive) -> tuple[list[Any], dict[str, Any]]:
    return [matrices(draw, draw(batches), draw(st.integers(1, 3)), draw(st.integers(1, 3)))], {}


def _tall(draw: Draw, primitive: Primitive) -> tuple[list[Any], dict[str, Any]]:
    columns = draw(st.integers(1, 3))
    return [matrices(draw, draw(batches), columns + draw(st.integers(0, 2)), columns)], {}


def _p_norm(draw: Draw, primitive: Primitive) -> tuple[list[Shape], dict[str, Any]]:
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=3, max_side=3))
    axis = tuple(draw(st.lists(st.integers(0, len(shape) - 1), unique=True))) if shape else ()
    p = draw(st.sampled_from([1, 2, 3, 1.5, 0.5, -1.0, -2]))
    return [shape], {"p": p, "axis": axis, "keepdims": draw(st.booleans())}


SAMPLERS: dict[str, Sampler] = {
    "solve": _solve,
    "inv": _square,
    "det": _square,
    "logabsdet": _square,
    "signdet": _square,
    "cholesky": _symmetric,
    "eigenpairs": _symmetric,
    "singular_triplets": _rectangular,
    "orthonormal": _tall,
    "pinv": _rectangular,
    "p_norm": _p_norm,
}
