"""The notebooks of the documentation run as they stand, and show what they print."""

from __future__ import annotations

import json
import re
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


NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?(?:e[-+]\d+)?")


def outputs(notebook: dict) -> list[tuple[str, int]]:
    """Of each cell of code what it printed, in words apart by single spaces, and how many pictures it drew."""
    found = []
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            data = [output.get("data", {}) for output in cell["outputs"]]
            texts = [output.get("text") or output["data"]["text/plain"] for output in cell["outputs"]]
            words = " ".join("".join(line for text in texts for line in text).split())
            found.append((words, sum("image/png" in each for each in data)))
    return found


def assert_printed_as_shown(now: str, shown: str) -> None:
    """The words are the same, and numbers as close as two processors' arithmetic."""
    assert NUMBER.sub("#", now) == NUMBER.sub("#", shown)
    pairs = zip(NUMBER.findall(now), NUMBER.findall(shown), strict=True)
    for one, other in ((float(a.replace(",", "")), float(b.replace(",", ""))) for a, b in pairs):
        assert one == pytest.approx(other, rel=0.05, abs=0.02)


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.stem)
def test_a_notebook_runs_and_each_of_its_cells_prints_what_it_shows(notebook: Path, tmp_path: Path) -> None:
    """In a process of its own, from a folder of its own. `python docs/write.py --notebooks` writes what is shown."""
    command = [sys.executable, "-c", RUN, ROOT / "docs" / "write.py", notebook, tmp_path / "run.ipynb"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    shown, now = (outputs(json.loads(file.read_text("utf-8"))) for file in (notebook, tmp_path / "run.ipynb"))
    assert [pictures for _, pictures in now] == [pictures for _, pictures in shown]
    assert sum(pictures for _, pictures in now) >= 1
    for (text, _), (text_shown, _) in zip(now, shown, strict=True):
        assert_printed_as_shown(text, text_shown)


def test_what_a_notebook_prints_is_compared_number_by_number() -> None:
    shown = "top1 0.9375 0.8316 to 0.9785 n 48"
    assert_printed_as_shown("top1 0.9374 0.8316 to 0.9785 n 48", shown)
    for other in ("top1 0.5 0.8316 to 0.9785 n 48", "top1 0.9375 0.8316 to 0.9785 n 40", "top5 0.9375 to n 48"):
        with pytest.raises(AssertionError):
            assert_printed_as_shown(other, shown)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.stem)
def test_a_notebook_does_in_python_what_it_does(notebook: Path) -> None:
    """The one of a paper's table ran commands, as Python had neither exports nor published claims."""
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    assert "subprocess" not in code
    assert not [line for line in code.splitlines() if line.lstrip().startswith(("!", "%"))]
