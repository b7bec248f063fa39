"""What does not depend on anything from outside is computed once."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..program import Program, Ref, Source, Spec, substituted

LIKE = {np.zeros_like, np.ones_like, np.empty_like, np.full_like}
"""Functions of an array's shape and dtype alone."""


def constants(program: Program) -> Program:
    """Compute what constants give, and arrays that depend on another one's shape alone."""
    known: dict[int, Any] = {}
    sources, specs, kept = dict(program.sources), list(program.specs), []
    for instruction in program.instructions:
        args = instruction.args
        if instruction.function in LIKE and isinstance(args[0], Ref):
            spec = program.specs[args[0].slot]
            args = (_blank(spec), *args[1:])
        reads = [
            slot for slot in instruction.reads if instruction.args is args or slot != instruction.args[0].slot
        ]
        if instruction.fixed or instruction.updates is not None or not all(slot in known for slot in reads):
            kept.append(instruction)
            continue

        def value(ref: Ref) -> Any:
            return known[ref.slot]

        result = instruction.function(
            *substituted(args, value), **substituted(dict(instruction.options), value)
        )
        result = (
            result if isinstance(result, (np.ndarray, tuple, list, bool, int, float)) else np.asarray(result)
        )
        known[instruction.result] = result
        specs[instruction.result] = Spec.of(result)
        sources[instruction.result] = Source("constant", result)
    return program.having("constants", kept, sources=sources, specs=tuple(specs))


def _blank(spec: Spec) -> Any:
    """Return an array of a specification, whose numbers nobody reads."""
    return np.broadcast_to(np.zeros((), spec.dtype), spec.shape or ())
