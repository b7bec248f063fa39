"""How hypothesis draws arguments for the primitives that are not elementwise, family by family."""

from . import gates, ordering, products, reductions, shaping
from .base import Sampler

SAMPLERS: dict[str, Sampler] = {
    **gates.SAMPLERS,
    **ordering.SAMPLERS,
    **products.SAMPLERS,
    **reductions.SAMPLERS,
    **shaping.SAMPLERS,
}
