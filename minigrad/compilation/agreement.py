"""Whether two runs of a function did the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .capture import Capture
from .program import Program, Ref, Result


def disagreement(first: Capture, second: Capture) -> str | None:
    """Return where a run did something else than the one before it, or None."""
    one, two = first.program, second.program
    assert one is not None
    assert two is not None
    for before, now in zip(one.instructions, two.instructions, strict=False):
        where = f"{now.origin[0] or now.name} ({now.name})"
        if before.function is not now.function and before.function != now.function:
            return f"{where} was computed where {before.origin[0] or before.name} ({before.name}) was in the call before"
        reason = _differ((before.args, dict(before.options)), (now.args, dict(now.options)))
        if reason is not None:
            return f"{where} was computed with {reason}: pass as an argument what changes from call to call"
        if one.specs[before.result] != two.specs[now.result]:
            return (
                f"{where} gave {two.specs[now.result].shape} where it gave {one.specs[before.result].shape}"
            )
    if len(one.instructions) != len(two.instructions):
        return f"{len(two.instructions)} operations were computed, {len(one.instructions)} in the call before"
    return _outside(one, two)


def _outside(one: Program, two: Program) -> str | None:
    """Return what differs in what is read and changed outside."""
    if [slot for slot in one.sources] != [slot for slot in two.sources]:
        return "other Tensors or arrays were read than in the call before"
    for slot, source in one.sources.items():
        other = two.sources[slot]
        if source.kind != other.kind:
            return "other Tensors or arrays were read than in the call before"
        if source.kind == "data" and source.what is not other.what:
            if not np.array_equal(
                source.what.data, other.what.data, equal_nan=source.what.data.dtype.kind == "f"
            ):
                return "a Tensor that the function makes has other numbers than in the call before: pass it as an argument"
        elif source.kind in ("array", "grad") and source.what is not other.what:
            return "other arrays were read than in the call before"
    if one.guards != two.guards:
        return "Python decided otherwise on a computed number"
    changes = [
        [(effect.kind, effect.slot, effect.target if effect.kind == "array" else id(effect.target) if not isinstance(effect.target, Result) else effect.target) for effect in program.effects]
        for program in (one, two)
    ]  # fmt: skip
    if changes[0] != changes[1]:
        return "other Tensors were changed than in the call before"
    if _differ(one.outputs, two.outputs) is not None:
        return "what is returned differs from the call before"
    return None


def _differ(before: Any, now: Any) -> str | None:
    """Return what differs in nested arguments, or None."""
    if type(before) is not type(now):
        return f"{now!r} instead of {before!r}"
    if isinstance(before, (Ref, Result)):
        return None if before == now else "another operand"
    if isinstance(before, (tuple, list)):
        if len(before) != len(now):
            return f"{len(now)} parts instead of {len(before)}"
        return next(filter(None, map(_differ, before, now)), None)
    if isinstance(before, Mapping):
        if before.keys() != now.keys():
            return f"options {sorted(now)} instead of {sorted(before)}"
        return next(filter(None, (_differ(before[key], now[key]) for key in before)), None)
    if isinstance(before, slice):
        return _differ((before.start, before.stop, before.step), (now.start, now.stop, now.step))
    if isinstance(before, np.ndarray):
        same = before is now or (
            before.dtype == now.dtype and before.shape == now.shape and before.tobytes() == now.tobytes()
        )
        return None if same else "an array of other numbers"
    if isinstance(before, float):
        return (
            None if before == now or (before != before and now != now) else f"{now!r} instead of {before!r}"
        )
    try:
        same = before is now or bool(before == now)
    except (TypeError, ValueError):
        same = False
    return None if same else f"{now!r} instead of {before!r}"
