"""Layouts by structure: nothing overlaps, links go from box to slot; and the chain of engines."""

from __future__ import annotations

import os
import shutil
import sys
from itertools import combinations, pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from viz.layout import Box, Layout, Link, engines, place_graph
from viz.layout.rows import in_rows
from viz.layout.structure import slot_offset, slots

Case = tuple[tuple[Box, ...], tuple[Link, ...]]


@st.composite
def acyclic(draw: st.DrawFn) -> Case:
    """Draw a graph with several results, repeated operands and long links."""
    boxes, links = [], []
    for k in range(draw(st.integers(1, 12))):
        operands = draw(st.lists(st.integers(0, k - 1), max_size=3)) if k else []
        width, height = draw(st.integers(30, 200)), draw(st.integers(20, 90))
        boxes.append(Box(width, height, draw(st.integers(0, 2)) if operands else 0))
        links += [Link(operand, k, draw(st.integers(1, 8))) for operand in operands]
    return tuple(boxes), tuple(links)


DIAMOND = (
    (Box(80, 40), Box(60, 40), Box(90, 40), Box(70, 40)),
    (Link(0, 1), Link(0, 2), Link(0, 2), Link(1, 3), Link(2, 3)),
)


def check(case: Case, placed: Layout, tolerance: float) -> None:
    """Look at a layout, whoever made it."""
    boxes, links = case
    assert len(placed.centres) == len(boxes) and len(placed.curves) == len(links)
    for (a, (ax, ay)), (b, (bx, by)) in combinations(zip(boxes, placed.centres, strict=True), 2):
        apart_x = abs(ax - bx) - (a.width + b.width) / 2
        apart_y = abs(ay - by) - (a.height + b.height) / 2
        assert max(apart_x, apart_y) > 5
    for link, curve, (slot, count) in zip(links, placed.curves, slots(boxes, links), strict=True):
        assert len(curve) % 3 == 1 and len(curve) >= 4
        (x, y), box = placed.centres[link.source], boxes[link.source]
        assert curve[0] == pytest.approx((x, y + box.height / 2), abs=tolerance)
        (x, y), box = placed.centres[link.target], boxes[link.target]
        end = (x + slot_offset(box.width, slot, count), y - box.height / 2)
        assert curve[-1] == pytest.approx(end, abs=tolerance)
        assert placed.centres[link.source][1] < placed.centres[link.target][1]


@pytest.mark.parametrize("fault", ["overlap", "slot", "upwards", "lost link"])
def test_the_check_finds_planted_faults(fault: str) -> None:
    placed = in_rows(*DIAMOND)
    check(DIAMOND, placed, 1e-6)
    centres, curves = list(placed.centres), list(placed.curves)
    if fault == "overlap":
        centres[1] = centres[2]
    elif fault == "slot":
        curves[1], curves[2] = curves[2], curves[1]
    elif fault == "upwards":
        centres = [(x, -y) for x, y in centres]
    else:
        curves.pop()
    with pytest.raises(AssertionError):
        check(DIAMOND, Layout(tuple(centres), tuple(curves), "rows"), 1e-6)


@given(acyclic())
def test_rows_hold_every_box_and_link(case: Case) -> None:
    check(case, in_rows(*case), 1e-6)


@settings(max_examples=12, deadline=None)
@given(acyclic())
def test_graphviz_places_every_box_and_link(case: Case) -> None:
    pytest.importorskip("pygraphviz")
    placed = engines.by_graphviz(*case, time_limit=20)
    assert placed is not None and placed.engine == "pygraphviz"
    check(case, placed, 4.0)  # Graphviz rounds the fields of a record


def test_rows_have_no_needless_crossing() -> None:
    boxes = tuple(Box(40, 20) for _ in range(7))
    crossed = (Link(0, 4), Link(1, 3), Link(2, 5), Link(4, 6), Link(3, 6), Link(5, 6))
    placed = in_rows(boxes, crossed)
    order = sorted((3, 4, 5), key=lambda k: placed.centres[k][0])
    assert order == [4, 3, 5]
    assert sorted((0, 1, 2), key=lambda k: placed.centres[k][0]) == [0, 1, 2]


