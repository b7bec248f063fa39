"""Polynomials as rows of coefficients, the highest power first, with NumPy's signatures."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..rules import NUMPY
from ..rules.operands import numbers
from .arguments import operand
from .signals import convolve

__all__ = ["poly", "polyadd", "polyder", "polydiv", "polyint", "polymul", "polysub", "polyval", "vander"]


def polyval(p: Any, x: Any) -> Any:
    """
    Return the value of a polynomial at ``x``, by Horner's rule.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.polyval([1.0, 0.0, 2.0], mg.tensor([3.0, 4.0]))
    tensor([11., 18.])
    """
    p, x = _coefficients(p), operand(x)
    y = np.zeros_like(numbers(x))
    for k in range(p.size):
        y = y * x + p[k]
    return y


def poly(seq_of_zeros: Any) -> Any:
    """
    Return the polynomial Π (x − zₖ) that has these zeros.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.poly(mg.tensor([1.0, 2.0]))
    tensor([ 1., -3.,  2.])
    """
    zeros = operand(seq_of_zeros)
    if zeros.ndim > 1:
        raise ValueError(
            f"poly takes a row of zeros, but got shape {zeros.shape}; those of a matrix are its eigenvalues, "
            f"np.linalg.eigvalsh for a symmetric one"
        )
    zeros = np.reshape(zeros if zeros.dtype.kind == "f" else zeros.astype(float), (-1,))
    p = np.ones(1, dtype=zeros.dtype)
    for k in range(zeros.size):
        p = convolve(p, np.concatenate([np.ones(1, dtype=zeros.dtype), -zeros[k : k + 1]]))
    return p


def polyadd(a1: Any, a2: Any) -> Any:
    """
    Return the sum of two polynomials.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.polyadd(mg.tensor([1.0, 2.0]), [3.0, 0.0, 0.0])
    tensor([3., 1., 2.])
    """
    first, second = _aligned(a1, a2)
    return first + second


def polysub(a1: Any, a2: Any) -> Any:
    """
    Return the difference of two polynomials.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.polysub(mg.tensor([1.0, 2.0]), [3.0])
    tensor([ 1., -1.])
    """
    first, second = _aligned(a1, a2)
    return first - second


def polymul(a1: Any, a2: Any) -> Any:
    """
    Return the product of two polynomials, without the zeros that lead them.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.polymul(mg.tensor([1.0, 2.0]), [0.0, 1.0, -2.0])
    tensor([ 1.,  0., -4.])
    """
    return convolve(_led(_coefficients(a1)), _led(_coefficients(a2)))


def polydiv(u: Any, v: Any) -> tuple[Any, Any]:
    """
    Return quotient and remainder of two polynomials, by long division.

    The remainder is without the zeros that lead it, which it has as long as it is smaller by a power or more.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.polydiv(mg.tensor([3.0, 5.0, 2.0]), [2.0, 1.0])
    (tensor([1.5 , 1.75]), tensor([0.25]))
    """
    rest, v = _coefficients(u) + 0.0, _coefficients(v) + 0.0
    if not v.size or not rest.size or numbers(v)[0] == 0:
        raise ValueError(
            f"polydiv takes a divisor that does not start with 0, and a dividend with one coefficient or "
            f"more, but got {numbers(v)} and {numbers(rest)}; np.trim_zeros(v, 'f') shortens it"
        )
    rest = rest.astype(np.result_type(rest.dtype, v.dtype))
    quotient, scale = [], 1 / v[0]
    for k in range(rest.size - v.size + 1):
        after = k + v.size
        quotient.append(scale * rest[k])
        rest = np.concatenate([rest[:k], rest[k:after] - quotient[-1] * v, rest[after:]])
    held = np.flatnonzero(~np.isclose(numbers(rest), 0, rtol=0, atol=1e-8))
    rest = rest[held[0] if held.size else -1 :]
    return (np.stack(quotient) if quotient else np.zeros(1, dtype=rest.dtype)), rest


def polyder(p: Any, m: int = 1) -> Any:
    """
    Return the derivative of a polynomial, ``m`` times over.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.polyder(mg.tensor([1.0, 2.0, 3.0]))
    tensor([2., 2.])
    """
    p = _coefficients(p)
    if m < 0:
        raise ValueError(f"polyder differentiates m ≥ 0 times, but m = {m}; polyint goes the other way")
    for _ in range(m):
        p = p[:-1] * np.arange(p.size - 1, 0, -1)
    return p


def polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    """
    Return the antiderivative of a polynomial, ``m`` times over.

    Parameters
    ----------
    p : array_like
        The coefficients.
    m : int
        How often.
    k : array_like, optional
        The constants, of the first antiderivative first; one for all, or 0.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.polyint(mg.tensor([2.0, 2.0]), k=3.0)
    tensor([1., 2., 3.])
    """
    p, constants = _coefficients(p), np.atleast_1d(operand(0.0 if k is None else k))
    if m < 0:
        raise ValueError(f"polyint integrates m ≥ 0 times, but m = {m}; polyder goes the other way")
    if constants.size == 1:
        constants = np.broadcast_to(constants, (m,))
    if constants.size < m:
        raise ValueError(f"polyint takes one constant or {m}, one each time, but got {constants.size}")
    for j in range(m):
        p = np.concatenate([p / np.arange(p.size, 0, -1), constants[j : j + 1]])
    return p


def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """
    Return the powers of the entries of ``x``, a row for each: N of them, the highest first.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.vander(mg.tensor([2.0, 3.0]), 3)
    tensor([[4., 2., 1.],
            [9., 3., 1.]])
    """
    x = operand(x)
    if x.ndim != 1:
        raise ValueError(f"vander takes a row of numbers, but got shape {x.shape}")
    columns = x.size if N is None else operator.index(N)
    if columns < 0:
        raise ValueError(f"vander has N ≥ 0 columns, but N = {N}")
    column = np.expand_dims(x.astype(np.promote_types(x.dtype, int)), 1)
    once = np.broadcast_to(column, (x.size, max(columns - 1, 0)))
    powers = np.cumprod(np.concatenate([np.ones((x.size, 1), dtype=column.dtype), once], axis=1), axis=1)
    return powers[:, :columns] if increasing else np.flip(powers[:, :columns], 1)


def _coefficients(p: Any) -> Any:
    p = np.atleast_1d(operand(p))
    if p.ndim > 1:
        raise ValueError(f"a polynomial is a row of coefficients, but got shape {p.shape}")
    return p


def _aligned(a1: Any, a2: Any) -> tuple[Any, Any]:
    """Two rows of coefficients, with zeros in front of the shorter one."""
    first, second = _coefficients(a1), _coefficients(a2)
    n = max(first.size, second.size)
    return tuple(  # type: ignore[return-value]
        p if p.size == n else np.concatenate([np.zeros(n - p.size, dtype=p.dtype), p])
        for p in (first, second)
    )


def _led(p: Any) -> Any:
    """Coefficients without the zeros in front; one at least."""
    held = np.flatnonzero(numbers(p))
    return p[held[0] :] if held.size else np.zeros(1, dtype=p.dtype)


NUMPY |= {getattr(np, name): globals()[name] for name in __all__}
