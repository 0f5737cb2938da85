"""Single levels beside a set's run: which scores they have, what takes none of them, the limit and the gate's rule."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
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
from hardiness.distortions.apply import corruptions
from hardiness.store.store import Store

N = 200
SET = (Condition(), *(Condition(corruption="jpeg_compression", severity=severity) for severity in (1, 3, 5)))
RIGHT = {"": 196, "1": 190, "3": 160, "5": 60, "quality=50": 194, "quality=20": 186, "2": 180}
"""Right answers of two hundred by cell: quality 25, 15 and 7, then 50, 20 and 18."""


def write(
    store: Store,
    cells: tuple[Condition, ...],
    right: dict[str, int],
    *,
    cell: str = "",
    version: int = 1,
    model: str = "net",
) -> None:
    """A run of two classes of one's own, which answers the first pictures of one order rightly."""
    image, condition = np.repeat(np.arange(N), len(cells)), np.tile(np.arange(len(cells)), N)
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
    options: dict[str, Any] = {"jpeg": True, "kernels": version, **({"cell": cell} if cell else {})}
    run = Run(
        ModelIdentity(model, model),
        BenchmarkIdentity("own-c", "corruption", "own", options),
        DataIdentity("mine", "f", N, 2, classes=("cat", "dog")),
        conditions=cells,
    )
    work = list(zip(rows["sample"].tolist(), condition.tolist(), strict=True))
    store.run(run, Plan(whole=tuple(range(len(cells))))).write(0, work, Records(rows))


def write_level(store: Store, level: str, right: dict[str, int], *, model: str = "net") -> None:
    named = {"level": level} if "=" in level else {"severity": int(level)}
    cell = Condition(corruption="jpeg_compression", **named)
    write(store, (cell,), right, cell=f"jpeg_compression/{level}", model=model)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """The set's run alone."""
    write(Store.create(tmp_path), SET, RIGHT)
    return tmp_path


@pytest.fixture
def swept(out: Path) -> Path:
    """The set's run with three single levels, one of them a severity that the set has not."""
    store = Store.create(out)
    for level in ("quality=50", "quality=20", "2"):
        write_level(store, level, RIGHT)
    return out


def test_single_levels_stand_beside_the_run_and_no_score_of_it_moves(out: Path) -> None:
    def scores() -> dict[tuple[str, Condition], Any]:
        (result,) = hardiness.load_results(out)
        return {(s.metric, s.condition): (s.value, s.n, s.interval, s.reason) for s in result.scores}

    before, key = scores(), hardiness.load_results(out)[0].key
    for level in ("quality=50", "quality=20", "2"):
        write_level(Store.create(out), level, RIGHT)
    after = scores()
    assert hardiness.load_results(out)[0].key == key
    gone = before.keys() - after.keys()
    assert gone == {("severity_below", Condition(corruption="jpeg_compression"))}, "the limit takes its place"
    assert {name: value for name, value in after.items() if name in before} == {
        name: value for name, value in before.items() if name not in gone
    }
    added = after.keys() - before.keys()
    cells = [
        Condition(corruption="jpeg_compression", **each)
        for each in ({"level": "quality=50"}, {"level": "quality=20"}, {"severity": 2})
    ]
    for cell, right in zip(cells, (194, 186, 180), strict=True):
        assert after["error", cell][0] == pytest.approx(1 - right / N)
        assert ("recall", Condition(**{"class": "cat"}, **cell)) in added
        assert ("balanced_accuracy", cell) in added
    assert all(condition["corruption"] == "jpeg_compression" for _, condition in added), "no mean takes a level"
    assert {metric for metric, condition in added if set(condition) == {"corruption"}} == set()


def limits(out: Path, above: float | None) -> Any:
    (result,) = hardiness.load_results(out, above=above)
    (score,) = [score for score in result.scores if score.metric == "operating_limit"]
    return score


def test_the_limit_is_over_severities_and_single_levels(swept: Path) -> None:
    score = limits(swept, 0.9)
    assert (score.value, score.unit, score.higher_is_better, score.n) == (18, "quality", False, N)
    # .97 at quality 50 and .95 at 25 are surely at least .9, .93 at 20 is not; .80 at 15 is surely below.
    assert (score.interval.low, score.interval.high) == (15, 25)
    assert score.condition == Condition(corruption="jpeg_compression", above=0.9)
    assert limits(swept, 0.99).value is None
    assert "already at the mildest level, quality=50" in limits(swept, 0.99).reason
    assert limits(swept, None).condition["above"] == 0.49
    with pytest.raises(ArgumentError, match=r"above must be above 0 and below 1, as in 0\.9, was 90"):
        hardiness.load_results(swept, above=90)


