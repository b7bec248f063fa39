"""The oracle: networks as plain lists, run in plain NumPy, by rules written out here and nowhere else.

A network is a list of layers, each a tuple: its kind and its numbers. `run` follows one input through it and
notes value, derivative and every gate's piece and boundaries. With arrays of Fractions it is exact.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

import minigrad as mg
from minigrad import nn

Layers = list[tuple[Any, ...]]


@dataclass
class PlainGate:
    """One gate layer: where it is, which piece each unit follows, δ and ∇δ of each unit's boundaries."""

    layer: int
    pattern: list[Any]
    margins: list[list[Any]]
    slopes: list[list[Any]]


@dataclass
class PlainRun:
    value: Any
    jacobian: Any
    gates: list[PlainGate] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)

    def distances(self) -> list[tuple[float, Any, Any]]:
        """(distance, δ, ∇δ) of every boundary that can be reached."""
        return [
            (abs(float(delta)) / float(np.sqrt(float(slope @ slope))), delta, slope)
            for gate in self.gates
            for margins, slopes in zip(gate.margins, gate.slopes, strict=True)
            for delta, slope in zip(margins, slopes, strict=True)
            if any(slope)
        ]

    def touched(self) -> set[tuple[int, int]]:
        """Which gates have a boundary right here."""
        return {
            (gate.layer, j)
            for gate in self.gates
            for j, (margins, slopes) in enumerate(zip(gate.margins, gate.slopes, strict=True))
            if any(delta == 0 and any(slope) for delta, slope in zip(margins, slopes, strict=True))
        }

    def flips(self, other: PlainRun) -> set[tuple[int, int]]:
        """Which gates follow another piece there."""
        return {
            (here.layer, j)
            for here, there in zip(self.gates, other.gates, strict=True)
            for j, (piece, other_piece) in enumerate(zip(here.pattern, there.pattern, strict=True))
            if piece != other_piece
        }


def run(layers: Layers, x: Any, training: bool = True) -> PlainRun:
    """Follow one input through the network."""
    one = Fraction(1) if np.asarray(x).dtype == object else 1.0
    state = PlainRun(np.asarray(x), np.eye(len(x), dtype=int) * one)
    _follow(layers, state, training, [-1])
    return state


def _follow(layers: Layers, state: PlainRun, training: bool, place: list[int]) -> None:
    for kind, *numbers in layers:
        z, jacobian = state.value, state.jacobian
        if kind == "linear":
            weight, bias = numbers
            place[0] += 1
            state.value = weight @ z + (0 if bias is None else bias)
            state.jacobian = weight @ jacobian
            state.sizes.append(len(weight))
        elif kind == "sequential":
            _follow(numbers[0], state, training, place)
        elif kind == "residual":
            _follow(numbers[0], state, training, place)
            state.value, state.jacobian = state.value + z, state.jacobian + jacobian
        elif kind == "maxout":
            _maxout(numbers[0], state, place[0])
        elif kind == "dropout":
            p, scaling, seed = numbers
            factor = mask(float(p), scaling, seed, len(z), training)
            factor = fractions(factor) if z.dtype == object else factor
            state.value, state.jacobian = z * factor, jacobian * factor[:, None]
        elif kind != "identity":
            _bend(kind, numbers, state, place[0])


def mask(p: float, scaling: str, seed: int, n: int, training: bool) -> Any:
    """What a Dropout multiplies by."""
    if not training:
        return np.full(n, 1 - p if scaling == "weights" else 1.0)
    stays = np.random.default_rng(seed).random(n) >= p
    return stays / (1 - p) if scaling == "inverted" else stays.astype(float)


def _maxout(groups: tuple[int, ...], state: PlainRun, layer: int) -> None:
    gate = PlainGate(layer, [], [], [])
    rows, start = [], 0
    for size in groups:
        z, jacobian = state.value[start : start + size], state.jacobian[start : start + size]
        best = next(k for k in range(size) if all(z[k] >= other for other in z))
        others = [k for k in range(size) if k != best]
        gate.pattern.append(best)
        gate.margins.append([z[best] - z[k] for k in others])
        gate.slopes.append([jacobian[best] - jacobian[k] for k in others])
        rows.append(start + best)
        start += size
    state.gates.append(gate)
    state.value, state.jacobian = state.value[rows], state.jacobian[rows]


def _bend(kind: str, numbers: list[Any], state: PlainRun, layer: int) -> None:
    """Gates that act on each unit alone: (slope, value, piece, bounds) by cases."""
    gate = PlainGate(layer, [], [], [])
    values, slopes = [], []
    for z in state.value:
        slope, value, piece, bounds = _piece(kind, numbers, z)
        values.append(value)
        slopes.append(slope)
        gate.pattern.append(piece)
        gate.margins.append([z - bound for bound in bounds])
    for row, margins in zip(state.jacobian, gate.margins, strict=True):
        gate.slopes.append([row for _ in margins])
    state.gates.append(gate)
    kind_of = state.jacobian.dtype
    state.value = np.array(values, dtype=kind_of)
    state.jacobian = np.array(slopes, dtype=kind_of).reshape(-1, 1) * state.jacobian


