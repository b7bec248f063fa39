"""What the gates of a network choose for every row of a batch, as numbers to compare and to count."""

from __future__ import annotations

import numpy as np

from ..graph import Node
from ..nn import Module
from ..rules import Elementwise
from ..tensor import Array
from ..thin.affine import AffineMap, Gate, carry, run
from ..thin.chain import stages
from ..thin.followed import record
from ..thin.layer import layers_of
from ..thin.rounding import squares_of_input


def coded(node: Node, pattern: Array) -> Array:
    """
    Return a gate's pattern as booleans or small whole numbers, shape (rows, columns).

    There is a column for each unit: open or not, the number of the winner, the side of its boundary. A gate
    that may share its piece among several that tie has one for each unit and piece: whether it takes part.
    """
    flat = np.reshape(pattern, (len(pattern), -1))
    if flat.dtype == bool:
        return flat
    if flat.dtype.kind == "f" and node.primitive.envelope:
        return flat > 0
    return flat.astype(np.int8 if np.abs(flat).max(initial=0) < 128 else np.int32)


def decided(gate: Gate) -> Array:
    """
    Return the pattern of a gate that was followed along a line, without what rounding decided.

    Where a margin is 0 all along the line but for rounding, as behind copies of a neuron that cancel, the
    unit stands on its boundary, and follows the piece that it follows there.
    """
    flat = (np.abs(gate.margins) <= gate.noise[0][..., None]) & ~gate.slopes.any(axis=0)
    if not flat.any():
        return gate.pattern
    primitive, pattern = gate.node.primitive, gate.pattern
    if primitive.envelope:
        weighed = pattern.ndim == flat.ndim
        return flat / np.maximum(flat.sum(axis=-1, keepdims=True), 1) if weighed else flat.argmax(axis=-1)
    if not isinstance(primitive, Elementwise):
        return np.where(flat, 0, pattern)
    assert primitive.pattern and gate.node.args is not None
    first, *others = gate.node.args
    nearest = np.where(flat, gate.margins, np.inf).min(axis=-1)  # every margin is the argument less a bound
    snapped = np.where(np.isfinite(nearest), first - nearest, first)
    return np.asarray(primitive.pattern(snapped, *others, **gate.node.options))


def columns(net: Module, x: Array) -> Array:
    """
    Return (layer, neuron) of each column of the gates' coded patterns, as ``thin.next_flip`` numbers them.

    Parameters
    ----------
    net : Module
        The network.
    x : ndarray, shape (*input)
        Any one input.
    """
    recorded = record(net, x[None])
    parts = [np.zeros((0, 2), dtype=int)]
    for layer, node, pattern in zip(layer_numbers(net, x), recorded.gates, recorded.patterns, strict=True):
        units, width = node.output[0].size, pattern[0].size
        neuron = np.arange(width) // max(1, width // max(1, units))
        parts.append(np.stack([np.full(width, layer), neuron], axis=1))
    return np.concatenate(parts)


def layer_numbers(net: Module, x: Array) -> list[int]:
    """Return the place in ``thin.layers`` of the layer of every gate, −1 for the input itself."""
    leaf, output = run(net, x if x.ndim == 1 else x[None])
    slopes = {id(leaf): np.ones((1, *leaf.shape), dtype=x.dtype)}  # one direction: nobody looks at it
    root = output._node or output
    found = list(carry(root, slopes, {id(leaf): squares_of_input(leaf.data)}))
    nodes, gates = tuple(node for node, _ in found), tuple(gate for _, gate in found if gate is not None)
    nothing = np.zeros(0, dtype=x.dtype)
    return layers_around(AffineMap(leaf, output.data, nothing, nothing, nodes, gates, root))


def layers_around(around: AffineMap) -> list[int]:
    """Return the same of a network that was run."""
    parts = stages(around)
    _, place = layers_of(parts, [np.arange(len(part.rows)) for part in parts])
    return [place[id(gate)] for gate in around.gates]
