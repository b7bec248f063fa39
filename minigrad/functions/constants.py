"""NumPy's functions without a derivative: decisions, counts, searches, made on the plain numbers.

Their results are plain arrays, which do not change as long as the numbers move a little. Where one does, as
the edges of a histogram in the plane, the graph is not cut without a word. Functions that write into an array
are refused, since recorded derivatives would be wrong afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..rules import NUMPY
from ..rules.operands import stripped

CONSTANT = (
    np.all, np.allclose, np.any, np.argmax, np.argmin, np.argpartition, np.argsort, np.argwhere,
    np.array2string, np.array_equal, np.array_equiv, np.array_repr, np.array_str, np.can_cast,
    np.common_type, np.count_nonzero, np.diag_indices_from, np.digitize, np.einsum_path, np.empty_like,
    np.flatnonzero, np.histogram2d, np.histogramdd, np.isclose, np.iscomplex, np.iscomplexobj, np.isin,
    np.isneginf, np.isposinf, np.isreal, np.isrealobj, np.ix_, np.lexsort, np.may_share_memory,
    np.min_scalar_type, np.nanargmax, np.nanargmin, np.ndim, np.nonzero, np.ones_like, np.packbits,
    np.ravel_multi_index, np.result_type, np.save, np.savetxt, np.savez, np.savez_compressed,
    np.searchsorted, np.shape, np.shares_memory, np.size, np.tril_indices_from, np.triu_indices_from,
    np.unpackbits, np.unravel_index, np.zeros_like,
)  # fmt: skip

SHAPED = (np.empty_like, np.ones_like, np.zeros_like)
"""Those that take nothing but shape and dtype from a Tensor."""

WRITING = {
    "copyto": "np.where(mask, new, old), and mg.full or mg.full_like to make one",
    "fill_diagonal": "np.where(np.eye(len(x), dtype=bool), value, x)",
    "place": "np.where(mask, new, old)",
    "put": "np.where(mask, new, old)",
    "put_along_axis": "np.where(mask, new, old)",
    "putmask": "np.where(mask, new, old)",
}
"""What to write instead of the functions that change an array."""


def _constant(function: Callable[..., Any]) -> Callable[..., Any]:
    def compute(*args: Any, **kwargs: Any) -> Any:
        result = function(*stripped(args), **stripped(kwargs))
        if function not in SHAPED and _varies(result) and _recorded([args, list(kwargs.values())]):
            name = f"np.{function.__name__}"
            raise TypeError(
                f"{name} has no derivative rule here, and its result moves with the numbers of a Tensor that "
                f"requires a gradient: the graph would be cut silently; say so with {name}(t.data)"
            )
        return result

    return compute


def _varies(result: Any) -> bool:
    """Whether it holds numbers that may change by a little: neither whole ones nor decisions."""
    if isinstance(result, (tuple, list)):
        return any(map(_varies, result))
    return isinstance(result, (np.ndarray, np.generic)) and result.dtype.kind == "f"


def _recorded(x: Any) -> bool:
    """Whether a Tensor in arguments requires a gradient."""
    return any(map(_recorded, x)) if isinstance(x, (tuple, list)) else getattr(x, "requires_grad", False)


def _refused(name: str, instead: str) -> Callable[..., Any]:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise TypeError(f"np.{name} changes an array, which no derivative follows; use {instead}")

    return refuse


NUMPY |= {function: _constant(function) for function in CONSTANT}
NUMPY |= {getattr(np, name): _refused(name, instead) for name, instead in WRITING.items()}
