"""What runs the loops of a program: NumPy alone, or numba where it is installed."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from . import blocks, numba_source
from .passes.fusion import Fusable
from .program import Fused

Kernel = Callable[..., None]
"""A loop that was made ready: called with the arrays and numbers it reads, and the arrays it writes."""


class Backend(NamedTuple):
    """
    What a program's loops run on.

    Attributes
    ----------
    name : str
        ``numpy`` or ``numba``.
    fusable : callable
        Whether a sequence of instructions can be one loop, and should.
    kernel : callable
        The loop of a fused instruction, given its operands and results where they are known before it runs
        (None elsewhere).
    """

    name: str
    fusable: Fusable
    kernel: Callable[[Fused, Sequence[Any]], Kernel]


NUMPY = Backend("numpy", blocks.fusable, blocks.kernel)


def backend(name: str | None = None) -> Backend:
    """
    Return the back end of a name: by default that in ``MINIGRAD_BACKEND``, else numba if it is there.

    Raises
    ------
    ValueError
        If there is none of that name.
    ImportError
        If numba was asked for and can't be imported.
    """
    asked = check_name(name or os.environ.get("MINIGRAD_BACKEND") or None)
    if asked == "numpy":
        return NUMPY
    try:
        from . import numba_backend
    except ImportError as error:  # not installed, or not made for this NumPy
        if asked is None:
            return NUMPY
        raise ImportError(f"numba can't be imported ({error}): pip install minigrad[fast]") from error
    return Backend("numba", numba_source.fusable, numba_backend.kernel)


def check_name(name: str | None) -> str | None:
    """Return the name of a back end, or None for the default."""
    if name not in (None, "numpy", "numba"):
        raise ValueError(f"backend is 'numpy' or 'numba', not {name!r}")
    return name
