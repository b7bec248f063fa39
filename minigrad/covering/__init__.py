"""What a data set has trained of a network so far, and what each of its neurons does with it."""

from .dataset import Coverage, coverage
from .neurons import Neurons

__all__ = ["Coverage", "Neurons", "coverage"]
