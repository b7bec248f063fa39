"""What functions with NumPy's signatures are given: arrays of any kind, options that can't be recorded."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from ..rules.operands import as_array

ADVICE = {
    "out": "a recorded result is a new Tensor, so assign it: y = {0}(x)",
    "where": "replace what shall not count first: {0}(np.where(mask, x, neutral))",
    "initial": "combine it with the result, or append it to the entries first",
    "mean": "leave it out, it is computed along with the result",
    "order": "entries are stored row by row; transpose first for another order",
    "weights": "weighted quantiles have no rule here",
}


_DEEPEST = 64
"""Axes that an array of NumPy's has at most."""


def operand(x: Any) -> Any:
    """Return an array or a Tensor as it is; make an array of numbers and lists, a Tensor of lists of them."""
    if hasattr(x, "shape") and type(x) is not np.ndarray:
        return as_array(x) if isinstance(x, np.ndarray) else x  # a matrix or a masked array
    return np.stack([operand(part) for part in x]) if _holds_tensors(x) else as_array(x)


def _holds_tensors(x: Any, depth: int = 0) -> bool:
    if not isinstance(x, (list, tuple)):
        return hasattr(x, "requires_grad")
    if depth > _DEEPEST:
        raise ValueError(
            f"an array has {_DEEPEST} axes at most, but lists are deeper; does one contain itself?"
        )
    return any(_holds_tensors(part, depth + 1) for part in x)


def refuse(function: str, **options: Any) -> None:
    """
    Raise for options of NumPy's that were given but that a recorded result can't follow.

    Raises
    ------
    TypeError
        Saying what to write instead.
    """
    for name, value in options.items():
        row_by_row = isinstance(value, str) and value == "C"
        if not (value is None or value is np._NoValue or value is True or row_by_row):
            raise TypeError(
                f"np.{function} of a Tensor takes no {name}=: {ADVICE[name].format('np.' + function)}"
            )


def one_axis(function: str, axis: Any, x: Any) -> int:
    """
    Return an axis of ``x``, counted from 0.

    Raises
    ------
    AxisError, TypeError
        If there is no such axis, naming the function that was called.
    """
    try:
        return normalize_axis_index(axis, x.ndim)
    except (ValueError, TypeError) as error:
        raise _no_axis(function, axis, x, error) from None


def several_axes(function: str, axis: Any, x: Any, repeated: bool = False) -> tuple[int, ...]:
    """Return one or several axes of ``x``, counted from 0, all different unless they may be ``repeated``."""
    try:
        return normalize_axis_tuple(axis, x.ndim, allow_duplicate=repeated)
    except (ValueError, TypeError) as error:
        raise _no_axis(function, axis, x, error) from None


def _no_axis(function: str, axis: Any, x: Any, error: Exception) -> Exception:
    there = f"those from {-x.ndim} to {x.ndim - 1}" if x.ndim else "none"
    return type(error)(f"{function} got axis {axis!r} of shape {x.shape}, where there are {there}: {error}")


def along(axis: int, part: Any) -> tuple[Any, ...]:
    """Return the index that applies ``part`` to one axis, counted from 0, and takes all of those before."""
    return (*(slice(None),) * axis, part)
