"""The exact linear regions of a network in a plane: polygons, each with what the network is there."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from ..nn import Module
from ..tensor import Array, Tensor
from ..thin.followed import Followed, follow, record
from .cells import Cells
from .gates import coded, columns, decided
from .locating import locate
from .polygons import batches, inputs, polygons
from .region import Regions

DEPENDENT = 1e-10
"""The sine of the angle below which two directions are called dependent."""


class Plane:
    """
    A network in a parallelogram: its linear regions; made by :func:`minigrad.regions.plane`.

    The arrays have the same for all regions at once. Regions that touch along a line have the same corners
    there, and so the polygons are a complex: two regions meet in whole edges and corners, or not at all.

    Attributes
    ----------
    net : Module
        The network.
    corner, u, v : ndarray, shape (*input)
        The point (s, t) is the input corner + s·u + t·v.
    vertices : ndarray, shape (V, 2)
        All corners in (s, t); the first four are those of the parallelogram.
    offsets, corners : ndarray of int, shapes (regions + 1,), (H,)
        The corners of region r are ``vertices[corners[offsets[r]:offsets[r + 1]]]``, counter-clockwise.
    beyond : ndarray of int, shape (H,)
        Which region is beyond the edge that goes from each corner to the next; −1 where the plane ends.
    areas : ndarray, shape (regions,)
        In the input space: the share of the square times √(‖u‖²‖v‖² − (u·v)²), the parallelogram's area.
    centers : ndarray, shape (regions, 2)
        A point in the interior of each.
    weights, biases : ndarray, shapes (regions, n_out, 2), (regions, n_out)
        ``f = weights[r] @ (s, t) + biases[r]`` in region r.
    values : ndarray, shape (V, n_out)
        f at the vertices; between the corners of a region it is linear.
    patterns : ndarray of bool or int, shape (regions, columns)
        What the gates choose: a column for each unit, whether it is open, which piece wins or on which side
        of its boundary it is. A gate that may share its piece has a column for each unit and piece.
    units : ndarray of int, shape (columns, 2)
        (layer, neuron) of each column, as in ``thin.next_flip``.
    """

    def __init__(self, net: Module, corner: Array, directions: Array, cells: Cells) -> None:
        self.net, self.corner = net, corner
        self.u, self.v = directions
        self.vertices, self.offsets, self.corners = cells.points, cells.offsets, cells.corners
        self._cells = cells

    @cached_property
    def regions(self) -> Regions:
        """The regions, a sequence; an object is made when it is asked for."""
        return Regions(self)

    def __len__(self) -> int:
        """How many regions there are."""
        return len(self._cells)

    @cached_property
    def beyond(self) -> Array:  # noqa: D102
        twins = self._cells.twins
        return np.where(twins < 0, -1, self._cells.cell[twins])

    @cached_property
    def areas(self) -> Array:  # noqa: D102
        return np.maximum(self._cells.areas, 0) * _area(self.u, self.v)  # rounding may turn slivers over

    @property
    def centers(self) -> Array:  # noqa: D102
        return self._cells.centers

    @property
    def weights(self) -> Array:  # noqa: D102
        return self._maps[0]

    @property
    def biases(self) -> Array:  # noqa: D102
        return self._maps[1]

    @cached_property
    def values(self) -> Array:  # noqa: D102
        return np.concatenate(
            [
                record(self.net, self.points(self.vertices[part])).output.data
                for part in batches(self.net, self.corner, np.stack([self.u, self.v]), self.vertices)
            ]
        )

    @cached_property
    def patterns(self) -> Array:  # noqa: D102
        parts = [
            np.concatenate([coded(gate.node, decided(gate)) for gate in found.gates] or [still], axis=1)
            for found, still in self._followed()
        ]
        return np.concatenate(parts)

    @cached_property
    def units(self) -> Array:  # noqa: D102
        return columns(self.net, self.corner)

    def points(self, at: ArrayLike) -> Array:
        """Return the inputs at (s, t), shape (..., 2) → (..., *input)."""
        return inputs(self.corner, np.stack([self.u, self.v]), np.asarray(at, dtype=np.float64))

    def locate(self, at: ArrayLike) -> Array:
        """
        Return in which regions points lie; on an edge, one of those that share it; −1 outside the plane.

        Parameters
        ----------
        at : array_like, shape (..., 2)
            (s, t) of the points.
        """
        points = np.asarray(at, dtype=np.float64)
        if points.ndim < 1 or points.shape[-1] != 2:
            raise ValueError(f"locate takes points (s, t), an array of shape (…, 2), but got {points.shape}")
        return locate(self._cells, points.reshape(-1, 2)).reshape(points.shape[:-1])

    def __repr__(self) -> str:
        return f"Plane({len(self)} regions)"

    @cached_property
    def _maps(self) -> tuple[Array, Array]:
        parts = [(found.slopes, found.output) for found, _ in self._followed()]
        scaled = np.concatenate([slopes for slopes, _ in parts], axis=1) * self._lengths[:, None, None]
        weights, values = np.moveaxis(scaled, 0, -1), np.concatenate([output for _, output in parts])
        return weights, values - np.einsum("rok,rk->ro", weights, self.centers)

    @cached_property
    def _lengths(self) -> Array:
        return np.array([np.linalg.norm(self.u), np.linalg.norm(self.v)])

    def _followed(self) -> Iterator[tuple[Followed, Array]]:
        """Iterate over the network around the centers of batches of regions, along u and v of length 1."""
        along = np.stack([self.u, self.v]) / self._lengths.reshape(2, *(1,) * self.corner.ndim)
        directions = np.stack([self.u, self.v])
        for part in batches(self.net, self.corner, directions, self.centers, 2):
            found = follow(self.net, inputs(self.corner, directions, self.centers[part]), along)
            yield found, np.zeros((len(found.output), 0), dtype=bool)


def plane(net: Module, corner: ArrayLike, u: ArrayLike, v: ArrayLike) -> Plane:
    """
    Return the linear regions of ``net`` in the parallelogram corner + s·u + t·v, s and t in [0, 1].

    All are found, and none is sampled. Regions thinner than rounding are not made: a boundary that passes a
    corner of another region by less than about 100 times the rounding of its own margin there goes through
    the corner. So copies of a neuron, and lines that meet in one point, are one line and one point.

    Parameters
    ----------
    net : Module
        Made of linear layers and gates; it takes batches.
    corner, u, v : array_like, shape (*input)
        A corner of the parallelogram and its two edges, such as three images. float32 and whole numbers
        become float64.

    Returns
    -------
    Plane

    Raises
    ------
    NotPiecewiseLinearError
        If something in the network is smooth; the error names the layer.
    ValueError
        If u and v are dependent, shapes differ, something is not finite, or dropout would draw new masks at
        every call (training mode).
    TypeError
        If ``net`` is no Module, or the rest are no numbers.

    Notes
    -----
    A region is a set of inputs with one activation pattern: two may have the same affine map. A boundary that
    lies in an edge of the parallelogram separates nothing. A network without gates has one region.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> net = nn.Sequential(nn.Linear.of([[1.0, 0.0], [0.0, 1.0]], [0.0, -1.0]), nn.ReLU(), nn.Linear(2, 1))
    >>> plane = mg.regions.plane(net, corner=[-1, 0], u=[4, 0], v=[0, 2])  # kinks at x = 0 and y = 1
    >>> len(plane.regions), plane.areas.sum()
    (4, np.float64(8.0))
    >>> region = plane.regions[plane.locate([0.9, 0.9])]
    >>> region.polygon[region.polygon.sum(axis=1).argmin()], region.pattern, region.area
    (array([0.25, 0.5 ]), array([ True,  True]), 3.0)
    """
    start, directions = _checked(net, corner, u, v)
    return Plane(net, start, directions, polygons(net, start, directions))


def _checked(net: Module, *arrays: ArrayLike) -> tuple[Array, Array]:
    """Return the corner and the directions as float64, or say what is wrong with them."""
    if not isinstance(net, Module):
        raise TypeError(f"regions.plane takes a network (an nn.Module), but got {type(net).__name__}")
    found = []
    for name, array in zip(("corner", "u", "v"), arrays, strict=True):
        try:
            numbers = np.asarray(array.data if isinstance(array, Tensor) else array)
        except ValueError as error:
            raise ValueError(f"regions.plane takes {name} as one input: {error}") from None
        if numbers.dtype.kind not in "biuf":
            raise TypeError(f"regions.plane takes numbers, but {name} has dtype {numbers.dtype}")
        if not np.isfinite(numbers).all():
            raise ValueError(f"regions.plane takes finite numbers, but {name} has an entry that is not")
        found.append(numbers.astype(np.float64))
    corner, u, v = found
    if corner.ndim < 1 or not corner.shape == u.shape == v.shape:
        raise ValueError(
            "regions.plane takes a corner and two directions of the shape of one input, but got shapes "
            f"{corner.shape}, {u.shape} and {v.shape}"
        )
    if not u.any() or not v.any():
        raise ValueError(f"a plane needs two directions, but {'v' if u.any() else 'u'} is zero")
    lengths = np.linalg.norm(u), np.linalg.norm(v)
    if _area(u, v) <= DEPENDENT * lengths[0] * lengths[1]:
        raise ValueError(
            "a plane needs two independent directions, but v is a multiple of u: "
            "on their line, ask regions.line"
        )
    return corner, np.stack([u, v])


def _area(u: Array, v: Array) -> float:
    """Return the area of the parallelogram: ‖u‖ times the height of v over it."""
    u, v = u.ravel(), v.ravel()
    return float(np.linalg.norm(u) * np.linalg.norm(v - (v @ u) / (u @ u) * u))
