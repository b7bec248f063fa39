"""A network along a line: its outputs with their kinks, its regions, its decisions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.recording import no_grad
from viz.picture import Picture
from viz.plots import house_style, set_heading
from viz.regions.decisions import Array, Stretch, stretches
from viz.regions.flips import Flip, flips, spread
from viz.regions.palette import STYLES, is_image, output_names, paints, show_image
from viz.style import INK, MUTED, PANEL, RULE, SERIES, Paint, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from minigrad.regions import Line

_NAMED = 20  # kinks that are named
_DOTTED = 80  # kinks up to which each has a dot
_LISTED = 12  # regions and decisions that are listed in words
_LIGHT = 3000  # regions up to which each is a shape of its own in a file


def draw_line(
    line: Line,
    *,
    outputs: Sequence[int] | None = None,
    names: Sequence[str] | None = None,
    ends: tuple[str, str] = ("a", "b"),
    title: str = "",
) -> Picture:
    """
    Draw a network along a line: straight pieces, kinks, and the neuron that flips at each of them.

    Parameters
    ----------
    line : Line
        From `minigrad.regions.line`.
    outputs : sequence of int, optional
        Which outputs to draw as curves, at most five; by default those that are the largest somewhere. The
        others are thin and grey.
    names : sequence of str, optional
        Names of the outputs; of a single output, what it says below 0 and above 0.
    ends : (str, str)
        What the two ends are called.
    title : str
        The heading.

    Returns
    -------
    Picture
        It can also be saved as ``.json``.

    Raises
    ------
    ValueError
        If there is not one name per output, or ``outputs`` are not one to five of them.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> net = nn.Sequential(nn.Linear.of([[1.0], [2.0]], [-1.0, 1.0]), nn.ReLU(), nn.Linear.of([[1.0, -1.0]]))
    >>> print(draw_line(mg.regions.line(net, [-2.0], [2.0])))
    A network along a line: 3 linear pieces
    t from  to     flips at its end
    0       0.375  hidden 1 · 1 on
    0.375   0.75   hidden 1 · 0 on
    0.75    1
    decision: below 0 all along
    """
    from matplotlib.figure import Figure

    called = output_names(line.values.shape[1], names)
    knots, values = _window(line)
    decided = stretches(knots, values)
    curves = _curves(values, decided, outputs)
    kinks = flips(line)
    named = sorted(sorted(kinks, key=lambda kink: -kink.bend)[:_NAMED], key=lambda kink: kink.at)
    pieces = f"{len(line):,} linear {'pieces' if len(line) > 1 else 'piece'}"
    heading = title or f"A network along a line: {pieces}"
    tall = 0.35 + 0.066 * max((len(kink.words) for kink in named), default=-4)
    size = tall + 4.9 + 0.8 * is_image(line.a)
    with house_style():
        figure = Figure(figsize=(8, size), layout="constrained")
        set_heading(figure, heading, _lead(kinks, named, decided))
        flags, plot, bands = figure.subplots(3, sharex=True, height_ratios=[tall, 3.2, 0.65])
        flags.set_xlim(knots[0], knots[-1])
        _name_kinks(flags, plot, named)
        _plot_outputs(plot, knots, values, curves, called)
        _mark_decisions(plot, knots, values, decided)
        _draw_bands(bands, knots, decided, called, curves)
        bands.set_xlabel(f"t: from {ends[0]} (t = 0) to {ends[1]} (t = 1)")
        if is_image(line.a):
            show_image(bands, line.a, (0.0, -1.75, 0.095, 0.85), ends[0])
            show_image(bands, line.b, (0.905, -1.75, 0.095, 0.85), ends[1])
        figure.draw_without_rendering()  # while the style holds
    return Picture(
        figure, title=heading, description=_description(line, kinks, decided, called),
        text=_text(heading, line, kinks, decided, called), data=_figures(line, kinks, decided),
    )  # fmt: skip


def _window(line: Line) -> tuple[Array, Array]:
    """Return knots and outputs there; a line without ends is cut a little beyond where something happens."""
    knots, values = line.knots.copy(), line.values.copy()
    low, high = min([0.0, *line.breakpoints[:1]]), max([1.0, *line.breakpoints[-1:]])
    margin = 0.1 * (high - low)
    for end, segment, at in ((0, line[0], low - margin), (-1, line[-1], high + margin)):
        if not np.isfinite(knots[end]):
            with no_grad():
                inside = line.net(line.points(segment.middle)).data[0]
            knots[end], values[end] = at, inside + (at - segment.middle) * segment.slope
    return knots, values


def _curves(values: Array, decided: Sequence[Stretch], outputs: Sequence[int] | None) -> list[int]:
    """Return the outputs to draw in colour."""
    n_out, most = values.shape[1], len(SERIES)
    if outputs is not None:
        chosen = sorted(set(outputs))
        if not 0 < len(chosen) <= most or chosen[0] < 0 or chosen[-1] >= n_out:
            raise ValueError(f"outputs names one to {most} of 0 to {n_out - 1}, but got {list(outputs)}")
        return chosen
    if n_out <= most:
        return list(range(n_out))
    length = np.zeros(n_out)
    for stretch in decided:
        length[stretch.decision] += stretch.stop - stretch.start
    return sorted(k for k in np.argsort(-length, kind="stable")[:most].tolist() if length[k])


def _lead(kinks: Sequence[Flip], named: Sequence[Flip], decided: Sequence[Stretch]) -> str:
    """Say what to look at."""
    if not kinks:
        return "No gate changes on the way: f is one straight line."
    words = "Between kinks f is straight; at a kink the named gate flips"
    if len(named) < len(kinks):
        words += f" (the sharpest; +{len(kinks) - len(named):,} more)"
    return words + (". ◆ the decision changes" if len(decided) > 1 else ".")


def _name_kinks(axes: Axes, plot: Axes, named: Sequence[Flip]) -> None:
    """Write what flips above the kinks, apart from each other."""
    axes.axis("off")
    axes.set_ylim(0, 1)
    low, high = axes.get_xlim()
    places = spread([(kink.at - low) / (high - low) for kink in named], 0.025)
    for kink, place in zip(named, places, strict=True):
        x = low + place * (high - low)
        axes.plot([kink.at, x], [0, 0.2], color=RULE.light, linewidth=0.8, clip_on=False, gid="leader")
        axes.text(x, 0.24, kink.words, rotation=90, ha="center", va="bottom", fontsize=8, gid="flip")
        plot.axvline(kink.at, color=RULE.light, linewidth=0.8, zorder=0)


def _plot_outputs(
    axes: Axes, knots: Array, values: Array, curves: Sequence[int], called: Sequence[str]
) -> None:
    """Draw the outputs; a dot at each kink where there is room, and the names where the curves end."""
    n_out = values.shape[1]
    colour = paints(curves)
    for k in range(n_out):
        if k not in curves:
            axes.plot(knots, values[:, k], color=RULE.light, linewidth=0.8, zorder=1, gid=f"output-{k}")
    for place, k in enumerate(curves):
        paint, style = (INK, "-") if n_out == 1 else (colour[k], STYLES[place])
        axes.plot(knots, values[:, k], color=paint.light, linestyle=style, linewidth=1.8, gid=f"output-{k}")
        if len(knots) <= _DOTTED:
            axes.plot(knots[1:-1], values[1:-1, k], ".", color=paint.light, markersize=5, gid=f"kinks-{k}")
    axes.margins(y=0.08)
    if n_out == 1:
        axes.axhline(0, color=MUTED.light, linewidth=0.8, zorder=0)
    others = n_out - len(curves)
    axes.set_ylabel("output" if n_out == 1 else f"outputs (grey: {others} more)" if others else "outputs")
    axes.tick_params(labelbottom=False)
    if n_out > 1:
        _name_curves(axes, values[-1], curves, called, colour)


def _name_curves(
    axes: Axes, ends: Array, curves: Sequence[int], called: Sequence[str], colour: dict[int, Paint]
) -> None:
    """Write the outputs' names where their curves end, apart from each other."""
    low, high = axes.get_ylim()
    order = sorted(curves, key=lambda k: ends[k])
    heights = [(ends[k] - low) / (high - low) for k in order]
    for k, height, place in zip(order, heights, spread(heights, 0.06), strict=True):
        leader = {"arrowstyle": "-", "color": colour[k].light, "shrinkA": 0, "shrinkB": 0, "relpos": (0, 0.5)}
        axes.annotate(
            called[k], (1.0, height), xycoords="axes fraction", xytext=(1.02, place),
            textcoords="axes fraction", va="center", fontsize=10, fontweight="bold", color=colour[k].light,
            arrowprops=leader, annotation_clip=False,
        )  # fmt: skip


