"""The reference page of the rulebook, generated from the registry and from the table of NumPy's functions.

python -m tests.minigrad.rules_page > minigrad/rules/README.md
"""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np

import minigrad as mg
from minigrad import rules
from minigrad.functions import constants
from minigrad.rules import NUMPY, Primitive, primitive

FAMILIES = (
    rules.arithmetic, rules.exponentials, rules.trigonometry, rules.gates, rules.decisions, rules.shaping,
    rules.assignment, rules.products, rules.convolution, rules.reductions, rules.ordering,
    rules.linear_algebra, rules.losses, primitive,
)  # fmt: skip
"""From what is taught first to what rests on it."""

HEAD = """# The rulebook

Every primitive of minigrad, by family; below, every [function that records](#functions-that-record), and
those [without a derivative](#functions-without-a-derivative). Generated, and compared by
`tests/minigrad/test_rules_page.py`; to bring it up to date:
`python -m tests.minigrad.rules_page > minigrad/rules/README.md`.

The derivative rules are short: they stand in the files that the headings link to. How the result depends on
an argument is its class: **linear** (alone, or jointly with the other linear ones), **multilinear** (a
product with others), **gate** (piecewise linear), **smooth**, or **constant** (no derivative). A domain is
where the rule holds; none is named where that is everywhere. What is taken at a kink, where calculus is
silent, is compared with torch in [CONVENTIONS.md](../../CONVENTIONS.md).
"""

FUNCTIONS = """
# Functions that record

What may be called with Tensors so that derivatives follow: NumPy's functions (`np.`), and those that NumPy
does not have or that do not look for Tensors there (`mg.`). Most of NumPy's are in `mg.` too, where they
take numbers, arrays and lists as well. Options that can only have NumPy's default (such as `out`) are left
out.
"""

CONSTANTS = """
# Functions without a derivative

Decisions, counts and searches are made on the numbers, and are constant to every derivative; where a result
would move with the numbers of a Tensor that requires a gradient after all, they refuse:
"""

WRITING = """
Functions that write into an array are refused, and say what to use instead:
"""

COLUMNS = ("primitive", "symbol", "formula", "class of each argument", "domain", "at a kink", "source")


def members(family: ModuleType) -> list[Primitive]:
    """The primitives that a family's file defines, in its order."""
    imports = [node for node in ast.parse(inspect.getsource(family)).body if isinstance(node, ast.ImportFrom)]
    used = {name.name for node in imports for name in node.names}
    return [p for name, p in vars(family).items() if isinstance(p, Primitive) and name not in used]


def page() -> str:
    """The whole of minigrad/rules/README.md."""
    parts = [HEAD]
    for family in FAMILIES:
        file = f"{family.__name__.rpartition('.')[2]}.py"
        first, _, _ = (family.__doc__ or "").partition("\n")
        parts.append(f"\n## [{file}]({file})\n\n{first}\n\n{_row(COLUMNS)}{_row(['---'] * len(COLUMNS))}")
        parts += [_row(line(p)) for p in members(family)]
    parts.append(FUNCTIONS)
    for module, calls in recording().items():
        file = f"{module.__name__.rpartition('.')[2]}.py"
        link = file if module in FAMILIES else f"../functions/{file}"
        parts.append(f"\n## [{link.removeprefix('../')}]({link})\n\n```python\n")
        parts += [f"{call}\n" for call in calls] + ["```\n"]
    for head, named in ((CONSTANTS, constant()), (WRITING, [f"np.{name}" for name in constants.WRITING])):
        parts.append(f"{head}\n{textwrap.fill(', '.join(f'`{name}`' for name in named), 110)}\n")
    return "".join(parts)


def recording() -> dict[ModuleType, list[str]]:
    """Every function that records, as it is called, by the file that its rule or composition stands in."""
    homes = {p: family for family in FAMILIES for p in members(family)}
    found: dict[ModuleType, list[str]] = {module: [] for module in homes.values()}
    for function, ours in _numpy():
        if not _constant(ours):
            found.setdefault(_home(ours, homes), []).append(_call(_name(function), ours, function))
    for name in mg.__all__:
        ours = getattr(mg, name)
        numpys = getattr(np, name, None) in NUMPY or ours in NUMPY.values()
        if (ours in homes or name in mg.functions.__all__) and not numpys and not _constant(ours):
            found.setdefault(_home(ours, homes), []).append(_call(f"mg.{name}", ours))
    return {module: sorted(calls) for module, calls in found.items() if calls}


def constant() -> list[str]:
    """NumPy's functions whose results have no derivative."""
    names = (_name(function) for function, ours in _numpy() if _constant(ours))
    return sorted(name for name in names if name.removeprefix("np.") not in constants.WRITING)


def _numpy() -> Iterator[tuple[Callable[..., Any], Any]]:
    """The table of NumPy's functions, without what users added."""
    return ((function, ours) for function, ours in NUMPY.items() if not getattr(ours, "added", False))


def _constant(ours: Any) -> bool:
    if isinstance(ours, Primitive):
        return not any(ours.differentiable)
    return bool(ours.__module__ == constants.__name__)


def _home(ours: Any, homes: dict[Primitive, ModuleType]) -> ModuleType:
    return homes[ours] if isinstance(ours, Primitive) else sys.modules[ours.__module__]


def _name(function: Callable[..., Any]) -> str:
    return f"{function.__module__.replace('numpy', 'np', 1)}.{function.__name__}"


def _call(name: str, ours: Any, function: Any = None) -> str:
    """A function with its arguments and their defaults."""
    if isinstance(ours, Primitive):
        if isinstance(function, np.ufunc) and ours.variadic:  # NumPy's takes two
            return f"{name}(x, y)"
        if isinstance(ours.forward, np.ufunc):
            return f"{name}({', '.join(ours.arguments)})"
        ours = ours.forward
    signature = inspect.signature(ours)
    kept = [p.replace(annotation=p.empty) for p in signature.parameters.values() if p.annotation != "None"]
    return f"{name}{signature.replace(parameters=kept, return_annotation=signature.empty)}"


def line(p: Primitive) -> list[str]:
    """The cells of one primitive."""
    classes = [f"{name}: {kind}" for name, kind in zip(p.arguments, p.classes, strict=True)]
    kinks = [
        f"{where if isinstance(where, str) else f'{p.arguments[0]} = {where}'}: {what}"
        for where, what in p.kinks.items()
    ]
    domain = [_interval(name, low, high) for name, (low, high) in zip(p.arguments, p.domain, strict=True)]
    return [
        f"`{p.name}`", p.symbol, p.formula, ", ".join(classes), ", ".join(filter(None, domain)),
        "; ".join(kinks), p.source,
    ]  # fmt: skip


def _interval(name: str, low: float, high: float) -> str:
    if low == -np.inf:
        return "" if high == np.inf else f"{name} < {high:g}"
    return f"{name} > {low:g}" if high == np.inf else f"{low:g} < {name} < {high:g}"


def _row(cells: list[str] | tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


if __name__ == "__main__":
    print(page(), end="")
