"""Networks that are smooth somewhere: the part before that is offered, and it works."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn

from .parts import Apply


def error_of(net: nn.Module, x: Any) -> mg.NotPiecewiseLinearError:
    with pytest.raises(mg.NotPiecewiseLinearError) as caught:
        mg.thin(net, x)
    return caught.value


def layers(n: int = 2) -> list[nn.Module]:
    return [nn.Linear(3, 4, dtype=float), nn.ReLU(), nn.Linear(4, 3, dtype=float), nn.ReLU()][:n]


@pytest.mark.parametrize("smooth", [nn.Sigmoid(), nn.Tanh(), Apply(lambda x: mg.softmax(x, axis=-1))])
def test_all_but_a_smooth_end(smooth: nn.Module) -> None:
    net, x = nn.Sequential(*layers(), smooth), np.array([1.0, -2.0, 3.0])
    error = error_of(net, x)
    assert f"layer 2 ({type(smooth).__name__}) is smooth" in str(error)
    assert str(error).endswith("mg.thin(error.part, x)")
    assert list(error.part) == list(net[:2]) and error.path == "2"
    np.testing.assert_allclose(mg.thin(error.part, x).output, net[:2](x).data)


def test_nested_layers() -> None:
    first, relu, deep = layers(3)
    net = nn.Sequential(first, nn.Sequential(relu, nn.Sequential(deep, nn.Tanh())), nn.ReLU())
    part = error_of(net, np.ones(3)).part
    assert repr(part) == f"Sequential({first}, Sequential(ReLU(), Sequential({deep})))"
    assert part[1][1][0] is deep


def test_a_residual_is_left_out_as_a_whole() -> None:
    net = nn.Sequential(*layers(4), nn.Residual(nn.Linear(3, 3), nn.Tanh()), nn.Linear(3, 1))
    assert len(error_of(net, np.ones(3)).part) == 4


def test_of_a_layer_that_is_there_twice_it_is_the_first() -> None:
    tanh = nn.Tanh()
    net = nn.Sequential(nn.Linear(3, 3), tanh, nn.Linear(3, 3), tanh)
    assert len(error_of(net, np.ones(3)).part) == 1


def test_images_come_out_flat() -> None:
    net = nn.Sequential(nn.Conv2d(1, 2, 2), nn.ReLU(), nn.Conv2d(2, 1, 2), nn.Softplus(), nn.Flatten())
    x = np.random.default_rng(0).normal(size=(1, 4, 4))
    part = error_of(net, x).part
    np.testing.assert_allclose(mg.thin(part, x).output, net[:3](x[None]).data.ravel(), rtol=1e-5)


def test_products_of_the_input_too() -> None:
    net = nn.Sequential(*layers(), Apply(lambda x: x * x))
    error = error_of(net, np.ones(3))
    assert "multiplies the input by itself" in str(error) and len(error.part) == 2


class Own(nn.Module):
    def __init__(self) -> None:
        self.first, self.second = nn.Linear(3, 3), nn.Tanh()

    def forward(self, x: mg.Tensor) -> mg.Tensor:
        return self.second(self.first(x))


@pytest.mark.parametrize(
    "net",
    [nn.Tanh(), nn.Sequential(nn.Tanh(), nn.Linear(3, 1)), Own(), nn.Residual(nn.Linear(3, 3), nn.Tanh()),
     nn.Sequential(nn.Sequential(nn.Sigmoid()), nn.ReLU())],
)  # fmt: skip
def test_no_part_where_there_is_none(net: nn.Module) -> None:
    error = error_of(net, np.ones(3))
    assert error.part is None and "error.part" not in str(error)
