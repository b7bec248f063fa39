"""A reverse-mode autodiff engine and the thin linear networks that it reveals."""

from . import data, functions, nn, optim
from .anomaly import AnomalyError, detect_anomaly
from .check import GradientMismatch, check_gradients
from .extension import primitive
from .functions import *  # noqa: F403  what its own __all__ lists
from .functions import linear_algebra as linalg
from .graph import GraphFreedError
from .random import manual_seed
from .recording import enable_grad, no_grad
from .regularizers import L1, L2
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
from .scalarize import leaves, scalarize
from .tensor import Tensor, tensor
from .thin import NotPiecewiseLinearError, ThinLayer, ThinNetwork, thin
from .trace import Graph, GraphNode, trace
from .training import Callback, DivergenceError, EarlyStopping, History, TrainingState, fit
from .transforms import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from .value import Value
from .writes import ChangedInPlaceError

__version__ = "0.1.0"

__all__ = [
    "L1",
    "L2",
    "AnomalyError",
    "Callback",
    "ChangedInPlaceError",
    "DivergenceError",
    "EarlyStopping",
    "GradientMismatch",
    "Graph",
    "GraphFreedError",
    "GraphNode",
    "History",
    "NotPiecewiseLinearError",
    "Tensor",
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
    "copysign",
    "cos",
    "cosh",
    "check_gradients",
    "data",
    "deg2rad",
    "detect_anomaly",
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
    "trace",
    "trunc",
    "value_and_grad",
    "vjp",
    "where",
    *functions.__all__,
]
