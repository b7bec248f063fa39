"""Convolution over any number of spatial axes, as machine learning has it: without turning the kernel round.

All of it rests on sliding windows and their transpose: ``windows`` copies every entry to each window that it
lies in, ``fold`` adds up what the windows have for it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product
from typing import Any, TypeAlias

import numpy as np

from .operands import Operand
from .primitive import Linear

Lengths: TypeAlias = tuple[int, ...]
"""One number for each spatial axis."""


def output_lengths(spatial: Lengths, kernel: Lengths, stride: Lengths, padding: Lengths) -> Lengths:
    """Return how many windows there are along each axis."""
    return tuple(
        (n + 2 * p - k) // s + 1 for n, k, s, p in zip(spatial, kernel, stride, padding, strict=True)
    )


def _padded(x: Any, padding: Lengths) -> Any:
    if not any(padding):
        return x
    lead = x.ndim - len(padding)
    shape = (*x.shape[:lead], *(n + 2 * p for n, p in zip(x.shape[lead:], padding, strict=True)))
    out = np.zeros_like(x, shape=shape, order="C")
    out[_inside(x.shape[lead:], padding)] = x
    return out


def _inside(spatial: Lengths, padding: Lengths) -> tuple[Any, ...]:
    """The index of what is no padding."""
    return (..., *(slice(p, p + n) for n, p in zip(spatial, padding, strict=True)))


def _windows(x: Operand, kernel: Lengths, stride: Lengths, padding: Lengths) -> Operand:
    lead, axes = x.ndim - len(kernel), len(kernel)
    view = np.lib.stride_tricks.sliding_window_view(
        _padded(x, padding), kernel, axis=tuple(range(lead, x.ndim))
    )
    every: Any = (..., *(slice(None, None, s) for s in stride), *(slice(None),) * axes)
    view = view[every]
    return np.moveaxis(view, range(lead + axes, lead + 2 * axes), range(lead, lead + axes))


def _fold(w: Operand, kernel: Lengths, stride: Lengths, padding: Lengths, spatial: Lengths) -> Operand:
    axes = len(kernel)
    lead, counts = w.shape[: w.ndim - 2 * axes], w.shape[w.ndim - axes :]
    shape = (*lead, *(n + 2 * p for n, p in zip(spatial, padding, strict=True)))
    out = np.zeros_like(w, shape=shape, order="C")
    for offset, there in _places(kernel, stride, counts):
        out[there] += w[(..., *offset, *(slice(None),) * axes)]
    return out[_inside(spatial, padding)]


def _places(kernel: Lengths, stride: Lengths, counts: Lengths) -> Iterator[tuple[Lengths, tuple[Any, ...]]]:
    """Every place in the kernel, and the index of the entries that lie there in some window."""
    for offset in product(*map(range, kernel)):
        there = (slice(o, o + s * n, s) for o, s, n in zip(offset, stride, counts, strict=True))
        yield offset, (..., *there)


windows: Linear = Linear(
    "windows",
    _windows,
    lambda g, x, kernel, stride, padding: fold(
        g, kernel=kernel, stride=stride, padding=padding, spatial=x.shape[x.ndim - len(kernel) :]
    ),
    formula="x[…, i·stride + k − padding], 0 outside; axes (…, *k, *i)",
    source="copying and summing are transposes",
    classes="linear",
)

fold: Linear = Linear(
    "fold",
    _fold,
    lambda g, w, kernel, stride, padding, spatial: windows(g, kernel=kernel, stride=stride, padding=padding),
    formula="Σ w[…, k, i] over the windows i and their places k with i·stride + k − padding = j",
    source="copying and summing are transposes",
    classes="linear",
)


def _columns(x: Operand, weight: Operand, stride: Lengths, padding: Lengths) -> Operand:
    """The windows of every image as the columns of a matrix, shape (batch, channels·kernel, windows)."""
    kernel = weight.shape[2:]
    w = windows(x, kernel=kernel, stride=stride, padding=padding)
    return np.reshape(w, (x.shape[0], math.prod(weight.shape[1:]), math.prod(w.shape[2 + len(kernel) :])))


def _rows(weight: Operand) -> Operand:
    """Each output channel's weights as a row of a matrix, shape (out_channels, channels·kernel)."""
    return np.reshape(weight, (weight.shape[0], math.prod(weight.shape[1:])))


def _pixels(g: Operand) -> Operand:
    """All windows in a row, shape (batch, out_channels, windows)."""
    return np.reshape(g, (*g.shape[:2], math.prod(g.shape[2:])))


def _convolution(x: Operand, weight: Operand, stride: Lengths, padding: Lengths) -> Operand:
    counts = output_lengths(x.shape[2:], weight.shape[2:], stride, padding)
    return np.reshape(
        _rows(weight) @ _columns(x, weight, stride, padding), (x.shape[0], weight.shape[0], *counts)
    )


def _by_images(g: Operand, x: Operand, weight: Operand, stride: Lengths, padding: Lengths) -> Operand:
    kernel, spatial = weight.shape[2:], x.shape[2:]
    w = np.reshape(np.transpose(_rows(weight)) @ _pixels(g), (*x.shape[:2], *kernel, *g.shape[2:]))
    return fold(w, kernel=kernel, stride=stride, padding=padding, spatial=spatial)


def _by_weight(g: Operand, x: Operand, weight: Operand, stride: Lengths, padding: Lengths) -> Operand:
    columns = np.transpose(_columns(x, weight, stride, padding), (0, 2, 1))
    return np.reshape(np.sum(_pixels(g) @ columns, axis=0), weight.shape)


convolution = Linear(
    "convolution",
    _convolution,
    _by_images,
    _by_weight,
    symbol="∗",
    formula="out[b, o, i] = Σ over c, k of weight[o, c, k]·x[b, c, i·stride + k − padding]",
    source="LeCun et al. 1989: one matrix product with the windows of x",
    classes=("multilinear", "multilinear"),
)
