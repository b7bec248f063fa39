"""One linear region of a plane, and the sequence of all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, overload

import numpy as np

from ..tensor import Array
from ..thin import thin

if TYPE_CHECKING:
    from ..thin import ThinNetwork
    from .plane import Plane


class Region:
    """
    A linear region of a plane, a convex polygon; made by :func:`minigrad.regions.plane`.

    Attributes
    ----------
    index : int
        Its place in ``plane.regions``.
    polygon : ndarray, shape (k, 2)
        Its corners in (s, t), counter-clockwise.
    points : ndarray, shape (k, *input)
        Its corners as inputs.
    center : ndarray, shape (2,)
        A point (s, t) in its interior: the mean of its corners.
    pattern : ndarray, shape (columns,)
        What the gates choose, as ``Plane.patterns``.
    weight, bias : ndarray, shapes (n_out, 2), (n_out,)
        ``f = weight @ (s, t) + bias`` in the region.
    thin : ThinNetwork
        The thin linear network at the center, made when it is asked for.
    area : float
        In the input space.
    neighbours : ndarray of int
        The regions that have a part of an edge in common with it, in ascending order; a corner is not enough.
    """

    __slots__ = ("_plane", "index")

    def __init__(self, plane: Plane, index: int) -> None:
        self._plane, self.index = plane, index

    @property
    def polygon(self) -> Array:  # noqa: D102
        return self._plane.vertices[self._plane.corners[self._loop]]

    @property
    def points(self) -> Array:  # noqa: D102
        return self._plane.points(self.polygon)

    @property
    def center(self) -> Array:  # noqa: D102
        return self._plane.centers[self.index]

    @property
    def pattern(self) -> Array:  # noqa: D102
        return self._plane.patterns[self.index]

    @property
    def weight(self) -> Array:  # noqa: D102
        return self._plane.weights[self.index]

    @property
    def bias(self) -> Array:  # noqa: D102
        return self._plane.biases[self.index]

    @property
    def thin(self) -> ThinNetwork:  # noqa: D102
        return thin(self._plane.net, self._plane.points(self.center))

    @property
    def area(self) -> float:  # noqa: D102
        return float(self._plane.areas[self.index])

    @property
    def neighbours(self) -> Array:  # noqa: D102
        beyond = self._plane.beyond[self._loop]
        return np.unique(beyond[beyond >= 0])

    @property
    def _loop(self) -> slice:
        return slice(*self._plane.offsets[self.index : self.index + 2])

    def __repr__(self) -> str:
        return f"Region({self.index}: {len(self.polygon)} corners, area {self.area:.6g})"


class Regions(Sequence[Region]):
    """The regions of a plane."""

    def __init__(self, plane: Plane) -> None:
        self._plane = plane

    def __len__(self) -> int:
        return len(self._plane)

    @overload
    def __getitem__(self, index: int) -> Region: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Region]: ...
    def __getitem__(self, index: int | slice) -> Region | Sequence[Region]:
        places = range(len(self))[index]
        return (
            Region(self._plane, places)
            if isinstance(places, int)
            else [Region(self._plane, k) for k in places]
        )

    def __repr__(self) -> str:
        return f"Regions({len(self)})"
