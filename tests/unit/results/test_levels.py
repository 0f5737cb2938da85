"""Levels beside a set's run: which scores they have, what takes none of them, the limit and the gate's rule."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sessions import session_of

import hardiness
from hardiness.cli.main import main
from hardiness.core.codes import RunRemark
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError
from hardiness.core.fact import Fact
from hardiness.core.run import BenchmarkIdentity, DataIdentity, ModelIdentity, Plan, Run
from hardiness.core.table import Records
from hardiness.distortions.apply import corruptions
from hardiness.report.results_file import rebuild_results
from hardiness.report.words import line as said
from hardiness.report.words import text as why
from hardiness.results.comparison import kept_comparisons
from hardiness.results.folder import Folder
from hardiness.store.store import Store

N = 200
SET = (Condition(), *(Condition(corruption="jpeg_compression", severity=severity) for severity in (1, 3, 5)))
RIGHT = {
    **{"": 196, "1": 192, "3": 184, "5": 150},
    **{"quality=50": 194, "quality=25": 190, "quality=20": 186, "quality=18": 180, "quality=15": 160, "quality=7": 60},
}
"""Right answers of two hundred, clean, by severity and by level; severities have quality 25, 15 and 7 too."""

LEVELS = ("quality=50", "quality=20", "quality=18", "quality=25", "quality=15", "quality=7")


def write(
    store: Store,
    cells: tuple[Condition, ...],
    right: dict[str, int],
    *,
    cell: str = "",
    version: int = 1,
    model: str = "net",
    jpeg: bool | None = None,
    evaluated: tuple[int, ...] = (),
) -> None:
    """A run of two classes of one's own, which answers the first pictures of one order rightly.

    Args:
        store, cells, right, cell, version, model: of the run, and how many pictures are right by cell.
        jpeg: whether its pictures ended with the set's JPEG; those of a level did not.
        evaluated: places of the cells that were; all if empty.
    """
    places = np.array(evaluated or range(len(cells)))
    image, condition = np.repeat(np.arange(N), len(places)), np.tile(places, N)
    label = image % 2
    hits = np.array([right[str(c.get("level", c.get("severity", "")))] for c in cells])
    is_right = (image * 37 % N) < hits[condition]
    rows = {
        "sample": np.array([f"n/{k:03d}" for k in image]),
        "condition": condition.astype(np.int16),
        "frame": np.zeros(len(image), np.int16),
        "label": label.astype(np.int32),
        "prediction": np.where(is_right, label, 1 - label).astype(np.int32),
        "top5_class": np.zeros((len(image), 5), np.int16),
        "confidence": np.linspace(0.2, 0.9, len(image)).astype(np.float32),
    }
    options: dict[str, Any] = {
        "jpeg": not cell if jpeg is None else jpeg,
        "kernels": version,
        **({"cell": cell} if cell else {}),
    }
    run = Run(
        ModelIdentity(model, model),
        BenchmarkIdentity("own-c", "corruption", "own", options),
        DataIdentity("mine", "f", N, 2, classes=("cat", "dog")),
        conditions=cells,
    )
    work = list(zip(rows["sample"].tolist(), condition.tolist(), strict=True))
    store.run(run, Plan(whole=tuple(k for k, c in enumerate(cells) if c))).write(0, work, Records(rows))


def write_level(store: Store, level: str, right: dict[str, int], *, model: str = "net") -> None:
    cell = Condition(corruption="jpeg_compression", level=level)
    write(store, (cell,), right, cell=f"jpeg_compression/{level}", model=model)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """The set's run alone."""
    write(Store.create(tmp_path), SET, RIGHT)
    return tmp_path


@pytest.fixture
def swept(out: Path) -> Path:
    """The set's run with six levels, of which three have the value of a severity."""
    store = Store.create(out)
    for level in LEVELS:
        write_level(store, level, RIGHT)
    return out


