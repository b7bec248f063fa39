"""Batch normalization: as torch's in both modes; its running averages in training, files and programs."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn

from ..strategies import seeds
from .test_layers import both_ways

few = settings(max_examples=25, deadline=None)
D: Any = {"dtype": np.float64}
AVERAGES = ("running_mean", "running_var")


@few
@given(
    rest=st.sampled_from([(), (3,), (2, 3)]),
    batch=st.integers(2, 5),
    options=st.fixed_dictionaries({}, optional={
        "eps": st.floats(1e-6, 1), "momentum": st.floats(0, 1), "affine": st.booleans()}),
    modes=st.lists(st.booleans(), min_size=1, max_size=4),
    seed=seeds,
)  # fmt: skip
def test_as_torchs_in_both_modes(rest: Any, batch: int, options: Any, modes: list[bool], seed: int) -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    layer = nn.BatchNorm(3, **options, **D)
    theirs = (torch.nn.BatchNorm2d if len(rest) == 2 else torch.nn.BatchNorm1d)(3, **options).double()
    for ours, other in zip(layer.parameters(), theirs.parameters(), strict=True):
        ours.data[...] = rng.normal(size=3)
        other.data[...] = torch.tensor(ours.data)
    for mode in modes:
        layer.train(mode).zero_grad()
        theirs.train(mode).zero_grad()
        x = rng.normal(rng.normal(), rng.uniform(0.1, 5), size=(batch, 3, *rest))
        both_ways(layer, theirs, x, rng.normal(size=x.shape))
        for name in AVERAGES:
            expected = getattr(theirs, name).numpy()
            np.testing.assert_allclose(getattr(layer, name).data, expected, rtol=1e-12, atol=1e-14)


def test_the_averages_are_those_of_the_definition() -> None:
    layer, x = nn.BatchNorm(2, momentum=0.25, **D), np.array([[1.0, 5.0], [3.0, 5.0], [5.0, 8.0]])
    out = layer(x)
    np.testing.assert_allclose(out.data.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(out.data.var(axis=0), [1, 1], rtol=1e-4)
    np.testing.assert_allclose(layer.running_mean.data, [0.25 * 3, 0.25 * 6])
    np.testing.assert_allclose(layer.running_var.data, [0.75 + 0.25 * 4, 0.75 + 0.25 * 3])
    layer.eval()
    np.testing.assert_allclose(layer(x).data, (x - [0.75, 1.5]) / np.sqrt(np.array([1.75, 1.5]) + 1e-5))
    np.testing.assert_allclose(layer(x[0]).data, layer(x).data[0])  # of a vector, too


def test_derivatives_of_both_orders_in_training() -> None:
    layer = nn.BatchNorm(2, **D)
    x = np.random.default_rng(0).normal(size=(4, 2))
    mg.check_gradients(lambda x, w: (layer(x) * w).sum(), x, x + 1, order=2)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_dtypes_stay(dtype: Any) -> None:
    layer = nn.BatchNorm(2, dtype=dtype)
    for _ in range(2):
        out = layer(np.arange(8, dtype=dtype).reshape(4, 2))
        assert {out.dtype, *(array.dtype for array in layer.state_dict().values())} == {np.dtype(dtype)}
        layer.eval()
    assert layer(np.arange(8).reshape(4, 2)).dtype == dtype


# Buffers are part of the state


class Counter(nn.Module):
    """A module of a user's own with a buffer."""

    def __init__(self) -> None:
        self.seen = nn.Buffer(np.zeros(()))

    def forward(self, x: mg.Tensor) -> mg.Tensor:
        with mg.no_grad():
            self.seen += len(x)
        return x


def test_buffers_are_found_saved_and_restored_but_not_learned() -> None:
    net = nn.Sequential(nn.Linear(2, 2, **D), nn.BatchNorm(2, **D), Counter())
    assert [name for name, _ in net.named_parameters()] == ["0.weight", "0.bias", "1.weight", "1.bias"]
    assert [name for name, _ in net.named_buffers()] == ["1.running_mean", "1.running_var", "2.seen"]
    assert not any(buffer.requires_grad for _, buffer in net.named_buffers())
    state, buffers = net.state_dict(), dict(net.named_buffers())
    assert list(state)[2:] == ["1.weight", "1.bias", *buffers]
    net(np.random.default_rng(0).normal(size=(5, 2))).sum().backward()
    after = net.state_dict()
    assert all((state[name] != after[name]).any() for name in buffers)
    assert all((state[name] == after[name]).all() for name in state.keys() - buffers.keys())
    net.load_state_dict(state)
    assert all((state[name] == array).all() for name, array in net.state_dict().items())
    assert dict(net.named_buffers()) == buffers  # the same Tensors as before
    twin = copy.deepcopy(net)
    twin(np.ones((2, 2)))
    assert buffers["2.seen"].item() == 0 and twin.state_dict()["2.seen"] == 2
    with pytest.raises(KeyError, match=r"missing 1\.running_var; unknown nothing"):
        net.load_state_dict({k: v for k, v in state.items() if k != "1.running_var"})
    with pytest.raises(TypeError, match="many is a list of buffers, which would not be found"):
        net[2].many = [nn.Buffer(0.0)]


