"""From a recorded network to the smaller one: its layers, what remains of them, and where that came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..graph import Node
from ..rules import Elementwise
from ..rules.products import linear
from ..tensor import Array, Tensor
from .affine import AffineMap, Gate
from .stage import Stage


@dataclass(frozen=True, eq=False)
class ThinLinear:
    """
    One Linear of the thin network, and the parameters of the full network that it was made from.

    Attributes
    ----------
    weight, bias : ndarray, shapes (kept, kept before), (kept,); bias may be None
    weight_name, bias_name : str
        The full network's parameters; empty for what is none.
    rows, columns, scale : ndarray
        ``weight = scale · full[rows][:, columns]``.
    slopes : tuple of (str, ndarray, ndarray)
        Each learned slope that the weight depends on, and the derivatives of weight and bias by it.
    """

    weight: Array
    bias: Array | None
    weight_name: str
    bias_name: str
    rows: Array
    columns: Array
    scale: Array
    slopes: tuple[tuple[str, Array, Array], ...]

    def put_back(self, weight: Array, bias: Array, full: dict[str, Array]) -> None:
        """Add gradients of this Linear to those of the parameters that it was made from."""
        if self.weight_name in full:
            full[self.weight_name][np.ix_(self.rows, self.columns)] += self.scale[:, None] * weight
        if self.bias_name in full:
            full[self.bias_name][self.rows] += self.scale * bias
        for name, by_weight, by_bias in self.slopes:
            if name in full:
                full[name] += np.sum(by_weight * weight) + by_bias @ bias


def stages(around: AffineMap) -> list[Stage]:
    """Return the network as stages, the input's first; a new one begins wherever entries are mixed."""
    gates = {id(gate.node): gate for gate in around.gates}
    found = [Stage(around.leaf.data, around.leaf)]
    for node in around.nodes:
        gate = gates.get(id(node))
        if not found[-1].follow(node, gate):
            found.append(_begin(node, gate))
    return found


def is_chain(found: Sequence[Stage]) -> bool:
    """Whether every stage is a Linear of what the one before gives."""
    return all(_is_layer(stage.source, before) for before, stage in pairwise(found))


def prune(chain: Sequence[Stage]) -> list[Array]:
    """Return which units of each stage remain, of outputs and of a bare input all."""
    kept: list[Array] = []
    reached = True
    for stage in reversed(chain):
        fixed = stage is chain[-1] or not (stage.source or stage.nodes)
        idle = ~np.full(len(stage.rows), reached) | stage.idle
        kept.insert(0, np.flatnonzero(fixed | ~idle))
        reached = reached and stage.transparent
    return kept


def thin_linears(
    chain: Sequence[Stage], kept: Sequence[Array], names: Mapping[int, str]
) -> tuple[ThinLinear, ...]:
    """Return the layers of the thin network; ``names`` knows the full network's parameters by their id."""
    first = chain[0]
    begin = 0 if first.nodes or len(chain) == 1 else 1  # gates or masks on the input itself are a layer
    columns = [np.arange(len(first.preactivation)), *kept]
    return tuple(_thin_linear(chain[k], kept[k], columns[k], names) for k in range(begin, len(chain)))


def _begin(node: Node, gate: Gate | None) -> Stage:
    """Return a new stage: before the node if that acts on each entry of a vector alone, else after it."""
    moving = [k for k, parent in enumerate(node.parents) if parent is not None]
    if gate is not None and isinstance(node.primitive, Elementwise) and len(moving) == 1 and node.args:
        stage = Stage(np.asarray(node.args[moving[0]]), node.parents[moving[0]])
        if stage.follow(node, gate):
            return stage
    stage = Stage(np.asarray(node.output), node, node)
    if gate is not None:
        stage.meet(gate)
    return stage


def _is_layer(node: Node | None, before: Stage) -> bool:
    if node is None or node.primitive is not linear or node.parents[0] is not before.last:
        return False
    learned = [parent for parent in node.parents[1:] if parent is not None]
    return node.output.ndim == 1 and all(isinstance(parent, Tensor) for parent in learned)


def _thin_linear(stage: Stage, kept: Array, columns: Array, names: Mapping[int, str]) -> ThinLinear:
    weight, bias, leaves = _layer_of(stage)
    rows, scale, offset = stage.rows[kept], stage.scale[kept], stage.offset[kept]
    part, shift = weight[np.ix_(rows, columns)], bias[rows]
    slopes = tuple(
        (
            names.get(id(learned.slope), ""),
            learned.scale[kept][:, None] * part,
            learned.scale[kept] * shift + learned.offset[kept],
        )
        for learned in stage.learned
    )
    constant = scale * shift + offset
    biased = leaves[1] is not None or constant.any() or any(by_bias.any() for *_, by_bias in slopes)
    weight_name, bias_name = (names.get(id(leaf), "") for leaf in leaves)
    return ThinLinear(
        scale[:, None] * part, constant if biased else None,
        weight_name, bias_name, rows, columns, scale, slopes,
    )  # fmt: skip


def _layer_of(stage: Stage) -> tuple[Array, Array, tuple[Tensor | None, Tensor | None]]:
    """Return weight, bias and parameters of the stage's Linear; of the input, the identity."""
    n, dtype = len(stage.preactivation), stage.preactivation.dtype
    if stage.source is None or stage.source.args is None:
        return np.eye(n, dtype=dtype), np.zeros(n, dtype=dtype), (None, None)
    weight, bias = (np.asarray(arg) for arg in stage.source.args[1:])
    _, weight_leaf, bias_leaf = stage.source.parents
    return weight, np.broadcast_to(bias, (n,)).astype(dtype), (weight_leaf, bias_leaf)
