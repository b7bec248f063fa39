"""Conventions where calculus is silent, fixed here and compared with torch where it is installed."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn

from .conventions_table import CASES as CONVENTIONS
from .conventions_table import Case, here, in_torch, run, same, table
from .conventions_table import line as table_line
from .strategies import seeds

INF = float("inf")


def gradient(f: Any, *args: Any) -> list[Any]:
    """Gradients by tensors; NumPy's warnings about 1/0 are expected here."""
    leaves = [mg.tensor(a, dtype=float, requires_grad=True) for a in args]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        f(*leaves).sum().backward()
    return [leaf.grad.tolist() for leaf in leaves]


def scalar_gradient(f: Any, *args: float) -> list[float]:
    """Gradients by Values."""
    leaves = [mg.Value(a) for a in args]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        f(*leaves).backward()
    return [leaf.grad for leaf in leaves]


CASES = [
    ("relu(0)", mg.relu, [0.0], [0.0]),
    ("relu(-0)", mg.relu, [-0.0], [0.0]),
    ("leaky_relu(0)", lambda x: mg.leaky_relu(x, 0.1), [0.0], [0.1]),
    ("prelu(0)", mg.prelu, [0.0, 0.25], [0.25, 0.0]),
    ("abs(0)", mg.abs, [0.0], [0.0]),
    ("maximum(a, a)", mg.maximum, [2.0, 2.0], [0.5, 0.5]),
    ("minimum(a, a)", mg.minimum, [2.0, 2.0], [0.5, 0.5]),
    ("maximum(a, a, b)", mg.maximum, [2.0, 2.0, 1.0], [0.5, 0.5, 0.0]),
    ("maximum(a, a, a)", mg.maximum, [2.0, 2.0, 2.0], [1 / 3, 1 / 3, 1 / 3]),
    ("maxout(a, a)", mg.maxout, [2.0, 2.0], [1.0, 0.0]),
    ("maxout(b, a, a)", mg.maxout, [1.0, 2.0, 2.0], [0.0, 1.0, 0.0]),
    ("clip at low", lambda x: mg.clip(x, 1, 2), [1.0], [1.0]),
    ("clip at high", lambda x: mg.clip(x, 1, 2), [2.0], [1.0]),
    ("clip outside", lambda x: mg.clip(x, 1, 2), [2.5], [0.0]),
    ("clip without bounds", mg.clip, [2.5], [1.0]),
    ("sqrt(0)", mg.sqrt, [0.0], [INF]),
    ("x**0 at 0", lambda x: x**0, [0.0], [0.0]),
    ("x**y at x = y = 0", lambda x, y: x**y, [0.0, 0.0], [0.0, 0.0]),
    ("x**1 at 0", lambda x: x**1, [0.0], [1.0]),
    ("x**2 at 0", lambda x: x**2, [0.0], [0.0]),
    ("x**2 below 0", lambda x: x**2, [-3.0], [-6.0]),
    ("x**3 below 0", lambda x: x**3, [-2.0], [12.0]),
    ("2**x", lambda x: 2**x, [3.0], [8 * np.log(2)]),
    ("sigmoid(1000)", mg.sigmoid, [1000.0], [0.0]),
    ("sigmoid(-1000)", mg.sigmoid, [-1000.0], [0.0]),
    ("softplus(1000)", mg.softplus, [1000.0], [1.0]),
    ("softplus(-1000)", mg.softplus, [-1000.0], [0.0]),
    ("where", lambda x, y: mg.where(True, x, y), [1.0, 2.0], [1.0, 0.0]),
    ("1/0", lambda x: 1 / x, [0.0], [-INF]),
    ("log(0)", mg.log, [0.0], [INF]),
    ("1/x below 0", lambda x: 1 / x, [-2.0], [-0.25]),
]


