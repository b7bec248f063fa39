"""What commands are given: networks and inputs from files, examples of data sets. Nothing is executed."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from minigrad.data import Split
    from minigrad.nn import Module

DATA = ("digits", "moons", "mnist")
MOST = 2**26
"""Bytes of an input's file: 64 MB."""

_OTHERS = {
    ".pt .pth .bin .ckpt": "PyTorch's: load it there and save nn.from_torch(module)",
    ".pkl .pickle .joblib": "a pickle, which can run code: load it where you trust it and save "
    "nn.from_torch(module) or nn.from_sklearn(mlp)",
    ".h5 .hdf5 .keras": "Keras's", ".onnx": "ONNX's", ".npz .npy": "NumPy's: it has numbers, but no layers",
}  # fmt: skip
_READ = ".npy, .csv, .txt or .json"


def model(path: str) -> Module:
    """
    Return the network of a file that ``net.save(path)`` wrote.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is none, it is damaged, or of another format; the message says what is expected.
    """
    from minigrad import nn

    try:
        return nn.load(path)
    except ValueError as error:
        suffix = Path(path).suffix.lower()
        whose = next((whose for suffixes, whose in _OTHERS.items() if suffix in suffixes.split()), None)
        if whose is None:
            raise
        raise ValueError(
            f"{path!r} is {whose}; MODEL is a file written by minigrad's net.save('model.safetensors')"
        ) from error


def examples(name: str | None, root: str | None, seed: int) -> Split | None:
    """Return the test examples of a named data set; None where none is named."""
    if name is None:
        if root is not None:
            raise ValueError(
                "--root is the folder of a data set's files; name the data set with --data mnist"
            )
        return None
    from minigrad import data

    if name not in DATA:
        raise ValueError(f"there is no data set {name!r}; --data can be {', '.join(DATA)}")
    if name == "mnist":
        if root is None:
            raise ValueError("--data mnist needs --root FOLDER, where MNIST's files are")
        return data.mnist(root, seed=seed, dtype=float).test
    if root is not None:
        raise ValueError(f"--root is for --data mnist; {name} needs no files")
    return (data.digits if name == "digits" else data.moons)(seed=seed, dtype=float).test


def point(option: str, text: str, data: Split | None, net: Module) -> NDArray[Any]:
    """
    Return one input: an example of the data set by its number, or what a file holds.

    Parameters
    ----------
    option : str
        Where the text comes from, for errors: "--input".
    text : str
        A whole number, or a file's name.
    data : Split or None
        The examples that a number counts.
    net : Module
        What the input is for: where that takes images, a vector is folded into one.
    """
    if not re.fullmatch(r"[+-]?\d+", text):
        return as_image(_read(option, Path(text)), net)
    if data is None:
        raise ValueError(
            f"{option} {text} is the number of an example, but no data set is named: add --data "
            f"{' or '.join(DATA)}, or name a file ({_READ})"
        )
    k = int(text)
    if not 0 <= k < len(data.y):
        raise ValueError(f"{option} {text}: the data set has test examples 0 to {len(data.y) - 1}")
    return as_image(data.x[k], net)


def check_alike(options: Mapping[str, str], points: Sequence[NDArray[Any]]) -> None:
    """Refuse inputs of different shapes, and the same one twice."""
    names = list(options)
    for k, point in enumerate(points):
        if point.shape != points[0].shape:
            raise ValueError(
                f"{names[0]} has shape {points[0].shape}, but {names[k]} has {point.shape}: they must be "
                f"inputs of one network"
            )
        for before in range(k):
            if np.array_equal(point, points[before]):
                raise ValueError(f"{names[before]} and {names[k]} are the same input; choose different ones")


def said_of(text: str, data: Split | None) -> str:
    """
    Return what an input is called.

    Examples
    --------
    >>> said_of("zebra.npy", None)
    'zebra.npy'
    """
    if not re.fullmatch(r"[+-]?\d+", text) or data is None:
        return Path(text).name
    return f"example {int(text)} of class {int(data.y[int(text)])}"


def classes_of(texts: Collection[str], data: Split | None, classes: int) -> list[int] | None:
    """Return the classes of examples; None where an input is none, or the network has other classes."""
    found = [int(data.y[int(text)]) for text in texts if data is not None and re.fullmatch(r"[+-]?\d+", text)]
    return found if len(found) == len(texts) and max(found) < max(classes, 2) else None


def as_image(x: NDArray[Any], net: Module) -> NDArray[Any]:
    """
    Fold a vector (or the rows of a batch) into square images where the network begins with a convolution.

    Examples
    --------
    >>> from minigrad import nn
    >>> net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(8, 2))
    >>> as_image(np.zeros(16), net).shape
    (1, 4, 4)
    """
    from minigrad.nn import Conv2d, Linear

    first = next((layer for layer in net.modules() if isinstance(layer, (Conv2d, Linear))), None)
    if not isinstance(first, Conv2d) or x.ndim > 2:
        return x
    channels = first.weight.shape[1]
    side = math.isqrt(x.shape[-1] // channels)
    return x.reshape(*x.shape[:-1], channels, side, side) if channels * side**2 == x.shape[-1] else x


def _read(option: str, path: Path) -> NDArray[Any]:
    """Return the numbers that a file holds."""
    if not path.is_file():
        raise FileNotFoundError(f"{option} {str(path)!r}: there is no such file, and it is no whole number")
    if path.stat().st_size > MOST:
        raise ValueError(f"{option} {str(path)!r} is larger than one input would be ({MOST >> 20} MB)")
    readers = {".npy": _npy, ".csv": _table, ".txt": _table, ".json": _json}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise ValueError(f"{option} {str(path)!r}: an input's file is {_READ}; no other format is read")
    try:
        x = reader(path)
    except (ValueError, TypeError, OSError, EOFError, RecursionError, MemoryError) as error:
        raise ValueError(f"{option} {str(path)!r} can't be read as numbers: {error}") from None
    if x.dtype.kind not in "biuf":
        raise ValueError(f"{option} {str(path)!r} holds {x.dtype}, not numbers")
    return x.astype(np.float64)


def _npy(path: Path) -> NDArray[Any]:
    """Read an array, never a pickle; the file is mapped, so its header can't claim more than is there."""
    mapped: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    return np.array(mapped)


def _table(path: Path) -> NDArray[Any]:
    """Read numbers between commas, semicolons or spaces; one row or one column is a vector."""
    text = re.sub("[,;]", " ", path.read_text(encoding="utf-8-sig"))
    rows = [[float(word) for word in line.split()] for line in text.splitlines() if line.strip()]
    if len(rows) == 1 or all(len(row) == 1 for row in rows):
        return np.array([number for row in rows for number in row])
    return np.array(rows)


def _json(path: Path) -> NDArray[Any]:
    return np.array(json.loads(path.read_text(encoding="utf-8")))
