from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad import Tensor, nn, optim
from minigrad.training import fit
from minigrad.training.measure import Examples, activity, evaluate, hits_of_classes, squared_norm


def layer(n_in: int, n_out: int, seed: int) -> nn.Linear:
    rng = np.random.default_rng(seed)
    result = nn.Linear(n_in, n_out, dtype=float)
    result.weight.data[...] = 3 * rng.normal(size=(n_out, n_in))
    result.bias.data[...] = rng.normal(size=n_out)
    return result


X = np.random.default_rng(0).normal(size=(40, 3))


def test_shares_of_inactive_and_saturated_neurons() -> None:
    net = nn.Sequential(
        layer(3, 5, 1), nn.ReLU(), layer(5, 6, 2), nn.Sigmoid(), layer(6, 4, 3), nn.Tanh(), layer(4, 4, 4),
        nn.LeakyReLU(0.1), layer(4, 6, 5), nn.Maxout(2), nn.PReLU(dtype=float), nn.Dropout(0.9),
    )  # fmt: skip
    net.train()
    shares = activity(net, X)
    assert net[11].training

    def affine(x: np.ndarray, k: int) -> np.ndarray:
        return x @ net[k].weight.data.T + net[k].bias.data

    a = affine(X, 0)
    b = affine(np.maximum(a, 0), 2)
    s = 1 / (1 + np.exp(-b))
    c = affine(s, 4)
    d = affine(np.tanh(c), 6)
    e = affine(np.where(d > 0, d, 0.1 * d), 8)
    m = np.maximum(e[:, ::2], e[:, 1::2])
    assert shares["inactive"] == pytest.approx(
        {"1": np.mean(a <= 0), "7": np.mean(d <= 0), "10": np.mean(m <= 0)}
    )
    assert shares["saturated"] == pytest.approx(
        {"3": np.mean((s < 0.01) | (s > 0.99)), "5": np.mean(np.abs(np.tanh(c)) > 0.98)}
    )
    assert 0 < shares["saturated"]["3"] < 1
    assert 0 < shares["saturated"]["5"] < 1


def test_a_gate_at_0_is_closed() -> None:
    assert activity(nn.Sequential(nn.ReLU()), np.zeros((2, 3)))["inactive"] == {"0": 1.0}


def test_modules_inside_others_and_modules_used_twice_have_their_own_names() -> None:
    relu = nn.ReLU()
    net = nn.Sequential(layer(3, 3, 1), relu, nn.Residual(layer(3, 3, 2), relu), nn.Sequential(nn.Tanh()))
    shares = activity(net, X)
    a = X @ net[0].weight.data.T + net[0].bias.data
    b = np.maximum(a, 0) @ net[2][0].weight.data.T + net[2][0].bias.data
    assert shares["inactive"] == pytest.approx({"1": np.mean(a <= 0), "2.1": np.mean(b <= 0)})
    assert list(shares["saturated"]) == ["3.0"]


def test_calls_of_one_layer_are_averaged() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            self.gate = nn.ReLU()

        def forward(self, x: Tensor) -> Tensor:
            return self.gate(x) + self.gate(-x - 1)

    shares = activity(Twice(), np.array([[2.0, 1.0, -0.5, -3.0]]))
    assert shares["inactive"] == {"gate": pytest.approx((0.5 + 0.75) / 2)}


@given(st.integers(1, 3000), st.integers(0, 100))
def test_evaluation_in_chunks_is_the_average_over_all(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    net = nn.Sequential(layer(3, 4, 1), nn.Dropout(0.5)).train()
    x, y = rng.normal(size=(n, 3)), rng.integers(0, 4, n)
    measured = evaluate(net, Examples(x, y, hits_of_classes), nn.cross_entropy)
    logits = x @ net[0].weight.data.T + net[0].bias.data
    losses = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(n), y]
    assert measured["validation_loss"] == pytest.approx(losses.mean(), rel=1e-9)
    assert measured["validation_accuracy"] == pytest.approx(np.mean(logits.argmax(axis=1) == y))
    assert net[1].training


@given(st.floats(1e-30, 1e15), st.sampled_from([np.float32, np.float64]), st.booleans())
def test_norms_of_tiny_and_huge_arrays(scale: float, dtype: Any, transposed: bool) -> None:
    array = (np.random.default_rng(0).normal(size=(5, 3)) * scale).astype(dtype)
    expected = np.sum(array.astype(np.longdouble) ** 2)
    assert squared_norm(array.T if transposed else array) == pytest.approx(float(expected), rel=1e-5)


def test_a_vanishing_gradient_is_measured_and_not_rounded_to_0() -> None:
    layers: list[nn.Module] = []
    for k in range(40):
        layers += [nn.Linear(4, 4), nn.Sigmoid()]
        layers[-2].weight.data[...] = 0.01 * np.random.default_rng(k).normal(size=(4, 4))
    net = nn.Sequential(*layers[:-1])
    x, y = X[:, [0, 1, 2, 0]], np.arange(40) % 4
    optimizer = optim.SGD(net.parameters(), lr=0.0)
    history = fit(
        net, (x, y), loss=nn.cross_entropy, optimizer=optimizer, epochs=1, batch_size=40, progress=False
    )
    norms = [history.gradient_norms[name][0] for name in history.layers]
    reachable = [norm for norm in norms if norm > 0]
    assert min(reachable) < 1e-30  # its square does not fit into float32
    assert norms[-1] > 1e-3


class Spy(nn.Identity):
    """Notes what it is given in evaluation mode."""

    def __init__(self) -> None:
        self.seen: list[np.ndarray] = []

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            self.seen.append(x.data)
        return x


@pytest.mark.parametrize(("n", "expected"), [(1200, 500), (70, 70)])
def test_activity_is_measured_on_the_same_500_inputs_at_most(n: int, expected: int) -> None:
    net = nn.Sequential(Spy(), nn.Linear(3, 2))
    x, y = np.random.default_rng(0).normal(size=(n, 3)).astype(np.float32), np.arange(n) % 2
    options: dict[str, Any] = {"loss": nn.cross_entropy, "epochs": 2, "batch_size": 100, "progress": False}
    fit(net, (x, y), optimizer=optim.SGD(net.parameters(), lr=0.1), **options)
    tried, first, second = net[0].seen
    assert len(tried) == 2
    np.testing.assert_array_equal(first, second)
    assert len(np.unique(first, axis=0)) == expected
    assert {row.tobytes() for row in first} <= {row.tobytes() for row in x}
