"""grad, vjp, jvp, jacobian, hessian and hvp: of trees, of any order, in each other."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from contextlib import nullcontext
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.polynomial import Polynomial

import minigrad as mg

from .oracle import central_difference
from .strategies import networks, seeds

few = settings(max_examples=30)
V = np.array([0.5, -1.0, 2.0])


@few
@given(drawn=networks(), seed=seeds)
def test_both_directions_of_a_network_agree(drawn: Any, seed: int) -> None:
    net, n_in = drawn
    net.eval()
    rng = np.random.default_rng(seed)
    x, t = rng.normal(size=(2, n_in)), rng.normal(size=(2, n_in))
    y, forward = mg.jvp(net, [x], [t])
    again, pull = mg.vjp(net, x)
    v = rng.normal(size=y.shape)
    (backward,) = pull(v)
    np.testing.assert_array_equal(y, again)
    np.testing.assert_allclose((v * forward).sum(), (backward * t).sum(), rtol=1e-9, atol=1e-12)
    assert all(p.grad is None for p in net.parameters())


def test_several_arguments_and_one_that_does_not_matter() -> None:
    def f(a: Any, b: Any, c: Any) -> Any:
        return np.exp(a) * b

    args = [V, V + 1, np.ones((2, 2))]
    tangents = [np.ones(3), 2 * V, np.ones((2, 2))]
    y, forward = mg.jvp(f, args, tangents)
    np.testing.assert_allclose(forward, central_difference(f, args, tangents), rtol=1e-8)
    y, pull = mg.vjp(f, *args)
    grads = pull(np.ones(3))
    np.testing.assert_allclose(grads[0], y)
    np.testing.assert_allclose(grads[1], np.exp(V))
    np.testing.assert_array_equal(grads[2], np.zeros((2, 2)))


def test_pull_can_be_called_again_and_is_linear() -> None:
    _, pull = mg.vjp(lambda x: x * x, V)
    np.testing.assert_array_equal(pull(np.ones(3))[0], 2 * V)
    np.testing.assert_array_equal(pull([1.0, 0.0, -2.0])[0], 2 * V * [1, 0, -2])


@pytest.mark.parametrize("f", [lambda x: mg.tensor([1.0, 2.0]), lambda x: x.detach()[:2]])
def test_a_constant_function_has_derivative_zero(f: Any) -> None:
    assert not mg.jvp(f, [V], [V])[1].any()
    assert not mg.vjp(f, V)[1](np.ones(2))[0].any()


def test_the_identity_and_inputs_stay_apart() -> None:
    t = np.ones(3)
    y, forward = mg.jvp(lambda x: x, [V], [t])
    forward[0] = y[0] = 9
    assert t[0] == 1 and V[0] == 0.5


def test_results_are_copies() -> None:
    w = mg.tensor(V, requires_grad=True)
    y, pull = mg.vjp(np.exp, V)
    y[:] = 0
    np.testing.assert_allclose(pull(np.ones(3))[0], np.exp(V))
    for y in (
        mg.vjp(lambda x: w, V)[0],
        mg.jvp(lambda x: w, [V], [V])[0],
        mg.vjp(lambda x: w.detach(), V)[0],
    ):
        y[:] = 0
    np.testing.assert_array_equal(w.data, V)


def test_they_work_inside_no_grad_and_leave_leaves_alone() -> None:
    w = mg.tensor(2.0, requires_grad=True)
    with mg.no_grad():
        y, pull = mg.vjp(lambda x: w * x, V)
        np.testing.assert_array_equal(pull(np.ones(3))[0], [2, 2, 2])
        np.testing.assert_array_equal(mg.jvp(lambda x: w * x, [V], [V])[1], y)
    assert w.grad is None


def test_dtypes_are_those_of_the_primals() -> None:
    x = V.astype(np.float32)
    y, pull = mg.vjp(np.exp, x)
    assert y.dtype == pull(np.ones(3))[0].dtype == np.float32
    assert mg.jvp(np.exp, [x], [V])[1].dtype == np.float32


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: mg.vjp(np.exp, V)[1](1.0),
            ValueError,
            r"cotangent has shape \(\), .* \(3,\)",
        ),
        (lambda: mg.vjp(lambda x: 5, V), TypeError, "must return a Tensor, but returned int"),
        (lambda: mg.vjp(np.exp, [1, 2]), TypeError, "only floats have gradients"),
        (lambda: mg.jvp(np.exp, 1.0, 1.0), TypeError, r"lists of primals .* jvp\(f, \[x\], \[t\]\)"),
        (lambda: mg.jvp(np.exp, [V], []), ValueError, "1 primals and 0 tangents"),
        (lambda: mg.jvp(np.exp, [V], [[1.0]]), ValueError, r"tangent has shape \(1,\).* shape \(3,\)"),
        (lambda: mg.jvp(np.exp, [[[1.0], [1.0, 2.0]]], [V]), ValueError, "rows of equal length"),
    ],
)
def test_wrong_input_is_named(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


# Trees and arguments

Pair = namedtuple("Pair", ["left", "right"])


def packed(kind: str, a: Any, b: Any) -> Any:
    """Two arrays in a tree of some kind."""
    return {
        "list": [a, b],
        "tuple": (a, b),
        "named tuple": Pair(a, b),
        "dict": {"a": a, "b": b},
        "nested": {"x": [(a,), {"y": b}], "empty": []},
    }[kind]


def unpacked(kind: str, tree: Any) -> tuple[Any, Any]:
    if kind == "dict":
        return tree["a"], tree["b"]
    return (tree["x"][0][0], tree["x"][1]["y"]) if kind == "nested" else tuple(tree)


KINDS = ["list", "tuple", "named tuple", "dict", "nested"]
A, B = np.array([0.5, -1.0, 2.0]), np.array([[1.5], [0.25]])


def energy(a: Any, b: Any) -> Any:
    """Σᵢⱼ aⱼ² bᵢ³: ∂a = 2 a Σb³, ∂b = 3 b² Σa²."""
    return np.sum(a * a * b * b * b)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_have_the_structure_of_the_argument(kind: str) -> None:
    def f(tree: Any) -> Any:
        return energy(*unpacked(kind, tree))

    tree = packed(kind, A, B)
    by_a, by_b = 2 * A * (B**3).sum(), 3 * B**2 * (A**2).sum()
    value, gradient = mg.value_and_grad(f)(tree)
    np.testing.assert_allclose(value, (A**2).sum() * (B**3).sum())
    for found in (gradient, mg.grad(f)(tree), mg.vjp(f, tree)[1](1.0)[0], mg.jacobian(f)(tree)):
        assert type(found) is type(tree)
        np.testing.assert_allclose(unpacked(kind, found)[0], by_a)
        np.testing.assert_allclose(unpacked(kind, found)[1], by_b)
    v = packed(kind, A + 1, 2 * B)
    forward = mg.jvp(f, [tree], [v])[1]
    np.testing.assert_allclose(forward, (by_a * (A + 1)).sum() + (by_b * 2 * B).sum())


@pytest.mark.parametrize("kind", KINDS)
def test_second_derivatives_are_trees_of_trees(kind: str) -> None:
    def f(tree: Any) -> Any:
        return energy(*unpacked(kind, tree))

    tree, v = packed(kind, A, B), packed(kind, A + 1, 2 * B)
    hessian = mg.hessian(f)(tree)
    rows = [unpacked(kind, row) for row in unpacked(kind, hessian)]
    np.testing.assert_allclose(rows[0][0], 2 * (B**3).sum() * np.eye(3))
    np.testing.assert_allclose(rows[0][1], 6 * A[:, None, None] * B**2)
    np.testing.assert_allclose(rows[1][0], 6 * B[:, :, None] ** 2 * A)
    np.testing.assert_allclose(rows[1][1].reshape(2, 2), np.diag(6 * B[:, 0] * (A**2).sum()))
    product_ = unpacked(kind, mg.hvp(f, tree, v))
    for found, row in zip(product_, rows, strict=True):
        expected = np.tensordot(row[0], A + 1, 1) + np.tensordot(row[1], 2 * B, 2)
        np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize("kind", KINDS)
def test_results_may_be_trees_too(kind: str) -> None:
    def f(x: Any) -> Any:
        return packed(kind, x * x, np.sum(np.exp(x)))

    y, tangents = mg.jvp(f, [A], [A + 1])
    assert type(y) is type(tangents) is type(packed(kind, A, B))
    np.testing.assert_allclose(unpacked(kind, tangents)[0], 2 * A * (A + 1))
    np.testing.assert_allclose(unpacked(kind, tangents)[1], (np.exp(A) * (A + 1)).sum())
    _, pull = mg.vjp(f, A)
    np.testing.assert_allclose(pull(packed(kind, A, 2.0))[0], 2 * A * A + 2 * np.exp(A))
    first, second = unpacked(kind, mg.jacobian(f)(A))
    np.testing.assert_allclose(first, np.diag(2 * A))
    np.testing.assert_allclose(second, np.exp(A))


def test_tangents_and_cotangents_may_have_their_keys_in_another_order() -> None:
    def f(p: Any) -> Any:
        return {"s": p["a"] * p["b"], "t": p["a"] + p["b"]}

    tangent = mg.jvp(f, [{"a": 2.0, "b": 3.0}], [{"b": 0.0, "a": 1.0}])[1]
    assert tangent == {"s": 3, "t": 1}
    assert mg.vjp(f, {"a": 2.0, "b": 3.0})[1]({"t": 0.0, "s": 1.0})[0] == {"a": 3, "b": 2}


def test_argnums_pick_arguments_by_number_from_either_end() -> None:
    def f(a: Any, b: Any, c: Any = 1.0, *, k: Any = 1.0) -> Any:
        return a * b * b * c * k

    assert mg.grad(f)(2.0, 3.0) == 9
    assert mg.grad(f, 1)(2.0, 3.0) == mg.grad(f, -1)(2.0, 3.0) == 12
    assert mg.grad(f, -1)(2.0, 3.0, 5.0) == 18
    assert mg.grad(f, (1, 0))(2.0, 3.0, k=10.0) == (120, 90)
    assert mg.grad(f, [2])(2.0, 3.0, 5.0) == (18,)
    assert mg.grad(f, np.int64(1))(2.0, 3.0) == 12
    with pytest.raises(ValueError, match="names no argument"):
        mg.grad(f, ())(2.0, 3.0)
    assert mg.hessian(f, (0, 1))(2.0, 3.0) == ((0, 6), (6, 4))
    (by_a, by_b) = mg.jacobian(lambda a, b: np.stack([a * b, a + b]), (0, 1))(2.0, 3.0)
    np.testing.assert_array_equal(by_a, [3, 1])
    np.testing.assert_array_equal(by_b, [2, 1])


def test_one_array_for_two_arguments_is_two_inputs() -> None:
    x = np.array(2.0)
    assert mg.grad(lambda a, b: a * a * b, (0, 1))(x, x) == (8, 4)
    t = mg.tensor(2.0, requires_grad=True)
    by_a, by_b = mg.grad(lambda a, b: a * a * b, (0, 1))(t, t)
    assert (by_a.item(), by_b.item()) == (8, 4)
    (by_a * by_b).backward()  # of 4t³ · … = 2t² · t²
    assert t.grad == 8 * 2.0**3
    assert mg.jvp(lambda a, b: a * a * b, [x, x], [1.0, 0.0])[1] == 8


def test_a_function_keeps_its_name() -> None:
    def f(x: Any) -> Any:
        """Square."""
        return x * x

    for transform in (mg.grad, mg.value_and_grad, mg.jacobian, mg.hessian):
        assert (transform(f).__name__, transform(f).__doc__) == ("f", "Square.")


# Tensors


def test_tensors_in_tensors_out_that_can_be_differentiated() -> None:
    x, v = mg.tensor(V, requires_grad=True), mg.tensor([1.0, 2.0, 3.0], requires_grad=True)

    def f(x: Any) -> Any:
        return np.sum(x**3)

    for derivative, by_x, by_v in (
        (mg.grad(f)(x), 6 * V, None),
        (mg.jacobian(lambda x: x**3)(x), 6 * V, None),
        (mg.jvp(f, [x], [v])[1], 6 * V * v.data, 3 * V**2),
        (mg.vjp(lambda x: x**3, x)[1](v)[0], 6 * V * v.data, 3 * V**2),
        (mg.hvp(f, x, v), 6 * v.data, 6 * V),
        (mg.hessian(f)(x), 6 * np.ones(3), None),
        (mg.jvp(f, [V], [v])[1], None, 3 * V**2),
        (mg.vjp(lambda x: x**3, V)[1](v)[0], None, 3 * V**2),
    ):
        x.grad = v.grad = None
        assert isinstance(derivative, mg.Tensor)
        derivative.sum().backward()
        for t, expected in ((x, by_x), (v, by_v)):
            if expected is None:
                assert t.grad is None
            else:
                np.testing.assert_allclose(t.grad, expected)


pairs = st.lists(st.floats(-3, 3), min_size=2, max_size=2).map(np.array)


def _every_transform(f: Any, x: Any, v: Any) -> list[Any]:
    """All results, of functions of one array that return one number."""
    value, pull = mg.vjp(f, x)
    found = [value, *pull(2.0), mg.grad(f)(x), *mg.value_and_grad(f)(x), *mg.jvp(f, [x], [v])]
    return [
        *found,
        mg.jacobian(f)(x),
        mg.hessian(f)(x),
        mg.hvp(f, x, v),
        mg.grad(lambda t: mg.hvp(f, t, v)[0])(x),
    ]


@pytest.mark.parametrize("case", ["constant", "no_grad", "leaf", "beside", "closed over"])
@few
@given(x=pairs, v=pairs)
def test_derivatives_require_a_gradient_where_they_lead_to_what_does(case: str, x: Any, v: Any) -> None:
    w = mg.tensor(2.0, requires_grad=True)
    factor: Any = w * 1 if case == "closed over" else 2.0

    def f(t: Any) -> Any:
        return np.sum(t * t * t) * factor

    expected = _every_transform(lambda t: np.sum(t * t * t) * 2.0, x, v)
    wanted = case in ("leaf", "beside", "closed over")
    given_x = mg.tensor(x, requires_grad=case in ("leaf", "no_grad"))
    given_v = mg.tensor(v, requires_grad=case == "beside")
    with mg.no_grad() if case == "no_grad" else nullcontext():
        found = _every_transform(f, given_x, given_v)
    for y, right in zip(found, expected, strict=True):
        assert isinstance(y, mg.Tensor)
        np.testing.assert_allclose(y.data, right, rtol=1e-12, atol=1e-12)
        assert wanted or not y.requires_grad
    if wanted:
        assert found[-2].requires_grad  # of the Hessian times v
        found[-2].sum().backward()


def test_a_tensor_among_the_other_arguments_is_followed_too() -> None:
    w = mg.tensor(3.0, requires_grad=True)
    for derivative in (mg.grad(lambda x, w: w * x * x)(2.0, w), mg.grad(lambda x, *, w: w * x * x)(2.0, w=w)):
        w.grad = None
        assert derivative.item() == 12
        derivative.backward()
        assert w.grad == 4


def test_tensors_closed_over_get_no_gradient() -> None:
    w = mg.tensor(V, requires_grad=True)

    def f(x: Any) -> Any:
        return np.sum(w * x * x)

    for _ in (
        mg.grad(f)(V), mg.hessian(f)(V), mg.hvp(f, V, V), mg.jvp(f, [V], [V]), mg.vjp(f, V)[1](1.0),
        mg.jacobian(f)(V), mg.grad(lambda x: np.sum(mg.grad(f)(x)))(V),
    ):  # fmt: skip
        assert w.grad is None and w.is_leaf


def test_inside_no_grad_derivatives_are_right_and_recorded_by_nobody() -> None:
    x = mg.tensor(V, requires_grad=True)
    with mg.no_grad():
        g = mg.grad(lambda x: np.sum(x**3))(x)
        np.testing.assert_allclose(mg.hessian(lambda x: np.sum(x**3))(V), np.diag(6 * V))
    assert not g.requires_grad
    np.testing.assert_allclose(g.data, 3 * V**2)
    frozen = mg.grad(lambda x: x * mg.no_grad()(mg.grad(lambda y: y * y))(x))
    assert frozen(3.0) == 6  # what was computed inside is a constant


# No confusion of perturbations

Derivative = Callable[[Callable[[Any], Any]], Callable[[Any], Any]]


def forward(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: mg.jvp(f, [x], [1.0])[1]


def reverse(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: mg.vjp(f, x)[1](1.0)[0]


MODES: list[Derivative] = [forward, reverse, mg.grad]
MODE_NAMES = {forward: "forward", reverse: "reverse", mg.grad: "grad"}
pairs = pytest.mark.parametrize(
    ("outer", "inner"),
    list(product(MODES, repeat=2)),
    ids=lambda mode: MODE_NAMES[mode],
)


@pairs
@pytest.mark.parametrize("x", [1.0, -2.5])
def test_the_inner_derivative_does_not_see_the_outer_perturbation(outer: Any, inner: Any, x: float) -> None:
    assert outer(lambda x: x * inner(lambda y: x + y)(1.0))(x) == 1
    assert outer(lambda x: x * inner(lambda y: x * y)(2.0))(x) == 2 * x
    assert outer(lambda x: x * inner(lambda y: x)(2.0))(x) == 0
    assert outer(lambda x: x * inner(lambda y: y * y)(3.0))(x) == 6
    assert outer(lambda x: x * inner(lambda y: x * x * y * y)(x))(x) == 8 * x**3
    assert outer(lambda x: inner(lambda y: y * y * x)(x * x))(x) == 6 * x**2  # 2x²·x
    assert outer(lambda x: inner(lambda y: mg.tensor(1.0))(x))(x) == 0


@pytest.mark.parametrize(
    "modes",
    list(product([forward, reverse], repeat=3)),
    ids=lambda modes: "-".join(m.__name__ for m in modes),
)
def test_three_levels_that_close_over_each_other(modes: Any) -> None:
    d1, d2, d3 = modes
    x = 1.5

    def outer(x: Any) -> Any:
        def middle(y: Any) -> Any:
            return y * d3(lambda z: x * y * z * z)(x + y)  # 2xy²(x + y)

        return x * d2(middle)(x)  # x·(4xy·(x + y) + 2xy²) at y = x: 10x⁴

    np.testing.assert_allclose(d1(outer)(x), 40 * x**3, rtol=1e-12)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@settings(max_examples=10)
@given(coefficients=st.lists(st.integers(-3, 3), min_size=1, max_size=7), x=st.floats(-2, 2))
def test_polynomials_have_their_derivatives_in_all_mixes_of_modes(
    order: int, coefficients: Any, x: float
) -> None:
    def f(x: Any) -> Any:
        y = 0.0 * x
        for c in reversed(coefficients):
            y = y * x + c
        return y

    expected = Polynomial(coefficients).deriv(order)(x)
    for modes in product([forward, reverse], repeat=order):
        g = f
        for mode in modes:
            g = mode(g)
        np.testing.assert_allclose(g(x), expected, rtol=1e-9, atol=1e-9)


@settings(max_examples=15)
@given(seed=seeds)
def test_all_second_derivatives_agree(seed: int) -> None:
    rng = np.random.default_rng(seed)
    w, x, v = rng.normal(size=(4, 3)), rng.normal(size=3), rng.normal(size=3)

    def f(x: Any) -> Any:
        return np.sum(np.tanh(w @ x) ** 2) + x[0] * np.exp(x[1]) * x[2]

    hessian = mg.hessian(f)(x)
    np.testing.assert_allclose(hessian, hessian.T, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(mg.hvp(f, x, v), hessian @ v, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(mg.jacobian(mg.jacobian(f))(x), hessian, rtol=1e-9, atol=1e-12)
    by_direction = mg.grad(lambda x: mg.jvp(f, [x], [v])[1])(x)  # reverse over forward
    np.testing.assert_allclose(by_direction, hessian @ v, rtol=1e-9, atol=1e-12)
    twice = mg.jvp(lambda x: mg.jvp(f, [x], [v])[1], [x], [v])[1]  # forward over forward
    np.testing.assert_allclose(twice, v @ hessian @ v, rtol=1e-9, atol=1e-12)
    difference = central_difference(mg.grad(f), [x], [v])
    np.testing.assert_allclose(hessian @ v, difference, rtol=1e-6, atol=1e-7)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, of torch.func
@settings(max_examples=15)
@given(seed=seeds)
def test_transforms_agree_with_torch(seed: int) -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    w, x, v = rng.normal(size=(4, 3)), rng.normal(size=3), rng.normal(size=3)

    def program(x: Any, w: Any, lib: Any) -> Any:
        return lib.sum(lib.tanh(w @ x) ** 2) + x[0] * lib.exp(x[1]) * x[2]

    def vector(x: Any, w: Any, lib: Any) -> Any:
        return lib.sin(w @ x) * (w @ x)

    mine = lambda x: program(x, w, np)  # noqa: E731
    tw, tx, tv = (torch.tensor(a) for a in (w, x, v))
    theirs = lambda x: program(x, tw, torch)  # noqa: E731
    func = torch.func
    for ours, other in (
        (mg.grad(mine)(x), func.grad(theirs)(tx)),
        (mg.hessian(mine)(x), func.hessian(theirs)(tx)),
        (mg.hvp(mine, x, v), func.jvp(func.grad(theirs), (tx,), (tv,))[1]),
        (mg.jvp(mine, [x], [v])[1], func.jvp(theirs, (tx,), (tv,))[1]),
        (mg.jacobian(lambda x: vector(x, w, np))(x), func.jacrev(lambda x: vector(x, tw, torch))(tx)),
        (
            mg.jacobian(mg.jacobian(lambda x: vector(x, w, np)))(x),
            func.jacfwd(func.jacrev(lambda x: vector(x, tw, torch)))(tx),
        ),
    ):
        np.testing.assert_allclose(ours, other.numpy(), rtol=1e-9, atol=1e-12)


# Jacobians


@pytest.mark.parametrize("x_shape", [(), (2,), (2, 3), (0,), (5,)])
@pytest.mark.parametrize("y_shape", [(), (3,), (2, 2), (0,)])
def test_a_jacobian_has_the_shape_of_the_result_then_of_the_input(x_shape: Any, y_shape: Any) -> None:
    weights = np.random.default_rng(0).normal(size=(*y_shape, *x_shape))
    x = np.random.default_rng(1).normal(size=x_shape)

    def f(x: Any) -> Any:
        axes = tuple(range(len(y_shape), weights.ndim))
        return np.sum(weights * x * x, axis=axes)

    jacobian = mg.jacobian(f)(x)
    assert jacobian.shape == (*y_shape, *x_shape)
    np.testing.assert_allclose(jacobian, 2 * weights * x)
    second = mg.jacobian(mg.jacobian(f))(x)
    assert second.shape == (*y_shape, *x_shape, *x_shape)


def test_a_jacobian_of_several_arguments_and_results() -> None:
    jacobian = mg.jacobian(lambda a, b: (a * b, {"sum": np.sum(a) + b}), (0, 1))(A, 3.0)
    (aa, ab), by_sum = jacobian[0], jacobian[1]["sum"]
    np.testing.assert_array_equal(aa, 3 * np.eye(3))
    np.testing.assert_array_equal(ab, A)
    np.testing.assert_array_equal(by_sum[0], np.ones(3))
    assert by_sum[1] == 1


def test_float32_stays_float32_at_every_order() -> None:
    x = V.astype(np.float32)
    f = lambda x: np.sum(np.exp(x) * 2.0)  # noqa: E731
    for result in (
        mg.grad(f)(x), mg.hessian(f)(x), mg.hvp(f, x, V), mg.jacobian(lambda x: x * x)(x),
        mg.jvp(f, [x], [V])[1], mg.grad(lambda x: np.sum(mg.grad(f)(x)))(x), mg.value_and_grad(f)(x)[0],
    ):  # fmt: skip
        assert result.dtype == np.float32


# Wrong input


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: mg.grad(np.sin)(3), TypeError, "only floats have gradients.*int64.*argnums"),
        (lambda: mg.jvp(np.exp, [0.0, 1.0], [1.0, 0.0]), TypeError, r"one argument .* jvp\(f, \[\[...\]\]"),
        (lambda: mg.grad(3)(2.0), TypeError, "takes a function first, but got 3"),
        (lambda: mg.grad(np.sum)([1, 2]), TypeError, "only floats have gradients"),
        (lambda: mg.grad(np.sum)(np.array([True])), TypeError, "only floats have gradients"),
        (lambda: mg.grad(np.sum)([1j]), TypeError, "only floats .* holds"),
        (lambda: mg.grad(lambda t: t[0])((1.0, None)), TypeError, "only floats .* holds None"),
        (lambda: mg.grad(np.sin)(V), TypeError, r"one number, but .* shape \(3,\); .*mg.jacobian or mg.vjp"),
        (lambda: mg.hessian(np.sin)(V), TypeError, "one number"),
        (lambda: mg.hvp(np.sin, V, V), TypeError, "one number"),
        (lambda: mg.grad(lambda x: (x, x))(1.0), TypeError, "one number, .* several Tensors"),
        (lambda: mg.grad(lambda x: 2.0)(1.0), TypeError, "must return a Tensor, but returned float"),
        (lambda: mg.grad(lambda x: x.data)(1.0), TypeError, "must return a Tensor, but returned ndarray"),
        (lambda: mg.grad(lambda x: None)(1.0), TypeError, "must return a Tensor, but returned NoneType"),
        (lambda: mg.jacobian(lambda x: [x, None])(1.0), TypeError, "must return a Tensor.*NoneType"),
        (lambda: mg.grad(np.sum, 1)(V), ValueError, "argnums names argument 1, but .* given 1"),
        (lambda: mg.grad(np.sum, -2)(V), ValueError, "argnums names argument -2"),
        (lambda: mg.grad(np.sum)(), ValueError, "argnums names argument 0, but .* given 0"),
        (lambda: mg.grad(np.add, (0, 0))(1.0, 2.0), ValueError, r"an argument twice: \(0, 0\)"),
        (lambda: mg.grad(np.add, (1, -1))(1.0, 2.0), ValueError, "an argument twice"),
        (lambda: mg.grad(np.add, "x")(1.0, 2.0), TypeError, "number of an argument.*got 'x'"),
        (lambda: mg.grad(np.add, 1.0)(1.0, 2.0), TypeError, "number of an argument.*got 1.0"),
        (lambda: mg.hvp(lambda x: np.sum(x * x), V, 1.0), ValueError, r"tangent has shape \(\).*\(3,\)"),
        (lambda: mg.hvp(lambda x: np.sum(x[0] * x[1]), (V, V), (V,)), ValueError, "tree of 1 arrays"),
        (lambda: mg.jvp(lambda x: x["a"], [{"a": V}], [{"b": V}]), ValueError, "same lists, tuples and keys"),
        (lambda: mg.jvp(np.exp, [V], [1j * V]), TypeError, "tangent must be made of real numbers.*complex"),
        (lambda: mg.vjp(np.exp, V)[1](1j * V), TypeError, "cotangent must be made of real numbers.*complex"),
        (lambda: mg.vjp(lambda x: (x, x), V)[1](V), ValueError, "cotangent is a tree of 1 .* result's, of 2"),
        (lambda: mg.vjp(lambda x: {"a": x}, V)[1]([V]), ValueError, "same lists, tuples and keys"),
    ],
)  # fmt: skip
def test_wrong_input_to_a_transform_is_named(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_what_was_computed_outside_is_not_a_constant() -> None:
    w = mg.tensor(3.0, requires_grad=True)
    u = w * w
    g = mg.grad(lambda x: x * x * u)(2.0)  # 2xu
    (u * g).backward()  # 2xu² = 2xw⁴
    np.testing.assert_allclose(w.grad, 16 * 27)
    constant = mg.grad(lambda x: x * x * mg.tensor(3.0, requires_grad=True))(2.0)
    assert isinstance(constant, np.ndarray) and constant == 12


def test_a_thread_inside_a_transform_sees_what_is_differentiated_outside() -> None:
    from concurrent.futures import ThreadPoolExecutor

    def f(x: Any) -> Any:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(lambda: mg.grad(lambda y: y * y * x)(2.0)).result() * x

    assert mg.grad(f)(3.0) == 24


def test_what_lies_beyond_is_not_looked_into() -> None:
    w = mg.tensor(3.0, requires_grad=True)
    freed = w * w
    freed.backward()
    np.testing.assert_array_equal(mg.grad(lambda x: x * freed)(2.0).data, 9)


def test_several_results_and_inputs_do_not_spread_nan() -> None:
    with np.errstate(divide="ignore"):
        several = mg.jacobian(lambda x: (np.sqrt(x[0]), x[1] + x[0]))(np.array([0.0, 1.0]))
        by_both = mg.jacobian(lambda a, b: np.stack([np.sqrt(a) + b] * 3), argnums=(0, 1))(0.0, 1.0)
    np.testing.assert_array_equal(several[1], [1, 1])
    np.testing.assert_array_equal(by_both[1], [1, 1, 1])


def test_a_result_that_is_returned_twice_gets_both_cotangents() -> None:
    _, pull = mg.vjp(lambda x: (x * x, x * x + 0), V)
    _, same = mg.vjp(lambda x: [x] * 2, V)
    np.testing.assert_array_equal(pull((np.ones(3), V))[0], 2 * V * (1 + V))
    np.testing.assert_array_equal(same([np.ones(3), V])[0], 1 + V)


def test_values_lead_nowhere_where_nothing_outside_is_differentiated() -> None:
    value, _ = mg.value_and_grad(lambda x: (x * x).sum())(mg.tensor(V))
    assert isinstance(value, mg.Tensor) and not value.requires_grad
    x = mg.tensor(V, requires_grad=True)
    value, _ = mg.value_and_grad(lambda x: (x * x).sum())(x)
    value.backward()
    np.testing.assert_array_equal(x.grad, 2 * V)


def test_anomalies_are_found_forwards_too() -> None:
    with (
        np.errstate(divide="ignore"),
        mg.detect_anomaly(),
        pytest.raises(mg.AnomalyError, match="tangent of sqrt"),
    ):
        mg.jvp(np.sqrt, [0.0], [1.0])
