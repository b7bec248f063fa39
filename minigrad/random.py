"""The generator that initial weights and dropout masks are drawn from when none is given."""

from __future__ import annotations

import numpy as np

_generator = np.random.default_rng()


def manual_seed(seed: int) -> None:
    """
    Start minigrad's own random generator afresh, so that a script gives the same numbers every time.

    NumPy's global state is not touched.

    Parameters
    ----------
    seed : int
        Any non-negative number.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.manual_seed(0); a = mg.nn.Linear(2, 3).weight.data
    >>> mg.manual_seed(0); b = mg.nn.Linear(2, 3).weight.data
    >>> bool((a == b).all())
    True
    """
    global _generator
    _generator = np.random.default_rng(seed)


def generator(rng: np.random.Generator | int | None = None) -> np.random.Generator:
    """Return ``rng`` as a generator: itself, one of that seed, or for None the library's own."""
    if rng is None:
        return _generator
    return rng if isinstance(rng, np.random.Generator) else np.random.default_rng(rng)
