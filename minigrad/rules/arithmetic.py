"""Arithmetic and powers: the rules of a first calculus course, and comparisons, which have none."""

from __future__ import annotations

import operator

import numpy as np

from .primitive import Elementwise, Operand

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
    lambda out, x, y: 1 / y,
    lambda out, x, y: -out / y,
    symbol="÷",
    formula="x / y",
    source="quotient rule",
    classes=("linear", "smooth"),
    domain=(LINE, POSITIVE),
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


power = Elementwise(
    "power",
    np.power,
    _power_by_base,
    _power_by_exponent,
    symbol="^",
    formula="x^y",
    source="power rule; d/dy x^y = x^y ln x",
    classes=("smooth", "smooth"),
    domain=(POSITIVE, LINE),
    kinks={"x = 0, y = 0": "derivative by x is 0", "x = 0, y ≥ 0": "derivative by y is 0"},
)

greater, greater_equal, less, less_equal, equal, not_equal = (
    Elementwise(
        ufunc.__name__,
        ufunc,
        0,
        0,
        symbol=symbol,
        formula=f"x {symbol} y",
        source="a decision",
        classes=("constant", "constant"),
    )
    for symbol, ufunc in {
        ">": np.greater,
        "≥": np.greater_equal,
        "<": np.less,
        "≤": np.less_equal,
        "=": np.equal,
        "≠": np.not_equal,
    }.items()
)
