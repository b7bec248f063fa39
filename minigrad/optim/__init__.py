"""Optimizers: how a gradient becomes a step, as torch takes it and as the lecture writes it."""

from .adaptive import Adagrad, Adam, AdamW, RMSProp
from .descent import SGD, Momentum
from .optimizer import Optimizer

__all__ = ["SGD", "Adagrad", "Adam", "AdamW", "Momentum", "Optimizer", "RMSProp"]
