"""
Hypothesis strategies for testing derivatives of one's own functions, away from kinks.

A derivative is checked against differences of values, and differences say nothing at a kink: at 0 of a ReLU,
where two entries of a maximum are equal. So these arrays keep their distance: all entries are different, and
none is near a point that is named. Three lines check a function at a hundred places:

>>> import numpy as np, minigrad as mg
>>> from hypothesis import given
>>> from minigrad.testing import arrays, broadcastable
>>> @given(arrays())
... def test_softsign(x):
...     mg.check_gradients(lambda x: x / (1 + np.abs(x)), x)
>>> test_softsign()

This module needs hypothesis, which minigrad itself does not: ``pip install hypothesis``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import DTypeLike

from .tensor import Array

__all__ = ["arrays", "broadcastable"]

Shape = tuple[int, ...]


def arrays(
    shape: Shape | st.SearchStrategy[Shape] | None = None,
    *,
    dtype: DTypeLike = np.float64,
    low: float = -3.0,
    high: float = 3.0,
    away_from: Sequence[float] = (0.0,),
    empty: bool = False,
) -> st.SearchStrategy[Array]:
    """
    Draw float arrays whose entries are all different, and none near a kink.

    Parameters
    ----------
    shape : tuple of int, or strategy, optional
        By default any from 0 to 3 dimensions, up to 3 long.
    dtype : dtype
        Of floats.
    low, high : float
        All entries lie between them.
    away_from : sequence of float
        Points that no entry comes near. Any two of n entries are at least (high − low)/(2n + 2p + 20) apart,
        and half as far from each of these p points, and from `low` and `high`.
    empty : bool
        Whether shapes that are drawn may have axes of length 0.

    Returns
    -------
    strategy
        Of arrays.

    Raises
    ------
    TypeError
        If the dtype is not one of floats.
    ValueError
        If `low` is not below `high`, one or their distance is not finite in the dtype, a point is nan, or a
        length is negative; where arrays are drawn, if the dtype has too few numbers between them.

    Examples
    --------
    >>> import numpy as np, minigrad as mg
    >>> from hypothesis import given
    >>> @given(arrays(low=0.0, dtype=np.float32))
    ... def test_xlogx(x):
    ...     mg.check_gradients(lambda x: x * np.log(x), x)
    >>> test_xlogx()
    """
    if shape is None:
        shape = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0 if empty else 1, max_side=3)
    shapes = shape if isinstance(shape, st.SearchStrategy) else st.just(_checked(shape))
    fill = _filler(dtype, low, high, away_from)
    return st.builds(lambda shape, draw: fill([shape], *draw)[0], shapes, _positions)


def broadcastable(
    n: int,
    *,
    dtype: DTypeLike = np.float64,
    low: float = -3.0,
    high: float = 3.0,
    away_from: Sequence[float] = (0.0,),
    empty: bool = False,
) -> st.SearchStrategy[tuple[Array, ...]]:
    """
    Draw n float arrays whose shapes broadcast together, and whose entries all differ, across the arrays too.

    The other parameters and errors are those of :func:`arrays`.

    Returns
    -------
    strategy
        Of tuples of n arrays.

    Examples
    --------
    >>> import numpy as np, minigrad as mg
    >>> from hypothesis import given
    >>> @given(broadcastable(2))
    ... def test_distance(pair):
    ...     mg.check_gradients(lambda x, y: np.maximum(x, y) - np.minimum(x, y), *pair)
    >>> test_distance()
    """
    if not isinstance(n, int) or n < 1:
        raise ValueError(f"broadcastable draws a whole number of arrays, 1 or more, but got {n!r}")
    shapes = hnp.mutually_broadcastable_shapes(
        num_shapes=n, max_dims=3, min_side=0 if empty else 1, max_side=3
    )
    fill = _filler(dtype, low, high, away_from)
    return st.builds(lambda shapes, draw: tuple(fill(shapes.input_shapes, *draw)), shapes, _positions)


_positions = st.tuples(st.integers(0, 2**32 - 1), st.floats(0.25, 0.75))
"""Which places the entries take, and where in their place they stand."""


def _checked(shape: Any) -> Shape:
    lengths = shape if isinstance(shape, (tuple, list)) else (None,)
    if any(not isinstance(n, int) or n < 0 for n in lengths):
        raise ValueError(
            f"a shape is a tuple of lengths, 0 or more each, or a strategy of them; got {shape!r}"
        )
    return tuple(lengths)


def _filler(
    dtype: DTypeLike, low: float, high: float, away_from: Sequence[float]
) -> Callable[[Sequence[Shape], int, float], list[Array]]:
    """Return the function that fills shapes with numbers, after it has looked at the parameters."""
    kind = np.dtype(dtype)
    if kind.kind != "f":
        raise TypeError(f"only floats have gradients, but dtype is {kind}")
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(f"low must be below high, and both finite, but got low={low}, high={high}")
    largest = float(np.finfo(kind).max)
    if max(abs(low), abs(high), high - low) > largest:
        raise ValueError(f"{kind} ends at {largest:.4g}: low={low}, high={high} or their distance is beyond")
    points: Any = np.array(away_from, dtype=float).reshape(-1, 1)
    if np.any(np.isnan(points)):
        raise ValueError(f"away_from are numbers to keep away from, but got {away_from}")

    def fill(shapes: Sequence[Shape], seed: int, offset: float) -> list[Array]:
        sizes = [math.prod(shape) for shape in shapes]
        count = 2 * sum(sizes) + 20 + 2 * len(points)
        width = (high - low) / count
        places = low + width * (1 + np.arange(count - 2) + offset)
        places = places[np.all(np.abs(places - points) >= width / 2, axis=0)]
        chosen = np.random.default_rng(seed).permutation(places)[: sum(sizes)].astype(kind)
        if np.unique(chosen).size < chosen.size or np.any((chosen <= low) | (chosen >= high)):
            raise ValueError(
                f"{kind} has too few numbers between low={low} and high={high} for {chosen.size} entries "
                f"that keep their distance: take bounds that are further apart, or float64"
            )
        parts = np.split(chosen, np.cumsum(sizes)[:-1])
        return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]

    return fill
