"""Gates: piecewise-linear functions, each with its piece (pattern) and that piece's boundaries (margins).

At a kink a gate follows the piece whose slope is its derivative there: gradient and piece always agree.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

from .operands import Operand, as_array, numbers
from .primitive import Choice, Elementwise, General, entrywise
from .shaping import gather, scatter_add


def _side(x: Operand, *others: Operand) -> Any:
    """On which side of 0 the gate is."""
    return np.broadcast_arrays(x, *others)[0] > 0


def _own_boundary(pattern: Any, x: Operand, *others: Operand) -> Operand:
    """The gate changes where x = 0."""
    return np.broadcast_arrays(x, *others)[0][..., None]


relu = Elementwise(
    "relu",
    lambda x: np.maximum(x, 0),
    lambda out, x: x > 0,
    symbol="ReLU",
    formula="max(x, 0)",
    source="Nair & Hinton 2010",
    classes="gate",
    kinks={0: "0 (closed)"},
    pattern=_side,
    margins=_own_boundary,
)


def _leaky(x: Operand, slope: Operand) -> Operand:
    return np.where(x > 0, x, slope * x)


leaky_relu = Elementwise(
    "leaky_relu",
    _leaky,
    lambda out, x, slope: np.where(x > 0, 1, slope),
    0,
    symbol="LReLU",
    formula="x if x > 0 else slope·x",
    source="Maas et al. 2013",
    classes=("gate", "constant"),
    kinks={0: "slope (closed)"},
    pattern=_side,
    margins=_own_boundary,
)

prelu = Elementwise(
    "prelu",
    _leaky,
    lambda out, x, a: np.where(x > 0, 1, a),
    lambda out, x, a: np.where(x > 0, 0, x),
    symbol="PReLU",
    formula="x if x > 0 else a·x",
    source="He et al. 2015, eq. 1: the slope is learned",
    classes=("gate", "multilinear"),
    kinks={0: "a (closed)"},
    pattern=_side,
    margins=_own_boundary,
)

abs, fabs = (
    Elementwise(
        name,
        ufunc,
        lambda out, x: np.sign(numbers(x)),
        symbol="|·|",
        formula="|x|",
        source="slope ±1",
        classes="gate",
        kinks={0: "0"},
        pattern=np.sign,
        margins=_own_boundary,
    )
    for name, ufunc in (("abs", np.absolute), ("fabs", np.fabs))  # the second makes floats of whole numbers
)


def _sign_times_sign(x: Operand, y: Operand) -> Any:
    """The slope of copysign: ±1, and 0 at x = 0; −0 counts as negative in y."""
    return np.sign(numbers(x)) * np.copysign(1, numbers(y))


copysign = Elementwise(
    "copysign",
    np.copysign,
    lambda out, x, y: _sign_times_sign(x, y),
    0,
    formula="|x| with the sign of y",
    source="slope ±1",
    classes=("gate", "constant"),
    kinks={"x = 0": "0", "y = 0": "derivative by y is 0"},
    pattern=_sign_times_sign,
    margins=_own_boundary,
)


def _shares(out: Operand, pieces: tuple[Operand, ...]) -> list[Any]:
    """Who attains the extremum: the weight of each piece, shared equally where several do."""
    winners = [numbers(piece) == numbers(out) for piece in pieces]
    count = sum(winners)
    return [won / np.maximum(count, 1) for won in winners]


def _extremum_pattern(extremum: Any) -> Any:
    def pattern(*pieces: Operand) -> Any:
        return np.stack(np.broadcast_arrays(*_shares(extremum(*pieces), pieces)), axis=-1)

    return pattern


def lead(weights: Any, pieces: Any) -> Any:
    """Winner minus every piece, along the last axis; the winner's own is 0 with slope 0: out of reach."""
    won = np.where(weights > 0, pieces, 0)  # 0·inf would be nan
    return (weights * won).sum(axis=-1, keepdims=True) - pieces


def _extremum_margins(pattern: Any, *pieces: Operand) -> Operand:
    return lead(pattern, np.stack(np.broadcast_arrays(*pieces), axis=-1))


def _minimum_margins(pattern: Any, *pieces: Operand) -> Operand:
    return -_extremum_margins(pattern, *pieces)


def _maximum(*pieces: Operand) -> Operand:
    return reduce(np.maximum, pieces)


def _minimum(*pieces: Operand) -> Operand:
    return reduce(np.minimum, pieces)


maximum, minimum = (
    Elementwise(
        name,
        forward,
        lambda k, out, *pieces: _shares(out, pieces)[k],
        symbol=name[:3],
        formula=f"{name[:3]}(x, y, …)",
        source="the slope of whoever wins",
        classes="gate",
        variadic=True,
        numpy=[ufunc],
        kinks={"ties": "shared equally"},
        pattern=_extremum_pattern(forward),
        margins=margins,
        envelope=True,
    )
    for name, forward, ufunc, margins in (
        ("maximum", _maximum, np.maximum, _extremum_margins),
        ("minimum", _minimum, np.minimum, _minimum_margins),
    )
)


