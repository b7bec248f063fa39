"""Checking derivatives against numbers: what a function's values say, without any rule."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from .differences import difference, largest
from .recording import no_grad
from .rules.operands import as_array, numbers
from .tensor import Array, Tensor
from .transforms import jvp, vjp
from .trees import Tree, flatten

RELATIVE = {"float16": 1e-1, "float32": 2e-3, "float64": 1e-6}
"""Relative tolerance by the coarsest dtype among arguments and results."""

_COMPLEX_STEP = 1e-30
_SMALL = 1_000  # entries of a Jacobian that are all computed to name the worst


class GradientMismatch(AssertionError):
    """A derivative is not what the function's values say."""


def check_gradients(
    f: Callable[..., Tree],
    *args: Any,
    modes: Sequence[str] = ("rev", "fwd"),
    order: int = 2,
    full: bool = False,
    rtol: float | None = None,
    atol: float | None = None,
    seed: int = 0,
) -> None:
    """
    Compare the derivatives of ``f`` with differences of its values.

    Differences are central ones, extrapolated, at the step that rounding allows; where the function computes
    with complex numbers, complex steps, Im f(x + ihv) / h, which are exact to rounding.

    Every order is checked in every mode, and so are their combinations: the second order is the derivative
    of the first, by the point and by the cotangent or tangent that it starts from. By default in one random
    direction, ⟨w, ∂f·v⟩, which any wrong entry changes; where that differs by more than rounding, entries
    are compared and the worst is named.

    Parameters
    ----------
    f : callable
        Takes Tensors, or lists, tuples and dictionaries of them, and returns such.
    *args : array_like, or trees of them
        Where to check; floats are differentiated, everything else is constant. Stay away from kinks: there a
        derivative is a convention, and differences are something else.
    modes : sequence of {"rev", "fwd"}
        Backwards, forwards.
    order : int
        Up to which order, 1 or more.
    full : bool
        Compare every entry, one direction at a time, instead of one random direction.
    rtol : float, optional
        Relative tolerance of an entry; by default from the coarsest dtype among arguments and results: 1e-6
        in float64, 2e-3 in float32.
    atol : float, optional
        Absolute tolerance of an entry; by default a hundred roundings of the largest value and derivative.
        The errors of the differences and of the rules' arithmetic, which are estimated, are allowed as well.
    seed : int
        Of the random directions.

    Raises
    ------
    GradientMismatch
        Naming order, mode, and the worst entry: by which argument at which index, of which result. In a large
        Jacobian it is one of the wrong entries, found by halving.
    ValueError
        If the function gives different results for the same arguments, nothing can be differentiated, or a
        number is not finite where derivatives are checked.

    Examples
    --------
    >>> import numpy as np, minigrad as mg
    >>> mg.check_gradients(lambda x, y: np.sum(np.sin(x) * y), [0.5, 1.0], 2.0)
    >>> mg.check_gradients(lambda x: x * x.detach(), 3.0)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    minigrad.check.GradientMismatch: order 1, mode rev: ... is 3, but the values of <lambda> say 6 ...
    """
    known = isinstance(modes, (list, tuple)) and all(mode in ("rev", "fwd") for mode in modes)
    if not known or not modes:
        raise ValueError(f'modes are "rev" and "fwd", such as modes=("rev",), but got {modes!r}')
    if not isinstance(order, int) or order < 1:
        raise ValueError(f"order is a whole number from 1 on, but got {order!r}")
    function = _Function.of(f, args)
    function.check_repeats()
    coarsest = max((x for x in (*function.point, *function.values) if x.dtype.kind == "f"), key=_eps)
    relative = RELATIVE.get(coarsest.dtype.name, RELATIVE["float64"]) if rtol is None else rtol
    tolerance = _Tolerance(relative, atol, _eps(coarsest))
    rng = np.random.default_rng(seed)
    functions = [function]
    for _ in range(order):
        functions = [g for f in functions for g in _check(f, modes, full, tolerance, rng)]


def _check(
    function: _Function, modes: Sequence[str], full: bool, tolerance: _Tolerance, rng: np.random.Generator
) -> list[_Function]:
    """Compare the derivative with differences in every mode; return it, to be checked in turn."""
    tangent, cotangent = (
        rng.uniform(0.5, 2, n) * rng.choice([-1, 1], n) for n in (function.sizes.size, function.value.size)
    )
    tangent *= function.sizes
    seeds = {"rev": cotangent, "fwd": tangent}
    along = function.difference(tangent, tolerance)
    for mode in modes:
        rows, columns = np.arange(cotangent.size), np.arange(tangent.size)
        if not full:
            if _agrees(function, mode, tangent, cotangent, along, tolerance):
                continue
            rows, columns = _narrowed(function, mode, tangent, cotangent, tolerance)
        if rows.size and columns.size:
            _compare_entries(function, mode, seeds[mode], rows, columns, tolerance)
    return [function.derivative(mode, seeds[mode]) for mode in modes]


