"""Pieces of convex cells, and the lines that still cross them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..tensor import Array
from .cells import following, nearest, ragged

ENTRIES = 2**22
"""How many values are computed together."""


class UnsettledError(ArithmeticError):
    """Rounding is larger than the tolerance: a line crosses a convex cell more than once."""


@dataclass
class Pieces:
    """
    Pieces of the cells, and the lines that still cross them.

    Corners are points of the table. Each has the carrier of the edge after it: an edge of the cell (≥ 0), or
    −1 − c for the line of crossing c. A crossing is a cell and a line; they are sorted by their piece.
    """

    cell: Array
    offsets: Array
    corners: Array
    carriers: Array
    piece: Array
    crossing: Array


def signs(values: Array, offsets: Array) -> Array:
    """
    Return the signs of affine functions around convex loops: one block of −, one of +, between them 0 or not.

    A 0 with the same sign on both its sides only touches the line: it has their sign.
    """
    sign = np.sign(values).astype(np.int8)
    if not sign.all():
        behind, ahead = (sign[nearest(sign != 0, offsets, way)] for way in (-1, 1))
        sign = np.where((sign == 0) & (behind == ahead), behind, sign)
    ending = (sign < 0) & (sign[following(offsets)] >= 0)
    if (np.add.reduceat(ending, offsets[:-1], dtype=int) != 1).any():
        raise UnsettledError("a line crosses a convex cell more than once")
    return sign


def batches(sizes: Array) -> Iterator[slice]:
    """Iterate over slices of items with so many entries together."""
    ends = np.cumsum(sizes)
    first = 0
    while first < len(sizes):
        reached = ends[first - 1] if first else 0
        last = max(first + 1, int(np.searchsorted(ends, reached + ENTRIES, side="right")))
        yield slice(first, last)
        first = last


def split(half: Pieces) -> tuple[Pieces, Pieces]:
    """Return the pieces that are still crossed, and the others."""
    crossed = np.bincount(half.piece, minlength=len(half.cell)) > 0
    number = np.cumsum(crossed) - 1
    none = np.zeros(0, dtype=int)
    parts = []
    for mask, piece, crossing in ((crossed, number[half.piece], half.crossing), (~crossed, none, none)):
        place, offsets = ragged(half.offsets[:-1][mask], np.diff(half.offsets)[mask])
        parts.append(
            Pieces(half.cell[mask], offsets, half.corners[place], half.carriers[place], piece, crossing)
        )
    return parts[0], parts[1]


def joined(parts: list[Pieces]) -> Pieces:
    """Return all pieces, one part after the other."""
    before = np.cumsum([0] + [len(part.cell) for part in parts])
    sizes = np.concatenate([np.diff(part.offsets) for part in parts])
    return Pieces(
        np.concatenate([part.cell for part in parts]),
        np.concatenate([[0], np.cumsum(sizes)]),
        np.concatenate([part.corners for part in parts]),
        np.concatenate([part.carriers for part in parts]),
        np.concatenate([part.piece + k for part, k in zip(parts, before, strict=False)]),
        np.concatenate([part.crossing for part in parts]),
    )
