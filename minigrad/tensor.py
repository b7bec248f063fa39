"""The array face of the engine: an array that remembers the operations that made it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from . import settings, writes
from .array_methods import Array as Array
from .array_methods import ArrayMethods
from .dispatch import Dispatch
from .graph import Node, newest_first, walk_backward
from .inplace import InPlace, fixed
from .recording import current, enable_grad
from .rules import Primitive
from .rules.operands import as_array, numbers, stripped
from .rules.shaping import gather

NUMBERS = "biuf"
"""Kinds of dtype that a Tensor may have."""

_new = object.__new__


def tensor(
    data: ArrayLike | Tensor, dtype: DTypeLike | None = None, requires_grad: bool = False, label: str = ""
) -> Tensor:
    """
    Make a Tensor, a copy of ``data``.

    Parameters
    ----------
    data : array_like
        Numbers of any shape; the dtype follows NumPy (Python floats give float64).
    dtype : dtype, optional
        Convert to this one.
    requires_grad : bool
        Whether derivatives by this Tensor are wanted.
    label : str
        What pictures call it.

    Raises
    ------
    TypeError
        If a gradient is wanted of numbers that are not floats, or the data are not real numbers.
    ValueError
        If the data are lists of unequal lengths.

    Examples
    --------
    >>> import numpy as np, minigrad as mg
    >>> x = mg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> np.sum(x * x).backward()
    >>> x.grad
    array([2., 4., 6.])
    """
    return Tensor(as_array(numbers(data), dtype).copy(order="K"), requires_grad=requires_grad, label=label)


class Tensor(InPlace, Dispatch, ArrayMethods):
    """
    An array with its derivative; NumPy's functions and operators on it are recorded.

    Make one with :func:`minigrad.tensor`, which copies; this constructor keeps the array that it is given.

    Where Python asks for a plain number, a Tensor with one entry gives it, and the graph ends there without
    a word: ``float(t)``, ``math.exp(t)``, ``array[i] = t``. Use ``np.exp(t)`` and :func:`minigrad.stack`.

    Attributes
    ----------
    data : ndarray
        The numbers.
    grad : ndarray or None
        The derivative by this Tensor of what ``backward`` was called on, same shape and dtype. On an
        intermediate result only after ``backward(retain_graph=True)``; on a leaf a Tensor after
        ``backward(create_graph=True)``.
    requires_grad : bool
        Whether operations on it are recorded.
    label : str
        What pictures call it.
    """

    __slots__ = ("_grad", "_label", "_node", "_requires_grad", "data")

    primitive = None  # a leaf stands in the graph itself, as a vertex that nothing was applied to
    parents = ()
    order = -1

    def __init__(self, data: Any, requires_grad: bool = False, label: str = "") -> None:
        self.data: Array = as_array(data)
        if self.data.dtype.kind not in NUMBERS:
            raise TypeError(
                f"a Tensor holds real numbers, but got dtype {self.data.dtype}; convert it to floats first"
            )
        self._label = label
        self._node: Node | None = None
        self._grad: Any = None
        self._requires_grad = False
        if requires_grad:
            self.requires_grad = True
        capture = current().capture
        if capture is not None:
            capture.made(self)

    @property
    def requires_grad(self) -> bool:
        """Whether operations on this Tensor are recorded."""
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        if wanted and self.data.dtype.kind != "f":
            raise TypeError(
                f"only floats have gradients, but this Tensor has dtype {self.data.dtype}; "
                f"make it with mg.tensor(data, dtype=float, requires_grad=True)"
            )
        if not wanted and self._node is not None:
            raise RuntimeError("a computed Tensor can't stop requiring a gradient; use .detach()")
        if bool(wanted) is not self._requires_grad:
            self._requires_grad = bool(wanted)
            settings.changed()

    @property
    def label(self) -> str:
        """What pictures call this Tensor."""
        return self._label if self._node is None else self._node.label

    @label.setter
    def label(self, label: str) -> None:
        if self._node is None:
            self._label = label
        else:
            self._node.label = label

    @property
    def grad(self) -> Any:
        """The derivative by this Tensor, or None."""
        capture = current().capture
        if capture is not None:
            capture.reading_gradient(self)
        return self._grad if self._node is None else self._node.gradient

    @grad.setter
    def grad(self, value: Any) -> None:
        if value is not None:
            value = value if isinstance(value, Tensor) else as_array(value).astype(self.dtype, copy=False)
            if value.shape != self.shape:
                raise ValueError(
                    f"the gradient of a Tensor of shape {self.shape} can't have shape {value.shape}"
                )
        if self._node is None:
            capture = current().capture
            if capture is not None:
                capture.setting_gradient(self)
            self._grad = value
        else:
            self._node.gradient = value

    def backward(
        self,
        gradient: ArrayLike | Tensor | None = None,
        retain_graph: bool = False,
        create_graph: bool = False,
    ) -> None:
        """
        Add the derivative of this Tensor by every leaf to the leaf's ``grad``.

        Parameters
        ----------
        gradient : array_like, optional
            Derivative of the final result by this Tensor, same shape; needed unless it has one entry.
        retain_graph : bool
            Keep the graph for another backward pass, and the gradients of intermediate results.
        create_graph : bool
            Record the backward pass itself, so that gradients can be differentiated again. They refer to
            the graph and it to the leaves: set ``leaf.grad = None`` at the end to let go of it.

        Raises
        ------
        RuntimeError
            If this Tensor has several entries and no ``gradient`` is given, or requires no gradient.
        GraphFreedError
            If an earlier backward pass freed the graph.
        ValueError
            If ``gradient`` has another shape.
        """
        seed = self._seed(gradient)
        root = self._vertex()
        if create_graph:
            seed = seed if isinstance(seed, Tensor) else Tensor(seed)
            with enable_grad():
                for vertex, g in walk_backward(newest_first(root), {id(root): seed}, recorded):
                    if vertex.primitive is None:  # never shared memory
                        vertex._grad = g * 1 if vertex._grad is None else vertex._grad + g
                    else:  # the array alone: a recorded one would refer back here
                        vertex.gradient = numbers(g).copy(order="K")
            return
        given = seed.data if isinstance(seed, Tensor) else seed
        held = {id(given)}
        for vertex, g in walk_backward(
            newest_first(root), {id(root): given}, plain, release=not retain_graph
        ):
            if vertex.primitive is None:
                vertex._collect(g, held, shared=retain_graph)
            elif retain_graph:
                vertex.gradient = as_array(g).copy(order="K")

    def _seed(self, gradient: Any) -> Any:
        """Return the cotangent to start from, checked."""
        if not self._requires_grad:
            raise RuntimeError(
                "backward() on a Tensor that requires no gradient: nothing it was computed from has "
                "requires_grad=True, or only through steps (comparisons, sign, floor) of derivative 0, "
                "or it was computed inside no_grad()"
            )
        if gradient is None:
            if self.size != 1:
                raise RuntimeError(
                    f"backward() of a Tensor of shape {self.shape}: only one number has a gradient; "
                    f"reduce it first (.sum() or .mean()), or pass gradient= of the same shape"
                )
            return np.ones_like(self.data)
        seed = gradient if isinstance(gradient, Tensor) else as_array(gradient)
        if seed.dtype.kind not in NUMBERS:
            raise TypeError(f"gradient must be real numbers, but has dtype {seed.dtype}")
        if seed.shape != self.shape:
            raise ValueError(
                f"gradient has shape {seed.shape}, but the Tensor has shape {self.shape}; they must agree"
            )
        return seed if seed.dtype == self.dtype else seed.astype(self.dtype)

    def _collect(self, g: Any, held: set[int], shared: bool) -> None:
        """Add to ``grad``, which never shares memory with anything else."""
        if g.shape != self.data.shape:
            raise RuntimeError(
                f"a leaf has shape {self.shape}, but its gradient has shape {g.shape}: its .data was "
                f"replaced after it was used (compute the output again), or a rule gives the wrong shape"
            )
        if self._grad is not None:
            self._grad = as_array(stripped(self._grad) + g)
        elif shared or not isinstance(g, np.ndarray) or g.base is not None or id(g) in held:
            self._grad = as_array(g).copy(order="K")
        else:
            self._grad = g
            held.add(id(g))

    @staticmethod
    def _record(primitive: Primitive, operands: Sequence[Any], options: dict[str, Any]) -> Tensor:
        """Apply a primitive to the operands' arrays, and remember it if a gradient may be wanted."""
        mode = current()
        recording, capture, varies = mode.recording, mode.capture, primitive.differentiable
        args: list[Any] = []
        parents: list[Any] = []
        wanted = False
        for k, x in enumerate(operands):
            parent = None
            if isinstance(x, Tensor):
                if recording and x._requires_grad and varies[0 if primitive.variadic else k]:
                    parent, wanted = x if x._node is None else x._vertex(), True
                x = x.data if capture is None else capture.lift(x)
            else:
                x = _operand(x)
            args.append(x)
            parents.append(parent)
        kept = None
        if wanted and primitive.keeping is not None:
            output, kept = primitive.compute(args, options, primitive.keeping)
        else:
            output = primitive.compute(args, options)
        if mode.inspect is not None:
            mode.inspect.result(primitive, args, options, output)
        output = as_array(output)
        kind = output.dtype.kind
        if kind not in NUMBERS:
            return Tensor(output)  # says what is wrong
        varying = wanted and kind == "f"  # rounding to whole numbers has no derivative
        node = Node(primitive, tuple(parents), args, options, output, mode, kept) if varying else None
        result = _wrap(output, node)
        if capture is not None:
            capture.made(result)
        return result

    def _vertex(self) -> Any:
        """Return where this Tensor stands in the graph, if its numbers are still those computed there."""
        node = self._node
        if node is None:
            return self
        if node.order < writes.latest():
            writes.check_current(node, self.data)
        return node

    @staticmethod
    def _accepts(other: Any) -> bool:
        """Whether an operator takes the other operand."""
        return isinstance(other, (Tensor, np.ndarray, int, float, bool, np.number, np.bool_, list, tuple))

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> Array:
        """Give the numbers to NumPy, unless that would silently cut the graph."""
        if self._requires_grad:
            raise TypeError(
                "turning a Tensor that requires a gradient into an array would silently cut the graph; "
                "say so with .data, .numpy() or .detach(); to join Tensors use mg.stack or mg.concatenate"
            )
        return np.array(self.data, dtype=dtype, copy=copy)

    @property
    def is_leaf(self) -> bool:
        """Whether this Tensor was made rather than computed from others that require a gradient."""
        return self._node is None

    def __getitem__(self, index: Any) -> Tensor:
        """Pick entries, by basic or fancy index."""
        return self._record(gather, (self,), {"index": fixed(index)})

    def detach(self) -> Tensor:
        """Return a Tensor of the same array that is not part of the graph."""
        return Tensor(self.data, label=self.label)

    def __iter__(self) -> Iterator[Tensor]:
        """Iterate over the first axis."""
        return (self[i] for i in range(len(self)))

    def __and__(self, other: Any) -> Any:
        """Combine decisions entry by entry."""
        return np.bitwise_and(self, other)

    def __or__(self, other: Any) -> Any:
        """Combine decisions entry by entry."""
        return np.bitwise_or(self, other)

    def __xor__(self, other: Any) -> Any:
        """Combine decisions entry by entry."""
        return np.bitwise_xor(self, other)

    def __rand__(self, other: Any) -> Any:
        """Combine decisions entry by entry."""
        return np.bitwise_and(other, self)

    def __ror__(self, other: Any) -> Any:
        """Combine decisions entry by entry."""
        return np.bitwise_or(other, self)

    def __rxor__(self, other: Any) -> Any:
        """Combine decisions entry by entry."""
        return np.bitwise_xor(other, self)

    def __invert__(self) -> Any:
        """Negate decisions entry by entry."""
        return np.invert(self)

    def __repr__(self) -> str:
        numbers = np.array2string(self.data, separator=", ", prefix="tensor(", threshold=100)
        extras = [] if self.dtype in (np.float64, np.int64, np.bool_) else [f"dtype={self.dtype}"]
        extras += ["requires_grad=True"] if self._requires_grad else []
        extras += [f"label={self.label!r}"] if self.label else []
        return f"tensor({', '.join([numbers, *extras])})"

    __hash__ = object.__hash__  # __eq__ compares entry by entry


