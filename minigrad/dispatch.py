"""What happens when one of NumPy's functions is called with a Tensor: the table ``NUMPY`` knows."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from .rules import NUMPY, Primitive
from .rules.operands import stripped

BITWISE = {np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert}
"""Ufuncs of decisions and whole numbers alone, which have no derivative."""

METHODS: dict[tuple[np.ufunc, str], Callable[..., Any]] = {
    (np.add, "reduce"): np.sum,
    (np.multiply, "reduce"): np.prod,
    (np.maximum, "reduce"): np.max,
    (np.minimum, "reduce"): np.min,
    (np.add, "accumulate"): np.cumsum,
    (np.multiply, "accumulate"): np.cumprod,
}
"""The functions that a ufunc's methods are."""


class Dispatch:
    """The two methods by which NumPy asks a Tensor to compute."""

    __slots__ = ()

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        """Record NumPy's elementwise functions."""
        if method == "__call__" and not options:
            primitive = NUMPY.get(ufunc)
            if primitive is not None:
                return primitive(*inputs)
            return _bitwise(ufunc, inputs) if ufunc in BITWISE else _unsupported(ufunc, inputs, {})
        if method == "outer" and not options:
            x, y = inputs
            return ufunc(np.reshape(x, (*np.shape(x), *(1,) * np.ndim(y))), y)
        if (ufunc, method) in METHODS and options.keys() <= {"axis", "keepdims"}:
            return METHODS[ufunc, method](*inputs, **({"axis": 0} | options))
        what = f"np.{ufunc.__name__}" + (f".{method}" if method != "__call__" else "")
        given = f" with {', '.join(options)}=" if options else ""
        raise TypeError(
            f"{what}{given} on a Tensor can't be recorded; "
            f"use a plain call without out=, where= or dtype=, or detach: {what}(t.data)"
        )

    def __array_function__(
        self, function: Callable[..., Any], types: Any, args: Sequence[Any], options: dict[str, Any]
    ) -> Any:
        """Record NumPy's array functions."""
        implementation = NUMPY.get(function)
        if implementation is None:
            return _unsupported(function, args, options)
        if isinstance(implementation, Primitive) and len(args) > len(implementation.classes) + 1:
            name = _name(function)  # NumPy's first option is ours too; others differ in order
            raise TypeError(f"{name} of a Tensor takes its options by name after the first")
        return implementation(*args, **options)


def _bitwise(ufunc: np.ufunc, inputs: Sequence[Any]) -> Any:
    result = next(_tensors(inputs)).detach()
    result.label = ""
    try:
        result.data = np.asarray(ufunc(*stripped(tuple(inputs))))
        return result
    except TypeError as error:
        kinds = ", ".join(str(getattr(x, "dtype", type(x).__name__)) for x in inputs)
        raise TypeError(f"np.{ufunc.__name__} does not take {kinds}: {error}") from None


def _unsupported(function: Any, args: Sequence[Any], options: dict[str, Any]) -> Any:
    """Compute what can't be recorded where nothing needs recording; else name what can."""
    if any(x.requires_grad for x in _tensors((args, options))):
        name = _name(function)
        known = {f.__name__: _name(f) for f in NUMPY}
        near = difflib.get_close_matches(function.__name__, known, n=3, cutoff=0.5)
        nearest = f"the nearest that have one are {', '.join(known[n] for n in near)}; " if near else ""
        raise TypeError(
            f"{name} has no derivative rule here; {nearest}detach first ({name}(t.data)), compose it of "
            f"others (minigrad/rules/README.md lists them), or add a rule for it with mg.primitive"
        )
    return function(*stripped(tuple(args)), **stripped(options))


def _name(function: Any) -> str:
    """Return what a NumPy function is called in code."""
    module = getattr(function, "__module__", None) or "numpy"
    return f"{module.replace('numpy', 'np')}.{function.__name__}"


def _tensors(x: Any) -> Iterator[Any]:
    """Find the Tensors in arguments."""
    if isinstance(x, Dispatch):
        yield x
    elif isinstance(x, (tuple, list)):
        for part in x:
            yield from _tensors(part)
    elif isinstance(x, dict):
        yield from _tensors(list(x.values()))
