"""The thin linear network as users meet it: the lecture's examples, what it leaves alone, what it refuses."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn

from . import checks, plain
from .draws import networks


def test_the_lecture_s_maxout_picks_7_and_1():
    net = nn.Sequential(nn.Linear.of([[5.0], [7.0], [-1.0], [1.0]]), nn.Maxout(2), nn.Linear.of(np.eye(2)))
    thin = mg.thin(net, [1.0])
    layer = thin.layers[0]
    np.testing.assert_array_equal(layer.preactivation, [5, 7, -1, 1])
    np.testing.assert_array_equal(layer.output, [7, 1])
    np.testing.assert_array_equal(layer.kept, [1, 3])
    np.testing.assert_array_equal(thin.network[0].weight.data, [[7.0], [1.0]])


@given(networks(biases=True, widths=(1, 5), gates=("relu",), outputs=(1, 3)))
def test_maxout_with_a_second_piece_of_0_is_relu(case):
    layers, x = case
    twofold = []
    for kind, *numbers in plain.flat(layers):
        if kind == "relu":
            _, weight, bias = twofold.pop()
            pairs = np.stack([weight, 0 * weight], 1).reshape(-1, weight.shape[1])
            twofold += [
                ("linear", pairs, np.stack([bias, 0 * bias], 1).ravel()),
                ("maxout", (2,) * len(bias)),
            ]
        elif kind != "sequential":
            twofold.append((kind, *numbers))
    relu, maxout = checks.thin_of(layers, x)[1], checks.thin_of(twofold, x)[1]
    checks.close(maxout.output, relu.output)
    checks.close(maxout.weight, relu.weight)
    checks.close(maxout.bias, relu.bias)
    np.testing.assert_allclose(maxout.radius, relu.radius, rtol=1e-9)
    assert maxout.next_flip == relu.next_flip


@pytest.mark.parametrize("k", [1, 2, 3, 5, 10, 100])
def test_k_tangents_to_the_parabola_are_wrong_by_1_over_k_squared(k):
    """Tangents to x² at a: 2a·x − a². The error is largest where two neighbours meet, and at ±1."""
    at = -1 + (2 * np.arange(1, k + 1) - 1) / k
    net = nn.Sequential(nn.Linear.of(2 * at[:, None], -(at**2)), nn.Maxout(k))
    meets = -1 + 2 * np.arange(k + 1) / k
    grid = np.concatenate([meets, np.linspace(-1, 1, 4001)])
    error = np.abs(net(grid[:, None]).data[:, 0] - grid**2)
    np.testing.assert_allclose(error.max(), 1 / k**2, rtol=1e-9, atol=1e-15)
    middle = mg.thin(net, [at[k // 2]])
    np.testing.assert_allclose(middle.radius, 1 / k if k > 1 else np.inf, rtol=1e-9)
    np.testing.assert_allclose(middle.weight, [[2 * at[k // 2]]], atol=1e-15)


@given(networks(biases=True, widths=(2, 5), gates=("relu", "maxout"), outputs=(1, 3)))
def test_another_input_has_another_thin_network_and_they_meet_at_the_boundary(case):
    layers, x = case
    _, here = checks.thin_of(layers, x)
    assume(1e-3 < here.radius < np.inf)
    _, there = checks.thin_of(layers, x + (1 + 1e-6) * (here.boundary - x))
    assert there.next_flip == here.next_flip
    np.testing.assert_allclose(there.boundary, here.boundary, atol=1e-9)
    checks.close(there.weight @ here.boundary + there.bias, here.weight @ here.boundary + here.bias, 1e-9)


@given(networks(), st.booleans(), st.sampled_from(["list", "tensor", "array", "leaf", "no_grad"]))
def test_the_network_and_the_input_are_left_as_they_were(case, training, given_as):
    layers, x = case
    net = plain.seed_masks(plain.build(layers), layers).train(training)
    parameters = net.parameters()
    for k, parameter in enumerate(parameters):
        parameter.grad = np.full(parameter.shape, float(k))
    state = net.state_dict()
    mg.manual_seed(7)
    forms = {"list": list(x), "array": x, "tensor": mg.tensor(x), "no_grad": x}
    leaf = mg.tensor(x, requires_grad=True)
    if given_as == "no_grad":
        with mg.no_grad():
            thin = mg.thin(net, x)
            thin.network.state_dict()
    else:
        thin = mg.thin(net, leaf if given_as == "leaf" else forms[given_as])
    np.testing.assert_array_equal(thin.x, x)
    assert thin.x is not x and leaf.grad is None
    assert all(module.training is training for module in net.modules())
    for k, (name, parameter) in enumerate(net.named_parameters()):
        assert (parameter.grad == k).all() and parameter.requires_grad
        np.testing.assert_array_equal(parameter.data, state[name])
    once = plain.seed_masks(plain.build(layers), layers).train(training)
    once(x)
    for ours, theirs in zip(net.modules(), once.modules(), strict=True):
        if isinstance(ours, nn.Dropout):
            assert ours.rng.bit_generator.state == theirs.rng.bit_generator.state
    checks.close(thin.output, plain.run(layers, x, training).value)


def test_masks_are_drawn_once_from_the_library_s_generator():
    net = nn.Sequential(nn.Linear.of(np.eye(50)), nn.Dropout(0.5))
    mg.manual_seed(0)
    output, after = net(np.ones(50)).data, np.random.default_rng(0)
    after.random(50)
    mg.manual_seed(0)
    thin = mg.thin(net, np.ones(50))
    np.testing.assert_array_equal(thin.output, output)
    np.testing.assert_array_equal(thin.layers[0].dropped, output == 0)
    np.testing.assert_array_equal(net(np.ones(50)).data, 2.0 * (after.random(50) >= 0.5))


@pytest.mark.parametrize(
    "x", [[1, 2], (1, 2), np.array([1, 2], dtype=np.int8), mg.tensor([1, 2]), [True, True]]
)
def test_whole_numbers_become_floats_of_the_network_s_kind(x):
    for dtype in (np.float32, np.float64):
        thin = mg.thin(nn.Sequential(nn.Linear(2, 3, dtype=dtype), nn.ReLU()), x)
        assert thin.x.dtype == thin.weight.dtype == thin.output.dtype == dtype
    assert mg.thin(nn.ReLU(), x).x.dtype == np.float64


def test_any_module_and_the_smallest_networks():
    for net in (
        nn.Linear(2, 2),
        nn.ReLU(),
        nn.Maxout(2),
        nn.Sequential(),
        nn.Identity(),
        nn.Residual(nn.Linear(2, 2)),
    ):
        thin = mg.thin(net, [1.0, -2.0])
        checks.close(thin.weight @ thin.x + thin.bias, net(np.array([1.0, -2.0])).data, 1e-6)
        assert "Thin linear network: 2 inputs" in str(thin)
    nothing = mg.thin(nn.Sequential(nn.Linear(0, 2), nn.ReLU(), nn.Linear(2, 0)), [])
    assert nothing.weight.shape == (0, 0) and nothing.radius == np.inf


NET = nn.Sequential(nn.Linear(3, 2, dtype=float), nn.ReLU())


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (np.ones((1, 3)), ValueError, r"one input, but got a batch of shape \(1, 3\).*x\[0\].*thin_batch"),
        (np.ones((5, 3)), ValueError, r"one input, but got a batch of shape \(5, 3\).*x\[0\].*thin_batch"),
        (np.ones((5, 4)), ValueError, r"Linear\(3, 2\) got \(1, 5, 4\); its last axis must be 3"),
        (1.0, ValueError, r"one input, a vector or an image, but got shape \(\)"),
        (np.array([[1.0, np.nan, 2.0]]), ValueError, "not finite: entry 1 is nan"),
        (np.ones(4), ValueError, r"Linear\(3, 2\) got \(4,\); its last axis must be 3"),
        ([1.0, np.nan, 2.0], ValueError, "not finite: entry 1 is nan"),
        ([1.0, 2.0, -np.inf], ValueError, "not finite: entry 2 is -inf"),
        ("123", TypeError, "an array of numbers, but got dtype <U3"),
        (["a", "b", "c"], TypeError, "an array of numbers, but got dtype <U1"),
        ([1j, 2, 3], TypeError, "an array of numbers, but got dtype complex128"),
        (None, TypeError, "an array of numbers, but got dtype object"),
        ([[1.0], [2.0, 3.0]], ValueError, "one input, an array of numbers"),
    ],
)
def test_inputs_that_are_refused(x, error, message):
    with pytest.raises(error, match=message):
        mg.thin(NET, x)


@pytest.mark.parametrize("net", [np.maximum, lambda x: x, [nn.ReLU()], None, nn.ReLU])
def test_what_is_no_network_is_refused(net):
    with pytest.raises(TypeError, match="thin takes a network"):
        mg.thin(net, [1.0])


@pytest.mark.parametrize("shape", [(), (1, 3), (3, 1)])
def test_outputs_that_are_no_vector_are_refused(shape):
    reshape = (lambda x: np.sum(x)) if shape == () else (lambda x: np.reshape(x, shape))
    with pytest.raises(ValueError, match=rf"gives a vector, but it gives shape {re.escape(str(shape))}"):
        mg.thin(plain.Apply(reshape), np.ones(3))


@pytest.mark.parametrize("result", [np.ones(2), None, (1, 2)])
def test_networks_that_give_no_tensor_are_refused(result):
    with pytest.raises(TypeError, match=f"returned a {type(result).__name__}"):
        mg.thin(plain.Apply(lambda x: result), np.ones(3))


@pytest.mark.parametrize("weight", [np.nan, np.inf, 1e200])
def test_networks_that_are_not_finite_are_refused(weight):
    net = nn.Sequential(nn.Linear.of([[weight]]), nn.ReLU(), nn.Linear.of([[weight]]))
    with pytest.raises(ValueError, match="not finite"):
        mg.thin(net, [1.0])


def test_the_summary_says_what_is_left():
    net = nn.Sequential(
        nn.Linear.of([[1.0], [-1.0], [2.0]], [0.0, 0.0, -8.0]), nn.ReLU(), nn.Linear.of(np.ones((4, 3))),
        nn.Maxout(2), nn.Linear.of(np.ones((1, 2))),
    )  # fmt: skip
    assert str(mg.thin(net, [1.0])).splitlines() == [
        "Thin linear network: 1 inputs, 1 outputs, 3 of 7 hidden units left",
        "layer  kind    left  of  inactive  dropped  nearest boundary",
        "1      ReLU    1     3   2         0        1",
        "3      Maxout  2     4   0         0        inf",
        "max|W x + b − net(x)| = 0",
        "radius 1; next to change: ReLU 1 neuron 0, ReLU 1 neuron 1",
    ]


def test_the_summary_of_ties_inputs_and_many_flips():
    net = nn.Sequential(nn.ReLU(), nn.Linear.of(np.eye(9)))
    lines = str(mg.thin(net, np.zeros(9))).splitlines()
    assert lines[-1].startswith(
        "radius 0 (a tie: the input is on a boundary); next to change: ReLU 0 neuron 0, "
    )
    assert lines[-1].endswith("ReLU 0 neuron 5, 3 more")
    assert lines[2].split() == ["0", "ReLU", "0", "9", "9", "0", "0"]
    assert str(mg.thin(nn.Linear(2, 2), [1.0, 1.0])).endswith(
        "radius inf; next to change: none can be reached"
    )


def test_printing_shows_neither_weights_by_the_page_nor_what_is_private():
    assert "_linears" not in repr(mg.thin(NET, np.ones(3)))


def test_its_name_is_one_short_line():
    thin = mg.thin(nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)), np.ones(64))
    assert repr(thin).startswith("ThinNetwork(64 → 10, ") and len(repr(thin)) < 80
