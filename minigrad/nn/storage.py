"""Networks in files: architecture and weights in one safetensors file, which never executes anything."""

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
from . import activations, layers
from .module import Module, Parameter

FORMAT = "minigrad"
VERSION = 1
LAYERS: dict[str, type[Module]] = {
    cls.__name__: cls
    for cls in (
        layers.Linear,
        layers.Dropout,
        layers.Identity,
        layers.Sequential,
        layers.Residual,
        activations.Sigmoid,
        activations.Tanh,
        activations.Softplus,
        activations.ReLU,
        activations.LeakyReLU,
        activations.PReLU,
        activations.Maxout,
    )
}
"""The layers that a file may name: no other code is looked up."""


def save(net: Module, path: str | os.PathLike[str]) -> None:
    """Write architecture and weights to ``path``, whole or not at all."""
    from safetensors.numpy import save as encode

    held = sum(isinstance(value, Parameter) for module in net.modules() for value in vars(module).values())
    if held != len(net.parameters()):
        raise ValueError(
            "layers of this network share parameters, which a file can't say; keep its state_dict() instead"
        )
    # The format takes contiguous memory only, and some releases write wrong numbers where it isn't.
    arrays = {name: np.array(array, order="C") for name, array in net.state_dict().items()}
    architecture = _describe(net)
    about = {
        "format": FORMAT,
        "version": VERSION,
        "architecture": architecture,
        "sha256": _checksum(architecture, arrays),
    }
    write_whole(path, encode(arrays, metadata={FORMAT: json.dumps(about)}))


def load(path: str | os.PathLike[str]) -> Module:
    """
    Return the network that ``net.save(path)`` wrote, in evaluation mode.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no network of minigrad's, is damaged, or names a layer that this version does not know.

    Examples
    --------
    >>> import tempfile
    >>> from minigrad import nn
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     nn.Sequential(nn.Linear(2, 1)).save(f"{folder}/net.safetensors")
    ...     nn.load(f"{folder}/net.safetensors")
    Sequential(Linear(2, 1))
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
    try:
        net = _build(about["architecture"], arrays)
        net.load_state_dict(arrays)
    except (TypeError, KeyError, ValueError, AttributeError, RecursionError) as error:
        raise ValueError(f"{os.fspath(path)!r} describes no network: {error}") from None
    return net.eval()


def _describe(module: Module) -> dict[str, Any]:
    """Return the architecture as JSON can say it."""
    if LAYERS.get(type(module).__name__) is not type(module):
        Module.config(module)  # raises, and says what to do
    record: dict[str, Any] = {"type": type(module).__name__, **module.config()}
    if isinstance(module, layers.Sequential):
        record["layers"] = [_describe(layer) for layer in module]
    return record


def _build(record: Mapping[str, Any], arrays: Mapping[str, Array], path: str = "") -> Module:
    """Make the module that a record describes, of the known layers only, and no larger than its arrays."""
    config = dict(record)
    kind = config.pop("type")
    if kind not in LAYERS:
        raise ValueError(f"unknown layer {kind!r}; this version knows {', '.join(LAYERS)}")
    if kind == "Linear":
        linear = layers.Linear.of(arrays[f"{path}weight"], arrays.get(f"{path}bias"))
        if linear.config() != config:
            raise ValueError(
                f"layer {path or 'alone'} should be of {config}, but its numbers are of {linear}"
            )
        return linear
    inside = [_build(layer, arrays, f"{path}{k}.") for k, layer in enumerate(config.pop("layers", []))]
    return LAYERS[kind](*inside, **config)


def _checksum(architecture: dict[str, Any], arrays: Mapping[str, Array]) -> str:
    """Return a digest of the architecture and of names, dtypes, shapes and numbers."""
    digest = hashlib.sha256(json.dumps(architecture, sort_keys=True).encode())
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(np.array(array, order="C").tobytes())
    return digest.hexdigest()
