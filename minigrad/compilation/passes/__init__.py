"""What is done to a program before it runs: each pass returns another one with the same results."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..program import Program
from .common import common_subexpressions
from .constants import constants
from .dead import dead_code
from .numbers import numbers_first

Pass = Callable[[Program], Program]

PASSES: Sequence[Pass] = (constants, common_subexpressions, dead_code, numbers_first)


def optimized(program: Program, passes: Sequence[Pass] = PASSES) -> Program:
    """Return the program after all passes."""
    for change in passes:
        program = change(program)
    return program
