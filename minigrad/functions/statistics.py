"""Covariance and correlation, with NumPy's signatures."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..rules import NUMPY
from ..rules.operands import numbers
from .arguments import operand

__all__ = ["corrcoef", "cov"]


def cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: DTypeLike | None = None,
) -> Any:
    """
    Return the covariances Σ w·(xᵢ − x̄ᵢ)(xⱼ − x̄ⱼ) / (Σ w − ddof) of variables, in float64 at least.

    Parameters
    ----------
    m : array_like, shape (variables, observations) or (observations,)
        What was observed.
    y : array_like, optional
        More variables with the same observations.
    rowvar : bool
        Whether a variable is a row; if not, a column.
    bias : bool
        Whether ``ddof`` is 0 where it is not given, instead of 1.
    ddof : int, optional
        What is taken off the number of observations.
    fweights, aweights : array_like, shape (observations,), optional
        How often an observation was made, in whole numbers, and how much it counts.
    dtype
        Of the result.

    Returns
    -------
    Tensor or ndarray, shape (variables, variables) or ()

    Raises
    ------
    ValueError, TypeError
        If there are more than two axes, or weights are negative, not whole or not one per observation.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.cov(mg.tensor([[1.0, 2.0, 3.0], [2.0, 4.0, 9.0]]))
    tensor([[ 1. ,  3.5],
            [ 3.5, 13. ]])
    """
    kind = np.result_type(*(operand(each).dtype for each in (m, y) if each is not None), np.float64)
    if dtype is not None and np.dtype(dtype).kind != "f":
        raise TypeError(f"cov takes no dtype={np.dtype(dtype)}: covariances are in floating point")
    x = _variables(m, rowvar).astype(kind if dtype is None else np.dtype(dtype))
    if y is not None:
        x = np.concatenate([x, _variables(y, rowvar).astype(x.dtype)], axis=0)
    n = x.shape[1]
    if not x.shape[0]:
        return np.zeros((0, 0), dtype=x.dtype)
    ddof = (0 if bias else 1) if ddof is None else ddof
    if ddof != int(ddof):
        raise ValueError(f"cov: ddof is a whole number, not {ddof}")
    times, counts = _weights("fweights", fweights, n), _weights("aweights", aweights, n)
    w = times if counts is None else counts if times is None else times * counts
    total = n if w is None else np.sum(w)
    away = x - np.expand_dims((np.sum(x, axis=1) if w is None else x @ w) / total, 1)
    lost = ddof if counts is None or not ddof else ddof * np.sum(w * counts) / total
    if numbers(total) <= numbers(lost):
        raise ValueError(f"cov: {numbers(total)} observations are too few for ddof = {ddof}")
    return np.squeeze(away @ np.transpose(away if w is None else away * w)) / (total - lost)


def corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: DTypeLike | None = None) -> Any:
    """
    Return the correlations cᵢⱼ / √(cᵢᵢ·cⱼⱼ) of variables, whose covariances are c: see :func:`cov`.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.corrcoef(mg.tensor([[1.0, 2.0, 3.0], [2.0, 2.0, 4.0]])).data.round(3)
    array([[1.   , 0.866],
           [0.866, 1.   ]])
    """
    c = cov(x, y, rowvar, dtype=dtype)
    if c.ndim == 0:
        return c / c
    deviation = np.sqrt(np.diagonal(c))
    return np.clip(c / np.expand_dims(deviation, 1) / deviation, -1, 1)


def _variables(m: Any, rowvar: bool) -> Any:
    """The observations, a row for each variable."""
    x = operand(m)
    if x.ndim > 2:
        raise ValueError(f"cov takes variables and their observations, two axes at most, not {x.shape}")
    return np.atleast_2d(x) if rowvar or x.ndim < 2 else np.transpose(x)


def _weights(name: str, weights: Any, n: int) -> Any:
    if weights is None:
        return None
    w = operand(weights)
    if w.shape != (n,):
        raise ValueError(f"cov: {name} are one for each of {n} observations, but their shape is {w.shape}")
    if (numbers(w) < 0).any():
        raise ValueError(f"cov: {name} are 0 or more, but some are negative")
    if name == "fweights" and (numbers(w) % 1 != 0).any():
        raise TypeError("cov: fweights are whole numbers; aweights may be others")
    return w.astype(float)


NUMPY |= {getattr(np, name): globals()[name] for name in __all__}
