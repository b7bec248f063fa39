"""Data sets to learn from: two that are always at hand, and MNIST from files of your own."""

from __future__ import annotations

import gzip
import os
import zipfile
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .optim.optimizer import number_at_least_0
from .random import whole_number

__all__ = ["Dataset", "Split", "digits", "mnist", "moons"]

Array = NDArray[Any]

_FILES = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}


class Split(NamedTuple):
    """
    Examples and their labels, a pair (x, y).

    Attributes
    ----------
    x : ndarray of float, shape (n, features)
        One example a row.
    y : ndarray of int64, shape (n,)
        The class of each.
    """

    x: Array
    y: Array


class Dataset(NamedTuple):
    """
    What to train with, what to stop and choose by, and what to look at once, in the end.

    Training and validation data are ordered so that the first n examples have every class in its share,
    for any n.

    Attributes
    ----------
    train, validation, test : Split
        Three disjoint pairs (x, y).
    """

    train: Split
    validation: Split
    test: Split

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name} {len(split.y):,}" for name, split in self._asdict().items())
        x, y = self.train
        return f"Dataset({sizes}; {x.shape[1]} features, {x.dtype}; {len(np.unique(y))} classes)"


def digits(seed: int = 0, dtype: DTypeLike = np.float32) -> Dataset:
    """
    Return scikit-learn's 1,797 scanned digits: 8 × 8 pixels in [0, 1], as rows of 64.

    They are split at random, with every class in its share: 1,197 to train, 300 to validate, 300 to test.

    Parameters
    ----------
    seed : int
        Another seed gives another split.
    dtype : dtype
        Of the pixels.

    Returns
    -------
    Dataset
        Unpacks into train, validation and test, each a pair (x, y).

    References
    ----------
    Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository (1998).

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.data.digits()
    Dataset(train 1,197, validation 300, test 300; 64 features, float32; 10 classes)
    >>> (x, y), validation, test = mg.data.digits()
    >>> x.shape, y.shape
    ((1197, 64), (1197,))
    """
    whole_number("seed", seed)
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    return _split(pixels / 16, labels, 300, seed, dtype)


