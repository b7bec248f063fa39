"""No two values that are alive share memory: what is free is filled with nan, and nobody notices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from minigrad.compilation import memory
from minigrad.compilation.interpreter import _outside, _results, interpreted
from minigrad.compilation.memory import array_at, plan
from minigrad.compilation.numpy_backend import elementwise, placed
from minigrad.compilation.passes import optimized
from minigrad.compilation.program import Program

from .helpers import assert_same
from .test_passes import captured, training_step
from .test_programs import arguments, random_programs, step_of


def poisoned(program: Program, leaves: Any) -> dict[int, Any]:
    """Run a program in the places that the plan gives, and spoil after each instruction what is free."""
    planned = plan(program, placed, elementwise)
    block = np.full(planned.size, 0xFF, np.uint8)
    values = {slot: _outside(program, slot, leaves) for slot in program.sources}
    generators: dict[int, Any] = {}
    base: dict[int, int] = {}  # what each slot is a view of
    needed: dict[int, int] = {}  # when each is read last
    for k, instruction in enumerate(program.instructions):
        base[instruction.result] = base.get(instruction.view_of, instruction.view_of)  # type: ignore[arg-type, assignment]
        if instruction.view_of is None:
            base[instruction.result] = instruction.result
        for slot in instruction.reads:
            needed[base.get(slot, slot)] = k
    for slot in program.wanted:
        needed[base.get(slot, slot)] = len(program.instructions)
    for k, instruction in enumerate(program.instructions):
        slot = instruction.result
        place = planned.places.get(slot)
        if place is not None and place.kind == "block" and not elementwise(instruction):
            block[place.offset : place.offset + program.specs[slot].bytes] = 0xFF  # before it has read
        if instruction.view_of is not None and instruction.view_of in planned.places:
            values[slot] = _view(instruction, values)
        else:
            values.update(_results(instruction, values, program.specs, generators))
        result = values[slot]
        if place is not None and place.kind == "block":
            there = array_at(block, place.offset, program.specs[slot])
            there[...] = result
            values[slot] = there
        free = np.ones(planned.size, bool)
        for other, where in planned.places.items():
            if where.kind == "block" and other in values and needed.get(other, -1) > k:
                free[where.offset : where.offset + program.specs[other].bytes] = False
        block[free] = 0xFF
    return values


def _view(instruction: Any, values: dict[int, Any]) -> Any:
    from minigrad.compilation.program import substituted

    args = substituted(instruction.args, lambda ref: values[ref.slot])
    return instruction.function(*args, **substituted(dict(instruction.options), lambda ref: values[ref.slot]))


def assert_unnoticed(program: Program, leaves: Any) -> None:
    expected = interpreted(program, leaves)
    assert expected is not None
    values = poisoned(program, leaves)
    for slot in program.wanted:
        assert_same(values[slot], expected[slot], f"slot {slot}")


@settings(max_examples=40)
@given(random_programs())
def test_random_programs(program: Any) -> None:
    step, _ = step_of(program, False)
    assert_unnoticed(optimized(captured(step, *arguments(0))), arguments(0))


def test_a_training_step() -> None:
    step, args = training_step()
    program = optimized(captured(step, *args))
    assert_unnoticed(program, args)
    planned = plan(program, placed, elementwise)
    alone = sum(program.specs[slot].bytes for slot, p in planned.places.items() if p.kind == "block")
    assert planned.size < 0.6 * alone


@pytest.mark.parametrize("earlier", [1, 2])
def test_a_lifetime_that_is_too_short_is_noticed(earlier: int, monkeypatch: pytest.MonkeyPatch) -> None:
    last_reads = memory.last_reads

    def shorter(program: Program, root: Any) -> dict[int, int]:
        made = {i.result: k for k, i in enumerate(program.instructions)}
        last = last_reads(program, root)
        return {slot: max(k - earlier, made.get(slot, k)) for slot, k in last.items()}

    step, args = training_step()
    program = optimized(captured(step, *args))
    monkeypatch.setattr(memory, "last_reads", shorter)
    with pytest.raises(AssertionError):
        assert_unnoticed(program, args)


def test_two_tensors_get_gradients_of_their_own() -> None:
    import minigrad as mg

    one, two = (mg.tensor([1.0, 2.0], requires_grad=True) for _ in range(2))

    def step(x: Any) -> None:
        one.grad = two.grad = None
        np.sum((one + two) * x).backward()

    compiled = mg.compile(step)
    for k in range(5):
        compiled(np.array([1.0, k]))
        assert not np.may_share_memory(one.grad, two.grad)
        one.grad += 5
        assert_same(two.grad, np.array([1.0, k]))
