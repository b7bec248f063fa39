"""The arguments of a function: which numbers and Values are read at each run, and what must stay the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...value import Value

PLAIN = (type(None), int, str, bytes, complex, np.number, np.bool_, type)
"""What is compared as it is."""


def signature(tree: Any, variables: list[Any]) -> Any:
    """
    Return what a program depends on of its arguments, and collect the floats and Values among them.

    Other things must be equal at every run: whole numbers, text, arrays with all their entries.

    Raises
    ------
    TypeError
        If there is something of which that can't be known.

    Examples
    --------
    >>> found = []
    >>> signature([0.5, 2], found), found
    ((<class 'list'>, 'float', (<class 'int'>, 2)), [0.5])
    """
    kind = type(tree)
    if isinstance(tree, float):
        variables.append(tree)
        return "float"
    if kind is Value:
        for k, known in enumerate(variables):
            if known is tree:
                return "Value", k
        variables.append(tree)
        return "Value"
    if isinstance(tree, (tuple, list)):
        return (kind, *(signature(branch, variables) for branch in tree))
    if isinstance(tree, dict):
        return (kind, *((key, signature(branch, variables)) for key, branch in tree.items()))
    if isinstance(tree, np.ndarray) and tree.dtype.kind in "biuf":
        return kind, tree.dtype.str, tree.shape, tree.tobytes()
    if isinstance(tree, PLAIN):
        return kind, tree
    if callable(tree):
        return kind, id(tree)
    raise TypeError(
        f"an argument is a {kind.__name__}, which may change from run to run without notice: "
        f"pass floats, Values, and lists, tuples and dictionaries of these"
    )


def replaced(tree: Any, variables: Iterator[Any]) -> Any:
    """Return the tree with others in the places of its floats and Values, in the order of `signature`."""
    known: dict[int, Any] = {}
    return _replaced(tree, variables, known)


def _replaced(tree: Any, variables: Iterator[Any], known: dict[int, Any]) -> Any:
    if isinstance(tree, float):
        return next(variables)
    if type(tree) is Value:
        if id(tree) not in known:
            known[id(tree)] = next(variables)
        return known[id(tree)]
    if isinstance(tree, (tuple, list)):
        branches = [_replaced(branch, variables, known) for branch in tree]
        return type(tree)(*branches) if hasattr(tree, "_fields") else type(tree)(branches)
    if isinstance(tree, dict):
        return {key: _replaced(branch, variables, known) for key, branch in tree.items()}
    return tree
