"""What a layout of a computation graph is made of, whichever engine computes it."""

from __future__ import annotations

from dataclasses import dataclass

from viz.scene import Point

RANK_GAP = 34.0  # pixels between a row of boxes and the next
NODE_GAP = 22.0  # pixels between neighbours in a row


@dataclass(frozen=True, slots=True)
class Box:
    """The room that a node needs; boxes with the same ``group`` should stand together."""

    width: float
    height: float
    group: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """
    An edge from the middle of a box's lower side to a slot on another's upper side.

    The links into a box have its slots in turn, left to right: the order of operands.
    """

    source: int
    target: int


@dataclass(frozen=True, slots=True)
class Layout:
    """The centre of each box, and each link as a chain of cubic Béziers (1 + 3n points); y is downwards."""

    centres: tuple[Point, ...]
    curves: tuple[tuple[Point, ...], ...]
    engine: str


def slots(links: tuple[Link, ...]) -> list[tuple[int, int]]:
    """
    Return for each link its slot and how many slots its target has.

    Examples
    --------
    >>> slots((Link(0, 2), Link(1, 2), Link(2, 3)))
    [(0, 2), (1, 2), (0, 1)]
    """
    used: dict[int, int] = {}
    place = []
    for link in links:
        place.append(used.get(link.target, 0))
        used[link.target] = place[-1] + 1
    return [(slot, used[link.target]) for slot, link in zip(place, links, strict=True)]


def slot_offset(width: float, slot: int, count: int) -> float:
    """
    Return how far right of the middle a slot is: the middles of equal parts of the side.

    Examples
    --------
    >>> slot_offset(100, 0, 2), slot_offset(100, 1, 2), slot_offset(100, 0, 1)
    (-25.0, 25.0, 0.0)
    """
    return width * ((slot + 0.5) / count - 0.5)
