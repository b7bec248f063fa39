"""The thin linear networks of a data set: those of each input alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn
from minigrad.thin import batch, followed

from .checks import close
from .parts import Apply, any_networks


def agrees(net: nn.Module, x: Any) -> mg.ThinBatch:
    """Everything there is for the batch is what it is for each input."""
    thins = mg.thin_batch(net, x)
    assert len(thins) == len(x)
    for i, row in enumerate(x):
        alone = mg.thin(net, row)
        close(thins.output[i], alone.output)
        close(thins.weight[i], alone.weight)
        close(thins.bias[i], alone.bias)
        np.testing.assert_allclose(thins.radius[i], alone.radius, rtol=1e-9)
        assert len(thins.patterns) == len(alone.patterns)
        for ours, theirs in zip(thins.patterns, alone.patterns, strict=True):
            np.testing.assert_array_equal(ours[i], theirs)
        assert thins[i].next_flip == alone.next_flip
    return thins


@given(any_networks() | any_networks(image=True), st.integers(1, 4))
def test_a_batch_is_its_inputs(case: Any, rows: int) -> None:
    net, x = case
    agrees(net, x + np.random.default_rng(0).normal(size=(rows, *x.shape)))


def test_in_parts_it_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    net = nn.Sequential(nn.Linear(3, 5, dtype=float), nn.ReLU(), nn.Linear(5, 2, dtype=float))
    x = np.random.default_rng(0).normal(size=(20, 3))
    whole = mg.thin_batch(net, x)
    monkeypatch.setattr(followed, "BYTES", 2000)
    parts = agrees(net, x)
    np.testing.assert_array_equal(parts.weight, whole.weight)
    np.testing.assert_array_equal(parts.bias, whole.bias)


class OnlyVectors(nn.Module):
    """Takes no batches."""

    def forward(self, x: mg.Tensor) -> mg.Tensor:
        if x.ndim != 1:
            raise ValueError(f"one vector, please, not {x.shape}")
        return np.sort(x)


class Centred(nn.Module):
    """Mixes the rows of a batch."""

    def forward(self, x: mg.Tensor) -> mg.Tensor:
        return np.abs(x - np.mean(x, axis=0)) if x.ndim == 2 else np.abs(x)


@pytest.mark.parametrize("net", [OnlyVectors(), Centred()])
def test_a_network_that_takes_no_batches_is_asked_for_each_input(net: nn.Module) -> None:
    assert isinstance(agrees(net, np.random.default_rng(0).normal(size=(4, 3))), batch.ThinList)


def test_with_dropout_in_training_every_input_has_its_masks() -> None:
    net = nn.Sequential(
        nn.Linear(4, 50, dtype=float), nn.ReLU(), nn.Dropout(0.5), nn.Linear(50, 1, dtype=float)
    )
    thins = mg.thin_batch(net, np.ones((3, 4)))
    assert len({thin.layers[0].dropped.tobytes() for thin in thins}) == 3
    for i, thin in enumerate(thins):
        np.testing.assert_array_equal(thin.weight, thins.weight[i])
        assert thins[i] is thin


def test_training_goes_on_without_it() -> None:
    net = nn.Sequential(nn.Linear(2, 3, dtype=float), nn.ReLU(), nn.Linear(3, 1, dtype=float))
    x = np.random.default_rng(0).normal(size=(3, 2))
    thins = mg.thin_batch(net, x)
    radius = mg.thin_batch(net, x).radius
    for parameter in net.parameters():
        parameter.data += 1
    x += 1
    np.testing.assert_array_equal(thins.radius, radius)
    close(thins[1].weight, thins.weight[1])


def test_float32_stays_float32() -> None:
    thins = mg.thin_batch(nn.Sequential(nn.Linear(2, 3), nn.ReLU()), [[1, 2], [3, 4]])
    assert {a.dtype for a in (thins.x, thins.output, thins.weight, thins.bias, thins.radius)} == {
        np.dtype(np.float32)
    }


@pytest.mark.parametrize(
    "function", [lambda x: 0 * x[:, :1] + mg.tensor([2.0]), lambda x: x, lambda x: x[:, :0]]
)
def test_the_smallest_networks(function: Any) -> None:
    agrees(
        Apply(lambda x: function(x) if x.ndim == 2 else function(x[None])[0]),
        np.array([[1.0, 2.0], [3.0, 4.0]]),
    )


def test_it_is_numbered_like_a_list() -> None:
    thins = mg.thin_batch(nn.Sequential(nn.Linear(2, 1, dtype=float)), np.eye(2))
    np.testing.assert_array_equal(thins[-1].x, [0.0, 1.0])
    assert len(list(thins)) == 2 and repr(thins) == "ThinBatch(2 inputs, 2 → 1)"
    with pytest.raises(IndexError, match="2 thin networks, numbered 0 to 1; not 2"):
        thins[2]


@pytest.mark.parametrize(
    ("net", "x", "error", "message"),
    [
        (nn.ReLU(), [1.0, 2.0], ValueError, r"thin_batch takes inputs of shape \(inputs, n_in\)"),
        (nn.ReLU(), np.zeros((0, 2)), ValueError, "at least one input"),
        (nn.ReLU(), [[np.nan]], ValueError, "input 0"),
        ([nn.ReLU()], [[1.0]], TypeError, "thin_batch takes a network"),
        (nn.Linear(3, 2), np.ones((2, 4)), ValueError, r"Linear\(3, 2\) got"),
        (nn.Linear.of([[1e300]]), [[1e300]], ValueError, "not finite"),
        (nn.Sequential(nn.Linear(2, 2), nn.Tanh()), [[1.0, 2.0]], mg.NotPiecewiseLinearError, "error.part"),
    ],
)
def test_what_is_refused(net: Any, x: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        mg.thin_batch(net, x)


def test_a_wrong_row_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    net, x = Apply(np.abs), np.array([[1.0, 2.0], [-1.0, 2.0]])
    agrees(net, x)
    maps = batch._maps

    def turned(recorded: Any) -> Any:
        output, weight, *others = maps(recorded)
        return output, weight[::-1], *others

    monkeypatch.setattr(batch, "_maps", turned)
    with pytest.raises(AssertionError):
        agrees(net, x)
