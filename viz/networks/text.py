"""A network as text: a drawing for the terminal, and DOT source."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from viz.networks import columns as states
from viz.networks.columns import Column
from viz.networks.pixels import side_of
from viz.networks.words import MEANINGS, Fact, facts_line
from viz.style import INACTIVE, NEGATIVE, POSITIVE, RULE, diverging, number

_MARKS = {
    states.PLAIN: "○", states.ACTIVE: "●", states.LOWER: "◐", states.SATURATED: "◉",
    states.INACTIVE: "○", states.DROPPED: "✕", states.BYPASSED: "◇",
    states.IDLE: "◌",
}  # fmt: skip
_LINE = 64  # neurons in a row of text
_DOTS = 16  # neurons of one layer in DOT source


def text_drawing(
    columns: Sequence[Column], labels: Sequence[str], title: str, facts: Sequence[Fact] = ()
) -> str:
    """
    Draw a network for the terminal: a mark per neuron, of Maxout the number of the winning piece.

    Examples
    --------
    >>> column = Column("hidden 1", ("ReLU",), ("active", "inactive", "dropped"))
    >>> print(text_drawing([column], [], "A layer"))
    A layer
    hidden 1  ●○✕  ReLU: 1 of 3 active
    ● active  ○ inactive  ✕ dropped
    """
    lines = [title]
    room = max(len(column.name) for column in columns)
    drawn = [_rows(column) for column in columns]
    width = max(len(row) for rows in drawn for row in rows)
    for column, rows in zip(columns, drawn, strict=True):
        caption = _caption(column, labels, "left" if facts else "active")
        rows[0] = f"{rows[0].ljust(width)}  {caption}".rstrip()
        lines += [f"{column.name.ljust(room) if k == 0 else ' ' * room}  {row}" for k, row in enumerate(rows)]
    seen = {
        state for column in columns for state in column.states if not column.groups or not column.alive.all()
    }
    lines.append("  ".join(f"{_MARKS[state]} {state}" for state in MEANINGS if state in seen))
    if any(column.winners is not None for column in columns):
        lines[-1] = f"{lines[-1]}  1 2 … the piece that wins".strip()
    return "\n".join(line for line in [*lines, facts_line(facts)] if line)


def dot_source(columns: Sequence[Column], labels: Sequence[str], title: str) -> str:
    """Write a network as DOT source: a cluster per layer, large layers abbreviated with what is left out."""
    from graphviz import Digraph, escape

    graph = Digraph("network", graph_attr={
        "rankdir": "LR", "label": escape(title), "labelloc": "t", "ranksep": "1.4", "splines": "line",
        "fontname": "DejaVu Sans",
    })  # fmt: skip
    graph.attr("node", shape="circle", width="0.35", fixedsize="true", fontsize="9", fontname="DejaVu Sans")
    graph.attr("edge", arrowhead="none")
    limit = max(
        (float(np.abs(c.values).max(initial=0)) for c in columns if c.values is not None), default=1.0
    )
    for k, column in enumerate(columns):
        with graph.subgraph(name=f"cluster_{k}") as layer:
            layer.attr(label=escape(", ".join([column.name, *column.captions])), color=RULE.light)
            for j in range(min(column.size, _DOTS)):
                words = labels[j] if k == len(columns) - 1 else ""
                layer.node(f"{k}_{j}", **_dot_look(column, j, limit, escape(words)))
            if column.size > _DOTS:
                layer.node(
                    f"{k}_more", label=f"+{column.size - _DOTS} more", shape="plaintext", fixedsize="false"
                )
    strongest = max(
        (float(np.abs(c.strengths).max(initial=0)) for c in columns if c.strengths is not None), default=0.0
    )
    for k, column in enumerate(columns):
        for start, end, value, alive in _dot_edges(columns, k):
            size = np.sqrt(abs(value) / strongest) if strongest else 0.0
            look = {
                "color": NEGATIVE.light if value < 0 else POSITIVE.light,
                "penwidth": f"{max(4 * size, 0.4):.2f}",
            }
            look |= {"style": "dashed"} if value < 0 else {}
            graph.edge(
                f"{k - 1}_{start}",
                f"{k}_{end}",
                **(look if alive else {"color": RULE.light, "penwidth": "0.4"}),
            )
        if column.skip is not None:
            graph.edge(f"{column.skip}_0", f"{k}_0", label="+ skip", constraint="false", penwidth="2")
    return str(graph.source)


def _rows(column: Column) -> list[str]:
    """Return the marks of one column, in rows; an image as shades."""
    side = side_of(column.size) if column.name == "input" else None
    if side and side <= 32:
        values = column.values if column.values is not None else np.zeros(column.size)
        top = float(values.max(initial=0)) or 1.0
        shades = [" ░▒▓█"[min(int(5 * max(v, 0.0) / top), 4)] for v in values.tolist()]
        if column.values is None:
            shades = ["·"] * column.size
        shades = ["✕" if s == states.DROPPED else c for s, c in zip(column.states, shades, strict=True)]
        return [" ".join(shades[k * side : (k + 1) * side]).rstrip() for k in range(side)]
    marks = "".join(_mark(column, j) for j in range(column.size)) or "(none)"
    return [marks[k : k + _LINE] for k in range(0, len(marks), _LINE)]


def _mark(column: Column, j: int) -> str:
    """Return one neuron's mark."""
    if column.winners is not None and column.alive[j]:
        winner = int(column.winners[j]) + 1
        return str(winner) if winner < 10 else "+"
    return _MARKS[column.states[j]]


