"""How to draw arguments for convolution and sliding windows, over any number of spatial axes."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minigrad.rules import Primitive
from minigrad.rules.convolution import output_lengths

from .base import Draw, Shape


@st.composite
def geometry(draw: Draw, axes: int | None = None) -> tuple[Shape, Shape, Shape, Shape]:
    """Lengths of images, kernels, strides and padding: one window or more along each axis."""
    axes = draw(st.integers(1, 2)) if axes is None else axes
    each = [(draw(st.integers(1, 4)), draw(st.integers(1, 3)), draw(st.integers(0, 2))) for _ in range(axes)]
    kernel = tuple(draw(st.integers(1, min(3, n + 2 * p))) for n, _, p in each)
    return tuple(n for n, _, _ in each), kernel, tuple(s for _, s, _ in each), tuple(p for _, _, p in each)


def _windows(draw: Draw, primitive: Primitive) -> tuple[list[Shape], dict[str, Any]]:
    spatial, kernel, stride, padding = draw(geometry())
    lead = draw(hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=2))
    return [(*lead, *spatial)], {"kernel": kernel, "stride": stride, "padding": padding}


def _fold(draw: Draw, primitive: Primitive) -> tuple[list[Shape], dict[str, Any]]:
    ((*lead_and_spatial,),), options = _windows(draw, primitive)
    kernel, stride, padding = options.values()
    axes = len(kernel)
    lead, spatial = tuple(lead_and_spatial[:-axes]), tuple(lead_and_spatial[-axes:])
    return [(*lead, *kernel, *output_lengths(spatial, kernel, stride, padding))], {
        **options,
        "spatial": spatial,
    }


def _convolution(draw: Draw, primitive: Primitive) -> tuple[list[Shape], dict[str, Any]]:
    spatial, kernel, stride, padding = draw(geometry())
    batch, channels, outputs = (draw(st.integers(0, 2)) for _ in range(3))
    shapes = [(batch, channels, *spatial), (outputs, channels, *kernel)]
    return shapes, {"stride": stride, "padding": padding}


SAMPLERS = {"windows": _windows, "fold": _fold, "convolution": _convolution}
