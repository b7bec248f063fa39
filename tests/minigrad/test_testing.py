"""minigrad.testing: what is drawn has the shapes, the dtypes and the distances that are promised."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minigrad as mg
from minigrad.testing import arrays, broadcastable

few = settings(max_examples=40)
intervals = st.tuples(st.floats(-1e3, 1e3), st.floats(0.1, 1e3)).map(
    lambda ends: (ends[0], ends[0] + ends[1])
)


def distances(values: Any, points: Any) -> Any:
    return np.abs(np.subtract.outer(values, points))


@few
@given(st.data(), intervals, st.lists(st.floats(-10, 10), max_size=4), st.integers(1, 4))
def test_entries_keep_their_distance(data: Any, interval: Any, points: list[float], n: int) -> None:
    low, high = interval
    drawn = data.draw(broadcastable(n, low=low, high=high, away_from=points, empty=True))
    assert len(drawn) == n
    np.broadcast_shapes(*(x.shape for x in drawn))
    values = np.concatenate([np.ravel(x) for x in drawn])
    step = (high - low) / (2 * values.size + 2 * len(points) + 20) * (1 - 1e-9)
    assert np.all(distances(values, values)[~np.eye(values.size, dtype=bool)] >= step)
    assert np.all(distances(values, [*points, low, high]) >= step / 2)
    assert np.all((low < values) & (values < high))


@few
@given(st.data(), st.sampled_from([np.float32, np.float64, "f4", float]))
def test_dtypes_and_shapes(data: Any, dtype: Any) -> None:
    x = data.draw(arrays((2, 3), dtype=dtype))
    assert x.shape == (2, 3) and x.dtype == dtype and x.flags.writeable
    x = data.draw(arrays(hnp.array_shapes(min_dims=4, max_dims=4, max_side=2), dtype=dtype))
    assert x.ndim == 4 and x.dtype == dtype
    assert all(y.dtype == dtype for y in data.draw(broadcastable(2, dtype=dtype)))
    assert data.draw(arrays()).size and all(y.size for y in data.draw(broadcastable(3)))


@pytest.mark.parametrize(
    "condition",
    [
        lambda x: x.ndim == 0,
        lambda x: x.ndim == 3,
        lambda x: x.shape == (3, 1),
        lambda x: x.size == 0 and x.ndim == 2,
        lambda x: x.size == 1 and x.ravel()[0] < -2,
        lambda x: x.size > 3 and (x > 0).all(),
    ],
)
def test_every_kind_of_array_is_drawn(condition: Any) -> None:
    assert condition(find(arrays(empty=True), condition))


@pytest.mark.parametrize(
    "condition",
    [
        lambda x, y: x.shape != y.shape and x.size > 1 and y.size > 1,
        lambda x, y: x.ndim < y.ndim,
        lambda x, y: x.size == 0,
        lambda x, y: x.size and y.size and x.max() < y.min(),
    ],
)
def test_every_kind_of_broadcasting_is_drawn(condition: Any) -> None:
    assert find(broadcastable(2, empty=True), lambda pair: bool(condition(*pair)))


def test_a_function_is_checked_in_three_lines() -> None:
    places = []

    @settings(max_examples=20)
    @given(arrays())
    def check(x: Any) -> None:
        places.append(x)
        mg.check_gradients(lambda x: np.abs(np.tanh(x)), x)

    check()
    assert len(places) >= 20

    @given(arrays())
    def fail(x: Any) -> None:
        mg.check_gradients(lambda x: x * x.detach(), x)

    with pytest.raises(mg.GradientMismatch, match="argument 0 of result is"):  # shrunk to one number
        fail()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: arrays(dtype=int), TypeError, "only floats have gradients, but dtype is int64"),
        (lambda: arrays(dtype=complex), TypeError, "dtype is complex128"),
        (lambda: arrays(low=1.0, high=1.0), ValueError, "low=1.0, high=1.0"),
        (lambda: arrays(low=-np.inf), ValueError, "both finite, but got low=-inf"),
        (lambda: arrays(high=np.nan), ValueError, "high=nan"),
        (lambda: arrays(low=2.0, high=-2.0), ValueError, "low=2.0, high=-2.0"),
        (
            lambda: arrays(high=1e5, dtype=np.float16),
            ValueError,
            "float16 ends at 6.55e.04: .* high=1000",
        ),
        (lambda: arrays(low=-1e308, high=1e308), ValueError, "their distance"),
        (lambda: broadcastable(2, low=-6e4, high=6e4, dtype="f2"), ValueError, "their distance"),
        (lambda: arrays(away_from=[0.0, np.nan]), ValueError, r"keep away from, but got \[0.0, nan\]"),
        (lambda: arrays((2, -1)), ValueError, r"0 or more each, .* got \(2, -1\)"),
        (lambda: arrays((2.0,)), ValueError, r"got \(2.0,\)"),  # type: ignore[arg-type]
        (lambda: arrays(3), ValueError, "a tuple of lengths, .* got 3"),  # type: ignore[arg-type]
        (lambda: broadcastable(0), ValueError, "1 or more, but got 0"),
        (lambda: broadcastable(2.0), ValueError, "but got 2.0"),
    ],
)
def test_wrong_parameters_are_named_where_the_strategy_is_made(call: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        call()


@few
@given(
    data=st.data(),
    dtype=st.sampled_from([np.float16, np.float32, np.float64]),
    start=st.floats(-100, 100),
    width=st.floats(1e-30, 1e4),
    points=st.lists(st.floats(-100, 100) | st.just(np.inf), max_size=30),
)
def test_what_is_drawn_is_finite_and_inside_or_refused(
    data: Any, dtype: Any, start: float, width: float, points: list[float]
) -> None:
    try:
        strategy = arrays((4,), dtype=dtype, low=start, high=start + width, away_from=points)
    except ValueError as error:
        assert start == start + width
        assert "below high" in str(error)
        return
    try:
        x = data.draw(strategy)
    except ValueError as error:
        assert "too few numbers between" in str(error)
        assert width < 100 * 64 * np.finfo(dtype).eps * max(1.0, abs(start))
        return
    assert np.all((start < x) & (x < start + width)) and len(set(x.tolist())) == 4


def test_minigrad_does_not_load_hypothesis() -> None:
    code = "import sys, minigrad; assert 'hypothesis' not in sys.modules and 'scipy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
