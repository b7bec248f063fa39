"""Products of arrays against NumPy, brute force and torch; the generated tests have the primitives."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minigrad as mg

from ..samplers.products import subscripts
from ..strategies import normal, seeds

few = settings(max_examples=40)


def brute_force(inputs: list[str], output: str, arrays: list[np.ndarray], lengths: dict[str, int]) -> Any:
    """Einstein's sum, term by term."""
    used = sorted(set("".join(inputs)))
    result = np.zeros([lengths[i] for i in output])
    for values in product(*(range(lengths[i]) for i in used)):
        at = dict(zip(used, values, strict=True))
        term = 1.0
        for indices, array in zip(inputs, arrays, strict=True):
            term *= array[tuple(at[i] for i in indices)]
        result[tuple(at[i] for i in output)] += term
    return result


def gradients(f: Any, arrays: list[Any], cotangent: Any) -> list[Any]:
    leaves = [mg.tensor(a, requires_grad=True) for a in arrays]
    f(*leaves).backward(gradient=cotangent)
    return [leaf.grad for leaf in leaves]


def agrees(f: Any, arrays: list[Any], rng: np.random.Generator, rtol: float = 1e-9) -> None:
    """A multilinear function of Tensors: NumPy's value, and the gradient that makes its differences right."""
    expected = f(*arrays)
    actual = f(*(mg.tensor(a, requires_grad=True) for a in arrays))
    assert isinstance(actual, mg.Tensor)
    np.testing.assert_allclose(actual.data, expected, rtol=rtol, atol=1e-12)
    assert actual.dtype == expected.dtype
    cotangent = rng.normal(size=np.shape(expected))
    for k, g in enumerate(gradients(f, arrays, cotangent)):
        step = rng.normal(size=np.shape(arrays[k]))
        moved = f(*arrays[:k], arrays[k] + step, *arrays[k + 1 :])
        np.testing.assert_allclose(
            np.sum(g * step), np.sum(cotangent * (moved - expected)), rtol=1e-8, atol=1e-9
        )


# einsum


@few
@given(drawn=subscripts(), seed=seeds, optimize=st.booleans())
def test_einsum_is_its_sum_term_by_term(drawn: Any, seed: int, optimize: bool) -> None:
    inputs, output, lengths = drawn
    rng = np.random.default_rng(seed)
    arrays = [rng.normal(size=[lengths[i] for i in term]) for term in inputs]
    written = f"{', '.join(inputs)} -> {output}"
    expected = brute_force(inputs, output, arrays, lengths)
    np.testing.assert_allclose(mg.einsum(written, *arrays, optimize=optimize), expected, atol=1e-12)
    agrees(lambda *xs: np.einsum(written, *xs, optimize=optimize), arrays, rng)


@few
@given(drawn=subscripts(), seed=seeds)
def test_einsum_takes_lists_of_indices_and_leaves_out_the_result(drawn: Any, seed: int) -> None:
    inputs, output, lengths = drawn
    rng = np.random.default_rng(seed)
    arrays = [mg.tensor(rng.normal(size=[lengths[i] for i in term])) for term in inputs]
    numbers = dict(zip("ijkL", (30, 4, 51, 0), strict=True))
    listed: list[Any] = []
    for array, term in zip(arrays, inputs, strict=True):
        listed += [array, [numbers[i] for i in term]]
    explicit = mg.einsum(*listed, [numbers[i] for i in output])
    written = mg.einsum(f"{','.join(inputs)}->{output}", *arrays)
    np.testing.assert_allclose(explicit.data, written.data, rtol=1e-12, atol=1e-14)
    implicit = ",".join(inputs)
    plain = [array.data for array in arrays]
    np.testing.assert_allclose(mg.einsum(implicit, *arrays).data, np.einsum(implicit, *plain), atol=1e-12)


@pytest.mark.parametrize(
    ("written", "shapes"),
    [
        ("...", [(2, 3)]),
        ("...ii->...i", [(2, 3, 3)]),
        ("i...i", [(3, 2, 3)]),
        ("...ij,...jk->...ik", [(4, 1, 2, 3), (5, 3, 2)]),
        ("i...,i...->...", [(3, 2, 1), (3, 4)]),
        ("...,...", [(2, 1), (3,)]),
        ("b...,...a", [(2, 3), (3, 4)]),
        ("...i->...", [(3,)]),
        ("iii,i->", [(2, 2, 2), (2,)]),
        ("ij,jk,kl,li", [(2, 3), (3, 2), (2, 4), (4, 2)]),
        ("ij,jk->ik", [(2, 1), (3, 4)]),
        ("i,,j", [(2,), (), (3,)]),
    ],
)
def test_einsum_with_an_ellipsis_broadcasts_as_numpy(written: str, shapes: list[Any]) -> None:
    rng = np.random.default_rng(3)
    arrays = [rng.normal(size=shape) for shape in shapes]
    agrees(lambda *xs: np.einsum(written, *xs), arrays, rng)


