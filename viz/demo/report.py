"""What the demo says of its experiment: a table, pictures, all figures, and a page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

import minigrad as mg
from minigrad.files import write_whole
from viz.demo.experiment import DEPTH, SHOWN_DIGITS, WIDTH, Settings, Trained

if TYPE_CHECKING:
    from viz.picture import Picture


def table(results: Sequence[Trained]) -> tuple[list[str], list[list[str]]]:
    """Return the comparison: column names, and one row of text per network."""
    header = [
        "network", "train", "validation", "test", "gradient first : last layer", "inactive",
        "left for one digit", "max |Wx + b − net(x)|", "radius",
    ]  # fmt: skip
    rows = []
    for result in results:
        row = [result.name, *(f"{value:.1%}" for value in result.accuracy.values())]
        row.append(f"{result.gradient_ratio:.2g}")
        row.append("–" if result.inactive is None else f"{result.inactive:.0%}")
        if result.thins:
            thin = result.thins[0]
            unit = "pieces" if any(layer.groups for layer in thin.layers) else "neurons"
            radius = f"{thin.radius:.2g}" if np.isfinite(thin.radius) else "∞"
            row += [f"{thin.kept} of {thin.total} {unit}", f"{thin.max_abs_error:.0e}", radius]
        else:
            row += ["smooth: no thin network", "–", "–"]
        rows.append(row)
    return header, rows


def write(results: Sequence[Trained], data: mg.data.Dataset, settings: Settings, folder: Path) -> list[Path]:
    """Write the figures, the pictures and the page into a folder that exists; return what was written."""
    from markupsafe import Markup

    from viz.page import render

    pictures = _pictures(results, data)
    drawn = {name: picture.svg(name=name) for name, picture in pictures.items()}
    record = {
        "minigrad": mg.__version__,
        "data": "scikit-learn digits, 8 × 8 pixels",
        **asdict(settings),
        "networks": [result.figures() for result in results],
    }
    page = render(
        "demo.html",
        results=results,
        settings=settings,
        depth=DEPTH,
        width=WIDTH,
        labels=[int(y) for y in data.test.y[:SHOWN_DIGITS]],
        table=table(results),
        pictures={name: Markup(svg) for name, svg in drawn.items()},
        files=[file_name(result.name) for result in results],
        about_gradients=_about_gradients(results),
        about_network=[_about_network(result) for result in results],
    )
    figures = json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    files: dict[str, str | bytes] = {"index.html": page, "results.json": figures}
    for name, picture in tqdm(pictures.items(), desc="drawing", unit="picture", leave=False, disable=None):
        files[f"{name}.svg"], files[f"{name}.png"] = drawn[name], picture.png(scale=1)
    return [write_whole(folder / name, content) for name, content in files.items()]


def file_name(name: str) -> str:
    """Return a network's name as files have it."""
    return name.lower().replace(" + ", "-")


def _pictures(results: Sequence[Trained], data: mg.data.Dataset) -> dict[str, Picture]:
    """Draw everything that the page shows, by file name."""
    import viz
    from viz.gradients import draw_gradient_strip

    pictures = {"gradients": draw_gradient_strip({r.name: r.gradient_norms for r in results})}
    for result in results:
        name = file_name(result.name)
        pictures[f"history-{name}"] = viz.draw(result.history)
        for k, thin in enumerate(result.thins):
            pictures[f"thin-{name}-{k}"] = viz.draw(thin)
        if not result.thins:
            pictures[f"network-{name}-0"] = viz.draw(result.net, data.test.x[0])
        if result.name == "ReLU":
            pictures["graph"] = viz.draw(mg.trace(result.net, data.test.x[0]))
    return pictures


def _about_gradients(results: Sequence[Trained]) -> str:
    """Say what the strips show, from the figures themselves."""
    said = []
    for result in results:
        ratio = result.gradient_ratio
        if ratio < 0.05:
            said.append(
                f"in the {result.name} network the gradient of the first layer is {1 / ratio:,.0f} times "
                f"smaller than that of the last: it has vanished on the way, and early layers hardly learn"
            )
        else:
            said.append(f"in the {result.name} network it is {ratio:.2g} times that of the last")
    text = "; ".join(said) + "."
    return text[0].upper() + text[1:]


def _about_network(result: Trained) -> str:
    """Say what the network's own picture shows, from its figures."""
    if not result.thins:
        return (
            f"Every neuron answers a little to everything, so none can be taken away: a {result.name} is "
            f"smooth, and this network has no thin linear network. It gets {result.accuracy['test']:.0%} of "
            f"the test digits right; guessing gives about 10 %."
        )
    thin = result.thins[0]
    if any(layer.groups for layer in thin.layers):
        left = f"Of {thin.total} linear pieces {thin.kept} have won for this digit, one in every group"
    else:
        left = f"{thin.kept} of {thin.total} neurons are left for this digit"
    return (
        f"{left}; the rest is faded in place. Without it the network gives the very same output for this "
        f"digit. Choose another digit: other neurons are left, so it is another linear network."
    )
