"""The rulebook: every primitive, its derivative and what is known about it, in families."""

from . import (
    arithmetic,
    assignment,
    convolution,
    decisions,
    exponentials,
    gates,
    linear_algebra,
    losses,
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
    "assignment",
    "convolution",
    "decisions",
    "exponentials",
    "gates",
    "linear_algebra",
    "losses",
    "ordering",
    "products",
    "reductions",
    "shaping",
    "trigonometry",
]
