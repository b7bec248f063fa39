"""Networks from torch: they compute the same in both modes, and what can't be taken over is named."""

from __future__ import annotations

import copy
import subprocess
import sys
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn
from minigrad.thin.affine import affine_map

from ..strategies import seeds
from .test_layers import both_ways

torch = pytest.importorskip("torch")
t = torch.nn
few = settings(max_examples=50, deadline=None)

ACTIVATIONS = (
    t.ReLU, t.ReLU6, lambda: t.LeakyReLU(0.2), lambda: t.PReLU(init=0.3), lambda: t.Hardtanh(-0.5, 0.7),
    t.Sigmoid, t.Tanh, t.Softplus, t.Identity, lambda: t.ReLU(inplace=True),
)  # fmt: skip


@st.composite
def of_vectors(draw: Any) -> tuple[Any, tuple[int, ...]]:
    """A network of vectors without dropout, and the shape of an input."""
    n_in = width = draw(st.integers(1, 4))
    layers: list[Any] = []
    for _ in range(draw(st.integers(0, 3))):
        units = draw(st.integers(1, 4))
        part = [t.Linear(width, units, bias=draw(st.booleans()))]
        if draw(st.booleans()):
            part += [t.BatchNorm1d(units, eps=draw(st.sampled_from([1e-5, 0.1])), affine=draw(st.booleans()))]
        part += [draw(st.sampled_from(ACTIVATIONS))()]
        layers += [t.Sequential(*part)] if draw(st.booleans()) else part
        width = units
    return t.Sequential(*layers, t.Linear(width, 2)), (n_in,)


@st.composite
def of_images(draw: Any) -> tuple[Any, tuple[int, ...]]:
    """A network of images without dropout, and the shape of an input."""
    channels, size = draw(st.integers(1, 2)), (draw(st.integers(5, 8)), draw(st.integers(5, 8)))
    kernel = draw(st.sampled_from([1, 3, (1, 3), (3, 2)]))
    padding = draw(st.sampled_from([0, 1, (1, 0), "valid"] + (["same"] if kernel != (3, 2) else [])))
    stride = 1 if isinstance(padding, str) else draw(st.sampled_from([1, 2, (1, 2)]))
    layers = [t.Conv2d(channels, 3, kernel, stride, padding, bias=draw(st.booleans()))]
    layers += [t.BatchNorm2d(3, momentum=0.3)] if draw(st.booleans()) else []
    layers += [draw(st.sampled_from(ACTIVATIONS))()]
    pool = draw(st.sampled_from(["Max", "Avg", "none"]))
    if pool != "none":
        padding = draw(st.sampled_from([0, 1]))
        layers += [getattr(t, f"{pool}Pool2d")(2, draw(st.sampled_from([None, 1])), padding)]
    layers += draw(st.sampled_from([[], [t.AdaptiveAvgPool2d(1)], [t.AdaptiveMaxPool2d((1, 1))]]))
    layers += [t.Flatten()]
    with torch.no_grad():
        width = t.Sequential(*layers).eval()(torch.zeros(2, channels, *size)).shape[1]
    return t.Sequential(t.Sequential(*layers), t.Linear(width, 2)), (channels, *size)


def scattered(net: Any, seed: int, dtype: Any = torch.float64) -> Any:
    """The network with random parameters and running averages."""
    net, rng = net.to(dtype), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for tensor in (*net.parameters(), *net.buffers()):
            if tensor.is_floating_point():
                tensor.copy_(torch.rand(tensor.shape, generator=rng, dtype=torch.float64) + 0.1)
                tensor *= 1 if tensor.ndim == 1 else torch.sign(torch.randn(tensor.shape, generator=rng))
    return net


