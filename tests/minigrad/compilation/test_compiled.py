"""Training steps, eager and compiled: the same numbers, bit for bit, whatever happens between two calls."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim

from .helpers import assert_same, assert_same_run, copied, of_parameters

OPTIMIZERS: dict[str, Callable[[Any], Any]] = {
    "sgd": lambda p: optim.SGD(p, lr=0.1),
    "nesterov": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-3),
    "momentum": lambda p: optim.Momentum(p, lr=0.05),
    "adagrad": optim.Adagrad,
    "rmsprop": optim.RMSProp,
    "lecture": lambda p: optim.RMSProp(p, form="lecture"),
    "adam": optim.Adam,
    "adamw": lambda p: optim.AdamW(p, weight_decay=0.1),
}
rng = np.random.default_rng(0)
BATCHES = [(rng.standard_normal((5, 4)).astype(np.float32), rng.integers(0, 3, 5)) for _ in range(12)]


def network(dropout: float = 0.0, dtype: Any = np.float32) -> nn.Sequential:
    layers = [nn.Linear(4, 6, dtype=dtype), nn.ReLU(), nn.Linear(6, 5, dtype=dtype), nn.Tanh()]
    return nn.Sequential(*layers, *([nn.Dropout(dropout)] if dropout else []), nn.Linear(5, 3, dtype=dtype))


def training(optimizer: str = "sgd", dropout: float = 0.0, zero_grad: bool = True) -> Any:
    net = network(dropout)
    opt = OPTIMIZERS[optimizer](net.parameters())

    def step(x: Any, y: Any) -> Any:
        if zero_grad:
            opt.zero_grad()
        loss = nn.cross_entropy(net(x), y)
        loss.backward()
        opt.step()
        return loss

    step.net, step.opt = net, opt  # type: ignore[attr-defined]
    return step, of_parameters(net.parameters())


@pytest.mark.parametrize("dropout", [0.0, 0.4])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_optimizers(optimizer: str, dropout: float) -> None:
    assert_same_run(lambda: training(optimizer, dropout), BATCHES, replayed=9)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_schedule_set_from_outside(optimizer: str) -> None:
    def between(k: int, step: Any) -> None:
        step.opt.lr = 0.1 / (k + 1)
        if optimizer.startswith("adam"):
            step.opt.betas = (0.9 - 0.01 * k, 0.999)

    assert_same_run(lambda: training(optimizer), BATCHES, between, replayed=9)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_gradients_accumulate(optimizer: str) -> None:
    assert_same_run(lambda: training(optimizer, zero_grad=False), BATCHES)

    def between(k: int, step: Any) -> None:
        if k % 3 == 2:
            step.opt.zero_grad()

    assert_same_run(lambda: training(optimizer, zero_grad=False), BATCHES, between, replayed=5)


def test_gradients_alone() -> None:
    def make() -> Any:
        net = network()

        def step(x: Any, y: Any) -> Any:
            loss = nn.cross_entropy(net(x), y)
            loss.backward()
            return loss

        return step, of_parameters(net.parameters())

    assert_same_run(make, BATCHES)


def test_training_and_evaluation_in_turn() -> None:
    def between(k: int, step: Any) -> None:
        step.net.train(k % 2 == 0)

    assert_same_run(lambda: training("adam", 0.5), BATCHES, between, replayed=6)


def test_a_smaller_last_batch() -> None:
    batches = [(x[: 2 if k % 4 == 3 else 5], y[: 2 if k % 4 == 3 else 5]) for k, (x, y) in enumerate(BATCHES)]
    function = assert_same_run(lambda: training("adam"), batches, replayed=8)
    assert len(function.programs) == 2


def test_a_state_is_loaded_in_between() -> None:
    def between(k: int, step: Any) -> None:
        if k == 3:
            step.saved = step.net.state_dict(), step.opt.state_dict()
        if k == 6:
            step.net.load_state_dict(step.saved[0])
        if k == 9:
            step.opt.load_state_dict(step.saved[1])

    for optimizer in OPTIMIZERS:
        assert_same_run(lambda optimizer=optimizer: training(optimizer), BATCHES, between, replayed=4)


def test_data_is_replaced_and_put_back() -> None:
    def between(k: int, step: Any) -> None:
        if k == 5:
            step.before = [p.data for p in step.net.parameters()]
            for p in step.net.parameters():
                p.data = p.data * 0.5
        if k == 8:
            for p, data in zip(step.net.parameters(), step.before, strict=True):
                p.data = data

    for optimizer in OPTIMIZERS:
        assert_same_run(lambda optimizer=optimizer: training(optimizer), BATCHES, between, replayed=4)


def test_eager_steps_in_between() -> None:
    def between(k: int, step: Any) -> None:
        if k % 4 == 3:
            step(*BATCHES[k])

    for optimizer in OPTIMIZERS:
        assert_same_run(lambda optimizer=optimizer: training(optimizer, 0.3), BATCHES, between, replayed=9)


def test_a_gradient_is_set_from_outside() -> None:
    def between(k: int, step: Any) -> None:
        weight = step.net[0].weight
        if k % 3 == 1:
            weight.grad = np.full(weight.shape, k, np.float32)
        if k % 3 == 2 and weight.grad is not None:
            weight.grad[0] += 1

    assert_same_run(lambda: training("sgd", zero_grad=False), BATCHES, between, replayed=6)


def test_two_optimizers() -> None:
    def make() -> Any:
        net = network()
        opts = optim.Adam(net[0].parameters()), optim.SGD(net[2].parameters() + net[4].parameters(), lr=0.1)

        def step(x: Any, y: Any) -> Any:
            for opt in opts:
                opt.zero_grad()
            loss = nn.cross_entropy(net(x), y)
            loss.backward()
            opts[0].step()
            opts[1].step()
            return loss

        step.opts = opts  # type: ignore[attr-defined]
        return step, of_parameters(net.parameters())

    def between(k: int, step: Any) -> None:
        step.opts[1].lr = 0.1 / (k + 1)

    assert_same_run(make, BATCHES, between)


@pytest.mark.parametrize("penalty", [mg.L1(0.01), mg.L2(0.01, biases=True)])
def test_regularizers(penalty: Any) -> None:
    def make() -> Any:
        net = network()
        opt = optim.Adam(net.parameters())

        def step(x: Any, y: Any) -> Any:
            opt.zero_grad()
            loss = nn.cross_entropy(net(x), y) + penalty(net)
            loss.backward()
            opt.step()
            return loss

        return step, of_parameters(net.parameters())

    assert_same_run(make, BATCHES)


def test_a_proximal_step() -> None:
    def make() -> Any:
        net, penalty = network(), mg.L1(0.1)

        def step() -> None:
            penalty.proximal_step(net, lr=0.1)

        return step, of_parameters(net.parameters())

    assert_same_run(make, [()] * 8)


def test_gradients_are_clipped() -> None:
    def make() -> Any:
        net = network()
        opt = optim.Adam(net.parameters())

        def step(x: Any, y: Any) -> Any:
            opt.zero_grad()
            loss = nn.cross_entropy(net(x), y)
            loss.backward()
            norm = np.sqrt(sum(np.sum(p.grad**2) for p in net.parameters()))
            scale = np.minimum(1.0, 0.1 / (norm + 1e-6))
            for p in net.parameters():
                p.grad *= scale
            opt.step()
            return loss, norm

        return step, of_parameters(net.parameters())

    assert_same_run(make, BATCHES)


def test_gradients_are_changed_alone() -> None:
    def make() -> Any:
        w = mg.tensor([1.0, 2.0, 3.0], requires_grad=True)
        opt = optim.SGD([w], lr=0.1)

        def step() -> None:
            w.grad *= 0.5
            opt.step()

        step.w = w  # type: ignore[attr-defined]
        return step, of_parameters([w])

    def between(k: int, step: Any) -> None:
        step.w.grad = np.array([1.0, -2.0, k])

    assert_same_run(make, [()] * 8, between)


def test_an_old_gradient_is_read_after_the_new_one() -> None:
    def make() -> Any:
        w = mg.tensor([1.0, 2.0, 3.0], requires_grad=True)

        def step(x: Any) -> Any:
            old = w.grad
            (w * x).sum().backward()
            return None if old is None else old * 2

        return step, of_parameters([w])

    assert_same_run(make, [(np.array([k, 1.0, 2.0]),) for k in range(10)])


def test_a_decision_after_backward() -> None:
    """A replay that turns out not to hold has changed nothing."""

    def make() -> Any:
        w = mg.tensor([1.0, 2.0, 3.0], requires_grad=True)
        opt = optim.SGD([w], lr=0.01, momentum=0.5)
        drop = nn.Dropout(0.5)

        def step(x: Any) -> Any:
            loss = (drop(w * x) ** 2).sum()
            loss.backward()
            if loss.data > 4:
                opt.step()
                return loss
            opt.zero_grad()
            return -loss

        return step, of_parameters([w])

    assert_same_run(make, [(rng.standard_normal(3),) for _ in range(40)], replayed=15)


def test_a_step_written_by_hand() -> None:
    def make() -> Any:
        net = network()
        average = [p.data.copy() for p in net.parameters()]
        shadow = [mg.tensor(p.data) for p in net.parameters()]

        def step(x: Any, y: Any, rate: float) -> Any:
            net.zero_grad()
            loss = nn.cross_entropy(net(x), y)
            loss.backward()
            with mg.no_grad():
                for p, s in zip(net.parameters(), shadow, strict=True):
                    p.data -= rate * p.grad
                    s *= 0.9
                    s += 0.1 * p.data
            return loss

        return step, lambda: [[p.data, p.grad] for p in net.parameters()] + [s.data for s in shadow] + average

    assert_same_run(make, [(x, y, 0.1 / (k + 1)) for k, (x, y) in enumerate(BATCHES)])


class Signed(optim.Optimizer):
    """A user's optimizer."""

    memory = ("average",)

    def update(self, data: Any, grad: Any, work: Any, step: int, average: Any) -> None:
        average *= 0.5
        average += grad
        np.sign(average, out=work)
        work *= self.lr / step
        data -= work


