"""Hypothesis strategies: networks of any module that is piecewise linear, and an input for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn


class Apply(nn.Module):
    """A user's own module: a function of the input, and parameters."""

    def __init__(self, function: Any, *parameters: Any) -> None:
        self.function = function
        self.parts = nn.Sequential(*(Held(p) for p in parameters))

    def forward(self, x: mg.Tensor) -> mg.Tensor:
        return self.function(x, *(part.value for part in self.parts))


class Held(nn.Module):
    def __init__(self, value: Any) -> None:
        self.value = nn.Parameter(value)


VECTOR: dict[str, Any] = {
    "sort": lambda x: np.sort(x, axis=-1),
    "abs": np.abs,
    "clip": lambda x: np.clip(x, -0.5, 0.7),
    "turned round": lambda x: x[..., ::-1],
    "running sum": lambda x: np.cumsum(x, axis=-1),
    "less the mean": lambda x: x - np.mean(x, axis=-1, keepdims=True),
    "largest first": lambda x: np.concatenate([np.max(x, axis=-1, keepdims=True), x], axis=-1),
    "with its sign": lambda x: np.concatenate([mg.relu(x), mg.relu(-x)], axis=-1),
    "max with its reverse": lambda x: np.maximum(x, x[..., ::-1]),
    "min with half of it": lambda x: np.minimum(x, 0.5 * x - 0.1),
    "read twice": lambda x: mg.relu(x) + 0.5 * x,
    "gate read twice": lambda x: _twice(mg.relu(x)),
    "shift behind a gate": lambda x: mg.relu(x) - 0.3,
    "bounds that move": lambda x: np.clip(x, -np.abs(x[..., ::-1]), 1.0),
    "mask": lambda x: np.where(np.arange(x.shape[-1]) > 0, x, 0.2),
    "in two rows": lambda x: np.reshape(np.stack([x, -x], axis=-1), (*x.shape[:-1], -1)),
}
"""Functions of vectors, or of rows of a batch; all keep to the last axis."""

LEARNED: dict[str, Any] = {
    "scaled": (lambda x, p: x * p, 1),
    "divided": (lambda x, p: x / (2 + p * p), 1),
    "shifted": (lambda x, p: x + p, 1),
    "max with learned": (lambda x, p: np.maximum(x, p), 1),
    "learned slopes": (lambda x, p: mg.prelu(x, 0.1 + p), 1),
    "matrix": (lambda x, p: x @ p, 2),
    "masked matrix": (lambda x, p: x @ (p * np.tri(len(p))), 2),
    "einsum": (lambda x, p: np.einsum("...i,ij->...j", x, p), 2),
}
"""Functions with parameters, and how many axes those have."""


def _twice(x: Any) -> Any:
    return x[..., ::-1] + 2 * mg.relu(x - 0.2)


