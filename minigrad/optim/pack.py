"""Small parameters, updated as one vector: most of a step for each would be the cost of calling NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

SMALL, MOST = 32_768, 262_144
"""Entries of a parameter that is packed, and of all of them together."""


class State:
    """What an optimizer remembers for one parameter: its steps and arrays, in the parameter's dtype."""

    __slots__ = ("arrays", "dtype", "packed", "step")

    def __init__(self, step: int = 0, arrays: dict[str, Array] | None = None) -> None:
        self.step = step
        self.arrays = arrays or {}
        self.dtype: np.dtype[Any] | None = None
        self.packed = False

    def prepare(self, data: Array, memory: tuple[str, ...]) -> None:
        """Allocate for ``data`` before the first step, or convert after its dtype has changed."""
        arrays = self.arrays or {name: np.zeros_like(data) for name in memory}
        self.arrays = {name: arrays[name].astype(data.dtype, copy=False) for name in memory}
        self.dtype = data.dtype


Moving = tuple[Array, Array, State]
"""A parameter's numbers, its gradient, and what is remembered for it."""


class Pack:
    """
    The small parameters of an optimizer: what is remembered for them are views of one vector.

    Attributes
    ----------
    data, grad : ndarray
        Where parameters and gradients are gathered for a step.
    memory : list of ndarray
        What is remembered, one vector for each name.
    """

    def __init__(self, moving: Sequence[Moving]) -> None:
        fitting, size = [], 0
        for data, _, state in moving:
            state.packed = False
            if data.size <= SMALL and size + data.size <= MOST and data.dtype == moving[0][0].dtype:
                fitting.append((data, state))
                size += data.size
        self.states = [state for _, state in fitting] if len(fitting) > 1 else []
        if not self.states:
            return
        ends = np.cumsum([data.size for data, _ in fitting])
        self.places = [slice(end - data.size, end) for end, (data, _) in zip(ends, fitting, strict=True)]
        self.data, self.grad = (np.empty(size, fitting[0][0].dtype) for _ in range(2))
        self.memory = []
        for name in fitting[0][1].arrays:
            whole = np.concatenate([state.arrays[name].reshape(-1) for state in self.states])
            self.memory.append(whole)
            for (data, state), place in zip(fitting, self.places, strict=True):
                state.arrays[name] = whole[place].reshape(data.shape)
                state.packed = True

    def gather(self, moving: Sequence[Moving]) -> bool:
        """Collect numbers and gradients, if all parameters are there and have taken the same steps."""
        if not self.states or len(moving) < len(self.states):
            return False
        if any(state.step != moving[0][2].step for _, _, state in moving):
            return False
        np.concatenate([data.reshape(-1) for data, _, _ in moving], out=self.data)
        np.concatenate([grad.reshape(-1) for _, grad, _ in moving], out=self.grad)
        return True

    def scatter(self, moving: Sequence[Moving]) -> None:
        """Put the numbers back into the parameters."""
        for (data, _, _), place in zip(moving, self.places, strict=True):
            data[...] = self.data[place].reshape(data.shape)
