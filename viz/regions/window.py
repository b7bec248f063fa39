"""Where the points of a plane are drawn, and which inputs lie in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from viz.regions.decisions import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from minigrad.regions import Plane

_OFF = 1e-6  # of the plane's size: how far a point may be from it


class Window:
    """
    The axes of a plane's picture: the inputs' own two features if there are no more, else (s, t).

    Parameters
    ----------
    plane : Plane
        What is drawn.
    corners : (str, str, str)
        What the corners (0, 0), (1, 0) and (0, 1) are called.
    """

    def __init__(self, plane: Plane, corners: Sequence[str]) -> None:
        self.plane, self.corners = plane, corners
        features = plane.corner.shape == (2,) and plane.u[1] == plane.v[0] == 0
        self.start = plane.corner if features else np.zeros(2)
        self.steps = np.array([plane.u[0], plane.v[1]]) if features else np.ones(2)
        self.features = bool(features)

    @property
    def aspect(self) -> float:
        """Height over width: true if that makes a good picture."""
        ratio = float(np.linalg.norm(self.plane.v) / np.linalg.norm(self.plane.u))
        return min(max(ratio, 0.6), 1.1)

    def drawn(self, at: Array) -> Array:
        """Return where points (s, t) are drawn."""
        return self.start + at * self.steps

    def corner_inputs(self) -> list[tuple[str, Array]]:
        """Return the three corners' names and inputs."""
        plane = self.plane
        return list(
            zip(self.corners, (plane.corner, plane.corner + plane.u, plane.corner + plane.v), strict=True)
        )

    def set_axes(self, axes: Axes) -> None:
        """Set limits, proportions and names of the axes."""
        ends = self.drawn(np.array([[0.0, 0.0], [1.0, 1.0]]))
        axes.set_xlim(*sorted(ends[:, 0]))
        axes.set_ylim(*sorted(ends[:, 1]))
        axes.set_box_aspect(self.aspect)
        if self.features:
            axes.set_xlabel("feature 0")
            axes.set_ylabel("feature 1")
            return
        corner, first, second = self.corners
        axes.set_xlabel(f"s: from {corner} (s = 0) to {first} (s = 1)")
        axes.set_ylabel(f"t: from {corner} (t = 0) to {second} (t = 1)")


def located(
    plane: Plane, points: ArrayLike | None, labels: ArrayLike | None, classes: int
) -> tuple[Array, Array | None, int]:
    """
    Return where inputs lie in a plane.

    Parameters
    ----------
    plane : Plane
        The plane.
    points : array_like, shape (n, *input), or None
        The inputs.
    labels : array_like of int, shape (n,), or None
        Their classes.
    classes : int
        How many classes there are.

    Returns
    -------
    at : ndarray, shape (m, 2)
        (s, t) of those in the parallelogram.
    labels : ndarray of int, shape (m,), or None
        Their classes.
    outside : int
        How many are outside it.

    Raises
    ------
    ValueError
        If shapes don't fit, or an input is not in the plane.
    """
    if points is None:
        if labels is not None:
            raise ValueError("labels are classes of points, but no points are given")
        return np.empty((0, 2)), None, 0
    x = np.asarray(points, dtype=np.float64)
    shape = plane.corner.shape
    if x.shape[1:] != shape or x.ndim != len(shape) + 1:
        raise ValueError(
            f"points are inputs of shape {('n', *shape)}".replace("'", "") + f", but got {x.shape}"
        )
    away = (x - plane.corner).reshape(len(x), -1)
    basis = np.stack([plane.u.ravel(), plane.v.ravel()], axis=1)
    at = np.linalg.lstsq(basis, away.T, rcond=None)[0].T
    off = np.linalg.norm(away - at @ basis.T, axis=1)
    size = float(np.linalg.norm(basis) + np.abs(plane.corner).max())
    if (off > _OFF * size).any():
        k = int(off.argmax())
        raise ValueError(
            f"points must lie in the plane, but point {k} is {off[k]:.3g} away from it: a picture would show "
            f"it where it is not; lay the plane through the points themselves"
        )
    kinds = _classes(labels, len(x), classes)
    at = np.where(np.abs(at - at.round()) < _OFF, at.round(), at)  # corners are in the plane
    inside = ((at >= 0) & (at <= 1)).all(axis=1)
    return at[inside], None if kinds is None else kinds[inside], int((~inside).sum())


def _classes(labels: ArrayLike | None, n: int, classes: int) -> Array | None:
    """Return the labels of n points, checked."""
    if labels is None:
        return None
    kinds = np.asarray(labels)
    if kinds.shape != (n,):
        raise ValueError(f"labels has shape {kinds.shape}, but there are {n} points: one label for each")
    if kinds.dtype.kind not in "biu" or (kinds.size and not (kinds.min() >= 0 and kinds.max() < classes)):
        raise ValueError(f"labels are classes, whole numbers from 0 to {classes - 1}")
    return kinds.astype(np.int64)
