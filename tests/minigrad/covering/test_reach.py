"""Which input first trains each weight: against the gradients themselves, input by input."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn
from minigrad.covering import reach
from minigrad.covering.reach import Powers
from minigrad.rules import products

from .draws import KINDS, first_by_brute_force, network

seeds = st.integers(0, 2**32 - 1)


def agrees_with_the_gradients(kind: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    net, x = network(kind, rng)
    covered = mg.coverage(net, x, progress=False)
    for name, first in first_by_brute_force(net, x, rng).items():
        np.testing.assert_array_equal(covered.first[name], first, err_msg=name)


@pytest.mark.parametrize("kind", KINDS)
@given(seed=seeds)
@settings(max_examples=25, deadline=None)
def test_generic_networks_train_what_has_a_gradient(kind: str, seed: int) -> None:
    agrees_with_the_gradients(kind, seed)


def paths_of(net: nn.Sequential, x: Any) -> dict[str, Any]:
    """Every path of a dense ReLU network by itself: which parameters lie on one without a factor of 0."""
    linears = [layer for layer in net if isinstance(layer, nn.Linear)]
    trained = {name: np.zeros(p.shape, dtype=bool) for name, p in net.named_parameters()}
    values = [[Fraction(v) for v in x]]
    for k, layer in enumerate(linears):
        bias = np.zeros(layer.n_out) if layer.bias is None else layer.bias.data
        sums = [
            sum((Fraction(w) * v for w, v in zip(row, values[-1], strict=True)), Fraction(b))
            for row, b in zip(layer.weight.data, bias, strict=True)
        ]
        values.append(sums if k == len(linears) - 1 else [max(s, Fraction(0)) for s in sums])
    sizes = [len(v) for v in values]
    for start in range(1, len(sizes)):
        for path in product(*map(range, sizes[start:])):
            open_ = all(values[start + i][j] > 0 for i, j in enumerate(path[:-1]))
            weights = [linears[start + i].weight.data[path[i + 1], path[i]] for i in range(len(path) - 1)]
            if open_ and all(weights):
                layer = 2 * (start - 1)
                for j, value in enumerate(values[start - 1]):
                    trained[f"{layer}.weight"][path[0], j] |= value != 0
                if linears[start - 1].bias is not None:
                    trained[f"{layer}.bias"][path[0]] = True
    return trained


@given(seed=seeds)
@settings(max_examples=60, deadline=None)
def test_degenerate_networks_train_what_lies_on_a_path(seed: int) -> None:
    net, x = network("dense", np.random.default_rng(seed), whole=True)
    assert isinstance(net, nn.Sequential)
    each = [paths_of(net, row) for row in x]
    for name, first in mg.coverage(net, x, progress=False).first.items():
        trained = np.stack([paths[name] for paths in each])
        np.testing.assert_array_equal(first, np.where(trained.any(axis=0), trained.argmax(axis=0), -1))


@pytest.mark.parametrize("kind", KINDS)
@given(seed=seeds)
@settings(max_examples=10, deadline=None)
def test_whatever_has_a_gradient_is_trained_also_in_degenerate_networks(kind: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    net, x = network(kind, rng, whole=True)
    covered = mg.coverage(net, x, progress=False)
    for name, first in first_by_brute_force(net, x, rng).items():
        has = first >= 0
        assert (covered.first[name][has] >= 0).all() and (covered.first[name] <= first)[has].all()


def test_paths_that_cancel_train_all_the_same() -> None:
    there, back = nn.Linear.of([[1.0], [1.0]]), nn.Linear.of([[1.0, -1.0]])
    net = nn.Sequential(nn.Linear.of([[2.0]]), there, back)
    x = mg.tensor([[1.0]])
    net(x).backward([[1.0]])
    assert net[0].weight.grad.item() == 0
    assert mg.coverage(net, [[1.0]]).first["0.weight"].item() == 0


def test_products_that_underflow_train_all_the_same() -> None:
    net = nn.Sequential(*(nn.Linear.of(np.full((1, 1), 1e-20, dtype=np.float32)) for _ in range(4)))
    x = np.full((1, 1), 1e30, dtype=np.float32)
    net(x).backward(np.ones((1, 1)))
    assert net[0].weight.grad.item() == 0
    assert mg.coverage(net, x).fraction == 1


@given(size=st.integers(1, 2**20), data=st.data())
def test_powers_tell_the_first_row_whatever_the_others_add(size: int, data: Any) -> None:
    powers = Powers(size)
    rows = data.draw(st.lists(st.integers(0, powers.rows), min_size=1, max_size=20, unique=True))
    totals = np.array([powers.write(np.array(rows)).sum(), (size * powers.write(np.array(rows))).sum()])
    np.testing.assert_array_equal(powers.read(totals), min(rows))
    np.testing.assert_array_equal(powers.read(totals / size)[1], min(rows))
    np.testing.assert_array_equal(powers.read(totals[:1] / size), min(rows))
    everything = size * np.sum(powers.write(np.arange(rows[0], powers.rows)))
    assert powers.read(np.array([everything]))[0] == rows[0]


def test_a_parameter_behind_something_smooth_that_mixes_is_named() -> None:
    class Inverse(nn.Module):
        def __init__(self) -> None:
            self.matrix = nn.Parameter(np.eye(2))

        def forward(self, x: Any) -> Any:
            return mg.relu(x) @ mg.linalg.inv(self.matrix)

    with pytest.raises(ValueError, match="matter to inv"):
        mg.coverage(Inverse(), np.ones((1, 2)))


class TestPlantedFaults:
    def test_zeros_of_the_input_ignored(self, monkeypatch: Any) -> None:
        monkeypatch.setattr(reach.np, "not_equal", lambda arg, zero: np.ones(np.shape(arg), dtype=bool))
        fails("dense")

    def test_gates_ignored(self, monkeypatch: Any) -> None:
        while_reaching(
            monkeypatch, type(mg.relu), "partial", lambda self, k, out, args: np.ones(np.shape(out))
        )
        fails("dense")

    def test_the_last_instead_of_the_first(self, monkeypatch: Any) -> None:
        monkeypatch.setattr(reach.np, "minimum", np.maximum)
        fails("functional")

    def test_too_few_bits(self, monkeypatch: Any) -> None:
        made = Powers.__init__

        def careless(self: Powers, size: int) -> None:
            made(self, size)
            self._bits, self._spread = 1, 0
            self._powers = np.append(np.ldexp(1.0, 900 - np.arange(self.rows)), 0.0)

        monkeypatch.setattr(Powers, "__init__", careless)
        fails("dense")

    def test_a_bias_forgotten(self, monkeypatch: Any) -> None:
        forgetful = [*products.linear.vjps[:2], lambda g, out, x, weight, bias: 0 * g]
        while_reaching(monkeypatch, products.linear, "vjps", forgetful)
        fails("dense")


def while_reaching(monkeypatch: Any, home: Any, name: str, fault: Any) -> None:
    """Plant a fault that coverage meets and the gradients do not."""
    real = reach.first_reaching

    def faulty(*args: Any) -> Any:
        with monkeypatch.context() as patch:
            patch.setattr(home, name, fault)
            return real(*args)

    monkeypatch.setattr("minigrad.covering.dataset.first_reaching", faulty)


def fails(kind: str) -> None:
    """One of some networks must show the fault."""
    for seed in range(12):
        try:
            agrees_with_the_gradients(kind, seed)
        except AssertionError:
            return
    pytest.fail("the fault was not caught")
