"""A computation graph in words: DOT source, a drawing for the terminal, a description of the picture."""

from __future__ import annotations

import numpy as np

from minigrad.tracing import Graph, GraphNode
from viz.graphs.cards import gradient_words, norm, value_words
from viz.scene import visible
from viz.style import number

_VANISHED = 0.05  # the gradient vanishes, if the first weights get less of it than this share of the last's
_DESCRIBED = 40  # nodes that the description names
_FORMS = {"input": "box", "parameter": "octagon", "constant": "plaintext", "operation": "box"}


def name_of(node: GraphNode) -> str:
    """
    Return what to call a node in a sentence: its label, or its symbol and number.

    Examples
    --------
    >>> import minigrad as mg
    >>> a = mg.Value(3.0, label="a")
    >>> [name_of(node) for node in mg.trace(a * a).nodes]
    ['a', '×₁']
    """
    return visible(node.label) or (node.symbol or kind_word(node)) + str(node.id).translate(_SUBSCRIPTS)


def kind_word(node: GraphNode) -> str:
    """
    Say what kind of node it is; a Value that nothing computed may be an input or a weight: a leaf.

    Examples
    --------
    >>> import minigrad as mg
    >>> kind_word(mg.trace(mg.Value(3.0)).nodes[0])
    'leaf'
    """
    return "leaf" if node.kind == "input" and node.partials is not None else node.kind


def lead(graph: Graph) -> str:
    """
    Say what to look at, and only what is there: what is differentiated, and whether its gradient vanishes.

    Examples
    --------
    >>> import minigrad as mg
    >>> lead(mg.trace(np.exp, [[1.0, 2.0]]))[:67]
    'Values flow down, gradients of the sum of all outputs flow back up.'
    """
    if all(node.gradient is None for node in graph.nodes):
        how = "backward()" if graph.level == "scalar" else "backward(retain_graph=True)"
        return f"Values flow down. Gradients have not been computed: call {how} on the result."
    if graph.level == "scalar":
        return (
            "Values flow down, gradients flow back up. Multiply the local derivatives ∂ along each path from "
            "a node to the result, then add up the paths: that is the node's gradient."
        )
    return (
        f"Values flow down, gradients{_differentiated(graph)} flow back up. The strip in each gradient shows "
        f"its size.{_vanishing(graph)}"
    )


def module_words(node: GraphNode) -> str:
    """Say which module recorded a node: its class, and its path in the network."""
    return f"{node.module_type} · module {node.module}" if node.module else ""


def node_words(graph: Graph, node: GraphNode) -> list[str]:
    """Return all that is known of a node, line by line."""
    operands = ", ".join(name_of(graph.nodes[source]) for source in node.inputs)
    lines = [
        f"{node.label or name_of(node)}: {kind_word(node)}"
        if not node.inputs
        else f"{name_of(node)} = {node.primitive}({operands})"
    ]
    if graph.level == "tensor":
        lines.append(f"shape {node.shape}, {node.dtype}")
    lines += [_pair(value_words(node.value))]
    if node.kind != "constant":
        lines += [_pair(gradient_words(node.gradient))]
    lines += [f"{key}: {value}" for key, value in node.options.items() if value is not None]
    if node.module:
        lines.append(module_words(node))
    return [*lines, f"recorded at {node.source}"] if node.source else lines


def description(graph: Graph) -> str:
    """Describe the graph node by node, operands first."""
    words = []
    for node in graph.nodes[:_DESCRIBED]:
        operands = " and ".join(name_of(graph.nodes[source]) for source in node.inputs)
        what = f"{node.primitive or node.symbol} of {operands}" if node.inputs else kind_word(node)
        words.append(f"{name_of(node)}: {what}, {_numbers(node)}.")
    if more := len(graph.nodes) - _DESCRIBED:
        words += [f"And {more} more nodes."] if more > 0 else []
    return " ".join(words)