@dataclass(frozen=True)
class _Tolerance:
    """How much a derivative may differ from differences."""

    relative: float
    absolute: float | None
    eps: float

    def rounding(self, function: _Function, numeric: Array) -> float:
        """Return a hundred roundings of the largest value, and derivative times argument."""
        return 100 * self.eps * (largest(numeric) + largest(function.value))


@dataclass(frozen=True)
class _Function:
    """
    A function of arrays that gives arrays, at a point; its checks see one of a vector that gives a vector.

    Attributes
    ----------
    name : str
        What errors call it.
    run : callable
        From a list of Tensors to a list of Tensors.
    point : list of arrays
        Where to check.
    labels : list of str
        What errors call these arrays.
    path : tuple of str
        The modes by which it is a derivative of the function that was given.
    call : callable, optional
        The same on arrays, complex ones perhaps; derivatives are of real Tensors alone.
    """

    name: str
    run: Callable[[list[Any]], list[Any]]
    point: list[Array]
    labels: list[str]
    path: tuple[str, ...] = ()
    call: Callable[[list[Any]], list[Any]] | None = None

    @classmethod
    def of(cls, f: Callable[..., Tree], args: tuple[Any, ...]) -> _Function:
        """Make one of a function of trees: of their floats, everything else being constant."""
        leaves, rebuild = flatten(args)
        places = [k for k, leaf in enumerate(leaves) if _is_float(leaf)]
        name = str(getattr(f, "name", "") or getattr(f, "__name__", type(f).__name__))
        if not places:
            raise ValueError(f"no argument of {name} is made of floats: there is nothing to differentiate by")

        def call(arrays: list[Any]) -> list[Any]:
            given = list(leaves)
            for k, array in zip(places, arrays, strict=True):
                given[k] = array
            return flatten(f(*rebuild(given)))[0]

        def run(arrays: list[Any]) -> list[Any]:
            results = call(arrays)
            for y in results:
                if not isinstance(y, Tensor):
                    raise TypeError(f"{name} must return a Tensor, but returned {type(y).__name__}")
            return [y if y.dtype.kind == "f" else y.astype(float) for y in results]

        labels = []
        for k, arg in enumerate(args):
            count = len(flatten(arg)[0])
            labels += [f"argument {k}" + (f", array {j}" if count > 1 else "") for j in range(count)]
        point = [np.array(numbers(leaves[k])) for k in places]
        for k, x in zip(places, point, strict=True):
            if not np.all(np.isfinite(x)):
                worst = int(np.argmin(np.isfinite(x)))
                index = _place(worst, [x])[1]
                raise ValueError(
                    f"{labels[k]}{index} is {x.flat[worst]}: derivatives are checked at finite numbers, "
                    f"which differences can step away from"
                )
        return cls(name, run, point, [labels[k] for k in places], call=call)

    def at(self, point: Sequence[Array]) -> list[Array]:
        """Return its values at another point."""
        with no_grad():
            return [np.array(numbers(y)) for y in self.run([Tensor(np.array(x)) for x in point])]

    @cached_property
    def values(self) -> list[Array]:
        """What it gives at the point."""
        return self.at(self.point)

    @cached_property
    def value(self) -> Array:
        """The same in one vector."""
        return _vector(self.values)

    @cached_property
    def sizes(self) -> Array:
        """For each number that it takes, the largest of its array: differences step by parts of that."""
        return _vector([np.full(x.shape, largest(x) or 1.0) for x in self.point])

    def nudged(self, k: int) -> _Function:
        """Return the same ``k`` roundings away, where what was equal is equal still."""
        return replace(self, point=[x * (1 + k * np.finfo(x.dtype).eps) for x in self.point])

    def check_repeats(self) -> None:
        """Raise if the function depends on something else than its arguments."""
        again = self.at(self.point)
        if any(not np.array_equal(a, b, equal_nan=True) for a, b in zip(self.values, again, strict=True)):
            raise ValueError(
                f"{self.name} gave two different results for the same arguments; is there dropout in it "
                f"(net.eval()), or another random draw?"
            )

    def title(self, mode: str) -> str:
        """Return what errors call its derivative."""
        return f"order {len(self.path) + 1}, mode {' of '.join((mode, *self.path))}"

    def derivative(self, mode: str, direction: Array) -> _Function:
        """Return the derivative as a function of the point and of the cotangents or tangents, at these."""
        count = len(self.point)
        if mode == "rev":
            like, labels = self.values, [f"the cotangent of result {k}" for k in range(len(self.values))]
        else:
            like, labels = self.point, [f"the tangent of {label}" for label in self.labels]
        parts = [part.astype(x.dtype) for part, x in zip(_split(direction, like), like, strict=True)]

        def of_tuple(*arrays: Any) -> tuple[Any, ...]:
            return tuple(self.run(list(arrays)))

        def run(arrays: list[Any]) -> list[Any]:
            x, v = arrays[:count], arrays[count:]
            return list(vjp(of_tuple, *x)[1](tuple(v)) if mode == "rev" else jvp(of_tuple, x, v)[1])

        name = f"the derivative ({mode}) of {self.name}"
        return _Function(name, run, [*self.point, *parts], [*self.labels, *labels], (mode, *self.path))

    def exact(self, mode: str, direction: Array) -> Array:
        """Return what the rules say: cotangents of the arguments, or forwards tangents of the results."""
        found, like = self.derivative(mode, direction).values, self.point if mode == "rev" else self.values
        for k, (derivative, x) in enumerate(zip(found, like, strict=True)):
            if derivative.shape != x.shape or derivative.dtype != x.dtype:
                what = f"by {self.labels[k]}" if mode == "rev" else f"of result {k}"
                raise GradientMismatch(
                    f"{self.title(mode)}: the derivative {what} has shape {derivative.shape} and dtype "
                    f"{derivative.dtype}, but that has shape {x.shape} and dtype {x.dtype}"
                )
        return _vector(found)

    def entries(self, mode: str, seeds: Array, rows: Array, columns: Array) -> Array:
        """Return entries of the Jacobian by the rules, from one cotangent or tangent at a time."""
        if mode == "rev":
            return np.stack([self.exact("rev", _only(seeds, i))[columns] / seeds[i] for i in rows])
        return np.stack([self.exact("fwd", _only(seeds, j))[rows] / seeds[j] for j in columns], axis=1)

    def difference(self, tangent: Array, tolerance: _Tolerance) -> tuple[Array, Array]:
        """Return the derivative in a direction from values alone, and its error."""

        def f(x: Array) -> Array:
            return _vector(self.at(_split(x, self.point)))

        slope, error = difference(f, _vector(self.point), tangent, enough=0.01 * tolerance.relative)
        exact = self._complex_step(tangent)
        if exact is None or exact.shape != slope.shape:
            return slope, error
        # What is analytic agrees with differences; what is not, such as abs, does so in places at most.
        analytic = np.abs(exact - slope) <= error + 1e-6 * np.abs(slope)
        return np.where(analytic, exact, slope), np.where(analytic, 0.01 * error, error)

    def _complex_step(self, tangent: Array) -> Array | None:
        """Return Im f(x + ihv) / h, exact to rounding; None where the function takes no complex numbers."""
        if self.call is None:
            return None
        moved = _split(_vector(self.point) + 1j * _COMPLEX_STEP * tangent, self.point)
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                results = [np.asarray(y) for y in self.call(moved)]
        except Exception:  # whatever a function says to complex numbers, it does not take them
            return None
        return _vector([y.imag / _COMPLEX_STEP for y in results])


