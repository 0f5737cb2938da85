"""``hardiness gate``: policies that are wrong, verdicts of every kind, baselines, and what is written."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import junitparser
import numpy as np
import pytest
from commands import called_wide
from scipy.stats import betabinom
from sessions import session_of

import hardiness
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError
from hardiness.core.fact import error_of
from hardiness.core.model import View
from hardiness.core.result import Metric
from hardiness.core.run import BenchmarkIdentity, DataIdentity, ModelIdentity, Plan, Run
from hardiness.core.spread import Interval
from hardiness.core.table import Failure, ImageTable, Records
from hardiness.reference.classes import class_name
from hardiness.report.gate import COMMENT_MOST, SUMMARY_MOST, annotation_lines, gate_markdown, gate_view, junit
from hardiness.report.words import line as said
from hardiness.report.words import text as why
from hardiness.report.written_policy import first_policy
from hardiness.results.gate import Gate, GateVerdict
from hardiness.results.policy import Policy, Rule, parse_policy, policy_of
from hardiness.results.results import published_results
from hardiness.results.rules.cells import part_of
from hardiness.results.rules.errors import MissingNumberError
from hardiness.results.rules.limits import require_limit
from hardiness.results.rules.requirements import require_standing
from hardiness.statistics.estimate import mean
from hardiness.statistics.intervals import clopper_pearson, outermost
from hardiness.store.store import Store

CELLS = (
    Condition(),
    *(Condition(corruption=name, severity=level) for name in ("fog", "frost", "shot_noise") for level in (1, 3)),
)


def stored(out: Path, name: str, right: np.ndarray, failed: int = 0, **changed: Any) -> None:
    """A run of ImageNet-C with these answers ``(N, 7)``, or of the validation set ``(N, 1)``; some images failed."""
    n, m = right.shape
    image, condition = np.repeat(np.arange(n), m), np.tile(np.arange(m), n)
    label = (image % 4).astype(np.int32)
    rows = {
        "sample": np.array([f"n/{k:04d}" for k in image]),
        "condition": condition.astype(np.int16),
        "frame": np.zeros(n * m, np.int16),
        "label": label,
        "prediction": np.where(right.ravel(), label, 9).astype(np.int32),
        "top5_class": np.zeros((n * m, 5), np.int16),
        "confidence": np.linspace(0.2, 0.9, n * m).astype(np.float32),
    }
    run = Run(
        ModelIdentity(name, name),
        BenchmarkIdentity("imagenet-c" if m > 1 else "imagenet-val", "corruption" if m > 1 else "classification"),
        DataIdentity("imagenet", "f00d00", n),
        conditions=CELLS[:m],
    )
    run = replace(run, **changed)
    work = list(zip(rows["sample"].tolist(), rows["condition"].tolist(), strict=True))
    failures = tuple(Failure(f"n/{k:04d}", "damaged", tuple(range(m))) for k in range(failed))
    records = Records({column: values[failed * m :] for column, values in rows.items()}, failures)
    Store.create(out).run(run, Plan(whole=tuple(range(m)))).write(0, work, records)


def answers(error: float, n: int = 200, seed: int = 0, cells: int = len(CELLS)) -> np.ndarray:
    return np.random.default_rng(seed).random((n, cells)) >= error


def policy(folder: Path, *rules: str, settings: str = "") -> str:
    path = folder / "policy.toml"
    path.write_text("".join(f"[[rules]]\n{rule}\n" for rule in rules) + settings)
    return str(path)


MEAN = 'benchmark = "imagenet-c"\nmetric = "mean_error"\n'


def test_each_verdict_with_its_exit_status_and_the_interval_that_decides(tmp_path: Path) -> None:
    stored(tmp_path, "m", answers(0.4))
    for limit, outcome, status in ((0.5, "pass", 0), (0.3, "fail", 3), (0.4, "cannot tell", 4)):
        found = hardiness.gate(tmp_path, policy(tmp_path, MEAN + f"at_most = {limit}"))
        (verdict,) = found.verdicts
        assert (verdict.outcome, found.exit_status, verdict.n) == (outcome, status, 200)
        assert verdict.interval is not None
        assert verdict.value is not None
        assert verdict.interval.low < verdict.value < verdict.interval.high
    warned = hardiness.gate(tmp_path, policy(tmp_path, MEAN + "at_most = 0.4", settings='[policy]\nundecided = "warn"'))
    assert (warned.outcome, warned.exit_status) == ("cannot tell", 0)
    assert warned.verdicts[0].more > 0


def test_a_fail_among_many_rules_needs_the_interval_by_the_scores_own_method(tmp_path: Path) -> None:
    """Not one that is rebuilt from its ends at 95 %; from what is kept as from the rows."""
    right = answers(0.4)
    stored(tmp_path, "m", right)
    rules = policy(tmp_path, *[MEAN + "at_most = 0.1"] * 7)
    values = mean(np.arange(200), (~right[:, 1:]).astype(float))
    wanted = outermost(values.interval(0.0, 1.0, alpha=0.05 / 7), values.interval(alpha=0.05 / 7))
    for _ in range(2):
        verdicts = hardiness.gate(tmp_path, rules).verdicts
        assert (verdicts[0].outcome, verdicts[0].family) == ("fail", 7)
        assert verdicts[0].interval is not None
        assert verdicts[0].interval.low == pytest.approx(wanted.low, abs=1e-12)
        assert verdicts[0].interval.high == pytest.approx(wanted.high, abs=1e-12)
    (memo,) = tmp_path.rglob("memo.jsonl")
    assert '{"kind": "mean of cells"' in memo.read_text(), "its spread is kept"


def test_where_a_picture_failed_a_score_of_all_is_missing_and_says_so(tmp_path: Path) -> None:
    stored(tmp_path, "m", answers(0.4), failed=1)
    rule = 'benchmark = "imagenet-c"\nmetric = "{}"\nat_most = 5.0'
    (verdict,) = hardiness.gate(tmp_path, policy(tmp_path, rule.format("mce"))).verdicts
    assert verdict.outcome == "missing"
    assert "(failed images: 1)" in why(verdict.missing)
    assert "mce_partial" in why(verdict.missing)
    (verdict,) = hardiness.gate(tmp_path, policy(tmp_path, rule.format("mce_partial"))).verdicts
    assert (verdict.outcome, verdict.n) == ("pass", 199)


def test_what_goes_before_what(tmp_path: Path) -> None:
    stored(tmp_path, "m", answers(0.4))
    passes, fails, open_ = (MEAN + f"at_most = {limit}" for limit in (0.6, 0.2, 0.4))
    missing = 'benchmark = "imagenet-c"\nmetric = "headline"\nagainst = "nowhere"\nworse_by_at_most = 0.1'
    wrong = 'benchmark = "imagenet-c"\nmetric = "mean_eror"\nat_most = 0.1'
    for rules, status in (
        ((passes,), 0),
        ((passes, open_), 4),
        ((passes, open_, missing), 1),
        ((passes, open_, missing, fails), 3),
    ):
        assert hardiness.gate(tmp_path, policy(tmp_path, *rules)).exit_status == status
    with pytest.raises(ArgumentError, match="mean_error") as error:
        hardiness.gate(tmp_path, policy(tmp_path, passes, fails, wrong))
    assert error.value.exit_status == 2


def test_a_cell_a_corruption_a_group_and_a_class_are_addressed_by_name(tmp_path: Path) -> None:
    right = answers(0.4)
    stored(tmp_path, "m", right)
    wrong = ~right
    blocks = {
        '{ corruption = "fog", severity = 3 }': wrong[:, 2].mean(),
        '{ corruption = "fog" }': wrong[:, 1:3].mean(),
        '{ group = "weather" }': wrong[:, 1:5].mean(),
        '{ class = "goldfish" }': wrong[1::4, 1:].mean(),
        '{ class = "goldfish", corruption = "fog", severity = 1 }': wrong[1::4, 1].mean(),
        '{ class = "goldfish", group = "noise" }': wrong[1::4, 5:].mean(),
    }
    rules = [f'benchmark = "imagenet-c"\nmetric = "error"\nwhere = {where}\nat_most = 0.99' for where in blocks]
    rules.append(rules[3].replace('"error"', '"accuracy"'))
    for _ in range(2):  # computed, then read from what was kept
        found = hardiness.gate(tmp_path, policy(tmp_path, *rules))
        values = [verdict.value for verdict in found.verdicts]
        assert values[:-1] == pytest.approx(list(blocks.values()))
        assert values[-1] == pytest.approx(1 - wrong[1::4, 1:].mean())
    assert found.verdicts[3].n == 50


def test_two_classes_of_one_name_are_judged_together() -> None:
    cranes = [label for label in range(1000) if class_name(label).partition(",")[0] == "crane"]
    assert len(cranes) == 2, "a bird and a machine"
    label = np.array([*cranes, 1, *cranes], np.int32)
    ids = np.array([f"{k}" for k in range(5)], object)
    table = ImageTable(ids, label, (Condition(),), np.zeros(1, np.int16), {"right": np.ones((5, 1), np.int8)})
    run = Run(ModelIdentity("m"), BenchmarkIdentity("imagenet-val", "classification"), DataIdentity("imagenet"))
    assert part_of(table, Condition(**{"class": "crane"}), run).rows.tolist() == [True, True, False, True, True]


@pytest.mark.slow
def test_a_number_that_nobody_stands_by_is_missing_whatever_the_rule() -> None:
    (result,) = [each for each in published_results() if each.benchmark == "whitebox"][:1]
    score = replace(result.scores[0], doubt="withdrawn")
    with pytest.raises(MissingNumberError) as doubted:
        require_standing(result, score)
    assert said(doubted.value.why) == "withdrawn: the report on the attack does not stand by the number"
    with pytest.raises(MissingNumberError, match=r"undefined .*too few"):
        require_standing(result, replace(result.scores[0], value=None, lack=error_of(ArgumentError("too few"))))
    require_standing(result, result.scores[0])


def test_a_rule_speaks_of_every_model_unless_it_says_which(tmp_path: Path) -> None:
    stored(tmp_path, "a", answers(0.4))
    stored(tmp_path, "b", answers(0.2, seed=1))
    stored(tmp_path, "c", answers(0.2, seed=2, cells=1))
    found = hardiness.gate(tmp_path, policy(tmp_path, MEAN + "at_most = 0.3", MEAN + 'at_most = 0.5\nmodel = "a"'))
    told = [(verdict.model, verdict.outcome) for verdict in found.verdicts]
    assert told == [("a", "fail"), ("b", "pass"), ("c", "missing"), ("a", "pass")]
    assert "no run of imagenet-c" in why(found.verdicts[2].missing)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "must have at least one rule"),
        ("rules = 3", "must be tables"),
        ("[[rules]]\nbenchmark = ", "must be TOML"),
        ("[[rulez]]", "'rulez'; did you mean 'rules'"),
        ('[[rules]]\nmetric = "mce"\nat_most = 1', "rule 1: benchmark is missing"),
        (f"[[rules]]\n{MEAN}at_mots = 1", "rule 1: unknown field 'at_mots'; did you mean 'at_most'"),
        (f"[[rules]]\n{MEAN}", "worse_by_at_most, equivalent_within, had none"),
        (f"[[rules]]\n{MEAN}at_most = 1\nat_least = 0", "had at_most and at_least"),
        (f"[[rules]]\n{MEAN}at_most = true", 'at_most must be a number, or a text as in "75 %", was True'),
        (f"[[rules]]\n{MEAN}at_most = nan", 'at_most must be a number, or a text as in "75 %", was nan'),
        (f"[[rules]]\n{MEAN}worse_by_at_most = 0.1", "needs against"),
        (f'[[rules]]\n{MEAN}at_most = 0.1\nagainst = "x"', "against goes with worse_by_at_most"),
        (f'[[rules]]\n{MEAN}worse_by_at_most = -1\nagainst = "x"', "must be at least 0, was -1"),
        (f'[[rules]]\n{MEAN}at_most = "75 percent"', """or a text as in "75 %", was '75 percent'"""),
        (f'[[rules]]\n{MEAN}at_most = "%"', """or a text as in "75 %", was '%'"""),
        (f'[[rules]]\n{MEAN}name = "all of it"\nat_mots = 1', 'rule 1 ("all of it"): unknown field'),
        (f'[[rules]]\n{MEAN}name = "all of it"\nat_most = 45', 'rule 1 ("all of it"): at_most must be a share'),
        (f"[[rules]]\n{MEAN}at_most = 1\nwhere = 3", "where must be a table"),
        (f'[[rules]]\n{MEAN}at_most = 1\n[policy]\nundecided = "pass"', 'undecided must be "fail" or "warn"'),
        (f"[[rules]]\n{MEAN}at_most = 1\n[policy]\nfamly = 1", "'famly'; did you mean 'family'"),
        ('[[rules]]\nbenchmark = "imagenet-d"\nmetric = "mce"\nat_most = 1', "did you mean 'imagenet-c'"),
        ('[[rules]]\nbenchmark = "imagenet-c"\nmetric = "mean_eror"\nat_most = 1', "did you mean 'mean_error'"),
        (f'[[rules]]\n{MEAN}at_most = 1\nmodel = "mm"', "rule 1: model 'mm' matches nothing"),
        (f'[[rules]]\n{MEAN}at_most = 1\nwhere = {{ corruption = "fogg" }}', "did you mean 'fog'"),
        (f'[[rules]]\n{MEAN}at_most = 1\nwhere = {{ class = "goldfis" }}', "did you mean 'goldfish'"),
        (f'[[rules]]\n{MEAN}at_most = 1\nwhere = {{ clas = "goldfish" }}', "did you mean 'class'"),
        (f'[[rules]]\n{MEAN}at_most = 1\nwhere = {{ group = "wether" }}', "did you mean 'weather'"),
        (f"[[rules]]\n{MEAN}at_most = 1\nwhere = {{ severity = 2 }}", "where severity '2' matches nothing"),
        ('[[rules]]\nbenchmark = "*"\nmetric = "nothing"\nat_most = 1', "metric 'nothing' matches nothing"),
    ],
)
def test_a_wrong_policy_is_one_line_and_nothing_is_written(
    text: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    stored(tmp_path / "out", "m", answers(0.4, n=40))
    (tmp_path / "policy.toml").write_text(text)
    before = sorted(path for path in (tmp_path / "out").rglob("*") if path.name in ("gate.json", "s.md"))
    status = called_wide(monkeypatch, "gate", str(tmp_path / "out"), "--policy", str(tmp_path / "policy.toml"))
    error = capsys.readouterr().err
    assert (status, error.count("\n")) == (2, 1)
    assert told in error
    assert sorted(p for p in (tmp_path / "out").rglob("*") if p.name in ("gate.json", "s.md")) == before == []


AGAINST = 'benchmark = "imagenet-c"\nmetric = "mean_error"\nagainst = "{}"\nworse_by_at_most = 0.02'


def test_a_limit_of_a_share_in_percent_is_a_wrong_policy(tmp_path: Path) -> None:
    for folder in ("new", "main"):
        stored(tmp_path / folder, "m", answers(0.4))
    against = f'against = "{tmp_path / "main"}"\n'
    for rule in (
        MEAN + "at_most = 45",
        MEAN + "at_least = 45",
        MEAN + against + "worse_by_at_most = 1",
        f'benchmark = "*"\nmetric = "negative_flips"\n{against}at_most = 5',
        'benchmark = "imagenet-c"\nmetric = "error"\nwhere = { corruption = "fog" }\nat_most = 5',
    ):
        with pytest.raises(
            ArgumentError, match=r"rule 1: \w+ must be a share( below 100 %)?, as 0.01 for one point, .* was \d+, which"
        ):
            hardiness.gate(tmp_path / "new", policy(tmp_path, rule))


def test_a_difference_of_the_whole_is_said_to_be_too_much(tmp_path: Path) -> None:
    """100 % is a share, and is no limit of a difference: every model would pass it."""
    for folder in ("new", "main"):
        stored(tmp_path / folder, "m", answers(0.4))
    rule = MEAN + f'against = "{tmp_path / "main"}"\nworse_by_at_most = "100 %"'
    with pytest.raises(ArgumentError, match=r"must be a share below 100 %, .*; was 1, which is 100 %$"):
        hardiness.gate(tmp_path / "new", policy(tmp_path, rule))


def test_runs_that_differ_in_code_alone_are_told_apart(tmp_path: Path) -> None:
    """In the table, and in the line about the run that is not judged."""
    for folder, code in (("new", "0ddba11"), ("new", "c0ffee"), ("main", "0ddba11")):
        model = ModelIdentity("m", "a11a11", code_sha256=code)
        stored(tmp_path / folder, "m", answers(0.4), model=model)
    for run in Store.open(tmp_path / "new").runs():
        day = {"0ddba11": 27, "c0ffee": 28}[run.run.model.code_sha256]
        run.add_measured(session_of(1, f"2026-11-{day}T10:00:00+00:00"))
    found = hardiness.gate(tmp_path / "new", policy(tmp_path, AGAINST.format(tmp_path / "main")))
    assert gate_view(found).rows[0][1] == "m\nweights a11a11 code c0ffee, baseline weights a11a11 code 0ddba1"
    (remark,) = map(said, found.remarks)
    assert "(weights a11a11 code 0ddba1), since" in remark
    assert "(weights a11a11 code c0ffee) of that name" in remark


def test_a_policy_that_an_editor_wrote_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    file = Path(policy(tmp_path, MEAN + "at_most = 0.5"))
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    (rule,) = policy_of(file).rules
    assert (rule.metric, rule.limit) == ("mean_error", 0.5)


PARTIAL_MCE = 'benchmark = "imagenet-c"\nmetric = "mce_partial"\n'


def test_a_limit_of_a_ratio_in_percent_says_so_or_is_a_wrong_policy(tmp_path: Path) -> None:
    for folder in ("new", "main"):
        stored(tmp_path / folder, "m", answers(0.4))
    against = f'against = "{tmp_path / "main"}"\n'
    for rule in (
        PARTIAL_MCE + "at_most = 75",
        PARTIAL_MCE + "at_least = 11",
        PARTIAL_MCE.replace("mce_partial", "headline") + "at_most = 75",
        PARTIAL_MCE.replace("mce_partial", "mce") + "at_most = 75",
        PARTIAL_MCE + against + "worse_by_at_most = 1",
    ):
        with pytest.raises(
            ArgumentError,
            match=r'must be a ratio, as 0.75 for 75 %, or a text as in "75 %", .* was \d+,',
        ):
            hardiness.gate(tmp_path / "new", policy(tmp_path, rule))
    fraction, text, points = hardiness.gate(
        tmp_path / "new",
        policy(
            tmp_path,
            PARTIAL_MCE + "at_most = 0.75",
            PARTIAL_MCE + 'at_most = "75 %"',
            PARTIAL_MCE + against + 'worse_by_at_most = "150%"',
        ),
    ).verdicts
    assert (fraction.outcome, fraction.rule.limit) == (text.outcome, text.rule.limit)
    assert fraction.value is not None
    assert text.outcome == ("pass" if fraction.value < 0.75 else "fail")
    assert (points.outcome, points.rule.limit) == ("pass", 1.5)
    share = hardiness.gate(tmp_path / "new", policy(tmp_path, MEAN + 'at_most = "45 %"')).verdicts[0]
    assert share.rule.limit == 0.45


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        (MEAN + "at_most = 1.00005", "rule 1: at_most must be a share"),
        (MEAN + "at_least = -0.1", "rule 1: at_least must be at least 0, as mean error always is; was -0.1"),
        (PARTIAL_MCE + 'at_most = "-5 %"', "at_most must be at least 0, as mCE of a part always is; was -0.05"),
        ('benchmark = "imagenet-val"\nmetric = "nll"\nat_most = "5 %"', "without %, as NLL has the unit nats; was 5 %"),
        ('benchmark = "imagenet-val"\nmetric = "nll"\nat_most = -1', "at_most must be at least 0, as NLL"),
        ('benchmark = "imagenet-val"\nmetric = "brier"\nat_most = 20', "at_most must be at most 2, as Brier score"),
        ('benchmark = "*"\nmetric = "agreement"\nagainst = "x"\nat_least = -0.1', "as agreement always is"),
    ],
)
def test_a_limit_beyond_what_a_metric_can_be_is_a_wrong_policy(rule: str, told: str, tmp_path: Path) -> None:
    stored(tmp_path / "out", "m", answers(0.4))
    stored(tmp_path / "out", "m", answers(0.4, cells=1))
    with pytest.raises(ArgumentError, match=re.escape(told)):
        hardiness.gate(tmp_path / "out", policy(tmp_path, rule))


def test_what_may_be_below_0_may_have_a_limit_there() -> None:
    relative, mce = (Metric(name, unit="ratio", signed=name != "mce") for name in ("relative_mce", "mce"))
    rule = Rule(1, "imagenet-c", "relative_mce", "at_most", -0.1)
    require_limit("p", rule, relative)
    with pytest.raises(ArgumentError, match="at least 0"):
        require_limit("p", rule, mce)


def test_a_part_has_no_headline_and_the_line_says_which_name_to_write(tmp_path: Path) -> None:
    for folder in ("new", "main"):
        stored(tmp_path / folder, "m", answers(0.4))
    headline = 'benchmark = "imagenet-c"\nmetric = "headline"\n'
    for rule in (headline + "at_most = 9", headline + f'against = "{tmp_path / "main"}"\nworse_by_at_most = 0.5'):
        found = hardiness.gate(tmp_path / "new", policy(tmp_path, rule))
        assert (found.outcome, found.exit_status) == ("missing", 1)
        assert 'has no mce: run the whole, or write metric = "mce_partial"' in why(found.verdicts[0].missing)
    named = hardiness.gate(tmp_path / "new", policy(tmp_path, PARTIAL_MCE + "at_most = 9"))
    assert named.outcome == "pass"


def hits(right: int, n: int = 100) -> np.ndarray:
    """The answers of one condition, of which so many are right."""
    return (np.arange(n) < right)[:, None]


@pytest.mark.slow
def test_three_wrong_of_a_hundred_do_not_fail_a_limit_of_99_percent(tmp_path: Path) -> None:
    """The exact one-sided p of 97 of 100 is .079; Wilson's interval ends below 99 %."""
    stored(tmp_path / "main", "m", hits(100))
    classes = DataIdentity("own", "f00d00", 100, num_classes=10, classes=tuple("abcdefghij"))
    for folder, right in (("near", 97), ("far", 94)):
        stored(tmp_path / folder, "m", hits(right))
        stored(tmp_path / folder, "own", hits(right), data=classes)
    top1 = 'benchmark = "imagenet-val"\nmodel = "m"\nmetric = "{}"\nat_least = 0.99'
    against = f'\nagainst = "{tmp_path / "main"}"'
    rules = policy(
        tmp_path,
        top1.format("top1"),
        top1.format("accuracy"),
        top1.format("agreement") + against,
        top1.format("negative_flips").replace("at_least = 0.99", "at_most = 0.01") + against,
    )
    for folder, outcome in (("near", "cannot tell"), ("far", "fail")):
        found = hardiness.gate(tmp_path / folder, rules)
        assert [each.outcome for each in found.verdicts] == [outcome] * 4
        assert all("exact" in each.which_interval for each in found.verdicts)
    # 24 of 25: Wilson's interval ends at .993, and the exact p at .995 is .118.
    recall = 'benchmark = "imagenet-val"\nmodel = "own"\nmetric = "recall"\nwhere = { class = "b" }\nat_least = 0.995'
    (verdict,) = hardiness.gate(tmp_path / "far", policy(tmp_path, recall)).verdicts
    assert (verdict.outcome, verdict.n, verdict.which_interval) == ("cannot tell", 25, "plain 95 %, exact")


