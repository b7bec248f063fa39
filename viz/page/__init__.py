"""Self-contained HTML pages: one file, which opens from disk and fetches nothing."""

from __future__ import annotations

from typing import Any


def render(template: str, **content: Any) -> str:
    """
    Fill a template of this folder, escaping everything that is not ``markupsafe.Markup``.

    Parameters
    ----------
    template : str
        File name.
    **content
        What the template names; a missing name is an error.

    Returns
    -------
    str
        HTML with styles and pictures inside.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("viz", "page"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template(template).render(**content)
