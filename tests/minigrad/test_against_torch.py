"""Random programs here and in torch: values, gradients of all leaves, second order; in both precisions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.rules import REGISTRY

torch = pytest.importorskip("torch")

ACCURACY = {np.float64: 1e-9, np.float32: 2e-3}


@dataclass(frozen=True)
class Operation:
    """One operation in both libraries, and what it needs of its operands."""

    mine: Callable[..., Any]
    theirs: Callable[..., Any]
    arity: int = 1
    smooth: bool = True
    inside: Callable[..., bool] = lambda *x: True
    suits: Callable[..., bool] = lambda *x: True
    """Whether the shapes do."""


def away_from(*kinks: float) -> Callable[..., bool]:
    return lambda x: all(np.all(np.abs(x - k) > 0.05) for k in kinks)


def positive(x: Any) -> bool:
    return bool(np.all(x > 0.1))


def apart(x: Any, y: Any) -> bool:
    return bool(np.all(np.abs(x - y) > 0.05))


def no_ties(x: Any) -> bool:
    return x.size > 0 and bool(np.all(np.diff(np.sort(x.ravel())) > 0.02))


def matrix(*shapes: tuple[int, ...]) -> bool:
    return all(len(shape) == 2 for shape in shapes)


def vector(*shapes: tuple[int, ...]) -> bool:
    return all(len(shape) > 0 for shape in shapes)


def chain(x: tuple[int, ...], y: tuple[int, ...]) -> bool:
    return matrix(x, y) and x[1] == y[0]


def broadcastable(x: tuple[int, ...], y: tuple[int, ...]) -> bool:
    return all(m == n or 1 in (m, n) for m, n in zip(x[::-1], y[::-1], strict=False))


def equal(x: tuple[int, ...], y: tuple[int, ...]) -> bool:
    return x == y and len(x) > 0


def two(mine: Any, theirs: Any, **options: Any) -> Operation:
    return Operation(mine, theirs, arity=2, suits=options.pop("suits", broadcastable), **options)


OPERATIONS: dict[str, Operation] = {
    "negative": Operation(np.negative, torch.neg),
    "exp": Operation(np.exp, torch.exp),
    "expm1": Operation(np.expm1, torch.expm1),
    "log": Operation(np.log, torch.log, inside=positive),
    "log1p": Operation(np.log1p, torch.log1p, inside=lambda x: np.all(x > -0.8)),
    "sqrt": Operation(np.sqrt, torch.sqrt, inside=positive),
    "square": Operation(np.square, torch.square),
    "reciprocal": Operation(np.reciprocal, torch.reciprocal, inside=away_from(0.0)),
    "sin": Operation(np.sin, torch.sin),
    "cos": Operation(np.cos, torch.cos),
    "arctan": Operation(np.arctan, torch.arctan),
    "sinh": Operation(np.sinh, torch.sinh),
    "tanh": Operation(np.tanh, torch.tanh),
    "arcsinh": Operation(np.arcsinh, torch.arcsinh),
    "arctanh": Operation(np.arctanh, torch.arctanh, inside=lambda x: np.all(np.abs(x) < 0.9)),
    "sigmoid": Operation(mg.sigmoid, torch.sigmoid),
    "softplus": Operation(mg.softplus, torch.nn.functional.softplus),
    "relu": Operation(mg.relu, torch.relu, smooth=False, inside=away_from(0.0)),
    "abs": Operation(np.abs, torch.abs, smooth=False, inside=away_from(0.0)),
    "clip": Operation(
        lambda x: np.clip(x, -0.5, 0.8),
        lambda x: torch.clip(x, -0.5, 0.8),
        smooth=False,
        inside=away_from(-0.5, 0.8),
    ),
    "cube": Operation(lambda x: x**3, lambda x: x**3),
    "power ½": Operation(lambda x: x**1.5, lambda x: x**1.5, inside=positive),
    "add": two(np.add, torch.add),
    "subtract": two(lambda x, y: x - y, lambda x, y: x - y),
    "multiply": two(lambda x, y: x * y, lambda x, y: x * y),
    "divide": two(lambda x, y: x / y, lambda x, y: x / y, inside=lambda x, y: away_from(0.0)(y)),
    "power": two(lambda x, y: x**y, lambda x, y: x**y, inside=lambda x, y: positive(x)),
    "hypot": two(np.hypot, torch.hypot, inside=lambda x, y: positive(x)),
    "arctan2": two(np.arctan2, torch.arctan2, inside=lambda x, y: positive(y)),
    "logaddexp": two(np.logaddexp, torch.logaddexp),
    "maximum": two(np.maximum, torch.maximum, smooth=False, inside=apart),
    "minimum": two(np.minimum, torch.minimum, smooth=False, inside=apart),
    "where": two(
        lambda x, y: np.where(x > 0.2, x * y, y),
        lambda x, y: torch.where(x > 0.2, x * y, y),
        smooth=False,
        inside=lambda x, y: away_from(0.2)(x),
    ),
    "sum": Operation(np.sum, torch.sum),
    "sum over rows": Operation(lambda x: np.sum(x, axis=0), lambda x: torch.sum(x, 0), suits=vector),
    "kept sum": Operation(
        lambda x: np.sum(x, axis=-1, keepdims=True), lambda x: torch.sum(x, -1, keepdim=True), suits=vector
    ),
    "mean": Operation(lambda x: np.mean(x, axis=-1), lambda x: torch.mean(x, -1), suits=vector),
    "largest": Operation(
        lambda x: np.max(x, axis=-1), lambda x: torch.amax(x, -1), smooth=False, inside=no_ties, suits=vector
    ),
    "softmax": Operation(lambda x: mg.softmax(x, axis=-1), lambda x: torch.softmax(x, -1), suits=vector),
    "log of the softmax": Operation(
        lambda x: mg.log_softmax(x, axis=-1), lambda x: torch.log_softmax(x, -1), suits=vector
    ),
    "logsumexp": Operation(lambda x: mg.logsumexp(x, axis=0), lambda x: torch.logsumexp(x, 0), suits=vector),
    "matmul": two(lambda x, y: x @ y, lambda x, y: x @ y, suits=chain),
    "gram": Operation(lambda x: x @ x.T, lambda x: x @ x.T, suits=matrix),
    "transpose": Operation(np.transpose, lambda x: x.permute(tuple(range(x.ndim))[::-1])),
    "row": Operation(lambda x: np.reshape(x, -1), lambda x: x.reshape(-1)),
    "new axis": Operation(lambda x: x[None], lambda x: x[None]),
    "first": Operation(lambda x: x[0], lambda x: x[0], suits=vector),
    "reversed": Operation(lambda x: x[::-1], lambda x: x.flip(0), suits=vector),
    "picked twice": Operation(lambda x: x[[0, -1, 0]], lambda x: x[[0, -1, 0]], suits=vector),
    "copies": Operation(lambda x: np.broadcast_to(x, (2, *x.shape)), lambda x: x.expand(2, *x.shape)),
    "concatenate": two(lambda x, y: np.concatenate([x, y]), lambda x, y: torch.cat([x, y]), suits=equal),
    "stack": two(lambda x, y: np.stack([x, y]), lambda x, y: torch.stack([x, y]), suits=equal),
}
SMOOTH = [name for name, operation in OPERATIONS.items() if operation.smooth]

Step = tuple[str, tuple[int, ...]]


@dataclass(frozen=True)
class Program:
    """Some arrays, and operations on them and on earlier results; a weighed sum of all is the result."""

    leaves: tuple[np.ndarray, ...]
    steps: tuple[Step, ...]

    def run(self, leaves: Any, mine: bool) -> Any:
        values = list(leaves)
        for name, operands in self.steps:
            operation = OPERATIONS[name]
            values.append((operation.mine if mine else operation.theirs)(*[values[k] for k in operands]))
        return sum((k + 1) * value.sum() for k, value in enumerate(values[len(leaves) :]))


@st.composite
def programs(draw: Any, names: list[str]) -> Program:
    """Programs whose numbers stay moderate and away from kinks."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shapes = draw(st.lists(st.sampled_from([(), (3,), (2, 3), (3, 2), (2, 1)]), min_size=1, max_size=3))
    leaves = tuple(np.asarray(rng.uniform(-1.5, 1.5, shape)) for shape in shapes)
    values, steps = list(leaves), []
    for _ in range(draw(st.integers(1, 8))):
        name = draw(st.sampled_from(names))
        operation = OPERATIONS[name]
        operands = tuple(draw(st.integers(-len(values), -1)) + len(values) for _ in range(operation.arity))
        given_ = [values[k] for k in operands]
        if not operation.suits(*[x.shape for x in given_]) or not operation.inside(*given_):
            continue
        value = np.asarray(operation.mine(*given_))
        if value.size <= 40 and np.all(np.abs(value) < 20):
            steps.append((name, operands))
            values.append(value)
    assume(steps)
    return Program(leaves, tuple(steps))


