"""Stand-ins for arrays and numbers that write down what is computed with them.

A :class:`Traced` array holds the numbers of this run and the name (the slot) that they have in the program.
It says that it is an ndarray, so that code made for arrays takes it; but NumPy must ask it, so that nothing
leaves unseen. Where Python or NumPy insists on the plain numbers, the capture notes that and hands them over:
the run goes on and is right, but makes no program.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

if TYPE_CHECKING:
    from .tape import Tape

Plain = np.ndarray[Any, Any]


class Traced(NDArrayOperatorsMixin):
    """
    An array in a capture.

    Attributes
    ----------
    capture : Tape
        Who writes down what is done with it.
    slot : int
        Its name in the program; writing to it in place gives it another one.
    value : ndarray
        Its numbers in this run.
    memory : Memory
        What it shares with its views: when it was written to last.
    seen : int
        When this name was given: older than the last write, the name is stale.
    view : tuple or None
        The array that it is a view of, the function that made it, and what else that was given.
    """

    __slots__ = ("__weakref__", "capture", "memory", "seen", "slot", "value", "view")

    base = None

    def __init__(self, capture: Tape, slot: int, value: Plain, memory: Memory) -> None:
        self.capture, self.slot, self.value = capture, slot, value
        self.memory, self.seen = memory, memory.written
        self.view: tuple[Traced, Callable[..., Any], Any] | None = None

    __class__ = property(lambda self: np.ndarray)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        """Write down a ufunc, unless a Tensor takes part, which records it first."""
        if any(hasattr(x, "_record") for x in inputs):
            return NotImplemented
        return self.capture.ufunc(ufunc, method, inputs, options)

    def __array_function__(
        self, function: Callable[..., Any], types: Any, args: Any, options: dict[str, Any]
    ) -> Any:
        """Write down one of NumPy's functions."""
        if any(hasattr(kind, "_record") for kind in types):
            return NotImplemented
        return self.capture.function(function, args, options)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Plain:
        """Give the numbers away, which ends the capture."""
        self.capture.leave(
            "an array is taken out of the computation (np.asarray, np.array, a plain array's index)"
        )
        return np.array(self.value, dtype=dtype, copy=copy)

    def __getattr__(self, name: str) -> Any:
        """Give what has no stand-in, which ends the capture."""
        if name.startswith("__") or not hasattr(np.ndarray, name):
            raise AttributeError(f"'numpy.ndarray' object has no attribute {name!r}")
        self.capture.leave(f"ndarray.{name} is used, which is not written down")
        return getattr(self.value, name)

    @property
    def held(self) -> int:
        """How many references to it are the capture's own."""
        return int(id(self.value) in self.capture.arrays)

    def __deepcopy__(self, memo: Any) -> Any:
        return self.copy()

    def __copy__(self) -> Any:
        return self.copy()

    def __getitem__(self, index: Any) -> Any:
        return self.capture.record(operator.getitem, (self, index))

    def __setitem__(self, index: Any, value: Any) -> None:
        self.capture.assign(self, index, value)

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self) -> Iterator[Any]:
        return (self[k] for k in range(len(self.value)))

    def __bool__(self) -> bool:
        return bool(self.capture.decide(self, bool))

    def __int__(self) -> int:
        return int(self.capture.decide(self, int))

    __index__ = __int__

    def __float__(self) -> float:
        return float(self.item())

    def item(self, *place: Any) -> Any:
        """Give a number away, which ends the capture."""
        self.capture.leave(
            "a computed number becomes a Python number (float(), .item()): return the Tensor instead"
        )
        return self.value.item(*place)

    def tolist(self) -> Any:
        """Give the numbers away, which ends the capture."""
        self.capture.leave("computed numbers become a list (.tolist())")
        return self.value.tolist()

    def __format__(self, form: str) -> str:
        self.capture.leave("computed numbers are printed, or become part of a text")
        return format(self.value[()], form)

    def __str__(self) -> str:
        self.capture.leave("computed numbers are printed, or become part of a text")
        return str(self.value)

    def __repr__(self) -> str:
        self.capture.leave("computed numbers are printed, or become part of a text")
        return repr(self.value)

    @property
    def T(self) -> Any:
        """The transpose."""
        return self.transpose()

    @property
    def mT(self) -> Any:
        """The transposes of matrices."""
        return self.swapaxes(-1, -2)


class Memory:
    """What an array and its views share: the time of the last write."""

    __slots__ = ("written",)

    def __init__(self) -> None:
        self.written = 0


def _attribute(name: str) -> property:
    return property(lambda self: getattr(self.value, name), doc=f"``{name}`` of the array.")


def _method(name: str) -> Callable[..., Any]:
    function = getattr(np.ndarray, name)

    def method(self: Traced, *args: Any, **options: Any) -> Any:
        return self.capture.record(function, (self, *args), options)

    method.__name__, method.__doc__ = name, f"Write down ``{name}``."
    return method


