"""Capture a step once, and replay it at the speed of the machine: what makes :func:`minigrad.compile`."""

from .compiled import Compiled, NotTheSameError, compile
from .warning import CaptureWarning

__all__ = ["CaptureWarning", "Compiled", "NotTheSameError", "compile"]
