"""Where in the user's code an operation comes from."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

_INSIDE = tuple(str(Path(file).parent) + os.sep for file in (__file__, np.__file__))


class Origins:
    """Finds out which layer and which line of the user's is being recorded."""

    def __init__(self, target: Any = None) -> None:
        named = getattr(target, "named_modules", None)
        self.paths = {id(module): path for path, module in named()} if named else {}

    def __call__(self) -> tuple[str, str, str]:
        """Return path and type of the innermost layer at work, and the line outside that led to it."""
        frame: FrameType | None = sys._getframe(2)
        path = kind = source = ""
        while frame is not None and not (source and (kind or not self.paths)):
            code = frame.f_code
            owner = frame.f_locals.get("self") if code.co_name == "forward" and not kind else None
            if owner is not None and id(owner) in self.paths:
                path, kind = self.paths[id(owner)], type(owner).__name__
            if not source and not code.co_filename.startswith(_INSIDE):
                source = f"{Path(code.co_filename).name}:{frame.f_lineno}"
            frame = frame.f_back
        return path, kind, source
