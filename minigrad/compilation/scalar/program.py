"""A run that was recorded, as a program: reads the leaves, computes in batches, writes the gradients back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from threading import RLock
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike

from ...value import Value
from .arguments import signature
from .machine import Machine
from .plan import planned
from .record import Effect, Given, Record, Result, record_of, results
from .tape import Input
from .views import Array


class GuardFailed(Exception):
    """A decision on a computed number comes out differently now; nothing has been written."""


class OtherArguments(ValueError):
    """The arguments are others than numbers and Values in the places where the recorded ones were."""


class ScalarProgram:
    """
    One run of a computation with Values, which can be run again at the speed of NumPy.

    Made of a record by a capture, or with :meth:`of` from Values that have been computed. What overflows is
    ∞, and what is undefined nan, as in the run itself, but without NumPy's warnings.

    Parameters
    ----------
    record : Record
        The run.
    confirmed : Record, optional
        The same from another run. A Value that was an argument of one run only may be another one in a
        replay: then the function does not have it from elsewhere, too.

    Examples
    --------
    >>> import minigrad as mg
    >>> x, y = mg.Value(2.0), mg.Value(3.0)
    >>> program = ScalarProgram.of([x * y + x], root=0)
    >>> x.data = 5.0
    >>> program.run()[0].data, x.grad, y.grad
    (20.0, 4.0, 5.0)
    >>> outputs, gradients = program.evaluate([[1.0, 2.0], [3.0, 4.0]])
    >>> outputs.tolist(), gradients.tolist()
    ([[3.0], [15.0]], [[3.0, 1.0], [5.0, 3.0]])
    """

    def __init__(self, record: Record, confirmed: Record | None = None) -> None:
        self.record = record
        others = (confirmed or record).variables
        self._held = [
            (place, x)
            for place, (x, other) in enumerate(zip(record.variables, others, strict=True))
            if type(x) is Value and x is other
        ]
        self.plan = planned(record.tape, record.kept)
        self._lock = RLock()
        self._machine: Machine | None = None
        self._batched: Machine | None = None
        self._readers = self._inputs()
        self._fixed = {
            id(source) for _, _, sources in self._readers for source in sources if isinstance(source, Value)
        }

    @classmethod
    def of(cls, outputs: Sequence[Value], root: Value | int | None = None) -> ScalarProgram:
        """
        Return the program that computes Values again from their leaves.

        What Python decided when they were computed (``if x > 0``) stays decided: nobody saw it.

        Parameters
        ----------
        outputs : sequence of Value
            What to compute.
        root : Value or int, optional
            From which to go backward, perhaps as its place among the outputs; gradients are added to the
            leaves' ``grad``.
        """
        return cls(record_of(outputs, outputs[root] if isinstance(root, int) else root))

    @property
    def leaves(self) -> list[Value]:
        """The Values from outside whose numbers are read, in the order in which they were made."""
        found = [source for name, _, sources in self._readers if name == "data" for source in sources]
        return [self.record.variables[x] if isinstance(x, int) else x for x in found]

    def accepts(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
        """Whether the program is one for these arguments."""
        return self._variables(args, kwargs) is not None

    def run(self) -> Any:
        """Read the leaves, compute, write what was written to leaves, and return the outputs."""
        return self.replay((), {})

    def replay(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """
        Do what the recorded function does, with these arguments.

        Raises
        ------
        GuardFailed
            If it would decide differently; nothing has been written then.
        OtherArguments
            If this is no program for them.
        """
        variables: list[Any] | None = []
        if args or kwargs or self.record.signature is not None:
            variables = self._variables(args, kwargs)
        if variables is None:
            raise OtherArguments("this program was recorded for other arguments; record the function again")
        with self._lock:
            if self._machine is None:
                self._bind()
            return self._step(variables)

    def evaluate(self, inputs: ArrayLike) -> tuple[Array, Array | None]:
        """
        Compute the outputs for many inputs at once; no leaf is read or written.

        Parameters
        ----------
        inputs : array_like, shape (batch, leaves)
            Numbers for the leaves, in the order of `leaves`.

        Returns
        -------
        outputs : ndarray, shape (batch, outputs)
            The computed Values among the outputs, in order.
        gradients : ndarray, shape (batch, leaves), or None
            Derivatives of the root; None where the program has no backward pass, or several.

        Raises
        ------
        ValueError
            If there are not as many columns as leaves, or the program reads more than the ``data`` of leaves.
        """
        numbers = np.asarray(inputs, dtype=float)
        count = len(self.leaves)
        if numbers.ndim != 2 or numbers.shape[1] != count:
            raise ValueError(
                f"evaluate takes inputs of shape (batch, {count}), one column per leaf; got {numbers.shape}"
            )
        if self.record.guards or any(name == "float" for name, _, _ in self._readers):
            raise ValueError(
                "this program depends on arguments or decisions: replay it for one input after the other"
            )
        with self._lock:
            if self._batched is None:
                plan = planned(self.record.tape, self.record.kept, batched=True)
                self._batched = Machine(plan, (len(numbers),))
            elif len(self._batched.memory) != len(numbers):
                self._batched = Machine(self._batched.plan, (len(numbers),))
            machine = self._batched
            machine.memory[:, : len(self.plan.inputs)] = 0.0  # what a leaf has collected before
            machine.memory[:, :count] = numbers
            machine.run()
            place = machine.plan.place
            outputs = machine.memory[:, place[[result.place for result in results(self.record.outputs)]]]
            if len(self.plan.roots) != 1:
                return outputs, None
            return outputs, machine.cotangents[:, :count].copy()

    def summary(self) -> dict[str, Any]:
        """
        Return what the program consists of.

        Returns
        -------
        dict
            ``entries`` (numbers computed when it was recorded), ``instructions`` (a list of name, how many
            numbers it computes, and the number of the phase), and ``bytes`` planned.
        """
        instructions = [(i.name, i.size, phase) for phase, i in self.plan.instructions]
        return {"entries": len(self.record.tape), "instructions": instructions, "bytes": self.plan.bytes}

    # Binding

    def _inputs(self) -> list[tuple[str, int, list[Value | int]]]:
        """Return the neighbouring inputs of one name: that name, the first place, and the sources."""
        readers: list[tuple[str, int, list[Value | int]]] = []
        before = None
        for place, entry in enumerate(self.plan.inputs):
            source = cast(Input, self.record.tape.kinds[entry])
            kind = source.name, isinstance(source.source, int)
            if kind != before:
                readers.append((source.name, place, []))
                before = kind
            readers[-1][2].append(source.source)
        return readers

    def _bind(self) -> None:
        machine = self._machine = Machine(self.plan)
        memory, place = machine.memory, self.plan.place
        self._reads = [
            (memory[first : first + len(sources)], name, sources, isinstance(sources[0], int))
            for name, first, sources in self._readers
        ]
        written: dict[tuple[str, bool], list[Effect]] = {}
        for effect in self.record.effects:
            written.setdefault((effect.name, isinstance(effect.source, int)), []).append(effect)
        self._writes = [
            (name, given, [effect.source for effect in effects], place[[effect.place for effect in effects]])
            for (name, given), effects in written.items()
        ]
        self._checks = [
            (guard.compare, int(place[guard.left]), int(place[guard.right]), guard.expected)
            for guard in self.record.guards
        ]
        self._outputs = _returning(self.record.outputs, memory, place)

    def _step(self, variables: list[Any]) -> Any:
        machine = cast(Machine, self._machine)
        memory = machine.memory
        for numbers, name, sources, given in self._reads:
            values: Any = [variables[cast(int, k)] for k in sources] if given else sources
            if name == "data":
                numbers[:] = [value.data for value in values]
            elif name == "grad":
                numbers[:] = [value.grad for value in values]
            else:
                numbers[:] = values
        machine.run()
        for compare, left, right, expected in self._checks:
            if bool(compare(memory[left], memory[right])) is not expected:
                raise GuardFailed(
                    "a decision on a computed number comes out differently than when it was recorded"
                )
        for name, given, sources, places in self._writes:
            values = [variables[cast(int, k)] for k in sources] if given else sources
            if name == "data":
                for value, number in zip(values, memory[places].tolist(), strict=True):
                    value.data = number
            else:
                for value, number in zip(values, memory[places].tolist(), strict=True):
                    value.grad = number
        return self._outputs(variables)

    def _variables(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> list[Any] | None:
        variables: list[Any] = []
        try:
            found = signature((args, dict(kwargs)), variables)
        except TypeError:
            return None
        if found != self.record.signature and self.record.signature is not None:
            return None
        if any(variables[place] is not value for place, value in self._held):
            return None
        values = [x for x in variables if type(x) is Value]
        if any(value.primitive is not None or id(value) in self._fixed for value in values):
            return None
        return variables


def _returning(tree: Any, memory: Array, place: Array) -> Callable[[list[Any]], Any]:
    """Return what makes the outputs anew, from the memory and the arguments."""
    if isinstance(tree, Given):
        source = tree.source
        return (
            (lambda variables: variables[source]) if isinstance(source, int) else (lambda variables: source)
        )
    if isinstance(tree, Result):
        at, grad, label = int(place[tree.place]), tree.grad, tree.label
        if grad is None:
            return lambda variables: float(memory[at])
        at_grad = int(place[grad])

        def output(variables: list[Any]) -> Value:
            value = Value(float(memory[at]), label)
            value.grad = float(memory[at_grad])
            return value

        return output
    if isinstance(tree, dict):
        parts = {key: _returning(branch, memory, place) for key, branch in tree.items()}
        return lambda variables: {key: part(variables) for key, part in parts.items()}
    if not isinstance(tree, (tuple, list)):
        return lambda variables: tree
    kind: Any = type(tree)
    make = kind._make if hasattr(tree, "_fields") else kind
    if all(isinstance(branch, Given) and isinstance(branch.source, Value) for branch in tree):
        fixed = [branch.source for branch in tree]
        return lambda variables: make(fixed)
    branches = [_returning(branch, memory, place) for branch in tree]
    return lambda variables: make([branch(variables) for branch in branches])