def _agrees(
    function: _Function,
    mode: str,
    tangent: Array,
    cotangent: Array,
    along: tuple[Array, Array],
    tolerance: _Tolerance,
) -> bool:
    """Return whether ⟨w, ∂f·v⟩, and forwards each entry of ∂f·v, is what differences say, to rounding."""
    numeric, error = along
    allowed = error + tolerance.rounding(function, numeric)
    if mode == "fwd":
        return bool(np.all(_excess(function.exact("fwd", tangent), numeric, allowed) <= 1))
    exact = function.exact("rev", cotangent) @ tangent
    return bool(_excess(exact, cotangent @ numeric, np.abs(cotangent) @ allowed) <= 1)


def _narrowed(
    function: _Function, mode: str, tangent: Array, cotangent: Array, tolerance: _Tolerance
) -> tuple[Array, Array]:
    """Halve the Jacobian, keeping the half that differs more, until all that is left can be compared."""

    def differs(block: tuple[Array, Array]) -> float:
        w, v = _only(cotangent, block[0]), _only(tangent, block[1])
        numeric, _ = function.difference(v, tolerance)
        exact = function.exact(mode, w) @ v if mode == "rev" else w @ function.exact(mode, v)
        return float(np.nan_to_num(np.abs(exact - w @ numeric), nan=np.inf))

    block = np.arange(cotangent.size), np.arange(tangent.size)
    while block[0].size * block[1].size > _SMALL:
        longer = int(block[1].size >= block[0].size)
        halves = np.array_split(block[longer], 2)
        block = max(((block[0], h) if longer else (h, block[1]) for h in halves), key=differs)
    return block


