"""The command line, run as a command."""

import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

import minigrad

from .conftest import run_command


def test_version_and_help():
    assert run_command("--version").stdout.strip() == f"minigrad {minigrad.__version__}"
    assert "demo" in run_command("--help").stdout
    options = run_command("demo", "--help").stdout
    for option in ("--out", "--seed", "--epochs", "--optimizer", "--l1", "--l2", "--patience", "--json"):
        assert option in options


def test_the_installed_command_is_this_one():
    from importlib.metadata import entry_points

    (script,) = [e for e in entry_points(group="console_scripts") if e.name == "minigrad"]
    assert script.value == "viz.cli:main"


def test_the_table_compares_the_networks(demo):
    result, _ = demo
    lines = result.stdout.splitlines()
    for column in ("train", "validation", "test", "first : last", "inactive", "left", "radius"):
        assert column in lines[0]
    assert [line.split("  ")[0] for line in lines[1:5]] == ["sigmoid", "ReLU", "Maxout", "ReLU + Dropout"]
    assert "Traceback" not in result.stderr


def test_a_terminal_sees_progress(tmp_path):
    """tqdm draws its bar on a terminal only, so the command gets one."""
    pty = pytest.importorskip("pty", reason="terminals are made here by POSIX means")
    termios = pytest.importorskip("termios")
    terminal, end = pty.openpty()
    termios.tcsetwinsize(end, (24, 100))
    command = [sys.executable, "-m", "viz.cli", "demo", "--epochs", "1", "--out", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=end) as process:
        os.close(end)
        seen = b""
        while True:
            try:
                part = os.read(terminal, 4096)
            except OSError:  # the other end was closed
                break
            seen += part
    os.close(terminal)
    assert process.returncode == 0
    assert b"%|" in seen and b"batch" in seen and b"picture" in seen


def test_results_hold_every_figure(demo):
    _, folder = demo
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    by_name = {network["name"]: network for network in results["networks"]}
    for network in by_name.values():
        for part in ("train", "validation", "test"):
            assert 0 <= network[f"{part}_accuracy"] <= 1
        assert len(network["gradient_norms"]) == 6
    assert "thin" not in by_name["sigmoid"]
    for name, total in (("ReLU", 160), ("Maxout", 320), ("ReLU + Dropout", 160)):
        thin = by_name[name]["thin"]
        assert thin["total"] == total
        assert 0 < thin["active"] < total
        assert 0 <= thin["max_abs_error"] < 1e-10
        assert thin["radius"] is None or thin["radius"] > 0
    assert by_name["Maxout"]["thin"]["active"] == 160, "one piece of every group wins"


def test_the_sigmoid_network_shows_the_vanishing_gradient_and_the_relu_network_does_not(demo):
    _, folder = demo
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    ratio = {n["name"]: n["gradient_norms"][0] / n["gradient_norms"][-1] for n in results["networks"]}
    assert ratio["sigmoid"] < 0.01
    assert ratio["ReLU"] > 0.1
    accuracy = {n["name"]: n["test_accuracy"] for n in results["networks"]}
    assert accuracy["ReLU"] > 0.8 > 0.3 > accuracy["sigmoid"]


class Links(HTMLParser):
    """Collects what a page would fetch."""

    def __init__(self):
        super().__init__()
        self.fetched, self.ids = [], []

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in ("src", "href", "xlink:href", "srcset", "data") and not (value or "").startswith(
                ("#", "data:")
            ):
                self.fetched.append((tag, name, value))
            if name == "id":
                self.ids.append(value)


def test_the_page_is_self_contained(demo):
    _, folder = demo
    page = (folder / "index.html").read_text(encoding="utf-8")
    links = Links()
    links.feed(page)
    assert links.fetched == []
    assert not re.search(r"@import|url\((?!#|data:|'#|\"#)", page)
    assert len(links.ids) == len(set(links.ids)), "ids are unique though many pictures share the page"
    assert page.count('role="img"') >= 4 * 3
    assert "prefers-color-scheme" in page


