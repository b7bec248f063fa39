"""Networks as neurons in layers, with or without an input, and the thin linear network of one input."""

from .drawing import draw_network, draw_thin

__all__ = ["draw_network", "draw_thin"]