@given(seed=seeds, optimize=st.sampled_from([True, "greedy", "optimal", ["einsum_path", (1, 2), (0, 1)]]))
@settings(max_examples=10)
def test_einsum_contracts_in_any_order(seed: int, optimize: Any) -> None:
    rng = np.random.default_rng(seed)
    arrays = [rng.normal(size=shape) for shape in [(2, 3), (3, 4), (4, 5)]]
    agrees(lambda *xs: np.einsum("ij,jk,kl->il", *xs, optimize=optimize), arrays, rng)


def test_einsum_has_the_gradients_of_torch() -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=(3, 2, 2)), rng.normal(size=(4, 2)), rng.normal(size=3)]
    theirs = [torch.tensor(a, requires_grad=True) for a in arrays]
    out = torch.einsum("bii,ci,b->c", *theirs)
    cotangent = rng.normal(size=4)
    out.backward(torch.tensor(cotangent))
    ours = gradients(lambda *xs: mg.einsum("bii,ci,b->c", *xs), arrays, cotangent)
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, other.grad.numpy(), rtol=1e-12, atol=1e-14)


def test_an_infinite_cotangent_stays_on_the_diagonal() -> None:
    (g,) = gradients(lambda x: mg.einsum("ii", x), [np.ones((2, 2))], np.inf)
    np.testing.assert_array_equal(g, [[np.inf, 0], [0, np.inf]])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "einsum takes subscripts and arrays"),
        (("ij,jk", np.ones((2, 2))), "it names 2 arrays, but got 1"),
        (("ij", np.ones(2)), "'ij' does not fit an array of 1 axes"),
        (("i...j", np.ones(1)), "does not fit an array of 1 axes"),
        (("i!", np.ones((2, 2))), "an index is a letter, not '!'"),
        (("ij->ik", np.ones((2, 2))), "every index of the result 'ik'"),
        (("ij->ii", np.ones((2, 2))), "every index of the result 'ii'"),
        (("...i->i", np.ones((2, 2))), "the result needs '...' too"),
        (("ii", np.ones((2, 3))), r"the diagonal 'i' of 'ii' has the lengths \[2, 3\]"),
        (("ij,jk", np.ones((2, 3)), np.ones((4, 5))), "index 'j' has the lengths 3 and 4"),
        ((np.ones(2), [0.5]), "numbers from 0 to 51"),
        ((np.ones(2), np.ones(2)), "a list of indices after each array"),
    ],
)
def test_wrong_subscripts_are_explained(arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        mg.einsum(*(mg.tensor(x) if isinstance(x, np.ndarray) else x for x in arguments))


# The named products


def matching(name: str, draw: Any) -> list[tuple[int, ...]]:
    """Shapes that the product takes."""
    sides = st.integers(1, 3)
    n, m, k = draw(sides), draw(sides), draw(sides)
    some = hnp.array_shapes(min_dims=0, max_dims=2, max_side=3)
    lead, other = draw(some), draw(some)
    pair = list(draw(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=2, max_side=3)).input_shapes)
    return {
        "dot": lambda: draw(st.sampled_from([[lead, ()], [(*lead, n), (n,)], [(*lead, n), (*other, n, m)]])),
        "inner": lambda: draw(st.sampled_from([[(), lead], [(*lead, n), (*other, n)]])),
        "outer": lambda: [lead, other],
        "vdot": lambda: [(n, m), (m * n,)],
        "kron": lambda: [lead, other],
        "cross": lambda: [(*pair[0], 3), (*pair[1], 3)],
        "vecdot": lambda: [(*pair[0], n), (*pair[1], n)],
        "matvec": lambda: [(*pair[0], m, n), (*pair[1], n)],
        "vecmat": lambda: [(*pair[0], n), (*pair[1], n, k)],
    }[name]()


