"""Networks as neurons in layers: what is drawn, against plain NumPy and against the thin network's masks."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
import viz
from minigrad import nn
from viz.networks import columns as states
from viz.networks import draw_network, draw_thin
from viz.networks.columns import columns_of_thin
from viz.networks.neurons import sample
from viz.networks.traced import columns_of_network
from viz.picture import Picture
from viz.scene import Circle, Group, Rect, Scene, Shape, Text
from viz.style import number

PIECEWISE_LINEAR = ["relu", "leaky", "prelu", "maxout", "relu then maxout", "dropout then maxout", "linear"]
SMOOTH = ["sigmoid", "tanh", "softplus"]


def activation(kind: str, width: int, rng: np.random.Generator) -> tuple[int, list[nn.Module]]:
    """Return how many units a Linear must give, and what follows it."""
    if "maxout" in kind:
        groups = rng.integers(1, 4, width).tolist()
        before = {"relu then maxout": [nn.ReLU()], "dropout then maxout": [nn.Dropout(0.4)], "maxout": []}
        return sum(groups), [*before[kind], nn.Maxout(groups)]
    made = {
        "relu": [nn.ReLU()], "leaky": [nn.LeakyReLU(0.1)], "prelu": [nn.PReLU(dtype=np.float64)],
        "linear": [], "sigmoid": [nn.Sigmoid()], "tanh": [nn.Tanh()], "softplus": [nn.Softplus()],
    }  # fmt: skip
    return width, made[kind]


@st.composite
def networks(draw: st.DrawFn, kinds: list[str]) -> tuple[nn.Sequential, np.ndarray]:
    """Draw a small network and an input, in training mode if it has dropout."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dropout, before = draw(st.booleans()), draw(st.integers(1, 4))
    n_in = before
    layers: list[nn.Module] = [nn.Dropout(0.3)] if dropout else []
    for width in draw(st.lists(st.integers(1, 5), max_size=3)):
        units, gates = activation(draw(st.sampled_from(kinds)), width, rng)
        layers += [nn.Linear.of(rng.normal(size=(units, before)), rng.normal(size=units)), *gates]
        layers += [nn.Dropout(0.4)] if dropout else []
        before = width
    n_out = draw(st.integers(1, 3))
    layers.append(nn.Linear.of(rng.normal(size=(n_out, before)), rng.normal(size=n_out)))
    return nn.Sequential(*layers), rng.normal(size=n_in)


def drawing(picture: Picture) -> list[Shape]:
    """All shapes but the heading and the key."""
    assert isinstance(picture.drawing, Scene)
    body = tuple(shape for shape in picture.drawing.shapes if shape.role == "drawing")
    return list(replace(picture.drawing, shapes=body).walk())


def shapes(picture: Picture, role: str) -> list[Shape]:
    return [shape for shape in drawing(picture) if role in shape.role.split()]


def drawn_states(picture: Picture) -> dict[tuple[str, int], str]:
    return {(s.data["column"], int(s.data["neuron"])): s.role.split()[1] for s in shapes(picture, "neuron")}


def small(seed: int = 3) -> nn.Sequential:
    rng = np.random.default_rng(seed)
    sizes = [(4, 2), (3, 4), (2, 3)]
    first, second, third = (nn.Linear.of(rng.normal(size=s), rng.normal(size=s[0])) for s in sizes)
    return nn.Sequential(first, nn.ReLU(), second, nn.ReLU(), third)


def digits_like(kind: str = "relu", seed: int = 0, n_in: int = 64, width: int = 16) -> nn.Sequential:
    rng = np.random.default_rng(seed)
    layers: list[nn.Module] = []
    before = n_in
    for _ in range(2):
        units, gates = activation(kind, width, rng)
        layers += [nn.Linear.of(rng.normal(size=(units, before)) / before**0.5, np.zeros(units)), *gates]
        before = width
    return nn.Sequential(*layers, nn.Linear.of(rng.normal(size=(10, before))))


