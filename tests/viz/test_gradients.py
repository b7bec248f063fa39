"""Trainings and gradient strips, by their structure."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
import viz
from viz.gradient_strip import ratio_words
from viz.gradients import draw_gradient_strip, draw_history
from viz.picture import Picture
from viz.scene import Group, Scene, Text

names = st.text("ab<&é", min_size=1, max_size=6)
norm = st.floats(1e-12, 1e6) | st.sampled_from([0.0, math.nan, math.inf])


def history(epochs: int = 4, layers: int = 3, validation: bool = True, accuracy: bool = True) -> mg.History:
    """Return the record of a training that was best in its second epoch."""
    made = mg.History()
    for epoch in range(epochs):
        made.record(
            loss=1 / (epoch + 1),
            accuracy=0.5 if accuracy else None,
            validation_loss=1.0 + (epoch - 1) ** 2 if validation else None,
            validation_accuracy=0.4 if validation and accuracy else None,
            gradient_norms={f"{2 * k}": 10.0 ** (k - layers + 1) for k in range(layers)},
        )
    return made


def ids(picture: Picture) -> set[str]:
    """Return the ids in a figure's SVG, without the name that they begin with."""
    found = {e.get("id", "") for e in ElementTree.fromstring(picture.svg(name="it")).iter()}
    return {name.removeprefix("it-") for name in found}


def lines(picture: Picture, axes: int = 0) -> dict[str, Any]:
    drawn: Any = picture.drawing
    return {line.get_gid() or line.get_label(): line for line in drawn.axes[axes].get_lines()}


@pytest.fixture(scope="module")
def drawn() -> Picture:
    return viz.draw(history(), title="A <title>")


