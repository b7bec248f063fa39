"""How cost grows: ``python benchmarks/growth.py --out DIR [--quick]`` writes growth.svg, .png and .json.

One step (forward, backward, Adam) of a network that becomes wider, deeper, or gets more examples at once, and
forward and backward of 10² to 10⁶ scalar nodes: eager, compiled, and where it can be compared, written out in
NumPy. Prints the time for a unit of work, which should not grow with the work, and the exponent p of
time ∼ workᵖ over the upper half of the sizes: 1 is linear.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import training
from racing import Step, limit_threads, started

SECONDS = 0.3
"""How long a size is measured, at least three steps."""


@dataclass(frozen=True)
class Sweep:
    """Sizes of one kind: how to make the step of a size, and what work it is."""

    title: str
    axis: str
    sizes: tuple[int, ...]
    arguments: Callable[[int], tuple[Any, ...]]
    work: Callable[[int], float]
    unit: str
    peers: dict[str, Callable[..., Step]]


def multiplications(widths: Sequence[int], batch: int) -> float:
    """Return the multiplications of a step: three matrix products a layer."""
    return 3.0 * batch * sum(a * b for a, b in pairwise(widths))


def chain(nodes: int) -> tuple[Any, Callable[[], Any]]:
    """Return a leaf, and a function that computes with it in as many nodes: as a network, in layers."""
    from minigrad import Value

    leaves = [Value(0.01 * k) for k in range(-5, 5)]

    def loss() -> Any:
        layer, made, total = leaves, 0, Value(0.0)
        while made < nodes:
            layer = [a * b + a for a, b in zip(layer, layer[1:] + layer[:1], strict=True)]
            layer = [a.tanh() for a in layer] if made % 80 == 0 else layer
            total = total + layer[0]
            made += 3 * len(layer)
        return total

    return leaves, loss


def scalar_eager(nodes: int) -> Step:
    step = _scalar_step(nodes)
    return lambda: float(step().data)


def scalar_compiled(nodes: int) -> Step:
    import minigrad as mg

    run = mg.compile(_scalar_step(nodes))
    return lambda: float(run().data)


def _scalar_step(nodes: int) -> Callable[[], Any]:
    leaves, loss = chain(nodes)

    def step() -> Any:
        for leaf in leaves:
            leaf.grad = 0.0
        result = loss()
        result.backward()
        return result

    return step


NETWORKS = {name: training.PEERS[name] for name in ("handwritten", "minigrad", "compiled", "compiled, fast")}
STYLES = {
    "handwritten": ("s", ":"),
    "minigrad": ("o", "--"),
    "compiled": ("^", "-"),
    "compiled, fast": ("D", "-."),
}
SCALARS = {"minigrad": scalar_eager, "compiled": scalar_compiled}


def network_sweep(
    title: str, axis: str, sizes: tuple[int, ...], shape: Callable[[int], tuple[Any, ...]]
) -> Sweep:
    return Sweep(title, axis, sizes, shape, lambda n: multiplications(*shape(n)), "multiplication", NETWORKS)


SWEEPS = (
    network_sweep(
        "width: 64-n-n-10, batch 32",
        "neurons in a layer",
        (16, 32, 64, 128, 256, 512, 1024),
        lambda n: ([64, n, n, 10], 32),
    ),
    network_sweep(
        "depth: n layers of 128, batch 32",
        "hidden layers",
        (1, 2, 4, 8, 16, 32, 64),
        lambda n: ([64, *[128] * n, 10], 32),
    ),
    network_sweep(
        "batch: 64-128-128-10",
        "examples",
        (1, 4, 16, 64, 256, 1024, 4096),
        lambda n: ([64, 128, 128, 10], n),
    ),
    Sweep(
        "scalars: forward and backward",
        "nodes",
        (10**2, 10**3, 10**4, 10**5, 10**6),
        lambda n: (n,),
        float,
        "node",
        SCALARS,
    ),
)


def measure(sweep: Sweep) -> dict[str, list[float | None]]:
    """Return the seconds of a step by peer and size; None where there is no such peer."""
    found = {}
    for name, make in sweep.peers.items():
        pipe = started(_measure, (make, [sweep.arguments(size) for size in sweep.sizes]))
        seconds: list[float | None] = []
        for _ in sweep.sizes:
            try:
                seconds.append(pipe.recv())
            except EOFError:
                seconds.append(None)
        found[name] = seconds
    return {name: seconds for name, seconds in found.items() if any(seconds)}


def _measure(make: Callable[..., Step], arguments: list[tuple[Any, ...]], pipe: Connection) -> None:
    for given in arguments:
        try:
            step = make(*given)
        except ImportError:
            return
        for _ in range(3):
            step()
        best, end, count = float("inf"), time.perf_counter() + SECONDS, 0
        while count < 3 or time.perf_counter() < end:
            start = time.perf_counter()
            step()
            best, count = min(best, time.perf_counter() - start), count + 1
        pipe.send(best)


def exponent(work: Sequence[float], seconds: Sequence[float | None]) -> float:
    """Return p of time ∼ workᵖ, fitted to the upper half of the sizes."""
    pairs = [(w, s) for w, s in zip(work, seconds, strict=True) if s is not None]
    pairs = pairs[len(pairs) // 2 :]
    x, y = np.log([w for w, _ in pairs]), np.log([s for _, s in pairs])
    return float(np.polyfit(x, y, 1)[0])


def table(sweep: Sweep, times: dict[str, list[float | None]]) -> str:
    """Return the nanoseconds for a unit of work, by peer and size."""
    work = [sweep.work(size) for size in sweep.sizes]
    lines = [
        f"{sweep.title}: ns for a {sweep.unit}",
        f"  {sweep.axis:20s}" + "".join(f"{n:>10}" for n in sweep.sizes),
    ]
    for name, seconds in times.items():
        cells = "".join(
            f"{'–':>10}" if s is None else f"{s / w * 1e9:>10.3g}" for s, w in zip(seconds, work, strict=True)
        )
        lines.append(f"  {name:20s}{cells}    time ∼ work^{exponent(work, seconds):.2f}")
    return "\n".join(lines)


def draw(results: list[tuple[Sweep, dict[str, list[float | None]]]]) -> Any:
    """Return the picture: time over size, logarithmic, a panel for each sweep."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullFormatter, NullLocator

    from viz.picture import Picture
    from viz.plots import house_style
    from viz.style import MUTED, SERIES

    with house_style():
        figure = Figure(figsize=(10, 7.2), layout="constrained")
        for axes, (sweep, times) in zip(figure.subplots(2, 2).flat, results, strict=True):
            for (name, (marker, dash)), paint in zip(STYLES.items(), SERIES, strict=False):
                if name in times:
                    shown = [
                        (n, s * 1e3) for n, s in zip(sweep.sizes, times[name], strict=True) if s is not None
                    ]
                    axes.loglog(*zip(*shown, strict=True), dash, marker=marker, color=paint.light, label=name)
            last = [s for seconds in times.values() for s in seconds[-1:] if s is not None]
            work = np.array([sweep.work(n) for n in sweep.sizes])
            proportional = work / work[-1] * min(last) * 1e3
            axes.loglog(
                sweep.sizes, proportional, color=MUTED.light, linewidth=0.8, label="proportional to the work"
            )
            axes.set(title=sweep.title, xlabel=sweep.axis, ylabel="ms a step")
            axes.set_xticks(sweep.sizes, [f"{n:,}" for n in sweep.sizes])
            axes.xaxis.set_minor_locator(NullLocator())
            axes.yaxis.set_minor_formatter(NullFormatter())
            low, high = axes.get_ylim()
            decades = [10.0**k for k in range(-4, 5) if low <= 10.0**k <= high]
            axes.set_yticks(decades, [f"{y:g}" for y in decades])
            axes.grid(alpha=0.5, linewidth=0.6)
        figure.axes[0].legend()
        words = "\n".join(table(sweep, times) for sweep, times in results)
        return Picture(
            figure,
            title="How cost grows",
            description=f"Milliseconds of a step over its size, both logarithmic. {words}",
            text=words,
            data=[
                {"title": s.title, "sizes": s.sizes, "work": [*map(s.work, s.sizes)], "seconds": t}
                for s, t in results
            ],
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure and plot how the cost of a step grows.")
    parser.add_argument("--out", type=Path, default=Path("growth"), help="folder to write to")
    parser.add_argument("--quick", action="store_true", help="leave out the largest sizes")
    parser.add_argument(
        "--threads", type=int, default=1, help="of the libraries; more are noise on a shared machine"
    )
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    limit_threads(options.threads)
    results = []
    for sweep in SWEEPS:
        if options.quick:
            sweep = Sweep(**{**vars(sweep), "sizes": sweep.sizes[:4]})
        results.append((sweep, measure(sweep)))
        print(table(*results[-1]), end="\n\n", flush=True)
    picture = draw(results)
    for suffix in ("svg", "png", "json", "txt"):
        print(picture.save(options.out / f"growth.{suffix}"))


if __name__ == "__main__":
    main()