class Counting(optim.SGD):
    """A user's optimizer that counts by itself."""

    def update(self, data: Any, grad: Any, work: Any, step: int, *memory: Any) -> None:
        self.count = getattr(self, "count", 0) + 1
        np.multiply(grad, self.lr / self.count, out=work)
        data -= work


def with_optimizer(kind: Any) -> Any:
    net = network()
    opt = kind(net.parameters(), lr=0.1)

    def step(x: Any, y: Any) -> Any:
        opt.zero_grad()
        loss = nn.cross_entropy(net(x), y)
        loss.backward()
        opt.step()
        return loss

    return step, of_parameters(net.parameters())


def test_optimizers_of_the_user() -> None:
    assert_same_run(lambda: with_optimizer(Signed), BATCHES)
    with pytest.warns(mg.CaptureWarning, match="Counting changes attributes of its own"):
        assert_same_run(lambda: with_optimizer(Counting), BATCHES, replayed=0)


def test_wrong_labels_in_a_replay() -> None:
    step, _ = training("adam", 0.5)
    compiled = mg.compile(step)
    for batch in BATCHES[:4]:
        compiled(*batch)
    x, y = BATCHES[4]
    wrong = y.copy()
    wrong[1] = 7
    before = copied([p.data for p in step.net.parameters()])
    with pytest.raises(ValueError) as eager:
        step(x, wrong)
    with pytest.raises(ValueError) as replayed:
        compiled(x, wrong)
    assert str(eager.value) == str(replayed.value)
    assert_same([p.data for p in step.net.parameters()], before)
    assert len(compiled.programs) == 1


