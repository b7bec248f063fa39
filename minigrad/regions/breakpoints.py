"""Where the gates of a network change along a line: all segments at once, gate after gate.

A segment on which all gates before a gate keep their pieces sees an affine margin, so the crossings of that
gate are known from one point inside. The segment is cut there, and its parts go on with the next gate. So a
segment is followed as often as gates cut it, whatever its length, and nothing can be missed between samples.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..nn import Module
from ..tensor import Array
from ..thin.affine import Gate
from ..thin.followed import Followed, chunks, follow
from .gates import coded, decided


@dataclass(frozen=True, eq=False)
class Pieces:
    """
    The segments of a line, in order.

    Attributes
    ----------
    start, stop, middle : ndarray, shape (segments,)
        From where to where in t, and a point inside.
    outputs, slopes : ndarray, shape (segments, n_out)
        f at the middle, and its derivative by t.
    patterns : ndarray, shape (segments, columns)
        What the gates choose.
    """

    start: Array
    stop: Array
    middle: Array
    outputs: Array
    slopes: Array
    patterns: Array


@dataclass(frozen=True, eq=False)
class _Spans:
    """Parts of the line that may still be cut: ends, what rounding may have moved them by, gates done."""

    start: Array
    stop: Array
    start_doubt: Array
    stop_doubt: Array
    settled: Array

    def __len__(self) -> int:
        return len(self.start)

    def __getitem__(self, part: slice) -> _Spans:
        return _Spans(*(getattr(self, name)[part] for name in self.__dataclass_fields__))

    @property
    def middle(self) -> Array:
        """A point inside: halfway; where there is no end, away from the other one, or from 0 to 1."""
        start, stop = self.start, self.stop
        begun, ended = np.isfinite(start), np.isfinite(stop)
        with np.errstate(invalid="ignore"):
            first = np.where(begun, start, np.where(ended, stop - 2 * np.maximum(1, np.abs(stop)), 0))
            last = np.where(ended, stop, np.where(begun, start + 2 * np.maximum(1, np.abs(start)), 1))
        return np.asarray(first / 2 + last / 2)


def pieces(net: Module, origin: Array, direction: Array, low: float, high: float) -> Pieces:
    """Return the segments of ``origin + t · direction``, low < t < high; the ends may be infinite."""
    length = float(np.linalg.norm(direction.ravel() / np.abs(direction).max()) * np.abs(direction).max())
    ends = np.array([low]), np.array([high])
    spans = _Spans(*ends, np.zeros(1), np.zeros(1), np.zeros(1, dtype=int))
    found: list[tuple[Array, ...]] = []
    while len(spans):
        cut = []
        for part in chunks(net, np.broadcast_to(origin, (len(spans), *origin.shape)), 1):
            here = spans[part]
            middle = here.middle
            x = origin + middle.reshape(-1, *(1,) * origin.ndim) * direction
            followed = follow(net, x, (direction / length)[None])
            parts, whole = _cut(here, middle, followed, length)
            cut.append(parts)
            found.append(
                (
                    here.start[whole],
                    here.stop[whole],
                    middle[whole],
                    followed.output[whole],
                    followed.slopes[0, whole] * length,
                    _patterns(followed, whole),
                )
            )
        spans = _Spans(
            *(np.concatenate([getattr(each, name) for each in cut]) for name in _Spans.__dataclass_fields__)
        )
    start, *rest = (np.concatenate(arrays) for arrays in zip(*found, strict=True))
    order = np.argsort(start)
    return Pieces(start[order], *(array[order] for array in rest))


def _patterns(followed: Followed, rows: Array) -> Array:
    """Return what the gates choose at some of the rows."""
    codes = [coded(gate.node, decided(gate))[rows] for gate in followed.gates]
    return np.concatenate([np.zeros((int(rows.sum()), 0), dtype=bool), *codes], axis=1)


def _cut(spans: _Spans, middle: Array, followed: Followed, length: float) -> tuple[_Spans, Array]:
    """Cut each span where the first gate that crosses inside does; return the parts, and what stays whole."""
    cut_by = np.full(len(spans), -1)
    times = []
    for k, gate in enumerate(followed.gates):
        if (spans.settled > k).all():
            continue
        rows, t, doubt = _crossings(gate, spans, middle, length)
        inside = (spans.settled[rows] <= k) & (cut_by[rows] < 0)
        inside &= t - doubt > spans.start[rows] + spans.start_doubt[rows]
        inside &= t + doubt < spans.stop[rows] - spans.stop_doubt[rows]
        rows, t, doubt = rows[inside], t[inside], doubt[inside]
        times.append(_distinct(rows, t, doubt))
        cut_by[rows] = k
    whole = cut_by < 0
    cut = np.flatnonzero(~whole)
    rows, start, doubt = (
        np.concatenate(each)
        for each in zip((cut, spans.start[cut], spans.start_doubt[cut]), *times, strict=True)
    )
    order = np.lexsort((start, rows))
    rows, start, doubt = rows[order], start[order], doubt[order]
    last = np.append(rows[1:] != rows[:-1], True)[: len(rows)]
    stop = np.where(last, spans.stop[rows], np.append(start[1:], 0)[: len(rows)])
    stop_doubt = np.where(last, spans.stop_doubt[rows], np.append(doubt[1:], 0)[: len(rows)])
    return _Spans(start, stop, doubt, stop_doubt, cut_by[rows] + 1), whole


def _crossings(gate: Gate, spans: _Spans, middle: Array, length: float) -> tuple[Array, Array, Array]:
    """Return where a gate changes: spans, times, and how far rounding may have moved those."""
    size = gate.margins.shape[-1]
    shape = (len(spans), -1, size)
    margins, slopes = gate.margins.reshape(shape), gate.slopes[0].reshape(shape) * length
    room = (spans.start - middle)[:, None, None], (spans.stop - middle)[:, None, None]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        reach = -margins / slopes
    ahead = (slopes != 0) & (room[0] < reach) & (reach < room[1])
    if gate.node.primitive.envelope:
        pair = np.nonzero(ahead.any(axis=-1))
        off = _noise(gate, pair, length)
        limits = room[0][pair[0], 0, 0], room[1][pair[0], 0, 0]
        each, away, steepness = _walk(margins[pair], slopes[pair], off[1], limits)
        rows, off = pair[0][each], 2 * off[:, each]
    else:
        rows, units, bounds = np.nonzero(ahead)
        off = _noise(gate, (rows, units), length)
        away, steepness = reach[rows, units, bounds], np.abs(slopes[rows, units, bounds])
    doubt = (off[0] + off[1] * np.abs(away)) / steepness
    rounding = 4 * np.finfo(float).eps * (np.abs(middle[rows]) + np.abs(away))
    return rows, middle[rows] + away, doubt + rounding


def _noise(gate: Gate, pair: tuple[Array, ...], length: float) -> Array:
    """Return what margins and slopes of some (row, unit) may be off by."""
    noise = gate.noise.reshape(2, len(gate.noise[0]), -1)
    rows, units = pair
    return noise[:, rows, units if noise.shape[2] > 1 else 0 * units] * np.array([[1.0], [length]])


def _walk(leads: Array, slopes: Array, off: Array, limits: tuple[Array, Array]) -> tuple[Array, Array, Array]:
    """
    Walk along envelopes from the middle both ways: the piece whose lead is least wins.

    Returns the envelope, the way from the middle, and how much the slopes differ, of every change.
    """
    none = np.zeros(0)
    found = [(none.astype(int), none, none)]
    for side, limit in ((-1, -limits[0]), (1, limits[1])):
        alive = np.arange(len(leads))
        lead, slope = np.zeros(len(leads)), np.zeros(len(leads))
        while len(alive):
            falls = slope[:, None] - side * slopes[alive]
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                away = np.where(falls > off[alive, None], (leads[alive] - lead[:, None]) / falls, np.inf)
            nearest = away.min(axis=1)
            winner = np.where(away == nearest[:, None], falls, -np.inf).argmax(axis=1)
            on = nearest < limit[alive]
            steepness = falls[np.arange(len(alive)), winner]
            alive, winner = alive[on], winner[on]
            found.append((alive, side * nearest[on], steepness[on]))
            lead, slope = leads[alive, winner], side * slopes[alive, winner]
    each, away, steepness = (np.concatenate(arrays) for arrays in zip(*found, strict=True))
    return each, away, steepness


def _distinct(rows: Array, t: Array, doubt: Array) -> tuple[Array, Array, Array]:
    """Of times that rounding can't tell apart keep the surest; those that it keeps apart stay."""
    kept: list[tuple[Array, Array, Array]] = [(rows[:0], t[:0], doubt[:0])]
    while len(rows):
        order = np.lexsort((t, rows))
        rows, t, doubt = rows[order], t[order], doubt[order]
        apart = (rows[1:] != rows[:-1]) | (t[1:] - t[:-1] > doubt[1:] + doubt[:-1])
        cluster = np.concatenate([[0], np.cumsum(apart)])
        order = np.lexsort((doubt, cluster))
        first = order[np.searchsorted(cluster, np.arange(cluster[-1] + 1))]
        kept.append((rows[first], t[first], doubt[first]))
        away = np.abs(t - t[first][cluster]) > doubt + doubt[first][cluster]
        rows, t, doubt = rows[away], t[away], doubt[away]
    rows, t, doubt = (np.concatenate(arrays) for arrays in zip(*kept, strict=True))
    return rows, t, doubt
