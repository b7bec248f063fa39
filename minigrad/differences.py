"""Derivatives in a direction from a function's values alone, with the error that they may have."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from .tensor import Array

Vectorial: TypeAlias = Callable[[Array], Array]
"""A function of a vector that gives a vector."""

_LARGEST_STEP, _SHRINK, _STEPS = 1e-2, 8.0, 16


def difference(
    f: Vectorial, x: Array, direction: Array, *, eps: float, enough: float, complex_f: Any = None
) -> tuple[Array, Array]:
    """
    Return the derivative of ``f`` at ``x`` in a direction, and its error.

    Parameters
    ----------
    f : callable
        From a float64 vector to a vector.
    x, direction : vectors
        Where, and along which.
    eps : float
        The rounding of what ``f`` gives.
    enough : float
        The error, relative to the largest entry, at which to stop.
    complex_f : callable, optional
        The same function for complex vectors, or one that raises; what it says is believed where it agrees.
    """
    central, error = _ridders(f, x, direction, eps, enough)
    exact = None if complex_f is None else _complex_step(complex_f, x, direction)
    if exact is None or not np.all(np.abs(exact - central) <= error + 1e-3 * largest(central)):
        return (
            central,
            error,
        )  # complex numbers may be taken, but not as the analytic continuation (abs, conj)
    return exact, np.zeros_like(error)


def _ridders(f: Vectorial, x: Array, direction: Array, eps: float, enough: float) -> tuple[Array, Array]:
    """
    Central differences with shorter and shorter steps, extrapolated to 0 until they settle. Ridders 1982.

    Entry by entry; what a shorter step contradicts is given up, however sure it looked.
    """
    sizes = np.abs(x)
    step = _LARGEST_STEP * max(1.0, float(np.min(sizes[sizes > 0], initial=largest(sizes))))
    best: Any = np.nan
    error: Any = np.inf
    last: list[Array] = []
    highest, failure = 0.0, None
    for _ in range(_STEPS):
        try:
            with np.errstate(all="ignore"):
                ahead, behind = f(x + step * direction), f(x - step * direction)
        except Exception as exception:  # outside its domain, perhaps
            failure, last = exception, []
        else:
            with np.errstate(all="ignore"):
                row = [(ahead - behind) / (2 * step)]
                size = np.maximum(np.abs(ahead), np.abs(behind))
                steepest = np.fmax(np.abs(row[0]), np.abs(best))
                rounding = eps * (1 + size + steepest * largest(sizes)) / step  # of numbers around 1
                for k, coarser in enumerate(last):
                    factor = _SHRINK ** (2 * k + 2)
                    new = (factor * row[k] - coarser) / (factor - 1)
                    change = np.maximum(np.abs(new - row[k]), np.abs(new - coarser)) + rounding
                    better = (change < error) | (np.abs(new - best) > change + error)
                    best, error = np.where(better, new, best), np.where(better, change, error)
                    row.append(new)
            last, highest = row, largest(size)
            if np.all(error <= enough * largest(best)):
                break
        step /= _SHRINK
    if not last and failure is not None:
        raise failure
    most = max(
        0.1 * largest(best), 1e4 * eps * (1 + highest)
    )  # if anything were allowed, nothing were checked
    return best, np.where(np.isfinite(error), np.minimum(error, most), 0)


def _complex_step(f: Any, x: Array, direction: Array) -> Array | None:
    """Im f(x + ih·v)/h: nothing is subtracted, so h may be tiny. Squire & Trapp 1998."""
    step = 1e-20
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            return np.imag(f(x + 1j * step * direction)) / step
    except Exception:  # whatever a function says to complex numbers, it does not allow them
        return None


def largest(x: Any) -> float:
    """Return the largest size of an entry that is finite; 0 if there is none."""
    sizes = np.abs(np.asarray(x))
    return float(np.max(sizes, initial=0, where=np.isfinite(sizes)))
