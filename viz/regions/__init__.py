"""Linear regions: a network along a line, with its kinks, and in a plane, as a map of polygons."""

from .lines import draw_line
from .planes import draw_plane

__all__ = ["draw_line", "draw_plane"]
