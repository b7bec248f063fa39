"""One training step, raced against peers: ``python benchmarks/races.py [mlp|scalar|memory|import]``.

``mlp``: forward, backward and Adam of ReLU networks with softmax cross-entropy, float32, against torch eager
and against the same step written out in NumPy.
``scalar``: forward and backward of an MLP(2, 16, 16, 1) on 100 moons, number by number, against micrograd.
``memory``: the most array memory that a training step of ``mlp`` needs, against the one written out.
``import``: the time of ``import minigrad`` against that of ``import numpy``, in fresh processes.

Each peer lives in a process of its own, and only one works at a time, in turn, so that the ratio holds when
the machine's speed drifts. Every peer starts from the same weights, and their losses must agree before the
race. Needs ``pip install torch==2.13.0 micrograd`` besides minigrad.
"""

from __future__ import annotations

import multiprocessing
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from itertools import pairwise
from multiprocessing.connection import Connection

import numpy as np

ROUNDS = 9
SECONDS_PER_ROUND = 0.25
MLPS = {
    "64-128-128-10, batch 32": ([64, 128, 128, 10], 32),
    "784-500-500-10, batch 100": ([784, 500, 500, 10], 100),
}

Step = Callable[[], float]


def mlp_data(widths: list[int], batch: int):
    rng = np.random.default_rng(0)
    weights = [(rng.standard_normal((b, a)) * (2 / a) ** 0.5).astype(np.float32) for a, b in pairwise(widths)]
    x = rng.standard_normal((batch, widths[0])).astype(np.float32)
    return weights, x, rng.integers(0, widths[-1], batch)


def mlp_minigrad(widths: list[int], batch: int) -> Step:
    from minigrad import nn, optim

    weights, x, y = mlp_data(widths, batch)
    layers: list[nn.Module] = []
    for weight in weights:
        layers += [nn.Linear.of(weight, np.zeros(len(weight), np.float32)), nn.ReLU()]
    net = nn.Sequential(*layers[:-1])
    adam = optim.Adam(net.parameters(), lr=1e-3)

    def step() -> float:
        adam.zero_grad()
        loss = nn.cross_entropy(net(x), y)
        loss.backward()
        adam.step()
        return loss.item()

    return step


def mlp_torch(widths: list[int], batch: int) -> Step:
    import torch

    torch.set_num_threads(2)
    weights, x, y = mlp_data(widths, batch)
    layers: list[torch.nn.Module] = []
    for weight in weights:
        layer = torch.nn.Linear(*weight.shape[::-1])
        layer.weight.data, layer.bias.data = torch.tensor(weight), torch.zeros(len(weight))
        layers += [layer, torch.nn.ReLU()]
    net = torch.nn.Sequential(*layers[:-1])
    adam = torch.optim.Adam(net.parameters(), 1e-3, fused=True)
    inputs, labels = torch.tensor(x), torch.tensor(y)

    def step() -> float:
        adam.zero_grad()
        loss = torch.nn.functional.cross_entropy(net(inputs), labels)
        loss.backward()
        adam.step()
        return loss.item()

    return step


def mlp_numpy(widths: list[int], batch: int) -> Step:
    from handwritten import HandwrittenMLP

    return HandwrittenMLP(*mlp_data(widths, batch)).step


def scalar(value: type) -> Step:
    from sklearn.datasets import make_moons

    rng = np.random.default_rng(0)
    x, y = make_moons(100, noise=0.1, random_state=0)
    shapes = [(16, 2), (16, 16), (1, 16)]
    layers = [
        ([[value(float(w)) for w in row] for row in rng.uniform(-1, 1, shape)], [value(0.0)] * shape[0])
        for shape in shapes
    ]

    def step() -> float:
        total = value(0.0)
        for point, target in zip(x, 2 * y - 1, strict=True):
            h = [float(number) for number in point]
            for k, (weights, biases) in enumerate(layers):
                h = [
                    sum((w * a for w, a in zip(row, h, strict=True)), b)
                    for row, b in zip(weights, biases, strict=True)
                ]
                h = [a.relu() for a in h] if k < 2 else h
            total = total + (1 + -float(target) * h[0]).relu()
        total.backward()
        return float(total.data)

    return step


def scalar_minigrad() -> Step:
    from minigrad import Value

    return scalar(Value)


