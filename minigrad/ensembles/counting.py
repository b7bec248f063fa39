"""How many masks train each weight in the course of a training."""

from __future__ import annotations

from contextlib import ExitStack

import numpy as np

from ..covering.reach import first_reaching, powers_for
from ..graph import newest_first
from ..nn import Module, watch
from ..rules.products import linear
from ..tensor import Array, Tensor
from ..training import Callback, TrainingState


class CountMasks(Callback):
    """
    Counts, while :func:`minigrad.fit` trains a network, how many dropout masks trained each weight.

    Every input of a mini-batch has a mask of its own. It trains a weight if both ends of the weight stay, and
    the gates let something through: the gradient can be other than 0, as for :func:`minigrad.coverage`.

    Attributes
    ----------
    masks : int
        How many masks were drawn: inputs times epochs.
    counts : dict of name to ndarray of int
        For the weight of every Linear layer that works on vectors, how many masks trained each entry.

    Notes
    -----
    With ``compile=True`` the layers are asked in the first steps alone, and so only those are counted.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> mg.manual_seed(0)
    >>> train, *_ = mg.data.moons()
    >>> net = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 2))
    >>> count = mg.CountMasks()
    >>> _ = mg.fit(
    ...     net, train, loss=nn.cross_entropy, optimizer=mg.optim.SGD(net.parameters(), lr=0.1), epochs=2,
    ...     batch_size=50, callbacks=[count], progress=False,
    ... )
    >>> count.masks, count.counts["3.weight"].shape, bool((count.counts["3.weight"] < 0.6 * 600).all())
    (600, (2, 8), True)
    """

    def __init__(self) -> None:
        self.masks = 0
        self.counts: dict[str, Array] = {}
        self._watching = ExitStack()

    def on_start(self, state: TrainingState) -> None:
        """Begin to look on."""
        net = state.net
        self.masks = 0
        self.counts = {}

        def look(module: Module, given: Tensor, output: Tensor) -> None:
            if module is net and net.training and output._node is not None:
                self._count(net, output)

        self._watching = ExitStack()
        self._watching.enter_context(watch(look))

    def on_end(self, state: TrainingState) -> None:
        """Look away."""
        self._watching.close()

    def _count(self, net: Module, output: Tensor) -> None:
        """Count the masks of one mini-batch."""
        names = {id(parameter): name for name, parameter in net.named_parameters()}
        root = output._node
        powers = powers_for(root)
        alike = np.zeros(len(output), dtype=np.int32)
        found = first_reaching(root, names.keys(), powers, alike)
        for node in newest_first(root):
            if node.primitive is not linear or node.args is None or node.output.ndim != 2:
                continue
            name = names.get(id(node.parents[1]))
            if name is not None and id(node) in found:
                reached = (found[id(node)] < powers.rows).astype(np.float32)
                trained = reached.T @ (node.args[0] != 0).astype(np.float32)
                self.counts[name] = self.counts.get(name, 0) + np.rint(trained).astype(np.int64)
        self.masks += len(output)
