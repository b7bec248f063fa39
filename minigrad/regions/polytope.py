"""The exact pieces of a network of one input."""

from __future__ import annotations

from typing import Any


class Polytope:
    """All pieces, in order."""


def polytope(net: Any, x: Any) -> Polytope:
    """Return the pieces of ``net`` of one input."""
    raise NotImplementedError
