"""A network as columns of neurons with their states: what pictures of networks draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from minigrad.nn import Linear

if TYPE_CHECKING:
    from minigrad.thin import ThinLayer, ThinNetwork

Array: TypeAlias = NDArray[Any]

_MOST = 2 * 10**7  # edges between two layers up to which they are looked at: 160 MB

PLAIN = "plain"  # no input is given
ACTIVE = "active"
LOWER = "lower"  # a gate that is closed, yet passes something on, as LeakyReLU does
SATURATED = "saturated"
INACTIVE = "inactive"
DROPPED = "dropped"
BYPASSED = "bypassed"  # gives nothing itself, only what a residual connection brings
IDLE = "idle"  # active, but nothing that it feeds reaches an output


@dataclass(frozen=True, eq=False)
class Column:
    """
    One layer of neurons.

    Attributes
    ----------
    name : str
        ``input``, ``hidden 1``, ..., ``output``.
    captions : tuple of str
        What makes it, such as "Linear 64→32" and "ReLU".
    states : tuple of str
        One per neuron: plain, active, lower, saturated, inactive, dropped, bypassed or idle.
    values : ndarray or None
        What each neuron gives; None without an input.
    groups, winners : tuple of int, ndarray; or None
        For Maxout, how many pieces every neuron has, and which of them wins (None without an input).
    pieces : ndarray or None
        For Maxout, the value of every piece.
    strengths : ndarray, shape (units, neurons before), or None
        What each edge into it carries: weight · value, or without an input the weight. Units are pieces
        for Maxout, else neurons. None for the input, and where the edges are not known.
    skip : int or None
        The column whose values are added to this one's, in a residual connection.
    flips : frozenset of int
        Neurons that change at the nearest boundary.
    margin : ndarray or None
        How far the input may move until each neuron changes.
    smooth : bool
        Whether its activation has no gate, so that no neuron of it is ever switched off.
    """

    name: str
    captions: tuple[str, ...]
    states: tuple[str, ...]
    values: Array | None = None
    groups: tuple[int, ...] | None = None
    winners: Array | None = None
    pieces: Array | None = None
    strengths: Array | None = None
    skip: int | None = None
    flips: frozenset[int] = frozenset()
    margin: Array | None = None
    smooth: bool = False

    @property
    def size(self) -> int:
        """How many neurons it has."""
        return len(self.states)

    @property
    def owners(self) -> Array:
        """The neuron that each unit belongs to: with Maxout, several pieces have the same one."""
        return np.repeat(np.arange(self.size), self.groups or 1)

    @property
    def alive(self) -> Array:
        """Which neurons pass something on."""
        return np.array([state not in (INACTIVE, DROPPED, IDLE) for state in self.states], dtype=bool)

    @property
    def alive_units(self) -> Array:
        """Which units pass on what enters them: of Maxout's pieces, only winners."""
        alive = (self.alive & np.array([state != BYPASSED for state in self.states], dtype=bool))[self.owners]
        if self.groups is not None and self.winners is not None:
            won = np.zeros_like(alive)
            won[np.cumsum(self.groups) - self.groups + self.winners] = True
            alive &= won
        return alive

    @property
    def signals(self) -> Array:
        """Which units pass on a number other than 0; of Maxout's pieces, all winners."""
        if self.values is None or self.groups is not None:
            return self.alive_units
        return self.alive_units & (self.values != 0)

    def left(self, word: str) -> Array:
        """Which units to count as left or as active: active is a hidden neuron that gives something."""
        return self.signals if word == "active" and self.name.startswith("hidden") else self.alive_units


def column_name(k: int, last: int) -> str:
    """
    Return what the k-th column is called.

    Examples
    --------
    >>> [column_name(k, 2) for k in range(3)]
    ['input', 'hidden 1', 'output']
    """
    return "input" if k == 0 else "output" if k == last else f"hidden {k}"


