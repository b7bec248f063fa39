from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minigrad import data, nn, optim, tensor
from minigrad.regularizers import L2
from minigrad.training import EarlyStopping, fit

X = np.random.default_rng(0).normal(size=(12, 4))
Y = np.arange(12) % 3


def spoiled(index: tuple[int, int], value: float) -> np.ndarray:
    x = X.copy()
    x[index] = value
    return x


def labels(index: int, value: int) -> np.ndarray:
    y = Y.copy()
    y[index] = value
    return y


def signs(last: float) -> np.ndarray:
    """Targets 1 for three outputs, the very last of them another number."""
    y = np.ones((12, 3))
    y[-1, -1] = last
    return y


BAD: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "empty": ({"train": (X[:0], Y[:0])}, ValueError, r"train is empty: x has shape \(0, 4\)"),
    "empty validation": ({"validation": (X[:0], Y[:0])}, ValueError, "validation is empty"),
    "lengths": ({"train": (X, Y[:5])}, ValueError, r"one y for each x, got shapes \(12, 4\) and \(5,\)"),
    "a number": ({"train": (1.0, 2)}, ValueError, "one y for each x"),
    "nan": ({"train": (spoiled((3, 1), np.nan), Y)}, ValueError, r"train x\[3, 1\] is nan"),
    "inf": ({"validation": (spoiled((2, 0), -np.inf), Y)}, ValueError, r"validation x\[2, 0\] is -inf"),
    "too large": ({"train": (spoiled((2, 0), 1e300), Y)}, ValueError, "too large for the network's float32"),
    "nan target": (
        {"train": (X, np.where(Y == 2, np.nan, 0.0)[:, None] * np.ones(3)), "loss": nn.mse_loss},
        ValueError,
        r"train y\[2, 0\] is nan",
    ),
    "text": ({"train": (X.astype(str), Y)}, TypeError, "train x must be real numbers, got <U"),
    "complex": ({"train": (X * 1j, Y)}, TypeError, "train x must be real numbers, got complex128"),
    "label too large": (
        {"train": (X, labels(7, 3))},
        ValueError,
        r"train y\[7\] is 3, but the network has 3 outputs: labels must be 0 to 2",
    ),
    "negative label": ({"train": (X, labels(4, -1))}, ValueError, r"train y\[4\] is -1"),
    "validation label": ({"validation": (X, labels(9, 5))}, ValueError, r"validation y\[9\] is 5"),
    "float labels": ({"train": (X, Y.astype(float))}, TypeError, "labels that are whole numbers.*float64"),
    "targets of another shape": (
        {"train": (X, np.zeros(12)), "loss": nn.mse_loss},
        ValueError,
        r"outputs \(12, 3\) and targets \(12,\)",
    ),
    "no probability": (
        {"train": (X, signs(5.0)), "loss": nn.binary_cross_entropy_with_logits},
        ValueError,
        r"probabilities between 0 and 1, but one is 5\.0",
    ),
    "no sign": ({"train": (X, signs(5.0)), "loss": nn.hinge_loss}, ValueError, r"−1 or \+1, but one is 5"),
    "no validation sign": (
        {"train": (X, signs(1.0)), "validation": (X, signs(5.0)), "loss": nn.hinge_loss},
        ValueError,
        r"−1 or \+1, but one is 5",
    ),
    "width": (
        {"train": (X[:, :3], Y)},
        ValueError,
        r"train x of shape \(12, 3\) does not fit the network: layer 0: Linear\(4, 5\) got \(2, 3\)",
    ),
    "validation width": (
        {"validation": (np.ones((6, 5)), Y[:6])},
        ValueError,
        r"validation x of shape \(6, 5\) does not fit the network: layer 0: Linear\(4, 5\)",
    ),
    "no pair": ({"train": X}, TypeError, r"train must be a pair \(x, y\) of arrays, got a ndarray"),
    "a whole data set": ({"train": data.moons(20)}, TypeError, r"got a Dataset of 3"),
    "batch_size 0": ({"batch_size": 0}, ValueError, "batch_size must be a whole number of at least 1, got 0"),
    "batch_size 1.5": ({"batch_size": 1.5}, ValueError, "batch_size must be a whole number"),
    "epochs": ({"epochs": -1}, ValueError, "epochs must be a whole number of at least 0, got -1"),
    "seed": ({"seed": -1}, ValueError, "seed must be a whole number of at least 0"),
    "loss by name": ({"loss": "mse"}, TypeError, "loss must be a function"),
    "loss per example": (
        {"loss": lambda output, y: (output * output).mean(axis=1)},
        TypeError,
        r"loss must return a Tensor of shape \(\), the average over the batch, got shape \(12,\)",
    ),
    "loss as a float": ({"loss": lambda output, y: 1.0}, TypeError, "got a float"),
    "optimizer class": ({"optimizer": optim.Adam}, TypeError, r"such as optim\.Adam\(net\.parameters\(\)\)"),
    "another net's optimizer": (
        {"optimizer": optim.Adam(nn.Linear(4, 3).parameters())},
        ValueError,
        "none of this network's parameters",
    ),
    "lone regularizer": ({"regularizers": L2(0.1)}, TypeError, r"must be a list, such as \[mg\.L2\(1e-4\)\]"),
    "lone callback": ({"callbacks": EarlyStopping()}, TypeError, "callbacks must be a list"),
    "callback class": ({"callbacks": [EarlyStopping]}, TypeError, "callbacks must be a list"),
    "nothing to watch": ({"callbacks": [EarlyStopping()]}, ValueError, r"give fit validation=\(x, y\)"),
    "no network": ({"net": print}, TypeError, "fit trains an nn.Module, got a builtin_function_or_method"),
}


