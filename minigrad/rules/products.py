"""Products of arrays: linear in each factor, so that every VJP is a product with the other factors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .operands import Operand, match, numbers
from .primitive import General, Linear
from .shaping import scatter_add


def _matrices(g: Operand, x: Operand, y: Operand) -> tuple[Operand, Operand, Operand]:
    """Give 1-d factors the axis that NumPy's matmul gives them, and the cotangent the axes it took away."""
    if y.ndim == 1:
        g, y = np.expand_dims(g, -1), np.expand_dims(y, -1)
    if x.ndim == 1:
        g, x = np.expand_dims(g, -2), np.expand_dims(x, 0)
    return g, x, y


def transposed(x: Operand) -> Operand:
    """Swap the last two axes."""
    return np.transpose(x, (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


def _left(g: Operand, x: Operand, y: Operand) -> Operand:
    g, row, y = _matrices(g, x, y)
    return np.reshape(match(g @ transposed(y), row), x.shape)


def _right(g: Operand, x: Operand, y: Operand) -> Operand:
    g, x, column = _matrices(g, x, y)
    return np.reshape(match(transposed(x) @ g, column), y.shape)


matmul = Linear(
    "matmul",
    np.matmul,
    _left,
    _right,
    symbol="@",
    formula="x @ y",
    source="trace rule: tr(Gᵀ dX Y) = tr((G Yᵀ)ᵀ dX)",
    classes=("multilinear", "multilinear"),
    numpy=[np.matmul],
)


def _linear(x: Operand, weight: Operand, bias: Operand) -> Operand:
    columns = weight.T
    # Up to 10⁶ multiplications OpenBLAS has kernels that are fast and need no threads, but not for rows times
    # columns. From 2¹⁷ on they make up for a copy of the smaller factor.
    if 2**17 < x.size * weight.shape[0] <= 10**6 and max(weight.shape) <= 128:
        if x.ndim == 2 and x.size < weight.size:
            x = x.copy(order="F")
        else:
            columns = columns.copy()
    return x @ columns + bias


def _rows(x: Operand) -> Operand:
    """All leading axes as one: the batch."""
    return x if x.ndim == 2 else np.reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))


linear = General(
    "linear",
    _linear,
    vjps=[
        lambda g, out, x, weight, bias: g @ weight,
        lambda g, out, x, weight, bias: _rows(g).T @ _rows(x),
        lambda g, out, x, weight, bias: g,  # the engine sums every cotangent to its operand's shape
    ],
    jvps=[
        lambda t, out, x, weight, bias: t @ weight.T,
        lambda t, out, x, weight, bias: x @ t.T,
        lambda t, out, x, weight, bias: t,
    ],
    symbol="Wx + b",
    formula="x @ weightᵀ + bias",
    source="a matrix product and a sum",
    classes=("multilinear", "multilinear", "linear"),
    on_scalars=lambda x, weight, bias: x @ weight.T if np.ndim(bias) == 0 else x @ weight.T + bias,
)


def _einsum_transpose(
    k: int, g: Operand, *operands: Operand, subscripts: str, optimize: Any = False
) -> Operand:
    """
    Contract the cotangent with the other operands to the indices of operand ``k``.

    An index that was summed out alone is no index of the others: the cotangent is the same along it. An
    index that operand ``k`` repeats was read on the diagonal alone: the cotangent is put back there.
    """
    *inputs, output = subscripts.replace("->", ",").split(",")
    own = inputs.pop(k)
    others = operands[:k] + operands[k + 1 :]
    indices = tuple(dict.fromkeys(own))
    known = "".join(index for index in indices if any(index in term for term in (output, *inputs)))
    spread = f"{','.join([output, *inputs])}->{known}"
    g = einsum(g, *others, subscripts=spread, optimize=optimize is not False)
    alone = tuple(axis for axis, index in enumerate(indices) if index not in known)
    if alone:
        g, lengths = np.expand_dims(g, alone), dict(zip(own, operands[k].shape, strict=True))
        g = np.broadcast_to(
            g, tuple(n if i in known else lengths[i] for i, n in zip(indices, g.shape, strict=True))
        )
    if len(indices) == len(own):
        return g
    where = _diagonal(own, operands[k].shape)
    g = match(g, numbers(operands[k])[where])
    return scatter_add(g, index=where, shape=operands[k].shape, unique=True)


def _diagonal(indices: str, shape: tuple[int, ...]) -> tuple[Any, ...]:
    """Where equal indices have equal values: the index that leaves one axis for each of them."""
    unique = list(dict.fromkeys(indices))
    grid = np.ix_(*(range(shape[indices.index(index)]) for index in unique))
    return tuple(grid[unique.index(index)] for index in indices)


einsum = Linear(
    "einsum",
    lambda *operands, subscripts, optimize=False: np.einsum(subscripts, *operands, optimize=optimize),
    _einsum_transpose,
    symbol="Σ∏",
    formula="Σ over the indices that are not in the result of the product of all operands",
    source="linear in each operand: the VJP is a sum of products again, with the cotangent in its place",
    classes="multilinear",
    variadic=True,
)
