"""The recorded graph: its nodes, and the two walks over them.

Backward carries cotangents from the output to the ends of the graph, forward carries tangents the other way.
Both are loops over the nodes in the order in which they were recorded, which is a topological order: they
never recurse and always run the same way. :mod:`minigrad.recording` says when nodes are made.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import count
from operator import attrgetter
from typing import Any, TypeAlias

from . import writes
from .recording import Mode, current, recording_origin
from .rules import Primitive

tick = count().__next__
"""Numbers the nodes of all graphs in the order of recording."""

Vertex: TypeAlias = Any
"""A Node, or a leaf: a Tensor that requires a gradient (its `primitive` is None), or a Value."""

Read: TypeAlias = "Callable[[Node], tuple[Any, Sequence[Any]]]"
"""What the rules get to see of a node: its output and its arguments, as arrays or as recorded Tensors."""


class GraphFreedError(RuntimeError):
    """The graph was released by an earlier backward pass."""


class Node:
    """
    One recorded application of a primitive to arrays.

    `parents` holds, for each argument, the node it came from, the leaf Tensor itself, or None for a constant.
    The node keeps its output array, never its output Tensor: there are no reference cycles.
    """

    __slots__ = (
        "args", "gradient", "label", "options", "order", "origin", "output", "parents", "primitive", "seal",
    )  # fmt: skip

    def __init__(
        self,
        primitive: Primitive,
        parents: tuple[Any, ...],
        args: Sequence[Any],
        options: Mapping[str, Any],
        output: Any,
        mode: Mode,
    ) -> None:
        self.primitive = primitive
        self.parents = parents
        self.args: Sequence[Any] | None = args
        self.options = options
        self.output = output
        self.gradient: Any = None
        self.label = ""
        self.order = tick()
        self.origin = mode.locate() if mode.locate else None
        self.seal = mode.inspect.seal(args, output) if mode.inspect else None

    @property
    def released(self) -> bool:
        """Whether a backward pass has let go of what the rule needs."""
        return self.args is None

    def release(self) -> None:
        """Let go of arrays and parents."""
        self.args = self.output = None
        self.parents = ()


def newest_first(root: Vertex, ends: Collection[int] = ()) -> list[Vertex]:
    """
    Return all vertices that ``root`` was computed from, itself included, latest recorded first.

    Parameters
    ----------
    root : Node or leaf
        Where to start.
    ends : collection of int
        The ids of vertices to stop at, besides the leaves.

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
        if id(vertex) in ends:
            continue
        for parent in vertex.parents:
            if parent is not None and id(parent) not in seen:
                seen.add(id(parent))
                found.append(parent)
    found.sort(key=attrgetter("order"), reverse=True)
    return found


def between(root: Vertex, ends: Collection[int]) -> list[Vertex]:
    """Return, latest first, the vertices on the paths from ``root`` back to ``ends``."""
    order = newest_first(root, ends)
    reaching = set(ends)
    for vertex in reversed(order):
        if not reaching.isdisjoint(map(id, vertex.parents)):
            reaching.add(id(vertex))
    return [vertex for vertex in order if id(vertex) in reaching]


def walk_backward(
    root: Vertex,
    cotangent: Any,
    *,
    read: Read,
    release: bool = False,
    ends: Collection[int] = (),
) -> Iterator[tuple[Vertex, Any]]:
    """
    Carry ``cotangent`` from ``root`` to the ends of its graph; yield every vertex with its own.

    Where a branch was not chosen by a `where`, its cotangent is 0, and stays 0 even times an infinite
    partial: beneath such a node the strong product of :mod:`minigrad.rules.primitive` is taken.

    Parameters
    ----------
    root : Node or leaf Tensor
        Where to start.
    cotangent : array or Tensor
        Derivative of the result by ``root``.
    read : callable
        What the rules get to see of a node.
    release : bool
        Let go of the nodes on the way.
    ends : collection of int
        Go to these vertices (by ``id``) alone; by default to all leaves.
    """
    order = between(root, ends) if ends else newest_first(root)
    wanted = {id(vertex) for vertex in order} if ends else None
    pending = {id(root): cotangent}
    unchosen: set[int] = set()
    inspect = current().inspect
    oldest = next((vertex.order for vertex in reversed(order) if vertex.primitive is not None), 0)
    check = writes.check if oldest < writes.latest() else None
    for vertex in order:
        g = pending.pop(id(vertex))
        yield vertex, g
        if vertex.primitive is None or id(vertex) in ends:
            continue
        primitive, parents = vertex.primitive, vertex.parents
        if check is not None:
            check(vertex)
        if inspect is not None:
            inspect.opened(vertex)
        vjp = primitive.vjp
        if primitive.guards or id(vertex) in unchosen:
            vjp = primitive.strong_vjp
            if primitive.guards or primitive.keeps_zeros:
                unchosen.update(map(id, parents))
        output, args = read(vertex)
        options = vertex.options
        for k, parent in enumerate(parents):
            if parent is None or (wanted is not None and id(parent) not in wanted):
                continue
            if inspect is None:
                c = vjp(k, g, output, args, options)
            else:
                with recording_origin(None, None):  # what matters is what comes out of the rule
                    c = vjp(k, g, output, args, options)
                inspect.cotangent(vertex, k, c)
            key = id(parent)
            pending[key] = pending[key] + c if key in pending else c
        if release:
            vertex.release()


def walk_forward(root: Vertex, tangents: Mapping[int, Any], *, read: Read) -> Any:
    """Carry the ``tangents`` of vertices (by ``id``) to ``root``; None where it depends on none of them."""
    moved = dict(tangents)
    for vertex in reversed(between(root, tangents)):
        if id(vertex) not in moved:
            writes.check(vertex)
            arriving = [None if parent is None else moved.get(id(parent)) for parent in vertex.parents]
            output, args = read(vertex)
            moved[id(vertex)] = vertex.primitive.jvp(arriving, output, args, vertex.options)
    return moved.get(id(root))