@st.composite
def any_networks(draw: Any, *, image: bool = False, bends: int = 3, whole: bool = False) -> tuple[Any, Any]:
    """Draw a network, in evaluation, and an input: a vector, or an image."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1), label="seed"))
    parts = _Parts(draw, rng, whole)
    layers: list[nn.Module] = []
    if image:
        shape = (draw(st.integers(1, 2)), draw(st.integers(4, 6)), draw(st.integers(4, 6)))
        x, now = parts.numbers(shape), shape
        for _ in range(draw(st.integers(1, bends), label="layers of images")):
            layer, now = parts.of_images(now)
            layers.append(layer)
        layers.append(nn.Flatten())
        n = int(np.prod(now))
    else:
        n = draw(st.integers(1, 4), label="inputs")
        x = parts.numbers((n,))
    for _ in range(draw(st.integers(0 if image else 1, 1 if image else bends + 1), label="layers")):
        layer, n = parts.of_vectors(n)
        layers.append(layer)
    layers.append(parts.linear(n, draw(st.integers(1, 3), label="outputs")))
    cut = draw(st.integers(0, len(layers)), label="nested from")
    nested = [*layers[:cut], nn.Sequential(*layers[cut:])] if cut < len(layers) else layers
    return nn.Sequential(*nested).eval(), x


@dataclass
class _Parts:
    draw: Any
    rng: np.random.Generator
    whole: bool

    def numbers(self, shape: Any) -> Any:
        if self.whole:
            return self.rng.integers(-2, 3, shape).astype(float)
        return self.rng.normal(size=shape)

    def linear(self, n: int, m: int) -> nn.Linear:
        return nn.Linear.of(self.numbers((m, n)), self.numbers(m) if self.draw(st.booleans()) else None)

    def gate(self) -> nn.Module:
        return self.draw(
            st.sampled_from([nn.ReLU(), nn.LeakyReLU(0.1), nn.PReLU(0.3, dtype=float), Apply(np.abs)])
        )

    def norm(self, n: int) -> nn.Module:
        if self.draw(st.booleans(), label="affine"):
            weight = self.numbers(n), self.numbers(n)
        else:
            weight = None, None
        return nn.BatchNorm.of(self.numbers(n), 0.5 + self.rng.random(n), *weight)

    def of_vectors(self, n: int) -> tuple[nn.Module, int]:
        """A layer on vectors of n entries, and how many it gives."""
        kind = self.draw(
            st.sampled_from(
                ["block", "norm", "residual", "maxout", "function", "learned", "before", "dropout"]
            )
        )
        m = self.draw(st.integers(1, 4), label="width")
        if kind == "block":
            return nn.Sequential(self.linear(n, m), self.gate()), m
        if kind == "norm":
            return nn.Sequential(self.linear(n, m), self.norm(m), self.gate()), m
        if kind == "residual":
            return nn.Residual(self.linear(n, m), self.gate(), self.linear(m, n)), n
        if kind == "before":
            return nn.Residual(self.gate(), self.linear(n, n), nn.Residual(self.gate())), n
        if kind == "maxout":
            return nn.Sequential(self.linear(n, 2 * m), nn.Maxout(2)), m
        if kind == "dropout":
            return nn.Sequential(self.gate(), nn.Dropout(0.3, scaling="weights")), n
        if kind == "function":
            function = VECTOR[self.draw(st.sampled_from(sorted(VECTOR)))]
            return Apply(function), function(np.zeros(n)).shape[0]
        function, axes = LEARNED[self.draw(st.sampled_from(sorted(LEARNED)))]
        return Apply(function, self.numbers((n,) * axes)), n

    def of_images(self, shape: Any) -> tuple[nn.Module, Any]:
        """A layer on images, and the shape that it gives."""
        c, *spatial = shape
        kinds = ["conv", "conv norm", "residual", "slopes"]
        kinds += ["max", "mean", "max of all"] if min(spatial) >= 2 else []
        kind = self.draw(st.sampled_from(kinds))
        k = self.draw(st.integers(1, min(3, *spatial)), label="kernel")
        padding = self.draw(st.integers(0, k // 2), label="padding")
        stride = self.draw(st.integers(1, 2), label="stride")
        after = [(n + 2 * padding - k) // stride + 1 for n in spatial]
        m = self.draw(st.integers(1, 2), label="channels")
        if kind in ("conv", "conv norm"):
            bias = self.numbers(m) if self.draw(st.booleans()) else None
            layers = [nn.Conv2d.of(self.numbers((m, c, k, k)), bias, stride, padding)]
            layers += [self.norm(m)] if kind == "conv norm" else []
            return nn.Sequential(*layers, self.gate()), (m, *after)
        if kind == "residual":
            return nn.Residual(self.gate(), nn.Conv2d.of(self.numbers((c, c, 1, 1)))), shape
        if kind == "slopes":
            return Apply(lambda x, p: mg.prelu(x, p), self.numbers((c, 1, 1))), shape
        if kind == "max of all":
            return Apply(lambda x: np.max(x, axis=(2, 3), keepdims=True)), (c, 1, 1)
        pool = nn.MaxPool2d if kind == "max" else nn.AvgPool2d
        return pool(k, stride, padding), (c, *after)
