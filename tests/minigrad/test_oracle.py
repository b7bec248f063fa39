"""The checks themselves must catch what is wrong: planted faults of every kind."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minigrad.rules import REGISTRY, Elementwise, General, Linear, Primitive
from minigrad.rules.operands import numbers

from .oracle import (
    central_difference,
    check_first_order,
    check_hygiene,
    check_second_order,
    close,
    registered,
)
from .strategies import Sample


def wrong_partial() -> Primitive:
    return Elementwise(
        "wrong", lambda x: x * x, lambda out, x: 3 * x, formula="x²", source="-", classes="smooth"
    )


def wrong_vjp() -> Primitive:
    return Linear("wrong", lambda x: 2 * x, lambda g, x: g, formula="2x", source="-", classes="linear")


def wrong_jvp() -> Primitive:
    return General(
        "wrong",
        lambda x: x * x,
        vjps=[lambda g, out, x: 2 * x * g],
        jvps=[lambda t, out, x: x * t],
        formula="x²",
        source="-",
        classes="smooth",
    )


def wrong_second_argument() -> Primitive:
    return Elementwise(
        "wrong",
        lambda x, y: x * y,
        lambda out, x, y: y,
        lambda out, x, y: y,
        formula="x·y",
        source="-",
        classes=("multilinear", "multilinear"),
    )


def detached_second_order() -> Primitive:
    return Elementwise(
        "wrong", np.sinh, lambda out, x: np.cosh(numbers(x)), formula="sinh x", source="-", classes="smooth"
    )


def forgotten_sum() -> Primitive:
    class Forgetful(Elementwise):
        def vjp(self, k: int, g: Any, output: Any, args: Any, options: Any) -> Any:
            return g * self.partial(k, output, args)

    return Forgetful(
        "wrong", lambda x, y: x + y, 1, 1, formula="x + y", source="-", classes=("linear", "linear")
    )


def promoting() -> Primitive:
    class Promoting(Elementwise):
        def vjp(self, k: int, g: Any, output: Any, args: Any, options: Any) -> Any:
            return g.astype(np.float64)

    return Promoting("wrong", lambda x: x * 1, 1, formula="x", source="-", classes="linear")


def writing() -> Primitive:
    def vjp(g: Any, x: Any) -> Any:
        g *= 2
        return g

    return Linear("wrong", lambda x: 2 * x, vjp, formula="2x", source="-", classes="linear")


def planted(primitive: Primitive, shape_list: list[tuple[int, ...]]) -> Sample:
    """The faulty primitive at a fixed place."""
    args = [k + np.linspace(0.5, 2, int(np.prod(shape))).reshape(shape) for k, shape in enumerate(shape_list)]
    return Sample(primitive, tuple(args), {}, (True,) * len(args))


@pytest.mark.parametrize(
    ("make", "shape_list", "check"),
    [
        (wrong_partial, [(3,)], check_first_order),
        (wrong_vjp, [(3,)], check_first_order),
        (wrong_jvp, [(3,)], check_first_order),
        (wrong_second_argument, [(3,), (3,)], check_first_order),
        (forgotten_sum, [(3,), (2, 3)], check_hygiene),
        (promoting, [(3,)], check_hygiene),
        (writing, [(3,)], check_hygiene),
        (detached_second_order, [(3,)], check_second_order),
    ],
)
def test_the_checks_catch_a_wrong_rule(make: Any, shape_list: Any, check: Any) -> None:
    with registered(make) as primitive:
        sample, rng = planted(primitive, shape_list), np.random.default_rng(0)
        arguments = (np.float32,) if check is check_hygiene else ()
        with pytest.raises((AssertionError, ValueError, RuntimeError)):
            check(sample, rng, *arguments)
    assert "wrong" not in REGISTRY


def test_a_rule_with_a_wrong_second_order_passes_the_first() -> None:
    with registered(detached_second_order) as primitive:
        check_first_order(planted(primitive, [(3,)]), np.random.default_rng(0))


def test_the_checks_pass_a_right_rule() -> None:
    def make() -> Primitive:
        return Elementwise(
            "right", lambda x: x * x, lambda out, x: 2 * x, formula="x²", source="-", classes="smooth"
        )

    with registered(make) as primitive:
        sample, rng = planted(primitive, [(2, 3)]), np.random.default_rng(0)
        check_first_order(sample, rng)
        check_second_order(sample, rng)
        check_hygiene(sample, rng, np.float32)


def test_differences_are_right_where_the_derivative_is_known() -> None:
    close(central_difference(np.sin, [np.array([0.5])], [np.array([1.0])]), np.cos(0.5), "sin")
