"""Whether a function drew random numbers that no instruction of its program draws again."""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterable
from typing import Any

import numpy as np

from .. import random


class Randomness:
    """
    The generators that a function may draw from, as they were before it ran.

    Layers draw through the capture, which notes it. Whatever else was drawn changes a generator, too.
    """

    def __init__(self, generators: Iterable[np.random.Generator]) -> None:
        self._own = random._generator
        known = {id(generator): generator for generator in generators}
        if self._own is not None:
            known[id(self._own)] = self._own
        self._before = [(generator, copy.deepcopy(generator)) for generator in known.values()]
        self._elsewhere = self._global_states()

    def explained_by(self, draws: Iterable[tuple[np.random.Generator, tuple[int, ...]]]) -> bool:
        """Return whether these draws led from there to here."""
        if random._generator is not self._own and self._own is not None:
            return False
        for generator, clone in self._before:
            for drawn_from, shape in draws:
                if drawn_from is generator:
                    clone.random(shape)
            if repr(clone.bit_generator.state) != repr(generator.bit_generator.state):
                return False
        return self._elsewhere == self._global_states()

    @staticmethod
    def _global_states() -> list[Any]:
        """Return the states of Python's own generator and of NumPy's global one, where they were loaded."""
        python, numpy = sys.modules.get("random"), sys.modules.get("numpy.random")
        states = [python.getstate() if python else None]
        if numpy is not None:
            name, keys, *rest = numpy.get_state()
            states += [name, keys.tobytes(), rest]
        return states
