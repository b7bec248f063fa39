"""What is said of the difference of two thin networks: lead, facts, description, figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from viz.networks.compared import (
    BOTH,
    FIRST,
    MEANINGS,
    NEITHER,
    OPEN_IN_FIRST,
    OPEN_IN_SECOND,
    SECOND,
    Compared,
    hidden_counts,
)
from viz.networks.words import Fact, facts_line
from viz.style import number

if TYPE_CHECKING:
    from minigrad.thin import ThinNetwork


def facts(layers: Sequence[Compared]) -> list[Fact]:
    """Return the counts of the hidden units."""
    count = hidden_counts(layers)
    if not count:
        return []
    shown = [state for state in MEANINGS if count[state] or state in (BOTH, FIRST, SECOND, NEITHER)]
    return [Fact(str(count[s]), MEANINGS[s], f"{count[s]} {MEANINGS[s]}") for s in shown]


def lead(layers: Sequence[Compared], thin: ThinNetwork, other: ThinNetwork) -> str:
    """Say what to look at."""
    count = hidden_counts(layers)
    total = sum(count.values())
    if not total:
        return "There is no hidden layer: the network is one linear map, the same for every input."
    grouped = [layer.column.groups is not None for layer in layers[1:-1]]
    unit = "neurons" if not any(grouped) else "pieces" if all(grouped) else "units"
    if count[BOTH] + count[NEITHER] == total:
        scale = 1e-9 if thin.weight.dtype == np.float64 else 1e-4
        if np.allclose(thin.weight, other.weight, scale, scale) and np.allclose(
            thin.bias, other.bias, scale, scale
        ):
            return (
                f"Both inputs have the same thin linear network: the same {count[BOTH]} of {total} {unit}, "
                f"and the same W and b."
            )
        return f"The same {count[BOTH]} of {total} {unit} are left for both inputs, but W or b differs."
    words = f"Of {total} {unit}, {count[BOTH]} are left for both inputs; "
    alone = count[FIRST], count[SECOND]
    if any(alone):
        words += f"{alone[0]} only for the first (left half), {alone[1]} only for the second (right half). "
    if lower := count[OPEN_IN_FIRST] + count[OPEN_IN_SECOND]:
        words += f"{lower} are left for both, but their gates are open for only one of them. "
    return f"{words}So each input has a linear network of its own."


def description(layers: Sequence[Compared], labels: Sequence[str], facts: Sequence[Fact]) -> str:
    """Describe the picture to those who don't see it."""
    words = []
    for layer in layers[1:-1]:
        counts = ", ".join(f"{n} {MEANINGS[s]}" for s in MEANINGS if (n := len(layer.indices(s))))
        words.append(f"{layer.column.name} ({', '.join(layer.column.captions)}): {counts}.")
    for state, column in ((FIRST, layers[-1].first), (SECOND, layers[-1].second)):
        if column.values is not None and len(column.values) > 1:
            best = int(column.values.argmax())
            words.append(
                f"For the {state} the largest output is {labels[best]}, {number(column.values[best])}."
            )
    return " ".join([*words, facts_line(facts)])


def text_drawing(layers: Sequence[Compared], title: str, facts: Sequence[Fact]) -> str:
    """Draw it for the terminal, a mark per unit."""
    room = max(len(layer.column.name) for layer in layers)
    lines = [title]
    for layer in layers[1:]:
        marks = "".join(_MARKS[state] for state in layer.states)
        for k in range(0, len(marks), 64):
            lines.append(f"{layer.column.name if not k else '':{room}}  {marks[k : k + 64]}")
    seen = {state for layer in layers[1:] for state in layer.states}
    lines.append("  ".join(f"{_MARKS[state]} {MEANINGS[state]}" for state in MEANINGS if state in seen))
    return "\n".join([*lines, facts_line(facts)]).rstrip("\n")


def figures(layers: Sequence[Compared], thin: ThinNetwork, other: ThinNetwork) -> dict[str, Any]:
    """Return what is drawn, in JSON's terms."""
    return {
        "layers": [
            {"name": layer.column.name, **{state: layer.indices(state) for state in MEANINGS}}
            for layer in layers
        ],
        "counts": {state: hidden_counts(layers)[state] for state in MEANINGS},
        "outputs": [thin.output.tolist(), other.output.tolist()],
        "distance": float(np.linalg.norm((thin.x - other.x).ravel())),
        "radii": [radius if np.isfinite(radius) else None for radius in (thin.radius, other.radius)],
        "largest_weight_change": float(np.abs(thin.weight - other.weight).max(initial=0)),
    }


_MARKS = {
    BOTH: "●", FIRST: "◐", SECOND: "◑", NEITHER: "○", OPEN_IN_FIRST: "◧", OPEN_IN_SECOND: "◨"
}  # fmt: skip
