"""The polygons of a plane, against exact arithmetic, linear programming, closed forms and dense samples."""

from __future__ import annotations

from math import comb
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn

from ..thin import plain
from ..thin.draws import networks
from . import brute
from .plane_checks import holds, is_exact

CERTAIN = ("relu", "leaky", "prelu", "maxout", "identity", "abs", "maximum", "minimum", "clip")
SQUARE: tuple[Any, ...] = ([-1.0, -1.0], [2.0, 0.0], [0.0, 2.0])


def drawn_plane(x: Any, seed: int, whole: bool) -> tuple[Any, Any, Any]:
    """A plane through an input of a drawn network."""
    assume(x.size > 1)
    rng = np.random.default_rng(seed)
    u, v = rng.integers(-4, 5, (2, x.size)).astype(float) if whole else rng.normal(size=(2, x.size)) * 4
    assume(np.linalg.matrix_rank([u, v]) == 2)
    return x, u, v


@settings(max_examples=60)
@given(networks(gates=CERTAIN, residual=True), st.integers(0, 10**6))
def test_generic_networks_have_the_regions_of_exact_arithmetic(case: Any, seed: int) -> None:
    layers, x = case
    holds(is_exact(layers, *drawn_plane(x, seed, whole=False)), 60)


@settings(max_examples=150)
@given(networks(gates=CERTAIN, residual=True, whole=True), st.integers(0, 10**6))
def test_degenerate_networks_have_the_regions_of_exact_arithmetic(case: Any, seed: int) -> None:
    layers, x = case
    holds(is_exact(layers, *drawn_plane(x, seed, whole=True)), 60)


@settings(max_examples=60)
@given(networks(gates=CERTAIN, twins=True), st.integers(0, 10**6))
def test_networks_with_copies_of_neurons_have_the_regions_of_the_sampled_patterns(
    case: Any, seed: int
) -> None:
    layers, x = case
    corner, u, v = drawn_plane(x, seed, whole=False)
    holds(mg.regions.plane(plain.build(layers), corner, u, v))