def test_a_first_policy_names_a_baselines_model_of_another_name(tmp_path: Path) -> None:
    stored(tmp_path / "out", "new", answers(0.4))
    stored(tmp_path / "main", "old", answers(0.4))
    found = hardiness.gate(tmp_path / "out", first_policy(Store.open(tmp_path / "out"), str(tmp_path / "main")))
    assert "missing" not in {each.outcome for each in found.verdicts}


def test_against_a_baseline_pairs_the_images(tmp_path: Path) -> None:
    before = answers(0.4, n=600)
    after = before & (np.random.default_rng(9).random(before.shape) >= 0.01)
    stored(tmp_path / "main", "m", before)
    stored(tmp_path / "new", "m", after)
    rule = AGAINST.format(tmp_path / "main")
    (verdict,) = hardiness.gate(tmp_path / "new", policy(tmp_path, rule)).verdicts
    assert verdict.outcome == "pass"
    assert verdict.value == pytest.approx((before[:, 1:] & ~after[:, 1:]).mean())
    (better,) = hardiness.gate(tmp_path / "main", policy(tmp_path, AGAINST.format(tmp_path / "new"))).verdicts
    assert better.value == pytest.approx(-verdict.value)
    flips = f'benchmark = "*"\nmetric = "negative_flips"\nagainst = "{tmp_path / "main"}"\nat_most = 0.001'
    (flipped,) = hardiness.gate(tmp_path / "new", policy(tmp_path, flips)).verdicts
    assert flipped.outcome == "fail"
    assert flipped.value == pytest.approx((before & ~after).mean())
    cell = flips + '\nwhere = { corruption = "fog", severity = 3, class = "goldfish" }'
    (one,) = hardiness.gate(tmp_path / "new", policy(tmp_path, cell)).verdicts
    assert one.value == pytest.approx((before & ~after)[1::4, 2].mean())
    single = AGAINST.format(tmp_path / "main").replace(
        '"mean_error"', '"error"\nwhere = { corruption = "fog", severity = 3 }'
    )
    (paired,) = hardiness.gate(tmp_path / "new", policy(tmp_path, single)).verdicts
    assert paired.value == pytest.approx((before & ~after)[:, 2].mean())


