"""Whatever a step reads outside its arguments may change between two calls: no replay is ever stale."""

from __future__ import annotations

import types
import warnings
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim

from .helpers import assert_same, copied

SCALE = 2.0
TABLE = [1.0, 2.0, 3.0]
ARRAY = np.array([1.0, 2.0, 3.0])
OPTIONS = {"scale": 2.0}
X = np.array([0.5, -1.0, 2.0])


class Settings:
    scale: ClassVar[float] = 2.0

    def __init__(self) -> None:
        self.own = 2.0
        self.inner = types.SimpleNamespace(scale=2.0)

    def times(self, x: Any) -> Any:
        return x * self.own


def scaled(x: Any, by: float = 2.0) -> Any:
    return x * SCALE * by


def doubly(x: Any) -> Any:
    return scaled(scaled(x))


def follows(function: Callable[..., Any], change: Callable[[], Any], *args: Any) -> Any:
    """Call a compiled function before and after each of three changes, and compare with the function."""
    compiled = mg.compile(function)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mg.CaptureWarning)
        for _ in range(4):
            for _ in range(4):
                assert_same(copied(compiled(*args)), copied(function(*args)))
            change()
    return compiled


@pytest.fixture(autouse=True)
def restored(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "SCALE": 2.0,
        "TABLE": [1.0, 2.0, 3.0],
        "ARRAY": ARRAY.copy(),
        "OPTIONS": {"scale": 2.0},
        "scaled": scaled,
    }.items():
        monkeypatch.setitem(globals(), name, value)


def change_global(name: str) -> Callable[[], None]:
    def change() -> None:
        globals()[name] = globals()[name] * 1.5

    return change


def test_globals() -> None:
    def on_number(x: Any) -> Any:
        return mg.tensor(x) * SCALE

    def on_array(x: Any) -> Any:
        return mg.tensor(x) * ARRAY

    def on_part(x: Any) -> Any:
        return mg.tensor(x) * (ARRAY * 2)

    for function in (on_number, lambda x: mg.tensor(x) * SCALE):
        assert follows(function, change_global("SCALE"), X).programs
    assert follows(on_array, change_global("ARRAY"), X).programs
    assert follows(on_part, change_global("ARRAY"), X).programs


def test_globals_changed_in_place() -> None:
    def grow() -> None:
        global ARRAY
        ARRAY *= 1.5
        TABLE[0] *= 1.5
        OPTIONS["scale"] *= 1.5

    follows(lambda x: mg.tensor(x) * ARRAY, grow, X)
    follows(lambda x: mg.tensor(x) * (ARRAY + 1), grow, X)
    follows(lambda x: mg.tensor(x) * TABLE[0], grow, X)
    follows(lambda x: mg.tensor(x) * TABLE, grow, X)
    follows(lambda x: mg.tensor(x) * OPTIONS["scale"], grow, X)
    follows(lambda x: mg.tensor(x) * sum(TABLE), lambda: TABLE.append(1.0), X)
    follows(lambda x: mg.tensor(x) * len(OPTIONS), lambda: OPTIONS.update({str(len(OPTIONS)): 1.0}), X)


def test_equal_arrays_stay_two() -> None:
    one, two = ARRAY.copy(), ARRAY.copy()

    def change() -> None:
        one[0] += 1

    follows(lambda x: [mg.tensor(x) * one, mg.tensor(x) * two], change, X)


def test_helper_functions() -> None:
    follows(doubly, change_global("SCALE"), X)

    def swap() -> None:
        before = globals()["scaled"]
        globals()["scaled"] = lambda x, by=3.0: before(x) + by

    follows(doubly, swap, X)


def test_defaults() -> None:
    def function(x: Any, *, by: float = 2.0) -> Any:
        return helper(mg.tensor(x)) * by

    def helper(x: Any, by: float = 2.0) -> Any:
        return x * by

    def change() -> None:
        helper.__defaults__ = (helper.__defaults__[0] * 1.5,)  # type: ignore[index]
        function.__kwdefaults__["by"] *= 1.5  # type: ignore[index]

    follows(function, change, X)


