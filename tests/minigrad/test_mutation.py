"""Are the generated checks sharp? Every rule is corrupted in turn, and each time they must notice.

A mutant is equivalent, and does not count, where it changes no number and cuts no graph on any sample: a zero
derivative that is zeroed, a constant one that is made constant. That is computed, not listed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import Phase, given, settings

import minigrad as mg
from minigrad.rules import REGISTRY, Elementwise, Primitive
from minigrad.rules.operands import numbers
from minigrad.rules.primitive import Choice, StrongProduct

from . import test_rules
from .oracle import check_first_order, check_hygiene, check_second_order
from .strategies import Sample, samples

LIBRARY = sorted(name for name, primitive in REGISTRY.items() if not primitive.added)
DIFFERENTIABLE = [name for name in LIBRARY if any(REGISTRY[name].differentiable)]


# What a derivative may be turned into


def scaled(derivative: Any) -> Any:
    return derivative * 1.001


def negated(derivative: Any) -> Any:
    return -1 * derivative


def zeroed(derivative: Any) -> Any:
    return derivative * 0


def rolled(derivative: Any) -> Any:
    """Each entry in its neighbour's place; of matrices, the transpose where the shape allows."""
    shape = np.shape(derivative)
    if len(shape) == 2 and shape[0] == shape[1] > 1:
        return np.transpose(derivative)
    if not int(np.prod(shape)):
        return derivative
    return np.reshape(np.reshape(derivative, -1)[np.arange(-1, int(np.prod(shape)) - 1)], shape)


def detached(derivative: Any) -> Any:
    return mg.tensor(derivative.data) if isinstance(derivative, mg.Tensor) else derivative


CORRUPTIONS = [scaled, negated, zeroed, rolled]


@dataclass(frozen=True)
class Mutant:
    """One rule of a primitive, for one argument, corrupted in one way."""

    primitive: Primitive
    k: int
    rule: str
    change: Callable[[Any], Any]

    def __str__(self) -> str:
        return f"{self.primitive.name}: {self.rule} of argument {self.k}, {self.change.__name__}"

    @contextmanager
    def alive(self) -> Iterator[None]:
        """The primitive with this rule in place of its own."""
        attributes = {"partial": ["partials"], "vjp": ["vjp", "strong_vjp"][: 1 + self.primitive.guards]}
        with ExitStack() as stack:
            for name in attributes.get(self.rule, [self.rule]):
                corrupted = getattr(self, f"_{self.rule}")(getattr(self.primitive, name))
                stack.enter_context(patch.object(self.primitive, name, corrupted))
            yield

    def _partial(self, before: Any) -> Any:
        k, change, variadic = self.k, self.change, self.primitive.variadic

        def partial(*given: Any) -> Any:
            own = before[0 if variadic else k]
            found = own(*given) if callable(own) else own
            return change(found) if not variadic or given[0] == k else found

        return tuple(partial if variadic or j == k else other for j, other in enumerate(before))

    def _vjp(self, before: Any) -> Any:
        def vjp(k: int, g: Any, output: Any, args: Any, options: Any) -> Any:
            if k != self.k:
                return before(k, g, output, args, options)
            if self.change is detached:
                return before(k, g, numbers(output), [numbers(x) for x in args], options)
            if self.change is unsummed:
                return g * self.primitive.partial(k, output, args)  # type: ignore[attr-defined]
            return self.change(before(k, g, output, args, options))

        return vjp

    def _jvp(self, before: Any) -> Any:
        """Linear in the tangents: to corrupt one is to corrupt the rule for it."""

        def jvp(tangents: Any, output: Any, args: Any, options: Any) -> Any:
            if tangents[self.k] is None:
                return before(tangents, output, args, options)
            if self.change is detached:
                return before(tangents, numbers(output), [numbers(x) for x in args], options)
            moved = list(tangents)
            moved[self.k] = self.change(tangents[self.k])
            return before(moved, output, args, options)

        return jvp

    def is_equivalent(self, drawn: list[Sample]) -> bool:
        """Whether nothing that the rule gives is changed, on any sample."""
        return all(_same(_outcome(self, sample, True), _outcome(self, sample, False)) for sample in drawn)

    def survives(self, drawn: list[Sample]) -> bool:
        """Whether no check notices."""
        with self.alive(), np.errstate(all="ignore"):
            for sample in drawn:
                rng = np.random.default_rng(0)
                try:
                    check_first_order(sample, rng)
                    check_second_order(sample, rng)
                    check_hygiene(sample, rng, np.float64)
                except Exception:
                    return False
        return True