class TestHistory:
    def test_there_is_a_line_for_every_layer_on_a_logarithmic_axis(self) -> None:
        picture = draw_history(history())
        drawn: Any = picture.drawing
        gradients = drawn.axes[0]
        assert gradients.get_yscale() == "log"
        for k in range(3):
            line = lines(picture)[f"layer-{k + 1}"]
            np.testing.assert_allclose(line.get_ydata(), 10.0 ** (k - 2))
        assert {"layer-1", "layer-2", "layer-3"} <= ids(picture)
        names = {text.get_text() for text in gradients.texts}
        assert {"hidden 1", "hidden 2", "output"} <= names

    def test_the_vanishing_is_said(self) -> None:
        words = "hidden 1 : output = 1 : 100 in the first epoch, 1 : 100 in the last"
        assert draw_history(history()).description.startswith(words)

    def test_axes_can_be_compared(self) -> None:
        drawn: Any = draw_history(history(layers=1)).drawing
        low, high = drawn.axes[0].get_ylim()
        assert 1e2 < high / low < 1e3

    def test_numbers_without_a_logarithm_have_marks_of_their_own(self) -> None:
        made = history()
        made.gradient_norms["0"] = [0.0, math.nan, math.inf, 0.01]
        found = lines(draw_history(made))
        assert [found[f"{kind}-1"].get_xdata().tolist() for kind in ("zero", "nan", "inf")] == [[1], [2], [3]]
        assert len({found[f"{kind}-1"].get_marker() for kind in ("zero", "nan", "inf")}) == 3
        assert np.isnan(found["layer-1"].get_ydata()[:3]).all()
        drawn: Any = draw_history(made).drawing
        assert "exactly 0" in " ".join(text.get_text() for text in drawn.axes[0].texts)
        drawn = draw_history(history()).drawing
        assert "exactly 0" not in " ".join(text.get_text() for text in drawn.axes[0].texts)

    @pytest.mark.parametrize("restored", [False, True])
    def test_weights_are_called_restored_only_where_they_are(self, restored: bool) -> None:
        made = history()
        made.stopped_early = True  # by whatever callback
        made.restored_epoch = 2 if restored else None
        found = {
            label: line for label, line in lines(draw_history(made), axes=1).items() if "epoch 2" in label
        }
        label, marker = (
            ("weights of epoch 2 restored", "D") if restored else ("lowest validation\nloss: epoch 2", "o")
        )
        assert list(found) == [label]
        assert found[label].get_xdata() == [2] and found[label].get_marker() == marker

    def test_an_interrupted_training_does_not_look_finished(self) -> None:
        made = history(3)
        made.interrupted = True
        picture = draw_history(made)
        drawn: Any = picture.drawing
        assert "interrupted after epoch 3" in {text.get_text() for text in drawn.texts}
        assert "Interrupted after epoch 3." in picture.description
        assert "interrupted after epoch 3" in picture.text

    def test_many_layers_are_rows_of_cells(self) -> None:
        made = history(epochs=3, layers=21)
        made.gradient_norms["0"][1] = 0.0
        drawn: Any = draw_history(made).drawing
        (mesh,) = drawn.axes[0].collections
        cells = np.ma.filled(mesh.get_array(), np.nan)
        assert cells.shape == (21, 3) and np.isnan(cells[0, 1])
        np.testing.assert_allclose(cells[20], 1.0)
        ticks = [label.get_text() for label in drawn.axes[0].get_yticklabels()]
        assert ticks == ["hidden 1", "hidden 5", "hidden 10", "hidden 15", "output"]
        assert lines(draw_history(made))["zero-1"].get_xdata() == [2]

    def test_leaders_begin_at_the_last_dots(self) -> None:
        drawn: Any = draw_history(history(epochs=1)).drawing
        assert {text.xy[0] for text in drawn.axes[0].texts if hasattr(text, "xy")} == {1}

    @pytest.mark.parametrize(
        ("epochs", "layers", "validation", "accuracy"),
        [
            (1, 1, False, False),
            (1, 12, False, False),
            (3, 0, True, True),
            (2, 30, True, False),
            (2, 2, False, True),
        ],
    )
    def test_whatever_was_measured(self, epochs: int, layers: int, validation: bool, accuracy: bool) -> None:
        picture = draw_history(history(epochs, layers, validation, accuracy))
        drawn: Any = picture.drawing
        assert len(drawn.axes) == (layers > 0) + (layers > 8) + 1 + accuracy
        curves = lines(picture, axes=int(layers > 0))
        assert ("validation" in curves) == validation

    @given(st.lists(norm, min_size=2, max_size=12))
    def test_names_are_apart_and_in_order(self, ends: list[float]) -> None:
        from viz.gradients import _apart

        heights = [0.0 if end == 0 else 0.5 if not math.isfinite(end) else min(end, 1.0) for end in ends]
        placed = _apart(heights, 0.05)
        for a, b in ((a, b) for a in range(len(ends)) for b in range(len(ends)) if heights[a] < heights[b]):
            assert placed[b] - placed[a] >= 0.05 - 1e-9
        assert min(placed) >= -1e-9 and max(placed) <= 1 + 1e-9

    @pytest.mark.parametrize("suffix", ["svg", "png", "pdf", "html", "json", "txt"])
    def test_formats(self, drawn: Picture, tmp_path: Path, suffix: str) -> None:
        path = drawn.save(tmp_path / f"history.{suffix}")
        assert path.stat().st_size > 100
        if suffix in ("svg", "html"):
            assert "A <title>" not in path.read_text(encoding="utf-8")

    def test_a_diverged_training_can_be_drawn(self) -> None:
        made = history()
        made.loss = made.validation_loss = [math.nan] * 4
        assert json.loads(json.dumps(draw_history(made).data, allow_nan=False))["loss"] == [None] * 4

    def test_an_empty_one_can_not(self) -> None:
        with pytest.raises(ValueError, match="no finished epoch"):
            draw_history(mg.History())


