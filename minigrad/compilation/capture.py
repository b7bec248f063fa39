"""Running a step once, as always, and writing down what NumPy was asked to do."""

from __future__ import annotations

import copy
import dataclasses
import gc
import operator
import os
import sys
import types
import weakref
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from threading import get_ident
from typing import Any

import numpy as np

from .. import random, trees
from ..graph import Node
from ..recording import PLAIN, capturing
from ..rules.arithmetic import positive
from ..rules.operands import ARRAYS
from ..writes import owner
from . import steps
from .program import Effect, Guard, Instruction, Program, Ref, Result, Source, Spec
from .randomness import Randomness
from .surroundings import Surroundings
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


class Capture:
    """
    One run of a function, written down.

    Attributes
    ----------
    reason : str or None
        Why it makes no program.
    program : Program or None
        What was written down.
    surroundings : Surroundings
        What the program depends on besides.
    silenced : dict
        The floating-point errors that some of the functions run over in silence (``np.errstate``).
    values : dict or None
        A copy of what each slot held, if that is wanted.
    has_values, has_tensors : bool
        What took part.
    optimizers : dict
        The optimizers that took a step, by id.
    steps : dict
        What they remember for each parameter, and the number of its next step, by the id of the first.
    """

    def __init__(self, keep_values: bool = False) -> None:
        self.values: dict[int, Any] | None = {} if keep_values else None
        self.reason: str | None = None
        self.has_values = self.has_tensors = False
        self.program: Program | None = None
        self.optimizers: dict[int, Any] = {}
        self.steps: dict[int, tuple[Any, Number]] = {}
        self.silenced: dict[str, Any] = {}
        self._errors = np.geterr()
        self._modules: dict[int, Any] = {}
        self._gradients_read: set[int] = set()
        self._gradients_absent: list[tuple[Any, bool]] = []
        self._instructions: list[Instruction] = []
        self._specs: list[Spec] = []
        self._sources: dict[int, Source] = {}
        self._guards: list[Guard] = []
        self._arrays: dict[int, tuple[Any, Traced, int]] = {}
        self._lifted: dict[int, tuple[Any, Any, Any]] = {}
        self._made: dict[int, Any] = {}
        self._inside: set[int] = set()
        self._stand_ins: list[weakref.ref[Any]] = []
        self._draws: list[tuple[np.random.Generator, tuple[int, ...]]] = []
        self._numbers: dict[Any, Number] = {}
        self._overwritten: set[int] = set()
        self._arguments: dict[int, int] = {}
        self._effects: list[Effect] = []
        self._marked = 0
        self._thread: int | None = get_ident()

    # Running

    def run(self, function: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """Return what the function returns; afterwards `program` or `reason` is set."""
        leaves, rebuild = trees.flatten((args, options))
        self.surroundings = Surroundings(function, *(leaf for leaf in leaves if not _is_data(leaf)))
        self.known = self.surroundings.known(leaves)
        randomness = Randomness(self.surroundings.generators)
        stand_ins = [self._argument(k, leaf) for k, leaf in enumerate(leaves)]
        args, options = rebuild(stand_ins)
        del stand_ins
        for tensor in self.surroundings.tensors:
            if tensor._node is None:
                self.lift(tensor)
        try:
            with capturing(self, Looker(self)):
                held = [function(*args, **options)]
            del args, options
            self._look_around(randomness)
            returned = self._finish(held)
        finally:
            self._thread = None
            self._restore()
        held.clear()
        self._look_for_survivors()
        return returned

    @property
    def _open(self) -> bool:
        """Whether it is this run that computes here: stand-ins may come to other threads, and outlive it."""
        return self._thread == get_ident()

    def leave(self, reason: str, where: bool = True) -> None:
        """Note why this run makes no program, and at which line of the user's; the first reason counts."""
        if self.reason is None and self._open:
            place = _line() if where else ""
            self.reason = f"{reason}{f', at {place}' if place else ''}"

    # What comes from outside

    def _slot(self, value: Any, source: Source | None = None) -> int:
        self._specs.append(Spec.of(value))
        slot = len(self._specs) - 1
        if self.values is not None:
            self.values[slot] = copy.copy(value)
        if source is not None:
            self._sources[slot] = source
        return slot

    def array(self, array: Any, source: Source) -> Traced:
        """Return the one stand-in of an array from outside."""
        known = self._arrays.get(id(array))
        if known is None:
            slot = self._slot(array, source)
            known = array, self._traced(slot, array, Memory()), slot
            self._arrays[id(array)] = known
        return known[1]

    def number(self, read: Callable[[], Any], key: Any) -> Number:
        """Return the stand-in of a Python number that is read anew at each replay."""
        if key not in self._numbers:
            value = read()
            self._numbers[key] = self._number(self._slot(value, Source("number", read)), value)
        return self._numbers[key]

    def _argument(self, place: int, leaf: Any) -> Any:
        if hasattr(leaf, "_record") and hasattr(leaf, "data") and isinstance(leaf.data, np.ndarray):
            if leaf._node is not None:
                self.leave("an argument is a Tensor computed outside: pass x.detach(), or compute it inside")
            if not self.known or not self.known[place]:
                self._arguments[id(leaf)] = place
                self.lift(leaf, Source("argument", place))
            return leaf
        if type(leaf) is np.ndarray and leaf.dtype.kind in "biuf":
            return self.array(leaf, Source("argument", place))
        if type(leaf) is float:
            return self._number(self._slot(leaf, Source("argument", place)), leaf)
        return leaf

    def _traced(self, slot: int, value: Any, memory: Memory) -> Traced:
        traced = Traced(self, slot, value, memory)
        self._stand_ins.append(weakref.ref(traced))
        return traced

    def _number(self, slot: int, value: Any) -> Number:
        number = Number(self, slot, value)
        self._stand_ins.append(weakref.ref(number))
        return number

    def value(self, value: Any) -> None:
        """Note that a Value takes part."""
        self.has_values = True
        self.leave("it computes with Values and Tensors both")

    def value_backward(self, root: Any) -> None:
        """Note that backward() is about to start from a Value."""
        self.has_values = True
        self.leave("it computes with Values and Tensors both")

    def lift(self, tensor: Any, source: Source | None = None) -> Any:
        """Return what stands for the numbers of a Tensor, which holds it until the run ends."""
        data = tensor.data
        if type(data) is Traced:
            return data
        if not self._open:
            return data
        if tensor._node is not None:
            self.leave("a Tensor computed outside is used, whose graph lies outside: detach() it")
        if id(tensor) in self._made:  # its numbers are no one else's: each replay begins with them
            tensor.data = self.array(data, Source("constant", data))
            self._inside.add(id(data))
            return tensor.data
        gradient = tensor._grad
        traced = self.array(data, source or Source("data", tensor))
        kind = self._sources[self._arrays[id(data)][2]].kind
        if source is None and kind == "argument" and id(tensor) not in self._arguments:
            self.leave("an argument is the array of a Tensor that is used besides: pass a copy")
        self._lifted[id(tensor)] = tensor, traced, gradient
        self.has_tensors = True
        tensor.data = traced
        if type(gradient) is np.ndarray:
            tensor._grad = self.array(gradient, Source("grad", self._place(tensor)))
        elif gradient is not None:
            self.leave("a gradient is a Tensor, recorded under create_graph: set it to None first")
        return traced

    def reading_gradient(self, tensor: Any) -> None:
        """Note that Python looks at a Tensor's gradient, or whether there is one."""
        if tensor._node is None and self._open:
            self.lift(tensor)
            if id(tensor) not in self._overwritten:
                self._gradients_read.add(id(tensor))

    def setting_gradient(self, tensor: Any) -> None:
        """Note that a Tensor's gradient is about to be replaced."""
        if tensor._node is not None or not self._open or id(tensor) in self._made:
            return
        self.lift(tensor)
        gradient = self._lifted[id(tensor)][2]
        now = tensor._grad
        if now is gradient or (type(now) is Traced and now.value is gradient):
            self._overwritten.add(id(tensor))
        else:
            self._gradients_read.add(id(tensor))  # backward() has added to it

    def made(self, tensor: Any) -> None:
        """Remember a Tensor of this run, so that no stand-in survives in it."""
        if self._open:
            self._made[id(tensor)] = tensor

    def module(self, module: Any) -> None:
        """Note that the program depends on a module's settings."""
        self._modules[id(module)] = module

    def draw(self, rng: Any, shape: tuple[int, ...]) -> Any:
        """Draw uniform numbers, anew at each replay."""
        if not self._open:
            return drawn(rng, shape)
        self._draws.append((random.generator(rng), tuple(shape)))
        return self.record(drawn, (rng, tuple(shape)), fixed=True)

    def step(self, optimizer: Any) -> None:
        """Take an optimizer's step."""
        self.optimizers[id(optimizer)] = optimizer
        steps.take_step(self, optimizer)

    def stepped(self, state: Any, step: Number) -> None:
        """Note the number of a parameter's step."""
        self._numbers["step", id(state)] = step
        self.steps[id(state)] = state, step

    # What is computed

    def record(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        options: Mapping[str, Any] | None = None,
        fixed: bool = False,
    ) -> Any:
        """Run a function, write it down, and return the stand-in of its result."""
        options = dict(options or {})
        if not self._open:
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
        if errors != self._errors and self._open:
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
        if self._open:
            self._guards.append(Guard(self._current(x), kind, value))
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
        if type(target) is not Traced or not self._open:
            change()
            self.leave("an array that the step was not given is written to")
            return plain(target) if not self._open else target
        given, named = self._refer(args), self._refer(options)
        before = self._current(target)
        if id(target.value) in self._inside and target.memory.written == 0:
            self._sources[before] = Source("constant", target.value.copy())
        change()
        slot = self._slot(target.value)
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
            slot = self._slot(whole.value)
            index = self._refer(rest[0])
            self._append(
                Instruction(operator.setitem, (Ref(whole.slot), index, part), {}, slot, updates=whole.slot)
            )
        else:
            shaped = self._slot(whole.value)
            self._append(Instruction(np.ndarray.reshape, (part, whole.value.shape), {}, shaped, view.slot))
            slot = self._slot(whole.value)
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
            slot = self._slot(None)
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
        slot = self._slot(array)
        view_of = None if shares is None else self._current(shares)
        self._append(Instruction(function, given, named, slot, view_of, fixed=fixed))
        if number:
            return self._number(slot, array)
        traced = self._traced(slot, array, Memory() if shares is None else shares.memory)
        followed = function is operator.getitem or (function in RESHAPES and not named)
        if followed and shares is not None and shares is args[0]:
            traced.view = shares, function, args[1:]
        return traced

    def _item(self, whole: int, place: int, value: Any, args: tuple[Any, ...]) -> Any:
        array = np.asarray(value)
        shares = _shared_with(array, args)
        slot = self._slot(array)
        view_of = None if shares is None else self._current(shares)
        self._append(Instruction(operator.getitem, (Ref(whole), place), {}, slot, view_of))
        return self._traced(slot, array, Memory() if shares is None else shares.memory)

    def _append(self, instruction: Instruction) -> None:
        self._instructions.append(instruction)

    def _current(self, x: Traced | Number) -> int:
        if x.capture is not self:
            self.leave("an array of another run is used: keep no arrays of a compiled step")
        elif type(x) is Traced and x.seen < x.memory.written:
            self.leave("an array is used after a view of it was written to, or the other way round")
        return x.slot

    def _refer(self, tree: Any) -> Any:
        """Put Refs in the places of stand-ins."""
        kind = type(tree)
        if kind is Traced or kind is Number:
            return Ref(self._current(tree))
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
        for k in range(self._marked, len(self._instructions)):
            self._instructions[k] = dataclasses.replace(self._instructions[k], origin=origin)
        self._marked = len(self._instructions)

    # The end

    def _look_around(self, randomness: Randomness) -> None:
        """Look for what the run did that no instruction does again."""
        changed = self.surroundings.changed()
        if changed is not None:
            self.leave(
                f"{changed}, outside the function, changes while it runs: pass it in and return it",
                where=False,
            )
        if not randomness.explained_by(self._draws):
            self.leave("random numbers are drawn inside, by other means than a layer: pass them", where=False)
        lifted = (tensor for key, (tensor, _, _) in self._lifted.items() if key not in self._arguments)
        self.surroundings.include(*self._modules.values(), *self.optimizers.values(), *lifted)
        self.surroundings.watch_packs()

    def _finish(self, held: list[Any]) -> Any:
        """Make the program, and return the result as a replay would."""
        (result,) = held
        outputs = self._outputs(result)
        self._note_effects()
        if self.reason is not None:
            return self._returned(result)
        self.program = Program(
            tuple(self._instructions), tuple(self._specs), dict(self._sources), tuple(self._guards),
            tuple(self._effects), outputs, frozenset(self._argument_slots()), tuple(self._gradients_absent),
        )  # fmt: skip
        return self._returned(result)

    def _look_for_survivors(self) -> None:
        """See that nothing of this run is kept outside, where a replay would not bring it up to date."""
        kept = self.reason is None and self._tensors_kept()
        if kept:
            gc.collect()
            kept = self._tensors_kept()
        if kept:
            self._refuse("a Tensor that is computed inside is kept outside: return it instead")
        survivors = [x for x in (reference() for reference in self._stand_ins) if x is not None]
        if survivors:
            self._refuse("an array that is computed inside is kept outside: return it instead")
            while survivors:
                _release(survivors.pop())
        self._made.clear()

    def _tensors_kept(self) -> bool:
        """Return whether others know a Tensor of this run than the dictionary, the loop and the call here."""
        if any(tensor._node is not None and sys.getrefcount(tensor) > 3 for tensor in self._made.values()):
            return True
        self._made = {key: tensor for key, tensor in self._made.items() if tensor._node is None}
        return any(sys.getrefcount(tensor) > 3 for tensor in self._made.values())

    def _refuse(self, reason: str) -> None:
        self.program, self.reason = None, self.reason or reason

    def _argument_slots(self) -> Iterator[int]:
        """Iterate over the slots of arguments that are Tensors."""
        for tensor, traced, _ in self._lifted.values():
            if id(tensor) in self._arguments:
                yield self._arrays[id(traced.value)][2]

    def _outputs(self, tree: Any) -> Any:
        """Return a result with Results in the places of what was computed."""
        kind = type(tree)
        if kind is Traced:
            return Result("array", self._current(tree))
        if kind is Number:
            return Result("number", self._current(tree))
        if _is_tensor(tree):
            if id(tree) not in self._made:
                return self._place(tree)
            slot = self._current(self.lift(tree))
            return Result("tensor" if tree._node is None else "recorded", slot)
        if kind is np.ndarray:
            return Result("array", self._current(self.array(tree, Source("constant", tree.copy()))))
        if kind in (tuple, list) or (isinstance(tree, tuple) and hasattr(tree, "_make")):
            items = [self._outputs(item) for item in tree]
            return tree._make(items) if hasattr(tree, "_make") else kind(items)
        if kind is dict:
            return {key: self._outputs(value) for key, value in tree.items()}
        if not isinstance(tree, (bool, int, float, complex, str, bytes, type(None), np.generic)):
            self.leave(f"it returns a {kind.__name__}, where tuples, lists and dictionaries can be made anew")
        return tree

    def _place(self, tensor: Any) -> Any:
        """Return a Tensor from outside, or which argument it was."""
        place = self._arguments.get(id(tensor))
        return tensor if place is None else Result("argument", place)

    def _returned(self, tree: Any) -> Any:
        """Return a result as a replay gives it, numbers of its own and no graph, or as it is without one."""
        kind = type(tree)
        if kind is Traced or kind is Number:
            return copy.copy(tree.value)
        if _is_tensor(tree):
            if self.reason is not None or id(tree) not in self._made:
                return tree
            array = np.array(plain(tree.data))
            return type(tree)(array) if tree._node is None else recorded_elsewhere(array)
        if kind is np.ndarray and self.reason is None:
            return tree.copy()
        if kind in (tuple, list) or (isinstance(tree, tuple) and hasattr(tree, "_make")):
            items = [self._returned(item) for item in tree]
            return tree._make(items) if hasattr(tree, "_make") else kind(items)
        return {key: self._returned(value) for key, value in tree.items()} if kind is dict else tree

    def _note_effects(self) -> None:
        for tensor, traced, gradient in self._lifted.values():
            target = self._place(tensor)
            data, now = tensor.data, tensor._grad
            if type(data) is not Traced:
                self.leave("the .data of a Tensor is replaced by an array that was not computed here")
            elif data is not traced:
                self._effects.append(Effect("new data", target, self._current(data)))
            self._note_gradient(tensor, target, gradient, now)
        for state, step in self.steps.values():
            self._effects.append(Effect("step", state, step.slot))
        tensors = {id(traced) for _, traced, _ in self._lifted.values()}
        for _, traced, first in self._arrays.values():
            kind = self._sources[first].kind
            if traced.memory.written == 0 or kind in ("scratch", "constant"):
                continue
            if kind == "argument" and id(traced) not in tensors:
                self.leave("an argument is written to in place: return the new array instead")
            self._effects.append(Effect("array", first, self._current(traced)))

    def _note_gradient(self, tensor: Any, target: Any, before: Any, now: Any) -> None:
        """Note what became of a Tensor's gradient, and whether it mattered that it had one."""
        overwritten = id(tensor) in self._overwritten
        kept = now is None if before is None else type(now) is Traced and now.value is before
        if id(tensor) in self._gradients_read or not (overwritten or kept):
            self._gradients_absent.append((target, before is None))
        if kept and not overwritten and id(tensor) not in self._gradients_read:
            return
        if now is not None and type(now) is not Traced:
            self.leave("a gradient is set to an array that was not computed here")
            return
        self._effects.append(Effect("grad", target, None if now is None else self._current(now)))

    def _restore(self) -> None:
        """Put plain arrays in the places of all stand-ins."""
        for tensor, _, _ in self._lifted.values():
            tensor.data, tensor._grad = plain(tensor.data), plain(tensor._grad)
        for tensor in self._made.values():
            tensor.data, tensor._grad = plain(tensor.data), plain(tensor._grad)
            node = tensor._node
            if node is not None:
                node.args, node.output = plain(node.args), plain(node.output)
                node.options, node.gradient = plain(dict(node.options)), plain(node.gradient)
        for known in (self._arrays, self._lifted, self._numbers, self.steps, self._modules):
            known.clear()


def _release(stand_in: Any) -> None:
    """Put the plain numbers wherever a stand-in is kept."""
    number = plain(stand_in)
    for holder in gc.get_referrers(stand_in):
        attributes = getattr(holder, "__dict__", None)
        places = attributes if isinstance(attributes, dict) else holder
        if _is_tensor(holder):
            holder.data, holder._grad = plain(holder.data), plain(holder._grad)
        elif isinstance(holder, types.CellType):
            holder.cell_contents = number
        elif isinstance(places, (dict, list)):
            for key, value in list(places.items() if isinstance(places, dict) else enumerate(places)):
                if value is stand_in:
                    places[key] = number


def _is_tensor(thing: Any) -> bool:
    return hasattr(thing, "_record") and hasattr(thing, "_node")


def _is_data(leaf: Any) -> bool:
    """Return whether an argument is read anew at each replay."""
    return _is_tensor(leaf) or isinstance(leaf, np.ndarray)


class Looker:
    """Tells a capture which primitive, pass and layer its instructions belong to."""

    def __init__(self, capture: Capture) -> None:
        self.capture = capture

    def result(self, primitive: Any, args: Any, options: Any, output: Any) -> None:
        """What was just computed is a primitive's value."""
        self.capture.mark((primitive.name, "forward"))

    def seal(self, args: Any, output: Any) -> None:
        """Nothing to remember."""

    def opened(self, node: Any) -> None:
        """Nothing to look at."""

    def cotangent(self, node: Any, k: int, compute: Callable[[], Any]) -> Any:
        """What is computed now is a primitive's derivative."""
        result = compute()
        self.capture.mark((node.primitive.name, "backward"))
        return result

    def tangent(self, node: Any, compute: Callable[[], Any]) -> Any:
        """What is computed now is a primitive's derivative."""
        return self.cotangent(node, 0, compute)


def drawn(rng: Any, shape: tuple[int, ...]) -> Any:
    """Return uniform numbers in [0, 1) from a module's generator."""
    return random.generator(rng).random(shape)


def recorded_elsewhere(array: Any) -> Any:
    """Return the Tensor of a result whose graph is gone, as after backward(), so that another is an error."""
    from ..tensor import _wrap

    return _wrap(array, Node(positive, None, None, {}, None, PLAIN))  # type: ignore[arg-type]


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
