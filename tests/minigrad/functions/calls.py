"""Calls of NumPy's array functions: for each one, how hypothesis draws shapes, axes and options."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ..samplers.base import Draw, Shape, axes, broadcasting, seeds, spread

Call: TypeAlias = tuple[list[Any], Callable[..., Any]]
"""Arguments, each an array or a shape (to be filled with different numbers), and what to call with them."""

Options: TypeAlias = Callable[[Draw, Shape], dict[str, Any]]


def box(ndim: int | tuple[int, int], least: int = 0, most: int = 3) -> st.SearchStrategy[Shape]:
    """Shapes of so many axes."""
    low, high = (ndim, ndim) if isinstance(ndim, int) else ndim
    return hnp.array_shapes(min_dims=low, max_dims=high, min_side=least, max_side=most)


ANY, LINES, TABLES = box((0, 3)), box((1, 3)), box((2, 3))
NONE_EMPTY = box((0, 3), least=1)


def one(function: Any, shapes: st.SearchStrategy[Shape] = ANY, options: Options | None = None) -> Any:
    """Calls with one array and options."""

    def draw_call(draw: Draw) -> Call:
        shape = draw(shapes)
        given = options(draw, shape) if options else {}
        return [shape], lambda x: function(x, **given)

    return draw_call


def some(function: Any, shapes: st.SearchStrategy[Shape] = ANY, options: Options | None = None) -> Any:
    """Calls with a list of arrays of one shape."""

    def draw_call(draw: Draw) -> Call:
        shape = draw(shapes)
        given = options(draw, shape) if options else {}
        return [shape] * draw(st.integers(1, 3)), lambda *xs: function(list(xs), **given)

    return draw_call


def axis(draw: Draw, shape: Shape) -> int:
    return draw(st.integers(-len(shape), len(shape) - 1))


def one_axis(draw: Draw, shape: Shape) -> dict[str, Any]:
    return {"axis": axis(draw, shape)}


def one_axis_or_none(draw: Draw, shape: Shape) -> dict[str, Any]:
    return {"axis": axis(draw, shape) if shape and draw(st.booleans()) else None}


def reduced(draw: Draw, shape: Shape) -> dict[str, Any]:
    return {"axis": draw(axes(len(shape))), "keepdims": draw(st.booleans())}


def reduced_for_good(draw: Draw, shape: Shape) -> dict[str, Any]:
    """One axis at least: a single number has no variance, and may be nan."""
    return {
        "axis": draw(axes(len(shape)).filter(lambda chosen: chosen != ())),
        "keepdims": draw(st.booleans()),
    }


def spread_over(draw: Draw, shape: Shape) -> dict[str, Any]:
    return {"ddof": draw(st.sampled_from([0, 1])), **reduced_for_good(draw, shape)}


def with_nan(function: Any, shapes: Any, options: Options) -> Any:
    """Calls with one array that has nan in some places, in none of its rows alone."""

    def draw_call(draw: Draw) -> Call:
        shape = draw(shapes)
        given = options(draw, shape)
        x = spread(draw, [shape], [(-np.inf, np.inf)])[0].copy()
        lost = np.random.default_rng(draw(seeds)).random(shape) < 0.5
        if x.ndim:  # two of each row are left, whichever axis it is along
            x[lost & (np.indices(shape) > 1).all(axis=0)] = np.nan
        return [x], lambda a: function(a, **given)

    return draw_call


def _average(draw: Draw) -> Call:
    shape = draw(box((1, 3), least=1))
    over = axis(draw, shape)
    weights = draw(st.sampled_from([shape, (shape[over],)]))
    positive = np.random.default_rng(draw(seeds)).uniform(0.5, 2, weights)
    keepdims = draw(st.booleans())
    return [shape, positive], lambda x, w: np.average(x, axis=over, weights=w, keepdims=keepdims)


def _quantiles(draw: Draw, shape: Shape) -> dict[str, Any]:
    shares = draw(st.sampled_from([0.3, [0.0, 0.25, 1.0], [[0.4, 0.9]]]))
    method = draw(st.sampled_from(["linear", "lower", "higher", "midpoint"]))
    return {"q": shares, "method": method, **reduced(draw, shape)}


def _percentiles(draw: Draw, shape: Shape) -> dict[str, Any]:
    given = _quantiles(draw, shape)
    return given | {"q": (100 * np.array(given["q"])).tolist()}


def _diff(draw: Draw) -> Call:
    shape = draw(LINES)
    along, n = axis(draw, shape), draw(st.integers(0, 3))
    edge = tuple(1 if k == along % len(shape) else m for k, m in enumerate(shape))
    if draw(st.booleans()):
        return [shape], lambda x: np.diff(x, n, along)
    return [shape, edge], lambda x, y: np.diff(x, n + 1, axis=along, prepend=y, append=2.0)


def _trapezoid(draw: Draw) -> Call:
    shape = draw(box((1, 3), least=1))
    along = axis(draw, shape)
    if draw(st.booleans()):
        return [shape], lambda y: np.trapezoid(y, dx=0.5, axis=along)
    places = draw(st.sampled_from([shape, (shape[along],)]))
    return [shape, places], lambda y, x: np.trapezoid(y, x, axis=along)


def _cumulative(draw: Draw, shape: Shape) -> dict[str, Any]:
    return {"axis": axis(draw, shape), "include_initial": draw(st.booleans())}


def _rot90(draw: Draw, shape: Shape) -> dict[str, Any]:
    return {"k": draw(st.integers(-4, 4)), "axes": tuple(draw(st.permutations(range(len(shape))))[:2])}


def _two_axes(names: tuple[str, str]) -> Options:
    return lambda draw, shape: {name: axis(draw, shape) for name in names}


def _moveaxis(draw: Draw, shape: Shape) -> dict[str, Any]:
    n = draw(st.integers(0, len(shape)))
    pick = st.permutations(range(len(shape))).map(lambda order: tuple(order[:n]))
    return {"source": draw(pick), "destination": tuple(k - len(shape) for k in draw(pick))}


def _diagonal(draw: Draw, shape: Shape) -> dict[str, Any]:
    first, second = draw(st.permutations(range(len(shape))))[:2]
    return {"offset": draw(st.integers(-3, 3)), "axis1": first, "axis2": second - len(shape)}


def _band(draw: Draw, shape: Shape) -> dict[str, Any]:
    return {"k": draw(st.integers(-3, 3))}


def _take(draw: Draw, shape: Shape) -> dict[str, Any]:
    given = one_axis_or_none(draw, shape)
    n = int(np.prod(shape)) if given["axis"] is None else shape[given["axis"]]
    mode = draw(st.sampled_from(["raise", "wrap", "clip"]))
    inside = st.integers(-n, n - 1) if mode == "raise" else st.integers(-9, 9)
    wanted = draw(hnp.arrays(np.intp, box((0, 2)), elements=inside))
    return {"indices": draw(st.sampled_from([wanted, wanted.tolist()])), "mode": mode, **given}


def _take_along_axis(draw: Draw) -> Call:
    shape = draw(box((1, 3), least=1))
    along = axis(draw, shape)
    n = shape[along]
    wanted = tuple(2 if k == along % len(shape) else m for k, m in enumerate(shape))
    indices = draw(hnp.arrays(np.intp, wanted, elements=st.integers(-n, n - 1)))
    return [shape], lambda x: np.take_along_axis(x, indices, axis=along)


def _compress(draw: Draw) -> Call:
    shape = draw(box((1, 3)))
    along = axis(draw, shape)
    condition = draw(hnp.arrays(bool, shape[along]))
    return [shape], lambda x: np.compress(condition, x, axis=along)


def _extract(draw: Draw) -> Call:
    shape = draw(ANY)
    mask = draw(hnp.arrays(bool, shape))
    return [shape], lambda x: np.extract(mask, x)


def _choose(draw: Draw) -> Call:
    count = draw(st.integers(1, 3))
    shapes = broadcasting(draw, count + 1)
    which = draw(hnp.arrays(np.intp, shapes[0], elements=st.integers(0, count - 1)))
    return list(shapes[1:]), lambda *xs: np.choose(which, list(xs))


def _delete(draw: Draw, shape: Shape) -> dict[str, Any]:
    along = axis(draw, shape)
    n = shape[along]
    chosen = st.lists(st.integers(-n, n - 1), max_size=3) if n else st.just([])
    return {"obj": draw(st.one_of(chosen, st.just(slice(0, 1)))), "axis": along}


def _trim_zeros(draw: Draw) -> Call:
    side = draw(st.sampled_from(["f", "b", "fb"]))
    return [(draw(st.integers(0, 3)),)], lambda x: np.trim_zeros(
        np.concatenate([[0.0], x * 1.0, [0.0]]), side
    )


def _joined_along(draw: Draw) -> Call:
    shape = draw(LINES)
    along = axis(draw, shape)
    lengths = draw(st.lists(st.integers(0, 3), min_size=1, max_size=3))
    parts = [tuple(n if k == along % len(shape) else m for k, m in enumerate(shape)) for n in lengths]
    return parts, lambda *xs: np.concatenate(list(xs), axis=along)


def _append(draw: Draw) -> Call:
    shape = draw(LINES)
    given = one_axis_or_none(draw, shape)
    return [shape, shape], lambda x, y: np.append(x, y, **given)


def _block(draw: Draw) -> Call:
    n, m = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    return [(n, n), (n, m), (m,), (n,)], lambda a, b, c, d: np.block([[a, b], [d, c]])


def _stack_axis(draw: Draw, shape: Shape) -> dict[str, Any]:
    return {"axis": draw(st.integers(-len(shape) - 1, len(shape)))}


def _sections(function: Any, shapes: Any, along: Callable[[Draw, Shape], int | None], equal: bool) -> Any:
    """Calls that take an array apart along an axis; if ``along`` gives none, the function's name says it."""

    def draw_call(draw: Draw) -> Call:
        shape = draw(shapes)
        chosen = along(draw, shape)
        given = {} if chosen is None else {"axis": chosen}
        place = {"hsplit": min(len(shape) - 1, 1), "vsplit": 0, "dsplit": 2}.get(function.__name__, chosen)
        n = shape[place]
        counts = [k for k in range(1, 5) if not equal or n % k == 0]
        points = st.lists(st.integers(-1, 4), max_size=3)
        parts = draw(st.one_of(st.sampled_from(counts), points))
        return [shape], lambda x: function(x, parts, **given)

    return draw_call


