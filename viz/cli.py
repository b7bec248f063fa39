"""The command line."""

from __future__ import annotations

import json
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, NoReturn, Optional

import typer

INTERRUPTED = 130

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="See what a deep network is for one input: its thin linear network.",
)


def main() -> None:
    """Run the command line; an error is one line, never a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal that has no "∞" gets a "?", not an error
            stream.reconfigure(errors="replace")
    try:
        code = app(args=sys.argv[1:] or ["--help"], prog_name="minigrad", standalone_mode=False)
    except (ValueError, OSError) as error:
        _fail(str(error), 1)
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except Exception as error:
        if not hasattr(error, "format_message"):  # not one of the parser's own complaints about the options
            raise
        command = " demo" if "demo" in sys.argv[1:2] else ""
        _fail(f"{error.format_message()} (minigrad{command} --help tells what there is)", 2)
    if code == INTERRUPTED:  # the parser turns Ctrl-C into this code, too
        _fail("interrupted before everything was written", INTERRUPTED)
    raise SystemExit(code or 0)


def _fail(message: str, code: int) -> NoReturn:
    """End with one line that says why."""
    print(f"minigrad: {' '.join(message.split())}", file=sys.stderr)
    raise SystemExit(code)


def _print_version(wanted: bool) -> None:
    if wanted:
        import minigrad

        print(f"minigrad {minigrad.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Keep the commands apart from the options of all."""


@app.command()
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
    if not out:
        raise ValueError("--out is empty; name a folder")
    folder = Path(out)
    settings.regularizers()  # an error here comes before anything is written
    _make_writable(folder)
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
    print(_aligned(*job.table(results)))
    print(f"\n{len(written)} files written; open {folder / 'index.html'}")


def _make_writable(folder: Path) -> None:
    """Make the folder, and find out before hours of work whether it can be written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".minigrad-probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OSError(
            f"can't write to the folder {str(folder)!r}: {error.strerror}; choose another with --out"
        ) from None


def _aligned(header: list[str], rows: list[list[str]]) -> str:
    """Return a table with columns of equal width."""
    lines = [header, *rows]
    widths = [max(len(line[k]) for line in lines) for k in range(len(header))]
    return "\n".join(
        "  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip() for line in lines
    )


if __name__ == "__main__":
    main()
