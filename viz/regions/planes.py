"""A network in a plane: its linear regions as a map, its decisions and their boundary, the data."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from viz.picture import Picture
from viz.plots import house_style, set_heading
from viz.regions.decisions import Array, competing
from viz.regions.division import Division, divide
from viz.regions.mapping import borders, closed, colouring, outlines, strokes, triangles
from viz.regions.palette import MARKERS, SHADES, is_image, output_names, paints, show_image
from viz.regions.plane_words import description, figures, lead, text_drawing
from viz.regions.window import Window, located
from viz.style import INK, MUTED, PAPER, SERIES, Paint, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from minigrad.regions import Plane

_LIGHT = 2000  # regions up to which each is a shape of its own in a file; more are pixels
_WIDE = 430.0  # points that the map is wide
_LEVELS = 7  # of an output, to each side of 0


def draw_plane(
    plane: Plane,
    *,
    points: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    color: str | int = "decision",
    names: Sequence[str] | None = None,
    corners: tuple[str, str, str] = ("corner", "corner + u", "corner + v"),
    title: str = "",
) -> Picture:
    """
    Draw a network in a plane: a polygon for each linear region, and the decision boundary.

    Neighbouring regions differ in shade, and have a line between them. The hue is that of the decision: the
    largest output, of a single one whether it is above 0.

    Parameters
    ----------
    plane : Plane
        From `minigrad.regions.plane`.
    points : array_like, shape (n, *input), optional
        Inputs in the plane, such as the data where there are two features.
    labels : array_like of int, shape (n,), optional
        Their classes; those that the network decides otherwise are crossed.
    color : "decision", "regions" or int
        What colours mean: the decision; nothing but the regions; or that output, with its level lines.
    names : sequence of str, optional
        Names of the outputs; of a single output, what it says below 0 and above 0.
    corners : (str, str, str)
        What the corners (s, t) = (0, 0), (1, 0) and (0, 1) are called.
    title : str
        The heading.

    Returns
    -------
    Picture
        It can also be saved as ``.json``.

    Raises
    ------
    ValueError
        If points are not in the plane, labels don't fit them, there is not one name per output, or ``color``
        is none of these.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> net = nn.Sequential(nn.Linear.of([[1.0, 0.0], [0.0, 1.0]]), nn.ReLU(), nn.Linear.of([[1.0, -1.0]]))
    >>> draw_plane(mg.regions.plane(net, [-1, -1], [2, 0], [0, 2]))
    <Picture: A network in a plane: 4 linear regions>
    """
    from matplotlib.figure import Figure

    n_out = plane.biases.shape[1]
    called = output_names(n_out, names)
    output = _output(color, n_out)
    divided, shades, window = divide(plane), colouring(plane), Window(plane, corners)
    shown, classes, outside = located(plane, points, labels, len(called))
    hues = _hues(divided, classes)
    many = f"{len(plane):,} linear region{'s' if len(plane) > 1 else ''}"
    heading = title or f"A network in a plane: {many}"
    images = is_image(plane.corner)
    with house_style():
        figure = Figure(figsize=(8, 1.5 + 4.9 * window.aspect), dpi=160, layout="compressed")
        set_heading(figure, heading, lead(color, len(plane), output))
        axes = figure.subplots()
        by_decision = hues if color == "decision" else {}
        if output is None:
            _fill(axes, plane, window, divided, shades, by_decision)
        else:
            _levels(axes, plane, window, divided.values[:, output])
        _lines(axes, plane, window, divided, INK if output is None else MUTED)
        if color == "decision":
            _name_decisions(axes, plane, window, divided, called)
        _scatter(axes, plane, window, shown, classes, called, hues)
        _legend(axes, plane, divided, called, by_decision)
        window.set_axes(axes)
        for k, (name, x) in enumerate(window.corner_inputs() if images else ()):
            show_image(axes, x, (1.08, 0.34 - 0.17 * k, 0.12, 0.12), name)
        figure.draw_without_rendering()  # while the style holds
    return Picture(
        figure, title=heading, description=description(plane, divided, called, len(shown), outside),
        text=text_drawing(heading, plane, divided, called), data=figures(plane, divided, shown, classes),
    )  # fmt: skip


def _output(color: str | int, n_out: int) -> int | None:
    """Return the output that is to be coloured, if any."""
    if color in ("decision", "regions"):
        return None
    if isinstance(color, bool) or not isinstance(color, int) or not 0 <= color < n_out:
        raise ValueError(
            f"color is 'decision', 'regions' or the number of an output, 0 to {n_out - 1}, but got {color!r}"
        )
    return color


def _hues(divided: Division, classes: Array | None) -> dict[int, Paint]:
    """Return the colours of the decisions and classes that occur, the large ones first."""
    order = np.argsort(-divided.areas, kind="stable")
    seen = set() if classes is None else set(classes.tolist())
    if len(divided.areas) == 2:
        return {0: SERIES[1], 1: SERIES[0]}
    return paints([k for k in order.tolist() if divided.areas[k] > 0 or k in seen])


def _fill(
    axes: Axes,
    plane: Plane,
    window: Window,
    divided: Division,
    shades: Array,
    hues: dict[int, Paint],
) -> None:
    """Fill the regions, those of one colour as one shape; without hues, all in grey."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    points, codes, owner = outlines(plane, window.drawn(plane.vertices))
    whole = divided.decisions if hues else np.zeros(len(plane), dtype=int)
    pieces = divided.pieces if hues else []
    for shade in np.unique(shades).tolist():
        for decision, paint in (hues or {0: MUTED}).items():
            chosen = ((whole == decision) & (shades == shade))[owner]
            parts = closed(window.drawn(p) for r, d, p in pieces if d == decision and shades[r] == shade)
            corners = np.concatenate([points[chosen], parts[0]])
            actions = np.concatenate([codes[chosen], parts[1]])
            if len(corners):
                axes.add_patch(PathPatch(
                    Path(corners, actions), facecolor=paint.light, alpha=SHADES[shade % len(SHADES)],
                    edgecolor="none", linewidth=0, rasterized=len(plane) > _LIGHT,
                    gid=f"regions-{decision}-{shade}",
                ))  # fmt: skip


