"""What a compiled function says of itself: its programs in words, its source, what they cost."""

from __future__ import annotations

import itertools
import json
import re
import time
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.compilation.listing import lines, listing
from minigrad.compilation.summary import duration, examples, isolated, size


class Step:
    """A training step with everything that a program may read and change."""

    def __init__(self, width: int = 6, backend: str = "numpy") -> None:
        mg.manual_seed(0)
        self.net = nn.Sequential(nn.Linear(4, width), nn.ReLU(), nn.Dropout(0.5), nn.Linear(width, 3))
        self.adam = optim.Adam(self.net.parameters())
        self.x, self.y = np.ones((5, 4), np.float32), np.array([0, 1, 2, 0, 1])
        self.run = mg.compile(self.step, backend=backend)

    def step(self, x: Any, y: Any) -> Any:
        self.adam.zero_grad()
        loss = nn.cross_entropy(self.net(x), y)
        loss.backward()
        self.adam.step()
        return loss

    def __call__(self, times: int = 4) -> float:
        return [self.run(self.x, self.y).item() for _ in range(times)][-1]


def state(step: Step) -> list[Any]:
    """Return copies of all that a step reads and changes."""
    arrays = [p.data for p in step.net.parameters()] + [p.grad for p in step.net.parameters()]
    memory = [array for s in step.adam._states for array in s.arrays.values()]
    numbers = [s.step for s in step.adam._states]
    return [*map(np.copy, arrays), *map(np.copy, memory), *numbers]


def test_summary_measures_without_changing_anything() -> None:
    step = Step()
    step()
    mg.manual_seed(7)
    drawn = np.random.default_rng(7).random()
    before = state(step)
    step.run.summary()
    for a, b in zip(before, state(step), strict=True):
        np.testing.assert_array_equal(a, b)
    assert mg.random.generator().random() == drawn


def test_the_next_steps_are_the_same_with_and_without_a_summary() -> None:
    losses = []
    for look in (False, True):
        step = Step()
        step()
        if look:
            step.run.summary()
        losses.append(step(3))
    assert losses[0] == losses[1]


def test_instructions_and_memory_are_those_of_the_program() -> None:
    step = Step()
    step()
    (costs,), (program,) = step.run.summary().programs, step.run.programs
    called = {said.line.instruction.result for said in costs.costs}
    assert called <= {instruction.result for instruction in program.instructions}
    silent = [i for i in program.instructions if i.result not in called]
    assert all(i.view_of is not None or i.function is np.concatenate for i in silent)
    gradients = sum(p.data.nbytes for p in step.net.parameters())
    assert costs.kept >= gradients
    assert 0 < costs.planned < sum(spec.bytes for spec in program.specs)
    assert costs.captured is not None and costs.captured > len(costs.costs)
    assert costs.guards == len(program.guards)
    assert costs.arguments == ("5 × 4 float32", "5 int64")


def test_times_are_those_between_two_looks_at_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    a = np.random.default_rng(0).standard_normal((30, 30))
    chain = mg.compile(lambda x: (x @ x).sum() + 1.0, backend="numpy")
    for _ in range(3):
        chain(mg.tensor(a))
    seconds = itertools.count()
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(seconds)))
    (costs,) = chain.summary().programs
    assert [(cost.name, cost.seconds) for cost in costs.costs] == [
        ("matmul", 1),
        ("add.reduce", 1),
        ("add", 1),
    ]
    assert costs.by("name") == {(cost.name,): (1, 1) for cost in costs.costs}
    assert costs.seconds == 3


def test_groups_add_up_and_the_most_costly_comes_first() -> None:
    step = Step()
    step()
    (costs,) = step.run.summary().programs
    for attributes in (("name",), ("phase",), ("primitive", "phase")):
        groups = costs.by(*attributes)
        assert sum(count for count, _ in groups.values()) == len(costs.costs)
        times = [seconds for _, seconds in groups.values()]
        assert times == sorted(times, reverse=True)
    assert {phase for (phase,) in costs.by("phase")} == {"forward", "backward", "update"}


