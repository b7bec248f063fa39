"""Whether operations are recorded here, and what else happens when they are.

One context variable says it, so that threads and tasks do not disturb each other; every block restores what
was before it, also after an exception.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ContextDecorator, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from typing import Any, Protocol, TypeAlias

Origin: TypeAlias = tuple[str, str, str]
"""Path and type of the layer that is at work, and the user's source line."""


class Inspector(Protocol):
    """Looks at every number that is computed: see :func:`minigrad.detect_anomaly`."""

    def result(self, primitive: Any, args: Any, options: Any, output: Any) -> None:
        """Look at what a primitive gave."""

    def seal(self, args: Any, output: Any) -> Any:
        """Return what tells later whether these arrays have been changed."""

    def opened(self, node: Any) -> None:
        """Look at what a node saved, before its rule reads it."""

    def cotangent(self, node: Any, k: int, compute: Callable[[], Any]) -> Any:
        """Return the cotangent of argument ``k``, after a look at it."""

    def tangent(self, node: Any, compute: Callable[[], Any]) -> Any:
        """Return the tangent of a node, after a look at it."""


class Capturer(Protocol):
    """Turns what is computed into a program: see :func:`minigrad.compile`."""

    def value(self, value: Any) -> None:
        """Note a Value that was just computed."""

    def value_backward(self, root: Any) -> None:
        """Note that backward() is about to start from a Value."""

    def lift(self, tensor: Any) -> Any:
        """Return what stands for the array of a Tensor in the program."""

    def made(self, tensor: Any) -> None:
        """Note a Tensor that was just computed."""

    def reading_gradient(self, tensor: Any) -> None:
        """Note that the gradient of a Tensor is looked at."""

    def setting_gradient(self, tensor: Any) -> None:
        """Note that the gradient of a Tensor is about to be replaced."""

    def module(self, module: Any) -> None:
        """Note that a module is called."""

    def draw(self, rng: Any, shape: tuple[int, ...]) -> Any:
        """Draw uniform numbers in [0, 1)."""

    def step(self, optimizer: Any) -> None:
        """Take an optimizer's step."""


@dataclass(frozen=True, slots=True)
class Mode:
    """
    How operations are treated.

    Attributes
    ----------
    recording : bool
        Whether they are recorded.
    locate : callable or None
        Tells where in the user's code they are, to be kept with the node.
    inspect : Inspector or None
        Looks at their results.
    capture : Capturer or None
        Makes a program of them.
    outer : Mode or None
        What to go back to.
    """

    recording: bool = True
    locate: Callable[[], Origin] | None = None
    inspect: Inspector | None = None
    capture: Capturer | None = None
    outer: Mode | None = None


PLAIN = Mode()
"""Recording and nothing else: how operations are treated outside every block."""

_mode: ContextVar[Mode] = ContextVar("mode", default=PLAIN)
current = _mode.get
"""Return the mode here."""


class Recording(ContextDecorator):
    """Context manager and decorator that switches recording; it holds no state, so it may be used again."""

    def __init__(self, wanted: bool) -> None:
        self.wanted = wanted

    def __enter__(self) -> None:
        mode = current()
        _mode.set(replace(mode, recording=self.wanted, outer=mode))

    def __exit__(self, *exception: object) -> None:
        _mode.set(current().outer or PLAIN)

    def __call__(self, function: Any) -> Any:
        """Decorate a function, unless it goes on after it has returned."""
        if isgeneratorfunction(function) or iscoroutinefunction(function) or isasyncgenfunction(function):
            raise TypeError(
                f"{function.__name__} is a generator or a coroutine, which runs after the decorator; "
                f"write `with mg.no_grad():` inside it, around what it computes between two yields or awaits"
            )
        return super().__call__(function)


def no_grad() -> Recording:
    """
    Context manager and decorator inside which nothing is recorded.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor(2.0, requires_grad=True)
    >>> with mg.no_grad():
    ...     y = x * x
    >>> y.requires_grad
    False
    """
    return Recording(False)


def enable_grad() -> Recording:
    """
    Context manager and decorator inside which operations are recorded, also inside :func:`no_grad`.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor(2.0, requires_grad=True)
    >>> with mg.no_grad(), mg.enable_grad():
    ...     y = x * x
    >>> y.requires_grad
    True
    """
    return Recording(True)


def is_recording() -> bool:
    """Return whether operations are being recorded here."""
    return current().recording


@contextmanager
def recording_origin(locate: Callable[[], Origin] | None, inspect: Inspector | None = None) -> Iterator[None]:
    """Context inside which every node remembers ``locate()``, and ``inspect`` looks at every result."""
    mode = current()
    token = _mode.set(replace(mode, locate=locate, inspect=inspect, outer=mode))
    try:
        yield
    finally:
        _mode.reset(token)


@contextmanager
def capturing(capture: Capturer | None, inspect: Inspector | None = None) -> Iterator[None]:
    """Context inside which a program is made of what is computed, and ``inspect`` looks at every result."""
    mode = current()
    token = _mode.set(replace(mode, capture=capture, inspect=inspect, outer=mode))
    try:
        yield
    finally:
        _mode.reset(token)