def _levels(axes: Axes, plane: Plane, window: Window, values: Array) -> None:
    """Colour an output, exactly: it is linear in every triangle that a region is cut into."""
    from matplotlib.ticker import MaxNLocator
    from matplotlib.tri import Triangulation

    heights = np.zeros(len(plane.vertices))
    heights[plane.corners] = values
    steps = np.asarray(
        MaxNLocator(_LEVELS, steps=[1, 2, 5, 10]).tick_values(0, float(np.abs(values).max()) or 1.0)
    )
    x, y = window.drawn(plane.vertices).T
    mesh = Triangulation(x, y, triangles(plane))
    for sign, paint, style in ((1, SERIES[0], "solid"), (-1, SERIES[1], (0, (5, 2)))):
        if not (sign * values > 0).any():
            continue
        for k, ends in enumerate(pairwise(steps.tolist())):
            alpha = 0.1 + 0.7 * k / len(steps)
            band = sorted(float(sign * end) for end in ends)
            filled = axes.tricontourf(mesh, heights, band, colors=[paint.light], alpha=alpha)
            filled.set(gid=f"level-{sign * (k + 1)}", rasterized=len(plane) > _LIGHT)
        lines = axes.tricontour(mesh, heights, np.sort(sign * steps[1:]), colors=[paint.light])
        lines.set(gid="lines", linestyle=style, linewidth=1.0, rasterized=len(plane) > _LIGHT)
        axes.clabel(lines, fontsize=7.5, colors=INK.light, fmt=number)


