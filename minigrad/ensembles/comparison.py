"""How well weight scaling stands for the ensemble: over activation functions, before and after training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..nn import Module
from ..random import whole_number
from ..tensor import Array
from .ensemble import Distances, dropout_ensemble
from .masks import floats


@dataclass(frozen=True, eq=False)
class EnsembleComparison:
    """
    Distances of weight scaling from the ensemble, for several kinds of network; by `compare_ensembles`.

    Attributes
    ----------
    distances : dict of (name, stage) to dict of name to ndarray
        For every kind of network, ``"before"`` and, if given, ``"after"`` training: each of the `Distances`
        by its name, one number for every network of the kind and every input.
    """

    distances: dict[tuple[str, str], dict[str, Array]]

    @property
    def names(self) -> list[str]:
        """The kinds of network."""
        return list(dict.fromkeys(name for name, _ in self.distances))

    @property
    def stages(self) -> list[str]:
        """Before training, and after it where that was given."""
        return list(dict.fromkeys(stage for _, stage in self.distances))

    def median(self, name: str, stage: str = "before", distance: str = "relative") -> float:
        """Return the median of one distance."""
        return float(np.median(self.distances[name, stage][distance]))

    def summary(self) -> str:
        """Return the medians as a table, for printing."""
        rows = [
            [
                "network",
                "training",
                "networks × inputs",
                *(name.replace("_", " ") for name in Distances._fields),
            ]
        ]
        for (name, stage), found in self.distances.items():
            medians = [f"{np.median(found[distance]):.2g}" for distance in Distances._fields]
            rows.append([name, stage, str(len(found["relative"])), *medians])
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows]
        return "\n".join(["How far weight scaling is from dropout's ensemble (medians)", *lines])

    def __repr__(self) -> str:
        """Say it in a line; ``print`` gives the table."""
        return f"EnsembleComparison({', '.join(self.names)}; {', '.join(self.stages)} training)"

    def __str__(self) -> str:
        return self.summary()


def compare_ensembles(
    networks: Mapping[str, Module | Sequence[Module]],
    x: ArrayLike,
    *,
    trained: Mapping[str, Module | Sequence[Module]] | None = None,
    samples: int | None = None,
    seed: int = 0,
    jobs: int = 1,
) -> EnsembleComparison:
    """
    Compare how well weight scaling stands for dropout's ensemble in several kinds of network.

    Parameters
    ----------
    networks : mapping of name to Module or to several
        Such as ``{"ReLU": nets, "sigmoid": others}``: kinds by activation function, a few seeds of each.
    x : array_like, shape (inputs, *input)
        What to run them on.
    trained : mapping, optional
        The same kinds after training.
    samples, seed
        As in :func:`minigrad.dropout_ensemble`.
    jobs : int
        Networks to work on at once, with joblib; ``joblib.parallel_config`` chooses its back end.

    Returns
    -------
    EnsembleComparison

    Raises
    ------
    TypeError, ValueError
        As :func:`minigrad.dropout_ensemble`, and if the kinds of ``trained`` are others.

    Examples
    --------
    >>> import numpy as np, minigrad as mg
    >>> from minigrad import nn
    >>> mg.manual_seed(0)
    >>> def network(activation):
    ...     return nn.Sequential(nn.Dropout(0.5), nn.Linear(4, 8), activation, nn.Linear(8, 3))
    >>> kinds = {"linear": network(nn.Identity()), "ReLU": network(nn.ReLU())}
    >>> found = mg.compare_ensembles(kinds, np.random.default_rng(0).normal(size=(5, 4)))
    >>> found.median("linear") < 1e-14 < found.median("ReLU") < 1
    True
    """
    stages = {"before": _several(networks)} | ({} if trained is None else {"after": _several(trained)})
    if trained is not None and networks.keys() != trained.keys():
        raise ValueError(f"networks has {', '.join(networks)}, but trained has {', '.join(trained)}")
    tasks = [
        ((name, stage), net, floats(net, x, "compare_ensembles"), samples, seed)
        for name in networks
        for stage, kinds in stages.items()
        for net in kinds[name]
    ]
    found: dict[tuple[str, str], list[Distances]] = {}
    for key, distances in _results(tasks, whole_number("jobs", jobs, 1)):
        found.setdefault(key, []).extend(distances)
    return EnsembleComparison(
        {key: dict(zip(Distances._fields, np.transpose(rows), strict=True)) for key, rows in found.items()}
    )


Task = tuple[tuple[str, str], Module, Array, "int | None", int]
Result = tuple[tuple[str, str], list[Distances]]


def _several(kinds: Mapping[str, Module | Sequence[Module]]) -> dict[str, list[Module]]:
    """Make lists of all."""
    if not isinstance(kinds, Mapping) or not kinds:
        raise TypeError(f'compare_ensembles takes networks by name, such as {{"ReLU": net}}, got {kinds!r}')
    return {name: [nets] if isinstance(nets, Module) else list(nets) for name, nets in kinds.items()}


def _results(tasks: list[Task], jobs: int) -> Iterable[Result]:
    if jobs == 1:
        return (_measure(*task) for task in tasks)
    from joblib import Parallel, delayed

    return Parallel(n_jobs=jobs)(delayed(_measure)(*task) for task in tasks)


def _measure(key: tuple[str, str], net: Module, x: Array, samples: int | None, seed: int) -> Result:
    """Return the distances for every input."""
    return key, [dropout_ensemble(net, row, samples=samples, seed=seed).distances for row in x]
