"""The main job: deep networks of equal shape on scanned digits, compared, and seen through single digits."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

import minigrad as mg
from minigrad import nn, optim
from minigrad.files import write_whole

if TYPE_CHECKING:
    from viz.picture import Picture

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
    accuracy: dict[str, float]
    thins: tuple[mg.ThinNetwork, ...]

    @property
    def gradient_norms(self) -> list[float]:
        """Gradient norm of every layer in the first epoch, before training has moved much."""
        return [norms[0] for norms in self.history.gradient_norms.values()]

    @property
    def gradient_ratio(self) -> float:
        """Gradient norm of the first layer over that of the last."""
        return self.gradient_norms[0] / self.gradient_norms[-1]

    @property
    def inactive(self) -> float | None:
        """Share of closed gates after training, over neurons and inputs; None where there are none."""
        shares = [share[-1] for share in self.history.inactive.values()]
        return float(np.mean(shares)) if shares else None

    def figures(self) -> dict[str, Any]:
        """Return everything measured, as JSON can say it."""
        record: dict[str, Any] = {
            "name": self.name,
            "architecture": repr(self.net),
            "parameters": sum(parameter.size for parameter in self.net.parameters()),
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
    )
    if history.interrupted:
        raise KeyboardInterrupt  # a comparison of half-trained networks would mislead
    net.eval()
    parts = {"train": data.train, "validation": data.validation, "test": data.test}
    accuracy = {part: _accuracy(net, *split) for part, split in parts.items()}
    thins = () if name == "sigmoid" else tuple(mg.thin(net, x) for x in data.test.x[:SHOWN_DIGITS])
    return Trained(name, net, history, accuracy, thins)


def table(results: Sequence[Trained]) -> tuple[list[str], list[list[str]]]:
    """Return the comparison: column names, and one row of text per network."""
    header = [
        "network", "train", "validation", "test", "gradient first : last layer", "inactive",
        "left for one digit", "max |Wx + b − net(x)|", "radius",
    ]  # fmt: skip
    rows = []
    for result in results:
        row = [result.name, *(f"{value:.1%}" for value in result.accuracy.values())]
        row.append(f"{result.gradient_ratio:.2g}")
        row.append("–" if result.inactive is None else f"{result.inactive:.0%}")
        if result.thins:
            thin = result.thins[0]
            unit = "pieces" if any(layer.groups for layer in thin.layers) else "neurons"
            radius = f"{thin.radius:.2g}" if np.isfinite(thin.radius) else "∞"
            row += [f"{thin.kept} of {thin.total} {unit}", f"{thin.max_abs_error:.0e}", radius]
        else:
            row += ["smooth: no thin network", "–", "–"]
        rows.append(row)
    return header, rows


def write(results: Sequence[Trained], data: mg.data.Dataset, settings: Settings, folder: Path) -> list[Path]:
    """Write the figures, the pictures and the page into a folder that exists; return what was written."""
    from viz.page import demo_page

    pictures = _pictures(results, data)
    drawn = {name: picture.svg(name=name) for name, picture in pictures.items()}
    labels = [int(y) for y in data.test.y[:SHOWN_DIGITS]]
    record = {
        "minigrad": mg.__version__,
        "data": "scikit-learn digits, 8 × 8 pixels",
        **asdict(settings),
        "networks": [result.figures() for result in results],
    }
    files: dict[str, str | bytes] = {
        "index.html": demo_page(results, labels, drawn, table(results), settings),
        "results.json": json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n",
    }
    for name, picture in tqdm(pictures.items(), desc="drawing", unit="picture", leave=False, disable=None):
        files[f"{name}.svg"], files[f"{name}.png"] = drawn[name], picture.png(scale=1)
    return [write_whole(folder / name, content) for name, content in files.items()]


def file_name(name: str) -> str:
    """Return a network's name as files have it."""
    return name.lower().replace(" + ", "-")


def _pictures(results: Sequence[Trained], data: mg.data.Dataset) -> dict[str, Picture]:
    """Draw everything that the page shows, by file name."""
    import viz
    from viz.gradients import draw_gradient_strip

    pictures = {"gradients": draw_gradient_strip({r.name: r.gradient_norms for r in results})}
    for result in results:
        name = file_name(result.name)
        pictures[f"history-{name}"] = viz.draw(result.history)
        for k, thin in enumerate(result.thins):
            pictures[f"thin-{name}-{k}"] = viz.draw(thin)
        if not result.thins:
            pictures[f"network-{name}-0"] = viz.draw(result.net, data.test.x[0])
        if result.name == "ReLU":
            pictures["graph"] = viz.draw(mg.trace(result.net, data.test.x[0]))
    return pictures


def _accuracy(net: nn.Module, x: np.ndarray[Any, Any], y: np.ndarray[Any, Any]) -> float:
    with mg.no_grad():
        return float((net(x).argmax(axis=1) == y).mean())
