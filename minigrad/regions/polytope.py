"""The region of one input, as inequalities."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from ..nn import Module
from ..rules.gates import clip
from ..tensor import Array
from ..thin.affine import Gate
from ..thin.given import one_input
from ..thin.network import map_around
from .gates import layers_around

SAME = 1e-12
"""How much of a row's size rounding may move it."""

FACET = 1e-9
"""How far beyond the others a row must cut to count as a facet: what a linear program's answer is worth."""


@dataclass(frozen=True, eq=False)
class Polytope:
    """
    All inputs with one activation pattern: ``A @ x' ≤ b``; made by :func:`minigrad.regions.polytope`.

    Attributes
    ----------
    x : ndarray of float64, shape (*input)
        The input that it is the region of.
    A : ndarray, shape (rows, n_in)
        Of unit length each, so that ``b − A @ x'`` are distances.
    b : ndarray, shape (rows,)
        The right-hand sides.
    units : ndarray of int, shape (rows, 2)
        Whose boundary each row is: (layer, neuron), numbered as in ``thin.next_flip``; (−2, k) for a side of
        the box across entry k of the input.
    """

    x: Array
    A: Array
    b: Array
    units: Array

    def __len__(self) -> int:
        """How many inequalities there are."""
        return len(self.b)

    def __repr__(self) -> str:
        return f"Polytope({len(self)} inequalities in {self.x.size} dimensions)"

    @property
    def radius(self) -> float:
        """How far the input is from the nearest side; infinity where there is none."""
        return float((self.b - self.A @ self.x.ravel()).min(initial=np.inf))

    def contains(self, points: ArrayLike) -> Array:
        """
        Tell which points lie in the region, its sides included.

        Parameters
        ----------
        points : array_like, shape (points, *input)
            Where to look.

        Returns
        -------
        ndarray of bool, shape (points,)
        """
        given = np.asarray(points, dtype=float)
        if given.shape[1:] != self.x.shape:
            raise ValueError(
                f"contains takes points of shape (points, {', '.join(map(str, self.x.shape))}), "
                f"but got {given.shape}"
            )
        flat = given.reshape(len(given), -1)
        slack = SAME * (1 + np.abs(flat).sum(axis=1, keepdims=True))
        return (flat @ self.A.T <= self.b + slack).all(axis=1)

    def irredundant(self, *, progress: bool = True) -> Polytope:
        """
        Return the same region by the fewest inequalities: its facets.

        A row is redundant if the others keep it: where its left-hand side is largest among the points that
        they allow, it still holds. That is one linear program a row, but for rows that a ray from within
        meets first, which are surely facets. Of equal rows the first one stays. A region that is flat, as at
        some ties, keeps every row but copies.

        Parameters
        ----------
        progress : bool
            Whether to show a bar; only if there are hundreds of programs to solve.

        Returns
        -------
        Polytope
        """
        from tqdm import tqdm

        scale = 1 + np.abs(self.x).sum()
        alike = np.round(np.column_stack([self.A, self.b / scale]), 11) + 0.0  # −0 is 0
        kept = np.sort(np.unique(alike, axis=0, return_index=True)[1])
        centre, room = replace(self, A=self.A[kept], b=self.b[kept], units=self.units[kept]).chebyshev
        if room <= SAME * scale:
            return self._rows(kept)
        surely = _seen_from(centre.ravel(), self.A[kept], self.b[kept])
        needed = np.ones(len(kept), dtype=bool)
        doubtful = np.flatnonzero(~surely)
        for k in tqdm(doubtful, "facets", disable=not progress or len(doubtful) < 200, leave=False):
            needed[k] = False
            row, others = kept[k], kept[needed]
            reach = _largest(self.A[row], self.b[row], self.A[others], self.b[others])
            needed[k] = reach > self.b[row] + FACET * scale
        return self._rows(kept[needed])

    @property
    def chebyshev(self) -> tuple[Array, float]:
        """
        The centre, of the input's shape, and the radius of the largest ball within.

        Where there is no largest one, because the region has no end, the radius is infinity and the centre
        the input: give :func:`polytope` a box.
        """
        from scipy.optimize import linprog

        n = self.x.size
        if not len(self):
            return self.x, np.inf
        solved = linprog(
            np.r_[np.zeros(n), -1.0],
            A_ub=np.column_stack([self.A, np.ones(len(self))]),
            b_ub=self.b,
            bounds=[(None, None)] * n + [(0, None)],
        )
        if solved.status == 3:
            return self.x, np.inf
        if solved.x is None:  # flat, and rounding leaves no point: the input is one
            return self.x, 0.0
        return solved.x[:-1].reshape(self.x.shape), float(solved.x[-1])

    def _rows(self, rows: Array) -> Polytope:
        return replace(self, A=self.A[rows], b=self.b[rows], units=self.units[rows])


