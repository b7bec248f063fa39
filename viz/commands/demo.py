"""``minigrad demo``: deep networks trained on digits, compared and looked into."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Optional

import typer

from viz.commands.output import aligned, folder_named, make_writable


def demo(
    out: Annotated[str, typer.Option(help="Folder to write to; made if it is not there.")] = "minigrad-demo",
    seed: Annotated[
        int, typer.Option(min=0, help="Of initial weights, mini-batches, dropout and data split.")
    ] = 0,
    epochs: Annotated[int, typer.Option(min=1, help="How often the training data are gone through.")] = 40,
    optimizer: Annotated[str, typer.Option(help="sgd, momentum, adagrad, rmsprop or adam.")] = "sgd",
    l1: Annotated[float, typer.Option(min=0, help="Weight λ of the L1 regularizer.")] = 0.0,
    l2: Annotated[float, typer.Option(min=0, help="Weight λ of the L2 regularizer.")] = 0.0,
    patience: Annotated[
        Optional[int],  # noqa: UP045 (read by typer at run time)
        typer.Option(min=1, help="Stop early after so many epochs without a better validation loss."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the figures as JSON instead of a table.")
    ] = False,
) -> None:
    """Train deep sigmoid, ReLU, Maxout and Dropout networks on digits; show what is left of them for one."""
    from minigrad import DivergenceError
    from minigrad.data import digits
    from viz import demo as job

    optimizer = optimizer.lower()
    if optimizer not in job.OPTIMIZERS:
        raise ValueError(f"there is no optimizer {optimizer!r}; choose from {', '.join(job.OPTIMIZERS)}")
    settings = job.Settings(seed, epochs, optimizer, l1, l2, patience)
    folder = folder_named(out)
    settings.regularizers()  # an error here comes before anything is written
    make_writable(folder)
    data = digits(seed=seed, dtype=float)
    results = []
    for name, net in job.networks(seed):
        print(f"training {name}: {net}", file=sys.stderr)
        try:
            results.append(job.train(name, net, data, settings))
        except DivergenceError as error:
            raise ValueError(
                f"training the {name} network diverged: {str(error).partition('.')[0]}; "
                f"choose a smaller --l1 or --l2, or another --optimizer"
            ) from None
    print("drawing", file=sys.stderr)
    written = job.write(results, data, settings, folder)
    if as_json:
        print(json.dumps(json.loads((folder / "results.json").read_text(encoding="utf-8"))))
        return
    print(aligned(*job.table(results)))
    print(f"\n{len(written)} files written; open {folder / 'index.html'}")
    again = f" --seed {seed}" if seed else ""
    print(f"look closer: minigrad thin {folder / 'relu.safetensors'} --data digits --input 5{again}")
