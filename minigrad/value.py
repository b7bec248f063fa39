"""The scalar face of the engine: one number, how it was computed, and its derivative."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import operators, rules
from .graph import tick
from .operators import Operators
from .recording import PLAIN, Inspector, Origin, current
from .rules import NUMPY, Elementwise, Primitive
from .rules.arithmetic import add, multiply, subtract
from .rules.gates import where

_new = object.__new__
_order = operator.attrgetter("order")


def _comparison(compare: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def compare_numbers(self: Value, other: Any) -> Any:
        return compare(self.data, other.data if isinstance(other, Value) else other)

    compare_numbers.__doc__ = "Compare the numbers."
    return compare_numbers


def _fast(primitive: Elementwise) -> tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]:
    """
    Return the two methods of a binary operator, for operands x and y in either order.

    It does what :meth:`Value._record` does, for Values and floats alone and without a detour: this is what
    a scalar network spends its time on.
    """
    forward = primitive.on_scalars or primitive.forward
    by_left: Any
    by_right: Any
    by_left, by_right = primitive.partials
    fixed_left = None if callable(by_left) else float(by_left)
    fixed_right = None if callable(by_right) else float(by_right)
    method, reflected_method = operators.operator(primitive), operators.reflected(primitive)

    def operate(self: Value, other: Any) -> Any:
        kind = type(other)
        if (kind is not Value and kind is not float) or current() is not PLAIN:
            return method(self, other)
        x, y = self.data, other.data if kind is Value else other
        out = forward(x, y)
        node = _new(Value)
        node.data = out
        node.grad = 0.0
        node.label = ""
        node.order = tick()
        node.origin = None
        node.primitive = primitive
        node._left = self
        node._right = other
        node._others = ()
        node._by_left = by_left(out, x, y) if fixed_left is None else fixed_left
        node._by_right = 0.0 if kind is float else by_right(out, x, y) if fixed_right is None else fixed_right
        return node

    def reflected(self: Value, other: Any) -> Any:
        if type(other) is not float or current() is not PLAIN:
            return reflected_method(self, other)
        y = self.data
        out = forward(other, y)
        node = Value(out)
        node.primitive = primitive
        node._left, node._right = other, self
        node._by_right = by_right(out, other, y) if fixed_right is None else fixed_right
        return node

    operate.__doc__, reflected.__doc__ = method.__doc__, reflected_method.__doc__
    return operate, reflected


class Value(Operators):
    """
    A number that remembers the operations that made it.

    Every edge of its graph carries a number, the local derivative of the result by that operand; the
    derivative of an output by any ancestor is the sum, over all paths between them, of the product of the
    edges on the path.
    Partials are numbers, so a Value is differentiated once; for higher orders use :func:`minigrad.tensor`.

    Parameters
    ----------
    data : float
        The number; whole numbers become floats.
    label : str, optional
        What pictures call it.

    Attributes
    ----------
    data, grad : float
        The number, and the derivative by it of the output on which ``backward`` was called.

    Raises
    ------
    TypeError
        If ``data`` is not a real number.
    OverflowError
        If it is a whole number that is too large for a float.

    Examples
    --------
    >>> import minigrad as mg
    >>> a, b = mg.Value(2.0, label="a"), mg.Value(-3.0, label="b")
    >>> c = a * b + a
    >>> c.backward()
    >>> c.data, a.grad, b.grad
    (-4.0, -2.0, 2.0)
    """

    # One object for a node of up to two operands, without tuples: half the work of a large scalar graph
    # would be the garbage collector's, which visits every container.
    __slots__ = (
        "_by_left", "_by_right", "_left", "_others", "_right", "data", "grad", "label", "order", "origin",
        "primitive",
    )  # fmt: skip
    released = False  # a graph of Values is small: it stays until its last name goes

    def __init__(self, data: Any, label: str = "") -> None:
        self.data = data if type(data) is float else _number(data)
        self.grad = 0.0
        self.label = label
        self.order = tick()
        self.origin: Origin | None = None
        self.primitive: Primitive | None = None
        self._left: Value | float | None = None
        self._right: Value | float | None = None
        self._others: tuple[tuple[Value | float, float], ...] = ()
        self._by_left = self._by_right = 0.0

    def __setstate__(self, state: tuple[None, dict[str, Any]]) -> None:
        """Become a copy, perhaps in another process: made now, after the copies of the operands."""
        for name, value in state[1].items():
            setattr(self, name, value)
        self.order = tick()

    @property
    def operands(self) -> tuple[Value | float, ...]:
        """What it was computed from, in order; ``a * a`` has two."""
        return tuple([operand for operand, _ in self._edges()])

    @property
    def partials(self) -> tuple[float, ...]:
        """The local derivatives, one per operand (0.0 for a constant operand)."""
        return tuple([partial for _, partial in self._edges()])

    @property
    def parents(self) -> tuple[Value, ...]:
        """The operands that are Values, in order, with multiplicity."""
        return tuple([operand for operand, _ in self._edges() if isinstance(operand, Value)])

    def _edges(self) -> tuple[tuple[Value | float, float], ...]:
        """Pairs of operand and local derivative."""
        pairs = ((self._left, self._by_left), (self._right, self._by_right))
        return tuple([(x, partial) for x, partial in pairs if x is not None]) + self._others

    def backward(self) -> None:
        """
        Add the derivative of this Value by every leaf to the leaf's ``grad``, and set it on all between.

        A leaf collects over several calls, as in torch: set ``leaf.grad = 0.0`` to start afresh. The graph
        is kept.
        """
        mode = current()
        if mode.capture is not None:
            mode.capture.value_backward(self)
        order, guarded = _newest_first(self)
        inspect = mode.inspect
        before = [value.grad for value in order] if inspect is not None else []
        for value in order:
            if value.primitive is not None:
                value.grad = 0.0
        self.grad += 1.0
        if guarded or inspect is not None:
            try:
                _backward_with_care(order, inspect)
            except BaseException:  # an anomaly was found: half a gradient is none
                for value, g in zip(order, before, strict=False):
                    value.grad = g
                raise
            return
        for value in order:
            left, right, g = value._left, value._right, value.grad
            if type(left) is Value:
                left.grad += value._by_left * g
            if type(right) is Value:
                right.grad += value._by_right * g
            if value._others:
                for operand, partial in value._others:
                    if type(operand) is Value:
                        operand.grad += partial * g

    def clip(self, low: Any = None, high: Any = None, out: None = None) -> Value:
        """Return min(max(x, low), high); ``None`` is no bound. ``out`` is what np.clip gives along."""
        return super().clip(low, high)

    def max(self, other: Any) -> Value:
        """Return the larger of two numbers; at a tie each has derivative ½."""
        return self._record(rules.gates.maximum, (self, other), {})

    def min(self, other: Any) -> Value:
        """Return the smaller of two numbers; at a tie each has derivative ½."""
        return self._record(rules.gates.minimum, (self, other), {})

    @staticmethod
    def _record(primitive: Primitive, operands: Sequence[Any], options: dict[str, Any]) -> Value:
        """Apply an elementwise primitive to Values and numbers."""
        if not isinstance(primitive, Elementwise):
            raise TypeError(
                f"{primitive.name} works on arrays, not on single Values; "
                f"use mg.tensor, or combine the Values with +, * and mg.maximum"
            )
        kept = [x if isinstance(x, Value) else _number(x) for x in operands]
        args = [x.data if isinstance(x, Value) else x for x in kept]
        data = (primitive.on_scalars or primitive.forward)(*args)
        mode = current()
        if mode.inspect is not None:
            mode.inspect.result(primitive, args, options, data)
        result = Value(float(data))
        if mode.recording:
            result.primitive = primitive
            try:
                partials = _partials(primitive, kept, data, args)
            except (ArithmeticError, TypeError):  # where Python raises, NumPy says inf or nan: 1 / 0, 0 ** −1
                partials = _partials(primitive, kept, np.float64(data), list(map(np.float64, args)))
            (result._left, result._by_left), *rest = zip(kept, partials, strict=True)
            if rest:
                (result._right, result._by_right), *others = rest
                result._others = tuple(others)
            result.origin = mode.locate() if mode.locate else None
        if mode.capture is not None:
            mode.capture.value(result)
        return result

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """Record NumPy's functions of single numbers; arrays of Values are NumPy's, entry by entry."""
        primitive = NUMPY.get(ufunc)
        single = method == "__call__" and not kwargs and all(isinstance(x, SINGLE) for x in inputs)
        if single and isinstance(primitive, Elementwise) and any(primitive.differentiable):
            return primitive(*inputs)
        if any(hasattr(x, "__array_ufunc__") and not isinstance(x, (*SINGLE, np.ndarray)) for x in inputs):
            return NotImplemented
        return getattr(ufunc, method)(*(_boxed(x) for x in inputs), **kwargs)

    @staticmethod
    def _accepts(other: Any) -> bool:
        """Whether an operator takes the other operand; an array is NumPy's, which goes entry by entry."""
        return not isinstance(other, np.ndarray) or other.ndim == 0

    __add__, __radd__ = _fast(add)
    __sub__, __rsub__ = _fast(subtract)
    __mul__, __rmul__ = _fast(multiply)

    __lt__, __le__ = _comparison(operator.lt), _comparison(operator.le)
    __gt__, __ge__ = _comparison(operator.gt), _comparison(operator.ge)
    __eq__, __ne__ = _comparison(operator.eq), _comparison(operator.ne)
    __hash__ = object.__hash__

    def __float__(self) -> float:
        """Return the number."""
        return self.data

    def __bool__(self) -> bool:
        """Whether the number is not zero."""
        return self.data != 0

    def __format__(self, spec: str) -> str:
        """Write the number as a format such as ``.3f`` says."""
        return format(self.data, spec) if spec else repr(self)

    def __repr__(self) -> str:
        label = f", label={self.label!r}" if self.label else ""
        return f"Value({self.data:.6g}, grad={self.grad:.6g}{label})"


