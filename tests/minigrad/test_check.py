"""check_gradients: it passes what is right, at every scale, and names what is wrong, of every kind."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.check import GradientMismatch, _Function, _Tolerance, check_gradients
from minigrad.differences import difference
from minigrad.rules import Elementwise, General, Linear, Primitive
from minigrad.rules.operands import numbers
from minigrad.testing import arrays, broadcastable

from .oracle import registered
from .strategies import networks, seeds

few = settings(max_examples=8)
X = np.array([[0.3, -0.7, 1.1], [1.9, -1.3, 0.6]])


# What is right passes


@few
@given(arrays(empty=True))
def test_functions_of_one_array(x: Any) -> None:
    check_gradients(lambda x: np.exp(np.sin(x)) * x, x)


@few
@given(broadcastable(3, empty=True))
def test_functions_of_several_arrays_that_broadcast(given_arrays: Any) -> None:
    check_gradients(lambda x, y, z: (np.tanh(x * y) - np.maximum(y, z), np.where(x > z, x, z)), *given_arrays)


@few
@given(arrays(dtype=np.float32))
def test_single_precision(x: Any) -> None:
    check_gradients(lambda x: np.sum(np.tanh(x) * x), x)


@few
@given(drawn=networks(), seed=seeds)
def test_networks_that_are_not_in_training(drawn: Any, seed: int) -> None:
    net, n_in = drawn
    check_gradients(net.eval(), np.random.default_rng(seed).normal(size=(2, n_in)))


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_trees_in_trees_out(full: bool, dtype: Any) -> None:
    def f(p: Any, scale: Any, power: Any) -> Any:
        hidden = np.tanh(X.astype(dtype) @ p["w"] + p["layers"][0]) * scale
        return {"hidden": hidden, "norms": (np.sum(hidden**power, axis=1), [hidden[:, :1] * 2])}

    p = {"w": X.T.astype(dtype), "layers": [np.array([0.1, -0.2], dtype=dtype)]}
    check_gradients(f, p, dtype(1.5), 2, full=full)


@pytest.mark.parametrize(
    ("f", "args"),
    [
        (np.exp, (1.3,)),
        (np.exp, (np.zeros((0, 3)),)),
        (lambda x: np.sum(x), (np.zeros(0),)),
        (lambda x, y: x @ y, (X, X.T)),
        (lambda x, k: x**k, (X, 3)),
        (lambda x, k: x[k], (X, np.array([0, 0, 1]))),
        (lambda x, mask: np.where(mask, x, 2 * x), (X, X > 0)),
        (np.exp, (mg.tensor(X, requires_grad=True),)),
        (lambda x, y: x * y, (mg.tensor(X), X.astype(np.float32))),
        (np.linalg.inv, (X @ X.T + np.eye(2),)),
        (lambda x: (np.sum(x), mg.tensor(3)), (X,)),
        (lambda x: np.floor(x) + x, (X,)),
        (lambda x: np.tanh(x * x), (X.astype(np.float16),)),
        (lambda x: np.exp(x.astype(np.float32)), (X,)),
        (lambda x: np.sum(np.sin(x) * x), (np.linspace(-3, 3, 30_000),)),
        (lambda x: mg.tensor(X), (X,)),
    ],
)
def test_arguments_and_results_of_every_kind(f: Any, args: Any) -> None:
    check_gradients(f, *args)


def test_arguments_are_not_changed() -> None:
    leaf = mg.tensor(X, requires_grad=True)
    x = X.copy()
    x.setflags(write=False)
    check_gradients(lambda a, b: a * b, leaf, x)
    assert leaf.grad is None
    np.testing.assert_array_equal(leaf.data, X)


FUNCTIONS: list[tuple[str, Any]] = [
    ("sin", np.sin),
    ("log", np.log),
    ("x²", np.square),
    ("x³", lambda x: x**3),
    ("1/x", lambda x: 1 / x),
    ("√x", np.sqrt),
    ("‖x‖", lambda x: np.sqrt(np.sum(x * x))),
    ("10⁻⁶ sin x", lambda x: 1e-6 * np.sin(x)),
    ("10⁶ sin x", lambda x: 1e6 * np.sin(x)),
    ("10⁶ + 10⁻³ sin x", lambda x: 1e6 + 1e-3 * np.sin(x)),
    ("softmax", mg.softmax),
    ("Σ softmax − 1", lambda x: np.sum(mg.softmax(x)) - 1),
]


@pytest.mark.parametrize("scale", [1e-12, 1e-6, 1.0, 1e6, 1e9])
@pytest.mark.parametrize("f", [f for _, f in FUNCTIONS], ids=[name for name, _ in FUNCTIONS])
@few
@given(x=arrays((3,), low=0.5))
def test_no_scale_of_values_and_arguments_raises_a_false_alarm(f: Any, scale: float, x: Any) -> None:
    check_gradients(f, scale * x)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("f", [f for _, f in FUNCTIONS[:9]], ids=[name for name, _ in FUNCTIONS[:9]])
@few
@given(x=arrays((3,), low=0.5))
def test_no_scale_hides_a_wrong_derivative(f: Any, scale: float, x: Any) -> None:
    with pytest.raises(GradientMismatch):  # a tenth of the derivative is missing
        check_gradients(lambda x: 0.9 * f(x) + 0.1 * f(numbers(x)), scale * x)


@few
@given(arrays((4,)), st.floats(1e-4, 3e-3))
def test_kinks_nearby_are_not_stepped_over(x: Any, distance: float) -> None:
    check_gradients(
        lambda x: mg.relu(x) * np.sign(x) + np.floor(x), np.concatenate([x, [distance, -distance]])
    )


@pytest.mark.parametrize("outside", [0.002, 1e-5])
def test_steps_out_of_the_domain_are_shortened(outside: float) -> None:
    def f(x: Any) -> Any:
        if np.min(numbers(x)) <= 0:
            raise ValueError("negative")
        return np.log(x)

    check_gradients(f, np.array([outside, 1.0]))


def cancelling(x: Any) -> Any:
    """The identity, of which a few digits are left."""
    large = 1e6 * np.max(np.abs(numbers(x)))
    return (large + x) - large


ILL_CONDITIONED: dict[str, tuple[Any, int]] = {
    "pinv(XᵀX)": (lambda x: np.linalg.pinv(x.T @ x), 1),
    "inv": (np.linalg.inv, 1),
    "solve": (np.linalg.solve, 2),
    "det": (np.linalg.det, 1),
    "nuclear norm": (lambda x: np.linalg.norm(x, "nuc"), 1),
    "logsumexp": (lambda x: mg.logsumexp(x, axis=-1), 1),
    "cancelling": (cancelling, 1),
    "|cancelling|": (lambda x: np.abs(cancelling(x)), 1),
}
scales = st.sampled_from([1e-6, 1e-3, 1.0, 1e3, 1e6])
ill_conditioned = pytest.mark.parametrize(("f", "count"), ILL_CONDITIONED.values(), ids=ILL_CONDITIONED)


def matrices(f: Any, count: int, scale: float, seed: int) -> list[Any]:
    """Normal ones, which are near singular now and then; for |x| a little away from 0."""
    found = list(scale * np.random.default_rng(seed).standard_normal((count, 5, 5)))
    if f is ILL_CONDITIONED["|cancelling|"][0]:
        return [x + np.copysign(0.3 * scale, x) for x in found]
    return found


@settings(max_examples=4)
@given(seed=seeds, scale=scales)
@pytest.mark.parametrize("order", [1, 2])
@ill_conditioned
def test_what_is_ill_conditioned_raises_no_false_alarm(
    f: Any, count: int, order: int, scale: float, seed: int
) -> None:
    check_gradients(f, *matrices(f, count, scale, seed), order=order)


@settings(max_examples=4)
@given(seed=seeds, scale=scales, data=st.data())
@pytest.mark.parametrize("mode", ["rev", "fwd"])
@ill_conditioned
def test_what_is_ill_conditioned_hides_no_wrong_entry(
    f: Any, count: int, mode: str, scale: float, seed: int, data: Any
) -> None:
    given_arrays = matrices(f, count, scale, seed)
    factor = np.ones(np.shape(f(*given_arrays)))
    factor.flat[data.draw(st.integers(0, factor.size - 1))] += 1e-3

    def make() -> Primitive:
        faulty, right = (lambda t, out, x: t * factor), (lambda t, out, x: t * 1)
        return General(
            "wrong", lambda x: x * 1,
            vjps=[faulty if mode == "rev" else right], jvps=[faulty if mode == "fwd" else right],
            formula="x", source="-", classes="linear",
        )  # fmt: skip

    with registered(make) as wrong, pytest.raises(GradientMismatch, match=f"order 1, mode {mode}"):
        check_gradients(lambda *xs: wrong(f(*xs)), *given_arrays)


@pytest.mark.parametrize("x", [0.5, 1.0, 3.3])
def test_a_short_step_that_sees_only_rounding_overrules_nothing(x: float) -> None:
    check_gradients(lambda x: np.abs((1e6 + x) - 1e6), x)


# What is wrong is named


def elementwise(partial: Any, forward: Any = lambda x: x * x * x) -> Primitive:
    return Elementwise("wrong", forward, partial, formula="x³", source="-", classes="smooth")


def general(vjp: Any, jvp: Any) -> Primitive:
    return General(
        "wrong", lambda x: x * x * x, vjps=[vjp], jvps=[jvp], formula="x³", source="-", classes="smooth"
    )


def right(t: Any, out: Any, x: Any) -> Any:
    return 3 * x * x * t


def detached(t: Any, out: Any, x: Any) -> Any:
    """Right at the first order, a constant for the second."""
    return 3 * numbers(x) * numbers(x) * t


KINDS = {
    "partial": (lambda: elementwise(lambda out, x: 2 * x * x), "order 1, mode rev:"),
    "a slightly wrong partial": (lambda: elementwise(lambda out, x: 3.00001 * x * x), "order 1, mode rev:"),
    "vjp": (lambda: general(lambda g, out, x: x * x * g, right), "order 1, mode rev:"),
    "jvp": (lambda: general(right, lambda t, out, x: x * x * t), "order 1, mode fwd:"),
    "vjp that is constant": (lambda: general(detached, right), "order 2, mode rev of rev:"),
    "jvp that is constant": (lambda: general(right, detached), "order 2, mode rev of fwd:"),
    "partial that is constant": (
        lambda: elementwise(lambda out, x: 3 * numbers(x) ** 2),
        "order 2, mode rev of rev:",
    ),
    "nan": (lambda: elementwise(lambda out, x: x * np.nan), "order 1, mode rev:"),
    "infinite": (lambda: elementwise(lambda out, x: x * np.inf), "order 1, mode rev:"),
}


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(("make", "message"), KINDS.values(), ids=KINDS)
def test_wrong_rules(make: Any, message: str, full: bool) -> None:
    with (
        registered(make) as wrong,
        np.errstate(all="ignore"),
        pytest.raises(GradientMismatch, match=message),
    ):
        check_gradients(wrong, X, full=full)


@pytest.mark.parametrize("outer", ["rev", "fwd"])
@pytest.mark.parametrize("inner", ["rev", "fwd"])
def test_the_second_order_alone_is_wrong_in_one_combination(outer: str, inner: str) -> None:
    def make() -> Primitive:
        def wrong(t: Any, out: Any, x: Any) -> Any:
            return 5 * x * t

        def well(t: Any, out: Any, x: Any) -> Any:
            return 6 * x * t

        slope = General(
            "wrong_slope",
            lambda x: 3 * x * x,
            vjps=[wrong if outer == "rev" else well],
            jvps=[wrong if outer == "fwd" else well],
            formula="3x²", source="-", classes="smooth",
        )  # fmt: skip

        def faulty(t: Any, out: Any, x: Any) -> Any:
            return slope(x) * t

        return general(faulty if inner == "rev" else right, faulty if inner == "fwd" else right)

    with registered(make) as primitive:
        check_gradients(primitive, X, order=1)
        with pytest.raises(GradientMismatch, match=f"order 2, mode {outer} of {inner}:"):
            check_gradients(primitive, X)
        with pytest.raises(GradientMismatch, match=f"order 2, mode {outer} of {inner}:"):
            check_gradients(primitive, X, modes=("fwd", "rev"), full=True)
        if outer != inner:
            check_gradients(primitive, X, modes=(outer,))


def constant(t: Any) -> Any:
    """The cotangent or tangent as numbers: nothing that is differentiated by it leads through."""
    return t.detach() if isinstance(t, mg.Tensor) else t


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(
    ("mode", "rule"),
    [
        (mode, rule)
        for mode in ("rev", "fwd")
        for rule in (lambda t: constant(t) * 3, lambda t: constant(3 * t))
    ],
)
def test_the_second_order_sees_how_a_rule_depends_on_its_cotangent(mode: str, rule: Any, full: bool) -> None:
    def make() -> Primitive:
        faulty, right = (lambda t, out, x: rule(t)), (lambda t, out, x: 3 * t)
        return General(
            "triple", lambda x: 3 * x,
            vjps=[faulty if mode == "rev" else right], jvps=[faulty if mode == "fwd" else right],
            formula="3x", source="-", classes="linear",
        )  # fmt: skip

    what = {"rev": "cotangent of result 0", "fwd": "tangent of argument 0"}[mode]
    with registered(make) as triple:
        check_gradients(triple, X, order=1, full=full)
        with pytest.raises(GradientMismatch, match=rf"order 2, mode rev of {mode}: .* by the {what}\["):
            check_gradients(triple, X, full=full)


def test_a_rule_that_is_not_linear_in_its_cotangent() -> None:
    make = lambda: general(lambda g, out, x: 3 * x * x * np.abs(g), right)  # noqa: E731
    with registered(make) as wrong, pytest.raises(GradientMismatch, match="order 1, mode rev"):
        check_gradients(wrong, X)


def test_a_third_order_that_is_constant() -> None:
    def make() -> Primitive:
        slope = Elementwise(
            "wrong_slope", lambda x: x * x, lambda out, x: 2 * numbers(x), formula="-", source="-",
            classes="smooth",
        )  # fmt: skip
        return elementwise(lambda out, x: 3 * slope(x))

    with registered(make) as primitive:
        check_gradients(primitive, X, order=2)
        with pytest.raises(GradientMismatch, match="order 3, mode rev of rev of rev"):
            check_gradients(primitive, X, order=3)


@few
@given(place=st.tuples(st.integers(0, 79), st.integers(0, 49)), excess=st.sampled_from([1e-3, 1.0, -1.0]))
@pytest.mark.parametrize("mode", ["rev", "fwd"])
def test_a_single_wrong_entry_in_a_large_array_is_named(mode: str, place: Any, excess: float) -> None:
    factor = np.ones((80, 50))
    factor[place] += excess
    faulty = {"rev": (lambda g, out, x: g * factor), "fwd": (lambda t, out, x: t * factor)}

    def make() -> Primitive:
        whole = faulty.get(mode)
        same = lambda t, out, x: t * 1  # noqa: E731
        return General(
            "wrong", lambda x: x * 1,
            vjps=[whole if mode == "rev" else same], jvps=[whole if mode == "fwd" else same],
            formula="x", source="-", classes="linear",
        )  # fmt: skip

    index = rf"\[{place[0]}, {place[1]}\]"
    with (
        registered(make) as wrong,
        pytest.raises(
            GradientMismatch,
            match=rf"order 1, mode {mode}: the derivative by argument 1{index} of result 1{index} is "
            rf"{1 + excess:.8g}, but .* say 1 ",
        ),
    ):
        check_gradients(lambda a, x: (a * 2, wrong(x)), 1.5, np.ones((80, 50)))


def test_the_worst_entry_is_named_by_argument_index_and_result() -> None:
    faults = np.array([[0.001, 0.0, 0.002], [0.0, -0.5, 0.1]])
    make = lambda: elementwise(lambda out, x: (1 + faults) * np.ones_like(x), lambda x: x * 1)  # noqa: E731
    expected = (
        r"order 1, mode rev: the derivative by argument 1, array 2\[1, 1\] of result 1\[1, 1\] is 1, "
        r"but the values of <lambda> say 2 "
    )
    with registered(make) as wrong, pytest.raises(GradientMismatch, match=expected):
        check_gradients(lambda k, p: [p["a"] * k, 2 * wrong(p["b"][1])], 2, {"a": X, "b": (X[0], X)})


def test_a_small_wrong_entry_beside_a_large_one() -> None:
    def make() -> Primitive:
        return Linear("wrong", lambda x: x * 1, lambda g, x: 2 * g, formula="x", source="-", classes="linear")

    with (
        registered(make) as wrong,
        pytest.raises(GradientMismatch, match=r"argument 1 of result is 2, .* say 1"),
    ):
        check_gradients(lambda a, b: 1e7 * a + wrong(b), 1.5, 2.5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda g, x: np.broadcast_to(g, (4, *g.shape)), r"by argument 0 has shape \(4, 2, 3\)"),
        (lambda g, x: g.astype(np.float64), "argument 0 has .* dtype float64, but that has .* dtype float32"),
    ],
    ids=["a sum over broadcast axes was forgotten", "dtype"],
)
def test_wrong_shapes_and_dtypes(change: Any, message: str) -> None:
    class Unmatched(Linear):
        def vjp(self, k: int, g: Any, output: Any, args: Any, options: Any) -> Any:
            return self.transposes[0](g, *args)

    def make() -> Primitive:
        return Unmatched("wrong", lambda x: x * 1, change, formula="x", source="-", classes="linear")

    with registered(make) as wrong, pytest.raises(GradientMismatch, match=message):
        check_gradients(wrong, X.astype(np.float32))


@pytest.mark.parametrize(
    "f", [lambda x: x * x.detach(), lambda x: np.sum(x * x.data), lambda x: x.detach() * 2]
)
def test_a_graph_that_is_cut(f: Any) -> None:
    with pytest.raises(GradientMismatch, match="order 1, mode rev"):
        check_gradients(f, X)


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (mg.relu, 0.0),
        (np.abs, [1.0, 0.0]),
        (np.floor, 1.0),
        (lambda x: np.sqrt(x), 0.0),
        (np.max, [1.0, 1.0]),
    ],
)
def test_a_kink_is_no_place_to_check(f: Any, x: Any) -> None:
    if f is np.abs or f is np.max:  # the convention is the mean of both slopes, as differences have it
        check_gradients(f, x, order=1)
    else:
        with np.errstate(all="ignore"), pytest.raises(GradientMismatch, match="or the point at a kink"):
            check_gradients(f, x)


# Tolerances


@pytest.mark.parametrize(("dtype", "small", "large"), [(np.float64, 1e-7, 1e-5), (np.float32, 1e-4, 1e-2)])
def test_the_tolerance_follows_the_coarsest_dtype(dtype: Any, small: float, large: float) -> None:
    def f(x: Any, fault: float) -> Any:
        return (1 - fault) * x**3 + fault * x.detach() ** 3

    for other in (lambda x: x, lambda x: x.astype(np.float64)):
        check_gradients(lambda x, other=other: other(f(x, small)), X.astype(dtype), full=True, order=1)
        with pytest.raises(GradientMismatch):
            check_gradients(lambda x, other=other: other(f(x, large)), X.astype(dtype), full=True, order=1)
    check_gradients(lambda x: f(x, large), X.astype(dtype), rtol=2 * large, order=1)
    with pytest.raises(GradientMismatch):
        check_gradients(lambda x: f(x, large), X.astype(dtype), rtol=0.5 * large, order=1)
    check_gradients(lambda x: f(x, large), X.astype(dtype), rtol=0, atol=20 * large, order=1)


# Differences


@few
@given(arrays((3,), low=0.5), st.sampled_from([1e-6, 1.0, 1e6]))
def test_the_error_of_a_difference_is_an_upper_bound(x: Any, scale: float) -> None:
    for f, slope in (
        (np.log, lambda x: 1 / x),
        (np.sin, np.cos),
        (np.exp2, lambda x: np.exp2(x) * np.log(2)),
    ):
        if f is np.exp2 and scale > 1:
            continue
        direction = np.full(3, scale if f is np.log else min(scale, 1.0))
        found, error = difference(f, scale * x, direction, enough=1e-8)
        expected = slope(scale * x) * direction
        assert np.all(np.abs(found - expected) <= error)
        assert np.all(error <= 1e-6 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("f", "slope"),
    [
        (np.floor, 0.0),
        (np.abs, 1.0),
        (lambda x: np.maximum(x, 0.7001), 0.0),
        (lambda x: (1e6 + x) - 1e6, 1.0),
        (lambda x: np.exp(x).astype(np.float32).astype(float), np.exp(0.7)),
        (lambda x: np.exp(x) / (np.sin(x) ** 3 + np.cos(x) ** 3), 3.52008329298475),
    ],
)
def test_the_error_covers_kinks_rounding_and_curvature(f: Any, slope: float) -> None:
    found, error = difference(f, np.array([0.7]), np.ones(1), enough=1e-8)
    assert abs(found - slope) <= error + 1e-12
    assert error < 1e-3


def test_an_error_is_estimated_for_what_rounds_coarsely() -> None:
    function = _Function.of(lambda x: np.exp(x.astype(np.float32)), (X,))
    slope, error = function.difference(np.ones(6), _Tolerance(1e-6, None, 2e-16))
    assert np.all(np.abs(slope - np.exp(X).ravel()) <= error)


# Wrong calls


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: check_gradients(np.exp, X, modes="rev"), ValueError, r"modes=\(\"rev\",\), but got 'rev'"),
        (lambda: check_gradients(np.exp, X, modes=()), ValueError, r"but got \(\)"),
        (lambda: check_gradients(np.exp, X, modes=("rev", "forward")), ValueError, "forward"),
        (lambda: check_gradients(np.exp, X, modes=None), ValueError, "but got None"),  # type: ignore[arg-type]
        (lambda: check_gradients(np.exp, X, modes=2), ValueError, "but got 2"),  # type: ignore[arg-type]
        (lambda: check_gradients(np.exp, [1.0, np.nan]), ValueError, r"^argument 0\[1\] is nan: .* finite"),
        (
            lambda: check_gradients(lambda x, y: x * y["b"], X, {"a": 1.0, "b": -np.inf}),
            ValueError,
            "^argument 1, array 1 is -inf",
        ),
        (lambda: check_gradients(np.exp, X, order=0), ValueError, "from 1 on, but got 0"),
        (lambda: check_gradients(np.exp, X, order=1.5), ValueError, "from 1 on, but got 1.5"),
        (lambda: check_gradients(np.exp, 3), ValueError, "no argument of exp is made of floats"),
        (lambda: check_gradients(np.exp), ValueError, "no argument of exp is made of floats"),
        (lambda: check_gradients(np.exp, "x"), ValueError, "no argument of exp is made of floats"),
        (lambda: check_gradients(lambda x: 5, X), TypeError, "must return a Tensor, but returned int"),
        (lambda: check_gradients(lambda x: np.exp(x.data), X), TypeError, "returned ndarray"),
        (lambda: check_gradients(lambda x: [x, "a"], X), TypeError, "returned str"),
        (lambda: check_gradients(lambda x: x[5], X), IndexError, "out of bounds"),
        (lambda: check_gradients(lambda x: 1 / 0, X), ZeroDivisionError, "division by zero"),
    ],
)
def test_wrong_calls_are_named_and_errors_of_the_function_pass(call: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_a_function_that_draws_at_random_is_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(
        ValueError, match=r"two different results for the same .* dropout in it \(net.eval\(\)\)"
    ):
        check_gradients(lambda x: x * rng.normal(), X)


def test_the_seed_decides_the_directions() -> None:
    seen: list[Any] = []

    def f(x: Any) -> Any:
        seen.append(np.array(numbers(x)))
        return x * x

    for seed in (0, 0, 1):
        check_gradients(f, X, order=1, seed=seed)
    first, again, other = np.split(np.array([np.sum(x.real) for x in seen]), 3)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def slope_of(f: Any, x: float) -> tuple[float, float]:
    """What the checker takes the derivative of a function of one number to be, and its error."""
    function = _Function.of(f, (np.array([x]),))
    slope, error = function.difference(np.array([1.0]), _Tolerance(1e-6, None, 2.0**-52))
    return float(slope[0]), float(error[0])


def test_the_complex_step_is_taken_where_the_function_allows_it() -> None:
    given: list[Any] = []

    def steep(x: Any) -> Any:
        given.append(np.asarray(getattr(x, "data", x)).dtype.kind)
        return np.exp(np.sin(40 * x))

    slope, error = slope_of(steep, 0.3)
    right = np.exp(np.sin(12.0)) * 40 * np.cos(12.0)
    assert "c" in given and abs(slope - right) <= 4e-16 * abs(right)
    real_only, its_error = slope_of(lambda x: steep(mg.tensor(numbers(x))), 0.3)  # a Tensor is real
    assert abs(real_only - right) > abs(slope - right) and its_error > error


@pytest.mark.parametrize(
    ("f", "x", "right"),
    [
        (np.abs, -2.0, -1.0),
        (lambda x: np.conjugate(x) * 3, 2.0, 3.0),
        (lambda x: np.where(x > 1, x * x, 0), 2.0, 4.0),
    ],
)
def test_it_is_not_believed_where_the_function_is_not_analytic(f: Any, x: float, right: float) -> None:
    assert abs(slope_of(f, x)[0] - right) < 1e-9
    mg.check_gradients(f, np.array([x]))