def _mark_decisions(axes: Axes, knots: Array, values: Array, decided: Sequence[Stretch]) -> None:
    """Mark where another output becomes the largest, or the only one goes through 0."""
    single = values.shape[1] == 1
    for before, stretch in pairwise(decided):
        pair = [before.decision, stretch.decision]
        height = 0.0 if single else max(float(np.interp(stretch.start, knots, values[:, k])) for k in pair)
        axes.plot(stretch.start, height, "D", color=INK.light, markersize=6, zorder=5, gid="decision")


def _draw_bands(
    axes: Axes, knots: Array, decided: Sequence[Stretch], called: Sequence[str], curves: Sequence[int]
) -> None:
    """Draw the regions as cells, every other one darker, and beneath them the decisions by name."""
    cells = list(zip(knots[:-1].tolist(), np.diff(knots).tolist(), strict=True))
    for first, paint in ((0, PANEL), (1, RULE)):
        axes.broken_barh(
            cells[first::2], (1.15, 1.0), facecolors=paint.light, gid=f"regions-{first}",
            rasterized=len(cells) > _LIGHT,
        )  # fmt: skip
    if len(cells) <= _LIGHT // 10:
        axes.vlines(knots, 1.15, 2.15, color=INK.light, linewidth=0.7)
    single = len(called) == 2 and len(curves) == 1
    colour = {0: SERIES[1], 1: SERIES[0]} if single else paints(curves)
    for stretch in decided:
        wide = stretch.stop - stretch.start
        paint = colour.get(stretch.decision, MUTED)
        axes.broken_barh(
            [(stretch.start, wide)], (0, 1), facecolors=paint.light, alpha=0.35, edgecolors=INK.light,
            gid=f"decision-{stretch.decision}",
        )  # fmt: skip
        words = called[stretch.decision]
        if wide / (knots[-1] - knots[0]) > 0.008 * len(words) + 0.008:
            axes.text(stretch.start + wide / 2, 0.5, words, ha="center", va="center", fontsize=9)
    axes.set_ylim(0, 2.15)
    axes.set_yticks([1.65, 0.5], ["regions", "decision"], color=INK.light)
    axes.tick_params(axis="y", length=0)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)


