"""What hypothesis draws for the engine: shapes, numbers away from kinks, arguments for every primitive."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn
from minigrad.rules import REGISTRY, Elementwise, Primitive

from .samplers import SAMPLERS
from .samplers.base import REAL_LINE as REAL_LINE
from .samplers.base import Draw as Draw
from .samplers.base import Shape as Shape
from .samplers.base import axes as axes
from .samplers.base import broadcasting as broadcasting
from .samplers.base import float_dtypes as float_dtypes
from .samplers.base import full_shapes as full_shapes
from .samplers.base import indices as indices
from .samplers.base import normal as normal
from .samplers.base import seeds as seeds
from .samplers.base import shapes as shapes
from .samplers.base import spread as spread


@dataclass(frozen=True, eq=False)
class Sample:
    """A primitive with float64 arguments inside its domain, and which of them want a derivative."""

    primitive: Primitive
    args: tuple[np.ndarray, ...]
    options: dict[str, Any]
    wanted: tuple[bool, ...]

    def __call__(self, *args: Any) -> Any:
        """Apply the primitive to other arguments of the same shapes; labels stay whole numbers."""
        return self.primitive(*self._typed(args), **self.options)

    def with_args(self, args: list[np.ndarray]) -> Sample:
        """Return the same sample at another place."""
        return replace(self, args=tuple(self._typed(args)))

    def _typed(self, args: Any) -> list[Any]:
        """Make whole numbers again of those that were some."""
        pairs = zip(args, self.args, strict=True)
        return [x.astype(own.dtype) if own.dtype.kind in "iu" else x for x, own in pairs]

    def __repr__(self) -> str:
        given = ", ".join(repr(arg) for arg in self.args)
        return f"{self.primitive.name}({given}, **{self.options}), wanted={self.wanted}"


def tensors_of(sample: Sample, dtype: Any = np.float64) -> list[mg.Tensor]:
    """The arguments as leaves of their own, on memory that nobody may write to."""
    leaves = []
    for arg, wanted in zip(sample.args, sample.wanted, strict=True):
        data = arg.astype(arg.dtype if arg.dtype.kind in "iu" else dtype)
        data.setflags(write=False)
        leaves.append(mg.Tensor(data, requires_grad=wanted))
    return leaves


def _elementwise(draw: Draw, primitive: Primitive) -> tuple[list[Shape], dict[str, Any]]:
    count = draw(st.integers(1, 3)) if primitive.variadic else len(primitive.classes)
    return broadcasting(draw, count), {}


def sampler(primitive: Primitive) -> Callable[..., Any]:
    """Return how to draw for a primitive: a new one that nobody can draw for fails the suite."""
    if primitive.name in SAMPLERS:
        return SAMPLERS[primitive.name]
    if isinstance(primitive, Elementwise):
        return _elementwise
    raise LookupError(f"nothing draws arguments for {primitive.name}: add it to tests/minigrad/samplers")


@st.composite
def samples(draw: Draw, primitive: Primitive | str) -> Sample:
    """Arguments inside the domain and away from kinks, options, and which arguments are differentiated."""
    primitive = REGISTRY[primitive] if isinstance(primitive, str) else primitive
    drawn, options = sampler(primitive)(draw, primitive)
    domain = primitive.domain * len(drawn) if primitive.variadic else primitive.domain
    places = [k for k, arg in enumerate(drawn) if isinstance(arg, tuple)]
    filled = spread(draw, [drawn[k] for k in places], [domain[k] for k in places])
    args = [filled[places.index(k)] if k in places else arg for k, arg in enumerate(drawn)]
    if primitive.name == "where":
        args[0] = np.asarray(args[0] > 0)
    if primitive.name == "heaviside":  # at 0 alone it depends on its second argument
        args[0] = np.where(np.abs(args[0]) < 1, 0.0, args[0])
    varies = [primitive.class_of(k) != "constant" for k in range(len(args))]
    chosen = [v and draw(st.booleans()) for v in varies]
    return Sample(primitive, tuple(args), options, tuple(chosen if any(chosen) else varies))


@st.composite
def networks(
    draw: Draw, piecewise_linear: bool = False, dtype: Any = np.float64
) -> tuple[nn.Sequential, int]:
    """A small network of any layers, and how many features it takes."""
    rng = np.random.default_rng(draw(seeds))
    n_in = width = draw(st.integers(1, 4))
    layers: list[nn.Module] = []

    def linear(n: int) -> nn.Linear:
        bias = rng.normal(size=n).astype(dtype) if draw(st.booleans()) else None
        return nn.Linear.of(rng.normal(size=(n, width)).astype(dtype), bias)

    smooth = [nn.Sigmoid, nn.Tanh, nn.Softplus]
    for _ in range(draw(st.integers(1, 3))):
        units = draw(st.integers(1, 3))
        gate = draw(st.sampled_from(["ReLU", "LeakyReLU", "PReLU", "Maxout", "Residual", "smooth"]))
        if gate == "Maxout":
            groups = draw(st.lists(st.integers(1, 3), min_size=units, max_size=units))
            layers += [linear(sum(groups)), nn.Maxout(groups)]
            width = units
            continue
        if gate == "Residual":
            layers += [nn.Residual(linear(width), nn.ReLU())]
            continue
        layers += [linear(units)]
        width = units
        if gate == "smooth" and not piecewise_linear:
            layers += [draw(st.sampled_from(smooth))()]
        else:
            layers += [
                {"LeakyReLU": nn.LeakyReLU(0.1), "PReLU": nn.PReLU(0.3, dtype=dtype)}.get(gate, nn.ReLU())
            ]
        layers += (
            [nn.Dropout(0.4, draw(st.sampled_from(["inverted", "weights"])))] if draw(st.booleans()) else []
        )
    return nn.Sequential(*layers, linear(draw(st.integers(1, 3)))), n_in
