"""The inequalities of a region: against the patterns themselves, and qhull's facets."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import HalfspaceIntersection

import minigrad as mg
from minigrad import nn
from minigrad.regions.polytope import Polytope, polytope
from minigrad.thin.followed import record

seeds = st.integers(0, 10_000)


class Unusual(nn.Module):
    """Sorted, clipped, the largest, turned round at 0."""

    def forward(self, x: mg.Tensor) -> mg.Tensor:
        return np.clip(np.sort(x, axis=-1), -0.7, 0.7) + np.max(x, axis=-1, keepdims=True) + np.abs(x)


NETWORKS = {
    "relu": lambda n: nn.Sequential(nn.Linear(n, 6), nn.ReLU(), nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 2)),
    "maxout": lambda n: nn.Sequential(nn.Linear(n, 6), nn.Maxout(3), nn.Linear(2, 4), nn.LeakyReLU(0.1)),
    "residual": lambda n: nn.Sequential(nn.Residual(nn.Linear(n, n), nn.PReLU()), nn.Linear(n, 3), nn.ReLU()),
    "unusual": lambda n: nn.Sequential(nn.Linear(n, 3), Unusual()),
}


def drawn(name: str, seed: int, n: int) -> tuple[nn.Module, Any]:
    mg.manual_seed(seed)
    net, rng = NETWORKS[name](n), np.random.default_rng(seed)
    for parameter in net.parameters():
        parameter.data = rng.normal(size=parameter.shape)
    return net, rng.normal(size=n)


def same_pattern(net: nn.Module, x: Any, points: Any) -> Any:
    parts = [np.reshape(p, (len(p), -1)) for p in record(net, np.concatenate([x[None], points])).patterns]
    patterns = np.concatenate(parts, axis=1)
    return (patterns[1:] == patterns[0]).all(axis=1)


@pytest.mark.parametrize("name", NETWORKS)
@given(seed=seeds, n=st.integers(1, 4))
def test_the_points_within_are_those_with_the_same_pattern(name: str, seed: int, n: int) -> None:
    net, x = drawn(name, seed, n)
    check_points(net, x, polytope(net, x), seed)


def check_points(net: nn.Module, x: Any, region: Polytope, seed: int) -> None:
    rng = np.random.default_rng(seed + 1)
    sizes = 10 ** rng.uniform(-2, 1, size=(400, 1))
    points = x + sizes * rng.normal(size=(400, x.size))
    np.testing.assert_array_equal(region.contains(points), same_pattern(net, x, points))
    np.testing.assert_allclose(region.radius, mg.thin(net, x).radius, rtol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(region.A, axis=1), 1, rtol=1e-12)


@pytest.mark.parametrize("fault", ["a row turned round", "a row lost", "a row moved"])
def test_a_planted_fault_is_noticed(fault: str) -> None:
    net, x = drawn("relu", 3, 2)
    region = polytope(net, x).irredundant()
    A, b, keep = region.A.copy(), region.b.copy(), np.arange(len(region)) > 0
    if fault == "a row turned round":
        A[0], b[0] = -A[0], -b[0]
    elif fault == "a row moved":
        b[0] += 0.5
    else:
        A, b = A[keep], b[keep]
    with pytest.raises(AssertionError):
        check_points(net, x, replace(region, A=A, b=b), 3)


@pytest.mark.parametrize("name", NETWORKS)
@given(seed=seeds, n=st.integers(2, 3))
def test_what_is_left_of_the_inequalities_are_the_facets(name: str, seed: int, n: int) -> None:
    net, x = drawn(name, seed, n)
    region = polytope(net, x, box=(-20.0, 20.0))
    centre, room = region.chebyshev
    if room < 1e-4:  # where qhull's answer hangs on its own rounding
        return
    few = region.irredundant()
    hull = HalfspaceIntersection(np.column_stack([region.A, -region.b]), centre)
    facets = {tuple(np.round(np.append(region.A[k], region.b[k]), 7) + 0.0) for k in set(hull.dual_vertices)}
    found = {tuple(np.round(np.append(a, b), 7) + 0.0) for a, b in zip(few.A, few.b, strict=True)}
    assert found == facets


@given(seed=seeds, n=st.integers(1, 3))
def test_the_largest_ball_lies_within_and_no_other_is_larger(seed: int, n: int) -> None:
    net, x = drawn("relu", seed, n)
    region = polytope(net, x, box=(-20.0, 20.0))
    centre, radius = region.chebyshev
    np.testing.assert_allclose((region.b - region.A @ centre).min(), radius, atol=1e-8)
    others = np.random.default_rng(seed).uniform(-20, 20, size=(2000, n))
    others = np.concatenate([others, centre + radius * 0.1 * others / 20])
    assert (region.b - others @ region.A.T).min(axis=1).max() <= radius + 1e-8


def test_a_box_alone_has_its_own_centre() -> None:
    region = polytope(nn.Sequential(nn.Linear(2, 2)), [0.5, 0.0], box=(-1.0, 3.0))
    centre, radius = region.chebyshev
    np.testing.assert_allclose(centre, [1.0, 1.0], atol=1e-9)
    assert radius == pytest.approx(2.0)
    assert {tuple(row) for row in region.units} == {(-2, 0), (-2, 1)}
    assert len(region.irredundant()) == 4


def test_a_network_without_gates_has_all_of_the_space() -> None:
    region = polytope(nn.Sequential(nn.Linear(2, 2)), [0.5, 0.0])
    assert len(region) == len(region.irredundant()) == 0
    assert region.radius == region.chebyshev[1] == np.inf
    assert region.contains([[1e9, -1e9]]).all()


def test_a_region_without_end_has_no_largest_ball() -> None:
    net = nn.Sequential(nn.Linear.of([[1.0, 0.0]]), nn.ReLU())
    centre, radius = polytope(net, [1.0, 2.0]).chebyshev
    assert radius == np.inf
    np.testing.assert_array_equal(centre, [1.0, 2.0])


def test_copies_zero_rows_and_parallel_lines_leave_one_facet() -> None:
    weight = [[1.0, 0.0], [1.0, 0.0], [2.0, 0.0], [0.0, 0.0], [1.0, 0.0]]
    net = nn.Sequential(nn.Linear.of(weight, [0.0, 0.0, 0.0, 1.0, 5.0]), nn.ReLU(), nn.ReLU())
    few = polytope(net, [1.0, 1.0]).irredundant()
    np.testing.assert_array_equal(few.A, [[-1.0, 0.0]])
    np.testing.assert_array_equal(few.units, [[0, 0]])


def test_at_a_tie_it_is_the_region_whose_piece_is_followed() -> None:
    net = nn.Sequential(nn.Linear.of([[1.0]]), nn.ReLU())
    assert polytope(net, [0.0]).contains([[-1.0], [0.0], [1.0]]).tolist() == [True, True, False]

    class Clipped(nn.Module):
        def forward(self, x: mg.Tensor) -> mg.Tensor:
            return np.clip(x, -1, 1)

    assert polytope(Clipped(), [-1.0]).contains([[-2.0], [0.0], [2.0]]).tolist() == [False, True, False]
    assert polytope(Clipped(), [1.0]).contains([[-2.0], [0.0], [2.0]]).tolist() == [False, True, False]


def test_a_piece_of_the_tie_alone_has_a_flat_region() -> None:
    class Folded(nn.Module):
        def forward(self, x: mg.Tensor) -> mg.Tensor:
            return np.abs(x)

    flat = polytope(Folded(), [0.0, 1.0])
    assert flat.contains([[0.0, 2.0], [0.1, 2.0], [-0.1, 2.0]]).tolist() == [True, False, False]
    assert len(flat.irredundant()) == 3
    assert flat.chebyshev[1] in (0.0, np.inf)

    class Largest(nn.Module):
        def forward(self, x: mg.Tensor) -> mg.Tensor:
            return np.max(x, axis=-1, keepdims=True)

    shared = polytope(Largest(), [1.0, 1.0, 0.0])
    assert shared.contains([[2.0, 2.0, 0.0], [2.0, 1.0, 0.0], [1.0, 1.0, 3.0]]).tolist() == [
        True,
        False,
        False,
    ]


def test_images_float32_and_whole_numbers_are_inputs_too() -> None:
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(2, 2))
    image = np.random.default_rng(0).normal(size=(1, 4, 4)).astype(np.float32)
    region = polytope(net, image)
    assert region.contains(image[None]).all() and region.x.dtype == np.float64
    assert region.radius == pytest.approx(mg.thin(net, image.astype(float)).radius)
    assert polytope(nn.Sequential(nn.Linear(2, 1), nn.ReLU()), [1, 2]).A.shape == (1, 2)
    copy = pickle.loads(pickle.dumps(region))
    np.testing.assert_array_equal(copy.A, region.A)


@pytest.mark.parametrize(
    ("x", "options", "error", "words"),
    [
        (np.ones((3, 2)), {}, ValueError, r"pass x\[0\]"),
        ([1.0, np.nan], {}, ValueError, "not finite"),
        ([1.0, 2.0, 3.0], {}, ValueError, r"Linear\(2, 6\) got"),
        ([1.0, 2.0], {"box": (0.0, 1.0)}, ValueError, "not within the box from 0 to 1"),
        ([1.0, 2.0], {"box": (3.0, 1.0)}, ValueError, "not within the box from 3 to 1"),
    ],
)
def test_bad_input_is_named(x: Any, options: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        polytope(NETWORKS["relu"](2), x, **options)


def test_a_smooth_layer_and_points_of_another_shape_are_named() -> None:
    with pytest.raises(mg.NotPiecewiseLinearError, match=r"layer 1 \(Tanh\)"):
        polytope(nn.Sequential(nn.Linear(2, 2), nn.Tanh()), [1.0, 2.0])
    with pytest.raises(ValueError, match=r"contains takes points of shape \(points, 2\)"):
        polytope(NETWORKS["relu"](2), [1.0, 2.0]).contains([1.0, 2.0])
