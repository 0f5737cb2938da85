"""Flips of stored runs: what ``compare`` says first, what is kept, and what a page shows."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from answer_rows import answer_rows
from commands import called_wide

import hardiness
from hardiness.core.condition import Condition
from hardiness.core.result import Score
from hardiness.core.run import BenchmarkIdentity, DataIdentity, ModelIdentity, Plan, Run
from hardiness.core.table import Records
from hardiness.report.charts import Dots
from hardiness.report.sections import sections
from hardiness.report.words import line as said
from hardiness.report.words import text as told
from hardiness.results.comparison import compare_runs
from hardiness.results.flips import PairFlips, flips_of
from hardiness.results.folder import Folder
from hardiness.statistics.comparison import detectable_among, detectable_paired
from hardiness.statistics.flips import Flips
from hardiness.statistics.paired_shares import score_interval
from hardiness.store.store import Store

CELLS = (Condition(), Condition(corruption="fog", severity=1), Condition(corruption="frost", severity=1))


def stored(
    out: Path,
    model: str,
    answers: np.ndarray,
    label: np.ndarray,
    start: int = 0,
    outputs: tuple[str, ...] = (),
    classes: tuple[str, ...] = (),
) -> None:
    """One model's answers ``(N, M)``, in as many rows as there are images and conditions."""
    n, m = answers.shape
    rows = answer_rows(answers, label, start)
    run = Run(
        ModelIdentity(model, f"{model} of {out.name}", classes=outputs),
        BenchmarkIdentity("imagenet-c" if m > 1 else "imagenet-val", "corruption" if m > 1 else "classification"),
        DataIdentity("imagenet", "f", n, classes=classes),
        conditions=CELLS[:m],
    )
    work = list(zip(rows["sample"].tolist(), rows["condition"].tolist(), strict=True))
    Store.create(out).run(run, Plan(whole=tuple(range(m)))).write(0, work, Records(rows))


def two_runs(out: Path, second_out: Path | None = None) -> None:
    """As many right before and wrong now as the reverse, under each of three conditions."""
    label = np.arange(100) % 4
    first, second = np.repeat(label[:, None], 3, axis=1), np.repeat(label[:, None], 3, axis=1)
    for cell in range(3):
        first[cell * 10 : cell * 10 + 8, cell] = 9
        second[cell * 10 + 50 : cell * 10 + 58, cell] = 9
    stored(out, "fp32", first, label)
    stored(second_out or out, "int8" if second_out is None else "fp32", second, label)


def test_equal_scores_and_other_answers_are_said_before_any_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    two_runs(tmp_path)
    asked = ("compare", str(tmp_path), "-m", "fp32", "-m", "int8")
    assert called_wide(monkeypatch, *asked) == 0
    sentence = (
        "The scores of fp32 and int8 do not differ beyond chance, but their answers do: 16.0 % of picture-cells get "
        "another answer: 8.0 % were right under fp32 and are wrong under int8, 8.0 % the reverse; "
        "of clean pictures 8.0 % and 8.0 %."
    )
    text = capsys.readouterr().out
    assert text.startswith("No model is ahead of another beyond chance.\n")
    assert sentence in " ".join(text.split())
    assert "→" not in text
    assert called_wide(monkeypatch, *asked, "--all") == 0
    text = capsys.readouterr().out
    assert sentence in text.splitlines()
    assert "fp32 → int8: negative 8.0 (" in text
    assert "conditions with most negative flips: clean 8.0" in text
    assert "classes with most negative flips" in text


