"""The commands that take a network from a file: what they write, and what they refuse."""

from __future__ import annotations

import json
import pickle
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import minigrad as mg
import viz.cli
from minigrad import nn

from .conftest import run_command


@pytest.fixture
def minigrad(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Run the command line within this process, in an empty folder: exit code, output, errors."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["minigrad", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            viz.cli.main()
        out, err = capsys.readouterr()
        return int(end.value.code or 0), out, err

    return run


def saved(folder: Path, n_in: int = 3, seed: int = 0) -> nn.Sequential:
    """Write a small network to net.safetensors."""
    rng = np.random.default_rng(seed)
    net = nn.Sequential(
        nn.Linear.of(rng.normal(size=(6, n_in)), rng.normal(size=6)), nn.ReLU(),
        nn.Linear.of(rng.normal(size=(5, 6)), rng.normal(size=5)), nn.Maxout([2, 3]),
        nn.Linear.of(rng.normal(size=(2, 2))),
    )  # fmt: skip
    net.save(folder / "net.safetensors")
    return net


def one_line(err: str) -> str:
    lines = err.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("minigrad: "), err
    return lines[0]


class TestThin:
    def test_it_writes_what_thin_finds(self, minigrad: Any, tmp_path: Path) -> None:
        net, x = saved(tmp_path), [0.5, -1.0, 2.0]
        (tmp_path / "x.json").write_text(json.dumps(x))
        code, out, err = minigrad("thin", "net.safetensors", "--input", "x.json", "--out", "a/b")
        assert (code, err) == (0, "")
        thin = mg.thin(net, np.array(x))
        assert thin.summary() in out and "x.json: the largest of 2 outputs" in out
        record = json.loads((tmp_path / "a/b/thin.json").read_text())
        np.testing.assert_array_equal(record["weight"], thin.weight)
        np.testing.assert_array_equal(record["output"], thin.output)
        assert [layer["kept"] for layer in record["layers"][1:]] == [list(k.kept) for k in thin.layers]
        assert (record["left"], record["total"]) == (thin.kept, thin.total)
        assert record["radius"] == thin.radius
        assert record["next_flip"] == [list(flip) for flip in sorted(thin.next_flip)]
        assert record["model"] == "net.safetensors" and record["input"]["values"] == x
        svg = ElementTree.parse(tmp_path / "a/b/thin.svg").getroot()
        assert "x.json" in (svg.findtext("{http://www.w3.org/2000/svg}title") or "")
        assert sorted(p.name for p in (tmp_path / "a/b").iterdir()) == ["thin.json", "thin.svg"]

    @pytest.mark.parametrize("name", ["x.npy", "x.csv", "x.txt", "row.txt", "x.json"])
    def test_every_format_of_an_input_says_the_same(self, minigrad: Any, tmp_path: Path, name: str) -> None:
        saved(tmp_path)
        x = np.array([0.25, -1.5, 3e-5])
        np.save(tmp_path / "x.npy", x)
        (tmp_path / "x.csv").write_text("0.25, -1.5;3e-5\n", encoding="utf-8-sig")
        (tmp_path / "x.txt").write_text("0.25\n-1.5\n\n3e-5\n")
        (tmp_path / "row.txt").write_text("0.25 -1.5 3e-5")
        (tmp_path / "x.json").write_text("[0.25, -1.5, 3e-5]")
        code, out, _ = minigrad("thin", "net.safetensors", "--input", name, "--json")
        assert code == 0
        assert json.loads(out)["input"]["values"] == x.tolist()

    @pytest.mark.parametrize("seed", [0, 4])
    def test_a_number_is_a_test_example_of_the_data(self, minigrad: Any, tmp_path: Path, seed: int) -> None:
        saved(tmp_path, n_in=2)
        options = ("--data", "moons", "--input", 7, "--seed", seed)
        code, out, _ = minigrad("thin", "net.safetensors", *options, "--json")
        test = mg.data.moons(seed=seed, dtype=float).test
        assert code == 0
        np.testing.assert_array_equal(json.loads(out)["input"]["values"], test.x[7])
        code, out, _ = minigrad("thin", "net.safetensors", *options)
        assert f"example 7 of class {test.y[7]}" in out

    def test_mnist_comes_from_a_folder(self, minigrad: Any, tmp_path: Path) -> None:
        rng = np.random.default_rng(0)
        images = rng.integers(0, 256, (30, 2, 2), dtype=np.uint8)
        labels = np.arange(30) % 3
        np.savez(tmp_path / "mnist.npz", x_train=images, y_train=labels, x_test=images, y_test=labels)
        saved(tmp_path, n_in=4)
        options = ("thin", "net.safetensors", "--input", 2, "--data", "mnist")
        code, _, err = minigrad(*options)
        assert code == 1 and "--root FOLDER" in one_line(err)
        code, _, err = minigrad(*options, "--root", "nowhere")
        assert code == 1 and "no MNIST in nowhere" in one_line(err)

    def test_the_demo_s_networks_are_models(self, demo: Any, tmp_path: Path) -> None:
        result, folder = demo
        names = sorted(path.name for path in folder.glob("*.safetensors"))
        assert names == [f"{name}.safetensors" for name in ("maxout", "relu-dropout", "relu", "sigmoid")]
        shown = json.loads((folder / "results.json").read_text())["networks"][1]
        hint = result.stdout.splitlines()[-1].partition("minigrad thin ")[2].split()
        assert hint[1:] == ["--data", "digits", "--input", "5"]
        arguments = (hint[0], "--data", "digits", "--input", 0, "--json", "--out", tmp_path / "out")
        again = json.loads(run_command("thin", *arguments).stdout)
        assert again["radius"] == shown["thin"]["radius"] and again["left"] == shown["thin"]["active"]


class TestRegions:
    def test_two_inputs_are_the_ends_of_a_line(self, minigrad: Any, tmp_path: Path) -> None:
        net, a, b = saved(tmp_path), [0.5, -1.0, 2.0], [-2.0, 1.0, 0.5]
        (tmp_path / "a.json").write_text(json.dumps(a))
        (tmp_path / "b.csv").write_text(", ".join(map(str, b)))
        code, out, err = minigrad("regions", "net.safetensors", "--from", "a.json", "--to", "b.csv")
        assert (code, err) == (0, "")
        line = mg.regions.line(net, a, b)
        record = json.loads((tmp_path / "minigrad-regions/line.json").read_text())
        np.testing.assert_array_equal(record["knots"], line.knots)
        np.testing.assert_array_equal(record["values"], line.values)
        assert [set(map(tuple, flip)) for flip in record["flips"]] == [set(s.flip) for s in line][:-1]
        assert record["inputs"] == ["a.json", "b.csv"]
        assert f"{len(line)} linear pieces" in out and "flips at its end" in out and "line.svg" in out
        assert ElementTree.parse(tmp_path / "minigrad-regions/line.svg").getroot().tag.endswith("svg")

    def test_three_inputs_span_a_plane(self, minigrad: Any, tmp_path: Path) -> None:
        net = saved(tmp_path, n_in=2)
        options = ("--data", "moons", "--from", 3, "--to", 5, "--third", 8, "--json", "--out", "out")
        code, out, err = minigrad("regions", "net.safetensors", *options)
        assert (code, err) == (0, "")
        test = mg.data.moons(dtype=float).test
        a, b, c = test.x[[3, 5, 8]]
        plane = mg.regions.plane(net, a, b - a, c - a)
        record = json.loads(out)
        assert record == json.loads((tmp_path / "out/plane.json").read_text())
        assert record["regions"] == len(plane) == len(record["polygons"])
        np.testing.assert_array_equal(record["vertices"], plane.vertices)
        np.testing.assert_allclose(record["points"], [[0, 0], [1, 0], [0, 1]])
        assert record["labels"] == test.y[[3, 5, 8]].tolist()
        assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["plane.json", "plane.svg"]

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            ("--from x.json --to x.json", "--from and --to are the same input"),
            ("--from x.json --to y.json --third x.json", "--from and --third are the same input"),
            ("--from x.json --to y.json --third z.json", "dependent|multiple"),
            ("--from x.json --to long.json", "--from has shape (3,), but --to has (4,)"),
            ("--from nan.json --to y.json", "finite"),
            ("--from x.json --to 3", "--to 3 is the number of an example"),
            ("--from x.json --to y.json --third w.pkl", "no such file"),
        ],
    )
    def test_bad_inputs_are_one_clear_line(
        self, minigrad: Any, tmp_path: Path, options: str, said: str
    ) -> None:
        saved(tmp_path)
        contents = {"x": "[1, 2, 3]", "y": "[2, 2, 3]", "z": "[4, 2, 3]", "long": "[1, 2, 3, 4]"}
        for name, content in (contents | {"nan": "[NaN, 1, 2]"}).items():
            (tmp_path / f"{name}.json").write_text(content)
        before = set(tmp_path.iterdir())
        code, out, err = minigrad("regions", "net.safetensors", *options.split())
        assert (code, out) == (1, "")
        assert any(words in one_line(err) for words in said.split("|"))
        assert set(tmp_path.iterdir()) == before

    def test_what_is_missing_and_what_is_smooth(self, minigrad: Any, tmp_path: Path) -> None:
        code, _, err = minigrad("regions", "net.safetensors", "--from", "x.json")
        assert code == 2 and "--to" in one_line(err) and "minigrad regions --help" in err
        nn.Sequential(nn.Linear(2, 2), nn.Tanh()).save(tmp_path / "smooth.safetensors")
        code, _, err = minigrad("regions", "smooth.safetensors", "--from", 0, "--to", 1, "--data", "moons")
        assert code == 1 and "layer 1 (Tanh) is smooth" in one_line(err)

    def test_a_network_without_gates_is_one_region(self, minigrad: Any, tmp_path: Path) -> None:
        nn.Sequential(nn.Linear(2, 2)).save(tmp_path / "linear.safetensors")
        options = ("linear.safetensors", "--data", "moons", "--from", 0, "--to", 1)
        code, out, _ = minigrad("regions", *options)
        assert code == 0 and "1 linear piece" in out
        code, out, _ = minigrad("regions", *options, "--third", 2)
        assert code == 0 and "1 linear region" in out


