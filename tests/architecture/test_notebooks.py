"""The notebooks of the documentation run as they stand, and show what they print."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import hardiness

ROOT = Path(hardiness.__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
RUN = """
import json, runpy, sys
write = runpy.run_path(sys.argv[1])
notebook = json.load(open(sys.argv[2], encoding="utf-8"))
write["run_notebook"](notebook)
json.dump(notebook, open(sys.argv[3], "w", encoding="utf-8"))
"""


def printed(notebook: dict) -> list[bool]:
    """Of each cell of code, whether something stands below it."""
    return [bool(cell["outputs"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.stem)
def test_a_notebook_runs_and_each_of_its_cells_prints_as_it_shows(notebook: Path, tmp_path: Path) -> None:
    """In a process of its own, from a folder of its own."""
    command = [sys.executable, "-c", RUN, ROOT / "docs" / "write.py", notebook, tmp_path / "run.ipynb"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    shown, now = (json.loads(file.read_text("utf-8")) for file in (notebook, tmp_path / "run.ipynb"))
    assert printed(now) == printed(shown)
    assert sum(printed(now)) >= 2


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.stem)
def test_a_notebook_does_in_python_what_it_does(notebook: Path) -> None:
    """The one of a paper's table ran commands, as Python had neither exports nor published claims."""
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    assert "subprocess" not in code
    assert not [line for line in code.splitlines() if line.lstrip().startswith(("!", "%"))]
