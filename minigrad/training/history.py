"""The record of a training run."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np


@dataclass
class History:
    """
    What was measured in every epoch; all lists are as long as ``epochs``, or empty where nothing applies.

    Attributes
    ----------
    epochs : list of int
        1, 2, ...: the epochs that were finished.
    loss, accuracy : list of float
        Of the training data: averages over the epoch's mini-batches as they were met, so with the weights
        still moving and dropout at work. Accuracy only for classification.
    validation_loss, validation_accuracy : list of float
        Of the validation data, after the epoch, in evaluation mode.
    penalty : list of float
        What the regularizers added to the loss, on average over mini-batches.
    gradient_norms : dict of str to list of float
        For every layer with weights, √(mean over mini-batches of ‖∂L/∂w‖²), where L is the loss with its
        penalties.
    weight_norms : dict of str to list of float
        For every layer with weights, ‖w‖ after the epoch.
    inactive : dict of str to list of float
        For every ReLU, LeakyReLU and PReLU, the share of closed gates (input ≤ 0).
    saturated : dict of str to list of float
        For every Sigmoid and Tanh, the share of outputs within 1 % of its range from a limit.
    restored_epoch : int or None
        The epoch whose weights the network was given back in the end; None if it has the last one's.
    stopped_early, interrupted : bool
        Whether a callback ended the training, or the user did (Ctrl-C).

    Notes
    -----
    ``inactive`` and ``saturated`` are shares of neurons × inputs, measured after the epoch in evaluation
    mode on the same 500 training inputs, or on all of them if there are fewer.
    """

    epochs: list[int] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    validation_accuracy: list[float] = field(default_factory=list)
    penalty: list[float] = field(default_factory=list)
    gradient_norms: dict[str, list[float]] = field(default_factory=dict)
    weight_norms: dict[str, list[float]] = field(default_factory=dict)
    inactive: dict[str, list[float]] = field(default_factory=dict)
    saturated: dict[str, list[float]] = field(default_factory=dict)
    restored_epoch: int | None = None
    stopped_early: bool = False
    interrupted: bool = False

    def record(self, **measured: Any) -> None:
        """Add an epoch: a number for each list, numbers by layer for each dict; None is left out."""
        self.epochs.append(len(self.epochs) + 1)
        for name, value in measured.items():
            if isinstance(value, dict):
                for layer, number in value.items():
                    getattr(self, name).setdefault(layer, []).append(number)
            elif value is not None:
                getattr(self, name).append(value)

    @property
    def layers(self) -> list[str]:
        """Names of the layers with weights, from input to output."""
        return list(self.gradient_norms)

    @property
    def best_epoch(self) -> int | None:
        """The epoch of least validation loss, of least loss without validation; None without epochs."""
        losses = self.validation_loss or self.loss
        if not losses:
            return None
        return self.epochs[min(range(len(losses)), key=lambda i: _or_infinity(losses[i]))]

    def to_dict(self) -> dict[str, Any]:
        """Return everything in JSON's terms; numbers that are not finite become None."""
        derived = {"layers": self.layers, "best_epoch": self.best_epoch}
        return {name: _plain(value) for name, value in (asdict(self) | derived).items()}

    def to_json(self) -> str:
        """Return everything as JSON."""
        return json.dumps(self.to_dict(), allow_nan=False)

    def summary(self) -> str:
        """
        Return readable tables: some of the epochs, and every layer at the first and the last of them.

        A last line says how many epochs are shown, if not all, and what ended training before its time.
        """
        return "\n\n".join(part for part in (self._epoch_table(), self._layer_table(), self._notes()) if part)

    def __str__(self) -> str:
        return self.summary()

    def __repr__(self) -> str:
        ending = "interrupted" if self.interrupted else "stopped early" if self.stopped_early else "finished"
        loss = f", loss {self.loss[-1]:.4g}, best epoch {self.best_epoch}" if self.epochs else ""
        return f"History({len(self.epochs)} epochs, {ending}{loss})"

    def _epoch_table(self) -> str:
        """Return the curves at up to a dozen epochs, the best among them."""
        if self.best_epoch is None:
            return "no epoch was finished"
        names = ["loss", "accuracy", "validation_loss", "validation_accuracy"]
        if any(self.penalty):
            names.insert(1, "penalty")
        columns = {name: getattr(self, name) for name in names if getattr(self, name)}
        best = self.epochs.index(self.best_epoch)
        rows = [
            [str(self.epochs[i]), *(f"{column[i]:.4f}" for column in columns.values()), "best" * (i == best)]
            for i in self._shown()
        ]
        return _table(["epoch", *(name.replace("_", " ") for name in columns), ""], rows)

    def _shown(self) -> list[int]:
        """Return the places of the epochs in the table."""
        evenly = {round(i) for i in np.linspace(0, len(self.epochs) - 1, 11)} if self.epochs else set()
        return sorted(evenly if self.best_epoch is None else evenly | {self.epochs.index(self.best_epoch)})

    def _notes(self) -> str:
        """Say what the tables leave out, and what ended training before its time."""
        if not self.epochs:
            return "interrupted in the first epoch" if self.interrupted else ""
        shown, total = len(self._shown()), len(self.epochs)
        notes = [f"{shown} of {total} epochs shown"] if shown < total else []
        if self.interrupted or self.stopped_early:
            cause = "interrupted" if self.interrupted else "stopped early"
            notes.append(f"{cause} after epoch {self.epochs[-1]}")
        return "; ".join(notes)

    def _layer_table(self) -> str:
        """Return what was measured of each layer at the first and the last epoch."""
        measures = {
            "gradient norm": (self.gradient_norms, ".2e"),
            "weight norm": (self.weight_norms, ".3f"),
            "inactive": (self.inactive, ".0%"),
            "saturated": (self.saturated, ".0%"),
        }
        rows = [
            [layer, name, format(values[layer][0], style), format(values[layer][-1], style)]
            for name, (values, style) in measures.items()
            for layer in values
            if values[layer]
        ]
        return _table(["layer", "measure", "first epoch", "last epoch"], rows) if rows else ""


def _table(header: list[str], rows: list[list[str]]) -> str:
    """Align columns to the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = [
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in [header, *rows]
    ]
    return "\n".join(line.rstrip() for line in lines)


def _or_infinity(value: float) -> float:
    """Return ``value``, or ∞ for nan, which no comparison would sort."""
    return math.inf if math.isnan(value) else value


def _plain(value: Any) -> Any:
    """Replace numbers that JSON can't hold."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
