"""Random computations with arrays, and the programs that they are captured as."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from minigrad.compilation.capture import Capture
from minigrad.compilation.numpy_backend import Writer
from minigrad.compilation.program import Program

EXACT: dict[str, Callable[..., Any]] = {
    "add": np.add, "subtract": np.subtract, "multiply": np.multiply,
    "divide": lambda x, y: np.divide(x, np.absolute(y)),
    "negative": np.negative, "absolute": np.absolute, "square": np.square, "sqrt": np.sqrt,
    "reciprocal": lambda x: np.reciprocal(np.absolute(x)), "sign": np.sign,
    "maximum": np.maximum, "minimum": np.minimum,
    "mask": lambda x: x > 0, "chosen": lambda x, y: np.where(x >= y, x, y),
    "finite": lambda x: np.isfinite(x) & ~np.isnan(x), "different": lambda x, y: (x != y) | (x < 0.5),
    "cast": lambda x: x.astype(np.float64), "doubled": lambda x: 2 * x, "shifted": lambda x: x - 0.1,
    "highest in row": lambda x: np.max(x, axis=-1, keepdims=True), "lowest": lambda x: np.min(x),
    "highest in column": lambda x: np.max(x, axis=0),
    "all": lambda x: np.logical_and.reduce(x > 0, axis=None),
    "highest of row": lambda x: np.max(x, axis=-1), "any": lambda x: np.logical_or.reduce(x > 0, axis=-1),
}  # fmt: skip
"""What gives the same bits whatever it is computed with."""

ROUNDED: dict[str, Callable[..., Any]] = {
    "exp": lambda x: np.exp(np.minimum(x, 3.0)), "log": lambda x: np.log(np.square(x) + 1.0), "tanh": np.tanh,
    "sum of row": lambda x: np.add.reduce(x, axis=-1, keepdims=True),
    "sum": lambda x: np.add.reduce(x, axis=None),
    "sum of column": lambda x: np.add.reduce(x, axis=0), "sums": lambda x: np.add.reduce(x, axis=-1),
}  # fmt: skip
"""What may differ in the last digits."""

BINARY = {"add", "subtract", "multiply", "divide", "maximum", "minimum", "chosen", "different"}

Recipe = list[tuple[str, int, int]]


def recipes(names: Sequence[str], most: int = 8) -> st.SearchStrategy[Recipe]:
    """Functions to apply one after another, and which of the arrays so far each is given."""
    index = st.integers(0, 30)
    return st.lists(st.tuples(st.sampled_from(sorted(names)), index, index), min_size=2, max_size=most)


@st.composite
def inputs(draw: st.DrawFn, elements: st.SearchStrategy[float] | None = None) -> list[Any]:
    """An array, what broadcasts against it along rows and columns, and a number; all of one dtype."""
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    rows, columns = draw(st.integers(1, 4)), draw(st.integers(1, 5))
    shapes = draw(st.sampled_from([[(rows, columns), (columns,), (rows, 1), ()], [(columns,), (), (1,)]]))
    numbers = st.floats(width=32) if elements is None else elements
    return [*(draw(arrays.arrays(dtype, shape, elements=numbers)) for shape in shapes), draw(numbers)]


def computed(recipe: Recipe) -> Callable[..., list[Any]]:
    """The function that follows a recipe and returns every array on its way."""

    def run(*given: Any) -> list[Any]:
        known = list(given)
        for name, first, second in recipe:
            function = (EXACT | ROUNDED)[name]
            x, y = known[first % len(known)], known[second % len(known)]
            if not hasattr(x, "dtype") or not fits(name, x, y):
                continue
            known.append(function(x, y) if name in BINARY else function(x))
        return known[len(given) :]

    return run


def fits(name: str, x: Any, y: Any) -> bool:
    """Whether a function is for such arrays."""
    numbers = x.dtype.kind == "f" and (not hasattr(y, "dtype") or y.dtype.kind == "f")
    reduced = name not in BINARY and (" " in name or name in ("lowest", "all", "any", "sum", "sums"))
    if name in BINARY and hasattr(y, "dtype"):
        try:
            np.broadcast_shapes(x.shape, y.shape)
        except ValueError:
            return False
    return numbers and (not reduced or x.ndim > 0)


def program_of(function: Callable[..., Any], given: Sequence[Any]) -> Program:
    """What a function is captured as."""
    capture = Capture()
    with np.errstate(all="ignore"):
        capture.run(function, tuple(given), {})
    assert capture.program is not None, capture.reason
    return capture.program


def replayed(program: Program, kernel: Any, given: Sequence[Any]) -> Any:
    """What a program gives."""
    with np.errstate(all="ignore"):
        return Writer(program, kernel).write()(list(given))[0]
