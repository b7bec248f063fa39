"""Whether two runs of a function did the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .capture import Capture
from .program import Effect, Guard, Instruction, Program, Ref, Result


def disagreement(first: Capture, second: Capture) -> str | None:
    """Return where a run did something else than the one before it, or None."""
    assert first.program is not None
    assert second.program is not None
    return _Comparison(first.program, second.program).difference()


def departure(program: Program, values: Mapping[int, Any], captured: Program, capture: Capture) -> str | None:
    """
    Return the first operation by which a run departs from what its program computes, or None.

    Parameters
    ----------
    program : Program
        After all passes.
    values : mapping
        What it computes, slot by slot.
    captured : Program
        The same as it was captured.
    capture : Capture
        The run, with the value of every slot.
    """
    assert capture.program is not None
    assert capture.values is not None
    comparison = _Comparison(captured, capture.program)
    difference = comparison.difference()
    if difference is not None:
        return difference
    for instruction in program.instructions:
        for slot in instruction.results:
            twin = comparison.same.get(slot)
            if twin is not None and not _close(values[slot], capture.values[twin]):
                return f"{_described(instruction)} gives {values[slot]!r} instead of {capture.values[twin]!r}"
    return None


def _close(value: Any, expected: Any) -> bool:
    """Return whether two values are equal to rounding."""
    if value is None or expected is None or isinstance(value, (tuple, list)):
        return True  # its parts are compared
    one, other = np.asarray(value), np.asarray(expected)
    if one.shape != other.shape or one.dtype.kind != other.dtype.kind:
        return False
    if one.dtype.kind != "f":
        return bool(np.array_equal(one, other))
    finite = np.abs(other[np.isfinite(other)])
    least = 64 * np.finfo(one.dtype).eps
    return bool(np.allclose(one, other, rtol=least, atol=least * finite.max(initial=0), equal_nan=True))


class _Comparison:
    """Two programs side by side; slots of the same meaning may have other numbers."""

    def __init__(self, before: Program, now: Program) -> None:
        self.before, self.now = before, now
        self.same: dict[int, int] = {}

    def difference(self) -> str | None:
        """Return the first difference in words, or None."""
        before, now = self.before, self.now
        for old, new in zip(before.instructions, now.instructions, strict=False):
            where = _described(new)
            if old.function != new.function:
                return f"{where} was computed where {_described(old)} was in the call before"
            reason = self._differ((old.args, dict(old.options)), (new.args, dict(new.options)))
            if reason is not None:
                return f"{where} was computed with {reason}: pass what changes as an argument"
            if before.specs[old.result] != now.specs[new.result]:
                shapes = now.specs[new.result].shape, before.specs[old.result].shape
                return f"{where} gave {shapes[0]} where it gave {shapes[1]}"
            self.same[old.result] = new.result
        if len(before.instructions) != len(now.instructions):
            counts = len(now.instructions), len(before.instructions)
            return f"{counts[0]} operations were computed, {counts[1]} in the call before"
        pairs = zip(before.guards, now.guards, strict=False)
        if len(before.guards) != len(now.guards) or not all(self._decided_alike(*pair) for pair in pairs):
            return "Python decided otherwise on a computed number"
        if sorted(map(self._effect, before.effects)) != sorted(map(_effect, now.effects)):
            return "other Tensors were changed than in the call before"
        if self._differ(before.outputs, now.outputs) is not None:
            return "what is returned differs from the call before"
        return None

    def _decided_alike(self, old: Guard, new: Guard) -> bool:
        return self._slots(old.slot, new.slot) is None and bool(old.expected == new.expected)

    def _effect(self, effect: Effect) -> Any:
        slot = None if effect.slot is None else self.same.get(effect.slot)
        target = self.same.get(effect.target) if effect.kind in ("array", "written") else effect.target
        return _effect(Effect(effect.kind, target, slot))

    def _slots(self, old: int, new: int) -> str | None:
        """Return what differs between two slots; those from outside are compared when they are first met."""
        if old in self.same:
            return None if self.same[old] == new else "another operand"
        source, other = self.before.sources.get(old), self.now.sources.get(new)
        if source is None or other is None or source.kind != other.kind:
            return "another operand"
        if source.what is not other.what:
            if source.kind == "data":
                one, two = source.what.data, other.what.data
                if not np.array_equal(one, two, equal_nan=one.dtype.kind == "f"):
                    return "a Tensor that is made inside, with other numbers"
            elif source.kind == "constant":
                if _constants(source.what, other.what) is not None:
                    return "an array that is made inside, with other numbers"
            elif source.kind == "array" or (
                source.kind in ("argument", "grad")
                and (not isinstance(source.what, (int, Result)) or source.what != other.what)
            ):
                return "another array"
        self.same[old] = new
        return None

    def _differ(self, old: Any, new: Any) -> str | None:
        """Return what differs in nested arguments, or None."""
        if type(old) is not type(new):
            return f"{new!r} instead of {old!r}"
        if isinstance(old, (Ref, Result)):
            if isinstance(old, Result) and (old.kind == "argument" or old.kind != new.kind):
                return None if old == new else "another result"
            return self._slots(old.slot, new.slot)
        if isinstance(old, (tuple, list)):
            if len(old) != len(new):
                return f"{len(new)} parts instead of {len(old)}"
            return next(filter(None, map(self._differ, old, new)), None)
        if isinstance(old, Mapping):
            if old.keys() != new.keys():
                return f"options {sorted(new)} instead of {sorted(old)}"
            return next(filter(None, (self._differ(old[key], new[key]) for key in old)), None)
        if isinstance(old, slice):
            return self._differ((old.start, old.stop, old.step), (new.start, new.stop, new.step))
        return _constants(old, new)


def _described(instruction: Instruction) -> str:
    """Return what an instruction is called: the primitive it belongs to, and NumPy's function."""
    return f"{instruction.origin[0] or instruction.name} ({instruction.name})"


def _effect(effect: Effect) -> tuple[str, str, str]:
    target = effect.target if isinstance(effect.target, (int, Result)) else id(effect.target)
    return effect.kind, repr(target), repr(effect.slot)


def _constants(old: Any, new: Any) -> str | None:
    """Return what differs between two constants, or None."""
    if isinstance(old, np.ndarray):
        alike = old.dtype == new.dtype and old.shape == new.shape
        same = old is new or (alike and old.tobytes() == new.tobytes())
        return None if same else "an array of other numbers"
    try:
        same = old is new or bool(old == new) or bool(old != old and new != new)
    except (TypeError, ValueError):
        same = False
    return None if same else f"{new!r} instead of {old!r}"