def test_answers_of_outputs_in_another_order_are_matched_by_name(tmp_path: Path) -> None:
    label, classes = np.arange(90) % 3, ("ant", "bee", "cat")
    stored(tmp_path, "one", label[:, None], label, outputs=classes, classes=classes)
    by_cat_first = np.array([1, 2, 0])[label]
    stored(tmp_path, "other", by_cat_first[:, None], by_cat_first, outputs=("cat", "ant", "bee"), classes=classes)
    stored(tmp_path, "wrong", label[:, None], by_cat_first, outputs=("cat", "ant", "bee"), classes=classes)
    (compared,) = hardiness.compare(tmp_path)
    agreement = {(pair.first, pair.second): pair.overall.agreement.value for pair in compared.flips}
    assert agreement == {("one", "other"): 1.0, ("one", "wrong"): 0.0, ("other", "wrong"): 0.0}
    (pair,) = [pair for pair in compared.flips if pair.second == "wrong" and pair.first == "one"]
    assert {sample.label for sample in pair.samples} <= set(classes)
    assert all(each.after.name != each.label == each.before.name for each in pair.samples if each.before)


def test_where_no_name_matches_outputs_nothing_is_said_of_answers(tmp_path: Path) -> None:
    label = np.arange(90) % 3
    stored(tmp_path, "one", label[:, None], label, outputs=("ant", "bee", "cat"))
    stored(tmp_path, "other", label[:, None], label, outputs=("cat", "ant", "bee"))
    (compared,) = hardiness.compare(tmp_path)
    why = "their outputs have other names, or another order of them, and the data name no classes"
    assert not compared.flips
    assert f"one and other: no flips and no agreement: {why}" in map(said, compared.notes)
    ((step,),) = [ladder.steps for ladder in hardiness.compare(tmp_path, ladder=["one", "other"])]
    assert step.flips is None
    assert tuple(map(said, step.notes)) == (f"one and other: no flips and no agreement: {why}",)
    rule = 'benchmark = "*"\nmodel = "one"\nagainst_model = "other"\nmetric = "{}"\nagainst = "{}"\n{}\n'
    reasons = []
    for metric, limit in (("agreement", "at_least = 0.1"), ("top1", "worse_by_at_most = 0.1")):
        (tmp_path / "policy.toml").write_text(f"[[rules]]\n{rule.format(metric, tmp_path, limit)}")
        (verdict,) = hardiness.gate(tmp_path, tmp_path / "policy.toml").verdicts
        reasons.append((verdict.outcome, told(verdict.missing)))
    assert reasons == [("missing", f"not available: answers cannot be matched by class: {why}"), ("pass", "")]


def test_classes_without_a_flip_are_not_named_and_a_star_is_explained(tmp_path: Path) -> None:
    label = np.arange(100) % 4
    stored(tmp_path, "old", label[:, None], label)
    stored(tmp_path, "new", np.where(label == 2, 9, label)[:, None], label)
    text = " ".join(repr(hardiness.compare(tmp_path, "old", "new")).split())
    flips = text[text.index("classes with most negative flips: ") :]
    assert flips[: flips.index(")")].count("(") == 1
    assert ", " not in flips[: flips.index(")")], "the others have none"
    assert "(*: differs from zero)" in text


def test_json_has_conditions_classes_and_the_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    two_runs(tmp_path / "main", tmp_path / "new")
    assert called_wide(monkeypatch, "compare", str(tmp_path / "main"), str(tmp_path / "new"), "--json") == 0
    (found,) = json.loads(capsys.readouterr().out)
    (pair,) = found["flips"]
    assert (pair["first"], pair["second"], pair["flipped"]) == ("main/fp32", "new/fp32", 24)
    assert [each["negative"]["value"] for each in pair["conditions"]] == [0.08, 0.08, 0.08]
    assert [each["kind"] for each in pair["kinds"]] == ["clean", "fog", "frost"]
    assert {each["agreement"]["n"] for each in pair["classes"]} == {25}
    shown = {sample["id"]: sample for sample in pair["samples"]}
    assert len(shown) == 6
    assert all(50 <= int(id_[2:]) < 80 for id_ in shown)
    assert all(sample["before"]["name"] == sample["label"] != sample["after"]["name"] for sample in shown.values())


