from __future__ import annotations

import copy
import json
import pickle
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad import Value, nn, optim

SHAPES = [(), (3,), (4, 2), (0,)]

# The options are the same in torch, and so must be the steps.
PAIRS: list[tuple[type[optim.Optimizer], str, dict[str, Any]]] = [
    (optim.SGD, "SGD", {"lr": 0.1}),
    (optim.SGD, "SGD", {"lr": 0.1, "weight_decay": 0.3}),
    (optim.SGD, "SGD", {"lr": 0.1, "momentum": 0.9}),
    (optim.SGD, "SGD", {"lr": 0.1, "momentum": 0.8, "nesterov": True, "weight_decay": 0.1}),
    (optim.Momentum, "SGD", {"lr": 0.1, "momentum": 0.7}),
    (optim.Adagrad, "Adagrad", {}),
    (optim.Adagrad, "Adagrad", {"lr": 0.2, "eps": 1e-3}),
    (optim.RMSProp, "RMSprop", {}),
    (optim.RMSProp, "RMSprop", {"lr": 0.3, "alpha": 0.5, "eps": 1e-3}),
    (optim.Adam, "Adam", {}),
    (optim.Adam, "Adam", {"lr": 0.1, "betas": (0.5, 0.6), "eps": 1e-3}),
    (optim.AdamW, "AdamW", {}),
    (optim.AdamW, "AdamW", {"lr": 0.1, "weight_decay": 0.5}),
]

EVERY = {
    "SGD": lambda params: optim.SGD(params, lr=0.1, momentum=0.9, weight_decay=0.1),
    "Momentum": lambda params: optim.Momentum(params, lr=0.1),
    "Adagrad": optim.Adagrad,
    "RMSProp": optim.RMSProp,
    "RMSProp, lecture": lambda params: optim.RMSProp(params, form="lecture"),
    "Adam": optim.Adam,
    "AdamW": optim.AdamW,
}
every = pytest.mark.parametrize("make", EVERY.values(), ids=EVERY)


def parameter(value: Any, grad: Any = None, dtype: Any = np.float64) -> nn.Parameter:
    result = nn.Parameter(np.array(value, dtype))
    result.grad = None if grad is None else np.array(grad, dtype)
    return result


def run(make: Callable[..., optim.Optimizer], start: float, gradients: list[float]) -> list[float]:
    """Take a step for each gradient of one number, and return where it went."""
    theta = parameter(start)
    optimizer = make([theta])
    path = []
    for g in gradients:
        theta.grad = np.array(g)
        optimizer.step()
        path.append(theta.item())
    return path


@pytest.mark.parametrize(("ours", "theirs", "options"), PAIRS)
@pytest.mark.parametrize("seed", range(3))
def test_fifty_steps_agree_with_torch(ours: Any, theirs: str, options: dict[str, Any], seed: int) -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    starts = [rng.normal(size=shape) for shape in SHAPES]
    mine = [parameter(start) for start in starts]
    others = [torch.tensor(start, requires_grad=True) for start in starts]
    optimizer, other = ours(mine, **options), getattr(torch.optim, theirs)(others, **options)
    for step in range(50):
        for p, q in zip(mine, others, strict=True):
            g = rng.normal(size=p.shape) * 10.0 ** rng.integers(-6, 3)
            skip = step % 7 == 3 and p.ndim == 1
            p.grad = None if skip else g
            q.grad = None if skip else torch.tensor(g)
        optimizer.step()
        other.step()
        for p, q in zip(mine, others, strict=True):
            np.testing.assert_allclose(p.data, q.detach().numpy(), rtol=2e-14, atol=2e-14)


@given(st.lists(st.floats(-3, 3), min_size=1, max_size=20), st.floats(0.01, 1), st.floats(0, 0.99))
def test_momentum_is_the_decaying_sum_of_all_past_gradients(
    gs: list[float], lr: float, momentum: float
) -> None:
    path = run(lambda p: optim.Momentum(p, lr, momentum), 0.0, gs)
    velocities = [
        -lr * sum(momentum ** (t - i) * g for i, g in enumerate(gs[: t + 1])) for t in range(len(gs))
    ]
    np.testing.assert_allclose(path, np.cumsum(velocities), rtol=1e-12, atol=1e-12)


