"""The conventions where calculus is silent: every case computed here and by torch, for CONVENTIONS.md.

python -m tests.minigrad.conventions_table > CONVENTIONS.md
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import minigrad as mg
from minigrad import nn

inf, nan = float("inf"), float("nan")


@dataclass(frozen=True)
class Case:
    """
    One line of the table.

    Attributes
    ----------
    name : str
        What is silent.
    code : str
        What is differentiated here: statements, of which the last is an expression, of ``at``.
    torch : str
        The same for torch; "" where it has no such function.
    at : mapping
        Names and numbers.
    why : str
        The reason, where the two differ, or there is something to say.
    order : int
        Which derivative of the sum of all entries.
    dtype : str
        Of the arguments.
    """

    name: str
    code: str
    torch: str
    at: dict[str, Any] = field(default_factory=dict)
    why: str = ""
    order: int = 1
    dtype: str = "float64"


def case(
    name: str, code: str, torch: str, why: str = "", order: int = 1, dtype: str = "float64", **at: Any
) -> Case:
    """A case, with its arguments by name."""
    return Case(name, code, torch, at, why, order, dtype)


TIES = "shared equally: no entry is better than another"
TRIANGLE = (
    "NumPy reads one triangle of a symmetric matrix, so the other one has no slope, as differences say; "
    "torch reads one too, but shares its slope between both"
)
DEAD = "a branch that is not taken has no say: its cotangent 0 annihilates an infinite partial"

SECTIONS: dict[str, list[Case]] = {
    "Gates at their kinks": [
        case("relu at 0", "mg.relu(x)", "torch.relu(x)", "closed; the piece that is followed has this slope",
             x=0.0),
        case("relu at −0", "mg.relu(x)", "torch.relu(x)", x=-0.0),
        case("leaky_relu at 0", "mg.leaky_relu(x, 0.1)", "F.leaky_relu(x, 0.1)", "closed", x=0.0),
        case("prelu at 0", "mg.prelu(x, a)", "F.prelu(x, a)", "closed", x=[0.0], a=[0.25]),
        case("abs at 0", "np.abs(x)", "torch.abs(x)", "the mean of both slopes", x=0.0),
        case("sign", "np.sign(x)", "torch.sign(x)", "a step", x=[0.0, 2.0]),
        case("floor, ceil, rint at a jump", "np.floor(x) + np.ceil(x) + np.rint(x)",
             "torch.floor(x) + torch.ceil(x) + torch.round(x)", "steps", x=[1.0, 0.5]),
        case("heaviside at 0", "np.heaviside(x, y)", "torch.heaviside(x, y)",
             "its value at 0 is y: linear in it there; torch has no derivative", x=0.0, y=0.5),
        case("clip at its bounds", "np.clip(x, 1, 2)", "torch.clip(x, 1, 2)", "still inside", x=[1.0, 2.0]),
        case("clip at a bound, by the bound", "np.clip(x, low, 9)", "torch.clip(x, low, None)",
             "x is inside: it has the whole slope", x=1.0, low=1.0),
        case("copysign at x = 0", "np.copysign(x, y)", "torch.copysign(x, y)", "as abs", x=0.0, y=-1.0),
        case("relu(x)·x, second order at 0", "mg.relu(x) * x", "torch.relu(x) * x",
             "the gate stays closed at every order", order=2, x=[0.0, 1.0, -1.0]),
    ],
    "Ties": [
        case("maximum(x, y) where x = y", "np.maximum(x, y)", "torch.maximum(x, y)", TIES, x=2.0, y=2.0),
        case("minimum(x, y) where x = y", "np.minimum(x, y)", "torch.minimum(x, y)", TIES, x=2.0, y=2.0),
        case("maximum of three equal ones", "mg.maximum(x, y, z)", "torch.amax(torch.stack([x, y, z]), 0)",
             TIES, x=2.0, y=2.0, z=2.0),
        case("fmax(x, y) where x = y", "np.fmax(x, y)", "torch.fmax(x, y)", "the first", x=2.0, y=2.0),
        case("fmin(x, y) where x = y", "np.fmin(x, y)", "torch.fmin(x, y)", "the first", x=2.0, y=2.0),
        case("fmax where y is nan", "np.fmax(x, y)", "torch.fmax(x, y)", "the one that is a number", x=1.0,
             y=nan),
        case("fmin where x is nan", "np.fmin(x, y)", "torch.fmin(x, y)", "the one that is a number", x=nan,
             y=1.0),
        case("max of a whole array", "np.max(x)", "torch.amax(x, 0)", TIES, x=[1.0, 3.0, 3.0]),
        case("min along an axis", "np.min(x, axis=1)", "torch.amin(x, 1)", TIES, x=[[2.0, 2.0], [1.0, 4.0]]),
        case("Maxout", "mg.maxout(x, y)", "", "the first piece: one winner, as a neuron needs", x=2.0, y=2.0),
        case("max pooling", "mg.max_pool2d(x, 2)", "F.max_pool2d(x, 2)", "the first of the window",
             x=[[[[5.0, 5.0], [1.0, 5.0]]]]),
        case("median of an even number", "np.median(x)", "torch.median(x)",
             "NumPy's median is the mean of the two in the middle, torch's is the lower one",
             x=[1.0, 2.0, 4.0, 9.0]),
        case("median with ties", "np.median(x)", "torch.median(x)", TIES, x=[2.0, 2.0, 2.0]),
        case("nanmedian with ties", "np.nanmedian(x)", "torch.nanmedian(x)", TIES, x=[2.0, nan, 2.0, 1.0]),
        case("quantile with ties", "np.quantile(x, 0.5)", "torch.quantile(x, 0.5)",
             "as the median, which it is; torch takes one of the equal entries", x=[2.0, 2.0, 2.0]),
        case("sort with ties", "np.sort(x) * np.array([1.0, 2, 3])",
             "torch.sort(x, stable=True).values * torch.tensor([1.0, 2, 3])",
             "equal entries keep their order", x=[2.0, 1.0, 2.0]),
    ],
    "Infinite and missing slopes": [
        case("sqrt at 0", "np.sqrt(x)", "torch.sqrt(x)", "the limit", x=0.0),
        case("cbrt at 0", "np.cbrt(x)", "", "the limit", x=0.0),
        case("log at 0", "np.log(x)", "torch.log(x)", "the limit", x=0.0),
        case("1/x at 0", "1 / x", "1 / x", "the limit from above", x=0.0),
        case("norm of zeros", "np.linalg.norm(x)", "torch.linalg.norm(x)", "the smallest subgradient",
             x=[0.0, 0.0]),
        case("hypot(0, 0)", "np.hypot(x, y)", "torch.hypot(x, y)", "the norm of zeros; torch divides 0 by 0",
             x=0.0, y=0.0),
        case("arctan2(0, 0)", "np.arctan2(y, x)", "torch.atan2(y, x)", y=0.0, x=0.0),
        case("std of equal entries", "np.std(x)", "torch.std(x, correction=0)",
             "a norm of deviations, so 0 as that of zeros", x=[2.0, 2.0]),
        case("nanstd of equal entries", "np.nanstd(x)", "", "as std", x=[2.0, nan, 2.0]),
        case("arcsin at 1", "np.arcsin(x)", "torch.asin(x)", "the limit", x=1.0),
        case("sinc at 0", "np.sinc(x)", "torch.sinc(x)", "right at every order", x=0.0),
        case("sinc at 0, second order", "np.sinc(x)", "torch.sinc(x)",
             "−π²/3, as of the series; torch differentiates its choice of 0", order=2, x=0.0),
        case("nan_to_num", "np.nan_to_num(x)", "torch.nan_to_num(x)", "what is replaced is constant",
             x=[1.0, nan, inf]),
    ],
    "Products, powers and remainders": [
        case("prod with one 0", "np.prod(x)", "torch.prod(x)", "the product of the others, without dividing",
             x=[0.0, 2.0, 3.0]),
        case("prod with two 0", "np.prod(x)", "torch.prod(x)", x=[0.0, 0.0, 3.0]),
        case("prod with one 0, second order", "np.prod(x)", "torch.prod(x)", order=2, x=[0.0, 2.0, 3.0]),
        case("cumprod with a 0", "np.cumprod(x)", "torch.cumprod(x, 0)", x=[2.0, 0.0, 3.0]),
        case("x**0 at 0", "x**0", "x**0", "constant", x=0.0),
        case("x**y at x = y = 0", "x**y", "x**y", "x⁰ is constant; ln 0 is left out, as 0·ln 0 = 0", x=0.0,
             y=0.0),
        case("x**y at x = 0", "x**y", "x**y", "the limit", x=0.0, y=2.0),
        case("x**2 below 0", "x**2", "x**2", x=-3.0),
        case("x**y below 0, by y", "x**y", "x**y", "the logarithm of a negative number is not real", x=-3.0,
             y=2.0),
        case("remainder at a multiple", "np.remainder(x, y)", "torch.remainder(x, y)",
             "the slope to the right: x − n·y with n = x/y", x=6.0, y=2.0),
        case("remainder below 0", "np.remainder(x, y)", "torch.remainder(x, y)", x=-5.0, y=3.0),
    ],
    "Large and infinite numbers": [
        case("sigmoid at ±1000", "mg.sigmoid(x)", "torch.sigmoid(x)", x=[-1000.0, 1000.0]),
        case("softplus at ±1000", "mg.softplus(x)", "F.softplus(x)", x=[-1000.0, 1000.0]),
        case("softmax at ±1000", "mg.softmax(x)[0]", "torch.softmax(x, 0)[0]", x=[1000.0, -1000.0]),
        case("logsumexp at 1000", "mg.logsumexp(x)", "torch.logsumexp(x, 0)", x=[1000.0, 1000.0]),
        case("cross entropy at ±1000", "nn.cross_entropy(x, [1])", "F.cross_entropy(x, torch.tensor([1]))",
             x=[[1000.0, -1000.0]]),
        case("logaddexp(−inf, −inf)", "np.logaddexp(x, y)", "torch.logaddexp(x, y)",
             "two equal ones have half each; torch has ∞ − ∞", x=-inf, y=-inf),
        case("logaddexp(inf, inf)", "np.logaddexp(x, y)", "torch.logaddexp(x, y)",
             "two equal ones have half each; torch has ∞ − ∞", x=inf, y=inf),
        case("logaddexp(−inf, 0)", "np.logaddexp(x, y)", "torch.logaddexp(x, y)", x=-inf, y=0.0),
    ],
    "The branch that a where does not take": [
        case("log", "np.where(x > 0, np.log(x), 0)", "torch.where(x > 0, torch.log(x), 0.0)", DEAD,
             x=[0.0, 2.0]),
        case("log, second order", "np.where(x > 0, np.log(x), 0)", "torch.where(x > 0, torch.log(x), 0.0)",
             DEAD, order=2, x=[0.0, 2.0]),
        case("sqrt, third order", "np.where(x > 0, np.sqrt(x), 0)", "torch.where(x > 0, torch.sqrt(x), 0.0)",
             DEAD, order=3, x=[0.0, 4.0]),
        case("1/x through a chain", "np.where(x == 0, 1, np.sin(x) / x)",
             "torch.where(x == 0, 1.0, torch.sin(x) / x)", DEAD, x=[0.0, 2.0]),
        case("select", "np.select([x > 0], [np.log(x)])", "", DEAD, x=[0.0, 2.0]),
        case("log of a negative number", "np.where(x > 0, np.log(x), x)",
             "torch.where(x > 0, torch.log(x), x)", "finite in both: nothing to annihilate", x=[-1.0, 2.0]),
        case("through a contraction", "np.where(x > 0, np.log(x) @ np.eye(2), 0)",
             "torch.where(x > 0, torch.log(x) @ torch.eye(2, dtype=x.dtype), 0.0)",
             "a sum forgets which entry was not taken: nan, as everywhere", x=[0.0, 2.0]),
    ],
    "Indices": [
        case("an index that is repeated", "x[[0, 0, 1]]", "x[[0, 0, 1]]", "added up", x=[1.0, 2.0, 3.0]),
        case("take, repeated", "np.take(x, [2, 2])", "torch.take(x, torch.tensor([2, 2]))",
             x=[1.0, 2.0, 3.0]),
        case("repeat", "np.repeat(x, [0, 2])", "torch.repeat_interleave(x, torch.tensor([0, 2]))",
             x=[1.0, 2.0]),
        case("an entry that is overwritten", "y = x * 1; y[0] = 5.0; y", "y = x * 1; y[0] = 5.0; y",
             x=[1.0, 2.0]),
    ],
    "Matrices": [
        case("cholesky", "np.linalg.cholesky(x)", "torch.linalg.cholesky(x)", TRIANGLE,
             x=[[4.0, 1.0], [1.0, 3.0]]),
        case("cholesky, upper", "np.linalg.cholesky(x, upper=True)", "torch.linalg.cholesky(x, upper=True)",
             TRIANGLE, x=[[4.0, 1.0], [9.0, 3.0]]),
        case("det of a singular matrix", "np.linalg.det(x)", "torch.linalg.det(x)",
             "the cofactors, which need no inverse", x=[[1.0, 2.0], [2.0, 4.0]]),
        case("det of zeros", "np.linalg.det(x)", "torch.linalg.det(x)", x=[[0.0, 0.0], [0.0, 0.0]]),
        case("eigvalsh", "np.linalg.eigvalsh(x)[0]", "torch.linalg.eigvalsh(x)[0]", TRIANGLE,
             x=[[2.0, 1.0], [1.0, 2.0]]),
        case("pinv of a singular matrix", "np.linalg.pinv(x)", "torch.linalg.pinv(x)",
             "as if the rank stayed", x=[[1.0, 0.0], [0.0, 0.0]]),
    ],
    "Types": [
        case("float32 in", "np.exp(x)", "torch.exp(x)", "float32 out", dtype="float32", x=1.0),
        case("float32 with a Python number", "x * 0.1", "x * 0.1", "float32 out", dtype="float32", x=1.0),
        case("float32 with a float64 array", "x * np.float64(0.5)",
             "x * torch.tensor(0.5, dtype=torch.float64)", "the gradient has the argument's dtype",
             dtype="float32", x=[1.0]),
        case("whole numbers", "mg.tensor([1, 2], requires_grad=True)",
             "torch.tensor([1, 2], requires_grad=True)", "only floats have gradients"),
        case("complex numbers", "mg.tensor([1j], requires_grad=True)",
             "torch.tensor([1j], requires_grad=True)[0].real", "real numbers alone"),
    ],
    "Backward": [
        case("of several entries, without a gradient", "(x * x).backward()", "(x * x).backward()",
             x=[1.0, 2.0]),
        case("twice on one graph", "y = np.sum(x * x); y.backward(); y.backward()",
             "y = (x * x).sum(); y.backward(); y.backward()", "the graph is freed", x=[1.0, 2.0]),
        case("with a gradient of another shape", "(x * x).backward([1.0])", "(x * x).backward(torch.ones(1))",
             x=[1.0, 2.0]),
        case("of something that requires none", "x.detach().backward()", "x.detach().backward()", x=1.0),
        case("a saved array is changed in place", "y = x * 1; z = y * y; y += 1; z",
             "y = x * 1; z = y * y; y += 1; z", "found when it is needed", x=[1.0, 2.0]),
        case("what is changed in place is not needed", "y = x * 1; z = y + 2; y *= 3; y + z",
             "y = x * 1; z = y + 2; y *= 3; y + z", x=[1.0, 2.0]),
        case("a leaf is changed in place", "x += 1; x", "x += 1; x", x=[1.0, 2.0]),
    ],
}  # fmt: skip

CASES = [each for section in SECTIONS.values() for each in section]


# What they give


def here(case: Case) -> str:
    """What minigrad says."""

    def leaf(x: Any) -> Any:
        return mg.tensor(x, dtype=case.dtype, requires_grad=True)

    def gradients(y: Any, xs: list[Any]) -> list[Any]:
        y.backward(create_graph=True)
        found = [x.grad if x.grad is not None else mg.tensor(np.zeros(x.shape)) for x in xs]
        for x in xs:
            x.grad = None
        return found

    return _outcome(case, case.code, {"mg": mg, "np": np, "nn": nn}, leaf, gradients, mg.Tensor)


def in_torch(case: Case) -> str:
    """What torch says."""
    import torch

    def leaf(x: Any) -> Any:
        return torch.tensor(x, dtype=getattr(torch, case.dtype), requires_grad=True)

    def gradients(y: Any, xs: list[Any]) -> list[Any]:
        found = torch.autograd.grad(y, xs, create_graph=True, allow_unused=True)
        return [torch.zeros_like(x) if g is None else g for g, x in zip(found, xs, strict=True)]

    if not case.torch:
        return ""
    names = {"torch": torch, "F": torch.nn.functional, "np": np}
    return _outcome(case, case.torch, names, leaf, gradients, torch.Tensor)


def _outcome(
    case: Case, code: str, names: dict[str, Any], leaf: Callable[[Any], Any], gradients: Any, tensor: type
) -> str:
    """Run the code and differentiate what it gives, as often as the order says."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            leaves = {name: leaf(x) for name, x in case.at.items()}
            y = run(code, names | leaves)
            xs = list(leaves.values())
            found = [None] * len(xs)
            for order in range(case.order):
                y = y.sum() if order == 0 else sum(g.sum() for g in found)
                found = gradients(y, xs) if y.requires_grad else [x.detach() * 0 for x in xs]
        except Exception as error:
            return f"error: {type(error).__name__}"
    shown = [_shown(g, case.dtype) for g in found]
    return shown[0] if len(shown) == 1 else ", ".join(f"{x}: {g}" for x, g in zip(leaves, shown, strict=True))


