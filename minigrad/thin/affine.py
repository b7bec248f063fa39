"""The affine map that a piecewise-linear network is around one input, read off its recorded graph.

Every node that depends on the input carries its slope, the derivative by the input in one more, last axis,
and its constant, which is what it would be at input 0 if every gate kept its piece. Both are exact throughout
the region, and so the gates' boundaries are affine too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..graph import Node, enable_grad, newest_first, recording_origin
from ..nn import Module
from ..rules import Elementwise
from ..tensor import Array, Tensor
from ..trace import Origins


class NotPiecewiseLinearError(ValueError):
    """The network has no thin linear network: it is smooth somewhere, or multiplies the input by itself."""


@dataclass(frozen=True, eq=False)
class Gate:
    """
    One gate primitive at work: its piece for this input, and how far the piece reaches.

    Attributes
    ----------
    node : Node
        Where it was recorded.
    pattern : ndarray
        Which piece every unit follows.
    margins : ndarray, shape (*units, boundaries)
        δ: zero where the unit changes its piece.
    slopes : ndarray, shape (*units, boundaries, n_in)
        ∇δ: the derivative of the margins by the input.
    """

    node: Node
    pattern: Array
    margins: Array
    slopes: Array

    def distances(self) -> Array:
        """Return |δ| / ‖∇δ‖ for every boundary; infinity where it can't be reached."""
        steepness = np.linalg.norm(self.slopes, axis=-1)
        reachable = steepness > 0
        return np.where(reachable, np.abs(self.margins) / np.where(reachable, steepness, 1), np.inf)


@dataclass(frozen=True, eq=False)
class AffineMap:
    """A network around one input: output, slope, constant, the nodes on the way, the gates among them."""

    leaf: Tensor
    output: Array
    weight: Array
    bias: Array
    nodes: tuple[Node, ...]
    gates: tuple[Gate, ...]


def affine_map(net: Module, x: Array) -> AffineMap:
    """
    Run ``net`` on ``x`` once and return the affine map that it follows there.

    Raises
    ------
    NotPiecewiseLinearError
        Naming the first layer that is not made of linear primitives and gates.
    """
    leaf = Tensor(x, requires_grad=True)
    with enable_grad(), recording_origin(Origins(net)):
        output = net(leaf)
    slopes: dict[int, Array] = {id(leaf): np.eye(x.size, dtype=x.dtype).reshape(*x.shape, x.size)}
    constants: dict[int, Array] = {id(leaf): np.zeros_like(x)}
    nodes, gates = [], []
    root = output._node or output
    for vertex in reversed(newest_first(root)):
        arriving = [None if parent is None else slopes.get(id(parent)) for parent in vertex.parents]
        if vertex.primitive is None or all(slope is None for slope in arriving):
            continue
        _check_piecewise_linear(vertex, arriving)
        slopes[id(vertex)] = _slope(vertex, arriving, x.size)
        constants[id(vertex)] = _constant(vertex, [constants.get(id(parent)) for parent in vertex.parents])
        nodes.append(vertex)
        if "gate" in vertex.primitive.classes:
            gates.append(_gate(vertex, arriving, x.size))
    weight = slopes.get(id(root), np.zeros((*output.shape, x.size), dtype=output.dtype))
    bias = constants.get(id(root), output.data)
    return AffineMap(leaf, output.data, weight, bias, tuple(nodes), tuple(gates))


def patterns_at(around: AffineMap, x: Array) -> list[Array]:
    """Return the pattern of every gate at another input, with the same dropout masks."""
    arrays: dict[int, Any] = {id(around.leaf): x}
    patterns = []
    for node in around.nodes:
        args = [
            arrays.get(id(parent), arg) for parent, arg in zip(node.parents, node.args or (), strict=True)
        ]
        arrays[id(node)] = node.primitive.forward(*args, **node.options)
        if node.primitive.pattern is not None:
            patterns.append(np.asarray(node.primitive.pattern(*args, **node.options)))
    return patterns


def _check_piecewise_linear(node: Node, arriving: Sequence[Array | None]) -> None:
    """Judge by how the primitive depends on the arguments that depend on the input."""
    classes = [node.primitive.class_of(k) for k, slope in enumerate(arriving) if slope is not None]
    product = "multilinear" in classes and sum(kind in ("multilinear", "gate") for kind in classes) > 1
    if "smooth" not in classes and not product:
        return
    path, kind, source = node.origin or ("", "", "")
    where = f"layer {path} ({kind})" if path else kind or source or "the network"
    why = "multiplies the input by itself" if product else f"is smooth: {node.primitive.formula}"
    raise NotPiecewiseLinearError(
        f"thin needs a network of linear layers and gates (ReLU, LeakyReLU, PReLU, Maxout, …), but {where} "
        f"{why} ({node.primitive.name}); it has no linear regions"
    )


def _slope(node: Node, arriving: Sequence[Array | None], n: int) -> Array:
    """Carry the slopes of the arguments through one node."""
    assert node.args is not None
    shape = np.shape(node.output)
    if isinstance(node.primitive, Elementwise):
        total = np.zeros((*shape, n), dtype=node.output.dtype)
        for k, slope in enumerate(arriving):
            if slope is not None:
                partial = np.asarray(node.primitive.partial(k, node.output, node.args))
                missing = (1,) * (len(shape) + 1 - slope.ndim)
                total += partial[..., None] * slope.reshape(*missing, *slope.shape)
        return total
    if node.primitive.name == "linear" and arriving[1] is arriving[2] is None:
        return np.asarray(node.args[1]) @ arriving[0]

    args = node.args

    def tangent(j: int) -> Array:
        moved = [None if slope is None else slope[..., j] for slope in arriving]
        return np.asarray(node.primitive.jvp(moved, node.output, args, node.options))

    return _columns(tangent, n, shape)


def _constant(node: Node, arriving: Sequence[Array | None]) -> Array:
    """Carry the constants of the arguments through one node; a gate's piece is its slope and its shift."""
    assert node.args is not None
    moved = [arg if constant is None else constant for constant, arg in zip(arriving, node.args, strict=True)]
    if "gate" not in node.primitive.classes:
        return np.asarray(node.primitive.forward(*moved, **node.options))
    here = [None if constant is None else arg for constant, arg in zip(arriving, node.args, strict=True)]
    jvp, rest = node.primitive.jvp, (node.output, node.args, node.options)
    return np.asarray(jvp(arriving, *rest) + (node.output - jvp(here, *rest)))


def _gate(node: Node, arriving: Sequence[Array | None], n: int) -> Gate:
    assert node.args is not None and node.primitive.pattern and node.primitive.margins
    rule, options = node.primitive.margins, node.options
    pattern = node.primitive.pattern(*node.args, **options)
    margins = np.asarray(rule(pattern, *node.args, **options))

    def tangent(j: int) -> Array:
        constant = np.zeros((), dtype=node.output.dtype)
        moved = [constant if slope is None else slope[..., j] for slope in arriving]
        return np.asarray(rule(pattern, *moved, **options))

    return Gate(node, np.asarray(pattern), margins, _columns(tangent, n, margins.shape))


def _columns(column: Callable[[int], Array], n: int, shape: tuple[int, ...]) -> Array:
    """Put n columns side by side on a last axis."""
    if n == 0:
        return np.zeros((*shape, 0))
    return np.stack([np.broadcast_to(column(j), shape) for j in range(n)], axis=-1)
