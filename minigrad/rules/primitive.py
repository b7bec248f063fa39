"""What a derivative rule is: the three kinds of primitive, and how each gives both modes.

A primitive is written once, in plain NumPy. NumPy's own dispatch makes the same lines run on arrays (the
fast path), on recorded Tensors (derivatives of derivatives) and, for elementwise rules, on plain floats.

========================  ==============================  =========================================
kind                      reverse mode (VJP)              forward mode (JVP)
========================  ==============================  =========================================
:class:`Elementwise`      cotangent · partial             Σ partial · tangent
:class:`Linear`           the transpose                   the operation itself, applied to tangents
:class:`General`          written out                     written out
========================  ==============================  =========================================
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from .operands import Operand, as_array, described, match

Rule: TypeAlias = Callable[..., Operand]
Interval: TypeAlias = tuple[float, float]

CLASSES = ("linear", "multilinear", "gate", "smooth", "constant")
REAL_LINE: Interval = (-np.inf, np.inf)

REGISTRY: dict[str, Primitive] = {}
"""Every primitive by name: what tests, documentation, ``thin`` and ``viz`` read."""

NUMPY: dict[Callable[..., Any], Callable[..., Any]] = {}
"""What to call instead of a NumPy function when one of its arguments is a Tensor."""


class Primitive:
    """
    One differentiable operation with its derivative rule and what is known about it.

    Called like a function, it computes on arrays and numbers, and records on Tensors and Values.

    Attributes
    ----------
    name, symbol, formula, source : str
        The registry's key, what pictures show, the mathematics, and where it is derived.
    arguments : tuple of str
        Names of the array arguments; one name for all when `variadic`.
    classes : tuple of str
        How the result depends on each argument: ``linear`` (alone or jointly with the other linear ones),
        ``multilinear`` (linear in each, a product in several), ``gate`` (piecewise linear), ``smooth``, or
        ``constant`` (no derivative).
    domain : tuple of (float, float)
        Open interval of each argument on which the derivative rule holds.
    kinks : mapping
        Places without a derivative, and the convention that the rule takes there.
    pattern, margins : callable, optional
        For a gate: which piece it follows, and the boundaries δ = 0 of that piece. Both have the shape of
        the output; margins, and patterns that weigh pieces, have one more axis. ``margins(pattern, *args)``
        is linear in the arguments, so that the same function gives the slopes of δ; for elementwise gates
        those may have more axes in front.
    envelope : bool
        For a gate: whether its margins are the winner's lead over every piece, of which the pieces are the
        envelope. Else each margin is a boundary of its own, which stays where it is when another is crossed.
    on_scalars : callable, optional
        The same operation on Python's floats or on arrays of Values, where `forward` is slow or does not do.
    guards : bool
        Whether the cotangents that it hands on may be 0 by decision (the branch that a `where` did not take),
        so that they stay 0 also times an infinite partial: see :data:`strong_multiply`.
    keeps_zeros : bool
        Whether it hands on entries of 0 where its cotangent has them: what guards it guards what is beneath.
    """

    guards = False
    keeps_zeros = False
    keeping: Rule | None = None
    added = False  # by a user, who may add it again

    def __init__(
        self,
        name: str,
        forward: Rule,
        *,
        formula: str,
        source: str,
        classes: str | Sequence[str],
        symbol: str = "",
        domain: Sequence[Interval] | None = None,
        kinks: Mapping[float | str, str] | None = None,
        variadic: bool = False,
        numpy: Sequence[Callable[..., Any]] = (),
        pattern: Rule | None = None,
        margins: Rule | None = None,
        envelope: bool = False,
        on_scalars: Rule | None = None,
    ) -> None:
        self.name = name
        self.forward = forward
        self.formula = formula
        self.source = source
        self.symbol = symbol or name
        self.variadic = variadic
        self.classes = (classes,) if isinstance(classes, str) else tuple(classes)
        self.arguments, self.options = _signature(forward, len(self.classes), variadic)
        self.domain = tuple(domain) if domain is not None else (REAL_LINE,) * len(self.classes)
        self.kinks = dict(kinks or {})
        self.pattern = pattern
        self.margins = margins
        self.envelope = envelope
        self.on_scalars = on_scalars
        self.differentiable = tuple(kind != "constant" for kind in self.classes)
        self.__doc__ = f"{formula}  ({source})"
        self._check()
        REGISTRY[name] = self
        for function in numpy:
            NUMPY[function] = self

    def _check(self) -> None:
        unknown = [kind for kind in self.classes if kind not in CLASSES]
        if unknown:
            raise ValueError(f"primitive {self.name!r}: class {unknown[0]!r} is none of {', '.join(CLASSES)}")
        if self.name in REGISTRY:
            raise ValueError(f"primitive {self.name!r} is registered already; choose another name")
        if len(self.domain) != len(self.classes):
            raise ValueError(
                f"primitive {self.name!r}: {len(self.domain)} domains for {len(self.classes)} arguments"
            )
        if "gate" in self.classes and (self.pattern is None or self.margins is None):
            raise ValueError(f"primitive {self.name!r} is a gate: give its pattern and margins")

    def argument(self, k: int) -> str:
        """Return the name of argument ``k``."""
        return f"{self.arguments[0]}[{k}]" if self.variadic else self.arguments[k]

    @property
    def elementwise(self) -> bool:
        """Whether each entry of the result depends on one entry of each argument."""
        return isinstance(self, Elementwise)

    def class_of(self, k: int) -> str:
        """Return how the result depends on argument ``k``."""
        return self.classes[0 if self.variadic else k]

    def __call__(self, *operands: Operand, **options: Any) -> Any:
        """Compute on arrays and numbers; record where an operand is a Tensor or a Value."""
        if options or len(operands) != len(self.classes):
            operands, options = self._sorted(operands, options)
        for operand in operands:
            record = getattr(operand, "_record", None)
            if record is not None:
                return record(self, operands, options)
        return self._on_plain([self._plain(x) for x in operands], options)

    def _sorted(self, operands: tuple[Any, ...], options: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Take options given by position, np.sum(t, 0), from the operands; say what is missing or unknown."""
        given, count = len(operands), len(self.classes)
        if given > count and not self.variadic:
            options = dict(zip(self.options, operands[count:], strict=False)) | options
            operands = operands[:count]
        if given < count or (given > count + len(self.options) and not self.variadic):
            raise TypeError(f"{self.signature} was given {given}")
        if not options.keys() <= set(self.options):
            unknown = ", ".join(f"{name}=" for name in sorted(options.keys() - set(self.options)))
            raise TypeError(f"{self.signature} was given {unknown}")
        return operands, options

    @property
    def signature(self) -> str:
        """What it takes, in words for an error."""
        count = (
            "1 argument or more" if self.variadic else f"{len(self.classes)} ({', '.join(self.arguments)})"
        )
        options = f" and the options {', '.join(self.options)}" if self.options else ""
        return f"{self.name} takes {count}{options}, but"

    def compute(
        self, args: Sequence[Operand], options: Mapping[str, Any], keeping: Rule | None = None
    ) -> Any:
        """Apply the forward rule, or the one that keeps; an error says what was given."""
        try:
            return (keeping or self.forward)(*args, **options)
        except (TypeError, ValueError, IndexError, OverflowError) as error:
            given = ", ".join(described(arg) for arg in args)
            given += "".join(f", {name}={value!r}" for name, value in options.items())
            kind = TypeError if isinstance(error, TypeError) else type(error)
            raise kind(f"{self.name} ({self.formula}) got {given}: {error}") from None

    def _plain(self, operand: Any) -> Any:
        """Make an array of a list, and of a number where the rule needs the array's methods."""
        if isinstance(operand, np.ndarray) or (self.elementwise and not isinstance(operand, (list, tuple))):
            return operand
        return as_array(operand)

    def _on_plain(self, args: list[Any], options: Mapping[str, Any]) -> Any:
        """Compute without recording; entry by entry where arrays hold Values, which record themselves."""
        if any(isinstance(arg, np.ndarray) and arg.dtype.kind == "O" for arg in args):
            if self.elementwise:
                return entrywise(self, args)
            return (self.on_scalars or self.forward)(*args, **options)
        return self.compute(args, options)

    def vjp(
        self, k: int, g: Operand, output: Operand, args: Sequence[Operand], options: Mapping[str, Any]
    ) -> Operand:
        """Return the cotangent of argument ``k`` from the cotangent ``g`` of the output."""
        raise NotImplementedError

    def strong_vjp(
        self, k: int, g: Operand, output: Operand, args: Sequence[Operand], options: Mapping[str, Any]
    ) -> Operand:
        """Return the same beneath a `where`: a cotangent of 0 gives 0, whatever the partial is."""
        return self.vjp(k, g, output, args, options)

    def jvp(
        self,
        tangents: Sequence[Operand | None],
        output: Operand,
        args: Sequence[Operand],
        options: Mapping[str, Any],
    ) -> Operand:
        """Return the tangent of the output; ``None`` stands for the tangent of a constant."""
        raise NotImplementedError

    def __reduce__(self) -> tuple[Callable[[str], Primitive], tuple[str]]:
        return _registered, (self.name,)  # a copy of a graph refers to the same rules

    def __repr__(self) -> str:
        return f"<primitive {self.name}: {self.formula}>"