@few
@given(drawn=of_vectors() | of_images(), training=st.booleans(), seed=seeds)
def test_values_and_gradients_are_torchs_in_both_modes(drawn: Any, training: bool, seed: int) -> None:
    theirs, shape = drawn
    theirs = scattered(theirs, seed).train(training)
    ours = nn.from_torch(theirs)
    rng = np.random.default_rng(seed)
    for _ in range(2):
        theirs.zero_grad()
        ours.zero_grad()
        both_ways(ours, theirs, rng.normal(size=(4, *shape)), rng.normal(size=(4, 2)))
    averages = [b.numpy() for name, b in theirs.named_buffers() if "num_batches" not in name]
    for (_, own), other in zip(ours.named_buffers(), averages, strict=True):
        np.testing.assert_allclose(own.data, other, rtol=1e-12)


@few
@given(drawn=of_vectors() | of_images(), dtype=st.sampled_from([torch.float32, torch.float16]), seed=seeds)
def test_dtypes_stay(drawn: Any, dtype: Any, seed: int) -> None:
    theirs, shape = drawn
    theirs = scattered(theirs, seed, dtype).eval()
    ours = nn.from_torch(theirs)
    x = np.random.default_rng(seed).normal(size=(3, *shape)).astype(str(dtype).rpartition(".")[2])
    out, expected = ours(x), theirs(torch.tensor(x)).detach().numpy()
    assert out.dtype == expected.dtype == x.dtype
    assert {array.dtype for array in ours.state_dict().values()} == {x.dtype}
    scale = max(1.0, float(abs(expected).max()))
    np.testing.assert_allclose(out.data, expected, atol=scale * (1e-5 if dtype == torch.float32 else 2e-2))


@few
@given(drawn=of_vectors() | of_images(), seed=seeds)
def test_the_original_is_left_untouched(drawn: Any, seed: int) -> None:
    theirs, shape = drawn
    theirs = scattered(theirs, seed)
    before, twin = copy.deepcopy(theirs.state_dict()), copy.deepcopy(theirs)
    ours = nn.from_torch(theirs)
    x = np.random.default_rng(seed).normal(size=(4, *shape))
    ours(x).sum().backward()
    for tensor in (*ours.parameters(), *(buffer for _, buffer in ours.named_buffers())):
        tensor.data += 1
    assert all(torch.equal(value, before[name]) for name, value in theirs.state_dict().items())
    assert all(p.grad is None and p.requires_grad for p in theirs.parameters())
    assert [m.training for m in theirs.modules()] == [m.training for m in twin.modules()]
    assert repr(theirs) == repr(twin)


def test_dropout_is_taken_over_and_every_module_keeps_its_mode() -> None:
    theirs = t.Sequential(
        OrderedDict(first=t.Linear(3, 4), drop=t.Dropout(0.25), rest=t.Sequential(t.Tanh()))
    )
    theirs.rest.eval()
    ours = nn.from_torch(theirs)
    assert repr(ours) == "Sequential(Linear(3, 4), Dropout(0.25), Sequential(Tanh()))"
    assert [m.training for m in ours.modules()] == [m.training for m in theirs.modules()]
    ours.eval()
    x = np.ones((2, 3), dtype=np.float32)
    np.testing.assert_allclose(ours(x).data, theirs.eval()(torch.tensor(x)).detach().numpy(), rtol=1e-6)


def test_one_layer_alone_and_none() -> None:
    assert repr(nn.from_torch(t.ReLU())) == "ReLU()"
    assert repr(nn.from_torch(t.Sequential())) == "Sequential()"
    assert repr(nn.from_torch(t.ReLU6())) == "Hardtanh(0, 6)"
    np.testing.assert_allclose(nn.from_torch(t.Softplus())([30.0]).data, 30.0, atol=3e-9)


