"""Putting arrays together, as NumPy's functions of lists of arrays do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..rules import NUMPY, shaping

__all__ = ["concatenate", "stack"]


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


def _several(name: str, arrays: Any) -> Sequence[Any]:
    if not isinstance(arrays, (list, tuple)) or not arrays:
        what = f"one of shape {arrays.shape}" if hasattr(arrays, "shape") else repr(arrays)
        raise ValueError(f"{name} takes a list of arrays with at least one in it, but got {what}")
    return arrays


NUMPY |= {np.concatenate: concatenate, np.stack: stack}
