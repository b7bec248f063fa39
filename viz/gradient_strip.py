"""Gradient size, one cell per layer and one row per network, on one logarithmic scale."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from viz import fonts
from viz.frame import Entry, framed
from viz.networks.columns import column_name
from viz.picture import Picture
from viz.scene import Group, Rect, Shape, Text, hatch
from viz.style import INK, MUTED, PAPER, Look, Paint, magnitude, mark, number

_ON_DARK, _ON_BRIGHT = Paint("on-dark", "#ffffff", "#ffffff"), Paint("on-bright", "#1b1f24", "#1b1f24")
_TALL = 34.0


def draw_gradient_strip(
    norms: Mapping[str, Sequence[float]], *, vmin: float | None = None, vmax: float | None = None
) -> Picture:
    """
    Draw the size of the gradient in every layer, for one network or several beneath each other.

    Parameters
    ----------
    norms : mapping of str to sequence of float
        For every network by name, the gradient norm of each layer, the one next to the input first.
    vmin, vmax : float, optional
        Ends of the scale; by default powers of ten around all the norms. Give them to compare pictures.

    Returns
    -------
    Picture
        It can also be saved as ``.json``.

    Raises
    ------
    ValueError
        If there is no norm, a negative one, or the scale's ends are not 0 < vmin < vmax.

    Examples
    --------
    >>> print(draw_gradient_strip({"sigmoid": [1e-6, 1e-3, 1.0], "ReLU": [0.5, 0.7, 1.0]}))
    Gradient size, layer by layer
    sigmoid  1e−06  0.001  1  1 : 1,000,000
    ReLU       0.5    0.7  1          1 : 2
    columns: layers from input to output; at the end, first layer : last layer
    """
    rows = {str(name): [float(size) for size in sizes] for name, sizes in norms.items()}
    low, high = _scale(rows, vmin, vmax)
    deepest = max(map(len, rows.values()))
    left = max(fonts.width(name, 13, bold=True) for name in rows) + 14
    wide = min(max(560.0 / deepest, 22.0), 78.0)
    shapes: list[Shape] = []
    for r, (name, sizes) in enumerate(rows.items()):
        y = r * (_TALL + 10)
        shapes.append(Text(0, y + _TALL / 2, name, 13, "start", bold=True, role="name"))
        shapes += [
            _cell(size, column_name(k + 1, len(sizes)), k, left + k * wide, y, wide, low, high)
            for k, size in enumerate(sizes)
        ]
        if len(sizes) > 1:
            ratio = ratio_words(sizes[0], sizes[-1])
            shapes.append(Text(left + deepest * wide + 14, y + _TALL / 2, ratio, 13, "start", role="ratio"))
    shapes += _headings(_columns(rows), left, wide)
    scene = framed(
        shapes, title="Gradient size, layer by layer", lead=_lead(rows), description=_words(rows),
        key=_key(rows, low, high),
    )  # fmt: skip
    data = {
        "norms": {
            name: [size if math.isfinite(size) else str(size) for size in sizes]
            for name, sizes in rows.items()
        },
        "scale": [10.0**low, 10.0**high],
    }
    return Picture(scene, text=_table(scene.title, rows), data=data)


def ratio_words(first: float, last: float) -> str:
    """
    Write how the first layer's gradient compares with the last one's.

    Examples
    --------
    >>> ratio_words(1e-6, 1.0), ratio_words(3.0, 1.0), ratio_words(0.0, 1.0), ratio_words(float("nan"), 1.0)
    ('1 : 1,000,000', '3 : 1', '0 : 1', '–')
    """
    if not (math.isfinite(first) and math.isfinite(last)) or first == last == 0:
        return "–"
    if first == 0 or last == 0:
        return "0 : 1" if first == 0 else "1 : 0"
    return f"1 : {_round(last / first)}" if first < last else f"{_round(first / last)} : 1"


def _round(ratio: float) -> str:
    """Write a ratio of at least 1 with two digits that count."""
    if ratio >= 1e9 or not math.isfinite(ratio):
        return number(ratio)
    return f"{ratio:.2g}" if ratio < 10 else f"{float(f'{ratio:.2g}'):,.0f}"


def _scale(
    rows: Mapping[str, Sequence[float]], vmin: float | None, vmax: float | None
) -> tuple[float, float]:
    """Return the ends of the scale as logarithms."""
    sizes = [size for row in rows.values() for size in row]
    if not sizes:
        raise ValueError("there are no gradient norms to draw; give at least one for one network")
    if any(size < 0 for size in sizes):
        raise ValueError(f"norms are at least 0, but one is {min(sizes):g}")
    for name, end in (("vmin", vmin), ("vmax", vmax)):
        if end is not None and not 0 < end < math.inf:
            raise ValueError(
                f"{name} is an end of a logarithmic scale, so it must be above 0, but got {end:g}"
            )
    logs = [math.log10(size) for size in sizes if mark(size) is None] or [0.0]
    low = math.floor(min(logs)) if vmin is None else math.log10(vmin)
    high = max(math.ceil(max(logs)), low + 1) if vmax is None else math.log10(vmax)
    if low >= high:
        raise ValueError(f"the scale must rise: vmin is {10**low:g}, vmax is {10**high:g}")
    return low, high


def _cell(size: float, name: str, k: int, x: float, y: float, wide: float, low: float, high: float) -> Group:
    """Draw one layer's cell with its number, or with the mark of what has no logarithm."""
    place = Rect(x + 1, y, wide - 2, _TALL, look=Look(fill=PAPER, stroke=MUTED, width=0.75))
    kind = mark(size)
    shapes: list[Shape]
    ink = INK
    if kind:
        shapes = [place, hatch(place, kind, Look(stroke=MUTED, opacity=0.6))]
    else:
        log = math.log10(size)
        ink = _ON_BRIGHT if log > low + 0.55 * (high - low) else _ON_DARK
        shapes = [Rect(place.x, y, place.width, _TALL, look=Look(fill=magnitude(log, low, high)))]
    words = number(size) if kind else number(float(f"{size:.2g}"))
    if fonts.width(words, 10.5) <= wide - 6:
        if kind:
            half = fonts.width(words, 10.5) / 2 + 3
            shapes.append(
                Rect(x + wide / 2 - half, y + _TALL / 2 - 8, 2 * half, 16, 3, look=Look(fill=PAPER))
            )
        shapes.append(Text(x + wide / 2, y + _TALL / 2, words, 10.5, look=Look(fill=ink)))
    return Group(
        tuple(shapes), role=f"layer {kind or 'size'}", title=f"{name}: gradient norm {number(size)}",
        data={"layer": str(k + 1)},
    )  # fmt: skip


