"""Functions of functions: derivatives forwards and backwards, of any order.

Every transform runs the function on inputs of its own and walks the graph between these and the result. They
are the edge of its world: nothing beyond is perturbed, so transforms nest without confusion. Inside another
transform, or where it is given Tensors, the walk itself is recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any

import numpy as np

from .graph import walk_backward, walk_forward
from .recording import enable_grad, is_recording
from .rules.operands import as_array
from .rules.shaping import astype
from .tensor import Tensor, plain, recorded
from .trees import Tree, alike, arranged, flatten

_inside: ContextVar[bool] = ContextVar("inside", default=False)
"""Whether a function is being run for another transform."""


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
        call = _Call.of_argnums(f, argnums, args, options)
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
    call = _Call(f, primals, lambda inputs: f(*inputs))
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
    call = _Call(f, tuple(primals), lambda inputs: f(*inputs), beside=tuple(tangents))
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
        call = _Call.of_argnums(f, argnums, args, options)
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


class _Call:
    """
    One run of a function on inputs of its own.

    Attributes
    ----------
    inputs, outputs : list of Tensor
        What was given to the function, and what it returned.
    ends, roots : list
        Where these stand in the graph, whatever they are changed to in place.
    lifted : bool
        Whether derivatives are Tensors, recorded for others.
    """

    def __init__(
        self, f: Any, primals: Tree, run: Callable[[Tree], Tree], *, beside: Any = (), several: bool = True
    ) -> None:
        given, self.like_inputs = flatten(primals)
        self.primals, self.several = primals, several
        self.lifted = _inside.get() or any(isinstance(x, Tensor) for x in (*given, *flatten(beside)[0]))
        self.inputs = [_own(x) for x in given]
        self.ends = [x._vertex() for x in self.inputs]
        with enable_grad(), _running():
            self.tree = run(self.like_inputs(self.inputs))
        self.outputs, self.rebuild = flatten(self.tree)
        for output in self.outputs:
            if not isinstance(output, Tensor):
                name = getattr(f, "__name__", "the function")
                raise TypeError(
                    f"the function must return a Tensor, but returned {type(output).__name__} ({name}): "
                    f"compute with NumPy's functions and operators on the Tensors that it is given"
                )
        self.roots = [y._vertex() if y.requires_grad else None for y in self.outputs]

    @classmethod
    def of_argnums(
        cls, f: Any, argnums: int | Sequence[int], args: tuple[Any, ...], options: dict[str, Any]
    ) -> _Call:
        """Run ``f``, with inputs of its own in place of some arguments."""
        several = isinstance(argnums, (tuple, list))
        places: list[int] = list(argnums) if several else [argnums]  # type: ignore[arg-type, list-item]
        for k in places:
            if not isinstance(k, (int, np.integer)):
                raise TypeError(
                    f"argnums is the number of an argument, or several of them, but got {argnums!r}"
                )
            if not -len(args) <= k < len(args):
                raise ValueError(f"argnums names argument {k}, but the function was given {len(args)}")
        if len({k % len(args) for k in places}) < len(places):
            raise ValueError(f"argnums names an argument twice: {argnums!r}")

        def run(inputs: Sequence[Tree]) -> Tree:
            everything = list(args)
            for k, tree in zip(places, inputs, strict=True):
                everything[k] = tree
            return f(*everything, **options)

        return cls(f, tuple(args[k] for k in places), run, beside=(args, options), several=several)

    def value(self) -> Tree:
        """Return what the function returned."""
        return self.rebuild([self._given_out(output) for output in self.outputs])

    def by_argument(self, leaves: Sequence[Any]) -> Tree:
        """Give derivatives the structure of the arguments that were differentiated."""
        tree = self.like_inputs(leaves)
        return tree if self.several else tree[0]

    def pull(self, cotangent: Tree) -> Tree:
        """Return the cotangents of the inputs."""
        return self.like_inputs(
            self.pull_leaves(_like(cotangent, self.tree, self.outputs, "cotangent", "result"))
        )

    def push(self, tangents: Tree) -> Tree:
        """Return the tangents of the outputs."""
        return self.rebuild(self.push_leaves(_like(tangents, self.primals, self.inputs, "tangent", "primal")))

    def pull_leaves(self, cotangents: Sequence[Any]) -> list[Any]:
        """Carry one cotangent per output backwards."""
        ends = {id(vertex): k for k, vertex in enumerate(self.ends)}
        found: list[Any] = [None] * len(self.inputs)
        lifted = self.lifted or any(isinstance(cotangent, Tensor) for cotangent in cotangents)
        with self._walking(lifted) as read:
            for root, cotangent in zip(self.roots, cotangents, strict=True):
                if root is None:
                    continue
                seed = cotangent if read is plain else _tensor(cotangent)
                for vertex, g in walk_backward(root, seed, read=read, ends=ends):
                    k = ends.get(id(vertex))
                    if k is not None:
                        found[k] = g if found[k] is None else found[k] + g
        return [self._derivative(g, x, lifted) for g, x in zip(found, self.inputs, strict=True)]

    def push_leaves(self, tangents: Sequence[Any]) -> list[Any]:
        """Carry one tangent per input forwards."""
        with self._walking(self.lifted) as read:
            moving = {
                id(end): t if read is plain else _tensor(t)
                for end, t in zip(self.ends, tangents, strict=True)
            }
            found = [None if root is None else walk_forward(root, moving, read=read) for root in self.roots]
        return [self._derivative(t, y, self.lifted) for t, y in zip(found, self.outputs, strict=True)]

    def rows(self) -> list[list[Any]]:
        """For each output the derivatives by each input, one backward walk for every entry."""
        blocks = []
        for k, output in enumerate(self.outputs):
            zeros = [np.zeros(y.shape, y.dtype) for y in self.outputs]
            rows = []
            for i in range(output.size):
                zeros[k].flat[i] = 1
                rows.append(self.pull_leaves([z.copy() for z in zeros]))
                zeros[k].flat[i] = 0
            blocks.append(
                [self._stacked([row[j] for row in rows], output, x) for j, x in enumerate(self.inputs)]
            )
        return blocks

    def columns(self) -> list[list[Any]]:
        """The same, with one forward walk for every entry of the inputs."""
        blocks: list[list[Any]] = [[] for _ in self.outputs]
        for k, x in enumerate(self.inputs):
            zeros = [np.zeros(z.shape, z.dtype) for z in self.inputs]
            columns = []
            for i in range(x.size):
                zeros[k].flat[i] = 1
                columns.append(self.push_leaves([z.copy() for z in zeros]))
                zeros[k].flat[i] = 0
            for j, output in enumerate(self.outputs):
                stacked = self._stacked([column[j] for column in columns], x, output)
                last = (*range(x.ndim, x.ndim + output.ndim), *range(x.ndim))
                blocks[j].append(np.transpose(stacked, last))
        return blocks

    def _stacked(self, parts: list[Any], outer: Tensor, inner: Tensor) -> Any:
        """Put derivatives of the shape of ``inner`` together, one for each entry of ``outer``."""
        shape = (*outer.shape, *inner.shape)
        if not parts:
            return self._given_out(Tensor(np.zeros(shape, inner.dtype)))
        return np.reshape(np.stack(parts), shape)

    @contextmanager
    def _walking(self, lifted: bool) -> Iterator[Any]:
        """Let the rules see Tensors if what they compute is to be recorded here."""
        yield recorded if lifted and is_recording() else plain

    def _derivative(self, found: Any, like: Tensor, lifted: bool) -> Any:
        """Return a derivative of its own memory, 0 where there was none."""
        if found is None:
            found = np.zeros_like(like.data)
        if lifted:
            return _tensor(found)
        return np.array(found)

    def _given_out(self, output: Tensor) -> Any:
        if self.lifted:
            return output
        return output.data.copy()


@contextmanager
def _running() -> Iterator[None]:
    token = _inside.set(True)
    try:
        yield
    finally:
        _inside.reset(token)


def _own(x: Any) -> Tensor:
    """Return a copy of an input that nothing else leads to; the original may have a graph of its own."""
    if isinstance(x, Tensor) and x.requires_grad and is_recording():
        copy: Tensor = astype(x, dtype=x.dtype)
        return copy
    return Tensor(np.array(as_array(x.data if isinstance(x, Tensor) else x)), requires_grad=True)


def _tensor(x: Any) -> Tensor:
    return x if isinstance(x, Tensor) else Tensor(np.array(x))


def _like(given: Tree, tree: Tree, leaves: Sequence[Tensor], name: str, owner: str) -> list[Any]:
    """Return the arrays in ``given``, each with the shape and dtype of its leaf, or say what differs."""
    single = isinstance(tree, Tensor)
    if not single and not alike(given, tree):
        raise ValueError(
            f"the {name} is a tree of {len(flatten(given)[0])} arrays that is not like the {owner}'s, "
            f"of {len(leaves)}; it needs the same lists, tuples and keys"
        )
    found = [given] if single else arranged(given, tree)
    arrays = [x if isinstance(x, Tensor) else as_array(x) for x in found]
    for array, leaf in zip(arrays, leaves, strict=True):
        if array.dtype.kind not in "biuf":
            raise TypeError(f"the {name} must be made of real numbers, but has dtype {array.dtype}")
        if array.shape != leaf.shape:
            raise ValueError(f"the {name} has shape {array.shape}, but the {owner} has shape {leaf.shape}")
    return [
        x if x.dtype == leaf.dtype else x.astype(leaf.dtype) for x, leaf in zip(arrays, leaves, strict=True)
    ]
