"""Coverage of a data set: thin networks put back, growth, neurons, bad input, interruptions, several jobs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn
from minigrad.covering import dataset

from .draws import KINDS, gradients, network

seeds = st.integers(0, 2**32 - 1)


def covered(net: nn.Module, x: Any, **options: Any) -> mg.Coverage:
    return mg.coverage(net, x, progress=False, **options)


def same(a: mg.Coverage, b: mg.Coverage) -> None:
    assert a.inputs == b.inputs and a.first.keys() == b.first.keys() and len(a.neurons) == len(b.neurons)
    np.testing.assert_array_equal(a.shown, b.shown)
    for name in a.first:
        np.testing.assert_array_equal(a.first[name], b.first[name])
    for one, other in zip(a.neurons, b.neurons, strict=True):
        for part in ("counts", "closed", "pieces"):
            np.testing.assert_array_equal(getattr(one, part), getattr(other, part))


@given(seed=seeds, kind=st.sampled_from(["dense", "leaky", "maxout"]))
@settings(max_examples=40, deadline=None)
def test_each_input_trains_its_thin_network_alone(seed: int, kind: str) -> None:
    """The full gradient is the thin network's, put back; zero elsewhere; what is not 0 is covered."""
    rng = np.random.default_rng(seed)
    net, x = network(kind, rng)
    union = {name: np.zeros(p.shape, dtype=bool) for name, p in net.named_parameters()}
    for row in x:
        thin = mg.thin(net, row)
        cotangent = rng.normal(size=len(thin.output))
        thin.network(row).backward(cotangent)
        back = thin.scatter({name: p.grad for name, p in thin.network.named_parameters()})
        full, alone = gradients(net, row, cotangent), covered(net, row[None]).trained
        for name, gradient in full.items():
            np.testing.assert_allclose(back[name], gradient, rtol=1e-10, atol=1e-12)
            np.testing.assert_array_equal(gradient != 0, alone[name])
            union[name] |= gradient != 0
    for name, trained in covered(net, x).trained.items():
        np.testing.assert_array_equal(trained, union[name])


class TestGrowth:
    @given(seed=seeds, kind=st.sampled_from(KINDS))
    @settings(max_examples=30, deadline=None)
    def test_it_is_the_coverage_of_the_inputs_so_far(self, seed: int, kind: str) -> None:
        net, x = network(kind, np.random.default_rng(seed))
        whole = covered(net, x)
        for part in ("", next(iter(whole.first))):
            for n in range(1, len(x) + 1):
                assert whole.growth(part)[n - 1] == pytest.approx(covered(net, x[:n]).growth(part)[-1])
        assert whole.fraction == whole.growth()[-1]

    def test_of_a_layer_and_of_a_parameter(self) -> None:
        net = nn.Sequential(nn.Linear.of([[1.0, 1.0]], [0.0]), nn.ReLU(), nn.Linear.of([[1.0]], [0.0]))
        found = covered(net, [[-1.0, 0.0], [0.0, 1.0]])
        np.testing.assert_allclose(found.growth("0"), [0, 2 / 3])
        np.testing.assert_allclose(found.growth("0.weight"), [0, 0.5])
        np.testing.assert_allclose(found.growth("2.bias"), [1, 1])
        np.testing.assert_allclose(found.growth(), [1 / 5, 4 / 5])
        with pytest.raises(KeyError, match=r"no parameters are at '1'; there are 0\.weight, 0\.bias"):
            found.growth("1")

    def test_more_than_one_block_of_rows(self) -> None:
        rng = np.random.default_rng(0)
        net = nn.Sequential(nn.Linear(50, 6, dtype=float), nn.ReLU(), nn.Linear(6, 3, dtype=float))
        x = np.where(rng.random((700, 50)) < 0.99, 0, rng.normal(size=(700, 50)))
        found = covered(net, x)
        first = np.full((6, 50), -1)
        for row in range(700):
            on = (net[0](x[row : row + 1]).data[0] > 0)[:, None] & (x[row] != 0) & (first < 0)
            first[on] = row
        np.testing.assert_array_equal(found.first["0.weight"], first)
        assert first.max() > 200


