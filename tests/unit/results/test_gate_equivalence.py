"""Rules that ask whether a run is equivalent to a baseline within a margin."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import called_wide

import hardiness
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError
from hardiness.core.result import Score
from hardiness.core.run import BenchmarkIdentity, DataIdentity, ModelIdentity, Plan, Run
from hardiness.core.spread import Spread
from hardiness.core.table import Records
from hardiness.report.words import line as said
from hardiness.report.words import text as why
from hardiness.statistics.comparison import difference
from hardiness.statistics.estimate import mean
from hardiness.statistics.spreads.differences import ExactSides
from hardiness.statistics.verdicts import Limit, rulings
from hardiness.store.store import Store

N = 700


def stored(out: Path, wrong: slice, n: int = N) -> None:
    """A network that answers all pictures rightly but some."""
    label = (np.arange(n) % 4).astype(np.int32)
    answer = label.copy()
    answer[wrong] = 9
    rows = {
        "sample": np.array([f"n/{k:04d}" for k in range(n)]),
        "condition": np.zeros(n, np.int16),
        "frame": np.zeros(n, np.int16),
        "label": label,
        "prediction": answer,
        "top5_class": np.zeros((n, 5), np.int16),
        "confidence": np.linspace(0.2, 0.9, n).astype(np.float32),
    }
    identity = ModelIdentity("net", f"weights of {out.name}")
    benchmark = BenchmarkIdentity("imagenet-val", "classification")
    run = Run(identity, benchmark, DataIdentity("imagenet", "f", n), conditions=(Condition(),))
    work = [(sample, 0) for sample in rows["sample"].tolist()]
    Store.create(out).run(run, Plan(whole=(0,))).write(0, work, Records(rows))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``main`` is wrong on the first 20; ``same`` too; ``near`` on 3 more; ``worse`` on 60 more."""
    out = tmp_path_factory.mktemp("gate")
    for name, most in (("main", 20), ("same", 20), ("near", 23), ("worse", 80)):
        stored(out / name, slice(0, most))
    return out


def judged(folder: Path, name: str, rule: str, settings: str = "", **more: Any) -> Any:
    """The verdict of a rule on a folder's run."""
    policy = folder / f"{name}.toml"
    head = '[[rules]]\nbenchmark = "imagenet-val"\nmetric = "top1"\nagainst = "main"\n'
    policy.write_text(f"{head}{rule}\n{settings}")
    return hardiness.gate(folder / name, policy, **more).verdicts[0]


@pytest.mark.parametrize(
    ("name", "margin", "outcome"),
    [
        ("same", "0.5 %", "pass"),
        ("same", "0.4 %", "cannot tell"),
        ("near", "0.5 %", "cannot tell"),
        ("near", "2 %", "pass"),
        ("worse", "2 %", "fail"),
        ("worse", "8 %", "cannot tell"),
        ("worse", "15 %", "pass"),
    ],
)
def test_a_run_passes_within_the_margin_fails_beyond_it_and_else_cannot_be_told(
    folder: Path, name: str, margin: str, outcome: str
) -> None:
    verdict = judged(folder, name, f'equivalent_within = "{margin}"')
    assert verdict.outcome == outcome
    low, high, limit = verdict.interval.low, verdict.interval.high, verdict.rule.limit
    assert (outcome == "pass") == (-limit < low and high < limit)
    assert (outcome == "fail") == (low > limit or high < -limit)
    assert verdict.confidence == pytest.approx(0.95 if abs(verdict.value) > limit else 0.9), (
        "a fail needs the interval of all fails"
    )
    assert verdict.value == pytest.approx({"same": 0, "near": -3 / N, "worse": -60 / N}[name])


def test_equal_answers_are_no_certainty_and_more_says_how_many_pictures_are(folder: Path) -> None:
    verdict = judged(folder, "same", 'equivalent_within = "0.4 %"')
    assert verdict.interval.high == pytest.approx(1 - 0.05 ** (1 / N))
    assert 0.996 ** (N + verdict.more) <= 0.05 + 1e-9


