"""detect_anomaly: the first number that is not finite, and arrays changed behind the graph's back."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.anomaly import REWRITES, AnomalyError
from minigrad.recording import PLAIN, current
from minigrad.rules import REGISTRY

V = np.array([1.0, 2.0, 3.0])
Z = np.array([[1.0, 2.0], [0.0, 3.0]])


@pytest.fixture(autouse=True)
def silent_numpy() -> Any:
    """The infinities are wanted here."""
    with np.errstate(all="ignore"):
        yield


def leaf(data: Any) -> mg.Tensor:
    return mg.tensor(data, dtype=float, requires_grad=True)


@pytest.mark.parametrize(
    ("f", "x", "words"),
    [
        (np.log, Z, r"log \(ln x\) at line .* gave -inf at index \(1, 0\), of x = 0; .*np.log1p"),
        (np.log, -Z, r"log .* gave nan at index \(0, 0\), of x = -1;"),
        (np.sqrt, -V, r"sqrt .* gave nan at index \(0,\), of x = -1;"),
        (np.exp, 1e3 * V, r"exp .* gave inf at index \(0,\), of x = 1000; .*mg.softmax"),
        (lambda x: 1 / x, Z, r"divide \(x / y\) .* gave inf at index \(1, 0\), of x = 1, y = 0; .*np.where"),
        (lambda x: x / x, Z, r"divide .* gave nan at index \(1, 0\), of x = 0, y = 0;"),
        (lambda x: x * 1e308, 10 * V, r"multiply .* gave inf at index \(0,\), of x = 10, y = 1e\+308;"),
        (lambda x: x**-1.0, Z, r"power .* gave inf at index \(1, 0\), of x = 0, y = -1;"),
        (lambda x: np.exp(x).sum(), 1e3, r"exp .* gave inf at index \(\), of x = 1000;"),
        (lambda x: x @ V, V * 5e307, r"matmul .* gave inf at index \(\)"),
        (lambda x: x.sum(), V * 5e307, r"sum .* gave inf at index \(\)"),
        (lambda x: x + np.inf, V, r"add .* was given inf at index \(\) of its argument y"),
        (lambda x: 2 * x, [1.0, np.nan], r"multiply .* was given nan at index \(1,\) of its argument y"),
    ],
)
def test_the_first_number_that_is_not_finite_is_named(f: Any, x: Any, words: str) -> None:
    with mg.detect_anomaly(), pytest.raises(AnomalyError, match=words):
        f(leaf(x))
    with (
        mg.detect_anomaly(),
        mg.no_grad(),
        pytest.raises(AnomalyError, match=words.replace("at line .* g", ".*g")),
    ):
        f(mg.tensor(x))
    f(leaf(x))  # outside it is NumPy's matter


def test_it_is_the_first_one_of_several() -> None:
    x = leaf(V)
    with mg.detect_anomaly(), pytest.raises(AnomalyError, match=r"^log"):
        y = np.log(x - 2)
        np.sqrt(y).sum().backward()


@pytest.mark.parametrize(
    ("f", "x", "words"),
    [
        (
            np.sqrt,
            [4.0, 0.0],
            r"the derivative of sqrt \(.*\) at line .* by x is inf at index \(1,\), where x = 0;",
        ),
        (
            lambda x: x**0.5,
            [4.0, 0.0],
            r"the derivative of power .* by x is inf at index \(1,\), where x = 0",
        ),
        (
            lambda x: np.sqrt(x * x),
            [0.0],
            r"the derivative of sqrt .* by x is inf at index \(0,\), where x = 0",
        ),
        (np.cbrt, [0.0], r"the derivative of cbrt .* by x is inf"),
    ],
)
def test_the_first_derivative_that_is_not_finite_is_named(f: Any, x: Any, words: str) -> None:
    t = leaf(x)
    with mg.detect_anomaly():
        y = f(t).sum()
        with pytest.raises(AnomalyError, match=words):
            y.backward(retain_graph=True)
        with pytest.raises(AnomalyError, match=words):
            y.backward(create_graph=True)
        with pytest.raises(AnomalyError, match=words):
            mg.grad(lambda z: f(z).sum())(np.array(x))
        with pytest.raises(AnomalyError, match=words):
            mg.vjp(f, np.array(x))[1](np.ones(len(x)))
    assert t.grad is None


def test_values_too() -> None:
    with mg.detect_anomaly():
        with pytest.raises(AnomalyError, match=r"log .* gave -inf at index \(\), of x = 0"):
            np.log(mg.Value(0.0))
        y = mg.Value(0.0).sqrt()
        with pytest.raises(AnomalyError, match=r"the derivative of sqrt .* by x is inf"):
            y.backward()
        z = mg.Value(2.0) * mg.Value(3.0)
        z.backward()
    with mg.detect_anomaly(), pytest.raises(AnomalyError, match=r"multiply .* gave inf"):
        mg.Value(1e200) * mg.Value(1e200)


def test_the_line_is_the_users() -> None:
    x = leaf([0.0])
    with mg.detect_anomaly(), pytest.raises(AnomalyError) as caught:
        np.log(x)
    line = caught.traceback[0].lineno + 1
    assert f"test_anomaly.py:{line}" in str(caught.value)
    with mg.detect_anomaly():
        y = np.sqrt(x)
        made = str(y._node.origin[2])
        with pytest.raises(AnomalyError, match=re.escape(made)):
            y.backward()


def test_finite_programs_pass_and_give_the_same_numbers() -> None:
    def f(x: Any) -> Any:
        return np.sum(np.exp(x) / (1 + x * x) - np.log(x + 1))

    expected = mg.grad(f)(V), mg.hessian(f)(V)
    with mg.detect_anomaly():
        np.testing.assert_array_equal(mg.grad(f)(V), expected[0])
        np.testing.assert_array_equal(mg.hessian(f)(V), expected[1])
        (mg.tensor([1, 2]) + 1).sum()
        mg.exp(leaf(np.zeros((0, 2)))).sum().backward()
    assert current() is PLAIN


def test_a_branch_that_is_not_taken_is_an_anomaly_too() -> None:
    with mg.detect_anomaly(), pytest.raises(AnomalyError, match="log"):
        mg.where(Z > 0, np.log(leaf(Z)), 0.0)


def test_every_rewrite_belongs_to_a_primitive() -> None:
    assert set(REWRITES) <= set(REGISTRY)


# Arrays that are changed


@pytest.mark.parametrize(
    "write",
    [
        lambda t: t.data.__setitem__(0, 9.0),
        lambda t: t.numpy().__imul__(2),
        lambda t: np.copyto(t.data, 0),
    ],
)
def test_a_write_through_an_alias_is_found_by_its_checksum(write: Any) -> None:
    x = leaf(V)
    with mg.detect_anomaly():
        y = (x * x).sum()
        write(x)
        words = r"multiply \(x·y\) at line .* needs its argument x .* changed in place since"
        with pytest.raises(mg.ChangedInPlaceError, match=words):
            y.backward()
    assert x.grad is None


def test_a_result_that_was_changed_is_found() -> None:
    with mg.detect_anomaly():
        y = np.exp(leaf(V))
        total = y.sum()
        y.data[0] = 9.0
        with pytest.raises(mg.ChangedInPlaceError, match=r"exp .* needs its result"):
            total.backward()


def test_a_change_that_no_rule_minds_passes() -> None:
    x = leaf(V)
    with mg.detect_anomaly():
        y = (x * 3.0 + 1.0).sum()
        x.data[0] = 9.0
        y.backward()
    np.testing.assert_array_equal(x.grad, [3, 3, 3])


def test_without_it_such_a_write_is_not_seen() -> None:
    x = leaf(V)
    y = (x * x).sum()
    x.data[0] = 9.0
    y.backward()
    np.testing.assert_array_equal(x.grad, [18, 4, 6])  # documented: this is what anomaly mode is for


def test_graphs_from_outside_are_watched_as_far_as_possible() -> None:
    x = leaf([4.0, 0.0])
    y = np.sqrt(x).sum()
    with mg.detect_anomaly(), pytest.raises(AnomalyError, match=r"the derivative of sqrt"):
        y.backward(retain_graph=True)
    y.backward()
    assert x.grad[1] == np.inf


def test_blocks_in_each_other() -> None:
    x = leaf([0.0])
    with mg.detect_anomaly():
        with mg.no_grad(), pytest.raises(AnomalyError):
            np.log(x)
        with mg.detect_anomaly(), pytest.raises(AnomalyError):
            np.log(x)
        with pytest.raises(AnomalyError):
            np.log(x)
        with pytest.raises(AnomalyError):
            mg.trace(np.log, np.zeros(1))
    assert current() is PLAIN
    np.log(x)
