"""What a program consists of: each instruction computes many numbers forward, and hands cotangents back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from ...rules import Elementwise
from ...rules.gates import relu, where
from .groups import BENEATH
from .views import Action, Array, Gather, Scatter, block

Backward = tuple[list[Action], ...]
"""What every backward pass runs for an instruction."""


class Instruction(ABC):
    """
    Computes neighbouring places of the memory from others.

    Attributes
    ----------
    name : str
        The primitive, and in which form it is computed.
    first : int
        The first of its places.
    shape : tuple of int
        Their number, as the product of the lengths of regular axes.
    reach : tuple of int
        What every backward pass does with it.
    """

    def __init__(self, name: str, first: int, shape: tuple[int, ...], reach: tuple[int, ...]) -> None:
        self.name, self.first, self.shape, self.reach = name, first, shape, reach

    @property
    def size(self) -> int:
        """How many numbers it computes."""
        return int(np.prod(self.shape, dtype=int))

    @property
    @abstractmethod
    def bytes(self) -> int:
        """Memory that it needs beside the places."""

    @abstractmethod
    def forward(self, memory: Array, cotangents: Array) -> list[Action]:
        """Return what computes the numbers; kept for what `backward` reads."""

    def backward(self, memory: Array, cotangents: Array, careful: bool) -> list[Action]:
        """Return what adds to the cotangents of all it was computed from; ``careful`` beneath a `where`."""
        return []

    def bind(self, memory: Array, cotangents: Array) -> tuple[list[Action], Backward]:
        """Return what computes the numbers, and what every backward pass does."""
        forward = self.forward(memory, cotangents)
        made = {mark: self.backward(memory, cotangents, mark == BENEATH) for mark in {*self.reach} - {0}}
        return forward, tuple(made.get(mark, []) for mark in self.reach)


class Read(Instruction):
    """Copies numbers from the memory, or cotangents into it."""

    def __init__(self, name: str, first: int, index: Array, sweeps: int) -> None:
        super().__init__(name, first, index.shape, (0,) * sweeps)
        self.gather = Gather(index)

    @property
    def bytes(self) -> int:
        """Memory for what is gathered."""
        return self.gather.bytes

    def forward(self, memory: Array, cotangents: Array) -> list[Action]:
        """Copy."""
        numbers, load = self.gather.bind(cotangents if self.name == "gradient" else memory)
        out = block(memory, self.first, self.shape)
        return [*load, partial(np.copyto, out, numbers)]


class Map(Instruction):
    """
    One elementwise primitive.

    Parameters
    ----------
    primitive : Elementwise
        Which.
    first : int
        The first of its places.
    indices : sequence of ndarray
        For each argument the places of the operands, all of one shape.
    constants : sequence of ndarray or None
        The operands themselves, where all are constants.
    passive : sequence of bool
        For each argument, whether it needs no cotangent.
    reach : tuple of int
        What every backward pass does.
    """

    def __init__(
        self,
        primitive: Elementwise,
        first: int,
        indices: Sequence[Array],
        constants: Sequence[Array | None],
        passive: Sequence[bool],
        reach: tuple[int, ...],
    ) -> None:
        super().__init__(primitive.name, first, indices[0].shape, reach)
        self.primitive = primitive
        self.constants = [None if x is None else _plain(x) for x in constants]
        self.gathers = [None if x is not None else Gather(i) for i, x in zip(indices, constants, strict=True)]
        self.scatters = [
            None if still or not any(reach) else Scatter(i) for i, still in zip(indices, passive, strict=True)
        ]

    @property
    def bytes(self) -> int:
        """Memory for operands and cotangents."""
        return (
            total_bytes(self.gathers) + total_bytes(self.scatters) + (8 * self.size if any(self.reach) else 0)
        )

    def forward(self, memory: Array, cotangents: Array) -> list[Action]:
        """Compute the primitive."""
        actions: list[Action] = []
        args: list[Any] = []
        for constant, gather in zip(self.constants, self.gathers, strict=True):
            if gather is None:
                args.append(constant)
            else:
                numbers, load = gather.bind(memory)
                args.append(numbers)
                actions += load
        out = block(memory, self.first, self.shape)
        function = self.primitive.forward
        self.args, self.out = args, out
        if isinstance(function, np.ufunc):
            return [*actions, partial(function, *args, out=out)]
        if self.primitive is relu:
            return [*actions, partial(np.maximum, args[0], 0.0, out=out)]
        return [*actions, partial(_compute, function, args, out)]

    def backward(self, memory: Array, cotangents: Array, careful: bool) -> list[Action]:
        """Hand on cotangent · partial."""
        args, out, primitive = self.args, self.out, self.primitive
        g = block(cotangents, self.first, self.shape)
        share = np.empty(out.shape)
        actions: list[Action] = []
        for k, scatter in enumerate(self.scatters):
            if scatter is None:
                continue
            add = scatter.bind(cotangents)
            if not careful and self._is_one(k):
                actions.append(partial(add, g))
                continue
            hand_on = _hand_on_with_care if careful or primitive is where else _hand_on
            actions.append(partial(hand_on, primitive, k, g, out, args, share, add))
        return actions

    def _is_one(self, k: int) -> bool:
        slope = self.primitive.partials[0 if self.primitive.variadic else k]
        return not callable(slope) and slope == 1


def total_bytes(parts: Sequence[Gather | Scatter | None]) -> int:
    """Return what several parts need."""
    return sum(part.bytes for part in parts if part is not None)


def _compute(function: Callable[..., Any], args: Sequence[Any], out: Array) -> None:
    np.copyto(out, function(*args), casting="unsafe")  # truth values among them


def _hand_on(
    primitive: Elementwise,
    k: int,
    g: Array,
    out: Array,
    args: Sequence[Any],
    share: Array,
    add: Callable[[Array], None],
) -> None:
    """Hand on cotangent · partial."""
    np.multiply(g, primitive.partial(k, out, args), out=share)
    add(share)


def _hand_on_with_care(
    primitive: Elementwise,
    k: int,
    g: Array,
    out: Array,
    args: Sequence[Any],
    share: Array,
    add: Callable[[Array], None],
) -> None:
    """Hand on the same where neither is a 0 that says that a branch was not taken, and 0 elsewhere."""
    slope = np.asarray(primitive.partial(k, out, args))
    taken = np.not_equal(g, 0)
    if primitive is where:
        taken &= np.not_equal(slope, 0)
    share.fill(0.0)
    np.multiply(g, slope, out=share, where=taken)
    add(share)


def _plain(numbers: Array) -> Any:
    """Return constants as an array, or as one Python number where all are the same."""
    first = numbers.flat[0]
    same = first == first and np.all(numbers == first) and np.all(np.signbit(numbers) == np.signbit(first))
    return float(first) if same else numbers
