"""Two inputs' thin networks side by side: which neurons each of them has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from viz.networks.columns import ACTIVE, LOWER, Array, Column, columns_of_thin
from viz.networks.pixels import side_of
from viz.networks.spots import KEPT, MOST

if TYPE_CHECKING:
    from minigrad.thin import ThinNetwork

BOTH = "both"
FIRST = "first"
SECOND = "second"
OPEN_IN_FIRST = "open-in-first"  # in both, but this gate passes everything on in one, a fraction in the other
OPEN_IN_SECOND = "open-in-second"
NEITHER = "neither"

MEANINGS = {
    BOTH: "left for both inputs",
    FIRST: "only for the first",
    SECOND: "only for the second",
    OPEN_IN_FIRST: "for both, gate open only for the first",
    OPEN_IN_SECOND: "for both, gate open only for the second",
    NEITHER: "for neither",
}

GONE, FRACTION, WHOLE = 0, 1, 2  # how much of what enters a unit it passes on


@dataclass(frozen=True, eq=False)
class Compared:
    """
    One layer for two inputs.

    Attributes
    ----------
    column : Column
        What is to be placed.
    first, second : Column
        The layer as each thin network has it.
    states : tuple of str
        One per unit (neuron, or piece of a Maxout): both, first, second, neither, ...
    """

    column: Column
    first: Column
    second: Column
    states: tuple[str, ...]

    def indices(self, state: str) -> list[int]:
        """Return the units in a state."""
        return [unit for unit, own in enumerate(self.states) if own == state]

    def chosen(self) -> list[int]:
        """Choose the neurons to draw, in order: some that differ, and of the others their share."""
        if self.column.size <= MOST or (side_of(self.column.size) and self.column.name == "input"):
            return list(range(self.column.size))
        own = np.array(self.states)
        different = np.unique(self.first.owners[(own != BOTH) & (own != NEITHER)])
        gone = np.flatnonzero(own == NEITHER) if self.column.groups is None else np.empty(0, dtype=int)
        same = np.setdiff1d(np.arange(self.column.size), [*different, *gone])
        room = KEPT - min(len(different), KEPT // 2)
        share = round(room * len(same) / max(len(same) + len(gone), 1))
        return sorted([*_some(different, KEPT - room), *_some(same, share), *_some(gone, room - share)])


def compare(thin: ThinNetwork, other: ThinNetwork) -> list[Compared]:
    """
    Read the columns of two thin networks of one network.

    Raises
    ------
    ValueError
        If they are of two networks.
    TypeError
        If the other is none.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> net = nn.Sequential(nn.Linear.of([[1.0], [-1.0]]), nn.ReLU(), nn.Linear.of([[1.0, 1.0]]))
    >>> [layer.states for layer in compare(mg.thin(net, [3.0]), mg.thin(net, [-2.0]))]
    [('both',), ('first', 'second'), ('both',)]
    """
    from minigrad.thin import ThinNetwork

    if not isinstance(other, ThinNetwork):
        raise TypeError(
            f"a thin network is compared with another one, but got {type(other).__name__}: "
            f"viz.draw(mg.thin(net, x), mg.thin(net, y))"
        )
    first, second = columns_of_thin(thin), columns_of_thin(other)
    one, two = (_build(columns) for columns in (first, second))
    if one != two:
        raise ValueError(
            f"two thin networks are compared if they are of one network, but these have layers "
            f"{_in_words(one)} and {_in_words(two)}"
        )
    return [_layer(a, b) for a, b in zip(first, second, strict=True)]


def hidden_counts(layers: Sequence[Compared]) -> Counter[str]:
    """Return how many hidden units are in each state; the outputs are always there."""
    return Counter(state for layer in layers[1:-1] for state in layer.states)


def edges_between(before: Compared, after: Compared) -> tuple[Array, Array] | None:
    """Return what each edge carries in the first and in the second, (units, neurons); 0 where it is gone."""
    found = []
    for name in ("first", "second"):
        left, right = getattr(before, name), getattr(after, name)
        if right.strengths is None:
            return None
        there = right.alive_units[:, None] & left.alive[None, :]
        found.append(np.where(there, right.strengths, 0.0))
    return found[0], found[1]


def _layer(first: Column, second: Column) -> Compared:
    states = tuple(_STATES[pair] for pair in zip(_levels(first), _levels(second), strict=True))
    plain = Column(first.name, first.captions, (ACTIVE,) * first.size, groups=first.groups)
    return Compared(plain, first, second, states)


def _some(indices: Array, count: int) -> list[int]:
    """Return so many of the indices, evenly chosen."""
    return indices[np.linspace(0, len(indices) - 1, min(count, len(indices))).round().astype(int)].tolist()


def _levels(column: Column) -> list[int]:
    """Return how much each unit passes on of what enters it."""
    lower = np.array([state == LOWER for state in column.states], dtype=bool)[column.owners]
    return np.where(column.alive_units, np.where(lower, FRACTION, WHOLE), GONE).tolist()


def _build(columns: Sequence[Column]) -> list[tuple[Any, ...]]:
    """Return what two thin networks of one network have in common."""
    return [(column.size, column.groups or ()) for column in columns]


def _in_words(build: Sequence[tuple[Any, ...]]) -> str:
    return "-".join(str(size) for size, _ in build)


_STATES = {
    (WHOLE, WHOLE): BOTH, (FRACTION, FRACTION): BOTH, (GONE, GONE): NEITHER,
    (WHOLE, FRACTION): OPEN_IN_FIRST, (FRACTION, WHOLE): OPEN_IN_SECOND,
    (WHOLE, GONE): FIRST, (FRACTION, GONE): FIRST, (GONE, WHOLE): SECOND, (GONE, FRACTION): SECOND,
}  # fmt: skip
