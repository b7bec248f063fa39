"""Products of arrays with NumPy's names and signatures: all are matrix products or sums of products."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from string import ascii_letters
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..rules import NUMPY, products
from .arguments import operand, refuse

__all__ = ["cross", "dot", "einsum", "inner", "kron", "outer", "tensordot", "vdot", "vecdot"]


def einsum(*operands: Any, out: Any = None, optimize: Any = False) -> Any:
    """
    Return the sum of products that Einstein's notation names.

    Parameters
    ----------
    *operands
        Subscripts as a string and the arrays (``"ij,jk->ik", a, b``), or each array with a list of its
        indices, and the result's (``a, [0, 1], b, [1, 2], [0, 2]``). ``...`` stands for axes without a
        name, which broadcast. An index twice in one array reads its diagonal. Without ``->`` the result
        has the indices that occur once, in alphabetical order.
    out : None
        There for NumPy's sake: a result is a new Tensor.
    optimize : bool, str or list
        In which order to contract, as in :func:`numpy.einsum`; True pays for large arrays.

    Raises
    ------
    ValueError
        If the subscripts do not fit the arrays.

    Examples
    --------
    >>> import numpy as np, minigrad as mg
    >>> a = mg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    >>> trace = mg.einsum("ii", a)
    >>> trace.backward()
    >>> trace.item(), a.grad
    (5.0, array([[1., 0.],
           [0., 1.]]))
    """
    refuse("einsum", out=out)
    if not operands:
        raise ValueError('einsum takes subscripts and arrays, as in einsum("ij,jk->ik", a, b)')
    subscripts, *arrays = operands if isinstance(operands[0], str) else _as_string(operands)
    arrays = [operand(x) for x in arrays]
    return products.einsum(*arrays, subscripts=_explicit(subscripts, arrays), optimize=optimize)


def dot(a: Any, b: Any, out: Any = None) -> Any:
    """
    Return the sum of products over the last axis of ``a`` and the last but one of ``b``, or its only one.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.dot(mg.tensor([1.0, 2.0]), [3.0, 4.0]).item()
    11.0
    """
    refuse("dot", out=out)
    a, b = operand(a), operand(b)
    if a.ndim == 0 or b.ndim == 0:
        return a * b
    return products.matmul(a, b) if b.ndim <= 2 else tensordot(a, b, axes=(-1, -2))


def inner(a: Any, b: Any) -> Any:
    """
    Return the sum of products over the last axes of both.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.inner(mg.tensor([[1.0, 2.0], [0.0, 1.0]]), [3.0, 4.0])
    tensor([11.,  4.])
    """
    a, b = operand(a), operand(b)
    return a * b if a.ndim == 0 or b.ndim == 0 else tensordot(a, b, axes=(-1, -1))


def outer(a: Any, b: Any, out: Any = None) -> Any:
    """
    Return all products of an entry of ``a`` and one of ``b``, shape (a.size, b.size).

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.outer(mg.tensor([1.0, 2.0]), [3.0, 4.0])
    tensor([[3., 4.],
            [6., 8.]])
    """
    refuse("outer", out=out)
    return np.expand_dims(_raveled(a), 1) * np.expand_dims(_raveled(b), 0)


def vdot(a: Any, b: Any) -> Any:
    """
    Return the sum of products of all entries of two arrays of one size.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.vdot(mg.tensor([[1.0, 2.0]]), [[3.0], [4.0]]).item()
    11.0
    """
    return products.matmul(_raveled(a), _raveled(b))


def vecdot(x1: Any, x2: Any, axis: int = -1) -> Any:
    """
    Return the dot products of the vectors along an axis; the other axes broadcast.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.vecdot(mg.tensor([[1.0, 2.0], [0.0, 1.0]]), [3.0, 4.0])
    tensor([11.,  4.])
    """
    x1, x2 = _last(operand(x1), axis, "vecdot"), _last(operand(x2), axis, "vecdot")
    if x1.shape[-1] != x2.shape[-1]:
        raise ValueError(f"vecdot got vectors of lengths {x1.shape[-1]} and {x2.shape[-1]}; they must agree")
    return np.sum(x1 * x2, axis=-1)


def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """
    Return the sum of products over some axes of ``a`` and as many of ``b``; the others remain in order.

    Parameters
    ----------
    a, b : array_like
        The arrays.
    axes : int or pair
        The last axes of ``a`` and the first ones of ``b``, or which axes of ``a`` and which of ``b``.

    Raises
    ------
    ValueError
        If the axes of a pair have different lengths.
    IndexError
        If there are no such axes.

    Examples
    --------
    >>> import numpy as np, minigrad as mg
    >>> mg.tensordot(mg.tensor(np.ones((2, 3, 4))), np.ones((4, 3, 5)), axes=([1, 2], [1, 0])).shape
    (2, 5)
    """
    a, b = operand(a), operand(b)
    of_a, of_b = _contracted(a, b, axes)
    lengths = [a.shape[axis] for axis in of_a]
    if len(of_a) != len(of_b) or lengths != [b.shape[axis] for axis in of_b]:
        raise ValueError(
            f"tensordot sums over axes {of_a} of shape {a.shape} and axes {of_b} of shape {b.shape}; "
            f"they must be as many and as long"
        )
    of_a_free = [axis for axis in range(a.ndim) if axis not in of_a]
    of_b_free = [axis for axis in range(b.ndim) if axis not in of_b]
    rows, columns = [a.shape[axis] for axis in of_a_free], [b.shape[axis] for axis in of_b_free]
    summed = math.prod(lengths)
    left = np.reshape(np.transpose(a, (*of_a_free, *of_a)), (math.prod(rows), summed))
    right = np.reshape(np.transpose(b, (*of_b, *of_b_free)), (summed, math.prod(columns)))
    return np.reshape(products.matmul(left, right), (*rows, *columns))


def kron(a: Any, b: Any) -> Any:
    """
    Return the Kronecker product: ``b``, scaled by every entry of ``a`` in its place.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.kron(mg.tensor([1.0, 10.0]), [1.0, 2.0])
    tensor([ 1.,  2., 10., 20.])
    """
    a, b = operand(a), operand(b)
    ndim = max(a.ndim, b.ndim)
    of_a, of_b = (1,) * (ndim - a.ndim) + a.shape, (1,) * (ndim - b.ndim) + b.shape
    a = np.reshape(a, tuple(length for n in of_a for length in (n, 1)))
    b = np.reshape(b, tuple(length for n in of_b for length in (1, n)))
    return np.reshape(a * b, tuple(n * m for n, m in zip(of_a, of_b, strict=True)))


def cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    """
    Return the vectors perpendicular to those of ``a`` and ``b``, which lie along an axis of length 3.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.cross(mg.tensor([1.0, 0.0, 0.0]), [0.0, 1.0, 0.0])
    tensor([0., 0., 1.])
    """
    axisa, axisb, axisc = (axisa, axisb, axisc) if axis is None else (axis,) * 3
    a, b = _last(operand(a), axisa, "cross"), _last(operand(b), axisb, "cross")
    if a.shape[-1] != 3 or b.shape[-1] != 3:
        raise ValueError(f"cross takes vectors of 3 entries, but got {a.shape[-1]} and {b.shape[-1]}")
    ahead, behind = [1, 2, 0], [2, 0, 1]
    product = a[..., ahead] * b[..., behind] - a[..., behind] * b[..., ahead]
    axisc = normalize_axis_index(axisc, product.ndim, "cross: axisc")
    if axisc == product.ndim - 1:
        return product
    order = list(range(product.ndim - 1))
    order.insert(axisc, product.ndim - 1)
    return np.transpose(product, tuple(order))


def _matvec(x1: Any, x2: Any) -> Any:
    return products.matmul(x1, np.expand_dims(x2, -1))[..., 0]


def _vecmat(x1: Any, x2: Any) -> Any:
    return products.matmul(np.expand_dims(x1, -2), x2)[..., 0, :]


NUMPY |= {
    np.einsum: einsum,
    np.dot: dot,
    np.inner: inner,
    np.outer: outer,
    np.vdot: vdot,
    np.tensordot: tensordot,
    np.kron: kron,
    np.cross: cross,
    np.vecdot: vecdot,
}
if hasattr(np, "matvec"):  # NumPy 2.2
    NUMPY |= {np.matvec: _matvec, np.vecmat: _vecmat}


def _raveled(x: Any) -> Any:
    x = operand(x)
    return np.reshape(x, (x.size,))


def _last(x: Any, axis: int, name: str) -> Any:
    """Move an axis to the end."""
    axis = normalize_axis_index(axis, x.ndim, name)
    return x if axis == x.ndim - 1 else np.transpose(x, (*(a for a in range(x.ndim) if a != axis), axis))


def _contracted(a: Any, b: Any, axes: Any) -> tuple[list[int], list[int]]:
    """Return the axes of both that tensordot sums over, counted from 0."""
    if np.ndim(axes) == 0:
        count = int(axes)
        if not 0 <= count <= min(a.ndim, b.ndim):
            raise IndexError(
                f"tensordot can't sum over {count} axes of shapes {a.shape} and {b.shape}: not both have them"
            )
        return list(range(a.ndim - count, a.ndim)), list(range(count))
    of_a, of_b = ([each] if np.ndim(each) == 0 else list(each) for each in axes)
    for x, chosen in ((a, of_a), (b, of_b)):
        if not all(-x.ndim <= axis < x.ndim for axis in chosen):
            raise IndexError(f"tensordot got axes {chosen} of an array of shape {x.shape}")
    return [axis % a.ndim for axis in of_a], [axis % b.ndim for axis in of_b]


# Einstein's notation


def _as_string(operands: Sequence[Any]) -> list[Any]:
    """Turn ``a, [0, 1], b, [1, 2], [0, 2]`` into subscripts and arrays."""
    arrays, lists = list(operands[0::2]), list(operands[1::2])
    output = [arrays.pop()] if len(arrays) > len(lists) else []
    if not all(isinstance(each, (list, tuple)) for each in lists + output):
        raise ValueError(
            "einsum takes subscripts as its first argument, or a list of indices after each array"
        )
    inputs = ",".join(map(_letters, lists))
    return [f"{inputs}->{_letters(output[0])}" if output else inputs, *arrays]


def _letters(indices: Sequence[Any]) -> str:
    if not all(i is Ellipsis or (isinstance(i, (int, np.integer)) and 0 <= i < 52) for i in indices):
        raise ValueError(f"einsum got the indices {list(indices)}; they are numbers from 0 to 51, or ...")
    return "".join("..." if i is Ellipsis else ascii_letters[i] for i in indices)


def _explicit(subscripts: str, arrays: Sequence[Any]) -> str:
    """Write subscripts out: ``...`` as letters, and with ``->``; checked against the arrays."""
    written = subscripts.replace(" ", "")
    inputs, arrow, output = written.partition("->")
    terms = inputs.split(",")

    def wrong(why: str) -> ValueError:
        return ValueError(f"einsum {subscripts!r} of shapes {', '.join(str(x.shape) for x in arrays)}: {why}")

    letters = set(written.replace("...", "").replace(",", "").replace("->", ""))
    if not letters <= set(ascii_letters):
        raise wrong(f"an index is a letter, not {min(letters - set(ascii_letters))!r}")
    if len(terms) != len(arrays):
        raise wrong(f"it names {len(terms)} arrays, but got {len(arrays)}")
    spare = "".join(letter for letter in ascii_letters if letter not in letters)
    unnamed = [x.ndim - len(term.replace("...", "")) for term, x in zip(terms, arrays, strict=True)]
    for term, more in zip(terms, unnamed, strict=True):
        if term.count("...") > 1 or (more != 0 if "..." not in term else more < 0):
            raise wrong(f"{term!r} does not fit an array of {more + len(term.replace('...', ''))} axes")
    ellipsis = spare[: max(unnamed)]
    terms = [
        term.replace("...", ellipsis[len(ellipsis) - more :])
        for term, more in zip(terms, unnamed, strict=True)
    ]
    if not arrow:
        once = [letter for letter, count in Counter(inputs).items() if count == 1 and letter in letters]
        output = "..." + "".join(sorted(once))
    elif ellipsis and "..." not in output:
        raise wrong("the result needs '...' too, or the axes must have names")
    output = output.replace("...", ellipsis)
    if len(set(output)) != len(output) or not set(output) <= set("".join(terms)):
        raise wrong(f"every index of the result {output!r} must occur once in it, and in an array")
    _check_lengths(terms, arrays, wrong)
    return f"{','.join(terms)}->{output}"


def _check_lengths(terms: Sequence[str], arrays: Sequence[Any], wrong: Any) -> None:
    """Every index has one length; an array along which it is 1 is broadcast, a diagonal never."""
    lengths: dict[str, int] = {}
    for term, x in zip(terms, arrays, strict=True):
        for index in set(term):
            own = {n for letter, n in zip(term, x.shape, strict=True) if letter == index}
            if len(own) > 1:
                raise wrong(f"the diagonal {index!r} of {term!r} has the lengths {sorted(own)}")
            (n,) = own
            if lengths.setdefault(index, n) != n and 1 not in (n, lengths[index]):
                raise wrong(f"index {index!r} has the lengths {lengths[index]} and {n}")
            lengths[index] = n if lengths[index] == 1 else lengths[index]
