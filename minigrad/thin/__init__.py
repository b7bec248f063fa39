"""Thin linear networks: what a piecewise-linear network is for one input."""

from .affine import NotPiecewiseLinearError
from .layer import ThinLayer
from .network import ThinNetwork, thin

__all__ = ["NotPiecewiseLinearError", "ThinLayer", "ThinNetwork", "thin"]
