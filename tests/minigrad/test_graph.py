"""The recorded graph: what backward does and keeps, what is recorded, and when memory goes."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.recording import is_recording

V = np.array([1.0, 2.0, 3.0])


def leaf(data: Any, **options: Any) -> mg.Tensor:
    return mg.tensor(data, dtype=float, requires_grad=True, **options)


# Backward


def test_gradients_add_up_until_they_are_cleared() -> None:
    x = leaf(V)
    (x * x).sum().backward()
    (3 * x).sum().backward()
    np.testing.assert_array_equal(x.grad, 2 * V + 3)
    x.grad = None
    x.sum().backward()
    np.testing.assert_array_equal(x.grad, [1, 1, 1])


def test_one_leaf_many_times_and_many_paths() -> None:
    x = leaf(3.0)
    y = x * x
    (y * y + y - x).backward()
    assert x.grad == 4 * 27 + 2 * 3 - 1


def test_a_second_backward_says_what_to_do() -> None:
    x = leaf(V)
    y = (x * x).sum()
    y.backward()
    with pytest.raises(mg.GraphFreedError, match="retain_graph=True"):
        y.backward()
    with pytest.raises(mg.GraphFreedError, match="retain_graph=True"):
        (y * 2).backward()
    np.testing.assert_array_equal(x.grad, 2 * V)


def test_retain_graph_keeps_the_graph_and_the_gradients_between() -> None:
    x = leaf(V)
    h = x * 2
    y = (h * h).sum()
    y.backward(retain_graph=True)
    np.testing.assert_array_equal(h.grad, 4 * V)
    y.backward()
    np.testing.assert_array_equal(x.grad, 2 * 8 * V)
    z = (x * 2).sum()
    z.backward()
    assert z.grad is None


def test_backward_with_a_gradient_is_a_vector_jacobian_product() -> None:
    x, g = leaf(V), np.array([1.0, 0.0, -1.0])
    (x * x).backward(gradient=g)
    np.testing.assert_array_equal(x.grad, 2 * V * g)
    x.grad = None
    (x * x).backward(gradient=[1, 0, -1])
    np.testing.assert_array_equal(x.grad, 2 * V * g)
    x.grad = None
    (x * x).backward(gradient=mg.tensor(g))
    np.testing.assert_array_equal(x.grad, 2 * V * g)


def test_backward_on_a_leaf_gives_one() -> None:
    x = leaf([[2.0]])
    x.backward()
    np.testing.assert_array_equal(x.grad, [[1.0]])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: leaf(V).backward(), RuntimeError, r"shape \(3,\): only one number.*gradient="),
        (lambda: mg.tensor(1.0).backward(), RuntimeError, "requires no gradient.*requires_grad=True"),
        (lambda: leaf(V).sum().backward([1.0, 2.0]), ValueError, r"gradient has shape \(2,\).*shape \(\)"),
        (lambda: leaf(1.0).backward("a"), TypeError, "gradient must be real numbers"),
        (lambda: leaf(1.0).backward(1j), TypeError, "gradient must be real numbers"),
        (lambda: setattr(leaf(V), "grad", [1.0]), ValueError, r"shape \(3,\) can't have shape \(1,\)"),
        (lambda: setattr(leaf(V) * 2, "requires_grad", False), RuntimeError, r"use \.detach\(\)"),
        (lambda: setattr(mg.tensor([1]), "requires_grad", True), TypeError, "only floats have gradients"),
    ],
)
def test_wrong_backward_is_named(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_create_graph_gives_every_order() -> None:
    x = leaf(2.0)
    expected = [5 * 2.0**4, 20 * 2.0**3, 60 * 2.0**2, 120 * 2.0, 120.0, 0.0]
    y = x**5
    for order in expected[:-1]:
        y.backward(create_graph=True)
        y, x.grad = x.grad, None
        assert y.item() == order
    y.backward()
    assert x.grad == expected[-1]


def test_create_graph_adds_to_what_is_there_and_plain_backward_to_what_it_left() -> None:
    x = leaf(V)
    (x * x).sum().backward()
    (x * x).sum().backward(create_graph=True)
    assert isinstance(x.grad, mg.Tensor)
    np.testing.assert_array_equal(x.grad.data, 4 * V)
    x.sum().backward()
    assert isinstance(x.grad, np.ndarray)
    np.testing.assert_array_equal(x.grad, 4 * V + 1)


def test_create_graph_records_inside_no_grad_too() -> None:
    x = leaf(3.0)
    y = x**3
    with mg.no_grad():
        y.backward(create_graph=True)
    assert x.grad.requires_grad


def test_the_seed_can_be_differentiated() -> None:
    x, v = leaf(V), leaf([1.0, 0.5, 0.25])
    (x * x).backward(gradient=v, create_graph=True)
    g, x.grad = x.grad, None
    g.sum().backward()
    np.testing.assert_array_equal(v.grad, 2 * V)


def test_gradients_are_not_each_others_memory() -> None:
    x, y = leaf(V), leaf(V)
    seed = np.ones(3)
    (x + y).backward(gradient=seed)
    x.grad[0] = 9
    assert y.grad[0] == 1 and seed[0] == 1


def test_gradients_between_and_recorded_ones_are_not_each_others_memory() -> None:
    x, y = leaf(V), leaf(V)
    a, b, seed = x * 2, y * 2, np.ones(3)
    seed.setflags(write=False)
    (a + b).backward(gradient=seed, retain_graph=True)
    a.grad[0] = 9
    assert b.grad[0] == 1
    x.grad = y.grad = None
    given = leaf([1.0, 1.0, 1.0])
    (x + y).backward(gradient=given, create_graph=True)
    x.grad.data[0] = 9
    assert y.grad.data[0] == 1 and given.data[0] == 1
    g, x.grad, y.grad = y.grad, None, None
    g.sum().backward()
    np.testing.assert_array_equal(given.grad, [1, 1, 1])


def test_create_graph_refuses_a_leaf_whose_array_was_replaced() -> None:
    x = leaf(V)
    y = (x * x).sum()
    x.data = 2 * V
    with pytest.raises(RuntimeError, match=r"\.data of a leaf was replaced.*compute the output again"):
        y.backward(create_graph=True)
    assert x.grad is None
    y.backward()  # of the numbers that were used
    np.testing.assert_array_equal(x.grad, 2 * V)


def test_a_backward_that_fails_is_named_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(out: Any, x: Any) -> Any:
        raise RuntimeError("the rule's own error")

    monkeypatch.setattr(mg.exp, "partials", (fails,))
    y = np.exp(leaf(V)).sum()
    with pytest.raises(RuntimeError, match="the rule's own error"):
        y.backward()
    with pytest.raises(mg.GraphFreedError, match="or by one that failed"):
        y.backward()


def test_a_gradient_that_is_set_has_the_dtype_of_its_tensor() -> None:
    x = mg.tensor(V, dtype=np.float32, requires_grad=True)
    x.grad = [1, 2, 3]
    assert x.grad.dtype == np.float32


# What is recorded


def test_nothing_is_recorded_without_need() -> None:
    x = mg.tensor(V)
    assert not (x * 2).requires_grad and (x * 2).is_leaf
    y = leaf(V) * 2
    assert y.requires_grad and not y.is_leaf
    assert not y.detach().requires_grad
    assert y.detach().data is y.data


def test_no_grad_nests_and_ends_also_by_an_exception() -> None:
    x = leaf(V)
    with mg.no_grad():
        assert not (x * 2).requires_grad
        with mg.no_grad():
            assert not is_recording()
        assert not is_recording()
        with mg.enable_grad():
            assert (x * 2).requires_grad
        assert not is_recording()
    assert is_recording()
    with pytest.raises(ZeroDivisionError), mg.no_grad():
        _ = 1 / 0
    assert is_recording() and (x * 2).requires_grad


def test_no_grad_decorates_functions_that_call_themselves() -> None:
    @mg.no_grad()
    def count(n: int) -> list[bool]:
        return [is_recording()] + (count(n - 1) if n else [])

    assert count(3) == [False] * 4
    assert is_recording()


def test_one_no_grad_serves_many_times_and_inside_itself() -> None:
    off, on = mg.no_grad(), mg.enable_grad()
    for _ in range(2):
        with off:
            with on, off:
                assert not is_recording()
            assert not is_recording()
        assert is_recording()


def test_threads_do_not_meet_in_one_decorated_function() -> None:
    inside, seen = threading.Barrier(2), []

    @mg.no_grad()
    def wait() -> None:
        inside.wait(10)

    def work() -> None:
        wait()
        seen.append(is_recording())

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [True, True]


def test_a_generator_inside_no_grad_does_not_leak_out() -> None:
    def steps() -> Iterator[bool]:
        for _ in range(2):
            with mg.no_grad():
                recording = is_recording()
            yield recording

    assert list(steps()) == [False, False]
    assert is_recording()


def test_turning_requires_grad_on_and_off() -> None:
    x = mg.tensor(V)
    x.requires_grad = True
    (x * 2).sum().backward()
    np.testing.assert_array_equal(x.grad, [2, 2, 2])
    x.requires_grad = False
    assert not (x * 2).requires_grad


# Depth and memory


def test_a_chain_of_a_hundred_thousand_steps() -> None:
    x = leaf(1.0)
    y = x
    for _ in range(100_000):
        y = y + x
    y.backward()
    assert x.grad == 100_001
    del y


def test_a_long_recorded_chain_is_let_go_without_recursion() -> None:
    y = leaf(1.0)
    for _ in range(100_000):
        y = -y
    del y


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Run without the cyclic collector, from a clean slate."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def network_step() -> Any:
    net = nn.Sequential(
        nn.Linear(3, 6), nn.Maxout(2), nn.Linear(3, 4), nn.ReLU(), nn.Dropout(0.5), nn.Linear(4, 2)
    )
    loss = nn.cross_entropy(net(np.ones((5, 3))), [0, 1, 0, 1, 0])
    loss.backward(retain_graph=True)
    return loss


def every_method() -> Any:
    x = leaf(V)
    y = np.concatenate([np.exp(x), x.max(keepdims=True), x[[0, 0]]]) / mg.logsumexp(x)
    y = mg.softmax(y.reshape(2, 3) @ np.ones((3, 2)), axis=1)
    (y * y).sum().backward(retain_graph=True)
    return y


def second_order() -> Any:
    x = leaf(V)
    h = np.exp(x) * np.tanh(x)
    (h * x).sum().backward(create_graph=True)
    g, x.grad = x.grad, None
    (g * g).sum().backward()
    return g


def recorded_gradient() -> Any:
    x = leaf(V)
    h = np.exp(x) * np.tanh(x)
    (h * x).sum().backward(create_graph=True)
    x.grad = None
    return h


def traced() -> Any:
    net = nn.Sequential(nn.Linear(3, 2), nn.ReLU())
    return mg.trace(net, V), mg.vjp(np.exp, V)[1](V)


def scalars() -> Any:
    a, b = mg.Value(2.0), mg.Value(-1.0)
    y = (a * b + a).tanh().max(a * a) / (b - 3)
    y.backward()
    return y


WORKS = [network_step, every_method, second_order, recorded_gradient, traced, scalars]


@pytest.mark.parametrize("work", WORKS)
def test_nothing_waits_for_the_collector(work: Any, no_collector: None) -> None:
    work()
    gc.collect()  # what was loaded on the way
    result = work()
    del result
    assert gc.collect() == 0


def test_arrays_go_with_the_last_name(no_collector: None) -> None:
    x = leaf(np.ones(1000))
    array = weakref.ref(x.data)
    y = (np.exp(x) * x).sum()
    node = y._node.parents[0]  # Nodes have slots and no weak references: watch an array that one holds
    held = weakref.ref(node.output)
    del node, x
    assert array() is not None and held() is not None
    y.backward()
    assert array() is None and held() is None


def test_graphs_are_copied_and_sent_to_other_processes() -> None:
    import copy
    import pickle

    for duplicate in (copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))):
        x = mg.tensor(3.0, requires_grad=True)
        x2, y2 = duplicate([x, x * x * x])
        assert y2._node.order > y2._node.parents[0].order
        (y2 * x2 + x2).backward()
        np.testing.assert_allclose(x2.grad, 4 * 27 + 1)
        a = mg.Value(3.0)
        b, c = duplicate([a, a * a * a])
        (c * b).backward()
        np.testing.assert_allclose(b.grad, 4 * 27)


def test_a_long_graph_is_copied_without_recursion() -> None:
    import copy

    x = mg.tensor(np.ones(2), requires_grad=True)
    y = x * 1
    for _ in range(100_000):
        y = y + x
    x2, y2, z2 = copy.deepcopy([x, y, y * x])
    (y2.sum() + z2.sum()).backward()
    np.testing.assert_array_equal(x2.grad, [300_003, 300_003])
    assert x.grad is None
    y.sum().backward()  # the copy has let go of none of it
    np.testing.assert_array_equal(x.grad, [100_001, 100_001])
    released = copy.deepcopy(y)
    with pytest.raises(mg.GraphFreedError):
        released.sum().backward()


def test_a_leaf_whose_shape_was_changed_takes_no_gradient() -> None:
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    y = (x * x).sum()
    x.data = np.ones(5)
    with pytest.raises(RuntimeError, match=r"shape \(5,\), .* shape \(2,\): its .data was replaced"):
        y.backward()
