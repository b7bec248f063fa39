"""What must hold for a thin linear network: each claim against the plain oracle or the full network."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

import minigrad as mg
from minigrad import nn

from . import plain
from .plain import Layers


def close(actual: Any, expected: Any, rounding: float = 1e-11) -> None:
    """Equal to rounding, measured by the largest number there is."""
    expected = np.asarray(expected, dtype=float)
    scale = max(1.0, float(np.abs(expected).max(initial=0)))
    np.testing.assert_allclose(actual, expected, rtol=0, atol=rounding * scale)


def thin_of(layers: Layers, x: Any, training: bool = True) -> tuple[nn.Sequential, mg.ThinNetwork]:
    """The library's network and its thin linear network, with the masks that the oracle has."""
    net = plain.build(layers).train(training)
    return net, mg.thin(plain.seed_masks(net, layers), x)


def jacobian_by_backward(net: nn.Module, layers: Layers, x: Any) -> Any:
    """One backward pass per output, with the same masks each time."""
    n_out = len(plain.seed_masks(net, layers)(x).data)
    rows = []
    for cotangent in np.eye(n_out):
        leaf = mg.tensor(x, requires_grad=True)
        plain.seed_masks(net, layers)(leaf).backward(cotangent)
        rows.append(leaf.grad)
    net.zero_grad()
    return np.reshape(rows, (n_out, len(x)))


def map_is_right(layers: Layers, x: Any, training: bool = True) -> None:
    """Output, slope, constant: as the oracle has them, as backward has them, as differences have them."""
    net, thin = thin_of(layers, x, training)
    expected = plain.run(layers, x, training)
    close(thin.output, expected.value)
    close(thin.weight, expected.jacobian)
    close(thin.weight, jacobian_by_backward(net, layers, x), 1e-13)
    close(thin.weight @ x + thin.bias, expected.value)
    assert thin.max_abs_error <= 1e-11 * max(1.0, np.abs(expected.value).max(initial=0))


def differences_agree(layers: Layers, x: Any) -> None:
    """Inside the region central differences are the slope, to rounding."""
    net, thin = thin_of(layers, x)
    step = min(0.5 * thin.radius, 1.0)
    for j, unit in enumerate(np.eye(len(x))):
        ahead, behind = (plain.seed_masks(net, layers)(x + side * step * unit).data for side in (1, -1))
        close((ahead - behind) / (2 * step), thin.weight[:, j], 1e-12 / min(step, 1))


def network_is_smaller(layers: Layers, x: Any, training: bool = True) -> None:
    """The thin network is Linear layers alone, as wide as what is kept, and says the same."""
    _, thin = thin_of(layers, x, training)
    expected = plain.run(layers, x, training)
    parts = list(thin.network)
    assert all(type(part) is nn.Linear for part in parts)
    close(thin.network(x).data, expected.value)
    hidden = [len(layer.kept) for layer in thin.layers][: max(len(expected.sizes) - 1, 0)]
    first = [len(thin.input.kept)] if thin.input.kind != "Input" and expected.sizes else []
    assert [part.n_out for part in parts] == [*first, *hidden, len(expected.value)]
    assert all(layer.total >= len(layer.kept) for layer in thin.layers)


def region_is_right(layers: Layers, x: Any, numbered: bool = True) -> None:
    """
    Within the radius nothing changes and the map holds; just past it exactly ``next_flip`` changes.

    Where a network branches its layers have no common numbers, and flips are counted instead.
    """
    net, thin = thin_of(layers, x)
    accurate, start = plain.exact(layers), plain.fractions(x)
    here = plain.run(accurate, start)
    distances = here.distances()
    radius = min((distance for distance, _, _ in distances), default=np.inf)
    np.testing.assert_allclose(thin.radius, radius, rtol=1e-9)
    if radius == np.inf:
        assert thin.boundary is None and thin.next_flip == frozenset() and not thin.tie
    elif radius == 0:
        assert thin.tie and thin.next_flip == here.touched()
    else:
        assert not thin.tie
        equal = [(delta, slope) for each, delta, slope in distances if each < radius * (1 + 1e-9)]
        steps = [-delta * slope / (slope @ slope) for delta, slope in equal]
        step = min(steps, key=lambda step: np.abs((start + step).astype(float) - thin.boundary).max())
        close(thin.boundary, start + step)
        flips = here.flips(plain.run(accurate, start + step * (1 + Fraction(1, 10**9))))
        assert thin.next_flip == flips if numbered else len(thin.next_flip) == len(flips)
    for point in _points_within(x, thin.radius, distances, np.random.default_rng(0)):
        there = plain.run(accurate, plain.fractions(point))
        assert not here.flips(there)
        close(thin.weight @ point + thin.bias, there.value)
        close(plain.seed_masks(net, layers)(point).data, there.value)


