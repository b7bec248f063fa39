"""The base of the optimizers: what they share besides the step itself."""

from __future__ import annotations

import copy
import math
import reprlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import InitVar, asdict, dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from .. import settings, writes
from ..graph import tick
from ..recording import current
from .pack import Apart, Pack
from .state import Array, Moving, State

if TYPE_CHECKING:
    from ..tensor import Tensor

Update = TypeVar("Update", bound=Callable[..., None])

BLOCK = 262_144
"""Entries that are updated at a time, which bounds the scratch space."""


class _Required:
    """Stands for an option without default, so that a wrong ``params`` is named before a missing ``lr``."""

    def __repr__(self) -> str:
        return "<required>"


REQUIRED: Any = _Required()


@dataclass(eq=False)
class Optimizer(ABC):
    """
    Base of every optimizer: a subclass writes :meth:`update`, the step of one parameter.

    Parameters are changed in place and keep their dtype. A parameter whose ``grad`` is None is
    skipped: it takes no step, and what is remembered for it does not age.

    Parameters
    ----------
    params : iterable of Tensor
        What to train: ``net.parameters()``, or a list of Tensors that require a gradient.
    lr : float
        Learning rate η ≥ 0; it may be set anew between steps: ``optimizer.lr = 0.01``.

    Raises
    ------
    TypeError
        If ``params`` is a Module, a single Tensor, or holds something that cannot be trained; if ``lr`` is
        missing or no number.
    ValueError
        If ``params`` is empty or names a parameter twice, or an option is out of its range.
    """

    params: InitVar[Iterable[Tensor]]
    lr: float

    def __post_init__(self, params: Iterable[Tensor]) -> None:
        self.parameters = _trainable(params, type(self).__name__)
        self._states = [State() for _ in self.parameters]
        self._work = np.empty(0)
        self._pack: Pack | None = None
        if self.lr is REQUIRED:
            owner = type(self).__name__
            raise TypeError(f"{owner} needs a learning rate: {owner}(net.parameters(), lr=0.1)")

    @property
    def memory(self) -> tuple[str, ...]:
        """Names of the arrays remembered for each parameter, all zero before its first step."""
        return ()

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy needs: not the pack, as copies of its views are views of it no more."""
        return vars(self) | {"_pack": None, "_work": np.empty(0)}

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, _checked(name, value))
        if type(value) is not float:  # a program reads numbers anew
            settings.changed()

    @abstractmethod
    def update(self, data: Array, grad: Array, work: Array, step: int, *memory: Array) -> None:
        """Change ``data`` in place by one step; ``work`` is scratch space of the same shape and dtype."""

    def step(self) -> None:
        """Take one step with every parameter that has a gradient."""
        capture = current().capture
        if capture is not None:
            capture.step(self)
            return
        moving = self._moving()
        pack = self._packed(moving)
        together = [entry for entry in moving if entry[2] in pack.states]
        subtracts = getattr(self.update, "subtracts", False)
        if pack.gather(together, numbers=not subtracts):
            step = together[0][2].step
            if subtracts:
                numbers: Any = Apart(pack, together)
                self.update(numbers, pack.grad, pack.data, step, *pack.memory)
            else:
                self._update_in_blocks(pack.data, pack.grad, step, pack.memory)
                pack.scatter(together)
            moving = [entry for entry in moving if entry[2] not in pack.states]
        for data, grad, state in moving:
            self._update_in_blocks(data, grad, state.step, list(state.arrays.values()))

    def _packed(self, moving: list[Moving]) -> Pack:
        """Return the small parameters' pack, made where there is none."""
        if self._pack is None:
            self._pack = Pack(moving)
        return self._pack

    def _moving(self) -> list[Moving]:
        """Return what takes part in this step, prepared for it; an error comes before any change."""
        memory, moving, changed = self.memory, [], []
        for index, (parameter, state) in enumerate(zip(self.parameters, self._states, strict=True)):
            grad, data = parameter.grad, parameter.data
            if grad is None:
                continue
            if not isinstance(grad, np.ndarray):  # a Tensor, recorded under create_graph
                grad = grad.data
            if data is not state.data or grad.shape != data.shape or tuple(state.arrays) != memory:
                self._check_shapes(index, data, grad, state)
                changed.append((data, state))
            moving.append((data, grad, state))
        for data, state in changed:
            state.arrays, state.data = state.prepared(data, memory), data
            self._pack = None
        now = tick()
        for data, _, state in moving:
            state.step += 1
            writes.note(data, now)
        return moving

    def _check_shapes(self, index: int, data: Array, grad: Array, state: State) -> None:
        """Raise if a parameter has another shape than its gradient, or than what is remembered for it."""
        if grad.shape != data.shape:
            raise ValueError(
                f"parameter {index} has shape {data.shape}, but its gradient has shape {grad.shape}, as if "
                f"p.data was replaced after backward(); call zero_grad() and backward() again"
            )
        for name, array in state.arrays.items():
            if array.shape != data.shape:
                raise ValueError(
                    f"parameter {index} has shape {data.shape}, but the {name} that {type(self).__name__} "
                    f"remembers for it has shape {array.shape}; make a new optimizer where shapes change"
                )

    def _update_in_blocks(self, data: Array, grad: Array, step: int, memory: list[Array]) -> None:
        """Update many entries at a time, and not more, so that the scratch space stays small."""
        work = self._work
        if work.dtype != data.dtype or work.size < min(data.size, BLOCK):
            work = self._work = np.empty(min(data.size, BLOCK), data.dtype)
        if data.size <= BLOCK:
            self.update(data, grad, work[: data.size].reshape(data.shape), step, *memory)
            return
        arrays = (data, grad, *memory)
        if not all(array.flags.c_contiguous for array in arrays):
            self.update(data, grad, np.empty_like(data), step, *memory)
            return
        flat = [array.reshape(-1) for array in arrays]
        for start in range(0, data.size, BLOCK):
            part, direction, *rest = (array[start : start + BLOCK] for array in flat)
            self.update(part, direction, work[: part.size], step, *rest)

    def zero_grad(self) -> None:
        """Forget the gradients: ``grad`` of every parameter becomes None."""
        for parameter in self.parameters:
            parameter.grad = None

    def state_dict(self) -> dict[str, Any]:
        """
        Return what the next step depends on, besides the parameters and their gradients.

        Returns
        -------
        dict
            ``"optimizer"`` (its name), ``"options"``, and ``"parameters"``: for each its ``"step"`` and
            copies of the arrays remembered for it (none before its first step).
        """
        return {
            "optimizer": type(self).__name__,
            "options": asdict(self),
            "parameters": [
                {"step": state.step} | self._remembered(parameter, state)
                for parameter, state in zip(self.parameters, self._states, strict=True)
            ],
        }

    def _remembered(self, parameter: Tensor, state: State) -> dict[str, Array]:
        """Return copies of the arrays with which the parameter's next step starts; none before its first."""
        memory = self.memory if state.step else ()
        return {name: array.copy() for name, array in state.prepared(parameter.data, memory).items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """
        Continue where the optimizer that gave ``state`` stood; its options are taken over, lr included.

        Raises
        ------
        TypeError
            If the state is no mapping.
        ValueError
            If the state is another kind of optimizer's or does not fit the parameters; nothing is
            changed then.
        """
        if not isinstance(state, Mapping):
            raise TypeError(f"a state is what state_dict() returned, a dictionary, not {reprlib.repr(state)}")
        own = self.state_dict()
        if own.keys() != state.keys():
            raise ValueError(f"not the state of an optimizer: it has {sorted(state)}, expected {sorted(own)}")
        if state["optimizer"] != own["optimizer"] or state["options"].keys() != own["options"].keys():
            raise ValueError(f"{own['optimizer']} cannot continue the state of {state['optimizer']}")
        if len(state["parameters"]) != len(self.parameters):
            raise ValueError(
                f"the state is for {len(state['parameters'])} parameters, this one has {len(self.parameters)}"
            )
        options = {name: _checked(name, value) for name, value in state["options"].items()}
        continued = copy.copy(self)
        vars(continued).update(options)
        states = []
        for index, (parameter, entry) in enumerate(zip(self.parameters, state["parameters"], strict=True)):
            data, step = parameter.data, entry.get("step", 0)
            arrays = {name: np.array(array, data.dtype) for name, array in entry.items() if name != "step"}
            shapes = {name: array.shape for name, array in arrays.items()}
            expected = dict.fromkeys(continued.memory if step else (), data.shape)
            if shapes != expected:
                raise ValueError(f"parameter {index} after {step} steps has {shapes}, expected {expected}")
            states.append(State(step, arrays))
        vars(self).update(options)
        self._states, self._pack = states, None


def subtracting(update: Update) -> Update:
    """Note of an ``update`` that all it does with ``data`` is ``data -= work``, so that none is gathered."""
    vars(update)["subtracts"] = True
    return update


def _trainable(params: Iterable[Tensor], owner: str) -> list[Tensor]:
    """Return ``params`` as a list, or say what is wrong with it."""
    kind = type(params).__name__
    if hasattr(params, "parameters"):
        raise TypeError(f"{owner} got a {kind}: pass its parameters, {owner}(net.parameters(), ...)")
    if hasattr(params, "requires_grad"):
        raise TypeError(f"{owner} got a single {kind}: put it in a list, {owner}([w], ...)")
    if callable(params):
        raise TypeError(f"{owner} got a {kind}: call it, {owner}(net.parameters(), ...)")
    if not isinstance(params, Iterable):
        raise TypeError(
            f"{owner} got {reprlib.repr(params)}; parameters come first: {owner}(net.parameters(), ...)"
        )
    found = list(params)
    if not found:
        raise ValueError(f"{owner} got no parameters (an iterator is empty once it was used)")
    first: dict[int, int] = {}
    for index, parameter in enumerate(found):
        if not getattr(parameter, "requires_grad", False):
            raise TypeError(
                f"{owner} got a {type(parameter).__name__} as parameter {index}; "
                "each must be a Tensor with requires_grad=True"
            )
        if not parameter.is_leaf:
            raise TypeError(f"parameter {index} is computed from others; give the Tensor it was made from")
        if (earlier := first.setdefault(id(parameter), index)) != index:
            raise ValueError(f"parameter {index} is parameter {earlier} again; pass each only once")
    return found


def number_at_least_0(name: str, value: Any, below: float = math.inf) -> float:
    """Return ``value`` as a float in [0, below)."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a number, got {reprlib.repr(value)}") from None
    if not 0 <= number < below:
        limit = "finite" if below == math.inf else f"below {below}"
        raise ValueError(f"{name} must be at least 0 and {limit}, got {value}")
    return number


def _rate(name: str, value: Any) -> Any:
    """Return a learning rate as a float, or that it is missing."""
    if isinstance(value, list | tuple | Iterator) or hasattr(value, "parameters"):
        raise TypeError(
            f"{name} must be a number, got {reprlib.repr(value)}; are the arguments swapped? "
            "The parameters come first: (net.parameters(), lr=0.1)"
        )
    return value if value is REQUIRED else number_at_least_0(name, value)


def _fraction(name: str, value: Any) -> float:
    """Return ``value`` as a float in [0, 1)."""
    return number_at_least_0(name, value, below=1)


def _fractions(name: str, value: Any) -> tuple[float, ...]:
    """Return ``value`` as a pair of floats in [0, 1)."""
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise TypeError(f"{name} must be two numbers, such as (0.9, 0.999), got {value!r}")
    return tuple(_fraction(name, item) for item in value)


def _form(name: str, value: Any) -> Any:
    """Return the name of a form."""
    if value not in ("torch", "lecture"):
        raise ValueError(f'{name} must be "torch" or "lecture", got {value!r}')
    return value


_CHECKS: dict[str, Callable[[str, Any], Any]] = {
    **dict.fromkeys(("momentum", "eps", "weight_decay"), number_at_least_0),
    "lr": _rate,
    "alpha": _fraction,
    "betas": _fractions,
    "form": _form,
}


def _checked(name: str, value: Any) -> Any:
    """Check an option, whoever sets it: the constructor, a schedule, a state."""
    return _CHECKS[name](name, value) if name in _CHECKS else value
