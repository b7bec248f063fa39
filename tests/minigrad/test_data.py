from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import data

NAMES = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}


@pytest.fixture
def small() -> dict[str, np.ndarray]:
    """Return something with MNIST's structure."""
    rng = np.random.default_rng(0)
    return {
        "x_train": rng.integers(0, 256, (60, 4, 3), dtype=np.uint8),
        "y_train": np.repeat(np.arange(3, dtype=np.uint8), [30, 20, 10]),
        "x_test": rng.integers(0, 256, (9, 4, 3), dtype=np.uint8),
        "y_test": rng.integers(0, 3, 9, dtype=np.uint8),
    }


def write_idx(folder: Path, arrays: dict[str, np.ndarray], zipped: bool = False) -> None:
    for key, array in arrays.items():
        content = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()
        name = NAMES[key] + (".gz" if zipped else "")
        (folder / name).write_bytes(gzip.compress(content) if zipped else content)


def rows(split: data.Split) -> set[tuple[bytes, int]]:
    return {(x.tobytes(), int(y)) for x, y in zip(*split, strict=True)}


def test_digits_are_scikit_learns_and_split_once() -> None:
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    train, validation, test = digits = data.digits()
    assert [len(split.y) for split in digits] == [1197, 300, 300]
    assert train.x.dtype == np.float32
    assert train.y.dtype == np.int64
    assert train.x.min() == 0
    assert train.x.max() == 1
    together = rows(train) | rows(validation) | rows(test)
    assert together == rows(data.Split((pixels / 16).astype(np.float32), labels))
    assert not rows(train) & rows(validation)
    assert not rows(test) & (rows(train) | rows(validation))
    assert "train 1,197, validation 300, test 300; 64 features, float32; 10 classes" in repr(digits)


def test_splits_are_stratified_and_so_is_every_beginning() -> None:
    shares = np.bincount(np.concatenate([split.y for split in data.digits()])) / 1797
    for split in data.digits(seed=3):
        for n in (50, 100, 250, len(split.y)):
            counts = np.bincount(split.y[:n], minlength=10)
            assert np.abs(counts - shares * n).max() <= 2


@pytest.mark.parametrize("load", [data.digits, data.moons])
def test_seeds_repeat_and_differ_without_touching_the_global_state(load: Any) -> None:
    state = repr(np.random.get_state())  # noqa: NPY002
    first, again, other = load(seed=1), load(seed=1), load(seed=2)
    assert repr(np.random.get_state()) == state  # noqa: NPY002
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a.x, b.x)
        np.testing.assert_array_equal(a.y, b.y)
    assert not np.array_equal(first.train.x, other.train.x)
    expected = len(first.test.y) ** 2 / sum(len(split.y) for split in first)  # of two independent draws
    assert len(rows(first.test) & rows(other.test)) < 2 * expected
    assert load(dtype=np.float64).train.x.dtype == np.float64
    with pytest.raises(TypeError, match="examples are floats"):
        load(dtype=int)


