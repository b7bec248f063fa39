"""How finding linear regions grows: ``python benchmarks/regions.py --out DIR [--quick]``.

Writes regions.svg, .png, .json and .txt. Polygons of planes, pieces of lines and patterns of data sets, for
networks with He-initialised weights and Gaussian biases that become wider, or data sets that become larger.
Every measurement has a process of its own, so that its peak memory is its own; what the libraries take before
it starts is taken off.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import pairwise
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from racing import limit_threads, started

IMAGE = 784


@dataclass(frozen=True)
class Sweep:
    """Sizes of one kind: what is prepared for a size, and what is measured then and returns a count."""

    title: str
    axis: str
    unit: str
    sizes: tuple[int, ...]
    prepare: Callable[[int], tuple[Any, ...]]
    find: Callable[..., int]


@dataclass(frozen=True)
class Point:
    """One measurement."""

    size: int
    count: int
    seconds: float
    megabytes: float


def network(*widths: int, pieces: int = 1) -> Any:
    """Return a network of ReLUs, or of Maxouts, He-initialised, its biases Gaussian."""
    from minigrad import nn

    rng = np.random.default_rng(0)
    layers: list[nn.Module] = []
    for k, (before, n) in enumerate(pairwise(widths)):
        last = k == len(widths) - 2
        rows = n if last else n * pieces
        weight = rng.normal(size=(rows, before)) * np.sqrt(2 / before)
        layers.append(nn.Linear.of(weight, rng.normal(size=rows)))
        if not last:
            layers.append(nn.ReLU() if pieces == 1 else nn.Maxout([pieces] * n))
    return nn.Sequential(*layers)


def window(net: Any) -> tuple[Any, ...]:
    """Return the network and a square much larger than the biases' scale."""
    return net, [-30.0, -30.0], [60.0, 0.0], [0.0, 60.0]


def around_images(net: Any) -> tuple[Any, ...]:
    """Return the network and a parallelogram far around three images."""
    a, b, c = np.random.default_rng(1).random((3, IMAGE))
    return net, a - 10 * (b - a) - 10 * (c - a), 20 * (b - a), 20 * (c - a)


def images(count: int) -> Any:
    """Return random images."""
    return np.random.default_rng(1).random((count, IMAGE), dtype=np.float32)


def polygons(*arguments: Any) -> int:
    import minigrad as mg

    return len(mg.regions.plane(*arguments).regions)


def pieces(net: Any) -> int:
    import minigrad as mg

    a, b = np.random.default_rng(1).random((2, IMAGE))
    return len(mg.regions.line(net, a - 50 * (b - a), a + 50 * (b - a)))


def patterns(net: Any, data: Any) -> int:
    import minigrad as mg

    mg.regions.patterns(net, data)
    return len(data)


SWEEPS = (
    Sweep(
        "plane: 2-n-n-n-2, ReLU", "neurons in a layer", "polygons",
        (10, 20, 40, 80, 150, 250), lambda n: window(network(2, n, n, n, 2)), polygons,
    ),
    Sweep(
        "plane: 2-n-n-2, Maxout of 3", "neurons in a layer", "polygons",
        (10, 20, 40, 80, 150), lambda n: window(network(2, n, n, 2, pieces=3)), polygons,
    ),
    Sweep(
        "plane around images: 784-n-n-10, ReLU", "neurons in a layer", "polygons",
        (30, 60, 125, 250, 500), lambda n: around_images(network(IMAGE, n, n, 10)), polygons,
    ),
    Sweep(
        "line: 784-n-n-10, ReLU", "neurons in a layer", "pieces",
        (60, 125, 250, 500, 1000, 2000), lambda n: (network(IMAGE, n, n, 10),), pieces,
    ),
    Sweep(
        "patterns: 784-500-500-10, ReLU", "images", "images",
        (1000, 4000, 15000, 60000),
        lambda n: (network(IMAGE, 500, 500, 10), images(n)), patterns,
    ),
)  # fmt: skip


def measure(sweep: Sweep) -> list[Point]:
    """Return what each size took."""
    found = []
    for size in sweep.sizes:
        try:
            found.append(started(_measure, (sweep.title, size)).recv())
        except EOFError:
            print(f"{sweep.title}: size {size} failed", file=sys.stderr)
    return found


def _measure(title: str, size: int, pipe: Connection) -> None:
    sweep = next(sweep for sweep in SWEEPS if sweep.title == title)
    arguments = sweep.prepare(size)
    if sweep.find is polygons:  # imports are not measured
        polygons(*SWEEPS[0].prepare(3))
    before, start = _peak(), time.perf_counter()
    count = sweep.find(*arguments)
    pipe.send(Point(size, count, time.perf_counter() - start, max(0.0, _peak() - before)))


def _peak() -> float:
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kilobytes / 1e6 if sys.platform == "darwin" else kilobytes / 1e3


def table(sweep: Sweep, points: list[Point]) -> str:
    """Return the measurements of a sweep."""
    head = f"{sweep.axis:>20}{sweep.unit:>12}{'seconds':>10}{'a second':>12}{'more MB at peak':>18}"
    rows = [
        f"{p.size:>20,}{p.count:>12,}{p.seconds:>10.2f}{p.count / p.seconds:>12,.0f}{p.megabytes:>18,.0f}"
        for p in points
    ]
    return "\n".join([sweep.title, head, *rows])


def draw(results: list[tuple[Sweep, list[Point]]]) -> Any:
    """Return the picture: seconds, and memory, over the count; logarithmic."""
    from matplotlib.figure import Figure

    from viz.picture import Picture
    from viz.plots import house_style
    from viz.style import SERIES

    with house_style():
        figure = Figure(figsize=(10, 4.6), layout="constrained")
        panels = figure.subplots(1, 2)
        marks = zip(results, SERIES, "os^Dv", ("-", "--", "-.", ":", "-"), strict=False)
        for (sweep, points), paint, marker, dash in marks:
            count = [p.count for p in points]
            for axes, heights in zip(
                panels, ([p.seconds for p in points], [p.megabytes for p in points]), strict=True
            ):
                axes.loglog(count, heights, dash, marker=marker, color=paint.light, label=sweep.title)
        for axes, label in zip(panels, ("seconds", "MB at the peak, more than before"), strict=True):
            axes.set(xlabel="polygons, pieces or images", ylabel=label)
            axes.grid(alpha=0.5, linewidth=0.6)
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
        words = "\n\n".join(table(sweep, points) for sweep, points in results)
        return Picture(
            figure,
            title="How finding linear regions grows",
            description=f"Seconds and memory over how many there are, all logarithmic. {words}",
            text=words,
            data=[
                {"title": s.title, "unit": s.unit, "points": [asdict(point) for point in points]}
                for s, points in results
            ],
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure and plot how finding linear regions grows.")
    parser.add_argument("--out", type=Path, default=Path("regions"), help="folder to write to")
    parser.add_argument("--quick", action="store_true", help="leave out the largest sizes")
    parser.add_argument("--threads", type=int, default=1, help="of the libraries")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    limit_threads(options.threads)
    results = []
    for sweep in SWEEPS:
        if options.quick:
            sweep = Sweep(**{**vars(sweep), "sizes": sweep.sizes[:3]})
        results.append((sweep, measure(sweep)))
        print(table(*results[-1]), end="\n\n", flush=True)
    picture = draw(results)
    for suffix in ("svg", "png", "json", "txt"):
        print(picture.save(options.out / f"regions.{suffix}"))


if __name__ == "__main__":
    main()