MODEL_ERRORS = {
    "none.safetensors": "there is no file",
    "cut.safetensors": "damaged",
    "flipped.safetensors": "damaged",
    "text.safetensors": "damaged",
    "foreign.safetensors": "holds no network of minigrad's",
    "evil.pkl": "can run code",
    "evil.safetensors": "damaged",
    "net.pt": "PyTorch's",
    "net.h5": "Keras's",
    "net.onnx": "ONNX's",
    "net.npz": "no layers",
    ".": "there is no file",
}


class Evil:
    def __reduce__(self) -> Any:
        return Path.touch, (Path("was-here"),)


@pytest.mark.parametrize("command", ["thin", "regions"])
@pytest.mark.parametrize("name", MODEL_ERRORS)
def test_a_file_that_is_no_model_is_one_clear_line(
    minigrad: Any, tmp_path: Path, name: str, command: str
) -> None:
    from safetensors.numpy import save_file

    saved(tmp_path)
    good = (tmp_path / "net.safetensors").read_bytes()
    flipped = bytearray(good)
    flipped[-3] ^= 4
    (tmp_path / "cut.safetensors").write_bytes(good[:-9])
    (tmp_path / "flipped.safetensors").write_bytes(flipped)
    (tmp_path / "text.safetensors").write_text("a network")
    save_file({"weight": np.zeros((2, 2))}, tmp_path / "foreign.safetensors")
    for evil in ("evil.pkl", "evil.safetensors", "net.pt", "net.h5", "net.onnx"):
        (tmp_path / evil).write_bytes(pickle.dumps(Evil()))
    np.savez(tmp_path / "net.npz", weight=np.zeros(3))
    before = set(tmp_path.iterdir())
    where = {"thin": ("--input",), "regions": ("--from", "--to")}[command]
    code, out, err = minigrad(command, name, *(word for option in where for word in (option, "x.json")))
    assert (code, out) == (1, "")
    assert MODEL_ERRORS[name] in one_line(err)
    assert set(tmp_path.iterdir()) == before, "nothing is executed or written"