def _lines(axes: Axes, plane: Plane, window: Window, divided: Division, paint: Paint) -> None:
    """Draw the borders of the regions, thinner where there are many, and over them the decision boundary."""
    from matplotlib.patches import PathPatch

    room = _WIDE / len(plane) ** 0.5
    width = min(0.7 if paint is INK else 0.4, 0.04 * room)
    if room > 2.5:
        axes.add_patch(PathPatch(
            strokes(borders(plane, window.drawn(plane.vertices))), fill=False, edgecolor=paint.light,
            linewidth=width, rasterized=len(plane) > _LIGHT, gid="borders",
        ))  # fmt: skip
    if len(divided.boundary):
        axes.add_patch(PathPatch(
            strokes(window.drawn(divided.boundary)), fill=False, edgecolor=INK.light, linewidth=2.2,
            capstyle="round", gid="boundary",
        ))  # fmt: skip


def _name_decisions(
    axes: Axes, plane: Plane, window: Window, divided: Division, called: Sequence[str]
) -> None:
    """Write each decision's name in its largest region."""
    for decision in np.flatnonzero(divided.areas > 0.01).tolist():
        own = np.flatnonzero(divided.decisions == decision)
        if len(own):
            x, y = window.drawn(plane.centers[own[plane.areas[own].argmax()]])
            axes.text(
                x, y, called[decision], ha="center", va="center", fontweight="bold", fontsize=11, zorder=6,
                bbox={"facecolor": PAPER.light, "edgecolor": "none", "alpha": 0.7, "pad": 1.5},
                gid=f"name-{decision}",
            )  # fmt: skip


def _scatter(
    axes: Axes, plane: Plane, window: Window, shown: Array, classes: Array | None,
    called: Sequence[str], hues: dict[int, Paint],
) -> None:  # fmt: skip
    """Draw the data: a shape for each class, a cross over what is decided otherwise."""
    size = float(np.clip(9 - 1.5 * np.log10(max(len(shown), 1)), 3, 8))
    look: Any = {"ls": "none", "markersize": size, "mec": PAPER.light, "mew": 0.8, "zorder": 4}
    look["clip_on"] = False
    if classes is None:
        if len(shown):
            axes.plot(*window.drawn(shown).T, "o", color=INK.light, label="data", gid="points", **look)
        return
    for kind in np.unique(classes).tolist():
        x, y = window.drawn(shown[classes == kind]).T
        look |= {"color": hues[kind].light, "label": f"data: {called[kind]}", "gid": f"points-{kind}"}
        axes.plot(x, y, MARKERS[kind % len(MARKERS)], **look)
    region = plane.locate(shown)
    outputs = np.einsum("nok,nk->no", plane.weights[region], shown) + plane.biases[region]
    wrong = competing(outputs).argmax(axis=1) != classes
    if wrong.any():
        words = f"decided otherwise ({int(wrong.sum())} of {len(wrong)})"
        axes.plot(
            *window.drawn(shown[wrong]).T, "x", color=INK.light, ls="none", mew=1.5, markersize=size + 2,
            zorder=5, clip_on=False, label=words, gid="wrong",
        )  # fmt: skip


def _legend(
    axes: Axes, plane: Plane, divided: Division, called: Sequence[str], hues: dict[int, Paint]
) -> None:
    """Explain the marks that are in the picture, beside it."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    entries: list[Any] = [
        Patch(facecolor=paint.light, alpha=0.5, label=f"{called[k]}  {divided.areas[k]:.1%} of the area")
        for k, paint in hues.items()
        if divided.areas[k] > 0
    ]
    if len(divided.boundary):
        entries.append(Line2D([], [], color=INK.light, linewidth=2.2, label="decision boundary"))
    if len(plane) > 1 and _WIDE / len(plane) ** 0.5 > 2.5:
        entries.append(
            Line2D([], [], color=INK.light if hues else MUTED.light, linewidth=0.7, label="a gate changes")
        )
    entries += axes.get_legend_handles_labels()[0]
    if entries:
        axes.legend(
            handles=entries, loc="upper left", bbox_to_anchor=(1.02, 1.0), fontsize=9, borderaxespad=0
        )
