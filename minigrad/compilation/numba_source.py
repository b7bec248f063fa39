"""The text of a fused loop, for numba: one pass over a row after another, each number in a register."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .loops import CASTS, REDUCTIONS, Loop, is_elementwise, loop_of, operands, picked
from .program import Fused, Instruction, Ref, Spec

FLOATS, NUMBERS = "f", "fi"
EXPRESSIONS: dict[np.ufunc, tuple[str, str]] = {
    np.add: (NUMBERS, "{0} + {1}"),
    np.subtract: (NUMBERS, "{0} - {1}"),
    np.multiply: (NUMBERS, "{0} * {1}"),
    np.divide: (FLOATS, "{0} / {1}"),
    np.negative: (NUMBERS, "-{0}"),
    np.positive: (NUMBERS, "{0}"),
    np.absolute: (NUMBERS, "abs({0})"),
    np.square: (NUMBERS, "{0} * {0}"),
    np.sqrt: (FLOATS, "np.sqrt({0})"),
    np.reciprocal: (FLOATS, "one / {0}"),
    np.sign: (FLOATS, "one if {0} > 0 else -one if {0} < 0 else {0} if {0} != {0} else one - one"),
    np.maximum: (NUMBERS, "{0} if {0} > {1} or {0} != {0} else {1}"),
    np.minimum: (NUMBERS, "{0} if {0} < {1} or {0} != {0} else {1}"),
    np.greater: (NUMBERS, "{0} > {1}"),
    np.greater_equal: (NUMBERS, "{0} >= {1}"),
    np.less: (NUMBERS, "{0} < {1}"),
    np.less_equal: (NUMBERS, "{0} <= {1}"),
    np.equal: (NUMBERS, "{0} == {1}"),
    np.not_equal: (NUMBERS, "{0} != {1}"),
    np.isnan: (FLOATS, "{0} != {0}"),
    np.isfinite: (FLOATS, "math.isfinite({0})"),
    np.isinf: (FLOATS, "math.isinf({0})"),
    np.logical_and: ("b", "{0} and {1}"),
    np.logical_or: ("b", "{0} or {1}"),
    np.logical_not: ("b", "not {0}"),
    np.bitwise_and: ("b", "{0} and {1}"),
    np.bitwise_or: ("b", "{0} or {1}"),
    np.bitwise_xor: ("b", "{0} != {1}"),
    np.invert: ("b", "not {0}"),
}  # fmt: skip
"""For each ufunc the kinds of dtypes it is written for, and how, in terms of its operands."""

TRANSCENDENTAL: dict[np.ufunc, str] = {
    ufunc: f"np.{ufunc.__name__}({{0}})"
    for ufunc in (np.exp, np.exp2, np.expm1, np.log, np.log2, np.log10, np.log1p, np.sin, np.cos, np.tanh)
}
"""Functions that NumPy computes several entries at a time, but numba one by one: for short loops alone."""

DTYPES = {np.dtype(name): name for name in ("float32", "float64", "int32", "int64", "bool")}

LONGEST_ROW = 1024
"""Entries that are summed one after another; NumPy's sums in pairs are faster and closer for more."""

MOST_TRANSCENDENTAL = 2048
LARGEST_STRIDED = 4096


def fusable(body: Sequence[Instruction], loop: Loop, specs: Sequence[Spec]) -> bool:
    """Return whether a loop can be written for numba, and pays."""
    inside = {instruction.result for instruction in body}
    for instruction in body:
        slots = (*instruction.reads, instruction.result)
        arrays = [specs[slot] for slot in slots if specs[slot].shape is not None]
        if any(spec.dtype not in DTYPES or spec.size == 0 for spec in arrays):
            return False
        strided = [specs[s] for s in instruction.reads if s not in inside and specs[s].shape == loop.shape]
        if any(s.order != tuple(range(len(loop.shape))) and s.size > LARGEST_STRIDED for s in strided):
            return False
        if instruction.function in REDUCTIONS:
            if loop.kinds[instruction.result] != "column" and not _short(instruction, loop, specs):
                return False
        elif picked(instruction) is None and not _written(instruction, specs):
            return False
    return True


