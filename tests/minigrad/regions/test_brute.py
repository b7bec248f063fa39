"""The oracle itself: on networks whose regions are known."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest

from ..thin import plain
from .brute import cells


@pytest.mark.parametrize(("n", "d"), [(3, 1), (4, 2), (5, 2), (4, 3)])
def test_generic_hyperplanes_cut_space_into_as_many_cells_as_the_formula_says(n: int, d: int) -> None:
    rng = np.random.default_rng(n * d)
    layers = [("linear", rng.normal(size=(n, d)), 0.1 * rng.normal(size=n)), ("relu",)]
    found = cells(layers, np.zeros(d), np.eye(d), -100, 100)
    assert len({cell.pattern for cell in found}) == len(found) == sum(comb(n, i) for i in range(d + 1))


@pytest.mark.parametrize("kind", [("relu",), ("leaky", 0.1), ("abs",), ("maxout", (1, 2, 3))])
def test_the_maps_and_the_points_are_those_of_the_network(kind: tuple[object, ...]) -> None:
    rng = np.random.default_rng(3)
    m = 6 if kind[0] != "maxout" else 3
    layers = [
        ("linear", rng.normal(size=(6, 2)), rng.normal(size=6)),
        kind,
        ("linear", rng.normal(size=(2, m)), rng.normal(size=2)),
        ("relu",),
    ]
    found = cells(layers, np.zeros(2), np.eye(2), -3, 3)
    assert len(found) > 5
    for cell in found:
        run = plain.run(layers, cell.s)
        np.testing.assert_allclose(run.value, cell.weight @ cell.s + cell.bias, atol=1e-12)
        np.testing.assert_allclose(run.jacobian, cell.weight, atol=1e-12)
    points = rng.uniform(-3, 3, size=(500, 2))  # and no sampled point has another map
    maps = [cell.weight for cell in found]
    for point in points:
        jacobian = plain.run(layers, point).jacobian
        assert min(np.abs(jacobian - known).max() for known in maps) < 1e-9
