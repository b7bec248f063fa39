"""The file format of networks: safetensors with architecture and checksum; nothing is ever executed."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..files import write_whole
from ..tensor import Array

FORMAT = "minigrad"
VERSION = 1


def write(path: str | os.PathLike[str], architecture: dict[str, Any], arrays: Mapping[str, Array]) -> None:
    """Write architecture and arrays to ``path``, whole or not at all."""
    from safetensors.numpy import save as encode

    # The format takes contiguous memory only, and some releases write wrong numbers where it isn't.
    ordered = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    about = {
        "format": FORMAT,
        "version": VERSION,
        "architecture": architecture,
        "sha256": _checksum(architecture, ordered),
    }
    write_whole(path, encode(ordered, metadata={FORMAT: json.dumps(about)}))


def read(path: str | os.PathLike[str]) -> tuple[Any, dict[str, Array]]:
    """
    Return the architecture and the arrays of a file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is damaged, or no network of minigrad's.
    """
    from safetensors import SafetensorError, safe_open

    if not Path(path).is_file():
        raise FileNotFoundError(f"there is no file {os.fspath(path)!r} to load a network from")
    try:
        with safe_open(path, framework="numpy") as file:
            about = json.loads((file.metadata() or {}).get(FORMAT, "null"))
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, ValueError, OSError, RecursionError) as error:
        raise ValueError(f"{os.fspath(path)!r} is not a safetensors file, or is damaged: {error}") from None
    if not isinstance(about, dict) or about.get("format") != FORMAT or "architecture" not in about:
        raise ValueError(f"{os.fspath(path)!r} holds no network of minigrad's: write one with net.save(path)")
    if about.get("version") != VERSION:
        raise ValueError(
            f"{os.fspath(path)!r} has version {about.get('version')!r}; this library reads {VERSION}"
        )
    if about.get("sha256") != _checksum(about["architecture"], arrays):
        raise ValueError(f"{os.fspath(path)!r} is damaged: its checksum does not fit what it holds")
    return about["architecture"], arrays


def _checksum(architecture: dict[str, Any], arrays: Mapping[str, Array]) -> str:
    """Return a digest of the architecture and of names, dtypes, shapes and numbers."""
    digest = hashlib.sha256(json.dumps(architecture, sort_keys=True).encode())
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(np.asarray(array, order="C").tobytes())
    return digest.hexdigest()