def plain(node: Node) -> tuple[Any, Sequence[Any]]:
    """Let the rules see the arrays: the fast path."""
    assert node.args is not None
    return node.output, node.args if node.kept is None else [*node.args, node.kept]


def recorded(node: Node) -> tuple[Any, Sequence[Any]]:
    """Let the rules see Tensors, so that what they compute is recorded in turn."""
    assert node.args is not None
    if any(
        isinstance(p, Tensor) and p.data is not arg for p, arg in zip(node.parents, node.args, strict=True)
    ):
        raise RuntimeError(
            "the .data of a leaf was replaced after it was used (load_state_dict does so too), so "
            "create_graph=True would mix old and new numbers; compute the output again"
        )
    args = [
        arg if parent is None else parent if isinstance(parent, Tensor) else _wrap(arg, parent)
        for arg, parent in zip(node.args, node.parents, strict=True)
    ]
    return _wrap(node.output, node), args


def _wrap(array: Any, node: Node | None) -> Tensor:
    """Return the Tensor of what was computed, without the questions that are put to what users give."""
    result = _new(Tensor)
    result.data = array
    result._label = ""
    result._grad = None
    result._node = node
    result._requires_grad = node is not None
    return result


def _operand(x: Any) -> Any:
    """Let numbers keep NumPy's weak promotion; make arrays of lists and of arrays with rules of their own."""
    return as_array(x) if isinstance(x, (list, tuple, np.ndarray)) else x
