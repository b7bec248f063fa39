"""Dropout's ensemble in plain NumPy: a loop over all masks, one after the other."""

from __future__ import annotations

from itertools import pairwise, product
from math import prod
from typing import Any

import numpy as np

from minigrad import nn

Layers = list[tuple[Any, ...]]
"""("drop", p) | ("linear", weight, bias) | ("act", function)."""

ACTIVATIONS: dict[str, tuple[Any, Any]] = {
    "linear": (lambda z: z, nn.Identity),
    "ReLU": (lambda z: np.maximum(z, 0), nn.ReLU),
    "leaky ReLU": (lambda z: np.where(z > 0, z, 0.1 * z), lambda: nn.LeakyReLU(0.1)),
    "Maxout": (lambda z: z.reshape(-1, 2).max(axis=1), lambda: nn.Maxout(2)),
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), nn.Sigmoid),
    "tanh": (np.tanh, nn.Tanh),
}


def layers(
    rng: np.random.Generator, activation: str, rates: tuple[float, ...], widths: Any = (3, 4, 3)
) -> Layers:
    """Dense layers that drop before each Linear at some rate; 0 for a rate leaves the dropping out."""
    found: Layers = []
    for k, (n_in, n_out) in enumerate(pairwise(widths)):
        if k:
            found.append(("act", activation))
        if rates[k]:
            found.append(("drop", rates[k]))
        more = 2 if activation == "Maxout" and k < len(widths) - 2 else 1
        found.append(("linear", rng.normal(size=(more * n_out, n_in)), rng.normal(size=more * n_out)))
    return found


def build(parts: Layers, scaling: str = "inverted") -> nn.Sequential:
    """The library's network."""
    made: list[nn.Module] = []
    for kind, *rest in parts:
        if kind == "drop":
            made.append(nn.Dropout(rest[0], scaling))
        elif kind == "act":
            made.append(ACTIVATIONS[rest[0]][1]())
        else:
            made.append(nn.Linear.of(*rest))
    return nn.Sequential(*made)


def run(parts: Layers, x: Any, masks: list[Any] | None, scaling: str = "inverted") -> Any:
    """One network: with a mask for each dropping, or with scaled weights."""
    waiting = iter(masks or [])
    for kind, *rest in parts:
        if kind == "drop":
            stay = 1 - rest[0]
            if masks is not None:
                x = x * next(waiting) / (stay if scaling == "inverted" else 1)
            elif scaling == "weights":
                x = x * stay
        elif kind == "act":
            x = ACTIVATIONS[rest[0]][0](x)
        else:
            x = rest[0] @ x + rest[1]
    return x


def everything(parts: Layers, x: Any, scaling: str = "inverted") -> tuple[Any, Any, Any]:
    """Every mask, its probability and its output."""
    sizes, rates, n = [], [], len(x)
    for kind, *rest in parts:
        if kind == "drop":
            sizes.append(n)
            rates.append(rest[0])
        elif kind == "act":
            n = n // 2 if rest[0] == "Maxout" else n
        else:
            n = len(rest[0])
    everyone = list(product([0, 1], repeat=sum(sizes)))
    chances, outputs = [], []
    for bits in everyone:
        masks = np.split(np.array(bits), np.cumsum(sizes)[:-1])
        pairs = [(bit, p) for mask, p in zip(masks, rates, strict=True) for bit in mask]
        chances.append(prod(1 - p if bit else p for bit, p in pairs))
        outputs.append(run(parts, x, masks, scaling))
    return np.array(everyone), np.array(chances), np.array(outputs)


def softmax(z: Any) -> Any:
    """Straight from the definition."""
    return np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)
