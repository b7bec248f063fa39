"""Norms of vectors and of matrices; see ``mg.linalg``."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..rules import linear_algebra
from .arguments import operand
from .decompositions import svdvals
from .matrices import floats, matrix

Axis: TypeAlias = int | tuple[int, ...] | None


def norm(x: Any, ord: Any = None, axis: Axis = None, keepdims: bool = False) -> Any:
    """
    Return the norm of a vector or matrix, or of those along one or two axes.

    Parameters
    ----------
    x : array_like
        The vectors or matrices.
    ord : number, inf, −inf, "fro" or "nuc", optional
        Vectors: (Σ |x|^ord)^(1/ord), the largest or smallest |x|, 0 counts (and is a constant). Matrices:
        1 and inf the largest column or row sum of |x| (negative: the smallest), 2 and −2 the largest and
        smallest singular value, "nuc" the sum of all, "fro" as a vector. None: Euclidean, of all entries.
    axis : int or pair of int, optional
        The axis of the vectors, or the axes of the matrices; by default all.
    keepdims : bool
        Leave those axes with length 1.

    Returns
    -------
    Tensor or number; where the norm is 0, so is its derivative

    Raises
    ------
    ValueError
        If there is no such norm.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor([3.0, 4.0], requires_grad=True)
    >>> length = mg.linalg.norm(x)
    >>> length.backward()
    >>> length.item(), x.grad
    (5.0, array([0.6, 0.8]))
    """
    x = operand(x)
    if axis is None and ord is None:
        return vector_norm(x, keepdims=keepdims)
    axes = _axes(x, axis)
    if len(axes) == 1:
        return vector_norm(x, axis=axes[0], ord=2 if ord is None else ord, keepdims=keepdims)
    if len(axes) != 2:
        raise ValueError(f"norm is along one axis or two, but got axis={axis} of shape {x.shape}; say which")
    if ord is None:
        return vector_norm(x, axis=axes, keepdims=keepdims)
    others = tuple(a for a in range(x.ndim) if a not in axes)
    found = matrix_norm(np.transpose(x, (*others, *axes)), ord=ord)
    return np.expand_dims(found, tuple(sorted(axes))) if keepdims else found


def vector_norm(x: Any, *, axis: Axis = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """
    Return the norms of vectors, whose entries lie along any axes; see :func:`norm`.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.linalg.vector_norm(mg.tensor([[3.0, 4.0]]), ord=1).item()
    7.0
    """
    x = floats(operand(x))
    axes = _axes(x, axis)
    if isinstance(ord, str) or not isinstance(ord, (int, float, np.integer, np.floating)):
        raise ValueError(f"norm of a vector got ord={ord!r}; it must be a number, inf or -inf")
    if ord == np.inf:
        return np.max(np.absolute(x), axis=axes, keepdims=keepdims)
    if ord == -np.inf:
        return np.min(np.absolute(x), axis=axes, keepdims=keepdims)
    if ord == 0:
        return np.sum((x != 0).astype(x.dtype), axis=axes, keepdims=keepdims)
    return linear_algebra.p_norm(
        x, p=ord if isinstance(ord, int) else float(ord), axis=axes, keepdims=keepdims
    )


def matrix_norm(x: Any, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    """
    Return the norms of matrices; see :func:`norm`.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.linalg.matrix_norm(mg.tensor([[3.0, 0.0], [0.0, 4.0]]), ord="nuc").item()
    7.0
    """
    x = floats(matrix("matrix_norm", x))
    if ord not in ("fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf):
        raise ValueError(f"norm of a matrix got ord={ord!r}; it must be 'fro', 'nuc', ±1, ±2 or ±inf")
    if ord == "fro":
        return vector_norm(x, axis=(-2, -1), keepdims=keepdims)
    sums = {1: -2, -1: -2, np.inf: -1, -np.inf: -1}
    sizes = np.sum(np.absolute(x), axis=sums[ord]) if ord in sums else svdvals(x)
    found = (np.sum if ord == "nuc" else np.max if ord > 0 else np.min)(sizes, axis=-1)
    return np.expand_dims(found, (-2, -1)) if keepdims else found


def _axes(x: Any, axis: Axis) -> tuple[int, ...]:
    """Return all axes for None, else those given, counted from 0."""
    if axis is None:
        return tuple(range(x.ndim))
    return normalize_axis_tuple(axis, x.ndim, "norm")
