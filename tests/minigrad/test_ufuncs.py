"""NumPy's elementwise functions: all are there, with its dtypes and errors, right at every order and edge."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.rules import NUMPY, REGISTRY

from .strategies import seeds, spread

INF, NAN = float("inf"), float("nan")
few = settings(max_examples=15)


def gradients(f: Any, *args: Any, dtype: Any = float) -> list[Any]:
    """Gradients of the sum of the results; NumPy's warnings about infinities are expected here."""
    leaves = [mg.tensor(a, dtype=dtype, requires_grad=True) for a in args]
    with np.errstate(all="ignore"):
        f(*leaves).sum().backward()
    assert all(leaf.grad is None or leaf.grad.dtype == dtype for leaf in leaves)
    return [None if leaf.grad is None else leaf.grad.tolist() for leaf in leaves]


def derivative_of(f: Any, order: int, x: Any) -> Any:
    """The derivative of that order of a function of one number, by as many backward passes."""
    x = mg.tensor(x, dtype=float, requires_grad=True)
    out = f(x)
    for _ in range(order):
        if not out.requires_grad:
            return np.zeros(x.shape)
        out.sum().backward(create_graph=True)
        out, x.grad = x.grad, None
    return out.numpy() if not out.requires_grad else out.detach().numpy()


# Coverage

UFUNCS = {
    ufunc
    for ufunc in vars(np).values()
    if isinstance(ufunc, np.ufunc) and ufunc.signature is None  # those with a signature are products
}

UNSUPPORTED = {
    **dict.fromkeys([np.modf, np.frexp], "two results: trunc and x − trunc"),
    **dict.fromkeys([np.left_shift, np.right_shift, np.bitwise_count], "bits, which floats do not have"),
    **dict.fromkeys(
        [np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert], "of whole numbers and booleans"
    ),
    **dict.fromkeys([np.gcd, np.lcm], "of whole numbers"),
    np.ldexp: "its exponents are whole numbers: x · 2**n",
    np.nextafter: "the grid of floats, not a function on the real line",
    np.spacing: "the grid of floats, not a function on the real line",
    np.isnat: "dates are not numbers",
}


def test_every_elementwise_function_has_its_rule_or_a_reason() -> None:
    assert UFUNCS - set(NUMPY) == set(UNSUPPORTED)


@pytest.mark.parametrize("ufunc", UNSUPPORTED, ids=lambda ufunc: ufunc.__name__)
def test_what_has_no_rule_is_refused_by_name(ufunc: np.ufunc) -> None:
    leaves = [mg.tensor([1.0, 2.0], requires_grad=True)] * ufunc.nin
    with pytest.raises(TypeError, match=f"np.{ufunc.__name__}"):
        ufunc(*leaves)


@pytest.mark.parametrize("ufunc", [np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert])
@pytest.mark.parametrize("dtype", [bool, int])
def test_decisions_are_combined_bit_by_bit(ufunc: np.ufunc, dtype: Any) -> None:
    args = [np.array([0, 0, 1, 1], dtype), np.array([0, 1, 0, 1], dtype)][: ufunc.nin]
    result = ufunc(*map(mg.tensor, args))
    assert isinstance(result, mg.Tensor)
    np.testing.assert_array_equal(result.data, ufunc(*args), strict=True)


@pytest.mark.parametrize("name", sorted({u.__name__ for u in UFUNCS} & set(vars(mg))))
def test_minigrads_function_is_the_one_that_numpys_finds(name: str) -> None:
    assert getattr(mg, name) is NUMPY[getattr(np, name)]


# Values, dtypes and errors as NumPy's

COVERED = sorted((ufunc for ufunc in UFUNCS & set(NUMPY)), key=lambda ufunc: ufunc.__name__)
DTYPES = [np.float32, np.float64, np.int64, np.bool_]


def outcome(f: Any, args: Any) -> Any:
    """The array that a function gives, or the error that it raises."""
    with np.errstate(all="ignore"):
        try:
            result = f(*args)
        except (TypeError, ValueError, OverflowError) as error:
            return type(error)
    return result.data if isinstance(result, mg.Tensor) else result


def same(actual: Any, expected: Any) -> None:
    if isinstance(expected, type):
        assert isinstance(actual, type) and issubclass(expected, actual)  # NumPy's own are TypeErrors
    else:
        np.testing.assert_array_equal(actual, np.asarray(expected), strict=True)


