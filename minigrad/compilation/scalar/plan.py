"""Where every number of a tape lies in memory, and which instructions compute it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from ...rules import Elementwise, Primitive
from ...rules.gates import where
from .groups import BENEATH, Group, Terms, grouped, used_entries
from .instructions import Instruction, Map, Read
from .straight import SYMBOLS, Step, Straight
from .sums import MatrixProduct, Sums, UnevenSums
from .tape import Constant, Gradient, Input, Tape
from .views import Array, Gather, regular_shape

NARROW = 12
"""Operations of Python that take as long as the calls of NumPy for one instruction."""

LONGEST = 1000
"""Numbers that one function of Python's computes."""


@dataclass(frozen=True, slots=True)
class Plan:
    """
    A tape laid out in memory: inputs first, then constants, then what each instruction computes.

    Attributes
    ----------
    inputs : list of int
        The entries that are inputs, in the order of their places.
    constants : ndarray
        The numbers that are always the same.
    size : int
        How many numbers the memory holds.
    place : ndarray of int
        Where each entry lies; −1 for those inside an instruction.
    instructions : tuple of (int, Instruction)
        In order, each with the number of backward passes that come before.
    roots : tuple of int
        Where the root of every backward pass lies.
    """

    inputs: list[int]
    constants: Array
    size: int
    place: Array
    instructions: tuple[tuple[int, Instruction], ...]
    roots: tuple[int, ...]

    @property
    def bytes(self) -> int:
        """Memory for numbers, their cotangents, and what instructions need beside."""
        own = sum(instruction.bytes for _, instruction in self.instructions)
        return 8 * self.size * (2 if self.roots else 1) + own


def planned(tape: Tape, kept: Collection[int], *, batched: bool = False) -> Plan:
    """
    Return the plan of a tape.

    Parameters
    ----------
    tape : Tape
        What was computed.
    kept : collection of int
        The entries that somebody reads.
    batched : bool
        Whether it is for many inputs at once: then nothing is too narrow for arrays.
    """
    return _Planner(tape, kept).plan(batched)


class _Planner:
    def __init__(self, tape: Tape, kept: Collection[int]) -> None:
        self.tape = tape
        self.one = tape.constant(1.0)
        self.groups = grouped(tape, kept)
        self.place = np.full(len(tape), -1)
        self.active = np.zeros(0, dtype=bool)
        kinds, used = tape.kinds, used_entries(tape, {*kept, self.one})
        self.inputs = [k for k, kind in enumerate(kinds) if used[k] and isinstance(kind, Input)]
        self.inputs.sort(key=self._rank)
        self.constants = [k for k, kind in enumerate(kinds) if used[k] and isinstance(kind, Constant)]
        known = self.inputs + self.constants
        self.place[known] = np.arange(len(known))
        self.first_constant, self.size = len(self.inputs), len(known)
        self.movable = [k for k in known if tape.active[k]]
        self.numbers = np.array([cast(Constant, kinds[k]).number for k in self.constants])
        self.constant_at = dict(enumerate(self.numbers.tolist(), self.first_constant))

    def _rank(self, entry: int) -> Any:
        """Order inputs as they were made, so that those that are used together lie together."""
        source = cast(Input, self.tape.kinds[entry])
        given = isinstance(source.source, int)
        return source.name, given, source.source if isinstance(source.source, int) else source.source.order

    def plan(self, batched: bool) -> Plan:
        sizes = sum(len(group.members) for group in self.groups)
        self.active = np.zeros(self.size + sizes, dtype=bool)
        self.active[self.place[self.movable]] = True
        instructions = []
        for groups in [[group] for group in self.groups] if batched else _runs(self.groups):
            narrow = not batched and is_narrow(groups[0])
            instruction: Instruction = self._straight(groups) if narrow else self._instruction(groups[0])
            stop = self.size + instruction.size
            self.active[self.size : stop] = [self.tape.active[k] for group in groups for k in group.members]
            self.size = stop
            instructions.append((groups[0].phase, instruction))
        roots = tuple(int(self.place[root]) for root in self.tape.sweeps)
        return Plan(self.inputs, self.numbers, self.size, self.place, tuple(instructions), roots)

    def _instruction(self, group: Group) -> Instruction:
        if not group.terms:
            self._settle(group.members)
            columns = np.array([self.tape.operands[k] for k in group.members]).T
            places = [self.place[column] for column in columns]
            if isinstance(group.kind, Elementwise):
                return self._map(group, places)
            name = "gradient" if isinstance(group.kind, Gradient) else "copy"
            first = self.size
            return Read(name, first, places[0], len(self.tape.sweeps))
        lengths = {(len(products), len(singles)) for products, singles in group.terms}
        return self._sums(group) if len(lengths) == 1 else self._uneven(group)

    def _straight(self, groups: list[Group]) -> Straight:
        members = [k for group in groups for k in group.members]
        self._settle(members)
        self.active[self.place[members]] = [self.tape.active[k] for k in members]
        place = self.place.item
        steps = []
        for group in groups:
            for n, k in enumerate(group.members):
                operands = tuple([place(x) for x in self.tape.operands[k]])
                terms: Terms | None = None
                if group.terms:
                    products, singles = group.terms[n]
                    terms = [(place(x), place(y)) for x, y in products], [place(x) for x in singles]
                steps.append(Step(place(k), self.tape.kinds[k], operands, terms, group.reach))
        return Straight(self.size, steps, self.constant_at, self.active)

    def _settle(self, members: Sequence[int]) -> None:
        self.place[np.asarray(members)] = self.size + np.arange(len(members))

    def _map(self, group: Group, places: list[Array]) -> Map:
        shape = max((regular_shape(index) for index in places), key=len)
        indices = [index.reshape(shape) for index in places]
        constants = [self._constants(index) for index in indices]
        passive = [self._passive(index) for index in indices]
        return Map(group.kind, self.size, indices, constants, passive, group.reach)

    def _constants(self, index: Array) -> Array | None:
        return self.numbers[index - self.first_constant] if self._fixed(index) else None

    def _fixed(self, index: Array) -> bool:
        """Whether all of these places hold constants."""
        start, stop = self.first_constant, self.first_constant + len(self.constants)
        return bool(np.all((index >= start) & (index < stop)))

    def _passive(self, index: Array | None) -> bool:
        return index is None or not self.active[index].any()

    def _gather(self, index: Array, compact: bool = False) -> Gather:
        return Gather(index, compact, self._fixed(index))

    def _sums(self, group: Group) -> Instruction:
        products = self.place[np.array([terms[0] for terms in group.terms], dtype=int)]
        singles = self.place[np.array([terms[1] for terms in group.terms], dtype=int)]
        if products.size:
            factors = products[..., 0], products[..., 1]
            found = matrix(*factors)
            if found is not None:
                rows, columns = found
                if len(rows) > 1 and rows[0] != rows[1]:  # then the sums are in order already
                    rows, columns, factors = columns, rows, factors[::-1]
                return self._matrix_product(group, *factors, singles, rows, columns)
        self._settle(group.members)
        both = [products[..., 0].T, products[..., 1].T] if products.size else []
        parts = [*both, singles.T] if singles.size else both
        shape = max((regular_shape(index[0]) for index in parts), key=len)
        left, right = [index.reshape(-1, *shape) for index in both] if both else (None, None)
        lone = singles.T.reshape(-1, *shape) if singles.size else None
        passive = self._passive(left), self._passive(right), self._passive(lone)
        gathers = [None if index is None else self._gather(index) for index in (left, right, lone)]
        return Sums(self.size, shape, gathers, passive, group.reach)

    def _matrix_product(
        self, group: Group, left: Array, right: Array, singles: Array, rows: Array, columns: Array
    ) -> Instruction:
        """Order the sums as the entries of the matrix, by rows."""
        order = np.lexsort((columns, rows))
        shape = int(rows.max()) + 1, int(columns.max()) + 1
        group.members = [group.members[k] for k in order]
        self._settle(group.members)
        left, right = left[order].reshape(*shape, -1)[:, 0], right[order].reshape(*shape, -1)[0]
        lone = singles[order].T.reshape(-1, *shape) if singles.size else None
        passive = self._passive(left), self._passive(right), self._passive(lone)
        gathers = [
            self._gather(left, True),
            self._gather(right, True),
            None if lone is None else self._gather(lone),
        ]
        return MatrixProduct(self.size, shape, gathers, passive, group.reach)

    def _uneven(self, group: Group) -> UnevenSums:
        self._settle(group.members)
        pairs = [[*products, *((x, self.one) for x in singles)] for products, singles in group.terms]
        ends = np.cumsum([len(pair) for pair in pairs])
        factors = self.place[np.array([factors for pair in pairs for factors in pair])]
        left, right = factors[:, 0], factors[:, 1]
        passive = self._passive(left), self._passive(right)
        starts = ends - [len(pair) for pair in pairs]
        return UnevenSums(self.size, starts, [self._gather(left), self._gather(right)], passive, group.reach)


