"""The affine map of one input against the oracle, backward, finite differences and torch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn
from minigrad.rules import gates

from . import checks, plain
from .draws import networks


@given(networks(), st.booleans())
def test_output_and_slope_of_generic_networks(case, training):
    checks.map_is_right(*case, training=training)


@given(networks(whole=True), st.booleans())
def test_output_and_slope_of_degenerate_networks(case, training):
    checks.map_is_right(*case, training=training)


@given(networks(residual=True, widths=(1, 4)) | networks(residual=True, whole=True))
def test_output_and_slope_with_residual_connections(case):
    checks.map_is_right(*case)


@given(networks())
def test_slope_is_what_finite_differences_give_inside_the_region(case):
    checks.differences_agree(*case)


@given(networks(), st.booleans())
def test_float32_stays_float32(case, training):
    layers, x = case
    net = plain.seed_masks(plain.build(layers, np.float32), layers).train(training)
    thin = mg.thin(net, x.astype(np.float32))
    expected = plain.run(layers, x, training)
    arrays = [thin.weight, thin.bias, thin.output, *(p.data for p in thin.network.parameters())]
    assert {array.dtype for array in arrays} == {np.dtype(np.float32)}
    if not expected.flips(plain.run(layers, x.astype(np.float32).astype(float), training)):
        checks.close(thin.weight, expected.jacobian, 1e-4)
        checks.close(thin.network(thin.x).data, expected.value, 1e-4)


@given(
    networks() | networks(whole=True, gates=("relu", "leaky", "prelu", "dropout", "abs", "clip", "maximum"))
)
def test_slope_is_torch_s_jacobian(case):
    torch = pytest.importorskip("torch")
    layers, x = case
    _, thin = checks.thin_of(layers, x)
    assume(len(thin.output))
    jacobian = torch.autograd.functional.jacobian(lambda t: _by_torch(torch, layers, t), torch.tensor(x))
    checks.close(thin.weight, jacobian.numpy(), 1e-12)


def _by_torch(torch, layers, h):
    """The same network of torch's own functions; ties of Maxout are the one difference of convention."""
    for kind, *numbers in layers:
        if kind == "linear":
            weight, bias = (None if part is None else torch.tensor(part) for part in numbers)
            h = torch.nn.functional.linear(h, weight, bias)
        elif kind == "sequential":
            h = _by_torch(torch, numbers[0], h)
        elif kind == "maxout":
            parts = (
                [part.max(dim=0).values for part in torch.split(h, list(numbers[0]))] if numbers[0] else []
            )
            h = torch.stack(parts) if parts else h[:0]
        elif kind == "dropout":
            h = torch.nn.functional.dropout(h, 0) * torch.tensor(plain.mask(*numbers, len(h), True))
        elif kind in ("leaky", "prelu"):
            h = torch.nn.functional.prelu(h, torch.tensor([float(numbers[0])], dtype=h.dtype))
        elif kind in ("maximum", "minimum"):
            h = getattr(torch, kind)(h, torch.tensor(numbers[0], dtype=h.dtype))
        elif kind != "identity":
            h = {"relu": torch.relu, "abs": torch.abs, "clip": torch.clamp}[kind](h, *numbers)
    return h


class Function(nn.Module):
    """Any function of one Tensor as a network."""

    def __init__(self, function, *parameters):
        self.function = function
        self.first = parameters[0] if parameters else None

    def forward(self, x):
        return self.function(x) if self.first is None else self.function(x, self.first)


PIECEWISE_LINEAR = {
    "pooling": lambda x: np.max(x.reshape(3, 2), axis=1),
    "pooling along the first axis": lambda x: np.min(x.reshape(2, 3), axis=0, keepdims=True).reshape(3),
    "max of all": lambda x: np.max(x).reshape(1),
    "two branches": lambda x: mg.maximum(2 * x[:3], x[3:] - 1),
    "three branches, one winner": lambda x: gates.maxout(x[:2], x[2:4], x[4:]),
    "joined": lambda x: np.concatenate([np.abs(x[::2]), -x[[1, 1]], x / 2]),
    "stacked": lambda x: np.stack([x[0], x.sum(), x.mean()]),
    "a sum with itself": lambda x: mg.maximum(x, x) + x,
    "outer axes": lambda x: np.squeeze(np.expand_dims(x, 1) @ np.array([[1.0, -2.0]]), ()).T.reshape(12),
    "bounds that move": lambda x: mg.clip(x[:3], x[3:] - 1, x[3:] + 1),
    "only one bound": lambda x: mg.clip(mg.clip(x, None, 0.4), -0.4, None),
    "an infinite bound": lambda x: mg.minimum(mg.maximum(x, -np.inf), np.inf),
    "a mask that is given": lambda x: np.where(np.arange(6) > 2, x, 3.0),
    "constants on the left": lambda x: 1.0 - (2.0 * x).relu(),
    "a scalar spread": lambda x: mg.maximum(np.max(x), np.array([0.0, 2.0])),
    "nothing of the input": lambda x: mg.tensor([1.0, 2.0]),
}


