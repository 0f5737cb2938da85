"""Labels and answers in files: the scores of the same arrays, from a line a picture or a line an answer."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from commands import called
from pyarrow import parquet

import hardiness

COUNT = 60
RNG = np.random.default_rng(0)
LABELS = RNG.choice(["cat", "dog", "emu"], COUNT)
ANSWERS = {name: np.where(RNG.random(COUNT) < share, LABELS, "cat") for name, share in (("net", 0.9), ("old", 0.5))}
SITES = np.resize(["A", "B"], COUNT)
WIDE = {"picture": [f"{k}.png" for k in range(COUNT)], "label": LABELS, **ANSWERS, "site": SITES}
LONG = {
    "model": np.repeat(["net", "old"], COUNT),
    "picture": WIDE["picture"][::-1] * 2,
    "label": np.tile(LABELS[::-1], 2),
    "answer": np.concatenate([answers[::-1] for answers in ANSWERS.values()]),
    "site": np.tile(SITES[::-1], 2),
}


def _csv(columns: dict[str, object], file: Path) -> str:
    lines = [",".join(columns), *(",".join(map(str, cells)) for cells in zip(*columns.values(), strict=True))]
    file.write_text("\n".join(lines) + "\n")
    return str(file)


def _values(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str
) -> dict[tuple[str, str], float]:
    assert called(monkeypatch, "score", *arguments, "--json") == 0
    results = json.loads(capsys.readouterr().out)["results"]
    return {
        (result["model"], score["metric"]): score["value"]
        for result in results
        for score in result["scores"]
        if not score["condition"]
    }


def test_both_forms_and_parquet_are_the_arrays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = {
        (result.model, score.metric): score.value
        for result in hardiness.score(LABELS, ANSWERS)
        for score in result.scores
        if not score.condition
    }
    parquet.write_table(pa.table(LONG), tmp_path / "long.parquet")
    wide = _csv(WIDE, tmp_path / "wide.csv")
    assert _values(monkeypatch, capsys, wide, "--slice", "site") == expected
    assert _values(monkeypatch, capsys, _csv(LONG, tmp_path / "long.csv")) == expected
    assert _values(monkeypatch, capsys, str(tmp_path / "long.parquet")) == expected


def test_a_policy_judges_and_a_page_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('[[rules]]\nbenchmark = "answers"\nmodel = "old"\nmetric = "top1"\nat_least = "99 %"\n')
    file, page = _csv(WIDE, tmp_path / "wide.csv"), tmp_path / "page.html"
    arguments = ("--slice", "site", "--policy", str(policy), "--report", str(page))
    assert called(monkeypatch, "score", file, *arguments) == 3
    printed = capsys.readouterr().out
    assert "by site" in printed
    assert "beyond chance" in printed
    assert "fail: top-1 of old" in printed
    assert "net" in page.read_text()


@pytest.mark.parametrize(
    ("columns", "arguments", "message"),
    [
        ({"picture": [1, 2], "net": [0, 1]}, [], "must have the column label, has picture, net"),
        ({"picture": [1, 2], "label": [0, 1]}, [], "a column for each model beside label"),
        ({"label": [0, 1], "net": [0, ""]}, [], "answers of net must have a value everywhere, has none at [1]"),
        ({"model": ["a"], "label": [0], "answer": [0]}, [], "must have the columns model, picture, label, answer"),
        (
            {"model": ["a", "a"], "picture": [1, 2], "label": [0, 1], "answer": [0, 1], "condition": ["clean", "fog"]},
            [],
            "a must have one answer to each picture under clean, has 0 to 2",
        ),
        (
            {"model": ["a", "b"], "picture": [1, 1], "label": [0, 1], "answer": [0, 1]},
            [],
            "label of 1 must be one, was '0' in row 1 and '1' in row 2",
        ),
        ({"label": [0, 1], "net": [0, 1]}, ["--cluster", "site"], "site"),
    ],
)
def test_what_is_refused_says_where(
    columns: dict[str, object],
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert called(monkeypatch, "score", _csv(columns, tmp_path / "file.csv"), *arguments) == 2
    assert message in capsys.readouterr().err
