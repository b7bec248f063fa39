"""The frozen record of a computation: what pictures, exports and analyses read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from .graph import Vertex, newest_first
from .origins import Origins
from .recording import current, enable_grad, recording_origin
from .rules.operands import as_array, numbers
from .tensor import Tensor
from .value import Value

if TYPE_CHECKING:
    import networkx

VERSION = 1


@dataclass(frozen=True, eq=False)
class GraphNode:
    """
    One step of a computation.

    Attributes
    ----------
    id : int
        Its place in ``Graph.nodes``: a topological order.
    kind : str
        ``input``, ``parameter``, ``constant`` or ``operation``.
    primitive, symbol : str
        Name in the registry and what pictures show; empty for leaves.
    label : str
        The user's label, or the parameter's name.
    inputs : tuple of int
        Operands in order; ``a * a`` has two equal entries.
    partials : tuple of float or None
        For scalars, the local derivative by each operand.
    shape, dtype, value, gradient
        Of the result; the gradient is None where none was computed.
    options : dict
        Such as the axis of a sum.
    module, module_type, source : str
        Path and type of the layer that recorded it, and its source line; known where the function was traced.
    """

    id: int
    kind: str
    primitive: str
    symbol: str
    label: str
    inputs: tuple[int, ...]
    partials: tuple[float, ...] | None
    shape: tuple[int, ...]
    dtype: str
    value: np.ndarray[Any, Any] | None
    gradient: np.ndarray[Any, Any] | None
    options: dict[str, Any]
    module: str = ""
    module_type: str = ""
    source: str = ""


@dataclass(frozen=True, eq=False)
class Graph:
    """
    A computation as it was: nodes in topological order, from operands to results.

    Examples
    --------
    >>> import minigrad as mg
    >>> a = mg.Value(3.0, label="a")
    >>> graph = mg.trace(a * a)
    >>> [(node.label or node.symbol, node.inputs) for node in graph.nodes]
    [('a', ()), ('×', (0, 0))]
    """

    nodes: tuple[GraphNode, ...]
    outputs: tuple[int, ...]
    level: str
    version: int = VERSION

    def __repr__(self) -> str:
        return f"Graph({self.level} level, {len(self.nodes)} nodes, outputs {self.outputs})"

    def to_networkx(self) -> networkx.MultiDiGraph:
        """Return a networkx multigraph; edges carry the operand's position and, for scalars, the partial."""
        import networkx

        graph = networkx.MultiDiGraph(level=self.level, outputs=list(self.outputs))
        for node in self.nodes:
            graph.add_node(node.id, **{f.name: getattr(node, f.name) for f in fields(node) if f.name != "id"})
            for position, operand in enumerate(node.inputs):
                partial = None if node.partials is None else node.partials[position]
                graph.add_edge(operand, node.id, key=position, position=position, partial=partial)
        return graph

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, numbers and strings; the same program gives the same ones."""
        nodes = [{f.name: _simple(getattr(node, f.name)) for f in fields(node)} for node in self.nodes]
        return {"version": self.version, "level": self.level, "outputs": list(self.outputs), "nodes": nodes}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Graph:
        """
        Return the Graph that ``to_dict`` described.

        Raises
        ------
        ValueError
            If the record is of another version or level, lacks a field, names outputs that it does not
            have, or is in no topological order.
        """
        if not isinstance(record, Mapping):
            raise ValueError(f"the record of a graph is a dictionary, not a {type(record).__name__}")
        if record.get("version") != VERSION:
            raise ValueError(
                f"this graph has version {record.get('version')!r}; this library reads {VERSION}"
            )
        try:
            nodes = tuple(_node_from(entry) for entry in record["nodes"])
            graph = cls(nodes, tuple(record["outputs"]), record["level"])
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"not the record of a graph: {type(error).__name__} {error}") from error
        if graph.level not in ("scalar", "tensor"):
            raise ValueError(f"the level of a graph is scalar or tensor, but the record says {graph.level!r}")
        if not all(isinstance(i, int) and 0 <= i < len(nodes) for i in graph.outputs):
            raise ValueError(
                f"outputs {graph.outputs} of the record are not all among its {len(nodes)} nodes"
            )
        for k, node in enumerate(nodes):
            if node.id != k or not all(0 <= i < k for i in node.inputs):
                raise ValueError(
                    f"node {k} of the record has id {node.id} and inputs {node.inputs}; they come before it"
                )
        return graph

    def to_json(self) -> str:
        """Return the record as JSON; numbers that JSON lacks are the strings "nan", "inf" and "-inf"."""
        return json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False)


def trace(target: Value | Tensor | Callable[..., Any], *args: Any) -> Graph:
    """
    Record how something was computed, with values and gradients.

    Parameters
    ----------
    target : Value, Tensor or callable
        An output whose graph has not been released, or a function (a network, say) to run on ``args``,
        forward and backward. If its result has several entries, gradients are those of their sum.
    *args : Value, Tensor, array_like or float
        What to call the function with; floating-point arrays become inputs with gradients.

    Returns
    -------
    Graph

    Raises
    ------
    GraphFreedError
        If a backward pass without ``retain_graph=True`` released the graph.
    TypeError
        If ``target`` or what it returns is neither Value nor Tensor.

    Examples
    --------
    >>> import minigrad as mg
    >>> graph = mg.trace(lambda x: (x * x).sum(), [1.0, 2.0])
    >>> graph.nodes[0].gradient
    array([2., 4.])
    """
    if isinstance(target, (Value, Tensor)):
        if args:
            raise TypeError("trace(output) takes nothing else; trace(f, *args) takes a function first")
        return _freeze(target, {}, set())
    if not callable(target):
        raise TypeError(f"trace takes a Value, a Tensor or a function, but got {type(target).__name__}")
    inputs = [_as_input(arg, k) for k, arg in enumerate(args)]
    with enable_grad(), recording_origin(Origins(target), current().inspect):
        output = target(*inputs)
    if not isinstance(output, (Value, Tensor)):
        raise TypeError(
            f"the traced function must return a Tensor or a Value, but returned {type(output).__name__}"
        )
    names = {id(p): name for name, p in getattr(target, "named_parameters", lambda: ())()}
    with _own_gradients(output):
        return _freeze(output, names, {id(x) for x in inputs})


@contextmanager
def _own_gradients(output: Value | Tensor) -> Iterator[None]:
    """Run backward for the trace alone: the leaves' own gradients are as before afterwards."""
    if isinstance(output, Tensor) and not output.requires_grad:
        yield
        return
    scalar = isinstance(output, Value)
    root = output if isinstance(output, Value) else output._node or output
    leaves = [vertex for vertex in newest_first(root) if vertex.primitive is None]
    before = [leaf.grad for leaf in leaves]
    for leaf in leaves:
        leaf.grad = 0.0 if scalar else None
    try:
        if isinstance(output, Value):
            output.backward()
        else:
            output.backward(np.ones_like(output.data), retain_graph=True)
        yield
    finally:
        for leaf, grad in zip(leaves, before, strict=True):
            leaf.grad = grad


