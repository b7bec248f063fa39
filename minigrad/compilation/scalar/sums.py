"""Instructions for sums: of single numbers, of products, and those that make up a matrix product."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from .instructions import Instruction, total_bytes
from .views import Action, Array, Gather, Scatter, block


class Sums(Instruction):
    """
    Sums of equally many terms: products of two numbers, and single ones.

    Parameters
    ----------
    first : int
        The first of its places.
    shape : tuple of int
        Shape of the sums.
    gathers : sequence of Gather or None
        What reads left factors, right factors and single terms, the terms along the first axis.
    passive : sequence of bool
        Which of these need no cotangent.
    reach : tuple of int
        What every backward pass does.
    """

    def __init__(
        self,
        first: int,
        shape: tuple[int, ...],
        gathers: Sequence[Gather | None],
        passive: Sequence[bool],
        reach: tuple[int, ...],
    ) -> None:
        super().__init__(self.called(gathers), first, shape, reach)
        self.gathers = gathers
        self.scatters = scatters(gathers, passive, reach)

    @staticmethod
    def called(gathers: Sequence[Gather | None]) -> str:
        """Return what summaries call it."""
        return "sum" if gathers[0] is None else "sum of products"

    @property
    def bytes(self) -> int:
        """Memory for terms and cotangents."""
        terms = [gather.index.size for gather in self.gathers if gather is not None]
        return total_bytes(self.gathers) + total_bytes(self.scatters) + 16 * sum(terms)

    def forward(self, memory: Array, cotangents: Array) -> list[Action]:
        """Add up."""
        bound = [(None, []) if gather is None else gather.bind(memory) for gather in self.gathers]
        (left, _), (right, _), (singles, _) = bound
        actions: list[Action] = [action for _, load in bound for action in load]
        out = block(memory, self.first, self.shape)
        axis = -1 - len(self.shape)
        self.factors = left, right
        if left is not None and right is not None:
            products = np.empty(np.broadcast_shapes(left.shape, right.shape))
            actions += [
                partial(np.multiply, left, right, out=products),
                partial(np.add.reduce, products, axis=axis, out=out),
            ]
        if singles is not None:
            actions += added(out, singles, axis, left is None)
        return actions

    def backward(self, memory: Array, cotangents: Array, careful: bool) -> list[Action]:
        """Hand the cotangent to single terms, and times the other factor to factors."""
        g = np.expand_dims(block(cotangents, self.first, self.shape), -1 - len(self.shape))
        actions: list[Action] = []
        by_left, by_right, by_singles = self.scatters
        left, right = self.factors
        for scatter, other in ((by_left, right), (by_right, left)):
            if scatter is not None and other is not None:
                add, share = scatter.bind(cotangents), np.empty(np.broadcast_shapes(g.shape, other.shape))
                actions += [
                    partial(np.multiply, g, other, out=share),
                    partial(add, share),
                ]
        if by_singles is not None:
            actions += handed_on(g, by_singles, cotangents)
        return actions


class MatrixProduct(Sums):
    """
    Sums of products that make up a matrix, ``out[i, j] = Σ left[i, t] · right[j, t]``, plus single terms.

    Parameters
    ----------
    first : int
        The first of its places.
    shape : (int, int)
        Rows and columns.
    gathers : sequence of Gather or None
        What reads the left factors by rows, the right factors by columns, and single terms by term and entry.
    passive : sequence of bool
        Which of these need no cotangent.
    reach : tuple of int
        What every backward pass does.
    """

    @staticmethod
    def called(gathers: Sequence[Gather | None]) -> str:
        """Return what summaries call it."""
        return "matrix product"

    @property
    def bytes(self) -> int:
        """Memory for gathered factors and cotangents."""
        own = 8 * sum(gather.index.size for gather in self.gathers[:2] if gather is not None)
        return own + total_bytes(self.gathers) + total_bytes(self.scatters)

    def forward(self, memory: Array, cotangents: Array) -> list[Action]:
        """Multiply."""
        bound = [gather.bind(memory) for gather in self.gathers if gather is not None]
        (left, _), (right, _), *singles = bound
        self.factors = left, right
        columns = np.swapaxes(right, -1, -2)
        out = block(memory, self.first, self.shape)
        actions: list[Action] = [action for _, load in bound for action in load]
        actions.append(partial(np.matmul, left, columns, out=out))
        if singles:
            actions += added(out, singles[0][0], -3, False)
        return actions

    def backward(self, memory: Array, cotangents: Array, careful: bool) -> list[Action]:
        """Hand on the products with the other factor."""
        left, right = self.factors
        g = block(cotangents, self.first, self.shape)
        by_left, by_right, by_singles = self.scatters
        actions: list[Action] = []
        for scatter, factor, other in ((by_left, g, right), (by_right, np.swapaxes(g, -1, -2), left)):
            if scatter is not None:
                share = np.empty((*g.shape[:-2], *scatter.index.shape))
                actions += [
                    partial(np.matmul, factor, other, out=share),
                    partial(scatter.bind(cotangents), share),
                ]
        if by_singles is not None:
            actions += handed_on(g[..., None, :, :], by_singles, cotangents)
        return actions


class UnevenSums(Instruction):
    """
    Sums of any numbers of products, one after the other.

    Parameters
    ----------
    first : int
        The first of its places.
    starts : ndarray of int
        Where the terms of each sum begin.
    gathers : sequence of Gather
        What reads the left and the right factors of all terms.
    passive : sequence of bool
        Which of these need no cotangent.
    reach : tuple of int
        What every backward pass does.
    """

    def __init__(
        self,
        first: int,
        starts: Array,
        gathers: Sequence[Gather],
        passive: Sequence[bool],
        reach: tuple[int, ...],
    ) -> None:
        super().__init__("uneven sums of products", first, starts.shape, reach)
        self.starts = starts
        self.sums = np.repeat(np.arange(starts.size), np.diff(starts, append=gathers[0].index.size))
        self.gathers = gathers
        self.scatters = scatters(gathers, passive, reach)

    @property
    def bytes(self) -> int:
        """Memory for terms and cotangents."""
        return total_bytes(self.gathers) + total_bytes(self.scatters) + 32 * self.sums.size

    def forward(self, memory: Array, cotangents: Array) -> list[Action]:
        """Multiply and add up."""
        (left, load_left), (right, load_right) = (gather.bind(memory) for gather in self.gathers)
        self.factors = left, right
        terms = np.empty(left.shape)
        out = block(memory, self.first, self.shape)
        return [
            *load_left,
            *load_right,
            partial(np.multiply, left, right, out=terms),
            partial(np.add.reduceat, terms, self.starts, axis=-1, out=out),
        ]

    def backward(self, memory: Array, cotangents: Array, careful: bool) -> list[Action]:
        """Hand the cotangent of each sum, times the other factor, to the factors of its terms."""
        left, right = self.factors
        repeated, share = np.empty(left.shape), np.empty(left.shape)
        g = block(cotangents, self.first, self.shape)
        actions: list[Action] = [partial(np.take, g, self.sums, axis=-1, out=repeated, mode="clip")]
        for scatter, other in zip(self.scatters, (right, left), strict=True):
            if scatter is not None:
                actions += [
                    partial(np.multiply, repeated, other, out=share),
                    partial(scatter.bind(cotangents), share),
                ]
        return actions


def scatters(
    gathers: Sequence[Gather | None], passive: Sequence[bool], reach: tuple[int, ...]
) -> list[Scatter | None]:
    """Return what hands cotangents to the places that are read, where they need any."""
    return [
        None if gather is None or still or not any(reach) else Scatter(gather.index)
        for gather, still in zip(gathers, passive, strict=True)
    ]


def added(out: Array, singles: Array, axis: int, alone: bool) -> list[Action]:
    """Return what adds the sums of single terms to numbers, or puts them there."""
    if alone:
        return [partial(np.add.reduce, singles, axis=axis, out=out)]
    if singles.shape[axis] == 1:
        one = np.squeeze(singles, axis=axis)
        return [partial(np.add, out, one, out=out)]
    total = np.empty(out.shape)
    return [partial(np.add.reduce, singles, axis=axis, out=total), partial(np.add, out, total, out=out)]


def handed_on(g: Array, scatter: Scatter, cotangents: Array) -> list[Action]:
    """Return what adds a cotangent to each term of a sum; the terms are along the first axis of places."""
    add = scatter.bind(cotangents)
    spread = np.broadcast_to(g, (*cotangents.shape[:-1], *scatter.index.shape))
    if scatter.target is not None:
        return [partial(add, spread)]
    copied = np.empty(spread.shape)
    return [partial(np.copyto, copied, spread), partial(add, copied)]
