"""A layout without Graphviz: rows by longest paths, few crossings, boxes beneath their operands."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from operator import itemgetter

from viz.layout.structure import NODE_GAP, RANK_GAP, Box, Layout, Link, falling, slot_offset, slots

_SWEEPS = 12
_WORK = 400_000
"""How many strands all sweeps together may move: a large graph gets fewer sweeps rather than a long wait."""


@dataclass(frozen=True, slots=True)
class _Strand:
    """A piece of a link between neighbouring rows, with where it leaves and arrives beside the middles."""

    upper: int
    lower: int
    offset: float
    weight: int


def in_rows(boxes: tuple[Box, ...], links: tuple[Link, ...]) -> Layout:
    """
    Lay out a graph in rows, as Sugiyama, Tagawa and Toda (1981) do.

    Links that pass a row get a place of their own in it. The orders in the rows come from sweeps of
    barycentres, the places are the nearest ones to the neighbours' means that keep the distances.

    Examples
    --------
    >>> in_rows((Box(60, 20), Box(60, 20)), (Link(0, 1),)).centres
    ((0.0, 10.0), (0.0, 82.0))
    """
    rows_of = _rows(len(boxes), links)
    widths = [box.width for box in boxes]
    rows: list[list[int]] = [[] for _ in range(max(rows_of) + 1)]
    for box, row in enumerate(rows_of):
        rows[row].append(box)
    chains, strands = [], []
    for link, (slot, count) in zip(links, slots(boxes, links), strict=True):
        chain = [link.source]
        for row in range(rows_of[link.source] + 1, rows_of[link.target]):
            chain.append(len(widths))
            rows[row].append(len(widths))
            widths.append(0.0)
        chain.append(link.target)
        offsets = [0.0] * (len(chain) - 2) + [slot_offset(boxes[link.target].width, slot, count)]
        strands += [
            _Strand(a, b, offset, link.weight)
            for (a, b), offset in zip(pairwise(chain), offsets, strict=True)
        ]
        chains.append(chain)
    xs = _best_order(rows, widths, strands)
    tops, bottoms = _heights(rows, boxes)
    centres = tuple((xs[k], (tops[row] + bottoms[row]) / 2) for k, row in enumerate(rows_of))
    curves = []
    for link, chain, (slot, count) in zip(links, chains, slots(boxes, links), strict=True):
        first, last = boxes[link.source], boxes[link.target]
        start = (xs[link.source], centres[link.source][1] + first.height / 2)
        end_x = xs[link.target] + slot_offset(last.width, slot, count)
        end = (end_x, centres[link.target][1] - last.height / 2)
        row = rows_of[link.source]
        passed = [(xs[k], tops[row + i], bottoms[row + i]) for i, k in enumerate(chain[1:-1], start=1)]
        curves.append(falling(start, *((x, y) for x, top, bottom in passed for y in (top, bottom)), end))
    return Layout(centres, tuple(curves), "rows")


def _rows(count: int, links: Sequence[Link]) -> list[int]:
    """Put every box beneath its operands, and leaves right above the first box that needs them."""
    import networkx

    graph = networkx.DiGraph()
    graph.add_nodes_from(range(count))
    graph.add_edges_from((link.source, link.target) for link in links)
    rows = [0] * count
    for row, generation in enumerate(networkx.topological_generations(graph)):
        for box in generation:
            rows[box] = row
    for box in range(count):
        if not graph.in_degree(box) and graph.out_degree(box):
            rows[box] = min(rows[user] for user in graph.successors(box)) - 1
    return rows


def _best_order(rows: list[list[int]], widths: list[float], strands: Sequence[_Strand]) -> list[float]:
    """Sweep down and up, each row placed by its neighbours; return the places with the fewest crossings."""
    above: dict[int, list[tuple[int, float]]] = defaultdict(list)
    below: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for strand in strands:
        above[strand.lower] += [(strand.upper, -strand.offset)] * strand.weight
        below[strand.upper] += [(strand.lower, strand.offset)] * strand.weight
    xs = [0.0] * len(widths)
    for row in rows:
        _place(row, dict.fromkeys(row, (0.0, 1)), widths, xs)
    best, fewest = list(xs), _crossings(xs, rows, strands)
    for sweep in range(max(2, min(_SWEEPS, _WORK // max(1, len(strands))))):
        downwards = sweep % 2 == 0
        for row in rows if downwards else reversed(rows):
            neighbours = above if downwards else below
            wanted = {k: _mean([xs[n] + shift for n, shift in neighbours[k]], xs[k]) for k in row}
            row.sort(key=lambda k: wanted[k][0])
            _place(row, wanted, widths, xs)
        crossings = _crossings(xs, rows, strands)
        if crossings <= fewest:
            best, fewest = list(xs), crossings
    return best


def _mean(values: Sequence[float], otherwise: float) -> tuple[float, int]:
    """Return the mean of some values, and how much it weighs."""
    return (sum(values) / len(values), len(values)) if values else (otherwise, 1)


def _place(
    row: Sequence[int], wanted: Mapping[int, tuple[float, int]], widths: Sequence[float], xs: list[float]
) -> None:
    """Put a row's members, in order and apart, as near (by least squares) as can be to where they want."""
    steps = [0.0]
    for left, right in pairwise(row):
        steps.append(steps[-1] + (widths[left] + widths[right]) / 2 + NODE_GAP)
    # Members that touch form a block (mean, weight, size): this is the pool-adjacent-violators algorithm.
    blocks: list[tuple[float, int, int]] = []
    for member, step in zip(row, steps, strict=True):
        place, weight, size = wanted[member][0] - step, wanted[member][1], 1
        while blocks and blocks[-1][0] > place:
            before, its_weight, its_size = blocks.pop()
            place = (before * its_weight + place * weight) / (its_weight + weight)
            weight, size = weight + its_weight, size + its_size
        blocks.append((place, weight, size))
    places = (place for place, _, size in blocks for _ in range(size))
    for member, step, place in zip(row, steps, places, strict=True):
        xs[member] = place + step


def _crossings(xs: Sequence[float], rows: Sequence[Sequence[int]], strands: Sequence[_Strand]) -> int:
    """Count the pairs of strands that cross between neighbouring rows."""
    row_of = {k: row for row, members in enumerate(rows) for k in members}
    between = defaultdict(list)
    for strand in strands:
        between[row_of[strand.upper]].append((xs[strand.upper], xs[strand.lower] + strand.offset))
    return sum(_inversions(ends) for ends in between.values())


def _inversions(ends: Sequence[tuple[float, float]]) -> int:
    """Count the pairs of strands whose lower ends stand the other way round than their upper ends."""
    found, seen = 0, list[float]()
    for _, together in groupby(sorted(ends), key=itemgetter(0)):
        lower = [end for _, end in together]
        found += sum(len(seen) - bisect_right(seen, end) for end in lower)
        for end in lower:
            insort(seen, end)
    return found


def _heights(rows: Sequence[Sequence[int]], boxes: Sequence[Box]) -> tuple[list[float], list[float]]:
    """Return the top and the bottom of each row."""
    tops, bottoms, y = [], [], 0.0
    for row in rows:
        tops.append(y)
        bottoms.append(y + max((boxes[k].height for k in row if k < len(boxes)), default=0.0))
        y = bottoms[-1] + RANK_GAP
    return tops, bottoms