def unsummed(derivative: Any) -> Any:
    """Stands for a sum over broadcast axes that is left out; see Mutant._vjp."""
    raise NotImplementedError


def mutants(name: str) -> list[Mutant]:
    """Every rule for every argument, corrupted in every way."""
    primitive = REGISTRY[name]
    found = []
    for k, varies in enumerate(primitive.differentiable):
        if not varies:
            continue
        rules = ["vjp", "jvp"]
        if isinstance(primitive, Elementwise) and not isinstance(primitive, (Choice, StrongProduct)):
            rules.append("partial")
            found.append(Mutant(primitive, k, "vjp", unsummed))
        found += [Mutant(primitive, k, rule, change) for rule in rules for change in (*CORRUPTIONS, detached)]
    return found


@cache
def drawn(name: str) -> list[Sample]:
    """A few samples, always the same; the larger ones first, since most mutants show there."""
    found: list[Sample] = []

    @settings(max_examples=25, derandomize=True, database=None, phases=[Phase.generate])
    @given(samples(name))
    def draw(sample: Sample) -> None:
        varies = tuple(sample.primitive.class_of(k) != "constant" for k in range(len(sample.args)))
        found.append(replace(sample, wanted=varies))

    draw()
    return sorted(found, key=lambda sample: -min(x.size for x in sample.args))[:8]


def _outcome(mutant: Mutant, sample: Sample, mutated: bool) -> Any:
    """What the rule gives at a sample, and whether that depends on the arguments."""
    primitive, rng = mutant.primitive, np.random.default_rng(0)
    if mutant.k >= len(sample.args):
        return None
    leaves = [mg.tensor(x, requires_grad=w) for x, w in zip(sample.args, sample.wanted, strict=True)]
    output = sample(*leaves)
    try:
        if mutated:
            with mutant.alive():
                found = _derivative(mutant, primitive, rng, output, leaves, sample.options)
        else:
            found = _derivative(mutant, primitive, rng, output, leaves, sample.options)
    except Exception as error:
        return type(error)
    return found


def _derivative(
    mutant: Mutant, primitive: Primitive, rng: Any, output: Any, leaves: Any, options: Any
) -> tuple[Any, bool]:
    with np.errstate(all="ignore"):
        if mutant.rule == "jvp":
            tangents: list[Any] = [None] * len(leaves)
            tangents[mutant.k] = mg.tensor(rng.normal(size=leaves[mutant.k].shape))
            found = primitive.jvp(tangents, output, leaves, options)
        else:
            g = mg.tensor(rng.normal(size=output.shape))
            found = primitive.vjp(mutant.k, g, output, leaves, options)
    return numbers(found), getattr(found, "requires_grad", False)


def _same(one: Any, other: Any) -> bool:
    if not isinstance(one, tuple) or not isinstance(other, tuple):
        return one is other
    return one[1] == other[1] and np.shape(one[0]) == np.shape(other[0]) and np.array_equal(one[0], other[0])


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_every_corrupted_rule_is_noticed(name: str) -> None:
    there = drawn(name)
    real = [mutant for mutant in mutants(name) if not mutant.is_equivalent(there)]
    for k, varies in enumerate(REGISTRY[name].differentiable):  # no derivative may be 0 on all samples
        changed = {(m.rule, m.change) for m in real if m.k == k}
        assert not varies or changed >= {(rule, scaled) for rule in ("vjp", "jvp")}
    survivors = [str(mutant) for mutant in real if mutant.survives(there)]
    assert not survivors


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_nothing_is_noticed_where_nothing_is_corrupted(name: str) -> None:
    primitive = REGISTRY[name]
    k = primitive.differentiable.index(True)
    assert Mutant(primitive, k, "vjp", lambda derivative: derivative).survives(drawn(name))
    assert Mutant(primitive, k, "jvp", lambda derivative: derivative).survives(drawn(name))


@pytest.mark.parametrize("name", LIBRARY)
def test_no_field_of_the_metadata_can_be_left_out(name: str) -> None:
    primitive = REGISTRY[name]
    test_rules.test_every_primitive_says_all_about_itself(name)
    fields = {"name": "", "symbol": "", "formula": "", "source": "", "classes": (), "domain": ()}
    if "gate" in primitive.classes:
        fields |= {"kinks": {}, "pattern": None, "margins": None}
    for field, nothing in fields.items():
        with patch.object(primitive, field, nothing), pytest.raises(AssertionError):
            test_rules.test_every_primitive_says_all_about_itself(name)
