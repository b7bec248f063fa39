"""What functions of matrices take: arrays with two axes or more, of which the last two are the matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.linalg import LinAlgError

from ..rules.products import transposed
from .arguments import operand


def matrix(name: str, x: Any) -> Any:
    """Return the operand of the function ``name`` if it has the axes of a matrix."""
    x = operand(x)
    if x.ndim < 2:
        raise LinAlgError(f"{name} got shape {x.shape}; it takes matrices (..., rows, columns)")
    return x


def square(name: str, x: Any) -> Any:
    """Return the operand of the function ``name`` if it has as many rows as columns."""
    x = operand(x)
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise LinAlgError(f"{name} got shape {x.shape}; it takes square matrices (..., n, n)")
    return x


def symmetric(name: str, x: Any) -> Any:
    """Return the symmetric matrices with these lower triangles."""
    lower = np.tril(square(name, x))
    return lower + transposed(np.tril(lower, -1))


def floats(x: Any) -> Any:
    """Return whole numbers as floats, and floats as they are."""
    return x if x.dtype.kind == "f" else x.astype(float)
