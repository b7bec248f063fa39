"""What is measured of a network: its loss and accuracy, its norms, what its neurons do."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle
from typing import NamedTuple, TypeAlias

import numpy as np

from ..nn import LeakyReLU, Module, PReLU, ReLU, Sigmoid, Tanh, watch
from ..recording import no_grad
from ..tensor import Array, Tensor
from .modes import evaluating

Loss: TypeAlias = Callable[[Tensor, Array], Tensor]
Hits: TypeAlias = Callable[[Array, Array], int]

CHUNK = 1024
"""How many examples are evaluated at once: few enough for memory, enough for speed."""

GATES = (ReLU, LeakyReLU, PReLU)
LIMITS = {Sigmoid: (0.01, 0.99), Tanh: (-0.98, 0.98)}
"""Outputs beyond these are saturated: within 1 % of the range from a limit."""


class Examples(NamedTuple):
    """Inputs and labels, and how right answers are counted, if labels are classes."""

    x: Array
    y: Array
    hits: Hits | None


def hits_of_classes(output: Array, y: Array) -> int:
    """Count the rows of ``output`` that are largest at their label."""
    return int(np.count_nonzero(output.argmax(axis=1) == y))


def hits_of_signs(output: Array, y: Array) -> int:
    """Count the logits that have the sign of their label: 0 or 1, or else −1 or +1."""
    return int(np.count_nonzero((output.reshape(y.shape) > 0) == (y > 0)))


def evaluate(net: Module, examples: Examples, loss: Loss) -> dict[str, float | None]:
    """Return average loss and accuracy in evaluation mode, as History calls them."""
    x, y, hits = examples
    total, right = 0.0, 0
    with evaluating(net), no_grad():
        for start in range(0, len(x), CHUNK):
            rows = slice(start, start + CHUNK)
            output = net(x[rows])
            total += loss(output, y[rows]).item() * len(x[rows])
            right += hits(output.data, y[rows]) if hits else 0
    return {"validation_loss": total / len(x), "validation_accuracy": right / y.size if hits else None}


def activity(net: Module, x: Array) -> dict[str, dict[str, float]]:
    """Return, by layer, the shares of inactive and of saturated neurons for the inputs ``x``."""
    inactive: dict[str, list[float]] = {}
    saturated: dict[str, list[float]] = {}
    paths: dict[int, list[str]] = {}
    for path, module in net.named_modules():
        paths.setdefault(id(module), []).append(path)
    names = {key: cycle(found) for key, found in paths.items()}  # a module used twice has two names

    def look(module: Module, given: Tensor, output: Tensor) -> None:
        limits = next((LIMITS[kind] for kind in LIMITS if isinstance(module, kind)), None)
        if isinstance(module, GATES):
            closed = given.data <= 0
            inactive.setdefault(next(names[id(module)]), []).append(float(closed.mean()))
        elif limits:
            beyond = (output.data < limits[0]) | (output.data > limits[1])
            saturated.setdefault(next(names[id(module)]), []).append(float(beyond.mean()))

    with evaluating(net), no_grad(), watch(look):
        net(x)
    return {"inactive": _averages(inactive), "saturated": _averages(saturated)}


def squared_norm(array: Array) -> float:
    """Return ‖array‖², summed in float64 where float32 would not hold it."""
    flat = array.ravel("K")
    squared = float(flat @ flat)
    if 1e-30 < squared < 1e30:
        return squared
    wide = flat.astype(np.float64)
    return float(wide @ wide)


def _averages(shares: dict[str, list[float]]) -> dict[str, float]:
    """Average over the calls of each layer."""
    return {name: sum(values) / len(values) for name, values in shares.items()}
