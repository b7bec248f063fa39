from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad import Tensor, nn, optim
from minigrad.training import Callback, DivergenceError, EarlyStopping, History, TrainingState, fit

RNG = np.random.default_rng(0)
TRAIN = RNG.normal(size=(20, 3)), RNG.integers(0, 2, 20)
VALIDATION = RNG.normal(size=(20, 3)), RNG.integers(0, 2, 20)
LOSSES = st.lists(st.sampled_from([0.5, 0.6, 0.7, 0.8, 1.0, math.nan, math.inf]), max_size=12)


def drive(stopping: EarlyStopping, losses: list[float]) -> tuple[int, float]:
    """Feed a stopping rule with losses; return how many it saw and the weight that it left."""
    net = nn.Linear(1, 1)
    history = History()
    state = TrainingState(net, optim.SGD(net.parameters(), 0.1), history, has_validation=True)
    net.weight.data[...] = 0
    stopping.on_start(state)
    for epoch, loss in enumerate(losses, start=1):
        net.weight.data[...] = epoch
        history.record(validation_loss=loss)
        if stopping.on_epoch_end(state):
            break
    stopping.on_end(state)
    return len(history.epochs), net.weight.item()


@given(LOSSES, st.integers(1, 4), st.sampled_from([0.0, 0.15]))
def test_when_it_stops_and_what_it_restores(losses: list[float], patience: int, min_delta: float) -> None:
    seen, weight = drive(EarlyStopping(patience, min_delta), losses)

    improvements, to_beat = [0], math.inf
    for epoch, loss in enumerate(losses, start=1):
        if loss < to_beat - min_delta:
            to_beat = loss
            improvements.append(epoch)
    stops = [
        epoch
        for epoch in range(1, len(losses) + 1)
        if epoch - max(earlier for earlier in improvements if earlier <= epoch) >= patience
    ]
    assert seen == (stops[0] if stops else len(losses))
    finite = [(loss, epoch) for epoch, loss in enumerate(losses[:seen], start=1) if loss < math.inf]
    assert weight == (min(finite)[1] if finite else seen)


def test_a_second_training_begins_afresh() -> None:
    stopping = EarlyStopping(patience=2)
    assert drive(stopping, [0.1, 0.2, 0.3]) == (3, 1.0)
    assert drive(stopping, [0.9, 0.8, 0.7]) == (3, 3.0)
    assert drive(stopping, []) == (0, 0.0)


class Watch(Callback):
    """Keeps every epoch's weights, and may end the training."""

    def __init__(self, ending: BaseException | None = None) -> None:
        self.weights: list[Any] = []
        self.ending = ending

    def on_epoch_end(self, state: TrainingState) -> None:
        self.weights.append(state.net.state_dict())
        if self.ending is not None and len(self.weights) == 30:
            raise self.ending


@pytest.mark.parametrize("ending", ["last epoch", "patience", "Ctrl-C", "divergence", "an error"])
def test_the_best_weights_are_restored_however_training_ends(ending: str) -> None:
    net = nn.Sequential(nn.Linear(3, 20, dtype=float), nn.Tanh(), nn.Linear(20, 2, dtype=float))
    stopping = EarlyStopping(patience=3 if ending == "patience" else 1000)
    watch = Watch({"Ctrl-C": KeyboardInterrupt(), "an error": RuntimeError("mine")}.get(ending))

    def loss(output: Tensor, y: Any) -> Tensor:
        spoilt = ending == "divergence" and len(watch.weights) == 30
        return nn.cross_entropy(output, y) * (math.nan if spoilt else 1.0)

    history = None
    try:
        history = fit(
            net,
            TRAIN,
            validation=VALIDATION,
            loss=loss,
            optimizer=optim.Adam(net.parameters(), 0.02),
            epochs=40,
            batch_size=10,
            callbacks=[stopping, watch],
            progress=False,
        )
    except DivergenceError as error:
        history = error.history
    except RuntimeError:
        assert ending == "an error"

    judged = []
    for weights in watch.weights:
        other = nn.Sequential(nn.Linear(3, 20, dtype=float), nn.Tanh(), nn.Linear(20, 2, dtype=float))
        other.load_state_dict(weights)
        judged.append(nn.cross_entropy(other(VALIDATION[0]), VALIDATION[1]).item())
    best = int(np.argmin(judged))
    assert best < len(judged) - 1  # otherwise there is nothing to restore
    for name, array in net.state_dict().items():
        np.testing.assert_array_equal(array, watch.weights[best][name])
    if history is not None:
        np.testing.assert_allclose(history.validation_loss, judged, rtol=1e-12)
        assert history.best_epoch == history.restored_epoch == best + 1
        assert history.stopped_early == (ending == "patience")
        assert history.interrupted == (ending == "Ctrl-C")
        assert ending != "patience" or len(history.epochs) == best + 1 + 3


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"patience": 0}, ValueError, "patience must be a whole number of epochs, at least 1, got 0"),
        ({"patience": True}, ValueError, "patience must be a whole number"),
        ({"patience": 2.5}, ValueError, "patience must be a whole number"),
        ({"min_delta": -1}, ValueError, "min_delta must be at least 0"),
        ({"min_delta": math.nan}, ValueError, "min_delta must be at least 0"),
    ],
)
def test_bad_options(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        EarlyStopping(**options)


def test_numpys_whole_numbers_will_do() -> None:
    assert EarlyStopping(np.int64(3)).patience == 3
