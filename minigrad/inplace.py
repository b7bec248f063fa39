"""Changing a Tensor in place: ``t += x``, ``t[index] = x``. Either right, or refused.

Where no derivative is at stake, the array is written to as NumPy does. Where one is, the Tensor goes on as
the result of a new node, and the write is noted, so that backward refuses what needed the old numbers.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from . import writes
from .graph import GraphFreedError, tick
from .recording import current
from .rules import Primitive
from .rules.arithmetic import add, divide, multiply, power, remainder, subtract
from .rules.assignment import assign
from .rules.decisions import floor_divide
from .rules.operands import numbers
from .rules.products import matmul
from .rules.shaping import astype, gather


def _operator(primitive: Primitive, symbol: str) -> Callable[[Any, Any], Any]:
    def operate(self: InPlace, other: Any) -> Any:
        if not self._accepts(other):
            return NotImplemented
        return change(self, primitive, other, {}, f"t {symbol}= x", f"t = t {symbol} x")

    operate.__doc__ = f"Change the Tensor to {primitive.formula}, in place."
    return operate


class InPlace:
    """The operators that change a Tensor."""

    __slots__ = ()

    _accepts: Callable[[Any], bool]

    __iadd__, __isub__ = _operator(add, "+"), _operator(subtract, "-")
    __imul__, __itruediv__ = _operator(multiply, "*"), _operator(divide, "/")
    __ipow__, __imatmul__ = _operator(power, "**"), _operator(matmul, "@")
    __imod__, __ifloordiv__ = _operator(remainder, "%"), _operator(floor_divide, "//")

    def __setitem__(self, index: Any, value: Any) -> None:
        """
        Write to some of the entries, as in NumPy.

        Raises
        ------
        RuntimeError
            If the Tensor is a leaf that requires a gradient, shares memory with one, or is part of a graph
            that is not being recorded here.
        """
        change(self, assign, value, {"index": fixed(index)}, "t[index] = x", "t = mg.where(mask, x, t)")


def fixed(index: Any) -> Any:
    """Return an index without Tensors, and without what somebody else may change before backward."""
    if isinstance(index, (tuple, list)):
        return type(index)(map(fixed, index))
    plain = numbers(index)
    return plain.copy() if isinstance(plain, np.ndarray) else plain


def change(
    tensor: Any, primitive: Primitive, other: Any, options: dict[str, Any], written: str, instead: str
) -> Any:
    """Apply the primitive to a Tensor and ``other``, and make the result that Tensor."""
    mode = current()
    recording = mode.recording
    if mode.capture is not None:
        mode.capture.lift(tensor)
    derivative = recording and (tensor._requires_grad or getattr(other, "_requires_grad", False))
    if tensor._node is not None and not recording:
        raise RuntimeError(f"{written} inside no_grad() on a Tensor that was computed: detach() it first")
    if not derivative:
        _overwrite(tensor.data, primitive.compute([tensor.data, numbers(other)], options), written)
        writes.note(tensor.data, tick())
        return tensor
    if tensor.data.dtype.kind != "f":
        raise TypeError(
            f"{written} would lose the derivative of x in a Tensor of {tensor.data.dtype}; "
            f"convert it first: t = t.astype(float)"
        )
    if _belongs_to_leaf(tensor, written):
        raise RuntimeError(
            f"{written} on a leaf that requires a gradient, or on a view of one, can't be recorded; "
            f"write {instead}, or change it inside no_grad(), as an optimizer does"
        )
    if tensor._node is None and _shared(tensor):
        raise RuntimeError(
            f"{written} would make the Tensor depend on others, but its memory is shared with another "
            f"array, which would not; use a copy: t = t * 1"
        )
    if not _puts_back(tensor, other, options):
        tensor._vertex()
    if isinstance(numbers(other), np.ndarray) and np.may_share_memory(numbers(other), tensor.data):
        if getattr(other, "_requires_grad", False):
            other._vertex()
        other = _copy(other)  # t *= t, t *= t[::-1]
    result = tensor._record(primitive, (_copy(tensor), other), options)
    _overwrite(tensor.data, result.data, written)
    if result.dtype != tensor.data.dtype:
        result = result.astype(tensor.data.dtype)
    writes.note(tensor.data, result._node.order if result._node else tick())
    tensor._node, tensor._requires_grad = result._node, result._requires_grad  # a step has derivative 0
    return tensor


def _copy(x: Any) -> Any:
    """Return the same place in the graph with numbers that stay: what the new node keeps."""
    if isinstance(x, np.ndarray):
        return x.copy()
    copy: Any = type(x)(x.data.copy())
    copy._node, copy._requires_grad = x._node, x._requires_grad
    return copy


def _overwrite(array: np.ndarray[Any, Any], result: Any, written: str) -> None:
    """Write the result into the array, if it fits."""
    if np.shape(result) != array.shape:
        raise ValueError(f"{written} gives shape {np.shape(result)}, but the Tensor has shape {array.shape}")
    try:
        np.copyto(array, result, casting="same_kind")
    except TypeError:
        raise TypeError(
            f"{written} gives {np.asarray(result).dtype}, which does not fit into {array.dtype}; "
            f"convert the Tensor first: t.astype(float)"
        ) from None


def _belongs_to_leaf(tensor: Any, written: str) -> bool:
    """Return whether the memory is that of a leaf that requires a gradient."""
    memory, vertex = writes.owner(tensor.data), tensor._node or tensor
    while vertex is not None and vertex.primitive is not None:
        if vertex.released:
            raise GraphFreedError(
                f"{written} on a Tensor whose graph was freed by an earlier backward(): "
                f"detach() it first, or call that one with retain_graph=True"
            )
        pairs = zip(vertex.args, vertex.parents, strict=True)
        own = (p for arg, p in pairs if isinstance(arg, np.ndarray) and writes.owner(arg) is memory)
        vertex = next((parent for parent in own if parent is not None), None)
    return vertex is not None and bool(vertex._requires_grad)


def _puts_back(tensor: Any, other: Any, options: dict[str, Any]) -> bool:
    """Return whether this ends ``t[index] += x``: Python changes a view of t, then assigns it where it is."""
    node = getattr(other, "_node", None)
    if node is not None and node.primitive is astype and node.parents:
        node = node.parents[0]
    view = node.parents[0] if node is not None and node.parents else None
    if (
        view is None
        or view.primitive is not gather
        or not view.parents
        or view.parents[0] is not tensor._node
    ):
        return False
    place = tensor.data[options["index"]] if "index" in options else None
    return isinstance(place, np.ndarray) and _place(place) == _place(other.data)


def _place(array: Any) -> Any:
    """Return where an array lies, and how."""
    return getattr(array, "value", array).__array_interface__


def _shared(tensor: Any) -> bool:
    """Return whether something else refers to the Tensor's memory: a view, or the array it was made of."""
    if getattr(tensor.data, "value", tensor.data).base is not None:
        return True
    captured = getattr(tensor.data, "held", 0)
    return sys.getrefcount(tensor.data) > 2 + captured  # the Tensor's own, and the call's