INPUT_ERRORS = {
    "none.npy": "no such file",
    "7": "no data set is named",
    "--data moons --input 1000": "test examples 0 to",
    "--data moons --input -1": "test examples 0 to",
    "--data cifar --input 0": "digits, moons, mnist",
    "--data moons --root . --input 0": "--root is for --data mnist",
    "--root . --input x.json": "--data mnist",
    "evil.npy": "Python objects",
    "huge.npy": "can't be read as numbers",
    "x.npz": "no other format is read",
    "x.png": "no other format is read",
    "words.csv": "could not convert string to float",
    "ragged.json": "can't be read as numbers",
    "words.json": "not numbers",
    "text.json": "can't be read as numbers",
    "empty.csv": "(0,)",
    "nan.json": "not finite",
    "long.json": "Linear(3, 6) got (4,)",
    "batch.csv": "one input",
    "large.json": "larger than one input",
}


@pytest.mark.parametrize("text", INPUT_ERRORS)
def test_an_input_that_is_none_is_one_clear_line(
    minigrad: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    saved(tmp_path)
    np.save(tmp_path / "evil.npy", np.array([Evil()], dtype=object), allow_pickle=True)
    np.save(tmp_path / "huge.npy", np.zeros(3))
    huge = (tmp_path / "huge.npy").read_bytes().replace(b"(3,), }      ", b"(3000000,), }")
    (tmp_path / "huge.npy").write_bytes(huge)
    np.savez(tmp_path / "x.npz", np.zeros(3))
    contents = {
        "x.png": "", "words.csv": "a, b, c", "ragged.json": "[[1, 2], [3]]", "words.json": '["a"]',
        "text.json": "no json", "empty.csv": "", "nan.json": "[1, NaN, 2]", "long.json": "[1, 2, 3, 4]",
        "batch.csv": "1,2,3\n4,5,6", "x.json": "[1, 2, 3]", "large.json": f"[1, 2, 3{' ' * 2000}]",
    }  # fmt: skip
    for name, content in contents.items():
        (tmp_path / name).write_text(content)
    monkeypatch.setattr("viz.commands.given.MOST", 1000)
    before = set(tmp_path.iterdir())
    options = text.split() if text.startswith("--") else ["--input", text]
    code, out, err = minigrad("thin", "net.safetensors", *options)
    assert (code, out) == (1, "")
    assert INPUT_ERRORS[text] in one_line(err)
    assert set(tmp_path.iterdir()) == before


def test_a_smooth_network_and_options_are_one_clear_line(minigrad: Any, tmp_path: Path) -> None:
    nn.Sequential(nn.Linear(3, 2), nn.Sigmoid()).save(tmp_path / "smooth.safetensors")
    (tmp_path / "x.json").write_text("[1, 2, 3]")
    code, _, err = minigrad("thin", "smooth.safetensors", "--input", "x.json")
    assert code == 1 and "layer 1 (Sigmoid) is smooth" in one_line(err)
    code, _, err = minigrad("thin", "smooth.safetensors")
    assert code == 2 and "--input" in one_line(err) and "minigrad thin --help" in err
    code, _, err = minigrad("thin")
    assert code == 2 and "MODEL" in one_line(err)
    saved(tmp_path)
    code, _, err = minigrad("thin", "net.safetensors", "--input", "x.json", "--out", "")
    assert code == 1 and "--out is empty" in one_line(err)
    code, _, err = minigrad("thin", "net.safetensors", "--input", "x.json", "--out", "x.json")
    assert code == 1 and "can't write to the folder 'x.json'" in one_line(err)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["net.safetensors", "smooth.safetensors", "x.json"]


def test_a_convolutional_network_gets_the_example_as_an_image() -> None:
    from viz.commands.given import as_image

    net = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Flatten(), nn.Linear(12, 2))
    x = np.arange(32.0)
    np.testing.assert_array_equal(as_image(x, net), x.reshape(2, 4, 4))
    np.testing.assert_array_equal(as_image(np.stack([x, -x]), net)[1], -x.reshape(2, 4, 4))
    assert as_image(np.zeros(31), net).shape == (31,), "the network itself says what is wrong"
    assert as_image(np.zeros((2, 4, 4)), net).shape == (2, 4, 4)
    assert as_image(x, nn.Sequential(nn.Linear(32, 2))).shape == (32,)


