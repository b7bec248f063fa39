"""What lies between a stage and the earlier ones that it reads: linear nodes, and the parameters in them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from typing import Any

import numpy as np

from ..graph import Node, Vertex, newest_first, walk_backward
from ..recording import enable_grad
from ..rules.products import linear
from ..tensor import Array, Tensor
from .affine import AffineMap, constant_through, slopes_through

Units = Mapping[int, Array]
"""Units of some stages, by the stages' places."""

Gradients = list[tuple[Vertex, Array]]
"""Gradients of leaves, and of what is computed from leaves alone."""


def freeze(around: AffineMap) -> None:
    """Copy what the recorded nodes have read of parameters and constants, which may change from now on."""
    moving = {id(around.leaf), *map(id, around.nodes)}
    copies: dict[int, tuple[Array, Array]] = {}  # the original, too: while it lives, nothing else has its id

    def copied(array: Any) -> Any:
        if not isinstance(array, np.ndarray):
            return array
        if id(array) not in copies:
            copies[id(array)] = array, array.copy()
        return copies[id(array)][1]

    starts = set() if id(around.root) in moving else {around.root}
    for node in around.nodes:
        assert node.args is not None
        given = list(zip(node.parents, node.args, strict=True))
        node.args = tuple(arg if id(parent) in moving else copied(arg) for parent, arg in given)
        starts |= {parent for parent, _ in given if id(parent) not in moving and parent is not None}
    for vertex in {
        vertex for start in starts if start.primitive is not None for vertex in newest_first(start)
    }:
        if vertex.primitive is not None:
            vertex.args, vertex.output = tuple(map(copied, vertex.args)), copied(vertex.output)


