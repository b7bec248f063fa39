from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from minigrad import nn, optim
from minigrad.regularizers import L1, L2, weights

seeds = st.integers(0, 10_000)


def network(seed: int = 0) -> nn.Sequential:
    """Return a float64 network with nonzero biases."""
    rng = np.random.default_rng(seed)
    net = nn.Sequential(nn.Linear(3, 4, dtype=float), nn.PReLU(dtype=float), nn.Linear(4, 2, dtype=float))
    for p in net.parameters():
        p.data[...] = rng.normal(size=p.shape)
    return net


def single(values: Any) -> nn.Linear:
    """Return a layer with these weights."""
    values = np.atleast_2d(np.asarray(values, float))
    layer = nn.Linear(values.shape[1], values.shape[0], dtype=float)
    layer.weight.data[...] = values
    return layer


def normal(value: float) -> bool:
    """Whether products with ``value`` stay clear of underflow."""
    return value == 0 or abs(value) > 1e-100


def test_only_weights_are_penalised_unless_biases_are_asked_for() -> None:
    net = network()
    assert [name for name, _ in weights(net)] == ["0.weight", "2.weight"]
    named = {name: p.data for name, p in net.named_parameters()}
    w = np.concatenate([named["0.weight"].ravel(), named["2.weight"].ravel()])
    b = np.concatenate([named["0.bias"], named["2.bias"]])
    assert L2(0.3)(net).item() == pytest.approx(0.5 * 0.3 * (w @ w))
    assert L1(0.3)(net).item() == pytest.approx(0.3 * np.abs(w).sum())
    assert L2(0.3, biases=True)(net).item() == pytest.approx(0.5 * 0.3 * (w @ w + b @ b))
    assert L1(0.3, biases=True)(net).item() == pytest.approx(0.3 * (np.abs(w).sum() + np.abs(b).sum()))


@given(seeds, st.floats(0, 10), st.floats(0, 1))
def test_one_step_of_sgd_is_the_lectures_formula(seed: int, lam: float, lr: float) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(5, 3)), rng.integers(0, 2, 5)
    for regularizer, step in (
        (L2(lam), lambda w, g: (1 - lr * lam) * w - lr * g),
        (L1(lam), lambda w, g: w - lr * lam * np.sign(w) - lr * g),
    ):
        net = network(seed)
        nn.cross_entropy(net(x), y).backward()
        expected = {
            name: step(p.data, p.grad) if name.endswith("weight") else p.data - lr * p.grad
            for name, p in net.named_parameters()
        }
        net.zero_grad()
        (nn.cross_entropy(net(x), y) + regularizer(net)).backward()
        optim.SGD(net.parameters(), lr).step()
        for name, p in net.named_parameters():
            np.testing.assert_allclose(p.data, expected[name], rtol=1e-14, atol=1e-14)


@given(arrays(float, (2, 3), elements=st.floats(-1e3, 1e3).filter(normal)), st.floats(0, 10).filter(normal))
def test_gradients_alone_are_exact(w: np.ndarray, lam: float) -> None:
    for regularizer, expected in ((L2(lam), lam * w), (L1(lam), lam * np.sign(w))):
        net = single(w)
        regularizer(net).backward()
        np.testing.assert_array_equal(net.weight.grad, expected)
        assert net.bias.grad is None


def test_with_adam_the_term_is_not_decoupled_decay() -> None:
    with_term, decayed = single([[2.0]]), single([[2.0]])
    L2(0.5)(with_term).backward()
    decayed.weight.grad = np.zeros((1, 1))
    optim.Adam([with_term.weight], lr=0.1).step()
    optim.AdamW([decayed.weight], lr=0.1, weight_decay=0.5).step()
    assert with_term.weight.item() == pytest.approx(2.0 - 0.1)
    assert decayed.weight.item() == pytest.approx(2.0 * (1 - 0.1 * 0.5))


@given(st.floats(-2, 2).filter(lambda w: abs(w) > 0.02), st.floats(0.05, 1))
def test_l1_without_gradient_walks_to_0_in_time_and_then_oscillates(w: float, lam: float) -> None:
    lr, net, path = 0.1, single([[w]]), [w]
    optimizer = optim.SGD([net.weight], lr)
    for _ in range(int(abs(w) / (lr * lam)) + 10):
        optimizer.zero_grad()
        L1(lam)(net).backward()
        optimizer.step()
        path.append(net.weight.item())
    arrival = abs(w) / (lr * lam)  # in steps
    assume(abs(arrival - round(arrival)) > 1e-6)  # a weight that lands on 0 stays there
    before, after = path[: int(arrival) + 1], path[int(np.ceil(arrival)) + 1 :]
    steps = np.arange(len(before))
    np.testing.assert_allclose(before, np.sign(w) * (abs(w) - lr * lam * steps), atol=1e-12)
    assert np.abs(after).max() <= lr * lam * (1 + 1e-9)
    np.testing.assert_allclose(np.abs(np.diff(after)), lr * lam, rtol=1e-9)


def test_l1_stays_where_it_lands_on_0() -> None:
    net, path = single([[0.375]]), []
    optimizer = optim.SGD([net.weight], lr=0.125)
    for _ in range(5):
        optimizer.zero_grad()
        L1(1.0)(net).backward()
        optimizer.step()
        path.append(net.weight.item())
    assert path == [0.25, 0.125, 0.0, 0.0, 0.0]


@given(arrays(float, (2, 3), elements=st.floats(-2, 2)), st.floats(0, 1), st.floats(0, 1))
def test_the_proximal_step_minimises_its_objective(w: np.ndarray, lam: float, lr: float) -> None:
    net = single(w)
    array = net.weight.data
    L1(lam).proximal_step(net, lr)
    assert net.weight.data is array
    candidates = np.linspace(-2, 2, 801)[:, None, None]  # every weight by brute force

    def objective(v: Any) -> Any:
        return 0.5 * (v - w) ** 2 + lr * lam * np.abs(v)

    assert (objective(array) <= objective(candidates).min(axis=0) + 1e-12).all()
    np.testing.assert_array_equal(array == 0, np.abs(w) <= lr * lam)


def test_the_proximal_step_leaves_biases_alone_and_keeps_the_dtype() -> None:
    net = nn.Linear(2, 2)
    net.bias.data[...] = 0.01
    L1(1.0).proximal_step(net, 100.0)
    assert net.weight.data.dtype == np.float32
    assert not net.weight.data.any()
    assert net.bias.data.all()


@pytest.mark.parametrize("kind", [L1, L2])
def test_bad_input(kind: Any) -> None:
    for wrong in (-1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="lam must be at least 0 and finite"):
            kind(wrong)
    with pytest.raises(TypeError, match="lam must be a number"):
        kind("strong")
    with pytest.raises(ValueError, match="needs parameters named weight; this PReLU has slope"):
        kind(0.1)(nn.PReLU())
    with pytest.raises(ValueError, match="this ReLU has none at all"):
        kind(0.1)(nn.ReLU())
    with pytest.raises(TypeError, match=rf"the network: {kind.__name__}\(0\.1\)\(net\), not"):
        kind(network())
    for other in (np.ones((2, 3)), network().parameters()):
        with pytest.raises(TypeError, match=f"takes the network, .* but got a {type(other).__name__}"):
            kind(0.1)(other)
    assert repr(kind(0.1, biases=True)) == f"{kind.__name__}(0.1, biases=True)"
