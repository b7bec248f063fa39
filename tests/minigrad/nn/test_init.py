"""Initial weights: their distribution, where they go, and seeds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn

N_IN, N_OUT = 300, 400
VARIANCES: dict[str, float] = {
    "he_normal": 2 / N_IN,
    "he_uniform": 2 / N_IN,
    "xavier_normal": 2 / (N_IN + N_OUT),
    "xavier_uniform": 2 / (N_IN + N_OUT),
    "sigmoid_era": 1 / N_IN,
}
EVERY = sorted(VARIANCES)


def test_every_initialiser_is_here() -> None:
    public = {name for name, f in vars(nn.init).items() if callable(f) and f.__module__ == nn.init.__name__}
    assert {name for name in public if not name.startswith("_")} == set(EVERY)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_mean_variance_and_shape_of_the_distribution(name: str, dtype: Any) -> None:
    layer = nn.Linear(N_IN, N_OUT, dtype=dtype)
    data = layer.weight.data
    assert getattr(nn.init, name)(layer, rng=0) is layer
    weights = layer.weight.data
    assert weights is data and weights.dtype == dtype  # in place: optimizers keep hold of it
    deviation = np.sqrt(VARIANCES[name])
    assert abs(weights.mean()) < 5 * deviation / np.sqrt(weights.size)
    assert weights.var() == pytest.approx(VARIANCES[name], rel=0.03)
    kurtosis = ((weights / deviation) ** 4).mean()
    assert kurtosis == pytest.approx(9 / 5 if "uniform" in name else 3, rel=0.05)
    if "uniform" in name:
        assert abs(weights).max() <= np.sqrt(3) * deviation * (1 + 1e-6)


@pytest.mark.parametrize("name", EVERY)
def test_biases_are_zero_except_in_the_sigmoids_time(name: str) -> None:
    layer = nn.Linear(3, 5000)
    layer.bias.data[:] = 7
    getattr(nn.init, name)(layer, rng=0)
    if name == "sigmoid_era":
        assert layer.bias.data.mean() == pytest.approx(0, abs=0.1)
        assert layer.bias.data.std() == pytest.approx(1, rel=0.05)
    else:
        assert not layer.bias.data.any()


@pytest.mark.parametrize("name", EVERY)
def test_one_weight_or_every_linear_of_a_network(name: str) -> None:
    initialise = getattr(nn.init, name)
    weight = nn.Parameter(np.zeros((3, 2)))
    assert initialise(weight, rng=1) is weight and weight.data.all()
    net = nn.Sequential(nn.Linear(2, 3), nn.PReLU(0.5), nn.Residual(nn.Linear(3, 3, bias=False)))
    before = net.state_dict()
    initialise(net, rng=np.random.default_rng(2))
    after = net.state_dict()
    assert (before["0.weight"] != after["0.weight"]).all() and (
        before["2.0.weight"] != after["2.0.weight"]
    ).all()
    assert after["1.slope"] == [0.5]


@pytest.mark.parametrize("name", EVERY)
def test_kernels_count_what_a_window_holds(name: str) -> None:
    layer = nn.init.__dict__[name](nn.Conv2d(20, 30, (3, 5)), rng=0)
    n_in, n_out = 20 * 15, 30 * 15
    variance = {"he": 2 / n_in, "xavier": 2 / (n_in + n_out), "sigmoid": 1 / n_in}[name.partition("_")[0]]
    assert layer.weight.data.var() == pytest.approx(variance, rel=0.04)
    assert layer.bias.data.any() == (name == "sigmoid_era")


@pytest.mark.parametrize("name", EVERY)
def test_a_seed_gives_the_same_weights_and_the_next_draw_others(name: str) -> None:
    def draw(**options: Any) -> np.ndarray:
        return getattr(nn.init, name)(nn.Parameter(np.zeros((3, 2))), **options).data

    np.testing.assert_array_equal(draw(rng=3), draw(rng=3))
    mg.manual_seed(3)
    first, second = draw(), draw()
    mg.manual_seed(3)
    np.testing.assert_array_equal(first, draw())
    assert (first != second).all()


def test_a_new_linear_is_drawn_as_he_says() -> None:
    mg.manual_seed(0)
    layer = nn.Linear(N_IN, N_OUT)
    assert layer.weight.data.var() == pytest.approx(2 / N_IN, rel=0.03)
    assert not layer.bias.data.any()


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
def test_no_neurons_need_no_weights(name: str, shape: tuple[int, int]) -> None:
    assert getattr(nn.init, name)(nn.Parameter(np.zeros(shape))).shape == shape


def test_he_keeps_the_size_of_signals_through_many_relu_layers_and_the_sigmoids_time_does_not() -> None:
    rng = np.random.default_rng(0)
    net = nn.Sequential(*(part for _ in range(10) for part in (nn.Linear(200, 200), nn.ReLU())))
    x = rng.normal(size=(100, 200))
    sizes = {}
    for name in ("he_normal", "sigmoid_era"):
        getattr(nn.init, name)(net, rng=1)
        for p in net.parameters():
            p.data[...] = p.data if p.ndim == 2 else 0
        sizes[name] = float((net(x).data ** 2).mean())
    assert sizes["he_normal"] == pytest.approx(1, rel=0.7)
    assert sizes["sigmoid_era"] == pytest.approx(sizes["he_normal"] / 2**10, rel=0.7)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.init.he_normal(5), TypeError, "a Parameter or a Module, not a int"),
        (
            lambda: nn.init.he_normal(nn.Parameter([1.0])),
            ValueError,
            r"matrix .* got shape \(1,\)",
        ),
    ],
)
def test_wrong_input_is_named(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
