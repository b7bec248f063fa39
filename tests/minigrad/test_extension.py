"""mg.primitive: every kind, SciPy's ufuncs, higher orders, gates, and what is refused without a trace."""

from __future__ import annotations

import pickle
import sys
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

import minigrad as mg
import viz
from minigrad import extension, nn
from minigrad.rules import NUMPY, REGISTRY, Elementwise, General, Linear
from minigrad.rules.operands import numbers
from minigrad.testing import arrays, broadcastable

from .oracle import central_difference

few = settings(max_examples=15)
X = np.array([[0.3, -0.7, 1.1], [1.9, -1.3, 0.6]])


@pytest.fixture(autouse=True)
def _the_library_alone() -> Iterator[None]:
    """Without what others have added, before and after."""
    before = dict(REGISTRY), dict(NUMPY)
    for table in (REGISTRY, NUMPY):
        for key in [key for key, known in table.items() if getattr(known, "added", False)]:
            del table[key]
    yield
    for table, old in zip((REGISTRY, NUMPY), before, strict=True):
        table.clear()
        table.update(old)


def by_erf(out: Any, x: Any) -> Any:
    return 2 / np.pi**0.5 * np.exp(-x * x)


# Every kind, as a function and as a decorator


@few
@given(broadcastable(2))
def test_an_elementwise_primitive(pair: Any) -> None:
    @mg.primitive(partials=[lambda out, x, y: np.cos(x) * y, lambda out, x, y: np.sin(x)], formula="y·sin x")
    def sway(x: Any, y: Any) -> Any:
        return np.sin(x) * y

    assert isinstance(sway, Elementwise) and sway.classes == ("smooth", "smooth")
    assert (sway.name, sway.formula, sway.source) == ("sway", "y·sin x", "added by the user")
    mg.check_gradients(lambda x, y: np.exp(sway(x, y)), *pair)
    np.testing.assert_array_equal(sway(*pair), np.sin(pair[0]) * pair[1])


def test_partials_may_be_numbers_and_compute_on_values() -> None:
    shifted = mg.primitive(lambda x, y: x + 3 * y, partials=[1, 3], name="shifted", classes="linear")
    a, b = mg.Value(2.0), mg.Value(5.0)
    shifted(a * a, b).backward()
    assert (a.grad, b.grad) == (4, 3)
    assert shifted.classes == ("linear", "linear")


def test_a_linear_primitive() -> None:
    @mg.primitive(transposes=[lambda g, x: np.cumsum(g[::-1])[::-1]], example=[X[0]])
    def running(x: Any) -> Any:
        return np.cumsum(x)

    assert isinstance(running, Linear) and running.classes == ("linear",)
    mg.check_gradients(lambda x: np.sin(running(x * x)), X[1])


def test_a_bilinear_primitive() -> None:
    product = mg.primitive(
        lambda x, y: np.outer(x, y),
        transposes=[lambda g, x, y: g @ y, lambda g, x, y: x @ g],
        name="dyad",
        example=[X[0], X[1, :2]],
    )
    assert product.classes == ("multilinear", "multilinear")
    mg.check_gradients(lambda x: np.tanh(product(x, x)), X[0])


def test_any_other_primitive_with_options() -> None:
    def forward(x: Any, axis: int = -1) -> Any:
        return np.sum(x * x, axis=axis)

    normal = mg.primitive(
        forward,
        vjps=[lambda g, out, x, axis=-1: 2 * x * np.expand_dims(g, axis)],
        jvps=[lambda t, out, x, axis=-1: np.sum(2 * x * t, axis=axis)],
        name="energy",
        example=[X],
    )
    assert isinstance(normal, General) and normal.options == ("axis",)
    mg.check_gradients(lambda x: normal(x, axis=0), X)
    mg.check_gradients(lambda x: normal(x, 0), X)


def test_primitives_of_primitives() -> None:
    cube = mg.primitive(lambda x: x**3, partials=[lambda out, x: slope(x)], name="cube", check=False)
    slope = mg.primitive(lambda x: 3 * x**2, partials=[lambda out, x: 6 * x], name="slope")
    mg.check_gradients(cube, X, order=3)
    np.testing.assert_allclose(mg.grad(mg.grad(mg.grad(lambda x: cube(x))))(1.7), 6)


