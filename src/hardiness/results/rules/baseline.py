"""The run of a baseline that a rule holds a run against."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hardiness.core.codes import Missing
from hardiness.core.condition import Condition
from hardiness.core.fact import Fact
from hardiness.core.forms import json_form
from hardiness.core.run import spelled
from hardiness.results.policy import Rule
from hardiness.results.rules.errors import MissingNumberError, UnmatchedError, missing_of_baseline
from hardiness.results.rules.folder import PolicyFolder
from hardiness.results.rules.judged_runs import KEY_DIGITS, JudgedRun
from hardiness.results.rules.requirements import require_accepted, require_standing
from hardiness.results.rules.scores import score_of
from hardiness.results.rules.slices import pictures_of_other_slices
from hardiness.results.run_names import named_by
from hardiness.results.runs import ScoredRun, evaluated_last, question_of


def baseline_run(rule: Rule, run: ScoredRun, folder: PolicyFolder) -> ScoredRun:
    """The run of the baseline folder on the same pictures.

    Raises:
        MissingNumberError: there is none that agrees in all fields; or several are equally new; or its pictures have
            other values of the rule's slice.
    """
    mine, baseline = run.stored.run, folder.baseline(rule.against)
    name = rule.baseline_model(mine.model.name)
    asked = {"baseline": rule.against, "model": name, "benchmark": mine.benchmark.name}
    runs = [each for each in baseline.runs.values() if each.stored.run.benchmark.name == mine.benchmark.name]
    models = dict.fromkeys(each.stored.run.model.name for each in runs)
    runs_of_name = [each for each in runs if each.stored.run.model.name == name]
    if not runs_of_name:
        raise MissingNumberError(Fact(Missing.BASELINE_HAS_NONE, asked | {"models": tuple(models)}))
    if rule.against_run:
        keys = [each.stored.key[:KEY_DIGITS] for each in runs_of_name]
        runs_of_name = [each for each in runs_of_name if named_by(each.stored.run, each.stored.key, rule.against_run)]
        if not runs_of_name:
            raise MissingNumberError(
                Fact(Missing.BASELINE_HAS_NONE, asked | {"run": rule.against_run, "runs": tuple(keys)})
            )
    alike = [each for each in runs_of_name if question_of(each.stored.run) == question_of(mine)] or runs_of_name
    precise = [each for each in alike if each.stored.run.precision == mine.precision] or alike
    last = evaluated_last(precise)
    differing = {each.stored.key: list(_differing(run, each)) for each in last}
    fewest = min(map(len, differing.values()))
    nearest = [each for each in last if len(differing[each.stored.key]) == fewest]
    if fewest:
        fields = tuple(differing[nearest[0].stored.key])
        raise MissingNumberError(Fact(Missing.BASELINE_DIFFERS, {"baseline": rule.against, "fields": fields}))
    if len(nearest) > 1:
        names = tuple((each.stored.key[:KEY_DIGITS], JudgedRun.of(each).label) for each in nearest)
        raise MissingNumberError(Fact(Missing.BASELINE_SEVERAL, asked | {"runs": names}))
    try:
        require_accepted(nearest[0])
    except MissingNumberError as error:
        raise missing_of_baseline(error) from None
    for column, pictures in pictures_of_other_slices(nearest[0], run, rule.slice).items():
        told = {"baseline": rule.against, "column": column, "pictures": tuple(pictures)}
        raise MissingNumberError(Fact(Missing.BASELINE_COLUMN, told))
    return nearest[0]


def _differing(run: ScoredRun, baseline: ScoredRun) -> Iterator[tuple[str, str, str]]:
    """The fields by which the pictures of two runs, or the questions on them, differ: name, value here, value there."""
    mine, theirs = run.stored.run, baseline.stored.run
    pairs: dict[str, tuple[Any, Any]] = {
        "data fingerprint": (mine.data.fingerprint[:6], theirs.data.fingerprint[:6]),
        "protocol": (mine.benchmark.protocol, theirs.benchmark.protocol),
        "benchmark's code": (mine.benchmark.code_sha256[:6], theirs.benchmark.code_sha256[:6]),
        "seed": (mine.seed, theirs.seed),
    }
    if mine.data.fingerprint != theirs.data.fingerprint and mine.data.name != theirs.data.name:
        pairs["data"] = (mine.data.name, theirs.data.name)
    views: tuple[Any, Any] = json_form(mine.model.view), json_form(theirs.model.view)
    if any(each.model.is_foreign or each.shows_whole_pictures for each in (mine, theirs)):  # which have no view
        views = {}, {}
    elif _normalises_itself(run) or _normalises_itself(baseline):
        for each in views:
            for name in _VIEW_NUMBERS:
                del each[name]
    settings = {
        "view": views,
        "option": (dict(mine.benchmark.options), dict(theirs.benchmark.options)),
        "version": (dict(mine.versions), dict(theirs.versions)),
    }
    for what, (own, other) in settings.items():
        for key in dict.fromkeys((*own, *other)):
            pairs[f"{what} {key}"] = (own.get(key), other.get(key))
    for what, (own, other) in pairs.items():
        if own != other:
            yield what, _spelled(own), _spelled(other)


_VIEW_NUMBERS = ("mean", "std", "range", "channel_order")


def _normalises_itself(run: ScoredRun) -> bool:
    """Whether the network behind a run takes pixels as they are because mean and std lie in its graph or code.

    A network of a library that takes them so was trained on other numbers than one that does not.
    """
    model = run.stored.run.model
    if (model.view.mean, model.view.std) != ((0.0,) * 3, (1.0,) * 3):
        return False
    model_texts = [str(session["asked"].get("model", "")) for session in run.sessions()]
    # While its first pictures come in no session is kept, and nothing speaks against it.
    return (
        model.view.range == "0..255"
        or bool(model.code_sha256)
        or not model_texts
        or any("onnx:" in each for each in model_texts)
    )


def _spelled(value: Any) -> str:
    return "none" if value in (None, "") else spelled(value, "/")


def standing_baseline(rule: Rule, metric: str, where: Condition, run: ScoredRun, folder: PolicyFolder) -> ScoredRun:
    """The baseline's run, whose number is defined and not doubted.

    Raises:
        MissingNumberError: there is none.
    """
    before = baseline_run(rule, run, folder)
    theirs = next(each for each in folder.baseline(rule.against).results if each.key == before.stored.key)
    try:
        require_standing(theirs, score_of(theirs, metric, where))
    except (MissingNumberError, UnmatchedError) as error:
        raise missing_of_baseline(error) from None
    return before
