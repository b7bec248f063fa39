"""Pictures of dropout's ensemble: histograms and marks are at the numbers."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import viz
from minigrad import nn
from viz.ensembles import draw_comparison, draw_ensemble


def ensemble(n_out: int = 3) -> Any:
    mg.manual_seed(0)
    net = nn.Sequential(nn.Dropout(0.25), nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, n_out))
    return mg.dropout_ensemble(net, [1.0, -2.0, 0.5, 3.0])


def comparison() -> Any:
    mg.manual_seed(1)
    kinds = {
        name: nn.Sequential(nn.Dropout(0.5), nn.Linear(3, 4), activation, nn.Linear(4, 2))
        for name, activation in (("linear", nn.Identity()), ("ReLU", nn.ReLU()))
    }
    return mg.compare_ensembles(kinds, np.random.default_rng(0).normal(size=(4, 3)), trained=kinds)


def test_each_histogram_has_every_mask_by_its_probability() -> None:
    found = ensemble()
    for k, axes in enumerate(viz.draw(found).drawing.axes[:3]):
        bars = list(axes.patches)
        assert sum(bar.get_height() for bar in bars) == pytest.approx(1)
        middle = sum(bar.get_height() * (bar.get_x() + bar.get_width() / 2) for bar in bars)
        assert middle == pytest.approx(found.arithmetic[k], abs=1 / 40)


def test_the_marks_are_at_weight_scaling_and_the_means() -> None:
    found = ensemble()
    for k, axes in enumerate(viz.draw(found).drawing.axes[:3]):
        marks = {line.get_label(): line.get_xdata()[0] for line in axes.lines}
        assert marks == {
            "weight scaling": found.scaled_probabilities[k],
            "arithmetic mean": found.arithmetic[k],
            "geometric mean": found.geometric[k],
        }
        assert len({line.get_linestyle() for line in axes.lines}) == 3  # not by colour alone


def test_a_single_output_is_shown_as_it_is() -> None:
    found = ensemble(1)
    picture = viz.draw(found)
    (axes,) = picture.drawing.axes
    assert {line.get_label(): line.get_xdata()[0] for line in axes.lines} == {
        "weight scaling": found.scaled[0],
        "mean": found.mean[0],
    }
    assert axes.get_xlabel() == "output"


def test_of_many_outputs_the_largest_are_shown_and_the_rest_counted() -> None:
    found = ensemble(12)
    picture = draw_ensemble(found, names=[f"class {k}" for k in range(12)])
    titles = [axes.get_title("left") for axes in picture.drawing.axes]
    largest = sorted(np.argsort(-found.mean)[:4])
    assert titles == [f"output class {k}" for k in largest]
    assert "+8 more outputs" in picture.description
    json.dumps(picture.data, allow_nan=False)
    with pytest.raises(ValueError, match="each of the 12 outputs, but got 2"):
        draw_ensemble(found, names=["a", "b"])


def test_the_comparison_marks_the_medians_and_what_is_only_rounding() -> None:
    found = comparison()
    picture = viz.draw(found)
    (axes,) = picture.drawing.axes
    marks = {line.get_gid(): line for line in axes.lines if (line.get_gid() or "").startswith("median")}
    assert marks["median-before-1"].get_xdata()[0] == pytest.approx(found.median("ReLU"))
    assert marks["median-before-0"].get_marker() == "<" and found.median("linear") < 1e-14
    assert marks["median-before-1"].get_marker() != marks["median-after-1"].get_marker()
    assert [label.get_text() for label in axes.get_yticklabels()] == ["linear", "ReLU"]
    assert f"ReLU before training {found.median('ReLU'):.2g}" in picture.description
    json.dumps(picture.data, allow_nan=False)


@pytest.mark.parametrize("distance", ["geometric", "arithmetic"])
def test_other_distances_can_be_shown(distance: str) -> None:
    found = comparison()
    (axes,) = draw_comparison(found, distance=distance).drawing.axes
    marks = {line.get_gid(): line.get_xdata()[0] for line in axes.lines if line.get_gid()}
    assert marks["median-after-1"] == pytest.approx(found.median("ReLU", "after", distance))


def test_an_unknown_distance_is_named() -> None:
    with pytest.raises(ValueError, match="'far'"):
        draw_comparison(comparison(), distance="far")


@pytest.mark.parametrize("thing", [ensemble, comparison])
def test_they_are_drawn_light_and_dark(thing: Any) -> None:
    picture = viz.draw(thing())
    assert picture.svg("dark") != picture.svg("light")
    assert picture.png(theme="dark").startswith(b"\x89PNG")
