"""Matrices: solving, inverting, determinants, decompositions; all on the last two axes, in batches.

Written G for the cotangent and T for the tangent, as in Giles 2008, *An extended collection of matrix
derivative results*. Of a symmetric matrix S one triangle is read, as LAPACK does: the lower one of A, or the
upper one. So the rules hold in every direction, and the derivative by the other triangle is 0.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from .guarded import Guarded
from .operands import Operand, numbers
from .primitive import General, Rule
from .products import transposed
from .shaping import concatenate

GILES = "Giles 2008"


def _explained(compute: Callable[..., Any], why: str) -> Callable[..., Any]:
    """Say of a failure what it means."""

    @wraps(compute)
    def forward(*matrices: Operand, **options: Any) -> Operand:
        try:
            return compute(*matrices, **options)
        except np.linalg.LinAlgError as error:
            raise np.linalg.LinAlgError(f"{error}; {why}") from None

    return forward


SINGULAR = "a matrix has no inverse; pinv(a) @ b is the least-squares solution of a @ x = b"

solve: General = General(
    "solve",
    _explained(lambda a, b: np.linalg.solve(a, b), SINGULAR),
    vjps=[
        lambda g, out, a, b: -(solve(transposed(a), g) @ transposed(out)),
        lambda g, out, a, b: solve(transposed(a), g),
    ],
    jvps=[
        lambda t, out, a, b: -solve(a, t @ out),
        lambda t, out, a, b: solve(a, t),
    ],
    symbol="A⁻¹b",
    formula="A⁻¹B",
    source=f"{GILES}, 2.3.1: dX = A⁻¹(dB − dA X)",
    classes=("smooth", "linear"),
)

inv = General(
    "inv",
    _explained(np.linalg.inv, SINGULAR),
    vjps=[lambda g, out, a: -(transposed(out) @ g @ transposed(out))],
    jvps=[lambda t, out, a: -(out @ t @ out)],
    symbol="A⁻¹",
    formula="A⁻¹",
    source=f"{GILES}, 2.2.3: dX = −A⁻¹ dA A⁻¹",
    classes="smooth",
)


def _cofactors(out: Operand, a: Operand) -> Operand:
    """
    The derivative of the determinant: det(A)·A⁻ᵀ, or by minors where A is singular or nearly so.

    Minors are determinants themselves: the rule holds for every rank and order, at a price of n⁵.
    """
    plain, n = numbers(a), a.shape[-1]
    if plain.size and not np.any(np.linalg.cond(plain, 1) > np.finfo(plain.dtype).eps ** -0.5):
        return out[..., None, None] * transposed(inv(a))
    others = np.array([[i for i in range(n) if i != left_out] for left_out in range(n)], dtype=int)
    others = others.reshape(n, max(n - 1, 0))
    minors = a[..., others[:, None, :, None], others[None, :, None, :]]
    signs = (-1.0) ** np.add.outer(np.arange(n), np.arange(n))
    return det(minors) * signs.astype(plain.dtype)


det = General(
    "det",
    np.linalg.det,
    vjps=[lambda g, out, a: g[..., None, None] * _cofactors(out, a)],
    jvps=[lambda t, out, a: np.sum(_cofactors(out, a) * t, axis=(-2, -1))],
    symbol="det",
    formula="det A",
    source="Jacobi's formula: d det A = tr(adj(A) dA)",
    classes="smooth",
)

logabsdet = General(
    "logabsdet",
    lambda a: np.linalg.slogdet(a)[1],
    vjps=[lambda g, out, a: g[..., None, None] * transposed(inv(a))],
    jvps=[lambda t, out, a: np.sum(transposed(inv(a)) * t, axis=(-2, -1))],
    symbol="ln|det|",
    formula="ln |det A|",
    source="d ln|det A| = tr(A⁻¹ dA)",
    classes="smooth",
    kinks={"det A = 0": "no derivative: LinAlgError"},
)

signdet = General(
    "signdet",
    lambda a: np.linalg.slogdet(a)[0],
    vjps=[],
    jvps=[],
    formula="sign of det A",
    source="constant wherever det A ≠ 0",
    classes="constant",
)


# Decompositions


def _half(x: Operand) -> Operand:
    """The lower triangle, with half of the diagonal: x = half(x) + half(x)ᵀ for symmetric x."""
    n = x.shape[-1]
    return x * (np.tri(n) - np.eye(n) / 2).astype(x.dtype)


def _mirrored(x: Operand, upper: bool) -> Operand:
    """The symmetric matrix with this lower, or upper, triangle."""
    half = _half(transposed(x) if upper else x)
    return half + transposed(half)


def _folded(g: Operand, upper: bool) -> Operand:
    """The transpose of that: an entry that is read has the cotangents of both its places."""
    half = _half(g + transposed(g))
    return transposed(half) if upper else half


def _cholesky_vjp(g: Operand, out: Operand, a: Operand, upper: bool = False) -> Operand:
    back, g = (out, transposed(g)) if upper else (transposed(out), g)
    left = solve(back, _half(back @ g))
    return _folded(solve(back, transposed(left)), upper)


def _cholesky_jvp(t: Operand, out: Operand, a: Operand, upper: bool = False) -> Operand:
    lower = transposed(out) if upper else out
    left = solve(lower, _mirrored(t, upper))
    moved = lower @ _half(solve(lower, transposed(left)))
    return transposed(moved) if upper else moved


cholesky = General(
    "cholesky",
    _explained(
        lambda a, upper=False: np.linalg.cholesky(a, upper=upper),
        "cholesky is of symmetric matrices with positive eigenvalues; mg.linalg.eigvalsh shows them",
    ),
    vjps=[_cholesky_vjp],
    jvps=[_cholesky_jvp],
    symbol="chol",
    formula="lower L with LLᵀ = S, or the upper Lᵀ, where S is symmetric with that triangle of A",
    source="Murray 2016, eqs. 8, 10: dL = L Φ(L⁻¹ dS L⁻ᵀ), Φ the lower triangle with half of the diagonal",
    classes="smooth",
    kinks={"the other triangle": "is not read: its derivative is 0"},
)


def _identity(x: Operand) -> Any:
    """The identity that multiplies the columns of x."""
    return np.eye(x.shape[-1], dtype=x.dtype)


def _diagonal(x: Operand) -> Operand:
    return np.sum(x * _identity(x), axis=-1)


def _row(x: Operand) -> Operand:
    return np.expand_dims(x, -2)


def _column(x: Operand) -> Operand:
    return np.expand_dims(x, -1)


def _reciprocal(x: Operand) -> Operand:
    """1/x, and 0 where x = 0: what has no derivative there takes no part in it."""
    return 1 / np.where(numbers(x) == 0, np.inf, x)


def _skew(x: Operand) -> Operand:
    return x - transposed(x)


def _eigenpairs(a: Operand, upper: bool = False) -> Operand:
    values, vectors = np.linalg.eigh(a, "U" if upper else "L")
    return np.concatenate([_row(values), vectors], axis=-2)


def _pairs(packed: Operand) -> tuple[Operand, Operand]:
    return packed[..., 0, :], packed[..., 1:, :]


def _eigenpairs_vjp(g: Operand, out: Operand, a: Operand, upper: bool = False) -> Operand:
    (values, vectors), (by_values, by_vectors) = _pairs(out), _pairs(g)
    turn = _reciprocal(_row(values) - _column(values)) * (transposed(vectors) @ by_vectors)
    return _folded(vectors @ (_row(by_values) * _identity(a) + turn) @ transposed(vectors), upper)


def _eigenpairs_jvp(t: Operand, out: Operand, a: Operand, upper: bool = False) -> Operand:
    values, vectors = _pairs(out)
    moved = transposed(vectors) @ _mirrored(t, upper) @ vectors
    turn = _reciprocal(_row(values) - _column(values)) * moved
    return concatenate(_row(_diagonal(moved)), vectors @ turn, axis=-2)


eigenpairs = General(
    "eigenpairs",
    _eigenpairs,
    vjps=[_eigenpairs_vjp],
    jvps=[_eigenpairs_jvp],
    symbol="λ, V",
    formula="λ as a row above V, where V diag(λ) Vᵀ = S is symmetric with the lower, or upper, triangle of A",
    source=f"{GILES}, 3.1: dλᵢ = vᵢᵀ dS vᵢ, dV = V(F ∘ VᵀdS V), Fᵢⱼ = 1/(λⱼ − λᵢ)",
    classes="smooth",
    kinks={
        "λᵢ = λⱼ": "F is 0: eigenvectors do not turn towards each other",
        "the other triangle": "is not read: its derivative is 0",
    },
)


def _singular_triplets(a: Operand) -> Operand:
    left, values, right = np.linalg.svd(a, full_matrices=False)
    return np.concatenate([left, _row(values), transposed(right)], axis=-2)


def _triplets(packed: Operand, a: Operand) -> tuple[Operand, Operand, Operand]:
    m = a.shape[-2]
    return packed[..., :m, :], packed[..., m, :], packed[..., m + 1 :, :]


def _outside(basis: Operand, x: Operand) -> Operand:
    """What of the columns of x no combination of the basis gives."""
    return x - basis @ (transposed(basis) @ x)


def _singular_vjp(g: Operand, out: Operand, a: Operand) -> Operand:
    (u, s, v), (by_u, by_s, by_v) = _triplets(out, a), _triplets(g, a)
    gaps, inverse = _reciprocal(_row(s) ** 2 - _column(s) ** 2), _row(_reciprocal(s))
    turn_u, turn_v = (gaps * _skew(transposed(basis) @ by) for basis, by in ((u, by_u), (v, by_v)))
    core = _row(by_s) * np.eye(s.shape[-1], dtype=a.dtype) + turn_u * _row(s) + _column(s) * turn_v
    total = u @ core @ transposed(v)
    if u.shape[-2] > u.shape[-1]:
        total = total + (_outside(u, by_u) * inverse) @ transposed(v)
    if v.shape[-2] > v.shape[-1]:
        total = total + u @ transposed(_outside(v, by_v) * inverse)
    return total


def _singular_jvp(t: Operand, out: Operand, a: Operand) -> Operand:
    u, s, v = _triplets(out, a)
    gaps, inverse = _reciprocal(_row(s) ** 2 - _column(s) ** 2), _row(_reciprocal(s))
    moved = transposed(u) @ t @ v
    back = transposed(moved)
    turned_u = u @ (gaps * (moved * _row(s) + _column(s) * back))
    turned_v = v @ (gaps * (_column(s) * moved + back * _row(s)))
    if u.shape[-2] > u.shape[-1]:
        turned_u = turned_u + _outside(u, t @ v) * inverse
    if v.shape[-2] > v.shape[-1]:
        turned_v = turned_v + _outside(v, transposed(t) @ u) * inverse
    return concatenate(turned_u, _row(_diagonal(moved)), turned_v, axis=-2)


singular_triplets = General(
    "singular_triplets",
    _singular_triplets,
    vjps=[_singular_vjp],
    jvps=[_singular_jvp],
    symbol="U, σ, V",
    formula="U above σ as a row above V, where A = U diag(σ) Vᵀ, as many columns as σ",
    source=f"{GILES}, 3.2, and Townsend 2016: dσᵢ = uᵢᵀ dA vᵢ, Fᵢⱼ = 1/(σⱼ² − σᵢ²)",
    classes="smooth",
    kinks={"σᵢ = σⱼ": "F is 0: their vectors do not turn towards each other", "σᵢ = 0": "1/σᵢ is 0"},
)


def _below(x: Operand) -> Operand:
    """The entries below the diagonal."""
    return x * np.tri(x.shape[-1], k=-1).astype(x.dtype)


def _orthonormal_vjp(g: Operand, out: Operand, a: Operand) -> Operand:
    r = transposed(out) @ a
    moved = _outside(out, g) + out @ _below(_skew(transposed(out) @ g))
    return transposed(solve(r, transposed(moved)))


def _orthonormal_jvp(t: Operand, out: Operand, a: Operand) -> Operand:
    r = transposed(out) @ a
    moved = transposed(solve(transposed(r), transposed(t)))
    return _outside(out, moved) + out @ _skew(_below(transposed(out) @ moved))


orthonormal = General(
    "orthonormal",
    lambda a: np.linalg.qr(a)[0],
    vjps=[_orthonormal_vjp],
    jvps=[_orthonormal_jvp],
    symbol="Q",
    formula="Q of A = QR, where A has no more columns than rows",
    source="Walter & Lehmann 2018: QᵀdQ is the skew matrix with the entries of QᵀdA R⁻¹ below its diagonal",
    classes="smooth",
)


def _independent(a: Operand, rcond: Any) -> bool:
    """Whether no row, or no column, is a combination of the others, beyond all doubt of rounding."""
    values = np.linalg.svd(numbers(a), compute_uv=False)
    cut = np.maximum(0 if rcond is None else rcond, max(a.shape[-2:]) * np.finfo(a.dtype).eps)
    return bool(np.all(values > cut[..., None] * values[..., :1]))


def _beyond(x: Operand, a: Operand, p: Operand, independent: bool) -> Operand:
    """(I − AA⁺)x. The derivative of A @ A⁺ is less exact by the condition of A than that of the basis."""
    return _outside(orthonormal(a), x) if independent else x - a @ (p @ x)


def _pinv_change(x: Operand, p: Operand, a: Operand, rcond: Any) -> Operand:
    """
    dA⁺ᵀ for dA = x, or the cotangent of A where x is that of A⁺ᵀ.

    I − AA⁺ is 0 where the rank is the number of rows, I − A⁺A where it is that of columns.
    """
    q, independent = transposed(p), _independent(a, rcond)
    change = -(q @ transposed(x) @ q)
    if a.shape[-2] > a.shape[-1] or not independent:
        change = change + _beyond(x, a, p, independent) @ p @ q
    if a.shape[-2] < a.shape[-1] or not independent:
        change = change + q @ p @ transposed(_beyond(transposed(x), transposed(a), q, independent))
    return change


pinv = General(
    "pinv",
    lambda a, rcond=None: np.linalg.pinv(a, rcond),
    vjps=[lambda g, out, a, rcond=None: _pinv_change(transposed(g), out, a, rcond)],
    jvps=[lambda t, out, a, rcond=None: transposed(_pinv_change(t, out, a, rcond))],
    symbol="A⁺",
    formula="A⁺, the pseudoinverse",
    source="Golub & Pereyra 1973: dA⁺ = −A⁺dA A⁺ + A⁺A⁺ᵀdAᵀ(I − AA⁺) + (I − A⁺A)dAᵀA⁺ᵀA⁺",
    classes="smooth",
    kinks={"where the rank changes": "as if it stayed"},
)


# Length


def _p_norm(x: Operand, p: float, axis: tuple[int, ...], keepdims: bool = False) -> Operand:
    if p == 2:
        return np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims))
    with np.errstate(divide="ignore"):  # a negative power of 0
        return np.sum(np.absolute(x) ** p, axis=axis, keepdims=keepdims) ** (1 / p)


def _p_slope(out: Operand, x: Operand, p: float, axis: tuple[int, ...], keepdims: bool) -> Operand:
    """x·|x|^(p−2) / ‖x‖^(p−1), and 0 where x or its norm is 0."""
    norm = out if keepdims else np.expand_dims(out, axis)
    if p > 1:
        norm = np.where(numbers(norm) == 0, np.inf, norm)
    if p == 2:
        return x / norm
    size = np.absolute(x)
    if p < 2:
        size = np.where(numbers(size) == 0, np.inf, size)
    with np.errstate(divide="ignore"):  # a negative power of 0
        return x * size ** (p - 2) / norm ** (p - 1)


def _p_norm_vjp(
    multiply: Rule,
    g: Operand,
    out: Operand,
    x: Operand,
    p: float,
    axis: tuple[int, ...],
    keepdims: bool = False,
) -> Operand:
    return multiply(g if keepdims else np.expand_dims(g, axis), _p_slope(out, x, p, axis, keepdims))


def _p_norm_jvp(
    t: Operand, out: Operand, x: Operand, p: float, axis: tuple[int, ...], keepdims: bool = False
) -> Operand:
    return np.sum(_p_slope(out, x, p, axis, keepdims) * t, axis=axis, keepdims=keepdims)


p_norm = Guarded(
    "p_norm",
    _p_norm,
    vjps=[_p_norm_vjp],
    jvps=[_p_norm_jvp],
    symbol="‖x‖",
    formula="(Σ |x|^p)^(1/p) over the axes",
    source="chain rule: ∂‖x‖/∂xᵢ = sgn(xᵢ)(|xᵢ|/‖x‖)^(p−1)",
    classes="smooth",
    kinks={"x = 0": "0"},
)
