"""Optimizers with a learning rate of its own for each parameter."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np

from .optimizer import Optimizer, subtracting
from .state import Array

Form = Literal["torch", "lecture"]


@dataclass(eq=False)
class Adagrad(Optimizer):
    """
    A learning rate for each parameter, small where it was steep: θ ← θ − η g / (√Σg² + ε).

    Duchi, Hazan and Singer, JMLR 12 (2011).

    Parameters
    ----------
    params, lr
        As for every :class:`Optimizer`.
    eps : float
        ε ≥ 0 of torch's form.
    form : {"torch", "lecture"}
        The lecture has no ε; there 0/0 is no step.
    """

    memory = ("sum",)
    lr: float = 1e-2
    eps: float = 1e-10
    form: Form = "torch"

    @subtracting
    def update(self, data: Array, grad: Array, work: Array, step: int, *memory: Array) -> None:
        """Add g² to the sum and descend."""
        (total,) = memory
        total += np.multiply(grad, grad, out=work)
        eps = 0.0 if self.form == "lecture" else self.eps
        _descend(data, self.lr, grad, np.sqrt(total, out=work), eps)


@dataclass(eq=False)
class RMSProp(Optimizer):
    """
    A learning rate for each parameter that forgets: σ² ← ασ² + (1 − α)g², θ ← θ − η g / (σ + ε).

    Parameters
    ----------
    params, lr
        As for every :class:`Optimizer`.
    alpha : float
        α in [0, 1), the share of the past.
    eps : float
        ε ≥ 0 of torch's form.
    form : {"torch", "lecture"}
        torch starts at σ = 0, so that with α = 0.99 the first step is 10η long. The lecture starts at
        σ⁰ = g⁰, so that it is η, and has no ε; there 0/0 is no step.

    Examples
    --------
    >>> import numpy as np, minigrad as mg
    >>> for form in ("torch", "lecture"):
    ...     w = mg.tensor(0.0, requires_grad=True)
    ...     w.grad = np.array(-3.0)
    ...     mg.optim.RMSProp([w], lr=0.01, form=form).step()
    ...     print(f"{w.item():.4f}")
    0.1000
    0.0100
    """

    memory = ("square",)
    lr: float = 1e-2
    alpha: float = 0.99
    eps: float = 1e-8
    form: Form = "torch"

    @subtracting
    def update(self, data: Array, grad: Array, work: Array, step: int, *memory: Array) -> None:
        """Average g² and descend."""
        (square,) = memory
        lecture = self.form == "lecture"
        share = 0.0 if lecture and step == 1 else self.alpha
        _average(square, share, np.multiply(grad, grad, out=work), work)
        _descend(data, self.lr, grad, np.sqrt(square, out=work), 0.0 if lecture else self.eps)


@dataclass(eq=False)
class Adam(Optimizer):
    """
    RMSProp with momentum, both corrected for their start at 0: θ ← θ − η m̂ / (√v̂ + ε).

    m ← β₁m + (1 − β₁)g, v ← β₂v + (1 − β₂)g², m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ).
    Kingma and Ba, arXiv:1412.6980. Remembered are the sums m / (1 − β₁) and v / (1 − β₂).

    Parameters
    ----------
    params, lr
        As for every :class:`Optimizer`.
    betas : (float, float)
        β₁ and β₂ in [0, 1).
    eps : float
        ε ≥ 0; at 0, 0/0 is no step.
    """

    memory = ("sum", "square_sum")
    lr: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8

    @subtracting
    def update(self, data: Array, grad: Array, work: Array, step: int, *memory: Array) -> None:
        """Add up g and g², make averages of both, and descend."""
        total, squares = memory
        beta1, beta2 = self.betas
        total *= beta1
        total += grad
        squares *= beta2
        squares += np.multiply(grad, grad, out=work)
        # A sum of 1, β, β² … βᵗ⁻¹ makes it an average. They are numbers: in the rate and ε they cost nothing.
        weight, root = _geometric(beta1, step), _geometric(beta2, step) ** 0.5
        _descend(data, self.lr * root / weight, total, np.sqrt(squares, out=work), self.eps * root)


@dataclass(eq=False)
class AdamW(Adam):
    """
    Adam with decoupled weight decay: θ ← (1 − ηλ)θ, then Adam's step.

    Unlike with SGD, this is not an L2 term of the loss, whose gradient Adam would divide by √v̂.
    Loshchilov and Hutter, arXiv:1711.05101.

    Parameters
    ----------
    params, lr, betas, eps
        As for :class:`Adam`.
    weight_decay : float
        λ ≥ 0; it applies to every parameter given, biases too.
    """

    weight_decay: float = 1e-2

    def update(self, data: Array, grad: Array, work: Array, step: int, *memory: Array) -> None:
        """Shrink the parameter, then take Adam's step."""
        data *= 1 - self.lr * self.weight_decay
        super().update(data, grad, work, step, *memory)


def _geometric(ratio: float, count: int) -> float:
    """Return 1 + ratio + … + ratioᶜᵒᵘⁿᵗ⁻¹."""
    return (1 - ratio**count) / (1 - ratio)


def _average(average: Array, share: float, value: Array, work: Array) -> None:
    """Let ``average`` keep its share and take the rest from ``value``, which may be ``work`` itself."""
    np.multiply(value, 1 - share, out=work)
    average *= share
    average += work


def _descend(data: Array, rate: float, direction: Array, root: Array, eps: float) -> None:
    """``data -= rate * direction / (root + eps)``, where 0/0 is no step; ``root`` is used up."""
    if eps > _least(root.dtype):  # not so 1e-8 in float16
        root += eps
        np.divide(direction, root, out=root)
    else:
        np.divide(direction, root, out=root, where=root != 0)
    root *= rate
    data -= root


@cache
def _least(dtype: np.dtype[Any]) -> float:
    """Return the number up to which everything is rounded to 0."""
    return float(np.nextafter(dtype.type(0), dtype.type(1))) / 2
