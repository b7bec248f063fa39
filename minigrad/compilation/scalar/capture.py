"""Running a function once, as always, and writing down what it computes with Values."""

from __future__ import annotations

import gc
import os
import sys
import weakref
from collections import Counter
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ... import random
from ...graph import tick
from ...recording import capturing, current
from ...rules import Elementwise, Primitive
from ...rules.arithmetic import add
from ...value import Value, _newest_first
from .arguments import Containers, put_back, replaced, signature
from .number import Number, plain
from .program import ScalarProgram
from .record import Effect, Given, Guard, Record, Result
from .tape import Copy, Gradient, Input, Tape
from .watch import SLOTS, watching

_LIBRARY = str(Path(__file__).parents[2]) + os.sep
RETURNED = (type(None), int, float, str, tuple, list, dict, np.number, np.bool_)
"""What a function may return beside Values."""


class ScalarCapture:
    """
    One run of a function that computes with Values, written down.

    Parameters
    ----------
    function : callable
        What to run.

    Attributes
    ----------
    record : Record
        What was written down.
    reason : str or None
        Why it makes no program.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.Value(3.0)
    >>> def step(rate):
    ...     x.grad = 0.0
    ...     loss = x * x
    ...     loss.backward()
    ...     x.data -= rate * x.grad
    ...     return loss
    >>> capture = ScalarCapture(step)
    >>> capture.run((0.25,), {}).data, x.data
    (9.0, 1.5)
    >>> capture.program.replay((0.5,), {}).data, x.data
    (2.25, 0.0)
    """

    watches_values = True

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.tape = Tape()
        self.record = Record(self.tape)
        self.reason: str | None = None
        self.open = False
        self._sources: dict[int, Value | int] = {}
        self._leaves: dict[int, Value] = {}
        self._computed: dict[int, int] = {}
        self._values: list[Value] = []
        self._now: dict[tuple[str, int], int] = {}
        self._before: dict[tuple[str, int], int] = {}
        self._versions: dict[int, tuple[int, int]] = {}
        self._all_versions: dict[int, list[int]] = {}
        self._swept: dict[int, int] = {}
        self._floats: dict[int, tuple[float, int]] = {}
        self._numbers: list[weakref.ref[Number]] = []
        self._made: set[int] = set()
        self._start = 0

    @cached_property
    def program(self) -> ScalarProgram | None:
        """The program, or None where `reason` says why there is none."""
        return None if self.reason is not None or self.open else ScalarProgram(self.record)

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """
        Return what the function returns; afterwards `program` or `reason` is set.

        Where there is a program, computed Values come back without their graphs, as a replay returns them.
        """
        variables = self.record.variables
        try:
            self.record.signature = signature((args, kwargs), variables)
        except TypeError as error:
            self.reason = str(error)
            return self.function(*args, **kwargs)
        self._start = tick()
        stand_ins = [self._argument(place, x) for place, x in enumerate(variables)]
        containers: Containers = []
        given, named = replaced((args, kwargs), iter(stand_ins), containers)
        del stand_ins
        self.open = True
        try:
            with watching(), capturing(self):
                results = [self.function(*given, **named)]  # a list, so that no name here holds a result
            if put_back(containers):
                self.leave("an argument, a list or a dictionary, is changed; return a new one instead")
            del given, named
            containers.clear()
            return self._finish(results)
        except BaseException:
            put_back(containers)
            raise
        finally:
            self.open = False
            self._values, self._computed = [], {}

    def leave(self, reason: str) -> None:
        """Note why this run makes no program; the first reason counts."""
        if self.reason is None and self.open:
            line = _line()
            self.reason = f"{reason}{f' ({line})' if line else ''}"

    # What the engine tells

    def value(self, value: Value) -> None:
        """Note a Value that was just computed."""
        if self.reason is not None:
            return
        primitive = value.primitive
        if primitive is None:
            self.leave("a Value is computed under no_grad(), without its graph; use its .data there")
            return
        operands = []
        for operand in value.operands:
            if type(operand) is Value:
                operands.append(self._operand(operand))
            else:
                operands.append(self._constant(operand))
        self._computed[id(value)] = self.tape.append(primitive, tuple(operands), active=True)
        self._values.append(value)

    def value_backward(self, root: Value) -> None:
        """Note that backward() is about to start from a Value."""
        if self.reason is not None:
            return
        if current().inspect is not None:
            self.leave("anomalies are sought")
        sweep = len(self.tape.sweeps)
        self.tape.sweeps.append(self._operand(root))
        for value in _newest_first(root)[0]:
            if value.primitive is not None:
                if id(value) not in self._computed:
                    self.leave("a Value is used that was computed before; compute it in the function")
                    return
                self._swept[id(value)] = sweep
                self._now.pop(("grad", id(value)), None)
                continue
            total = self._read(value, "grad")
            for version in self._all_versions.get(id(value), [self._operand(value)]):
                change = self.tape.append(Gradient(sweep), (version,))
                zero = total == self.tape.constant(0.0)
                total = change if zero else self.tape.append(add, (total, change))
            self._now["grad", id(value)] = total

    def read(self, value: Value, name: str) -> Any:
        """Return what Python gets to see of a Value."""
        number = SLOTS[name].__get__(value)
        if not self.open or self.reason is not None:
            return number
        return self._number(self._read(value, name), number)

    def write(self, value: Value, name: str, number: Any) -> None:
        """Write a number, as told."""
        if self.open and self.reason is None:
            if type(number) is not Number and not isinstance(number, (int, float)):
                self.leave(f"the {name} of a Value is set to a {type(number).__name__}, not to a number")
            elif name == "data" and value.primitive is not None:
                self.leave("the data of a computed Value is replaced")
            else:
                self._read(value, name)
                self._now[name, id(value)] = self._place(number)
        SLOTS[name].__set__(value, plain(number))

    # What concerns Tensors

    def lift(self, tensor: Any) -> Any:
        """Return the array of a Tensor as it is."""
        self.leave("it computes with Tensors, beside Values or instead")
        return tensor.data

    def made(self, tensor: Any) -> None:
        """Take no note of a Tensor."""

    def reading_gradient(self, tensor: Any) -> None:
        """Nothing to note: Tensors are no part of the record."""

    def setting_gradient(self, tensor: Any) -> None:
        """Take no note of a Tensor's gradient."""
        self.leave("it computes with Tensors, beside Values or instead")

    def module(self, module: Any) -> None:
        """Take no note of a module: what it computes is told apart."""

    def draw(self, rng: Any, shape: tuple[int, ...]) -> Any:
        """Draw random numbers."""
        self.leave("it draws random numbers")
        return random.generator(rng).random(shape)

    def step(self, optimizer: Any) -> None:
        """Let an optimizer take its step."""
        self.leave("it computes with Tensors, beside Values or instead")
        with capturing(None):
            optimizer.step()

    # What Numbers tell

    def compute(self, primitive: Primitive, operands: tuple[Any, ...], number: Any) -> Any:
        """Note a computation with floats and return its Number."""
        if not self.open or self.reason is not None or not isinstance(primitive, Elementwise):
            return number
        return self._number(self.tape.append(primitive, tuple(map(self._place, operands))), number)

    def compare(self, compare: Callable[[Any, Any], Any], left: Any, right: Any) -> bool:
        """Note a decision and return it."""
        decided = bool(compare(plain(left), plain(right)))
        if self.open and self.reason is None:
            self.record.guards.append(Guard(compare, self._place(left), self._place(right), decided))
        return decided

    def handed_in(self, number: Number) -> float:
        """Return a float of its own for a Number that becomes an operand, or a new Value."""
        own = number.value * 1.0  # another object, by which it will be known again
        self._floats[id(own)] = own, number.place
        return own

    # Places

    def _argument(self, place: int, x: Any) -> Any:
        if type(x) is not Value:
            return self._number(self.tape.once(Input("float", place)), float(x))
        if x.primitive is not None:
            self.reason = "an argument is a Value that was computed outside; pass a leaf"
        self._sources[id(x)] = place
        return x

    def _number(self, place: int, number: float) -> Number:
        made = Number(self, place, number)
        self._numbers.append(weakref.ref(made))
        return made

    def _place(self, x: Any) -> int:
        if type(x) is not Number:
            return self._constant(x)
        if x.recorder is not self:
            self.leave("a number of another run is used; keep no numbers from one call to the next")
        return x.place

    def _constant(self, x: Any) -> int:
        known = self._floats.get(id(x))
        if known is not None:
            return self.tape.passive(known[1])
        count = len(self.tape)
        place = self.tape.constant(float(x))
        if place == count:
            self.record.lines[place] = _line()
        return place

    def _operand(self, value: Value) -> int:
        """Return the entry of a Value through which derivatives flow to it."""
        computed = self._computed.get(id(value))
        if computed is not None:
            return computed
        data = self._read(value, "data")
        known = self._versions.get(id(value))
        if known is not None and known[0] == data:
            return known[1]
        own = self._before.get(("data", id(value))) == data
        version = data if own else self.tape.append(Copy(), (data,), active=True)
        self._versions[id(value)] = data, version
        self._all_versions.setdefault(id(value), []).append(version)
        return version

    def _read(self, value: Value, name: str) -> int:
        """Return the entry of a Value's number as it is now."""
        key = name, id(value)
        if key not in self._now:
            self._now[key] = self._first(value, name)
        return self._now[key]

    def _first(self, value: Value, name: str) -> int:
        computed = self._computed.get(id(value))
        if computed is not None:
            if name == "data":
                return computed
            if id(value) not in self._swept:
                return self.tape.constant(0.0)
            return self.tape.append(Gradient(self._swept[id(value)]), (computed,))
        if value.primitive is not None:
            self.leave("a Value is used that was computed before; compute it in the function")
        if not self._outside(value):
            if id(value) not in self._made:
                self._made.add(id(value))
                self._values.append(value)
            return self._constant(SLOTS[name].__get__(value))
        self._leaves[id(value)] = value
        place = self.tape.append(Input(name, self._source(value)), active=name == "data")
        self._before[name, id(value)] = place
        return place

    # The end

    def _finish(self, results: list[Any]) -> Any:
        if self.reason is None and _kept(self._values, self._numbers, results):
            gc.collect()  # of what nobody has any more, but in a cycle
            if _kept(self._values, self._numbers, results):
                self.leave(
                    "a number or a Value that the function computes is kept outside of it, in a list or an "
                    "attribute, where a replay puts nothing; return it instead"
                )
        outputs = self._outputs(results[0])
        for (name, key), place in self._now.items():
            value = self._leaves.get(key)
            if value is not None and self._outside(value) and self._before.get((name, key)) != place:
                self.record.effects.append(Effect(name, self._source(value), place))
        self.record.outputs = outputs
        return self._returned(results[0])

    def _outside(self, value: Value) -> bool:
        return value.primitive is None and value.order < self._start

    def _source(self, value: Value) -> Value | int:
        return self._sources.get(id(value), value)

    def _outputs(self, tree: Any) -> Any:
        """Return the result with Results and Givens in their places."""
        if type(tree) is Number:
            return Result(self._place(tree), None)
        if type(tree) is Value:
            if self._outside(tree):
                return Given(self._source(tree))
            return Result(self._read(tree, "data"), self._read(tree, "grad"), tree.label)
        if not isinstance(tree, RETURNED):
            self.leave(f"the function returns a {type(tree).__name__}, not Values and numbers")
        return _mapped(self._outputs, tree)

    def _returned(self, tree: Any) -> Any:
        """Return the result as a replay does."""
        if type(tree) is Number:
            return tree.value
        if type(tree) is not Value:
            return _mapped(self._returned, tree)
        if self.reason is not None or self._outside(tree):
            return tree
        value = Value(tree.data, tree.label)
        value.grad = tree.grad
        return value