def test_what_is_shared_stays_shared_and_what_is_frozen_frozen() -> None:
    layer, tied = t.Linear(2, 2), t.Linear(2, 2)
    tied.weight = layer.weight
    layer.bias.requires_grad_(False)
    ours = nn.from_torch(t.Sequential(layer, t.ReLU(), layer, tied))
    assert ours[0] is ours[2] and ours[3].weight is ours[0].weight and ours[3].bias is not ours[0].bias
    assert [name for name, _ in ours.named_parameters()] == ["0.weight", "0.bias", "3.bias"]
    assert [p.requires_grad for p in ours.parameters()] == [True, False, True]
    optimizer = mg.optim.Adam([p for p in ours.parameters() if p.requires_grad], lr=0.1)
    frozen = ours[0].bias.data.copy()
    (ours(np.ones((1, 2))) ** 2).sum().backward()
    optimizer.step()
    np.testing.assert_array_equal(ours[0].bias.data, frozen)


def test_it_can_be_saved_looked_into(tmp_path: Any) -> None:
    layers = (t.Conv2d(1, 2, 3), t.BatchNorm2d(2), t.ReLU(), t.MaxPool2d(2), t.Flatten(), t.Linear(8, 3))
    theirs = scattered(t.Sequential(*layers), 0).eval()
    ours = nn.from_torch(theirs)
    x = np.random.default_rng(0).normal(size=(5, 1, 6, 6))
    expected = theirs(torch.tensor(x)).detach().numpy()
    ours.save(tmp_path / "net")
    np.testing.assert_allclose(nn.load(tmp_path / "net")(x).data, expected, rtol=1e-12)
    around = affine_map(ours, x[0])
    weight = around.weight.reshape(3, -1)
    np.testing.assert_allclose(weight @ x[0].ravel() + around.bias.ravel(), expected[0], rtol=1e-9)
    jacobian = torch.autograd.functional.jacobian(lambda x: theirs(x[None])[0], torch.tensor(x[0]))
    np.testing.assert_allclose(weight, jacobian.numpy().reshape(3, -1), rtol=1e-9, atol=1e-12)


# What can't be taken over


