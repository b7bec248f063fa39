"""Running a program with NumPy: every array has its place, and one function is called after another."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .. import writes
from ..graph import tick
from ..random import generator
from ..tensor import Tensor
from . import blocks
from .memory import Plan, array_at, last_decision, plan, roots
from .outcome import recorded_elsewhere
from .program import Effect, Fused, Guard, Instruction, Program, Ref, Result, refs, substituted
from .tape import drawn, filled

ARITHMETIC = {
    operator.add: "+", operator.sub: "-", operator.mul: "*", operator.truediv: "/", operator.floordiv: "//",
    operator.mod: "%", operator.pow: "**", operator.lt: "<", operator.le: "<=", operator.gt: ">",
    operator.ge: ">=", operator.eq: "==", operator.ne: "!=",
}  # fmt: skip

WITH_OUT = {np.concatenate, np.stack, np.take, np.clip, np.dot, np.mean, np.cumsum, np.cumprod}
"""Functions that are no ufuncs, but write where they are told."""

NAMED = {np.maximum, np.minimum}
"""Ufuncs that want the name of the argument."""


def elementwise(instruction: Instruction) -> bool:
    """Return whether a result's entries depend on the same entries of the operands alone."""
    function = instruction.function
    if isinstance(function, Fused):
        return function.in_place
    return (
        isinstance(function, np.ufunc)
        and function.signature is None
        and function.nout == 1
        and "where" not in instruction.options
    )


def placed(instruction: Instruction) -> bool:
    """Return whether an instruction can be told where to write."""
    function = instruction.function
    if isinstance(function, Fused):
        return True
    if instruction.updates is not None or function in (filled, drawn, np.where) or function in WITH_OUT:
        return True
    if isinstance(function, np.ufunc):
        return function.nout == 1
    return getattr(function, "__name__", "") == "reduce" or function in (np.ndarray.astype, np.ndarray.copy)


