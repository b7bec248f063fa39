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


def _cross_entropy(x: Operand, labels: Any) -> Operand:
    shifted = _above_peak(x)
    totals = np.log(np.exp(shifted).sum(axis=-1))
    return (totals - shifted[_places(labels)]).sum() / labels.size


def _residual(x: Operand, labels: Any) -> Operand:
    """softmax(x), less 1 at the labels: n times the gradient."""
    powers = np.exp(_above_peak(x))
    targets = np.zeros_like(numbers(x))
    targets[_places(labels)] = 1
    return powers / powers.sum(axis=-1, keepdims=True) - targets


cross_entropy = General(
    "cross_entropy",
    _cross_entropy,
    vjps=[lambda g, out, x, labels: _residual(x, labels) * (g / labels.size)],
    jvps=[lambda t, out, x, labels: (t * _residual(x, labels)).sum() / labels.size],
    symbol="cross entropy",
    formula="mean over the batch of −ln softmax(x)[label]",
    source="its gradient is (softmax(x) − one-hot) / n",
    classes=("smooth", "constant"),
    on_scalars=lambda x, labels: -log_softmax(x)[_places(labels)].mean(),
)
