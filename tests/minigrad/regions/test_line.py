"""The pieces along a line, against exact arithmetic, linear programming and dense samples."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn
from minigrad.regions import breakpoints
from minigrad.regions.gates import coded
from minigrad.thin.followed import record

from ..thin import plain
from ..thin.draws import networks
from ..thin.plain import Apply, Layers
from . import brute, exact

CERTAIN = ("relu", "leaky", "prelu", "maxout", "identity", "abs", "maximum", "minimum", "clip")


def segments_are_exact(layers: Layers, a: Any, b: Any, low: int = 0, high: int = 1) -> None:
    """Breakpoints, slopes, values and the gates that flip are those of exact arithmetic."""
    expected = exact.parts(layers, a, b, low, high)
    found = mg.regions.line(plain.build(layers), a, b)
    assert len(found) == len(expected)
    for segment, part in zip(found, expected, strict=True):
        assert (segment.start, segment.stop) == pytest.approx((float(part.start), float(part.stop)), abs=1e-9)
        np.testing.assert_allclose(segment.slope, part.slope.astype(float), rtol=1e-9, atol=1e-9)
        for t, value in zip((segment.start, segment.stop), segment.values, strict=True):
            run = plain.run(layers, a + t * (b - a))
            np.testing.assert_allclose(value, run.value.astype(float), rtol=1e-9, atol=1e-9)
    for segment, here, there in zip(found, expected, expected[1:], strict=False):
        assert segment.flip == here.run.flips(there.run)
    assert found[-1].flip == frozenset()


def follows_the_network(net: nn.Module, found: Any, samples: int = 2000, rounding: float = 1e-9) -> None:
    """f is what the segments say, and so are the patterns inside; the slopes are the thin networks'."""
    low, high = np.clip(found.knots[[0, -1]], -50, 50)
    t = np.linspace(low, high, samples)
    x = found.points(t)
    index = np.searchsorted(found.breakpoints, t, side="right")
    anchor = np.where(np.isfinite(found.knots[index]), index, index + 1)
    anchor = np.where(np.isfinite(found.knots[anchor]), anchor, 0)
    recorded = record(net, x)
    scale = max(1.0, np.abs(recorded.output.data).max(initial=0))
    if np.isfinite(found.knots).all():
        said = found.values[index] + (t - found.knots[index])[:, None] * found.slopes[index]
        np.testing.assert_allclose(said, recorded.output.data, rtol=0, atol=rounding * scale)
    patterns = [coded(*each) for each in zip(recorded.gates, recorded.patterns, strict=True)]
    certain = np.abs(t[:, None] - found.breakpoints).min(axis=1, initial=np.inf) > rounding
    together = np.concatenate([np.zeros((len(t), 0), dtype=bool), *patterns], axis=1)
    np.testing.assert_array_equal(together[certain], found.patterns[index][certain])
    for segment in list(found)[:5]:
        slope = segment.thin.weight.reshape(len(segment.slope), -1) @ (found.b - found.a).ravel()
        np.testing.assert_allclose(segment.slope, slope, rtol=1e-9, atol=rounding * scale)


@given(networks(whole=True, gates=CERTAIN), st.integers(0, 99))
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_degenerate_networks_have_the_segments_of_exact_arithmetic(drawn: Any, seed: int) -> None:
    layers, a = drawn
    b = np.random.default_rng(seed).integers(-3, 4, size=len(a)).astype(float)
    assume((a != b).any())
    segments_are_exact(layers, a, b)


@given(networks(gates=CERTAIN, twins=True), st.integers(0, 99))
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_generic_networks_have_the_segments_of_exact_arithmetic(drawn: Any, seed: int) -> None:
    layers, a = drawn
    b = a + np.random.default_rng(seed).normal(size=len(a))
    parts = exact.parts(layers, a, b)
    assume(min(part.stop - part.start for part in parts) > 1e-9)
    segments_are_exact(layers, a, b)


