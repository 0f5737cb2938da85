"""The severity at which accuracy falls below a share of the clean one, of stored rows: by option, in both surfaces."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hardiness
from hardiness.cli.main import main
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError
from hardiness.core.run import BenchmarkIdentity, DataIdentity, ModelIdentity, Plan, Run
from hardiness.core.table import Records
from hardiness.store.store import Store

CELLS = (Condition(), *(Condition(corruption="fog", severity=severity) for severity in (1, 3, 5)))
RIGHT = (100, 80, 60, 30)
"""Of a hundred pictures: below .9 of the clean accuracy at severity 1, below .7 at 3, below half at 5."""


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A run of two classes of one's own."""
    n, m = 100, len(CELLS)
    image, condition = np.repeat(np.arange(n), m), np.tile(np.arange(m), n)
    label = image % 2
    right = (image * 37 % n) < np.array(RIGHT)[condition]
    rows = {
        "sample": np.array([f"n/{k:03d}" for k in image]),
        "condition": condition.astype(np.int16),
        "frame": np.zeros(n * m, np.int16),
        "label": label.astype(np.int32),
        "prediction": np.where(right, label, 1 - label).astype(np.int32),
        "top5_class": np.zeros((n * m, 5), np.int16),
        "confidence": np.linspace(0.2, 0.9, n * m).astype(np.float32),
    }
    run = Run(
        ModelIdentity("net", "net"),
        BenchmarkIdentity("imagenet-c", "corruption"),
        DataIdentity("mine", "f", n, 2, classes=("cat", "dog")),
        conditions=CELLS,
    )
    work = list(zip(rows["sample"].tolist(), condition.tolist(), strict=True))
    Store.create(tmp_path).run(run, Plan(whole=tuple(range(m)))).write(0, work, Records(rows))
    return tmp_path


def severities(results: Any) -> dict[str, float | None]:
    (result,) = results
    return {score.metric: score.value for score in result.scores if score.metric.startswith("severity_below")}


def test_another_share_gives_another_severity(out: Path) -> None:
    assert severities(hardiness.load_results(out)) == {"severity_below": 5}
    assert severities(hardiness.load_results(out, below=0.7)) == {"severity_below_70": 3}
    assert severities(hardiness.load_results(out, below=0.9)) == {"severity_below_90": 1}
    assert severities(hardiness.load_results(out, below=0.25)) == {"severity_below_25": None}
    with pytest.raises(ArgumentError, match=r"below must be above 0 and below 1, as in 0.7, was 70"):
        hardiness.load_results(out, below=70)


def test_the_command_prints_it(out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def called(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["hardiness", "show", str(out), *arguments])
        with pytest.raises(SystemExit) as left:
            main()
        return int(left.value.code or 0)

    assert called("--below", "0.7") == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "severity at which accuracy falls below 70 % of the clean one" in told
    assert called("--below", "0.7", "--json") == 0
    (found,) = json.loads(capsys.readouterr().out)
    (score,) = [each for each in found["scores"] if each["metric"] == "severity_below_70"]
    assert (score["value"], score["condition"]) == (3, {"corruption": "fog"})
    assert called("--below", "1.5") == 2


@pytest.mark.slow
def test_the_page_shows_by_corruption_what_is_kept_and_where_half_is_lost(out: Path) -> None:
    """Without an option: (80 + 60 + 30) / 3 of 100 are kept under fog, and less than half at severity 5."""
    hardiness.write_report(out)
    page = (out / "report.html").read_text()
    found = re.search(r"what each corruption leaves of the clean accuracy.*?</table>", page, re.DOTALL)
    assert found is not None
    cells = [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<t[hd].*?</t[hd]>", found[0], re.DOTALL)]
    assert cells == [
        *("corruption", "retained accuracy", "below half at severity"),
        *("all corruptions", "56.7", ""),
        *("fog", "56.7", "5"),
    ]
