"""The arguments of a function: which numbers and Values are read at each run, and what must stay the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np

from ...value import Value
from .number import plain

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


Containers: TypeAlias = list[tuple[Any, Any, Any]]
"""Lists and dictionaries: those that were given, those in their places, and copies of these."""


def replaced(tree: Any, stand_ins: Iterator[Any], containers: Containers) -> Any:
    """Return the tree with others in the places of its floats and Values, in the order of `signature`."""
    return _replaced(tree, stand_ins, containers, {})


def _replaced(tree: Any, stand_ins: Iterator[Any], containers: Containers, known: dict[int, Any]) -> Any:
    if isinstance(tree, float):
        return next(stand_ins)
    if type(tree) is Value:
        if id(tree) not in known:
            known[id(tree)] = next(stand_ins)
        return known[id(tree)]
    if isinstance(tree, dict):
        result: Any = {key: _replaced(x, stand_ins, containers, known) for key, x in tree.items()}
    elif isinstance(tree, (tuple, list)):
        branches = [_replaced(x, stand_ins, containers, known) for x in tree]
        result = type(tree)(*branches) if hasattr(tree, "_fields") else type(tree)(branches)
    else:
        return tree
    if not isinstance(tree, tuple):
        containers.append((tree, result, result.copy()))
    return result


def put_back(containers: Containers) -> bool:
    """Change lists and dictionaries that were given as those in their places were; return whether any was."""
    changed = False
    own = {id(result): given for given, result, _ in containers}
    for given, result, before in containers:
        items, earlier = _items(result), _items(before)
        if len(items) == len(earlier) and all(a is b for a, b in zip(items, earlier, strict=True)):
            continue
        changed = True
        kept = dict(zip(map(id, earlier), _items(given), strict=True))
        new = [kept.get(id(x), own.get(id(x), plain(x))) for x in items]
        if isinstance(given, list):
            given[:] = new
        else:
            given.clear()
            given.update(zip(new[::2], new[1::2], strict=True))
    return changed


def _items(container: Any) -> list[Any]:
    if isinstance(container, list):
        return list(container)
    return [x for item in container.items() for x in item]