def test_momentum_reaches_its_terminal_speed() -> None:
    path = run(lambda p: optim.Momentum(p, 0.1, 0.9), 0.0, [2.0] * 400)
    assert path[-1] - path[-2] == pytest.approx(-0.1 * 2.0 / (1 - 0.9), rel=1e-12)


def test_momentum_keeps_lr_in_its_velocity_and_sgd_does_not() -> None:
    ours, torchs = parameter(0.0, 1.0), parameter(0.0, 1.0)
    pair = [optim.Momentum([ours], lr=1.0, momentum=0.5), optim.SGD([torchs], lr=1.0, momentum=0.5)]
    for lr in (1.0, 0.1):
        for optimizer in pair:
            optimizer.lr = lr
            optimizer.step()
    assert ours.item() == pytest.approx(-1.0 + (0.5 * -1.0 - 0.1))
    assert torchs.item() == pytest.approx(-1.0 - 0.1 * 1.5)


@given(st.lists(st.floats(-3, 3).filter(lambda g: g == 0 or abs(g) > 1e-3), min_size=1, max_size=20))
def test_lecture_forms(gs: list[float]) -> None:
    alpha, lr = 0.9, 0.1
    theta_a = theta_r = total = 0.0
    sigma = abs(gs[0])
    expected = []
    for t, g in enumerate(gs):
        total += g * g
        sigma = sigma if t == 0 else (alpha * sigma**2 + (1 - alpha) * g**2) ** 0.5
        theta_a -= lr * g / total**0.5 if total else 0.0
        theta_r -= lr * g / sigma if sigma else 0.0
        expected.append((theta_a, theta_r))
    adagrad = run(lambda p: optim.Adagrad(p, lr, form="lecture"), 0.0, gs)
    rmsprop = run(lambda p: optim.RMSProp(p, lr, alpha, form="lecture"), 0.0, gs)
    np.testing.assert_allclose(np.transpose([adagrad, rmsprop]), expected, rtol=1e-9, atol=1e-12)


def test_first_step_of_rmsprop_is_ten_times_longer_in_torchs_form() -> None:
    assert run(lambda p: optim.RMSProp(p, 0.01, eps=0.0), 0.0, [5.0]) == [pytest.approx(-0.1)]
    assert run(lambda p: optim.RMSProp(p, 0.01, form="lecture"), 0.0, [5.0]) == [pytest.approx(-0.01)]


@pytest.mark.parametrize(
    "make",
    [
        lambda p: optim.Adagrad(p, form="lecture"),
        lambda p: optim.Adagrad(p, eps=0),
        lambda p: optim.RMSProp(p, form="lecture"),
        lambda p: optim.Adam(p, eps=0),
    ],
)
def test_without_epsilon_nothing_over_nothing_is_no_step(make: Any) -> None:
    theta = parameter([1.0, 1.0])
    optimizer = make([theta])
    for _ in range(3):
        theta.grad = np.array([0.0, 2.0])
        optimizer.step()
    assert theta.data[0] == 1.0
    assert theta.data[1] < 1.0


@every
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_steps_are_in_place_and_keep_the_dtype(make: Any, dtype: Any) -> None:
    theta = parameter(np.ones((3, 2)), np.full((2, 3), 0.5).T, dtype)  # a gradient in the other memory order
    array, before = theta.data, theta.grad.copy()
    optimizer = make([theta])
    for _ in range(3):
        optimizer.step()
    assert theta.data is array
    assert array.dtype == dtype
    assert (array < 1).all()
    np.testing.assert_array_equal(theta.grad, before)
    assert all(a.dtype == dtype for a in optimizer.state_dict()["parameters"][0].values() if np.ndim(a))


