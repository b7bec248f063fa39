"""Which of NumPy's array functions a Tensor takes: differentiated, constant, or left out for a reason."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import numpy.fft  # which is loaded when it is asked for, and dispatches only then
import pytest
from numpy.testing.overrides import get_overridable_numpy_array_functions

import minigrad as mg
from minigrad.functions import (
    accumulating,
    constants,
    counting,
    joining,
    making,
    ordering,
    picking,
    polynomials,
    reductions,
    repeating,
    sets,
    shaping,
    signals,
    splitting,
    statistics,
)
from minigrad.functions.arguments import ADVICE
from minigrad.rules import NUMPY

from .calls import CALLS

FAMILIES = (
    accumulating, counting, joining, making, ordering, picking, polynomials, reductions, repeating, sets,
    shaping, signals, splitting, statistics,
)  # fmt: skip
OWN = {f: g for f, g in NUMPY.items() if g.__module__ in {family.__name__ for family in FAMILIES}}

LEFT_OUT = {
    **dict.fromkeys(
        [
            np.arange, np.array, np.asanyarray, np.asarray, np.ascontiguousarray, np.asfortranarray, np.empty,
            np.eye, np.frombuffer, np.fromfile, np.fromfunction, np.fromiter, np.fromstring, np.full,
            np.genfromtxt, np.identity, np.loadtxt, np.ones, np.require, np.tri, np.zeros,
        ],
        "makes an array; join Tensors with mg.stack",
    ),
    **dict.fromkeys(
        [np.busday_count, np.busday_offset, np.datetime_as_string, np.is_busday], "of dates"
    ),
    **dict.fromkeys(
        [np.apply_along_axis, np.apply_over_axes], "calls a function of its own; stack what it gives"
    ),
    np.piecewise: "calls functions of its own; np.where and np.select choose between what they give",
    **dict.fromkeys([np.roots, np.linalg.eig, np.linalg.eigvals, np.sort_complex], "of complex numbers"),
    np.polyfit: "least squares are np.linalg.lstsq(np.vander(x, degree + 1), y)",
    **dict.fromkeys(
        [
            np.fft.fft, np.fft.fft2, np.fft.fftn, np.fft.hfft, np.fft.ifft, np.fft.ifft2, np.fft.ifftn,
            np.fft.ihfft, np.fft.irfft, np.fft.irfft2, np.fft.irfftn, np.fft.rfft, np.fft.rfft2, np.fft.rfftn,
        ],
        "of complex numbers",
    ),
    **dict.fromkeys([np.fft.fftshift, np.fft.ifftshift], "np.roll by half of every axis is it"),
}  # fmt: skip

WEIGHTED = {np.bincount, np.histogram, np.histogram_bin_edges}
MASKED = {
    np.sum, np.prod, np.mean, np.max, np.min, np.amax, np.amin, np.nansum, np.nanprod,
}  # fmt: skip
"""Those that take weights, and a mask of what counts."""

OVERRIDABLE = get_overridable_numpy_array_functions()
DISPATCHED = {
    f"{module.__name__.replace('numpy', 'np')}.{name}": function
    for module in (np.fft, np.linalg, np)
    for name, function in list(vars(module).items())
    if not name.startswith("_") and inspect.isroutine(function) and function in OVERRIDABLE
}
"""Every public function that asks its arguments how to compute it."""


def test_they_are_all_there() -> None:
    assert len(DISPATCHED) > 250
    assert set(LEFT_OUT) <= set(DISPATCHED.values())


@pytest.mark.parametrize("name", list(DISPATCHED))
def test_every_array_function_is_supported_or_left_out_for_a_reason(name: str) -> None:
    assert (DISPATCHED[name] in NUMPY) + (DISPATCHED[name] in LEFT_OUT) == 1


def test_what_is_left_out_says_what_to_do() -> None:
    x = mg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    calls = {
        "np.roots": lambda: np.roots(x[0]), "np.polyfit": lambda: np.polyfit(x[0], x[1], 1),
        "np.linalg.eig": lambda: np.linalg.eig(x),
        "np.fft.fft": lambda: np.fft.fft(x), "np.fft.irfft": lambda: np.fft.irfft(x),
        "np.piecewise": lambda: np.piecewise(x, [x > 0], [np.exp]),
    }  # fmt: skip
    for name, call in calls.items():
        with pytest.raises(TypeError, match=f"{name} has no derivative rule here; .*detach first"):
            call()


@pytest.mark.parametrize("function", list(OWN), ids=lambda function: function.__name__)
def test_every_function_of_these_families_is_called_in_the_tests(function: Any) -> None:
    assert function in CALLS


@pytest.mark.parametrize("function", list(OWN), ids=lambda function: function.__name__)
def test_signatures_are_numpys(function: Any) -> None:
    theirs = inspect.signature(function).parameters.values()
    ours = inspect.signature(OWN[function]).parameters.values()
    assert [(p.name, p.kind) for p in ours] == [(p.name, p.kind) for p in theirs]
    for own, other in zip(ours, theirs, strict=True):
        assert own.default == other.default or other.default is np._NoValue


@pytest.mark.parametrize("function", list(OWN), ids=lambda function: function.__name__)
def test_options_that_nothing_can_follow_are_refused(function: Any) -> None:
    x = mg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    given = {
        "out": np.zeros(2), "where": np.array([True, False]), "initial": 1.0, "mean": np.ones(2),
        "order": "F", "weights": np.ones(2),
    }  # fmt: skip
    takes = set(inspect.signature(function).parameters) & set(ADVICE) & set(given)
    takes -= {"order"} if function is np.copy else set()
    takes -= {"weights"} if function in (np.average, *WEIGHTED) else set()
    takes -= {"where", "initial"} if function in MASKED else set()
    called = {
        np.take: ([0],), np.quantile: (0.5,), np.percentile: (50,), np.reshape: ((4,),), np.partition: (1,),
        np.nanquantile: (0.5,), np.nanpercentile: (50,), np.full_like: (0.0,),
    }  # fmt: skip
    args = (x, *called.get(function, ()))
    args = ([1, 0], [x, x]) if function is np.choose else ([True], x) if function is np.compress else args
    args = ([x],) if function in (np.concatenate, np.stack) else args
    named = OWN[function].__name__.lstrip("_")
    for name in takes:
        with pytest.raises(TypeError, match=f"np.{named} of a Tensor takes no {name}="):
            function(*args, **{name: given[name]})


X = np.array([3.0, 1.0, 0.0, 2.0, np.nan])
COUNTS = np.array([2, 0, 1])
MATRIX = np.array([[1.0, 0.0], [2.0, 3.0]])
TABLE = np.array([[1, 0], [2, 3]])
BYTES = np.array([1, 0, 1], dtype=np.uint8)

MADE = {
    np.all: (X,), np.allclose: (X, X), np.any: (X,), np.argmax: (X,), np.argmin: (X,),
    np.argpartition: (X, 2), np.argsort: (X,), np.argwhere: (X,), np.array2string: (X,),
    np.array_equal: (X, X), np.array_equiv: (X, X), np.array_repr: (X,), np.array_str: (X,),
    np.can_cast: (X.dtype, X.dtype), np.common_type: (X, X),
    np.count_nonzero: (X,), np.diag_indices_from: (MATRIX,), np.digitize: (X[:4], [0.5, 2.5]),
    np.einsum_path: ("ij,j,jk", MATRIX, X[:2], MATRIX),
    np.flatnonzero: (X,), np.histogram2d: (COUNTS, COUNTS), np.histogramdd: (TABLE,),
    np.isclose: (X, 1.0), np.iscomplex: (X,), np.iscomplexobj: (X,), np.isin: (X, X[:2]), np.isneginf: (X,),
    np.isposinf: (X,), np.isreal: (X,), np.isrealobj: (X,), np.ix_: (COUNTS, COUNTS), np.lexsort: (MATRIX,),
    np.may_share_memory: (X, X), np.min_scalar_type: (X,), np.nanargmax: (X,), np.nanargmin: (X,),
    np.ndim: (X,), np.nonzero: (X,), np.ones_like: (X,), np.packbits: (BYTES,),
    np.ravel_multi_index: (COUNTS[:2], (3, 3)), np.result_type: (X, X), np.searchsorted: (COUNTS, X),
    np.shape: (X,), np.shares_memory: (X, X),
    np.size: (X,), np.tril_indices_from: (MATRIX,), np.triu_indices_from: (MATRIX,),
    np.unpackbits: (BYTES,), np.unravel_index: (COUNTS, (3, 3)),
    np.zeros_like: (X,),
}  # fmt: skip
"""A call of every constant function."""

ELSEWHERE = {np.empty_like, np.save, np.savetxt, np.savez, np.savez_compressed}
"""Constant too, but their results are not numbers to compare."""


def test_every_constant_function_is_called() -> None:
    assert set(MADE) | ELSEWHERE == set(constants.CONSTANT)


@pytest.mark.parametrize("function", list(MADE), ids=lambda function: function.__name__)
def test_constant_functions_give_what_they_give_of_the_numbers(function: Any) -> None:
    args = MADE[function]
    leaf = {id(arg): mg.Tensor(arg, arg.dtype.kind == "f") for arg in args if isinstance(arg, np.ndarray)}
    actual, expected = function(*(leaf.get(id(arg), arg) for arg in args)), function(*args)
    assert type(actual) is type(expected)
    np.testing.assert_equal(actual, expected)


CUT: dict[str, Any] = {
    "histogram2d": lambda x: np.histogram2d(x[0], x[1]),
    "histogram2d of weights": lambda x: np.histogram2d([0.0, 1], [0.0, 1], weights=x[0]),
    "histogramdd": lambda x: np.histogramdd(x),
    "histogramdd by name": lambda x: np.histogramdd(sample=[x[0], x[1]]),
    "ix_": lambda x: np.ix_(x[0]),
}


@pytest.mark.parametrize("name", list(CUT))
def test_no_graph_is_cut_without_a_word(name: str) -> None:
    x = mg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    function = name.split()[0]
    with pytest.raises(
        TypeError, match=rf"np.{function} has no derivative .* silently; say so with np.{function}"
    ):
        CUT[name](x)
    with pytest.raises(TypeError, match=r"no derivative by its shares; say so with q\.data"):
        np.quantile(x, x[0] / 4)


def test_files_are_written_with_the_numbers(tmp_path: Any) -> None:
    t = mg.tensor([1.0, 2.0], requires_grad=True)
    np.save(tmp_path / "x.npy", t)
    np.savez(tmp_path / "x.npz", t)
    np.savetxt(tmp_path / "x.txt", t)
    for written in (
        np.load(tmp_path / "x.npy"),
        np.load(tmp_path / "x.npz")["arr_0"],
        np.loadtxt(tmp_path / "x.txt"),
    ):
        np.testing.assert_array_equal(written, [1.0, 2.0])


@pytest.mark.parametrize("name", list(constants.WRITING))
def test_functions_that_write_into_an_array_are_refused(name: str) -> None:
    t = mg.tensor([[1.0, 2.0], [3.0, 4.0]])
    args = {"put_along_axis": ([[0], [1]], 0.0, 1), "fill_diagonal": (0.0,), "copyto": (0.0,)}.get(
        name, ([0], 0.0)
    )
    with pytest.raises(TypeError, match=f"np.{name} changes an array.*; use np.where"):
        getattr(np, name)(t, *args)
    np.testing.assert_array_equal(t.data, [[1.0, 2.0], [3.0, 4.0]])
