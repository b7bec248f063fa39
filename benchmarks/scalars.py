"""Forward and backward of a small network on moons, number by number, written for every peer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Step = Callable[[], float]
SIZES = [2, 16, 16, 1]


def built(value: Callable[[float], Any], points: int, relu: Callable[[Any], Any]) -> tuple[list[Any], Any]:
    """Return the parameters, and a function for the hinge loss, for any kind of scalar."""
    from sklearn.datasets import make_moons

    rng = np.random.default_rng(0)
    x, y = make_moons(points, noise=0.1, random_state=0)
    shapes = list(zip(SIZES[1:], SIZES, strict=False))
    layers = [
        (
            [[value(float(w)) for w in row] for row in rng.uniform(-1, 1, shape)],
            [value(0.0) for _ in range(shape[0])],
        )
        for shape in shapes
    ]
    parameters = [p for rows, biases in layers for group in (*rows, biases) for p in group]

    def loss() -> Any:
        total: Any = 0.0
        for point, target in zip(x, 2 * y - 1, strict=True):
            h: list[Any] = [float(number) for number in point]
            for k, (rows, biases) in enumerate(layers):
                h = [
                    sum((w * a for w, a in zip(row, h, strict=True)), b)
                    for row, b in zip(rows, biases, strict=True)
                ]
                h = [relu(a) for a in h] if k < len(layers) - 1 else h
            total = total + relu(1 + -float(target) * h[0])
        return total * (1 / points)

    return parameters, loss


def _values(kind: Any, points: int) -> tuple[list[Any], Callable[[], Any]]:
    parameters, loss = built(kind, points, lambda a: a.relu())

    def step() -> Any:
        for p in parameters:
            p.grad = 0.0
        result = loss()
        result.backward()
        return result

    return parameters, step


def minigrad_values(points: int) -> Step:
    from minigrad import Value

    _, step = _values(Value, points)
    return lambda: float(step().data)


def minigrad_compiled(points: int) -> Step:
    import minigrad as mg

    _, step = _values(mg.Value, points)
    run = mg.compile(step)
    return lambda: float(run().data)


def micrograd(points: int) -> Step:
    from micrograd.engine import Value

    _, step = _values(Value, points)
    return lambda: float(step().data)


def casadi(points: int) -> Step:
    import casadi as ca

    start: list[float] = []

    def symbol(number: float) -> Any:
        start.append(number)
        return ca.SX.sym(f"p{len(start)}")

    parameters, loss = built(symbol, points, lambda a: ca.fmax(a, 0))
    vector, objective = ca.vertcat(*parameters), loss()
    both = ca.Function("step", [vector], [objective, ca.gradient(objective, vector)])
    order = {str(p): k for k, p in enumerate(parameters)}
    values = [start[int(name[1:]) - 1] for name in order]

    def step() -> float:
        result, _ = both(values)
        return float(result)

    return step


PEERS: dict[str, Callable[[int], Step]] = {
    "micrograd": micrograd,
    "casadi": casadi,
    "minigrad": minigrad_values,
    "compiled": minigrad_compiled,
}
