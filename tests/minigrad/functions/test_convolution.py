"""Convolution and pooling against loops and torch, and thin networks of them."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn

from ..samplers.convolution import geometry
from ..strategies import normal, seeds, spread

few = settings(max_examples=40)


def padded(x: np.ndarray, padding: Any, value: float) -> np.ndarray:
    widths = [(0, 0)] * (x.ndim - len(padding)) + [(p, p) for p in padding]
    return np.pad(x, widths, constant_values=value)


def each_window(x: np.ndarray, kernel: Any, stride: Any) -> Any:
    """Where a window's result goes, and its entries."""
    spatial = x.shape[2:]
    counts = [(n - k) // s + 1 for n, k, s in zip(spatial, kernel, stride, strict=True)]
    for at in product(*map(range, counts)):
        yield at, x[(..., *(slice(i * s, i * s + k) for i, s, k in zip(at, stride, kernel, strict=True)))]


def by_loops(x: Any, weight: Any, bias: Any, stride: Any, padding: Any) -> Any:
    found = {}
    for at, window in each_window(padded(x, padding, 0), weight.shape[2:], stride):
        found[at] = np.einsum("bcx,ocx->bo", *(a.reshape(*a.shape[:2], -1) for a in (window, weight))) + bias
    return _together(found)


def _together(found: dict[Any, Any]) -> Any:
    shape = [n + 1 for n in max(found)]
    return np.moveaxis(
        np.reshape(list(found.values()), (*shape, *next(iter(found.values())).shape)), (-2, -1), (0, 1)
    )


@st.composite
def convolutions(draw: Any, axes: int) -> Any:
    spatial, kernel, stride, padding = draw(geometry(axes))
    batch, channels, outputs = (draw(st.integers(1, 3)) for _ in range(3))
    x = normal(draw, (batch, channels, *spatial))
    weight = normal(draw, (outputs, channels, *kernel))
    return x, weight, normal(draw, (outputs,)), stride, padding


def number_or_pair(lengths: Any) -> Any:
    """The shortest way to say it."""
    return lengths[0] if len(set(lengths)) == 1 else lengths


@pytest.mark.parametrize(("function", "axes"), [(mg.conv1d, 1), (mg.conv2d, 2)])
@few
@given(data=st.data())
def test_convolution_is_a_product_for_every_window(function: Any, axes: int, data: Any) -> None:
    x, weight, bias, stride, padding = data.draw(convolutions(axes))
    expected = by_loops(x, weight, bias, stride, padding)
    short = {"stride": number_or_pair(stride), "padding": number_or_pair(padding)}
    for given_x in (x, mg.tensor(x)):
        np.testing.assert_allclose(
            mg.tensor(function(given_x, weight, bias, **short)).data, expected, atol=1e-12
        )
    without = function(x, weight, stride=stride, padding=padding)
    np.testing.assert_allclose(without, by_loops(x, weight, 0, stride, padding), atol=1e-12)


@pytest.mark.parametrize("axes", [1, 2])
@few
@given(data=st.data())
def test_convolution_and_its_gradients_are_torchs(axes: int, data: Any) -> None:
    torch = pytest.importorskip("torch")
    *arrays, stride, padding = data.draw(convolutions(axes))
    ours = [mg.tensor(a, requires_grad=True) for a in arrays]
    theirs = [torch.tensor(a, requires_grad=True) for a in arrays]
    out = [mg.conv1d, mg.conv2d][axes - 1](*ours, stride=stride, padding=padding)
    expected = getattr(torch.nn.functional, f"conv{axes}d")(*theirs, stride=stride, padding=padding)
    cotangent = normal(data.draw, out.shape)
    np.testing.assert_allclose(out.data, expected.detach().numpy(), atol=1e-12)
    out.backward(gradient=cotangent)
    expected.backward(torch.tensor(cotangent))
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine.grad, other.grad.numpy(), atol=1e-11)


