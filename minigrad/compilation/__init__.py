"""Capture a step once, and replay it at the speed of the machine: what :func:`minigrad.compile` is made of."""

from .compiled import CaptureWarning, Compiled, NotTheSameError, compile  # noqa: A004  the field's word

__all__ = ["CaptureWarning", "Compiled", "NotTheSameError", "compile"]
