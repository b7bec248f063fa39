"""Self-contained HTML pages: one file, which opens from disk and fetches nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from viz.demo import Settings, Trained


def demo_page(
    results: Sequence[Trained],
    labels: Sequence[int],
    pictures: Mapping[str, str],
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
        SVG, by the names that their files have.
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

    from viz.demo import DEPTH, WIDTH, file_name

    return _render(
        "demo.html",
        results=results,
        labels=labels,
        pictures={name: Markup(svg) for name, svg in pictures.items()},
        table=table,
        settings=settings,
        files=[file_name(result.name) for result in results],
        about_gradients=_about_gradients(results),
        about_network=[_about_network(result) for result in results],
        depth=DEPTH,
        width=WIDTH,
    )


def _about_gradients(results: Sequence[Trained]) -> str:
    """Say what the strips show, from the figures themselves."""
    said = []
    for result in results:
        ratio = result.gradient_ratio
        if ratio < 0.05:
            said.append(
                f"in the {result.name} network the gradient of the first layer is {1 / ratio:,.0f} times "
                f"smaller than that of the last: it has vanished on the way, and early layers hardly learn"
            )
        else:
            said.append(f"in the {result.name} network it is {ratio:.2g} times that of the last")
    text = "; ".join(said) + "."
    return text[0].upper() + text[1:]


def _about_network(result: Trained) -> str:
    """Say what the network's own picture shows, from its figures."""
    if not result.thins:
        return (
            f"Every neuron answers a little to everything, so none can be taken away: a {result.name} is "
            f"smooth, and this network has no thin linear network. It gets {result.accuracy['test']:.0%} of "
            f"the test digits right; guessing gives about 10 %."
        )
    thin = result.thins[0]
    if any(layer.groups for layer in thin.layers):
        left = f"Of {thin.total} linear pieces {thin.kept} have won for this digit, one in every group"
    else:
        left = f"{thin.kept} of {thin.total} neurons are left for this digit"
    return (
        f"{left}; the rest is faded in place. Without it the network gives the very same output for this "
        f"digit. Choose another digit: other neurons are left, so it is another linear network."
    )


def _render(template: str, **content: Any) -> str:
    """Fill a template, escaping everything that is not markup."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("viz", "page"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template(template).render(**content)