@pytest.mark.parametrize("kind", [("relu",), ("leaky", 0.1), ("maxout", (2, 3, 1))])
@pytest.mark.parametrize("seed", range(3))
def test_the_patterns_are_all_those_that_linear_programming_finds(kind: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    m = 6 if kind[0] != "maxout" else 3
    layers: Layers = [
        ("linear", rng.normal(size=(6, 2)), rng.normal(size=6)),
        kind,
        ("linear", rng.normal(size=(4, m)), rng.normal(size=4)),
        ("relu",),
    ]
    a, b = -4 * np.ones(2), rng.normal(size=2)
    cells = sorted(brute.cells(layers, a, b - a), key=lambda cell: cell.s)
    found = mg.regions.line(plain.build(layers), a, b)
    assert len(found) == len(cells)
    for segment, cell in zip(found, cells, strict=True):
        assert tuple(segment.pattern) == cell.pattern
        assert (segment.stop - segment.start) / 2 == pytest.approx(cell.room, abs=1e-6)
        np.testing.assert_allclose(segment.slope, cell.weight[:, 0], atol=1e-9)


class Pooled(nn.Module):
    def forward(self, x: mg.Tensor) -> mg.Tensor:
        pooled = mg.max_pool2d(mg.avg_pool2d(np.abs(x - 0.2), 1), 2, padding=1)
        return np.reshape(pooled, (len(x), -1)) + np.max(x, axis=(1, 2, 3))[:, None]


class Sorted(nn.Module):
    def forward(self, x: mg.Tensor) -> mg.Tensor:
        return np.clip(np.sort(x, axis=-1), -0.5, 0.5) + np.fmax(x, x[..., ::-1]) + np.minimum(x, 0.3)


OTHERS = {
    "residual": (
        lambda: nn.Sequential(
            nn.Linear(3, 6), nn.Residual(nn.Linear(6, 6), nn.LeakyReLU(0.2)), nn.Maxout(3), nn.Linear(2, 2)
        ),
        (3,),
    ),
    "images": (
        lambda: nn.Sequential(
            nn.Conv2d(2, 3, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(12, 4), nn.PReLU()
        ),
        (2, 6, 6),
    ),
    "pooling": (Pooled, (1, 3, 5)),
    "sorting": (Sorted, (4,)),
    "dropout": (lambda: nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.5), nn.ReLU()).eval(), (3,)),
    "float32": (lambda: nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU()), (3,)),
}


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("whole", [False, True])
def test_dense_samples_agree(name: str, whole: bool) -> None:
    make, shape = OTHERS[name]
    mg.manual_seed(3)
    net = make()
    rng = np.random.default_rng(4)
    found = mg.regions.line(net, rng.normal(size=shape), rng.normal(size=shape), whole=whole)
    assert len(found) > 3
    follows_the_network(net, found)


def test_the_whole_line_goes_on_without_end() -> None:
    net = nn.Sequential(nn.Linear.of([[1.0], [1.0]], [5.0, -9.0]), nn.ReLU())
    found = mg.regions.line(net, [0.0], [2.0], whole=True)
    np.testing.assert_allclose(found.knots, [-np.inf, -2.5, 4.5, np.inf])
    np.testing.assert_allclose(found.values, [[0, 0], [0, 0], [14, 0], [np.inf, np.inf]])
    assert [segment.flip for segment in found] == [{(0, 0)}, {(0, 1)}, set()]
    assert found.at(1e9).start == 4.5 and found.at(-2.5).stop == 4.5
    assert len(mg.regions.line(net, [0.0], [2.0])) == 1


def test_the_gates_that_change_are_those_that_thin_names() -> None:
    mg.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, 6), nn.ReLU(), nn.Linear(6, 8), nn.Maxout(2), nn.Linear(4, 1), nn.ReLU())
    a, b = np.array([-3.0, 1.0]), np.array([4.0, 0.5])
    found = mg.regions.line(net, a, b)
    for before, after in zip(found, found.segments[1:], strict=False):
        close = before.thin if before.stop - before.start < after.stop - after.start else after.thin
        near = mg.thin(net, found.points(before.stop - 1e-7)[0])
        assert near.radius < 1e-6 and near.next_flip == before.flip
        assert close.total == near.total