def moons(n: int = 500, noise: float = 0.1, seed: int = 0, dtype: DTypeLike = np.float32) -> Dataset:
    """
    Return two half circles in the plane that reach into each other: no line separates them.

    They are split at random: 60 % to train, 20 % to validate, 20 % to test.

    Parameters
    ----------
    n : int
        Number of points of all three together, at least 10.
    noise : float
        Standard deviation of what is added to each coordinate.
    seed : int
        Of the noise and the split.
    dtype : dtype
        Of the coordinates.

    Returns
    -------
    Dataset
        Unpacks into train, validation and test, each a pair (x, y).

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.data.moons()
    Dataset(train 300, validation 100, test 100; 2 features, float32; 2 classes)
    """
    n = whole_number("n", n, least=10)
    noise = number_at_least_0("noise", noise)
    whole_number("seed", seed)
    from sklearn.datasets import make_moons

    points, labels = make_moons(n, noise=noise, random_state=seed)
    return _split(points, labels, n // 5, seed, dtype)


def mnist(
    root: str | os.PathLike[str], validation: int = 10_000, seed: int = 0, dtype: DTypeLike = np.float32
) -> Dataset:
    """
    Return MNIST's 70,000 digits from files in a folder: 28 × 28 pixels in [0, 1], as rows of 784.

    Parameters
    ----------
    root : path-like
        A folder with ``mnist.npz`` (keys x_train, y_train, x_test, y_test), or with the four usual files
        ``train-images-idx3-ubyte`` ..., gzipped or not. Nothing is downloaded and nothing unpickled.
    validation : int
        How many of the training examples to set aside; drawn at random, every class in its share.
    seed : int
        Another seed sets others aside.
    dtype : dtype
        Of the pixels.

    Returns
    -------
    Dataset
        Unpacks into train, validation and test, each a pair (x, y); the test set as it comes.

    Raises
    ------
    FileNotFoundError
        If the folder has neither; the message names the files looked for.
    ValueError
        If a file is damaged, or its content is not as expected.
    """
    whole_number("validation", validation)
    whole_number("seed", seed)
    folder = Path(root)
    archive = folder / "mnist.npz"
    arrays = _read_npz(archive) if archive.is_file() else _read_idx_files(folder)
    for part in ("train", "test"):
        x, y = arrays[f"x_{part}"], arrays[f"y_{part}"]
        if x.ndim != 3 or x.dtype != np.uint8 or y.dtype.kind not in "iu" or y.shape != x.shape[:1]:
            raise ValueError(
                f"{folder}: expected {part} images of shape (n, height, width) and type uint8 with n whole "
                f"numbers as labels, got {x.shape} {x.dtype} and {y.shape} {y.dtype}"
            )
    x, y, x_test, y_test = (arrays[key] for key in _FILES)
    if x_test.shape[1:] != x.shape[1:]:
        raise ValueError(f"{folder}: test images are {x_test.shape[1:]}, training images {x.shape[1:]}")
    if validation >= len(y):
        raise ValueError(f"validation must leave some of {len(y)} training examples, got {validation}")
    order = _stratified(y, seed)
    kept, aside = order[validation:], order[:validation]
    return Dataset(
        _pixels(x[kept], y[kept], dtype),
        _pixels(x[aside], y[aside], dtype),
        _pixels(x_test, y_test, dtype),
    )


def _split(x: Array, y: Array, size: int, seed: int, dtype: DTypeLike) -> Dataset:
    """Set ``size`` examples aside to validate and as many to test."""
    order = _stratified(y, seed)
    parts = order[2 * size :], order[size : 2 * size], order[:size]
    return Dataset(*(Split(x[part].astype(_floats(dtype)), y[part].astype(np.int64)) for part in parts))


def _stratified(labels: Array, seed: int) -> Array:
    """Return a random order in which every stretch has the classes in their shares."""
    rng = np.random.default_rng(seed)
    place = np.empty(len(labels))
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        place[members] = (np.arange(len(members)) + rng.random()) / len(members)
    return np.argsort(place, kind="stable")


def _pixels(images: Array, labels: Array, dtype: DTypeLike) -> Split:
    """Return images of bytes as rows of numbers in [0, 1]."""
    rows = images.reshape(len(images), images.shape[1] * images.shape[2])
    return Split(np.divide(rows, 255, dtype=_floats(dtype)), labels.astype(np.int64))


def _floats(dtype: DTypeLike) -> np.dtype[Any]:
    """Return ``dtype`` if it is one of floats."""
    result = np.dtype(dtype)
    if result.kind != "f":
        raise TypeError(f"examples are floats, such as dtype=np.float32, got {result}")
    return result


def _read_npz(path: Path) -> dict[str, Array]:
    """Read the four arrays of an npz archive."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            missing = [key for key in _FILES if key not in archive]
            arrays = {key: archive[key] for key in _FILES if key in archive}
    except (OSError, EOFError, TypeError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path} can't be read as an npz archive of numbers: {error}") from error
    if missing:
        raise ValueError(f"{path} lacks {', '.join(missing)}; it needs {', '.join(_FILES)}")
    return arrays


def _read_idx_files(folder: Path) -> dict[str, Array]:
    """Read the four files that MNIST was published as."""
    paths = {}
    for key, name in _FILES.items():
        found = [path for path in (folder / name, folder / f"{name}.gz") if path.is_file()]
        if not found:
            raise FileNotFoundError(
                f"no MNIST in {folder}: looked for mnist.npz, and for {', '.join(_FILES.values())}, "
                f"each also as .gz; {name} is not there"
            )
        paths[key] = found[0]
    return {key: _read_idx(path) for key, path in paths.items()}


def _read_idx(path: Path) -> Array:
    """Read an IDX file of bytes: 0, 0, 8 and the number of axes, each axis's length, the entries."""
    try:
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
        axes = content[3]
        shape = np.frombuffer(content, ">u4", axes, offset=4)
        if content[:3] != b"\0\0\x08":
            raise ValueError("it does not start as an IDX file of bytes does")
        return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape)
    except (OSError, EOFError, ValueError, IndexError, zlib.error) as error:
        raise ValueError(f"{path} can't be read as an IDX file: {error}") from error
