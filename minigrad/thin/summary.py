"""A thin linear network in words and numbers, for printing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .network import ThinNetwork

MOST = 6
"""How many of the gates that change next are named."""


def summary_of(thin: ThinNetwork) -> str:
    """Return a table of what is left of each layer."""
    rows = [["layer", "kind", "left", "of", "inactive", "dropped", "nearest boundary"]]
    for layer in (thin.input, *thin.layers):
        if layer is thin.input and len(layer.kept) == layer.total:
            continue
        inactive = int((~layer.active & ~layer.dropped).sum())
        nearest = f"{layer.margin.min(initial=np.inf):.3g}"
        counts = (len(layer.kept), layer.total, inactive, int(layer.dropped.sum()))
        rows.append([layer.name, layer.kind, *map(str, counts), nearest])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    table = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(
        [
            f"Thin linear network: {thin.x.size} inputs, {thin.output.size} outputs, "
            f"{thin.kept} of {thin.total} hidden units left",
            *table,
            f"max|W x + b − net(x)| = {thin.max_abs_error:.2g}",
            f"radius {thin.radius:.4g}{' (a tie: the input is on a boundary)' if thin.tie else ''}; "
            f"next to change: {_flips(thin)}",
        ]
    )


def _flips(thin: ThinNetwork) -> str:
    """Name the gates that change next, as the table does."""
    flips = sorted(thin.next_flip)
    layers = (thin.input, *thin.layers)
    words = [f"{layers[k + 1].kind} {layers[k + 1].name} neuron {j}" for k, j in flips[:MOST]]
    if len(flips) > MOST:
        words.append(f"{len(flips) - MOST} more")
    return ", ".join(words) or "none can be reached"
