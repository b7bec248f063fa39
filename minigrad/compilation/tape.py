"""Writing down what NumPy is asked to do: stand-ins for arrays go through it, and every call is noted."""

from __future__ import annotations

import copy
import dataclasses
import operator
import os
import sys
import weakref
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from threading import get_ident
from typing import Any

import numpy as np

from .. import random
from ..rules.operands import ARRAYS
from ..writes import owner
from .program import Guard, Instruction, Ref, Source, Spec
from .traced import Memory, Number, Traced, plain

ARRAYS.add(Traced)

SELECTING = {
    np.nonzero, np.flatnonzero, np.argwhere, np.extract, np.compress, np.delete, np.trim_zeros, np.bincount,
    np.unique, np.unique_all, np.unique_counts, np.unique_inverse, np.unique_values, np.union1d,
    np.intersect1d, np.setdiff1d, np.setxor1d, np.ndarray.nonzero, np.ndarray.compress,
}  # fmt: skip
"""Functions whose results have as many entries as numbers say."""

COUNTING = {np.repeat, np.ndarray.repeat, np.insert}
"""The same, where it is their second argument that is computed."""

METADATA = {
    np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.iscomplexobj, np.isrealobj,
    np.min_scalar_type, np.may_share_memory, np.shares_memory, np.broadcast_shapes, np.isscalar,
}  # fmt: skip
"""Functions that look at no number."""

RESHAPES = {np.ndarray.reshape, np.ndarray.ravel, np.reshape, np.ravel}
"""Functions whose views hold all entries, in order."""

_HERE = tuple(str(Path(file).parent) + os.sep for file in (__file__, np.__file__))
_LIBRARY = str(Path(__file__).parent.parent) + os.sep


