"""How hypothesis draws arguments for the primitives that are not elementwise, family by family."""

from . import assignment, convolution, gates, linear_algebra, losses, ordering, products, reductions, shaping
from .base import Sampler

SAMPLERS: dict[str, Sampler] = {
    **assignment.SAMPLERS,
    **convolution.SAMPLERS,
    **gates.SAMPLERS,
    **linear_algebra.SAMPLERS,
    **ordering.SAMPLERS,
    **losses.SAMPLERS,
    **products.SAMPLERS,
    **reductions.SAMPLERS,
    **shaping.SAMPLERS,
}
