"""The thin linear networks of a whole data set: matrices for all inputs from a few passes over the batch."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from functools import cached_property
from operator import index

import numpy as np
from numpy.typing import ArrayLike

from ..graph import Node, walk_backward
from ..nn import Module
from ..tensor import Array
from .affine import NotPiecewiseLinearError, constant_through
from .followed import Recorded, checked_inputs, chunks, follow, record
from .mixed import offering_the_part_before
from .network import ThinNetwork, thin_network


class ThinBatch:
    """
    The thin linear networks of many inputs; made by :func:`minigrad.thin_batch`.

    ``len`` is how many there are, and indexing gives the :class:`ThinNetwork` of one, with its layers, its
    smaller network and all else.

    Attributes
    ----------
    x : ndarray, shape (n, *input)
        The inputs.
    output : ndarray, shape (n, n_out)
        What the network says.
    weight, bias : ndarray, shapes (n, n_out, n_in), (n, n_out)
        ``net(x'[i]) = weight[i] @ x'[i].ravel() + bias[i]`` around ``x[i]``.
    patterns : tuple of ndarray, shapes (n, *units) or (n, *units, pieces)
        The activation patterns, gate by gate: see :class:`ThinNetwork`.
    """

    def __init__(
        self, net: Module, x: Array, output: Array, weight: Array, bias: Array, *patterns: Array
    ) -> None:
        self.x, self.output, self.weight, self.bias, self.patterns = x, output, weight, bias, patterns
        self._net = net

    @cached_property
    def radius(self) -> Array:
        """How far each input may move until a gate changes, shape (n,); computed when first asked for."""
        n_in = self.weight.shape[2]
        directions = np.eye(n_in, dtype=self.x.dtype).reshape(n_in, *self.x.shape[1:])
        radius = np.full(len(self), np.inf, dtype=self.x.dtype)
        for part in chunks(self._net, self.x, n_in):
            for gate in follow(self._net, self.x[part], directions).gates:
                nearest = gate.distances.reshape(len(gate.distances), -1).min(axis=1, initial=np.inf)
                radius[part] = np.minimum(radius[part], nearest)
        return radius

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, i: int) -> ThinNetwork:
        """Return the thin linear network of one input."""
        return self._one(self._place(i))

    def __repr__(self) -> str:
        return f"ThinBatch({len(self)} inputs, {self.weight.shape[2]} → {self.weight.shape[1]})"

    def _one(self, i: int) -> ThinNetwork:
        return thin_network(self._net, self.x[i])

    def _place(self, i: int) -> int:
        place = index(i)
        if not -len(self) <= place < len(self):
            raise IndexError(f"there are {len(self)} thin networks, numbered 0 to {len(self) - 1}; not {i}")
        return place


class ThinList(ThinBatch):
    """The same of a network that takes no batches: each input was looked at alone."""

    def __init__(self, net: Module, x: Array, thins: Sequence[ThinNetwork]) -> None:
        output, weight, bias = (
            np.stack([getattr(thin, name) for thin in thins]) for name in ("output", "weight", "bias")
        )
        patterns = zip(*(thin.patterns for thin in thins), strict=True)
        super().__init__(net, x, output, weight, bias, *map(np.stack, patterns))
        self._thins = thins

    @cached_property
    def radius(self) -> Array:
        """How far each input may move until a gate changes, shape (n,)."""
        return np.array([thin.radius for thin in self._thins], dtype=self.x.dtype)

    def _one(self, i: int) -> ThinNetwork:
        return self._thins[i]


def thin_networks(net: Module, x: ArrayLike) -> ThinBatch:
    """Return the thin linear networks of many inputs; see :func:`minigrad.thin_batch`."""
    given = np.array(checked_inputs(net, x, "thin_batch"))
    frozen = deepcopy(net)  # training goes on without it
    try:
        with offering_the_part_before(net, given[:1]), np.errstate(over="ignore", invalid="ignore"):
            maps = [_maps(record(frozen, given[part])) for part in chunks(frozen, given, 1)]
    except NotPiecewiseLinearError:
        raise
    except (ValueError, TypeError, IndexError):  # no batches; if something else is wrong, one input tells
        return ThinList(frozen, given, [thin_network(frozen, row) for row in given])
    return ThinBatch(frozen, given, *(np.concatenate(parts) for parts in zip(*maps, strict=True)))


def _maps(recorded: Recorded) -> tuple[Array, ...]:
    """Return output, slopes, constants and patterns of every row: a backward pass for each output."""
    leaf, output = recorded.leaf, recorded.output
    root = output._node or output
    rows, n_out = output.shape
    weight = np.zeros((rows, n_out, leaf.size // rows), dtype=leaf.dtype)
    order = [*reversed(recorded.nodes), leaf]
    for j in range(n_out if order[0] is root else 0):
        cotangent = np.zeros_like(output.data)
        cotangent[:, j] = 1
        for vertex, g in walk_backward(order, {id(root): cotangent}, _read, ends={id(leaf)}):
            if vertex is leaf:
                weight[:, j] = g.reshape(rows, -1)
    constants = {id(leaf): np.zeros_like(leaf.data)}
    for node in recorded.nodes:
        constants[id(node)] = constant_through(node, [constants.get(id(parent)) for parent in node.parents])
    bias = constants.get(id(root), output.data)
    if not (np.isfinite(weight).all() and np.isfinite(bias).all()):
        raise ValueError("the network is not finite for some of the inputs, so it has no thin linear network")
    return output.data.copy(), weight, bias.copy(), *recorded.patterns


def _read(node: Node) -> tuple[Array, Sequence[Array]]:
    assert node.args is not None
    return node.output, node.args
