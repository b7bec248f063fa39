"""Networks from torch, layer by layer. Known by the names of its classes: torch itself is never imported."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .activations import Hardtanh, LeakyReLU, PReLU, ReLU, Sigmoid, Softplus, Tanh
from .images import AvgPool2d, Conv2d, Flatten, MaxPool2d
from .layers import Dropout, Identity, Linear, Sequential
from .module import Buffer, Module, Parameter
from .normalization import BatchNorm

HOME = "torch.nn.modules."

HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
"""Where a module of torch's keeps functions that change what it does."""


def from_torch(module: Any) -> Module:
    """
    Return somebody's torch network as one of minigrad's, which computes the same.

    Taken over are Sequential, also in one another, Linear, Conv2d, MaxPool2d, AvgPool2d, BatchNorm1d,
    BatchNorm2d, AdaptiveAvgPool2d(1), AdaptiveMaxPool2d(1), Flatten, Dropout, Identity, ReLU, ReLU6,
    LeakyReLU, PReLU, Hardtanh, Sigmoid, Tanh and Softplus.

    Parameters
    ----------
    module : torch.nn.Module
        Left untouched: parameters and running averages are copied, with their dtypes, from whatever device.
        What layers share they share here; what is frozen there is frozen here, and no optimizer takes it.

    Returns
    -------
    Module
        Each layer in the mode (training or evaluation) of its original.

    Raises
    ------
    TypeError
        If ``module`` is no module of torch's.
    ValueError
        Naming the first layer, by its place such as ``1.3``, that can't be taken over: of another kind, with
        an option that minigrad has not, of a class of the user's own, with hooks, or with numbers that NumPy
        has not, such as bfloat16.

    Notes
    -----
    torch's Softplus is x itself beyond its threshold, minigrad's is not: they differ by 2·10⁻⁹ at most. At
    the bounds of Hardtanh and ReLU6 torch takes the slope 0, minigrad 1.

    Examples
    --------
    >>> from minigrad import nn
    >>> import torch  # doctest: +SKIP
    >>> nn.from_torch(torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU()))  # doctest: +SKIP
    Sequential(Linear(2, 3), ReLU())
    """
    if not any(_name(kind) == HOME + "module.Module" for kind in type(module).__mro__):
        hint = "; build the network and load_state_dict() into it first" if isinstance(module, dict) else ""
        raise TypeError(f"from_torch takes a torch.nn.Module, but got a {type(module).__name__}{hint}")
    return _taken_over(module, "", {})


def _taken_over(theirs: Any, path: str, made: dict[int, Any]) -> Module:
    """Return the counterpart of a module; ``made`` has those of modules and Tensors so far, by their ids."""
    if id(theirs) in made:
        return made[id(theirs)]
    with _placed(theirs, path):
        kind = _kind(theirs)
    if kind == SEQUENTIAL:
        parts = theirs._modules.items()
        ours: Module = Sequential(*(_taken_over(part, f"{path}.{k}".lstrip("."), made) for k, part in parts))
    else:
        with _placed(theirs, path):
            ours = LAYERS[kind](theirs)
            _share(ours, theirs, made)
    ours.training = theirs.training
    made[id(theirs)] = ours
    return ours


@contextmanager
def _placed(theirs: Any, path: str) -> Iterator[None]:
    """Context whose errors name the layer."""
    try:
        yield
    except (ValueError, TypeError) as error:
        place = f"layer {path}" if path else "the network itself"
        raise ValueError(f"from_torch can't take over {place} ({type(theirs).__name__}): {error}") from None


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _kind(theirs: Any) -> str:
    """Return which of torch's layers this is, if it does what its class says and no more."""
    name = _name(type(theirs))
    if name != SEQUENTIAL and name not in LAYERS:
        if type(theirs).__name__ in HINTS:
            raise ValueError(HINTS[type(theirs).__name__])
        if type(theirs).__name__.startswith("Parametrized"):
            raise ValueError(
                "its weights are computed: torch.nn.utils.parametrize.remove_parametrizations first"
            )
        if name.startswith("torch."):
            known = ", ".join(["Sequential", *(layer.rpartition(".")[2] for layer in LAYERS)])
            raise ValueError(f"minigrad.nn has nothing like it; it takes over {known}")
        raise ValueError(
            "what its forward computes can't be read from its parts: pass them as a torch.nn.Sequential, "
            "or write it as an nn.Module of minigrad's"
        )
    if "forward" in vars(theirs):
        raise ValueError("it has a forward of its own, which can't be taken over: delete it")
    hooks = [hook for attribute in HOOKS for hook in getattr(theirs, attribute, {}).values()]
    if hooks:
        called = getattr(hooks[0], "__name__", type(hooks[0]).__name__)
        raise ValueError(
            f"its hook {called} would be lost: remove it first (weight_norm, spectral_norm and pruning are "
            f"such hooks, which torch.nn.utils removes)"
        )
    return name


def _share(ours: Module, theirs: Any, made: dict[int, Any]) -> None:
    """Let layers share what their originals share, and freeze what is frozen."""
    originals = {**theirs._parameters, **theirs._buffers}
    for name, own in list(vars(ours).items()):
        if isinstance(own, Parameter | Buffer):
            original = originals["weight" if name == "slope" else name]
            own.requires_grad = original.requires_grad
            setattr(ours, name, made.setdefault(id(original), own))


