from __future__ import annotations

import json
import math

import numpy as np
import pytest

from minigrad import nn, optim
from minigrad.training import EarlyStopping, History, fit


def history(epochs: int = 30, **options: object) -> History:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 3)), rng.integers(0, 2, 20)
    net = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 5), nn.Sigmoid(), nn.Linear(5, 2))
    return fit(
        net, (x, y), validation=(x[:7], y[:7]), loss=nn.cross_entropy, batch_size=8, epochs=epochs,
        optimizer=optim.Adam(net.parameters(), 0.01), progress=False, **options,
    )  # fmt: skip


def test_every_list_is_as_long_as_the_epochs() -> None:
    record = history(6)
    assert record.epochs == [1, 2, 3, 4, 5, 6]
    assert record.layers == list(record.gradient_norms) == list(record.weight_norms) == ["0", "2", "4"]
    assert list(record.inactive) == ["1"]
    assert list(record.saturated) == ["3"]
    lists = [record.loss, record.accuracy, record.validation_loss, record.validation_accuracy, record.penalty]
    for by_layer in (record.gradient_norms, record.weight_norms, record.inactive, record.saturated):
        lists += by_layer.values()
    assert {len(values) for values in lists} == {6}
    assert record.penalty == [0.0] * 6


def test_json_holds_everything() -> None:
    record = history(3)
    read = json.loads(record.to_json())
    assert read == record.to_dict()
    assert read["validation_loss"] == record.validation_loss
    assert read["gradient_norms"] == record.gradient_norms
    assert read["layers"] == ["0", "2", "4"]
    assert read["best_epoch"] == record.best_epoch
    assert read["interrupted"] is False


def test_json_is_valid_for_numbers_that_are_not_finite() -> None:
    record = History()
    record.record(loss=1.0, validation_loss=math.nan, weight_norms={"0": math.inf})
    read = json.loads(record.to_json(), parse_constant=pytest.fail)
    assert read["validation_loss"] == [None]
    assert read["weight_norms"] == {"0": [None]}


@pytest.mark.parametrize(
    ("loss", "validation_loss", "best"),
    [
        ([3.0, 1.0, 2.0], [], 2),
        ([3.0, 1.0, 2.0], [5.0, 6.0, 4.0], 3),
        ([3.0, 1.0, 2.0], [math.nan, 6.0, 6.0], 2),
        ([3.0], [math.nan], 1),
        ([], [], None),
    ],
)
def test_best_epoch(loss: list[float], validation_loss: list[float], best: int | None) -> None:
    epochs = list(range(1, len(loss) + 1))
    assert History(epochs=epochs, loss=loss, validation_loss=validation_loss).best_epoch == best


def test_the_summary_is_a_table_of_some_epochs_and_all_layers() -> None:
    record = history(30)
    lines = record.summary().splitlines()
    assert lines[0].split() == ["epoch", "loss", "accuracy", "validation", "loss", "validation", "accuracy"]
    table = lines[1 : lines.index("")]
    shown = [int(line.split()[0]) for line in table]
    assert shown[0] == 1
    assert shown[-1] == 30
    assert 10 <= len(shown) <= 12
    (best,) = (line for line in table if line.endswith("best"))
    assert int(best.split()[0]) == record.best_epoch
    assert float(table[-1].split()[1]) == pytest.approx(record.loss[-1], abs=1e-4)
    layers = [line.split()[0] for line in lines[lines.index("") + 2 : -2]]
    assert layers == ["0", "2", "4", "0", "2", "4", "1", "3"]
    assert lines[-2:] == ["", f"{len(shown)} of 30 epochs shown"]
    assert str(record) == record.summary()
    assert max(map(len, lines)) <= 100


def test_endings_are_told() -> None:
    assert repr(History()) == "History(0 epochs, finished)"
    assert History().summary() == "no epoch was finished"
    assert (
        History(epochs=[1, 2], loss=[2.0, 1.0], interrupted=True)
        .summary()
        .endswith("interrupted after epoch 2")
    )
    assert repr(History(interrupted=True)) == "History(0 epochs, interrupted)"
    stopped = history(200, callbacks=[EarlyStopping(patience=1)])
    assert "stopped early, loss" in repr(stopped)
    assert stopped.summary().endswith(f"stopped early after epoch {stopped.epochs[-1]}")
    assert f"best epoch {stopped.best_epoch}" in repr(stopped)