def _reduction(name: str, ufunc: np.ufunc) -> Callable[..., Any]:
    def method(self: Traced, axis: Any = None, dtype: Any = None, out: Any = None, **options: Any) -> Any:
        options |= (
            {"axis": axis}
            | ({} if dtype is None else {"dtype": dtype})
            | ({} if out is None else {"out": (out,)})
        )
        return self.capture.ufunc(ufunc, "reduce", (self,), options)

    method.__name__, method.__doc__ = name, f"Write down ``{name}``, a reduction."
    return method


for _name in ("shape", "dtype", "ndim", "size", "nbytes", "itemsize", "strides", "flags"):
    setattr(Traced, _name, _attribute(_name))
for _name in (
    "argmax", "argmin", "argsort", "astype", "clip", "copy", "cumprod", "cumsum", "diagonal", "dot",
    "flatten", "mean", "nonzero", "ravel", "repeat", "reshape", "round", "searchsorted", "squeeze", "std",
    "swapaxes", "take", "trace", "transpose", "var",
):  # fmt: skip
    setattr(Traced, _name, _method(_name))
for _name, _ufunc in {
    "sum": np.add,
    "prod": np.multiply,
    "max": np.maximum,
    "min": np.minimum,
    "all": np.logical_and,
    "any": np.logical_or,
}.items():
    setattr(Traced, _name, _reduction(_name, _ufunc))


class Number:
    """
    A Python number in a capture, such as an optimizer's learning rate: arithmetic with it is written down.

    Attributes
    ----------
    capture, slot
        As for :class:`Traced`.
    value : float, int or bool
        The number in this run.
    """

    __slots__ = ("__weakref__", "capture", "slot", "value")

    def __init__(self, capture: Tape, slot: int, value: Any) -> None:
        self.capture, self.slot, self.value = capture, slot, value

    __class__ = property(lambda self: type(self.value))

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        """Write down a ufunc, unless a Tensor takes part, which records it first."""
        if any(hasattr(x, "_record") for x in inputs):
            return NotImplemented
        return self.capture.ufunc(ufunc, method, inputs, options)

    def __bool__(self) -> bool:
        return bool(self.capture.decide(self, bool))

    def __int__(self) -> int:
        return int(self.capture.decide(self, int))

    __index__ = __int__

    def __float__(self) -> float:
        return float(self.capture.decide(self, float))

    def __hash__(self) -> int:
        return hash(float(self))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Plain:
        """Give the number away, which ends the capture."""
        self.capture.leave("a number is put into an array (np.array, np.full): compute with the number")
        return np.array(self.value, dtype=dtype, copy=copy)

    def __format__(self, form: str) -> str:
        self.capture.leave("a number is printed, or becomes part of a text")
        return format(self.value, form)

    def __str__(self) -> str:
        return format(self)

    def __repr__(self) -> str:
        self.capture.leave("a number is printed, or becomes part of a text")
        return repr(self.value)

    def __round__(self, *digits: int) -> Any:
        return round(float(self), *digits)

    def __trunc__(self) -> int:
        return int(self)

    def __getattr__(self, name: str) -> Any:
        """Decide by what a float knows, such as ``is_integer``."""
        if name.startswith("__") or not hasattr(type(self.value), name):
            raise AttributeError(f"{type(self.value).__name__!r} object has no attribute {name!r}")
        return getattr(self.capture.decide(self, type(self.value)), name)


def _arithmetic(function: Callable[..., Any], swapped: bool = False) -> Callable[..., Any]:
    def method(self: Number, *others: Any) -> Any:
        if any(isinstance(other, (np.ndarray, list, tuple)) or hasattr(other, "_record") for other in others):
            return NotImplemented
        args = (self, *others)
        return self.capture.record(function, args[::-1] if swapped else args)

    method.__doc__ = "Write down the arithmetic."
    return method


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow"):
    setattr(Number, f"__{_name}__", _arithmetic(getattr(operator, _name)))
    setattr(Number, f"__r{_name}__", _arithmetic(getattr(operator, _name), swapped=True))
setattr(Number, "__divmod__", _arithmetic(divmod))  # noqa: B010
setattr(Number, "__rdivmod__", _arithmetic(divmod, swapped=True))  # noqa: B010
for _name in ("neg", "pos", "abs", "lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Number, f"__{_name}__", _arithmetic(getattr(operator, _name)))


def plain(x: Any) -> Any:
    """Return what stands behind stand-ins, in nested tuples, lists, dictionaries and slices too."""
    kind = type(x)
    if kind is Traced or kind is Number:
        return x.value
    if kind in (tuple, list):
        return kind(map(plain, x))
    if kind is dict:
        return {key: plain(value) for key, value in x.items()}
    if kind is slice:
        return slice(plain(x.start), plain(x.stop), plain(x.step))
    return x
