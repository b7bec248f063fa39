"""Activation functions as modules."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..rules import Primitive, exponentials, gates
from ..tensor import Tensor
from .module import Module, Parameter


class Activation(Module):
    """Base of the activation functions: one primitive, applied to every entry."""

    primitive: Primitive

    def forward(self, x: Tensor) -> Tensor:
        """Apply the primitive."""
        return self.primitive(x)


class Sigmoid(Activation):
    """
    σ(x) = 1 / (1 + e⁻ˣ), whose slope is at most ¼.

    Examples
    --------
    >>> from minigrad import nn
    >>> nn.Sigmoid()([0.0]).data
    array([0.5])
    """

    primitive = exponentials.sigmoid


class Tanh(Activation):
    """
    The hyperbolic tangent.

    Examples
    --------
    >>> from minigrad import nn
    >>> nn.Tanh()([0.0]).data
    array([0.])
    """

    primitive = exponentials.tanh


class Softplus(Activation):
    """
    ln(1 + eˣ): the sum of infinitely many sigmoids with shifted biases.

    Examples
    --------
    >>> from minigrad import nn
    >>> nn.Softplus()([0.0]).data.round(4)
    array([0.6931])
    """

    primitive = exponentials.softplus


class ReLU(Activation):
    """
    max(x, 0): a gate, open where x > 0.

    Examples
    --------
    >>> from minigrad import nn
    >>> nn.ReLU()([-1.0, 2.0]).data
    array([0., 2.])
    """

    primitive = gates.relu


class LeakyReLU(Activation):
    """
    x where it is positive, ``slope``·x elsewhere.

    Examples
    --------
    >>> from minigrad import nn
    >>> nn.LeakyReLU(0.1)([-1.0, 2.0]).data
    array([-0.1,  2. ])
    """

    primitive = gates.leaky_relu

    def __init__(self, slope: float = 0.01) -> None:
        self.slope = finite("LeakyReLU's slope", slope)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the primitive."""
        return self.primitive(x, self.slope)

    def config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"slope": self.slope}

    def __repr__(self) -> str:
        return f"LeakyReLU({self.slope:g})"


class PReLU(Activation):
    """
    x where it is positive, α·x elsewhere; α is learned, one for the whole layer (He et al. 2015).

    Attributes
    ----------
    slope : Parameter, shape (1,)
        The learned α.

    Examples
    --------
    >>> from minigrad import nn
    >>> nn.PReLU()([-1.0, 2.0]).data
    array([-0.25,  2.  ])
    """

    primitive = gates.prelu

    def __init__(self, init: float = 0.25, *, dtype: DTypeLike = np.float32) -> None:
        self.slope = Parameter(np.array([finite("PReLU's init", init)], dtype=dtype))

    def forward(self, x: Tensor) -> Tensor:
        """Apply the primitive."""
        return self.primitive(x, self.slope)

    def __repr__(self) -> str:
        return f"PReLU({self.slope.item():g})"


class Hardtanh(Activation):
    """
    x, kept between ``low`` and ``high``; ReLU6 is Hardtanh(0, 6). At the bounds the slope is 1, as clip's.

    Raises
    ------
    ValueError
        If the bounds are not finite, or not in order.

    Examples
    --------
    >>> from minigrad import nn
    >>> nn.Hardtanh()([-2.0, 0.5, 3.0]).data
    array([-1. ,  0.5,  1. ])
    """

    primitive = gates.clip

    def __init__(self, low: float = -1.0, high: float = 1.0) -> None:
        self.low, self.high = finite("Hardtanh's low", low), finite("Hardtanh's high", high)
        if self.low >= self.high:
            raise ValueError(f"Hardtanh needs low < high, but got low={low!r} and high={high!r}")

    def forward(self, x: Tensor) -> Tensor:
        """Apply the primitive."""
        return self.primitive(x, self.low, self.high)

    def config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"low": self.low, "high": self.high}

    def __repr__(self) -> str:
        return f"Hardtanh({self.low:g}, {self.high:g})"


class Maxout(Activation):
    """
    The largest of each group of neighbouring neurons (Goodfellow et al. 2013): a learned activation function.

    Parameters
    ----------
    pieces : int or sequence of int
        How many neurons compete in every group, or in each group in turn.

    Raises
    ------
    ValueError
        When called on data whose last axis does not split into such groups.

    Examples
    --------
    >>> from minigrad import nn
    >>> nn.Maxout(2)([5.0, 7.0, -1.0, 1.0]).data
    array([7., 1.])
    """

    primitive = gates.group_maxout

    def __init__(self, pieces: int | Sequence[int] = 2) -> None:
        several = isinstance(pieces, Sequence) or (isinstance(pieces, np.ndarray) and pieces.ndim > 0)
        sizes: list[Any] = [*pieces] if several else [pieces]  # type: ignore[misc]
        whole = all(isinstance(n, (int, np.integer)) and not isinstance(n, bool) and n >= 1 for n in sizes)
        if not sizes or not whole:
            raise ValueError(f"Maxout needs whole numbers of pieces, each at least 1, but got {pieces!r}")
        self.pieces = tuple(map(int, sizes)) if several else int(sizes[0])

    def forward(self, x: Tensor) -> Tensor:
        """Return each group's largest."""
        if x.ndim == 0:
            raise ValueError(f"{self} got a single number; it takes neurons on the last axis")
        return self.primitive(x, groups=self.groups(x.shape[-1]))

    def groups(self, n: int) -> tuple[int, ...]:
        """Return the size of each group of ``n`` neurons."""
        groups = (self.pieces,) * (n // self.pieces) if isinstance(self.pieces, int) else self.pieces
        if sum(groups) != n:
            expected = f"a multiple of {self.pieces}" if isinstance(self.pieces, int) else f"{sum(groups)}"
            raise ValueError(f"{self} got {n} neurons on the last axis; it must be {expected}")
        return groups

    def config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"pieces": self.pieces}

    def __repr__(self) -> str:
        return f"Maxout({self.pieces if isinstance(self.pieces, int) else list(self.pieces)})"


def finite(name: str, value: Any) -> float:
    """Return ``value`` as a finite float."""
    try:
        number = math.nan if isinstance(value, str) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{name} must be a finite number, such as 0.1, but got {reprlib.repr(value)}")
    return number