def test_higher_is_better_is_turned_round(tmp_path: Path) -> None:
    before = answers(0.1, n=300, cells=1)
    stored(tmp_path / "main", "m", before)
    stored(tmp_path / "new", "m", before & answers(0.3, n=300, seed=4, cells=1))
    rule = f'benchmark = "*"\nmetric = "headline"\nagainst = "{tmp_path / "main"}"\nworse_by_at_most = 0.05'
    (verdict,) = hardiness.gate(tmp_path / "new", policy(tmp_path, rule)).verdicts
    assert (verdict.outcome, verdict.rule.metric) == ("fail", "headline")
    assert verdict.value is not None
    assert verdict.value > 0.2


@pytest.mark.slow
def test_names_are_mapped_and_what_differs_is_missing_with_its_name(tmp_path: Path) -> None:
    right = answers(0.4, n=60)
    stored(tmp_path / "new", "int8", right)
    stored(tmp_path / "main", "fp32", right)
    rule = AGAINST.format(tmp_path / "main")
    (verdict,) = hardiness.gate(tmp_path / "new", policy(tmp_path, rule)).verdicts
    assert verdict.outcome == "missing"
    assert "fp32" in why(verdict.missing)
    assert "against_model" in why(verdict.missing)
    for mapped in ('against_model = "fp32"', 'against_model = { int8 = "fp32" }'):
        (verdict,) = hardiness.gate(tmp_path / "new", policy(tmp_path, rule + "\n" + mapped)).verdicts
        assert verdict.outcome != "missing"
    card = BenchmarkIdentity("imagenet-c", "corruption", "another")
    changes = {
        "data fingerprint (f00d00 here, beef00 there)": {"data": DataIdentity("imagenet", "beef00", 60)},
        "view crop_px": {"model": ModelIdentity("m", "m", View(crop_px=288))},
        "view std (0.229/0.224/0.225 here, 0.5/0.5/0.5 there)": {
            "model": ModelIdentity("m", "m", View(mean=(0.485, 0.456, 0.406), std=(0.5, 0.5, 0.5)))
        },
        "protocol (none here, another there)": {"benchmark": card},
        "seed (0 here, 1 there)": {"seed": 1},
    }
    stored(tmp_path / "one", "m", right)
    for number, (told, changed) in enumerate(changes.items()):
        stored(tmp_path / f"base{number}", "m", right, **changed)
        found = hardiness.gate(tmp_path / "one", policy(tmp_path, AGAINST.format(tmp_path / f"base{number}")))
        assert (found.outcome, found.exit_status) == ("missing", 1)
        assert told in why(found.verdicts[0].missing)


