"""Fused programs give what the programs gave, on each back end, and leave some things in their place."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn, optim
from minigrad.compilation import blocks, interpreter, numba_source
from minigrad.compilation.loops import loop_of
from minigrad.compilation.passes import optimized
from minigrad.compilation.passes.fusion import fusion
from minigrad.compilation.program import Fused, Program

from .recipes import EXACT, ROUNDED, computed, inputs, program_of, recipes, replayed

small = st.floats(-8, 8, width=32)

STEADY = [
    *ROUNDED,
    "add",
    "subtract",
    "multiply",
    "maximum",
    "absolute",
    "negative",
    "highest in row",
    "lowest",
]
"""Functions that don't blow up the last digits."""


def everything(body: Any, loop: Any, specs: Any) -> bool:
    return True


def as_python(fused: Fused, arrays: Any) -> Any:
    """The text for numba, run by Python."""
    names = {"np": np, "math": math} | {
        name: getattr(np, name) for name in ("float32", "float64", "int32", "int64", "uint64")
    }
    exec(numba_source.source(fused, [None] * len(fused.outputs), False), names)
    return names["kernel"]


def fused_in(program: Program) -> list[Fused]:
    return [k.function for k in program.instructions if isinstance(k.function, Fused)]


@settings(max_examples=300, deadline=None)
@given(recipes([*EXACT, *ROUNDED]), inputs(small))
def test_the_pass_leaves_results_unchanged(recipe: Any, given: Any) -> None:
    """Bit for bit, when the fused instructions are interpreted."""
    function = computed(recipe)
    program = program_of(function, given)
    with np.errstate(all="ignore"):
        expected = function(*given)
    for got, right in zip(
        replayed(fusion(program, everything), interpreter.kernel, given),
        expected,
        strict=True,
    ):
        np.testing.assert_array_equal(got, right, strict=isinstance(right, np.ndarray))


@settings(max_examples=300, deadline=None)
@given(recipes([*EXACT]), inputs())
def test_the_text_means_what_numpy_does(recipe: Any, given: Any) -> None:
    """Infinities and nan too, bit for bit but for the sign of zeros."""
    function = computed(recipe)
    program = fusion(program_of(function, given), numba_source.fusable)
    with np.errstate(all="ignore"):
        expected = function(*given)
    for got, right in zip(replayed(program, as_python, given), expected, strict=True):
        np.testing.assert_array_equal(got, right, strict=isinstance(right, np.ndarray))


@settings(max_examples=300, deadline=None)
@given(recipes(STEADY, most=6), inputs(st.floats(-2, 2, width=32)))
def test_the_text_sums_as_well_as_numpy_does(recipe: Any, given: Any) -> None:
    """To rounding, of the largest number on the way."""
    function = computed(recipe)
    expected = function(*given)
    program = fusion(program_of(function, given), numba_source.fusable)
    largest = max(float(np.max(np.abs(x))) for x in (*given, *expected, 1.0))
    for got, right in zip(replayed(program, as_python, given), expected, strict=True):
        unit = np.finfo(given[0].dtype).eps
        np.testing.assert_allclose(got, right, rtol=1e3 * unit, atol=1e3 * unit * largest)


def test_a_wrong_operation_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison can fail."""
    monkeypatch.setitem(numba_source.EXPRESSIONS, np.add, ("fi", "{0} - {1}"))
    x = np.arange(6.0).reshape(2, 3)
    program = fusion(program_of(lambda x: np.sqrt(x + 1.0), [x]), numba_source.fusable)
    assert len(fused_in(program)) == 1
    with np.errstate(all="ignore"):
        assert not np.array_equal(replayed(program, as_python, [x]), np.sqrt(x + 1.0))


@pytest.mark.parametrize("shape", [(1000,), (1003,), (7, 150), (150, 7)])
def test_blocks(shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """Every entry is computed once, the last block's too."""
    monkeypatch.setattr(blocks, "BLOCK", 100)
    monkeypatch.setattr(blocks, "SMALLEST", 800)
    x, y = np.random.default_rng(0).random((2, *shape))

    def function(x: Any, y: Any) -> Any:
        total = np.sqrt(x) * 2.0 + y
        return total, (total / (y + 1.0)).astype(np.float32), x * total

    program = fusion(program_of(function, [x, y]), blocks.fusable)
    (fused,) = fused_in(program)
    assert len(fused.body) == 7
    for got, right in zip(replayed(program, blocks.kernel, [x, y]), function(x, y), strict=True):
        np.testing.assert_array_equal(got, right, strict=True)


def test_blocks_do_not_overwrite_what_they_still_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 10)
    monkeypatch.setattr(blocks, "SMALLEST", 10)
    x = np.arange(100.0)
    program = fusion(program_of(lambda x: (x + 1.0, x * 3.0), [x]), blocks.fusable)
    (fused,) = fused_in(program)
    memory, other = x.copy(), np.empty(100)
    blocks.kernel(fused, [memory, memory, other])(memory, memory, other)
    np.testing.assert_array_equal(memory, x + 1.0)
    np.testing.assert_array_equal(other, x * 3.0)


def test_numpy_alone_leaves_small_arrays_as_they_are() -> None:
    x = np.ones(1000)
    assert not fused_in(fusion(program_of(lambda x: np.sqrt(x) + 1.0, [x]), blocks.fusable))


def step_program() -> Program:
    mg.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    adam = optim.Adam(net.parameters())

    def step(x: Any, y: Any) -> Any:
        adam.zero_grad()
        loss = nn.cross_entropy(net(x), y)
        loss.backward()
        adam.step()
        return loss

    step(np.ones((5, 4), np.float32), np.arange(5) % 3)
    return optimized(program_of(step, [np.ones((5, 4), np.float32), np.arange(5) % 3]))


def test_a_training_step_becomes_few_loops() -> None:
    """The labels' range; bias and ReLU; softmax, cross entropy and its gradient; the mask; Adam."""
    program = fusion(step_program(), numba_source.fusable)
    bodies = [{instruction.name for instruction in fused.body} for fused in fused_in(program)]
    assert {"add", "maximum"} in bodies
    assert {"greater", "multiply", "add.reduce"} in bodies
    assert any(
        {"exp", "log", "getitem", "setitem", "add.reduce", "maximum.reduce"} <= body for body in bodies
    )
    assert any({"sqrt", "divide", "subtract"} <= body for body in bodies)
    assert len(bodies) == 5


def test_labels_are_looked_at_before_they_are_indices() -> None:
    """In the instructions that are left, what decides about labels comes before what picks by them."""
    program = fusion(step_program(), numba_source.fusable)
    order = [slot for instruction in program.instructions for slot in instruction.results]
    picking = [
        k
        for k in program.instructions
        if isinstance(k.function, Fused) and "getitem" in {b.name for b in k.function.body}
    ]
    decisions = [guard.slot for guard in program.guards if guard.slot not in picking[0].results]
    assert len(decisions) >= 2
    assert all(order.index(slot) < order.index(picking[0].result) for slot in decisions if slot in order)


def test_a_draw_stays_alone() -> None:
    dropout = nn.Dropout(0.5)
    program = fusion(program_of(lambda x: dropout(mg.tensor(x)) * 2.0, [np.ones((3, 4))]), everything)
    assert sum(instruction.fixed for instruction in program.instructions) == 1
    assert not any(instruction.fixed for fused in fused_in(program) for instruction in fused.body)


def test_what_python_computes_is_no_loop() -> None:
    program = step_program()
    numbers = [k for k in program.instructions if program.specs[k.result].shape is None]
    assert numbers
    assert all(loop_of([k], program.specs) is None for k in numbers)
