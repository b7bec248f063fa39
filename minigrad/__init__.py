"""A reverse-mode autodiff engine and the thin linear networks that it reveals."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import functions
from .functions import *  # noqa: F403  what its own __all__ lists
from .functions import linear_algebra as linalg
from .graph import GraphFreedError
from .recording import enable_grad, no_grad
from .rules.arithmetic import float_power, fmod, power, reciprocal, remainder, square
from .rules.decisions import ceil, floor, heaviside, rint, sign, trunc
from .rules.exponentials import (
    cbrt,
    exp,
    exp2,
    expm1,
    log,
    log1p,
    log2,
    log10,
    logaddexp,
    logaddexp2,
    sigmoid,
    softplus,
    sqrt,
    tanh,
)
from .rules.gates import abs, copysign, fabs, fmax, fmin, maximum, maxout, minimum, prelu, relu, where
from .rules.products import matmul
from .rules.reductions import log_softmax, logsumexp, softmax
from .rules.trigonometry import (
    arccos,
    arccosh,
    arcsin,
    arcsinh,
    arctan,
    arctan2,
    arctanh,
    cos,
    cosh,
    deg2rad,
    hypot,
    rad2deg,
    sin,
    sinc,
    sinh,
    tan,
)
from .tensor import Tensor, tensor
from .thin import thin, thin_batch
from .value import Value
from .writes import ChangedInPlaceError

if TYPE_CHECKING:
    from . import data, nn, optim, regions
    from .anomaly import AnomalyError, detect_anomaly
    from .check import GradientMismatch, check_gradients
    from .compilation import CaptureWarning, Compiled, NotTheSameError, compile
    from .covering import Coverage, coverage
    from .ensembles import (
        CountMasks,
        DropoutEnsemble,
        EnsembleComparison,
        compare_ensembles,
        dropout_ensemble,
        dropout_masks,
    )
    from .extension import primitive
    from .random import manual_seed
    from .regularizers import L1, L2
    from .scalarization import leaves, scalarize
    from .thin import NotPiecewiseLinearError, ThinBatch, ThinLayer, ThinNetwork
    from .tracing import Graph, GraphNode, trace
    from .training import Callback, DivergenceError, EarlyStopping, History, TrainingState
    from .training.fit import fit
    from .transforms import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp

__version__ = "0.1.0"

_PARTS = {
    "anomaly": ("AnomalyError", "detect_anomaly"),
    "compilation": ("CaptureWarning", "Compiled", "NotTheSameError", "compile"),
    "check": ("GradientMismatch", "check_gradients"),
    "covering": ("Coverage", "coverage"),
    "ensembles": (
        "CountMasks",
        "DropoutEnsemble",
        "EnsembleComparison",
        "compare_ensembles",
        "dropout_ensemble",
        "dropout_masks",
    ),
    "extension": ("primitive",),
    "random": ("manual_seed",),
    "regularizers": ("L1", "L2"),
    "scalarization": ("leaves", "scalarize"),
    "thin": ("NotPiecewiseLinearError", "ThinBatch", "ThinLayer", "ThinNetwork"),
    "tracing": ("Graph", "GraphNode", "trace"),
    "training": ("Callback", "DivergenceError", "EarlyStopping", "History", "TrainingState", "fit"),
    "transforms": ("grad", "hessian", "hvp", "jacobian", "jvp", "value_and_grad", "vjp"),
}
"""What is loaded when it is first asked for, so that ``import minigrad`` takes little longer than NumPy."""


__all__ = [
    "AnomalyError",
    "Callback",
    "CaptureWarning",
    "ChangedInPlaceError",
    "Compiled",
    "CountMasks",
    "Coverage",
    "DivergenceError",
    "DropoutEnsemble",
    "EarlyStopping",
    "EnsembleComparison",
    "GradientMismatch",
    "Graph",
    "GraphFreedError",
    "GraphNode",
    "History",
    "L1",
    "L2",
    "NotTheSameError",
    "NotPiecewiseLinearError",
    "Tensor",
    "ThinBatch",
    "ThinLayer",
    "ThinNetwork",
    "TrainingState",
    "Value",
    "__version__",
    "abs",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "cbrt",
    "ceil",
    "check_gradients",
    "compare_ensembles",
    "compile",
    "copysign",
    "cos",
    "cosh",
    "coverage",
    "data",
    "deg2rad",
    "detect_anomaly",
    "dropout_ensemble",
    "dropout_masks",
    "enable_grad",
    "exp",
    "exp2",
    "expm1",
    "fabs",
    "fit",
    "float_power",
    "floor",
    "fmax",
    "fmin",
    "fmod",
    "grad",
    "heaviside",
    "hessian",
    "hvp",
    "hypot",
    "jacobian",
    "jvp",
    "leaves",
    "linalg",
    "log",
    "log10",
    "log1p",
    "log2",
    "log_softmax",
    "logaddexp",
    "logaddexp2",
    "logsumexp",
    "manual_seed",
    "matmul",
    "maximum",
    "maxout",
    "minimum",
    "nn",
    "no_grad",
    "optim",
    "power",
    "prelu",
    "primitive",
    "rad2deg",
    "reciprocal",
    "regions",
    "relu",
    "remainder",
    "rint",
    "scalarize",
    "sigmoid",
    "sign",
    "sin",
    "sinc",
    "sinh",
    "softmax",
    "softplus",
    "sqrt",
    "square",
    "tan",
    "tanh",
    "tensor",
    "thin",
    "thin_batch",
    "trace",
    "trunc",
    "value_and_grad",
    "vjp",
    "where",
    *functions.__all__,
]


def __getattr__(name: str) -> Any:
    """Load a part of the library, or one of its names, when it is first asked for."""
    if name in ("data", "nn", "optim", "regions"):
        found: Any = import_module(f".{name}", __name__)
    else:
        home = next((part for part, names in _PARTS.items() if name in names), None)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = getattr(import_module(f".{home}", __name__), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """All names, also of what is not loaded yet."""
    return sorted({*globals(), *__all__})