def _points_within(x: Any, radius: float, distances: Any, rng: np.random.Generator) -> list[Any]:
    """Points almost as far as the radius, at random and straight towards every boundary."""
    if radius < 1e-9:
        return []
    towards = [-float(delta) * slope.astype(float) for _, delta, slope in distances if delta]
    far = min(radius, 10.0) * (1 - 1e-6)
    directions = [*towards, *rng.normal(size=(5, len(x)))]
    return [x + far * rng.uniform(0.9, 1) * d / np.linalg.norm(d) for d in directions]


def training_agrees(layers: Layers, x: Any, batch: int = 3, far: float = 0.9, seed: int = 0) -> None:
    """
    Gradients of the thin network, put back, are the full network's; exactly 0 where nothing is left.

    The batch lies within the share ``far`` of the radius.
    """
    net, thin = thin_of(layers, x)
    rng = np.random.default_rng(seed)
    moves = rng.uniform(-1, 1, size=(batch, len(x))) / np.sqrt(len(x))
    inputs = x + far * min(thin.radius, 10.0) * moves
    cotangents = rng.normal(size=(batch, len(thin.output)))
    net.zero_grad()
    for point, cotangent in zip(inputs, cotangents, strict=True):
        output = plain.seed_masks(net, layers)(point)
        if output.requires_grad:
            output.backward(cotangent)
    thin.network(inputs).backward(cotangents)
    own = dict(thin.network.named_parameters())
    named = thin.scatter({name: p.grad for name, p in own.items()})
    in_order = thin.scatter([p.grad for p in own.values()])
    assert list(named) == [name for name, _ in net.named_parameters()]
    for (name, parameter), placed in zip(net.named_parameters(), in_order, strict=True):
        assert placed.dtype == parameter.dtype
        np.testing.assert_array_equal(named[name], placed)
        close(placed, np.zeros(placed.shape) if parameter.grad is None else parameter.grad)
    _zero_elsewhere(thin, named)


def _zero_elsewhere(thin: mg.ThinNetwork, placed: dict[str, Any]) -> None:
    """Rows of neurons (or pieces) that are gone, and columns of those, have gradient exactly 0."""
    linears = [name for name in placed if name.endswith("weight")]
    for name, layer, after in zip(linears, thin.layers, [*linears[1:], None], strict=False):
        gone = np.setdiff1d(np.arange(len(placed[name])), layer.kept)
        assert not placed[name][gone].any()
        if after is not None and layer.groups is None:
            assert not placed[after][:, gone].any()


def only_idle_are_gone(layers: Layers, x: Any, seed: int = 0) -> None:
    """
    Taking away a neuron that is kept changes the output or a gradient.

    One that is gone was 0, and taking it away changes nothing; or nothing after it takes notice of it.
    """
    _, thin = thin_of(layers, x)
    groups = plain.stages(layers)
    cotangent = np.random.default_rng(seed).normal(size=len(thin.output))
    full = _effect(groups, x, cotangent)
    for k, layer in enumerate(thin.layers[: len(groups) - 2]):
        owners = np.repeat(np.arange(len(layer.output)), layer.groups or 1)
        kept = set(owners[layer.kept])
        for j, value in enumerate(layer.output):
            change = ("without", j) if j in kept or value == 0 else ("nudge", j, 1e-7)
            effect = _effect([*groups[: k + 2], [change], *groups[k + 2 :]], x, cotangent)
            same = all(np.allclose(a, b, rtol=1e-12, atol=1e-13) for a, b in zip(full, effect, strict=True))
            assert same == (j not in kept), (k, j, kept)


def _effect(groups: list[Layers], x: Any, cotangent: Any) -> list[Any]:
    """The output and every parameter's gradient."""
    layers = [layer for group in groups for layer in group]
    net = plain.seed_masks(plain.build(layers), layers)
    output = net(x)
    if output.requires_grad:
        output.backward(cotangent)
    return [output.data, *(np.zeros(p.shape) if p.grad is None else p.grad for p in net.parameters())]