class TestColumns:
    @settings(max_examples=60, deadline=None)
    @given(networks(PIECEWISE_LINEAR))
    def test_states_are_those_of_the_thin_network(self, drawn: tuple[nn.Sequential, np.ndarray]) -> None:
        net, x = drawn
        mg.manual_seed(0)
        columns = columns_of_network(net, x)
        mg.manual_seed(0)
        thin = mg.thin(net, x)
        for column, layer in zip(columns, (thin.input, *thin.layers), strict=False):
            dropped = np.array([state == states.DROPPED for state in column.states])
            assert (dropped == layer.dropped).all()
            gates_open = np.array([state == states.ACTIVE for state in column.states])
            assert (gates_open[~dropped] == layer.active[~dropped]).all()
            np.testing.assert_array_equal(column.values, layer.output)
            assert column.groups == layer.groups
            if layer.winners is not None:
                np.testing.assert_array_equal(column.winners, layer.winners)

    @settings(max_examples=40, deadline=None)
    @given(networks(PIECEWISE_LINEAR + SMOOTH))
    def test_contributions_and_bias_add_up_to_the_layer_s_own_sums(
        self, drawn: tuple[nn.Sequential, np.ndarray]
    ) -> None:
        net, x = drawn
        net.eval()
        h, sums = x, []
        for module in net:
            if isinstance(module, nn.Linear):
                assert module.bias is not None
                sums.append((module.weight.data @ h, module.weight.data))
                h = module.weight.data @ h + module.bias.data
            else:
                h = module(h).data
        columns = columns_of_network(net, x)
        for column, (total, weight) in zip(columns[1:], sums, strict=True):
            np.testing.assert_allclose(column.strengths.sum(axis=1), total, atol=1e-12)
            assert column.strengths.shape == weight.shape
        for column, (_, weight) in zip(columns_of_network(net)[1:], sums, strict=True):
            np.testing.assert_array_equal(column.strengths, weight)
            assert set(column.states) == {states.PLAIN} and column.values is None

    @settings(max_examples=60, deadline=None)
    @given(networks(PIECEWISE_LINEAR))
    def test_a_thin_network_s_edges_add_up_to_its_neurons(
        self, drawn: tuple[nn.Sequential, np.ndarray]
    ) -> None:
        thin = mg.thin(*drawn)
        columns = columns_of_thin(thin)
        linears = list(thin.network)[-(len(columns) - 1) :]
        for k, (column, linear) in enumerate(zip(columns[1:], linears, strict=True)):
            layer = thin.layers[k] if k < len(thin.layers) else None
            rows = np.arange(column.size) if layer is None else layer.kept
            bias = 0 if linear.bias is None else linear.bias.data
            total = column.strengths.sum(axis=1)[rows] + bias
            np.testing.assert_allclose(total, column.values[column.owners[rows]], atol=1e-9)
            assert set(np.flatnonzero(column.alive_units)) == set(rows)

    def test_saturated_neurons_are_known(self) -> None:
        net = nn.Sequential(nn.Linear.of([[0.0], [9.0], [-9.0]]), nn.Sigmoid(), nn.Linear.of(np.ones((1, 3))))
        assert columns_of_network(net, [1.0])[1].states == ("active", "saturated", "saturated")

    def test_drawing_without_an_input_changes_nothing(self) -> None:
        net = nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.5), nn.Linear(2, 1))
        mg.manual_seed(7)
        expected = net(np.ones(3)).data
        mg.manual_seed(7)
        columns_of_network(net)
        np.testing.assert_array_equal(net(np.ones(3)).data, expected)
        assert net.training and all(p.grad is None for p in net.parameters())