def test_order_of_the_state_is_torchs() -> None:
    torch = pytest.importorskip("torch")
    net = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm(2), nn.Sequential(nn.BatchNorm(2)))
    theirs = torch.nn.Sequential(
        torch.nn.Conv2d(1, 2, 1), torch.nn.BatchNorm2d(2), torch.nn.Sequential(torch.nn.BatchNorm2d(2))
    )
    assert list(net.state_dict()) == [name for name in theirs.state_dict() if "num_batches" not in name]


def test_buffers_that_layers_share_are_refused_by_files(tmp_path: Any) -> None:
    net = nn.Sequential(nn.BatchNorm(1), nn.BatchNorm(1))
    net[1].running_mean = net[0].running_mean
    with pytest.raises(ValueError, match="share"):
        net.save(tmp_path / "net")


# Training


def problem() -> tuple[nn.Sequential, tuple[np.ndarray, np.ndarray]]:
    mg.manual_seed(0)
    rng = np.random.default_rng(1)
    x = rng.normal(3, 2, size=(40, 1, 4, 4))
    net = nn.Sequential(
        nn.Conv2d(1, 3, 3, **D), nn.BatchNorm(3, **D), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.BatchNorm(3, **D), nn.Linear(3, 2, **D),
    )  # fmt: skip
    return net, (x, (x.mean(axis=(1, 2, 3)) > 3).astype(int))


def train(net: nn.Module, data: Any, lr: float = 0.05, **options: Any) -> mg.History:
    return mg.fit(
        net, data, loss=nn.cross_entropy, optimizer=mg.optim.Adam(net.parameters(), lr=lr),
        **{"epochs": 6, "batch_size": 10, "progress": False} | options,
    )  # fmt: skip


def test_fit_learns_and_leaves_averages_of_its_data() -> None:
    net, data = problem()
    history = train(net, data, epochs=40)
    assert history.loss[-1] < 0.5 * history.loss[0]
    assert all(np.isfinite(array).all() for array in net.state_dict().values())
    net.eval()
    before = net.state_dict()
    net(data[0])
    assert all((before[name] == array).all() for name, array in net.state_dict().items())


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_compiled_steps_keep_the_averages_up_to_date(backend: str) -> None:
    if backend == "numba":
        pytest.importorskip("numba")
    (net, data), (other, _) = problem(), problem()
    train(net, data)
    train(other, data, compile=backend)
    for name, array in net.state_dict().items():
        np.testing.assert_allclose(other.state_dict()[name], array, rtol=1e-6, atol=1e-9)
        if backend == "numpy":
            np.testing.assert_array_equal(other.state_dict()[name], array)


def test_compiled_steps_see_what_changes_between_them() -> None:
    nets, results = [], []
    for compiled in (False, True):
        net, (x, y) = problem()
        net, norm = nn.Sequential(*net, Counter()), net[1]
        optimizer = mg.optim.SGD(net.parameters(), lr=0.1)

        def step(x: Any, y: Any, net: Any = net, optimizer: Any = optimizer) -> mg.Tensor:
            optimizer.zero_grad()
            loss = nn.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            return loss

        take = mg.compile(step, backend="numpy") if compiled else step
        losses = []
        for k in range(24):
            rows = slice(k % 4 * 10, k % 4 * 10 + 10)
            losses.append(take(x[rows], y[rows]).item())
            if k == 7:
                norm.momentum = 0.5
            if k == 12:
                net.load_state_dict({name: 0.9 * array for name, array in net.state_dict().items()})
            if k == 17:
                norm.running_var = nn.Buffer(np.full(3, 7.0))
            if k == 20:
                net[5].eval()
        nets.append(net)
        results.append(losses)
        if compiled:
            assert take.programs
    assert results[0] == results[1]
    for name, array in nets[0].state_dict().items():
        np.testing.assert_array_equal(nets[1].state_dict()[name], array)


def test_a_check_of_compiled_steps_finds_the_same_averages() -> None:
    net, (x, _) = problem()
    norm = net[1]
    follow = mg.compile(lambda x: norm(x), check=True, backend="numpy")
    for k in range(6):
        follow(x[k : k + 5].repeat(3, axis=1))  # raises where program and layer differ
    assert follow.programs


def test_compiled_evaluation_reads_the_averages_anew() -> None:
    net, (x, _) = problem()
    predict = mg.compile(lambda x: net(x), backend="numpy")
    for _ in range(4):
        net.eval()
        for _ in range(3):
            np.testing.assert_array_equal(predict(x).data, net(x).data)
        net.train()
        net(x + 1)
    net.eval().load_state_dict(problem()[0].state_dict())
    np.testing.assert_array_equal(predict(x).data, net(x).data)


