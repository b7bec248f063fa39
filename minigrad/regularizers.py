"""Regularizers: terms of the loss that keep the weights small."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

import numpy as np

from .nn import Module, Parameter
from .optim.optimizer import number_at_least_0
from .tensor import Tensor

__all__ = ["L1", "L2", "Regularizer", "weights"]


class Regularizer(ABC):
    """
    Base of the regularizers: called with a network, one returns its term of the loss.

    Parameters
    ----------
    lam : float
        λ ≥ 0, the strength.
    biases : bool
        Whether biases are kept small too.

    Raises
    ------
    TypeError
        If λ is no number; when called, if not with a Module.
    ValueError
        If λ is negative, infinite or nan; when called, if the network has no weights.
    """

    def __init__(self, lam: float, biases: bool = False) -> None:
        if isinstance(lam, Module):
            name = type(self).__name__
            raise TypeError(
                f"{name} takes its strength first, then the network: {name}(0.1)(net), not {name}(net)"
            )
        self.lam = number_at_least_0("lam", lam)
        self.biases = bool(biases)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.lam:g}{', biases=True' if self.biases else ''})"

    @abstractmethod
    def __call__(self, net: Module) -> Tensor:
        """Return the term for ``net``, a Tensor of shape (), to be differentiated with the loss."""

    def parameters(self, net: Module) -> list[Parameter]:
        """Return the parameters of ``net`` that the term is about."""
        if not isinstance(net, Module):
            raise TypeError(f"{self} takes the network, {self}(net), but got a {type(net).__name__}")
        found = [parameter for _, parameter in weights(net, self.biases)]
        if not found:
            own = ", ".join(name for name, _ in net.named_parameters())
            raise ValueError(
                f"{self} needs parameters named weight; this {type(net).__name__} has {own or 'none at all'}"
            )
        return found


class L2(Regularizer):
    """
    ½λ‖w‖²: with plain SGD, weight decay: w ← (1 − ηλ)w − η∂L/∂w.

    With an adaptive optimizer the two differ; :class:`minigrad.optim.AdamW` decays apart from the loss.

    Parameters
    ----------
    lam : float
        λ ≥ 0, the strength.
    biases : bool
        Whether biases are kept small too.

    Examples
    --------
    >>> import numpy as np, minigrad as mg
    >>> net = mg.nn.Linear(2, 1)
    >>> net.weight.data[...] = [3.0, -4.0]
    >>> penalty = mg.L2(0.1)(net)
    >>> penalty.backward()
    >>> round(penalty.item(), 4), net.weight.grad
    (1.25, array([[ 0.3, -0.4]], dtype=float32))
    """

    def __call__(self, net: Module) -> Tensor:
        """Return ½λ‖w‖²."""
        return _scaled(0.5 * self.lam, [np.sum(w * w) for w in self.parameters(net)])


class L1(Regularizer):
    """
    λ‖w‖₁: with plain SGD, a fixed step towards 0: w ← w − ηλ·sgn(w) − η∂L/∂w, where sgn(0) = 0.

    Near 0 such a weight goes back and forth within ηλ and is rarely exactly 0;
    :meth:`proximal_step` makes it so.

    Parameters
    ----------
    lam : float
        λ ≥ 0, the strength.
    biases : bool
        Whether biases are kept small too.

    Examples
    --------
    >>> import numpy as np, minigrad as mg
    >>> net = mg.nn.Linear(3, 1)
    >>> net.weight.data[...] = [3.0, -4.0, 0.0]
    >>> penalty = mg.L1(0.1)(net)
    >>> penalty.backward()
    >>> round(penalty.item(), 4), net.weight.grad
    (0.7, array([[ 0.1, -0.1,  0. ]], dtype=float32))
    """

    def __call__(self, net: Module) -> Tensor:
        """Return λ‖w‖₁."""
        return _scaled(self.lam, [np.sum(np.abs(w)) for w in self.parameters(net)])

    def proximal_step(self, net: Module, lr: float) -> None:
        """
        Move every weight by ηλ towards 0 and no further, in place: w ← sgn(w)·max(|w| − ηλ, 0).

        Taken after ``optimizer.step()`` on the loss alone, it is proximal gradient descent (ISTA), whose
        weights do become exactly 0.

        Parameters
        ----------
        net : Module
            Whose weights to move.
        lr : float
            η ≥ 0, the learning rate of the step before.

        Examples
        --------
        >>> import numpy as np, minigrad as mg
        >>> net = mg.nn.Linear(3, 1)
        >>> net.weight.data[...] = [3.0, -4.0, 0.05]
        >>> mg.L1(0.1).proximal_step(net, lr=1.0)
        >>> net.weight.data
        array([[ 2.9, -3.9,  0. ]], dtype=float32)
        """
        reach = number_at_least_0("lr", lr) * self.lam
        for parameter in self.parameters(net):
            parameter.data -= np.clip(parameter.data, -reach, reach)


def weights(net: Module, biases: bool = False) -> Iterator[tuple[str, Parameter]]:
    """
    Iterate over the weights of a network with their names: what its modules call ``weight``.

    Parameters
    ----------
    net : Module
        The network.
    biases : bool
        Whether to include what they call ``bias``.

    Examples
    --------
    >>> from minigrad import nn
    >>> [name for name, _ in weights(nn.Sequential(nn.Linear(2, 3), nn.PReLU(), nn.Linear(3, 1)))]
    ['0.weight', '2.weight']
    """
    wanted = ("weight", "bias") if biases else ("weight",)
    return ((name, p) for name, p in net.named_parameters() if name.rpartition(".")[2] in wanted)


def _scaled(factor: float, terms: list[Tensor]) -> Tensor:
    """Return ``factor`` times the sum of the terms."""
    result: Tensor = factor * sum(terms[1:], start=terms[0])
    return result
