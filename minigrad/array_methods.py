"""What arrays can do beyond scalars: NumPy's methods, indexing, reductions, comparisons."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from . import rules
from .operators import Operators, operator, reflected
from .rules.decisions import equal, greater, greater_equal, less, less_equal, not_equal

Array = NDArray[Any]


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

    def item(self) -> float:
        """Return the one number in it."""
        if self.size != 1:
            raise ValueError(f"item() of a Tensor of shape {self.shape}: it has {self.size} numbers, not one")
        number: float = self.data.item()
        return number

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

    def __setitem__(self, index: Any, value: Any) -> None:
        """Refuse: a changed entry would make recorded derivatives wrong."""
        raise TypeError(
            "a Tensor's entries can't be assigned, since recorded derivatives would be wrong; "
            "use mg.where(mask, new, old), or write to .data of a leaf before it is used"
        )

    def reshape(self, *shape: Any) -> Self:
        """Return the same entries in another shape; one length may be −1."""
        return self._record(rules.shaping.reshape, (self,), {"shape": _unpacked(shape)})

    def transpose(self, *axes: Any) -> Self:
        """Permute the axes; without arguments, reverse them."""
        return self._record(rules.shaping.transpose, (self,), {"axes": _unpacked(axes)} if axes else {})

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

    def astype(self, dtype: DTypeLike) -> Self:
        """Return the numbers in another dtype."""
        return self._record(rules.shaping.astype, (self,), {"dtype": np.dtype(dtype)})

    # Reductions and products

    def sum(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Self:
        """Sum over axes."""
        return self._record(rules.reductions.sum, (self,), {"axis": axis, "keepdims": keepdims})

    def mean(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Self:
        """Average over axes."""
        return self._record(rules.reductions.mean, (self,), {"axis": axis, "keepdims": keepdims})

    def max(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Self:
        """Return the largest over axes; ties share the derivative equally."""
        return self._record(rules.reductions.max, (self,), {"axis": axis, "keepdims": keepdims})

    def min(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Self:
        """Return the smallest over axes; ties share the derivative equally."""
        return self._record(rules.reductions.min, (self,), {"axis": axis, "keepdims": keepdims})

    def all(self, axis: int | None = None) -> Any:
        """Whether no entry is zero."""
        return self.data.all(axis=axis)

    def any(self, axis: int | None = None) -> Any:
        """Whether some entry is not zero."""
        return self.data.any(axis=axis)

    def argmax(self, axis: int | None = None) -> Any:
        """Return where the largest entry is, as plain whole numbers."""
        return self.data.argmax(axis=axis)

    __matmul__, __rmatmul__ = operator(rules.products.matmul), reflected(rules.products.matmul)

    # Comparisons: decisions, without derivative

    __lt__, __le__ = operator(less), operator(less_equal)
    __gt__, __ge__ = operator(greater), operator(greater_equal)
    __eq__, __ne__ = operator(equal), operator(not_equal)


def _unpacked(arguments: tuple[Any, ...]) -> tuple[int, ...]:
    """Accept lengths or axes as one tuple or one by one."""
    return (
        tuple(arguments[0])
        if len(arguments) == 1 and not isinstance(arguments[0], (int, np.integer))
        else arguments
    )
