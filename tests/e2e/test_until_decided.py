"""``--until-decided``: a run ends when every rule of a policy is decided, and `gate` says what ended it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from told import warnings_of

import hardiness as package
from hardiness.engine import worker
from hardiness.report.words import line as said
from hardiness.report.words import text

Told = Callable[..., Any]

TOP1 = '[[rules]]\nbenchmark = "imagenet-val"\nmetric = "top1"\nat_least = {}\n'


@pytest.fixture
def policy(tmp_path: Path) -> Callable[..., str]:
    """The file of a policy."""

    def write(text: str, name: str = "policy.toml") -> str:
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    return write


def command(model: str, root: Path, out: Path, *more: str) -> list[str]:
    return [
        "run",
        "-m",
        model,
        "-b",
        "imagenet-val",
        "--data",
        str(root),
        "--out",
        str(out),
        "--runtime",
        "torch",
        *more,
    ]


def until_decided(model: str, root: Path, out: Path, rules: str | None, benchmark: str = "imagenet-val") -> Any:
    """What Python gives, which is spared the page that the command writes."""
    return package.evaluate(model, benchmark, str(root), until_decided=rules, out=out, runtime="torch", progress=False)


def test_it_stops_where_every_rule_is_decided_and_the_gate_says_the_same(
    hardiness: Told, dull: Any, network: Any, tmp_path: Path, results: Any, policy: Any
) -> None:
    """Of answers 79 % are right: a rule at 50 % is passed soon, one at 95 % failed, and one at 79 % needs all."""
    model, root, out = network(), dull(), tmp_path / "x"
    rules = policy(TOP1.format(0.5) + TOP1.format(0.95))
    told = hardiness(*command(model, root, out, "--until-decided", rules))
    assert told.status == 0, told.err
    assert f"{rules}: imagenet-val: after 100 of 240 images every rule is decided: 1 pass, 1 fail" in told.lines
    (result,) = results(out)
    assert result["stop"] == {"precision_target": None, "rows": 100, "policy": rules, "companions": []}
    assert any(line.startswith(f"evaluated until the rules of {rules} were decided") for line in warnings_of(result))
    assert "are to be read with that" in " ".join(told.out.split())
    assert "--until-decided" in (out / "report.html").read_text()
    found = package.gate(out, rules)
    assert [each.outcome for each in found.verdicts] == ["pass", "fail"]
    assert all("valid at every look" in each.which_interval and each.looked for each in found.verdicts)
    # On its own value nothing is decided, with all pictures neither: none is judged by an interval of a single look.
    near = policy(TOP1.format(0.79), "near.toml")
    whole = until_decided(model, root, out, near)
    assert whole.counts.complete
    assert any(
        "all there are, and not every rule is decided: 1 cannot tell" in line for line in map(said, whole.warnings)
    )
    (verdict,) = package.gate(out, near).verdicts
    assert (verdict.outcome, verdict.looked, verdict.n) == ("cannot tell", True, 240)


def test_the_same_command_computes_nothing_and_an_interrupted_one_ends_where_it_would(
    dull: Any, network: Any, tmp_path: Path, policy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, root, rules = network(), dull(), policy(TOP1.format(0.71))
    package.evaluate(model, "imagenet-val", str(root), limit=37, out=tmp_path / "a", runtime="torch", progress=False)
    disturbed, undisturbed = (until_decided(model, root, tmp_path / name, rules) for name in "ab")
    assert [score.value for score in disturbed.scores] == [score.value for score in undisturbed.scores]
    assert 100 < undisturbed.counts.images < 240
    found = package.gate(tmp_path / "a", rules)
    assert found.outcome == "pass"
    assert found.as_dict() == package.gate(tmp_path / "b", rules).as_dict()
    with monkeypatch.context() as patch:
        patch.setattr(worker, "classify", lambda *_: pytest.fail("nothing must be computed, but for the look"))
        assert until_decided(model, root, tmp_path / "b", rules).counts == undisturbed.counts
    # Whoever wants the rest gets it, with the usual intervals and verdicts, and no mark.
    assert until_decided(model, root, tmp_path / "b", None).stop is None
    assert not package.gate(tmp_path / "b", rules).verdicts[0].looked


def test_rules_against_a_baseline_and_of_cells_and_classes_are_decided_together(
    dull: Any, network: Any, tmp_path: Path, policy: Any
) -> None:
    root, main, new = dull(300), tmp_path / "main", tmp_path / "new"
    chosen, before = "imagenet-c:corruptions=brightness,severities=1+2", network()
    until_decided(before, root, main, None, chosen)
    against = f'against = "{main}"\nagainst_model = "{before}"\n'
    rule = '[[rules]]\nbenchmark = "imagenet-c"\nmetric = "{}"\n'
    rules = policy(
        "".join(
            (
                rule.format("mean_error") + against + "worse_by_at_most = 0.2\n",
                rule.format("negative_flips") + against + "at_most = 0.25\n",
                rule.format("error") + 'where = { corruption = "brightness", severity = 1 }\nat_most = 0.7\n',
                rule.format("error") + 'where = { class = "goldfish" }\nat_most = 0.95\n',
                rule.format("mce_partial") + 'at_most = "600 %"\n',
            )
        )
    )
    same, worse = network(0.04, "same"), network(0.7, "worse")
    found = until_decided(same, root, new, rules, chosen)
    assert found.counts.evaluated < 600, "two conditions of each, in random cells"
    verdicts = package.gate(new, rules).verdicts
    assert [each.outcome for each in verdicts] == ["pass"] * 5
    assert all(each.looked and each.family == 5 for each in verdicts)
    until_decided(worse, root, new, rules, chosen)
    verdicts = package.gate(new, rules).verdicts
    assert len(verdicts) == 10, "of two models"
    assert [each.outcome for each in verdicts if each.model == worse][1] == "fail", "of flips"


def test_what_no_part_of_the_pictures_decides_is_evaluated_whole_or_told(
    dull: Any, network: Any, tmp_path: Path, policy: Any
) -> None:
    model, root, rule = network(), dull(120), '[[rules]]\nbenchmark = "imagenet-val"\nmetric = "{}"\n'
    rules = policy(TOP1.format(0.5) + rule.format("aurra") + "at_least = 0.1\n")
    found = until_decided(model, root, tmp_path / "x", rules)
    line = f"{rules}: rule 2: aurra is no mean over pictures that a part of them could have, so that imagenet-val is"
    assert any(each.startswith(line) for each in map(said, found.warnings)), found.warnings
    assert found.counts.complete
    assert found.stop is None
    assert [each.outcome for each in package.gate(tmp_path / "x", rules).verdicts] == ["pass", "pass"]
    # A run that was stopped, judged by a rule that did not stop it: no interval of such a score holds then. A baseline
    # that is not there makes its rule missing, and holds up no other.
    gone = policy(TOP1.format(0.5) + rule.format("negative_flips") + 'against = "nowhere"\nat_most = 0.1\n', "b.toml")
    found = until_decided(model, root, tmp_path / "y", gone)
    assert any("rule 2 of" in each and "no picture decides it: baseline:" in each for each in map(said, found.warnings))
    assert any("after 100 of 120 images every rule is decided: 1 pass" in each for each in map(said, found.warnings))
    first, second = package.gate(tmp_path / "y", rules).verdicts
    assert (first.outcome, second.outcome) == ("pass", "missing")
    assert "without --until-decided evaluates the rest" in said(second.missing)


@pytest.mark.parametrize(
    ("text", "more", "says"),
    [
        (TOP1.format(0.5), ["--precision-target", "0.1"], "until-decided does not go with precision-target"),
        (TOP1.format(0.5), ["--time-budget", "9h"], "until-decided does not go with time-budget"),
        (TOP1.format(0.5), ["--worker", "0/2"], "until-decided does not go with worker"),
        (TOP1.format(0.5), ["--engine", "ray"], "until-decided does not go with Ray"),
        (
            TOP1.format(0.5).replace("val", "vall"),
            [],
            "benchmark 'imagenet-vall' is neither run nor stored; did you mean",
        ),
        (TOP1.format(0.5) + 'model = "other"\n', [], "rule 1: model 'other' is neither run nor stored"),
        (TOP1.format(0.5), ["-b", "imagenet-w"], "no rule speaks of imagenet-w, so that nothing would stop it"),
        ("[[rules]]\n", [], "rule 1: benchmark is missing"),
    ],
)
def test_what_does_not_go_with_it_is_refused_in_one_line_before_anything_is_evaluated(
    hardiness: Told, dull: Any, network: Any, tmp_path: Path, policy: Any, text: str, more: list[str], says: str
) -> None:
    told = hardiness(*command(network(), dull(8), tmp_path / "x", "--until-decided", policy(text), *more))
    assert told.status == 2
    assert len(told.lines) == 1, told.err
    assert says in told.err
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("metric", "limit", "says"),
    [
        ("headline", "at_most = 75", 'must be a ratio, as 0.75 for 75 %, or a text as in "75 %"'),
        ("mce_partial", "at_most = 75", 'must be a ratio, as 0.75 for 75 %, or a text as in "75 %"'),
        ("mce_partial", 'against = "main"\nworse_by_at_most = 1', "must be a ratio, as 0.75 for 75 %"),
        ("mean_error", "at_most = 75", "must be a share, as 0.01 for one point"),
        ("negative_flips", 'against = "main"\nat_most = -0.1', "must be at least 0, as negative flips always is"),
    ],
)
def test_a_limit_in_percent_is_refused_before_anything_is_evaluated(
    hardiness: Told, dull: Any, network: Any, tmp_path: Path, policy: Any, metric: str, limit: str, says: str
) -> None:
    """At 7,500 % every model passes, after as few pictures as there may be."""
    rules = policy(f'[[rules]]\nbenchmark = "imagenet-c"\nmetric = "{metric}"\n{limit}\n')
    given = command(network(), dull(8), tmp_path / "x", "--until-decided", rules)
    given[given.index("imagenet-val")] = "imagenet-c:corruptions=brightness,severities=1"
    told = hardiness(*given)
    assert (told.status, len(told.lines)) == (2, 1), told.err
    assert says in told.err
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ('metric = "top11"\nat_least = 0.5', "metric 'top11' matches nothing in imagenet-val; did you mean 'top1'"),
        (
            'metric = "error"\nwhere = { class = "gold fish" }\nat_most = 0.5',
            "where class 'gold fish' matches nothing in imagenet-val; did you mean 'goldfish'",
        ),
        (
            'metric = "negative_flips"\nwhere = { clas = "goldfish" }\nagainst = "nowhere"\nat_most = 0.5',
            "where 'clas' matches nothing in imagenet-val; did you mean 'class'",
        ),
        (
            'metric = "topp1"\nagainst = "nowhere"\nworse_by_at_most = 0.5',
            "metric 'topp1' matches nothing in imagenet-val; did you mean 'top1'",
        ),
    ],
)
def test_a_rule_that_matches_nothing_names_the_nearest_name_before_anything_is_written(
    hardiness: Told, dull: Any, network: Any, tmp_path: Path, policy: Any, rule: str, says: str
) -> None:
    rules = policy(TOP1.format(0.5) + f'[[rules]]\nbenchmark = "*"\n{rule}\n')
    told = hardiness(*command(network(), dull(8), tmp_path / "x", "--until-decided", rules))
    assert told.status == 2
    assert len(told.lines) == 1, told.err
    assert f"rule 2: {says}" in told.err
    assert not (tmp_path / "x").exists()


def test_the_plan_says_that_it_is_at_most_so_much(
    hardiness: Told, dull: Any, network: Any, tmp_path: Path, policy: Any
) -> None:
    rules = policy(TOP1.format(0.5))
    told = hardiness(*command(network(), dull(8), tmp_path / "x", "--until-decided", rules, "--plan"))
    assert told.status == 0, told.err
    assert "ends as soon as all that are on it are decided: at most so much" in " ".join(told.out.split())


def test_from_python(dull: Any, network: Any, tmp_path: Path) -> None:
    out, text = tmp_path / "x", TOP1.format(0.5)
    found = package.evaluate(network(), "imagenet-val", str(dull()), until_decided=text, out=out, progress=False)
    assert found.counts.images == 100
    assert found.stop is not None
    assert found.stop.rows == 100
    assert any("after 100 of 240 images every rule is decided: 1 pass" in line for line in map(said, found.warnings))
    assert package.gate(out, text).outcome == "pass"
    assert "The gate passes: its rule holds." in str(package.export(out, "sheet")), "which is handed over with it"


def test_a_rule_that_no_model_can_fail_is_told_before_the_run_and_by_the_gate(
    hardiness: Told, dull: Any, network: Any, tmp_path: Path, policy: Any
) -> None:
    """An error of at most 100 % passed in silence."""
    error = '[[rules]]\nbenchmark = "imagenet-val"\nmetric = "error"\nat_most = {}\n'
    rules = policy(error.format(1) + TOP1.format(0) + TOP1.format('"50 %"') + error.format(0.99))
    lines = [
        f"{rules}: rule 1 cannot fail: error is never above 1, and at_most is 1; give a limit that a model may miss",
        f"{rules}: rule 2 cannot fail: top1 is never below 0, and at_least is 0; give a limit that a model may miss",
    ]
    told = hardiness(*command(network(), dull(), tmp_path / "x", "--until-decided", rules))
    said = [line.removeprefix("hardiness: ") for line in told.lines if "cannot fail" in line]
    assert (told.status, said) == (0, lines), told.err
    judged = hardiness("gate", tmp_path / "x", "--policy", rules)
    assert (judged.status, " ".join(judged.out.split()).count("cannot fail")) == (0, 2), judged.out
    assert list(map(text, package.gate(tmp_path / "x", rules).remarks)) == lines
    sheet = hardiness("export", tmp_path / "x", "--format", "sheet").out
    assert sheet.index("The gate passes: all 4 rules hold.") < sheet.index("<h1")
