"""The dropout microscope: against a loop over all masks, and what is exact about weight scaling."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn

from . import plain
from .plain import ACTIVATIONS

seeds = st.integers(0, 2**32 - 1)
rate = st.sampled_from([0.0, 0.2, 0.5, 0.75])
scalings = st.sampled_from(["inverted", "weights"])


def made(seed: int, activation: str, rates: Any, scaling: str = "inverted", widths: Any = (3, 4, 3)) -> Any:
    rng = np.random.default_rng(seed)
    parts = plain.layers(rng, activation, rates, widths)
    return parts, plain.build(parts, scaling), rng.normal(size=widths[0])


def close(actual: Any, expected: Any, rounding: float = 1e-12) -> None:
    scale = max(1.0, float(np.abs(expected).max(initial=0)))
    np.testing.assert_allclose(actual, expected, rtol=0, atol=rounding * scale)


class TestAllMasks:
    @pytest.mark.parametrize("activation", ACTIVATIONS)
    @given(seed=seeds, first=rate, second=rate.filter(bool), scaling=scalings)
    @settings(max_examples=15, deadline=None)
    def test_equal_to_a_loop_over_them(
        self, activation: str, seed: int, first: float, second: float, scaling: str
    ) -> None:
        parts, net, x = made(seed, activation, (first, second), scaling)
        found = mg.dropout_ensemble(net, x)
        masks, chances, outputs = plain.everything(parts, x, scaling)
        order = np.lexsort(found.masks.T[::-1])  # as itertools.product has them
        assert found.exact and found.weights.sum() == pytest.approx(1, abs=1e-12)
        np.testing.assert_array_equal(found.masks[order], masks)
        close(found.outputs[order], outputs)
        close(found.weights[order], chances)
        mean, scaled = chances @ outputs, plain.run(parts, x, None, scaling)
        close(found.mean, mean)
        close(found.scaled, scaled)
        geometric = np.prod(plain.softmax(outputs) ** chances[:, None], axis=0)
        close(found.geometric, geometric / geometric.sum())
        close(found.arithmetic, chances @ plain.softmax(outputs))
        close(found.distances.relative, np.linalg.norm(scaled - mean) / np.linalg.norm(mean), 1e-9)
        close(found.distances.max_abs, np.abs(scaled - mean).max())
        q, p = plain.softmax(scaled), chances @ plain.softmax(outputs)
        close(found.distances.arithmetic, np.abs(p - q).sum() / 2)
        close(found.distances.arithmetic_kl, (p * np.log(p / q)).sum())
        assert not found.mean_error.any() and not found.arithmetic_error.any()

    def test_where_neurons_may_leave(self) -> None:
        _, net, x = made(0, "ReLU", (0.2, 0.5))
        places = mg.dropout_ensemble(net, x).places
        assert [(place.name, place.p, place.units) for place in places] == [("0", 0.2, 3), ("3", 0.5, 4)]

    def test_images_drop_pixel_by_pixel_and_batch_norm_stands_still(self) -> None:
        net = nn.Sequential(
            nn.Dropout(0.5), nn.Conv2d(1, 2, 2, dtype=float), nn.BatchNorm(2), nn.Flatten(), nn.Linear(8, 2)
        ).train()
        before = net.state_dict()
        found = mg.dropout_ensemble(net, np.arange(9.0).reshape(1, 3, 3))
        assert found.masks.shape == (512, 9) and found.distances.relative < 1e-6
        for name, value in net.state_dict().items():
            np.testing.assert_array_equal(value, before[name])
        assert all(module.training for module in net.modules())

    def test_a_layer_that_never_drops_costs_no_masks(self) -> None:
        net = nn.Sequential(nn.Dropout(0.0), nn.Linear(30, 4), nn.Dropout(0.5), nn.Linear(4, 2))
        assert mg.dropout_ensemble(net, np.ones(30)).masks.shape == (16, 34)

    def test_the_network_is_left_as_it_was(self) -> None:
        _, net, x = made(0, "tanh", (0.2, 0.5))
        rngs = [np.random.default_rng(1), None]
        net[0].rng, net[3].rng = rngs
        net.train()
        net[3].training = False
        mg.dropout_ensemble(net, x)
        assert [net[0].rng, net[3].rng] == rngs
        assert net[0].training and not net[3].training and net[1].weight.grad is None


class TestExact:
    @given(seed=seeds, scaling=scalings, rates=st.tuples(rate, rate, rate.filter(bool)))
    @settings(max_examples=30, deadline=None)
    def test_linear_networks(self, seed: int, scaling: str, rates: Any) -> None:
        _, net, x = made(seed, "linear", rates, scaling, (2, 3, 3, 4))
        found = mg.dropout_ensemble(net, x)
        close(found.mean, found.scaled, 1e-14 * max(1, np.abs(found.outputs).max()))
        close(found.geometric, found.scaled_probabilities, 1e-12)
        assert found.distances.geometric < 1e-12

    @given(seed=seeds, scaling=scalings)
    @settings(max_examples=30, deadline=None)
    def test_one_softmax_layer(self, seed: int, scaling: str) -> None:
        """Its geometric mean is weight scaling's; its arithmetic mean is another."""
        _, net, x = made(seed, "linear", (0.5,), scaling, (6, 4))
        found = mg.dropout_ensemble(net, x)
        close(found.geometric, found.scaled_probabilities, 1e-12)
        assert found.distances.arithmetic > 1e-6

    @pytest.mark.parametrize("activation", ACTIVATIONS)
    @given(seed=seeds)
    @settings(max_examples=8, deadline=None)
    def test_dropping_before_the_last_layer_alone_whatever_the_activation(
        self, activation: str, seed: int
    ) -> None:
        _, net, x = made(seed, activation, (0.0, 0.5))
        found = mg.dropout_ensemble(net, x)
        close(found.mean, found.scaled, 1e-13 * max(1, np.abs(found.outputs).max()))

    @pytest.mark.parametrize("activation", [name for name in ACTIVATIONS if name != "linear"])
    def test_close_but_not_equal_elsewhere(self, activation: str) -> None:
        off = []
        for seed in range(40):
            _, net, x = made(seed, activation, (0.5, 0.5), widths=(4, 4, 3))
            off.append(mg.dropout_ensemble(net, x).distances.relative)
        assert 1e-3 < np.median(off) < 0.5

    def test_wrong_weights_of_the_masks_are_noticed(self) -> None:
        """A planted fault: all masks alike at a rate other than one half."""
        _, net, x = made(0, "linear", (0.2, 0.2))
        found = mg.dropout_ensemble(net, x)
        assert np.abs(found.outputs.mean(axis=0) - found.scaled).max() > 1e-3
        close(found.mean, found.scaled)


