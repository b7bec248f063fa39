"""The patterns of a data set, against counting them one input at a time."""

from __future__ import annotations

import pickle
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn
from minigrad.thin.followed import chunks

from ..thin import plain
from ..thin.draws import networks

GATES = ("relu", "leaky", "maxout", "identity", "abs", "clip", "maximum")


def counted_alone(layers: plain.Layers, x: Any, labels: Any) -> None:
    """Patterns, counts, members, order and purity are those of a dictionary."""
    found = mg.regions.patterns(plain.build(layers), x, labels)
    alone = [str([gate.pattern for gate in plain.run(layers, row).gates]) for row in x]
    counts = Counter(alone)
    order = sorted(counts, key=lambda key: (-counts[key], alone.index(key)))
    assert found.counts.tolist() == [counts[key] for key in order]
    assert found.of.tolist() == [order.index(key) for key in alone]
    assert len(found) == len(found.patterns) == len({row.tobytes() for row in found.patterns})
    for k, key in enumerate(order):
        own = [i for i in range(len(x)) if alone[i] == key]
        assert found.members[k].tolist() == own
        label, share = Counter(sorted(labels[i] for i in own)).most_common(1)[0]
        assert found.majority is not None and found.majority[k] == label
        assert found.purities is not None and found.purities[k] == share / len(own)
    best = sum(max(Counter(labels[found.of == k]).values()) for k in range(len(found)))
    assert found.purity == pytest.approx(best / len(x))


@given(networks(whole=True, gates=GATES), st.integers(1, 30), st.integers(0, 99))
@settings(deadline=None)
def test_patterns_are_those_counted_one_by_one(drawn: Any, rows: int, seed: int) -> None:
    layers, x = drawn
    rng = np.random.default_rng(seed)
    inputs = rng.integers(-2, 3, size=(rows, len(x))).astype(float)
    counted_alone(layers, inputs, rng.integers(0, 3, size=rows))


def mixed() -> nn.Sequential:
    mg.manual_seed(2)
    return nn.Sequential(nn.Linear(2, 9), nn.ReLU(), nn.Linear(9, 6), nn.Maxout([1, 2, 3]), nn.Linear(3, 2))


def test_columns_are_units_and_say_what_they_choose() -> None:
    net, x = mixed(), np.random.default_rng(1).normal(size=(50, 2))
    found = mg.regions.patterns(net, x)
    assert found.units.tolist() == [[0, j] for j in range(9)] + [[1, j] for j in range(3)]
    for row, pattern in zip(x, found.patterns[found.of], strict=True):
        thin = mg.thin(net, row)
        assert pattern[:9].tolist() == thin.layers[0].active.tolist()
        assert thin.layers[1].winners is not None
        assert pattern[9:].tolist() == thin.layers[1].winners.tolist()
    assert found.patterns.dtype == np.int8 and found.purity is None
    assert mg.regions.patterns(nn.Sequential(*net[:2]), x).patterns.dtype == bool


class Extremes(nn.Module):
    def forward(self, x: mg.Tensor) -> mg.Tensor:
        low = np.min(np.sort(x, axis=-1)[..., 1:], axis=-1, keepdims=True)
        return np.maximum(np.max(x, axis=-1, keepdims=True), low + 1)


def test_gates_that_share_have_a_column_for_each_piece() -> None:
    found = mg.regions.patterns(Extremes(), [[1.0, 3.0, 3.0], [3.0, 3.0, 1.0], [2.0, 6.0, 6.0]])
    assert found.counts.tolist() == [2, 1] and found.of.tolist() == [0, 1, 0]
    assert len(found.units) == found.patterns.shape[1] == 9 + 2 + 3 + 2
    assert found.patterns[0, 11:14].tolist() == [0, 1, 1]


def test_images_and_blocks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    mg.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(2, 3))
    x = np.random.default_rng(0).normal(size=(40, 1, 4, 4)).round().astype(np.float32)
    whole = mg.regions.patterns(net, x, np.arange(40) % 3)
    assert len(whole) > 5
    monkeypatch.setitem(chunks.__globals__, "BYTES", 3000)
    assert len(list(chunks(net, x))) > 3
    parts = mg.regions.patterns(net, x, np.arange(40) % 3)
    jobs = mg.regions.patterns(net, x, np.arange(40) % 3, jobs=2)
    for other in (parts, jobs, pickle.loads(pickle.dumps(whole))):
        for name in ("counts", "of", "units", "patterns", "majority", "purities"):
            np.testing.assert_array_equal(getattr(other, name), getattr(whole, name))
    assert "patterns of 40 inputs" in repr(whole)


def test_back_ends_of_joblib_are_the_users_choice() -> None:
    joblib = pytest.importorskip("joblib")
    x = np.random.default_rng(0).normal(size=(30, 2))
    nets = [mixed() for _ in range(3)]
    with joblib.parallel_config(backend="threading"):
        found = joblib.Parallel(n_jobs=2)(joblib.delayed(mg.regions.patterns)(net, x) for net in nets)
    assert [len(each) for each in found] == [len(mg.regions.patterns(net, x)) for net in nets]


def test_without_gates_there_is_one_pattern() -> None:
    found = mg.regions.patterns(nn.Sequential(nn.Linear(2, 3)), np.eye(2), ["b", "a"])
    assert found.counts.tolist() == [2] and found.patterns.shape == (1, 0) and found.units.shape == (0, 2)
    assert found.majority is not None and found.majority.tolist() == ["a"] and found.purity == 0.5
    assert [each.tolist() for each in found.members] == [[0, 1]]


def test_what_is_wrong_is_named() -> None:
    net = mixed()
    with pytest.raises(ValueError, match="at least one input"):
        mg.regions.patterns(net, np.zeros((0, 2)))
    with pytest.raises(ValueError, match="input 1 has an entry"):
        mg.regions.patterns(net, [[0.0, 1.0], [np.nan, 1.0]])
    with pytest.raises(ValueError, match=r"Linear\(2, 9\)"):
        mg.regions.patterns(net, np.zeros((4, 3)))
    with pytest.raises(ValueError, match=r"one label for each of the 2 inputs, but got .* \(2, 2\)"):
        mg.regions.patterns(net, np.eye(2), np.eye(2))
    with pytest.raises(ValueError, match=r"net.eval\(\)"):
        mg.regions.patterns(nn.Sequential(nn.Dropout(0.5), *net), np.eye(2))
    with pytest.raises(mg.NotPiecewiseLinearError, match=r"Sigmoid"):
        mg.regions.patterns(nn.Sequential(*net, nn.Sigmoid()), np.eye(2))


@pytest.mark.parametrize("fault", ["_distinct", "_purities", "coded"])
def test_planted_faults_are_found(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = mg.regions.patterns.__globals__
    right = module[fault]
    wrong = {
        "_distinct": lambda codes, rows: right(codes[:-1], rows),
        "_purities": lambda of, labels: tuple(part[::-1] for part in right(of, labels)),
        "coded": lambda node, pattern: right(node, pattern) != 0,
    }
    monkeypatch.setitem(module, fault, wrong[fault])
    rng = np.random.default_rng(0)
    layers: plain.Layers = [("linear", rng.normal(size=(8, 2)), rng.normal(size=8)), ("maxout", (3, 3, 2))]
    layers += [("linear", rng.normal(size=(3, 3)), rng.normal(size=3)), ("relu",)]
    with pytest.raises(AssertionError):
        counted_alone(layers, 2 * rng.normal(size=(50, 2)), rng.integers(0, 3, size=50))
