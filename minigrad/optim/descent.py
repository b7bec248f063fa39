"""Descent along the gradient, plain and with momentum."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .optimizer import REQUIRED, Optimizer
from .state import Array

if TYPE_CHECKING:
    from ..tensor import Tensor


@dataclass(eq=False)
class SGD(Optimizer):
    """
    Stochastic gradient descent in torch's form: v ← μv + g, θ ← θ − ηv.

    Parameters
    ----------
    params, lr
        As for every :class:`Optimizer`.
    momentum : float
        μ ≥ 0; at 0 the step is θ ← θ − ηg.
    nesterov : bool
        Step along g + μv instead of v.
    weight_decay : float
        λ ≥ 0; adds λθ to the gradient.

    Examples
    --------
    >>> import minigrad as mg
    >>> w = mg.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = mg.optim.SGD([w], lr=0.25)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w.data
    array([ 0.5, -1. ])
    """

    lr: float = REQUIRED
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0

    def __post_init__(self, params: Iterable[Tensor]) -> None:
        super().__post_init__(params)
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov looks ahead along the momentum: give momentum > 0, such as 0.9")

    @property
    def memory(self) -> tuple[str, ...]:
        """The velocity, where there is momentum."""
        return ("velocity",) if self.momentum else ()

    def update(self, data: Array, grad: Array, work: Array, step: int, *memory: Array) -> None:
        """θ ← θ − η(g + λθ), or along the velocity of these gradients."""
        if self.weight_decay:
            np.multiply(data, self.weight_decay, out=work)
            grad = np.add(work, grad, out=work)
        if memory:
            (velocity,) = memory
            velocity *= self.momentum
            velocity += grad
            if self.nesterov:
                data -= np.multiply(grad, self.lr, out=work)
                grad = np.multiply(velocity, self.momentum, out=work)
            else:
                grad = velocity
        data -= np.multiply(grad, self.lr, out=work)


@dataclass(eq=False)
class Momentum(Optimizer):
    """
    Momentum as the lecture writes it: v ← λv − ηg, θ ← θ + v, with v⁰ = 0.

    The learning rate is inside the velocity: with a constant lr it takes the steps of
    ``SGD(momentum=λ)``; once lr changes, the two differ.

    Parameters
    ----------
    params, lr
        As for every :class:`Optimizer`.
    momentum : float
        λ ≥ 0; under a constant gradient the speed tends to ηg / (1 − λ).
    """

    memory = ("velocity",)
    lr: float = REQUIRED
    momentum: float = 0.9

    def update(self, data: Array, grad: Array, work: Array, step: int, *memory: Array) -> None:
        """Carry the velocity on, less ηg, and move by it."""
        (velocity,) = memory
        velocity *= self.momentum
        velocity -= np.multiply(grad, self.lr, out=work)
        data += velocity