def _numbers(tensor: Any) -> Any:
    """Return a Tensor of torch's as an array, or None for None."""
    if tensor is None:
        return None
    try:
        return tensor.detach().cpu().numpy()
    except (TypeError, RuntimeError) as error:
        raise ValueError(
            f"NumPy has no array of its {tensor.dtype} on {tensor.device}, such as net.float() has ({error})"
        ) from None


def _require(theirs: Any, **only: Any) -> None:
    """Refuse options that minigrad's layers have not."""
    for option, value in only.items():
        given = getattr(theirs, option)
        if given not in (value, (value, value)):
            raise ValueError(f"it has {option}={given!r}, but minigrad's layer knows only {option}={value!r}")


def _conv2d(theirs: Any) -> Module:
    _require(theirs, groups=1, dilation=1, padding_mode="zeros")
    padding = theirs.padding
    if padding == "same":
        if not all(k % 2 for k in theirs.kernel_size):
            raise ValueError(
                "padding='same' with an even kernel pads one side more; minigrad pads both alike"
            )
        padding = tuple(k // 2 for k in theirs.kernel_size)
    elif padding == "valid":
        padding = 0
    return Conv2d.of(_numbers(theirs.weight), _numbers(theirs.bias), theirs.stride, padding)


def _max_pool(theirs: Any) -> Module:
    _require(theirs, dilation=1, ceil_mode=False, return_indices=False)
    return MaxPool2d(theirs.kernel_size, theirs.stride, theirs.padding)


def _avg_pool(theirs: Any) -> Module:
    _require(theirs, ceil_mode=False, divisor_override=None)
    if theirs.padding not in (0, (0, 0)):
        _require(theirs, count_include_pad=True)
    return AvgPool2d(theirs.kernel_size, theirs.stride, theirs.padding)


def _global_avg(theirs: Any) -> Module:
    _require(theirs, output_size=1)
    return AvgPool2d()


def _global_max(theirs: Any) -> Module:
    _require(theirs, output_size=1, return_indices=False)
    return MaxPool2d()


def _batch_norm(theirs: Any) -> Module:
    _require(theirs, track_running_stats=True)
    mean, variance, weight, bias = map(
        _numbers, (theirs.running_mean, theirs.running_var, theirs.weight, theirs.bias)
    )
    return BatchNorm.of(mean, variance, weight, bias, theirs.eps, theirs.momentum)


def _flatten(theirs: Any) -> Module:
    _require(theirs, start_dim=1, end_dim=-1)
    return Flatten()


def _prelu(theirs: Any) -> Module:
    _require(theirs, num_parameters=1)
    (slope,) = _numbers(theirs.weight)
    return PReLU(slope, dtype=slope.dtype)


def _softplus(theirs: Any) -> Module:
    _require(theirs, beta=1)
    if theirs.threshold < 20:
        raise ValueError(
            f"it is x itself beyond threshold={theirs.threshold!r}; minigrad's is smooth everywhere"
        )
    return Softplus()


SEQUENTIAL = HOME + "container.Sequential"

LAYERS: dict[str, Callable[[Any], Module]] = {
    HOME + "linear.Linear": lambda theirs: Linear.of(_numbers(theirs.weight), _numbers(theirs.bias)),
    HOME + "linear.Identity": lambda theirs: Identity(),
    HOME + "conv.Conv2d": _conv2d,
    HOME + "pooling.MaxPool2d": _max_pool,
    HOME + "pooling.AvgPool2d": _avg_pool,
    HOME + "pooling.AdaptiveAvgPool2d": _global_avg,
    HOME + "pooling.AdaptiveMaxPool2d": _global_max,
    HOME + "batchnorm.BatchNorm1d": _batch_norm,
    HOME + "batchnorm.BatchNorm2d": _batch_norm,
    HOME + "flatten.Flatten": _flatten,
    HOME + "dropout.Dropout": lambda theirs: Dropout(theirs.p),
    HOME + "activation.ReLU": lambda theirs: ReLU(),
    HOME + "activation.ReLU6": lambda theirs: Hardtanh(0.0, 6.0),
    HOME + "activation.LeakyReLU": lambda theirs: LeakyReLU(theirs.negative_slope),
    HOME + "activation.PReLU": _prelu,
    HOME + "activation.Hardtanh": lambda theirs: Hardtanh(theirs.min_val, theirs.max_val),
    HOME + "activation.Sigmoid": lambda theirs: Sigmoid(),
    HOME + "activation.Tanh": lambda theirs: Tanh(),
    HOME + "activation.Softplus": _softplus,
}
"""How each layer is taken over."""

HINTS = {
    "Softmax": "leave it off: minigrad's networks give logits, and its losses take them",
    "LogSoftmax": "leave it off: minigrad's networks give logits, and its losses take them",
    "ModuleList": "it does not say in what order its modules are applied: use a torch.nn.Sequential",
    "OptimizedModule": "pass the network that torch.compile was given",
    "DataParallel": "pass the network inside, its .module",
    "ModuleDict": "it does not say in what order its modules are applied: use a torch.nn.Sequential",
}
"""What to do about layers that are asked for often."""
