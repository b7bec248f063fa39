"""The key of a picture of a network: a sample of every mark that is in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from viz.frame import Entry, sign_scale
from viz.networks import columns as states
from viz.networks.columns import Array
from viz.networks.neurons import READABLE, sample, stack_sample
from viz.networks.outputs import marks_largest
from viz.networks.pixels import DOTTED, side_of, signed_image
from viz.networks.spots import KEPT, MOST, Spot
from viz.networks.wires import Wires
from viz.networks.words import MEANINGS
from viz.scene import Circle, Group, Path, Rect, Shape, Text, cross, line
from viz.style import FADED, INK, MUTED, NEGATIVE, POSITIVE, RULE, Look, number, shade

if TYPE_CHECKING:
    from minigrad.thin import ThinNetwork


def network_key(
    spots: Sequence[Spot], edges: Wires, limit: float, thin: ThinNetwork | None, weight: Array | None
) -> list[Entry]:
    """Return the entries of the key: only marks that are in the picture."""
    columns = [spot.column for spot in spots]
    outputs = columns[-1].values
    given = outputs is not None
    entries: list[Entry] = []
    if outputs is not None:
        end = f"±{number(limit)}"
        beyond = (
            f"; beyond {end} the end colour" if np.abs(outputs).max(initial=0) > limit else f", up to {end}"
        )
        small = [s.column.values for s in spots if s.radius < READABLE and not s.image]
        minus = "; − is negative" if any((v < 0).any() for v in small if v is not None) else ""
        entries.append((sign_scale(), f"value of a neuron{beyond}{minus}"))
    seen = _states(spots)
    entries += [(sample(state), meaning) for state, meaning in MEANINGS.items() if state in seen]
    if any(column.groups for column in columns):
        pooled = any("Pool" in caption for column in columns for caption in column.captions)
        stacks = "pieces of a maximum" if pooled else "Maxout"
        entries.append(
            (
                stack_sample(given),
                f"{stacks}: the solid piece wins" if given else f"{stacks}: a stack of pieces",
            )
        )
    if thin is not None:
        entries += _flip_entries(spots, f"changes next, if the input moves by {number(thin.radius)}")
    abbreviated = any(len(spot.centres) < spot.column.size for spot in spots)
    entries += _edge_entries(edges, "weight · value" if given else "weight", abbreviated)
    if spots[0].image and given:
        entries.append((_greys(), f"pixel, {_range(columns[0].values)}"))
    if weight is not None and thin is not None:
        end = number(np.abs(weight).max(initial=0))
        inked = number(np.abs(weight * thin.x.ravel()).max(initial=0))
        dots = ", dotted if negative" if (side_of(weight.shape[1]) or 0) <= DOTTED else ""
        words = f"W: each pixel's weight, up to ±{end}{dots};  W · pixel: what it adds, up to ±{inked}"
        entries.append((_patch(), words))
    if marks_largest(spots[-1]):
        mark = Path(((9, -6), (9, 6), (0, 0)), closed=True, look=Look(fill=INK))
        entries.append((mark, "the largest output: for classes, the prediction"))
    return entries


def _states(spots: Sequence[Spot]) -> set[str]:
    """Return the states to explain: those that are drawn; active only if a neuron could be something else."""
    seen = set()
    for spot in spots:
        shown = {spot.column.states[j] for j in spot.centres}
        if spot.column.groups is not None or spot.image:
            shown &= {states.DROPPED}
        if len(shown) > 1 or spot.column.name.startswith("hidden") or shown != {states.ACTIVE}:
            seen |= shown
    return seen


def _flip_entries(spots: Sequence[Spot], words: str) -> list[Entry]:
    """Explain the rings of neurons that change next, and name such neurons that are not drawn."""
    drawn = {
        spot.column.states[j]
        for spot in spots
        for j in spot.column.flips
        if j in spot.centres and not spot.image
    }
    hidden = [
        f"{'pixel' if spot.image else 'neuron'} {j} of {spot.column.name}"
        for spot in spots
        for j in sorted(spot.column.flips)
        if spot.image or j not in spot.centres
    ]
    entries: list[Entry] = []
    circle = Circle(0, 0, 5, look=Look(stroke=INK))
    ring = Circle(0, 0, 8, look=Look(stroke=INK, width=1.25), role="ring")
    if drawn - {states.DROPPED}:
        entries.append((Group((circle, ring)), words))
    if states.DROPPED in drawn:
        crossed = Group((circle, cross(0, 0, 5, Look(stroke=MUTED, width=1.25)), ring))
        entries.append((crossed, f"{words}: its gate flips, though it is dropped here"))
    if hidden:
        more = f" and {len(hidden) - 3:,} more" if len(hidden) > 3 else ""
        where = "not ringed" if spots[0].image and spots[0].column.flips else "not shown"
        entries.append((Text(0, 0, "+…", 11), f"{words}: {', '.join(hidden[:3])}{more}, {where}"))
    return entries


def _edge_entries(edges: Wires, what: str, abbreviated: bool) -> list[Entry]:
    """Explain the edges."""
    if not edges.total and not edges.faded:
        return []
    among = " among the neurons shown" if abbreviated else ""
    up, down = Look(stroke=POSITIVE, width=3), Look(stroke=NEGATIVE, width=3, dash=(7, 3))
    entries: list[Entry] = []
    if edges.drawn:
        entries += [
            (line((0, 0), (26, 0), up), f"positive {what}"),
            (line((0, 0), (26, 0), down), f"negative {what}"),
            (_wedge(), f"width grows with √|{what}|; the widest is {number(edges.limit)}"),
        ]
    if edges.drawn < edges.total:
        share = f"{edges.share:.0%} of all |{what}| there"
        strongest = f"the strongest {edges.drawn:,} of {edges.total:,} edges{among}: {share}"
        entries.append((_bundle(), strongest))
    if edges.faded:
        some = (
            f"{edges.faded_drawn:,} of {edges.faded:,}"
            if edges.faded_drawn < edges.faded
            else f"{edges.faded:,}"
        )
        entries.append(
            (
                line((0, 0), (26, 0), Look(stroke=MUTED, opacity=3 * FADED)),
                f"{some} edges{among} that carry nothing here",
            )
        )
    if abbreviated:
        rule = f"layers of more than {MOST} show {KEPT}: the strongest, and of what gives 0 its share"
        entries.append((Text(0, 0, "+ more", 11, look=Look(fill=MUTED)), rule))
    return entries


def _wedge() -> Shape:
    """Return a line that becomes wider."""
    return Path(((0, -0.5), (26, -3), (26, 3), (0, 0.5)), closed=True, look=Look(fill=MUTED))


def _bundle() -> Shape:
    """Return a few lines."""
    look = Look(stroke=MUTED, width=1)
    return Group(tuple(line((0, y), (26, y / 3), look) for y in (-6, 0, 6)))


def _greys() -> Shape:
    """Return the scale of an image's pixels."""
    cells = [Rect(8 * k, -7, 8, 14, look=Look(fill=shade(k / 4), stroke=RULE, width=0.5)) for k in range(5)]
    return Group(tuple(cells))


def _patch() -> Shape:
    """Return a small image of weights."""
    values = np.array([-1.0, -0.2, 0.3, 0.0, 0.9, 0.1, 0.4, -0.5, 0.0])
    return signed_image(values, 1.0, 0, -9, 18, "sample", "")


def _range(values: Array | None) -> str:
    """Return what an image's greys stand for."""
    if values is None:
        return ""
    return f"{number(min(0.0, values.min(initial=0)))} to {number(values.max(initial=0))}"
