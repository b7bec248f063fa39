"""The frozen record: order, values, gradients, where it came from, and that it survives being written."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn
from minigrad.rules import REGISTRY

from .strategies import networks, samples, seeds, tensors_of
from .test_value import V, numbers, programs, run

few = settings(max_examples=30)
X = np.array([1.0, 2.0])


def check_shape_of_graph(graph: mg.Graph) -> None:
    """What holds for every graph: ids in order, operands before, symbols from the registry."""
    for k, node in enumerate(graph.nodes):
        assert node.id == k
        assert all(i < k for i in node.inputs)
        assert node.value is not None and node.value.shape == node.shape
        assert str(node.value.dtype) == node.dtype
        if node.kind == "operation":
            primitive = REGISTRY[node.primitive]
            assert node.symbol == primitive.symbol
            assert primitive.variadic or len(node.inputs) == len(primitive.arguments)
        else:
            assert node.kind in ("input", "parameter", "constant")
            assert not node.inputs and not node.primitive and not node.symbol
        if graph.level == "scalar":
            assert node.partials is not None and len(node.partials) == len(node.inputs)
        else:
            assert node.partials is None
    used = {i for node in graph.nodes for i in node.inputs} | set(graph.outputs)
    assert used == set(range(len(graph.nodes)))


def same(a: mg.Graph, b: mg.Graph) -> None:
    """Two graphs say the same, number by number."""
    assert (a.outputs, a.level, a.version) == (b.outputs, b.level, b.version)
    for left, right in zip(a.nodes, b.nodes, strict=True):
        for field in dataclasses.fields(left):
            one, other = getattr(left, field.name), getattr(right, field.name)
            if isinstance(one, np.ndarray):
                assert one.dtype == other.dtype and one.shape == other.shape
                np.testing.assert_array_equal(one, other)
            elif field.name == "partials" and one is not None:
                np.testing.assert_array_equal(one, other)
            elif field.name != "options":  # tuples become lists
                assert one == other, field.name


# What is in it


@few
@given(program=programs, start=numbers)
def test_a_graph_of_values_is_the_program(program: Any, start: list[float]) -> None:
    leaves = [V(x, label=f"v{k}") for k, x in enumerate(start)]
    out = run(program, leaves)
    out.backward()
    graph = mg.trace(out)
    check_shape_of_graph(graph)
    assert graph.level == "scalar" and graph.nodes[graph.outputs[0]].value == out.data
    for leaf in leaves:
        for node in graph.nodes:
            if node.label == leaf.label:
                assert (node.value, node.gradient, node.kind) == (leaf.data, leaf.grad, "input")
    # the gradient of each node is what arrives from those that use it
    for node in graph.nodes[:-1]:
        if node.kind == "constant":
            assert node.gradient is None
            continue
        users = ((u, k) for u in graph.nodes for k, i in enumerate(u.inputs) if i == node.id)
        arriving = sum(float(u.gradient) * u.partials[k] for u, k in users)  # type: ignore[arg-type, index]
        assert float(node.gradient) == pytest.approx(arriving, rel=1e-9, abs=1e-12)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", sorted(name for name in REGISTRY if any(REGISTRY[name].differentiable)))
@settings(max_examples=5)
@given(data=st.data())
def test_a_traced_primitive_has_its_operands_in_order(name: str, data: Any) -> None:
    sample = data.draw(samples(name))
    leaves = tensors_of(sample)
    graph = mg.trace(lambda: sample(*leaves))
    check_shape_of_graph(graph)
    node = graph.nodes[-1]
    assert node.primitive == name
    assert len(node.inputs) == len(sample.args)
    for k, i in enumerate(node.inputs):
        np.testing.assert_array_equal(graph.nodes[i].value, sample.args[k])
        assert (graph.nodes[i].kind == "constant") == (not leaves[k].requires_grad)
    np.testing.assert_array_equal(node.gradient, np.ones(node.shape))
    json.loads(graph.to_json())


@few
@given(drawn=networks(), seed=seeds)
def test_a_traced_network_has_the_gradients_of_backward(drawn: Any, seed: int) -> None:
    net, n_in = drawn
    net.eval()
    x = np.random.default_rng(seed).normal(size=(3, n_in))
    graph = mg.trace(net, x)
    check_shape_of_graph(graph)
    assert all(parameter.grad is None for parameter in net.parameters())

    leaf = mg.tensor(x, requires_grad=True)
    out = net(leaf)
    out.backward(np.ones(out.shape))
    by_label = {node.label: node for node in graph.nodes if node.kind in ("input", "parameter")}
    assert by_label.keys() == {"x"} | dict(net.named_parameters()).keys()
    np.testing.assert_allclose(by_label["x"].gradient, leaf.grad, rtol=1e-12, atol=1e-15)
    np.testing.assert_array_equal(graph.nodes[-1].value, out.data)
    for name, parameter in net.named_parameters():
        assert by_label[name].kind == "parameter"
        np.testing.assert_allclose(by_label[name].gradient, parameter.grad, rtol=1e-12, atol=1e-15)


def test_leaves_keep_the_gradients_they_had() -> None:
    net = nn.Linear(2, 1)
    net(X).sum().backward()
    before = [p.grad for p in net.parameters()]
    mg.trace(net, X)
    assert all(p.grad is g for p, g in zip(net.parameters(), before, strict=True))
    a = V(2.0)
    a.grad = 7.0
    assert mg.trace(lambda v: v * v, a).nodes[0].gradient == 4
    assert a.grad == 7


def test_leaves_keep_their_gradients_when_the_function_fails() -> None:
    x = mg.tensor(X, requires_grad=True)
    x.grad = np.ones(2)

    def freed(t: mg.Tensor) -> mg.Tensor:
        y = t.sum()
        y.backward()
        return y * 2

    with pytest.raises(mg.GraphFreedError):
        mg.trace(freed, x)
    np.testing.assert_array_equal(x.grad, [2, 2])  # by the function's own backward


def test_an_output_is_traced_as_it_stands() -> None:
    x = mg.tensor(X, requires_grad=True, label="x")
    y = (x * x).sum()
    assert [node.gradient for node in mg.trace(y).nodes] == [None] * 3
    y.backward(retain_graph=True)
    graph = mg.trace(y)
    assert [node.primitive for node in graph.nodes] == ["", "multiply", "sum"]
    assert graph.nodes[1].inputs == (0, 0)
    np.testing.assert_array_equal(graph.nodes[0].gradient, 2 * X)
    np.testing.assert_array_equal(graph.nodes[1].gradient, [1, 1])
    y.backward()
    with pytest.raises(mg.GraphFreedError, match="retain_graph"):
        mg.trace(y)


def test_module_type_and_source_line_of_every_operation() -> None:
    class Block(nn.Module):
        def __init__(self) -> None:
            self.inner = nn.Sequential(nn.Linear(2, 2), nn.Tanh())

        def forward(self, x: mg.Tensor) -> mg.Tensor:
            return self.inner(x) * 2

    net = nn.Sequential(nn.Linear(2, 2), Block(), nn.Residual(nn.Linear(2, 2), nn.ReLU()))
    graph = mg.trace(net, X)
    found = [(n.primitive, n.module, n.module_type) for n in graph.nodes if n.kind == "operation"]
    assert found == [
        ("linear", "0", "Linear"),
        ("linear", "1.inner.0", "Linear"),
        ("tanh", "1.inner.1", "Tanh"),
        ("multiply", "1", "Block"),
        ("linear", "2.0", "Linear"),
        ("relu", "2.1", "ReLU"),
        ("add", "2", "Residual"),
    ]
    lines = [n.source for n in graph.nodes if n.kind == "operation"]
    assert all(line.startswith("test_tracing.py:") for line in lines)
    by_module = dict(zip([f[1] for f in found], lines, strict=True))
    here = Block.forward.__code__.co_firstlineno
    assert by_module["1"] == by_module["1.inner.0"] == f"test_tracing.py:{here + 1}"
    assert graph.nodes[0].source == graph.nodes[0].module == ""


def test_a_helper_belongs_to_the_layer_that_calls_it() -> None:
    def helper(x: mg.Tensor) -> mg.Tensor:
        return np.exp(x)

    class Block(nn.Module):
        def forward(self, x: mg.Tensor) -> mg.Tensor:
            return helper(x)

    (node,) = (n for n in mg.trace(nn.Sequential(nn.Linear(2, 2), Block()), X).nodes if n.primitive == "exp")
    assert (node.module, node.module_type) == ("1", "Block")
    assert node.source == f"test_tracing.py:{helper.__code__.co_firstlineno + 1}"


def test_source_lines_of_scalars() -> None:
    graph = mg.trace(lambda a: (a * a).tanh(), V(0.5))
    assert {n.source.split(":")[0] for n in graph.nodes if n.kind == "operation"} == {"test_tracing.py"}
    assert mg.trace(V(1.0) + 1).nodes[-1].source == ""


@pytest.mark.parametrize("x", [X, [1.0, 2.0], mg.tensor(X), mg.tensor(X, label="pixels"), (1.0, 2.0)])
def test_floats_become_inputs_with_gradients(x: Any) -> None:
    node = mg.trace(lambda t: (t * t).sum(), x).nodes[0] if isinstance(x, mg.Tensor) else None
    node = node or mg.trace(lambda t: (t * t).sum(), x).nodes[0]
    assert node.kind == "input" and node.label == (getattr(x, "label", "") or "x")
    np.testing.assert_array_equal(node.gradient, 2 * X)


def test_inputs_have_names_in_order_and_constants_have_none() -> None:
    graph = mg.trace(lambda a, b: a * b + 3, 2.0, 5.0)
    assert [(n.kind, n.label) for n in graph.nodes] == [
        ("input", "x"), ("input", "x1"), ("operation", ""), ("constant", ""), ("operation", ""),
    ]  # fmt: skip
    graph = mg.trace(nn.Linear(2, 1), [1, 2])  # whole numbers have no gradient
    assert graph.nodes[0].kind == "constant" or graph.nodes[0].label != "x"


def test_a_leaf_alone_is_a_graph() -> None:
    for leaf in (V(2.0), mg.tensor(X), mg.tensor(X, requires_grad=True)):
        graph = mg.trace(leaf)
        check_shape_of_graph(graph)
        assert len(graph.nodes) == 1 and graph.outputs == (0,)
    np.testing.assert_array_equal(mg.trace(lambda x: x, X).nodes[0].gradient, [1, 1])


def test_it_works_inside_no_grad() -> None:
    with mg.no_grad():
        graph = mg.trace(lambda x: (x * x).sum(), X)
    np.testing.assert_array_equal(graph.nodes[0].gradient, 2 * X)


def test_a_graph_cannot_be_changed() -> None:
    graph = mg.trace(lambda x: x * 2, X)
    with pytest.raises(dataclasses.FrozenInstanceError):
        graph.nodes[0].label = "y"  # type: ignore[misc]
    with pytest.raises(ValueError, match="read-only"):
        graph.nodes[0].value[0] = 5.0  # type: ignore[index]


# Written and read


@few
@given(program=programs, start=numbers)
def test_dictionary_and_json_give_the_same_graph_of_values(program: Any, start: list[float]) -> None:
    out = run(program, [V(x) for x in start])
    out.backward()
    graph = mg.trace(out)
    same(graph, mg.Graph.from_dict(graph.to_dict()))
    same(graph, mg.Graph.from_dict(json.loads(graph.to_json())))


@few
@given(drawn=networks(dtype=np.float32), seed=seeds)
def test_dictionary_and_json_give_the_same_graph_of_a_network(drawn: Any, seed: int) -> None:
    net, n_in = drawn
    graph = mg.trace(net, np.random.default_rng(seed).normal(size=(2, n_in)).astype(np.float32))
    same(graph, mg.Graph.from_dict(json.loads(graph.to_json())))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_json_lacks_is_written_in_words() -> None:
    a = V(0.0)
    b = 1 / a
    c = b - b
    c.backward()
    for graph in (mg.trace(c), mg.trace(lambda x: 1 / x - x, [0.0, np.nan, np.inf])):
        text = graph.to_json()
        assert '"nan"' in text and '"inf"' in text and "NaN" not in text and "Infinity" not in text
        same(graph, mg.Graph.from_dict(json.loads(text)))


def test_numbers_longer_than_pythons_are_written() -> None:
    text = mg.trace(lambda x: x.sum(axis=np.int64(0)), np.ones(2, dtype=np.longdouble)).to_json()
    assert json.loads(text)["nodes"][0]["value"] == [1.0, 1.0]


def test_indices_dtypes_and_empty_arrays_are_written() -> None:
    def f(x: mg.Tensor) -> mg.Tensor:
        y = mg.concatenate([x[1:, None], x[[0, 0], None], x[..., np.newaxis]]).astype(np.float32)
        return mg.where(y > 0, y, 0)[:0].sum(axis=(0, 1), keepdims=True)

    graph = mg.trace(f, np.arange(3.0))
    check_shape_of_graph(graph)
    same(graph, mg.Graph.from_dict(json.loads(graph.to_json())))


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (5, "is a dictionary, not a int"),
        ({}, "version None; this library reads 1"),
        ({"version": 99}, "version 99"),
        ({"version": 1}, "not the record of a graph.*nodes"),
        ({"version": 1, "nodes": [{}], "outputs": [], "level": "scalar"}, "not the record of a graph"),
        ({"version": 1, "nodes": 3, "outputs": [], "level": "scalar"}, "not the record of a graph"),
    ],
)
def test_a_wrong_record_is_named(record: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        mg.Graph.from_dict(record)


def test_a_record_out_of_order_is_refused() -> None:
    record = mg.trace(V(1.0) + 2).to_dict()
    record["nodes"][-1]["inputs"] = [0, 2]
    with pytest.raises(ValueError, match=r"node 2 .* inputs"):
        mg.Graph.from_dict(record)
    record["nodes"][-1] |= {"inputs": [0, 1], "value": "three"}
    with pytest.raises(ValueError, match="not the record"):
        mg.Graph.from_dict(record)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"level": "atom"}, "scalar or tensor, but the record says 'atom'"),
        ({"level": None}, "says None"),
        ({"outputs": [3]}, r"outputs \(3,\) of the record are not all among its 3 nodes"),
        ({"outputs": [-1]}, "not all among"),
        ({"outputs": ["2"]}, "not all among"),
    ],
)
def test_a_record_that_contradicts_itself_is_refused(change: dict[str, Any], message: str) -> None:
    record = mg.trace(V(1.0) + 2).to_dict()
    with pytest.raises(ValueError, match=message):
        mg.Graph.from_dict(record | change)


def test_networkx_has_every_edge_in_order() -> None:
    a = V(3.0, label="a")
    y = a * a - 1
    y.backward()
    graph = mg.trace(y).to_networkx()
    assert graph.graph == {"level": "scalar", "outputs": [3]}
    assert sorted(graph.edges(keys=True)) == [(0, 1, 0), (0, 1, 1), (1, 3, 0), (2, 3, 1)]
    assert [d["partial"] for *_, d in sorted(graph.edges(keys=True, data=True))] == [3.0, 3.0, 1.0, 0.0]
    assert graph.nodes[0]["label"] == "a" and graph.nodes[0]["gradient"] == 6


PROGRAM = """
import minigrad as mg, numpy as np
from minigrad import nn
mg.manual_seed(3)
block = nn.Residual(nn.Linear(2, 2), nn.ReLU())
net = nn.Sequential(nn.Linear(3, 4), nn.Maxout([1, 3]), nn.Dropout(0.5), block)
a, b = mg.Value(1.5, label="a"), mg.Value(-2.0)
y = (a * b + a).tanh() + sum([a, b, a]) * b
y.backward()
print(mg.trace(net, np.arange(6.0).reshape(2, 3)).to_json())
print(mg.trace(y).to_json())
"""


def test_the_same_program_gives_the_same_bytes_under_any_hash_seed() -> None:
    outputs = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            timeout=120,
        ).stdout
        for seed in ("0", "1", "12345")
    }
    assert len(outputs) == 1 and len(outputs.pop()) > 1000


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mg.trace(5), "a Value, a Tensor or a function, but got int"),
        (lambda: mg.trace(lambda x: 5, X), "must return a Tensor or a Value, but returned int"),
        (lambda: mg.trace(lambda x: [x], X), "returned list"),
        (lambda: mg.trace(V(1.0), 2.0), "takes nothing else"),
    ],
)
def test_a_wrong_call_is_named(call: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        call()


def test_its_name_is_one_short_line() -> None:
    assert repr(mg.trace(mg.Value(1.0) * 2)) == "Graph(scalar level, 3 nodes, outputs (2,))"
