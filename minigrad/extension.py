"""Adding a primitive of one's own, with its rule, checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .check import GradientMismatch, check_gradients
from .differences import largest
from .rules import NUMPY, REGISTRY, Elementwise, General, Linear, Primitive
from .rules.operands import as_array, numbers
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
    envelope: bool = False,
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
    envelope : bool
        Of a gate, for :mod:`minigrad.regions`: whether its margins are how far the winner leads over each of
        its pieces, as for a maximum, rather than boundaries that stay where they are on both sides.
    example : sequence of array_like, optional
        Arguments to check the rule at; needed unless it is elementwise.
    check : bool
        Compare the rule with differences, to the second order in both modes, and the classes with values.

    Raises
    ------
    GradientMismatch
        If the rule is wrong; then the primitive is not added.
    ValueError
        If no rule or two are given, not one per argument, an example is missing, the name or the ufunc
        belongs to the library, or the forward rule changes an argument or is not what `classes` say.

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
        "pattern": pattern, "margins": margins, "envelope": envelope,
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
            point = _example(added, example)
            _check_forward(added, [np.array(as_array(numbers(x))) for x in point])
            check_gradients(added, *point)
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


def _check_forward(added: Primitive, args: list[Any]) -> None:
    """Raise if the forward rule changes an argument, or depends on one otherwise than its class says."""
    kept = [x.copy() for x in args]
    added(*args)
    for k, (x, before) in enumerate(zip(args, kept, strict=True)):
        if not np.array_equal(x, before, equal_nan=x.dtype.kind == "f"):
            raise ValueError(
                f"primitive {added.name!r}: the forward rule changes its argument {added.argument(k)}, "
                f"which belongs to the caller; let it write to a copy"
            )
    floats = [k for k, x in enumerate(args) if x.dtype.kind == "f" and np.all(np.isinf(added.domain[k]))]
    if linear := [k for k in floats if added.class_of(k) == "linear"]:
        _check_linear(added, args, linear)
    for k in floats:
        if added.class_of(k) == "multilinear":
            _check_linear(added, args, [k])
        elif added.class_of(k) == "gate":
            _check_piecewise_linear(added, args, k)


def _check_linear(added: Primitive, args: Sequence[Any], places: Sequence[int]) -> None:
    """Compare f(x + y) with f(x) + f(y), all linear arguments jointly or a multilinear one alone."""
    rng = np.random.default_rng(0)
    others, sums = list(args), list(args)
    for k in places:
        others[k] = (rng.normal(size=args[k].shape) * largest(args[k])).astype(args[k].dtype)
        sums[k] = args[k] + others[k]
    together, one, other = (np.asarray(added(*x)) for x in (sums, args, others))
    if not _same(together, one + other, largest(one) + largest(other), 1e4):
        names = ", ".join(map(added.argument, places))
        raise ValueError(
            f"primitive {added.name!r} is declared {added.class_of(places[0])} in {names}, but f(x + y) "
            f'is not f(x) + f(y): declare it "smooth", or a "gate" where it is linear in pieces'
        )


def _check_piecewise_linear(added: Primitive, args: Sequence[Any], k: int) -> None:
    """Look for curvature nearby, in double precision, where a gate has none."""
    if args[k].dtype != np.float64:
        return
    step = 6e-6 * largest(args[k]) * np.random.default_rng(0).uniform(0.5, 1, args[k].shape)
    before, at, after = (
        np.asarray(added(*args[:k], args[k] + shift * step, *args[k + 1 :])) for shift in (-1, 0, 1)
    )
    if not _same(after - at, at - before, largest(at), 100):
        raise ValueError(
            f"primitive {added.name!r} is declared a gate in {added.argument(k)}, but is not linear around "
            f'the example: declare it "smooth", or give an example= away from kinks'
        )


def _same(x: Any, y: Any, size: float, roundings: float) -> bool:
    """Whether arrays are equal up to so many roundings of their size."""
    allowed = roundings * np.finfo(x.dtype).eps * size if x.dtype.kind == "f" else 0
    return bool(np.allclose(x, y, rtol=0, atol=allowed, equal_nan=True))
