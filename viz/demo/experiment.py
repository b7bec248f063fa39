"""The experiment of the demo: deep networks of equal shape, trained on scanned digits and looked into."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import minigrad as mg
from minigrad import nn, optim

DEPTH = 5
WIDTH = 32
BATCH_SIZE = 32
SHOWN_DIGITS = 4

LEARNING_RATES = {"sgd": 0.05, "momentum": 0.01, "adagrad": 0.01, "rmsprop": 0.001, "adam": 0.002}
OPTIMIZERS = {
    "sgd": optim.SGD,
    "momentum": optim.Momentum,
    "adagrad": optim.Adagrad,
    "rmsprop": optim.RMSProp,
    "adam": optim.Adam,
}


@dataclass(frozen=True)
class Settings:
    """What the command line chooses."""

    seed: int = 0
    epochs: int = 40
    optimizer: str = "sgd"
    l1: float = 0.0
    l2: float = 0.0
    patience: int | None = None

    def regularizers(self) -> list[mg.L1 | mg.L2]:
        """Return the regularizers whose weight is not 0; raise ValueError for a weight that is no weight."""
        return [regularizer for regularizer in (mg.L1(self.l1), mg.L2(self.l2)) if regularizer.lam != 0]


@dataclass(frozen=True)
class Trained:
    """One network after training, with what was measured on it."""

    name: str
    net: nn.Sequential
    history: mg.History
    gradient_norms: list[float]
    accuracy: dict[str, float]
    thins: tuple[mg.ThinNetwork, ...]

    @property
    def gradient_ratio(self) -> float:
        """Gradient norm of the first layer over that of the last."""
        return self.gradient_norms[0] / self.gradient_norms[-1]

    @property
    def inactive(self) -> float | None:
        """Share of closed gates after training, over neurons and inputs; None where there are none."""
        kept = self.history.restored_epoch or self.history.epochs[-1]
        shares = [share[kept - 1] for share in self.history.inactive.values()]
        return float(np.mean(shares)) if shares else None

    @property
    def parameters(self) -> int:
        """How many numbers training changes."""
        return sum(parameter.size for parameter in self.net.parameters())

    @property
    def epochs(self) -> str:
        """How many epochs were run, and whose weights the network has, if not the last one's."""
        count, restored = len(self.history.epochs), self.history.restored_epoch
        return f"{restored} (of {count})" if restored else str(count)

    def figures(self) -> dict[str, Any]:
        """Return everything measured, as JSON can say it."""
        record: dict[str, Any] = {
            "name": self.name,
            "architecture": repr(self.net),
            "parameters": self.parameters,
            **{f"{part}_accuracy": value for part, value in self.accuracy.items()},
            "gradient_norms": self.gradient_norms,
            "gradient_ratio_first_to_last": self.gradient_ratio,
            "inactive": self.inactive,
            "history": self.history.to_dict(),
        }
        if self.thins:
            thin = self.thins[0]
            record["thin"] = {
                "active": thin.kept,
                "total": thin.total,
                "max_abs_error": thin.max_abs_error,
                "radius": thin.radius if np.isfinite(thin.radius) else None,
                "next_flip": sorted(thin.next_flip),
                "kept_by_layer": [len(layer.kept) for layer in thin.layers],
            }
        return record


def networks(seed: int) -> Iterator[tuple[str, nn.Sequential]]:
    """Yield the contestants by name: DEPTH hidden layers of WIDTH neurons, with weights that suit each."""
    activations: list[tuple[str, Any, Any]] = [
        ("sigmoid", nn.Sigmoid, nn.init.sigmoid_era),
        ("ReLU", nn.ReLU, nn.init.he_normal),
        ("Maxout", lambda: nn.Maxout(2), nn.init.xavier_normal),  # the larger of two keeps this variance
        ("ReLU + Dropout", nn.ReLU, nn.init.he_normal),
    ]
    for name, activation, initialise in activations:
        dropout = name.endswith("Dropout")
        layers: list[nn.Module] = [nn.Dropout(0.1)] if dropout else []
        n_in = 64
        for _ in range(DEPTH):
            layers.append(nn.Linear(n_in, 2 * WIDTH if name == "Maxout" else WIDTH, dtype=np.float64))
            layers.append(activation())
            layers += [nn.Dropout(0.2)] if dropout else []
            n_in = WIDTH
        layers.append(nn.Linear(n_in, 10, dtype=np.float64))
        yield name, initialise(nn.Sequential(*layers), rng=seed)


def train(name: str, net: nn.Sequential, data: mg.data.Dataset, settings: Settings) -> Trained:
    """Train one network and look at it through the first test digits."""
    optimizer = OPTIMIZERS[settings.optimizer](net.parameters(), lr=LEARNING_RATES[settings.optimizer])
    gradient_norms = _gradient_norms(net, *data.train)
    history = mg.fit(
        net,
        data.train,
        loss=nn.cross_entropy,
        optimizer=optimizer,
        epochs=settings.epochs,
        batch_size=BATCH_SIZE,
        validation=data.validation,
        regularizers=settings.regularizers(),
        callbacks=[] if settings.patience is None else [mg.EarlyStopping(patience=settings.patience)],
        seed=settings.seed,
        compile="numpy",
    )
    if history.interrupted:
        raise KeyboardInterrupt  # a comparison of half-trained networks would mislead
    net.eval()
    parts = {"train": data.train, "validation": data.validation, "test": data.test}
    accuracy = {part: _accuracy(net, *split) for part, split in parts.items()}
    thins = () if name == "sigmoid" else tuple(mg.thin(net, x) for x in data.test.x[:SHOWN_DIGITS])
    return Trained(name, net, history, gradient_norms, accuracy, thins)


def _accuracy(net: nn.Module, x: np.ndarray[Any, Any], y: np.ndarray[Any, Any]) -> float:
    with mg.no_grad():
        return float((net(x).argmax(axis=1) == y).mean())


def _gradient_norms(net: nn.Module, x: np.ndarray[Any, Any], y: np.ndarray[Any, Any]) -> list[float]:
    """Return ‖∂L/∂w‖ of every layer, for the loss of all the training data, before training."""
    net.eval()
    nn.cross_entropy(net(x), y).backward()
    norms = [float(np.linalg.norm(p.grad)) for p in net.parameters() if p.ndim == 2]
    net.train()
    net.zero_grad()
    return norms
