"""Pictures of computation graphs, networks, thin linear networks and training, and the command line."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from viz.picture import Picture

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Picture", "draw"]

# What can be drawn: the type's full name -> the function that draws it, imported when it is needed.
_PICTURES = {
    "minigrad.value.Value": "viz.graphs.draw_graph",
    "minigrad.tensor.Tensor": "viz.graphs.draw_graph",
    "minigrad.tracing.Graph": "viz.graphs.draw_graph",
    "minigrad.nn.module.Module": "viz.networks.draw_network",
    "minigrad.thin.network.ThinNetwork": "viz.networks.draw_thin",
    "minigrad.regions.line.Line": "viz.regions.draw_line",
    "minigrad.regions.plane.Plane": "viz.regions.draw_plane",
    "minigrad.training.history.History": "viz.gradients.draw_history",
    "minigrad.covering.dataset.Coverage": "viz.coverage.draw_coverage",
    "minigrad.ensembles.ensemble.DropoutEnsemble": "viz.ensembles.draw_ensemble",
    "minigrad.ensembles.comparison.EnsembleComparison": "viz.ensembles.draw_comparison",
    "minigrad.compilation.program.Program": "viz.programs.draw_program",
    "minigrad.compilation.compiled.Compiled": "viz.programs.draw_compiled",
}


def draw(anything: object, /, *args: Any, **options: Any) -> Picture:
    """
    Draw a graph, a network, a thin linear network, regions, coverage, dropout, a training or a program.

    Parameters
    ----------
    anything : object
        What to draw: Value, Tensor, Graph, Module, ThinNetwork, Line, Plane, Coverage, DropoutEnsemble,
        EnsembleComparison, History, Compiled or Program.
    *args, **options
        What the picture of that type takes; see `viz.graphs.draw_graph`, `viz.networks.draw_network`,
        `viz.networks.draw_thin`, `viz.regions.draw_line`, `viz.regions.draw_plane`,
        `viz.coverage.draw_coverage`, `viz.ensembles.draw_ensemble`, `viz.ensembles.draw_comparison`,
        `viz.gradients.draw_history`, `viz.programs.draw_compiled` and `viz.programs.draw_program`.

    Returns
    -------
    Picture
        It shows itself in Jupyter, prints as text, and has ``save("x.svg|png|pdf|html|...")``.

    Raises
    ------
    TypeError
        If there is no picture of such a thing; the message lists what can be drawn.

    Examples
    --------
    >>> import minigrad as mg
    >>> a = mg.Value(3.0, label="a")
    >>> draw(a * a)
    <Picture: Computation graph>
    """
    return _painter(type(anything))(anything, *args, **options)


def _painter(kind: type) -> Callable[..., Picture]:
    """Find the function that draws a type, or one that it is derived from."""
    for base in kind.__mro__:
        if place := _PICTURES.get(f"{base.__module__}.{base.__qualname__}"):
            module, _, name = place.rpartition(".")
            painter: Callable[..., Picture] = getattr(import_module(module), name)
            return painter
    possible = ", ".join(sorted(name.rpartition(".")[2] for name in _PICTURES))
    raise TypeError(f"viz.draw cannot draw {kind.__name__}; it can draw {possible}")
