"""``minigrad thin``: the thin linear network of one input, as picture, figures and summary."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from viz.commands.output import folder_named, write_all
from viz.style import number

if TYPE_CHECKING:
    from minigrad import ThinNetwork

ABOUT_MODEL = "A network, written by net.save('model.safetensors'); minigrad demo writes some."
ABOUT_INPUT = "a file (.npy, .csv, .txt, .json), or the number of a test example of --data"
ABOUT_DATA = "digits, moons or mnist: what an input's number counts."
ABOUT_ROOT = "Folder of MNIST's files, for --data mnist."
ABOUT_SEED = "Of the data set's split into training and test examples."
ABOUT_OUT = "Folder to write to; made if it is not there."
ABOUT_JSON = "Print the figures as JSON instead of the summary."


def thin(
    path: Annotated[str, typer.Argument(metavar="MODEL", help=ABOUT_MODEL)],
    at: Annotated[str, typer.Option("--input", metavar="FILE|NUMBER", help=f"The input: {ABOUT_INPUT}.")],
    data: Annotated[Optional[str], typer.Option(help=ABOUT_DATA)] = None,  # noqa: UP045 (read by typer)
    root: Annotated[Optional[str], typer.Option(help=ABOUT_ROOT)] = None,  # noqa: UP045
    out: Annotated[str, typer.Option(help=ABOUT_OUT)] = "minigrad-thin",
    seed: Annotated[int, typer.Option(min=0, help=ABOUT_SEED)] = 0,
    as_json: Annotated[bool, typer.Option("--json", help=ABOUT_JSON)] = False,
) -> None:
    """Write the thin linear network that MODEL is for one input: thin.svg, thin.json and a summary."""
    import minigrad as mg
    import viz
    from viz.commands import given

    folder = folder_named(out)
    net = given.model(path)
    examples = given.examples(data, root, seed)
    x = given.point("--input", at, examples, net)
    network = mg.thin(net, x)
    picture = viz.draw(network, title=f"The thin linear network of {given.said_of(at, examples)}")
    record = {
        "minigrad": mg.__version__, "model": Path(path).name, "architecture": repr(net),
        "input": {"from": at, "data": data, "seed": seed, "values": x.tolist()}, **_figures(network),
    }  # fmt: skip
    text = json.dumps(record, ensure_ascii=False, allow_nan=False)
    written = write_all(folder, {"thin.json": f"{text}\n", "thin.svg": picture.svg()})
    if as_json:
        print(text)
        return
    print(network.summary())
    print(f"{given.said_of(at, examples)}: {_verdict(network)}")
    print(f"written: {', '.join(map(str, written))}")


def _verdict(network: ThinNetwork) -> str:
    """Return what the network says."""
    if len(network.output) == 1:
        return f"the output is {number(network.output[0])}"
    largest = int(network.output.argmax())
    return f"the largest of {len(network.output)} outputs is {largest}, {number(network.output[largest])}"


def _figures(network: ThinNetwork) -> dict[str, Any]:
    """Return what is known of a thin network, as JSON can say it."""
    layers = (network.input, *network.layers)
    return {
        "output": network.output.tolist(),
        "weight": network.weight.tolist(),
        "bias": network.bias.tolist(),
        "left": network.kept,
        "total": network.total,
        "layers": [
            {"name": layer.name, "kind": layer.kind, "kept": layer.kept.tolist(), "total": layer.total}
            for layer in layers
        ],
        "radius": network.radius if network.radius < float("inf") else None,
        "tie": network.tie,
        "next_flip": sorted(map(list, network.next_flip)),
        "boundary": None if network.boundary is None else network.boundary.tolist(),
        "max_abs_error": network.max_abs_error,
    }
