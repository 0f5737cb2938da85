"""Rules on slices of the pictures: one value, each value, a value that new data lack, with a baseline and clusters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sliced_runs import columns_of, stored

import hardiness
from hardiness.core.errors import ArgumentError
from hardiness.report.words import line as said
from hardiness.report.words import text as why
from hardiness.results.folder import Folder
from hardiness.results.gate import GateVerdict
from hardiness.results.policy import parse_policy
from hardiness.results.policy_watch import PolicyWatch
from hardiness.statistics.intervals import clopper_pearson

TOP1 = 'benchmark = "imagenet-val"\nmetric = "top1"\n'
SITES = ["A"] * 150 + ["B"] * 100 + ["C"] * 50


def right(a: float, b: float, c: float) -> np.ndarray:
    shares = [(a, 150), (b, 100), (c, 50)]
    return np.concatenate([np.arange(n) < round(share * n) for share, n in shares])[:, None]


def verdicts(out: Path, rule: str, columns: Any = None, **more: Any) -> list[GateVerdict]:
    columns = columns_of(300, site=SITES) if columns is None else columns
    return list(hardiness.gate(out, f"[[rules]]\n{rule}\n", columns=columns, **more).verdicts)


def test_a_rule_on_a_site_is_judged_on_its_pictures_by_the_exact_interval(tmp_path: Path) -> None:
    stored(tmp_path, right(0.9, 0.6, 0.9))
    (verdict,) = verdicts(tmp_path, TOP1 + 'at_least = 0.69\nwhere = { slice = { site = "B" } }')
    exact = clopper_pearson(60, 100)
    assert (verdict.outcome, verdict.value, verdict.n) == ("cannot tell", 0.6, 100)
    assert (verdict.interval.low, verdict.interval.high) == pytest.approx((exact.low, exact.high))
    assert verdict.exact
    assert verdict.images_of == "site B"
    assert verdict.rule.slice_text == "site B"
    assert verdict.metric == "top-1 (site B)"
    (failed,) = verdicts(tmp_path, TOP1 + 'at_least = 0.75\nwhere = { slice = { site = "B" } }')
    assert failed.outcome == "fail"


def test_each_value_has_a_verdict_and_a_fail_needs_holms_interval_over_the_values(tmp_path: Path) -> None:
    stored(tmp_path, right(0.9, 0.62, 0.9))
    judged = {each.images_of: each for each in verdicts(tmp_path, TOP1 + 'at_least = 0.72\neach = "site"')}
    assert set(judged) == {"site A", "site B", "site C"}
    # By itself site B would fail: its plain 95 % interval ends below the limit, and that over three values does not.
    assert clopper_pearson(62, 100).high < 0.72 < clopper_pearson(62, 100, 1 - 0.05 / 3).high
    assert judged["site B"].outcome == "cannot tell"
    assert judged["site B"].family == 3
    assert (judged["site A"].outcome, judged["site A"].family) == ("pass", 1)
    (alone,) = verdicts(tmp_path, TOP1 + 'at_least = 0.72\nwhere = { slice = { site = "B" } }')
    assert alone.outcome == "fail"


def test_a_slice_that_new_data_lack_is_missing_and_names_the_nearest(tmp_path: Path) -> None:
    stored(tmp_path, right(0.9, 0.6, 0.9))
    (verdict,) = verdicts(tmp_path, TOP1 + 'at_least = 0.5\nwhere = { slice = { site = "b" } }')
    assert verdict.outcome == "missing"
    assert why(verdict.missing).startswith("no picture with site 'b'")
    assert "B" in why(verdict.missing)


def test_a_value_that_the_baseline_had_is_missing_too(tmp_path: Path) -> None:
    out, base = tmp_path / "new", tmp_path / "old"
    stored(out, right(0.9, 0.6, 0.9))
    store = stored(base, right(0.9, 0.6, 0.9))
    rule = TOP1 + f'worse_by_at_most = 0.1\nagainst = "{base}"\neach = "site"'
    seen = {each.images_of: each.outcome for each in verdicts(out, rule)}
    assert seen == {"site A": "pass", "site B": "pass", "site C": "pass"}
    # Of new pictures none is known to be of C, and of the baseline's some are.
    store.runs()[0].keep_picture_columns(columns_of(300, site=SITES))
    judged = {each.images_of: each for each in verdicts(out, rule, columns_of(250, site=SITES[:250]))}
    assert {name: each.outcome for name, each in judged.items()} == {
        "site A": "pass", "site B": "pass", "site C": "missing",
    }  # fmt: skip
    assert why(judged["site C"].missing) == "no picture with site 'C'; known: A, B"


def test_a_baseline_must_say_of_a_shared_picture_what_the_new_run_says(tmp_path: Path) -> None:
    out, base = tmp_path / "new", tmp_path / "old"
    stored(out, right(0.9, 0.6, 0.9))
    stored(base, right(0.9, 0.6, 0.9)).runs()[0].keep_picture_columns(columns_of(300, site=["B", *SITES[1:]]))
    difference = TOP1 + "worse_by_at_most = 0.1\n"
    flips = 'benchmark = "imagenet-val"\nmetric = "negative_flips"\nat_most = 0.3\n'
    for rule in (difference, flips):
        (verdict,) = verdicts(out, f'{rule}against = "{base}"\nwhere = {{ slice = {{ site = "B" }} }}')
        assert (verdict.outcome, why(verdict.missing)) == (
            "missing", f"the baseline {base} has another site of 1 picture (n/0000): each must have one in both",
        )  # fmt: skip


def test_worse_than_a_baseline_at_a_site_is_a_difference_of_its_pictures(tmp_path: Path) -> None:
    out, base = tmp_path / "new", tmp_path / "old"
    stored(out, right(1.0, 0.4, 0.9))
    stored(base, right(0.8, 0.9, 0.9))
    rule = TOP1 + f'worse_by_at_most = 0.05\nagainst = "{base}"\n'
    (everywhere,) = verdicts(out, rule)
    (at_b,) = verdicts(out, rule + 'where = { slice = { site = "B" } }')
    assert (everywhere.outcome, at_b.outcome) != ("fail", "pass")
    assert at_b.outcome == "fail"
    assert at_b.value == pytest.approx(0.5)
    assert at_b.n == 100


def test_flips_at_a_site_are_those_of_its_pictures(tmp_path: Path) -> None:
    out, base = tmp_path / "new", tmp_path / "old"
    stored(out, right(1.0, 0.4, 0.9))
    stored(base, right(0.8, 0.9, 0.9))
    rule = f'benchmark = "imagenet-val"\nmetric = "negative_flips"\nat_most = 0.3\nagainst = "{base}"\n'
    (at_b,) = verdicts(out, rule + 'where = { slice = { site = "B" } }')
    assert (at_b.outcome, at_b.value, at_b.n) == ("fail", 0.5, 100)


def test_other_scores_of_a_slice_have_evidence_too(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    stored(tmp_path, generator.random((300, 1)) < 0.6)
    columns = columns_of(300, half=["x"] * 250 + ["y"] * 50)
    rule = 'benchmark = "imagenet-val"\nmetric = "{}"\n{} = {}\nwhere = {{ slice = {{ half = "x" }}{} }}'
    calibration = ', protocol = "hendrycks2019"'
    (verdict,) = verdicts(tmp_path, rule.format("rms_calibration_error", "at_most", 0.9, calibration), columns)
    assert (verdict.outcome, verdict.n) == ("pass", 250)
    (aurra,) = verdicts(tmp_path, rule.format("aurra", "at_least", 0.2, ""), columns)
    assert (aurra.outcome, aurra.n) == ("pass", 250)
    corrupted = tmp_path / "c"
    stored(corrupted, generator.random((300, 76)) < 0.6)
    mce = rule.replace("imagenet-val", "imagenet-c").format("mce", "at_most", 0.9, "")
    (mce_verdict,) = verdicts(corrupted, mce, columns)
    assert mce_verdict.outcome == "pass"
    fog = rule.replace("imagenet-val", "imagenet-c").format("error", "at_most", 0.9, ', corruption = "fog"')
    (of_fog,) = verdicts(corrupted, fog, columns)
    assert (of_fog.outcome, of_fog.n) == ("pass", 250)


def test_with_a_cluster_pictures_of_one_patient_are_no_evidence_of_their_own(tmp_path: Path) -> None:
    patients = np.repeat(np.arange(60), 5)
    stored(tmp_path, (np.random.default_rng(0).random(60) < 0.8)[patients][:, None])
    columns = columns_of(300, site=["A"] * 150 + ["B"] * 150, patient=[f"p{p}" for p in patients])
    rule = TOP1 + 'at_least = 0.5\nwhere = { slice = { site = "A" } }'
    (plain,), (clustered,) = verdicts(tmp_path, rule, columns), verdicts(tmp_path, rule, columns, cluster="patient")
    widths = [each.interval.high - each.interval.low for each in (plain, clustered)]
    assert widths[1] > 1.8 * widths[0]
    few = columns_of(300, site=["A"] * 100 + ["B"] * 200, patient=[f"p{p}" for p in patients])
    gate = hardiness.gate(tmp_path, f"[[rules]]\n{rule}\n", columns=few, cluster="patient")
    assert said(gate.remarks[0]).startswith("net on imagenet-val, site A: 20 clusters by patient: with fewer than 30 ")


def test_a_column_that_is_not_there_is_an_error_with_the_nearest_name(tmp_path: Path) -> None:
    stored(tmp_path, right(0.9, 0.6, 0.9))
    for rule in ('where = { slice = { sit = "B" } }', 'each = "sit"'):
        with pytest.raises(ArgumentError, match=r"'sit' matches nothing.*site"):
            verdicts(tmp_path, TOP1 + "at_least = 0.5\n" + rule)


def test_slices_of_the_gate_add_a_verdict_for_each_value_to_rules_on_all_pictures(tmp_path: Path) -> None:
    stored(tmp_path, right(0.9, 0.6, 0.9))
    rules = f"""
    [[rules]]
    {TOP1.strip()}
    at_least = 0.7
    [[rules]]
    {TOP1.strip()}
    at_least = 0.5
    where = {{ slice = {{ site = "B" }} }}
    """
    columns = columns_of(300, site=SITES)
    by_option = hardiness.gate(tmp_path, rules, columns=columns, slices="site").verdicts
    by_policy = hardiness.gate(tmp_path, f'{rules}\n[policy]\nslice = "site"\n', columns=columns).verdicts
    images = [(each.rule.number, each.images_of) for each in by_option]
    assert images == [(1, "imagenet"), (1, "site A"), (1, "site B"), (1, "site C"), (2, "site B")]
    assert [each.outcome for each in by_policy] == [each.outcome for each in by_option]
    with pytest.raises(ArgumentError, match="slice must be a column or several"):
        parse_policy(f"[[rules]]\n{TOP1}at_least = 0.5\n[policy]\nslice = 3\n")


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ('where = { slice = "B" }', "slice of where must be a table of columns and values"),
        ("each = 3", "each must be a text"),
        ('each = "site"\nwhere = { slice = { site = "B" } }', "leave one of them out"),
    ],
)
def test_a_rule_that_cannot_be_says_how_it_reads(rule: str, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        parse_policy(f"[[rules]]\n{TOP1}at_least = 0.5\n{rule}\n")


@pytest.mark.parametrize("settings", ['each = "site"', '[policy]\nslice = "site"'])
def test_no_look_at_a_part_of_the_pictures_decides_a_rule_on_slices(settings: str, tmp_path: Path) -> None:
    store = stored(tmp_path, right(0.9, 0.6, 0.9))
    policy = parse_policy(f"[[rules]]\n{TOP1}at_least = 0.5\n{settings}\n")
    runs = Folder.open(store).alone
    look = PolicyWatch(policy, store).look([(run, run.table) for run in runs])
    assert look.whole
    assert "a rule on slices is judged on all of the pictures" in said(look.remarks[0])