def test_exceptions_in_between() -> None:
    def make() -> Any:
        net = network(0.3)
        opt = optim.Adam(net.parameters())

        def step(x: Any, y: Any) -> Any:
            opt.zero_grad()
            try:
                loss = nn.cross_entropy(net(x), y)
                loss.backward()
            except ValueError as error:
                return str(error)
            opt.step()
            return loss

        return step, of_parameters(net.parameters())

    wrong = [(x, y + 5 if k % 3 == 1 else y) for k, (x, y) in enumerate(BATCHES)]
    assert_same_run(make, wrong, replayed=2)


def test_an_exception_inside_a_capture() -> None:
    net = network()

    def step(x: Any, fails: bool) -> Any:
        net.zero_grad()
        net(x).sum().backward()
        if fails:
            raise KeyError("inside")
        return net(x)

    compiled = mg.compile(step)
    x = BATCHES[0][0]
    for fails in (True, False, True, False, False, True, False):
        if fails:
            with pytest.raises(KeyError, match="inside"):
                compiled(x, fails)
        else:
            compiled(x, fails)
        assert all(type(p.data) is np.ndarray and type(p.grad) is np.ndarray for p in net.parameters())


def test_results_belong_to_the_caller() -> None:
    w = mg.tensor([1.0, 2.0], requires_grad=True)
    compiled = mg.compile(
        lambda x: {"tensor": w * x, "array": x * 2, "self": w, "plain": [1, "a", None], "x": x}
    )
    first = [compiled(np.array([k, 1.0])) for k in range(5)]
    for k, result in enumerate(first):
        assert_same(result["tensor"].data, np.array([k, 2.0]))
        assert_same(result["array"], np.array([2.0 * k, 2.0]))
        assert_same(result["x"], np.array([k, 1.0]))
        assert result["self"] is w
        assert result["plain"] == [1, "a", None]
        assert result["tensor"].requires_grad


