from __future__ import annotations

import io
import sys
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from minigrad import Tensor, data, manual_seed, nn, optim
from minigrad.regularizers import L1, L2
from minigrad.training import Callback, DivergenceError, TrainingState, fit


def network(*widths: int, activation: Any = nn.Tanh, seed: int = 0, dtype: Any = np.float64) -> nn.Sequential:
    """Return Linear layers with an activation between them, all drawn from ``seed``."""
    rng = np.random.default_rng(seed)
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(widths):
        layers += [nn.Linear(n_in, n_out, dtype=dtype), activation()]
    net = nn.Sequential(*layers[:-1])
    for p in net.parameters():
        p.data[...] = rng.normal(size=p.shape) / 2
    return net


def problem(n: int = 23, classes: int = 3, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 4)), rng.integers(0, classes, n)


class Recorder(Callback):
    """Keeps the weights of every epoch."""

    def __init__(self) -> None:
        self.weights: list[dict[str, np.ndarray]] = []
        self.ends = 0

    def on_epoch_end(self, state: TrainingState) -> None:
        self.weights.append(state.net.state_dict())

    def on_end(self, state: TrainingState) -> None:
        self.ends += 1


def same(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


def run(net: nn.Module, train: Any, epochs: int = 3, lr: float = 0.1, **options: Any) -> Any:
    settings: dict[str, Any] = {
        "loss": nn.cross_entropy,
        "optimizer": optim.SGD(net.parameters(), lr),
        "epochs": epochs,
        "batch_size": 5,
        "progress": False,
    }
    return fit(net, train, **settings | options)


def test_every_epoch_meets_every_example_once_in_a_new_order() -> None:
    net, batches = network(1, 1), []

    def loss(output: Tensor, y: np.ndarray) -> Tensor:
        batches.append(y.ravel())
        return nn.mse_loss(output, y)

    y = np.arange(23.0)[:, None]
    run(net, (y / 23, y / 23), loss=loss, lr=1e-3)
    steps = batches[1:]  # the first call tries two examples before training
    assert [len(batch) for batch in steps] == [5, 5, 5, 5, 3] * 3
    epochs = [np.concatenate(steps[i : i + 5]) for i in (0, 5, 10)]
    for epoch in epochs:
        np.testing.assert_allclose(np.sort(epoch), np.arange(23) / 23)
    assert not np.array_equal(epochs[0], epochs[1])
    assert not np.array_equal(epochs[0], np.sort(epochs[0]))


def test_training_and_its_record_agree_with_torch_step_by_step() -> None:
    torch = pytest.importorskip("torch")
    net, (x, y), batches = network(4, 6, 3), problem(), []
    peer = torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.Tanh(), torch.nn.Linear(6, 3)).double()
    peer.load_state_dict({name: torch.tensor(array) for name, array in net.state_dict().items()})
    with nn.watch(lambda module, x, _: batches.append(x.data) if module is net and net.training else None):
        history = run(
            net,
            (x, y),
            epochs=2,
            optimizer=optim.Adam(net.parameters(), lr=0.01),
            validation=problem(11, seed=2),
            regularizers=[L2(0.1), L1(0.01)],
        )

    label = {row.tobytes(): number for row, number in zip(x, y, strict=True)}
    weights = [peer[0].weight, peer[2].weight]
    optimizer = torch.optim.Adam(peer.parameters(), lr=0.01)
    for epoch in range(2):
        losses, penalties, right, squares = [], [], 0, []
        for batch in batches[5 * epoch : 5 * epoch + 5]:
            target = torch.tensor([label[row.tobytes()] for row in batch])
            output = peer(torch.tensor(batch))
            loss = torch.nn.functional.cross_entropy(output, target)
            penalty = sum(0.05 * (w * w).sum() + 0.01 * w.abs().sum() for w in weights)
            optimizer.zero_grad()
            (loss + penalty).backward()
            squares.append([(w.grad**2).sum().item() for w in weights])
            optimizer.step()
            losses.append(loss.item() * len(batch))
            penalties.append(penalty.item())
            right += (output.argmax(dim=1) == target).sum().item()
        held_out = [torch.tensor(part) for part in problem(11, seed=2)]
        output = peer(held_out[0])
        expected = {
            "loss": sum(losses) / 23,
            "penalty": np.mean(penalties),
            "accuracy": right / 23,
            "validation_loss": torch.nn.functional.cross_entropy(output, held_out[1]).item(),
            "validation_accuracy": (output.argmax(dim=1) == held_out[1]).double().mean().item(),
        }
        for name, value in expected.items():
            assert getattr(history, name)[epoch] == pytest.approx(value, rel=1e-12), name
        for k, layer in enumerate(("0", "2")):
            assert history.gradient_norms[layer][epoch] == pytest.approx(np.sqrt(np.mean(squares, axis=0)[k]))
    for k, layer in enumerate(("0", "2")):
        assert history.weight_norms[layer][-1] == pytest.approx(weights[k].norm().item(), rel=1e-12)
    for name, tensor in peer.state_dict().items():
        np.testing.assert_allclose(net.state_dict()[name], tensor.numpy(), rtol=1e-12)


