"""What a program computes, slot by slot, with memory of its own for every result: slow, and plain to see."""

from __future__ import annotations

import copy
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .. import random
from .program import Fused, Instruction, Program, Result, Spec, substituted
from .tape import drawn, filled


def interpreted(program: Program, leaves: Sequence[Any]) -> dict[int, Any] | None:
    """
    Return the value of every slot, or None where a decision comes out otherwise; nothing outside changes.

    Parameters
    ----------
    program : Program
        Before or after any passes.
    leaves : sequence
        The arguments, taken out of their lists and dictionaries.
    """
    values = {slot: _outside(program, slot, leaves) for slot in program.sources}
    for tensor, absent in program.gradients_absent:
        if (_tensor(tensor, leaves)._grad is None) is not absent:
            return None
    generators: dict[int, np.random.Generator] = {}
    for instruction in program.instructions:
        values.update(_results(instruction, values, program.specs, generators))
    decided = all(guard.kind(values[guard.slot]) == guard.expected for guard in program.guards)
    return values if decided else None


def kernel(fused: Fused, arrays: Sequence[Any] = ()) -> Callable[..., None]:
    """Return the loop of a fused instruction as one function of NumPy after another: what it means."""

    def run(*arrays: Any) -> None:
        values = dict(zip(fused.inputs, arrays, strict=False))
        for part in fused.body:
            values.update(_results(part, values, fused.specs, {}))
        for slot, target in zip(fused.outputs, arrays[len(fused.inputs) :], strict=True):
            target[...] = values[slot]

    return run


def _tensor(target: Any, leaves: Sequence[Any]) -> Any:
    return leaves[target.slot] if isinstance(target, Result) else target


def _outside(program: Program, slot: int, leaves: Sequence[Any]) -> Any:
    """Return a copy of what a slot reads outside."""
    kind, what = program.sources[slot]
    if kind == "argument":
        leaf = leaves[what]
        return copy.copy(leaf.data if slot in program.argument_tensors else leaf)
    if kind == "number":
        return what()
    if kind in ("data", "grad"):
        tensor = _tensor(what, leaves)
        return copy.copy(tensor.data if kind == "data" else tensor._grad)
    return copy.copy(what)


def _results(
    instruction: Instruction,
    values: Mapping[int, Any],
    specs: Sequence[Spec],
    generators: dict[int, np.random.Generator],
) -> dict[int, Any]:
    """Run one instruction."""
    function, slot = instruction.function, instruction.result
    if isinstance(function, Fused):
        inside = dict(values)
        for part in function.body:
            inside.update(_results(part, inside, function.specs, generators))
        return {output: inside[output] for output in instruction.results}
    args = substituted(instruction.args, lambda ref: values[ref.slot])
    options = substituted(dict(instruction.options), lambda ref: values[ref.slot])
    if function is drawn:
        outside = random.generator(args[0])
        generator = generators.setdefault(id(outside), copy.deepcopy(outside))
        return {slot: generator.random(args[1])}
    if function is filled:
        out = specs[slot].empty()
        out[...] = args[0]
        return {slot: out}
    if instruction.updates is not None:
        out = values[instruction.updates].copy(order="K")
        if function is operator.setitem:
            out[args[1]] = args[2]
        elif getattr(function, "__name__", "") == "at":
            function(out, *args[1:], **options)
        else:
            function(*args, out=out, **options)
        return {slot: out}
    if isinstance(function, np.ufunc) and function.nout == 1 and specs[slot].shape is not None:
        return {slot: function(*args, out=specs[slot].empty(), **options)}
    return {slot: copy.copy(function(*args, **options))}