def scalar_micrograd() -> Step:
    from micrograd.engine import Value

    return scalar(Value)


def work(make: Callable[..., Step], arguments: tuple, pipe: Connection) -> None:
    """Run in the peer's process: do the number of steps that is asked for, answer with the time they took."""
    step = make(*arguments)
    pipe.send([step() for _ in range(3)])
    while count := pipe.recv():
        for _ in range(count // 5):  # a peer that has waited for its turn starts cold
            step()
        start = time.perf_counter()
        for _ in range(count):
            step()
        pipe.send(time.perf_counter() - start)


def race(title: str, peers: dict[str, Callable[..., Step]], arguments: tuple = ()) -> None:
    """Run the peers in turn; print the median of each and its ratio to the first."""
    context = multiprocessing.get_context("spawn")
    pipes, losses = {}, {}
    for name, make in peers.items():
        pipes[name], end = context.Pipe()
        context.Process(target=work, args=(make, arguments, end), daemon=True).start()
        end.close()  # the peer has its own copy; without ours, its death is noticed
        try:
            losses[name] = pipes[name].recv()
        except EOFError:
            raise SystemExit(f"{name} did not start; its error stands above") from None
    reference = next(iter(losses.values()))
    for name, loss in losses.items():
        np.testing.assert_allclose(loss, reference, rtol=2e-3, err_msg=f"{name} computes something else")

    def ask(name: str, count: int) -> float:
        pipes[name].send(count)
        return pipes[name].recv() / count

    count = {name: max(1, int(SECONDS_PER_ROUND / min(ask(name, 1) for _ in range(3)))) for name in peers}
    times: dict[str, list[float]] = {name: [] for name in peers}
    for _ in range(ROUNDS):
        for name in peers:
            times[name].append(ask(name, count[name]))
    print(title)
    for name, measured in times.items():
        print(f"  {name:10s} {statistics.median(measured) * 1e3:9.3f} ms a step")
    ours = times.pop("minigrad")
    for name, measured in times.items():
        ratio = statistics.median(ours) / statistics.median(measured)
        print(f"  minigrad takes {ratio:5.2f} × {name} (best of each: {min(ours) / min(measured):.2f})")
    for pipe in pipes.values():
        pipe.send(0)


def peak_memory(make: Callable[..., Step], arguments: tuple, pipe: Connection) -> None:
    """Run in a process of its own: answer with the most bytes that were held during a step."""
    step = make(*arguments)  # imports included
    tracemalloc.start()
    step = make(*arguments)
    for _ in range(3):
        step()
    pipe.send(tracemalloc.get_traced_memory()[1])


def compare_memory(title: str, arguments: tuple) -> None:
    context = multiprocessing.get_context("spawn")
    peaks = {}
    for name, make in {"numpy": mlp_numpy, "minigrad": mlp_minigrad}.items():
        pipe, end = context.Pipe()
        context.Process(target=peak_memory, args=(make, arguments, end), daemon=True).start()
        peaks[name] = pipe.recv()
    print(title)
    for name, peak in peaks.items():
        print(f"  {name:10s} {peak / 1e6:9.2f} MB at most   {peak / peaks['numpy']:5.2f} × numpy")


def compare_imports() -> None:
    def seconds(module: str) -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", f"import {module}"], check=True)
        return time.perf_counter() - start

    times = {module: min(seconds(module) for _ in range(20)) for module in ("numpy", "minigrad")}
    print("import, in a fresh process, with compiled bytecode")
    for module, best in times.items():
        print(f"  {module:10s} {best * 1e3:9.1f} ms   {best / times['numpy']:5.2f} × numpy")


if __name__ == "__main__":
    wanted = sys.argv[1:] or ["mlp", "scalar", "memory", "import"]
    if "mlp" in wanted:
        for title, arguments in MLPS.items():
            race(title, {"torch": mlp_torch, "numpy": mlp_numpy, "minigrad": mlp_minigrad}, arguments)
    if "scalar" in wanted:
        race(
            "MLP(2, 16, 16, 1) on 100 moons, scalars",
            {"micrograd": scalar_micrograd, "minigrad": scalar_minigrad},
        )
    if "memory" in wanted:
        for title, arguments in MLPS.items():
            compare_memory(title, arguments)
    if "import" in wanted:
        compare_imports()
