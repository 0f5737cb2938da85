"""The example of the page on slices, as it stands, on a part of the demo's photographs."""

from __future__ import annotations

import csv
import re
import runpy
from pathlib import Path
from typing import Any

import pytest

EXAMPLE = (Path(__file__).parents[2] / "docs" / "slices.md").read_text("utf-8").partition("\n## An example\n")[2]


@pytest.mark.slow
@pytest.mark.thorough
def test_true_properties_of_photographs_part_scores_comparisons_and_verdicts(
    hardiness: Any, results: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in re.findall(r'^```\w+ title="(\S+)"\n(.*?)^```$', EXAMPLE, re.MULTILINE | re.DOTALL):
        Path(name).write_text(text)
    runpy.run_path("properties.py")
    rows = list(csv.DictReader(Path("properties.csv").read_text().splitlines()))
    assert len(rows) == 99
    assert {row["package"] for row in rows} == {"ai-benchmark", "foolbox"}
    joined = re.sub(r"\\\n\s*", "", EXAMPLE)
    commands = re.findall(r"^hardiness (\w+ .*)$", joined, re.MULTILINE)
    assert [line.split()[0] for line in commands] == ["run", "show", "compare", "gate", "report"]
    outcomes = {}
    for line in commands:
        smaller = ["--limit", "24", "--device", "cpu", "--quiet"] if line.startswith("run") else []
        outcome = hardiness(*line.split(), *smaller)
        assert outcome.status == 0 or (line.startswith("gate") and outcome.status in (3, 4)), outcome.err
        outcomes[line.split()[0]] = outcome
    assert re.search(r"worst brightness: (0-100|100-140|140-), ", " ".join(outcomes["show"].out.split()))
    compared = " ".join(outcomes["compare"].out.split())
    assert "better on average" in compared
    assert re.search("brightness.*package", outcomes["gate"].out, re.DOTALL)
    assert "missing" not in outcomes["gate"].out
    page = Path("runs/sliced/report.html").read_text("utf-8")
    assert "By brightness" in page
    assert "By kilobytes" in page
    assert all(each["run"]["data"]["name"] == "embedded" for each in results(tmp_path / "runs/sliced"))
