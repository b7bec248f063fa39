"""Dropout as an ensemble: every mask is a network of its own; weight scaling stands for all of them."""

from .comparison import EnsembleComparison, compare_ensembles
from .counting import CountMasks
from .ensemble import Distances, DropoutEnsemble, dropout_ensemble
from .masks import dropout_masks

__all__ = [
    "CountMasks",
    "Distances",
    "DropoutEnsemble",
    "EnsembleComparison",
    "compare_ensembles",
    "dropout_ensemble",
    "dropout_masks",
]
