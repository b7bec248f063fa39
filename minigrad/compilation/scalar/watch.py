"""Seeing how Python reads and writes the numbers of Values, while a function is recorded.

``data`` and ``grad`` are slots, which nobody sees being read. While a recording is on, properties stand in
their places; what they do in threads and contexts that record nothing is what the slots do.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

from ... import value as engine
from ...recording import current
from ...value import Value

SLOTS: dict[str, Any] = {name: vars(Value)[name] for name in ("data", "grad")}
"""The slots themselves."""

_ENGINE = engine.__file__
_LIBRARY = str(Path(_ENGINE).parent) + os.sep
_DECIDING = ("compare_numbers", "__bool__")
_lock = Lock()
_watchers = 0


class Watcher(Protocol):
    """What is told of reads and writes."""

    def read(self, value: Value, name: str) -> Any:
        """Return what Python gets to see."""

    def write(self, value: Value, name: str, number: Any) -> None:
        """Write a number."""

    def leave(self, reason: str) -> None:
        """Note that the function can't be recorded."""


class _Property:
    """Stands in for a slot."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.slot = SLOTS[name]

    def __get__(self, value: Value | None, kind: type | None = None) -> Any:
        watcher = _watcher()
        if value is None:
            return self
        if watcher is None:
            return self.slot.__get__(value, kind)
        code = sys._getframe(1).f_code
        if code.co_filename != _ENGINE and code.co_filename.startswith(_LIBRARY):
            watcher.leave(f"{code.co_name}() of minigrad reads a Value's number")
        elif code.co_filename != _ENGINE or code.co_name in _DECIDING:
            return watcher.read(value, self.name)
        elif code.co_name == "__float__":
            watcher.leave("float(value) takes a number out of the computation; use the Value, or its .data")
        return self.slot.__get__(value, kind)

    def __set__(self, value: Value, number: Any) -> None:
        watcher = _watcher()
        if watcher is None or sys._getframe(1).f_code.co_filename == _ENGINE:
            self.slot.__set__(value, number)
        else:
            watcher.write(value, self.name, number)


@contextmanager
def watching() -> Iterator[None]:
    """Context in which reads and writes are told to the capture of the current mode, where it wants them."""
    global _watchers
    with _lock:
        _watchers += 1
        if _watchers == 1:
            for name in SLOTS:
                setattr(Value, name, _Property(name))
    try:
        yield
    finally:
        with _lock:
            _watchers -= 1
            if _watchers == 0:
                for name, slot in SLOTS.items():
                    setattr(Value, name, slot)


def _watcher() -> Watcher | None:
    capture: Any = current().capture
    return capture if getattr(capture, "watches_values", False) else None
