"""What a layout of a computation graph is made of, whichever engine computes it."""

from __future__ import annotations

from dataclasses import dataclass

from viz.scene import Point

RANK_GAP = 52.0  # pixels between a row of boxes and the next
NODE_GAP = 22.0  # pixels between neighbours in a row


@dataclass(frozen=True, slots=True)
class Box:
    """The room that a node needs; with ``skip`` its first link enters that many slots further right."""

    width: float
    height: float
    skip: int = 0


@dataclass(frozen=True, slots=True)
class Link:
    """
    An edge from the middle of a box's lower side to a slot on another's upper side.

    The links into a box have its slots in turn, left to right: the order of operands. The larger the
    ``weight``, the more upright it should be.
    """

    source: int
    target: int
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Layout:
    """The centre of each box, and each link as a chain of cubic Béziers (1 + 3n points); y is downwards."""

    centres: tuple[Point, ...]
    curves: tuple[tuple[Point, ...], ...]
    engine: str


def slots(boxes: tuple[Box, ...], links: tuple[Link, ...]) -> list[tuple[int, int]]:
    """
    Return for each link its slot and how many slots its target has.

    Examples
    --------
    >>> slots((Box(9, 9), Box(9, 9), Box(9, 9, skip=1)), (Link(0, 1), Link(0, 1), Link(1, 2)))
    [(0, 2), (1, 2), (1, 2)]
    """
    used = {k: box.skip for k, box in enumerate(boxes)}
    place = []
    for link in links:
        place.append(used[link.target])
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


def falling(*stops: Point) -> tuple[Point, ...]:
    """
    Return the Béziers that go down through all stops, upright at each, and steeply in between.

    Examples
    --------
    >>> falling((0, 0), (30, 10))
    ((0, 0), (0, 4.0), (30, 6.0), (30, 10))
    """
    points = [stops[0]]
    for x, y in stops[1:]:
        last_x, last_y = points[-1]
        bend = 0.4 * (y - last_y)
        points += [(last_x, last_y + bend), (x, y - bend), (x, y)]
    return tuple(points)
