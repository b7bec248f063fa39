"""Taking an optimizer's step in a capture: its own ``update``, on stand-ins."""

from __future__ import annotations

import copy
import functools
import operator
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from ..recording import capturing
from .program import Source
from .traced import Number, plain

if TYPE_CHECKING:
    from .capture import Capture


def take_step(capture: Capture, optimizer: Any) -> None:
    """
    Take a step as ``optimizer.step()`` does, and write it down.

    The optimizer's options, and how many steps each parameter took, are numbers that a replay reads anew;
    what it remembers are arrays that are written to in place.
    """
    for parameter in optimizer.parameters:
        capture.lift(parameter)
        capture.reading_gradient(parameter)
    states = optimizer._states
    before = {
        id(state): capture.number(functools.partial(getattr, state, "step"), ("step", id(state)))
        for state in states
    }
    stand_ins = {
        id(state): (parameter.data, parameter._grad)
        for parameter, state in zip(optimizer.parameters, states, strict=True)
    }
    with _plainly(optimizer.parameters):
        moving = optimizer._moving()
        pack = optimizer._packed(moving)
    for _, _, state in moving:
        capture.stepped(state, capture.record(operator.add, (before[id(state)], 1)))
    viewed = _viewed(capture, optimizer)
    options = dict(vars(viewed))
    together = [entry for entry in moving if entry[2] in pack.states]
    if len(together) == len(pack.states) > 0 and len({state.step for _, _, state in together}) == 1:
        _step_together(capture, viewed, together, stand_ins, pack)
        moving = [entry for entry in moving if entry[2] not in pack.states]
    for data, _, state in moving:
        numbers, gradient = stand_ins[id(state)]
        _apply(capture, viewed, numbers, gradient, np.empty_like(data), state, state.arrays.values())
    now = vars(viewed)
    if now.keys() != options.keys() or any(now[name] is not value for name, value in options.items()):
        vars(optimizer).update({name: plain(x) for name, x in now.items() if x is not options.get(name)})
        capture.leave(f"{type(optimizer).__name__} changes attributes of its own while it updates")


def _viewed(capture: Capture, optimizer: Any) -> Any:
    """Return the optimizer with stand-ins for its floats."""
    viewed = copy.copy(optimizer)

    def number(name: str, place: int | None = None) -> Number:
        def read() -> Any:
            value = getattr(optimizer, name)
            return value if place is None else value[place]

        return capture.number(read, (id(optimizer), name, place))

    for name, value in vars(optimizer).items():
        if type(value) is float:
            vars(viewed)[name] = number(name)
        elif type(value) is tuple and value and all(type(item) is float for item in value):
            vars(viewed)[name] = tuple(number(name, place) for place in range(len(value)))
    return viewed


def _step_together(capture: Capture, viewed: Any, together: Any, stand_ins: Any, pack: Any) -> None:
    """Update the small parameters as one vector."""
    pairs = [stand_ins[id(state)] for _, _, state in together]
    data, gradient = (
        capture.record(np.concatenate, ([x.reshape(-1) for x in arrays],))
        for arrays in zip(*pairs, strict=True)
    )
    _apply(capture, viewed, data, gradient, np.empty_like(data.value), together[0][2], pack.memory)
    start = 0
    for numbers, _ in pairs:
        part = data[start : start + numbers.size]
        start += numbers.size
        capture.assign(numbers, ..., part.reshape(numbers.shape))
    capture.mark((type(viewed).__name__, "update"))


def _apply(
    capture: Capture, viewed: Any, data: Any, gradient: Any, work: Any, state: Any, memory: Any
) -> None:
    """Update one array."""
    arrays = [capture.array(array, Source("array", array)) for array in memory]
    step = capture.steps[id(state)][1]
    viewed.update(data, gradient, capture.array(work, Source("scratch", None)), step, *arrays)
    capture.mark((type(viewed).__name__, "update"))


@contextmanager
def _plainly(tensors: list[Any]) -> Iterator[None]:
    """Context in which Tensors hold their arrays, and nothing is written down."""
    held = [(tensor, tensor.data, tensor._grad) for tensor in tensors]
    for tensor, data, gradient in held:
        tensor.data, tensor._grad = plain(data), plain(gradient)
    try:
        with capturing(None):
            yield
    finally:
        for tensor, data, gradient in held:
            tensor.data, tensor._grad = data, gradient
