"""NumPy's functions on Tensors, with NumPy's signatures: compositions of primitives, in families."""

from . import elementwise, joining
from .elementwise import *  # noqa: F403
from .joining import *  # noqa: F403

__all__ = [*elementwise.__all__, *joining.__all__]
