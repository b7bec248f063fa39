"""Training: the loop, what it records, when it stops."""

from .callback import Callback, TrainingState
from .early_stopping import EarlyStopping
from .fit import DivergenceError, fit
from .history import History

__all__ = ["Callback", "DivergenceError", "EarlyStopping", "History", "TrainingState", "fit"]