def _columns(rows: Mapping[str, Sequence[float]]) -> list[str]:
    """Name the columns; where networks differ in depth, the output of one is beside a hidden layer."""
    deepest = max(map(len, rows.values()))
    alike = all(len(sizes) == deepest for sizes in rows.values())
    return [column_name(k, deepest) if alike else f"layer {k}" for k in range(1, deepest + 1)]


def _short(name: str) -> str:
    """Return a layer's number, or what there is room for of the output's name."""
    return "out" if name == "output" else name.split()[-1]


def _headings(names: Sequence[str], left: float, wide: float) -> list[Shape]:
    """Name the layers, and say which way the gradient comes."""
    deepest = len(names)
    quiet = Look(fill=MUTED)
    room = wide > max(fonts.width(name, 11) for name in names) + 4
    shapes: list[Shape] = [
        Text(left + (k + 0.5) * wide, -14, name if room else _short(name), 11, look=quiet)
        for k, name in enumerate(names)
    ]
    shapes.append(Text(left, -34, "next to the input", 11, "start", look=quiet))
    if deepest * wide > 260:
        shapes.append(
            Text(left + deepest * wide, -34, "the gradient comes from here ←", 11, "end", look=quiet)
        )
    if deepest > 1:
        shapes.append(Text(left + deepest * wide + 14, -14, "first : last", 11, "start", look=quiet))
    return shapes


def _key(rows: Mapping[str, Sequence[float]], low: float, high: float) -> list[Entry]:
    """Explain the scale, and the marks that occur."""
    ramp = Group(tuple(
        Rect(7.0 * k, -7, 7.2, 14, look=Look(fill=magnitude(low + (high - low) * k / 20, low, high)))
        for k in range(21)
    ))  # fmt: skip
    entries: list[Entry] = [
        (ramp, f"gradient norm, {number(10.0**low)} to {number(10.0**high)}, logarithmic")
    ]
    found = {mark(size) for row in rows.values() for size in row}
    for kind, meaning in (("zero", "exactly 0"), ("nan", "not a number"), ("inf", "infinite")):
        if kind in found:
            area = Rect(0, -8, 24, 16, look=Look(fill=PAPER, stroke=MUTED, width=0.75))
            entries.append((Group((area, hatch(area, kind, Look(stroke=MUTED)))), meaning))
    return entries


def _lead(rows: Mapping[str, Sequence[float]]) -> str:
    """Say which network's first layers get least of the gradient."""
    ratios = {
        name: sizes[0] / sizes[-1]
        for name, sizes in rows.items()
        if len(sizes) > 1 and sizes[-1] and math.isfinite(sizes[0]) and math.isfinite(sizes[-1])
    }
    if not ratios:
        return "One cell per layer: the darker it is, the smaller its gradient."
    worst = min(ratios, key=lambda name: ratios[name])
    sizes = rows[worst]
    words = f"{worst}: the first layer's gradient is to the last one's as {ratio_words(sizes[0], sizes[-1])}"
    if ratios[worst] < 0.01:
        words += "; it vanishes on its way back, so the layers next to the input hardly learn"
    return f"{words}. The darker a cell, the smaller the gradient."


def _words(rows: Mapping[str, Sequence[float]]) -> str:
    """List the numbers."""
    return " ".join(f"{name}: {', '.join(number(size) for size in sizes)}." for name, sizes in rows.items())


def _table(title: str, rows: Mapping[str, Sequence[float]]) -> str:
    """Return the numbers as a table."""
    deepest = max(map(len, rows.values()))
    table = []
    for name, sizes in rows.items():
        cells = [number(float(f"{size:.2g}")) for size in sizes] + [""] * (deepest - len(sizes))
        table.append([name, *cells, ratio_words(sizes[0], sizes[-1]) if len(sizes) > 1 else ""])
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = [title]
    for name, *cells in table:
        words = [cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True)]
        lines.append("  ".join([name.ljust(widths[0]), *words]).rstrip())
    return "\n".join([*lines, "columns: layers from input to output; at the end, first layer : last layer"])
