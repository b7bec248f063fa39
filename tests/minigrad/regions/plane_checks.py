"""What must hold for every plane, whatever the network."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg
from minigrad.regions import Plane
from minigrad.regions.gates import coded, decided
from minigrad.thin.followed import follow

from ..thin import plain
from ..thin.plain import Layers
from . import exact_plane


def holds(plane: Plane, samples: int = 300) -> None:
    """The polygons are a complex that fills the plane, and the network is on each what they say."""
    fills_the_plane(plane)
    neighbours_agree(plane)
    assert len(np.unique(plane.patterns, axis=0)) == len(plane)
    follows_the_network(plane, samples)


def fills_the_plane(plane: Plane) -> None:
    """Convex polygons, no gaps, no overlaps: V − E + F = 1."""
    sides = np.stack([plane.u.ravel(), plane.v.ravel()])
    assert (plane.areas > 0).all()
    np.testing.assert_allclose(plane.areas.sum(), np.sqrt(np.linalg.det(sides @ sides.T)), rtol=1e-9)
    edges = {
        frozenset((int(a), int(b)))
        for region in plane.regions
        for a, b in _edges(plane.corners[slice(*plane.offsets[region.index : region.index + 2])])
    }
    assert len(plane.vertices) - len(edges) + len(plane) == 1
    assert len(np.unique(plane.corners)) == len(plane.vertices)
    total = 0.0
    for region in plane.regions:
        shape = region.polygon
        ways = np.roll(shape, -1, axis=0) - shape
        after = np.roll(ways, -1, axis=0)
        assert (ways[:, 0] * after[:, 1] - ways[:, 1] * after[:, 0] > -1e-13).all()
        x, y = shape.T
        total += 0.5 * float(x @ np.roll(y, -1) - y @ np.roll(x, -1))
    assert abs(total - 1) < 1e-12
    assert ((plane.vertices >= 0) & (plane.vertices <= 1)).all()


def neighbours_agree(plane: Plane) -> None:
    """Whoever is beside another has it beside itself, and shares an edge with it."""
    beside = {(r.index, int(other)) for r in plane.regions for other in r.neighbours}
    loops = [
        set(map(frozenset, _edges(plane.corners[slice(*plane.offsets[k : k + 2])])))
        for k in range(len(plane))
    ]
    shared = {(j, k) for j in range(len(plane)) for k in range(len(plane)) if j != k and loops[j] & loops[k]}
    assert beside == shared


def _edges(loop: Any) -> list[tuple[int, int]]:
    return list(zip(loop.tolist(), np.roll(loop, -1).tolist(), strict=True))


def follows_the_network(plane: Plane, samples: int = 300) -> None:
    """At random points, the value and the pattern are those of the polygon around them."""
    points = np.random.default_rng(0).random((samples, 2))
    index = _containing(plane, points)
    np.testing.assert_array_equal(index, plane.locate(points))
    lengths = np.array([np.linalg.norm(plane.u), np.linalg.norm(plane.v)])
    along = np.stack([plane.u, plane.v]) / lengths.reshape(2, *(1,) * plane.u.ndim)
    found = follow(plane.net, plane.points(points), along)
    scale = max(1.0, float(np.abs(found.output).max(initial=0)))
    said = np.einsum("rok,rk->ro", plane.weights[index], points) + plane.biases[index]
    np.testing.assert_allclose(said, found.output, rtol=0, atol=1e-10 * scale)
    patterns = [coded(gate.node, decided(gate)) for gate in found.gates]
    together = np.concatenate([np.zeros((samples, 0), dtype=bool), *patterns], axis=1)
    np.testing.assert_array_equal(together, plane.patterns[index])


def _containing(plane: Plane, points: Any) -> Any:
    """Which polygon every point is in, one polygon at a time."""
    found = np.full(len(points), -1)
    for region in plane.regions:
        shape = region.polygon
        ways = np.roll(shape, -1, axis=0) - shape
        off = points[:, None] - shape
        inside = (ways[:, 0] * off[..., 1] - ways[:, 1] * off[..., 0] >= 0).all(axis=1)
        assert (found[inside] == -1).all()
        found[inside] = region.index
    return found


def is_exact(layers: Layers, corner: Any, u: Any, v: Any) -> Plane:
    """The regions are those of exact arithmetic: as many, the same areas, the same maps, the same pieces."""
    plane = mg.regions.plane(plain.build(layers), corner, u, v)
    expected = exact_plane.cells(layers, corner, u, v)
    assert len(plane) == len(expected)
    where = plane.locate(np.array([cell.center for cell in expected], dtype=float))
    assert sorted(where) == list(range(len(plane)))
    shares = np.array([float(cell.area) for cell in expected])
    whole = plane.areas.sum()
    np.testing.assert_allclose(plane.areas[where] / whole, shares, rtol=1e-9, atol=1e-13)
    rows = np.array([[list(map(float, row)) for row in cell.rows] for cell in expected]).reshape(
        len(plane), -1, 3
    )
    np.testing.assert_allclose(plane.weights[where], rows[..., :2], rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(plane.biases[where], rows[..., 2], rtol=1e-9, atol=1e-10)
    return plane
