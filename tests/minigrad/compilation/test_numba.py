"""Kernels compiled by numba: the numbers, what is kept on disk, and what happens where numba is not there."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import minigrad as mg
from minigrad import nn, optim
from minigrad.compilation.backends import backend
from minigrad.compilation.passes.fusion import fusion
from minigrad.compilation.program import Fused, Program

from .recipes import EXACT, computed, inputs, program_of, recipes, replayed

numba = pytest.importorskip("numba")

from minigrad.compilation import numba_backend  # noqa: E402  where there is numba
from minigrad.compilation.numba_source import fusable  # noqa: E402

numbers = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Kernels go to a folder of the test's own."""
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(numba_backend, "_compiled", {})
    yield tmp_path / "minigrad"


def fused_of(function: Any, *given: Any) -> tuple[Program, Fused]:
    program = fusion(program_of(function, given), fusable)
    (fused,) = (k.function for k in program.instructions if isinstance(k.function, Fused))
    return program, fused


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(recipes(EXACT, most=20), inputs())
def test_kernels_give_what_numpy_gives(recipe: Any, given: Any) -> None:
    """Infinities and nan too, bit for bit but for the sign of zeros."""
    function = computed(recipe)
    program = fusion(program_of(function, given), fusable)
    with np.errstate(all="ignore"):
        expected = function(*given)
    for got, right in zip(replayed(program, numba_backend.kernel, given), expected, strict=True):
        np.testing.assert_array_equal(got, right, strict=isinstance(right, np.ndarray))


def softmax_and_more(x: Any, b: Any, y: Any) -> Any:
    z = x + b
    shifted = z - np.max(z, axis=-1, keepdims=True)
    powers = np.exp(shifted)
    p = powers / np.add.reduce(powers, axis=-1, keepdims=True)
    return p, np.add.reduce(p, axis=0), np.add.reduce(p[np.arange(len(x)), y], axis=None) / 7


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(1, 3), (6, 1), (5, 10), (40, 300)])
def test_rows(shape: tuple[int, int], dtype: Any) -> None:
    x, b = numbers.normal(size=shape).astype(dtype), numbers.normal(size=shape[1]).astype(dtype)
    y = numbers.integers(-shape[1], shape[1], shape[0])
    program = fusion(program_of(softmax_and_more, [x, b, y]), fusable)
    got, right = replayed(program, numba_backend.kernel, [x, b, y]), softmax_and_more(x, b, y)
    for one, other in zip(got, right, strict=True):
        assert one.dtype == dtype
        np.testing.assert_allclose(one, other, rtol=20 * np.finfo(dtype).eps, atol=20 * np.finfo(dtype).eps)


def test_an_index_out_of_bounds_is_an_error() -> None:
    x, b, y = np.ones((3, 4)), np.ones(4), np.array([0, 1, 2])
    program = fusion(program_of(softmax_and_more, [x, b, y]), fusable)
    for wrong in (4, -5):
        with pytest.raises(IndexError, match="out of bounds"):
            replayed(program, numba_backend.kernel, [x, b, np.array([0, wrong, 1])])


@pytest.mark.parametrize(
    "make", [lambda x: np.asfortranarray(x), lambda x: x[::2, ::-1], lambda x: x.T.copy().T]
)
def test_arrays_that_lie_otherwise(make: Any) -> None:
    """Strides that differ from those at the capture."""
    x = numbers.normal(size=(6, 5))
    other = make(numbers.normal(size=(12, 5)))[:6]
    program = fusion(program_of(lambda x: np.sqrt(np.abs(x)) + 1.0, [x]), fusable)
    (got,) = [replayed(program, numba_backend.kernel, [other])]
    np.testing.assert_array_equal(got, np.sqrt(np.abs(other)) + 1.0)