def test_an_export_that_normalises_itself_is_held_against_the_network_that_does_not(tmp_path: Path) -> None:
    bytes_in = View(mean=(0.0,) * 3, std=(1.0,) * 3, range="0..255")
    for name, view in {"bytes": bytes_in, "cropped": replace(bytes_in, crop_px=288)}.items():
        stored(tmp_path / name, "m", answers(0.4, n=60), model=ModelIdentity("m", "m", view))
    stored(tmp_path / "main", "m", answers(0.4, n=60))
    rule = AGAINST.format(tmp_path / "main")
    assert hardiness.gate(tmp_path / "bytes", policy(tmp_path, rule)).outcome != "missing"
    (verdict,) = hardiness.gate(tmp_path / "cropped", policy(tmp_path, rule)).verdicts
    assert verdict.outcome == "missing"
    assert "view crop_px (288 here, 224 there)" in why(verdict.missing)
    assert "view mean" not in why(verdict.missing)


@pytest.mark.slow
def test_a_librarys_network_on_plain_pixels_has_another_view_than_one_with_mean_and_std(tmp_path: Path) -> None:
    plain = View(mean=(0.0,) * 3, std=(1.0,) * 3)
    rule = AGAINST.format(tmp_path / "main")
    stored(tmp_path / "main", "m", answers(0.4, n=60))
    for typed, code, outcome in (
        ("m=timm:mobilevit_s", "", "missing"),
        ("m=onnx:net.onnx:mean=0,std=1", "", "compared"),
        ("m=py:net.py:build:mean=0,std=1", "c0de", "compared"),
    ):
        out = tmp_path / typed[:6].replace(":", "")
        stored(out, "m", answers(0.4, n=60), model=ModelIdentity("m", "m", plain, code_sha256=code))
        (run,) = Store.open(out).runs()
        Store.create(out).run(run.run, Plan(whole=tuple(range(7)))).add_measured(session_of(60, model=typed))
        (verdict,) = hardiness.gate(out, policy(tmp_path, rule)).verdicts
        assert (verdict.outcome == "missing") == (outcome == "missing"), why(verdict.missing)
        if outcome == "missing":
            assert "view mean (0.0/0.0/0.0 here, 0.485/0.456/0.406 there)" in why(verdict.missing)