class TestNeurons:
    def test_dead_linear_and_mixed_relus(self) -> None:
        net = nn.Sequential(nn.Linear.of([[0.0], [0.0], [1.0]], [-1.0, 1.0, 0.0]), nn.ReLU())
        (layer,) = covered(net, [[-1.0], [1.0], [2.0], [0.0]]).neurons
        assert (layer.name, layer.kind, layer.units, layer.unused) == ("1", "ReLU", 3, None)
        assert layer.dead.tolist() == [True, False, False]
        assert layer.linear.tolist() == [False, True, False]
        assert layer.mixed.tolist() == [False, False, True]
        np.testing.assert_array_equal(layer.counts, [[4, 0], [0, 4], [2, 2]])
        np.testing.assert_array_equal(layer.shares[2], [0.5, 0.5])
        np.testing.assert_array_equal(layer.pieces, [[0, 1, 0], [0, 1, 1], [0, 1, 1], [0, 1, 0]])

    def test_a_leaky_unit_is_never_dead_and_a_clipped_one_may_be(self) -> None:
        leaky = covered(nn.Sequential(nn.Linear.of([[1.0]]), nn.LeakyReLU()), [[-1.0], [-2.0]]).neurons[0]
        assert leaky.linear.all() and not leaky.dead.any()
        clipped = covered(nn.Sequential(nn.Linear.of([[9.0]]), nn.Hardtanh()), [[-1.0], [2.0]]).neurons[0]
        assert clipped.dead.all()
        np.testing.assert_array_equal(clipped.counts, [[1, 0, 1]])

    def test_which_pieces_of_a_maxout_win(self) -> None:
        net = nn.Sequential(
            nn.Linear.of([[1.0], [0.0], [-9.0], [0.0], [9.0]], [0, -9.0, -99.0, 0, 0]), nn.Maxout([3, 2])
        )
        (layer,) = covered(net, [[1.0], [2.0], [-1.0]]).neurons
        np.testing.assert_array_equal(layer.counts, [[3, 0, 0], [1, 2, 0]])
        assert layer.unused == 2
        assert layer.linear.tolist() == [True, False]
        np.testing.assert_array_equal(layer.pieces, [[0, 1], [0, 1], [0, 0]])

    def test_maximum_of_what_is_fixed_and_pooling(self) -> None:
        class Floor(nn.Module):
            def forward(self, x: Any) -> Any:
                return mg.maximum(x, 0.0)

        (layer,) = covered(nn.Sequential(nn.Linear.of([[1.0]]), Floor()), [[-1.0], [-3.0]]).neurons
        assert layer.dead.all() and layer.unused == 1
        pooled = nn.Sequential(nn.Conv2d(1, 1, 1), nn.MaxPool2d(2), nn.Flatten())
        (layer,) = covered(pooled, np.arange(32.0).reshape(2, 1, 4, 4)).neurons
        assert layer.units == 4 and layer.counts.shape[-1] == 4 and layer.linear.all() and layer.unused == 12

    def test_the_barcode_shows_a_thousand_inputs_of_many(self) -> None:
        net = nn.Sequential(nn.Linear.of([[1.0]]), nn.ReLU())
        x = np.random.default_rng(0).normal(size=(2345, 1))
        found = covered(net, x)
        assert len(found.shown) == 1000 and found.shown[0] == 0 and found.shown[-1] == 2344
        np.testing.assert_array_equal(found.neurons[0].pieces[:, 0], x[found.shown, 0] > 0)
        np.testing.assert_array_equal(found.neurons[0].counts[0, 1], (x > 0).sum())

    @given(seed=seeds, kind=st.sampled_from(KINDS))
    @settings(max_examples=30, deadline=None)
    def test_every_unit_is_in_one_state(self, seed: int, kind: str) -> None:
        net, x = network(kind, np.random.default_rng(seed))
        for layer in covered(net, x).neurons:
            assert (layer.dead.astype(int) + layer.linear + layer.mixed == 1).all()
            assert (layer.counts.sum(axis=-1) == len(x)).all()


