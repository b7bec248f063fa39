"""Layers for images: values and gradients as torch's, shapes, wrong input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn

from ..strategies import seeds
from .test_layers import both_ways

few = settings(max_examples=25, deadline=None)
pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))
sides = st.tuples(st.integers(1, 6), st.integers(1, 6))


@few
@given(sides, pairs, pairs, pairs, st.booleans(), seeds)
def test_convolution_as_torchs(
    spatial: Any, kernel: Any, stride: Any, rim: Any, bias: bool, seed: int
) -> None:
    torch = pytest.importorskip("torch")
    padding = tuple(p - 1 for p in rim)
    assume(all(n + 2 * p >= k for n, k, p in zip(spatial, kernel, padding, strict=True)))
    rng = np.random.default_rng(seed)
    layer = nn.Conv2d(2, 3, kernel, stride, padding, bias, dtype=np.float64)
    theirs = torch.nn.Conv2d(2, 3, kernel, stride, padding, bias=bias, dtype=torch.float64)
    theirs.load_state_dict({name: torch.tensor(array) for name, array in layer.state_dict().items()})
    x = rng.normal(size=(2, 2, *spatial))
    both_ways(layer, theirs, x, rng.normal(size=layer(x).shape))
    again = nn.Conv2d.of(layer.weight, layer.bias, stride, padding)
    np.testing.assert_array_equal(again(x).data, layer(x).data)
    assert repr(again) == repr(layer) and again.config() == layer.config()


@few
@given(st.sampled_from(["MaxPool2d", "AvgPool2d"]), sides, pairs, st.none() | pairs, st.booleans(), seeds)
def test_pooling_as_torchs(
    name: str, spatial: Any, kernel: Any, stride: Any, padded: bool, seed: int
) -> None:
    torch = pytest.importorskip("torch")
    padding = tuple(k // 2 for k in kernel) if padded else (0, 0)
    assume(all(n + 2 * p >= k for n, k, p in zip(spatial, kernel, padding, strict=True)))
    rng = np.random.default_rng(seed)
    layer, theirs = (
        getattr(nn, name)(kernel, stride, padding),
        getattr(torch.nn, name)(kernel, stride, padding),
    )
    x = rng.normal(size=(2, 3, *spatial))
    both_ways(layer, theirs, x, rng.normal(size=layer(x).shape))


@pytest.mark.parametrize("name", ["MaxPool2d", "AvgPool2d"])
@few
@given(spatial=sides, seed=seeds)
def test_pooling_of_whole_images_as_torchs(name: str, spatial: Any, seed: int) -> None:
    torch = pytest.importorskip("torch")
    theirs = getattr(torch.nn, f"Adaptive{name}")(1)
    rng = np.random.default_rng(seed)
    both_ways(getattr(nn, name)(), theirs, rng.normal(size=(2, 3, *spatial)), rng.normal(size=(2, 3, 1, 1)))


@few
@given(shape=st.lists(st.integers(0, 3), min_size=1, max_size=5), seed=seeds)
def test_flatten_keeps_the_batch_and_leaves_vectors_alone(shape: list[int], seed: int) -> None:
    x = np.random.default_rng(seed).normal(size=shape)
    leaf = mg.tensor(x, requires_grad=True)
    out = nn.Flatten()(leaf)
    rows = [list(row.flat) for row in x] if len(shape) > 1 else list(x)
    assert out.data.tolist() == rows
    assert out.ndim == min(len(shape), 2)
    out.backward(out.data.copy())
    np.testing.assert_array_equal(leaf.grad, x)


def test_a_batch_of_images_is_its_images_one_by_one() -> None:
    net = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1, dtype=float),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 3, 2, dtype=float),
        nn.AvgPool2d(),
        nn.Flatten(),
        nn.Linear(3, 2, dtype=float),
    )
    x = np.random.default_rng(0).normal(size=(5, 1, 6, 6))
    single = [net(image[None]).data[0] for image in x]
    np.testing.assert_allclose(net(x).data, single, rtol=1e-12, atol=1e-14)


def test_a_network_of_images_is_the_same_neuron_by_neuron() -> None:
    mg.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(1, 2, 2, 2, 1, dtype=float), nn.BatchNorm(2, dtype=float), nn.Hardtanh(),
        nn.MaxPool2d(2, 1, 1), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(8, 2, dtype=float),
    ).eval()  # fmt: skip
    x = mg.tensor(np.random.default_rng(0).normal(size=(1, 1, 4, 4)), requires_grad=True)
    values, out = mg.scalarize(net, x), net(x)
    np.testing.assert_allclose([value.data for value in values], out.data[0], rtol=1e-12)
    out.sum().backward()
    sum(values[1:], start=values[0]).backward()
    by_label = {leaf.label: leaf.grad for leaf in mg.leaves(values[0] + values[1])}
    assert len([label for label in by_label if label.startswith("x")]) == 16
    for index in np.ndindex(x.shape):
        label = f"x[{', '.join(map(str, index))}]"
        np.testing.assert_allclose(by_label[label], x.grad[index], rtol=1e-10, atol=1e-14)
    assert mg.trace(net, x).nodes[-1].value.shape == (1, 2)


def test_whole_numbers_are_taken_as_floats_and_floats_keep_their_dtype() -> None:
    pixels = np.arange(16, dtype=np.uint8).reshape(1, 1, 4, 4)
    layer = nn.Conv2d(1, 1, 2)
    assert layer(pixels).dtype == np.float32
    np.testing.assert_array_equal(layer(pixels).data, layer(pixels.astype(np.float32)).data)
    assert nn.MaxPool2d(2)(pixels).data.tolist() == [[[[5, 7], [13, 15]]]]
    assert nn.AvgPool2d(4)(pixels).item() == 7.5
    assert {p.dtype for p in nn.Conv2d(1, 1, 2, dtype=np.float64).parameters()} == {np.dtype(np.float64)}


def test_kernels_are_drawn_as_he_says() -> None:
    mg.manual_seed(0)
    layer = nn.Conv2d(50, 60, (3, 5))
    assert layer.weight.data.var() == pytest.approx(2 / (50 * 15), rel=0.03)
    assert not layer.bias.data.any()


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (nn.Conv2d(1, 2, 3), "Conv2d(1, 2, 3)"),
        (
            nn.Conv2d(1, 2, (3, 5), (1, 2), 1, False),
            "Conv2d(1, 2, [3, 5], stride=[1, 2], padding=1, bias=False)",
        ),
        (nn.MaxPool2d(2), "MaxPool2d(2)"),
        (nn.MaxPool2d(3, 2, 1), "MaxPool2d(3, stride=2, padding=1)"),
        (nn.AvgPool2d((2, 3), (2, 1)), "AvgPool2d([2, 3], stride=[2, 1])"),
        (nn.AvgPool2d(), "AvgPool2d()"),
    ],
)
def test_its_text_is_how_it_was_made(layer: nn.Module, text: str) -> None:
    assert repr(layer) == text


def images(*shape: int) -> np.ndarray:
    return np.zeros(shape)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.Conv2d(3, 2, 3)(images(3, 8, 8)), ValueError,
         r"Conv2d\(3, 2, 3\) got \(3, 8, 8\); .* \(batch, 3, height, width\).*; write x\[None\]"),
        (lambda: nn.Conv2d(3, 2, 3)(images(1, 8, 8)), ValueError, r"got \(1, 8, 8\); .* pixel or more$"),
        (lambda: nn.Conv2d(3, 2, 3)(images(5, 1, 8, 8)), ValueError, r"got \(5, 1, 8, 8\)"),
        (lambda: nn.Conv2d(3, 2, 3)(1.0), ValueError, r"got \(\)"),
        (lambda: nn.Conv2d(1, 2, 3)(images(1, 1, 2, 8)), ValueError, r"kernels \(3, 3\) for images \(2, 8\)"),
        (lambda: nn.Conv2d(1, 2, 3)("ab"), TypeError, "real numbers"),
        (lambda: nn.Conv2d(0, 2, 3), ValueError, "channels, but got in_channels=0"),
        (lambda: nn.Conv2d(1, True, 3), ValueError, "out_channels=True"),
        (lambda: nn.Conv2d(1, 2.0, 3), ValueError, "out_channels=2.0"),
        (lambda: nn.Conv2d(1, 2, 0), ValueError, "Conv2d got kernel_size=0"),
        (lambda: nn.Conv2d(1, 2, (1, 2, 3)), ValueError, r"kernel_size=\(1, 2, 3\)"),
        (lambda: nn.Conv2d(1, 2, 10**9), ValueError, "kernel_size=1000000000; it may be 1024 at most"),
        (lambda: nn.Conv2d(1, 2, True), ValueError, "kernel_size=True"),
        (lambda: nn.Conv2d(1, 2, 3, stride=0), ValueError, "stride=0"),
        (lambda: nn.Conv2d(1, 2, 3, padding="same"), ValueError, "padding='same'"),
        (lambda: nn.Conv2d(1, 2, 3, padding=-1), ValueError, "padding=-1"),
        (lambda: nn.Conv2d(1, 2, 3, dtype=int), TypeError, "only floats have gradients"),
        (lambda: nn.Conv2d.of([[1.0]]), ValueError, r"of takes a weight \(out_channels, .* got \(1, 1\)"),
        (lambda: nn.Conv2d.of([[[[1]]]]), TypeError, "only floats"),
        (lambda: nn.Conv2d.of([[[[1.0]]]], [1.0, 2.0]), ValueError, r"got \(1, 1, 1, 1\) and \(2,\)"),
        (lambda: nn.Conv2d.of(images(1, 0, 2, 2)), ValueError, r"got \(1, 0, 2, 2\)"),
        (lambda: nn.MaxPool2d(2)(images(3, 8, 8)), ValueError, r"MaxPool2d\(2\) got \(3, 8, 8\).* x\[None\]"),
        (lambda: nn.MaxPool2d(4)(images(1, 1, 3, 3)), ValueError, r"kernels \(4, 4\) for images \(3, 3\)"),
        (lambda: nn.AvgPool2d()(images(1, 1, 0, 3)), ValueError, r"got \(1, 1, 0, 3\); .* a pixel or more"),
        (lambda: nn.MaxPool2d(3, padding=2), ValueError, "padding=2 for windows of kernel_size=3"),
        (lambda: nn.AvgPool2d(10**9), ValueError, "1024 at most"),
        (lambda: nn.AvgPool2d(2, stride="a"), ValueError, "stride='a'"),
        (lambda: nn.AvgPool2d(stride=2), ValueError, "whole images takes neither stride"),
        (lambda: nn.AvgPool2d(padding=1), ValueError, "give kernel_size"),
        (lambda: nn.Flatten()(1.0), ValueError, "single number"),
    ],
)  # fmt: skip
def test_wrong_input_is_named(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