def _nan_ignoring(ufunc: np.ufunc, wins: np.ufunc, symbol: str) -> Elementwise:
    """The extremum of two, and the other one where one is nan."""

    def first_wins(x: Operand, y: Operand) -> Any:
        return wins(numbers(x), numbers(y)) | np.isnan(numbers(y))

    return Elementwise(
        ufunc.__name__,
        ufunc,
        lambda out, x, y: first_wins(x, y),
        lambda out, x, y: ~first_wins(x, y),
        symbol=symbol,
        formula=f"{symbol}(x, y), of what is not nan",
        source="the slope of whoever wins",
        classes=("gate", "gate"),
        kinks={"ties": "the first wins"},
        pattern=first_wins,
        margins=lambda pattern, x, y: (x - y)[..., None],
    )


fmax = _nan_ignoring(np.fmax, np.greater_equal, "max")
fmin = _nan_ignoring(np.fmin, np.less_equal, "min")


def _first_winner(*pieces: Operand) -> Any:
    return np.argmax(np.stack(np.broadcast_arrays(*map(numbers, pieces)), axis=-1), axis=-1)


maxout = Elementwise(
    "maxout",
    _maximum,
    lambda k, out, *pieces: _first_winner(*pieces) == k,
    formula="max(z₁, …, zₖ), one winner",
    source="Goodfellow et al. 2013, eq. 1",
    classes="gate",
    variadic=True,
    kinks={"ties": "the first piece wins"},
    pattern=_first_winner,
    margins=lambda winner, *pieces: _extremum_margins(
        np.arange(len(pieces)) == np.asarray(winner)[..., None], *pieces
    ),
    envelope=True,
)


def _group_members(groups: tuple[int, ...]) -> Any:
    """Index of the j-th piece of each group, padded with the group's last: (units, most pieces)."""
    sizes = np.asarray(groups, dtype=int)
    starts = np.cumsum(sizes) - sizes
    return starts[:, None] + np.minimum(np.arange(sizes.max(initial=1)), sizes[:, None] - 1)


def _group_winners(x: Operand, groups: tuple[int, ...]) -> Any:
    """Which piece of each group wins, counted within the group; the first at a tie."""
    return np.argmax(numbers(x)[..., _group_members(groups)], axis=-1)


def _winner_index(x: Operand, groups: tuple[int, ...]) -> tuple[Any, ...]:
    """The index that picks every group's winner out of ``x``."""
    winners = _group_winners(x, groups)
    grid = np.indices(winners.shape, sparse=True)
    return (*grid[:-1], _group_members(groups)[:, 0] + winners)


def _group_maxout(x: Operand, groups: tuple[int, ...]) -> Operand:
    return x[_winner_index(x, groups)]


def _group_margins(winners: Any, x: Operand, groups: tuple[int, ...]) -> Operand:
    pieces = x[..., _group_members(groups)]
    return lead(np.arange(pieces.shape[-1]) == winners[..., None], pieces)


def _group_maxout_on_scalars(x: Any, groups: tuple[int, ...]) -> Any:
    ends = np.cumsum(groups)
    units = [
        entrywise(maxout, np.moveaxis(x[..., end - size : end], -1, 0))
        for size, end in zip(groups, ends, strict=True)
    ]
    return np.moveaxis(np.array(units, dtype=object).reshape(len(units), *x.shape[:-1]), 0, -1)


group_maxout = General(
    "group_maxout",
    _group_maxout,
    vjps=[
        lambda g, out, x, groups: scatter_add(g, index=_winner_index(x, groups), shape=x.shape, unique=True)
    ],
    jvps=[lambda t, out, x, groups: gather(t, index=(..., *_winner_index(x, groups)))],
    symbol="Maxout",
    formula="max over each group of neighbouring entries of the last axis",
    source="Goodfellow et al. 2013, eq. 1",
    classes="gate",
    kinks={"ties": "the first piece wins"},
    pattern=_group_winners,
    margins=_group_margins,
    envelope=True,
    on_scalars=_group_maxout_on_scalars,
)


def _clip(x: Operand, low: Operand, high: Operand) -> Operand:
    """A bound of ±∞ takes no part: whole numbers stay whole."""
    above = x if type(low) is float and low == -np.inf else np.maximum(x, low)
    inside = above if type(high) is float and high == np.inf else np.minimum(above, high)
    return as_array(x).copy()[()] if inside is x else inside


clip = Elementwise(
    "clip",
    _clip,
    lambda out, x, low, high: (x >= low) & (x <= high),
    lambda out, x, low, high: (x < low) & (low <= high),
    lambda out, x, low, high: np.maximum(numbers(x), numbers(low)) > numbers(high),
    formula="min(max(x, low), high)",
    source="slope 1 inside, 0 outside",
    classes=("gate", "gate", "gate"),
    kinks={"the bounds": "1 for x, 0 for the bounds"},
    pattern=lambda x, low, high: np.where(x < low, -1, np.where(x > high, 1, 0)),
    margins=lambda pattern, x, low, high: np.stack(np.broadcast_arrays(x - low, x - high), axis=-1),
)

where = Choice(
    "where",
    np.where,
    0,
    lambda out, c, x, y: numbers(c) != 0,
    lambda out, c, x, y: numbers(c) == 0,
    formula="x if c else y",
    source="the slope of the branch taken",
    classes=("constant", "linear", "linear"),
    kinks={"a branch not taken that is infinite or nan": "0, along elementwise chains, at every order"},
)

dropout = Elementwise(
    "dropout",
    lambda x, mask: x * mask,
    lambda out, x, mask: mask,
    0,
    symbol="drop",
    formula="x·mask",
    source="Srivastava et al. 2014, §4; the mask is a constant",
    classes=("linear", "constant"),
)
