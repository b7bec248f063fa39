"""Reductions over axes, and the softmax family, computed without overflow."""

from __future__ import annotations

import math
from functools import partial
from operator import mul
from typing import Any, TypeAlias

import numpy as np

from .gates import lead, maximum, minimum
from .guarded import Guarded
from .operands import Operand, numbers
from .ordering import cumprod, earlier
from .primitive import Linear, Rule, entrywise

Axis: TypeAlias = int | tuple[int, ...] | None


def _axes(x: Operand, axis: Axis) -> tuple[int, ...]:
    """The axes to reduce, each counted from 0."""
    if axis is None or x.ndim == 0:
        return tuple(range(x.ndim))
    return tuple(a % x.ndim for a in (axis if isinstance(axis, tuple) else (axis,)))


def _reduced(x: Operand, axis: Axis) -> tuple[int, ...]:
    """The shape that is left."""
    axes = _axes(x, axis)
    return tuple(n for a, n in enumerate(x.shape) if a not in axes)


def _keep(reduced: Operand, x: Operand, axis: Axis) -> Operand:
    """Give a reduced array its axes back, with length 1."""
    shape = list(x.shape)
    for a in _axes(x, axis):
        shape[a] = 1
    return reduced.reshape(shape)


def _copied(g: Operand, x: Operand, axis: Axis, keepdims: bool) -> Operand:
    """Give each entry what its result has."""
    return np.broadcast_to(g if axis is None or keepdims else _keep(g, x, axis), x.shape)


def _count(x: Operand, axis: Axis) -> int:
    """How many entries go into one entry of the result."""
    return math.prod(x.shape[a] for a in _axes(x, axis))


def _over(x: Operand, n: float) -> Operand:
    """Divide by n, which may be more than float16 holds: then in two steps, the second of which is exact."""
    return x / (n / 2**15) / 2**15 if x.dtype == np.float16 and n > 2**15 else x / n


sum = Linear(
    "sum",
    lambda x, axis=None, keepdims=False: x.sum(axis=axis, keepdims=keepdims),
    lambda g, x, axis=None, keepdims=False: _copied(g, x, axis, keepdims),
    symbol="Σ",
    formula="Σ x over the axes",
    source="summing and copying are transposes",
    classes="linear",
)

mean = Linear(
    "mean",
    lambda x, axis=None, keepdims=False: x.mean(axis=axis, keepdims=keepdims),
    lambda g, x, axis=None, keepdims=False: _copied(_over(g, _count(x, axis)), x, axis, keepdims),
    formula="Σ x / n over the axes",
    source="a sum, scaled",
    classes="linear",
)


def _sloped(name: str, forward: Rule, slope: Rule, **metadata: Any) -> Guarded:
    """A reduction by its gradient, slope(out, x, axis, …), which has the shape of x."""

    def vjp(
        multiply: Rule,
        g: Operand,
        out: Operand,
        x: Operand,
        axis: Axis = None,
        keepdims: bool = False,
        **more: Any,
    ) -> Operand:
        return multiply(_keep(g, x, axis), slope(out, x, axis, **more))

    def jvp(
        t: Operand, out: Operand, x: Operand, axis: Axis = None, keepdims: bool = False, **more: Any
    ) -> Operand:
        return np.sum(t * slope(out, x, axis, **more), axis=axis, keepdims=keepdims)

    return Guarded(name, forward, vjps=[vjp], jvps=[jvp], **metadata)


def _deviation(x: Operand, axis: Axis) -> Operand:
    """How far each entry is from the mean."""
    return x - np.mean(x, axis=axis, keepdims=True)


def _freedom(x: Operand, axis: Axis, ddof: float) -> float:
    """The degrees of freedom, n − ddof, that the squares are divided by."""
    n = _count(x, axis)
    return n - ddof if n > ddof else 0  # as NumPy, which then divides by 0


var = _sloped(
    "var",
    lambda x, axis=None, ddof=0, keepdims=False: x.var(axis=axis, ddof=ddof, keepdims=keepdims),
    lambda out, x, axis, ddof=0: _over(2 * _deviation(x, axis), _freedom(x, axis, ddof)),
    symbol="σ²",
    formula="Σ (x − x̄)² / (n − ddof) over the axes",
    source="power rule; x̄ contributes nothing, since Σ (x − x̄) = 0",
    classes="smooth",
)


def _std_slope(out: Operand, x: Operand, axis: Axis, ddof: float = 0) -> Operand:
    """∂σ/∂x, and 0 where σ = 0."""
    positive = np.where(numbers(out) == 0, np.inf, out)
    return _over(_deviation(x, axis) / _keep(positive, x, axis), _freedom(x, axis, ddof))


std = _sloped(
    "std",
    lambda x, axis=None, ddof=0, keepdims=False: x.std(axis=axis, ddof=ddof, keepdims=keepdims),
    _std_slope,
    symbol="σ",
    formula="√(Σ (x − x̄)² / (n − ddof)) over the axes",
    source="dσ = dσ² / 2σ",
    classes="smooth",
    kinks={"σ = 0": "0"},
)


