"""Python numbers before arrays."""

from __future__ import annotations

from ..program import Program


def numbers_first(program: Program) -> Program:
    """
    Compute first what depends on Python numbers alone, such as Adam's rate.

    What Python decided about them is then known before any array changes, so that those that change may be
    written to directly.
    """
    numbers = {slot for slot, source in program.sources.items() if program.specs[slot].shape is None}
    early, late = [], []
    for instruction in program.instructions:
        number = program.specs[instruction.result].shape is None and not instruction.fixed
        if number and numbers.issuperset(instruction.reads):
            numbers.add(instruction.result)
            early.append(instruction)
        else:
            late.append(instruction)
    return program.having("numbers first", early + late)
