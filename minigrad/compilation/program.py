"""What a capture wrote down: instructions on slots, what they read outside, and what they change there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np


class Ref(NamedTuple):
    """The place of a slot's value among the arguments of an instruction."""

    slot: int


@dataclass(frozen=True, slots=True)
class Spec:
    """
    What a slot holds.

    Attributes
    ----------
    shape, dtype
        Of an array; the shape is None for a Python number or another object.
    order : tuple of int
        The axes from the one with the longest stride to that with the shortest, as NumPy chose them.
    """

    shape: tuple[int, ...] | None = None
    dtype: Any = None
    order: tuple[int, ...] = ()

    @classmethod
    def of(cls, value: Any) -> Spec:
        """Return the specification of a value."""
        if not isinstance(value, np.ndarray):
            return cls()
        order = sorted(range(value.ndim), key=lambda axis: (-abs(value.strides[axis]), axis))
        return cls(value.shape, value.dtype, tuple(order))

    @property
    def size(self) -> int:
        """Number of entries."""
        return int(np.prod(self.shape, dtype=int)) if self.shape is not None else 0

    @property
    def bytes(self) -> int:
        """Memory that an array of this kind takes."""
        return self.size * self.dtype.itemsize if self.shape is not None else 0

    def arranged(self, flat: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Return the entries in a row as an array of this kind."""
        assert self.shape is not None
        lengths = [self.shape[axis] for axis in self.order]
        return flat.reshape(lengths).transpose(np.argsort(self.order) if self.order else ())

    def empty(self) -> np.ndarray[Any, Any]:
        """Return memory of its own for an array of this kind."""
        return self.arranged(np.empty(self.size, self.dtype))


@dataclass(frozen=True, slots=True)
class Instruction:
    """
    One application of a function of NumPy, or of Python's arithmetic.

    Attributes
    ----------
    function : callable
        A ufunc, a method of one, a function or method of arrays.
    args : tuple
        Refs and constants, nested in tuples and lists.
    options : mapping
        The same by keyword.
    result : int
        Its slot.
    view_of : int or None
        The slot whose memory the result shares.
    updates : int or None
        The slot whose numbers it changes in place: the result is that array with new ones.
    fixed : bool
        Whether it must run, once and in its place: a random draw.
    origin : tuple of str
        The primitive it belongs to, and the pass (forward, backward, update).
    also : tuple of int
        Further slots that a fused instruction computes.
    """

    function: Callable[..., Any]
    args: tuple[Any, ...]
    options: Mapping[str, Any]
    result: int
    view_of: int | None = None
    updates: int | None = None
    fixed: bool = False
    origin: tuple[str, str] = ("", "")
    also: tuple[int, ...] = ()

    @property
    def results(self) -> tuple[int, ...]:
        """All slots that it computes."""
        return (self.result, *self.also)

    @property
    def reads(self) -> list[int]:
        """The slots that it reads, in order, with repetitions."""
        found = list(refs((self.args, tuple(self.options.values()))))
        return found if self.updates is None or self.updates in found else [*found, self.updates]

    @property
    def name(self) -> str:
        """What the function is called."""
        owner = getattr(self.function, "__self__", None)
        name = getattr(self.function, "__name__", repr(self.function))
        return f"{owner.__name__}.{name}" if isinstance(owner, np.ufunc) else name


@dataclass(frozen=True)
class Fused:
    """
    Several instructions that run as one loop: entry by entry, or row by row.

    Called as ``kernel(*inputs, *outputs)`` once a back end has made a kernel of it.

    Attributes
    ----------
    body : tuple of Instruction
        In order; each an elementwise ufunc, a cast, a choice, or a reduction along the last or first axis.
    inputs, outputs : tuple of int
        Slots that come from outside the body, and those that are read outside it.
    specs : tuple of Spec
        Of all slots of the program.
    in_place : bool
        Whether an output may lie in the memory of an input of the same shape: the loop never reads it again.
    """

    body: tuple[Instruction, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    specs: tuple[Spec, ...] = field(repr=False)
    in_place: bool = True


@dataclass(frozen=True, slots=True)
class Guard:
    """A decision that Python took on a computed number: the program holds where it comes out the same."""

    slot: int
    kind: type
    expected: Any


@dataclass(frozen=True, slots=True)
class Effect:
    """
    A change outside: the slot's value goes to the target.

    ``kind`` is ``data`` or ``grad`` of a Tensor, ``new data`` where the Tensor was given another array,
    ``array`` for an array that came in with slot `target`, ``written`` where it lies in another one that
    changes, ``step`` of what an optimizer remembers; ``slot`` is None for a gradient that is forgotten.
    """

    kind: str
    target: Any
    slot: int | None


@dataclass(frozen=True)
class Program:
    """
    A captured step.

    Attributes
    ----------
    instructions : tuple of Instruction
        In the order in which they ran.
    specs : tuple of Spec
        What each slot holds.
    sources : mapping from int to Source
        Where the slots that no instruction computes come from.
    guards, effects : tuple
        What must come out as it did, and what changes.
    outputs : Any
        What the function returns, with :class:`Result` in the place of what is computed.
    argument_tensors : frozenset of int
        The slots of arguments that are Tensors.
    gradients_absent : tuple of (Tensor, bool)
        Whether a Tensor had no gradient, where the program depends on that.
    aliases : mapping from int to int
        Slots from outside that lie in the memory of another one.
    """

    instructions: tuple[Instruction, ...]
    specs: tuple[Spec, ...]
    sources: Mapping[int, Source]
    guards: tuple[Guard, ...] = ()
    effects: tuple[Effect, ...] = ()
    outputs: Any = None
    argument_tensors: frozenset[int] = frozenset()
    gradients_absent: tuple[tuple[Any, bool], ...] = ()
    aliases: Mapping[int, int] = field(default_factory=dict)
    stages: tuple[str, ...] = field(default=("captured",))

    @property
    def wanted(self) -> list[int]:
        """The slots that are read after the last instruction, or decide."""
        slots = [guard.slot for guard in self.guards]
        slots += [effect.slot for effect in self.effects if effect.slot is not None]
        return slots + [result.slot for result in results(self.outputs)]

    def __str__(self) -> str:
        from .listing import listing

        return listing(self)

    @cached_property
    def made(self) -> dict[int, int]:
        """The index of the instruction that computes a slot."""
        return {slot: k for k, part in enumerate(self.instructions) for slot in part.results}

    def having(self, stage: str, instructions: Sequence[Instruction], **changes: Any) -> Program:
        """Return the program with other instructions, after a pass of that name."""
        return replace(self, instructions=tuple(instructions), stages=(*self.stages, stage), **changes)


class Source(NamedTuple):
    """
    Where a slot's value comes from at each replay.

    ``kind`` is ``argument`` (`what` is its place), ``data`` or ``grad`` of the Tensor `what`, ``array`` (the
    array itself, read anew), ``constant``, ``number`` (`what` is called), or ``scratch`` (memory alone).
    """

    kind: str
    what: Any


class Result(NamedTuple):
    """
    The place of something in what a function returns.

    ``kind`` is ``tensor``, ``recorded`` (a Tensor that had a graph), ``array`` or ``number``, which the slot
    holds; or ``argument``, a Tensor that was given, and the slot its place among the arguments.
    """

    kind: str
    slot: int


def refs(tree: Any) -> Iterator[int]:
    """Iterate over the slots in nested arguments."""
    if isinstance(tree, Ref):
        yield tree.slot
    elif isinstance(tree, (tuple, list)):
        for item in tree:
            yield from refs(item)
    elif isinstance(tree, slice):
        yield from refs((tree.start, tree.stop, tree.step))
    elif isinstance(tree, Mapping):
        yield from refs(tuple(tree.values()))


def results(tree: Any) -> Iterator[Result]:
    """Iterate over the computed parts of what a function returns."""
    if isinstance(tree, Result):
        if tree.kind != "argument":
            yield tree
    elif isinstance(tree, (tuple, list)):
        for item in tree:
            yield from results(item)
    elif isinstance(tree, Mapping):
        yield from results(tuple(tree.values()))


def substituted(tree: Any, value: Callable[[Any], Any]) -> Any:
    """Return nested arguments with ``value(leaf)`` in the place of each Ref or Result."""
    if isinstance(tree, (Ref, Result)):
        return value(tree)
    if isinstance(tree, (tuple, list)):
        items = [substituted(item, value) for item in tree]
        return type(tree)._make(items) if hasattr(tree, "_make") else type(tree)(items)
    if isinstance(tree, slice):
        return slice(*(substituted(part, value) for part in (tree.start, tree.stop, tree.step)))
    if isinstance(tree, Mapping):
        return {key: substituted(item, value) for key, item in tree.items()}
    return tree
