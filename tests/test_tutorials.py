"""Every tutorial runs without complaint, and what is stored in it is what it shows."""

import re
from copy import deepcopy
from pathlib import Path

import matplotlib.font_manager  # noqa: F401  (where it builds its cache it says so on stderr: here, not there)
import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

TUTORIALS = sorted((Path(__file__).parents[1] / "tutorials").glob("*.ipynb"))
PICTURES = {"image/svg+xml", "image/png", "text/html"}


def run(stored, folder):
    """Execute a copy in a folder of its own, with the Python that is written in its prose."""
    executed = deepcopy(stored)
    executed.cells = []
    for cell in stored.cells:
        executed.cells.append(deepcopy(cell))
        if cell.cell_type == "markdown":
            blocks = re.findall(r"```python\n(.*?)```", cell.source, re.DOTALL)
            executed.cells += [new_code_cell(block) for block in blocks]
    client = NotebookClient(
        executed,
        timeout=300,
        kernel_name="python3",
        allow_errors=True,
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute()
    return executed


def complaints(stored, executed):
    """Say what is wrong with a tutorial and with what running it gave."""
    for cell in code_cells(executed):
        where = cell.source.partition("\n")[0]
        for output in cell.outputs:
            if output.output_type == "error":
                yield f"{where}: {output.ename}: {output.evalue}"
            elif output.get("name") == "stderr":
                yield f"{where}: stderr: {output.text}"
    again = {cell.id: shown(cell) for cell in code_cells(executed)}
    for cell in code_cells(stored):
        if shown(cell) != again[cell.id]:
            yield f"{cell.source}\nshows {again[cell.id]}\nbut {shown(cell)} is stored"
    kinds = {kind for cell in code_cells(stored) for _, kinds in shown(cell)[1] for kind in kinds}
    if not kinds & PICTURES:
        yield "no picture is stored"


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def shown(cell):
    """Return what a cell printed, and of all that it displayed the text and the formats."""
    printed = "".join(output.text for output in cell.outputs if output.output_type == "stream")
    displayed = [output.data for output in cell.outputs if "data" in output]
    return printed, [(data.get("text/plain"), sorted(data)) for data in displayed]


def test_there_are_tutorials():
    assert TUTORIALS


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_tutorial_runs_and_shows_what_is_stored(path, tmp_path):
    stored = nbformat.read(path, as_version=4)
    assert list(complaints(stored, run(stored, tmp_path))) == []


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_tutorial_is_small_and_clean(path):
    assert path.stat().st_size < 600_000
    stored = nbformat.read(path, as_version=4)
    nbformat.validate(stored)
    counts = [cell.execution_count for cell in code_cells(stored)]
    assert counts == list(range(1, len(counts) + 1))
    assert all(cell.metadata == {} for cell in stored.cells)
    assert stored.metadata == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }


def test_checker_finds_planted_faults(tmp_path):
    """The last cell and the prose are right, all others are not."""
    stored = new_notebook(
        cells=[
            new_code_cell("1 / 0"),
            new_code_cell("import warnings; warnings.warn('careful')"),
            new_code_cell("print('new')", outputs=[new_output("stream", name="stdout", text="old\n")]),
            new_code_cell("2 + 2", outputs=[new_output("execute_result", data={"text/plain": "5"})]),
            new_markdown_cell("```python\nassert 1 == 1\n```\n\n```python\nassert 1 == 2, 'prose'\n```"),
            new_code_cell("print('same')", outputs=[new_output("stream", name="stdout", text="same\n")]),
        ]
    )
    found = "\n".join(complaints(stored, run(stored, tmp_path)))
    assert "1 / 0: ZeroDivisionError: division by zero" in found
    assert "stderr" in found and "careful" in found
    assert "('new\\n', [])\nbut ('old\\n', []) is stored" in found
    assert "'4'" in found and "'5'" in found
    assert "AssertionError: prose" in found
    assert "no picture is stored" in found
    assert "same" not in found and "1 == 1" not in found