def _compare_entries(
    function: _Function,
    mode: str,
    seeds: Array,
    rows: Array,
    columns: Array,
    tolerance: _Tolerance,
) -> None:
    """Compute these entries of the Jacobian, and raise with the worst if they don't agree."""
    sizes = function.sizes[columns]
    along = [function.difference(_only(function.sizes, j), tolerance) for j in columns]
    numeric, error = (np.stack([found[k][rows] for found in along], axis=1) for k in (0, 1))
    rounding = tolerance.rounding(function, numeric) / sizes
    absolute = rounding if tolerance.absolute is None else np.full_like(rounding, tolerance.absolute)
    numeric, error = numeric / sizes, error / sizes
    allowed = absolute + tolerance.relative * np.abs(numeric) + error
    exact = function.entries(mode, seeds, rows, columns)
    if np.any(
        _excess(exact, numeric, allowed) > 1
    ):  # rules round as well: as much as changes with the digits
        others = [function.nudged(k).entries(mode, seeds / k, rows, columns) for k in (3, 5, 7)]
        allowed = allowed + 20 * np.max([np.abs(other - exact) for other in others], axis=0)
    excess = _excess(exact, numeric, allowed)
    if np.all(excess <= 1):
        return
    i, j = np.unravel_index(int(np.argmax(excess)), excess.shape)
    argument, index = _place(columns[j], function.point)
    result, at = _place(rows[i], function.values)
    raise GradientMismatch(
        f"{function.title(mode)}: the derivative by {function.labels[argument]}{index} of result"
        f"{f' {result}' if len(function.values) > 1 else ''}{at} is {exact[i, j] + 0.0:.8g}, but the values "
        f"of {function.name} say {numeric[i, j]:.8g} (the worst entry; {allowed[i, j]:.1g} is allowed). "
        f"Is the rule wrong, or the point at a kink?"
    )


def _excess(exact: Array, numeric: Array, allowed: Array) -> Array:
    """Return how many times what is allowed the difference is; infinite where one alone is nan."""
    with np.errstate(all="ignore"):
        excess = np.where(exact == numeric, 0, np.abs(exact - numeric) / allowed)
    return np.where(np.isnan(exact) & np.isnan(numeric), 0, np.where(np.isnan(excess), np.inf, excess))


def _is_float(leaf: Any) -> bool:
    known = isinstance(leaf, (Tensor, np.ndarray, np.generic, int, float, list))
    return known and bool(as_array(numbers(leaf)).dtype.kind == "f")


def _eps(x: Array) -> float:
    return float(np.finfo(x.dtype).eps)


def _vector(arrays: Sequence[Array]) -> Array:
    """All entries of all arrays, in double precision."""
    return np.concatenate([np.zeros(0), *(np.ravel(x) for x in arrays)])


def _split(vector: Array, like: Sequence[Array]) -> list[Array]:
    """Give a vector the shapes of arrays."""
    parts = np.split(vector, np.cumsum([x.size for x in like])[:-1]) if like else []
    return [part.reshape(x.shape) for part, x in zip(parts, like, strict=True)]


def _only(vector: Array, kept: Any) -> Array:
    """Return a vector with all other entries 0."""
    return np.where(np.isin(np.arange(vector.size), kept), vector, 0)


def _place(k: int, arrays: Sequence[Array]) -> tuple[int, str]:
    """Return the array in which entry ``k`` of the vector lies, and its index there, as written in code."""
    ends = np.cumsum([x.size for x in arrays])
    number = int(np.searchsorted(ends, k, side="right"))
    array = arrays[number]
    index = [int(i) for i in np.unravel_index(k - ends[number] + array.size, array.shape)]
    return number, str(index) if index else ""
