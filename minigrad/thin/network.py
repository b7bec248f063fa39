"""The thin linear network of one input: what a deep piecewise-linear network is, around that input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..graph import Node
from ..nn import Linear, Module, Sequential
from ..rules.gates import dropout, group_maxout
from ..rules.products import linear
from ..tensor import Array, Tensor
from .affine import AffineMap, Gate, affine_map, patterns_at
from .chain import Stage, linears, prune, stages

FlippingGate = tuple[int, int]
"""(layer, neuron): a gate, by its place in ``thin.layers``; layer −1 is the input itself."""


@dataclass(frozen=True, eq=False)
class ThinLayer:
    """
    What one layer looks like for the input.

    Attributes
    ----------
    name, kind : str
        Path and type of the layer's gate, such as "1" and "ReLU"; of the Linear where there is no gate.
    preactivation : ndarray
        Before the gates: one number per neuron, or per piece of a Maxout.
    output : ndarray, shape (neurons,)
        After gates and masks.
    active : ndarray of bool, shape (neurons,)
        Gate open (x > 0, or inside the bounds); always true for Maxout.
    winners : ndarray of int, shape (neurons,), or None
        For Maxout, which piece of its group each neuron follows.
    groups : tuple of int or None
        For Maxout, how many pieces each neuron has.
    dropped : ndarray of bool, shape (neurons,)
        Removed by a dropout mask.
    kept : ndarray of int
        The neurons (for Maxout, the pieces) that remain in the thin network.
    slope : ndarray, shape (neurons,)
        Of the neuron's piece, dropout's factor included.
    margin : ndarray, shape (neurons,)
        How far the input may move until this neuron's gate changes; infinity where it can't be reached.
    """

    name: str
    kind: str
    preactivation: Array
    output: Array
    active: Array
    winners: Array | None
    groups: tuple[int, ...] | None
    dropped: Array
    kept: Array
    slope: Array
    margin: Array

    @property
    def total(self) -> int:
        """How many neurons (for Maxout, pieces) the full network has here."""
        return sum(self.groups) if self.groups else len(self.output)


@dataclass(frozen=True, eq=False)
class ThinNetwork:
    """
    The thin linear network of one input; made by :func:`minigrad.thin`.

    Attributes
    ----------
    x : ndarray, shape (n_in,)
        The input.
    output : ndarray, shape (n_out,)
        What the full network says.
    weight, bias : ndarray, shapes (n_out, n_in), (n_out,)
        ``net(x') = weight @ x' + bias`` for every x' with the same activation pattern.
    input : ThinLayer
        The input's own entries, some of which dropout may have removed.
    layers : tuple of ThinLayer
        One per hidden layer, and one for the outputs where gates follow the last Linear.
    radius : float
        How far, in Euclidean distance, the input may move in any direction before a gate changes; infinity
        where no boundary can be reached, 0 on a boundary (a *tie*).
    boundary : ndarray or None
        The nearest point on a boundary.
    next_flip : frozenset of (layer, neuron)
        The gates that change there.
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
    _names: tuple[str, ...] = field(repr=False)
    _parameters: tuple[Tensor, ...] = field(repr=False)
    _chain: Sequence[Stage] | None = field(repr=False)

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
        return float(np.abs(self.weight @ self.x + self.bias - self.output).max(initial=0))

    @cached_property
    def network(self) -> Sequential:
        """
        The physically smaller network: Linear layers alone, without the idle neurons.

        Raises
        ------
        ValueError
            If the network is not a chain of layers, as with a residual connection.
        """
        return Sequential(
            *(Linear.of(stage.matrix(columns), stage.constant()) for stage, columns in self._linears())
        )

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
            differentiating the full network gives, and exactly zero wherever a neuron was idle.

        Raises
        ------
        ValueError
            If the names, the number or a shape of the gradients do not fit ``thin.network``.
        """
        given = self._given(grads)
        full = {id(p): np.zeros_like(p.data) for p in self._parameters}
        for k, (stage, columns) in enumerate(self._linears()):
            weight = given[f"{k}.weight"]
            _put_back(
                full, stage, columns, weight, given.get(f"{k}.bias", np.zeros_like(weight, shape=len(weight)))
            )
        placed = [full[id(p)] for p in self._parameters]
        return dict(zip(self._names, placed, strict=True)) if isinstance(grads, Mapping) else placed

    def summary(self) -> str:
        """Return a table of what is left of each layer, for printing."""
        rows = [["layer", "kind", "left", "of", "inactive", "dropped", "nearest boundary"]]
        for layer in (self.input, *self.layers):
            if layer is self.input and len(layer.kept) == layer.total:
                continue
            inactive = int((~layer.active & ~layer.dropped).sum())
            nearest = f"{layer.margin.min(initial=np.inf):.3g}"
            counts = (len(layer.kept), layer.total, inactive, int(layer.dropped.sum()))
            rows.append([layer.name, layer.kind, *map(str, counts), nearest])
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        table = [
            "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows
        ]
        flips = ", ".join(f"layer {k} neuron {j}" for k, j in sorted(self.next_flip)) or "none can be reached"
        return "\n".join(
            [
                f"Thin linear network: {self.x.size} inputs, {self.output.size} outputs, "
                f"{self.kept} of {self.total} hidden units left",
                *table,
                f"max|W x + b − net(x)| = {self.max_abs_error:.2g}",
                f"radius {self.radius:.4g}{' (a tie: the input is on a boundary)' if self.tie else ''}; "
                f"next to change: {flips}",
            ]
        )

    def __str__(self) -> str:
        return self.summary()

    def _linears(self) -> list[tuple[Stage, Array]]:
        if self._chain is None:
            raise ValueError(
                "only a Sequential of Linear layers and gates becomes a smaller network of Linear layers; "
                "this one branches or reshapes. Its weight, bias, layers and radius are there all the same"
            )
        return linears(self._chain)

    def _given(self, grads: Any) -> dict[str, Array]:
        """Return the thin network's gradients by name, checked."""
        own = dict(self.network.named_parameters())
        if not isinstance(grads, Mapping):
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


def thin(net: Module, x: ArrayLike) -> ThinNetwork:
    """
    Return the thin linear network that ``net`` is for one input.

    The network runs once; in training mode dropout masks are drawn in that run and kept.

    Parameters
    ----------
    net : Module
        Made of linear layers and gates: ReLU, LeakyReLU, PReLU, Maxout, Dropout, abs, maximum, minimum, clip.
    x : array_like, shape (n_in,)
        One input.

    Returns
    -------
    ThinNetwork

    Raises
    ------
    NotPiecewiseLinearError
        If something in the network is smooth; the error names the layer.
    ValueError
        If ``x`` is not one input (a batch, say) or is not finite.
    TypeError
        If ``net`` is no Module.

    Examples
    --------
    >>> import numpy as np, minigrad as mg
    >>> from minigrad import nn
    >>> net = nn.Sequential(nn.Linear.of([[1.0], [-1.0]], [0.0, 0.0]), nn.ReLU(), nn.Linear.of([[1.0, 1.0]]))
    >>> thin = mg.thin(net, [3.0])  # the network computes |x|
    >>> thin.weight, thin.layers[0].kept, thin.radius, sorted(thin.next_flip)
    (array([[1.]]), array([0]), 3.0, [(0, 0), (0, 1)])
    """
    if not isinstance(net, Module):
        raise TypeError(f"thin takes a network (an nn.Module) and one input, but got {type(net).__name__}")
    given = _one_input(net, x)
    around = affine_map(net, given)
    if around.output.ndim != 1:
        raise ValueError(
            f"thin needs a network that gives a vector, but it gives shape {around.output.shape}"
        )
    if not np.isfinite(around.output).all():
        raise ValueError("the network's output is not finite here, so it has no thin linear network")
    chain = stages(around)
    if chain is not None:
        prune(chain)
    layers, places = _layers(around, chain)
    radius, boundary, flips = _next_boundary(around, places)
    named = dict(net.named_parameters())
    return ThinNetwork(
        x=given,
        output=around.output,
        weight=around.weight,
        bias=around.bias,
        input=layers[0],
        layers=tuple(layers[1:]),
        radius=radius,
        boundary=boundary,
        next_flip=flips,
        _names=tuple(named),
        _parameters=tuple(named.values()),
        _chain=chain,
    )


def _one_input(net: Module, x: ArrayLike) -> Array:
    """Return a copy of the input as floats, or say what is wrong with it."""
    array = np.array(x.data if isinstance(x, Tensor) else x)
    if array.ndim != 1:
        hint = f"; for one of this batch pass x[0], of shape {array.shape[1:]}" if array.ndim > 1 else ""
        raise ValueError(f"thin takes one input, a vector, but got shape {array.shape}{hint}")
    if array.dtype.kind not in "biuf":
        raise TypeError(f"thin takes an input of numbers, but got dtype {array.dtype}")
    if array.dtype.kind != "f":
        array = array.astype(next((p.dtype for p in net.parameters()), np.dtype(np.float64)))
    if not np.isfinite(array).all():
        raise ValueError(
            f"the input is not finite: entry {int(np.flatnonzero(~np.isfinite(array))[0])} is not a number"
        )
    return array


def _layers(around: AffineMap, chain: Sequence[Stage] | None) -> tuple[list[ThinLayer], dict[int, int]]:
    """Group the nodes into layers, each beginning at a Linear; return them and each gate node's layer."""
    groups: list[list[Any]] = [[]]
    layer_of = {id(around.leaf): 0}
    for node in around.nodes:
        if node.primitive is linear and node.parents[0] is not None:
            groups.append([node])
            layer_of[id(node)] = len(groups) - 1
        else:
            layer_of[id(node)] = max(layer_of[id(p)] for p in node.parents if id(p) in layer_of)
            groups[layer_of[id(node)]].append(node)
    gates = {id(gate.node): gate for gate in around.gates}
    last_has_gates = any(id(node) in gates for node in groups[-1]) or len(groups) == 1
    shown = groups if last_has_gates else groups[:-1]
    layers = [
        _layer(k, group, around.leaf.data, gates, chain[k] if chain else None)
        for k, group in enumerate(shown)
    ]
    return layers, {key: layer - 1 for key, layer in layer_of.items() if key in gates}


def _layer(
    k: int, nodes: Sequence[Any], x: Array, gates: Mapping[int, Gate], stage: Stage | None
) -> ThinLayer:
    """Describe one layer: follow each of its units through the nodes."""
    before = nodes[0].output if k else x
    active, dropped = np.ones(before.shape, dtype=bool), np.zeros(before.shape, dtype=bool)
    slope, margin = np.ones_like(before), np.full(before.shape, np.inf)
    winners = groups = None
    named = nodes[0] if nodes else None
    for node in nodes[1:] if k else nodes:
        gate = gates.get(id(node))
        if gate is not None:
            named = node if named is None or id(named) not in gates else named
            nearest = gate.distances().min(axis=-1, initial=np.inf)
        if node.primitive is group_maxout and gate is not None:
            winners, groups = gate.pattern, node.options["groups"]
            starts = np.cumsum(groups) - groups
            active, dropped, slope = (entry[starts + winners] for entry in (active, dropped, slope))
            margin = np.minimum(np.minimum.reduceat(margin, starts) if len(starts) else margin, nearest)
        elif node.primitive.elementwise and np.shape(node.output) == slope.shape:
            position = next((i for i, parent in enumerate(node.parents) if isinstance(parent, Node)), 0)
            partial = np.broadcast_to(node.primitive.partial(position, node.output, node.args), slope.shape)
            slope = slope * partial
            if gate is not None:
                active = active & (gate.pattern if gate.pattern.dtype == bool else partial != 0)
                margin = np.minimum(margin, nearest)
            elif node.primitive is dropout:
                dropped = dropped | (partial == 0)
    path, kind, _ = (named.origin if named is not None else None) or ("input", "Input", "")
    return ThinLayer(
        name=path,
        kind=kind,
        preactivation=before,
        output=nodes[-1].output if nodes else x,
        active=active,
        winners=winners,
        groups=groups,
        dropped=dropped,
        kept=stage.rows[stage.kept] if stage else np.flatnonzero(slope != 0),
        slope=slope,
        margin=margin,
    )


def _next_boundary(
    around: AffineMap, places: Mapping[int, int]
) -> tuple[float, Array | None, frozenset[FlippingGate]]:
    """Return how far the nearest boundary is, its nearest point, and which gates change there."""
    x = around.leaf.data
    distances = [gate.distances() for gate in around.gates]
    nearest = min((float(d.min(initial=np.inf)) for d in distances), default=np.inf)
    if not np.isfinite(nearest):
        return np.inf, None, frozenset()
    which = next(k for k, d in enumerate(distances) if d.min(initial=np.inf) == nearest)
    place = np.unravel_index(distances[which].argmin(), distances[which].shape)
    delta, slope = around.gates[which].margins[place], around.gates[which].slopes[place]
    step = -delta * slope / (slope @ slope)
    return nearest, x + step, _flips(around, places, step, slope if delta <= 0 else -slope)


def _flips(
    around: AffineMap, places: Mapping[int, int], step: Array, onward: Array
) -> frozenset[FlippingGate]:
    """
    Return the gates that change at ``x + step`` when the input goes on in the direction ``onward``.

    They are those whose own boundary is reached there, and those that this very change sets in motion: a gate
    that stood still at 0, such as one behind a closed gate.
    """
    x = around.leaf.data
    rounding = 4096 * np.finfo(x.dtype).eps
    direction = onward / np.linalg.norm(onward)
    past = x + step + np.sqrt(np.finfo(x.dtype).eps) * max(1.0, float(np.abs(x).max())) * direction
    after = patterns_at(around, past)
    found = set()
    for gate, pattern in zip(around.gates, after, strict=True):
        left = gate.margins + gate.slopes @ step
        here = np.abs(left) <= rounding * np.maximum(np.abs(gate.margins), np.abs(gate.slopes) @ np.abs(step))
        moving = gate.slopes @ direction != 0
        unlike = (pattern != gate.pattern).reshape(*gate.margins.shape[:-1], -1).any(axis=-1)
        flips = (here & moving).any(axis=-1) | (unlike & (here & ~moving).any(axis=-1))
        found |= {(places[id(gate.node)], int(j)) for j in np.flatnonzero(flips)}
    return frozenset(found)


def _put_back(full: dict[int, Array], stage: Stage, columns: Array, weight: Array, bias: Array) -> None:
    """Add one thin Linear's gradients to those of the parameters that it was made from."""
    rows, scale = stage.rows[stage.kept], stage.scale[stage.kept]
    weight_leaf, bias_leaf = stage.parameters
    if id(weight_leaf) in full:
        full[id(weight_leaf)][np.ix_(rows, columns)] += scale[:, None] * weight
    if id(bias_leaf) in full:
        full[id(bias_leaf)][rows] += scale * bias
    for learned in stage.learned_slopes:
        if id(learned.slope) in full:
            before = (weight * stage.weight[np.ix_(rows, columns)]).sum(axis=1)
            if stage.bias is not None:
                before = before + bias * stage.bias[rows]
            total = learned.scale[stage.kept] @ before + learned.offset[stage.kept] @ bias
            full[id(learned.slope)] += total.astype(full[id(learned.slope)].dtype)
