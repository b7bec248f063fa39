"""A network in a plane: what is drawn, against the network itself at many points."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
import viz
from minigrad import nn
from minigrad.regions import Plane
from viz.picture import Picture
from viz.regions.division import divide
from viz.regions.mapping import borders, colouring, triangles

from .test_lines import artists, network, texts


def plane_of(net: nn.Module, size: float = 4.0) -> Plane:
    return mg.regions.plane(net, [-size / 2, -size / 2], [size, 0.0], [0.0, size])


def says(net: nn.Module, plane: Plane, at: np.ndarray) -> np.ndarray:
    """What the network itself gives at (s, t); a single output competes with 0."""
    with mg.no_grad():
        outputs = net(plane.points(at)).data
    return np.column_stack([0 * outputs, outputs]) if outputs.shape[1] == 1 else outputs


def inside(polygon: np.ndarray, at: np.ndarray, off: float = 0.0) -> np.ndarray:
    """Whether points are in a convex polygon, its corners counter-clockwise."""
    edges = np.roll(polygon, -1, axis=0) - polygon
    away = at[:, None] - polygon
    return (edges[:, 0] * away[..., 1] - edges[:, 1] * away[..., 0] >= -off).all(axis=1)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.lists(st.integers(2, 7), max_size=2))
def test_decisions_and_boundary_are_the_network_s(seed: int, n_out: int, hidden: list[int]) -> None:
    net = network(2, *hidden, n_out, seed=seed)
    plane = plane_of(net)
    divided = divide(plane)
    assert divided.areas.sum() == pytest.approx(1)
    rng = np.random.default_rng(seed)
    at = rng.random((400, 2))
    outputs = says(net, plane, at)
    region, best = plane.locate(at), outputs.argmax(axis=1)
    whole = divided.decisions[region]
    clear = np.ptp(np.sort(outputs, axis=1)[:, -2:], axis=1) > 1e-6
    assert (whole == best)[clear & (whole >= 0)].all()
    for k in np.flatnonzero(clear & (whole < 0)):
        own = [
            d
            for r, d, polygon in divided.pieces
            if r == region[k] and inside(polygon, at[k : k + 1], 1e-9)[0]
        ]
        assert best[k] in own
    if len(divided.boundary):
        ends = divided.boundary.reshape(-1, 2)
        two = np.sort(says(net, plane, np.concatenate([ends, divided.boundary.mean(axis=1)])), axis=1)[:, -2:]
        np.testing.assert_allclose(two[:, 0], two[:, 1], atol=1e-7)
        count = Counter(map(tuple, ends.round(7).tolist()))
        within = [end for end in count if min(end) > 1e-6 and max(end) < 1 - 1e-6]
        assert all(count[end] > 1 for end in within), "the boundary ends only where the plane does"
    assert len(divided.boundary) > 0 or (divided.areas > 0).sum() == 1


def test_a_decision_that_no_corner_shows_is_found() -> None:
    """−x, x and 0.1 on [−1, 1]²: the third is the largest only in a strip between the corners."""
    net = nn.Sequential(nn.Linear.of([[-1.0, 0.0], [1.0, 0.0], [0.0, 0.0]], [0.0, 0.0, 0.1]))
    divided = divide(plane_of(net, 2.0))
    np.testing.assert_allclose(divided.areas, [0.45, 0.45, 0.1])
    lines = sorted(sorted(line) for line in divided.boundary.round(9).tolist())
    assert lines == [[[0.45, 0.0], [0.45, 1.0]], [[0.55, 0.0], [0.55, 1.0]]]


def test_a_boundary_along_an_edge_of_regions_is_found() -> None:
    """relu(x) − relu(−x)/2 changes its sign at x = 0, where its gates change too."""
    net = nn.Sequential(nn.Linear.of([[1.0, 0.0], [-1.0, 0.0]]), nn.ReLU(), nn.Linear.of([[1.0, -0.5]]))
    divided = divide(plane_of(net))
    assert not divided.pieces and divided.areas.tolist() == [0.5, 0.5]
    assert divided.boundary[:, :, 0].tolist() == [[0.5, 0.5]]


@pytest.mark.parametrize("seed", range(4))
def test_neighbours_have_different_shades(seed: int) -> None:
    plane = plane_of(network(2, 9, 6, 2, seed=seed))
    shades = colouring(plane)
    for region in plane.regions:
        assert not (shades[region.neighbours] == shades[region.index]).any()
    assert len(borders(plane, plane.vertices)) == sum(len(r.neighbours) for r in plane.regions) / 2
    corners = plane.vertices[triangles(plane)]
    (x, y), (u, v) = (corners[:, 1] - corners[:, 0]).T, (corners[:, 2] - corners[:, 0]).T
    assert ((x * v - y * u) / 2).sum() == pytest.approx(1)


def test_every_region_is_drawn() -> None:
    plane = plane_of(network(2, 9, 6, 3))
    picture = viz.draw(plane, names=["cat", "dog", "fox"])
    parts = [patch.get_path() for patch in artists(picture, "regions")]
    shown = sum(int((path.codes == path.MOVETO).sum()) for path in parts)
    divided = divide(plane)
    assert shown == (divided.decisions >= 0).sum() + len(divided.pieces)
    (line,) = artists(picture, "boundary")
    ends = np.array([-2.0, -2.0]) + 4 * divided.boundary.reshape(-1, 2)
    np.testing.assert_allclose(line.get_path().vertices, ends)
    assert picture.data["regions"] == len(plane) == len(picture.data["polygons"])
    for region, corners in zip(plane.regions, picture.data["polygons"], strict=True):
        np.testing.assert_array_equal(np.array(picture.data["vertices"])[corners], region.polygon)
    assert json.loads(json.dumps(picture.data, allow_nan=False)) == picture.data
    assert (
        f"{len(plane)} linear regions" in picture.description
        and "The decision, by area" in picture.description
    )
    assert {"feature 0", "feature 1", "decision boundary", "a gate changes"} <= texts(picture)


def test_without_hues_every_region_is_one_shape() -> None:
    plane = plane_of(network(2, 9, 6, 3))
    parts = [patch.get_path() for patch in artists(viz.draw(plane, color="regions"), "regions")]
    assert sum(int((path.codes == path.MOVETO).sum()) for path in parts) == len(plane)


def test_level_lines_are_where_the_output_has_these_levels() -> None:
    net = network(2, 7, 5, 2)
    plane = plane_of(net)
    picture = viz.draw(plane, color=1)
    checked = 0
    for lines in artists(picture, "lines"):
        for level, path in zip(lines.levels, lines.get_paths(), strict=True):
            if len(path.vertices):
                with mg.no_grad():
                    np.testing.assert_allclose(net(path.vertices).data[:, 1], level, atol=1e-6)
                checked += 1
    assert checked > 3


def test_data_are_shown_by_class_and_wrong_ones_are_crossed() -> None:
    net = nn.Sequential(nn.Linear.of([[1.0, 0.0]]), nn.ReLU(), nn.Linear.of([[1.0]], [-0.5]))  # x > ½
    x = np.array([[0.0, 0.0], [1.0, 1.0], [1.5, -1.0], [-1.0, 0.5], [9.0, 0.0]])
    picture = viz.draw(plane_of(net), points=x, labels=[0, 1, 0, 0, 1], names=["left", "right"])
    drawn = {a.get_gid(): a.get_xydata().tolist() for a in artists(picture, "points")}
    assert drawn == {"points-0": x[[0, 2, 3]].tolist(), "points-1": x[[1]].tolist()}
    markers = {a.get_marker() for a in artists(picture, "points")}
    assert len(markers) == 2, "told apart in grey as well"
    (wrong,) = artists(picture, "wrong")
    assert wrong.get_xydata().tolist() == [[1.5, -1.0]]
    assert {"data: left", "data: right", "decided otherwise (1 of 4)"} <= texts(picture)
    assert "4 points are in the plane, 1 outside it" in picture.description
    assert picture.data["labels"] == [0, 1, 0, 0]
    plain = viz.draw(plane_of(net), points=x)
    assert [a.get_gid() for a in artists(plain, "points")] == ["points"]


def test_three_images_span_a_plane() -> None:
    net, rng = network(36, 8, 5, 10), np.random.default_rng(0)
    a, b, c = rng.random((3, 36))
    plane = mg.regions.plane(net, a, b - a, c - a)
    picture = viz.draw(plane, points=[a, b, c], labels=[1, 2, 3], corners=("A", "B", "C"))
    for image, x in zip(artists(picture, "input"), (a, b, c), strict=True):
        np.testing.assert_array_equal(image.get_array(), x.reshape(6, 6))
    where = [a.get_xydata().tolist() for a in artists(picture, "points")]
    np.testing.assert_allclose(where, [[[0, 0]], [[1, 0]], [[0, 1]]], atol=1e-12)
    assert {"s: from A (s = 0) to B (s = 1)", "t: from A (t = 0) to C (t = 1)"} <= texts(picture)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"points": [[0.0, 0.0, 0.0]]}, r"shape \(n, 2\), but got \(1, 3\)"),
        ({"points": [0.0, 0.0]}, "but got"),
        ({"labels": [1]}, "no points are given"),
        ({"points": [[0.0, 0.0]], "labels": [1, 2]}, "one label for each"),
        ({"points": [[0.0, 0.0]], "labels": [3]}, "from 0 to 2"),
        ({"points": [[0.0, 0.0]], "labels": [0.5]}, "whole numbers"),
        ({"color": 3}, "0 to 2, but got 3"),
        ({"color": True}, "but got True"),
        ({"color": "red"}, "'decision', 'regions' or the number"),
        ({"names": ["a"]}, "names has 1 names, but it takes 3"),
    ],
)
def test_bad_options(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        viz.draw(plane_of(network(2, 3, 3)), **options)


def test_a_point_beside_the_plane_is_refused() -> None:
    plane = mg.regions.plane(network(3, 4, 2), [0, 0, 0], [1, 0, 0], [0, 1, 0])
    with pytest.raises(ValueError, match=r"point 1 is 0\.25 away"):
        viz.draw(plane, points=[[0.5, 0.5, 0.0], [0.5, 0.5, 0.25]])


def test_degenerate_networks_have_pictures() -> None:
    linear = viz.draw(plane_of(nn.Sequential(nn.Linear.of([[1.0, 2.0]]))))
    assert linear.title == "A network in a plane: 1 linear region" and "50.0%" in linear.description
    dead = nn.Sequential(nn.Linear.of([[0.0, 0.0]], [-1.0]), nn.ReLU(), nn.Linear.of([[1.0]]))
    picture = viz.draw(plane_of(dead))
    assert "below 0 100.0%" in picture.description and not artists(picture, "boundary")
    assert viz.draw(plane_of(dead), color=0).svg()


def test_the_terminal_gets_a_map() -> None:
    net = nn.Sequential(nn.Linear.of([[1.0, 1.0]]))
    rows = str(viz.draw(plane_of(net))).splitlines()[1:-1]
    assert rows[0].endswith("#") and rows[-1].startswith("·") and {*rows[0]} <= {"#", "·"}
    assert sum(row.count("#") for row in rows) == pytest.approx(len(rows) * len(rows[0]) / 2, rel=0.05)


def test_thousands_of_regions_stay_light(tmp_path: Path) -> None:
    plane = plane_of(network(2, 60, 60, 3, seed=1), 60.0)
    assert len(plane) > 5000
    for color in ("decision", 0):
        picture = viz.draw(plane, color=color)
        assert picture.save(tmp_path / "big.svg").stat().st_size < 2_500_000
        assert "polygons" in picture.data
    (line,) = artists(viz.draw(plane), "boundary")
    assert not line.get_rasterized(), "the boundary stays sharp"


def test_it_saves_in_every_format(tmp_path: Path) -> None:
    picture: Picture = viz.draw(plane_of(network(2, 5, 3)))
    assert picture.formats == ("svg", "png", "pdf", "html", "json", "txt")
    for suffix in picture.formats:
        assert picture.save(tmp_path / f"x.{suffix}").stat().st_size > 100
