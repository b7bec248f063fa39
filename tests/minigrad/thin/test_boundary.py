"""How far the region reaches and which gates change there, against exact arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given

import minigrad as mg
from minigrad import nn
from minigrad.rules import gates

from . import checks, plain
from .draws import networks


@given(networks())
def test_region_of_generic_networks(case):
    checks.region_is_right(*case)


@given(networks(whole=True))
def test_region_of_degenerate_networks(case):
    checks.region_is_right(*case)


@given(networks(twins=True, widths=(1, 6)))
def test_region_where_neurons_are_multiples_of_others(case):
    assume(not plain.decided_by_rounding(*case))
    checks.region_is_right(*case)


@given(networks(residual=True, widths=(1, 4)))
def test_region_with_residual_connections(case):
    checks.region_is_right(*case, numbered=False)


def identity_chain(depth: int, gate: nn.Module) -> nn.Sequential:
    """Layers that copy one number, each with a gate."""
    return nn.Sequential(*(part for _ in range(depth) for part in (nn.Linear.of([[1.0]]), gate)))


@pytest.mark.parametrize("gate", [nn.ReLU(), nn.LeakyReLU(0.0), nn.PReLU(0.0)])
@pytest.mark.parametrize("x", [2.0, -2.0, 1e-8, -1e8])
def test_stacked_identity_layers_flip_together_from_both_sides(gate, x):
    thin = mg.thin(identity_chain(4, gate), [x])
    assert thin.radius == abs(x) and thin.boundary == 0
    assert thin.next_flip == {(k, 0) for k in range(4)}


def test_a_gate_behind_one_that_turns_around_does_not_flip_with_it():
    net = nn.Sequential(plain.Apply(np.abs), nn.Linear.of([[1.0]]), nn.ReLU(), nn.Linear.of([[1.0]]))
    thin = mg.thin(net, [3.0])
    assert (thin.radius, thin.next_flip) == (3.0, {(-1, 0)})


@pytest.mark.parametrize("x", [[1.0, 2.0], [-1.0, -2.0]])
def test_equal_neurons_flip_together(x):
    weight = np.array([[0.3, 0.7], [5.0, 5.0], [0.3, 0.7], [-0.6, -1.4]])
    thin = mg.thin(nn.Sequential(nn.Linear.of(weight, [0.0, 50.0, 0.0, 0.0]), nn.ReLU()), x)
    assert thin.next_flip == {(0, 0), (0, 2), (0, 3)}
    np.testing.assert_allclose(thin.radius, abs(weight[0] @ x) / np.hypot(0.3, 0.7))


@pytest.mark.parametrize("gate", [nn.Maxout(3), plain.Apply(lambda x: np.max(x, keepdims=True))])
def test_maxout_s_third_piece_may_be_nearer_than_the_runner_up(gate):
    net = nn.Sequential(nn.Linear.of([[0.0], [0.01], [10.0]], [1.0, 0.9, 0.0]), gate)
    thin = mg.thin(net, [0.0])
    np.testing.assert_allclose(thin.radius, 0.1)
    np.testing.assert_allclose(thin.boundary, [0.1])
    assert len(thin.next_flip) == 1 and thin.weight == 0 and thin.output == 1


@pytest.mark.parametrize(
    ("x", "radius", "weight"),
    [(-3.0, 2.0, 0), (-0.9, 0.1, 1), (0.5, 0.5, 1), (1.25, 0.25, 0), (-1.0, 0.0, 1), (1.0, 0.0, 1)],
)
def test_both_bounds_of_clip(x, radius, weight):
    thin = mg.thin(nn.Sequential(plain.Apply(mg.clip, -1.0, 1.0)), [x])
    np.testing.assert_allclose(thin.radius, radius, rtol=1e-14)
    assert thin.weight == weight and thin.tie == (radius == 0) and thin.next_flip == {(-1, 0)}


@pytest.mark.parametrize(
    ("low", "high", "radius", "flips"),
    [(None, 1.0, 0.75, {(-1, 0)}), (-1.0, None, 0.5, {(-1, 1)}), (None, None, np.inf, set())],
)
def test_a_missing_bound_can_t_be_reached(low, high, radius, flips):
    thin = mg.thin(nn.Sequential(plain.Apply(mg.clip, low, high)), [0.25, -0.5])
    assert (thin.radius, thin.next_flip) == (radius, flips)


TIES = {
    "ReLU": (nn.ReLU(), 0.0), "LeakyReLU": (nn.LeakyReLU(0.1), 0.1), "PReLU": (nn.PReLU(0.5), 0.5),
    "abs": (plain.Apply(np.abs), 0.0), "maximum": (plain.Apply(mg.maximum, 0.0), 0.5),
    "minimum": (plain.Apply(mg.minimum, 0.0), 0.5), "clip": (plain.Apply(mg.clip, 0.0, 9.0), 1.0),
}  # fmt: skip


@pytest.mark.parametrize("name", TIES)
def test_at_a_tie_the_radius_is_0_and_the_slope_is_the_gradient(name):
    gate, slope = TIES[name]
    net = nn.Sequential(nn.Linear.of([[2.0, -1.0], [1.0, 1.0]]), gate)
    thin = mg.thin(net, [1.0, 2.0])
    assert (thin.radius, thin.tie, thin.next_flip) == (0, True, {(0, 0)})
    np.testing.assert_array_equal(thin.boundary, [1.0, 2.0])
    np.testing.assert_allclose(thin.weight[0], np.multiply(slope, [2.0, -1.0]), rtol=1e-7)
    leaf = mg.tensor([1.0, 2.0], requires_grad=True)
    net(leaf)[0].backward()
    np.testing.assert_array_equal(thin.weight[0], leaf.grad)


def test_at_a_tie_of_maxout_the_first_piece_wins():
    net = nn.Sequential(nn.Linear.of([[1.0], [-1.0], [3.0]], [0.0, 2.0, -2.0]), nn.Maxout(3))
    thin = mg.thin(net, [1.0])
    assert (thin.radius, thin.next_flip, thin.weight[0, 0]) == (0, {(0, 0)}, 1)


def test_every_gate_at_the_tie_is_named_and_none_that_stands_still():
    weight = [[1.0, 0.0], [0.0, 1.0], [0.0, 0.0], [1.0, 1.0]]
    net = nn.Sequential(
        nn.Linear.of(weight, [0.0, 0.0, 0.0, 1.0]), nn.ReLU(), nn.Linear(4, 3, dtype=float), nn.ReLU()
    )
    thin = mg.thin(net, [0.0, 0.0])
    assert {flip for flip in thin.next_flip if flip[0] == 0} == {(0, 0), (0, 1)}


@pytest.mark.parametrize(
    "net",
    [
        nn.Sequential(nn.Linear.of([[0.0, 0.0]], [1.0]), nn.ReLU()),
        nn.Sequential(nn.Linear.of([[0.0, 0.0]], [0.0]), nn.ReLU()),
        nn.Sequential(nn.Linear.of([[0.0, 0.0]], [-1.0]), nn.ReLU(), nn.Linear.of([[3.0]]), nn.ReLU()),
        nn.Sequential(nn.Linear.of([[1.0, 2.0], [1.0, 2.0]], [1.0, 0.0]), nn.Maxout(2)),
        nn.Sequential(nn.Linear.of([[1.0, 2.0], [1.0, 2.0]]), nn.Maxout(2)),
        nn.Sequential(nn.Linear(2, 0), nn.ReLU(), nn.Linear(0, 3)),
        nn.Sequential(nn.Linear(2, 3)),
        nn.Sequential(nn.Dropout(0.5), nn.Linear(2, 3), nn.Dropout(0.5)),
        nn.Sequential(),
        nn.Identity(),
    ],
)
def test_where_no_boundary_can_be_reached(net):
    thin = mg.thin(net, [1.0, 1.0])
    assert (thin.radius, thin.boundary, thin.next_flip, thin.tie) == (np.inf, None, frozenset(), False)


def test_dead_layers_are_woken_by_what_is_before_them():
    layers = [
        ("linear", np.array([[1.0], [-1.0]]), np.array([-1.0, -1.0])), ("relu",),
        ("linear", np.array([[1.0, 1.0], [1.0, 2.0]]), None), ("relu",), ("linear", np.ones((1, 2)), None),
    ]  # fmt: skip
    checks.region_is_right(layers, np.array([0.5]))
    _, thin = checks.thin_of(layers, [0.5])
    assert thin.next_flip == {(0, 0), (1, 0), (1, 1)} and thin.radius == 0.5


def test_boundaries_that_rounding_alone_makes_are_none():
    """Ten copies of one neuron cancel; what is left of them is rounding, and so are its slopes."""
    rng = np.random.default_rng(0)
    weight = np.tile(rng.normal(size=(1, 5)), (10, 1))
    cancel = rng.normal(size=(40, 10))
    cancel -= cancel.mean(axis=1, keepdims=True)
    net = nn.Sequential(nn.Linear.of(weight), nn.LeakyReLU(), nn.Linear.of(cancel), nn.Maxout(2), nn.ReLU())
    x = rng.normal(size=5)
    thin = mg.thin(net, x)
    np.testing.assert_allclose(thin.radius, abs(weight[0] @ x) / np.linalg.norm(weight[0]))
    assert {k for k, _ in thin.next_flip} == {0}


def test_a_boundary_near_the_nearest_does_not_blur_it():
    net = nn.Sequential(
        nn.Linear.of([[1.0], [1.0]], [-1.0, -1.0 - 1e-9]), nn.ReLU(), nn.Linear.of([[1.0, 1.0]])
    )
    assert mg.thin(net, [0.0]).next_flip == {(0, 0)}
    assert mg.thin(net, [2.0]).next_flip == {(0, 1)}


@pytest.mark.parametrize("scale", [1e-30, 1e-6, 1.0, 1e6, 1e25])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_flips_do_not_depend_on_the_unit_of_measurement(scale, dtype):
    rng = np.random.default_rng(1)
    layers = []
    for n, m in ((3, 6), (6, 6), (6, 2)):
        layers += [("linear", rng.normal(size=(m, n)), scale * rng.normal(size=m)), ("relu",)]
    x = rng.normal(size=3)
    expected = {checks.thin_of(layers, scale * x)[1].next_flip}
    assert expected == {mg.thin(plain.build(layers, dtype), (scale * x).astype(dtype)).next_flip}
    assert all(expected)


def test_some_gate_is_named_even_where_rounding_hides_the_change():
    mg.manual_seed(0)
    layers = [part for _ in range(150) for part in (nn.Linear(32, 32), nn.LeakyReLU())]
    thin = mg.thin(nn.Sequential(*layers), np.random.default_rng(0).normal(size=32).astype(np.float32))
    assert 0 < thin.radius < np.inf and thin.next_flip


CASE = [("linear", np.array([[0.0], [0.01], [10.0]]), np.array([1.0, 0.9, 0.0])), ("maxout", (3,))]


def test_margins_to_the_runner_up_alone_are_caught(monkeypatch):
    checks.region_is_right(CASE, np.array([0.0]))
    whole = gates.group_maxout.margins
    monkeypatch.setattr(
        gates.group_maxout, "margins", lambda *args, groups: whole(*args, groups=groups)[..., :2]
    )
    with pytest.raises(AssertionError):
        checks.region_is_right(CASE, np.array([0.0]))


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_a_wrong_margin_is_caught(monkeypatch, factor):
    layers, x = [("linear", np.eye(2), np.ones(2)), ("relu",)], np.array([1.0, 2.0])
    checks.region_is_right(layers, x)
    monkeypatch.setattr(
        gates.relu, "margins", lambda pattern, x: factor * x[..., None] + (factor - 1) * 0.1 * (x.ndim == 1)
    )
    with pytest.raises(AssertionError):
        checks.region_is_right(layers, x)


def test_a_wrong_pattern_is_caught(monkeypatch):
    layers, x = (
        [("linear", np.eye(1), None), ("relu",), ("linear", np.eye(1), None), ("relu",)],
        np.array([1.0]),
    )
    checks.region_is_right(layers, x)
    monkeypatch.setattr(gates.relu, "pattern", lambda x: x > -1)
    with pytest.raises(AssertionError):
        checks.region_is_right(layers, x)