def two_of_one_name(out: Path, old: np.ndarray, new: np.ndarray, **changed: Any) -> tuple[str, str]:
    """Runs of two weights of one name, of which the one was evaluated a day before the other; their keys."""
    for weights, right in (("0ld", old), ("new", new)):
        stored(out, "m", right, model=ModelIdentity("m", weights, **changed))
    return asked(out, "0ld", "27T23:59:59"), asked(out, "new", "28T10:00:00.250")


@pytest.mark.parametrize("order", ["new last", "old last"])
def test_of_two_runs_of_one_name_the_one_that_was_evaluated_last_is_on_trial(order: str, tmp_path: Path) -> None:
    """The action keeps the folder from job to job: what a name stood for once is no longer judged."""
    out = tmp_path / "out"
    old, new = two_of_one_name(out, answers(0.6), answers(0.2))
    if order == "old last":  # all of it was stored already, and a session says that it was asked for again
        asked(out, "0ld", "28T10:00:00.500", rows=0)
    found = hardiness.gate(out, policy(tmp_path, MEAN + "at_most = 0.4"))
    (verdict,) = found.verdicts
    assert verdict.run is not None
    wanted = ("m", "pass", new, "weights new") if order == "new last" else ("m", "fail", old, "weights 0ld")
    assert (verdict.model, verdict.outcome, verdict.run.key, verdict.run.label) == wanted
    assert found.exit_status == (0 if order == "new last" else 3)
    (remark,) = map(said, found.remarks)
    left = old if order == "new last" else new
    assert f"not judged: the run {left[:8]} of m on imagenet-c" in remark
    assert found.as_dict()["verdicts"][0]["run"]["weights_sha256"] == ("new" if order == "new last" else "0ld")
    assert gate_view(found).rows[0][1] == f"m\n{wanted[3]}"
    assert remark in gate_view(found).notes
    for named in (left[:8], "0ld" if order == "new last" else "new"):
        (other,) = hardiness.gate(out, policy(tmp_path, MEAN + f'at_most = 0.4\nrun = "{named}"')).verdicts
        assert other.run is not None
        assert other.run.key == left
    with pytest.raises(ArgumentError, match=r"rule 1: run 'ffff' matches nothing"):
        hardiness.gate(out, policy(tmp_path, MEAN + 'at_most = 0.4\nrun = "ffff"'))


def test_runs_that_one_session_asked_for_side_by_side_are_all_judged(tmp_path: Path) -> None:
    for weights in ("one", "two"):
        stored(tmp_path, "m", answers(0.4), model=ModelIdentity("m", weights))
        asked(tmp_path, weights, "28T10:00:00")
    stored(tmp_path, "m", answers(0.4), model=ModelIdentity("m", "two"), seed=1)
    found = hardiness.gate(tmp_path, policy(tmp_path, MEAN + "at_most = 0.5"))
    assert len(found.verdicts) == 3, "another seed is another question"
    assert not found.remarks


@pytest.mark.slow
def test_of_two_runs_of_one_name_in_the_baseline_the_last_is_meant(tmp_path: Path) -> None:
    """By hashes: which weights have the smaller key changes with their names."""
    new = tmp_path / "new"
    stored(new, "m", answers(0.4))
    verdicts = set()
    for salt in range(4):
        main = tmp_path / f"main{salt}"
        for weights, right, started in (
            (f"a{salt}", answers(0.6), "28T10:00:00"),
            (f"b{salt}", answers(0.4), "28T10:00:01"),
        ):
            stored(main, "m", right, model=ModelIdentity("m", weights))
            asked(main, weights, started)
        found = hardiness.gate(new, policy(tmp_path, AGAINST.format(main).replace("0.02", "0.1")))
        (verdict,) = found.verdicts
        assert verdict.baseline is not None
        assert verdict.value == 0
        verdicts.add((verdict.outcome, verdict.baseline.label[:-1]))
        assert gate_view(found).rows[0][1] == f"m\nweights m, baseline weights b{salt}"
        named = AGAINST.format(main) + f'\nagainst_run = "a{salt}"'
        (other,) = hardiness.gate(new, policy(tmp_path, named)).verdicts
        assert other.value is not None
        assert other.value < -0.1
        named = named.replace(f'"a{salt}"', '"ffff"')
        (none,) = hardiness.gate(new, policy(tmp_path, named)).verdicts
        assert "has no run ffff of m on imagenet-c; it has " in why(none.missing)
    assert verdicts == {("pass", "weights b")}


def test_where_nothing_says_which_of_the_baselines_runs_is_the_last_none_is_taken(tmp_path: Path) -> None:
    stored(tmp_path / "new", "m", answers(0.4))
    for weights in ("a", "b"):
        stored(tmp_path / "main", "m", answers(0.4), model=ModelIdentity("m", weights))
    (verdict,) = hardiness.gate(tmp_path / "new", policy(tmp_path, AGAINST.format(tmp_path / "main"))).verdicts
    assert verdict.outcome == "missing"
    assert "nothing says which was evaluated last" in why(verdict.missing)
    assert "name one, as in against_run = " in why(verdict.missing)


def test_a_run_that_was_killed_as_it_began_is_partial(tmp_path: Path) -> None:
    """The session kept that it began and no rows, and the older run of that name does not pass for it."""
    out = tmp_path / "out"
    stored(out, "m", answers(0.1), model=ModelIdentity("m", "0ld"))
    asked(out, "0ld", "27T10:00:00")
    stored(out, "m", answers(0.1, n=40), model=ModelIdentity("m", "new"), data=DataIdentity("imagenet", "f00d00", 200))
    asked(out, "new", "28T10:00:00", rows=0)
    (verdict,) = hardiness.gate(out, policy(tmp_path, MEAN + "at_most = 0.4")).verdicts
    assert verdict.outcome == "missing"
    assert "partial: 40 of 200 images" in why(verdict.missing)


