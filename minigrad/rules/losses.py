"""The loss of classifiers as one primitive, whose gradient is shorter than that of its parts."""

from __future__ import annotations

from typing import Any

import numpy as np

from .operands import Operand, numbers
from .primitive import General
from .reductions import log_softmax


def _places(labels: Any) -> tuple[Any, ...]:
    """The index of every label's entry."""
    if labels.ndim == 1:
        return np.arange(labels.size), labels
    return (*np.indices(labels.shape, sparse=True), labels)


def _above_peak(x: Operand) -> Operand:
    """X less the largest entry of its row, which is a constant here: softmax does not change with it."""
    peak = numbers(x).max(axis=-1, keepdims=True)
    if not np.isfinite(peak).all():
        peak = np.where(np.isfinite(peak), peak, 0).astype(peak.dtype)
    return x - peak


def _with_softmax(x: Operand, labels: Any) -> tuple[Operand, Operand]:
    """The loss, and what its gradient is made of."""
    shifted = _above_peak(x)
    powers = np.exp(shifted)
    totals = powers.sum(axis=-1, keepdims=True)
    loss = (np.log(totals).sum() - shifted[_places(labels)].sum()) / labels.size
    return loss, powers / totals


def _residual(x: Operand, labels: Any, softmax: Operand = None) -> Operand:
    """softmax(x), less 1 at the labels: n times the gradient."""
    if softmax is None:
        powers = np.exp(_above_peak(x))
        softmax = powers / powers.sum(axis=-1, keepdims=True)
    targets = np.zeros_like(numbers(x))
    targets[_places(labels)] = 1
    return softmax - targets


cross_entropy = General(
    "cross_entropy",
    lambda x, labels: _with_softmax(x, labels)[0],
    vjps=[lambda g, out, x, labels, *kept: _residual(x, labels, *kept) * (g / labels.size)],
    jvps=[lambda t, out, x, labels, *kept: (t * _residual(x, labels, *kept)).sum() / labels.size],
    keeping=_with_softmax,
    symbol="cross entropy",
    formula="mean over the batch of −ln softmax(x)[label]",
    source="its gradient is (softmax(x) − one-hot) / n",
    classes=("smooth", "constant"),
    on_scalars=lambda x, labels: -log_softmax(x)[_places(labels)].mean(),
)