UNSEEN = {"a sum with itself", "a scalar spread"}
"""Here a gate may change its piece where the output does not bend."""


@pytest.mark.parametrize("name", PIECEWISE_LINEAR)
@given(seed=st.integers(0, 2**32 - 1))
def test_any_composition_of_linear_primitives_and_gates(name, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=6)
    net = Function(PIECEWISE_LINEAR[name])
    thin = mg.thin(net, x)
    checks.close(thin.weight @ x + thin.bias, net(x).data)
    for row, unit in zip(thin.weight, np.eye(len(thin.output)), strict=True):
        leaf = mg.tensor(x, requires_grad=True)
        output = net(leaf)
        if output.requires_grad:
            output.backward(unit)
        checks.close(row, np.zeros(6) if leaf.grad is None else leaf.grad, 1e-14)
    for _ in range(5):
        move = rng.normal(size=6)
        there = x + 0.999 * min(thin.radius, 10) * move / np.linalg.norm(move)
        checks.close(thin.weight @ there + thin.bias, net(there).data)
    if thin.boundary is not None:
        assert thin.next_flip
        further = x + 1.01 * (thin.boundary - x)
        kink = net(further).data - (thin.weight @ further + thin.bias)
        assert name in UNSEEN or np.abs(kink).max() > 1e-9


class Exponential(nn.Module):
    def forward(self, x):
        return np.exp(x)


@pytest.mark.parametrize("smooth", [nn.Sigmoid, nn.Tanh, nn.Softplus, Exponential])
def test_a_smooth_layer_is_named(smooth):
    net = nn.Sequential(nn.Linear(3, 3), nn.Sequential(nn.ReLU(), smooth()), nn.Linear(3, 1))
    with pytest.raises(mg.NotPiecewiseLinearError, match=rf"layer 1\.1 \({smooth.__name__}\) is smooth"):
        mg.thin(net, np.ones(3))


PRODUCTS = {
    "x·x": lambda x: x * x,
    "x @ x": lambda x: (x @ x).reshape(1),
    "x·relu(x)": lambda x: x * x.relu(),
    "relu(x) @ W(x)": lambda x: x.relu() @ x.reshape(3, 1),
    "prelu by the input": lambda x: x.prelu(x),
    "x / x": lambda x: x / (x + 10),
    "x**2": lambda x: x**2,
}


@pytest.mark.parametrize("function", PRODUCTS.values(), ids=PRODUCTS.keys())
def test_products_of_the_input_with_itself_are_refused(function):
    with pytest.raises(mg.NotPiecewiseLinearError, match=r"but Function at test_affine\.py:\d+ "):
        mg.thin(Function(function), np.array([1.0, 2.0, 3.0]))


def test_smoothness_in_the_parameters_alone_does_no_harm():
    parameter = nn.Parameter([0.5, -1.0])
    thin = mg.thin(Function(lambda x, p: np.exp(p) * x + p * p, parameter), [1.0, 2.0])
    checks.close(thin.weight, np.diag(np.exp(parameter.data)))
    checks.close(thin.network([3.0, 5.0]).data, np.exp(parameter.data) * [3.0, 5.0] + parameter.data**2)


def test_a_wrong_slope_is_caught(monkeypatch):
    layers, x = [("linear", np.eye(2), None), ("relu",)], np.array([1.0, -0.5])
    checks.map_is_right(layers, x)
    monkeypatch.setattr(gates.relu, "partials", (lambda out, x: x > -1,))
    with pytest.raises(AssertionError):
        checks.map_is_right(layers, x)


def test_a_wrong_winner_is_caught(monkeypatch):
    layers, x = [("maxout", (3,))], np.array([1.0, 2.0, 3.0])
    checks.map_is_right(layers, x)
    monkeypatch.setattr(gates.group_maxout, "jvps", [lambda t, out, x, groups: t[..., :1]])
    with pytest.raises(AssertionError):
        checks.map_is_right(layers, x)
