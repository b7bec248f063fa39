"""What a program costs: instructions, memory, and the time of each instruction, measured on a copy."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from .listing import Line, described, lines
from .numpy_backend import Writer
from .program import Effect, Fused, Instruction, Program, Source, Spec
from .tape import drawn

if TYPE_CHECKING:
    from .scalar.program import ScalarProgram

SECONDS, RUNS = 0.1, 1000
"""How long a program is measured, and how often at most."""

SHOWN = 12
"""Rows of the table; the rest is summed up in one."""


@dataclass(frozen=True)
class Cost:
    """An instruction in words, and the seconds that it takes: the least of all measured runs."""

    line: Line
    seconds: float

    @property
    def name(self) -> str:
        """What is called."""
        function = self.line.instruction.function
        return "fused" if isinstance(function, Fused) else self.line.instruction.name

    @property
    def primitive(self) -> str:
        """The primitive, or the optimizer, that it belongs to."""
        return self.line.instruction.origin[0] or "other"

    @property
    def phase(self) -> str:
        """Forward, backward or update."""
        return self.line.instruction.origin[1] or "other"


@dataclass(frozen=True)
class ProgramCosts:
    """
    What a program costs; ``print`` shows it as a table.

    Attributes
    ----------
    name : str
        Of the function.
    arguments : tuple of str
        Shapes and dtypes of the arrays that it takes.
    costs : tuple of Cost
        Of the instructions that run, in order; views of arrays that stay are made once and cost nothing.
    views : int
        How many instructions only look at the memory of others.
    captured : int or None
        How many instructions there were before optimisation, where that is known.
    planned, kept : int
        Bytes of the block in which results share memory, and of the arrays that stay: gradients.
    guards : int
        Decisions that must come out as they did.
    stages : tuple of str
        What was done to the program.
    compile_seconds : float or None
        Time that capturing, optimising and writing took, where that is known.
    """

    name: str
    arguments: tuple[str, ...]
    costs: tuple[Cost, ...]
    views: int
    captured: int | None
    planned: int
    kept: int
    guards: int
    stages: tuple[str, ...]
    compile_seconds: float | None = None

    @property
    def seconds(self) -> float:
        """Time of all instructions, one after the other."""
        return sum(cost.seconds for cost in self.costs)

    def by(self, *attributes: str) -> dict[tuple[str, ...], tuple[int, float]]:
        """
        Return count and seconds of the instructions that agree in some attributes, the most costly first.

        Parameters
        ----------
        *attributes : str
            Of ``name``, ``primitive`` and ``phase``.
        """
        groups: dict[tuple[str, ...], tuple[int, float]] = {}
        for cost in self.costs:
            key = tuple(str(getattr(cost, attribute)) for attribute in attributes)
            count, seconds = groups.get(key, (0, 0.0))
            groups[key] = count + 1, seconds + cost.seconds
        return dict(sorted(groups.items(), key=lambda item: -item[1][1]))

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON can say it."""
        known = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        known["costs"] = [
            {
                "name": c.name,
                "primitive": c.primitive,
                "phase": c.phase,
                "line": str(c.line),
                "seconds": c.seconds,
            }
            for c in self.costs
        ]
        return known | {
            "arguments": list(self.arguments),
            "stages": list(self.stages),
            "seconds": self.seconds,
        }

    def __str__(self) -> str:
        before = "" if self.captured is None else f" (of {self.captured} captured)"
        head = [
            f"{self.name}({', '.join(self.arguments)})",
            f"{len(self.costs)} instructions{before}, {self.views} views, {self.guards} guards; "
            f"{duration(self.seconds)} by instruction",
            f"{size(self.planned)} planned in one block, {size(self.kept)} kept from replay to replay",
        ]
        if self.compile_seconds is not None:
            head.append(f"captured and compiled in {duration(self.compile_seconds)}")
        rows = list(self.by("name", "phase").items())
        table = [(words[0], words[1], count, seconds) for words, (count, seconds) in rows[:SHOWN]]
        if rest := rows[SHOWN:]:
            table.append(
                ("others", "", *(sum(column) for column in zip(*(row for _, row in rest), strict=True)))
            )
        table += [("all", words[0], count, seconds) for words, (count, seconds) in self.by("phase").items()]
        width = max([len(row[0]) for row in table], default=0)
        total = self.seconds or 1.0
        shown = [
            f"{duration(spent):>10}  {spent / total:>5.0%}  {count:>4} ×  {name:<{width}}  {phase}".rstrip()
            for name, phase, count, spent in table
        ]
        return "\n".join([*head, "", *shown])