def test_it_prints_as_a_table_and_is_json() -> None:
    step = Step()
    step()
    summary = step.run.summary()
    text = str(summary)
    for words in (
        "step(5 × 4 float32, 5 int64)",
        "matmul",
        "backward",
        "planned in one block",
        "captured and compiled in",
    ):
        assert words in text
    data = json.loads(json.dumps(summary.to_dict()))
    (costs,) = data["programs"]
    assert len(costs["costs"]) == len(summary.programs[0].costs)
    assert costs["seconds"] > 0


def test_it_says_why_a_function_is_not_compiled() -> None:
    function = mg.compile(lambda x: x * float(x.sum().item()))
    assert "call the function twice" in str(function.summary())
    with pytest.warns(mg.CaptureWarning):
        for _ in range(4):
            function(mg.tensor([1.0, 2.0]))
    assert "not compiled: a computed number becomes a Python number" in str(function.summary())
    assert function.summary().programs == ()


def test_a_function_of_values_tells_its_batches() -> None:
    x, y = mg.Value(2.0), mg.Value(3.0)
    step = mg.compile(lambda: x * y + x)
    for _ in range(4):
        step()
    (costs,) = step.summary().programs
    assert costs.values > 0 and costs.planned > 0
    assert "numbers, computed in" in str(step.summary())
    assert json.loads(json.dumps(step.summary().to_dict()))["programs"][0]["values"] == costs.values


def test_every_signature_has_its_program() -> None:
    step = Step()
    step()
    step.x, step.y = step.x[:2], step.y[:2]
    step()
    arguments = {costs.arguments[0] for costs in step.run.summary().programs}
    assert arguments == {"5 × 4 float32", "2 × 4 float32"}
    assert len(step.run.programs) == len(step.run.captured) == step.run.source.count("def replay") == 2


def test_the_listing_names_what_comes_from_outside_and_what_changes() -> None:
    step = Step()
    step()
    text = listing(step.run.programs[0], step.run.names)
    for words in (
        "argument0: 5 × 4 float32",
        "0.weight: 6 × 4 float32",
        "→ 3.weight.grad",
        "→ returned",
        "random(",
    ):
        assert words in text
    assert "must be" in text
    unnamed = str(step.run.programs[0])
    assert "tensor1" in unnamed and "0.weight" not in unnamed


def test_every_name_is_given_before_it_is_read() -> None:
    step = Step()
    step()
    for views in (True, False):
        known: set[str] = set()
        for said in lines(step.run.programs[0], views=views):
            assert set(re.findall(r"%\d+", said.expression)) <= known
            assert said.result not in known
            known.update(re.findall(r"%\d+", said.result))


def test_a_loop_lists_its_parts() -> None:
    pytest.importorskip("numba")
    step = Step(backend="numba")
    step()
    found = lines(step.run.programs[0], step.run.names)
    loops = [said for said in found if said.parts]
    assert loops and all(len(loop.parts) > 1 for loop in loops)
    known: set[str] = set()
    for said in found:
        for part in said.parts or (said,):
            assert set(re.findall(r"%\d+", part.expression)) <= known
            known.add(part.result)
    (costs,) = step.run.summary().programs
    assert ("fused",) in costs.by("name")


def test_the_copy_that_is_measured_shares_no_memory() -> None:
    step = Step()
    step()
    program = step.run.programs[0]
    outside = [p.data for p in step.net.parameters()] + [p.grad for p in step.net.parameters()]
    for source in isolated(program).sources.values():
        if isinstance(source.what, np.ndarray):
            assert not any(np.shares_memory(source.what, array) for array in outside)
    x, y = examples(program)
    assert x.shape == (5, 4) and x.dtype == np.float32 and np.isfinite(x).all()
    assert y.dtype == np.int64 and (y == 0).all()


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.0, "0.0 µs"), (1e-6, "1.0 µs"), (0.001, "1.0 ms"), (61, "61.0 s")]
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (2_500_000, "2.5 MB")]
)
def test_sizes(count: int, words: str) -> None:
    assert size(count) == words
