"""The exact pieces of a network along a line."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from ..nn import Module
from ..tensor import Array
from ..thin import thin
from ..thin.followed import checked_inputs
from .breakpoints import Pieces, pieces
from .gates import columns

if TYPE_CHECKING:
    from ..thin import ThinNetwork


class Segment:
    """
    A part of a line on which no gate changes; made by :func:`minigrad.regions.line`.

    Attributes
    ----------
    start, stop : float
        From where to where, in t.
    middle : float
        A t inside: halfway, but for segments without end.
    flip : frozenset of (layer, neuron)
        The gates that are different on the next segment, numbered as in ``thin.next_flip``; empty for the
        last segment.
    thin : ThinNetwork
        The thin linear network at the middle, made when it is asked for.
    values : ndarray, shape (2, n_out)
        f at start and stop; its limit where there is no end.
    slope : ndarray, shape (n_out,)
        The derivative of f by t.
    pattern : ndarray, shape (columns,)
        What the gates choose, as ``Line.patterns``.
    """

    __slots__ = ("_index", "_line")

    def __init__(self, line: Line, index: int) -> None:
        self._line, self._index = line, index

    @property
    def start(self) -> float:  # noqa: D102
        return float(self._line.knots[self._index])

    @property
    def stop(self) -> float:  # noqa: D102
        return float(self._line.knots[self._index + 1])

    @property
    def middle(self) -> float:  # noqa: D102
        return float(self._line.middles[self._index])

    @property
    def flip(self) -> frozenset[tuple[int, int]]:  # noqa: D102
        patterns, next_one = self._line.patterns, self._index + 1
        if next_one == len(patterns):
            return frozenset()
        changes = self._line.units[patterns[self._index] != patterns[next_one]]
        return frozenset((int(layer), int(neuron)) for layer, neuron in changes)

    @property
    def thin(self) -> ThinNetwork:  # noqa: D102
        return thin(self._line.net, self._line.points(self.middle)[0])

    @property
    def values(self) -> Array:  # noqa: D102
        return self._line.values[self._index : self._index + 2]

    @property
    def slope(self) -> Array:  # noqa: D102
        return self._line.slopes[self._index]

    @property
    def pattern(self) -> Array:  # noqa: D102
        return self._line.patterns[self._index]

    def __repr__(self) -> str:
        return f"Segment({self.start:.6g} to {self.stop:.6g})"


class Line:
    """
    A network along a line: its segments in order; made by :func:`minigrad.regions.line`.

    It is a sequence of its segments. The arrays have the same for all of them at once.

    Attributes
    ----------
    net : Module
        The network.
    a, b : ndarray, shape (*input)
        t = 0 and t = 1.
    breakpoints : ndarray, shape (segments − 1,)
        Where gates change, in ascending order.
    knots : ndarray, shape (segments + 1,)
        The breakpoints between the ends: 0 and 1, or −∞ and ∞.
    middles : ndarray, shape (segments,)
        A t inside each segment.
    values : ndarray, shape (segments + 1, n_out)
        f at the knots; its limit at those that are infinite.
    slopes : ndarray, shape (segments, n_out)
        The derivative of f by t on each segment.
    patterns : ndarray of bool or int, shape (segments, columns)
        What the gates choose: a column for each unit, whether it is open, which piece wins or on which side
        of its boundary it is. A gate that may share its piece has a column for each unit and piece.
    units : ndarray of int, shape (columns, 2)
        (layer, neuron) of each column, as in ``thin.next_flip``.
    """

    def __init__(self, net: Module, a: Array, b: Array, found: Pieces) -> None:
        self.net, self.a, self.b = net, a, b
        self.knots, self.middles = np.append(found.start, found.stop[-1]), found.middle
        self.slopes, self.patterns = found.slopes, found.patterns
        ways = np.append(found.start[:1], found.stop) - np.append(found.middle[:1], found.middle)
        slopes, outputs = (np.concatenate([each[:1], each]) for each in (found.slopes, found.outputs))
        with np.errstate(invalid="ignore"):
            self.values = outputs + np.where(slopes == 0, 0, ways[:, None] * slopes)

    @property
    def breakpoints(self) -> Array:  # noqa: D102
        return self.knots[1:-1]

    @cached_property
    def units(self) -> Array:  # noqa: D102
        return columns(self.net, self.a)

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The segments, in order."""
        return tuple(self)

    def at(self, t: float) -> Segment:
        """
        Return the segment that has t inside; at a breakpoint the one that begins there.

        Raises
        ------
        ValueError
            If the line does not go there.
        """
        if not self.knots[0] <= t <= self.knots[-1]:
            raise ValueError(
                f"the line goes from t = {self.knots[0]:g} to {self.knots[-1]:g}, not to t = {t}"
            )
        return Segment(self, int(np.searchsorted(self.breakpoints, t, side="right")))

    def points(self, t: ArrayLike) -> Array:
        """Return the inputs ``a + t (b − a)``, shape (len(t), *input)."""
        each = np.asarray(t, dtype=float).reshape(-1, *(1,) * self.a.ndim)
        return np.where(each == 1, self.b, self.a + each * (self.b - self.a))

    def __len__(self) -> int:
        return len(self.slopes)

    def __getitem__(self, index: int) -> Segment:
        if not -len(self) <= index < len(self):
            raise IndexError(f"the line has {len(self)} segments, so there is no segment {index}")
        return Segment(self, index % len(self))

    def __iter__(self) -> Iterator[Segment]:
        return (Segment(self, index) for index in range(len(self)))

    def __repr__(self) -> str:
        return f"Line({len(self)} segments from t = {self.knots[0]:g} to {self.knots[-1]:g})"