def test_where_the_policy_is_wrong_the_last_verdicts_comment_and_junit_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """The action points to both: what was said of the last commit must not stand for this one."""
    stored(tmp_path / "out", "m", answers(0.4))
    rules = policy(tmp_path, MEAN + "at_most = 0.6")
    files = [tmp_path / name for name in ("gate.md", "gate.xml", "summary.md")]
    command = ["gate", str(tmp_path / "out"), "--policy", rules]
    for name, file in zip(("comment", "junit", "summary"), files, strict=True):
        command += [f"--{name}", str(file)]
    for wrong in (MEAN + "at_mots = 0.6", MEAN.replace("mean_error", "mean_eror") + "at_most = 0.6"):
        policy(tmp_path, MEAN + "at_most = 0.6")
        assert called_wide(monkeypatch, *command) == 0
        assert all(file.exists() for file in files)
        policy(tmp_path, wrong)
        assert called_wide(monkeypatch, *command) == 2
        assert [file.exists() for file in files] == [False, False, True]
    assert called_wide(monkeypatch, *command) == 2, "also where they are gone already"
    policy(tmp_path, MEAN + "at_most = 0.6")
    without = [*command[:2], *command[4:]]
    for wrong_options in (without, [*command, "--against", "runs/main"]):
        assert called_wide(monkeypatch, *command) == 0
        assert called_wide(monkeypatch, *wrong_options) == 2
        assert [file.exists() for file in files] == [False, False, True]


def test_a_verdict_says_against_what_of_which_class_and_of_what_more_images_are_needed(tmp_path: Path) -> None:
    classes = DataIdentity("photos", "f00d00", 100, num_classes=10, classes=tuple("abcdefghij"))
    right = np.arange(100) % 4 != 1
    right[1:30] = True  # class b is right in a part
    for folder in ("new", "main"):
        stored(tmp_path / folder, "m", right[:, None], data=classes)
    one = 'benchmark = "imagenet-val"\n'
    against = f'against = "{tmp_path / "main"}"\n'
    found = hardiness.gate(
        tmp_path / "new",
        policy(
            tmp_path,
            one + f'metric = "agreement"\n{against}at_least = 0.98',
            one + f'metric = "negative_flips"\n{against}at_most = 0.001',
            one + 'metric = "worst_class"\nat_least = 0.3',
            one + 'metric = "error"\nwhere = { class = "b" }\nat_most = 0.6',
            one + 'metric = "top1"\nat_least = 0.8',
            one + f'name = "vs main"\nmetric = "agreement"\n{against}at_least = 0.98',
            one + 'name = "each class"\nmetric = "worst_class"\nat_least = 0.3',
            one + f'metric = "positive_flips"\n{against}at_most = 0.5\nagainst_model = "nobody"',
        ),
    )
    agreement, flips, worst, of_class, top1, *named, absent = found.verdicts
    assert [each.metric for each in named] == [f"vs main, against {tmp_path / 'main'}", "each class (b)"]
    assert (absent.outcome, absent.metric) == ("missing", f"positive flips, against {tmp_path / 'main'}")
    assert agreement.metric == f"agreement, against {tmp_path / 'main'}"
    assert flips.metric == f"negative flips, against {tmp_path / 'main'}"
    assert (worst.metric, worst.which_interval) == ("worst class (b)", "plain 95 %, exact")
    assert [each.images_of for each in (worst, of_class, top1)] == ["class b", "class b", "photos"]
    assert [each.outcome for each in (worst, of_class, top1)] == ["cannot tell"] * 3
    notes = gate_view(found).notes
    from_on = f"{of_class.more_low:,} or more, none if it is the limit"
    about = f"about {of_class.more:,} images more of class b decide with 80 % chance"
    assert any(f"{about} (were the true value known: {from_on})" in note for note in notes)
    assert any("images more of photos decide with 80 % chance" in note for note in notes)


KEPT = """
import sys
from contextlib import suppress
from hardiness.cli.main import main
sys.argv = ["hardiness", "gate", *sys.argv[1:]]
with suppress(SystemExit):
    main()
slow = {"torch", "scipy.stats", "scipy.optimize", "pyarrow", "PIL.Image", "jinja2", "filelock", "numba"}
print("loaded", *sorted(slow & set(sys.modules)))
"""


@pytest.mark.slow
def test_a_gate_on_kept_results_loads_nothing_that_is_slow_to_load(tmp_path: Path) -> None:
    """But for scipy's special functions, by which intervals of every level are made: a fifth of a second."""
    stored(tmp_path / "out", "m", answers(0.4))
    stored(tmp_path / "main", "m", answers(0.3, seed=1))
    rules = policy(tmp_path, MEAN + "at_most = 0.4", AGAINST.format(tmp_path / "main"))
    first = hardiness.gate(tmp_path / "out", rules)
    command = [sys.executable, "-c", KEPT, str(tmp_path / "out"), "--policy", rules]
    told = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "COLUMNS": "200"})
    assert told.stdout.splitlines()[-1].split() == ["loaded"]
    assert all(verdict.outcome in told.stdout for verdict in first.verdicts)


