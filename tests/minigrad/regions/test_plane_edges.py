"""Planes on purpose: degenerate ones, what a region offers, what is refused, and that faults are caught."""

from __future__ import annotations

import pickle
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.regions import cutting, polygons
from minigrad.regions.cells import Cells

from ..thin import plain
from .plane_checks import holds

SQUARE: tuple[Any, ...] = ([-1.0, -1.0], [2.0, 0.0], [0.0, 2.0])


def relu_net(weight: Any, bias: Any) -> nn.Sequential:
    first = nn.Linear.of(np.array(weight, dtype=float), np.array(bias, dtype=float))
    return nn.Sequential(first, nn.ReLU(), nn.Linear.of(np.ones((1, len(weight)))))


def trained_like(*widths: int, seed: int = 0) -> nn.Sequential:
    rng = np.random.default_rng(seed)
    layers: list[nn.Module] = []
    for before, n in pairwise(widths):
        layers += [nn.Linear.of(rng.normal(size=(n, before)), rng.normal(size=n)), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


@pytest.mark.parametrize(
    ("weight", "bias", "count"),
    [
        ([[1, 1]], [2], 1),  # through the corner
        ([[1, 0]], [1], 1),  # along an edge
        ([[1, 0]], [0], 2),
        ([[1, 1]], [0], 2),  # from corner to corner
        ([[1, 0], [1, 0], [-3, 0]], [0, 0, 0], 2),  # copies
        ([[1, 0], [1, 0], [1, 0]], [0, 0.5, -0.5], 4),  # parallel
        ([[0, 0], [0, 0]], [1, 0], 1),  # zero rows
        ([[1, 0], [0, 1], [1, 1], [1, -1]], [0, 0, 0, 0], 8),  # through one point
        ([[1, 0], [0, 1], [1, 1]], [1, 1, 2], 1),  # all touch a corner from outside
        ([[1, 0]], [5], 1),  # far away
    ],
)  # fmt: skip
def test_lines_in_special_places(weight: Any, bias: Any, count: int) -> None:
    plane = mg.regions.plane(relu_net(weight, bias), *SQUARE)
    assert len(plane) == count
    holds(plane)


def test_grafted_identity_layers_change_no_region() -> None:
    net = trained_like(2, 8, 8, 2)
    eye = [layer for _ in range(3) for layer in (nn.Linear.of(np.eye(8)), nn.ReLU())]
    grafted = nn.Sequential(*list(net)[:4], *eye, *list(net)[4:])
    plain_one, deeper = (mg.regions.plane(each, *SQUARE) for each in (net, grafted))
    assert len(plain_one) == len(deeper) > 10
    np.testing.assert_array_equal(np.sort(plain_one.areas), np.sort(deeper.areas))
    holds(deeper)


def test_behind_a_dead_layer_nothing_changes() -> None:
    net = nn.Sequential(nn.Linear.of(np.eye(2), [-9.0, -9.0]), nn.ReLU(), *trained_like(2, 5, 2))
    plane = mg.regions.plane(net, *SQUARE)
    assert len(plane) == 1 and not plane.weights.any()


def test_hundreds_of_lines_almost_through_one_point_keep_the_complex_whole() -> None:
    rng = np.random.default_rng(0)
    for blur in (0.0, 1e-16, 1e-13, 1e-10):
        weight = rng.normal(size=(100, 2))
        net = relu_net(weight, -weight @ [0.3, 0.2] + blur * rng.normal(size=100))
        plane = mg.regions.plane(net, *SQUARE)
        edges = len(plane.corners) + (plane.beyond < 0).sum()
        assert len(plane.vertices) - edges // 2 + len(plane) == 1
        assert len(plane) >= 200 and abs(plane.areas.sum() - 4) < 1e-12


def test_a_network_without_gates_is_one_region() -> None:
    net = nn.Sequential(nn.Linear.of([[1.0, 2.0]], [3.0]))
    plane = mg.regions.plane(net, *SQUARE)
    (region,) = plane.regions
    np.testing.assert_array_equal(region.polygon, [[0, 0], [1, 0], [1, 1], [0, 1]])
    np.testing.assert_allclose([*region.weight[0], *region.bias], [2, 4, 0], atol=1e-14)
    assert region.pattern.shape == (0,) and region.area == 4 and region.neighbours.size == 0
    assert plane.units.shape == (0, 2)


def test_a_region_s_thin_network_pattern_and_map_agree() -> None:
    net = trained_like(3, 10, 10, 2)
    rng = np.random.default_rng(1)
    corner, u, v = rng.normal(size=(3, 3))
    plane = mg.regions.plane(net, corner, u, v)
    for region in plane.regions[:10]:
        thin = region.thin
        np.testing.assert_allclose(
            region.weight, np.stack([thin.weight @ u, thin.weight @ v], axis=1), atol=1e-12
        )
        np.testing.assert_allclose(region.bias, thin.weight @ corner + thin.bias, atol=1e-12)
        active = np.concatenate([layer.active for layer in thin.layers[:2]])
        np.testing.assert_array_equal(region.pattern, active)
        np.testing.assert_allclose(region.points, corner + region.polygon @ np.stack([u, v]))
    assert plane.units.tolist() == [[layer, k] for layer in (0, 1) for k in range(10)]
    np.testing.assert_allclose(plane.values, net(plane.points(plane.vertices)).data)


def test_regions_are_a_sequence() -> None:
    plane = mg.regions.plane(relu_net([[1, 0], [0, 1]], [0, 0]), *SQUARE)
    assert len(plane.regions) == 4 and plane.regions[-1].index == 3
    assert [r.index for r in plane.regions[1:3]] == [1, 2] and [r.index for r in plane.regions] == [
        0,
        1,
        2,
        3,
    ]
    with pytest.raises(IndexError):
        plane.regions[4]
    assert "4 regions" in repr(plane) and "4 corners, area 1" in repr(plane.regions[0])


def test_points_are_located_also_on_edges_and_outside() -> None:
    plane = mg.regions.plane(relu_net([[1, 0], [0, 1]], [0, 0]), *SQUARE)
    assert plane.locate([[-0.1, 0.5], [0.5, 1.1], [np.nan, 0.5]]).tolist() == [-1, -1, -1]
    assert plane.locate([0.5, 0.5]) >= 0 and plane.locate([[0.0, 0.0], [1.0, 1.0]]).min() >= 0
    assert plane.locate(np.zeros((2, 3, 2))).shape == (2, 3) and plane.locate(np.zeros((0, 2))).shape == (0,)
    with pytest.raises(ValueError, match=r"array of shape \(…, 2\), but got \(3,\)"):
        plane.locate([1, 2, 3])


def test_other_dtypes_and_the_same_answer_twice() -> None:
    net = nn.Sequential(nn.Linear(2, 9), nn.ReLU(), nn.Linear(9, 1))
    whole, single = (mg.regions.plane(net, *np.array(SQUARE, dtype=kind)) for kind in (int, np.float32))
    assert whole.vertices.dtype == whole.weights.dtype == np.float64
    np.testing.assert_array_equal(whole.vertices, single.vertices)
    np.testing.assert_array_equal(whole.corners, mg.regions.plane(net, *map(mg.tensor, SQUARE)).corners)


@pytest.mark.parametrize(
    ("arrays", "error", "words"),
    [
        (([0, 0], [1, 0], [2, 0]), ValueError, "two independent directions, but v is a multiple of u"),
        (([0, 0], [1, 1], [1, 1 + 1e-13]), ValueError, "two independent directions"),
        (([0, 0], [0, 0], [2, 0]), ValueError, "two directions, but u is zero"),
        (([0, 0], [1, 0], [0, 0]), ValueError, "two directions, but v is zero"),
        (([0, 0], [1, 0, 0], [0, 1]), ValueError, r"got shapes \(2,\), \(3,\) and \(2,\)"),
        ((0, 1, 1), ValueError, r"got shapes \(\), \(\) and \(\)"),
        (([0, np.nan], [1, 0], [0, 1]), ValueError, "corner has an entry that is not"),
        (([0, 0], [1, 0], [0, np.inf]), ValueError, "v has an entry that is not"),
        (([0, 0], [[1, 0], [1]], [0, 1]), ValueError, "takes u as one input"),
        (([0, 0], ["a", "b"], [0, 1]), TypeError, "u has dtype"),
        (([0, 0, 0], [1, 0, 0], [0, 1, 0]), ValueError, "2"),
    ],
)
def test_wrong_arguments_are_explained(arrays: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        mg.regions.plane(nn.Sequential(nn.Linear(2, 3), nn.ReLU()), *arrays)


def test_wrong_networks_are_explained() -> None:
    with pytest.raises(TypeError, match=r"takes a network \(an nn.Module\), but got function"):
        mg.regions.plane(lambda x: x, *SQUARE)  # type: ignore[arg-type]
    with pytest.raises(mg.NotPiecewiseLinearError, match=r"layer 1 \(Tanh\) is smooth"):
        mg.regions.plane(nn.Sequential(nn.Linear(2, 3), nn.Tanh()), *SQUARE)
    with pytest.raises(ValueError, match=r"call net.eval\(\) first"):
        mg.regions.plane(nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.5), nn.ReLU()), *SQUARE)


