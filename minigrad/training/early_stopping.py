"""Early stopping: the weights of the epoch whose validation loss was least."""

from __future__ import annotations

import math

import numpy as np

from ..optim.optimizer import number_at_least_0
from ..tensor import Array
from .callback import Callback, TrainingState


class EarlyStopping(Callback):
    """
    Stop when the validation loss no longer falls; the best weights are always restored.

    However training ends (stopped, after the last epoch, interrupted, diverged), the network has the
    weights of the epoch with the least validation loss.

    Parameters
    ----------
    patience : int
        Stop after this many epochs without improvement, at least 1.
    min_delta : float
        By how much the loss must fall to count as an improvement.

    Raises
    ------
    ValueError
        If an argument is out of range; when training starts, if it has no validation data.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.manual_seed(0)
    >>> train, validation, _ = mg.data.moons()
    >>> net = mg.nn.Sequential(mg.nn.Linear(2, 8), mg.nn.ReLU(), mg.nn.Linear(8, 2))
    >>> history = mg.fit(
    ...     net, train, validation=validation, loss=mg.nn.cross_entropy,
    ...     optimizer=mg.optim.Adam(net.parameters(), lr=0.1), epochs=50, batch_size=32,
    ...     callbacks=[mg.EarlyStopping(patience=3)], progress=False,
    ... )
    >>> history.stopped_early, history.epochs[-1] == history.best_epoch + 3
    (True, True)
    """

    def __init__(self, patience: int = 10, min_delta: float = 0.0) -> None:
        whole = isinstance(patience, (int, np.integer)) and not isinstance(patience, bool)
        if not whole or patience < 1:
            raise ValueError(f"patience must be a whole number of epochs, at least 1, got {patience!r}")
        self.patience = int(patience)
        self.min_delta = number_at_least_0("min_delta", min_delta)

    def on_start(self, state: TrainingState) -> None:
        """Begin afresh."""
        if not state.has_validation:
            raise ValueError("EarlyStopping watches the validation loss: give fit validation=(x, y)")
        self._weights: dict[str, Array] | None = None
        self._least = self._to_beat = math.inf
        self._waited = 0

    def on_epoch_end(self, state: TrainingState) -> bool:
        """Keep the weights if they are the best so far; stop if patience has run out."""
        loss = state.history.validation_loss[-1]
        if loss < self._least:
            self._least, self._weights = loss, state.net.state_dict()
            self._best = state.history.epochs[-1]
        if loss < self._to_beat - self.min_delta:
            self._to_beat, self._waited = loss, 0
        else:
            self._waited += 1
        return self._waited >= self.patience

    def on_end(self, state: TrainingState) -> None:
        """Restore the best weights, if an epoch was finished."""
        if self._weights is not None:
            state.net.load_state_dict(self._weights)
            state.history.restored_epoch = self._best
            self._weights = None
