"""Pictures of training: gradient size layer by layer, loss and accuracy, over the epochs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from viz.gradient_strip import draw_gradient_strip, ratio_words
from viz.networks.columns import column_name
from viz.picture import Picture
from viz.plots import house_style
from viz.style import INK, MUTED, RULE, SERIES, mark, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from minigrad.training import History

__all__ = ["draw_gradient_strip", "draw_history"]

_LINES = 8  # layers up to which each has a line; more are rows of cells
_MARKS = {"zero": ("o", 0.02, "○ exactly 0"), "nan": ("x", 0.94, "× nan"), "inf": ("^", 0.98, "△ inf")}


def draw_history(history: History, *, title: str = "") -> Picture:
    """
    Draw a training: gradient size layer by layer over the epochs, loss and accuracy.

    Parameters
    ----------
    history : History
        What `minigrad.fit` returned.
    title : str
        The heading.

    Returns
    -------
    Picture
        It can also be saved as ``.json``.

    Raises
    ------
    ValueError
        If no epoch was finished.

    Examples
    --------
    >>> import minigrad as mg
    >>> history = mg.History()
    >>> history.record(loss=1.0, gradient_norms={"0": 1e-4, "2": 1.0})
    >>> draw_history(history).title
    'Training: gradient size, layer by layer'
    """
    if not history.epochs:
        raise ValueError("this history has no finished epoch, so there is nothing to draw")
    from matplotlib.figure import Figure

    curves = [name for name in ("loss", "accuracy") if getattr(history, name)]
    layers = len(history.gradient_norms)
    heading = title or ("Training: gradient size, layer by layer" if layers else "Training")
    with house_style():
        figure = Figure(figsize=(10, 4.7), layout="constrained")
        names: Any = [["gradients", name] if layers else [name] for name in curves or ["gradients"]]
        axes = figure.subplot_mosaic(names, width_ratios=[1.7, 1] if len(names[0]) == 2 else [1])
        figure.suptitle(heading, x=0.01, ha="left", fontweight="bold", fontsize=13)
        figure.text(0.99, 0.975, _ending(history), ha="right", va="top", color=MUTED.light)
        words = _draw_gradients(axes["gradients"], history) if layers else ""
        for name in curves:
            _draw_curve(axes[name], history, name)
        figure.draw_without_rendering()  # while the style holds
    return Picture(
        figure, title=heading, description=f"{words}{'. ' if words else ''}{_outcome(history)}",
        text=history.summary(), data=history.to_dict(),
    )  # fmt: skip


def _draw_gradients(axes: Axes, history: History) -> str:
    """Draw the size of every layer's gradient, epoch by epoch; return what there is to see."""
    norms = list(history.gradient_norms.values())
    seen = _draw_lines(axes, history, norms) if len(norms) <= _LINES else _draw_cells(axes, history, norms)
    words = _ratio(norms)
    legend = "   ".join(_MARKS[kind][2] for kind in _MARKS if kind in seen)
    title = f"{words}\n{legend}" if legend and len(norms) > _LINES else words
    if legend and len(norms) <= _LINES:
        axes.text(0.02, 0.06, legend, transform=axes.transAxes, color=MUTED.light)
    axes.set_title(title, loc="left", fontsize=10, fontweight="normal", color=MUTED.light)
    return words


def _draw_lines(axes: Axes, history: History, norms: Sequence[Sequence[float]]) -> set[str]:
    """Draw one line per layer, named where it ends; return the marks that occur."""
    from matplotlib import colormaps

    last = len(norms) - 1
    seen: set[str] = set()
    for k, sizes in enumerate(norms):
        colour = colormaps["viridis"](0.25 + 0.55 * k / max(last, 1))
        points = [size if mark(size) is None else math.nan for size in sizes]
        dots, width = "." if len(points) < 30 else "", 2.5 if k in (0, last) else 1.5
        axes.plot(history.epochs, points, marker=dots, color=colour, linewidth=width, gid=f"layer-{k + 1}")
        for kind, (symbol, height, _) in _MARKS.items():
            epochs = [epoch for epoch, size in zip(history.epochs, sizes, strict=True) if mark(size) == kind]
            place: Any = {"transform": axes.get_xaxis_transform(), "clip_on": False, "gid": f"{kind}-{k + 1}"}
            if epochs:
                axes.plot(epochs, [height] * len(epochs), symbol, mfc="none", mec=colour, ls="none", **place)
                seen.add(kind)
    axes.set_yscale("log")
    axes.set_ylim(*_decades([size for sizes in norms for size in sizes]))
    axes.set_ylabel("gradient norm ‖∂L/∂w‖, log scale")
    _finish(axes, history, "epoch")
    _name_lines(axes, history.epochs[-1], [sizes[-1] for sizes in norms])
    return seen


