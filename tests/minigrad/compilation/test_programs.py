"""Random programs and every primitive, compiled and eager, over several calls with other numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn
from minigrad.compilation.interpreter import interpreted
from minigrad.rules import REGISTRY

from ..strategies import samples
from .helpers import assert_same, copied, counted

EVERY = sorted(name for name, primitive in REGISTRY.items() if not primitive.added)
SHAPE = (3, 4)


def in_place(x: Any, y: Any) -> Any:
    t = x * 1
    t += y
    t[1] = y[..., :4] if np.shape(y) == (4,) else 0.5
    t[:, ::2] *= 2
    return t


def without_graph(x: Any, y: Any) -> Any:
    with mg.no_grad():
        z = np.tanh(x) + y
    return z * x


def decided(x: Any, y: Any) -> Any:
    return x * 2 if np.sum(x.data) > 0 else y + x


UNARY: dict[str, Callable[[Any], Any]] = {
    "tanh": np.tanh,
    "exp": lambda x: np.exp(np.tanh(x)),
    "square": np.square,
    "negative": lambda x: -x,
    "relu": mg.relu,
    "abs": np.abs,
    "cube": lambda x: x**3,
    "softmax": lambda x: mg.softmax(x, axis=-1),
    "log_softmax": lambda x: mg.log_softmax(x, axis=0),
    "cumsum": lambda x: np.cumsum(x, axis=1),
    "sort": lambda x: np.sort(x, axis=0),
    "sum": lambda x: x - np.sum(x, axis=0),
    "mean": lambda x: x - np.mean(x, axis=1, keepdims=True),
    "max": lambda x: x - np.max(x, axis=0),
    "reversed": lambda x: x[::-1, ::-1],
    "fancy": lambda x: x[[2, 0, 0]][:, np.array([3, 1, 1, 0])],
    "mask": lambda x: x * (x > 0.1),
    "turned": lambda x: np.transpose(np.reshape(x, (4, 3))),
    "gram": lambda x: (x @ x.T) @ x,
    "einsum": lambda x: np.einsum("ij,kj->ki", x, x) @ x,
    "joined": lambda x: np.concatenate([x[:1], x[1:]], axis=0),
    "detached": lambda x: x.detach() * x,
    "float32": lambda x: x.astype(np.float32).astype(np.float64),
    "convolved": lambda x: mg.conv1d(x[None], np.ones((3, 3, 3)) * 0.1, padding=1)[0],
}
BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / (2 + np.sin(y)),
    "maximum": np.maximum,
    "where": lambda x, y: np.where(x > 0.1, x, y),
    "product": lambda x, y: (x @ np.transpose(y)) @ x * 0.1,
    "in place": in_place,
    "no_grad": without_graph,
    "decided": decided,
}


@st.composite
def random_programs(draw: Any, steps: int = 8) -> list[tuple[str, int, int]]:
    """Operations, each with the places of its operands among all results so far."""
    names = st.sampled_from([*UNARY, *BINARY])
    count = draw(st.integers(1, steps))
    return [(draw(names), draw(st.integers(0, 4 + k)), draw(st.integers(0, 4 + k))) for k in range(count)]


def run(program: list[tuple[str, int, int]], pool: list[Any]) -> list[Any]:
    for name, i, j in program:
        full = pool[i] + np.zeros(SHAPE)
        pool.append(UNARY[name](full) if name in UNARY else BINARY[name](full, pool[j] + np.zeros(SHAPE)))
        size = np.max(np.abs(pool[-1].data))
        if size > 100:
            pool[-1] = pool[-1] / 100
    return pool


def arguments(seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    wide = rng.standard_normal((4, 6))
    return [wide[::-1, ::2].T, rng.standard_normal(4), rng.standard_normal(()), rng.standard_normal((3, 1))]


def step_of(program: list[tuple[str, int, int]], accumulate: bool) -> tuple[Any, list[Any]]:
    leaves = [mg.tensor(np.linspace(-1, 1, 12).reshape(SHAPE), requires_grad=True)]

    def step(a: Any, b: Any, c: Any, d: Any) -> Any:
        if not accumulate:
            leaves[0].grad = None
        pool = run(
            program, [leaves[0], mg.tensor(a) * leaves[0], b * leaves[0], c + leaves[0], leaves[0] - d]
        )
        loss = sum(np.sum(x) for x in pool[5:]) + np.sum(pool[0])
        loss.backward()
        return {"last": pool[-1], "parts": (loss, [pool[5], pool[1].data * 2]), "plain": a * 2}

    return step, leaves


@settings(max_examples=60)
@given(random_programs(), st.booleans(), st.lists(st.integers(0, 5), min_size=6, max_size=8))
def test_random_programs(program: list[tuple[str, int, int]], accumulate: bool, seeds: list[int]) -> None:
    seen = []
    for compiled in (False, True):
        step, leaves = step_of(program, accumulate)
        step, calls = counted(step)
        function = mg.compile(step) if compiled else step
        results = []
        for seed in [0, 0, 0, *seeds]:
            results.append([copied(function(*arguments(seed))), copied(leaves[0].grad)])
        seen.append(results)
    assert_same(seen[1], seen[0])
    assert calls() < 3 + len(seeds)


@settings(max_examples=30)
@given(random_programs(), st.booleans())
def test_an_interpreted_program_gives_the_same(program: list[tuple[str, int, int]], accumulate: bool) -> None:
    step, leaves = step_of(program, accumulate)
    compiled = mg.compile(step)
    for _ in range(3):
        compiled(*arguments(0))
    (after,), (before,) = compiled.programs, compiled.captured
    values = interpreted(after, arguments(0))
    assume(values is not None)
    expected = interpreted(before, arguments(0))
    assert expected is not None
    for slot in after.wanted:
        if slot in expected:
            assert_same(values[slot], expected[slot])
    result = compiled(*arguments(0))
    assert_same(result["last"].data, values[after.outputs["last"].slot])
    assert_same(result["plain"], values[after.outputs["plain"].slot])
    grad = next(effect.slot for effect in after.effects if effect.kind == "grad")
    assert_same(leaves[0].grad, values[grad])


@pytest.mark.parametrize("name", EVERY)
@settings(max_examples=4)
@given(st.data())
def test_every_primitive(name: str, data: Any) -> None:
    sample = data.draw(samples(name))
    dtype = data.draw(st.sampled_from([np.float64, np.float32]))
    args = [x if x.dtype.kind in "iub" else x.astype(dtype) for x in sample.args]
    leaves = [
        mg.Tensor(x.copy(), requires_grad=wanted and x.dtype.kind == "f")
        for x, wanted in zip(args, sample.wanted, strict=True)
    ]

    def step(*given: Any) -> Any:
        for leaf in leaves:
            leaf.grad = None
        out = sample.primitive(*given, **sample.options)
        parts = out if isinstance(out, (tuple, list)) else [out]
        for part in parts:
            if part.requires_grad:
                np.sum(part * part).backward(retain_graph=True)
        return [*parts, *(leaf.grad for leaf in leaves)]

    compiled = mg.compile(step)
    for k in range(5):
        for leaf, x in zip(leaves, args, strict=True):
            leaf.data[...] = x if k % 2 == 0 or x.dtype.kind != "f" else x * dtype(0.999)
        expected = copied(step(*leaves))
        assert_same(copied(compiled(*leaves)), expected, eps=64)  # NumPy's scalars round differently
    assert compiled.programs


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.int32, np.uint8, bool])
def test_dtypes_of_arguments(dtype: Any) -> None:
    w = mg.tensor(np.linspace(-1, 1, 3), requires_grad=True)
    compiled = mg.compile(lambda x, f: [mg.tensor(x) * w, x + x, w * f, f * f, -f, f > 1])
    for k in range(5):
        x = np.arange(3).astype(dtype) if k % 2 else np.array([0, 1, 1]).astype(dtype)
        for other in (x, x.astype(np.float32)):
            f = 0.5 + k
            expected = [mg.tensor(other) * w, other + other, w * f, f * f, -f, f > 1]
            assert_same(copied(compiled(other, f)), copied(expected))


def test_layers_and_losses() -> None:
    layers = [nn.Sigmoid(), nn.Tanh(), nn.ReLU(), nn.LeakyReLU(), nn.PReLU(), nn.Softplus(), nn.Dropout(0.5)]
    layers += [nn.Dropout(0.5, scaling="weights").eval(), nn.Residual(nn.Linear(4, 4)), nn.Identity()]
    x, labels = np.linspace(-2, 2, 12, dtype=np.float32).reshape(3, 4), np.array([0, 3, 1])
    for layer in [*layers, nn.Sequential(nn.Linear(4, 8), nn.Maxout(2))]:
        compiled = mg.compile(layer)
        for k in range(4):
            mg.manual_seed(k)
            expected = layer(x + k)
            mg.manual_seed(k)
            assert_same(compiled(x + k).data, expected.data)
    for loss, target in (
        (nn.cross_entropy, labels),
        (nn.mse_loss, x * 2),
        (nn.binary_cross_entropy_with_logits, (x > 0).astype(np.float32)),
    ):
        w = mg.tensor(np.ones(4, np.float32), requires_grad=True)

        def step(x: Any, y: Any, loss: Any = loss, w: Any = w) -> Any:
            w.grad = None
            out = loss(w * x, y)
            out.backward()
            return [out, w.grad]

        compiled = mg.compile(step)
        for k in range(5):
            assert_same(copied(compiled(x + k, target)), copied(step(x + k, target)))
        assert compiled.programs
