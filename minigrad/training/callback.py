"""What happens between epochs: the protocol that callbacks follow."""

from __future__ import annotations

from dataclasses import dataclass

from ..nn import Module
from ..optim import Optimizer
from .history import History


@dataclass(frozen=True)
class TrainingState:
    """
    What a callback sees of the training that it runs in.

    Attributes
    ----------
    net : Module
        The network; between epochs it is in training mode.
    optimizer : Optimizer
        Its lr may be set.
    history : History
        Everything up to the epoch that has just ended.
    has_validation : bool
        Whether there are validation data.
    """

    net: Module
    optimizer: Optimizer
    history: History
    has_validation: bool


class Callback:
    """
    Base of the callbacks: three moments of training, at which nothing happens.

    Examples
    --------
    >>> class HalveTheRate(Callback):
    ...     def on_epoch_end(self, state):
    ...         state.optimizer.lr /= 2
    """

    def on_start(self, state: TrainingState) -> None:
        """Run before anything is changed; an error here leaves everything as it was."""

    def on_epoch_end(self, state: TrainingState) -> bool | None:
        """Run after each epoch; return True to stop training."""

    def on_end(self, state: TrainingState) -> None:
        """Run at the end if on_start has run, also after an interruption or an error."""