def test_units_settled_in_parts_and_inputs_in_batches_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    nets = [
        trained_like(2, 12, 12, 1),
        nn.Sequential(nn.Linear(2, 30), nn.Maxout([3] * 10), nn.Linear(10, 1)),
    ]
    for net in nets:
        whole = mg.regions.plane(net, [-3, -3], [6, 0], [0, 6])
        with monkeypatch.context() as patch:
            patch.setattr(polygons, "BYTES", 2000)
            patch.setitem(polygons.chunks.__globals__, "BYTES", 30_000)
            patch.setitem(cutting.batches.__globals__, "ENTRIES", 7)
            parts = mg.regions.plane(net, [-3, -3], [6, 0], [0, 6])
            holds(parts)
        np.testing.assert_allclose(np.sort(parts.areas), np.sort(whole.areas), atol=1e-12)


def test_the_tolerance_grows_when_it_is_below_the_rounding(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    settled = polygons._Plane.settled

    def first_fails(self: Any) -> Cells:
        asked.append(self.tolerance)
        if len(asked) < 2:
            raise polygons.UnsettledError("too small")
        return settled(self)

    monkeypatch.setattr(polygons._Plane, "settled", first_fails)
    assert len(mg.regions.plane(trained_like(2, 8, 1), *SQUARE)) > 5 and asked[1] > asked[0]


def test_a_plane_can_be_pickled() -> None:
    plane = mg.regions.plane(trained_like(2, 8, 1), *SQUARE)
    again = pickle.loads(pickle.dumps(plane))
    np.testing.assert_array_equal(again.areas, plane.areas)


def a_lost_line(cells: Cells, values: Any, tolerance: Any, born: int) -> Cells:
    return cutting.cut(cells, np.where(np.arange(values.shape[1]) == 1, 1.0, values), tolerance, born)


def a_shifted_line(cells: Cells, values: Any, tolerance: Any, born: int) -> Cells:
    return cutting.cut(cells, values + 1e-3, tolerance, born)


def a_lost_polygon(cells: Cells, values: Any, tolerance: Any, born: int) -> Cells:
    found = cutting.cut(cells, values, tolerance, born)
    last = found.offsets[-2]
    return Cells(found.points, found.offsets[:-1], found.corners[:last], found.born[:last])


def corners_of_its_own(cells: Cells, values: Any, tolerance: Any, born: int) -> Cells:
    found = cutting.cut(cells, values, tolerance, born)
    alone = found.corners.copy()
    alone[-1] = len(found.points)
    points = np.concatenate([found.points, found.points[found.corners[-1:]]])
    return Cells(points, found.offsets, alone, found.born)


@pytest.mark.parametrize("fault", [a_lost_line, a_shifted_line, a_lost_polygon, corners_of_its_own])
def test_a_planted_fault_is_caught(fault: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    net = trained_like(2, 8, 1)
    holds(mg.regions.plane(net, *SQUARE))
    monkeypatch.setattr(polygons, "cut", fault)
    with pytest.raises(AssertionError):
        holds(mg.regions.plane(net, *SQUARE))


def test_a_tournament_that_keeps_false_boundaries_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    net = nn.Sequential(nn.Linear.of(rng.normal(size=(15, 2)), rng.normal(size=15)), nn.Maxout([5, 5, 5]))
    holds(mg.regions.plane(net, *SQUARE))
    monkeypatch.setattr(Cells, "merged", lambda self, gone: (self, np.ones(len(self.points), dtype=bool)))
    with pytest.raises(AssertionError):
        holds(mg.regions.plane(net, *SQUARE))


def test_a_map_of_another_region_is_caught() -> None:
    plane = mg.regions.plane(plain.build([("linear", np.eye(2), None), ("relu",)]), *SQUARE)
    weights, biases = plane._maps
    plane.__dict__["_maps"] = (weights[::-1], biases)
    with pytest.raises(AssertionError):
        holds(plane)
