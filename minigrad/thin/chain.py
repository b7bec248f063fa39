"""A Sequential around one input as a chain of stages: what its thin network is built from.

A stage is a Linear with all that follows it up to the next one. What follows picks rows of the Linear
(Maxout's winners), multiplies them (slopes, dropout masks) and shifts them (the flat pieces of clip)::

    output[i] = scale[i] · (weight[rows[i]] @ h + bias[rows[i]]) + offset[i]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from ..graph import Node
from ..rules import Elementwise
from ..rules.gates import dropout, group_maxout, prelu
from ..rules.products import linear
from ..tensor import Array, Tensor
from .affine import AffineMap


@dataclass(eq=False)
class LearnedSlope:
    """The α of a PReLU in a stage, and the derivatives by it of every unit's scale and offset."""

    slope: Tensor
    scale: Array
    offset: Array


@dataclass(eq=False)
class Stage:
    """
    One Linear (or, first, the bare input) and what its outputs went through.

    Attributes
    ----------
    weight, bias : ndarray
        Of the Linear; of the input, the identity.
    parameters : tuple of Tensor or None
        The leaves that weight and bias were read from.
    rows, scale, offset : ndarray, one entry per unit
        See the module's text.
    dropped : ndarray of bool
        Units that a dropout mask removed.
    nodes : list of Node
        What the outputs went through: gates, masks.
    kept : ndarray
        Indices of the units that remain; filled in by :func:`prune`.
    """

    weight: Array
    bias: Array | None
    parameters: tuple[Tensor | None, Tensor | None]
    rows: Array
    scale: Array
    offset: Array
    dropped: Array
    nodes: list[Node] = field(default_factory=list)
    learned_slopes: list[LearnedSlope] = field(default_factory=list)
    is_input: bool = False
    kept: Array = field(default_factory=lambda: np.zeros(0, dtype=int))

    @classmethod
    def of(cls, weight: Array, bias: Array | None, parameters: tuple[Tensor | None, Tensor | None]) -> Stage:
        """Return a stage whose outputs are the Linear's own."""
        n, dtype = len(weight), weight.dtype
        scale, offset = np.ones(n, dtype=dtype), np.zeros(n, dtype=dtype)
        return cls(weight, bias, parameters, np.arange(n), scale, offset, np.zeros(n, dtype=bool))

    @property
    def idle(self) -> Array:
        """Units that are 0 around this input; a learned slope of 0 has a derivative, so it is not idle."""
        flat = (self.scale == 0) & (self.offset == 0)
        for learned in self.learned_slopes:
            flat &= (learned.scale == 0) & (learned.offset == 0)
        return flat

    def matrix(self, columns: Array) -> Array:
        """Return the thin weight: kept units by kept inputs."""
        return self.scale[self.kept, None] * self.weight[self.rows[self.kept]][:, columns]

    def constant(self) -> Array | None:
        """Return the thin bias."""
        if self.bias is None and not self.offset[self.kept].any():
            return None
        bias = 0 if self.bias is None else self.bias[self.rows[self.kept]]
        return self.scale[self.kept] * bias + self.offset[self.kept]


def stages(around: AffineMap) -> list[Stage] | None:
    """Return the stages of a chain, the input's first; None where the graph is no chain of this kind."""
    x = around.leaf
    chain = [Stage.of(np.eye(x.size, dtype=x.dtype), None, (None, None))]
    chain[0].is_input = True
    last: Any = x
    earlier = {id(x)}
    for node in around.nodes:
        sources = [k for k, parent in enumerate(node.parents) if id(parent) in earlier]
        earlier.add(id(node))
        if len(sources) != 1 or node.parents[sources[0]] is not last:
            return None  # a branch, as in a residual connection
        if node.primitive is linear:
            chain.append(_linear_stage(node))
        elif not _follow(chain[-1], node, sources[0]):
            return None
        last = node
    return chain


def linears(chain: Sequence[Stage]) -> list[tuple[Stage, Array]]:
    """Return the stages that become a thin Linear, each with what remains of its inputs."""
    first = chain[0]
    pairs = [(stage, before.kept) for before, stage in pairwise(chain)]
    if first.nodes or not pairs:  # gates or masks on the input itself
        pairs.insert(0, (first, np.arange(len(first.weight))))
    return pairs


def prune(chain: Sequence[Stage]) -> None:
    """Decide, from the last stage to the first, which units remain; outputs and the bare input always do."""
    reached = True
    for stage in reversed(chain):
        fixed = stage is chain[-1] or (stage.is_input and not stage.nodes)
        live = np.flatnonzero(~stage.idle) if reached else np.zeros(0, dtype=int)
        stage.kept = np.arange(len(stage.rows)) if fixed else live
        reached = len(live) > 0


def _linear_stage(node: Node) -> Stage:
    assert node.args is not None
    weight, bias = (np.asarray(arg) for arg in node.args[1:])
    leaves = [p if isinstance(p, Tensor) else None for p in node.parents[1:]]
    absent = node.parents[2] is None and bias.ndim == 0
    return Stage.of(weight, None if absent else bias, (leaves[0], leaves[1]))


def _follow(stage: Stage, node: Node, k: int) -> bool:
    """Take one more node into the stage; False where it is no choice, factor or shift of each unit."""
    assert node.args is not None
    before = np.asarray(node.args[k])
    if node.primitive is group_maxout:
        _choose(stage, _winners(node))
    elif isinstance(node.primitive, Elementwise) and np.shape(node.output) == before.shape:
        partial = np.broadcast_to(node.primitive.partial(k, node.output, node.args), before.shape)
        learned = node.parents[1] if node.primitive is prelu else None
        if learned is not None and learned.size != 1:
            return False
        for entry in stage.learned_slopes:
            entry.scale, entry.offset = entry.scale * partial, entry.offset * partial
        if learned is not None:
            closed = before <= 0
            stage.learned_slopes.append(LearnedSlope(learned, stage.scale * closed, stage.offset * closed))
        if node.primitive is dropout:
            stage.dropped = stage.dropped | (partial == 0)
        stage.scale = stage.scale * partial
        stage.offset = stage.offset * partial + _shift(node.output, partial, before)
    else:
        return False
    stage.nodes.append(node)
    return True


def _winners(node: Node) -> Array:
    """Return the winning entry of every group of a Maxout."""
    assert node.args is not None and node.primitive.pattern is not None
    groups = np.asarray(node.options["groups"])
    return np.cumsum(groups) - groups + node.primitive.pattern(*node.args, **node.options)


def _choose(stage: Stage, units: Array) -> None:
    """Go on with some of the stage's units."""
    for owner in (stage, *stage.learned_slopes):
        for name in ("rows", "scale", "offset", "dropped"):
            if hasattr(owner, name):
                setattr(owner, name, getattr(owner, name)[units])


def _shift(output: Array, partial: Array, before: Array) -> Array:
    """What a piece adds to slope · input: 0 for ReLU and its kin, exactly; the bound for a flat clip."""
    shift = output - partial * before
    return np.where(np.abs(shift) <= 4 * np.finfo(output.dtype).eps * np.abs(output), 0, shift).astype(
        output.dtype
    )
