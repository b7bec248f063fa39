"""How peers are raced: each in a process of its own, one at a time, in turn, so that ratios hold."""

from __future__ import annotations

import multiprocessing
import os
import statistics
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

ROUNDS = 9
SECONDS_PER_ROUND = 0.25
STEPS_COMPARED = 4

PAUSE = 0.2
"""Seconds before each turn: BLAS's threads spin on for some 0.1 s, in the way of whoever comes next."""

Step = Callable[[], float]
Times = dict[str, list[float]]


def race(title: str, peers: dict[str, Callable[..., Step]], arguments: tuple[Any, ...]) -> Times:
    """Run the peers in turn, print the table, and return the seconds of a step in every round."""
    pipes, losses, missing = {}, {}, {}
    for name, make in peers.items():
        pipe = started(_work, (make, arguments))
        answer = pipe.recv()
        if isinstance(answer, str):
            missing[name] = answer
        else:
            pipes[name], losses[name] = pipe, answer
    reference = next(iter(losses.values()))
    for name, loss in losses.items():
        if np.isnan(loss).all():  # a floor, which computes none
            continue
        np.testing.assert_allclose(loss, reference, rtol=2e-3, err_msg=f"{name} computes something else")

    def ask(name: str, count: int) -> float:
        pipes[name].send(count)
        return float(pipes[name].recv()) / count

    count = {name: max(1, int(SECONDS_PER_ROUND / min(ask(name, 1) for _ in range(3)))) for name in pipes}
    times: Times = {name: [] for name in pipes}
    for _ in range(ROUNDS):
        for name in pipes:
            time.sleep(PAUSE)
            times[name].append(ask(name, count[name]))
    for pipe in pipes.values():
        pipe.send(0)
    print(table(title, times))
    for name, reason in missing.items():
        print(f"  {name:16s} left out: {reason}")
    print(flush=True)
    return times


def limit_threads(count: int) -> None:
    """Let every peer's libraries use so many threads, in processes that are started from now on."""
    for library in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
        os.environ[f"{library}_NUM_THREADS"] = str(count)
    if count == 1:
        os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"


def table(title: str, times: Times) -> str:
    """Return best and median of each peer, and the ratio of the best to that of every other."""
    best = {name: min(measured) for name, measured in times.items()}
    wide = max(map(len, best)) + 2
    columns = "".join(f"{f'× {name}':>{max(len(name) + 4, 9)}}" for name in best)
    lines = [title, f"  {'':{wide}}{'best':>12}{'median':>12}{columns}"]
    for name, measured in times.items():
        ratios = "".join(f"{best[name] / other:>{max(len(o) + 4, 9)}.2f}" for o, other in best.items())
        middle = statistics.median(measured) * 1e3
        lines.append(f"  {name:{wide}}{best[name] * 1e3:>9.3f} ms{middle:>9.3f} ms{ratios}")
    return "\n".join(lines)


def started(function: Callable[..., None], arguments: tuple[Any, ...]) -> Connection:
    """Call ``function(*arguments, pipe)`` in a process of its own, and return our end of the pipe."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    context.Process(target=function, args=(*arguments, theirs), daemon=True).start()
    theirs.close()  # the process has its own copy; without ours, its death is noticed
    return ours


def _work(make: Callable[..., Step], arguments: tuple[Any, ...], pipe: Connection) -> None:
    """Do the number of steps that is asked for, and answer with the time they took."""
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    try:
        step = make(*arguments)
        losses = [step() for _ in range(STEPS_COMPARED)]
    except Exception as error:
        pipe.send(f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}")
        return
    pipe.send(losses)
    while count := pipe.recv():
        for _ in range(count // 5):  # a peer that has waited for its turn starts cold
            step()
        start = time.perf_counter()
        for _ in range(count):
            step()
        pipe.send(time.perf_counter() - start)