def test_early_stopping_restores_the_averages_of_the_best_epoch() -> None:
    net, data = problem()
    states: list[tuple[float, Any]] = []

    class Keep(mg.Callback):
        def on_epoch_end(self, state: Any) -> bool:
            states.append((state.history.validation_loss[-1], state.net.state_dict()))
            return False

    x, y = data
    history = train(
        net, data, lr=0.5, validation=(x + 1, y), callbacks=[Keep(), mg.EarlyStopping(2)], epochs=30
    )
    assert history.stopped_early
    best = min(states, key=lambda pair: pair[0])[1]
    last = states[-1][1]
    for name, array in net.state_dict().items():
        np.testing.assert_array_equal(array, best[name])
    assert (last["1.running_mean"] != best["1.running_mean"]).any()


def test_a_failed_epoch_leaves_the_averages_of_the_epoch_before() -> None:
    net, (x, y) = problem()
    state = net.state_dict()
    with pytest.raises(ValueError, match=r"single|one number"):
        train(nn.Sequential(*net), (x, y), epochs=1, batch_size=1)
    for name, array in net.state_dict().items():
        np.testing.assert_array_equal(array, state[name])


def test_a_derivative_with_averages_that_changed_since_is_refused() -> None:
    layer = nn.BatchNorm(2, **D)
    x = mg.tensor(np.random.default_rng(0).normal(size=(4, 2)), requires_grad=True)
    kept = layer.eval()(x)
    layer.train()(x)
    kept.sum().backward()  # needs the scale of then, which is a number of its own
    np.testing.assert_allclose(x.grad, 1 / np.sqrt(1 + 1e-5))


# Evaluation is linear


def test_thin_networks_see_a_fixed_affine_map() -> None:
    rng = np.random.default_rng(0)
    net = nn.Sequential(nn.Linear(3, 4, **D), nn.BatchNorm(4, **D), nn.ReLU(), nn.Linear(4, 2, **D))
    for _ in range(3):
        net(rng.normal(1, 2, size=(10, 3)))
    net.eval()
    x = rng.normal(size=3)
    thin = mg.thin(net, x)
    np.testing.assert_allclose(thin.weight @ x + thin.bias, net(x).data, rtol=1e-10)
    np.testing.assert_allclose(thin.weight, mg.jacobian(lambda x: net(x))(x), rtol=1e-10)
    with pytest.raises(ValueError, match=r"in training got \(3,\).* net\.eval\(\)"):
        mg.thin(nn.Sequential(nn.BatchNorm(3, **D)), x)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.BatchNorm(3)(np.zeros((5, 2))), ValueError, r"BatchNorm\(3\) got \(5, 2\); .* must be 3"),
        (lambda: nn.BatchNorm(3).eval()(np.zeros(2)), ValueError, r"got \(2,\)"),
        (lambda: nn.BatchNorm(3)(1.0), ValueError, r"got \(\)"),
        (lambda: nn.BatchNorm(2)(np.zeros((1, 2))), ValueError, r"in training got \(1, 2\), one number"),
        (lambda: nn.BatchNorm(2)(np.zeros((0, 2))), ValueError, r"got \(0, 2\)"),
        (lambda: nn.BatchNorm(2)(np.zeros(2)), ValueError, r"in training got \(2,\)"),
        (lambda: nn.BatchNorm(2)("ab"), TypeError, "real numbers"),
        (lambda: nn.BatchNorm(-1), ValueError, "whole number of features, but got -1"),
        (lambda: nn.BatchNorm(True), ValueError, "got True"),
        (lambda: nn.BatchNorm(2.0), ValueError, "got 2.0"),
        (lambda: nn.BatchNorm(2, eps=0), ValueError, "eps > 0"),
        (lambda: nn.BatchNorm(2, eps=float("nan")), ValueError, "BatchNorm's eps must be a finite number"),
        (lambda: nn.BatchNorm(2, momentum=2), ValueError, "0 ≤ momentum ≤ 1, but got 2"),
        (lambda: nn.BatchNorm(2, momentum=None), ValueError, "momentum must be a finite number"),
        (lambda: nn.BatchNorm(2, dtype=int), TypeError, "only floats"),
        (lambda: nn.BatchNorm.of([1.0], [1.0, 2.0]), ValueError, r"BatchNorm\.of takes .* \(1,\), \(2,\)"),
        (lambda: nn.BatchNorm.of([1.0], [1.0], [1.0]), ValueError, "weight and bias or neither"),
        (lambda: nn.BatchNorm.of(1.0, 1.0), ValueError, r"shape \(features,\)"),
        (lambda: nn.BatchNorm.of([1], [1]), TypeError, "running_mean has whole numbers"),
    ],
)  # fmt: skip
def test_wrong_input_is_named(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_its_text_is_how_it_was_made() -> None:
    assert repr(nn.BatchNorm(3)) == "BatchNorm(3)"
    assert repr(nn.BatchNorm(3, 0.1, affine=False)) == "BatchNorm(3, eps=0.1, affine=False)"
