"""What one layer of a network looks like for one input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..tensor import Array
from .stage import Stage


@dataclass(frozen=True, eq=False)
class ThinLayer:
    """
    What one layer looks like for the input; the channels of images one after the other, row by row.

    Attributes
    ----------
    name, kind : str
        Path and type of the layer's gate, such as "1" and "ReLU"; of the Linear where there is no gate.
    preactivation : ndarray
        Before the gates: one number per neuron, or per piece of a Maxout or a pooling.
    output : ndarray, shape (neurons,)
        After gates and masks.
    active : ndarray of bool, shape (neurons,)
        Gate open (x > 0, or inside the bounds); always true for Maxout and pooling.
    winners : ndarray of int, shape (neurons,), or None
        For Maxout and pooling, which piece of its group each neuron follows.
    groups : tuple of int or None
        For Maxout and pooling, how many pieces each neuron has.
    dropped : ndarray of bool, shape (neurons,)
        Removed by a dropout mask.
    kept : ndarray of int
        The neurons (where there are groups, the pieces) that remain in the thin network.
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


def layers_of(found: Sequence[Stage], kept: Sequence[Array]) -> tuple[list[ThinLayer], dict[int, int]]:
    """Return the input and the layers, and the place among the layers of each gate, by the gate's id."""
    bare_outputs = len(found) > 1 and found[-1].bare and not found[-1].gates
    shown = found[:-1] if bare_outputs else found
    place = {id(gate): k - 1 for k, stage in enumerate(shown) for gate in stage.gates}
    return [_describe(stage, left) for stage, left in zip(shown, kept, strict=False)], place


def _describe(stage: Stage, kept: Array) -> ThinLayer:
    name, kind = stage.origin
    return ThinLayer(
        name=name,
        kind=kind,
        preactivation=stage.preactivation,
        output=stage.output,
        active=stage.active,
        winners=stage.winners,
        groups=None if stage.groups is None else tuple(stage.groups.tolist()),
        dropped=stage.dropped,
        kept=stage.rows[kept],
        slope=stage.scale,
        margin=stage.margin,
    )
