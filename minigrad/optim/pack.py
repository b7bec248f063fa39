"""Small parameters, updated as one vector: most of a step for each would be the cost of calling NumPy."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Self

import numpy as np

from .. import writes
from .state import Array, Moving, State

SMALL, MOST = 32_768, 262_144
"""Entries of a parameter that is packed, and of all of them together."""


class Pack:
    """
    The small parameters of an optimizer: what is remembered for them are views of one vector.

    They have one dtype, have taken the same steps, and share no memory with each other: of what shares it,
    all but the first step alone, later.

    Attributes
    ----------
    states : frozenset of State
        What is remembered for the parameters that are packed.
    data, grad : ndarray
        Where parameters and gradients are gathered for a step, once one is taken; where no parameters need
        to be, `data` is scratch space.
    memory : list of ndarray
        What is remembered, one vector for each name.
    """

    def __init__(self, moving: Sequence[Moving]) -> None:
        self.data = self.grad = np.empty(0)
        kinds = Counter((data.dtype, state.step) for data, _, state in moving if data.size <= SMALL)
        kind = max(kinds, key=kinds.__getitem__, default=None)
        fitting, size, owners = [], 0, set()
        for data, _, state in moving:
            shared = (owner := id(writes.owner(data))) in owners
            owners.add(owner)
            fits = data.size <= SMALL and size + data.size <= MOST
            if fits and not shared and (data.dtype, state.step) == kind:
                fitting.append((data, state))
                size += data.size
        self.states = frozenset(state for _, state in fitting) if len(fitting) > 1 else frozenset[State]()
        if not self.states:
            return
        self.shapes = [data.shape for data, _ in fitting]
        self.dtype = fitting[0][0].dtype
        self.memory = []
        for name in fitting[0][1].arrays:
            whole = np.concatenate([state.arrays[name].reshape(-1) for _, state in fitting])
            self.memory.append(whole)
            for (_, state), part in zip(fitting, self._parts(whole), strict=True):
                state.arrays[name] = part

    def gather(self, moving: Sequence[Moving], numbers: bool) -> bool:
        """Collect gradients, and numbers where they are needed, if all parameters are there and in step."""
        if (
            not self.states
            or len(moving) < len(self.states)
            or len({state.step for _, _, state in moving}) > 1
        ):
            return False
        if self.data.size == 0:
            self.data, self.grad = (np.empty(sum(map(math.prod, self.shapes)), self.dtype) for _ in range(2))
            self.parts = list(zip(self._parts(self.data), self._parts(self.grad), strict=True))
        for (data, grad, _), (own_data, own_grad) in zip(moving, self.parts, strict=True):
            own_grad[...] = grad
            if numbers:
                own_data[...] = data
        return True

    def _parts(self, whole: Array) -> list[Array]:
        """Return the views of a vector that belong to the parameters."""
        ends = np.cumsum([math.prod(shape) for shape in self.shapes])
        return [
            part.reshape(shape) for part, shape in zip(np.split(whole, ends[:-1]), self.shapes, strict=True)
        ]

    def scatter(self, moving: Sequence[Moving]) -> None:
        """Put the numbers back into the parameters."""
        for (data, _, _), (own_data, _) in zip(moving, self.parts, strict=True):
            data[...] = own_data


class Apart:
    """The numbers of packed parameters where they are, for a step that only subtracts the pack's `data`."""

    def __init__(self, pack: Pack, moving: Sequence[Moving]) -> None:
        self.pack = pack
        self.moving = moving

    def __isub__(self, step: Array) -> Self:
        assert step is self.pack.data
        for (data, _, _), (part, _) in zip(self.moving, self.pack.parts, strict=True):
            data -= part
        return self