class TestNetwork:
    @settings(max_examples=40, deadline=None)
    @given(networks(PIECEWISE_LINEAR + SMOOTH), st.booleans())
    def test_every_neuron_and_edge_of_a_small_network_is_there(
        self, drawn: tuple[nn.Sequential, np.ndarray], given_x: bool
    ) -> None:
        net, x = drawn
        picture = draw_network(net, x if given_x else None)
        found = Counter(word for shape in drawing(picture) for word in shape.role.split())
        weights = [m.weight.data for m in net if isinstance(m, nn.Linear)]
        neurons = len(x) + sum(len(layer["states"]) for layer in picture.data["layers"][1:])
        assert found["neuron"] == neurons == len(drawn_states(picture))
        assert found["edge"] == sum(weight.size for weight in weights)
        pieces = sum(sum(layer["pieces"] or ()) for layer in picture.data["layers"])
        assert found["piece"] == pieces
        captions = {s.text for s in shapes(picture, "caption") if isinstance(s, Text)}
        assert {f"Linear {w.shape[1]}→{w.shape[0]}" for w in weights} <= captions

    def test_three_states_never_look_alike(self) -> None:
        looks = {}
        for state in (
            states.ACTIVE,
            states.INACTIVE,
            states.DROPPED,
            states.IDLE,
            states.LOWER,
            states.SATURATED,
        ):
            group = sample(state)
            assert isinstance(group, Group) and isinstance(group.shapes[0], Circle)
            outline = group.shapes[0].look
            parts = tuple(type(shape).__name__ + shape.role for shape in group.shapes)
            looks[state] = (bool(outline.dash), outline.fill and outline.fill.name, parts)
        assert len(set(looks.values())) == len(looks)
        without_colour = {(dash, parts, fill == "paper") for dash, fill, parts in looks.values()}
        assert len(without_colour) == len(looks)

    def test_edges_of_inactive_neurons_are_faded(self) -> None:
        picture = draw_network(small(), [0.8, -0.5])
        off = {key for key, state in drawn_states(picture).items() if state == "inactive"}
        assert off
        for edge in shapes(picture, "edge"):
            faded = "faded" in edge.role
            assert (0.1 <= edge.look.opacity <= 0.15) == faded
            if not faded:
                ends = [edge.data[key].rsplit(" ", 1) for key in ("from", "to")]
                assert not {(name, int(j)) for name, j in ends} & off

    def test_edges_show_sign_and_size(self) -> None:
        net = nn.Sequential(nn.Linear.of([[4.0, -1.0]]))
        big, small_ = sorted(shapes(draw_network(net), "edge"), key=lambda s: -s.look.width)
        assert big.look.width == 2 * small_.look.width
        assert not big.look.dash and small_.look.dash
        assert (big.look.stroke.name, small_.look.stroke.name) == ("positive", "negative")  # type: ignore[union-attr]

    def test_maxout_is_a_stack_whose_winner_is_solid(self) -> None:
        net = nn.Sequential(nn.Linear.of(np.eye(4)), nn.Maxout(2), nn.Linear.of([[1.0, 1.0]]))
        picture = draw_network(net, [5.0, 7.0, -1.0, 1.0])  # the lecture's example: 7 and 1
        winners = [s for s in shapes(picture, "winner") if isinstance(s, Group)]
        texts = [part.text for group in winners for part in group.shapes if isinstance(part, Text)]
        assert sorted(texts) == ["1", "7"] and len(shapes(picture, "loser")) == 2
        for group in shapes(picture, "piece"):
            assert isinstance(group, Group) and isinstance(group.shapes[0], Rect)
            assert bool(group.shapes[0].look.dash) == ("loser" in group.role)
        assert "22  " in picture.text

    def test_dropped_neurons_are_crossed(self) -> None:
        mg.manual_seed(0)
        net = nn.Sequential(
            nn.Linear.of(np.ones((8, 1))), nn.ReLU(), nn.Dropout(0.5), nn.Linear.of(np.ones((1, 8)))
        )
        picture = draw_network(net, [1.0])
        dropped = shapes(picture, "dropped")
        assert 0 < len(dropped) < 8
        for neuron in dropped:
            assert isinstance(neuron, Group)
            assert any(part.role == "cross" for part in neuron.shapes)
        assert not shapes(draw_network(net.eval(), [1.0]), "dropped")

    def test_large_layers_are_abbreviated_and_counts_are_honest(self) -> None:
        net = nn.Sequential(nn.Linear(30, 200), nn.ReLU(), nn.Linear(200, 100))
        picture = draw_network(net, np.linspace(-1, 1, 30), max_edges=50)
        found = Counter(column for column, _ in drawn_states(picture))
        more = [int(s.text.strip("+ more")) for s in shapes(picture, "more") if isinstance(s, Text)]
        assert more == [200 - found["hidden 1"], 100 - found["output"]] and min(more) > 0
        live = [s for s in shapes(picture, "edge") if "faded" not in s.role]
        assert len(live) <= 50
        layer = picture.data["layers"][1]
        count = sum(
            column.alive_units[unit] and before.alive[neuron] and column.strengths[unit, neuron] != 0
            for before, column in pairwise(columns_of_network(net, np.linspace(-1, 1, 30)))
            for unit in range(column.size)
            for neuron in range(before.size)
            if {(before.name, neuron), (column.name, unit)} <= set(drawn_states(picture))
        )
        words = f"the strongest {len(live)} of {count:,} edges among the neurons shown"
        assert words in " ".join(key_texts(picture))
        share = sum(state == "inactive" for state in layer["states"]) / 200
        seen = sum(key[0] == "hidden 1" and s == "inactive" for key, s in drawn_states(picture).items())
        assert abs(seen / found["hidden 1"] - share) < 0.05

    def test_every_neuron_keeps_its_strongest_edges_and_the_rest_is_the_strongest(self) -> None:
        net, x = digits_like(width=12, n_in=20), np.linspace(-1, 1, 20)
        picture = draw_network(net, x, max_edges=180)
        edges = {(s.data["from"], s.data["to"]) for s in shapes(picture, "edge") if s.data}
        for before, column in pairwise(columns_of_network(net, x)):
            assert column.strengths is not None
            sizes = np.abs(column.strengths) * np.outer(column.alive_units, before.alive)
            drawn = np.array(
                [[(f"{before.name} {i}", f"{column.name} {u}") in edges for i in range(before.size)]
                 for u in range(len(sizes))]
            )  # fmt: skip
            own = (sizes == sizes.max(axis=0)) | (sizes == sizes.max(axis=1, keepdims=True))
            assert drawn[own & (sizes > 0)].all() and not drawn[sizes == 0].any()
            others = sizes[drawn & ~own]
            assert not len(others) or others.min() >= sizes[~drawn].max()
            assert drawn.sum() == min(60, np.count_nonzero(sizes))

    def test_square_inputs_are_images(self) -> None:
        x = np.linspace(0, 1, 64)
        picture = draw_network(digits_like(), x)
        (image,) = shapes(picture, "image")
        assert isinstance(image, Group)
        fills = [s.look.fill.name for s in image.shapes if isinstance(s, Rect) and s.look.fill]
        steps = [int(name.removeprefix("grey-")) for name in fills]
        assert steps == sorted(steps) and steps[0] == 0 and steps[-1] == 16
        assert len(shapes(draw_network(digits_like()), "image")) == 1

    def test_residual_connections_are_arrows(self) -> None:
        inner = nn.Residual(nn.Linear.of(-np.eye(3)), nn.ReLU())
        net = nn.Sequential(nn.Linear.of(np.eye(3)), nn.ReLU(), inner, nn.Linear.of(np.ones((1, 3))))
        picture = draw_network(net, [1.0, 2.0, -3.0])
        (arrow,) = shapes(picture, "skip")
        assert "hidden 1 is added to hidden 2" in arrow.title
        values = picture.data["layers"][2]["values"]
        assert values == [1.0, 2.0, 0.0]

    @settings(max_examples=40, deadline=None)
    @given(st.integers(0, 2**32 - 1), st.sampled_from([nn.ReLU(), nn.LeakyReLU(0.1), nn.Dropout(0.5)]))
    def test_a_skip_does_not_hide_what_a_gate_does(self, seed: int, gate: nn.Module) -> None:
        mg.manual_seed(seed)
        first, last = nn.Linear(3, 4, dtype=np.float64), nn.Linear(4, 2, dtype=np.float64)
        block = nn.Residual(nn.Linear(4, 4, dtype=np.float64), gate)
        net, x = nn.Sequential(first, block, last), np.array([1.0, -2.0, 3.0])
        mg.manual_seed(seed)
        column = columns_of_network(net, x)[2]
        h = first(x).data
        mg.manual_seed(seed)
        silent = (block(h).data == h).tolist()
        assert [state == states.BYPASSED for state in column.states] == silent
        mg.manual_seed(seed)
        assert column.alive_units.sum() == mg.thin(net, x).layers[1].kept.size
        mg.manual_seed(seed)
        picture = draw_network(net, x)
        for edge in shapes(picture, "edge"):
            into = edge.data.get("to", "")
            assert not into.startswith("hidden 2") or not silent[int(into.rsplit(" ", 1)[1])]
        if any(silent):
            assert f"{8 - sum(silent)} of 8 hidden neurons" in picture.description

    def test_only_smooth_layers_keep_every_neuron(self) -> None:
        for gate, always in ((nn.ReLU(), False), (nn.LeakyReLU(0.1), False), (nn.Tanh(), True)):
            net = nn.Sequential(nn.Linear.of([[1.0], [2.0]]), gate, nn.Linear.of([[1.0, 1.0]]))
            words = draw_network(net, [1.0]).description
            assert "all 2 hidden neurons pass a signal on" in words
            assert ("none can be taken away" in words) == always

    def test_where_only_zeros_flow_nothing_passes_a_signal_on(self) -> None:
        net = nn.Sequential(
            nn.Linear.of(-np.eye(2)), nn.ReLU(), nn.Linear.of(np.ones((3, 2))), nn.LeakyReLU(0.1),
            nn.Linear.of(np.ones((2, 3))),
        )  # fmt: skip
        picture = draw_network(net, [1.0, 2.0])
        words = "none of the 5 hidden neurons passes a signal on. 2 are inactive: they give 0"
        assert words in picture.description
        assert "3 happen to give exactly 0" in picture.description and "0 of 3 active" in picture.text
        assert "the largest output: for classes, the prediction" not in key_texts(picture)
        assert "active: filled with its value" not in key_texts(picture)

    def test_a_custom_module_that_is_a_chain_is_drawn(self) -> None:
        class Net(nn.Module):
            def __init__(self) -> None:
                self.body = small()

            def forward(self, x: Any) -> Any:
                return mg.tanh(self.body(x))

        picture = draw_network(Net(), [0.8, -0.5])
        assert "tanh" in " ".join(picture.data["layers"][-1]["made_of"])


