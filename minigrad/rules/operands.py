"""What rules compute with: arrays, numbers, and Tensors that are being recorded."""

from __future__ import annotations

import reprlib
from typing import Any, TypeAlias

import numpy as np

Operand: TypeAlias = Any
"""An array, a number, or a Tensor that is being recorded: whatever NumPy's operators accept."""


ARRAYS: set[type] = {np.ndarray}
"""Types that are taken as they are: arrays, and what stands for them where a program is captured."""


def numbers(operand: Operand) -> Any:
    """Return the plain array in ``operand``, for decisions that have no derivative (who won, which index)."""
    return operand.numpy() if hasattr(operand, "numpy") else operand


def stripped(x: Any) -> Any:
    """Replace the Tensors in arguments by their arrays."""
    if isinstance(x, (tuple, list)):
        return type(x)(map(stripped, x))
    return {key: stripped(value) for key, value in x.items()} if isinstance(x, dict) else numbers(x)


def match(g: Operand, like: Operand) -> Operand:
    """
    Give the derivative ``g`` the shape and dtype of the operand ``like``: the one place of un-broadcasting.

    Axes along which ``like`` was broadcast are summed (the transpose of copying), missing ones are broadcast
    (a constant partial), and the dtype follows the operand: float32 in, float32 gradients out.
    """
    shape = like.shape
    if g.shape != shape:
        lead = g.ndim - len(shape)
        if lead == 1 and g.shape[1:] == shape:  # a bias
            g = g.sum(axis=0)
            return g if g.dtype == like.dtype else g.astype(like.dtype)
        summed = tuple(
            axis for axis in range(g.ndim) if axis < lead or (shape[axis - lead] == 1 and g.shape[axis] != 1)
        )
        if summed:
            lengths = g.shape
            g = g.sum(axis=summed)
            if g.shape != shape:  # the summed axes again, of length 1: the others stay in their places
                g = np.reshape(g, [1 if a in summed else n for a, n in enumerate(lengths)][max(lead, 0) :])
        if g.shape != shape:
            g = np.reshape(g, shape) if g.size == like.size else np.broadcast_to(g, shape)
    return g if g.dtype == like.dtype else g.astype(like.dtype)


def as_array(data: Any, dtype: Any = None) -> Any:
    """Return ``np.asarray(data)``, or say what is wrong with data that make no array."""
    if dtype is None and type(data) in ARRAYS:
        return data
    if isinstance(data, np.ndarray) and hasattr(data, "mask"):
        raise TypeError(
            "a masked array would lose its mask here: fill it first, x.filled(0), and use mg.where"
        )
    try:
        return np.asarray(data, dtype=dtype)
    except ValueError as error:
        raise ValueError(f"an array has rows of equal length and numbers alone: {error}") from None


def described(arg: Any) -> str:
    """What an argument is, for an error: an array's shape, or the thing itself."""
    return f"shape {arg.shape}" if isinstance(arg, np.ndarray) else reprlib.repr(arg)
