"""The branch that a where does not take: derivative 0 of every order, also where it is infinite or nan."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.rules import REGISTRY

few = settings(max_examples=20)
NAN, INF = np.nan, np.inf


@pytest.fixture(autouse=True)
def silent_numpy() -> Iterator[None]:
    """The infinities are wanted here."""
    with np.errstate(all="ignore"):
        yield


def leaf(data: Any) -> mg.Tensor:
    return mg.tensor(data, dtype=float, requires_grad=True)


Function = Callable[[Any], Any]


def derivatives(f: Function, x: Any, highest: int = 3) -> list[tuple[str, Any]]:
    """The first derivatives of Σ f(x) along 1, each in every way there is."""
    total = lambda x: np.sum(f(x))  # noqa: E731
    forward = lambda f: lambda x: np.sum(mg.jvp(f, [x], [np.ones(np.shape(x.data))])[1])  # noqa: E731
    reverse = lambda f: lambda x: np.sum(mg.grad(f)(x))  # noqa: E731
    found: list[tuple[str, Any]] = []
    orders = range(1, highest + 1)
    for order in orders:
        for modes in product((forward, reverse), repeat=order):
            g = total
            for mode in modes[:-1]:
                g = mode(g)
            if modes[-1] is reverse:
                found.append((f"{order}", mg.grad(g)(np.array(x))))
            else:
                tangents = np.eye(np.size(x)).reshape(-1, *np.shape(x))
                columns = [mg.jvp(g, [np.array(x)], [t])[1] for t in tangents]
                found.append((f"{order}", np.reshape(columns, np.shape(x))))
    t = leaf(x)
    y = total(t)
    for order in orders:
        y.backward(create_graph=True)
        g, t.grad = t.grad, None
        found.append((f"{order}", g.data))
        y = g.sum()
        if not y.requires_grad:
            found += [(f"{k}", np.zeros(np.shape(x))) for k in orders[order:]]
            break
    return found


def check(f: Function, x: Any, *expected: Any) -> None:
    """All derivatives agree with the closed forms of the first, second and third order."""
    for order, actual in derivatives(f, x):
        np.testing.assert_allclose(actual, expected[int(order) - 1], rtol=1e-9, atol=1e-12, err_msg=order)


X = np.array([-2.0, 0.0, 3.0])

DEAD: dict[str, tuple[Function, Any]] = {
    "log x": (np.log, lambda x: x <= 0),
    "√x": (np.sqrt, lambda x: x <= 0),
    "1/x": (lambda x: 1 / x, lambda x: x == 0),
    "reciprocal": (np.reciprocal, lambda x: x == 0),
    "x^½": (lambda x: x**0.5, lambda x: x <= 0),
    "x^−1": (lambda x: x**-1.0, lambda x: x == 0),
    "exp overflows": (lambda x: np.exp(1000 * x), lambda x: x >= 0),
    "arcsin": (np.arcsin, lambda x: abs(x) >= 1),
    "arctanh": (np.arctanh, lambda x: abs(x) >= 1),
    "log1p": (lambda x: np.log1p(x - 1), lambda x: x <= 0),
    "cbrt": (np.cbrt, lambda x: x == 0),
    "0/0": (lambda x: np.sin(x) / x, lambda x: x == 0),
    "tan log": (lambda x: np.tan(np.log(x)), lambda x: x <= 0),
    "a chain of five": (lambda x: np.sqrt(np.log(1 / np.sqrt(x)) * 2 - 1) + 1, lambda x: x <= 0),
    "√ of a square": (lambda x: np.sqrt(x * x), lambda x: x == 0),
    "two paths": (lambda x: np.log(x) * np.sqrt(x) / x, lambda x: x <= 0),
    "power of itself": (lambda x: x**x, lambda x: x <= 0),
    "power of a power": (lambda x: (x**2.0) ** 0.25, lambda x: x == 0),
}


@pytest.mark.parametrize("name", DEAD)
def test_the_dead_branch_gives_0_at_every_order_in_every_mode(name: str) -> None:
    f, dead = DEAD[name]
    x = X[dead(X)]
    live = lambda x: x**3  # noqa: E731
    for choose in (
        lambda x: np.where(dead(x.data), x**3, f(x)),
        lambda x: mg.where(~dead(x.data), f(x), x**3),
        lambda x: np.where(dead(x), x**3, f(x)) if name != "cbrt" else np.where(x == 0, x**3, f(x)),
    ):
        check(choose, x, 3 * x**2, 6 * x, 6 + 0 * x)
    np.testing.assert_array_equal(mg.where(dead(x), live(x), f(x)), live(x))


@pytest.mark.parametrize("name", DEAD)
def test_the_dead_branch_gives_0_at_the_scalar_level(name: str) -> None:
    f, dead = DEAD[name]
    for x in X[dead(X)]:
        for arrange in (lambda a, c: (True, a * a, c), lambda a, c: (False, c, a * a)):
            a = mg.Value(float(x))
            try:
                value = f(a)
            except (ArithmeticError, ValueError, TypeError):
                continue  # where Python has no number, there is no branch
            mg.where(*arrange(a, value)).backward()
            assert a.grad == 2 * x


def test_live_and_dead_entries_side_by_side() -> None:
    check(
        lambda x: np.where(x > 0, np.log(x), x**2),
        X,
        [-4, 0, 1 / 3],
        [2, 2, -1 / 9],
        [0, 0, 2 / 27],
    )
    check(lambda x: mg.where(x > 0, np.sqrt(x), 0.0), [0.0, 4.0], [0, 1 / 4], [0, -1 / 32], [0, 3 / 256])


def test_select_and_nested_wheres() -> None:
    def nested(x: Any) -> Any:
        return np.where(x > 0, np.log(x), np.where(x < 0, np.log(-x), x * x))

    second = lambda x: np.where(x == 0, 2, -1 / np.where(x == 0, 1, x) ** 2)  # noqa: E731
    third = lambda x: np.where(x == 0, 0, 2 / np.where(x == 0, 1, x) ** 3)  # noqa: E731
    check(nested, X, [-1 / 2, 0, 1 / 3], second(X), third(X))
    check(
        lambda x: np.select([x > 0, x < 0], [np.log(x), np.log(-x)], x * x),
        X,
        [-1 / 2, 0, 1 / 3],
        second(X),
        third(X),
    )
    inside = lambda x: np.where(x > 0, np.sqrt(np.where(x > 1, np.log(x), x)), x)  # noqa: E731
    check(inside, [-1.0, 0.0], [1, 1], [0, 0], [0, 0])


@pytest.mark.parametrize(
    "between",
    [
        lambda y: y.reshape(3, 1).reshape(3),
        lambda y: np.expand_dims(y, 0)[0],
        lambda y: y[::-1][::-1],
        lambda y: y[np.array([0, 1, 2])],
        lambda y: np.concatenate([y[:1], y[1:]]),
        lambda y: np.stack([y, y])[1],
        lambda y: np.transpose(np.broadcast_to(y, (2, 3)))[:, 0],
        lambda y: np.roll(np.roll(y, 1), -1),
        lambda y: y.astype(np.float32).astype(np.float64),
        lambda y: np.maximum(y, y - 1),
        lambda y: y + 0 * y + 1,
        lambda y: mg.relu(y) * 2,
    ],
)
def test_shapes_and_gates_may_lie_between(between: Any) -> None:
    for f in (np.log, lambda x: 1 / x, np.sqrt):
        check(
            lambda x, f=f: np.where(x == 0, x**3, between(f(x)) * 0),
            np.zeros(3),
            np.zeros(3),
            np.zeros(3),
            6 * np.ones(3),
        )


def test_broadcasting_on_either_side() -> None:
    x = np.array([[0.0], [2.0]])

    def f(x: Any) -> Any:
        return np.where(x > 0, np.log(x * np.ones(3)), 5 * x)

    check(f, x, [[15], [1.5]], [[0], [-0.75]], [[0], [0.75]])
    condition = np.array([True, False, True])
    scalar = lambda x: np.where(condition, np.log(x), x)  # noqa: E731
    np.testing.assert_array_equal(mg.grad(lambda x: np.sum(scalar(x)))(0.0), INF)  # two entries are alive
    none = np.zeros(3, bool)
    check(lambda x: np.where(none, np.log(x), x * x), 0.0, 0, 6, 0)


def test_what_is_alive_and_infinite_stays_infinite() -> None:
    for f in (np.log, np.sqrt, lambda x: 1 / x, lambda x: x**-0.5):
        plain = mg.grad(lambda x, f=f: np.sum(f(x)))(np.zeros(2))
        chosen = mg.grad(lambda x, f=f: np.sum(np.where(x == 0, f(x), 0.0)))(np.zeros(2))
        np.testing.assert_array_equal(chosen, plain)
        assert np.isinf(chosen).all()
    mixed = mg.grad(lambda x: np.sum(np.where(np.array([True, False]), np.log(x), x)))(np.zeros(2))
    np.testing.assert_array_equal(mixed, [INF, 1])


def test_a_branch_with_nan_in_it_is_dead_too() -> None:
    x = leaf([NAN, 2.0])
    np.sum(np.where([False, True], x * x, 1.0)).backward()
    np.testing.assert_array_equal(x.grad, [0, 4])


def test_nan_in_the_cotangent_stays_with_the_branch_that_is_alive() -> None:
    x, y = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    np.where([True, False], x, y).backward(gradient=[NAN, 1.0])
    np.testing.assert_array_equal(x.grad, [NAN, 0])
    np.testing.assert_array_equal(y.grad, [0, 1])


def test_what_lies_above_a_where_is_not_its_matter() -> None:
    x = leaf([0.0, 4.0])
    (np.sqrt(np.where([True, True], x, 1.0)) * 0.0).sum().backward()
    np.testing.assert_array_equal(x.grad, [NAN, 0])  # 0·∞, as without the where


def test_a_zero_that_no_where_decided_keeps_nan_as_in_torch() -> None:
    x = leaf([0.0, 4.0])
    (np.sqrt(x) * np.array([0.0, 1.0])).sum().backward()
    np.testing.assert_array_equal(x.grad, [NAN, 0.25])


def test_zeros_of_another_path_are_no_decision_but_do_no_harm() -> None:
    def f(x: Any) -> Any:
        y = np.log(x)
        return np.sum(np.where(x > 0, y, 0.0)) + np.sum(np.where(x > 1, y * y, 0.0))

    np.testing.assert_allclose(mg.grad(f)(np.array([0.0, 0.5])), [0, 2])


ROWS: dict[str, Function] = {
    "max": lambda y: np.max(y, axis=-1, keepdims=True),
    "min": lambda y: np.min(y, axis=-1, keepdims=True),
    "sort": lambda y: np.sort(y, axis=-1),
    "median": lambda y: np.median(y, axis=-1, keepdims=True),
    "sum": lambda y: np.sum(y, axis=-1, keepdims=True),
    "mean": lambda y: np.mean(y, axis=-1, keepdims=True),
    "var": lambda y: np.var(y, axis=-1, keepdims=True),
    "std": lambda y: np.std(y, axis=-1, keepdims=True),
    "prod": lambda y: np.prod(y, axis=-1, keepdims=True),
    "cumsum": lambda y: np.cumsum(y, axis=-1),
    "cumprod": lambda y: np.cumprod(y, axis=-1),
    "logsumexp": lambda y: mg.logsumexp(y, axis=-1, keepdims=True),
    "softmax": lambda y: mg.softmax(y, axis=-1),
    "log_softmax": lambda y: mg.log_softmax(y, axis=-1),
    "norm": lambda y: np.linalg.norm(y, axis=-1, keepdims=True),
    "norm 3": lambda y: np.linalg.norm(y, ord=3, axis=-1, keepdims=True),
}


@pytest.mark.parametrize("name", ROWS)
@few
@given(data=st.data())
def test_rows_that_are_dead_do_no_harm_to_those_that_are_alive(name: str, data: Any) -> None:
    f = REGISTRY[data.draw(st.sampled_from(["log", "sqrt", "reciprocal", "arcsin", "log1p"]))]
    dead = np.array(data.draw(st.lists(st.booleans(), min_size=1, max_size=3)))[:, None]
    bad = st.lists(st.sampled_from([-1.0, 0.0, 1.0, INF, NAN, 0.5]), min_size=3, max_size=3)
    good = st.permutations([0.3, 0.5, 0.8])
    x = np.array([data.draw(bad if is_dead else good) for is_dead in dead[:, 0]])

    def chosen(x: Any) -> Any:
        return np.where(dead, 7.0, ROWS[name](f(x)))

    expected = {order: np.zeros(x.shape) for order in "12"}
    if not dead.all():  # what the rows that are alive have alone
        for order, actual in derivatives(lambda x: ROWS[name](f(x)), x[~dead[:, 0]], highest=2):
            expected[order][~dead[:, 0]] = actual
    for order, actual in derivatives(chosen, x, highest=2):
        np.testing.assert_allclose(actual, expected[order], rtol=1e-8, atol=1e-9, err_msg=order)


def test_through_a_contraction_it_is_nan() -> None:
    for f in (lambda x: np.log(x) @ np.ones(2), lambda x: np.log(x) @ np.log(x)):  # documented
        gradient = mg.grad(lambda x, f=f: np.where(False, f(x), np.sum(x)))(np.array([0.0, 4.0]))
        np.testing.assert_array_equal(np.isnan(gradient), [True, False])


def test_the_other_argument_gets_no_gradient_of_the_dead_branch() -> None:
    x, w = leaf([0.0, 4.0]), leaf([2.0, 3.0])
    np.where(x > 0, w * np.log(x), w).sum().backward()
    np.testing.assert_allclose(w.grad, [1, np.log(4)])
    np.testing.assert_allclose(x.grad, [0, 3 / 4])


def test_hessians_of_several_variables() -> None:
    def f(x: Any) -> Any:
        return np.sum(np.where(x > 0, np.log(x), x**2)) * x[2]

    x = np.array([-1.0, 0.0, 2.0])
    expected = [[4, 0, -2], [0, 4, 0], [-2, 0, 1 / 2]]  # Σ = x₀² + x₁² + ln x₂, times x₂
    for hessian in (mg.hessian(f)(x), mg.jacobian(mg.jacobian(f))(x)):
        np.testing.assert_allclose(hessian, expected, rtol=1e-12, atol=1e-14)
    v = np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(mg.hvp(f, x, v), np.array(expected) @ v)
    np.testing.assert_allclose(mg.grad(lambda x: mg.jvp(f, [x], [v])[1])(x), np.array(expected) @ v)


@few
@given(data=st.data())
def test_random_chains_of_dead_functions(data: Any) -> None:
    names = ["log", "sqrt", "reciprocal", "exp", "square", "arcsin", "log1p", "tanh", "negative", "cbrt"]
    chain = data.draw(st.lists(st.sampled_from(names), min_size=1, max_size=5))
    x = np.array(data.draw(st.lists(st.sampled_from([-1.0, 0.0, 1.0, 1e200]), min_size=1, max_size=3)))

    def f(x: Any) -> Any:
        y = x
        for name in chain:
            y = REGISTRY[name](y)
        return np.where(np.zeros(x.shape, bool), y, np.sin(x))

    check(f, x, np.cos(x), -np.sin(x), -np.cos(x))


def test_the_check_notices_a_rule_that_multiplies_by_0(monkeypatch: pytest.MonkeyPatch) -> None:
    primitive = REGISTRY["log"]
    monkeypatch.setattr(type(primitive), "strong_vjp", type(primitive).vjp)
    with pytest.raises(AssertionError):
        check(lambda x: np.where(x > 0, np.log(x), x), [0.0], [1], [0], [0])
