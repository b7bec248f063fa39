"""Rows of samples, with NumPy's signatures: sliding one along another, reading between them, unwrapping."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..rules import NUMPY
from ..rules.convolution import convolution
from ..rules.gates import clip, where
from ..rules.operands import numbers
from .arguments import operand

__all__ = ["convolve", "correlate", "interp", "unwrap"]


def convolve(a: Any, v: Any, mode: str = "full") -> Any:
    """
    Return the convolution of two rows, yₖ = Σ aᵢ·vₖ₋ᵢ: the products of polynomials, for one.

    Parameters
    ----------
    a, v : array_like, shapes (n,) and (m,)
        The rows; the longer one comes first, whatever the order.
    mode : {"full", "same", "valid"}
        All n + m − 1 sums, the middle max(n, m) of them, or those of complete overlap.

    Raises
    ------
    ValueError
        If a row is empty or has several axes, or the mode is another one.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.convolve(mg.tensor([1.0, 2.0]), [1.0, 10.0])
    tensor([ 1., 12., 20.])
    """
    x, y = _row("convolve", a), _row("convolve", v)
    x, y = (x, y) if x.size >= y.size else (y, x)
    return _slid("convolve", x, np.flip(y), mode)


def correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    """
    Return the correlation of two rows, yₖ = Σ aₖ₊ᵢ·vᵢ: :func:`convolve` with ``v`` turned round.

    Parameters
    ----------
    a, v : array_like, shapes (n,) and (m,)
        The rows.
    mode : {"valid", "same", "full"}
        As in :func:`convolve`.

    Raises
    ------
    ValueError
        As :func:`convolve`.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.correlate(mg.tensor([1.0, 2.0, 4.0]), [1.0, 10.0])
    tensor([21., 42.])
    """
    x, y = _row("correlate", a), _row("correlate", v)
    return _slid("correlate", x, y, mode) if x.size >= y.size else np.flip(_slid("correlate", y, x, mode))


def _row(name: str, x: Any) -> Any:
    x = operand(x)
    if x.ndim > 1 or x.size == 0:
        raise ValueError(f"{name} takes two rows with one entry or more in each, but got shape {x.shape}")
    return np.reshape(x, (x.size,))


def _slid(name: str, x: Any, kernel: Any, mode: str) -> Any:
    """The sums of products for every place of the kernel along ``x``, which is as long at least."""
    if mode not in ("full", "same", "valid"):
        raise ValueError(f'{name}: mode is "full", "same" or "valid", not {mode!r}')
    over = 0 if mode == "valid" else kernel.size - 1
    sums = convolution(x[None, None], kernel[None, None], stride=(1,), padding=(over,))[0, 0]
    return sums[over // 2 : over // 2 + x.size] if mode == "same" else sums


def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Any:
    """
    Return the height at ``x`` of the line through the points (xp, fp), with derivatives by all three.

    It computes in float64, as NumPy does. In ``x`` it is piecewise linear, made of a :func:`clip` to the
    segment that ``x`` lies in: a gate whose boundaries are the ends of that segment, as :func:`thin` needs
    them. At a point the slope is that of the segment to its right, and at the last one to its left.

    Parameters
    ----------
    x : array_like
        Where to read.
    xp, fp : array_like, shape (n,)
        The points, from left to right.
    left, right : float, optional
        The height before the first and after the last point; by default theirs.
    period : float, optional
        Repeats the line; the points may then have any order.

    Raises
    ------
    ValueError
        If there is no point, not as many heights, their order is not ascending, or the period is 0.

    Examples
    --------
    >>> import minigrad as mg
    >>> x = mg.tensor([0.5, 1.5, 9.0], requires_grad=True)
    >>> y = mg.interp(x, [0.0, 1.0, 3.0], [0.0, 10.0, 50.0])
    >>> y.data
    array([ 5., 20., 50.])
    >>> y.sum().backward()
    >>> x.grad
    array([10., 20.,  0.])
    """
    x, xp, fp = map(operand, (x, xp, fp))
    if any(each.dtype.kind == "c" for each in (x, xp, fp)):
        raise TypeError("interp of a Tensor takes real numbers; read real and imaginary heights one by one")
    x, xp, fp = (each.astype(float) for each in (x, xp, fp))
    if xp.ndim != 1 or xp.shape != fp.shape or not xp.size:
        raise ValueError(f"interp takes n ≥ 1 points and heights, but got shapes {xp.shape} and {fp.shape}")
    if period is not None:
        x, xp, fp, left, right = *_repeated(x, xp, fp, abs(period)), None, None
    knots = numbers(xp)
    if (np.diff(knots) < 0).any():
        raise ValueError("interp takes points in ascending order; sort them with np.argsort(xp)")
    start = np.clip(np.searchsorted(knots, numbers(x), side="right") - 1, 0, max(xp.size - 2, 0))
    stop = np.minimum(start + 1, xp.size - 1)
    width = xp[stop] - xp[start]
    jump = numbers(width) == 0  # of two points at one place the last one counts
    share = (clip(x, xp[start], xp[stop]) - xp[start] + jump) / (width + jump)
    y = fp[start] + share * (fp[stop] - fp[start])
    y = y if left is None else where(numbers(x) < knots[0], left, y)
    return y if right is None else where(numbers(x) > knots[-1], right, y)


def _repeated(x: Any, xp: Any, fp: Any, period: Any) -> tuple[Any, Any, Any]:
    """All of one period, with one point more before and after it."""
    if period == 0:
        raise ValueError("interp: the period is 0, but a line repeats after a distance")
    x, xp = np.remainder(x, period), np.remainder(xp, period)
    order = np.argsort(numbers(xp), stable=True)
    xp, fp = xp[order], fp[order]
    around = np.concatenate([xp[-1:] - period, xp, xp[:1] + period])
    return x, around, np.concatenate([fp[-1:], fp, fp[:1]])


def unwrap(p: Any, discont: float | None = None, axis: int = -1, *, period: float = 2 * math.pi) -> Any:
    """
    Return angles without their jumps: whole periods are added where neighbours differ by more than half one.

    What is added does not change with ``p``: the derivative is 1.

    Examples
    --------
    >>> import minigrad as mg
    >>> mg.unwrap(mg.tensor([0.0, 90.0, -180.0]), period=360)
    tensor([  0.,  90., 180.])
    """
    x = operand(p)
    plain = numbers(x)
    return x + (np.unwrap(plain, discont, axis, period=period) - plain)


NUMPY |= {getattr(np, name): globals()[name] for name in __all__}
