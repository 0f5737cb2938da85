"""A file with a score for each picture, of any task: means, retained shares, pairs, gate, page, exports, refusals."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

from hardiness import evaluate
from hardiness.benchmarks.options import parse
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError
from hardiness.engine.score_files import read_scores
from hardiness.metrics import metric
from hardiness.metrics.declaration import registry
from hardiness.report.words import text as said
from hardiness.store.store import Store

BENCHMARK = "file:cityscapes-c"
NAMES = ("sample", "corruption", "severity", "score", "scene", "camera")
SAMPLES = 60
CELLS = (("clean", 0), ("fog", 1), ("fog", 3), ("snow", 1), ("snow", 3))

Rows = list[tuple[Any, ...]]


def rows_of(ahead: float = 0.0) -> Rows:
    """The Dice of 60 pictures of 15 scenes and two cameras, clean and under four conditions."""
    generator = np.random.default_rng(3)
    rows: Rows = []
    for k in range(SAMPLES):
        quality = generator.beta(6, 2)
        for corruption, severity in CELLS:
            harm = 0.06 * severity * (2 if corruption == "snow" else 1)
            score = min(max(quality + ahead * generator.uniform(0.5, 1.5) - harm + generator.normal(0, 0.02), 0.0), 1.0)
            rows.append(
                (f"city_{k:03d}", corruption, severity, round(score, 4), f"s{k // 4}", ("front", "rear")[k % 2])
            )
    return rows


def write(file: Path, rows: Rows, names: Sequence[str] = NAMES) -> Path:
    with file.open("w", newline="") as stream:
        csv.writer(stream).writerows([names, *rows])
    return file


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models' scores, stored."""
    folder = tmp_path_factory.mktemp("scores")
    for model, ahead in (("old", 0.0), ("new", 0.05)):
        file = write(folder / f"{model}.csv", rows_of(ahead))
        evaluate(model, BENCHMARK, predictions=str(file), out=folder / "out")
    return folder / "out"


def scores_of(result: Any) -> dict[tuple[Any, ...], Any]:
    return {(s["metric"], *s["condition"].values()): s for s in result["scores"]}


def test_means_and_retained_shares_are_those_of_the_file(out: Path, results: Any) -> None:
    by_model = {each["model"]: each for each in results(out)}
    for model, ahead in (("old", 0.0), ("new", 0.05)):
        result, scores = by_model[model], scores_of(by_model[model])
        table = {(row[0], row[1], row[2]): row[3] for row in rows_of(ahead)}
        mean = {cell: np.mean([table[f"city_{k:03d}", *cell] for k in range(SAMPLES)]) for cell in CELLS}
        disturbed = np.mean([mean[cell] for cell in CELLS[1:]])
        assert scores["clean_score",]["value"] == pytest.approx(mean[CELLS[0]], abs=1e-12)
        assert scores["mean_score",]["value"] == pytest.approx(disturbed, abs=1e-12)
        assert scores["retained_score",]["value"] == pytest.approx(disturbed / mean[CELLS[0]], abs=1e-12)
        assert scores["score", "snow", 3]["value"] == pytest.approx(mean["snow", 3], abs=1e-12)
        fog = np.mean([mean["fog", 1], mean["fog", 3]])
        assert scores["score", "fog"]["value"] == pytest.approx(fog, abs=1e-12)
        assert scores["retained_score", "fog"]["value"] == pytest.approx(fog / mean[CELLS[0]], abs=1e-12)
        for score in scores.values():
            assert score["interval"][0] < score["value"] < score["interval"][1], score
        assert result["run"]["model"]["outputs"] == "scores"
        assert result["counts"]["evaluated"] == SAMPLES * len(CELLS)
    (run, _) = Store.open(out).runs()
    assert run.run.conditions[0] == Condition()
    assert set(run.run.conditions[1]) == {"corruption", "severity"}


def test_a_ratio_is_paired_and_so_far_narrower_than_the_means(out: Path, results: Any) -> None:
    scores = scores_of(results(out)[0])
    width = {name: np.ptp(scores[name,]["interval"]) for name in ("mean_score", "clean_score", "retained_score")}
    assert width["retained_score"] < width["mean_score"] / 2


