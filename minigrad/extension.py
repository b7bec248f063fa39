"""Adding a primitive of one's own, with its rule, checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .check import GradientMismatch, check_gradients
from .rules import NUMPY, REGISTRY, Elementwise, General, Linear, Primitive
from .rules.primitive import Interval, Rule


def primitive(
    forward: Rule | None = None,
    *,
    partials: Sequence[Rule | float] | None = None,
    transposes: Sequence[Rule] | None = None,
    vjps: Sequence[Rule] | None = None,
    jvps: Sequence[Rule] | None = None,
    name: str = "",
    formula: str = "",
    source: str = "added by the user",
    symbol: str = "",
    classes: str | Sequence[str] | None = None,
    domain: Sequence[Interval] | None = None,
    kinks: Mapping[float | str, str] | None = None,
    example: Sequence[Any] | None = None,
    check: bool = True,
) -> Any:
    """
    Add a primitive with its derivative rule; as a function, or as a decorator of the forward rule.

    One of three kinds, by which rule is given. Rules are written in NumPy's functions and operators, so that
    they can be differentiated in turn. Where ``forward`` is a ufunc, of SciPy for example, it records from then
    on when it is called with a Tensor.

    Parameters
    ----------
    forward : callable
        ``forward(*arrays)`` gives an array, or a ufunc.
    partials : sequence, one per argument
        Elementwise: each ``partial(out, *arrays)``, or a number.
    transposes : sequence of callables, one per argument
        Linear in each argument: each ``transpose(g, *arrays)``; the forward mode is ``forward`` itself.
    vjps, jvps : sequences of callables, one per argument
        Any other: each ``vjp(g, out, *arrays)`` and ``jvp(t, out, *arrays)``.
    name, formula, source, symbol : str
        What errors and pictures call it; the name is ``forward.__name__`` by default.
    classes : str or sequence of str, optional
        How it depends on each argument; see :class:`minigrad.rules.Primitive`. By default ``smooth``, and
        ``linear`` or ``multilinear`` for transposes.
    domain : sequence of (float, float), optional
        Open interval of each argument on which the rule holds.
    kinks : mapping, optional
        Places without a derivative, and what the rule says there.
    example : sequence of array_like, optional
        Arguments to check the rule at; needed unless it is elementwise.
    check : bool
        Compare the rule with differences, to the second order in both modes.

    Raises
    ------
    GradientMismatch
        If the rule is wrong; then the primitive is not added.
    ValueError
        If no rule or two are given, an example is missing, or the name is taken by the library.

    Examples
    --------
    >>> import numpy as np, minigrad as mg
    >>> @mg.primitive(partials=[lambda out, x: np.cos(x) * out], formula="exp(sin x)")
    ... def wave(x):
    ...     return np.exp(np.sin(x))
    >>> mg.grad(wave)(0.0)
    array(1.)
    """
    if forward is None:
        given = {key: value for key, value in locals().items() if key != "forward"}
        return lambda function: primitive(function, **given)
    name = name or getattr(forward, "__name__", "")
    rules = {"partials": partials, "transposes": transposes, "vjps and jvps": vjps or jvps}
    kinds = [kind for kind, rule in rules.items() if rule is not None]
    if len(kinds) != 1 or (vjps is None) != (jvps is None):
        raise ValueError(
            f"primitive {name!r} needs one kind of rule: partials=[...] if it is elementwise, transposes=[...] "
            f"if it is linear in each argument, else vjps=[...] and jvps=[...]; "
            f"it was given {' and '.join(kinds) or 'none'}"
        )
    rule = partials or transposes or vjps or ()
    many = len(rule)
    usual = "smooth" if transposes is None else "linear" if many == 1 else "multilinear"
    metadata: dict[str, Any] = {
        "formula": formula or name, "source": source, "symbol": symbol, "domain": domain, "kinks": kinks,
        "classes": (usual,) * many if classes is None else classes,
    }  # fmt: skip
    before, functions = REGISTRY.get(name), dict(NUMPY)
    if getattr(before, "added", False):  # a notebook's cell that is run again
        del REGISTRY[name]
    try:
        added: Primitive
        if partials is not None:
            added = Elementwise(name, forward, *partials, **metadata)
        elif transposes is not None:
            added = Linear(name, forward, *transposes, **metadata)
        else:
            added = General(name, forward, vjps=vjps or (), jvps=jvps or (), **metadata)
        if check:
            check_gradients(added, *_example(added, example))
    except BaseException as error:
        _restore(name, before, functions)
        if isinstance(error, GradientMismatch):
            raise GradientMismatch(f"primitive {name!r} was not added: {error}") from None
        raise
    added.added = True
    return added


def _example(added: Primitive, example: Sequence[Any] | None) -> list[Any]:
    """Return where to check: the user's arguments, or for an elementwise one two arrays that broadcast."""
    if example is not None:
        return [np.array(x, dtype=float) if isinstance(x, (int, float)) else x for x in example]
    if not isinstance(added, Elementwise):
        raise ValueError(
            f"primitive {added.name!r} is not elementwise: give arguments to check it at, "
            f"example=[np.ones((2, 3)), ...], or check=False"
        )
    rng = np.random.default_rng(0)
    found = []
    for k, (low, high) in enumerate(added.domain):
        low, high = max(low, -2.0) + 0.1, min(high, 2.0) - 0.1
        found.append(rng.uniform(min(low, high - 0.1), high, size=(2, 3) if k % 2 == 0 else (3,)))
    return found


def _restore(name: str, before: Primitive | None, functions: dict[Any, Any]) -> None:
    REGISTRY.pop(name, None)
    if before is not None:
        REGISTRY[name] = before
    NUMPY.clear()
    NUMPY.update(functions)
