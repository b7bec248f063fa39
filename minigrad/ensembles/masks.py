"""Dropout masks from outside: which layers draw them, what they drew, and a run with masks of one's own."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..nn import Dropout, Module, watch
from ..random import whole_number
from ..recording import no_grad
from ..tensor import Array, Tensor


@dataclass(frozen=True)
class Dropping:
    """Where a network drops neurons: path of the layer, its rate, the shape of one input's neurons."""

    name: str
    p: float
    shape: tuple[int, ...]

    @property
    def units(self) -> int:
        """How many neurons may be dropped here."""
        return math.prod(self.shape)


def dropout_masks(net: Module, x: ArrayLike, *, seed: int = 0) -> list[tuple[str, Array]]:
    """
    Return the sub-networks of a mini-batch: which neurons a drawn mask leaves, for each input.

    Every input has a mask of its own, and every call of a Dropout layer draws one.

    Parameters
    ----------
    net : Module
        With Dropout layers; its modes and generators are as before in the end.
    x : array_like, shape (inputs, *input)
        The mini-batch.
    seed : int
        Of the generator that all Dropout layers draw from, in the order in which they are called.

    Returns
    -------
    list of (str, ndarray of bool)
        In the order of the calls: path of the layer, and who stays, shape (inputs, *neurons).

    Raises
    ------
    TypeError, ValueError
        If the network is no Module or has no Dropout layers, or the data do not fit.

    Examples
    --------
    >>> import numpy as np, minigrad as mg
    >>> from minigrad import nn
    >>> net = nn.Sequential(nn.Dropout(0.2), nn.Linear(4, 5), nn.ReLU(), nn.Dropout(0.5), nn.Linear(5, 2))
    >>> [(name, stays.shape) for name, stays in mg.dropout_masks(net, np.ones((3, 4)))]
    [('0', (3, 4)), ('3', (3, 5))]
    """
    batch = floats(net, x, "dropout_masks")
    recorder = _Recorder(np.random.PCG64(whole_number("seed", seed)))
    places = droppings(net, batch, recorder)
    drawn = zip(places, recorder.drawn, strict=True)
    return [(place.name, numbers >= place.p) for place, numbers in drawn]


def droppings(net: Module, batch: Array, rng: np.random.Generator) -> list[Dropping]:
    """Run a network whose Dropout layers draw from ``rng``; return where it drops, in the order of calls."""
    paths = {id(module): path or "the network" for path, module in net.named_modules()}
    found: list[Dropping] = []

    def look(module: Module, given: Tensor, output: Tensor) -> None:
        if isinstance(module, Dropout):
            found.append(Dropping(paths[id(module)], module.p, given.shape[1:]))

    with drawing(net, rng), watch(look):
        net(batch)
    if not found:
        raise ValueError("this network has no Dropout layer, so there is one network, not an ensemble")
    return found


def outputs_with(net: Module, batch: Array, masks: Sequence[Array]) -> Array:
    """Return a network's outputs with these masks (who stays), one for each call of a Dropout layer."""
    dealer = _Dealer(masks)
    with drawing(net, dealer):
        return net(batch).data


@contextmanager
def drawing(net: Module, rng: np.random.Generator) -> Iterator[None]:
    """Context in which Dropout layers, and nothing else, are in training mode, and draw from ``rng``."""
    modes = [(module, module.training) for module in net.modules()]
    dropouts = [(module, module.rng) for module in net.modules() if isinstance(module, Dropout)]
    try:
        net.eval()
        for dropout, _ in dropouts:
            dropout.training, dropout.rng = True, rng
        with no_grad():
            yield
    finally:
        for module, mode in modes:
            module.training = mode
        for dropout, own in dropouts:
            dropout.rng = own


def floats(net: Module, x: ArrayLike, what: str) -> Array:
    """Return inputs as finite float64, or say what is wrong with them."""
    if not isinstance(net, Module):
        raise TypeError(f"{what} takes a network (an nn.Module), but got {type(net).__name__}")
    try:
        array = np.asarray(x.data if isinstance(x, Tensor) else x)
    except ValueError as error:
        raise ValueError(f"{what} takes inputs of equal shape: {error}") from None
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{what} takes numbers, but got dtype {array.dtype}")
    if not array.ndim or not len(array):
        raise ValueError(f"{what} needs at least one number, but got shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{what} takes finite numbers, but the input has some that are not")
    return array.astype(np.float64)


class _Recorder(np.random.Generator):
    """A generator that keeps what it drew."""

    def __init__(self, bits: np.random.BitGenerator) -> None:
        super().__init__(bits)
        self.drawn: list[Array] = []

    def random(self, size: Any = None, dtype: Any = np.float64, out: Any = None) -> Any:
        self.drawn.append(super().random(size))
        return self.drawn[-1]


class _Dealer(np.random.Generator):
    """A generator that draws what it was told to: 1, which stays at every rate, or 0, which leaves."""

    def __init__(self, masks: Sequence[Array]) -> None:
        super().__init__(np.random.PCG64(0))
        self.masks = iter(masks)

    def random(self, size: Any = None, dtype: Any = np.float64, out: Any = None) -> Any:
        mask = next(self.masks, None)
        if mask is None or mask.shape != size:
            raise ValueError("the network drops other neurons in every run, so its masks can't be listed")
        return mask.astype(np.float64)
