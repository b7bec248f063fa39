"""Functions of Values: eager and replayed runs leave the same numbers behind, or the replay says why not."""

from __future__ import annotations

import math
import random
import threading
import tracemalloc
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.compilation.scalar import GuardFailed, ScalarCapture, ScalarReplay, difference

from .test_scalar_programs import close, numbers, perceptron, programs, run

V = mg.Value
Make = Callable[[list[Any]], Callable[..., Any]]


def numbers_in(tree: Any) -> Any:
    if isinstance(tree, V):
        return tree.data, tree.grad
    if isinstance(tree, dict):
        return {key: numbers_in(branch) for key, branch in tree.items()}
    return [numbers_in(branch) for branch in tree] if isinstance(tree, (tuple, list)) else tree


def race(make: Make, start: list[float], calls: list[tuple[Any, ...]], *, programs: int = 1) -> ScalarReplay:
    """Call both, change leaves in between, compare all numbers after every call."""
    ours, theirs = [V(x) for x in start], [V(x) for x in start]
    fast, slow = ScalarReplay(make(ours)), make(theirs)
    for k, args in enumerate(calls):
        for leaf, twin in zip(ours, theirs, strict=True):
            leaf.data += 0.125 * k
            twin.data += 0.125 * k
        assert_alike(numbers_in(fast(*args)), numbers_in(slow(*args)))
        assert_alike(numbers_in(ours), numbers_in(theirs))
    assert len(fast.programs) == programs and fast.reason is None
    return fast


def assert_alike(found: Any, expected: Any) -> None:
    if isinstance(expected, dict):
        assert list(found) == list(expected)
        found, expected = list(found.values()), list(expected.values())
    if isinstance(expected, (tuple, list)):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_alike(one, other)
    elif isinstance(expected, float):
        assert type(found) is float
        close(found, expected, abs(expected))
    else:
        assert found == expected


def refused(
    function: Callable[..., Any], match: str, calls: int = 4, args: tuple[Any, ...] = ()
) -> ScalarReplay:
    fast = ScalarReplay(function)
    with pytest.warns(mg.CaptureWarning, match=match):
        for _ in range(calls):
            fast(*args)
    assert not fast.programs and fast.reason is not None
    return fast


# What is replayed


