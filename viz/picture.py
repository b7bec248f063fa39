"""A finished picture: it saves itself in any format, and shows itself in Jupyter and in the terminal."""

from __future__ import annotations

import html
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minigrad.files import write_whole
from viz import svg
from viz.scene import Scene
from viz.svg import Theme

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Picture:
    """
    A scene or a matplotlib figure, ready to be saved and shown.

    Parameters
    ----------
    drawing : Scene or matplotlib.figure.Figure
        What to show.
    text : str
        The same for the terminal; by default the title and the description.
    dot : str
        The same as DOT source, if it is a graph.
    data : object
        The figures behind it, JSON-friendly.
    title, description : str
        What a matplotlib figure shows, for those who don't see it; a scene has its own.

    Raises
    ------
    ValueError
        If a figure comes without title or description.

    Examples
    --------
    >>> from viz.scene import Circle
    >>> picture = Picture(Scene.around([Circle(0, 0, 9)], title="A circle", description="It is round."))
    >>> print(picture)
    A circle
    It is round.
    >>> picture.formats
    ('svg', 'png', 'pdf', 'html', 'txt')
    """

    def __init__(
        self,
        drawing: Scene | Figure,
        *,
        text: str = "",
        dot: str = "",
        data: Any = None,
        title: str = "",
        description: str = "",
    ) -> None:
        if not isinstance(drawing, Scene) and not (title and description):
            raise ValueError("a matplotlib figure needs title= and description=, for those who don't see it")
        self.drawing = drawing
        self.title = drawing.title if isinstance(drawing, Scene) else title
        self.description = drawing.description if isinstance(drawing, Scene) else description
        self.text = text or f"{self.title}\n{self.description}"
        self.dot = dot
        self.data = data

    @property
    def formats(self) -> tuple[str, ...]:
        """The suffixes that `save` knows for this picture."""
        return tuple(self._writers())

    def save(self, path: str | os.PathLike[str]) -> Path:
        """
        Write the picture to a file, whole or not at all, in the format that the suffix names.

        Parameters
        ----------
        path : path-like
            Where to, e.g. ``"graph.svg"``; its folder must exist.

        Returns
        -------
        pathlib.Path
            The path that was written.

        Raises
        ------
        ValueError
            If the suffix names no format of this picture.
        FileNotFoundError
            If the folder does not exist.
        """
        target = Path(path)
        writers = self._writers()
        suffix = target.suffix.removeprefix(".").lower()
        if suffix not in writers:
            possible = ", ".join(f".{name}" for name in writers)
            raise ValueError(f"cannot save a picture as {target.name!r}: its suffix can be {possible}")
        if not target.parent.is_dir():
            raise FileNotFoundError(f"cannot save {target.name!r}: there is no folder {str(target.parent)!r}")
        return write_whole(target, writers[suffix]())

    def svg(self, theme: Theme = "auto", name: str = "") -> str:
        """Return it as one self-contained ``<svg>`` element; the parameters are those of `svg.to_svg`."""
        if isinstance(self.drawing, Scene):
            return svg.to_svg(self.drawing, theme, name)
        from viz.plots import figure_svg

        return figure_svg(self.drawing, self.title, self.description, theme, name)

    def png(self, scale: float = 2.0, theme: Theme = "light") -> bytes:
        """Return it as PNG, ``scale`` pixels for each of the SVG's, 0.1 to 10."""
        if not 0.1 <= scale <= 10:
            raise ValueError(f"a PNG's scale goes from 0.1 to 10, but got {scale!r}; SVG has no limit")
        return svg.to_png(self.svg(theme), scale)

    def pdf(self) -> bytes:
        """Return it as PDF, light."""
        if isinstance(self.drawing, Scene):
            return svg.to_pdf(self.svg("light"))
        from viz.plots import figure_pdf

        return figure_pdf(self.drawing, self.title)

    def html(self) -> str:
        """Return it as one HTML file that fetches nothing."""
        title, description = (html.escape(svg.legal(text)) for text in (self.title, self.description))
        return _PAGE.format(title=title, description=description, svg=self.svg())

    def _writers(self) -> dict[str, Callable[[], bytes | str]]:
        """Return what this picture can be written as, by suffix."""
        writers: dict[str, Callable[[], bytes | str]] = {
            "svg": self.svg, "png": self.png, "pdf": self.pdf, "html": self.html,
        }  # fmt: skip
        if self.dot:
            writers["dot"] = lambda: self.dot
        if self.data is not None:
            writers["json"] = lambda: json.dumps(self.data, indent=1, allow_nan=False) + "\n"
        writers["txt"] = lambda: self.text.rstrip("\n") + "\n"
        return writers

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<Picture: {self.title}>"

    def _repr_svg_(self) -> str:
        return self.svg()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"image/svg+xml": self.svg(), "text/plain": self.text}


_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
body {{ margin: 0; padding: 16px; background: #ffffff; font: 16px/1.5 system-ui, sans-serif; }}
figure {{ margin: 0 auto; width: fit-content; max-width: 100%; }}
figcaption {{ max-width: 60em; color: #59626e; }}
@media (prefers-color-scheme: dark) {{
  body {{ background: #14171c; }}
  figcaption {{ color: #a6afbb; }}
}}
</style>
</head>
<body>
<main>
<figure>
{svg}
<figcaption><details><summary>The picture in words</summary>{description}</details></figcaption>
</figure>
</main>
</body>
</html>
"""
