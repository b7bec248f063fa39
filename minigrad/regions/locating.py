"""In which cell a point lies: walk there from a cell near by, across one edge after the other.

Any edge that the point is beyond will do, but to take the farthest may lead around in circles, where a random
one does not for long.
"""

from __future__ import annotations

import numpy as np

from ..tensor import Array
from .cells import Cells, ragged

STEPS = 200
"""How far a walk may go before every cell is asked."""

SLACK = 1e-11
"""How far corners may be from the lines that go through them: how edges as short as that run says nothing."""


def locate(cells: Cells, at: Array) -> Array:
    """Return the cell of every point, shape (points, 2) → (points,); −1 outside the square."""
    from scipy.spatial import cKDTree

    todo = np.flatnonzero(((at >= 0) & (at <= 1)).all(axis=1))
    found = np.full(len(at), -1)
    here = cKDTree(cells.centers).query(at[todo])[1]
    rng = np.random.default_rng(0)
    for _ in range(STEPS):
        if not len(todo):
            return found
        depth, place, offsets = _depths(cells, here, at[todo])
        outside = np.minimum.reduceat(depth, offsets[:-1]) < 0
        found[todo[~outside]] = here[~outside]
        owner = np.repeat(np.arange(len(here)), np.diff(offsets))
        chance = np.where((depth < 0) & np.isfinite(depth), rng.random(len(depth)), 2.0)
        edge = place[np.lexsort((chance, owner))[offsets[:-1]]]
        todo, here = todo[outside], cells.cell[cells.twins[edge[outside]]]
    everywhere = np.arange(len(cells))
    for point in todo:
        depth, _, offsets = _depths(cells, everywhere, np.broadcast_to(at[point], (len(cells), 2)))
        found[point] = np.minimum.reduceat(depth, offsets[:-1]).argmax()
    return found


def _depths(cells: Cells, cell: Array, at: Array) -> tuple[Array, Array, Array]:
    """Return how far points are on the inner side of every edge of a cell, its places, and their offsets."""
    place, offsets = ragged(cells.offsets[cell], cells.sizes[cell])
    sizes = np.diff(offsets)
    start = cells.points[cells.corners[place]]
    way = cells.points[cells.corners[cells.next[place]]] - start
    off = np.repeat(at, sizes, axis=0) - start
    length, away = np.hypot(*way.T), np.hypot(*off.T)
    across = way[:, 0] * off[:, 1] - way[:, 1] * off[:, 0] + SLACK * away
    depth = np.divide(across, length, out=np.ones_like(length), where=length > 0)
    far = np.minimum.reduceat(away, offsets[:-1]) > 2 * np.maximum.reduceat(length, offsets[:-1]) + SLACK
    depth[np.repeat(far, sizes)] -= 1e9  # outside of a cell of this size, whatever its edges say
    depth[cells.twins[place] < 0] = np.inf  # the rim: all points are on its inner side
    return depth, place, offsets
