"""Smooth functions of one argument, and the sigmoid-era activation functions."""

from __future__ import annotations

import numpy as np

from .arithmetic import POSITIVE
from .primitive import Elementwise, Operand

exp = Elementwise(
    "exp", np.exp, lambda out, x: out, formula="eˣ", source="its own derivative", classes="smooth"
)

log = Elementwise(
    "log",
    np.log,
    lambda out, x: 1 / x,
    formula="ln x",
    source="inverse of eˣ",
    classes="smooth",
    domain=[POSITIVE],
)

sqrt = Elementwise(
    "sqrt",
    np.sqrt,
    lambda out, x: 0.5 / out,
    symbol="√",
    formula="√x",
    source="power rule",
    classes="smooth",
    domain=[POSITIVE],
    kinks={0: "inf"},
)

tanh = Elementwise(
    "tanh", np.tanh, lambda out, x: 1 - out * out, formula="tanh x", source="1 − tanh²", classes="smooth"
)


def _sigmoid(x: Operand) -> Operand:
    """1 / (1 + e⁻ˣ) without overflow: the exponential is taken of −|x| alone."""
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, small) / (1 + small)


sigmoid = Elementwise(
    "sigmoid",
    _sigmoid,
    lambda out, x: out * (1 - out),
    symbol="σ",
    formula="1 / (1 + e⁻ˣ)",
    source="σ′ = σ(1 − σ) ≤ ¼",
    classes="smooth",
)

softplus = Elementwise(
    "softplus",
    lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
    lambda out, x: sigmoid(x),
    formula="ln(1 + eˣ)",
    source="its derivative is the sigmoid",
    classes="smooth",
)