@pytest.mark.parametrize(("f", "args", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_scalars_and_arrays_follow_the_same_convention(f: Any, args: Any, expected: Any) -> None:
    np.testing.assert_allclose(gradient(f, *args), expected, rtol=1e-12)
    np.testing.assert_allclose(scalar_gradient(f, *args), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("f", "x", "expected"),
    [
        (lambda x: x.max(), [1.0, 3.0, 3.0], [0, 0.5, 0.5]),
        (lambda x: x.min(), [1.0, 1.0, 1.0], [1 / 3] * 3),
        (lambda x: x.max(axis=1), [[2.0, 2.0], [1.0, 4.0]], [[0.5, 0.5], [0, 1]]),
        (lambda x: x.max(axis=0, keepdims=True), [[2.0, 2.0], [2.0, 4.0]], [[0.5, 0], [0.5, 1]]),
        (lambda x: nn.Maxout(2)(x), [5.0, 5.0, -1.0, -1.0], [1, 0, 1, 0]),
        (lambda x: nn.Maxout([1, 3])(x), [5.0, 0.0, 7.0, 7.0], [1, 0, 1, 0]),
        (lambda x: x[[0, 0, 1]], [1.0, 2.0, 3.0], [2, 1, 0]),
        (lambda x: x[(0, 0, 2),], [1.0, 2.0, 3.0], [2, 0, 1]),
        (lambda x: x[np.array([-1, 2])], [1.0, 2.0, 3.0], [0, 0, 2]),
    ],
)
def test_ties_and_repeats_in_arrays(f: Any, x: Any, expected: Any) -> None:
    np.testing.assert_allclose(gradient(f, x)[0], expected)


@pytest.mark.parametrize("f", [mg.sigmoid, mg.softplus, mg.tanh, mg.logsumexp, mg.softmax, mg.log_softmax])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nothing_overflows_at_a_thousand(f: Any, dtype: Any) -> None:
    x = mg.tensor([-1000.0, 0.0, 1000.0], dtype=dtype, requires_grad=True)
    out = f(x)
    assert np.isfinite(out.data).all() and out.dtype == dtype
    out.sum().backward()
    assert np.isfinite(x.grad).all() and x.grad.dtype == dtype


def test_logsumexp_and_cross_entropy_are_right_at_a_thousand() -> None:
    x = mg.tensor([1000.0, 1000.0], requires_grad=True)
    out = mg.logsumexp(x)
    assert out.item() == 1000 + np.log(2)
    out.backward()
    np.testing.assert_array_equal(x.grad, [0.5, 0.5])

    logits = mg.tensor([[1000.0, -1000.0], [-1000.0, 1000.0]], requires_grad=True)
    loss = nn.cross_entropy(logits, [1, 1])
    assert loss.item() == 1000
    loss.backward()
    np.testing.assert_array_equal(logits.grad, [[0.5, -0.5], [0, 0]])


def test_a_gate_and_its_gradient_agree_at_the_second_order_too() -> None:
    x = mg.tensor([0.0, 1.0, -1.0], requires_grad=True)
    (mg.relu(x) * x).sum().backward(create_graph=True)
    first, x.grad = x.grad, None
    first.sum().backward()
    np.testing.assert_array_equal(x.grad, [0, 2, 0])


# The table


PAGE = Path(__file__).parents[2] / "CONVENTIONS.md"
TABLE = pytest.mark.parametrize("case", CONVENTIONS, ids=lambda case: case.name)


def recorded(case: Case) -> str:
    """The case's line in CONVENTIONS.md."""
    (line,) = [line for line in PAGE.read_text().splitlines() if line.startswith(f"| {case.name} | `")]
    return line


@TABLE
def test_the_table_says_what_is_computed_here(case: Case) -> None:
    theirs = recorded(case).split(" | ")[4].strip("`")
    assert recorded(case) == table_line(case, here(case), theirs if case.torch else "")


@TABLE
def test_a_departure_from_torch_has_its_reason(case: Case) -> None:
    pytest.importorskip("torch")
    assert same(here(case), in_torch(case)) or case.why


def test_the_table_is_up_to_date() -> None:
    pytest.importorskip("torch")
    assert PAGE.read_text() == table(), "python -m tests.minigrad.conventions_table > CONVENTIONS.md"


def test_every_case_has_one_line() -> None:
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ") and "`" in line]
    assert len(lines) == len(CONVENTIONS) == len({case.name for case in CONVENTIONS})


FIRST_ORDER = [
    case for case in CONVENTIONS
    if case.at and case.order == 1 and case.dtype == "float64" and "backward" not in case.code + case.name
    and "+=" not in case.code
]  # fmt: skip


@pytest.mark.parametrize("case", FIRST_ORDER, ids=lambda case: case.name)
def test_forwards_and_backwards_have_the_same_conventions(case: Case) -> None:
    points = {name: np.array(x) for name, x in case.at.items()}
    for name, x in points.items():
        constants = {"mg": mg, "np": np, "nn": nn} | points

        def f(x: Any, name: str = name, constants: dict[str, Any] = constants) -> Any:
            return np.sum(run(case.code, constants | {name: x}))

        with np.errstate(all="ignore"):
            gradient = mg.vjp(f, x)[1](1.0)[0]
            for index in np.ndindex(x.shape):
                tangent = np.zeros_like(x)
                tangent[index] = 1
                pushed = mg.jvp(f, [x], [tangent])[1]
                if np.isfinite(gradient).all():
                    np.testing.assert_allclose(pushed, gradient[index], rtol=1e-12, atol=1e-15)
                else:
                    assert np.isfinite(gradient[index]) or not np.isfinite(pushed)


@settings(max_examples=20)
@given(seed=seeds, ties=st.integers(1, 3), axis=st.sampled_from([None, 0, 1, -1]))
def test_max_over_axes_with_ties_as_torchs_amax(seed: int, ties: int, axis: Any) -> None:
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(seed).integers(0, ties + 1, size=(3, 4)).astype(float)
    mine = mg.tensor(x, requires_grad=True)
    mine.max(axis=axis).sum().backward()
    theirs = torch.tensor(x, requires_grad=True)
    theirs.amax(dim=(0, 1) if axis is None else axis).sum().backward()
    np.testing.assert_allclose(mine.grad, theirs.grad.numpy())


@pytest.mark.parametrize("x0", [2.0, 0.5, 1.0])
def test_mixed_derivatives_of_a_power_agree_at_exponent_0(x0: float) -> None:
    """∂²/∂x∂y x^y = x^(y−1)·(1 + y·ln x), which is 1/x at y = 0, in either order."""
    for first, second in ((0, 1), (1, 0)):
        leaves = [mg.tensor([x0], requires_grad=True), mg.tensor([0.0], requires_grad=True)]
        np.power(*leaves).sum().backward(create_graph=True)
        derivative = leaves[first].grad
        for leaf in leaves:
            leaf.grad = None
        derivative.sum().backward()
        np.testing.assert_allclose(leaves[second].grad, [1 / x0], rtol=1e-14)
