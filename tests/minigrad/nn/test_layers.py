"""Every layer: values and gradients as torch's, shapes, dtypes, wrong input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minigrad as mg
from minigrad import nn

from ..strategies import float_dtypes, networks, seeds, spread

few = settings(max_examples=25)
LINE = (-np.inf, np.inf)
leads = hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=3)

ACTIVATIONS = {
    "Sigmoid": (nn.Sigmoid, lambda t: t.nn.Sigmoid()),
    "Tanh": (nn.Tanh, lambda t: t.nn.Tanh()),
    "Softplus": (nn.Softplus, lambda t: t.nn.Softplus(threshold=1e9)),
    "ReLU": (nn.ReLU, lambda t: t.nn.ReLU()),
    "LeakyReLU": (lambda: nn.LeakyReLU(0.2), lambda t: t.nn.LeakyReLU(0.2)),
    "Hardtanh": (lambda: nn.Hardtanh(-0.5, 2), lambda t: t.nn.Hardtanh(-0.5, 2)),
    "PReLU": (lambda: nn.PReLU(0.25, dtype=np.float64), lambda t: t.nn.PReLU(init=0.25).double()),
    "Identity": (nn.Identity, lambda t: t.nn.Identity()),
}


def both_ways(net: nn.Module, theirs: Any, x: np.ndarray, g: np.ndarray) -> None:
    """Compare a module with torch's: result, gradient by the input, gradients by the parameters."""
    torch = pytest.importorskip("torch")
    mine = mg.tensor(x, requires_grad=True)
    other = torch.tensor(x, requires_grad=True)
    out, expected = net(mine), theirs(other)
    np.testing.assert_allclose(out.data, expected.detach().numpy(), rtol=1e-10, atol=1e-12)
    out.backward(g)
    expected.backward(torch.tensor(g))
    np.testing.assert_allclose(mine.grad, other.grad.numpy(), rtol=1e-10, atol=1e-12)
    for p, q in zip(net.parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(p.grad, q.grad.numpy(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ACTIVATIONS)
@few
@given(data=st.data(), shape=leads, seed=seeds)
def test_activations_as_torchs(name: str, data: Any, shape: Any, seed: int) -> None:
    torch = pytest.importorskip("torch")
    make, theirs = ACTIVATIONS[name]
    (x,) = spread(data.draw, [(*shape, 3)], [LINE])
    if name == "PReLU":  # torch reads the second axis as channels
        x = x.reshape(-1)
    both_ways(make(), theirs(torch), x, np.random.default_rng(seed).normal(size=x.shape))


@few
@given(lead=leads, n_in=st.integers(0, 4), n_out=st.integers(0, 4), bias=st.booleans(), seed=seeds)
def test_linear_as_torchs(lead: Any, n_in: int, n_out: int, bias: bool, seed: int) -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    weight, x, g = (
        rng.normal(size=(n_out, n_in)),
        rng.normal(size=(*lead, n_in)),
        rng.normal(size=(*lead, n_out)),
    )
    b = rng.normal(size=n_out) if bias else None
    layer = nn.Linear.of(weight, b)
    if 0 in (n_in, n_out):  # torch draws weights of width 0 only under protest: compare by hand
        leaf = mg.tensor(x, requires_grad=True)
        out = layer(leaf)
        out.backward(g)
        np.testing.assert_allclose(out.data, x @ weight.T + (0 if b is None else b))
        np.testing.assert_allclose(leaf.grad, g @ weight)
        np.testing.assert_allclose(layer.weight.grad, g.reshape(-1, n_out).T @ x.reshape(-1, n_in)
                                   if g.size and x.size else np.zeros_like(weight))  # fmt: skip
        return
    theirs = torch.nn.Linear(n_in, n_out, bias=bias, dtype=torch.float64)
    with torch.no_grad():
        theirs.weight.copy_(torch.tensor(weight))
        if bias:
            theirs.bias.copy_(torch.tensor(b))
    both_ways(layer, theirs, x, g)


@few
@given(data=st.data(), shape=leads, pieces=st.lists(st.integers(1, 4), min_size=1, max_size=4), seed=seeds)
def test_maxout_takes_each_groups_largest(data: Any, shape: Any, pieces: list[int], seed: int) -> None:
    (x,) = spread(data.draw, [(*shape, sum(pieces))], [LINE])
    g = np.random.default_rng(seed).normal(size=(*shape, len(pieces)))
    leaf = mg.tensor(x, requires_grad=True)
    out = nn.Maxout(pieces)(leaf)
    out.backward(g)
    expected, expected_grad, start = np.zeros(out.shape), np.zeros(x.shape), 0
    for unit, size in enumerate(pieces):
        for row in np.ndindex(*shape):
            entries = list(x[row][start : start + size])
            winner = entries.index(max(entries))
            expected[(*row, unit)] = entries[winner]
            expected_grad[(*row, start + winner)] = g[(*row, unit)]
        start += size
    np.testing.assert_array_equal(out.data, expected)
    np.testing.assert_array_equal(leaf.grad, expected_grad)
    if len(set(pieces)) == 1:
        np.testing.assert_array_equal(nn.Maxout(pieces[0])(x).data, expected)


def test_maxout_groups_neighbours() -> None:
    np.testing.assert_array_equal(nn.Maxout(2)([5.0, 7.0, -1.0, 1.0]).data, [7, 1])
    assert nn.Maxout(2).groups(6) == (2, 2, 2)
    assert nn.Maxout(2)(np.zeros((3, 0))).shape == (3, 0)
    assert nn.Maxout(np.array([2, 3])).pieces == (2, 3)


@few
@given(drawn=networks(), seed=seeds, lead=leads)
def test_a_batch_is_its_rows_one_by_one(drawn: Any, seed: int, lead: Any) -> None:
    net, n_in = drawn
    net.eval()
    x = np.random.default_rng(seed).normal(size=(*lead, n_in))
    together = net(x)
    for row in np.ndindex(*lead):
        np.testing.assert_allclose(together.data[row], net(x[row]).data, rtol=1e-9, atol=1e-12)


@few
@given(seed=seeds)
def test_a_whole_network_as_torchs(seed: int) -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    f64 = {"dtype": np.float64}
    block = nn.Residual(nn.Linear(5, 5, **f64), nn.ReLU())
    head = nn.Linear(5, 2, bias=False, **f64)
    net = nn.Sequential(nn.Linear(3, 5, **f64), nn.Tanh(), block, nn.LeakyReLU(0.1), head)

    class Residual(torch.nn.Sequential):
        def forward(self, x: Any) -> Any:
            return x + super().forward(x)

    theirs = torch.nn.Sequential(
        torch.nn.Linear(3, 5), torch.nn.Tanh(), Residual(torch.nn.Linear(5, 5), torch.nn.ReLU()),
        torch.nn.LeakyReLU(0.1), torch.nn.Linear(5, 2, bias=False),
    ).double()  # fmt: skip
    theirs.load_state_dict({name: torch.tensor(array) for name, array in net.state_dict().items()})
    assert list(net.state_dict()) == list(theirs.state_dict())
    both_ways(net, theirs, rng.normal(size=(4, 3)), rng.normal(size=(4, 2)))


# Dtypes


@given(drawn=networks(dtype=np.float32), dtype=float_dtypes)
@few
def test_float_data_keeps_its_dtype_and_parameters_theirs(drawn: Any, dtype: Any) -> None:
    net, n_in = drawn
    x = mg.tensor(np.ones((2, n_in), dtype=dtype), requires_grad=True)
    out = net(x)
    assert out.dtype == dtype
    out.backward(np.ones(out.shape))
    assert x.grad.dtype == dtype
    assert {p.grad.dtype for p in net.parameters()} == {np.dtype(np.float32)}


def test_parameters_are_float32_unless_told() -> None:
    assert {p.dtype for p in [*nn.Linear(2, 3).parameters(), *nn.PReLU().parameters()]} == {
        np.dtype(np.float32)
    }
    assert {p.dtype for p in nn.Linear(2, 3, dtype=np.float64).parameters()} == {np.dtype(np.float64)}
    assert nn.Linear.of([[1.0]], [2.0]).weight.dtype == np.float64


@pytest.mark.parametrize(
    "x", [[1, 2], np.array([1, 2], np.uint8), np.array([True, False]), mg.tensor([1, 2])]
)
def test_whole_numbers_and_decisions_are_taken_as_floats(x: Any) -> None:
    layer = nn.Linear.of([[1.0, 2.0]], None)
    assert layer(x).data == [float(np.asarray(x)[0]) + 2 * float(np.asarray(x)[1])]
    out = nn.Dropout(0.5)(x)
    assert out.dtype.kind == "f" and set(out.data) <= {0.0, 2.0, 4.0}


# Dropout


def test_both_scalings_have_the_same_expectation() -> None:
    x, p = np.full(200_000, 3.0), 0.3
    mg.manual_seed(0)
    for scaling, expected in (("inverted", 3.0), ("weights", 3.0 * (1 - p))):
        layer = nn.Dropout(p, scaling)
        out = layer(x).data
        assert out.mean() == pytest.approx(expected, rel=0.01)
        assert (out == 0).mean() == pytest.approx(p, abs=0.01)
        kept = 3.0 / (1 - p) if scaling == "inverted" else 3.0
        np.testing.assert_allclose(np.unique(out), [0, kept])
        np.testing.assert_allclose(layer.eval()(x).data, expected)


def test_the_gradient_goes_through_the_mask_that_was_drawn() -> None:
    for scaling in ("inverted", "weights"):
        x = mg.tensor(np.ones(50), requires_grad=True)
        out = nn.Dropout(0.5, scaling)(x)
        out.sum().backward()
        np.testing.assert_array_equal(x.grad, out.data)


def test_masks_are_drawn_anew_from_the_seed_or_a_generator_of_ones_own() -> None:
    x, layer = np.ones(100), nn.Dropout(0.5)
    mg.manual_seed(1)
    first, second = layer(x).data, layer(x).data
    mg.manual_seed(1)
    np.testing.assert_array_equal(first, layer(x).data)
    assert (first != second).any()
    layer.rng = np.random.default_rng(7)
    mine = layer(x).data
    mg.manual_seed(1)
    layer.rng = np.random.default_rng(7)
    np.testing.assert_array_equal(mine, layer(x).data)


def test_no_dropout_drops_nothing() -> None:
    np.testing.assert_array_equal(nn.Dropout(0.0)(np.ones(100)).data, np.ones(100))
    x = mg.tensor(np.ones(3))
    assert nn.Dropout(0.5).eval()(x) is x


def test_numpys_global_state_is_left_alone() -> None:
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    mg.manual_seed(5)
    nn.Dropout(0.5)(np.ones(10))
    nn.Linear(3, 3)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002


# Wrong input


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.Linear(64, 32)(np.zeros((32, 63))), ValueError, r"Linear\(64, 32\) got \(32, 63\)"),
        (lambda: nn.Linear(2, 1)(1.0), ValueError, r"Linear\(2, 1\) got \(\)"),
        (lambda: nn.Linear(2, 1)("ab"), TypeError, "real numbers"),
        (lambda: nn.Linear(2, 1)(None), TypeError, "real numbers"),
        (lambda: nn.Linear(2, 1)([[1, 2], [1]]), ValueError, "rows of equal length"),
        (lambda: nn.Linear(2.0, 1), ValueError, "whole numbers of neurons, but got n_in=2.0"),
        (lambda: nn.Linear(2, -1), ValueError, "n_out=-1"),
        (lambda: nn.Linear(True, 1), ValueError, "n_in=True"),
        (lambda: nn.Linear("a", 1), ValueError, "n_in='a'"),
        (lambda: nn.Linear(2, 1, dtype=int), TypeError, "only floats have gradients"),
        (lambda: nn.Linear.of([[1]], None), TypeError, r"Linear\.of takes only floats, but its weight"),
        (lambda: nn.Linear.of([[1.0]], [2]), TypeError, r"Linear\.of .* bias has whole numbers"),
        (lambda: nn.Linear.of([1.0], None), ValueError, r"weight \(n_out, n_in\)"),
        (lambda: nn.Linear.of([[1.0]], [1.0, 2.0]), ValueError, r"but got \(1, 1\) and \(2,\)"),
        (lambda: nn.Maxout(2)(np.zeros(5)), ValueError, r"Maxout\(2\) got 5 neurons .* multiple of 2"),
        (lambda: nn.Maxout([2, 2])(np.zeros(5)), ValueError, r"Maxout\(\[2, 2\]\) got 5 .* must be 4"),
        (lambda: nn.Maxout(2)(1.0), ValueError, "a single number"),
        (lambda: nn.Maxout(0), ValueError, "at least 1, but got 0"),
        (lambda: nn.Maxout([]), ValueError, r"but got \[\]"),
        (lambda: nn.Maxout([2, -1]), ValueError, r"but got \[2, -1\]"),
        (lambda: nn.Maxout(2.0), ValueError, "but got 2.0"),
        (lambda: nn.Maxout(True), ValueError, "but got True"),
        (lambda: nn.Maxout("ab"), ValueError, "but got 'ab'"),
        (lambda: nn.Maxout([[1], [2, 3]]), ValueError, r"but got \[\[1\], \[2, 3\]\]"),
        (lambda: nn.LeakyReLU("a"), ValueError, "LeakyReLU's slope must be a finite number, .* got 'a'"),
        (lambda: nn.LeakyReLU(float("nan")), ValueError, "got nan"),
        (lambda: nn.LeakyReLU(None), ValueError, "got None"),
        (lambda: nn.Hardtanh(2, 1), ValueError, "low < high, but got low=2 and high=1"),
        (lambda: nn.Hardtanh(None), ValueError, "Hardtanh's low must be a finite number, .* got None"),
        (lambda: nn.PReLU("a"), ValueError, "PReLU's init must be a finite number, .* got 'a'"),
        (lambda: nn.PReLU(float("inf")), ValueError, "got inf"),
        (lambda: nn.Dropout(1.0), ValueError, "0 ≤ p < 1, but got p=1.0"),
        (lambda: nn.Dropout(-0.1), ValueError, "p=-0.1"),
        (lambda: nn.Dropout(float("nan")), ValueError, "p=nan"),
        (lambda: nn.Dropout("a"), ValueError, "p='a'"),
        (lambda: nn.Dropout(0.5, "up"), ValueError, "\"inverted\" or \"weights\", but got 'up'"),
        (lambda: nn.Sequential([nn.ReLU()]), TypeError, r"argument 0 is a list; write \*layers"),
        (lambda: nn.Sequential(nn.ReLU(), 3), TypeError, "argument 1 is a int"),
        (lambda: nn.Sequential(nn.ReLU), TypeError, "argument 0 is a type"),
        (lambda: nn.Residual(nn.Linear(3, 2))(np.zeros(3)), ValueError, r"\(2,\) to its input's \(3,\)"),
    ],
)  # fmt: skip
def test_wrong_input_is_named(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
