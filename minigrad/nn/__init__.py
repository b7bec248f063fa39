"""Networks: layers, losses, initial weights, files."""

from . import init
from .activations import LeakyReLU, Maxout, PReLU, ReLU, Sigmoid, Softplus, Tanh
from .layers import Dropout, Identity, Linear, Residual, Sequential
from .loading import load
from .losses import binary_cross_entropy_with_logits, cross_entropy, hinge_loss, mse_loss
from .module import Module, Parameter, watch

__all__ = [
    "Dropout",
    "Identity",
    "LeakyReLU",
    "Linear",
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
    "hinge_loss",
    "init",
    "load",
    "mse_loss",
    "watch",
]