# SciPy's ufuncs, once they have a rule


@few
@given(arrays())
def test_a_ufunc_of_scipy_is_recorded_when_it_has_a_rule(x: Any) -> None:
    leaf = mg.tensor(x, requires_grad=True)
    with pytest.raises(TypeError, match="erf has no derivative rule"):
        special.erf(leaf)
    mg.primitive(special.erf, partials=[by_erf])
    try:
        np.testing.assert_allclose(mg.jacobian(special.erf)(x).sum(), by_erf(None, x).sum())
        mg.check_gradients(lambda x: special.erf(x * 2), x)
        np.testing.assert_array_equal(special.erf(leaf).data, special.erf(x))
    finally:
        del REGISTRY["erf"], NUMPY[special.erf]


def test_digamma_up_to_the_third_order() -> None:
    def polygamma(n: int) -> Any:
        return mg.primitive(
            lambda x: special.polygamma(n, x), partials=[lambda out, x: next_one[n](x)],
            name=f"polygamma{n}", domain=[(0, np.inf)], check=False,
        )  # fmt: skip

    next_one = {n: polygamma(n + 1) for n in range(4)}
    digamma = mg.primitive(special.digamma, partials=[lambda out, x: next_one[0](x)], domain=[(0, np.inf)])
    loggamma = mg.primitive(special.gammaln, partials=[lambda out, x: digamma(x)], domain=[(0, np.inf)])
    x = np.array([0.4, 1.7, 6.0])
    mg.check_gradients(loggamma, x, order=3)
    np.testing.assert_allclose(mg.grad(special.gammaln)(2.5), special.digamma(2.5))


def test_second_derivatives_agree_with_differences_of_the_first() -> None:
    erf = mg.primitive(special.erf, partials=[by_erf])
    gradient = mg.grad(lambda x: np.sum(erf(x) ** 2))
    v = np.ones_like(X)
    np.testing.assert_allclose(
        mg.hvp(lambda x: np.sum(erf(x) ** 2), X, v), central_difference(gradient, [X], [v]), rtol=1e-6
    )


# The rest of the library takes them


def snap(**changes: Any) -> Any:
    """A gate of one's own: the identity outside of (−1, 1), 0 inside."""

    @mg.primitive(
        partials=[lambda out, x: np.abs(x) > 1],
        classes="gate",
        kinks={-1: "0 (closed)", 1: "0 (closed)"},
        pattern=lambda x: np.where(np.abs(x) > 1, np.sign(x), 0),
        margins=lambda pattern, x: np.stack([x - 1, x + 1], axis=-1),
        symbol="⎍",
        **({"example": [[0.3, -0.7, 2.1]]} | changes),
    )
    def snap(x: Any) -> Any:
        return np.where(np.abs(x) > 1, x, 0)

    return snap


class Snap(nn.Module):
    def __init__(self, gate: Any) -> None:
        super().__init__()
        self.gate = gate

    def forward(self, x: Any) -> Any:
        return self.gate(x)


def network() -> tuple[nn.Sequential, np.ndarray]:
    rng = np.random.default_rng(0)
    layers = [nn.Linear.of(rng.normal(size=(4, 3)), rng.normal(size=4)), Snap(snap())]
    return nn.Sequential(*layers, nn.Linear.of(rng.normal(size=(2, 4)), None)), rng.normal(size=3)


def test_a_gate_of_ones_own_has_a_thin_network() -> None:
    net, x = network()
    thin = mg.thin(net, x)
    np.testing.assert_allclose(thin.weight @ x + thin.bias, net(x).data, rtol=1e-12)
    np.testing.assert_allclose(thin.weight, mg.jacobian(net)(x), rtol=1e-12)
    assert 0 < thin.radius < np.inf
    inside = x + 0.99 * thin.radius * np.array([1.0, 0, 0])
    np.testing.assert_allclose(thin.weight @ inside + thin.bias, net(inside).data, rtol=1e-12)


