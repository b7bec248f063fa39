"""Switching a network to training or evaluation for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from ..nn import Dropout, Module


@contextmanager
def evaluating(net: Module) -> Iterator[None]:
    """Context in which ``net`` is in evaluation mode; every module's own mode is restored."""
    modes = [(module, module.training) for module in net.modules()]
    try:
        net.eval()
        yield
    finally:
        for module, mode in modes:
            module.training = mode


@contextmanager
def training(net: Module, seed: np.random.SeedSequence) -> Iterator[None]:
    """Context in which ``net`` is in training mode and draws its dropout masks by ``seed``."""
    modes = [(module, module.training) for module in net.modules()]
    dropouts = [(module, module.rng) for module in net.modules() if isinstance(module, Dropout)]
    try:
        net.train()
        for (dropout, _), child in zip(dropouts, seed.spawn(len(dropouts)), strict=True):
            dropout.rng = np.random.default_rng(child)
        yield
    finally:
        for module, mode in modes:
            module.training = mode
        for dropout, rng in dropouts:
            dropout.rng = rng
