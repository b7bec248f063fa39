"""Networks from files: only the library's own layers are ever built, and none larger than its numbers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ..tensor import Array
from . import activations, images, layers, normalization, storage
from .module import Module

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
        activations.Hardtanh,
        activations.Maxout,
        images.Conv2d,
        images.MaxPool2d,
        images.AvgPool2d,
        images.Flatten,
        normalization.BatchNorm,
    )
}
"""The layers that a file may name: no other code is looked up."""

MADE_OF: dict[str, tuple[str, ...]] = {
    "Linear": (),
    "Conv2d": ("stride", "padding"),
    "BatchNorm": ("eps", "momentum"),
}
"""The layers whose size is that of their numbers, and what else they are made of."""

STATE = ("weight", "bias", "running_mean", "running_var")


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
    architecture, arrays = storage.read(path)
    try:
        net = _build(architecture, arrays)
        net.load_state_dict(arrays)
    except (TypeError, KeyError, ValueError, AttributeError, RecursionError) as error:
        raise ValueError(f"{os.fspath(path)!r} describes no network: {error}") from None
    return net.eval()


def _build(record: Mapping[str, Any], arrays: Mapping[str, Array], path: str = "") -> Module:
    """Make the module that a record describes, of the known layers only, and no larger than its arrays."""
    config = dict(record)
    kind = config.pop("type")
    if kind not in LAYERS:
        raise ValueError(f"unknown layer {kind!r}; this version knows {', '.join(LAYERS)}")
    if kind in MADE_OF:
        own = {name: arrays[f"{path}{name}"] for name in STATE if f"{path}{name}" in arrays}
        layer = LAYERS[kind].of(**own, **{name: config[name] for name in MADE_OF[kind]})  # type: ignore[attr-defined]
        if layer.config() != config:
            raise ValueError(f"layer {path or 'alone'} should be of {config}, but its numbers are of {layer}")
        return layer
    inside = [_build(layer, arrays, f"{path}{k}.") for k, layer in enumerate(config.pop("layers", []))]
    return LAYERS[kind](*inside, **config)
