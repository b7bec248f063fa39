"""Elementwise functions with NumPy's signatures, where a primitive alone would not have them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..rules import NUMPY, gates

__all__ = ["clip", "leaky_relu"]


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


def _clip_as_numpy(x: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    return clip(x, a_min if min is None else min, a_max if max is None else max)


def _where_as_numpy(condition: Any, *branches: Any) -> Any:
    return gates.where(condition, *branches) if branches else np.nonzero(condition)


NUMPY |= {np.clip: _clip_as_numpy, np.where: _where_as_numpy}
