"""What is checked before a network is touched."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..nn import Module, Sequential, watch
from ..optim import Optimizer
from ..recording import no_grad
from ..rules.operands import as_array
from ..tensor import Array, Tensor
from .callback import Callback
from .measure import CHUNK, Examples, Hits, Loss, hits_of_classes, hits_of_signs
from .modes import evaluating


def whole_number(name: str, value: Any, least: int) -> int:
    """Return ``value`` as an int that is at least ``least``."""
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if number < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}")
    return number


def check_parts(net: Any, loss: Any, optimizer: Any, regularizers: Any, callbacks: Any) -> None:
    """Check that the parts of a training are what they should be, and belong together."""
    if not isinstance(net, Module):
        raise TypeError(f"fit trains an nn.Module, got a {type(net).__name__}")
    if not callable(loss):
        raise TypeError(
            f"loss must be a function of (logits, labels), such as nn.cross_entropy, got {loss!r}"
        )
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"optimizer must be one, such as optim.Adam(net.parameters()), got {optimizer!r}")
    if {id(p) for p in net.parameters()}.isdisjoint(map(id, optimizer.parameters)):
        raise ValueError("the optimizer has none of this network's parameters: make it with net.parameters()")
    if not isinstance(regularizers, Sequence) or not all(map(callable, regularizers)):
        raise TypeError(f"regularizers must be a list, such as [mg.L2(1e-4)], got {regularizers!r}")
    for k, regularizer in enumerate(regularizers):
        if isinstance(regularizer, type):
            name = regularizer.__name__
            raise TypeError(f"regularizers[{k}] is the class {name}: give it a weight, {name}(1e-4)")
        term = regularizer(net)
        if not isinstance(term, Tensor) or term.size != 1:
            got = f"shape {term.shape}" if isinstance(term, Tensor) else type(term).__name__
            raise TypeError(f"regularizers[{k}] must return a Tensor of one number, got {got}")
    if not isinstance(callbacks, Sequence) or not all(isinstance(c, Callback) for c in callbacks):
        raise TypeError(f"callbacks must be a list, such as [mg.EarlyStopping()], got {callbacks!r}")


@np.errstate(all="ignore")
def check_examples(name: str, pair: Any, net: Module, loss: Loss) -> Examples:
    """
    Return x and y as arrays, after trying the network on the first two examples and the loss on all labels.

    Floats are converted to the dtype of the parameters, so that all of training runs in it.
    """
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        size = f" of {len(pair)}" if isinstance(pair, tuple | list) else ""
        raise TypeError(f"{name} must be a pair (x, y) of arrays, got a {type(pair).__name__}{size}")
    dtype = net.parameters()[0].dtype
    x, y = _numbers(f"{name} x", pair[0]), _numbers(f"{name} y", pair[1])
    if not x.ndim or not y.ndim or len(x) != len(y):
        raise ValueError(f"{name} needs one y for each x, got shapes {x.shape} and {y.shape}")
    if not len(x):
        raise ValueError(f"{name} is empty: x has shape {x.shape}")
    x = _converted(f"{name} x", x, dtype)
    if y.dtype.kind in "biu":
        y = y.astype(np.intp)
    output = _first_output(name, net, x)
    hits = _hits(name, output.data, y)
    converted = _converted(f"{name} y", y, dtype) if y.dtype.kind == "f" else y
    _try_labels(loss, output, y)
    return Examples(x, converted, hits)


def _try_labels(loss: Loss, output: Tensor, y: Array) -> None:
    """Show the loss every label, next to an output of the first examples, so that it can refuse any."""
    if output.shape[:1] != y[:2].shape[:1]:  # not a row for each example: the loss knows what to say
        _check_average(loss(output, y[:2]))
        return
    for start in range(0, len(y), CHUNK):
        labels = y[start : start + CHUNK]
        _check_average(loss(Tensor(output.data[np.arange(len(labels)) % len(output)]), labels))


def _check_average(value: Any) -> None:
    if not isinstance(value, Tensor) or value.shape != ():
        got = f"shape {value.shape}" if isinstance(value, Tensor) else f"a {type(value).__name__}"
        raise TypeError(f"loss must return a Tensor of shape (), the average over the batch, got {got}")


def _hits(name: str, output: Array, y: Array) -> Hits | None:
    """Return how right answers are counted; None if y are no classes."""
    if y.dtype.kind == "f":
        return None
    if y.ndim == 1 and output.ndim == 2 and output.shape[1] > 1:
        classes = output.shape[1]
        wrong = np.flatnonzero((y < 0) | (y >= classes))
        if wrong.size:
            raise ValueError(
                f"{name} y[{wrong[0]}] is {y[wrong[0]]}, but the network has {classes} outputs: "
                f"labels must be 0 to {classes - 1}"
            )
        return hits_of_classes
    binary = np.isin(y, (0, 1)).all() or np.isin(y, (-1, 1)).all()
    return hits_of_signs if binary and output.size == y[:2].size else None


def _numbers(name: str, values: Any) -> Array:
    """Return real numbers as an array."""
    array = values.data if isinstance(values, Tensor) else as_array(values)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} must be real numbers, got {array.dtype}")
    return array


def _converted(name: str, array: Array, dtype: Any) -> Array:
    """Return finite numbers in the dtype of the parameters."""
    converted = _finite(name, array).astype(dtype, copy=False)
    if not np.isfinite(converted).all():
        raise ValueError(
            f"{name} reaches {np.abs(array).max():.3g}, too large for the network's {np.dtype(dtype)}; "
            f"scale the data, or make the layers with dtype=float"
        )
    return converted


def _finite(name: str, array: Array) -> Array:
    """Return ``array``, or name the first number that is none."""
    finite = np.isfinite(array)
    if not finite.all():
        index = tuple(map(int, np.argwhere(~finite)[0]))
        raise ValueError(
            f"{name}[{', '.join(map(str, index))}] is {array[index]}: every number must be finite; "
            "remove or replace such examples"
        )
    return array


def _first_output(name: str, net: Module, x: Array) -> Tensor:
    """Return the network's output for the first two examples, or say which layer they do not fit."""
    layers = list(net) if isinstance(net, Sequential) else []
    done: list[Module] = []
    try:
        with evaluating(net), no_grad(), watch(lambda module, *_: done.append(module)):
            return net(x[:2])
    except (ValueError, IndexError) as error:
        at = sum(any(module is layer for layer in layers) for module in done)
        where = f"layer {at}: " if layers else ""
        raise ValueError(f"{name} x of shape {x.shape} does not fit the network: {where}{error}") from error