@pytest.mark.parametrize("shape", [(1001,), (13, 77), (2, 500)])
def test_several_cores(shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each entry is computed by one of them."""
    monkeypatch.setattr(numba_backend, "LARGE", 100)
    monkeypatch.setattr(numba_backend, "cores", lambda: 3)
    x = numbers.random(shape)
    program, fused = fused_of(lambda x: (np.sqrt(x) * 2.0 - 1.0, x > 0.5), x)
    outputs = [np.full(shape, np.nan), np.zeros(shape, bool)][: len(fused.outputs)]
    numba_backend.kernel(fused, [x, *outputs])(x, *outputs)
    np.testing.assert_array_equal(outputs[0], np.sqrt(x) * 2.0 - 1.0)
    np.testing.assert_array_equal(replayed(program, numba_backend.kernel, [x])[1], x > 0.5)


def test_scalars_for_arrays_without_axes() -> None:
    """What NumPy returns of a function that isn't told where to write."""
    x, norm = numbers.random(5).astype(np.float32), np.array(2.0, np.float32)
    _, fused = fused_of(lambda x, norm: x / norm - norm, x, norm)
    assert fused.inputs == (0, 1)
    out = np.empty(5, np.float32)
    numba_backend.kernel(fused, [x, None, out])(x, np.float32(2.0), out)
    np.testing.assert_array_equal(out, x / norm - norm)


def test_writing_where_it_reads() -> None:
    """An output in the memory of an input, as in an optimizer's step."""
    x, y = numbers.random((2, 1000))
    _, fused = fused_of(lambda x, y: (x * 0.5 + y, y * y - x), x, y)
    memory, other = x.copy(), np.empty(1000)
    numba_backend.kernel(fused, [memory, y, memory, other])(memory, y, memory, other)
    np.testing.assert_array_equal(memory, x * 0.5 + y)
    np.testing.assert_array_equal(other, y * y - x)


def train(backend: str | None, steps: int = 6) -> tuple[list[float], list[Any], Any]:
    mg.manual_seed(0)
    double = {"dtype": np.float64}
    net = nn.Sequential(nn.Linear(12, 20, **double), nn.ReLU(), nn.Dropout(0.2), nn.Linear(20, 4, **double))
    adam = optim.Adam(net.parameters(), lr=0.01)

    def step(x: Any, y: Any) -> Any:
        adam.zero_grad()
        loss = nn.cross_entropy(net(x), y)
        loss.backward()
        adam.step()
        return loss

    run = mg.compile(step, backend=backend) if backend else step
    rng = np.random.default_rng(1)
    losses = [run(rng.normal(size=(9, 12)), rng.integers(0, 4, 9)).item() for _ in range(steps)]
    return losses, [p.data for p in net.parameters()], run


def test_a_network_trains_the_same() -> None:
    """As without compilation, to rounding; and the program has fused loops."""
    (losses, parameters, _), (eager, others, _) = train("numba"), train(None)
    np.testing.assert_allclose(losses, eager, rtol=1e-12)
    for one, other in zip(parameters, others, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


def test_wrong_labels_get_the_same_error() -> None:
    """The error of the function itself, and nothing is changed by it."""
    _, parameters, run = train("numba")
    assert any(isinstance(k.function, Fused) for k in run.programs[0].instructions)
    before = [array.copy() for array in parameters]
    with pytest.raises((ValueError, IndexError)) as compiled:
        run(np.ones((9, 12)), np.full(9, 4))
    _, _, eager = train(None)
    with pytest.raises((ValueError, IndexError)) as plain:
        eager(np.ones((9, 12)), np.full(9, 4))
    assert str(compiled.value) == str(plain.value)
    for now, then in zip(parameters, before, strict=True):
        np.testing.assert_array_equal(now, then)


# What is kept on disk


def compiled_files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.nbc"))


def square_root(x: Any) -> Any:
    return np.sqrt(x) + 1.0


def test_kernels_are_kept(kept: Path) -> None:
    """The second time nothing is compiled."""
    x = numbers.random(5)
    _, fused = fused_of(square_root, x)
    numba_backend.kernel(fused, [None, np.empty(5)])
    before = compiled_files(kept)
    assert len(before) == 1
    numba_backend._compiled.clear()
    out = np.empty(5)
    kernel: Any = numba_backend.kernel(fused, [None, out])
    assert sum(kernel.stats.cache_hits.values()) == 1
    assert compiled_files(kept) == before
    kernel(x, out)
    np.testing.assert_array_equal(out, square_root(x))


def test_what_is_broken_on_disk_is_compiled_anew(kept: Path) -> None:
    x, out = numbers.random(5), np.empty(5)
    _, fused = fused_of(square_root, x)
    numba_backend.kernel(fused, [None, out])
    for file in kept.rglob("*.nb?"):
        file.write_bytes(b"no machine code")
    numba_backend._compiled.clear()
    numba_backend.kernel(fused, [None, out])(x, out)
    np.testing.assert_array_equal(out, square_root(x))
    assert not compiled_files(kept)


def test_without_a_place_to_keep_them(kept: Path) -> None:
    kept.write_text("a file where the folder would be")
    x, out = numbers.random(5), np.empty(5)
    _, fused = fused_of(square_root, x)
    numba_backend.kernel(fused, [None, out])(x, out)
    np.testing.assert_array_equal(out, square_root(x))


def python(code: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


USE = """
import numpy as np, minigrad as mg
f = mg.compile(lambda x: np.sqrt(x) * 2.0 + 1.0{})
print(*[f(np.full(3, 4.0 * k))[0] for k in range(4)], f.programs[0].instructions[0].name)
"""


def test_two_processes_at_once(kept: Path) -> None:
    """They write the same files, each whole."""
    both = [
        python(USE.format(""), MINIGRAD_BACKEND="numba", XDG_CACHE_HOME=str(kept.parent)) for _ in range(2)
    ]
    for process in both:
        out, error = process.communicate(timeout=120)
        assert process.returncode == 0, error
        assert out.startswith("1.0 5.0 6.65"), out
    assert compiled_files(kept)
    assert not list(kept.glob("*.tmp"))


# Where numba is not there


def test_without_numba() -> None:
    """NumPy alone, silently; an error that names the extra where numba was asked for."""
    missing = "import sys; sys.modules['numba'] = None\n"
    process = python(missing + USE.format(""), MINIGRAD_BACKEND="")
    out, error = process.communicate(timeout=120)
    assert process.returncode == 0 and not error, error
    assert out.split()[-1] == "sqrt"
    process = python(missing + USE.format(", backend='numba'"))
    _, error = process.communicate(timeout=120)
    assert process.returncode != 0
    assert "ImportError: numba can't be imported" in error and "fast" in error


def test_the_environment_chooses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MINIGRAD_BACKEND", raising=False)
    assert backend().name == "numba"
    monkeypatch.setenv("MINIGRAD_BACKEND", "numpy")
    assert backend().name == "numpy"
    assert backend("numba").name == "numba"
    with pytest.raises(ValueError, match="'numpy' or 'numba', not 'cuda'"):
        mg.compile(square_root, backend="cuda")


def test_what_numba_refuses_is_interpreted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A version of numba that lacks something costs speed, nothing else."""
    monkeypatch.setattr(numba_backend, "source", lambda *_: "def kernel(a0, o0):\n    o0[:] = unknown(a0)\n")
    x, out = numbers.random(5), np.empty(5)
    _, fused = fused_of(square_root, x)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        numba_backend.kernel(fused, [None, out])(x, out)
    np.testing.assert_array_equal(out, square_root(x))
