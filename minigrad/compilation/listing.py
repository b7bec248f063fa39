"""A program in words: every instruction as a line, with names for what comes from outside."""

from __future__ import annotations

import inspect
import operator
import textwrap
import types
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .program import Fused, Instruction, Program, Ref, Source, Spec, results
from .tape import drawn

INFIX = {
    operator.add: "+", operator.sub: "-", operator.mul: "*", operator.truediv: "/", operator.floordiv: "//",
    operator.mod: "%", operator.pow: "**", operator.lt: "<", operator.le: "<=", operator.gt: ">",
    operator.ge: ">=", operator.eq: "==", operator.ne: "!=",
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """
    One instruction in words.

    Attributes
    ----------
    instruction : Instruction
        What it says.
    result : str
        The name of what is computed.
    expression : str
        From what, and how.
    kind : str
        Shape and dtype of the result; ``number`` for a Python number.
    guards : tuple of str
        What Python decided by the result.
    ends : tuple of str
        Where the result goes: what changes outside, and ``returned``.
    parts : tuple of Line
        What runs together in a fused instruction.
    """

    instruction: Instruction
    result: str
    expression: str
    kind: str
    guards: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    parts: tuple[Line, ...] = ()

    def __str__(self) -> str:
        words = [f"{self.result} = {self.expression}", self.kind, *self.guards]
        words += [f"→ {end}" for end in self.ends]
        return "\n".join(["   ".join(words), *(f"    {part}" for part in self.parts)])


def lines(program: Program, tensors: Mapping[int, str] | None = None, views: bool = True) -> list[Line]:
    """
    Return the instructions of a program in words, in order.

    Parameters
    ----------
    program : Program
        What to read.
    tensors : mapping from int to str, optional
        Names of Tensors by their ``id``; else a Tensor goes by its label, or its kind and number.
    views : bool
        Whether a view is a line of its own; if not, it is written where it is read.
    """
    names = source_names(program, tensors or {})
    guards, ends = _guards(program), _ends(program, names)
    count = 0

    def said(instruction: Instruction) -> Line:
        nonlocal count
        parts: tuple[Line, ...] = ()
        if isinstance(instruction.function, Fused):
            parts = tuple(map(said, instruction.function.body))
            result = ", ".join(names[slot] for slot in instruction.results)
            expression = (
                f"one loop of {len(parts)} ({', '.join(names[ref.slot] for ref in instruction.args)})"
            )
            return Line(instruction, result, expression, _kinds(program, instruction), parts=parts)
        slot, expression = instruction.result, _expression(instruction, names)
        count += 1
        names[slot] = f"%{count}"
        decided, goes = tuple(guards.get(slot, ())), tuple(ends.get(slot, ()))
        return Line(instruction, names[slot], expression, described(program.specs[slot]), decided, goes)

    found: list[Line] = []
    for instruction in program.instructions:
        slot = instruction.result
        if not views and instruction.view_of is not None and slot not in guards and slot not in ends:
            names[slot] = _expression(instruction, names)
        else:
            found.append(said(instruction))
    return found


def listing(program: Program, tensors: Mapping[int, str] | None = None) -> str:
    """Return the whole program as text: what it reads, its lines, and what it returns."""
    count = f"{len(program.instructions)} instructions"
    head = f"program of {count}, after: {', '.join(program.stages)}"
    known = source_names(program, tensors or {})
    given = [
        f"{known[slot]}: {described(program.specs[slot])}, {source_words(source)}"
        for slot, source in program.sources.items()
        if source.kind != "scratch"
    ]
    text = "\n".join((*given, *map(str, lines(program, tensors))))
    return f"{head}\n{textwrap.indent(text, '  ')}"


def described(spec: Spec) -> str:
    """
    Return shape and dtype in words.

    Examples
    --------
    >>> described(Spec.of(np.zeros((2, 3), np.float32))), described(Spec.of(0.5))
    ('2 × 3 float32', 'number')
    """
    if spec.shape is None:
        return "number"
    return f"{' × '.join(map(str, spec.shape)) or 'scalar'} {spec.dtype}"


def _kinds(program: Program, instruction: Instruction) -> str:
    return ", ".join(dict.fromkeys(described(program.specs[slot]) for slot in instruction.results))


def source_words(source: Source) -> str:
    """Say where a slot's value comes from."""
    return {
        "argument": f"argument {source.what}",
        "data": "data of a Tensor",
        "grad": "gradient of a Tensor",
        "array": "array kept outside",
        "constant": "constant",
        "number": "number kept outside",
        "scratch": "memory alone",
    }[source.kind]


def tensor_names(modules: Iterable[Any]) -> dict[int, str]:
    """Return the names of the parameters of networks by their ``id``: the path from the outermost module."""
    found: dict[int, str] = {}
    for module in modules:
        for name, parameter in module.named_parameters():
            if len(name) > len(found.get(id(parameter), "")):
                found[id(parameter)] = name
    return found


def modules_of(function: Any) -> list[Any]:
    """Return the networks that a function sees: in its closure, its globals and the object it belongs to."""
    inner = getattr(function, "__func__", function)
    seen = list(getattr(getattr(function, "__self__", None), "__dict__", {}).values())
    if isinstance(inner, types.FunctionType):
        variables = inspect.getclosurevars(inner)
        seen += [*variables.nonlocals.values(), *variables.globals.values()]
    return [thing for thing in seen if hasattr(thing, "named_parameters")]


def source_names(program: Program, tensors: Mapping[int, str]) -> dict[int, str]:
    """Return what to call the slots that come from outside."""
    names: dict[int, str] = {}
    counts: dict[str, int] = {}
    for slot, (kind, what) in program.sources.items():
        if kind == "argument":
            names[slot] = f"argument{what}"
        elif kind == "constant" and program.specs[slot].shape is None:
            names[slot] = repr(what)
        elif slot in program.aliases.values():
            names[slot] = _counted("parameters", counts)
        elif kind in ("data", "grad"):
            label = tensors.get(id(what)) or getattr(what, "label", "") or _counted("tensor", counts)
            names[slot] = label if kind == "data" else f"{label}.grad"
        else:
            names[slot] = _counted({"array": "memory"}.get(kind, kind), counts)
    return names


def _counted(word: str, counts: dict[str, int]) -> str:
    counts[word] = counts.get(word, 0) + 1
    return f"{word}{counts[word]}"


def _expression(instruction: Instruction, names: Mapping[int, str]) -> str:
    function, args = instruction.function, instruction.args
    written = [_operand(arg, names) for arg in args]
    if function in INFIX and len(args) == 2:
        return f"{written[0]} {INFIX[function]} {written[1]}"
    if function is operator.getitem:
        return f"{written[0]}[{_index(args[1], names)}]"
    if function is operator.setitem:
        return f"{written[0]} with [{_index(args[1], names)}] = {written[2]}"
    if function is drawn:
        return f"random({', '.join(written[1:])})"
    if function is np.ndarray.transpose and len(args) == 1:
        return f"{written[0]}.T"
    options = [f"{key}={_operand(value, names)}" for key, value in instruction.options.items()]
    return f"{instruction.name}({', '.join(written + options)})"


def _operand(tree: Any, names: Mapping[int, str]) -> str:
    """Return an argument as text; long constants by their shape."""
    if isinstance(tree, Ref):
        return names.get(tree.slot, f"slot {tree.slot}")
    if isinstance(tree, (tuple, list)):
        inside = ", ".join(_operand(item, names) for item in tree)
        return f"[{inside}]" if isinstance(tree, list) else f"({inside}{',' if len(tree) == 1 else ''})"
    if isinstance(tree, slice):
        parts = ("" if part is None else _operand(part, names) for part in (tree.start, tree.stop))
        return ":".join(parts) + ("" if tree.step is None else f":{_operand(tree.step, names)}")
    if isinstance(tree, np.ndarray):
        return f"constant ({described(Spec.of(tree))})"
    if isinstance(tree, np.random.Generator):
        return "generator"
    if isinstance(tree, (np.dtype, type)):
        return np.dtype(tree).name
    return "..." if tree is Ellipsis else repr(tree)


def _index(tree: Any, names: Mapping[int, str]) -> str:
    return ", ".join(_operand(item, names) for item in (tree if isinstance(tree, tuple) else (tree,)))


def _guards(program: Program) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for guard in program.guards:
        found.setdefault(guard.slot, []).append(f"must be {guard.expected!r}")
    return found


def _ends(program: Program, names: Mapping[int, str]) -> dict[int, list[str]]:
    """Return by slot what changes outside, in words, and what is returned."""
    owners = {
        id(source.what): names[slot] for slot, source in program.sources.items() if source.kind == "data"
    }
    found: dict[int, list[str]] = {}
    for effect in program.effects:
        if effect.slot is None:
            continue
        if effect.kind == "grad":
            word = f"{owners.get(id(effect.target), 'a Tensor')}.grad"
        elif effect.kind == "new data":
            word = f"{owners.get(id(effect.target), 'a Tensor')}.data"
        elif effect.kind == "step":
            word = "steps taken"
        else:
            word = names.get(effect.target, "memory")
        found.setdefault(effect.slot, []).append(word)
    for result in results(program.outputs):
        found.setdefault(result.slot, []).append("returned")
    return {slot: list(dict.fromkeys(words)) for slot, words in found.items()}
