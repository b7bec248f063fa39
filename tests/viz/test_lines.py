"""A network along a line: what is drawn, against the network itself and against brute force."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

import minigrad as mg
import viz
from minigrad import nn
from viz.picture import Picture
from viz.regions.decisions import stretches
from viz.regions.flips import flips, spread


def network(*sizes: int, seed: int = 0) -> nn.Sequential:
    rng = np.random.default_rng(seed)
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(sizes):
        layers += [nn.Linear.of(rng.normal(size=(n_out, n_in)), rng.normal(size=n_out)), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def artists(picture: Picture, gid: str) -> list[Any]:
    assert isinstance(picture.drawing, Figure)
    found = picture.drawing.findobj(lambda artist: (artist.get_gid() or "").startswith(gid))
    return list(dict.fromkeys(found))


FOLD = nn.Sequential(  # |x| − 1
    nn.Linear.of([[1.0], [-1.0]]), nn.ReLU(), nn.Linear.of([[1.0, 1.0]], [-1.0])
)


def test_kinks_and_decisions_are_at_their_exact_places() -> None:
    picture = viz.draw(mg.regions.line(FOLD, [-2.0], [6.0]))
    (curve,) = artists(picture, "output-0")
    np.testing.assert_array_equal(curve.get_xydata(), [[0, 1], [0.25, -1], [1, 5]])
    (dot,) = artists(picture, "kinks-0")
    np.testing.assert_array_equal(dot.get_xydata(), [[0.25, -1]])
    marks = [
        mark.get_xydata().tolist() for mark in artists(picture, "decision") if hasattr(mark, "get_xydata")
    ]
    assert marks == [[[0.125, 0]], [[0.375, 0]]]
    assert [text.get_text() for text in artists(picture, "flip")] == ["hidden 1 · 0 on +1"]
    assert picture.data == {
        "knots": [0.0, 0.25, 1.0], "values": [[1.0], [-1.0], [5.0]], "slopes": [[-8.0], [8.0]],
        "flips": [[[0, 0], [0, 1]]],
        "decisions": [
            {"from": 0.0, "to": 0.125, "decision": 1}, {"from": 0.125, "to": 0.375, "decision": 0},
            {"from": 0.375, "to": 1.0, "decision": 1},
        ],
    }  # fmt: skip
    assert "above 0 from t = 0, below 0 from t = 0.125, above 0 from t = 0.375" in picture.description


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 6))
def test_decisions_are_those_of_a_fine_sample(seed: int, n_out: int, pieces: int) -> None:
    rng = np.random.default_rng(seed)
    knots = np.cumsum(rng.random(pieces + 1) + 0.1)
    values = rng.integers(-3, 4, (pieces + 1, n_out)).astype(float)
    found = stretches(knots, values)
    assert (found[0].start, found[-1].stop) == (knots[0], knots[-1])
    for before, after in pairwise(found):
        assert before.stop == after.start and before.decision != after.decision
    for stretch in found:
        t = stretch.start + (stretch.stop - stretch.start) * np.linspace(0.01, 0.99, 25)
        outputs = np.stack([np.interp(t, knots, values[:, k]) for k in range(n_out)], axis=1)
        if n_out == 1:
            outputs = np.column_stack([0 * t, outputs])
        best = outputs[:, stretch.decision]
        np.testing.assert_array_less(outputs.max(axis=1) - best, 1e-9)


def test_a_missing_crossing_would_be_seen() -> None:
    """Three outputs: the middle one wins only between two knots, where no corner shows it."""
    values = np.array([[2.0, 1.5, 0.0], [0.0, 1.5, 2.0]])
    assert [(s.start, s.stop, s.decision) for s in stretches(np.array([0.0, 4.0]), values)] == [
        (0.0, 1.0, 0), (1.0, 3.0, 1), (3.0, 4.0, 2)
    ]  # fmt: skip


def test_regions_are_cells_and_every_flip_is_known() -> None:
    net, rng = network(5, 12, 9, 4), np.random.default_rng(3)
    line = mg.regions.line(net, rng.normal(size=5), rng.normal(size=5))
    picture = viz.draw(line, names=["cat", "dog", "fox", "owl"], title="From here to there")
    assert picture.title == "From here to there"
    cells = [len(cells.get_paths()) for cells in artists(picture, "regions")]
    assert sum(cells) == len(line) and cells[0] - cells[1] in (0, 1)
    for flip, segment in zip(flips(line), line, strict=False):
        assert (flip.at, set(flip.units)) == (segment.stop, segment.flip)
        (layer, neuron) = flip.units[0]
        after = mg.thin(net, line.points(flip.at + 1e-9)[0]).layers[layer].active[neuron]
        assert flip.words.startswith(f"hidden {layer + 1} · {neuron} {'on' if after else 'off'}")
    assert len(artists(picture, "flip")) == min(len(line) - 1, 20)
    assert {"cat", "dog", "fox", "owl"} <= texts(picture)
    assert json.loads(json.dumps(picture.data, allow_nan=False)) == picture.data


def texts(picture: Picture) -> set[str]:
    from matplotlib.text import Text

    assert isinstance(picture.drawing, Figure)
    return {text.get_text() for text in picture.drawing.findobj(Text)}


def test_a_line_without_ends_shows_where_things_happen() -> None:
    picture = viz.draw(mg.regions.line(FOLD, [1.0], [2.0], whole=True))
    (curve,) = artists(picture, "output-0")
    t, f = curve.get_xydata().T
    np.testing.assert_allclose(f, np.abs(1 + t) - 1)
    assert t[0] == pytest.approx(-1.2) and t[-1] == pytest.approx(1.2)
    assert picture.data["knots"] == [None, -1.0, None]
    straight = viz.draw(mg.regions.line(nn.Sequential(nn.Linear.of([[3.0]])), [1.0], [2.0], whole=True))
    assert "no gate changes" in " ".join(texts(straight)).lower()
    assert straight.data["slopes"] == [[3.0]]


def test_hundreds_of_kinks_are_thinned_out_and_counted() -> None:
    rng = np.random.default_rng(0)
    places = np.sort(rng.random(4000))
    net = nn.Sequential(
        nn.Linear.of(np.ones((4000, 1)), -places), nn.ReLU(), nn.Linear.of(rng.normal(size=(12, 4000)))
    )
    picture = viz.draw(mg.regions.line(net, [0.0], [1.0]))
    assert "+3,980 more" in " ".join(texts(picture))
    flags = artists(picture, "flip")
    assert len(flags) == 20
    bends = np.linalg.norm(net[2].weight.data, axis=0)
    sharpest = np.sort(np.argsort(-bends)[:20])
    assert [text.get_text() for text in flags] == [f"hidden 1 · {k} on" for k in sharpest]
    assert len(picture.svg()) < 2_500_000
    assert "grey: 7 more" in " ".join(texts(picture))


def test_images_are_shown_at_the_ends() -> None:
    net, rng = network(36, 8, 3), np.random.default_rng(0)
    a, b = rng.random((2, 36))
    picture = viz.draw(mg.regions.line(net, a, b), ends=("A", "B"))
    images = artists(picture, "input")
    np.testing.assert_array_equal(images[0].get_array(), a.reshape(6, 6))
    np.testing.assert_array_equal(images[1].get_array(), b.reshape(6, 6))
    assert {"A", "B", "t: from A (t = 0) to B (t = 1)"} <= texts(picture)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"outputs": []}, "one to five|one to 5"), ({"outputs": [4]}, "of 0 to 3"), ({"outputs": [-1]}, "-1"),
        ({"names": ["a"]}, "names has 1 names, but it takes 4"),
    ],
)  # fmt: skip
def test_bad_options(options: dict[str, Any], said: str) -> None:
    line = mg.regions.line(network(2, 3, 4), [0.0, 1.0], [1.0, 0.0])
    with pytest.raises(ValueError, match=said):
        viz.draw(line, **options)


def test_chosen_outputs_are_drawn_in_colour() -> None:
    picture = viz.draw(mg.regions.line(network(2, 3, 7), [0.0, 1.0], [1.0, 0.0]), outputs=[5, 2])
    coloured = {a.get_gid() for a in artists(picture, "output") if a.get_linewidth() > 1}
    assert coloured == {"output-2", "output-5"}
    styles = {str(a.get_linestyle()) for a in artists(picture, "output") if a.get_linewidth() > 1}
    assert len(styles) == 2, "told apart in grey as well"
    with pytest.raises(ValueError, match="takes 2: of what one output says"):
        viz.draw(mg.regions.line(FOLD, [0.0], [1.0]), names=["a"])


@given(st.lists(st.floats(0, 1), max_size=30).map(sorted), st.floats(0.001, 0.05))
def test_names_are_spread(places: list[float], gap: float) -> None:
    moved = spread(places, gap)
    assert all(after - before >= gap - 1e-9 for before, after in pairwise(moved))
    if gap * len(places) <= 1:
        assert all(-1e-9 <= place <= 1 + 1e-9 for place in moved)
    if all(after - before >= gap for before, after in pairwise(places)):
        np.testing.assert_allclose(moved, places, atol=1e-9)


def test_it_saves_in_every_format(tmp_path: Path) -> None:
    picture = viz.draw(mg.regions.line(network(36, 8, 3), np.zeros(36), np.ones(36)))
    assert picture.formats == ("svg", "png", "pdf", "html", "json", "txt")
    for suffix in picture.formats:
        assert picture.save(tmp_path / f"x.{suffix}").stat().st_size > 100