def test_levels_stand_beside_the_run_and_no_score_of_it_moves(out: Path) -> None:
    def scores() -> dict[tuple[str, Condition], Any]:
        (result,) = hardiness.load_results(out)
        return {(s.metric, s.condition): (s.value, s.n, s.interval, why(s.lack)) for s in result.scores}

    before, key = scores(), hardiness.load_results(out)[0].key
    for level in LEVELS:
        write_level(Store.create(out), level, RIGHT)
    after = scores()
    assert hardiness.load_results(out)[0].key == key
    gone = before.keys() - after.keys()
    assert gone == {("severity_below", Condition(corruption="jpeg_compression"))}, "the limit takes its place"
    assert {name: value for name, value in after.items() if name in before} == {
        name: value for name, value in before.items() if name not in gone
    }
    added = after.keys() - before.keys()
    by_level: dict[str, set[tuple[str, str]]] = {}
    for metric, condition in added:
        if "level" in condition:
            by_level.setdefault(condition["level"], set()).add((metric, condition.get("class", "")))
    assert by_level.keys() == set(LEVELS), "one kind of key, whether or not the value is that of a severity"
    for level in LEVELS:
        cell = Condition(corruption="jpeg_compression", level=level)
        assert after["error", cell][0] == pytest.approx(1 - RIGHT[level] / N)
        assert by_level[level] - {("confused", "cat"), ("confused", "dog")} == {
            *((metric, "") for metric in ("error", "balanced_accuracy", "macro_f1", "worst_class")),
            *((metric, "") for metric in ("auroc_two_classes", "average_precision")),
            *(("recall", name) for name in ("cat", "dog")),
        }, level
    assert all(condition["corruption"] == "jpeg_compression" for _, condition in added), "no mean takes a level"
    assert {metric for metric, condition in added if set(condition) == {"corruption"}} == set()


def limits(out: Path, above: float | None) -> Any:
    (result,) = hardiness.load_results(out, above=above)
    (score,) = [score for score in result.scores if score.metric == "operating_limit"]
    return score


def test_levels_that_contradict_a_limit_that_is_not_asked_for_are_not_told(out: Path) -> None:
    """Around half of the clean accuracy they do, around 0.9 they do not; both were told with the limit at 0.9."""
    for level in LEVELS:
        write_level(Store.create(out), level, RIGHT | {"quality=15": 94, "quality=7": 100})

    def doubts(above: float | None) -> list[Fact]:
        (result,) = hardiness.load_results(out, above=above)
        return [fact for fact in result.warnings if fact.code == RunRemark.LEVELS_CONTRADICT]

    assert (len(doubts(None)), len(doubts(0.9))) == (1, 0)


def test_what_is_stated_in_place_of_half_is_in_the_results_beside_the_page(swept: Path) -> None:
    folder = rebuild_results(Store.create(swept), above=0.9)
    (written,) = json.loads((swept / "results.json").read_text())["results"]
    (score,) = [each for each in written["scores"] if each["metric"] == "operating_limit"]
    assert score["condition"] == {"corruption": "jpeg_compression", "above": 0.9}
    assert [each["metric"] for each in written["scores"]] == [score.metric for score in folder.results[0].scores]


def test_the_limit_is_over_levels_and_over_no_severity(swept: Path) -> None:
    score = limits(swept, 0.9)
    assert (score.value, score.unit, score.higher_is_better, score.n) == (18, "quality", False, N)
    # .97 at quality 50 and .95 at 25 are surely at least .9, .93 at 20 is not; .80 at 15 is surely below.
    assert (score.interval.low, score.interval.high) == (15, 25)
    assert score.condition == Condition(corruption="jpeg_compression", above=0.9)
    assert limits(swept, 0.99).value is None
    assert "already at the mildest level, quality 50" in why(limits(swept, 0.99).lack)
    assert limits(swept, None).condition["above"] == 0.49, "half of the clean accuracy"
    assert (limits(swept, 0.3).value, limits(swept, 0.3).interval) == (None, None)
    assert why(limits(swept, 0.3).lack) == "no limit down to quality 7 (surely none down to quality 15)"
    with pytest.raises(ArgumentError, match=r"above must be above 0 and below 1, as in 0\.9, was 90"):
        hardiness.load_results(swept, above=90)


def test_a_severity_is_no_level_and_gives_no_limit(out: Path) -> None:
    for above in (None, 0.9):
        assert not [s for s in hardiness.load_results(out, above=above)[0].scores if s.metric == "operating_limit"]


