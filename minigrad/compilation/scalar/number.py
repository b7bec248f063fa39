"""A float that remembers where it comes from: what Python sees of a Value's numbers in a recording."""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable
from typing import Any, Protocol, cast

import numpy as np

from ... import value as engine
from ...rules import NUMPY, Elementwise, Primitive
from ...rules.arithmetic import add, divide, multiply, negative, power, subtract
from ...rules.gates import abs as absolute
from ...value import Value


class Recorder(Protocol):
    """Where the arithmetic of Numbers is written down."""

    open: bool

    def compute(self, primitive: Primitive, operands: tuple[Any, ...], number: Any) -> Any:
        """Note a computation and return its Number."""

    def compare(self, compare: Callable[[Any, Any], Any], left: Any, right: Any) -> bool:
        """Note a decision and return it."""

    def leave(self, reason: str) -> None:
        """Note that the function can't be recorded."""

    def handed_in(self, number: Number) -> float:
        """Return a float of its own that the engine may keep in the Number's place."""


class Number:
    """
    Acts as the float that it holds, and has its arithmetic written down.

    Where Python wants a true float of it (``math.exp``, ``int``), a recording can't follow, and says so. What
    raises for a float raises here.
    """

    __slots__ = ("__weakref__", "place", "recorder", "value")

    def __init__(self, recorder: Recorder, place: int, value: float) -> None:
        self.recorder, self.place, self.value = recorder, place, float(value)  # no np.float64

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return float

    def __float__(self) -> float:
        if self.recorder.open:
            if sys._getframe(1).f_code.co_filename == engine.__file__:
                return self.recorder.handed_in(self)
            self.recorder.leave(
                "a float is taken out of a number that was read from a Value; compute with operators and "
                "with NumPy's functions, np.exp(v.data) instead of math.exp(v.data)"
            )
        return self.value

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        numbers = [plain(x) for x in inputs]
        if any(isinstance(x, np.ndarray) and x.ndim for x in inputs):
            self.recorder.leave("an array is computed with a number that was read from a Value")
            return getattr(ufunc, method)(*numbers, **options)
        if any(type(x) is Value for x in inputs):
            return NotImplemented
        result = getattr(ufunc, method)(*numbers, **options)
        primitive = NUMPY.get(ufunc)
        known = isinstance(primitive, Elementwise) and isinstance(result, float)  # np.float32 is none
        if method != "__call__" or options or not known:
            self.recorder.leave(f"np.{ufunc.__name__} is applied to a number that was read from a Value")
            return result
        return self.recorder.compute(cast(Elementwise, primitive), inputs, float(result))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        self.__float__()
        return np.asarray(self.value, dtype)

    def __bool__(self) -> bool:
        return self.recorder.compare(operator.ne, self, 0.0)

    def __hash__(self) -> int:
        self.__float__()
        return hash(self.value)

    def __repr__(self) -> str:
        return repr(self.value)

    def __format__(self, spec: str) -> str:
        return format(self.value, spec)

    def __reduce__(self) -> tuple[Any, ...]:
        self.__float__()
        return float, (self.value,)

    def __neg__(self) -> Any:
        return self.recorder.compute(negative, (self,), -self.value)

    def __pos__(self) -> Number:
        return self

    def __abs__(self) -> Any:
        return self.recorder.compute(absolute, (self,), abs(self.value))

    def __getattr__(self, name: str) -> Any:
        """Look up what only a float has."""
        found = getattr(self.value, name)
        self.recorder.leave(f"float.{name} is used of a number that was read from a Value")
        return found


def plain(x: Any) -> Any:
    """Return the float in a Number; anything else as it is."""
    return x.value if type(x) is Number else x


def _arithmetic(name: str, primitive: Elementwise, compute: Callable[[Any, Any], Any]) -> None:
    def operate(self: Number, other: Any) -> Any:
        return _computed(primitive, compute, self, other)

    def reflected(self: Number, other: Any) -> Any:
        return _computed(primitive, compute, other, self)

    setattr(Number, f"__{name}__", operate)
    setattr(Number, f"__r{name}__", reflected)


def _computed(primitive: Elementwise, compute: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
    other = right if type(left) is Number else left
    if not isinstance(other, (int, float)):
        return NotImplemented
    recorder: Recorder = left.recorder if type(left) is Number else right.recorder
    number = compute(plain(left), plain(right))  # raises what floats raise: then nothing is noted
    if primitive is divide:
        recorder.compare(operator.ne, right, 0.0)  # where Python raises and NumPy does not
    if primitive is power:
        _note_domain(recorder, left, right, number)
    return recorder.compute(primitive, (left, right), number)


def _note_domain(recorder: Recorder, base: Any, exponent: Any, number: Any) -> None:
    """Note that a power is one that Python computes as NumPy does."""
    whole = type(exponent) is not Number and float(exponent).is_integer() and exponent >= 0
    if isinstance(number, complex) or (not whole and not plain(base) > 0):
        recorder.leave("a power of a number ≤ 0 that was read from a Value")
    elif not whole:
        recorder.compare(operator.gt, base, 0.0)


def _comparison(name: str) -> None:
    compare = getattr(operator, name)

    def decide(self: Number, other: Any) -> Any:
        if not isinstance(other, (int, float)):
            return NotImplemented
        return self.recorder.compare(compare, self, other)

    setattr(Number, f"__{name}__", decide)


def _floats_own(name: str) -> None:
    """Let a float do it, and leave."""

    def operate(self: Number, *others: Any) -> Any:
        if self.recorder.open:
            self.recorder.leave(f"{name.strip('_')} of a number that was read from a Value")
        return getattr(self.value, name)(*map(plain, others))

    setattr(Number, name, operate)


for _name, _primitive, _compute in (
    ("add", add, operator.add),
    ("sub", subtract, operator.sub),
    ("mul", multiply, operator.mul),
    ("truediv", divide, operator.truediv),
    ("pow", power, operator.pow),
):
    _arithmetic(_name, _primitive, _compute)
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    _comparison(_name)
for _name in (
    "mod", "rmod", "floordiv", "rfloordiv", "divmod", "rdivmod", "int", "round", "trunc", "floor", "ceil",
):  # fmt: skip
    _floats_own(f"__{_name}__")
