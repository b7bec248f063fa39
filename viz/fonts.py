"""The fonts of every picture: matplotlib's own DejaVu files, so that a bare machine draws the same text."""

from __future__ import annotations

import unicodedata
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

FAMILY = "DejaVu Sans"
FALLBACKS = "Verdana, Geneva, sans-serif"  # in a browser without DejaVu; Verdana has nearly its widths


@cache
def files() -> dict[tuple[bool, bool], str]:
    """
    Return the font files by (bold, italic).

    Examples
    --------
    >>> Path(files()[True, False]).name
    'DejaVuSans-Bold.ttf'
    """
    spec = find_spec("matplotlib")  # finds the folder without paying for the import
    if spec is None or not spec.submodule_search_locations:
        raise ImportError("viz measures and draws text with matplotlib's fonts: pip install matplotlib")
    folder = Path(spec.submodule_search_locations[0]) / "mpl-data" / "fonts" / "ttf"
    names = {(False, False): "Sans", (True, False): "Sans-Bold"}
    names |= {(False, True): "Sans-Oblique", (True, True): "Sans-BoldOblique"}
    return {style: str(folder / f"DejaVu{name}.ttf") for style, name in names.items()}


def width(text: str, size: float, bold: bool = False) -> float:
    """
    Return how wide one line of text is, in pixels.

    Examples
    --------
    >>> width("", 12), width("ii", 12) < width("mm", 12) < width("mm", 12, bold=True)
    (0.0, True)
    """
    return size * _ems(text, bold)


def shorten(text: str, room: float, size: float, bold: bool = False) -> str:
    """
    Return the text, cut with an ellipsis where it is wider than the room.

    Examples
    --------
    >>> shorten("weight", 100, 12), shorten("a very long label", 60, 12)
    ('weight', 'a very l…')
    """
    if width(text, size, bold) <= room:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if width(text[:middle].rstrip() + "…", size, bold) <= room:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + "…"


def wrap(text: str, room: float, size: float, bold: bool = False) -> list[str]:
    """
    Break a text at its spaces into lines that fit the room; a word that is too long keeps a line of its own.

    Examples
    --------
    >>> wrap("one two three", 50, 12)
    ['one two', 'three']
    """
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and width(longer, size, bold) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def covered(text: str) -> bool:
    """Tell whether DejaVu has a glyph for every character; where it has not, the system's fonts must help."""
    return all(_has_glyph(character) for character in set(text))


@lru_cache(maxsize=20_000)
def _ems(text: str, bold: bool) -> float:
    """Return the width of a text at size 1."""
    if not text:
        return 0.0
    known = "".join(character if _has_glyph(character) else "" for character in text)
    missing = (character for character in text if not _has_glyph(character))
    extra = sum(1.0 if unicodedata.east_asian_width(character) in "WF" else 0.7 for character in missing)
    return _face(1000, bold).getlength(known) / 1000 + extra


@cache
def _face(size: int, bold: bool) -> FreeTypeFont:
    """Open a font; at 1000 pixels hinting no longer changes widths."""
    from PIL import ImageFont

    return ImageFont.truetype(files()[bold, False], size, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=5_000)
def _has_glyph(character: str) -> bool:
    """Tell whether DejaVu draws a character as something else than its box for missing ones."""
    if character.isascii() or character.isspace():
        return True
    face = _face(16, False)
    return bytes(face.getmask(character)) != bytes(face.getmask("\uffff"))
