"""Which entries of a tape are computed together: those of one kind at one level.

Chains of additions become one sum, and products that are added up in it a part of it. The level of an entry
is the longest way to it from the inputs. Entries that depend on a gradient come in a later phase than the
backward pass that gives it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ...rules import Primitive
from ...rules.arithmetic import add, multiply
from ...rules.gates import where
from .tape import Constant, Gradient, Input, Tape

UNREACHED, REACHED, BENEATH = 0, 1, 2
"""What a backward pass does with an entry: nothing; the chain rule; that, and a cotangent of 0 stays 0."""

Terms: TypeAlias = tuple[list[tuple[int, int]], list[int]]
"""What a sum adds up: products of two entries, and single entries."""

FOLDED: Terms = ([], [])
"""Stands in place of the terms of what is part of another sum."""

SMALL = 32
"""Sums with fewer terms than this among their like are computed together with others, of any length."""


@dataclass(slots=True)
class Group:
    """
    Entries that are computed by one instruction.

    Attributes
    ----------
    kind : Primitive, Gradient or Copy
        What computes them; ``add`` where they are sums.
    phase, level : int
        After which backward pass, and in which order.
    reach : tuple of int
        What every backward pass does with them.
    members : list of int
        The entries.
    terms : list
        For sums, what each adds up.
    """

    kind: Any
    phase: int
    level: int
    reach: tuple[int, ...]
    members: list[int] = field(default_factory=list)
    terms: list[Terms] = field(default_factory=list)


def grouped(tape: Tape, kept: Collection[int]) -> list[Group]:
    """
    Return the groups in an order in which they can be computed.

    Parameters
    ----------
    tape : Tape
        What was computed.
    kept : collection of int
        Entries that somebody reads; whatever else leads to none of them is left out.
    """
    used = used_entries(tape, kept)
    reach = _reach(tape)
    phases = _phases(tape)
    sums = _sums(tape, kept, used, reach, phases)
    levels = [0] * len(tape)
    groups: dict[Any, Group] = {}
    for place, kind in enumerate(tape.kinds):
        terms = sums.get(place)
        if not used[place] or terms is FOLDED or isinstance(kind, (Constant, Input)):
            continue
        phase, marks = phases[place], reach[place]
        shape: Any = len(tape.operands[place])
        if terms is not None:
            products, singles = terms
            operands = [x for pair in products for x in pair] + singles
            shape = "sum", len(products), len(singles)
        else:
            operands = list(tape.operands[place])
        level = levels[place] = 1 + max([levels[x] for x in operands], default=0)
        if isinstance(kind, Gradient):
            level = levels[place] = 0
        key = phase, level, kind, shape, marks
        group = groups.get(key)
        if group is None:
            group = groups[key] = Group(kind, phase, level, marks)
        group.members.append(place)
        if terms is not None:
            group.terms.append(terms)
    return sorted(_merged(list(groups.values())), key=lambda group: (group.phase, group.level))


def used_entries(tape: Tape, kept: Collection[int]) -> list[bool]:
    """Return which entries lead to one that somebody reads."""
    used = [False] * len(tape)
    for place in (*kept, *tape.sweeps):
        used[place] = True
    for place in range(len(tape) - 1, -1, -1):
        if used[place]:
            for x in tape.operands[place]:
                used[x] = True
    return used


def _reach(tape: Tape) -> list[tuple[int, ...]]:
    """Return what every backward pass does with every entry."""
    marks = []
    for root in tape.sweeps:
        found = [UNREACHED] * len(tape)
        found[root] = REACHED
        for place in range(root, -1, -1):
            mark, kind = found[place], tape.kinds[place]
            if not mark or not tape.active[place] or not isinstance(kind, Primitive):
                continue
            mark = BENEATH if kind is where else mark
            for x in tape.operands[place]:
                if tape.active[x] and found[x] < mark:
                    found[x] = mark
        marks.append(found)
    return list(zip(*marks, strict=True)) if marks else [()] * len(tape)


def _phases(tape: Tape) -> list[int]:
    phases = [0] * len(tape)
    if tape.sweeps:
        for place, kind in enumerate(tape.kinds):
            if isinstance(kind, Gradient):
                phases[place] = kind.sweep + 1
            elif tape.operands[place]:
                phases[place] = max([phases[x] for x in tape.operands[place]])
    return phases


def _sums(
    tape: Tape, kept: Collection[int], used: list[bool], reach: list[tuple[int, ...]], phases: list[int]
) -> dict[int, Terms]:
    """Return the terms of every sum; FOLDED for the additions and products that are part of one."""
    uses = [0] * len(tape)
    for place, operands in enumerate(tape.operands):
        if used[place]:
            for x in operands:
                uses[x] += 1
    alone = [n == 1 for n in uses]
    for place in (*kept, *tape.sweeps):
        alone[place] = False
    sums: dict[int, Terms] = {}
    for place, kind in enumerate(tape.kinds):
        if kind is not add or not used[place]:
            continue
        together = reach[place], phases[place], tape.active[place]
        products: list[tuple[int, int]] = []
        singles: list[int] = []
        for x in tape.operands[place]:
            part = sums.get(x)
            inside = alone[x] and (reach[x], phases[x], tape.active[x]) == together
            if inside and part is not None:
                sums[x] = FOLDED
                if len(part[0]) + len(part[1]) > len(products) + len(singles):
                    part, products, singles = (products, singles), *part
                products += part[0]
                singles += part[1]
            elif inside and tape.kinds[x] is multiply and BENEATH not in reach[x]:
                sums[x] = FOLDED
                left, right = tape.operands[x]
                products.append((left, right))
            else:
                singles.append(x)
        # An addition of two single entries waits: it may become part of a longer sum.
        sums[place] = products, singles
    return {place: terms for place, terms in sums.items() if terms is FOLDED or terms[0] or len(terms[1]) > 2}


def _merged(groups: list[Group]) -> list[Group]:
    """Put small groups of sums of one level together, whatever their lengths."""
    merged: dict[Any, Group] = {}
    for group in groups:
        key: Any = id(group)
        if group.terms:
            products, singles = group.terms[0]
            if len(group.members) * (len(products) + len(singles)) < SMALL:
                key = group.phase, group.level, group.reach
        if key in merged:
            merged[key].members += group.members
            merged[key].terms += group.terms
        else:
            merged[key] = group
    return list(merged.values())