def test_a_heavy_link_is_upright_in_rows() -> None:
    boxes = (Box(100, 30), Box(100, 30), Box(100, 30), Box(100, 30, skip=2))
    links = (Link(0, 3, 8), Link(1, 3), Link(2, 3))
    bends = [abs(curve[0][0] - curve[-1][0]) for curve in in_rows(boxes, links).curves]
    assert bends[0] == min(bends)


class TestEngines:
    @pytest.fixture(autouse=True)
    def forgotten(self) -> None:
        engines._run.cache_clear()

    @pytest.fixture
    def no_library(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(engines, "find_spec", lambda name: None)

    def program(self, folder: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
        """Put a program called dot, written in Python, on an otherwise empty PATH."""
        dot = folder / "dot"
        dot.write_text(f"#!{sys.executable}\n{body}")
        dot.chmod(0o755)
        monkeypatch.setenv("PATH", str(folder))

    def test_the_library_is_first(self) -> None:
        pytest.importorskip("pygraphviz")
        assert place_graph(*DIAMOND).engine == "pygraphviz"

    @pytest.mark.usefixtures("no_library")
    def test_the_program_is_second(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        pytest.importorskip("pygraphviz")
        self.program(tmp_path, monkeypatch, Path(engines._WORKER).read_text())
        placed = place_graph(*DIAMOND)
        assert placed.engine == "dot"
        check(DIAMOND, placed, 4.0)

    @pytest.mark.usefixtures("no_library")
    @pytest.mark.skipif(not shutil.which("dot"), reason="no dot here")
    def test_the_real_program(self) -> None:
        placed = place_graph(*DIAMOND)
        assert placed.engine == "dot"
        check(DIAMOND, placed, 4.0)

    @pytest.mark.usefixtures("no_library")
    def test_rows_are_last(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        placed = place_graph(*DIAMOND)
        assert placed.engine == "rows"
        check(DIAMOND, placed, 1e-6)

    @pytest.mark.usefixtures("no_library")
    @pytest.mark.parametrize("body", ["raise SystemExit(1)", "print('no JSON')", "print('{}')"])
    def test_a_broken_program_is_passed_over(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str
    ) -> None:
        self.program(tmp_path, monkeypatch, body)
        assert place_graph(*DIAMOND).engine == "rows"

    def test_a_library_that_cannot_be_loaded_is_passed_over(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        broken = tmp_path / "worker.py"
        broken.write_text("raise ImportError('libX11.so.6: cannot open shared object file')")
        monkeypatch.setattr(engines, "_WORKER", broken)
        monkeypatch.setenv("PATH", str(tmp_path))
        assert place_graph(*DIAMOND).engine == "rows"

    @pytest.mark.usefixtures("no_library")
    def test_the_time_limit_ends_the_process(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        mark = tmp_path / "started"
        note = f"pathlib.Path({str(mark)!r}).write_text(str(os.getpid()))"
        body = f"import os, time, pathlib\n{note}\ntime.sleep(600)"
        self.program(tmp_path, monkeypatch, body)
        assert place_graph(*DIAMOND, time_limit=2.0).engine == "rows"
        with pytest.raises(ProcessLookupError):
            os.kill(int(mark.read_text()), 0)

    def test_warnings_of_the_library_do_not_reach_the_user(self, capfd: pytest.CaptureFixture[str]) -> None:
        pytest.importorskip("pygraphviz")
        assert place_graph(*DIAMOND).engine == "pygraphviz"
        assert capfd.readouterr() == ("", "")


def test_a_long_link_bends_once_if_no_box_is_in_its_way() -> None:
    detour = ((0.0, 0.0), (0.0, 100.0), (300.0, -50.0), (200.0, 300.0))
    aside, below = (40.0, 150.0), (200.0, 150.0)
    box = Box(60, 40)
    plain = engines._calm(detour, [box], [aside])
    assert plain[0] == detour[0] and plain[-1] == detour[-1]
    assert {x for x, _ in plain[3:]} == {200.0}
    assert all(upper[1] <= lower[1] for upper, lower in pairwise(plain))
    assert engines._calm(detour, [box], [below]) == detour
    assert engines._calm(detour, [box, box], [aside, below]) == detour
