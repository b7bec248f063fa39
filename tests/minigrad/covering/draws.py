"""Networks of every kind with sparse data, generic or of small whole numbers; brute force over gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg
from minigrad import nn


class Functional(nn.Module):
    """Parameters that are transposed, averaged and shared, and inputs with the rows last."""

    def __init__(self, n: int, width: int) -> None:
        self.by_columns = nn.Parameter(np.zeros((n, width)))
        self.scale = nn.Parameter(np.zeros((3, width)))
        self.shared = nn.Parameter(np.zeros((width, width)))

    def forward(self, x: Any) -> Any:
        hidden = mg.relu(np.transpose(np.transpose(self.by_columns) @ np.transpose(x)))
        hidden = mg.maximum(hidden * np.mean(self.scale, axis=0), hidden @ self.shared)
        return mg.relu(hidden - 1.0) @ self.shared


KINDS = ("dense", "leaky", "maxout", "residual", "images", "functional", "mixture")


def network(kind: str, rng: np.random.Generator, whole: bool = False) -> tuple[nn.Module, Any]:
    """Return a network of a kind, in float64, and a batch of inputs with many zeros."""
    options: Any = {"dtype": float}
    n, width = int(rng.integers(1, 5)), int(rng.integers(1, 6))

    def linear(a: int, b: int) -> nn.Linear:
        return nn.Linear(a, b, bias=bool(rng.integers(2)), dtype=float)

    shape: tuple[int, ...] = (n,)
    net: nn.Module
    if kind == "dense":
        net = nn.Sequential(linear(n, width), nn.ReLU(), linear(width, 3), nn.ReLU(), linear(3, 2))
    elif kind == "leaky":
        net = nn.Sequential(
            linear(n, width), nn.PReLU(dtype=float), linear(width, width), nn.LeakyReLU(), linear(width, 1)
        )
    elif kind == "maxout":
        net = nn.Sequential(linear(n, 5), nn.Maxout([2, 3]), linear(2, 4), nn.Maxout(2), linear(2, 2))
    elif kind == "residual":
        inside = nn.Residual(linear(n, width), nn.ReLU(), linear(width, n))
        net = nn.Sequential(inside, nn.ReLU(), nn.Sequential(linear(n, 2), nn.Hardtanh()), linear(2, 2))
    elif kind == "images":
        shape = (1, 6, 6)
        net = nn.Sequential(
            nn.Conv2d(1, 2, 3, padding=1, **options), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(2, 2, 2, bias=False, **options), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), linear(2, 2),
        )  # fmt: skip
    elif kind == "functional":
        net = nn.Sequential(Functional(n, width), linear(width, 2))
    else:
        net = nn.Sequential(nn.ReLU(), linear(n, 4), nn.Hardtanh(), nn.Identity(), linear(4, 3))
    for parameter in net.parameters():
        parameter.data = numbers(rng, parameter.shape, whole)
    x = numbers(rng, (int(rng.integers(1, 9)), *shape), whole)
    return net.eval(), np.where(rng.random(x.shape) < 0.4, 0.0, x)


def numbers(rng: np.random.Generator, shape: Any, whole: bool) -> Any:
    """Return small whole numbers, of which many are 0 and many sums too, or generic ones."""
    return rng.integers(-2, 3, shape).astype(float) if whole else rng.normal(size=shape)


def gradients(net: nn.Module, x: Any, cotangent: Any) -> dict[str, Any]:
    """The full gradient of one loss of one input."""
    net.zero_grad()
    net(x[None]).backward(cotangent[None])
    found = {
        name: np.zeros(p.shape) if p.grad is None else p.grad.copy() for name, p in net.named_parameters()
    }
    net.zero_grad()
    return found


def trained_by(net: nn.Module, x: Any, rng: np.random.Generator) -> dict[str, Any]:
    """Which entries have a gradient other than 0 for one of three random losses."""
    n_out = net(x[None]).shape[1]
    several = [gradients(net, x, rng.normal(size=n_out)) for _ in range(3)]
    return {name: np.any([g[name] != 0 for g in several], axis=0) for name in several[0]}


def first_by_brute_force(net: nn.Module, x: Any, rng: np.random.Generator) -> dict[str, Any]:
    """The first input, one after the other, with a gradient."""
    each = [trained_by(net, row, rng) for row in x]
    found = {name: np.stack([trained[name] for trained in each]) for name in each[0]}
    return {name: np.where(t.any(axis=0), t.argmax(axis=0), -1) for name, t in found.items()}
