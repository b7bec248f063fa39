"""Thin linear networks: what a piecewise-linear network is for one input."""

from .affine import NotPiecewiseLinearError
from .network import ThinLayer, ThinNetwork, thin

__all__ = ["NotPiecewiseLinearError", "ThinLayer", "ThinNetwork", "thin"]
