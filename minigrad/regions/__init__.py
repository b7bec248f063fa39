"""Linear regions, exact, not sampled: on a line, in a plane, of a data set, around one input."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .line import Line, Segment, line
from .patterns import Patterns, patterns
from .polytope import Polytope, polytope

if TYPE_CHECKING:
    from .plane import Plane, plane

__all__ = [
    "Line",
    "Patterns",
    "Plane",
    "Polytope",
    "Segment",
    "line",
    "patterns",
    "plane",
    "polytope",
]


def __getattr__(name: str) -> Any:
    """Load the plane when it is first asked for."""
    if name not in ("Plane", "plane"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    part = import_module(".plane", __name__)
    globals().update(Plane=part.Plane, plane=part.plane)  # the function takes its module's name
    return globals()[name]
