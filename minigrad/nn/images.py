"""Layers for images (batch, channels, height, width): convolution, pooling, and the way to Linear."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from ..functions.convolution import PerAxis, avg_pool2d, conv2d, max_pool2d, per_axis
from ..rules.operands import numbers
from ..tensor import Tensor
from . import init
from .module import Module, Parameter

LARGEST = 2**10
"""No kernel, step or padding is larger, so that a file can't make a layer fill the memory with zeros."""


class Conv2d(Module):
    """
    A layer of kernels that slide over images; see :func:`minigrad.conv2d`.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels of the images before and after.
    kernel_size, stride, padding : int or pair of int
        For height and width: size of the kernels, step between windows, zeros on either side of the images.
    bias : bool
        Whether a constant is added in each channel.
    dtype : dtype
        Of the parameters.

    Attributes
    ----------
    weight : Parameter, shape (out_channels, in_channels, kernel height, kernel width)
        Drawn as :func:`minigrad.nn.init.he_normal` does.
    bias : Parameter, shape (out_channels,), or None
        Zero at first.

    Raises
    ------
    ValueError
        If sizes are not whole numbers, or out of range; when called on anything but a batch of images with
        ``in_channels`` channels, or on images that are smaller than the kernels.

    Examples
    --------
    >>> import numpy as np
    >>> from minigrad import nn
    >>> nn.Conv2d(3, 8, 5, padding=2)(np.ones((10, 3, 32, 32), dtype=np.float32)).shape
    (10, 8, 32, 32)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: PerAxis,
        stride: PerAxis = 1,
        padding: PerAxis = 0,
        bias: bool = True,
        *,
        dtype: DTypeLike = np.float32,
    ) -> None:
        for name, n in (("in_channels", in_channels), ("out_channels", out_channels)):
            if not isinstance(n, (int, np.integer)) or isinstance(n, bool) or n < 1:
                raise ValueError(f"Conv2d needs whole numbers of channels, but got {name}={n!r}")
        kernel = _lengths("Conv2d", "kernel_size", kernel_size, least=1)
        self.stride = _lengths("Conv2d", "stride", stride, least=1)
        self.padding = _lengths("Conv2d", "padding", padding, least=0)
        shape = (int(out_channels), int(in_channels), *kernel)
        self.weight = init.he_normal(Parameter(np.zeros(shape, dtype=dtype)))
        self.bias = Parameter(np.zeros(shape[0], dtype=dtype)) if bias else None

    @classmethod
    def of(
        cls, weight: ArrayLike, bias: ArrayLike | None = None, stride: PerAxis = 1, padding: PerAxis = 0
    ) -> Conv2d:
        """
        Return the layer with these weights, drawing none.

        Parameters
        ----------
        weight : array_like, shape (out_channels, in_channels, kernel height, kernel width)
            Copied, with its dtype.
        bias : array_like, shape (out_channels,), optional
            Copied; no bias by default.
        stride, padding : int or pair of int
            As for the layer.

        Raises
        ------
        ValueError
            If shapes do not fit, or a size is out of range.
        TypeError
            If the numbers are no floats.

        Examples
        --------
        >>> from minigrad import nn
        >>> nn.Conv2d.of([[[[1.0, -1.0]]]])([[[[3.0, 5.0, 9.0]]]]).data
        array([[[[-2., -4.]]]])
        """
        layer = cls.__new__(cls)
        layer.weight = Parameter(numbers(weight))
        layer.bias = None if bias is None else Parameter(numbers(bias))
        shape = layer.weight.shape
        if len(shape) != 4 or 0 in shape or (layer.bias is not None and layer.bias.shape != shape[:1]):
            raise ValueError(
                f"Conv2d.of takes a weight (out_channels, in_channels, height, width) and a bias "
                f"(out_channels,), but got {shape} and {None if layer.bias is None else layer.bias.shape}"
            )
        layer.stride = _lengths("Conv2d", "stride", stride, least=1)
        layer.padding = _lengths("Conv2d", "padding", padding, least=0)
        return layer

    def forward(self, x: Tensor) -> Tensor:
        """Return the images that the kernels see, one for each out-channel."""
        _check_images(self, x, self.weight.shape[1])
        if x.dtype.kind != "f":
            x = x.astype(self.weight.dtype)
        return conv2d(x, self.weight, self.bias, self.stride, self.padding)

    def config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        out_channels, in_channels, *kernel = self.weight.shape
        return {
            "in_channels": in_channels,
            "out_channels": out_channels,
            "kernel_size": _short(kernel),
            "stride": _short(self.stride),
            "padding": _short(self.padding),
            "bias": self.bias is not None,
        }

    def __repr__(self) -> str:
        out_channels, in_channels, *kernel = self.weight.shape
        options = _changed(self, stride=(1, 1), padding=(0, 0)) + (
            "" if self.bias is not None else ", bias=False"
        )
        return f"Conv2d({in_channels}, {out_channels}, {_short(kernel)}{options})"


class _Pool2d(Module):
    """Base of the poolings: one number for every window of each channel."""

    pool: ClassVar[Callable[..., Any]]

    def __init__(
        self, kernel_size: PerAxis | None = None, stride: PerAxis | None = None, padding: PerAxis = 0
    ) -> None:
        name = type(self).__name__
        self.padding = _lengths(name, "padding", padding, least=0)
        if kernel_size is None:
            self.kernel_size = self.stride = None
            if stride is not None or any(self.padding):
                raise ValueError(f"{name} of whole images takes neither stride nor padding: give kernel_size")
            return
        self.kernel_size = _lengths(name, "kernel_size", kernel_size, least=1)
        self.stride = self.kernel_size if stride is None else _lengths(name, "stride", stride, least=1)
        if any(2 * p > k for p, k in zip(self.padding, self.kernel_size, strict=True)):
            raise ValueError(
                f"{name} got padding={padding!r} for windows of kernel_size={kernel_size!r}; "
                f"it may be half a window at most"
            )

    def forward(self, x: Tensor) -> Tensor:
        """Return the smaller images."""
        _check_images(self, x)
        kernel = x.shape[2:] if self.kernel_size is None else self.kernel_size
        return type(self).pool(x, kernel, self.stride, self.padding)

    def config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        if self.kernel_size is None:
            return {}
        return {
            "kernel_size": _short(self.kernel_size),
            "stride": _short(self.stride),
            "padding": _short(self.padding),
        }

    def __repr__(self) -> str:
        if self.kernel_size is None:
            return f"{type(self).__name__}()"
        options = _changed(self, stride=self.kernel_size, padding=(0, 0))
        return f"{type(self).__name__}({_short(self.kernel_size)}{options})"


class MaxPool2d(_Pool2d):
    """
    The largest entry of every window: a gate, as Maxout; see :func:`minigrad.max_pool2d`.

    Parameters
    ----------
    kernel_size : int or pair of int, optional
        Height and width of a window; by default the whole image.
    stride, padding : int or pair of int
        Step between windows (by default they touch); at most half a window of padding, which never wins.

    Raises
    ------
    ValueError
        If a size is no whole number, or out of range; when called on anything but a batch of images that
        are as large as a window.

    Examples
    --------
    >>> from minigrad import nn
    >>> nn.MaxPool2d(2)([[[[1.0, 2.0, 5.0, 0.0], [4.0, 3.0, 1.0, 1.0]]]]).data
    array([[[[4., 5.]]]])
    """

    pool = staticmethod(max_pool2d)


class AvgPool2d(_Pool2d):
    """
    The mean of every window, with the zeros of the padding counted; see :func:`minigrad.avg_pool2d`.

    Parameters, errors and defaults are those of :class:`MaxPool2d`.

    Examples
    --------
    >>> from minigrad import nn
    >>> nn.AvgPool2d()([[[[1.0, 2.0, 5.0, 0.0], [4.0, 3.0, 1.0, 0.0]]]]).data
    array([[[[2.]]]])
    """

    pool = staticmethod(avg_pool2d)


class Flatten(Module):
    """
    All features of an example on one axis: (batch, …) becomes (batch, features); a vector stays as it is.

    Examples
    --------
    >>> import numpy as np
    >>> from minigrad import nn
    >>> nn.Flatten()(np.ones((10, 3, 4, 4))).shape
    (10, 48)
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return the rows."""
        if x.ndim == 0:
            raise ValueError("Flatten got a single number; it takes a batch, (batch, ...), or a vector")
        return x if x.ndim <= 2 else x.reshape(len(x), math.prod(x.shape[1:]))


def _lengths(layer: str, option: str, value: Any, least: int) -> tuple[int, int]:
    """Write a size out for height and width."""
    height, width = per_axis(layer, option, value, 2, least)
    if max(height, width) > LARGEST:
        raise ValueError(f"{layer} got {option}={value!r}; it may be {LARGEST} at most")
    return height, width


def _short(lengths: Any) -> int | list[int]:
    """Return one number for two that are equal."""
    height, width = lengths
    return height if height == width else [height, width]


def _changed(layer: Module, **defaults: Any) -> str:
    """Write down the options that are not the default."""
    options = ((name, getattr(layer, name), default) for name, default in defaults.items())
    return "".join(f", {name}={_short(value)}" for name, value, default in options if value != default)


def _check_images(layer: Module, x: Tensor, channels: int | None = None) -> None:
    if x.ndim == 4 and channels in (None, x.shape[1]) and 0 not in x.shape[2:]:
        return
    expected = f"(batch, {'channels' if channels is None else channels}, height, width)"
    hint = "; write x[None] for a batch of one" if x.ndim == 3 and channels in (None, x.shape[0]) else ""
    raise ValueError(
        f"{layer} got {x.shape}; it takes a batch of images, {expected}, of a pixel or more{hint}"
    )