def _newest_first(root: Value) -> tuple[list[Value], bool]:
    """All Values that one was computed from, latest first, and whether a `where` is among them."""
    seen = {root}
    found = [root]
    guarded = False
    for value in found:
        left, right = value._left, value._right
        if type(left) is Value and left not in seen:
            seen.add(left)
            found.append(left)
        if type(right) is Value and right not in seen:
            seen.add(right)
            found.append(right)
        if value._others:
            new = {x for x, _ in value._others if type(x) is Value} - seen
            seen |= new
            found += new
            guarded = guarded or value.primitive is where
    found.sort(key=_order, reverse=True)
    return found, guarded


def _backward_with_care(order: Sequence[Value], inspect: Inspector | None) -> None:
    """Backward where branches were not taken, whose cotangent 0 stays 0, or where anomalies are sought."""
    unchosen: set[Value] = set()
    for value in order:
        g, beneath = value.grad, value in unchosen
        for k, (operand, partial) in enumerate(value._edges()):
            if not isinstance(operand, Value):
                continue
            if beneath or value.primitive is where:
                unchosen.add(operand)
            if not (beneath and g == 0) and not (value.primitive is where and partial == 0):
                operand.grad += partial * g
                if inspect is not None:
                    inspect.cotangent(value, k, lambda: partial * g)  # noqa: B023  called at once


