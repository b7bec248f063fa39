"""Compiled programs: the way forward on the left, the way back beside it, the update on the right."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from minigrad.compilation.listing import Line, described, lines, listing, source_names
from viz import fonts
from viz.frame import Entry, framed
from viz.picture import Picture
from viz.scene import Group, Point, Rect, Shape, Text, arrow, line, visible
from viz.style import INK, MUTED, PANEL, PAPER, RULE, SERIES, Look, Paint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from minigrad.compilation.program import Program

PHASES = {"forward": SERIES[0], "backward": SERIES[1], "update": SERIES[2]}
"""The columns, from left to right."""

_FLOW = Look(stroke=MUTED, width=1.3)  # within a column
_ACROSS = {  # into another column
    "forward": Look(stroke=PHASES["update"], width=1.3, dash=(2, 2)),
    "backward": Look(stroke=PHASES["forward"], width=1.3),
    "update": Look(stroke=PHASES["backward"], width=1.3, dash=(6, 2)),
}
_HEAD, _ROW, _PAD = 22.0, 17.0, 8.0  # heights in a card, and the room at its sides
_GAP, _BETWEEN, _SOURCE_GAP = (
    26.0,
    110.0,
    34.0,
)  # from card to card, from column to column, from sources to cards
_NAME, _TEXT, _HEADING = 12.0, 11.0, 14.0  # sizes of text
_LONGEST = 300.0  # room for the words of a row


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a card: what is computed, its shape, what Python decides by it and where it goes."""

    words: str
    kind: str
    marks: tuple[str, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """The instructions of one primitive in one phase, one after the other, or of one loop."""

    primitive: str
    phase: str
    rows: tuple[Row, ...]
    title: str

    @property
    def calls(self) -> int:
        """How many calls it is: a loop is one."""
        return 1 if self.title != self.primitive else sum(len(row.lines) for row in self.rows)

    @property
    def primitives(self) -> frozenset[str]:
        """All whose instructions it holds."""
        origins = (said.instruction.origin[0] for row in self.rows for said in row.lines)
        return frozenset(origins) | {self.primitive}

    @property
    def height(self) -> float:
        """Of its card."""
        return _HEAD + _ROW * len(self.rows) + 6


def draw_program(
    program: Program,
    *,
    name: str = "",
    tensors: Mapping[int, str] | None = None,
    max_instructions: int = 400,
) -> Picture:
    """
    Draw what a compiled function does at every call.

    Each card holds the instructions of one primitive, in order. Values go down on the left; derivatives come
    back up beside them, from the loss at the bottom; what the optimizer does stands on the right. An arrow
    from the left column to the middle one is an array that is kept for the backward pass.

    Parameters
    ----------
    program : Program
        As it was captured, or after optimisation: ``mg.compile(f).captured`` and ``.programs``.
    name : str
        Of the function.
    tensors : mapping from int to str, optional
        Names of Tensors by their ``id``; else they go by their labels.
    max_instructions : int
        The longest program to draw.

    Returns
    -------
    Picture
        It can also be saved as ``.json`` and ``.txt``.

    Raises
    ------
    ValueError
        If there are more instructions than ``max_instructions``.

    Examples
    --------
    >>> import numpy as np, minigrad as mg
    >>> double = mg.compile(lambda x: np.exp(2.0 * x), backend="numpy")
    >>> for _ in range(2):
    ...     result = double(np.ones(3))
    >>> draw_program(double.programs[0], name="double")
    <Picture: Program of double: 2 instructions>
    """
    count = len(program.instructions)
    if count > max_instructions:
        raise ValueError(
            f"the program has {count} instructions, and more than {max_instructions} can hardly be read; "
            f"print it, or insist with max_instructions={count}"
        )
    found = blocks(program, tensors)
    views = sum(instruction.view_of is not None for instruction in program.instructions)
    title = f"Program{f' of {name}' if name else ''}: {_counted(count - views, 'instruction')}"
    title += f", {_counted(views, 'view')}" if views else ""
    placed = _Placed(program, found, tensors)
    scene = framed(
        placed.shapes(),
        title=title,
        lead=_lead(program, found),
        description=_description(found),
        key=_key(program, found),
    )
    return Picture(scene, text=listing(program, tensors), data=_data(program, found))


def draw_compiled(compiled: Any, *, captured: bool = False, which: int = -1, **options: Any) -> Picture:
    """
    Draw the program of a compiled function.

    Parameters
    ----------
    compiled : Compiled
        What `minigrad.compile` returned, after two calls at least.
    captured : bool
        Draw what was written down, before optimisation.
    which : int
        Which of its programs, by default the last.
    **options
        Those of `draw_program`.

    Raises
    ------
    ValueError
        If there is no program yet, or the function computes with Values.
    """
    programs = compiled.captured if captured else compiled.programs
    if compiled.scalar is not None:
        raise ValueError(
            "this function computes with Values, in batches: draw what it returns before it is compiled"
        )
    if not programs:
        raise ValueError(
            "there is no program yet: call the compiled function twice with the same shapes first"
        )
    name = getattr(compiled, "__name__", "")
    known = {"name": "" if name == "<lambda>" else name, "tensors": compiled.names}
    return draw_program(programs[which], **known | options)


def blocks(program: Program, tensors: Mapping[int, str] | None = None) -> list[Block]:
    """
    Return the instructions in words, those of one primitive together; views are written where they are read.

    Examples
    --------
    >>> import numpy as np, minigrad as mg
    >>> double = mg.compile(lambda x: np.exp(2.0 * x), backend="numpy")
    >>> for _ in range(2):
    ...     result = double(np.ones(3))
    >>> [(block.primitive, [row.words for row in block.rows]) for block in blocks(double.programs[0])]
    [('multiply', ['%1 = multiply(2.0, argument0)']), ('exp', ['%2 = exp(%1)'])]
    """
    groups: list[tuple[tuple[str, str], list[Line]]] = []
    for said in lines(program, tensors, views=False):
        primitive, phase = said.instruction.origin
        phase = phase or (groups[-1][0][1] if groups else "forward")
        key = primitive or said.instruction.name, phase
        if not groups or groups[-1][0] != key or said.parts or groups[-1][1][-1].parts:
            groups.append((key, []))
        groups[-1][1].append(said)
    plain = _commonest(program)
    return [_block(*key, members, plain) for key, members in groups]


def _block(primitive: str, phase: str, members: Sequence[Line], plain: str) -> Block:
    """Return the card of lines that follow each other, or of one loop."""
    whole = members[0]
    if not whole.parts:
        return Block(primitive, phase, tuple(_rows(members, plain)), primitive)
    stored = whole.instruction.results
    parts = [
        part if part.instruction.result in stored else replace(part, kind="inside") for part in whole.parts
    ]
    names = dict.fromkeys(part.instruction.origin[0] or part.instruction.name for part in parts)
    return Block(primitive, phase, tuple(_rows(parts, plain)), f"one loop: {', '.join(names)}")


def _rows(members: Sequence[Line], plain: str) -> list[Row]:
    """Return the rows of a card: a line each, and one for all Python numbers that follow each other."""
    rows: list[Row] = []
    numbers: list[Line] = []

    def flush() -> None:
        if len(numbers) == 1:
            rows.append(_row(numbers[0], plain))
        elif numbers:
            marks = dict.fromkeys(mark for said in numbers for mark in _marks(said))
            words = f"{numbers[0].result} … {numbers[-1].result}: {len(numbers)} Python numbers"
            rows.append(Row(words, "", tuple(marks), tuple(numbers)))
        numbers.clear()

    for said in members:
        if said.kind == "number":
            numbers.append(said)
        else:
            flush()
            rows.append(_row(said, plain))
    flush()
    return rows


def _row(said: Line, plain: str) -> Row:
    kind = said.kind.removesuffix(f" {plain}").replace("number", "")
    return Row(f"{said.result} = {said.expression}", kind, _marks(said), (said,))


def _marks(said: Line) -> tuple[str, ...]:
    return (*(f"◇ {guard}" for guard in said.guards), *(f"→ {end}" for end in said.ends))


def _commonest(program: Program) -> str:
    """Return the dtype that most arrays have, which is not written at each."""
    found = Counter(str(spec.dtype) for spec in program.specs if spec.shape is not None)
    return found.most_common(1)[0][0] if found else ""


class _Placed:
    """Cards and arrows in their places."""

    def __init__(self, program: Program, found: Sequence[Block], tensors: Mapping[int, str] | None) -> None:
        self.program, self.blocks = program, found
        self.names = source_names(program, tensors or {})
        self.columns = {
            phase: [k for k, block in enumerate(found) if block.phase == phase] for phase in PHASES
        }
        self.widths = {
            phase: max([_width(found[k]) for k in members], default=0.0)
            for phase, members in self.columns.items()
        }
        self.left: dict[str, float] = {}
        x = 0.0
        for phase, members in self.columns.items():
            self.left[phase] = x
            x += self.widths[phase] + _BETWEEN if members else 0.0
        self.top = self._tops()
        self.made = {
            slot: (k, r)
            for k, block in enumerate(found)
            for r, row in enumerate(block.rows)
            for said in row.lines
            for slot in said.instruction.results
        }
        self.viewed = {
            i.result: i.reads
            for i in program.instructions
            if i.view_of is not None and i.result not in self.made
        }

    def shapes(self) -> list[Shape]:
        """Return arrows, then cards, then what comes from outside."""
        return [
            *self._headings(),
            *self._arrows(),
            *map(self._card, range(len(self.blocks))),
            *self._sources(),
        ]

    def _tops(self) -> dict[int, float]:
        """Return where the cards begin: those of a primitive and of its derivative side by side."""
        forward, backward = self.columns["forward"], self.columns["backward"][::-1]
        pairs = side_by_side(
            [self.blocks[k].primitives for k in forward], [self.blocks[k].primitives for k in backward]
        )
        top: dict[int, float] = {}
        y = 0.0
        for one, other in pairs:
            members = [*forward[one], *backward[other]]
            top |= dict.fromkeys(members, y)
            y += max(self.blocks[k].height for k in members) + _GAP
        update = self.columns["update"]
        height = sum(self.blocks[k].height + _GAP for k in update)
        y = max(0.0, (y - height) / 2)
        for k in update:
            top[k] = y
            y += self.blocks[k].height + _GAP
        return top

    def _middle(self, k: int, r: int) -> float:
        """Return the height of a row."""
        return self.top[k] + _HEAD + _ROW * (r + 0.5) + 1

    def _headings(self) -> list[Shape]:
        shapes: list[Shape] = []
        directions = {"forward": "↓", "backward": "↑", "update": "↓"}
        for phase, members in self.columns.items():
            if members:
                count = sum(self.blocks[k].calls for k in members)
                words = f"{phase} {directions[phase]}   {_counted(count, 'instruction')}"
                look = Look(fill=INK)
                shapes.append(Text(self.left[phase], -24, words, _HEADING, "start", bold=True, look=look))
        return shapes

    def _card(self, k: int) -> Group:
        block = self.blocks[k]
        x, y, width = self.left[block.phase], self.top[k], self.widths[block.phase]
        paint = PHASES[block.phase]
        shapes: list[Shape] = [
            Rect(
                x, y, width, block.height, 4, look=Look(fill=PAPER, stroke=paint, width=1.5), role="outline"
            ),
            Rect(x, y, width, _HEAD - 3, 4, look=Look(fill=paint)),
            Text(
                x + _PAD, y + 9.5, block.title, _NAME, "start", bold=True, look=Look(fill=PAPER), role="name"
            ),
        ]
        for r, row in enumerate(block.rows):
            shapes += self._row(row, x, width, self._middle(k, r))
        tip = "\n".join(str(said) for row in block.rows for said in row.lines)
        known = {"block": str(k), "phase": block.phase, "primitive": block.primitive}
        return Group(tuple(shapes), role=f"block {block.phase}", title=tip, data=known)

    def _row(self, row: Row, x: float, width: float, y: float) -> list[Shape]:
        words = fonts.shorten(visible(row.words), _LONGEST, _TEXT)
        shapes: list[Shape] = [Text(x + _PAD, y, words, _TEXT, "start", role="instruction")]
        right = x + width - _PAD
        for mark in reversed(row.marks):
            wide = fonts.width(mark, _TEXT, bold=True) + 10
            patch = Rect(right - wide, y - 7.5, wide, 15, 7.5, look=Look(fill=PANEL, stroke=RULE))
            role = "guard" if mark.startswith("◇") else "effect"
            middle = right - wide / 2
            shapes += [patch, Text(middle, y, mark, _TEXT, bold=True, look=Look(fill=INK), role=role)]
            right -= wide + 5
        if row.kind:
            shapes.append(Text(right, y, row.kind, _TEXT, "end", look=Look(fill=MUTED), role="kind"))
        return shapes

    def _arrows(self) -> list[Shape]:
        drawn: list[Shape] = []
        seen: set[tuple[int, int, int]] = set()
        for k, block in enumerate(self.blocks):
            for r, row in enumerate(block.rows):
                for slot in self._reads(row):
                    maker, place = self.made[slot]
                    if maker == k or (slot, maker, k) in seen:
                        continue
                    seen.add((slot, maker, k))
                    drawn.append(self._arrow(slot, (maker, place), (k, r)))
        return drawn

    def _reads(self, row: Row) -> list[int]:
        """Return the computed slots that a row reads, through views."""
        found: list[int] = []
        waiting = [slot for said in row.lines for slot in said.instruction.reads]
        for slot in waiting:
            if slot in self.made:
                found.append(slot)
            else:
                waiting += self.viewed.get(slot, ())
        return list(dict.fromkeys(found))

    def _arrow(self, slot: int, start: tuple[int, int], end: tuple[int, int]) -> Shape:
        source, target = self.blocks[start[0]], self.blocks[end[0]]
        look = _FLOW if source.phase == target.phase else _ACROSS[target.phase]
        points = self._neighbours(start[0], end[0]) or self._curve(start, end)
        known = {"source": str(start[0]), "target": str(end[0])}
        said = next(s for row in source.rows for s in row.lines if slot in s.instruction.results)
        return Group((arrow(points, look, curved=len(points) > 2),), role="edge", title=str(said), data=known)

    def _neighbours(self, a: int, b: int) -> tuple[Point, ...] | None:
        """Return the straight way between two cards that follow each other in a column."""
        phase = self.blocks[a].phase
        members = self.columns[phase]
        if self.blocks[b].phase != phase or members.index(b) != members.index(a) + 1:
            return None
        x = self.left[phase] + 26
        if phase == "backward":
            return (x, self.top[a]), (x, self.top[b] + self.blocks[b].height + 1)
        return (x, self.top[a] + self.blocks[a].height), (x, self.top[b] - 1)

    def _curve(self, start: tuple[int, int], end: tuple[int, int]) -> tuple[Point, ...]:
        a, b = self.blocks[start[0]].phase, self.blocks[end[0]].phase
        y, z = self._middle(*start), self._middle(*end)
        if a == b:  # past other cards, on the right side, where nothing comes in from outside
            x = self.left[a] + self.widths[a]
            room = _SOURCE_GAP - 10 if a == "update" else 0.6 * _BETWEEN
            reach = min(18.0 + 0.08 * abs(z - y), room)
            return (x, y), (x + reach, y), (x + reach, z), (x + 1, z)
        rightwards = self.left[a] < self.left[b]
        x = self.left[a] + (self.widths[a] if rightwards else 0.0)
        w = self.left[b] - 1 if rightwards else self.left[b] + self.widths[b] + 1
        near = abs(w - x) <= _BETWEEN
        bend = (
            0.5 * (w - x) if near else w - x - math.copysign(0.3 * _BETWEEN, w - x)
        )  # past a column, then up
        return (x, y), (x + bend, y), (w - 0.5 * math.copysign(_BETWEEN, w - x), z), (w, z)

    def _sources(self) -> list[Shape]:
        """Draw arguments, Tensors and memory beside the row that reads them first."""
        wanted = {
            slot: self.names[slot]
            for slot, source in self.program.sources.items()
            if source.kind in ("argument", "data", "array") and self.program.specs[slot].shape is not None
        }
        rows: dict[tuple[int, int], list[int]] = {}
        for k, block in enumerate(self.blocks):
            for r, row in enumerate(block.rows):
                for slot in self._outside(row):
                    if wanted.pop(slot, None) is not None:
                        rows.setdefault((k, r), []).append(slot)
        drawn: list[Shape] = []
        for (k, r), slots in rows.items():
            phase = self.blocks[k].phase
            on_left = phase == "forward"
            edge = self.left[phase] + (0.0 if on_left else self.widths[phase])
            x = edge - _SOURCE_GAP if on_left else edge + _SOURCE_GAP
            for slot in slots:
                pill, width = self._pill(slot, x, self._middle(k, r), on_left)
                drawn.append(pill)
                x += -width - 6 if on_left else width + 6
            y = self._middle(k, r)
            reach = _SOURCE_GAP - 1
            ends = ((edge - reach, y), (edge - 1, y)) if on_left else ((edge + reach, y), (edge + 1, y))
            drawn.append(arrow(ends, _FLOW))
        return drawn

    def _outside(self, row: Row) -> list[int]:
        found = []
        waiting = [slot for said in row.lines for slot in said.instruction.reads]
        for slot in waiting:
            if slot in self.program.sources:
                found.append(slot)
            elif slot not in self.made:
                waiting += self.viewed.get(slot, ())
        return list(dict.fromkeys(found))

    def _pill(self, slot: int, x: float, y: float, on_left: bool) -> tuple[Group, float]:
        """Draw a source whose near end is at x; an argument is round, what stays is square."""
        kind = self.program.sources[slot].kind
        name = self.names[slot]
        shape = described(self.program.specs[slot]).rpartition(" ")[0]
        between = fonts.width(name, _TEXT, bold=True) + 6
        width = between + fonts.width(shape, _TEXT) + 14
        left = x - width if on_left else x
        corner = 7.5 if kind == "argument" else 1.5
        outline = Rect(left, y - 7.5, width, 15, corner, look=Look(fill=PAPER, stroke=INK, width=1.25))
        words = Text(left + 7, y, name, _TEXT, "start", bold=True, role="source")
        size = Text(left + 7 + between, y, shape, _TEXT, "start", look=Look(fill=MUTED))
        return Group((outline, words, size), role=f"source {kind}", data={"name": name}), width


def side_by_side(
    left: Sequence[frozenset[str]], right: Sequence[frozenset[str]]
) -> list[tuple[slice, slice]]:
    """
    Return the rows in which two columns stand, so that what has most in common stands side by side, in order.

    Examples
    --------
    >>> linear, relu = frozenset({"linear"}), frozenset({"relu"})
    >>> rows = side_by_side([linear, relu, linear], [linear, linear])
    >>> [(one.stop - one.start, other.stop - other.start) for one, other in rows]
    [(1, 1), (1, 0), (1, 1)]
    """
    best = [[0.0] * (len(right) + 1) for _ in range(len(left) + 1)]
    for i in reversed(range(len(left))):
        for j in reversed(range(len(right))):
            together = best[i + 1][j + 1] + _alike(left[i], right[j])
            best[i][j] = max(together, best[i + 1][j], best[i][j + 1])
    rows: list[tuple[slice, slice]] = []
    i = j = 0
    while i < len(left) or j < len(right):
        both = i < len(left) and j < len(right)
        together = both and best[i][j] == best[i + 1][j + 1] + _alike(left[i], right[j])
        down = together or j == len(right) or (both and best[i][j] == best[i + 1][j])
        up = together or not down
        rows.append((slice(i, i + down), slice(j, j + up)))
        i, j = i + down, j + up
    return rows


def _alike(one: frozenset[str], other: frozenset[str]) -> float:
    """Return how much two cards have in common; a little always, so that they rather share a row."""
    return len(one & other) / len(one | other) + 0.01


def _width(block: Block) -> float:
    """Return how wide a card has to be."""
    rows = []
    for row in block.rows:
        words = min(fonts.width(row.words, _TEXT), _LONGEST)
        marks = sum(fonts.width(mark, _TEXT, bold=True) + 15 for mark in row.marks)
        rows.append(words + marks + fonts.width(row.kind, _TEXT) + 18)
    return max([*rows, fonts.width(block.title, _NAME, bold=True)]) + 2 * _PAD


def _counted(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


def _lead(program: Program, found: Sequence[Block]) -> str:
    """Say how to read it."""
    words = ["Values go down on the left."]
    if any(block.phase == "backward" for block in found):
        words.append("Derivatives come back up beside them; an arrow across is an array kept for them.")
    if any(block.phase == "update" for block in found):
        words.append("What the optimizer does is on the right.")
    if any(block.title != block.primitive for block in found):
        words.append("What is inside a loop never reaches memory.")
    if any(instruction.view_of is not None for instruction in program.instructions):
        words.append("Views (.T, reshape) look at memory that is there, and stand where they are read.")
    return " ".join(words)


def _description(found: Sequence[Block]) -> str:
    """Describe the cards in order."""
    said = []
    for block in found:
        rows = "; ".join(" ".join((row.words, *row.marks)) for row in block.rows)
        said.append(f"{block.title}, {block.phase}: {rows}.")
    return " ".join(said)


def _data(program: Program, found: Sequence[Block]) -> Any:
    """Return the instructions as JSON can say them."""
    return {
        "stages": list(program.stages),
        "blocks": [
            {
                "primitive": block.primitive,
                "title": block.title,
                "phase": block.phase,
                "instructions": [str(said) for row in block.rows for said in row.lines],
            }
            for block in found
        ],
    }


def _key(program: Program, found: Sequence[Block]) -> list[Entry]:
    """Explain the marks that this picture has."""
    kinds = {source.kind for source in program.sources.values()}
    key: list[Entry] = []
    look = Look(fill=PAPER, stroke=INK, width=1.25)
    if "argument" in kinds:
        key.append((Rect(0, -8, 26, 16, 8, look=look), "argument"))
    if kinds & {"data", "array"}:
        key.append((Rect(0, -8, 26, 16, 2, look=look), "parameter, or memory that stays"))
    if program.guards:
        key.append(
            (
                _word("◇"),
                "decided by Python: if it comes out otherwise, nothing changes and the step runs anew",
            )
        )
    if program.effects or any(row.marks for block in found for row in block.rows):
        key.append((_word("→"), "what changes outside, or is returned"))
    if {block.phase for block in found} >= {"forward", "backward"}:
        key.append((line((0, 0), (30, 0), _ACROSS["backward"]), "kept for the backward pass"))
    if {block.phase for block in found} >= {"backward", "update"}:
        key.append((line((0, 0), (30, 0), _ACROSS["update"]), "gradients"))
    return key


def _word(words: str, paint: Paint = INK) -> Text:
    return Text(0, 0, words, _NAME, "start", bold=True, look=Look(fill=paint))
