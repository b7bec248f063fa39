"""Random programs on this engine and on a naive one, side by side: never a wrong number without an error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

import minigrad as mg
from minigrad import inplace, writes
from minigrad.rules import REGISTRY
from minigrad.rules.assignment import assign
from minigrad.rules.shaping import gather

from . import naive
from .naive import Var
from .strategies import indices

TOO_LARGE = 30.0
LATE = [0, 0, 0, 1, 1, 2, *range(12)]


@dataclass(eq=False)
class Memory:
    """What several Tensors may share: its entries in a row, as they are now."""

    var: Var
    leaf: Handle | None = None  # the leaf that requires a gradient and owns it
    version: int = 0


@dataclass(eq=False)
class Handle:
    """One Tensor of a program, the same in NumPy, and the places of its entries in its memory."""

    tensor: mg.Tensor
    array: np.ndarray
    memory: Memory
    places: np.ndarray
    constant: bool = False  # a view that derivatives do not go through
    seen: int = 0
    source: Var | None = None  # what it was taken from, if it is a view
    versions: list[Var] = field(default_factory=list)  # of a leaf: what was differentiated by
    gradient: np.ndarray | None = None
    _read: tuple[int, Var] | None = None

    def read(self) -> Var:
        """What the naive engine has for it."""
        if self._read is None or self._read[0] != self.memory.version:
            var = naive.take(self.memory.var, self.places)
            if self.source is not None:  # no derivative goes there, but the graph does, which may be freed
                none = Var(np.zeros_like(self.source.value))
                var = Var(var.value, (var, lambda g: g), (self.source, lambda g: none))
            self._read = (self.memory.version, Var(var.value) if self.constant else var)
        return self._read[1]

    @property
    def stale(self) -> bool:
        """Whether its memory was changed through another one."""
        return self.seen != self.memory.version


Unary = tuple[Callable[[Any], Any], Callable[[Var], Var]]
Binary = tuple[Callable[[Any, Any], Any], Callable[[Var, Var], Var]]


def softened(b: Var) -> Var:
    """1 / (2 + sin b)."""
    return naive.reciprocal(naive.add(Var(2), naive.sin(b)))


def larger(a: Var, b: Var) -> Var:
    """The larger one; those that are equal share the derivative."""
    first, second = (naive.where(mask, a, b) for mask in (a.value > b.value, a.value >= b.value))
    return naive.scale(naive.add(first, second), 0.5)


def cube(a: Var) -> Var:
    return naive.mul(a, naive.mul(a, a))


UNARY: dict[str, Unary] = {
    "sin": (np.sin, naive.sin),
    "tanh": (np.tanh, naive.tanh),
    "exp": (np.exp, naive.exp),
    "negative": (lambda x: -x, lambda a: naive.scale(a, -1)),
    "square": (np.square, lambda a: naive.mul(a, a)),
    "cube": (lambda x: x**3, cube),
    "positive part": (mg.relu, lambda a: naive.where(a.value > 0, a, Var(0))),
    "reciprocal": (lambda x: 1 / (x * x + 1), lambda a: naive.reciprocal(naive.add(naive.mul(a, a), Var(1)))),
}
BINARY: dict[str, Binary] = {
    "add": (lambda x, y: x + y, naive.add),
    "subtract": (lambda x, y: x - y, lambda a, b: naive.add(a, naive.scale(b, -1))),
    "multiply": (lambda x, y: x * y, naive.mul),
    "divide": (lambda x, y: x / (2 + np.sin(y)), lambda a, b: naive.mul(a, softened(b))),
    "choice": (lambda x, y: np.where(x > 0.1, x, y), lambda a, b: naive.where(a.value > 0.1, a, b)),
    "maximum": (np.maximum, larger),
}
IN_PLACE: dict[str, tuple[Callable[[Any, Any], Any], Callable[[Var, Var], Var]]] = {
    "+=": (lambda t, x: t.__iadd__(x), naive.add),
    "-=": (lambda t, x: t.__isub__(x), lambda a, b: naive.add(a, naive.scale(b, -1))),
    "*=": (lambda t, x: t.__imul__(x), naive.mul),
    "/=": (lambda t, x: t.__itruediv__(x), lambda a, b: naive.mul(a, naive.reciprocal(b))),
}
FUNCTIONS: dict[str, Unary] = {
    "x sin x": (lambda x: x * np.sin(x), lambda a: naive.mul(a, naive.sin(a))),
    "tanh of the sum": (lambda x: np.tanh(np.sum(x)) * x, lambda a: naive.mul(naive.tanh(naive.total(a)), a)),
    "turned": (lambda x: np.transpose(x) ** 2, lambda a: naive.move(naive.mul(a, a), np.transpose)),
}  # fmt: skip

# What an error may say, and when it is right to say it.
STALE = "changed through another one"
NEEDED = "changed in place since"
FREED = "was freed"
ON_LEAF = "on a leaf that requires a gradient"
IN_NO_GRAD = "inside no_grad() on a Tensor that was computed"
SHARED = "its memory is shared"


class Programs(RuleBasedStateMachine):
    """Everything happens three times: to Tensors, to arrays, and in the naive engine."""

    refused: ClassVar[set[str]] = set()
    compared: ClassVar[list[int]] = [0, 0]

    def __init__(self) -> None:
        super().__init__()
        self.handles: list[Handle] = []
        self.leaves: list[Handle] = []
        self.freed: set[Var] = set()
        self.recording = True
        self.changes = 0

    # Drawing

    def pick(self, data: Any, suits: Callable[[Handle], bool] = lambda handle: True) -> Handle | None:
        """One of those that suit, rather a late one."""
        suitable = [handle for handle in self.handles[::-1] if suits(handle)]
        return suitable[data.draw(st.sampled_from(LATE)) % len(suitable)] if suitable else None

    def numbers(self, data: Any, shape: Any) -> np.ndarray:
        rng = np.random.default_rng(data.draw(st.integers(0, 10**6)))
        return np.asarray(rng.uniform(0.4, 1.6, shape) * rng.choice([-1, 1], shape))

    def block(self) -> Any:
        return mg.enable_grad() if self.recording else mg.no_grad()

    # Keeping the books

    def make(self, array: Any, wants: bool) -> Handle:
        """A new leaf."""
        memory = Memory(Var(array.ravel()))
        handle = Handle(
            mg.tensor(array, requires_grad=wants), array.copy(), memory, naive.places_of(array.shape)
        )
        if wants:
            memory.leaf = handle
            handle.versions.append(memory.var)
            self.leaves.append(handle)
        self.handles.append(handle)
        return handle

    def refuse(self, error: Exception, *allowed: tuple[str, bool]) -> None:
        """An error must be one of those that are right here."""
        for words, right in allowed:
            if words in str(error):
                assert right, f"refused without a reason: {error}"
                Programs.refused.add(words)
                return
        raise error

    def apply(self, f: Any, g: Any, operands: list[Handle], source: Handle | None = None) -> None:
        """The same function on all three; ``source`` is what the result may be a view of."""
        array = f(*[handle.array for handle in operands])
        if not np.all(np.abs(array) < TOO_LARGE) or np.size(array) > 60:
            return None
        derivative = self.recording and any(handle.tensor.requires_grad for handle in operands)
        try:
            with self.block():
                tensor = f(*[handle.tensor for handle in operands])
        except mg.ChangedInPlaceError as error:
            stale = any(handle.stale and handle.tensor.requires_grad for handle in operands)
            return self.refuse(error, (STALE, derivative and stale))
        assert isinstance(tensor, mg.Tensor) and tensor.requires_grad == derivative
        array = array if isinstance(array, np.ndarray) else np.array(array)
        if source is not None and np.shares_memory(array, source.array):
            places = np.asarray(f(source.places))
            memory, constant = source.memory, source.constant or not self.recording
            handle = Handle(tensor, array, memory, places, constant, seen=source.seen, source=source.read())
            if not source.tensor.requires_grad:
                handle.seen = memory.version
        else:
            var = g(*[handle.read() for handle in operands])
            var = var if self.recording else Var(var.value)
            memory = Memory(naive.move(var, np.ravel))
            handle = Handle(tensor, array, memory, naive.places_of(array.shape))
        self.check(handle)
        self.handles = [*self.handles, handle][-12:]
        return None

    def check(self, handle: Handle) -> None:
        np.testing.assert_allclose(handle.tensor.data, handle.array, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(handle.read().value, handle.array, rtol=1e-9, atol=1e-9)

    # Programs

    @initialize(data=st.data())
    def start(self, data: Any) -> None:
        for shape in ((3,), (2, 3), ()):
            self.make(self.numbers(data, shape), wants=True)
        self.make(self.numbers(data, (3,)), wants=False)

    @rule(data=st.data(), shape=st.sampled_from([(), (3,), (2, 3), (2, 1)]), wants=st.booleans())
    @precondition(lambda self: len(self.handles) < 12)
    def a_new_leaf(self, data: Any, shape: Any, wants: bool) -> None:
        self.make(self.numbers(data, shape), wants)

    @rule(data=st.data(), name=st.sampled_from(sorted(UNARY)))
    def unary(self, data: Any, name: str) -> None:
        self.apply(*UNARY[name], [self.pick(data)])

    @rule(data=st.data(), name=st.sampled_from(sorted(BINARY)))
    def binary(self, data: Any, name: str) -> None:
        x = self.pick(data)

        def fits(handle: Handle) -> bool:
            pairs = zip(x.array.shape[::-1], handle.array.shape[::-1], strict=False)
            return all(m == n or 1 in (m, n) for m, n in pairs)

        self.apply(*BINARY[name], [x, self.pick(data, fits)])

    @rule(data=st.data(), keepdims=st.booleans(), mean=st.booleans())
    def reduce(self, data: Any, keepdims: bool, mean: bool) -> None:
        x = self.pick(data)
        axis = data.draw(st.sampled_from([None, *range(x.array.ndim)]))
        kept = tuple(1 if axis in (None, k) else n for k, n in enumerate(x.array.shape))
        shape = np.sum(x.array, axis=axis, keepdims=keepdims).shape
        factor = np.prod(kept) / max(x.array.size, 1) if mean else 1.0
        f = np.mean if mean else np.sum
        self.apply(
            lambda t: f(t, axis=axis, keepdims=keepdims),
            lambda a: naive.move(naive.scale(naive.fit(a, kept), factor), lambda p: p.reshape(shape)),
            [x],
        ) if x.array.size else None

    @rule(data=st.data())
    def largest(self, data: Any) -> None:
        x = self.pick(data, lambda handle: len(set(handle.array.ravel())) == handle.array.size > 0)
        if x is not None:
            self.apply(np.max, lambda a: naive.take(a, np.asarray(np.argmax(a.value))), [x])

    @rule(data=st.data())
    def product(self, data: Any) -> None:
        x = self.pick(data, lambda handle: handle.array.ndim == 2)
        y = self.pick(
            data, lambda handle: x and handle.array.ndim == 2 and len(handle.array) == x.array.shape[1]
        )
        if x is not None and y is not None:
            self.apply(lambda a, b: a @ b, naive.matmul, [x, y])

    @rule(data=st.data(), kind=st.sampled_from(["index", "reshape", "transpose", "spread", "new axis"]))
    def move(self, data: Any, kind: str) -> None:
        x = self.pick(data)
        index = data.draw(indices(x.array.shape))
        columns = data.draw(st.sampled_from([1, -1]))
        f: Any = {
            "index": lambda t: t[index],
            "reshape": lambda t: np.reshape(t, (columns, x.array.size // columns if columns > 0 else 1)),
            "transpose": np.transpose,
            "spread": lambda t: np.broadcast_to(t, (2, *x.array.shape)),
            "new axis": lambda t: np.expand_dims(t, 0),
        }[kind]
        if x.array.size and np.asarray(f(x.array)).size:
            self.apply(f, lambda a: naive.move(a, f), [x], source=x)

    @rule(data=st.data(), f=st.sampled_from([np.concatenate, np.stack]))
    def join(self, data: Any, f: Any) -> None:
        x = self.pick(data, lambda handle: handle.array.ndim > 0)
        y = x and self.pick(data, lambda handle: handle.array.shape == x.array.shape)
        if x is None or y is None:
            return
        self.apply(lambda *t: f(t), lambda *a: naive.join(a, f), [x, y])

    @rule(data=st.data())
    def detach(self, data: Any) -> None:
        x = self.pick(data)
        handle = Handle(x.tensor.detach(), x.array, x.memory, x.places, constant=True, seen=x.memory.version)
        self.handles.append(handle)

    @rule()
    def switch_recording(self) -> None:
        self.recording = not self.recording

    @rule(data=st.data(), name=st.sampled_from(sorted(FUNCTIONS)), forward=st.booleans())
    def transform(self, data: Any, name: str, forward: bool) -> None:
        f, g = FUNCTIONS[name]
        x = self.pick(data, lambda handle: handle.tensor.requires_grad)
        if x is None or not x.array.size:
            return
        w = self.numbers(data, x.array.shape if forward else np.shape(f(x.array)))

        def ours(t: Any) -> Any:
            if isinstance(t, np.ndarray):
                return expected.value
            derivative = mg.jvp(f, [t], [w])[1] if forward else mg.vjp(f, t)[1](w)[0]
            return derivative if self.recording else derivative.detach()

        def theirs(a: Var) -> Var:
            if forward:
                return naive.push(g, a, Var(w))
            inner = naive.same(a)
            return naive.pull(g(inner), Var(w))[inner]

        expected = theirs(Var(x.array))
        self.apply(ours, theirs, [x])

    # Changes in place

    def change(
        self, t: Handle, x: Handle, ours: Any, new: Any, places: Any, fits: Any, partly: bool = False
    ) -> None:
        """Change the entries of ``t`` at ``places`` to those of the naive ``new()``."""
        trial = t.array.copy()
        try:
            fits(trial)
        except ValueError:
            with pytest.raises((ValueError, RuntimeError)), self.block():
                ours()
            return
        if not np.all(np.abs(trial) < TOO_LARGE) or not t.array.flags.writeable:
            return
        wants = x.tensor.requires_grad
        derivative = self.recording and (t.tensor.requires_grad or wants)
        memory = t.memory
        var = new()
        try:
            with self.block():
                ours()
        except RuntimeError as error:
            if partly and not self.recording and np.array_equal(t.tensor.data, trial):
                fits(
                    t.array
                )  # Python has changed a constant view of t before it found that t can't be assigned to
                memory.version += 1
                self.changes += 1
                memory.var = naive.replace(memory.var, places, Var(var.value))
            else:
                np.testing.assert_array_equal(t.tensor.data, t.array)
            stale = (t.stale and t.tensor.requires_grad) or (wants and x.stale)
            self.refuse(
                error,
                (STALE, derivative and stale),
                (FREED, not self.freed.isdisjoint(naive.pull(t.read(), Var(np.zeros_like(t.array))))),
                (ON_LEAF, derivative and memory.leaf is not None),
                (IN_NO_GRAD, not self.recording and t.tensor.requires_grad and not t.tensor.is_leaf),
                (SHARED, derivative and not t.tensor.requires_grad),
            )
            return
        fits(t.array)
        memory.version += 1
        self.changes += 1
        t.seen = memory.version
        memory.var = naive.replace(memory.var, places, var if derivative else Var(var.value))
        if memory.leaf is not None and memory.leaf.tensor.requires_grad:
            assert not derivative
            memory.var = Var(memory.var.value)
            memory.leaf.versions.append(memory.var)
        if derivative:
            t.constant = False
        assert t.tensor.requires_grad == (derivative or (memory.leaf is t))
        self.check(t)
        for handle in self.handles:
            np.testing.assert_allclose(handle.tensor.data, handle.array, rtol=1e-12, atol=1e-12)

    @rule(data=st.data(), name=st.sampled_from(sorted(IN_PLACE)))
    def operator_in_place(self, data: Any, name: str) -> None:
        self.operate(name, self.pick(data), self.pick(data))

    @rule(data=st.data(), names=st.tuples(*[st.sampled_from(sorted(IN_PLACE))] * 2), view_first=st.booleans())
    def view_and_base_in_place(self, data: Any, names: Any, view_first: bool) -> None:
        base, x = self.pick(data, lambda handle: handle.array.ndim > 0), self.pick(data)
        if base is None:
            return
        first = lambda t: t[:1]  # noqa: E731
        self.apply(first, lambda a: naive.move(a, first), [base], source=base)
        both = [self.handles[-1], base] if view_first else [base, self.handles[-1]]
        for name, handle in zip(names, both, strict=True):
            self.operate(name, handle, x)

    def operate(self, name: str, t: Handle, x: Handle) -> None:
        f, g = IN_PLACE[name]
        if name == "/=" and not np.all(np.abs(x.array) > 0.3):
            return
        old = x.array.copy()
        self.change(
            t,
            x,
            lambda: f(t.tensor, x.tensor),
            lambda: g(t.read(), x.read()),
            t.places,
            lambda array: f(array, old),
        )

    @rule(data=st.data(), name=st.sampled_from(["=", *sorted(IN_PLACE)]), fill=st.booleans())
    def write_to_entries(self, data: Any, name: str, fill: bool) -> None:
        t = self.pick(data, lambda handle: handle.array.ndim > 0 and handle.array.size > 0)
        if t is None:
            return
        index = data.draw(indices(t.array.shape))
        place = t.array[index]
        if fill:
            x = self.make(self.numbers(data, np.shape(place)), wants=data.draw(st.booleans()))
            self.handles.pop()
        else:
            x = self.pick(data, lambda handle: handle.array.ndim <= np.ndim(place))
            if x is None:
                return
        old = x.array.copy()
        if name == "/=" and not np.all(np.abs(old) > 0.3):
            return

        def write(array: Any, value: Any) -> None:
            if name == "=":
                array[index] = value
            else:
                array[index] = IN_PLACE[name][0](array[index], value)

        def new() -> Var:
            value = (
                x.read()
                if name == "="
                else IN_PLACE[name][1](naive.move(t.read(), lambda p: p[index]), x.read())
            )
            shape = np.shape(place)
            value = naive.move(value, lambda p: p.reshape(p.shape[max(p.ndim - len(shape), 0) :]))
            return naive.take(naive.spread(value, shape), last)

        # where an entry is written to twice, the last write counts
        written = np.asarray(t.places[index]).ravel()
        last = np.array([np.flatnonzero(written == p)[-1] for p in np.unique(written)], dtype=int)
        if name != "=" and np.ndim(place) == 0:
            return  # Python adds to a number, not in place
        self.change(
            t,
            x,
            lambda: write(t.tensor, x.tensor),
            new,
            np.unique(written),
            lambda array: write(array, old),
            name != "=",
        )

    # Derivatives

    def loss(self, handle: Handle, w: np.ndarray) -> tuple[Any, Var] | None:
        try:
            ours = np.sum(handle.tensor * w)
        except mg.ChangedInPlaceError as error:
            self.refuse(error, (STALE, handle.stale))
            return None
        return ours, naive.total(naive.mul(handle.read(), Var(w)))

    def may_fail(self, error: Exception, found: dict[Var, Var]) -> None:
        self.refuse(error, (FREED, not self.freed.isdisjoint(found)), (NEEDED, self.changes > 0))

    @rule(data=st.data(), retain=st.booleans())
    def backward(self, data: Any, retain: bool) -> None:
        handle = self.pick(data, lambda handle: not handle.tensor.is_leaf)
        if handle is not None:
            self.differentiate(handle, self.numbers(data, handle.array.shape), retain)

    def differentiate(self, handle: Handle, w: np.ndarray, retain: bool) -> None:
        losses = self.loss(handle, w)
        if losses is None:
            return
        ours, theirs = losses
        found = naive.pull(theirs, Var(1))
        before = [leaf.tensor.grad for leaf in self.leaves]
        try:
            ours.backward(retain_graph=retain)
        except RuntimeError as error:
            self.may_fail(error, found)
            assert all(leaf.tensor.grad is old for leaf, old in zip(self.leaves, before, strict=True))
            self.freed.update(var for var in found if var.edges)
            return
        if not retain:
            self.freed.update(var for var in found if var.edges)
        Programs.compared[0] += 1
        for leaf in self.leaves:
            parts = [found[var].value for var in leaf.versions if var in found]
            if parts:
                g = sum(parts).reshape(leaf.array.shape)
                leaf.gradient = g if leaf.gradient is None else leaf.gradient + g
        self.compare_gradients()

    def compare_gradients(self) -> None:
        for leaf in self.leaves:
            expected = np.zeros(leaf.array.shape) if leaf.gradient is None else leaf.gradient
            actual = np.zeros(leaf.array.shape) if leaf.tensor.grad is None else leaf.tensor.grad
            scale = 1 + np.abs(expected).max(initial=0)
            np.testing.assert_allclose(actual / scale, expected / scale, rtol=1e-8, atol=1e-9)

    @rule(data=st.data())
    def clear_gradients(self, data: Any) -> None:
        for leaf in self.leaves:
            leaf.tensor.grad = leaf.gradient = None

    @rule(data=st.data())
    def second_order(self, data: Any) -> None:
        handle = self.pick(data, lambda handle: not handle.tensor.is_leaf)
        if handle is not None:
            self.differentiate_twice(handle, np.random.default_rng(data.draw(st.integers(0, 10**6))))

    def differentiate_twice(self, handle: Handle, rng: np.random.Generator) -> None:
        losses = self.loss(handle, rng.normal(size=handle.array.shape))
        if losses is None:
            return
        ours, theirs = losses
        held = [leaf.tensor.grad for leaf in self.leaves]
        for leaf in self.leaves:
            leaf.tensor.grad = None
        found = naive.pull(theirs, Var(1))
        try:
            ours.backward(create_graph=True)
            weights = [rng.normal(size=leaf.array.shape) for leaf in self.leaves]
            pairs = list(zip(self.leaves, weights, strict=True))
            firsts = [np.sum(leaf.tensor.grad * w) for leaf, w in pairs if leaf.tensor.grad is not None]
            total = sum(firsts)
            for leaf in self.leaves:
                leaf.tensor.grad = None
            if firsts and total.requires_grad:
                total.backward(retain_graph=True)
            seconds = [leaf.tensor.grad for leaf in self.leaves]
        except RuntimeError as error:
            self.may_fail(error, found)
            return
        finally:
            for leaf, old in zip(self.leaves, held, strict=True):
                leaf.tensor.grad = old
        Programs.compared[1] += 1
        expected_total = Var(0)
        for leaf, w in pairs:
            for var in leaf.versions:
                if var in found:
                    part = naive.mul(found[var], Var(w.reshape(found[var].value.shape)))
                    expected_total = naive.add(expected_total, naive.total(part))
        twice = naive.pull(expected_total, Var(1))
        for leaf, second in zip(self.leaves, seconds, strict=True):
            parts = [twice[var].value for var in leaf.versions if var in twice]
            expected = sum(parts, np.zeros(leaf.array.size if not parts else parts[0].shape)).reshape(
                leaf.array.shape
            )
            actual = np.zeros(leaf.array.shape) if second is None else second
            scale = 1 + np.abs(expected).max(initial=0)
            np.testing.assert_allclose(actual / scale, expected / scale, rtol=1e-7, atol=1e-8)

    def teardown(self) -> None:
        """At the end everything that is left is compared and differentiated."""
        rng = np.random.default_rng(0)
        for handle in self.handles:
            np.testing.assert_allclose(handle.tensor.data, handle.array, rtol=1e-12, atol=1e-12)
            if handle.tensor.requires_grad:
                self.differentiate(handle, rng.normal(size=handle.array.shape), retain=True)
        for handle in self.handles[-4:]:
            if not handle.tensor.is_leaf:
                self.differentiate_twice(handle, rng)


many = settings(max_examples=200, stateful_step_count=25, deadline=None)


def test_programs_agree_with_the_naive_engine() -> None:
    Programs.refused, Programs.compared = set(), [0, 0]
    run_state_machine_as_test(Programs, settings=many)
    assert {STALE, NEEDED} <= Programs.refused
    assert min(Programs.compared) > 100


@pytest.mark.parametrize(
    ("where", "name", "fault"),
    [
        (REGISTRY["sin"], "partials", (lambda out, x: np.cos(x) * 1.001,)),
        (REGISTRY["multiply"], "partials", (lambda out, x, y: y, lambda out, x, y: y)),
        (REGISTRY["exp"], "partials", (lambda out, x: np.exp(x.data if isinstance(x, mg.Tensor) else x),)),
        (gather, "transposes", (lambda g, x, index: g.sum() + np.zeros_like(x),)),
        (assign, "transposes", (lambda g, x, y, index: g, assign.transposes[1])),
        (assign, "transposes", (assign.transposes[0], lambda g, x, y, index: g[index])),
        (writes, "check", lambda node: None),
        (writes, "check_current", lambda node, array: None),
        (writes, "note", lambda array, order: None),
        (inplace, "_puts_back", lambda tensor, other, options: True),
        (inplace, "_belongs_to_leaf", lambda tensor, written: False),
        (inplace, "_shared", lambda tensor: False),
    ],
)
def test_a_planted_fault_is_found(where: Any, name: str, fault: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(where, name, fault)
    unshrunk = settings(
        many, phases=[Phase.generate], report_multiple_bugs=False, database=None, max_examples=600
    )
    with pytest.raises(Exception):  # noqa: B017  whatever the fault leads to
        run_state_machine_as_test(Programs, settings=unshrunk)
