"""Each pass alone leaves every result of random programs and of training steps unchanged."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn, optim
from minigrad.compilation.capture import Capture
from minigrad.compilation.interpreter import interpreted
from minigrad.compilation.passes import PASSES, common, optimized
from minigrad.compilation.program import Program, results

from .helpers import assert_same
from .test_programs import arguments, random_programs, step_of


def captured(step: Any, *args: Any) -> Program:
    capture = Capture()
    capture.run(step, args, {})
    assert capture.program is not None, capture.reason
    return capture.program


def outcome(program: Program, leaves: Any) -> list[Any] | None:
    """What a program changes outside and returns."""
    values = interpreted(program, leaves)
    if values is None:
        return None
    slots = [effect.slot for effect in program.effects if effect.slot is not None]
    return [values[slot] for slot in (*slots, *(result.slot for result in results(program.outputs)))]


def training_step(kind: Any = optim.Adam) -> tuple[Any, list[Any]]:
    layers = [nn.Linear(4, 6), nn.ReLU(), nn.Dropout(0.5), nn.Linear(6, 6), nn.Tanh(), nn.Linear(6, 3)]
    net = nn.Sequential(*layers)
    opt = kind(net.parameters())

    def step(x: Any, y: Any) -> Any:
        opt.zero_grad()
        loss = nn.cross_entropy(net(x), y) + mg.L2(0.1)(net)
        loss.backward()
        opt.step()
        return loss

    args = [np.linspace(-1, 1, 20, dtype=np.float32).reshape(5, 4), np.array([0, 1, 2, 1, 0])]
    step(*args)
    return step, args


CHANGES = [*PASSES, optimized]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
@settings(max_examples=25)
@given(random_programs(), st.booleans())
def test_random_programs(change: Any, program: Any, accumulate: bool) -> None:
    step, leaves = step_of(program, accumulate)
    before = captured(step, *arguments(0))
    after = change(before)
    for seed in range(2):
        leaves[0].grad = np.ones((3, 4)) * seed if leaves[0].grad is not None else None
        expected = outcome(before, arguments(seed))
        if expected is not None:
            assert_same(outcome(after, arguments(seed)), expected)
    assert len(after.instructions) <= len(before.instructions)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
@pytest.mark.parametrize("kind", [optim.Adam, optim.Adagrad, lambda p: optim.SGD(p, lr=0.1, momentum=0.9)])
def test_training_steps(change: Any, kind: Any) -> None:
    step, args = training_step(kind)
    before = captured(step, *args)
    expected = outcome(before, args)
    assert expected is not None
    assert_same(outcome(change(before), args), expected)


def test_passes_do_something() -> None:
    step, args = training_step()
    before = captured(step, *args)
    counts = [len(change(before).instructions) for change in PASSES]
    assert min(counts) < len(before.instructions)
    assert len(optimized(before).instructions) < len(before.instructions)


def test_a_fault_in_a_pass_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were constants left out of what tells expressions apart, x + 1 and x + 2 would be one."""
    before = captured(lambda x: [x + 1, x + 2], np.ones(3))
    expected = outcome(before, [np.ones(3)])
    key = common._key
    monkeypatch.setattr(common, "_key", lambda tree: 0 if isinstance(tree, int) else key(tree))
    with pytest.raises(AssertionError):
        assert_same(outcome(common.common_subexpressions(before), [np.ones(3)]), expected)


def test_a_fault_in_a_pass_is_named_by_check(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = mg.compile(lambda x: [np.exp(x + 1), np.tanh(x + 2)], check=True)
    key = common._key
    monkeypatch.setattr(common, "_key", lambda tree: 0 if isinstance(tree, int) else key(tree))
    compiled(np.ones(3))
    compiled(np.ones(3))
    with pytest.raises(mg.NotTheSameError, match="tanh"):
        compiled(np.ones(3))
