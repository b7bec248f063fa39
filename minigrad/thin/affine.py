"""The affine map that a piecewise-linear network is around one input, read off its recorded graph.

Every node that depends on the input carries its slopes, the derivatives by the input in one more, first axis,
and its constant, which is what it would be at input 0 if every gate kept its piece. Both hold throughout the
region, and so the gates' boundaries are affine too.

Nothing here knows how many inputs there are: of a batch, every row has slopes of its own. And the derivatives
may be by some directions only, such as the two of a plane: see :mod:`minigrad.thin.followed`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import add

import numpy as np

from ..graph import Node, Vertex, newest_first
from ..nn import Module
from ..origins import Origins
from ..recording import current, enable_grad, recording_origin
from ..rules import Elementwise, General
from ..rules.gates import group_maxout
from ..rules.products import linear
from ..tensor import Array, Tensor
from .rounding import aligned, noise, partial, squares, squares_of_input


class NotPiecewiseLinearError(ValueError):
    """
    The network has no thin linear network: it is smooth somewhere, or multiplies the input by itself.

    Attributes
    ----------
    path : str
        The layer's, such as "1.0"; empty where it is not known.
    part : Module or None
        For a Sequential, the layers before that one, with the same parameters.
    """

    part: Module | None = None

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(message)
        self.path = path


@dataclass(frozen=True, eq=False)
class Gate:
    """
    One gate primitive at work: its piece for this input, and how far the piece reaches.

    Attributes
    ----------
    node : Node
        Where it was recorded.
    pattern : ndarray, shape (*units) or (*units, pieces)
        Which piece every unit follows.
    margins : ndarray, shape (*units, boundaries)
        δ: zero where the unit changes its piece.
    slopes : ndarray, shape (n_in, *units, boundaries)
        ∇δ: the derivatives of the margins by the input; 0 where only rounding keeps them from it.
    noise : ndarray, shape (2, *units) or (2, 1, ..., 1)
        What margins and slopes may be off by.
    """

    node: Node
    pattern: Array
    margins: Array
    slopes: Array
    noise: Array

    @cached_property
    def distances(self) -> Array:
        """|δ| / ‖∇δ‖ for every boundary; infinity where it can't be reached."""
        return self._over_steepness(np.abs(self.margins), np.inf)

    @cached_property
    def doubts(self) -> Array:
        """How far rounding may have moved every boundary."""
        away = np.where(np.isfinite(self.distances), self.distances, 0)
        return self._over_steepness(self.noise[0][..., None] + self.noise[1][..., None] * away, 0.0)

    def _over_steepness(self, rise: Array, unreachable: float) -> Array:
        steepness = np.linalg.norm(self.slopes, axis=0)
        reachable = (steepness > 0) & np.isfinite(self.margins)
        return np.where(reachable, rise / np.where(reachable, steepness, 1), unreachable)


@dataclass(frozen=True, eq=False)
class AffineMap:
    """A network around one input: output, slope, constant, the nodes on the way, the gates among them."""

    leaf: Tensor
    output: Array
    weight: Array
    bias: Array
    nodes: tuple[Node, ...]
    gates: tuple[Gate, ...]
    root: Vertex = None


def affine_map(net: Module, x: Array) -> AffineMap:
    """
    Run ``net`` on ``x`` once and return the affine map that it follows there.

    A vector is given to the network as it is, anything else as a batch of one.

    Raises
    ------
    NotPiecewiseLinearError
        Naming the first layer that is not made of linear primitives and gates.
    TypeError
        If the network returns no Tensor.
    """
    leaf, output = run(net, x if x.ndim == 1 else x[None])
    slopes: dict[int, Array] = {id(leaf): np.eye(x.size, dtype=x.dtype).reshape(x.size, *leaf.shape)}
    constants: dict[int, Array] = {id(leaf): np.zeros_like(leaf.data)}
    root, nodes, gates = output._node or output, [], []
    for node, gate in carry(root, slopes, {id(leaf): squares_of_input(leaf.data)}):
        constants[id(node)] = constant_through(node, [constants.get(id(parent)) for parent in node.parents])
        nodes.append(node)
        if gate is not None:
            gates.append(gate)
    weight = slopes.get(id(root), np.zeros((x.size, *output.shape), dtype=output.dtype))
    bias = constants.get(id(root), output.data)
    return AffineMap(leaf, output.data.copy(), weight.T.copy(), bias.copy(), tuple(nodes), tuple(gates), root)


def run(net: Module, x: Array) -> tuple[Tensor, Tensor]:
    """Run ``net`` and return the leaf, which holds the input, and the recorded output."""
    leaf = Tensor(x, requires_grad=True)
    with enable_grad(), recording_origin(Origins(net), current().inspect):
        output = net(leaf)
    if not isinstance(output, Tensor):
        raise TypeError(f"a network returns a Tensor, but this one returned a {type(output).__name__}")
    return leaf, output