def _others(x: Operand, axis: Axis) -> Operand:
    """The product of all other entries, those before times those after: nothing is divided by an entry."""
    axes = _axes(x, axis)
    last = tuple(range(x.ndim - len(axes), x.ndim))
    rows = np.moveaxis(x, axes, last)
    flat = np.reshape(rows, (*_reduced(x, axis), _count(x, axis)))
    before, after = earlier(cumprod(flat), 1), earlier(cumprod(flat[..., ::-1]), 1)[..., ::-1]
    return np.moveaxis(np.reshape(before * after, rows.shape), last, axes)


prod = _sloped(
    "prod",
    lambda x, axis=None, keepdims=False: x.prod(axis=axis, keepdims=keepdims),
    lambda out, x, axis: _others(x, axis),
    symbol="Π",
    formula="Π x over the axes",
    source="product rule: the product of all others, exact also where entries are 0",
    classes="smooth",
)


def _winners(out: Operand, x: Operand, axis: Axis) -> Any:
    """The weight of each entry in the extremum: shared equally where several attain it."""
    plain = numbers(x)
    won = plain == _keep(numbers(out), plain, axis)
    if plain.dtype == np.float16:  # which ends at 65504
        return (won / np.maximum(won.sum(axis=axis, keepdims=True), 1)).astype(plain.dtype)
    return won / np.maximum(won.sum(axis=axis, keepdims=True, dtype=plain.dtype), 1)


def _entries(x: Any, axis: Axis, keepdims: bool) -> Any:
    """What each entry of the result is taken from: the shape of the result, and one more axis."""
    axes = _axes(x, axis)
    last = np.moveaxis(x, axes, tuple(range(x.ndim - len(axes), x.ndim)))
    shape = [1 if a in axes else n for a, n in enumerate(x.shape)] if keepdims else _reduced(x, axis)
    return last.reshape(*shape, _count(x, axis))


def _extremum(name: str, pairwise: Any) -> Guarded:
    def margins(pattern: Any, x: Operand, axis: Axis = None, keepdims: bool = False) -> Operand:
        ahead = lead(pattern, _entries(x, axis, keepdims))
        return ahead if name == "max" else -ahead

    def forward(x: Operand, axis: Axis = None, keepdims: bool = False) -> Operand:
        return getattr(x, name)(axis=axis, keepdims=keepdims)

    def pattern(x: Operand, axis: Axis = None, keepdims: bool = False) -> Any:
        return _entries(_winners(forward(x, axis), x, axis), axis, keepdims)

    def on_scalars(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
        axes = _axes(x, axis)
        first = np.moveaxis(x, axes, tuple(range(len(axes))))
        out = entrywise(pairwise, first.reshape(_count(x, axis), *_reduced(x, axis)))
        return _keep(np.asarray(out, dtype=object), x, axis) if keepdims else out

    return _sloped(
        name,
        forward,
        _winners,
        formula=f"{name} x over the axes",
        source="the slope of whoever wins",
        classes="gate",
        kinks={"ties": "shared equally"},
        pattern=pattern,
        margins=margins,
        envelope=True,
        on_scalars=on_scalars,
    )


max = _extremum("max", maximum)
min = _extremum("min", minimum)


def _logsumexp(x: Operand, axis: Axis = None, keepdims: bool = False) -> Operand:
    peak = _peak(x, axis)
    with np.errstate(divide="ignore"):  # an empty or all −inf sum has logarithm −inf
        out = np.log(np.sum(np.exp(x - peak), axis=axis, keepdims=True)) + peak
    return out if keepdims else np.reshape(out, _reduced(x, axis))


def _peak(x: Operand, axis: Axis) -> Any:
    """The largest entry, taken out before the exponential; 0 where it is infinite or there is none."""
    plain = numbers(x)
    plain = plain if plain.dtype.kind == "f" else plain.astype(float)  # whole numbers, and Values
    peak = np.max(plain, axis=axis, keepdims=True, initial=-np.inf)
    return np.where(np.isfinite(peak), peak, 0).astype(plain.dtype)


logsumexp = _sloped(
    "logsumexp",
    _logsumexp,
    lambda out, x, axis: softmax(x, axis=axis),
    formula="ln Σ eˣ over the axes",
    source="its gradient is the softmax",
    classes="smooth",
)


def _log_softmax(x: Operand, axis: int = -1) -> Operand:
    shifted = x - _peak(x, axis)
    with np.errstate(divide="ignore"):  # an empty sum
        return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


log_softmax = Guarded(
    "log_softmax",
    _log_softmax,
    vjps=[
        lambda multiply, g, out, x, axis=-1: g - multiply(np.exp(out), np.sum(g, axis=axis, keepdims=True))
    ],
    jvps=[lambda t, out, x, axis=-1: t - np.sum(np.exp(out) * t, axis=axis, keepdims=True)],
    formula="x − ln Σ eˣ",
    source="its derivative is I − 1·softmaxᵀ",
    classes="smooth",
)


def _softmax_derivative(multiply: Rule, v: Operand, out: Operand, x: Operand, axis: int = -1) -> Operand:
    """(diag(s) − s·sᵀ) v: symmetric, so the same for tangents and cotangents."""
    return multiply(out, v - np.sum(multiply(out, v), axis=axis, keepdims=True))


softmax: Guarded = Guarded(
    "softmax",
    lambda x, axis=-1: np.exp(_log_softmax(x, axis)),
    vjps=[_softmax_derivative],
    jvps=[partial(_softmax_derivative, mul)],
    formula="eˣ / Σ eˣ",
    source="its derivative is diag(s) − s·sᵀ",
    classes="smooth",
)