def polytope(net: Module, x: ArrayLike, *, box: tuple[float, float] | None = None) -> Polytope:
    """
    Return the region of one input: the inequalities that hold wherever every gate keeps its piece.

    Parameters
    ----------
    net : Module
        Made of linear layers and gates. Dropout in training keeps the masks of one draw.
    x : array_like, shape (*input)
        One input.
    box : (float, float), optional
        Keep every entry of the input between these bounds as well.

    Returns
    -------
    Polytope
        It has a row for every boundary that the input could reach were there no others. Computed in float64.

    Raises
    ------
    NotPiecewiseLinearError
        If something in the network is smooth; the error names the layer.
    ValueError
        If ``x`` is not one finite input, or lies outside the box.

    Notes
    -----
    On a boundary (a *tie*) it is the region on the side whose piece the gate follows there: that below 0 for
    a ReLU. Where the piece at the tie is one of its own, as the mean of two that share a maximum or the slope
    0 of abs(0), the region is flat: it has both inequalities.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> net = nn.Sequential(nn.Linear.of([[1.0, 0.0], [1.0, 0.0], [0.0, 2.0]], [0.0, 1.0, 0.0]), nn.ReLU())
    >>> region = mg.regions.polytope(net, [3.0, -1.0])
    >>> region
    Polytope(3 inequalities in 2 dimensions)
    >>> region.irredundant().units  # x₀ > −1 holds wherever x₀ > 0
    array([[0, 0],
           [0, 2]])
    >>> region.contains([[1.0, -5.0], [-1.0, -5.0]])
    array([ True, False])
    """
    given = one_input(net, x).astype(np.float64)
    around = map_around(net, given)
    rows, rights = [np.zeros((0, given.size))], [np.zeros(0)]
    units = [np.zeros((0, 2), dtype=int)]
    for layer, gate in zip(layers_around(around), around.gates, strict=True):
        margins = gate.margins.reshape(-1)
        slopes = gate.slopes.reshape(given.size, -1).T
        sides = _sides(gate).reshape(-1)
        neurons = np.arange(margins.size) // max(1, gate.margins.shape[-1])
        length = np.linalg.norm(slopes, axis=1)
        for side in (1, -1):
            here = np.flatnonzero((length > 0) & np.isfinite(margins) & ((sides == side) | (sides == 0)))
            rows.append(-side * slopes[here] / length[here, None])
            rights.append((side * margins[here]) / length[here] + rows[-1] @ given.ravel())
            units.append(np.stack([np.full(len(here), layer), neurons[here]], axis=1))
    if box is not None:
        inside = _box(given, box)
        rows.append(inside[0])
        rights.append(inside[1])
        units.append(np.stack([np.full(2 * given.size, -2), np.tile(np.arange(given.size), 2)], axis=1))
    whose = np.concatenate(units)
    order = np.lexsort(whose.T[::-1])
    return Polytope(given, np.concatenate(rows)[order], np.concatenate(rights)[order], whose[order])


def _sides(gate: Gate) -> Array:
    """Return the sign that each margin keeps; 0 where the piece holds on the boundary alone."""
    margins, primitive = gate.margins, gate.node.primitive
    sides = np.sign(margins)
    if primitive.envelope:  # the winner leads; where several share, they must go on to
        shared = gate.pattern > 0 if gate.pattern.ndim == margins.ndim else False
        return np.where((margins == 0) & shared, 0, 1)
    if gate.pattern.dtype == bool:
        return np.where(margins == 0, np.where(gate.pattern, 1, -1)[..., None], sides)
    if primitive is clip:  # at its bounds it is inside
        return np.where(margins == 0, np.array([1, -1]), sides)
    return sides


def _box(x: Array, box: tuple[float, float]) -> tuple[Array, Array]:
    """Return the rows that keep every entry between two bounds."""
    low, high = map(float, box)
    if not low <= x.min(initial=low) <= x.max(initial=high) <= high:
        raise ValueError(
            f"the input has entries from {x.min():g} to {x.max():g}, which is not within the box "
            f"from {low:g} to {high:g}"
        )
    unit = np.eye(x.size)
    return np.concatenate([-unit, unit]), np.repeat([-low, high], x.size)


def _seen_from(centre: Array, rows: Array, right: Array) -> Array:
    """Tell which rows are met clearly before all others by a ray from a point within, along some row."""
    room = right - rows @ centre
    seen = np.zeros(len(rows), dtype=bool)
    if len(rows) < 2:
        return ~seen
    for block in np.array_split(np.arange(len(rows)), max(1, len(rows) ** 2 // 2**22)):
        approach = rows @ rows[block].T  # how fast each side comes nearer
        with np.errstate(divide="ignore"):
            hits = np.where(approach > SAME, room[:, None] / approach, np.inf)
        first, second = np.partition(hits, 1, axis=0)[:2]
        clear = first * (1 + 1e-9) < second
        seen[hits.argmin(axis=0)[clear]] = True
    return seen


def _largest(row: Array, right: float, rows: Array, rights: Array) -> float:
    """Return how large row @ x gets among the points that the others allow; no further than right + 1."""
    from scipy.optimize import linprog

    solved = linprog(
        -row,
        A_ub=np.concatenate([rows, row[None]]),
        b_ub=np.append(rights, right + 1),
        bounds=(None, None),
    )
    return right + 1 if solved.x is None else float(row @ solved.x)