def test_a_gate_of_ones_own_in_graphs_and_pictures() -> None:
    net, x = network()
    graph = mg.trace(net, x)
    assert [node.primitive for node in graph.nodes].count("snap") == 1
    assert "⎍" in str(viz.draw(graph))


def test_a_gate_needs_its_pattern_and_margins() -> None:
    with pytest.raises(ValueError, match="'step' is a gate: give its pattern and margins"):
        mg.primitive(lambda x: np.maximum(x, 0), partials=[lambda out, x: x > 0], name="step", classes="gate")
    assert "step" not in REGISTRY


def test_copies_refer_to_the_primitive() -> None:
    assert pickle.loads(pickle.dumps(snap())) is REGISTRY["snap"]


# Again, and in the way of others


def test_a_cell_that_is_run_again_replaces_what_it_added() -> None:
    def add(factor: float) -> Any:
        return mg.primitive(lambda x: factor * x, partials=[factor], name="scaled", classes="linear")

    first, second = add(2.0), add(3.0)
    assert first.added and second.added
    assert REGISTRY["scaled"] is second
    np.testing.assert_array_equal(mg.grad(lambda x: np.sum(second(x)))(X), np.full_like(X, 3))
    np.testing.assert_array_equal(first(X), 2 * X)

    mg.primitive(special.erf, partials=[by_erf], name="error")
    again = mg.primitive(special.erf, partials=[by_erf], name="error")
    assert NUMPY[special.erf] is again
    mg.primitive(special.expit, partials=[lambda out, x: out * (1 - out)], name="error")
    assert special.erf not in NUMPY
    assert NUMPY[special.expit] is REGISTRY["error"]


def test_a_wrong_rule_leaves_nothing_behind_and_what_was_there_stays() -> None:
    right = mg.primitive(special.erf, partials=[by_erf])
    registry, functions = dict(REGISTRY), dict(NUMPY)
    for partial, order in ((lambda out, x: x, 1), (lambda out, x: by_erf(out, numbers(x)), 2)):
        with pytest.raises(
            mg.GradientMismatch, match=f"primitive 'erf' was not added: order {order}, mode rev"
        ):
            mg.primitive(special.erf, partials=[partial])
        assert registry == REGISTRY and functions == NUMPY
    assert NUMPY[special.erf] is right

    with pytest.raises(mg.GradientMismatch, match="primitive 'halved' was not added: order 1, mode fwd"):
        mg.primitive(
            lambda x: x * x, vjps=[lambda g, out, x: 2 * x * g], jvps=[lambda t, out, x: x * t],
            name="halved", example=[X],
        )  # fmt: skip
    assert registry == REGISTRY and functions == NUMPY


@pytest.mark.parametrize("mode", ["rev", "fwd"])
def test_a_rule_that_is_constant_in_its_cotangent_is_not_added(mode: str) -> None:
    def faulty(t: Any, out: Any, x: Any) -> Any:
        return (t.detach() if isinstance(t, mg.Tensor) else t) * 3

    def right(t: Any, out: Any, x: Any) -> Any:
        return 3 * t

    vjp, jvp = (faulty, right) if mode == "rev" else (right, faulty)
    with pytest.raises(mg.GradientMismatch, match=f"'triple' was not added: order 2, mode rev of {mode}"):
        mg.primitive(lambda x: 3 * x, vjps=[vjp], jvps=[jvp], example=[np.ones(3)], name="triple")
    assert "triple" not in REGISTRY


def test_other_threads_compute_while_an_addition_fails() -> None:
    slopes: list[Any] = []

    def elsewhere(frame: Any, event: str, arg: Any) -> Any:
        """Let another thread compute between any two lines of the addition."""
        if frame.f_code.co_filename != extension.__file__:
            return None
        thread = threading.Thread(target=lambda: slopes.append(mg.grad(lambda x: np.exp(2 * x))(0.0)))
        thread.start()
        thread.join()
        return elsewhere

    before = sys.gettrace()
    sys.settrace(elsewhere)
    try:
        with pytest.raises(mg.GradientMismatch):
            mg.primitive(special.erf, partials=[lambda out, x: x])
    finally:
        sys.settrace(before)
    assert len(slopes) > 20 and set(map(float, slopes)) == {2.0}


