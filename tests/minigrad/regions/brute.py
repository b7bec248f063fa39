"""The oracle: every activation pattern of a small network, tried one by one by linear programming.

A network is a list of layers as in ``tests.minigrad.thin.plain``. Its inputs are ``origin + s @ basis``, s in
a box: a segment, a parallelogram, or all of a box. A pattern counts where the points that have it hold a ball
(in s) of more than `least`; a choice that no point can make is not followed up, so the tree stays small.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import linprog

from ..thin.plain import Layers


@dataclass(frozen=True)
class Cell:
    """A pattern that points have: which piece each unit follows, the affine map, a point within, its room."""

    pattern: tuple[int, ...]
    weight: Any
    bias: Any
    s: Any
    room: float


@dataclass(frozen=True)
class _Affine:
    """Values ``bias + weight @ s``."""

    weight: Any
    bias: Any

    def of(self, weight: Any, bias: Any) -> _Affine:
        return _Affine(weight @ self.weight, weight @ self.bias + bias)

    def picked(self, rows: Any, factors: Any) -> _Affine:
        return _Affine(self.weight[rows] * factors[:, None], self.bias[rows] * factors)


def cells(
    layers: Layers, origin: Any, basis: Any, low: float = 0.0, high: float = 1.0, least: float = 1e-9
) -> list[Cell]:
    """Return every pattern that points ``origin + s @ basis``, low ≤ s ≤ high, have."""
    start = _Affine(np.transpose(np.atleast_2d(basis)).astype(float), np.asarray(origin, dtype=float))
    return list(_after(list(layers), start, _Points(start.weight.shape[1], low, high, least), ()))


@dataclass
class _Points:
    """The points that made all choices so far: rows ``weight @ s + bias ≥ 0``."""

    n: int
    low: float
    high: float
    least: float
    weights: tuple[Any, ...] = ()
    biases: tuple[float, ...] = ()

    def where(self, weight: Any, bias: Any) -> _Points:
        """Only those where the rows are positive."""
        more = (*self.weights, *weight), (*self.biases, *bias)
        return _Points(self.n, self.low, self.high, self.least, *more)

    def ball(self) -> tuple[Any, float]:
        """Return the largest ball among them, its radius negative where there are none."""
        weight = np.reshape(self.weights, (-1, self.n))
        bias = np.asarray(self.biases)
        size = np.linalg.norm(weight, axis=1)
        constant = size < 1e-12
        if (bias[constant] <= 1e-12).any():
            return None, -np.inf
        box = np.concatenate([np.eye(self.n), -np.eye(self.n)])
        rows = np.concatenate([-weight[~constant] / size[~constant, None], box])
        limits = np.concatenate(
            [bias[~constant] / size[~constant], [self.high] * self.n, [-self.low] * self.n]
        )
        table = np.column_stack([rows, np.ones(len(rows))])
        found = linprog([0.0] * self.n + [-1.0], table, limits, bounds=[(None, None)] * (self.n + 1))
        assert found.status == 0, found.message
        return found.x[:-1], float(found.x[-1])


def _after(layers: Layers, here: _Affine, points: _Points, pattern: tuple[int, ...]) -> Iterator[Cell]:
    """Go on with what is left of the layers."""
    if not layers:
        s, room = points.ball()
        if room > points.least:
            yield Cell(pattern, here.weight, here.bias, s, room)
        return
    (kind, *numbers), *rest = layers
    if kind == "linear":
        weight, bias = numbers
        yield from _after(rest, here.of(weight, 0 if bias is None else bias), points, pattern)
        return
    for choice, narrowed, rows, factors in _choices(kind, numbers, here, points, 0):
        yield from _after(rest, here.picked(rows, factors), narrowed, pattern + choice)


def _choices(kind: str, numbers: list[Any], here: _Affine, points: _Points, unit: int) -> Iterator[Any]:
    """Iterate over what the units of a layer, from `unit` on, can choose together."""
    groups = numbers[0] if kind == "maxout" else (1,) * len(here.bias)
    if unit == len(groups):
        yield (), points, np.zeros(0, dtype=int), np.zeros(0)
        return
    start = sum(groups[:unit])
    if kind == "maxout":
        size = groups[unit]
        options = [
            (q, [start + q] * (size - 1), [start + r for r in range(size) if r != q], start + q, 1.0)
            for q in range(size)
        ]
    else:
        below = {"relu": 0.0, "leaky": numbers[0] if numbers else 0.0, "abs": -1.0}[kind]
        options = [(1, [start], None, start, 1.0), (0, None, [start], start, below)]  # type: ignore[list-item]
    for choice, more, less, row, factor in options:
        weight = (0 if more is None else here.weight[more]) - (0 if less is None else here.weight[less])
        bias = (0 if more is None else here.bias[more]) - (0 if less is None else here.bias[less])
        if not choice and kind != "maxout" and not here.weight[start].any() and here.bias[start] == 0:
            narrowed = points  # always on its boundary, where the gate is closed
        else:
            narrowed = points.where(weight, bias)
        if narrowed.ball()[1] <= points.least:
            continue
        for others, final, rows, factors in _choices(kind, numbers, here, narrowed, unit + 1):
            yield (choice, *others), final, np.r_[row, rows], np.r_[factor, factors]
