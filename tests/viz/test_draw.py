"""One verb for everything, and a light import."""

from __future__ import annotations

import subprocess
import sys

import pytest

import minigrad as mg
import viz


def test_draw_takes_values_tensors_and_graphs() -> None:
    value = mg.Value(2.0, label="a") * 3.0
    x = mg.tensor([1.0, 2.0], requires_grad=True, label="x")
    for thing in (value, x * x, mg.trace(value)):
        assert isinstance(viz.draw(thing), viz.Picture)


def test_draw_finds_the_picture_of_a_base_class() -> None:
    assert viz.draw(mg.nn.Parameter([1.0])).title == "Computation graph"


@pytest.mark.parametrize("thing", [3, "text", None, [mg.Value(1.0)], object()])
def test_unknown_things_list_what_can_be_drawn(thing: object) -> None:
    with pytest.raises(TypeError) as error:
        viz.draw(thing)
    message = str(error.value)
    assert type(thing).__name__ in message
    assert all(name in message for name in ("Value", "Tensor", "Graph", "Module", "ThinNetwork", "History"))


def test_importing_viz_loads_nothing_heavy() -> None:
    heavy = (
        "matplotlib",
        "networkx",
        "graphviz",
        "pygraphviz",
        "PIL",
        "reportlab",
        "resvg_py",
        "sklearn",
        "scipy",
    )
    code = f"import sys, viz; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
