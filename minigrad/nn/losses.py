"""Losses: averages over the batch, computed from logits so that nothing overflows."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..rules import losses
from ..rules.exponentials import softplus
from ..rules.gates import relu
from ..rules.operands import as_array
from ..tensor import Array, Tensor


def cross_entropy(logits: Tensor | ArrayLike, labels: ArrayLike) -> Tensor:
    """
    Return the average of −ln softmax(logits)[label].

    Parameters
    ----------
    logits : Tensor, shape (..., classes)
        Scores before the softmax.
    labels : integer array_like, shape (...)
        The right class of each, 0 ≤ label < classes.

    Raises
    ------
    TypeError
        If the labels are not whole numbers.
    ValueError
        If a label is out of range, the shapes don't fit, or the batch is empty.

    Examples
    --------
    >>> from minigrad import nn
    >>> round(nn.cross_entropy([[0.0, 0.0]], [1]).item(), 4)
    0.6931
    """
    scores, target = _pair(logits, labels)
    if target.dtype.kind not in "iu":
        raise TypeError(
            f"cross_entropy takes labels that are whole numbers (a class each), but got {target.dtype}"
        )
    if scores.ndim == 0 or target.shape != scores.shape[:-1]:
        raise ValueError(
            f"cross_entropy got logits {scores.shape} and labels {target.shape}; "
            f"logits (n, classes) go with labels (n,)"
        )
    _not_empty("cross_entropy", target)
    if target.min() < 0 or target.max() >= scores.shape[-1]:
        wrong = (target < 0) | (target >= scores.shape[-1])
        raise ValueError(
            f"label {target[wrong].flat[0]} is out of range: "
            f"the network has {scores.shape[-1]} outputs, so labels go from 0 to {scores.shape[-1] - 1}"
        )
    loss: Tensor = losses.cross_entropy(scores, target)
    return loss


def mse_loss(prediction: Tensor | ArrayLike, target: ArrayLike) -> Tensor:
    """
    Return the average of (prediction − target)².

    Raises
    ------
    ValueError
        If the shapes differ (they are not broadcast), or nothing is given.

    Examples
    --------
    >>> from minigrad import nn
    >>> nn.mse_loss([1.0, 3.0], [1.0, 1.0]).data
    array(2.)
    """
    y, t = _same_shape("mse_loss", prediction, target)
    difference = y - t
    return (difference * difference).mean()


def binary_cross_entropy_with_logits(logits: Tensor | ArrayLike, targets: ArrayLike) -> Tensor:
    """
    Return the average of −t ln σ(z) − (1 − t) ln(1 − σ(z)), as ln(1 + eᶻ) − t·z.

    Parameters
    ----------
    logits : Tensor
        z, before the sigmoid.
    targets : array_like of the same shape
        t, probabilities between 0 and 1.

    Raises
    ------
    ValueError
        If the shapes differ, a target is not in [0, 1], or nothing is given.

    Examples
    --------
    >>> from minigrad import nn
    >>> round(nn.binary_cross_entropy_with_logits([0.0], [1.0]).item(), 4)
    0.6931
    """
    z, t = _same_shape("binary_cross_entropy_with_logits", logits, targets)
    outside = ~((t >= 0) & (t <= 1))
    if outside.any():
        raise ValueError(f"targets are probabilities between 0 and 1, but one is {t[outside].flat[0]}")
    return (softplus(z) - z * t).mean()


def hinge_loss(scores: Tensor | ArrayLike, targets: ArrayLike) -> Tensor:
    """
    Return the average of max(0, 1 − t·s): no loss beyond a margin of 1.

    Parameters
    ----------
    scores : Tensor
        s, positive for one class and negative for the other.
    targets : array_like of the same shape
        t, each −1 or +1.

    Raises
    ------
    ValueError
        If the shapes differ, a target is not ±1, or nothing is given.

    Examples
    --------
    >>> from minigrad import nn
    >>> nn.hinge_loss([0.5, 2.0], [1, 1]).data
    array(0.25)
    """
    s, t = _same_shape("hinge_loss", scores, targets)
    wrong = np.abs(t) != 1
    if wrong.any():
        raise ValueError(f"hinge_loss takes targets −1 or +1, but one is {t[wrong].flat[0]}")
    return relu(1 - s * t).mean()


def _pair(output: Tensor | ArrayLike, target: ArrayLike) -> tuple[Tensor, Array]:
    """Return the two; a target has no derivative (a recorded Tensor refuses to become an array)."""
    return output if isinstance(output, Tensor) else Tensor(output), as_array(target)


def _same_shape(name: str, output: Tensor | ArrayLike, target: ArrayLike) -> tuple[Tensor, Array]:
    y, t = _pair(output, target)
    if y.shape != t.shape:
        hint = f"; for outputs {y.shape} reshape the targets to match" if y.size == t.size else ""
        raise ValueError(f"{name} got outputs {y.shape} and targets {t.shape}; they must be equal{hint}")
    _not_empty(name, t)
    if t.dtype.kind not in "biuf":
        raise TypeError(f"{name} takes targets that are real numbers, but got dtype {t.dtype}")
    return y, t.astype(y.dtype, copy=False) if y.dtype.kind == "f" else t


def _not_empty(name: str, target: Array) -> None:
    if target.size == 0:
        raise ValueError(
            f"{name} of an empty batch (shape {target.shape}) has no average; give at least one example"
        )
