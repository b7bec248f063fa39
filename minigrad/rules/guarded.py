"""Rules written with the product to take: beneath a `where`, one in which 0 wins over ∞ and nan."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from operator import mul
from typing import Any

import numpy as np

from .operands import Operand, match
from .primitive import General, Rule, strong_multiply


class Guarded(General):
    """
    A primitive whose rules are written with the product to take: ``vjp(multiply, g, output, *args)``.

    That is ``*``, and beneath a `where` :data:`~minigrad.rules.primitive.strong_multiply`. A cotangent of 0
    must give 0 if every product does.
    """

    keeps_zeros = True

    def __init__(self, name: str, forward: Rule, *, vjps: Sequence[Rule], **metadata: Any) -> None:
        super().__init__(name, forward, vjps=[partial(vjp, mul) for vjp in vjps], **metadata)
        self.strong_vjps = [partial(vjp, strong_multiply) for vjp in vjps]

    def strong_vjp(
        self, k: int, g: Operand, output: Operand, args: Sequence[Operand], options: Any
    ) -> Operand:
        """Return the cotangent of argument ``k``, which is 0 where that of the output is."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # of factors that 0 annihilates
            return match(self.strong_vjps[k](g, output, *args, **options), args[k])
