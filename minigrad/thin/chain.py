"""Where the layers of a recorded network begin and end.

A stage begins at each gate or mask that does not act on the units of the stage before, and at each Linear.
The nodes between stages are linear (reshaping, windows, convolution, means, a sum of branches): what a stage
begins with is an affine function of the outputs of earlier ones, and of them alone.
"""

from __future__ import annotations

import numpy as np

from ..graph import Node, Vertex
from ..rules import Elementwise
from ..rules.gates import dropout, group_maxout
from ..rules.products import linear
from .affine import AffineMap, Gate
from .stage import Stage


def stages(around: AffineMap) -> list[Stage]:
    """
    Return the network as stages: that of the input first, in the order in which they begin, the outputs last.

    Nobody but the stage itself sees its units before they are what they are in the end: a vertex that is read
    by several ends its stage.
    """
    gates = {id(gate.node): gate for gate in around.gates}
    moving = {id(around.leaf), *map(id, around.nodes)}
    readers: dict[int, list[Node]] = {key: [] for key in moving}
    found = [Stage(around.leaf.data, around.leaf)]
    ends: dict[int, Stage] = {id(around.leaf): found[0]}
    for node in around.nodes:
        for parent in node.parents:
            if id(parent) in moving:
                readers[id(parent)].append(node)
    for node in around.nodes:
        gate, (parent, *others) = gates.get(id(node)), [p for p in node.parents if id(p) in moving]
        before = None if others or len(readers[id(parent)]) > 1 else ends.get(id(parent))
        if before is not None and before.follow(node, gate):
            del ends[id(parent)]
            ends[id(node)] = before
            continue
        stage = _begin(node, gate, None if others else parent)
        if stage is not None:
            found.append(stage)
            ends[id(node)] = stage
    if id(around.root) not in ends:
        found.append(Stage(around.output, around.root))
    inner = found[1:-1]
    return [stage for stage in found if stage not in inner or not _dissolves(stage, readers[id(stage.last)])]


def _begin(node: Node, gate: Gate | None, parent: Vertex | None) -> Stage | None:
    """Return the stage that begins before a node that acts on each unit alone, or at one that mixes them."""
    assert node.args is not None
    alone = isinstance(node.primitive, Elementwise) or node.primitive is group_maxout
    if parent is not None and alone and (gate is not None or node.primitive is dropout):
        k = next(k for k, other in enumerate(node.parents) if other is parent)
        stage = Stage(np.asarray(node.args[k]), parent)
        if stage.follow(node, gate):
            return stage
    if gate is None and (node.primitive is not linear or parent is None or node.parents[0] is not parent):
        return None
    stage = Stage(np.asarray(node.output), node)
    if gate is not None:
        stage.meet(gate)
    return stage


def _dissolves(stage: Stage, readers: list[Node]) -> bool:
    """
    Whether a Linear without gates needs no stage of its own, since something else that is linear follows.

    So a batch norm goes into the weights before it, and the sum of a Residual into those after it. One Linear
    behind another stays, whose few units may stand between many.
    """
    if stage.gates or any(node.primitive is dropout for node in stage.nodes) or len(readers) > 1:
        return False
    return not any(node.primitive is linear or "gate" in node.primitive.classes for node in readers)