def test_the_seed_decides_everything_and_nothing_else_is_touched() -> None:
    nets = [network(4, 8, 3) for _ in range(3)]
    nets = [nn.Sequential(nn.Dropout(0.2), n[0], nn.Sequential(n[1], nn.Dropout(0.5)), n[2]) for n in nets]
    manual_seed(3)
    expected = nn.Linear(2, 2).weight.data
    manual_seed(3)
    state = repr(np.random.get_state())  # noqa: NPY002
    for net, seed in zip(nets, (0, 0, 1), strict=True):
        net[0].rng = own = np.random.default_rng(7)
        run(net, problem(), seed=seed)
        assert net[0].rng is own
        assert net[2][1].rng is None
        assert own.random() == np.random.default_rng(7).random()
    np.testing.assert_array_equal(nn.Linear(2, 2).weight.data, expected)
    assert repr(np.random.get_state()) == state  # noqa: NPY002
    first, again, other = (net.state_dict() for net in nets)
    assert same(first, again)
    assert not same(first, other)


def test_masks_differ_between_mini_batches_and_between_dropouts() -> None:
    net, stays = nn.Sequential(nn.Linear(4, 400), nn.Dropout(0.5), nn.Dropout(0.5)), []

    def look(module: nn.Module, x: Tensor, output: Tensor) -> None:
        if isinstance(module, nn.Dropout) and net.training:
            stays.append(output.data[0] != 0)

    with nn.watch(look):
        run(net, (np.ones((10, 4)), np.ones((10, 400))), loss=nn.mse_loss, lr=1e-3, epochs=1)
    first, of_those, second, _ = stays
    assert 0.4 < first.mean() < 0.6
    assert 0.2 < of_those.mean() < 0.3
    assert 0.4 < np.mean(first == second) < 0.6


def test_modes_are_as_before_whatever_happens() -> None:
    net = nn.Sequential(nn.Linear(4, 3), nn.Sequential(nn.Dropout(0.1)), nn.Dropout(0.1)).eval()
    net[2].train()
    before = [module.training for module in net.modules()]
    during = []

    def loss(output: Tensor, y: np.ndarray) -> Tensor:
        during.append(all(module.training for module in net.modules()))
        if len(during) > 12:
            raise RuntimeError("the user's own error")
        return nn.cross_entropy(output, y)

    run(net, problem(), loss=loss, epochs=2)
    assert during == [False] + [True] * 10  # the first call tries two examples
    assert [module.training for module in net.modules()] == before
    recorder = Recorder()
    with pytest.raises(RuntimeError, match="the user's own error"):
        run(net, problem(), loss=loss, epochs=2, callbacks=[recorder])
    assert [module.training for module in net.modules()] == before
    assert all(p.grad is None for p in net.parameters())
    assert recorder.ends == 1