def key_texts(picture: Picture) -> list[str]:
    assert isinstance(picture.drawing, Scene)
    entries = [shape for shape in picture.drawing.shapes if shape.role == "key"]
    return [part.text for group in entries if isinstance(group, Group)
            for part in group.shapes if isinstance(part, Text)]  # fmt: skip


class TestThin:
    @settings(max_examples=60, deadline=None)
    @given(networks(PIECEWISE_LINEAR))
    def test_what_is_left_is_what_the_thin_network_keeps(
        self, drawn: tuple[nn.Sequential, np.ndarray]
    ) -> None:
        thin = mg.thin(*drawn)
        picture = draw_thin(thin)
        found = drawn_states(picture)
        left = dropped = 0
        for k, layer in enumerate(thin.layers, start=1):
            kept = {int(j) for j in layer.kept}
            starts = np.cumsum([0, *(layer.groups or [1] * len(layer.output))])
            for j in range(len(layer.output)):
                remains = bool(kept & set(range(starts[j], starts[j + 1])))
                state = found[f"hidden {k}", j]
                assert (state in ("active", "lower")) == remains
                assert (state == "dropped") == (bool(layer.dropped[j]) and not remains)
                left += remains
                dropped += state == "dropped"
        assert left == thin.kept
        facts = [part.text for group in shapes(picture, "fact") for part in group.shapes]  # type: ignore[attr-defined]
        if thin.total:
            assert facts[0] == f"{thin.kept} of {thin.total}"
        sizes = [np.count_nonzero(column.strengths) for column in columns_of_thin(thin)[1:]]
        live = [s for s in shapes(picture, "edge") if "faded" not in s.role]
        assert len(live) == sum(sizes)
        if not any(isinstance(a, nn.ReLU) and isinstance(b, nn.Maxout) for a, b in pairwise(drawn[0])):
            rings = {
                (s.data["column"], int(s.data["neuron"]))
                for s in shapes(picture, "neuron")
                if isinstance(s, Group) and any(part.role == "next-flip" for part in s.shapes)
            }  # a flip of a gate before a Maxout is a piece's, which has no ring
            assert rings == {("input" if k < 0 else f"hidden {k + 1}", j) for k, j in thin.next_flip}

    def test_what_changes_next_is_ringed_or_named(self) -> None:
        kinds = set()
        for seed in range(60):
            mg.manual_seed(seed)
            net = nn.Sequential(nn.Linear(2, 100 if seed % 2 else 6), nn.ReLU(), nn.Dropout(0.5))
            thin = mg.thin(nn.Sequential(*net, nn.Linear(net[0].n_out, 1)), [1.0, -0.5])
            picture = draw_thin(thin)
            ((layer, j),) = thin.next_flip
            words = " ".join(key_texts(picture))
            drawn = drawn_states(picture).get((f"hidden {layer + 1}", j), "")
            assert bool(shapes(picture, "next-flip")) == bool(drawn)
            assert (f"neuron {j} of hidden 1, not shown" in words) == (not drawn)
            assert ("its gate flips, though it is dropped here" in words) == (drawn == "dropped")
            kinds.add(drawn)
        assert {"", "active", "inactive", "dropped"} <= kinds

    def test_a_small_linear_map_is_written_out(self) -> None:
        thin = mg.thin(small(), [0.8, -0.5])
        (table,) = shapes(draw_thin(thin, labels=["a", "b"]), "map")
        assert isinstance(table, Group)
        texts = [part.text for part in table.shapes if isinstance(part, Text)]
        rows = [[number(v) for v in [*row, b]] for row, b in zip(thin.weight, thin.bias, strict=True)]
        assert texts == ["W and b", "input 0", "input 1", "b", "output a", *rows[0], "output b", *rows[1]]
        assert not shapes(draw_thin(mg.thin(digits_like(n_in=5), np.ones(5))), "map")
        assert not shapes(draw_network(small(), [0.8, -0.5]), "map")

    def test_a_single_output_has_its_number(self) -> None:
        net = nn.Sequential(nn.Linear(2, 100), nn.ReLU(), nn.Linear(100, 1))
        picture = draw_network(net, [1.0, 2.0])
        texts = [s.text for s in shapes(picture, "value") if isinstance(s, Text)]
        assert texts == [number(picture.data["layers"][-1]["values"][0])]

    def test_positions_stay(self) -> None:
        net = digits_like(n_in=64)
        rng = np.random.default_rng(1)
        pictures = [
            draw_network(net, rng.random(64)),
            *(draw_thin(mg.thin(net, rng.random(64))) for _ in range(2)),
        ]
        placed = []
        for picture in pictures:
            circles = {
                (s.data["column"], s.data["neuron"]): s.shapes[0]
                for s in shapes(picture, "neuron")
                if isinstance(s, Group) and s.data["column"].startswith("hidden")
            }
            placed.append({key: (c.x, c.y, c.radius) for key, c in circles.items() if isinstance(c, Circle)})
        assert placed[0] == placed[1] == placed[2]

    def test_digits_have_images_of_the_linear_map(self) -> None:
        net, x = digits_like(), np.random.default_rng(0).random(64)
        thin = mg.thin(net, x)
        picture = draw_thin(thin, labels=[f"digit {k}" for k in range(10)])
        assert len(shapes(picture, "template")) == len(shapes(picture, "evidence")) == 10
        (largest,) = shapes(picture, "largest")
        assert isinstance(largest, Group) and isinstance(largest.shapes[0], Text)
        assert largest.shapes[0].text == f"digit {thin.output.argmax()}"
        assert len(shapes(picture, "bar")) == 10

    def test_dead_layers_leave_a_constant(self) -> None:
        net = small()
        net[2].bias.data[:] = -99.0
        picture = draw_thin(mg.thin(net, [0.8, -0.5]))
        assert set(drawn_states(picture).values()) == {"active", "inactive", "idle"}
        assert "constant" in picture.description and "0 of 7" in picture.text
        assert not [s for s in shapes(picture, "edge") if "faded" not in s.role]

    def test_a_layer_of_width_0_can_be_drawn(self) -> None:
        net = nn.Sequential(nn.Linear(3, 0), nn.ReLU(), nn.Linear(0, 2))
        for picture in (
            draw_network(net),
            draw_network(net, np.ones(3)),
            draw_thin(mg.thin(net, np.ones(3))),
        ):
            assert Counter(column for column, _ in drawn_states(picture)) == {"input": 3, "output": 2}

    def test_gates_at_both_ends(self) -> None:
        net = nn.Sequential(nn.ReLU(), nn.Linear.of(np.eye(2)), nn.ReLU())
        found = drawn_states(draw_thin(mg.thin(net, [1.0, -1.0])))
        assert found == {
            ("input", 0): "active",
            ("input", 1): "inactive",
            ("output", 0): "active",
            ("output", 1): "lower",
        }

    def test_a_network_that_branches_has_neurons_but_no_edges(self) -> None:
        net = nn.Sequential(nn.Linear(3, 4), nn.Residual(nn.Linear(4, 4), nn.ReLU()), nn.Linear(4, 2))
        thin = mg.thin(net, np.ones(3))
        picture = draw_thin(thin)
        assert "branches" in picture.description and not shapes(picture, "edge")
        assert len(shapes(picture, "neuron")) == 3 + sum(len(layer.output) for layer in thin.layers) + 2

    def test_nothing_sticks_out(self) -> None:
        for picture in (draw_thin(mg.thin(digits_like("maxout"), np.ones(64))), draw_network(small())):
            scene = picture.drawing
            assert isinstance(scene, Scene)
            for shape in scene.shapes:
                left, top, right, bottom = shape.bounds()
                assert scene.x <= left and right <= scene.x + scene.width
                assert scene.y <= top and bottom <= scene.y + scene.height