def ours(program: Program, dtype: Any) -> tuple[Any, list[mg.Tensor]]:
    leaves = [mg.tensor(x, dtype=dtype, requires_grad=True) for x in program.leaves]
    return program.run(leaves, mine=True), leaves


def torchs(program: Program, dtype: Any) -> tuple[Any, list[Any]]:
    leaves = [torch.tensor(x.astype(dtype), requires_grad=True) for x in program.leaves]
    return program.run(leaves, mine=False), leaves


def close(actual: Any, expected: Any, dtype: Any, what: str) -> None:
    """Agreement to the accuracy of the precision, of the largest entry."""
    expected = np.asarray(expected)
    scale = 1 + np.abs(expected).max(initial=0)
    np.testing.assert_allclose(
        np.asarray(actual) / scale, expected / scale, rtol=ACCURACY[dtype], atol=ACCURACY[dtype], err_msg=what
    )


def check_gradients(program: Program, dtype: Any) -> None:
    mine, leaves = ours(program, dtype)
    theirs, others = torchs(program, dtype)
    assert mine.dtype == dtype
    close(mine.data, theirs.detach().numpy(), dtype, "value")
    mine.backward()
    theirs.backward()
    for leaf, other in zip(leaves, others, strict=True):
        assert (leaf.grad is None) == (other.grad is None)
        if leaf.grad is not None:
            assert leaf.grad.dtype == dtype and leaf.grad.shape == leaf.shape
            close(leaf.grad, other.grad.numpy(), dtype, "gradient")


