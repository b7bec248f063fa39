"""The thin linear network of one input: what a deep piecewise-linear network is, around that input."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..nn import Linear, Module, Sequential
from ..tensor import Array
from .affine import AffineMap, NotPiecewiseLinearError, affine_map
from .boundary import next_boundary
from .chain import stages
from .given import one_input, refuse_batch
from .layer import ThinLayer, layers_of
from .linears import ThinLinear, thin_linears
from .mixed import offering_the_part_before
from .reach import prune
from .segment import freeze
from .summary import summary_of

FlippingGate = tuple[int, int]
"""(layer, neuron): a gate, by its place in ``thin.layers``; layer −1 is the input itself."""


@dataclass(frozen=True, eq=False)
class ThinNetwork:
    """
    The thin linear network of one input; made by :func:`minigrad.thin`.

    Attributes
    ----------
    x : ndarray, shape (n_in,) or (*image)
        The input.
    output : ndarray, shape (n_out,)
        What the full network says.
    weight, bias : ndarray, shapes (n_out, n_in), (n_out,)
        ``net(x') = weight @ x'.ravel() + bias`` for every x' with the same activation pattern.
    input : ThinLayer
        The input's own entries, some of which dropout may have removed.
    layers : tuple of ThinLayer
        One for each layer with gates or masks, and for each Linear without; one for the outputs only where
        gates follow what computes them.
    radius : float
        How far, in Euclidean distance, the input may move in any direction before a gate changes; infinity
        where no boundary can be reached, 0 on a boundary (a *tie*).
    boundary : ndarray or None
        The nearest point on a boundary.
    patterns : tuple of ndarray
        The activation pattern: which piece each unit of each gate follows, in the order of the gates. For a
        ReLU, whether it is open; for Maxout, the winner; with one more axis where several may win.
    layered : bool
        Whether every Linear of ``network`` leads from one layer to the next, and nothing is carried past one.
    next_flip : frozenset of (layer, neuron)
        The gates that change when the input goes on beyond that point; at a tie, those that have a boundary
        at the input.
    tie : bool
        Whether the input lies on a boundary.
    """

    x: Array
    output: Array
    weight: Array
    bias: Array
    input: ThinLayer
    layers: tuple[ThinLayer, ...]
    radius: float
    boundary: Array | None
    next_flip: frozenset[FlippingGate]
    patterns: tuple[Array, ...] = field(repr=False)
    _make_linears: Callable[[], tuple[ThinLinear, ...]] = field(repr=False)
    _parameters: Mapping[int, str] = field(repr=False)
    _zeros: Mapping[str, Array] = field(repr=False)

    @property
    def tie(self) -> bool:
        """Whether the input lies on a boundary."""
        return self.radius == 0

    @property
    def kept(self) -> int:
        """How many hidden neurons (or pieces) remain."""
        return sum(len(layer.kept) for layer in self.layers)

    @property
    def total(self) -> int:
        """How many hidden neurons (or pieces) the full network has."""
        return sum(layer.total for layer in self.layers)

    @property
    def max_abs_error(self) -> float:
        """How far ``weight @ x + bias`` is from the full network's output: rounding alone."""
        return float(np.abs(self.weight @ self.x.ravel() + self.bias - self.output).max(initial=0))

    @property
    def layered(self) -> bool:
        """Whether every Linear of ``network`` leads from one layer to the next."""
        return not any(len(part.carried) for part in self._linears)

    @cached_property
    def network(self) -> Sequential:
        """
        The physically smaller network, of vectors: Linear layers alone, without the idle neurons.

        There is a Linear for each layer, and one for the outputs. Whatever is linear between two layers
        (convolution, means, batch norm) is in its weights, which are dense. Where a layer reads earlier ones,
        as behind a Residual, the Linears between have more rows, which hand on what it needs of them.
        """
        return Sequential(*(Linear.of(part.weight, part.bias) for part in self._linears))

    def scatter(self, grads: Any) -> Any:
        """
        Put the thin network's parameter gradients back in their places in the full network.

        Parameters
        ----------
        grads : mapping of name to array, or sequence of arrays
            Gradients of ``thin.network``'s parameters, by their names or in their order.

        Returns
        -------
        dict of name to ndarray, or list of ndarray
            Gradients of the full network's parameters, as mapping or sequence like ``grads``: equal to what
            differentiating the full network gives, and exactly zero where that passes through what is gone.

        Raises
        ------
        TypeError
            If they are neither a mapping nor a sequence.
        ValueError
            If the names, the number or a shape of the gradients do not fit ``thin.network``.
        """
        given = self._given(grads)
        full = {name: zeros.copy() for name, zeros in self._zeros.items()}
        for k, part in enumerate(self._linears):
            weight = given[f"{k}.weight"]
            bias = given.get(f"{k}.bias", np.zeros(len(weight)))
            for leaf, gradient in part.gradients(weight, bias):
                if id(leaf) in self._parameters:
                    full[self._parameters[id(leaf)]] += gradient
        return full if isinstance(grads, Mapping) else list(full.values())

    def summary(self) -> str:
        """Return a table of what is left of each layer, for printing."""
        return summary_of(self)

    def __repr__(self) -> str:
        """Say it in a line; ``print`` gives the table."""
        left = f"{self.kept} of {self.total} left, radius {self.radius:.3g}"
        return f"ThinNetwork({self.x.size} → {self.output.size}, {left})"

    def __str__(self) -> str:
        return self.summary()

    @cached_property
    def _linears(self) -> tuple[ThinLinear, ...]:
        return self._make_linears()

    def _given(self, grads: Any) -> dict[str, Array]:
        """Return the thin network's gradients by name, checked."""
        own = dict(self.network.named_parameters())
        if not isinstance(grads, Mapping):
            if not isinstance(grads, Iterable):
                raise TypeError(
                    f"scatter takes the gradients of thin.network, by name or in order, got {grads!r}"
                )
            values = list(grads)
            if len(values) != len(own):
                raise ValueError(
                    f"thin.network has {len(own)} parameters, but {len(values)} gradients are given"
                )
            grads = dict(zip(own, values, strict=True))
        if grads.keys() != own.keys():
            raise ValueError(
                f"gradients are given for {', '.join(grads)}, but thin.network has {', '.join(own)}"
            )
        arrays = {
            name: np.zeros_like(own[name].data) if g is None else np.asarray(g) for name, g in grads.items()
        }
        for name, array in arrays.items():
            if array.shape != own[name].shape:
                raise ValueError(
                    f"the gradient of {name} has shape {array.shape}; it must be {own[name].shape}"
                )
        return arrays


def thin_network(net: Module, x: ArrayLike) -> ThinNetwork:
    """Return the thin linear network of one input; see :func:`minigrad.thin`."""
    if not isinstance(net, Module):
        raise TypeError(f"thin takes a network (an nn.Module) and one input, but got {type(net).__name__}")
    given = one_input(net, x)
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is an error of its own
        around = map_around(net, given)
        nearest = next_boundary(around)
        found = stages(around)
    kept = prune(around, found)
    freeze(around)
    layers, place = layers_of(found, kept)
    for stage in found:
        stage.gates.clear()  # their slopes fill the memory, and are needed no more
    changes = zip(around.gates, nearest.changes, strict=True)
    parameters = dict(net.named_parameters())
    n_out = around.output.size
    return ThinNetwork(
        x=given,
        output=around.output.reshape(n_out),
        weight=around.weight.reshape(n_out, given.size),
        bias=around.bias.reshape(n_out),
        input=layers[0],
        layers=tuple(layers[1:]),
        radius=nearest.radius,
        boundary=None if nearest.point is None else nearest.point.reshape(given.shape),
        next_flip=frozenset(
            (place[id(gate)], int(j)) for gate, units in changes for j in np.flatnonzero(units)
        ),
        patterns=tuple(
            gate.pattern[0] if given.ndim > 1 and len(gate.pattern) == 1 else gate.pattern
            for gate in around.gates
        ),
        _make_linears=partial(thin_linears, around.leaf, around.nodes, found, kept),
        _parameters={id(parameter): name for name, parameter in parameters.items()},
        _zeros={name: np.zeros_like(parameter.data) for name, parameter in parameters.items()},
    )


def map_around(net: Module, x: Array) -> AffineMap:
    """Return the affine map around an input; refuse a batch, and what gives no vector or is not finite."""
    try:
        with offering_the_part_before(net, x if x.ndim == 1 else x[None]):
            around = affine_map(net, x)
    except NotPiecewiseLinearError:
        raise
    except Exception:
        refuse_batch(net, x)
        raise
    if around.output.shape != (*(1,) * (x.ndim > 1), around.output.size):
        refuse_batch(net, x)
        raise ValueError(
            f"thin needs a network that gives a vector, but it gives shape {around.output.shape}"
            + (f" for a batch of one input of shape {x.shape}" if x.ndim > 1 else "")
        )
    if not all(np.isfinite(part).all() for part in (around.output, around.weight, around.bias)):
        raise ValueError("the network is not finite here, so it has no thin linear network")
    return around
