"""What no program may hold: shapes that numbers decide, text of numbers, what functions of Values see."""

from __future__ import annotations

import random
import types
import weakref
from array import array
from collections import UserList, deque
from typing import Any

import numpy as np
import pytest

import minigrad as mg

W = mg.tensor(np.arange(1.0, 5.0), requires_grad=True)


def masked_mean(x: Any) -> Any:
    W.grad = None
    y = ((W * x)[x > 1] ** 2).mean(0)
    y.backward()
    return y


BY_NUMBERS = {
    "unique": lambda x: mg.tensor(x) * len(np.unique(x)),
    "mask": lambda x: mg.tensor(x) * x[x > 2].size,
    "nonzero": lambda x: mg.tensor(x) * len(np.nonzero(x > 2)[0]),
    "argwhere": lambda x: mg.tensor(x) * np.argwhere(x > 2).shape[0],
    "where": lambda x: mg.tensor(x) * len(np.where(x > 2)[0]),
    "bincount": lambda x: mg.tensor(x) * len(np.bincount(x.astype(int))),
    "repeat": lambda x: mg.sum(mg.tensor(np.repeat(x, x.astype(int)))),
    "masked mean": masked_mean,
}


@pytest.mark.parametrize("function", BY_NUMBERS.values(), ids=BY_NUMBERS)
def test_a_shape_that_depends_on_numbers_is_left_to_python(function: Any) -> None:
    compiled = mg.compile(function)
    with pytest.warns(mg.CaptureWarning, match=r"shape of an array depends on computed numbers .*mg\.where"):
        for x in (*[np.arange(1.0, 5.0)] * 4, np.arange(0.0, 4.0), np.array([3.0, 3.0, 3.0, 0.0])):
            np.testing.assert_array_equal(compiled(x).data, function(x).data)


@pytest.mark.parametrize("text", [str, repr, "{:}".format, lambda x: f"{x[0]:.3f}"])
def test_text_of_computed_numbers_is_left_to_python(text: Any) -> None:
    def function(x: Any) -> Any:
        return mg.tensor(x) * len(text(x))

    compiled = mg.compile(function)
    with pytest.warns(mg.CaptureWarning, match="text"):
        for x in (np.ones(3), np.ones(3), np.full(3, 0.125), np.full(3, 123.5)):
            np.testing.assert_array_equal(compiled(x).data, function(x).data)


FACTOR, FACTORS, LEAF = 2.0, [2.0], mg.Value(3.0)


class Factor:
    class_wide = 2.0

    def __init__(self) -> None:
        self.own = 2.0


OBJECT = Factor()
SEEN = {
    "global": (lambda x: LEAF * FACTOR * x, lambda value: globals().update(FACTOR=value)),
    "list": (lambda x: LEAF * FACTORS[0] * x, lambda value: FACTORS.__setitem__(0, value)),
    "attribute": (lambda x: LEAF * OBJECT.own * x, lambda value: setattr(OBJECT, "own", value)),
    "class": (lambda x: LEAF * Factor.class_wide * x, lambda value: setattr(Factor, "class_wide", value)),
}


@pytest.mark.parametrize(("function", "change"), SEEN.values(), ids=SEEN)
def test_a_function_of_values_holds_while_what_it_sees_is_the_same(function: Any, change: Any) -> None:
    compiled = mg.compile(function)
    for value in (2.0, 5.0, 7.0):
        change(value)
        for _ in range(4):
            assert compiled(1.5).data == 3.0 * value * 1.5
        assert len(compiled.scalar.programs) == 1
    change(2.0)


def test_another_leaf_in_the_place_of_one_is_seen() -> None:
    place = [mg.Value(3.0)]
    compiled = mg.compile(lambda x: place[0] * x)
    for _ in range(4):
        assert compiled(2.0).data == 6.0
    place[0] = mg.Value(5.0)
    for _ in range(4):
        assert compiled(2.0).data == 10.0