@pytest.mark.slow
def test_a_first_policy_is_passed_and_is_not_written_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    stored(tmp_path / "out", "a", answers(0.4))
    stored(tmp_path / "out", "b", answers(0.2, cells=1))
    stored(tmp_path / "main", "a", answers(0.4))
    stored(tmp_path / "main", "b", answers(0.2, cells=1))
    out, file = str(tmp_path / "out"), str(tmp_path / "first.toml")
    assert called_wide(monkeypatch, "gate", out, "--write-policy", file) == 0
    assert called_wide(monkeypatch, "gate", out, "--policy", file) == 0
    assert called_wide(monkeypatch, "gate", out, "--write-policy", file) == 2
    assert "is there already" in capsys.readouterr().err
    typed = tmp_path / "typed.toml"
    assert called_wide(monkeypatch, "gate", out, "--write-policy", str(typed), "--against", str(tmp_path / "mian")) == 2
    assert f"{tmp_path / 'mian'} holds no records/ folder" in capsys.readouterr().err
    assert not typed.exists()
    second = str(tmp_path / "second.toml")
    assert called_wide(monkeypatch, "gate", out, "--write-policy", second, "--against", str(tmp_path / "main")) == 0
    capsys.readouterr()
    assert called_wide(monkeypatch, "gate", out, "--policy", second, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert {each["rule"]["kind"] for each in found["verdicts"]} == {"at_most", "at_least", "worse_by_at_most"}
    worse = [each["rule"]["limit"] for each in found["verdicts"] if each["rule"]["kind"] == "worse_by_at_most"]
    assert min(worse) > 0.01, "200 images do not tell a point"


def asked(out: Path, weights: str, started: str, rows: int = 1, **more: Any) -> str:
    """Keep a session of the run of these weights; the run's key."""
    (run,) = (each for each in Store.open(out).runs() if each.run.model.weights_sha256 == weights)
    run.add_measured(session_of(rows, f"2026-11-{started}+00:00", **more))
    return run.key


def test_a_network_that_was_refused_passes_by_no_metric_although_rows_are_stored(tmp_path: Path) -> None:
    out, before = tmp_path / "out", tmp_path / "before"
    for folder in (out, before):
        stored(folder, "a", answers(0.0, cells=1), model=ModelIdentity("a", "ab"))
    rules = [
        'benchmark = "imagenet-val"\nmetric = "top1"\nat_least = 0.5',
        'benchmark = "imagenet-val"\nmetric = "error"\nat_most = 0.5',
        'benchmark = "imagenet-val"\nmetric = "headline"\nat_least = 0.5',
        f'benchmark = "imagenet-val"\nmetric = "negative_flips"\nat_most = 0.5\nagainst = "{before}"',
        f'benchmark = "imagenet-val"\nmetric = "top1"\nworse_by_at_most = 0.5\nagainst = "{before}"',
    ]
    text = "".join(f"[[rules]]\n{rule}\n" for rule in rules)
    assert hardiness.gate(out, text).outcome == "pass"
    asked(out, "ab", "28T10:00:00", refused="logits are NaN")
    refused = hardiness.gate(out, text)
    reasons = {(each.outcome, why(each.missing)) for each in refused.verdicts}
    assert reasons == {("missing", "the network was refused: logits are NaN")}
    with pytest.raises(ArgumentError, match="a: no rule, since the network was refused: logits are NaN"):
        first_policy(Store.open(out))
    asked(out, "ab", "29T10:00:00")
    assert hardiness.gate(out, text).outcome == "pass", "the next session ran it"
    asked(before, "ab", "28T10:00:00", refused="logits are NaN")
    against = [each for each in hardiness.gate(out, text).verdicts if each.rule.against]
    assert [each.outcome for each in against] == ["missing", "missing"]
    assert {why(each.missing) for each in against} == {"the baseline's number: the network was refused: logits are NaN"}


def test_the_headline_of_a_run_in_which_nothing_was_evaluated_is_missing_and_the_policy_is_not_wrong(
    tmp_path: Path,
) -> None:
    begun = Run(ModelIdentity("a"), BenchmarkIdentity("imagenet-val", "classification"), conditions=CELLS[:1])
    Store.create(tmp_path).run(begun, Plan(whole=(0,)))
    for benchmark in ("imagenet-val", "*"):
        rule = f'[[rules]]\nbenchmark = "{benchmark}"\nmetric = "headline"\nat_least = 0.5\n'
        (verdict,) = hardiness.gate(tmp_path, rule).verdicts
        assert (verdict.outcome, why(verdict.missing)) == ("missing", "no picture was evaluated")


@pytest.mark.slow
def test_a_folder_passes_its_first_policy_also_after_an_interruption_and_with_a_broken_model(tmp_path: Path) -> None:
    out = tmp_path / "out"
    stored(out, "a", answers(0.4))
    stored(out, "a", answers(0.3, cells=1))
    stored(out, "cut", answers(0.2, n=100), data=DataIdentity("imagenet", "f00d00", 200))
    asked(out, "cut", "28T10:00:00")
    broken = Run(
        ModelIdentity("broken", "broken"),
        BenchmarkIdentity("imagenet-val", "classification"),
        DataIdentity("imagenet", "f00d00", 200),
        conditions=CELLS[:1],
    )
    Store.create(out).run(broken, Plan(whole=(0,)))
    text = first_policy(Store.open(out))
    assert "# imagenet-c, cut: no rule, since partial: 100 of 200 images were evaluated" in text
    assert "# imagenet-val, broken: no rule, since nothing was evaluated" in text
    found = hardiness.gate(out, text)
    assert [(each.model, each.benchmark, each.outcome) for each in found.verdicts] == [
        ("a", "imagenet-c", "pass"),
        ("a", "imagenet-val", "pass"),
    ]


def test_limits_of_a_first_policy_are_of_the_model_that_is_named(tmp_path: Path) -> None:
    for name, error in (("good", 0.1), ("bad", 0.6)):
        stored(tmp_path / "out", name, answers(error, cells=1))
    text = first_policy(Store.open(tmp_path / "out"))
    found = hardiness.gate(tmp_path / "out", text)
    assert {each.model: each.outcome for each in found.verdicts} == {"good": "pass", "bad": "pass"}
    limits = {each.model: each.rule.limit for each in found.verdicts}
    assert limits["bad"] < 0.45 < 0.75 < limits["good"]
    alone = first_policy(Store.open(tmp_path / "out")).count("model =")
    assert alone == 2
    stored(tmp_path / "one", "good", answers(0.1, cells=1))
    assert "model =" not in first_policy(Store.open(tmp_path / "one")), "the next one may be called otherwise"


def test_a_written_policy_is_passed_by_new_models_that_are_as_good_in_nine_of_ten_cases(tmp_path: Path) -> None:
    """Their hits are drawn of what today's leave possible; before, each of the five passed its rule in one of two."""
    right = {"a": 160, "b": 150, "c": 190, "d": 120, "e": 199}
    for name, hits in right.items():
        stored(tmp_path / "out", name, (np.arange(200) < hits)[:, None])
    text = first_policy(Store.open(tmp_path / "out"))
    chance = 1.0
    for rule in parse_policy(text).rules:
        passes = np.array([clopper_pearson(hits, 200).low >= rule.limit for hits in range(201)])
        today = right[rule.model]
        chance *= float(betabinom.pmf(np.arange(201), 200, today + 0.5, 200 - today + 0.5)[passes].sum())
        assert f"now {today / 200:.4f}; margin {today / 200 - rule.limit:.4f}" in text
    assert 0.9 <= chance <= 0.96
    assert "90 % of cases" in text


def test_of_so_few_images_that_equal_models_may_have_anything_the_policy_says_that_all_pass(tmp_path: Path) -> None:
    stored(tmp_path / "out", "a", np.ones((2, 1), bool))
    text = first_policy(Store.open(tmp_path / "out"), str(tmp_path / "out"))
    assert "# Every model passes it: 2 images cannot tell an equal model from a worse one. Evaluate more." in text
    assert "worse_by_at_most = 0.9984" in text, "two images on which no two models differ leave as much open"
    found = hardiness.gate(tmp_path / "out", text)
    assert found.outcome == "pass"
    limits = {(each.rule.metric, each.rule.kind): each.rule.limit for each in found.verdicts}
    assert limits == {
        ("top1", "at_least"): 0.0,
        ("top1", "worse_by_at_most"): 0.9984,
        ("negative_flips", "at_most"): 1.0,
    }


@pytest.mark.slow
def test_a_first_policy_has_rules_against_a_baseline_only_where_they_can_match(tmp_path: Path) -> None:
    out, main = tmp_path / "runs" / "out", tmp_path / "runs" / "main"
    stored(out, "a", answers(0.4))
    stored(out, "a", answers(0.3, cells=1))
    stored(out, "only here", answers(0.3, cells=1, seed=2))
    stored(main, "a", answers(0.4))
    stored(main, "a", answers(0.3, cells=1), seed=1)
    text = first_policy(Store.open(out), str(main))
    assert "# imagenet-val, a: the baseline" in text
    assert "differs in seed (0 here, 1 there)" in text
    found = hardiness.gate(out, text)
    assert "missing" not in {each.outcome for each in found.verdicts}
    held = [each for each in found.verdicts if each.rule.against]
    assert [(each.rule.metric, each.model) for each in held] == [("mce_partial", "a"), ("negative_flips", "a")]


def test_only_relative_paths_are_relative_to_the_policy() -> None:
    held = Policy((), folder="ci/gate")
    for address in ("/runs/main", "s3://bucket/main"):
        assert held.address_of(address) == address
    assert held.address_of("../../runs/main") == "runs/main"
    assert Policy(()).address_of("runs/main") == "runs/main"


def test_a_baseline_is_looked_for_beside_the_policy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("runs/out", "runs/main"):
        stored(Path(folder), "m", answers(0.4))
    Path("ci").mkdir()
    command = ("gate", "runs/out", "--write-policy", "ci/policy.toml", "--against", "runs/main")
    assert called_wide(monkeypatch, *command) == 0
    assert 'against = "../runs/main"' in Path("ci/policy.toml").read_text()
    for folder in (tmp_path, tmp_path / "ci"):
        monkeypatch.chdir(folder)
        given = ("gate", str(tmp_path / "runs/out"), "--policy", os.path.relpath(tmp_path / "ci/policy.toml"), "--json")
        capsys.readouterr()
        called_wide(monkeypatch, *given)
        found = json.loads(capsys.readouterr().out)
        assert [each["outcome"] for each in found["verdicts"] if each["rule"]["against"]] == ["pass", "pass"]


@pytest.mark.parametrize("right", [True, False])
def test_a_first_policy_of_a_single_image_is_passed_too(right: bool, tmp_path: Path) -> None:
    stored(tmp_path / "out", "a", np.full((1, 1), right))
    text = first_policy(Store.open(tmp_path / "out"))
    assert hardiness.gate(tmp_path / "out", text).outcome == "pass"


@pytest.mark.slow
def test_the_outputs_say_the_same_and_the_page_shows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    stored(tmp_path / "out", "m", answers(0.4))
    rules = policy(tmp_path, *(MEAN + f"at_most = {limit}" for limit in (0.6, 0.4, 0.2)))
    files = {name: str(tmp_path / name) for name in ("summary.md", "comment.md", "junit.xml")}
    Path(files["summary.md"]).write_text("# before\n")
    written = [word for name, file in files.items() for word in (f"--{name.partition('.')[0]}", file)]
    status = called_wide(monkeypatch, "gate", str(tmp_path / "out"), "--policy", rules, "--annotations", *written)
    printed = capsys.readouterr().out
    assert status == 3
    assert "fail (1 fail, 1 cannot tell, 1 pass)" in " ".join(printed.split())
    assert len(re.findall(r"^::error title=", printed, re.MULTILINE)) == 2
    summary, comment = (Path(files[name]).read_text("utf-8") for name in ("summary.md", "comment.md"))
    assert summary.startswith("# before\n### ❌")
    assert comment.index("❌ fail |") < comment.index("❔ cannot tell |") < comment.index("<details>")
    read = junitparser.JUnitXml.fromfile(files["junit.xml"])
    (suite,) = read
    assert (suite.name, suite.tests, suite.failures, suite.errors, suite.skipped) == ("imagenet-c", 3, 2, 0, 0)
    cases = list(suite)
    assert [[type(each).__name__ for each in case.result] for case in cases] == [[], ["Failure"], ["Failure"]]
    assert cases[1].result[0].type == "undecided"
    assert "must be at most 20.00 %" in cases[2].result[0].text
    assert cases[2].classname == "imagenet-c.m"
    assert called_wide(monkeypatch, "report", str(tmp_path / "out"), "--no-images") == 0
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "Is it good enough?" in page
    assert "fail (1 fail, 1 cannot tell, 1 pass)" in page
    assert "rows have changed since" not in page
    stored(tmp_path / "out", "later", answers(0.4))
    assert called_wide(monkeypatch, "report", str(tmp_path / "out"), "--no-images") == 0
    assert "rows have changed since" in (tmp_path / "out" / "report.html").read_text("utf-8")


def many(count: int, outcome: str = "fail", name: str = "m", undecided: str = "fail") -> Gate:
    rule = Rule(1, "imagenet-c", "mean_error", "at_most", 0.1)
    verdict = GateVerdict(
        rule, name, "imagenet-c", "imagenet", outcome, "mean error", missing=error_of(ArgumentError("why"))
    )  # type: ignore[arg-type]
    passed = replace(verdict, outcome="pass", value=0.05)
    return Gate((passed, *(replace(verdict, model=f"{name}{k}") for k in range(count))), undecided)


def test_a_difference_of_shares_is_in_points() -> None:
    """A percent of 60 % is not a point."""
    (_, some) = many(1).verdicts
    worse = replace(
        some, rule=replace(some.rule, kind="worse_by_at_most", limit=0.01), unit="fraction", value=0.196, n=9
    )
    view = gate_view(Gate((replace(worse, interval=Interval(0.0911, 0.2975)),)))
    assert view.rows[0][4:7] == (
        "19.60 points",
        f"9.11 … 29.75\n{worse.which_interval}",
        "worse by at most 1.00 points",
    )
    assert "is 19.60 points (9.11 … 29.75, " in view.notes[0]
    assert "must be worse by at most 1.00 points, n = 9" in view.notes[0]
    nats = gate_view(Gate((replace(worse, unit="nats", interval=Interval(0.1, 0.3)),)))
    assert nats.rows[0][4] == "0.196"


def test_long_outputs_stay_within_what_github_takes() -> None:
    gate = many(20_000, name="ä" * 60)
    summary, comment = gate_markdown(gate, SUMMARY_MOST), gate_markdown(gate, COMMENT_MOST, of_bytes=False)
    assert 900_000 < len(summary.encode()) < 1024 * 1024
    assert 60_000 < len(comment) < 65_536
    for text in (summary, comment):
        shown = text.count("| ❌ fail |")
        left = int(re.findall(r"([\d,]+) more verdicts have no room", text)[0].replace(",", ""))
        assert shown + left == 20_001, "what is left out is counted, the pass too"
    lines = annotation_lines(gate)
    assert len(lines) == 10
    assert "19991 more" in lines[-1]


def test_names_cannot_break_out_of_any_output() -> None:
    name = 'x|<b>`*%\n::error::,:&"\x1b[31m]]>\x9b31m\u202etxt'
    gate = many(1, name=name)
    text = gate_markdown(gate, SUMMARY_MOST)
    assert "<b>" not in text
    for output in (text, gate_markdown(gate, COMMENT_MOST, of_bytes=False), junit(gate)):
        assert not {"\x1b", "\x9b", "\u202e"} & set(output)
    assert r"\\x9b31m\\u202etxt" in text
    (row,) = (line for line in text.splitlines() if "❌ fail" in line and line.startswith("|"))
    assert len(re.findall(r"(?<!\\)\|", row)) == 10
    (line,) = annotation_lines(gate)
    assert "\n" not in line
    assert "%0A" in line
    assert "%25" in line
    read = junitparser.JUnitXml.fromstring(junit(gate).encode())
    assert read.tests == 2
    assert read.failures == 1


def test_where_it_only_warns_what_cannot_be_told_is_skipped_and_a_warning() -> None:
    gate = many(1, "cannot tell", undecided="warn")
    read = junitparser.JUnitXml.fromstring(junit(gate).encode())
    assert (read.failures, read.skipped) == (0, 1)
    assert [line[:9] for line in annotation_lines(gate)] == ["::warning"]
    missing = junitparser.JUnitXml.fromstring(junit(many(1, "missing")).encode())
    assert (missing.failures, missing.errors) == (0, 1)