@pytest.mark.parametrize("ufunc", COVERED, ids=lambda ufunc: ufunc.__name__)
@few
@given(seed=seeds, data=st.data())
def test_values_dtypes_and_errors_are_numpys(ufunc: np.ufunc, seed: int, data: Any) -> None:
    rng = np.random.default_rng(seed)
    numbers = np.array([0.0, -0.0, 1.0, -1.0, 2.0, -3.0, 0.5, 1e3, -1e3, INF, -INF, NAN])
    args: list[Any] = []
    for _ in range(ufunc.nin):
        dtype = data.draw(st.sampled_from(DTYPES))
        some = rng.choice(numbers if dtype in (np.float32, np.float64) else numbers[:9], size=(3, 2))
        args.append(some.astype(dtype))
    same(outcome(ufunc, [mg.tensor(a) for a in args]), outcome(ufunc, args))
    for k, number in itertools.product(range(ufunc.nin), (2, 2.5, True)):  # beside one Python number
        mixed = [number if j == k else a for j, a in enumerate(args)]
        if ufunc.nin > 1:
            tensors = [m if j == k else mg.tensor(m) for j, m in enumerate(mixed)]
            same(outcome(ufunc, tensors), outcome(ufunc, mixed))
    same(outcome(ufunc, [mg.tensor(a[:, :1]) for a in args[:-1]] + [mg.tensor(args[-1])]),
         outcome(ufunc, [a[:, :1] for a in args[:-1]] + args[-1:]))  # fmt: skip


@pytest.mark.parametrize("ufunc", [u for u in COVERED if u.nin == 2], ids=lambda ufunc: ufunc.__name__)
def test_shapes_that_do_not_broadcast_are_named(ufunc: np.ufunc) -> None:
    with pytest.raises(ValueError, match=r"got shape \(2,\), shape \(3,\)"):
        ufunc(mg.tensor([1.0, 2.0]), mg.tensor([1.0, 2.0, 3.0]))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "f",
    [np.fix, np.round, np.around, np.sinc, np.nan_to_num, np.real, np.imag, np.angle],
    ids=lambda f: f.__name__,
)
def test_functions_of_one_array_are_numpys(f: Any, dtype: Any) -> None:
    numbers = [0.0, -0.0, 0.5, 1.5, -2.5, 2.0, 1e3] + [INF, -INF, NAN] * (dtype in (np.float32, np.float64))
    for x in (np.array(numbers).astype(dtype), np.array(1).astype(dtype)):
        same(outcome(f, [mg.tensor(x)]), outcome(f, [x]))


@pytest.mark.parametrize("decimals", [-1, 0, 2])
def test_rounding_takes_decimals(decimals: int) -> None:
    x = np.array([14.126, -5.5, 25.0])
    np.testing.assert_array_equal(np.round(mg.tensor(x), decimals).data, np.round(x, decimals))
    np.testing.assert_array_equal(np.round(mg.tensor(x), decimals=decimals).data, np.round(x, decimals))


# Derivatives of the third order, by Cauchy's integral around each point

COMPLEX = {
    "hypot": lambda x, y: np.sqrt(x * x + y * y),
    "arctan2": lambda x, y: -1j * np.log((y + 1j * x) / np.sqrt(x * x + y * y)),
    "logaddexp": lambda x, y: np.log(np.exp(x) + np.exp(y)),
    "logaddexp2": lambda x, y: np.log2(np.exp2(x) + np.exp2(y)),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "softplus": lambda x: np.log(1 + np.exp(x)),
    "cbrt": lambda x: np.sign(x.real) * (x * np.sign(x.real)) ** (1 / 3),
    "sinc": lambda x: np.sin(np.pi * x) / (np.pi * x),
    "i0": lambda x: sum((x / 2) ** (2 * k) / math.factorial(k) ** 2 for k in range(30)),
}
"""Definitions that hold in the complex plane, where NumPy's own functions are for real numbers alone."""

LINES = {"remainder", "fmod"}  # between jumps: they have a test of their own
SMOOTH = sorted(name for name, p in REGISTRY.items() if p.elementwise and "smooth" in p.classes)
SMOOTH = [name for name in SMOOTH if name not in LINES]


