"""The scalar graph of a network equals its tensor graph, values and gradients."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn
from minigrad.rules import gates, products

WIDTH = 4


def layers():
    gates = st.sampled_from(
        [
            nn.Sigmoid,
            nn.Tanh,
            nn.ReLU,
            nn.Softplus,
            lambda: nn.LeakyReLU(0.1),
            lambda: nn.PReLU(0.3),
            nn.Identity,
        ]
    ).map(lambda make: [make()])
    maxout = st.sampled_from([2, [1, 3], 4]).map(
        lambda pieces: [
            nn.Maxout(pieces),
            nn.Linear({2: 2, 4: 1}.get(pieces, 2) if isinstance(pieces, int) else 2, WIDTH),
        ]
    )
    others = st.sampled_from(
        [lambda: nn.Dropout(0.5), lambda: nn.Residual(nn.Linear(WIDTH, WIDTH), nn.Tanh())]
    )
    linear = st.booleans().map(lambda bias: [nn.Linear(WIDTH, WIDTH, bias=bias)])
    return st.lists(st.one_of(gates, maxout, others.map(lambda make: [make()]), linear), max_size=4)


@settings(max_examples=60)
@given(layers(), st.integers(0, 2**31))
def test_scalar_graph_equals_tensor_graph(parts, seed):
    rng = np.random.default_rng(seed)
    net = nn.Sequential(
        nn.Linear(3, WIDTH), *[layer for part in parts for layer in part], nn.Linear(WIDTH, 2)
    )
    net.load_state_dict({n: v.astype(float) + rng.normal(size=v.shape) for n, v in net.state_dict().items()})
    compare(net, rng.normal(size=3), rng.normal(size=2), seed)


def compare(net, data, cotangent, seed):
    """Values and gradients at both levels, with the same dropout masks."""
    dropouts = [m for m in net.modules() if isinstance(m, nn.Dropout)]
    x = mg.tensor(data, requires_grad=True)
    for module in dropouts:
        module.rng = np.random.default_rng(seed)
    output = net(x)
    output.backward(cotangent)
    for module in dropouts:
        module.rng = np.random.default_rng(seed)
    values = mg.scalarize(net, x.data)
    total = sum((v * c for v, c in zip(values, cotangent, strict=True)), mg.Value(0.0))
    total.backward()

    np.testing.assert_allclose([v.data for v in values], output.data, rtol=1e-12, atol=1e-12)
    found = {leaf.label: leaf.grad for leaf in mg.leaves(total)}
    for name, leaf in [*net.named_parameters(), ("x", x)]:
        for index in np.ndindex(leaf.shape):
            label = f"{name}[{', '.join(map(str, index))}]"
            expected = 0.0 if leaf.grad is None else leaf.grad[index]
            assert found.get(label, 0.0) == pytest.approx(expected, rel=1e-9, abs=1e-10)


@pytest.mark.parametrize(
    "function",
    [
        mg.softmax,
        mg.log_softmax,
        mg.logsumexp,
        lambda t: t.max(axis=1),
        lambda t: t.min(axis=0),
        lambda t: t.mean(axis=1),
        lambda t: t.max(keepdims=True),
        lambda t: mg.logsumexp(t, axis=0, keepdims=True),
        lambda t: t.sum(),
        lambda t: t[[0, 0], 1:].T,
        lambda t: mg.concatenate([t, t * 2], axis=1),
        lambda t: (t @ t.T).reshape(4),
        lambda t: mg.clip(t, -0.5, 0.5),
    ],
)
def test_functions_beyond_the_layers(function):
    class Wrapped(nn.Module):
        def forward(self, x):
            return function(x)

    data = np.array([[0.3, -1.2, 2.0], [1.1, 700.0, -0.4]])
    x = mg.tensor(data, requires_grad=True)
    output = Wrapped()(x)
    output.backward(np.ones(output.shape))
    values = mg.scalarize(Wrapped(), data)
    total = sum(values, mg.Value(0.0))
    total.backward()
    np.testing.assert_allclose([v.data for v in values], output.data.ravel(), rtol=1e-12)
    grads = {leaf.label: leaf.grad for leaf in mg.leaves(total)}
    for index in np.ndindex(data.shape):
        assert grads.get(f"x[{index[0]}, {index[1]}]", 0.0) == pytest.approx(x.grad[index], abs=1e-12)


def test_ties_of_max_are_shared_as_in_the_tensor_graph():
    class Largest(nn.Module):
        def forward(self, x):
            return x.max(axis=0)

    (value,) = mg.scalarize(Largest(), [1.0, 1.0, 1.0, 0.0])
    value.backward()
    grads = {leaf.label: leaf.grad for leaf in mg.leaves(value)}
    assert grads == pytest.approx({"x[0]": 1 / 3, "x[1]": 1 / 3, "x[2]": 1 / 3, "x[3]": 0.0})


@pytest.mark.parametrize(
    ("primitive", "wrong"),
    [
        (products.linear, lambda x, weight, bias: x @ weight.T),
        (products.linear, lambda x, weight, bias: (x * 1.001) @ weight.T + bias),
        (gates.group_maxout, lambda x, groups: x[..., np.cumsum(groups) - 1]),
    ],
)
def test_a_fault_at_one_level_is_caught(monkeypatch, primitive, wrong):
    net = nn.Sequential(nn.Linear.of([[1.0, 2.0], [-1.0, 0.5]], [0.5, 0.25]), nn.Maxout(2))
    given = np.array([1.0, -3.0]), np.array([1.5]), 0
    compare(net, *given)
    monkeypatch.setattr(primitive, "on_scalars", wrong)
    with pytest.raises(AssertionError):
        compare(net, *given)


def test_a_wrong_derivative_at_one_level_is_caught(monkeypatch):
    """The values agree, the gradients do not: the second bias counts as a constant."""

    def wrong(x, weight, bias):
        return x @ weight.T + np.array([bias[0], bias[1].data], dtype=object)

    monkeypatch.setattr(products.linear, "on_scalars", wrong)
    net = nn.Sequential(nn.Linear.of([[1.0, 2.0], [-1.0, 0.5]], [0.5, 0.25]))
    with pytest.raises(AssertionError):
        compare(net, np.array([1.0, -3.0]), np.array([1.5, 1.0]), 0)


def test_only_a_module_can_be_followed():
    with pytest.raises(TypeError, match=r"scalarize takes an nn\.Module"):
        mg.scalarize(lambda x: x, [1.0])
