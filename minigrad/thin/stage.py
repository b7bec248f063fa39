"""A layer as the thin network sees it: a vector of units, and what then happens to each of them alone.

What happens picks rows of the vector (winners of Maxout and pooling), multiplies them (slopes, dropout masks)
and shifts them (the flat pieces of clip)::

    output[i] = scale[i] · preactivation[rows[i]] + offset[i]

An image is a vector, too: its entries in the order of their memory.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..graph import Node, Vertex
from ..rules import Elementwise
from ..rules.gates import dropout, group_maxout, prelu
from ..rules.shaping import broadcast_to, expand_dims, gather, reshape, squeeze, transpose
from ..tensor import Array, Tensor
from .affine import Gate
from .rounding import partial

SHAPING = (broadcast_to, expand_dims, gather, reshape, squeeze, transpose)
"""Primitives that may leave every entry where it is in memory."""


@dataclass(eq=False)
class LearnedSlope:
    """The α of a PReLU, and the derivatives by it of every unit's scale and offset."""

    slope: Tensor
    scale: Array
    offset: Array


class Stage:
    """
    A vector of units and what they go through one by one.

    Attributes
    ----------
    begin, last : vertex
        What made the vector (a Linear, a gate that compares entries, anything that mixes them; for the
        input, the leaf), and what its units are in the end.
    source : Node or None
        ``begin``, None for the input.
    preactivation, output : ndarray
        Before and after.
    nodes, gates : list
        What the units go through, and which of it are gates.
    rows, scale, offset : ndarray, one entry per unit
        See the module's text.
    active, dropped : ndarray of bool, one entry per unit
        Every gate open; removed by a dropout mask.
    margin : ndarray, one entry per unit
        How far the input may move until a gate of the unit changes.
    groups : ndarray of int or None
        For Maxout, how many rows each unit was picked from.
    """

    def __init__(self, vector: Array, begin: Vertex) -> None:
        self.begin = self.last = begin
        self.source: Node | None = begin if isinstance(begin, Node) else None
        self.preactivation = self.output = vector.ravel()
        self.nodes: list[Node] = []
        self.gates: list[Gate] = []
        n, dtype = vector.size, vector.dtype
        self.rows, self.scale, self.offset = np.arange(n), np.ones(n, dtype), np.zeros(n, dtype)
        self.active, self.dropped = np.ones(n, dtype=bool), np.zeros(n, dtype=bool)
        self.margin = np.full(n, np.inf)
        self.groups: Array | None = None
        self.learned: list[LearnedSlope] = []

    @property
    def passing(self) -> Array:
        """Units that pass on what enters them, or learn whether to."""
        passing = self.scale != 0
        for learned in self.learned:
            passing |= learned.scale != 0
        return passing

    @property
    def shifted(self) -> Array:
        """Units that give something where nothing enters them, or learn whether to."""
        shifted = self.offset != 0
        for learned in self.learned:
            shifted |= learned.offset != 0
        return shifted

    @property
    def bare(self) -> bool:
        """Whether nothing happens to the units after the stage began."""
        return not self.nodes

    @property
    def winners(self) -> Array | None:
        """For Maxout, which row of its group each unit was picked from."""
        return None if self.groups is None else self.rows - np.cumsum(self.groups) + self.groups

    @property
    def origin(self) -> tuple[str, str]:
        """Path and type of the layer's first gate, or of what came first."""
        first = self.gates[0].node if self.gates else self.source or next(iter(self.nodes), None)
        if first is None:
            return "input", "Input"
        path, kind, _ = first.origin or ("", "", "")
        return path, kind or first.primitive.name

    def follow(self, node: Node, gate: Gate | None) -> bool:
        """Take one more node in; False, and nothing changed, where it does not act on each unit alone."""
        k, *others = (k for k, parent in enumerate(node.parents) if parent is not None)
        slope = node.parents[1] if others == [1] and node.primitive is prelu else None
        learned = slope if isinstance(slope, Tensor) and slope.size == 1 else None
        if node.parents[k] is not self.last or (others and learned is None):
            return False
        if gate is None and _keeps_places(node):
            self.last = node
            return True
        if node.primitive is group_maxout and gate is not None:
            self._choose(node, gate)
        elif isinstance(node.primitive, Elementwise) and node.output.size == self.output.size:
            if not self._transform(node, k, gate, learned):
                return False
        else:
            return False
        self.last, self.output = node, node.output.ravel()
        self.nodes.append(node)
        if gate is not None:
            self.meet(gate)
        return True

    def meet(self, gate: Gate) -> None:
        """Note how far a gate of the units stays as it is."""
        self.margin = np.minimum(self.margin, gate.distances.min(axis=-1, initial=np.inf).ravel())
        self.gates.append(gate)

    def _choose(self, node: Node, gate: Gate) -> None:
        """Go on with the winner of every group."""
        sizes = np.tile(np.asarray(node.options["groups"], dtype=int), math.prod(node.output.shape[:-1]))
        starts = np.cumsum(sizes) - sizes
        units = starts + gate.pattern.ravel()
        self.groups = sizes if self.groups is None else _reduced(np.add, self.groups, starts)
        self.margin = _reduced(np.minimum, self.margin, starts)
        self.rows, self.active, self.dropped = self.rows[units], self.active[units], self.dropped[units]
        self.scale, self.offset = self.scale[units], self.offset[units]
        for entry in self.learned:
            entry.scale, entry.offset = entry.scale[units], entry.offset[units]

    def _transform(self, node: Node, k: int, gate: Gate | None, learned: Tensor | None) -> bool:
        """
        Go on with a multiple of every unit, shifted; False, and nothing changed, for a shift out of place.

        A shift behind a gate would take the units that it closed away from 0; what happens to the input
        before a gate (its mean taken off, say) goes into the first Linear.
        """
        slope = partial(node, k).ravel()
        shift = _shift(node.output.ravel(), slope * self.output)
        if gate is None and node.primitive is not dropout:
            closing = bool(self.gates) or self.dropped.any()
            if (closing and shift.any()) or (self.source is None and self.bare):
                return False
        for entry in self.learned:
            entry.scale, entry.offset = entry.scale * slope, entry.offset * slope
        if learned is not None:
            closed = self.output <= 0
            self.learned.append(LearnedSlope(learned, self.scale * closed, self.offset * closed))
        if gate is not None:
            self.active = self.active & (gate.pattern.ravel() if gate.pattern.dtype == bool else slope != 0)
        if node.primitive is dropout:
            self.dropped = self.dropped | (slope == 0)
        self.scale = self.scale * slope
        self.offset = self.offset * slope + shift
        return True


def _keeps_places(node: Node) -> bool:
    """Whether the node gives its argument in another shape, every entry where it was in memory."""
    if node.primitive not in SHAPING or node.args is None:
        return False
    size = node.output.size
    if node.args[0].size != size:
        return False
    if node.primitive not in (gather, transpose):
        return True
    places = np.arange(size).reshape(node.args[0].shape)
    return bool((node.primitive.forward(places, **node.options).ravel() == places.ravel()).all())


def _reduced(ufunc: np.ufunc, values: Array, starts: Array) -> Array:
    """Reduce every group to one number."""
    return np.asarray(ufunc.reduceat(values, starts)) if len(starts) else values[starts]


def _shift(output: Array, multiple: Array) -> Array:
    """What a piece adds to slope · input: 0 for ReLU and its kin, exactly; the bound for a flat clip."""
    shift = output - multiple
    return np.where(np.abs(shift) <= 4 * np.finfo(output.dtype).eps * np.abs(output), 0, shift)
