"""Taking arrays apart, with NumPy's signatures: views of the parts, whose gradients come back into place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..rules import NUMPY
from ..rules.operands import numbers
from .arguments import along, one_axis, operand

__all__ = ["array_split", "dsplit", "hsplit", "split", "unstack", "vsplit"]


def split(ary: Any, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Any]:
    """
    Cut an array along an axis: into parts of equal length, or before given indices.

    Raises
    ------
    ValueError
        If the parts would be unequal; :func:`array_split` allows that.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.split(mg.tensor([1.0, 2.0, 3.0, 4.0]), [1, 3])
    [tensor([1.]), tensor([2., 3.]), tensor([4.])]
    """
    x = operand(ary)
    n = x.shape[one_axis("split", axis, x)]
    if np.ndim(indices_or_sections) == 0 and n % indices_or_sections:
        raise ValueError(
            f"{n} entries can't be split into {indices_or_sections} equal parts; use array_split"
        )
    return array_split(x, indices_or_sections, axis)


def array_split(ary: Any, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Any]:
    """
    Cut an array along an axis: into parts, the first ones longer by one, or before given indices.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.array_split(mg.tensor([1.0, 2.0, 3.0]), 2)
    [tensor([1., 2.]), tensor([3.])]
    """
    x = operand(ary)
    axis = one_axis("array_split", axis, x)
    cuts = numbers(indices_or_sections)
    if np.ndim(cuts) == 0 and int(cuts) != cuts:
        raise TypeError(f"an array is split into a whole number of parts, not into {cuts}")
    parts = np.array_split(np.arange(x.shape[axis]), cuts)
    spans = [slice(part[0], part[-1] + 1) if part.size else slice(0, 0) for part in parts]
    return [x[along(axis, span)] for span in spans]


def hsplit(ary: Any, indices_or_sections: int | Sequence[int]) -> list[Any]:
    """
    Cut an array into parts that stand side by side, the inverse of :func:`hstack`.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.hsplit(mg.tensor([[1.0, 2.0]]), 2)
    [tensor([[1.]]), tensor([[2.]])]
    """
    x = _with_axes("hsplit", ary, 1)
    return split(x, indices_or_sections, 0 if x.ndim == 1 else 1)


def vsplit(ary: Any, indices_or_sections: int | Sequence[int]) -> list[Any]:
    """
    Cut an array into parts that stand one below the other, the inverse of :func:`vstack`.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.vsplit(mg.tensor([[1.0], [2.0]]), 2)
    [tensor([[1.]]), tensor([[2.]])]
    """
    return split(_with_axes("vsplit", ary, 2), indices_or_sections, 0)


def dsplit(ary: Any, indices_or_sections: int | Sequence[int]) -> list[Any]:
    """
    Cut an array along its third axis, the inverse of :func:`dstack`.

    Examples
    --------
    >>> import minigrad as mg
    >>> [part.shape for part in mg.dsplit(mg.tensor([[[1.0, 2.0]]]), 2)]
    [(1, 1, 1), (1, 1, 1)]
    """
    return split(_with_axes("dsplit", ary, 3), indices_or_sections, 2)


def unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    """
    Return the layers along an axis, the inverse of :func:`stack`.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.unstack(mg.tensor([[1.0, 2.0], [3.0, 4.0]]), axis=1)
    (tensor([1., 3.]), tensor([2., 4.]))
    """
    x = operand(x)
    if x.ndim == 0:
        raise ValueError("unstack takes one axis at least, but got a single number")
    axis = one_axis("unstack", axis, x)
    return tuple(x[along(axis, k)] for k in range(x.shape[axis]))


def _with_axes(name: str, ary: Any, least: int) -> Any:
    x = operand(ary)
    if x.ndim < least:
        raise ValueError(f"{name} takes {least} axes at least, but got shape {x.shape}")
    return x


NUMPY |= {getattr(np, name): globals()[name] for name in __all__ if hasattr(np, name)}  # some since 2.1
