"""Which units remain: those that are not 0, and whose output reaches something.

An output reaches the network's result, or the gradient of a parameter, as far as the *structure* lets it: a
unit that is read by a weight which happens to be 0 trains that weight, and stays. A unit that only closed
gates read, or that loses in every window of a pooling, or that meets nothing but constant zeros, trains
nothing, and nothing trains it: it goes, and its gradients are exactly 0. See DESIGN, section 8.

Structure is asked by going backward with random numbers in the place of cotangents and of factors that are
learned: where 0 arrives then, 0 always arrives.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..graph import Node, Vertex
from ..rules.products import linear
from ..tensor import Array
from .affine import AffineMap
from .stage import Stage


def prune(around: AffineMap, found: Sequence[Stage]) -> list[Array]:
    """Return which units of each stage remain, of outputs and of a bare input all."""
    rng = np.random.default_rng(0)
    moving = {id(around.leaf), *map(id, around.nodes)}
    ends = {id(stage.last): k for k, stage in enumerate(found)}
    last = len(found) - 1
    fixed = [k == last or (k == 0 and stage.bare) for k, stage in enumerate(found)]
    kept = [np.arange(len(stage.rows) if all_ else 0) for stage, all_ in zip(found, fixed, strict=True)]
    arriving: dict[int, Array] = {id(found[last].last): np.ones(np.size(around.output))}
    for node in reversed(around.nodes):
        cotangent = arriving.pop(id(node), None)
        if cotangent is None:
            continue
        k = ends.get(id(node))
        if k is not None:
            stage, reached = found[k], cotangent != 0
            if not fixed[k]:
                kept[k] = np.flatnonzero(reached & ~stage.idle)
            cotangent = np.zeros(stage.preactivation.size)
            passing = stage.rows[reached & stage.passing]
            cotangent[passing] = rng.normal(size=len(passing))
            if stage.begin is not node:
                _add(arriving, stage.begin, cotangent)
                continue
        shaped = cotangent.reshape(node.output.shape)
        for j, parent in enumerate(node.parents):
            if id(parent) in moving:
                learned = [other is not None and id(other) not in moving for other in node.parents]
                _add(arriving, parent, _back(node, j, shaped, learned, rng).ravel())
    return kept


def _add(arriving: dict[int, Array], vertex: Vertex, cotangent: Array) -> None:
    before = arriving.get(id(vertex))
    arriving[id(vertex)] = cotangent if before is None else before + cotangent


def _back(node: Node, k: int, cotangent: Array, learned: Sequence[bool], rng: np.random.Generator) -> Array:
    """Carry a cotangent to argument ``k`` of a node, whatever numbers its factors have learned."""
    assert node.args is not None
    if node.primitive is linear and learned[1]:  # each sum reads all entries of its row
        shape = np.shape(node.args[0])
        return np.where(cotangent.any(axis=-1, keepdims=True), rng.normal(size=shape), 0)
    args = [
        _generic(arg, rng) if other and node.primitive.class_of(j) == "multilinear" else arg
        for j, (arg, other) in enumerate(zip(node.args, learned, strict=True))
    ]
    given = np.asarray(cotangent, dtype=node.output.dtype)
    return np.asarray(node.primitive.vjp(k, given, node.output, args, node.options))


def _generic(like: Array, rng: np.random.Generator) -> Array:
    """Return a product of random vectors, one along each axis: cheap, and generic enough."""
    product: Array = np.ones((), like.dtype)
    for n in like.shape:
        factor = np.asarray(rng.normal(size=n), dtype=like.dtype)
        product = np.multiply.outer(product, factor)
    return product
