"""The rulebook: every primitive, its derivative and what is known about it, in families."""

from . import (
    arithmetic,
    decisions,
    exponentials,
    gates,
    ordering,
    products,
    reductions,
    shaping,
    trigonometry,
)
from .primitive import NUMPY, REGISTRY, Elementwise, General, Linear, Primitive

__all__ = [
    "NUMPY",
    "REGISTRY",
    "Elementwise",
    "General",
    "Linear",
    "Primitive",
    "arithmetic",
    "decisions",
    "exponentials",
    "gates",
    "ordering",
    "products",
    "reductions",
    "shaping",
    "trigonometry",
]
