"""Coverage: each input trains only its thin network; all inputs together train, in the end, every weight."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..nn import Module
from ..random import whole_number
from ..tensor import Array
from ..thin.followed import checked_inputs, record
from .neurons import Neurons, neurons_of
from .reach import Powers, first_reaching, powers_for

SHOWN = 1000
"""How many inputs, evenly over the data, barcodes keep."""


@dataclass(frozen=True, eq=False)
class Coverage:
    """
    What a data set has trained; made by :func:`minigrad.coverage`.

    Attributes
    ----------
    inputs : int
        How many inputs it is about: all that were given, or those before an interruption.
    first : dict of name to ndarray of int
        For every parameter, the first input that trains each entry; −1 for none.
    neurons : tuple of Neurons
        What the neurons do, one for each layer of gates, in order.
    shown : ndarray of int, shape (samples,)
        Which inputs the barcodes show: all up to 1,000, else 1,000 evenly over the data.
    interrupted : bool
        Whether Ctrl-C ended it before its time.
    """

    inputs: int
    first: dict[str, Array]
    neurons: tuple[Neurons, ...]
    shown: Array
    interrupted: bool = False

    @property
    def trained(self) -> dict[str, Array]:
        """For every parameter, which entries some input trains."""
        return {name: first >= 0 for name, first in self.first.items()}

    @property
    def fraction(self) -> float:
        """The share of all entries of all parameters that some input trains."""
        return float(self.growth()[-1])

    def growth(self, part: str = "") -> Array:
        """
        Return how the coverage grows, input by input.

        Parameters
        ----------
        part : str
            A parameter, such as ``"0.weight"``, or a layer or block, ``"0"``; everything by default.

        Returns
        -------
        ndarray, shape (inputs,)
            The share of the entries that the first 1, 2, … inputs train.

        Raises
        ------
        KeyError
            If the network has no such part with parameters.
        """
        chosen = [a for name, a in self.first.items() if f"{name}.".startswith(f"{part}." if part else "")]
        if not chosen:
            raise KeyError(f"no parameters are at {part!r}; there are {', '.join(self.first)}")
        firsts = np.concatenate([first.ravel() for first in chosen])
        return np.cumsum(np.bincount(firsts[firsts >= 0], minlength=self.inputs)) / max(1, len(firsts))

    def summary(self) -> str:
        """Return it as tables, for printing."""
        growth = self.growth()
        total = sum(first.size for first in self.first.values())
        milestones = [
            f"{share:.0%} after {int(np.argmax(growth >= share)) + 1:,}"
            for share in (0.5, 0.9, 0.99)
            if growth[-1] >= share
        ]
        last = max((int(first.max(initial=-1)) for first in self.first.values()), default=-1)
        ending = " (interrupted)" if self.interrupted else ""
        head = f"{self.inputs:,} inputs{ending} train {growth[-1]:.2%} of {total:,} weights and biases"
        news = f"; the last to train a new one is input {last:,}" if last >= 0 else ""
        rows = [["parameter", "entries", "trained", "by the first input", "new until input"]]
        for name, first in self.first.items():
            curve = self.growth(name)
            until = f"{int(first.max(initial=-1)):,}" if curve[-1] else "–"
            rows.append([name, f"{first.size:,}", f"{curve[-1]:.2%}", f"{curve[0]:.2%}", until])
        lines = [head + (f": {', '.join(milestones)}" if milestones else "") + news, _table(rows)]
        if not self.neurons:
            return "\n".join([*lines, "no gates: the network is linear"])
        rows = [["gates", "kind", "units", "dead (always off)", "linear (one piece)", "mixed", "never win"]]
        for layer in self.neurons:
            states = [f"{int(np.count_nonzero(mask)):,}" for mask in (layer.dead, layer.linear, layer.mixed)]
            unused = "–" if layer.unused is None else f"{layer.unused:,} pieces"
            rows.append([layer.name, layer.kind, f"{layer.units:,}", *states, unused])
        return "\n".join([*lines, _table(rows)])

    def __repr__(self) -> str:
        """Say it in a line; ``print`` gives the tables."""
        return f"Coverage({self.inputs:,} inputs train {self.fraction:.2%} of the parameters)"

    def __str__(self) -> str:
        return self.summary()


def coverage(net: Module, x: ArrayLike, *, jobs: int = 1, progress: bool = True) -> Coverage:
    """
    Return which weights a data set has trained so far, how that grows, and what every neuron does with it.

    An input trains a weight if the gradient of the weight can be other than 0 for some loss: the unit that it
    feeds is kept in the input's thin network and reaches an output there, and what it multiplies is not 0.
    (A pixel of 0 trains none of its weights.) This is decided by which factors are 0 along each path, without
    adding the paths up: a gradient of 0 because two paths cancel counts as trained.

    Parameters
    ----------
    net : Module
        A piecewise-linear network that takes batches.
    x : array_like, shape (inputs, *input)
        The data set, in the order in which it is to count.
    jobs : int
        Parts of the data to work on at once, with joblib; ``joblib.parallel_config`` chooses its back end.
    progress : bool
        Whether to show a bar in a terminal. Ctrl-C ends the work; what is done of it is returned.

    Returns
    -------
    Coverage

    Raises
    ------
    NotPiecewiseLinearError
        If something in the network is smooth; the error names the layer.
    TypeError, ValueError
        If the network is no Module or has no parameters, if the data are empty or not finite, do not fit, or
        if the network would draw dropout masks.

    Examples
    --------
    >>> import minigrad as mg
    >>> net = mg.nn.Sequential(mg.nn.Linear.of([[1.0], [-1.0]]), mg.nn.ReLU(), mg.nn.Linear.of([[1.0, 1.0]]))
    >>> covered = mg.coverage(net, [[3.0], [2.0], [-1.0], [0.0]])
    >>> covered.first["0.weight"].ravel(), covered.growth()
    (array([0, 2]), array([0.5, 0.5, 1. , 1. ]))
    """
    inputs, jobs = checked_inputs(net, x, "coverage"), whole_number("jobs", jobs, 1)
    if not net.parameters():
        raise ValueError("coverage is about parameters, but this network has none")
    one = record(net, inputs[:1])
    powers = powers_for(one.output._node or one.output)
    total = len(inputs)
    shown = np.unique(np.linspace(0, total - 1, min(total, SHOWN)).astype(int))
    each = powers.rows * max(1, total // (64 * powers.rows))
    tasks = [
        (net, inputs[start : start + each], _between(shown, start, each), powers)
        for start in range(0, total, each)
    ]
    first: dict[str, Array] = {}
    neurons: list[Neurons] = []
    done, interrupted = 0, False
    from tqdm import tqdm

    bar = tqdm(total=total, unit="input", leave=False, disable=None if progress else True)
    try:
        for part, layers in _results(tasks, jobs):
            for name, found in part.items():
                moved = np.where(found < 0, -1, found + done)
                first[name] = np.where(first[name] < 0, moved, first[name]) if name in first else moved
            neurons = [a + b for a, b in zip(neurons, layers, strict=True)] if neurons else layers
            done = min(done + each, total)
            bar.update(done - bar.n)
    except KeyboardInterrupt:
        if not done:
            raise
        interrupted = True
    finally:
        bar.close()
    return Coverage(done, first, tuple(neurons), shown[shown < done], interrupted)


Part = tuple[dict[str, Array], list[Neurons]]


def _results(tasks: list[Any], jobs: int) -> Iterable[Part]:
    """Work on the parts, and give their results in order, as they come."""
    if jobs == 1:
        return (_part(*task) for task in tasks)
    from joblib import Parallel, delayed

    return Parallel(n_jobs=jobs, return_as="generator")(delayed(_part)(*task) for task in tasks)


def _part(net: Module, x: Array, shown: Array, powers: Powers) -> Part:
    """Return, for some inputs, the first that trains each entry, −1 for none, and what the neurons do."""
    parameters = {id(parameter): (name, parameter) for name, parameter in net.named_parameters()}
    first = {name: np.full(parameter.shape, -1) for name, parameter in parameters.values()}
    neurons: list[Neurons] = []
    for start in range(0, len(x), powers.rows):
        recorded = record(net, x[start : start + powers.rows])
        missing = {key for key, (name, _) in parameters.items() if (first[name] < 0).any()}
        root = recorded.output._node or recorded.output
        for key, rows in first_reaching(root, missing, powers).items():
            if key in missing:
                known = first[parameters[key][0]]
                new = (known < 0) & (rows < powers.rows)
                known[new] = rows[new] + start
        layers = list(_layers(recorded.gates, _between(shown, start, powers.rows)))
        neurons = [a + b for a, b in zip(neurons, layers, strict=True)] if neurons else layers
    return first, neurons


def _between(shown: Array, start: int, count: int) -> Array:
    """Return which of some rows are shown, counted from the first of them."""
    return shown[(shown >= start) & (shown < start + count)] - start


def _layers(gates: Iterable[Any], shown: Array) -> Iterator[Neurons]:
    """Iterate over the neurons of the gates that have any."""
    return (found for gate in gates if (found := neurons_of(gate, shown)) is not None)


def _table(rows: list[list[str]]) -> str:
    """Align columns to the left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
