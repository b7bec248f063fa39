"""Functions that are captured when they are first called, and replayed after that."""

from __future__ import annotations

import functools
import threading
import types
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .. import settings, trees
from ..recording import current
from .agreement import disagreement
from .capture import Capture, settings_of
from .numpy_backend import Writer
from .passes import optimized
from .program import Program
from .settling import settled

ATTEMPTS = 4
"""Calls after which a signature that never gives the same program twice is given up."""

RENEWALS = 16
"""Programs of one signature that stopped to hold, before it is given up."""


class CaptureWarning(UserWarning):
    """A function can't be replayed, and runs as it is."""


class NotTheSameError(AssertionError):
    """A checked function did something else than its program says."""


def compile(function: Callable[..., Any] | None = None, *, check: bool = False) -> Any:  # noqa: A001  the field's word
    """
    Capture what a function computes, once, and replay it as a flat program after that.

    The function may compute with Tensors or with Values, call ``backward()`` and take optimizers' steps. Its
    first two calls run as always and are written down; if both did the same, the calls after that replay it.
    What comes from outside is read anew at each replay: arrays, Tensors and floats among the arguments,
    parameters, gradients, an optimizer's options and memory, random generators. Another signature (shapes,
    dtypes, other arguments than arrays and floats, training or evaluation) is captured anew, and kept.

    A decision that Python takes on a computed number (``if loss > 1``) holds a program only while it comes
    out the same. What can't be captured (a computed number that becomes a Python float, an array that NumPy
    changes outside, numbers that differ from call to call without being arguments) runs as it is, after one
    warning that says why.

    Results are new Tensors without a graph; gradients of parameters are arrays that the next replay writes
    to again, so copy what you keep.

    Parameters
    ----------
    function : callable
        A step of training, a network, a loss. Lists, tuples and dictionaries of arrays may go in and out.
    check : bool
        Run every call as it is, compare with the program, and raise where they differ. Slow; for debugging.

    Returns
    -------
    Compiled
        To be called as the function.

    Raises
    ------
    NotTheSameError
        With ``check``: naming the first operation that differs.

    Examples
    --------
    >>> import numpy as np, minigrad as mg
    >>> w = mg.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = mg.optim.SGD([w], lr=0.25)
    >>> @mg.compile
    ... def step(x):
    ...     optimizer.zero_grad()
    ...     loss = ((w * x) ** 2).sum()
    ...     loss.backward()
    ...     optimizer.step()
    ...     return loss
    >>> [step(np.ones(2)).item() for _ in range(4)]
    [5.0, 1.25, 0.3125, 0.078125]
    """
    if function is None:
        return functools.partial(compile, check=check)
    if not callable(function):
        raise TypeError(
            f"compile takes a function, not a {type(function).__name__}: mg.compile(step), and step(x) after"
        )
    return Compiled(function, check)


@dataclass
class Entry:
    """What is known of one signature."""

    captures: list[Capture] = field(default_factory=list)
    program: Program | None = None
    replay: Callable[[list[Any]], Any] | None = None
    writer: Writer | None = None
    capture: Capture | None = None
    changes: int = -1
    renewals: int = 0
    reason: str | None = None
    lock: Any = field(default_factory=threading.Lock)