def test_moons_lie_on_two_half_circles() -> None:
    for x, y in data.moons(n=100, noise=0.0, dtype=float):
        centre = np.where(y[:, None] == 0, [0.0, 0.0], [1.0, 0.5])
        np.testing.assert_allclose(np.linalg.norm(x - centre, axis=1), 1, rtol=1e-12)
    assert [len(split.y) for split in data.moons(n=100)] == [60, 20, 20]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: data.moons(n=9), ValueError, "n must be a whole number, at least 10, got 9"),
        (lambda: data.moons(20.5), TypeError, "n must be a whole number, at least 10, got 20.5"),
        (lambda: data.moons("a"), TypeError, "n must be .*, got 'a'"),
        (lambda: data.moons(noise=-1), ValueError, "noise must be at least 0 and finite, got -1"),
        (lambda: data.moons(noise="a"), TypeError, "noise must be a number, got 'a'"),
        (lambda: data.moons(seed=-1), ValueError, "seed must be a whole number, at least 0, got -1"),
        (lambda: data.moons(seed="a"), TypeError, "seed must be a whole number, at least 0, got 'a'"),
        (lambda: data.digits(seed=-1), ValueError, "seed must be a whole number, at least 0, got -1"),
        (lambda: data.digits(seed=1.5), TypeError, "seed must be .*, got 1.5"),
        (lambda: data.digits(seed=True), TypeError, "seed must be .*, got True"),
        (lambda: data.mnist(".", seed=-1), ValueError, "seed must be .*, got -1"),
        (lambda: data.mnist(".", validation=2.5), TypeError, "validation must be .*, got 2.5"),
        (lambda: data.mnist(".", validation=-1), ValueError, "validation must be .*, got -1"),
        (lambda: mg.manual_seed(-1), ValueError, "seed must be a whole number, at least 0, got -1"),
        (lambda: mg.manual_seed("a"), TypeError, "seed must be .*, got 'a'"),
        (lambda: mg.manual_seed(1.5), TypeError, "seed must be .*, got 1.5"),
        (lambda: mg.nn.init.he_normal(mg.nn.Linear(1, 1), rng="a"), TypeError, "rng.* got 'a'"),
    ],
)
def test_wrong_sizes_noise_and_seeds_are_named(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("form", ["idx", "gzipped idx", "npz"])
def test_mnist_reads_every_form(form: str, tmp_path: Path, small: dict[str, np.ndarray]) -> None:
    if form == "npz":
        np.savez(tmp_path / "mnist.npz", **small)
    else:
        write_idx(tmp_path, small, zipped=form != "idx")
    train, validation, test = data.mnist(tmp_path, validation=6)
    assert train.x.shape == (54, 12)
    assert train.x.dtype == np.float32
    np.testing.assert_array_equal(test.x, small["x_test"].reshape(9, 12).astype(np.float32) / np.float32(255))
    np.testing.assert_array_equal(test.y, small["y_test"])
    np.testing.assert_array_equal(np.bincount(validation.y), [3, 2, 1])
    whole = data.Split(
        small["x_train"].reshape(60, 12).astype(np.float32) / np.float32(255), small["y_train"]
    )
    assert rows(train) | rows(validation) == rows(whole)
    assert len(data.mnist(str(tmp_path), validation=0).train.y) == 60


def test_mnist_names_the_files_that_it_looked_for(tmp_path: Path, small: dict[str, np.ndarray]) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(FileNotFoundError, match=r"mnist\.npz.*t10k-labels-idx1-ubyte.*\.gz") as caught:
            data.mnist(folder)
        assert str(folder) in str(caught.value)
    write_idx(tmp_path, small)
    (tmp_path / NAMES["y_test"]).unlink()
    with pytest.raises(FileNotFoundError, match="t10k-labels-idx1-ubyte is not there"):
        data.mnist(tmp_path)


@pytest.mark.parametrize("damage", [b"", b"\0\0\x08", b"\0\0\x0d\x03", b"nothing of the kind", "cut", "long"])
@pytest.mark.parametrize("zipped", [False, True])
def test_damaged_idx_files(damage: Any, zipped: bool, tmp_path: Path, small: dict[str, np.ndarray]) -> None:
    write_idx(tmp_path, small, zipped)
    path = tmp_path / (NAMES["x_train"] + (".gz" if zipped else ""))
    content = path.read_bytes()
    path.write_bytes({"cut": content[:-5], "long": content + b"more"}.get(damage, damage))
    with pytest.raises(ValueError, match=r"train-images-idx3-ubyte.* can't be read as an IDX file"):
        data.mnist(tmp_path, validation=6)


class Planted:
    """Leaves a trace when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_nothing_is_ever_unpickled(tmp_path: Path, small: dict[str, np.ndarray]) -> None:
    trace = tmp_path / "trace"
    np.savez(tmp_path / "mnist.npz", **small | {"y_test": np.array([Planted(trace)], dtype=object)})
    with pytest.raises(ValueError, match=r"mnist\.npz can't be read as an npz archive of numbers"):
        data.mnist(tmp_path, validation=6)
    assert not trace.exists()
    np.load(tmp_path / "mnist.npz", allow_pickle=True)["y_test"]
    assert trace.exists()  # the plant works


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x_test": None}, "lacks x_test; it needs x_train, y_train, x_test, y_test"),
        (
            {"y_train": np.zeros(59, np.uint8)},
            r"expected train images .* \(60, 4, 3\) uint8 and \(59,\) uint8",
        ),
        ({"x_test": np.zeros((9, 4, 3))}, r"expected test images .* float64"),
        ({"y_test": np.zeros(9)}, r"expected test images .* \(9,\) float64"),
        ({"x_test": np.zeros((9, 12), np.uint8)}, r"expected test images"),
        ({"x_test": np.zeros((9, 4, 4), np.uint8)}, r"test images are \(4, 4\), training images \(4, 3\)"),
    ],
)
def test_unexpected_content(change: Any, message: str, tmp_path: Path, small: dict[str, np.ndarray]) -> None:
    np.savez(tmp_path / "mnist.npz", **{k: v for k, v in (small | change).items() if v is not None})
    with pytest.raises(ValueError, match=message):
        data.mnist(tmp_path, validation=6)


def test_other_bad_input(tmp_path: Path, small: dict[str, np.ndarray]) -> None:
    np.savez(tmp_path / "mnist.npz", **small)
    with pytest.raises(ValueError, match="validation must leave some of 60 training examples"):
        data.mnist(tmp_path, validation=60)
    with pytest.raises(TypeError, match="examples are floats"):
        data.mnist(tmp_path, validation=6, dtype=np.uint8)
    (tmp_path / "mnist.npz").write_bytes(b"PK no archive")
    with pytest.raises(ValueError, match=r"mnist\.npz can't be read"):
        data.mnist(tmp_path)
    with (tmp_path / "mnist.npz").open("wb") as file:
        np.save(file, small["x_train"])
    with pytest.raises(ValueError, match=r"mnist\.npz can't be read"):
        data.mnist(tmp_path)
