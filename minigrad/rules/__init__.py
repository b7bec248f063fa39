"""The rulebook: every primitive, its derivative and what is known about it, in families."""

from . import arithmetic, gates, products, reductions, shaping, smooth
from .primitive import NUMPY, REGISTRY, Elementwise, General, Linear, Primitive

__all__ = [
    "NUMPY",
    "REGISTRY",
    "Elementwise",
    "General",
    "Linear",
    "Primitive",
    "arithmetic",
    "gates",
    "products",
    "reductions",
    "shaping",
    "smooth",
]