@pytest.fixture(scope="module")
def pictures() -> list[Picture]:
    mg.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 6), nn.Maxout([1, 2, 3]), nn.Dropout(0.5), nn.Linear(3, 2))
    labels = ['<b> & "cat"', "line\nbreak \\"]
    return [
        draw_network(small(), labels=labels, title="A <title> & more"),
        draw_network(net, np.ones(3), labels=labels),
        draw_thin(mg.thin(net, np.ones(3)), labels=labels),
    ]


class TestFormats:
    @pytest.mark.parametrize("suffix", ["svg", "png", "pdf", "html", "dot", "json", "txt"])
    def test_all_can_be_saved(self, pictures: list[Picture], tmp_path: Path, suffix: str) -> None:
        for k, picture in enumerate(pictures):
            assert picture.save(tmp_path / f"{k}.{suffix}").stat().st_size > 100

    def test_labels_are_escaped(self, pictures: list[Picture]) -> None:
        for picture in pictures:
            root = ElementTree.fromstring(picture.svg())
            texts = [element.text for element in root.iter() if element.tag.endswith("text")]
            assert '<b> & "cat"' in texts and "<b>" not in picture.html()

    def test_dot_is_understood(self, pictures: list[Picture]) -> None:
        pygraphviz = pytest.importorskip("pygraphviz")
        for picture in pictures:
            graph = pygraphviz.AGraph(string=picture.dot)
            layers = picture.data["layers"]
            assert graph.number_of_nodes() == sum(len(layer["states"]) for layer in layers)
            assert '<b> & "cat"' in [node.attr["label"].replace('\\"', '"') for node in graph.nodes()]

    def test_dot_of_a_large_network_is_abbreviated(self) -> None:
        source = draw_network(nn.Sequential(nn.Linear(30, 100), nn.ReLU(), nn.Linear(100, 2))).dot
        assert "+84 more" in source and "+14 more" in source

    def test_figures_are_complete(self) -> None:
        thin = mg.thin(small(), [0.8, -0.5])
        figures = json.loads(json.dumps(draw_thin(thin).data, allow_nan=False))
        np.testing.assert_allclose(figures["weight"], thin.weight)
        assert figures["left"] == thin.kept and figures["radius"] == thin.radius
        assert [layer["name"] for layer in figures["layers"]] == ["input", "hidden 1", "hidden 2", "output"]

    def test_text_has_a_mark_per_neuron(self) -> None:
        thin = mg.thin(small(), [0.8, -0.5])
        lines = draw_thin(thin).text.splitlines()
        found = drawn_states(draw_thin(thin))
        marks = "".join("●" if found["hidden 1", j] == "active" else "○" for j in range(4))
        assert lines[2].startswith(f"hidden 1  {marks}") and lines[-1].startswith(
            f"{thin.kept} of 7 neurons left · largest error |Wx"
        )

    def test_images_are_shaded_in_text(self) -> None:
        text = draw_network(digits_like(), np.linspace(0, 1, 64)).text
        assert "█" in text and "░" in text

    def test_draw_finds_them(self) -> None:
        assert viz.draw(small()).title == "A network"
        assert viz.draw(small(), [0.8, -0.5]).title == "A network at one input"
        assert viz.draw(mg.thin(small(), [0.8, -0.5])).title == "The thin linear network of one input"


