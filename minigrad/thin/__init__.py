"""Thin linear networks: what a piecewise-linear network is for one input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ..nn import Module
    from .affine import NotPiecewiseLinearError
    from .batch import ThinBatch
    from .layer import ThinLayer
    from .network import ThinNetwork

__all__ = ["NotPiecewiseLinearError", "ThinBatch", "ThinLayer", "ThinNetwork", "thin", "thin_batch"]


def thin(net: Module, x: ArrayLike) -> ThinNetwork:
    """
    Return the thin linear network that ``net`` is for one input.

    The network runs once; in training mode dropout masks are drawn in that run and kept.

    Parameters
    ----------
    net : Module
        Piecewise linear in its input: layers that are linear (Linear, Conv2d, AvgPool2d, BatchNorm in
        evaluation, Flatten, Residual, Dropout) and gates (ReLU, LeakyReLU, PReLU, Maxout, MaxPool2d), nested
        in any way, and modules of one's own that use NumPy's functions of these kinds.
    x : array_like, shape (n_in,) or (channels, height, width)
        One input: a vector, which the network is given as it is, or an array of any other shape, of which it
        is given a batch of one. For the affine map it is always a vector, ``x.ravel()``.

    Returns
    -------
    ThinNetwork

    Raises
    ------
    NotPiecewiseLinearError
        If something in the network is smooth; the error names the layer, and ``error.part`` is what comes
        before it in a Sequential.
    ValueError
        If ``x`` is not one input (a batch, say) or is not finite.
    TypeError
        If ``net`` is no Module.

    Notes
    -----
    A gate is seen where it is one of these primitives. A decision that the network takes about its input in
    another way, such as the condition of ``np.where`` or an index, is taken for a constant.

    Examples
    --------
    >>> import numpy as np, minigrad as mg
    >>> from minigrad import nn
    >>> net = nn.Sequential(nn.Linear.of([[1.0], [-1.0]], [0.0, 0.0]), nn.ReLU(), nn.Linear.of([[1.0, 1.0]]))
    >>> thin = mg.thin(net, [3.0])  # the network computes |x|
    >>> thin.weight, thin.layers[0].kept, thin.radius, sorted(thin.next_flip)
    (array([[1.]]), array([0]), 3.0, [(0, 0), (0, 1)])
    """
    from .network import thin_network

    return thin_network(net, x)


def thin_batch(net: Module, x: ArrayLike) -> ThinBatch:
    """
    Return the thin linear networks of many inputs, without a loop over them where the network takes batches.

    All run together: one forward pass, and one backward pass for each output of the network.

    Parameters
    ----------
    net : Module
        As for :func:`thin`; it is copied, so that it can be trained on. One that takes no batches, or mixes
        the rows of a batch, is looked at for each input alone, and so is one whose Dropout is in training.
    x : array_like, shape (n, n_in) or (n, channels, height, width)
        The inputs.

    Returns
    -------
    ThinBatch
        Its weights have n · n_out · n_in entries.

    Raises
    ------
    NotPiecewiseLinearError, ValueError, TypeError
        As :func:`thin`.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> net = nn.Sequential(nn.Linear.of([[1.0], [-1.0]]), nn.ReLU(), nn.Linear.of([[1.0, 1.0]]))
    >>> thins = mg.thin_batch(net, [[3.0], [-2.0]])  # the network computes |x|
    >>> thins.weight.ravel(), thins.radius, thins[1].layers[0].kept
    (array([ 1., -1.]), array([3., 2.]), array([1]))
    """
    from .batch import thin_networks

    return thin_networks(net, x)


def __getattr__(name: str) -> Any:
    """Load the parts when they are asked for, so that ``import minigrad`` takes little longer than NumPy."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import affine, batch, layer, network

    return next(getattr(part, name) for part in (affine, layer, network, batch) if hasattr(part, name))