@pytest.mark.parametrize("is_clustered", [False, True])
def test_an_interval_by_clusters_says_so_wherever_it_is_printed(
    is_clustered: bool, out: Path, hardiness: Any, tmp_path: Path
) -> None:
    cluster = ("--cluster", "scene") if is_clustered else ()
    policy = tmp_path / "policy.toml"
    policy.write_text(f'[[rules]]\nbenchmark = "{BENCHMARK}"\nmetric = "mean_score"\nat_least = 0.5\n')
    gate = hardiness("gate", out, "--policy", policy, *cluster)
    page = tmp_path / "page.html"
    assert hardiness("report", out, *cluster, "--to", page).status == 0
    assert hardiness("report", out, *cluster, "--evidence", tmp_path / "filed").status == 0
    screen = re.search(r'<header class="screen".*?</header>', page.read_text(), re.DOTALL)
    evidence = (tmp_path / "filed" / "evidence.html").read_text()
    assert screen is not None
    ahead = screen[0].split('class="lead')[1].split("</p>")[0]
    printed = {
        "gate": ("over clusters by scene", gate.out),
        "show": ("intervals by clusters", hardiness("show", out, *cluster).out.splitlines()[0]),
        "comparison": ("interval by clusters", " ".join(hardiness("compare", out, *cluster).out.split())),
        "first screen, who is ahead": ("interval by clusters", ahead),
        "first screen, legend": ("Bar: 95 % interval, by clusters.", screen[0]),
        "evidence, first sheet": ("intervals by clusters", evidence.split("Measured, with 95 % intervals")[1][:600]),
        "evidence, verdicts there": ("interval by clusters", evidence.split("<h3>Goals and verdicts</h3>")[1][:300]),
        "evidence, results": ("95 % intervals by clusters", evidence),
    }
    for place, (words, text) in printed.items():
        assert (words in text) == is_clustered, (place, text)


def test_models_are_compared_in_pairs_by_condition_slice_and_cluster(out: Path, hardiness: Any) -> None:
    told = hardiness("compare", out, "--json")
    assert told.status == 0, told.err
    (comparison,) = json.loads(told.out)
    assert [score["metric"] for score in comparison["scores"]] == ["mean_score", "retained_score"]
    (pair,) = comparison["scores"][0]["pairs"]
    assert pair["told_apart"]
    assert comparison["flips"] == []
    told = hardiness("compare", out, "--all", "--json")
    (detail,) = json.loads(told.out)[0]["details"]
    assert detail["kappa"] is None
    assert {part["name"] for part in detail["parts"]["corruption"]} == {"fog", "snow"}
    assert sum(part["value"] for part in detail["parts"]["corruption"]) == pytest.approx(pair["value"])
    assert len(detail["cells"]) == len(CELLS)
    told = hardiness("compare", out, "--cluster", "scene", "--slice", "camera")
    assert told.status == 0, told.err
    assert "15 clusters by scene" in told.out
    assert "camera" in told.out
    told = hardiness("show", out, "--cluster", "scene", "--slice", "camera")
    assert re.search("front", told.out)


RULES = {
    "score": ('metric = "score"\nat_least = "40 %"', "pass"),
    "mean": ('metric = "mean_score"\nat_least = "40 %"', "pass"),
    "clean": ('metric = "clean_score"\nat_least = "60 %"', "pass"),
    "headline": ('metric = "headline"\nat_least = "40 %"', "pass"),
    "cell": ('metric = "score"\nwhere = {corruption = "snow", severity = 3}\nat_least = "90 %"', "fail"),
    "severity": ('metric = "score"\nwhere = {severity = 1}\nat_least = "40 %"', "pass"),
    "retained": ('metric = "retained_score"\nat_least = "60 %"', "pass"),
    "retained by": ('metric = "retained_score"\nwhere = {corruption = "snow"}\nat_least = "95 %"', "fail"),
    "against": ('metric = "score"\nworse_by_at_most = "3 %"\nagainst = "out"\nagainst_model = "old"', "pass"),
    "against, unseen": (
        'metric = "score"\nworse_by_at_most = "0.5 %"\nagainst = "out"\nagainst_model = "old"',
        "cannot tell",
    ),
    "against by": (
        'metric = "score"\nwhere = {corruption = "fog"}\nworse_by_at_most = "4 %"\nagainst = "out"\n'
        'against_model = "old"',
        "pass",
    ),
    "retained against": (
        'metric = "retained_score"\nwhere = {corruption = "fog"}\nworse_by_at_most = "20 %"\nagainst = "out"\n'
        'against_model = "old"',
        "pass",
    ),
    "by slice": ('metric = "score"\neach = "camera"\nat_least = "40 %"', "pass"),
    "by cluster": ('metric = "mean_score"\ncluster = "scene"\nat_least = "40 %"', "pass"),
    "accuracy": ('metric = "accuracy"\nat_least = "0 %"', "missing"),
    "top1": ('metric = "top1"\nwhere = {corruption = "fog"}\nat_least = "0 %"', "missing"),
    "flips": ('metric = "negative_flips"\nat_most = "50 %"\nagainst = "out"\nagainst_model = "old"', "missing"),
}