def cauchy(f: Any, order: int, radius: float) -> np.ndarray:
    """n! / (2πi) ∮ f(z) / zⁿ⁺¹ dz around 0, by the trapezoidal rule, which converges geometrically."""
    turns = np.arange(64) / 64
    circle = radius * np.exp(2j * np.pi * turns)
    values = np.stack([f(z) for z in circle])
    phases = np.exp(-2j * np.pi * order * turns).reshape(-1, *[1] * (values.ndim - 1))
    return math.factorial(order) * (values * phases).mean(axis=0).real / radius**order


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("name", SMOOTH)
@settings(max_examples=5)
@given(data=st.data())
def test_high_orders_agree_with_cauchys_integral(name: str, order: int, data: Any) -> None:
    """Along a direction through all arguments, so that mixed derivatives are among them."""
    primitive = REGISTRY[name]
    args = spread(data.draw, [(2, 2)] * len(primitive.classes), list(primitive.domain))
    rng = np.random.default_rng(data.draw(seeds))
    direction = [rng.uniform(0.3, 1, size=a.shape) * rng.choice([-1, 1]) for a in args]
    # the circle stays inside the domain, and away from 0, where some are singular
    edges = [abs(a - end).min() for a, ends in zip(args, primitive.domain, strict=True) for end in (*ends, 0)]
    radius = 0.4 * min(0.5, *edges)

    definition = COMPLEX.get(name, primitive.forward)
    expected = cauchy(
        lambda z: definition(*(a + z * d for a, d in zip(args, direction, strict=True))), order, radius
    )
    actual = derivative_of(
        lambda t: primitive(*(a + t * d for a, d in zip(args, direction, strict=True))),
        order,
        np.zeros((2, 2)),
    )
    scale = np.abs(primitive(*args)).max() + np.abs(expected).max()
    np.testing.assert_allclose(
        actual, expected, rtol=1e-8, atol=1e-14 * scale * math.factorial(order) / radius**order
    )


# Edges: (name, function, arguments, gradients); where torch has the function and a convention, it is the same