def text_drawing(graph: Graph) -> str:
    """
    Draw the graph as trees, results first; a node that was drawn already is only named.

    Examples
    --------
    >>> import minigrad as mg
    >>> a, b = mg.Value(3.0, label="a"), mg.Value(-1.0, label="b")
    >>> print(text_drawing(mg.trace(a + b)))
    +    value 2, gradient 0
    ├─ ∂=1  a    value 3, gradient 0
    └─ ∂=1  b    value −1, gradient 0
    """
    lines: list[str] = []
    drawn: set[int] = set()
    waiting = [(k, "", "", "") for k in reversed(graph.outputs)]
    while waiting:
        k, indent, branch, partial = waiting.pop()
        node = graph.nodes[k]
        title = " = ".join(filter(None, (visible(node.label), node.symbol))) or kind_word(node)
        again = k in drawn
        lines.append(f"{indent}{branch}{partial}{title}    {'(above)' if again else _numbers(node)}")
        drawn.add(k)
        if again:
            continue
        inner = indent + {"": "", "├─ ": "│  ", "└─ ": "   "}[branch]
        for slot in reversed(range(len(node.inputs))):
            fork = "└─ " if slot == len(node.inputs) - 1 else "├─ "
            waiting.append((node.inputs[slot], inner, fork, _partial(graph, node, slot)))
    return "\n".join(lines)


def dot_source(graph: Graph) -> str:
    """
    Return the graph as DOT, for Graphviz and other tools.

    Examples
    --------
    >>> import minigrad as mg
    >>> a = mg.Value(3.0, label="a")
    >>> print(dot_source(mg.trace(a * a)))
    digraph {
        graph [ordering=in rankdir=TB]
        n0 [label="a\\nvalue 3, gradient 0" shape=box style=rounded]
        n1 [label="×\\nvalue 9, gradient 0" shape=box]
        n0 -> n1 [label="∂=3"]
        n0 -> n1 [label="∂=3"]
    }
    """
    import graphviz

    source = graphviz.Digraph(graph_attr={"ordering": "in", "rankdir": "TB"})
    for node in graph.nodes:
        title = " = ".join(filter(None, (visible(node.label), node.symbol))) or kind_word(node)
        shape = "" if graph.level == "scalar" else f"{node.shape} {node.dtype}\\n"
        label = f"{graphviz.escape(title)}\\n{shape}{_numbers(node)}"
        rounded = {"style": "rounded"} if node.kind == "input" else {}
        source.node(f"n{node.id}", label=label, shape=_FORMS[node.kind], **rounded)
    for node in graph.nodes:
        for slot, operand in enumerate(node.inputs):
            source.edge(f"n{operand}", f"n{node.id}", label=_partial(graph, node, slot).strip() or None)
    return str(source.source).replace("\t", "    ").rstrip()


def _differentiated(graph: Graph) -> str:
    """Say what the gradients are of, where the result is not a single number."""
    results = [graph.nodes[k] for k in graph.outputs]
    if sum(node.value.size for node in results if node.value is not None) <= 1:
        return ""
    ones = all(node.gradient is not None and np.all(node.gradient == 1) for node in results)
    return " of the sum of all outputs" + ("" if ones else " (each times its own gradient)")


def _vanishing(graph: Graph) -> str:
    """Say by how much the gradient shrinks on its way to the first weights, if it vanishes."""
    weights = [node for node in graph.nodes if node.kind == "parameter" and len(node.shape) > 1]
    sizes = [norm(node.gradient) for node in weights]
    if len(sizes) < 2 or not 0 < sizes[0] < _VANISHED * sizes[-1]:
        return ""
    return (
        f" The gradient vanishes: from {name_of(weights[-1])} up to {name_of(weights[0])} it becomes "
        f"{number(sizes[-1] / sizes[0])} times smaller."
    )


_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def _pair(words: tuple[str, str]) -> str:
    """Join caption and summary."""
    return " ".join(words)


def _numbers(node: GraphNode) -> str:
    """Say a node's value and gradient; a constant has no gradient."""
    words = [_pair(value_words(node.value))]
    if node.kind != "constant":
        words.append(_pair(gradient_words(node.gradient)))
    return ", ".join(words)


def _partial(graph: Graph, node: GraphNode, slot: int) -> str:
    """Say the local derivative at an edge, if it has one."""
    if node.partials is None or graph.nodes[node.inputs[slot]].kind == "constant":
        return ""
    return f"∂={number(node.partials[slot])}  "
