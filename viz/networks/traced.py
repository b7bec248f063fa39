"""The columns of a network, read from the trace of one run."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from minigrad.nn import AvgPool2d, Conv2d, Linear, MaxPool2d, Module
from minigrad.rules import REGISTRY, Elementwise
from minigrad.tensor import Tensor
from minigrad.tracing import Graph, GraphNode, trace
from minigrad.training.measure import LIMITS
from viz.networks.columns import (
    ACTIVE,
    BYPASSED,
    DROPPED,
    INACTIVE,
    LOWER,
    PLAIN,
    SATURATED,
    Array,
    Column,
    column_name,
)

_SATURATION = {kind.primitive.name: limits for kind, limits in LIMITS.items()}
_LONG = 22  # letters of a caption


def columns_of_network(net: Module, x: ArrayLike | None = None) -> list[Column]:
    """
    Read the columns of a network, at one input or without any.

    The network runs once; in training mode dropout masks are drawn in that run. Without an input, a copy
    of it runs on zeros, to see how its layers follow one another.

    Raises
    ------
    ValueError
        If ``x`` is not one input, if there is no Linear layer, or if the network takes images.
    TypeError
        If the layers don't follow one another.

    Examples
    --------
    >>> from minigrad import nn
    >>> net = nn.Sequential(nn.Linear.of([[1.0], [-1.0]]), nn.ReLU(), nn.Linear.of([[1.0, 1.0]]))
    >>> [(column.name, column.states) for column in columns_of_network(net, [3.0])]
    [('input', ('active',)), ('hidden 1', ('active', 'inactive')), ('output', ('active',))]
    """
    if any(isinstance(module, (Conv2d, MaxPool2d, AvgPool2d)) for module in net.modules()):
        raise ValueError(
            "a network of images has no neurons in columns; draw what it is for one image: "
            "viz.draw(mg.thin(net, image)), or its graph: viz.draw(mg.trace(net, images))"
        )
    first = next((module for module in net.modules() if isinstance(module, Linear)), None)
    if first is None:
        raise ValueError(f"{net} has no Linear layer, so there are no neurons in layers to draw")
    if x is None:
        model, given = copy.deepcopy(net).eval(), np.zeros(first.n_in, dtype=first.weight.dtype)
    else:
        model, given = net, _one_input(x, first)
    with np.errstate(all="ignore"):
        drafts = _follow(trace(model, given), dict(model.named_modules()))
    last = len(drafts) - 1
    return [draft.column(column_name(k, last), seen=x is not None) for k, draft in enumerate(drafts)]


def _one_input(x: ArrayLike, first: Linear) -> Array:
    """Return the input as floats, or say what is wrong with it."""
    array = np.array(x.data if isinstance(x, Tensor) else x)
    if array.ndim != 1:
        hint = f"; for one of this batch pass x[0], of shape {array.shape[1:]}" if array.ndim > 1 else ""
        raise ValueError(f"a network is drawn at one input, a vector, but x has shape {array.shape}{hint}")
    if array.dtype.kind not in "biuf":
        raise TypeError(f"a network is drawn at an input of numbers, but x has dtype {array.dtype}")
    if array.size != first.n_in:
        raise ValueError(f"x has {array.size} entries, but {first} needs {first.n_in}")
    if not np.isfinite(array).all():
        raise ValueError(f"x is not finite: entry {int(np.flatnonzero(~np.isfinite(array))[0])}")
    return array if array.dtype.kind == "f" else array.astype(first.weight.dtype)


@dataclass(eq=False)
class _Draft:
    """A column while the trace is being followed; masks have one entry per neuron."""

    captions: list[str]
    output: Array
    weight: Array | None = None
    strengths: Array | None = None
    groups: tuple[int, ...] | None = None
    winners: Array | None = None
    pieces: Array | None = None
    skip: int | None = None
    smooth: bool = False

    def __post_init__(self) -> None:
        n = len(self.output)
        self.masks = {"open": np.ones(n, dtype=bool), "passing": np.ones(n, dtype=bool)}
        self.masks |= {"dropped": np.zeros(n, dtype=bool), "saturated": np.zeros(n, dtype=bool)}
        self.masks["bypassed"] = np.zeros(n, dtype=bool)
        self.gated = False

    def column(self, name: str, seen: bool) -> Column:
        """Return the finished column; without an input, values and states mean nothing."""
        captions = tuple(self.captions)
        if not seen:
            plain = (PLAIN,) * len(self.output)
            return Column(name, captions, plain, groups=self.groups, strengths=self.weight, skip=self.skip)
        states = tuple(self._state(j) for j in range(len(self.output)))
        return Column(
            name, captions, states, self.output, groups=self.groups, winners=self.winners,
            pieces=self.pieces, strengths=self.strengths, skip=self.skip,
            smooth=self.smooth and not self.gated,
        )  # fmt: skip

    def _state(self, j: int) -> str:
        if self.masks["dropped"][j]:
            return DROPPED
        if not self.masks["passing"][j]:
            return INACTIVE
        if self.masks["bypassed"][j]:
            return BYPASSED
        if self.masks["saturated"][j]:
            return SATURATED
        return ACTIVE if self.masks["open"][j] else LOWER


def _follow(graph: Graph, modules: dict[str, Module]) -> list[_Draft]:
    """Walk the trace from the input to the output, a new column at every Linear."""
    drafts: list[_Draft] = []
    column_of: dict[int, int] = {}
    for node in graph.nodes:
        if node.kind == "input" and not drafts:
            drafts.append(_Draft([], _wide(node.value)))
            column_of[node.id] = 0
        sources = [column_of.get(operand, -1) for operand in node.inputs]
        if max(sources, default=-1) < 0:
            continue
        args = [np.asarray(graph.nodes[operand].value) for operand in node.inputs]
        if node.primitive == "linear" and sources == [len(drafts) - 1, -1, -1]:
            weight = _wide(args[1])
            sizes = f"Linear {weight.shape[1]}→{weight.shape[0]}"
            drafts.append(_Draft([sizes], _wide(node.value), weight, weight * _wide(args[0])))
        elif _take(drafts, node, args, sources):
            _add_caption(drafts[-1].captions, node, modules.get(node.module))
        else:
            where = f"layer {node.module} ({node.module_type})" if node.module else node.primitive
            raise TypeError(
                f"neurons in layers can be drawn of networks whose layers follow one another, but {where} "
                f"does something else here; viz.draw(mg.trace(net, x)) draws the graph of any network"
            )
        column_of[node.id] = len(drafts) - 1
    return drafts


def _take(drafts: list[_Draft], node: GraphNode, args: Sequence[Array], sources: Sequence[int]) -> bool:
    """Take one more operation into the last column; False where it does not act on each neuron by itself."""
    draft, last, primitive = drafts[-1], len(drafts) - 1, REGISTRY[node.primitive]
    before = {source for source in sources if source >= 0}
    if primitive.name == "group_maxout" and before == {last} and primitive.pattern:
        groups = tuple(node.options["groups"])
        draft.groups, draft.pieces = groups, draft.output
        draft.winners = np.asarray(primitive.pattern(args[0], groups=groups))
        rows = np.cumsum(groups) - groups + draft.winners
        draft.masks = {name: mask[rows] for name, mask in draft.masks.items()}
    elif primitive.name == "add" and len(before) == 2 and max(before) == last:
        draft.skip = min(before)
        silent = draft.masks["dropped"] | ~draft.masks["passing"]
        none = np.zeros_like(silent)  # the other summand passes in any case
        draft.masks |= {"bypassed": silent, "dropped": none, "passing": ~none}
    elif isinstance(primitive, Elementwise) and before == {last} and node.shape == draft.output.shape:
        operand = sources.index(last)
        draft.gated |= primitive.class_of(operand) == "gate"
        draft.smooth |= primitive.class_of(operand) == "smooth"
        _choose(draft.masks, node, args, operand)
    else:
        return False
    draft.output = _wide(node.value)
    return True


def _choose(masks: dict[str, Array], node: GraphNode, args: Sequence[Array], k: int) -> None:
    """Note what one elementwise operation does to each neuron."""
    primitive: Any = REGISTRY[node.primitive]
    partial = np.broadcast_to(primitive.partial(k, node.value, tuple(args)), node.shape)
    if primitive.pattern and primitive.class_of(k) == "gate":
        pattern = np.asarray(primitive.pattern(*args))
        masks["open"] = masks["open"] & (pattern if pattern.dtype == bool else partial != 0)
        masks["passing"] = masks["passing"] & (partial != 0)
    if primitive.name == "dropout":
        masks["dropped"] = masks["dropped"] | (partial == 0)
    if primitive.name in _SATURATION:
        low, high = _SATURATION[primitive.name]
        output = _wide(node.value)
        masks["saturated"] = masks["saturated"] | (output < low) | (output > high)


def _add_caption(captions: list[str], node: GraphNode, module: Module | None) -> None:
    """Name the module that recorded an operation, or else the operation, once in a row."""
    caption = repr(module).removesuffix("()") if module and not list(module.named_children()) else node.symbol
    if module and node.primitive == "add" and list(module.named_children()):
        caption = f"+ skip ({type(module).__name__})"
    if len(caption) > _LONG and module:
        caption = type(module).__name__
    if captions[-1:] != [caption]:
        captions.append(caption)


def _wide(values: Any) -> Array:
    return np.asarray(values, dtype=np.float64)