def _repeat(draw: Draw, shape: Shape) -> dict[str, Any]:
    given = one_axis_or_none(draw, shape)
    n = int(np.prod(shape)) if given["axis"] is None else shape[given["axis"]]
    each = st.lists(st.integers(0, 3), min_size=n, max_size=n)
    return {"repeats": draw(st.one_of(st.integers(0, 3), each)), **given}


def _pad(draw: Draw, shape: Shape) -> dict[str, Any]:
    pair = st.tuples(st.integers(0, 4), st.integers(0, 4))
    pairs = st.tuples(*[pair] * len(shape))
    width = draw(st.one_of(st.integers(0, 4), pair, pairs, pair.map(lambda two: {-1: two})))
    mode = draw(st.sampled_from(["constant", "edge", "reflect", "symmetric", "wrap"]))
    value = {"constant_values": draw(st.sampled_from([2.0, (1.0, -1.0)]))}
    return {"pad_width": width, "mode": mode} | (value if mode == "constant" and draw(st.booleans()) else {})


def _tile(draw: Draw, shape: Shape) -> dict[str, Any]:
    return {"reps": draw(st.one_of(st.integers(0, 3), st.lists(st.integers(0, 2), max_size=4)))}


def _roll(draw: Draw, shape: Shape) -> dict[str, Any]:
    if not shape or draw(st.booleans()):
        return {"shift": draw(st.integers(-4, 4))}
    return {"shift": (draw(st.integers(-4, 4)), 1), "axis": (axis(draw, shape), 0)}


