"""Places for the neurons of a layered network; it needs no layout engine."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from viz.scene import Point


def columns(counts: Sequence[int], spacing: float = 40.0, aspect: float = 1.6) -> list[list[Point]]:
    """
    Place neurons in one column for each layer, evenly spread and centred, the first layer on the left.

    Parameters
    ----------
    counts : sequence of int
        How many neurons (or cells that stand for them) each layer has; 0 leaves its column empty.
    spacing : float
        Pixels between the centres of neighbours in a column.
    aspect : float
        Width to height to aim for; columns stay between 2.5 and 7 spacings apart, so that edges are legible.

    Returns
    -------
    list of list of (x, y)
        The centres, top to bottom; the first column is at x = 0, the middle of every column at y = 0.

    Examples
    --------
    >>> columns([2, 1])
    [[(0.0, -20.0), (0.0, 20.0)], [(128.0, 0.0)]]
    """
    height = spacing * max(counts, default=0)
    gaps = max(len(counts) - 1, 1)
    gap = min(max(aspect * height / gaps, 2.5 * spacing), 7 * spacing)
    return [
        [(float(gap * column), spacing * (row - (count - 1) / 2)) for row in range(count)]
        for column, count in enumerate(counts)
    ]


def edges(counts: Sequence[int]) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """
    List every edge of a fully connected network as ((layer, neuron), (next layer, neuron)).

    Examples
    --------
    >>> edges([2, 1])
    [((0, 0), (1, 0)), ((0, 1), (1, 0))]
    """
    layers = [[(layer, k) for k in range(count)] for layer, count in enumerate(counts)]
    return [(start, end) for left, right in pairwise(layers) for start in left for end in right]
