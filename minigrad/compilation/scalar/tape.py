"""What a run computed, number by number: entries that are computed from earlier ones and never changed.

Values and the floats that Python computes with are entries alike. A leaf whose ``data`` is replaced goes on
as another entry; backward is an entry for each gradient that somebody reads.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ...rules import Elementwise, Primitive
from ...value import Value, _newest_first


class Constant(NamedTuple):
    """A number that is the same in every run; compared by its bits, so that −0 is not 0 and nan is nan."""

    bits: bytes

    @property
    def number(self) -> float:
        """The number."""
        return float(struct.unpack("d", self.bits)[0])


@dataclass(frozen=True, slots=True)
class Input:
    """
    A number that is read at every run.

    Attributes
    ----------
    name : str
        ``data`` or ``grad`` of a Value, or ``float`` for an argument that is a number.
    source : Value or int
        The Value, where it was made outside the function; else the place among the arguments.
    """

    name: str
    source: Value | int

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Input) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    @property
    def key(self) -> tuple[str, bool, int]:
        """What tells it from another: of a Value the object, as Values compare by their numbers."""
        given = isinstance(self.source, int)
        return self.name, given, self.source if isinstance(self.source, int) else id(self.source)


class Gradient(NamedTuple):
    """The derivative of the root of a backward pass by the one operand."""

    sweep: int


class Copy(NamedTuple):
    """The same number without its past: no derivative flows through."""


Kind = Primitive | Constant | Input | Gradient | Copy


class Tape:
    """
    The entries of one run.

    Attributes
    ----------
    kinds : list
        How each entry is computed.
    operands : list of tuple of int
        From which entries.
    active : list of bool
        Whether it is a Value, which takes part in backward.
    sweeps : list of int
        The root of every backward pass, in order.
    """

    def __init__(self) -> None:
        self.kinds: list[Kind] = []
        self.operands: list[tuple[int, ...]] = []
        self.active: list[bool] = []
        self.sweeps: list[int] = []
        self._known: dict[Any, int] = {}

    def append(self, kind: Kind, operands: tuple[int, ...] = (), active: bool = False) -> int:
        """Add an entry and return its place."""
        self.kinds.append(kind)
        self.operands.append(operands)
        self.active.append(active)
        return len(self.kinds) - 1

    def once(self, kind: Kind, operands: tuple[int, ...] = ()) -> int:
        """Return the place of an entry that takes no part in backward, added where there is none."""
        key = kind, operands
        if key not in self._known:
            self._known[key] = self.append(kind, operands)
        return self._known[key]

    def constant(self, number: float) -> int:
        """Return the place of a number."""
        return self.once(Constant(struct.pack("d", number)))

    def passive(self, place: int) -> int:
        """Return the place of the same number as seen by Python, through which no derivative flows."""
        return self.once(Copy(), (place,)) if self.active[place] else place

    def __len__(self) -> int:
        return len(self.kinds)


def tape_of(outputs: Sequence[Value]) -> tuple[Tape, list[int], list[Value], list[int]]:
    """
    Return what recorded Values were computed from, their places, and the leaves with theirs.

    Raises
    ------
    TypeError
        If something else than an elementwise primitive is among it.
    """
    tape = Tape()
    found: dict[int, Value] = {}
    for output in outputs:
        if id(output) not in found:
            found |= {id(value): value for value in _newest_first(output)[0]}
    places: dict[int, int] = {}
    leaves = []
    for value in sorted(found.values(), key=lambda value: value.order):
        if value.primitive is None:
            places[id(value)] = tape.append(Input("data", value), active=True)
            leaves.append(value)
            continue
        if not isinstance(value.primitive, Elementwise):
            raise TypeError(f"{value.primitive.name} is not elementwise, so it can't be replayed on Values")
        operands = tuple([
            places[id(x)] if isinstance(x, Value) else tape.constant(x) for x in value.operands
        ])  # fmt: skip
        places[id(value)] = tape.append(value.primitive, operands, active=True)
    return tape, [places[id(x)] for x in outputs], leaves, [places[id(x)] for x in leaves]
