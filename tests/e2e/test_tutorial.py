"""The tutorial, as it stands, on two photographs a class: from nothing to the verdict on an int8 export."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "tutorial.md").read_text("utf-8")


@pytest.mark.slow
@pytest.mark.thorough
def test_an_export_is_evaluated_compared_and_judged(
    hardiness: Any, results: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in re.findall(r'^```\w+ title="(\S+)"\n(.*?)^```$', PAGE, re.MULTILINE | re.DOTALL):
        Path(name).write_text(text)
    done = subprocess.run([sys.executable, "networks.py"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(list(Path("photos").glob("*/*"))) == 52
    for folder in Path("photos").iterdir():
        for spare in sorted(folder.iterdir())[2:]:
            spare.unlink()
    told = {}
    commands = re.findall(r"^hardiness (\w+ .*)$", PAGE, re.MULTILINE)
    assert [line.split()[0] for line in commands] == ["data", "run", "run", "compare", "gate", "report"]
    for line in commands[1:]:  # frost's pictures are here
        made = hardiness(*line.split(), *(["--device", "cpu"] if line.startswith("run") else []))
        assert made.status == 0 or line.startswith("gate"), made.err
        told[line.split()[0]] = made
    runs = {each["model"]: each for out in ("runs/fp32", "runs/int8") for each in results(tmp_path / out)}
    assert {len(each["run"]["data"]["classes"]) for each in runs.values()} == {7}
    assert "it puts out probabilities" in told["run"].err
    assert "its graph is int8" in told["run"].err
    assert "get another answer" in told["compare"].out or "the same answer" in told["compare"].out
    assert told["gate"].status == 4, "of 14 pictures no rule can be decided, and none is missing"
    assert "missing" not in told["gate"].out
    verdicts = " ".join(re.sub("[│┃]", " ", told["gate"].out).split())
    assert "brightness 0-140" in verdicts, "a rule is about a slice"
    assert "by family" in verdicts, "intervals are over clusters"
    page = Path("report.html").read_text("utf-8")
    assert "Recall by class and corruption" in page
    assert "fp32" in page
    assert "int8" in page
