"""Checks of derivatives that know nothing of the rules: differences, inner products, perturbed gradients."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

import minigrad as mg
from minigrad.rules import NUMPY, REGISTRY, Primitive

from .strategies import Sample, tensors_of

Arrays = Sequence[np.ndarray]


def central_difference(f: Any, args: Arrays, tangents: Arrays, step: float = 1e-6) -> np.ndarray:
    """Derivative of ``f`` in a direction, from two more values of it."""
    ahead = f(*(a + step * t for a, t in zip(args, tangents, strict=True)))
    behind = f(*(a - step * t for a, t in zip(args, tangents, strict=True)))
    return (np.asarray(ahead) - np.asarray(behind)) / (2 * step)


def inner(left: Arrays, right: Arrays) -> float:
    """Sum of the products of all entries."""
    return float(sum(np.sum(a * b) for a, b in zip(left, right, strict=True)))


def gradients(sample: Sample, cotangent: np.ndarray, dtype: Any = np.float64) -> list[np.ndarray]:
    """What backward gives for every wanted argument."""
    leaves = tensors_of(sample, dtype)
    sample(*leaves).backward(gradient=cotangent)
    return [leaf.grad for leaf in leaves if leaf.requires_grad]


def of_wanted(sample: Sample) -> tuple[Any, list[np.ndarray]]:
    """The sample as a function of the arguments that are differentiated, and these."""
    wanted = [k for k, w in enumerate(sample.wanted) if w]

    def f(*given: Any) -> Any:
        args = list(sample.args)
        for k, x in zip(wanted, given, strict=True):
            args[k] = x
        return sample(*args)

    return f, [sample.args[k] for k in wanted]


def check_first_order(sample: Sample, rng: np.random.Generator) -> None:
    """Backward and forward mode against central differences, and against each other."""
    out = np.asarray(sample(*sample.args))
    tangents = [rng.normal(size=a.shape) * w for a, w in zip(sample.args, sample.wanted, strict=True)]
    cotangent = rng.normal(size=out.shape)
    expected = central_difference(sample, sample.args, tangents)

    wanted = [k for k, w in enumerate(sample.wanted) if w]
    grads = gradients(sample, cotangent)
    close(inner(grads, [tangents[k] for k in wanted]), inner([cotangent], [expected]), "backward")

    f, args = of_wanted(sample)
    value, forward = mg.jvp(f, args, [tangents[k] for k in wanted])
    close(value, out, "value")
    close(forward, expected, "forward")
    assert forward.shape == out.shape
    np.testing.assert_allclose(
        inner([cotangent], [forward]), inner(grads, [tangents[k] for k in wanted]), rtol=1e-9, atol=1e-9
    )


def check_second_order(sample: Sample, rng: np.random.Generator) -> None:
    """
    The derivative of the gradient against its differences: by a second backward pass, and by transforms.

    These in all other combinations: forwards over backwards, backwards over forwards, forwards twice.
    """
    out = np.asarray(sample(*sample.args))
    wanted = [k for k, w in enumerate(sample.wanted) if w]
    cotangent = rng.normal(size=out.shape)
    weights = [rng.normal(size=sample.args[k].shape) for k in wanted]
    direction = [rng.normal(size=a.shape) * w for a, w in zip(sample.args, sample.wanted, strict=True)]

    def weighed_gradient(*args: np.ndarray) -> float:
        return inner(gradients(sample.with_args(list(args)), cotangent), weights)

    expected = float(central_difference(weighed_gradient, sample.args, direction))

    leaves = tensors_of(sample)
    sample(*leaves).backward(gradient=cotangent, create_graph=True)
    firsts = [leaf.grad for leaf in leaves if leaf.requires_grad]
    for leaf in leaves:
        leaf.grad = None
    total = sum((g * w).sum() for g, w in zip(firsts, weights, strict=True))
    seconds = [np.zeros(leaf.shape) for leaf in leaves]
    if total.requires_grad:
        total.backward()
        seconds = [z if leaf.grad is None else leaf.grad for z, leaf in zip(seconds, leaves, strict=True)]
    close(inner(seconds, direction), expected, "second order")

    f, args = of_wanted(sample)
    direction = [direction[k] for k in wanted]
    every = list(range(len(args)))

    def weighed(*xs: Any) -> Any:
        return np.sum(f(*xs) * cotangent)

    def along(*xs: Any) -> Any:
        return mg.jvp(weighed, xs, weights)[1]

    _, moved = mg.jvp(mg.grad(weighed, every), args, direction)
    close(inner(moved, weights), expected, "forwards over backwards")
    close(inner(mg.grad(along, every)(*args), direction), expected, "backwards over forwards")
    close(mg.jvp(along, args, direction)[1], expected, "forwards twice")


def check_hygiene(sample: Sample, rng: np.random.Generator, dtype: Any) -> None:
    """Shapes, dtypes, and memory: nothing is changed, nothing is shared, at leaves or between."""
    _check_hygiene_between(sample, rng, dtype)
    leaves = tensors_of(sample, dtype)
    before = [leaf.data.copy() for leaf in leaves]
    out = sample(*leaves)
    cotangent = rng.normal(size=out.shape).astype(out.dtype)
    given = cotangent.copy()
    out.backward(gradient=cotangent)
    wanted = [leaf for leaf in leaves if leaf.requires_grad]
    assert not any(leaf.grad is not None for leaf in leaves if not leaf.requires_grad)
    for leaf in wanted:
        assert isinstance(leaf.grad, np.ndarray)
        assert leaf.grad.shape == leaf.shape
        assert leaf.grad.dtype == leaf.dtype == dtype
        assert leaf.grad.flags.writeable
    for leaf, old in zip(leaves, before, strict=True):
        np.testing.assert_array_equal(leaf.data, old)
    np.testing.assert_array_equal(cotangent, given)
    check_own_memory([leaf.grad for leaf in wanted], [leaf.data for leaf in leaves] + [cotangent, out.data])


def _check_hygiene_between(sample: Sample, rng: np.random.Generator, dtype: Any) -> None:
    """The same of the gradients that retain_graph keeps, and of those that create_graph records."""
    leaves = tensors_of(sample, dtype)
    between = [leaf * 1 for leaf in leaves]
    out = sample(*between)
    cotangent = rng.normal(size=out.shape).astype(out.dtype)
    out.backward(gradient=cotangent, retain_graph=True)
    held = [t for t in (*between, *leaves, out) if t.requires_grad]
    check_own_memory([t.grad for t in held], [t.data for t in held] + [cotangent])
    for leaf in leaves:
        leaf.grad = None
    out.backward(gradient=cotangent, create_graph=True)
    wanted = [leaf for leaf in leaves if leaf.requires_grad]
    check_own_memory([leaf.grad.data for leaf in wanted], [t.data for t in held] + [cotangent])
    for leaf in leaves:
        leaf.grad = None


def check_own_memory(arrays: list[Any], others: list[Any]) -> None:
    """Each array is its own, and may be written to."""
    for k, array in enumerate(arrays):
        assert array.flags.writeable
        assert not any(np.shares_memory(array, other) for other in arrays[:k] + others)


def close(actual: Any, expected: Any, what: str) -> None:
    """Agreement to the accuracy of differences."""
    np.testing.assert_allclose(actual, expected, rtol=2e-5, atol=2e-6, err_msg=what)


@contextmanager
def registered(make: Any) -> Iterator[Primitive]:
    """A primitive that is in the registry for as long as a test needs it."""
    before, functions = dict(REGISTRY), dict(NUMPY)
    try:
        yield make()
    finally:
        for table, old in ((REGISTRY, before), (NUMPY, functions)):
            table.clear()
            table.update(old)
