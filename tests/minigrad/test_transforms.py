"""vjp and jvp of functions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

import minigrad as mg

from .oracle import central_difference
from .strategies import networks, seeds

few = settings(max_examples=30)
V = np.array([0.5, -1.0, 2.0])


@few
@given(drawn=networks(), seed=seeds)
def test_both_directions_of_a_network_agree(drawn: Any, seed: int) -> None:
    net, n_in = drawn
    net.eval()
    rng = np.random.default_rng(seed)
    x, t = rng.normal(size=(2, n_in)), rng.normal(size=(2, n_in))
    y, forward = mg.jvp(net, [x], [t])
    again, pull = mg.vjp(net, x)
    v = rng.normal(size=y.shape)
    (backward,) = pull(v)
    np.testing.assert_array_equal(y, again)
    np.testing.assert_allclose((v * forward).sum(), (backward * t).sum(), rtol=1e-9, atol=1e-12)
    assert all(p.grad is None for p in net.parameters())


def test_several_arguments_and_one_that_does_not_matter() -> None:
    def f(a: Any, b: Any, c: Any) -> Any:
        return np.exp(a) * b

    args = [V, V + 1, np.ones((2, 2))]
    tangents = [np.ones(3), 2 * V, np.ones((2, 2))]
    y, forward = mg.jvp(f, args, tangents)
    np.testing.assert_allclose(forward, central_difference(f, args, tangents), rtol=1e-8)
    y, pull = mg.vjp(f, *args)
    grads = pull(np.ones(3))
    np.testing.assert_allclose(grads[0], y)
    np.testing.assert_allclose(grads[1], np.exp(V))
    np.testing.assert_array_equal(grads[2], np.zeros((2, 2)))


def test_pull_can_be_called_again_and_is_linear() -> None:
    _, pull = mg.vjp(lambda x: x * x, V)
    np.testing.assert_array_equal(pull(np.ones(3))[0], 2 * V)
    np.testing.assert_array_equal(pull([1.0, 0.0, -2.0])[0], 2 * V * [1, 0, -2])


@pytest.mark.parametrize("f", [lambda x: mg.tensor([1.0, 2.0]), lambda x: x.detach()[:2]])
def test_a_constant_function_has_derivative_zero(f: Any) -> None:
    assert not mg.jvp(f, [V], [V])[1].any()
    assert not mg.vjp(f, V)[1](np.ones(2))[0].any()


def test_the_identity_and_inputs_stay_apart() -> None:
    t = np.ones(3)
    y, forward = mg.jvp(lambda x: x, [V], [t])
    forward[0] = y[0] = 9
    assert t[0] == 1 and V[0] == 0.5


def test_results_are_copies() -> None:
    w = mg.tensor(V, requires_grad=True)
    y, pull = mg.vjp(np.exp, V)
    y[:] = 0
    np.testing.assert_allclose(pull(np.ones(3))[0], np.exp(V))
    for y in (
        mg.vjp(lambda x: w, V)[0],
        mg.jvp(lambda x: w, [V], [V])[0],
        mg.vjp(lambda x: w.detach(), V)[0],
    ):
        y[:] = 0
    np.testing.assert_array_equal(w.data, V)


def test_they_work_inside_no_grad_and_leave_leaves_alone() -> None:
    w = mg.tensor(2.0, requires_grad=True)
    with mg.no_grad():
        y, pull = mg.vjp(lambda x: w * x, V)
        np.testing.assert_array_equal(pull(np.ones(3))[0], [2, 2, 2])
        np.testing.assert_array_equal(mg.jvp(lambda x: w * x, [V], [V])[1], y)
    assert w.grad is None


def test_dtypes_are_those_of_the_primals() -> None:
    x = V.astype(np.float32)
    y, pull = mg.vjp(np.exp, x)
    assert y.dtype == pull(np.ones(3))[0].dtype == np.float32
    assert mg.jvp(np.exp, [x], [V])[1].dtype == np.float32


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: mg.vjp(np.exp, V)[1](1.0),
            ValueError,
            r"cotangent has shape \(\), .* \(3,\)",
        ),
        (lambda: mg.vjp(lambda x: 5, V), TypeError, "must return a Tensor, but returned int"),
        (lambda: mg.vjp(np.exp, [1, 2]), TypeError, "only floats have gradients"),
        (lambda: mg.jvp(np.exp, 1.0, 1.0), TypeError, r"lists of primals .* jvp\(f, \[x\], \[t\]\)"),
        (lambda: mg.jvp(np.exp, [V], []), ValueError, "1 primals and 0 tangents"),
        (lambda: mg.jvp(np.exp, [V], [[1.0]]), ValueError, r"tangent has shape \(1,\).* shape \(3,\)"),
        (lambda: mg.jvp(np.exp, [[[1.0], [1.0, 2.0]]], [V]), ValueError, "rows of equal length"),
    ],
)
def test_wrong_input_is_named(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
