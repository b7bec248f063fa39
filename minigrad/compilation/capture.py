"""Running a step once, as always, and writing down what NumPy was asked to do."""

from __future__ import annotations

import copy
import dataclasses
import operator
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from .. import random, trees
from ..recording import capturing
from ..rules.operands import ARRAYS
from ..writes import owner
from .program import Effect, Guard, Instruction, Program, Ref, Result, Source, Spec
from .traced import Memory, Number, Traced, plain

ARRAYS.add(Traced)

METADATA = {
    np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.iscomplexobj, np.isrealobj, np.min_scalar_type,
    np.may_share_memory, np.shares_memory, np.broadcast_shapes, np.isscalar,
}  # fmt: skip
"""Functions that look at no number."""

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
    modules : list
        The modules that were called, and whose settings the program depends on.
    optimizers : list
        The optimizers that took a step.
    """

    def __init__(self) -> None:
        self.reason: str | None = None
        self.program: Program | None = None
        self.modules: dict[int, Any] = {}
        self.optimizers: dict[int, Any] = {}
        self.settings: list[tuple[Any, Any]] = []
        self.gradients_absent: list[tuple[Any, bool]] = []
        self._instructions: list[Instruction] = []
        self._specs: list[Spec] = []
        self._sources: dict[int, Source] = {}
        self._guards: list[Guard] = []
        self._arrays: dict[int, tuple[Any, Traced, int]] = {}
        self._lifted: dict[int, tuple[Any, Any, Any]] = {}
        self._made: list[Any] = []
        self._numbers: dict[Any, Number] = {}
        self._overwritten: set[int] = set()
        self._arguments: dict[int, int] = {}
        self._effects: list[Effect] = []
        self._steps: dict[int, Any] = {}
        self._marked = 0
        self._open = True

    # Running

    def run(self, function: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """Return what the function returns; afterwards `program` or `reason` is set."""
        leaves, rebuild = trees.flatten((args, options))
        stand_ins = [self._argument(k, leaf) for k, leaf in enumerate(leaves)]
        args, options = rebuild(stand_ins)
        try:
            with capturing(self, Looker(self)):
                result = function(*args, **options)
            return self._finish(result)
        finally:
            self._open = False
            self._restore()

    def leave(self, reason: str) -> None:
        """Note why this run makes no program; the first reason counts."""
        if self.reason is None and self._open:
            place = _line()
            self.reason = f"{reason}{f', at {place}' if place else ''}"

    # What comes from outside

    def _slot(self, value: Any, source: Source | None = None) -> int:
        self._specs.append(Spec.of(value))
        slot = len(self._specs) - 1
        if source is not None:
            self._sources[slot] = source
        return slot

    def _array(self, array: Any, source: Source) -> Traced:
        """Return the one stand-in of an array from outside."""
        known = self._arrays.get(id(array))
        if known is None:
            slot = self._slot(array, source)
            known = array, Traced(self, slot, array, Memory()), slot
            self._arrays[id(array)] = known
        return known[1]

    def number(self, read: Callable[[], Any], key: Any) -> Number:
        """Return the stand-in of a Python number that is read anew at each replay."""
        if key not in self._numbers:
            value = read()
            self._numbers[key] = Number(self, self._slot(value, Source("number", read)), value)
        return self._numbers[key]

    def _argument(self, place: int, leaf: Any) -> Any:
        if hasattr(leaf, "_record") and hasattr(leaf, "data") and isinstance(leaf.data, np.ndarray):
            if leaf._node is not None:
                self.leave("an argument is a Tensor computed outside: pass x.detach(), or compute it inside")
            self._arguments[id(leaf)] = place
            self.lift(leaf, Source("argument", place))
            return leaf
        if type(leaf) is np.ndarray and leaf.dtype.kind in "biuf":
            return self._array(leaf, Source("argument", place))
        if type(leaf) is float:
            return Number(self, self._slot(leaf, Source("argument", place)), leaf)
        return leaf

    def lift(self, tensor: Any, source: Source | None = None) -> Any:
        """Return what stands for the numbers of a Tensor, which holds it until the run ends."""
        data = tensor.data
        if type(data) is Traced:
            return data
        if not self._open:
            return data
        if tensor._node is not None:
            self.leave("a Tensor computed outside is used, whose graph lies outside: detach() it")
        gradient = tensor._grad
        traced = self._array(data, source or Source("data", tensor))
        self._lifted[id(tensor)] = tensor, traced, gradient
        tensor.data = traced
        if type(gradient) is np.ndarray:
            tensor._grad = self._array(gradient, Source("grad", tensor))
        elif gradient is not None:
            self.leave("a gradient is a Tensor, recorded under create_graph: set it to None first")
        return traced

    def setting_gradient(self, tensor: Any) -> None:
        """Note that a Tensor's gradient is about to be replaced."""
        if tensor._node is not None or not self._open:
            return
        self.lift(tensor)
        gradient = self._lifted[id(tensor)][2]
        now = tensor._grad
        if now is gradient or (type(now) is Traced and now.value is gradient):
            self._overwritten.add(id(tensor))

    def made(self, tensor: Any) -> None:
        """Remember a Tensor of this run, so that no stand-in survives in it."""
        self._made.append(tensor)

    def module(self, module: Any) -> None:
        """Note that the program depends on a module's settings."""
        self.modules[id(module)] = module

    def draw(self, rng: Any, shape: tuple[int, ...]) -> Any:
        """Draw uniform numbers, anew at each replay."""
        return self.record(drawn, (rng, tuple(shape)), fixed=True)

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
        given, named = self._refer(args), self._refer(options)
        value = function(*plain(args), **plain(options))
        if not fixed and not any(_stand_ins((args, options))):
            return value
        return self._wrap(function, given, named, value, args, fixed)

    def ufunc(self, ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """Run a ufunc and write it down."""
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
        if type(target) is not Traced:
            change()
            self.leave("an array that the step was not given is written to")
            return target
        given, named = self._refer(args), self._refer(options)
        before = self._current(target)
        change()
        slot = self._slot(target.value)
        reads_old = (
            function is operator.setitem or getattr(function, "__name__", "") == "at" or "where" in options
        )
        self._append(Instruction(function, given, named, slot, updates=before if reads_old else None))
        target.slot = slot
        target.memory.written += 1
        target.seen = target.memory.written
        return target

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
            self.leave(f"{getattr(function, '__name__', function)} gives {array.dtype}")
            return value
        shares = None if number else _shared_with(array, args)
        slot = self._slot(array)
        view_of = None if shares is None else self._current(shares)
        self._append(Instruction(function, given, named, slot, view_of, fixed=fixed))
        if number:
            return Number(self, slot, array)
        return Traced(self, slot, array, Memory() if shares is None else shares.memory)

    def _item(self, whole: int, place: int, value: Any, args: tuple[Any, ...]) -> Any:
        array = np.asarray(value)
        shares = _shared_with(array, args)
        slot = self._slot(array)
        view_of = None if shares is None else self._current(shares)
        self._append(Instruction(operator.getitem, (Ref(whole), place), {}, slot, view_of))
        return Traced(self, slot, array, Memory() if shares is None else shares.memory)

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

    def mark(self, origin: tuple[str, str, str, str]) -> None:
        """Say that the instructions since the last mark belong to this primitive."""
        for k in range(self._marked, len(self._instructions)):
            self._instructions[k] = dataclasses.replace(self._instructions[k], origin=origin)
        self._marked = len(self._instructions)

    # Optimizers

    def step(self, optimizer: Any) -> None:
        """Take an optimizer's step: its own ``update``, on stand-ins."""
        self.optimizers[id(optimizer)] = optimizer
        for parameter in optimizer.parameters:
            self.lift(parameter)
        before_steps = {
            id(state): self.number(lambda state=state: state.step, ("step", id(state)))
            for state in optimizer._states
        }
        with self._plainly(optimizer.parameters):
            moving = optimizer._moving()
            pack = optimizer._packed(moving)
        stand_ins = {
            id(state): (parameter.data, parameter._grad)
            for parameter, state in zip(optimizer.parameters, optimizer._states, strict=True)
        }
        for _, _, state in moving:
            key = "step", id(state)
            self._numbers[key] = self.record(operator.add, (before_steps[id(state)], 1))
        viewed = copy.copy(optimizer)
        for name, value in vars(optimizer).items():
            if type(value) is float:
                vars(viewed)[name] = self._attribute(optimizer, name)
            elif type(value) is tuple and value and all(type(item) is float for item in value):
                vars(viewed)[name] = tuple(self._attribute(optimizer, name, k) for k in range(len(value)))
        before = dict(vars(viewed))
        stepped = moving
        together = [entry for entry in moving if entry[2] in pack.states]
        if len(together) == len(pack.states) > 0 and len({state.step for _, _, state in together}) == 1:
            self._step_together(viewed, together, stand_ins, pack)
            moving = [entry for entry in moving if entry[2] not in pack.states]
        for data, _, state in moving:
            numbers, gradient = stand_ins[id(state)]
            memory = [self._array(array, Source("array", array)) for array in state.arrays.values()]
            self._apply(viewed, numbers, gradient, np.empty_like(data), state, memory)
        for _, _, state in stepped:
            self._steps[id(state)] = state
        if any(vars(viewed).get(name) is not value for name, value in before.items()) or len(before) != len(
            vars(viewed)
        ):
            vars(optimizer).update({k: v for k, v in vars(viewed).items() if before.get(k) is not v})
            self.leave(f"{type(optimizer).__name__} changes attributes of its own while it updates")

    def _step_together(self, viewed: Any, together: Any, stand_ins: Any, pack: Any) -> None:
        """Update the small parameters as one vector."""
        pairs = [stand_ins[id(state)] for _, _, state in together]
        data, gradient = (
            self.record(np.concatenate, ([x.reshape(-1) for x in arrays],))
            for arrays in zip(*pairs, strict=True)
        )
        memory = [self._array(array, Source("array", array)) for array in pack.memory]
        self._apply(viewed, data, gradient, np.empty_like(pack.data), together[0][2], memory)
        start = 0
        for numbers, _ in pairs:
            part = data[start : start + numbers.size]
            start += numbers.size
            self.assign(numbers, ..., part.reshape(numbers.shape))
        self.mark((type(viewed).__name__, "update", "", ""))

    def _apply(self, viewed: Any, data: Any, gradient: Any, work: Any, state: Any, memory: list[Any]) -> None:
        step = self._numbers["step", id(state)]
        viewed.update(data, gradient, self._array(work, Source("scratch", work)), step, *memory)
        self.mark((type(viewed).__name__, "update", "", ""))

    def _attribute(self, owner: Any, name: str, place: int | None = None) -> Number:
        def read() -> Any:
            value = getattr(owner, name)
            return value if place is None else value[place]

        return self.number(read, (id(owner), name, place))

    @contextmanager
    def _plainly(self, tensors: list[Any]) -> Iterator[None]:
        """Context in which Tensors hold their arrays."""
        held = [(tensor, tensor.data, tensor._grad) for tensor in tensors]
        for tensor, data, gradient in held:
            tensor.data, tensor._grad = plain(data), plain(gradient)
        try:
            yield
        finally:
            for tensor, data, gradient in held:
                tensor.data, tensor._grad = data, gradient

    # The end

    def _finish(self, result: Any) -> Any:
        outputs = self._outputs(result)
        returned = self._returned(result)
        self._note_effects()
        self.settings = [
            (module, settings_of(module)) for module in (*self.modules.values(), *self.optimizers.values())
        ]
        if self.reason is None:
            self.program = Program(
                tuple(self._instructions), tuple(self._specs), dict(self._sources), tuple(self._guards),
                tuple(self._effects), outputs, frozenset(self._argument_slots()), tuple(self.gradients_absent),
            )  # fmt: skip
            self.reason = _refusal(self.program)
            if self.reason is not None:
                self.program = None
        return returned

    def _argument_slots(self) -> Iterator[int]:
        """Iterate over the slots of arguments that are Tensors."""
        for tensor, traced, _ in self._lifted.values():
            if id(tensor) in self._arguments:
                yield self._arrays[id(traced.value)][2]

    def _outputs(self, tree: Any) -> Any:
        """Return a result with Results in the places of what was computed."""
        if type(tree) is Traced:
            return Result("array", self._current(tree))
        if type(tree) is Number:
            return Result("number", self._current(tree))
        if hasattr(tree, "_record") and hasattr(tree, "_node"):
            if tree._node is None and id(tree) in self._lifted:
                return self._place(tree)
            data = tree.data
            return Result("tensor", self._current(data)) if type(data) is Traced else tree
        if isinstance(tree, (tuple, list)):
            items = [self._outputs(item) for item in tree]
            return type(tree)._make(items) if hasattr(tree, "_make") else type(tree)(items)
        if isinstance(tree, dict):
            return {key: self._outputs(value) for key, value in tree.items()}
        return tree

    def _place(self, tensor: Any) -> Any:
        """Return a Tensor from outside, or which argument it was."""
        place = self._arguments.get(id(tensor))
        return tensor if place is None else Result("argument", place)

    def _returned(self, tree: Any) -> Any:
        """Return a result as a replay gives it: numbers of its own, and no graph."""
        if type(tree) is Traced:
            return tree.value.copy()
        if type(tree) is Number:
            return tree.value
        if hasattr(tree, "_record") and hasattr(tree, "_node"):
            if self.reason is not None or (tree._node is None and id(tree) in self._lifted):
                return tree
            result = tree.detach()
            result.data = np.array(plain(tree.data))
            return result
        if isinstance(tree, (tuple, list)):
            items = [self._returned(item) for item in tree]
            return type(tree)._make(items) if hasattr(tree, "_make") else type(tree)(items)
        if isinstance(tree, dict):
            return {key: self._returned(value) for key, value in tree.items()}
        return tree

    def _note_effects(self) -> None:
        for tensor, traced, gradient in self._lifted.values():
            target = self._place(tensor)
            data, now = tensor.data, tensor._grad
            if type(data) is not Traced:
                self.leave("the .data of a Tensor is replaced by an array that was not computed here")
            elif data is not traced:
                self._effects.append(Effect("new data", target, self._current(data)))
            if not tensor._requires_grad and now is None and gradient is None:
                continue
            if id(tensor) not in self._overwritten:
                self.gradients_absent.append((target, gradient is None))
            if now is None:
                if id(tensor) in self._overwritten:
                    self._effects.append(Effect("grad", target, None))
            elif type(now) is not Traced:
                self.leave("a gradient is set to an array that was not computed here")
            elif now.value is not gradient or id(tensor) in self._overwritten:
                self._effects.append(Effect("grad", target, self._current(now)))
        for state in self._steps.values():
            self._effects.append(Effect("step", state, self._numbers["step", id(state)].slot))
        tensors = {id(traced) for _, traced, _ in self._lifted.values()}
        for _, traced, first in self._arrays.values():
            kind = self._sources[first].kind
            if traced.memory.written == 0 or kind == "scratch":
                continue
            if kind == "argument" and id(traced) not in tensors:
                self.leave("an argument is written to in place: return the new array instead")
            self._effects.append(Effect("array", first, self._current(traced)))

    def _restore(self) -> None:
        """Put plain arrays in the places of all stand-ins."""
        for tensor, _, _ in self._lifted.values():
            tensor.data, tensor._grad = plain(tensor.data), plain(tensor._grad)
        for tensor in self._made:
            tensor.data, tensor._grad = plain(tensor.data), plain(tensor._grad)
            node = tensor._node
            if node is not None:
                node.args, node.output = plain(node.args), plain(node.output)
                node.options, node.gradient = plain(dict(node.options)), plain(node.gradient)
        for held in (self._arrays, self._lifted, self._made, self._numbers):
            held.clear()


class Looker:
    """Tells a capture which primitive, pass and layer its instructions belong to."""

    def __init__(self, capture: Capture) -> None:
        self.capture = capture

    def result(self, primitive: Any, args: Any, options: Any, output: Any) -> None:
        """What was just computed is a primitive's value."""
        self.capture.mark((primitive.name, "forward", "", ""))

    def seal(self, args: Any, output: Any) -> None:
        """Nothing to remember."""

    def opened(self, node: Any) -> None:
        """Nothing to look at."""

    def cotangent(self, node: Any, k: int, compute: Callable[[], Any]) -> Any:
        """What is computed now is a primitive's derivative."""
        result = compute()
        self.capture.mark((node.primitive.name, "backward", "", ""))
        return result

    def tangent(self, node: Any, compute: Callable[[], Any]) -> Any:
        """What is computed now is a primitive's derivative."""
        return self.cotangent(node, 0, compute)


def drawn(rng: Any, shape: tuple[int, ...]) -> Any:
    """Return uniform numbers in [0, 1) from a module's generator."""
    return random.generator(rng).random(shape)


def filled(value: Any) -> Any:
    """Return the numbers that an array is filled with: what ``array[...] = value`` writes."""
    return value


def settings_of(thing: Any) -> tuple[Any, ...]:
    """Return what a program depends on of a module or an optimizer, to be compared later."""
    return tuple(
        (name, value if isinstance(value, (bool, int, str, type(None))) else id(value))
        for name, value in vars(thing).items()
        if not (type(value) in (float, tuple) and dataclasses.is_dataclass(thing)) and name != "_work"
    )


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
    for arg in args if isinstance(args, (tuple, list)) else ():
        if type(arg) is Traced:
            if owner(arg.value) is memory:
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


def _refusal(program: Program) -> str | None:
    """Return why a program would not be right, or None."""
    return None
