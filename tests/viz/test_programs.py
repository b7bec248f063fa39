"""Pictures of compiled programs: their instructions, what they read, what they change, what decides."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import minigrad as mg
import viz
from minigrad import nn, optim
from viz.picture import Picture
from viz.programs import blocks, draw_program
from viz.scene import Group, Scene, Shape, Text


def compiled_step(*layers: nn.Module, backend: str = "numpy") -> Any:
    net = nn.Sequential(*layers or (nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3)))
    adam = optim.Adam(net.parameters())

    def step(x: np.ndarray, y: np.ndarray) -> mg.Tensor:
        adam.zero_grad()
        loss = nn.cross_entropy(net(x), y)
        loss.backward()
        adam.step()
        return loss

    compiled = mg.compile(step, backend=backend)
    for _ in range(3):
        compiled(np.ones((2, 4), np.float32), np.array([0, 2]))
    return compiled


def shapes(picture: Picture, role: str) -> list[Shape]:
    assert isinstance(picture.drawing, Scene)
    return [shape for shape in picture.drawing.walk() if role in shape.role.split()]


def words(picture: Picture, role: str) -> list[str]:
    return [shape.text for shape in shapes(picture, role) if isinstance(shape, Text)]


def test_cards_are_the_primitives_in_order_each_in_its_phase() -> None:
    picture = viz.draw(compiled_step())
    cards = [(card.data["phase"], card.data["primitive"]) for card in shapes(picture, "block")]
    labels, *forward = [primitive for phase, primitive in cards if phase == "forward"]
    backward = [primitive for phase, primitive in cards if phase == "backward"]
    assert labels == "cross_entropy"  # their range is looked at first
    assert forward == ["linear", "relu", "linear", "cross_entropy"]
    assert backward == forward[::-1]
    assert {primitive for phase, primitive in cards if phase == "update"} == {"Adam"}


def test_derivatives_stand_beside_what_they_are_derivatives_of() -> None:
    picture = viz.draw(compiled_step())
    forward, backward = (
        [card.bounds()[1] for card in shapes(picture, "block") if card.data["phase"] == phase]
        for phase in ("forward", "backward")
    )
    assert forward[1:] == backward[::-1]
    assert all(above < below for above, below in pairwise(forward))


def test_all_instructions_are_there_and_numbers_are_counted() -> None:
    step = compiled_step()
    program = step.programs[0]
    found = [said for block in blocks(program) for row in block.rows for said in row.lines]
    views = [i for i in program.instructions if i.view_of is not None]
    assert len(found) == len(program.instructions) - len(views)
    picture = viz.draw(step)
    assert f"{len(found)} instructions, {len(views)} views" in picture.title
    numbers = [text for text in words(picture, "instruction") if "Python numbers" in text]
    counted = sum(int(re.findall(r"(\d+) Python", text)[0]) for text in numbers)
    assert counted == sum(said.kind == "number" for said in found)


def test_sources_effects_and_guards_are_marked() -> None:
    picture = viz.draw(compiled_step())
    assert {"argument0", "argument1", "0.weight", "0.bias", "2.weight", "2.bias"} <= {
        *words(picture, "source")
    }
    effects = words(picture, "effect")
    assert {"→ 0.weight.grad", "→ 2.bias.grad", "→ returned", "→ steps taken"} <= {*effects}
    assert any("must be" in guard for guard in words(picture, "guard"))
    for name in ("argument0", "0.weight"):
        assert [shape.data["name"] for shape in shapes(picture, "source") if shape.data].count(name) == 1


def test_edges_go_from_maker_to_reader() -> None:
    step = compiled_step()
    picture = viz.draw(step)
    cards = {card.data["block"]: card for card in shapes(picture, "block")}
    edges = {(e.data["source"], e.data["target"]) for e in shapes(picture, "edge")}
    phases = {(cards[a].data["phase"], cards[b].data["phase"]) for a, b in edges}
    assert {("forward", "forward"), ("forward", "backward"), ("backward", "update")} <= phases
    assert all(a != b for a, b in edges)
    made = {
        result: str(k)
        for k, block in enumerate(blocks(step.programs[0], step.names))
        for row in block.rows
        for said in row.lines
        for result in said.instruction.results
    }
    relu = next(k for k, card in cards.items() if card.data["primitive"] == "relu")
    reads = {made[slot] for slot in step.programs[0].wanted if slot in made}
    assert relu not in reads  # what is returned comes later
    assert any(target == relu for _, target in edges)


def test_cards_do_not_overlap_and_texts_stay_in_theirs() -> None:
    layers = nn.Linear(4, 6), nn.Maxout(2), nn.Dropout(0.2), nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 3)
    picture = viz.draw(compiled_step(*layers))
    cards = shapes(picture, "block")
    for k, card in enumerate(cards):
        left, top, right, bottom = card.bounds()
        for other in cards[:k]:
            a, b, c, d = other.bounds()
            assert c <= left or right <= a or d <= top or bottom <= b
        assert isinstance(card, Group)
        for member in card.shapes:
            a, _, c, _ = member.bounds()
            assert left - 1 <= a and c <= right + 1
    pills = [shape.bounds() for shape in shapes(picture, "source") if isinstance(shape, Group)]
    for k, (left, top, right, bottom) in enumerate(pills):
        for a, b, c, d in pills[:k]:
            assert c <= left or right <= a or d <= top or bottom <= b


def test_captured_and_optimised_differ() -> None:
    step = compiled_step()
    before, after = viz.draw(step, captured=True), viz.draw(step)
    assert before.data["stages"] == ["captured"]
    assert after.data["stages"][0] == "captured" and len(after.data["stages"]) > 1
    count = [sum(len(block["instructions"]) for block in p.data["blocks"]) for p in (before, after)]
    assert count[0] > count[1]


def test_a_function_without_backward_has_one_column() -> None:
    double = mg.compile(lambda x: np.exp(2.0 * x))
    for _ in range(3):
        double(np.ones(3))
    picture = viz.draw(double)
    assert {card.data["phase"] for card in shapes(picture, "block")} == {"forward"}
    assert "Derivatives" not in picture.description
    assert "→ returned" in words(picture, "effect")


def test_it_can_be_saved_and_says_everything_in_words(tmp_path: Path) -> None:
    picture = viz.draw(compiled_step())
    saved = {suffix: picture.save(tmp_path / f"p.{suffix}") for suffix in ("svg", "png", "json", "txt")}
    ElementTree.parse(saved["svg"])
    assert json.loads(saved["json"].read_text())["blocks"]
    text = saved["txt"].read_text()
    for row in words(picture, "instruction"):
        if "Python numbers" not in row and "…" not in row:
            assert re.split(r"[(%]", row.split(" = ", 1)[1])[0] in text
    assert "cross_entropy, forward" in picture.description


def test_too_long_programs_and_none_are_refused() -> None:
    step = compiled_step()
    with pytest.raises(ValueError, match=r"has \d+ instructions.*max_instructions="):
        viz.draw(step, max_instructions=3)
    with pytest.raises(ValueError, match="call the compiled function twice"):
        viz.draw(mg.compile(lambda x: x))


def test_a_program_alone_can_be_drawn() -> None:
    step = compiled_step()
    picture = draw_program(step.programs[0], name="a step")
    assert picture.title.startswith("Program of a step")
    assert viz.draw(step.programs[0]).title.startswith("Program: ")
    named = mg.tensor([1.0, 2.0], requires_grad=True, label="w")
    square = mg.compile(lambda: (named * named).sum())
    for _ in range(3):
        square()
    assert words(viz.draw(square.programs[0]), "source") == ["w"]


def test_a_loop_is_one_card_that_says_what_stays_inside() -> None:
    pytest.importorskip("numba")
    layers = nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3)
    fused, alone = (viz.draw(compiled_step(*layers, backend=backend)) for backend in ("numba", "numpy"))
    loops = [title for title in words(fused, "name") if title.startswith("one loop: ")]
    assert any("linear, tanh" in title for title in loops)
    assert "inside" in words(fused, "kind")
    assert "What is inside a loop never reaches memory." in fused.description
    fewer, more = (int(re.findall(r"(\d+) instructions", picture.title)[0]) for picture in (fused, alone))
    assert fewer < more
