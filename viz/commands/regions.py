"""``minigrad regions``: the linear regions on the line between two inputs, or in the plane of three."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from viz.commands.output import folder_named, write_all
from viz.commands.thin import (
    ABOUT_DATA,
    ABOUT_INPUT,
    ABOUT_JSON,
    ABOUT_MODEL,
    ABOUT_OUT,
    ABOUT_ROOT,
    ABOUT_SEED,
)

_POINT = "FILE|NUMBER"


def regions(
    path: Annotated[str, typer.Argument(metavar="MODEL", help=ABOUT_MODEL)],
    start: Annotated[str, typer.Option("--from", metavar=_POINT, help=f"One input: {ABOUT_INPUT}.")],
    to: Annotated[str, typer.Option("--to", metavar=_POINT, help="Another one.")],
    third: Annotated[
        Optional[str],  # noqa: UP045 (read by typer)
        typer.Option(metavar=_POINT, help="A third one: then the plane of the three instead of a line."),
    ] = None,
    data: Annotated[Optional[str], typer.Option(help=ABOUT_DATA)] = None,  # noqa: UP045
    root: Annotated[Optional[str], typer.Option(help=ABOUT_ROOT)] = None,  # noqa: UP045
    out: Annotated[str, typer.Option(help=ABOUT_OUT)] = "minigrad-regions",
    seed: Annotated[int, typer.Option(min=0, help=ABOUT_SEED)] = 0,
    as_json: Annotated[bool, typer.Option("--json", help=ABOUT_JSON)] = False,
) -> None:
    """Write the linear regions of MODEL between two inputs, or around three: picture, figures, summary."""
    import minigrad as mg
    import viz
    from viz.commands import given

    folder = folder_named(out)
    net = given.model(path)
    examples = given.examples(data, root, seed)
    options = {"--from": start, "--to": to} | ({} if third is None else {"--third": third})
    points = [given.point(option, text, examples, net) for option, text in options.items()]
    given.check_alike(options, points)
    called: Any = tuple(given.said_of(text, examples) for text in options.values())
    if third is None:
        picture = viz.draw(mg.regions.line(net, *points), ends=called)
    else:
        corner, *others = points
        plane = mg.regions.plane(net, corner, *(other - corner for other in others))
        labels = given.classes_of(options.values(), examples, plane.biases.shape[1])
        picture = viz.draw(plane, points=points, labels=labels, corners=called)
    name = "line" if third is None else "plane"
    record = {
        "minigrad": mg.__version__, "model": Path(path).name, "architecture": repr(net),
        "inputs": list(options.values()), "data": data, "seed": seed, **picture.data,
    }  # fmt: skip
    text = json.dumps(record, ensure_ascii=False, allow_nan=False)
    written = write_all(folder, {f"{name}.json": f"{text}\n", f"{name}.svg": picture.svg()})
    print(text if as_json else f"{picture}\n{picture.description}\nwritten: {', '.join(map(str, written))}")
