"""Modules: functions with parameters, composed into networks."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from .. import settings
from ..recording import current
from ..rules.operands import numbers
from ..tensor import Array, Tensor
from . import storage

_watcher: ContextVar[Callable[[Module, Tensor, Tensor], None] | None] = ContextVar("watcher", default=None)


class Parameter(Tensor):
    """
    A Tensor that training changes: a leaf that requires a gradient.

    Examples
    --------
    >>> from minigrad import nn
    >>> nn.Parameter([1.0, 2.0]).requires_grad
    True
    """

    __slots__ = ()

    def __init__(self, data: Any, label: str = "") -> None:
        super().__init__(np.array(data), requires_grad=True, label=label)


class Buffer(Tensor):
    """
    A Tensor that belongs to a module's state without being learned, such as a running average.

    It is saved, loaded and restored with the parameters, but no optimizer gets it. Write to it in place.

    Examples
    --------
    >>> from minigrad import nn
    >>> list(nn.BatchNorm(1).state_dict()), len(nn.BatchNorm(1).parameters())
    (['weight', 'bias', 'running_mean', 'running_var'], 2)
    """

    __slots__ = ()

    def __init__(self, data: Any, label: str = "") -> None:
        super().__init__(np.array(data), label=label)


State: TypeAlias = Parameter | Buffer


class Module:
    """
    A function of one Tensor with parameters; the base of every layer and network.

    Subclasses define ``forward(x)``. Parameters, buffers and modules that are attributes are found by
    themselves; in a list or a dictionary they are not, so that setting one raises TypeError.

    Attributes
    ----------
    training : bool
        Whether layers such as Dropout behave as in training.

    Examples
    --------
    >>> import numpy as np
    >>> from minigrad import nn
    >>> class Twice(nn.Module):
    ...     def __init__(self):
    ...         self.scale = nn.Parameter([2.0])
    ...     def forward(self, x):
    ...         return x * self.scale
    >>> Twice()(np.array([1.0, 3.0])).data
    array([2., 6.])
    """

    training = True

    def __setattr__(self, name: str, value: Any) -> None:
        self._refuse_hidden(name, value)
        settings.changed()
        super().__setattr__(name, value)

    def forward(self, x: Tensor) -> Tensor:
        """Compute the result; subclasses define this."""
        raise NotImplementedError(f"{type(self).__name__} needs a method forward(self, x)")

    def __call__(self, x: Tensor | ArrayLike) -> Tensor:
        """Apply the module to a Tensor or an array."""
        given = x if isinstance(x, Tensor) else Tensor(x)
        capture = current().capture
        if capture is not None:
            capture.module(self)
        output = self.forward(given)
        watcher = _watcher.get()
        if watcher is not None:
            watcher(self, given, output)
        return output

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Iterate over the modules that this one is made of, with their names."""
        return ((name, part) for name, part in vars(self).items() if isinstance(part, Module))

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """Iterate over this module and all inside it, outermost first, with dotted paths."""
        yield prefix, self
        for name, child in self.named_children():
            yield from child.named_modules(f"{prefix}.{name}" if prefix else name)

    def modules(self) -> Iterator[Module]:
        """Iterate over this module and all inside it, outermost first."""
        return (module for _, module in self.named_modules())

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Iterate over all parameters with dotted names such as ``0.weight``, each once."""
        return ((name, value) for name, value in self._named_state() if isinstance(value, Parameter))

    def named_buffers(self) -> Iterator[tuple[str, Buffer]]:
        """Iterate over all buffers with dotted names such as ``1.running_mean``, each once."""
        return ((name, value) for name, value in self._named_state() if isinstance(value, Buffer))

    def _named_state(self) -> Iterator[tuple[str, State]]:
        seen: set[int] = set()
        for path, module in self.named_modules():
            for name, value in vars(module).items():
                module._refuse_hidden(name, value)  # a list may have grown since it was set
                if isinstance(value, State) and id(value) not in seen:
                    seen.add(id(value))
                    yield (f"{path}.{name}" if path else name), value

    def parameters(self) -> list[Parameter]:
        """Return all parameters, in the order of ``named_parameters``."""
        return [parameter for _, parameter in self.named_parameters()]

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for parameter in self.parameters():
            parameter.grad = None

    def train(self, mode: bool = True) -> Self:
        """Switch this module and all inside it to training, or out of it; return self."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Switch this module and all inside it to evaluation; return self."""
        return self.train(False)

    def state_dict(self) -> dict[str, Array]:
        """Return a copy of every parameter and buffer by name."""
        return {name: tensor.data.copy() for name, tensor in self._named_state()}

    def load_state_dict(self, state: Mapping[str, ArrayLike]) -> None:
        """
        Set every parameter and buffer, and its dtype, from arrays by name; if one does not fit, none.

        Raises
        ------
        KeyError
            If a name is missing or unknown.
        ValueError
            If a shape differs.
        TypeError
            If the numbers are not floats, or the state is no mapping.
        """
        if not isinstance(state, Mapping):
            raise TypeError(f"a state is a dictionary of arrays by name, not a {type(state).__name__}")
        own = dict(self._named_state())
        missing, unknown = sorted(own.keys() - state.keys()), sorted(state.keys() - own.keys())
        if missing or unknown:
            raise KeyError(
                f"the state does not fit this {type(self).__name__}: "
                f"missing {', '.join(missing) or 'nothing'}; unknown {', '.join(unknown) or 'nothing'}"
            )
        arrays = {name: np.array(numbers(state[name])) for name in own}
        for name, array in arrays.items():
            if array.shape != own[name].shape:
                raise ValueError(f"{name} has shape {own[name].shape}, but the state gives {array.shape}")
            if array.dtype.kind != "f":
                raise TypeError(f"{name} must be floats, but the state gives {array.dtype}")
        for name, array in arrays.items():
            own[name].data = array
            own[name].grad = None

    def config(self) -> dict[str, Any]:
        """Return the constructor's arguments, besides modules, in JSON's terms."""
        return {}

    def architecture(self) -> dict[str, Any]:
        """
        Return what a file needs to rebuild the module, in JSON's terms.

        Raises
        ------
        TypeError
            If it is not one of the library's own layers, which are all that a file may name.
        """
        if type(self).__module__.rpartition(".")[0] != __package__:
            raise TypeError(
                f"{type(self).__name__} is not one of minigrad.nn's own layers, so a file can't rebuild it; "
                f"keep its state_dict() instead, and load_state_dict() into one that you make"
            )
        return {"type": type(self).__name__, **self.config()}

    def save(self, path: str | os.PathLike[str]) -> None:
        """
        Write architecture and weights to one safetensors file; read it with :func:`minigrad.nn.load`.

        Raises
        ------
        TypeError
            If a layer is not one of the library's own.
        ValueError
            If layers share parameters, which a file can't say.
        """
        held = sum(isinstance(value, State) for module in self.modules() for value in vars(module).values())
        if held != sum(1 for _ in self._named_state()):
            raise ValueError(
                "layers of this network share parameters, which a file can't say; "
                "keep its state_dict() instead"
            )
        storage.write(path, self.architecture(), self.state_dict())

    def _refuse_hidden(self, name: str, value: Any) -> None:
        """Raise if ``value`` holds modules or state that nothing else of this module leads to."""
        held = list(_held(value))
        if not held or type(self).named_children is not Module.named_children:
            return
        found = {id(part) for module in self.modules() for part in (module, *vars(module).values())}
        hidden = [part for part in held if id(part) not in found]
        if not hidden:
            return
        modules = isinstance(hidden[0], Module)
        state = f"{type(hidden[0]).__name__.lower()}s"
        what = "modules, whose parameters" if modules else f"{state}, which"
        advice = f"write nn.Sequential(*{name}), or " if modules and isinstance(value, list | tuple) else ""
        raise TypeError(
            f"{name} is a {type(value).__name__} of {what} would not be found; "
            f"{advice}give each an attribute of its own"
        )

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={child!r}" for name, child in self.named_children())
        return f"{type(self).__name__}({inside})"


@contextmanager
def watch(callback: Callable[[Module, Tensor, Tensor], None]) -> Iterator[None]:
    """
    Context inside which ``callback(module, x, output)`` runs after every module's forward.

    Examples
    --------
    >>> import numpy as np
    >>> from minigrad import nn
    >>> net = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    >>> seen = []
    >>> with nn.watch(lambda module, x, output: seen.append(type(module).__name__)):
    ...     _ = net(np.ones(2))
    >>> seen
    ['Linear', 'ReLU', 'Sequential']
    """
    token = _watcher.set(callback)
    try:
        yield
    finally:
        _watcher.reset(token)


def _held(value: Any) -> Iterator[Module | State]:
    """Iterate over the modules, parameters and buffers inside a collection."""
    if isinstance(value, list | tuple | set | dict):
        for item in value.values() if isinstance(value, dict) else value:
            if isinstance(item, Module | State):
                yield item
            else:
                yield from _held(item)
