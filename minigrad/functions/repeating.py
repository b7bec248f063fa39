"""Repeating entries and padding arrays, with NumPy's signatures; gradients of copies add up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..rules import NUMPY
from ..rules.operands import as_array, numbers
from ..rules.shaping import scatter_add
from .arguments import along, one_axis, operand, several_axes

__all__ = ["pad", "repeat", "resize", "sliding_window_view", "tile"]


def tile(A: Any, reps: int | Sequence[int]) -> Any:
    """
    Return an array laid side by side with itself, ``reps`` times along each axis.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.tile(mg.tensor([1.0, 2.0]), 2)
    tensor([1., 2., 1., 2.])
    """
    x = operand(A)
    times = (reps,) if np.ndim(reps) == 0 else tuple(reps)  # type: ignore[arg-type]
    shape = (*(1,) * (len(times) - x.ndim), *x.shape)
    times = (*(1,) * (x.ndim - len(times)), *times)
    if any(r < 0 for r in times):
        raise ValueError(f"tile repeats an array 0 times or more, but got reps = {reps}")
    apart = np.reshape(x, [length for n in shape for length in (1, n)])
    copies = np.broadcast_to(apart, [length for r, n in zip(times, shape, strict=True) for length in (r, n)])
    tiled = np.reshape(copies, [int(r) * n for r, n in zip(times, shape, strict=True)])
    return tiled if any(r != 1 for r in times) else np.copy(tiled)


def repeat(a: Any, repeats: int | Sequence[int], axis: int | None = None) -> Any:
    """
    Return each entry along an axis several times in a row: all as often, or each as its own number says.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.repeat(mg.tensor([1.0, 2.0]), [1, 3])
    tensor([1., 2., 2., 2.])
    """
    x = operand(a)
    if axis is None:
        x, axis = np.reshape(x, (-1,)), 0
    axis = one_axis("repeat", axis, x)
    counts = as_array(numbers(repeats))
    if counts.size and counts.dtype.kind not in "iub":
        raise TypeError(f"repeat takes whole numbers of times, but got dtype {counts.dtype}")
    return x[along(axis, np.repeat(np.arange(x.shape[axis]), counts.astype(int)))]


def resize(a: Any, new_shape: int | Sequence[int]) -> Any:
    """
    Return the entries in another shape, again from the first one where there are too few.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.resize(mg.tensor([1.0, 2.0]), (3,))
    tensor([1., 2., 1.])
    """
    x = operand(a)
    if np.any(np.less(new_shape, 0)):
        raise ValueError(f"resize takes lengths of 0 or more, but got {new_shape}")
    row = np.reshape(x, (-1,))
    if x.size == 0:  # there is nothing to repeat: zeros, as NumPy gives
        row = scatter_add(row, index=slice(0), shape=(1,))
    return row[np.resize(np.arange(row.size), new_shape)]


def sliding_window_view(
    x: Any, window_shape: Any, axis: Any = None, *, subok: bool = False, writeable: bool = False
) -> Any:
    """
    Return what is in a window at every place that it can have: the axes of the window are the last.

    It is no view but a copy, with NumPy's name: of ``np.lib.stride_tricks``.

    Parameters
    ----------
    x : array_like
        What to look at.
    window_shape : int or tuple of int
        How long the window is, along each axis or along those given.
    axis : int or tuple of int, optional
        Along which axes; several times, if need be.
    subok, writeable : bool
        Taken for NumPy's sake.

    Raises
    ------
    ValueError
        If there are not as many lengths as axes, or a window is longer than the array.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.sliding_window_view(mg.tensor([1.0, 2.0, 3.0]), 2)
    tensor([[1., 2.],
            [2., 3.]])
    """
    x = operand(x)
    lengths = (window_shape,) if np.ndim(window_shape) == 0 else tuple(window_shape)
    axes = range(x.ndim) if axis is None else several_axes("sliding_window_view", axis, x, repeated=True)
    if len(lengths) != len(axes):
        raise ValueError(f"sliding_window_view takes one length for each of {len(axes)} axes, not {lengths}")
    for k, n in zip(axes, lengths, strict=True):
        count = x.shape[k] - n + 1
        if n < 0 or count < 1:
            raise ValueError(f"sliding_window_view: no window of {n} entries along {x.shape[k]}, axis {k}")
        x = np.moveaxis(x[along(k, np.arange(count)[:, None] + np.arange(n))], k + 1, -1)
    return x


def pad(array: Any, pad_width: Any, mode: str = "constant", **kwargs: Any) -> Any:
    """
    Return an array with more entries at its edges: constants, copies of its own, or what it is there.

    Parameters
    ----------
    array : array_like
        The inside.
    pad_width : int, pair, sequence of pairs, or dict of axes
        How many entries before and after, for all axes or for each.
    mode : str
        What they are: "constant"; "edge", "reflect", "symmetric", "wrap", copies; "maximum", "mean",
        "median", "minimum" along the axis; "linear_ramp", from the edge to a constant.
    **kwargs
        ``constant_values`` and ``end_values`` (of the ramp), constants, 0 if not given, and ``stat_length``,
        how many entries from the edge count, all if not given; in the form of ``pad_width``.

    Raises
    ------
    ValueError
        If the mode has no rule here, or does not take the option.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.pad(mg.tensor([1.0, 2.0, 3.0]), (1, 2))
    tensor([0., 1., 2., 3., 0., 0.])
    >>> mg.pad(mg.tensor([1.0, 2.0, 3.0]), 1, mode="reflect")
    tensor([2., 1., 2., 3., 2.])
    """
    x = operand(array)
    if mode not in _OPTIONS:
        raise ValueError(f"pad: mode {mode!r} has no rule here; there are {', '.join(_OPTIONS)}")
    if unknown := kwargs.keys() - _OPTIONS[mode]:
        raise ValueError(f"pad: mode {mode!r} does not take {', '.join(sorted(unknown))}")
    if kwargs.get("reflect_type", "even") != "even":
        raise ValueError("pad: reflect_type='odd' has no rule here; subtract from twice the edge yourself")
    if mode == "constant":
        return _framed(x, pad_width, **kwargs)
    if mode in _STATISTICS or mode == "linear_ramp":
        return _grown(x, pad_width, mode, **kwargs)
    places: Any = np.arange(x.size).reshape(x.shape)
    return np.reshape(x, (-1,))[np.pad(places, pad_width, mode=mode, **kwargs)]  # type: ignore[call-overload]


_STATISTICS: dict[str, Any] = {"maximum": np.max, "mean": np.mean, "median": np.median, "minimum": np.min}

_OPTIONS: dict[str, set[str]] = {
    "constant": {"constant_values"},
    "edge": set(),
    "reflect": {"reflect_type"},
    "symmetric": {"reflect_type"},
    "wrap": set(),
    "linear_ramp": {"end_values"},
    **{mode: {"stat_length"} for mode in _STATISTICS},
}
"""What each mode takes."""


def _framed(x: Any, pad_width: Any, **kwargs: Any) -> Any:
    """The entries inside, and a frame of constants."""
    frame = np.pad(np.zeros(x.shape, dtype=x.dtype), pad_width, mode="constant", **kwargs)
    starts = [before for before, _ in _pairs(pad_width, x.ndim)]
    inside = tuple(slice(start, start + n) for start, n in zip(starts, x.shape, strict=True))
    padded = scatter_add(x, index=inside, shape=frame.shape)
    return padded + frame if "constant_values" in kwargs else padded


def _grown(x: Any, pad_width: Any, mode: str, stat_length: Any = None, end_values: Any = 0) -> Any:
    """The array with entries before and after it along one axis after the other."""
    given = (_pairs(each, x.ndim) for each in (pad_width, stat_length, end_values))
    for axis, (counts, lengths, ends) in enumerate(zip(*given, strict=True)):
        front = _before(x, axis, mode, counts[0], lengths[0], ends[0])
        back = _before(np.flip(x, axis), axis, mode, counts[1], lengths[1], ends[1])
        x = np.concatenate([front, x, np.flip(back, axis)], axis=axis)
    return x


def _before(x: Any, axis: int, mode: str, count: int, length: int | None, end: float) -> Any:
    """What to put before ``x``: a ramp from the end to its edge, or a statistic of its first entries."""
    if mode == "linear_ramp":
        share = np.reshape(np.arange(count) / max(count, 1), (count, *(1,) * (x.ndim - axis - 1)))
        return (end + share * (x[along(axis, slice(0, 1))] - end)).astype(x.dtype)
    entry = _STATISTICS[mode](x[along(axis, slice(length))], axis=axis, keepdims=True)
    entry = np.round(entry).astype(x.dtype) if x.dtype.kind in "iu" else entry
    return np.broadcast_to(entry, (*x.shape[:axis], count, *x.shape[axis + 1 :]))


def _pairs(widths: Any, ndim: int) -> list[Any]:
    """Before and after, for each axis, from any of the forms that NumPy takes."""
    if isinstance(widths, Mapping):
        each = [widths.get(k, widths.get(k - ndim, 0)) for k in range(ndim)]
        return [pair for one in each for pair in _pairs(one, 1)]
    return np.broadcast_to(np.asarray(widths), (ndim, 2)).tolist()


NUMPY |= {getattr(np, name): globals()[name] for name in __all__ if hasattr(np, name)}
NUMPY[np.lib.stride_tricks.sliding_window_view] = sliding_window_view
