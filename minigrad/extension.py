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
    pattern: Rule | None = None,
    margins: Rule | None = None,
    example: Sequence[Any] | None = None,
    check: bool = True,
) -> Any:
    """
    Add a primitive with its derivative rule; as a function, or as a decorator of the forward rule.

    One of three kinds, by which rule is given. Rules are written in NumPy's functions and operators, so that
    they can be differentiated in turn. Where ``forward`` is a ufunc, of SciPy for example, it records from
    then on when it is called with a Tensor. A primitive may be added again, as when a notebook's cell is run
    again; the library's own can't be replaced.

    Parameters
    ----------
    forward : callable
        ``forward(*arrays, **options)`` gives an array; or a ufunc.
    partials : sequence, one per argument
        Elementwise: each ``partial(out, *arrays)``, or a number.
    transposes : sequence of callables, one per argument
        Linear in each argument: each ``transpose(g, *arrays)``; the forward mode is ``forward`` itself.
    vjps, jvps : sequences of callables, one per argument
        Any other: each ``vjp(g, out, *arrays)`` and ``jvp(t, out, *arrays)``.
    name, formula, source, symbol : str
        What errors and pictures call it; the name is ``forward.__name__`` by default.
    classes : str or sequence of str, optional
        How it depends on each argument: ``smooth``, ``linear``, ``multilinear``, ``gate``, ``constant``; see
        :class:`minigrad.rules.Primitive`. By default ``smooth``, and ``linear`` or ``multilinear`` for
        transposes.
    domain : sequence of (float, float), optional
        Open interval of each argument on which the rule holds.
    kinks : mapping, optional
        Places without a derivative, and what the rule says there.
    pattern, margins : callables, optional
        Of a gate, for :func:`minigrad.thin`: which piece it follows, ``pattern(*arrays)``, and the boundaries
        of that piece, ``margins(pattern, *arrays)``, in one more axis.
    example : sequence of array_like, optional
        Arguments to check the rule at; needed unless it is elementwise.
    check : bool
        Compare the rule with differences, to the second order in both modes.

    Raises
    ------
    GradientMismatch
        If the rule is wrong; then the primitive is not added.
    ValueError
        If no rule or two are given, not one per argument, an example is missing, or the name or the ufunc
        belongs to the library.

    Examples
    --------
    >>> import numpy as np, minigrad as mg
    >>> @mg.primitive(partials=[lambda out, x: np.cos(x) * out], formula="exp(sin x)")
    ... def wave(x):
    ...     return np.exp(np.sin(x))
    >>> mg.grad(wave)(0.0)
    array(1.)

    A ufunc of SciPy:

    >>> from scipy.special import erf
    >>> erf = mg.primitive(erf, partials=[lambda out, x: 2 / np.sqrt(np.pi) * np.exp(-x * x)])
    >>> mg.grad(lambda x: erf(2 * x))(0.0).round(3)
    np.float64(2.257)
    """
    if forward is None:
        given = {key: value for key, value in locals().items() if key != "forward"}
        return lambda function: primitive(function, **given)
    name = name or getattr(forward, "__name__", "<lambda>")
    if name == "<lambda>":
        raise ValueError("a primitive needs a name: pass name=, or define its forward rule with def")
    rules = _rules(name, partials=partials, transposes=transposes, vjps=vjps, jvps=jvps)
    if classes is None:
        classes = "smooth" if transposes is None else "linear" if len(rules) == 1 else "multilinear"
    metadata: dict[str, Any] = {
        "formula": formula or name, "source": source, "symbol": symbol, "domain": domain, "kinks": kinks,
        "classes": (classes,) * len(rules) if isinstance(classes, str) else classes,
        "pattern": pattern, "margins": margins,
    }  # fmt: skip
    before = REGISTRY.get(name)
    replaced = {key: known for key, known in list(NUMPY.items()) if known is before or key is forward}
    try:
        _make_room(name, forward, before, replaced)
        added: Primitive
        if partials is not None:
            added = Elementwise(name, forward, *rules, **metadata)
        elif transposes is not None:
            added = Linear(name, forward, *rules, **metadata)
        else:
            added = General(name, forward, vjps=rules, jvps=jvps or (), **metadata)
        takes = forward.nin if isinstance(forward, np.ufunc) else len(added.arguments)
        if not len(rules) == len(added.classes) == takes:
            raise ValueError(
                f"primitive {name!r} has {len(rules)} rules and {len(added.classes)} classes, but its "
                f"forward rule takes {takes} arrays; each needs one"
            )
        if check:
            check_gradients(added, *_example(added, example))
    except BaseException as error:
        _put_back(name, forward, before, replaced)
        if isinstance(error, GradientMismatch):
            raise GradientMismatch(f"primitive {name!r} was not added: {error}") from None
        raise
    added.added = True
    return added


def _rules(name: str, **rules: Sequence[Any] | None) -> Sequence[Any]:
    """Return the rules of the one kind that was given, one per argument."""
    given = [kind for kind, rule in rules.items() if rule is not None]
    if given not in (["partials"], ["transposes"], ["vjps", "jvps"]):
        raise ValueError(
            f"primitive {name!r} needs one kind of rule: partials=[...] if it is elementwise, "
            f"transposes=[...] if it is linear in each argument, else vjps=[...] and jvps=[...]; "
            f"it was given {' and '.join(given) or 'none'}"
        )
    counts = [len(rules[kind] or ()) for kind in given]
    if len(set(counts)) > 1 or not counts[0]:
        raise ValueError(
            f"primitive {name!r} has {' and '.join(map(str, counts))} {' and '.join(given)}; "
            f"it needs one per argument"
        )
    return rules[given[0]] or ()


def _make_room(name: str, forward: Rule, before: Primitive | None, replaced: Mapping[Rule, Rule]) -> None:
    """Take out what the user added before under this name; the library's own stays."""
    if forward in replaced and not getattr(replaced[forward], "added", False):
        raise ValueError(f"{forward.__name__} has its rule already: call it with Tensors")
    if before is not None and before.added:
        del REGISTRY[name]
        for function in [function for function, known in replaced.items() if known is before]:
            del NUMPY[function]


def _put_back(name: str, forward: Rule, before: Primitive | None, replaced: Mapping[Rule, Rule]) -> None:
    """Undo an addition, key by key: other threads go on to compute with all the others."""
    if before is None:
        REGISTRY.pop(name, None)
    else:
        REGISTRY[name] = before
    if forward not in replaced:
        NUMPY.pop(forward, None)
    NUMPY.update(replaced)


def _example(added: Primitive, example: Sequence[Any] | None) -> list[Any]:
    """Return where to check: the user's arguments, or for an elementwise one arrays that broadcast."""
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
        if np.isinf(low):
            low = min(-2.0, high - 2)
        if np.isinf(high):
            high = max(2.0, low + 2)
        edge = 0.1 * (high - low)
        found.append(rng.uniform(low + edge, high - edge, size=(2, 3) if k % 2 == 0 else (3,)))
    return found
