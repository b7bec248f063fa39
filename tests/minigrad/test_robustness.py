"""Deep and wide graphs, memory over many rounds, threads and tasks, and state after exceptions."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import call, writes
from minigrad.recording import PLAIN, current
from minigrad.rules import Elementwise, Primitive

from .oracle import registered

V = np.array([1.0, 2.0, 3.0])


def leaf(data: Any) -> mg.Tensor:
    return mg.tensor(data, dtype=float, requires_grad=True)


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Run without the cyclic collector, from a clean slate."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def shallow_stack() -> Iterator[None]:
    """Room for a few dozen frames: whoever goes down a graph by recursion fails."""
    depth, frame = 0, sys._getframe()
    while frame is not None:
        depth, frame = depth + 1, frame.f_back  # type: ignore[assignment]
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(depth + 50)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


# Deep and wide


def test_a_chain_of_a_million_tensors(no_collector: None) -> None:
    x = leaf(1.0)
    y = x
    with shallow_stack():
        for _ in range(1_000_000):
            y = y + x
        y.backward(retain_graph=True)
        assert x.grad == 1_000_001
        del y


def test_a_chain_of_half_a_million_values(no_collector: None) -> None:
    a = mg.Value(1.0)
    b = a
    with shallow_stack():
        for _ in range(500_000):
            b = b + a
        b.backward()
        assert a.grad == 500_001
        del b


def test_a_graph_a_hundred_thousand_wide(no_collector: None) -> None:
    x = leaf(2.0)
    with shallow_stack():
        layer = [x * float(k) for k in range(100_000)]
        while len(layer) > 1:
            layer = [a + b for a, b in zip(layer[::2], [*layer[1::2], 0.0], strict=False)]
        layer[0].backward()
        assert x.grad == 100_000 * 99_999 / 2
        del layer


def test_a_hundred_thousand_paths_between_two_nodes(no_collector: None) -> None:
    x = leaf(2.0)
    with shallow_stack():
        y = x * 1.0
        for _ in range(17):
            y = y + y  # 2¹⁷ paths, 17 nodes
        y.backward()
    assert x.grad == 2**17


def test_deep_graphs_of_higher_order_and_in_both_modes(no_collector: None) -> None:
    n = 20_000

    def chain(x: Any) -> Any:
        y = x
        for _ in range(n - 1):
            y = y * x
        return y

    x = leaf(1.0)
    with shallow_stack():
        chain(x).backward(create_graph=True)
        g, x.grad = x.grad, None
        assert g.item() == n
        g.backward()
        assert x.grad == n * (n - 1)
        del g
        assert mg.jvp(chain, [1.0], [1.0])[1] == n
        assert mg.hvp(chain, 1.0, 1.0) == n * (n - 1)


def calls(work: Callable[[], Any]) -> int:
    """How many functions, in Python and in C, are called."""
    count = 0

    def counted(frame: Any, event: str, arg: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(counted)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def deep(n: int) -> None:
    x = leaf(1.0)
    y = x
    for _ in range(n):
        y = y * 1.0 + x
    y.backward()


def wide(n: int) -> None:
    x = leaf(1.0)
    mg.stack([x * 2.0 for _ in range(n)]).sum().backward()


def deep_values(n: int) -> None:
    a = mg.Value(1.0)
    b = a
    for _ in range(n):
        b = b * 1.0 + a
    b.backward()


def changed(n: int) -> None:
    t = leaf(V) * 1
    for _ in range(n):
        t += 1
    t.sum().backward()


def forwards(n: int) -> None:
    def chain(x: Any) -> Any:
        y = x
        for _ in range(n):
            y = y * 1.0 + x
        return y

    mg.jvp(chain, [1.0], [1.0])


@pytest.mark.parametrize("work", [deep, wide, deep_values, changed, forwards])
def test_twice_the_graph_takes_twice_the_calls(work: Any) -> None:
    work(10)
    once, twice, fourfold = (calls(lambda n=n: work(n)) for n in (300, 600, 1200))
    assert fourfold - twice == pytest.approx(2 * (twice - once), rel=0.02)


# Memory over many rounds


def plain_round() -> None:
    x = leaf(V)
    np.sum(np.exp(x) * x).backward()


def recorded_round() -> None:
    x = leaf(V)
    np.sum(np.exp(x) * x).backward(create_graph=True)
    g, x.grad = x.grad, None
    np.sum(g * g).backward()


def retained_round() -> None:
    x = leaf(V)
    y = np.sum(np.exp(x) * x)
    y.backward(retain_graph=True)
    y.backward()


def nested_round() -> None:
    mg.grad(lambda x: np.sum(mg.grad(lambda z: np.sum(z**3))(x)))(V)


def hvp_round() -> None:
    mg.hvp(lambda x: np.sum(x**3), V, V)


def pull_round() -> None:
    y, pull = mg.vjp(lambda x: x * x, V)
    pull(y)
    pull(y)


def in_place_round() -> None:
    x = leaf(V)
    t = x * 1
    t += x
    t[0] = 5.0
    t[1:] *= 2
    t.sum().backward()


def refused_round() -> None:
    t = leaf(V) * 1
    y = t * t
    t += 1
    try:
        y.sum().backward()
    except mg.ChangedInPlaceError:
        return
    raise AssertionError("not refused")


def step_round() -> None:
    x = leaf(V)
    np.sum(x * x).backward()
    with mg.no_grad():
        x -= 0.1 * x.grad


def value_round() -> None:
    a, b = mg.Value(2.0), mg.Value(3.0)
    mg.where(a > b, (a * b).log(), a / b).backward()


def anomaly_round() -> None:
    with mg.detect_anomaly():
        plain_round()


KEPT: list[Any] = []


def leaking_round() -> None:
    """What the test must notice."""
    KEPT.append(leaf(V))


ROUNDS = [
    plain_round, recorded_round, retained_round, nested_round, hvp_round, pull_round, in_place_round,
    refused_round, step_round, value_round, anomaly_round,
]  # fmt: skip


@pytest.mark.parametrize("work", ROUNDS)
def test_rounds_leave_no_garbage_and_no_memory(work: Any, no_collector: None) -> None:
    rounds = 10_000 if work in (plain_round, value_round, in_place_round) else 1_500
    for _ in range(500):  # Python's own reserves fill
        work()
    gc.collect()
    held, written = sys.getallocatedblocks(), len(writes._written)
    for _ in range(rounds):
        work()
    assert gc.collect() == 0
    assert sys.getallocatedblocks() - held < rounds // 5  # a leak is one block a round, at least
    assert len(writes._written) == written


def growth(work: Any) -> int:
    """The bytes by which memory has grown over 600 rounds."""
    tracemalloc.start()
    try:
        sizes = []
        for k in range(1000):
            work()
            if k % 200 == 199:
                assert gc.collect() == 0  # it also empties Python's own reserves of small objects
                sizes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    return sizes[-1] - sizes[1]


@pytest.mark.parametrize("work", ROUNDS)
def test_memory_does_not_grow_from_round_to_round(work: Any, no_collector: None) -> None:
    assert growth(work) < 600 * 16  # less than the smallest object a round


def test_a_planted_leak_is_seen(no_collector: None) -> None:
    assert growth(leaking_round) > 600 * 16


def test_a_leaf_that_is_changed_for_ever_keeps_one_note(no_collector: None) -> None:
    x = leaf(V)
    before = len(writes._written)
    for _ in range(1000):
        np.sum(x * x).backward()
        with mg.no_grad():
            x -= 0.1 * x.grad
        x.grad = None
    assert len(writes._written) == before + 1
    del x
    assert len(writes._written) == before


# Threads and tasks


def derivatives(k: float) -> None:
    """Transforms in each other and blocks in each other, compared with closed forms."""

    def f(x: Any) -> Any:
        with mg.no_grad():
            scale = x * 0 + k
            with mg.enable_grad():
                cube = x * x * x
        return np.sum(scale * cube)

    x = V + k
    g = mg.grad(lambda z: np.sum(mg.grad(f)(z)))(x)
    np.testing.assert_allclose(g, 6 * k * x)
    assert current() is PLAIN
    np.testing.assert_allclose(mg.hvp(f, x, V), 6 * k * x * V)
    _, pull = mg.vjp(lambda z: mg.jvp(np.exp, [z * k], [z])[1], x)
    np.testing.assert_allclose(pull(np.ones(3))[0], np.exp(k * x) * (1 + k * x))
    t = leaf(x)
    with mg.no_grad():
        y = t * t
        assert not y.requires_grad
        np.testing.assert_allclose(mg.grad(f)(x), 3 * k * x**2)
        assert not (t * t).requires_grad
    c = t * 1
    c *= t
    np.sum(c).backward(create_graph=True)
    first, t.grad = t.grad, None
    np.sum(first * t).backward()
    np.testing.assert_allclose(t.grad, 4 * x)
    a = mg.Value(k)
    (a * a * a).backward()
    assert a.grad == 3 * k * k


def test_eight_threads_with_nested_gradients() -> None:
    barrier = threading.Barrier(8)
    errors: list[BaseException] = []

    def work(k: int) -> None:
        try:
            barrier.wait(30)
            for n in range(60):
                with mg.no_grad() if (k + n) % 2 else mg.enable_grad():
                    assert current().recording is ((k + n) % 2 == 0)
                derivatives(1.0 + k / 4)
        except BaseException as error:  # pytest sees only the main thread's
            errors.append(error)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert not errors, errors[0]
    assert current() is PLAIN


def test_threads_share_leaves_that_nobody_changes() -> None:
    w = leaf(V)
    barrier, results = threading.Barrier(8), []

    def work() -> None:
        barrier.wait(30)
        for _ in range(50):
            results.append(mg.grad(lambda x: np.sum(w * x * x))(V))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 400
    for g in results:
        np.testing.assert_array_equal(g.data if isinstance(g, mg.Tensor) else g, 2 * V * V)
    assert w.grad is None


def test_tasks_switch_in_the_middle_of_a_block_and_of_a_function() -> None:
    async def work(k: int) -> list[bool]:
        seen = []
        for _ in range(10):
            with mg.no_grad() if k % 2 else mg.enable_grad():
                await asyncio.sleep(0)
                seen.append(current().recording is (k % 2 == 0))
            await asyncio.sleep(0)
            seen.append(current() is PLAIN and not call._inside.get())
            derivatives(1.0 + k)
        return seen

    async def together() -> list[list[bool]]:
        return list(await asyncio.gather(*(work(k) for k in range(8))))

    assert all(all(seen) for seen in asyncio.run(together()))


# State after an exception


class Planted(Exception):
    """What the tests raise."""


@contextmanager
def nothing_left_behind() -> Iterator[None]:
    """The state here is the one before, and the engine works."""
    mode, inside = current(), call._inside.get()
    with pytest.raises(Planted):
        yield
    assert current() is mode
    assert call._inside.get() is inside
    assert not call._inside.get()
    np.testing.assert_array_equal(mg.grad(lambda x: np.sum(x * x))(V), 2 * V)
    x = leaf(V)
    np.sum(x * x).backward()
    np.testing.assert_array_equal(x.grad, 2 * V)
    a = mg.Value(2.0)
    (a * a).backward()
    assert a.grad == 4


def raises(*args: Any, **options: Any) -> Any:
    raise Planted


@pytest.mark.parametrize("block", [mg.no_grad, mg.enable_grad, mg.detect_anomaly])
def test_a_block_ends_by_an_exception(block: Any) -> None:
    with nothing_left_behind(), block():
        raises()
    with nothing_left_behind(), mg.no_grad(), block(), mg.enable_grad():
        raises()


@pytest.mark.parametrize(
    "call",
    [
        lambda f: mg.grad(f)(V),
        lambda f: mg.value_and_grad(f)(V),
        lambda f: mg.jacobian(f)(V),
        lambda f: mg.hessian(f)(V),
        lambda f: mg.hvp(f, V, V),
        lambda f: mg.jvp(f, [V], [V]),
        lambda f: mg.vjp(f, V),
        lambda f: mg.trace(f, V),
        lambda f: mg.check_gradients(f, V),
        lambda f: mg.grad(lambda x: mg.grad(f)(x))(V),
        lambda f: mg.no_grad()(f)(V),
    ],
)
def test_a_function_that_raises_leaves_nothing_behind(call: Any) -> None:
    with nothing_left_behind():
        call(raises)


def faulty(forward: Any, partial: Any) -> Callable[[], Primitive]:
    return lambda: Elementwise("faulty", forward, partial, formula="x", source="-", classes="smooth")


@pytest.mark.parametrize(
    "run",
    [
        lambda f: f(leaf(V)).sum().backward(),
        lambda f: f(leaf(V)).sum().backward(retain_graph=True),
        lambda f: f(leaf(V)).sum().backward(create_graph=True),
        lambda f: mg.grad(lambda x: f(x).sum())(V),
        lambda f: mg.jvp(f, [V], [V]),
        lambda f: mg.vjp(f, V)[1](V),
        lambda f: mg.hessian(lambda x: f(x).sum())(V),
        lambda f: mg.trace(f, V),
        lambda f: f(mg.Value(1.0)).backward(),
    ],
)
@pytest.mark.parametrize("inside_anomaly", [False, True])
@pytest.mark.parametrize("where", ["forward", "rule"])
def test_a_primitive_that_raises_leaves_nothing_behind(run: Any, where: str, inside_anomaly: bool) -> None:
    make = faulty(raises, 1) if where == "forward" else faulty(lambda x: x * 1, raises)
    with registered(make) as primitive:
        with nothing_left_behind():
            run(primitive)
        with nothing_left_behind(), mg.detect_anomaly() if inside_anomaly else mg.enable_grad():
            run(primitive)


def test_a_generator_that_is_left_or_fails_in_a_block() -> None:
    def steps(fail: bool) -> Iterator[bool]:
        with mg.no_grad():
            yield current().recording
            if fail:
                raises()

    with nothing_left_behind():
        list(steps(True))
    left = steps(False)
    assert next(left) is False
    left.close()
    assert current() is PLAIN


def test_what_runs_on_after_a_decorator_is_refused() -> None:
    def generator() -> Iterator[int]:
        yield 1

    async def coroutine() -> int:
        return 1

    async def both() -> Any:
        yield 1

    for function in (generator, coroutine, both):
        with pytest.raises(TypeError, match=r"generator or a coroutine.*with mg\.no_grad\(\):. inside it"):
            mg.no_grad()(function)


def test_a_function_that_catches_the_exception_of_an_inner_one_goes_on() -> None:
    def f(x: Any) -> Any:
        with suppress(Planted):
            mg.grad(raises)(x)
        return np.sum(x * mg.grad(lambda z: np.sum(z * z))(x))

    np.testing.assert_array_equal(mg.grad(f)(V), 4 * V)


# A backward pass that fails


def test_a_failed_backward_leaves_the_gradients_of_leaves_as_they_were() -> None:
    with registered(faulty(lambda x: x * 1, raises)) as primitive:
        for options in ({}, {"retain_graph": True}, {"create_graph": True}):
            a, b = leaf(V), leaf(V)
            a.grad = V
            y = (a * b).sum() + primitive(b).sum() + b.sum()
            with pytest.raises(Planted):
                y.backward(**options)
            np.testing.assert_array_equal(a.grad, V)
            assert b.grad is None
            if options:  # nothing was freed
                with pytest.raises(Planted):
                    y.backward()
            else:
                with pytest.raises(mg.GraphFreedError, match="or by one that failed"):
                    y.backward()


def test_a_refused_backward_leaves_the_gradients_of_leaves_as_they_were() -> None:
    x = leaf(V)
    t = x * 1
    y = (t * t).sum() + x.sum()
    t += 1
    with pytest.raises(mg.ChangedInPlaceError):
        y.backward()
    assert x.grad is None
