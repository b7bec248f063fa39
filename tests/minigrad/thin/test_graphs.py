"""Any piecewise-linear network: what is read off its graph against backward, values and differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn
from minigrad.thin import linears, reach, segment

from .checks import close
from .parts import Apply, any_networks

VECTORS = any_networks()
IMAGES = any_networks(image=True)


def run(net: nn.Module, x: Any) -> mg.Tensor:
    """The network's vector for one input."""
    output = net(x if np.ndim(x) == 1 else x[None])
    return output if np.ndim(x) == 1 else output[0]


def is_right(net: nn.Module, x: Any) -> mg.ThinNetwork:
    """Output, slope and constant, and the smaller network's: as the full network and backward have them."""
    thin = mg.thin(net, x)
    expected = run(net, x).data
    close(thin.output, expected)
    close(thin.weight @ x.ravel() + thin.bias, expected)
    close(thin.network(x.ravel()).data, expected)
    assert all(type(part) is nn.Linear for part in thin.network)
    for row, unit in zip(thin.weight, np.eye(len(expected)), strict=True):
        leaf = mg.tensor(x, requires_grad=True)
        output = run(net, leaf)
        if output.requires_grad:
            output.backward(unit)
        close(row, np.zeros(x.size) if leaf.grad is None else leaf.grad.ravel(), 1e-12)
    close(thin.network(np.zeros(x.size)).data, thin.bias)
    return thin


def training_agrees(net: nn.Module, x: Any, generic: bool = True) -> None:
    """
    Gradients of the smaller network, put back, are the full one's; and where those are 0, exactly 0.

    For a batch within the region; at the input alone, and to rounding, where numbers cancel by chance.
    """
    thin = mg.thin(net, x)
    rng = np.random.default_rng(0)
    far, batch = (0.9, 2) if generic else (0.0, 1)
    moves = rng.uniform(-1, 1, size=(batch, *x.shape)) / np.sqrt(x.size)
    inputs = x + far * min(thin.radius, 10.0) * moves
    cotangents = rng.normal(size=(batch, len(thin.output)))
    net.zero_grad()
    for point, cotangent in zip(inputs, cotangents, strict=True):
        output = run(net, point)
        if output.requires_grad:
            output.backward(cotangent)
    thin.network(inputs.reshape(batch, -1)).backward(cotangents)
    placed = thin.scatter({name: p.grad for name, p in thin.network.named_parameters()})
    for name, parameter in net.named_parameters():
        gradient = np.zeros(parameter.shape) if parameter.grad is None else parameter.grad
        close(placed[name], gradient, 1e-10)
        assert not (generic and placed[name][gradient == 0].any()), name


def nothing_is_left_over(thin: mg.ThinNetwork) -> None:
    """Every unit that is kept is read by something; generic weights hide nothing."""
    for part in list(thin.network)[1:] if thin.layered else []:
        assert part.weight.data.any(axis=0).all()


def holds_within_the_radius(net: nn.Module, x: Any) -> None:
    """The map holds everywhere within the radius; just past it something changes."""
    thin = mg.thin(net, x)
    rng = np.random.default_rng(1)
    for move in rng.normal(size=(5, *x.shape)):
        there = x + 0.999 * min(thin.radius, 10.0) * move / np.linalg.norm(move)
        close(thin.weight @ there.ravel() + thin.bias, run(net, there).data, 1e-9)
    if thin.boundary is not None and not thin.tie:
        assert thin.boundary.shape == x.shape and thin.next_flip
        further = mg.thin(net, x + (1 + 1e-6) * (thin.boundary - x))
        changed = {
            (k - 1, int(j))
            for k, (here, there) in enumerate(
                zip((thin.input, *thin.layers), (further.input, *further.layers), strict=True)
            )
            for j in np.flatnonzero(_pieces(here) != _pieces(there))
        }
        assert changed <= set(thin.next_flip)


def _pieces(layer: mg.ThinLayer) -> Any:
    return layer.slope if layer.winners is None else layer.winners + 0.0


@given(VECTORS)
def test_any_network_of_vectors(case: Any) -> None:
    net, x = case
    nothing_is_left_over(is_right(net, x))


@given(IMAGES)
def test_any_network_of_images(case: Any) -> None:
    net, x = case
    is_right(net, x)


@given(any_networks(whole=True) | any_networks(whole=True, image=True))
def test_degenerate_networks(case: Any) -> None:
    is_right(*case)


@given(VECTORS)
def test_training_the_smaller_network_is_training_the_network(case: Any) -> None:
    training_agrees(*case)