def _caption(column: Column, labels: Sequence[str], word: str) -> str:
    """Return what made a column and how much of it passes something on."""
    caption = ", ".join(column.captions)
    if column.name == "output" and column.values is not None and column.size:
        largest = int(column.values.argmax())
        value = number(column.values[largest])
        shown = f"largest is {labels[largest]}, {value}" if column.size > 1 else value
        return f"{caption}: {shown}" if caption else shown
    units = column.left(word)
    alive, total = int(units.sum()), len(units)
    if alive < total and column.states[:1] != (states.PLAIN,):
        caption += f"{': ' if caption else ''}{alive:,} of {total:,} "
        caption += "win" if column.groups and word == "active" else word
    return caption


def _dot_look(column: Column, j: int, limit: float, label: str) -> dict[str, str]:
    """Return a neuron's attributes in DOT."""
    value = None if column.values is None else float(column.values[j])
    look = {"label": label, "tooltip": f"{column.name} {j}" + ("" if value is None else f": {number(value)}")}
    state = column.states[j]
    if state in (states.INACTIVE, states.IDLE):
        return look | {"style": "dashed", "color": INACTIVE.light}
    if state == states.DROPPED:
        return look | {"label": "✕", "color": INACTIVE.light}
    if column.winners is not None:
        look["label"] = str(int(column.winners[j]) + 1)
    if value is not None:
        look |= {"style": "filled", "fillcolor": diverging(value, limit).light}
    return look


def _dot_edges(columns: Sequence[Column], k: int) -> list[tuple[int, int, float, bool]]:
    """Return a column's edges as (neuron before, neuron, number, alive), of Maxout those of the winners."""
    column = columns[k]
    if column.strengths is None:
        return []
    chosen = column.alive_units if column.winners is not None else np.ones(len(column.owners), dtype=bool)
    alive = column.alive_units[:, None] & columns[k - 1].alive[None, :]
    return [
        (i, int(column.owners[unit]), float(column.strengths[unit, i]), bool(alive[unit, i]))
        for unit in np.flatnonzero(chosen)
        if column.owners[unit] < _DOTS
        for i in range(min(columns[k - 1].size, _DOTS))
    ]
