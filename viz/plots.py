"""Plots with axes: matplotlib figures in the house's palette, as accessible SVG that can turn dark."""

from __future__ import annotations

import hashlib
import re
from contextlib import AbstractContextManager
from io import BytesIO
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from viz import fonts
from viz.style import INK, MUTED, PANEL, PAPER, RULE, SERIES, Paint
from viz.svg import Theme, svg_root

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PAINTS = (PAPER, PANEL, RULE, INK, MUTED, *SERIES)
_SVG = "{http://www.w3.org/2000/svg}"


def house_style() -> AbstractContextManager[None]:
    """
    Return the context in which to make and draw a figure: the light paints, which `figure_svg` can turn dark.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> with house_style():
    ...     axes = Figure(layout="constrained").subplots()
    >>> axes.spines["top"].get_visible()
    False
    """
    import matplotlib
    from cycler import cycler

    inks = ("text.color", "axes.labelcolor", "axes.titlecolor", "patch.edgecolor")
    muted = ("xtick.color", "ytick.color", "axes.edgecolor")
    settings: Any = {
        "font.family": fonts.FAMILY, "font.size": 10, "axes.titlesize": 11, "axes.titleweight": "bold",
        "figure.facecolor": PAPER.light, "axes.facecolor": PAPER.light, "grid.color": RULE.light,
        "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
        "axes.prop_cycle": cycler(color=[paint.light for paint in SERIES]),
        **dict.fromkeys(inks, INK.light), **dict.fromkeys(muted, MUTED.light),
    }  # fmt: skip
    return matplotlib.rc_context(settings)


def set_heading(figure: Figure, title: str, lead: str) -> None:
    """Write a heading above a figure with a constrained layout, and beneath it, quietly, what to look at."""
    width, height = figure.get_size_inches()
    lines = fonts.wrap(lead, 72 * (width - 0.3), 10.0)
    room = "\n".join([title, *[""] * len(lines)])
    figure.suptitle(room, x=0.015, ha="left", fontweight="bold", fontsize=13)
    for k, line in enumerate(lines):
        figure.text(0.015, 1 - (0.33 + 0.19 * k) / height, line, va="top", color=MUTED.light)


def figure_svg(figure: Figure, title: str, description: str, theme: Theme = "auto", name: str = "") -> str:
    """
    Write a matplotlib figure as one accessible ``<svg>`` element, text as outlines, ids its own.

    Colours that are the light side of a paint become its dark side on a dark page.
    """
    import matplotlib

    buffer = BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "minigrad", "svg.fonttype": "path"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    drawn = buffer.getvalue().decode("utf-8")
    name = name or "plot-" + hashlib.sha256(drawn.encode("utf-8")).hexdigest()[:10]
    ElementTree.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    source = ElementTree.fromstring(drawn)
    width, height = (f"{value * 96:g}" for value in figure.get_size_inches())
    root = svg_root(name, title, description, width, height, source.get("viewBox", ""))
    root.set("stroke-linejoin", "round")
    if theme == "auto":
        ElementTree.SubElement(root, "style").text = _dark_rules(name)
    for child in source:
        sheet = child.find(f"{_SVG}style") is not None  # matplotlib's would hold for the whole page
        if child.tag in (f"{_SVG}g", f"{_SVG}defs") and not sheet:
            _own(child, name, dark=theme == "dark")
            root.append(child)
    return ElementTree.tostring(root, encoding="unicode")


def figure_pdf(figure: Figure, title: str) -> bytes:
    """Write a matplotlib figure as PDF."""
    buffer = BytesIO()
    figure.savefig(buffer, format="pdf", metadata={"Title": title, "CreationDate": None})
    return buffer.getvalue()


def _own(element: ElementTree.Element, name: str, dark: bool) -> None:
    """Put a name before every id and every reference to one, and take the SVG namespace from the tags."""
    for part in element.iter():
        part.tag = part.tag.removeprefix(_SVG)
        for key, value in part.attrib.items():
            if key == "id":
                value = f"{name}-{value}"
            elif key.endswith("href"):
                value = re.sub("^#", f"#{name}-", value)
            else:
                value = value.replace("url(#", f"url(#{name}-")
            part.set(key, _darken(value) if dark and key in ("style", "fill", "stroke") else value)


def _darken(style: str) -> str:
    """Exchange the light side of every paint for its dark side."""
    sides = {paint.light: paint.dark for paint in _PAINTS}
    return re.sub(r"#[0-9a-f]{6}", lambda colour: sides.get(colour[0], colour[0]), style)


def _dark_rules(name: str) -> str:
    """Return the style sheet that does the same on a dark page, over matplotlib's inline styles."""

    def rule(paint: Paint, part: str) -> str:
        return f'#{name} [style*="{part}: {paint.light}"]{{{part}:{paint.dark}!important}}'

    rules = [rule(paint, part) for paint in _PAINTS for part in ("fill", "stroke")]
    fit = f"#{name}{{max-width:100%;height:auto}}"
    return fit + "@media (prefers-color-scheme:dark){" + "".join(rules) + "}"
