"""Many polygons as few shapes: a map's colours, and outlines that are drawn at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from viz.regions.decisions import Array

if TYPE_CHECKING:
    from matplotlib.path import Path

    from minigrad.regions import Plane


def colouring(plane: Plane) -> Array:
    """
    Return a colour for every region, a small number: those that share an edge differ.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> net = nn.Sequential(nn.Linear.of([[1.0, 0.0]]), nn.ReLU(), nn.Linear.of([[1.0]]))
    >>> sorted(colouring(mg.regions.plane(net, [-1, -1], [2, 0], [0, 2])).tolist())
    [0, 1]
    """
    from networkx import Graph, greedy_color

    cell = np.repeat(np.arange(len(plane)), np.diff(plane.offsets))
    graph = Graph()
    graph.add_nodes_from(range(len(plane)))
    inner = cell < plane.beyond
    graph.add_edges_from(zip(cell[inner].tolist(), plane.beyond[inner].tolist(), strict=True))
    colours = greedy_color(graph, strategy="connected_sequential_bfs")
    return np.array([colours[region] for region in range(len(plane))])


def outlines(plane: Plane, place: Array) -> tuple[Array, Array, Array]:
    """
    Return all polygons, closed, one after the other.

    Parameters
    ----------
    plane : Plane
        The regions.
    place : ndarray, shape (V, 2)
        Where each of the plane's vertices is drawn.

    Returns
    -------
    points : ndarray, shape (H + regions, 2)
        The corners; the last of each polygon is its first again.
    codes : ndarray
        What matplotlib does there.
    owner : ndarray of int
        The region of each.
    """
    from matplotlib.path import Path

    ends = plane.offsets[1:]
    points = np.insert(place[plane.corners], ends, place[plane.corners[plane.offsets[:-1]]], axis=0)
    owner = np.repeat(np.arange(len(plane)), np.diff(plane.offsets) + 1)
    codes = np.full(len(points), Path.LINETO, dtype=Path.code_type)
    codes[plane.offsets[:-1] + np.arange(len(plane))] = Path.MOVETO
    codes[ends + np.arange(len(plane))] = Path.CLOSEPOLY
    return points, codes, owner


def closed(polygons: Iterable[Array]) -> tuple[Array, Array]:
    """Return points and codes of a few polygons."""
    from matplotlib.path import Path

    points, codes = [np.empty((0, 2))], [np.empty(0, dtype=Path.code_type)]
    for polygon in polygons:
        points += [polygon, polygon[:1]]
        codes.append(
            np.array([Path.MOVETO, *[Path.LINETO] * (len(polygon) - 1), Path.CLOSEPOLY], dtype=Path.code_type)
        )
    return np.concatenate(points), np.concatenate(codes)


def strokes(ends: Array) -> Path:
    """Return lines, shape (n, 2, 2), as one path."""
    from matplotlib.path import Path

    codes = np.tile(np.array([Path.MOVETO, Path.LINETO], dtype=Path.code_type), len(ends))
    return Path(ends.reshape(-1, 2), codes)


def borders(plane: Plane, place: Array) -> Array:
    """Return the edges between regions, each once, shape (n, 2, 2)."""
    cell = np.repeat(np.arange(len(plane)), np.diff(plane.offsets))
    follow = np.arange(len(cell)) + 1
    follow[plane.offsets[1:] - 1] = plane.offsets[:-1]
    once = cell < plane.beyond
    return np.stack([place[plane.corners[once]], place[plane.corners[follow[once]]]], axis=1)


def triangles(plane: Plane) -> Array:
    """Return the regions cut into triangles, by the numbers of their vertices, shape (n, 3)."""
    sizes = np.diff(plane.offsets)
    first = np.repeat(plane.offsets[:-1], sizes - 2)
    step = np.arange(len(first)) - np.repeat(np.cumsum(sizes - 2) - (sizes - 2), sizes - 2)
    return plane.corners[np.stack([first, first + step + 1, first + step + 2], axis=1)]