class Segment:
    """
    The affine map from the ends of some stages to what a later one begins with.

    Parameters
    ----------
    begin : vertex
        What the later stage begins with.
    ends : mapping of id to (place, vertex)
        Where earlier stages end.
    moving : collection of int
        The ids of all that depends on the input.

    Attributes
    ----------
    value : ndarray
        What ``begin`` is for the input.
    reads : dict by place of a vertex
        The ends that it reads.
    nodes : list of Node
        What is between, in order.
    learned : dict by id of (vertex, ndarray)
        What the nodes read that has a gradient and does not depend on the input.
    """

    def __init__(
        self, begin: Vertex, ends: Mapping[int, tuple[int, Vertex]], moving: Collection[int]
    ) -> None:
        self.begin, self.value = begin, _array(begin)
        self.reads: dict[int, Vertex] = {}
        self.nodes: list[Node] = []
        self.learned: dict[int, tuple[Vertex, Array]] = {}
        waiting, seen = [(begin, self.value)], {id(begin)}
        for vertex, value in waiting:
            if id(vertex) in ends:
                place, end = ends[id(vertex)]
                self.reads[place] = end
            elif id(vertex) not in moving:
                self.learned[id(vertex)] = (vertex, value.copy() if vertex is begin else value)
            else:
                self.nodes.append(vertex)
                for parent, arg in zip(vertex.parents, vertex.args, strict=True):
                    if parent is not None and id(parent) not in seen:
                        seen.add(id(parent))
                        waiting.append((parent, arg))
        self.nodes.sort(key=lambda node: node.order)
        self.reads = dict(sorted(self.reads.items()))

    @property
    def is_linear(self) -> bool:
        """Whether it is one Linear on all units of one stage: its matrix is there, and so is its gradient."""
        if len(self.nodes) != 1 or self.begin.primitive is not linear or len(self.reads) != 1:
            return False
        x, weight, bias = self.begin.args
        one_row = np.ndim(weight) == 2 and np.size(x) == weight.shape[1]
        fixed = all(parent is None or id(parent) in self.learned for parent in self.begin.parents[1:])
        return one_row and fixed and np.shape(bias) in ((), weight.shape[:1])

    @property
    def biased(self) -> bool:
        """Whether something that is learned may change the constant, also where that is 0."""
        for node in self.nodes:
            learned = [k for k, parent in enumerate(node.parents) if id(parent) in self.learned]
            if any(node.primitive.class_of(k) != "multilinear" for k in learned):
                return True
            if learned and any(
                self._constants[id(p)].any() for p in node.parents if id(p) in self._constants
            ):
                return True
        return False

    def affine(self, rows: Array, columns: Units) -> tuple[Array, Array]:
        """Return the matrix from some units to some of the beginning's entries, and the constant."""
        if self.is_linear:
            _, full, bias = self.begin.args
            shift = np.broadcast_to(bias, (len(full),)).astype(self.value.dtype)
            return full[np.ix_(rows, _joined(columns))], shift[rows]
        n = sum(map(len, columns.values()))
        slopes = {key: np.zeros((n, *np.shape(end)), dtype=end.dtype) for key, end in self._ends()}
        for direction, (key, unit) in enumerate(self._directions(columns)):
            slopes[key][direction].ravel()[unit] = 1
        for node in self.nodes:
            slopes[id(node)] = slopes_through(node, [slopes.get(id(parent)) for parent in node.parents])
        slope = slopes.get(id(self.begin), np.zeros((n, *np.shape(self.value)), dtype=self.value.dtype))
        constant = self._constants.get(id(self.begin), self.value)
        return np.reshape(slope, (n, self.value.size)).T[rows], np.ravel(constant)[rows]

    def gradients(self, rows: Array, columns: Units, by_weight: Array, by_constant: Array) -> Gradients:
        """Return the gradients of what is learned, by those of matrix and constant as `affine` gives them."""
        if self.is_linear:
            return self._of_linear(rows, columns, by_weight, by_constant)
        arrays = dict(self._ends())
        thetas = {key: Tensor(value, requires_grad=True) for key, (_, value) in self.learned.items()}
        with enable_grad():
            for column, (key, unit) in zip(by_weight.T, self._directions(columns), strict=True):
                if thetas and column.any():
                    seed = np.zeros_like(arrays[key])
                    seed.ravel()[unit] = 1
                    _collect(self._slope({key: seed}, thetas), rows, column)
            if thetas and by_constant.any():
                _collect(self._constant(thetas), rows, by_constant)
        return [(self.learned[key][0], theta.grad) for key, theta in thetas.items() if theta.grad is not None]

    def _of_linear(self, rows: Array, columns: Units, by_weight: Array, by_constant: Array) -> Gradients:
        places = (np.ix_(rows, _joined(columns)), rows)
        found = []
        for k, place, part in zip((1, 2), places, (by_weight, by_constant), strict=True):
            if self.begin.parents[k] is not None:
                gradient = np.zeros_like(self.begin.args[k])
                gradient[place] = part
                found.append((self.begin.parents[k], gradient))
        return found

    @cached_property
    def _constants(self) -> dict[int, Array]:
        """What each vertex is where the ends are 0."""
        found = {key: np.zeros_like(end) for key, end in self._ends()}
        for node in self.nodes:
            found[id(node)] = constant_through(node, [found.get(id(parent)) for parent in node.parents])
        return found

    def _ends(self) -> Iterator[tuple[int, Array]]:
        """Iterate over what it reads: ids, and arrays of their shapes."""
        return ((id(end), _array(end)) for end in self.reads.values())

    def _directions(self, columns: Units) -> Iterator[tuple[int, int]]:
        """Iterate over the units that are columns, each with the id of the end that it belongs to."""
        return ((id(self.reads[place]), unit) for place, units in columns.items() for unit in units)

    def _slope(self, moved: dict[int, Any], thetas: Mapping[int, Tensor]) -> Any:
        """Carry a direction of the ends to the beginning, as a function of what is learned."""
        for node in self.nodes:
            arriving = [moved.get(id(parent)) for parent in node.parents]
            if any(tangent is not None for tangent in arriving):
                args = _with(node, thetas)
                moved[id(node)] = node.primitive.jvp(arriving, node.output, args, node.options)
        return moved.get(id(self.begin))

    def _constant(self, thetas: Mapping[int, Tensor]) -> Any:
        """What is left where the ends are 0, as a function of what is learned."""
        known: dict[int, Any] = {**thetas, **{key: np.zeros_like(end) for key, end in self._ends()}}
        for node in self.nodes:
            arriving = [known.get(id(parent)) for parent in node.parents]
            args, rule = _with(node, thetas), node.primitive
            if "gate" not in rule.classes:
                moved = [arg if zero is None else zero for zero, arg in zip(arriving, args, strict=True)]
                known[id(node)] = rule(*moved, **node.options)
                continue
            moves = [
                None if id(parent) in thetas else zero
                for zero, parent in zip(arriving, node.parents, strict=True)
            ]
            here = [None if zero is None else arg for zero, arg in zip(moves, args, strict=True)]
            shift = rule(*args, **node.options) - rule.jvp(here, node.output, args, node.options)
            known[id(node)] = rule.jvp(moves, node.output, args, node.options) + shift
        return known.get(id(self.begin))


def to_leaves(gradients: Gradients) -> Iterator[tuple[Tensor, Array]]:
    """Carry gradients of what was computed from parameters alone on to the parameters."""
    for start, gradient in gradients:
        for vertex, g in walk_backward(newest_first(start), {id(start): gradient}, _read):
            if vertex.primitive is None:
                yield vertex, g


def _array(vertex: Vertex) -> Array:
    return np.asarray(vertex.data if vertex.primitive is None else vertex.output)


def _joined(columns: Units) -> Array:
    return np.concatenate([np.arange(0), *columns.values()])


def _read(node: Node) -> tuple[Any, Any]:
    return node.output, node.args


def _with(node: Node, thetas: Mapping[int, Tensor]) -> list[Any]:
    """Return the arguments of a node, with Tensors in the place of what is learned."""
    assert node.args is not None
    return [thetas.get(id(parent), arg) for parent, arg in zip(node.parents, node.args, strict=True)]


def _collect(output: Any, rows: Array, cotangent: Array) -> None:
    """Add the derivatives of some entries of an output to the gradients of what it was computed from."""
    if isinstance(output, Tensor) and output.requires_grad:
        full = np.zeros(output.size, dtype=output.dtype)
        full[rows] = cotangent
        output.backward(full.reshape(output.shape))
