"""NumPy's functions on Tensors, with NumPy's signatures: compositions of primitives, in families."""

from . import (  # noqa: F401  constants and linear_algebra fill the table
    accumulating,
    constants,
    convolution,
    counting,
    elementwise,
    joining,
    linear_algebra,
    making,
    ordering,
    picking,
    polynomials,
    products,
    reductions,
    repeating,
    sets,
    shaping,
    signals,
    splitting,
    statistics,
)
from .accumulating import *  # noqa: F403
from .convolution import *  # noqa: F403
from .counting import *  # noqa: F403
from .elementwise import *  # noqa: F403
from .joining import *  # noqa: F403
from .making import *  # noqa: F403
from .ordering import *  # noqa: F403
from .picking import *  # noqa: F403
from .polynomials import *  # noqa: F403
from .products import *  # noqa: F403
from .reductions import *  # noqa: F403
from .repeating import *  # noqa: F403
from .sets import *  # noqa: F403
from .shaping import *  # noqa: F403
from .signals import *  # noqa: F403
from .splitting import *  # noqa: F403
from .statistics import *  # noqa: F403

__all__ = [
    *accumulating.__all__,
    *convolution.__all__,
    *counting.__all__,
    *elementwise.__all__,
    *joining.__all__,
    *making.__all__,
    *ordering.__all__,
    *picking.__all__,
    *polynomials.__all__,
    *products.__all__,
    *reductions.__all__,
    *repeating.__all__,
    *sets.__all__,
    *shaping.__all__,
    *signals.__all__,
    *splitting.__all__,
    *statistics.__all__,
]
