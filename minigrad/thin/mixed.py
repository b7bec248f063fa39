"""Networks that are piecewise linear in part: what comes before the first smooth layer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..nn import Flatten, Module, Sequential
from ..recording import no_grad
from ..tensor import Array
from .affine import NotPiecewiseLinearError


@contextmanager
def offering_the_part_before(net: Module, x: Array) -> Iterator[None]:
    """Context in which the error about a smooth layer offers the part before it, which is tried on ``x``."""
    try:
        yield
    except NotPiecewiseLinearError as error:
        part = part_before(net, error.path)
        if part is None:
            raise
        with no_grad():
            image = part(x).ndim > 2
        message = f"{error}. The part before it is error.part: mg.thin(error.part, x)"
        offer = NotPiecewiseLinearError(message, error.path)
        offer.part = Sequential(*part, Flatten()) if image else part
        raise offer from None


def part_before(net: Module, path: str) -> Sequential | None:
    """
    Return the layers of a Sequential, and of those nested in it, that come before a layer.

    They share their parameters with the network. None where no layer comes before, or where the network is
    no Sequential; a Residual or another module that holds the layer is left out as a whole.
    """
    if not path or type(net) is not Sequential:
        return None
    smooth = dict(net.named_modules())[path]
    first = next(name for name, module in net.named_modules() if module is smooth)
    place, _, rest = first.partition(".")
    layers = list(net[: int(place)])
    inner = part_before(net[int(place)], rest)
    layers += [] if inner is None else [inner]
    return Sequential(*layers) if layers else None