class TestErrors:
    def test_labels_must_be_one_per_output(self) -> None:
        with pytest.raises(ValueError, match="labels names 3 outputs, but the network has 2"):
            draw_network(small(), labels=["a", "b", "c"])
        with pytest.raises(ValueError, match="labels names 1 outputs"):
            draw_thin(mg.thin(small(), [0.8, -0.5]), labels=["a"])

    @pytest.mark.parametrize(
        ("x", "message"),
        [
            (np.ones((3, 2)), r"for one of this batch pass x\[0\], of shape \(2,\)"),
            (np.ones(3), r"x has 3 entries, but Linear\(2, 4\) needs 2"),
            ([1.0, np.nan], "not finite: entry 1"),
        ],
    )
    def test_x_must_be_one_input(self, x: Any, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            draw_network(small(), x)

    def test_x_must_be_numbers(self) -> None:
        with pytest.raises(TypeError, match="numbers"):
            draw_network(small(), ["a", "b"])

    def test_max_edges_is_a_number_of_edges(self) -> None:
        with pytest.raises(ValueError, match="at least 0, but got -1"):
            draw_network(small(), max_edges=-1)
        assert not shapes(draw_network(small(), [0.8, -0.5], max_edges=0), "edge")

    def test_there_must_be_a_linear_layer(self) -> None:
        images = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(8, 2))
        with pytest.raises(ValueError, match=r"viz.draw\(mg.thin\(net, image\)\)"):
            draw_network(images)
        with pytest.raises(ValueError, match="no Linear layer"):
            draw_network(nn.Sequential(nn.ReLU()))

    def test_layers_must_follow_one_another(self) -> None:
        class Sides(nn.Module):
            def __init__(self) -> None:
                self.a, self.b = nn.Linear(2, 2), nn.Linear(2, 2)

            def forward(self, x: Any) -> Any:
                return self.a(x) + self.b(x)

        with pytest.raises(TypeError, match=r"layer b \(Linear\).*viz.draw\(mg.trace\(net, x\)\)"):
            draw_network(Sides(), [1.0, 2.0])

    def test_integers_are_inputs_too(self) -> None:
        assert draw_network(small(), [1, 2]).data == draw_network(small(), [1.0, 2.0]).data


