"""Capture a step once, and replay it at the speed of the machine: what makes :func:`minigrad.compile`."""

from .compiled import Compiled, compile
from .warning import CaptureWarning, NotTheSameError

__all__ = ["CaptureWarning", "Compiled", "NotTheSameError", "compile"]
