"""The recorded graph: nodes, whether recording is on, and the two walks over it.

Backward carries cotangents from the output to the leaves, forward carries tangents the other way. Both are
loops over the nodes in the order in which they were recorded: they never recurse and always run the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ContextDecorator, contextmanager
from contextvars import ContextVar
from itertools import count
from operator import attrgetter
from typing import Any, TypeAlias

import numpy as np

from .rules import Primitive
from .rules.primitive import numbers

_recording: ContextVar[tuple[bool, ...]] = ContextVar("recording", default=(True,))
_origin: ContextVar[Callable[[], tuple[str, str, str]] | None] = ContextVar("origin", default=None)
clock = count()
"""Numbers the nodes of all graphs in the order of recording, which is a topological order."""


class GraphFreedError(RuntimeError):
    """The graph was released by an earlier backward pass."""


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


class Recording(ContextDecorator):
    """Context manager and decorator that switches recording; it holds no state, so it may be used again."""

    def __init__(self, wanted: bool) -> None:
        self.wanted = wanted

    def __enter__(self) -> None:
        _recording.set((*_recording.get(), self.wanted))

    def __exit__(self, *exception: object) -> None:
        _recording.set(_recording.get()[:-1])


def is_recording() -> bool:
    """Return whether operations are being recorded here."""
    return _recording.get()[-1]


class Node:
    """
    One recorded application of a primitive to arrays.

    `parents` holds, for each argument, the node it came from, the leaf Tensor itself, or None for a constant.
    The node keeps its output array, never its output Tensor: there are no reference cycles.
    """

    __slots__ = ("args", "gradient", "label", "options", "order", "origin", "output", "parents", "primitive")

    def __init__(
        self,
        primitive: Primitive,
        parents: tuple[Any, ...],
        args: Sequence[Any],
        options: Mapping[str, Any],
        output: Any,
    ) -> None:
        self.primitive = primitive
        self.parents = parents
        self.args: Sequence[Any] | None = args
        self.options = options
        self.output = output
        self.gradient: Any = None
        self.label = ""
        self.order = next(clock)
        self.origin = origin_here()

    @property
    def released(self) -> bool:
        """Whether a backward pass has let go of what the rule needs."""
        return self.args is None

    def release(self) -> None:
        """Let go of arrays and parents."""
        self.args = self.output = None
        self.parents = ()


Vertex: TypeAlias = Any
"""A Node, or a leaf: a Tensor that requires a gradient (its `primitive` is None), or a Value."""


def newest_first(root: Vertex) -> list[Vertex]:
    """
    Return all vertices that ``root`` was computed from, itself included, latest recorded first.

    Raises
    ------
    GraphFreedError
        If a part of the graph has been released.
    """
    seen = {id(root)}
    found = [root]
    for vertex in found:
        if vertex.primitive is not None and vertex.released:
            raise GraphFreedError(
                "this graph was freed by an earlier backward(), or by one that failed; "
                "call that one with retain_graph=True, or compute the output again"
            )
        for parent in vertex.parents:
            if parent is not None and id(parent) not in seen:
                seen.add(id(parent))
                found.append(parent)
    found.sort(key=attrgetter("order"), reverse=True)
    return found


def walk_backward(
    root: Vertex, cotangent: Any, *, keep: bool, read: Callable[[Node], tuple[Any, Sequence[Any]]]
) -> Iterator[tuple[Vertex, Any]]:
    """
    Carry ``cotangent`` from ``root`` to the leaves; yield each leaf with its own.

    Parameters
    ----------
    root : Node or leaf Tensor
        Where to start.
    cotangent : array or Tensor
        Derivative of the result by ``root``.
    keep : bool
        Keep the graph, and every node's cotangent in ``node.gradient``; otherwise release nodes on the way.
    read : callable
        What the rules get to see of a node: its output and its arguments.
    """
    pending = {id(root): cotangent}
    for vertex in newest_first(root):
        g = pending.pop(id(vertex))
        if vertex.primitive is None:
            yield vertex, g
            continue
        output, args = read(vertex)
        vjp, options = vertex.primitive.vjp, vertex.options
        for k, parent in enumerate(vertex.parents):
            if parent is not None:
                c = vjp(k, g, output, args, options)
                key = id(parent)
                pending[key] = pending[key] + c if key in pending else c
        if keep:
            vertex.gradient = np.array(numbers(g))  # the array alone: a recorded one would refer back here
        else:
            vertex.release()


def walk_forward(
    root: Vertex, tangents: Mapping[int, Any], *, read: Callable[[Node], tuple[Any, Sequence[Any]]]
) -> Any:
    """Carry the ``tangents`` of leaves (by ``id``) to ``root``; None where it depends on none of them."""
    moved = dict(tangents)
    for vertex in reversed(newest_first(root)):
        if vertex.primitive is None or id(vertex) in moved:
            continue
        arriving = [None if parent is None else moved.get(id(parent)) for parent in vertex.parents]
        if any(t is not None for t in arriving):
            output, args = read(vertex)
            moved[id(vertex)] = vertex.primitive.jvp(arriving, output, args, vertex.options)
    return moved.get(id(root))


@contextmanager
def recording_origin(locate: Callable[[], tuple[str, str, str]]) -> Iterator[None]:
    """Context inside which every node remembers ``locate()``: its module, its type, its source line."""
    token = _origin.set(locate)
    try:
        yield
    finally:
        _origin.reset(token)


def origin_here() -> tuple[str, str, str] | None:
    """Return the origin to remember for a node recorded now; None outside a trace."""
    locate = _origin.get()
    return locate() if locate else None
