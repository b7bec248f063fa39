"""The reference page of the rulebook, generated from the registry.

python -m tests.minigrad.rules_page > minigrad/rules/README.md
"""

from __future__ import annotations

import ast
import inspect
from types import ModuleType

import numpy as np

from minigrad import rules
from minigrad.rules import Primitive, primitive

FAMILIES = (
    rules.arithmetic, rules.exponentials, rules.trigonometry, rules.gates, rules.decisions, rules.shaping,
    rules.assignment, rules.products, rules.convolution, rules.reductions, rules.ordering,
    rules.linear_algebra, rules.losses, primitive,
)  # fmt: skip
"""From what is taught first to what rests on it."""

HEAD = """# The rulebook

Every primitive of minigrad, by family. Generated from the registry, and compared by
`tests/minigrad/test_rules_page.py`; to bring it up to date:
`python -m tests.minigrad.rules_page > minigrad/rules/README.md`.

The derivative rules are short: they stand in the files that the headings link to. How the result depends on
an argument is its class: **linear** (alone, or jointly with the other linear ones), **multilinear** (a
product with others), **gate** (piecewise linear), **smooth**, or **constant** (no derivative). A domain is
where the rule holds; none is named where that is everywhere. What is taken at a kink, where calculus is
silent, is compared with torch in [CONVENTIONS.md](../../CONVENTIONS.md).
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
    return "".join(parts)


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
