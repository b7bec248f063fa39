"""What flips at the kinks of a line: which neurons, whether they turn on or off, and how sharply f bends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from minigrad.regions import Line

_LISTED = 1  # neurons of one kink that are named


@dataclass(frozen=True)
class Flip:
    """
    One kink.

    Attributes
    ----------
    at : float
        Where on the line.
    units : tuple of (layer, neuron)
        What changes, numbered as in ``thin.next_flip``.
    words : str
        The same for people.
    bend : float
        How much the slope of the outputs changes, as the norm of the difference.
    """

    at: float
    units: tuple[tuple[int, int], ...]
    words: str
    bend: float


def flips(line: Line) -> list[Flip]:
    """
    Return the kinks of a line, in order.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> net = nn.Sequential(nn.Linear.of([[1.0]]), nn.ReLU(), nn.Linear.of([[2.0]]))
    >>> flips(mg.regions.line(net, [-1.0], [3.0]))
    [Flip(at=0.25, units=((0, 0),), words='hidden 1 · 0 on', bend=8.0)]
    """
    patterns, units = line.patterns, line.units
    bends = np.linalg.norm(np.diff(line.slopes, axis=0), axis=1)
    found = []
    for k, at in enumerate(line.breakpoints.tolist()):
        changed = np.flatnonzero(patterns[k] != patterns[k + 1])
        ways = {}
        for column in changed:
            layer, neuron = map(int, units[column])
            after = patterns[k + 1][column]
            ways[layer, neuron] = (" on" if after else " off") if patterns.dtype == bool else ""
        found.append(Flip(at, tuple(sorted(ways)), _words(ways), float(bends[k])))
    return found


def spread(places: Sequence[float], gap: float) -> list[float]:
    """
    Move ascending places as little as it takes to be a gap apart, within 0 and 1 if there is room.

    Examples
    --------
    >>> [round(place, 3) for place in spread([0.1, 0.5, 0.5, 0.99], 0.1)]
    [0.1, 0.45, 0.55, 0.99]
    """
    upwards, downwards = list(places), list(places)
    for k in range(1, len(places)):
        upwards[k] = max(upwards[k], upwards[k - 1] + gap)
    for k in reversed(range(len(places) - 1)):
        downwards[k] = min(downwards[k], downwards[k + 1] - gap)
    middle = [(up + down) / 2 for up, down in zip(upwards, downwards, strict=True)]
    level = 0.0
    for k, place in enumerate(middle):
        middle[k] = place = max(place, level)
        level = place + gap
    level = max(1.0, gap * (len(middle) - 1))
    for k in reversed(range(len(middle))):
        middle[k] = min(middle[k], level)
        level = middle[k] - gap
    return middle


def unit_name(layer: int, neuron: int) -> str:
    """
    Return what a neuron is called in pictures.

    Examples
    --------
    >>> unit_name(0, 7), unit_name(-1, 2)
    ('hidden 1 · 7', 'input · 2')
    """
    return f"{'input' if layer < 0 else f'hidden {layer + 1}'} · {neuron}"


def _words(ways: dict[tuple[int, int], str]) -> str:
    """Name what changes at one kink, the first few."""
    named = [unit_name(*unit) + way for unit, way in sorted(ways.items())[:_LISTED]]
    more = f" +{len(ways) - _LISTED:,}" if len(ways) > _LISTED else ""
    return ", ".join(named) + more
