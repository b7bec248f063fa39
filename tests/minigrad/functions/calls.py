"""Calls of NumPy's array functions: for each one, how hypothesis draws shapes, axes and options."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minigrad as mg

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


def of_some(draw: Draw, shape: Shape) -> dict[str, Any]:
    """Also of those entries alone that a mask leaves, and with one more."""
    given = reduced(draw, shape)
    if draw(st.booleans()):
        given["initial"] = 0.71
        given |= draw(st.sampled_from([{}, {"where": draw(hnp.arrays(bool, shape[-1:]))}]))
    return given


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
    return {"q": shares, "method": draw(st.sampled_from(METHODS)), **reduced(draw, shape)}


METHODS = [
    "linear", "lower", "higher", "midpoint", "nearest", "inverted_cdf", "averaged_inverted_cdf",
    "closest_observation", "interpolated_inverted_cdf", "hazen", "weibull", "median_unbiased",
    "normal_unbiased",
]  # fmt: skip


def _of_rows(options: Options) -> Options:
    """The same over one axis at least: of a single number nothing is left, and that may be nan."""
    return lambda draw, shape: options(draw, shape) | reduced_for_good(draw, shape)


def _partition(draw: Draw) -> Call:
    """What NumPy promises of it: the entry in its place, and which ones are before and after it."""
    shape = draw(box((1, 2), least=1))
    k = draw(st.integers(-shape[-1], shape[-1] - 1))

    def parts(x: Any) -> list[Any]:
        y = np.partition(x, k)
        return [np.sort(y[..., :k]), y[..., k], np.sort(y[..., k + 1 or len(x) :])]

    return [shape], parts


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


def _ascending(draw: Draw, n: int) -> np.ndarray:
    """Places from left to right, not too close."""
    return np.cumsum(np.random.default_rng(draw(seeds)).uniform(0.5, 1.5, n))


def _gradient(draw: Draw) -> Call:
    order = draw(st.sampled_from([1, 2]))
    shape = draw(box((1, 3), least=order + 1, most=4))
    chosen = draw(st.sampled_from([None, -1, (0,), (-1, 0) if len(shape) > 1 else 0]))
    along = range(len(shape)) if chosen is None else np.ravel(chosen).tolist()
    given = {"axis": chosen, "edge_order": order}
    apart = draw(st.sampled_from(["one", "half", "each", "places"]))
    if apart == "places":
        places = [_ascending(draw, shape[k]) for k in along]
        return [shape, *places], lambda f, *xs: np.gradient(f, *xs, **given)
    spacings = {"one": [], "half": [0.5], "each": [0.5 + k for k in range(len(along))]}[apart]
    return [shape], lambda f: np.gradient(f, *spacings, **given)


def _interp(draw: Draw) -> Call:
    """Between the points and beyond them, never near one."""
    n, shape = draw(st.integers(1, 4)), draw(ANY)
    xp, rng = _ascending(draw, n), np.random.default_rng(draw(seeds))
    ends = np.array([xp[0] - 1, *xp, xp[-1] + 1])
    k = rng.integers(0, n + 1, shape)
    x = ends[k] + rng.uniform(0.2, 0.8, shape) * (ends[k + 1] - ends[k])
    beyond = {"left": draw(st.sampled_from([None, 7.0])), "right": draw(st.sampled_from([None, -7.0]))}
    given = draw(st.sampled_from([beyond, {"period": np.ptp(xp) + 3}]))
    return [x, xp, rng.normal(size=n)], lambda x, xp, fp: np.interp(x, xp, fp, **given)


def _slid(function: Any) -> Any:
    """Calls with two rows and a mode."""

    def draw_call(draw: Draw) -> Call:
        rows = [(draw(st.integers(1, 5)),) for _ in range(2)]
        mode = draw(st.sampled_from(["full", "same", "valid"]))
        return rows, lambda a, v: function(a, v, mode)

    return draw_call


def _unwrap(draw: Draw, shape: Shape) -> dict[str, Any]:
    """Periods that no difference between the numbers is half of."""
    given = {"axis": axis(draw, shape), "discont": draw(st.sampled_from([None, 2.501]))}
    return given | ({"period": 3.901} if draw(st.booleans()) else {})


def _cov(draw: Draw) -> Call:
    n, rowvar = draw(st.integers(4, 5)), draw(st.booleans())
    shapes = [(draw(st.integers(1, 3)), n) for _ in range(draw(st.integers(1, 2)))]
    shapes = [shape if rowvar else shape[::-1] for shape in shapes]
    shapes = [(n,)] if draw(st.booleans()) else shapes
    given: dict[str, Any] = {"rowvar": rowvar, "ddof": draw(st.sampled_from([None, 0, 1]))}
    given |= {"bias": draw(st.booleans())}
    given |= draw(st.sampled_from([{}, {"fweights": [1, 2, 0, 3, 1][:n]}]))
    if not draw(st.booleans()):
        return list(shapes), lambda *xs: np.cov(*xs, **given)
    w = np.random.default_rng(draw(seeds)).uniform(0.5, 2, n)
    return [*shapes, w], lambda *xs: np.cov(*xs[:-1], aweights=xs[-1], **given)


def _corrcoef(draw: Draw) -> Call:
    shapes = [(draw(st.integers(1, 3)), 4) for _ in range(draw(st.integers(1, 2)))]
    return list(shapes), lambda *xs: np.corrcoef(*xs)


def _insert(draw: Draw) -> Call:
    shape = draw(box((1, 3), least=1))
    along = axis(draw, shape)
    n = shape[along]
    obj = draw(
        st.one_of(
            st.integers(-n, n),
            st.lists(st.integers(-n, n), max_size=3),
            hnp.arrays(bool, n),
            st.just(slice(0, 2)),
        )
    )
    count = np.insert(np.zeros(n), obj, 0.0).size - n
    new = tuple(count if k == along % len(shape) else m for k, m in enumerate(shape))
    if isinstance(obj, int) and draw(st.booleans()):  # as many before one place as there are
        new = (2, *(m for k, m in enumerate(shape) if k != along % len(shape)))
    if draw(st.booleans()):
        new = ()
    if draw(st.booleans()):
        return [shape, new], lambda x, y: np.insert(x, obj, y, axis=along)
    row = (int(np.prod(shape)),)
    return [row, ()], lambda x, y: np.insert(x, obj, y)


def _two_rows(function: Any) -> Any:
    """Calls with two rows, of one entry at least."""

    def draw_call(draw: Draw) -> Call:
        return [draw(box(1, least=1, most=4)) for _ in range(2)], function

    return draw_call


def _polydiv(draw: Draw) -> Call:
    """A divisor that starts well away from 0, and is not longer than the dividend."""
    v = np.random.default_rng(draw(seeds)).normal(size=draw(st.integers(1, 3)))
    v[0] = np.copysign(1 + abs(v[0]), v[0])
    return [(draw(st.integers(v.size, 5)),), v], np.polydiv


def _polyval(draw: Draw) -> Call:
    return [draw(box(1, least=1, most=4)), draw(ANY)], np.polyval


def _polyint(draw: Draw) -> Call:
    m = draw(st.integers(1, 3))
    constants = draw(st.sampled_from([None, 2.0, [1.0, 2.0, 3.0]]))
    return [draw(box(1, least=1, most=4))], lambda p: np.polyint(p, m, constants)


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
    statistics = ["maximum", "mean", "median", "minimum"]
    mode = draw(
        st.sampled_from(["constant", "edge", "reflect", "symmetric", "wrap", "linear_ramp", *statistics])
    )
    given: dict[str, Any] = {"pad_width": width, "mode": mode}
    if mode == "constant" and draw(st.booleans()):
        given["constant_values"] = draw(st.sampled_from([2.0, (1.0, -1.0)]))
    if mode == "linear_ramp" and draw(st.booleans()):
        given["end_values"] = draw(st.sampled_from([2.0, (1.0, -1.0)]))
    if mode in statistics and draw(st.booleans()):
        given["stat_length"] = draw(st.sampled_from([1, (2, 3)]))
    return given


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


def _bincount(draw: Draw) -> Call:
    places = draw(hnp.arrays(np.intp, draw(st.integers(1, 5)), elements=st.integers(0, 4)))
    least = draw(st.sampled_from([0, 7]))
    return [places.shape], lambda w: np.bincount(places, w, least)


def _histogram(draw: Draw) -> Call:
    """Entries well inside their bins, but for the first and the last, which make them."""
    bins, rng = draw(st.integers(1, 4)), np.random.default_rng(draw(seeds))
    inside = (rng.integers(0, bins, 5) + rng.uniform(0.3, 0.7, 5)) / bins
    x = rng.permutation([0.0, 1.0, *inside]) * 3 - 1.5
    density = draw(st.booleans())
    weights = rng.uniform(1, 2, x.shape)
    how = draw(st.sampled_from(["weights", "density", "edges"]))
    if how == "weights":
        return [x, weights], lambda x, w: np.histogram(x, bins, weights=w, density=density)
    if how == "density":
        return [x], lambda x: np.histogram(x, bins, density=True)
    edges = np.linspace(-1.6, 1.6, bins + 1)
    return [edges, weights], lambda e, w: np.histogram(x, e, weights=w, density=density)


def _linspace(draw: Draw) -> Call:
    given: dict[str, Any] = {"endpoint": draw(st.booleans()), "axis": draw(st.sampled_from([0, -1]))}
    given |= draw(st.sampled_from([{"num": 0}, {"num": 1}, {"num": 4}, {"num": 3, "retstep": True}]))
    return broadcasting(draw, 2), lambda a, b: np.linspace(a, b, **given)


def _logspace(draw: Draw) -> Call:
    given: dict[str, Any] = {"num": draw(st.integers(0, 4)), "endpoint": draw(st.booleans())}
    first, second, third = broadcasting(draw, 3)
    if draw(st.booleans()):
        return [first, second], lambda a, b: np.logspace(a, b, base=2.0, **given)
    base = np.random.default_rng(draw(seeds)).uniform(0.5, 2, third or (1,))
    return [first, second, base], lambda a, b, c: np.logspace(a, b, base=c, **given)


def _geomspace(draw: Draw) -> Call:
    given: dict[str, Any] = {"num": draw(st.integers(0, 4)), "endpoint": draw(st.booleans())}
    given["axis"] = draw(st.sampled_from([0, -1]))
    rng, sign = np.random.default_rng(draw(seeds)), draw(st.sampled_from([1, -1]))
    ends = [np.asarray(sign * rng.uniform(0.5, 2, shape)) for shape in broadcasting(draw, 2)]
    return list(ends), lambda a, b: np.geomspace(a, b, **given)


def _full_like(draw: Draw) -> Call:
    shape, other = broadcasting(draw, 2)
    wide = np.broadcast_shapes(shape, other)
    given = draw(st.sampled_from([{}, {"shape": (2, *wide)}]))

    def filled(x: Any, y: Any) -> Any:  # NumPy's does not ask its second argument
        return (np if isinstance(y, np.ndarray) else mg).full_like(x, y, **given) * x

    return [wide, shape], filled


def _set_of_two(function: Any) -> Any:
    """Calls with two sets, of which the first has the second within it."""

    def draw_call(draw: Draw) -> Call:
        shapes: list[Any] = [draw(box((1, 2))) for _ in range(2)]
        return shapes, lambda x, y: function(np.concatenate([x, y, x], axis=None), y)

    return draw_call


def _unique(draw: Draw) -> Call:
    shape = draw(box((1, 3), least=1))
    given = one_axis_or_none(draw, shape)
    twice = given["axis"] or 0

    def values(x: Any) -> Any:
        found = np.unique(np.concatenate([x, x], axis=twice), return_counts=True, **given)
        return found[0] * np.max(found[1])

    return [shape], values


def _windows(draw: Draw) -> Call:
    shape = draw(box((1, 3), least=1))
    if draw(st.booleans()):
        lengths = tuple(draw(st.integers(0, n)) for n in shape)
        return [shape], lambda x: np.lib.stride_tricks.sliding_window_view(x, lengths)
    k = axis(draw, shape)
    n = draw(st.integers(1, shape[k]))
    return [shape], lambda x: np.lib.stride_tricks.sliding_window_view(x, (n, 1), axis=(k, k))


TWO_OF_EACH = box((1, 2), least=2, most=4)

CALLS: dict[Any, Callable[[Draw], Call]] = {
    # reductions
    np.sum: one(np.sum, ANY, of_some),
    np.prod: one(np.prod, ANY, of_some),
    np.mean: one(np.mean, NONE_EMPTY, reduced),
    np.average: _average,
    np.var: one(np.var, TWO_OF_EACH, spread_over),
    np.std: one(np.std, TWO_OF_EACH, spread_over),
    np.max: one(np.max, NONE_EMPTY, of_some),
    np.min: one(np.min, NONE_EMPTY, of_some),
    np.amax: one(np.amax, NONE_EMPTY, reduced),
    np.amin: one(np.amin, NONE_EMPTY, reduced),
    np.ptp: one(np.ptp, NONE_EMPTY, reduced),
    np.nansum: with_nan(np.nansum, TWO_OF_EACH, of_some),
    np.nanprod: with_nan(np.nanprod, TWO_OF_EACH, of_some),
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
    np.nanmedian: with_nan(np.nanmedian, TWO_OF_EACH, reduced_for_good),
    np.nanquantile: with_nan(np.nanquantile, TWO_OF_EACH, _of_rows(_quantiles)),
    np.nanpercentile: with_nan(np.nanpercentile, TWO_OF_EACH, _of_rows(_percentiles)),
    np.partition: _partition,
    # statistics
    np.cov: _cov,
    np.corrcoef: _corrcoef,
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
    np.gradient: _gradient,
    # signals
    np.convolve: _slid(np.convolve),
    np.correlate: _slid(np.correlate),
    np.interp: _interp,
    np.unwrap: one(np.unwrap, LINES, _unwrap),
    # polynomials
    np.poly: one(np.poly, box(1, least=1, most=4)),
    np.polyadd: _two_rows(np.polyadd),
    np.polysub: _two_rows(np.polysub),
    np.polymul: _two_rows(np.polymul),
    np.polydiv: _polydiv,
    np.polyder: one(np.polyder, box(1, least=1, most=4), lambda draw, s: {"m": draw(st.integers(0, 3))}),
    np.polyint: _polyint,
    np.polyval: _polyval,
    np.vander: one(
        np.vander,
        box(1, most=4),
        lambda draw, s: {"N": draw(st.sampled_from([None, 0, 1, 4])), "increasing": draw(st.booleans())},
    ),
    # counting
    np.bincount: _bincount,
    np.histogram: _histogram,
    np.histogram_bin_edges: one(
        np.histogram_bin_edges, NONE_EMPTY, lambda draw, s: {"bins": draw(st.integers(1, 4))}
    ),
    # making
    np.linspace: _linspace,
    np.logspace: _logspace,
    np.geomspace: _geomspace,
    np.full_like: _full_like,
    # sets
    np.unique: _unique,
    np.unique_all: one(lambda x: np.unique_all(x).values),
    np.unique_counts: one(lambda x: np.unique_counts(x).values),
    np.unique_inverse: one(lambda x: np.unique_inverse(x).values),
    np.unique_values: one(lambda x: np.sort(np.unique_values(x))),
    np.union1d: _set_of_two(np.union1d),
    np.intersect1d: _set_of_two(np.intersect1d),
    np.setdiff1d: _set_of_two(np.setdiff1d),
    np.setxor1d: _set_of_two(np.setxor1d),
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
    np.insert: _insert,
    np.block: _block,
    np.split: _sections(np.split, LINES, axis, equal=True),
    np.array_split: _sections(np.array_split, LINES, axis, equal=False),
    np.hsplit: _sections(np.hsplit, LINES, lambda draw, shape: None, equal=True),
    np.vsplit: _sections(np.vsplit, TABLES, lambda draw, shape: None, equal=True),
    np.dsplit: _sections(np.dsplit, box(3), lambda draw, shape: None, equal=True),
    np.unstack: one(np.unstack, box((1, 3), least=1), one_axis),
    # repeating
    np.tile: one(np.tile, ANY, _tile),
    np.lib.stride_tricks.sliding_window_view: _windows,
    np.repeat: one(np.repeat, ANY, _repeat),
    np.resize: one(np.resize, ANY, lambda draw, shape: {"new_shape": draw(box((1, 2)))}),
    np.pad: one(np.pad, box((1, 3), least=1), _pad),
}
