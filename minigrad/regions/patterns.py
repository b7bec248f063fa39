"""The activation patterns that a data set has: how many, how often each, with which classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..nn import Module
from ..tensor import Array
from ..thin.followed import checked_inputs, chunks, record
from .gates import coded, columns


@dataclass(frozen=True, eq=False)
class Patterns:
    """
    The distinct activation patterns of a data set; made by :func:`minigrad.regions.patterns`.

    The most frequent one comes first; among equally frequent ones, the one that comes first in the data.

    Attributes
    ----------
    counts : ndarray of int, shape (patterns,)
        How many inputs have each.
    of : ndarray of int, shape (inputs,)
        Which pattern each input has.
    units : ndarray of int, shape (columns, 2)
        (layer, neuron) of each column of ``patterns``, numbered as in ``thin.next_flip``.
    majority : ndarray, shape (patterns,), or None
        The label that most inputs of each pattern have.
    purities : ndarray, shape (patterns,), or None
        Which share of them.
    """

    counts: Array
    of: Array
    units: Array
    majority: Array | None
    purities: Array | None
    _codes: tuple[Array, ...]
    _widths: tuple[int, ...]

    @property
    def patterns(self) -> Array:
        """
        What the gates choose, shape (patterns, columns), booleans or whole numbers.

        A column for each unit: whether it is open, which piece wins or on which side of its boundary it is. A
        gate that may share its piece among several has one for each unit and piece: whether it takes part.
        """
        parts = [np.zeros((len(self), 0), dtype=bool)]
        for codes, width in zip(self._codes, self._widths, strict=True):
            packed = codes.dtype == np.uint8
            parts.append(np.unpackbits(codes, axis=1, count=width).astype(bool) if packed else codes)
        return np.concatenate(parts, axis=1)

    @property
    def members(self) -> list[Array]:
        """The inputs that have each pattern, by their index, in ascending order."""
        return np.split(np.argsort(self.of, kind="stable"), np.cumsum(self.counts)[:-1])

    @property
    def purity(self) -> float | None:
        """Which share of all inputs have the label that most of their pattern have."""
        return None if self.purities is None else float(self.purities @ self.counts / len(self.of))

    def __len__(self) -> int:
        return len(self.counts)

    def __repr__(self) -> str:
        pure = "" if self.purity is None else f", purity {self.purity:.3g}"
        return f"Patterns({len(self)} patterns of {len(self.of)} inputs, {len(self.units)} columns{pure})"


def patterns(net: Module, x: ArrayLike, labels: ArrayLike | None = None, *, jobs: int = 1) -> Patterns:
    """
    Return the distinct activation patterns of a data set, as the network computes them, in its own dtype.

    Parameters
    ----------
    net : Module
        Piecewise linear, and it takes batches. Dropout must be in evaluation mode.
    x : array_like, shape (inputs, *input)
        The data set.
    labels : array_like, shape (inputs,), optional
        Classes, for the purity of the patterns.
    jobs : int
        How many blocks of inputs joblib works at in parallel, −1 for as many as there are cores. Which back
        end it uses is for ``joblib.parallel_config`` to say.

    Returns
    -------
    Patterns
        With ``patterns``, ``counts``, ``members``, ``of`` and, given labels, ``majority`` and ``purities``.

    Raises
    ------
    NotPiecewiseLinearError
        If something in the network is smooth; the error names the layer.
    ValueError
        If there are no inputs, or one is not finite, or the labels are not one for each.
    TypeError
        If ``net`` is no Module.

    Notes
    -----
    The result holds arrays alone, so a sweep over networks or seeds can send it from one process to another:
    ``joblib.Parallel(n_jobs=4)(joblib.delayed(mg.regions.patterns)(net, x) for net in nets)``.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> net = nn.Sequential(nn.Linear.of([[1.0], [-1.0]], [-1.0, -1.0]), nn.ReLU(), nn.Linear(2, 1))
    >>> found = mg.regions.patterns(net, [[-3.0], [0.0], [-2.0], [5.0]], labels=[1, 0, 0, 2])
    >>> found.patterns.astype(int).tolist(), found.counts.tolist(), found.of.tolist(), found.purity
    ([[0, 1], [0, 0], [1, 0]], [2, 1, 1], [0, 1, 0, 2], 0.75)
    """
    inputs = checked_inputs(net, x, "patterns")
    classes = None if labels is None else _checked_labels(labels, len(inputs))
    parts = [inputs[part] for part in chunks(net, inputs)]
    if jobs == 1:
        blocks = [_block(net, part) for part in parts]
    else:
        import joblib

        blocks = joblib.Parallel(n_jobs=jobs)(joblib.delayed(_block)(net, part) for part in parts)
    codes = [np.concatenate(of_gate) for of_gate in zip(*(block for block, _ in blocks), strict=True)]
    first, of, counts = _distinct(codes, len(inputs))
    majority, purities = (None, None) if classes is None else _purities(of, classes)
    distinct = tuple(code[first] for code in codes)
    return Patterns(counts, of, columns(net, inputs[0]), majority, purities, distinct, blocks[0][1])


def _block(net: Module, x: Array) -> tuple[list[Array], tuple[int, ...]]:
    """Return what each gate chooses, its booleans packed into bits, and how many columns there are of it."""
    recorded = record(net, x)
    codes = [coded(*each) for each in zip(recorded.gates, recorded.patterns, strict=True)]
    packed = [np.packbits(code, axis=1) if code.dtype == bool else code for code in codes]
    return packed, tuple(code.shape[1] for code in codes)


def _distinct(codes: Sequence[Array], rows: int) -> tuple[Array, Array, Array]:
    """Return the first row of each distinct one, which of them each row is, and how many rows each is."""
    same = np.zeros((rows, 1), dtype=np.uint8)  # so that there are bytes to compare, even without gates
    together = np.concatenate([same, *(code.view(np.uint8) for code in codes)], axis=1)
    keys = together.view(np.dtype((np.void, together.shape[1])))[:, 0]
    _, first, of, counts = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
    order = np.lexsort((first, -counts))
    return first[order], np.argsort(order)[of], counts[order]


def _purities(of: Array, labels: Array) -> tuple[Array, Array]:
    """Return the commonest label of each pattern, the least where several are, and its share."""
    names, label = np.unique(labels, return_inverse=True)
    pairs, counts = np.unique(of * len(names) + label, return_counts=True)
    pattern, label = np.divmod(pairs, len(names))
    order = np.lexsort((label, -counts, pattern))
    best = order[np.flatnonzero(np.append(True, np.diff(pattern[order])))]
    return names[label[best]], counts[best] / np.bincount(of)


def _checked_labels(labels: ArrayLike, count: int) -> Array:
    array = np.asarray(labels)
    if array.shape != (count,):
        raise ValueError(
            f"patterns takes one label for each of the {count} inputs, but got labels of shape {array.shape}"
        )
    return array
