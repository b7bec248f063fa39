"""Counts how often a setting of a module or an optimizer was changed, so that programs know when to look."""

from __future__ import annotations

_changes = 0


def changed() -> None:
    """Note a change."""
    global _changes
    _changes += 1


def changes() -> int:
    """Return how many changes there were."""
    return _changes
