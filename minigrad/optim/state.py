"""What an optimizer remembers for one parameter."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]


class State:
    """The steps that a parameter took, and arrays of its shape and dtype, by name."""

    __slots__ = ("arrays", "data", "step")

    def __init__(self, step: int = 0, arrays: dict[str, Array] | None = None) -> None:
        self.step = step
        self.arrays = arrays or {}
        self.data: Array | None = None
        """The parameter's numbers, for which the arrays were prepared."""

    def prepared(self, data: Array, memory: tuple[str, ...]) -> dict[str, Array]:
        """Return the arrays of these names in the dtype of ``data``; what is new is zero."""
        return {
            name: self.arrays[name].astype(data.dtype, copy=False)
            if name in self.arrays
            else np.zeros_like(data)
            for name in memory
        }


Moving: TypeAlias = tuple[Array, Array, State]
"""A parameter's numbers, its gradient, and what is remembered for it."""
