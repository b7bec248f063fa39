"""Linear regions: a network along a line, with its kinks, and in a plane, as a map of polygons."""

from .lines import draw_line

__all__ = ["draw_line"]
