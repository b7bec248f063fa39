"""Functions that are captured when they are first called, and replayed after that."""

from __future__ import annotations

import functools
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from typing import Any

import numpy as np

from .. import trees
from ..recording import current
from .agreement import departure, disagreement
from .backends import backend as backend_of
from .backends import check_name
from .capture import Capture
from .interpreter import interpreted
from .listing import modules_of, tensor_names
from .numpy_backend import Writer
from .passes import optimized
from .passes.fusion import fusion
from .program import Program
from .scalar import ScalarReplay
from .settling import settled
from .summary import ProgramCosts, ScalarCosts, Summary, summarized
from .surroundings import DIRECT, Surroundings
from .warning import CaptureWarning, NotTheSameError

ATTEMPTS = 4
"""Calls after which a signature that never gives the same program twice is given up."""

REFUSALS = 2
"""Runs that can't be captured before a signature is given up: the first may do what is done but once."""

RENEWALS = 32
"""Runs of one signature that are written down, before it is given up."""

KEPT = 8
"""Programs of one signature that are kept, one for each way in which Python decided."""

SIGNATURES = 128
"""Signatures that are remembered."""

_capturing = threading.Lock()
"""Held by the one run that is written down: Tensors hold stand-ins meanwhile."""


def compile(
    function: Callable[..., Any] | None = None, *, check: bool = False, backend: str | None = None
) -> Any:
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

    What the function sees outside its arguments (globals, closures, attributes of objects, the functions that
    it calls) is part of the program, which holds while that is the same; a function that changes it is not
    compiled. Pass large arrays as arguments: outside, they are compared at every call.

    Results are new Tensors whose graph is gone, as after ``backward()``: call that inside. Gradients of
    parameters are arrays that the next replay writes to again, so copy what you keep.

    Parameters
    ----------
    function : callable
        A step of training, a network, a loss. Lists, tuples and dictionaries of arrays may go in and out.
    check : bool
        Run every call as it is, compare with the program, and raise where they differ. Slow; for debugging.
    backend : str, optional
        ``numpy``, or ``numba``: loops compiled for this machine, the same to rounding. By default what
        ``MINIGRAD_BACKEND`` in the environment says, else numba where it is installed (the extra ``fast``).

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
        return functools.partial(compile, check=check, backend=backend)
    if not callable(function):
        raise TypeError(
            f"compile takes a function, not a {type(function).__name__}: mg.compile(step), and step(x) after"
        )
    if any(kind(function) for kind in (isgeneratorfunction, iscoroutinefunction, isasyncgenfunction)):
        raise TypeError(
            f"{function.__name__} is a generator or a coroutine, which goes on after it has returned: "
            f"compile the function that computes a step between two yields or awaits"
        )
    return Compiled(function, check, backend)


@dataclass(eq=False)
class Replay:
    """A program that runs, what it depends on, the same as it was captured, and how long it took to make."""

    program: Program
    writer: Writer
    run: Callable[[list[Any]], Any]
    surroundings: Surroundings
    captured: Program
    seconds: float
    known: tuple[int, ...] = ()
    silenced: dict[str, Any] = field(default_factory=dict)
    lock: Any = field(default_factory=threading.Lock)

    def holds(self, leaves: list[Any], direct: bool = False) -> bool:
        """Return whether all is as it was, and the function knows the same of its arguments from outside."""
        if self.surroundings.changed() is not None:
            return False
        return direct or self.surroundings.known(leaves) == self.known


@dataclass
class Entry:
    """What is known of one signature: programs, the last that held first, and runs that wait for another."""

    replays: list[Replay] = field(default_factory=list)
    captures: list[Capture] = field(default_factory=list)
    captured: int = 0
    refused: int = 0
    reason: str | None = None