def test_recall_by_class_is_compared_with_what_lost_most_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """Of four classes one loses 20 of 50 pictures, one wins 6 and loses 5, two stay."""
    label = np.arange(200) % 4
    first, second = label[:, None].copy(), label[:, None].copy()
    lost, mixed = np.flatnonzero(label == 2), np.flatnonzero(label == 1)
    second[lost[:20]], second[mixed[:5]], first[mixed[5:11]] = 9, 9, 9
    stored(tmp_path / "main", "net", first, label)
    stored(tmp_path / "new", "net", second, label)
    assert called_wide(monkeypatch, "compare", str(tmp_path / "main"), str(tmp_path / "new"), "--json") == 0
    (pair,) = json.loads(capsys.readouterr().out)[0]["flips"]
    changes = pair["changes"]
    assert [each["value"] for each in changes] == pytest.approx([-0.4, 0.0, 0.0, 0.02])
    assert changes[0]["p"] == pytest.approx(4 * math.erfc(math.sqrt(20 / 2))), "of four classes, by Holm"
    assert changes[0]["interval"][1] < 0 < changes[3]["interval"][1]
    assert [each["p"] < 0.05 for each in changes] == [True, False, False, False]
    assert changes[0]["interval"][0] < score_interval(0, 20, 50).low, "wider than the interval of a class alone"
    assert called_wide(monkeypatch, "compare", str(tmp_path / "main"), str(tmp_path / "new"), "--all") == 0
    told = " ".join(capsys.readouterr().out.split())
    assert f"recall by class in points, what lost most first: {changes[0]['class']} -40.00 (" in told
    assert "; 1 of 4 classes change (all adjusted together); in a class of 50 images a change shows from " in told
    of_few = detectable_among(detectable_paired(0.4, 50), 4)
    assert changes[0]["detectable"] == pytest.approx(of_few)
    assert of_few > detectable_paired(0.4, 50), "four classes share the level"


def test_classes_of_few_images_are_one_part_of_the_text_the_figure_and_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    label = np.repeat(np.arange(25), [30] * 22 + [4] * 3)
    second = label[:, None].copy()
    second[:14], second[-6:] = 99, 99
    stored(tmp_path, "a", label[:, None], label)
    stored(tmp_path, "b", second, label)
    assert called_wide(monkeypatch, "compare", str(tmp_path), "--all") == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "classes with most negative flips: 3 classes of fewer than 10 images 50.0 (21.1–78.9), tench 46.7 (" in told
    assert "recall by class in points, what lost most first: tench -46.67 (" in told
    assert "; 1 of 22 classes change, the 3 of fewer than 10 images together do not (all adjusted together)" in told
    (found,) = hardiness.compare(tmp_path).as_dict()
    (pair,) = found["flips"]
    assert pair["small"] == 3
    assert [pair[name][-1]["class"] for name in ("classes", "changes")] == ["3 classes of fewer than 10 images"] * 2
    (shown,) = sections(Folder.open(Store.open(tmp_path)).results, compare_runs(Folder.open(Store.open(tmp_path))))
    chart = next(each for each in shown.section.charts if each.name == "flips_by_class_1")
    assert isinstance(chart, Dots)
    assert (len(chart.rows), chart.rows[-1]) == (20, "3 classes of fewer than 10 images")
    assert "The 19 of 22 with most negative flips, and those of few images together." in chart.caption
    grid = next(each for each in shown.section.grids if each.title.startswith("recall by class"))
    assert (len(grid.rows), grid.rows[-1][0]) == (20, "3 classes of fewer than 10 images (12)")
    assert grid.title.endswith("; 1 of 22 classes change, the 3 of fewer than 10 images together do not")


def test_how_small_a_change_shows_is_said_of_the_largest_and_the_smallest_class(tmp_path: Path) -> None:
    label = np.repeat(np.arange(3), [10, 20, 30])
    second = label[:, None].copy()
    second[0] = 9
    stored(tmp_path, "a", label[:, None], label)
    stored(tmp_path, "b", second, label)
    (pair,) = hardiness.compare(tmp_path).flips
    shown = {change.n: change.detectable for _, change in pair.changes}
    assert shown[10] > shown[20] > shown[30] > 0.2
    text = " ".join(repr(hardiness.compare(tmp_path)).split())
    expected = (f"{100 * shown[n]:.0f}" for n in (30, 10))
    assert "in a class of 30 images a change shows from {} points on, in one of 10 from {}".format(*expected) in text


