"""Where a network's decision changes along a line: exact, from its straight pieces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]


@dataclass(frozen=True)
class Stretch:
    """
    A part of a line with one decision.

    Attributes
    ----------
    start, stop : float
        From where to where.
    decision : int
        The largest output; of a single output whether it is above 0 (1) or not (0).
    """

    start: float
    stop: float
    decision: int


def stretches(knots: Array, values: Array) -> list[Stretch]:
    """
    Return the decisions along a line, in order; neighbours differ.

    Parameters
    ----------
    knots : ndarray, shape (pieces + 1,)
        Where the outputs bend, and the ends.
    values : ndarray, shape (pieces + 1, n_out)
        The outputs there; between them they are straight.

    Examples
    --------
    >>> stretches(np.array([0.0, 1.0]), np.array([[-1.0], [3.0]]))
    [Stretch(start=0.0, stop=0.25, decision=0), Stretch(start=0.25, stop=1.0, decision=1)]
    """
    values = competing(values)
    found: list[Stretch] = []
    best = values.argmax(axis=1)
    for k in range(len(knots) - 1):
        if found and best[k] == best[k + 1] == found[-1].decision:  # no other line rises above it between
            found[-1] = Stretch(found[-1].start, float(knots[k + 1]), found[-1].decision)
            continue
        for start, stop, decision in _envelope(knots[k], knots[k + 1], values[k], values[k + 1]):
            if found and found[-1].decision == decision:
                start = found.pop().start
            found.append(Stretch(float(start), float(stop), decision))
    return found


def competing(values: Array) -> Array:
    """Return the outputs of which the largest decides, shape (..., n_out); a single one competes with 0."""
    return np.concatenate([np.zeros_like(values), values], axis=-1) if values.shape[-1] == 1 else values


def _envelope(start: float, stop: float, first: Array, last: Array) -> list[tuple[float, float, int]]:
    """Return which of several straight lines is the highest, from where to where."""
    at, found = 0.0, []
    rises = last - first
    order = np.lexsort((-rises, -first))
    best = int(order[0])
    while True:
        with np.errstate(divide="ignore", invalid="ignore"):
            meets = (first[best] - first) / (rises - rises[best])
        meets[(rises <= rises[best]) | ~(meets < 1)] = np.inf
        end = min(float(meets.min()), 1.0)
        if end > at:
            left, right = (start + share * (stop - start) for share in (at, end))
            found.append((left, stop if end == 1 else right, best))
        if end == 1:
            return found
        steepest = np.flatnonzero(meets == meets.min())
        at, best = max(end, at), int(steepest[rises[steepest].argmax()])