class TestJobs:
    @pytest.mark.parametrize("backend", ["threading", "loky"])
    def test_the_back_end_is_the_users_choice(self, backend: str) -> None:
        from joblib import parallel_config

        net, _ = network("maxout", np.random.default_rng(1))
        x = np.random.default_rng(2).normal(size=(900, net[0].n_in))  # type: ignore[index]
        with parallel_config(backend):
            same(covered(net, x, jobs=2), covered(net, x))


class TestInterruption:
    def test_what_is_done_is_kept(self, monkeypatch: Any) -> None:
        net, _ = network("dense", np.random.default_rng(3))
        x = np.random.default_rng(2).normal(size=(3000, net[0].n_in))  # type: ignore[index]
        done: list[Any] = []
        real = dataset._part

        def impatient(*task: Any) -> Any:
            if len(done) == 2:
                raise KeyboardInterrupt
            done.append(task[1])
            return real(*task)

        monkeypatch.setattr(dataset, "_part", impatient)
        found = covered(net, x)
        assert found.interrupted and found.inputs == sum(map(len, done)) < 3000
        assert "(interrupted)" in found.summary()
        monkeypatch.undo()
        same_first = covered(net, x[: found.inputs]).first
        for name, first in found.first.items():
            np.testing.assert_array_equal(first, same_first[name])
        assert (found.shown < found.inputs).all() and len(found.neurons[0].pieces) == len(found.shown)

    def test_before_anything_is_done_it_passes_through(self, monkeypatch: Any) -> None:
        def stop(*task: Any) -> Any:
            raise KeyboardInterrupt

        monkeypatch.setattr(dataset, "_part", stop)
        with pytest.raises(KeyboardInterrupt):
            covered(nn.Sequential(nn.Linear(1, 1)), np.ones((1, 1)))


class TestBadInput:
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))

    @pytest.mark.parametrize(
        ("x", "message"),
        [
            (np.zeros((0, 3)), "needs at least one input"),
            (np.zeros(3), "shape"),
            (np.full((2, 3), np.nan), "input 0"),
            (np.zeros((2, 5)), r"Linear\(3, 4\) got \(1, 5\)"),
        ],
    )
    def test_data(self, x: Any, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            covered(self.net, x)

    def test_networks(self) -> None:
        smooth = nn.Sequential(nn.Linear(3, 2), nn.Sigmoid())
        with pytest.raises(mg.NotPiecewiseLinearError, match="layer 1"):
            covered(smooth, np.ones((1, 3)))
        with pytest.raises(TypeError, match=r"nn\.Module"):
            covered(abs, np.ones((1, 3)))  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="this network has none"):
            covered(nn.Sequential(nn.ReLU()), np.ones((1, 3)))
        with pytest.raises(ValueError, match="eval"):
            covered(nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.5)), np.ones((1, 3)))

    def test_jobs(self) -> None:
        with pytest.raises(ValueError, match="jobs must be a whole number, at least 1"):
            covered(self.net, np.ones((1, 3)), jobs=0)

    def test_a_network_without_gates_is_covered_all_the_same(self) -> None:
        found = covered(nn.Sequential(nn.Linear(2, 2)), [[1.0, 0.0]])
        assert found.neurons == () and found.fraction == 4 / 6
        assert "no gates" in found.summary()

    def test_a_parameter_that_takes_no_part_is_never_trained(self) -> None:
        class Spare(nn.Module):
            def __init__(self) -> None:
                self.used, self.spare = nn.Linear(1, 1), nn.Linear(1, 1)

            def forward(self, x: Any) -> Any:
                return self.used(x)

        found = covered(Spare(), [[1.0]])
        assert found.first["spare.weight"].item() == -1 and found.first["used.weight"].item() == 0


def test_it_says_itself() -> None:
    net = nn.Sequential(nn.Linear.of([[1.0], [-1.0]]), nn.Maxout(2), nn.Linear.of([[1.0]]))
    found = covered(net, [[3.0], [0.0], [-1.0]])
    assert repr(found) == "Coverage(3 inputs train 100.00% of the parameters)"
    first, *table = str(found).splitlines()
    assert first == (
        "3 inputs train 100.00% of 3 weights and biases: 50% after 1, 90% after 3, 99% after 3; "
        "the last to train a new one is input 2"
    )
    assert table[-1].split() == ["1", "Maxout", "1", "0", "0", "1", "0", "pieces"]