def _short(instruction: Instruction, loop: Loop, specs: Sequence[Spec]) -> bool:
    operand = specs[instruction.args[0].slot]
    kind = loop.kinds[instruction.result]
    return operand.size <= 64 * LONGEST_ROW and (kind == "single" or loop.shape[-1] <= LONGEST_ROW)


def _written(instruction: Instruction, specs: Sequence[Spec]) -> bool:
    """Return whether there is an expression for an elementwise instruction."""
    function: Any = instruction.function
    given = [_dtype(x, specs) for x in operands(instruction)]
    if any(dtype is None for dtype in given):  # float64 == None, says NumPy
        return False
    if function in CASTS or function is np.where:
        return True
    types = _types(instruction, specs)
    if types is None:
        return False
    if function in TRANSCENDENTAL:
        return types[0].kind == "f" and specs[instruction.result].size <= MOST_TRANSCENDENTAL
    kinds, _ = EXPRESSIONS.get(function, ("", ""))
    return all(dtype.kind in kinds for dtype in types[:-1])


def _dtype(x: Any, specs: Sequence[Spec]) -> Any:
    """Return the dtype of an operand, the Python type of a number, or None of something else."""
    if isinstance(x, Ref):
        spec = specs[x.slot]
        return float if spec.shape is None else spec.dtype
    return np.dtype(bool) if type(x) is bool else type(x) if type(x) in (int, float) else None


def _types(instruction: Instruction, specs: Sequence[Spec]) -> Sequence[np.dtype[Any]] | None:
    """Return the dtypes in which NumPy computes a ufunc, of operands and result."""
    given = [_dtype(x, specs) for x in operands(instruction)]
    ufunc: Any = instruction.function
    try:
        types: Sequence[np.dtype[Any]] = ufunc.resolve_dtypes((*given, None))
    except TypeError:
        return None
    return types if all(dtype in DTYPES for dtype in types) else None


def source(fused: Fused, shared: Sequence[int | None], split: bool) -> str:
    """
    Return the text of the function ``kernel(*inputs, *outputs)``.

    Parameters
    ----------
    fused : Fused
        What it computes.
    shared : sequence
        For each output which input lies in the same memory, or None: several entries are computed at a time
        only where different names are different memory.
    split : bool
        Whether it takes the first axis' ``start, stop`` before them.
    """
    return _Text(fused, shared, split).text()