def line(net: Module, a: ArrayLike, b: ArrayLike, *, whole: bool = False) -> Line:
    """
    Return the pieces of a network f along ``a + t (b − a)``: exactly, and all of them.

    Parameters
    ----------
    net : Module
        Piecewise linear, and it takes batches. Dropout must be in evaluation mode.
    a, b : array_like, shape (*input)
        The ends of the segment: two vectors, or two images.
    whole : bool
        Follow the whole line, t from −∞ to ∞, and not only from a to b.

    Returns
    -------
    Line
        Its segments in order, each with ``start``, ``stop``, ``flip``, ``thin``, ``values`` and ``slope``.

    Raises
    ------
    NotPiecewiseLinearError
        If something in the network is smooth; the error names the layer.
    ValueError
        If the two are the same point, differ in shape or are not finite, or the network draws dropout masks.
    TypeError
        If ``net`` is no Module.

    Notes
    -----
    Everything is computed in float64, whatever the dtype of the parameters. A segment is where one activation
    pattern holds, so a gate counts also where nothing comes of its change. Gates that change at one point
    make one breakpoint, as do those that rounding can't tell apart. A gate that only touches its boundary, or
    is on it all along, makes none, and where an end of the line is on a boundary, the segments begin or end
    there with what holds inside. The network must stay as it is until ``thin`` is asked for.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> net = nn.Sequential(nn.Linear.of([[1.0], [2.0]], [-1.0, 1.0]), nn.ReLU(), nn.Linear.of([[1.0, -1.0]]))
    >>> for segment in mg.regions.line(net, [-2.0], [2.0]):
    ...     print(segment.start, segment.stop, segment.slope, sorted(segment.flip))
    0.0 0.375 [0.] [(0, 1)]
    0.375 0.75 [-8.] [(0, 0)]
    0.75 1.0 [-4.] []
    """
    ends = [np.asarray(end) for end in (a, b)]
    if ends[0].shape != ends[1].shape or not ends[0].ndim:
        shapes = " and ".join(str(end.shape) for end in ends)
        raise ValueError(
            f"line takes two inputs of the same shape, two vectors, say, but got shapes {shapes}"
        )
    origin, end = checked_inputs(net, np.stack(ends), "line").astype(float)
    if (origin == end).all():
        raise ValueError("a and b are the same point: a line needs two")
    low, high = (-np.inf, np.inf) if whole else (0.0, 1.0)
    return Line(net, origin, end, _merged(pieces(net, origin, end - origin, low, high)))


def _merged(found: Pieces) -> Pieces:
    """Join neighbours with the same pattern; the middle is that of the longest."""
    differs = (found.patterns[1:] != found.patterns[:-1]).any(axis=1)
    group = np.concatenate([[0], np.cumsum(differs)])
    first = np.flatnonzero(np.append(True, differs))
    order = np.lexsort((found.start - found.stop, group))
    longest = order[first]
    return Pieces(
        found.start[first],
        found.stop[np.append(first[1:], len(group)) - 1],
        found.middle[longest],
        found.outputs[longest],
        found.slopes[longest],
        found.patterns[longest],
    )
