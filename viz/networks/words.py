"""What is said of a network: leads, facts, a description, figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from viz.networks import columns as states
from viz.networks.columns import Array, Column
from viz.style import number

if TYPE_CHECKING:
    from minigrad.thin import ThinNetwork

MEANINGS = {
    states.ACTIVE: "active: filled with its value",
    states.LOWER: "gate closed, but passes a fraction on",
    states.SATURATED: "saturated: at its limit, nearly flat",
    states.INACTIVE: "inactive: gives 0",
    states.DROPPED: "dropped by a random mask",
    states.IDLE: "active, but reaches no output",
}


def hidden_units(columns: Sequence[Column]) -> tuple[int, int, str]:
    """Return how many hidden units pass something on, how many there are, and what they are called."""
    hidden = columns[1:-1]
    left = sum(int(column.alive_units.sum()) for column in hidden)
    total = sum(len(column.owners) for column in hidden)
    return left, total, "pieces" if any(column.groups for column in hidden) else "neurons"


def network_lead(columns: Sequence[Column]) -> str:
    """Say what to look at in a network."""
    left, total, unit = hidden_units(columns)
    sizes = [str(column.size) for column in columns]
    if columns[0].values is None:
        hidden = f"{' + '.join(sizes[1:-1])} hidden neurons" if total else "no hidden neurons"
        return (
            f"{sizes[0]} inputs, {hidden}, {sizes[-1]} outputs. The wider an edge, the larger its weight: "
            f"solid and blue if positive, dashed and orange if negative."
        )
    if not total:
        return "There is no hidden layer: every output is a weighted sum of the inputs."
    count = Counter(state for column in columns[1:-1] for state in column.states)
    words = []
    if unit == "pieces":
        words.append(
            f"In every Maxout neuron one piece wins for this input: {left} of {total} pieces pass on."
        )
    elif count[states.INACTIVE] or count[states.DROPPED]:
        words.append(f"For this input {left} of {total} hidden neurons pass a signal on.")
    else:
        words.append(f"For this input all {total} hidden neurons pass a signal on: none can be taken away.")
    if count[states.INACTIVE]:
        words.append(f"Inactive: {count[states.INACTIVE]}, which give 0, so what enters them ends there.")
    if count[states.DROPPED]:
        words.append(f"Dropped at random for this run: {count[states.DROPPED]}.")
    if count[states.SATURATED]:
        words.append(f"Saturated: {count[states.SATURATED]}; hardly any gradient comes back through them.")
    return " ".join(words)


def thin_lead(columns: Sequence[Column], thin: ThinNetwork) -> str:
    """Say what to look at in a thin linear network."""
    left, total, unit = thin.kept, thin.total, hidden_units(columns)[2]
    if not total:
        return "There is no hidden layer: the network is linear as it is, net(x′) = W x′ + b."
    losers = "other pieces lose" if unit == "pieces" else "others give 0"
    if any(column.states.count(states.DROPPED) for column in columns[1:-1]):
        losers += " or were dropped (✕)"
    away = f"For this input {left} of {total} {unit} are left. The {losers} and can be taken away (faded): "
    if left == total:
        away = (
            f"For this input all {total} {unit} are left, none gives 0; but each gate follows one line, and "
        )
    remains = "linear, net(x′) = W x′ + b" if thin.weight.any() else "constant, net(x′) = b"
    note = "" if any(column.strengths is not None for column in columns) else (
        " The network branches: its neurons are drawn, its edges are not."
    )  # fmt: skip
    return f"{away}what remains is {remains}, for every input x′ nearby.{note}"


class Fact(NamedTuple):
    """Something measured: the number, what it is, and both in a line of text."""

    value: str
    name: str
    words: str


def thin_facts(columns: Sequence[Column], thin: ThinNetwork) -> list[Fact]:
    """Return what was measured of a thin network."""
    left, total, unit = thin.kept, thin.total, hidden_units(columns)[2]
    count, error = f"{left} of {total}", number(thin.max_abs_error)
    radius = number(thin.radius) if np.isfinite(thin.radius) else "∞"
    name = "radius: on a boundary, a tie" if thin.tie else "radius: no gate changes within it"
    formula = "max|Wx + b − net(x)|"
    facts = [Fact(count, f"{unit} left", f"{count} {unit} left")] if total else []
    return [*facts, Fact(error, formula, f"{formula} = {error}"), Fact(radius, name, f"radius {radius}")]


def facts_line(facts: Sequence[Fact]) -> str:
    """
    Return the facts on one line.

    Examples
    --------
    >>> facts_line([Fact("3", "neurons left", "3 neurons left"), Fact("0.5", "radius", "radius 0.5")])
    '3 neurons left · radius 0.5'
    """
    return " · ".join(fact.words for fact in facts)


def description(columns: Sequence[Column], labels: Sequence[str], more: str) -> str:
    """Describe the picture to those who don't see it."""
    words = []
    for column in columns:
        count = Counter(column.states)
        how = ", ".join(f"{n} {state}" for state, n in count.items() if state != states.PLAIN)
        made = f" ({', '.join(column.captions)})" if column.captions else ""
        words.append(f"{column.name}{made}: {column.size}{f', {how}' if how else ''}.")
    values = columns[-1].values
    if values is not None and len(values) > 1:
        largest = int(values.argmax())
        words.append(f"The largest output is {labels[largest]}, {number(values[largest])}.")
    return " ".join([*words, more]).strip()


def figures(columns: Sequence[Column], thin: ThinNetwork | None) -> dict[str, Any]:
    """Return what is drawn, in JSON's terms."""
    layers = [
        {
            "name": column.name,
            "made_of": list(column.captions),
            "states": list(column.states),
            "values": _plain(column.values),
            "pieces": None if column.groups is None else list(column.groups),
            "winners": _plain(column.winners),
        }
        for column in columns
    ]
    record: dict[str, Any] = {"layers": layers}
    if thin is not None:
        record |= {
            "weight": _plain(thin.weight), "bias": _plain(thin.bias), "left": thin.kept, "total": thin.total,
            "max_abs_error": thin.max_abs_error, "radius": thin.radius if np.isfinite(thin.radius) else None,
            "next_flip": sorted(map(list, thin.next_flip)),
        }  # fmt: skip
    return record


def _plain(values: Array | None) -> Any:
    """Return lists of numbers; those that are not finite become None."""
    if values is None:
        return None
    plain = values.astype(object)
    plain[~np.isfinite(values)] = None
    return plain.tolist()