EDGES: list[tuple[str, Any, list[float], list[float]]] = [
    ("arcsin(1)", np.arcsin, [1.0], [INF]),
    ("arccos(-1)", np.arccos, [-1.0], [-INF]),
    ("arccosh(1)", np.arccosh, [1.0], [INF]),
    ("arctanh(1)", np.arctanh, [1.0], [INF]),
    ("arctan(inf)", np.arctan, [INF], [0.0]),
    ("arctan(1e200)", np.arctan, [1e200], [0.0]),
    ("arcsinh(1e200)", np.arcsinh, [1e200], [1e-200]),
    ("arcsinh(-inf)", np.arcsinh, [-INF], [0.0]),
    ("tanh(1000)", np.tanh, [1000.0], [0.0]),
    ("sinc(0)", mg.sinc, [0.0], [0.0]),
    ("expm1(-50)", np.expm1, [-50.0], [math.exp(-50)]),
    ("log1p(-1)", np.log1p, [-1.0], [INF]),
    ("log1p(1e-300)", np.log1p, [1e-300], [1.0]),
    ("log2(0)", np.log2, [0.0], [INF]),
    ("log10(0)", np.log10, [0.0], [INF]),
    ("cbrt(0)", np.cbrt, [0.0], [INF]),
    ("cbrt(-8)", np.cbrt, [-8.0], [1 / 12]),
    ("reciprocal(0)", np.reciprocal, [0.0], [-INF]),
    ("square(0)", np.square, [0.0], [0.0]),
    ("float_power(0, 0)", np.float_power, [0.0, 0.0], [0.0, 0.0]),
    ("logaddexp(1000, -1000)", np.logaddexp, [1000.0, -1000.0], [1.0, 0.0]),
    ("logaddexp(-1000, -1000)", np.logaddexp, [-1000.0, -1000.0], [0.5, 0.5]),
    ("logaddexp(1e6, 1e6 + 1)", np.logaddexp, [1e6, 1e6 + 1], [1 / (1 + math.e), 1 / (1 + 1 / math.e)]),
    ("logaddexp(inf, 1)", np.logaddexp, [INF, 1.0], [1.0, 0.0]),
    ("logaddexp(-inf, 1)", np.logaddexp, [-INF, 1.0], [0.0, 1.0]),
    ("logaddexp(inf, inf)", np.logaddexp, [INF, INF], [0.5, 0.5]),
    ("logaddexp(-inf, -inf)", np.logaddexp, [-INF, -INF], [0.5, 0.5]),
    ("logaddexp2(1000, -1000)", np.logaddexp2, [1000.0, -1000.0], [1.0, 0.0]),
    ("logaddexp2(-inf, -inf)", np.logaddexp2, [-INF, -INF], [0.5, 0.5]),
    ("logaddexp2(3, 1)", np.logaddexp2, [3.0, 1.0], [0.8, 0.2]),
    ("hypot(0, 0)", np.hypot, [0.0, 0.0], [0.0, 0.0]),
    ("hypot(0, -2)", np.hypot, [0.0, -2.0], [0.0, -1.0]),
    ("hypot(3e200, 4e200)", np.hypot, [3e200, 4e200], [0.6, 0.8]),
    ("hypot(3e-200, 4e-200)", np.hypot, [3e-200, 4e-200], [0.6, 0.8]),
    ("arctan2(0, 0)", np.arctan2, [0.0, 0.0], [0.0, 0.0]),
    ("arctan2(0, -1)", np.arctan2, [0.0, -1.0], [-1.0, 0.0]),
    ("arctan2(3e200, 4e200)", np.arctan2, [3e200, 4e200], [0.16e-200, -0.12e-200]),
    ("fmax(a, a)", np.fmax, [1.0, 1.0], [1.0, 0.0]),
    ("fmin(a, a)", np.fmin, [1.0, 1.0], [1.0, 0.0]),
    ("fmax(nan, 1)", np.fmax, [NAN, 1.0], [0.0, 1.0]),
    ("fmax(1, nan)", np.fmax, [1.0, NAN], [1.0, 0.0]),
    ("fmin(nan, 1)", np.fmin, [NAN, 1.0], [0.0, 1.0]),
    ("fmin(nan, nan)", np.fmin, [NAN, NAN], [1.0, 0.0]),
    ("fabs(0)", np.fabs, [0.0], [0.0]),
    ("copysign(0, 1)", np.copysign, [0.0, 1.0], [0.0, 0.0]),
    ("copysign(-2, -0.0)", np.copysign, [-2.0, -0.0], [1.0, 0.0]),
    ("copysign(2, -3)", np.copysign, [2.0, -3.0], [-1.0, 0.0]),
    ("remainder(-5, 3)", np.remainder, [-5.0, 3.0], [1.0, 2.0]),
    ("remainder(5, -3)", np.remainder, [5.0, -3.0], [1.0, 2.0]),
    ("remainder(6, 3)", np.remainder, [6.0, 3.0], [1.0, -2.0]),
    ("fmod(-5, 3)", np.fmod, [-5.0, 3.0], [1.0, 1.0]),
    ("fmod(5, -3)", np.fmod, [5.0, -3.0], [1.0, 1.0]),
    ("fmod(6, 3)", np.fmod, [6.0, 3.0], [1.0, -2.0]),
    ("heaviside(0, h)", np.heaviside, [0.0, 0.5], [0.0, 1.0]),
    ("heaviside(2, h)", np.heaviside, [2.0, 0.5], [0.0, 0.0]),
    ("nan_to_num(nan)", mg.nan_to_num, [NAN], [0.0]),
    ("nan_to_num(inf)", mg.nan_to_num, [INF], [0.0]),
    ("nan_to_num(2)", mg.nan_to_num, [2.0], [1.0]),
]  # fmt: skip


@pytest.mark.parametrize(("f", "args", "expected"), [e[1:] for e in EDGES], ids=[e[0] for e in EDGES])
def test_edges_on_tensors_of_both_dtypes_and_on_values(f: Any, args: Any, expected: Any) -> None:
    actual = [0.0 if g is None else g for g in gradients(f, *args)]
    np.testing.assert_allclose(actual, expected, rtol=1e-14)
    if all(abs(a) < 1e30 and (a == 0 or abs(a) > 1e-30) for a in args):
        single = [0.0 if g is None else g for g in gradients(f, *args, dtype=np.float32)]
        np.testing.assert_allclose(single, np.float32(expected), rtol=1e-6, atol=1e-30)
    values = [mg.Value(a) for a in args]
    with np.errstate(all="ignore"):
        f(*values).backward()
    np.testing.assert_allclose([v.grad for v in values], expected, rtol=1e-14)


TORCH = {
    "arcsin": "asin", "arccos": "acos", "arccosh": "acosh", "arctanh": "atanh", "arctan": "atan",
    "arcsinh": "asinh", "arctan2": "atan2", "fabs": "abs",
}  # fmt: skip
OTHERWISE = {
    "expm1(-50)": "torch adds 1 to the result and gives 0",
    "arcsinh(1e200)": "torch squares 1e200 and gives 0",
    "hypot(0, 0)": "torch gives nan, but the norm of the same vector has gradient 0 there and here",
    "logaddexp(inf, inf)": "torch gives nan; a tie is shared, wherever it is",
    "logaddexp(-inf, -inf)": "torch gives nan; a tie is shared, wherever it is",
    "logaddexp2(-inf, -inf)": "torch gives nan; a tie is shared, wherever it is",
    "arctan2(3e200, 4e200)": "torch squares 1e200 and gives 0",
}


