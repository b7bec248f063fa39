"""NumPy's functions without a derivative: decisions, counts, searches, made on the plain numbers.

Their results are plain arrays, which do not change as long as the numbers move a little. Functions that write
into an array are refused, since recorded derivatives would be wrong afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..rules import NUMPY
from ..rules.operands import numbers

CONSTANT = (
    np.all, np.allclose, np.angle, np.any, np.argmax, np.argmin, np.argpartition, np.argsort, np.argwhere,
    np.array2string, np.array_equal, np.array_equiv, np.array_repr, np.array_str, np.bincount,
    np.can_cast, np.common_type, np.count_nonzero, np.diag_indices_from, np.digitize, np.einsum_path,
    np.empty_like,
    np.flatnonzero, np.full_like, np.histogram, np.histogram2d, np.histogram_bin_edges, np.histogramdd,
    np.imag, np.intersect1d, np.isclose, np.iscomplex, np.iscomplexobj, np.isin, np.isneginf,
    np.isposinf, np.isreal, np.isrealobj, np.ix_, np.lexsort, np.may_share_memory, np.min_scalar_type,
    np.nanargmax, np.nanargmin, np.ndim, np.nonzero, np.ones_like, np.packbits, np.ravel_multi_index,
    np.result_type, np.save, np.savetxt, np.savez, np.savez_compressed, np.searchsorted, np.setdiff1d,
    np.setxor1d, np.shape, np.shares_memory, np.size, np.tril_indices_from, np.triu_indices_from,
    np.union1d, np.unique, np.unique_all, np.unique_counts, np.unique_inverse, np.unique_values,
    np.unpackbits, np.unravel_index, np.zeros_like,
)  # fmt: skip

WRITING = {
    "copyto": "np.where(mask, new, old)",
    "fill_diagonal": "np.where(np.eye(len(x), dtype=bool), value, x)",
    "place": "np.where(mask, new, old)",
    "put": "np.where(mask, new, old)",
    "put_along_axis": "np.where(mask, new, old)",
    "putmask": "np.where(mask, new, old)",
}
"""What to write instead of the functions that change an array."""


def _constant(function: Callable[..., Any]) -> Callable[..., Any]:
    def compute(*args: Any, **kwargs: Any) -> Any:
        return function(*_plain(args), **_plain(kwargs))

    return compute


def _refused(name: str, instead: str) -> Callable[..., Any]:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise TypeError(f"np.{name} changes an array, which no derivative follows; use {instead}")

    return refuse


def _plain(x: Any) -> Any:
    """Replace the Tensors in arguments by their arrays."""
    if isinstance(x, (tuple, list)):
        return type(x)(map(_plain, x))
    return {key: _plain(value) for key, value in x.items()} if isinstance(x, dict) else numbers(x)


NUMPY |= {function: _constant(function) for function in CONSTANT}
NUMPY |= {getattr(np, name): _refused(name, instead) for name, instead in WRITING.items()}
