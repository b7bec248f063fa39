"""Training with a compiled step is training: the same History and weights, bit for bit."""

from __future__ import annotations

import signal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad import CaptureWarning, EarlyStopping, Tensor, manual_seed, nn, optim
from minigrad.regularizers import L1, L2
from minigrad.training import Callback, DivergenceError, History, TrainingState, fit

OPTIMIZERS: dict[str, Any] = {
    "sgd": lambda p: optim.SGD(p, 0.01, momentum=0.9, nesterov=True, weight_decay=1e-3),
    "momentum": lambda p: optim.Momentum(p, 0.01),
    "adagrad": lambda p: optim.Adagrad(p, 0.05),
    "rmsprop": lambda p: optim.RMSProp(p, 0.01),
    "adam": lambda p: optim.Adam(p, 0.01),
    "adamw": lambda p: optim.AdamW(p, 0.01),
}
ACTIVATIONS: dict[str, Any] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "prelu": nn.PReLU,
    "maxout": lambda: nn.Maxout(2),
}


def network(activation: Any = nn.Tanh, dropout: float = 0.0, dtype: Any = np.float64) -> nn.Sequential:
    manual_seed(0)
    width = 4 if isinstance(activation(), nn.Maxout) else 8
    hidden: list[nn.Module] = [nn.Linear(4, 8, dtype=dtype), activation()]
    hidden += [nn.Dropout(dropout)] if dropout else []
    return nn.Sequential(*hidden, nn.Linear(width, 3, dtype=dtype))


def problem(n: int = 23, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 4)), rng.integers(0, 3, n)


def run(net: nn.Module, compiled: bool | str, **options: Any) -> History:
    settings: dict[str, Any] = {
        "loss": nn.cross_entropy,
        "optimizer": optim.SGD(net.parameters(), 0.1),
        "epochs": 4,
        "batch_size": 5,
        "validation": problem(11, seed=2),
        "progress": False,
    }
    return fit(net, problem(), compile=compiled, **settings | options)


def assert_same(net: nn.Module, other: nn.Module) -> None:
    state = other.state_dict()
    for name, array in net.state_dict().items():
        np.testing.assert_array_equal(array, state[name], err_msg=name)


class Calls:
    """A loss that counts how often Python ran it, and does something at one of the calls."""

    def __init__(self, at: int = -1, deed: Any = None) -> None:
        self.count, self.at, self.deed = 0, at, deed

    def __call__(self, output: Tensor, y: np.ndarray) -> Tensor:
        self.count += 1
        if self.count == self.at:
            self.deed()
        return nn.cross_entropy(output, y)


@pytest.mark.filterwarnings("error")
@given(
    optimizer=st.sampled_from(sorted(OPTIMIZERS)),
    activation=st.sampled_from(sorted(ACTIVATIONS)),
    dropout=st.sampled_from([0.0, 0.4]),
    regularizers=st.lists(st.sampled_from([L1(0.01), L2(0.1)]), max_size=2, unique=True),
    batch_size=st.sampled_from([5, 23, 100]),
    dtype=st.sampled_from([np.float32, np.float64]),
    seed=st.integers(0, 3),
)
def test_history_and_weights_are_the_same_bit_for_bit(
    optimizer: str, activation: str, dropout: float, dtype: Any, **options: Any
) -> None:
    nets = [network(ACTIVATIONS[activation], dropout, dtype) for _ in range(2)]
    eager, compiled = (
        run(net, way, optimizer=OPTIMIZERS[optimizer](net.parameters()), **options)
        for net, way in zip(nets, (False, "numpy"), strict=True)
    )
    assert compiled.to_dict() == eager.to_dict()
    assert_same(*nets)


def test_with_numba_they_are_the_same_to_rounding() -> None:
    pytest.importorskip("numba")
    nets = [network(nn.ReLU, 0.3), network(nn.ReLU, 0.3)]
    eager, compiled = (
        run(net, way, optimizer=optim.Adam(net.parameters(), 0.01), regularizers=[L2(0.1)])
        for net, way in zip(nets, (False, "numba"), strict=True)
    )
    for name in ("loss", "accuracy", "validation_loss", "penalty"):
        np.testing.assert_allclose(getattr(compiled, name), getattr(eager, name), rtol=1e-9, err_msg=name)
    state = nets[1].state_dict()
    for name, array in nets[0].state_dict().items():
        np.testing.assert_allclose(array, state[name], rtol=1e-8, atol=1e-12, err_msg=name)


def test_python_runs_the_loss_in_the_first_steps_alone() -> None:
    counts = []
    for compiled in (False, "numpy"):
        loss = Calls()
        run(network(), compiled, loss=loss, validation=None)
        counts.append(loss.count)
    tried, steps = 1, 4 * 5
    assert counts[0] == tried + steps
    assert counts[1] == tried + 2 * 2  # two calls are written down for a whole batch, two for the last one


