"""What one run of a function leaves behind: its tape, what it decided and wrote, and what it returned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ...rules import Primitive
from ...rules.arithmetic import add
from ...value import Value, _newest_first
from .tape import Constant, Gradient, Input, Tape, tape_of


class Effect(NamedTuple):
    """The ``data`` or ``grad`` of a Value that is written at the end of a run; `source` as of an Input."""

    name: str
    source: Value | int
    place: int


class Guard(NamedTuple):
    """A comparison by which Python decided: the record holds where it comes out the same."""

    compare: Callable[[Any, Any], Any]
    left: int
    right: int
    expected: bool


class Result(NamedTuple):
    """
    A computed number among what the function returned.

    Attributes
    ----------
    place : int
        Where on the tape.
    grad : int or None
        Where its ``grad`` is; None for a number that is no Value.
    label : str
        What the Value is called.
    """

    place: int
    grad: int | None
    label: str = ""


class Given(NamedTuple):
    """A Value among what the function returned that was made outside; `source` as of an Input."""

    source: Value | int


@dataclass(slots=True)
class Record:
    """
    One run.

    Attributes
    ----------
    tape : Tape
        What was computed.
    effects : list of Effect
        What was written to Values from outside.
    guards : list of Guard
        What was decided.
    outputs : tree
        What was returned, with Results and Givens in the places of Values and computed numbers.
    signature : tuple
        What the arguments were, but for numbers and Values: see :mod:`.arguments`.
    lines : dict
        The user's line where each constant first occurred.
    variables : list
        The floats and Values among the arguments.
    """

    tape: Tape
    effects: list[Effect] = field(default_factory=list)
    guards: list[Guard] = field(default_factory=list)
    outputs: Any = None
    signature: Any = None
    lines: dict[int, str] = field(default_factory=dict)
    variables: list[Any] = field(default_factory=list)

    @property
    def kept(self) -> set[int]:
        """The entries that somebody reads."""
        places = {effect.place for effect in self.effects}
        places.update(place for guard in self.guards for place in (guard.left, guard.right))
        for result in results(self.outputs):
            places.update(place for place in (result.place, result.grad) if place is not None)
        return places


def results(tree: Any) -> list[Result]:
    """Return the Results in a tree, in order."""
    if isinstance(tree, Result):
        return [tree]
    if isinstance(tree, dict):
        tree = list(tree.values())
    if isinstance(tree, (tuple, list)) and not isinstance(tree, Given):
        return [result for branch in tree for result in results(branch)]
    return []


def record_of(outputs: Sequence[Value], root: Value | None) -> Record:
    """Return a record of Values that have been computed, and of ``root.backward()``, which adds to leaves."""
    roots = [] if root is None else [root]
    tape, places, leaves, leaf_places = tape_of([*outputs, *roots])
    record = Record(tape)
    grads = dict.fromkeys(places, tape.constant(0.0))
    if root is not None:
        tape.sweeps.append(places[-1])
        reached = set(map(id, _newest_first(root)[0]))
        for leaf, place in zip(leaves, leaf_places, strict=True):
            if id(leaf) in reached:
                change = tape.append(Gradient(0), (place,))
                total = tape.append(add, (tape.append(Input("grad", leaf)), change))
                record.effects.append(Effect("grad", leaf, total))
        grads[places[-1]] = tape.constant(1.0)
    record.outputs = [
        Given(value) if value.primitive is None else Result(place, grads[place], value.label)
        for value, place in zip(outputs, places, strict=False)
    ]
    return record


def difference(first: Record, second: Record) -> str | None:
    """Return why two runs of a function can't be one program, or None where they are the same."""
    a, b = first.tape, second.tape
    for place, (one, other) in enumerate(zip(a.kinds, b.kinds, strict=False)):
        if one == other and a.operands[place] == b.operands[place]:
            continue
        return _told(first, second, place, one, other)
    if len(a) != len(b) or a.sweeps != b.sweeps:
        return "two runs computed a different number of things: a program always does the same"
    if first.guards != second.guards:
        return "two runs decided differently on a computed number: use mg.where or mg.maximum instead of `if`"
    if first.signature != second.signature:
        return "two runs were given different arguments: numbers may change, but not what else is passed"
    if not _same(first.outputs, second.outputs):
        return "two runs returned different things"
    if [(e.name, _identity(e.source), e.place) for e in first.effects] != [
        (e.name, _identity(e.source), e.place) for e in second.effects
    ]:
        return "two runs wrote to different Values"
    return None


def _told(first: Record, second: Record, place: int, one: Any, other: Any) -> str:
    if isinstance(one, Constant) and isinstance(other, Constant):
        users = [kind for kind, at in zip(first.tape.kinds, first.tape.operands, strict=True) if place in at]
        where = f" in {users[0].name}" if users and isinstance(users[0], Primitive) else ""
        line = second.lines.get(place)
        return (
            f"the number {one.number!r}{where} was {other.number!r} in the next run"
            f"{f' ({line})' if line else ''}: pass it as an argument, a float, so that it is read anew"
        )
    if isinstance(one, Input) and isinstance(other, Input):
        return "two runs used different Values from outside: pass them as arguments, or make them once"
    name = other.name if hasattr(other, "name") else type(other).__name__
    expected = one.name if hasattr(one, "name") else type(one).__name__
    return (
        f"two runs computed different things: first {expected}, then {name}, at entry {place}; if a number "
        f"that changes decides or enters there, pass it as an argument, and use mg.where instead of `if`"
    )


def _same(one: Any, other: Any) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, Given):
        return bool(_identity(one.source) == _identity(other.source))
    if isinstance(one, Result):
        return one == other
    if isinstance(one, dict):
        return list(one) == list(other) and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, (tuple, list)):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other) or (one != one and other != other)


def _identity(source: Value | int) -> tuple[bool, int]:
    return isinstance(source, int), source if isinstance(source, int) else id(source)