class _Text:
    """Writes one kernel: sections of lines, for each pass over a row and what comes between passes."""

    def __init__(self, fused: Fused, shared: Sequence[int | None], split: bool) -> None:
        loop = loop_of(fused.body, fused.specs)
        assert loop is not None
        self.fused, self.loop, self.specs, self.split = fused, loop, fused.specs, split
        self.arguments = {slot: f"a{k}" for k, slot in enumerate(fused.inputs)}
        self.targets = {
            slot: f"o{k}" if shared[k] is None else f"a{shared[k]}" for k, slot in enumerate(fused.outputs)
        }
        self.values = {instruction.result: f"v{k}" for k, instruction in enumerate(fused.body)}
        dimensions = len(loop.shape)
        self.outer = [f"i{k}" for k in range(dimensions - 1)]
        self.inner = ["j"] if dimensions else []
        self.passes = self._phases()
        self.loads: dict[Any, dict[str, str]] = {}
        self.lines: dict[Any, list[str]] = {}
        self.stores: dict[Any, list[str]] = {}
        self.start: list[str] = []
        self.rows: dict[int, list[str]] = {}

    def _phases(self) -> int:
        """Find for each value the pass over the row that computes it, or that it is known before."""
        self.phase: dict[int, int] = {}
        last = 0
        for instruction in self.fused.body:
            slot, kind = instruction.result, self.loop.kinds[instruction.result]
            before = max((self.phase[s] for s in instruction.reads if s in self.phase), default=0)
            walks = kind == "entry" or self._walks(instruction)
            self.phase[slot] = before + (walks and kind == "row")
            last = max(last, before + 1) if walks else last
        self._postpone()
        return last

    def _postpone(self) -> None:
        """Compute an entry that depends on none of an earlier pass in the pass that needs it, not before."""
        body = self.fused.body
        for instruction in reversed(body):
            slot = instruction.result
            readers = [k for k in body if slot in k.reads]
            computed = any(self.loop.kinds.get(s) == "entry" for s in instruction.reads)
            if self.loop.kinds[slot] == "entry" and readers and not computed:
                self.phase[slot] = min(self._reads_in(reader) for reader in readers)

    def _reads_in(self, instruction: Instruction) -> int:
        """Return the pass in which an instruction reads entries."""
        after = self.loop.kinds[instruction.result] == "row" and self._walks(instruction)
        return self.phase[instruction.result] - after

    def _walks(self, instruction: Instruction) -> bool:
        """Return whether an instruction takes all entries of a row."""
        if is_elementwise(instruction):
            return False
        (operand, *_) = instruction.reads
        return self.loop.kinds.get(operand, "entry") == "entry"

    def text(self) -> str:
        """Return the function."""
        for instruction in self.fused.body:
            self._instruction(instruction)
        for slot in self.fused.outputs:
            self._store(slot)
        parameters = [*self.arguments.values(), *(f"o{k}" for k in range(len(self.fused.outputs)))]
        lines = [*self.start]
        depth = 0
        for axis, name in enumerate(self.outer):
            lines.append("    " * depth + self._head(axis, name))
            depth += 1
        body = []
        for k in range(self.passes + 1):
            body += self._section(("row", k))
            if k < self.passes:
                body += self.rows.get(k, [])
                inside = self._section(("entry", k))
                if self.inner:
                    body += [self._head(len(self.outer), "j"), *("    " + line for line in inside)]
                else:
                    body += inside
        lines += ["    " * depth + line for line in body]
        lines += self._section(("single", 0))
        head = ["start", "stop"] * self.split + parameters
        return f"def kernel({', '.join(head)}):\n" + "".join(f"    {line}\n" for line in lines or ["pass"])

    def _section(self, place: Any) -> list[str]:
        """Return its lines: all is read before any is written, as an output may lie where an operand does."""
        loads = [f"{name} = {expression}" for expression, name in self.loads.get(place, {}).items()]
        return loads + self.lines.get(place, []) + self.stores.get(place, [])

    def _head(self, axis: int, name: str) -> str:
        if self.split and axis == 0:
            return f"for {name} in range(uint64(start), uint64(stop)):"
        return f"for {name} in range(uint64(0), uint64({self._extent(axis)})):"

    def _extent(self, axis: int) -> str:
        """Return the expression of the length of an axis."""
        behind = len(self.loop.shape) - axis
        outputs = {slot: f"o{k}" for k, slot in enumerate(self.fused.outputs)}
        for slot, name in (self.arguments | outputs).items():
            shape, kind = self.specs[slot].shape, self.loop.kinds.get(slot, "entry")
            fits = slot in self.arguments or kind == "entry"
            whole = fits and shape is not None and len(shape) == len(self.loop.shape)
            if whole and shape[-behind] == self.loop.shape[axis] != 1:  # type: ignore[index]
                return f"{name}.shape[{axis}]"
        return str(self.loop.shape[axis])

    # What is read

    def _operand(self, x: Any, place: Any, indices: list[str]) -> str:
        """Return the expression of an operand in a section."""
        if not isinstance(x, Ref):
            return repr(x) if np.isfinite(x) else f"({'-' * (x < 0)}np.{'nan' if x != x else 'inf'})"
        slot = x.slot
        if slot in self.values:
            if place[0] == "entry" and self.loop.kinds[slot] == "entry" and self.phase[slot] < place[1]:
                return self._kept(slot, place)
            return self.values[slot]
        if self.specs[slot].shape is None:
            return self.arguments[slot]
        loads = self.loads.setdefault(place, {})
        expression = self.arguments[slot] + self._index(self.specs[slot].shape or (), indices)
        return loads.setdefault(expression, f"x{sum(map(len, self.loads.values()))}")

    def _kept(self, slot: int, place: Any) -> str:
        """Return an entry that an earlier pass over the row has computed."""
        name, row = self.values[slot], f"s{self.values[slot][1:]}"
        allocation = f"{row} = np.empty({self._extent(len(self.outer))}, {DTYPES[self.specs[slot].dtype]})"
        if allocation not in self.start:
            self.start.append(allocation)
            self.stores.setdefault(("entry", self.phase[slot]), []).append(f"{row}[j] = {name}")
        self.loads.setdefault(place, {})[f"{row}[j]"] = name
        return name

    def _index(self, shape: tuple[int, ...], indices: list[str]) -> str:
        if not shape:
            return "[()]"
        names = indices[len(indices) - len(shape) :]
        return f"[{', '.join('0' if n == 1 else name for n, name in zip(shape, names, strict=True))}]"

    def _indices(self, instruction: Instruction) -> tuple[Any, list[str]]:
        """Return the section of an elementwise instruction and the indices there."""
        slot, kind = instruction.result, self.loop.kinds[instruction.result]
        if kind == "entry":
            return ("entry", self.phase[slot]), self.outer + self.inner
        if kind == "row":
            shape = self.specs[slot].shape or ()
            return ("row", self.phase[slot]), self.outer + ["0"] * (len(shape) == len(self.loop.shape))
        return ("single", 0), []

    # What is computed

    def _instruction(self, instruction: Instruction) -> None:
        if instruction.function in REDUCTIONS:
            self._reduction(instruction)
        elif picked(instruction) is not None:
            self._pick(instruction)
        else:
            place, indices = self._indices(instruction)
            given = [(self._operand(x, place, indices), x) for x in operands(instruction)]
            name = self.values[instruction.result]
            self.lines.setdefault(place, []).append(f"{name} = {self._expression(instruction, given)}")

    def _expression(self, instruction: Instruction, given: list[tuple[str, Any]]) -> str:
        function: Any = instruction.function
        result = self.specs[instruction.result].dtype
        known = [(text, _dtype(x, self.specs)) for text, x in given]
        if function in CASTS:
            return _cast(*known[0], result)
        if function is np.where:
            condition, x, y = known
            where = _cast(*condition, np.dtype(bool))
            return f"{_cast(*x, result)} if {where} else {_cast(*y, result)}"
        types = _types(instruction, self.specs)
        assert types is not None
        pattern = TRANSCENDENTAL.get(function) or EXPRESSIONS[function][1]
        parts = [_cast(text, dtype, to) for (text, dtype), to in zip(known, types, strict=False)]
        text = pattern.replace("one", f"{DTYPES[types[0]]}(1)").format(*parts)
        return f"{DTYPES[types[-1]]}({text})" if types[-1].kind == "i" else text

    def _reduction(self, instruction: Instruction) -> None:
        ufunc, slot, operand = REDUCTIONS[instruction.function], instruction.result, instruction.args[0]
        kind, name, dtype = self.loop.kinds[slot], self.values[slot], self.specs[slot].dtype
        walks = self._walks(instruction)
        phase = self.phase.get(operand.slot, 0)
        place = ("entry" if walks else "row", phase)
        shape = self.specs[operand.slot].shape or ()
        kept = len(shape) == len(self.loop.shape)
        indices = self.outer + (self.inner if walks else ["0"] * kept)
        text = self._operand(operand, place, indices)
        wide = np.dtype("float64") if ufunc is np.add and dtype.kind == "f" and kind != "column" else dtype
        total = f"c{name[1:]}" + ("[j]" if kind == "column" else "")
        part = _cast(text, self.specs[operand.slot].dtype, wide)
        pattern = "{0} + {1}" if ufunc is np.add else EXPRESSIONS[ufunc][1]
        if dtype.kind == "b" and ufunc in (np.maximum, np.minimum):
            pattern = "{0} or {1}" if ufunc is np.maximum else "{0} and {1}"
        change = f"{total} = {pattern.format(total, part)}"
        start = _start(ufunc, wide)
        if kind == "row":
            self.rows.setdefault(phase, []).append(f"{total} = {start}")
        elif kind == "single":
            self.start.append(f"{total} = {start}")
        else:
            length = self._extent(len(self.outer))
            self.start.append(f"c{name[1:]} = np.full({length}, {start}, {DTYPES[dtype]})")
        self.lines.setdefault(place, []).append(change)
        if kind != "column":
            end = ("row", phase + 1) if kind == "row" else ("single", 0)
            self.lines.setdefault(end, []).append(f"{name} = {_cast(total, wide, dtype)}")

    def _pick(self, instruction: Instruction) -> None:
        """Take or replace the entry of each row whose index is given."""
        slot, operand = instruction.result, instruction.args[0]
        name, index = self.values[slot], picked(instruction)
        before = self.lines.setdefault(("row", 0), [])
        place = f"q{self.arguments[index][1:]}"  # type: ignore[index]
        count, begin = self._extent(1), self._operand(Ref(index), ("row", 0), self.outer)  # type: ignore[arg-type]
        if not any(line.startswith(f"{place} = ") for line in before):
            before += [
                f"k{place} = {begin} + {count} if {begin} < 0 else {begin}",
                f"if k{place} < 0 or k{place} >= {count}:",
                '    raise IndexError("an index is out of bounds for its axis")',
                f"{place} = uint64(k{place})",
            ]
        phase = self.phase[slot] - (self.loop.kinds[slot] == "row")
        text = self._operand(operand, ("entry", phase), self.outer + self.inner)
        dtype = self.specs[slot].dtype
        if self.loop.kinds[slot] == "row":
            self.rows.setdefault(phase, []).append(f"{name} = {_cast('0', int, dtype)}")
            line = f"{name} = {text} if j == {place} else {name}"
        else:
            value = _cast(self._operand(instruction.args[2], None, []), float, dtype)
            line = f"{name} = {value} if j == {place} else {text}"
        self.lines.setdefault(("entry", phase), []).append(line)

    # What is written

    def _store(self, slot: int) -> None:
        kind, name, target = self.loop.kinds[slot], self.values[slot], self.targets[slot]
        shape = self.specs[slot].shape or ()
        if kind == "entry":
            place = ("entry", self.passes - 1)
            if self.phase[slot] < self.passes - 1:
                self._kept(slot, place)
            line = f"{target}{self._index(shape, self.outer + self.inner)} = {name}"
            self.stores.setdefault(place, []).append(line)
        elif kind == "row":
            indices = self.outer + ["0"] * (len(shape) == len(self.loop.shape))
            line = f"{target}{self._index(shape, indices)} = {name}"
            self.stores.setdefault(("row", self.passes), []).append(line)
        elif kind == "single":
            self.stores.setdefault(("single", 0), []).append(f"{target}[()] = {name}")
        else:
            indices = ["0"] * (len(shape) - 1) + ["j"]
            self.stores.setdefault(("single", 0), []).extend(
                [
                    self._head(len(self.outer), "j"),
                    f"    {target}{self._index(shape, indices)} = c{name[1:]}[j]",
                ]
            )


def _cast(text: str, dtype: Any, to: np.dtype[Any]) -> str:
    """Return an expression in another dtype."""
    if dtype == to:
        return text
    return f"({text} != 0)" if to.kind == "b" else f"{DTYPES[to]}({text})"


def _start(ufunc: np.ufunc, dtype: np.dtype[Any]) -> str:
    """Return what a reduction starts with: what leaves any other number as it is."""
    if ufunc in (np.logical_and, np.logical_or) or dtype.kind == "b":
        return str(ufunc in (np.logical_and, np.minimum))
    if ufunc is np.add:
        return f"{DTYPES[dtype]}(-0.0)" if dtype.kind == "f" else "0"
    lowest = ufunc is np.maximum
    if dtype.kind == "f":
        return f"{DTYPES[dtype]}({'-' * lowest}np.inf)"
    limits = np.iinfo(dtype)
    return f"{DTYPES[dtype]}({limits.min if lowest else limits.max})"