def run(code: str, names: dict[str, Any]) -> Any:
    """The value of the last expression."""
    *statements, last = ast.parse(code).body
    exec(compile(ast.Module(statements, []), code, "exec"), names)
    assert isinstance(last, ast.Expr)
    return eval(compile(ast.Expression(last.value), code, "eval"), names)


def _shown(derivative: Any, dtype: str) -> str:
    array = np.array(derivative.detach().numpy())
    numbers = np.array2string(array, separator=", ", formatter={"float_kind": _number})
    return re.sub(r"\s+", " ", numbers) + ("" if array.dtype == np.float64 else f" ({array.dtype})")


def _number(x: float) -> str:
    return "0" if abs(x) < 1e-12 else f"{x:.4g}"


# The table

HEAD = """# Conventions where calculus is silent

Generated, and compared by `tests/minigrad/test_conventions.py`; to bring it up to date:
`python -m tests.minigrad.conventions_table > CONVENTIONS.md` (needs torch).

Each line is the gradient of the sum of the expression's entries (at the second order: of the sum of that),
computed by minigrad and by torch 2.13; in bold where they differ. All is in float64 if nothing else is said.
minigrad follows torch, unless the last column gives a reason not to.
"""


def table() -> str:
    """The whole of CONVENTIONS.md."""
    parts = [HEAD]
    for title, cases in SECTIONS.items():
        parts.append(f"\n## {title}\n\n| case | expression | at | minigrad | torch | note |\n{'|---' * 6}|\n")
        parts += [line(case, here(case), in_torch(case)) + "\n" for case in cases]
    return "".join(parts)


def line(case: Case, mine: str, theirs: str) -> str:
    """One line of the table."""
    at = ", ".join(f"{name} = {value}" for name, value in case.at.items())
    shown = f"`{mine}`" if same(mine, theirs) else f"**`{mine}`**"
    cells = [
        case.name,
        f"`{case.code}`",
        at,
        shown,
        f"`{theirs}`" if theirs else "no such function",
        case.why,
    ]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def same(mine: str, theirs: str) -> bool:
    """Whether they agree; errors agree whatever their type, and nothing agrees with no function."""
    return not theirs or mine == theirs or (mine.startswith("error") and theirs.startswith("error"))


if __name__ == "__main__":
    print(table(), end="")
