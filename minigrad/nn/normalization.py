"""Batch normalization: features with mean 0 and variance 1, then scaled and shifted."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from ..recording import no_grad
from ..rules.operands import numbers
from ..tensor import Tensor
from .activations import finite
from .module import Buffer, Module, Parameter


class BatchNorm(Module):
    """
    (x − mean) / √(variance + eps) · weight + bias, for every feature: axis 1 (Ioffe & Szegedy 2015).

    In training, mean and variance are those of the mini-batch (of images, over all pixels), and running
    averages of them are kept: ``running ← running + momentum · (batch − running)``, where the variance is
    the unbiased one, divided by n − 1. In evaluation the running averages take their place: the layer is a
    fixed affine map of each example, and takes a vector, too.

    Parameters
    ----------
    features : int
        Length of axis 1; channels, of images.
    eps : float
        What keeps the variance from 0.
    momentum : float
        The share of the new batch in the running averages, 0 ≤ momentum ≤ 1.
    affine : bool
        Whether there are a weight and a bias.
    dtype : dtype
        Of parameters and running averages.

    Attributes
    ----------
    weight, bias : Parameter, shape (features,), or None
        1 and 0 at first.
    running_mean, running_var : Buffer, shape (features,)
        0 and 1 at first.

    Raises
    ------
    ValueError
        If an argument is out of range; when called on data without ``features`` on axis 1, or, in training,
        with a single number for each feature, which has no variance.

    Examples
    --------
    >>> import numpy as np
    >>> from minigrad import nn
    >>> layer = nn.BatchNorm(1, dtype=float)
    >>> layer(np.array([[1.0], [3.0]])).data.round(3), layer.running_mean.data
    (array([[-1.],
           [ 1.]]), array([0.2]))
    """

    def __init__(
        self,
        features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = True,
        *,
        dtype: DTypeLike = np.float32,
    ) -> None:
        if not isinstance(features, (int, np.integer)) or isinstance(features, bool) or features < 0:
            raise ValueError(f"BatchNorm needs a whole number of features, but got {features!r}")
        self.weight = Parameter(np.ones(features, dtype=dtype)) if affine else None
        self.bias = Parameter(np.zeros(features, dtype=dtype)) if affine else None
        self.running_mean = Buffer(np.zeros(features, dtype=dtype))
        self.running_var = Buffer(np.ones(features, dtype=dtype))
        self._set_options(eps, momentum)

    def _set_options(self, eps: float, momentum: float) -> None:
        self.eps, self.momentum = finite("BatchNorm's eps", eps), finite("BatchNorm's momentum", momentum)
        if self.eps <= 0:
            raise ValueError(f"BatchNorm needs eps > 0, or a constant feature divides by 0, but got {eps!r}")
        if not 0 <= self.momentum <= 1:
            raise ValueError(f"BatchNorm needs 0 ≤ momentum ≤ 1, but got {momentum!r}")

    @classmethod
    def of(
        cls,
        running_mean: ArrayLike,
        running_var: ArrayLike,
        weight: ArrayLike | None = None,
        bias: ArrayLike | None = None,
        eps: float = 1e-5,
        momentum: float = 0.1,
    ) -> BatchNorm:
        """
        Return the layer with these averages and parameters.

        Parameters
        ----------
        running_mean, running_var : array_like, shape (features,)
            Copied, with their dtype.
        weight, bias : array_like, shape (features,), optional
            Copied; both or neither.
        eps, momentum : float
            As for the layer.

        Raises
        ------
        ValueError
            If shapes do not agree, or an option is out of range.
        TypeError
            If the numbers are no floats.

        Examples
        --------
        >>> from minigrad import nn
        >>> nn.BatchNorm.of([1.0], [4.0]).eval()([[5.0]]).data.round(3)
        array([[2.]])
        """
        layer = cls.__new__(cls)
        layer.weight = None if weight is None else Parameter(numbers(weight))
        layer.bias = None if bias is None else Parameter(numbers(bias))
        layer.running_mean, layer.running_var = Buffer(numbers(running_mean)), Buffer(numbers(running_var))
        shapes = [None if t is None else t.shape for t in vars(layer).values()]
        given = [shape for shape in shapes if shape is not None]
        if len(given) == 3 or len(set(given)) > 1 or len(given[0]) != 1:
            raise ValueError(
                f"BatchNorm.of takes running_mean and running_var, and weight and bias or neither, all of "
                f"shape (features,), but got weight, bias, running_mean, running_var of {shapes}"
            )
        for name in ("running_mean", "running_var"):
            if getattr(layer, name).dtype.kind != "f":
                raise TypeError(f"BatchNorm.of takes only floats, but its {name} has whole numbers")
        layer._set_options(eps, momentum)
        return layer

    @property
    def features(self) -> int:
        """Length of the axis that is normalized."""
        return len(self.running_mean)

    def forward(self, x: Tensor) -> Tensor:
        """Return the features normalized, scaled and shifted."""
        if x.ndim == 0 or x.shape[min(1, x.ndim - 1)] != self.features:
            raise ValueError(
                f"{self} got {x.shape}; its axis 1 must be {self.features}: (batch, features, ...)"
            )
        if x.dtype.kind != "f":
            x = x.astype(self.running_mean.dtype)
        mean, variance = self._of_batch(x) if self.training else (self.running_mean, self.running_var)
        shape = (self.features, *(1,) * (x.ndim - 2))
        scale: Any = 1 / np.sqrt(variance + self.eps)
        if self.weight is not None:
            scale = scale * self.weight
        normalized: Any = (x - np.reshape(mean, shape)) * np.reshape(scale, shape)
        return normalized if self.bias is None else normalized + np.reshape(self.bias, shape)

    def _of_batch(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and variance of the features in a batch, and let the running averages follow."""
        count = math.prod(x.shape[:1] + x.shape[2:])
        if x.ndim < 2 or count < 2:
            raise ValueError(
                f"{self} in training got {x.shape}, one number for each feature, which has no variance: "
                f"call net.eval() to use the running averages, or give it a larger batch (the last batch of "
                f"an epoch may be smaller: choose another batch_size)"
            )
        axes = (0, *range(2, x.ndim))
        mean: Any = np.mean(x, axis=axes)
        centred: Any = x - np.reshape(mean, (self.features, *(1,) * (x.ndim - 2)))
        variance: Any = np.mean(centred * centred, axis=axes)
        with no_grad():
            unbiased = variance * (count / (count - 1))
            for running, batch in ((self.running_mean, mean), (self.running_var, unbiased)):
                running += self.momentum * (batch - running)
        return mean, variance

    def config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        affine = self.weight is not None
        return {"features": self.features, "eps": self.eps, "momentum": self.momentum, "affine": affine}

    def __repr__(self) -> str:
        defaults = {"eps": 1e-5, "momentum": 0.1, "affine": True}
        changed = (f", {k}={v!r}" for k, v in self.config().items() if k in defaults and v != defaults[k])
        return f"BatchNorm({self.features}{''.join(changed)})"
