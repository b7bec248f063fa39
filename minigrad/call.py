"""One run of a function on inputs of its own, and the derivatives between these and its results."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from .graph import between, tick, walk_backward, walk_forward
from .recording import enable_grad, is_recording
from .rules.operands import as_array, numbers
from .rules.shaping import astype
from .tensor import Tensor, plain, recorded
from .trees import Tree, alike, arranged, flatten

_inside: ContextVar[bool] = ContextVar("inside", default=False)
"""Whether a function is being run for another transform."""


class Call:
    """
    One run of a function.

    Attributes
    ----------
    inputs, outputs : list of Tensor
        What was given to the function, copies with a place of their own in the graph, and what it returned.
    tree : Tree
        The outputs as the function returned them.
    lifted : bool
        Whether derivatives are Tensors, recorded for others: inside another transform, given Tensors, or
        where the function was found to use what was computed outside.
    """

    def __init__(
        self, f: Any, primals: Tree, run: Callable[[Tree], Tree], *, beside: Any = (), several: bool = True
    ) -> None:
        given, self.like_inputs = flatten(primals)
        self.primals, self.several = primals, several
        self.inputs = [_own(x) for x in given]
        self._ends = [x._vertex() for x in self.inputs]
        start = tick()
        with enable_grad(), _running():
            self.tree = run(self.like_inputs(self.inputs))
        self.outputs, self.rebuild = flatten(self.tree)
        for output in self.outputs:
            if not isinstance(output, Tensor):
                name = getattr(f, "__name__", "the function")
                raise TypeError(
                    f"the function must return a Tensor, but returned {type(output).__name__} ({name}): "
                    f"compute with NumPy's functions and operators on the Tensors that it is given"
                )
        self._roots = [y._vertex() if y.requires_grad else None for y in self.outputs]
        self._places = {id(vertex): k for k, vertex in enumerate(self._ends)}
        roots = [root for root in self._roots if root is not None]
        self._order, beyond = between(roots, self._places, start)
        tensors = [x for x in (*given, *flatten(beside)[0]) if isinstance(x, Tensor)]
        computed = any(vertex.primitive is not None for vertex in beyond)
        self.lifted = _inside.get() or bool(tensors) or computed
        self._connected = is_recording() and (bool(beyond) or any(x.requires_grad for x in tensors))

    @classmethod
    def of_argnums(
        cls, f: Any, argnums: int | Sequence[int], args: tuple[Any, ...], options: dict[str, Any]
    ) -> Call:
        """Run ``f``, with inputs of its own in place of some arguments."""
        several = isinstance(argnums, (tuple, list))
        places: list[int] = list(argnums) if several else [argnums]  # type: ignore[arg-type, list-item]
        if not places:
            raise ValueError(f"argnums names no argument to differentiate by: {argnums!r}")
        if not callable(f):
            raise TypeError(f"a transform takes a function first, but got {reprlib.repr(f)}")
        for k in places:
            if not isinstance(k, (int, np.integer)) or isinstance(k, bool):
                raise TypeError(
                    f"argnums is the number of an argument, or several of them, but got {argnums!r}"
                )
            if not -len(args) <= k < len(args):
                raise ValueError(f"argnums names argument {k}, but the function was given {len(args)}")
        if len({k % len(args) for k in places}) < len(places):
            raise ValueError(f"argnums names an argument twice: {argnums!r}")

        def run(inputs: Sequence[Tree]) -> Tree:
            everything = list(args)
            for k, tree in zip(places, inputs, strict=True):
                everything[k] = tree
            return f(*everything, **options)

        return cls(f, tuple(args[k] for k in places), run, beside=(args, options), several=several)

    def value(self) -> Tree:
        """Return what the function returned."""
        return self.rebuild([self._given_out(output) for output in self.outputs])

    def by_argument(self, leaves: Sequence[Any]) -> Tree:
        """Give derivatives the structure of the arguments that were differentiated."""
        tree = self.like_inputs(leaves)
        return tree if self.several else tree[0]

    def pull(self, cotangent: Tree) -> Tree:
        """Return the cotangents of the inputs."""
        return self.like_inputs(
            self.pull_leaves(_like(cotangent, self.tree, self.outputs, "cotangent", "result"))
        )

    def push(self, tangents: Tree) -> Tree:
        """Return the tangents of the outputs."""
        return self.rebuild(self.push_leaves(_like(tangents, self.primals, self.inputs, "tangent", "primal")))

    def pull_leaves(self, cotangents: Sequence[Any]) -> list[Any]:
        """Carry one cotangent per output backwards; None where there is none."""
        lifted, connected = self._kind(cotangents)
        seeds: dict[int, Any] = {}
        for root, cotangent in zip(self._roots, cotangents, strict=True):
            if root is not None and cotangent is not None:
                g = _tensor(cotangent) if connected else numbers(cotangent)
                seeds[id(root)] = seeds[id(root)] + g if id(root) in seeds else g
        found: list[Any] = [None] * len(self.inputs)
        for vertex, g in walk_backward(
            self._order, seeds, recorded if connected else plain, ends=self._places
        ):
            if id(vertex) in self._places:
                found[self._places[id(vertex)]] = g
        return [_derivative(g, x, lifted) for g, x in zip(found, self.inputs, strict=True)]

    def push_leaves(self, tangents: Sequence[Any]) -> list[Any]:
        """Carry one tangent per input forwards; None where there is none."""
        lifted, connected = self._kind(tangents)
        seeds = {
            id(end): _tensor(t) if connected else numbers(t)
            for end, t in zip(self._ends, tangents, strict=True)
            if t is not None
        }
        moved = walk_forward(self._order, seeds, recorded if connected else plain)
        found = [None if root is None else moved.get(id(root)) for root in self._roots]
        return [_derivative(t, y, lifted) for t, y in zip(found, self.outputs, strict=True)]

    def _kind(self, seeds: Sequence[Any]) -> tuple[bool, bool]:
        """Whether derivatives are Tensors, and whether recorded ones, which lead to something outside."""
        tensors = [x for x in seeds if isinstance(x, Tensor)]
        lifted = self.lifted or bool(tensors)
        outside = self._connected or any(x.requires_grad for x in tensors)
        return lifted, lifted and outside and is_recording()

    def rows(self) -> list[list[Any]]:
        """For each output the derivatives by each input, one backward walk for every entry."""
        blocks = []
        for k, output in enumerate(self.outputs):
            rows = [self.pull_leaves(self._one(self.outputs, k, i)) for i in range(output.size)]
            by_input = zip(*rows, strict=True) if rows else [()] * len(self.inputs)
            pairs = zip(by_input, self.inputs, strict=True)
            blocks.append([self._stacked(list(parts), output, x) for parts, x in pairs])
        return blocks

    def columns(self) -> list[list[Any]]:
        """The same, with one forward walk for every entry of the inputs."""
        blocks: list[list[Any]] = [[] for _ in self.outputs]
        for k, x in enumerate(self.inputs):
            columns = [self.push_leaves(self._one(self.inputs, k, i)) for i in range(x.size)]
            by_output = zip(*columns, strict=True) if columns else [()] * len(self.outputs)
            for block, parts, output in zip(blocks, by_output, self.outputs, strict=True):
                last = (*range(x.ndim, x.ndim + output.ndim), *range(x.ndim))
                block.append(np.transpose(self._stacked(list(parts), x, output), last))
        return blocks

    @staticmethod
    def _one(tensors: Sequence[Tensor], k: int, i: int) -> list[Any]:
        """Return 1 for entry ``i`` of one of several Tensors, and nothing for the others: 0 · ∞ is nan."""
        one = np.zeros(tensors[k].shape, tensors[k].dtype)
        one.flat[i] = 1
        return [one if j == k else None for j in range(len(tensors))]

    def _stacked(self, parts: list[Any], outer: Tensor, inner: Tensor) -> Any:
        """Put derivatives of the shape of ``inner`` together, one for each entry of ``outer``."""
        shape = (*outer.shape, *inner.shape)
        if not parts:
            return _derivative(None, Tensor(np.zeros(shape, inner.dtype)), self.lifted)
        return np.reshape(np.stack(parts), shape)

    def _given_out(self, output: Tensor) -> Any:
        """Return a value: with its graph only if that leads to something outside."""
        if not self.lifted:
            return output.data.copy()
        return output if self._connected else Tensor(output.data.copy())


@contextmanager
def _running() -> Iterator[None]:
    token = _inside.set(True)
    try:
        yield
    finally:
        _inside.reset(token)


def _own(x: Any) -> Tensor:
    """Return a copy of an input; the original may have a graph of its own, the copy begins a new one."""
    outer = isinstance(x, Tensor) and x.requires_grad and is_recording()
    source: Any = x
    if not outer:
        data = x.data if isinstance(x, Tensor) else as_array(x)
        if data.dtype.kind != "f":
            what = f"numbers of dtype {data.dtype}" if data.dtype.kind in "biuf" else reprlib.repr(x)
            raise TypeError(
                f"only floats have gradients, but an argument that is differentiated holds {what}; make it "
                f"floats, leave it out of argnums, or let the function use it from outside"
            )
        source = Tensor(data, requires_grad=True)
    with enable_grad():
        copy: Tensor = astype(source, dtype=source.dtype)
    return copy


def _tensor(x: Any) -> Tensor:
    return x if isinstance(x, Tensor) else Tensor(as_array(x).copy())


def _derivative(found: Any, like: Tensor, lifted: bool) -> Any:
    """Return a derivative of its own memory, 0 where there was none."""
    if found is None:
        found = np.zeros_like(like.data)
    return _tensor(found) if lifted else as_array(found).copy()


def _like(given: Tree, tree: Tree, leaves: Sequence[Tensor], name: str, owner: str) -> list[Any]:
    """Return the arrays in ``given``, each with the shape and dtype of its leaf, or say what differs."""
    single = isinstance(tree, Tensor)
    if not single and not alike(given, tree):
        raise ValueError(
            f"the {name} is a tree of {len(flatten(given)[0])} arrays that is not like the {owner}'s, "
            f"of {len(leaves)}; it needs the same lists, tuples and keys"
        )
    found = [given] if single else arranged(given, tree)
    arrays = [x if isinstance(x, Tensor) else as_array(x) for x in found]
    for array, leaf in zip(arrays, leaves, strict=True):
        if array.dtype.kind not in "biuf":
            raise TypeError(f"the {name} must be made of real numbers, but has dtype {array.dtype}")
        if array.shape != leaf.shape:
            raise ValueError(f"the {name} has shape {array.shape}, but the {owner} has shape {leaf.shape}")
    return [
        x if x.dtype == leaf.dtype else x.astype(leaf.dtype) for x, leaf in zip(arrays, leaves, strict=True)
    ]
