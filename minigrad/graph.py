"""The recorded graph: its nodes, and the two walks over them.

Computing ``y = x * x`` makes a node that knows its primitive, ``multiply``, and what it was applied to.
Backward starts with the derivative of y by itself, 1, and asks the primitive's rule what that means for each
argument: 1·x and 1·x, which add up to 2x. Forward starts with a change of x and asks what it does to y.

Both are loops over the nodes in the order in which they were recorded. Whatever a node was computed from was
recorded before it, so this is a topological order: nothing recurses, and everything always runs the same way.
:mod:`minigrad.recording` says when nodes are made.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from copy import deepcopy
from functools import partial
from itertools import count
from operator import attrgetter
from typing import Any, TypeAlias

from . import writes
from .recording import Mode, current
from .rules import Primitive

_order = attrgetter("order")
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
        "args", "gradient", "kept", "label", "options", "order", "origin", "output", "parents", "primitive",
        "seal",
    )  # fmt: skip

    def __init__(
        self,
        primitive: Primitive,
        parents: tuple[Any, ...],
        args: Sequence[Any],
        options: Mapping[str, Any],
        output: Any,
        mode: Mode,
        kept: Any = None,
    ) -> None:
        self.primitive = primitive
        self.parents: Any = parents
        self.args: Sequence[Any] | None = args
        self.options = options
        self.output = output
        self.kept = kept
        self.gradient: Any = None
        self.label = ""
        self.order = tick()
        self.origin = mode.locate() if mode.locate else None
        self.seal = mode.inspect.seal(args, output) if mode.inspect else None

    @property
    def released(self) -> bool:
        """Whether a backward pass has let go of what the rule needs."""
        return self.parents is None

    def __deepcopy__(self, memo: dict[int, Any]) -> Node:
        """Copy what it was computed from as well, oldest first, so that a long graph needs no recursion."""
        found, seen = [self], {id(self)}
        for node in found:
            for parent in node.parents or ():
                if isinstance(parent, Node) and id(parent) not in seen and id(parent) not in memo:
                    seen.add(id(parent))
                    found.append(parent)
        for node in sorted(found, key=_order):
            copy = memo[id(node)] = object.__new__(Node)
            copy.__setstate__((None, {name: deepcopy(getattr(node, name), memo) for name in self.__slots__}))
        return memo[id(self)]

    def __setstate__(self, state: tuple[None, dict[str, Any]]) -> None:
        """Become a copy, perhaps in another process: recorded now, after the copies of the parents."""
        for name, value in state[1].items():
            setattr(self, name, value)
        self.order, self.seal = tick(), None

    def release(self) -> None:
        """Let go of arrays and parents."""
        self.args = self.output = self.kept = self.parents = None


def newest_first(root: Vertex) -> list[Vertex]:
    """
    Return all vertices that ``root`` was computed from, itself included, latest recorded first.

    Raises
    ------
    GraphFreedError
        If a part of the graph has been released.
    """
    seen = {root, None}  # a constant has no parent
    found = [root]
    for vertex in found:
        for parent in _parents(vertex):
            if parent not in seen:
                seen.add(parent)
                found.append(parent)
    found.sort(key=_order, reverse=True)
    return found


def between(roots: Sequence[Vertex], ends: Collection[int], since: int) -> tuple[list[Vertex], list[Vertex]]:
    """
    Return the vertices on the paths from ``roots`` back to ``ends``, latest first, and what lies beyond.

    Only what was recorded since ``since`` can lead to the ends; whatever else the roots were computed from
    is beyond, and not looked into.

    Raises
    ------
    GraphFreedError
        If a part of the graph between has been released.
    """
    found = list({id(root): root for root in roots}.values())
    seen = {id(root) for root in found}
    beyond = []
    for vertex in found:
        if id(vertex) in ends:
            continue
        if vertex.order < since:
            beyond.append(vertex)
            continue
        for parent in _parents(vertex):
            if parent is not None and id(parent) not in seen:
                seen.add(id(parent))
                found.append(parent)
    found.sort(key=_order, reverse=True)
    reaching = set(ends)
    for vertex in reversed(found):
        if vertex.order >= since and not reaching.isdisjoint(map(id, vertex.parents)):
            reaching.add(id(vertex))
    return [vertex for vertex in found if id(vertex) in reaching], beyond


def walk_backward(
    order: Sequence[Vertex],
    cotangents: Mapping[int, Any],
    read: Read,
    *,
    ends: Collection[int] = (),
    release: bool = False,
) -> Iterator[tuple[Vertex, Any]]:
    """
    Carry cotangents from results to the ends of their graph; yield every vertex with its own.

    Each node gets the sum of what its users hand it, then hands each parent its share: ∂result/∂parent is the
    sum, over all paths between, of the products of the derivatives on the path.

    Where a branch was not chosen by a `where`, its cotangent is 0, and stays 0 even times an infinite
    partial: beneath such a node the rules multiply by :data:`minigrad.rules.primitive.strong_multiply`.

    Parameters
    ----------
    order : sequence of vertices
        Latest first, so that all users of a node come before it.
    cotangents : mapping
        Derivatives of the final result by some vertices, by their ``id``.
    read : callable
        What the rules get to see of a node.
    ends : collection of int
        Go to these vertices (by ``id``) alone; by default to all leaves.
    release : bool
        Let go of the nodes on the way.
    """
    pending = dict(cotangents)
    wanted = {id(vertex) for vertex in order} if ends else None
    unchosen: set[int] = set()
    inspect, read = current().inspect, _checked(read, order)
    for vertex in order:
        g = pending.pop(id(vertex), None)
        if g is None:
            continue
        yield vertex, g
        primitive, parents = vertex.primitive, vertex.parents
        if primitive is None or id(vertex) in ends:
            continue
        output, args = read(vertex)
        vjp = primitive.vjp
        if primitive.guards or (unchosen and id(vertex) in unchosen):
            vjp = primitive.strong_vjp
            if primitive.guards or primitive.keeps_zeros:
                unchosen.update(map(id, parents))
        for k, parent in enumerate(parents):
            key = id(parent)
            if parent is None or (wanted is not None and key not in wanted):
                continue
            if inspect is None:
                c = vjp(k, g, output, args, vertex.options)
            else:
                c = inspect.cotangent(vertex, k, partial(vjp, k, g, output, args, vertex.options))
            pending[key] = pending[key] + c if key in pending else c
        if release:
            vertex.release()


def walk_forward(order: Sequence[Vertex], tangents: Mapping[int, Any], read: Read) -> dict[int, Any]:
    """Carry the tangents of some vertices (by ``id``) to all that depend on them; return everybody's."""
    moved = dict(tangents)
    inspect, read = current().inspect, _checked(read, order)
    for vertex in reversed(order):
        arriving = [None if parent is None else moved.get(id(parent)) for parent in vertex.parents]
        if id(vertex) in moved or all(t is None for t in arriving):
            continue
        output, args = read(vertex)
        push = partial(vertex.primitive.jvp, arriving, output, args, vertex.options)
        moved[id(vertex)] = push() if inspect is None else inspect.tangent(vertex, push)
    return moved


def _checked(read: Read, order: Sequence[Vertex]) -> Read:
    """Let a reader look first whether what it reads has been changed, where that may be."""
    inspect = current().inspect
    oldest = next((vertex.order for vertex in reversed(order) if vertex.primitive is not None), 0)
    if inspect is None and oldest > writes.latest():
        return read

    def check_and_read(node: Node) -> tuple[Any, Sequence[Any]]:
        writes.check(node)
        if inspect is not None:
            inspect.opened(node)
        return read(node)

    return check_and_read


def _parents(vertex: Vertex) -> Any:
    parents = vertex.parents
    if parents is None:
        raise GraphFreedError(
            "this graph was freed by an earlier backward(), or by one that failed; "
            "call that one with retain_graph=True, or compute the output again; "
            "or it is that of a compiled function, inside which backward() must be called"
        )
    return parents
