"""Where the nodes of a computation graph go: by Graphviz, or in rows without it."""

from __future__ import annotations

from collections.abc import Sequence

from viz.layout.engines import by_graphviz
from viz.layout.rows import in_rows
from viz.layout.structure import Box, Layout, Link

__all__ = ["Box", "Layout", "Link", "place_graph"]


def place_graph(boxes: Sequence[Box], links: Sequence[Link], time_limit: float = 10.0) -> Layout:
    """
    Place the boxes of an acyclic graph, operands above results, and route its links.

    Graphviz does it where there is one and it is done in time, else `viz.layout.rows`: a picture never fails
    for want of a program.

    Parameters
    ----------
    boxes : sequence of Box
        The sizes; links name boxes by their place in it.
    links : sequence of Link
        The edges; those into one box enter it from left to right in this order.
    time_limit : float
        Seconds that Graphviz may take.

    Returns
    -------
    Layout

    Examples
    --------
    >>> placed = place_graph([Box(80, 40), Box(80, 40)], [Link(0, 1), Link(0, 1)])
    >>> (_, above), (_, below) = placed.centres
    >>> above < below, [len(curve) % 3 for curve in placed.curves]
    (True, [1, 1])
    """
    frozen = tuple(boxes), tuple(links)
    return by_graphviz(*frozen, time_limit) or in_rows(*frozen)
