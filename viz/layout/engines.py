"""Graphviz as a layout engine: its library in a worker process, or the program ``dot``."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias

from viz.layout.structure import NODE_GAP, RANK_GAP, Box, Layout, Link, falling, slots
from viz.scene import Point

Curve: TypeAlias = tuple[Point, ...]
_CLEAR = 8.0  # pixels between a curve and the boxes that it passes
_WORKER = Path(__file__).with_name("worker.py")


def by_graphviz(boxes: tuple[Box, ...], links: tuple[Link, ...], time_limit: float) -> Layout | None:
    """
    Lay out a graph by Graphviz.

    Returns
    -------
    Layout or None
        None if there is no Graphviz here, if it fails, or if it is not done within the limit (seconds).
    """
    source = layout_source(boxes, links)
    for engine, command in _commands().items():
        try:
            return _read(_run(command, source, time_limit), boxes, engine)
        except subprocess.TimeoutExpired:
            return None
        except (OSError, subprocess.CalledProcessError, ValueError, KeyError):
            continue
    return None


def layout_source(boxes: tuple[Box, ...], links: tuple[Link, ...]) -> str:
    """
    Return the boxes and links as DOT: sizes and ports, no text.

    Examples
    --------
    >>> print(layout_source((Box(72, 36), Box(72, 36)), (Link(0, 1), Link(0, 1))))
    digraph {
    graph [ranksep=0.722 nodesep=0.306]
    node [shape=record fixedsize=true label=""]
    edge [arrowhead=none]
    n0 [width=1.000 height=0.500]
    n1 [width=1.000 height=0.500 label="{{<p0>|<p1>}|}"]
    n0:s -> n1:p0:n [id=e0 weight=1]
    n0:s -> n1:p1:n [id=e1 weight=1]
    }
    """
    place = slots(boxes, links)
    count = {link.target: there for link, (_, there) in zip(links, place, strict=True)}
    lines = [
        "digraph {",
        f"graph [ranksep={RANK_GAP / 72:.3f} nodesep={NODE_GAP / 72:.3f}]",
        'node [shape=record fixedsize=true label=""]',
        "edge [arrowhead=none]",
    ]
    for k, box in enumerate(boxes):
        ports = "|".join(f"<p{slot}>" for slot in range(count.get(k, 0)))
        label = f' label="{{{{{ports}}}|}}"' if "|" in ports else ""
        lines.append(f"n{k} [width={box.width / 72:.3f} height={box.height / 72:.3f}{label}]")
    for k, (link, (slot, there)) in enumerate(zip(links, place, strict=True)):
        port = f":p{slot}" if there > 1 else ""
        lines.append(f"n{link.source}:s -> n{link.target}{port}:n [id=e{k} weight={link.weight}]")
    return "\n".join([*lines, "}"])


def _commands() -> dict[str, tuple[str, ...]]:
    """Return the ways to run Graphviz here, the best first."""
    ways: dict[str, tuple[str, ...]] = {}
    if sys.executable and find_spec("pygraphviz"):
        ways["pygraphviz"] = (sys.executable, str(_WORKER))
    if program := shutil.which("dot"):
        ways["dot"] = (program, "-Tjson0")
    return ways


@lru_cache(maxsize=64)
def _run(command: tuple[str, ...], source: str, time_limit: float) -> str:
    """Let a process lay out a graph."""
    done = subprocess.run(
        command,
        input=source,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=time_limit,
        check=True,
    )
    return done.stdout


def _read(answer: str, boxes: Sequence[Box], engine: str) -> Layout:
    """Read Graphviz's JSON; its y grows upwards."""
    graph: dict[str, Any] = json.loads(answer)
    places = {node["name"]: _points(node["pos"])[0] for node in graph["objects"] if "pos" in node}
    curves = {edge["id"]: _points(edge["pos"]) for edge in graph.get("edges", ())}
    centres = tuple(places[f"n{k}"] for k in range(len(places)))
    calm = (_calm(curves[f"e{k}"], boxes, centres) for k in range(len(curves)))
    return Layout(centres, tuple(calm), engine)


def _calm(curve: Curve, boxes: Sequence[Box], centres: Sequence[Point]) -> Curve:
    """Exchange a curve for a plain one, a bend and then straight down, if nothing is in its way."""
    (x, y), (end_x, end_y) = curve[0], curve[-1]
    if end_y - y < 2 * RANK_GAP:
        return falling(curve[0], curve[-1])
    straight = falling((x, y), (end_x, y + RANK_GAP), (end_x, end_y))
    passed = [_on(straight[k : k + 4], t / 16) for k in (0, 3) for t in range(1, 16)]
    free = not any(
        abs(px - cx) < box.width / 2 + _CLEAR and abs(py - cy) < box.height / 2
        for box, (cx, cy) in zip(boxes, centres, strict=True)
        for px, py in passed
    )
    return straight if free else curve


def _on(bezier: Curve, t: float) -> Point:
    """Return a point on a cubic Bézier."""
    weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
    x, y = (sum(w * point[axis] for w, point in zip(weights, bezier, strict=True)) for axis in (0, 1))
    return x, y


def _points(text: str) -> tuple[Point, ...]:
    """Read the points of a position."""
    pairs = (pair.split(",") for pair in text.split())
    return tuple((float(x), -float(y)) for x, y in pairs)