class Elementwise(Primitive):
    """
    A primitive with one partial derivative per argument.

    A partial is a number where it is constant, else a function ``partial(output, *args)``; for a variadic
    primitive the one function ``partial(k, output, *args)``. Only the partials that are needed are computed.
    """

    keeps_zeros = True

    def __init__(self, name: str, forward: Rule, *partials: Rule | float, **metadata: Any) -> None:
        super().__init__(name, forward, **metadata)
        self.partials = partials
        if isinstance(forward, np.ufunc):
            NUMPY[forward] = self

    def partial(self, k: int, output: Operand, args: Sequence[Operand]) -> Operand:
        """Return ∂output/∂args[k], entry by entry."""
        if self.variadic:
            return self.partials[0](k, output, *args)  # type: ignore[operator]
        partial = self.partials[k]
        return partial(output, *args) if callable(partial) else partial

    def vjp(
        self, k: int, g: Operand, output: Operand, args: Sequence[Operand], options: Mapping[str, Any]
    ) -> Operand:
        """Return cotangent · partial, summed over the axes along which argument ``k`` was broadcast."""
        partial = self.partial(k, output, args)
        return match(g if type(partial) is int and partial == 1 else g * partial, args[k])

    def strong_vjp(
        self, k: int, g: Operand, output: Operand, args: Sequence[Operand], options: Mapping[str, Any]
    ) -> Operand:
        """Return the same with 0 · ∞ = 0."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # of partials that 0 annihilates
            return match(strong_multiply(g, self.partial(k, output, args)), args[k])

    def jvp(
        self,
        tangents: Sequence[Operand | None],
        output: Operand,
        args: Sequence[Operand],
        options: Mapping[str, Any],
    ) -> Operand:
        """Return Σ partial · tangent."""
        terms = (t * self.partial(k, output, args) for k, t in enumerate(tangents) if t is not None)
        return match(sum(terms), output)


class Linear(Primitive):
    """
    A primitive that is linear in its arguments: its VJP is its transpose, its JVP is itself.

    Each transpose is ``transpose(g, *args, **options)``; for a variadic primitive the one function
    ``transpose(k, g, *args, **options)``. Arguments of class ``linear`` enter jointly (a sum of
    contributions), those of class ``multilinear`` as a product.
    """

    def __init__(self, name: str, forward: Rule, *transposes: Rule, **metadata: Any) -> None:
        super().__init__(name, forward, **metadata)
        self.transposes = transposes
        self.keeps_zeros = set(self.classes) <= {"linear", "constant"}

    def vjp(
        self, k: int, g: Operand, output: Operand, args: Sequence[Operand], options: Mapping[str, Any]
    ) -> Operand:
        """Return the transpose applied to the cotangent."""
        if self.variadic:
            return match(self.transposes[0](k, g, *args, **options), args[k])
        return match(self.transposes[k](g, *args, **options), args[k])

    def jvp(
        self,
        tangents: Sequence[Operand | None],
        output: Operand,
        args: Sequence[Operand],
        options: Mapping[str, Any],
    ) -> Operand:
        """Return the operation applied to the tangents."""
        if self.classes[0] == "linear":
            moved = [np.zeros_like(a) if t is None else t for t, a in zip(tangents, args, strict=True)]
            return self(*moved, **options)
        terms = (
            self(*args[:k], t, *args[k + 1 :], **options) for k, t in enumerate(tangents) if t is not None
        )
        return match(sum(terms), output)


class General(Primitive):
    """
    A primitive whose rules ``vjp(g, output, *args)`` and ``jvp(t, output, *args)`` are written out.

    Where a derivative will be taken, ``keeping(*args)`` may compute the output and what the rules can use
    again. They are given that after the arguments, unless they are recorded themselves.
    """

    def __init__(
        self,
        name: str,
        forward: Rule,
        *,
        vjps: Sequence[Rule],
        jvps: Sequence[Rule],
        keeping: Rule | None = None,
        **metadata: Any,
    ) -> None:
        super().__init__(name, forward, **metadata)
        self.keeping = keeping
        self.vjps = vjps
        self.jvps = jvps

    def vjp(
        self, k: int, g: Operand, output: Operand, args: Sequence[Operand], options: Mapping[str, Any]
    ) -> Operand:
        """Return the cotangent of argument ``k``."""
        return match(self.vjps[k](g, output, *args, **options), args[k])

    def jvp(
        self,
        tangents: Sequence[Operand | None],
        output: Operand,
        args: Sequence[Operand],
        options: Mapping[str, Any],
    ) -> Operand:
        """Return the sum of what each tangent contributes."""
        terms = (self.jvps[k](t, output, *args, **options) for k, t in enumerate(tangents) if t is not None)
        return match(sum(terms), output)


class Choice(Elementwise):
    """Takes each entry of the result from one of its arguments; the others are not even multiplied by 0."""

    guards = True

    def vjp(
        self, k: int, g: Operand, output: Operand, args: Sequence[Operand], options: Mapping[str, Any]
    ) -> Operand:
        """Return the cotangent where argument ``k`` was chosen, 0 elsewhere, also where it is infinite."""
        return match(np.where(self.partial(k, output, args), g, 0), args[k])

    strong_vjp = vjp

    def jvp(
        self,
        tangents: Sequence[Operand | None],
        output: Operand,
        args: Sequence[Operand],
        options: Mapping[str, Any],
    ) -> Operand:
        """Return the tangent of the argument that was chosen."""
        terms = (
            np.where(self.partial(k, output, args), t, 0) for k, t in enumerate(tangents) if t is not None
        )
        return match(sum(terms), output)


class StrongProduct(Elementwise):
    """
    A product in which 0 wins over ∞ and nan in the other factor, and so in its derivatives.

    A `where` in its place would not do: differentiated again, it multiplies the infinite factor by 0.
    """

    guards = True

    def vjp(
        self, k: int, g: Operand, output: Operand, args: Sequence[Operand], options: Mapping[str, Any]
    ) -> Operand:
        """Return the strong product with the other factor."""
        return match(self(g, args[1 - k]), args[k])

    strong_vjp = vjp

    def jvp(
        self,
        tangents: Sequence[Operand | None],
        output: Operand,
        args: Sequence[Operand],
        options: Mapping[str, Any],
    ) -> Operand:
        """Return the product rule with strong products."""
        (first, second), (by_first, by_second) = args, tangents
        terms = [self(by_first, second)] if by_first is not None else []
        terms += [self(first, by_second)] if by_second is not None else []
        return match(sum(terms), output)


def entrywise(primitive: Primitive, args: Sequence[Any]) -> Any:
    """Apply an elementwise primitive to arrays of Values, entry by entry."""
    arrays = np.broadcast_arrays(*(np.asarray(arg, dtype=object) for arg in args))
    out = np.empty(arrays[0].shape, dtype=object)
    for index in np.ndindex(out.shape):
        out[index] = primitive(*(array[index] for array in arrays))
    return out[()]


def _registered(name: str) -> Primitive:
    return REGISTRY[name]


def _signature(forward: Rule, count: int, variadic: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Split the parameter names of ``forward`` into array arguments and options."""
    if isinstance(forward, np.ufunc):
        return ("x", "y", "z")[:count], ()
    code = getattr(forward, "__code__", None)
    if code is None or hasattr(forward, "__wrapped__"):
        names = tuple(inspect.signature(forward).parameters)
        return names[:count], names[count:]
    # What inspect.signature says, in a hundredth of its time.
    positional, named = code.co_argcount, code.co_argcount + code.co_kwonlyargcount
    names = code.co_varnames[:positional]
    if variadic:
        return (code.co_varnames[named],), code.co_varnames[positional:named]
    return names[:count], (*names[count:], *code.co_varnames[positional:named])


def _strong_product(x: Operand, y: Operand) -> Operand:
    shape = np.broadcast_shapes(np.shape(x), np.shape(y))
    zeros = np.zeros_like(x, shape=shape, dtype=np.result_type(x, y), order="C", subok=False)
    return np.multiply(x, y, out=zeros, where=np.not_equal(x, 0) & np.not_equal(y, 0))


strong_multiply = StrongProduct(
    "strong_multiply",
    _strong_product,
    lambda out, x, y: y,
    lambda out, x, y: x,
    symbol="×",
    formula="x·y, and 0 where x or y is 0",
    source="product rule; x is a cotangent, and 0 where a branch was not taken",
    classes=("multilinear", "multilinear"),
)
