"""How hypothesis draws arguments for the primitives that are not elementwise, family by family."""

from . import convolution, gates, linear_algebra, ordering, products, reductions, shaping
from .base import Sampler

SAMPLERS: dict[str, Sampler] = {
    **convolution.SAMPLERS,
    **gates.SAMPLERS,
    **linear_algebra.SAMPLERS,
    **ordering.SAMPLERS,
    **products.SAMPLERS,
    **reductions.SAMPLERS,
    **shaping.SAMPLERS,
}
