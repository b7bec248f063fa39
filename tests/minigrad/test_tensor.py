"""Tensors: making them, NumPy's functions and operators on them, indexing, and wrong input."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minigrad as mg

from .oracle import central_difference
from .strategies import indices, normal, seeds, shapes

few = settings(max_examples=25)
X = np.array([[1.1, -2.0, 3.0], [0.5, 5.0, -6.0]])
V = np.array([1.0, 2.0, 3.0])


def leaf(data: Any, **options: Any) -> mg.Tensor:
    return mg.tensor(data, requires_grad=True, **options)


def gradient(f: Any, *args: Any) -> list[np.ndarray]:
    leaves = [leaf(a) for a in args]
    f(*leaves).sum().backward()
    return [x.grad for x in leaves]


# Making and reading


def test_a_tensor_is_a_copy_and_the_constructor_is_not() -> None:
    data = np.array([1.0, 2.0])
    copied, shared = mg.tensor(data), mg.Tensor(data)
    data[0] = 9
    assert copied.data[0] == 1 and shared.data[0] == 9
    assert shared.numpy() is shared.data is data
    again = mg.tensor(copied, dtype=np.float32, requires_grad=True, label="w")
    assert (again.dtype, again.requires_grad, again.label) == (np.float32, True, "w")
    assert not np.shares_memory(again.data, copied.data)


def test_reading_gives_what_numpy_gives() -> None:
    t = mg.tensor(X)
    assert (t.shape, t.ndim, t.size, len(t), t.dtype) == ((2, 3), 2, 6, 2, np.float64)
    assert mg.tensor(2.5).item() == float(mg.tensor([[2.5]])) == 2.5
    assert int(mg.tensor(2.7)) == 2
    assert bool(mg.tensor(1.0)) and not bool(mg.tensor([0.0]))
    assert [row.shape for row in t] == [(3,), (3,)]
    np.testing.assert_array_equal(np.asarray(t), X)
    assert t.argmax() == 4
    assert (t > 0).any() and not (t > 0).all()
    assert f"{mg.tensor(1.23456):.2f}" == "1.23"
    assert f"{mg.tensor(1.5)}" == repr(mg.tensor(1.5)) == "tensor(1.5)"


def test_its_text_says_what_it_is() -> None:
    t = mg.tensor([1.0, 2.0], dtype=np.float32, requires_grad=True, label="x")
    assert repr(t) == "tensor([1., 2.], dtype=float32, requires_grad=True, label='x')"


def test_a_computed_tensor_keeps_the_label_it_is_given() -> None:
    y = leaf(V) * 2
    y.label = "twice"
    assert y.label == "twice"
    assert mg.trace(y.sum()).nodes[-2].label == "twice"
    assert y.detach().label == "twice"


@pytest.mark.parametrize("copier", [copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))])
def test_a_leaf_can_be_copied(copier: Any) -> None:
    t = leaf(V, label="v")
    other = copier(t)
    assert other.label == "v" and other.requires_grad
    (other * 2).sum().backward()
    assert t.grad is None
    np.testing.assert_array_equal(other.grad, [2, 2, 2])


@pytest.mark.parametrize("copier", [copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))])
def test_a_computed_tensor_is_copied_with_its_graph_but_not_the_rules(copier: Any) -> None:
    x = leaf(V)
    y = (x * x).sum()
    other = copier(y)
    assert other._node.primitive is y._node.primitive
    other.backward(retain_graph=True)
    assert x.grad is None
    (copied, _) = other._node.parents[0].parents
    np.testing.assert_array_equal(copied.grad, 2 * V)


# Operators and NumPy's functions record


@given(hnp.arrays(st.sampled_from([float, np.float32, int, bool]), hnp.array_shapes(min_dims=0, min_side=0)))
def test_none_differs_from_every_number_as_in_numpy(x: Any) -> None:
    t = mg.tensor(x)
    for ours, numpys in ((t == None, x == None), (t != None, x != None)):  # noqa: E711  entry by entry
        assert isinstance(ours, mg.Tensor) and ours.dtype == bool and not ours.requires_grad
        np.testing.assert_array_equal(ours.data, numpys)


@pytest.mark.parametrize(
    ("f", "plain"),
    [
        (lambda t: t + 1, lambda x: x + 1),
        (lambda t: 1 + t, lambda x: x + 1),
        (lambda t: 1 - t, lambda x: 1 - x),
        (lambda t: t - 1, lambda x: x - 1),
        (lambda t: 2 * t, lambda x: 2 * x),
        (lambda t: 2 / (t * t + 1), lambda x: 2 / (x * x + 1)),
        (lambda t: t / 2, lambda x: x / 2),
        (lambda t: t**2, lambda x: x**2),
        (lambda t: 2**t, lambda x: 2**x),
        (lambda t: -t, lambda x: -x),
        (lambda t: +t, lambda x: x),
        (lambda t: abs(t), np.abs),
        (lambda t: np.float64(2) * t, lambda x: 2 * x),
        (lambda t: np.float64(2) - t, lambda x: 2 - x),
        (lambda t: np.float64(2) ** t, lambda x: 2**x),
        (lambda t: np.ones((2, 3)) * t, lambda x: x),
        (lambda t: np.ones((4, 2, 3)) + t, lambda x: np.ones((4, 2, 3)) + x),
        (lambda t: np.ones((5, 2)) @ t, lambda x: np.ones((5, 2)) @ x),
        (lambda t: t @ np.ones(3), lambda x: x @ np.ones(3)),
        (lambda t: [1, 2, 3] * t, lambda x: np.array([1, 2, 3]) * x),
        (lambda t: t - [1, 2, 3], lambda x: x - np.array([1, 2, 3])),
        (lambda t: t @ [1.0, 2.0, 3.0], lambda x: x @ [1.0, 2.0, 3.0]),
        (np.exp, np.exp),
        (np.tanh, np.tanh),
        (np.negative, np.negative),
        (lambda t: np.sqrt(t * t + 1), lambda x: np.sqrt(x * x + 1)),
        (lambda t: np.log(t * t + 1), lambda x: np.log(x * x + 1)),
        (lambda t: np.add(t, 1), lambda x: x + 1),
        (lambda t: np.power(t, 2), lambda x: x**2),
        (lambda t: np.matmul(t, t.T), lambda x: x @ x.T),
        (lambda t: np.maximum(t, 0.7), lambda x: np.maximum(x, 0.7)),
        (lambda t: np.minimum(0.7, t), lambda x: np.minimum(x, 0.7)),
        (np.abs, np.abs),
        (np.sum, np.sum),
        (lambda t: np.sum(t, 0), lambda x: x.sum(0)),
        (lambda t: np.sum(t, axis=(0, -1), keepdims=True), lambda x: x.sum(axis=(0, 1), keepdims=True)),
        (lambda t: np.mean(t, axis=1), lambda x: x.mean(axis=1)),
        (lambda t: np.max(t, 1), lambda x: x.max(1)),
        (lambda t: np.amax(t, axis=0), lambda x: x.max(0)),
        (lambda t: np.min(t), np.min),
        (lambda t: np.reshape(t, (3, 2)), lambda x: x.reshape(3, 2)),
        (lambda t: np.reshape(t, -1), lambda x: x.ravel()),
        (np.transpose, np.transpose),
        (lambda t: np.transpose(t, (1, 0)), np.transpose),
        (lambda t: np.expand_dims(t, 1), lambda x: x[:, None]),
        (lambda t: np.squeeze(t[None]), np.squeeze),
        (lambda t: np.broadcast_to(t, (2, 2, 3)), lambda x: np.broadcast_to(x, (2, 2, 3))),
        (lambda t: np.where(t > 1, t, 2 * t), lambda x: np.where(x > 1, x, 2 * x)),
        (lambda t: np.where(X > 1, t, 0), lambda x: np.where(X > 1, x, 0)),
        (lambda t: np.clip(t, -1.5, 2), lambda x: np.clip(x, -1.5, 2)),
        (lambda t: np.clip(t, 0, None), lambda x: np.clip(x, 0, None)),
        (lambda t: np.clip(t, min=0), lambda x: np.clip(x, 0, None)),
        (lambda t: np.concatenate([t, X, 2 * t]), lambda x: np.concatenate([x, X, 2 * x])),
        (lambda t: np.concatenate([t, t], axis=1), lambda x: np.concatenate([x, x], axis=1)),
        (lambda t: np.concatenate([t, V], axis=None), lambda x: np.concatenate([x, V], axis=None)),
        (lambda t: np.stack([t, X], axis=-1), lambda x: np.stack([x, X], axis=-1)),
        (lambda t: t.reshape(3, 2), lambda x: x.reshape(3, 2)),
        (lambda t: t.reshape([-1]), lambda x: x.reshape(-1)),
        (lambda t: t.transpose(1, 0), np.transpose),
        (lambda t: t.T, np.transpose),
        (lambda t: t.expand_dims(0).squeeze(0), lambda x: x),
        (lambda t: t.expand(4, 2, 3), lambda x: np.broadcast_to(x, (4, 2, 3))),
        (lambda t: t.exp().log(), lambda x: x),
        (lambda t: (t * t).sqrt().tanh(), lambda x: np.tanh(abs(x))),
        (lambda t: t.sigmoid() + t.softplus(), lambda x: 1 / (1 + np.exp(-x)) + np.log1p(np.exp(x))),
        (lambda t: t.relu() + t.leaky_relu(0.1), lambda x: np.where(x > 0, 2 * x, 0.1 * x)),
        (lambda t: t.prelu(0.3).abs(), lambda x: abs(np.where(x > 0, x, 0.3 * x))),
        (lambda t: t.clip(min=0.4), lambda x: np.maximum(x, 0.4)),
        (lambda t: t.mean(axis=0) + t.max(axis=0) - t.min(axis=0), lambda x: x.mean(0) + x.max(0) - x.min(0)),
    ],
)  # fmt: skip
def test_operators_and_functions_record(f: Any, plain: Any) -> None:
    t = leaf(X)
    out = f(t)
    assert isinstance(out, mg.Tensor) and out.requires_grad
    np.testing.assert_allclose(out.data, plain(X), rtol=1e-12)
    weights = np.random.default_rng(0).normal(size=out.shape)
    direction = np.random.default_rng(1).normal(size=X.shape)
    out.backward(gradient=weights)
    expected = (weights * central_difference(plain, [X], [direction])).sum()
    np.testing.assert_allclose((t.grad * direction).sum(), expected, rtol=1e-6)


@pytest.mark.parametrize(
    "f",
    [
        lambda t: t > 0, lambda t: t == 1, lambda t: t > 0, lambda t: t != X, np.isnan, np.isfinite, np.sign,
        np.floor, lambda t: (t > 0) & (t < 2), lambda t: (t > 0) | (t < -1), lambda t: (t > 0) ^ (t < 2),
        lambda t: ~(t > 0), lambda t: np.logical_not(t > 0), lambda t: np.greater(t, 0),
    ],
)  # fmt: skip
def test_decisions_are_tensors_without_gradient(f: Any) -> None:
    out = f(leaf(X))
    assert isinstance(out, mg.Tensor) and not out.requires_grad
    np.testing.assert_array_equal(out.data, f(X))


def test_what_has_no_derivative_is_computed_on_the_numbers() -> None:
    t = leaf(X)
    assert np.shape(t) == (2, 3) and np.argmax(t) == 4 and np.ndim(t) == 2
    assert np.allclose(t, X) and np.array_equal(t, X) and np.all(t == X)
    np.testing.assert_array_equal(np.zeros_like(t), 0 * X)
    np.testing.assert_array_equal(np.where(t > 1), np.where(X > 1))
    np.testing.assert_array_equal(np.sort(t.detach()), np.sort(X))


def test_equality_with_something_else_is_no() -> None:
    t = leaf(V)
    assert (t == "a") is False and (t != "a") is True
    assert t in [t] and hash(t) == hash(t)


@given(data=st.data(), shape=shapes)
@few
def test_indexing_as_numpy_and_repeats_accumulate(data: Any, shape: Any) -> None:
    index = data.draw(indices(shape))
    x = normal(data.draw, shape)
    t = leaf(x)
    picked = t[index]
    np.testing.assert_array_equal(picked.data, x[index])
    weights = normal(data.draw, picked.shape)
    picked.backward(gradient=weights)
    counts = np.zeros(shape)
    np.add.at(counts, index, weights)
    np.testing.assert_allclose(t.grad, counts)


def test_tensors_are_indices_too() -> None:
    t = leaf(X)
    np.testing.assert_array_equal(t[mg.tensor([1, 1])].data, X[[1, 1]])
    np.testing.assert_array_equal(t[t > 1].data, X[X > 1])
    np.testing.assert_array_equal(t[0, mg.tensor([2, 0])].data, X[0, [2, 0]])
    np.testing.assert_array_equal(t[range(2)].data, X)


@given(seed=seeds)
@few
def test_a_program_in_numpy_and_the_same_in_torch(seed: int) -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    x, w, b = rng.normal(size=(4, 3)), rng.normal(size=(3, 5)), rng.normal(size=5)

    def program(x: Any, w: Any, b: Any, lib: Any) -> Any:
        h = lib.tanh(x @ w + b)
        return ((h * h[:, [0, 0, 1, 2, 4]]) ** 2 / (1 + lib.exp(-h))).sum()

    mine = [leaf(a) for a in (x, w, b)]
    theirs = [torch.tensor(a, requires_grad=True) for a in (x, w, b)]
    program(*mine, np).backward()
    program(*theirs, torch).backward()
    for a, c in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(a.grad, c.grad.numpy(), rtol=1e-9, atol=1e-12)


def test_a_bound_that_is_not_given_leaves_whole_numbers_whole() -> None:
    t = mg.tensor([-3, 0, 5])
    for clip in (mg.clip, np.clip, mg.Tensor.clip):
        for low, high in ((0, None), (None, 2), (-1, 2), (None, None)):
            out = clip(t, low, high)
            assert out.dtype == t.dtype
            np.testing.assert_array_equal(out.data, t.data if low is high else t.data.clip(low, high))
    assert not np.shares_memory(mg.clip(t).data, t.data)
    assert mg.clip(3, 0) == 3 and isinstance(mg.clip(3, 0), (int, np.integer))
    x = leaf([-3.0, 0.0, 5.0])
    mg.clip(x, 0).sum().backward()
    np.testing.assert_array_equal(x.grad, [0, 1, 1])


def test_matmul_is_left_to_an_operand_that_knows_better() -> None:
    class Other:
        def __rmatmul__(self, left: Any) -> str:
            return "other"

        def __matmul__(self, right: Any) -> Any:
            return NotImplemented

    assert leaf(X) @ Other() == "other"
    with pytest.raises(TypeError, match="unsupported operand"):
        Other() @ leaf(X)
    np.testing.assert_array_equal((X @ leaf(X.T)).data, X @ X.T)
    np.testing.assert_array_equal((X.tolist() @ leaf(X.T)).data, X @ X.T)


def test_rounding_to_whole_numbers_ends_the_derivative() -> None:
    assert not leaf(V).astype(int).requires_grad


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_arrays_with_rules_of_their_own_are_arrays() -> None:
    row = np.matrix([[2.0, 3.0, 4.0]])
    (grad,) = gradient(lambda t: t * row, X)
    np.testing.assert_array_equal(grad, np.broadcast_to([2, 3, 4], (2, 3)))


def test_float32_stays_float32() -> None:
    t = leaf(V, dtype=np.float32)
    out = (2 * t + 1.5) ** 2 / 3 - np.float32(1)
    assert out.dtype == np.float32
    out.sum().backward()
    assert t.grad.dtype == np.float32
    t.grad = None
    (t * V).sum().backward()  # float64 arrays promote the result, not the gradient
    assert t.grad.dtype == np.float32


# Wrong input


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: mg.tensor([1j]), TypeError, "real numbers, but got dtype complex128"),
        (lambda: mg.tensor("abc"), TypeError, "real numbers, but got dtype <U3"),
        (lambda: mg.tensor([None]), TypeError, "real numbers, but got dtype object"),
        (lambda: mg.tensor(10**400), TypeError, "real numbers, but got dtype object"),
        (lambda: mg.tensor([[1, 2], [3]]), ValueError, "rows of equal length"),
        (lambda: mg.tensor([1, 2], requires_grad=True), TypeError, "int64; make it with .*dtype=float"),
        (lambda: leaf([True]), TypeError, "only floats have gradients"),
        (lambda: leaf(V).item(), ValueError, r"shape \(3,\): it has 3 numbers"),
        (lambda: float(leaf(V)), ValueError, "3 numbers, not one"),
        (lambda: f"{leaf(V):.2f}", ValueError, "3 numbers, not one"),
        (lambda: len(leaf(1.0)), TypeError, r"shape \(\) has no length"),
        (lambda: np.asarray(leaf(V)), TypeError, "silently cut the graph.*detach"),
        (lambda: np.array([leaf(V), leaf(V)]), TypeError, "mg.stack or mg.concatenate"),
        (lambda: mg.tensor([leaf(1.0), leaf(2.0)]), TypeError, "silently cut the graph"),
        (lambda: np.sum([leaf(V)]), TypeError, "silently cut the graph"),
        (lambda: np.fft.fft(leaf(V)), TypeError, r"fft has no derivative rule.*\(t.data\).*mg.primitive"),
        (lambda: np.linalg.eig(leaf(X)), TypeError, "np.linalg.eig has no derivative rule.* np.linalg.eigh"),
        (lambda: np.modf(leaf(V)), TypeError, "np.modf has no derivative rule"),
        (lambda: np.exp(leaf(V), out=np.zeros(3)), TypeError, "np.exp with out="),
        (lambda: np.exp(leaf(V), dtype=np.float32), TypeError, "np.exp with dtype="),
        (lambda: np.logaddexp.reduce(leaf(V)), TypeError, "np.logaddexp.reduce .* can't be recorded"),
        (lambda: np.add.reduce(leaf(V), dtype=float), TypeError, "np.add.reduce with dtype="),
        (lambda: np.add.at(leaf(V), 0, 1.0), TypeError, "np.add.at"),
        (lambda: mg.tensor(np.ma.masked_array(V, V > 0)), TypeError, "masked array .*filled"),
        (lambda: leaf(V) + np.ma.masked_array(V, V > 0), TypeError, "masked array .*filled"),
        (lambda: leaf(V) + np.array([object()] * 3), TypeError, "add"),
        (lambda: np.sign(leaf(V)).sum().backward(), RuntimeError, "only through steps"),
        (lambda: np.sum(leaf(V), axis=0, out=leaf(V)), TypeError, "takes no out=: .* assign it"),
        (lambda: np.var(leaf(V), where=V > 0), TypeError, r"takes no where=: .*np.where\(mask"),
        (lambda: np.reshape(leaf(X), (3, 2), "F"), TypeError, "takes no order=: .* transpose first"),
        (lambda: leaf(X) @ leaf(X), ValueError, r"matmul \(x @ y\) got shape \(2, 3\), shape \(2, 3\)"),
        (lambda: leaf(X) @ 2, ValueError, r"matmul .* got shape \(2, 3\), 2"),
        (lambda: leaf(V) - [1, 2], ValueError, r"subtract .* got shape \(3,\), shape \(2,\)"),
        (lambda: leaf(V) + np.array(["a"] * 3), TypeError, "add"),
        (lambda: leaf(V) + np.array([1j] * 3), TypeError, "complex128"),
        (lambda: leaf(V) * 10**400, OverflowError, r"multiply .* got shape \(3,\), 10000.*too large"),
        (lambda: leaf(V) + "a", TypeError, "unsupported operand"),
        (lambda: leaf(V) + None, TypeError, "unsupported operand"),
        (lambda: leaf(V) + 1j, TypeError, "unsupported operand"),
        (lambda: leaf(V) + mg.Value(1.0), TypeError, r"Tensor of shape \(3,\)"),
        (lambda: leaf(V) < "a", TypeError, "not supported"),
        (lambda: leaf(V) & 1, TypeError, "bitwise_and does not take float64"),
        (lambda: mg.tensor([1]) ** -1, ValueError, "negative integer powers"),
        (lambda: leaf(X).sum(axis=5), ValueError, r"sum .* got shape \(2, 3\), axis=5.*out of bounds"),
        (lambda: leaf(X).sum(axis=(0, 0)), ValueError, "duplicate value in 'axis'"),
        (lambda: leaf(X).sum(axis=(1, -1)), ValueError, "duplicate"),
        (lambda: leaf(X).sum(axis=[0, 1]), TypeError, r"axis=\[0, 1\]"),
        (lambda: leaf(X).sum(axis=1.0), TypeError, "axis=1.0"),
        (lambda: leaf(X).max(axis="a"), TypeError, "axis='a'"),
        (lambda: leaf(np.zeros((0, 3))).max(axis=0), ValueError, r"max .* got shape \(0, 3\)"),
        (lambda: leaf(X).reshape(4, 2), ValueError, r"reshape .* got shape \(2, 3\), shape=\(4, 2\)"),
        (lambda: leaf(X).reshape(2.0, 3), TypeError, "reshape"),
        (lambda: leaf(X).transpose(0, 0), ValueError, "repeated axis"),
        (lambda: leaf(X).squeeze(0), ValueError, "squeeze"),
        (lambda: leaf(X).expand_dims(9), ValueError, "axis=9"),
        (lambda: leaf(X).broadcast_to(3, 3), ValueError, "broadcast_to"),
        (lambda: leaf(X)[5], IndexError, "index=5"),
        (lambda: leaf(X)["a"], IndexError, "index='a'"),
        (lambda: leaf(X)[0.5], IndexError, "index=0.5"),
        (lambda: leaf(X)[[True, False, True]], IndexError, "boolean index"),
        (lambda: mg.concatenate([]), ValueError, r"at least one in it, but got \[\]"),
        (lambda: mg.concatenate(leaf(X)[0, 0]), ValueError, r"list of arrays.*one of shape \(\)"),
        (lambda: mg.stack([leaf(X), leaf(V)]), ValueError, r"stack .* shape \(2, 3\), shape \(3,\)"),
        (lambda: mg.softmax(leaf(X), axis=2), ValueError, "softmax .* axis=2"),
    ],
)  # fmt: skip
def test_wrong_input_is_named(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_arrays_are_not_written_through() -> None:
    array = np.zeros(3)
    with pytest.raises(TypeError, match="out="):
        array += leaf(V)


@pytest.mark.parametrize(
    ("method", "function"),
    [
        (np.add.reduce, np.sum),
        (np.multiply.reduce, np.prod),
        (np.maximum.reduce, np.max),
        (np.minimum.reduce, np.min),
        (np.add.accumulate, np.cumsum),
        (np.multiply.accumulate, np.cumprod),
    ],
)
def test_methods_of_ufuncs_record_along_the_first_axis(method: Any, function: Any) -> None:
    t, u = leaf(X), leaf(X)
    np.testing.assert_array_equal(method(t).data, method(X))
    (method(t) ** 2).sum().backward()
    (function(u, axis=0) ** 2).sum().backward()
    np.testing.assert_array_equal(t.grad, u.grad)
    np.testing.assert_array_equal(method(t, axis=1).data, method(X, axis=1))


def test_outer_applies_a_ufunc_to_every_pair() -> None:
    t, u = leaf(V), leaf(X)
    out = np.hypot.outer(t, u)
    np.testing.assert_array_equal(out.data, np.hypot.outer(V, X))
    out.sum().backward()
    np.testing.assert_allclose(t.grad, (V[:, None] / np.hypot.outer(V, X.ravel())).sum(axis=1))
    np.testing.assert_array_equal(np.subtract.outer(V, t).data, np.subtract.outer(V, V))


def test_remainders_copies_and_membership_are_numpys() -> None:
    t = leaf(V)
    recorded = (t % 0.7, t // 0.7, *divmod(t, 0.7), *np.divmod(2.0, t))
    expected = (V % 0.7, V // 0.7, *divmod(V, 0.7), *np.divmod(2.0, V))
    for ours, theirs in zip(recorded, expected, strict=True):
        np.testing.assert_array_equal(ours.data, theirs)
    (2.0 % t).sum().backward()
    np.testing.assert_array_equal(t.grad, -(2.0 // V))
    assert V[1] in t and 99.0 not in t
    copy = +t * 1
    copy += 1
    np.testing.assert_array_equal(t.data, V)


def test_a_python_zero_divides_as_numpys_does() -> None:
    t = leaf(V)
    with np.errstate(divide="ignore"):
        (t / 0.0).sum().backward()
    assert np.isinf(t.grad).all()
    powers = leaf(V)
    with np.errstate(divide="ignore"):
        (2.0**powers).sum().backward(create_graph=True)
    np.testing.assert_allclose(powers.grad.data, 2.0**V * np.log(2))


def test_nan_and_infinity_pass_through_as_in_numpy() -> None:
    t = leaf([np.nan, np.inf, -np.inf, 1.0])
    (t * 2 + 1).sum().backward()
    np.testing.assert_array_equal(t.grad, [2, 2, 2, 2])
    np.testing.assert_array_equal(mg.relu(t).data, [np.nan, np.inf, 0, 1])
    assert np.isnan(mg.tensor([np.nan, 1.0]).max().item())


@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0), ()])
def test_empty_and_single_tensors_go_both_ways(shape: tuple[int, ...]) -> None:
    t = leaf(np.ones(shape))
    (mg.exp(t) * t + t.sum()).sum().backward()
    assert t.grad.shape == shape