def test_closures() -> None:
    scale, array, table = 2.0, ARRAY.copy(), [ARRAY.copy()]

    def change() -> None:
        nonlocal scale, array
        scale *= 1.5
        array = array * 1.5
        table[0] = table[0] * 1.5

    follows(lambda x: mg.tensor(x) * scale * array * table[0], change, X)

    def change_in_place() -> None:
        array[0] += 1
        table[0][1] += 1

    follows(lambda x: mg.tensor(x) * (array + table[0]), change_in_place, X)


def test_attributes() -> None:
    settings = Settings()

    def change() -> None:
        settings.own *= 1.5

    follows(settings.times, change, X)
    follows(lambda x: settings.times(mg.tensor(x)), change, X)

    def change_inside() -> None:
        settings.inner.scale *= 1.5

    follows(lambda x: mg.tensor(x) * settings.inner.scale, change_inside, X)

    def change_class() -> None:
        Settings.scale *= 1.5

    follows(lambda x: mg.tensor(x) * settings.scale, change_class, X)
    follows(lambda x: mg.tensor(x) * Settings.scale, change_class, X)
    Settings.scale = 2.0


def test_a_method_is_replaced() -> None:
    settings = Settings()

    def change() -> None:
        times = settings.times
        settings.times = lambda x: times(x) + 1  # type: ignore[method-assign]

    follows(lambda x: settings.times(mg.tensor(x)), change, X)


def test_layers() -> None:
    net = nn.Sequential(nn.Linear(3, 3, dtype=np.float64), nn.LeakyReLU(0.1), nn.Dropout(0.25).eval())

    def change_slope() -> None:
        net[1].slope = net[1].slope * 1.5

    follows(lambda x: net(x), change_slope, X[None])
    follows(net, change_slope, X[None])

    def change_layer() -> None:
        net.layers[1] = nn.Tanh() if isinstance(net[1], nn.LeakyReLU) else nn.ReLU()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        follows(net, change_slope, X[None])

    def rebind() -> None:
        net[0].weight = nn.Parameter(net[0].weight.data * 1.5)

    follows(net, rebind, X[None])

    def replace() -> None:
        net[0].weight.data = net[0].weight.data * 1.5

    follows(net, replace, X[None])

    def write() -> None:
        net[0].weight.data *= 1.5

    assert follows(net, write, X[None]).programs


def test_dropout_rate_and_scaling() -> None:
    layer = nn.Dropout(0.5, scaling="weights").eval()

    def change() -> None:
        layer.p = layer.p * 0.7

    follows(layer, change, X)


def test_a_module_of_the_user() -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            self.factors = [2.0, 3.0]
            self.weight = nn.Parameter(np.ones(3))
            self.table = np.array([1.0, 2.0, 3.0])

        def forward(self, x: mg.Tensor) -> mg.Tensor:
            return x * self.weight * self.factors[0] * SCALE * self.table

    net = Scaled()

    def change() -> None:
        net.factors[0] *= 1.5

    follows(net, change, X)
    follows(lambda x: net(x), change, X)
    follows(net, change_global("SCALE"), X)

    def change_table() -> None:
        net.table[1] *= 1.5

    follows(net, change_table, X)


def test_a_tensor_outside() -> None:
    w = mg.tensor([1.0, 2.0, 3.0])

    def rebind() -> None:
        w.data = w.data * 1.5

    follows(lambda x: w * x, rebind, X)
    follows(lambda x: w.data * x, rebind, X)
    follows(lambda x: mg.tensor(x) * w.data.copy(), rebind, X)

    def write() -> None:
        w.data[0] += 1

    follows(lambda x: mg.tensor(x) * (w.data + 1), write, X)
    follows(lambda x: mg.tensor(x) * float(w.data[0]), write, X)

    def swap() -> None:
        nonlocal w
        w = mg.tensor(w.data * 1.5)

    follows(lambda x: w * x, swap, X)


def test_requires_grad_is_switched() -> None:
    w = mg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    v = mg.tensor([1.0, 2.0, 3.0], requires_grad=True)

    def step(x: Any) -> Any:
        w.grad = v.grad = None
        (w * v * x).sum().backward()
        return [w.grad, v.grad]

    def change() -> None:
        w.requires_grad = not w.requires_grad

    follows(step, change, X)