def columns_of_thin(thin: ThinNetwork) -> list[Column]:
    """
    Read the columns of a thin linear network: the neurons of the full one, and which of them are left.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> net = nn.Sequential(nn.Linear.of([[1.0], [-1.0]]), nn.ReLU(), nn.Linear.of([[1.0, 1.0]]))
    >>> columns = columns_of_thin(mg.thin(net, [3.0]))
    >>> columns[1].states, columns[1].strengths
    (('active', 'inactive'), array([[3.], [0.]]))
    """
    layers = (thin.input, *thin.layers)
    matrices = _matrices(thin)
    last = len(layers) - 1 if _ends_in_gates(thin, matrices) else len(layers)
    columns: list[Column] = []
    for k in range(last + 1):
        layer = layers[k] if k < len(layers) else None
        strengths = None
        if (
            k
            and matrices
            and columns[-1].size * (len(thin.output) if layer is None else layer.total) <= _MOST
        ):
            rows = np.arange(len(thin.output)) if layer is None else layer.kept
            units = len(rows) if layer is None else layer.total
            before = columns[-1]
            kept = before.owners[layers[k - 1].kept]
            strengths = np.zeros((units, before.size))
            strengths[np.ix_(rows, kept)] = matrices[k - 1] * _wide(layers[k - 1].output)[kept]
        feeds = ""
        if k and matrices:
            sizes = f"{columns[-1].size}→{len(thin.output) if layer is None else layer.total}"
            feeds = sizes if thin.x.ndim > 1 else f"Linear {sizes}"  # between images other things are linear
        captions = _captions(layer, feeds)
        if layer is None:
            outputs = (ACTIVE,) * len(thin.output)
            columns.append(Column("output", captions, outputs, _wide(thin.output), strengths=strengths))
        else:
            flips = frozenset(j for place, j in thin.next_flip if place == k - 1)
            columns.append(_column(column_name(k, last), captions, layer, strengths, flips))
    return columns


def _matrices(thin: ThinNetwork) -> list[Array]:
    """Return the thin network's weights from column to column; none where something is carried past one."""
    if not thin.layered:
        return []
    matrices = [_wide(layer.weight.data) for layer in thin.network if isinstance(layer, Linear)]
    masked = thin.input.kind != "Input" and len(matrices) > 1
    return matrices[1:] if masked else matrices  # what happens to the input itself is in its values


def _ends_in_gates(thin: ThinNetwork, matrices: Sequence[Array]) -> bool:
    """Tell whether the last of the thin network's layers are its outputs."""
    if matrices or not thin.layers:
        return len(matrices) == len(thin.layers) > 0
    return np.array_equal(thin.layers[-1].output, thin.output)


def _captions(layer: ThinLayer | None, feeds: str) -> tuple[str, ...]:
    """Return what makes a layer: how it is fed, if that is one step from the layer before, and its gate."""
    captions = [feeds] if feeds else []
    if layer is not None and layer.kind not in ("Linear", "Input"):
        captions.append(layer.kind)
    if layer is not None and layer.dropped.any() and layer.kind != "Dropout":
        captions.append("Dropout")
    return tuple(captions)


def _column(
    name: str, captions: tuple[str, ...], layer: ThinLayer, strengths: Array | None, flips: frozenset[int]
) -> Column:
    """Return the column of one layer."""
    n = len(layer.output)
    left = np.zeros(n, dtype=bool)
    left[np.repeat(np.arange(n), layer.groups or 1)[layer.kept]] = True
    masks = zip(left, layer.active, layer.dropped, strict=True)
    return Column(
        name, captions, tuple(_thin_state(*map(bool, mask)) for mask in masks), _wide(layer.output),
        groups=layer.groups, winners=layer.winners, strengths=strengths, flips=flips, margin=layer.margin,
        pieces=None if layer.groups is None else _wide(layer.preactivation),
    )  # fmt: skip


def _thin_state(left: bool, active: bool, dropped: bool) -> str:
    """Return the state of a neuron that is left, or why it is not."""
    if left:
        return ACTIVE if active else LOWER
    return DROPPED if dropped else IDLE if active else INACTIVE


def _wide(values: Any) -> Array:
    return np.asarray(values, dtype=np.float64)
