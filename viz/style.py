"""The palette and the encodings that every picture shares: one meaning, one look."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, slots=True)
class Paint:
    """
    One colour by name, as it appears on a light and on a dark page.

    Examples
    --------
    >>> INK.light, INK.dark
    ('#1b1f24', '#eceff4')
    """

    name: str
    light: str
    dark: str


@dataclass(frozen=True, slots=True)
class Look:
    """How a shape is painted; ``None`` paints nothing, ``dash`` is on, off, on, ... in pixels."""

    fill: Paint | None = None
    stroke: Paint | None = None
    width: float = 1.0
    dash: tuple[float, ...] = ()
    opacity: float = 1.0


PLAIN = Look()

PAPER = Paint("paper", "#ffffff", "#14171c")  # the page
PANEL = Paint("panel", "#f3f5f7", "#20252c")  # a quiet surface on it
RULE = Paint("rule", "#c9ced6", "#444c56")  # thin borders
INK = Paint("ink", "#1b1f24", "#eceff4")  # text and outlines
MUTED = Paint("muted", "#59626e", "#a6afbb")  # secondary text, unsigned edges
INACTIVE = Paint("inactive", "#7d8590", "#838b96")  # outlines of what is switched off

# Signed lines. Their fills are the diverging scale of `diverging`.
POSITIVE = Paint("positive", "#1f6fb8", "#6cb2f2")
NEGATIVE = Paint("negative", "#c85a00", "#ffa14d")

# Unordered series in plots: told apart in grey as well; add markers or line styles to them.
SERIES = (
    Paint("series-1", "#1f6fb8", "#6cb2f2"),
    Paint("series-2", "#c85a00", "#ffa14d"),
    Paint("series-3", "#14795a", "#5fd3a8"),
    Paint("series-4", "#8a3ea8", "#d79bf0"),
    Paint("series-5", "#5c4a1e", "#d9c58a"),
)

# States of a neuron: filled, hollow and dashed, crossed out. The fill of an active one is its value.
ACTIVE = Look(fill=PANEL, stroke=INK, width=1.5)
PRUNED = Look(fill=PAPER, stroke=INACTIVE, width=1.25, dash=(3, 3))
DROPPED = Look(fill=PAPER, stroke=INACTIVE, width=1.25)
WINNER = Look(fill=PANEL, stroke=INK, width=2.5)
LOSER = Look(fill=PAPER, stroke=INACTIVE, width=1.0, dash=(3, 3))
FADED = 0.13  # opacity of the edges of what was taken away

NOT_COMPUTED = "–"
MINUS = "−"


def diverging(value: float, limit: float) -> Paint:
    """
    Return the fill of a signed number: orange below zero, grey at zero, blue above.

    Parameters
    ----------
    value : float
        The number; anything beyond ``±limit`` gets the end of the scale, nan the middle.
    limit : float
        The size that gets the full colour, usually the largest in the picture.

    Returns
    -------
    Paint
        One of 41 steps; strength grows with √(\\|value\\| / limit), so that small numbers show their sign.
        `INK` is readable on all of them, in both modes.

    Examples
    --------
    >>> diverging(-2.0, 2.0).name, diverging(0.0, 2.0).name, diverging(0.5, 2.0).name
    ('value-m20', 'value-0', 'value-p10')
    """
    step = round(20 * strength(value, limit))
    if step == 0:
        return _step("value-0", _MIDDLE, _MIDDLE, 0.0)
    sign, end = ("m", _BELOW) if value < 0 else ("p", _ABOVE)
    return _step(f"value-{sign}{step}", _MIDDLE, end, step / 20)


def strength(value: float, limit: float) -> float:
    """
    Return √(\\|value\\| / limit) clipped to [0, 1]: how strongly a number is drawn, by width or by colour.

    Examples
    --------
    >>> strength(-0.25, 1.0), strength(9.0, 1.0), strength(float("nan"), 1.0), strength(1.0, 0.0)
    (0.5, 1.0, 0.0, 0.0)
    """
    if math.isnan(value) or math.isnan(limit) or limit <= 0:
        return 0.0
    if math.isinf(value):
        return 1.0
    return 0.0 if math.isinf(limit) else math.sqrt(min(abs(value) / limit, 1.0))


def edge(contribution: float, limit: float, widest: float = 6.0) -> Look:
    """
    Return the look of an edge: width √\\|contribution\\|, solid blue above zero, long orange dashes below.

    Zero is dotted grey, nan a chain line.

    Examples
    --------
    >>> look = edge(-1.0, limit=4.0)
    >>> look.stroke.name, look.width, look.dash
    ('negative', 3.0, (7, 3))
    """
    width = max(widest * strength(contribution, limit), 0.75)
    if contribution > 0:
        return Look(stroke=POSITIVE, width=width)
    if contribution < 0:
        return Look(stroke=NEGATIVE, width=width, dash=(7, 3))
    if math.isnan(contribution):
        return Look(stroke=INK, width=1.5, dash=(6, 3, 1, 3))
    return Look(stroke=INACTIVE, width=1.0, dash=(1, 3))


def magnitude(log10: float, low: float, high: float) -> Paint:
    """
    Return the fill of a gradient's size on a sequential, perceptually uniform ramp (viridis).

    Parameters
    ----------
    log10 : float
        log₁₀ of the size; it must be finite: exact zero, nan and inf have marks of their own (`mark`).
    low, high : float
        The ends of the ramp, shared by all panels of a picture.

    Examples
    --------
    >>> magnitude(-6.0, -6.0, 0.0).name, magnitude(0.0, -6.0, 0.0).name
    ('magnitude-0', 'magnitude-24')
    """
    span = high - low
    fraction = min(max((log10 - low) / span, 0.0), 1.0) if span > 0 else 1.0
    return _ramp(round(24 * fraction))


def shade(fraction: float) -> Paint:
    """
    Return one of 17 greys from paper (0) to ink (1): the brightness of a pixel.

    Examples
    --------
    >>> shade(0.0).light, shade(1.0).light, shade(0.5).name
    ('#ffffff', '#1b1f24', 'grey-8')
    """
    step = round(16 * min(max(fraction, 0.0), 1.0))
    return _step(f"grey-{step}", (PAPER.light, PAPER.dark), (INK.light, INK.dark), step / 16)


def mark(value: float) -> str | None:
    """
    Name the mark of a number that has no logarithm to show, else None.

    Examples
    --------
    >>> mark(0.0), mark(float("nan")), mark(float("-inf")), mark(0.1)
    ('zero', 'nan', 'inf', None)
    """
    if value == 0:
        return "zero"
    if math.isnan(value):
        return "nan"
    return "inf" if math.isinf(value) else None


def number(value: float) -> str:
    """
    Write a number short and honest: three significant digits, no trailing zeros.

    Examples
    --------
    >>> [number(v) for v in (3.0, -0.03125, 0.99996, -1.23e-5, 12345.6, 7e22, float("-inf"))]
    ['3', '−0.0312', '1', '−1.2e−05', '12346', '7e+22', '−inf']
    """
    value = float(value)
    if not math.isfinite(value):
        text = str(value)
    elif value != 0 and not 1e-3 <= abs(value) < 1e5:
        text = f"{value:.1e}".replace(".0e", "e")
    elif abs(value) >= 1e3:
        text = f"{value:.0f}"
    else:
        text = f"{value:z.3g}"
    return text.replace("-", MINUS)


_BELOW, _MIDDLE, _ABOVE = ("#f2953a", "#a4540f"), ("#eceef1", "#2f353d"), ("#6aaeea", "#22639f")


@cache
def _step(name: str, start: tuple[str, str], end: tuple[str, str], fraction: float) -> Paint:
    """Mix two (light, dark) pairs of colours."""
    light, dark = (_mix(a, b, fraction) for a, b in zip(start, end, strict=True))
    return Paint(name, light, dark)


def _mix(start: str, end: str, fraction: float) -> str:
    """Mix two #rrggbb colours."""
    pairs = ((int(start[i : i + 2], 16), int(end[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(a + (b - a) * fraction):02x}" for a, b in pairs)


@cache
def _ramp(step: int) -> Paint:
    """Return one of 25 steps of viridis, the same on both pages."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    colour = to_hex(colormaps["viridis"](step / 24))
    return Paint(f"magnitude-{step}", colour, colour)