def test_what_is_added_meanwhile_stays() -> None:
    def partial(out: Any, x: Any) -> Any:
        if "meanwhile" not in REGISTRY:
            mg.primitive(special.expit, name="meanwhile", partials=[lambda out, x: out * (1 - out)])
        return x

    with pytest.raises(mg.GradientMismatch):
        mg.primitive(special.erf, partials=[partial])
    assert NUMPY[special.expit] is REGISTRY["meanwhile"]
    assert special.erf not in NUMPY and "erf" not in REGISTRY


def test_a_ufunc_of_another_primitive_goes_back_to_it() -> None:
    right = mg.primitive(special.erf, partials=[by_erf])
    with pytest.raises(mg.GradientMismatch):
        mg.primitive(special.erf, name="wrong", partials=[lambda out, x: x])
    assert NUMPY[special.erf] is right is REGISTRY["erf"]


def test_a_rule_that_fails_leaves_nothing_behind() -> None:
    with pytest.raises(ZeroDivisionError):
        mg.primitive(lambda x: x * x, partials=[lambda out, x: 1 / 0], name="failing")
    assert "failing" not in REGISTRY


def test_no_check_on_request() -> None:
    wrong = mg.primitive(lambda x: x * x, partials=[lambda out, x: 5 * x], name="unchecked", check=False)
    assert mg.grad(wrong)(1.0) == 5


@pytest.mark.parametrize(
    "domain", [(5.0, np.inf), (-np.inf, -5.0), (0.0, 1e-3), (1e3, 1e3 + 1), (-np.inf, 1.0)]
)
def test_an_elementwise_rule_is_checked_inside_its_domain(domain: tuple[float, float]) -> None:
    seen: list[Any] = []

    def forward(x: Any) -> Any:
        seen.append(np.array(x.numpy() if isinstance(x, mg.Tensor) else x))
        return x * x

    mg.primitive(forward, partials=[lambda out, x: 2 * x], domain=[domain])
    assert domain[0] < seen[0].min() and seen[0].max() < domain[1]


def _as(kind: str, f: Any, slope: Any, **options: Any) -> Any:
    """Add an elementwise function of one array, declared to be of some class."""
    gate: dict[str, Any] = (
        {"pattern": lambda x: np.sign(x), "margins": lambda p, x: x[..., None]} if kind == "gate" else {}
    )
    return mg.primitive(f, name="declared", partials=[slope], classes=kind, **gate, **options)


@few
@given(x=arrays((2, 3)), factor=st.floats(0.5, 2), kind=st.sampled_from(["linear", "multilinear", "gate"]))
def test_what_is_declared_falsely_is_not_added(x: Any, factor: float, kind: str) -> None:
    curved: list[Any] = [
        (lambda x: np.sin(factor * x), lambda out, x: factor * np.cos(factor * x)),
        (lambda x: x * x * factor, lambda out, x: 2 * factor * x),
    ]
    pieces = (lambda x: np.maximum(x, 0) * factor, lambda out, x: (x > 0) * factor)
    shifted = (lambda x: x * factor + 1, lambda out, x: factor + 0 * x)
    straight = (lambda x: x * factor, lambda out, x: factor + 0 * x)
    before = dict(REGISTRY)
    for f, slope in curved if kind == "gate" else [*curved, pieces, shifted]:
        with pytest.raises(ValueError, match=rf"'declared' is declared .*{kind} in x, but .* declare it"):
            _as(kind, f, slope, example=[x])
        assert before == REGISTRY
    for f, slope in [straight, pieces, shifted] if kind == "gate" else [straight]:
        for dtype in (np.float64, np.float32):
            assert _as(kind, f, slope, example=[x.astype(dtype)]).classes == (kind,)


