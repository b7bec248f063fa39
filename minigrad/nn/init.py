"""Initial weights. Each function draws for one weight, or for every layer of a network, and returns it.

Of a convolution's kernels (out_channels, channels, height, width), n_in is what a window holds, and n_out how
many weights an entry of the image meets.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias, TypeVar

import numpy as np

from ..random import generator
from ..tensor import Array
from .module import Module, Parameter

Target = TypeVar("Target", bound=Parameter | Module)
Seed: TypeAlias = "np.random.Generator | int | None"


def he_normal(target: Target, rng: Seed = None) -> Target:
    """
    Draw weights from N(0, 2 / n_in), for ReLU and its kin; biases become 0 (He et al. 2015, eq. 10).

    Parameters
    ----------
    target : Parameter of shape (n_out, n_in) or (out_channels, channels, height, width), or Module
        What to fill, in place; of a Module, every such weight and the bias beside it.
    rng : numpy.random.Generator or int, optional
        Where to draw from, or a seed; by default minigrad's own generator.

    Returns
    -------
    Parameter or Module
        The target.

    Examples
    --------
    >>> from minigrad import nn
    >>> weight = nn.init.he_normal(nn.Linear(1000, 500), rng=0).weight.data
    >>> round(float(weight.std()) * 500 ** 0.5, 1)
    1.0
    """
    return _fill(target, rng, lambda draw, n_out, n_in, shape: draw.normal(0, _root(2, n_in), shape))


def he_uniform(target: Target, rng: Seed = None) -> Target:
    """
    Draw weights evenly from ±√(6 / n_in), variance 2 / n_in; biases become 0 (He et al. 2015).

    Parameters and result are those of :func:`he_normal`.

    Examples
    --------
    >>> from minigrad import nn
    >>> bool(abs(nn.init.he_uniform(nn.Linear(6, 5), rng=0).weight.data).max() <= 1)
    True
    """
    return _fill(target, rng, lambda draw, n_out, n_in, shape: _even(draw, _root(6, n_in), shape))


def xavier_normal(target: Target, rng: Seed = None) -> Target:
    """
    Draw weights from N(0, 2 / (n_in + n_out)); biases become 0 (Glorot & Bengio 2010, eq. 12).

    Parameters and result are those of :func:`he_normal`.

    Examples
    --------
    >>> from minigrad import nn
    >>> nn.init.xavier_normal(nn.Linear(6, 5), rng=0).bias.data
    array([0., 0., 0., 0., 0.], dtype=float32)
    """
    return _fill(target, rng, lambda draw, n_out, n_in, shape: draw.normal(0, _root(2, n_in + n_out), shape))


def xavier_uniform(target: Target, rng: Seed = None) -> Target:
    """
    Draw weights evenly from ±√(6 / (n_in + n_out)); biases become 0 (Glorot & Bengio 2010, eq. 16).

    Parameters and result are those of :func:`he_normal`.

    Examples
    --------
    >>> from minigrad import nn
    >>> bool(abs(nn.init.xavier_uniform(nn.Linear(3, 3), rng=0).weight.data).max() <= 1)
    True
    """
    return _fill(target, rng, lambda draw, n_out, n_in, shape: _even(draw, _root(6, n_in + n_out), shape))


def sigmoid_era(target: Target, rng: Seed = None) -> Target:
    """
    Draw weights from N(0, 1 / n_in) and biases from N(0, 1), as was usual for sigmoids (Nielsen 2015, ch. 3).

    Parameters and result are those of :func:`he_normal`.

    Examples
    --------
    >>> from minigrad import nn
    >>> bool(nn.init.sigmoid_era(nn.Linear(6, 5), rng=0).bias.data.any())
    True
    """
    return _fill(
        target, rng, lambda draw, n_out, n_in, shape: draw.normal(0, _root(1, n_in), shape), bias_scale=1.0
    )


def _fill(target: Target, rng: Seed, draw_weight: Callable[..., Array], bias_scale: float = 0.0) -> Target:
    draw = generator(rng)
    if isinstance(target, Parameter):
        if target.ndim < 2:
            raise ValueError(
                f"an initialiser fills a matrix (n_out, n_in), or kernels (out_channels, channels, …), "
                f"but got shape {target.shape}"
            )
        target.data[...] = draw_weight(draw, *_neighbours(target.shape), target.shape)
        return target
    if not isinstance(target, Module):
        raise TypeError(f"an initialiser fills a Parameter or a Module, not a {type(target).__name__}")
    for module in target.modules():
        weight, bias = getattr(module, "weight", None), getattr(module, "bias", None)
        if isinstance(weight, Parameter) and weight.ndim >= 2:
            weight.data[...] = draw_weight(draw, *_neighbours(weight.shape), weight.shape)
            if isinstance(bias, Parameter):
                bias.data[...] = draw.normal(0, bias_scale, bias.shape)
    return target


def _neighbours(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return n_out and n_in of a weight."""
    window = math.prod(shape[2:])
    return shape[0] * window, shape[1] * window


def _root(numerator: float, n: int) -> float:
    """√(numerator / n), for no neurons as for one."""
    return float(np.sqrt(numerator / max(n, 1)))


def _even(draw: np.random.Generator, bound: float, shape: tuple[int, ...]) -> Array:
    return draw.uniform(-bound, bound, shape)
