"""Lists, tuples and dictionaries of arrays: taken apart into their arrays and put together again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

import numpy as np

Tree: TypeAlias = Any
"""An array, or a list, tuple or dictionary of trees. A list of plain numbers is an array, as everywhere."""


def flatten(tree: Tree) -> tuple[list[Any], Callable[[Iterable[Any]], Tree]]:
    """
    Return the arrays in a tree, and the function that puts others in their places.

    Raises
    ------
    ValueError
        If the tree contains itself.

    Examples
    --------
    >>> leaves, rebuild = flatten({"w": [1.0, 2.0], "layers": ([3.0], 4.0)})
    >>> leaves
    [[1.0, 2.0], [3.0], 4.0]
    >>> rebuild("abc")
    {'w': 'a', 'layers': ('b', 'c')}
    """
    try:
        leaves = list(_leaves(tree))
    except RecursionError:
        raise _endless() from None
    return leaves, lambda others: _rebuilt(tree, iter(others))


def alike(tree: Tree, other: Tree) -> bool:
    """
    Return whether two trees differ in nothing but their arrays, and the order of keys.

    Examples
    --------
    >>> alike({"w": 1.0}, {"w": 2.0}), alike((1.0, 2.0), (1.0,))
    (True, False)
    """
    try:
        return _alike(tree, other)
    except RecursionError:
        raise _endless() from None


def _alike(tree: Tree, other: Tree) -> bool:
    keys, others = _keys(tree), _keys(other)
    if keys is None or others is None:
        return keys is others
    same = isinstance(tree, dict) == isinstance(other, dict) and len(keys) == len(others)
    return same and set(keys) == set(others) and all(_alike(tree[key], other[key]) for key in keys)


def arranged(tree: Tree, other: Tree) -> list[Any]:
    """
    Return the arrays in a tree in the order in which they stand in another one, which is alike.

    Examples
    --------
    >>> arranged({"b": 2.0, "w": 1.0}, {"w": 0.0, "b": 0.0})
    [1.0, 2.0]
    """
    keys = _keys(other)
    return [tree] if keys is None else [leaf for key in keys for leaf in arranged(tree[key], other[key])]


def _endless() -> ValueError:
    return ValueError(
        "a list, tuple or dictionary of arrays contains itself, or is nested too deeply to follow"
    )


def _keys(tree: Tree) -> list[Any] | None:
    """Return how to get at the branches of a tree; None for an array."""
    if isinstance(tree, dict):
        return list(tree)
    if isinstance(tree, tuple) or (isinstance(tree, list) and not _all_numbers(tree)):
        return list(range(len(tree)))
    return None


def _all_numbers(tree: list[Any]) -> bool:
    """Return whether a list, of lists perhaps, holds plain numbers alone, at least one."""
    return bool(tree) and all(
        _all_numbers(branch) if isinstance(branch, list) else isinstance(branch, (int, float, np.number))
        for branch in tree
    )


def _leaves(tree: Tree) -> Iterator[Any]:
    keys = _keys(tree)
    if keys is None:
        yield tree
    for key in keys or ():
        yield from _leaves(tree[key])


def _rebuilt(tree: Tree, leaves: Iterator[Any]) -> Tree:
    keys = _keys(tree)
    if keys is None:
        return next(leaves)
    branches = [_rebuilt(tree[key], leaves) for key in keys]
    if isinstance(tree, dict):
        return dict(zip(keys, branches, strict=True))
    return type(tree)(*branches) if hasattr(tree, "_fields") else type(tree)(branches)
