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

import hardiness
from hardiness.core import (
    ArgumentError,
    BenchmarkIdentity,
    Condition,
    DataIdentity,
    Failure,
    ImageTable,
    Interval,
    ModelIdentity,
    Plan,
    Records,
    Run,
    View,
)
from hardiness.reference import class_name
from hardiness.report import COMMENT_MOST, SUMMARY_MOST, annotation_lines, gate_markdown, gate_view, junit
from hardiness.results import Gate, GateVerdict, first_policy, published_results
from hardiness.results.gate import _MissingError, _part, _require_standing
from hardiness.results.policy import Rule
from hardiness.store import Store

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


def test_where_a_picture_failed_a_score_of_all_is_missing_and_says_so(tmp_path: Path) -> None:
    stored(tmp_path, "m", answers(0.4), failed=1)
    rule = 'benchmark = "imagenet-c"\nmetric = "{}"\nat_most = 5.0'
    (verdict,) = hardiness.gate(tmp_path, policy(tmp_path, rule.format("mce"))).verdicts
    assert verdict.outcome == "missing"
    assert "(failed images: 1)" in verdict.reason
    assert "mce_partial" in verdict.reason
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
    assert _part(table, Condition(**{"class": "crane"}), run).rows.tolist() == [True, True, False, True, True]


@pytest.mark.slow
def test_a_number_that_nobody_stands_by_is_missing_whatever_the_rule() -> None:
    (result,) = [each for each in published_results() if each.benchmark == "whitebox"][:1]
    score = replace(result.scores[0], doubt="withdrawn")
    with pytest.raises(_MissingError, match="withdrawn: the report on the attack does not stand by the number"):
        _require_standing(result, score)
    with pytest.raises(_MissingError, match="undefined: too few"):
        _require_standing(result, replace(result.scores[0], value=None, reason="too few"))
    _require_standing(result, result.scores[0])


def test_a_rule_speaks_of_every_model_unless_it_says_which(tmp_path: Path) -> None:
    stored(tmp_path, "a", answers(0.4))
    stored(tmp_path, "b", answers(0.2, seed=1))
    stored(tmp_path, "c", answers(0.2, seed=2, cells=1))
    found = hardiness.gate(tmp_path, policy(tmp_path, MEAN + "at_most = 0.3", MEAN + 'at_most = 0.5\nmodel = "a"'))
    told = [(verdict.model, verdict.outcome) for verdict in found.verdicts]
    assert told == [("a", "fail"), ("b", "pass"), ("c", "missing"), ("a", "pass")]
    assert "no run of imagenet-c" in found.verdicts[2].reason


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
        (f"[[rules]]\n{MEAN}", "rule 1: must have one of at_most, at_least, worse_by_at_most, had none"),
        (f"[[rules]]\n{MEAN}at_most = 1\nat_least = 0", "had at_most and at_least"),
        (f"[[rules]]\n{MEAN}at_most = true", "at_most must be a number, was True"),
        (f"[[rules]]\n{MEAN}at_most = nan", "at_most must be a number, was nan"),
        (f"[[rules]]\n{MEAN}worse_by_at_most = 0.1", "needs against"),
        (f'[[rules]]\n{MEAN}at_most = 0.1\nagainst = "x"', "against goes with worse_by_at_most"),
        (f'[[rules]]\n{MEAN}worse_by_at_most = -1\nagainst = "x"', "must be at least 0, was -1"),
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
            ArgumentError, match=r"rule 1: \w+ must be a share, as 0.01 for one point, .* was \d+, which"
        ):
            hardiness.gate(tmp_path / "new", policy(tmp_path, rule))
    ratio = policy(tmp_path, 'benchmark = "imagenet-c"\nmetric = "headline"\nat_most = 9')
    assert hardiness.gate(tmp_path / "new", ratio).outcome == "pass", "mCE is no share"


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
    assert "fp32" in verdict.reason
    assert "against_model" in verdict.reason
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
        "class order": {"model": ModelIdentity("m", "m", outputs_sha256="abcdef0")},
        "protocol (none here, another there)": {"benchmark": card},
        "seed (0 here, 1 there)": {"seed": 1},
    }
    stored(tmp_path / "one", "m", right)
    for number, (told, changed) in enumerate(changes.items()):
        stored(tmp_path / f"base{number}", "m", right, **changed)
        found = hardiness.gate(tmp_path / "one", policy(tmp_path, AGAINST.format(tmp_path / f"base{number}")))
        assert (found.outcome, found.exit_status) == ("missing", 1)
        assert told in found.verdicts[0].reason


def test_an_export_that_normalises_itself_is_held_against_the_network_that_does_not(tmp_path: Path) -> None:
    bytes_in = View(mean=(0.0,) * 3, std=(1.0,) * 3, range="0..255")
    for name, view in {"bytes": bytes_in, "cropped": replace(bytes_in, crop_px=288)}.items():
        stored(tmp_path / name, "m", answers(0.4, n=60), model=ModelIdentity("m", "m", view))
    stored(tmp_path / "main", "m", answers(0.4, n=60))
    rule = AGAINST.format(tmp_path / "main")
    assert hardiness.gate(tmp_path / "bytes", policy(tmp_path, rule)).outcome != "missing"
    (verdict,) = hardiness.gate(tmp_path / "cropped", policy(tmp_path, rule)).verdicts
    assert verdict.outcome == "missing"
    assert "view crop_px (288 here, 224 there)" in verdict.reason
    assert "view mean" not in verdict.reason


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
        Store.create(out).run(run.run, Plan(whole=tuple(range(7)))).add_measured({"asked": {"model": typed}})
        (verdict,) = hardiness.gate(out, policy(tmp_path, rule)).verdicts
        assert (verdict.outcome == "missing") == (outcome == "missing"), verdict.reason
        if outcome == "missing":
            assert "view mean (0.0/0.0/0.0 here, 0.485/0.456/0.406 there)" in verdict.reason


KEPT = """
import sys
from contextlib import suppress
from hardiness.cli import main
sys.argv = ["hardiness", "gate", *sys.argv[1:]]
with suppress(SystemExit):
    main()
print("loaded", *sorted({"torch", "scipy", "pyarrow", "PIL.Image", "jinja2", "filelock", "numba"} & set(sys.modules)))
"""


@pytest.mark.slow
def test_a_gate_on_kept_results_loads_nothing_that_is_slow_to_load(tmp_path: Path) -> None:
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
    second = str(tmp_path / "second.toml")
    assert called_wide(monkeypatch, "gate", out, "--write-policy", second, "--against", str(tmp_path / "main")) == 0
    capsys.readouterr()
    assert called_wide(monkeypatch, "gate", out, "--policy", second, "--json") == 4, "200 images do not tell a point"
    found = json.loads(capsys.readouterr().out)
    assert {each["rule"]["kind"] for each in found["verdicts"]} == {"at_most", "at_least", "worse_by_at_most"}


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
    verdict = GateVerdict(rule, name, "imagenet-c", "imagenet", outcome, "mean error", reason="why")  # type: ignore[arg-type]
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
    name = 'x|<b>`*%\n::error::,:&"\x1b[31m]]>'
    gate = many(1, name=name)
    text = gate_markdown(gate, SUMMARY_MOST)
    assert "<b>" not in text
    assert "\x1b" not in text
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
