"""Where the numbers of a program lie: one block of memory, planned by who is alive when."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .program import Fused, Instruction, Program, Result, Spec

ALIGNMENT = 64
"""Bytes: a cache line, and what vector units like."""


@dataclass(frozen=True)
class Place:
    """
    The memory of a slot.

    Attributes
    ----------
    kind : str
        ``block`` (at `offset`), ``own`` (kept from one replay to the next), ``target`` (the array that slot
        `of` came in with) or ``part`` (entries `start` to `stop` of the vector in slot `of`).
    """

    kind: str
    offset: int = 0
    of: int = -1
    start: int = 0
    stop: int = 0


@dataclass(frozen=True)
class Plan:
    """
    The places of all slots that instructions compute into.

    Attributes
    ----------
    places : mapping from slot to Place
        Views have none: they are where their base is.
    size : int
        Bytes of the block.
    writes : frozenset of int
        Slots computed right into an array from outside; the others are copied there at the end.
    joined : frozenset of int
        Slots of concatenated vectors whose parts are computed right where they belong.
    """

    places: Mapping[int, Place]
    size: int
    writes: frozenset[int]
    joined: frozenset[int]

    def total(self, program: Program) -> int:
        """Return the bytes that a program needs besides what is outside: the block, and what is kept."""
        own = sum(program.specs[slot].bytes for slot, place in self.places.items() if place.kind == "own")
        return self.size + own


def roots(program: Program) -> dict[int, int]:
    """Return for each slot the one whose memory it is in."""
    root = {slot: program.aliases.get(slot, slot) for slot in program.sources}
    for instruction in program.instructions:
        for slot in instruction.results:
            root[slot] = slot if instruction.view_of is None else root[instruction.view_of]
    return root


def last_reads(program: Program, root: Mapping[int, int]) -> dict[int, int]:
    """Return where each memory is read last, by index; one past the end if it is wanted."""
    last: dict[int, int] = {}
    for k, instruction in enumerate(program.instructions):
        for slot in (*instruction.reads, *instruction.results):
            last[root[slot]] = k
    for slot in program.wanted:
        last[root[slot]] = len(program.instructions)
    return last


def plan(
    program: Program, placed: Callable[[Instruction], bool], elementwise: Callable[[Instruction], bool]
) -> Plan:
    """
    Give every computed array a place.

    A place is free again when the last instruction that reads it has run. An elementwise instruction may
    write over an operand that dies with it. What ends in an array from outside is computed there, if nobody
    still needs the old numbers, and after the last decision: until then nothing outside may change.

    Parameters
    ----------
    program : Program
        After all passes.
    placed : callable
        Whether an instruction writes where it is told.
    elementwise : callable
        Whether it may write over an operand of the same shape and dtype.
    """
    root = roots(program)
    last = last_reads(program, root)
    targets, kept = _targets(program, root, last, placed), _kept(program, root)
    moving = _still_read(program, root, last)
    kept -= moving
    parts = _parts(program, root, placed, {*targets, *moving})
    joined = {place.of for place in parts.values()}
    ends = _ends(program, targets)
    free = Free()
    places: dict[int, Place] = {}
    dying: dict[int, list[int]] = {}
    for memory, k in last.items():
        dying.setdefault(k, []).append(memory)
    for k, instruction in enumerate(program.instructions):
        for slot in instruction.results:
            spec = program.specs[slot]
            if not placed(instruction) or spec.shape is None or instruction.view_of is not None:
                continue
            if slot in parts:
                places[slot] = parts[slot]
            elif slot in joined:
                places[slot] = Place("own")
            elif slot in targets:
                places[slot] = Place("target", of=targets[slot])
            elif slot in kept:
                places[slot] = Place("own")
            else:
                may = elementwise(instruction)
                ending = _replaced(instruction, slot, program.specs, root, last, ends, k) if may else None
                reused = _reusable(instruction, slot, program.specs, root, last, free, k) if may else None
                if ending is not None:
                    places[slot] = Place("target", of=ending)
                    del ends[ending]
                elif reused is not None:
                    places[slot] = places[reused]
                    free.taken_over(reused, slot)
                else:
                    places[slot] = Place("block", offset=free.take(slot, spec.bytes))
        for memory in dying.get(k, ()):
            free.give_back(memory)
    return Plan(places, free.size, frozenset(targets), frozenset(joined))


def _targets(
    program: Program, root: Mapping[int, int], last: Mapping[int, int], placed: Callable[[Instruction], bool]
) -> dict[int, int]:
    """Return the slots that may be computed right into the array from outside that they end in."""
    decided = last_decision(program)
    found: dict[int, int] = {}
    for effect in program.effects:
        if effect.kind != "array" or effect.slot is None or effect.slot not in program.made:
            continue
        k, first = program.made[effect.slot], effect.target
        instruction = program.instructions[k]
        fits = program.specs[effect.slot] == program.specs[first] and program.sources[first].kind not in (
            "argument",
            "grad",
        )
        direct = placed(instruction) and instruction.view_of is None and _safe(instruction, first, root)
        if fits and direct and k > decided and last.get(first, -1) <= k:
            found[effect.slot] = first
    return found


def _safe(instruction: Instruction, memory: int, root: Mapping[int, int]) -> bool:
    """
    Return whether an instruction may write to a memory that it reads.

    NumPy looks for overlaps itself; a fused loop reads every entry right before it writes there, and may
    not meet the same memory in another order.
    """
    reads = [slot for slot in instruction.reads if root[slot] == memory]
    fused = instruction.function if isinstance(instruction.function, Fused) else None
    return fused is None or not reads or (fused.in_place and reads == [memory])


def _parts(
    program: Program,
    root: Mapping[int, int],
    placed: Callable[[Instruction], bool],
    elsewhere: Collection[int],
) -> dict[int, Place]:
    """Return the places of what is computed only to be concatenated: right in the long vector."""
    found: dict[int, Place] = {}
    for instruction in program.instructions:
        if instruction.function is not np.concatenate or instruction.options or len(instruction.args) != 1:
            continue
        stop = 0
        places: dict[int, Place] = {}
        for ref in instruction.args[0]:
            memory, spec = root[ref.slot], program.specs[ref.slot]
            start, stop = stop, stop + spec.size
            whole = program.specs[memory]
            made = program.made.get(memory)
            fits = made is not None and placed(program.instructions[made])
            fits = fits and memory not in (*elsewhere, *found, *places)
            straight = whole.order == tuple(range(len(whole.shape or ()))) and whole.size == spec.size
            flat = len(spec.shape or ()) == 1 and whole.dtype == program.specs[instruction.result].dtype
            if fits and straight and flat:
                places[memory] = Place("part", of=instruction.result, start=start, stop=stop)
        if len(places) == len(instruction.args[0]):
            found |= places
    return found


def _kept(program: Program, root: Mapping[int, int]) -> set[int]:
    """Return the memories that are seen from outside after the replay."""
    return {
        root[effect.slot] for effect in program.effects if effect.kind == "grad" and effect.slot is not None
    }


def last_decision(program: Program) -> int:
    """Return the index of the instruction after which nothing is decided any more; −1 if nothing is."""
    return max((program.made.get(guard.slot, -1) for guard in program.guards), default=-1)


def _ends(program: Program, targets: Mapping[int, int]) -> dict[int, tuple[int, int]]:
    """Return from when on an array from outside may be written to, and when its last numbers are."""
    decided = last_decision(program)
    return {first: (decided, program.made[slot]) for slot, first in targets.items()}


def _replaced(
    instruction: Instruction,
    result: int,
    specs: Sequence[Spec],
    root: Mapping[int, int],
    last: Mapping[int, int],
    ends: Mapping[int, tuple[int, int]],
    k: int,
) -> int | None:
    """Return an array from outside that is read here for the last time, and ends in numbers to come."""
    for slot in instruction.reads:
        decided, end = ends.get(slot, (k, -1))
        alone = root[slot] == slot and last[slot] == k > decided and last[root[result]] <= end
        if alone and specs[slot] == specs[result] and _safe(instruction, slot, root):
            return slot
    return None


def _still_read(program: Program, root: Mapping[int, int], last: Mapping[int, int]) -> set[int]:
    """
    Return new gradients that are computed while the old ones may still be needed.

    The last replay left the old one where this one would put the new.
    """
    decided = last_decision(program)
    old = {_key(source.what): slot for slot, source in program.sources.items() if source.kind == "grad"}
    found = set()
    for effect in program.effects:
        if effect.kind == "grad" and effect.slot is not None and _key(effect.target) in old:
            memory = root[effect.slot]
            if program.made.get(memory, -1) <= max(decided, last.get(old[_key(effect.target)], -1) - 1):
                found.add(memory)
    return found


def _key(tensor: Any) -> Any:
    """Return what tells Tensors apart: which argument, or which object."""
    return tensor if isinstance(tensor, Result) else id(tensor)


def _reusable(
    instruction: Instruction,
    result: int,
    specs: Sequence[Spec],
    root: Mapping[int, int],
    last: Mapping[int, int],
    free: Free,
    k: int,
) -> int | None:
    """Return an operand whose memory the result may take over."""
    for slot in instruction.reads:
        dies = root[slot] == slot and last[slot] == k and free.holds(slot)
        if dies and specs[slot] == specs[result] and _safe(instruction, slot, root):
            return slot
    return None


class Free:
    """Pieces of the block: which are taken, and by whom."""

    def __init__(self) -> None:
        self.size = 0
        self._taken: dict[int, tuple[int, int]] = {}

    def take(self, slot: int, count: int) -> int:
        """Return the offset of the first gap that is large enough."""
        count = -(-max(count, 1) // ALIGNMENT) * ALIGNMENT
        start = 0
        for offset, length in sorted(self._taken.values()):
            if offset - start >= count:
                break
            start = max(start, offset + length)
        self._taken[slot] = (start, count)
        self.size = max(self.size, start + count)
        return start

    def holds(self, slot: int) -> bool:
        """Return whether a slot has a piece."""
        return slot in self._taken

    def taken_over(self, before: int, slot: int) -> None:
        """Let another slot have a piece."""
        self._taken[slot] = self._taken.pop(before)

    def give_back(self, slot: int) -> None:
        """Let go of a piece, if the slot has one."""
        self._taken.pop(slot, None)


def array_at(block: np.ndarray[Any, Any], offset: int, spec: Spec) -> np.ndarray[Any, Any]:
    """Return the array of a specification at a place in the block."""
    flat = block[offset : offset + spec.bytes].view(spec.dtype)
    return spec.arranged(flat)
