"""
A process of its own for Graphviz: DOT on standard input, Graphviz's JSON on standard output.

Graphviz as a library is not thread-safe, holds the interpreter's lock and can take for ever; a process can be
ended. It is run as a file, so that it needs nothing but pygraphviz.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path


def main() -> None:
    """Lay out one graph."""
    with tempfile.TemporaryDirectory() as folder:
        fonts = Path(
            folder, "fonts.conf"
        )  # nothing to read: no text is laid out, and no warnings are written
        fonts.write_text('<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig/>')
        os.environ["FONTCONFIG_FILE"] = str(fonts)
        import pygraphviz

        graph = pygraphviz.AGraph(string=sys.stdin.read())
        sys.stdout.write(graph.draw(format="json0", prog="dot").decode())


if __name__ == "__main__":
    main()
