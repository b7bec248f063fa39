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
    states.BYPASSED: "gate closed or dropped: only the skip's value passes",
    states.IDLE: "active, but reaches no output",
}


def hidden_units(columns: Sequence[Column]) -> tuple[int, int, str]:
    """Return how many hidden units pass something on, how many there are, and what they are called."""
    hidden = columns[1:-1]
    left = sum(int(column.alive_units.sum()) for column in hidden)
    total = sum(len(column.owners) for column in hidden)
    grouped = [column.groups is not None for column in hidden]
    return left, total, "neurons" if not any(grouped) else "pieces" if all(grouped) else "units"


def network_lead(columns: Sequence[Column]) -> str:
    """Say what to look at in a network."""
    left, total, unit = hidden_units(columns)
    hidden = columns[1:-1]
    sizes = [str(column.size) for column in columns]
    if columns[0].values is None:
        between = f"{' + '.join(sizes[1:-1])} hidden neurons" if total else "no hidden neurons"
        return (
            f"{sizes[0]} inputs, {between}, {sizes[-1]} outputs. The wider an edge, the larger its weight: "
            f"solid and blue if positive, dashed and orange if negative."
        )
    if not total:
        return "There is no hidden layer: every output is a weighted sum of the inputs."
    count = Counter(state for column in hidden for state in column.states)
    signals = sum(int(column.signals.sum()) for column in hidden)
    words = []
    if unit == "pieces":
        words.append(
            f"In every Maxout neuron one piece wins for this input: {left} of {total} pieces pass on."
        )
    elif unit == "units":
        words.append(f"For this input {left} of {total} neurons and pieces pass a signal on.")
    elif not signals:
        words.append(f"For this input none of the {total} hidden neurons passes a signal on.")
    elif signals < total:
        words.append(f"For this input {signals} of {total} hidden neurons pass a signal on.")
    else:
        always = ": none can be taken away" if all(column.smooth for column in hidden) else ""
        words.append(f"For this input all {total} hidden neurons pass a signal on{always}.")
    if some := count[states.INACTIVE]:
        gives = "is inactive: it gives 0, so what enters it" if some == 1 else (
            "are inactive: they give 0, so what enters them"
        )  # fmt: skip
        words.append(f"{some} {gives} ends there.")
    if some := count[states.BYPASSED]:
        words.append(f"{some} {'gives' if some == 1 else 'give'} only what the skip brings.")
    if some := count[states.DROPPED]:
        words.append(f"{some} {'was' if some == 1 else 'were'} dropped at random for this run.")
    if some := left - signals:
        words.append(f"{some} {'happens' if some == 1 else 'happen'} to give exactly 0.")
    if some := count[states.SATURATED]:
        words.append(f"{some} {'is' if some == 1 else 'are'} saturated: hardly any gradient comes back.")
    return " ".join(words)


def thin_lead(columns: Sequence[Column], thin: ThinNetwork) -> str:
    """Say what to look at in a thin linear network."""
    left, total, unit = thin.kept, thin.total, hidden_units(columns)[2]
    if not total:
        return "There is no hidden layer: the network is linear as it is, net(x′) = W x′ + b."
    losers = {"pieces": "other pieces lose", "units": "others give 0 or lose"}.get(unit, "others give 0")
    if any(column.states.count(states.DROPPED) for column in columns[1:-1]):
        losers += " or were dropped (✕)"
    away = (
        f"For this input {left:,} of {total:,} {unit} are left. The {losers} and can be taken away (faded): "
    )
    if left == total:
        away = (
            f"For this input all {total:,} {unit} are left, none gives 0; "
            f"but each gate follows one line, and "
        )
    remains = "linear, net(x′) = W x′ + b" if thin.weight.any() else "constant, net(x′) = b"
    note = ""
    if not thin.layered:
        note = " The network branches: its neurons are drawn before any skip is added, its edges are not."
    elif any(column.strengths is None for column in columns[1:]):
        note = " Between its largest layers no edges are drawn."
    return f"{away}what remains is {remains}, for every input x′ nearby.{note}"


class Fact(NamedTuple):
    """Something measured: the number, what it is, and both in a line of text."""

    value: str
    name: str
    words: str


def thin_facts(columns: Sequence[Column], thin: ThinNetwork) -> list[Fact]:
    """Return what was measured of a thin network."""
    left, total, unit = thin.kept, thin.total, hidden_units(columns)[2]
    count, error = f"{left:,} of {total:,}", number(thin.max_abs_error)
    radius = number(thin.radius) if np.isfinite(thin.radius) else "∞"
    name = "radius: on a boundary, a tie" if thin.tie else "radius: no gate changes within it"
    formula = "largest error |Wx + b − net(x)|"
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
