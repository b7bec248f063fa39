"""Modules: what they find inside, modes, states, watching."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

import minigrad as mg
from minigrad import nn

from ..strategies import networks, seeds

few = settings(max_examples=25)
W = np.ones((2, 2))


class Block(nn.Module):
    """A module of a user's own, with a parameter, a child and things that are neither."""

    def __init__(self) -> None:
        self.scale = nn.Parameter([2.0])
        self.inner = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5))
        self.name = "block"

    def forward(self, x: mg.Tensor) -> mg.Tensor:
        return self.inner(x) * self.scale


def test_names_types_and_order() -> None:
    net = nn.Sequential(nn.Linear(2, 3), nn.PReLU(), Block())
    assert [name for name, _ in net.named_parameters()] == [
        "0.weight", "0.bias", "1.slope", "2.scale", "2.inner.0.weight", "2.inner.0.bias",
    ]  # fmt: skip
    assert [path for path, _ in net.named_modules()] == [
        "",
        "0",
        "1",
        "2",
        "2.inner",
        "2.inner.0",
        "2.inner.1",
    ]
    assert len(net.parameters()) == 6
    assert all(isinstance(p, nn.Parameter) and p.requires_grad and p.is_leaf for p in net.parameters())


def test_a_shared_parameter_counts_once() -> None:
    layer = nn.Linear(2, 2)
    net = nn.Sequential(layer, nn.ReLU(), layer)
    assert [name for name, _ in net.named_parameters()] == ["0.weight", "0.bias"]
    net(np.ones(2)).sum().backward()
    assert layer.weight.grad is not None


def test_a_sequential_is_a_list_of_layers() -> None:
    a, b, c = nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)
    net = nn.Sequential(a, b, c)
    assert len(net) == 3 and list(net) == [a, b, c] and net[1] is b and net[-1] is c
    head = net[:2]
    assert isinstance(head, nn.Sequential) and list(head) == [a, b]
    assert repr(net) == "Sequential(Linear(2, 3), ReLU(), Linear(3, 1))"
    assert isinstance(nn.Residual(b, b)[1:], nn.Residual)
    np.testing.assert_array_equal(nn.Sequential()(np.ones(2)).data, [1, 1])
    for wrong in (3, -4):
        with pytest.raises(IndexError, match=f"has 3 layers, numbered 0 to 2; there is no {wrong}"):
            net[wrong]
    with pytest.raises(IndexError, match="this Residual has no layers"):
        nn.Residual()[0]


@pytest.mark.parametrize(
    ("module", "text"),
    [
        (nn.Linear(2, 3, bias=False), "Linear(2, 3, bias=False)"),
        (nn.LeakyReLU(0.1), "LeakyReLU(0.1)"),
        (nn.PReLU(0.25), "PReLU(0.25)"),
        (nn.Maxout([2, 3]), "Maxout([2, 3])"),
        (nn.Dropout(0.5, "weights"), "Dropout(0.5, scaling='weights')"),
        (nn.Residual(nn.Tanh()), "Residual(Tanh())"),
        (Block(), "Block(inner=Sequential(Linear(2, 2), Dropout(0.5)))"),
    ],
)
def test_its_text_is_how_it_was_made(module: nn.Module, text: str) -> None:
    assert repr(module) == text


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([nn.ReLU(), nn.Tanh()], r"^parts is a list of modules, .* write nn\.Sequential\(\*parts\)"),
        ((nn.ReLU(),), "parts is a tuple of modules"),
        ([[nn.ReLU()], 3], "parts is a list of modules"),
        ({"a": nn.ReLU()}, "parts is a dict of modules, .* not be found; give each an attribute"),
        ([nn.Parameter(1.0)], "parts is a list of parameters, which would not be found; give each an"),
    ],
)
def test_parts_that_would_not_be_found_are_refused(value: Any, message: str) -> None:
    block = Block()
    with pytest.raises(TypeError, match=message):
        block.parts = value
    assert not hasattr(block, "parts")


