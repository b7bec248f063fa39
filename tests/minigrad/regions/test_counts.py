"""How many pieces there are on a line: what is proved, and what is known of random networks."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn

seeds = st.integers(0, 10_000)


def folding(k: int, depth: int) -> nn.Module:
    """Fold [0, 1] onto itself k times, depth times: units kx and 2(kx − i), read out as + − + …"""
    weight = np.array([[float(k)], *([[2.0 * k]] * (k - 1))])
    bias = np.array([0.0, *(-2.0 * i for i in range(1, k))])
    signs = np.array([[(-1.0) ** i for i in range(k)]])
    return nn.Sequential(
        *(nn.Sequential(nn.Linear.of(weight, bias), nn.ReLU(), nn.Linear.of(signs)) for _ in range(depth))
    )


@pytest.mark.parametrize(("k", "depth"), [(2, 1), (2, 10), (3, 1), (3, 6), (4, 5), (7, 3)])
def test_the_folding_network_has_exactly_k_to_the_depth_pieces(k: int, depth: int) -> None:
    line = mg.regions.line(folding(k, depth), [0.0], [1.0])
    assert len(line) == k**depth
    np.testing.assert_allclose(line.knots, np.arange(k**depth + 1) / k**depth, atol=1e-9)
    np.testing.assert_allclose(line.values[:, 0], np.arange(k**depth + 1) % 2, atol=1e-6)
    np.testing.assert_allclose(np.abs(line.slopes), k**depth, rtol=1e-9)


@given(seed=seeds, n=st.integers(1, 12), d=st.integers(1, 4))
def test_a_hidden_layer_has_a_piece_more_than_neurons(seed: int, n: int, d: int) -> None:
    rng = np.random.default_rng(seed)
    net = nn.Sequential(nn.Linear.of(rng.normal(size=(n, d)), rng.normal(size=n)), nn.ReLU(), nn.Linear(n, 1))
    line = mg.regions.line(net, rng.normal(size=d), rng.normal(size=d), whole=True)
    assert len(line) == n + 1


@given(seed=seeds, n=st.integers(1, 6), k=st.integers(2, 5))
def test_a_maxout_layer_has_at_most_what_its_pieces_allow(seed: int, n: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    net = nn.Sequential(nn.Linear.of(rng.normal(size=(n * k, 1)), rng.normal(size=n * k)), nn.Maxout(k))
    assert len(mg.regions.line(net, [0.0], [1.0], whole=True)) <= n * (k - 1) + 1


def test_tangents_to_a_parabola_reach_the_bound_of_maxout() -> None:
    k = 7
    at = -1 + (2 * np.arange(1, k + 1) - 1) / k
    net = nn.Sequential(nn.Linear.of(2 * at[:, None], -(at**2)), nn.Maxout(k))
    line = mg.regions.line(net, [-1.0], [1.0])
    assert len(line) == k
    x = -1 + 2 * line.knots
    np.testing.assert_allclose((x**2 - line.values[:, 0]).max(), 1 / k**2)  # at the kinks it is furthest


def test_random_networks_have_about_as_many_pieces_as_neurons() -> None:
    counts = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        widths = [8, 40, 40, 40]
        layers: list[nn.Module] = []
        for a, b in pairwise(widths):
            weight = rng.normal(size=(b, a)) * (2 / a) ** 0.5
            layers += [nn.Linear.of(weight, 0.1 * rng.normal(size=b)), nn.ReLU()]
        a, b = rng.normal(size=(2, 8))
        counts.append(len(mg.regions.line(nn.Sequential(*layers), a, b, whole=True)))
    assert 0.9 * 120 < np.mean(counts) < 1.25 * 120