@pytest.mark.parametrize(("name", "f", "args", "expected"), EDGES, ids=[e[0] for e in EDGES])
def test_torch_has_the_same_edges_or_a_reason_is_given(name: str, f: Any, args: Any, expected: Any) -> None:
    torch = pytest.importorskip("torch")
    own_name = getattr(f, "name", None) or f.__name__
    other = getattr(torch, TORCH.get(own_name, own_name), None)
    if other is None or f is np.heaviside:
        pytest.skip("torch has no such derivative")
    leaves = [torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in args]
    other(*leaves).backward()
    agrees = np.allclose([float(leaf.grad) for leaf in leaves], expected, rtol=1e-12, atol=0)
    assert agrees != (name in OTHERWISE)


@pytest.mark.parametrize("f", [np.sin, np.arctan, np.arcsinh, np.tanh, np.hypot, np.arctan2, np.logaddexp])
def test_huge_numbers_warn_of_nothing(f: Any) -> None:
    x = mg.tensor([1e300, -1e300], requires_grad=True)
    f(*[x] * REGISTRY[f.__name__].forward.nin).sum().backward()
    assert np.isfinite(x.grad).all()


# Accuracy where the textbook formula cancels


@few
@given(exponent=st.floats(1, 15))
def test_inverse_functions_keep_their_digits_beside_1(exponent: float) -> None:
    x = 1 - 10.0**-exponent
    gap = 1 - x  # exact
    for f, expected in (
        (np.arcsin, 1 / math.sqrt(gap * (2 - gap))),
        (np.arctanh, 1 / (gap * (2 - gap))),
    ):
        np.testing.assert_allclose(gradients(f, x), [expected], rtol=1e-15)
    above = 1 + 10.0**-exponent
    gap = above - 1
    np.testing.assert_allclose(gradients(np.arccosh, above), [1 / math.sqrt(gap * (2 + gap))], rtol=1e-15)


SINC_AT_0 = [1, 0, -(math.pi**2) / 3, 0, math.pi**4 / 5, 0, -(math.pi**6) / 7]


@pytest.mark.parametrize("order", range(7))
def test_sinc_is_right_at_0_at_every_order(order: int) -> None:
    """(−1)ᵏ π²ᵏ / (2k + 1) for n = 2k, as the series of sin(πx) / (πx) says."""
    for x in (0.0, 1e-160, 1e-9):
        np.testing.assert_allclose(derivative_of(np.sinc, order, x), SINC_AT_0[order], rtol=1e-13, atol=1e-6)
    assert derivative_of(np.sinc, order, 0.0) == pytest.approx(SINC_AT_0[order], rel=1e-14)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_sinc_has_no_seam_between_series_and_formula(order: int) -> None:
    mpmath = pytest.importorskip("mpmath")
    with mpmath.workdps(50):
        for x in (1e-5, 0.1, 0.29999999, 0.3, 0.30000001, 0.5, 1.0, 7.25):
            expected = mpmath.diff(
                lambda z: mpmath.sin(mpmath.pi * z) / (mpmath.pi * z), mpmath.mpf(x), order
            )
            np.testing.assert_allclose(
                derivative_of(np.sinc, order, x), float(expected), rtol=1e-12, atol=1e-13
            )


