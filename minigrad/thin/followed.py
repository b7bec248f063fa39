"""Many inputs at once: what a piecewise-linear network does around each row of a batch, along directions.

All rows go through one recorded graph; their gates have one more axis for them. So a data set, or thousands
of polygons of a plane, cost a few matrix products.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..graph import Node
from ..nn import Module
from ..recording import no_grad
from ..rules.gates import dropout
from ..tensor import Array, Tensor
from .affine import Gate, carry, check_piecewise_linear, dependent, run
from .rounding import squares_of_input

BYTES = 2**27
"""How much memory the nodes of one run may take: 128 MB."""


@dataclass(frozen=True, eq=False)
class Recorded:
    """
    A network's run on a batch.

    Attributes
    ----------
    leaf, output : Tensor, shapes (rows, *input), (rows, n_out)
        What went in and came out.
    nodes : tuple of Node
        What was computed from the leaf, in order; the first axis of each gate's output is that of the rows.
    """

    leaf: Tensor
    output: Tensor
    nodes: tuple[Node, ...]

    @property
    def gates(self) -> tuple[Node, ...]:
        """The nodes that are gates."""
        return tuple(node for node in self.nodes if "gate" in node.primitive.classes)

    @property
    def patterns(self) -> list[Array]:
        """Which piece each unit of each gate follows, shapes (rows, *units)."""
        return [
            np.asarray(node.primitive.pattern(*node.args, **node.options))
            for node in self.gates
            if node.primitive.pattern and node.args is not None
        ]


@dataclass(frozen=True, eq=False)
class Followed:
    """
    A network around every row of a batch.

    Attributes
    ----------
    output : ndarray, shape (rows, n_out)
        What the network says.
    slopes : ndarray, shape (directions, rows, n_out)
        Derivatives of the output along the directions.
    gates : tuple of Gate
        In order: none depends on a later one. Their arrays have an axis for the rows before that of the
        units, and slopes are by the directions.
    """

    output: Array
    slopes: Array
    gates: tuple[Gate, ...]


def record(net: Module, x: Array) -> Recorded:
    """
    Run ``net`` on a batch, and check that it is piecewise linear and treats every row alone.

    Parameters
    ----------
    net : Module
        It takes batches.
    x : ndarray, shape (rows, *input)
        The inputs.

    Raises
    ------
    NotPiecewiseLinearError
        If something in the network is smooth; the error names the layer.
    ValueError
        If a gate or the output has no row for each input, or dropout would draw other masks each time.
    """
    leaf, output = run(net, x)
    nodes = tuple(dependent(output._node or output, leaf))
    reached = {id(leaf), *map(id, nodes)}
    for node in nodes:
        check_piecewise_linear(node, [id(parent) in reached for parent in node.parents])
        if node.primitive is dropout and node.args is not None and np.ndim(node.args[1]):
            raise ValueError(
                "in training mode Dropout draws new masks at every call, so the network is another one each "
                "time: call net.eval() first"
            )
        if "gate" in node.primitive.classes and np.shape(node.output)[:1] != x.shape[:1]:
            raise ValueError(
                f"the network must treat every row of a batch alone, but its {node.primitive.name} turns "
                f"{len(x)} rows into shape {np.shape(node.output)}"
            )
    if output.ndim != 2 or len(output) != len(x):
        raise ValueError(
            f"the network must give a vector for each input, but for {len(x)} inputs of shape {x.shape[1:]} "
            f"it gives shape {output.shape}"
        )
    if not np.isfinite(output.data).all():
        raise ValueError("the network's output is not finite for some of the inputs")
    if len(x) > 1:
        with no_grad():
            alone = net(x[-1:]).data[0]
        off = np.abs(alone - output.data[-1]).max(initial=0)
        if off > 1e-4 * np.abs(output.data).max(initial=0):
            raise ValueError(
                f"the network must treat every row of a batch alone, but it says {alone} "
                f"for the last input alone and {output.data[-1]} in the batch"
            )
    return Recorded(leaf, output, nodes)


def follow(net: Module, x: Array, directions: Array) -> Followed:
    """
    Return what ``net`` does around every row of a batch, along some directions.

    Parameters
    ----------
    net : Module
        It takes batches.
    x : ndarray of float, shape (rows, *input)
        The inputs; float32 parameters are no obstacle to computing in float64.
    directions : ndarray, shape (directions, *input)
        By what the derivatives are.

    Raises
    ------
    NotPiecewiseLinearError, ValueError
        As :func:`record`.
    """
    recorded = record(net, x)
    leaf, root = recorded.leaf, recorded.output._node or recorded.output
    by = np.asarray(directions, dtype=x.dtype)
    slopes = {id(leaf): np.broadcast_to(by[:, None], (len(by), *x.shape))}
    sizes = {id(leaf): squares_of_input(x)}
    gates = tuple(gate for _, gate in carry(root, slopes, sizes, len(x)) if gate is not None)
    output = recorded.output.data
    still = np.zeros((len(by), *output.shape), dtype=output.dtype)
    return Followed(output, slopes.get(id(root), still), gates)


def chunks(net: Module, x: Array, directions: int = 0) -> Iterator[slice]:
    """Iterate over slices of a batch that fit into memory, with slopes along so many directions."""
    few = x[:16]
    size = sum(np.asarray(node.output).nbytes for node in record(net, few).nodes) + few.nbytes
    each = max(1, size // max(1, len(few))) * (1 + 3 * bool(directions) + 2 * directions)
    rows = max(1, BYTES // each)
    return (slice(start, start + rows) for start in range(0, len(x), rows))


def checked_inputs(net: Module, x: object, what: str) -> Array:
    """
    Return inputs as an array of finite floats, shape (rows, *input), or say what is wrong with them.

    Parameters
    ----------
    net : Module
        Whole numbers become the dtype of its parameters.
    x : array_like
        The inputs.
    what : str
        Who asks, for errors.
    """
    if not isinstance(net, Module):
        raise TypeError(f"{what} takes a network (an nn.Module), but got {type(net).__name__}")
    try:
        array = np.asarray(x.data if isinstance(x, Tensor) else x)
    except ValueError as error:
        raise ValueError(f"{what} takes inputs of equal shape: {error}") from None
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{what} takes numbers, but got dtype {array.dtype}")
    if array.ndim < 2:
        raise ValueError(f"{what} takes inputs of shape (inputs, n_in), but got shape {array.shape}")
    if not len(array):
        raise ValueError(f"{what} needs at least one input, but got shape {array.shape}")
    if array.dtype.kind != "f":
        array = array.astype(next((p.dtype for p in net.parameters()), np.dtype(np.float64)))
    if not np.isfinite(array).all():
        row = int(np.flatnonzero(~np.isfinite(array.reshape(len(array), -1)).all(axis=1))[0])
        raise ValueError(f"{what} takes finite inputs, but input {row} has an entry that is not")
    return array
