"""Running a step once, as always, and making a program of what was written down."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .. import random, trees
from ..recording import capturing
from . import steps
from .outcome import Outcome, is_tensor, stand_ins_kept, tensors_kept
from .program import Program, Result, Source
from .randomness import Randomness
from .surroundings import Surroundings
from .tape import Looker, Tape, drawn
from .traced import Memory, Number, Traced, plain


class Capture(Tape):
    """
    One run of a function, written down.

    Attributes
    ----------
    program : Program or None
        What was written down.
    surroundings : Surroundings
        What the program depends on besides.
    has_values, has_tensors : bool
        What took part.
    optimizers : dict
        The optimizers that took a step, by id.
    steps : dict
        What they remember for each parameter, and the number of its next step, by the id of the first.
    lifted, arguments : dict
        The Tensors that come from outside, by id, with stand-in and gradient; and the places among the
        arguments of those that are arguments.
    tensors : dict
        The Tensors that are made in the run, by id.
    gradients_read, overwritten : set
        Ids of the Tensors whose gradient matters to the run, and of those whose gradient is replaced.
    """

    def __init__(self, keep_values: bool = False) -> None:
        super().__init__(keep_values)
        self.has_values = self.has_tensors = False
        self.program: Program | None = None
        self.optimizers: dict[int, Any] = {}
        self.steps: dict[int, tuple[Any, Number]] = {}
        self.lifted: dict[int, tuple[Any, Any, Any]] = {}
        self.arguments: dict[int, int] = {}
        self.tensors: dict[int, Any] = {}
        self.gradients_read: set[int] = set()
        self.overwritten: set[int] = set()
        self._modules: dict[int, Any] = {}
        self._numbers: dict[Any, Number] = {}
        self._draws: list[tuple[np.random.Generator, tuple[int, ...]]] = []

    # Running

    def run(self, function: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """Return what the function returns; afterwards `program` or `reason` is set."""
        leaves, rebuild = trees.flatten((args, options))
        self.surroundings = Surroundings(function, *(leaf for leaf in leaves if not _is_data(leaf)))
        self.known = self.surroundings.known(leaves)
        randomness = Randomness(self.surroundings.generators)
        stand_ins = [self._argument(k, leaf) for k, leaf in enumerate(leaves)]
        args, options = rebuild(stand_ins)
        del stand_ins
        for tensor in self.surroundings.tensors:
            if tensor._node is None:
                self.lift(tensor)
        try:
            with capturing(self, Looker(self)):
                held = [function(*args, **options)]
            del args, options
            self._look_around(randomness)
            returned = self._finish(held)
        finally:
            self.thread = None
            self._restore()
        held.clear()
        self._look_for_survivors()
        return returned

    # What comes from outside

    def array(self, array: Any, source: Source) -> Traced:
        """Return the one stand-in of an array from outside."""
        known = self.arrays.get(id(array))
        if known is None:
            slot = self.slot(array, source)
            known = array, self.traced(slot, array, Memory()), slot
            self.arrays[id(array)] = known
        return known[1]

    def number(self, read: Callable[[], Any], key: Any) -> Number:
        """Return the stand-in of a Python number that is read anew at each replay."""
        if key not in self._numbers:
            value = read()
            self._numbers[key] = self.named(self.slot(value, Source("number", read)), value)
        return self._numbers[key]

    def _argument(self, place: int, leaf: Any) -> Any:
        if hasattr(leaf, "_record") and hasattr(leaf, "data") and isinstance(leaf.data, np.ndarray):
            if leaf._node is not None:
                self.leave("an argument is a Tensor computed outside: pass x.detach(), or compute it inside")
            if not self.known or not self.known[place]:
                self.arguments[id(leaf)] = place
                self.lift(leaf, Source("argument", place))
            return leaf
        if type(leaf) is np.ndarray and leaf.dtype.kind in "biuf":
            return self.array(leaf, Source("argument", place))
        if type(leaf) is float:
            return self.named(self.slot(leaf, Source("argument", place)), leaf)
        return leaf

    def value(self, value: Any) -> None:
        """Note that a Value takes part."""
        self.has_values = True
        self.leave("it computes with Values and Tensors both")

    def value_backward(self, root: Any) -> None:
        """Note that backward() is about to start from a Value."""
        self.has_values = True
        self.leave("it computes with Values and Tensors both")

    def lift(self, tensor: Any, source: Source | None = None) -> Any:
        """Return what stands for the numbers of a Tensor, which holds it until the run ends."""
        data = tensor.data
        if type(data) is Traced:
            return data
        if not self.open:
            return data
        if tensor._node is not None:
            self.leave("a Tensor computed outside is used, whose graph lies outside: detach() it")
        if id(tensor) in self.tensors:  # its numbers are no one else's: each replay begins with them
            tensor.data = self.array(data, Source("constant", data))
            self.inside.add(id(data))
            return tensor.data
        gradient = tensor._grad
        traced = self.array(data, source or Source("data", tensor))
        kind = self.sources[self.arrays[id(data)][2]].kind
        if source is None and kind == "argument" and id(tensor) not in self.arguments:
            self.leave("an argument is the array of a Tensor that is used besides: pass a copy")
        self.lifted[id(tensor)] = tensor, traced, gradient
        self.has_tensors = True
        tensor.data = traced
        if type(gradient) is np.ndarray:
            tensor._grad = self.array(gradient, Source("grad", self.place(tensor)))
        elif gradient is not None:
            self.leave("a gradient is a Tensor, recorded under create_graph: set it to None first")
        return traced

    def reading_gradient(self, tensor: Any) -> None:
        """Note that Python looks at a Tensor's gradient, or whether there is one."""
        if tensor._node is None and self.open:
            self.lift(tensor)
            if id(tensor) not in self.overwritten:
                self.gradients_read.add(id(tensor))

    def setting_gradient(self, tensor: Any) -> None:
        """Note that a Tensor's gradient is about to be replaced."""
        if tensor._node is not None or not self.open or id(tensor) in self.tensors:
            return
        self.lift(tensor)
        gradient = self.lifted[id(tensor)][2]
        now = tensor._grad
        if now is gradient or (type(now) is Traced and now.value is gradient):
            self.overwritten.add(id(tensor))
        else:
            self.gradients_read.add(id(tensor))  # backward() has added to it

    def made(self, tensor: Any) -> None:
        """Remember a Tensor of this run, so that no stand-in survives in it."""
        if self.open:
            self.tensors[id(tensor)] = tensor

    def module(self, module: Any) -> None:
        """Note that the program depends on a module's settings."""
        self._modules[id(module)] = module

    def draw(self, rng: Any, shape: tuple[int, ...]) -> Any:
        """Draw uniform numbers, anew at each replay."""
        if not self.open:
            return drawn(rng, shape)
        self._draws.append((random.generator(rng), tuple(shape)))
        return self.record(drawn, (rng, tuple(shape)), fixed=True)

    def step(self, optimizer: Any) -> None:
        """Take an optimizer's step."""
        self.optimizers[id(optimizer)] = optimizer
        steps.take_step(self, optimizer)

    def stepped(self, state: Any, step: Number) -> None:
        """Note the number of a parameter's step."""
        self._numbers["step", id(state)] = step
        self.steps[id(state)] = state, step

    def place(self, tensor: Any) -> Any:
        """Return a Tensor from outside, or which argument it was."""
        place = self.arguments.get(id(tensor))
        return tensor if place is None else Result("argument", place)

    # The end

    def _look_around(self, randomness: Randomness) -> None:
        """Look for what the run did that no instruction does again."""
        changed = self.surroundings.changed()
        if changed is not None:
            self.leave(
                f"{changed}, outside the function, changes while it runs: pass it in and return it",
                where=False,
            )
        if not randomness.explained_by(self._draws):
            self.leave("random numbers are drawn inside, by other means than a layer: pass them", where=False)
        lifted = (tensor for key, (tensor, _, _) in self.lifted.items() if key not in self.arguments)
        self.surroundings.include(*self._modules.values(), *self.optimizers.values(), *lifted)
        self.surroundings.watch_packs()

    def _finish(self, held: list[Any]) -> Any:
        """Make the program, and return the result as a replay would."""
        (result,) = held
        outcome = Outcome(self)
        outputs = outcome.outputs(result)
        outcome.note_effects()
        if self.reason is not None:
            return outcome.returned(result)
        self.program = Program(
            tuple(self.instructions), tuple(self.specs), dict(self.sources), tuple(self.guards),
            tuple(outcome.effects), outputs, frozenset(self._argument_slots()),
            tuple(outcome.gradients_absent),
        )  # fmt: skip
        return outcome.returned(result)

    def _look_for_survivors(self) -> None:
        """See that nothing of this run is kept outside, where a replay would not bring it up to date."""
        if self.reason is None and tensors_kept(self.tensors):
            self._refuse("a Tensor that is computed inside is kept outside: return it instead")
        if stand_ins_kept(self):
            self._refuse("an array that is computed inside is kept outside: return it instead")
        self.tensors.clear()

    def _refuse(self, reason: str) -> None:
        self.program, self.reason = None, self.reason or reason

    def _argument_slots(self) -> Iterator[int]:
        """Iterate over the slots of arguments that are Tensors."""
        for tensor, traced, _ in self.lifted.values():
            if id(tensor) in self.arguments:
                yield self.arrays[id(traced.value)][2]

    def _restore(self) -> None:
        """Put plain arrays in the places of all stand-ins."""
        for tensor, _, _ in self.lifted.values():
            tensor.data, tensor._grad = plain(tensor.data), plain(tensor._grad)
        for tensor in self.tensors.values():
            tensor.data, tensor._grad = plain(tensor.data), plain(tensor._grad)
            node = tensor._node
            if node is not None:
                node.args, node.output = plain(node.args), plain(node.output)
                node.options, node.gradient = plain(dict(node.options)), plain(node.gradient)
        for known in (self.arrays, self.lifted, self._numbers, self.steps, self._modules):
            known.clear()


def _is_data(leaf: Any) -> bool:
    """Return whether an argument is read anew at each replay."""
    return is_tensor(leaf) or isinstance(leaf, np.ndarray)
