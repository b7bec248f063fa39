"""What is said of a network in a plane: lead, description, a map of letters, figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from viz.regions.decisions import Array, competing
from viz.regions.division import Division
from viz.style import number

if TYPE_CHECKING:
    from minigrad.regions import Plane

_WRITTEN = 20_000  # regions up to which their corners are among the figures
_COLUMNS, _ROWS = 56, 20  # of the map of letters


def lead(color: str | int, regions: int, output: int | None) -> str:
    """Say what to look at."""
    if output is not None:
        return (
            f"The colour is output {output}: blue and solid lines above 0, orange and dashed below. "
            f"It bends where regions meet."
        )
    each = "In each polygon" if regions > 1 else "Here"
    hue = " Hue: the decision. Shade: tells neighbours apart." if color == "decision" else ""
    return f"{each} the network is one linear map.{hue}"


def description(plane: Plane, divided: Division, called: Sequence[str], points: int, outside: int) -> str:
    """Describe the picture to those who don't see it."""
    areas = np.sort(plane.areas / plane.areas.sum())[::-1]
    words = [f"{len(plane):,} linear regions; the largest has {areas[0]:.1%} of the area."]
    if len(areas) > 1:
        half = int(np.searchsorted(np.cumsum(areas), 0.5)) + 1
        words.append(f"Half of the area is in {half:,} of them.")
    order = np.argsort(-divided.areas, kind="stable")
    shares = [f"{called[k]} {divided.areas[k]:.1%}" for k in order if divided.areas[k] > 5e-4]
    words.append(f"The decision, by area: {', '.join(shares)}.")
    if len(divided.boundary):
        steps = divided.boundary[:, 1] - divided.boundary[:, 0]
        directions = np.stack([plane.u.ravel(), plane.v.ravel()])
        length = np.linalg.norm(steps @ directions, axis=1).sum()
        words.append(
            f"The decision boundary has {len(steps):,} straight parts, {number(length)} long together."
        )
    if points or outside:
        words.append(f"{points:,} points are in the plane{f', {outside:,} outside it' if outside else ''}.")
    return " ".join(words)


def text_drawing(title: str, plane: Plane, divided: Division, called: Sequence[str]) -> str:
    """Draw the decisions for the terminal, a letter for each."""
    s, t = ((np.arange(n) + 0.5) / n for n in (_COLUMNS, _ROWS))
    at = np.stack(np.meshgrid(s, t[::-1]), axis=-1)
    region = plane.locate(at)
    outputs = np.einsum("yxok,yxk->yxo", plane.weights[region], at) + plane.biases[region]
    decided = competing(outputs).argmax(axis=-1)
    marks = _marks(called)
    rows = ["".join(marks[k] for k in row) for row in decided.tolist()]
    key = "  ".join(f"{marks[k]} {called[k]} {divided.areas[k]:.1%}" for k in np.unique(decided).tolist())
    return "\n".join([title, *rows, key])


def _marks(called: Sequence[str]) -> list[str]:
    """Return a letter for each name: its first, if these are all different."""
    first = [name[:1] or "?" for name in called]
    if len(set(first)) == len(first) and len(called) > 2:
        return first
    if len(called) == 2:
        return ["·", "#"]
    return [chr(ord("a") + k) if k < 26 else "?" for k in range(len(called))]


def figures(plane: Plane, divided: Division, shown: Array, classes: Array | None) -> dict[str, Any]:
    """Return what is drawn, in JSON's terms; of very many regions, no corners."""
    record: dict[str, Any] = {
        "regions": len(plane),
        "corner": plane.corner.tolist(),
        "u": plane.u.tolist(),
        "v": plane.v.tolist(),
        "share_of_area": divided.areas.tolist(),
        "boundary": divided.boundary.tolist(),
        "points": shown.tolist(),
        "labels": None if classes is None else classes.tolist(),
    }
    if len(plane) <= _WRITTEN:
        record |= {
            "vertices": plane.vertices.tolist(),
            "polygons": [part.tolist() for part in np.split(plane.corners, plane.offsets[1:-1])],
            "areas": plane.areas.tolist(),
            "decisions": [k if k >= 0 else None for k in divided.decisions.tolist()],
        }
    return record
