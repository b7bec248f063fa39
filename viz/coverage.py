"""Pictures of coverage: how fast a data set trains all weights, and a barcode of what every neuron does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from viz.picture import Picture
from viz.plots import house_style, set_heading
from viz.style import INK, MUTED, PAPER, RULE, SERIES, Paint

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike, NDArray

    from minigrad.covering import Coverage, Neurons

__all__ = ["draw_coverage"]

_BARCODES = 4  # layers of gates that have a barcode; of more, the first ones
_LINES = 6  # layers that have a curve; of more, the first and last ones
_CELLS = 60  # neurons, or inputs, up to which each has a cell of its own
_ON = Paint("on", "#4a8fc9", "#4a8fc9")  # readable on both pages: pictures of pixels don't turn dark
_LEAD = "Each input trains only its own thin network. Bars: which neurons are on (filled) for which input."
_STATES = (("dead", "○", "dead"), ("mixed", "◐", "mixed"), ("linear", "●", "always on"))
_STYLES = ("-", "--", ":", "-.", (0, (1, 1)), (0, (8, 2)))


def draw_coverage(coverage: Coverage, *, labels: ArrayLike | None = None, title: str = "") -> Picture:
    """
    Draw which share of the weights the data have trained so far, and neurons × samples as barcodes.

    In a barcode each neuron is a row, each input a column; a cell is filled where the neuron is on. The rows
    are sorted by how often that is, so that those that are off for all data are below, those that are on for
    all data above. Of many, a pixel is the average of several.

    Parameters
    ----------
    coverage : Coverage
        What `minigrad.coverage` returned.
    labels : array_like, shape (inputs,), optional
        The class of every input: then the columns are sorted by it.
    title : str
        The heading.

    Returns
    -------
    Picture
        It can also be saved as ``.json``.

    Raises
    ------
    ValueError
        If there is not one label for each input.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> net = nn.Sequential(nn.Linear.of([[1.0], [-1.0]]), nn.ReLU(), nn.Linear.of([[1.0, 1.0]]))
    >>> print(draw_coverage(mg.coverage(net, [[3.0], [-1.0]])).description)
    2 inputs train 100% of the weights and biases. Layer 1, ReLU, 2 neurons: 0 dead, 2 mixed, 0 always on.
    """
    classes = None if labels is None else _shown_labels(coverage, labels)
    layers = coverage.neurons[:_BARCODES]
    heading = title or "Coverage: which weights the data have trained"
    from matplotlib.figure import Figure

    heights = [2.6, *(_height(layer) for layer in layers)]
    with house_style():
        figure = Figure(figsize=(6.4, sum(heights) + 0.55 * len(layers) + 0.9), layout="constrained")
        axes = np.atleast_1d(figure.subplots(len(heights), 1, height_ratios=heights))
        set_heading(figure, heading, _LEAD)
        _draw_growth(axes[0], coverage)
        for place, layer in zip(axes[1:], layers, strict=True):
            _draw_barcode(place, layer, classes)
        if layers:
            axes[-1].set_xlabel(_columns_in_words(coverage, classes is not None))
        figure.draw_without_rendering()  # while the style holds
    return Picture(
        figure, title=heading, description=_words(coverage), text=coverage.summary(), data=_data(coverage)
    )


def _shown_labels(coverage: Coverage, labels: ArrayLike) -> NDArray[Any]:
    given = np.asarray(labels)
    if (
        given.ndim != 1
        or len(given) < coverage.inputs
        or (len(given) > coverage.inputs and not coverage.interrupted)
    ):
        raise ValueError(
            f"labels must be one for each of the {coverage.inputs:,} inputs, but got shape {given.shape}"
        )
    return given[coverage.shown]


def _height(layer: Neurons) -> float:
    """Return the height of a barcode in inches."""
    return float(np.clip(0.11 * layer.units, 0.5, 1.7))


def _draw_growth(axes: Axes, coverage: Coverage) -> None:
    """Draw the share that is trained by the first inputs, in all and layer by layer."""
    n = coverage.inputs
    parts = list(dict.fromkeys(name.rpartition(".")[0] for name in coverage.first))
    parts = parts if len(parts) > 1 else []
    shown = parts if len(parts) <= _LINES else [*parts[: _LINES // 2], *parts[-_LINES // 2 :]]
    points = np.unique(np.geomspace(1, n, 300).round().astype(int)) if n > 50 else np.arange(1, n + 1)
    for k, part in enumerate(shown):
        axes.plot(
            points, 100 * coverage.growth(part)[points - 1], drawstyle="steps-post", linewidth=1.4,
            linestyle=_STYLES[k % len(_STYLES)], color=SERIES[k % len(SERIES)].light, label=f"layer {part}",
            gid=f"growth-{part}",
        )  # fmt: skip
    total = 100 * coverage.growth()[points - 1]
    axes.plot(
        points, total, drawstyle="steps-post", linewidth=2.6, color=INK.light, label="all", gid="growth",
        marker="o" if n == 1 else "",
    )  # fmt: skip
    if n > 50:
        axes.set_xscale("log")
        axes.set_xlim(1, n * 1.1)
    axes.set_ylim(0, 103)
    axes.set_xlabel("inputs so far" + (", log scale" if n > 50 else ""))
    axes.set_ylabel("trained, %")
    axes.grid(True, alpha=0.5, linewidth=0.5)
    more = f" (+{len(parts) - len(shown)} more layers)" if len(shown) < len(parts) else ""
    axes.set_title(
        f"{_percent(total[-1])} of the weights and biases after {n:,} {_plural('input', n)}{more}",
        loc="left",
        fontsize=10,
    )
    axes.legend(fontsize=8.5, loc="lower right", handlelength=3.2)


def _draw_barcode(axes: Axes, layer: Neurons, classes: NDArray[Any] | None) -> None:
    """Draw neurons × inputs, the neurons sorted by state and by how often they are on."""
    from matplotlib.colors import LinearSegmentedColormap

    pieces = layer.counts.shape[-1]
    code = layer.pieces.reshape(len(layer.pieces), -1).T / max(1, pieces - 1)
    state = _state(layer)
    often = (layer.shares.reshape(-1, pieces) @ np.arange(pieces)) / max(1, pieces - 1)
    rows = np.lexsort((often, state))
    columns = np.arange(code.shape[1]) if classes is None else np.argsort(classes, kind="stable")
    few = max(code.shape) <= _CELLS
    clear = [(*_rgb(_ON), 0.0), (*_rgb(_ON), 1.0)]
    axes.imshow(
        code[rows][:, columns], aspect="auto", origin="lower", vmin=0, vmax=1,
        cmap=LinearSegmentedColormap.from_list("on", clear),
        interpolation="nearest" if few else "antialiased",
        extent=(0, code.shape[1], 0, len(rows)), gid=f"barcode-{layer.name}",
    )  # fmt: skip
    _draw_states(axes, state, code.shape[1])
    if classes is not None:
        _draw_classes(axes, classes[columns])
    else:
        axes.set_xticks([])
    for spine in axes.spines.values():
        spine.set(visible=True, color=RULE.light)
    axes.set_yticks([])
    axes.set_ylabel(f"{layer.units:,} {_plural('neuron', layer.units)}")
    axes.set_title(_title(layer), loc="left", fontsize=10)


def _draw_states(axes: Axes, state: NDArray[Any], right: float) -> None:
    """Mark, beside the rows, who is dead (hollow, hatched), mixed (half) and always on (solid)."""
    looks: Any = (
        {"facecolor": PAPER.light, "hatch": "/////"},
        {"facecolor": RULE.light},
        {"facecolor": INK.light},
    )
    from matplotlib.patches import Rectangle

    below = 0
    for k, (name, symbol, _) in enumerate(_STATES):
        count = int(np.count_nonzero(state == k))
        if not count:
            continue
        band = Rectangle(
            (1.012, below), 0.018, count, transform=axes.get_yaxis_transform(), clip_on=False,
            edgecolor=MUTED.light, linewidth=0.6, gid=f"state-{name}", **looks[k],
        )  # fmt: skip
        axes.add_patch(band)
        if count > 0.06 * len(state):
            axes.annotate(
                symbol, (1.04, below + count / 2), xycoords=axes.get_yaxis_transform(), va="center",
                fontsize=11, color=INK.light, fontfamily="DejaVu Sans", annotation_clip=False,
            )  # fmt: skip
        below += count


def _draw_classes(axes: Axes, classes: NDArray[Any]) -> None:
    """Part the columns by class, and name the classes."""
    names, starts = np.unique(classes, return_index=True)
    ends = [*starts[1:], len(classes)]
    for start in starts[1:]:
        axes.axvline(start, color=INK.light, linewidth=0.7)
    if len(names) <= 20:
        axes.set_xticks(
            [(a + b) / 2 for a, b in zip(starts, ends, strict=True)], [str(name) for name in names]
        )
        axes.tick_params(axis="x", length=0)
    else:
        axes.set_xticks([])


def _state(layer: Neurons) -> NDArray[Any]:
    """Return 0 for dead neurons, 1 for mixed, 2 for those that follow one piece."""
    return np.where(layer.dead, 0, np.where(layer.mixed, 1, 2)).ravel()


def _title(layer: Neurons) -> str:
    """Say how many neurons of a layer are in which state."""
    counts = ", ".join(
        f"{symbol} {int(np.count_nonzero(getattr(layer, name))):,} {words}"
        for name, symbol, words in _named_states(layer)
    )
    never = "" if layer.unused is None else f"; {layer.unused:,} pieces never win"
    return f"{layer.name} {layer.kind}: {counts}{never}"


def _named_states(layer: Neurons) -> Sequence[tuple[str, str, str]]:
    """Name the states: only a gate of two pieces, one of them closed, is always on when it is not mixed."""
    plain = layer.counts.shape[-1] == 2 and layer.sizes is None
    return _STATES if plain else (*_STATES[:2], ("linear", "●", "always one piece"))


def _columns_in_words(coverage: Coverage, sorted_by_class: bool) -> str:
    n, shown = coverage.inputs, len(coverage.shown)
    which = f"{shown:,} of {n:,} inputs" if shown < n else f"{n:,} {_plural('input', n)}"
    order = "sorted by class" if sorted_by_class else "in order"
    hidden = len(coverage.neurons) - _BARCODES
    return f"{which}, {order}" + (f"; +{hidden} more layers" if hidden > 0 else "")


def _words(coverage: Coverage) -> str:
    n = coverage.inputs
    lines = [
        f"{n:,} {_plural('input', n)} {'trains' if n == 1 else 'train'} "
        f"{_percent(100 * coverage.fraction)} of the weights and biases."
    ]
    for layer in coverage.neurons:
        counts = (
            f"{int(np.count_nonzero(getattr(layer, name))):,} {words}"
            for name, _, words in _named_states(layer)
        )
        never = "" if layer.unused is None else f"; {layer.unused:,} pieces never win"
        neurons = f"{layer.units:,} {_plural('neuron', layer.units)}"
        lines.append(f"Layer {layer.name}, {layer.kind}, {neurons}: {', '.join(counts)}{never}.")
    return " ".join(lines)


def _data(coverage: Coverage) -> dict[str, Any]:
    """Return the figures, in JSON's terms."""
    growth = coverage.growth()
    steps = np.unique(np.append(np.flatnonzero(np.diff(growth, prepend=0.0)), coverage.inputs - 1))
    return {
        "inputs": coverage.inputs,
        "trained": {
            name: float((first >= 0).mean()) if first.size else 0.0 for name, first in coverage.first.items()
        },
        "growth": {"after": (steps + 1).tolist(), "share": growth[steps].tolist()},
        "neurons": [
            {
                "layer": layer.name,
                "kind": layer.kind,
                "units": layer.units,
                **{name: int(np.count_nonzero(getattr(layer, name))) for name, *_ in _STATES},
                "counts": layer.counts.reshape(layer.units, -1).tolist(),
            }
            for layer in coverage.neurons
        ],
    }


def _percent(value: float) -> str:
    """Write a share, never rounded up to all or down to nothing."""
    if value in (0, 100):
        return f"{value:.0f}%"
    return f"{min(max(value, 0.01), 99.99):.2f}".rstrip("0").rstrip(".") + "%"


def _plural(word: str, count: int) -> str:
    return word if count == 1 else f"{word}s"


def _rgb(paint: Paint) -> tuple[float, ...]:
    return tuple(int(paint.light[i : i + 2], 16) / 255 for i in (1, 3, 5))