@settings(max_examples=100, deadline=None)
@given(program=programs, start=numbers, zeroing=st.booleans(), twice=st.booleans())
def test_any_step(program: Any, start: list[float], zeroing: bool, twice: bool) -> None:
    def make(leaves: list[Any]) -> Any:
        def step() -> Any:
            if zeroing:
                for leaf in leaves:
                    leaf.grad = 0.0
            pool = run(program, leaves)
            loss = pool[-1].tanh() + pool[len(pool) // 2].tanh()
            loss.backward()
            if twice:
                (loss * pool[0].tanh()).backward()
            return loss, pool[-1], leaves

        return step

    race(make, start, [()] * 4)


def test_gradients_collect_unless_they_are_set_to_0() -> None:
    def make(leaves: list[Any]) -> Any:
        def step() -> Any:
            leaves[0].grad = 0.0
            loss = leaves[0] * leaves[1]
            loss.backward()
            return loss

        return step

    race(make, [2.0, 3.0], [()] * 5)


def test_a_training_loop_with_its_update_inside() -> None:
    points = np.random.default_rng(0).normal(size=(5, 2))

    def make(leaves: list[Any]) -> Any:
        def step(rate: float) -> Any:
            held, total = iter(leaves), 0.0
            parameters, total = perceptron(lambda x: next(held), points, 3)
            loss = total * 0.05 + 1e-3 * sum((p * p for p in parameters), 0.0)
            for p in parameters:
                p.grad = 0.0
            loss.backward()
            for p in parameters:
                p.data -= rate * p.grad
            return loss, loss.data, {"largest": rate * 2}

        return step

    start = np.random.default_rng(3).normal(size=9).tolist()
    race(make, start, [(0.1,), (0.1,), (0.05,), (0.2,), (0.0,)])


def test_two_steps_in_one_with_momentum_in_a_leaf() -> None:
    def make(leaves: list[Any]) -> Any:
        x, velocity = leaves

        def step() -> Any:
            for _ in range(2):
                x.grad = 0.0
                loss = (x * x - 2.0) ** 2
                loss.backward()
                velocity.data = 0.9 * velocity.data - 0.01 * x.grad
                x.data += velocity.data
            return loss

        return step

    race(make, [0.7, 0.0], [()] * 5)


def test_a_leaf_that_is_given_anothers_number_keeps_its_own_gradient() -> None:
    def make(leaves: list[Any]) -> Any:
        x, y = leaves

        def step() -> Any:
            x.data = y.data
            loss = x * 3.0 + y * x
            loss.backward()
            return loss

        return step

    race(make, [0.7, 2.0], [()] * 4)


def test_numbers_of_values_in_arithmetic_carry_no_derivative() -> None:
    def make(leaves: list[Any]) -> Any:
        x, y = leaves

        def step(scale: float) -> Any:
            number = (x.data / (1.0 + y.data**2) - 2) * scale + np.exp(y.data) ** 0.5
            made = V(number)
            loss = x * number + y * abs(-number) + made * y
            loss.backward()
            return loss, number, made, made.grad + x.grad

        return step

    race(make, [0.7, 2.0], [(1.0,), (2.0,), (3.0,), (4.0,)])


def test_numbers_of_numpy_are_floats() -> None:
    def make(leaves: list[Any]) -> Any:
        x, y = leaves

        def step(scale: float) -> Any:
            number = np.float64(0.5) * x.data + y.data * np.float64(2.0)
            made = V(number * scale)
            loss = x * number * made + np.float64(3.0) * y
            loss.backward()
            y.data = number
            return loss, float(made.data > 1e9)

        return step

    race(make, [0.7, 2.0], [(np.float64(1.0),), (2.0,), (np.float64(3.0),), (4.0,)])


def test_arguments_are_read_anew_values_too() -> None:
    def make(leaves: list[Any]) -> Any:
        def step(x: Any, weights: list[float], scale: float = 1.0) -> Any:
            loss = sum(w * x for w in weights) * leaves[0] * scale
            loss.backward()
            return loss, x

        return step

    ours, theirs = [V(2.0)], [V(2.0)]
    fast, slow = ScalarReplay(make(ours)), make(theirs)
    for k in range(5):
        mine, other = V(0.5 + k), V(0.5 + k)
        found = fast(mine, [1.0, k / 3], scale=0.5 + k)
        expected = slow(other, [1.0, k / 3], scale=0.5 + k)
        assert_alike(numbers_in(found), numbers_in(expected))
        assert mine.grad == pytest.approx(other.grad) and ours[0].grad == pytest.approx(theirs[0].grad)
        assert k == 0 or found[1] is mine
    assert len(fast.programs) == 1


def test_other_structures_of_arguments_are_other_programs() -> None:
    x = V(2.0)
    fast = ScalarReplay(lambda weights, n: sum(w * x for w in weights) * n)
    for weights, n in [([1.0], 2), ([1.0, 2.0], 2), ([1.0], 3)]:
        for k in range(4):
            assert fast([w + k for w in weights], n).data == sum(w + k for w in weights) * 2 * n
    assert len(fast.programs) == 3


def test_arrays_are_compared_entry_by_entry() -> None:
    x = V(2.0)
    fast = ScalarReplay(lambda points: sum(float(p) * x for p in points))
    for _ in range(3):
        assert fast(np.array([1.0, 2.0])).data == 6
    assert len(fast.programs) == 1
    assert fast(np.array([1.0, 3.0])).data == 8


def test_the_same_value_twice_is_no_program_for_two() -> None:
    fast = ScalarReplay(lambda a, b: a * b + a)
    same = V(3.0)
    for _ in range(3):
        assert fast(same, same).data == 12
    assert fast(V(3.0), V(4.0)).data == 15
    for _ in range(3):
        assert fast(V(3.0), V(4.0)).data == 15
    assert fast(same, same).data == 12


# Decisions


def test_a_decision_is_checked_before_anything_is_written() -> None:
    x = V(1.0)

    def step() -> Any:
        y = x * 2 if x > 0 else x * -3
        y.backward()
        x.data = x.data + 0.0
        return y

    capture = ScalarCapture(step)
    capture.run((), {})
    assert capture.reason is None and capture.program is not None
    x.data, x.grad = -1.0, 5.0
    with pytest.raises(GuardFailed):
        capture.program.replay((), {})
    assert (x.data, x.grad) == (-1.0, 5.0)


def test_every_branch_becomes_a_program() -> None:
    def make(leaves: list[Any]) -> Any:
        def step(x: float) -> Any:
            y = leaves[0] * x
            loss = y * 2 if y.data > 0 else y * y
            if loss:
                loss.backward()
            return max(loss, leaves[0] * 0.0)

        return step

    race(make, [1.0], [(1.0,), (1.0,), (2.0,), (-1.0,), (-2.0,), (-3.0,), (1.0,)], programs=2)


def test_a_division_by_0_raises_as_it_does_without() -> None:
    x = V(1.0)
    fast = ScalarReplay(lambda: x * (1.0 / x.data))
    for x.data in (1.0, 2.0, 4.0):
        assert fast().data == 1.0
    x.data = 0.0
    with pytest.raises(ZeroDivisionError):
        fast()
    x.data = 4.0
    assert fast().data == 1.0


# What is not


def test_a_number_that_changes_is_named() -> None:
    x, count = V(2.0), [0.0]

    def step() -> Any:
        count[0] += 1.5
        return x * count[0]

    fast = refused(step, r"number 3\.0 in multiply was 4\.5.*line.*pass it as an argument")
    assert fast().data == 2 * 1.5 * 5


def test_random_numbers_are_not_frozen() -> None:
    x, rng = V(2.0), random.Random(0)
    refused(lambda: x * rng.random(), "pass it as an argument")


@pytest.mark.parametrize(
    ("compute", "reason"),
    [
        (lambda x: x * math.exp(x.data), "np.exp"),
        (lambda x: x * float(x), "float"),
        (lambda x: x * float(x.data), "float"),
        (lambda x: x * int(x.data), "int"),
        (lambda x: x * round(x.data, 1), "round"),
        (lambda x: x * (x.data % 1), "mod"),
        (lambda x: x * (x.data // 1), "floordiv"),
        (lambda x: x * x.data.is_integer(), "is_integer"),
        (lambda x: x * {2.5: 1.0}.get(x.data, 3.0), "float"),
        (lambda x: x * (np.array([1.0, 2.0]) * x.data)[0], "array"),
        (lambda x: mg.tensor([1.0]) * x.data, "Tensor"),
        (lambda x: {1, x.data}, "float|set"),
        (lambda x: mg.trace(x * 2.0).to_json(), "of minigrad reads"),
    ],
)
def test_numbers_that_are_taken_out(compute: Any, reason: str) -> None:
    x = V(2.5)
    expected = compute(V(2.5))
    fast = ScalarReplay(lambda: compute(x))
    with pytest.warns(mg.CaptureWarning, match=reason):
        found = fast()
    assert str(found) == str(expected)


def test_values_under_no_grad_are_refused() -> None:
    x = V(2.0)

    def step() -> Any:
        with mg.no_grad():
            y = x * 3
        return y * x

    refused(step, "no_grad")


def test_values_computed_outside_are_refused() -> None:
    x = V(2.0)
    y = x * x
    fast = refused(lambda: y * x, "computed before")
    assert fast().data == 8
    refused(lambda a: a * x, "computed outside", args=(y,))


@pytest.mark.parametrize("keep", [lambda loss: loss, lambda loss: loss.data])
def test_what_is_kept_outside_is_refused(keep: Any) -> None:
    x, history = V(2.0), []

    def step() -> Any:
        loss = x * x
        history.append(keep(loss))
        return loss

    refused(step, "kept outside")
    assert len(history) == 4


def test_a_state_that_is_replaced_at_each_call_is_refused() -> None:
    x, state = V(2.0), [V(1.0)]

    def step() -> Any:
        out = x * state[0]
        state[0] = V(state[0].data * 0.5)
        return out

    fast = ScalarReplay(step)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert [fast().data for _ in range(5)] == [2.0, 1.0, 0.5, 0.25, 0.125]
    assert not fast.programs


def test_a_list_that_is_given_and_changed_is_changed() -> None:
    x, history = V(2.0), [0.5]

    def step(history: list[float], inner: dict[str, Any]) -> Any:
        loss = x * history[0]
        history.append(loss.data)
        inner["last"] = x
        return loss

    inner: dict[str, Any] = {"list": history}
    with pytest.warns(mg.CaptureWarning, match="is changed"):
        ScalarReplay(step)(history, inner)
    assert history == [0.5, 1.0] and type(history[1]) is float
    assert inner == {"list": history, "last": x} and inner["list"] is history


def test_an_argument_that_is_also_held_elsewhere_is_told_apart() -> None:
    x = V(2.0)
    fast = ScalarReplay(lambda a: a * x * 3.0)
    for _ in range(3):
        assert fast(x).data == 12
    for k in range(1, 5):
        assert fast(V(float(k))).data == 6 * k
    assert fast(x).data == 12 and len(fast.programs) == 2


def test_single_precision_is_not_taken_for_double() -> None:
    x = V(1.1)
    refused(lambda: x * (x.data * np.float32(0.1)), "np.multiply")


def test_a_leaf_that_is_made_inside_and_kept_is_refused() -> None:
    x, held = V(2.0), {}

    def step() -> Any:
        held["bias"] = V(1.0)
        return x + held["bias"]

    refused(step, "kept outside")


def test_a_replay_allocates_next_to_nothing() -> None:
    rng = np.random.default_rng(0)
    leaves = [V(x) for x in rng.normal(size=100)]

    def step() -> None:
        for leaf in leaves:
            leaf.grad = 0.0
        sum(x * y + (x * y).exp() for x in leaves for y in leaves).backward()

    fast = ScalarReplay(step)
    for _ in range(4):
        fast()
    (program,) = fast.programs
    tracemalloc.start()
    fast()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 0.1 * program.plan.bytes


def test_other_things_that_are_returned_are_refused() -> None:
    x = V(2.0)
    refused(lambda: [x * x, np.ones(2)], "returns a ndarray")


def test_an_argument_that_may_change_unseen_is_refused() -> None:
    class Settings:
        scale = 2.0

    x = V(2.0)
    refused(lambda options: x * options.scale, "Settings", args=(Settings(),))


def test_a_function_that_never_repeats_itself_is_left_to_python() -> None:
    x, count = V(2.0), [0]

    def step() -> Any:
        count[0] += 1
        return sum([x] * count[0])

    fast = refused(step, "two runs")
    assert fast().data == 10


# Around it


def test_an_exception_leaves_everything_as_it_was() -> None:
    x, fail = V(2.0), [True]

    def step() -> Any:
        y = x * 3.0
        if fail[0]:
            raise KeyError("here")
        y.backward()
        return y

    fast = ScalarReplay(step)
    with pytest.raises(KeyError):
        fast()
    fail[0] = False
    for _ in range(4):
        assert fast().data == 6
    assert x.grad == 12 and type(x.data) is float and type(vars(V)["data"]).__name__ == "member_descriptor"


def test_inside_blocks_python_runs() -> None:
    x = V(2.0)
    fast = ScalarReplay(lambda: x * x)
    for _ in range(3):
        fast()
    with mg.no_grad():
        assert fast().primitive is None
    with mg.detect_anomaly():
        assert fast().primitive is not None
    outer = ScalarReplay(lambda: fast() + 1)
    assert [outer().data for _ in range(3)] == [5.0] * 3


def test_outputs_have_no_graph_from_the_first_call_on() -> None:
    x = V(2.0, label="x")
    fast = ScalarReplay(lambda: (x * x, x))
    for _ in range(3):
        y, same = fast()
        assert y.primitive is None and same is x


def test_programs_share_nothing() -> None:
    x, y = V(2.0), V(3.0)
    one, other = ScalarReplay(lambda: x * y), ScalarReplay(lambda: x + y)
    assert [(one().data, other().data) for _ in range(4)] == [(6.0, 5.0)] * 4


def test_threads_do_not_see_each_others_recordings() -> None:
    x = V(2.0)
    fast = ScalarReplay(lambda scale: x * scale)
    failures = []

    def work(seed: int) -> None:
        own = V(float(seed))
        for k in range(200):
            found = fast(float(k + seed)).data, (own * own).data, type(own.data)
            if found != (2.0 * (k + seed), float(seed * seed), float):
                failures.append(found)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_records_that_differ_say_where() -> None:
    x, flag = V(2.0), [True]
    first = ScalarCapture(lambda: x.exp() if flag[0] else x.tanh())
    first.run((), {})
    flag[0] = False
    second = ScalarCapture(first.function)
    second.run((), {})
    assert difference(first.record, first.record) is None
    assert "first exp, then tanh" in (difference(first.record, second.record) or "")
