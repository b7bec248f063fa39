"""What both faces of the engine can do: Python's arithmetic and elementwise methods, from the rulebook."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from . import rules
from .rules import Primitive
from .rules.arithmetic import add, divide, multiply, negative, power, remainder, subtract
from .rules.decisions import floor_divide


def operator(primitive: Primitive) -> Callable[[Any, Any], Any]:
    """Return the method of a binary operator; what it does not accept is left to the other operand."""

    def operate(self: Any, other: Any) -> Any:
        return self._record(primitive, (self, other), {}) if self._accepts(other) else NotImplemented

    operate.__doc__ = f"Return {primitive.formula}."
    return operate


def reflected(primitive: Primitive) -> Callable[[Any, Any], Any]:
    """Return the method of a binary operator whose left operand left it to this one."""

    def operate(self: Any, other: Any) -> Any:
        return self._record(primitive, (other, self), {}) if self._accepts(other) else NotImplemented

    operate.__doc__ = f"Return {primitive.formula}, with self as y."
    return operate


class Operators:
    """Operators and methods that record one primitive each; a face gives ``_record`` and ``_accepts``."""

    __slots__ = ()

    _record: Callable[..., Any]
    _accepts: Callable[[Any], bool]

    __add__, __radd__ = operator(add), reflected(add)
    __sub__, __rsub__ = operator(subtract), reflected(subtract)
    __mul__, __rmul__ = operator(multiply), reflected(multiply)
    __truediv__, __rtruediv__ = operator(divide), reflected(divide)
    __pow__, __rpow__ = operator(power), reflected(power)
    __mod__, __rmod__ = operator(remainder), reflected(remainder)
    __floordiv__, __rfloordiv__ = operator(floor_divide), reflected(floor_divide)

    def __divmod__(self, other: Any) -> tuple[Any, Any]:
        """Return x // y and x % y."""
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> tuple[Any, Any]:
        """Return y // x and y % x."""
        return other // self, other % self

    def __neg__(self) -> Self:
        """Return −x."""
        return self._apply(negative)

    def __pos__(self) -> Self:
        """Return x itself."""
        return self

    def __abs__(self) -> Self:
        """Return |x|."""
        return self._apply(rules.gates.abs)

    def abs(self) -> Self:
        """Return |x|, with derivative 0 at 0."""
        return self._apply(rules.gates.abs)

    def exp(self) -> Self:
        """Return eˣ."""
        return self._apply(rules.exponentials.exp)

    def log(self) -> Self:
        """Return the natural logarithm."""
        return self._apply(rules.exponentials.log)

    def sqrt(self) -> Self:
        """Return √x."""
        return self._apply(rules.exponentials.sqrt)

    def tanh(self) -> Self:
        """Return the hyperbolic tangent."""
        return self._apply(rules.exponentials.tanh)

    def sigmoid(self) -> Self:
        """Return 1 / (1 + e⁻ˣ), without overflow."""
        return self._apply(rules.exponentials.sigmoid)

    def softplus(self) -> Self:
        """Return ln(1 + eˣ), without overflow."""
        return self._apply(rules.exponentials.softplus)

    def relu(self) -> Self:
        """Return max(x, 0), with derivative 0 at 0."""
        return self._apply(rules.gates.relu)

    def leaky_relu(self, slope: float = 0.01) -> Self:
        """Return x where it is positive, slope·x elsewhere."""
        return self._apply(rules.gates.leaky_relu, slope)

    def prelu(self, slope: Any) -> Self:
        """Return x where it is positive, slope·x elsewhere; the slope has a derivative too."""
        return self._apply(rules.gates.prelu, slope)

    def clip(self, low: Any = None, high: Any = None) -> Self:
        """Return min(max(x, low), high); ``None`` is no bound."""
        return self._apply(
            rules.gates.clip, -float("inf") if low is None else low, float("inf") if high is None else high
        )

    def _apply(self, primitive: Primitive, *others: Any) -> Self:
        result: Self = self._record(primitive, (self, *others), {})
        return result
