"""Instructions whose results nobody reads."""

from __future__ import annotations

from ..program import Program


def dead_code(program: Program) -> Program:
    """Leave out what neither effects, guards nor outputs lead to; random draws stay, as the next ones depend on them."""
    needed = {*program.wanted, *(effect.target for effect in program.effects if effect.kind in ("array", "written"))}
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
