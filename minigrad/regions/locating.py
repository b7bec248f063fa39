"""In which cell a point lies: walk there from a cell near by, across one edge after the other."""

from __future__ import annotations

import numpy as np

from ..tensor import Array
from .cells import Cells, ragged

STEPS = 200
"""How far a walk may go before every cell is asked."""

SLACK = 4 * float(np.finfo(np.float64).eps)
"""How far rounding may have moved a corner."""


def locate(cells: Cells, at: Array) -> Array:
    """Return the cell of every point, shape (points, 2) → (points,); −1 outside the square."""
    from scipy.spatial import cKDTree

    todo = np.flatnonzero(((at >= 0) & (at <= 1)).all(axis=1))
    found = np.full(len(at), -1)
    here = cKDTree(cells.centers).query(at[todo])[1]
    for _ in range(STEPS):
        if not len(todo):
            return found
        depth, edge = _depths(cells, here, at[todo])
        outside = depth < 0
        found[todo[~outside]] = here[~outside]
        todo, here = todo[outside], cells.cell[cells.twins[edge[outside]]]
    everywhere = np.arange(len(cells))
    for point in todo:
        found[point] = _depths(cells, everywhere, np.broadcast_to(at[point], (len(cells), 2)))[0].argmax()
    return found


def _depths(cells: Cells, cell: Array, at: Array) -> tuple[Array, Array]:
    """
    Return how far points are inside a cell, negative where outside, and beyond which edge, shapes (points,).

    Edges as short as rounding say nothing; what is farther away than the cell is large is outside.
    """
    place, offsets = ragged(cells.offsets[cell], cells.sizes[cell])
    start = cells.points[cells.corners[place]]
    way = cells.points[cells.corners[cells.next[place]]] - start
    off = np.repeat(at, np.diff(offsets), axis=0) - start
    length, away = np.hypot(*way.T), np.hypot(*off.T)
    across = way[:, 0] * off[:, 1] - way[:, 1] * off[:, 0] + SLACK * away
    depth = np.divide(across, length, out=np.ones_like(length), where=length > SLACK)
    depth[cells.twins[place] < 0] = np.inf  # the rim: all points are on the inner side of it
    order = np.lexsort((depth, np.repeat(np.arange(len(cell)), np.diff(offsets))))[offsets[:-1]]
    least = depth[order]
    far = np.minimum.reduceat(away, offsets[:-1]) > 2 * np.maximum.reduceat(length, offsets[:-1]) + SLACK
    return np.where(far & (least >= 0), -np.inf, least), place[order]
