"""The difference of two inputs' thin networks: what is drawn, against the sets of neurons that are kept."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
import viz
from minigrad import nn
from viz.networks.compared import MEANINGS
from viz.networks.halves import sample
from viz.scene import Circle, Rect, Text
from viz.scene import Path as Line

from .test_networks import PIECEWISE_LINEAR, digits_like, drawing, networks, shapes


def linear(rng: np.random.Generator, n_out: int, n_in: int) -> nn.Linear:
    return nn.Linear.of(rng.normal(size=(n_out, n_in)), rng.normal(size=n_out))


@settings(max_examples=50, deadline=None)
@given(networks(PIECEWISE_LINEAR), st.integers(0, 2**32 - 1))
def test_every_unit_is_in_the_state_that_the_kept_sets_say(
    drawn: tuple[nn.Sequential, np.ndarray], seed: int
) -> None:
    net, x = drawn
    net.eval()
    y = np.random.default_rng(seed).normal(size=x.shape)
    one, two = mg.thin(net, x), mg.thin(net, y)
    picture = viz.draw(one, two)
    marks = [state for shape in shapes(picture, "neuron") for state in shape.data["states"].split()]
    total = Counter(marks)
    for record, a, b in zip(picture.data["layers"][1:], one.layers, two.layers, strict=False):
        kept, other = set(a.kept.tolist()), set(b.kept.tolist())
        assert set(record["first"]) == kept - other
        assert set(record["second"]) == other - kept
        both = {*record["both"], *record["open-in-first"], *record["open-in-second"]}
        assert both == kept & other
        assert set(record["neither"]) == set(range(a.total)) - kept - other
        if a.groups is None:
            assert set(record["open-in-first"]) == set(np.flatnonzero(a.active & ~b.active)) & kept & other
    for state in MEANINGS:
        assert total[state] == sum(len(record[state]) for record in picture.data["layers"])
    json.dumps(picture.data, allow_nan=False)
    assert picture.data["distance"] == pytest.approx(np.linalg.norm(x - y))
    assert is_xml(picture.svg())


def is_xml(svg: str) -> bool:
    from xml.etree import ElementTree

    return ElementTree.fromstring(svg).tag.endswith("svg")


def test_edges_are_those_that_one_has_alone() -> None:
    """|x|: the first input has one neuron, the second the other, and no edge is shared."""
    net = nn.Sequential(nn.Linear.of([[1.0], [-1.0]]), nn.ReLU(), nn.Linear.of([[1.0, 2.0]]))
    picture = viz.draw(mg.thin(net, [3.0]), mg.thin(net, [-2.0]))
    roles = Counter(shape.role for shape in shapes(picture, "edge"))
    assert roles == {"edge edge-first": 2, "edge edge-second": 2}
    titles = [shape.title for shape in shapes(picture, "edge-second")]
    assert any("hidden 1 1 → output 0: carries 4, only for the second" in title for title in titles)
    assert "0 are left for both" in picture.description
    assert [shape.title for shape in shapes(picture, "bar")] == [
        "output, first input: 3", "output, second input: 4"
    ]  # fmt: skip


def test_the_same_input_twice_is_one_network() -> None:
    net = digits_like()
    thin = mg.thin(net, np.random.default_rng(0).random(64))
    picture = viz.draw(thin, thin)
    assert picture.description.startswith("Both inputs have the same thin linear network")
    assert not shapes(picture, "edge-first") and not shapes(picture, "edge-second")
    assert {state for s in shapes(picture, "neuron") for state in s.data["states"].split()} == {
        "both", "neither"
    }  # fmt: skip


def test_images_and_the_largest_outputs_are_shown_for_both() -> None:
    net, rng = digits_like("maxout", n_in=49), np.random.default_rng(5)
    one, two = mg.thin(net, rng.random(49)), mg.thin(net, rng.random(49))
    picture = viz.draw(one, two, labels="abcdefghij", title="A and B")
    assert picture.title == "A and B"
    images = shapes(picture, "image")
    assert [image.role.split()[-1] for image in images] == ["first", "second"]
    bold = {shape.text for shape in shapes(picture, "label") if isinstance(shape, Text) and shape.bold}
    assert bold == {"abcdefghij"[int(thin.output.argmax())] for thin in (one, two)}
    assert len(shapes(picture, "bar")) == 20


def test_a_large_layer_shows_differences_first_and_counts_the_rest() -> None:
    rng = np.random.default_rng(1)
    net = nn.Sequential(linear(rng, 300, 5), nn.ReLU(), linear(rng, 2, 300))
    x = rng.normal(size=5)
    picture = viz.draw(mg.thin(net, x), mg.thin(net, x + 0.1 * rng.normal(size=5)))
    hidden = picture.data["layers"][1]
    drawn_states = Counter(
        s.data["states"] for s in shapes(picture, "neuron") if s.data["column"] == "hidden 1"
    )
    assert 0 < len(hidden["first"]) + len(hidden["second"]) < 20
    assert drawn_states["first"] == len(hidden["first"])
    assert drawn_states["second"] == len(hidden["second"])
    same, gone = len(hidden["both"]), len(hidden["neither"])
    room = 40 - drawn_states["first"] - drawn_states["second"]
    assert drawn_states["neither"] == pytest.approx(room * gone / (same + gone), abs=1)
    assert "+260 more" in {shape.text for shape in drawing(picture) if isinstance(shape, Text)}


def test_states_differ_in_shape_not_only_in_colour() -> None:
    for grouped in (False, True):
        looks = set()
        for state in MEANINGS if not grouped else ("both", "first", "second", "neither"):
            outline = []
            for shape in sample(state, grouped).shapes:
                assert isinstance(shape, (Circle, Line, Rect))
                left, _, right, _ = shape.bounds()
                fill = shape.look.fill.name if shape.look.fill else ""
                outline.append((type(shape).__name__, round(left), round(right), shape.look.dash, fill))
            looks.add(tuple(part[:4] if part[4].startswith("series") else part for part in outline))
        assert len(looks) == (4 if grouped else 6)


def test_budget_labels_and_strangers() -> None:
    net = nn.Sequential(nn.Linear.of([[1.0], [-1.0]]), nn.ReLU(), nn.Linear.of([[1.0, 2.0]]))
    thin = mg.thin(net, [3.0])
    assert not shapes(viz.draw(thin, mg.thin(net, [-1.0]), max_edges=0), "edge")
    with pytest.raises(ValueError, match="at least 0"):
        viz.draw(thin, thin, max_edges=-1)
    with pytest.raises(ValueError, match="labels names 2 outputs"):
        viz.draw(thin, thin, labels=["a", "b"])
    with pytest.raises(TypeError, match="compared with another one, but got list"):
        viz.draw(thin, [-1.0])
    stranger = nn.Sequential(nn.Linear(1, 3), nn.ReLU(), nn.Linear(3, 1))
    with pytest.raises(ValueError, match="layers 1-2-1 and 1-3-1"):
        viz.draw(thin, mg.thin(stranger, [1.0]))


def test_it_saves_in_every_format(tmp_path: Path) -> None:
    net = digits_like()
    rng = np.random.default_rng(0)
    picture = viz.draw(mg.thin(net, rng.random(64)), mg.thin(net, rng.random(64)))
    assert picture.formats == ("svg", "png", "pdf", "html", "json", "txt")
    for suffix in picture.formats:
        assert picture.save(tmp_path / f"x.{suffix}").stat().st_size > 200
    assert "◐" in str(picture) and "only for the second" in str(picture)
