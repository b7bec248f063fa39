"""Checking derivatives against numbers: what a function's values say, without any rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .recording import no_grad
from .rules.primitive import as_array
from .tensor import Array, Tensor
from .transforms import jvp, vjp
from .trees import Tree, flatten

TOLERANCES = {"float16": (1e-1, 1e-2), "float32": (2e-3, 1e-4), "float64": (1e-6, 1e-7)}
"""Relative and absolute tolerance by the coarsest dtype among the inputs."""

_STEP = 1e-4
_SMALL = 10_000  # entries of a Jacobian that are computed to name the worst


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
    first. By default in one random direction, ⟨w, ∂f·v⟩, which any wrong entry changes; where that differs,
    all entries are computed and the worst is named. Differences are complex steps, Im f(x + ih·v)/h, exact to
    rounding, where the function computes with complex numbers; otherwise central ones, extrapolated (Richardson).

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
    rtol, atol : float, optional
        Relative and absolute tolerance; by default from the coarsest dtype among the arguments (1e-6 and 1e-7
        in float64, 2e-3 and 1e-4 in float32).
    seed : int
        Of the random directions.

    Raises
    ------
    GradientMismatch
        Naming order, mode, and the worst entry: by which input at which index, of which result.
    ValueError
        If the function gives different results for the same arguments, or nothing can be differentiated.

    Examples
    --------
    >>> import numpy as np, minigrad as mg
    >>> mg.check_gradients(lambda x, y: np.sum(np.sin(x) * y), [0.5, 1.0], 2.0)
    >>> double = mg.primitive(np.positive, transposes=[lambda g, x: 2 * g], name="double", check=False)
    >>> mg.check_gradients(double, [1.0, 3.0])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    minigrad.check.GradientMismatch: order 1, mode rev: ... is 2, but the values of double say 1 ...
    """
    wrong = [mode for mode in modes if mode not in ("rev", "fwd")]
    if wrong or isinstance(modes, str):
        raise ValueError(f'modes are "rev" and "fwd", such as modes=("rev",), but got {modes!r}')
    if not isinstance(order, int) or order < 1:
        raise ValueError(f"order is a whole number from 1 on, but got {order!r}")
    function = _Function.of(f, args)
    coarsest = min((x.dtype for x in function.point), key=lambda dtype: dtype.itemsize)
    relative, absolute = TOLERANCES.get(coarsest.name, TOLERANCES["float64"])
    tolerance = (relative if rtol is None else rtol, absolute if atol is None else atol)
    function.check_repeats()
    _check(function, tuple(modes), order, full, tolerance, np.random.default_rng(seed), ())


def _check(
    function: _Function,
    modes: tuple[str, ...],
    order: int,
    full: bool,
    tolerance: tuple[float, float],
    rng: np.random.Generator,
    path: tuple[str, ...],
) -> None:
    """Check the first derivative, and then the derivatives of the derivative, in every mode."""
    point, values = function.point, function(function.point)
    tangents, cotangents = _directions(point, rng), _directions(values, rng)
    for mode in modes:
        name = f"order {len(path) + 1}, mode {' of '.join((mode, *path))}"
        derivative = function.pulled if mode == "rev" else function.pushed
        if full:
            _compare_entries(function, mode, name, tolerance)
        else:
            numeric = function.difference(tangents)
            if mode == "rev":
                exact, expected = (_inner(derivative(cotangents), tangents), _inner(cotangents, numeric))
                agree = _close([exact], [expected], tolerance, function.noise * _size(cotangents))
            else:
                agree = _close(derivative(tangents), numeric, tolerance, function.noise)
            if not agree:
                _compare_entries(function, mode, name, tolerance)
                raise GradientMismatch(
                    f"{name}: the derivative of {function.name} in a random direction differs from that of "
                    f"its values, by more than any single entry does; set rtol= and atol= if this is rounding"
                )
        if order > 1:
            inner = function.derivative(mode, cotangents if mode == "rev" else tangents)
            _check(inner, modes, order - 1, full, tolerance, rng, (mode, *path))


