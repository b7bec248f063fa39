"""The command line: its commands are in viz/commands, its errors are one line."""

from __future__ import annotations

import sys
from io import TextIOWrapper
from typing import Annotated, NoReturn

import typer

from viz.commands.demo import demo
from viz.commands.regions import regions
from viz.commands.thin import thin

INTERRUPTED = 130

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="See what a deep network is for one input: its thin linear network.",
)
COMMANDS = {command.__name__: app.command()(command) for command in (demo, thin, regions)}


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
        command = "".join(f" {name}" for name in sys.argv[1:2] if name in COMMANDS)
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


if __name__ == "__main__":
    main()
