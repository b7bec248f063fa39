"""Pictures of computation graphs by their structure: nodes, edges, order, labels, numbers."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
import viz
from minigrad import nn
from viz.graphs import draw_graph
from viz.graphs.cards import Scales, card, gradient_words, value_words
from viz.graphs.modules import collapsed
from viz.layout import engines
from viz.picture import Picture
from viz.scene import Group, Path, Rect, Scene, Shape, Text, visible

NAMESPACE = "{http://www.w3.org/2000/svg}"


def example() -> mg.Value:
    a, b, c = mg.Value(2.0, label="a"), mg.Value(-3.0, label="b"), mg.Value(10.0, label="c")
    product = a * b
    product.label = "e"
    result = (product + c) * a
    result.label = "L"
    return result


def network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))


def inputs() -> np.ndarray:
    return np.linspace(-1, 1, 8).reshape(2, 4)


def shapes(picture: Picture, role: str) -> list[Shape]:
    assert isinstance(picture.drawing, Scene)
    return [shape for shape in picture.drawing.walk() if role in shape.role.split()]


def texts(shape: Shape) -> list[str]:
    members = shape.shapes if isinstance(shape, Group) else ()
    return [shape.text] if isinstance(shape, Text) else [t for member in members for t in texts(member)]


def edges(picture: Picture) -> list[tuple[int, int, int]]:
    return [
        (int(e.data["source"]), int(e.data["target"]), int(e.data["operand"]))
        for e in shapes(picture, "edge")
    ]


def expected_edges(graph: mg.Graph) -> list[tuple[int, int, int]]:
    return [(source, node.id, k) for node in graph.nodes for k, source in enumerate(node.inputs)]


@st.composite
def expressions(draw: st.DrawFn) -> mg.Value:
    """Draw a scalar graph with shared operands, constants and gates."""
    made = [mg.Value(draw(st.integers(-3, 3)), label=f"v{k}") for k in range(draw(st.integers(1, 3)))]
    for _ in range(draw(st.integers(1, 8))):
        x, y = draw(st.sampled_from(made)), draw(st.sampled_from(made))
        made.append(draw(st.sampled_from([x + y, x - y, x * y, x.relu(), x.tanh(), x * 2.0, 1.0 - x])))
    return made[-1]


@settings(max_examples=40, deadline=None)
@given(expressions(), st.booleans())
def test_every_node_and_every_edge_is_drawn_once(result: mg.Value, backward: bool) -> None:
    engines_there = engines._commands
    engines._commands = dict  # rows: a process for each example would take long
    try:
        if backward:
            result.backward()
        picture = draw_graph(result)
    finally:
        engines._commands = engines_there
    graph = mg.trace(result)
    assert edges(picture) == expected_edges(graph)
    nodes = shapes(picture, "node")
    assert [int(node.data["node"]) for node in nodes] == [node.id for node in graph.nodes]
    for node, drawn in zip(graph.nodes, nodes, strict=True):
        assert node.kind in drawn.role.split()
        assert node.value is not None and value_words(node.value)[1] in texts(drawn)


def test_operands_enter_from_left_to_right() -> None:
    a, b = mg.Value(1.0, label="a"), mg.Value(2.0, label="b")
    for result, order in ((a - b, "ab"), (b - a, "ba"), (a * a, "aa")):
        picture = draw_graph(result)
        labels = {node.data["node"]: node.data["label"] for node in shapes(picture, "node")}
        drawn = shapes(picture, "edge")
        assert "".join(labels[e.data["source"]] for e in drawn) == order
        heads = [e.shapes[0].shapes[0].points[-1][0] for e in drawn]  # type: ignore[attr-defined]
        assert heads[0] < heads[1]


def test_edges_carry_the_local_derivatives() -> None:
    result = example()
    result.backward()
    picture = draw_graph(result)
    names = {node.data["node"]: node.data["label"] for node in shapes(picture, "node")}
    drawn = {(names[e.data["source"]], names[e.data["target"]]): texts(e) for e in shapes(picture, "edge")}
    assert drawn["a", "e"] == ["∂=−3"] and drawn["b", "e"] == ["∂=2"]
    assert drawn["", "L"] == ["∂=2"] and drawn["a", "L"] == ["∂=4"]


def test_an_edge_is_as_wide_as_the_gradient_that_flows_back() -> None:
    a, b = mg.Value(4.0, label="a"), mg.Value(-1.0, label="b")
    (a * b).backward()
    first, second = shapes(draw_graph(a * b + 0.0), "edge")[:2]
    assert "flows back" not in first.title  # this graph has had no backward pass of its own
    result = a * b
    result.backward()
    first, second = shapes(draw_graph(result), "edge")
    to_a, to_b = (e.shapes[0].shapes[0].look for e in (first, second))  # type: ignore[attr-defined]
    assert to_a.dash and not to_b.dash  # −1 flows back to a, 4 to b
    assert to_b.width == pytest.approx(2 * to_a.width)
    assert "times the gradient" in first.title


def test_no_gradient_yet_is_a_dash() -> None:
    picture = draw_graph(example())
    assert all("–" in texts(node) for node in shapes(picture, "node") if "constant" not in node.role)
    assert "have not been computed" in picture.description and "backward()" in picture.description


def test_constants_have_no_gradient_and_no_derivative() -> None:
    result = mg.Value(3.0, label="a") * 2.0
    result.backward()
    picture = draw_graph(result)
    (constant,) = shapes(picture, "constant")
    assert texts(constant) == ["constant", "value", "2"]
    assert [texts(e) for e in shapes(picture, "edge")] == [["∂=2"], []]


def test_kinds_differ_in_form() -> None:
    graph = mg.trace(lambda x: np.sum(network()(x) * 2.0), inputs())
    forms = {}
    for node in graph.nodes:
        outline = card(node, Scales.of(graph.nodes)).shapes[0]
        forms[node.kind] = (type(outline), getattr(outline, "corner", None))
    assert len(set(forms.values())) == len(forms) == 4
    assert isinstance(card(graph.nodes[0], Scales.of(graph.nodes)).shapes[0], Path | Rect)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.array(3), ("value", "3")),
        (np.array(True), ("value", "true")),
        (np.zeros((0, 3)), ("value", "empty")),
        (np.array([1.0, np.nan]), ("value", "[1, nan]")),
        (np.array([[1.0, np.nan, np.inf]]), ("not finite", "2 of 3")),
        (np.array([[True, False]]), ("true", "1 of 2")),
        (np.arange(4.0), ("mean ± std", "1.5 ± 1.12")),
    ],
)
def test_values_in_words(value: np.ndarray, words: tuple[str, str]) -> None:
    assert value_words(value) == words


def test_gradients_in_words() -> None:
    assert gradient_words(np.array([[3.0], [-4.0]])) == ("‖gradient‖", "5")
    assert gradient_words(np.zeros(3)) == ("‖gradient‖", "0")
    assert gradient_words(np.full(3, np.nan)) == ("‖gradient‖", "nan")


def test_zero_nan_and_inf_gradients_have_marks_of_their_own() -> None:
    x = mg.tensor(np.array([1.0, 2.0]), requires_grad=True, label="x")
    (node,) = mg.trace(x).nodes
    for bad, mark in ((0.0, "mark-zero"), (np.nan, "mark-nan"), (np.inf, "mark-inf")):
        marked = replace(node, gradient=np.full(2, bad))
        scene = Scene.around(card(marked, Scales.of((marked,))).shapes, title="", description="")
        assert [s for s in scene.walk() if mark in s.role.split()]


def test_a_tensor_graph_says_shapes_and_norms() -> None:
    graph = mg.trace(network(), inputs())
    picture = draw_graph(graph)
    assert edges(picture) == expected_edges(graph)
    said = {node.data["label"]: texts(node) for node in shapes(picture, "node")}
    assert "3 × 4 · float32" in said["0.weight"] and "‖gradient‖" in said["0.weight"]
    weight = next(node for node in graph.nodes if node.label == "0.weight")
    assert gradient_words(weight.gradient)[1] in said["0.weight"]
    assert "()" not in picture.svg()


def test_a_released_graph_is_a_clear_error() -> None:
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    loss = np.sum(x * x)
    loss.backward()
    with pytest.raises(mg.GraphFreedError, match="retain_graph"):
        viz.draw(loss)


def test_collapsing_keeps_what_flows_between_layers() -> None:
    whole = mg.trace(network(), inputs())
    graph = collapsed(whole)
    assert [n.symbol or n.label for n in graph.nodes] == ["x", "Linear", "ReLU", "Linear"]
    assert [n.inputs for n in graph.nodes] == [(), (0,), (1,), (2,)]
    assert graph.nodes[1].options["holds"] == "15 parameters"
    assert graph.outputs == (3,)
    np.testing.assert_array_equal(graph.nodes[3].value, whole.nodes[-1].value)


def test_collapsing_a_layer_that_is_used_twice_makes_no_cycle() -> None:
    layer = nn.Linear(3, 3)
    graph = collapsed(mg.trace(nn.Sequential(layer, nn.Tanh(), layer), np.ones((1, 3))))
    assert all(source < node.id for node in graph.nodes for source in node.inputs)
    assert sum(node.symbol == "Wx + b" or node.symbol == "Linear" for node in graph.nodes) == 2


def test_too_large_a_graph_is_collapsed_or_refused() -> None:
    graph = mg.trace(network(), inputs())
    assert len(shapes(draw_graph(graph, max_nodes=6), "node")) == 4
    with pytest.raises(ValueError, match="max_nodes=8"):
        draw_graph(graph, max_nodes=6, collapse=False)
    x = mg.Value(1.0)
    for _ in range(400):
        x = x + 1.0
    with pytest.raises(ValueError, match=r"801 nodes.*max_nodes=801"):
        draw_graph(x)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(max_size=12), min_size=2, max_size=2))
def test_any_label_comes_out_right_everywhere(labels: list[str]) -> None:
    engines_there = engines._commands
    engines._commands = dict
    try:
        picture = draw_graph(mg.Value(1.0, label=labels[0]) * mg.Value(2.0, label=labels[1]))
    finally:
        engines._commands = engines_there
    root = ElementTree.fromstring(picture.svg())
    drawn = [
        "".join(e.itertext()) for e in root.iter(f"{NAMESPACE}text") if "name" in e.get("class", "").split()
    ]
    for label, shown in zip(labels, drawn, strict=True):
        expected = visible(label) or "leaf"
        assert shown == expected or expected.startswith(shown.removesuffix("…"))
    assert "<!DOCTYPE html>" in picture.html() and "<script" not in picture.html()
    assert json.loads(json.dumps(picture.data))["nodes"][0]["label"] == labels[0]


@pytest.mark.parametrize(
    "label",
    [
        "",
        "<b>",
        "a & b",
        'say "x"',
        "back\\slash",
        "end\\",
        "\\N \\n \\G",
        "two\nlines",
        "été 漢 😀",
        "<",
        "{|}",
        ";",
    ],
)
def test_labels_in_dot_and_html(label: str) -> None:
    pygraphviz = pytest.importorskip("pygraphviz")
    picture = draw_graph(mg.Value(1.0, label=label) * 2.0)
    parsed = pygraphviz.AGraph(string=picture.dot)
    shown = parsed.get_node("n0").attr["label"]
    first = re.sub(r"\\(.)", r"\1", shown.split("\\nvalue")[0])
    assert first == (visible(label) or "leaf")
    assert len(parsed.nodes()) == 3 and len(parsed.edges()) == 2
    assert "<b>" not in picture.html() and "<b>" not in picture.svg()


def test_dot_keeps_the_order_of_operands_and_both_edges() -> None:
    a, b = mg.Value(1.0, label="a"), mg.Value(2.0, label="b")
    lines = draw_graph(b - a * a).dot.splitlines()
    names = dict(re.findall(r'^\s+(n\d) \[label="(.)', "\n".join(lines), re.MULTILINE))
    arrows = [re.findall(r"n\d", line) for line in lines if "->" in line]
    assert sorted(names[end] for _, end in arrows) == ["×", "×", "−", "−"]
    assert [names[start] for start, end in arrows if names[end] == "×"] == ["a", "a"]
    assert [names[start] for start, end in arrows if names[end] == "−"] == ["b", "×"]


def test_the_terminal_shows_a_tree_and_names_what_was_drawn_already() -> None:
    result = example()
    result.backward()
    lines = str(draw_graph(result)).splitlines()
    assert lines[0].startswith("L = ×") and "gradient 1" in lines[0]
    assert sum("(above)" in line for line in lines) == 1
    assert len(lines) == 7


def test_the_description_names_every_node_or_counts_the_rest() -> None:
    assert "e: multiply of a and b, value −6" in draw_graph(example()).description
    x = mg.Value(1.0)
    for _ in range(30):
        x = x + 1.0
    assert draw_graph(x).description.endswith("And 21 more nodes.")


def test_every_format(tmp_path: object) -> None:
    result = example()
    result.backward()
    picture = viz.draw(result)
    for suffix in ("svg", "png", "pdf", "html", "dot", "json", "txt"):
        assert picture.save(f"{tmp_path}/graph.{suffix}").stat().st_size > 100
    record = json.loads((picture.save(f"{tmp_path}/graph.json")).read_text())
    assert edges(draw_graph(mg.Graph.from_dict(record))) == edges(picture)


def test_numbers_that_are_not_finite_have_marks() -> None:
    a, b = mg.Value(0.0, label="a"), mg.Value(float("inf"), label="b")
    result = a * b
    result.backward()
    picture = draw_graph(result)
    said = {node.data["label"]: node for node in shapes(picture, "node")}
    scene = picture.drawing
    assert isinstance(scene, Scene)
    marks = [shape.role for shape in scene.walk() if "mark-" in shape.role]
    assert sorted(marks) == ["mark mark-inf", "mark mark-inf", "mark mark-nan"]
    assert "inf" in texts(said["a"]) and "inf" in texts(said["b"])
    limits = [e.shapes[0].shapes[0].look.width for e in shapes(draw_graph(result + 1.0), "edge")]  # type: ignore[attr-defined]
    assert all(np.isfinite(width) for width in limits)


def test_a_collapsed_graph_keeps_its_title() -> None:
    graph = mg.trace(network(), inputs())
    assert draw_graph(graph, collapse=True).title == draw_graph(graph).title == "Computation graph"


def test_vanishing_is_said_only_where_it_happens() -> None:
    def deep(activation: type[nn.Module]) -> str:
        layers = [layer for _ in range(6) for layer in (nn.Linear(4, 4), activation())]
        net = nn.init.xavier_normal(nn.Sequential(*layers, nn.Linear(4, 3)), rng=0)
        graph = mg.trace(net, inputs())
        weights = [node.gradient for node in graph.nodes if node.label.endswith("weight")]
        assert weights[0] is not None and weights[-1] is not None
        vanishes = np.linalg.norm(weights[0]) < 0.05 * np.linalg.norm(weights[-1])
        said = draw_graph(graph).description
        assert ("vanishes: from 12.weight up to 0.weight" in said) == vanishes
        assert draw_graph(graph, collapse=True).drawing.description[:150] == said[:150]  # type: ignore[union-attr]
        return said

    assert "vanishes" in deep(nn.Sigmoid) and "vanishes" not in deep(nn.Identity)


def test_the_lead_says_what_is_differentiated() -> None:
    assert "gradients of the sum of all outputs flow" in draw_graph(mg.trace(network(), inputs())).description
    one = mg.trace(lambda x: np.sum(network()(x)), inputs())
    assert "sum of all outputs" not in draw_graph(one).description
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    y = np.exp(x)
    y.backward(np.array([1.0, -1.0]), retain_graph=True)
    assert "each times its own gradient" in draw_graph(y).description


@given(st.lists(st.floats(-20, 20), min_size=1, max_size=5))
def test_a_small_factor_is_a_small_step_of_colour(logs: list[float]) -> None:
    (leaf,) = mg.trace(mg.tensor([1.0], requires_grad=True)).nodes
    scales = Scales.of(tuple(replace(leaf, gradient=np.array([10.0**size])) for size in logs))
    assert scales.high - scales.low >= 4 and scales.low == int(scales.low) and scales.high == int(scales.high)
    assert all(scales.low - 1e-9 <= size <= scales.high + 1e-9 for size in logs)


def test_modules_are_named_by_class_and_path() -> None:
    graph = mg.trace(network(), inputs())
    said = [text for node in shapes(draw_graph(graph), "node") for text in texts(node)]
    assert any("Linear · module 2" in text for text in said)
    collapsed_texts = [
        text for node in shapes(draw_graph(graph, collapse=True), "node") for text in texts(node)
    ]
    assert "module 0" in collapsed_texts and not any("layer" in text for text in said + collapsed_texts)


def test_the_key_explains_the_look_of_edges_in_one_piece() -> None:
    result = example()
    result.backward()
    key = [texts(entry) for entry in shapes(draw_graph(result), "key")]
    assert ["edge colour and width:", "∂ × gradient = what flows back along it"] in key
    assert ["positive", "negative"] in key  # no flow is 0 here
    closed = mg.relu(mg.Value(-1.0)) * -2.0
    closed.backward()
    assert ["negative", "none"] in [texts(entry) for entry in shapes(draw_graph(closed), "key")]


def test_scalar_leaves_are_called_leaves_since_they_may_be_weights() -> None:
    (out,) = mg.scalarize(network(), inputs()[0])[:1]
    picture = draw_graph(out)
    assert "leaf: input or weight" in [text for entry in shapes(picture, "key") for text in texts(entry)]
    assert "0.weight[0, 0]: leaf" in picture.description
    tensor = draw_graph(mg.trace(network(), inputs()))
    assert {"input", "parameter"} <= {text for entry in shapes(tensor, "key") for text in texts(entry)}
