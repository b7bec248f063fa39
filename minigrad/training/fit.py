"""The training loop."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from ..nn import Module, Parameter
from ..optim import Optimizer
from ..regularizers import weights
from ..tensor import Array, Tensor
from .callback import Callback, TrainingState
from .history import History
from .inputs import check_examples, check_parts, whole_number
from .measure import Examples, Loss, activity, evaluate, squared_norm
from .modes import training

Pair: TypeAlias = tuple[ArrayLike, ArrayLike]

WATCHED = 500
"""How many training inputs the activity of neurons is measured on."""


class DivergenceError(FloatingPointError):
    """
    Training ran into numbers that are not finite.

    Attributes
    ----------
    history : History
        Of the epochs before.
    """

    def __init__(self, message: str, history: History) -> None:
        super().__init__(message)
        self.history = history


def fit(
    net: Module,
    train: Pair,
    *,
    loss: Loss,
    optimizer: Optimizer,
    epochs: int,
    batch_size: int,
    validation: Pair | None = None,
    regularizers: Sequence[Callable[[Module], Tensor]] = (),
    callbacks: Sequence[Callback] = (),
    seed: int = 0,
    progress: bool = True,
    compile: bool | str = False,
) -> History:
    """
    Train a network by mini-batches, and record what happened.

    The same seed gives the same run, bit for bit: the order of the examples, drawn anew in every epoch,
    and all dropout masks follow from it. The global random state is left alone.

    Parameters
    ----------
    net : Module
        Changed in place; its modes (training or evaluation) are as before in the end.
    train : (x, y)
        Inputs and labels, as arrays with one example a row. Floats are converted to the dtype of the
        parameters.
    loss : callable
        ``loss(output, y)`` for a mini-batch: a Tensor of shape (), its average over the examples.
    optimizer : Optimizer
        Made with the parameters of ``net``.
    epochs : int
        How often to go through the data; 0 does nothing.
    batch_size : int
        Examples in a mini-batch, at least 1; the last of an epoch may be smaller.
    validation : (x, y), optional
        What to measure after every epoch.
    regularizers : sequence of callables
        Each gives a term of the loss, as :class:`minigrad.L2` does.
    callbacks : sequence of Callback
        Such as :class:`minigrad.EarlyStopping`.
    seed : int
        Of the order and the masks.
    progress : bool
        Whether to show a bar; only a terminal gets one, a notebook or a log file stays clean.
    compile : bool or str
        Whether to replay the step of a mini-batch with :func:`minigrad.compile`, perhaps with the back end of
        that name: the same results, bit for bit with ``"numpy"``, sooner the more often the step is taken.
        The loss, the regularizers and the layers are then asked in the first steps alone, so whatever else
        they do (print, count) ends with those.

    Returns
    -------
    History
        Loss and accuracy, and per layer the norms of weights and gradients and what neurons do. Ctrl-C
        ends training, not the program: what was learned is kept, and the History says ``interrupted``.

    Raises
    ------
    TypeError, ValueError
        If something does not fit, such as shapes, labels out of range, nan in the data; nothing is
        changed then. Whatever else a mini-batch raises passes through, and the parameters are those of the
        end of the epoch before.
    DivergenceError
        If the loss or the parameters become nan or infinite; the parameters are then those of the end of
        the epoch before, and the error has the History.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.manual_seed(0)
    >>> train, validation, test = mg.data.moons()
    >>> net = mg.nn.Sequential(mg.nn.Linear(2, 16), mg.nn.ReLU(), mg.nn.Linear(16, 2))
    >>> history = mg.fit(
    ...     net, train, validation=validation, loss=mg.nn.cross_entropy,
    ...     optimizer=mg.optim.Adam(net.parameters(), lr=0.02), epochs=20, batch_size=32, progress=False,
    ... )
    >>> history.validation_accuracy[-1] > 0.95
    True
    """
    epochs, batch_size = whole_number("epochs", epochs, 0), whole_number("batch_size", batch_size, 1)
    order_seed, sample_seed, mask_seed = np.random.SeedSequence(whole_number("seed", seed, 0)).spawn(3)
    check_parts(net, loss, optimizer, regularizers, callbacks)
    examples = check_examples("train", train, net, loss)
    held_out = None if validation is None else check_examples("validation", validation, net, loss)
    history = History(gradient_norms={layer: [] for layer in _layers(net)})
    state = TrainingState(net, optimizer, history, has_validation=held_out is not None)
    count = len(examples.x)
    order = np.random.default_rng(order_seed)
    watched = examples.x[np.random.default_rng(sample_seed).permutation(count)[:WATCHED]]
    run = _Run(net, examples, loss, optimizer, batch_size, regularizers, compile)
    with _told(callbacks, state):
        bar = _bar(progress, epochs * run.batches)
        try:
            with training(net, mask_seed), np.errstate(all="ignore"):  # _Run looks for what is not finite
                for epoch in range(1, epochs + 1):
                    bar.set_description(f"epoch {epoch}/{epochs}", refresh=False)
                    measured = run.whole_epoch(order.permutation(count), bar.update, history)
                    if held_out is not None:
                        measured |= evaluate(net, held_out, loss)
                    history.record(**measured, **activity(net, watched))
                    bar.set_postfix_str(_latest(history), refresh=False)
                    wishes = [callback.on_epoch_end(state) for callback in callbacks]
                    if any(wishes) and epoch < epochs:
                        history.stopped_early = True
                        break
        except KeyboardInterrupt:
            history.interrupted = True
        finally:
            bar.close()
            run.clear()
    return history


@contextmanager
def _told(callbacks: Sequence[Callback], state: TrainingState) -> Iterator[None]:
    """Context between start and end: every callback that has started ends, whatever the others do."""
    started: list[Callback] = []
    try:
        for callback in callbacks:
            callback.on_start(state)
            started.append(callback)
        yield
    finally:
        with ExitStack() as endings:
            for callback in reversed(started):  # which a stack turns round again
                endings.callback(callback.on_end, state)


@dataclass
class _Run:
    """The parts of a training, and what is worked out once for all its mini-batches."""

    net: Module
    examples: Examples
    loss: Loss
    optimizer: Optimizer
    batch_size: int
    regularizers: Sequence[Callable[[Module], Tensor]]
    compiled: bool | str

    def __post_init__(self) -> None:
        self.take = self.step
        if self.compiled:
            from ..compilation import compile

            self.take = compile(self.step, backend=None if self.compiled is True else self.compiled)
        self.batches = math.ceil(len(self.examples.x) / self.batch_size)
        self.layers = _layers(self.net)
        both = (*self.net.parameters(), *self.optimizer.parameters)
        self.parameters = list({id(parameter): parameter for parameter in both}.values())

    def whole_epoch(self, order: Array, advance: Callable[[], Any], history: History) -> dict[str, Any]:
        """Run an epoch; if it fails, or numbers stop being finite, go back to its beginning and say so."""
        epoch, before = len(history.epochs) + 1, self.net.state_dict()
        try:
            return self.epoch(order, advance)
        except FloatingPointError as error:
            self.net.load_state_dict(before)
            raise DivergenceError(
                f"epoch {epoch}: {error}. The parameters are back where epoch {epoch} began. "
                f"Try a smaller learning rate than {self.optimizer.lr:g}, with a new optimizer",
                history,
            ) from None
        except Exception:
            self.net.load_state_dict(before)
            raise

    def epoch(self, order: Array, advance: Callable[[], Any]) -> dict[str, Any]:
        """Take a step for every mini-batch, and return what was measured on the way."""
        x, y, hits = self.examples
        total, penalty, right = 0.0, 0.0, 0
        squares = dict.fromkeys(self.layers, 0.0)
        for batch, start in enumerate(range(0, len(order), self.batch_size), start=1):
            rows = order[start : start + self.batch_size]
            labels = y[rows]
            try:
                output, value, terms = self.take(x[rows], labels)
            except FloatingPointError as error:
                raise FloatingPointError(f"{error} in batch {batch} of {self.batches}") from None
            total += value.item() * len(rows)
            penalty += sum(term.item() for term in terms)
            right += hits(output.data, labels) if hits else 0
            for layer, weight in self.layers.items():
                squares[layer] += 0.0 if weight.grad is None else squared_norm(weight.grad)
            advance()
        if not all(np.isfinite(p.data).all() for p in self.parameters):
            raise FloatingPointError(f"parameters became nan or infinite in batch {self.batches}")
        return {
            "loss": total / len(x),
            "accuracy": right / y.size if hits else None,
            "penalty": penalty / self.batches,
            "gradient_norms": {layer: math.sqrt(s / self.batches) for layer, s in squares.items()},
            "weight_norms": {layer: math.sqrt(squared_norm(w.data)) for layer, w in self.layers.items()},
        }

    def step(self, x: Array, y: Array) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Take the step of one mini-batch, and return output, loss and the terms of the regularizers."""
        output = self.net(x)
        value = self.loss(output, y)
        terms = [regularizer(self.net) for regularizer in self.regularizers]
        objective = sum(terms, start=value)
        if not np.isfinite(objective.data):
            raise FloatingPointError(f"the loss became {objective.item()}")
        self.clear()
        objective.backward()
        self.optimizer.step()
        return output, value, terms

    def clear(self) -> None:
        """Forget the gradients, also of parameters that the optimizer does not have."""
        for parameter in self.parameters:
            parameter.grad = None


def _layers(net: Module) -> dict[str, Parameter]:
    """Return the weights of ``net`` by layer, from input to output; a layer alone goes by its type."""
    return {name.rpartition(".")[0] or type(net).__name__: weight for name, weight in weights(net)}


def _bar(show: bool, total: int) -> Any:
    """Return a progress bar, which hides itself where there is no terminal."""
    from tqdm import tqdm

    return tqdm(total=total, unit="batch", leave=False, disable=None if show else True)


def _latest(history: History) -> str:
    """Return the last epoch's figures for the progress bar."""
    names = ("loss", "validation_loss", "validation_accuracy")
    shown = {name: getattr(history, name) for name in names}
    return ", ".join(f"{name.replace('_', ' ')} {values[-1]:.4f}" for name, values in shown.items() if values)
