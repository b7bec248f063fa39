"""What can't be captured runs as it is, after one warning that says why; never a wrong number."""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim

from .helpers import assert_same, copied

X = np.array([0.5, -1.0, 2.0])


def falls_back(function: Callable[..., Any], why: str, *args: Any) -> None:
    """One warning that says why and where; the same results as without, call for call."""
    compiled = mg.compile(function)
    with pytest.warns(mg.CaptureWarning, match=why) as caught:
        for _ in range(8):
            compiled(*args)
    assert len([w for w in caught if w.category is mg.CaptureWarning]) == 1
    assert not compiled.programs
    assert_same(copied(compiled(*args)), copied(function(*args)))


def test_numbers_that_leave_the_computation() -> None:
    w = mg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    falls_back(lambda x: np.sum(w * x).item(), r"Python number.*test_bad_input.py:\d+", X)
    falls_back(lambda x: float(np.sum(w * x)), "Python number", X)
    falls_back(lambda x: (w * x).data.tolist(), "list", X)
    falls_back(lambda x: np.asarray((w * x).data) * 2, "taken out", X)
    falls_back(lambda x: f"{np.sum(w * x)}", "taken out|Python number|text", X)
    falls_back(lambda x, rate: f"{rate:.3f}", "text", X, 0.5)
    falls_back(lambda x, rate: (w * np.full(3, rate)).sum(), "array", X, 0.5)


def test_random_draws_of_the_user() -> None:
    rng = np.random.default_rng(0)
    w = mg.tensor([1.0, 2.0, 3.0])
    for draw in (
        lambda: rng.standard_normal(3),
        lambda: np.random.rand(3),  # noqa: NPY002
        lambda: random.random(),
        lambda: 2.0 if random.random() < 0.5 else 3.0,
        lambda: 2.0 if rng.random() < 0.5 else 3.0,
    ):
        compiled = mg.compile(lambda x, draw=draw: w * x * draw())
        with pytest.warns(mg.CaptureWarning, match="random numbers"):
            results = [compiled(X).data[0] for _ in range(30)]
        assert len(set(results)) > 1


def test_state_that_changes_inside() -> None:
    count, history, table = 0, [], {"calls": 0}
    counter = type("Counter", (), {"calls": 0})()
    array = np.zeros(3)

    def nonlocal_counter(x: Any) -> Any:
        nonlocal count
        count += 1
        return mg.tensor(x) * count

    def appended(x: Any) -> Any:
        history.append(1)
        return mg.tensor(x) * len(history)

    def in_a_dictionary(x: Any) -> Any:
        table["calls"] += 1
        return mg.tensor(x) * table["calls"]

    def on_an_object(x: Any) -> Any:
        counter.calls += 1
        return mg.tensor(x) * counter.calls

    def in_an_array(x: Any) -> Any:
        array[0] += 1
        return mg.tensor(x) * array

    for function, name in (
        (nonlocal_counter, "count"),
        (appended, "history"),
        (in_a_dictionary, r"table\['calls'\]"),
        (on_an_object, "counter.calls"),
        (in_an_array, "array"),
    ):
        compiled = mg.compile(function)
        with pytest.warns(mg.CaptureWarning, match=f"{name}, outside the function, changes"):
            results = [compiled(X).data[0] for _ in range(6)]
        assert results == [0.5 * k for k in range(1, 7)]


def test_what_is_kept_outside() -> None:
    w = mg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    losses: list[Any] = []
    holder = type("Holder", (), {"last": None})()
    opaque = iter([losses])  # nothing looks inside
    inner = next(opaque)

    def append_tensor(x: Any) -> Any:
        loss = np.sum(w * x)
        inner.append(loss)
        return loss

    def append_array(x: Any) -> Any:
        loss = np.sum(w * x)
        inner.append(loss.data)
        return loss

    def on_an_object(x: Any) -> Any:
        holder.last = np.sum(w * x)
        return holder.last

    for function in (append_tensor, append_array):
        losses.clear()
        compiled = mg.compile(function)
        with pytest.warns(mg.CaptureWarning, match="outside"):
            for k in range(6):
                compiled(X * k)
        kept = [float(x.data if isinstance(x, mg.Tensor) else x) for x in losses]
        assert kept == [4.5 * k for k in range(6)]
        assert all(type(x) in (mg.Tensor, np.ndarray, np.float64) for x in losses)
    compiled = mg.compile(on_an_object)
    with pytest.warns(mg.CaptureWarning, match="outside"):
        for k in range(6):
            compiled(X * k)
            assert_same(holder.last.data, np.asarray(np.sum(w.data * X * k)))


