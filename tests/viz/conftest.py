"""One run of the demo, for all tests that look at what it gives."""

import subprocess
import sys

import pytest


def run_command(*arguments):
    """Run the command line as a command."""
    command = [sys.executable, "-m", "viz.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=300)


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    """The finished command and the folder it wrote, made by it."""
    folder = tmp_path_factory.mktemp("demo") / "new" / "folder"
    result = run_command("demo", "--epochs", 8, "--out", folder)
    assert result.returncode == 0, result.stderr
    return result, folder