def test_clean_pictures_are_not_averaged_into_those_under_corruption(tmp_path: Path) -> None:
    """Every clean answer is lost, and none under fog and frost."""
    label = np.arange(100) % 4
    first = np.repeat(label[:, None], 3, axis=1)
    second = first.copy()
    second[:, 0] = 9
    stored(tmp_path, "before", first, label)
    stored(tmp_path, "now", second, label)
    (pair,) = hardiness.compare(tmp_path).flips
    assert pair.overall.negative.value == 0
    assert [change.value for _, change in pair.changes] == [0, 0, 0, 0]
    assert (pair.clean.negative.value, dict(pair.kinds)["clean"].negative.value) == (1, 1)
    assert not pair.has_equal_answers
    assert "of clean pictures 100.0 % and 0.0 %" in pair.sentence(False)
    policy = '[[rules]]\nbenchmark = "imagenet-c"\nmetric = "negative_flips"\nat_most = 0.9\nagainst = "."\n'
    (tmp_path / "p.toml").write_text(policy + 'model = "now"\nagainst_model = "before"\n')
    assert hardiness.gate(tmp_path, tmp_path / "p.toml").verdicts[0].value == 0


def test_nothing_is_said_by_class_of_single_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    label = np.arange(24)
    second = np.where(label % 3 == 0, 99, label)[:, None]
    stored(tmp_path, "a", label[:, None], label)
    stored(tmp_path, "b", second, label)
    assert called_wide(monkeypatch, "compare", str(tmp_path), "--all") == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "negative 33.3 (" in told
    assert "classes with most" not in told
    assert "recall by class" not in told


def test_the_same_answers_are_told_too_and_no_shared_picture_gives_no_flips(tmp_path: Path) -> None:
    label = np.arange(130) % 4
    answers = np.where(np.arange(130) < 32, 9, label)[:, None]
    for name in ("a", "b"):
        stored(tmp_path, name, answers, label)
    assert hardiness.compare(tmp_path).sentences() == ["a and b give the same answer to all pictures."]
    stored(tmp_path, "c", answers, label, start=200)
    runs = {run.stored.run.model.name: run for run in Folder.open(Store.open(tmp_path)).alone}
    assert len(flips_of({"a": runs["a"], "b": runs["b"]})) == 1
    assert flips_of({"a": runs["a"], "c": runs["c"]}) == ()


@pytest.mark.slow
def test_the_page_shows_flips_as_figures_with_their_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    two_runs(tmp_path)
    for _ in range(2):  # made, then read from what was kept
        assert called_wide(monkeypatch, "show", str(tmp_path)) == 0
    assert called_wide(monkeypatch, "report", str(tmp_path), "--no-images") == 0
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "16.0 % of answers differ between fp32 and int8: 8.0 % were right and are wrong, 8.0 % the reverse" in page
    assert "Flips from fp32 to int8, by class" in page
    assert "Right under fp32, wrong under int8" in page
    assert "Pictures that qualify: 24." in page
    assert "recall by class, less that of fp32" in page
    assert any('"flipped": 24' in kept.read_text("utf-8") for kept in tmp_path.glob("records/*/scored/memo.jsonl"))


@pytest.mark.parametrize("images", [3, 7, 49])
def test_equal_answers_are_equal_though_their_share_is_rounded(images: int) -> None:
    nothing, whole = (Score("share", share, "fraction", images) for share in (0.0, 1 - 1e-16 * images))
    pair = PairFlips("a", "b", Flips(nothing, nothing, whole))
    assert pair.sentence(False) == "a and b give the same answer to all pictures."
    one_apart = replace(pair, overall=Flips(nothing, nothing, replace(whole, value=1 - 1 / images)))
    assert "get another answer" in one_apart.sentence(False)