def test_constants_that_are_none_and_sums_that_are_products_are_not_added() -> None:
    with pytest.raises(mg.GradientMismatch, match="'declared' was not added"):
        _as("constant", lambda x: x * 2, 2.0, example=[X])
    for kinds in (("linear", "linear"), ("multilinear", "linear")):
        product: dict[str, Any] = {"partials": [lambda out, x, y: y, lambda out, x, y: x], "classes": kinds}
        if kinds[0] == "linear":
            with pytest.raises(ValueError, match=r"declared linear in x, y, but f\(x \+ y\)"):
                mg.primitive(lambda x, y: x * y, name="declared", **product)
        else:
            assert mg.primitive(lambda x, y: x * y, name="declared", **product).name == "declared"


@few
@given(broadcastable(2), st.integers(0, 1))
def test_a_forward_rule_that_changes_its_argument_is_not_added(pair: Any, changed: int) -> None:
    kept = [x.copy() for x in pair]

    def forward(x: Any, y: Any) -> Any:
        if isinstance((x, y)[changed], np.ndarray):
            (x, y)[changed][...] *= 2
        return x + y

    with pytest.raises(
        ValueError, match=f"'sum2': the forward rule changes its argument {'xy'[changed]}, .* copy"
    ):
        mg.primitive(forward, name="sum2", partials=[1.0, 1.0], example=pair)
    assert "sum2" not in REGISTRY
    for x, before in zip(pair, kept, strict=True):
        np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mg.primitive(lambda x: x, name="bad"), "'bad' needs one kind of rule: .* was given none"),
        (
            lambda: mg.primitive(lambda x: x, name="bad", partials=[1], transposes=[lambda g, x: g]),
            "it was given partials and transposes",
        ),
        (lambda: mg.primitive(lambda x: x, name="bad", vjps=[lambda g, out, x: g]), "was given vjps$"),
        (lambda: mg.primitive(lambda x: x, name="bad", jvps=[lambda t, out, x: t]), "was given jvps$"),
        (lambda: mg.primitive(lambda x: x, name="bad", partials=[]), "has 0 partials; it needs one per"),
        (
            lambda: mg.primitive(
                lambda x, y: x, name="bad", vjps=[lambda g, out, x, y: g] * 2, jvps=[lambda t, out, x, y: t]
            ),
            "has 2 and 1 vjps and jvps",
        ),
        (
            lambda: mg.primitive(lambda x: x, name="bad", partials=[1, 1]),
            "has 2 rules and 2 classes, but its forward rule takes 1 arrays; each needs one",
        ),
        (
            lambda: mg.primitive(special.erf, name="bad", partials=[1, 1]),
            "has 2 rules and 2 classes, but its forward rule takes 1",
        ),
        (
            lambda: mg.primitive(lambda x, y: x + y, name="bad", partials=[1, 1], classes=["linear"]),
            "2 rules and 1 classes",
        ),
        (lambda: mg.primitive(lambda x: x, name="bad", partials=[1], classes="odd"), "'odd' is none of"),
        (
            lambda: mg.primitive(lambda x: x, name="bad", partials=[1], domain=[(0, 1)] * 2),
            "2 domains for 1 arguments",
        ),
        (lambda: mg.primitive(lambda x: x, partials=[1]), "needs a name: pass name="),
        (
            lambda: mg.primitive(lambda x: x, name="bad", transposes=[lambda g, x: g]),
            r"'bad' is not elementwise: give arguments .* example=\[np.ones",
        ),
        (lambda: mg.primitive(lambda x: x, name="exp", partials=[1]), "'exp' is registered already"),
        (lambda: mg.primitive(np.exp, name="bad", partials=[lambda out, x: out]), "exp has its rule already"),
        (
            lambda: mg.primitive(lambda x: x, name="bad", transposes=[lambda g, x: g], example=[3]),
            None,
        ),
    ],
)
def test_what_is_incomplete_or_taken_is_refused(call: Any, message: str | None) -> None:
    registry, functions = dict(REGISTRY), dict(NUMPY)
    if message is None:  # whole numbers in an example become floats
        assert call().name == "bad"
        return
    with pytest.raises(ValueError, match=message):
        call()
    assert registry == REGISTRY and functions == NUMPY
