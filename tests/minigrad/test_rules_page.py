"""minigrad/rules/README.md says what the registry knows: everything, and nothing else."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import rules
from minigrad.functions import constants
from minigrad.rules import NUMPY, REGISTRY

from .rules_page import FAMILIES, constant, line, members, page, recording

PAGE = Path(rules.__file__).with_name("README.md")


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == page(), "python -m tests.minigrad.rules_page > minigrad/rules/README.md"


def test_every_family_and_every_primitive_is_there_once() -> None:
    modules = {module for module in vars(rules).values() if isinstance(module, ModuleType)}
    modules -= {rules.operands, rules.guarded}  # what rules are written with
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


def called(name: str) -> Any:
    """What a name on the page stands for."""
    found: Any = {"np": np, "mg": mg}[name.partition(".")[0]]
    for part in name.split(".")[1:]:
        found = getattr(found, part)
    return found


def test_every_function_of_the_table_is_there_once() -> None:
    calls = [call for calls in recording().values() for call in calls]
    named = [call.partition("(")[0] for call in calls] + constant()
    named += [f"np.{name}" for name in constants.WRITING]
    counts = Counter(called(name) for name in named if name.startswith("np."))
    assert counts == Counter(f for f, ours in NUMPY.items() if not getattr(ours, "added", False))
    text = page()
    assert all(f"\n{call}\n" in text for call in calls)
    assert all(f"`{name}`" in text for name in constant())


@pytest.mark.parametrize(
    "call",
    [
        "mg.conv2d(x, weight, bias=None, stride=1, padding=0)", "mg.relu(x)", "mg.softmax(x, axis=-1)",
        "mg.full(shape, fill_value, dtype=None)", "np.maximum(x, y)", "np.matmul(x, y)", "np.exp(x)",
        "np.sum(a, axis=None, dtype=None, keepdims=False, initial=None, where=True)",
        "np.linalg.solve(a, b)", "np.lib.stride_tricks.sliding_window_view(x, window_shape, axis=None, "
        "*, subok=False, writeable=False)",
    ],
)  # fmt: skip
def test_functions_are_listed_as_they_are_called(call: str) -> None:
    assert f"\n{call}\n" in page()


def test_what_is_listed_under_mg_is_the_librarys_alone() -> None:
    names = [call.partition("(")[0] for calls in recording().values() for call in calls]
    own = {name for name in names if name.startswith("mg.")}
    assert {f"mg.{n}" for n in ("conv1d", "conv2d", "max_pool2d", "avg_pool2d", "maxout", "sigmoid")} <= own
    assert not own & {"mg.exp", "mg.sum", "mg.abs", "mg.sliding_window_view", "mg.permute_dims", "mg.sign"}


def test_links_lead_to_files() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", page())
    assert {Path(family.__file__ or "").name for family in FAMILIES} <= set(links)
    assert all((PAGE.parent / link).exists() for link in links)