def test_rules_are_on_scores_and_on_nothing_else(out: Path, hardiness: Any) -> None:
    texts = [f'[[rules]]\nbenchmark = "{BENCHMARK}"\nmodel = "new"\nname = "{n}"\n{t}' for n, (t, _) in RULES.items()]
    (out.parent / "policy.toml").write_text("\n".join(texts))
    told = hardiness("gate", out, "--policy", out.parent / "policy.toml", "--json")
    outcomes: dict[str, list[Any]] = {}
    for each in json.loads(told.out)["verdicts"]:
        outcomes.setdefault(each["rule"]["name"], []).append(each)
    assert {name: {each["outcome"] for each in found} for name, found in outcomes.items()} == {
        name: {outcome} for name, (_, outcome) in RULES.items()
    }
    assert len(outcomes["by slice"]) == 2
    for name in ("accuracy", "top1", "flips"):
        assert (
            outcomes[name][0]["missing"]["text"]
            == "not available: the file has a score for each picture, and no answers"
        )
    assert outcomes["score"][0]["value"] == outcomes["mean"][0]["value"] == outcomes["headline"][0]["value"]


def test_the_first_policy_that_is_written_passes(out: Path, hardiness: Any, tmp_path: Path) -> None:
    told = hardiness("gate", out, "--write-policy", tmp_path / "p.toml")
    assert told.status == 0, told.err
    told = hardiness("gate", out, "--policy", tmp_path / "p.toml")
    assert told.status == 0, told.out


def test_no_accuracy_stands_anywhere(out: Path, hardiness: Any, tmp_path: Path) -> None:
    """Nothing is right in such rows, which must not pass for an accuracy of 0."""
    texts = {"terminal": hardiness("show", out, "--all").out, "compare": hardiness("compare", out, "--all").out}
    assert hardiness("report", out).status == 0
    page = re.sub(r"<(script|style).*?</\1>", "", (out / "report.html").read_text(), flags=re.DOTALL)
    texts["page"] = page.partition("How to read the numbers")[0]
    for form in ("csv", "json", "latex", "markdown", "sheet", "model-index"):
        told = hardiness("export", out, "--format", form)
        assert told.status == 0, told.err
        texts[form] = told.out
    for name, text in texts.items():
        assert re.search(r"mean.score", text), name
        assert not re.search(
            r"top.?1\b|accuracy|\bmistakes?\b|negative.flips|answers (that )?are right|(their|right) answers|% right",
            text,
        ), name
    assert "type: other" in texts["model-index"]
    assert "image-classification" not in texts["model-index"], "the task is anybody's"
    assert "Retained score by corruption" in texts["page"]
    assert re.search(r"fog, severity 3 .*\n.*[\d.]+–[\d.]+", texts["terminal"]), "conditions have intervals"
    told_apart = " ".join(re.sub(r"<[^>]+>", " ", texts["page"]).split())
    assert "new is ahead of old by mean score on file:cityscapes-c." in told_apart
    assert "Dot: mean score. Bar: 95 % interval." in told_apart
    told = hardiness("export", out, "--format", "parquet", "--to", tmp_path / "scores.parquet")
    assert told.status == 0, told.err
    metrics = set(parquet.read_table(tmp_path / "scores.parquet").column("metric").to_pylist())
    assert metrics == {"mean_score", "clean_score", "retained_score", "score"}


