"""Small parameters that an optimizer updates together move into one block of memory."""

from __future__ import annotations

import dataclasses
import operator
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .passes.dead import dead_code
from .program import Effect, Instruction, Program, Source


def settled(program: Program, optimizers: Iterable[Any]) -> Program:
    """
    Let parameters that are concatenated, updated and put back lie next to each other, so that nothing moves.

    A Tensor's ``data`` becomes another array with the same numbers, once; not so where somebody else holds
    the old one, who would no longer see it change.
    """
    made = {instruction.result: instruction for instruction in program.instructions}
    for instruction in program.instructions:
        if instruction.function is np.concatenate and not instruction.options:
            found = _updated_together(program, made, instruction)
            if found is not None:
                slots, end = found
                flat = _neighbours([program.sources[slot].what for slot in slots], list(optimizers))
                if flat is not None:
                    return _rewritten(program, instruction.result, slots, end, flat)
    return program


def _updated_together(
    program: Program, made: dict[int, Instruction], joining: Instruction
) -> tuple[list[int], int] | None:
    """Return the slots of the parameters that are joined, and that of the vector they are updated from."""
    slots, ends, start = [], set(), 0
    updates = {
        effect.target: effect.slot
        for effect in program.effects
        if effect.kind == "array" and effect.slot is not None
    }
    for ref in joining.args[0]:
        view = made.get(ref.slot)
        first = ref.slot if view is None else view.view_of
        source = program.sources.get(first) if first is not None else None
        if first is None or source is None or source.kind != "data" or first not in updates:
            return None
        size = program.specs[first].size
        fill = made.get(updates[first])
        shaped = made.get(next(iter(fill.reads), -1)) if fill is not None else None
        picked = made.get(shaped.view_of) if shaped is not None and shaped.view_of is not None else None
        if picked is None or picked.function is not operator.getitem or picked.view_of is None:
            return None
        if picked.args[1] != slice(start, start + size):
            return None
        slots.append(first)
        ends.add(picked.view_of)
        start += size
    return (slots, ends.pop()) if len(ends) == 1 else None


def _neighbours(tensors: Sequence[Any], optimizers: Sequence[Any]) -> np.ndarray[Any, Any] | None:
    """Return the vector in whose memory the Tensors' arrays lie, after they moved there if need be."""
    arrays = [tensor.data for tensor in tensors]
    dtype, sizes = arrays[0].dtype, [array.size for array in arrays]
    block = getattr(arrays[0].base, "base", None)
    if isinstance(block, memoryview):  # they have moved before
        flat = np.frombuffer(block, dtype)
        starts = np.cumsum([0, *sizes[:-1]]) * dtype.itemsize + flat.ctypes.data
        if flat.size == sum(sizes) and [array.ctypes.data for array in arrays] == list(starts):
            return flat
    del arrays
    remembered = [pair for o in optimizers for pair in zip(o.parameters, o._states, strict=True)]
    states = [state for tensor in tensors for parameter, state in remembered if parameter is tensor]
    if len(states) != len(tensors) or any(map(_held_elsewhere, tensors)):
        return None
    memory = bytearray(sum(sizes) * dtype.itemsize)
    start = 0
    for tensor, state, size in zip(tensors, states, sizes, strict=True):
        # Each refers to the block itself, not to one array of all: each counts as memory of its own.
        own = np.frombuffer(memory, dtype, size, start).reshape(tensor.data.shape)
        own[...] = tensor.data
        tensor.data = state.data = own
        start += own.nbytes
    return np.frombuffer(memory, dtype)


def _held_elsewhere(tensor: Any) -> bool:
    """Return whether somebody refers to a Tensor's array besides the Tensor and its optimizer."""
    array = tensor.data
    return array.base is not None or not array.flags.c_contiguous or sys.getrefcount(array) > EXPECTED


EXPECTED = 4
"""References to an array that nobody else has: the Tensor's, the optimizer's, a local one and the count's."""


def _rewritten(
    program: Program, joined: int, slots: list[int], end: int, flat: np.ndarray[Any, Any]
) -> Program:
    moved = [effect for effect in program.effects if effect.kind == "array" and effect.target in slots]
    effects = [effect for effect in program.effects if effect not in moved]
    effects += [Effect("array", joined, end), *(Effect("written", slot, None) for slot in slots)]
    kept = [instruction for instruction in program.instructions if instruction.result != joined]
    sources = dict(program.sources) | {joined: Source("array", flat)}
    aliases = dict(program.aliases) | dict.fromkeys(slots, joined)
    changed = dataclasses.replace(program, effects=tuple(effects), aliases=aliases, sources=sources)
    return dead_code(changed.having("settled", kept))
