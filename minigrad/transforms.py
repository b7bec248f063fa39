"""Functions of functions: derivatives forwards and backwards, of any order.

Every transform runs the function on inputs of its own and walks the graph between these and the result. They
are the edge of its world: nothing beyond is perturbed, so transforms nest without confusion. Inside another
transform, where it is given Tensors, and where the function uses what was computed from others outside, the
walk itself is recorded. A leaf that the function closes over, such as a parameter, is a constant of the
derivative: pass it as an argument to differentiate that by it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from .call import Call
from .tensor import Tensor
from .trees import Tree


def grad(f: Callable[..., Tensor], argnums: int | Sequence[int] = 0) -> Callable[..., Tree]:
    """
    Return the function that computes the gradient of ``f``.

    Parameters
    ----------
    f : callable
        Takes Tensors, or lists, tuples and dictionaries of them, and returns a Tensor of one number.
    argnums : int or sequence of int
        Which positional arguments to differentiate by.

    Returns
    -------
    callable
        Takes what ``f`` takes, arrays in place of Tensors; returns arrays like the argument, a tuple for
        several argnums. Given Tensors, or inside another transform, it returns Tensors, to be
        differentiated again.

    Raises
    ------
    TypeError
        When called, if ``f`` does not return one number, or an argument is not made of floats.

    Examples
    --------
    >>> import numpy as np, minigrad as mg
    >>> mg.grad(lambda x: np.sum(x**3))([1.0, 2.0])
    array([ 3., 12.])
    >>> mg.grad(mg.grad(lambda x: x**3))(2.0)
    array(12.)
    """
    both = value_and_grad(f, argnums)

    @wraps(f)
    def gradient(*args: Any, **options: Any) -> Tree:
        return both(*args, **options)[1]

    return gradient


def value_and_grad(
    f: Callable[..., Tensor], argnums: int | Sequence[int] = 0
) -> Callable[..., tuple[Any, Tree]]:
    """
    Return the function that computes both the value of ``f`` and its gradient.

    Parameters and errors are those of :func:`grad`.

    Examples
    --------
    >>> import numpy as np, minigrad as mg
    >>> value, g = mg.value_and_grad(lambda p: np.sum(p["w"] * p["b"]))({"w": [1.0, 2.0], "b": 3.0})
    >>> value, g
    (array(9.), {'w': array([3., 3.]), 'b': array(3.)})
    """

    @wraps(f)
    def value_and_gradient(*args: Any, **options: Any) -> tuple[Any, Tree]:
        call = Call.of_argnums(f, argnums, args, options)
        output = call.tree
        if not isinstance(output, Tensor) or output.size != 1:
            returned = f"shape {output.shape}" if isinstance(output, Tensor) else "several Tensors"
            raise TypeError(
                f"grad needs a function that returns one number, but this one returned {returned}; "
                f"reduce it (np.sum, np.mean), or use mg.jacobian or mg.vjp"
            )
        return call.value(), call.by_argument(call.pull_leaves([np.ones_like(output.data)]))

    return value_and_gradient


def vjp(f: Callable[..., Tree], *primals: Tree) -> tuple[Tree, Callable[[Tree], tuple[Tree, ...]]]:
    """
    Run ``f`` and return its result with the function that pulls cotangents back through it.

    Parameters
    ----------
    f : callable
        Takes Tensors, or lists, tuples and dictionaries of them, and returns such.
    *primals : array_like of floats, or trees of them
        Where to differentiate.

    Returns
    -------
    y : ndarray, or tree of them
        ``f(*primals)``.
    pull : callable
        ``pull(cotangent)`` gives a tuple, one entry like each primal: vᵀ·∂f/∂x. It may be called again.

    Raises
    ------
    TypeError
        If a primal is not made of floats, or ``f`` returns something else than Tensors.
    ValueError
        By ``pull``, if the cotangent has another shape than ``y``.

    Examples
    --------
    >>> import numpy as np, minigrad as mg
    >>> y, pull = mg.vjp(np.exp, [0.0, 1.0])
    >>> pull(np.array([1.0, 0.0]))[0]
    array([1., 0.])
    """
    call = Call(f, primals, lambda inputs: f(*inputs))
    return call.value(), call.pull


def jvp(f: Callable[..., Tree], primals: Sequence[Tree], tangents: Sequence[Tree]) -> tuple[Tree, Tree]:
    """
    Run ``f`` and return its result with its derivative in the direction of the tangents.

    Parameters
    ----------
    f : callable
        Takes Tensors, or lists, tuples and dictionaries of them, and returns such.
    primals, tangents : sequences of array_like, or of trees of them
        Where, and in which direction, to differentiate; of equal shapes.

    Returns
    -------
    y, tangent : ndarray, or trees of them
        ``f(*primals)`` and ∂f/∂x · tangents, of the same shapes.

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
    for given in (primals, tangents):
        if not isinstance(given, (list, tuple, np.ndarray)):
            raise TypeError(
                "jvp takes lists of primals and of tangents, one of each per argument: jvp(f, [x], [t])"
            )
    if len(primals) != len(tangents):
        raise ValueError(f"jvp got {len(primals)} primals and {len(tangents)} tangents; each needs its own")
    if all(isinstance(x, (int, float)) for x in primals) and len(primals) > 1 and _arguments(f) == 1:
        raise TypeError(
            f"jvp passes one argument for every primal, here {len(primals)}, but the function takes one; "
            f"for one array write jvp(f, [[...]], [[...]])"
        )
    call = Call(f, tuple(primals), lambda inputs: f(*inputs), beside=tuple(tangents))
    return call.value(), call.push(tuple(tangents))