class Writer:
    """
    Writes the Python function that replays a program.

    Attributes
    ----------
    source : str
        Its text.
    names : dict
        What the names in it stand for: arrays, functions, constants.
    """

    def __init__(
        self, program: Program, kernel: Callable[[Fused, Sequence[Any]], Callable[..., None]] | None = None
    ) -> None:
        self.program = program
        self.kernel = kernel or blocks.kernel
        self.plan: Plan = plan(program, placed, elementwise)
        self.block = np.empty(self.plan.size, np.uint8)
        self.names: dict[str, Any] = {}
        self.lines: list[str] = []
        self._arrays: dict[int, Any] = {}
        self._root = roots(program)
        self._known: dict[int, str] = {}
        self._undo: list[str] = []
        self._given: set[int] = set()
        self._joined: dict[int, np.ndarray[Any, Any]] = {}

    def write(self) -> Callable[[list[Any]], Any]:
        """Return the function ``replay(arguments)``: None where it must be captured anew, else its result."""
        self._read_sources()
        guards: dict[int, list[Guard]] = {}
        for guard in self.program.guards:
            guards.setdefault(guard.slot, []).append(guard)
        for slot in list(self.program.sources):
            for guard in guards.pop(slot, ()):
                self._check(guard)
        for instruction in self.program.instructions:
            self._instruction(instruction)
            for slot in instruction.results:
                for guard in guards.pop(slot, ()):
                    self._check(guard)
        self._effects()
        self.lines.append(f"return {self._output(self.program.outputs)},")
        self.source = "def replay(arguments):\n" + "\n".join(f"    {line}" for line in self.lines) + "\n"
        exec(compile(self.source, "<replay>", "exec"), self.names)
        replay: Callable[[list[Any]], Any] = self.names["replay"]
        return replay

    def _name(self, thing: Any, hint: str) -> str:
        name = f"{hint}_{len(self.names)}"
        self.names[name] = thing
        return name

    def _function(self, function: Any, hint: str) -> str:
        name = "".join(c if c.isalnum() else "_" for c in hint)
        if self.names.setdefault(name, function) != function:
            return self._name(function, name)
        return name

    def _read_sources(self) -> None:
        stale = []
        for slot, (kind, what) in self.program.sources.items():
            if kind == "argument":
                tensor = slot in self.program.argument_tensors
                self.lines.append(f"a{slot} = arguments[{what}]{'.data' if tensor else ''}")
                self._known[slot] = f"a{slot}"
            elif kind == "number":
                self.lines.append(f"n{slot} = {self._name(what, 'read')}()")
                self._known[slot] = f"n{slot}"
            elif kind == "scratch":
                self._static(slot, self.program.specs[slot].empty())
            elif kind in ("constant", "array"):
                self._static(slot, what)
            elif kind == "data":
                array = what.data
                self._static(slot, array)
                stale.append(f"{self._name(what, 'tensor')}.data is not {self._known[slot]}")
            elif kind == "grad":
                self.lines.append(f"a{slot} = {self._tensor(what)}._grad")
                self._known[slot] = f"a{slot}"
        for tensor, absent in self.program.gradients_absent:
            stale.append(f"{self._tensor(tensor)}._grad is {'not ' if absent else ''}None")
        if stale:
            self.lines.append(f"if {' or '.join(stale)}: return None")

    def _static(self, slot: int, thing: Any) -> None:
        if isinstance(thing, np.ndarray):
            self._arrays[slot] = thing
            self._known[slot] = self._name(thing, "array")
        else:
            self._known[slot] = self._name(thing, "constant")

    def _operand(self, x: Any) -> str:
        """Return the expression of a nested argument."""
        if isinstance(x, Ref):
            return self._known[x.slot]
        if type(x) in (bool, int, type(None), str) or x is Ellipsis:
            return repr(x) if x is not Ellipsis else "..."
        if type(x) is float and np.isfinite(x):
            return repr(x)
        if type(x) in (tuple, list) and any(True for _ in refs(x)):
            inside = ", ".join(map(self._operand, x))
            return f"[{inside}]" if type(x) is list else f"({inside},)"
        if type(x) is slice and any(True for _ in refs(x)):
            return f"slice({self._operand(x.start)}, {self._operand(x.stop)}, {self._operand(x.step)})"
        return self._name(x, "constant")

    def _instruction(self, instruction: Instruction) -> None:
        slot, function = instruction.result, instruction.function
        args, options = instruction.args, dict(instruction.options)
        if all(s in self._arrays for s in instruction.reads) and instruction.view_of is not None:
            value = function(*substituted(args, lambda ref: self._arrays[ref.slot]), **options)
            self._static(slot, value)
            return
        if isinstance(function, Fused):
            for result in instruction.results:
                self._static(result, self._memory(result))
            given = (*args, *map(Ref, instruction.results))
            kernel = self.kernel(function, [self._arrays.get(ref.slot) for ref in given])
            self.lines.append(f"{self._name(kernel, 'fused')}({', '.join(map(self._operand, given))})")
            return
        place = self.plan.places.get(slot)
        if place is None:
            self.lines.append(f"s{slot} = {self._call(instruction)}")
            self._known[slot] = f"s{slot}"
            return
        self._static(slot, self._memory(slot))
        out = self._known[slot]
        if slot in self.plan.joined:
            return
        if instruction.updates is not None:
            old = self._known[instruction.updates]
            if old != out and self._arrays.get(instruction.updates) is not self._arrays[slot]:
                self.lines.append(f"{self._function(np.copyto, 'copyto')}({out}, {old})")
            self._update(instruction, out)
        elif function in (filled, np.ndarray.astype, np.ndarray.copy):
            copyto = self._function(np.copyto, "copyto")
            self.lines.append(f"{copyto}({out}, {self._operand(args[0])}, 'unsafe')")
        elif function is drawn:
            self._remember_generator(instruction)
            name = self._function(generator, "generator")
            self.lines.append(f"{name}({self._operand(args[0])}).random(out={out})")
        elif function is np.where:
            condition, x, y = map(self._operand, args)
            copyto = self._function(np.copyto, "copyto")
            self.lines += [f"{copyto}({out}, {y})", f"{copyto}({out}, {x}, where={condition})"]
        elif getattr(function, "__name__", "") == "reduce":
            known = {key: options.pop(key, default) for key, default in (("axis", 0), ("dtype", None))}
            keep = options.pop("keepdims", False)
            more = [out, "True"] if keep else [out]
            self.lines.append(self._written(instruction, (*args, *known.values()), more, options))
        else:
            position = out if isinstance(function, np.ufunc) and function not in NAMED else f"out={out}"
            self.lines.append(self._written(instruction, args, [position], options))

    def _update(self, instruction: Instruction, out: str) -> None:
        args, function = instruction.args, instruction.function
        if function is operator.setitem:
            self.lines.append(f"{out}[{self._operand(args[1])}] = {self._operand(args[2])}")
        elif getattr(function, "__name__", "") == "at":
            operands = ", ".join(map(self._operand, args[1:]))
            self.lines.append(f"{self._function(function, instruction.name)}({out}, {operands})")
        else:
            self.lines.append(self._written(instruction, args, [out], instruction.options))

    def _call(self, instruction: Instruction) -> str:
        args = instruction.args
        if instruction.function is operator.getitem:
            return f"{self._operand(args[0])}[{self._operand(args[1])}]"
        if instruction.function in ARITHMETIC and len(args) == 2:
            return f"{self._operand(args[0])} {ARITHMETIC[instruction.function]} {self._operand(args[1])}"
        return self._written(instruction, args, [], instruction.options)

    def _written(
        self, instruction: Instruction, args: Sequence[Any], more: Sequence[str], options: Mapping[str, Any]
    ) -> str:
        """Return the call of an instruction's function; ``more`` are expressions that follow its operands."""
        named = [f"{key}={self._operand(value)}" for key, value in options.items()]
        name = self._function(instruction.function, instruction.name)
        return f"{name}({', '.join([*map(self._operand, args), *more, *named])})"

    def _memory(self, slot: int) -> np.ndarray[Any, Any]:
        place, spec = self.plan.places[slot], self.program.specs[slot]
        if place.kind == "target":
            target: np.ndarray[Any, Any] = self._arrays[place.of]
            return target
        if place.kind == "part":
            whole = self._own(place.of)
            return whole[place.start : place.stop].reshape(spec.shape)
        if slot in self.plan.joined:
            return self._own(slot)
        if place.kind == "own":
            return spec.empty()
        return array_at(self.block, place.offset, spec)

    def _own(self, slot: int) -> np.ndarray[Any, Any]:
        """Return the memory of a vector whose parts are computed in their places."""
        if slot not in self._joined:
            self._joined[slot] = self.program.specs[slot].empty()
        return self._joined[slot]

    def _check(self, guard: Guard) -> None:
        known = self._known[guard.slot]
        kind = self._function(guard.kind, guard.kind.__name__)
        undo = "".join(f"{statement}; " for statement in self._undo)
        self.lines.append(f"if {kind}({known}) != {guard.expected!r}: {undo}return None")

    def _remember_generator(self, instruction: Instruction) -> None:
        """See that it can go back to where it was, where something is decided after a draw."""
        if self.program.made[instruction.result] < last_decision(self.program):
            name = self._function(generator, "generator")
            bits = f"{name}({self._operand(instruction.args[0])}).bit_generator"
            state = f"before_{len(self._undo)}"
            self.lines.append(f"{state} = {bits}.state")
            self._undo.insert(0, f"{bits}.state = {state}")

    def _effects(self) -> None:
        """Write what changes outside, when everything is computed."""
        touched = []
        for effect in self.program.effects:
            if effect.kind == "written":
                touched.append(self._known[effect.target])
            elif effect.kind == "array":
                touched.append(self._known[effect.target])
                if effect.slot is not None and effect.slot not in self.plan.writes:
                    copyto = self._function(np.copyto, "copyto")
                    self.lines.append(f"{copyto}({self._known[effect.target]}, {self._known[effect.slot]})")
        for effect in self.program.effects:
            value = "None" if effect.slot is None else self._known[effect.slot]
            if effect.kind == "grad":
                self.lines.append(f"{self._tensor(effect.target)}._grad = {self._kept(effect)}")
            elif effect.kind == "new data":
                self.lines.append(f"{self._tensor(effect.target)}.data = {value}.copy()")
            elif effect.kind == "step":
                self.lines.append(f"{self._name(effect.target, 'state')}.step = {value}")
        if touched:
            self.lines.append(f"now = {self._function(tick, 'tick')}()")
            note = self._function(writes.note, "note")
            self.lines += [f"{note}({array}, now)" for array in touched]

    def _tensor(self, target: Any) -> str:
        """Return the expression of a Tensor, or of which argument it is."""
        return f"arguments[{target.slot}]" if isinstance(target, Result) else self._name(target, "tensor")

    def _kept(self, effect: Effect) -> str:
        """Return the expression of a gradient, in memory that stays."""
        if effect.slot is None:
            return "None"
        whole = self._root[effect.slot]
        place = self.plan.places.get(whole)
        known = self._known[effect.slot]
        mine = place is not None and place.kind in ("own", "part") and whole == effect.slot
        if mine and whole not in self._given and not isinstance(effect.target, Result):
            self._given.add(whole)
            return known
        return f"{self._function(np.array, 'array')}({known})"

    def _output(self, tree: Any) -> str:
        if isinstance(tree, Result):
            if tree.kind == "argument":
                return f"arguments[{tree.slot}]"
            known = self._known[tree.slot]
            if tree.kind == "number":
                return known
            copied = f"{self._function(np.array, 'array')}({known})"
            if tree.kind == "array":
                return copied
            make = recorded_elsewhere if tree.kind == "recorded" else Tensor
            return f"{self._function(make, make.__name__)}({copied})"
        if isinstance(tree, (tuple, list)):
            inside = ", ".join(map(self._output, tree))
            if hasattr(tree, "_make"):
                return f"{self._name(type(tree), 'type')}({inside})"
            return f"[{inside}]" if isinstance(tree, list) else f"({inside}{',' if len(tree) == 1 else ''})"
        if isinstance(tree, Mapping):
            return "{" + ", ".join(f"{key!r}: {self._output(value)}" for key, value in tree.items()) + "}"
        return self._name(tree, "constant")
