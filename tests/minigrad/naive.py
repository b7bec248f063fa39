"""
A naive reverse-mode engine to compare with: slow, short, and obviously right.

Every operation keeps its operands with closures that carry cotangents to them; the closures are made of the
same operations, so that derivatives can be differentiated. Nothing is written to, nothing is freed. Whatever
moves entries is one operation: to take entries of an array in a row, by their places.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import numpy as np

number = count().__next__


class Var:
    """A constant array, and how cotangents go from it to what it was computed from."""

    def __init__(self, value: Any, *edges: tuple[Var, Callable[[Var], Var]]) -> None:
        self.value = np.array(value, dtype=float)
        self.edges = edges
        self.number = number()


def pull(out: Var, seed: Var) -> dict[Var, Var]:
    """The cotangent of everything that ``out`` was computed from."""
    pending, found = {out: seed}, {}
    while pending:
        latest = max(pending, key=lambda var: var.number)
        g = found[latest] = pending.pop(latest)
        for operand, carry in latest.edges:
            pending[operand] = add(pending[operand], carry(g)) if operand in pending else carry(g)
    return found


def push(f: Callable[[Var], Var], x: Var, tangent: Var) -> Var:
    """∂f/∂x · tangent: the cotangent of a cotangent, since pulling back is linear."""
    inner, seed = same(x), Var(np.zeros_like(f(x).value))
    pulled = pull(f(inner), seed).get(inner, Var(np.zeros_like(x.value)))
    return pull(total(mul(pulled, tangent)), Var(1)).get(seed, Var(np.zeros_like(seed.value)))


def same(a: Var) -> Var:
    return Var(a.value, (a, lambda g: g))


def fit(a: Var, shape: tuple[int, ...]) -> Var:
    """Sum over the axes along which something of this shape was broadcast."""
    lead = a.value.ndim - len(shape)
    axes = [k + lead for k, n in enumerate(shape) if n == 1 and a.value.shape[k + lead] != 1]
    value = a.value.sum(axis=tuple(range(lead)) + tuple(axes)).reshape(shape)
    return Var(value, (a, lambda g: spread(g, a.value.shape)))


def spread(a: Var, shape: tuple[int, ...]) -> Var:
    return Var(np.broadcast_to(a.value, shape), (a, lambda g: fit(g, a.value.shape)))


def add(a: Var, b: Var) -> Var:
    edges = [(x, lambda g, x=x: fit(g, x.value.shape)) for x in (a, b)]
    return Var(a.value + b.value, *edges)


def mul(a: Var, b: Var) -> Var:
    edges = [(x, lambda g, x=x, y=y: fit(mul(g, y), x.value.shape)) for x, y in ((a, b), (b, a))]
    return Var(a.value * b.value, *edges)


def scale(a: Var, factor: float) -> Var:
    return mul(a, Var(factor))


def total(a: Var) -> Var:
    return fit(a, ())


def unary(f: Callable[[Any], Any], derivative: Callable[[Var], Var]) -> Callable[[Var], Var]:
    return lambda a: Var(f(a.value), (a, lambda g: mul(g, derivative(a))))


sin = unary(np.sin, lambda a: cos(a))
cos = unary(np.cos, lambda a: scale(sin(a), -1))
exp = unary(np.exp, lambda a: exp(a))
tanh = unary(np.tanh, lambda a: add(Var(1), scale(mul(tanh(a), tanh(a)), -1)))
reciprocal = unary(lambda x: 1 / x, lambda a: scale(mul(reciprocal(a), reciprocal(a)), -1))


def matmul(a: Var, b: Var) -> Var:
    """Of two matrices."""
    turned = lambda x: move(x, np.transpose)  # noqa: E731
    return Var(a.value @ b.value, (a, lambda g: matmul(g, turned(b))), (b, lambda g: matmul(turned(a), g)))


def take(a: Var, places: Any) -> Var:
    """The entries at places counted in a row."""
    return Var(a.value.ravel()[places], (a, lambda g: put(g, places, a.value.shape)))


def put(a: Var, places: Any, shape: tuple[int, ...]) -> Var:
    """Zeros with these entries added at places."""
    value = np.zeros(int(np.prod(shape)))
    np.add.at(value, places, a.value)
    return Var(value.reshape(shape), (a, lambda g: take(g, places)))


def places_of(shape: tuple[int, ...]) -> Any:
    """The place of every entry of an array in a row."""
    return np.arange(int(np.prod(shape))).reshape(shape)


def move(a: Var, f: Callable[[Any], Any]) -> Var:
    """What a function that only moves entries makes of an array."""
    return take(a, f(places_of(a.value.shape)))


def join(parts: Sequence[Var], f: Callable[[Sequence[Any]], Any]) -> Var:
    """What a function that only moves entries makes of several arrays."""
    ends = np.cumsum([part.value.size for part in parts])
    row = Var(np.zeros(ends[-1]))
    for part, end in zip(parts, ends, strict=True):
        row = add(row, put(part, end - part.value.size + places_of(part.value.shape), row.value.shape))
    starts = [end - part.value.size for part, end in zip(parts, ends, strict=True)]
    return take(row, f([s + places_of(p.value.shape) for s, p in zip(starts, parts, strict=True)]))


def where(mask: Any, a: Var, b: Var) -> Var:
    return add(mul(Var(mask), a), mul(Var(~mask), b))


def replace(a: Var, places: Any, b: Var) -> Var:
    """The array with its entries at places, which are all different, replaced."""
    kept = np.ones(a.value.size)
    kept[places] = 0
    return add(mul(a, Var(kept.reshape(a.value.shape))), put(b, places, a.value.shape))