def test_parameters_that_the_optimizer_lacks_stay_and_gather_no_gradients() -> None:
    net = network(4, 5, 3)
    before = net.state_dict()
    run(net, problem(), optimizer=optim.SGD(net[2].parameters(), 0.1))
    np.testing.assert_array_equal(net.state_dict()["0.weight"], before["0.weight"])
    assert not np.array_equal(net.state_dict()["2.weight"], before["2.weight"])
    history = run(net, problem(), optimizer=optim.SGD(net[2].parameters(), lr=0.0), batch_size=23)
    assert history.gradient_norms["0"] == pytest.approx([history.gradient_norms["0"][0]] * 3)


def test_training_runs_in_the_dtype_of_the_parameters() -> None:
    net, seen = network(4, 5, 1, dtype=np.float32), set()
    x, _ = problem()

    def loss(output: Tensor, y: np.ndarray) -> Tensor:
        seen.add((output.dtype, y.dtype) if output.requires_grad else output.dtype)
        return nn.mse_loss(output, y)

    history = run(net, (x, x[:, :1]), loss=loss, validation=(x, x[:, :1]))
    assert seen == {(np.dtype(np.float32), np.dtype(np.float32)), np.dtype(np.float32)}
    assert all(p.dtype == np.float32 for p in net.parameters())
    assert history.accuracy == history.validation_accuracy == []  # no classes, no accuracy
    assert len(history.validation_loss) == 3


@pytest.mark.parametrize("labels", [(0, 1), (-1, 1)])
def test_accuracy_of_one_logit(labels: tuple[int, int]) -> None:
    net, (x, y) = network(4, 1), problem(classes=2)
    y = np.array(labels)[y][:, None]
    loss = nn.hinge_loss if -1 in labels else nn.binary_cross_entropy_with_logits
    history = run(net, (x, y), loss=loss, lr=0.0, epochs=1, validation=(x, y))
    expected = np.mean(np.where(net(x).data > 0, labels[1], labels[0]) == y)
    assert history.accuracy == history.validation_accuracy == [pytest.approx(expected)]


def test_whole_numbers_that_are_no_classes_have_no_accuracy() -> None:
    net, (x, _) = network(4, 1), problem()
    history = run(net, (x, np.arange(23)[:, None]), loss=nn.mse_loss, lr=1e-4)
    assert history.accuracy == []
    assert history.loss[-1] < history.loss[0]


def test_it_learns_digits() -> None:
    manual_seed(0)
    train, _, test = data.digits()
    net = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    history = run(net, train, epochs=8, optimizer=optim.Adam(net.parameters(), 0.005), batch_size=32)
    assert np.mean(net(test.x).data.argmax(axis=1) == test.y) > 0.9
    assert history.accuracy[-1] > 0.95


def test_no_epoch_changes_nothing() -> None:
    net, recorder = network(4, 5, 3), Recorder()
    before = net.state_dict()
    history = run(net, problem(), epochs=0, callbacks=[recorder])
    assert same(net.state_dict(), before)
    assert history.epochs == history.loss == []
    assert history.layers == ["0", "2"]
    assert history.best_epoch is None
    assert recorder.ends == 1


def test_a_callback_stops_training() -> None:
    class Stop(Callback):
        def on_epoch_end(self, state: TrainingState) -> bool:
            return state.history.epochs[-1] == 2

    after = Recorder()
    history = run(network(4, 3), problem(), epochs=5, callbacks=[Stop(), after])
    assert history.epochs == [1, 2]
    assert history.stopped_early and history.restored_epoch is None
    assert len(after.weights) == 2
    assert not run(network(4, 3), problem(), epochs=2, callbacks=[Stop()]).stopped_early


def test_an_interruption_keeps_what_was_learned() -> None:
    net, calls, recorder = network(4, 5, 3), [], Recorder()

    def loss(output: Tensor, y: np.ndarray) -> Tensor:
        calls.append(net.state_dict())
        if len(calls) == 9:  # one try, then five batches an epoch: the third batch of the second epoch
            raise KeyboardInterrupt
        return nn.cross_entropy(output, y)

    history = run(net, problem(), loss=loss, callbacks=[recorder])
    assert history.interrupted
    assert history.epochs == [1]
    assert len(history.loss) == len(history.gradient_norms["0"]) == 1
    assert same(net.state_dict(), calls[-1])
    assert not same(net.state_dict(), recorder.weights[0])
    assert recorder.ends == 1


