"""minigrad/rules/README.md says what the registry knows: everything, and nothing else."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import minigrad as mg
from minigrad import rules
from minigrad.rules import REGISTRY

from .rules_page import FAMILIES, line, members, page

PAGE = Path(rules.__file__).with_name("README.md")


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == page(), "python -m tests.minigrad.rules_page > minigrad/rules/README.md"


def test_every_family_and_every_primitive_is_there_once() -> None:
    modules = {module for module in vars(rules).values() if isinstance(module, ModuleType)}
    modules -= {rules.operands}  # what rules compute with
    assert modules == set(FAMILIES) and len(FAMILIES) == len(modules)
    named = [p.name for family in FAMILIES for p in members(family)]
    assert sorted(named) == sorted(name for name, p in REGISTRY.items() if not p.added)


def test_a_line_says_all_about_a_primitive() -> None:
    assert line(rules.arithmetic.divide) == [
        "`divide`", "÷", "x / y", "x: linear, y: smooth", "y > 0", "", "quotient rule",
    ]  # fmt: skip
    assert line(mg.relu) == [
        "`relu`", "ReLU", "max(x, 0)", "x: gate", "", "x = 0: 0 (closed)", "Nair & Hinton 2010",
    ]  # fmt: skip


def test_links_lead_to_files() -> None:
    for family in FAMILIES:
        file = Path(family.__file__ or "").name
        assert f"[{file}]({file})" in page()
    assert (PAGE.parent / "../../CONVENTIONS.md").exists()
