"""Options and kinds of numbers as NumPy takes them: what would be lost is refused, and n may be large."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg

X = mg.tensor([1.0, 2.0, 3.0], requires_grad=True)
INTEGERS = np.array([2**62, 2**62, 2**61])


@pytest.mark.parametrize("f", [np.nanmean, np.nanvar, np.nanstd, lambda x: np.poly(x // 2**40)])
def test_whole_numbers_do_not_wrap(f: Any) -> None:
    np.testing.assert_allclose(f(mg.tensor(INTEGERS)).data, f(INTEGERS), rtol=1e-14)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("f", [np.nanmean, np.nanvar, np.nanstd])
def test_infinities_have_no_variance(f: Any) -> None:
    for x in ([1.0, np.nan, np.inf, -np.inf, 0.0], [1.0, np.inf], [np.nan, np.nan], [np.nan, 1.0, 4.0]):
        np.testing.assert_array_equal(f(mg.tensor(x)).data, f(x))


@pytest.mark.parametrize(
    "f",
    [
        np.mean, np.average, np.nanmean, np.var, np.std, np.nanvar,
        lambda t: np.mean(t, where=np.ones(70_000, dtype=bool)),
        lambda t: mg.avg_pool2d(np.reshape(t, (1, 1, 280, 250)), (280, 250))[0, 0, 0, 0],
    ],
)  # fmt: skip
def test_means_of_many_entries_have_a_slope_in_float16(f: Any) -> None:
    x = (np.arange(70_000) % 3 - 1).astype(np.float16)
    slopes = []
    for dtype in (np.float16, np.float64):
        leaf = mg.tensor(x.astype(dtype), requires_grad=True)
        f(leaf).backward(gradient=np.array(1024, dtype=dtype))
        assert leaf.grad.dtype == dtype
        slopes.append(leaf.grad)
    np.testing.assert_allclose(slopes[0], slopes[1], rtol=4e-3, atol=2e-4)


def test_many_equal_extrema_share_their_slope_in_float16() -> None:
    leaf = mg.tensor(np.zeros(70_000, dtype=np.float16), requires_grad=True)
    np.max(leaf).backward(gradient=np.float16(1000))
    np.testing.assert_allclose(leaf.grad, np.full(70_000, 1 / 70), rtol=4e-3)
    assert leaf.grad.dtype == np.float16


@pytest.mark.parametrize("f", [np.mean, np.var, np.std, np.nanmean, np.nanvar, np.nanstd])
@pytest.mark.parametrize("dtype", [int, bool])
def test_moments_are_in_floating_point(f: Any, dtype: Any) -> None:
    with pytest.raises(TypeError, match="floating point"):
        f(X, dtype=dtype)


@pytest.mark.parametrize("f", [np.sum, np.prod, np.nansum, np.nanprod])
def test_sums_and_products_have_the_dtype_that_is_asked_for(f: Any) -> None:
    whole = np.array([100, 100, 3])
    for dtype in (np.int8, np.uint16, int, np.float32):
        expected = np.asarray(f(whole, dtype=dtype))
        np.testing.assert_array_equal(f(mg.tensor(whole), dtype=dtype).data, expected, strict=True)
    with pytest.raises(TypeError, match=r"np\.any"):
        f(X, dtype=bool)


@pytest.mark.parametrize("f", [np.sum, np.prod, np.max, np.min])
def test_an_initial_value_is_one_number(f: Any) -> None:
    with pytest.raises(ValueError, match="one number"):
        f(X, initial=[1.0, 2.0, 3.0])


MASKED = np.ma.array([1, 0, 1], mask=[0, 1, 0])
FLOAT16, FLOAT32 = np.float16([1.0, 2.0]), np.float32([1.0, 2.0])
SMALL = np.uint8([1, 200])


@pytest.mark.parametrize(
    "f",
    [
        lambda: np.interp(X, [1.0, 2.0, 3.0], [1j, 2.0, 3.0]),
        lambda: np.insert(X, 1.5, 9.0),
        lambda: np.insert(X, [0.0, 1.5], 9.0),
        lambda: np.repeat(X, 1.5),
        lambda: np.repeat(X, [1.0, 2.5, 1.0]),
        lambda: np.array_split(X, 2.5),
        lambda: np.split(X, [1.5]),
        lambda: np.concatenate([X, X], dtype=int),
        lambda: np.stack([X, X], dtype=int),
        lambda: np.hstack([X, X], dtype=int),
        lambda: np.vstack([X, X], dtype=int),
        lambda: np.cov(X, dtype=int),
        lambda: np.corrcoef(X, dtype=int),
        lambda: np.cumsum(X, dtype=bool),
        lambda: np.rot90(mg.tensor(np.eye(2)), 1.5),
        lambda: np.clip(X, 0, 2, dtype=int),
    ],
)
def test_nothing_is_cut_off(f: Any) -> None:
    with pytest.raises(TypeError):
        f()


@pytest.mark.parametrize("f", [np.percentile, np.nanpercentile, np.quantile, np.nanquantile])
def test_shares_are_constants(f: Any) -> None:
    with pytest.raises(TypeError, match="no derivative by its shares"):
        f(np.array([1.0, 2.0]), X / 10)


@pytest.mark.parametrize(
    "f",
    [
        lambda m: np.kron(m, X), lambda m: np.cross(m, X), lambda m: np.trapezoid(m, X),
        lambda m: np.trapezoid(X, m), lambda m: np.trapezoid(X, dx=m[:2]), lambda m: np.take(X, m),
        lambda m: np.full_like(X.detach(), m), lambda m: np.repeat(X, m), lambda m: np.inner(m, X),
        lambda m: mg.conv1d(X[None, None], m[None, None]), lambda m: np.take_along_axis(X, m, 0),
        lambda m: np.compress(m, X),
    ],
)  # fmt: skip
def test_no_mask_is_lost(f: Any) -> None:
    with pytest.raises(TypeError, match="would lose its mask"):
        f(MASKED)


@pytest.mark.parametrize("f", [np.outer, np.inner, np.kron])
@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_a_matrix_is_an_array_of_two_axes(f: Any) -> None:
    row = np.array([[1.0, 2.0, 3.0]])
    np.testing.assert_array_equal(f(np.matrix(row), X).data, f(row, X.data), strict=True)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sort(x, kind="bad"), lambda x: np.sort(x, kind="quicksort", stable=True),
        lambda x: np.trim_zeros(x, "q"), lambda x: np.trim_zeros(x, axis=5), lambda x: np.copy(x, order="Z"),
        lambda x: np.vander(x, -1), lambda x: np.nan_to_num(x, copy="no"),
        lambda x: np.clip(x, 0, 2, min=1), lambda x: np.insert(x.astype(np.uint8), 0, 300),
        lambda x: np.insert(x.astype(np.uint8), 0, [300]), lambda x: np.linalg.norm(x, axis=5),
        lambda x: np.linalg.vector_norm(x, axis=5), lambda x: np.cross(x, x, axis=4),
        lambda x: np.cross(x, x, axisc=4), lambda x: np.tensordot(x, x, 5),
        lambda x: np.tensordot(x, x, ([4], [0])), lambda x: np.cumsum(x, axis=1),
        lambda x: np.linalg.tensorinv(np.broadcast_to(x, (2, 3)), ind=1),
        lambda x: np.linalg.tensorinv(np.broadcast_to(x, (2, 3)), ind=0),
        lambda x: np.linalg.multi_dot([x]),
        lambda x: np.linalg.tensorsolve(np.broadcast_to(x, (2, 3)), [1, 2]),
    ],
)  # fmt: skip
def test_what_numpy_refuses_is_refused_with_its_error(f: Any) -> None:
    with pytest.raises(Exception) as expected:
        f(X.data)
    with pytest.raises(expected.type):
        f(X.detach())


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: np.union1d(x, 1), FLOAT32), (lambda x: np.concatenate([x, 3], axis=None), FLOAT16),
        (lambda x: np.append(x, 1), FLOAT32), (lambda x: np.clip(x, -1, 300), SMALL),
        (lambda x: np.clip(x, -1, None), SMALL), (lambda x: np.clip(x, 0, 100), SMALL),
        (lambda x: np.clip(x, 0, 1, dtype=np.float32), SMALL), (lambda x: np.cumsum(x, axis=0), 2.5),
        (lambda x: np.cumprod(x, axis=0), 2.5), (lambda x: np.cumsum(x, dtype=np.uint8), SMALL),
        (lambda x: np.cumprod(x, dtype=np.uint8), SMALL), (lambda x: np.average(x, axis=[0]), np.eye(2)),
        (lambda x: np.average(x, axis=[0], weights=[1, 2]), np.eye(2)), (np.nanmedian, [True, False]),
        (np.nanmedian, np.zeros(0)), (lambda x: np.nanmedian(x, axis=1), np.zeros((2, 0))),
        (lambda x: np.linalg.trace(x, dtype=np.float32), np.eye(2)),
        (lambda x: np.hstack([x, x], dtype=int, casting="unsafe"), FLOAT32),
    ],
)  # fmt: skip
def test_options_do_what_they_do_in_numpy(f: Any, x: Any) -> None:
    np.testing.assert_array_equal(f(mg.tensor(x)).data, np.asarray(f(np.asarray(x))), strict=True)
