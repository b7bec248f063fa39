"""How hypothesis draws arguments where a domain does not say it all, family by family."""

from . import (
    arithmetic,
    assignment,
    convolution,
    gates,
    linear_algebra,
    losses,
    ordering,
    products,
    reductions,
    shaping,
)
from .base import Sampler

SAMPLERS: dict[str, Sampler] = {
    **arithmetic.SAMPLERS,
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
