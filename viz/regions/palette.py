"""Colours, line styles and marks of outputs and classes, the same on a line and in a plane."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from viz.networks.pixels import side_of
from viz.style import INK, MUTED, SERIES, Paint

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARKERS = "osD^vP"
STYLES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (6, 2, 1, 2)), (0, (1, 1.2)), (0, (9, 3)))
SHADES = (0.2, 0.42, 0.3, 0.55, 0.12, 0.68, 0.8)
"""Opacities that tell neighbouring regions apart; the first colours of a map are its commonest."""


def paints(chosen: Sequence[int]) -> dict[int, Paint]:
    """
    Return a colour for each output, the important ones first; there are five, and grey for the others.

    Examples
    --------
    >>> [paint.name for paint in paints([7, 3]).values()]
    ['series-1', 'series-2']
    """
    some = sorted(chosen[: len(SERIES)])
    given = {k: SERIES[place] for place, k in enumerate(some)}
    return given | dict.fromkeys((k for k in chosen if k not in given), MUTED)


def output_names(n: int, names: Sequence[str] | None) -> list[str]:
    """Return what outputs are called; a single one decides between two classes."""
    if names is None:
        return [str(k) for k in range(n)] if n > 1 else ["below 0", "above 0"]
    wanted = n if n > 1 else 2
    if len(names) != wanted:
        what = f"the {n} outputs" if n > 1 else "what one output says below 0 and above 0"
        raise ValueError(f"names has {len(names)} names, but it takes {wanted}: of {what}")
    return [str(name) for name in names]


def is_image(x: np.ndarray[Any, Any]) -> bool:
    """Tell whether an input can be shown as a grey image: a square vector, or one channel."""
    return (x.ndim == 1 and side_of(x.size) is not None) or (x.ndim == 3 and len(x) == 1)


def show_image(
    axes: Axes, x: np.ndarray[Any, Any], place: tuple[float, float, float, float], title: str
) -> None:
    """Show an input as a small grey image, at (left, bottom, width, height) of the axes."""
    side = side_of(x.size) if x.ndim == 1 else None
    image = x.reshape(side, side) if side else x[0]
    inset = axes.inset_axes(place)
    inset.imshow(image, cmap="gray_r", interpolation="nearest", gid="input")
    inset.set_xticks([])
    inset.set_yticks([])
    for spine in inset.spines.values():
        spine.set_visible(True)
    inset.set_xlabel(title, fontsize=8.5, color=INK.light, labelpad=2)
