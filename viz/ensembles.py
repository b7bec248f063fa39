"""Pictures of dropout's ensemble: what all sub-networks say, and how well one network stands for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from viz.picture import Picture
from viz.plots import house_style, set_heading
from viz.style import INK, MUTED, SERIES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from minigrad.ensembles import DropoutEnsemble, EnsembleComparison

_OUTPUTS = 4  # that have a histogram of their own; of more, those that are largest on average
_BINS = 40
_ROUNDING = 1e-9  # below, a distance is rounding, and stands at the left end of the axis
_DISTANCES = {
    "relative": "the mean output, as a share of its size",
    "geometric": "the geometric mean of probabilities (total variation)",
    "arithmetic": "the arithmetic mean of probabilities (total variation)",
}


def draw_ensemble(
    ensemble: DropoutEnsemble, *, names: Sequence[str] | None = None, title: str = ""
) -> Picture:
    """
    Draw what the sub-networks say of one input, and where weight scaling and the means are among them.

    Each histogram is of one output, with every mask as high as it is probable: of the softmax probability
    where there are several outputs, else of the output itself.

    Parameters
    ----------
    ensemble : DropoutEnsemble
        From `minigrad.dropout_ensemble`.
    names : sequence of str, optional
        Names of the outputs; by default 0, 1, 2, ...
    title : str
        The heading.

    Returns
    -------
    Picture
        It can also be saved as ``.json``.

    Raises
    ------
    ValueError
        If there is not one name per output.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> net = nn.Sequential(nn.Dropout(0.5), nn.Linear.of([[1.0, 2.0]]))
    >>> print(draw_ensemble(mg.dropout_ensemble(net, [1.0, 1.0])).description)
    All 4 masks of 2 neurons. Output 0: weight scaling 3, mean 3; sub-networks from 0 to 6.
    """
    from matplotlib.figure import Figure

    n_out = len(ensemble.scaled)
    called = [str(k) for k in range(n_out)] if names is None else list(names)
    if len(called) != n_out:
        raise ValueError(f"names must be one for each of the {n_out} outputs, but got {len(called)}")
    shown = sorted(np.argsort(-ensemble.mean, kind="stable")[:_OUTPUTS].tolist())
    heading = title or "Dropout's ensemble of one input"
    with house_style():
        figure = Figure(figsize=(6.4, 1.5 + 1.55 * len(shown)), layout="constrained")
        set_heading(figure, heading, _lead(ensemble))
        axes = np.atleast_1d(figure.subplots(len(shown), 1, sharex=n_out > 1))
        for place, k in zip(axes, shown, strict=True):
            _draw_output(place, ensemble, k, called[k])
        axes[-1].set_xlabel("probability of the class (softmax)" if n_out > 1 else "output")
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=9, handlelength=3)
        figure.draw_without_rendering()  # while the style holds
    return Picture(
        figure, title=heading, description=_words(ensemble, shown, called), text=ensemble.summary(),
        data=_data(ensemble, called),
    )  # fmt: skip


def draw_comparison(
    comparison: EnsembleComparison, *, distance: str = "relative", title: str = ""
) -> Picture:
    """
    Draw how far weight scaling is from the ensemble's mean, for several kinds of network.

    A mark for the median of each kind, hollow before training and filled after it, and a line for the half of
    the networks and inputs around it.

    Parameters
    ----------
    comparison : EnsembleComparison
        From `minigrad.compare_ensembles`.
    distance : {"relative", "geometric", "arithmetic"}
        From which mean; see `minigrad.ensembles.Distances`.
    title : str
        The heading.

    Returns
    -------
    Picture
        It can also be saved as ``.json``.

    Raises
    ------
    ValueError
        If there is no such distance.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> mg.manual_seed(0)
    >>> kinds = {"ReLU": nn.Sequential(nn.Dropout(0.5), nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2))}
    >>> draw_comparison(mg.compare_ensembles(kinds, [[1.0, 2.0]]))
    <Picture: How far weight scaling is from dropout's ensemble>
    """
    from matplotlib.figure import Figure

    if distance not in _DISTANCES:
        raise ValueError(f"distance is one of {', '.join(_DISTANCES)}, but got {distance!r}")
    heading = title or "How far weight scaling is from dropout's ensemble"
    names, stages = comparison.names, comparison.stages
    with house_style():
        figure = Figure(figsize=(6.4, 1.7 + 0.45 * len(names)), layout="constrained")
        set_heading(
            figure,
            heading,
            "Further left is closer. Line: the middle half of networks and inputs. ◁ exact, to rounding",
        )
        axes = figure.subplots()
        every = np.concatenate([found[distance] for found in comparison.distances.values()])
        end = every[every > _ROUNDING].min(initial=0.01) / 3
        for k, stage in enumerate(stages):
            shift = 0.14 * (2 * k - len(stages) + 1)
            _draw_stage(axes, comparison, stage, distance, shift, end, number=k)
        axes.set_xscale("log")
        axes.set_yticks(range(len(names)), names)
        axes.invert_yaxis()
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.grid(True, axis="x", alpha=0.5, linewidth=0.5)
        axes.set_xlabel(f"distance from {_DISTANCES[distance]}")
        if len(stages) > 1:
            figure.legend(loc="outside lower center", ncols=2, fontsize=9)
        figure.draw_without_rendering()
    return Picture(
        figure, title=heading, description=_medians_in_words(comparison, distance), text=comparison.summary(),
        data={
            f"{name}, {stage}": {key: values.tolist() for key, values in found.items()}
            for (name, stage), found in comparison.distances.items()
        },
    )  # fmt: skip


def _lead(ensemble: DropoutEnsemble) -> str:
    """Say what is seen, and how far off weight scaling is."""
    relative = ensemble.distances.relative
    masks = f"{'All' if ensemble.exact else 'Drawn:'} {len(ensemble.masks):,} sub-networks"
    off = f"Weight scaling is off their mean output by {relative:.2g} of its size."
    return f"{masks}, each as high as it is probable. {off}"


def _marks(ensemble: DropoutEnsemble) -> list[tuple[str, Any, dict[str, Any]]]:
    """Return what is marked in every histogram: name, numbers, look."""
    looks: list[dict[str, Any]] = [
        {"color": INK.light, "linestyle": "-", "linewidth": 2.2},
        {"color": SERIES[1].light, "linestyle": "--", "linewidth": 2.2},
        {"color": SERIES[2].light, "linestyle": ":", "linewidth": 2.6},
    ]
    if len(ensemble.scaled) == 1:
        named: list[tuple[str, Any]] = [("weight scaling", ensemble.scaled), ("mean", ensemble.mean)]
    else:
        named = [
            ("weight scaling", ensemble.scaled_probabilities),
            ("arithmetic mean", ensemble.arithmetic),
            ("geometric mean", ensemble.geometric),
        ]
    return [(name, values, look) for (name, values), look in zip(named, looks, strict=False)]


def _said(ensemble: DropoutEnsemble) -> NDArray[Any]:
    return ensemble.outputs if len(ensemble.scaled) == 1 else ensemble.probabilities


def _draw_output(axes: Axes, ensemble: DropoutEnsemble, k: int, name: str) -> None:
    """Draw one output's histogram with its marks."""
    values = _said(ensemble)[:, k]
    limits = (0.0, 1.0) if len(ensemble.scaled) > 1 else None
    axes.hist(
        values, bins=_BINS, range=limits, weights=ensemble.weights, color=SERIES[0].light, alpha=0.45,
        gid=f"output-{k}",
    )  # fmt: skip
    for label, where, look in _marks(ensemble):
        axes.axvline(where[k], label=label, gid=f"{label.replace(' ', '-')}-{k}", **look)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_title(f"output {name}", loc="left", fontsize=10)


