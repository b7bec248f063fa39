"""How to draw for arithmetic that jumps: away from where it does."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from minigrad.rules import Primitive

from .base import Draw, Sampler, broadcasting, seeds


def _divided(draw: Draw, primitive: Primitive) -> tuple[list[Any], dict[str, Any]]:
    """Quotients from −3 to 3, none near a whole number."""
    of_x, of_y = broadcasting(draw, 2)
    rng = np.random.default_rng(draw(seeds))
    scale = draw(st.sampled_from([0.5, 1.0, 2.0]))
    quotients = rng.integers(-3, 3, of_x) + rng.uniform(0.3, 0.7, of_x)
    return [np.asarray(scale * quotients), np.asarray(scale * rng.uniform(0.97, 1.03, of_y))], {}


SAMPLERS: dict[str, Sampler] = {"remainder": _divided, "fmod": _divided}