class Block(t.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = t.Linear(2, 2)

    def forward(self, x: Any) -> Any:
        return x + self.inner(x)


class Linear(t.Linear):
    """Named as torch's, but another."""

    def forward(self, x: Any) -> Any:
        return -super().forward(x)


def hooked(register: str) -> Any:
    layer = t.Linear(2, 2)

    def doubled(*args: Any) -> None:
        return None

    getattr(layer, register)(doubled)
    return layer


def patched() -> Any:
    layer = t.ReLU()
    layer.forward = lambda x: -x
    return layer


UNFIT: list[tuple[Any, str]] = [
    (
        lambda: t.ConvTranspose2d(1, 1, 2),
        "nothing like it; it takes over Sequential, Linear, Identity, Conv2d",
    ),
    (lambda: t.GELU(), "nothing like it"),
    (lambda: t.LSTM(2, 2), "nothing like it"),
    (lambda: t.LazyLinear(2), "nothing like it"),
    (lambda: t.BatchNorm3d(2), "nothing like it"),
    (lambda: t.Dropout2d(0.5), "nothing like it"),
    (lambda: t.Softmax(dim=1), "leave it off: .* logits"),
    (lambda: t.LogSoftmax(dim=1), "leave it off"),
    (lambda: t.ModuleList([t.ReLU()]), "order"),
    (lambda: t.ModuleDict({"a": t.ReLU()}), "order"),
    (lambda: Block(), r"can't be read from its parts: pass them as a torch\.nn\.Sequential"),
    (lambda: Linear(2, 2), "can't be read from its parts"),
    (lambda: patched(), "a forward of its own"),
    (lambda: hooked("register_forward_hook"), "its hook doubled would be lost"),
    (lambda: hooked("register_forward_pre_hook"), "its hook doubled"),
    (lambda: hooked("register_full_backward_hook"), "its hook doubled"),
    (lambda: hooked("register_full_backward_pre_hook"), "its hook doubled"),
    (lambda: t.utils.parametrizations.spectral_norm(t.Linear(2, 2)), "remove_parametrizations first"),
    (lambda: t.utils.spectral_norm(t.Linear(2, 2)), "its hook SpectralNorm would be lost"),
    (lambda: t.DataParallel(t.ReLU()), r"its \.module"),
    (lambda: torch.jit.script(t.ReLU()), "nothing like it"),
    (lambda: t.Conv2d(2, 2, 3, groups=2), "groups=2, but minigrad's layer knows only groups=1"),
    (lambda: t.Conv2d(1, 1, 3, dilation=2), r"dilation=\(2, 2\)"),
    (lambda: t.Conv2d(1, 1, 3, padding=1, padding_mode="circular"), "padding_mode='circular'"),
    (lambda: t.Conv2d(1, 1, 2, padding="same"), "even kernel"),
    (lambda: t.MaxPool2d(2, dilation=2), "dilation=2"),
    (lambda: t.MaxPool2d(2, ceil_mode=True), "ceil_mode=True"),
    (lambda: t.MaxPool2d(2, return_indices=True), "return_indices=True"),
    (lambda: t.AvgPool2d(2, ceil_mode=True), "ceil_mode=True"),
    (lambda: t.AvgPool2d(2, divisor_override=3), "divisor_override=3"),
    (lambda: t.AvgPool2d(2, padding=1, count_include_pad=False), "count_include_pad=False"),
    (lambda: t.AvgPool2d(10**5), "1024 at most"),
    (lambda: t.AdaptiveAvgPool2d(2), "output_size=2"),
    (lambda: t.AdaptiveAvgPool2d((1, None)), r"output_size=\(1, None\)"),
    (lambda: t.BatchNorm1d(2, track_running_stats=False), "track_running_stats=False"),
    (lambda: t.BatchNorm1d(2, momentum=None), "momentum must be a finite number"),
    (lambda: t.Flatten(0), "start_dim=0"),
    (lambda: t.Flatten(1, 2), "end_dim=2"),
    (lambda: t.Unflatten(1, (1, 2)), "nothing like it"),
    (lambda: t.PReLU(2), "num_parameters=2"),
    (lambda: t.Softplus(beta=2), "beta=2"),
    (lambda: t.Softplus(threshold=5), "threshold=5"),
    (lambda: t.Dropout(1.0), "0 ≤ p < 1"),
    (
        lambda: t.Linear(2, 2, dtype=torch.bfloat16),
        r"no array of its torch\.bfloat16 on cpu, .* net\.float\(\)",
    ),
    (lambda: t.Linear(2, 2, device="meta"), "on meta"),
    (lambda: t.Linear(2, 2, dtype=torch.complex64), "real numbers"),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("make", "message"), UNFIT)
def test_what_cannot_be_taken_over_is_named_with_its_place(make: Any, message: str) -> None:
    layer = make()
    kind, no = type(layer).__name__, "^from_torch can't take over"
    with pytest.raises(ValueError, match=rf"{no} the network itself \({kind}\): .*{message}"):
        nn.from_torch(layer)
    inside = t.Sequential(t.ReLU(), t.Sequential(OrderedDict(a=t.Tanh(), b=layer)))
    with pytest.raises(ValueError, match=rf"{no} layer 1\.b \({kind}\): .*{message}"):
        nn.from_torch(inside)


def test_average_pooling_may_leave_padding_out_where_there_is_none() -> None:
    assert repr(nn.from_torch(t.AvgPool2d(2, count_include_pad=False))) == "AvgPool2d(2)"


@pytest.mark.parametrize("given", [None, 3, "net.pt", nn.Linear(2, 2), t.ReLU, [t.ReLU()], {"0.weight": 1}])
def test_anything_else_is_no_torch_network(given: Any) -> None:
    hint = "load_state_dict" if isinstance(given, dict) else ""
    with pytest.raises(
        TypeError, match=rf"takes a torch\.nn\.Module, but got a {type(given).__name__}.*{hint}"
    ):
        nn.from_torch(given)


def test_torch_is_not_imported() -> None:
    program = "import sys, minigrad.nn; sys.exit(len({'torch', 'sklearn'} & {*sys.modules}))"
    subprocess.run([sys.executable, "-c", program], check=True)
