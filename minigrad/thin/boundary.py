"""How far the input may move until a gate changes its piece, and which gates change there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..tensor import Array
from .affine import AffineMap


@dataclass(frozen=True, eq=False)
class Boundary:
    """
    The nearest boundary of a region.

    Attributes
    ----------
    radius : float
        Its distance; infinity where there is none.
    point : ndarray or None
        Its point nearest to the input, in the shape of the leaf.
    changes : tuple of ndarray of bool
        For each gate of the affine map, which of its units change there.
    """

    radius: float
    point: Array | None
    changes: tuple[Array, ...]


def next_boundary(around: AffineMap) -> Boundary:
    """
    Return the boundary that is nearest to the input; at a tie, all those that it lies on.

    Of those that rounding can't tell apart the surest is taken: boundaries that meet in one point are found
    there together, also where one of them is between two pieces of almost the same slope.
    """
    distances = [gate.distances for gate in around.gates]
    radius = min((float(each.min(initial=np.inf)) for each in distances), default=np.inf)
    if not 0 < radius < np.inf:
        here = tuple((each == 0).any(axis=-1) for each in distances)
        return Boundary(radius, None if radius else around.leaf.data.copy(), here)
    doubts = [gate.doubts for gate in around.gates]
    pairs = list(zip(distances, doubts, strict=True))
    latest = min(float((far + doubt).min(initial=np.inf)) for far, doubt in pairs)
    rivals = [np.where(far - doubt <= latest, doubt, np.inf) for far, doubt in pairs]
    k = int(np.argmin([each.min(initial=np.inf) for each in rivals]))
    place = np.unravel_index(rivals[k].argmin(), rivals[k].shape)
    slope = np.moveaxis(around.gates[k].slopes, 0, -1)[place]
    step = -around.gates[k].margins[place] / (slope @ slope) * slope
    changes = _changes(around, step)
    if not any(units.any() for units in changes):  # rounding hides it: name the one that was aimed at
        changes[k][place[:-1]] = True
    return Boundary(float(distances[k][place]), around.leaf.data + step.reshape(around.leaf.shape), changes)


def gates_at(around: AffineMap, x: Array) -> list[tuple[Array, Array]]:
    """Return the pattern of every gate at another input, with the same dropout masks, and its old margins."""
    arrays: dict[int, Any] = {id(around.leaf): x}
    gates = {id(gate.node): gate for gate in around.gates}
    found = []
    for node in around.nodes:
        assert node.args is not None
        args = [arrays.get(id(parent), arg) for parent, arg in zip(node.parents, node.args, strict=True)]
        arrays[id(node)] = node.primitive.forward(*args, **node.options)
        gate, rule = gates.get(id(node)), node.primitive
        if gate is not None and rule.pattern and rule.margins:
            pattern = np.asarray(rule.pattern(*args, **node.options))
            found.append((pattern, np.asarray(rule.margins(gate.pattern, *args, **node.options))))
    return found


def _changes(around: AffineMap, step: Array) -> tuple[Array, ...]:
    """
    Return which units change when the input goes a little further than ``step``.

    They are those that have a boundary at ``x + step`` and another piece beyond it. Some of them are set in
    motion by this very change: a unit behind a closed gate stands still, at 0, say, until the gate opens. And
    some have a boundary there and stay as they are: a ReLU behind an abs that turns around at 0.
    """
    x = around.leaf.data
    off = [2 * (gate.noise[0] + gate.noise[1] * np.abs(step).sum())[..., None] for gate in around.gates]
    met, room = [], _little(x, step)
    for gate, least in zip(around.gates, off, strict=True):
        change = np.tensordot(step, gate.slopes, axes=1)
        left = gate.margins + change
        met.append(np.abs(left) <= least)
        ahead = ~met[-1] & (left * change < 0)
        room = min(room, 0.5 * float(np.abs(left[ahead] / change[ahead]).min(initial=np.inf)))
    changes = []
    beyond = gates_at(around, x + (1 + room) * step.reshape(x.shape))
    for gate, here, least, (pattern, margins) in zip(around.gates, met, off, beyond, strict=True):
        moves = (np.abs(gate.margins) > least) | (np.abs(margins) > least)
        changes.append((here & moves).any(axis=-1) & _unlike(gate.pattern, pattern, here.ndim - 1))
    return tuple(changes)


def _unlike(pattern: Array, other: Array, ndim: int) -> Array:
    """Tell which units follow different pieces; a pattern may weigh the pieces along one more axis."""
    different = pattern != other
    return different.any(axis=-1) if different.ndim > ndim else different


def _little(x: Array, step: Array) -> float:
    """How much further a little further is, as a share of the step: small, and yet above rounding."""
    eps = float(np.finfo(x.dtype).eps)
    return max(eps ** (1 / 3), 1024 * eps * float(np.abs(x).max() / np.abs(step).max()))