@pytest.mark.parametrize(("change", "error", "message"), BAD.values(), ids=BAD)
def test_bad_input_is_refused_before_anything_is_touched(
    change: dict[str, Any], error: type[Exception], message: str
) -> None:
    net = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Dropout(0.5), nn.Linear(5, 3))
    net[2].eval()
    optimizer = optim.Adam(net.parameters())
    weights, modes = net.state_dict(), [module.training for module in net.modules()]
    settings: dict[str, Any] = {
        "net": net,
        "train": (X, Y),
        "loss": nn.cross_entropy,
        "optimizer": optimizer,
        "epochs": 1,
        "batch_size": 4,
        "progress": False,
    }
    with pytest.raises(error, match=message):
        fit(**settings | change)
    for name, array in net.state_dict().items():
        np.testing.assert_array_equal(array, weights[name])
    assert [module.training for module in net.modules()] == modes
    assert net[2].rng is None
    assert all(p.grad is None for p in net.parameters())
    assert all(entry == {"step": 0} for entry in optimizer.state_dict()["parameters"])


def test_the_layer_that_does_not_fit_is_named() -> None:
    net = nn.Sequential(
        nn.Linear(4, 5), nn.Tanh(), nn.Sequential(nn.Linear(5, 5), nn.Tanh()), nn.Linear(4, 3)
    )
    with pytest.raises(ValueError, match=r"layer 3: Linear\(4, 3\) got \(2, 5\)"):
        fit(
            net, (X, Y), loss=nn.cross_entropy, optimizer=optim.Adam(net.parameters()), epochs=1, batch_size=4
        )


@pytest.mark.parametrize(
    "pair",
    [
        (X.tolist(), Y.tolist()),
        [X, Y],
        (tensor(X), tensor(Y)),
        (X, Y.astype(np.uint8)),
        (np.arange(48).reshape(12, 4), Y),
        (X, Y == 1),
        (X[:1], Y[:1]),
    ],
)
def test_what_is_accepted(pair: Any) -> None:
    net = nn.Sequential(nn.Linear(4, 3))
    options: dict[str, Any] = {"loss": nn.cross_entropy, "epochs": np.int64(2), "batch_size": 40}
    history = fit(net, pair, optimizer=optim.SGD(net.parameters(), 1e-3), progress=False, **options)
    assert len(history.loss) == len(history.accuracy) == 2


@pytest.mark.parametrize(
    ("regularizer", "said"),
    [
        (L2, "is the class L2"),
        (lambda net: 5.0, r"regularizers\[0\] must return a Tensor of one number, got float"),
        (lambda net: net.parameters()[0] * 1.0, r"got shape"),
    ],
)
def test_a_regularizer_that_is_none_is_named(regularizer, said):
    net = nn.Sequential(nn.Linear(2, 2))
    before = net.state_dict()
    with pytest.raises(TypeError, match=said):
        fit(
            net,
            (np.ones((4, 2)), np.zeros(4, dtype=int)),
            loss=nn.cross_entropy,
            optimizer=optim.SGD(net.parameters(), 0.1),
            epochs=1,
            batch_size=2,
            regularizers=[regularizer],
        )
    assert all((before[name] == array).all() for name, array in net.state_dict().items())


def test_ragged_rows_are_named():
    net = nn.Sequential(nn.Linear(2, 2))
    with pytest.raises(ValueError, match="rows of equal length"):
        fit(
            net,
            ([[1.0, 2.0], [1.0]], [0, 1]),
            loss=nn.cross_entropy,
            optimizer=optim.SGD(net.parameters(), 0.1),
            epochs=1,
            batch_size=2,
        )