@pytest.mark.parametrize(
    "name", ["dot", "inner", "outer", "vdot", "kron", "cross", "vecdot", "matvec", "vecmat"]
)
@few
@given(data=st.data(), seed=seeds)
def test_a_named_product_is_numpys(name: str, data: Any, seed: int) -> None:
    function = getattr(np, name, None)
    if function is None:
        pytest.skip(f"this NumPy has no {name}")
    arrays = [normal(data.draw, shape) for shape in matching(name, data.draw)]
    agrees(function, arrays, np.random.default_rng(seed))
    if hasattr(mg, name):
        np.testing.assert_allclose(getattr(mg, name)(*arrays), function(*arrays), atol=1e-12)


@few
@given(data=st.data(), seed=seeds)
def test_tensordot_sums_over_the_axes_it_is_told(data: Any, seed: int) -> None:
    summed = data.draw(st.lists(st.integers(0, 3), max_size=2))
    free = (
        data.draw(st.lists(st.integers(0, 3), max_size=2)),
        data.draw(st.lists(st.integers(0, 3), max_size=2)),
    )
    order = data.draw(st.permutations(range(len(free[0]) + len(summed))))
    a = normal(data.draw, (*free[0], *summed))
    b = normal(data.draw, (*summed, *free[1]))
    agrees(lambda x, y: np.tensordot(x, y, axes=len(summed)), [a, b], np.random.default_rng(seed))
    moved = np.transpose(a, order)
    of_a = [order.index(len(free[0]) + i) for i in range(len(summed))]
    of_b = [i - b.ndim for i in range(len(summed))]
    agrees(lambda x, y: np.tensordot(x, y, axes=(of_a, of_b)), [moved, b], np.random.default_rng(seed))


@given(seed=seeds)
@settings(max_examples=10)
def test_cross_takes_its_vectors_from_any_axis(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(3, 2, 4)), rng.normal(size=(2, 3, 4))
    agrees(lambda x, y: np.cross(x, y, axisa=0, axisb=1, axisc=1), [a, b], rng)
    agrees(lambda x, y: np.cross(x, y, axis=0), [a, a[::-1]], rng)


@pytest.mark.parametrize("name", ["dot", "inner", "outer", "vdot", "kron", "cross", "tensordot"])
def test_float32_stays(name: str) -> None:
    x = np.ones((3, 3), dtype=np.float32)
    leaf = mg.tensor(x, requires_grad=True)
    out = getattr(np, name)(leaf, x)
    assert out.dtype == np.float32
    out.sum().backward()
    assert leaf.grad.dtype == np.float32


@given(seed=seeds)
@settings(max_examples=10)
def test_the_second_derivative_of_a_product_of_one_array_with_itself(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, direction = rng.normal(size=(2, 3, 3))

    def cube(t: Any) -> Any:
        return np.einsum("ij,jk,ki->", t, t, t)

    leaf = mg.tensor(x, requires_grad=True)
    cube(leaf).backward(create_graph=True)
    first = leaf.grad
    np.testing.assert_allclose(first.numpy(), 3 * (x @ x).T, rtol=1e-12)
    leaf.grad = None
    (first * direction).sum().backward()
    np.testing.assert_allclose(leaf.grad, 3 * (x @ direction + direction @ x).T, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    "call",
    [
        lambda x, out: np.einsum("ij->ij", x, out=out),
        lambda x, out: np.dot(x, x, out=out),
        lambda x, out: np.outer(x, x, out=out),
        lambda x, out: np.linalg.multi_dot([x, x], out=out),
    ],
)
def test_results_go_nowhere_else(call: Any) -> None:
    with pytest.raises(TypeError, match="a recorded result is a new Tensor"):
        call(mg.tensor(np.ones((2, 2))), np.zeros((2, 2)))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: mg.tensordot(x, x, axes=3), "can't sum over 3 axes"),
        (lambda x: mg.tensordot(x, x, axes=([0], [1])), "they must be as many and as long"),
        (lambda x: mg.tensordot(x, x, axes=([2], [1])), r"axes \[2\] of an array"),
        (lambda x: mg.cross(x, x), "vectors of 3 entries, but got 2 and 2"),
        (lambda x: mg.cross(x, x, axis=2), "axis 2 is out of bounds"),
        (lambda x: mg.vecdot(x, np.ones(3)), "lengths 2 and 3"),
        (lambda x: mg.dot(x, np.ones(3)), "matmul .* got"),
    ],
)
def test_wrong_shapes_are_explained(call: Any, message: str) -> None:
    with pytest.raises((ValueError, IndexError), match=message):
        call(mg.tensor(np.ones((3, 2))))