class Compiled:
    """A function that is replayed; see :func:`minigrad.compile`."""

    def __init__(self, function: Callable[..., Any], check: bool, backend: str | None = None) -> None:
        functools.update_wrapper(self, function, updated=())
        self.function = function
        self.check = check
        self.backend = check_name(backend)
        self._entries: dict[Any, Entry] = {}
        self.scalar: ScalarReplay | None = None
        """Replays the function, if it computes with Values."""

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Call the function, or replay it."""
        mode = current()
        if mode.capture is not None or mode.inspect is not None or mode.locate is not None:
            return self.function(*args, **options)
        if self.scalar is not None:
            return self.scalar(*args, **options)
        direct = not options and all(type(x) in DIRECT for x in args)
        leaves = list(args) if direct else trees.flatten((args, options))[0]
        key = (len(args), tuple(options), mode.recording, *map(_kind, leaves), _repeated(leaves))
        entry = self._entries.get(key)
        if entry is None:
            entry = self._new_entry(key)
        if not self.check:
            for replay in entry.replays:
                result = None
                with replay.lock:
                    if replay.holds(leaves, direct):
                        if replay.silenced:
                            with np.errstate(**replay.silenced):
                                result = replay.run(leaves)
                        else:
                            result = replay.run(leaves)
                if result is not None:
                    if replay is not entry.replays[0]:
                        _move_to_front(entry.replays, replay)
                    return result[0]
        if (entry.reason is not None and not entry.replays) or not _capturing.acquire(blocking=False):
            return self.function(*args, **options)
        try:
            if self.check:
                return self._checked(entry, leaves, args, options)
            return self._captured(entry, args, options)[0]
        finally:
            _capturing.release()

    def _new_entry(self, key: Any) -> Entry:
        """Return a place for what becomes known of a signature; of many, the oldest are forgotten."""
        if len(self._entries) >= SIGNATURES:
            self._entries.pop(next(iter(self._entries)), None)
        return self._entries.setdefault(key, Entry())

    def _checked(
        self, entry: Entry, leaves: list[Any], args: tuple[Any, ...], options: dict[str, Any]
    ) -> Any:
        """Run the function, and compare with what the programs would have computed."""
        expected = [
            (replay, interpreted(replay.program, leaves)) for replay in entry.replays if replay.holds(leaves)
        ]
        result, capture = self._captured(entry, args, options)
        for replay, values in expected:
            if values is None:
                continue
            if capture.program is None:
                raise NotTheSameError(f"{self} can't be captured any more: {capture.reason}")
            difference = departure(replay.program, values, replay.captured, capture)
            if difference is not None:
                raise NotTheSameError(difference)
        return result

    def _captured(self, entry: Entry, args: tuple[Any, ...], options: dict[str, Any]) -> tuple[Any, Capture]:
        """Run the function, write it down, and make a program of it when it did the same as before."""
        start = time.perf_counter()
        capture = Capture(keep_values=self.check)
        result = capture.run(self.function, args, options)
        entry.captured += 1
        if capture.has_values and not capture.has_tensors:
            self.scalar = ScalarReplay(self.function, self.check)
            return result, capture
        if capture.program is None:
            entry.refused += 1
            if (entry.refused >= REFUSALS and not entry.replays) or entry.captured > RENEWALS:
                self._give_up(entry, str(capture.reason))
            return result, capture
        reasons = [disagreement(before, capture) for before in reversed(entry.captures)]
        if None in reasons:
            self._build(entry, capture, start)
        elif len(entry.captures) >= ATTEMPTS:
            self._give_up(entry, str(reasons[0]))
        elif entry.captured > RENEWALS:
            self._give_up(entry, "what it depends on outside its arguments changes again and again")
        else:
            entry.captures.append(capture)
        return result, capture

    def _build(self, entry: Entry, capture: Capture, start: float) -> None:
        assert capture.program is not None
        entry.captures.clear()
        program = settled(optimized(capture.program), capture.optimizers.values())
        backend = backend_of(self.backend)
        program = fusion(program, backend.fusable)
        writer = Writer(program, backend.kernel)
        run, seconds = writer.write(), time.perf_counter() - start
        replay = Replay(
            program,
            writer,
            run,
            capture.surroundings,
            capture.program,
            seconds,
            capture.known,
            capture.silenced,
        )
        entry.replays.insert(0, replay)
        del entry.replays[KEPT:]

    def _give_up(self, entry: Entry, reason: str) -> None:
        entry.reason = reason
        entry.captures.clear()
        name = getattr(self.function, "__name__", type(self.function).__name__)
        warnings.warn(f"{name} runs as it is, not compiled: {reason}", CaptureWarning, stacklevel=4)

    @property
    def programs(self) -> list[Program]:
        """The programs that are replayed."""
        return [replay.program for replay in self._replays()]

    @property
    def captured(self) -> list[Program]:
        """The same programs as they were captured, before optimisation."""
        return [replay.captured for replay in self._replays()]

    @property
    def source(self) -> str:
        """The Python text of every replay; the names in it stand for arrays, functions and Tensors."""
        return "\n".join(replay.writer.source for replay in self._replays())

    @property
    def names(self) -> dict[int, str]:
        """What the parameters of the networks that the function sees are called, by the ``id`` of each."""
        return tensor_names(modules_of(self.function))

    def summary(self) -> Summary:
        """
        Return what the programs cost, with the time of each instruction, measured now on copies.

        Examples
        --------
        >>> import numpy as np, minigrad as mg
        >>> double = mg.compile(lambda x: np.exp(2.0 * x), backend="numpy")
        >>> for _ in range(3):
        ...     result = double(np.ones(3))
        >>> summary = double.summary()
        >>> [cost.name for cost in summary.programs[0].costs]
        ['multiply', 'exp']
        """
        name = getattr(self.function, "__name__", type(self.function).__name__)
        reasons = [entry.reason for entry in self._entries.values() if entry.reason is not None]
        found: list[ProgramCosts | ScalarCosts] = [
            summarized(
                replay.program,
                name,
                tensors=self.names,
                kernel=replay.writer.kernel,
                captured=replay.captured,
                compile_seconds=replay.seconds,
            )
            for replay in self._replays()
        ]
        if self.scalar is not None:
            reasons += [self.scalar.reason] if self.scalar.reason else []
            found += [ScalarCosts.of(program, name) for program in self.scalar.programs]
        return Summary(tuple(found), tuple(dict.fromkeys(reasons)))

    def _replays(self) -> list[Replay]:
        return [replay for entry in self._entries.values() for replay in entry.replays]

    def __repr__(self) -> str:
        count = len(self.programs) + len(self.scalar.programs if self.scalar is not None else ())
        return f"<compiled {getattr(self.function, '__name__', self.function)}: {count} programs>"


def _move_to_front(replays: list[Replay], replay: Replay) -> None:
    """Let the program that held come first, unless another thread has taken it away."""
    if replay in replays:
        replays.remove(replay)
        replays.insert(0, replay)


def _kind(leaf: Any) -> Any:
    """Return what a program depends on of an argument."""
    kind = type(leaf)
    if kind is np.ndarray and not leaf.dtype.hasobject:
        return leaf.shape, leaf.dtype
    if kind is float:
        return float
    if hasattr(leaf, "_record") and isinstance(getattr(leaf, "data", None), np.ndarray):
        return kind, leaf.shape, leaf.dtype, leaf.requires_grad, leaf._node is None
    if kind in (int, bool, str, type(None), bytes):
        return kind, leaf
    if isinstance(leaf, (list, np.ndarray, np.generic, complex)):
        return kind, repr(leaf)
    return kind, id(leaf)


def _repeated(leaves: list[Any]) -> tuple[int, ...]:
    """Return which arguments are one and the same object, if any are."""
    if len(leaves) < 2:
        return ()
    ids = list(map(id, leaves))
    return () if len(set(ids)) == len(ids) else tuple(map(ids.index, ids))
