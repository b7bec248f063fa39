"""Functions of functions: derivatives forwards and backwards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .graph import enable_grad, walk_backward, walk_forward
from .rules.primitive import as_array
from .tensor import Array, Tensor, plain


def vjp(f: Callable[..., Tensor], *primals: Any) -> tuple[Array, Callable[[Any], tuple[Array, ...]]]:
    """
    Run ``f`` and return its result with the function that pulls cotangents back through it.

    Parameters
    ----------
    f : callable
        Takes Tensors, returns a Tensor.
    *primals : array_like of floats
        Where to differentiate.

    Returns
    -------
    y : ndarray
        ``f(*primals)``.
    pull : callable
        ``pull(cotangent)`` gives a tuple of arrays, one per primal: vᵀ·∂f/∂x. It may be called again.

    Raises
    ------
    ValueError
        By ``pull``, if the cotangent has another shape than ``y``.

    Examples
    --------
    >>> import numpy as np, minigrad as mg
    >>> y, pull = mg.vjp(np.exp, [0.0, 1.0])
    >>> pull(np.array([1.0, 0.0]))[0]
    array([1., 0.])
    """
    leaves, output = _run(f, primals)

    def pull(cotangent: Any) -> tuple[Array, ...]:
        seed = as_array(cotangent, output.dtype)
        if seed.shape != output.shape:
            raise ValueError(f"the cotangent has shape {seed.shape}, but the result has shape {output.shape}")
        found: dict[int, Any] = {}
        if output.requires_grad:
            walk = walk_backward(output._node or output, seed, keep=True, read=plain)
            found = {id(leaf): np.array(g) for leaf, g in walk}
        return tuple(found.get(id(leaf), np.zeros_like(leaf.data)) for leaf in leaves)

    return output.data.copy(), pull


def jvp(f: Callable[..., Tensor], primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Array, Array]:
    """
    Run ``f`` and return its result with its derivative in the direction of the tangents.

    Parameters
    ----------
    f : callable
        Takes Tensors, returns a Tensor.
    primals, tangents : sequences of array_like
        Where, and in which direction, to differentiate; of equal shapes.

    Returns
    -------
    y, tangent : ndarray
        ``f(*primals)`` and ∂f/∂x · tangents, of the same shape.

    Raises
    ------
    TypeError
        If primals or tangents are no sequence.
    ValueError
        If a tangent is missing or has another shape than its primal.

    Examples
    --------
    >>> import numpy as np, minigrad as mg
    >>> mg.jvp(np.exp, [[0.0, 1.0]], [[1.0, 0.0]])[1]
    array([1., 0.])
    """
    if not (isinstance(primals, (Sequence, np.ndarray)) and isinstance(tangents, (Sequence, np.ndarray))):
        raise TypeError(
            "jvp takes lists of primals and of tangents, one of each per argument: jvp(f, [x], [t])"
        )
    if len(primals) != len(tangents):
        raise ValueError(f"jvp got {len(primals)} primals and {len(tangents)} tangents; each needs its own")
    leaves, output = _run(f, primals)
    directions = {}
    for leaf, tangent in zip(leaves, tangents, strict=True):
        direction = as_array(tangent, leaf.dtype)
        if direction.shape != leaf.shape:
            raise ValueError(f"a tangent has shape {direction.shape}, but its primal has shape {leaf.shape}")
        directions[id(leaf)] = direction
    if not output.requires_grad:
        return output.data.copy(), np.zeros_like(output.data)
    moved = walk_forward(output._node or output, directions, read=plain)
    return output.data.copy(), np.zeros_like(output.data) if moved is None else np.array(moved)


def _run(f: Callable[..., Tensor], primals: Sequence[Any]) -> tuple[list[Tensor], Tensor]:
    leaves = [Tensor(np.array(as_array(p)), requires_grad=True) for p in primals]
    with enable_grad():
        output = f(*leaves)
    if not isinstance(output, Tensor):
        raise TypeError(f"the function must return a Tensor, but returned {type(output).__name__}")
    return leaves, output