def _as_input(arg: Any, k: int) -> Any:
    """Make an input of an argument: a leaf with a gradient, if it is made of floats."""
    if isinstance(arg, Tensor):
        data, label = arg.data, arg.label
    elif isinstance(arg, (list, tuple, float, np.ndarray, np.floating)):
        data, label = as_array(arg), ""
    else:
        return arg
    if data.dtype.kind != "f" or (isinstance(arg, Tensor) and arg.requires_grad):
        return arg
    return Tensor(data, requires_grad=True, label=label or ("x" if k == 0 else f"x{k}"))


def _freeze(output: Value | Tensor, names: Mapping[int, str], inputs: set[int]) -> Graph:
    """Put the operations down in the order of recording, and every leaf before the first that uses it."""
    root = output if isinstance(output, Value) else output._node or output
    nodes: list[GraphNode] = []
    ids: dict[int, int] = {}

    def add(sources: tuple[int, ...], known: dict[str, Any]) -> int:
        nodes.append(GraphNode(id=len(nodes), inputs=sources, **known))
        return len(nodes) - 1

    def place(operand: Any) -> int:
        if id(operand) not in ids:
            if not isinstance(operand, (Value, Tensor)):
                return add((), _constant(operand, isinstance(output, Value)))
            ids[id(operand)] = add((), _describe(operand, names, inputs))
        return ids[id(operand)]

    for vertex in reversed(newest_first(root)):
        if vertex.primitive is not None:
            sources = tuple([place(operand) for operand in _operands(vertex)])
            ids[id(vertex)] = add(sources, _describe(vertex, names, inputs))
    last = place(root)
    return Graph(tuple(nodes), (last,), "scalar" if isinstance(output, Value) else "tensor")