def test_dropout_draws_new_masks_in_every_replay() -> None:
    gradients = []

    class Keep(Callback):
        def on_epoch_end(self, state: TrainingState) -> None:
            gradients.append(state.net[0].weight.grad.copy())

    net = nn.Sequential(nn.Linear(4, 50), nn.Dropout(0.5))
    fit(
        net,
        (np.ones((10, 4)), np.ones((10, 50))),
        loss=nn.mse_loss,
        optimizer=optim.SGD(net.parameters(), 0.0),
        epochs=5,
        batch_size=10,
        progress=False,
        callbacks=[Keep()],
        compile="numpy",
    )
    assert len({gradient.tobytes() for gradient in gradients}) == 5


def test_early_stopping_restores_the_same_weights() -> None:
    nets = [network(), network()]
    eager, compiled = (
        run(
            net,
            way,
            epochs=60,
            optimizer=optim.Adam(net.parameters(), 0.05),
            callbacks=[EarlyStopping(patience=3)],
        )
        for net, way in zip(nets, (False, "numpy"), strict=True)
    )
    assert compiled.stopped_early
    assert compiled.to_dict() == eager.to_dict()
    assert_same(*nets)


def test_a_callback_may_change_rate_and_weights_between_epochs() -> None:
    class Change(Callback):
        def on_epoch_end(self, state: TrainingState) -> None:
            state.optimizer.lr *= 0.5
            state.net[0].weight.data[0] = 0.0
            if len(state.history.epochs) == 4:
                state.net.load_state_dict(first)

    nets = [network(), network()]
    first = nets[0].state_dict()
    eager, compiled = (
        run(net, way, epochs=8, callbacks=[Change()]) for net, way in zip(nets, (False, "numpy"), strict=True)
    )
    assert compiled.to_dict() == eager.to_dict()
    assert_same(*nets)


def test_divergence_goes_back_to_the_epoch_before() -> None:
    nets, errors, history = [network(nn.ReLU), network(nn.ReLU)], [], []

    class Grow(Callback):
        def on_epoch_end(self, state: TrainingState) -> None:
            history.append(state.net.state_dict())
            if len(state.history.epochs) == 4:
                state.optimizer.lr = 1e200

    for net, way in zip(nets, (False, "numpy"), strict=True):
        with pytest.raises(DivergenceError, match=r"epoch 5: the loss became (nan|inf) in batch") as caught:
            run(net, way, epochs=6, callbacks=[Grow()])
        errors.append(caught.value)
    assert str(errors[0]) == str(errors[1])
    assert errors[0].history.to_dict() == errors[1].history.to_dict()
    assert_same(*nets)
    for name, array in nets[1].state_dict().items():
        np.testing.assert_array_equal(array, history[-1][name])


def test_ctrl_c_within_a_replay_keeps_what_was_learned() -> None:
    net, epochs = network(), []

    class Interrupt(Callback):
        def on_epoch_end(self, state: TrainingState) -> None:
            epochs.append(state.net.state_dict())
            if len(epochs) == 3:
                signal.setitimer(signal.ITIMER_REAL, 0.02)

    def press(*_: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, press)
    try:
        history = run(net, "numpy", epochs=10**6, callbacks=[Interrupt()])
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert history.interrupted
    assert len(history.epochs) >= 3
    assert all(np.isfinite(array).all() for array in net.state_dict().values())
    assert not np.array_equal(net[0].weight.data, epochs[2]["0.weight"])
    assert all(p.grad is None for p in net.parameters())
    again = run(net, "numpy", epochs=2)
    assert np.isfinite(again.loss).all()


def test_an_error_of_the_users_passes_and_nothing_is_left_behind() -> None:
    def fail() -> None:
        raise ValueError("the user's own error")

    net = network()
    before = net.state_dict()
    with pytest.raises(ValueError, match="the user's own error"):
        run(net, "numpy", loss=Calls(3, fail))
    for name, array in net.state_dict().items():
        np.testing.assert_array_equal(array, before[name])
    assert all(type(p.data) is np.ndarray and p.grad is None for p in net.parameters())


def test_what_cannot_be_captured_runs_as_it_is_after_one_warning() -> None:
    def loss(output: Tensor, y: np.ndarray) -> Tensor:
        return nn.cross_entropy(output, y) * float(output.data.mean() > 0)

    nets = [network(), network()]
    eager = run(nets[0], False, loss=loss)
    with pytest.warns(CaptureWarning, match="runs as it is") as caught:
        compiled = run(nets[1], "numpy", loss=loss)
    assert len(caught) <= 2  # one for whole batches, one for the last
    assert compiled.to_dict() == eager.to_dict()
    assert_same(*nets)


def test_the_back_end_is_chosen_by_name() -> None:
    histories = [run(network(), way).to_dict() for way in (False, "numpy")]
    assert histories[0] == histories[1]
    run(network(), True)
    with pytest.raises(ValueError, match="'numpy' or 'numba'"):
        run(network(), "fortran")


def test_the_network_is_as_free_as_before() -> None:
    nets = [network(dropout=0.5), network(dropout=0.5)]
    for net, way in zip(nets, (False, "numpy"), strict=True):
        net.eval()
        run(net, way)
        assert not any(module.training for module in net.modules())
    x, y = problem(7, seed=3)
    for net in nets:
        nn.cross_entropy(net(x), y).backward()
        optim.SGD(net.parameters(), 0.1).step()
    assert_same(*nets)