def _description(line: Line, kinks: Sequence[Flip], decided: Sequence[Stretch], called: Sequence[str]) -> str:
    """Describe the picture to those who don't see it."""
    words = [f"{len(line):,} linear regions from t = {number(line.knots[0])} to {number(line.knots[-1])}."]
    if kinks:
        sharpest = max(kinks, key=lambda kink: kink.bend)
        words.append(f"The sharpest kink is at t = {number(sharpest.at)}: {sharpest.words}.")
        longest = int(np.diff(line.knots).argmax())
        segment = line[longest]
        words.append(f"The longest region goes from {number(segment.start)} to {number(segment.stop)}.")
    return " ".join([*words, f"The decision: {_decisions(decided, called)}."])


def _decisions(decided: Sequence[Stretch], called: Sequence[str]) -> str:
    """List the decisions along the line."""
    if len(decided) == 1:
        return f"{called[decided[0].decision]} all along"
    shown = [f"{called[s.decision]} from t = {number(s.start)}" for s in decided[:_LISTED]]
    more = f", +{len(decided) - _LISTED:,} more" if len(decided) > _LISTED else ""
    return ", ".join(shown) + more


def _text(
    title: str, line: Line, kinks: Sequence[Flip], decided: Sequence[Stretch], called: Sequence[str]
) -> str:
    """Write it for the terminal, a row per region."""
    rows = [["t from", "to", "flips at its end"]]
    for k in range(min(len(line), _LISTED)):
        ends = [number(end) for end in line.knots[k : k + 2]]
        rows.append([*ends, kinks[k].words if k < len(kinks) else ""])
    widths = [max(len(row[k]) for row in rows) for k in range(3)]
    table = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows]
    more = [f"+{len(line) - _LISTED:,} more"] if len(line) > _LISTED else []
    return "\n".join([title, *table, *more, f"decision: {_decisions(decided, called)}"])


def _figures(line: Line, kinks: Sequence[Flip], decided: Sequence[Stretch]) -> dict[str, Any]:
    """Return what is drawn, in JSON's terms."""
    return {
        "knots": _finite(line.knots),
        "values": [_finite(row) for row in line.values],
        "slopes": line.slopes.tolist(),
        "flips": [[list(unit) for unit in kink.units] for kink in kinks],
        "decisions": [
            {"from": stretch.start, "to": stretch.stop, "decision": stretch.decision} for stretch in decided
        ],
    }


def _finite(values: Array) -> list[float | None]:
    return [value if np.isfinite(value) else None for value in values.tolist()]
