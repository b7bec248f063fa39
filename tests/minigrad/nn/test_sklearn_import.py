"""Networks from scikit-learn: they compute what the originals do before the output activation."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from minigrad import nn

from ..strategies import seeds

few = settings(max_examples=25, deadline=None)
shapes = st.fixed_dictionaries({
    "hidden_layer_sizes": st.lists(st.integers(1, 5), max_size=3).map(tuple),
    "activation": st.sampled_from(["relu", "tanh", "logistic", "identity"]),
})  # fmt: skip
dtypes = st.sampled_from([np.float32, np.float64])


def fitted(kind: Any, options: dict[str, Any], x: Any, y: Any, seed: int) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it has not converged
        return kind(**options, max_iter=3, random_state=seed % 2**32).fit(x, y)


def softmax(z: np.ndarray) -> np.ndarray:
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


def data(seed: int, dtype: Any) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(24, 3)).astype(dtype), rng.normal(size=(7, 3)).astype(dtype)


def close(a: np.ndarray, b: np.ndarray, dtype: Any) -> None:
    assert a.dtype == dtype
    relative, absolute = (1e-4, 1e-6) if dtype == np.float32 else (1e-10, 1e-13)
    np.testing.assert_allclose(a, b, rtol=relative, atol=absolute)


@few
@given(options=shapes, classes=st.integers(2, 4), dtype=dtypes, seed=seeds)
def test_a_classifiers_logits(options: Any, classes: int, dtype: Any, seed: int) -> None:
    x, new = data(seed, dtype)
    names = np.array(["pear", "apple", "fig", "date"])[:classes]
    mlp = fitted(MLPClassifier, options, x, names[np.arange(24) % classes], seed)
    before = [array.copy() for array in (*mlp.coefs_, *mlp.intercepts_)]
    net = nn.from_sklearn(mlp)
    logits = net(new).data
    assert logits.shape == (7, 1 if classes == 2 else classes) and not net.training
    ours = np.hstack([1 - sigmoid(logits), sigmoid(logits)]) if classes == 2 else softmax(logits)
    close(ours, mlp.predict_proba(new), dtype)
    chosen = (logits[:, 0] > 0).astype(int) if classes == 2 else logits.argmax(axis=1)
    assert list(mlp.classes_[chosen]) == list(mlp.predict(new))
    for p in net.parameters():
        p.data += 1
    for array, old in zip((*mlp.coefs_, *mlp.intercepts_), before, strict=True):
        np.testing.assert_array_equal(array, old)


@few
@given(options=shapes, targets=st.integers(1, 3), dtype=dtypes, seed=seeds)
def test_what_a_regressor_predicts(options: Any, targets: int, dtype: Any, seed: int) -> None:
    x, new = data(seed, dtype)
    mlp = fitted(MLPRegressor, options, x, x[:, :targets] ** 2, seed)
    close(nn.from_sklearn(mlp)(new).data, mlp.predict(new).reshape(7, targets), dtype)


@few
@given(options=shapes, seed=seeds)
def test_gradients_are_what_its_next_step_follows(options: Any, seed: int) -> None:
    x, _ = data(seed, np.float64)
    y, lr = x[:, :2] ** 2, 0.01
    plain = {"solver": "sgd", "learning_rate_init": lr, "momentum": 0, "alpha": 0, "batch_size": 24}
    mlp = fitted(MLPRegressor, options | plain, x, y, seed)
    net = nn.from_sklearn(mlp)
    (0.5 * ((net(x) - y) ** 2).mean(axis=0).sum()).backward()
    before = [array.copy() for array in (*mlp.coefs_, *mlp.intercepts_)]
    mlp.partial_fit(x, y)
    linears = [layer for layer in net if isinstance(layer, nn.Linear)]
    gradients = [layer.weight.grad.T for layer in linears] + [layer.bias.grad for layer in linears]
    for array, old, gradient in zip((*mlp.coefs_, *mlp.intercepts_), before, gradients, strict=True):
        np.testing.assert_allclose(array, old - lr * gradient, rtol=1e-9, atol=1e-12)


def test_several_labels_at_once_have_a_logit_each() -> None:
    x, new = data(0, np.float64)
    mlp = fitted(MLPClassifier, {"hidden_layer_sizes": (4,)}, x, (x > 0).astype(int), 0)
    close(sigmoid(nn.from_sklearn(mlp)(new).data), mlp.predict_proba(new), np.float64)


def test_layers_are_as_fitted() -> None:
    x, _ = data(0, np.float64)
    mlp = fitted(MLPRegressor, {"hidden_layer_sizes": (4, 2), "activation": "identity"}, x, x[:, 0], 0)
    inside = "Linear(3, 4), Identity(), Linear(4, 2), Identity(), Linear(2, 1)"
    assert repr(nn.from_sklearn(mlp)) == f"Sequential({inside})"


class Own(MLPClassifier):
    pass


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (MLPClassifier(), ValueError, r"this MLPClassifier is not fitted, .* fit\(x, y\) first"),
        (MLPRegressor(), ValueError, "this MLPRegressor is not fitted"),
        (MLPClassifier, TypeError, "but got a (ABCMeta|type)"),
        (Own(), TypeError, "an MLPClassifier or an MLPRegressor, but got a Own"),
        (LogisticRegression(), TypeError, "but got a LogisticRegression$"),
        (make_pipeline(StandardScaler(), MLPClassifier()), TypeError, r"a Pipeline; .* step, pipeline\[-1\]"),
        (None, TypeError, "a NoneType"),
        (nn.Linear(1, 1), TypeError, "a Linear"),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_is_no_fitted_network_is_named(given: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        nn.from_sklearn(given)


def test_a_search_has_the_network_inside() -> None:
    x, _ = data(0, float)
    search = GridSearchCV(MLPRegressor(max_iter=3, hidden_layer_sizes=(2,)), {"alpha": [0.1]}, cv=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search.fit(x, x[:, 0])
    with pytest.raises(TypeError, match="a GridSearchCV; pass its best_estimator_"):
        nn.from_sklearn(search)
    close(nn.from_sklearn(search.best_estimator_)(x).data[:, 0], search.predict(x), np.float64)


def test_an_activation_that_was_changed_to_nonsense_is_named() -> None:
    x, _ = data(0, np.float64)
    mlp = fitted(MLPRegressor, {}, x, x, 0).set_params(activation="step")
    with pytest.raises(ValueError, match="relu, tanh, logistic, identity, but got activation='step'"):
        nn.from_sklearn(mlp)