def check_second_order(program: Program) -> None:
    mine, leaves = ours(program, np.float64)
    theirs, others = torchs(program, np.float64)
    mine.backward(create_graph=True)
    used = [k for k, leaf in enumerate(leaves) if leaf.grad is not None]
    firsts = torch.autograd.grad(theirs, [others[k] for k in used], create_graph=True)
    weights = [np.random.default_rng(k).normal(size=leaves[k].shape) for k in used]
    total = sum((leaves[k].grad * w).sum() for k, w in zip(used, weights, strict=True))
    other_total = sum((g * torch.tensor(w)).sum() for g, w in zip(firsts, weights, strict=True))
    for leaf in leaves:
        leaf.grad = None
    assert isinstance(total, mg.Tensor)
    if not other_total.requires_grad:
        if total.requires_grad:
            total.backward()
        assert all(leaf.grad is None or not leaf.grad.any() for leaf in leaves)
        return
    total.backward() if total.requires_grad else None
    other_total.backward()
    for leaf, other in zip(leaves, others, strict=True):
        zeros = np.zeros(leaf.shape)
        expected = zeros if other.grad is None else other.grad.numpy()
        close(zeros if leaf.grad is None else leaf.grad, expected, np.float64, "second order")


@settings(max_examples=300)
@given(program=programs(list(OPERATIONS)))
def test_gradients_of_random_programs_agree(program: Program) -> None:
    check_gradients(program, np.float64)


