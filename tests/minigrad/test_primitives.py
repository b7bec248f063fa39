"""What primitives compute, from their definitions, and what they say to a wrong call."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.rules import NUMPY, REGISTRY, Elementwise, Primitive

from .strategies import samples, seeds, spread, tensors_of

EVERY = sorted(name for name, primitive in REGISTRY.items() if not primitive.added)
few = settings(max_examples=15)

SCALAR = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "negative": lambda x: -x,
    "multiply": lambda x, y: x * y,
    "strong_multiply": lambda x, y: x * y if x and y else 0.0,
    "divide": lambda x, y: x / y,
    "power": lambda x, y: x**y,
    "float_power": lambda x, y: x**y,
    "positive": lambda x: x,
    "conjugate": lambda x: x,
    "reciprocal": lambda x: 1 / x,
    "square": lambda x: x * x,
    "remainder": lambda x, y: x - y * math.floor(x / y),
    "fmod": lambda x, y: x - y * math.trunc(x / y),
    "angle": lambda x: 0.0 if x >= 0 else math.pi,
    "imag": lambda x: 0.0,
    "exp": math.exp,
    "exp2": lambda x: 2**x,
    "expm1": lambda x: math.exp(x) - 1,
    "log": math.log,
    "log2": lambda x: math.log(x, 2),
    "log10": lambda x: math.log(x, 10),
    "log1p": lambda x: math.log(1 + x),
    "logaddexp": lambda x, y: math.log(math.exp(x) + math.exp(y)),
    "logaddexp2": lambda x, y: math.log(2**x + 2**y, 2),
    "sqrt": math.sqrt,
    "cbrt": lambda x: math.copysign(abs(x) ** (1 / 3), x),
    "sin": math.sin,
    "cos": math.cos,
    "tan": lambda x: math.sin(x) / math.cos(x),
    "arcsin": math.asin,
    "arccos": lambda x: math.pi / 2 - math.asin(x),
    "arctan": math.atan,
    "arctan2": math.atan2,
    "hypot": lambda x, y: math.sqrt(x * x + y * y),
    "sinh": lambda x: (math.exp(x) - math.exp(-x)) / 2,
    "cosh": lambda x: (math.exp(x) + math.exp(-x)) / 2,
    "tanh": math.tanh,
    "arcsinh": lambda x: math.log(x + math.sqrt(x * x + 1)),
    "arccosh": lambda x: math.log(x + math.sqrt(x * x - 1)),
    "arctanh": lambda x: math.log((1 + x) / (1 - x)) / 2,
    "sinc": lambda x: math.sin(math.pi * x) / (math.pi * x),
    "i0": lambda x: sum((x / 2) ** (2 * k) / math.factorial(k) ** 2 for k in range(30)),
    "deg2rad": math.radians,
    "radians": math.radians,
    "rad2deg": math.degrees,
    "degrees": math.degrees,
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "softplus": lambda x: math.log(1 + math.exp(x)),
    "relu": lambda x: x if x > 0 else 0.0,
    "leaky_relu": lambda x, slope: x if x > 0 else slope * x,
    "prelu": lambda x, a: x if x > 0 else a * x,
    "abs": abs,
    "fabs": abs,
    "copysign": lambda x, y: abs(x) if y > 0 else -abs(x),
    "maximum": lambda *pieces: max(pieces),
    "minimum": lambda *pieces: min(pieces),
    "fmax": max,
    "fmin": min,
    "maxout": lambda *pieces: max(pieces),
    "clip": lambda x, low, high: min(max(x, low), high),
    "where": lambda c, x, y: x if c else y,
    "dropout": lambda x, mask: x * mask,
    "greater": lambda x, y: x > y,
    "greater_equal": lambda x, y: x >= y,
    "less": lambda x, y: x < y,
    "less_equal": lambda x, y: x <= y,
    "equal": lambda x, y: x == y,
    "not_equal": lambda x, y: x != y,
    "sign": lambda x: (x > 0) - (x < 0),
    "signbit": lambda x: x < 0,
    "floor": math.floor,
    "ceil": math.ceil,
    "trunc": int,
    "rint": round,
    "round": round,
    "floor_divide": lambda x, y: math.floor(x / y),
    "heaviside": lambda x, at_zero: at_zero if x == 0 else x > 0,
    "isfinite": math.isfinite,
    "isinf": math.isinf,
    "isnan": math.isnan,
    "logical_and": lambda x, y: bool(x) and bool(y),
    "logical_or": lambda x, y: bool(x) or bool(y),
    "logical_xor": lambda x, y: bool(x) != bool(y),
    "logical_not": lambda x: not x,
}


@pytest.mark.parametrize("name", [name for name in EVERY if REGISTRY[name].elementwise])
@few
@given(data=st.data())
def test_elementwise_primitives_do_what_their_definition_says(name: str, data: Any) -> None:
    sample = data.draw(samples(name))
    each = np.broadcast_arrays(*sample.args)
    expected = [SCALAR[name](*(float(a[i]) for a in each)) for i in np.ndindex(each[0].shape)]
    actual = np.asarray(sample(*sample.args))
    assert actual.shape == each[0].shape
    np.testing.assert_allclose(actual.ravel(), np.array(expected, dtype=float), rtol=1e-12, atol=1e-15)
    recorded = sample(*tensors_of(sample))
    np.testing.assert_array_equal(recorded.data, actual)


@few
@given(data=st.data())
def test_group_maxout_takes_the_largest_of_every_group(data: Any) -> None:
    sample = data.draw(samples("group_maxout"))
    (x,), groups = sample.args, sample.options["groups"]
    parts = np.split(x, np.cumsum(groups)[:-1], axis=-1) if groups else []
    expected = np.stack([part.max(axis=-1) for part in parts], axis=-1) if groups else x[..., :0]
    np.testing.assert_array_equal(sample(x), expected)


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp"])
@few
@given(data=st.data())
def test_the_softmax_family_is_built_on_the_sum_of_exponentials(name: str, data: Any) -> None:
    sample = data.draw(samples(name))
    (x,), axis = sample.args, sample.options.get("axis")
    total = np.exp(x).sum(axis=axis, keepdims=True)
    expected = {
        "softmax": lambda: np.exp(x) / total,
        "log_softmax": lambda: np.log(np.exp(x) / total),
        "logsumexp": lambda: np.log(np.exp(x).sum(axis=axis, keepdims=sample.options.get("keepdims", False))),
    }[name]()
    np.testing.assert_allclose(sample(x), expected, rtol=1e-12, atol=1e-14)


@few
@given(data=st.data())
def test_linear_is_a_product_and_a_sum(data: Any) -> None:
    sample = data.draw(samples("linear"))
    x, weight, bias = sample.args
    np.testing.assert_allclose(sample(*sample.args), np.einsum("...i,oi->...o", x, weight) + bias, atol=1e-14)


def test_every_elementwise_primitive_has_a_definition_here() -> None:
    assert set(SCALAR) == {name for name in EVERY if REGISTRY[name].elementwise}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes": "curved"}, "'curved' is none of"),
        ({"name": "exp"}, "registered already"),
        ({"domain": [(0, 1), (0, 1)]}, "2 domains for 1 arguments"),
        ({"classes": "gate"}, "is a gate: give its pattern and margins"),
    ],
)
def test_an_incomplete_primitive_is_refused(changes: dict[str, Any], message: str) -> None:
    known = {"name": "incomplete", "formula": "x", "source": "-", "classes": "smooth"} | changes
    with pytest.raises(ValueError, match=message):
        Elementwise(known.pop("name"), lambda x: x, 1, **known)
    assert "incomplete" not in REGISTRY


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mg.relu(mg.tensor(1.0), 2), r"relu takes 1 \(x\), but was given 2"),
        (lambda: mg.where(mg.tensor(True)), r"where takes 3 \(condition, x, y\), but was given 1"),
        (lambda: mg.maximum(), "maximum takes 1 argument or more, but was given 0"),
        (lambda: mg.logsumexp(mg.tensor(1.0), axes=1), "the options axis, keepdims, but was given axes="),
        (lambda: mg.exp("a"), r"exp \(eˣ\) got 'a'"),
        (lambda: mg.relu(None), "relu .* got None"),
        (lambda: mg.sum("a"), "sum .* got"),
    ],
)
def test_a_wrong_call_names_what_is_right(call: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        call()


def test_primitives_compute_on_numbers_and_lists() -> None:
    assert mg.relu(-3.0) == 0
    assert mg.sum([1.0, 2.0]) == 3
    assert mg.sum(5.0) == 5
    np.testing.assert_allclose(mg.softmax([0.0, 0.0]), [0.5, 0.5])
    np.testing.assert_array_equal(mg.leaky_relu([1.0, -1.0], 0.5), [1, -0.5])
    np.testing.assert_allclose(mg.log_softmax([0, 0]), np.log([0.5, 0.5]))
    with pytest.raises(ValueError, match="rows of equal length"):
        mg.sum([[1.0, 2.0], [3.0]])


def test_a_number_does_not_change_the_dtype_of_an_array() -> None:
    x = np.ones(3, dtype=np.float32)
    assert mg.leaky_relu(x, 0.01).dtype == np.float32
    assert mg.sigmoid(x).dtype == np.float32


NAMED = [function for function, ours in NUMPY.items() if isinstance(ours, Primitive)]


@pytest.mark.parametrize("function", NAMED, ids=lambda function: function.__name__)
@few
@given(data=st.data())
def test_a_primitive_that_stands_for_numpys_function_does_the_same(function: Any, data: Any) -> None:
    sample = data.draw(samples(NUMPY[function].name))
    args = sample.args[:2] if isinstance(function, np.ufunc) else sample.args
    args += args[:1] * (function.nin - len(args)) if isinstance(function, np.ufunc) else ()
    tensors = [mg.Tensor(arg, requires_grad=arg.dtype.kind == "f") for arg in args]
    result = function(*tensors, **sample.options)
    assert isinstance(result, mg.Tensor)
    np.testing.assert_array_equal(result.data, function(*args, **sample.options))


@few
@given(data=st.data(), seed=seeds)
def test_astype_gives_the_gradient_back_in_the_operands_dtype(data: Any, seed: int) -> None:
    (x,) = spread(data.draw, [(2, 3)], [(-np.inf, np.inf)])
    g = np.random.default_rng(seed).normal(size=(2, 3))
    for given_dtype, other in ((np.float32, np.float64), (np.float64, np.float32)):
        leaf = mg.tensor(x, dtype=given_dtype, requires_grad=True)
        converted = leaf.astype(other)
        assert converted.dtype == other
        converted.backward(gradient=g)
        assert leaf.grad.dtype == given_dtype
        np.testing.assert_allclose(leaf.grad, g, rtol=1e-6)
