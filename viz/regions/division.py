"""A plane divided by what the network decides: exact, from the affine map of every region."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from viz.regions.decisions import Array, competing

if TYPE_CHECKING:
    from minigrad.regions import Plane

_EPSILON = 1e-9  # of the largest output: closer outputs tie


@dataclass(frozen=True, eq=False)
class Division:
    """
    What a network decides in a plane.

    Attributes
    ----------
    values : ndarray, shape (H, n_out)
        The outputs at every corner of every region, in the order of ``plane.corners``.
    decisions : ndarray of int, shape (regions,)
        The largest output all over a region (of a single output, whether it is above 0); −1 where the
        boundary goes through it.
    pieces : list of (region, decision, ndarray of shape (k, 2))
        The parts of regions that the boundary goes through.
    boundary : ndarray, shape (n, 2, 2)
        The ends of the straight parts of the decision boundary.
    areas : ndarray, shape (decisions,)
        The share of the plane that each decision has.
    """

    values: Array
    decisions: Array
    pieces: list[tuple[int, int, Array]]
    boundary: Array
    areas: Array


def divide(plane: Plane) -> Division:
    """
    Divide a plane by the network's decisions.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> net = nn.Sequential(nn.Linear.of([[1.0, 1.0]], [-1.0]))  # above 0 where x + y > 1
    >>> divided = divide(mg.regions.plane(net, [0, 0], [1, 0], [0, 1]))
    >>> divided.areas.tolist(), sorted(divided.boundary[0].tolist())
    ([0.5, 0.5], [[0.0, 1.0], [1.0, 0.0]])
    """
    cell = np.repeat(np.arange(len(plane)), np.diff(plane.offsets))
    at = plane.vertices[plane.corners]
    values = np.einsum("hok,hk->ho", plane.weights[cell], at) + plane.biases[cell]
    outputs = competing(values)
    off = _EPSILON * float(np.abs(outputs).max(initial=0))
    middles = np.einsum("rok,rk->ro", plane.weights, plane.centers) + plane.biases
    best = competing(middles).argmax(axis=1)
    behind = outputs.max(axis=1) - outputs[np.arange(len(cell)), best[cell]]
    mixed = np.maximum.reduceat(behind, plane.offsets[:-1]) > off
    decisions = np.where(mixed, -1, best)
    pieces, parts = [], [_along_edges(plane, decisions, cell, at, outputs, off)]
    for region in np.flatnonzero(mixed).tolist():
        own = slice(*plane.offsets[region : region + 2].tolist())
        for decision, polygon, edges in _cut(at[own], outputs[own], off):
            pieces.append((region, decision, polygon))
            parts.append(edges)
    shares = plane.areas / plane.areas.sum()
    areas = np.zeros(outputs.shape[1])
    np.add.at(areas, decisions[~mixed], shares[~mixed])
    for _, decision, polygon in pieces:
        areas[decision] += _area(polygon)
    return Division(values, decisions, pieces, np.concatenate(parts), areas)


def _along_edges(plane: Plane, decisions: Array, cell: Array, at: Array, outputs: Array, off: float) -> Array:
    """Return the edges between regions that the boundary follows."""
    beyond = plane.beyond
    there = np.where(beyond >= 0, decisions[beyond], -1)
    chosen = (cell < beyond) & (decisions[cell] >= 0) & (there >= 0) & (decisions[cell] != there)
    follow = np.arange(len(cell)) + 1
    follow[plane.offsets[1:] - 1] = plane.offsets[:-1]
    return np.stack([at[chosen], at[follow[chosen]]], axis=1)


def _cut(corners: Array, outputs: Array, off: float) -> list[tuple[int, Array, Array]]:
    """Cut a polygon into the parts in which one output is the largest, each with some of the boundary."""
    rivals = np.flatnonzero(outputs.max(axis=0) >= outputs.min(axis=0).max() - off)
    found = []
    for winner in rivals.tolist():
        part = [
            (*point, *row) for point, row in zip(corners.tolist(), outputs[:, rivals].tolist(), strict=True)
        ]
        own = 2 + int(np.searchsorted(rivals, winner))
        for rival in range(2, 2 + len(rivals)):
            if rival != own:
                part = _clip(part, own, rival)
        polygon = np.array(part).reshape(-1, 2 + len(rivals))
        if len(part) < 3 or _area(polygon[:, :2]) == 0:
            continue
        edges = [
            (start[:2], stop[:2])
            for start, stop in pairwise([*part, part[0]])
            for rival in range(own + 1, 2 + len(rivals))
            if abs(start[rival] - start[own]) <= off and abs(stop[rival] - stop[own]) <= off
        ]
        found.append((winner, polygon[:, :2], np.array(edges).reshape(-1, 2, 2)))
    return found


def _clip(points: Sequence[tuple[float, ...]], own: int, rival: int) -> list[tuple[float, ...]]:
    """Return the part of a convex polygon where one number of its points is at least another."""
    kept: list[tuple[float, ...]] = []
    for start, stop in pairwise([*points, *points[:1]]):
        ahead, after = start[own] - start[rival], stop[own] - stop[rival]
        if ahead >= 0:
            kept.append(start)
        if ahead * after < 0:
            share = ahead / (ahead - after)
            kept.append(tuple(a + share * (b - a) for a, b in zip(start, stop, strict=True)))
    return kept


def _area(polygon: Array) -> float:
    """Return the area of a polygon in (s, t)."""
    x, y = polygon.T
    return 0.5 * abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1)))
