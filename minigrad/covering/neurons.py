"""What the neurons of one layer of gates do over a data set: which piece each follows for which input."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..graph import Node
from ..rules import Elementwise
from ..rules.gates import group_maxout
from ..tensor import Array


@dataclass(frozen=True, eq=False)
class Neurons:
    """
    One layer of gates over a data set.

    Attributes
    ----------
    name, kind : str
        Path and type of the layer.
    counts : ndarray of int, shape (*units, pieces)
        For how many inputs each unit follows each of its pieces: off and on for ReLU and its kin, below,
        at and above for abs and clip, the pieces in order for Maxout and pooling.
    closed : ndarray of int, shape (*units)
        For how many inputs the slope of the unit is 0.
    pieces : ndarray of int, shape (samples, *units)
        Which piece each unit follows for each of the inputs that the barcode shows.
    sizes : ndarray of int, shape (*units), or None
        Of Maxout and its kin, how many pieces compete in each unit; None for other gates.
    """

    name: str
    kind: str
    counts: Array
    closed: Array
    pieces: Array
    sizes: Array | None = None

    @property
    def units(self) -> int:
        """How many there are."""
        return self.closed.size

    @cached_property
    def dead(self) -> Array:
        """Units that are off for every input: nothing before them learns through them."""
        return self.closed == self.counts.sum(axis=-1)

    @cached_property
    def linear(self) -> Array:
        """Units that follow one piece for every input, always on for ReLU: they might as well be linear."""
        return ~self.dead & (np.count_nonzero(self.counts, axis=-1) == 1)

    @cached_property
    def mixed(self) -> Array:
        """Units that follow several pieces: the network bends there."""
        return ~self.dead & ~self.linear

    @property
    def shares(self) -> Array:
        """The share of the inputs for which each unit follows each piece, shape (*units, pieces)."""
        return self.counts / self.counts.sum(axis=-1, keepdims=True)

    @property
    def unused(self) -> int | None:
        """Of Maxout and its kin, how many pieces never win; None for other gates."""
        return None if self.sizes is None else int(self.sizes.sum() - np.count_nonzero(self.counts))

    def __add__(self, other: Neurons) -> Neurons:
        """Return what the layer does over both data sets."""
        return replace(
            self,
            counts=self.counts + other.counts,
            closed=self.closed + other.closed,
            pieces=np.concatenate([self.pieces, other.pieces]),
        )


def neurons_of(node: Node, shown: Array) -> Neurons | None:
    """Return the neurons of one gate for a batch; None where a gate has no unit of its own, as a sort."""
    primitive, args = node.primitive, node.args
    assert args is not None and primitive.pattern is not None
    pattern, shape = np.asarray(primitive.pattern(*args, **node.options)), np.shape(node.output)
    sizes: Array | None = None
    if pattern.dtype == bool:
        most = 2
    elif primitive.envelope:  # who wins, or how much each piece weighs: then the first of the largest
        most = pattern.shape[-1] if pattern.shape != shape else len(args)
        sizes = np.full(shape[1:], most)
        if primitive is group_maxout:
            sizes = np.broadcast_to(node.options["groups"], shape[1:])
            most = int(sizes.max(initial=1))
        pattern = pattern.argmax(axis=-1) if pattern.shape != shape else pattern
    elif isinstance(primitive, Elementwise):  # below, at, above
        most, pattern = 3, pattern.astype(np.int8) + 1
    else:
        return None
    counts = np.stack([np.count_nonzero(pattern == piece, axis=0) for piece in range(most)], axis=-1)
    path, kind, _ = node.origin or ("", "", "")
    return Neurons(
        path, kind or primitive.name, counts, np.count_nonzero(_closed(node), axis=0),
        pattern[shown].astype(np.uint8 if most <= 256 else np.int32), sizes,
    )  # fmt: skip


def _closed(node: Node) -> Array:
    """Return where the slopes by all arguments that may change are 0."""
    primitive, shape = node.primitive, np.shape(node.output)
    if not isinstance(primitive, Elementwise):  # the winner's is 1
        return np.zeros(shape, dtype=bool)
    assert node.args is not None
    classes = [primitive.class_of(k) for k in range(len(node.args))]
    gates = [k for k, parent in enumerate(node.parents) if parent is not None and classes[k] == "gate"]
    slopes = [np.broadcast_to(primitive.partial(k, node.output, node.args), shape) == 0 for k in gates]
    return np.logical_and.reduce(slopes)
