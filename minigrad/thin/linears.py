"""The smaller network: Linear layers alone, one for each stage, and where their numbers come from.

A stage may read earlier ones than the one before it, as the sum of a Residual does. What it needs of them is
carried along: each Linear between has rows that hand on single units unchanged.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from ..graph import Node, Vertex
from ..tensor import Array, Tensor
from .segment import Segment, Units, to_leaves
from .stage import LearnedSlope, Stage


@dataclass(frozen=True, eq=False)
class ThinLinear:
    """
    One Linear of the thin network, and what it is made from; its numbers are computed when asked for.

    Attributes
    ----------
    segment : Segment
        What its stage begins with, as a function of earlier units.
    rows, scale, offset : ndarray, shape (kept,)
        Which entries of that the stage goes on with, times what, plus what.
    learned : list of LearnedSlope
        The slopes that these depend on, and the derivatives.
    reads : dict of ndarray of int
        Which units of which stages the segment reads.
    width : int
        How many columns there are.
    columns, carried : ndarray of int
        Where those units are among the columns; the columns that are handed on as they are, in rows of their
        own after the stage's.
    """

    segment: Segment
    rows: Array
    scale: Array
    offset: Array
    learned: list[LearnedSlope]
    reads: Units
    width: int
    columns: Array
    carried: Array

    @property
    def weight(self) -> Array:
        """Its weight, shape (kept + carried, width)."""
        n = len(self.rows)
        weight = np.zeros((n + len(self.carried), self.width), dtype=self.scale.dtype)
        weight[:n, self.columns] = self.scale[:, None] * self._affine[0]
        weight[np.arange(n, len(weight)), self.carried] = 1
        return weight

    @property
    def bias(self) -> Array | None:
        """Its bias, shape (kept + carried,); None where that is 0 and nothing learns it."""
        constant = self._affine[1]
        bias = self.scale * constant + self.offset
        moves = (slope.scale * constant + slope.offset for slope in self.learned)
        if not (self.segment.biased or bias.any() or any(by_slope.any() for by_slope in moves)):
            return None
        return np.concatenate([bias, np.zeros(len(self.carried), dtype=bias.dtype)])

    def gradients(self, by_weight: Array, by_bias: Array) -> Iterator[tuple[Tensor, Array]]:
        """Iterate over gradients of parameters of the full network, from those of this Linear."""
        g, h = by_weight[: len(self.rows), self.columns], by_bias[: len(self.rows)]
        yield from to_leaves(
            self.segment.gradients(self.rows, self.reads, self.scale[:, None] * g, self.scale * h)
        )
        for entry in self.learned:
            matrix, constant = self._affine
            change = entry.scale @ (matrix * g).sum(axis=1) + (entry.scale * constant + entry.offset) @ h
            yield entry.slope, np.reshape(change, entry.slope.shape)

    @cached_property
    def _affine(self) -> tuple[Array, Array]:
        return self.segment.affine(self.rows, self.reads)


def thin_linears(
    leaf: Tensor, nodes: Sequence[Node], found: Sequence[Stage], kept: Sequence[Array]
) -> tuple[ThinLinear, ...]:
    """Return the layers of the thin network, from the stages and what they keep of their units."""
    first = Stage(leaf.data, leaf)
    if len(found) == 1 or not found[0].bare:  # gates or masks on the input itself are a layer
        found, kept = [first, *found], [np.arange(len(first.rows)), *kept]
    segments = _segments({id(leaf), *map(id, nodes)}, found)
    reads = [  # nothing, where nothing that enters the stage goes on
        list(segment.reads) if stage.passing[left].any() else []
        for segment, stage, left in zip(segments, found[1:], kept[1:], strict=True)
    ]
    last_read = {place: k for k, places in enumerate(reads, start=1) for place in places}
    state, linears = [0], []
    for k, (stage, segment, read) in enumerate(zip(found[1:], segments, reads, strict=True), start=1):
        on = [place for place in state if last_read.get(place, 0) > k]
        ends = np.cumsum([len(kept[place]) for place in state])
        at = {place: np.arange(end - len(kept[place]), end) for place, end in zip(state, ends, strict=True)}
        own = kept[k]
        linears.append(
            ThinLinear(
                segment=segment,
                rows=stage.rows[own],
                scale=stage.scale[own],
                offset=stage.offset[own],
                learned=[LearnedSlope(s.slope, s.scale[own], s.offset[own]) for s in stage.learned],
                reads={place: kept[place] for place in read},
                width=int(ends[-1]),
                columns=np.concatenate([np.arange(0), *(at[place] for place in read)]),
                carried=np.concatenate([np.arange(0), *(at[place] for place in on)]),
            )
        )
        state = [k, *on]
    return tuple(linears)


def _segments(moving: Collection[int], found: Sequence[Stage]) -> list[Segment]:
    """Return what each stage after the first begins with, as a function of earlier ones."""
    ends: dict[int, tuple[int, Vertex]] = {}
    segments = []
    for place, (before, stage) in enumerate(pairwise(found)):
        ends[id(before.last)] = (place, before.last)
        segments.append(Segment(stage.begin, ends, moving))
    return segments
