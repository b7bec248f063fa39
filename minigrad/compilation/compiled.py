"""Functions that are captured when they are first called, and replayed after that."""

from __future__ import annotations

import functools
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .. import trees
from ..recording import current
from .agreement import disagreement
from .capture import Capture
from .numpy_backend import Writer
from .passes import optimized
from .program import Program
from .settling import settled
from .surroundings import Surroundings

ATTEMPTS = 4
"""Calls after which a signature that never gives the same program twice is given up."""

RENEWALS = 32
"""Runs of one signature that are written down, before it is given up."""

KEPT = 8
"""Programs of one signature that are kept, one for each way in which Python decided."""

SIGNATURES = 128
"""Signatures that are remembered."""

_capturing = threading.Lock()
"""Held by the one run that is written down: Tensors hold stand-ins meanwhile."""


class CaptureWarning(UserWarning):
    """A function can't be replayed, and runs as it is."""


class NotTheSameError(AssertionError):
    """A checked function did something else than its program says."""


def compile(function: Callable[..., Any] | None = None, *, check: bool = False) -> Any:
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
class Replay:
    """A program that runs, and what it depends on."""

    program: Program
    writer: Writer
    run: Callable[[list[Any]], Any]
    surroundings: Surroundings
    lock: Any = field(default_factory=threading.Lock)


@dataclass
class Entry:
    """What is known of one signature: programs, the last one that held first, and runs that wait for another."""

    replays: list[Replay] = field(default_factory=list)
    captures: list[Capture] = field(default_factory=list)
    captured: int = 0
    reason: str | None = None


class Compiled:
    """A function that is replayed; see :func:`minigrad.compile`."""

    def __init__(self, function: Callable[..., Any], check: bool) -> None:
        functools.update_wrapper(self, function, updated=())
        self.function = function
        self.check = check
        self._entries: dict[Any, Entry] = {}

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
        key = (len(args), tuple(options), mode.recording, *map(_kind, leaves), _repeated(leaves))
        entry = self._entries.get(key)
        if entry is None:
            entry = self._new_entry(key)
        if not self.check:
            for replay in entry.replays:
                result = None
                with replay.lock:
                    if replay.surroundings.changed() is None:
                        result = replay.run(leaves)
                if result is not None:
                    if replay is not entry.replays[0]:
                        _move_to_front(entry.replays, replay)
                    return result[0]
        if entry.reason is not None or not _capturing.acquire(blocking=False):
            return self.function(*args, **options)
        try:
            return self._captured(entry, args, options)
        finally:
            _capturing.release()

    def _new_entry(self, key: Any) -> Entry:
        """Return a place for what becomes known of a signature; of many, the oldest are forgotten."""
        if len(self._entries) >= SIGNATURES:
            self._entries.pop(next(iter(self._entries)), None)
        return self._entries.setdefault(key, Entry())

    def _captured(self, entry: Entry, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """Run the function, write it down, and make a program of it when it did the same as before."""
        capture = Capture()
        result = capture.run(self.function, args, options)
        entry.captured += 1
        if capture.program is None:
            self._give_up(entry, str(capture.reason))
            return result
        reasons = [disagreement(before, capture) for before in reversed(entry.captures)]
        if reasons and self.check and reasons[0] is not None:
            raise NotTheSameError(reasons[0])
        if None in reasons:
            self._build(entry, capture)
        elif len(entry.captures) >= ATTEMPTS:
            self._give_up(entry, str(reasons[0]))
        elif entry.captured > RENEWALS:
            self._give_up(entry, "what it depends on outside its arguments changes again and again")
        else:
            entry.captures.append(capture)
        return result

    def _build(self, entry: Entry, capture: Capture) -> None:
        assert capture.program is not None
        entry.captures.clear()
        program = settled(optimized(capture.program), capture.optimizers.values())
        writer = Writer(program)
        entry.replays.insert(0, Replay(program, writer, writer.write(), capture.surroundings))
        del entry.replays[KEPT:]

    def _give_up(self, entry: Entry, reason: str) -> None:
        entry.reason = reason
        entry.captures.clear()
        name = getattr(self.function, "__name__", type(self.function).__name__)
        warnings.warn(f"{name} runs as it is, not compiled: {reason}", CaptureWarning, stacklevel=4)

    @property
    def programs(self) -> list[Program]:
        """The programs that are replayed."""
        return [replay.program for entry in self._entries.values() for replay in entry.replays]

    def __repr__(self) -> str:
        return (
            f"<compiled {getattr(self.function, '__name__', self.function)}: {len(self.programs)} programs>"
        )


def _move_to_front(replays: list[Replay], replay: Replay) -> None:
    """Let the program that held come first, unless another thread has taken it away."""
    if replay in replays:
        replays.remove(replay)
        replays.insert(0, replay)


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


def _repeated(leaves: list[Any]) -> tuple[int, ...]:
    """Return which arguments are one and the same object, if any are."""
    if len(leaves) < 2:
        return ()
    ids = list(map(id, leaves))
    return () if len(set(ids)) == len(ids) else tuple(map(ids.index, ids))
