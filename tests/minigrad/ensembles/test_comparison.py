"""Weight scaling over activation functions, before and after training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.ensembles import Distances


def networks(activation: Any, count: int = 2) -> list[nn.Module]:
    return [
        nn.Sequential(nn.Dropout(0.5), nn.Linear(3, 4, dtype=float), activation(), nn.Dropout(0.5),
                      nn.Linear(4, 2, dtype=float))
        for _ in range(count)
    ]  # fmt: skip


KINDS = {"linear": networks(nn.Identity), "tanh": networks(nn.Tanh)}
X = np.random.default_rng(0).normal(size=(3, 3))


def test_every_network_and_input_is_measured_alone() -> None:
    found = mg.compare_ensembles(KINDS, X)
    assert found.names == ["linear", "tanh"] and found.stages == ["before"]
    for name, nets in KINDS.items():
        expected = [mg.dropout_ensemble(net, x).distances for net in nets for x in X]
        for k, distance in enumerate(Distances._fields):
            np.testing.assert_array_equal(found.distances[name, "before"][distance], [d[k] for d in expected])
    assert found.median("linear") < 1e-13 < found.median("tanh", distance="geometric")


def test_before_and_after() -> None:
    found = mg.compare_ensembles({"a": KINDS["tanh"][0]}, X, trained={"a": KINDS["tanh"][1]})
    assert found.stages == ["before", "after"]
    assert found.median("a", "before") != found.median("a", "after")
    assert [line.split()[:2] for line in str(found).splitlines()[2:]] == [["a", "before"], ["a", "after"]]
    assert repr(found) == "EnsembleComparison(a; before, after training)"


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_the_back_end_is_the_users_choice(backend: str) -> None:
    from joblib import parallel_config

    with parallel_config(backend):
        together = mg.compare_ensembles(KINDS, X, jobs=2)
    alone = mg.compare_ensembles(KINDS, X)
    for key, found in alone.distances.items():
        for name, values in found.items():
            np.testing.assert_array_equal(values, together.distances[key][name])


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="networks has a, but trained has b"):
        mg.compare_ensembles({"a": KINDS["tanh"]}, X, trained={"b": KINDS["tanh"]})
    with pytest.raises(TypeError, match="by name"):
        mg.compare_ensembles(KINDS["tanh"], X)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="by name"):
        mg.compare_ensembles({}, X)
