"""The generator that initial weights and dropout masks are drawn from when none is given."""

from __future__ import annotations

import reprlib
from typing import Any

import numpy as np

from .recording import current

_generator: np.random.Generator | None = None  # made when it is first needed: numpy.random takes time to load


def manual_seed(seed: int) -> None:
    """
    Start minigrad's own random generator afresh, so that a script gives the same numbers every time.

    NumPy's global state is not touched.

    Parameters
    ----------
    seed : int
        Any non-negative number.

    Raises
    ------
    TypeError, ValueError
        If it is no whole number, or negative.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.manual_seed(0); a = mg.nn.Linear(2, 3).weight.data
    >>> mg.manual_seed(0); b = mg.nn.Linear(2, 3).weight.data
    >>> bool((a == b).all())
    True
    """
    global _generator
    _generator = np.random.default_rng(whole_number("seed", seed))


def generator(rng: np.random.Generator | int | None = None) -> np.random.Generator:
    """Return ``rng`` as a generator: itself, one of that seed, or for None the library's own."""
    global _generator
    if rng is None:
        if _generator is None:
            _generator = np.random.default_rng()
        return _generator
    if isinstance(rng, np.random.Generator):
        return rng
    return np.random.default_rng(whole_number("rng, unless it is a Generator,", rng))


def uniform(rng: np.random.Generator | int | None, shape: tuple[int, ...]) -> Any:
    """Draw numbers in [0, 1), with ``rng`` as for :func:`generator`; a program draws them anew each time."""
    capture = current().capture
    return generator(rng).random(shape) if capture is None else capture.draw(rng, shape)


def whole_number(name: str, value: Any, least: int = 0) -> int:
    """Return ``value`` as an int that is at least ``least``, or say that it is none."""
    if not isinstance(value, int | np.integer) or isinstance(value, bool):
        raise TypeError(f"{name} must be a whole number, at least {least}, got {reprlib.repr(value)}")
    if value < least:
        raise ValueError(f"{name} must be a whole number, at least {least}, got {value}")
    return int(value)