def test_divergence_goes_back_to_the_epoch_before() -> None:
    net, recorder, calls = network(4, 5, 3), Recorder(), []

    def loss(output: Tensor, y: np.ndarray) -> Tensor:
        calls.append(1)
        return nn.cross_entropy(output, y) * (np.nan if len(calls) == 9 else 1.0)

    with pytest.raises(
        DivergenceError, match=r"epoch 2: the loss became nan in batch 3 of 5.*than 0\.1"
    ) as caught:
        run(net, problem(), loss=loss, callbacks=[recorder])
    assert same(net.state_dict(), recorder.weights[0])
    assert caught.value.history.epochs == [1]
    assert recorder.ends == 1


def test_an_error_in_a_mini_batch_goes_back_to_the_epoch_before() -> None:
    net, recorder, calls = network(4, 5, 3), Recorder(), []

    def loss(output: Tensor, y: np.ndarray) -> Tensor:
        calls.append(1)
        if len(calls) == 9:
            raise ValueError("the user's own error")
        return nn.cross_entropy(output, y)

    with pytest.raises(ValueError, match="the user's own error"):
        run(net, problem(), loss=loss, callbacks=[recorder])
    assert same(net.state_dict(), recorder.weights[0])
    assert recorder.ends == 1


def test_more_labels_than_are_tried_at_once_are_all_tried() -> None:
    net, (x, y) = network(4, 1), problem(2500, classes=2)
    before, targets = net.state_dict(), 2 * y[:, None] - 1
    run(net, (x, targets), loss=nn.hinge_loss, epochs=1, batch_size=500, lr=0.0)
    targets[2400] = 5
    with pytest.raises(ValueError, match="but one is 5"):
        run(net, (x, targets), loss=nn.hinge_loss, epochs=1)
    assert same(net.state_dict(), before)


class Ending(Callback):
    """Writes down that it ends; fails where it is told to."""

    def __init__(self, name: str, log: list[str], fails: str = "") -> None:
        self.name, self.log, self.fails = name, log, fails

    def on_start(self, state: TrainingState) -> None:
        if self.fails == "start":
            raise RuntimeError(f"{self.name} can't start")

    def on_end(self, state: TrainingState) -> None:
        self.log.append(self.name)
        if self.fails == "end":
            raise RuntimeError(f"{self.name} can't end")


def test_every_callback_ends_though_another_fails() -> None:
    log: list[str] = []
    callbacks = [Ending("a", log), Ending("b", log, "end"), Ending("c", log)]
    with pytest.raises(RuntimeError, match="b can't end"):
        run(network(4, 3), problem(), epochs=1, callbacks=callbacks)
    assert log == ["a", "b", "c"]


def test_callbacks_that_have_started_end_though_a_later_one_can_not_start() -> None:
    log: list[str] = []
    net = network(4, 3)
    before = net.state_dict()
    callbacks = [Ending("a", log), Ending("b", log, "start"), Ending("c", log)]
    with pytest.raises(RuntimeError, match="b can't start"):
        run(net, problem(), epochs=1, callbacks=callbacks)
    assert log == ["a"]
    assert same(net.state_dict(), before)


@pytest.mark.parametrize("batch_size", [5, 23])
def test_a_learning_rate_that_is_far_too_large(batch_size: int) -> None:
    net = network(4, 5, 3, dtype=np.float32)
    before = net.state_dict()
    with pytest.raises(DivergenceError, match=r"epoch 1: (the loss|parameters) became"):
        run(net, problem(), lr=1e39, batch_size=batch_size)
    assert same(net.state_dict(), before)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_progress_bar_is_for_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, log = Terminal(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", terminal)
    run(network(4, 3), problem(), epochs=2, progress=True)
    assert "/10" in terminal.getvalue()
    assert terminal.getvalue().endswith("\r")  # it has gone
    written = len(terminal.getvalue())
    run(network(4, 3), problem(), epochs=2, progress=False)
    assert len(terminal.getvalue()) == written
    monkeypatch.setattr(sys, "stderr", log)
    run(network(4, 3), problem(), epochs=2, progress=True)
    assert log.getvalue() == ""