@dataclass(frozen=True)
class ScalarCosts:
    """
    What a program of Values consists of; ``print`` shows it as a table.

    Attributes
    ----------
    name : str
        Of the function.
    values : int
        Numbers computed in a call.
    instructions : tuple of (str, int)
        What is done in one batch, and to how many numbers.
    planned : int
        Bytes of its memory.
    """

    name: str
    values: int
    instructions: tuple[tuple[str, int], ...]
    planned: int

    @classmethod
    def of(cls, program: ScalarProgram, name: str) -> ScalarCosts:
        """Return what a program consists of."""
        known = program.summary()
        batches = tuple((what, count) for what, count, _ in known["instructions"])
        return cls(name, known["entries"], batches, known["bytes"])

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON can say it."""
        return dataclasses.asdict(self)

    def __str__(self) -> str:
        groups: dict[str, list[int]] = {}
        for what, count in self.instructions:
            groups.setdefault(what, []).append(count)
        head = (
            f"{self.name}: {self.values} numbers, computed in {len(self.instructions)} batches\n"
            f"{size(self.planned)} planned\n"
        )
        rows = sorted(groups.items(), key=lambda item: -sum(item[1]))
        return "\n".join([head, *(f"{sum(n):>10} numbers  {len(n):>4} ×  {what}" for what, n in rows)])


@dataclass(frozen=True)
class Summary:
    """
    What the programs of a compiled function cost; ``print`` shows it as tables.

    Attributes
    ----------
    programs : tuple of ProgramCosts or ScalarCosts
        One for each that is replayed.
    refused : tuple of str
        Why calls of some other kind run as they are.
    """

    programs: tuple[ProgramCosts | ScalarCosts, ...]
    refused: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON can say it."""
        return {"programs": [costs.to_dict() for costs in self.programs], "refused": list(self.refused)}

    def __str__(self) -> str:
        words = [*map(str, self.programs), *(f"not compiled: {reason}" for reason in self.refused)]
        return "\n\n".join(words) or "no program yet: call the function twice with the same shapes first"


def summarized(
    program: Program,
    name: str = "program",
    *,
    tensors: Mapping[int, str] | None = None,
    kernel: Callable[[Fused, Sequence[Any]], Callable[..., None]] | None = None,
    captured: Program | None = None,
    compile_seconds: float | None = None,
) -> ProgramCosts:
    """
    Return what a program costs.

    Its instructions run many times on a copy with memory, parameters and generators of its own, for about a
    tenth of a second; nothing outside changes.

    Parameters
    ----------
    program : Program
        After all passes.
    name : str
        Of the function.
    tensors : mapping from int to str, optional
        Names of Tensors by their ``id``.
    kernel : callable, optional
        What makes a function of a fused instruction.
    captured : Program, optional
        The same before optimisation.
    compile_seconds : float, optional
        Time that it took to make the program.
    """
    copy = isolated(program)
    writer = _Clocked(copy, kernel)
    replay = writer.write()
    best = _measured(replay, examples(program), writer.stamps)
    said = {line.instruction.result: line for line in lines(program, tensors)}
    arguments = [slot for slot, source in program.sources.items() if source.kind == "argument"]
    return ProgramCosts(
        name,
        tuple(described(program.specs[slot]) for slot in arguments),
        tuple(Cost(said[slot], seconds) for slot, seconds in zip(writer.timed, best, strict=True)),
        sum(instruction.view_of is not None for instruction in program.instructions),
        None if captured is None else len(captured.instructions),
        writer.plan.size,
        writer.plan.total(copy) - writer.plan.size,
        len(program.guards),
        program.stages,
        compile_seconds,
    )


