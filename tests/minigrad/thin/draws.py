"""Hypothesis strategies: networks of every architecture, generic or degenerate, and an input for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from .plain import Layers

GATES = ("relu", "leaky", "prelu", "maxout", "dropout", "identity", "abs", "maximum", "minimum", "clip")


@st.composite
def networks(
    draw: Any,
    *,
    whole: bool = False,
    gates: tuple[str, ...] = GATES,
    widths: tuple[int, int] = (0, 5),
    biases: bool = False,
    residual: bool = False,
    outputs: tuple[int, int] = (0, 3),
    twins: bool = False,
) -> tuple[Layers, Any]:
    """
    Draw a network and an input.

    With ``whole``, all numbers are small whole ones or halves, so that ties, dead layers, equal neurons and
    zero rows are common, and float64 computes without rounding; otherwise they are normal, and generic, but
    with ``twins`` some neurons are multiples of others.
    """
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1), label="seed"))
    parts = _Parts(draw, rng, whole, gates, biases, twins)
    n = n_in = draw(st.integers(1, 4), label="inputs")
    layers: Layers = []
    if not biases:  # what happens to the input itself
        layers, n = parts.after(n, most=1)
    for _ in range(draw(st.integers(0, 3), label="hidden layers")):
        if residual and draw(st.booleans()):
            layers.append(("residual", [parts.linear(n, n), ("relu",), parts.linear(n, n)]))
        hidden, n = parts.hidden(n, draw(st.integers(*widths), label="width"))
        layers += [("sequential", hidden)] if draw(st.booleans(), label="nested") else hidden
    if biases or draw(st.integers(0, 5)):
        layers.append(parts.linear(n, draw(st.integers(*outputs), label="outputs")))
    x = rng.integers(-3, 4, size=n_in).astype(float) if whole else rng.normal(size=n_in)
    return layers, x


@dataclass
class _Parts:
    """Draws one layer at a time."""

    draw: Any
    rng: np.random.Generator
    whole: bool
    gates: tuple[str, ...]
    biases: bool
    twins: bool

    def hidden(self, n: int, width: int) -> tuple[Layers, int]:
        """A Linear and what follows it, and the width that is left."""
        groups: tuple[int, ...] | None = None
        if "maxout" in self.gates and self.draw(st.booleans(), label="Maxout"):
            groups = tuple(self.draw(st.lists(st.integers(1, 3), min_size=width, max_size=width)))
        layers = [self.linear(n, width if groups is None else sum(groups))]
        if groups is not None:
            layers.append(("maxout", groups))
        following, n = self.after(width, most=1 if self.biases else 2)
        return layers + following, n

    def linear(self, n: int, m: int) -> tuple[Any, ...]:
        """A Linear from n to m."""
        bias = self.biases or self.draw(st.booleans(), label="bias")
        if self.whole:
            weight, shift = self.rng.integers(-2, 3, (m, n)), self.rng.integers(-2, 3, m)
        else:
            weight, shift = self.rng.normal(size=(m, n)), self.rng.normal(size=m)
        for twin in range(1, m if self.twins else 0):
            if self.rng.random() < 0.4:
                of, times = self.rng.integers(twin), self.rng.choice([-1.0, 1.0, 2.0])
                weight[twin], shift[twin] = times * weight[of], times * shift[of]
        return "linear", weight.astype(float), shift.astype(float) if bias else None

    def after(self, n: int, most: int) -> tuple[Layers, int]:
        """What follows a Linear, and the width that is left."""
        layers: Layers = []
        for kind in self.draw(st.lists(st.sampled_from(self.gates), max_size=most)):
            layers.append((kind, *self.numbers(kind, n)))
            n = len(layers[-1][1]) if kind == "maxout" else n
        return layers, n

    def numbers(self, kind: str, n: int) -> list[Any]:
        """The numbers of one gate."""
        if kind == "leaky":
            return [
                self.draw(st.sampled_from([0.0, 0.5, 1.0, -1.0] if self.whole else [0.0, 0.01, 1.0, -0.3]))
            ]
        if kind == "prelu":
            return [self.draw(st.sampled_from([0.0, 0.25, -0.5, 1.0]))]
        if kind == "dropout":
            p = 0.5 if self.whole else self.draw(st.sampled_from([0.0, 0.3, 0.5]))
            return [p, self.draw(st.sampled_from(["inverted", "weights"])), int(self.rng.integers(2**31))]
        if kind == "maxout":
            cuts = self.draw(st.sets(st.integers(1, n - 1))) if n > 1 else set()
            ends = sorted({*cuts, n} - {0})
            return [tuple(int(size) for size in np.diff([0, *ends]))]
        bounds = {"maximum": [0.0], "minimum": [0.0], "clip": [-1.0, 1.0]}.get(kind, [])
        return bounds if self.whole else [bound + float(self.rng.normal(scale=0.3)) for bound in bounds]
