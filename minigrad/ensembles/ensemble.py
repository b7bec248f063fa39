"""The dropout microscope: all sub-networks, one for each mask, beside the one network that scales weights."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ..nn import Module
from ..random import whole_number
from ..recording import no_grad
from ..tensor import Array, Tensor
from ..training.modes import evaluating
from .masks import Dropping, droppings, floats, outputs_with

ENUMERABLE = 20
"""Up to so many neurons that may leave, all 2^M masks are run: about a million."""

SAMPLES = 10_000
"""How many masks are drawn where there are more."""

ENTRIES = 2**22
"""How many entries the inputs, or the masks, of one run may have."""


class Distances(NamedTuple):
    """
    How far weight scaling is from the ensemble's means.

    Attributes
    ----------
    max_abs, relative : float
        Of the outputs, from their arithmetic mean: largest difference; ‖difference‖ / ‖mean‖.
    geometric, geometric_kl : float
        Of the softmax probabilities, from their renormalised geometric mean: total variation ½Σ|p − q|, and
        Kullback–Leibler divergence Σ p ln(p / q) of weight scaling's q from the mean's p, in nats.
    arithmetic, arithmetic_kl : float
        The same, from their arithmetic mean.
    """

    max_abs: float
    relative: float
    geometric: float
    geometric_kl: float
    arithmetic: float
    arithmetic_kl: float


@dataclass(frozen=True, eq=False)
class DropoutEnsemble:
    """
    What the sub-networks of a network say of one input; made by :func:`minigrad.dropout_ensemble`.

    Attributes
    ----------
    places : tuple of Dropping
        Where neurons may leave, in the order of the masks' columns; each has ``name, p, shape, units``.
    masks : ndarray of bool, shape (masks, M)
        Who stays, of the M neurons that may leave.
    weights : ndarray, shape (masks,)
        The probability of each mask; of drawn masks, equal shares.
    outputs : ndarray, shape (masks, n_out)
        What each sub-network says.
    scaled : ndarray, shape (n_out,)
        What the whole network says with its weights scaled: evaluation mode.
    exact : bool
        Whether all masks are there, so that the means are exact to rounding; else masks were drawn.
    """

    places: tuple[Dropping, ...]
    masks: Array
    weights: Array
    outputs: Array
    scaled: Array
    exact: bool

    @cached_property
    def mean(self) -> Array:
        """The arithmetic mean of the outputs, shape (n_out,)."""
        return self.weights @ self.outputs

    @cached_property
    def mean_error(self) -> Array:
        """The standard error of ``mean``: 0 where it is exact."""
        return self._standard_error(self.outputs, self.mean)

    @cached_property
    def probabilities(self) -> Array:
        """The softmax of each sub-network's outputs, shape (masks, n_out)."""
        return softmax(self.outputs)

    @cached_property
    def arithmetic(self) -> Array:
        """The arithmetic mean of the probabilities, shape (n_out,)."""
        return self.weights @ self.probabilities

    @cached_property
    def arithmetic_error(self) -> Array:
        """The standard error of ``arithmetic``: 0 where it is exact."""
        return self._standard_error(self.probabilities, self.arithmetic)

    @cached_property
    def geometric(self) -> Array:
        """
        The weighted geometric mean of the probabilities, renormalised, shape (n_out,).

        It is the softmax of the mean output: ln softmax(z) is z less a number that all classes share.
        """
        return softmax(self.weights @ log_softmax(self.outputs))

    @property
    def scaled_probabilities(self) -> Array:
        """The softmax of weight scaling's outputs, shape (n_out,)."""
        return softmax(self.scaled)

    @cached_property
    def distances(self) -> Distances:
        """How far weight scaling is from each mean."""
        off, size = self.scaled - self.mean, float(np.linalg.norm(self.mean))
        norm, q = float(np.linalg.norm(off)), self.scaled_probabilities
        relative = norm / size if size else 0.0 if norm == 0 else np.inf
        return Distances(
            float(np.abs(off).max(initial=0)), relative,
            total_variation(self.geometric, q), divergence(self.geometric, q),
            total_variation(self.arithmetic, q), divergence(self.arithmetic, q),
        )  # fmt: skip

    def summary(self) -> str:
        """Return it in words, for printing."""
        units = sum(place.units for place in self.places)
        which = f"all {len(self.masks):,} masks" if self.exact else f"{len(self.masks):,} masks drawn"
        where = ", ".join(f"{p.units:,} at {p.name} (p = {p.p:g})" for p in self.places)
        d = self.distances
        noise = "" if self.exact else f" ± {np.linalg.norm(self.mean_error) / np.linalg.norm(self.mean):.2g}"
        return "\n".join(
            [
                f"Dropout's ensemble: {which} of {units:,} neurons: {where}",
                "weight scaling is off",
                f"  the mean output by {d.relative:.2g}{noise} of its size (at most {d.max_abs:.2g})",
                f"  the geometric mean of the probabilities by {d.geometric:.2g} in total variation "
                f"({d.geometric_kl:.2g} nats)",
                f"  the arithmetic mean of the probabilities by {d.arithmetic:.2g} in total variation "
                f"({d.arithmetic_kl:.2g} nats)",
            ]
        )

    def __repr__(self) -> str:
        """Say it in a line; ``print`` tells more."""
        return (
            f"DropoutEnsemble({len(self.masks):,} masks, weight scaling off by {self.distances.relative:.2g})"
        )

    def __str__(self) -> str:
        return self.summary()

    def _standard_error(self, values: Array, mean: Array) -> Array:
        if self.exact:
            return np.zeros_like(mean)
        return np.sqrt(self.weights @ (values - mean) ** 2 / max(1, len(values) - 1))