@every
def test_a_parameter_without_gradient_is_left_alone(make: Any) -> None:
    still, moving = parameter([1.0, 2.0]), parameter([1.0], [1.0])
    optimizer = make([still, moving])
    optimizer.step()
    np.testing.assert_array_equal(still.data, [1.0, 2.0])
    assert moving.item() < 1
    assert optimizer.state_dict()["parameters"][0] == {"step": 0}
    optimizer.zero_grad()
    assert moving.grad is None


@every
def test_lr_changes_between_steps(make: Any) -> None:
    theta = parameter([1.0], [1.0])
    optimizer = make([theta])
    optimizer.lr = 0
    optimizer.step()
    assert theta.item() == 1.0
    for wrong in (-0.1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match=r"lr must be at least 0 and finite"):
            optimizer.lr = wrong
    assert optimizer.lr == 0.0


@every
def test_a_state_continues_the_run(make: Any) -> None:
    rng = np.random.default_rng(0)
    a = parameter(rng.normal(size=(3, 2)))
    first = make([a])
    for _ in range(3):
        a.grad = rng.normal(size=(3, 2))
        first.step()
    first.lr = 0.05
    state, b = first.state_dict(), parameter(a.data)
    second = make([b])
    second.load_state_dict(state)
    assert json.dumps(second.state_dict()["options"]) == json.dumps(state["options"])
    for _ in range(3):
        a.grad = b.grad = rng.normal(size=(3, 2))
        first.step()
        second.step()
    np.testing.assert_array_equal(a.data, b.data)


def test_a_loaded_state_is_a_copy_and_follows_a_new_dtype() -> None:
    theta = parameter([1.0], [1.0])
    optimizer = optim.Momentum([theta], lr=0.1)
    optimizer.step()
    state = optimizer.state_dict()
    optimizer.step()
    assert state["parameters"][0]["velocity"] == pytest.approx(-0.1)
    theta.data = theta.data.astype(np.float32)
    theta.grad = np.array([1.0], np.float32)
    optimizer.step()
    assert optimizer.state_dict()["parameters"][0]["velocity"].dtype == np.float32
    assert optimizer.state_dict()["parameters"][0]["velocity"] == pytest.approx(-0.271)


# Packed or one by one, the steps are the same


def steps(optimizer: optim.Optimizer, count: int, seed: int, skip: Any = ()) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(count):
        for index, p in enumerate(optimizer.parameters):
            grad = rng.normal(size=p.shape).astype(p.dtype)
            p.grad = None if index in skip else grad
        optimizer.step()


def one_by_one(optimizer: optim.Optimizer) -> optim.Optimizer:
    """An optimizer that never packs."""
    optimizer.step = types.MethodType(_plain_step, optimizer)  # type: ignore[method-assign]
    return optimizer


def _plain_step(self: optim.Optimizer) -> None:
    for data, grad, state in self._moving():
        self.update(data, grad, np.empty_like(data), state.step, *state.arrays.values())


def packed(optimizer: optim.Optimizer) -> int:
    return len(optimizer._pack.states) if optimizer._pack is not None else 0


def assert_agree(mine: Any, others: Any) -> None:
    for p, q in zip(mine, others, strict=True):
        np.testing.assert_array_equal(p.data, q.data)


EVERY_AND_PLAIN = EVERY | {"SGD, plain": lambda params: optim.SGD(params, lr=0.1)}


