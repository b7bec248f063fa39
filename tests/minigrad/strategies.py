"""What hypothesis draws for the engine: shapes, numbers away from kinks, arguments for every primitive."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minigrad as mg
from minigrad import nn
from minigrad.rules import REGISTRY, Elementwise, Primitive

Draw = Callable[[st.SearchStrategy[Any]], Any]
Shape = tuple[int, ...]
REAL_LINE = (-np.inf, np.inf)

shapes = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
full_shapes = hnp.array_shapes(min_dims=0, max_dims=3, min_side=1, max_side=3)
seeds = st.integers(0, 2**32 - 1)
float_dtypes = st.sampled_from([np.float32, np.float64])


def spread(draw: Draw, shape_list: list[Shape], intervals: list[tuple[float, float]]) -> list[np.ndarray]:
    """
    Arrays of numbers inside their intervals: all different, none 0, at least a small distance apart.

    So no derivative is taken near a kink, wherever it is: at 0, or where two arguments are equal.
    """
    sizes = [int(np.prod(shape)) for shape in shape_list]
    places = np.random.default_rng(draw(seeds)).permutation(sum(sizes))
    ends = np.cumsum(sizes)
    arrays = []
    for shape, size, end, (low, high) in zip(shape_list, sizes, ends, intervals, strict=True):
        low, high = max(low + 0.2, -3.0), min(high - 0.2, 3.0)
        unit = (places[end - size : end] + 0.37) / max(sum(sizes), 1)  # never the middle, so never 0
        arrays.append((low + unit * (high - low)).reshape(shape))
    return arrays


def normal(draw: Draw, shape: Shape) -> np.ndarray:
    """Any numbers, for tangents and cotangents, where kinks do not matter."""
    return np.random.default_rng(draw(seeds)).normal(size=shape)


def broadcasting(draw: Draw, count: int, min_side: int = 0) -> list[Shape]:
    """Shapes that broadcast together: 0-d, empty and several axes among them."""
    drawn = draw(
        hnp.mutually_broadcastable_shapes(num_shapes=count, max_dims=3, min_side=min_side, max_side=3)
    )
    return list(drawn.input_shapes)


@st.composite
def axes(draw: Draw, ndim: int) -> Any:
    """None, one axis or several, counted from either end."""
    if ndim == 0:
        return draw(st.sampled_from([None, ()]))
    chosen = draw(st.lists(st.integers(0, ndim - 1), unique=True, max_size=ndim))
    signed = tuple(a - ndim if draw(st.booleans()) else a for a in chosen)
    return draw(st.sampled_from([None, signed, *signed[:1]]))


@st.composite
def indices(draw: Draw, shape: Shape) -> Any:
    """Basic, fancy (with repeats), boolean and mixed indices."""
    kinds = [hnp.basic_indices(shape, allow_newaxis=True, allow_ellipsis=True)]
    if shape and all(shape):
        some = hnp.array_shapes(max_dims=2, max_side=3)
        whole = [hnp.arrays(np.intp, draw(some), elements=st.integers(-n, n - 1)) for n in shape]
        kinds += [
            hnp.integer_array_indices(shape, result_shape=hnp.array_shapes(max_dims=2, max_side=3)),
            hnp.arrays(bool, shape),
            st.lists(st.integers(0, shape[0] - 1), min_size=1, max_size=4),
            st.tuples(st.lists(st.integers(0, shape[0] - 1), min_size=1, max_size=3).map(tuple)),
            st.tuples(st.just(slice(None, None, -1)), *whole[1:2]),
            st.tuples(st.just(Ellipsis), whole[-1]),
        ]
    return draw(st.one_of(kinds))


@dataclass(frozen=True, eq=False)
class Sample:
    """A primitive with float64 arguments inside its domain, and which of them want a derivative."""

    primitive: Primitive
    args: tuple[np.ndarray, ...]
    options: dict[str, Any]
    wanted: tuple[bool, ...]

    def __call__(self, *args: Any) -> Any:
        """Apply the primitive to other arguments of the same shapes."""
        return self.primitive(*args, **self.options)

    def with_args(self, args: list[np.ndarray]) -> Sample:
        """Return the same sample at another place."""
        return replace(self, args=tuple(args))

    def __repr__(self) -> str:
        given = ", ".join(repr(arg) for arg in self.args)
        return f"{self.primitive.name}({given}, **{self.options}), wanted={self.wanted}"


def tensors_of(sample: Sample, dtype: Any = np.float64) -> list[mg.Tensor]:
    """The arguments as leaves of their own, on memory that nobody may write to."""
    leaves = []
    for arg, wanted in zip(sample.args, sample.wanted, strict=True):
        data = arg.astype(dtype)
        data.setflags(write=False)
        leaves.append(mg.Tensor(data, requires_grad=wanted))
    return leaves


def _elementwise(draw: Draw, primitive: Primitive) -> tuple[list[Shape], dict[str, Any]]:
    count = draw(st.integers(1, 3)) if primitive.variadic else len(primitive.classes)
    return broadcasting(draw, count), {}


def _reduction(min_side: int) -> Callable[..., Any]:
    def sample(draw: Draw, primitive: Primitive) -> tuple[list[Shape], dict[str, Any]]:
        shape = draw(hnp.array_shapes(min_dims=0, max_dims=3, min_side=min_side, max_side=3))
        options = {"axis": draw(axes(len(shape))), "keepdims": draw(st.booleans())}
        return [shape], options if draw(st.booleans()) else {}

    return sample


def _softmax(draw: Draw, primitive: Primitive) -> tuple[list[Shape], dict[str, Any]]:
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=3))
    return [shape], {"axis": draw(st.integers(-len(shape), len(shape) - 1))}


def _reshape(draw: Draw, primitive: Primitive) -> tuple[list[Shape], dict[str, Any]]:
    shape = draw(shapes)
    choices = [shape[::-1], (*shape, 1), (int(np.prod(shape)),), (-1,)]
    return [shape], {"shape": draw(st.sampled_from(choices))}


def _transpose(draw: Draw, primitive: Primitive) -> tuple[list[Shape], dict[str, Any]]:
    cycles = hnp.array_shapes(min_dims=3, max_dims=3, max_side=3)  # whose inverses are others
    shape = draw(st.one_of(shapes, cycles))
    order = draw(st.permutations(range(len(shape))))
    signed = tuple(a - len(shape) if draw(st.booleans()) else a for a in order)
    return [shape], draw(st.sampled_from([{}, {"axes": signed}, {"axes": order}]))


def _expand_dims(draw: Draw, primitive: Primitive) -> tuple[list[Shape], dict[str, Any]]:
    shape = draw(shapes)
    one = st.integers(-len(shape) - 1, len(shape))
    return [shape], {"axis": draw(st.one_of(one, st.just((0, -1))))}


def _squeeze(draw: Draw, primitive: Primitive) -> tuple[list[Shape], dict[str, Any]]:
    shape = (*draw(shapes), 1, *draw(shapes)[:1])
    ones = [a for a, n in enumerate(shape) if n == 1]
    one = draw(st.sampled_from(ones))
    return [shape], {"axis": draw(st.sampled_from([None, one, one - len(shape), (one,), tuple(ones)]))}


def _broadcast_to(draw: Draw, primitive: Primitive) -> tuple[list[Shape], dict[str, Any]]:
    shape, other = broadcasting(draw, 2)
    return [shape], {"shape": np.broadcast_shapes(shape, other)}


def _gather(draw: Draw, primitive: Primitive) -> tuple[list[Shape], dict[str, Any]]:
    shape = draw(shapes)
    return [shape], {"index": draw(indices(shape))}


def _scatter_add(draw: Draw, primitive: Primitive) -> tuple[list[Shape], dict[str, Any]]:
    shape = draw(shapes)
    index = draw(indices(shape))
    return [np.zeros(shape)[index].shape], {"index": index, "shape": shape}


def _concatenate(draw: Draw, primitive: Primitive) -> tuple[list[Shape], dict[str, Any]]:
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=3))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    lengths = draw(st.lists(st.integers(0, 3), min_size=1, max_size=3))
    parts = [tuple(n if a == axis % len(shape) else m for a, m in enumerate(shape)) for n in lengths]
    return parts, {"axis": axis}


def _stack(draw: Draw, primitive: Primitive) -> tuple[list[Shape], dict[str, Any]]:
    shape = draw(shapes)
    return [shape] * draw(st.integers(1, 3)), {"axis": draw(st.integers(-len(shape) - 1, len(shape)))}


def _matmul(draw: Draw, primitive: Primitive) -> tuple[list[Shape], dict[str, Any]]:
    drawn = hnp.mutually_broadcastable_shapes(
        signature=np.matmul.signature, max_dims=2, min_side=0, max_side=3
    )
    return list(draw(drawn).input_shapes), {}


def _linear(draw: Draw, primitive: Primitive) -> tuple[list[Shape], dict[str, Any]]:
    n_in, n_out = draw(st.integers(0, 3)), draw(st.integers(0, 3))
    lead = draw(hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=3))
    return [(*lead, n_in), (n_out, n_in), draw(st.sampled_from([(n_out,), ()]))], {}


def _group_maxout(draw: Draw, primitive: Primitive) -> tuple[list[Shape], dict[str, Any]]:
    groups = tuple(draw(st.lists(st.integers(1, 3), max_size=3)))
    return [(*draw(shapes)[:2], sum(groups))], {"groups": groups}


def _astype(draw: Draw, primitive: Primitive) -> tuple[list[Shape], dict[str, Any]]:
    return [draw(shapes)], {"dtype": np.dtype(float)}


SAMPLES: dict[str, Callable[..., Any]] = {
    "astype": _astype,
    "reshape": _reshape,
    "transpose": _transpose,
    "expand_dims": _expand_dims,
    "squeeze": _squeeze,
    "broadcast_to": _broadcast_to,
    "gather": _gather,
    "scatter_add": _scatter_add,
    "concatenate": _concatenate,
    "stack": _stack,
    "matmul": _matmul,
    "linear": _linear,
    "group_maxout": _group_maxout,
    "sum": _reduction(0),
    "mean": _reduction(1),
    "max": _reduction(1),
    "min": _reduction(1),
    "logsumexp": _reduction(1),
    "softmax": _softmax,
    "log_softmax": _softmax,
}
"""How to draw shapes and options for the primitives that are not elementwise."""


def sampler(primitive: Primitive) -> Callable[..., Any]:
    """Return how to draw for a primitive: a new one that nobody can draw for fails the suite."""
    if isinstance(primitive, Elementwise):
        return _elementwise
    if primitive.name not in SAMPLES:
        raise LookupError(f"nothing draws arguments for {primitive.name}: add it to strategies.SAMPLES")
    return SAMPLES[primitive.name]


@st.composite
def samples(draw: Draw, primitive: Primitive | str) -> Sample:
    """Arguments inside the domain and away from kinks, options, and which arguments are differentiated."""
    primitive = REGISTRY[primitive] if isinstance(primitive, str) else primitive
    shape_list, options = sampler(primitive)(draw, primitive)
    domain = primitive.domain * len(shape_list) if primitive.variadic else primitive.domain
    args = spread(draw, shape_list, list(domain))
    if primitive.name == "where":
        args[0] = np.asarray(args[0] > 0)
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
