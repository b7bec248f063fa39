"""
``mg.linalg``: linear algebra with the names and signatures of :mod:`numpy.linalg`, and derivatives.

The last two axes are matrices, all axes before them a batch. float32 stays float32. Functions of symmetric
matrices (``cholesky``, ``eigh``) read one triangle, as NumPy's do: the derivative by the other one is 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from string import ascii_letters
from typing import Any, NamedTuple

import numpy as np
from numpy.linalg import LinAlgError
from numpy.typing import DTypeLike

from ..rules import NUMPY, linear_algebra
from ..rules.operands import numbers
from ..rules.products import matmul, transposed
from .arguments import operand, refuse
from .decompositions import EighResult, QRResult, SVDResult, cholesky, eigh, eigvalsh, qr, svd, svdvals
from .matrices import floats, matrix, square, symmetric
from .norms import matrix_norm, norm, vector_norm
from .products import cross, einsum, outer, tensordot, vecdot

__all__ = [
    "EighResult",
    "LinAlgError",
    "QRResult",
    "SVDResult",
    "SlogdetResult",
    "cholesky",
    "cond",
    "cross",
    "det",
    "diagonal",
    "eigh",
    "eigvalsh",
    "inv",
    "lstsq",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "matrix_transpose",
    "multi_dot",
    "norm",
    "outer",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "svd",
    "svdvals",
    "tensordot",
    "tensorinv",
    "tensorsolve",
    "trace",
    "vecdot",
    "vector_norm",
]


class SlogdetResult(NamedTuple):
    """det A = sign · exp(logabsdet)."""

    sign: Any
    logabsdet: Any


# Solving and inverting


def solve(a: Any, b: Any) -> Any:
    """
    Return the x with a @ x = b.

    Parameters
    ----------
    a : array_like, shape (..., n, n)
        The matrices.
    b : array_like, shape (n,) or (..., n, k)
        A vector only if it has one axis; leading axes broadcast.

    Raises
    ------
    numpy.linalg.LinAlgError
        If a matrix is singular.
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.linalg.solve(mg.tensor([[2.0, 0.0], [0.0, 4.0]]), [1.0, 1.0])
    tensor([0.5 , 0.25])
    """
    a, b = square("solve", a), operand(b)
    if b.ndim == 0 or b.shape[-2 if b.ndim > 1 else -1] != a.shape[-1]:
        raise ValueError(
            f"solve got a {a.shape} and b {b.shape}; "
            f"b must be ({a.shape[-1]},) or (..., {a.shape[-1]}, columns)"
        )
    return linear_algebra.solve(a, b) if b.ndim > 1 else linear_algebra.solve(a, np.expand_dims(b, 1))[..., 0]


def inv(a: Any) -> Any:
    """
    Return the inverse matrices, shape (..., n, n); numpy.linalg.LinAlgError if one has none.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.linalg.inv(mg.tensor([[2.0, 0.0], [0.0, 4.0]]))
    tensor([[0.5 , 0.  ],
            [0.  , 0.25]])
    """
    return linear_algebra.inv(square("inv", a))


def pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    """
    Return the pseudoinverses of matrices (..., m, n), shape (..., n, m).

    Singular values up to ``rcond`` (or ``rtol``) times the largest count as 0. The derivative is that among
    matrices of the same rank. Of ``hermitian`` (symmetric) ones the lower triangle is read.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.linalg.pinv(mg.tensor([[2.0], [0.0]]))
    tensor([[0.5, 0. ]])
    """
    a = symmetric("pinv", a) if hermitian else matrix("pinv", a)
    return linear_algebra.pinv(a, rcond=rtol if rcond is None else rcond)


def lstsq(a: Any, b: Any, rcond: float | None = None) -> tuple[Any, Any, Any, Any]:
    """
    Return the smallest x with the least ‖b − a @ x‖, the square of that, the rank and singular values of a.

    All but the rank have derivatives: that of x is among matrices of the same rank, as of :func:`pinv`.

    Parameters
    ----------
    a : array_like, shape (m, n)
        The matrix.
    b : array_like, shape (m,) or (m, k)
        One right side, or several as columns.
    rcond : float, optional
        Singular values up to this times the largest count as 0; by default the rounding of max(m, n) numbers.

    Returns
    -------
    x : Tensor or ndarray, shape (n,) or (n, k)
    residuals : Tensor or ndarray, shape (k,)
        Empty unless m > n = rank, as in NumPy.
    rank : int
    singular_values : Tensor or ndarray, shape (min(m, n),)

    Raises
    ------
    numpy.linalg.LinAlgError
        If the shapes do not fit.

    Examples
    --------
    >>> import numpy as np, minigrad as mg
    >>> line = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
    >>> y = mg.tensor([1.0, 3.0, 5.0], requires_grad=True)
    >>> x, *_ = np.linalg.lstsq(line, y)
    >>> x.data.round(9)
    array([1., 2.])
    """
    a, b = floats(matrix("lstsq", a)), floats(operand(b))
    if a.ndim != 2 or b.ndim not in (1, 2) or len(a) != len(b):
        raise LinAlgError(f"lstsq got a {a.shape} and b {b.shape}; they must be (m, n) and (m,) or (m, k)")
    m, n = a.shape
    rounding = float(np.finfo(a.dtype).eps)
    cut = rounding * max(m, n) if rcond is None else rounding if rcond < 0 else rcond
    values = svdvals(a)
    rank = np.int32(np.sum(numbers(values) > cut * np.max(numbers(values), initial=0)))
    x = matmul(pinv(a, cut), b)
    away = np.reshape(b - matmul(a, x), (m, -1))
    residuals = np.sum(away * away, axis=0)
    return x, residuals if m > n == rank else residuals[:0], rank, values


def tensorsolve(a: Any, b: Any, axes: Sequence[int] | None = None) -> Any:
    """
    Return the x with tensordot(a, x, x.ndim) = b, after moving ``axes`` of ``a`` to its end.

    Examples
    --------
    >>> import numpy as np, minigrad as mg
    >>> mg.linalg.tensorsolve(mg.tensor(2 * np.eye(4).reshape(4, 2, 2)), [2.0, 4.0, 6.0, 8.0])
    tensor([[1., 2.],
            [3., 4.]])
    """
    a, b = operand(a), operand(b)
    last = [axis % a.ndim for axis in axes or ()]
    a = np.transpose(a, (*(axis for axis in range(a.ndim) if axis not in last), *last))
    shape = a.shape[b.ndim :]
    if math.prod(shape) != b.size or math.prod(a.shape[: b.ndim]) != b.size:
        square = math.prod(shape) == math.prod(a.shape[: b.ndim])
        raise (ValueError if square else LinAlgError)(
            f"tensorsolve got a {a.shape} and b {b.shape}; a must have the axes of b first, "
            f"then axes with as many entries in all"
        )
    return np.reshape(solve(np.reshape(a, (b.size, b.size)), np.reshape(b, (b.size,))), shape)


def tensorinv(a: Any, ind: int = 2) -> Any:
    """
    Return the inverse of tensordot(a, ·), where the first ``ind`` axes of ``a`` are the result's.

    Examples
    --------
    >>> import numpy as np, minigrad as mg
    >>> mg.linalg.tensorinv(mg.tensor(np.eye(4).reshape(4, 2, 2)), ind=1).shape
    (2, 2, 4)
    """
    a = operand(a)
    rows = math.prod(a.shape[:ind])
    if ind < 1 or rows != math.prod(a.shape[ind:]):
        raise (ValueError if ind < 1 else LinAlgError)(
            f"tensorinv got shape {a.shape} with ind={ind}; the first {ind} axes and the others "
            f"must have as many entries"
        )
    return np.reshape(inv(np.reshape(a, (rows, rows))), (*a.shape[ind:], *a.shape[:ind]))


# Determinants


def det(a: Any) -> Any:
    """
    Return the determinants, shape (...).

    The derivative is the matrix of cofactors, which is finite and right, in every order, also where a matrix
    is singular; there it costs n⁵.

    Examples
    --------
    >>> import minigrad as mg
    >>> a = mg.tensor([[1.0, 2.0], [2.0, 4.0]], requires_grad=True)
    >>> mg.linalg.det(a).backward()
    >>> a.grad
    array([[ 4., -2.],
           [-2.,  1.]])
    """
    return linear_algebra.det(square("det", a))


def slogdet(a: Any) -> SlogdetResult:
    """
    Return the sign of the determinants and the logarithm of their absolute values.

    The sign is a constant. At a singular matrix the derivative raises numpy.linalg.LinAlgError.

    Examples
    --------
    >>> import minigrad as mg
    >>> sign, logabsdet = mg.linalg.slogdet(mg.tensor([[0.0, 1.0], [1.0, 0.0]]))
    >>> sign.item(), logabsdet.item()
    (-1.0, 0.0)
    """
    a = square("slogdet", a)
    return SlogdetResult(linear_algebra.signdet(a), linear_algebra.logabsdet(a))


# Products


def matrix_power(a: Any, n: int) -> Any:
    """
    Return the product of ``n`` factors ``a``, or of −n factors ``inv(a)``.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.linalg.matrix_power(mg.tensor([[1.0, 1.0], [0.0, 1.0]]), 3)
    tensor([[1., 3.],
            [0., 1.]])
    """
    a = square("matrix_power", a)
    if not isinstance(n, (int, np.integer)):
        raise TypeError(f"matrix_power takes a whole number of factors, but got {n!r}")
    factor, power = (a, int(n)) if n >= 0 else (inv(a), -int(n))
    result = None  # no factor yet
    while power:
        power, odd = divmod(power, 2)
        if odd:
            result = factor if result is None else matmul(result, factor)
        factor = matmul(factor, factor) if power else factor
    identity = np.eye(a.shape[-1], dtype=a.dtype)
    return np.where(True, identity, a) if result is None else result


def multi_dot(arrays: Sequence[Any], *, out: Any = None) -> Any:
    """
    Return the product of matrices in the cheapest order; the first and the last may be vectors.

    Examples
    --------
    >>> import numpy as np, minigrad as mg
    >>> a = mg.tensor(np.ones((2, 3)))
    >>> mg.linalg.multi_dot([a, np.ones((3, 4)), np.ones(4)])
    tensor([12., 12.])
    """
    refuse("linalg.multi_dot", out=out)
    factors = [operand(x) for x in arrays]
    if len(factors) < 2 or not all(
        x.ndim == 2 or (x.ndim == 1 and k in (0, len(factors) - 1)) for k, x in enumerate(factors)
    ):
        raise (ValueError if len(factors) < 2 else LinAlgError)(
            f"multi_dot takes 2 matrices or more, vectors only at the ends, but got the shapes "
            f"{', '.join(str(x.shape) for x in factors)}"
        )
    terms = ["".join(pair) for pair in pairwise(ascii_letters[: len(factors) + 1])]
    terms[0] = terms[0][2 - factors[0].ndim :]  # a vector has no rows, or no columns
    terms[-1] = terms[-1][: factors[-1].ndim]
    free = terms[0][: factors[0].ndim - 1] + terms[-1][1 : factors[-1].ndim]
    return einsum(f"{','.join(terms)}->{free}", *factors, optimize=True)


def matrix_transpose(x: Any) -> Any:
    """
    Swap the last two axes.

    Examples
    --------
    >>> import numpy as np, minigrad as mg
    >>> mg.linalg.matrix_transpose(mg.tensor(np.ones((5, 2, 3)))).shape
    (5, 3, 2)
    """
    return transposed(matrix("matrix_transpose", x))


def diagonal(x: Any, *, offset: int = 0) -> Any:
    """
    Return the diagonals, or those ``offset`` to the right of them.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.linalg.diagonal(mg.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([1., 4.])
    """
    x = matrix("diagonal", x)
    down, right = max(-offset, 0), max(offset, 0)
    steps = np.arange(max(min(x.shape[-2] - down, x.shape[-1] - right), 0))
    return x[..., down + steps, right + steps]


def trace(x: Any, *, offset: int = 0, dtype: DTypeLike | None = None) -> Any:
    """
    Return the sums of the diagonals, or of those ``offset`` to the right of them.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.linalg.trace(mg.tensor([[1.0, 2.0], [3.0, 4.0]])).item()
    5.0
    """
    return np.sum(diagonal(x, offset=offset), axis=-1, dtype=dtype)


# Numbers


def cond(x: Any, p: Any = None) -> Any:
    """
    Return how much a matrix may enlarge relative errors: ‖x‖·‖x⁻¹‖, or σ₁/σₙ without ``p``.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.linalg.cond(mg.tensor([[8.0, 0.0], [0.0, 4.0]])).item()
    2.0
    """
    if p in (None, 2, -2):
        values = svdvals(x)
        largest, smallest = values[..., 0], values[..., -1]
        return smallest / largest if p == -2 else largest / smallest
    return matrix_norm(x, ord=p) * matrix_norm(inv(x), ord=p)


def matrix_rank(A: Any, tol: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    """
    Return the number of singular values that are not 0, a constant.

    Examples
    --------
    >>> import numpy as np, minigrad as mg
    >>> int(mg.linalg.matrix_rank(mg.tensor(np.ones((3, 3)))))
    1
    """
    return np.linalg.matrix_rank(numbers(operand(A)), tol, hermitian, rtol=rtol)


NUMPY |= {
    getattr(np.linalg, name): globals()[name] for name in __all__ if not name.endswith(("Error", "Result"))
}
