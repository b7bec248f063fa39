"""Losses: torch's values and gradients, closed forms at extreme logits, wrong targets."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn

from ..oracle import central_difference
from ..strategies import float_dtypes, seeds

few = settings(max_examples=25)
sizes = st.integers(1, 4)


def both_ways(f: Any, theirs: Any, x: np.ndarray) -> None:
    torch = pytest.importorskip("torch")
    mine, other = mg.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    loss, expected = f(mine), theirs(other)
    assert loss.shape == ()
    assert loss.item() == pytest.approx(expected.item(), rel=1e-10, abs=1e-12)
    loss.backward()
    expected.backward()
    np.testing.assert_allclose(mine.grad, other.grad.numpy(), rtol=1e-9, atol=1e-12)


@few
@given(n=sizes, classes=sizes, scale=st.sampled_from([1.0, 30.0, 1000.0]), seed=seeds)
def test_cross_entropy_as_torchs(n: int, classes: int, scale: float, seed: int) -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, n)
    both_ways(
        lambda x: nn.cross_entropy(x, labels),
        lambda x: torch.nn.functional.cross_entropy(x, torch.tensor(labels)),
        scale * rng.normal(size=(n, classes)),
    )


@few
@given(n=sizes, m=sizes, seed=seeds)
def test_mse_as_torchs(n: int, m: int, seed: int) -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    target = rng.normal(size=(n, m))
    both_ways(
        lambda x: nn.mse_loss(x, target),
        lambda x: torch.nn.functional.mse_loss(x, torch.tensor(target)),
        rng.normal(size=(n, m)),
    )


@few
@given(n=sizes, scale=st.sampled_from([1.0, 30.0, 1000.0]), soft=st.booleans(), seed=seeds)
def test_binary_cross_entropy_as_torchs(n: int, scale: float, soft: bool, seed: int) -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    target = rng.uniform(size=n) if soft else rng.integers(0, 2, n).astype(float)
    both_ways(
        lambda x: nn.binary_cross_entropy_with_logits(x, target),
        lambda x: torch.nn.functional.binary_cross_entropy_with_logits(x, torch.tensor(target)),
        scale * rng.normal(size=n),
    )


@few
@given(n=sizes, seed=seeds)
def test_hinge_loss_from_its_definition(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores, target, step = rng.normal(size=n), rng.choice([-1, 1], n), rng.normal(size=n)
    x = mg.tensor(scores, requires_grad=True)
    loss = nn.hinge_loss(x, target)
    assert loss.item() == pytest.approx(
        np.mean([max(0, 1 - t * s) for s, t in zip(scores, target, strict=True)])
    )
    loss.backward()

    def by_hand(s: np.ndarray) -> Any:
        return np.maximum(0, 1 - target * s).mean()

    assert (x.grad * step).sum() == pytest.approx(
        float(central_difference(by_hand, [scores], [step])), abs=1e-6
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1e3, 1e30])
def test_cross_entropy_at_extreme_logits(dtype: Any, size: float) -> None:
    logits = mg.tensor([[size, -size, 0.0], [-size, size, size]], dtype=dtype, requires_grad=True)
    right = nn.cross_entropy(logits, [0, 1])
    assert right.item() == pytest.approx(np.log(2) / 2)
    right.backward()
    np.testing.assert_allclose(logits.grad, [[0, 0, 0], [0, -0.25, 0.25]], atol=1e-7)
    assert logits.grad.dtype == dtype
    assert nn.cross_entropy(logits, [1, 0]).item() == pytest.approx(2 * size + np.log(2) / 2, rel=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_binary_cross_entropy_at_extreme_logits(dtype: Any) -> None:
    z = mg.tensor([1e3, -1e3, 1e3, -1e3], dtype=dtype, requires_grad=True)
    loss = nn.binary_cross_entropy_with_logits(z, [1.0, 0.0, 0.0, 1.0])
    assert loss.item() == 500
    loss.backward()
    np.testing.assert_array_equal(z.grad, [0, 0, 0.25, -0.25])


def test_an_untrained_network_loses_the_logarithm_of_the_classes() -> None:
    assert nn.cross_entropy(np.zeros((5, 10)), np.arange(5)).item() == pytest.approx(np.log(10))


@given(dtype=float_dtypes, target=st.sampled_from([np.float32, np.float64, np.int64, bool]))
@few
def test_a_loss_has_the_dtype_of_the_outputs(dtype: Any, target: Any) -> None:
    x = mg.tensor(np.ones(3, dtype=dtype), requires_grad=True)
    for loss in (nn.mse_loss, nn.binary_cross_entropy_with_logits, nn.hinge_loss):
        out = loss(x, np.ones(3, dtype=target))
        assert out.dtype == dtype
    assert nn.cross_entropy(x, 1).dtype == dtype


def test_whole_numbers_as_outputs_do_not_round_the_targets() -> None:
    assert nn.mse_loss([1, 2], [1.5, 2.5]).item() == 0.25
    assert nn.cross_entropy([[0, 0]], [1]).item() == pytest.approx(np.log(2))


def test_any_shape_of_labels_goes_with_its_logits() -> None:
    logits = np.random.default_rng(0).normal(size=(2, 3, 4))
    labels = np.array([[0, 1, 2], [3, 0, 1]])
    flat = nn.cross_entropy(logits.reshape(6, 4), labels.ravel()).item()
    assert nn.cross_entropy(logits, labels).item() == pytest.approx(flat)
    assert nn.cross_entropy(logits, mg.tensor(labels)).item() == pytest.approx(flat)
    assert nn.cross_entropy(logits[0, 0], 2).item() > 0


LOGITS = np.zeros((2, 3))
BCE = nn.binary_cross_entropy_with_logits


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.cross_entropy(LOGITS, [0, 3]), ValueError, "label 3 is out of range.*from 0 to 2"),
        (lambda: nn.cross_entropy(LOGITS, [0, -1]), ValueError, "label -1 is out of range"),
        (lambda: nn.cross_entropy(LOGITS, [0.0, 1.0]), TypeError, "whole numbers .* but got float64"),
        (lambda: nn.cross_entropy(LOGITS, ["a", "b"]), TypeError, "whole numbers .* but got <U1"),
        (lambda: nn.cross_entropy(LOGITS, [True, False]), TypeError, "but got bool"),
        (lambda: nn.cross_entropy(LOGITS, [0]), ValueError, r"logits \(2, 3\) and labels \(1,\)"),
        (lambda: nn.cross_entropy(LOGITS, [[1, 0, 0], [0, 1, 0]]), ValueError, r"labels \(2, 3\); .*\(n,\)"),
        (lambda: nn.cross_entropy(1.0, 0), ValueError, r"logits \(\)"),
        (lambda: nn.cross_entropy(LOGITS[:0], np.zeros(0, int)), ValueError, "empty batch .* at least one"),
        (lambda: nn.cross_entropy("ab", [0]), TypeError, "real numbers"),
        (lambda: nn.mse_loss([1.0, 2.0], [[1.0], [2.0]]), ValueError,
         r"\(2,\) and targets \(2, 1\).*reshape"),
        (lambda: nn.mse_loss([1.0], [1.0, 2.0]), ValueError, r"outputs \(1,\) and targets \(2,\)"),
        (lambda: nn.mse_loss([], []), ValueError, "empty batch"),
        (lambda: nn.mse_loss([1.0], ["a"]), TypeError, "real numbers, but got dtype <U1"),
        (lambda: nn.mse_loss([1.0], [1j]), TypeError, "complex128"),
        (lambda: nn.mse_loss([1.0], nn.Parameter([1.0])), TypeError, "silently cut the graph"),
        (lambda: BCE([0.0], [2.0]), ValueError, "between 0 and 1, but one is 2.0"),
        (lambda: BCE([0.0], [float("nan")]), ValueError, "but one is nan"),
        (lambda: BCE([0.0], [[1.0]]), ValueError, "must be equal"),
        (lambda: nn.hinge_loss([0.0], [0.0]), ValueError, "−1 or \\+1, but one is 0.0"),
        (lambda: nn.hinge_loss([0.0], [float("nan")]), ValueError, "but one is nan"),
    ],
)  # fmt: skip
def test_wrong_targets_are_named(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