def test_data_dependent_control_flow() -> None:
    def branch(x: Any) -> Any:
        t = mg.tensor(x)
        return t * 2 if np.sum(t) > 0 else t - 1

    def loop(x: Any) -> Any:
        t = mg.tensor(x)
        while np.max(np.abs(t)) > 0.1:
            t = t * 0.5
        return t

    def index(x: Any) -> Any:
        t = mg.tensor(x)
        return t[int(np.argmax(t.data))] * t

    rng = np.random.default_rng(0)
    for function in (branch, loop, index):
        compiled = mg.compile(function)
        for _ in range(30):
            x = rng.standard_normal(3)
            assert_same(copied(compiled(x)), copied(function(x)))
        assert 1 <= len(compiled.programs) <= 8


def test_an_argument_is_written_to() -> None:
    def step(x: Any) -> Any:
        x *= 2
        return mg.tensor(x) + 1

    compiled = mg.compile(step)
    x, y = X.copy(), X.copy()
    with pytest.warns(mg.CaptureWarning, match="argument is written to"):
        for _ in range(6):
            assert_same(copied(compiled(x)), copied(step(y)))
            assert_same(x, y)

    def through_a_tensor(t: Any) -> Any:
        with mg.no_grad():
            t += 1
        return t * 2

    compiled = mg.compile(through_a_tensor)
    one, two = mg.tensor(X), mg.tensor(X)
    for k in range(8):
        if k % 2:
            one, two = mg.tensor(X), mg.tensor(X)
        assert_same(copied(compiled(one)), copied(through_a_tensor(two)))
        assert_same(one.data, two.data)


def test_a_tensor_made_inside_is_written_to() -> None:
    w = mg.tensor([1.0, 2.0, 3.0], requires_grad=True)

    def step(x: Any) -> Any:
        t = mg.tensor(np.zeros(3))
        t += 1
        t += w * x
        t[0] = 5.0
        t[1:] *= 2
        return t

    compiled = mg.compile(step)
    for k in range(6):
        assert_same(copied(compiled(X + k)), copied(step(X + k)))
    assert compiled.programs


def test_results_of_other_kinds() -> None:
    @dataclass
    class Pair:
        value: Any

    w = mg.tensor([1.0, 2.0, 3.0])
    falls_back(lambda x: Pair(w * x).value * 1 if x is None else OrderedDict(a=w * x), "OrderedDict", X)
    falls_back(lambda x: {w.data.tobytes()} and {1, 2}, "tobytes|set", X)
    compiled = mg.compile(lambda x: Pair(w * x))
    with pytest.warns(mg.CaptureWarning, match="Pair"):
        for k in range(6):
            assert_same(compiled(X + k).value.data, w.data * (X + k))


def test_structures_that_differ_from_call_to_call() -> None:
    kinds = iter(range(100))

    def step(x: Any) -> Any:
        t = mg.tensor(x) * 2
        return [t, (t, t), {"a": t}][next(kinds) % 3]

    compiled = mg.compile(step)
    results = [compiled(X) for _ in range(30)]
    # The function can't be seen to change; each result is one that it might have given.
    assert all(type(r) in (mg.Tensor, tuple, dict) for r in results)


