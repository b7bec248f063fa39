"""Networks in files: they come back bit by bit, damage is noticed, and nothing in a file is trusted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn
from minigrad.nn import loading, storage

from ..strategies import float_dtypes, networks, seeds

few = settings(max_examples=40)


def equal(a: nn.Module, b: nn.Module) -> None:
    """The same architecture and the same bits."""
    assert repr(a) == repr(b)
    one, other = a.state_dict(), b.state_dict()
    assert list(one) == list(other)
    for name in one:
        assert one[name].dtype == other[name].dtype and one[name].shape == other[name].shape
        assert one[name].tobytes() == other[name].tobytes()


def write(path: Path, architecture: Any, arrays: dict[str, np.ndarray] | None = None, **about: Any) -> Path:
    """A file that somebody else made, with a checksum that fits."""
    from safetensors.numpy import save

    arrays = arrays or {}
    record = {
        "format": "minigrad",
        "version": 1,
        "architecture": architecture,
        "sha256": storage._checksum(architecture, arrays),
    } | about
    path.write_bytes(save(arrays, metadata={"minigrad": json.dumps(record)}))
    return path


CONV = {
    "type": "Conv2d", "in_channels": 1, "out_channels": 1, "kernel_size": 2,
    "stride": 1, "padding": 0, "bias": False,
}  # fmt: skip
KERNEL = {"weight": np.ones((1, 1, 2, 2))}
NORM = {"type": "BatchNorm", "features": 2, "eps": 1e-5, "momentum": 0.1, "affine": False}
AVERAGES = {"running_mean": np.zeros(2), "running_var": np.ones(2)}
LINEAR = {"type": "Linear", "n_in": 2, "n_out": 1, "bias": False}
WEIGHT = {"weight": np.ones((1, 2))}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("nets")


@few
@given(data=st.data(), dtype=float_dtypes, seed=seeds)
def test_a_network_comes_back_bit_by_bit(folder: Path, data: Any, dtype: Any, seed: int) -> None:
    net, n_in = data.draw(networks(dtype=dtype))
    for p in net.parameters():  # also memory that is not contiguous, and numbers that are none
        p.data = np.asfortranarray(p.data) if p.ndim == 2 else np.repeat(p.data, 2)[::2]
    if data.draw(st.booleans()):
        net.parameters()[0].data.flat[:1] = np.nan
    path = folder / "net"
    net.save(path)
    loaded = nn.load(path)
    equal(net, loaded)
    assert not any(module.training for module in loaded.modules())
    x = np.random.default_rng(seed).normal(size=(2, n_in))
    np.testing.assert_allclose(loaded(x).data, net.eval()(x).data, rtol=1e-5)
    loaded(x).sum().backward()


@pytest.mark.parametrize(
    "net",
    [
        nn.Linear(2, 3), nn.Linear(0, 3), nn.Linear(3, 0, bias=False), nn.ReLU(), nn.PReLU(0.1),
        nn.Maxout([1, 2]), nn.Maxout(3),
        nn.LeakyReLU(0.3), nn.Dropout(0.25, "weights"), nn.Sequential(), nn.Identity(),
        nn.Sequential(nn.Residual(nn.Sequential(nn.Linear(2, 2), nn.Tanh())), nn.Softplus(), nn.Sigmoid()),
        nn.Linear(2, 2, dtype=np.float16), nn.Hardtanh(0, 6), nn.Flatten(), nn.AvgPool2d(),
        nn.MaxPool2d((2, 3), 1, 1),
        nn.Conv2d(2, 3, 3), nn.Conv2d(2, 3, (1, 2), stride=(2, 3), padding=1, bias=False, dtype=np.float64),
        nn.BatchNorm(3, eps=0.1, momentum=0.5), nn.BatchNorm(0),
        nn.BatchNorm(2, affine=False, dtype=np.float64),
    ],
    ids=repr,
)  # fmt: skip
def test_every_layer_comes_back(net: nn.Module, tmp_path: Path) -> None:
    net.save(tmp_path / "net")
    equal(net, nn.load(tmp_path / "net"))


def test_every_layer_of_the_library_can_be_in_a_file() -> None:
    layers = {name for name in nn.__all__ if isinstance(getattr(nn, name), type)}
    assert set(loading.LAYERS) == {n for n in layers if issubclass(getattr(nn, n), nn.Module)} - {"Module"}


def test_the_same_network_gives_the_same_bytes_and_reading_draws_nothing(tmp_path: Path) -> None:
    net = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    net.save(tmp_path / "a")
    net.save(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    mg.manual_seed(0)
    expected = nn.Linear(2, 2).weight.data
    mg.manual_seed(0)
    nn.load(tmp_path / "a")
    np.testing.assert_array_equal(nn.Linear(2, 2).weight.data, expected)


def test_no_flipped_byte_goes_unnoticed(tmp_path: Path) -> None:
    net = nn.Sequential(nn.Linear(2, 2), nn.LeakyReLU(0.25), nn.Dropout(0.5))
    path = tmp_path / "net"
    net.save(path)
    whole = path.read_bytes()
    for place in range(len(whole)):
        for flip in (0x01, 0x10, 0x80):
            damaged = bytearray(whole)
            damaged[place] ^= flip
            path.write_bytes(damaged)
            try:
                loaded = nn.load(path)
            except ValueError as error:
                assert "net" in str(error)
            else:
                equal(loaded, net)  # some bytes, such as padding, say nothing


@settings(max_examples=60)
@given(cut=st.floats(0, 1), extra=st.binary(max_size=5))
def test_a_cut_or_longer_file_is_refused(folder: Path, cut: float, extra: bytes) -> None:
    path = folder / "cut"
    net = nn.Linear(2, 2)
    net.save(path)
    whole = path.read_bytes()
    changed = whole[: int(cut * len(whole))] + extra
    path.write_bytes(changed)
    if changed != whole:
        with pytest.raises(ValueError, match=r"safetensors|damaged|no network"):
            nn.load(path)


@settings(max_examples=60)
@given(content=st.binary(max_size=200))
def test_anything_else_is_no_network(folder: Path, content: bytes) -> None:
    path = folder / "junk"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="junk"):
        nn.load(path)


def test_a_foreign_safetensors_file_is_no_network(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    save_file({"weight": np.ones(2)}, tmp_path / "other")
    with pytest.raises(ValueError, match="holds no network of minigrad's"):
        nn.load(tmp_path / "other")
    for value in (
        "null",
        "5",
        "[]",
        '"x"',
        "{}",
        '{"format": "minigrad"}',
        '{"format": "torch", "architecture": 1}',
    ):
        save_file({"weight": np.ones(2)}, tmp_path / "other", metadata={"minigrad": value})
        with pytest.raises(ValueError, match="holds no network"):
            nn.load(tmp_path / "other")
    save_file({"weight": np.ones(2)}, tmp_path / "other", metadata={"minigrad": "[" * 10**5})
    with pytest.raises(ValueError, match="other"):
        nn.load(tmp_path / "other")


def test_the_files_of_the_test_itself_are_right(tmp_path: Path) -> None:
    assert repr(nn.load(write(tmp_path / "net", LINEAR, WEIGHT))) == "Linear(2, 1, bias=False)"


@pytest.mark.parametrize(
    "architecture",
    [
        None, 5, "Linear", [], ["type", "Linear"], {}, {"type": None}, {"type": ["Linear"]},
        {"type": {"a": 1}}, {"type": "os.system"}, {"type": "Module"}, {"type": "__import__"},
        {"type": "Parameter"}, {"type": "Linear"}, {**LINEAR, "n_in": 3},
        {**LINEAR, "n_in": 10**9, "n_out": 10**9}, {**LINEAR, "bias": True}, {**LINEAR, "dtype": "object"},
        {**LINEAR, "layers": []}, {**LINEAR, "n_in": "2"}, {**LINEAR, "n_out": [1]},
        {"type": "Dropout", "p": 2}, {"type": "Dropout", "p": "0.5"}, {"type": "Dropout"},
        {"type": "LeakyReLU", "slope": "steep"}, {"type": "LeakyReLU", "slope": None},
        {"type": "Maxout", "pieces": 0}, {"type": "Maxout", "pieces": {"a": 1}},
        {"type": "Maxout", "pieces": None}, {"type": "ReLU", "forward": "x"},
        {"type": "ReLU", "layers": [{"type": "ReLU"}]}, {"type": "Sequential", "layers": 5},
        {"type": "Sequential", "layers": [5]}, {"type": "PReLU"},
        {"type": "Sequential", "layers": [{"type": "ReLU"}], "training": True},
        {"type": "Residual", "layers": [LINEAR, LINEAR]},
        {"type": "Hardtanh"}, {"type": "Hardtanh", "low": 1, "high": 0}, {"type": "Flatten", "axis": 1},
        {"type": "MaxPool2d", "kernel_size": 10**9},
        {"type": "AvgPool2d", "kernel_size": 4, "padding": 10**9},
        {"type": "AvgPool2d", "stride": 1}, {"type": "MaxPool2d", "kernel_size": [1, 2, 3]},
        {"type": "MaxPool2d", "kernel_size": "2"}, {"type": "AvgPool2d", "kernel_size": True}, CONV, NORM,
    ],
)  # fmt: skip
def test_a_malicious_architecture_builds_nothing(architecture: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="bad"):
        nn.load(write(tmp_path / "bad", architecture, WEIGHT))


@pytest.mark.parametrize("depth", [400, 100_000])
def test_a_bottomless_architecture_is_refused_or_read(depth: int, tmp_path: Path) -> None:
    path = tmp_path / "deep"
    from safetensors.numpy import save

    text = '{"type":"Sequential","layers":[' * depth + '{"type":"Identity"}' + "]}" * depth
    about = f'{{"format":"minigrad","version":1,"sha256":"0","architecture":{text}}}'
    path.write_bytes(save({}, metadata={"minigrad": about}))
    with pytest.raises(ValueError, match="deep"):
        nn.load(path)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({}, "describes no network"),
        ({"weight": np.ones((1, 3))}, "should be of .* but its numbers are of Linear\\(3, 1"),
        ({"weight": np.ones(2)}, "describes no network"),
        ({"weight": np.ones((1, 2), dtype=np.int64)}, "only floats"),
        ({**WEIGHT, "extra": np.ones(1)}, "unknown extra"),
        ({**WEIGHT, "bias": np.ones(1)}, "should be of"),
    ],
)
def test_numbers_that_do_not_fit_are_refused(arrays: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        nn.load(write(tmp_path / "net", LINEAR, arrays))


@pytest.mark.parametrize(
    ("record", "arrays", "changes"),
    [
        (CONV, KERNEL, {"kernel_size": 10**9}),
        (CONV, KERNEL, {"out_channels": 10**12}),
        (CONV, KERNEL, {"in_channels": 2}),
        (CONV, KERNEL, {"stride": 0}),
        (CONV, KERNEL, {"stride": None}),
        (CONV, KERNEL, {"padding": 10**9}),
        (CONV, KERNEL, {"padding": {"a": 1}}),
        (CONV, KERNEL, {"bias": True}),
        (CONV, KERNEL, {"dtype": "object"}),
        (CONV, {"weight": np.ones((1, 1, 2))}, {}),
        (CONV, {"weight": np.ones((0, 1, 2, 2))}, {"out_channels": 0}),
        (CONV, {**KERNEL, "running_mean": np.ones(1)}, {}),
        (NORM, AVERAGES, {"features": 10**12}),
        (NORM, AVERAGES, {"eps": 0}),
        (NORM, AVERAGES, {"eps": float("nan")}),
        (NORM, AVERAGES, {"momentum": "fast"}),
        (NORM, AVERAGES, {"affine": True}),
        (NORM, AVERAGES, {"affine": "no"}),
        (NORM, {**AVERAGES, "weight": np.ones(2)}, {}),
        (NORM, {**AVERAGES, "running_var": np.ones(3)}, {}),
        (NORM, {**AVERAGES, "running_var": np.ones(2, dtype=int)}, {}),
        (NORM, {"running_mean": np.zeros(2)}, {}),
    ],
)
def test_layers_are_no_larger_than_their_numbers(
    record: Any, arrays: Any, changes: Any, tmp_path: Path
) -> None:
    assert nn.load(write(tmp_path / "good", CONV, KERNEL)) and nn.load(
        write(tmp_path / "fine", NORM, AVERAGES)
    )
    with pytest.raises(ValueError, match=r"bad' describes no network"):
        nn.load(write(tmp_path / "bad", record | changes, arrays))


def test_running_averages_come_back_bit_by_bit(tmp_path: Path) -> None:
    net = nn.Sequential(nn.Conv2d(1, 2, 2), nn.BatchNorm(2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
    x = np.random.default_rng(0).normal(size=(3, 1, 5, 5)).astype(np.float32)
    net(x)
    net.save(tmp_path / "net")
    loaded = nn.load(tmp_path / "net")
    equal(net, loaded)
    np.testing.assert_array_equal(loaded(x).data, net.eval()(x).data)


@pytest.mark.parametrize("name", ["os.system", "Module", "Parameter", "__import__", "linear"])
def test_only_known_layers_are_looked_up(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"unknown layer '{name}'; this version knows Linear, "):
        nn.load(write(tmp_path / "net", {"type": "Sequential", "layers": [{"type": name}]}))


def test_other_versions_and_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="version 2; this library reads 1"):
        nn.load(write(tmp_path / "net", LINEAR, WEIGHT, version=2))
    with pytest.raises(ValueError, match="damaged: its checksum"):
        nn.load(write(tmp_path / "net", LINEAR, WEIGHT, sha256="0" * 64))
    with pytest.raises(FileNotFoundError, match=r"no file .*missing"):
        nn.load(tmp_path / "missing")
    with pytest.raises(FileNotFoundError, match="no file"):
        nn.load(tmp_path)


def test_what_a_file_cannot_say_is_refused_before_writing(tmp_path: Path) -> None:
    class Own(nn.Module):
        def forward(self, x: mg.Tensor) -> mg.Tensor:
            return x

    class Renamed(nn.Linear):
        pass

    shared = nn.Linear(2, 2)
    tied = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    tied[1].weight = tied[0].weight
    for net, error, message in (
        (nn.Sequential(Own()), TypeError, r"Own is not one of .* state_dict\(\)"),
        (Renamed(2, 2), TypeError, "Renamed is not one of"),
        (nn.Sequential(shared, shared), ValueError, r"share parameters.* state_dict\(\)"),
        (tied, ValueError, "share parameters"),
    ):
        with pytest.raises(error, match=message):
            net.save(tmp_path / "net")
    assert not list(tmp_path.iterdir())
    gate = nn.ReLU()
    nn.Sequential(gate, nn.Linear(1, 1), gate).save(tmp_path / "net")
    assert len(nn.load(tmp_path / "net")) == 3


def test_an_old_file_survives_a_failed_save(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "net"
    nn.Linear(2, 1).save(path)
    old = path.read_bytes()

    def fail(self: Path, target: Path) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="no space"):
        nn.Linear(3, 1).save(path)
    assert path.read_bytes() == old and list(tmp_path.iterdir()) == [path]
    with pytest.raises(FileNotFoundError, match="no folder"):
        nn.Linear(3, 1).save(tmp_path / "missing" / "net")
