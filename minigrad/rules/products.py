"""Matrix products: linear in each factor, so that every VJP is a product with the other factor transposed."""

from __future__ import annotations

import math

import numpy as np

from .primitive import General, Linear, Operand, match


def _matrices(g: Operand, x: Operand, y: Operand) -> tuple[Operand, Operand, Operand]:
    """Give 1-d factors the axis that NumPy's matmul gives them, and the cotangent the axes it took away."""
    if y.ndim == 1:
        g, y = np.expand_dims(g, -1), np.expand_dims(y, -1)
    if x.ndim == 1:
        g, x = np.expand_dims(g, -2), np.expand_dims(x, 0)
    return g, x, y


def _flip(x: Operand) -> Operand:
    """Swap the last two axes."""
    return np.transpose(x, (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


def _left(g: Operand, x: Operand, y: Operand) -> Operand:
    g, row, y = _matrices(g, x, y)
    return np.reshape(match(g @ _flip(y), row), x.shape)


def _right(g: Operand, x: Operand, y: Operand) -> Operand:
    g, x, column = _matrices(g, x, y)
    return np.reshape(match(_flip(x) @ g, column), y.shape)


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
    return x @ weight.T + bias


def _rows(x: Operand) -> Operand:
    """All leading axes as one: the batch."""
    return x if x.ndim == 2 else np.reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))


linear = General(
    "linear",
    _linear,
    vjps=[
        lambda g, out, x, weight, bias: g @ weight,
        lambda g, out, x, weight, bias: np.transpose(_rows(g)) @ _rows(x),
        lambda g, out, x, weight, bias: g,  # the engine sums every cotangent to its operand's shape
    ],
    jvps=[
        lambda t, out, x, weight, bias: t @ np.transpose(weight),
        lambda t, out, x, weight, bias: x @ np.transpose(t),
        lambda t, out, x, weight, bias: t,
    ],
    symbol="Wx + b",
    formula="x @ weightᵀ + bias",
    source="a matrix product and a sum",
    classes=("multilinear", "multilinear", "linear"),
    on_scalars=lambda x, weight, bias: x @ weight.T if np.ndim(bias) == 0 else x @ weight.T + bias,
)