def test_random_numbers_of_a_function_of_values_are_left_to_python() -> None:
    def function() -> Any:
        return LEAF * (1.0 if random.random() < 0.5 else 2.0)

    compiled = mg.compile(function)
    random.seed(3)
    with pytest.warns(mg.CaptureWarning, match="random"):
        found = [compiled().data for _ in range(20)]
    random.seed(3)
    assert found == [function().data for _ in range(20)]


class Held:
    factor = 2.0


HELD = Held()
DICTIONARY = {0: 2.0}
CONTAINERS: dict[str, tuple[Any, Any, Any]] = {
    "deque": (d := deque([2.0]), lambda: d[0], lambda v: d.__setitem__(0, v)),
    "UserList": (u := UserList([2.0]), lambda: u[0], lambda v: u.__setitem__(0, v)),
    "array": (a := array("d", [2.0]), lambda: a[0], lambda v: a.__setitem__(0, v)),
    "bytearray": (b := bytearray([2]), lambda: b[0], lambda v: b.__setitem__(0, int(v))),
    "proxy": (
        m := types.MappingProxyType(DICTIONARY), lambda: m[0], lambda v: DICTIONARY.__setitem__(0, v)),
    "values": (w := DICTIONARY.values(), lambda: next(iter(w)), lambda v: DICTIONARY.__setitem__(0, v)),
    "weak reference": (r := weakref.ref(HELD), lambda: r().factor, lambda v: setattr(HELD, "factor", v)),
    "bound built-in": (g := DICTIONARY.get, lambda: g(0), lambda v: DICTIONARY.__setitem__(0, v)),
    "array of objects": (o := np.array([2.0], object), lambda: o[0], lambda v: o.__setitem__(0, v)),
    "array of lists": (
        q := np.array([[2.0], None], object), lambda: q[0][0], lambda v: q[0].__setitem__(0, v)),
}  # fmt: skip


@pytest.mark.parametrize("name", CONTAINERS)
def test_every_container_is_looked_into(name: str) -> None:
    _, read, change = CONTAINERS[name]
    change(2.0)
    compiled = mg.compile(lambda x: mg.tensor(x).sum() * read())
    for value in (2.0, 7.0, 3.0):
        change(value)
        for _ in range(4):
            assert compiled(np.ones(5)).item() == 5 * value


def test_arguments_that_are_arrays_of_objects_are_told_apart() -> None:
    compiled = mg.compile(lambda x, factors: mg.tensor(x).sum() * factors[0])
    for value in (2.0, 7.0):
        for _ in range(4):
            assert compiled(np.ones(5), np.array([value], object)).item() == 5 * value


def test_draws_of_a_random_state_are_left_to_python() -> None:
    state = np.random.RandomState(3)
    compiled = mg.compile(lambda x: mg.tensor(x).sum() * (1.0 if state.rand() < 0.5 else 2.0))
    with pytest.warns(mg.CaptureWarning):
        found = [compiled(np.ones(1)).item() for _ in range(20)]
    state.seed(3)
    assert found == [1.0 if state.rand() < 0.5 else 2.0 for _ in range(20)]


def test_a_checked_function_of_values_names_what_differs() -> None:
    factor, leaf = [2.0], mg.Value(3.0)
    checked = mg.compile(lambda x: leaf * factor[0] * x, check=True)
    for leaf.data in (3.0, 4.0, 5.0, 6.0):
        assert checked(1.5).data == leaf.data * 3.0
    factor[0] = 7.0
    with pytest.raises(mg.NotTheSameError, match=r"2\.0.*multiply.*7\.0"):
        checked(1.5)


def test_a_checked_function_of_values_names_another_decision() -> None:
    leaf = mg.Value(3.0)
    checked = mg.compile(lambda x: leaf * x if leaf > 0 else leaf * 2.0 * x, check=True)
    for _ in range(4):
        assert checked(2.0).data == 6.0
    leaf.data = -1.0
    with pytest.raises(mg.NotTheSameError):
        checked(2.0)
