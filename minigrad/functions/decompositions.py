"""Matrices as products of simpler ones: Cholesky, eigenvalues, singular values, QR; see ``mg.linalg``."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..rules import linear_algebra
from ..rules.products import matmul, transposed
from .matrices import matrix, square, symmetric


class EighResult(NamedTuple):
    """A = eigenvectors · diag(eigenvalues) · eigenvectorsᵀ."""

    eigenvalues: Any
    eigenvectors: Any


class SVDResult(NamedTuple):
    """A = U · diag(S) · Vh."""

    U: Any
    S: Any
    Vh: Any


class QRResult(NamedTuple):
    """A = Q · R."""

    Q: Any
    R: Any


def cholesky(a: Any, *, upper: bool = False) -> Any:
    """
    Return the lower triangular L with L Lᵀ = a, or the upper Lᵀ, of symmetric positive definite matrices.

    Only that triangle of ``a`` is read, and has a derivative.

    Raises
    ------
    numpy.linalg.LinAlgError
        If a matrix is not positive definite.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.linalg.cholesky(mg.tensor([[4.0, 2.0], [2.0, 5.0]]))
    tensor([[2., 0.],
            [1., 2.]])
    """
    return linear_algebra.cholesky(square("cholesky", a), upper=upper)


def eigh(a: Any, UPLO: str = "L") -> EighResult:
    """
    Return eigenvalues, ascending, and eigenvectors, as columns, of symmetric matrices.

    Where eigenvalues are equal, the derivatives of their eigenvectors do not exist: 0 among these.

    Parameters
    ----------
    a : array_like, shape (..., n, n)
        The matrices.
    UPLO : {"L", "U"}
        Which triangle is read, and has a derivative: the lower or the upper one.

    Raises
    ------
    ValueError
        For another triangle.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.linalg.eigh(mg.tensor([[2.0, 0.0], [0.0, 1.0]])).eigenvalues
    tensor([1., 2.])
    """
    if UPLO.upper() not in ("L", "U"):
        raise ValueError(f'eigh reads one triangle, UPLO="L" or "U", but got {UPLO!r}')
    packed = linear_algebra.eigenpairs(square("eigh", a), upper=UPLO.upper() == "U")
    return EighResult(packed[..., 0, :], packed[..., 1:, :])


def eigvalsh(a: Any, UPLO: str = "L") -> Any:
    """
    Return the eigenvalues of symmetric matrices, ascending, shape (..., n): see :func:`eigh`.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.linalg.eigvalsh(mg.tensor([[2.0, 0.0], [0.0, 1.0]]))
    tensor([1., 2.])
    """
    return eigh(a, UPLO).eigenvalues


def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    """
    Return the singular value decomposition U, S, Vh; S alone if not ``compute_uv``.

    Of ``hermitian`` (symmetric) matrices the lower triangle is read.

    Raises
    ------
    ValueError
        If ``full_matrices`` and the matrices are not square: vectors without a singular value are arbitrary,
        and have no derivative.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.linalg.svd(mg.tensor([[3.0, 0.0], [0.0, 4.0]])).S
    tensor([4., 3.])
    """
    a = symmetric("svd", a) if hermitian else matrix("svd", a)
    m, n = a.shape[-2:]
    if full_matrices and compute_uv and m != n:
        raise ValueError(
            f"svd got shape {a.shape}: only {min(m, n)} vectors on each side have a derivative; "
            f"say full_matrices=False"
        )
    packed = linear_algebra.singular_triplets(a)
    values = packed[..., m, :]
    return (
        SVDResult(packed[..., :m, :], values, transposed(packed[..., m + 1 :, :])) if compute_uv else values
    )


def svdvals(x: Any) -> Any:
    """
    Return the singular values, descending, shape (..., min(m, n)).

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.linalg.svdvals(mg.tensor([[3.0, 0.0], [0.0, 4.0]]))
    tensor([4., 3.])
    """
    return svd(x, compute_uv=False)


def qr(a: Any, mode: str = "reduced") -> Any:
    """
    Return Q, with orthonormal columns, and the upper triangular R with Q R = a; R alone for ``mode="r"``.

    Raises
    ------
    ValueError
        For another mode.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.linalg.qr(mg.tensor([[3.0, 1.0], [4.0, 2.0]])).R.shape
    (2, 2)
    """
    if mode not in ("reduced", "r"):
        raise ValueError(f'qr got mode={mode!r}; only "reduced" and "r" have derivatives')
    a = matrix("qr", a)
    m, n = a.shape[-2:]
    q = linear_algebra.orthonormal(a[..., : min(m, n)])
    r = matmul(transposed(q), a) * np.triu(np.ones((min(m, n), n))).astype(a.dtype)
    return r if mode == "r" else QRResult(q, r)
