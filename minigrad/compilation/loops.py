"""What several instructions have in common that can run as one loop over the entries of an array."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .program import Instruction, Ref, Spec
from .tape import filled

CASTS = {np.ndarray.astype, np.ndarray.copy, filled}
"""Functions that give the same numbers, in another dtype or another place."""

REDUCTIONS = {
    getattr(ufunc, "reduce"): ufunc  # noqa: B009  mypy knows no reduce of np.ufunc
    for ufunc in (np.add, np.maximum, np.minimum, np.logical_and, np.logical_or)
}
"""Reductions that a loop can do on its way, and the ufunc each of them repeats."""


@dataclass(frozen=True)
class Loop:
    """
    A loop over all entries of a shape, row by row along the last axis.

    Attributes
    ----------
    shape : tuple of int
        Of the arrays whose entries it computes.
    kinds : mapping from slot to str
        What the loop computes: an ``entry`` at each turn, a number per ``row`` (known when the row was gone
        through, which may happen again), a number per ``column`` or a ``single`` one (known at the end).
    """

    shape: tuple[int, ...]
    kinds: dict[int, str]

    @property
    def row_shapes(self) -> tuple[tuple[int, ...], ...]:
        """The shapes of one number per row, without and with the last axis."""
        return self.shape[:-1], (*self.shape[:-1], 1)


def is_elementwise(instruction: Instruction) -> bool:
    """Return whether every entry of the result depends on the same entries of the operands alone."""
    function = instruction.function
    if function in CASTS or function is np.where:
        return instruction.updates is None and (function is not np.where or len(instruction.args) == 3)
    ufunc = isinstance(function, np.ufunc) and function.signature is None and function.nout == 1
    return ufunc and instruction.updates is None and not instruction.options


def operands(instruction: Instruction) -> tuple[Any, ...]:
    """Return the operands of an elementwise instruction, without a cast's dtype."""
    return instruction.args[:1] if instruction.function in CASTS else instruction.args


def picked(instruction: Instruction) -> int | None:
    """Return the slot of the indices where one entry of each row is taken, or replaced by a number."""
    if instruction.function is operator.getitem:
        fits = instruction.view_of is None
    else:
        fits = instruction.function is operator.setitem and type(instruction.args[2]) in (int, float)
    index = instruction.args[1] if fits and isinstance(instruction.args[0], Ref) else None
    if not (isinstance(index, tuple) and len(index) == 2 and isinstance(index[1], Ref)):
        return None
    rows = index[0]
    counted = isinstance(rows, np.ndarray) and rows.ndim == 1 and np.array_equal(rows, np.arange(len(rows)))
    return index[1].slot if counted and rows.dtype.kind == "i" else None


def loop_of(body: Sequence[Instruction], specs: Sequence[Spec]) -> Loop | None:
    """Return the loop that computes all of some instructions, or None where no single one does."""
    shapes = [specs[slot].shape or () for k in body for slot in (k.result, *_first(k)) if _walks(k, slot)]
    loop = Loop(max(shapes, key=lambda shape: (math.prod(shape), len(shape))), {})
    for instruction in body:
        kind = _kind(instruction, loop, specs)
        if kind is None:
            return None
        loop.kinds[instruction.result] = kind
    return loop


def _first(instruction: Instruction) -> tuple[int, ...]:
    first = instruction.args[0]
    return (first.slot,) if isinstance(first, Ref) else ()


def _walks(instruction: Instruction, slot: int) -> bool:
    """Return whether an instruction goes through all entries of a slot."""
    return slot == instruction.result or not is_elementwise(instruction)


def _kind(instruction: Instruction, loop: Loop, specs: Sequence[Spec]) -> str | None:
    if specs[instruction.result].shape is None:
        return None
    if instruction.function in REDUCTIONS:
        return _reduced(instruction, loop, specs)
    if picked(instruction) is not None:
        return _picked(instruction, loop, specs)
    if is_elementwise(instruction):
        return _mapped(instruction, loop, specs)
    return None


def _mapped(instruction: Instruction, loop: Loop, specs: Sequence[Spec]) -> str | None:
    """Return what an elementwise instruction computes."""
    shape = specs[instruction.result].shape
    inside = {
        (loop.kinds[x.slot], specs[x.slot].shape)
        for x in operands(instruction)
        if isinstance(x, Ref) and x.slot in loop.kinds
    }
    without, kept = loop.row_shapes
    known: set[Any] = {("entry", loop.shape), ("row", kept)}
    if shape == loop.shape and inside <= (known if without else known | {("row", without)}):
        return "entry"
    if shape == () and inside and inside <= {("single", ())}:
        return "single"
    if loop.shape and shape in loop.row_shapes and inside and inside <= {("row", shape)}:
        outside = [specs[x.slot].shape for x in operands(instruction) if isinstance(x, Ref)]
        return "row" if all(x in (None, (), shape) for x in outside) else None
    return None


def _reduced(instruction: Instruction, loop: Loop, specs: Sequence[Spec]) -> str | None:
    """Return what a reduction computes."""
    (operand,) = instruction.args[:1]
    if len(instruction.args) != 1 or not isinstance(operand, Ref) or instruction.updates is not None:
        return None
    if instruction.options.keys() - {"axis", "keepdims"}:
        return None
    shape, kind = specs[operand.slot].shape, loop.kinds.get(operand.slot, "entry")
    if not shape:
        return None
    axis = instruction.options.get("axis", 0)
    every = tuple(range(len(shape)))
    axes = every if axis is None else tuple(sorted(a % len(shape) for a in np.atleast_1d(axis)))
    if kind == "entry" and shape == loop.shape:
        if axes == every[-1:]:
            return "row"
        if axes == every:
            return "single" if specs[instruction.result].shape == () else None
        return "column" if axes == every[:-1] else None
    whole = kind == "row" and axes == every and specs[instruction.result].shape == ()
    return "single" if whole else None


def _picked(instruction: Instruction, loop: Loop, specs: Sequence[Spec]) -> str | None:
    """Return what is computed where one entry of each row is taken or replaced."""
    slot, index = instruction.args[0].slot, picked(instruction)
    assert index is not None
    rows = instruction.args[1][0]
    if len(loop.shape) != 2 or specs[slot].shape != loop.shape or loop.kinds.get(slot, "entry") != "entry":
        return None
    given = specs[index].shape == rows.shape == loop.shape[:1] and index not in loop.kinds
    if not given or specs[index].dtype.kind != "i":
        return None
    return "row" if instruction.function is operator.getitem else "entry"