def test_rows_of_a_level_that_ended_with_a_jpeg_are_none_of_it(out: Path) -> None:
    """As an earlier version stored them: the picture had been compressed a second time."""
    store, cell = Store.create(out), Condition(corruption="jpeg_compression", level="quality=90")
    name = "jpeg_compression/quality=90"
    write(store, (cell,), {"quality=90": 100}, cell=name, jpeg=True)
    assert all("level" not in score.condition for score in hardiness.load_results(out)[0].scores)
    write_level(store, "quality=90", {"quality=90": 190})
    (whole,) = [result for result in hardiness.load_results(out) if len(result.run.conditions) > 1]
    assert whole.score("error", **cell).value == pytest.approx(0.05)


def test_beside_levels_only_scores_of_clean_pictures_say_that_they_are(tmp_path: Path) -> None:
    store = Store.create(tmp_path)
    write(store, SET, RIGHT, evaluated=(0,))
    write_level(store, "quality=50", RIGHT)
    (result,) = hardiness.load_results(tmp_path)
    bare = {score.metric for score in result.scores if not score.condition}
    assert not bare & {"balanced_accuracy", "macro_f1", "worst_class", "retained_accuracy"}
    assert result.score("balanced_accuracy", corruption="clean").value == pytest.approx(0.98)
    assert said(result.warnings[0]) == "only levels were evaluated: each has scores of its own, and own-c has no mean"


def test_where_accuracy_surely_rises_again_there_is_no_limit_and_by_chance_a_warning(out: Path) -> None:
    store = Store.create(out)
    write_level(store, "quality=15", RIGHT)
    write_level(store, "quality=10", {"quality=10": 190})
    score = limits(out, 0.75)
    assert score.value is None
    assert why(score.lack).startswith("accuracy rises again with the level: 80.0 % at quality 15, 95.0 % at quality 10")
    (result,) = hardiness.load_results(out)
    assert not [line for line in map(said, result.warnings) if "may be chance" in line]


def test_a_rise_within_chance_is_told(out: Path) -> None:
    store = Store.create(out)
    write_level(store, "quality=25", RIGHT)
    write_level(store, "quality=24", {"quality=24": 178})
    write_level(store, "quality=23", {"quality=23": 182})
    (result,) = hardiness.load_results(out, above=0.9)
    (line,) = [line for line in map(said, result.warnings) if "may be chance" in line]
    assert line.startswith(
        "jpeg_compression: accuracy is 89.0 % at quality 24 and 91.0 % at quality 23, which is stronger"
    )
    assert limits(out, 0.9).value == 25


def test_levels_of_which_the_set_was_not_run_stand_alone(tmp_path: Path) -> None:
    write_level(Store.create(tmp_path), "quality=50", RIGHT)
    (result,) = hardiness.load_results(tmp_path)
    conditions = {score.condition for score in result.scores}
    assert all(condition.get("level") == "quality=50" for condition in conditions)


RULE = """[[rules]]
benchmark = "own-c"
metric = "operating_limit"
where = {{ corruption = "jpeg_compression" }}
holds_to = "{level}"
above = {above}
"""


@pytest.mark.parametrize(
    ("level", "above", "outcome", "value"),
    [
        ("quality=25", '"90 %"', "pass", 0.95),
        ("quality=20", '"90 %"', "cannot tell", 0.93),
        ("quality=15", "0.9", "fail", 0.8),
        ("quality=50", '"90 %"', "pass", 0.97),
        ("quality=17", '"90 %"', "missing", None),
    ],
)
def test_the_gate_asks_whether_accuracy_holds_to_a_level(
    swept: Path, level: str, above: str, outcome: str, value: float | None
) -> None:
    (verdict,) = hardiness.gate(swept, RULE.format(level=level, above=above)).verdicts
    assert (verdict.outcome, verdict.value) == (outcome, value)
    if outcome == "missing":
        assert why(verdict.missing) == (
            "jpeg_compression was not run at quality=17; run -b own-c:corruptions=jpeg_compression,levels=17"
        )
    else:
        assert (verdict.rule.limit, verdict.n) == (0.9, N)
        assert verdict.metric == f"lowest accuracy up to {level} applied alone (corruption jpeg_compression)"


