"""The scalar face of the engine: one number, how it was computed, and its derivative."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import rules
from .graph import clock, is_recording, newest_first, origin_here
from .operators import Operators
from .rules import NUMPY, Elementwise, Primitive


def _comparison(compare: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def compare_numbers(self: Value, other: Any) -> Any:
        return compare(self.data, other.data if isinstance(other, Value) else other)

    compare_numbers.__doc__ = "Compare the numbers."
    return compare_numbers


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
    operands : tuple of Value or float
        What it was computed from, in order; ``a * a`` has two.
    partials : tuple of float
        The local derivatives, one per operand (0.0 for a constant operand).

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

    __slots__ = ("data", "grad", "label", "operands", "order", "origin", "partials", "primitive")
    released = False  # a graph of Values is small: it stays until its last name goes

    def __init__(self, data: Any, label: str = "") -> None:
        self.data = data if type(data) is float else _number(data)
        self.grad = 0.0
        self.label = label
        self.primitive: Primitive | None = None
        self.operands: tuple[Value | float, ...] = ()
        self.partials: tuple[float, ...] = ()
        self.order = next(clock)
        self.origin: tuple[str, str, str] | None = None

    @property
    def parents(self) -> tuple[Value, ...]:
        """The operands that are Values, in order, with multiplicity."""
        return tuple([operand for operand in self.operands if isinstance(operand, Value)])

    def backward(self) -> None:
        """
        Add the derivative of this Value by every leaf to the leaf's ``grad``, and set it on all between.

        A leaf collects over several calls, as in torch: set ``leaf.grad = 0.0`` to start afresh. The graph
        is kept.
        """
        order = newest_first(self)
        for value in order:
            if value.primitive is not None:
                value.grad = 0.0
        self.grad += 1.0
        for value in order:
            g, partials = value.grad, value.partials
            for k, operand in enumerate(value.operands):
                if isinstance(operand, Value):
                    operand.grad += partials[k] * g

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
        result = Value(float(data))
        if is_recording():
            result.primitive = primitive
            result.operands = tuple(kept)
            try:
                result.partials = _partials(primitive, kept, data, args)
            except (ArithmeticError, TypeError):  # where Python raises, NumPy says inf or nan: 1 / 0, 0 ** −1
                result.partials = _partials(primitive, kept, np.float64(data), list(map(np.float64, args)))
            result.origin = origin_here()
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