def _draw_cells(axes: Axes, history: History, norms: Sequence[Sequence[float]]) -> set[str]:
    """Draw one row of cells per layer, the one next to the input on top; return the marks that occur."""
    from matplotlib.colors import LogNorm

    low, high = _decades([size for sizes in norms for size in sizes])
    cells = [[size if mark(size) is None else math.nan for size in sizes] for sizes in norms]
    rows = range(1, len(norms) + 1)
    mesh = axes.pcolormesh(
        history.epochs, rows, cells, norm=LogNorm(low, high), shading="nearest", gid="layers"
    )
    axes.figure.colorbar(mesh, ax=axes, label="gradient norm ‖∂L/∂w‖, log scale", pad=0.02)
    seen: set[str] = set()
    for row, sizes in zip(rows, norms, strict=True):
        for epoch, size in zip(history.epochs, sizes, strict=True):
            if kind := mark(size):
                axes.plot(epoch, row, _MARKS[kind][0], mfc="none", mec=INK.light, gid=f"{kind}-{row}")
                seen.add(kind)
    named = [row for row in rows if row in (1, len(norms)) or (row % 5 == 0 and row < len(norms) - 1)]
    axes.set_yticks(named, [column_name(row, len(norms)) for row in named])
    axes.invert_yaxis()
    _finish(axes, history, "epoch")
    axes.grid(False)
    axes.set_xlim(history.epochs[0] - 0.5, history.epochs[-1] + 0.5)
    return seen


def _ratio(norms: Sequence[Sequence[float]]) -> str:
    """Compare the first layer's gradient with the last one's, at the first and the last epoch."""
    if len(norms) < 2:
        return "one layer with weights"
    first, last = (ratio_words(norms[0][epoch], norms[-1][epoch]) for epoch in (0, -1))
    words = f"hidden 1 : output = {first} in the first epoch"
    return words if len(norms[0]) == 1 else f"{words}, {last} in the last"


def _decades(sizes: Sequence[float]) -> tuple[float, float]:
    """Return an axis of whole powers of ten, at least two of them, so that small changes look small."""
    logs = [math.log10(size) for size in sizes if mark(size) is None]
    low, high = math.floor(min(logs, default=0.0)), math.ceil(max(logs, default=0.0))
    return 10.0 ** (min(low, high - 2) - 0.1), 10.0 ** (high + 0.1)


def _name_lines(axes: Axes, epoch: int, ends: Sequence[float]) -> None:
    """Write the layers' names at the right, beside where their lines end, and apart from each other."""
    low, high = (math.log10(limit) for limit in axes.get_ylim())
    heights = [
        (math.log10(end) - low) / (high - low) if mark(end) is None else 0.0 if end == 0 else 1.0
        for end in ends
    ]
    leader = {"arrowstyle": "-", "color": RULE.light, "shrinkA": 0, "shrinkB": 0, "relpos": (0, 0.5)}
    for k, (height, place) in enumerate(zip(heights, _apart(heights, 0.055), strict=True)):
        axes.annotate(
            column_name(k + 1, len(ends)), (epoch, height), xycoords=axes.get_xaxis_transform(),
            xytext=(1.035, place), textcoords="axes fraction", va="center", fontsize=9, color=INK.light,
            fontweight="bold" if k in (0, len(ends) - 1) else "normal",
            arrowprops=leader, annotation_clip=False, zorder=1,
        )  # fmt: skip


def _apart(heights: Sequence[float], gap: float) -> list[float]:
    """Move heights as little as it takes to be a gap apart, in their order, and if possible at most 1."""
    placed = list(heights)
    order = sorted(range(len(heights)), key=lambda k: heights[k])
    level = -math.inf
    for k in order:
        placed[k] = level = max(placed[k], level + gap)
    level = max(1.0, gap * (len(order) - 1)) + gap
    for k in reversed(order):
        placed[k] = level = min(placed[k], level - gap)
    return placed


def _draw_curve(axes: Axes, history: History, name: str) -> None:
    """Draw loss or accuracy of training and validation data, and the epoch of the lowest validation loss."""
    dots = "." if len(history.epochs) < 30 else ""
    axes.plot(history.epochs, getattr(history, name), marker=dots, color=SERIES[0].light, label="training")
    validation = getattr(history, f"validation_{name}")
    if validation:
        axes.plot(history.epochs, validation, "--", marker=dots, color=SERIES[1].light, label="validation")
        best = history.best_epoch or history.epochs[-1]
        value = validation[history.epochs.index(best)]
        axes.axvline(best, color=RULE.light, linewidth=1, zorder=0)
        if history.restored_epoch == best:
            axes.plot(best, value, "D", color=SERIES[1].light, label=f"weights of epoch {best} restored")
        else:
            words = f"lowest validation\nloss: epoch {best}"
            axes.plot(best, value, "o", mfc="none", markersize=8, color=SERIES[1].light, label=words)
    axes.set_title(name, loc="left", fontsize=10)
    if name == "loss":
        axes.legend(fontsize=8.5)
    else:
        axes.set_ylim(0, 1.03)
    _finish(axes, history, "epoch" if name == "accuracy" or not history.accuracy else "")


def _finish(axes: Axes, history: History, label: str) -> None:
    """Set the axis of epochs."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_xlim(history.epochs[0] - 0.3, history.epochs[-1] + 0.3)
    axes.set_xlabel(label)
    axes.grid(True, alpha=0.5, linewidth=0.5)


def _outcome(history: History) -> str:
    """Say in words how it ended."""
    words = [f"{len(history.epochs)} epochs"]
    for name in ("loss", "validation_loss", "accuracy", "validation_accuracy"):
        if values := getattr(history, name):
            words.append(f"{name.replace('_', ' ')} {number(values[0])} to {number(values[-1])}")
    ending = _ending(history)
    return f"{', '.join(words)}.{f' {ending.capitalize()}.' if ending else ''}"


def _ending(history: History) -> str:
    """Say when training ended before its time; nothing if it did not."""
    epoch = history.epochs[-1]
    if history.stopped_early:
        return f"stopped early after epoch {epoch}"
    return f"interrupted after epoch {epoch}" if history.interrupted else ""
