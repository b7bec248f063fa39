"""Layers with weights, and the modules that put layers together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from ..random import uniform
from ..rules.gates import dropout
from ..rules.operands import numbers
from ..rules.products import linear
from ..tensor import Tensor
from . import init
from .module import Module, Parameter


class Linear(Module):
    """
    A layer of weighted sums: ``y = x @ weight.T + bias``.

    Parameters
    ----------
    n_in, n_out : int
        Length of the last axis before and after; 0 is allowed.
    bias : bool
        Whether a constant is added to each sum.
    dtype : dtype
        Of the parameters.

    Attributes
    ----------
    weight : Parameter, shape (n_out, n_in)
        Drawn as :func:`minigrad.nn.init.he_normal` does.
    bias : Parameter, shape (n_out,), or None
        Zero at first.

    Raises
    ------
    ValueError
        When called on data whose last axis is not ``n_in``.

    Examples
    --------
    >>> import numpy as np
    >>> from minigrad import nn
    >>> nn.Linear(64, 32)(np.ones((5, 64), dtype=np.float32)).shape
    (5, 32)
    """

    def __init__(self, n_in: int, n_out: int, bias: bool = True, *, dtype: DTypeLike = np.float32) -> None:
        for name, n in (("n_in", n_in), ("n_out", n_out)):
            if not isinstance(n, (int, np.integer)) or isinstance(n, bool) or n < 0:
                raise ValueError(f"Linear needs whole numbers of neurons, but got {name}={n!r}")
        self.n_in, self.n_out = int(n_in), int(n_out)
        self.weight = init.he_normal(Parameter(np.zeros((self.n_out, self.n_in), dtype=dtype)))
        self.bias = Parameter(np.zeros(self.n_out, dtype=dtype)) if bias else None

    @classmethod
    def of(cls, weight: ArrayLike, bias: ArrayLike | None = None) -> Linear:
        """
        Return the layer with these weights, drawing none.

        Parameters
        ----------
        weight : array_like, shape (n_out, n_in)
            Copied, with its dtype.
        bias : array_like, shape (n_out,), optional
            Copied; no bias by default.

        Examples
        --------
        >>> from minigrad import nn
        >>> nn.Linear.of([[1.0, 2.0]], [0.5])([1.0, 1.0]).data
        array([3.5])
        """
        for name, given in (("weight", weight), ("bias", bias)):
            kind = np.asarray(numbers(given)).dtype.kind
            if kind in "biu":
                raise TypeError(
                    f"Linear.of takes only floats, but its {name} has whole numbers: write 1.0 for 1"
                )
        layer = cls.__new__(cls)
        layer.weight = Parameter(weight)
        layer.bias = None if bias is None else Parameter(bias)
        if layer.weight.ndim != 2 or (layer.bias is not None and layer.bias.shape != layer.weight.shape[:1]):
            raise ValueError(
                f"Linear.of takes a weight (n_out, n_in) and a bias (n_out,), "
                f"but got {layer.weight.shape} and {None if layer.bias is None else layer.bias.shape}"
            )
        layer.n_out, layer.n_in = layer.weight.shape
        return layer

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x @ weight.T + bias``."""
        given = x.data
        if given.ndim == 0 or given.shape[-1] != self.n_in:
            raise ValueError(f"{self} got {x.shape}; its last axis must be {self.n_in}")
        if given.dtype.kind != "f":
            x = x.astype(self.weight.dtype)
        return linear(x, self.weight, 0.0 if self.bias is None else self.bias)

    def config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"n_in": self.n_in, "n_out": self.n_out, "bias": self.bias is not None}

    def __repr__(self) -> str:
        return f"Linear({self.n_in}, {self.n_out}{'' if self.bias is not None else ', bias=False'})"