def test_parquet_columns_and_path_give_the_same_run_as_csv(tmp_path: Path) -> None:
    rows = rows_of()
    columns = {name: [row[k] for row in rows] for k, name in enumerate(NAMES)}
    parquet.write_table(pa.table(columns), tmp_path / "a.parquet")
    given = [str(write(tmp_path / "a.csv", rows)), str(tmp_path / "a.parquet"), columns]
    given.append({"path": columns["sample"], **{k: v for k, v in columns.items() if k != "sample"}})
    given.append(str(write(tmp_path / "b.csv", rows[::-1])))
    merged = [f"{row[1]}/{row[2]}" if row[2] else "clean" for row in rows]
    given.append({"sample": columns["sample"], "condition": merged, "score": columns["score"]})
    found = [evaluate("m", BENCHMARK, predictions=each) for each in given]
    for each in found[1:]:
        assert each.run.conditions == found[0].run.conditions
        assert each.run.data == found[0].run.data
        assert each.score("retained_score") == found[0].score("retained_score")


def test_a_file_without_a_last_line_break_is_whole(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", rows_of())
    (tmp_path / "b.csv").write_text(file.read_text().removesuffix("\n"))
    whole, joined = (evaluate("m", BENCHMARK, predictions=str(tmp_path / name)) for name in ("a.csv", "b.csv"))
    assert joined.score("mean_score") == whole.score("mean_score")


@pytest.mark.parametrize(("lowest", "highest", "scale"), [("-0.0000001", "1.0000001", 1), ("-5e-06", "100.00001", 100)])
def test_means_that_were_taken_in_float32_are_within_their_range(
    lowest: str, highest: str, scale: int, tmp_path: Path
) -> None:
    file = write(tmp_path / "a.csv", [("a", lowest), ("b", highest), ("c", 0.5 * scale)], ("sample", "score"))
    result = evaluate("m", f"file:x:range=0..{scale}", predictions=str(file))
    assert result.score("mean_score").value == 0.5
    write(file, [("a", f"{1.00001 * scale}")], ("sample", "score"))
    with pytest.raises(ArgumentError, match=f"must be a number from 0 to {scale}, was {1.00001 * scale}; scores of"):
        evaluate("m", f"file:x:range=0..{scale}", predictions=str(file))


def test_a_file_without_a_clean_condition_says_that_all_count(tmp_path: Path, hardiness: Any) -> None:
    rows = [(row[0], row[1].replace("clean", "none"), *row[2:]) for row in rows_of()]
    run = ("run", "-m", "m", "--predictions", write(tmp_path / "a.csv", rows), "--out", tmp_path / "out")
    told = hardiness(*run, "-b", BENCHMARK)
    assert (
        "a.csv: no condition is called clean, so each is taken for a disturbance and counts in the headline; if "
        f"pictures are undisturbed under one, name it: -b {BENCHMARK}:clean=NAME"
    ) in " ".join(told.err.split())
    assert "is called" not in hardiness(*run, "-b", f"{BENCHMARK}:clean=none").err


def test_ranges_and_conditions_are_stated_by_options(tmp_path: Path) -> None:
    lines = [
        (f"s{k}", weather, light, 100 * value)
        for k in range(40)
        for weather, light, value in (
            ("sunny", "day", 0.5 + k / 100),
            ("rain", "day", 0.4 + k / 100),
            ("rain", "night", 0.2 + k / 100),
        )
    ]
    names = ("sample", "weather", "light", "score")
    file = str(write(tmp_path / "a.csv", lines, names))
    benchmark = "file:rainy:range=0..100,conditions=weather+light,clean=sunny+day"
    result = evaluate("m", benchmark, predictions=file)
    assert result.run.conditions == (
        Condition(),
        Condition(weather="rain", light="day"),
        Condition(weather="rain", light="night"),
    )
    assert result.score("clean_score").value == pytest.approx(0.5 + 0.195)
    assert result.score("score", light="night").value == pytest.approx(0.2 + 0.195)
    shifted = evaluate("m", "file:rainy:range=-100..100,conditions=weather+light,clean=sunny+day", predictions=file)
    assert shifted.score("retained_score").value is None
    assert "begin at -100 and not at 0" in said(shifted.score("retained_score").lack)


def test_0_is_a_measured_number_in_columns_of_other_names_unless_it_is_called_clean(tmp_path: Path) -> None:
    lines = [(f"s{k}", level, (k + 20 + offset) / 100) for k in range(40) for level, offset in ((0, 5), (10, 9))]
    file = str(write(tmp_path / "a.csv", lines, ("sample", "snr", "score")))
    result = evaluate("m", "file:noisy:conditions=snr", predictions=file)
    assert result.run.conditions == (Condition(snr=0), Condition(snr=10))
    assert "no score is of a clean picture" in said(result.score("retained_score").lack)
    named = evaluate("m", "file:noisy:conditions=snr,clean=0", predictions=file)
    assert named.run.conditions == (Condition(), Condition(snr=10))


def test_a_success_of_0_or_1_has_the_exact_interval_of_a_share() -> None:
    success = {"sample": [f"episode{k}" for k in range(50)], "score": [1] * 41 + [0] * 9}
    score = evaluate("policy", "file:robot", predictions=success).score("mean_score")
    from hardiness.statistics.intervals import proportion

    assert score.value == 0.82
    assert score.interval == proportion(41, 50)


def test_unequal_sets_of_pictures_are_partial_and_paired_on_what_is_shared(
    tmp_path: Path, hardiness: Any, results: Any
) -> None:
    rows = [row for row in rows_of() if not (row[0] == "city_003" and row[1] == "fog")]
    told = hardiness(
        "run", "-m", "m", "-b", BENCHMARK, "--predictions", write(tmp_path / "a.csv", rows), "--out", tmp_path / "out"
    )
    assert told.status == 1
    assert "the file lacks 2 of the pictures (city_003 under fog/1, city_003 under fog/3)" in told.err
    scores = scores_of(results(tmp_path / "out")[0])
    assert scores["mean_score_partial",]["n"] == SAMPLES
    assert scores["score", "fog"]["n"] == SAMPLES - 1
    assert scores["retained_score", "fog"]["n"] == SAMPLES - 1
    pairs = {(row[0], row[1], row[2]): row[3] for row in rows}
    own = [name for name in dict.fromkeys(row[0] for row in rows) if name != "city_003"]
    fog = np.mean([[pairs[name, "fog", s] for s in (1, 3)] for name in own])
    assert scores["retained_score", "fog"]["value"] == pytest.approx(fog / np.mean([pairs[n, "clean", 0] for n in own]))


def test_answers_go_into_their_folder_though_it_was_renamed(tmp_path: Path) -> None:
    """They were stored again beside it."""
    file, out = str(write(tmp_path / "a.csv", rows_of())), tmp_path / "out"
    evaluate("m", BENCHMARK, predictions=file, out=out)
    (folder,) = (out / "records").iterdir()
    renamed = folder.rename(folder.with_name("mine"))
    evaluate("m", BENCHMARK, predictions=file, out=out)
    assert [*(out / "records").iterdir()] == [renamed]


def test_without_clean_scores_there_is_no_retained_share(tmp_path: Path) -> None:
    rows = [row for row in rows_of() if row[1] != "clean"]
    result = evaluate("m", BENCHMARK, predictions=str(write(tmp_path / "a.csv", rows)))
    assert result.score("mean_score").value is not None
    assert "no score is of a clean picture" in said(result.score("retained_score").lack)
    renamed = [(row[0], row[1].replace("clean", "original"), *row[2:]) for row in rows_of()]
    file = str(write(tmp_path / "b.csv", renamed))
    assert evaluate("m", f"{BENCHMARK}:clean=original", predictions=file).score("retained_score").value is not None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda rows: [("a", "clean", 0, "", "s", "f"), *rows], "the score of a under clean (row 1) must be a number"),
        (lambda rows: [("a", "fog", 1, "nan", "s", "f"), *rows], "the score of a under fog/1 (row 1) must be a number"),
        (lambda rows: [("a", "fog", 1, "high", "s", "f"), *rows], "from 0 to 1, was 'high'"),
        (lambda rows: [("a", "fog", 1, "inf", "s", "f"), *rows], "from 0 to 1, was 'inf'"),
        (lambda rows: [("a", "fog", 1, 71.3, "s", "f"), *rows], "was 71.3; scores of another range are said so"),
        (lambda rows: [*rows, rows[2]], "has city_000 under fog/3 twice, in rows 3 and 301; leave one of them"),
        (
            lambda rows: [*rows, (*rows[2][:5], "roof")],
            "where camera is a part of the condition, name it: -b file:cityscapes-c:conditions=corruption+severity+",
        ),
        (
            lambda rows: [(f"p{k}", f"fog at {k / 7:.3f}", 1, 0.5, "s", "f") for k in range(1001)],
            "corruption and severity must name at most 1,000 conditions, had 1,001; where a number",
        ),
        (lambda rows: [("", *row[1:]) for row in rows], "row 1 must name its picture in the column sample"),
    ],
)
def test_what_is_amiss_is_refused_in_one_line(change: Any, says: str, tmp_path: Path, hardiness: Any) -> None:
    file = write(tmp_path / "a.csv", change(rows_of()))
    told = hardiness("run", "-m", "m", "-b", BENCHMARK, "--predictions", file, "--out", tmp_path / "out")
    assert (told.status, len(told.err.splitlines())) == (2, 1), told.err
    assert says in told.err
    assert not (tmp_path / "out").exists()