def test_every_command_takes_a_convolutional_network(minigrad: Any, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    net = nn.Sequential(
        nn.Conv2d.of(rng.normal(size=(2, 1, 3, 3)), rng.normal(size=2)), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear.of(rng.normal(size=(10, 18))),
    ).eval()  # fmt: skip
    net.save(tmp_path / "conv.safetensors")
    x = mg.data.digits(dtype=float).test.x[[4, 5, 6]].reshape(-1, 1, 8, 8)
    code, out, err = minigrad("thin", "conv.safetensors", "--data", "digits", "--input", 4, "--json")
    assert (code, err) == (0, "")
    np.testing.assert_allclose(json.loads(out)["weight"], mg.thin(net, x[0]).weight)
    options = ("regions", "conv.safetensors", "--data", "digits", "--from", 4, "--to", 5)
    code, out, err = minigrad(*options, "--json")
    assert (code, err) == (0, "")
    np.testing.assert_array_equal(json.loads(out)["knots"], mg.regions.line(net, x[0], x[1]).knots)
    code, out, err = minigrad(*options, "--third", 6, "--json")
    assert (code, err) == (0, "")
    plane = mg.regions.plane(net, x[0], x[1] - x[0], x[2] - x[0])
    assert json.loads(out)["regions"] == len(plane)
