"""Trees of arrays: taken apart and put together."""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.trees import alike, arranged, flatten

Pair = namedtuple("Pair", ["left", "right"])
arrays = st.integers(0, 3).map(lambda n: np.arange(float(n)))


def _branches(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.lists(children, max_size=3),
        st.lists(children, max_size=3).map(tuple),
        st.dictionaries(st.sampled_from("abc"), children, max_size=3),
        st.tuples(children, children).map(lambda two: Pair(*two)),
    )


trees = st.recursive(arrays, _branches, max_leaves=8)


def shape_of(tree: Any) -> Any:
    """The same tree with None for its arrays, found without the library."""
    if isinstance(tree, dict):
        return {key: shape_of(value) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return (type(tree), [shape_of(branch) for branch in tree])
    return None


def count(tree: Any) -> int:
    if isinstance(tree, dict):
        return sum(map(count, tree.values()))
    return sum(map(count, tree)) if isinstance(tree, (list, tuple)) else 1


@given(tree=trees)
def test_what_is_taken_apart_goes_together_again(tree: Any) -> None:
    leaves, rebuild = flatten(tree)
    assert len(leaves) == count(tree)
    again = rebuild(leaves)
    assert shape_of(again) == shape_of(tree)
    assert [id(x) for x in flatten(again)[0]] == [id(x) for x in leaves]
    numbered = rebuild(range(len(leaves)))
    assert alike(rebuild([np.ones(1)] * len(leaves)), tree)
    assert count(numbered) == len(leaves)


@given(tree=trees, other=trees)
def test_trees_are_alike_exactly_when_they_differ_in_their_arrays_alone(tree: Any, other: Any) -> None:
    def bare(x: Any) -> Any:
        """Named tuples and tuples and lists of one length are alike: all are counted through."""
        if isinstance(x, dict):
            return {key: bare(value) for key, value in x.items()}
        return [bare(branch) for branch in x] if isinstance(x, (list, tuple)) else None

    assert alike(tree, other) == (bare(tree) == bare(other))
    assert alike(tree, tree)


@given(tree=trees)
def test_keys_may_come_in_another_order(tree: Any) -> None:
    def turned(x: Any) -> Any:
        if isinstance(x, dict):
            return {key: turned(x[key]) for key in reversed(x)}
        if isinstance(x, Pair):
            return Pair(*map(turned, x))
        return type(x)(map(turned, x)) if isinstance(x, (list, tuple)) else x

    other = turned(tree)
    assert alike(other, tree)
    assert [id(x) for x in arranged(other, tree)] == [id(x) for x in flatten(tree)[0]]


@pytest.mark.parametrize(
    ("tree", "leaves"),
    [
        ([1.0, 2.0], [[1.0, 2.0]]),
        ([[1.0], [2, 3.0]], [[[1.0], [2, 3.0]]]),
        ((1.0, 2.0), [1.0, 2.0]),
        ([(1.0,), [2.0]], [1.0, [2.0]]),
        ([], []),
        ((), []),
        ({}, []),
        ([[], ()], []),
        (5.0, [5.0]),
        ("ab", ["ab"]),
        (None, [None]),
    ],
)
def test_a_list_of_plain_numbers_is_an_array(tree: Any, leaves: Any) -> None:
    assert flatten(tree)[0] == leaves


def test_a_list_of_tensors_or_arrays_is_a_tree() -> None:
    a, b = mg.tensor(1.0), np.ones(2)
    assert [id(x) for x in flatten([a, b])[0]] == [id(a), id(b)]


def test_a_dictionary_of_any_kind_comes_back_as_a_plain_one() -> None:
    leaves, rebuild = flatten(OrderedDict(b=1.0, a=2.0))
    assert leaves == [1.0, 2.0]
    assert rebuild("xy") == {"b": "x", "a": "y"}


def test_a_deep_tree() -> None:
    tree: Any = np.ones(1)
    for k in range(100):
        tree = {"x": tree} if k % 2 else [tree]
    assert len(flatten(tree)[0]) == 1 and alike(tree, tree)


def _inside_itself(kind: str, depth: int) -> Any:
    inner: Any = {} if kind == "dict" else []
    tree = inner
    for _ in range(depth):
        tree = [tree]
    if kind == "dict":
        inner["x"] = tree
    else:
        inner.append((tree,) if kind == "tuple" else tree)
    return tree


@given(st.sampled_from(["list", "tuple", "dict"]), st.integers(0, 3))
def test_what_contains_itself_is_refused(kind: str, depth: int) -> None:
    tree = _inside_itself(kind, depth)
    x = mg.tensor(1.0)
    calls: list[Any] = [
        lambda: flatten(tree),
        lambda: alike(tree, _inside_itself(kind, depth)),
        lambda: mg.grad(lambda t: x)(tree),
        lambda: mg.vjp(lambda t: x, tree),
        lambda: mg.jvp(lambda t: x, [1.0], [tree]),
        lambda: mg.check_gradients(lambda t: x, tree),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="contains itself"):
            call()
    if kind != "dict":
        for call in (lambda: mg.sum(tree), lambda: mg.stack([tree, x])):
            with pytest.raises(ValueError, match=r"one contain itself|rows of equal length"):
                call()
