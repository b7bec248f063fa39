"""The one SVG writer, and PNG and PDF made from its SVG."""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from io import BytesIO
from typing import Literal, TypeAlias
from xml.etree import ElementTree

from viz import fonts
from viz.scene import Circle, Group, Path, Rect, Scene, Shape, Text, visible
from viz.style import INK, PAPER, Look, Paint

Theme: TypeAlias = Literal["auto", "light", "dark"]


def to_svg(scene: Scene, theme: Theme = "auto", name: str = "") -> str:
    """
    Write a scene as one self-contained ``<svg>`` element.

    Parameters
    ----------
    scene : Scene
        What to draw.
    theme : {"auto", "light", "dark"}
        "auto" is light, and dark where the reader prefers it; the others are fixed.
    name : str
        Start of every id in it. By default it comes from the content, so that different pictures fit
        into one page; give it to put the same picture there twice.

    Returns
    -------
    str
        ``role="img"`` with a title and a description; each shape has its roles as classes and its
        data as ``data-`` attributes.

    Examples
    --------
    >>> svg = to_svg(Scene.around([Text(0, 0, "a < b")], title="Order", description="One text."))
    >>> "a &lt; b" in svg, 'role="img"' in svg, "<desc" in svg
    (True, True, True)
    """
    drawing = ElementTree.Element("g")
    page = Rect(scene.x, scene.y, scene.width, scene.height, look=Look(fill=PAPER), role="page")
    for shape in (page, *scene.shapes):
        _draw(drawing, shape, theme, 1.0)
    name = name or "picture-" + hashlib.sha256(ElementTree.tostring(drawing)).hexdigest()[:10]
    box = [_short(value) for value in (scene.x, scene.y, scene.width, scene.height)]
    root = svg_root(name, scene.title, scene.description, box[2], box[3], " ".join(box))
    if theme == "auto":
        ElementTree.SubElement(root, "style").text = page_rules(name, _paints(scene.shapes))
    root.extend(drawing)
    return ElementTree.tostring(root, encoding="unicode")


def svg_root(
    name: str, title: str, description: str, width: str, height: str, box: str
) -> ElementTree.Element:
    """Return the ``<svg>`` element that a reader and a screen reader meet, with its name and description."""
    root = ElementTree.Element("svg", {
        "xmlns": "http://www.w3.org/2000/svg", "id": name, "class": "picture", "role": "img",
        "aria-labelledby": f"{name}-title", "aria-describedby": f"{name}-desc",
        "width": width, "height": height, "viewBox": box,
        "font-family": f"{fonts.FAMILY}, {fonts.FALLBACKS}",
    })  # fmt: skip
    ElementTree.SubElement(root, "title", id=f"{name}-title").text = legal(title)
    ElementTree.SubElement(root, "desc", id=f"{name}-desc").text = legal(description)
    return root


def page_rules(name: str, paints: Iterable[Paint]) -> str:
    """Return the style sheet of one picture: never wider than its page, and dark where the page is dark."""
    rules = [
        f"#{name} .{part}-{paint.name}{{{part}:{paint.dark}}}"
        for paint in sorted(set(paints), key=lambda paint: paint.name)
        if paint.dark != paint.light
        for part in ("fill", "stroke")
    ]
    fit = f"#{name}{{max-width:100%;height:auto}}"
    return fit + "@media (prefers-color-scheme:dark){" + "".join(rules) + "}"


def to_png(svg: str, scale: float = 2.0) -> bytes:
    """Paint an SVG of a fixed theme as PNG; text is DejaVu, other fonts only supply glyphs that it lacks."""
    import resvg_py

    text = "".join(ElementTree.fromstring(svg).itertext())
    return bytes(resvg_py.svg_to_bytes(
        svg_string=svg, zoom=scale, font_files=list(fonts.files().values()), font_family=fonts.FAMILY,
        sans_serif_family=fonts.FAMILY, skip_system_fonts=fonts.covered(text),
    ))  # fmt: skip


def to_pdf(svg: str) -> bytes:
    """Convert an SVG of a fixed theme to a PDF of one page, its fonts embedded."""
    from reportlab.graphics import renderPDF
    from svglib.svglib import svg2rlg

    _register_fonts()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        drawing = svg2rlg(BytesIO(svg.encode("utf-8")))
    if drawing is None:
        raise ValueError("the picture could not be converted to PDF: svglib does not understand its SVG")
    return bytes(renderPDF.drawToString(drawing, autoSize=1))


