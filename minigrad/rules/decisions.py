"""Decisions: functions that are constant between their jumps, so that no derivative passes through them.

Those of bits are not here: whole numbers have no derivative to begin with.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .operands import Operand
from .primitive import Elementwise


def _decision(ufunc: np.ufunc, formula: str, symbol: str = "", **metadata: Any) -> Elementwise:
    """A step function of all its arguments: every partial is 0, and 0 by convention at the jumps."""
    return Elementwise(
        ufunc.__name__,
        ufunc,
        *[0] * ufunc.nin,
        symbol=symbol,
        formula=formula,
        source="a step function",
        classes=["constant"] * ufunc.nin,
        **metadata,
    )


# Comparisons

greater = _decision(np.greater, "x > y", ">")
greater_equal = _decision(np.greater_equal, "x ≥ y", "≥")
less = _decision(np.less, "x < y", "<")
less_equal = _decision(np.less_equal, "x ≤ y", "≤")
equal = _decision(np.equal, "x = y", "=")
not_equal = _decision(np.not_equal, "x ≠ y", "≠")

# Signs and whole numbers

sign = _decision(np.sign, "−1, 0 or 1, as x is negative, 0 or positive", "sgn")
signbit = _decision(np.signbit, "x < 0 or x = −0")
floor = _decision(np.floor, "the largest whole number ≤ x", "⌊x⌋")
ceil = _decision(np.ceil, "the smallest whole number ≥ x", "⌈x⌉")
trunc = _decision(np.trunc, "x without its fraction", numpy=[np.fix])
rint = _decision(np.rint, "the nearest whole number, the even one of two")
floor_divide = _decision(np.floor_divide, "⌊x / y⌋", "//")


def _round(x: Operand, decimals: int = 0) -> Operand:
    return np.round(x, decimals)


round = Elementwise(
    "round",
    _round,
    0,
    formula="x to so many decimals, the even digit of two",
    source="a step function",
    classes="constant",
    numpy=[np.round, np.around],
)

angle = Elementwise(
    "angle",
    lambda x, deg=False: np.angle(x, deg),
    0,
    symbol="∠",
    formula="0 where x ≥ 0, π or 180° elsewhere: the angle of a real number",
    source="a step function",
    classes="constant",
    numpy=[np.angle],
)

imag = Elementwise(
    "imag",
    lambda x: np.zeros_like(x),
    0,
    formula="0: the imaginary part of a real number",
    source="a constant",
    classes="constant",
    numpy=[np.imag],
)

# What kind of number

isfinite = _decision(np.isfinite, "x is neither ±∞ nor nan")
isinf = _decision(np.isinf, "x is ∞ or −∞")
isnan = _decision(np.isnan, "x is nan")

# Logic

logical_and = _decision(np.logical_and, "x ≠ 0 and y ≠ 0", "∧")
logical_or = _decision(np.logical_or, "x ≠ 0 or y ≠ 0", "∨")
logical_xor = _decision(np.logical_xor, "one of x ≠ 0 and y ≠ 0", "⊻")
logical_not = _decision(np.logical_not, "x = 0", "¬")

heaviside = Elementwise(
    "heaviside",
    np.heaviside,
    0,
    lambda out, x, at_zero: x == 0,
    symbol="H",
    formula="0 if x < 0, at_zero if x = 0, 1 if x > 0",
    source="a step function, with a value of choice at the step",
    classes=("constant", "linear"),
    kinks={"x = 0": "derivative by x is 0"},
)
