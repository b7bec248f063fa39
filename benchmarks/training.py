"""One training step of a ReLU network, written for every peer: forward, backward and Adam, float32."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

Step = Callable[[], float]


def data(widths: list[int], batch: int) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Return the same weights, inputs and labels for every peer."""
    rng = np.random.default_rng(0)
    weights = [(rng.standard_normal((b, a)) * (2 / a) ** 0.5).astype(np.float32) for a, b in pairwise(widths)]
    x = rng.standard_normal((batch, widths[0])).astype(np.float32)
    return weights, x, rng.integers(0, widths[-1], batch)


def minigrad_step(widths: list[int], batch: int) -> tuple[Callable[[Any, Any], Any], Any, Any]:
    """Return minigrad's step, and what to call it with."""
    from minigrad import nn, optim

    weights, x, y = data(widths, batch)
    layers: list[nn.Module] = []
    for weight in weights:
        layers += [nn.Linear.of(weight, np.zeros(len(weight), np.float32)), nn.ReLU()]
    net = nn.Sequential(*layers[:-1])
    adam = optim.Adam(net.parameters(), lr=1e-3)

    def step(x: Any, y: Any) -> Any:
        adam.zero_grad()
        loss = nn.cross_entropy(net(x), y)
        loss.backward()
        adam.step()
        return loss

    return step, x, y


def eager(widths: list[int], batch: int) -> Step:
    step, x, y = minigrad_step(widths, batch)
    return lambda: step(x, y).item()


def compiled(widths: list[int], batch: int) -> Step:
    return _compiled(widths, batch, "numpy")


def compiled_fast(widths: list[int], batch: int) -> Step:
    import numba  # noqa: F401  without it, this peer is left out

    return _compiled(widths, batch, "numba")


def _compiled(widths: list[int], batch: int, backend: str) -> Step:
    import minigrad as mg

    step, x, y = minigrad_step(widths, batch)
    run = mg.compile(step, backend=backend)
    return lambda: run(x, y).item()


def handwritten(widths: list[int], batch: int) -> Step:
    from handwritten import HandwrittenMLP

    return HandwrittenMLP(*data(widths, batch)).step


def torch_eager(widths: list[int], batch: int) -> Step:
    return _torch(widths, batch, compiled=False)


def torch_compile(widths: list[int], batch: int) -> Step:
    return _torch(widths, batch, compiled=True)


def _torch(widths: list[int], batch: int, compiled: bool) -> Step:
    import torch

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    weights, x, y = data(widths, batch)
    layers: list[torch.nn.Module] = []
    for weight in weights:
        layer = torch.nn.Linear(*weight.shape[::-1])
        layer.weight.data, layer.bias.data = torch.tensor(weight), torch.zeros(len(weight))
        layers += [layer, torch.nn.ReLU()]
    net = torch.nn.Sequential(*layers[:-1])
    adam = torch.optim.Adam(net.parameters(), 1e-3, fused=True)
    inputs, labels = torch.tensor(x), torch.tensor(y)

    def objective() -> Any:
        return torch.nn.functional.cross_entropy(net(inputs), labels)

    forward = torch.compile(objective) if compiled else objective

    def step() -> float:
        adam.zero_grad()
        loss = forward()
        loss.backward()
        adam.step()
        return loss.item()

    return step


def jax_jit(widths: list[int], batch: int) -> Step:
    import jax
    import jax.numpy as jnp

    weights, x, y = data(widths, batch)
    inputs, labels, rows = jnp.asarray(x), jnp.asarray(y), jnp.arange(batch)
    beta1, beta2, rate, eps = 0.9, 0.999, 1e-3, 1e-8

    def objective(parameters: Any) -> Any:
        z = inputs
        for k, (weight, bias) in enumerate(parameters):
            z = (jax.nn.relu(z) if k else z) @ weight.T + bias
        return -jax.nn.log_softmax(z)[rows, labels].mean()

    @jax.jit
    def update(parameters: Any, mean: Any, square: Any, count: Any) -> Any:
        loss, slope = jax.value_and_grad(objective)(parameters)
        count = count + 1
        mean = jax.tree.map(lambda m, g: beta1 * m + (1 - beta1) * g, mean, slope)
        square = jax.tree.map(lambda v, g: beta2 * v + (1 - beta2) * g * g, square, slope)
        first, second = 1 - beta1**count, 1 - beta2**count
        parameters = jax.tree.map(
            lambda p, m, v: p - rate * (m / first) / (jnp.sqrt(v / second) + eps), parameters, mean, square
        )
        return parameters, mean, square, count, loss

    start = [(jnp.asarray(w), jnp.zeros(len(w), jnp.float32)) for w in weights]
    zeros = jax.tree.map(jnp.zeros_like, start)
    state = [start, zeros, zeros, jnp.float32(0)]

    def step() -> float:
        *state[:], loss = update(*state)
        return float(loss)

    return step


def floor(widths: list[int], batch: int) -> Step:
    """What no step in NumPy can do without: its matrix products into arrays there are, and one fused Adam."""
    import numba

    weights, x, _ = data(widths, batch)
    outputs = [np.ones((batch, len(weight)), np.float32) for weight in weights]
    inputs = [x, *outputs[:-1]]
    slopes, back = [np.empty_like(weight) for weight in weights], [np.empty_like(z) for z in inputs]

    @numba.njit(error_model="numpy", nogil=True)
    def adam(p: Any, g: Any, m: Any, v: Any, rate: Any, eps: Any) -> None:
        for i in range(p.size):
            m[i] = np.float32(0.9) * m[i] + g[i]
            v[i] = np.float32(0.999) * v[i] + g[i] * g[i]
            p[i] -= rate * m[i] / (np.sqrt(v[i]) + eps)

    count = sum(weight.size for weight in weights)
    flat, slope, mean, square = (np.full(count, value, np.float32) for value in (0.1, 1e-3, 0, 0))

    def step() -> float:
        for z, out, weight in zip(inputs, outputs, weights, strict=True):
            np.matmul(z, weight.T, out=out)
        for k in range(len(weights) - 1, -1, -1):
            np.matmul(outputs[k].T, inputs[k], out=slopes[k])
            if k:
                np.matmul(outputs[k], weights[k], out=back[k])
        adam(flat, slope, mean, square, np.float32(1e-3), np.float32(1e-8))
        return float("nan")  # it computes no loss

    return step


PEERS: dict[str, Callable[[list[int], int], Step]] = {
    "torch": torch_eager,
    "torch.compile": torch_compile,
    "jax.jit": jax_jit,
    "handwritten": handwritten,
    "minigrad": eager,
    "compiled": compiled,
    "compiled, fast": compiled_fast,
    "floor": floor,
}
"""``compiled`` is minigrad's replay with NumPy alone, ``fast`` the one with numba."""
