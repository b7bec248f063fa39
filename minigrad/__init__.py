"""A reverse-mode autodiff engine and the thin linear networks that it reveals."""

from . import data, functions, nn, optim
from .functions import *  # noqa: F403  what its own __all__ lists
from .graph import GraphFreedError, enable_grad, no_grad
from .random import manual_seed
from .regularizers import L1, L2
from .rules.exponentials import exp, log, sigmoid, softplus, sqrt, tanh
from .rules.gates import abs, maximum, maxout, minimum, prelu, relu, where
from .rules.products import matmul
from .rules.reductions import log_softmax, logsumexp, max, mean, min, softmax, sum
from .rules.shaping import broadcast_to, expand_dims, reshape, squeeze, transpose
from .scalarize import leaves, scalarize
from .tensor import Tensor, tensor
from .thin import NotPiecewiseLinearError, ThinLayer, ThinNetwork, thin
from .trace import Graph, GraphNode, trace
from .training import Callback, DivergenceError, EarlyStopping, History, TrainingState, fit
from .transforms import jvp, vjp
from .value import Value

__version__ = "0.1.0"

__all__ = [
    "L1",
    "L2",
    "Callback",
    "DivergenceError",
    "EarlyStopping",
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
    "broadcast_to",
    "data",
    "enable_grad",
    "exp",
    "expand_dims",
    "fit",
    "jvp",
    "leaves",
    "log",
    "log_softmax",
    "logsumexp",
    "manual_seed",
    "matmul",
    "max",
    "maximum",
    "maxout",
    "mean",
    "min",
    "minimum",
    "nn",
    "no_grad",
    "optim",
    "prelu",
    "relu",
    "reshape",
    "scalarize",
    "sigmoid",
    "softmax",
    "softplus",
    "sqrt",
    "squeeze",
    "sum",
    "tanh",
    "tensor",
    "thin",
    "trace",
    "transpose",
    "vjp",
    "where",
    *functions.__all__,
]