@settings(max_examples=150)
@given(program=programs(list(OPERATIONS)))
def test_gradients_of_random_programs_agree_in_single_precision(program: Program) -> None:
    check_gradients(program, np.float32)


@settings(max_examples=200)
@given(program=programs(SMOOTH))
def test_second_derivatives_of_random_programs_agree(program: Program) -> None:
    check_second_order(program)


@settings(max_examples=60)
@given(program=programs(SMOOTH), seed=st.integers(0, 2**32 - 1))
def test_both_modes_and_the_hessian_product_agree(program: Program, seed: int) -> None:
    rng = np.random.default_rng(seed)
    tangents = tuple(rng.normal(size=x.shape) for x in program.leaves)
    theirs, others = torchs(program, np.float64)
    gradients = torch.autograd.grad(theirs, others, create_graph=True, allow_unused=True)
    used = [g for g in gradients if g is not None]
    pairs = zip(gradients, tangents, strict=True)
    slope = sum((g * torch.tensor(t)).sum() for g, t in pairs if g is not None)
    f = lambda leaves: program.run(leaves, mine=True)  # noqa: E731
    close(mg.jvp(f, [program.leaves], [tangents])[1], slope.detach().numpy(), np.float64, "forward")
    expected = [np.zeros(x.shape) for x in program.leaves]
    if used and slope.requires_grad:
        seconds = torch.autograd.grad(slope, others, allow_unused=True)
        expected = [z if s is None else s.numpy() for z, s in zip(expected, seconds, strict=True)]
    for actual, other in zip(mg.hvp(f, program.leaves, tangents), expected, strict=True):
        close(actual, other, np.float64, "hvp")


@pytest.mark.parametrize("name", list(OPERATIONS))
@settings(max_examples=5, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_operation_agrees_among_simple_ones(name: str, data: Any) -> None:
    program = data.draw(programs([name, name, "negative", "row", "gram", "new axis"]))
    assume(any(step[0] == name for step in program.steps))
    check_gradients(program, np.float64)
    if OPERATIONS[name].smooth:
        check_second_order(program)


@pytest.fixture
def planted(request: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A rule that is wrong."""
    name, attribute, fault = request.param
    monkeypatch.setattr(REGISTRY[name], attribute, fault)
    yield


@pytest.mark.parametrize(
    ("planted", "steps", "check"),
    [
        (("sin", "partials", (lambda out, x: -np.cos(x),)), [("sin", (0,))], "first"),
        (
            ("matmul", "transposes", (lambda g, x, y: g @ y.T, lambda g, x, y: g.T @ x)),
            [("gram", (0,))],
            "first",
        ),
        (("exp", "partials", (lambda out, x: getattr(out, "data", out),)), [("exp", (0,))], "second"),
        (("sum", "transposes", (lambda g, x, **options: 0 * x,)), [("kept sum", (0,))], "first"),
    ],
    indirect=["planted"],
)
def test_a_planted_fault_is_found(planted: None, steps: Any, check: str) -> None:
    program = Program((np.array([[0.5, 1.0], [-0.25, 2.0]]),), tuple(steps))
    if check == "second":
        check_gradients(program, np.float64)
    with pytest.raises(AssertionError):
        check_gradients(program, np.float64) if check == "first" else check_second_order(program)


@pytest.mark.parametrize("planted", [("tanh", "partials", (lambda out, x: 1 - out,))], indirect=True)
def test_random_programs_find_a_planted_fault(planted: None) -> None:
    @settings(max_examples=300, database=None, report_multiple_bugs=False)
    @given(program=programs(list(OPERATIONS)))
    def run(program: Program) -> None:
        check_gradients(program, np.float64)

    with pytest.raises(AssertionError):
        run()
