"""Every primitive in the registry, by machine: derivatives of all orders, gates, metadata, bad input."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import rules
from minigrad.rules import REGISTRY, Linear, Primitive
from minigrad.rules.operands import match
from minigrad.rules.primitive import CLASSES

from .oracle import (
    check_first_order,
    check_hygiene,
    check_second_order,
    registered,
)
from .samplers import SAMPLERS
from .strategies import Sample, broadcasting, float_dtypes, normal, sampler, samples, seeds

EVERY = sorted(name for name, primitive in REGISTRY.items() if not primitive.added)
DIFFERENTIABLE = [name for name in EVERY if any(REGISTRY[name].differentiable)]
GATES = [name for name in EVERY if "gate" in REGISTRY[name].classes]
few = settings(max_examples=30)


# Derivatives


@pytest.mark.parametrize("name", DIFFERENTIABLE)
@few
@given(data=st.data(), seed=seeds)
def test_both_modes_agree_with_differences_and_with_each_other(name: str, data: Any, seed: int) -> None:
    check_first_order(data.draw(samples(name)), np.random.default_rng(seed))


@pytest.mark.parametrize("name", DIFFERENTIABLE)
@few
@given(data=st.data(), seed=seeds)
def test_second_order_agrees_with_differences_of_the_gradient(name: str, data: Any, seed: int) -> None:
    check_second_order(data.draw(samples(name)), np.random.default_rng(seed))


@pytest.mark.parametrize("name", DIFFERENTIABLE)
@few
@given(data=st.data(), seed=seeds, dtype=float_dtypes)
def test_gradients_have_the_operands_shape_and_dtype_and_memory_of_their_own(
    name: str, data: Any, seed: int, dtype: Any
) -> None:
    check_hygiene(data.draw(samples(name)), np.random.default_rng(seed), dtype)


@pytest.mark.parametrize("name", ["exp", "log", "sqrt", "tanh", "power", "multiply", "divide", "matmul"])
@few
@given(data=st.data())
def test_analytic_primitives_agree_with_the_complex_step_to_rounding(name: str, data: Any) -> None:
    sample = data.draw(samples(name))
    for k, wanted in enumerate(sample.wanted):
        if not wanted:
            continue
        complex_args = list(sample.args)
        complex_args[k] = sample.args[k] + 1e-30j
        expected = np.asarray(sample(*complex_args)).imag / 1e-30
        _, forward = mg.jvp(
            lambda x, k=k: sample(*sample.args[:k], x, *sample.args[k + 1 :]),
            [sample.args[k]],
            [np.ones_like(sample.args[k])],
        )
        np.testing.assert_allclose(forward, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", EVERY)
@few
@given(data=st.data())
def test_an_argument_of_class_constant_gets_no_gradient(name: str, data: Any) -> None:
    sample = data.draw(samples(name))
    varies = [sample.primitive.class_of(k) != "constant" for k in range(len(sample.args))]
    args = [
        mg.tensor(
            arg if arg.dtype.kind in "iu" else arg.astype(float),
            requires_grad=not v and arg.dtype.kind in "fb",
        )
        for arg, v in zip(sample.args, varies, strict=True)
    ]
    assert not sample(*args).requires_grad


@few
@given(data=st.data())
def test_a_derivative_is_given_the_shape_of_its_operand(data: Any) -> None:
    """Axes that are missing or too long in any mixture, against sums one by one."""
    of_g, of_operand = broadcasting(data.draw, 2)
    g, operand = normal(data.draw, of_g), np.zeros(of_operand, dtype=data.draw(float_dtypes))
    expected = np.zeros(of_operand)
    for place in np.ndindex(of_operand):
        for origin in np.ndindex(of_g):
            axes = zip(place[::-1], origin[::-1], of_operand[::-1], of_g[::-1], strict=False)
            expected[place] += g[origin] if all(i == j or 1 in (n, m) for i, j, n, m in axes) else 0
    actual = match(g, operand)
    assert (actual.shape, actual.dtype) == (operand.shape, operand.dtype)
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", [name for name in EVERY if REGISTRY[name].keeping])
@few
@given(data=st.data())
def test_what_is_kept_from_the_forward_pass_changes_no_derivative(name: str, data: Any) -> None:
    sample = data.draw(samples(name))
    primitive, args, options = sample.primitive, sample.args, sample.options
    output, kept = primitive.compute(args, options, primitive.keeping)
    np.testing.assert_array_equal(output, primitive.compute(args, options))
    g = normal(data.draw, np.shape(output))
    for k, differentiable in enumerate(primitive.differentiable):
        if differentiable:
            anew, reused = (primitive.vjp(k, g, output, a, options) for a in (args, [*args, kept]))
            np.testing.assert_array_equal(anew, reused)


@pytest.mark.parametrize("shape", [(32, 128), (127, 33), (200, 64), (2, 40, 64)])
def test_a_layer_whose_factors_are_copied_gives_the_same_product(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    x, weight, bias = (rng.normal(size=size) for size in (shape, (128, shape[-1]), (128,)))
    expected = np.einsum("...i,oi->...o", x, weight) + bias
    np.testing.assert_allclose(rules.products.linear(x, weight, bias), expected, rtol=1e-12, atol=1e-12)


def test_summed_axes_keep_the_others_in_their_places() -> None:
    g = np.arange(8.0).reshape(2, 4, 1)
    np.testing.assert_array_equal(match(g, np.zeros((2, 1, 3))), [[[6.0] * 3], [[22.0] * 3]])
    np.testing.assert_array_equal(match(g[:, :0], np.zeros((2, 1, 3))), np.zeros((2, 1, 3)))


# What the classes promise


@pytest.mark.parametrize("name", DIFFERENTIABLE)
@few
@given(data=st.data(), seed=seeds)
def test_linear_and_multilinear_arguments_enter_as_their_class_says(name: str, data: Any, seed: int) -> None:
    sample = data.draw(samples(name))
    rng = np.random.default_rng(seed)
    kinds = [sample.primitive.class_of(k) for k in range(len(sample.args))]
    together = [k for k, kind in enumerate(kinds) if kind == "linear"]
    alone = [[k] for k, kind in enumerate(kinds) if kind == "multilinear"]
    for group in filter(None, [together, *alone]):
        steps = [rng.normal(size=a.shape) if k in group else 0.0 * a for k, a in enumerate(sample.args)]
        here, there, beyond = (
            np.asarray(sample(*(a + n * t for a, t in zip(sample.args, steps, strict=True))))
            for n in range(3)
        )
        np.testing.assert_allclose(beyond - there, there - here, rtol=1e-9, atol=1e-9)


def gate_sample(name: str, data: Any) -> Sample:
    """A sample of a gate, with the lower bound of a clip below the upper one."""
    sample = data.draw(samples(name))
    if name != "clip":
        return sample
    x, low, high = sample.args
    return sample.with_args([x, np.minimum(low, -low) - 0.01, np.maximum(high, -high) + 0.01])


@pytest.mark.parametrize("name", GATES)
@few
@given(data=st.data(), seed=seeds)
def test_a_margin_changes_its_sign_exactly_where_the_pattern_changes(name: str, data: Any, seed: int) -> None:
    sample = gate_sample(name, data)
    primitive, options = sample.primitive, sample.options
    shape = np.shape(sample(*sample.args))
    moving = [primitive.class_of(k) == "gate" for k in range(len(sample.args))]
    if name == "clip":
        moving = [True, False, False]
    rng = np.random.default_rng(seed)
    other = [a + rng.normal(size=a.shape) * moves for a, moves in zip(sample.args, moving, strict=True)]

    assert primitive.pattern is not None and primitive.margins is not None
    here = np.asarray(primitive.pattern(*sample.args, **options))
    there = np.asarray(primitive.pattern(*other, **options))
    start = np.asarray(primitive.margins(here, *sample.args, **options))
    end = np.asarray(primitive.margins(here, *other, **options))
    assert start.shape[:-1] == shape
    assert here.shape == there.shape
    assert here.shape in (shape, start.shape)

    crossed = (np.sign(start) != np.sign(end)).any(axis=-1)
    changed = here != there
    np.testing.assert_array_equal(changed if changed.shape == shape else changed.any(axis=-1), crossed)
    # margins are linear in the arguments, as pictures and radii assume
    middle = [(a + b) / 2 for a, b in zip(sample.args, other, strict=True)]
    np.testing.assert_allclose(
        primitive.margins(here, *middle, **options), (start + end) / 2, rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize("name", GATES)
@few
@given(data=st.data(), seed=seeds)
def test_a_gate_is_affine_as_long_as_its_pattern_stays(name: str, data: Any, seed: int) -> None:
    sample = gate_sample(name, data)
    moving = [sample.primitive.class_of(k) == "gate" for k in range(len(sample.args))]
    rng = np.random.default_rng(seed)
    steps = [1e-3 * rng.uniform(-1, 1, a.shape) * moves for a, moves in zip(sample.args, moving, strict=True)]
    there = [a + t for a, t in zip(sample.args, steps, strict=True)]
    assert sample.primitive.pattern is not None
    np.testing.assert_array_equal(
        sample.primitive.pattern(*sample.args, **sample.options),
        sample.primitive.pattern(*there, **sample.options),
    )
    change = np.asarray(sample(*there)) - np.asarray(sample(*sample.args))
    expected = sample.primitive.jvp(steps, np.asarray(sample(*sample.args)), sample.args, sample.options)
    np.testing.assert_allclose(change, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", GATES)
@few
@given(data=st.data(), seed=seeds)
def test_beyond_its_region_a_gate_goes_on_as_it_says(name: str, data: Any, seed: int) -> None:
    """The margins tell from here what is followed elsewhere: by the least lead, or by their signs alone."""
    sample = gate_sample(name, data)
    primitive, options = sample.primitive, sample.options
    moving = [primitive.class_of(k) == "gate" and (name != "clip" or k == 0) for k in range(len(sample.args))]
    rng = np.random.default_rng(seed)
    other = [a + rng.normal(size=a.shape) * moves for a, moves in zip(sample.args, moving, strict=True)]
    assert primitive.pattern is not None and primitive.margins is not None
    here = np.asarray(primitive.pattern(*sample.args, **options))
    there = np.asarray(primitive.pattern(*other, **options))
    seen = np.asarray(primitive.margins(here, *other, **options))
    own = np.asarray(primitive.margins(there, *other, **options))
    if not primitive.envelope:
        np.testing.assert_array_equal(seen, own)
    else:  # the lead over each piece, seen from there, is what remains above the least
        np.testing.assert_allclose(
            seen - seen.min(axis=-1, keepdims=True, initial=0), own, rtol=1e-9, atol=1e-12
        )


# What is known about each primitive


@pytest.mark.parametrize("name", EVERY)
def test_every_primitive_says_all_about_itself(name: str) -> None:
    primitive = REGISTRY[name]
    assert primitive.name == name
    assert primitive.symbol and primitive.formula and primitive.source
    assert set(primitive.classes) <= set(CLASSES)
    assert len(primitive.classes) == len(primitive.arguments) == len(primitive.domain)
    assert all(low < high for low, high in primitive.domain)
    assert name in repr(primitive)
    if "gate" in primitive.classes:
        assert primitive.kinks
        assert primitive.pattern is not None and primitive.margins is not None
        assert all(isinstance(convention, str) and convention for convention in primitive.kinks.values())


@pytest.mark.parametrize("name", EVERY)
def test_arguments_can_be_drawn_for_every_primitive(name: str) -> None:
    assert sampler(REGISTRY[name])


def test_nothing_is_drawn_for_what_is_not_there() -> None:
    assert set(SAMPLERS) <= set(REGISTRY)


def test_a_primitive_that_nobody_can_draw_for_is_noticed() -> None:
    def make() -> Primitive:
        return Linear("unknown", lambda x: x, lambda g, x: g, formula="x", source="-", classes="linear")

    with registered(make) as unknown, pytest.raises(LookupError, match="add it to tests/minigrad/samplers"):
        sampler(unknown)
    assert "unknown" not in REGISTRY


def test_the_registry_and_its_families_are_one() -> None:
    families = [module for module in vars(rules).values() if isinstance(module, ModuleType)]
    named = {id(p) for family in families for p in vars(family).values() if isinstance(p, Primitive)}
    assert named == {id(p) for p in REGISTRY.values() if not p.added}