@pytest.mark.parametrize("make", EVERY_AND_PLAIN.values(), ids=EVERY_AND_PLAIN)
@settings(max_examples=25)
@given(
    kinds=st.lists(
        st.tuples(st.sampled_from(SHAPES), st.sampled_from([np.float32, np.float64])), min_size=1, max_size=6
    ),
    skips=st.lists(st.sets(st.integers(0, 5)), min_size=1, max_size=5),
)
def test_packed_steps_are_those_one_by_one(make: Any, kinds: Any, skips: Any) -> None:
    rng = np.random.default_rng(0)
    starts = [rng.normal(size=shape).astype(dtype) for shape, dtype in kinds]
    mine, others = ([parameter(start, dtype=start.dtype) for start in starts] for _ in range(2))
    optimizer, other = make(mine), one_by_one(make(others))
    for seed, skip in enumerate(skips):
        steps(optimizer, 2, seed, skip)
        steps(other, 2, seed, skip)
    assert_agree(mine, others)
    remembered = (o.state_dict()["parameters"] for o in (optimizer, other))
    for entry, expected in zip(*remembered, strict=True):
        assert entry.keys() == expected.keys()
        for name in entry:
            np.testing.assert_array_equal(entry[name], expected[name])


@pytest.mark.parametrize("make", EVERY_AND_PLAIN.values(), ids=EVERY_AND_PLAIN)
def test_one_odd_dtype_in_front_does_not_keep_the_others_apart(make: Any) -> None:
    params = [parameter([1.0], dtype=np.float16), *(parameter(np.ones(k)) for k in (2, 3, 4))]
    optimizer = make(params)
    steps(optimizer, 2, 0)
    assert packed(optimizer) == 3


COPIERS = {"deepcopy": copy.deepcopy, "pickle": lambda x: pickle.loads(pickle.dumps(x))}


@every
@pytest.mark.parametrize("copier", COPIERS.values(), ids=COPIERS)
@pytest.mark.parametrize("skip", [(), (0,)], ids=["packed", "one parameter alone"])
def test_a_copy_goes_on_and_says_where_it_stands(make: Any, copier: Any, skip: Any) -> None:
    optimizer = make([parameter(np.arange(3.0)), parameter(np.ones((2, 2)))])
    steps(optimizer, 3, 0)
    assert packed(optimizer) == 2
    copied = copier(optimizer)
    steps(optimizer, 2, 1, skip)
    before = repr(optimizer.state_dict())
    steps(copied, 2, 1, skip)
    assert repr(copied.state_dict()) == before
    assert repr(optimizer.state_dict()) == before
    assert_agree(copied.parameters, optimizer.parameters)
    restored = make([parameter(p.data) for p in copied.parameters])
    restored.load_state_dict(copied.state_dict())
    steps(copied, 2, 2)
    steps(restored, 2, 2)
    assert_agree(copied.parameters, restored.parameters)


def halves(array: Any) -> list[Any]:
    return [array[:4], array[2:]]


SHARED: dict[str, Callable[[Any], list[Any]]] = {
    "W and W.T": lambda w: [w, w.T],
    "overlapping": halves,
    "with another between": lambda w: [w[0], np.ones(3), w.T, np.ones(2)],
    "one too large to be packed": lambda w: [np.resize(w, 40_000), w, w[1:]],
    "disjoint": lambda w: list(w),
}


@every
@pytest.mark.parametrize("views", SHARED.values(), ids=SHARED)
def test_parameters_that_share_memory_step_one_after_the_other(make: Any, views: Any) -> None:
    start = np.random.default_rng(0).normal(size=(6, 6))
    mine, others = ([nn.Parameter(view) for view in views(start.copy())] for _ in range(2))
    optimizer, other = make(mine), one_by_one(make(others))
    steps(optimizer, 3, 1)
    steps(other, 3, 1)
    assert_agree(mine, others)


def test_parameters_that_come_to_share_memory_are_packed_no_more() -> None:
    mine, others = ([parameter(np.ones((2, 2))), parameter(np.ones((2, 2)))] for _ in range(2))
    optimizer, other = optim.Adam(mine), one_by_one(optim.Adam(others))
    steps(optimizer, 2, 0)
    steps(other, 2, 0)
    assert packed(optimizer) == 2
    for p, q in (mine, others):
        q.data = p.data.T
    steps(optimizer, 2, 1)
    steps(other, 2, 1)
    assert_agree(mine, others)