def _draw_stage(
    axes: Axes,
    comparison: EnsembleComparison,
    stage: str,
    distance: str,
    shift: float,
    end: float,
    number: int,
) -> None:
    """Draw the marks of all kinds, before training or after it; what is only rounding at the left end."""
    paint = SERIES[number].light
    for row, name in enumerate(comparison.names):
        low, middle, high = np.quantile(comparison.distances[name, stage][distance], [0.25, 0.5, 0.75])
        words, exact = f"{middle:.2g}", middle <= _ROUNDING
        low, middle, high = np.maximum([low, middle, high], end)
        axes.plot([low, high], [row + shift] * 2, color=paint, linewidth=2)
        axes.plot(
            [middle], [row + shift], marker="<" if exact else "s" if number else "o", markersize=8,
            linestyle="", color=paint, markerfacecolor=paint if number else "none", markeredgewidth=2,
            gid=f"median-{stage}-{row}",
        )  # fmt: skip
        axes.annotate(
            words, (high, row + shift), (9, 0), textcoords="offset points", va="center", fontsize=8.5,
            color=MUTED.light,
        )  # fmt: skip
    axes.plot(
        [], [], marker="s" if number else "o", markersize=8, linestyle="", color=paint, markeredgewidth=2,
        markerfacecolor=paint if number else "none", label=f"{stage} training",
    )  # fmt: skip


def _words(ensemble: DropoutEnsemble, shown: Sequence[int], names: Sequence[str]) -> str:
    units = sum(place.units for place in ensemble.places)
    lines = [f"{'All' if ensemble.exact else 'Drawn:'} {len(ensemble.masks):,} masks of {units:,} neurons."]
    for k in shown:
        values = _said(ensemble)[:, k]
        marks = ", ".join(f"{label} {where[k]:.3g}" for label, where, _ in _marks(ensemble))
        lines.append(
            f"Output {names[k]}: {marks}; sub-networks from {values.min():.3g} to {values.max():.3g}."
        )
    if len(shown) < len(names):
        lines.append(f"+{len(names) - len(shown)} more outputs.")
    return " ".join(lines)


def _data(ensemble: DropoutEnsemble, names: Sequence[str]) -> dict[str, Any]:
    """Return the figures, in JSON's terms."""
    return {
        "masks": len(ensemble.masks),
        "exact": ensemble.exact,
        "places": [{"name": p.name, "p": p.p, "units": p.units} for p in ensemble.places],
        "outputs": list(names),
        "weight scaling": ensemble.scaled.tolist(),
        "mean": ensemble.mean.tolist(),
        "probabilities": {
            "weight scaling": ensemble.scaled_probabilities.tolist(),
            "arithmetic mean": ensemble.arithmetic.tolist(),
            "geometric mean": ensemble.geometric.tolist(),
        },
        "distances": {
            key: value if np.isfinite(value) else None for key, value in ensemble.distances._asdict().items()
        },
    }


def _medians_in_words(comparison: EnsembleComparison, distance: str) -> str:
    medians = (
        f"{name} {stage} training {comparison.median(name, stage, distance):.2g}"
        for name, stage in comparison.distances
    )
    return f"Medians of how far weight scaling is from {_DISTANCES[distance]}: {'; '.join(medians)}."