@few
@given(seed=seeds)
def test_remainders_are_lines_between_their_jumps(seed: int) -> None:
    """By x the slope is 1; by y it is minus the whole number that x − y·n has, whatever the signs."""
    x, y = np.random.default_rng(seed).normal(size=(2, 20)) * [[5], [1]]
    for f in (np.remainder, np.fmod):
        by_x, by_y = gradients(f, x, y)
        np.testing.assert_array_equal(by_x, 1)
        np.testing.assert_array_equal(by_y, np.rint(by_y))
        np.testing.assert_allclose(x + y * by_y, f(x, y), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("f", [np.hypot, np.arctan2])
def test_the_origin_is_finite_at_the_second_order_too(f: Any) -> None:
    np.testing.assert_array_equal(derivative_of(lambda t: f(t, 2 * t), 2, 0.0), 0)


# Compositions


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("low", [None, -1, -0.5, np.array([-1.0, 0.0, 3.0], np.float32)])
@pytest.mark.parametrize("high", [None, 1, 0.5, np.array([1.0, 2.0, 4.0], np.float32)])
def test_clip_and_where_are_numpys(low: Any, high: Any, dtype: Any) -> None:
    x = np.array([[-2.0, -0.25, 5.0], [0.75, 9.0, 3.5]], dtype=dtype)
    t = mg.tensor(x)
    same(np.clip(t, low, high).data, np.clip(x, low, high))
    same(np.clip(t, min=low, max=high).data, np.clip(x, low, high))
    for other in (low, high):
        if other is not None:
            same(np.where(t > 0, t, other).data, np.where(x > 0, x, other))
            same(np.where(x > 0, other, t).data, np.where(x > 0, other, x))


@few
@given(data=st.data(), seed=seeds)
def test_select_takes_the_first_that_holds(data: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = data.draw(st.integers(1, 3))
    conditions = [rng.random((3, 1) if k else (4,)) > 0.5 for k in range(count)]
    choices = list(rng.normal(size=(count, 3, 4)))
    leaves = [mg.tensor(c, requires_grad=True) for c in choices]
    default = mg.tensor(rng.normal(size=4), requires_grad=True)
    out = np.select(conditions, leaves, default)
    np.testing.assert_array_equal(out.data, np.select(conditions, choices, default.data))
    weights = rng.normal(size=out.shape)
    out.backward(gradient=weights)
    taken = np.select(conditions, list(range(count)), count) * np.ones(out.shape)
    for k, leaf in enumerate(leaves):
        np.testing.assert_array_equal(leaf.grad, np.where(taken == k, weights, 0))
    np.testing.assert_allclose(default.grad, np.where(taken == count, weights, 0).sum(axis=0), rtol=1e-12)


@pytest.mark.parametrize(
    ("conditions", "choices", "error", "message"),
    [
        ([], [], ValueError, "at least one, but got 0 conditions and 0 choices"),
        ([np.array([True])], [1.0, 2.0], ValueError, "got 1 conditions and 2 choices"),
        ([np.array([1])], [1.0], TypeError, "condition 0 has dtype int64"),
    ],
)
def test_wrong_selections_are_named(conditions: Any, choices: Any, error: Any, message: str) -> None:
    with pytest.raises(error):
        np.select(conditions, choices)
    with pytest.raises(error, match=message):
        mg.select(conditions, choices)


def test_select_keeps_the_dtype() -> None:
    x = np.array([1.0, -1.0], dtype=np.float32)
    for default in (0, 0.5, np.float64(0.5), x):
        expected = np.select([x > 0], [x], default)
        same(np.select([mg.tensor(x) > 0], [mg.tensor(x)], default).data, expected)


@pytest.mark.parametrize(
    "fills", [{}, {"nan": 7.0}, {"posinf": 5.0, "neginf": -5.0}, {"nan": 1, "neginf": 0}]
)
@pytest.mark.parametrize("dtype", DTYPES)
def test_nan_to_num_takes_numpys_options(fills: dict[str, Any], dtype: Any) -> None:
    with np.errstate(invalid="ignore"):
        x = (
            np.array([1.5, NAN, INF, -INF]).astype(dtype)
            if dtype in (np.float32, np.float64)
            else np.ones(2, dtype)
        )
    same(np.nan_to_num(mg.tensor(x), **fills).data, np.nan_to_num(x, **fills))
    same(mg.nan_to_num(x, **fills), np.nan_to_num(x, **fills))
    assert not np.shares_memory(mg.nan_to_num(x), x)


def test_nan_to_num_does_not_write_into_a_tensor() -> None:
    with pytest.raises(ValueError, match="copy=False"):
        np.nan_to_num(mg.tensor([NAN]), copy=False)
    assert mg.nan_to_num([1.0, NAN]).tolist() == [1, 0]


DECISIONS = [name for name, p in REGISTRY.items() if p.elementwise and set(p.classes) == {"constant"}]


@pytest.mark.parametrize("name", DECISIONS)
@few
@given(data=st.data())
def test_decisions_are_constants_in_what_is_recorded(name: str, data: Any) -> None:
    primitive = REGISTRY[name]
    args = spread(data.draw, [(2, 3)] * len(primitive.classes), list(primitive.domain))
    leaves = [mg.tensor(a, requires_grad=True) for a in args]
    decision = primitive(*leaves)
    assert not decision.requires_grad
    (leaves[0] * decision).sum().backward()
    np.testing.assert_array_equal(leaves[0].grad, decision.data)