@given(IMAGES)
def test_training_the_smaller_network_is_training_the_network_of_images(case: Any) -> None:
    training_agrees(*case)


@given(any_networks(whole=True) | any_networks(whole=True, image=True))
def test_training_agrees_in_degenerate_networks(case: Any) -> None:
    training_agrees(*case, generic=False)


@given(VECTORS | IMAGES)
def test_the_region_is_where_the_map_holds(case: Any) -> None:
    holds_within_the_radius(*case)


def conv_net(bias: bool = True) -> nn.Sequential:
    """Two convolutions, a pooling, a Linear."""
    return nn.Sequential(
        nn.Conv2d(1, 3, 3, bias=bias, dtype=float), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(3, 2, 2, bias=bias, dtype=float), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2, dtype=float),
    )  # fmt: skip


def test_a_layer_for_each_gate_and_its_winners() -> None:
    mg.manual_seed(0)
    net, x = conv_net(), np.random.default_rng(0).normal(size=(1, 8, 8))
    thin = mg.thin(net, x)
    assert [(layer.name, layer.kind) for layer in thin.layers] == [
        ("1", "ReLU"), ("2", "MaxPool2d"), ("4", "ReLU"),
    ]  # fmt: skip
    relu, pool, last = thin.layers
    images = net[:2](x[None]).data[0]
    np.testing.assert_array_equal(relu.output, images.ravel())
    np.testing.assert_array_equal(relu.active, images.ravel() > 0)
    blocks = images.reshape(3, 3, 2, 3, 2).swapaxes(2, 3).reshape(27, 4)
    np.testing.assert_array_equal(pool.winners, blocks.argmax(axis=1))
    np.testing.assert_array_equal(pool.output, blocks.max(axis=1))
    assert pool.groups == (4,) * 27 and pool.total == 108
    assert set(last.kept) == set(np.flatnonzero(net[:5](x[None]).data))
    won = np.zeros((27, 4), dtype=bool)
    won[np.arange(27), pool.winners] = True
    spread = won.reshape(3, 3, 3, 2, 2).swapaxes(2, 3).reshape(-1)
    used = relu.active & spread  # what loses in its window reaches nothing
    assert set(relu.kept) <= set(np.flatnonzero(used))
    shapes = [part.weight.shape for part in thin.network]
    kept = [len(layer.kept) for layer in thin.layers]
    assert shapes == [(kept[0], 64), (kept[1], kept[0]), (kept[2], kept[1]), (2, kept[2])]


def test_a_batch_norm_goes_into_the_weights() -> None:
    norm = nn.BatchNorm.of([1.0, 2.0], [4.0, 0.25], [3.0, -1.0], [0.5, 0.0], eps=1e-9)
    net = nn.Sequential(
        nn.Linear.of(np.eye(2), [1.0, 1.0]), norm, nn.ReLU(), nn.Linear.of([[1.0, 1.0]])
    ).eval()
    thin = mg.thin(net, [4.0, -4.0])
    assert [layer.kind for layer in thin.layers] == ["ReLU"]
    close(thin.network[0].weight.data, [[1.5, 0.0], [0.0, -2.0]], 1e-8)
    close(thin.network[0].bias.data, [0.5, 2.0], 1e-8)
    training_agrees(net, np.array([4.0, -4.0]))


def test_a_residual_carries_what_is_read_later() -> None:
    block = nn.Residual(nn.Linear.of([[1.0, 0.0], [0.0, -1.0]]), nn.ReLU(), nn.Linear.of(np.ones((2, 2))))
    thin = mg.thin(nn.Sequential(block, nn.Linear.of([[1.0, 2.0]])), [3.0, 5.0])
    assert not thin.layered
    assert [part.weight.data.tolist() for part in thin.network] == [
        [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]],  # the open unit, and the two inputs, carried along
        [[3.0, 1.0, 2.0]],
    ]


def test_a_weight_that_is_0_is_trained_and_one_that_is_fixed_is_not() -> None:
    net = nn.Sequential(nn.Linear.of(np.eye(2)), nn.ReLU(), nn.Linear.of([[1.0, 0.0]]))
    x = np.array([1.0, 2.0])
    np.testing.assert_array_equal(mg.thin(net, x).layers[0].kept, [0, 1])
    training_agrees(net, x)
    net[2].weight.requires_grad = False
    np.testing.assert_array_equal(mg.thin(net, x).layers[0].kept, [0])
    assert mg.thin(net, x).layers[0].active.all()
    training_agrees(net, x)


