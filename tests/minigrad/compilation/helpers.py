"""What the tests of compiled functions share: the same step twice, eager and compiled, side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import count
from typing import Any

import numpy as np

import minigrad as mg

Step = Callable[..., Any]
State = Callable[[], list[Any]]
"""Gives what a step changes outside: parameters, gradients, memory of optimizers."""


def counted(step: Step) -> tuple[Step, Callable[[], int]]:
    """The function, and what tells how often Python has run it; a replay doesn't."""
    calls = count()

    def run(*args: Any, **options: Any) -> Any:
        next(calls)
        return step(*args, **options)

    return run, lambda: int(repr(calls)[6:-1])


def assert_same(got: Any, expected: Any, where: str = "", eps: float = 0) -> None:
    """Bit for bit, or to so many units of rounding; dtypes and structure included."""
    if isinstance(expected, (tuple, list)):
        assert type(got) is type(expected) and len(got) == len(expected), where
        for k, (one, other) in enumerate(zip(got, expected, strict=True)):
            assert_same(one, other, f"{where}[{k}]", eps)
    elif isinstance(expected, dict):
        assert got.keys() == expected.keys(), where
        for key, other in expected.items():
            assert_same(got[key], other, f"{where}[{key!r}]", eps)
    elif expected is None or isinstance(expected, (str, bool)):
        assert got is expected or got == expected, where
    else:
        one, other = (x.data if isinstance(x, mg.Tensor) else np.asarray(x) for x in (got, expected))
        assert one.dtype == other.dtype and one.shape == other.shape, (where, one.dtype, other.dtype)
        if eps and one.dtype.kind == "f":
            rounding = eps * np.finfo(one.dtype).eps
            scale = np.abs(other[np.isfinite(other)]).max(initial=0)
            same = np.allclose(one, other, rtol=rounding, atol=rounding * scale, equal_nan=True)
        else:
            same = np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
        assert same, (where, one, other)


def assert_same_run(
    make: Callable[[], tuple[Step, State]],
    calls: Iterable[tuple[Any, ...]],
    between: Callable[[int, Any], None] | None = None,
    replayed: int | None = None,
    **options: Any,
) -> Any:
    """
    Call a step and its compiled twin with the same arguments, and compare what they return and change.

    ``make()`` returns a new step each time, and what it changes; ``between(k, step)`` runs before call k,
    for both. At least `replayed` of the calls must have been replays: all but four if it is not given.
    """
    calls = list(calls)
    runs: list[list[Any]] = []
    for compiled in (False, True):
        mg.manual_seed(0)
        step, state = make()
        run, calls_of = counted(step)
        function = mg.compile(run, **options) if compiled else run
        mg.manual_seed(1)
        seen = []
        for k, args in enumerate(calls):
            if between is not None:
                between(k, step)
            result = function(*args)
            seen.append((copied(result), copied(state())))
        runs.append(seen)
    for k, (expected, got) in enumerate(zip(*runs, strict=True)):
        assert_same(got, expected, f"call {k}: ")
    least = len(calls) - 4 if replayed is None else replayed
    assert len(calls) - calls_of() >= least, f"only {len(calls) - calls_of()} replays"
    return function


def copied(tree: Any) -> Any:
    """The numbers as they are now."""
    if isinstance(tree, (tuple, list)):
        return type(tree)(map(copied, tree))
    if isinstance(tree, dict):
        return {key: copied(value) for key, value in tree.items()}
    if isinstance(tree, mg.Tensor):
        return tree.data.copy()
    return (
        np.array(tree)
        if isinstance(tree, (np.ndarray, np.generic, float, int)) and not isinstance(tree, bool)
        else tree
    )


def of_parameters(parameters: Iterable[Any]) -> State:
    """The numbers and gradients of parameters."""
    held = list(parameters)
    return lambda: [[p.data, p.grad] for p in held]
