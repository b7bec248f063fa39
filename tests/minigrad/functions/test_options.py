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
