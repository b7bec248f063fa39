"""Arithmetic and powers: the rules of a first calculus course."""

from __future__ import annotations

import operator

import numpy as np

from .operands import Operand, numbers
from .primitive import Elementwise

POSITIVE = (0.0, np.inf)
LINE = (-np.inf, np.inf)

add = Elementwise(
    "add",
    np.add,
    1,
    1,
    symbol="+",
    formula="x + y",
    source="sum rule",
    classes=("linear", "linear"),
    on_scalars=operator.add,
)

subtract = Elementwise(
    "subtract",
    np.subtract,
    1,
    -1,
    symbol="−",
    formula="x − y",
    source="sum rule",
    classes=("linear", "linear"),
    on_scalars=operator.sub,
)

negative = Elementwise(
    "negative",
    np.negative,
    -1,
    symbol="−",
    formula="−x",
    source="sum rule",
    classes="linear",
    on_scalars=operator.neg,
)

positive = Elementwise(
    "positive", np.positive, 1, symbol="+", formula="x", source="identity", classes="linear"
)

conjugate = Elementwise(
    "conjugate", np.conjugate, 1, formula="x, for real numbers", source="identity", classes="linear"
)

multiply = Elementwise(
    "multiply",
    np.multiply,
    lambda out, x, y: y,
    lambda out, x, y: x,
    symbol="×",
    formula="x·y",
    source="product rule",
    classes=("multilinear", "multilinear"),
    on_scalars=operator.mul,
)

divide = Elementwise(
    "divide",
    np.divide,
    lambda out, x, y: np.divide(1.0, y),  # where 1 / y would raise for a Python 0
    lambda out, x, y: -out / y,
    symbol="÷",
    formula="x / y",
    source="quotient rule",
    classes=("linear", "smooth"),
    domain=(LINE, POSITIVE),
)

reciprocal = Elementwise(
    "reciprocal",
    np.reciprocal,
    lambda out, x: -np.square(out),
    symbol="1/x",
    formula="1 / x",
    source="quotient rule: −1/x²",
    classes="smooth",
    kinks={0: "−inf"},
)

remainder, fmod = (
    Elementwise(
        ufunc.__name__,
        ufunc,
        1,
        by_divisor,
        symbol="mod",
        formula=f"x − n·y with n = {rounding}(x/y)",
        source="n is constant between its jumps",
        classes=("smooth", "smooth"),
        domain=(LINE, POSITIVE),
        kinks={"x/y whole": "n = x/y"},
    )
    for ufunc, rounding, by_divisor in (
        (np.remainder, "floor", lambda out, x, y: -np.floor_divide(numbers(x), numbers(y))),
        (np.fmod, "trunc", lambda out, x, y: -np.rint((numbers(x) - numbers(out)) / numbers(y))),
    )
)


def _power_by_base(out: Operand, x: Operand, y: Operand) -> Operand:
    """y·x^(y−1), and 0 at x = y = 0."""
    if isinstance(y, (int, float)):
        return y * x ** (y - 1 if y != 0 else 1)
    return y * x ** np.where((x == 0) & (y == 0), 1, y - 1)  # there alone: ∂²/∂x∂y needs the exponent −1


def _power_by_exponent(out: Operand, x: Operand, y: Operand) -> Operand:
    """x^y·ln x, and its limit 0 at x = 0 for y ≥ 0."""
    at_limit = (x == 0) & (y >= 0)
    return np.where(at_limit, 0, out) * np.log(np.where(at_limit, 1, x))


power, float_power = (
    Elementwise(
        ufunc.__name__,
        ufunc,
        _power_by_base,
        _power_by_exponent,
        symbol="^",
        formula="x^y",
        source="power rule; d/dy x^y = x^y ln x",
        classes=("smooth", "smooth"),
        domain=(POSITIVE, LINE),
        kinks={"x = 0, y = 0": "derivative by x is 0", "x = 0, y ≥ 0": "derivative by y is 0"},
    )
    for ufunc in (np.power, np.float_power)  # the second computes in float64 always
)

square = Elementwise(
    "square",
    np.square,
    lambda out, x: 2 * x,
    symbol="x²",
    formula="x²",
    source="power rule",
    classes="smooth",
)
