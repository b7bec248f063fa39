"""The rulebook: every primitive, its derivative and what is known about it, in families."""

from . import arithmetic, exponentials, gates, products, reductions, shaping
from .primitive import NUMPY, REGISTRY, Elementwise, General, Linear, Primitive

__all__ = [
    "NUMPY",
    "REGISTRY",
    "Elementwise",
    "General",
    "Linear",
    "Primitive",
    "arithmetic",
    "exponentials",
    "gates",
    "products",
    "reductions",
    "shaping",
]
