"""Checking derivatives against numbers: what a function's values say, without any rule."""

from __future__ import annotations

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

_SMALL = 10_000  # entries of a Jacobian that are all computed to name the worst


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

    Every order is checked in every mode, and so are their combinations: the second by differences of the
    first. By default in one random direction, ⟨w, ∂f·v⟩, which any wrong entry changes; where that
    differs by more than rounding, entries are compared and the worst is named. Differences are central ones,
    with smaller and smaller steps, extrapolated until they settle (Ridders 1982); or complex steps,
    Im f(x + ih·v)/h, exact to rounding, where the function takes complex numbers and both agree.

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
        The error of the differences themselves, which is estimated, is allowed in addition.
    seed : int
        Of the random directions.

    Raises
    ------
    GradientMismatch
        Naming order, mode, and the worst entry: by which argument at which index, of which result. In a large
        Jacobian it is one of the wrong entries, found by halving.
    ValueError
        If the function gives different results for the same arguments, or nothing can be differentiated.

    Examples
    --------
    >>> import numpy as np, minigrad as mg
    >>> mg.check_gradients(lambda x, y: np.sum(np.sin(x) * y), [0.5, 1.0], 2.0)
    >>> mg.check_gradients(lambda x: x * x.detach(), 3.0)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    minigrad.check.GradientMismatch: order 1, mode rev: ... is 3, but the values of <lambda> say 6 ...
    """
    wrong = [mode for mode in modes if mode not in ("rev", "fwd")]
    if wrong or not modes or isinstance(modes, str):
        raise ValueError(f'modes are "rev" and "fwd", such as modes=("rev",), but got {modes!r}')
    if not isinstance(order, int) or order < 1:
        raise ValueError(f"order is a whole number from 1 on, but got {order!r}")
    function = _Function.of(f, args)
    function.check_repeats()
    coarsest = max((x for x in (*function.point, *function.values) if x.dtype.kind == "f"), key=_eps)
    relative = RELATIVE.get(coarsest.dtype.name, RELATIVE["float64"]) if rtol is None else rtol
    tolerance = _Tolerance(relative, atol, _eps(coarsest))
    _check(function, tuple(modes), order, full, tolerance, np.random.default_rng(seed))


def _check(
    function: _Function,
    modes: tuple[str, ...],
    order: int,
    full: bool,
    tolerance: _Tolerance,
    rng: np.random.Generator,
) -> None:
    """Check the first derivative, and then the derivatives of the derivative, in every mode."""
    tangent, cotangent = rng.standard_normal(function.n_in), rng.standard_normal(function.n_out)
    along = function.difference(tangent, tolerance)
    everything = np.arange(function.n_out), np.arange(function.n_in)
    large = function.n_out * function.n_in > _SMALL
    for mode in modes:
        if full or not _agree(function, mode, tangent, cotangent, along, tolerance.of_rounding()):
            halve = large and not full
            rows, columns = _suspect(function, mode, tangent, cotangent, tolerance) if halve else everything
            _compare_entries(function, mode, rows, columns, tolerance)
            if halve and not _agree(function, mode, tangent, cotangent, along, tolerance):
                raise GradientMismatch(
                    f"{function.title(mode)}: the derivative of {function.name} in a random direction is not "
                    f"what its values say, though no single entry stands out; if this is rounding, set rtol="
                )
        if order > 1:
            direction = cotangent if mode == "rev" else tangent
            _check(function.derivative(mode, direction), modes, order - 1, full, tolerance, rng)


@dataclass(frozen=True)
class _Tolerance:
    """How much a derivative may differ from differences."""

    relative: float
    absolute: float | None
    eps: float

    def allowed(self, numeric: Array, error: Array, largest_value: float) -> Array:
        """Return what each entry may differ by; ``error`` is that of the differences."""
        absolute = self.absolute
        if absolute is None:
            absolute = 4 * self.eps + 100 * self.eps * (largest(numeric) + largest_value)
        return absolute + self.relative * np.abs(numeric) + error

    def of_rounding(self) -> _Tolerance:
        """Return the tolerance of a projection, where no small wrong entry may hide behind large ones."""
        return _Tolerance(0.0, None, self.eps)


@dataclass(frozen=True)
class _Function:
    """
    A function of arrays that gives arrays, at a point; its checks see one of a vector that gives a vector.

    Attributes
    ----------
    name : str
        What errors call it.
    run : callable
        From a list of arrays or Tensors to a list of Tensors.
    point : list of arrays
        Where to check.
    labels : list of str
        What errors call the arrays.
    eps : float
        The rounding of its values, where its arguments are float64.
    path : tuple of str
        The modes by which it is a derivative of the function that was given.
    """

    name: str
    run: Callable[[list[Any]], list[Any]]
    point: list[Array]
    labels: list[str]
    eps: float = float(np.finfo(float).eps)
    path: tuple[str, ...] = ()

    @classmethod
    def of(cls, f: Callable[..., Tree], args: tuple[Any, ...]) -> _Function:
        """Make one of a function of trees."""
        leaves, rebuild = flatten(args)
        places = [k for k, leaf in enumerate(leaves) if _is_float(leaf)]
        name = str(getattr(f, "name", "") or getattr(f, "__name__", type(f).__name__))
        if not places:
            raise ValueError(f"no argument of {name} is made of floats: there is nothing to differentiate by")

        def run(arrays: list[Any]) -> list[Any]:
            given = list(leaves)
            for k, array in zip(places, arrays, strict=True):
                given[k] = array
            return flatten(f(*rebuild(given)))[0]

        labels = []
        for k, arg in enumerate(args):
            count = len(flatten(arg)[0])
            labels += [f"argument {k}" + (f", array {j}" if count > 1 else "") for j in range(count)]
        point = [np.array(numbers(leaves[k])) for k in places]
        function = cls(name, run, point, [labels[k] for k in places])
        values = function.at([x.astype(float) for x in point])
        eps = max([function.eps, *(_eps(y) for y in values if y.dtype.kind == "f")])
        return replace(function, eps=eps)

    @cached_property
    def values(self) -> list[Array]:
        """What it gives at the point."""
        return self.at(self.point)

    @property
    def n_in(self) -> int:
        """How many numbers it takes."""
        return sum(x.size for x in self.point)

    @property
    def n_out(self) -> int:
        """How many numbers it gives."""
        return sum(y.size for y in self.values)

    @cached_property
    def largest_value(self) -> float:
        """The size of its values, infinite ones aside."""
        return largest(_vector(self.values))

    def at(self, point: Sequence[Array]) -> list[Array]:
        """Return its values at another point."""
        with no_grad():
            results = self.run([Tensor(np.array(x)) for x in point])
        arrays = [np.array(numbers(y)) for y in results]
        for y, array in zip(results, arrays, strict=True):
            if array.dtype.kind not in "biuf":
                raise TypeError(f"{self.name} must return Tensors, but returned {type(y).__name__}")
        return arrays

    def title(self, mode: str) -> str:
        """Return what errors call its derivative."""
        return f"order {len(self.path) + 1}, mode {' of '.join((mode, *self.path))}"

    def check_repeats(self) -> None:
        """Raise if the function depends on something else than its arguments."""
        again = self.at(self.point)
        if any(not np.array_equal(a, b, equal_nan=True) for a, b in zip(self.values, again, strict=True)):
            raise ValueError(
                f"{self.name} gave two different results for the same arguments; is there dropout in it "
                f"(net.eval()), or another random draw?"
            )

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

    def derivative(self, mode: str, direction: Array) -> _Function:
        """Return the derivative in a fixed direction, as a function of the point."""

        def of_tuple(*arrays: Any) -> tuple[Any, ...]:
            return tuple(self.run(list(arrays)))

        of_tuple.__name__ = self.name  # in errors

        def run(arrays: list[Any]) -> list[Any]:
            if mode == "rev":
                return list(vjp(of_tuple, *arrays)[1](tuple(_split(direction, self.values))))
            return list(jvp(of_tuple, arrays, _split(direction, self.point))[1])

        name = f"the derivative ({mode}) of {self.name}"
        return _Function(name, run, self.point, self.labels, self.eps, (mode, *self.path))

    def difference(self, tangent: Array, tolerance: _Tolerance) -> tuple[Array, Array]:
        """Return the derivative in a direction, from values alone, and its error."""

        def by_complex(x: Array) -> Array:
            return _vector(self.run(_split(x, self.point)))

        return difference(
            lambda x: _vector(self.at(_split(x, self.point))),
            _vector(self.point),
            tangent,
            eps=self.eps,
            enough=0.01 * tolerance.relative,
            complex_f=None if self.path else by_complex,  # derivatives are of Tensors, which are real
        )


def _agree(
    function: _Function,
    mode: str,
    tangent: Array,
    cotangent: Array,
    along: tuple[Array, Array],
    tolerance: _Tolerance,
) -> bool:
    """Return whether ⟨w, ∂f·v⟩, and forwards each entry of ∂f·v, is what differences say."""
    numeric, error = along
    allowed = tolerance.allowed(numeric, error, function.largest_value)
    if mode == "fwd":
        return bool(np.all(_excess(function.exact("fwd", tangent), numeric, allowed) <= 1))
    exact = function.exact("rev", cotangent) @ tangent
    return bool(_excess(exact, cotangent @ numeric, np.abs(cotangent) @ allowed) <= 1)


def _suspect(
    function: _Function, mode: str, tangent: Array, cotangent: Array, tolerance: _Tolerance
) -> tuple[Array, Array]:
    """Return the row and the column of a wrong entry: the half that differs more is halved again."""

    def differs(rows: Array, columns: Array) -> float:
        w, v = np.zeros_like(cotangent), np.zeros_like(tangent)
        w[rows], v[columns] = cotangent[rows], tangent[columns]
        numeric, _ = function.difference(v, tolerance)
        exact = function.exact(mode, w) @ v if mode == "rev" else w @ function.exact(mode, v)
        return float(np.nan_to_num(np.abs(exact - w @ numeric), nan=np.inf))

    rows, columns = np.arange(function.n_out), np.arange(function.n_in)
    while columns.size > 1:
        columns = max(np.array_split(columns, 2), key=lambda half: differs(rows, half))
    while rows.size > 1:
        rows = max(np.array_split(rows, 2), key=lambda half: differs(half, columns))
    return rows, columns


def _compare_entries(
    function: _Function,
    mode: str,
    rows: Array,
    columns: Array,
    tolerance: _Tolerance,
) -> None:
    """Compute these entries of the Jacobian, and raise with the worst if they don't agree."""
    if not (len(rows) and len(columns)):
        return
    differences = [function.difference(_unit(j, function.n_in), tolerance) for j in columns]
    numeric, error = (np.stack([found[k][rows] for found in differences], axis=1) for k in (0, 1))
    if mode == "rev":
        exact = np.stack([function.exact("rev", _unit(i, function.n_out))[columns] for i in rows])
    else:
        exact = np.stack([function.exact("fwd", _unit(j, function.n_in))[rows] for j in columns], axis=1)
    allowed = tolerance.allowed(numeric, error, function.largest_value)
    excess = _excess(exact, numeric, allowed)
    if np.all(excess <= 1):
        return
    i, j = np.unravel_index(int(np.argmax(excess)), excess.shape)
    argument, index = _place(columns[j], function.point)
    result, at = _place(rows[i], function.values)
    raise GradientMismatch(
        f"{function.title(mode)}: the derivative by {function.labels[argument]}{index} of result"
        f"{f' {result}' if len(function.values) > 1 else ''}{at} is {exact[i, j]:.8g}, but the values of "
        f"{function.name} say {numeric[i, j]:.8g} (the worst entry; {allowed[i, j]:.1g} is allowed). "
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


def _vector(arrays: Sequence[Any]) -> Array:
    """All entries of all arrays, in double precision."""
    return np.concatenate([np.zeros(0), *(np.ravel(numbers(x)) for x in arrays)])


def _split(vector: Array, like: Sequence[Array]) -> list[Array]:
    """Give a vector the shapes of arrays."""
    parts = np.split(vector, np.cumsum([x.size for x in like])[:-1]) if like else []
    return [part.reshape(x.shape) for part, x in zip(parts, like, strict=True)]


def _unit(k: int, size: int) -> Array:
    unit = np.zeros(size)
    unit[k] = 1
    return unit


def _place(k: int, arrays: Sequence[Array]) -> tuple[int, str]:
    """Return the array in which entry ``k`` of the vector lies, and its index there, as written in code."""
    number = 0
    while k >= arrays[number].size:
        k -= arrays[number].size
        number += 1
    index = [int(i) for i in np.unravel_index(k, arrays[number].shape)]
    return number, str(index) if index else ""