def test_nothing_differentiable() -> None:
    for function in (lambda x: None, lambda x: 3, lambda x: x, lambda x: x * 2, lambda x: mg.tensor([1.0])):
        compiled = mg.compile(function)
        for k in range(5):
            assert_same(copied(compiled(X + k)), copied(function(X + k)))
    returned = [mg.compile(lambda x: mg.tensor([1.0]))(X) for _ in range(2)]
    assert returned[0] is not returned[1]


def test_results_may_be_changed_by_the_caller() -> None:
    compiled = mg.compile(lambda x: [mg.tensor([1.0, 2.0]), np.ones(2), mg.tensor(x) * 1])
    for _ in range(6):
        one, two, three = compiled(X)
        assert_same([one.data, two, three.data], [np.array([1.0, 2.0]), np.ones(2), X])
        one.data[...], two[...], three.data[...] = 7, 7, 7


def test_other_dtypes_and_shapes() -> None:
    w = mg.tensor(np.ones(3, np.float32), requires_grad=True)
    compiled = mg.compile(lambda x: w * x)
    for dtype in (np.float32, np.float64, np.int64, np.float16, bool):
        for shape in ((3,), (2, 3), (1, 3)):
            x = np.ones(shape, dtype)
            for _ in range(3):
                assert_same(copied(compiled(x)), copied(w * x))
    with pytest.raises(ValueError, match=r"shape|broadcast"):
        compiled(np.ones(4))
    with pytest.raises(TypeError):
        compiled(np.array(["a", "b", "c"]))


def test_graphs_from_outside_and_freed_ones() -> None:
    w = mg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = w * w
    falls_back(lambda x: y * x, "computed outside", X)
    falls_back(lambda t: t * 2, "computed outside", w * 3)

    def step() -> Any:
        loss.backward()
        return w.grad

    loss = np.sum(w * w)
    compiled = mg.compile(step)
    compiled()
    for _ in range(4):
        with pytest.raises(mg.GraphFreedError):
            compiled()


def test_a_graph_for_second_derivatives_inside() -> None:
    w = mg.tensor([1.0, 2.0, 3.0], requires_grad=True)

    def step(x: Any) -> Any:
        w.grad = None
        np.sum(w**3 * x).backward(create_graph=True)
        slope = w.grad
        w.grad = None
        np.sum(slope**2).backward()
        return w.grad

    compiled = mg.compile(step)
    for k in range(6):
        assert_same(copied(compiled(X + k)), copied(step(X + k)), eps=8)


def test_parameters_of_another_dtype() -> None:
    net = nn.Linear(3, 2)
    opt = optim.Adam(net.parameters())

    def step(x: Any) -> Any:
        opt.zero_grad()
        loss = np.sum(net(x) ** 2)
        loss.backward()
        opt.step()
        return loss

    compiled = mg.compile(step)
    for _ in range(4):
        compiled(X[None])
    twin = nn.Linear(3, 2)
    twin.load_state_dict(net.state_dict())
    state = {name: array.astype(np.float64) for name, array in net.state_dict().items()}
    net.load_state_dict(state)
    result = compiled(X[None])
    assert result.dtype == np.float64
    assert net.weight.dtype == np.float64 and net.weight.grad.dtype == np.float64


def test_wrong_calls_of_compile() -> None:
    for thing in (3, "step", None.__class__, [len]):
        if callable(thing):
            continue
        with pytest.raises(TypeError, match="compile takes a function"):
            mg.compile(thing)

    def generator(x: Any) -> Any:
        yield x * 2

    async def coroutine(x: Any) -> Any:
        return x * 2

    async def both(x: Any) -> Any:
        yield x * 2

    for function in (generator, coroutine, both):
        with pytest.raises(TypeError, match="generator or a coroutine"):
            mg.compile(function)


def test_errors_stay_as_they_are() -> None:
    net = nn.Linear(3, 2)
    compiled = mg.compile(lambda x: net(x))
    for _ in range(4):
        compiled(X)
        with pytest.raises(ValueError) as eager:
            net(np.ones(5))
        with pytest.raises(ValueError) as error:
            compiled(np.ones(5))
        assert str(error.value) == str(eager.value)
    with pytest.raises(TypeError):
        compiled(X, 3)
