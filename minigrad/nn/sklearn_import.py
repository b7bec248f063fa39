"""Networks from scikit-learn, known by the names of their classes: it is never imported here."""

from __future__ import annotations

from typing import Any

from .activations import ReLU, Sigmoid, Tanh
from .layers import Identity, Linear, Sequential
from .module import Module

HOME = "sklearn.neural_network._multilayer_perceptron."

ACTIVATIONS: dict[str, type[Module]] = {"relu": ReLU, "tanh": Tanh, "logistic": Sigmoid, "identity": Identity}


def from_sklearn(mlp: Any) -> Sequential:
    """
    Return a fitted MLPClassifier or MLPRegressor as a network of minigrad's, without its output activation.

    A classifier's network so gives logits. Of several classes, the softmax of the logits are the
    probabilities, in the order of ``mlp.classes_``: output k is the logit of ``classes_[k]``. Of two classes
    there is one logit, of ``classes_[1]``, whose sigmoid is the probability; with several labels at once,
    there is such a logit for each. A regressor's network gives what it predicts (with the Poisson loss, the
    logarithm of it).

    Parameters
    ----------
    mlp : MLPClassifier or MLPRegressor
        Fitted; left untouched: weights are copied, with their dtype.

    Returns
    -------
    Sequential
        In evaluation mode.

    Raises
    ------
    TypeError
        If it is another estimator, a pipeline or a search, say.
    ValueError
        If it is not fitted.

    Examples
    --------
    >>> import numpy as np
    >>> from minigrad import nn
    >>> from sklearn.neural_network import MLPClassifier
    >>> x, y = np.array([[0.0], [1.0], [4.0], [5.0]]), ["low", "low", "high", "high"]
    >>> mlp = MLPClassifier((8,), solver="lbfgs", random_state=0).fit(x, y)
    >>> net = nn.from_sklearn(mlp)
    >>> net, mlp.classes_[(net(x).data[:, 0] > 0).astype(int)]
    (Sequential(Linear(1, 8), ReLU(), Linear(8, 1)), array(['low', 'low', 'high', 'high'], dtype='<U4'))
    """
    name = f"{type(mlp).__module__}.{type(mlp).__qualname__}"
    if name not in (HOME + "MLPClassifier", HOME + "MLPRegressor"):
        hint = (
            "; pass its last step, pipeline[-1], and the network what pipeline[:-1].transform(x) gives"
            if hasattr(mlp, "named_steps")
            else "; pass its best_estimator_"
            if hasattr(mlp, "best_estimator_")
            else ""
        )
        raise TypeError(
            f"from_sklearn takes an MLPClassifier or an MLPRegressor, but got a {type(mlp).__name__}{hint}"
        )
    if not hasattr(mlp, "coefs_"):
        raise ValueError(
            f"this {type(mlp).__name__} is not fitted, so that it has no weights: fit(x, y) first"
        )
    if mlp.activation not in ACTIVATIONS:
        raise ValueError(
            f"from_sklearn knows {', '.join(ACTIVATIONS)}, but got activation={mlp.activation!r}"
        )
    layers: list[Module] = []
    for weight, bias in zip(mlp.coefs_, mlp.intercepts_, strict=True):
        layers += [Linear.of(weight.T, bias), ACTIVATIONS[mlp.activation]()]
    return Sequential(*layers[:-1]).eval()
