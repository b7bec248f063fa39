"""Changing Tensors in place: right, or refused; never a wrong number."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import writes
from minigrad.rules import REGISTRY

from .oracle import central_difference
from .strategies import indices, normal, samples, seeds, shapes

few = settings(max_examples=40)
V = np.array([1.0, 2.0, 3.0])
SHARED = mg.tensor(V)


def leaf(data: Any, **options: Any) -> mg.Tensor:
    return mg.tensor(data, requires_grad=True, **options)


# Right


@pytest.mark.parametrize(
    ("in_place", "plain"),
    [
        (operator.iadd, operator.add),
        (operator.isub, operator.sub),
        (operator.imul, operator.mul),
        (operator.itruediv, operator.truediv),
        (operator.ipow, operator.pow),
    ],
)
@few
@given(seed=seeds, other_shape=st.sampled_from([(), (3,), (2, 3)]), wants=st.booleans())
def test_an_operator_in_place_gives_what_the_plain_one_gives(
    in_place: Any, plain: Any, seed: int, other_shape: Any, wants: bool
) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(0.5, 2, (2, 3)), rng.uniform(0.5, 2, other_shape)
    leaves, others = (
        [leaf(x), mg.tensor(y, requires_grad=wants)],
        [leaf(x), mg.tensor(y, requires_grad=wants)],
    )
    changed = leaves[0] * 1
    same = changed
    changed = in_place(changed, leaves[1])
    assert changed is same
    expected = plain(others[0] * 1, others[1])
    np.testing.assert_array_equal(changed.data, expected.data)
    (changed * changed).sum().backward()
    (expected * expected).sum().backward()
    for a, b in zip(leaves, others, strict=True):
        assert (a.grad is None) == (b.grad is None)
        if a.grad is not None:
            np.testing.assert_allclose(a.grad, b.grad, rtol=1e-12)


def test_matmul_in_place() -> None:
    x, w = leaf([[1.0, 2.0]]), leaf([[1.0, 2.0], [3.0, 4.0]])
    h = x * 1
    h @= w
    h.sum().backward()
    np.testing.assert_array_equal(x.grad, [[3, 7]])
    np.testing.assert_array_equal(w.grad, [[1, 1], [2, 2]])


@few
@given(data=st.data(), shape=shapes, seed=seeds)
def test_assigning_to_any_index_is_as_in_numpy_and_differentiable(data: Any, shape: Any, seed: int) -> None:
    index = data.draw(indices(shape))
    x = normal(data.draw, shape)
    y = normal(data.draw, x[index].shape)
    weights = np.random.default_rng(seed).normal(size=shape)

    def assigned(a: np.ndarray, b: np.ndarray) -> float:
        out = np.array(a)
        out[index] = b
        return float((np.sin(out) * weights).sum())

    a, b = leaf(x), leaf(y)
    t = a * 1
    t[index] = b
    (np.sin(t) * weights).sum().backward()
    directions = [normal(data.draw, shape), normal(data.draw, y.shape)]
    expected = central_difference(assigned, [x, y], directions)
    actual = (a.grad * directions[0]).sum() + (b.grad * directions[1]).sum()
    np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=1e-8)


def test_where_an_entry_is_written_to_twice_the_last_write_counts() -> None:
    x, y = leaf(V), leaf([10.0, 20.0, 30.0])
    t = x * 1
    t[[0, 2, 0]] = y
    np.testing.assert_array_equal(t.data, [30, 2, 20])
    t.sum().backward()
    np.testing.assert_array_equal(x.grad, [0, 1, 0])
    np.testing.assert_array_equal(y.grad, [0, 1, 1])


def test_operators_on_items_and_slices_write_back() -> None:
    x = leaf(V)
    t = x * 2
    t[0] += 5
    t[1:] **= 2
    t[x > 2.5] *= x[0]
    t[[0, 1]] -= 1
    np.testing.assert_array_equal(t.data, [6, 15, 36])
    t.sum().backward()
    np.testing.assert_array_equal(x.grad, [2 + 36, 2 * 2 * 4, 2 * 2 * 6])


def test_a_constant_buffer_is_filled_step_by_step() -> None:
    x = leaf(V)
    buffer = mg.tensor(np.zeros(3))
    for k in range(3):
        buffer[k] = x[k] ** (k + 1)
    (buffer * buffer).sum().backward()
    np.testing.assert_allclose(x.grad, [2 * 1, 4 * 2**3, 6 * 3**5])


def test_a_buffer_may_be_filled_from_itself() -> None:
    x = leaf(V)
    t = x * 2
    t[:2] = t[1:]
    t += t
    np.testing.assert_array_equal(t.data, [8, 12, 12])
    t.sum().backward()
    np.testing.assert_array_equal(x.grad, [0, 4, 8])


@pytest.mark.parametrize("index", [slice(None), slice(None, None, -1), [2, 2, 0]])
def test_a_tensor_is_changed_by_itself(index: Any) -> None:
    for in_place, plain in ((operator.imul, operator.mul), (operator.itruediv, operator.truediv)):
        x, other = leaf(V), leaf(V)
        t, u = x * 1, other * 1
        t = in_place(t, t if index == slice(None) else t[index])
        (np.sin(t)).sum().backward()
        (np.sin(plain(u, u[index]))).sum().backward()
        np.testing.assert_allclose(x.grad, other.grad, rtol=1e-12, atol=1e-15)
        t = leaf(V) * 1
        t *= t.data  # a constant on the same memory
        np.testing.assert_array_equal(t.data, V * V)


def test_a_slice_is_changed_by_another_one_of_the_same_tensor() -> None:
    x = leaf(V)
    t = x * 1
    t[:2] *= t[1:]
    t.sum().backward()
    np.testing.assert_array_equal(x.grad, [2, 1 + 3, 2 + 1])


def test_a_tensor_whose_graph_was_freed_is_not_changed() -> None:
    x = leaf(V)
    for t in (x[:2], x * 2):
        t.sum().backward()
        with pytest.raises(mg.GraphFreedError, match=r"t \+= x .* graph was freed.*detach"):
            t += 1
        with pytest.raises(mg.GraphFreedError, match=r"graph was freed"):
            t[:1] /= 2
    np.testing.assert_array_equal(x.data, V)


def test_what_needs_no_old_number_survives_the_change() -> None:
    x = leaf(V)
    t = x * 1
    before = t.sum()
    t *= 3
    (before + t.sum()).backward()
    np.testing.assert_array_equal(x.grad, [4, 4, 4])


def test_second_order_goes_through_changes() -> None:
    def f(x: Any) -> Any:
        t = x * x
        t *= x
        t[0] **= 2
        return t.sum()

    x = leaf(V)
    f(x).backward(create_graph=True)
    g, x.grad = x.grad, None
    np.testing.assert_allclose(g.data, [6, 12, 27])
    g.sum().backward()
    np.testing.assert_allclose(x.grad, [30, 12, 18])
    np.testing.assert_allclose(mg.hessian(f)(V), np.diag([30.0, 12.0, 18.0]))
    np.testing.assert_allclose(mg.jvp(f, [V], [[1.0, 1.0, 0.0]])[1], 18)


def test_the_dtype_stays_and_the_gradient_follows() -> None:
    x = leaf(V, dtype=np.float32)
    t = x * 1
    t += V
    assert t.dtype == np.float32
    t.sum().backward()
    assert x.grad.dtype == np.float32


def test_without_a_derivative_it_is_numpys_own_write() -> None:
    t = mg.tensor(V)
    array, same = t.data, t
    t += 1
    t[0] = 7.0
    assert t is same and t.data is array
    np.testing.assert_array_equal(array, [7, 3, 4])
    x = leaf(V)
    with mg.no_grad():
        x -= 0.5
    assert x.is_leaf and x.requires_grad
    np.testing.assert_array_equal(x.data, V - 0.5)
    counts = mg.tensor([1, 2])
    counts += 1
    assert counts.tolist() == [2, 3]


# Refused


def changed_factor() -> Any:
    x = leaf(V)
    t = x * 1
    y = (t * t).sum()
    t += 1
    return y


def changed_result() -> Any:
    y = np.exp(leaf(V))
    total = y.sum()
    y *= 2
    return total + y.sum()


def changed_leaf() -> Any:
    x = leaf(V)
    y = np.sin(x).sum()
    with mg.no_grad():
        x += 1
    return y


def changed_constant() -> Any:
    x, c = leaf(V), mg.tensor(V)
    y = (x * c).sum()
    c[0] = 9.0
    return y


def changed_condition() -> Any:
    x, c = leaf(V), mg.tensor([True, False, True])
    y = mg.where(c, x, 2 * x).sum()
    c[1] = True
    return y


def changed_view() -> Any:
    t = leaf(V) * 1
    v = t[:2]
    y = (v * v).sum()
    t *= 2
    return y


def changed_base() -> Any:
    t = leaf(V) * 1
    y = (t * t).sum()
    v = t[:2]
    v *= 2
    return y


def stepped() -> Any:
    x = leaf(V)
    y = (x * x).sum()
    x.grad = np.ones(3)
    mg.optim.SGD([x], lr=0.1).step()
    return y


NEEDED = [
    changed_factor, changed_result, changed_leaf, changed_constant, changed_condition, changed_view,
    changed_base, stepped,
]  # fmt: skip


@pytest.mark.parametrize("work", NEEDED)
def test_a_changed_array_that_a_rule_needs_is_named(work: Any) -> None:
    with pytest.raises(mg.ChangedInPlaceError, match=r"needs its .* changed in place since; write t = t"):
        work().backward()
    with pytest.raises(mg.ChangedInPlaceError), mg.enable_grad():
        work().backward(create_graph=True)


def test_a_changed_array_is_named_in_forward_mode_too() -> None:
    def f(x: Any) -> Any:
        t = x * 1
        y = t * t
        t += 1
        return y

    with pytest.raises(mg.ChangedInPlaceError, match="multiply"):
        mg.jvp(f, [V], [V])
    with pytest.raises(mg.ChangedInPlaceError, match="multiply"):
        mg.vjp(f, V)[1](V)


def test_anomaly_mode_names_the_line() -> None:
    with mg.detect_anomaly():
        y = changed_factor()
        with pytest.raises(
            mg.ChangedInPlaceError,
            match=r"multiply \(x·y\) at line test_inplace\.py:\d+ needs its argument x",
        ):
            y.backward()


def view_then_base() -> Any:
    t = leaf(V) * 1
    v = t[:1]
    t *= 5
    return v, t


def base_then_view() -> Any:
    t = leaf(V) * 1
    v = t[:1]
    v *= 5
    return t, v


def base_that_was_changed_itself() -> Any:
    t = leaf(V) * 1
    t += 1
    v = t[:1]
    v *= 5
    return t, v


def sibling() -> Any:
    t = leaf(V) * 1
    a, b = t[:2], t[1:]
    a *= 5
    return b, a


def reshaped() -> Any:
    t = leaf(V) * 1
    r = t.reshape(3, 1).T
    r *= 5
    return t, r


def constant_alias() -> Any:
    t = leaf(V) * 1
    t.detach()[0] = 9.0
    return t, None


BEHIND_ITS_BACK = [
    view_then_base,
    base_then_view,
    base_that_was_changed_itself,
    sibling,
    reshaped,
    constant_alias,
]


@pytest.mark.parametrize(
    "use",
    [
        lambda t: t.sum(),
        lambda t: t * 2,
        lambda t: t[:1],
        lambda t: t.backward(np.ones(t.shape)),
        lambda t: t.__iadd__(1),
        lambda t: t.__setitem__(0, 1.0),
        lambda t: mg.grad(lambda x: (x * t).sum())(mg.tensor(1.0)),
    ],
)
@pytest.mark.parametrize("work", BEHIND_ITS_BACK)
def test_a_tensor_whose_memory_was_changed_through_another_is_refused(work: Any, use: Any) -> None:
    stale, current = work()
    with pytest.raises(mg.ChangedInPlaceError, match=r"changed through another one.*take the view again"):
        use(stale)
    if current is not None:  # the one that was changed goes on
        use(current)
    stale.detach() + 1
    with mg.no_grad():
        stale + 1  # its numbers are right


def test_a_later_write_does_not_hide_an_earlier_one() -> None:
    t = leaf(V) * 1
    v = t[:1]
    v *= 5
    with pytest.raises(mg.ChangedInPlaceError):
        t.sum()
    v *= 1
    with pytest.raises(mg.ChangedInPlaceError):
        t.sum()


def test_only_the_view_that_was_changed_may_be_put_back() -> None:
    x = leaf(V)
    t = x * 1
    v = t[:1]
    v *= 5
    with pytest.raises(mg.ChangedInPlaceError):
        t[1:2] = v
    t[:1] = v  # what t[:1] *= 5 does
    t.sum().backward()
    np.testing.assert_array_equal(x.grad, [5, 1, 1])
    base = leaf(V) * 1
    other, whole = base[:3], base[:3]
    whole *= 3
    part = whole[:1]
    part *= 5
    with pytest.raises(mg.ChangedInPlaceError):
        other[:1] = part


def test_a_view_taken_again_is_right() -> None:
    x = leaf(V)
    t = x * 1
    v = t[:2]
    t *= 5
    v = t[:2]
    (v * v).sum().backward()
    np.testing.assert_array_equal(x.grad, 2 * 25 * V * [1, 1, 0])


@pytest.mark.parametrize("index", [mg.tensor([0, 1]), np.array([0, 1]), [0, 1], (mg.tensor([0, 1]),)])
def test_an_index_that_is_changed_afterwards_is_not_read_again(index: Any) -> None:
    x = leaf(V)
    y, z = x[index], x * 1
    z[index] = 0.0
    part = index[0] if isinstance(index, tuple) else index
    part[0] = 2
    (y.sum() + 10 * z.sum()).backward()
    np.testing.assert_array_equal(x.grad, [1, 1, 10])
    part[0] = 0


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: leaf(V).__iadd__(1),
            RuntimeError,
            r"t \+= x on a leaf that requires a gradient.*t = t \+ x",
        ),
        (lambda: leaf(V)[:2].__imul__(2), RuntimeError, r"t \*= x on a leaf .* or on a view of one"),
        (lambda: leaf(V).reshape(1, 3).T.__imul__(2), RuntimeError, "view of one"),
        (lambda: leaf(V).__setitem__(0, 1.0), RuntimeError, r"t\[index\] = x on a leaf.*mg.where"),
        (lambda: SHARED.detach().__iadd__(leaf(V)), RuntimeError, r"memory is shared.*t = t \* 1"),
        (lambda: mg.tensor(V)[:2].__iadd__(leaf(V)[:2]), RuntimeError, "memory is shared"),
        (lambda: mg.tensor([1, 2, 3]).__iadd__(leaf(V)), TypeError, r"lose the derivative.*int64.*astype"),
        (lambda: mg.tensor([1, 2, 3]).__iadd__(1.5), TypeError, r"gives float64.*into int64.*astype"),
        (lambda: (leaf(1.0) * 1).__iadd__(V), ValueError, r"t \+= x gives shape \(3,\).*has shape \(\)"),
        (lambda: mg.tensor(1.0).__iadd__(V), ValueError, r"t \+= x gives shape \(3,\)"),
        (lambda: (leaf(V) * 1).__setitem__(5, 1.0), IndexError, r"assign .* got shape \(3,\), 1.0, index=5"),
        (lambda: (leaf(V) * 1).__setitem__(0, V), ValueError, r"assign .* got shape \(3,\), shape \(3,\)"),
        (lambda: operator.iadd(leaf(V) * 1, None), TypeError, "unsupported operand"),
        (lambda: operator.ilshift(leaf(V) * 1, 2), TypeError, "unsupported operand"),
        (lambda: operator.iadd(np.zeros(3), leaf(V)), TypeError, "out="),
    ],
)
def test_what_cannot_be_right_is_refused(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_a_computed_tensor_is_not_changed_inside_no_grad() -> None:
    t = leaf(V) * 1
    with mg.no_grad(), pytest.raises(RuntimeError, match=r"inside no_grad\(\) .* detach\(\) it first"):
        t += 1
    t += 1


def test_what_was_refused_has_changed_nothing() -> None:
    x, whole = leaf(V), mg.tensor([1, 2, 3])
    t = x * 1
    for change in (
        lambda: x.__iadd__(1),
        lambda: t.__iadd__(np.ones((2, 3))),
        lambda: t.__setitem__([0, 9], 1.0),
        lambda: whole.__iadd__(x),
    ):
        with pytest.raises((RuntimeError, ValueError, IndexError, TypeError)):
            change()
    np.testing.assert_array_equal(x.data, V)
    np.testing.assert_array_equal(t.data, V)
    assert whole.tolist() == [1, 2, 3] and not whole.requires_grad
    t.sum().backward()
    np.testing.assert_array_equal(x.grad, [1, 1, 1])


def test_a_transform_differentiates_by_what_it_gave_even_if_that_is_changed() -> None:
    def f(x: Any) -> Any:
        x *= 2
        return (x * x).sum()

    np.testing.assert_array_equal(mg.grad(f)(V), 8 * V)
    np.testing.assert_array_equal(mg.grad(f)(leaf(V)).data, 8 * V)
    np.testing.assert_array_equal(mg.grad(lambda x: mg.grad(f)(x).sum())(V), [8, 8, 8])
    np.testing.assert_array_equal(mg.grad(lambda x: mg.jvp(f, [x], [V])[1])(V), 8 * V)
    x = leaf(V)
    y, pull = mg.vjp(lambda x: x * x, x)
    y += 1
    y *= 3
    np.testing.assert_array_equal(pull(np.ones(3))[0].data, 2 * V)


@pytest.mark.parametrize("name", sorted(name for name in REGISTRY if any(REGISTRY[name].differentiable)))
@settings(max_examples=10)
@given(data=st.data())
def test_no_rule_reads_an_array_whose_changes_are_not_refused(name: str, data: Any) -> None:
    sample = data.draw(samples(name))
    leaves = [mg.Tensor(a.copy(), requires_grad=w) for a, w in zip(sample.args, sample.wanted, strict=True)]
    node: Any = sample(*leaves)._node
    needed = {id(array) for _, array in writes.needed(node)}

    def spoilt(array: Any) -> Any:
        """The array as it would be after a change that nobody refuses."""
        changes = isinstance(array, np.ndarray) and id(array) not in needed and array.dtype.kind == "f"
        return np.full_like(array, np.nan) if changes else array

    g = np.random.default_rng(0).normal(size=node.output.shape)
    for k, parent in enumerate(node.parents):
        if parent is not None:
            before = node.primitive.vjp(k, g, node.output, node.args, node.options)
            after = node.primitive.vjp(k, g, spoilt(node.output), list(map(spoilt, node.args)), node.options)
            np.testing.assert_array_equal(before, after)


def test_a_step_in_place_ends_the_graph_and_whole_numbers_take_no_derivative() -> None:
    y = leaf(V) * 1
    y //= 2
    assert not y.requires_grad and y.data.tolist() == (V // 2).tolist()
    b = mg.tensor(V)
    b //= leaf(V)
    assert not b.requires_grad and b.data.tolist() == [1, 1, 1]
    whole = mg.tensor([3, 5])
    with pytest.raises(TypeError, match=r"lose the derivative .* int64"):
        whole[0] = leaf([1.0])[0]
    assert whole.data.tolist() == [3, 5]


def test_shuffling_rows_in_place_is_refused_where_recorded_and_warned_of_by_numpy_elsewhere() -> None:
    t = mg.tensor(np.arange(6.0).reshape(3, 2), requires_grad=True)
    with pytest.warns(UserWarning, match="may contain duplicates"), pytest.raises(RuntimeError):
        np.random.default_rng(0).shuffle(t * 1)
    with pytest.warns(UserWarning, match="may contain duplicates"):
        np.random.default_rng(0).shuffle(mg.tensor(np.arange(6.0).reshape(3, 2)))
    order = np.random.default_rng(0).permutation(3)
    np.testing.assert_array_equal(t[order].data, t.data[order])
