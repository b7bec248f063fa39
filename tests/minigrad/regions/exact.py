"""The oracle for lines: one segment after another, in Fractions."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ..thin import plain
from ..thin.plain import Layers, PlainRun


@dataclass(frozen=True)
class Part:
    """From where to where, and what the network does at a point inside."""

    start: Fraction
    stop: Fraction
    run: PlainRun
    slope: Any


def parts(layers: Layers, a: Any, b: Any, low: int = 0, high: int = 1) -> list[Part]:
    """Return the segments of ``a + t (b − a)``, low ≤ t ≤ high, exactly; neighbours differ in a gate."""
    accurate, origin = plain.exact(layers), plain.fractions(a)
    direction = plain.fractions(b) - origin
    found: list[Part] = []
    todo = [(Fraction(low), Fraction(high))]
    while todo:
        start, stop = todo.pop()
        if start == stop:
            continue
        share = Fraction(1, 2)
        while True:
            t = start + share * (stop - start)
            run = plain.run(accurate, origin + t * direction)
            crossings, inside = _crossings(run, direction, t)
            if inside:
                break
            share = share * Fraction(2, 3)  # on a boundary: try another point
        left = max([start, *(c for c in crossings if c < t)])
        right = min([stop, *(c for c in crossings if c > t)])
        found.append(Part(left, right, run, run.jacobian @ direction))
        todo += [(start, left), (right, stop)]
    found.sort(key=lambda part: part.start)
    merged = found[:1]
    for part in found[1:]:
        if part.run.flips(merged[-1].run):
            merged.append(part)
        else:
            merged[-1] = Part(merged[-1].start, part.stop, part.run, part.slope)
    return merged


def _crossings(run: PlainRun, direction: Any, t: Fraction) -> tuple[list[Fraction], bool]:
    """Where the margins are 0, and whether none of them is 0 at t itself."""
    found = []
    for gate in run.gates:
        for margins, slopes in zip(gate.margins, gate.slopes, strict=True):
            for margin, slope in zip(margins, slopes, strict=True):
                rise = slope @ direction if len(direction) else 0
                if rise:
                    found.append(t - Fraction(margin) / rise)
    return found, t not in found
