"""Finding the first number that is not finite, and arrays that were changed behind the graph's back."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from .origins import Origins
from .recording import recording_origin
from .rules import Primitive
from .writes import changed, described, needed

REWRITES = {
    "log": "for the logarithm of a softmax or of a sum of exponentials use mg.log_softmax or mg.logsumexp; "
    "near 1 use np.log1p; else keep x away from 0: np.log(np.maximum(x, 1e-12))",
    "exp": "take the largest out first, or use mg.softmax, mg.logsumexp, mg.sigmoid, mg.softplus or np.expm1",
    "divide": "choose the denominator before dividing: x / np.where(y == 0, 1, y)",
    "reciprocal": "choose the denominator before dividing: 1 / np.where(x == 0, 1, x)",
    "sqrt": "its slope at 0 is infinite: use np.sqrt(x + 1e-12), or np.linalg.norm, whose slope at 0 is 0",
    "power": "of a base below 0 only whole powers are real, and 0 has no power below 0",
    "arctanh": "keep x inside (−1, 1): np.clip(x, -1 + 1e-7, 1 - 1e-7)",
    "arcsin": "keep x inside (−1, 1): np.clip(x, -1 + 1e-7, 1 - 1e-7)",
    "arccos": "keep x inside (−1, 1): np.clip(x, -1 + 1e-7, 1 - 1e-7)",
    "sinh": "it grows like eˣ: scale x down",
    "cosh": "it grows like eˣ: scale x down",
    "multiply": "scale one of the factors down, or add logarithms instead of multiplying",
    "square": "scale x down before squaring",
    "var": "scale x down first; of fewer entries than ddof + 1 there is no variance",
    "std": "of equal entries its slope is not finite: use np.sqrt(np.var(x) + 1e-12)",
}
"""What to write instead, where that is known."""


class AnomalyError(ArithmeticError):
    """A number that is not finite came out of an operation or of its derivative."""


def detect_anomaly() -> AbstractContextManager[None]:
    """
    Context inside which the first number that is not finite is an error.

    The error names the operation, the line of code, the place in the array, and what to write instead where
    that is known. Backward is watched too, when it runs inside; so are saved arrays: one that was changed
    since, also through a plain NumPy alias (``t.data``, ``t.numpy()``), is found by its checksum. All this
    costs time: use it to find a fault, not to train.

    Where a branch that a `where` does not take is infinite on purpose, this is an error too.

    Raises
    ------
    AnomalyError
        Inside, at the operation that gave an infinity or nan.
    ChangedInPlaceError
        Inside, by a backward pass that needs an array that was changed.

    Examples
    --------
    >>> import numpy as np, minigrad as mg
    >>> x = mg.tensor([1.0, 0.0], requires_grad=True)
    >>> with mg.detect_anomaly(), np.errstate(divide="ignore"):  # doctest: +ELLIPSIS
    ...     y = np.log(x)
    Traceback (most recent call last):
        ...
    minigrad.anomaly.AnomalyError: log (ln x) at line ... gave -inf at index (1,), of x = 0; ...
    """
    return recording_origin(Origins(), _Anomalies())


class _Anomalies:
    """Looks at every result and every cotangent."""

    def result(self, primitive: Primitive, args: Sequence[Any], options: Any, output: Any) -> None:
        """Raise if what a primitive gave is not finite."""
        index = _first_not_finite(output)
        if index is None:
            return
        given = [(primitive.argument(k), _first_not_finite(arg), arg) for k, arg in enumerate(args)]
        name = f"{primitive.name} ({primitive.formula})"
        *_, source = Origins()()
        place = f"{name}{f' at line {source}' if source else ''}"
        for argument, where, arg in given:
            if where is not None:
                raise AnomalyError(
                    f"{place} was given {_entry(arg, where)} at index {where} of its argument {argument}"
                )
        values = ", ".join(
            f"{argument} = {_entry(arg, index)}" for argument, _, arg in given if _fits(arg, output)
        )
        raise AnomalyError(
            f"{place} gave {_entry(output, index)} at index {index}"
            + (f", of {values}" if values else "")
            + _advice(primitive)
        )

    def seal(self, args: Sequence[Any], output: Any) -> dict[int, int]:
        """Return the checksums of arrays, by their ids."""
        return {id(array): _checksum(array) for array in (*args, output) if isinstance(array, np.ndarray)}

    def opened(self, node: Any) -> None:
        """Raise if an array that the node's rule needs has another checksum than when it was recorded."""
        for what, array in needed(node):
            if node.seal is not None and id(array) in node.seal and _checksum(array) != node.seal[id(array)]:
                raise changed(node, what)

    def tangent(self, node: Any, compute: Callable[[], Any]) -> Any:
        """Raise if the tangent of a node is not finite."""
        tangent = self._unwatched(compute)
        index = _first_not_finite(getattr(tangent, "data", tangent))
        if index is not None:
            raise AnomalyError(
                f"the tangent of {described(node)} is {_entry(tangent, index)} at index {index}"
                + _advice(node.primitive)
            )
        return tangent

    def _unwatched(self, compute: Callable[[], Any]) -> Any:
        """Compute a derivative: what matters is what comes out of the rule, not what happens inside."""
        with recording_origin(None, None):
            return compute()

    def cotangent(self, node: Any, k: int, compute: Callable[[], Any]) -> Any:
        """Raise if the cotangent of argument ``k`` is not finite."""
        cotangent = self._unwatched(compute)
        index = _first_not_finite(getattr(cotangent, "data", cotangent))
        if index is None:
            return cotangent
        argument = node.primitive.argument(k)
        args = getattr(node, "args", None) or [getattr(x, "data", x) for x in node.operands]
        at = (
            f", where {argument} = {_entry(args[k], index)}"
            if np.shape(args[k]) == np.shape(cotangent)
            else ""
        )
        raise AnomalyError(
            f"the derivative of {described(node)} by {argument} is {_entry(cotangent, index)} "
            f"at index {index}{at}" + _advice(node.primitive)
        )


def _first_not_finite(x: Any) -> tuple[int, ...] | None:
    """Return the index of the first entry that is infinite or nan."""
    array = np.asarray(x)
    if array.dtype.kind != "f" or np.isfinite(array).all():
        return None
    return tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])


def _fits(arg: Any, output: Any) -> bool:
    return np.shape(arg) in ((), np.shape(output))


def _entry(x: Any, index: tuple[int, ...]) -> str:
    array = np.asarray(getattr(x, "data", x))
    return f"{float(array[index] if array.shape else array):.6g}"


def _advice(primitive: Primitive) -> str:
    return f"; {REWRITES[primitive.name]}" if primitive.name in REWRITES else ""


def _checksum(array: Any) -> int:
    return zlib.crc32(np.ascontiguousarray(array).view(np.uint8).data) if array.size else 0