@dataclass(frozen=True)
class _Function:
    """A function of a list of arrays that gives a list of arrays, at a point."""

    name: str
    run: Callable[[list[Any]], list[Any]]
    point: list[Array]
    labels: list[str]

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

        point = [np.array(getattr(leaves[k], "data", leaves[k])) for k in places]
        several = len(places) > 1
        return cls(name, run, point, [f"input {k}" if several else "the input" for k in range(len(places))])

    def __call__(self, arrays: Sequence[Any]) -> list[Array]:
        """Return its values, as arrays."""
        with no_grad():
            results = self.run([Tensor(np.array(x)) for x in arrays])
        return [np.array(getattr(y, "data", y)) for y in results]

    @property
    def noise(self) -> float:
        """What rounding may do to a difference quotient."""
        largest = max((float(np.abs(y).max(initial=0)) for y in self(self.point)), default=0.0)
        return 8 * float(np.finfo(float).eps) * largest / _STEP

    def check_repeats(self) -> None:
        """Raise if the function depends on something else than its arguments."""
        first, again = self(self.point), self(self.point)
        if any(not np.array_equal(a, b, equal_nan=True) for a, b in zip(first, again, strict=True)):
            raise ValueError(
                f"{self.name} gave two different results for the same arguments; is there dropout in it "
                f"(net.eval()), or another random draw?"
            )

    def pulled(self, cotangents: list[Array]) -> list[Array]:
        """Return the cotangents of the inputs."""
        return list(vjp(lambda *xs: self.run(list(xs)), *self.point)[1](cotangents))

    def pushed(self, tangents: list[Array]) -> list[Array]:
        """Return the tangents of the results."""
        return list(jvp(lambda *xs: self.run(list(xs)), self.point, tangents)[1])

    def derivative(self, mode: str, direction: list[Array]) -> _Function:
        """Return the derivative in a fixed direction, as a function of the point."""

        def run(arrays: list[Any]) -> list[Any]:
            lifted = [x if isinstance(x, Tensor) else Tensor(x) for x in arrays]
            if mode == "rev":
                return list(vjp(lambda *xs: self.run(list(xs)), *lifted)[1](direction))
            return list(jvp(lambda *xs: self.run(list(xs)), lifted, direction)[1])

        return _Function(f"the derivative ({mode}) of {self.name}", run, self.point, self.labels)

    def difference(self, tangents: list[Array]) -> list[Array]:
        """Return the derivative in a direction, from values alone."""
        central = self._central(tangents)
        exact = self._complex_step(tangents)
        if exact is None or not _close(exact, central, (1e-3, 1e-3), self.noise):
            return central  # the function takes complex numbers, but not as their analytic continuation
        return exact

    def _central(self, tangents: list[Array]) -> list[Array]:
        def quotient(step: float) -> list[Array]:
            ahead, behind = (
                self([x.astype(float) + side * step * t for x, t in zip(self.point, tangents, strict=True)])
                for side in (1, -1)
            )
            return [(a.astype(float) - b) / (2 * step) for a, b in zip(ahead, behind, strict=True)]

        coarse, fine = quotient(_STEP), quotient(_STEP / 2)
        return [(4 * b - a) / 3 for a, b in zip(coarse, fine, strict=True)]

    def _complex_step(self, tangents: list[Array]) -> list[Array] | None:
        step = 1e-20
        try:
            results = self.run([x + 1j * step * t for x, t in zip(self.point, tangents, strict=True)])
            return [np.asarray(y).imag / step if np.iscomplexobj(y) else None for y in results]  # type: ignore[misc]
        except Exception:  # whatever a function says to complex numbers, it does not allow them
            return None


def _compare_entries(function: _Function, mode: str, name: str, tolerance: tuple[float, float]) -> None:
    """Compute all entries of the Jacobian, and raise with the worst if they don't agree."""
    point, values = function.point, function(function.point)
    if sum(x.size for x in point) * sum(y.size for y in values) > _SMALL:
        return
    worst, message = 0.0, ""
    rows = _rows(function, values) if mode == "rev" else None
    for j, x in enumerate(point):
        for index in np.ndindex(x.shape):
            tangents = [np.zeros(z.shape) for z in point]
            tangents[j][index] = 1
            numeric = function.difference(tangents)
            given = [t.astype(z.dtype) for t, z in zip(tangents, point, strict=True)]
            exact = function.pushed(given) if rows is None else [row[j][(..., *index)] for row in rows]
            for k, (a, b) in enumerate(zip(exact, numeric, strict=True)):
                allowed = tolerance[1] + tolerance[0] * np.abs(b) + function.noise
                excess = np.asarray(np.abs(a - b) / allowed)
                excess = np.where(np.isnan(excess), np.inf, excess)
                excess = np.where(np.isnan(a) & np.isnan(b), 0, excess)
                if excess.size and excess.max() > max(worst, 1.0):
                    worst = float(excess.max())
                    at = np.unravel_index(int(excess.argmax()), excess.shape)
                    message = (
                        f"by {function.labels[j]}{list(index) if index else ''} of result"
                        f"{f' {k}' if len(values) > 1 else ''}{list(map(int, at)) if at else ''} is "
                        f"{float(np.asarray(a)[at]):.8g}, but the values of {function.name} say "
                        f"{float(np.asarray(b)[at]):.8g}"
                    )
    if message:
        raise GradientMismatch(
            f"{name}: the derivative {message} (tolerance {tolerance[0]:g} relative, {tolerance[1]:g} "
            f"absolute; this is the worst entry). Is the rule wrong, or the point at a kink?"
        )


def _rows(function: _Function, values: list[Array]) -> list[list[Array]]:
    """For each result the derivatives by each input, of shape ``result.shape + input.shape``."""
    blocks = []
    for k, value in enumerate(values):
        rows = []
        for index in np.ndindex(value.shape):
            cotangents = [np.zeros_like(y) for y in values]
            cotangents[k][index] = 1
            rows.append(function.pulled(cotangents))
        blocks.append([
            np.reshape([row[j] for row in rows], (*value.shape, *x.shape))
            for j, x in enumerate(function.point)
        ])  # fmt: skip
    return blocks


def _is_float(leaf: Any) -> bool:
    if isinstance(leaf, (Tensor, np.ndarray, np.generic, int, float, list)):
        data = leaf.data if isinstance(leaf, Tensor) else as_array(leaf)
        return bool(data.dtype.kind == "f")
    return False


def _directions(arrays: Sequence[Array], rng: np.random.Generator) -> list[Array]:
    return [rng.standard_normal(x.shape).astype(x.dtype) for x in arrays]


def _inner(left: Sequence[Array], right: Sequence[Array]) -> Array:
    return np.asarray(sum(float(np.sum(a.astype(float) * b)) for a, b in zip(left, right, strict=True)))


def _size(arrays: Sequence[Array]) -> float:
    return float(sum(np.abs(x).sum() for x in arrays))


def _close(
    exact: Sequence[Any], numeric: Sequence[Array], tolerance: tuple[float, float], noise: float
) -> bool:
    return all(
        a is not None and np.allclose(a, b, rtol=tolerance[0], atol=tolerance[1] + noise, equal_nan=True)
        for a, b in zip(exact, numeric, strict=True)
    )
