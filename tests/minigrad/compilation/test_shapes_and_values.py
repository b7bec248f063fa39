"""What no program may hold: shapes that numbers decide, text of numbers, what functions of Values see."""

from __future__ import annotations

import random
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