class TestStrip:
    @settings(max_examples=40, deadline=None)
    @given(st.dictionaries(names, st.lists(norm, min_size=1, max_size=9), min_size=1, max_size=6))
    def test_one_cell_per_layer(self, norms: dict[str, list[float]]) -> None:
        picture = draw_gradient_strip(norms)
        assert isinstance(picture.drawing, Scene)
        cells = [s for s in picture.drawing.walk() if isinstance(s, Group) and "layer" in s.role.split()]
        assert [cell.data["layer"] for cell in cells] == [
            str(k + 1) for sizes in norms.values() for k in range(len(sizes))
        ]
        flat = [size for sizes in norms.values() for size in sizes]
        for cell, size in zip(cells, flat, strict=True):
            hatched = [part for part in cell.shapes if "mark" in part.role]
            assert bool(hatched) == (size == 0 or not math.isfinite(size))
        names = [s.text for s in picture.drawing.walk() if isinstance(s, Text) and s.role == "name"]
        assert names == list(norms)
        ElementTree.fromstring(picture.svg())
        json.dumps(picture.data, allow_nan=False)

    @pytest.mark.parametrize(
        ("depths", "named"),
        [
            ([3, 3], ["hidden 1", "hidden 2", "output"]),
            ([3, 2], ["layer 1", "layer 2", "layer 3"]),
            ([1], ["output"]),
            ([24], [*map(str, range(1, 24)), "out"]),
        ],
    )
    def test_layers_are_called_as_in_networks(self, depths: list[int], named: list[str]) -> None:
        picture = draw_gradient_strip({f"net {n}": [0.5] * depth for n, depth in enumerate(depths)})
        assert isinstance(picture.drawing, Scene)
        texts = [s.text for s in picture.drawing.walk() if isinstance(s, Text)]
        assert texts[texts.index(named[0]) :][: len(named)] == named
        cells = [s for s in picture.drawing.walk() if isinstance(s, Group) and "layer" in s.role.split()]
        assert cells[depths[0] - 1].title.startswith("output: ")

    def test_zero_nan_and_inf_look_different(self) -> None:
        picture = draw_gradient_strip({"a": [0.0, math.nan, math.inf, 1.0]})
        assert isinstance(picture.drawing, Scene)
        roles = {word for s in picture.drawing.walk() for word in s.role.split() if word.startswith("mark-")}
        assert roles == {"mark-zero", "mark-nan", "mark-inf"}
        texts = {s.text for s in picture.drawing.walk() if isinstance(s, Text)}
        assert {"exactly 0", "not a number", "infinite"} <= texts

    def test_larger_is_brighter_and_the_scale_can_be_shared(self) -> None:
        def steps(picture: Picture) -> list[int]:
            assert isinstance(picture.drawing, Scene)
            cells = [s for s in picture.drawing.walk() if isinstance(s, Group) and "size" in s.role.split()]
            fills = [cell.shapes[0].look.fill for cell in cells]
            return [int(fill.name.removeprefix("magnitude-")) for fill in fills if fill]

        sizes = [1e-6, 1e-4, 1e-2, 1.0]
        assert steps(draw_gradient_strip({"a": sizes})) == [0, 8, 16, 24]
        assert steps(draw_gradient_strip({"a": sizes}, vmin=1e-8, vmax=1.0)) == [6, 12, 18, 24]
        assert steps(draw_gradient_strip({"a": [1e-2]}, vmin=1e-8, vmax=1.0)) == [18]

    def test_the_vanishing_gradient_is_named(self) -> None:
        picture = draw_gradient_strip({"ReLU": [1.0, 1.0], "sigmoid": [1e-5, 1.0]})
        words = "sigmoid: the first layer's gradient is to the last one's as 1 : 100,000; it vanishes"
        assert picture.description.startswith(words)
        assert "vanishes" not in draw_gradient_strip({"ReLU": [1.0, 1.0]}).description

    @pytest.mark.parametrize("suffix", ["svg", "png", "pdf", "html", "json", "txt"])
    def test_formats(self, tmp_path: Path, suffix: str) -> None:
        picture = draw_gradient_strip({"<b>": [1e-3, 1.0]})
        assert picture.save(tmp_path / f"strip.{suffix}").stat().st_size > 50
        assert "<b>" not in picture.html()

    @pytest.mark.parametrize(
        ("norms", "scale", "message"),
        [
            ({}, {}, "no gradient norms"),
            ({"a": []}, {}, "no gradient norms"),
            ({"a": [-1.0]}, {}, "at least 0, but one is -1"),
            ({"a": [1.0]}, {"vmin": 0.0}, "vmin is an end of a logarithmic scale"),
            ({"a": [1.0]}, {"vmin": 1.0, "vmax": 0.1}, "the scale must rise"),
        ],
    )
    def test_wrong_numbers_are_named(self, norms: Any, scale: dict[str, float], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            draw_gradient_strip(norms, **scale)

    @given(st.floats(1e-9, 1e9), st.floats(1e-9, 1e9))
    def test_ratios_are_right_to_two_digits(self, first: float, last: float) -> None:
        words = ratio_words(first, last).replace(",", "").replace("−", "-")
        left, right = map(float, words.split(" : "))
        assert left / right == pytest.approx(first / last, rel=0.06)
