"""Long chains with NumPy alone: all functions on one block of entries, then on the next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .loops import CASTS, Loop, is_elementwise, operands
from .program import Fused, Instruction, Ref, Spec

BLOCK = 1 << 17
"""Entries of a block: few enough for the cache, and enough that calling NumPy costs nothing beside them."""

SMALLEST = 8 * BLOCK
"""Entries below which all arrays of a chain stay in the cache anyway."""


def fusable(body: Sequence[Instruction], loop: Loop, specs: Sequence[Spec]) -> bool:
    """Return whether a chain goes through large arrays of one shape, entry by entry."""
    if np.prod(loop.shape, dtype=int) < SMALLEST:
        return False
    for instruction in body:
        entries = loop.kinds[instruction.result] == "entry" and is_elementwise(instruction)
        if not entries or instruction.function is np.where:
            return False
        for slot in instruction.reads:
            spec = specs[slot]
            same = spec.shape == loop.shape and spec.order == tuple(range(len(loop.shape)))
            if not (same or spec.shape in (None, ())):
                return False
    return True


def kernel(fused: Fused, arrays: Sequence[Any]) -> Callable[..., None]:
    """
    Return the loop of a fused instruction.

    Parameters
    ----------
    fused : Fused
        What it computes.
    arrays : sequence of ndarray or None
        Inputs and outputs, where they are known before the call.
    """
    shape = fused.specs[fused.outputs[0]].shape or ()
    large = [fused.specs[slot].shape == shape for slot in (*fused.inputs, *fused.outputs)]
    length = max(1, BLOCK * shape[0] // fused.specs[fused.outputs[0]].size)
    lines, functions, dtypes = _Steps(fused, arrays).written()
    scratch = [np.empty((min(length, shape[0]), *shape[1:]), dtype) for dtype in dtypes]
    given = [f"v{k}" for k in range(len(arrays))]
    cut = [name for name, whole in zip(given, large, strict=True) if whole]
    cut += [f"v{len(given) + k}" for k in range(len(scratch))]

    def blocks(values: Sequence[Any]) -> list[list[Any]]:
        whole = [value for value, is_large in zip(values, large, strict=True) if is_large]
        return [
            [array[start : start + length] for array in whole]
            + [array[: shape[0] - start] for array in scratch]
            for start in range(0, shape[0], length)
        ]

    known = all(array is not None for array, is_large in zip(arrays, large, strict=True) if is_large)
    names = {**functions, "cut": blocks(arrays) if known else None, "blocks": blocks}
    source = f"def run({', '.join(given)}):\n"
    source += f"    for {', '.join(cut)} in {'cut' if known else f'blocks(({chr(44).join(given)},))'}:\n"
    exec(source + "".join(f"        {line}\n" for line in lines), names)
    run: Callable[..., None] = names["run"]
    return run


class _Steps:
    """The calls on each block, where ``v0``, ``v1`` ... are its inputs, outputs and scratch blocks."""

    def __init__(self, fused: Fused, arrays: Sequence[Any]) -> None:
        self.fused, self.arrays = fused, arrays
        self.place = {slot: k for k, slot in enumerate((*fused.inputs, *fused.outputs))}
        self.last = {slot: k for k, instruction in enumerate(fused.body) for slot in instruction.reads}
        self.dtypes: list[Any] = []
        self.free: dict[Any, list[int]] = {}

    def written(self) -> tuple[list[str], dict[str, Any], list[Any]]:
        """Return lines, the functions that they call, and the dtypes of scratch blocks."""
        lines, late = [], []
        functions: dict[str, Any] = {"copyto": np.copyto, "inf": np.inf, "nan": np.nan}
        for k, instruction in enumerate(self.fused.body):
            slot = instruction.result
            args = ", ".join(
                f"v{self.place[x.slot]}" if isinstance(x, Ref) else repr(x) for x in operands(instruction)
            )
            own = self.place.get(slot)
            if own is None or self._overwrites(own, k):
                self.place[slot] = self._scratch(self.fused.specs[slot].dtype)
                if own is not None:
                    late.append(f"copyto(v{own}, v{self.place[slot]})")
            if instruction.function in CASTS:
                lines.append(f"copyto(v{self.place[slot]}, {args}, 'unsafe')")
            else:
                functions[instruction.name] = instruction.function
                lines.append(f"{instruction.name}({args}, out=v{self.place[slot]})")
            for read in {*instruction.reads, slot}:
                temporary = read not in self.fused.inputs and read not in self.fused.outputs
                if temporary and self.last.get(read, k) == k:
                    self.free.setdefault(self.fused.specs[read].dtype, []).append(self.place[read])
        return lines + late, functions, self.dtypes

    def _scratch(self, dtype: Any) -> int:
        """Return the place of a block that nobody needs now."""
        if self.free.get(dtype):
            return self.free[dtype].pop()
        self.dtypes.append(dtype)
        return len(self.fused.inputs) + len(self.fused.outputs) + len(self.dtypes) - 1

    def _overwrites(self, place: int, k: int) -> bool:
        """Return whether an output lies where an input does that is read after instruction k."""
        output = self.arrays[place]
        return any(
            self.last.get(slot, -1) > k and array is not None and np.may_share_memory(array, output)
            for slot, array in zip(self.fused.inputs, self.arrays, strict=False)
        )
