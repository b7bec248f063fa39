"""Fused loops compiled by numba, kept on disk from one run to the next."""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import numba
import numpy as np

from . import interpreter
from .loops import loop_of
from .numba_source import source
from .program import Fused, Spec

LARGE = 400_000
"""Entries from which a second core is worth waking."""

seconds = 0.0
"""Time that numba has taken to compile kernels, or to read them from disk."""

_compiled: dict[str, Any] = {}
_lock = threading.Lock()
_helpers: list[ThreadPoolExecutor] = []


def kernel(fused: Fused, arrays: Sequence[Any]) -> Callable[..., None]:
    """
    Return the compiled loop of a fused instruction.

    Unlike NumPy it neither warns of overflow and the like nor raises: ``np.errstate`` doesn't reach it.

    Parameters
    ----------
    fused : Fused
        What it computes.
    arrays : sequence of ndarray or None
        Inputs and outputs, where they are known before the call.
    """
    loop = loop_of(fused.body, fused.specs)
    assert loop is not None
    inputs, outputs = arrays[: len(fused.inputs)], arrays[len(fused.inputs) :]
    shared = [next((k for k, x in enumerate(inputs) if _same(x, out)), None) for out in outputs]
    separate = all(kind in ("entry", "row") for kind in loop.kinds.values())
    parts = min(cores(), loop.shape[0]) if loop.shape else 1
    split = separate and len(loop.shape) > 0 and math.prod(loop.shape) >= LARGE and parts > 1
    signature = [
        _type(fused.specs[slot], array)
        for slot, array in zip((*fused.inputs, *fused.outputs), arrays, strict=True)
    ]
    try:
        function = _function(source(fused, shared, split), [numba.int64, numba.int64] * split + signature)
    except numba.core.errors.NumbaError:  # what this version of numba doesn't know
        return interpreter.kernel(fused)
    single = [k for k, slot in enumerate(fused.inputs) if fused.specs[slot].shape == () and arrays[k] is None]
    run = _in_parts(function, loop.shape[0], parts) if split else function
    return _with_arrays(run, single) if single else run


def _with_arrays(function: Callable[..., None], places: Sequence[int]) -> Callable[..., None]:
    """Return a loop that takes scalars too, which some functions give instead of arrays without axes."""

    def run(*arrays: Any) -> None:
        given = list(arrays)
        for place in places:
            given[place] = np.asarray(given[place])
        function(*given)

    return run


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _same(x: Any, out: Any) -> bool:
    """Return whether two arrays are the same memory, seen the same way."""
    alike = isinstance(x, np.ndarray) and (x.shape, x.strides, x.dtype) == (out.shape, out.strides, out.dtype)
    return alike and x.ctypes.data == out.ctypes.data


def _type(spec: Spec, array: Any) -> Any:
    """Return what numba calls the type of an operand."""
    if array is not None:
        return numba.typeof(array)  # type: ignore[no-untyped-call]
    if spec.shape is None:
        return numba.float64
    return numba.types.Array(numba.from_dtype(spec.dtype), len(spec.shape), "C")


def _in_parts(function: Callable[..., None], length: int, parts: int) -> Callable[..., None]:
    """Return a loop that runs on several cores, each with its part of the first axis."""
    helpers = _pool(parts - 1)
    bounds = [length * k // parts for k in range(parts + 1)]

    def run(*arrays: Any) -> None:
        others = [helpers.submit(function, start, stop, *arrays) for start, stop in pairwise(bounds[1:])]
        function(bounds[0], bounds[1], *arrays)
        for other in others:
            other.result()

    return run


def _pool(count: int) -> ThreadPoolExecutor:
    """Return threads that help; numba's own layers of threads are left to whoever else uses numba."""
    with _lock:
        if not _helpers:
            _helpers.append(ThreadPoolExecutor(count, "minigrad"))
        return _helpers[0]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_helpers.clear)  # threads don't survive in a child


def _function(text: str, signature: Sequence[Any]) -> Any:
    """Return the compiled function of a text, from this process, from disk, or from the compiler."""
    global seconds
    with _lock:
        start = time.perf_counter()
        name = f"kernel_{hashlib.sha256((text + numba.__version__).encode()).hexdigest()[:24]}"
        function = _compiled.get(name) or _defined(name, text, _kept(name, text))
        if tuple(signature) not in function.overloads:
            try:
                function.compile(tuple(signature))
            except Exception:  # what lies on disk can't be read
                _remove(name)
                function = _defined(name, text, None)
                function.compile(tuple(signature))
        _compiled[name] = function
        seconds += time.perf_counter() - start
        return function


def _defined(name: str, text: str, file: Path | None) -> Any:
    """Return the function of a text, not yet compiled."""
    names: dict[str, Any] = {"np": np, "math": math, "__name__": __name__}  # numba looks for the module
    names |= {kind: getattr(np, kind) for kind in ("float32", "float64", "int32", "int64", "uint64")}
    exec(compile(text, str(file or name), "exec"), names)
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
    if file is not None:
        try:
            return numba.njit(cache=True, **options)(names["kernel"])
        except RuntimeError:  # numba finds no place to keep it in
            pass
    return numba.njit(**options)(names["kernel"])


def _kept(name: str, text: str) -> Path | None:
    """Return the file of a kernel's text, beside which numba keeps what it compiled; None without a place."""
    try:
        folder = _folder()
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{name}.py"
        if not file.exists() or file.read_text() != text:
            with tempfile.NamedTemporaryFile("w", dir=folder, suffix=".tmp", delete=False) as beside:
                beside.write(text)
            Path(beside.name).replace(file)
    except (OSError, RuntimeError):  # read-only, full, or nobody's home
        return None
    return file


def _remove(name: str) -> None:
    """Remove what lies on disk of a kernel, so that the next process writes it anew."""
    with contextlib.suppress(OSError, RuntimeError):
        for file in _folder().rglob(f"{name}.*"):
            file.unlink(missing_ok=True)


def _folder() -> Path:
    """Return where kernels are kept: what numba is told, else the user's folder for such things."""
    given = os.environ.get("NUMBA_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME")
    if given:
        return Path(given) / "minigrad"
    if sys.platform == "win32" and os.environ.get("LOCALAPPDATA"):
        return Path(os.environ["LOCALAPPDATA"]) / "minigrad" / "Cache"
    return Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "minigrad"