def dependent(root: Vertex, leaf: Tensor) -> Iterator[Node]:
    """Iterate over the nodes between the leaf and the root, whatever is computed from others after them."""
    reached = {id(leaf)}
    for node in reversed(newest_first(root)):
        if node.primitive is not None and not reached.isdisjoint(map(id, node.parents)):
            reached.add(id(node))
            yield node


def carry(
    root: Vertex, slopes: dict[int, Array], sizes: dict[int, Array], rows: int = 1
) -> Iterator[tuple[Node, Gate | None]]:
    """
    Carry the slopes of the leaf to the root; iterate over the nodes on the way, and their gates.

    Parameters
    ----------
    root : vertex
        Where to.
    slopes, sizes : dict by id of a vertex
        They have the leaf's, and get every node's: derivatives, and squared sizes as in `rounding`.
    rows : int
        How many inputs there are: 1, or the length of a batch's first axis.
    """
    for node in reversed(newest_first(root)):
        arriving = [None if parent is None else slopes.get(id(parent)) for parent in node.parents]
        if node.primitive is None or all(slope is None for slope in arriving):
            continue
        check_piecewise_linear(node, [slope is not None for slope in arriving])
        slopes[id(node)] = slopes_through(node, arriving)
        terms = [sizes.get(id(parent)) for parent in node.parents]
        sizes[id(node)] = squares(node, terms)
        is_gate = "gate" in node.primitive.classes
        yield node, _gate(node, arriving, noise(node, terms, rows)) if is_gate else None


def check_piecewise_linear(node: Node, moving: Sequence[bool]) -> None:
    """Judge by how the primitive depends on its `moving` arguments: those that depend on the input."""
    classes = [node.primitive.class_of(k) for k, moves in enumerate(moving) if moves]
    product = "multilinear" in classes and sum(kind in ("multilinear", "gate") for kind in classes) > 1
    if "smooth" not in classes and not product:
        return
    path, kind, source = node.origin or ("", "", "")
    where = f"layer {path} ({kind})" if path else " at ".join(filter(None, (kind, source))) or "the network"
    why = "multiplies the input by itself" if product else f"is smooth: {node.primitive.formula}"
    raise NotPiecewiseLinearError(
        f"thin needs a network of linear layers and gates (ReLU, LeakyReLU, PReLU, Maxout, …), but {where} "
        f"{why} ({node.primitive.name}); it has no linear regions",
        path,
    )


def slopes_through(node: Node, arriving: Sequence[Array | None]) -> Array:
    """Carry the slopes of the arguments through one node."""
    assert node.args is not None
    primitive, args, options = node.primitive, node.args, node.options
    if isinstance(primitive, Elementwise):
        terms = (partial(node, k) * aligned(s, node) for k, s in enumerate(arriving) if s is not None)
        return np.asarray(reduce(add, terms))
    first, *others = arriving
    alone = all(slope is None for slope in others)
    if isinstance(primitive, General) and primitive in (linear, group_maxout) and alone:
        return np.asarray(primitive.jvps[0](first, node.output, *args, **options))
    n = _inputs(arriving)
    columns = [[None if slope is None else slope[j] for slope in arriving] for j in range(n)]
    rows = [primitive.jvp(column, node.output, args, options) for column in columns]
    return np.reshape(rows, (n, *np.shape(node.output)))


def constant_through(node: Node, arriving: Sequence[Array | None]) -> Array:
    """Carry the constants of the arguments through one node; a gate's piece is its slope and its shift."""
    assert node.args is not None
    moved = [arg if constant is None else constant for constant, arg in zip(arriving, node.args, strict=True)]
    if "gate" not in node.primitive.classes:
        return np.asarray(node.primitive.forward(*moved, **node.options))
    here = [None if constant is None else arg for constant, arg in zip(arriving, node.args, strict=True)]
    jvp, rest = node.primitive.jvp, (node.output, node.args, node.options)
    return np.asarray(jvp(arriving, *rest) + (node.output - jvp(here, *rest)))


def _gate(node: Node, arriving: Sequence[Array | None], off: Array) -> Gate:
    """Return the gate with its boundaries."""
    assert node.args is not None and node.primitive.pattern and node.primitive.margins
    rule, options = node.primitive.margins, node.options
    pattern = np.asarray(node.primitive.pattern(*node.args, **options))
    margins = np.asarray(rule(pattern, *node.args, **options))
    n = _inputs(arriving)
    still = np.zeros((), dtype=node.output.dtype)
    if isinstance(node.primitive, Elementwise) or node.primitive is group_maxout:
        moved = [still if slope is None else aligned(slope, node) for slope in arriving]
        slopes = np.broadcast_to(rule(pattern, *moved, **options), (n, *margins.shape))
    else:
        columns = [[still if slope is None else slope[j] for slope in arriving] for j in range(n)]
        slopes = np.reshape([rule(pattern, *column, **options) for column in columns], (n, *margins.shape))
    return Gate(node, pattern, margins, np.where(np.abs(slopes) <= off[1][..., None], 0, slopes), off)


def _inputs(arriving: Sequence[Array | None]) -> int:
    """Return how many inputs there are slopes by."""
    return next(len(slopes) for slopes in arriving if slopes is not None)
