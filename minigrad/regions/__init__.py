"""Linear regions, exact, not sampled: on a line, in a plane, of a data set, around one input."""

from __future__ import annotations

from .line import Line, Segment, line
from .patterns import Patterns, patterns
from .plane import Plane, plane
from .polytope import Polytope, polytope
from .region import Region

__all__ = [
    "Line",
    "Patterns",
    "Plane",
    "Polytope",
    "Region",
    "Segment",
    "line",
    "patterns",
    "plane",
    "polytope",
]