def test_without_single_levels_a_stated_accuracy_gives_the_limit_over_severities(out: Path) -> None:
    assert limits(out, 0.9).value == 25
    assert [s.metric for s in hardiness.load_results(out)[0].scores if s.metric == "operating_limit"] == []


def test_where_accuracy_surely_rises_again_there_is_no_limit_and_by_chance_a_warning(out: Path) -> None:
    store = Store.create(out)
    write_level(store, "quality=10", {"quality=10": 190})
    score = limits(out, 0.9)
    assert score.value is None
    assert score.reason.startswith("accuracy rises again with the level: ")
    write_level(store, "quality=10", {"quality=10": 190})
    (result,) = hardiness.load_results(out)
    assert not [line for line in result.warnings if "may be chance" in line]


def test_a_rise_within_chance_is_told(out: Path) -> None:
    store = Store.create(out)
    write_level(store, "quality=24", {"quality=24": 178})
    write_level(store, "quality=23", {"quality=23": 182})
    (result,) = hardiness.load_results(out, above=0.9)
    (line,) = [line for line in result.warnings if "may be chance" in line]
    assert line.startswith(
        "jpeg_compression: accuracy is 89.0 % at quality=24 and 91.0 % at quality=23, which is stronger"
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
        assert verdict.reason == (
            "jpeg_compression was not run at quality=17; run -b own-c:corruptions=jpeg_compression,levels=17"
        )
    else:
        assert (verdict.rule.limit, verdict.n) == (0.9, N)
        assert verdict.metric == f"lowest accuracy up to {level} (corruption jpeg_compression)"


def test_a_dip_on_the_way_fails_whatever_comes_after_it(out: Path) -> None:
    write_level(Store.create(out), "quality=10", {"quality=10": 196})
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
    assert "strongest level up to which accuracy stays at or above 90 %" in shown
    assert "quality=18 │ 15–25" in shown
    assert call("show", str(swept), "--all") == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "jpeg compression, quality 18 │ 10.0" in shown
    assert "jpeg compression: quality │ 25 │ 18 │ 15 │ 7" in shown
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
    assert "parameters of the corruptions at each severity" in page


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


def test_a_ladder_has_a_row_for_each_single_level_that_both_models_have(swept: Path) -> None:
    """No mean takes these, so that no other row of the step would show what changes at them."""
    store = Store.create(swept)
    write(store, SET, RIGHT, model="int8")
    for level in ("quality=20", "2", "quality=80"):
        write_level(store, level, {**RIGHT, "quality=20": 146, "quality=80": 190}, model="int8")
    ladders = hardiness.compare(swept, ladder=["net", "int8"], within="10 %")
    ((step,),) = [ladder.steps for ladder in ladders]
    parts = {part.name: part for part in step.parts if " " in part.name}
    assert list(parts) == ["jpeg_compression severity 2", "jpeg_compression quality=20"]
    part = parts["jpeg_compression quality=20"]
    assert (part.before, part.after) == (pytest.approx(0.93), pytest.approx(0.73))
    assert (part.difference.value, part.difference.n) == (pytest.approx(-0.2), N)
    assert part.flips is not None
    assert part.flips.negative.value == pytest.approx(0.2)
    outcomes = [part.equivalence.outcome for part in parts.values() if part.equivalence]
    assert outcomes == ["pass", "fail"]
    assert "quality=20" in repr(ladders)


def test_a_corruption_that_one_run_lacks_is_missing_with_the_option_that_runs_it(out: Path) -> None:
    policy = RULE.format(level="sigma=0.25", above=0.9).replace("jpeg_compression", "gaussian_noise")
    (verdict,) = hardiness.gate(out, policy).verdicts
    assert verdict.outcome == "missing"
    assert "gaussian_noise was not run at sigma=0.25; run -b own-c:corruptions=gaussian_noise,levels=0.25" in str(
        verdict.reason
    )
