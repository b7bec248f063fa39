"""NumPy's array functions of Tensors, by machine: values, dtypes, derivatives of both orders, memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg

from ..oracle import check_first_order, check_hygiene, check_second_order
from ..strategies import REAL_LINE, Sample, float_dtypes, seeds, spread
from .calls import CALLS

few = settings(max_examples=15)
fewer = settings(max_examples=6)
every = pytest.mark.parametrize("function", list(CALLS), ids=lambda function: function.__name__)


def results(returned: Any) -> list[Any]:
    """What a function gave, always as a list."""
    return list(returned) if isinstance(returned, (list, tuple)) else [returned]


def drawn(function: Any, data: Any) -> tuple[list[np.ndarray], Any]:
    """Arguments, all of their numbers different, and what to call with them."""
    given_args, call = CALLS[function](data.draw)
    places = [k for k, arg in enumerate(given_args) if isinstance(arg, tuple)]
    filled = spread(data.draw, [given_args[k] for k in places], [REAL_LINE] * len(places))
    return [filled[places.index(k)] if k in places else arg for k, arg in enumerate(given_args)], call


def drawn_sample(function: Any, data: Any) -> Sample:
    """The same as a sample with one result, all entries in a row."""
    args, call = drawn(function, data)

    def in_a_row(*xs: Any) -> Any:
        return np.concatenate([np.reshape(y, (-1,)) for y in results(call(*xs))] or [np.zeros(0)])

    chosen = [data.draw(st.booleans()) for _ in args]
    return Sample(in_a_row, tuple(args), {}, tuple(chosen if any(chosen) else [True] * len(args)))  # type: ignore[arg-type]


@every
@few
@given(data=st.data(), dtype=float_dtypes)
def test_values_shapes_dtypes_and_kinds_of_result_are_numpys(function: Any, data: Any, dtype: Any) -> None:
    args, call = drawn(function, data)
    plain = [arg.astype(dtype) for arg in args]
    expected = call(*plain)
    for wanted in (False, True):
        actual = call(*(mg.tensor(x, requires_grad=wanted) for x in plain))
        assert isinstance(actual, mg.Tensor) or type(actual) is type(expected)
        for one, other in zip(results(actual), results(expected), strict=True):
            assert isinstance(one, mg.Tensor)
            assert one.shape == np.shape(other)
            assert one.dtype == np.asarray(other).dtype
            rounding = 8 * np.finfo(dtype).eps
            np.testing.assert_allclose(one.data, other, rtol=rounding, atol=20 * rounding)


@every
@few
@given(data=st.data(), seed=seeds)
def test_both_modes_agree_with_differences(function: Any, data: Any, seed: int) -> None:
    check_first_order(drawn_sample(function, data), np.random.default_rng(seed))


@every
@fewer
@given(data=st.data(), seed=seeds)
def test_second_order_agrees_with_differences(function: Any, data: Any, seed: int) -> None:
    check_second_order(drawn_sample(function, data), np.random.default_rng(seed))


@every
@fewer
@given(data=st.data(), seed=seeds, dtype=float_dtypes)
def test_nothing_is_changed_and_no_memory_is_shared(function: Any, data: Any, seed: int, dtype: Any) -> None:
    check_hygiene(drawn_sample(function, data), np.random.default_rng(seed), dtype)
