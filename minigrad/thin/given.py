"""What thin is given: one input."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..nn import Module
from ..recording import no_grad
from ..tensor import Array, Tensor


def one_input(net: Module, x: ArrayLike) -> Array:
    """Return a copy of the input as floats, or say what is wrong with it."""
    try:
        array = np.array(x.data if isinstance(x, Tensor) else x)
    except ValueError as error:
        raise ValueError(f"thin takes one input, an array of numbers: {error}") from None
    if array.dtype.kind not in "biuf":
        raise TypeError(f"thin takes one input, an array of numbers, but got dtype {array.dtype}")
    if array.ndim == 0:
        raise ValueError("thin takes one input, a vector or an image, but got shape ()")
    if array.dtype.kind != "f":
        array = array.astype(next((p.dtype for p in net.parameters()), np.dtype(np.float64)))
    wrong = np.flatnonzero(~np.isfinite(array))
    if len(wrong):
        raise ValueError(f"the input is not finite: entry {wrong[0]} is {array.ravel()[wrong[0]]}")
    return array


def refuse_batch(net: Module, x: Array) -> None:
    """
    Explain, where the input turns out to be a batch, how to choose one of it.

    Raises
    ------
    ValueError
        If the network takes ``x`` as a batch, and gives a vector for each of its rows.
    """
    if x.ndim < 2:
        return
    try:
        with no_grad():
            output = net(x)
    except Exception:  # it takes neither: the first error tells
        return
    if output.ndim == 2 and len(output) == len(x):
        raise ValueError(
            f"thin takes one input, but got a batch of shape {x.shape}; for one of this batch pass x[0], of "
            f"shape {x.shape[1:]}, and for all of them see mg.thin_batch"
        ) from None
