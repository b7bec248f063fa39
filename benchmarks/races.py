"""Races against peers: ``python benchmarks/races.py [training|scalar|memory|capture|import]``.

``training``: forward, backward and Adam of ReLU networks with softmax cross-entropy, float32, eager and
compiled, against torch, torch.compile, JAX and the same step written out in NumPy; and the floor: its matrix
products and one fused Adam, nothing else.
``scalar``: forward and backward of an MLP(2, 16, 16, 1) on 100 moons, number by number, against micrograd
and CasADi's compiled function.
``memory``: the most array memory that a training step needs, against the one written out.
``capture``: how long it takes until a step is replayed.
``import``: the time of ``import minigrad`` against that of ``import numpy``, in fresh processes.

Each peer lives in a process of its own, and only one works at a time, in turn, so that the ratio holds when
the machine's speed drifts. Every peer starts from the same weights, and their losses must agree before the
race. Where other work keeps the machine busy, ``--threads 1`` is steadier: libraries' threads wait for each
other by spinning. Peers that are not installed are left out:
``pip install torch==2.13.0 jax micrograd casadi numba``.
"""

from __future__ import annotations

import argparse
import gc
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import scalars
import training
from racing import Step, limit_threads, race, started

NETWORKS = {
    "64-128-128-10, batch 32": ([64, 128, 128, 10], 32),
    "784-500-500-10, batch 100": ([784, 500, 500, 10], 100),
    "784-9×500-10, batch 100": ([784, *[500] * 9, 10], 100),
}

ARRAY = 1024
"""Bytes: what is smaller is Python's, not an array that matters."""


def compare_memory(title: str, arguments: tuple[Any, ...]) -> None:
    """Print the most bytes that a peer holds while it takes a step, parameters and memory included."""
    peaks = {}
    for name in ("handwritten", "minigrad", "compiled", "compiled, fast"):
        peak = started(_peak_memory, (training.PEERS[name], arguments)).recv()
        if peak is not None:
            peaks[name] = peak
    print(title)
    for name, (peak, added) in peaks.items():
        ratio = peak / peaks["handwritten"][0]
        held = f"{peak / 1e6:9.2f} MB, {ratio:5.2f} × handwritten"
        print(f"  {name:16s}{held}; {added / 1e3:9.1f} kB come and go in a step")
    print(flush=True)


def _peak_memory(make: Callable[..., Step], arguments: tuple[Any, ...], pipe: Connection) -> None:
    """Answer with the most bytes held during a step, and how many of them only then."""
    try:
        step = make(*arguments)
        for _ in range(4):  # imports, and kernels that are compiled once
            step()
    except ImportError:
        pipe.send(None)
        return
    tracemalloc.start()
    step = make(*arguments)
    for _ in range(4):
        step()
    gc.collect()
    held = sum(trace.size for trace in tracemalloc.take_snapshot().traces if trace.size >= ARRAY)
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    step()
    _, peak = tracemalloc.get_traced_memory()
    pipe.send((held + peak - before, peak - before))


def measure_capture(title: str, arguments: tuple[Any, ...]) -> None:
    """Print how long the calls take that are written down, and how much of it is beyond a step."""
    print(title)
    for name in ("minigrad", "compiled", "compiled, fast"):
        seconds = started(_first_calls, (training.PEERS[name], arguments)).recv()
        if seconds is not None:
            calls = "".join(f"{second * 1e3:10.2f} ms" for second in seconds)
            print(f"  {name:16s} calls 1, 2, 3, 4:{calls}")
    print(flush=True)


def _first_calls(make: Callable[..., Step], arguments: tuple[Any, ...], pipe: Connection) -> None:
    """Answer with the seconds of the first four calls, once everything is imported."""
    try:
        warm = make([4, 4, 3], 2)
        for _ in range(3):
            warm()
    except ImportError:
        pipe.send(None)
        return
    step = make(*arguments)
    seconds = []
    for _ in range(4):
        start = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - start)
    pipe.send(seconds)


def compare_imports() -> None:
    def seconds(module: str) -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", f"import {module}"], check=True)
        return time.perf_counter() - start

    times = {module: min(seconds(module) for _ in range(20)) for module in ("numpy", "minigrad")}
    print("import, in a fresh process, with compiled bytecode")
    for module, best in times.items():
        print(f"  {module:16s}{best * 1e3:9.1f} ms   {best / times['numpy']:5.2f} × numpy")


def main() -> None:
    known = ["training", "scalar", "memory", "capture", "import"]
    parser = argparse.ArgumentParser(description="Race a training step against peers.")
    parser.add_argument("races", nargs="*", metavar="race", help=f"of {', '.join(known)}; by default all")
    parser.add_argument("--threads", type=int, default=2, help="of every peer's libraries")
    options = parser.parse_args()
    wanted = options.races or known
    if unknown := set(wanted) - set(known):
        parser.error(f"there is no race {', '.join(sorted(unknown))}; choose from {', '.join(known)}")
    limit_threads(options.threads)
    for name, run in (
        ("training", lambda title, arguments: race(title, training.PEERS, arguments)),
        ("memory", compare_memory),
        ("capture", measure_capture),
    ):
        for title, arguments in NETWORKS.items() if name in wanted else ():
            run(title, arguments)
    if "scalar" in wanted:
        race("MLP(2, 16, 16, 1) on 100 moons, scalars", scalars.PEERS, (100,))
    if "import" in wanted:
        compare_imports()


if __name__ == "__main__":
    main()
