"""Several instructions in one loop: what lies in a register need not go through memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ..loops import Loop, loop_of, picked
from ..program import Fused, Instruction, Program, Ref, Spec

LONGEST = 64
"""Instructions in one loop: beyond that, a compiler takes longer than it is worth."""

Fusable = Callable[[Sequence[Instruction], Loop, Sequence[Spec]], bool]
"""Whether a back end can make one loop of a sequence of instructions."""


def fusion(program: Program, fusable: Fusable) -> Program:
    """
    Let neighbours that go through the same entries run together.

    An instruction joins an earlier one, never the other way round: what it reads must be there already, and
    what is written in place in between has another name, which it does not read. Past an instruction that
    stays alone it joins only if it makes its operands smaller, as the sum of a cotangent does; else more
    memory would be alive for longer.

    Parameters
    ----------
    program : Program
        After the other passes.
    fusable : callable
        What the back end can do: it is asked for each growing sequence.
    """
    program = _decided_first(program)
    wanted = _Groups(program, fusable).run()
    return program.having("fusion", wanted)


def _decided_first(program: Program) -> Program:
    """Compute first what decides by arguments alone, such as the range of labels that are indices later."""
    made = {instruction.result: instruction for instruction in program.instructions}
    early: set[int] = set()
    for guard in program.guards:
        cone, todo = set[int](), [guard.slot]
        while todo:
            slot = todo.pop()
            if slot in made and slot not in cone:
                cone.add(slot)
                todo += made[slot].reads
        movable = all(not made[slot].fixed and made[slot].updates is None for slot in cone)
        if movable and all(
            program.sources[slot].kind in ("argument", "number", "constant")
            for name in cone
            for slot in made[name].reads
            if slot not in cone
        ):
            early |= cone
    first = [instruction for instruction in program.instructions if instruction.result in early]
    rest = [instruction for instruction in program.instructions if instruction.result not in early]
    return program.having("decided first", first + rest)


@dataclass
class _Group:
    """Instructions that run together, and whether others may join them."""

    body: list[Instruction]
    place: int
    loop: Loop | None
    decided: set[int]


class _Groups:
    """The groups of a program, in order."""

    def __init__(self, program: Program, fusable: Fusable) -> None:
        self.program, self.fusable = program, fusable
        self.groups: list[_Group | None] = []
        self.maker: dict[int, _Group] = {}
        self.readers: dict[int, list[_Group]] = {}
        self.last_alone = -1
        self.decided: list[int] = []

    def run(self) -> list[Instruction]:
        """Return the instructions, some of them fused."""
        guards = {guard.slot for guard in self.program.guards}
        for instruction in self.program.instructions:
            self._add(instruction)
            self.decided += guards.intersection(instruction.results)
        reads: dict[int, set[int]] = {}
        present = [group for group in self.groups if group is not None]
        for k, group in enumerate(present):
            for instruction in group.body:
                for slot in instruction.reads:
                    reads.setdefault(slot, set()).add(k)
        for slot in self.program.wanted:
            reads.setdefault(slot, set()).add(len(present))
        return [
            self._fused(group, {slot for slot, readers in reads.items() if readers - {k}})
            if len(group.body) > 1
            else group.body[0]
            for k, group in enumerate(present)
        ]

    def _add(self, instruction: Instruction) -> None:
        decided = set(self.decided) if picked(instruction) is not None else set()
        new = _Group([instruction], len(self.groups), self._loop([instruction]), decided)
        self.groups.append(new)
        if new.loop is None:
            number = self.program.specs[instruction.result].shape is None
            if instruction.view_of is None and not number:
                self.last_alone = new.place
        else:
            candidates = self._candidates(instruction, new)
            for chosen in (candidates, candidates[-1:], candidates[:1]):
                joined = self._joined([*chosen, new]) if chosen else None
                if joined is not None:
                    new = joined
                    break
        for member in new.body:
            self.maker[member.result] = new
            for slot in member.reads:
                self.readers.setdefault(slot, []).append(new)

    def _candidates(self, instruction: Instruction, new: _Group) -> list[_Group]:
        """Return the groups that compute or read what an instruction reads, in order."""
        assert new.loop is not None
        smaller = new.loop.kinds[instruction.result] != "entry" and new.loop.shape != ()
        found: dict[int, _Group] = {}
        for slot in instruction.reads:
            if self.program.specs[slot].shape is None:
                continue
            groups = [self.maker[slot]] if slot in self.maker else []
            if self.program.specs[slot].shape == new.loop.shape:
                groups += self.readers.get(slot, ())
            for group in groups:
                near = group.place > self.last_alone or (smaller and slot in self.maker)
                if group.loop is not None and near and self.groups[group.place] is group:
                    found[group.place] = group
        return [found[place] for place in sorted(found)]

    def _joined(self, groups: Sequence[_Group]) -> _Group | None:
        """Return one group in the place of several, if it can be there."""
        first = groups[0]
        body = [instruction for group in groups for instruction in group.body]
        inside = {instruction.result for instruction in body}
        decided = set().union(*(group.decided for group in groups))
        if len(body) > LONGEST or not all(
            slot in inside or self._is_there(slot, first.place)
            for slot in (*decided, *(slot for instruction in body for slot in instruction.reads))
        ):
            return None
        loop = self._loop(body)
        if loop is None:
            return None
        for group in groups[1:]:
            self.groups[group.place] = None
        joined = _Group(body, first.place, loop, decided)
        self.groups[first.place] = joined
        return joined

    def _is_there(self, slot: int, place: int) -> bool:
        return slot in self.program.sources or self.maker[slot].place < place

    def _loop(self, body: Sequence[Instruction]) -> Loop | None:
        specs = self.program.specs
        if any(instruction.fixed or instruction.view_of is not None for instruction in body):
            return None
        if not all(_straight(specs[instruction.result]) for instruction in body):
            return None
        loop = loop_of(body, specs)
        return loop if loop is not None and self.fusable(body, loop, specs) else None

    def _fused(self, group: _Group, read: set[int]) -> Instruction:
        specs, body = self.program.specs, group.body
        made = [instruction.result for instruction in body]
        inputs = [slot for slot in _unique(slot for k in body for slot in k.reads) if slot not in made]
        outputs = [slot for slot in made if slot in read]
        assert group.loop is not None
        fused = Fused(tuple(body), tuple(inputs), tuple(outputs), specs, _in_place(group.loop, outputs))
        origin = max(body, key=lambda k: specs[k.result].size).origin
        return Instruction(
            fused,  # type: ignore[arg-type]  # a back end makes it callable
            tuple(map(Ref, inputs)),
            {},
            outputs[0],
            origin=origin,
            also=tuple(outputs[1:]),
        )


def _in_place(loop: Loop, outputs: Sequence[int]) -> bool:
    """Return whether no number per row is written where one per column may still have to be read."""
    square = len(loop.shape) > 1 and loop.shape[0] == loop.shape[-1]
    return not (square and any(loop.kinds[slot] == "row" for slot in outputs))


def _straight(spec: Spec) -> bool:
    return spec.order == tuple(range(len(spec.shape or ())))


def _unique(slots: Iterable[int]) -> list[int]:
    return list(dict.fromkeys(slots))
