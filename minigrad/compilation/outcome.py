"""What a run leaves behind: its results, and what it changed outside, as a replay is to do it again."""

from __future__ import annotations

import copy
import gc
import sys
import types
from typing import TYPE_CHECKING, Any

import numpy as np

from ..graph import Node
from ..recording import PLAIN
from ..rules.arithmetic import positive
from .program import Effect, Result, Source
from .traced import Number, Traced, plain

if TYPE_CHECKING:
    from .capture import Capture


class Outcome:
    """
    What a captured run returned and changed.

    Attributes
    ----------
    effects : list of Effect
        What a replay changes outside.
    gradients_absent : list of (Tensor, bool)
        Gradients that the run depends on, and whether they have to be None.
    """

    def __init__(self, capture: Capture) -> None:
        self.capture = capture
        self.effects: list[Effect] = []
        self.gradients_absent: list[tuple[Any, bool]] = []

    def outputs(self, tree: Any) -> Any:
        """Return a result with Results in the places of what was computed."""
        kind = type(tree)
        if kind is Traced:
            return Result("array", self.capture.current(tree))
        if kind is Number:
            return Result("number", self.capture.current(tree))
        if is_tensor(tree):
            if id(tree) not in self.capture.tensors:
                return self.capture.place(tree)
            slot = self.capture.current(self.capture.lift(tree))
            return Result("tensor" if tree._node is None else "recorded", slot)
        if kind is np.ndarray:
            return Result(
                "array", self.capture.current(self.capture.array(tree, Source("constant", tree.copy())))
            )
        if kind in (tuple, list) or (isinstance(tree, tuple) and hasattr(tree, "_make")):
            items = [self.outputs(item) for item in tree]
            return tree._make(items) if hasattr(tree, "_make") else kind(items)
        if kind is dict:
            return {key: self.outputs(value) for key, value in tree.items()}
        if not isinstance(tree, (bool, int, float, complex, str, bytes, type(None), np.generic)):
            self.capture.leave(
                f"it returns a {kind.__name__}, where tuples, lists and dictionaries can be made anew"
            )
        return tree

    def returned(self, tree: Any) -> Any:
        """Return a result as a replay gives it, numbers of its own and no graph, or as it is without one."""
        kind = type(tree)
        if kind is Traced or kind is Number:
            return copy.copy(tree.value)
        if is_tensor(tree):
            if self.capture.reason is not None or id(tree) not in self.capture.tensors:
                return tree
            array = np.array(plain(tree.data))
            return type(tree)(array) if tree._node is None else recorded_elsewhere(array)
        if kind is np.ndarray and self.capture.reason is None:
            return tree.copy()
        if kind in (tuple, list) or (isinstance(tree, tuple) and hasattr(tree, "_make")):
            items = [self.returned(item) for item in tree]
            return tree._make(items) if hasattr(tree, "_make") else kind(items)
        return {key: self.returned(value) for key, value in tree.items()} if kind is dict else tree

    def note_effects(self) -> None:
        """Note what became of everything outside."""
        for tensor, traced, gradient in self.capture.lifted.values():
            target = self.capture.place(tensor)
            data, now = tensor.data, tensor._grad
            if type(data) is not Traced:
                self.capture.leave("the .data of a Tensor is replaced by an array that was not computed here")
            elif data is not traced:
                self.effects.append(Effect("new data", target, self.capture.current(data)))
            self._note_gradient(tensor, target, gradient, now)
        for state, step in self.capture.steps.values():
            self.effects.append(Effect("step", state, step.slot))
        tensors = {id(traced) for _, traced, _ in self.capture.lifted.values()}
        for _, traced, first in self.capture.arrays.values():
            kind = self.capture.sources[first].kind
            if traced.memory.written == 0 or kind in ("scratch", "constant"):
                continue
            if kind == "argument" and id(traced) not in tensors:
                self.capture.leave("an argument is written to in place: return the new array instead")
            self.effects.append(Effect("array", first, self.capture.current(traced)))

    def _note_gradient(self, tensor: Any, target: Any, before: Any, now: Any) -> None:
        """Note what became of a Tensor's gradient, and whether it mattered that it had one."""
        overwritten = id(tensor) in self.capture.overwritten
        kept = now is None if before is None else type(now) is Traced and now.value is before
        if id(tensor) in self.capture.gradients_read or not (overwritten or kept):
            self.gradients_absent.append((target, before is None))
        if kept and not overwritten and id(tensor) not in self.capture.gradients_read:
            return
        if now is not None and type(now) is not Traced:
            self.capture.leave("a gradient is set to an array that was not computed here")
            return
        self.effects.append(Effect("grad", target, None if now is None else self.capture.current(now)))


def stand_ins_kept(capture: Capture) -> bool:
    """Return whether stand-ins are kept outside; plain numbers are put in their places."""
    survivors = [x for x in (reference() for reference in capture.stand_ins) if x is not None]
    found = bool(survivors)
    while survivors:
        _release(survivors.pop())
    return found


def tensors_kept(made: dict[int, Any]) -> bool:
    """Return whether a Tensor of the run is known to others than the dictionary; `made` may get smaller."""
    if _known_outside(made):
        gc.collect()
        return _known_outside(made)
    return False


def _known_outside(made: dict[int, Any]) -> bool:
    """Look first at what was computed: what it was computed from is known to its graph."""
    if any(tensor._node is not None and sys.getrefcount(tensor) > 3 for tensor in made.values()):
        return True
    for key in [key for key, tensor in made.items() if tensor._node is not None]:
        del made[key]
    return any(sys.getrefcount(tensor) > 3 for tensor in made.values())


def _release(stand_in: Any) -> None:
    """Put the plain numbers wherever a stand-in is kept."""
    number = plain(stand_in)
    for holder in gc.get_referrers(stand_in):
        attributes = getattr(holder, "__dict__", None)
        places = attributes if isinstance(attributes, dict) else holder
        if is_tensor(holder):
            holder.data, holder._grad = plain(holder.data), plain(holder._grad)
        elif isinstance(holder, types.CellType):
            holder.cell_contents = number
        elif isinstance(places, (dict, list)):
            for key, value in list(places.items() if isinstance(places, dict) else enumerate(places)):
                if value is stand_in:
                    places[key] = number


def is_tensor(thing: Any) -> bool:
    """Return whether something is a Tensor of this library's."""
    return hasattr(thing, "_record") and hasattr(thing, "_node")


def recorded_elsewhere(array: Any) -> Any:
    """Return the Tensor of a result whose graph is gone, as after backward(), so that another is an error."""
    from ..tensor import _wrap

    return _wrap(array, Node(positive, None, None, {}, None, PLAIN))  # type: ignore[arg-type]
