"""New weights under an old name, as CI has them: which run is judged, how runs are listed, and how one is removed."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hardiness as package
from hardiness.core.errors import ArgumentError
from hardiness.core.model import View
from hardiness.results.stored_runs import drop_run
from hardiness.store.store import Store

LABELS = np.arange(40) % 2
PICTURES = np.full((40, 8, 8, 3), 60, np.uint8) + (120 * LABELS + np.arange(40)).astype(np.uint8)[:, None, None, None]
RULE = '[[rules]]\nbenchmark = "own"\nmetric = "top1"\nat_least = 0.6\n'


def evaluated(out: Path, version: str, **more: Any) -> Any:
    """The result of the network ``m`` in a version that is right on every picture (``good``) or on none (``bad``)."""

    def model(pictures: np.ndarray) -> np.ndarray:
        bright = (pictures.mean(axis=(1, 2, 3)) > 140).astype(int)
        return np.eye(2, dtype=np.float32)[bright if version == "good" else 1 - bright] * 4

    data = (list(PICTURES), LABELS, ["dark", "bright"])
    given = {"view": View(8, 8, "bilinear"), "tag": version, "output": "logits", "out": out, "progress": False}
    return package.evaluate(model, "own", data, name="m", **given, **more)


@pytest.fixture
def rules(tmp_path: Path) -> str:
    """A policy of one rule that no bad version passes."""
    (tmp_path / "policy.toml").write_text(RULE)
    return str(tmp_path / "policy.toml")


def test_a_folder_that_is_kept_from_job_to_job_judges_what_was_evaluated_last(
    hardiness: Any, rules: str, tmp_path: Path
) -> None:
    """A bad version, then a good one, then the bad one again, of which everything is stored already."""
    out = tmp_path / "out"
    statuses = []
    for version in ("bad", "good", "bad", "good"):
        evaluated(out, version)
        statuses.append(hardiness("gate", out, "--policy", rules).status)
    assert statuses == [3, 0, 3, 0]
    found = json.loads(hardiness("gate", out, "--policy", rules, "--json").out)
    (verdict,) = found["verdicts"]
    assert verdict["value"] == 1
    (remark,) = found["remarks"]
    (digits,) = re.findall(r'run = "(\w+)" in a rule judges it', remark["text"])
    runs = json.loads(hardiness("list", "runs", out, "--json").out)
    assert [(each["model"], each["rows"], each["sessions"]) for each in runs] == [("m", 40, 2)] * 2
    assert {each["key"]: each["successor"] for each in runs} == {
        verdict["run"]["key"]: "",
        next(each["key"] for each in runs if each["key"].startswith(digits)): verdict["run"]["key"],
    }
    shown = hardiness("list", "runs", out)
    assert shown.status == 0, shown.err
    for each in runs:
        assert each["key"][:8] in shown.out
    assert f"replaced by {verdict['run']['key'][:8]}" in " ".join(shown.out.split())
    # The run that is not judged is removed by what the gate printed, and nothing else is.
    told = hardiness("data", "drop", out, digits)
    assert told.status == 0, told.err
    assert [each.run.model.name for each in Store.open(out).runs()] == ["m"]
    assert [each["model"] for each in json.loads((out / "results.json").read_text())["results"]] == ["m"]
    found = json.loads(hardiness("gate", out, "--policy", rules, "--json").out)
    assert found["verdicts"] == [verdict]
    assert found["remarks"] == []


def test_the_same_session_writes_nothing_more_where_no_other_run_has_its_name(tmp_path: Path) -> None:
    evaluated(tmp_path / "out", "good")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "records").rglob("measured/*")}
    evaluated(tmp_path / "out", "good")
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "records").rglob("measured/*")} == before
    assert len(before) == 1


def test_a_session_that_is_killed_leaves_the_run_that_it_asked_for_on_trial(
    hardiness: Any, rules: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """New weights whose evaluation dies are not passed on the strength of the old ones."""
    out = tmp_path / "out"
    evaluated(out, "good")
    with monkeypatch.context() as patch:
        patch.setattr("hardiness.engine.provenance.keep_measured", lambda workers: None)
        patch.setattr("hardiness.engine.worker.Worker.evaluate", lambda worker: None)
        evaluated(out, "bad")
    told = hardiness("gate", out, "--policy", rules, "--json")
    (verdict,) = json.loads(told.out)["verdicts"]
    assert (told.status, verdict["outcome"], verdict["missing"]["text"]) == (1, "missing", "no picture was evaluated")


def test_a_run_is_removed_only_by_the_key_of_one(hardiness: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    evaluated(out, "good")
    (run,) = Store.open(out).runs()
    before = sorted((out / "records").rglob("*"))
    for name in ("", "m", run.key[:5], "f" * 16, "../..", f"{run.key}0"):
        told = hardiness("data", "drop", out, name)
        assert (told.status, len(told.lines)) == (2, 1), name
    copy = out / run.path.replace(run.key, f"{run.key[:8]}00000000")
    shutil.copytree(out / run.path, copy)
    (copy / "run.json").write_text("{")
    with pytest.raises(ArgumentError, match="is that of several: "):
        drop_run(Store.open(out), run.key[:8])
    assert drop_run(Store.open(out), copy.name[-16:]) == (copy.name,), "a run that cannot be read can be removed"
    assert sorted((out / "records").rglob("*")) == before
    assert hardiness("data", "drop", out, run.key[:6]).status == 0
    assert not (out / run.path).exists()
    assert json.loads((out / "results.json").read_text())["results"] == []


@pytest.mark.slow
def test_two_views_that_one_command_evaluates_are_both_judged(
    hardiness: Any, factory: Any, photographs: list[Path], rules: str, tmp_path: Path
) -> None:
    for number, photograph in enumerate(photographs[:4]):
        (tmp_path / "pets" / "ab"[number % 2]).mkdir(parents=True, exist_ok=True)
        shutil.copy(photograph, tmp_path / "pets" / "ab"[number % 2] / photograph.name)
    model, out = factory(classes=2), tmp_path / "out"
    given = ("-b", "own", "--data", f"own={tmp_path / 'pets'}", "--out", out, "--device", "cpu", "--quiet")
    for _ in range(2):
        told = hardiness("run", "-m", f"m={model}", "-m", f"m={model}:crop_px=160", *given)
        assert told.status == 0, told.err
        found = json.loads(hardiness("gate", out, "--policy", rules, "--json").out)
        assert sorted(each["model"] for each in found["verdicts"]) == ["m (crop_px=160)", "m (crop_px=224)"]
    told = hardiness("run", "-m", f"m={model}:crop_px=160", *given)  # all is stored, and this one was asked for last
    found = json.loads(hardiness("gate", out, "--policy", rules, "--json").out)
    assert [each["model"] for each in found["verdicts"]] == ["m"]
    assert "crop_px" not in str(found["verdicts"][0]["model"])
    (remark,) = found["remarks"]
    assert "not judged: the run" in remark["text"]
