"""The oracle for planes: polygons clipped in Fractions, one unit after the other, without any tolerance.

Layers are those of ``tests.minigrad.thin.plain``. It knows nothing of corners that polygons share, of
margins, or of floats; it is slow.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np

from ..thin import plain
from ..thin.plain import Layers

Point = tuple[Fraction, Fraction]
Row = tuple[Fraction, Fraction, Fraction]
"""The function a·s + b·t + c."""


@dataclass(frozen=True)
class Cell:
    """A polygon, counter-clockwise; what the network is on it; which piece every unit follows."""

    polygon: tuple[Point, ...]
    rows: tuple[Row, ...]
    pattern: tuple[Any, ...] = ()

    @property
    def area(self) -> Fraction:
        """The area in (s, t)."""
        ends = zip(self.polygon, self.polygon[1:] + self.polygon[:1], strict=True)
        return sum((p[0] * q[1] - p[1] * q[0] for p, q in ends), Fraction(0)) / 2

    @property
    def center(self) -> Point:
        """A point inside."""
        n = len(self.polygon)
        return sum(p[0] for p in self.polygon) / n, sum(p[1] for p in self.polygon) / n  # type: ignore[return-value]

    def at_center(self, row: Row) -> Fraction:
        return at(row, self.center)


def at(row: Row, point: Point) -> Fraction:
    return row[0] * point[0] + row[1] * point[1] + row[2]


def cells(layers: Layers, corner: Any, u: Any, v: Any) -> list[Cell]:
    """Return every region of ``corner + s·u + t·v``, s and t in [0, 1], that has an area."""
    rows = tuple(zip(*(plain.fractions(each).tolist() for each in (u, v, corner)), strict=True))
    square = tuple((Fraction(s), Fraction(t)) for s, t in ((0, 0), (1, 0), (1, 1), (0, 1)))
    return _after(plain.exact(layers), [Cell(square, rows)])


def _after(layers: Layers, found: list[Cell]) -> list[Cell]:
    for kind, *numbers in layers:
        found = [beyond for cell in found for beyond in _beyond(kind, numbers, cell)]
    return found


def _beyond(kind: str, numbers: list[Any], cell: Cell) -> list[Cell]:
    if kind == "linear":
        weight, bias = numbers
        shift = [Fraction(0)] * len(weight) if bias is None else bias
        rows = np.array(cell.rows, dtype=object).reshape(-1, 3)
        made = [
            tuple(weight[k] @ rows + np.array([0, 0, shift[k]], dtype=object)) for k in range(len(weight))
        ]
        return [replace(cell, rows=tuple(made))]
    if kind in ("sequential", "residual"):
        added = cell.rows if kind == "residual" else [(0, 0, 0)]
        inner = _after(numbers[0], [cell])
        if kind == "sequential":
            return inner
        return [replace(c, rows=tuple(_sum(a, b) for a, b in zip(c.rows, added, strict=True))) for c in inner]
    if kind == "identity":
        return [cell]
    groups = numbers[0] if kind == "maxout" else (1,) * len(cell.rows)
    found = [replace(cell, rows=())]
    for start, size in zip(np.cumsum(groups) - groups, groups, strict=True):
        own = cell.rows[start : start + size]
        found = [part for each in found for part in _unit(kind, numbers, own, each)]
    return found


def _unit(kind: str, numbers: list[Any], own: tuple[Row, ...], cell: Cell) -> Iterator[Cell]:
    """Divide a cell by one unit, and let each part follow its piece."""
    if kind == "maxout":
        bounds = [_sum(p, q, -1) for p, q in combinations(own, 2)]
    elif kind == "clip":
        bounds = [_sum(own[0], (0, 0, number), -1) for number in numbers]
    else:
        bounds = [_sum(own[0], (0, 0, numbers[0] if kind in ("maximum", "minimum") else 0), -1)]
    parts: dict[Any, list[Cell]] = {}
    for part in _divided(cell, bounds):
        piece, row = _piece(kind, numbers, own, part)
        parts.setdefault(piece, []).append(replace(part, rows=(*cell.rows, row)))
    for piece, alike in parts.items():
        yield replace(_hull(alike), pattern=(*cell.pattern, piece))


def _piece(kind: str, numbers: list[Any], own: tuple[Row, ...], cell: Cell) -> tuple[Any, Row]:
    values = [cell.at_center(row) for row in own]
    if kind == "maxout":
        winner = values.index(max(values))
        return winner, own[winner]
    z, row = values[0], own[0]
    if kind == "clip":
        low, high = numbers
        side = -1 if z < low else 1 if z > high else 0
        return side, row if side == 0 else (Fraction(0), Fraction(0), high if side > 0 else low)
    if kind in ("maximum", "minimum"):
        side = (z > numbers[0]) - (z < numbers[0])
        won = side >= 0 if kind == "maximum" else side <= 0
        return side, row if won else (Fraction(0), Fraction(0), Fraction(numbers[0]))
    below = {
        "relu": 0,
        "leaky": numbers[0] if numbers else 0,
        "prelu": numbers[0] if numbers else 0,
        "abs": -1,
    }
    side = (z > 0) - (z < 0) if kind == "abs" else z > 0
    return side, row if z > 0 else tuple(below[kind] * entry for entry in row)  # type: ignore[return-value]


def _divided(cell: Cell, bounds: list[Row]) -> list[Cell]:
    found = [cell]
    for bound in bounds:
        sides = [_side(part, tuple(sign * entry for entry in bound)) for part in found for sign in (1, -1)]  # type: ignore[misc]
        found = [side for side in sides if side is not None and side.area > 0] if any(bound) else found
    return found


def _side(cell: Cell, bound: Row) -> Cell | None:
    """Return the part where a function is not negative."""
    kept: list[Point] = []
    for p, q in zip(cell.polygon, cell.polygon[1:] + cell.polygon[:1], strict=True):
        here, there = at(bound, p), at(bound, q)
        if here >= 0:
            kept.append(p)
        if here * there < 0:
            share = here / (here - there)
            kept.append((p[0] + share * (q[0] - p[0]), p[1] + share * (q[1] - p[1])))
    return replace(cell, polygon=tuple(kept)) if len(kept) > 2 else None


def _hull(alike: list[Cell]) -> Cell:
    """Return cells of one pattern as one: they are convex together."""
    if len(alike) == 1:
        return alike[0]
    points = sorted({point for cell in alike for point in cell.polygon})
    chains = []
    for ordered in (points, points[::-1]):
        chain: list[Point] = []
        for p in ordered:
            while len(chain) > 1 and _turn(chain[-2], chain[-1], p) <= 0:
                chain.pop()
            chain.append(p)
        chains += chain[:-1]
    whole = replace(alike[0], polygon=tuple(chains))
    assert whole.area == sum(cell.area for cell in alike)
    return whole


def _turn(p: Point, q: Point, r: Point) -> Fraction:
    return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])


def _sum(p: Any, q: Any, factor: int = 1) -> Row:
    return tuple(Fraction(a) + factor * Fraction(b) for a, b in zip(p, q, strict=True))  # type: ignore[return-value]