@pytest.mark.parametrize("kind", [("relu",), ("leaky", 0.1), ("abs",), ("maxout", (1, 2, 3))])
@pytest.mark.parametrize("seed", range(3))
def test_the_regions_are_those_that_linear_programming_finds(kind: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    m = 3 if kind[0] == "maxout" else 6
    layers: Any = [
        ("linear", rng.normal(size=(6, 3)), rng.normal(size=6)),
        kind,
        ("linear", rng.normal(size=(6, m)), rng.normal(size=6)),
        kind,
        ("linear", rng.normal(size=(2, m)), None),
    ]
    corner, u, v = rng.normal(size=3), 3 * rng.normal(size=3), 3 * rng.normal(size=3)
    plane = mg.regions.plane(plain.build(layers), corner, u, v)
    found = brute.cells(layers, corner, [u, v])
    assert len(plane) == len(found)
    where = plane.locate([cell.s for cell in found])
    assert len(set(where)) == len(found)
    np.testing.assert_allclose(plane.weights[where], [cell.weight for cell in found], atol=1e-10)
    codes = np.array([cell.pattern for cell in found])
    np.testing.assert_array_equal(
        plane.patterns[where] > 0 if kind[0] == "abs" else plane.patterns[where], codes
    )


def one_layer(n: int, seed: int, bias: bool) -> nn.Sequential:
    rng = np.random.default_rng(seed)
    first = nn.Linear.of(rng.normal(size=(n, 2)), rng.normal(size=n) if bias else None)
    return nn.Sequential(first, nn.ReLU(), nn.Linear.of(rng.normal(size=(1, n))))


@pytest.mark.parametrize("n", [1, 2, 5, 20, 60])
def test_a_hidden_layer_has_as_many_regions_as_lines_in_general_position(n: int) -> None:
    net = one_layer(n, n, bias=True)
    size = 1e6
    plane = mg.regions.plane(net, [-size, -size], [2 * size, 0], [0, 2 * size])
    assert len(plane) == 1 + n + comb(n, 2)


@pytest.mark.parametrize("n", [1, 2, 5, 200])
@pytest.mark.parametrize("corner", [[-1.3, -0.7], [-0.5, -0.5]])
def test_without_biases_all_lines_meet_in_the_origin(n: int, corner: Any) -> None:
    plane = mg.regions.plane(one_layer(n, n, bias=False), corner, [2, 0], [0.1, 2])
    assert len(plane) == 2 * n
    holds(plane)


def test_deep_networks_stay_below_the_product_bound_and_have_about_half_of_n_squared_regions() -> None:
    """He initialisation, Gaussian biases, a large window: single networks scatter, their mean does not."""
    counts = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        layers: list[nn.Module] = []
        for n, before in ((40, 2), (40, 40), (40, 40)):
            weight = rng.normal(size=(n, before)) * np.sqrt(2 / before)
            layers += [nn.Linear.of(weight, rng.normal(size=n)), nn.ReLU()]
        plane = mg.regions.plane(nn.Sequential(*layers), [-100, -100], [200, 0], [0, 200])
        counts.append(len(plane))
    assert max(counts) <= (1 + 40 + comb(40, 2)) ** 3
    assert 0.9 <= np.mean(counts) / (120**2 / 2) <= 1.25


def test_folding_layers_make_a_chessboard() -> None:
    """abs folds the plane onto itself: each layer of two doubles the rows and the columns."""
    fold = nn.Linear.of(np.eye(2), [-0.5, -0.5])
    layers: list[nn.Module] = []
    for _ in range(3):
        layers += [fold, plain.Apply(np.abs), nn.Linear.of(-2 * np.eye(2), [1.0, 1.0])]
    plane = mg.regions.plane(nn.Sequential(*layers), [0, 0], [1, 0], [0, 1])
    assert len(plane) == 64
    np.testing.assert_allclose(plane.areas, 1 / 64)
    assert np.bincount([len(region.neighbours) for region in plane.regions]).tolist() == [0, 0, 4, 24, 36]


def test_maxout_has_the_cells_of_the_envelope_and_no_more() -> None:
    """Tangents to x² + y²: the pieces win in the Voronoi cells of where they touch."""
    sites = np.random.default_rng(1).uniform(-1, 1, size=(40, 2))
    net = nn.Sequential(nn.Linear.of(2 * sites, -(sites**2).sum(axis=1)), nn.Maxout([40]))
    plane = mg.regions.plane(net, *SQUARE)
    assert len(plane) == 40
    holds(plane)
    points = np.random.default_rng(2).random((500, 2))
    nearest = ((plane.points(points)[:, None] - sites) ** 2).sum(axis=-1).argmin(axis=1)
    np.testing.assert_array_equal(plane.patterns[plane.locate(points), 0], nearest)


def test_a_piece_may_win_in_the_interior_and_at_no_corner() -> None:
    pyramid = [[0.0, 0.0], [4.0, 0.0], [-4.0, 0.0], [0.0, 4.0], [0.0, -4.0]]
    net = nn.Sequential(nn.Linear.of(pyramid, [1.0, 0, 0, 0, 0]), nn.Maxout([5]))
    plane = mg.regions.plane(net, *SQUARE)
    middle = plane.regions[int(plane.locate([0.5, 0.5]))]
    assert len(plane) == 5 and middle.area == pytest.approx(0.25) and len(middle.neighbours) == 4


class Images(nn.Module):
    """A convolution, ReLU, and overlapping windows of a max-pool."""

    def __init__(self, kernel: int, stride: int, padding: int) -> None:
        rng = np.random.default_rng(0)
        self.weight, self.bias = nn.Parameter(rng.normal(size=(2, 1, 3, 3))), nn.Parameter(rng.normal(size=2))
        self.pool = kernel, stride, padding

    def forward(self, x: mg.Tensor) -> mg.Tensor:
        h = mg.relu(mg.conv2d(x, self.weight, self.bias, padding=1))
        return np.reshape(mg.max_pool2d(h, self.pool[0], self.pool[1], self.pool[2]), (len(x), -1))


@pytest.mark.parametrize("pool", [(2, 2, 0), (3, 2, 1), (3, 1, 0)])
def test_max_pooling_of_images(pool: Any) -> None:
    corner, u, v = np.random.default_rng(3).normal(size=(3, 1, 4, 4))
    plane = mg.regions.plane(Images(*pool), corner, u, v)
    assert len(plane) > 30
    holds(plane)
    assert plane.regions[0].points.shape == (len(plane.regions[0].polygon), 1, 4, 4)


GATES = {
    "sort": lambda h: np.sort(h, axis=-1),
    "max": lambda h: np.max(np.reshape(h, (-1, 2, 3)), axis=1),
    "min": lambda h: np.min(np.reshape(h, (-1, 2, 3)), axis=-1),
    "maximum": lambda h: mg.maximum(h, h[:, ::-1], 0.2),
    "fmax": lambda h: np.fmax(h, 0.3),
    "median": lambda h: np.median(h, axis=-1, keepdims=True),
    "clip": lambda h: np.clip(h, np.minimum(h[:, ::-1], 0) - 1, 0.7),
}


@pytest.mark.parametrize("name", GATES)
def test_every_kind_of_gate(name: str) -> None:
    rng = np.random.default_rng(4)
    first = nn.Linear.of(rng.normal(size=(6, 2)), rng.normal(size=6))
    plane = mg.regions.plane(nn.Sequential(first, plain.Apply(GATES[name])), [-3, -3], [6, 0], [0, 6])
    assert len(plane) > 3
    holds(plane)
