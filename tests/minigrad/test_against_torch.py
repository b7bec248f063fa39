"""Random programs, run here and in torch: values, gradients of all leaves, second derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.rules import REGISTRY

from .samplers.base import seeds

torch = pytest.importorskip("torch")


class Step(NamedTuple):
    """An operation in both libraries, on arrays of shape (2, 3), and whether it is smooth."""

    arity: int
    ours: Callable[..., Any]
    theirs: Callable[..., Any]
    smooth: bool = True


def same(arity: int, f: Callable[..., Any], smooth: bool = True) -> Step:
    """An operation that is written alike."""
    return Step(arity, f, f, smooth)


STEPS = {
    "add": same(2, lambda x, y: x + y),
    "subtract": same(2, lambda x, y: x - 2.0 * y),
    "multiply": same(2, lambda x, y: x * y),
    "divide": same(2, lambda x, y: x / (1.5 + y * y)),
    "power": same(2, lambda x, y: (1.1 + x * x) ** (y * 0.3)),
    "two to the": same(1, lambda x: 2.0 ** (0.1 * x)),
    "remainder": Step(1, lambda x: np.remainder(x, 2.5), lambda x: torch.remainder(x, 2.5), False),
    "square": Step(1, np.square, torch.square),
    "sin": Step(1, np.sin, torch.sin),
    "arctan2": Step(2, lambda x, y: np.arctan2(x, 2 + y * y), lambda x, y: torch.atan2(x, 2 + y * y)),
    "hypot": Step(2, lambda x, y: np.hypot(x, 1 + y * y), lambda x, y: torch.hypot(x, 1 + y * y)),
    "logaddexp": Step(2, np.logaddexp, torch.logaddexp),
    "tanh": Step(1, np.tanh, torch.tanh),
    "expm1": Step(1, lambda x: np.expm1(np.tanh(x)), lambda x: torch.expm1(torch.tanh(x))),
    "log1p": Step(1, lambda x: np.log1p(x * x), lambda x: torch.log1p(x * x)),
    "sqrt": Step(1, lambda x: np.sqrt(1 + x * x), lambda x: torch.sqrt(1 + x * x)),
    "sigmoid": Step(1, mg.sigmoid, torch.sigmoid),
    "softplus": Step(1, mg.softplus, lambda x: torch.logaddexp(x, torch.zeros_like(x))),
    "softmax": Step(1, mg.softmax, lambda x: torch.softmax(x, -1)),
    "log_softmax": Step(1, lambda x: mg.log_softmax(x, axis=0), lambda x: torch.log_softmax(x, 0)),
    "logsumexp": Step(
        1, lambda x: x - mg.logsumexp(x, axis=1, keepdims=True), lambda x: x - x.logsumexp(1, keepdim=True)
    ),
    "relu": Step(1, mg.relu, torch.relu, False),
    "abs": Step(1, np.abs, torch.abs, False),
    "maximum": Step(2, np.maximum, torch.maximum, False),
    "where": Step(
        2, lambda x, y: np.where(x.data > y.data, x, y * y), lambda x, y: torch.where(x > y, x, y * y), False
    ),
    "clip": Step(1, lambda x: np.clip(x, -0.5, 0.8), lambda x: x.clamp(-0.5, 0.8), False),
    "sort": Step(1, lambda x: np.sort(x, axis=1), lambda x: x.sort(dim=1).values, False),
    "max": Step(1, lambda x: x + np.max(x, axis=0), lambda x: x + x.amax(0), False),
    "sum": Step(1, lambda x: x * np.sum(x, axis=1, keepdims=True), lambda x: x * x.sum(1, keepdim=True)),
    "mean": Step(1, lambda x: x - np.mean(x), lambda x: x - x.mean()),
    "var": Step(1, lambda x: x * np.var(x, axis=0), lambda x: x * x.var(0, correction=0)),
    "prod": Step(1, lambda x: x + np.prod(x, axis=1, keepdims=True), lambda x: x + x.prod(1, keepdim=True)),
    "cumsum": Step(1, lambda x: np.cumsum(x, axis=1), lambda x: x.cumsum(1)),
    "cumprod": Step(1, lambda x: np.cumprod(x, axis=0), lambda x: x.cumprod(0)),
    "flip": Step(1, lambda x: x[::-1, ::-1], lambda x: x.flip((0, 1))),
    "roll": Step(1, lambda x: np.roll(x, 1, axis=1), lambda x: x.roll(1, 1)),
    "row": same(1, lambda x: x + x[1]),
    "rows twice": same(1, lambda x: x[[0, 0]] * x),
    "reshape": same(1, lambda x: x.reshape((3, 2)).T * x),
    "matmul": same(2, lambda x, y: (x @ y.T) @ y * 0.3),
    "einsum": Step(
        2,
        lambda x, y: np.einsum("ij,kj,ik->ij", x, y, x @ y.T) * 0.2,
        lambda x, y: torch.einsum("ij,kj,ik->ij", x, y, x @ y.T) * 0.2,
    ),
    "join": Step(
        2, lambda x, y: np.concatenate([x, y], axis=1)[:, 1:4], lambda x, y: torch.cat([x, y], 1)[:, 1:4]
    ),
    "stack": Step(2, lambda x, y: np.stack([x, y]).sum(axis=0), lambda x, y: torch.stack([x, y]).sum(0)),
    "pad": Step(
        1,
        lambda x: np.pad(x, ((1, 0), (0, 1)))[1:, 1:] + x,
        lambda x: torch.nn.functional.pad(x, (0, 1, 1, 0))[1:, 1:] + x,
    ),
    "tril": Step(1, lambda x: np.tril(x) - x, lambda x: x.tril() - x),
    "norm": Step(1, lambda x: x / (1 + np.linalg.norm(x)), lambda x: x / (1 + torch.linalg.norm(x))),
    "solve": Step(
        1,
        lambda x: np.linalg.solve(x @ x.T + 2 * np.eye(2, dtype=x.dtype), x),
        lambda x: torch.linalg.solve(x @ x.T + 2 * torch.eye(2, dtype=x.dtype), x),
    ),
}

Program = list[tuple[str, tuple[int, int]]]


@st.composite
def programs(draw: Any, smooth: bool = False) -> Program:
    """Names of steps, and which of the arrays so far each takes."""
    names = [name for name, step in STEPS.items() if step.smooth or not smooth]
    length = draw(st.integers(1, 7))
    return [
        (draw(st.sampled_from(names)), (draw(st.integers(0, k + 1)), draw(st.integers(0, k + 1))))
        for k in range(length)
    ]


def run(program: Program, leaves: list[Any], which: str) -> Any:
    """Run in one library; every result stays small, and all count in the end."""
    arrays = list(leaves)
    for name, operands in program:
        step = STEPS[name]
        out = getattr(step, which)(*(arrays[k] for k in operands[: step.arity]))
        arrays.append(out / (1 + (out * out).sum()) ** 0.5 + 0.01 * out)
    return sum(((k + 1) * array).sum() for k, array in enumerate(arrays))


def draw_leaves(seed: int, dtype: Any) -> list[np.ndarray]:
    return [x.astype(dtype) for x in np.random.default_rng(seed).normal(size=(2, 2, 3))]


@settings(max_examples=150)
@given(program=programs(), seed=seeds, dtype=st.sampled_from(["float64", "float32"]))
def test_values_and_gradients_are_torchs(program: Program, seed: int, dtype: str) -> None:
    numbers = draw_leaves(seed, dtype)
    ours = [mg.tensor(x, requires_grad=True) for x in numbers]
    theirs = [torch.tensor(x, requires_grad=True) for x in numbers]
    a, b = run(program, ours, "ours"), run(program, theirs, "theirs")
    a.backward()
    b.backward()
    tolerance = {"rtol": 1e-9, "atol": 1e-10} if dtype == "float64" else {"rtol": 2e-3, "atol": 2e-3}
    np.testing.assert_allclose(a.item(), b.item(), **tolerance)
    for x, y in zip(ours, theirs, strict=True):
        assert x.grad.dtype == np.dtype(dtype)
        np.testing.assert_allclose(x.grad, y.grad.numpy(), **tolerance)


@settings(max_examples=75)
@given(program=programs(smooth=True), seed=seeds)
def test_second_derivatives_are_torchs_in_both_mixes(program: Program, seed: int) -> None:
    first, second = draw_leaves(seed, float)
    direction = np.random.default_rng(seed + 1).normal(size=first.shape)
    x = torch.tensor(first, requires_grad=True)
    result = run(program, [x, torch.tensor(second)], "theirs") + (x**3).sum()  # never linear
    (gradient,) = torch.autograd.grad(result, x, create_graph=True)
    (expected,) = torch.autograd.grad((gradient * torch.tensor(direction)).sum(), x)

    def f(t: Any) -> Any:
        return run(program, [t, mg.tensor(second)], "ours") + (t**3).sum()

    forward_over_reverse = mg.hvp(f, first, direction)
    reverse_over_reverse = mg.grad(lambda t: np.sum(mg.grad(f)(t) * direction))(first)
    for actual in (forward_over_reverse, reverse_over_reverse):
        np.testing.assert_allclose(actual, expected.numpy(), rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("name", ["tanh", "multiply", "cumsum", "logaddexp", "matmul"])
def test_a_wrong_rule_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    primitive = REGISTRY[name]
    right = primitive.vjp
    monkeypatch.setattr(primitive, "vjp", lambda k, g, *rest: right(k, g * 1.01, *rest))
    program = [(name, (0, 1))]
    ours = [mg.tensor(x, requires_grad=True) for x in draw_leaves(0, float)]
    theirs = [torch.tensor(x.data, requires_grad=True) for x in ours]
    run(program, ours, "ours").backward()
    run(program, theirs, "theirs").backward()
    assert any(not np.allclose(x.grad, y.grad.numpy(), rtol=1e-9) for x, y in zip(ours, theirs, strict=True))
