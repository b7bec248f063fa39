"""Which arrays have been written to, and when: so that no derivative is taken with numbers that have changed.

Whoever changes an array through the library (an optimizer, ``t += 1``, ``load_state_dict``) notes it here.
Backward compares: a rule that needs an array which was written to after its node was recorded is an error.
To use a Tensor whose memory was changed through another one is an error at once. Writes through a plain
NumPy alias can't be seen, except by the checksums of :func:`minigrad.detect_anomaly`.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np

_written: dict[int, list[Any]] = {}
"""When each memory was written to last, and a weak reference to it, by the id of the array that owns it."""

_latest = -1


class ChangedInPlaceError(RuntimeError):
    """An array that a derivative needs was changed after the computation that used it."""


def owner(array: Any) -> Any:
    """Return the array whose memory this one is."""
    if type(array) is not np.ndarray:  # what stands for one where a program is captured
        array = getattr(array, "value", array)
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def note(array: Any, order: int) -> None:
    """Note that ``array`` was written to after the nodes before ``order``."""
    global _latest
    memory = owner(array)
    key = id(memory)
    entry = _written.get(key)
    if entry is None:
        _written[key] = [order, weakref.ref(memory, lambda _: _written.pop(key, None))]
    else:
        entry[0] = order
    if order > _latest:  # another thread may have been faster
        _latest = order


def latest() -> int:
    """Return when anything was written to last: what was recorded since needs no look."""
    return _latest


def check_current(node: Any, array: Any) -> None:
    """
    Raise if the array of a Tensor is no longer what its node computed.

    Raises
    ------
    ChangedInPlaceError
        If it was written to through another Tensor, whose derivative this one's graph does not hold.
    """
    if node.order < _time(array):
        raise ChangedInPlaceError(
            f"the memory of this Tensor, computed by {described(node)}, was changed through another one "
            f"(a view of it, or what it is a view of): its derivative would be wrong; "
            f"take the view again after the change, or write t = t + x instead of t += x"
        )


def check(node: Any) -> None:
    """
    Raise if something that the node's rule needs has been changed since it was recorded.

    Raises
    ------
    ChangedInPlaceError
        Naming the operation, and its source line where that is known.
    """
    for what, array in needed(node):
        if _time(array) > node.order:
            raise changed(node, what)


def needed(node: Any) -> Iterator[tuple[str, Any]]:
    """
    Iterate over the arrays that a node's rule reads, with what they are.

    The classes of the arguments tell: a linear one is read by nobody, a factor by the other factors alone.
    """
    primitive = node.primitive
    active = [k for k, parent in enumerate(node.parents) if parent is not None]
    curved = any(primitive.class_of(k) in ("gate", "smooth") for k in active)
    for j, arg in enumerate(node.args):
        if curved or (primitive.class_of(j) != "linear" and any(k != j for k in active)):
            yield f"argument {primitive.argument(j)}", arg
    if curved:
        yield "result", node.output


def described(node: Any) -> str:
    """Return what a node is called in an error: its operation, and where it stands if that is known."""
    path, _, source = node.origin or ("", "", "")
    place = " in ".join(filter(None, (f"line {source}" if source else "", f"layer {path}" if path else "")))
    return f"{node.primitive.name} ({node.primitive.formula})" + (f" at {place}" if place else "")


def _time(array: Any) -> int:
    """Return when the memory of an array was written to last; −1 for never."""
    return _written.get(id(owner(array)), (-1,))[0] if isinstance(array, np.ndarray) else -1


def changed(node: Any, what: str) -> ChangedInPlaceError:
    """Return the error that says so."""
    return ChangedInPlaceError(
        f"{described(node)} needs its {what} for the derivative, but that array was changed in place since; "
        f"write t = t + x instead of t += x, use a copy, or call backward() before the change "
        f"(an optimizer's step is one)"
    )