def test_identity_layers_grafted_on_and_copies_of_neurons_make_no_breakpoints_of_their_own() -> None:
    rng = np.random.default_rng(2)
    first, second = rng.normal(size=(7, 3)), rng.normal(size=(2, 7))
    eye = nn.Linear.of(np.eye(7))
    shallow = nn.Sequential(nn.Linear.of(first, rng.normal(size=7)), nn.ReLU(), nn.Linear.of(second))
    deep = nn.Sequential(*shallow[:2], eye, nn.ReLU(), eye, nn.ReLU(), shallow[2])
    a, b = rng.normal(size=(2, 3)) * 5
    plain_one, grafted = (mg.regions.line(net, a, b) for net in (shallow, deep))
    np.testing.assert_allclose(grafted.breakpoints, plain_one.breakpoints, atol=1e-14)
    for before, after in zip(plain_one, grafted, strict=True):
        assert after.flip == {(layer, j) for _, j in before.flip for layer in range(3)}


def test_behind_copies_that_cancel_nothing_is_decided_by_rounding() -> None:
    rng = np.random.default_rng(5)
    weight = rng.normal(size=(9, 2))
    bias = rng.normal(size=9)
    copies = np.r_[weight, 3 * weight, 0.1 * weight], np.r_[bias, 3 * bias, 0.1 * bias]
    cancel = np.c_[0.7 * np.eye(9), -0.2 * np.eye(9), -np.eye(9)]
    last = nn.Linear.of(np.ones((1, 9)), [1.0])
    for gate in (nn.ReLU(), nn.LeakyReLU(), Apply(np.abs), Apply(np.maximum, 0.0), nn.Hardtanh(0.0, 1.0)):
        net = nn.Sequential(nn.Linear.of(*copies), nn.ReLU(), nn.Linear.of(cancel), gate, last)
        found = mg.regions.line(net, [-5.0, 3.0], [4.0, -4.0])
        assert len(found) == 10 - sum(
            not 0 < -(w @ [-5.0, 3.0] + c) / (w @ [9.0, -7.0]) < 1 for w, c in zip(weight, bias, strict=True)
        )
        assert {layer for segment in found for layer, _ in segment.flip} == {0}


def test_multiples_of_a_neuron_change_together() -> None:
    rng = np.random.default_rng(6)
    times = rng.uniform(0.1, 10, size=(40, 1))
    weight, bias = times * rng.normal(size=5), (times * -100)[:, 0]
    net = nn.Sequential(nn.Linear.of(weight, bias), nn.ReLU())
    across = weight[0] / (weight[0] @ weight[0]) * times[0]
    for way in 1000 * rng.normal(size=(20, 5)):
        way = way - way @ across / (across @ across) * across  # along the boundaries, at 100 times `across`
        found = mg.regions.line(net, 50 * across + way, 130 * across - way)
        assert len(found) == 2 and len(found[0].flip) == 40


def test_ends_on_a_boundary_belong_to_what_is_inside() -> None:
    net = nn.Sequential(nn.Linear.of([[1.0], [-1.0]], [0.0, 1.0]), nn.ReLU())
    found = mg.regions.line(net, [0.0], [1.0])
    assert len(found) == 1 and found[0].pattern.tolist() == [True, True]
    found = mg.regions.line(net, [1.0], [-1.0])
    np.testing.assert_allclose(found.breakpoints, [0.5])
    assert found.at(0.5).pattern.tolist() == [False, True] and found.at(0).start == 0


def test_a_gate_that_only_touches_its_boundary_makes_no_breakpoint_of_its_own() -> None:
    touching = nn.Sequential(nn.Linear.of([[1.0]], [-1.0]), Apply(np.abs), nn.Linear.of([[1.0]]), nn.ReLU())
    found = mg.regions.line(touching, [0.0], [3.0])
    assert len(found) == 2 and found[0].flip == {(0, 0)}
    along = nn.Sequential(nn.Linear.of([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]), nn.ReLU())
    assert len(mg.regions.line(along, [1.0, 0.0], [2.0, 0.0])) == 1


@pytest.mark.parametrize("scale", [1e-12, 1e-3, 1e3, 1e12])
def test_the_scale_of_the_input_and_of_the_segment_does_not_matter(scale: float) -> None:
    mg.manual_seed(1)
    net = nn.Sequential(nn.Linear(3, 20, dtype=np.float64), nn.ReLU(), nn.Linear(20, 20), nn.ReLU())
    a, b = np.random.default_rng(0).normal(size=(2, 3)) * 3
    expected = mg.regions.line(net, a, b)
    first = net[0]
    scaled = nn.Sequential(nn.Linear.of(first.weight.data / scale, first.bias.data), *net[1:])
    found = mg.regions.line(scaled, a * scale, b * scale)
    assert len(found) == len(expected) > 10
    np.testing.assert_allclose(found.breakpoints, expected.breakpoints, rtol=1e-9)