@pytest.mark.parametrize("count", [1, 2], ids=["before backward", "and its gradient"])
def test_a_changed_shape_is_an_error_before_anything_moves(count: int) -> None:
    first, second = parameter([1.0, 2.0]), parameter(np.ones((2, 3)))
    optimizer = optim.Adam([first, second])
    steps(optimizer, 2, 0)
    first.grad, second.grad = np.ones(2), np.ones((2, 3))
    before, numbers = repr(optimizer.state_dict()), first.data.copy()
    second.data = np.ones((4, 3))
    message = r"parameter 1 has shape \(4, 3\), but its gradient has shape \(2, 3\)"
    if count == 2:
        second.grad = np.ones((4, 3))
        message = r"shape \(4, 3\), but the sum that Adam remembers for it has shape \(2, 3\)"
    with pytest.raises(ValueError, match=message):
        optimizer.step()
    np.testing.assert_array_equal(first.data, numbers)
    second.data = np.ones((2, 3))
    assert repr(optimizer.state_dict()) == before


def test_what_remembers_nothing_follows_a_changed_shape() -> None:
    params = [parameter([1.0, 2.0]), parameter([1.0])]
    optimizer = optim.SGD(params, lr=0.5)
    steps(optimizer, 2, 0)
    params[0].data = np.ones((2, 2))
    params[0].grad, params[1].grad = np.ones((2, 2)), np.zeros(1)
    optimizer.step()
    np.testing.assert_array_equal(params[0].data, np.full((2, 2), 0.5))


# What SGD remembers


def test_sgd_without_momentum_remembers_nothing() -> None:
    theta = parameter([1.0, 2.0])
    optimizer = optim.SGD([theta], lr=0.1)
    steps(optimizer, 2, 0)
    assert optimizer.state_dict()["parameters"] == [{"step": 2}]


@pytest.mark.parametrize("other", [0.0, 0.9])
def test_a_state_brings_its_momentum(other: float) -> None:
    mine = parameter([1.0, 2.0])
    optimizer = optim.SGD([mine], lr=0.1, momentum=0.9 - other)
    steps(optimizer, 2, 0)
    theirs = parameter(mine.data)
    continued = optim.SGD([theirs], lr=0.5, momentum=other)
    continued.load_state_dict(optimizer.state_dict())
    steps(optimizer, 2, 1)
    steps(continued, 2, 1)
    np.testing.assert_array_equal(mine.data, theirs.data)


def test_a_momentum_that_is_set_later_starts_from_rest() -> None:
    theta = parameter([1.0], [1.0])
    optimizer = optim.SGD([theta], lr=1.0)
    optimizer.step()
    optimizer.momentum = 0.5
    state = optimizer.state_dict()
    assert state["parameters"][0]["velocity"] == [0.0]
    optimizer.load_state_dict(state)
    optimizer.step()
    optimizer.step()
    assert theta.item() == 1 - 1 - 1 - 1.5
    optimizer.momentum = 0
    optimizer.step()
    assert theta.item() == 1 - 1 - 1 - 1.5 - 1
    assert optimizer.state_dict()["parameters"] == [{"step": 4}]


