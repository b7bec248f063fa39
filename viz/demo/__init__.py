"""The main job of the command line: ``minigrad demo``."""

from .experiment import OPTIMIZERS, Settings, Trained, networks, train
from .report import table, write

__all__ = ["OPTIMIZERS", "Settings", "Trained", "networks", "table", "train", "write"]