def test_a_dip_on_the_way_fails_whatever_comes_after_it(out: Path) -> None:
    for level in ("quality=15", "quality=10"):
        write_level(Store.create(out), level, {**RIGHT, "quality=10": 196})
    (verdict,) = hardiness.gate(out, RULE.format(level="quality=10", above=0.9)).verdicts
    assert (verdict.outcome, verdict.value) == ("fail", 0.8)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda text: text.replace("above", "at_least"), "above is missing; operating_limit takes holds_to"),
        (lambda text: text + "at_most = 0.1\n", "at_most does not go with holds_to"),
        (lambda text: text.replace("operating_limit", "error"), 'holds_to is of metric = "operating_limit"'),
        (lambda text: text.replace("holds_to", "name"), "holds_to is missing; operating_limit takes holds_to"),
        (lambda text: text.replace("0.9", "90"), "above must be an accuracy between 0 and 1"),
        (lambda text: text.replace("quality=20", "sigma=20"), "has no quantity 'sigma'; its quantity is quality"),
        (lambda text: text.replace("quality=20", "quality=200"), "quality must be from 1 to 100, was 200"),
        (lambda text: text.replace("jpeg_compression", "fog"), "fog has several parameters, and so severities alone"),
        (lambda text: text.replace("jpeg_", "jpg_"), "where corruption 'jpg_compression' matches nothing"),
        (lambda text: text.replace("{ corruption", "{ class"), "holds_to is of one corruption"),
    ],
)
def test_a_wrong_rule_is_named(swept: Path, change: Callable[[str], str], told: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        hardiness.gate(swept, change(RULE.format(level="quality=20", above=0.9)))
    assert str(caught.value).startswith("policy: rule 1")
    assert told in str(caught.value)


def test_the_command_prints_limits_and_the_parameters_of_every_level(
    swept: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def call(*arguments: str) -> int:
        monkeypatch.setenv("COLUMNS", "200")
        monkeypatch.setattr(sys, "argv", ["hardiness", *arguments])
        with pytest.raises(SystemExit) as left:
            main()
        return int(left.value.code or 0)

    assert call("show", str(swept), "--above", "90 %") == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "operating limit: the strongest level up to which accuracy stays so high" in shown
    assert "jpeg compression │ net │ 90 % or more │ quality 18 │ 15–25" in shown
    assert "the accuracy is half of the clean one, unless another is stated (--above '90 %')" in shown
    assert call("show", str(swept), "--all") == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert (
        "level │ model │ n │ accuracy ↑ │ balanced accuracy ↑ │ macro F1 ↑ │ worst class ↑".replace("│", "┃") in shown
    )
    assert "clean │ net │ 200 │ 98.0 │ 98.0" in shown
    assert "quality 18 │ net │ 200 │ 90.0 │ 90.0" in shown
    assert "each level is applied alone; severities end with a JPEG of quality 85" in shown
    assert "jpeg compression │ net │ 49 % or more │ quality 15 │ 7–15" in shown
    assert "parameters of the corruptions at each severity, before the JPEG of quality 85" in shown
    assert "jpeg compression: quality │ 25 │ 15 │ 7" in shown
    assert call("show", str(swept), "--above", "90") == 2
    assert "--above must be between 0 and 1, as 0.9 or 90 %, was '90'" in capsys.readouterr().err
    assert call("show", str(swept), "--json") == 0
    (result,) = json.loads(capsys.readouterr().out)
    parameters = {json.dumps(each["parameters"]) for each in result["measured"]["parameters"]}
    assert parameters == {f'{{"quality": {quality}}}' for quality in (25, 18, 15, 7, 50, 20)}
    assert call("export", str(swept), "--format", "csv") == 0
    lines = capsys.readouterr().out.splitlines()
    assert "parameters" in lines[0]
    assert any("quality=20" in line and '"quality 20"' in line for line in lines[1:])


@pytest.mark.slow
def test_the_page_draws_accuracy_over_the_quantity(swept: Path) -> None:
    hardiness.write_report(swept)
    page = (swept / "report.html").read_text()
    assert "Accuracy under jpeg compression (quality)" in page
    assert "operating limit: the strongest level up to which accuracy stays so high" in page
    assert "each level is applied alone; severities end with a JPEG of quality 85" in page
    assert "parameters of the corruptions at each severity, before the JPEG of quality 85" in page


def test_a_corruption_that_is_not_registered_here_has_what_was_kept_of_it(
    swept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one of a file of somebody's own, which ``run`` knew and ``gate`` does not."""
    before = limits(swept, 0.9)
    monkeypatch.setattr(corruptions, "find", lambda name: None)
    after = limits(swept, 0.9)
    assert (after.value, after.interval, after.unit) == (before.value, before.interval, before.unit)
    (verdict,) = hardiness.gate(swept, RULE.format(level="quality=25", above=0.9)).verdicts
    assert verdict.outcome == "pass"


def test_a_ladder_has_a_row_for_each_level_that_both_models_have(swept: Path) -> None:
    """No mean takes these, so that no other row of the step would show what changes at them."""
    store = Store.create(swept)
    write(store, SET, RIGHT, model="int8")
    for level in ("quality=20", "quality=18", "quality=80"):
        write_level(store, level, {**RIGHT, "quality=20": 146, "quality=80": 190}, model="int8")
    ladders = hardiness.compare(swept, ladder=["net", "int8"], within="10 %")
    ((step,),) = [ladder.steps for ladder in ladders]
    parts = {part.name: part for part in step.parts if " " in part.name}
    assert list(parts) == ["jpeg_compression quality=18", "jpeg_compression quality=20"]
    part = parts["jpeg_compression quality=20"]
    assert (part.before, part.after) == (pytest.approx(0.93), pytest.approx(0.73))
    assert (part.difference.value, part.difference.n) == (pytest.approx(-0.2), N)
    assert part.flips is not None
    assert part.flips.negative.value == pytest.approx(0.2)
    outcomes = [part.outcome for part in parts.values() if part.outcome]
    assert outcomes == ["pass", "fail"]
    assert "quality=20" in repr(ladders)


def test_a_corruption_that_one_run_lacks_is_missing_with_the_option_that_runs_it(out: Path) -> None:
    policy = RULE.format(level="sigma=0.25", above=0.9).replace("jpeg_compression", "gaussian_noise")
    (verdict,) = hardiness.gate(out, policy).verdicts
    assert verdict.outcome == "missing"
    assert "gaussian_noise was not run at sigma=0.25; run -b own-c:corruptions=gaussian_noise,levels=0.25" in str(
        why(verdict.missing)
    )


def test_levels_of_another_folder_stand_beside_the_run(tmp_path: Path) -> None:
    places = tmp_path / "set", tmp_path / "levels"
    write(Store.create(places[0]), SET, RIGHT)
    for level in LEVELS:
        write_level(Store.create(places[1]), level, RIGHT)
    together = Folder.open(*map(Store.open, places))
    (result,) = together.results
    write(Store.create(places[1]), SET, RIGHT)
    (beside,) = Folder.open(Store.open(places[1])).results
    assert result.scores == beside.scores, "as where all of them are in one folder"
    assert any(score.metric == "operating_limit" and score.value for score in result.scores)


def test_no_level_is_the_baseline_though_it_was_evaluated_last(out: Path) -> None:
    """A comparison divided by it, and the results of the same folder by the run on the set."""
    store = Store.create(out)
    write(store, SET, RIGHT, model="other")
    for model in ("net", "other"):
        write_level(store, "quality=50", RIGHT, model=model)
    for run in store.runs():
        is_level = "cell" in run.run.benchmark.options
        run.add_measured(session_of(N, f"2026-01-0{2 if is_level else 1}T00:00:00+00:00"))
    folder = Folder.open(store, baseline="net")
    assert folder.baseline is not None
    (key,) = folder.baseline.keys.values()
    (net,) = (run for run in folder.whole if run.stored.run.model.name == "net")
    assert key == net.stored.key
    compared = {score.metric: score for score in kept_comparisons(folder)[0].scores}
    ratio = next(score for metric, score in compared.items() if "mce" in metric)
    (result,) = (result for result in folder.results if result.model == "other")
    assert ratio.values["other"] == pytest.approx(result.score(ratio.metric).value)
