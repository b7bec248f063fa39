"""A function that is recorded twice, and replayed from then on."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from ...recording import PLAIN, current
from ..randomness import Randomness
from ..surroundings import Surroundings
from ..warning import CaptureWarning, NotTheSameError
from .capture import ScalarCapture
from .program import GuardFailed, OtherArguments, ScalarProgram
from .record import Record, difference

MOST = 8
"""Programs, one for each kind of arguments and of decisions, before a function is left to Python."""

RENEWALS = 32
"""How often what it sees outside may change before a function is left to Python."""

PATIENCE = 3
"""Runs before it counts that two differ: the first may have prepared something."""


class ScalarReplay:
    """
    Calls a function that computes with Values, at the speed of NumPy from its third call on.

    The first two calls are recorded and compared. Where they differ, or can't be recorded, the function runs
    as always, with a warning that says why; so it does inside ``no_grad`` and other blocks.

    Parameters
    ----------
    function : callable
        What to call.
    check : bool
        Run every call as it is, and raise where it does something else than the one before.

    Attributes
    ----------
    programs : list of ScalarProgram
        What is replayed.
    reason : str or None
        Why the function is left to Python.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.Value(1.0)
    >>> square = ScalarReplay(lambda: x * x)
    >>> for x.data in (1.0, 2.0, 3.0):
    ...     print(square().data)
    1.0
    4.0
    9.0
    >>> len(square.programs)
    1
    """

    def __init__(self, function: Callable[..., Any], check: bool = False) -> None:
        self.function, self.check = function, check
        self.programs: list[ScalarProgram] = []
        self.reason: str | None = None
        self._first: Record | None = None
        self._attempts = self._renewals = 0
        self._surroundings = Surroundings()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the function returns."""
        if current() is not PLAIN:
            return self.function(*args, **kwargs)
        if self.programs and self._surroundings.changed() is not None:
            self.programs.clear()
            self._first = None
            self._renewals += 1
        for program in self.programs:
            try:
                result = program.replay(args, kwargs)
            except (GuardFailed, OtherArguments):
                continue
            if program is not self.programs[0]:
                self.programs = [program, *(other for other in self.programs if other is not program)]
            return result
        if self.reason is not None:
            return self.function(*args, **kwargs)
        return self._record(args, kwargs)

    def _record(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        capture = ScalarCapture(self.function)
        surroundings = Surroundings(self.function)
        randomness = Randomness(surroundings.generators)
        result = capture.run(args, kwargs)
        first, self._first = self._first, capture.record
        self._attempts += 1
        reason = capture.reason
        before, self._surroundings = self._surroundings, surroundings
        if reason is None and first is not None:
            unlike = difference(first, capture.record)
            if self.check and unlike is not None and first.signature == capture.record.signature:
                raise NotTheSameError(unlike)
            if unlike is None and surroundings.changed() is not None:
                reason = f"it changes {surroundings.changed()}, which it sees outside its arguments"
            elif unlike is None and not randomness.explained_by(()):
                reason = "it draws random numbers: pass them as arguments"
            elif unlike is None and before.changed() is None:
                if not self.check:
                    self.programs.append(ScalarProgram(capture.record, first))
                    self._first = None
                self._attempts = 0
            elif first.signature == capture.record.signature and self._attempts >= PATIENCE:
                reason = unlike or "what it sees outside its arguments changes again and again"
        if self._attempts > MOST or len(self.programs) > MOST or self._renewals > RENEWALS:
            reason = "its arguments or its decisions are others at almost every call"
            self.programs.clear()
        if reason is not None:
            self.reason, self._first = reason, None
            name = getattr(self.function, "__qualname__", "the function")
            warnings.warn(f"{name} runs as it is, not compiled: {reason}", CaptureWarning, stacklevel=4)
        return result
