"""Computation graphs: every operation with its operands in order, its value and its gradient."""

from .drawing import draw_graph

__all__ = ["draw_graph"]