SINGLE = (Value, int, float, np.number, np.bool_)


def _boxed(x: Any) -> Any:
    """Return what NumPy goes through by the methods of its entries."""
    if not isinstance(x, Value):
        return x
    box = np.empty((), dtype=object)
    box[()] = x
    return box


def _partials(
    primitive: Elementwise, operands: list[Value | float], data: Any, args: list[Any]
) -> tuple[float, ...]:
    """Return the local derivative by each Value; 0 for a constant."""
    return tuple([
        float(primitive.partial(k, data, args)) if isinstance(operand, Value) else 0.0
        for k, operand in enumerate(operands)
    ])  # fmt: skip


def _number(x: Any) -> float:
    """Return a real number as a float, or say what is expected."""
    if isinstance(x, Value):
        raise TypeError("a Value holds a number, not another Value; use its .data")
    if isinstance(x, (bool, int, float, np.number, np.bool_)) and not isinstance(x, np.complexfloating):
        try:
            return float(x)
        except OverflowError:
            raise OverflowError("a Value is a float, at most 1.8e308; this whole number is larger") from None
    if isinstance(x, np.ndarray) and x.ndim == 0 and x.dtype.kind in "biuf":
        return float(x)
    what = f"{type(x).__name__} of shape {x.shape}" if hasattr(x, "shape") else repr(x)
    raise TypeError(f"a Value computes with real numbers, but got {what}; for arrays use mg.tensor")
