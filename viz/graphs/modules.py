"""A computation graph with each layer of the network as one node."""

from __future__ import annotations

from dataclasses import replace

from minigrad.tracing import Graph, GraphNode


def collapsed(graph: Graph) -> Graph:
    """
    Return the graph with each run of nodes of one layer, and its parameters, as one node.

    A layer that is used twice becomes two nodes. What the node holds is counted in ``options["holds"]``;
    value and gradient are those of the layer's last result.

    Examples
    --------
    >>> import numpy as np, minigrad as mg
    >>> net = mg.nn.Sequential(mg.nn.Linear(2, 3), mg.nn.ReLU())
    >>> [node.symbol or node.label for node in collapsed(mg.trace(net, np.ones((1, 2)))).nodes]
    ['x', 'Linear', 'ReLU']
    """
    owner = _owners(graph)
    members: dict[int, list[GraphNode]] = {}
    for node in graph.nodes:
        members.setdefault(owner[node.id], []).append(node)
    last = {key: max(node.id for node in nodes) for key, nodes in members.items()}
    order = {key: new for new, key in enumerate(sorted(members, key=last.__getitem__))}
    nodes = [_merged(members[key], new, graph, owner, order) for key, new in order.items()]
    outputs = tuple(dict.fromkeys(order[owner[k]] for k in graph.outputs))
    return replace(graph, nodes=tuple(nodes), outputs=outputs)


def _owners(graph: Graph) -> list[int]:
    """Give each node the id of the first operation in its run; parameters that of their only user."""
    owner = list(range(len(graph.nodes)))
    run = (-1, "")
    for node in graph.nodes:
        if node.kind != "operation":
            continue
        run = (run[0] if node.module and node.module == run[1] else node.id, node.module)
        owner[node.id] = run[0]
    users: dict[int, set[int]] = {}
    for node in graph.nodes:
        for source in node.inputs:
            users.setdefault(source, set()).add(owner[node.id])
    for node in graph.nodes:
        ours = users.get(node.id, set())
        if node.kind in ("parameter", "constant") and len(ours) == 1 and graph.nodes[min(ours)].module:
            owner[node.id] = min(ours)
    return owner


def _merged(
    members: list[GraphNode], new: int, graph: Graph, owner: list[int], order: dict[int, int]
) -> GraphNode:
    """Return the one node that stands for the members."""
    result = members[-1]
    inputs = [order[owner[source]] for node in members for source in node.inputs]
    outside = tuple(k for k in inputs if k != new)
    if len(members) == 1:
        return replace(result, id=new, inputs=outside)
    operations = sum(node.kind == "operation" for node in members)
    numbers = sum(node.value.size for node in members if node.kind == "parameter" and node.value is not None)
    holds = [f"{operations} operations"] if operations > 1 else []
    holds += [f"{numbers:,} parameters"] if numbers else []
    return replace(
        result,
        id=new,
        inputs=tuple(dict.fromkeys(outside)),
        symbol=result.module_type,
        label=f"module {result.module}",
        partials=None,
        options={**result.options, "holds": ", ".join(holds)},
    )