def test_a_weight_of_0_that_a_constant_enters_is_trained() -> None:
    for fixed in (lambda x: np.where([False], x, 0.2), lambda x: mg.relu(x) - 0.3):
        training_agrees(nn.Sequential(Apply(fixed), nn.Linear.of([[0.0]])), np.array([0.0]), generic=False)


def test_units_that_feed_idle_units_alone_are_gone() -> None:
    net = nn.Sequential(
        nn.Linear.of(np.eye(2)), nn.ReLU(), nn.Linear.of([[1.0, 1.0]], [-9.0]), nn.ReLU(),
        nn.Linear.of([[1.0]], [2.0]),
    )  # fmt: skip
    thin = mg.thin(net, [1.0, 2.0])
    assert [part.weight.shape for part in thin.network] == [(0, 2), (0, 0), (1, 0)]
    training_agrees(net, np.array([1.0, 2.0]))


@given(st.integers(0, 99), st.integers(1, 3))
def test_grafted_identity_layers_change_nothing(seed: int, many: int) -> None:
    rng = np.random.default_rng(seed)
    first = nn.Linear.of(rng.normal(size=(4, 3)), rng.normal(size=4)), nn.ReLU()
    last = nn.Linear.of(rng.normal(size=(2, 4)))
    grafts = [layer for _ in range(many) for layer in (nn.Linear.of(np.eye(4)), nn.ReLU())]
    x = rng.normal(size=3)
    plain, deep = (mg.thin(nn.Sequential(*first, *more, last), x) for more in ([], grafts))
    np.testing.assert_array_equal(plain.weight, deep.weight)
    np.testing.assert_array_equal(plain.output, deep.output)
    assert plain.radius == deep.radius
    for layer in deep.layers:
        np.testing.assert_array_equal(layer.output, plain.layers[0].output)
    training_agrees(nn.Sequential(*first, *grafts, last), x)


def test_what_the_network_reads_may_change_later() -> None:
    mg.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 2, 2, dtype=float), nn.BatchNorm(2, dtype=float).eval(), nn.ReLU())
    net = nn.Sequential(*net, nn.Flatten(), nn.Linear(18, 1, dtype=float)).eval()
    x = np.random.default_rng(0).normal(size=(1, 4, 4))
    thin, again = mg.thin(net, x), mg.thin(net, x)
    expected = [p.data for p in again.network.parameters()]
    placed = again.scatter([np.ones(p.shape) for p in expected])
    for tensor in (*net.parameters(), net[1].running_mean):
        tensor.data += 1
    for ours, theirs in zip(thin.network.parameters(), expected, strict=True):
        np.testing.assert_array_equal(ours.data, theirs)
    for part, before in zip(thin.scatter([np.ones(p.shape) for p in expected]), placed, strict=True):
        np.testing.assert_array_equal(part, before)


CASE = conv_net(), np.random.default_rng(0).normal(size=(1, 8, 8))


def test_forgetting_what_is_carried_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    net = nn.Sequential(nn.Residual(nn.Linear(2, 2, dtype=float), nn.ReLU()), nn.Linear(2, 1, dtype=float))
    x = np.array([1.0, 2.0])
    is_right(net, x)
    weight = linears.ThinLinear.weight.fget

    def forgetful(self: linears.ThinLinear) -> Any:
        full = weight(self)
        full[len(self.rows) :] = 0
        return full

    monkeypatch.setattr(linears.ThinLinear, "weight", property(forgetful))
    with pytest.raises(AssertionError):
        is_right(net, x)


def test_taking_away_a_unit_that_trains_something_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    net = nn.Sequential(nn.Linear.of(np.eye(2)), nn.ReLU(), nn.Linear.of([[1.0, 0.0]]))
    monkeypatch.setattr(
        reach, "_back", lambda node, k, g, *_: node.primitive.vjp(k, g, node.output, node.args, node.options)
    )
    with pytest.raises(AssertionError):
        training_agrees(net, np.array([1.0, 2.0]))


def test_a_wrong_gradient_of_a_convolution_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    training_agrees(*CASE)
    through = segment.Segment._slope

    def halved(self: segment.Segment, *given: Any) -> Any:
        return 0.5 * through(self, *given)

    monkeypatch.setattr(segment.Segment, "_slope", halved)
    with pytest.raises(AssertionError):
        training_agrees(*CASE)


def test_keeping_what_loses_in_a_pooling_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing_is_left_over(mg.thin(*CASE))
    everything = lambda node, k, g, *_: np.ones(np.shape(node.args[k]))  # noqa: E731
    monkeypatch.setattr(reach, "_back", everything)
    with pytest.raises(AssertionError):
        nothing_is_left_over(mg.thin(*CASE))
