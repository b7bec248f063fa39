"""Instructions whose results nobody reads."""

from __future__ import annotations

from ..program import Program


def dead_code(program: Program) -> Program:
    """Leave out what neither effects, guards nor outputs need; random draws stay, for the next ones' sake."""
    changed = (effect.target for effect in program.effects if effect.kind in ("array", "written"))
    needed = {*program.wanted, *changed}
    kept = []
    for instruction in reversed(program.instructions):
        if instruction.fixed or instruction.result in needed:
            needed.update(instruction.reads)
            kept.append(instruction)
    sources = {
        slot: source
        for slot, source in program.sources.items()
        if slot in needed or source.kind == "argument"
    }
    return program.having("dead code", kept[::-1], sources=sources)
