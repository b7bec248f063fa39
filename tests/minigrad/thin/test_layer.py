"""What a layer looks like for one input."""

from __future__ import annotations

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn

from . import checks, plain
from .draws import networks


@given(networks(biases=True), st.booleans())
def test_layers_hold_what_the_oracle_computes(case, training):
    layers, x = case
    _, thin = checks.thin_of(layers, x, training)
    groups = plain.stages(layers)
    assert len(thin.layers) == len(groups) - 2
    flat = [layer for group in groups for layer in group]
    for k, layer in enumerate(thin.layers):
        before = sum(len(group) for group in groups[: k + 1]) + 1
        after = before + len(groups[k + 1]) - 1
        checks.close(layer.preactivation, plain.run(flat[:before], x, training).value)
        checks.close(layer.output, plain.run(flat[:after], x, training).value)
        assert (
            len(
                {len(part) for part in (layer.output, layer.active, layer.dropped, layer.slope, layer.margin)}
            )
            == 1
        )
        assert layer.total == len(layer.preactivation)
        assert set(layer.kept) <= set(range(layer.total))


@given(networks(biases=True, gates=("relu", "leaky", "abs", "clip", "prelu")))
def test_margins_are_the_distances_of_each_neuron_s_own_boundaries(case):
    layers, x = case
    expected = plain.run(layers, x)
    assume(len({gate.layer for gate in expected.gates}) == len(expected.gates))
    _, thin = checks.thin_of(layers, x)
    for gate in expected.gates:
        for margin, deltas, slopes in zip(
            thin.layers[gate.layer].margin, gate.margins, gate.slopes, strict=True
        ):
            far = [
                abs(d) / np.linalg.norm(s) if s.any() else np.inf for d, s in zip(deltas, slopes, strict=True)
            ]
            np.testing.assert_allclose(margin, min(far), rtol=1e-9)


def test_relu_and_dropout():
    seed = 1
    mask = plain.mask(0.5, "inverted", seed, 4, True)
    assert set(mask) == {0, 2} and mask[1] == 2
    first = ("linear", np.array([[1.0], [1.0], [-1.0], [1.0]]), np.zeros(4))
    layers = [first, ("relu",), ("dropout", 0.5, "inverted", seed), ("linear", np.ones((1, 4)), None)]
    _, thin = checks.thin_of(layers, [3.0])
    layer = thin.layers[0]
    assert (layer.name, layer.kind, layer.winners, layer.groups, layer.total) == ("1", "ReLU", None, None, 4)
    np.testing.assert_array_equal(layer.active, [True, True, False, True])
    np.testing.assert_array_equal(layer.dropped, mask == 0)
    np.testing.assert_array_equal(layer.slope, mask * [1, 1, 0, 1])
    np.testing.assert_array_equal(layer.kept, np.flatnonzero(mask * [1, 1, 0, 1]))
    np.testing.assert_array_equal(layer.margin, [3, 3, 3, 3])


def test_maxout_of_ragged_groups():
    weight = np.array([[5.0], [7.0], [-1.0], [1.0], [0.0], [2.0]])
    thin = mg.thin(
        nn.Sequential(nn.Linear.of(weight), nn.Maxout([2, 3, 1]), nn.Linear.of(np.ones((1, 3)))), [1.0]
    )
    layer = thin.layers[0]
    assert (layer.kind, layer.groups, layer.total) == ("Maxout", (2, 3, 1), 6)
    np.testing.assert_array_equal(layer.winners, [1, 1, 0])
    np.testing.assert_array_equal(layer.kept, [1, 3, 5])
    np.testing.assert_array_equal(layer.output, [7, 1, 2])
    np.testing.assert_allclose(layer.margin, [1, 1, np.inf])
    assert layer.active.all()


def test_maxout_of_maxouts_counts_the_pieces_of_all():
    net = nn.Sequential(
        nn.Linear.of(np.arange(8.0)[:, None]), nn.Maxout(2), nn.Maxout(2), nn.Linear.of(np.ones((1, 2)))
    )
    layer = mg.thin(net, [1.0]).layers[0]
    assert layer.groups == (4, 4)
    np.testing.assert_array_equal(layer.winners, [3, 3])
    np.testing.assert_array_equal(layer.kept, [3, 7])


def test_names_of_layers():
    block = nn.Sequential(nn.Linear(3, 3), nn.LeakyReLU())
    thin = mg.thin(
        nn.Sequential(nn.Dropout(0.2), nn.Linear(3, 3), block, nn.Linear(3, 2), nn.PReLU()), np.ones(3)
    )
    assert [(layer.name, layer.kind) for layer in (thin.input, *thin.layers)] == [
        ("0", "Dropout"), ("1", "Linear"), ("2.1", "LeakyReLU"), ("4", "PReLU"),
    ]  # fmt: skip
    assert mg.thin(block, np.ones(3)).input.kind == "Input"


def test_a_gate_behind_a_sum_is_a_layer():
    net = nn.Sequential(nn.Residual(nn.Linear(2, 2, dtype=float)), nn.ReLU(), nn.Linear(2, 1, dtype=float))
    thin = mg.thin(net, [1.0, -1.0])
    (layer,) = thin.layers
    assert layer.kind == "ReLU"
    np.testing.assert_array_equal(layer.output, net[:2](np.array([1.0, -1.0])).data)
    np.testing.assert_array_equal(layer.active, layer.output > 0)
    checks.close(thin.network[0].weight.data, (np.eye(2) + net[0][0].weight.data)[layer.kept])
