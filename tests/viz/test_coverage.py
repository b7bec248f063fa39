"""Pictures of coverage: the curve and the barcodes show what the numbers say."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import viz
from minigrad import nn
from viz.coverage import draw_coverage


def network() -> nn.Module:
    """|x|, a neuron that is dead below 5, and one that is always on."""
    return nn.Sequential(
        nn.Linear.of([[1.0], [-1.0], [1.0], [1.0]], [0.0, 0.0, -5.0, 9.0]), nn.ReLU(), nn.Linear(4, 1)
    )


DATA = [[1.0], [2.0], [-1.0], [0.5]]


def test_the_growth_curve_is_that_of_the_coverage() -> None:
    coverage = mg.coverage(network(), DATA, progress=False)
    picture = viz.draw(coverage)
    (curve,) = [line for line in picture.drawing.axes[0].lines if line.get_gid() == "growth"]
    np.testing.assert_allclose(curve.get_ydata(), 100 * coverage.growth())
    np.testing.assert_array_equal(curve.get_xdata(), [1, 2, 3, 4])


def test_the_barcode_has_the_dead_below_and_those_always_on_above() -> None:
    picture = viz.draw(mg.coverage(network(), DATA, progress=False))
    axes = picture.drawing.axes[1]
    (image,) = axes.images
    assert image.get_gid() == "barcode-1"
    np.testing.assert_array_equal(image.get_array(), [[0, 0, 0, 0], [0, 0, 1, 0], [1, 1, 0, 1], [1, 1, 1, 1]])
    assert [patch.get_gid() for patch in axes.patches] == ["state-dead", "state-mixed", "state-linear"]
    assert [patch.get_height() for patch in axes.patches] == [1, 2, 1]
    assert "1 dead" in axes.get_title("left") and "1 always on" in axes.get_title("left")


def test_the_columns_can_be_sorted_by_class() -> None:
    coverage = mg.coverage(network(), DATA, progress=False)
    axes = draw_coverage(coverage, labels=[1, 0, 0, 1]).drawing.axes[1]
    np.testing.assert_array_equal(axes.images[0].get_array()[1], [0, 1, 0, 0])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "1"]
    with pytest.raises(ValueError, match=r"each of the 4 inputs, but got shape \(3,\)"):
        draw_coverage(coverage, labels=[1, 0, 0])


def test_words_and_figures_say_the_same() -> None:
    coverage = mg.coverage(network(), DATA, progress=False)
    picture = viz.draw(coverage, title="All of it")
    assert picture.title == "All of it"
    assert "4 neurons: 1 dead, 2 mixed, 1 always on" in picture.description
    assert picture.data["neurons"][0]["dead"] == 1
    assert picture.data["growth"]["share"][-1] == pytest.approx(coverage.fraction)
    json.dumps(picture.data, allow_nan=False)


@pytest.mark.parametrize(
    ("net", "x"),
    [
        (lambda: nn.Sequential(nn.Linear(2, 1)), np.ones((1, 2))),  # no gates
        (lambda: nn.Sequential(nn.Linear(2, 9), nn.Maxout(3), nn.Linear(3, 1)), np.eye(2)),
        (lambda: nn.Sequential(*(nn.Sequential(nn.Linear(2, 2), nn.ReLU()) for _ in range(9))), np.eye(2)),
        (lambda: nn.Sequential(nn.Linear(2, 300), nn.ReLU(), nn.Linear(300, 1)), np.ones((2000, 2))),
    ],
)
def test_networks_of_all_kinds_and_sizes_are_drawn(net: Any, x: Any) -> None:
    mg.manual_seed(0)
    picture = viz.draw(mg.coverage(net(), x, progress=False))
    assert picture.svg().startswith("<svg") and picture.svg("dark") != picture.svg("light")
    assert picture.png().startswith(b"\x89PNG")
