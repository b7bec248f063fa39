"""Thin linear networks: what a piecewise-linear network is for one input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ..nn import Module
    from .affine import NotPiecewiseLinearError
    from .layer import ThinLayer
    from .network import ThinNetwork

__all__ = ["NotPiecewiseLinearError", "ThinLayer", "ThinNetwork", "thin"]


def thin(net: Module, x: ArrayLike) -> ThinNetwork:
    """
    Return the thin linear network that ``net`` is for one input.

    The network runs once; in training mode dropout masks are drawn in that run and kept.

    Parameters
    ----------
    net : Module
        Made of linear layers and gates: ReLU, LeakyReLU, PReLU, Maxout, Dropout, abs, maximum, minimum, clip.
    x : array_like, shape (n_in,)
        One input.

    Returns
    -------
    ThinNetwork

    Raises
    ------
    NotPiecewiseLinearError
        If something in the network is smooth; the error names the layer.
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


def __getattr__(name: str) -> Any:
    """Load the parts when they are asked for, so that ``import minigrad`` takes little longer than NumPy."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import affine, layer, network

    return next(getattr(part, name) for part in (affine, layer, network) if hasattr(part, name))