def test_the_verdict_prints_its_margin_in_points(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    judged(folder, "near", 'equivalent_within = "0.5 %"')
    asked = ("gate", str(folder / "near"), "--policy", str(folder / "near.toml"))
    assert called_wide(monkeypatch, *asked) == 4
    text = " ".join(capsys.readouterr().out.split())
    assert "equivalent within 0.50 points" in text
    assert "plain 90 %" in text
    assert called_wide(monkeypatch, *asked, "--json") == 4
    (verdict,) = json.loads(capsys.readouterr().out)["verdicts"]
    assert (verdict["rule"]["kind"], verdict["outcome"]) == ("equivalent_within", "cannot tell")


def test_clusters_decide_where_pictures_come_in_such(folder: Path) -> None:
    samples = [f"n/{k:04d}" for k in range(N)]
    columns = {"path": samples, "patient": [f"p{k // 20}" for k in range(N)]}
    verdict = judged(folder, "near", 'equivalent_within = "2 %"', columns=columns, cluster="patient")
    assert (verdict.outcome, verdict.clusters) == ("cannot tell", 35)
    assert judged(folder, "near", 'equivalent_within = "2 %"').outcome == "pass", "had each picture stood alone"


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("equivalent_within = 0", "must be above 0"),
        ("equivalent_within = 1", "must be a share below 100 %"),
        ("equivalent_within = 0.5", "may be 0.5 % or 50 %"),
        ('equivalent_within = "0.5 %"\nworse_by_at_most = 0.1', "must have one of"),
    ],
)
def test_a_margin_that_cannot_be_is_refused(folder: Path, rule: str, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        judged(folder, "near", rule)


def test_a_line_says_where_nothing_bounds_what_one_picture_can_move(folder: Path) -> None:
    rule = '[[rules]]\nbenchmark = "imagenet-val"\nagainst = "{}"\n'.format(folder / "main")
    calibration = (
        rule + 'metric = "rms_calibration_error"\nwhere = { protocol = "hendrycks2019" }\nworse_by_at_most = 0.02\n'
    )
    found = hardiness.gate(folder / "worse", calibration)
    assert found.verdicts[0].outcome == "pass", why(found.verdicts[0].missing)
    (line,) = [each for each in map(said, found.remarks) if "nothing bounds" in each]
    assert line.startswith("rule 1, net on imagenet-val: nothing bounds how far one picture moves the number")
    assert "no large losses on fewer than 3 in 700 pictures; moves_at_most says how far one can" in line
    stated = hardiness.gate(folder / "worse", f"{calibration}moves_at_most = 3\n")
    assert not [each for each in map(said, stated.remarks) if "nothing bounds" in each]
    assert stated.verdicts[0].interval.low < found.verdicts[0].interval.low
    of_shares = hardiness.gate(folder / "worse", f'{rule}metric = "top1"\nworse_by_at_most = "2 %"\n')
    assert not [each for each in map(said, of_shares.remarks) if "nothing bounds" in each]


def test_without_a_baseline_it_is_refused(folder: Path) -> None:
    with pytest.raises(ArgumentError, match="equivalent_within needs against"):
        hardiness.gate(
            folder / "near", '[[rules]]\nbenchmark = "imagenet-val"\nmetric = "top1"\nequivalent_within = "1 %"\n'
        )


def scored(spread: Spread | None, n: int) -> Score:
    """A difference that a rule is on."""
    assert spread is not None
    return Score("difference", spread.value, "ratio", n, spread)


def test_a_mean_is_judged_as_statsmodels_judges_it() -> None:
    weightstats = pytest.importorskip("statsmodels.stats.weightstats")
    generator = np.random.default_rng(0)
    half = generator.normal(0, 0.1, 300)
    apart = np.concatenate([half, -half]) + 0.004
    theirs = weightstats.ttost_paired(apart, np.zeros(600), -0.01, 0.01)[0]
    ids = np.arange(600)
    tested = difference(mean(ids, apart), mean(ids, np.zeros(600)))
    (ruling,) = rulings([(scored(tested.spread, 600), Limit(0.01, 0))])
    assert Limit(0.01, 0).p_within(ruling.score) == pytest.approx(theirs, rel=0.08)
    assert (ruling.outcome == "pass") == (theirs < 0.05)


def test_fails_share_their_level_among_rules_and_passes_do_not() -> None:
    near, off = scored(ExactSides(1, 1, 2000), 2000), scored(ExactSides(60, 0, 2000), 2000)
    alone, both = rulings([(off, Limit(0.01, 0))]), rulings([(off, Limit(0.01, 0)), (near, Limit(0.01, 0))])
    assert [each.outcome for each in (*alone, *both)] == ["fail", "fail", "pass"]
    assert [each.confidence for each in both] == pytest.approx([0.975, 0.9])
