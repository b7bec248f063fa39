"""Functions with NumPy's own signatures, where a primitive alone would not have them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .rules import NUMPY, gates, shaping


def concatenate(arrays: Sequence[Any], axis: int | None = 0) -> Any:
    """
    Join arrays or Tensors along an existing axis; for ``None``, all their entries in a row.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.concatenate([mg.tensor([1.0]), mg.tensor([2.0, 3.0])])
    tensor([1., 2., 3.])
    """
    parts = _several("concatenate", arrays)
    if axis is None:  # as NumPy: of all entries in a row
        return shaping.concatenate(*(shaping.reshape(part, shape=(-1,)) for part in parts))
    return shaping.concatenate(*parts, axis=axis)


def stack(arrays: Sequence[Any], axis: int = 0) -> Any:
    """
    Join arrays or Tensors of one shape along a new axis.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.stack([mg.tensor([1.0, 2.0]), mg.tensor([3.0, 4.0])]).shape
    (2, 2)
    """
    return shaping.stack(*_several("stack", arrays), axis=axis)


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


def _several(name: str, arrays: Any) -> Sequence[Any]:
    if not isinstance(arrays, (list, tuple)) or not arrays:
        what = f"one of shape {arrays.shape}" if hasattr(arrays, "shape") else repr(arrays)
        raise ValueError(f"{name} takes a list of arrays with at least one in it, but got {what}")
    return arrays


def _clip_as_numpy(x: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    return clip(x, a_min if min is None else min, a_max if max is None else max)


def _where_as_numpy(condition: Any, *branches: Any) -> Any:
    return gates.where(condition, *branches) if branches else np.nonzero(condition)


NUMPY |= {
    np.concatenate: concatenate,
    np.stack: stack,
    np.clip: _clip_as_numpy,
    np.where: _where_as_numpy,
}
