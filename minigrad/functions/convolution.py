"""Convolution and pooling of batches of signals and images, as networks use them."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np

from ..rules import convolution, gates
from ..rules.convolution import Lengths, output_lengths, windows
from .arguments import operand

__all__ = ["avg_pool2d", "conv1d", "conv2d", "max_pool2d"]

PerAxis: TypeAlias = int | tuple[int, ...]

SIGNALS = ("batch", "channels", "length")
IMAGES = ("batch", "channels", "height", "width")


def conv1d(x: Any, weight: Any, bias: Any = None, stride: PerAxis = 1, padding: PerAxis = 0) -> Any:
    """
    Slide kernels along signals: out[b, o, i] = Σ weight[o, c, k]·x[b, c, i·stride + k − padding].

    Parameters
    ----------
    x : array_like, shape (batch, channels, length)
        The signals.
    weight : array_like, shape (out_channels, channels, kernel)
        What a window is multiplied by.
    bias : array_like, shape (out_channels,), optional
        What is added.
    stride, padding : int
        Step between windows, and how many zeros are put before and after the signal.

    Returns
    -------
    Tensor or ndarray, shape (batch, out_channels, (length + 2·padding − kernel) // stride + 1)

    Raises
    ------
    ValueError
        If shapes do not fit, no window fits in the padded signal, or a stride is less than 1.
    TypeError
        If the numbers are not real.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.conv1d(mg.tensor([[[1.0, 2.0, 4.0, 8.0]]]), [[[-1.0, 1.0]]])
    tensor([[[1., 2., 4.]]])
    """
    return _convolve("conv1d", SIGNALS, x, weight, bias, stride, padding)


def conv2d(x: Any, weight: Any, bias: Any = None, stride: PerAxis = 1, padding: PerAxis = 0) -> Any:
    """
    Slide kernels over images, as :func:`conv1d` along signals.

    Parameters
    ----------
    x : array_like, shape (batch, channels, height, width)
        The images.
    weight : array_like, shape (out_channels, channels, kernel height, kernel width)
        What a window is multiplied by.
    bias : array_like, shape (out_channels,), optional
        What is added.
    stride, padding : int or pair of int
        For height and width.

    Returns
    -------
    Tensor or ndarray, shape (batch, out_channels, new height, new width)

    Raises
    ------
    ValueError, TypeError
        As :func:`conv1d`.

    Examples
    --------
    >>> import numpy as np, minigrad as mg
    >>> mg.conv2d(mg.tensor(np.ones((1, 1, 3, 3))), np.ones((1, 1, 3, 3)), padding=1)
    tensor([[[[4., 6., 4.],
              [6., 9., 6.],
              [4., 6., 4.]]]])
    """
    return _convolve("conv2d", IMAGES, x, weight, bias, stride, padding)


def max_pool2d(x: Any, kernel_size: PerAxis, stride: PerAxis | None = None, padding: PerAxis = 0) -> Any:
    """
    Return the largest entry of every window; padding never wins.

    The derivative goes to one winner, the first of those that tie: max pooling is a gate, as Maxout.

    Parameters
    ----------
    x : array_like, shape (batch, channels, height, width)
        The images.
    kernel_size, stride, padding : int or pair of int
        Size of a window, step between windows (by default windows touch), at most half a window of padding.

    Returns
    -------
    Tensor or ndarray, shape (batch, channels, new height, new width)

    Raises
    ------
    ValueError, TypeError
        As :func:`conv1d`; and if padding could fill a whole window.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.max_pool2d(mg.tensor([[[[1.0, 2.0, 5.0, 0.0], [4.0, 3.0, 1.0, 1.0]]]]), 2)
    tensor([[[[4., 5.]]]])
    """
    x, kernel, stride, padding = _pooled("max_pool2d", x, kernel_size, stride, padding)
    spatial = x.shape[2:]
    views = np.transpose(windows(x, kernel=kernel, stride=stride, padding=padding), (0, 1, 4, 5, 2, 3))
    size, counts = math.prod(kernel), views.shape[2:4]
    if not any(padding):
        groups = np.reshape(views, (*views.shape[:4], size))
        return gates.group_maxout(groups, groups=(size,))[..., 0]
    entries = np.reshape(views, (*x.shape[:2], math.prod(counts) * size))
    inside = np.moveaxis(
        windows(np.ones(spatial), kernel=kernel, stride=stride, padding=padding), (0, 1), (2, 3)
    )
    members = inside.reshape(-1, size).sum(axis=1).astype(int)
    winners = gates.group_maxout(entries[..., np.flatnonzero(inside)], groups=tuple(members.tolist()))
    return np.reshape(winners, (*x.shape[:2], *counts))


def avg_pool2d(x: Any, kernel_size: PerAxis, stride: PerAxis | None = None, padding: PerAxis = 0) -> Any:
    """
    Return the mean of every window, with the zeros of the padding counted.

    Parameters
    ----------
    x : array_like, shape (batch, channels, height, width)
        The images.
    kernel_size, stride, padding : int or pair of int
        Size of a window, step between windows (by default windows touch), at most half a window of padding.

    Returns
    -------
    Tensor or ndarray, shape (batch, channels, new height, new width)

    Raises
    ------
    ValueError, TypeError
        As :func:`max_pool2d`.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.avg_pool2d(mg.tensor([[[[1.0, 2.0, 5.0, 0.0], [4.0, 3.0, 1.0, 1.0]]]]), 2)
    tensor([[[[2.5 , 1.75]]]])
    """
    x, kernel, stride, padding = _pooled("avg_pool2d", x, kernel_size, stride, padding)
    return np.mean(windows(x, kernel=kernel, stride=stride, padding=padding), axis=(2, 3))


def _convolve(
    name: str, layout: tuple[str, ...], x: Any, weight: Any, bias: Any, stride: PerAxis, padding: PerAxis
) -> Any:
    x, weight = _real(name, x), _real(name, weight)
    _check_layout(name, x, layout)
    axes = len(layout) - 2
    if weight.ndim != len(layout):
        kernel = ", ".join(f"kernel {axis}" for axis in layout[2:])
        raise ValueError(
            f"{name} got weights {weight.shape}; they must be (out_channels, channels, {kernel})"
        )
    if weight.shape[1] != x.shape[1]:
        raise ValueError(
            f"{name} got weights {weight.shape} for {weight.shape[1]} channels, but images {x.shape} with "
            f"{x.shape[1]}; axis 1 of both must agree"
        )
    stride, padding = _geometry(name, x, weight.shape[2:], stride, padding)
    out = convolution.convolution(x, weight, stride=stride, padding=padding)
    if bias is None:
        return out
    bias = _real(name, bias)
    if bias.shape != (weight.shape[0],):
        raise ValueError(
            f"{name} got a bias {bias.shape}; it must be ({weight.shape[0]},), one number per output channel"
        )
    return out + np.reshape(bias, (weight.shape[0], *(1,) * axes))


def _pooled(
    name: str, x: Any, kernel_size: PerAxis, stride: PerAxis | None, padding: PerAxis
) -> tuple[Any, Lengths, Lengths, Lengths]:
    """Check what a pooling was given, and write it out per axis."""
    x = _real(name, x)
    _check_layout(name, x, IMAGES)
    kernel = per_axis(name, "kernel_size", kernel_size, 2, least=1)
    stride, padding = _geometry(name, x, kernel, kernel if stride is None else stride, padding)
    if any(2 * p > k for p, k in zip(padding, kernel, strict=True)):
        raise ValueError(
            f"{name} got padding {padding} for windows {kernel}; it may be half a window at most"
        )
    return x, kernel, stride, padding


def _geometry(
    name: str, x: Any, kernel: Lengths, stride: PerAxis, padding: PerAxis
) -> tuple[Lengths, Lengths]:
    """Write stride and padding out per axis, and check that a window fits."""
    stride = per_axis(name, "stride", stride, len(kernel), least=1)
    padding = per_axis(name, "padding", padding, len(kernel), least=0)
    if min(kernel) < 1 or min(output_lengths(x.shape[2:], kernel, stride, padding)) < 1:
        padded = tuple(n + 2 * p for n, p in zip(x.shape[2:], padding, strict=True))
        raise ValueError(
            f"{name} got kernels {kernel} for images {x.shape[2:]}, {padded} with padding; "
            f"a kernel has one entry or more along each axis, and fits into the padded image"
        )
    return stride, padding


def per_axis(name: str, option: str, value: Any, axes: int, least: int) -> Lengths:
    """Return a whole number of at least ``least`` for each axis, of one for all or of several."""
    lengths = (value,) * axes if isinstance(value, (int, np.integer)) else value
    whole = isinstance(lengths, (tuple, list)) and all(
        isinstance(n, (int, np.integer)) and not isinstance(n, bool) for n in lengths
    )
    if not whole or len(lengths) != axes or min(lengths) < least:
        many = f", or {axes} of them" if axes > 1 else ""
        raise ValueError(f"{name} got {option}={value!r}; it must be a whole number from {least}{many}")
    return tuple(map(int, lengths))


def _check_layout(name: str, x: Any, layout: tuple[str, ...]) -> None:
    if x.ndim != len(layout):
        what = "images" if len(layout) == 4 else "signals"
        raise ValueError(f"{name} got {what} {x.shape}; they must be ({', '.join(layout)})")


def _real(name: str, x: Any) -> Any:
    """Make an array of lists; refuse what has no order or no sum."""
    x = operand(x)
    if x.dtype.kind not in "biufO":
        raise TypeError(f"{name} takes real numbers, but got dtype {x.dtype}")
    return x
