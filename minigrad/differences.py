"""Derivatives in a direction from a function's values alone, with the error that they may have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from .tensor import Array

Vectorial: TypeAlias = Callable[[Array], Array]
"""A function of a vector that gives a vector."""

_LARGEST_STEP, _SHRINK, _SMALLEST_STEP = 1e-2, 7, 1e-13
_SAFETY = 5  # error per estimate of noise
_SETTLED = 0.1  # relative error from which on a step is evidence


def difference(
    f: Vectorial, x: Array, direction: Array, *, enough: float, eps: float = 2.0**-52
) -> tuple[Array, Array]:
    """
    Return the derivative of ``f`` at ``x`` in a direction, and its error, entry by entry.

    At every step h the slope of the polynomial through f(x + jhv), j = -3 ... 3. Its error is what the fifth
    and the sixth differences of these values leave: curvature where h is long, noise where it is short,
    kinks where there are some. The step with the smallest error is taken; but where long steps are sure of
    the slope, a short one that contradicts has only lost it in rounding.

    Parameters
    ----------
    f : callable
        From a float64 vector to a vector.
    x, direction : vectors
        Where, and along which: of the size of ``x``, a step being a part of it.
    enough : float
        The error, relative to the largest entry, at which to stop.
    eps : float
        The least rounding of what ``f`` gives.
    """
    slopes: list[Array] = []
    noises: list[Array] = []
    steps: list[float] = []
    failure = None
    step = _LARGEST_STEP / min(1.0, largest(direction) or 1.0)
    with np.errstate(all="ignore"):
        center = f(x)
        while step > _SMALLEST_STEP:
            try:
                ahead, behind = ([f(x + j * step * sign * direction) for j in (1, 2, 3)] for sign in (1, -1))
            except Exception as exception:  # outside its domain, perhaps
                failure = exception
            else:
                odd1, odd2, odd3 = (a - b for a, b in zip(ahead, behind, strict=True))
                even1, even2, even3 = (a + b for a, b in zip(ahead, behind, strict=True))
                slope = (45 * odd1 - 9 * odd2 + odd3) / (60 * step)
                fifth = np.abs(odd3 - 4 * odd2 + 5 * odd1) / 84**0.5  # both 1 for noise of deviation 1
                sixth = np.abs(even3 - 6 * even2 + 15 * even1 - 20 * center) / 924**0.5
                slopes.append(slope)
                noises.append(np.maximum(fifth, sixth) + eps * (np.abs(center) + np.abs(slope)))
                steps.append(step)
                if len(steps) > 1:
                    error = _SAFETY * np.maximum(*noises[-2:]) / steps[-2]
                    if np.all(error <= enough * largest(slopes[-2])):
                        break
            step /= _SHRINK
        if not slopes and failure is not None:
            raise failure
        # every step meets the same noise: that of the next two shows what one may have missed by luck
        errors = [_SAFETY * np.maximum.reduce(noises[k : k + 3]) / step for k, step in enumerate(steps)]
        best, error = _most_certain(slopes, errors)
    # if anything were allowed, nothing were checked
    most = max(0.1 * largest(best), 1e4 * eps * (1 + largest(center)))
    return best, np.where(np.isfinite(error), np.minimum(error, most), 0)


def _most_certain(slopes: list[Array], errors: list[Array]) -> tuple[Array, Array]:
    """Choose among the steps, from the longest on, for each entry."""
    settled = [error < _SETTLED * np.abs(slope) for slope, error in zip(slopes, errors, strict=True)]
    best, least = np.full_like(slopes[0], np.nan), np.full_like(slopes[0], np.inf)
    was_sure = np.zeros_like(settled[0])
    for k, (slope, error) in enumerate(zip(slopes, errors, strict=True)):
        sure = np.zeros_like(was_sure)
        if k + 1 < len(slopes):  # one step alone may look smooth by aliasing
            sure = settled[k] & settled[k + 1] & (np.abs(slope - slopes[k + 1]) <= error + errors[k + 1])
        contradicts = was_sure & (np.abs(slope - best) > error + least)
        better = np.where(sure == was_sure, (error < least) & ~contradicts, sure)
        best, least = np.where(better, slope, best), np.where(better, error, least)
        was_sure |= sure
    return best, least


def largest(x: Any) -> float:
    """Return the largest size of an entry that is finite; 0 if there is none."""
    sizes = np.abs(np.asarray(x))
    return float(np.max(sizes, initial=0, where=np.isfinite(sizes)))