def _operands(vertex: Vertex) -> Sequence[Any]:
    """Return a vertex's operands: vertices, and plain numbers or arrays where they are constant."""
    if isinstance(vertex, Value):
        return vertex.operands
    return [
        arg if parent is None else parent for parent, arg in zip(vertex.parents, vertex.args, strict=True)
    ]


def _describe(vertex: Vertex, names: Mapping[int, str], inputs: set[int]) -> dict[str, Any]:
    scalar = isinstance(vertex, Value)
    leaf = vertex.primitive is None
    value = np.asarray(vertex.data if scalar or leaf else vertex.output)
    gradient = vertex.grad if scalar or leaf else vertex.gradient
    name = names.get(id(vertex), "")
    is_input = id(vertex) in inputs or (not name and type(vertex).__name__ != "Parameter")
    module, module_type, source = vertex.origin or ("", "", "") if scalar or not leaf else ("", "", "")
    return {
        "kind": "operation" if not leaf else "input" if is_input else "parameter",
        "primitive": "" if leaf else vertex.primitive.name,
        "symbol": "" if leaf else vertex.primitive.symbol,
        "label": vertex.label or name,
        "partials": vertex.partials if scalar and not leaf else () if scalar else None,
        "shape": value.shape,
        "dtype": str(value.dtype),
        "value": _frozen(value),
        "gradient": None if gradient is None else _frozen(numbers(gradient)),
        "options": {} if leaf or scalar else {k: _simple(v) for k, v in vertex.options.items()},
        "module": module,
        "module_type": module_type,
        "source": source,
    }


def _constant(x: Any, scalar: bool) -> dict[str, Any]:
    value = np.asarray(x)
    return {
        "kind": "constant", "primitive": "", "symbol": "", "label": "",
        "partials": () if scalar else None, "shape": value.shape, "dtype": str(value.dtype),
        "value": _frozen(value), "gradient": None, "options": {},
    }  # fmt: skip


def _frozen(x: Any) -> np.ndarray[Any, Any]:
    """Return a copy that nobody can write to."""
    array = np.array(x)
    array.setflags(write=False)
    return array


def _simple(x: Any) -> Any:
    """Reduce to what JSON can say."""
    if isinstance(x, (float, np.floating)):
        return float(x) if np.isfinite(x) else str(float(x))
    if isinstance(x, (np.ndarray, np.generic)):
        return _simple(x.tolist())
    if isinstance(x, (list, tuple)):
        return [_simple(part) for part in x]
    if isinstance(x, dict):
        return {str(key): _simple(value) for key, value in x.items()}
    if isinstance(x, (slice, np.dtype)) or x is Ellipsis:
        return str(x)
    return x


def _node_from(entry: Mapping[str, Any]) -> GraphNode:
    known = dict(entry)
    for name in ("inputs", "shape", "partials"):
        known[name] = None if known[name] is None else tuple(known[name])
    if known["partials"] is not None:
        known["partials"] = tuple(map(float, known["partials"]))
    for name in ("value", "gradient"):
        if known[name] is not None:
            known[name] = _frozen(np.array(known[name], dtype=known["dtype"]).reshape(known["shape"]))
    return GraphNode(**known)
