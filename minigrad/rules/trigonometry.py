"""Trigonometric and hyperbolic functions, their inverses, and what measures angles.

Derivatives as in the Digital Library of Mathematical Functions (DLMF), chapter 4. tanh stands beside the
sigmoid, in :mod:`minigrad.rules.exponentials`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .exponentials import curve
from .operands import Operand, numbers
from .primitive import Elementwise

PERIOD: Any = {"domain": [(-math.pi / 2, math.pi / 2)]}  # the same holds in every other period
UNIT: Any = {"domain": [(-1.0, 1.0)]}
ABOVE_ONE: Any = {"domain": [(1.0, np.inf)], "kinks": {1: "inf"}}

# Trigonometric, DLMF 4.20; hyperbolic, DLMF 4.34

sin = curve(np.sin, lambda out, x: np.cos(x), "sin x", "sin′ = cos (DLMF 4.20.1)")
cos = curve(np.cos, lambda out, x: -np.sin(x), "cos x", "cos′ = −sin (DLMF 4.20.2)")
tan = curve(np.tan, lambda out, x: 1 + np.square(out), "tan x", "tan′ = 1 + tan² (DLMF 4.20.3)", **PERIOD)

sinh = curve(np.sinh, lambda out, x: np.cosh(x), "sinh x", "sinh′ = cosh (DLMF 4.34.1)")
cosh = curve(np.cosh, lambda out, x: np.sinh(x), "cosh x", "cosh′ = sinh (DLMF 4.34.2)")

# Their inverses, DLMF 4.24(ii) and 4.38(ii). (1 − x)(1 + x) is 1 − x² without cancellation; the square of
# hypot(1, x) is 1 + x², but does not overflow.

arcsin = curve(
    np.arcsin,
    lambda out, x: 1 / np.sqrt((1 - x) * (1 + x)),
    "arcsin x",
    "1 / √(1 − x²) (DLMF 4.24)",
    kinks={"x = ±1": "inf"},
    **UNIT,
)
arccos = curve(
    np.arccos,
    lambda out, x: -1 / np.sqrt((1 - x) * (1 + x)),
    "arccos x",
    "−1 / √(1 − x²) (DLMF 4.24)",
    kinks={"x = ±1": "−inf"},
    **UNIT,
)
arctan = curve(
    np.arctan, lambda out, x: np.square(1 / np.hypot(1, x)), "arctan x", "1 / (1 + x²) (DLMF 4.24)"
)

arcsinh = curve(np.arcsinh, lambda out, x: 1 / np.hypot(1, x), "arcsinh x", "1 / √(1 + x²) (DLMF 4.38)")
arccosh = curve(
    np.arccosh,
    lambda out, x: 1 / (np.sqrt(x - 1) * np.sqrt(x + 1)),
    "arccosh x",
    "1 / √(x² − 1) (DLMF 4.38)",
    **ABOVE_ONE,
)
arctanh = curve(
    np.arctanh,
    lambda out, x: 1 / ((1 - x) * (1 + x)),
    "arctanh x",
    "1 / (1 − x²) (DLMF 4.38)",
    kinks={"x = ±1": "inf"},
    **UNIT,
)

# The plane: how far from the origin, and in which direction


def _divisor(r: Operand) -> Operand:
    """The distance r from the origin; 1 at the origin, where it divides zeros."""
    return np.where(numbers(r) == 0, 1, r)


def _share(r: Operand, x: Operand) -> Operand:
    """The quotient x / r; 0 at the origin, at every order."""
    return np.where(numbers(r) == 0, 0, x) / _divisor(r)


hypot = Elementwise(
    "hypot",
    np.hypot,
    lambda out, x, y: _share(out, x),
    lambda out, x, y: _share(out, y),
    formula="√(x² + y²)",
    source="the unit vector (x, y) / √(x² + y²)",
    classes=("smooth", "smooth"),
    kinks={"x = y = 0": "0, 0, as of the norm"},
)


def _turn(x: Operand, y: Operand, along: Operand) -> Operand:
    """The quotient along / (x² + y²), divided twice so that no square overflows; 0 at the origin."""
    r = np.hypot(x, y)
    return _share(r, along) / _divisor(r)


arctan2 = Elementwise(
    "arctan2",
    np.arctan2,
    lambda out, x, y: _turn(x, y, y),
    lambda out, x, y: _turn(x, y, -x),
    formula="arctan(x / y) in the right quadrant: the angle of height x over width y",
    source="(y, −x) / (x² + y²)",
    classes=("smooth", "smooth"),
    kinks={"x = y = 0": "0, 0"},
)

# Units

deg2rad, radians, rad2deg, degrees = (
    Elementwise(ufunc.__name__, ufunc, factor, formula=formula, source="a change of units", classes="linear")
    for ufunc, factor, formula in (
        (np.deg2rad, math.pi / 180, "x·π/180"),
        (np.radians, math.pi / 180, "x·π/180"),
        (np.rad2deg, 180 / math.pi, "x·180/π"),
        (np.degrees, 180 / math.pi, "x·180/π"),
    )
)

# The sine over its angle

_NEAR = 0.3
_SERIES = [(-1) ** k * math.pi ** (2 * k) * 2 * k / math.factorial(2 * k + 1) for k in range(10, 0, -1)]


def _sinc_slope(out: Operand, x: Operand) -> Operand:
    """(cos πx − sinc x) / x; near 0, where this cancels, the derivative of Σ (−1)ᵏ (πx)²ᵏ / (2k + 1)!."""
    near = np.abs(numbers(x)) < _NEAR
    inside, outside = np.where(near, x, 0), np.where(near, 1, x)
    square, series = np.square(inside), 0.0
    for coefficient in _SERIES:
        series = series * square + coefficient
    return np.where(near, series * inside, (np.cos(math.pi * outside) - out) / outside)


sinc = Elementwise(
    "sinc",
    np.sinc,
    _sinc_slope,
    formula="sin(πx) / (πx), and 1 at 0",
    source="quotient rule; near 0 the series, so that every order is right",
    classes="smooth",
    numpy=[np.sinc],
)
