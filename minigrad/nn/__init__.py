"""Networks: layers, losses, initial weights, files."""

from . import init
from .activations import Hardtanh, LeakyReLU, Maxout, PReLU, ReLU, Sigmoid, Softplus, Tanh
from .images import AvgPool2d, Conv2d, Flatten, MaxPool2d
from .layers import Dropout, Identity, Linear, Residual, Sequential
from .loading import load
from .losses import binary_cross_entropy_with_logits, cross_entropy, hinge_loss, mse_loss
from .module import Buffer, Module, Parameter, watch
from .normalization import BatchNorm
from .sklearn_import import from_sklearn
from .torch_import import from_torch

__all__ = [
    "AvgPool2d",
    "BatchNorm",
    "Buffer",
    "Conv2d",
    "Dropout",
    "Flatten",
    "Hardtanh",
    "Identity",
    "LeakyReLU",
    "Linear",
    "MaxPool2d",
    "Maxout",
    "Module",
    "PReLU",
    "Parameter",
    "ReLU",
    "Residual",
    "Sequential",
    "Sigmoid",
    "Softplus",
    "Tanh",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "from_sklearn",
    "from_torch",
    "hinge_loss",
    "init",
    "load",
    "mse_loss",
    "watch",
]