@given(seed=seeds)
@settings(max_examples=10)
def test_the_second_derivative_of_a_convolution_is_torchs(seed: int) -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    x, weight = rng.normal(size=(2, 2, 5, 4)), rng.normal(size=(3, 2, 3, 2))
    direction = rng.normal(size=weight.shape)

    leaf, kernel = (mg.tensor(a, requires_grad=True) for a in (x, weight))
    (mg.conv2d(leaf, kernel, stride=(2, 1), padding=1) ** 3).sum().backward(create_graph=True)
    along = (kernel.grad * direction).sum()
    leaf.grad = kernel.grad = None
    along.backward()

    others = [torch.tensor(a, requires_grad=True) for a in (x, weight)]
    out = (torch.nn.functional.conv2d(*others, stride=(2, 1), padding=1) ** 3).sum()
    (first,) = torch.autograd.grad(out, others[1], create_graph=True)
    expected = torch.autograd.grad((first * torch.tensor(direction)).sum(), others)
    np.testing.assert_allclose(leaf.grad, expected[0].numpy(), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(kernel.grad, expected[1].numpy(), rtol=1e-9, atol=1e-9)


# Pooling


@st.composite
def poolings(draw: Any) -> Any:
    spatial, kernel, stride, padding = draw(geometry(2))
    padding = tuple(min(p, k // 2) for p, k in zip(padding, kernel, strict=True))
    spatial = tuple(max(n, k - 2 * p) for n, k, p in zip(spatial, kernel, padding, strict=True))
    (x,) = spread(draw, [(draw(st.integers(1, 2)), draw(st.integers(1, 2)), *spatial)], [(-np.inf, np.inf)])
    return x, kernel, draw(st.sampled_from([None, stride])), padding


@few
@given(drawn=poolings())
def test_pooling_reduces_every_window(drawn: Any) -> None:
    x, kernel, stride, padding = drawn
    for function, reduce, value in ((mg.max_pool2d, np.max, -np.inf), (mg.avg_pool2d, np.mean, 0)):
        windows = each_window(padded(x, padding, value), kernel, stride or kernel)
        expected = _together({at: reduce(window, axis=(2, 3)) for at, window in windows})
        actual = function(mg.tensor(x), number_or_pair(kernel), stride and number_or_pair(stride), padding)
        np.testing.assert_allclose(actual.data, expected, atol=1e-14)


@pytest.mark.parametrize("name", ["max_pool2d", "avg_pool2d"])
@few
@given(data=st.data())
def test_pooling_and_its_gradients_are_torchs(name: str, data: Any) -> None:
    torch = pytest.importorskip("torch")
    x, kernel, stride, padding = data.draw(poolings())
    if data.draw(st.booleans()):
        x = np.round(x)  # ties: the first wins
    ours, theirs = mg.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    out = getattr(mg, name)(ours, kernel, stride, padding)
    expected = getattr(torch.nn.functional, name)(theirs, kernel, stride, padding)
    cotangent = normal(data.draw, out.shape)
    np.testing.assert_allclose(out.data, expected.detach().numpy(), atol=1e-14)
    out.backward(gradient=cotangent)
    expected.backward(torch.tensor(cotangent))
    np.testing.assert_allclose(ours.grad, theirs.grad.numpy(), atol=1e-13)
    tangent = normal(data.draw, x.shape)
    _, forward = mg.jvp(lambda t: getattr(mg, name)(t, kernel, stride, padding), [x], [tangent])
    np.testing.assert_allclose(
        np.sum(forward * cotangent), np.sum(ours.grad * tangent), rtol=1e-9, atol=1e-10
    )


def test_the_first_of_equal_entries_wins() -> None:
    x = mg.tensor(np.zeros((1, 1, 2, 4)), requires_grad=True)
    mg.max_pool2d(x, 2).sum().backward()
    np.testing.assert_array_equal(x.grad[0, 0], [[1, 0, 1, 0], [0, 0, 0, 0]])


@pytest.mark.parametrize("empty", [(0, 2, 4, 4), (2, 0, 4, 4)])
def test_there_may_be_no_images_or_no_channels(empty: Any) -> None:
    x = mg.tensor(np.ones(empty), requires_grad=True)
    outs = [
        mg.conv2d(x, np.ones((3, empty[1], 2, 2)), np.ones(3), padding=1),
        mg.max_pool2d(x, 2), mg.max_pool2d(x, 2, padding=1), mg.avg_pool2d(x, 2),
    ]  # fmt: skip
    assert [out.shape for out in outs] == [(empty[0], 3, 5, 5), *((*empty[:2], n, n) for n in (2, 3, 2))]
    sum(out.sum() for out in outs).backward()
    assert x.grad.shape == empty


@pytest.mark.parametrize("padding", [0, 1])
def test_float32_stays(padding: int) -> None:
    x, weight, bias = (np.ones(shape, np.float32) for shape in ((2, 3, 4, 4), (2, 3, 2, 2), 2))
    leaves = [mg.tensor(a, requires_grad=True) for a in (x, weight, bias)]
    out = mg.avg_pool2d(mg.max_pool2d(mg.conv2d(*leaves, padding=padding), 2, padding=padding), 1)
    assert out.dtype == np.float32
    out.sum().backward()
    assert all(leaf.grad.dtype == np.float32 for leaf in leaves)


@pytest.mark.parametrize("padding", [0, 1])
def test_scalars_are_convolved_and_pooled_too(padding: int) -> None:
    rng = np.random.default_rng(0)
    x, weight = rng.normal(size=(1, 1, 3, 3)), rng.normal(size=(1, 1, 2, 2))
    values = np.array([mg.Value(float(v)) for v in x.ravel()], dtype=object).reshape(x.shape)
    for f in (
        lambda a: mg.conv2d(a, weight, padding=padding),
        lambda a: mg.max_pool2d(a, 2, stride=1, padding=padding),
        lambda a: mg.avg_pool2d(a, 2, stride=1, padding=padding),
    ):
        for value in values.ravel():
            value.grad = 0.0
        out = f(values)
        leaf = mg.tensor(x, requires_grad=True)
        expected = f(leaf)
        np.testing.assert_allclose([v.data for v in out.ravel()], expected.data.ravel(), rtol=1e-12)
        sum(out.ravel()).backward()
        expected.sum().backward()
        np.testing.assert_allclose(
            [v.grad for v in values.ravel()], leaf.grad.ravel(), rtol=1e-12, atol=1e-14
        )


# Thin networks


class Convolutional(nn.Module):
    """A vector, seen as images; a convolution, a ReLU, a pooling, a Linear."""

    def __init__(self, rng: np.random.Generator, pool: Any, padding: int) -> None:
        super().__init__()
        self.kernel = nn.Parameter(rng.normal(size=(3, 1, 3, 3)))
        self.bias = nn.Parameter(rng.normal(size=3))
        self.pool, self.padding = pool, padding
        self.linear = nn.Linear.of(rng.normal(size=(2, 3 * 3 * 3)), rng.normal(size=2))

    def forward(self, x: Any) -> Any:
        lead = x.shape[:-1]
        images = np.reshape(x, (int(np.prod(lead)), 1, 6, 6))
        hidden = mg.relu(mg.conv2d(images, self.kernel, self.bias, padding=1))
        pooled = self.pool(hidden, 2 + self.padding, stride=2, padding=self.padding)
        return self.linear(np.reshape(pooled, (*lead, 27)))


@pytest.mark.parametrize("pool", [mg.max_pool2d, mg.avg_pool2d])
@pytest.mark.parametrize("padding", [0, 1])
@given(seed=seeds)
@settings(max_examples=5)
def test_a_convolutional_network_has_a_thin_network(pool: Any, padding: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    net, x = Convolutional(rng, pool, padding), rng.normal(size=36)
    thin = mg.thin(net, x)
    np.testing.assert_allclose(thin.weight @ x + thin.bias, net(x).data, rtol=1e-10, atol=1e-10)
    step = min(1e-4, thin.radius / 2)
    differences = [(net(x + step * e).data - net(x - step * e).data) / (2 * step) for e in np.eye(36)]
    np.testing.assert_allclose(thin.weight.T, differences, rtol=0, atol=1e-12 / step + 1e-9)
    inside = x + 0.99 * min(thin.radius, 10) * _unit(rng.normal(size=36))
    np.testing.assert_allclose(thin.weight @ inside + thin.bias, net(inside).data, rtol=1e-9, atol=1e-9)


def _unit(direction: Any) -> Any:
    return direction / np.linalg.norm(direction)


# Wrong input


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x, w: mg.conv2d(x[0], w), r"images \(3, 8, 8\); they must be \(batch, channels, height, wi"),
        (lambda x, w: mg.conv1d(x, w), r"signals \(2, 3, 8, 8\); they must be \(batch, channels, length\)"),
        (lambda x, w: mg.conv2d(x, w[0]), r"weights \(3, 3, 3\); they must be \(out_channels, channels, ker"),
        (lambda x, w: mg.conv2d(x[:, :1], w), r"weights \(4, 3, 3, 3\) for 3 channels, but images .* with 1"),
        (lambda x, w: mg.conv2d(x[..., :2], w), r"kernels \(3, 3\) for images \(8, 2\), \(8, 2\) with"),
        (lambda x, w: mg.conv2d(x, w[..., :0]), r"kernels \(3, 0\) for images"),
        (lambda x, w: mg.conv2d(x, w, np.ones(3)), r"a bias \(3,\); it must be \(4,\)"),
        (lambda x, w: mg.conv2d(x, w, stride=0), "stride=0; it must be a whole number from 1, or 2 of them"),
        (lambda x, w: mg.conv2d(x, w, stride=(1, 2, 3)), r"stride=\(1, 2, 3\); it must be"),
        (lambda x, w: mg.conv2d(x, w, padding=-1), "padding=-1; it must be a whole number from 0"),
        (lambda x, w: mg.conv2d(x, w, padding=0.5), "padding=0.5"),
        (lambda x, w: mg.max_pool2d(x, 9), r"max_pool2d got kernels \(9, 9\) for images \(8, 8\)"),
        (lambda x, w: mg.max_pool2d(x, 0), "kernel_size=0"),
        (lambda x, w: mg.avg_pool2d(x, 2, padding=2), r"padding \(2, 2\) for windows \(2, 2\); it may"),
        (lambda x, w: mg.avg_pool2d(x[0], 2), r"avg_pool2d got images \(3, 8, 8\)"),
    ],
)  # fmt: skip
def test_wrong_shapes_are_explained(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call(mg.tensor(np.ones((2, 3, 8, 8))), np.ones((4, 3, 3, 3)))


@pytest.mark.parametrize("wrong", [np.ones((1, 1, 3, 3), complex), np.full((1, 1, 3, 3), "a")])
def test_numbers_that_are_not_real_are_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match="conv2d takes real numbers, but got dtype"):
        mg.conv2d(mg.tensor(np.ones((1, 1, 3, 3))), wrong)
    with pytest.raises(TypeError, match="max_pool2d takes real numbers"):
        mg.max_pool2d(wrong, 2)