class TestDrawnMasks:
    def test_within_their_standard_error(self) -> None:
        _, net, x = made(3, "ReLU", (0.2, 0.5))
        exact, drawn = mg.dropout_ensemble(net, x), mg.dropout_ensemble(net, x, samples=20_000, seed=1)
        assert not drawn.exact and len(drawn.masks) == 20_000
        for name in ("mean", "arithmetic"):
            error = getattr(drawn, f"{name}_error")
            off = np.abs(getattr(drawn, name) - getattr(exact, name))
            assert (off < 5 * error).all() and (error > 0).all() and (error < 0.1).all()

    def test_the_seed_decides(self) -> None:
        _, net, x = made(3, "ReLU", (0.2, 0.5))
        one, same, other = (mg.dropout_ensemble(net, x, samples=50, seed=seed) for seed in (1, 1, 2))
        np.testing.assert_array_equal(one.masks, same.masks)
        assert (one.masks != other.masks).any()

    def test_large_networks_are_sampled(self) -> None:
        net = nn.Sequential(nn.Linear(5, 60), nn.ReLU(), nn.Dropout(0.5), nn.Linear(60, 2))
        found = mg.dropout_ensemble(net, np.ones(5))
        assert not found.exact and len(found.masks) == 10_000
        assert "10,000 masks drawn of 60 neurons" in found.summary() and "±" in found.summary()


class TestBadInput:
    net = nn.Sequential(nn.Dropout(0.5), nn.Linear(3, 2))

    @pytest.mark.parametrize(
        ("x", "message"),
        [
            ([1.0, np.nan, 1.0], "finite"),
            ([], "at least one number"),
            (1.0, "at least one number"),
            ([1.0, 2.0], r"Linear\(3, 2\) got \(1, 2\)"),
            ([[1.0], [1.0, 2.0]], "equal shape"),
        ],
    )
    def test_inputs(self, x: Any, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            mg.dropout_ensemble(self.net, x)

    def test_others(self) -> None:
        with pytest.raises(ValueError, match="no Dropout layer"):
            mg.dropout_ensemble(nn.Sequential(nn.Linear(3, 2)), np.ones(3))
        with pytest.raises(TypeError, match=r"nn\.Module"):
            mg.dropout_ensemble(abs, np.ones(3))  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="dtype <U1"):
            mg.dropout_ensemble(self.net, ["a"])  # type: ignore[list-item]
        with pytest.raises(ValueError, match="samples must be a whole number, at least 2"):
            mg.dropout_ensemble(self.net, np.ones(3), samples=1)
        with pytest.raises(ValueError, match="vector of finite numbers"):
            mg.dropout_ensemble(self.net, np.ones((2, 3)))


def test_it_says_itself() -> None:
    net = nn.Sequential(nn.Dropout(0.5), nn.Linear.of([[1.0, 1.0], [1.0, -1.0]]))
    found = mg.dropout_ensemble(net, [1.0, 2.0])
    assert repr(found) == "DropoutEnsemble(4 masks, weight scaling off by 0)"
    assert str(found).startswith("Dropout's ensemble: all 4 masks of 2 neurons: 2 at 0 (p = 0.5)")
