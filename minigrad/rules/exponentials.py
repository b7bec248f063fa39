"""Exponentials and logarithms, roots, the Bessel function I₀, and the s-shaped functions made of these."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .arithmetic import LINE, POSITIVE
from .operands import Operand, numbers
from .primitive import Elementwise, Rule

LN_2 = math.log(2)
LN_10 = math.log(10)


def curve(ufunc: np.ufunc, slope: Rule, formula: str, source: str, **metadata: Any) -> Elementwise:
    """A smooth function of one number, from NumPy, and its slope at ``(result, number)``."""
    return Elementwise(
        ufunc.__name__, ufunc, slope, formula=formula, source=source, classes="smooth", **metadata
    )


# Exponentials and logarithms

exp = curve(np.exp, lambda out, x: out, "eˣ", "its own derivative")
exp2 = curve(np.exp2, lambda out, x: LN_2 * out, "2ˣ", "2ˣ = e^(x ln 2)")
expm1 = curve(np.expm1, lambda out, x: np.exp(x), "eˣ − 1", "as eˣ")  # out + 1 has no digits far below 0

LOGARITHM: Any = {"domain": [POSITIVE], "kinks": {0: "inf"}}
log = curve(np.log, lambda out, x: 1 / x, "ln x", "inverse of eˣ", **LOGARITHM)
log2 = curve(np.log2, lambda out, x: 1 / (LN_2 * x), "log₂ x", "ln x / ln 2", **LOGARITHM)
log10 = curve(np.log10, lambda out, x: 1 / (LN_10 * x), "log₁₀ x", "ln x / ln 10", **LOGARITHM)
log1p = curve(
    np.log1p,
    lambda out, x: 1 / (1 + x),
    "ln(1 + x)",
    "inverse of eˣ − 1",
    domain=[(-1.0, np.inf)],
    kinks={-1: "inf"},
)

# Roots

sqrt = curve(
    np.sqrt, lambda out, x: 0.5 / out, "√x", "power rule", symbol="√", domain=[POSITIVE], kinks={0: "inf"}
)
cbrt = curve(
    np.cbrt, lambda out, x: 1 / (3 * np.square(out)), "∛x", "power rule", symbol="∛", kinks={0: "inf"}
)

# The modified Bessel function of order 0: the mean of e^(x cos θ) over the circle

_COSINES = [
    math.cos(math.pi * (k + 0.5) / 128) for k in range(64)
]  # of a quarter; the others have ± the same


def _i0_slope(out: Operand, x: Operand) -> Operand:
    """I₁(x), the mean of cos θ·sinh(x cos θ): no two terms cancel, and 256 angles do for all x before ∞."""
    return sum(c * np.sinh(c * x) for c in _COSINES) / len(_COSINES)


i0 = Elementwise(
    "i0",
    np.i0,
    _i0_slope,
    symbol="I₀",
    formula="I₀(x) = 1/π ∫ cosh(x cos θ) dθ from 0 to π",
    source="I₀′ = I₁ (DLMF 10.29.3), by the trapezoidal rule on the integral (DLMF 10.32.1)",
    classes="smooth",
    numpy=[np.i0],
)

# S-shaped functions, and the smooth maxima whose slopes they are

tanh = curve(np.tanh, lambda out, x: 1 - out * out, "tanh x", "1 − tanh²")


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


def _lead(x: Operand, y: Operand) -> Operand:
    """How far x is ahead of y; 0 at two equal infinities, so that each gets half, as at every tie."""
    alike = np.isinf(numbers(x)) & np.equal(numbers(x), numbers(y))
    return np.where(alike, 0, x) - np.where(alike, 0, y)


logaddexp, logaddexp2 = (
    Elementwise(
        ufunc.__name__,
        ufunc,
        lambda out, x, y, scale=scale: sigmoid(scale * _lead(x, y)),  # exp(x − out), but to the last digit
        lambda out, x, y, scale=scale: sigmoid(scale * _lead(y, x)),
        formula=formula,
        source="the softmax of (x, y)",
        classes=("smooth", "smooth"),
        domain=(LINE, LINE),
        kinks={"x = y = ±∞": "½, ½"},
    )
    for ufunc, scale, formula in (
        (np.logaddexp, 1, "ln(eˣ + eʸ)"),
        (np.logaddexp2, LN_2, "log₂(2ˣ + 2ʸ)"),
    )
)