def test_every_picture_is_there_as_svg_and_png(demo):
    _, folder = demo
    svgs, pngs = sorted(folder.glob("*.svg")), sorted(folder.glob("*.png"))
    assert [p.stem for p in svgs] == [p.stem for p in pngs]
    assert {"gradients", "graph", "thin-relu-0", "thin-maxout-3", "history-sigmoid"} <= {p.stem for p in svgs}
    for svg, png in zip(svgs, pngs, strict=True):
        assert ElementTree.parse(svg).getroot().tag.endswith("svg")
        assert png.read_bytes().startswith(b"\x89PNG")
    assert not [p for p in folder.iterdir() if p.name.startswith(".")], "no temporary files are left"


def test_json_and_seed_repeat_exactly(tmp_path):
    options = (
        "--epochs",
        1,
        "--seed",
        3,
        "--json",
        "--optimizer",
        "adam",
        "--l1",
        1e-5,
        "--l2",
        1e-4,
        "--patience",
        2,
    )
    first, second = (run_command("demo", *options, "--out", tmp_path / name) for name in "ab")
    assert first.returncode == second.returncode == 0, first.stderr
    assert first.stdout == second.stdout
    results = json.loads(first.stdout)
    assert (results["seed"], results["optimizer"], results["l1"], results["patience"]) == (3, "adam", 1e-5, 2)
    assert all(any(n["history"]["penalty"]) for n in results["networks"]), "the regularizers were at work"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--optimizer", "newton"), "newton"),
        (("--epochs", "0"), "epochs"),
        (("--epochs", "many"), "integer"),
        (("--seed", "-1"), "seed"),
        (("--l1", "-1"), "l1"),
        (("--l2", "nan"), "l2"),
        (("--patience", "0"), "patience"),
        (("--depth", "3"), "--depth"),
        (("surplus",), "surplus"),
    ],
)
def test_a_bad_option_is_one_clear_line(tmp_path, options, said):
    result = run_command("demo", *options, "--out", tmp_path / "out")
    assert result.returncode != 0
    assert said in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr
    assert not (tmp_path / "out").exists(), "nothing is written"


def test_an_unknown_command_is_one_clear_line():
    result = run_command("demonstrate")
    assert result.returncode != 0
    assert "demonstrate" in result.stderr and len(result.stderr.strip().splitlines()) == 1


def test_a_diverging_training_is_one_clear_line(tmp_path):
    result = run_command("demo", "--l2", "1e9", "--epochs", "1", "--out", tmp_path)
    assert result.returncode == 1
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith("minigrad: training the sigmoid network diverged") and "--l2" in last
    assert "Traceback" not in result.stderr
    assert not list(tmp_path.iterdir())


def test_an_interruption_is_said_and_leaves_nothing(tmp_path):
    import signal
    import time

    command = [sys.executable, "-m", "viz.cli", "demo", "--epochs", "100000", "--out", str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert "training" in process.stderr.readline()
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
    assert process.returncode == 130
    assert "minigrad: interrupted" in rest and "Traceback" not in rest
    assert not list(tmp_path.iterdir())


def test_a_terminal_without_unicode_gets_the_table_all_the_same(tmp_path):
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "viz.cli", "demo", "--epochs", "1", "--out", str(tmp_path)]
    result = subprocess.run(command, capture_output=True, env=environment, timeout=300)
    assert result.returncode == 0, result.stderr
    assert b"sigmoid" in result.stdout


def test_no_command_and_an_empty_folder_name():
    assert "demo" in run_command().stdout
    result = run_command("demo", "--out", "")
    assert result.returncode == 1 and "--out is empty" in result.stderr


def test_an_unwritable_folder_is_one_clear_line(tmp_path):
    (tmp_path / "file").write_text("in the way")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        result = run_command("demo", "--out", out)
        assert result.returncode == 1
        assert "can't write" in result.stderr and "--out" in result.stderr
        assert len(result.stderr.strip().splitlines()) == 1
    assert (tmp_path / "file").read_text() == "in the way"
