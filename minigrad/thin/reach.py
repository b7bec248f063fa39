"""Which units remain: those that are not 0, and whose output reaches something.

A unit is 0 around the input where its piece is flat, or where nothing but such units enters it, as in a
pooling of closed ReLUs. Its output reaches the network's result, or the gradient of a parameter, as far as
the *structure* lets it: a unit that is read by a weight which happens to be 0 trains that weight, and stays.
A unit that only closed gates read, or that loses in every window of a pooling, or that meets nothing but
constant zeros, trains nothing, and nothing trains it: it goes, and its gradients are exactly 0.

Structure is asked with random numbers: where 0 arrives of those, in the place of units (forward) or of
cotangents (backward), and of whatever is learned, there 0 always arrives.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from itertools import count
from typing import Any

import numpy as np

from ..graph import Node, Vertex
from ..rules.products import linear
from ..tensor import Array
from .affine import AffineMap
from .stage import Stage

_TABLE = np.random.default_rng(0).normal(size=2**16 + 997)
_place = count()


def prune(around: AffineMap, found: Sequence[Stage]) -> list[Array]:
    """Return which units of each stage remain, of outputs and of a bare input all."""
    moving = {id(around.leaf), *map(id, around.nodes)}
    ends = {id(stage.last): k for k, stage in enumerate(found)}
    last = len(found) - 1
    fixed = [k == last or (k == 0 and stage.bare) for k, stage in enumerate(found)]
    kept = [np.arange(len(stage.rows) if all_ else 0) for stage, all_ in zip(found, fixed, strict=True)]
    sounding = _sounding(around, found, ends, moving)
    arriving: dict[int, Array] = {id(found[last].last): np.ones(np.size(around.output))}
    for node in reversed(around.nodes):
        cotangent = arriving.pop(id(node), None)
        if cotangent is None:
            continue
        k = ends.get(id(node))
        if k is not None:
            stage, reached = found[k], cotangent != 0
            if not fixed[k]:
                reached &= sounding[k]
                kept[k] = np.flatnonzero(reached)
            cotangent = np.zeros(stage.preactivation.size)
            passing = stage.rows[reached & stage.passing]
            cotangent[passing] = _random(len(passing))
            if stage.begin is not node:
                _add(arriving, stage.begin, cotangent)
                continue
        shaped = cotangent.reshape(node.output.shape)
        for j, parent in enumerate(node.parents):
            if id(parent) in moving:
                _add(arriving, parent, _back(node, j, shaped, moving).ravel())
    return kept


def _sounding(
    around: AffineMap, found: Sequence[Stage], ends: dict[int, int], moving: Collection[int]
) -> list[Array]:
    """Return which units of each stage are not 0."""
    sounding = [np.ones(len(stage.rows), dtype=bool) for stage in found]
    numbers: dict[int, Array] = {id(around.leaf): _random(*around.leaf.shape)}
    for node in around.nodes:
        k = ends.get(id(node))
        stage = None if k is None else found[k]
        if stage is None or stage.begin is node:
            numbers[id(node)] = _ahead(node, numbers, moving)
        if k is not None and stage is not None:
            entered = numbers[id(stage.begin)].ravel()[stage.rows] != 0
            sounding[k] = (entered & stage.passing) | stage.shifted
            numbers[id(node)] = (sounding[k] * _random(len(entered))).reshape(node.output.shape)
    return sounding


def _ahead(node: Node, numbers: dict[int, Array], moving: Collection[int]) -> Array:
    """Carry random numbers through a node, with others in the place of what is learned."""
    assert node.args is not None
    learned = _learned(node, moving)
    if node.primitive is linear and learned == [False, True, True]:
        return _random(*node.output.shape)
    arriving = [numbers.get(id(parent)) for parent in node.parents]
    rule, shape = node.primitive, node.output.shape
    if "gate" in rule.classes:
        if any(learned):
            return _random(*shape)
        here = [None if number is None else arg for number, arg in zip(arriving, node.args, strict=True)]
        shift = node.output - rule.jvp(here, node.output, node.args, node.options)
        return np.asarray(rule.jvp(arriving, node.output, node.args, node.options) + shift)
    if rule is linear and learned[1] and arriving[0] is not None:  # each sum reads all entries of its row
        entered = arriving[0].any(axis=-1, keepdims=True) | learned[2] | (np.asarray(node.args[2]) != 0)
        return np.asarray(entered * _random(*shape))
    return np.asarray(rule.forward(*_generic(node, arriving, learned, "linear"), **node.options))


def _back(node: Node, k: int, cotangent: Array, moving: Collection[int]) -> Array:
    """Carry a cotangent to argument ``k`` of a node, whatever numbers its factors have learned."""
    assert node.args is not None
    learned = _learned(node, moving)
    if node.primitive is linear and learned[1]:
        return cotangent.any(axis=-1, keepdims=True) * _random(*node.args[0].shape)
    args = _generic(node, [None] * len(learned), learned)
    given = np.asarray(cotangent, dtype=node.output.dtype)
    return np.asarray(node.primitive.vjp(k, given, node.output, args, node.options))


def _learned(node: Node, moving: Collection[int]) -> list[bool]:
    """Tell of each argument whether it has a gradient and does not depend on the input."""
    return [parent is not None and id(parent) not in moving for parent in node.parents]


def _generic(node: Node, arriving: Sequence[Any], learned: Sequence[bool], *also: str) -> list[Any]:
    """Return the arguments of a node, with random numbers in the place of factors that are learned."""
    assert node.args is not None
    kinds = ("multilinear", *also)
    return [
        number
        if number is not None
        else _product(arg)
        if theirs and node.primitive.class_of(k) in kinds
        else arg
        for k, (number, arg, theirs) in enumerate(zip(arriving, node.args, learned, strict=True))
    ]


def _random(*shape: int) -> Array:
    """Return normal numbers: others each time where they are few, drawn once where they are."""
    size, start = math.prod(shape), next(_place) * 31 % 997
    if size <= 2**16:
        return _TABLE[start : start + size].reshape(shape)
    return np.random.default_rng(start).normal(size=shape)


def _product(like: Array) -> Array:
    """Return a product of random vectors, one along each axis: cheap, and generic enough."""
    product: Array = np.ones((), like.dtype)
    for n in like.shape:
        product = np.multiply.outer(product, np.asarray(_random(n), dtype=like.dtype))
    return product


def _add(arriving: dict[int, Array], vertex: Vertex, cotangent: Array) -> None:
    before = arriving.get(id(vertex))
    arriving[id(vertex)] = cotangent if before is None else before + cotangent