def dropout_ensemble(
    net: Module, x: ArrayLike, *, samples: int | None = None, seed: int = 0
) -> DropoutEnsemble:
    """
    Run every sub-network that dropout can make of a network on one input, beside the one that stands for all.

    Every mask is a network of its own, all sharing their weights. In evaluation one network with scaled
    weights takes the place of their mean. That is exact where the outputs are linear in the masks: for linear
    networks, and where only the last hidden layer drops. Then the geometric mean of the probabilities is that
    of weight scaling too. Elsewhere it is an approximation, and this says how good.

    Parameters
    ----------
    net : Module
        With Dropout layers, of any architecture that treats every row of a batch alone. Other layers (batch
        normalization) are in evaluation mode. Its modes and generators are as before in the end.
    x : array_like, shape (*input)
        One input.
    samples : int, optional
        How many masks to draw. By default all 2^M masks are run if at most 20 neurons may leave, weighted by
        their probabilities; else 10,000 are drawn.
    seed : int
        Of the masks that are drawn.

    Returns
    -------
    DropoutEnsemble

    Raises
    ------
    TypeError, ValueError
        If the network is no Module, has no Dropout layers or gives no vector; if the input is not finite or
        does not fit; if samples is less than 2.

    References
    ----------
    Srivastava et al., Dropout: a simple way to prevent neural networks from overfitting, JMLR 15 (2014).
    Goodfellow et al., Maxout networks, ICML (2013): the geometric mean.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> net = nn.Sequential(
    ...     nn.Dropout(0.5), nn.Linear.of([[1.0, 1.0], [1.0, -1.0]]), nn.ReLU(), nn.Linear.of([[1.0, 1.0]])
    ... )
    >>> ensemble = mg.dropout_ensemble(net, [1.0, 2.0])
    >>> len(ensemble.masks), ensemble.outputs.ravel(), ensemble.mean, ensemble.scaled
    (4, array([0., 4., 4., 6.]), array([3.5]), array([3.]))
    """
    one = floats(net, x, "dropout_ensemble")[None]
    rng = np.random.default_rng(whole_number("seed", seed))
    places = tuple(place for place in droppings(net, one, rng))
    rates = np.concatenate([np.full(place.units, place.p) for place in places])
    free = np.flatnonzero(rates)
    exact = samples is None and len(free) <= ENUMERABLE
    count = 2 ** len(free) if exact else SAMPLES if samples is None else whole_number("samples", samples, 2)
    masks = np.ones((count, len(rates)), dtype=bool)
    if exact:
        masks[:, free] = np.arange(count)[:, None] >> np.arange(len(free)) & 1
        weights = np.where(masks, 1 - rates, rates).prod(axis=1)
    else:
        masks[:] = rng.random(masks.shape) >= rates
        weights = np.full(count, 1 / count)
    with evaluating(net), no_grad():
        output = net(one)
    if not isinstance(output, Tensor) or output.ndim != 2 or not np.isfinite(output.data).all():
        raise ValueError(
            "dropout_ensemble needs a network that gives a vector of finite numbers for each input of a batch"
        )
    ends = np.cumsum([place.units for place in places])[:-1]
    outputs = []
    step = max(1, min(4096, ENTRIES // max(one.size, len(rates))))
    for start in range(0, count, step):
        some = masks[start : start + step]
        parts = zip(np.split(some, ends, axis=1), places, strict=True)
        dealt = [part.reshape(len(some), *place.shape) for part, place in parts]
        batch = np.broadcast_to(one, (len(some), *one.shape[1:]))
        outputs.append(outputs_with(net, batch, dealt))
    return DropoutEnsemble(
        places, masks, weights, np.concatenate(outputs), output.data[0].astype(np.float64), exact
    )


def log_softmax(z: Array) -> Array:
    """Return ln softmax(z) over the last axis."""
    shifted = z - z.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def softmax(z: Array) -> Array:
    """Return e^z / Σ e^z over the last axis."""
    return np.exp(log_softmax(z))


def total_variation(p: Array, q: Array) -> float:
    """Return ½ Σ |p − q|: the most that two distributions disagree about any event."""
    return float(0.5 * np.abs(p - q).sum())


def divergence(p: Array, q: Array) -> float:
    """Return Σ p ln(p / q), the Kullback–Leibler divergence of q from p; what p leaves out counts nothing."""
    where = p > 0
    with np.errstate(divide="ignore"):
        return float(max(0.0, (p[where] * np.log(p[where] / q[where])).sum()))
