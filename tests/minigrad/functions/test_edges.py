"""Edges of the functions that move, reduce and sort: zeros, ties, nothing at all, wrong input; and torch."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minigrad as mg
from minigrad import nn
from minigrad.rules.operands import numbers
from minigrad.rules.shaping import scatter_add

from ..strategies import full_shapes, indices, normal, seeds

few = settings(max_examples=25)
small_numbers = st.sampled_from([0.0, 0.0, 1.0, -2.0, 3.0])


def gradient(f: Any, x: Any, cotangent: Any = None) -> np.ndarray:
    leaf = mg.tensor(x, dtype=float, requires_grad=True)
    f(leaf).backward(gradient=cotangent)
    return leaf.grad


def hessian(f: Any, x: Any) -> np.ndarray:
    leaf = mg.tensor(x, dtype=float, requires_grad=True)
    f(leaf).backward(create_graph=True)
    first, leaf.grad = leaf.grad, None
    rows = []
    for entry in first:
        leaf.grad = None
        if entry.requires_grad:
            entry.backward(retain_graph=True)
        rows.append(np.zeros(leaf.shape) if leaf.grad is None else leaf.grad)
    return np.array(rows)


# Products with zeros


@few
@given(x=hnp.arrays(float, st.integers(1, 5), elements=small_numbers))
def test_products_with_zeros_are_exact_at_both_orders(x: np.ndarray) -> None:
    n = len(x)
    first = [np.prod([x[k] for k in range(n) if k != i]) for i in range(n)]
    second = np.zeros((n, n))
    for i, j in itertools.permutations(range(n), 2):
        second[i, j] = np.prod([x[k] for k in range(n) if k not in (i, j)])
    np.testing.assert_array_equal(gradient(np.prod, x), first)
    np.testing.assert_array_equal(hessian(np.prod, x), second)
    np.testing.assert_array_equal(gradient(lambda t: np.cumprod(t)[-1], x), first)
    np.testing.assert_array_equal(hessian(lambda t: np.cumprod(t)[-1], x), second)


@few
@given(x=hnp.arrays(float, (4, 3), elements=small_numbers), seed=seeds)
def test_running_products_with_zeros_are_torchs(x: np.ndarray, seed: int) -> None:
    torch = pytest.importorskip("torch")
    g = np.random.default_rng(seed).normal(size=x.shape)
    leaf = torch.tensor(x, requires_grad=True)
    torch.cumprod(leaf, 0).backward(torch.tensor(g))
    np.testing.assert_allclose(gradient(lambda t: np.cumprod(t, axis=0), x, g), leaf.grad, atol=1e-12)


# Moments


def test_the_variance_does_not_lose_its_digits_far_from_zero() -> None:
    x = np.array([1.0, 2.0, 4.0])
    np.testing.assert_allclose(gradient(np.var, x + 1e9), gradient(np.var, x), rtol=1e-6)


@pytest.mark.parametrize("ddof", [0, 1])
def test_the_standard_deviation_of_equal_numbers_has_torchs_derivative(ddof: int) -> None:
    torch = pytest.importorskip("torch")
    leaf = torch.ones(3, dtype=torch.float64, requires_grad=True)
    torch.std(leaf, correction=ddof).backward()
    np.testing.assert_array_equal(gradient(lambda t: np.std(t, ddof=ddof), np.ones(3)), leaf.grad)
    assert not leaf.grad.any()


def test_too_few_numbers_for_a_variance_give_what_numpy_gives() -> None:
    with pytest.warns(RuntimeWarning):
        assert np.isnan(np.var(mg.tensor([1.0]), ddof=1).item())
    with pytest.raises(ValueError, match="two names of one number"):
        np.var(mg.tensor([1.0, 2.0]), ddof=1, correction=1)


def test_equal_numbers_beside_nan_have_the_deviation_that_they_have_without() -> None:
    x = np.array([[1.0, np.nan, 1.0], [1.0, np.nan, 3.0]])

    def deviation(t: Any) -> Any:
        return np.sum(np.nanstd(t, axis=1))

    np.testing.assert_array_equal(gradient(deviation, x), [[0, 0, 0], [-0.5, 0, 0.5]])
    np.testing.assert_array_equal(mg.jvp(deviation, [x], [np.ones_like(x)])[1], 0)
    np.testing.assert_array_equal(hessian(np.nanstd, x[0]), 0)


# Some entries alone


@few
@given(x=hnp.arrays(float, (2, 3), elements=small_numbers), mask=hnp.arrays(bool, (2, 3)), data=st.data())
def test_a_mean_of_some_entries_is_numpys(x: np.ndarray, mask: np.ndarray, data: Any) -> None:
    mask[0] = mask[:, 0] = True
    given_axis = data.draw(st.sampled_from([None, 0, 1]))
    mean = np.mean(mg.tensor(x), axis=given_axis, where=mask)
    np.testing.assert_allclose(mean.data, np.mean(x, axis=given_axis, where=mask), atol=1e-15)
    np.testing.assert_allclose(gradient(lambda t: np.mean(t, where=mask), x), mask / mask.sum())
    single = mg.tensor(x, dtype=np.float32, requires_grad=True)
    assert np.mean(single, where=mask).dtype == np.float32


def test_an_entry_and_what_it_is_compared_with_share_the_slope_of_the_largest() -> None:
    mask = np.array([True, True, False])
    first = mg.tensor(2.0, requires_grad=True)
    x = mg.tensor([2.0, 1.0, 9.0], requires_grad=True)
    np.max(x, initial=first, where=mask).backward()
    np.testing.assert_array_equal(x.grad, [0.5, 0, 0])
    assert first.grad == 0.5
    assert np.min(mg.tensor([np.nan, 1.0]), initial=0.0, where=[False, True]).item() == 0
    assert np.max(mg.tensor([1, 5]), initial=2, where=[True, False]).item() == 2
    np.testing.assert_array_equal(np.max(mg.tensor(np.zeros((0, 2))), axis=0, initial=3.0), [3, 3])
    np.testing.assert_array_equal(gradient(lambda t: np.sum(t, initial=t[0]), [1.0, 2.0]), [2, 1])
    np.testing.assert_array_equal(x.sum(where=mask).data, 3)


# Lists of Tensors, and Tensors as lists


def test_a_list_of_tensors_is_stacked() -> None:
    a, b = (mg.tensor(x, requires_grad=True) for x in ([1.0, 2.0], [3.0, 6.0]))
    for function in (mg.mean, mg.std, mg.var, mg.sum, mg.max, mg.min, mg.prod, mg.median, mg.linalg.norm):
        together = function([a, b])
        np.testing.assert_allclose(together.data, function(np.array([a.data, b.data])))
        assert together.requires_grad
    mg.mean([[a[0], 1.0], [2.0, b[0] * b[1]]], axis=0)[1].backward()
    np.testing.assert_array_equal(b.grad, [3.0, 1.5])
    with pytest.raises(TypeError, match="silently cut the graph"):  # NumPy's do not ask what is in a list
        np.mean([a, b])


@pytest.mark.parametrize(
    "f",
    [
        np.vstack, np.hstack, np.column_stack, np.dstack, np.stack, np.concatenate, np.block,
        lambda x: np.stack(x, axis=-1), lambda x: np.concatenate(x, axis=-1),
    ],
)  # fmt: skip
@pytest.mark.parametrize("shape", [(3, 1), (3, 2), (2, 3, 2)])
def test_rows_of_one_tensor_are_joined_as_those_of_a_list(f: Any, shape: tuple[int, ...]) -> None:
    x = np.arange(np.prod(shape, dtype=float)).reshape(shape)
    np.testing.assert_array_equal(f(mg.tensor(x)).data, f(x), strict=True)
    np.testing.assert_array_equal(gradient(lambda t: np.sum(f(t) ** 2) / 2, x), x)


# Made of few numbers


def test_an_array_is_filled_with_a_tensor() -> None:
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    filled = mg.full((3, 2), x, dtype=np.float32)
    assert filled.dtype == np.float32
    filled.sum().backward()
    np.testing.assert_array_equal(x.grad, [3, 3])
    np.testing.assert_array_equal(mg.full(2, 7), np.full(2, 7), strict=True)
    with pytest.raises(TypeError, match=r"use .* mg\.full_like to make one"):
        np.full_like(np.zeros(2), x)
    with pytest.raises(TypeError, match="silently cut the graph"):
        np.full(2, x)


@few
@given(start=st.integers(-9, 9), stop=st.integers(-9, 9), num=st.integers(0, 7), endpoint=st.booleans())
def test_steps_are_numpys_to_the_last_digit(start: int, stop: int, num: int, endpoint: bool) -> None:
    for a, b in ((start / 7, stop / 3), (start, stop), ([start / 7] * 2, np.float32(stop / 3))):
        for given_dtype in (None, np.float32, int):
            given: dict[str, Any] = {"num": num, "endpoint": endpoint, "dtype": given_dtype}
            expected = np.linspace(a, b, **given)
            np.testing.assert_array_equal(mg.linspace(a, b, **given), expected, strict=True)


# Counts


@few
@given(x=hnp.arrays(float, st.integers(0, 6), elements=small_numbers), bins=st.integers(1, 4))
def test_entries_at_the_edges_are_counted_as_numpy_does(x: np.ndarray, bins: int) -> None:
    w = np.arange(1.0, x.size + 1)
    leaf = mg.tensor(w, requires_grad=True)
    choices: list[dict[str, Any]] = [
        {"bins": bins},
        {"bins": bins, "range": (-2, 1)},
        {"bins": [-2.0, 0.0, 1.0]},
        {"bins": np.array([-2.0, 0.0, 0.0, 3.0])},
    ]
    for how in choices:
        expected, edges = np.histogram(x, weights=w, **how)
        sums, found = np.histogram(x, weights=leaf, **how)
        np.testing.assert_allclose(sums.data, expected)
        np.testing.assert_array_equal(found, edges)
        counts, found = np.histogram(mg.tensor(x), **how)
        np.testing.assert_array_equal(counts, np.histogram(x, **how)[0], strict=True)
        np.testing.assert_array_equal(numbers(found), edges)


def test_bins_may_have_a_rule_or_ends_that_are_recorded() -> None:
    x = np.array([0.0, 0.2, 0.3, 0.7, 1.0])
    counts, edges = np.histogram(mg.tensor(x), bins="sturges")
    expected = np.histogram(x, bins="sturges")
    np.testing.assert_array_equal(counts, expected[0])
    np.testing.assert_array_equal(edges.data, expected[1])
    stop = mg.tensor(2.0, requires_grad=True)
    mg.histogram_bin_edges(x, 4, (0.0, stop)).sum().backward()
    np.testing.assert_allclose(stop.grad, 2.5)


# Sets


@few
@given(x=hnp.arrays(float, 5, elements=st.sampled_from([0.0, 1.0, -2.0, np.nan])), equal_nan=st.booleans())
def test_a_value_has_the_slope_of_its_first_entry(x: np.ndarray, equal_nan: bool) -> None:
    options: dict[str, Any] = {"return_index": True, "return_inverse": True, "return_counts": True}
    found, expected = (np.unique(each, equal_nan=equal_nan, **options) for each in (mg.tensor(x), x))
    np.testing.assert_array_equal(found[0].data, expected[0])
    for one, other in zip(found[1:], expected[1:], strict=True):
        np.testing.assert_array_equal(one, other, strict=True)
    first = np.zeros(5)
    first[np.unique(x, return_index=True)[1]] = 1
    np.testing.assert_array_equal(gradient(lambda t: np.sum(np.unique(t)), x), first)


def test_sets_have_the_kind_of_result_that_numpys_have() -> None:
    x, y = np.array([[3.0, 1.0], [3.0, 2.0]]), np.array([2.0, 3.0, 9.0])
    for name in ("unique_all", "unique_counts", "unique_inverse"):
        actual, expected = getattr(np, name)(mg.tensor(x)), getattr(np, name)(x)
        assert type(actual) is type(expected)
        for one, other in zip(actual, expected, strict=True):
            np.testing.assert_array_equal(numbers(one), other, strict=True)
    actual, expected = (np.intersect1d(each, y, return_indices=True) for each in (mg.tensor(x), x))
    for one, other in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(numbers(one), other, strict=True)
    whole = np.array([2, 5])
    for function in (np.union1d, np.setxor1d, np.setdiff1d, np.intersect1d):
        np.testing.assert_array_equal(function(mg.tensor(x), whole).data, function(x, whole), strict=True)
    np.testing.assert_array_equal(np.setdiff1d(mg.tensor(y[::-1]), [3.0], assume_unique=True).data, [9, 2])


# Ties and nan


def test_equal_entries_keep_their_order() -> None:
    g = [1.0, 2.0, 3.0]
    np.testing.assert_array_equal(gradient(np.sort, [1.0, 0.0, 1.0], g), [2, 1, 3])


@few
@given(x=hnp.arrays(float, st.integers(1, 6), elements=st.sampled_from([0.0, 1.0, -2.0, np.inf])))
def test_equal_entries_share_the_slope_of_a_median(x: np.ndarray) -> None:
    middle = np.sort(x)[[(x.size - 1) // 2, x.size // 2]]
    expected = sum((x == each) / np.sum(x == each) / 2 for each in middle)
    others = [np.nanmedian, lambda t: np.quantile(t, 0.5)] if np.isfinite(x).all() else []
    if np.isfinite(middle).all():
        for f in (np.median, *others):
            np.testing.assert_allclose(gradient(f, x), expected, atol=1e-15)
            np.testing.assert_allclose(gradient(lambda t, f=f: f(t) ** 3 / 3, x), expected * f(x) ** 2)
    np.testing.assert_array_equal(np.median(mg.tensor(x)).data, np.median(x))


def test_shared_slopes_of_medians_are_right_at_the_second_order_in_batches_and_in_thin_networks() -> None:
    x = np.array([2.0, 1.0, 2.0])
    slope = np.array([0.5, 0, 0.5])
    np.testing.assert_allclose(
        hessian(lambda t: np.median(t) ** 3, x), 6 * 2 * np.outer(slope, slope), atol=1e-14
    )
    rows = mg.tensor([x, [1.0, 2.0, 3.0]], dtype=np.float32, requires_grad=True)
    np.median(rows, axis=1).sum().backward()
    np.testing.assert_array_equal(rows.grad, np.array([slope, [0, 1, 0]], dtype=np.float32), strict=True)
    thin = mg.thin(Sorted(), x)
    np.testing.assert_array_equal(thin.weight[3], slope)
    assert thin.radius == 0


def test_nan_comes_last_and_wins_in_medians() -> None:
    x = [2.0, np.nan, 1.0]
    np.testing.assert_array_equal(np.sort(mg.tensor(x)).data, np.sort(x))
    assert np.isnan(np.median(mg.tensor(x)).item())
    np.testing.assert_array_equal(
        np.quantile(mg.tensor([x, [1.0, 2.0, 3.0]]), [0.0, 0.5], axis=1).data, [[np.nan, 1], [np.nan, 2]]
    )


def test_all_nan_has_no_extremum() -> None:
    np.testing.assert_array_equal(np.nanmax(mg.tensor([[np.nan], [1.0]]), axis=1).data, [np.nan, 1])


class Sorted(nn.Module):
    """A layer that sorts its input, and takes the median of it."""

    def forward(self, x: Any) -> Any:
        """Return both."""
        return np.concatenate([np.sort(x), np.median(x, axis=-1, keepdims=True)], axis=-1)


@few
@given(x=hnp.arrays(float, 4, elements=st.integers(-24, 24).map(lambda n: n / 8), unique=True))
def test_sorting_is_piecewise_linear_for_the_thin_network(x: np.ndarray) -> None:
    thin = mg.thin(Sorted(), x)
    order = np.argsort(x)
    np.testing.assert_array_equal(thin.weight[:4], np.eye(4)[order])
    np.testing.assert_allclose(thin.weight[4], np.eye(4)[order[1:3]].mean(axis=0))
    np.testing.assert_allclose(thin.bias, 0, atol=1e-15)
    np.testing.assert_allclose(thin.radius, np.diff(x[order]).min() / np.sqrt(2), rtol=1e-6)


class Interpolated(nn.Module):
    """A layer that reads heights between given points."""

    def forward(self, x: Any) -> Any:
        """Return the heights."""
        return np.interp(x, [-2.0, -1.0, 0.5, 2.0], [0.0, 3.0, -1.0, 0.0], left=5.0)


@few
@given(x=hnp.arrays(float, 3, elements=st.integers(-30, 30).map(lambda n: n / 10 + 0.03)))
def test_reading_between_points_is_piecewise_linear_for_the_thin_network(x: np.ndarray) -> None:
    points = np.array([-2.0, -1.0, 0.5, 2.0])
    thin = mg.thin(Interpolated(), x)
    slopes = np.array([0.0, 3.0, -4 / 1.5, 1 / 1.5, 0.0])[np.searchsorted(points, x)]
    np.testing.assert_allclose(thin.weight, np.diag(slopes), atol=1e-14)
    np.testing.assert_allclose(thin.weight @ x + thin.bias, Interpolated()(mg.tensor(x)).data, atol=1e-12)
    np.testing.assert_allclose(thin.radius, np.abs(x[:, None] - points).min(), rtol=1e-9)


# Reading between points


def test_at_a_point_the_slope_is_that_of_the_segment_behind_it_and_at_the_last_of_the_one_before() -> None:
    def read(t: Any) -> Any:
        return np.interp(t, [0.0, 1.0, 3.0], [0.0, 10.0, 50.0])

    np.testing.assert_array_equal(gradient(read, [0.0, 1.0, 3.0], [1.0, 1.0, 1.0]), [10, 20, 20])
    np.testing.assert_array_equal(gradient(read, [-1.0, 4.0], [1.0, 1.0]), [0, 0])
    assert np.isnan(read(mg.tensor(np.nan)).item())


@few
@given(x=hnp.arrays(float, 4, elements=st.sampled_from([-1.0, 0.0, 0.5, 1.0, 2.0, 3.0])))
def test_reading_at_points_and_jumps_gives_what_numpy_gives(x: np.ndarray) -> None:
    for xp in ([1.0], [0.0, 1.0], [0.0, 1.0, 1.0, 2.0], [0.0, 2.0, 2.0]):
        fp = np.arange(len(xp)) ** 2.0
        np.testing.assert_allclose(np.interp(mg.tensor(x), xp, fp).data, np.interp(x, xp, fp))
        unordered = np.interp(mg.tensor(x), xp[::-1], fp, period=2.5).data
        np.testing.assert_allclose(unordered, np.interp(x, xp[::-1], fp, period=2.5))


# Polynomials


def test_a_polynomial_that_is_divided_by_a_longer_one_is_the_remainder() -> None:
    quotient, rest = np.polydiv(X[0, :2], [1.0, 2.0, 3.0])
    np.testing.assert_array_equal(quotient, [0.0])
    np.testing.assert_array_equal(rest.data, [1.0, 2.0])


def test_constants_of_integration_and_zeros_in_front() -> None:
    np.testing.assert_array_equal(
        gradient(lambda k: mg.polyint([6.0], 2, k), [1.0, 2.0], [0.0, 1.0, 1.0]), [1, 1]
    )
    np.testing.assert_array_equal(np.polymul(mg.tensor([0.0, 0.0]), X[0]).data, [0, 0, 0])
    np.testing.assert_array_equal(np.polymul(mg.tensor([0.0, 2.0]), X[0]).data, [2, 4, 6])
    np.testing.assert_array_equal(np.polyval(mg.tensor([]), [1.0, 2.0]), [0, 0])


# Modified Bessel functions


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bessel_functions_are_right_from_nothing_to_the_largest(dtype: Any) -> None:
    special = pytest.importorskip("scipy.special")
    x = np.concatenate([[0.0], np.geomspace(1e-12, 85, 200), -np.geomspace(1e-12, 85, 200)]).astype(dtype)
    leaf = mg.tensor(x, requires_grad=True)
    np.i0(leaf).sum().backward(create_graph=True)
    first, leaf.grad = leaf.grad, None
    first.sum().backward()
    assert first.dtype == leaf.grad.dtype == dtype
    rounding = 200 * np.finfo(dtype).eps
    wide = x.astype(float)
    np.testing.assert_allclose(first.data, special.i1(wide), rtol=rounding)
    np.testing.assert_allclose(leaf.grad, (special.i0(wide) + special.iv(2, wide)) / 2, rtol=rounding)


# Adding back


@few
@given(data=st.data())
def test_entries_are_added_back_as_one_by_one(data: Any) -> None:
    shape = data.draw(full_shapes)
    index = data.draw(indices(shape))
    g = normal(data.draw, np.zeros(shape)[index].shape)
    expected = np.zeros(shape)
    np.add.at(expected, index, g)
    np.testing.assert_allclose(scatter_add(g, index=index, shape=shape), expected, atol=1e-12)


# Against torch

PAIRS = {
    "sort": (lambda t: np.sort(t, axis=0), lambda torch, t: torch.sort(t, dim=0).values),
    "cumsum": (lambda t: np.cumsum(t, axis=1), lambda torch, t: torch.cumsum(t, 1)),
    "var": (lambda t: np.var(t, axis=1, ddof=1), lambda torch, t: torch.var(t, 1)),
    "std": (lambda t: np.std(t, axis=0), lambda torch, t: torch.std(t, 0, correction=0)),
    "prod": (lambda t: np.prod(t, axis=1), lambda torch, t: torch.prod(t, 1)),
    "quantile": (lambda t: np.quantile(t, 0.3, axis=1), lambda torch, t: torch.quantile(t, 0.3, 1)),
    "roll": (lambda t: np.roll(t, (1, 2), (0, 1)), lambda torch, t: torch.roll(t, (1, 2), (0, 1))),
    "flip": (lambda t: np.flip(t, 1), lambda torch, t: torch.flip(t, (1,))),
    "tile": (lambda t: np.tile(t, (2, 3)), lambda torch, t: torch.tile(t, (2, 3))),
    "repeat": (lambda t: np.repeat(t, 2, axis=1), lambda torch, t: torch.repeat_interleave(t, 2, 1)),
    "pad": (lambda t: np.pad(t, ((1, 0), (2, 3))), lambda torch, t: torch.nn.functional.pad(t, (2, 3, 1, 0))),
    "diagonal": (lambda t: np.diagonal(t, 1), lambda torch, t: torch.diagonal(t, 1)),
    "tril": (lambda t: np.tril(t, -1), lambda torch, t: torch.tril(t, -1)),
    "diff": (lambda t: np.diff(t, 2, axis=0), lambda torch, t: torch.diff(t, 2, 0)),
    "trapezoid": (lambda t: np.trapezoid(t, dx=0.5), lambda torch, t: torch.trapezoid(t, dx=0.5)),
    "nansum": (lambda t: np.nansum(t, axis=0), lambda torch, t: torch.nansum(t, 0)),
    "gradient": (
        lambda t: np.stack(np.gradient(t, 0.5, edge_order=2)),
        lambda torch, t: torch.stack(torch.gradient(t, spacing=0.5, edge_order=2)),
    ),
    "gradient at places": (
        lambda t: np.gradient(t, [0.0, 1.0, 4.0], axis=0),
        lambda torch, t: torch.gradient(t, spacing=[torch.tensor([0.0, 1, 4]).double()], dim=0)[0],
    ),
    "correlate": (
        lambda t: np.correlate(t[0], t[1, :2], "full"),
        lambda torch, t: torch.conv1d(t[:1, None], t[1, None, None, :2], padding=1)[0, 0],
    ),
    "cov": (
        lambda t: np.cov(t, aweights=[1.0, 2.0, 3.0, 4.0]),
        lambda torch, t: torch.cov(t, aweights=torch.tensor([1.0, 2.0, 3.0, 4.0])),
    ),
    "corrcoef": (np.corrcoef, lambda torch, t: torch.corrcoef(t)),
    "nanquantile": (lambda t: np.nanquantile(t, 0.3, axis=1), lambda torch, t: torch.nanquantile(t, 0.3, 1)),
    "i0": (np.i0, lambda torch, t: torch.special.i0(t)),
    "nanmean": (lambda t: np.nanmean(t, axis=0), lambda torch, t: torch.nanmean(t, 0)),
}


@pytest.mark.parametrize("name", list(PAIRS))
@few
@given(
    x=hnp.arrays(float, (3, 4), elements=st.integers(-24, 24).map(lambda n: n / 8), unique=True), seed=seeds
)
def test_values_and_gradients_are_torchs(name: str, x: np.ndarray, seed: int) -> None:
    torch = pytest.importorskip("torch")
    ours, theirs = PAIRS[name]
    leaf = torch.tensor(x, requires_grad=True)
    expected = theirs(torch, leaf)
    g = np.random.default_rng(seed).normal(size=tuple(expected.shape))
    np.testing.assert_allclose(ours(mg.tensor(x)).data, expected.detach(), rtol=1e-9, atol=1e-9)
    expected.backward(torch.tensor(g))
    np.testing.assert_allclose(gradient(ours, x, g), leaf.grad, rtol=1e-6, atol=1e-6)


# Wrong input

X = mg.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=True)
AxisError = np.exceptions.AxisError


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: np.sum(X, axis=2), AxisError, "axis 2 is out of bounds|sum .* axis=2"),
        (lambda: np.sort(X, axis=5), AxisError, "axis 5|axis=5"),
        (lambda: np.sort(X, order="x"), TypeError, "arrays of records"),
        (lambda: np.moveaxis(X, 5, 0), AxisError, "axis 5"),
        (lambda: np.moveaxis(X, (0, 1), 0), ValueError, "as many places as axes"),
        (lambda: np.cumsum(X, axis=7), AxisError, "axis 7"),
        (lambda: np.cumulative_sum(X), ValueError, "say along which axis="),
        (lambda: np.diff(X, n=-1), ValueError, "n = -1"),
        (lambda: np.diff(X[0, 0]), ValueError, "single number"),
        (lambda: np.diff(X > 2), TypeError, "convert them first"),
        (lambda: np.split(X, 4, axis=1), ValueError, "3 entries can't be split into 4 equal parts"),
        (lambda: np.hsplit(X[0, 0], 1), ValueError, "hsplit takes 1 axes at least"),
        (lambda: np.unstack(X[0, 0]), ValueError, "single number"),
        (lambda: np.take(X, 9), IndexError, "9"),
        (lambda: np.take(X, 0.5), TypeError, "whole numbers"),
        (lambda: np.take(X, 0, mode="near"), ValueError, "'near'"),
        (lambda: np.take_along_axis(X, np.array([0]), axis=1), ValueError, r"2 axes of shape \(2, 3\)"),
        (lambda: np.take_along_axis(X, np.ones((2, 1)), axis=1), IndexError, "whole numbers"),
        (lambda: np.compress([[True]], X), ValueError, r"shape \(1, 1\)"),
        (lambda: np.choose([0, 3], [X[0, :2], X[1, :2]]), ValueError, "2 choices"),
        (lambda: np.diag(mg.tensor(1.0)), ValueError, "matrix or a row"),
        (lambda: np.diagonal(X[0]), ValueError, "two axes at least"),
        (lambda: np.tril(X[0, 0]), ValueError, "one axis at least"),
        (lambda: np.trim_zeros(X), ValueError, "takes one axis"),
        (lambda: np.fliplr(X[0]), ValueError, "two axes at least"),
        (lambda: np.flipud(X[0, 0]), ValueError, "one axis at least"),
        (lambda: np.rot90(X, axes=(0, 0)), ValueError, "two different axes"),
        (lambda: np.rot90(X, axes=(0,)), ValueError, "plane of two axes"),  # type: ignore[arg-type]
        (lambda: mg.matrix_transpose(X[0]), ValueError, "two axes at least"),
        (lambda: np.meshgrid(X[0], indexing="ji"), ValueError, "'ji'"),  # type: ignore[arg-type]
        (lambda: np.block([X, [X]]), ValueError, "nested equally deep"),
        (lambda: np.block([[X], []]), ValueError, "empty one"),
        (lambda: np.block([(X, X), X]), TypeError, "not tuples"),
        (lambda: np.pad(X, 1, mode="empty"), ValueError, "'empty' has no rule"),
        (lambda: np.pad(X, 1, mode="edge", end_values=1.0), ValueError, "'edge' does not take end_values"),
        (lambda: np.pad(X, 1, mode="reflect", reflect_type="odd"), ValueError, "reflect_type"),
        (lambda: np.average(X, weights=[1.0, 2.0]), TypeError, "say along which axis="),
        (lambda: np.average(X, axis=0, weights=[1.0, 2.0, 3.0]), ValueError, r"\(2,\), not \(3,\)"),
        (lambda: np.average(X, axis=0, weights=[1.0, -1.0]), ZeroDivisionError, "sum to 0"),
        (lambda: np.quantile(X, 1.5), ValueError, "shares from 0 to 1"),
        (lambda: np.quantile(X, 0.5, method="middle"), ValueError, "no method 'middle'; there are linear"),
        (lambda: np.nanpercentile(X, 101), ValueError, "nanquantile takes shares from 0 to 1"),
        (lambda: np.nanquantile(mg.tensor(np.zeros(0)), 0.5), ValueError, "no entries"),
        (lambda: np.partition(X, 3), ValueError, "place 3 of 3 entries; there are those from -3 to 2"),
        (lambda: np.partition(X, 0, order="x"), TypeError, "arrays of records"),
        (lambda: np.gradient(X, edge_order=2), ValueError, "takes 3 samples, but got 2"),
        (lambda: np.gradient(X, edge_order=3), ValueError, "edge_order is 1 or 2, not 3"),
        (lambda: np.gradient(X, 1.0, 1.0, 1.0), TypeError, "along 2 axes .* but got 3"),
        (lambda: np.gradient(X, [1.0, 2.0], axis=1), ValueError, r"3 samples along axis 1, .* shape \(2,\)"),
        (lambda: np.interp(X, [0.0, 1.0], [1.0]), ValueError, r"shapes \(2,\) and \(1,\)"),
        (lambda: np.interp(X, [1.0, 0.0], [1.0, 2.0]), ValueError, "ascending order"),
        (lambda: np.interp(X, [0.0], [1.0], period=0), ValueError, "the period is 0"),
        (lambda: np.convolve(X, [1.0]), ValueError, r"convolve takes two rows .* \(2, 3\)"),
        (lambda: np.correlate(X[0], []), ValueError, r"correlate takes two rows .* \(0,\)"),
        (lambda: np.convolve(X[0], [1.0], "all"), ValueError, "not 'all'"),  # type: ignore[call-overload]
        (lambda: np.cov(X[None]), ValueError, r"two axes at most, not \(1, 2, 3\)"),
        (lambda: np.cov(X, ddof=0.5), ValueError, "whole number, not 0.5"),  # type: ignore[call-overload]
        (lambda: np.cov(X, ddof=3), ValueError, "3 observations are too few for ddof = 3"),
        (lambda: np.cov(X, fweights=[1, 2]), ValueError, r"one for each of 3 observations, .* \(2,\)"),
        (lambda: np.cov(X, aweights=[1.0, -1.0, 1.0]), ValueError, "some are negative"),
        (lambda: np.cov(X, fweights=[1.5, 1.0, 1.0]), TypeError, "fweights are whole numbers"),
        (lambda: np.insert(X, 4, 0.0, axis=1), IndexError, "place 4 along an axis of 3"),
        (lambda: np.insert(X, [0, 1], [1.0, 2.0, 3.0]), ValueError, "broadcast"),
        (lambda: np.polyval(X, 1.0), ValueError, r"row of coefficients, but got shape \(2, 3\)"),
        (lambda: np.polydiv(X[0], [0.0, 1.0]), ValueError, "does not start with 0"),
        (lambda: np.polyder(X[0], -1), ValueError, "m = -1"),
        (lambda: np.polyint(X[0], -1), ValueError, "m = -1"),
        (lambda: np.polyint(X[0], 3, [1.0, 2.0]), ValueError, "one constant or 3, .* got 2"),
        (lambda: np.poly(X), ValueError, "eigenvalues"),
        (lambda: np.vander(X), ValueError, r"row of numbers, but got shape \(2, 3\)"),
        (lambda: np.quantile(mg.tensor(np.zeros(0)), 0.5), ValueError, "no entries"),
        (lambda: np.max(mg.tensor(np.zeros(0))), ValueError, "max .* zero-size"),
        (lambda: np.max(X, where=X > 2), ValueError, "max with where= takes initial= too"),
        (lambda: np.sum(X, where=[True, False]), ValueError, "broadcast"),
        (lambda: np.sum(X[0], where=[[True]] * 2), ValueError, r"of shape \(3,\) or less, .* \(2, 1\)"),
        (lambda: mg.vstack(X[0, 0]), ValueError, r"vstack takes a list of arrays .* shape \(\)"),
        (lambda: np.bincount([0, 1], X[0]), ValueError, r"bincount .* shapes \(3,\) and \(2,\)"),
        (lambda: np.histogram(X, weights=X[0]), ValueError, r"histogram .* shapes \(3,\) and \(2, 3\)"),
        (lambda: np.linspace(X[0], 1.0, -1), ValueError, "num = -1"),
        (lambda: np.geomspace(X[0], 0.0), ValueError, "one sign, never through 0"),
        (lambda: np.geomspace(X[0], -1.0), ValueError, "one sign, never through 0"),
        (lambda: mg.sliding_window_view(X, 2), ValueError, r"one length for each of 2 axes, not \(2,\)"),
        (lambda: mg.sliding_window_view(X[0], 4), ValueError, "no window of 4 entries along 3, axis 0"),
        (lambda: np.full_like(X, X[0], order="F"), TypeError, "takes no order="),
    ],
)  # fmt: skip
def test_wrong_input_is_named(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


ALONG: dict[str, Callable[[Any, int], Any]] = {
    "cumsum": np.cumsum,
    "cumprod": np.cumprod,
    "diff": lambda x, axis: np.diff(x, axis=axis),
    "trapezoid": lambda x, axis: np.trapezoid(x, axis=axis),
    "gradient": lambda x, axis: np.gradient(x, axis=axis),
    "flip": np.flip,
    "moveaxis": lambda x, axis: np.moveaxis(x, axis, 0),
    "swapaxes": lambda x, axis: np.swapaxes(x, 0, axis),
    "rollaxis": np.rollaxis,
    "rot90": lambda x, axis: np.rot90(x, 1, (0, axis)),
    "roll": lambda x, axis: np.roll(x, 1, axis),
    "expand_dims": lambda x, axis: np.expand_dims(x, axis + (1 if axis > 0 else -1)),
    "squeeze": np.squeeze,
    "take": lambda x, axis: np.take(x, [0], axis),
    "take_along_axis": lambda x, axis: np.take_along_axis(x, np.zeros((1,) * np.ndim(x), int), axis),
    "compress": lambda x, axis: np.compress([True], x, axis),
    "delete": lambda x, axis: np.delete(x, 0, axis),
    "diagonal": lambda x, axis: np.diagonal(x, 0, 0, axis),
    "trace": lambda x, axis: np.trace(x, 0, 0, axis),
    "repeat": lambda x, axis: np.repeat(x, 2, axis),
    "sliding_window_view": lambda x, axis: np.lib.stride_tricks.sliding_window_view(x, 1, axis),
    "split": lambda x, axis: np.split(x, 1, axis),
    "array_split": lambda x, axis: np.array_split(x, 1, axis),
    "concatenate": lambda x, axis: np.concatenate([x, x], axis),
    "append": lambda x, axis: np.append(x, x, axis),
    "insert": lambda x, axis: np.insert(x, 0, 1.0, axis),
}


@few
@given(
    name=st.sampled_from(list(ALONG)),
    shape=hnp.array_shapes(min_dims=2, max_dims=4, min_side=2, max_side=3),
    beyond=st.integers(0, 3),
    behind=st.booleans(),
)
def test_an_axis_that_is_not_there_is_named_with_the_function(
    name: str, shape: tuple[int, ...], beyond: int, behind: bool
) -> None:
    axis = len(shape) + beyond if behind else -len(shape) - 1 - beyond
    f = ALONG[name]
    with pytest.raises(Exception) as numpys:
        f(np.ones(shape), axis)
    with pytest.raises((AxisError, numpys.type)) as ours:
        f(mg.tensor(np.ones(shape), requires_grad=True), axis)
    assert issubclass(ours.type, numpys.type)
    message = str(ours.value)
    assert message.startswith(name) and str(shape) in message and str(axis) in message.replace("axes", "axis")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: np.take(X, [0, 7], 1),
            r"^take got index 7, but there are 3 entries along axis 1 of \(2, 3\)",
        ),
        (lambda: X.take([-8]), r"^take got index -8, but there are 6 entries along axis 0 of \(6,\)"),
        (lambda: np.compress([1] * 5, X, 0), r"^compress got index 2, but there are 2 entries along axis 0"),
        (lambda: np.extract([1] * 9, X), r"^extract got index 6, but there are 6"),
        (lambda: np.delete(X, 9, 0), r"^delete got 9 along axis 0 of shape \(2, 3\)"),
        (lambda: np.choose([0.5], [X]), "^choose takes indices that are whole numbers"),
        (lambda: np.hstack([X, X[:1]]), r"^hstack .* shape \(2, 3\), shape \(1, 3\)"),
        (lambda: np.vstack([X, X[:, :1]]), r"^vstack .* shape \(2, 3\), shape \(2, 1\)"),
        (lambda: np.dstack([X, X[:1]]), r"^dstack .* shape \(2, 3, 1\), shape \(1, 3, 1\)"),
        (lambda: np.column_stack([X, X[0]]), r"^column_stack .* shape \(3, 1\)"),
        (lambda: np.append(X, X[0], 0), r"^append .* shape \(2, 3\), shape \(3,\)"),
        (lambda: np.block([X, X[:1]]), r"^block .* shape \(2, 3\), shape \(1, 3\)"),
        (lambda: np.tile(X, -2), "^tile repeats an array 0 times or more, but got reps = -2"),
        (lambda: np.resize(X, (2, -1)), r"^resize takes lengths of 0 or more, but got \(2, -1\)"),
        (lambda: np.trace(X[0]), "^trace takes two axes"),
        (lambda: np.cumsum(X, 0, dtype="U3"), "^cumsum gives numbers"),
        (lambda: np.flip(X, 0.5), "^flip got axis 0.5 of shape"),  # type: ignore[call-overload]
    ],
)
def test_errors_name_the_function_that_was_called(call: Any, message: str) -> None:
    with pytest.raises((ValueError, IndexError, TypeError), match=message):
        call()


def test_averages_tell_the_sum_of_their_weights() -> None:
    value, total = np.average(X, axis=0, weights=[1.0, 3.0], returned=True)
    np.testing.assert_array_equal(value.data, [3.25, 4.25, 5.25])
    np.testing.assert_array_equal(total, [4.0, 4.0, 4.0])
    assert np.average(X, returned=True)[1] == 6


def test_views_are_views() -> None:
    x = mg.tensor(np.arange(6.0).reshape(2, 3))
    for view in (np.ravel(x), x.T, np.flip(x), np.swapaxes(x, 0, 1), *np.split(x, 3, axis=1), np.rot90(x)):
        assert np.shares_memory(view.data, x.data)
    for copied in (np.copy(x), x.flatten(), np.tile(x, 1), np.roll(x, 1)):
        assert not np.shares_memory(copied.data, x.data)


@pytest.mark.parametrize("count", [64, 65, 200, 4097])
@pytest.mark.parametrize("join", [np.concatenate, np.stack])
@pytest.mark.parametrize("axis", [0, -1])
def test_many_parts_are_joined_in_groups(count: int, join: Any, axis: int) -> None:
    numbers = np.random.default_rng(count).normal(size=(count, 2, 1))
    parts = [mg.tensor(x, requires_grad=True) for x in numbers]
    out = join(parts, axis=axis)
    np.testing.assert_array_equal(out.data, join(list(numbers), axis=axis))
    assert len(out._node.parents) <= 64
    weights = np.arange(out.size, dtype=float).reshape(out.shape)
    (out * weights).sum().backward()
    pieces = np.split(weights, count, axis=axis)
    for part, piece in zip(parts, pieces, strict=True):
        np.testing.assert_array_equal(part.grad, piece.reshape(2, 1))
