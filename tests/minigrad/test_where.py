"""The branch that `where` does not take: its gradient is 0, whatever the branch is there, at every order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # 1/0 and the like are the subject here
few = settings(max_examples=25)

# Finite and smooth for x > 0.3; infinite or nan at 0 and below, in value, slope or both.
LINKS: dict[str, Callable[[Any], Any]] = {
    "log": np.log,
    "sqrt": np.sqrt,
    "reciprocal": lambda x: 1 / x,
    "power": lambda x: x**0.5,
    "x**x": lambda x: x**x,
    "log1p of exp": lambda x: np.log1p(-np.exp(-1 / x)),
    "product": lambda x: mg.sigmoid(1 / x) * np.log(x),
    "quotient": lambda x: np.log(x) / np.sqrt(x),
    "hypot": lambda x: np.hypot(np.log(x), x),
    "arctan2": lambda x: np.arctan2(np.log(x), 1 / x),
    "maximum": lambda x: np.maximum(np.log(x), -1 / x),
    "clip": lambda x: np.clip(1 / x, -3, 10 + np.log(x)),
}
OUTER: dict[str, Callable[[Any], Any]] = {
    "itself": lambda x: x,
    "tanh": np.tanh,
    "square": np.square,
    "exp of −x²": lambda x: np.exp(-x * x),
    "nested": lambda x: mg.where(x > 50, 1 / (x - x), x),
}
MOVES: dict[str, Callable[[Any], Any]] = {
    "as it is": lambda x: x,
    "reshaped": lambda x: np.reshape(np.reshape(x, (-1, 1)), (-1,)),
    "turned around": lambda x: x[::-1][::-1],
    "joined and cut": lambda x: np.concatenate([x, x])[: x.shape[0]],
    "summed": lambda x: np.sum(np.stack([x, 2 * x]), axis=0),
}
points = st.lists(st.sampled_from([0.0, -0.0, -1.0, 0.2, 0.5, 1.5, 2.0]), min_size=1, max_size=4)
chains = st.tuples(*(st.sampled_from(sorted(table)) for table in (LINKS, OUTER, MOVES)))


def two_programs(chain: tuple[str, str, str]) -> tuple[Any, Any]:
    """The function with a dead branch, and the same with inputs chosen so that no branch is infinite."""
    link, outer, move = LINKS[chain[0]], OUTER[chain[1]], MOVES[chain[2]]

    def dead(x: Any) -> Any:
        return np.sum(np.where(x > 0.3, outer(move(link(x))), x**3))

    def safe(x: Any) -> Any:
        inside = np.where(x.data > 0.3, 1.0, 0.0)
        return np.sum(inside * outer(move(link(x * inside + (1 - inside)))) + (1 - inside) * x**3)

    return dead, safe


def nth(f: Any, order: int) -> Any:
    """The gradient of the sum of the gradient ..., backwards each time."""
    g = mg.grad(f)
    return g if order == 1 else nth(lambda x: np.sum(g(x)), order - 1)


@few
@given(chain=chains, x=points)
@pytest.mark.parametrize("order", [1, 2, 3])
def test_the_dead_branch_gives_0_backwards_at_every_order(order: int, chain: Any, x: list[float]) -> None:
    dead, safe = two_programs(chain)
    actual, expected = nth(dead, order)(np.array(x)), nth(safe, order)(np.array(x))
    assert np.isfinite(expected).all()
    np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-9)


@few
@given(chain=chains, x=points)
def test_the_dead_branch_gives_0_forwards_and_in_mixed_modes(chain: Any, x: list[float]) -> None:
    point, ones = np.array(x), np.ones(len(x))
    dead, safe = two_programs(chain)
    for take in (
        lambda f: mg.jvp(f, [point], [ones])[1],
        lambda f: mg.jvp(mg.grad(f), [point], [ones])[1],
        lambda f: mg.grad(lambda x: mg.jvp(f, [x], [ones])[1])(point),
        lambda f: mg.jvp(lambda x: mg.jvp(f, [x], [ones])[1], [point], [ones])[1],
        lambda f: mg.hessian(f)(point),
    ):
        np.testing.assert_allclose(take(dead), take(safe), rtol=1e-9, atol=1e-9)


@few
@given(link=st.sampled_from(sorted(LINKS)), outer=st.sampled_from(sorted(OUTER)), x=points)
def test_scalars_agree_with_arrays(link: str, outer: str, x: list[float]) -> None:
    for number in x:
        a = mg.Value(number)
        mg.where(a > 0.3, OUTER[outer](LINKS[link](a)), a**3).backward()
        t = mg.tensor(number, requires_grad=True)
        mg.where(t > 0.3, OUTER[outer](LINKS[link](t)), t**3).backward()
        np.testing.assert_allclose(a.grad, t.grad, rtol=1e-12)
        assert np.isfinite(a.grad)


def test_select_is_made_of_where() -> None:
    x = mg.tensor([-1.0, 0.0, 4.0], requires_grad=True)
    np.select([x > 1, x < 0], [np.log(x), np.sqrt(-x)], default=2 * x).sum().backward()
    np.testing.assert_allclose(x.grad, [-0.5, 2.0, 0.25])


def test_create_graph_carries_it_on() -> None:
    x = mg.tensor([0.0, 2.0], requires_grad=True)
    np.where(x > 0, np.log(x), x).sum().backward(create_graph=True)
    first, x.grad = x.grad, None
    (first * first).sum().backward()
    np.testing.assert_allclose(first.data, [1.0, 0.5])
    np.testing.assert_allclose(x.grad, [0.0, -0.25])


def test_a_live_branch_keeps_its_infinity() -> None:
    x = mg.tensor([0.0, 4.0], requires_grad=True)
    np.where(x >= 0, np.sqrt(x), 0.0).sum().backward()
    np.testing.assert_array_equal(x.grad, [np.inf, 0.25])


def test_an_infinite_cotangent_does_not_leak_into_the_dead_branch() -> None:
    x, y = (mg.tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
    np.where(np.array([True, False]), x, y).backward(gradient=[np.inf, np.nan])
    np.testing.assert_array_equal(x.grad, [np.inf, 0])
    np.testing.assert_array_equal(y.grad, [0, np.nan])


def test_elsewhere_0_times_infinity_is_nan_as_in_torch() -> None:
    x = mg.tensor([0.0], requires_grad=True)
    (np.sqrt(x) * 0).sum().backward()
    assert np.isnan(x.grad).all()


def test_a_contraction_beneath_where_makes_nan_as_documented() -> None:
    x = mg.tensor([0.0, 1.0], requires_grad=True)
    np.where(x.data > 0, np.log(x) @ np.eye(2), 0.0).sum().backward()
    assert np.isnan(x.grad[0]) and x.grad[1] == 1