def legal(text: str) -> str:
    """Return a text that may have several lines, without the characters that XML forbids."""
    return "\n".join(visible(line) for line in re.split(r"\r\n|\r|\n", text))


def _draw(parent: ElementTree.Element, shape: Shape, theme: Theme, opacity: float) -> None:
    """Append the element of a shape; opacity goes down to the leaves, because svglib has none for groups."""
    if isinstance(shape, Text) and shape.title:  # some converters would print a title inside a text
        shape = Group((replace(shape, title=""),), title=shape.title)
    opacity *= shape.look.opacity
    element = ElementTree.SubElement(parent, _TAGS[type(shape)], _geometry(shape))
    if shape.title:
        ElementTree.SubElement(element, "title").text = legal(shape.title)
    if isinstance(shape, Group):
        if shape.role:
            element.set("class", shape.role)
        for member in shape.shapes:
            _draw(element, member, theme, opacity)
    else:
        _paint(element, shape, theme, opacity)
    for key, value in shape.data.items():
        element.set(f"data-{key}", legal(value))


def _geometry(shape: Shape) -> dict[str, str]:
    """Return the attributes that place a shape."""
    match shape:
        case Circle():
            return {"cx": _short(shape.x), "cy": _short(shape.y), "r": _short(shape.radius)}
        case Rect():
            place = {"x": shape.x, "y": shape.y, "width": shape.width, "height": shape.height}
            place |= {"rx": shape.corner, "ry": shape.corner} if shape.corner else {}
            return {key: _short(value) for key, value in place.items()}
        case Path():
            return {"d": _path(shape)}
        case Text():
            baseline = shape.y + 0.365 * shape.size  # half the height of DejaVu's capitals
            style = {"x": _short(shape.x), "y": _short(baseline), "font-size": _short(shape.size)}
            style |= {"text-anchor": shape.anchor} if shape.anchor != "start" else {}
            style |= {"font-weight": "bold"} if shape.bold else {}
            return style | ({"font-style": "italic"} if shape.italic else {})
        case Group() if shape.dx or shape.dy:
            return {"transform": f"translate({_short(shape.dx)} {_short(shape.dy)})"}
    return {}


def _path(path: Path) -> str:
    """Return the commands of a path."""
    points = [f"{_short(x)},{_short(y)}" for x, y in path.points]
    return f"M{points[0]}{'C' if path.curved else 'L'}{' '.join(points[1:])}{'Z' if path.closed else ''}"


def _paint(element: ElementTree.Element, shape: Shape, theme: Theme, opacity: float) -> None:
    """Set colours as attributes, and as classes that the dark style sheet can change."""
    look, classes = shape.look, shape.role.split()
    fill = look.fill or (INK if isinstance(shape, Text) else None)
    if isinstance(shape, Text):
        element.text = visible(shape.text)
    for part, paint in (("fill", fill), ("stroke", look.stroke)):
        if paint is None:
            if part == "fill":
                element.set("fill", "none")
            continue
        element.set(part, paint.dark if theme == "dark" else paint.light)
        classes.append(f"{part}-{paint.name}")
        if opacity < 1:
            element.set(f"{part}-opacity", _short(opacity))
    if look.stroke:
        element.set("stroke-width", _short(look.width))
        if look.dash:
            element.set("stroke-dasharray", " ".join(map(_short, look.dash)))
    if classes:
        element.set("class", " ".join(classes))


def _paints(shapes: Iterable[Shape]) -> set[Paint]:
    """Return every paint in use, the page's and the text's included."""
    found = {PAPER, INK}
    waiting = list(shapes)
    while waiting:
        shape = waiting.pop()
        found |= {paint for paint in (shape.look.fill, shape.look.stroke) if paint}
        waiting.extend(shape.shapes if isinstance(shape, Group) else ())
    return found


def _short(value: float) -> str:
    """Write a coordinate with at most two decimals."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if value % 1 else str(int(value))


@cache
def _register_fonts() -> None:
    """Tell svglib and reportlab where the fonts are."""
    from svglib.fonts import register_font

    for (bold, italic), file in fonts.files().items():
        register_font(fonts.FAMILY, file, "bold" if bold else "normal", "italic" if italic else "normal")


_TAGS: dict[type[Shape], str] = {Circle: "circle", Rect: "rect", Path: "path", Text: "text", Group: "g"}