def test_results_have_no_graph() -> None:
    """What is computed from them has no derivative, rather than one in which a part is missing."""
    net = network()
    compiled = mg.compile(net)
    for _ in range(4):
        loss = np.sum(compiled(BATCHES[0][0])) + mg.L2(0.1)(net)
        with pytest.raises(mg.GraphFreedError, match="compiled function"):
            loss.backward()
    with mg.no_grad():
        assert not compiled(BATCHES[0][0]).requires_grad


def test_a_function_of_tensors() -> None:
    def make() -> Any:
        inputs = [mg.tensor(np.arange(3.0) + k, requires_grad=True) for k in range(2)]

        def step(a: Any, b: Any) -> Any:
            out = (a * b).sum() + (a**2).sum()
            out.backward()
            return out

        return lambda k: step(inputs[k % 2], inputs[1 - k % 2]), of_parameters(inputs)

    seen = []
    for compiled in (False, True):
        a, b, c = (mg.tensor(np.arange(3.0) + k, requires_grad=True) for k in range(3))

        def step(a: Any, b: Any) -> Any:
            out = (a * b).sum() + (a**2).sum()
            out.backward()
            return out

        function = mg.compile(step) if compiled else step
        results = []
        for pair in [(a, b), (b, a), (a, c), (c, b), (a, b), (b, b), (c, c), (c, c), (c, c)]:
            results.append(copied([function(*pair), a.grad, b.grad, c.grad]))
        seen.append(results)
    assert_same(seen[1], seen[0])


def test_no_grad_and_nested_blocks() -> None:
    net = network()
    compiled = mg.compile(lambda x: net(x))
    x = BATCHES[0][0]
    for _ in range(4):
        assert_same(compiled(x).data, net(x).data)
        with mg.no_grad():
            assert_same(compiled(x).data, net(x).data)


def test_derivatives_of_a_compiled_function() -> None:
    compiled = mg.compile(lambda x: (x * x * x).sum())
    x = np.array([1.0, 2.0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mg.CaptureWarning)
        for _ in range(4):
            assert_same(mg.grad(compiled)(x), 3 * x * x)
            assert_same(mg.hessian(compiled)(x), np.diag(6 * x))
    for _ in range(4):
        assert_same(mg.compile(mg.grad(lambda x: (x * x * x).sum()))(x), 3 * x * x)
    second = mg.compile(mg.grad(lambda x: (x * x * x).sum()))
    for k in range(5):
        assert_same(second(x + k), 3 * (x + k) * (x + k))


def test_check_names_what_differs() -> None:
    factors = iter([2.0, 2.0, 3.0])
    compiled = mg.compile(lambda x: mg.tanh(mg.tensor(x) * next(factors)), check=True)
    for _ in range(2):
        compiled(np.ones(2))
    with pytest.raises(mg.NotTheSameError, match="multiply"):
        compiled(np.ones(2))


def test_check_agrees() -> None:
    assert_same_run(lambda: training("adam", 0.5), BATCHES, replayed=0, check=True)
