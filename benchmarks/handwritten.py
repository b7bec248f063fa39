"""What the races measure against: the same training step written out in NumPy, every array allocated once."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

BETA1, BETA2, EPS, RATE = 0.9, 0.999, 1e-8, 1e-3


class HandwrittenMLP:
    """A ReLU network, softmax cross-entropy and Adam; parameters are views of one vector, gradients too."""

    def __init__(self, weights: list[np.ndarray], x: np.ndarray, labels: np.ndarray) -> None:
        widths = [weights[0].shape[1], *(len(weight) for weight in weights)]
        self.x, self.labels, self.steps = x, labels, 0
        size = sum(n_out * (n_in + 1) for n_in, n_out in pairwise(widths))
        self.flat, self.grad, self.mean, self.square, self.work, self.root = (
            np.zeros(size, np.float32) for _ in range(6)
        )
        self.layers = list(zip(self._split(self.flat, widths), self._split(self.grad, widths), strict=True))
        for ((weight, _), _), start in zip(self.layers, weights, strict=True):
            weight[...] = start
        batch = len(x)
        self.outputs = [x, *(np.empty((batch, n), np.float32) for n in widths[1:])]
        self.deltas = [np.empty((batch, n), np.float32) for n in widths]
        self.open = [np.empty((batch, n), bool) for n in widths]
        self.rows = np.arange(batch)
        self.column = np.empty((batch, 1), np.float32)

    @staticmethod
    def _split(flat: np.ndarray, widths: list[int]) -> list[tuple[np.ndarray, np.ndarray]]:
        parts, start = [], 0
        for n_in, n_out in pairwise(widths):
            end = start + n_out * n_in
            parts.append((flat[start:end].reshape(n_out, n_in), flat[end : end + n_out]))
            start = end + n_out
        return parts

    def step(self) -> float:
        loss = self._forward()
        self._backward()
        self._adam()
        return loss

    def _forward(self) -> float:
        last = len(self.layers)
        for k, ((weight, bias), _) in enumerate(self.layers, 1):
            z = np.matmul(self.outputs[k - 1], weight.T, out=self.outputs[k])
            z += bias
            if k < last:
                np.greater(z, 0, out=self.open[k])
                np.maximum(z, 0, out=z)
        z, powers, column = self.outputs[-1], self.deltas[-1], self.column
        z -= np.max(z, axis=1, keepdims=True, out=column)
        np.exp(z, out=powers)
        np.sum(powers, axis=1, keepdims=True, out=column)
        loss = float(np.mean(np.log(column[:, 0]) - z[self.rows, self.labels]))
        powers /= column
        powers[self.rows, self.labels] -= 1
        powers *= np.float32(1 / len(z))
        return loss

    def _backward(self) -> None:
        for k in range(len(self.layers), 0, -1):
            (weight, _), (by_weight, by_bias) = self.layers[k - 1]
            delta = self.deltas[k]
            np.matmul(delta.T, self.outputs[k - 1], out=by_weight)
            np.sum(delta, axis=0, out=by_bias)
            if k > 1:
                before = np.matmul(delta, weight, out=self.deltas[k - 1])
                before *= self.open[k - 1]

    def _adam(self) -> None:
        self.steps += 1
        mean, square, work, root = self.mean, self.square, self.work, self.root
        mean *= np.float32(BETA1)
        mean += np.multiply(self.grad, np.float32(1 - BETA1), out=work)
        square *= np.float32(BETA2)
        np.multiply(self.grad, self.grad, out=work)
        work *= np.float32(1 - BETA2)
        square += work
        correction = 1 - BETA2**self.steps
        np.sqrt(square, out=root)
        root += np.float32(EPS * correction**0.5)
        np.divide(mean, root, out=work)
        work *= np.float32(RATE * correction**0.5 / (1 - BETA1**self.steps))
        self.flat -= work
