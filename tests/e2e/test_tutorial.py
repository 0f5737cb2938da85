"""The tutorial, as it stands, on two photographs a class: a ladder, an attack, a limit, and verdicts on an export."""

from __future__ import annotations

import re
import shlex
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
    pages = re.sub(r"\\\n\s*", "", PAGE)
    commands = [shlex.split(line) for line in re.findall(r"^hardiness (\w+ .*)$", pages, re.MULTILINE)]
    kinds = [words[0] for words in commands]
    assert kinds == ["data", "run", "run", "compare", "run", "run", "show", "gate", "gate", "report"]
    told = []
    for words in commands[1:]:  # frost's pictures are here
        made = hardiness(*words, *(["--device", "cpu"] if words[0] == "run" else []))
        assert made.status == 0 or words[0] == "gate", made.err
        told.append(made)
    exports, device, ladder, attack, _, limit, gate, jpeg, _ = told
    runs = {each["model"]: each for each in results(tmp_path / "runs" / "net") if each["benchmark"] == "own"}
    assert set(runs) == {"torch", "onnx", "int8", "device"}
    assert {len(each["run"]["data"]["classes"]) for each in runs.values()} == {7}
    assert "it puts out probabilities" in exports.err + device.err
    assert "its graph is int8" in exports.err
    steps = " ".join(ladder.out.split())
    for step in ("torch → onnx, 14 images", "onnx → int8, 14 images", "int8 → device, 14 images"):
        assert step in steps
    assert "equivalent within 10 points by" in steps
    assert "motion blur" in steps, "the ladder has a row for each corruption"
    assert "was not tried" not in steps
    assert "whitebox" in attack.out + attack.err
    assert "jpeg compression │ int8 │ 60 % or more" in " ".join(limit.out.split())
    assert gate.status == 4, "of 14 pictures no rule can be decided, and none is missing"
    for judged in (gate, jpeg):
        assert "missing" not in judged.out
    verdicts = " ".join(re.sub("[│┃]", " ", gate.out).split())
    assert "equivalent within 15.00 points" in verdicts
    assert "brightness 0-140" in verdicts, "a rule is about a slice"
    assert "by family" in verdicts, "intervals are over clusters"
    page = Path("report.html").read_text("utf-8")
    assert "Recall by class and corruption" in page
    assert "torch" in page
    assert "int8" in page