class Tape:
    """
    What one run asked NumPy to do, in order.

    Attributes
    ----------
    reason : str or None
        Why it makes no program.
    instructions, specs, sources, guards
        What the program will hold; see :class:`minigrad.compilation.program.Program`.
    silenced : dict
        The floating-point errors that some of the functions run over in silence (``np.errstate``).
    values : dict or None
        A copy of what each slot held, if that is wanted.
    arrays : dict
        The arrays that come from outside, by id, with stand-in and first slot.
    """

    def __init__(self, keep_values: bool) -> None:
        self.values: dict[int, Any] | None = {} if keep_values else None
        self.reason: str | None = None
        self.instructions: list[Instruction] = []
        self.specs: list[Spec] = []
        self.sources: dict[int, Source] = {}
        self.guards: list[Guard] = []
        self.silenced: dict[str, Any] = {}
        self.arrays: dict[int, tuple[Any, Traced, int]] = {}
        self.inside: set[int] = set()
        self.stand_ins: list[weakref.ref[Any]] = []
        self.thread: int | None = get_ident()
        self._errors = np.geterr()
        self._marked = 0

    @property
    def open(self) -> bool:
        """Whether it is this run that computes here: stand-ins may come to other threads, and outlive it."""
        return self.thread == get_ident()

    def leave(self, reason: str, where: bool = True) -> None:
        """Note why this run makes no program, and at which line of the user's; the first reason counts."""
        if self.reason is None and self.open:
            place = _line() if where else ""
            self.reason = f"{reason}{f', at {place}' if place else ''}"

    def slot(self, value: Any, source: Source | None = None) -> int:
        """Return a new name for a value, and note where it comes from."""
        self.specs.append(Spec.of(value))
        slot = len(self.specs) - 1
        if self.values is not None:
            self.values[slot] = copy.copy(value)
        if source is not None:
            self.sources[slot] = source
        return slot

    def traced(self, slot: int, value: Any, memory: Memory) -> Traced:
        """Return the stand-in of an array."""
        traced = Traced(self, slot, value, memory)
        self.stand_ins.append(weakref.ref(traced))
        return traced

    def named(self, slot: int, value: Any) -> Number:
        """Return the stand-in of a number."""
        number = Number(self, slot, value)
        self.stand_ins.append(weakref.ref(number))
        return number

    def record(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        options: Mapping[str, Any] | None = None,
        fixed: bool = False,
    ) -> Any:
        """Run a function, write it down, and return the stand-in of its result."""
        options = dict(options or {})
        if not self.open:
            return function(*plain(args), **plain(options))
        given, named = self._refer(args), self._refer(options)
        value = function(*plain(args), **plain(options))
        if not fixed and not any(_stand_ins((args, options))):
            return value
        if _shaped_by_numbers(function, args):
            self.leave("the shape of an array depends on computed numbers (a mask, nonzero): use mg.where")
        return self._wrap(function, given, named, value, args, fixed)

    def ufunc(self, ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """Run a ufunc and write it down."""
        errors = np.geterr()
        if errors != self._errors and self.open:
            self.silenced |= {kind: "ignore" for kind, how in errors.items() if how == "ignore"}
        function = ufunc if method == "__call__" else getattr(ufunc, method)
        if method == "at":
            target, *rest = inputs
            return self._update(function, target, (target, *rest), options, lambda: function(*plain(inputs)))
        out = options.pop("out", None)
        if out is None or out[0] is None:
            return self.record(function, inputs, options)
        if len(out) > 1:
            self.leave(f"np.{ufunc.__name__} writes several results at once")
        (target,) = out[:1]
        return self._update(
            function,
            target,
            inputs,
            options,
            lambda: function(*plain(inputs), out=plain(out), **plain(options)),
        )

    def function(self, function: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """Run one of NumPy's functions and write it down."""
        if function in METADATA:
            return function(*plain(args), **plain(options))
        if function is np.copyto and not options.keys() - {"casting"} and len(args) == 2:
            return self.assign(args[0], ..., args[1])
        target = options.get("out")
        if target is not None:
            given = {key: value for key, value in options.items() if key != "out"}
            return self._update(
                function, target, args, given, lambda: function(*plain(args), **plain(options))
            )
        return self.record(function, args, options)

    def assign(self, target: Any, index: Any, value: Any) -> None:
        """Write into an array."""

        def change() -> None:
            target.value[plain(index)] = plain(value)

        whole = index is Ellipsis or (isinstance(index, slice) and index == slice(None))
        if whole:
            self._update(filled, target, (value,), {}, change)
        else:
            self._update(operator.setitem, target, (target, index, value), {}, change)

    def decide(self, x: Traced | Number, kind: type) -> Any:
        """Return a number that Python decides by; the program holds where it is the same."""
        value = kind(x.value)
        if self.open:
            self.guards.append(Guard(self.current(x), kind, value))
        return value

    def _update(
        self,
        function: Callable[..., Any],
        target: Any,
        args: tuple[Any, ...],
        options: Mapping[str, Any],
        change: Callable[[], Any],
    ) -> Any:
        """Change an array in place and write that down: from now on it has another slot."""
        if type(target) is not Traced or not self.open:
            change()
            self.leave("an array that the step was not given is written to")
            return plain(target) if not self.open else target
        given, named = self._refer(args), self._refer(options)
        before = self.current(target)
        if id(target.value) in self.inside and target.memory.written == 0:
            self.sources[before] = Source("constant", target.value.copy())
        change()
        slot = self.slot(target.value)
        reads_old = (
            function is operator.setitem or getattr(function, "__name__", "") == "at" or "where" in options
        )
        self._append(Instruction(function, given, named, slot, updates=before if reads_old else None))
        was_current = target.memory.written
        target.memory.written += 1
        target.slot, target.seen = slot, target.memory.written
        self._write_through(target, was_current)
        return target

    def _write_through(self, view: Traced, written: int) -> None:
        """Give a new slot to the array, too, of which a view was written to; other views make it stale."""
        if view.view is None or view.view[0].seen != written:
            return
        whole, function, rest = view.view
        part = Ref(view.slot)
        if function is operator.getitem:
            slot = self.slot(whole.value)
            index = self._refer(rest[0])
            self._append(
                Instruction(operator.setitem, (Ref(whole.slot), index, part), {}, slot, updates=whole.slot)
            )
        else:
            shaped = self.slot(whole.value)
            self._append(Instruction(np.ndarray.reshape, (part, whole.value.shape), {}, shaped, view.slot))
            slot = self.slot(whole.value)
            self._append(Instruction(filled, (Ref(shaped),), {}, slot))
        whole.slot, whole.seen = slot, view.seen
        self._write_through(whole, written)

    def _wrap(
        self,
        function: Callable[..., Any],
        given: Any,
        named: Any,
        value: Any,
        args: tuple[Any, ...],
        fixed: bool,
    ) -> Any:
        if isinstance(value, (tuple, list)):
            slot = self.slot(None)
            self._append(Instruction(function, given, named, slot, fixed=fixed))
            items = [self._item(slot, k, item, args) for k, item in enumerate(value)]
            return type(value)._make(items) if hasattr(value, "_make") else type(value)(items)
        number = isinstance(value, (bool, int, float)) and not isinstance(value, np.generic)
        array = value if number or isinstance(value, np.ndarray) else np.asarray(value)
        if not number and array.dtype.kind not in "biuf":
            text = "numbers are printed, or become part of a text"
            name = getattr(function, "__name__", function)
            self.leave(text if array.dtype.kind in "US" else f"{name} gives {array.dtype}")
            return value
        shares = None if number else _shared_with(array, args)
        slot = self.slot(array)
        view_of = None if shares is None else self.current(shares)
        self._append(Instruction(function, given, named, slot, view_of, fixed=fixed))
        if number:
            return self.named(slot, array)
        traced = self.traced(slot, array, Memory() if shares is None else shares.memory)
        followed = function is operator.getitem or (function in RESHAPES and not named)
        if followed and shares is not None and shares is args[0]:
            traced.view = shares, function, args[1:]
        return traced

    def _item(self, whole: int, place: int, value: Any, args: tuple[Any, ...]) -> Any:
        array = np.asarray(value)
        shares = _shared_with(array, args)
        slot = self.slot(array)
        view_of = None if shares is None else self.current(shares)
        self._append(Instruction(operator.getitem, (Ref(whole), place), {}, slot, view_of))
        return self.traced(slot, array, Memory() if shares is None else shares.memory)

    def _append(self, instruction: Instruction) -> None:
        self.instructions.append(instruction)

    def current(self, x: Traced | Number) -> int:
        """Return the name that a stand-in has now; a stale one ends the capture."""
        if x.capture is not self:
            self.leave("an array of another run is used: keep no arrays of a compiled step")
        elif type(x) is Traced and x.seen < x.memory.written:
            self.leave("an array is used after a view of it was written to, or the other way round")
        return x.slot

    def _refer(self, tree: Any) -> Any:
        """Put Refs in the places of stand-ins."""
        kind = type(tree)
        if kind is Traced or kind is Number:
            return Ref(self.current(tree))
        if kind is tuple or kind is list:
            return kind(map(self._refer, tree))
        if kind is dict:
            return {key: self._refer(value) for key, value in tree.items()}
        if kind is slice:
            return slice(self._refer(tree.start), self._refer(tree.stop), self._refer(tree.step))
        return tree

    # Where instructions come from

    def mark(self, origin: tuple[str, str]) -> None:
        """Say that the instructions since the last mark belong to this primitive."""
        for k in range(self._marked, len(self.instructions)):
            self.instructions[k] = dataclasses.replace(self.instructions[k], origin=origin)
        self._marked = len(self.instructions)


class Looker:
    """Tells a tape which primitive, pass and layer its instructions belong to."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape

    def result(self, primitive: Any, args: Any, options: Any, output: Any) -> None:
        """What was just computed is a primitive's value."""
        self.tape.mark((primitive.name, "forward"))

    def seal(self, args: Any, output: Any) -> None:
        """Nothing to remember."""

    def opened(self, node: Any) -> None:
        """Nothing to look at."""

    def cotangent(self, node: Any, k: int, compute: Callable[[], Any]) -> Any:
        """What is computed now is a primitive's derivative."""
        result = compute()
        self.tape.mark((node.primitive.name, "backward"))
        return result

    def tangent(self, node: Any, compute: Callable[[], Any]) -> Any:
        """What is computed now is a primitive's derivative."""
        return self.cotangent(node, 0, compute)


def drawn(rng: Any, shape: tuple[int, ...]) -> Any:
    """Return uniform numbers in [0, 1) from a module's generator."""
    return random.generator(rng).random(shape)


def _shaped_by_numbers(function: Callable[..., Any], args: tuple[Any, ...]) -> bool:
    """Return whether a function's result may have another shape for other numbers."""
    if function is operator.getitem:
        index = args[1] if type(args[1]) is tuple else (args[1],)
        return any(type(part) is Traced and part.dtype == np.bool_ for part in index)
    if function in COUNTING:
        return any(_stand_ins(args[1:]))
    return function in SELECTING or (function is np.where and len(args) == 1)


def filled(value: Any) -> Any:
    """Return the numbers that an array is filled with: what ``array[...] = value`` writes."""
    return value


def _stand_ins(tree: Any) -> Iterator[bool]:
    kind = type(tree)
    if kind is Traced or kind is Number:
        yield True
    elif kind is tuple or kind is list:
        for item in tree:
            yield from _stand_ins(item)
    elif kind is dict:
        yield from _stand_ins(tuple(tree.values()))
    elif kind is slice:
        yield from _stand_ins((tree.start, tree.stop, tree.step))


def _shared_with(array: np.ndarray[Any, Any], args: Any) -> Traced | None:
    """Return the argument whose memory an array is a view of."""
    memory = owner(array)
    strided = memory.base is not None  # by as_strided, say, which hides whose memory it is
    for arg in args if isinstance(args, (tuple, list)) else ():
        if type(arg) is Traced:
            if owner(arg.value) is memory or (strided and np.may_share_memory(array, arg.value)):
                return arg
        elif isinstance(arg, (tuple, list)):
            found = _shared_with(array, arg)
            if found is not None:
                return found
    return None


def _line() -> str:
    """Return the line of the user's that is running."""
    frame = sys._getframe(2)
    while frame is not None:
        name = frame.f_code.co_filename
        if not name.startswith((_LIBRARY, *_HERE)):
            return f"{Path(name).name}:{frame.f_lineno}"
        frame = frame.f_back  # type: ignore[assignment]
    return ""
