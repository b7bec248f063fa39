"""The instruction for what is too narrow for arrays: a function of Python's, number by number, no loops.

A call of NumPy costs as much as a dozen operations of Python. Where a level of a graph holds fewer, as along
a chain, a function is written for it and its neighbours, in which every number is a variable.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from ...rules import Elementwise
from ...rules.arithmetic import add, multiply, negative, subtract
from .groups import Terms
from .instructions import Backward, Instruction
from .tape import Copy, Gradient, Kind
from .views import Action, Array

SYMBOLS: dict[Kind, str] = {add: "{}+{}", subtract: "{}-{}", multiply: "{}*{}", negative: "-{}"}
"""Primitives that Python's operators compute."""

Emit = Callable[["_Writer"], None]


class Step(NamedTuple):
    """
    How one number is computed.

    Attributes
    ----------
    place : int
        Where it lies in the memory.
    kind : Primitive, Gradient or Copy
        What computes it.
    operands : tuple of int
        The places it is computed from.
    terms : (list of (int, int), list of int) or None
        For a sum, the places of its products and single terms.
    reach : tuple of int
        What every backward pass does with it.
    """

    place: int
    kind: Kind
    operands: tuple[int, ...]
    terms: Terms | None
    reach: tuple[int, ...]


class Straight(Instruction):
    """
    Steps one after the other.

    Parameters
    ----------
    first : int
        The first of their places.
    steps : sequence of Step
        What to compute, in order.
    constants : mapping
        The numbers at places that hold constants.
    active : ndarray of bool
        Which places take a cotangent.
    """

    def __init__(
        self, first: int, steps: Sequence[Step], constants: Mapping[int, float], active: Array
    ) -> None:
        passes = zip(*(step.reach for step in steps), strict=True)
        reach = tuple(max(marks) for marks in passes)
        super().__init__("straight Python", first, (len(steps),), reach)
        self.steps, self.constants, self.active = steps, constants, active

    @property
    def bytes(self) -> int:
        """Memory for the functions, by a rule of thumb."""
        return 400 * self.size

    def forward(self, memory: Array, cotangents: Array) -> list[Action]:
        """Compute the steps."""
        writer = _Writer(self.constants, self.active)
        for step in self.steps:
            writer.compute(step)
        return [partial(writer.function(), memory.data, cotangents.data)]

    def bind(self, memory: Array, cotangents: Array) -> tuple[list[Action], Backward]:
        """Return what computes the numbers, and what every backward pass does."""
        backward: list[list[Action]] = []
        for sweep, mark in enumerate(self.reach):
            writer = _Writer(self.constants, self.active)
            for step in reversed(self.steps):
                if step.reach[sweep]:
                    writer.hand_back(step)
            action = partial(writer.function(), memory.data, cotangents.data) if mark else None
            backward.append([] if action is None else [action])
        return self.forward(memory, cotangents), tuple(backward)


class _Writer:
    """Writes a function of memory m and cotangents c; v7 is the number at place 7, g7 its cotangent."""

    def __init__(self, constants: Mapping[int, float], active: Array) -> None:
        self.constants, self.active = constants, active
        self.lines: list[str] = []
        self.names: dict[str, Any] = {"slope": slope}
        self.known: set[str] = set()
        self.loads: list[str] = []
        self.stores: list[str] = []

    def function(self) -> Callable[[Any, Any], None]:
        """Return the function."""
        body = "\n ".join([*self.loads, *self.lines, *self.stores, "return"])
        space = dict(self.names)
        exec(compile(f"def run(m, c):\n {body}", "<scalar program>", "exec"), space)
        return space["run"]

    def compute(self, step: Step) -> None:
        """Write how a step computes its number."""
        kind, operands = step.kind, step.operands
        if isinstance(kind, Gradient):
            text = f"c[{operands[0]}]"
        elif step.terms is not None:
            products, singles = step.terms
            parts = [f"{self.number(x)}*{self.number(y)}" for x, y in products]
            text = "+".join([*parts, *map(self.number, singles)])
        elif isinstance(kind, Copy):
            text = self.number(operands[0])
        else:
            names = list(map(self.number, operands))
            call = f"float({self.named('f', _forward(kind))}({', '.join(names)}))"
            text = SYMBOLS[kind].format(*names) if kind in SYMBOLS else call
        self.known.add(f"v{step.place}")
        self.lines.append(f"v{step.place}={text}")
        self.stores.append(f"m[{step.place}]=v{step.place}")

    def hand_back(self, step: Step) -> None:
        """Write how a step hands its cotangent back."""
        g = self.cotangent(step.place)
        if step.terms is not None:
            products, singles = step.terms
            for x, y in products:
                self.add(x, f"{self.number(y)}*{g}" if self.active[x] else "")
                self.add(y, f"{self.number(x)}*{g}" if self.active[y] else "")
            for x in singles:
                self.add(x, g)
            return
        primitive = step.kind
        if not isinstance(primitive, Elementwise):
            return
        for k, x in enumerate(step.operands):
            if self.active[x]:
                self.add(x, self._share(primitive, k, step, g))

    def _share(self, primitive: Elementwise, k: int, step: Step, g: str) -> str:
        by = primitive.partials[0 if primitive.variadic else k]
        if not callable(by):
            return g if by == 1 else f"{float(by)!r}*{g}"
        if primitive is multiply:
            return f"{self.number(step.operands[1 - k])}*{g}"
        args = ", ".join(map(self.number, step.operands))
        return f"slope({self.named('p', primitive)}, {k}, {self.number(step.place)}, ({args},))*{g}"

    def number(self, place: int) -> str:
        """Return the name of a number, loaded where it is not computed here."""
        constant = self.constants.get(place)
        if constant is not None:
            return f"({constant!r})" if math.isfinite(constant) else self.named("k", constant)
        name = f"v{place}"
        if name not in self.known:
            self.known.add(name)
            self.loads.append(f"{name}=m[{place}]")
        return name

    def cotangent(self, place: int) -> str:
        """Return the name of a cotangent."""
        name = f"g{place}"
        if name not in self.known:
            self.known.add(name)
            self.loads.append(f"{name}=c[{place}]")
            self.stores.append(f"c[{place}]={name}")
        return name

    def add(self, place: int, share: str) -> None:
        """Write that a cotangent grows."""
        if self.active[place]:
            self.lines.append(f"{self.cotangent(place)}+={share}")

    def named(self, letter: str, thing: Any) -> str:
        """Return a name for an object."""
        name = f"{letter}{id(thing)}"
        self.names[name] = thing
        return name


def slope(primitive: Elementwise, k: int, out: float, args: tuple[float, ...]) -> float:
    """Return a partial of numbers; where Python raises, NumPy says inf or nan."""
    try:
        return float(primitive.partial(k, out, args))
    except (ArithmeticError, TypeError):
        return float(primitive.partial(k, np.float64(out), list(map(np.float64, args))))


def _forward(kind: Any) -> Callable[..., Any]:
    function: Callable[..., Any] = kind.on_scalars or kind.forward
    return function