def is_narrow(group: Group) -> bool:
    """Whether Python computes a group faster, number by number, than NumPy as an array."""
    if BENEATH in group.reach or group.kind is where:
        return False
    work = len(group.members) * (1 if group.kind in SYMBOLS or not isinstance(group.kind, Primitive) else 3)
    if group.terms:
        work = sum(len(products) + len(singles) for products, singles in group.terms)
    return work <= NARROW


def _runs(groups: list[Group]) -> list[list[Group]]:
    """Put neighbouring narrow groups together, as far as one phase and a function of bearable length go."""
    runs: list[list[Group]] = []
    length = 0
    for group in groups:
        last = runs[-1][-1] if runs else None
        length += len(group.members)
        near = last is not None and last.phase == group.phase and is_narrow(last) and is_narrow(group)
        if near and length <= LONGEST:
            runs[-1].append(group)
        else:
            runs.append([group])
            length = len(group.members)
    return runs


def matrix(left: Array, right: Array) -> tuple[Array, Array] | None:
    """
    Return the row and the column of each sum of products in a matrix product, or None where they make none.

    A sum belongs to the row of its left factors and to the column of its right factors; every pair of a row
    and a column must occur once.

    Parameters
    ----------
    left, right : ndarray of int, shape (sums, terms)
        Places of the factors.

    Examples
    --------
    >>> matrix(np.array([[0, 1], [0, 1], [2, 3], [2, 3]]), np.array([[4, 5], [6, 7], [4, 5], [6, 7]]))
    (array([0, 0, 1, 1]), array([0, 1, 0, 1]))
    """
    first_rows, rows = _distinct(left)
    first_columns, columns = _distinct(right)
    count = first_rows.size * first_columns.size
    if count != len(left) or np.unique(rows * first_columns.size + columns).size != count:
        return None
    same = np.array_equal(left, left[first_rows][rows]) and np.array_equal(
        right, right[first_columns][columns]
    )
    return (rows, columns) if same else None


def _distinct(index: Array) -> tuple[Array, Array]:
    """Return the first of each kind of row, and the kind of each row, kinds numbered as they appear."""
    weights = np.random.default_rng(0).integers(1, 2**62, size=index.shape[1])
    _, first, kind = np.unique(index @ weights, return_index=True, return_inverse=True)
    rank = np.empty_like(first)
    rank[np.argsort(first)] = np.arange(first.size)
    return np.sort(first), rank[kind]
