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
from viz.gradient_strip import ratio_words
from viz.style import number

if TYPE_CHECKING:
    from viz.picture import Picture


def table(results: Sequence[Trained]) -> tuple[list[str], list[list[str]]]:
    """Return the comparison: column names, and one row of text per network."""
    header = [
        "network", "parameters", "epochs", "train", "validation", "test", "gradient, first : last layer",
        "inactive", "left for one digit", "largest error", "radius",
    ]  # fmt: skip
    rows = []
    for result in results:
        row = [result.name, f"{result.parameters:,}", result.epochs]
        row += [f"{value:.1%}" for value in result.accuracy.values()]
        row.append(ratio_words(result.gradient_norms[0], result.gradient_norms[-1]))
        row.append("–" if result.inactive is None else f"{result.inactive:.0%}")
        if result.thins:
            thin = result.thins[0]
            radius = number(thin.radius) if np.isfinite(thin.radius) else "∞"
            row += [f"{thin.kept} of {thin.total} {_unit(thin)}", number(thin.max_abs_error), radius]
        else:
            row += ["none: it is smooth", "–", "–"]
        rows.append(row)
    return header, rows


def write(results: Sequence[Trained], data: mg.data.Dataset, settings: Settings, folder: Path) -> list[Path]:
    """Write the networks, their figures and pictures, and the page into a folder that exists; return all."""
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
        digits=[_a_digit(y) for y in data.test.y[:SHOWN_DIGITS]],
        table=table(results),
        pictures={name: Markup(svg) for name, svg in drawn.items()},
        files=[file_name(result.name) for result in results],
        about_gradients=_about_gradients(results),
        about_digits=[
            [_about_digit(result, k, data) for k in range(max(1, len(result.thins)))] for result in results
        ],
    )
    figures = json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    files: dict[str, str | bytes] = {"results.json": figures}
    for name, picture in tqdm(pictures.items(), desc="drawing", unit="picture", leave=False, disable=None):
        files[f"{name}.svg"], files[f"{name}.png"] = drawn[name], picture.png(scale=1)
    saved = [folder / f"{file_name(result.name)}.safetensors" for result in results]
    for result, path in zip(results, saved, strict=True):
        result.net.save(path)
    files["index.html"] = page  # last: where it is, everything is
    return [*saved, *(write_whole(folder / name, content) for name, content in files.items())]


def file_name(name: str) -> str:
    """Return a network's name as files have it."""
    return name.lower().replace(" + ", "-")


def _pictures(results: Sequence[Trained], data: mg.data.Dataset) -> dict[str, Picture]:
    """Draw everything that the page shows, by file name."""
    import viz
    from viz.gradient_strip import draw_gradient_strip

    digit, label = data.test.x[0], data.test.y[0]
    pictures = {"gradients": draw_gradient_strip({r.name: r.gradient_norms for r in results})}
    for result in results:
        name = file_name(result.name)
        pictures[f"history-{name}"] = viz.draw(result.history, title=f"{result.name}: its training")
        for k, (thin, y) in enumerate(zip(result.thins, data.test.y, strict=False)):
            pictures[f"thin-{name}-{k}"] = viz.draw(
                thin, title=f"{result.name}: the thin linear network of {_a_digit(y)}"
            )
        if not result.thins:
            title = f"{result.name}: the network at {_a_digit(label)}"
            pictures[f"network-{name}-0"] = viz.draw(result.net, digit, title=title)
        if result.name == "ReLU":
            pictures["graph"] = viz.draw(mg.trace(result.net, digit))
    return pictures


def _about_gradients(results: Sequence[Trained]) -> str:
    """Say what the strips show, from the figures themselves."""
    said = []
    for result in results:
        ratio = ratio_words(result.gradient_norms[0], result.gradient_norms[-1])
        vanished = result.gradient_norms[0] < 0.05 * result.gradient_norms[-1]
        said.append(f"{result.name} {ratio}{', it has vanished on the way' if vanished else ''}")
    return (
        "the size of the gradient in the first layer, beside that in the last, before training: "
        f"{'; '.join(said)}. Where it vanishes, the layers next to the input learn last or not at all."
    )


def _about_digit(result: Trained, k: int, data: mg.data.Dataset) -> str:
    """Say what the network's picture of one digit shows, from its figures."""
    label = data.test.y[k]
    if not result.thins:
        with mg.no_grad():
            said = int(result.net(data.test.x[k]).argmax())
        guess = np.bincount(data.test.y).max() / len(data.test.y)
        return (
            f"every neuron answers a little to everything, so none can be taken away: a {result.name} is "
            f"smooth, and this network has no thin linear network. It takes {_a_digit(label)} for "
            f"{_a_digit(said)}, and gets {result.accuracy['test']:.1%} of the test digits right; always "
            f"saying the commonest digit gets {guess:.1%}."
        )
    thin = result.thins[k]
    said = int(thin.output.argmax())
    verdict = "rightly" if said == label else "wrongly"
    if _unit(thin) == "pieces":
        left = f"of {thin.total} linear pieces {thin.kept} have won, one in every group"
    else:
        left = f"{thin.kept} of {thin.total} neurons are left"
    return (
        f"for {_a_digit(label)}, {left}; the rest is faded in place. Without it the network gives the very "
        f"same output: it {verdict} says {said}. Choose another digit, and it is another linear network."
    )


def _unit(thin: mg.ThinNetwork) -> str:
    """Return what a thin network counts."""
    return "pieces" if any(layer.groups for layer in thin.layers) else "neurons"


def _a_digit(digit: int) -> str:
    """Return a digit with its article."""
    return f"an {digit}" if digit == 8 else f"a {digit}"
