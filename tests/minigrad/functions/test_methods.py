"""The methods of a Tensor against those of an ndarray: all of them are there, or left out for a reason."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import minigrad as mg

LEFT_OUT = {
    "base": "of the array: t.data.base",
    "byteswap": "bytes are no numbers to differentiate",
    "choose": "np.choose(t, choices), of whole numbers",
    "ctypes": "of the array: t.data.ctypes",
    "device": "there is one, the CPU",
    "dump": "pickle the Tensor",
    "dumps": "pickle the Tensor",
    "flags": "of the array: t.data.flags",
    "flat": "iterate over t.ravel()",
    "getfield": "of records",
    "setfield": "of records",
    "setflags": "of the array: t.data.setflags",
    "to_device": "there is one, the CPU",
    "tobytes": "of the array: t.data.tobytes()",
    "tofile": "np.save(file, t)",
    "view": "bytes are no numbers to differentiate; t.astype converts",
}

REFUSED: dict[str, tuple[tuple[Any, ...], str]] = {
    "sort": ((), "np.sort(t)"),
    "partition": ((1,), "np.partition(t, kth)"),
    "fill": ((1.0,), "t[...] = value"),
    "put": (([0], [1.0]), "t[index] = new"),
    "resize": (((2, 2),), "np.resize(t, shape) or t.reshape(shape)"),
}

X = np.array([[3.0, 1.0, 2.0], [0.5, -4.0, 6.0]])

CALLS: dict[str, list[tuple[tuple[Any, ...], dict[str, Any]]]] = {
    "all": [((), {}), ((0,), {"keepdims": True})],
    "any": [((), {}), ((), {"axis": 1})],
    "argmax": [((), {}), ((1,), {"keepdims": True})],
    "argmin": [((), {}), ((), {"axis": 0})],
    "argpartition": [((1,), {}), ((1,), {"axis": 0})],
    "argsort": [((), {}), ((0,), {"stable": True})],
    "astype": [(("float32",), {}), ((), {"dtype": int, "copy": False})],
    "clip": [((0, 2), {}), ((), {"min": 0}), ((), {"max": 1})],
    "compress": [(([True, False], 0), {}), (([True, False, True],), {"axis": 1})],
    "conj": [((), {})],
    "conjugate": [((), {})],
    "copy": [((), {}), (("C",), {})],
    "cumprod": [((), {}), ((), {"axis": 0})],
    "cumsum": [((), {}), ((1, "float32"), {})],
    "diagonal": [((), {}), ((1, 1, 0), {})],
    "dot": [((np.ones((3, 2)),), {}), ((), {"b": np.ones(3)})],
    "flatten": [((), {}), (("C",), {})],
    "item": [((4,), {}), ((1, 2), {})],
    "max": [((), {}), ((0, None, True), {})],
    "mean": [((), {}), ((1, "float32"), {"keepdims": True})],
    "min": [((), {}), ((), {"axis": (0, 1)})],
    "nonzero": [((), {})],
    "prod": [((), {}), ((1, None, None, True), {})],
    "ravel": [((), {}), ((), {"order": "C"})],
    "repeat": [((2,), {}), (([1, 2], 0), {})],
    "reshape": [((3, 2), {}), (((3, -1),), {}), ((-1,), {"order": "C"})],
    "round": [((), {}), ((1,), {})],
    "searchsorted": [],
    "squeeze": [((), {})],
    "std": [((), {}), ((0,), {"ddof": 1})],
    "sum": [((), {}), ((0, "float32", None, True), {})],
    "swapaxes": [((0, 1), {})],
    "take": [(([0, 4],), {}), (([2, 0], 1), {"mode": "wrap"})],
    "tolist": [((), {})],
    "trace": [((), {}), ((1,), {})],
    "transpose": [((), {}), ((1, 0), {}), (((1, 0),), {}), ((None,), {})],
    "var": [((), {}), ((0, None, None, 1, True), {})],
}  # fmt: skip

READ = ["T", "data", "dtype", "imag", "itemsize", "mT", "nbytes", "ndim", "real", "shape", "size", "strides"]


def test_every_method_of_an_ndarray_is_there_or_left_out_for_a_reason() -> None:
    theirs = {name for name in dir(np.ndarray) if not name.startswith("_")}
    ours = {name for name in dir(mg.Tensor) if not name.startswith("_")}
    assert theirs - ours == set(LEFT_OUT)
    assert theirs & ours == set(CALLS) | set(REFUSED) | set(READ)
    for name in theirs & ours - {"data"}:
        assert getattr(mg.Tensor, name).__doc__


@pytest.mark.parametrize(("name", "args", "options"), [(n, *call) for n in CALLS for call in CALLS[n]])
def test_methods_do_what_those_of_an_ndarray_do(name: str, args: Any, options: Any) -> None:
    expected = getattr(X, name)(*args, **options)
    for wanted in (False, True):
        actual = getattr(mg.tensor(X, requires_grad=wanted), name)(*args, **options)
        numbers = actual.data if isinstance(actual, mg.Tensor) else actual
        if isinstance(actual, mg.Tensor):
            assert actual.dtype == expected.dtype
        np.testing.assert_allclose(numbers, expected, rtol=1e-6)


@pytest.mark.parametrize("name", READ)
def test_attributes_are_those_of_an_ndarray(name: str) -> None:
    actual = getattr(mg.tensor(X), name)
    np.testing.assert_equal(actual.data if isinstance(actual, mg.Tensor) else actual, getattr(X, name))


def test_a_sorted_tensor_is_searched() -> None:
    t = mg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    assert t.searchsorted(2.5) == 2
    np.testing.assert_array_equal(t.searchsorted(mg.tensor([0.0, 2.0]), side="right"), [0, 2])


DECISIONS = {
    "all",
    "any",
    "argmax",
    "argmin",
    "argpartition",
    "argsort",
    "item",
    "nonzero",
    "round",
    "tolist",
}


@pytest.mark.parametrize("name", sorted(set(CALLS) - DECISIONS - {"searchsorted", "astype"}))
def test_methods_are_recorded(name: str) -> None:
    for args, options in CALLS[name]:
        t = mg.tensor(X, requires_grad=True)
        result = getattr(t, name)(*args, **options)
        result.sum().backward()
        assert np.any(t.grad != 0) or name in ("var", "std")


@pytest.mark.parametrize("name", list(REFUSED))
def test_methods_that_are_not_offered_in_place_say_what_to_use(name: str) -> None:
    t = mg.tensor([1.0, 2.0, 3.0])
    args, instead = REFUSED[name]
    with pytest.raises(TypeError, match=re.escape(f"t.{name}(...) is not offered in place; use {instead}")):
        getattr(t, name)(*args)
    np.testing.assert_array_equal(t.data, [1.0, 2.0, 3.0])