class Dropout(Module):
    """
    In training, each neuron before it leaves with probability ``p``, drawn anew at every call.

    Parameters
    ----------
    p : float
        Probability of leaving, 0 ≤ p < 1.
    scaling : {"inverted", "weights"}
        ``inverted``: neurons that stay are divided by 1 − p in training, and nothing happens in evaluation.
        ``weights``: as in the lecture, nothing in training, and times 1 − p in evaluation. Both have the same
        expectation (Srivastava et al. 2014, §10).

    Attributes
    ----------
    rng : numpy.random.Generator or None
        Where masks are drawn from; None is minigrad's own generator.

    Examples
    --------
    >>> import numpy as np
    >>> from minigrad import nn
    >>> nn.Dropout(0.5, scaling="weights").eval()(np.array([2.0, 4.0])).data
    array([1., 2.])
    """

    def __init__(self, p: float, scaling: str = "inverted") -> None:
        if not isinstance(p, (int, float, np.number)) or not 0 <= p < 1:
            raise ValueError(f"Dropout drops with a probability 0 ≤ p < 1, but got p={p!r}")
        if scaling not in ("inverted", "weights"):
            raise ValueError(f'Dropout has scaling="inverted" or "weights", but got {scaling!r}')
        self.p = float(p)
        self.scaling = scaling
        self.rng: np.random.Generator | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Multiply by a mask in training, by what makes up for it in evaluation."""
        mask: Any
        if self.training:
            stays = uniform(self.rng, x.shape) >= self.p
            mask = stays.astype(x.dtype if x.dtype.kind == "f" else np.float32)
            if self.scaling == "inverted":
                mask /= 1 - self.p
        elif self.scaling == "weights":
            mask = 1 - self.p
        else:
            return x
        return dropout(x, mask)

    def config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"p": self.p, "scaling": self.scaling}

    def __repr__(self) -> str:
        return f"Dropout({self.p:g}{'' if self.scaling == 'inverted' else ', scaling=' + repr(self.scaling)})"


class Identity(Module):
    """
    Passes its input on.

    Examples
    --------
    >>> from minigrad import nn
    >>> nn.Identity()([1.0]).data
    array([1.])
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return x."""
        return x


class Sequential(Module):
    """
    Layers one after the other; indexing, slicing, ``len`` and iteration as for a list.

    Examples
    --------
    >>> from minigrad import nn
    >>> net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    >>> [name for name, _ in net.named_parameters()]
    ['0.weight', '0.bias', '2.weight', '2.bias']
    >>> net[:2]
    Sequential(Linear(2, 3), ReLU())
    """

    def __init__(self, *layers: Module) -> None:
        for k, layer in enumerate(layers):
            if not isinstance(layer, Module):
                hint = "; write *layers to pass a list" if isinstance(layer, (list, tuple)) else ""
                raise TypeError(
                    f"Sequential takes modules, but argument {k} is a {type(layer).__name__}{hint}"
                )
        self.layers = layers

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layers in order."""
        for layer in self.layers:
            x = layer(x)
        return x

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Iterate over the layers; their names are their positions."""
        return ((str(k), layer) for k, layer in enumerate(self.layers))

    def architecture(self) -> dict[str, Any]:
        """Return what a file needs to rebuild the module and its layers."""
        return super().architecture() | {"layers": [layer.architecture() for layer in self]}

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[Module]:
        return iter(self.layers)

    def __getitem__(self, index: int | slice) -> Any:
        """Return one layer, or a Sequential of several that shares their parameters."""
        if isinstance(index, slice):
            return type(self)(*self.layers[index])
        try:
            return self.layers[index]
        except IndexError:
            n = len(self)
            numbered = f"{n} layers, numbered 0 to {n - 1}" if n else "no layers"
            raise IndexError(f"this {type(self).__name__} has {numbered}; there is no {index}") from None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.layers))})"


class Residual(Sequential):
    """
    Layers whose result is added to their input: ``x + layers(x)`` (He et al. 2016, eq. 1).

    Examples
    --------
    >>> from minigrad import nn
    >>> nn.Residual(nn.Identity())([1.0, 2.0]).data
    array([2., 4.])
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return x + layers(x)."""
        change = super().forward(x)
        if change.shape != x.shape:
            raise ValueError(
                f"{self} adds its layers' {change.shape} to its input's {x.shape}; they must agree"
            )
        return x + change