class Compiled:
    """A function that is replayed; see :func:`minigrad.compile`."""

    def __init__(self, function: Callable[..., Any], check: bool) -> None:
        functools.update_wrapper(self, function, updated=())
        self.function = function
        self.check = check
        self._entries: dict[Any, Entry] = {}
        self._surroundings = Surroundings(function)

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Call the function, or replay it."""
        mode = current()
        if mode.capture is not None or mode.inspect is not None or mode.locate is not None:
            return self.function(*args, **options)
        leaves = (
            list(args)
            if not options and all(type(x) in DIRECT for x in args)
            else trees.flatten((args, options))[0]
        )
        key = (len(args), tuple(options), mode.recording, *map(_kind, leaves), self._surroundings())
        entry = self._entries.get(key)
        if entry is None:
            entry = self._entries[key] = Entry()
        if entry.reason is not None:
            return self.function(*args, **options)
        if entry.replay is not None and not self.check:
            with entry.lock:
                if self._holds(entry):
                    result = entry.replay(leaves)
                    if result is not None:
                        return result[0]
            self._renew(entry)
        return self._captured(entry, args, options)

    def _holds(self, entry: Entry) -> bool:
        now = settings.changes()
        if entry.changes == now:
            return True
        assert entry.capture is not None
        if any(settings_of(thing) != then for thing, then in entry.capture.settings):
            return False
        entry.changes = now
        return True

    def _renew(self, entry: Entry) -> None:
        entry.replay = entry.program = None
        entry.captures.clear()
        entry.renewals += 1
        if entry.renewals > RENEWALS:
            self._give_up(
                entry, "a decision on computed numbers, or the arrays of parameters, change again and again"
            )

    def _captured(self, entry: Entry, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """Run the function, write it down, and make a program of it when it did the same as before."""
        if entry.reason is not None:
            return self.function(*args, **options)
        capture = Capture()
        result = capture.run(self.function, args, options)
        if capture.program is None:
            self._give_up(entry, str(capture.reason))
            return result
        difference = disagreement(entry.captures[-1], capture) if entry.captures else None
        if entry.captures and self.check and difference is not None:
            raise NotTheSameError(difference)
        if entry.captures and difference is None:
            self._build(entry, capture)
        elif len(entry.captures) >= ATTEMPTS:
            self._give_up(entry, str(difference))
        else:
            entry.captures.append(capture)
        return result

    def _build(self, entry: Entry, capture: Capture) -> None:
        assert capture.program is not None
        entry.captures.clear()
        entry.program = settled(optimized(capture.program), capture.optimizers.values())
        entry.writer = Writer(entry.program)
        entry.replay, entry.capture = entry.writer.write(), capture
        entry.changes = -1

    def _give_up(self, entry: Entry, reason: str) -> None:
        entry.reason = reason
        name = getattr(self.function, "__name__", type(self.function).__name__)
        warnings.warn(f"{name} runs as it is, not compiled: {reason}", CaptureWarning, stacklevel=4)

    @property
    def programs(self) -> list[Program]:
        """The programs that are replayed, one for each signature."""
        return [entry.program for entry in self._entries.values() if entry.program is not None]

    def __repr__(self) -> str:
        return (
            f"<compiled {getattr(self.function, '__name__', self.function)}: {len(self.programs)} programs>"
        )


DIRECT = {np.ndarray, float, int, bool, str}
"""Types of arguments that are no trees."""


def _kind(leaf: Any) -> Any:
    """Return what a program depends on of an argument."""
    kind = type(leaf)
    if kind is np.ndarray:
        return leaf.shape, leaf.dtype
    if kind is float:
        return float
    if hasattr(leaf, "_record") and isinstance(getattr(leaf, "data", None), np.ndarray):
        return kind, leaf.shape, leaf.dtype, leaf.requires_grad, leaf._node is None
    if kind in (int, bool, str, type(None), bytes):
        return kind, leaf
    if isinstance(leaf, (list, np.generic, complex)):
        return kind, repr(leaf)
    return kind, id(leaf)


class Surroundings:
    """The plain numbers that a function sees outside itself: a program holds while they are the same."""

    def __init__(self, function: Callable[..., Any]) -> None:
        inner = function if isinstance(function, types.FunctionType) else getattr(function, "__func__", None)
        self._cells = tuple(inner.__closure__ or ()) if isinstance(inner, types.FunctionType) else ()
        self._globals = inner.__globals__ if isinstance(inner, types.FunctionType) else {}
        self._names = tuple(_names(inner.__code__)) if isinstance(inner, types.FunctionType) else ()
        self._owner = getattr(function, "__self__", None)

    def __call__(self) -> tuple[Any, ...]:
        """Return them."""
        found = [_contents(cell) for cell in self._cells]
        found += [_simple(self._globals.get(name)) for name in self._names]
        if self._owner is not None:
            found += [(name, _simple(value)) for name, value in getattr(self._owner, "__dict__", {}).items()]
        return tuple(found)


def _names(code: types.CodeType) -> Iterator[str]:
    """Iterate over the global names in a function, and in those written inside it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)


def _contents(cell: Any) -> Any:
    try:
        return _simple(cell.cell_contents)
    except ValueError:  # not filled yet
        return None


def _simple(value: Any) -> Any:
    """Return a plain number or string as it is; of anything else nothing."""
    return value if type(value) in (float, int, bool, str) else None
