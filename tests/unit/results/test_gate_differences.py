"""Rules on the difference of scores of pictures: one interval, what it allows for, and what a policy states of it."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import called_wide

import hardiness
from hardiness.core.errors import ArgumentError
from hardiness.report.words import text as said
from hardiness.results.policy import parse_policy

N = 300
RULE = (
    '[[rules]]\nbenchmark = "file:parts"\nmetric = "mean_score"\nmodel = "new"\nagainst = "."\nagainst_model = "old"\n'
)

pytestmark = pytest.mark.slow


def stored(folder: Path, new: np.ndarray, old: np.ndarray) -> Path:
    """The scores of two models, of which the pictures come in 30 scenes."""
    for model, scores in (("old", old), ("new", new)):
        with (folder / f"{model}.csv").open("w", newline="") as stream:
            rows = csv.writer(stream)
            rows.writerow(["sample", "corruption", "severity", "score", "scene"])
            rows.writerows((f"p{k:03d}", "fog", 1, f"{s:.6f}", f"s{k % 30}") for k, s in enumerate(scores.tolist()))
        hardiness.evaluate(model, "file:parts", predictions=str(folder / f"{model}.csv"), out=folder / "out")
    return folder / "out"


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The new model is worse by 3.1 points on average, and on none by more than 15."""
    generator = np.random.default_rng(6)
    old = 0.8 + 0.02 * generator.standard_normal(N)
    return stored(tmp_path_factory.mktemp("differences"), old - 0.031 + 0.03 * generator.standard_normal(N), old)


def judged(out: Path, *rules: str) -> Any:
    policy = out / "policy.toml"
    policy.write_text("\n".join(RULE + rule + "\n" for rule in rules))
    return hardiness.gate(out, policy)


def test_two_rules_on_one_difference_and_limit_say_the_same(out: Path) -> None:
    """One said *fail* (2.75 … 3.49), the other *cannot tell* (-4.31 … -1.86), of such a difference and 2.4 points."""
    worse, apart = judged(out, 'worse_by_at_most = "2.4 %"', 'equivalent_within = "2.4 %"').verdicts
    assert (worse.outcome, apart.outcome) == ("cannot tell",) * 2
    worse, apart = judged(out, 'worse_by_at_most = "1 %"', 'equivalent_within = "1 %"').verdicts
    assert (worse.outcome, apart.outcome) == ("fail",) * 2
    for limit in ("0.5 %", "2 %", "3 %", "4 %", "6 %"):
        worse, apart = judged(out, f'worse_by_at_most = "{limit}"', f'equivalent_within = "{limit}"').verdicts
        assert {worse.outcome, apart.outcome} != {"pass", "fail"}
        assert (worse.outcome == "fail") == (apart.outcome == "fail")


def test_a_policy_may_state_what_one_picture_can_move(out: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    rule = 'worse_by_at_most = "2.4 %"'
    wide, narrow = judged(out, rule, f'{rule}\nmoves_at_most = "15 %"').verdicts
    assert (wide.outcome, narrow.outcome) == ("cannot tell", "fail")
    assert wide.which_interval.endswith("allowing for unseen losses")
    assert narrow.which_interval.endswith("allowing for unseen losses of at most 15 points each, as the policy states")
    (beyond,) = judged(out, f'{rule}\nmoves_at_most = "5 %"').verdicts
    assert beyond.outcome == "missing"
    assert "moves_at_most is 5 points, and picture p" in said(beyond.missing)
    assert called_wide(monkeypatch, "gate", str(out), "--policy", str(out / "policy.toml")) == 1
    assert "state more, or leave it out" in " ".join(capsys.readouterr().out.split())


def test_the_gate_says_how_many_pictures_a_pass_needs(
    out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    old = 0.8 + 0.02 * np.random.default_rng(7).standard_normal(N)
    same = stored(tmp_path, old, old)
    (few,) = judged(same, 'worse_by_at_most = "1 %"').verdicts
    assert (few.outcome, few.pass_needs) == ("cannot tell", 368)
    assert N + few.more >= few.pass_needs
    assert called_wide(monkeypatch, "gate", str(same), "--policy", str(same / "policy.toml")) == 4
    assert "since a pass needs 368 images even where no difference is seen" in " ".join(capsys.readouterr().out.split())
    (apart,) = judged(same, 'equivalent_within = "1 %"').verdicts
    assert (apart.outcome, apart.pass_needs) == ("pass", 299)
    (stated,) = judged(same, 'worse_by_at_most = "1 %"\nmoves_at_most = "10 %"').verdicts
    assert (stated.outcome, stated.pass_needs) == ("pass", 36)
    (clustered,) = judged(same, 'worse_by_at_most = "1 %"\ncluster = "scene"').verdicts
    assert (clustered.outcome, clustered.clusters, clustered.pass_needs) == ("cannot tell", 30, 368)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ('at_most = "50 %"\nmoves_at_most = "10 %"', "moves_at_most goes with worse_by_at_most and equivalent_within"),
        ('worse_by_at_most = "2 %"\nmoves_at_most = "1 %"\nagainst = "x"', "must be above worse_by_at_most"),
        ('worse_by_at_most = "2 %"\nmoves_at_most = 0.1\nagainst = "x"', "must both be in percent, or neither"),
        ('worse_by_at_most = "2 %"\nmoves_at_most = "much"\nagainst = "x"', "moves_at_most must be a number"),
    ],
)
def test_a_statement_that_cannot_be_is_refused(rule: str, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        parse_policy(f'[[rules]]\nbenchmark = "file:parts"\nmetric = "mean_score"\n{rule}\n')


def test_verdicts_keep_what_was_allowed_for(out: Path) -> None:
    judged(out, 'worse_by_at_most = "2.4 %"\nmoves_at_most = "15 %"')
    (verdict,) = json.loads((out / "gate.json").read_text())["verdicts"]
    assert (verdict["rule"]["moves_at_most"], verdict["allows_for_unseen"], verdict["pass_needs"]) == (0.15, True, 22)