def test_options_of_an_optimizer() -> None:
    def run(compiled: bool) -> list[Any]:
        w = mg.tensor([1.0, 2.0, 3.0], requires_grad=True)
        optimizer = optim.SGD([w], lr=0.1, momentum=0.5)

        def step(x: Any) -> Any:
            optimizer.zero_grad()
            loss = ((w - x) ** 2).sum()
            loss.backward()
            optimizer.step()
            return loss

        function = mg.compile(step) if compiled else step
        seen = []
        for k in range(20):
            if k % 5 == 4:
                optimizer.lr *= 0.5
            if k == 9:
                optimizer.nesterov = True
            if k == 13:
                optimizer.momentum = 0.25
            seen += [copied(function(X)), w.data.copy()]
        return seen

    assert_same(run(True), run(False))


def test_an_option_that_user_code_reads() -> None:
    w = mg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    optimizer = optim.SGD([w], lr=0.1)

    def step(x: Any) -> Any:
        return mg.tensor(x) * optimizer.lr

    def change() -> None:
        optimizer.lr *= 0.5

    follows(step, change, X)


def test_lists_and_whole_numbers_among_the_arguments() -> None:
    def step(x: Any, labels: list[int], power: int) -> Any:
        return (mg.tensor(x)[labels] ** power).sum()

    compiled = mg.compile(step)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mg.CaptureWarning)
        for k in range(300):
            labels = [k % 3, (k // 3) % 3]
            assert_same(copied(compiled(X, labels, k % 7)), copied(step(X, labels, k % 7)))
            assert len(compiled._entries) <= 130


def test_the_same_array_twice() -> None:
    def step(x: Any, y: Any) -> Any:
        return mg.tensor(x) * 2 + mg.tensor(y)

    compiled, y = mg.compile(step), X + 1
    for _ in range(4):
        assert_same(copied(compiled(X, X)), copied(step(X, X)))
    for _ in range(4):
        assert_same(copied(compiled(X, y)), copied(step(X, y)))
    t, u = mg.tensor(X), mg.tensor(y)
    for _ in range(4):
        assert_same(copied(compiled(t, t)), copied(step(X, X)))
    for _ in range(4):
        assert_same(copied(compiled(t, u)), copied(step(X, y)))


@pytest.mark.filterwarnings("ignore::minigrad.CaptureWarning")
def test_an_argument_that_the_function_knows_already() -> None:
    w = mg.tensor([1.0, 2.0, 3.0])
    for outside in (w, w.data):
        compiled = mg.compile(lambda x: w * x + x)
        for _ in range(4):
            assert_same(copied(compiled(outside)), copied(w * outside + outside))
        for _ in range(4):
            assert_same(copied(compiled(X)), copied(w * X + X))
        for _ in range(4):
            other = mg.tensor(X)
            assert_same(copied(compiled(other)), copied(w * other + other))


def test_the_seed_is_set_anew() -> None:
    layer = nn.Dropout(0.5)
    compiled = mg.compile(lambda x: layer(x))
    for seed in range(6):
        mg.manual_seed(seed)
        expected = [layer(np.ones(50)).data for _ in range(2)]
        mg.manual_seed(seed)
        assert_same([compiled(np.ones(50)).data for _ in range(2)], expected)


@pytest.mark.filterwarnings("ignore::minigrad.CaptureWarning")
def test_the_seed_is_set_inside() -> None:
    layer = nn.Dropout(0.5)

    def step(x: Any) -> Any:
        mg.manual_seed(3)
        return layer(x)

    compiled = mg.compile(step)
    for _ in range(6):
        assert_same(compiled(np.ones(50)).data, step(np.ones(50)).data)


def test_errstate_outside() -> None:
    compiled = mg.compile(lambda x: mg.log(mg.tensor(x)))
    for _ in range(4):
        compiled(np.ones(3))
    with np.errstate(all="ignore"):
        assert compiled(np.zeros(3)).data[0] == -np.inf
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
        compiled(np.zeros(3))
    assert_same(compiled(np.ones(3)).data, np.zeros(3))
