"""Cells that share corners: cutting them, and merging them again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.regions.cells import Cells
from minigrad.regions.cutting import cut
from minigrad.regions.pieces import UnsettledError, signs


def grid(n: int) -> Cells:
    """n × n cells."""
    return by_lines([(axis, k / n) for axis in (0, 1) for k in range(1, n)])


def by_lines(lines: list[tuple[int, float]]) -> Cells:
    cells = Cells.square()
    values = np.stack([cells.points[:, axis] - at for axis, at in lines], axis=1)
    return cut(cells, values, np.full(len(lines), 1e-14), 0)


def is_whole(cells: Cells) -> None:
    edges = (len(cells.corners) + (cells.twins < 0).sum()) // 2
    assert len(cells.points) - edges + len(cells) == 1
    assert cells.areas.sum() == pytest.approx(1, abs=1e-14) and (cells.areas > 0).all()


@given(st.lists(st.tuples(st.sampled_from([0, 1]), st.integers(1, 9)), min_size=1, max_size=30))
def test_a_grid_has_as_many_cells_as_rows_times_columns(lines: list[tuple[int, int]]) -> None:
    cells = by_lines([(axis, k / 10) for axis, k in lines])
    is_whole(cells)
    assert len(cells) == np.prod([1 + len({k for axis, k in lines if axis == one}) for one in (0, 1)])


def test_lines_cut_all_at_once_or_one_after_the_other_alike() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(12, 3))
    lines = np.concatenate(
        [rows[:, :2], -rows[:, :2].sum(axis=1, keepdims=True) / 2 + rows[:, 2:] / 9], axis=1
    )
    together = one_by_one = Cells.square()
    together = cut(together, together.points @ lines[:, :2].T + lines[:, 2], np.full(12, 1e-13), 0)
    for a, b, c in lines:
        one_by_one = cut(one_by_one, one_by_one.points @ [[a], [b]] + c, np.full(1, 1e-13), 0)
    is_whole(together)
    np.testing.assert_allclose(np.sort(together.areas), np.sort(one_by_one.areas), atol=1e-13)


def test_without_any_edges_between_them_cells_are_the_square_again() -> None:
    whole, used = grid(4).merged(np.ones(64, dtype=bool))
    assert len(whole) == 1 and used.sum() == 4
    np.testing.assert_array_equal(np.sort(whole.corners), [0, 1, 2, 3])


@given(st.integers(0, 3))
def test_merged_cells_lose_the_corners_where_nothing_ends(column: int) -> None:
    cells = grid(4)
    middle = cells.centers[:, 0]
    inside = (middle > column / 4) & (middle < (column + 1) / 4)
    gone = inside[cells.cell] & (cells.twins >= 0) & inside[cells.cell[cells.twins]]
    merged, _ = cells.merged(gone)
    is_whole(merged)
    strip = merged.areas.argmax()
    assert len(merged) == 13 and merged.areas[strip] == pytest.approx(1 / 4)
    assert merged.sizes[strip] == (7 if column in (0, 3) else 10)


@pytest.mark.parametrize("left_out", [{(1, 1)}, {(1, 1), (2, 0)}])
def test_cells_that_would_enclose_others_or_touch_themselves_in_a_point_stay_apart(left_out: Any) -> None:
    cells = grid(3)
    chosen = np.array([tuple(place) not in left_out for place in (cells.centers * 3).astype(int).tolist()])
    gone = chosen[cells.cell] & (cells.twins >= 0) & chosen[cells.cell[cells.twins]]
    merged, used = cells.merged(gone)
    is_whole(merged)
    assert len(merged) == 9 and used.all()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 0, -1, 0], [1, 0, -1, 0]),
        ([1, 0, 1, -1], [1, 1, 1, -1]),  # it only touches
        ([-1, 0, -1, 1], [-1, -1, -1, 1]),
        ([0, 0, 1, -1], [0, 0, 1, -1]),
        ([0, 1, 1, -1, 0], [0, 1, 1, -1, 0]),
    ],
)  # fmt: skip
def test_a_corner_on_the_line_is_on_no_side(values: Any, expected: Any) -> None:
    both = np.array([*values, *values[::-1]], dtype=float)
    found = signs(both, np.array([0, len(values), 2 * len(values)]))
    assert found.tolist() == [*expected, *expected[::-1]]


def test_a_line_that_crosses_twice_is_noticed() -> None:
    with pytest.raises(UnsettledError, match="more than once"):
        signs(np.array([1.0, -1.0, 1.0, -1.0]), np.array([0, 4]))


def test_a_cell_between_two_others_keeps_three_corners() -> None:
    points = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0.3, 0.5], [0.7, 0.5], [0.5, 0.6]])
    loops = [[0, 1, 5, 4], [4, 5, 6], [1, 2, 5], [2, 3, 6, 5], [3, 0, 4, 6]]
    offsets = np.cumsum([0, *map(len, loops)])
    cells = Cells(points, offsets, np.concatenate(loops), np.zeros(offsets[-1], dtype=int))
    is_whole(cells)
    merged, _ = cells.merged((cells.cell > 1) & (cells.twins >= 0) & (cells.cell[cells.twins] > 1))
    is_whole(merged)
    assert sorted(merged.sizes) == [3, 4, 7]