def jacobian(f: Callable[..., Tree], argnums: int | Sequence[int] = 0) -> Callable[..., Tree]:
    """
    Return the function that computes all derivatives of ``f``.

    Backwards row by row where there are fewer results than inputs, forwards column by column otherwise.

    Parameters
    ----------
    f : callable
        Takes Tensors, or lists, tuples and dictionaries of them, and returns such.
    argnums : int or sequence of int
        Which positional arguments to differentiate by.

    Returns
    -------
    callable
        Takes what ``f`` takes; returns arrays of shape ``y.shape + x.shape``, for trees of results a tree of
        trees.

    Examples
    --------
    >>> import numpy as np, minigrad as mg
    >>> mg.jacobian(lambda x: x * x)([1.0, 2.0])
    array([[2., 0.],
           [0., 4.]])
    """

    @wraps(f)
    def jacobian_of_f(*args: Any, **options: Any) -> Tree:
        call = Call.of_argnums(f, argnums, args, options)
        n_in, n_out = (sum(t.size for t in ends) for ends in (call.inputs, call.outputs))
        blocks = call.rows() if n_out <= n_in else call.columns()
        return call.rebuild([call.by_argument(row) for row in blocks])

    return jacobian_of_f


def hessian(f: Callable[..., Tensor], argnums: int | Sequence[int] = 0) -> Callable[..., Tree]:
    """
    Return the function that computes all second derivatives of ``f``, which returns one number.

    Returns
    -------
    callable
        Takes what ``f`` takes; returns an array of shape ``x.shape + x.shape``, for a tree a tree of trees.

    Examples
    --------
    >>> import numpy as np, minigrad as mg
    >>> mg.hessian(lambda x: x[0] ** 2 * x[1])([1.0, 2.0])
    array([[4., 2.],
           [2., 0.]])
    """
    return jacobian(grad(f, argnums), argnums)


def hvp(f: Callable[..., Tensor], x: Tree, v: Tree) -> Tree:
    """
    Return the Hessian of ``f`` at ``x`` times ``v``, without computing the Hessian: forward over reverse.

    Parameters
    ----------
    f : callable
        Takes what ``x`` is, in Tensors, and returns one number.
    x, v : array_like of floats, or trees of them
        Where, and the factor; of equal shapes.

    Returns
    -------
    ndarray, or tree of them
        Like ``x``.

    Examples
    --------
    >>> import numpy as np, minigrad as mg
    >>> mg.hvp(lambda x: np.sum(x**3), [1.0, 2.0], [1.0, 1.0])
    array([ 6., 12.])
    """
    return jvp(grad(f), (x,), (v,))[1]


def _arguments(f: Callable[..., Any]) -> int | None:
    """Return how many arguments a function takes; None where that can't be told."""
    return getattr(f, "nin", None) or getattr(getattr(f, "__code__", None), "co_argcount", None)
