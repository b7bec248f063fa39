"""The smaller network: what is left, what was taken away, and that training it is training the full one."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn
from minigrad.thin import linears, segment, stage

from . import checks, plain
from .draws import networks


@given(networks() | networks(whole=True), st.booleans())
def test_the_small_network_says_the_same(case, training):
    checks.network_is_smaller(*case, training=training)


@given(networks(), st.integers(1, 4))
def test_training_the_thin_network_is_training_the_network(case, batch):
    checks.training_agrees(*case, batch=batch)


@given(networks(whole=True))
def test_training_agrees_in_degenerate_networks(case):
    checks.training_agrees(*case, far=0.0)  # elsewhere rounding chooses between pieces that are the same


@given(networks(widths=(1, 4), gates=("prelu", "clip", "maxout", "abs", "leaky", "dropout")))
def test_training_agrees_where_slopes_are_learned(case):
    checks.training_agrees(*case)


@given(
    networks(biases=True, widths=(1, 4), outputs=(1, 3), gates=("relu", "leaky", "prelu", "maxout", "clip"))
)
def test_only_idle_neurons_are_gone(case):
    assume(plain.flat(case[0]).count(("prelu", 0.0)) <= 1)  # behind two of them nothing can be felt, yet
    checks.only_idle_are_gone(*case)


def test_a_learned_slope_of_a_flat_piece_has_its_gradient():
    """The flat piece of clip goes through a PReLU of slope 0: the thin network needs a bias to learn from."""
    layers = [
        ("linear", np.array([[1.0]]), None),
        ("clip", -2.0, 2.0),
        ("prelu", 0.0),
        ("linear", np.eye(1), None),
    ]
    checks.training_agrees(layers, np.array([-5.0]), batch=1)


def test_a_leaky_neuron_below_0_stays_and_an_idle_one_goes():
    weight, x = np.array([[1.0], [-1.0]]), [2.0]
    kept = {
        gate: list(
            mg.thin(nn.Sequential(nn.Linear.of(weight), gate, nn.Linear.of([[1.0, 1.0]])), x).layers[0].kept
        )
        for gate in (nn.ReLU(), nn.LeakyReLU(0.01), nn.LeakyReLU(0), nn.PReLU(0.0), nn.PReLU(0.1))
    }
    assert list(kept.values()) == [[0], [0, 1], [0], [0, 1], [0, 1]]


def test_dead_layers_have_width_0_and_so_has_what_reaches_nothing():
    net = nn.Sequential(
        nn.Linear.of([[1.0], [2.0]]), nn.ReLU(),
        nn.Linear.of([[-1.0, -1.0]], [-1.0]), nn.ReLU(), nn.Linear.of([[3.0], [4.0]], [5.0, 6.0]),
    )  # fmt: skip
    thin = mg.thin(net, [1.0])
    assert [part.weight.shape for part in thin.network] == [(0, 1), (0, 0), (2, 0)]
    np.testing.assert_array_equal(thin.network([9.0]).data, [5.0, 6.0])
    assert (thin.kept, thin.total) == (0, 3)


def test_what_a_flat_clip_cuts_off_reaches_nothing():
    net = nn.Sequential(
        nn.Linear.of([[1.0], [2.0]]), nn.ReLU(), nn.Linear.of([[1.0, 1.0]]), plain.Apply(mg.clip, 0.0, 1.0),
        nn.Linear.of([[3.0]]),
    )  # fmt: skip
    thin = mg.thin(net, [1.0])
    assert [part.weight.shape for part in thin.network] == [(0, 1), (1, 0), (1, 1)]
    assert thin.network([1.0]).data == 3 and thin.weight == 0 and thin.bias == 3


def test_a_dropped_input_is_gone_from_the_small_network():
    layers = [("dropout", 0.5, "inverted", 3), ("linear", np.ones((2, 6)), None)]
    _, thin = checks.thin_of(layers, np.ones(6))
    stays = np.flatnonzero(plain.mask(0.5, "inverted", 3, 6, True))
    assert 0 < len(stays) < 6
    np.testing.assert_array_equal(thin.input.kept, stays)
    assert [part.weight.shape for part in thin.network] == [(len(stays), 6), (2, len(stays))]


def test_fixed_factors_and_shifts_go_into_the_small_network():
    rng = np.random.default_rng(4)
    first, last = (
        nn.Linear.of(rng.normal(size=(4, 3))),
        nn.Linear.of(rng.normal(size=(2, 4)), rng.normal(size=2)),
    )
    fixed = plain.Apply(lambda x: 3.0 - x / np.array([1.0, 2.0, 4.0, -2.0]))
    net = nn.Sequential(first, fixed, nn.ReLU(), plain.Apply(lambda x: 2 * x), last)
    x, cotangent = rng.normal(size=3), rng.normal(size=2)
    thin = mg.thin(net, x)
    output = thin.network(x)
    checks.close(output.data, net(x).data)
    net(x).backward(cotangent)
    output.backward(cotangent)
    placed = thin.scatter({name: p.grad for name, p in thin.network.named_parameters()})
    for name, parameter in net.named_parameters():
        checks.close(placed[name], parameter.grad)


def test_shared_and_frozen_parameters():
    """A Linear that is used twice gets both gradients; one that is frozen gets none."""
    rng = np.random.default_rng(0)
    shared, frozen = (
        nn.Linear.of(rng.normal(size=(3, 3)), rng.normal(size=3)),
        nn.Linear.of(rng.normal(size=(3, 3))),
    )
    frozen.weight.requires_grad = False
    net = nn.Sequential(shared, nn.LeakyReLU(), frozen, nn.ReLU(), shared)
    x, cotangent = rng.normal(size=3), rng.normal(size=3)
    thin = mg.thin(net, x)
    net(x).backward(cotangent)
    thin.network(x).backward(cotangent)
    placed = thin.scatter([p.grad for p in thin.network.parameters()])
    for (name, parameter), gradient in zip(net.named_parameters(), placed, strict=True):
        if name != "2.weight":
            checks.close(gradient, parameter.grad)


def test_the_thin_network_stays_as_it_was_when_the_network_is_trained():
    layers = [
        ("linear", np.ones((3, 2)), np.ones(3)),
        ("prelu", 0.25),
        ("linear", -np.ones((2, 3)), None),
        ("relu",),
    ]
    net, thin = checks.thin_of(layers, [1.0, -3.0])
    before = copy.deepcopy([thin.weight, thin.bias, thin.output, *(layer.output for layer in thin.layers)])
    cotangents = [np.ones(p.shape) for p in mg.thin(net, [1.0, -3.0]).network.parameters()]
    placed = checks.thin_of(layers, [1.0, -3.0])[1].scatter(cotangents)
    for parameter in net.parameters():
        parameter.data -= 7
    after = [thin.weight, thin.bias, thin.output, *(layer.output for layer in thin.layers)]
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(old, new)
    np.testing.assert_array_equal(thin.network([1.0, -3.0]).data, thin.output)
    for old, new in zip(placed, thin.scatter(cotangents), strict=True):
        np.testing.assert_array_equal(old, new)


SMALL = nn.Sequential(nn.Linear.of([[1.0, 2.0]], [0.5]), nn.ReLU(), nn.Linear.of([[3.0]]))


def test_scatter_takes_names_or_order_and_none_for_no_gradient():
    thin = mg.thin(SMALL, [1.0, 1.0])
    grads = [np.array([[1.0, 2.0]]), np.array([3.0]), None]
    names = ["0.weight", "0.bias", "1.weight"]
    assert [name for name, _ in thin.network.named_parameters()] == names
    placed = thin.scatter(dict(zip(names, grads, strict=True)))
    assert list(placed) == ["0.weight", "0.bias", "2.weight"]
    for one, other in zip(placed.values(), thin.scatter(iter(grads)), strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(placed["2.weight"], [[0.0]])
    assert placed["0.weight"].base is None and placed["0.weight"] is not grads[0]


@pytest.mark.parametrize(
    ("grads", "message"),
    [
        ([np.ones((1, 2))], "3 parameters, but 1 gradients"),
        (
            {"0.weight": np.ones((1, 2))},
            "given for 0.weight, but thin.network has 0.weight, 0.bias, 1.weight",
        ),
        ([np.ones((2, 1)), np.ones(1), np.ones((1, 1))], r"0.weight has shape \(2, 1\); it must be \(1, 2\)"),
    ],
)
def test_gradients_that_do_not_fit_are_refused(grads, message):
    with pytest.raises(ValueError, match=message):
        mg.thin(SMALL, [1.0, 1.0]).scatter(grads)


LEAKY = [("linear", np.array([[1.0], [-2.0]]), np.ones(2)), ("leaky", 0.1), ("linear", np.ones((1, 2)), None)]


def test_taking_a_leaky_neuron_for_idle_is_caught(monkeypatch):
    monkeypatch.setattr(stage.Stage, "passing", property(lambda self: self.active))
    with pytest.raises(AssertionError):
        checks.network_is_smaller(LEAKY, np.array([3.0]))
    with pytest.raises(AssertionError):
        checks.only_idle_are_gone(LEAKY, np.array([3.0]))


def test_keeping_an_idle_neuron_is_caught(monkeypatch):
    layers = [LEAKY[0], ("relu",), LEAKY[2]]
    monkeypatch.setattr(stage.Stage, "passing", property(lambda self: np.ones(len(self.rows), dtype=bool)))
    with pytest.raises(AssertionError):
        checks.only_idle_are_gone(layers, np.array([3.0]))


def test_forgetting_the_slope_when_putting_gradients_back_is_caught(monkeypatch):
    checks.training_agrees(LEAKY, np.array([3.0]))

    def gradients(self, by_weight, by_bias):
        return segment.to_leaves(self.segment.gradients(self.rows, self.reads, by_weight, by_bias))

    monkeypatch.setattr(linears.ThinLinear, "gradients", gradients)
    with pytest.raises(AssertionError):
        checks.training_agrees(LEAKY, np.array([3.0]))


@pytest.mark.parametrize("grads", [None, 1.0])
def test_what_is_no_collection_of_gradients_is_refused(grads):
    with pytest.raises(TypeError, match=r"scatter takes the gradients of thin\.network"):
        mg.thin(SMALL, [1.0, 1.0]).scatter(grads)
