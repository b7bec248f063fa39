"""How far rounding may have moved a number that ought to be 0, as where the copies of a neuron cancel.

A sum is wrong by some units of the last place of its *terms*, however small it is itself. So every node
carries the size of the terms that its entries, and their slopes, were summed from: the squares, which add up
as those of independent errors do.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..graph import Node
from ..rules import Elementwise
from ..tensor import Array

UNITS = 16
"""How many units of the last place of its terms a number may be from 0, and be called 0."""


def squares_of_input(x: Array) -> Array:
    """Return the squared sizes of the input's entries and of their slopes, shape (2, n_in)."""
    return np.stack([np.square(x, dtype=np.float64), np.ones(x.shape)])


def squares(node: Node, arriving: Sequence[Array | None]) -> Array:
    """Carry the squared sizes of the arguments through one node, shape (2, *output)."""
    assert node.args is not None
    if isinstance(node.primitive, Elementwise):
        total = _squares_of_result(node.output)
        for k, square in enumerate(arriving):
            if square is not None:
                total = total + np.square(partial(node, k)) * aligned(square, node)
        return total
    rows = [[_square(node, k, row, square) for k, square in enumerate(arriving)] for row in (0, 1)]
    return np.stack([node.primitive.forward(*args, **node.options) for args in rows])


def noise(node: Node, arriving: Sequence[Array | None], rows: int = 1) -> Array:
    """
    Return what margins of a gate, and their slopes, may be off by, shape (2, *units or 1, ..., 1).

    Where a gate compares several entries, it is that of the largest among all, of each of the `rows` inputs.
    """
    known = [square for square in arriving if square is not None]
    if isinstance(node.primitive, Elementwise):
        total = _squares_of_result(node.output)
        total = total + sum(aligned(square, node) for square in known)
    else:
        each = rows if all(square.shape[1] == rows for square in known) else 1
        total = np.max([square.reshape(2, each, -1).max(axis=2, initial=0) for square in known], axis=0)
        total = total.reshape(2, *(each,)[: np.ndim(node.output)], *(1,) * (np.ndim(node.output) - 1))
    size = np.sqrt(np.nan_to_num(total, nan=0.0, posinf=1e300))
    return np.asarray(UNITS * float(np.finfo(node.output.dtype).eps) * size)


def _squares_of_result(y: Array) -> Array:
    return np.stack([np.square(y, dtype=np.float64), np.zeros(y.shape)])


def _square(node: Node, k: int, row: int, square: Array | None) -> Array:
    """Return the squares of argument ``k``; a constant term has no slope, a constant factor has its own."""
    if square is not None:
        return np.asarray(square[row])
    assert node.args is not None
    constant = np.asarray(node.args[k])
    counts = row == 0 or node.primitive.class_of(k) == "multilinear"
    return np.square(constant) if counts else np.zeros_like(constant)


def partial(node: Node, k: int) -> Array:
    """Return the slope of an elementwise node by its argument ``k``, one number for each entry."""
    assert isinstance(node.primitive, Elementwise) and node.args is not None
    slope = np.asarray(node.primitive.partial(k, node.output, node.args), dtype=node.output.dtype)
    return np.broadcast_to(slope, node.output.shape)


def aligned(rows: Array, node: Node) -> Array:
    """Give rows of an argument's shape the axes of length 1 that NumPy would add on the way to the output."""
    missing = np.ndim(node.output) + 1 - rows.ndim
    return rows.reshape(len(rows), *(1,) * missing, *rows.shape[1:])