class TestImages:
    def small(self) -> tuple[nn.Sequential, np.ndarray]:
        rng = np.random.default_rng(0)
        net = nn.Sequential(
            nn.Conv2d.of(rng.normal(size=(3, 1, 3, 3)), rng.normal(size=3)), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear.of(rng.normal(size=(8, 12)), rng.normal(size=8)), nn.ReLU(),
            nn.Linear.of(rng.normal(size=(4, 8))),
        )  # fmt: skip
        return net.eval(), rng.random((1, 6, 6))

    def test_a_convolutional_network_is_columns_of_what_is_left(self) -> None:
        net, x = self.small()
        thin = mg.thin(net, x)
        picture = viz.draw(thin)
        assert len(shapes(picture, "input")) == 1, "the image is drawn as one"
        captions = [s.text for s in shapes(picture, "caption") if isinstance(s, Text)]
        for words in ("36→48", "48→48", "12→8", "8→4", "MaxPool2d", "6 × 6 pixels"):
            assert words in captions
        for column, layer in zip(picture.data["layers"][1:], thin.layers, strict=False):
            assert len(column["states"]) == len(layer.output)
        assert f"{thin.kept} of {thin.total} units are left" in picture.description
        hidden = columns_of_thin(thin)
        for before, column in pairwise(hidden):
            assert column.strengths is not None
            assert not column.strengths[:, ~before.alive].any()

    def test_two_images_are_compared(self) -> None:
        net, x = self.small()
        one, two = mg.thin(net, x), mg.thin(net, x[:, ::-1].copy())
        picture = viz.draw(one, two)
        for record, a, b in zip(picture.data["layers"][1:], one.layers, two.layers, strict=False):
            assert set(record["first"]) == set(a.kept.tolist()) - set(b.kept.tolist())

    def test_a_large_layer_is_counted_not_squeezed_in(self) -> None:
        rng = np.random.default_rng(0)
        net = nn.Sequential(
            nn.Conv2d.of(rng.normal(size=(6, 2, 3, 3))), nn.ReLU(), nn.Flatten(),
            nn.Linear.of(rng.normal(size=(3, 6 * 36))),
        )  # fmt: skip
        picture = viz.draw(mg.thin(net, rng.random((2, 8, 8))))
        more = [s.text for s in shapes(picture, "more") if isinstance(s, Text)]
        assert more == ["+88 more", "+176 more"]
        assert len(shapes(picture, "neuron")) == 40 + 40 + 3

    def test_more_edges_than_fit_in_memory_are_left_out_and_said(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("viz.networks.columns._MOST", 100)
        net, x = self.small()
        picture = viz.draw(mg.thin(net, x))
        assert "Between its largest layers no edges are drawn" in picture.description
        assert {s.data["to"].split()[0] for s in shapes(picture, "edge") if s.data} == {"hidden", "output"}