def test_a_list_may_not_grow_unnoticed_but_may_order_what_is_found() -> None:
    block = Block()
    block.order = [block.inner, block.inner[0], block.scale]
    block.sizes = [1, 2, 3]
    assert len(block.parameters()) == 3
    block.sizes.append(nn.Linear(1, 1))
    for look in (block.parameters, block.state_dict, nn.Sequential(block).parameters):
        with pytest.raises(TypeError, match="sizes is a list of modules"):
            look()


def test_train_and_eval_reach_everything_inside() -> None:
    net = nn.Sequential(Block(), nn.Residual(nn.Dropout(0.5)))
    assert net.training and net.eval() is net
    assert not any(module.training for module in net.modules())
    assert net.train() is net and all(module.training for module in net.modules())
    net.train(False)
    np.testing.assert_array_equal(net(np.ones(2)).data, net(np.ones(2)).data)


def test_zero_grad_forgets() -> None:
    net = nn.Linear(2, 1)
    net(np.ones(2)).sum().backward()
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())


def test_a_module_without_forward_says_so() -> None:
    class Empty(nn.Module):
        pass

    with pytest.raises(NotImplementedError, match="Empty needs a method forward"):
        Empty()(1.0)


# States


@few
@given(drawn=networks(dtype=np.float32), seed=seeds)
def test_a_state_goes_round(drawn: Any, seed: int) -> None:
    net, n_in = drawn
    net.eval()
    x = np.random.default_rng(seed).normal(size=(2, n_in))
    before, state = net(x).data, net.state_dict()
    for p in net.parameters():
        p.data += 1.0
        p.grad = np.ones(p.shape)
    assert not any(np.shares_memory(p.data, state[name]) for name, p in net.named_parameters())
    net.load_state_dict(state)
    np.testing.assert_array_equal(net(x).data, before)
    assert all(p.grad is None for p in net.parameters())
    assert not any(np.shares_memory(p.data, state[name]) for name, p in net.named_parameters())


def test_loading_adopts_the_dtype_and_keeps_the_parameter() -> None:
    net = nn.Linear(1, 1)
    weight = net.weight
    net.load_state_dict({"weight": [[1.0]], "bias": mg.tensor([0.5])})
    assert net.weight is weight and weight.dtype == np.float64
    assert net([2.0]).data == [2.5]


@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        ({}, KeyError, "this Linear: missing bias, weight; unknown nothing"),
        ({"weight": W, "bias": [1.0, 2.0], "extra": 1.0}, KeyError, "missing nothing; unknown extra"),
        ({"weight": W[:1], "bias": [1.0, 2.0]}, ValueError, r"weight has shape \(2, 2\), .* \(1, 2\)"),
        ({"weight": W, "bias": [1, 2]}, TypeError, "bias must be floats, but the state gives int64"),
        ({"weight": W, "bias": ["a", "b"]}, TypeError, "bias must be floats"),
        ([1.0], TypeError, "a dictionary of arrays by name, not a list"),
    ],
)  # fmt: skip
def test_a_state_that_does_not_fit_changes_nothing(state: Any, error: type[Exception], message: str) -> None:
    net = nn.Linear(2, 2)
    before = net.state_dict()
    with pytest.raises(error, match=message):
        net.load_state_dict(state)
    for name, array in net.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


# Watching


def test_watch_sees_every_module_in_order_and_stops() -> None:
    net = nn.Sequential(nn.Linear(2, 3), nn.Residual(nn.ReLU()))
    seen: list[tuple[str, Any, Any]] = []
    with nn.watch(lambda module, x, out: seen.append((type(module).__name__, x, out))):
        result = net(np.ones(2))
    assert [name for name, *_ in seen] == ["Linear", "ReLU", "Residual", "Sequential"]
    assert seen[-1][2] is result and seen[1][1] is seen[0][2]
    net(np.ones(2))
    assert len(seen) == 4


def test_watch_ends_by_an_exception_and_the_inner_one_counts() -> None:
    outer: list[Any] = []
    inner: list[Any] = []
    net = nn.ReLU()
    with nn.watch(lambda *a: outer.append(a)):
        with pytest.raises(ZeroDivisionError), nn.watch(lambda *a: inner.append(a)):
            net(1.0)
            _ = 1 / 0
        net(1.0)
    net(1.0)
    assert len(inner) == len(outer) == 1
