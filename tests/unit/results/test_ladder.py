"""A ladder of exports, and verdicts of equivalence, of stored rows."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from answer_rows import answer_rows
from commands import called_wide
from sessions import session_of

import hardiness
from hardiness.core.codes import ModelNote
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError, UnknownNameError
from hardiness.core.fact import Fact, error_of
from hardiness.core.forms import json_form
from hardiness.core.model import View
from hardiness.core.run import BenchmarkIdentity, DataIdentity, ModelIdentity, Plan, Run
from hardiness.core.table import Records
from hardiness.report.ladder import step_lines
from hardiness.report.words import line as said
from hardiness.results.equivalence import PairEquivalence
from hardiness.results.ladder import LadderStep, StepPart
from hardiness.statistics.comparison import Difference
from hardiness.store.store import Store

CELLS = (Condition(), Condition(corruption="fog", severity=1), Condition(corruption="frost", severity=1))
N = 400


def stored(out: Path, model: str, answers: np.ndarray, label: np.ndarray, view: View | None = None) -> None:
    """One model's answers ``(N, M)``, of one condition or of three."""
    n, m = answers.shape
    rows = answer_rows(answers, label)
    run = Run(
        ModelIdentity(model, f"weights of {model}", view or View()),
        BenchmarkIdentity("imagenet-c" if m > 1 else "imagenet-val", "corruption" if m > 1 else "classification"),
        DataIdentity("imagenet", "f", n),
        conditions=CELLS[:m],
    )
    work = list(zip(rows["sample"].tolist(), rows["condition"].tolist(), strict=True))
    Store.create(out).run(run, Plan(whole=tuple(range(m)))).write(0, work, Records(rows))


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three rungs of 400 pictures under three conditions.

    From torch to onnx 4 clean answers change from right to wrong; from onnx to int8, under fog, 60 do, and 20 the
    reverse.
    """
    folder = tmp_path_factory.mktemp("ladder")
    label = np.arange(N) % 4
    torch = np.repeat(label[:, None], 3, axis=1)
    torch[:20, 1] = 9
    onnx = torch.copy()
    onnx[100:104, 0] = 9
    int8 = onnx.copy()
    int8[:20, 1] = label[:20]
    int8[200:260, 1] = 9
    for name, answers in (("torch", torch), ("onnx", onnx), ("int8", int8)):
        stored(folder, name, answers, label, View(interpolation="bicubic") if name == "int8" else None)
    return folder


def test_each_step_says_which_answers_change_and_which_of_these_are_harmful(out: Path) -> None:
    (ladder,) = hardiness.compare(out, ladder=["torch", "onnx", "int8"])
    assert ladder.rungs == ("torch", "onnx", "int8")
    first, second = ladder.steps
    assert [part.name for part in second.parts] == ["", "clean", "fog", "frost"]
    assert first.parts[0].flips.agreement.value == 1, "clean pictures are not averaged into corrupted ones"
    by_name = {part.name: part for part in first.parts}
    assert (by_name["clean"].flips.negative.value, by_name["clean"].difference.value) == (0.01, -0.01)
    fog = {part.name: part for part in second.parts}["fog"]
    assert (fog.flips.negative.value, fog.flips.positive.value) == (0.15, 0.05)
    assert fog.difference.value == pytest.approx(-0.1)
    assert fog.difference.interval.high < 0
    assert second.parts[0].flips.negative.value == pytest.approx(0.15 / 2), "over fog and frost"
    assert "interpolation bilinear → bicubic" in second.changes
    assert second.parts[0].outcome is None, "no margin was stated"


def test_a_ladder_prints_steps_verdicts_and_a_row_a_corruption(
    out: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    asked = ("compare", str(out), "--ladder", "torch+onnx+int8", "--within", "3%")
    assert called_wide(monkeypatch, *asked) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "torch → onnx, 400 images" in text
    assert "0.0 % of answers change: 0.0 % are harmful (right before, wrong after), 0.0 % helpful" in text
    assert "of clean pictures 1.0 % change" in text
    assert "10.0 % of answers change: 7.5 % are harmful" in text
    assert "pass: equivalent within 3 points by" in text
    assert "fail: equivalent within 3 points by" in text
    assert "does another resize explain a step? --data PHOTOS runs a model again" in text
    assert called_wide(monkeypatch, *asked, "--json") == 0
    (form,) = json.loads(capsys.readouterr().out)
    assert (form["margin"], form["rungs"]) == (0.03, ["torch", "onnx", "int8"])
    fog = next(part for part in form["steps"][1]["parts"] if part["name"] == "fog")
    assert fog["equivalence"]["outcome"] == "fail"
    assert fog["flips"]["negative"]["value"] == 0.15
    assert called_wide(monkeypatch, *asked, "--format", "csv") == 0
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    fogs = [(row["second"], round(float(row["harmful"]), 9), row["outcome"]) for row in rows if row["under"] == "fog"]
    assert fogs == [("onnx", 0, "pass"), ("int8", 0.15, "fail")]
    table = hardiness.compare(out, ladder="torch+onnx+int8", within=0.03).table()
    assert table.num_rows == 8
    assert table.column("outcome").to_pylist()[6] == "fail"


def test_a_ladder_of_names_that_are_not_there_or_twice_is_refused(out: Path) -> None:
    with pytest.raises(UnknownNameError, match="int4"):
        hardiness.compare(out, ladder=["torch", "int4"])
    for wrong in (["torch"], ["torch", "torch"], "torch+", ""):
        with pytest.raises(ArgumentError, match="ladder must name two or more models"):
            hardiness.compare(out, ladder=wrong)
    with pytest.raises(ArgumentError, match="models say how rungs are run again on the pictures of data"):
        hardiness.compare(out, "torch", ladder=["torch", "onnx"])
    with pytest.raises(ArgumentError, match="data goes with a ladder"):
        hardiness.compare(out, data="photos")


def test_one_name_of_several_runs_is_asked_for(out: Path, tmp_path: Path) -> None:
    label = np.arange(N) % 4
    for name, view in (("net", View()), ("net", View(crop_px=200)), ("other", View())):
        stored(tmp_path, name, label[:, None], label, view)
    with pytest.raises(ArgumentError, match=r"net names 2 runs on imagenet-val: write one of net \(crop_px=224\), net"):
        hardiness.compare(tmp_path, ladder=["net", "other"])
    (ladder,) = hardiness.compare(tmp_path, ladder=["net (crop_px=224)", "net (crop_px=200)"])
    assert ladder.steps[0].changes == ("crop_px 224 → 200",)


def test_two_models_get_a_verdict_within_the_margin_that_is_stated(
    out: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    comparison = next(iter(hardiness.compare(out, "torch", "onnx", "int8", within="3 %")))
    first = comparison.scores[0].metric
    verdicts = {(v.first, v.second): v for v in comparison.equivalences if v.metric == first}
    assert {pair: verdict.outcome for pair, verdict in verdicts.items()} == {
        ("torch", "onnx"): "pass",
        ("torch", "int8"): "fail",
        ("onnx", "int8"): "fail",
    }
    assert verdicts["torch", "onnx"].margin == 0.03
    assert called_wide(monkeypatch, "compare", str(out), "-m", "torch", "-m", "onnx", "--within", "0.1%") == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "torch and onnx: cannot tell: equivalent within 0.1 points by" in text
    assert re.search(r"they show no margin below [\d.]+ points", text), "3 / n at least, also where no answer changes"
    assert called_wide(monkeypatch, "compare", str(out), "-m", "torch", "-m", "onnx", "--within", "3%", "--json") == 0
    (form,) = json.loads(capsys.readouterr().out)
    assert form["equivalences"][0]["outcome"] == "pass"


def test_a_ladder_over_clusters_counts_clusters(out: Path) -> None:
    columns = {"path": [f"n/{k:03d}" for k in range(N)], "patient": [f"p{k // 40}" for k in range(N)]}
    alone = hardiness.compare(out, ladder="torch+int8", within="3 %").benchmarks[0].steps[0].parts[0]
    (ladder,) = hardiness.compare(out, ladder="torch+int8", within="3 %", columns=columns, cluster="patient")
    first = ladder.steps[0].parts[0]
    assert (first.flips.agreement.clusters, first.difference.clusters) == (10, 10)
    assert first.flips.negative.value == alone.flips.negative.value
    assert (alone.outcome, first.outcome) == ("fail", "cannot tell")


def test_a_graph_in_training_mode_is_named_in_the_step_to_it(tmp_path: Path) -> None:
    label = np.arange(N) % 4
    for name in ("torch", "onnx"):
        stored(tmp_path, name, label[:, None], label)
    line = "its graph is exported in training mode (Dropout): its answers depend on chance"
    notes = [Fact(ModelNote.TRAINING_GRAPH, {"nodes": "Dropout"}), error_of(ArgumentError("its graph is fast"))]
    run = next(run for run in Store.open(tmp_path).runs() if run.run.model.name == "onnx")
    run.add_measured(session_of(N, "2026-11-30T18:00:00+00:00", notes=json_form(notes)))
    (ladder,) = hardiness.compare(tmp_path, ladder="torch+onnx")
    (note,) = ladder.steps[0].notes
    assert (note.about, said(note).startswith(f"onnx: {line}")) == ("onnx", True), "and not that it is fast"
    assert "no answer changes" in step_lines(ladder.steps[0])
    (back,) = hardiness.compare(tmp_path, ladder="onnx+torch")
    assert not back.steps[0].notes, "the step away from it has no such line"


def test_a_margin_that_may_have_been_meant_in_percent_is_asked_for(out: Path) -> None:
    for ladder in (None, "torch+onnx"):
        with pytest.raises(ArgumentError, match=r'would be 50 points: write "0\.5 %" or "50 %"'):
            hardiness.compare(out, within=0.5, ladder=ladder)
    assert next(iter(hardiness.compare(out, within="50 %"))).equivalences


@pytest.mark.parametrize("within", ["0 %", "-1 %", "100 %", "half", 0])
def test_a_margin_that_is_none_is_refused(out: Path, within: Any) -> None:
    with pytest.raises(ArgumentError, match="within"):
        hardiness.compare(out, within=within)


def test_undefined_numbers_are_null_in_json() -> None:
    nothing = Difference(float("nan"), 0, "", lack=error_of(ArgumentError("nothing to divide by")))
    part = StepPart("", "a ratio", "ratio", float("nan"), 0.5, nothing, None, 0.01)
    (form,) = json.loads(json.dumps(LadderStep("a", "b", (part,)).as_dict(), allow_nan=False))["parts"]
    assert (form["before"], form["after"]) == (None, 0.5)
    assert form["difference"]["value"] is form["equivalence"]["value"] is None
    pair = PairEquivalence("a", "b", "retained_score", Condition(), "retained score", "ratio", nothing, 0.01).as_dict()
    assert json.loads(json.dumps(pair, allow_nan=False))["value"] is None