def _mapped(function: Callable[[Any], Any], tree: Any) -> Any:
    """Apply a function to the branches of a tree; a leaf stays as it is."""
    if isinstance(tree, (tuple, list)):
        branches = [function(branch) for branch in tree]
        return type(tree)(*branches) if hasattr(tree, "_fields") else type(tree)(branches)
    return {key: function(branch) for key, branch in tree.items()} if isinstance(tree, dict) else tree


def _kept(values: list[Value], numbers: list[weakref.ref[Number]], results: list[Any]) -> bool:
    """Whether somebody else than the graph and the results holds a Value or a Number of a run."""
    holders: Counter[int] = Counter(id(x) for value in values for x in value.parents)
    returned = _leaves_of(results)
    holders.update(returned)
    for reference in numbers:
        if (number := reference()) is not None and id(number) not in returned:
            return True
    for probe in [object()]:
        alone = sys.getrefcount(probe)
    return any(sys.getrefcount(value) > alone + holders[id(value)] for value in values)


def _leaves_of(tree: Any) -> list[int]:
    if isinstance(tree, dict):
        tree = list(tree.values())
    return (
        [key for branch in tree for key in _leaves_of(branch)]
        if isinstance(tree, (tuple, list))
        else [id(tree)]
    )


def _line() -> str:
    """Return the line of the user's that is running."""
    frame: Any = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_LIBRARY):
        frame = frame.f_back
    return "" if frame is None else f"{Path(frame.f_code.co_filename).name}, line {frame.f_lineno}"
