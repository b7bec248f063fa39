"""The same network at scalar level: every neuron, weight and product a Value."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .graph import newest_first
from .nn import Module
from .recording import enable_grad
from .rules.operands import numbers
from .tensor import Array, Tensor
from .value import Value


def scalarize(net: Module, x: ArrayLike) -> list[Value]:
    """
    Return a network's outputs for one input as Values, with the whole graph of scalars behind them.

    Values and gradients are those of the tensor graph. The leaves are labelled by their places, such as
    ``0.weight[2, 1]`` and ``x[0]``.

    Parameters
    ----------
    net : Module
        Any network; in training mode dropout masks are drawn once.
    x : array_like of floats
        One input (or a batch), of the shape that the network takes.

    Returns
    -------
    list of Value
        The outputs, in the order of ``net(x)`` flattened.

    Raises
    ------
    TypeError
        If ``net`` is no Module.

    Examples
    --------
    >>> import minigrad as mg
    >>> from minigrad import nn
    >>> net = nn.Sequential(nn.Linear.of([[2.0, -1.0]], [0.5]), nn.ReLU())
    >>> (y,) = mg.scalarize(net, [3.0, 1.0])
    >>> y.backward()
    >>> y.data, {leaf.label: leaf.grad for leaf in mg.leaves(y)}
    (5.5, {'0.bias[0]': 1.0, '0.weight[0, 0]': 3.0, '0.weight[0, 1]': 1.0, 'x[0]': 2.0, 'x[1]': -1.0})
    """
    if not isinstance(net, Module):
        raise TypeError(f"scalarize takes an nn.Module, whose forward it follows, but got {net!r}")
    given = Tensor(np.array(numbers(x), dtype=float), requires_grad=True, label="x")
    with enable_grad():
        output = net(given)
    names = {id(parameter): name for name, parameter in net.named_parameters()} | {id(given): "x"}
    scalars: dict[int, Array] = {}
    root = output._node or output
    for vertex in reversed(newest_first(root)):
        if vertex.primitive is None:
            scalars[id(vertex)] = _leaves(vertex.data, names.get(id(vertex), vertex.label))
        else:
            operands = [scalars.get(id(p), arg) for p, arg in zip(vertex.parents, vertex.args, strict=True)]
            scalars[id(vertex)] = np.asarray(vertex.primitive(*operands, **vertex.options), dtype=object)
    if id(root) not in scalars:
        return [Value(number) for number in output.data.ravel()]
    return [v if isinstance(v, Value) else Value(v) for v in np.ravel(scalars[id(root)])]


def leaves(output: Value) -> list[Value]:
    """
    Return the Values that an output was computed from in the end, in the order they were made.

    Examples
    --------
    >>> import minigrad as mg
    >>> a, b = mg.Value(1.0, label="a"), mg.Value(2.0, label="b")
    >>> [leaf.label for leaf in mg.leaves(a * b + a)]
    ['a', 'b']
    """
    return [value for value in reversed(newest_first(output)) if value.primitive is None]


def _leaves(array: Array, name: str) -> Array:
    """Return an array of labelled Values."""
    values = np.empty(array.shape, dtype=object)
    for index in np.ndindex(array.shape):
        place = ", ".join(map(str, index))
        values[index] = Value(float(array[index]), label=f"{name}[{place}]" if index else name)
    return values
