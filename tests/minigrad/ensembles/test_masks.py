"""The masks that a mini-batch draws, and how many of them train each weight."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn

seeds = st.integers(0, 2**32 - 1)


def network(seed: int = 0) -> nn.Sequential:
    mg.manual_seed(seed)
    parts = [nn.Linear(4, 6, dtype=float), nn.ReLU(), nn.Dropout(0.5), nn.Linear(6, 3, dtype=float)]
    return nn.Sequential(nn.Dropout(0.25), *parts)


class TestMasks:
    @given(seed=seeds)
    @settings(max_examples=20, deadline=None)
    def test_they_are_those_that_the_layers_draw(self, seed: int) -> None:
        net, x = network(), np.random.default_rng(seed).normal(size=(7, 4))
        (first, inputs), (second, hidden) = mg.dropout_masks(net, x, seed=seed)
        assert (first, second) == ("0", "3") and inputs.shape == (7, 4) and hidden.shape == (7, 6)
        net[0].rng = net[3].rng = np.random.default_rng(seed)
        said = net.train()(x).data
        on = np.maximum((x * inputs / 0.75) @ net[1].weight.data.T + net[1].bias.data, 0) * hidden / 0.5
        np.testing.assert_allclose(said, on @ net[4].weight.data.T + net[4].bias.data)

    def test_how_many_stay(self) -> None:
        masks = dict(mg.dropout_masks(network(), np.ones((20_000, 4))))
        assert masks["0"].mean() == pytest.approx(0.75, abs=0.01)
        assert masks["3"].mean() == pytest.approx(0.5, abs=0.01)

    def test_nothing_is_changed(self) -> None:
        net = network()
        mine = net[0].rng = np.random.default_rng(5)
        state = mine.bit_generator.state
        mg.dropout_masks(net, np.ones((3, 4)))
        assert net[0].rng is mine and mine.bit_generator.state == state and net[3].rng is None

    def test_bad_input(self) -> None:
        with pytest.raises(ValueError, match="no Dropout layer"):
            mg.dropout_masks(nn.Sequential(nn.Linear(3, 2)), np.ones((1, 3)))
        with pytest.raises(TypeError, match="seed"):
            mg.dropout_masks(network(), np.ones((1, 4)), seed="x")  # type: ignore[arg-type]


def train(net: nn.Module, callbacks: Any, epochs: int = 2, **options: Any) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(50, 4)), rng.integers(0, 3, 50)
    x[:, 0] = 0
    mg.fit(
        net, (x, y), loss=nn.cross_entropy, optimizer=mg.optim.SGD(net.parameters(), lr=0.1), epochs=epochs,
        batch_size=8, callbacks=callbacks, progress=False, **options,
    )  # fmt: skip
    return x, y


class TestCounting:
    def test_against_the_gradients_of_every_input_with_its_mask(self) -> None:
        """Independent: the masks are drawn again, and the gradient of each input taken by itself."""
        seen: list[tuple[Any, ...]] = []

        class Spy(nn.Module):
            """Sees weights, inputs and masks of every step; the inputs are leaves, so that it can."""

            def __init__(self, inside: nn.Sequential) -> None:
                self.inside = inside

            def forward(self, x: Any) -> Any:
                drop, linear, relu, drop_again, last = self.inside
                given = drop(mg.tensor(x.data, requires_grad=self.training))
                hidden = drop_again(relu(linear(given)))
                if self.training:
                    masks = given._node.args[1], hidden._node.args[1]
                    seen.append((linear.weight.data.copy(), linear.bias.data.copy(), x.data.copy(), *masks))
                return last(hidden)

        count = mg.CountMasks()
        train(Spy(network()), [count])
        assert count.masks == 100 == sum(len(x) for _, _, x, *_ in seen)
        first, second = np.zeros((6, 4), dtype=int), np.zeros((3, 6), dtype=int)
        for weight, bias, *rows in seen:
            for row, mask, stays in zip(*rows, strict=True):
                on = (weight @ (row * mask) + bias > 0) & (stays > 0)
                first += on[:, None] & (row * mask != 0)
                second += on
        np.testing.assert_array_equal(count.counts["inside.1.weight"], first)
        np.testing.assert_array_equal(count.counts["inside.4.weight"], second)

    def test_shares_of_the_masks(self) -> None:
        """Without gates a weight takes part where both its ends stay: (1 − p) of each end."""
        net = nn.Sequential(nn.Dropout(0.25), nn.Linear(4, 6), nn.Dropout(0.5), nn.Linear(6, 3))
        count = mg.CountMasks()
        train(net, [count], epochs=60)
        shares = count.counts["1.weight"] / count.masks
        assert count.masks == 3000
        np.testing.assert_allclose(shares[:, 1:], 0.75 * 0.5, atol=0.05)
        np.testing.assert_array_equal(shares[:, 0], 0)
        np.testing.assert_allclose(count.counts["3.weight"] / count.masks, 0.5, atol=0.05)

    def test_training_is_the_same_with_and_without_and_with_validation(self) -> None:
        plain, counted, count = network(1), network(1), mg.CountMasks()
        x, _ = train(plain, [], validation=(np.ones((9, 4)), np.zeros(9, dtype=int)))
        train(counted, [count], validation=(np.ones((9, 4)), np.zeros(9, dtype=int)))
        for one, other in zip(plain.parameters(), counted.parameters(), strict=True):
            np.testing.assert_array_equal(one.data, other.data)
        assert count.masks == 2 * len(x)

    def test_a_second_training_starts_from_nothing(self) -> None:
        count = mg.CountMasks()
        train(network(), [count], epochs=1)
        train(network(), [count], epochs=1)
        assert count.masks == 50
