"""Which input of a batch is the first that trains each parameter, by one walk from the outputs back.

An input trains a weight if a path leads from the weight to an output on which no factor is 0. That is decided
by the structure alone: every non-zero factor counts as 1, so that nothing cancels and nothing underflows.

The rules of the primitives do the walk. Row b of the batch is written as 2^(−bits·b), with bits enough that
whatever the later rows add can't reach it: of any sum of such numbers the exponent says which row was first.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from ..graph import Node, Vertex, between, newest_first
from ..rules import Elementwise
from ..rules.operands import match
from ..tensor import Array

_TOP = 960  # the exponent of row 0; those of float64 go from 1023 to −1022


class Powers:
    """
    Rows of a batch as powers of two.

    Parameters
    ----------
    size : int
        How many terms a sum may have, and how small, as 1 / size, the factor of one may be (a mean's).

    Attributes
    ----------
    rows : int
        How many rows have powers that can be told apart; this number itself stands for "none of them".
    """

    def __init__(self, size: int) -> None:
        self._spread = size.bit_length()
        self._bits = 2 * self._spread + 2
        self.rows = max(1, (2 * _TOP - self._spread) // self._bits)
        self._powers = np.append(np.ldexp(1.0, _TOP - self._bits * np.arange(self.rows)), 0.0)

    def write(self, first: Array) -> Array:
        """Return the power of each row; 0 for none."""
        return self._powers[first]

    def read(self, total: Array) -> Array:
        """Return the first row in each sum of powers."""
        exponent = np.frexp(total)[1] - 1
        return np.where(total > 0, (_TOP + self._spread - exponent) // self._bits, self.rows).astype(np.int32)


def powers_for(root: Vertex) -> Powers:
    """Return the powers that fit a network, from its graph for one input."""
    sizes = (np.size(node.output) for node in newest_first(root) if node.primitive is not None)
    return Powers(max(sizes, default=1))


def first_reaching(
    root: Vertex, ends: Collection[int], powers: Powers, rows: Array | None = None
) -> dict[int, Array]:
    """
    Return, for every vertex between, the first row whose outputs each entry reaches; `powers.rows` for none.

    Parameters
    ----------
    root : Vertex
        The outputs, shape (rows, n_out).
    ends : collection of int
        The parameters, by ``id``.
    powers : Powers
        Those of the network.
    rows : ndarray of int, shape (rows,), optional
        The numbers of the rows, below `powers.rows`; by default 0, 1, … Equal ones are not told apart.

    Raises
    ------
    ValueError
        If a parameter goes through something smooth that mixes entries, such as an inverse matrix.
    """
    order, _ = between([root], ends, 0)
    wanted = {id(vertex) for vertex in order}
    if root.primitive is None:  # the outputs are the inputs themselves
        return {}
    if rows is None:
        rows = np.arange(len(root.output), dtype=np.int32)
    found = {id(root): np.repeat(rows[:, None], root.output.shape[1], axis=1)}
    for node in order:
        if id(node) in ends:
            continue
        power = powers.write(found[id(node)])
        for k, parent in enumerate(node.parents):
            if parent is not None and id(parent) in wanted:
                first = powers.read(np.abs(_share(node, k, power)))
                key = id(parent)
                found[key] = np.minimum(found[key], first) if key in found else first
    return found


def _share(node: Node, k: int, power: Array) -> Array:
    """Return what the outputs of a node hand to argument ``k``, with 1 for every factor that is not 0."""
    assert node.args is not None
    primitive, like = node.primitive, np.broadcast_to(0.0, np.shape(node.args[k]))
    if isinstance(primitive, Elementwise):
        return np.asarray(match(power * (primitive.partial(k, node.output, node.args) != 0), like))
    if "smooth" in primitive.classes:
        raise ValueError(
            f"coverage can't tell which entries of a parameter matter to {primitive.name} "
            f"({primitive.formula}): keep what it gives as the parameter instead"
        )
    args = [
        _wide(np.not_equal(arg, 0)) if primitive.class_of(j) == "multilinear" else _wide(arg)
        for j, arg in enumerate(node.args)
    ]
    return np.asarray(primitive.vjp(k, power, _wide(node.output), args, node.options))


def _wide(array: Any) -> Any:
    """Return numbers as float64, which has room for the powers; indices stay what they are."""
    return array.astype(np.float64) if isinstance(array, np.ndarray) and array.dtype.kind in "bf" else array
