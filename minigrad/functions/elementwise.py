"""Elementwise functions with NumPy's signatures, where a primitive alone would not have them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..rules import NUMPY, arithmetic, decisions, gates
from ..rules.operands import as_array
from .arguments import operand, refuse

__all__ = ["clip", "leaky_relu", "nan_to_num", "select"]


def clip(x: Any, low: Any = None, high: Any = None) -> Any:
    """
    Return min(max(x, low), high) of a number, array, Tensor or Value; ``None`` is no bound.

    The derivative by x is 1 inside and at the bounds, 0 outside.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.clip(mg.tensor([-2.0, 0.5, 2.0]), -1, 1)
    tensor([-1. ,  0.5,  1. ])
    """
    return gates.clip(x, -np.inf if low is None else low, np.inf if high is None else high)


def leaky_relu(x: Any, slope: float = 0.01) -> Any:
    """
    Return x where it is positive, slope·x elsewhere.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.leaky_relu(mg.Value(-2.0)).data
    -0.02
    """
    return gates.leaky_relu(x, slope)


def nan_to_num(x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    """
    Return x with other numbers in place of nan, ∞ and −∞: 0 and the largest of its dtype, or those given.

    The derivative by x is 1 where it is finite, 0 elsewhere.

    Raises
    ------
    ValueError
        If ``copy=False`` asks to write into x.

    Examples
    --------
    >>> import numpy as np, minigrad as mg
    >>> x = mg.tensor([1.0, np.nan, np.inf], requires_grad=True)
    >>> y = mg.nan_to_num(x, posinf=9.0)
    >>> y.data
    array([1., 0., 9.])
    >>> y.sum().backward()
    >>> x.grad
    array([1., 0., 0.])
    """
    if isinstance(copy, str):
        raise ValueError(f"nan_to_num takes copy=True, not {copy!r}")
    if not copy:
        raise ValueError("nan_to_num gives a new array: copy=False, to write into x, is not supported")
    x = as_array(x) if isinstance(x, (list, tuple)) else x
    dtype = getattr(x, "dtype", np.dtype(float))
    if dtype.kind != "f":
        return gates.where(True, x, x)  # whole numbers are finite: a copy
    largest = float(np.finfo(dtype).max)
    x = gates.where(x == np.inf, largest if posinf is None else posinf, x)
    x = gates.where(x == -np.inf, -largest if neginf is None else neginf, x)
    return gates.where(x != x, nan, x)


def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Any:
    """
    Return, entry by entry, the choice of the first condition that holds, else the default.

    Conditions are boolean, choices arrays, Tensors or numbers; all shapes broadcast together. The derivative
    goes to the choice that was taken.

    Raises
    ------
    ValueError
        If there are no conditions, or not as many as choices.
    TypeError
        If a condition is not boolean.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor([-2.0, 0.5, 3.0])
    >>> mg.select([x < 0, x < 1], [-x, x * x], default=1.0)
    tensor([2.  , 0.25, 1.  ])
    """
    if len(condlist) != len(choicelist) or not condlist:
        raise ValueError(
            f"select takes one choice per condition, and at least one, "
            f"but got {len(condlist)} conditions and {len(choicelist)} choices"
        )
    for k, condition in enumerate(condlist):
        dtype = getattr(condition, "dtype", np.dtype(type(condition)))
        if dtype.kind != "b":
            raise TypeError(f"select takes boolean conditions, but condition {k} has dtype {dtype}")
    pairs = zip(reversed(condlist), reversed(choicelist), strict=True)
    return reduce(lambda rest, pair: gates.where(*pair, rest), pairs, default)


def _clip_as_numpy(
    x: Any,
    a_min: Any = None,
    a_max: Any = None,
    out: None = None,
    *,
    min: Any = None,
    max: Any = None,
    dtype: DTypeLike | None = None,
) -> Any:
    refuse("clip", out=out)
    if not (min is None and max is None) and not (a_min is None and a_max is None):
        raise ValueError("clip takes a_min and a_max, or min and max, which are other names of them")
    x, low, high = operand(x), a_min if min is None else min, a_max if max is None else max
    if dtype is not None:
        if not np.can_cast(x.dtype, dtype, "same_kind"):
            raise TypeError(f"clip makes no {np.dtype(dtype)} of {x.dtype}; convert it before: x.astype(...)")
        x = x.astype(np.dtype(dtype))
    if x.dtype.kind in "iu":  # bounds outside of what the dtype holds bound nothing
        lowest, highest = np.iinfo(x.dtype).min, np.iinfo(x.dtype).max
        low = lowest if low is None or (type(low) is int and low < lowest) else low
        high = highest if high is None or (type(high) is int and high > highest) else high
    return clip(x, low, high)


def _where_as_numpy(condition: Any, *branches: Any) -> Any:
    return gates.where(condition, *branches) if branches else np.nonzero(condition)


def _real(val: Any) -> Any:
    return val


def _divmod_as_numpy(x: Any, y: Any) -> tuple[Any, Any]:
    return decisions.floor_divide(x, y), arithmetic.remainder(x, y)


NUMPY |= {
    np.divmod: _divmod_as_numpy,
    np.clip: _clip_as_numpy,
    np.where: _where_as_numpy,
    np.nan_to_num: nan_to_num,
    np.select: select,
    np.real: _real,
}
