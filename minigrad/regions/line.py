"""The exact pieces of a network along a line."""

from __future__ import annotations

from typing import Any


class Segment:
    """A piece."""


class Line:
    """All pieces, in order."""


def line(net: Any, a: Any, b: Any) -> Line:
    """Return the pieces of ``net`` along a line."""
    raise NotImplementedError
