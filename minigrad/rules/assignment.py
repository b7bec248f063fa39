"""Writing to entries: an array with some of its entries replaced by others, as ``x[index] = y`` leaves it."""

from __future__ import annotations

from typing import Any

import numpy as np

from .operands import Operand, as_array
from .primitive import Linear
from .shaping import gather


def _assign(x: Operand, y: Operand, index: Any) -> Operand:
    out = as_array(x).copy(order="K")
    out[index] = y
    return out


def _kept(g: Operand, x: Operand, y: Operand, index: Any) -> Operand:
    return assign(g, np.zeros((), dtype=g.dtype), index=index)


def _written(g: Operand, x: Operand, y: Operand, index: Any) -> Operand:
    """The cotangent at the index; where an entry is written to several times, the last write counts."""
    order = np.full(x.shape, -1)
    writes = np.arange(order[index].size).reshape(order[index].shape)
    order[index] = writes
    return gather(g, index=index) * (order[index] == writes)


assign = Linear(
    "assign",
    _assign,
    _kept,
    _written,
    symbol="x[i] ←",
    formula="x, with y at index",
    source="entries are kept or replaced; the last write counts",
    classes=("linear", "linear"),
)
