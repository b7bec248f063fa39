"""Self-contained HTML pages: one file, which opens from disk and fetches nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from viz.demo import Settings, Trained
    from viz.picture import Picture


def demo_page(
    results: Sequence[Trained],
    labels: Sequence[int],
    pictures: Mapping[str, Picture],
    table: tuple[list[str], list[list[str]]],
    settings: Settings,
) -> str:
    """
    Return the page of ``minigrad demo``.

    Parameters
    ----------
    results : sequence of Trained
        The networks that are compared.
    labels : sequence of int
        What the shown test digits really are.
    pictures : mapping
        By the names that their files have.
    table : (header, rows)
        The comparison, as text.
    settings : Settings
        What the run was started with.

    Returns
    -------
    str
        HTML with styles and pictures inside.
    """
    from markupsafe import Markup

    drawn = {name: Markup(picture.svg(name=name)) for name, picture in pictures.items()}
    return _render(
        "demo.html", results=results, labels=labels, pictures=drawn, table=table, settings=settings
    )


def _render(template: str, **content: Any) -> str:
    """Fill a template, escaping everything that is not markup."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("viz", "page"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template(template).render(**content)
