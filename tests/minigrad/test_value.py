"""Values: the same numbers and derivatives as Tensors, edges kept, deep graphs, wrong input."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.rules import REGISTRY
from minigrad.rules.gates import group_maxout

from .oracle import central_difference
from .strategies import samples

V = mg.Value
few = settings(max_examples=25)


@pytest.mark.parametrize("name", sorted(name for name in REGISTRY if REGISTRY[name].elementwise))
@few
@given(data=st.data())
def test_every_elementwise_primitive_as_on_tensors(name: str, data: Any) -> None:
    sample = data.draw(samples(name))
    args = [np.atleast_1d(a).ravel()[:1] for a in sample.args]
    if not all(a.size for a in args):
        return
    values = [V(a.item()) for a in args]
    tensors = [mg.tensor(a, dtype=float, requires_grad=True) for a in args]
    on_values, on_tensors = sample.primitive(*values), sample.primitive(*tensors)
    assert on_values.data == pytest.approx(float(on_tensors), rel=1e-14)
    assert on_values.primitive is sample.primitive
    assert on_values.parents == tuple(values)
    on_values.backward()
    if on_tensors.requires_grad:
        on_tensors.backward()
    expected = [0.0 if t.grad is None else t.grad.item() for t in tensors]
    np.testing.assert_allclose([v.grad for v in values], expected, rtol=1e-13, atol=1e-300)


STEPS: dict[str, Any] = {
    "add": lambda x, y: x + y,
    "radd": lambda x, y: 1.5 + x,
    "sub": lambda x, y: x - y,
    "rsub": lambda x, y: 2 - y,
    "mul": lambda x, y: x.tanh() * y,
    "rmul": lambda x, y: 0.5 * y,
    "div": lambda x, y: x / (y * y + 1),
    "rdiv": lambda x, y: 2 / (x * x + 1),
    "pow": lambda x, y: (x * x + 0.5) ** y.tanh(),
    "square": lambda x, y: x.tanh() ** 2,
    "rpow": lambda x, y: 2 ** x.tanh(),
    "neg": lambda x, y: -x,
    "abs": lambda x, y: abs(x),
    "exp": lambda x, y: y.tanh().exp(),
    "log": lambda x, y: (x * x + 1).log(),
    "sqrt": lambda x, y: (y * y + 1).sqrt(),
    "sigmoid": lambda x, y: x.sigmoid(),
    "softplus": lambda x, y: y.softplus(),
    "relu": lambda x, y: x.relu(),
    "leaky_relu": lambda x, y: x.leaky_relu(0.2),
    "prelu": lambda x, y: x.prelu(y),
    "clip": lambda x, y: x.clip(-0.5, 0.5),
    "maximum": mg.maximum,
    "minimum": mg.minimum,
    "maxout": lambda x, y: mg.maxout(x, y, 0.1),
    "where": lambda x, y: mg.where(x > y, x, y),
    "twice": lambda x, y: x * x,
}
places = st.integers(0, 10**6)
programs = st.lists(st.tuples(st.sampled_from(sorted(STEPS)), places, places), min_size=1, max_size=12)
numbers = st.lists(st.floats(-2, 2, width=16), min_size=1, max_size=3)


def run(program: Any, pool: list[Any]) -> Any:
    pool = list(pool)
    for name, i, j in program:
        pool.append(STEPS[name](pool[i % len(pool)], pool[j % len(pool)]))
    return pool[-1]


@settings(max_examples=150)
@given(program=programs, start=numbers)
def test_any_program_as_on_tensors(program: Any, start: list[float]) -> None:
    values, tensors = [V(x) for x in start], [mg.tensor(x, requires_grad=True) for x in start]
    out, expected = run(program, values), run(program, tensors)
    assert out.data == pytest.approx(expected.item(), rel=1e-12, abs=1e-12)
    out.backward()
    if expected.requires_grad:
        expected.backward()
    for value, tensor in zip(values, tensors, strict=True):
        grad = 0.0 if tensor.grad is None else tensor.grad.item()
        assert value.grad == pytest.approx(grad, rel=1e-9, abs=1e-12)


@settings(max_examples=50)
@given(program=programs, start=numbers)
def test_the_gradient_is_the_sum_over_paths_of_products_of_edges(program: Any, start: list[float]) -> None:
    values = [V(x) for x in start]
    out = run(program, values)
    out.backward()

    def paths(node: mg.Value, leaf: mg.Value) -> float:
        if node is leaf:
            return 1.0
        edges = zip(node.operands, node.partials, strict=True)
        return sum(partial * paths(x, leaf) for x, partial in edges if isinstance(x, V))

    if sum(1 for _ in program) <= 8:
        for value in values:
            assert value.grad == pytest.approx(paths(out, value), rel=1e-9, abs=1e-12)


# The graph


def test_a_times_a_has_two_edges() -> None:
    a = V(3.0)
    y = a * a
    assert y.parents == (a, a) and y.parents[0] is y.parents[1] is a
    assert y.partials == (3.0, 3.0)
    y.backward()
    assert a.grad == 6


def test_operands_keep_their_order_and_constants() -> None:
    a = V(3.0)
    y = 2 - a
    assert y.operands == (2.0, a) and type(y.operands[0]) is float
    assert y.partials == (0.0, -1.0)
    assert y.parents == (a,)


def test_leaves_collect_and_values_between_are_set_afresh() -> None:
    a = V(2.0)
    b = a * a
    c = b + a
    c.backward()
    c.backward()
    assert (a.grad, b.grad, c.grad) == (10, 1, 1)
    a.grad = 0.0
    b.backward()
    assert a.grad == 4


def test_backward_on_a_leaf_and_inside_no_grad() -> None:
    a = V(2.0)
    a.backward()
    assert a.grad == 1
    with mg.no_grad():
        b = a * a
    assert b.parents == () and b.primitive is None and b.data == 4


def test_a_chain_of_a_hundred_thousand_values() -> None:
    a = V(1.0)
    y = a
    for _ in range(100_000):
        y = y + a
    y.backward()
    assert a.grad == 100_001
    del y


# As a number


@pytest.mark.parametrize("name", ["lt", "le", "gt", "ge", "eq", "ne"])
@pytest.mark.parametrize("other", [1, 2.0, 3, np.int64(2), np.float32(2), True])
def test_comparisons_with_any_number(name: str, other: Any) -> None:
    compare = getattr(operator, name)
    assert bool(compare(V(2.0), other)) == compare(2.0, other)
    assert bool(compare(other, V(2.0))) == compare(other, 2.0)
    assert bool(compare(V(2.0), V(float(other)))) == compare(2.0, float(other))


def test_it_reads_like_a_number() -> None:
    a = V(1.2345, label="a")
    assert float(a) == 1.2345 and f"{a:.2f}" == "1.23" and f"{a}" == repr(a)
    assert repr(a) == "Value(1.2345, grad=0, label='a')"
    assert bool(V(0.5)) and not bool(V(0.0))
    assert V(1.0) != "a" and V(1.0) is not None and V(1.0) != None  # noqa: E711
    assert len({a, a, V(1.2345)}) == 2
    assert sum([V(1.0), V(2.0)]).data == 3 and max(V(1.0), V(2.0)).data == 2


@pytest.mark.parametrize("number", [2, True, np.float32(0.5), np.int8(3), np.array(1.5), np.bool_(True)])
def test_any_real_number_becomes_a_float(number: Any) -> None:
    assert type(V(number).data) is float and V(number).data == float(number)
    assert (V(1.0) * number).data == float(number)


@pytest.mark.parametrize(
    ("f", "data", "slope"),
    [
        (lambda x: 1 / x, math.inf, -math.inf),
        (lambda x: x**-1, math.inf, -math.inf),
        (lambda x: x.log(), -math.inf, math.inf),
        (lambda x: x.sqrt(), 0.0, math.inf),
        (lambda x: (x + 10) ** 400, math.inf, math.inf),
        (lambda x: (x + 1000).exp(), math.inf, math.inf),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_infinite_derivatives_are_infinite_as_on_tensors(f: Any, data: float, slope: float) -> None:
    x, t = V(0.0), mg.tensor(0.0, requires_grad=True)
    y, z = f(x), f(t)
    y.backward()
    z.backward()
    assert (y.data, x.grad) == (data, slope) == (z.item(), t.grad.item())


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_root_of_a_negative_number_is_nan() -> None:
    x = V(-1.0)
    y = x**0.5
    y.backward()
    assert math.isnan(y.data) and math.isnan(x.grad)


# Arrays of Values


def test_numpy_goes_entry_by_entry() -> None:
    values = np.array([V(1.0), V(-2.0), V(3.0)])
    for out in (
        values @ values,
        np.sum(values * values),
        mg.sum(values**2),
        (np.array([1, 1, 1]) * values**2).sum(),
    ):
        for v in values:
            v.grad = 0.0
        out.backward()
        assert [v.grad for v in values] == [2, -4, 6]
    np.testing.assert_array_equal([v.data for v in np.exp(values)], np.exp([1.0, -2.0, 3.0]))
    assert (np.float64(2) * V(3.0)).data == 6 and (np.float64(2) - V(3.0)).data == -1
    assert (V(2.0) * np.array([1.0, 2.0])).shape == (2,)


@pytest.mark.parametrize(
    ("f", "slopes"),
    [
        (np.maximum, [0.5, 0.5]),
        (np.minimum, [0.5, 0.5]),
        (np.multiply, [2, 2]),
        (lambda a, b: np.exp(a) * np.abs(b), [2 * math.exp(2), math.exp(2)]),
        (lambda a, b: np.add(1.5, np.float64(2) * a), [2, 0]),
        (lambda a, b: np.clip(a, b, 3.0), [1, 0]),
        (lambda a, b: np.clip(a, None, b) + b, [1, 1]),
    ],
)
def test_numpys_functions_of_numbers_follow_the_rulebook(f: Any, slopes: list[float]) -> None:
    a, b = V(2.0), V(2.0)
    out = f(a, b)
    assert isinstance(out, V)
    out.backward()
    assert [a.grad, b.grad] == pytest.approx(slopes)


def test_numpy_still_goes_through_arrays_beside_a_value() -> None:
    a, values = V(2.0), np.array([V(1.0), V(2.0)])
    for out in (np.multiply(a, values), a * values, values * a, np.multiply(a, [1.0, 2.0])):
        assert out.shape == (2,) and [v.data for v in out] == [2, 4]
    assert np.add.reduce(values).data == 3
    assert np.less(a, V(3.0)) is True or np.less(a, V(3.0)) == True  # noqa: E712
    assert not isinstance(np.less(a, V(3.0)), V)
    assert np.float64(2) < V(3.0)
    with pytest.raises(TypeError, match="spacing"):
        np.spacing(a)
    with pytest.raises(TypeError, match="Tensor"):
        np.add(a, mg.tensor(1.0))


def test_a_whole_number_too_large_for_a_float_is_named() -> None:
    for call in (lambda: V(10**400), lambda: V(1.0) + 10**400):
        with pytest.raises(OverflowError, match="a Value is a float, at most"):
            call()


@pytest.mark.parametrize(
    "f",
    [
        mg.sum, mg.mean, mg.max, mg.min, mg.logsumexp, mg.relu, mg.sigmoid, mg.softplus, mg.abs,
        lambda x: mg.softmax(x)[1], lambda x: mg.log_softmax(x)[0], lambda x: mg.maxout(x, -x),
        lambda x: mg.max(x[None], axis=0, keepdims=True), lambda x: group_maxout(x, groups=(2, 1)),
        lambda x: mg.matmul(x, x), lambda x: mg.clip(x, -1, 1), lambda x: mg.where(np.array([1, 0, 1]), x, 0),
        lambda x: mg.reshape(x, (3, 1)), lambda x: mg.stack([x, x]), lambda x: mg.logsumexp(1000 * x),
    ],
)  # fmt: skip
def test_functions_of_arrays_take_arrays_of_values(f: Any) -> None:
    x = np.array([0.5, -1.5, 2.5])
    values = np.array([V(n) for n in x])
    out = f(values)
    np.testing.assert_allclose(np.vectorize(float, otypes=[float])(out), f(x), rtol=1e-12)
    total = np.sum(out)
    total.backward()
    for k, value in enumerate(values):
        expected = central_difference(lambda a: np.sum(f(a)), [x], [np.eye(3)[k]])
        assert value.grad == pytest.approx(float(expected), rel=1e-5, abs=1e-6)


def test_the_largest_of_a_hundred_values() -> None:
    values = np.array([V(n) for n in np.random.default_rng(0).normal(size=100)])
    top = mg.max(values)
    top.backward()
    assert top.data == max(v.data for v in values)
    assert [v.grad for v in values] == [float(v.data == top.data) for v in values]


@given(start=st.lists(st.floats(-2, 2), min_size=2, max_size=2), before=st.floats(-9, 9))
def test_a_backward_that_fails_leaves_the_gradients_as_they_were(start: list[float], before: float) -> None:
    a, b = map(V, start)
    a.grad = b.grad = before
    c = a * b + a
    with np.errstate(divide="ignore"):
        root = np.sqrt(c * 0.0)  # the derivative by what is under the root is infinite, and then ∞ · 0
    root.backward()
    marks = [value.grad for value in (a, b, c, root)]
    a.grad = b.grad = before
    c.grad = marks[2]
    with mg.detect_anomaly(), pytest.raises(mg.AnomalyError):
        root.backward()
    assert (a.grad, b.grad) == (before, before)
    np.testing.assert_equal([c.grad, root.grad], marks[2:])


# Wrong input


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: V("a"), "real numbers, but got 'a'"),
        (lambda: V(None), "real numbers, but got None"),
        (lambda: V(1j), "real numbers, but got 1j"),
        (lambda: V(np.complex64(1)), "real numbers"),
        (lambda: V([1.0]), r"real numbers, but got \[1.0\]; for arrays use mg.tensor"),
        (lambda: V(np.array([1.0, 2.0])), r"ndarray of shape \(2,\); for arrays use mg.tensor"),
        (lambda: V(mg.tensor([1.0, 2.0])), r"Tensor of shape \(2,\)"),
        (lambda: V(V(1.0)), r"not another Value; use its \.data"),
        (lambda: V(1.0) + "a", "real numbers, but got 'a'"),
        (lambda: V(1.0) + mg.tensor(1.0), "Tensor"),
        (lambda: V(1.0) < "a", "not supported"),
        (lambda: mg.softmax(V(1.0)), "softmax works on arrays, not on single Values"),
        (lambda: mg.matmul(V(1.0), V(1.0)), "matmul works on arrays"),
        (lambda: mg.tensor([V(1.0)]), "dtype object"),
    ],
)
def test_wrong_input_is_named(call: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        call()
