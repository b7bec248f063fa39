"""The same computation, written down twice."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..program import Program, Ref, substituted


def common_subexpressions(program: Program) -> Program:
    """
    Compute once what is computed twice: softmax, say, for the loss and for its gradient.

    Functions of NumPy depend on their arguments alone; random draws and changes in place stay as they are.
    """
    same: dict[int, int] = {}
    seen: dict[Any, int] = {}
    updated = {instruction.updates for instruction in program.instructions}
    kept = []

    def renamed(ref: Any) -> Any:
        return ref._replace(slot=same.get(ref.slot, ref.slot))

    for instruction in program.instructions:
        instruction = dataclasses.replace(
            instruction,
            args=substituted(instruction.args, renamed),
            options=substituted(instruction.options, renamed),
            view_of=same.get(instruction.view_of, instruction.view_of),  # type: ignore[arg-type]
            updates=same.get(instruction.updates, instruction.updates),  # type: ignore[arg-type]
        )
        movable = not instruction.fixed and instruction.updates is None and instruction.result not in updated
        key = (instruction.function, _key(instruction.args), _key(instruction.options)) if movable else None
        earlier = seen.get(key) if key is not None else None
        if earlier is not None and program.specs[earlier] == program.specs[instruction.result]:
            same[instruction.result] = earlier
            continue
        if key is not None:
            seen[key] = instruction.result
        kept.append(instruction)
    guards = dict.fromkeys(
        dataclasses.replace(guard, slot=same.get(guard.slot, guard.slot)) for guard in program.guards
    )
    effects = tuple(
        effect
        if effect.slot is None
        else dataclasses.replace(effect, slot=same.get(effect.slot, effect.slot))
        for effect in program.effects
    )
    return program.having(
        "common subexpressions",
        kept,
        guards=tuple(guards),
        effects=effects,
        outputs=substituted(program.outputs, lambda leaf: leaf if leaf.kind == "argument" else renamed(leaf)),
    )


def _key(tree: Any) -> Any:
    """Return something hashable that is equal for equal arguments, and for the same arrays."""
    if isinstance(tree, Ref):
        return tree
    if isinstance(tree, (tuple, list)):
        return type(tree), tuple(map(_key, tree))
    if isinstance(tree, Mapping):
        return tuple((name, _key(value)) for name, value in sorted(tree.items()))
    if isinstance(tree, slice):
        return slice, _key(tree.start), _key(tree.stop), _key(tree.step)
    if isinstance(tree, np.ndarray):
        return (tree.shape, tree.dtype.str, tree.tobytes()) if tree.size <= 4096 else ("array", id(tree))
    try:
        hash(tree)
    except TypeError:
        return "object", id(tree)
    return type(tree), repr(tree) if isinstance(tree, float) else tree