def _flip(draw: Draw, shape: Shape) -> dict[str, Any]:
    return {"axis": draw(axes(len(shape)))}


def _broadcast_to(draw: Draw) -> Call:
    shape, other = broadcasting(draw, 2)
    wide = np.broadcast_shapes(shape, other)
    return [shape], lambda x: np.broadcast_to(x, wide)


def _each_other(function: Any) -> Any:
    """Calls with several arrays as separate arguments."""

    def draw_call(draw: Draw) -> Call:
        return broadcasting(draw, draw(st.integers(1, 3))), lambda *xs: function(*xs)

    return draw_call


def _meshgrid(draw: Draw) -> Call:
    lines = draw(st.lists(box((0, 1)), min_size=1, max_size=3))
    given = {"sparse": draw(st.booleans()), "indexing": draw(st.sampled_from(["xy", "ij"]))}
    return lines, lambda *xs: np.meshgrid(*xs, **given)


def _cut(n: int) -> Callable[[Draw, Shape], dict[str, Any]]:
    return lambda draw, shape: {"shape": (-1, *shape[:n])} if all(shape) else {"shape": shape[::-1]}


TWO_OF_EACH = box((1, 2), least=2, most=4)

CALLS: dict[Any, Callable[[Draw], Call]] = {
    # reductions
    np.sum: one(np.sum, ANY, reduced),
    np.prod: one(np.prod, ANY, reduced),
    np.mean: one(np.mean, NONE_EMPTY, reduced),
    np.average: _average,
    np.var: one(np.var, TWO_OF_EACH, spread_over),
    np.std: one(np.std, TWO_OF_EACH, spread_over),
    np.max: one(np.max, NONE_EMPTY, reduced),
    np.min: one(np.min, NONE_EMPTY, reduced),
    np.amax: one(np.amax, NONE_EMPTY, reduced),
    np.amin: one(np.amin, NONE_EMPTY, reduced),
    np.ptp: one(np.ptp, NONE_EMPTY, reduced),
    np.nansum: with_nan(np.nansum, TWO_OF_EACH, reduced),
    np.nanprod: with_nan(np.nanprod, TWO_OF_EACH, reduced),
    np.nanmean: with_nan(np.nanmean, TWO_OF_EACH, reduced_for_good),
    np.nanvar: with_nan(np.nanvar, TWO_OF_EACH, spread_over),
    np.nanstd: with_nan(np.nanstd, TWO_OF_EACH, spread_over),
    np.nanmax: with_nan(np.nanmax, TWO_OF_EACH, reduced_for_good),
    np.nanmin: with_nan(np.nanmin, TWO_OF_EACH, reduced_for_good),
    # ordering
    np.sort: one(np.sort, LINES, one_axis_or_none),
    np.median: one(np.median, NONE_EMPTY, reduced),
    np.quantile: one(np.quantile, NONE_EMPTY, _quantiles),
    np.percentile: one(np.percentile, NONE_EMPTY, _percentiles),
    # accumulating
    np.cumsum: one(np.cumsum, ANY, one_axis_or_none),
    np.cumprod: one(np.cumprod, ANY, one_axis_or_none),
    np.cumulative_sum: one(np.cumulative_sum, LINES, _cumulative),
    np.cumulative_prod: one(np.cumulative_prod, LINES, _cumulative),
    np.nancumsum: with_nan(np.nancumsum, TWO_OF_EACH, one_axis_or_none),
    np.nancumprod: with_nan(np.nancumprod, TWO_OF_EACH, one_axis_or_none),
    np.diff: _diff,
    np.ediff1d: one(np.ediff1d, ANY, lambda draw, shape: {"to_begin": 1.0, "to_end": [2.0, 3.0]}),
    np.trapezoid: _trapezoid,
    # shaping
    np.reshape: one(np.reshape, ANY, _cut(1)),
    np.ravel: one(np.ravel),
    np.copy: one(np.copy),
    np.astype: one(lambda x: np.astype(x, np.float64)),
    np.real: one(np.real),
    np.real_if_close: one(np.real_if_close),
    np.transpose: one(np.transpose, ANY, lambda draw, s: {"axes": draw(st.permutations(range(len(s))))}),
    np.permute_dims: one(np.permute_dims),
    np.matrix_transpose: one(np.matrix_transpose, TABLES),
    np.swapaxes: one(np.swapaxes, LINES, _two_axes(("axis1", "axis2"))),
    np.moveaxis: one(np.moveaxis, ANY, _moveaxis),
    np.rollaxis: one(np.rollaxis, LINES, _two_axes(("axis", "start"))),
    np.expand_dims: one(np.expand_dims, ANY, _stack_axis),
    np.squeeze: one(np.squeeze, box((0, 3), least=1, most=2)),
    np.atleast_1d: _each_other(np.atleast_1d),
    np.atleast_2d: _each_other(np.atleast_2d),
    np.atleast_3d: _each_other(np.atleast_3d),
    np.broadcast_to: _broadcast_to,
    np.broadcast_arrays: _each_other(np.broadcast_arrays),
    np.meshgrid: _meshgrid,
    np.flip: one(np.flip, ANY, _flip),
    np.fliplr: one(np.fliplr, TABLES),
    np.flipud: one(np.flipud, LINES),
    np.rot90: one(np.rot90, TABLES, _rot90),
    np.roll: one(np.roll, ANY, _roll),
    # picking
    np.take: one(np.take, box((0, 3), least=1), _take),
    np.take_along_axis: _take_along_axis,
    np.compress: _compress,
    np.extract: _extract,
    np.choose: _choose,
    np.delete: one(np.delete, LINES, _delete),
    np.trim_zeros: _trim_zeros,
    np.diagonal: one(np.diagonal, TABLES, _diagonal),
    np.diag: one(np.diag, box((1, 2)), _band),
    np.diagflat: one(np.diagflat, ANY, _band),
    np.trace: one(np.trace, TABLES, _diagonal),
    np.tril: one(np.tril, LINES, _band),
    np.triu: one(np.triu, LINES, _band),
    # joining and splitting
    np.concatenate: _joined_along,
    np.stack: some(np.stack, ANY, _stack_axis),
    np.hstack: some(np.hstack),
    np.vstack: some(np.vstack),
    np.dstack: some(np.dstack),
    np.column_stack: some(np.column_stack, LINES),
    np.append: _append,
    np.block: _block,
    np.split: _sections(np.split, LINES, axis, equal=True),
    np.array_split: _sections(np.array_split, LINES, axis, equal=False),
    np.hsplit: _sections(np.hsplit, LINES, lambda draw, shape: None, equal=True),
    np.vsplit: _sections(np.vsplit, TABLES, lambda draw, shape: None, equal=True),
    np.dsplit: _sections(np.dsplit, box(3), lambda draw, shape: None, equal=True),
    np.unstack: one(np.unstack, box((1, 3), least=1), one_axis),
    # repeating
    np.tile: one(np.tile, ANY, _tile),
    np.repeat: one(np.repeat, ANY, _repeat),
    np.resize: one(np.resize, ANY, lambda draw, shape: {"new_shape": draw(box((1, 2)))}),
    np.pad: one(np.pad, box((1, 3), least=1), _pad),
}
