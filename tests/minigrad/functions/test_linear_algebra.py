"""``mg.linalg`` against NumPy, torch, differences and closed forms."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import linalg

from ..oracle import central_difference
from ..samplers.linear_algebra import batches, matrices, symmetric
from ..strategies import normal, seeds

few = settings(max_examples=30)


def differences_agree(f: Callable[..., Any], arrays: list[Any], rng: np.random.Generator) -> None:
    """Value, reverse and forward mode of a function that NumPy computes on arrays and minigrad on Tensors."""
    steps = [rng.normal(size=a.shape) for a in arrays]
    leaves = [mg.tensor(a, requires_grad=True) for a in arrays]
    out = f(*leaves)
    expected = f(*arrays)
    assert isinstance(out, mg.Tensor) and out.dtype == expected.dtype
    np.testing.assert_allclose(out.data, expected, rtol=1e-9, atol=1e-10)
    slope = central_difference(f, arrays, steps)
    cotangent = rng.normal(size=out.shape)
    out.backward(gradient=cotangent)
    moved = sum(np.sum(leaf.grad * step) for leaf, step in zip(leaves, steps, strict=True))
    np.testing.assert_allclose(moved, np.sum(cotangent * slope), rtol=1e-5, atol=1e-6)
    _, forward = mg.jvp(f, arrays, steps)
    np.testing.assert_allclose(forward, slope, rtol=1e-5, atol=1e-6)


def gradient(f: Callable[..., Any], *arrays: Any) -> Any:
    leaves = [mg.tensor(a, requires_grad=True) for a in arrays]
    f(*leaves).backward()
    return leaves[0].grad if len(leaves) == 1 else [leaf.grad for leaf in leaves]


# Everything with NumPy's name is NumPy's function

ON_SQUARE = {
    "inv": np.linalg.inv,
    "pinv": np.linalg.pinv,
    "det": np.linalg.det,
    "slogdet": lambda a: np.linalg.slogdet(a)[0] * np.linalg.slogdet(a)[1],
    "trace": np.linalg.trace,
    "diagonal": np.linalg.diagonal,
    "matrix_transpose": np.linalg.matrix_transpose,
    "matrix_power 3": lambda a: np.linalg.matrix_power(a, 3),
    "matrix_power 6": lambda a: np.linalg.matrix_power(a, 6),
    "matrix_power -2": lambda a: np.linalg.matrix_power(a, -2),
    "matrix_power 0": lambda a: np.linalg.matrix_power(a, 0),
    "matrix_norm": np.linalg.matrix_norm,
    "svdvals": np.linalg.svdvals,
    "cond": np.linalg.cond,
    "cond 1": lambda a: np.linalg.cond(a, 1),
    "cond fro": lambda a: np.linalg.cond(a, "fro"),
    "cond -2": lambda a: np.linalg.cond(a, -2),
}
ON_ONE_TRIANGLE: dict[str, Callable[[Any, str], Any]] = {
    "cholesky": lambda a, UPLO: np.linalg.cholesky(a, upper=UPLO == "U"),
    "eigvalsh": np.linalg.eigvalsh,
    "eigenvalues": lambda a, UPLO: np.linalg.eigh(a, UPLO).eigenvalues,
    "eigenvectors": lambda a, UPLO: np.linalg.eigh(a, UPLO).eigenvectors,
}
ON_RECTANGULAR = {
    "pinv": np.linalg.pinv,
    "trace": lambda a: np.linalg.trace(a, offset=1),
    "diagonal": lambda a: np.linalg.diagonal(a, offset=-1),
    "diagonal beyond": lambda a: np.linalg.diagonal(a, offset=5),
    "U": lambda a: np.linalg.svd(a, full_matrices=False).U,
    "S": lambda a: np.linalg.svd(a, full_matrices=False).S,
    "Vh": lambda a: np.linalg.svd(a, full_matrices=False).Vh,
    "svdvals": lambda a: np.linalg.svd(a, compute_uv=False),
    "Q": lambda a: np.linalg.qr(a).Q,
    "R": lambda a: np.linalg.qr(a).R,
    "r": lambda a: np.linalg.qr(a, mode="r"),
}


@pytest.mark.parametrize("name", ON_SQUARE)
@few
@given(data=st.data(), seed=seeds)
def test_functions_of_square_matrices(name: str, data: Any, seed: int) -> None:
    a = matrices(data.draw, data.draw(batches), *[data.draw(st.integers(1, 4))] * 2)
    differences_agree(ON_SQUARE[name], [a], np.random.default_rng(seed))


@pytest.mark.parametrize("name", ON_ONE_TRIANGLE)
@pytest.mark.parametrize("UPLO", ["L", "U"])
@few
@given(data=st.data(), seed=seeds)
def test_functions_of_symmetric_matrices_read_one_triangle(
    name: str, UPLO: str, data: Any, seed: int
) -> None:
    a = symmetric(data.draw, data.draw(batches), data.draw(st.integers(1, 4)))
    read = np.tri(a.shape[-1], dtype=bool) if UPLO == "L" else ~np.tri(a.shape[-1], k=-1, dtype=bool)
    a = np.where(read, a, normal(data.draw, a.shape))

    def f(x: Any) -> Any:
        return ON_ONE_TRIANGLE[name](x, UPLO)

    differences_agree(f, [a], np.random.default_rng(seed))
    unread = np.where(read, a, np.nan)
    np.testing.assert_allclose(f(mg.tensor(unread)).data, f(a), rtol=1e-14, atol=1e-14)
    assert not gradient(lambda x: f(x).sum(), unread)[..., ~read].any()


@few
@given(data=st.data(), seed=seeds)
def test_of_matrices_that_are_said_to_be_symmetric_the_lower_triangle_is_read(data: Any, seed: int) -> None:
    a = symmetric(data.draw, data.draw(batches), data.draw(st.integers(1, 4)))
    a = np.tril(a) + np.triu(normal(data.draw, a.shape), 1)
    rng = np.random.default_rng(seed)
    differences_agree(lambda x: np.linalg.pinv(x, hermitian=True), [a], rng)
    differences_agree(lambda x: np.linalg.svd(x, compute_uv=False, hermitian=True), [a], rng)


@pytest.mark.parametrize("name", ON_RECTANGULAR)
@few
@given(data=st.data(), seed=seeds)
def test_functions_of_rectangular_matrices(name: str, data: Any, seed: int) -> None:
    sides = st.integers(1, 4)
    a = matrices(data.draw, data.draw(batches), data.draw(sides), data.draw(sides))
    differences_agree(ON_RECTANGULAR[name], [a], np.random.default_rng(seed))


@few
@given(data=st.data(), seed=seeds)
def test_solve_takes_vectors_and_matrices_as_numpy_does(data: Any, seed: int) -> None:
    n, lead = data.draw(st.integers(1, 4)), data.draw(batches)
    a = matrices(data.draw, lead, n, n)
    shape = data.draw(st.sampled_from([(n,), (n, 2), (*lead, n, 1), (2, *lead, n, 3)]))
    differences_agree(np.linalg.solve, [a, normal(data.draw, shape)], np.random.default_rng(seed))


@few
@given(data=st.data(), seed=seeds, part=st.sampled_from([0, 1, 3]))
def test_least_squares_are_numpys(data: Any, seed: int, part: int) -> None:
    m, n = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4))
    a = matrices(data.draw, (), m, n)
    b = normal(data.draw, data.draw(st.sampled_from([(m,), (m, 1), (m, 3)])))
    assert np.linalg.lstsq(mg.tensor(a), b)[2] == min(m, n)
    if part == 3:  # of a alone
        differences_agree(lambda x: np.linalg.lstsq(x, b)[3], [a], np.random.default_rng(seed))
    elif part == 0 or m > n:
        differences_agree(lambda x, y: np.linalg.lstsq(x, y)[part], [a, b], np.random.default_rng(seed))
    else:
        assert np.linalg.lstsq(mg.tensor(a), b)[1].shape == np.linalg.lstsq(a, b)[1].shape == (0,)


@pytest.mark.parametrize("rcond", [None, -1, 0.9])
def test_least_squares_of_a_matrix_without_full_rank_are_the_smallest(rcond: float | None) -> None:
    a, b = np.array([[3.0, 0.0], [0.0, 2.0], [0.0, 0.0]]), np.ones(3)
    a[1, 1] = 0 if rcond is None else a[1, 1]
    for actual, expected in zip(
        np.linalg.lstsq(mg.tensor(a), b, rcond), np.linalg.lstsq(a, b, rcond), strict=True
    ):
        np.testing.assert_allclose(actual, expected)
        assert actual.dtype == expected.dtype
    with pytest.raises(linalg.LinAlgError, match=r"lstsq got a \(3, 2\) and b \(2,\)"):
        np.linalg.lstsq(mg.tensor(a), b[:2])


@few
@given(data=st.data(), seed=seeds)
def test_a_chain_of_products_is_numpys(data: Any, seed: int) -> None:
    sides = data.draw(st.lists(st.integers(1, 4), min_size=3, max_size=5))
    shapes = list(pairwise(sides))
    shapes[0] = shapes[0][data.draw(st.integers(0, 1)) :]
    shapes[-1] = shapes[-1][: data.draw(st.integers(1, 2))]
    arrays = [normal(data.draw, shape) for shape in shapes]
    differences_agree(lambda *xs: np.linalg.multi_dot(list(xs)), arrays, np.random.default_rng(seed))


@given(data=st.data(), seed=seeds)
@settings(max_examples=10)
def test_tensor_equations_are_numpys(data: Any, seed: int) -> None:
    a = matrices(data.draw, (), 6, 6)
    rng = np.random.default_rng(seed)
    differences_agree(lambda x: np.linalg.tensorinv(x, ind=1), [a.reshape(6, 2, 3)], rng)
    differences_agree(np.linalg.tensorinv, [a.reshape(3, 2, 2, 3)], rng)
    differences_agree(np.linalg.tensorsolve, [a.reshape(2, 3, 3, 2), rng.normal(size=(2, 3))], rng)
    moved = np.moveaxis(a.reshape(6, 2, 3), 0, 1)
    differences_agree(lambda x, b: np.linalg.tensorsolve(x, b, axes=(0, 2)), [moved, rng.normal(size=6)], rng)


def test_linalg_has_the_names_of_numpys_that_have_derivatives() -> None:
    of_complex_numbers = {"eig", "eigvals"}
    assert set(np.linalg.__all__) - of_complex_numbers <= set(linalg.__all__)
    a = mg.tensor(np.eye(3))
    for name in ("outer", "cross", "tensordot", "matmul", "vecdot"):
        function = getattr(np.linalg, name)
        args = (a[0], a[1]) if name == "outer" else (a, a)
        assert isinstance(function(*args), mg.Tensor)
        np.testing.assert_array_equal(function(*args).data, getattr(linalg, name)(*(x.data for x in args)))
    assert np.linalg.matrix_rank(mg.tensor(np.ones((2, 2)), requires_grad=True)) == 1


@pytest.mark.parametrize(
    "f",
    [
        linalg.inv, linalg.det, linalg.pinv, linalg.cholesky, linalg.eigvalsh, linalg.svdvals, linalg.norm,
        lambda a: linalg.slogdet(a).logabsdet, lambda a: linalg.solve(a, np.ones(3, np.float32)),
        lambda a: linalg.qr(a).Q, lambda a: linalg.qr(a).R, lambda a: linalg.svd(a).U,
        lambda a: linalg.eigh(a).eigenvectors, lambda a: linalg.norm(a, 3, axis=0),
        lambda a: linalg.norm(a, np.inf), lambda a: linalg.norm(a, "nuc"),
        lambda a: linalg.matrix_power(a, -1), lambda a: linalg.lstsq(a, a[0])[0],
    ],
)  # fmt: skip
@pytest.mark.parametrize("singular", [False, True])
def test_float32_stays(f: Callable[..., Any], singular: bool) -> None:
    a = (np.diag([1, 2, 3]) + 0.1).astype(np.float32)
    if singular:
        f, a = linalg.det, np.ones((3, 3), dtype=np.float32)
    leaf = mg.tensor(a, requires_grad=True)
    out = f(leaf)
    assert out.dtype == np.float32
    out.sum().backward()
    assert leaf.grad.dtype == np.float32


# Against torch


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (linalg.inv, "inv"),
        (linalg.det, "det"),
        (lambda a: linalg.slogdet(a).logabsdet, "slogdet"),
        (lambda a: linalg.cholesky(a @ np.matrix_transpose(a)), "cholesky of a square"),
        (linalg.svdvals, "svdvals"),
        (lambda a: linalg.norm(a, "nuc", axis=(-2, -1)), "nuc"),
        (lambda a: linalg.qr(a).R, "qr"),
    ],
)
@given(data=st.data())
@settings(max_examples=10)
def test_gradients_are_those_of_torch(ours: Any, theirs: str, data: Any) -> None:
    torch = pytest.importorskip("torch")
    a = matrices(data.draw, (2,), 3, 3)
    leaf, other = mg.tensor(a, requires_grad=True), torch.tensor(a, requires_grad=True)
    special = {
        "slogdet": lambda x: torch.linalg.slogdet(x).logabsdet,
        "cholesky of a square": lambda x: torch.linalg.cholesky(x @ x.mT),
        "nuc": lambda x: torch.linalg.matrix_norm(x, "nuc"),
        "qr": lambda x: torch.linalg.qr(x).R,
    }
    out = ours(leaf)
    expected = special.get(theirs, getattr(torch.linalg, theirs, None))(other)
    cotangent = normal(data.draw, out.shape)
    out.backward(gradient=cotangent)
    expected.backward(torch.tensor(cotangent))
    np.testing.assert_allclose(leaf.grad, other.grad.numpy(), rtol=1e-7, atol=1e-9)


def test_torch_shares_the_gradient_of_cholesky_between_both_triangles() -> None:
    torch = pytest.importorskip("torch")
    a = np.array([[4.0, 1.0], [1.0, 3.0]])
    other = torch.tensor(a, requires_grad=True)
    torch.linalg.cholesky(other).sum().backward()
    actual = gradient(lambda x: linalg.cholesky(x).sum(), a)
    np.testing.assert_allclose((actual + actual.T) / 2, other.grad.numpy(), rtol=1e-12)


# Determinants of singular matrices


def cofactors(a: np.ndarray) -> np.ndarray:
    """Every minor on its own, with its sign."""
    n = len(a)
    minor = [[np.delete(np.delete(a, i, 0), j, 1) for j in range(n)] for i in range(n)]
    return np.array([[(-1) ** (i + j) * np.linalg.det(minor[i][j]) for j in range(n)] for i in range(n)])


@few
@given(seed=seeds, n=st.integers(1, 5), lost=st.integers(0, 5))
def test_the_gradient_of_det_is_right_at_every_rank(seed: int, n: int, lost: int) -> None:
    rng = np.random.default_rng(seed)
    rank = max(n - lost, 0)
    a = rng.integers(-2, 3, size=(n, rank)) @ rng.integers(-2, 3, size=(rank, n)) * 1.0
    np.testing.assert_allclose(gradient(linalg.det, a), cofactors(a), rtol=1e-9, atol=1e-9)
    t = rng.normal(size=(n, n))
    _, forward = mg.jvp(linalg.det, [a], [t])
    np.testing.assert_allclose(forward, np.sum(cofactors(a) * t), rtol=1e-9, atol=1e-8)


@few
@given(seed=seeds, n=st.integers(1, 4), rank=st.integers(0, 3))
def test_the_second_derivative_of_det_is_right_at_every_rank(seed: int, n: int, rank: int) -> None:
    rng = np.random.default_rng(seed)
    rank = min(rank, n)
    a = rng.normal(size=(n, rank)) @ rng.normal(size=(rank, n))
    u, v = rng.normal(size=(2, n, n))
    leaf = mg.tensor(a, requires_grad=True)
    linalg.det(leaf).backward(create_graph=True)
    along = (leaf.grad * u).sum()
    leaf.grad = None
    if n > 1:
        along.backward()
    actual = 0.0 if leaf.grad is None else np.sum(leaf.grad * v)
    # det is a polynomial: its mixed derivative from its values on a grid, without rounding that matters
    s = np.linspace(-1, 1, n + 1)
    values = np.linalg.det(a + s[:, None, None, None] * u + s[None, :, None, None] * v)
    inverse = np.linalg.inv(np.vander(s, increasing=True))
    expected = (inverse @ values @ inverse.T)[1, 1]
    np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=1e-6)


def test_one_singular_matrix_in_a_batch_leaves_the_others_alone() -> None:
    rng = np.random.default_rng(0)
    a = rng.normal(size=(3, 4, 4))
    a[1, 2] = a[1, 0]
    leaf = mg.tensor(a, requires_grad=True)
    linalg.det(leaf).sum().backward()
    np.testing.assert_allclose(leaf.grad, [cofactors(each) for each in a], rtol=1e-9, atol=1e-12)


def test_nan_in_a_matrix_is_nan_in_the_gradient_of_det() -> None:
    with np.errstate(invalid="ignore"):
        assert np.isnan(gradient(linalg.det, np.array([[np.nan, 1.0], [1.0, 2.0]]))).any()


def test_nearly_singular_determinants_keep_their_second_derivative() -> None:
    a = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0 + 1e-12]])
    leaf = mg.tensor(a, requires_grad=True)
    linalg.det(leaf).backward(create_graph=True)
    corner = leaf.grad[2, 2]
    leaf.grad = None
    corner.backward()
    expected = np.zeros((3, 3))
    expected[:2, :2] = [[5, -4], [-2, 1]]  # the cofactors of the minor
    np.testing.assert_allclose(leaf.grad, expected, atol=1e-9)


# Pseudoinverses


def exact_pinv(a: Any, step: Any) -> tuple[Any, Any, Any]:
    """A⁺ and its first two derivatives along a step, in fractions: (AᵀA)A⁺ = Aᵀ, differentiated twice."""
    if len(a) < len(a[0]):
        first, second, third = exact_pinv(a.T, step.T)
        return first.T, second.T, third.T
    a, step = (np.vectorize(Fraction, otypes=[object])(x) for x in (a, step))
    normal_0, normal_1, normal_2 = a.T @ a, step.T @ a + a.T @ step, 2 * (step.T @ step)
    p = exact_solve(normal_0, a.T)
    by_step = exact_solve(normal_0, step.T - normal_1 @ p)
    twice = exact_solve(normal_0, -(normal_2 @ p + 2 * (normal_1 @ by_step)))
    return p.astype(float), by_step.astype(float), twice.astype(float)


def exact_solve(a: Any, b: Any) -> Any:
    rows, n = np.concatenate([a, b], axis=1), len(a)
    for k in range(n):  # a is positive definite: no pivot is 0
        rows[k] = rows[k] / rows[k, k]
        others = np.arange(n) != k
        rows[others] = rows[others] - np.outer(rows[others, k], rows[k])
    return rows[:, n:]


@pytest.mark.parametrize("f", [linalg.pinv, linalg.inv])
@settings(max_examples=40)
@given(data=st.data(), seed=seeds, power=st.integers(0, 5))
def test_the_derivatives_of_pinv_lose_no_more_than_the_condition(
    f: Any, data: Any, seed: int, power: int
) -> None:
    m = data.draw(st.integers(2, 5))
    n = m if f is linalg.inv else data.draw(st.integers(2, 5))
    rng, k = np.random.default_rng(seed), min(m, n)
    left, right = (np.linalg.qr(rng.normal(size=(side, k)))[0] for side in (m, n))
    a = left * np.geomspace(1, 10.0**-power, k) @ right.T
    step, cotangent = rng.normal(size=(m, n)), rng.normal(size=(n, m))

    def along(g: Any) -> Any:
        return lambda x: mg.jvp(g, [x], [step])[1]

    def product(x: Any) -> Any:
        return np.sum(f(x) * cotangent)

    tolerance = 100 * 10.0**power * np.finfo(float).eps
    value, first, second = exact_pinv(a, step)
    for actual, expected in zip((f(a), along(f)(a), along(along(f))(a)), (value, first, second), strict=True):
        assert np.linalg.norm(actual - expected) <= tolerance * np.linalg.norm(expected)
    size = tolerance * np.linalg.norm(cotangent)
    gradient = np.sum(mg.grad(product)(a) * step)
    assert abs(gradient - np.sum(cotangent * first)) <= size * np.linalg.norm(first)
    curvature = np.sum(mg.hvp(product, a, step) * step)
    assert abs(curvature - np.sum(cotangent * second)) <= size * np.linalg.norm(second)


@few
@given(seed=seeds, rank=st.integers(1, 2))
def test_the_derivatives_of_pinv_are_right_where_the_rank_stays_less_than_full(seed: int, rank: int) -> None:
    rng = np.random.default_rng(seed)
    left, right = np.linalg.qr(rng.normal(size=(4, 3)))[0], np.linalg.qr(rng.normal(size=(3, 3)))[0]
    mg.check_gradients(lambda x, y: linalg.pinv(x @ y, 1e-9), left[:, :rank], right[:rank])


def test_a_batch_of_several_ranks_has_the_pseudoinverses_of_its_matrices() -> None:
    batch = np.random.default_rng(0).normal(size=(3, 4, 3))
    batch[1, :, 2] = batch[1, :, 1]
    second = mg.hvp(lambda x: np.sum(linalg.pinv(x) ** 2), batch, batch**2)
    for a, expected in zip(batch, second, strict=True):
        actual = mg.hvp(lambda x: np.sum(linalg.pinv(x) ** 2), a, a**2)
        np.testing.assert_allclose(actual, expected, rtol=1e-9)


# Equal eigenvalues


def test_eigenvalues_that_are_equal_have_finite_gradients() -> None:
    actual = gradient(lambda x: linalg.eigvalsh(x).sum(), np.eye(3))
    np.testing.assert_allclose(actual, np.eye(3), atol=1e-14)
    projector = gradient(
        lambda x: (linalg.eigh(x).eigenvectors * np.array([[1.0, 1.0, 0.0]])).sum(), np.diag([1.0, 1.0, 2.0])
    )
    assert np.isfinite(projector).all()


def test_the_nuclear_norm_of_a_singular_matrix_has_a_finite_gradient() -> None:
    assert np.isfinite(gradient(lambda x: linalg.norm(x, "nuc"), np.ones((3, 2)))).all()


# Norms

VECTOR = [None, 1, 2, 3, 1.5, 0.5, -1, -2.0, np.inf, -np.inf]
MATRIX = [None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf]


@pytest.mark.parametrize("ord", VECTOR)
@few
@given(data=st.data(), seed=seeds, keepdims=st.booleans())
def test_the_norm_of_vectors_is_numpys(ord: Any, data: Any, seed: int, keepdims: bool) -> None:
    rng = np.random.default_rng(seed)
    x = rng.permutation(24).reshape(2, 3, 4) / 5 - 2.13  # entries that differ, also in size
    axis = data.draw(st.sampled_from([0, 1, -1, (2,)]))
    differences_agree(lambda a: np.linalg.norm(a, ord, axis=axis, keepdims=keepdims), [x], rng)
    differences_agree(lambda a: np.linalg.norm(a, ord), [x[0, 0]], rng)
    if ord is not None:
        differences_agree(
            lambda a: np.linalg.vector_norm(a, ord=ord, axis=(0, -1), keepdims=keepdims), [x], rng
        )


@pytest.mark.parametrize("ord", MATRIX)
@few
@given(data=st.data(), seed=seeds, keepdims=st.booleans())
def test_the_norm_of_matrices_is_numpys(ord: Any, data: Any, seed: int, keepdims: bool) -> None:
    a = matrices(data.draw, (2,), 3, data.draw(st.sampled_from([2, 3])))
    rng = np.random.default_rng(seed)
    axis = data.draw(st.sampled_from([(-2, -1), (2, 1), (1, 2)]))
    differences_agree(lambda x: np.linalg.norm(x, ord, axis=axis, keepdims=keepdims), [a], rng)
    differences_agree(lambda x: np.linalg.norm(x, ord), [a[0]], rng)
    if ord is not None:
        differences_agree(lambda x: np.linalg.matrix_norm(x, ord=ord, keepdims=keepdims), [a], rng)


@pytest.mark.parametrize("ord", [None, 1, 2, 3, 1.5, 0.5, np.inf])
def test_the_norm_of_0_has_the_gradient_0(ord: Any) -> None:
    np.testing.assert_array_equal(gradient(lambda x: linalg.norm(x, ord), np.zeros(3)), np.zeros(3))
    partly = gradient(lambda x: linalg.norm(x, ord, axis=1).sum(), np.array([[0.0, 0.0], [3.0, -4.0]]))
    np.testing.assert_array_equal(partly[0], [0, 0])
    np.testing.assert_allclose(partly[1], gradient(lambda x: linalg.norm(x, ord), np.array([3.0, -4.0])))


@pytest.mark.parametrize("p", [2, 3])
def test_the_second_derivative_of_a_norm_is_right_where_an_entry_is_0(p: int) -> None:
    leaf = mg.tensor([3.0, 0.0, 4.0], requires_grad=True)
    linalg.norm(leaf, p).backward(create_graph=True)
    middle = leaf.grad[1]
    leaf.grad = None
    middle.backward()
    np.testing.assert_allclose(leaf.grad, [0, 1 / 5 if p == 2 else 0, 0], atol=1e-15)


def test_whole_numbers_have_norms_and_ord_0_counts() -> None:
    assert linalg.norm(np.array([3, 4])) == 5
    assert linalg.norm(mg.tensor([3, 4]), 3).item() == pytest.approx(91 ** (1 / 3))
    assert linalg.norm(mg.tensor([3.0, 0.0, 4.0]), 0).item() == 2


# Wrong input


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: linalg.inv(x), linalg.LinAlgError, r"inv \(A⁻¹\) got shape \(2, 2\): Singular"),
        (lambda x: linalg.solve(x, [1.0, 2.0]), linalg.LinAlgError, "Singular matrix; .* pinv"),
        (lambda x: linalg.slogdet(x).logabsdet.backward(), linalg.LinAlgError, "Singular matrix"),
        (lambda x: linalg.cholesky(x - 3), linalg.LinAlgError, "matrices with positive eigenvalues"),
        (lambda x: linalg.inv(x[:1]), linalg.LinAlgError, r"inv got shape \(1, 2\); it takes square"),
        (lambda x: linalg.det(x[0]), linalg.LinAlgError, r"det got shape \(2,\); it takes square matrices"),
        (lambda x: linalg.svd(x[0]), linalg.LinAlgError, r"svd got shape \(2,\); it takes matrices"),
        (lambda x: linalg.solve(x, np.ones(3)), ValueError, r"a \(2, 2\) and b \(3,\); b must be \(2,\)"),
        (lambda x: linalg.solve(x, 1.0), ValueError, r"b \(\); b must be"),
        (lambda x: linalg.svd(x[:1]), ValueError, "say full_matrices=False"),
        (lambda x: linalg.qr(x, "complete"), ValueError, "only \"reduced\" and \"r\""),
        (lambda x: linalg.matrix_power(x, 0.5), TypeError, "a whole number of factors"),
        (lambda x: linalg.multi_dot([x]), ValueError, "2 matrices or more"),
        (lambda x: linalg.norm(x, 3), ValueError, "norm of a matrix got ord=3"),
        (lambda x: linalg.norm(x[0], "fro"), ValueError, "norm of a vector got ord='fro'"),
        (lambda x: linalg.norm(x, axis=2), np.exceptions.AxisError, "norm: axis 2"),
        (lambda x: linalg.norm(np.ones((2, 2, 2)), 1), ValueError, "one axis or two"),
        (lambda x: linalg.tensorinv(x, ind=0), ValueError, "tensorinv got shape"),
        (lambda x: linalg.tensorsolve(x, np.ones(3)), ValueError, "tensorsolve got a"),
    ],
)  # fmt: skip
def test_wrong_input_is_explained(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message), np.errstate(divide="ignore"):
        call(mg.tensor(np.ones((2, 2)), requires_grad=True))
