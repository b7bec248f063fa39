"""What arrays can do beyond scalars: NumPy's methods, indexing, reductions, comparisons."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from . import rules
from .functions import accumulating, picking, reductions, repeating, shaping
from .functions.arguments import refuse
from .operators import Operators, operator, reflected
from .rules import Primitive
from .rules.decisions import equal, greater, greater_equal, less, less_equal, not_equal
from .rules.operands import numbers

Array = NDArray[Any]


def _comparison(primitive: Primitive, answer: bool) -> Any:
    """Return the method of ``==`` or ``!=``: None differs from every number, as in NumPy."""

    def compare(self: Any, other: Any) -> Any:
        if self._accepts(other):
            return self._record(primitive, (self, other), {})
        return type(self)(np.full(self.shape, answer)) if other is None else NotImplemented

    compare.__doc__ = f"Return {primitive.formula}."
    return compare


def _refused(name: str, instead: str) -> Any:
    """Return a method of ndarray that changes it in place, and that a Tensor does not offer."""

    def refuse_change(self: Any, *args: Any, **kwargs: Any) -> Any:
        raise TypeError(f"t.{name}(...) is not offered in place; use {instead}")

    refuse_change.__doc__ = f"Refuse to change the Tensor: use {instead}."
    return refuse_change


class ArrayMethods(Operators):
    """The methods of an ndarray that a Tensor has: some read its numbers, some record a primitive."""

    __slots__ = ()

    data: Array

    # Reading

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        return self.data.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the numbers."""
        return self.data.dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.data.ndim

    @property
    def size(self) -> int:
        """Number of entries."""
        return self.data.size

    @property
    def itemsize(self) -> int:
        """Bytes of one entry."""
        return self.data.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all entries."""
        return self.data.nbytes

    @property
    def strides(self) -> tuple[int, ...]:
        """Bytes from one entry to the next, along each axis."""
        return self.data.strides

    def item(self, *index: int) -> float:
        """Return the one number in it, or the one at the index."""
        if self.size != 1 and not index:
            raise ValueError(f"item() of a Tensor of shape {self.shape}: it has {self.size} numbers, not one")
        number: float = self.data.item(*index)
        return number

    def tolist(self) -> Any:
        """Return the numbers as nested lists."""
        return self.data.tolist()

    def numpy(self) -> Array:
        """Return the array itself, not a copy; what is computed with it is not recorded."""
        return self.data

    def __float__(self) -> float:
        """Return the one number in it."""
        return float(self.item())

    def __bool__(self) -> bool:
        """Whether its one number is not zero."""
        return bool(self.data)

    def __int__(self) -> int:
        """Return the one number in it, rounded towards zero."""
        return int(self.item())

    def __format__(self, spec: str) -> str:
        """Write the one number in it as a format such as ``.3f`` says."""
        return format(self.item(), spec) if spec else repr(self)

    def __len__(self) -> int:
        """Length of the first axis."""
        if self.ndim == 0:
            raise TypeError("a Tensor of shape () has no length")
        return len(self.data)

    # Shapes

    @property
    def T(self) -> Self:
        """The axes in reverse order."""
        return self._apply(rules.shaping.transpose)

    @property
    def mT(self) -> Self:
        """Each matrix transposed: the last two axes swap."""
        return shaping.matrix_transpose(self)

    @property
    def real(self) -> Self:
        """The numbers themselves, which are real."""
        return self

    @property
    def imag(self) -> Array:
        """Zeros: the numbers are real."""
        return np.zeros_like(self.data)

    def reshape(self, *shape: Any, order: str = "C", copy: bool | None = None) -> Self:
        """Return the same entries in another shape; one length may be −1."""
        refuse("reshape", order=order)
        return self._record(rules.shaping.reshape, (self,), {"shape": _unpacked(shape)})

    def ravel(self, order: str = "C") -> Self:
        """Return all entries in a row, a view where that is possible."""
        return shaping.ravel(self, order)

    def flatten(self, order: str = "C") -> Self:
        """Return all entries in a row, in memory of their own."""
        return shaping.copy(shaping.ravel(self, order))

    def copy(self, order: str = "C") -> Self:
        """Return the same entries in memory of their own; :meth:`detach` cuts the graph instead."""
        return shaping.copy(self)

    def conj(self) -> Self:
        """Return the numbers themselves, which are real."""
        return self

    conjugate = conj

    def transpose(self, *axes: Any) -> Self:
        """Permute the axes; without arguments, reverse them."""
        order = None if axes in ((), (None,)) else _unpacked(axes)
        return self._record(rules.shaping.transpose, (self,), {} if order is None else {"axes": order})

    def swapaxes(self, axis1: int, axis2: int) -> Self:
        """Exchange two axes."""
        return shaping.swapaxes(self, axis1, axis2)

    def squeeze(self, axis: int | tuple[int, ...] | None = None) -> Self:
        """Drop axes of length 1."""
        return self._record(rules.shaping.squeeze, (self,), {"axis": axis})

    def expand_dims(self, axis: int | tuple[int, ...]) -> Self:
        """Insert axes of length 1."""
        return self._record(rules.shaping.expand_dims, (self,), {"axis": axis})

    def broadcast_to(self, *shape: Any) -> Self:
        """Copy along new axes and axes of length 1."""
        return self._record(rules.shaping.broadcast_to, (self,), {"shape": _unpacked(shape)})

    def expand(self, *shape: Any) -> Self:
        """Copy along new axes and axes of length 1, as :meth:`broadcast_to`."""
        return self.broadcast_to(*shape)

    def astype(
        self,
        dtype: DTypeLike,
        order: str = "K",
        casting: str = "unsafe",
        subok: bool = True,
        copy: bool = True,
    ) -> Self:
        """Return the numbers in another dtype."""
        return self._record(rules.shaping.astype, (self,), {"dtype": np.dtype(dtype)})

    # Picking and repeating

    def take(self, indices: Any, axis: int | None = None, out: None = None, mode: str = "raise") -> Self:
        """Return the entries at indices along an axis, of all in a row for ``None``."""
        return picking.take(self, indices, axis, out, mode)

    def compress(self, condition: Any, axis: int | None = None, out: None = None) -> Self:
        """Return the slices along an axis for which a condition holds."""
        return picking.compress(condition, self, axis, out)

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Self:
        """Return the diagonal of the matrices in two axes."""
        return picking.diagonal(self, offset, axis1, axis2)

    def trace(
        self,
        offset: int = 0,
        axis1: int = 0,
        axis2: int = 1,
        dtype: DTypeLike | None = None,
        out: None = None,
    ) -> Self:
        """Return the sum of that diagonal."""
        return np.trace(self, offset, axis1, axis2, dtype, out)  # type: ignore[call-overload]

    def repeat(self, repeats: Any, axis: int | None = None) -> Self:
        """Return each entry several times in a row."""
        return repeating.repeat(self, repeats, axis)

    # Reductions, running sums, products

    def sum(
        self,
        axis: reductions.Axis = None,
        dtype: DTypeLike | None = None,
        out: None = None,
        keepdims: bool = False,
        initial: Any = None,
        where: Any = True,
    ) -> Self:
        """Sum over axes."""
        return reductions.sum(self, axis, dtype, out, keepdims, initial, where)

    def prod(
        self,
        axis: reductions.Axis = None,
        dtype: DTypeLike | None = None,
        out: None = None,
        keepdims: bool = False,
        initial: Any = None,
        where: Any = True,
    ) -> Self:
        """Multiply over axes; the derivatives are exact also where entries are 0."""
        return reductions.prod(self, axis, dtype, out, keepdims, initial, where)

    def mean(
        self,
        axis: reductions.Axis = None,
        dtype: DTypeLike | None = None,
        out: None = None,
        keepdims: bool = False,
        *,
        where: Any = True,
    ) -> Self:
        """Average over axes."""
        return reductions.mean(self, axis, dtype, out, keepdims, where=where)

    def var(
        self,
        axis: reductions.Axis = None,
        dtype: DTypeLike | None = None,
        out: None = None,
        ddof: float = 0,
        keepdims: bool = False,
        *,
        where: Any = True,
        mean: Any = None,
    ) -> Self:
        """Return the variance over axes."""
        return reductions.var(self, axis, dtype, out, ddof, keepdims, where=where, mean=mean)

    def std(
        self,
        axis: reductions.Axis = None,
        dtype: DTypeLike | None = None,
        out: None = None,
        ddof: float = 0,
        keepdims: bool = False,
        *,
        where: Any = True,
        mean: Any = None,
    ) -> Self:
        """Return the standard deviation over axes; where it is 0, so is its derivative."""
        return reductions.std(self, axis, dtype, out, ddof, keepdims, where=where, mean=mean)

    def max(
        self,
        axis: reductions.Axis = None,
        out: None = None,
        keepdims: bool = False,
        initial: Any = None,
        where: Any = True,
    ) -> Self:
        """Return the largest over axes; ties share the derivative equally."""
        return reductions.max(self, axis, out, keepdims, initial, where)

    def min(
        self,
        axis: reductions.Axis = None,
        out: None = None,
        keepdims: bool = False,
        initial: Any = None,
        where: Any = True,
    ) -> Self:
        """Return the smallest over axes; ties share the derivative equally."""
        return reductions.min(self, axis, out, keepdims, initial, where)

    def cumsum(self, axis: int | None = None, dtype: DTypeLike | None = None, out: None = None) -> Self:
        """Return the running sums along an axis."""
        return accumulating.cumsum(self, axis, dtype, out)

    def cumprod(self, axis: int | None = None, dtype: DTypeLike | None = None, out: None = None) -> Self:
        """Return the running products along an axis."""
        return accumulating.cumprod(self, axis, dtype, out)

    def clip(self, min: Any = None, max: Any = None, out: None = None) -> Self:
        """Return min(max(x, low), high); ``None`` is no bound."""
        refuse("clip", out=out)
        return np.clip(self, min, max)  # type: ignore[call-overload]

    def round(self, decimals: int = 0, out: None = None) -> Self:
        """Round to a number of decimals; the derivative is 0."""
        refuse("round", out=out)
        return np.round(self, decimals)  # type: ignore[call-overload]

    def dot(self, b: Any, out: None = None) -> Self:
        """Multiply vectors and matrices as :func:`numpy.dot` does."""
        refuse("dot", out=out)
        return np.dot(self, b)  # type: ignore[call-overload]

    def __pos__(self) -> Self:
        """Return a copy."""
        return self._apply(rules.arithmetic.positive)

    def __contains__(self, value: Any) -> bool:
        """Whether some entry is equal to ``value``."""
        return bool((self.data == numbers(value)).any())

    __matmul__, __rmatmul__ = operator(rules.products.matmul), reflected(rules.products.matmul)

    # Decisions, as plain arrays

    def all(self, axis: Any = None, out: Any = None, keepdims: bool = False, *, where: Any = True) -> Any:
        """Whether no entry is zero."""
        return self.data.all(axis=axis, out=out, keepdims=keepdims, where=where)

    def any(self, axis: Any = None, out: Any = None, keepdims: bool = False, *, where: Any = True) -> Any:
        """Whether some entry is not zero."""
        return self.data.any(axis=axis, out=out, keepdims=keepdims, where=where)

    def argmax(self, axis: int | None = None, out: Any = None, *, keepdims: bool = False) -> Any:
        """Return where the largest entry is."""
        return self.data.argmax(axis, out, keepdims=keepdims)

    def argmin(self, axis: int | None = None, out: Any = None, *, keepdims: bool = False) -> Any:
        """Return where the smallest entry is."""
        return self.data.argmin(axis, out, keepdims=keepdims)

    def argsort(
        self, axis: int | None = -1, kind: Any = None, order: None = None, *, stable: bool | None = None
    ) -> Any:
        """Return where the entries in ascending order come from."""
        return self.data.argsort(axis, kind, order, stable=stable)

    def argpartition(
        self, kth: Any, axis: int | None = -1, kind: Any = "introselect", order: None = None
    ) -> Any:
        """Return where the entries come from that have the k-th smallest in its place."""
        return self.data.argpartition(kth, axis, kind, order)

    def nonzero(self) -> tuple[Array, ...]:
        """Return the indices of the entries that are not zero, for each axis."""
        return self.data.nonzero()

    def searchsorted(self, v: Any, side: Any = "left", sorter: Any = None) -> Any:
        """Return where ``v`` would stand among these sorted entries."""
        return self.data.searchsorted(numbers(v), side, sorter)

    # Changes in place

    sort = _refused("sort", "np.sort(t)")
    partition = _refused("partition", "np.partition(t, kth)")
    fill = _refused("fill", "t[...] = value")
    put = _refused("put", "t[index] = new")
    resize = _refused("resize", "np.resize(t, shape) or t.reshape(shape)")

    # Comparisons: decisions, without derivative

    __lt__, __le__ = operator(less), operator(less_equal)
    __gt__, __ge__ = operator(greater), operator(greater_equal)
    __eq__, __ne__ = _comparison(equal, answer=False), _comparison(not_equal, answer=True)


def _unpacked(arguments: tuple[Any, ...]) -> tuple[int, ...]:
    """Accept lengths or axes as one tuple or one by one."""
    return (
        tuple(arguments[0])
        if len(arguments) == 1 and not isinstance(arguments[0], (int, np.integer))
        else arguments
    )
