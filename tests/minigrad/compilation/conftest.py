"""Nothing of a capture may outlive it."""

import gc
from collections.abc import Iterator

import pytest

from minigrad.compilation.traced import Number, Traced


@pytest.fixture(autouse=True)
def numpy_alone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """NumPy's results are the same bit for bit; numba's, which have tests of their own, to rounding."""
    if "numba" not in request.node.nodeid:
        monkeypatch.setenv("MINIGRAD_BACKEND", "numpy")


@pytest.fixture(autouse=True)
def no_stand_in_survives() -> Iterator[None]:
    yield
    gc.collect()
    survivors = [x for x in gc.get_objects() if type(x) is Traced or type(x) is Number]
    assert not survivors, [type(x).__name__ for x in survivors]