@every
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_gradient_of_0_is_no_step(make: Any, dtype: Any) -> None:
    theta = parameter([0.0, 0.0], dtype=dtype)
    optimizer = make([theta])
    for _ in range(3):
        theta.grad = np.array([0.0, 1.0], dtype)
        optimizer.step()
    assert theta.data[0] == 0
    assert -50 < theta.data[1] < 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("options"), "not the state of an optimizer"),
        (lambda s: s.update(optimizer="SGD"), "Adam cannot continue the state of SGD"),
        (lambda s: s["options"].pop("eps"), "Adam cannot continue"),
        (lambda s: s["options"].update(lr=-1), "lr must be at least 0"),
        (lambda s: s["parameters"].pop(), "the state is for 1 parameters, this one has 2"),
        (lambda s: s["parameters"][0].update(mean=np.zeros(5)), r"parameter 0 after 1 steps has .*\(5,\)"),
        (lambda s: s["parameters"][0].pop("square_sum"), "expected .*square_sum"),
        (lambda s: s["parameters"][1].update(mean=np.zeros(1)), "parameter 1 after 0 steps"),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(change: Any, message: str) -> None:
    params = [parameter([1.0, 2.0], [1.0, 1.0]), parameter([3.0])]
    optimizer = optim.Adam(params)
    optimizer.step()
    state = optimizer.state_dict()
    change(state)
    before = repr(optimizer.state_dict())
    with pytest.raises(ValueError, match=message):
        optimizer.load_state_dict(state)
    assert repr(optimizer.state_dict()) == before


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: optim.SGD([], lr=0.1), ValueError, "SGD got no parameters"),
        (
            lambda: optim.Adam(nn.Linear(2, 3)),
            TypeError,
            "got a Linear: pass its parameters",
        ),
        (lambda: optim.Adam(parameter(1.0)), TypeError, r"single Parameter: put it in a list"),
        (lambda: optim.SGD(nn.Linear(2, 3)), TypeError, r"pass its parameters, SGD\(net\.parameters\(\)"),
        (lambda: optim.SGD([parameter(1.0)]), TypeError, "SGD needs a learning rate"),
        (lambda: optim.Momentum([parameter(1.0)]), TypeError, "Momentum needs a learning rate"),
        (lambda: optim.SGD(nn.Linear(2, 3).parameters, lr=0.1), TypeError, "got a method: call it"),
        (lambda: optim.SGD(None, 0.1), TypeError, "SGD got None; parameters come first"),
        (lambda: optim.SGD(Value(1.0), 0.1), TypeError, r"SGD got Value\(1.*; parameters come first"),
        (lambda: optim.SGD(0.1, parameter(1.0)), TypeError, "SGD got 0.1; parameters come first"),
        (lambda: optim.SGD(0.1, nn.Linear(99, 99).parameters()), TypeError, "^.{,120}; are the .* swapped"),
        (lambda: optim.Adam(0.1, nn.Linear(2, 3)), TypeError, "lr must be .* swapped"),
        (lambda: optim.SGD([parameter(1.0) * 2], 0.1), TypeError, "parameter 0 is computed from others"),
        (lambda: optim.Adam([parameter(1.0)]).load_state_dict(None), TypeError, "a dictionary, not None"),
        (lambda: optim.Adam([np.ones(2)]), TypeError, "ndarray as parameter 0"),
        (lambda: optim.Adam(nn.Linear(2, 3).named_parameters()), TypeError, "got a tuple as parameter 0"),
        (lambda: optim.Adam([parameter(1.0)] * 2), ValueError, "parameter 1 is parameter 0 again"),
        (lambda: optim.SGD([parameter(1.0)], lr=-1), ValueError, "lr must be at least 0 and finite, got -1"),
        (lambda: optim.SGD([parameter(1.0)], lr=np.nan), ValueError, "got nan"),
        (lambda: optim.SGD([parameter(1.0)], lr="fast"), TypeError, "lr must be a number, got 'fast'"),
        (lambda: optim.SGD([parameter(1.0)], lr=1, nesterov=True), ValueError, "give momentum > 0"),
        (lambda: optim.SGD([parameter(1.0)], lr=1, momentum=-0.1), ValueError, "momentum must be"),
        (
            lambda: optim.Adam([parameter(1.0)], betas=(0.9, 1.0)),
            ValueError,
            "betas must be .* below 1",
        ),
        (lambda: optim.Adam([parameter(1.0)], betas=0.9), TypeError, "betas must be two numbers"),
        (
            lambda: optim.RMSProp([parameter(1.0)], alpha=1),
            ValueError,
            "alpha must be .* below 1",
        ),
        (lambda: optim.RMSProp([parameter(1.0)], form="keras"), ValueError, '"torch" or "lecture"'),
        (lambda: optim.AdamW([parameter(1.0)], weight_decay=-1), ValueError, "weight_decay must be"),
    ],
)
def test_what_cannot_be_trained_is_refused(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