def isolated(program: Program) -> Program:
    """Return the program on copies of all that it reads outside, without guards: it changes nothing there."""

    def copied(slot: int, source: Source) -> Source:
        kind, what = source
        if kind == "argument":
            return source
        if kind == "number":
            return Source("constant", what())
        array = what.data if kind == "data" else what._grad if kind == "grad" else what
        value = example(program.specs[slot]) if array is None else array
        return Source("constant", np.array(value) if isinstance(value, np.ndarray) else value)

    def apart(instruction: Instruction) -> Instruction:
        if instruction.function is not drawn:
            return instruction
        return dataclasses.replace(instruction, args=(np.random.default_rng(0), *instruction.args[1:]))

    def elsewhere(effect: Effect) -> Effect:
        outside = effect.kind in ("grad", "new data", "step") and not isinstance(effect.target, tuple)
        return dataclasses.replace(effect, target=SimpleNamespace()) if outside else effect

    return dataclasses.replace(
        program,
        instructions=tuple(map(apart, program.instructions)),
        sources={slot: copied(slot, source) for slot, source in program.sources.items()},
        effects=tuple(map(elsewhere, program.effects)),
        guards=(),
        gradients_absent=(),
    )


def examples(program: Program) -> list[Any]:
    """Return arguments of the right kinds: normal numbers, and zeros where they may be labels."""
    places = {source.what: slot for slot, source in program.sources.items() if source.kind == "argument"}
    found: list[Any] = [None] * (max(places, default=-1) + 1)
    for place, slot in places.items():
        value = example(program.specs[slot])
        found[place] = SimpleNamespace(data=value, _grad=None) if slot in program.argument_tensors else value
    return found


def example(spec: Spec) -> Any:
    """Return a value of a kind."""
    if spec.shape is None:
        return 1.0
    if spec.dtype.kind != "f":
        return np.zeros(spec.shape, spec.dtype)
    return np.random.default_rng(0).standard_normal(spec.shape).astype(spec.dtype)


def duration(seconds: float) -> str:
    """
    Return a time in words.

    Examples
    --------
    >>> duration(2.5e-6), duration(0.0125), duration(3)
    ('2.5 µs', '12.5 ms', '3.0 s')
    """
    unit, factor = next(
        (u, f) for u, f in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)) if seconds * f >= 1 or u == "µs"
    )
    return f"{seconds * factor:.1f} {unit}"


def size(count: int) -> str:
    """
    Return a number of bytes in words.

    Examples
    --------
    >>> size(820), size(52_300), size(7_300_000)
    ('820 B', '52.3 kB', '7.3 MB')
    """
    if count < 1000:
        return f"{count} B"
    return f"{count / 1e3:.1f} kB" if count < 1e6 else f"{count / 1e6:.1f} MB"


class _Clocked(Writer):
    """Writes a replay that looks at the clock after every instruction that runs."""

    def __init__(
        self, program: Program, kernel: Callable[[Fused, Sequence[Any]], Callable[..., None]] | None
    ) -> None:
        super().__init__(program, kernel)
        self.timed: list[int] = []
        self.stamps: list[float] = [0.0]

    def write(self) -> Callable[[list[Any]], Any]:
        self.names |= {"clock": time.perf_counter, "stamps": self.stamps}
        return super().write()

    def _instruction(self, instruction: Instruction) -> None:
        start = len(self.lines)
        super()._instruction(instruction)
        if len(self.lines) == start:
            return
        if not self.timed:
            self.lines.insert(start, "stamps[0] = clock()")
        self.timed.append(instruction.result)
        self.stamps.append(0.0)
        self.lines.append(f"stamps[{len(self.timed)}] = clock()")


def _measured(replay: Callable[[list[Any]], Any], arguments: list[Any], stamps: list[float]) -> list[float]:
    """Return the least time between the stamps that follow each other, over many runs."""
    best = np.full(len(stamps) - 1, np.inf)
    end = time.perf_counter() + SECONDS
    with np.errstate(all="ignore"):
        for _ in range(RUNS):
            replay(arguments)
            np.minimum(best, np.diff(stamps), out=best)
            if time.perf_counter() > end:
                break
    found: list[float] = best.tolist()
    return found
