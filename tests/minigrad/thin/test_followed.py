"""Many inputs at once: the same as each alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn
from minigrad.thin.affine import affine_map
from minigrad.thin.followed import checked_inputs, chunks, follow, record

NETWORKS = {
    "relu": lambda: nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 2)),
    "mixed": lambda: nn.Sequential(
        nn.Linear(3, 6),
        nn.Maxout([1, 2, 3]),
        nn.Residual(nn.Linear(3, 3), nn.LeakyReLU(0.1)),
        nn.Linear(3, 2),
    ),
    "prelu": lambda: nn.Sequential(nn.Linear(3, 5), nn.PReLU(), nn.Dropout(0.5, scaling="weights")).eval(),
    "linear": lambda: nn.Sequential(nn.Linear(3, 2)),
}


class Sorted(nn.Module):
    def forward(self, x: mg.Tensor) -> mg.Tensor:
        return np.clip(np.sort(x, axis=-1), -0.5, 0.5) + np.max(x, axis=-1, keepdims=True)


class Pooled(nn.Module):
    def forward(self, x: mg.Tensor) -> mg.Tensor:
        return np.reshape(mg.max_pool2d(mg.avg_pool2d(x, 1), 2), (len(x), -1))


class Centred(nn.Module):
    def forward(self, x: mg.Tensor) -> mg.Tensor:
        return np.maximum(x - np.mean(x, axis=0), 0)


@pytest.mark.parametrize("name", NETWORKS)
@given(seed=st.integers(0, 99), rows=st.integers(1, 5))
def test_every_row_of_a_batch_is_followed_as_it_is_alone(name: str, seed: int, rows: int) -> None:
    mg.manual_seed(seed)
    check(NETWORKS[name](), np.random.default_rng(seed).normal(size=(rows, 3)))


@given(seed=st.integers(0, 99), rows=st.integers(1, 5))
def test_gates_that_compare_entries_compare_those_of_a_row(seed: int, rows: int) -> None:
    rng = np.random.default_rng(seed)
    check(Sorted(), rng.normal(size=(rows, 3)))
    check(Pooled(), rng.normal(size=(rows, 2, 4, 4)))


def check(net: nn.Module, x: np.ndarray) -> None:
    directions = np.random.default_rng(1).normal(size=(2, *x.shape[1:]))
    followed = follow(net, x, directions)
    for k, row in enumerate(x):
        alone = affine_map(net, row)
        flat = directions.reshape(2, -1)
        np.testing.assert_allclose(
            followed.slopes[:, k], flat @ alone.weight.reshape(-1, row.size).T, atol=1e-12
        )
        np.testing.assert_allclose(followed.output[k], alone.output.ravel(), atol=1e-12)
        for gate, expected in zip(followed.gates, alone.gates, strict=True):
            np.testing.assert_array_equal(gate.pattern[k].ravel(), expected.pattern.ravel())
            np.testing.assert_allclose(gate.margins[k].ravel(), expected.margins.ravel(), atol=1e-12)
            change = np.tensordot(flat, expected.slopes, axes=1)
            np.testing.assert_allclose(gate.slopes[:, k].reshape(2, -1), change.reshape(2, -1), atol=1e-12)
    recorded = record(net, x)
    for pattern, gate in zip(recorded.patterns, followed.gates, strict=True):
        np.testing.assert_array_equal(pattern, gate.pattern)


def test_the_chunks_of_a_batch_are_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(chunks.__globals__, "BYTES", 1000)
    x = np.arange(300.0).reshape(100, 3)
    parts = [x[part] for part in chunks(NETWORKS["relu"](), x)]
    assert len(parts) > 10
    np.testing.assert_array_equal(np.concatenate(parts), x)


def test_rows_that_depend_on_each_other_are_refused() -> None:
    with pytest.raises(ValueError, match="treat every row of a batch alone"):
        record(Centred(), np.arange(6.0).reshape(3, 2))


def test_masks_that_change_from_call_to_call_are_refused() -> None:
    net = nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.5), nn.ReLU())
    with pytest.raises(ValueError, match=r"call net.eval\(\)"):
        record(net, np.ones((3, 2)))
    assert record(net.eval(), np.ones((3, 2))).output.shape == (3, 3)


def test_a_smooth_layer_is_named() -> None:
    with pytest.raises(mg.NotPiecewiseLinearError, match=r"layer 1 \(Tanh\)"):
        record(nn.Sequential(nn.Linear(2, 3), nn.Tanh()), np.ones((3, 2)))


@pytest.mark.parametrize(
    ("x", "error", "words"),
    [
        (np.ones(3), ValueError, r"\(inputs, n_in\)"),
        (np.ones((0, 3)), ValueError, "at least one input"),
        (np.array([[1.0, 2.0], [np.nan, 1.0]]), ValueError, "input 1 has an entry"),
        ([[1.0], [1.0, 2.0]], ValueError, "equal shape"),
        (np.array([["a"]]), TypeError, "dtype"),
        (np.ones((2, 3), dtype=complex), TypeError, "complex"),
    ],
)
def test_bad_inputs_are_named(x: object, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        checked_inputs(NETWORKS["relu"](), x, "patterns")


def test_what_is_no_network_is_named() -> None:
    with pytest.raises(TypeError, match="list"):
        checked_inputs([1], np.ones((2, 3)), "patterns")  # type: ignore[arg-type]