def test_a_network_without_gates_is_one_segment() -> None:
    found = mg.regions.line(nn.Sequential(nn.Linear.of([[2.0, 1.0]], [1.0])), [0, 0], [1, 1])
    assert len(found) == 1 and found[0].slope == 3 and found[0].flip == frozenset()
    assert found.values.tolist() == [[1], [4]] and found.patterns.shape == (1, 0)
    constant = nn.Sequential(nn.Linear.of(np.zeros((2, 2)), np.ones(2)), nn.ReLU(), nn.Linear(2, 1))
    assert len(mg.regions.line(constant, [0, 0], [1, 1], whole=True)) == 1


def test_a_line_is_a_sequence_and_can_be_sent_elsewhere() -> None:
    mg.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, 9), nn.ReLU(), nn.Linear(9, 1))
    found = mg.regions.line(net, [-4, 0], [4, 1])
    assert found[-1].stop == 1 and len(found.segments) == len(list(found)) == len(found)
    with pytest.raises(IndexError, match="no segment"):
        found[len(found)]
    with pytest.raises(ValueError, match="not to t = 2"):
        found.at(2)
    again = pickle.loads(pickle.dumps(found))
    np.testing.assert_array_equal(again.knots, found.knots)
    assert again[0].flip == found[0].flip
    assert "segments from t = 0 to 1" in repr(found) and "Segment(0 to" in repr(found[0])


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        ([1.0, 2.0], [1.0, 2.0], "same point"),
        ([1.0, 2.0], [1.0, 2.0, 3.0], r"shapes \(2,\) and \(3,\)"),
        (1.0, 2.0, "same shape"),
        ([1.0, np.nan], [1.0, 2.0], "input 0 has an entry"),
        ([1.0, 0.0], [np.inf, 2.0], "input 1 has an entry"),
        ([1.0, 0.0, 1.0], [1.0, 2.0, 0.0], r"Linear\(2, 3\)"),
    ],
)
def test_bad_ends_are_named(a: Any, b: Any, words: str) -> None:
    net = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    with pytest.raises(ValueError, match=words):
        mg.regions.line(net, a, b)


def test_bad_networks_are_named() -> None:
    with pytest.raises(mg.NotPiecewiseLinearError, match=r"layer 1 \(Tanh\)"):
        mg.regions.line(nn.Sequential(nn.Linear(2, 3), nn.Tanh()), [0, 0], [1, 1])
    with pytest.raises(ValueError, match=r"net.eval\(\)"):
        mg.regions.line(nn.Sequential(nn.Dropout(0.5), nn.ReLU()), [0, 0], [1, 1])
    with pytest.raises(TypeError, match="line takes a network"):
        mg.regions.line(lambda x: x, [0, 0], [1, 1])  # type: ignore[arg-type]


FAULTS = {
    "a piece of an envelope is missed": ("_walk", lambda walk: lambda *a: tuple(x[:1] for x in walk(*a))),
    "times are not told apart": ("_distinct", lambda _: lambda *a: a),
    "the surest is thrown away": ("_distinct", lambda d: lambda *a: tuple(x[1:] for x in d(*a))),
    "times are moved": ("_distinct", lambda d: lambda r, t, u: (d(r, t, u)[0], d(r, t, u)[1] + 1e-5, u[:0])),
    "rounding decides": ("decided", lambda _: lambda gate: gate.pattern),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_planted_faults_are_found(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name, wrong = FAULTS[fault]
    monkeypatch.setattr(breakpoints, name, wrong(getattr(breakpoints, name)))
    with pytest.raises((AssertionError, ValueError, IndexError)):
        test_identity_layers_grafted_on_and_copies_of_neurons_make_no_breakpoints_of_their_own()
        test_behind_copies_that_cancel_nothing_is_decided_by_rounding()
        test_multiples_of_a_neuron_change_together()
        test_the_patterns_are_all_those_that_linear_programming_finds(("maxout", (2, 3, 1)), 0)