def _piece(kind: str, numbers: list[Any], z: Any) -> tuple[Any, Any, Any, tuple[Any, ...]]:
    if kind == "relu":
        return (1, z, "open", (0,)) if z > 0 else (0, 0 * z, "closed", (0,))
    if kind in ("leaky", "prelu"):
        return (1, z, "open", (0,)) if z > 0 else (numbers[0], numbers[0] * z, "closed", (0,))
    if kind == "abs":
        side = int(z > 0) - int(z < 0)
        return side, side * z, side, (0,)
    if kind in ("maximum", "minimum"):
        bound = numbers[0]
        if z == bound:
            return Fraction(1, 2), z, "both", (bound,)
        own = (z > bound) == (kind == "maximum")
        return (1, z, "own", (bound,)) if own else (0, 0 * z + bound, "bound", (bound,))
    low, high = numbers  # clip
    if z < low:
        return 0, 0 * z + low, "low", (low, high)
    return (0, 0 * z + high, "high", (low, high)) if z > high else (1, z, "inside", (low, high))


class Apply(nn.Module):
    """A user's own module: one of the library's functions, with constants."""

    def __init__(self, function: Any, *constants: Any) -> None:
        self.function, self.constants = function, constants

    def forward(self, x: mg.Tensor) -> mg.Tensor:
        return self.function(x, *self.constants)


def build(layers: Layers, dtype: Any = np.float64) -> nn.Sequential:
    """Make the library's network of the layers."""
    return nn.Sequential(*(_module(layer, dtype) for layer in layers))


def _module(layer: tuple[Any, ...], dtype: Any) -> nn.Module:
    kind, *numbers = layer
    if kind == "linear":
        weight, bias = numbers
        return nn.Linear.of(weight.astype(dtype), None if bias is None else bias.astype(dtype))
    if kind in ("sequential", "residual"):
        holder = nn.Sequential if kind == "sequential" else nn.Residual
        return holder(*build(numbers[0], dtype))
    if kind == "maxout":
        return nn.Maxout(list(numbers[0]) or 2)
    if kind == "dropout":
        p, scaling, _ = numbers
        return nn.Dropout(p, scaling)
    if kind == "prelu":
        return nn.PReLU(float(numbers[0]), dtype=dtype)
    if kind == "leaky":
        return nn.LeakyReLU(numbers[0])
    return {
        "relu": lambda: nn.ReLU(),
        "identity": lambda: nn.Identity(),
        "abs": lambda: Apply(np.abs),
        "maximum": lambda: Apply(mg.maximum, *numbers),
        "minimum": lambda: Apply(mg.minimum, *numbers),
        "clip": lambda: Apply(mg.clip, *numbers),
        "without": lambda: Apply(_without, *numbers),
        "nudge": lambda: Apply(_nudge, *numbers),
    }[kind]()


def _without(x: mg.Tensor, j: int) -> mg.Tensor:
    return x * (np.arange(x.shape[-1]) != j)


def _nudge(x: mg.Tensor, j: int, size: float) -> mg.Tensor:
    return x + size * (np.arange(x.shape[-1]) == j)


def stages(layers: Layers) -> list[Layers]:
    """The layers in groups that begin at a linear one; the first is what comes before."""
    groups: list[Layers] = [[]]
    for layer in flat(layers):
        if layer[0] == "linear":
            groups.append([])
        if layer[0] != "sequential":
            groups[-1].append(layer)
    return groups


def flat(layers: Layers) -> Layers:
    """The layers without their nesting, residual connections among them."""
    parts: Layers = []
    for layer in layers:
        nested = layer[0] in ("sequential", "residual")
        parts += [layer[:1], *flat(layer[1])] if nested else [layer]
    return parts


def seed_masks(net: nn.Module, layers: Layers) -> nn.Module:
    """Let every Dropout draw from the beginning of its own seed again."""
    seeds = [layer[3] for layer in flat(layers) if layer[0] == "dropout"]
    dropouts = [module for module in net.modules() if isinstance(module, nn.Dropout)]
    for module, seed in zip(dropouts, seeds, strict=True):
        module.rng = np.random.default_rng(seed)
    return net


def exact(layers: Layers) -> Layers:
    """The same network in Fractions."""
    return [tuple(_exact(part) for part in layer) for layer in layers]


def decided_by_rounding(layers: Layers, x: Any) -> bool:
    """Whether float64 chooses another piece somewhere than the exact numbers do."""
    return bool(run(layers, x).flips(run(exact(layers), fractions(x))))


def fractions(numbers: Any) -> Any:
    """An array of Fractions."""
    array = np.asarray(numbers, dtype=object)
    return np.array([Fraction(float(v)) for v in array.ravel()], dtype=object).reshape(array.shape)


def _exact(part: Any) -> Any:
    if isinstance(part, np.ndarray):
        return fractions(part)
    if isinstance(part, float):
        return Fraction(part)
    return exact(part) if isinstance(part, list) else part
