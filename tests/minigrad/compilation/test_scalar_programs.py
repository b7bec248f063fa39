"""Programs of Values: the same numbers and derivatives as the graph they were made of."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import reduce
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.compilation.scalar import ScalarProgram, plan
from minigrad.compilation.scalar.plan import matrix
from minigrad.compilation.scalar.views import Gather, Scatter
from minigrad.rules import REGISTRY
from minigrad.rules.decisions import greater

from ..strategies import samples

V = mg.Value

STEPS: dict[str, Callable[..., Any]] = {
    "add": operator.add,
    "add number": lambda x, y: 1.5 + x,
    "subtract": operator.sub,
    "multiply": lambda x, y: x.tanh() * y,
    "times number": lambda x, y: -0.5 * y,
    "divide": lambda x, y: x / (y * y + 1),
    "power": lambda x, y: (x * x + 0.5) ** y.tanh(),
    "square": lambda x, y: x.tanh() ** 2,
    "twice": lambda x, y: x.tanh() * x.tanh() + x,
    "exp": lambda x, y: y.tanh().exp(),
    "sigmoid": lambda x, y: x.sigmoid(),
    "relu": lambda x, y: x.relu(),
    "prelu": lambda x, y: x.prelu(y),
    "clip": lambda x, y: x.clip(-0.5, y),
    "maximum": mg.maximum,
    "maxout": lambda x, y: mg.maxout(x, y, 0.1),
    "where": lambda x, y: mg.where(greater(x, y), x, y),
    "dead branch": lambda x, y: mg.where(greater(x, 0.0), mg.maximum(x, 0.0).sqrt(), y),
    "sum": lambda x, y: sum([x, y, x * y.tanh(), 0.5 * x, y.tanh()]),
    "products": lambda x, y: x.tanh() * y + y * 0.25 + x.tanh() * x,
}
places = st.integers(0, 10**6)
programs = st.lists(st.tuples(st.sampled_from(sorted(STEPS)), places, places), min_size=1, max_size=25)
numbers = st.lists(st.floats(-2, 2, width=16), min_size=1, max_size=4)


def run(program: Any, leaves: list[Any]) -> list[Any]:
    pool = list(leaves)
    with np.errstate(all="ignore"):
        for name, i, j in program:
            pool.append(STEPS[name](pool[i % len(pool)], pool[j % len(pool)]))
    return pool


def close(found: Any, expected: Any, scale: float = 1.0) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-11 * max(scale, 1.0))


@settings(max_examples=200, deadline=None)
@given(
    program=programs,
    start=numbers,
    later=st.lists(numbers, min_size=1, max_size=3),
    narrow=st.sampled_from([-1, plan.NARROW, 10**6]),
    data=st.data(),
)
def test_any_program_as_the_graph(
    program: Any, start: list[float], later: Any, narrow: int, data: Any
) -> None:
    leaves = [V(x) for x in start]
    pool = run(program, leaves)
    outputs = [pool[-1], *data.draw(st.lists(st.sampled_from(pool[len(leaves) :]), max_size=2))]
    spots = [next(k for k, x in enumerate(pool) if x is output) for output in outputs]
    with patch.object(plan, "NARROW", narrow):  # all by NumPy, each as is best, all by Python
        replayed = ScalarProgram.of(outputs, root=0)
    for values in [start, *later]:
        values = [values[k % len(values)] for k in range(len(start))]
        twins = [V(x) for x in values]
        for leaf, twin, x in zip(leaves, twins, values, strict=True):
            leaf.data, twin.grad = x, leaf.grad
        expected = run(program, twins)
        expected[spots[0]].backward()
        found = replayed.run()
        scale = max(abs(x.data) for x in expected)
        close([x.data for x in found], [expected[k].data for k in spots], scale)
        grads = [x.grad for x in twins]
        close([x.grad for x in leaves], grads, max(map(abs, grads)))


@settings(max_examples=100, deadline=None)
@given(program=programs, start=numbers, seed=st.integers(0, 100))
def test_a_batch_is_as_one_input_after_the_other(program: Any, start: list[float], seed: int) -> None:
    leaves = [V(x) for x in start]
    root = run(program, leaves)[-1]
    replayed = ScalarProgram.of([root], root=0)
    batch = np.random.default_rng(seed).uniform(-2, 2, (3, len(replayed.leaves)))
    outputs, gradients = replayed.evaluate(batch)
    assert gradients is not None
    before = [leaf.data for leaf in leaves]
    assert [leaf.data for leaf in leaves] == before
    for row, output, gradient in zip(batch, outputs, gradients, strict=True):
        for leaf, x in zip(replayed.leaves, row, strict=True):
            leaf.data, leaf.grad = x, 0.0
        (found,) = replayed.run()
        close(output, [found.data])
        grads = [leaf.grad for leaf in replayed.leaves]
        close(gradient, grads, max(map(abs, grads), default=1.0))


@pytest.mark.parametrize("name", sorted(name for name in REGISTRY if REGISTRY[name].elementwise))
@settings(max_examples=20, deadline=None)
@given(data=st.data(), narrow=st.sampled_from([-1, 10**6]))
def test_every_elementwise_primitive(name: str, data: Any, narrow: int) -> None:
    drawn = [data.draw(samples(name)) for _ in range(3)]
    rows = [[np.atleast_1d(x).ravel()[:1] for x in sample.args] for sample in drawn]
    rows = [[V(x.item()) for x in row] for row in rows if all(x.size for x in row)]
    if not rows:
        return
    outputs = [REGISTRY[name](*row) for row in rows]
    total = reduce(operator.add, outputs)
    with patch.object(plan, "NARROW", narrow):
        replayed = ScalarProgram.of([*outputs, total], root=total)
    total.backward()
    expected = [[x.grad for x in row] for row in rows]
    for row in rows:
        for x in row:
            x.grad = 0.0
    found = replayed.run()
    close([x.data for x in found], [x.data for x in (*outputs, total)])
    for row, grads in zip(rows, expected, strict=True):
        np.testing.assert_allclose([x.grad for x in row], grads, rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: 1 / x,
        lambda x: x**-1.5,
        lambda x: np.log(x),
        lambda x: x.sqrt() * 0.0,
        lambda x: mg.where(greater(x, 0.0), np.log(x), x),
        lambda x: mg.where(greater(x, 0.0), x, x.sqrt() * x.exp()),
        lambda x: x**0,
        lambda x: abs(x) + x.relu() + mg.maximum(x, 0.0),
        lambda x: (x * 1e200) * (x * 1e200),
    ],
)
@pytest.mark.parametrize("x", [0.0, -0.0, -1.0, 2.0, float("inf"), float("nan")])
@pytest.mark.parametrize("narrow", [-1, 10**6])
def test_singular_places_and_kinks_as_the_graph(function: Any, x: float, narrow: int) -> None:
    leaf = V(2.0)
    with np.errstate(all="ignore"), patch.object(plan, "NARROW", narrow):
        replayed = ScalarProgram.of([function(leaf)], root=0)
        twin = V(x)
        expected = function(twin)
        expected.backward()
    leaf.data = x
    (found,) = replayed.run()
    np.testing.assert_equal([found.data, leaf.grad], [expected.data, twin.grad])


def perceptron(leaf: Any, points: Any, rows: int) -> tuple[list[Any], Any]:
    rng = np.random.default_rng(1)
    weights = [[leaf(x) for x in row] for row in rng.normal(size=(rows, points.shape[1]))]
    biases = [leaf(x) for x in rng.normal(size=rows)]
    total = 0.0
    for point in points.tolist():
        hidden = [
            sum((w * x for w, x in zip(row, point, strict=True)), b)
            for row, b in zip(weights, biases, strict=True)
        ]
        total = sum((h.relu() * h for h in hidden), total)
    return [x for row in weights for x in row] + biases, total


def test_layers_become_matrix_products() -> None:
    leaves, total = perceptron(V, np.random.default_rng(0).normal(size=(7, 3)), 4)
    replayed = ScalarProgram.of([total], root=0)
    names = [name for name, *_ in replayed.summary()["instructions"]]
    assert "matrix product" in names and len(names) < 10
    total.backward()
    expected = [x.grad for x in leaves]
    for x in leaves:
        x.grad = 0.0
    (found,) = replayed.run()
    close([found.data, *(x.grad for x in leaves)], [total.data, *expected], 100.0)


def test_a_graph_of_100_000_nodes() -> None:
    rng = np.random.default_rng(0)
    leaves = [V(x) for x in rng.uniform(-1, 1, 50)]
    pool = list(leaves)
    for i, j, k in rng.integers(0, 10**9, size=(60_000, 3)):
        x, y = pool[i % len(pool)], pool[j % len(pool)]
        pool.append((x * 0.5 + y * pool[k % len(pool)]).tanh())
    total = sum(pool[-1000:])
    replayed = ScalarProgram.of([total], root=0)
    assert replayed.summary()["entries"] > 100_000
    total.backward()
    expected = [x.grad for x in leaves]
    for x in leaves:
        x.grad = 0.0
    (found,) = replayed.run()
    close([found.data, *(x.grad for x in leaves)], [total.data, *expected], max(map(abs, expected)))


def test_a_deep_chain() -> None:
    x = V(0.5)
    y = x
    for _ in range(3000):
        y = y.tanh() + x * 0.1
    replayed = ScalarProgram.of([y], root=0)
    y.backward()
    expected, x.grad = x.grad, 0.0
    (found,) = replayed.run()
    close([found.data, x.grad], [y.data, expected])


def test_leaves_collect_and_an_output_that_is_a_leaf_comes_back_itself() -> None:
    x = V(3.0)
    y = x * x
    replayed = ScalarProgram.of([y, x], root=0)
    assert replayed.run()[1] is x
    replayed.run()
    assert x.grad == 12
    alone = ScalarProgram.of([x], root=0)
    alone.run()
    assert x.grad == 13


def test_inputs_of_a_wrong_shape_are_named() -> None:
    x, y = V(1.0), V(2.0)
    with pytest.raises(ValueError, match=r"inputs of shape \(batch, 2\)"):
        ScalarProgram.of([x * y]).evaluate([[1.0]])
    outputs, gradients = ScalarProgram.of([x * y]).evaluate([[2.0, 5.0]])
    assert outputs.tolist() == [[10.0]] and gradients is None
    outputs, gradients = ScalarProgram.of([x * y], root=0).evaluate(np.zeros((0, 2)))
    assert outputs.shape == (0, 1) and gradients is not None and gradients.shape == (0, 2)


# Reading and adding by places

indices = st.lists(st.integers(0, 20), min_size=1, max_size=12)
regular = st.builds(
    lambda first, shape, strides: first + sum(s * i for s, i in zip(strides, np.indices(shape), strict=True)),
    st.integers(0, 5),
    st.tuples(st.integers(1, 4), st.integers(1, 4)),
    st.tuples(st.integers(0, 4), st.integers(0, 4)),
)


@given(index=st.one_of(indices.map(np.array), regular))
def test_places_are_read_and_added_to(index: np.ndarray) -> None:
    vector = np.arange(64.0)
    numbers, load = Gather(index).bind(vector)
    for action in load:
        action()
    np.testing.assert_array_equal(numbers, vector[index])
    expected, found = vector.copy(), vector.copy()
    terms = np.arange(1.0, index.size + 1).reshape(index.shape)
    np.add.at(expected, index, terms)
    Scatter(index).bind(found)(terms)
    np.testing.assert_array_equal(found, expected)


@given(rows=st.integers(1, 4), columns=st.integers(1, 4), terms=st.integers(1, 3), data=st.data())
def test_a_matrix_product_is_recognised_in_any_order(rows: int, columns: int, terms: int, data: Any) -> None:
    left = np.arange(rows * terms).reshape(rows, terms)
    right = 100 + np.arange(columns * terms).reshape(columns, terms)
    pairs = data.draw(st.permutations([(i, j) for i in range(rows) for j in range(columns)]))
    i, j = np.array(pairs).T
    found = matrix(left[i], right[j])
    assert found is not None
    assert {(a, b) for a, b in zip(*found, strict=True)} == set(np.ndindex(rows, columns))
    if len(pairs) > 1:
        wrong = left[i].copy()
        wrong[0, 0] += 50
        remaining = matrix(wrong, right[j])
        assert remaining is None or columns == 1


def test_a_wrong_place_is_found_by_the_comparison() -> None:
    leaves, total = perceptron(V, np.random.default_rng(0).normal(size=(5, 3)), 4)
    replayed = ScalarProgram.of([total], root=0)
    total.backward()
    expected = [x.grad for x in leaves]
    instruction = next(i for _, i in replayed.plan.instructions if i.name == "matrix product")
    spot = next(k for k, scatter in enumerate(instruction.scatters) if scatter is not None)
    wrong = np.array(instruction.scatters[spot].index)
    wrong[0, 0], wrong[-1, -1] = wrong[-1, -1], wrong[0, 0]
    instruction.scatters[spot] = Scatter(wrong)
    for x in leaves:
        x.grad = 0.0
    replayed.run()
    with pytest.raises(AssertionError):
        close([x.grad for x in leaves], expected, 100.0)