def test_names_and_files_are_refused_in_one_line(tmp_path: Path, hardiness: Any) -> None:
    file = write(tmp_path / "a.csv", rows_of())
    cut = tmp_path / "cut.csv"
    cut.write_text(file.read_text().rpartition(",3,")[0] + ",3")
    bare = write(tmp_path / "bare.csv", [("a", 1)], ("sample", "dice"))
    wrong = (
        (BENCHMARK, cut, "line 301 must have 6 fields, has 3"),
        (BENCHMARK, tmp_path / "none.csv", "there is none at"),
        (BENCHMARK, bare, "must have the columns sample (or path) and score"),
        ("file:", file, "must read file:NAME"),
        ("file:a b", file, "must read file:NAME"),
        (f"{BENCHMARK}:range=1..0", file, "range must be LEAST..LARGEST"),
        (f"{BENCHMARK}:range=high", file, "range must be LEAST..LARGEST"),
        (f"{BENCHMARK}:conditions=wether", file, "has no column 'wether', which conditions= names"),
        (f"{BENCHMARK}:rang=0..1", file, "has no option 'rang'; did you mean 'range'"),
    )
    for benchmark, given, says in wrong:
        told = hardiness("run", "-m", "m", "-b", benchmark, "--predictions", given, "--out", tmp_path / "out")
        assert (told.status, len(told.err.splitlines())) == (2, 1), told.err
        assert says in told.err
    told = hardiness("run", "-m", "m", "-b", BENCHMARK, "--out", tmp_path / "out")
    assert (told.status, "give them with --predictions FILE" in told.err) == (2, True)
    for option, value in (("data", tmp_path), ("labels", bare)):
        arguments = ["--predictions", file, f"--{option}", value, "--out", tmp_path / "out"]
        told = hardiness("run", "-m", "m", "-b", BENCHMARK, *arguments)
        assert (told.status, len(told.err.splitlines())) == (2, 1), told.err
        assert f"{option} does not go with {BENCHMARK}: of scores no picture is read; leave it out" in told.err
    for pictures in ("embedded", [(np.zeros((8, 8, 3), np.uint8), 0)]):
        with pytest.raises(ArgumentError, match=f"data does not go with {BENCHMARK}"):
            evaluate("m", BENCHMARK, pictures, predictions=file, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_sample_that_is_called_otherwise_in_each_condition_is_told(tmp_path: Path, hardiness: Any) -> None:
    rows = [(f"{row[1]}/{row[2]}/{row[0]}", *row[1:]) for row in rows_of()]
    file = write(tmp_path / "a.csv", rows)
    told = hardiness("run", "-m", "m", "-b", BENCHMARK, "--predictions", file, "--out", tmp_path / "out")
    assert "a picture must be called the same under each condition" in told.err


def test_a_metric_of_somebody_else_on_scores(out: Path, results: Any, hardiness: Any) -> None:
    """One that needs answers has no value and says so, whatever it would compute of rows of which none is right."""
    name = "missed"
    metric(name, table=("score",), outputs="scores", higher_is_better=False)(
        lambda scoring: {Condition(): scoring.mean_of(scoring.table["score"] < 0.5)}
    )
    metric("own_accuracy")(lambda scoring: {Condition(): scoring.mean_of(scoring.table["right"])})
    try:
        scores = scores_of(evaluate("m", BENCHMARK, predictions=str(out.parent / "old.csv")).as_dict())
        values = np.array([row[3] < 0.5 for row in rows_of() if row[1] != "clean"])
        assert scores[name,]["value"] == pytest.approx(values.mean())
        assert scores["own_accuracy",]["value"] is None
        assert scores["own_accuracy",]["lack"]["text"] == (
            "not available: the file has a score for each picture, and no answers"
        )
    finally:
        for each in (name, "own_accuracy"):
            registry._entries.pop(each)


def test_the_order_of_conditions_is_that_of_their_values() -> None:
    table = {"sample": ["a"] * 4, "corruption": ["fog", "clean", "blur", "fog"], "severity": [10, 0, 1, 9]}
    read = read_scores({**table, "score": [0.5] * 4}, parse(BENCHMARK))  # type: ignore[arg-type]
    assert [str(cell) for cell in read.benchmark.conditions()] == [
        "",
        "corruption=blur severity=1",
        "corruption=fog severity=9",
        "corruption=fog severity=10",
    ]
    with pytest.raises(ArgumentError, match="must have the columns"):
        read_scores({"sample": ["a"]}, parse(BENCHMARK))  # type: ignore[arg-type]


def test_other_conditions_are_another_table(out: Path, tmp_path: Path, hardiness: Any) -> None:
    """Means over unlike conditions are put side by side nowhere."""
    for model, without in (("most", "none"), ("fewer", "snow")):
        rows = [row for row in rows_of() if row[1] != without]
        evaluate(model, BENCHMARK, predictions=str(write(tmp_path / f"{model}.csv", rows)), out=tmp_path / "out")
    told = hardiness("compare", tmp_path / "out")
    assert told.status == 2
    assert "needs two models that were run on one benchmark and the same data" in told.err


def test_a_column_whose_pictures_score_alike_is_told(tmp_path: Path, hardiness: Any) -> None:
    """And a csv as other countries' tables write it: fields parted by semicolons, decimals with a comma."""
    generator = np.random.default_rng(5)
    quality = generator.beta(5, 2, 40)
    lines = [
        f"p{k};{min(max(quality[k // 5] + generator.normal(0, 0.03), 0), 1):.4f};scene {k // 5}".replace(".", ",")
        for k in range(200)
    ]
    (tmp_path / "a.csv").write_text("\n".join(["sample;score;scene", *lines, ""]))
    given = ("-b", "file:masks", "--predictions", tmp_path / "a.csv", "--out", tmp_path / "out")
    assert hardiness("run", "-m", "m", *given).status == 0
    told = hardiness("show", tmp_path / "out", "--all")
    text = " ".join((told.out + told.err).split())
    assert "pictures of one scene score alike (40 scenes" in text, text
    assert "--cluster scene" in text


PAGE = (Path(__file__).parents[2] / "docs" / "score_files.md").read_text("utf-8")


@pytest.mark.slow
def test_the_page_goes_from_pictures_to_a_gate(
    hardiness: Any, photographs: list[Path], results: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its scripts and commands as they stand, on five photographs: OpenCV's detector on corrupted pictures."""
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    for number, photograph in enumerate(photographs[:5]):
        with Image.open(photograph) as picture:
            picture.convert("RGB").resize((480, 360)).save(Path("photos") / f"{number}.png")
    for name, text in re.findall(r'^```\w+ title="(\S+)"\n(.*?)^```$', PAGE, re.MULTILINE | re.DOTALL):
        Path(name).write_text(text)
    lines = re.sub(r"\\\n\s*", "", PAGE).splitlines()
    commands = [line.split() for line in lines if re.match(r"python \w+\.py|hardiness .*(coco|markers)", line)]
    assert [words[1] for words in commands] == [
        *("markers.py", "make", "score.py", "score.py", "run", "run", "show", "compare", "gate")
    ]
    told = {}
    for program, *words in commands:
        if program == "python":
            done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
        else:
            told[words[0]] = hardiness(*words)
            assert told[words[0]].status == 0 or words[0] == "gate", told[words[0]].err
    assert sorted(each.name for each in Path("tree/fog/3").iterdir()) == sorted(
        each.name for each in Path("coco/images").iterdir()
    )
    by_model = {each["model"]: scores_of(each) for each in results(tmp_path / "runs" / "markers")}
    assert by_model["plain"]["clean_score",]["value"] > 0.8
    assert by_model["plain"]["score", "motion_blur", 5]["value"] < 0.3
    assert by_model["median"]["mean_score",]["n"] == 5
    assert told["gate"].status == 4, "of five pictures no rule can be decided, and none is missing"
    assert "score (motion blur, severity 3) of plain on file:markers-c is" in " ".join(told["gate"].out.split())
    page = Path("runs/markers/report.html").read_text("utf-8")
    assert f"--predictions {tmp_path / 'plain.csv'}" in page
