"""The gate: a verdict for each rule of a policy on each stored run that it speaks of."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hardiness.benchmarks import Card, card_of, published_baseline
from hardiness.core import (
    PARTIAL,
    RIGHT,
    ArgumentError,
    Condition,
    HardinessError,
    ImageTable,
    Interval,
    Metric,
    Result,
    Run,
    Score,
    StoreError,
    fields_form,
    from_json,
    json_field,
    json_form,
    mark_notes,
    spelled,
    suggestion,
)
from hardiness.reference import distortion_set, set_names
from hardiness.results.flips import flip_table
from hardiness.results.measured import measured
from hardiness.results.policy import ANY, FLIPS, HEADLINE, Policy, Rule, parse_policy
from hardiness.results.results import group_of, results_of_runs
from hardiness.results.runs import (
    ScoredRun,
    differences_of,
    digest_of,
    evaluated_last,
    is_of_one_set,
    named_by,
    question_of,
    successors_of,
    weights_label,
    with_joined,
)
from hardiness.statistics import (
    Evidence,
    FlipTable,
    Limit,
    Ruling,
    WeightedSum,
    difference,
    rulings,
    wilson,
)
from hardiness.store import Store, parsed

VERSION = 3
"""Raised whenever the same rows would give other evidence."""

GATE = "gate.json"
"""What the last gate said of a folder; may be deleted at any time."""

STATUS = {"wrong policy": 2, "fail": 3, "missing": 1, "cannot tell": 4, "pass": 0}
"""Exit statuses, those that go before others first; a wrong policy raises."""

WRONG = {"error": True, "mean_error": True, "accuracy": False, "top1": False}
"""Metrics of any rows, over whichever cells and classes are asked for; whether they count what is wrong."""


@dataclass(frozen=True)
class JudgedRun:
    """Which of several runs of one name a verdict is on.

    Attributes:
        key: the run's.
        weights_sha256, code_sha256: of its model, as `ModelIdentity` has them.
    """

    key: str
    weights_sha256: str = ""
    code_sha256: str = ""

    @classmethod
    def of(cls, run: ScoredRun) -> JudgedRun:
        """A stored run as verdicts name it."""
        model = run.stored.run.model
        return cls(run.stored.key, model.weights_sha256, model.code_sha256)

    @property
    def label(self) -> str:
        """The first digits of its weights' hash, or its code's; empty where nothing was hashed."""
        return weights_label(self.weights_sha256, self.code_sha256)


@dataclass(frozen=True)
class GateVerdict:
    """The verdict of one rule on one run.

    Attributes:
        rule: which.
        model, benchmark, data: of the run.
        run: which run of that model; ``None`` where there is none.
        baseline: the run of the baseline that it is held against; ``None`` where there is none.
        outcome: ``pass``, ``fail``, ``cannot tell`` or ``missing``.
        metric: what was judged, as people call it.
        unit: of value, interval and limit.
        value, interval: of the number, or of the difference to the baseline; ``None`` where it is missing.
        confidence, family: of the interval, and over how many verdicts it is simultaneous.
        n: images.
        images_of: of what these are: a class, or the data set.
        more, at_least: about how many images more of that would decide, and whether it takes more than that.
        looked: whether the interval holds although the run was looked at while it went on.
        exact: whether the interval holds for any number of images, and not only for many.
        reason: why it is missing; empty otherwise.
    """

    rule: Rule
    model: str
    benchmark: str
    data: str
    outcome: Literal["pass", "fail", "cannot tell", "missing"]
    metric: str
    unit: str = "fraction"
    value: float | None = None
    interval: Interval | None = field(default=None, metadata=json_field(as_list=True))
    confidence: float = 0.95
    family: int = 1
    n: int = 0
    more: int = 0
    at_least: bool = False
    looked: bool = False
    exact: bool = False
    reason: str = ""
    run: JudgedRun | None = None
    baseline: JudgedRun | None = None
    images_of: str = ""

    @property
    def mark(self) -> str:
        """The mark of a chat model's number; empty for every other model."""
        return "".join(mark_notes([self.model]))

    @property
    def which_interval(self) -> str:
        """The name of the interval that decides."""
        kind = f"{', exact' if self.exact else ''}{', valid at every look' if self.looked else ''}"
        if self.family > 1:
            return f"simultaneous over {self.family} rules (Holm){kind}"
        return f"plain 95 %{kind}"

    def as_dict(self) -> dict[str, Any]:
        """The JSON form: its fields, then what is said of them."""
        which = self.which_interval if self.interval else ""
        return {**fields_form(self), "which_interval": which, "mark": self.mark}


@dataclass(frozen=True)
class Gate:
    """All verdicts of a policy.

    Attributes:
        verdicts: in the order of the rules.
        undecided: what *cannot tell* does to the gate: ``"fail"`` or ``"warn"``.
        source: the policy's file.
        remarks: a line for each run that is not judged, since another one of its name was evaluated later.
    """

    verdicts: tuple[GateVerdict, ...]
    undecided: str = "fail"
    source: str = field(default="policy", metadata=json_field("policy"))
    remarks: tuple[str, ...] = ()

    @property
    def outcome(self) -> str:
        """The one that goes before all others: ``fail``, ``missing``, ``cannot tell`` or ``pass``."""
        return next((each for each in STATUS if any(v.outcome == each for v in self.verdicts)), "pass")

    @property
    def exit_status(self) -> int:
        """3 fail, 1 missing, 4 cannot tell (0 where that only warns), 0 pass; in this order."""
        return 0 if self.outcome == "cannot tell" and self.undecided == "warn" else STATUS[self.outcome]

    @property
    def counts(self) -> dict[str, int]:
        """How many verdicts there are of each kind, of those that there are."""
        found = {each: sum(v.outcome == each for v in self.verdicts) for each in STATUS}
        return {each: count for each, count in found.items() if count}

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        form = fields_form(self)
        verdicts = form.pop("verdicts")
        outcome = {"outcome": self.outcome, "exit_status": self.exit_status}
        return {**outcome, **form, "counts": self.counts, "verdicts": verdicts}

    def keep(self, store: Store) -> None:
        """Keep the verdicts beside the rows, for the page; where nothing can be written, it is not kept."""
        with suppress(StoreError):
            content = {"of": _stamp(store), **self.as_dict()}
            store.files.write(GATE, json.dumps(content, indent=1).encode())


def judge(policy: Policy, store: Store) -> Gate:
    """The verdict of each rule on each run of a folder that it speaks of.

    What it took to compute is kept beside the runs, once no rule is wrong.

    Raises:
        ArgumentError: a rule matches nothing, or its limit is beyond what its metric can be; the message names the
            rule, the field and the nearest name.
        StoreError: records cannot be read.
    """
    folder = _Folder(store, policy)
    asked = [case for rule in policy.rules for case in _cases(policy, rule, folder)]
    folder.save()
    known = [(case.evidence, case.limit) for case in asked if case.evidence is not None]
    ruled = iter(rulings(known))
    return Gate(
        tuple(case.verdict(next(ruled) if case.evidence is not None else None) for case in asked),
        policy.undecided,
        policy.source,
        folder.remarks_on(policy.rules),
    )


MOST = 1.0001
"""Largest limit of a share: earlier versions wrote it of an interval that ends at 1."""

MOST_RATIO = 10.0
"""Largest limit of a ratio that is taken for one: 75 was meant as 75 %, and must say so."""

IN_PERCENT = ("fraction", "ratio")
"""Units of which a limit may be written in percent."""


def _require_limit(place: str, rule: Rule, metric: Metric) -> None:
    """Raise where a limit is beyond what a metric can be, or must be in percent: every model would pass it, or none.

    Args:
        place: how the message begins.
        rule: whose limit it is.
        metric: what is judged by it.

    Raises:
        ArgumentError: naming the rule and what its limit must be.
    """
    limit, is_difference, (least, most) = rule.limit, rule.kind == "worse_by_at_most", metric.range
    was = f"was {limit:g}" if metric.unit not in IN_PERCENT else f"was {limit:g}, which is {100 * limit:g} %"
    if rule.in_percent and metric.unit not in IN_PERCENT:
        raise ArgumentError(
            f"{place}: {rule.kind} must be a number without %, as {metric.title} has the unit {metric.unit}; "
            f"was {100 * limit:g} %"
        )
    if metric.unit == "fraction" and (limit >= 1 if is_difference else not -MOST <= limit <= MOST):
        raise ArgumentError(
            f'{place}: {rule.kind} must be a share, as 0.01 for one point, or a text as in "1 %", since '
            f"{metric.title} is one; {was}"
        )
    if metric.unit == "ratio" and not rule.in_percent and (limit >= 1 if is_difference else abs(limit) > MOST_RATIO):
        raise ArgumentError(
            f'{place}: {rule.kind} must be a ratio, as 0.75 for 75 %, or a text as in "75 %", since {metric.title} is '
            f"one; {was}"
        )
    if not is_difference and limit < least:
        raise ArgumentError(f"{place}: {rule.kind} must be at least {least:g}, as {metric.title} always is; {was}")
    assert is_difference or limit <= most * MOST, "a share is the only metric with an upper end"


def _measured_metric(name: str, card: Card, scores: Sequence[Score]) -> Metric:
    """What a rule on a metric of that name measures; of one that its card does not declare what a score says."""
    if name in WRONG or name in FLIPS:
        return Metric(name)
    found, score = card.metric(name), next((each for each in scores if each.metric == name), None)
    if any(each.name == name.removesuffix(PARTIAL) for each in card.declared):
        return found
    return replace(found, signed=True, unit=score.unit if score else found.unit)


def kept_gate(store: Store) -> tuple[Gate, bool] | None:
    """The last gate of a folder, and whether its rows are still the same; ``None`` where none was asked."""
    with suppress(StoreError, LookupError, TypeError, ValueError, AttributeError):
        content = store.files.read(GATE)
        if content:
            found = parsed(content, f"{store.address}/{GATE}")
            of = found.pop("of")
            return from_json(Gate, found, GATE), of == _stamp(store)
    return None


def _stamp(store: Store) -> str:
    return digest_of(sorted([run.key, sorted(run.contents()[0].items())] for run in store.runs()))


@dataclass(frozen=True)
class _Case:
    """One rule on one run: the evidence and the limit, or why there is none."""

    rule: Rule
    model: str
    benchmark: str
    data: str
    metric: str
    unit: str
    limit: Limit
    evidence: Evidence | None = None
    reason: str = ""
    run: JudgedRun | None = None
    baseline: JudgedRun | None = None
    images_of: str = ""

    def verdict(self, ruling: Ruling | None) -> GateVerdict:
        missing = GateVerdict(
            rule=self.rule,
            model=self.model,
            benchmark=self.benchmark,
            data=self.data,
            outcome="missing",
            metric=self.metric,
            unit=self.unit,
            reason=self.reason,
            run=self.run,
            baseline=self.baseline,
            images_of=self.images_of,
        )
        if ruling is None or self.evidence is None:
            return missing
        return replace(
            missing,
            outcome=ruling.outcome,
            value=self.evidence.value,
            interval=ruling.interval,
            confidence=ruling.confidence,
            family=ruling.family,
            n=self.evidence.n,
            more=ruling.more,
            at_least=ruling.at_least,
            looked=self.evidence.looked,
            exact=self.evidence.exact,
        )


class _UnmatchedError(Exception):
    """What of a rule no run has: the field, what it says, and the names that there are."""

    def __init__(self, field: str, value: str, known: Sequence[str]) -> None:
        super().__init__(field)
        self.field, self.value, self.known = field, value, list(dict.fromkeys(known))


class _MissingError(Exception):
    """Why a number is not there, in a line."""


class _NoPictureError(_MissingError):
    """A number is not there, and more pictures might give it."""


class _Folder:
    """A folder's results and runs, and the baselines that rules name, each read once."""

    def __init__(self, store: Store, policy: Policy) -> None:
        self.store, self.policy = store, policy
        runs = with_joined([ScoredRun(run, card_of(run.run)) for run in store.runs()])
        self.runs = {run.stored.key: run for run in runs}
        self._baselines: dict[str, _Folder | str] = {}

    @cached_property
    def results(self) -> list[Result]:
        """Of all runs."""
        return results_of_runs(list(self.runs.values()), self.store)

    @cached_property
    def successors(self) -> dict[str, ScoredRun]:
        """By the key of each run that is not judged: the run of its name that was evaluated last."""
        return successors_of(list(self.runs.values()))

    def results_for(self, rule: Rule) -> list[Result]:
        """The results that a rule may speak of: of several runs of one name the last, or the one that it names.

        Raises:
            _UnmatchedError: there is none that it names.
        """
        if not rule.run:
            return [result for result in self.results if result.key not in self.successors]
        found = [result for result in self.results if named_by(result.run, result.key, rule.run)]
        if not found:
            raise _UnmatchedError("run", rule.run, [result.key for result in self.results])
        return found

    @cached_property
    def names(self) -> dict[str, str]:
        """By a run's key the model's name, with what tells it from others of its table that are judged."""
        last = [result for result in self.results if result.key not in self.successors]
        return {**_names_of(self.results), **_names_of(last)}

    def remarks_on(self, rules: Sequence[Rule]) -> tuple[str, ...]:
        """A line for each run that rules would speak of, had not another one of its name been evaluated later."""
        found = []
        for result in self.results:
            successor = self.successors.get(result.key)
            named = any(rule.run and named_by(result.run, result.key, rule.run) for rule in rules)
            if successor is None or named or not any(_is_about(rule, result) for rule in rules if not rule.run):
                continue
            old, new = JudgedRun.of(self.runs[result.key]), JudgedRun.of(successor)
            digits = old.key[:KEY_DIGITS]
            found.append(
                f"not judged: the run {digits} of {result.name} on {result.benchmark}"
                f"{f' ({old.label})' if old.label else ''}, since the run {new.key[:KEY_DIGITS]}"
                f'{f" ({new.label})" if new.label else ""} of that name was evaluated later; run = "{digits}" in a '
                f"rule judges it, 'hardiness data drop {self.store.address} {digits}' removes it"
            )
        return tuple(found)

    def baseline(self, address: str) -> _Folder:
        """The folder that rules name so, relative to that of their policy.

        Raises:
            _MissingError: it holds no records.
        """
        if address not in self._baselines:
            try:
                self._baselines[address] = _Folder(Store.open(self.policy.address_of(address)), self.policy)
            except HardinessError as error:
                self._baselines[address] = str(error)
        found = self._baselines[address]
        if isinstance(found, str):
            raise _MissingError(f"baseline: {found}")
        return found

    def save(self) -> None:
        """Keep what was computed of the runs."""
        for run in self.runs.values():
            run.save()


KEY_DIGITS = 8
"""Digits of a run's key by which lines name it."""


def _names_of(results: Sequence[Result]) -> dict[str, str]:
    """By a run's key the model's name, with what tells it from others of its table among these."""
    groups: dict[tuple[str, ...], list[Result]] = {}
    for result in results:
        groups.setdefault(group_of(result), []).append(result)
    return {
        result.key: f"{result.name} ({text})" if text else result.name
        for group in groups.values()
        for result, text in zip(group, differences_of(group), strict=True)
    }


def _is_about(rule: Rule, result: Result) -> bool:
    """Whether a rule is about a result's benchmark and model."""
    return rule.benchmark in (ANY, result.benchmark) and rule.model in ("", result.name, result.model)


def _cases(policy: Policy, rule: Rule, folder: _Folder) -> list[_Case]:
    """Every run that a rule speaks of.

    Raises:
        ArgumentError: there is none.
    """
    place = policy.place(rule)
    benchmarks = {result.benchmark for result in folder.results}
    if rule.benchmark not in (ANY, *benchmarks):
        raise _matches_nothing(place, folder, _UnmatchedError("benchmark", rule.benchmark, sorted(benchmarks)))
    models = {name for result in folder.results for name in (result.name, result.model)}
    if rule.model and rule.model not in models:
        raise _matches_nothing(place, folder, _UnmatchedError("model", rule.model, sorted(models)))
    found: list[_Case] = []
    unmatched: list[tuple[Result, _UnmatchedError]] = []
    try:
        results = folder.results_for(rule)
    except _UnmatchedError as error:
        raise _matches_nothing(place, folder, error) from None
    for result in results:
        if _is_about(rule, result):
            try:
                found.append(_case(rule, result, folder))
            except _UnmatchedError as error:
                unmatched.append((result, error))
    if not found and unmatched:
        raise _matches_nothing(place, folder, unmatched[0][1])
    if rule.benchmark == ANY:
        return found
    for result, absent in unmatched:
        reason = f"no {absent.field} {absent.value!r} in this run"
        found.append(_absent(rule, folder.names[result.key], result.data, reason))
    there = {case.model for case in found}
    plain = {result.name for result in results if result.benchmark == rule.benchmark}
    lacking = [r for r in results if rule.model in ("", r.name, r.model) and r.name not in plain]
    names = [name for name in dict.fromkeys(result.name for result in lacking) if name not in there]
    reason = f"no run of {rule.benchmark}; run it, or say model = of the rule"
    found.extend(_absent(rule, name, "", reason) for name in names)
    return found


def _matches_nothing(place: str, folder: _Folder, error: _UnmatchedError) -> ArgumentError:
    return ArgumentError(
        f"{place}: {error.field} {error.value!r} matches nothing in {folder.store.address}"
        f"{suggestion(error.value, error.known)}"
    )


def _absent(rule: Rule, model: str, data: str, reason: str) -> _Case:
    return _Case(rule, model, rule.benchmark, data, rule.title, "fraction", Limit(rule.limit, 1), None, reason)


def _case(rule: Rule, result: Result, folder: _Folder) -> _Case:
    """One rule on one run.

    Raises:
        ArgumentError: the limit is beyond what the metric can be.
        _UnmatchedError: the run has no such score, condition, group or class.
    """
    run = folder.runs[result.key]
    metric, condition = _metric_of(rule, result)
    _require_limit(folder.policy.place(rule), rule, _measured_metric(metric, run.card, result.scores))
    side = -1 if rule.kind == "at_least" else 1
    case = _Case(
        rule, folder.names[result.key], result.benchmark, result.data, rule.title, "fraction", Limit(rule.limit, side)
    )
    of_class = f"class {condition['class']}" if "class" in condition else ""
    case = replace(case, run=JudgedRun.of(run), images_of=of_class or result.data)
    try:
        _require_whole(result)
        _require_whole_headline(rule, metric, result.benchmark)
        if rule.against:
            case = replace(case, baseline=JudgedRun.of(_baseline_run(rule, run, folder)))
        is_looked_at = result.stop is not None and bool(result.stop.policy)
        if metric in FLIPS:
            case = replace(case, metric=rule.name or f"{rule.title}, against {rule.against}")
            if is_looked_at:
                return replace(case, evidence=_kept_look(rule, metric, condition, run, folder))
            return replace(case, evidence=_flips(rule, run, folder))
        score = _score(result, metric, condition)
        _require_standing(result, score)
        title = _title(run, score, metric, condition)
        if metric == WORST_CLASS and score is not None and (names := _lowest_classes(result, score)):
            case = replace(case, images_of=f"class {names[0]}")
            title = f"{title} ({', '.join(names)})"
        title = rule.name or title
        if rule.kind == "worse_by_at_most":
            title = f"{title}, worse than {rule.against}"
        case = replace(case, metric=title, unit=score.unit if score else "fraction")
        if is_looked_at:
            return replace(case, evidence=_kept_look(rule, metric, condition, run, folder))
        if rule.kind == "worse_by_at_most":
            return replace(case, evidence=_paired(rule, metric, condition, run, folder))
        return replace(case, evidence=_of_score(score) if score else _from_rows(run, metric, condition))
    except _MissingError as error:
        return replace(case, reason=str(error))


def _require_standing(result: Result, score: Score | None) -> None:
    """Raise where a number is undefined, or the report on an attack does not stand by it.

    Args:
        result: whose.
        score: the number; ``None`` where it is made of the rows, which are then all of an attack's.
    """
    if doubt := score.doubt if score else result.doubt:
        raise _MissingError(f"{doubt}: the report on the attack does not stand by the number")
    if score is not None and score.value is None:
        raise _MissingError(f"undefined: {score.reason}")


def _metric_of(rule: Rule, result: Result) -> tuple[str, Condition]:
    """The metric and condition that a rule means of a result."""
    if rule.metric != HEADLINE:
        return rule.metric, rule.where
    card = card_of(result.run)
    column = card.headline_of(card.columns_of([result]))
    if column is None:
        first = next(iter(result.scores), None)
        if first is None:
            raise _UnmatchedError("metric", HEADLINE, [])
        return first.metric, Condition(**{**first.condition, **rule.where})
    return column.metric, Condition(**{**column.condition, **rule.where})


def _require_whole_headline(rule: Rule, metric: str, benchmark: str) -> None:
    """Raise where a rule is on the headline, and a part of the benchmark was run, which has none.

    Raises:
        _MissingError: naming the score of the part.
    """
    if rule.metric == HEADLINE and metric.endswith(PARTIAL):
        whole = metric.removesuffix(PARTIAL)
        raise _MissingError(
            f"partial: only a part of {benchmark} was evaluated, which has no headline {whole}: run the whole, or "
            f'write metric = "{metric}"'
        )


WORST_CLASS = "worst_class"


def _lowest_classes(result: Result, worst: Score) -> list[str]:
    """The classes whose recall is the lowest one, by name; a few of many."""
    recalls = {
        str(score.condition["class"]): score.value
        for score in result.scores
        if score.metric == "recall"
        and "class" in score.condition
        and {key: value for key, value in score.condition.items() if key != "class"} == dict(worst.condition)
    }
    names = [name for name, value in recalls.items() if value == worst.value]
    return names if len(names) <= MOST_CLASSES else [*names[:MOST_CLASSES], f"{len(names) - MOST_CLASSES} more"]


MOST_CLASSES = 3
"""Classes of one recall that are named."""


def _title(run: ScoredRun, score: Score | None, metric: str, condition: Condition) -> str:
    return run.card.title(score.metric, score.condition) if score else run.card.title(metric, condition)


def _require_whole(result: Result) -> None:
    """Raise where a run was cut off before it had what it was asked for."""
    counts = result.counts
    if not counts.images:
        raise _MissingError("nothing was evaluated")
    every = result.measured.get("sessions", ())
    # A session that was killed has kept that it began, and no rows.
    sessions = [session for session in every if session.get("rows")] or every
    limits = [session.get("limit") for session in sessions]
    if not limits or result.stop is not None or counts.complete:
        return
    asked = [session.get("asked", {}) for session in sessions]
    if any(
        each.get(name) is not None for each in asked for name in ("time_budget_s", "precision_target", "until_decided")
    ):
        return
    samples = result.run.data.samples
    wanted = samples if None in limits else min(max(limits), samples)
    failed = len({failure.sample for failure in result.failures})
    if counts.images + failed < wanted:
        raise _MissingError(
            f"partial: {counts.images:,} of {wanted:,} images were evaluated; the same 'hardiness run' continues"
        )


def _score(result: Result, metric: str, where: Condition) -> Score | None:
    """The score of that metric and condition; ``None`` where rows must be asked.

    Raises:
        _MissingError: a part of the benchmark was run, so that there is no such score.
        _UnmatchedError: neither scores nor rows have it.
    """
    wanted = {key: str(value) for key, value in where.items()}
    of_metric = [score for score in result.scores if score.metric == metric]
    for score in of_metric:
        if {key: str(value) for key, value in score.condition.items()} == wanted:
            return score
    if metric in WRONG and (where or not of_metric):
        return None
    if any(score.metric == f"{metric}_partial" for score in result.scores):
        failed = len({failure.sample for failure in result.failures})
        which = f" (failed images: {failed:,})" if failed else ""
        raise _MissingError(
            f"partial: only a part of {result.benchmark} was evaluated{which}, which has no {metric}: mend that, or "
            f"name {metric}_partial"
        )
    if not of_metric:
        raise _UnmatchedError("metric", metric, sorted({*(s.metric for s in result.scores), HEADLINE, *WRONG, *FLIPS}))
    raise _unmatched_where(where, [score.condition for score in of_metric])


def _unmatched_where(where: Condition, conditions: Sequence[Mapping[str, Any]]) -> _UnmatchedError:
    """Which word of a condition is the one that no score has."""
    keys = {key for each in conditions for key in each}
    for key, value in where.items():
        if key not in keys:
            return _UnmatchedError("where", key, sorted(keys))
        values = {str(each[key]) for each in conditions if key in each}
        if str(value) not in values:
            return _UnmatchedError(f"where {key}", str(value), sorted(values))
    return _UnmatchedError("where", str(where), sorted({str(each) for each in map(_text, conditions)} - {""}))


def _text(condition: Mapping[str, Any]) -> str:
    return " ".join(f"{key}={value}" for key, value in condition.items())


def _of_score(score: Score) -> Evidence:
    """The evidence of a stored score that has a value.

    Raises:
        _MissingError: it has no interval.
    """
    assert score.value is not None, "what is undefined is missing already"
    if score.interval is None:
        raise _MissingError(f"no interval: {score.interval_reason or 'none is defined for this score'}")
    share = score.unit == "fraction" and 0 <= score.interval.low <= score.interval.high <= 1
    if share and (hits := _hits(score.value, score.n, score.interval)) is not None:
        return Evidence.from_share(hits, score.n)
    return Evidence.from_interval(score.value, score.interval, score.n, share=share)


def _hits(value: float, n: int, interval: Interval) -> int | None:
    """Of how many of n images a score is the share; ``None`` where it is none, which its interval tells."""
    hits = round(value * n)
    if n < 1 or not 0 <= hits <= n or abs(hits - value * n) > 1e-6:
        return None
    of_share = wilson(hits, n)
    ends = (of_share.low, interval.low), (of_share.high, interval.high)
    return hits if all(math.isclose(*pair, rel_tol=0, abs_tol=1e-9) for pair in ends) else None


@dataclass(frozen=True)
class _Part:
    """Which cells and images of a table a rule is about."""

    cells: list[int]
    rows: NDArray[np.bool_]


def _part(table: ImageTable, where: Condition, run: Run) -> _Part:
    """The cells and images that ``where`` names; without a word on cells all but the clean one, if there are others.

    Raises:
        _UnmatchedError: there is no such cell, group or class.
    """
    rows = np.ones(len(table), bool)
    rest = dict(where)
    if "class" in rest:
        namer, wanted = card_of(run).class_namer(run), str(rest.pop("class"))
        # Of ImageNet's classes two are called crane, and two maillot: a rule on the name is on both.
        names = {int(label): namer(int(label)) for label in np.unique(table.label)}
        if wanted not in names.values():
            raise _UnmatchedError("where class", wanted, sorted(names.values()))
        rows = np.isin(table.label, [label for label, name in names.items() if name == wanted])
    if "group" in rest:
        groups = _groups(run, table)
        wanted = str(rest.pop("group"))
        if wanted not in groups:
            raise _UnmatchedError("where group", wanted, sorted(groups))
        cells = [k for k, cell in enumerate(table.present) if cell.get("corruption") in groups[wanted]]
    else:
        cells = list(range(len(table.present)))
    chosen = [k for k in cells if all(str(table.present[k].get(key)) == str(value) for key, value in rest.items())]
    if not chosen:
        words = {**dict.fromkeys(("class", "group"), ""), **{k: "" for each in table.present for k in each}}
        if unknown := next((key for key in rest if key not in words), None):
            raise _UnmatchedError("where", unknown, sorted(words))
        raise _unmatched_where(Condition(**rest), [table.present[k] for k in cells])
    if not (set(where) - {"class"}) and len(chosen) > 1:
        chosen = [k for k in chosen if table.present[k]]
    return _Part(chosen, rows)


def _groups(run: Run, table: ImageTable) -> Mapping[str, tuple[str, ...]]:
    """The groups of corruptions that a run's benchmark has, or any set that its corruptions are of."""
    held = {str(cell.get("corruption")) for cell in table.present}
    for name in sorted(set_names(), key=lambda each: each != run.benchmark.name):
        groups = distortion_set(name).groups
        known = {group: members for group, members in groups.items() if held & set(members)}
        if known:
            return known
    return {}


def _weighed(table: ImageTable, metric: str, where: Condition, run: ScoredRun) -> tuple[WeightedSum, _Part]:
    """A score as a weighted sum of cells over some images.

    Raises:
        _UnmatchedError: it is no such sum, or there is no such cell, group or class.
    """
    identity = run.stored.run
    every = np.ones(len(table), bool)
    sums = run.card.sums(table, identity, published_baseline(identity))
    for each in sums:
        if each.metric == metric and each.condition == where:
            return each, _Part(np.flatnonzero(each.weights).tolist(), every)
    if metric not in WRONG:
        raise _UnmatchedError("metric", metric, sorted({*(each.metric for each in sums), *WRONG, *FLIPS}))
    part = _part(table, where, identity)
    right = table[RIGHT]
    values = np.where(right < 0, np.nan, (right == 1) != WRONG[metric])
    weights = np.zeros(len(table.present))
    weights[part.cells] = 1 / len(part.cells)
    return WeightedSum(metric, values, weights, where, higher_is_better=not WRONG[metric]), part


def _remembered(run: ScoredRun, name: Sequence[Any], state: str, compute: Any) -> Evidence:
    """Evidence that follows from rows, kept beside them; `_MissingError` is kept too."""

    def made() -> list[Any]:
        try:
            return ["evidence", list(fields_form(compute()).values())]
        except _MissingError as error:
            return ["missing", str(error)]

    what, found = run.memo.value(f"gate {digest_of([VERSION, *name])}", state, made)
    if what == "missing":
        raise _MissingError(found)
    return from_json(Evidence, found, "the evidence")


def _from_rows(run: ScoredRun, metric: str, where: Condition) -> Evidence:
    """The evidence of an error or accuracy over some cells and one class or all."""

    def compute() -> Evidence:
        table = run.table
        of, part = _weighed(table, metric, where, run)
        values = np.asarray(of.values[part.rows][:, part.cells], np.float64)
        if not len(values) or np.isnan(values).all(axis=0).any():
            raise _MissingError("a condition has no picture")
        return Evidence.from_shares(table.ids[part.rows], values)

    return _remembered(run, ["rows", metric, dict(where)], "", compute)


def _flips(rule: Rule, run: ScoredRun, folder: _Folder) -> Evidence:
    """The evidence of flips from the baseline's run."""
    before = _baseline_run(rule, run, folder)

    def compute() -> Evidence:
        table, part = _flip_part(rule, run, run.columns("answer"), before)
        values = getattr(table, FLIPS[rule.metric])
        values, ids = (values[part.rows][:, part.cells], table.ids[part.rows]) if part else (values, table.ids)
        there = ~np.isnan(values).all(axis=0)
        if not there.any():
            raise _NoPictureError(NO_PICTURE)
        return Evidence.from_shares(ids, values[:, there])

    return _remembered(run, [rule.metric, dict(rule.where)], _state_of(before), compute)


NO_PICTURE = "the baseline shares no picture and condition"


def _flip_part(rule: Rule, run: ScoredRun, now: ImageTable, before: ScoredRun) -> tuple[FlipTable, _Part | None]:
    """The flips from the baseline's run to a table of one, and which of them a rule is about; ``None`` for all.

    Raises:
        _MissingError: one of the two has no answers.
        _NoPictureError: they share no picture.
        _UnmatchedError: there is no such cell, group or class.
    """
    tables = before.columns("answer"), now
    if not all("answer" in table and table["answer"].ndim == 2 for table in tables):
        raise _MissingError(f"{run.stored.run.benchmark.name} keeps no answer for each picture and condition")
    table = flip_table(*tables)
    if table is None:
        raise _NoPictureError(NO_PICTURE)
    # Cells and images by name, as for errors; all cells where none is named, the clean one too.
    there = ImageTable(
        table.ids,
        table.label,
        table.conditions,
        np.arange(len(table.conditions), dtype=np.int16),
        {RIGHT: np.where(np.isnan(table.negative), -1, 0).astype(np.int8)},
    )
    return table, _part(there, rule.where, run.stored.run) if rule.where else None


def _state_of(before: ScoredRun) -> str:
    return digest_of([before.stored.key, before.digest])


def _baseline_run(rule: Rule, run: ScoredRun, folder: _Folder) -> ScoredRun:
    """The run of the baseline folder on the same pictures.

    Raises:
        _MissingError: there is none, and the message says what differs; or several that are equally new.
    """
    mine, baseline = run.stored.run, folder.baseline(rule.against)
    name = rule.baseline_model(mine.model.name)
    runs = [each for each in baseline.runs.values() if each.stored.run.benchmark.name == mine.benchmark.name]
    models = dict.fromkeys(each.stored.run.model.name for each in runs)
    named = [each for each in runs if each.stored.run.model.name == name]
    if not named:
        hint = (
            f"; it has {', '.join(models)}: name it, as in against_model = {_quoted(next(iter(models)))}"
            if models
            else ""
        )
        raise _MissingError(f"the baseline {rule.against} has no run of {name} on {mine.benchmark.name}{hint}")
    if rule.against_run:
        keys = [each.stored.key[:KEY_DIGITS] for each in named]
        named = [each for each in named if named_by(each.stored.run, each.stored.key, rule.against_run)]
        if not named:
            raise _MissingError(
                f"the baseline {rule.against} has no run {rule.against_run} of {name} on {mine.benchmark.name}; it has "
                f"{', '.join(keys)}"
            )
    alike = [each for each in named if question_of(each.stored.run) == question_of(mine)] or named
    precise = [each for each in alike if each.stored.run.precision == mine.precision] or alike
    last = evaluated_last(precise)
    differing = {each.stored.key: list(_differing(run, each)) for each in last}
    fewest = min(map(len, differing.values()))
    nearest = [each for each in last if len(differing[each.stored.key]) == fewest]
    if fewest:
        raise _MissingError(f"the baseline {rule.against} differs in {'; '.join(differing[nearest[0].stored.key])}")
    if len(nearest) > 1:
        told = ", ".join(f"{each.stored.key[:KEY_DIGITS]} ({JudgedRun.of(each).label})" for each in nearest)
        raise _MissingError(
            f"the baseline {rule.against} has {len(nearest)} runs of {name} on {mine.benchmark.name}, and nothing says "
            f"which was evaluated last: {told}; name one, as in against_run = "
            f"{_quoted(nearest[0].stored.key[:KEY_DIGITS])}"
        )
    return nearest[0]


def _differing(run: ScoredRun, baseline: ScoredRun) -> Iterator[str]:
    """What of two runs makes their pictures, or what is asked of these, differ."""
    mine, theirs = run.stored.run, baseline.stored.run
    pairs: dict[str, tuple[Any, Any]] = {
        "data fingerprint": (mine.data.fingerprint[:6], theirs.data.fingerprint[:6]),
        "protocol": (mine.benchmark.protocol, theirs.benchmark.protocol),
        "benchmark's code": (mine.benchmark.code_sha256[:6], theirs.benchmark.code_sha256[:6]),
        "class order": (mine.model.outputs_sha256[:6], theirs.model.outputs_sha256[:6]),
        "seed": (mine.seed, theirs.seed),
    }
    if mine.data.fingerprint != theirs.data.fingerprint and mine.data.name != theirs.data.name:
        pairs["data"] = (mine.data.name, theirs.data.name)
    views: tuple[Any, Any] = json_form(mine.model.view), json_form(theirs.model.view)
    if mine.model.is_foreign or theirs.model.is_foreign:  # the file's answers are by the data's classes
        views = {}, {}
        del pairs["class order"]
    elif _normalises_itself(run) or _normalises_itself(baseline):
        for each in views:
            for name in _NUMBERS:
                del each[name]
    named = {
        "view": views,
        "option": (dict(mine.benchmark.options), dict(theirs.benchmark.options)),
        "version": (dict(mine.versions), dict(theirs.versions)),
    }
    for what, (own, other) in named.items():
        for key in dict.fromkeys((*own, *other)):
            pairs[f"{what} {key}"] = (own.get(key), other.get(key))
    for what, (own, other) in pairs.items():
        if own != other:
            yield f"{what} ({_spelled(own)} here, {_spelled(other)} there)"


_NUMBERS = ("mean", "std", "range", "channel_order")


def _normalises_itself(run: ScoredRun) -> bool:
    """Whether the network behind a run takes pixels as they are because mean and std lie in its graph or code.

    A network of a library that takes them so was trained on other numbers than one that does not.
    """
    model = run.stored.run.model
    if (model.view.mean, model.view.std) != ((0.0,) * 3, (1.0,) * 3):
        return False
    typed = [str(session.get("asked", {}).get("model", "")) for session in run.sessions()]
    # While its first pictures come in no session is kept, and nothing speaks against it.
    return (
        model.view.range == "0..255" or bool(model.code_sha256) or not typed or any("onnx:" in each for each in typed)
    )


def _spelled(value: Any) -> str:
    return "none" if value in (None, "") else spelled(value, "/")


def _paired(rule: Rule, metric: str, where: Condition, run: ScoredRun, folder: _Folder) -> Evidence:
    """The evidence of how much worse a run is than the baseline's, on the same images."""
    before = _standing_baseline(rule, metric, where, run, folder)

    def compute() -> Evidence:
        try:
            pairs = _pairs(metric, where, run, run.table, before)
        except _UnmatchedError:
            return _paired_measures(metric, where, run, before)
        found = Evidence.from_differences(pairs.ids, pairs.mine, pairs.theirs, pairs.weights, pairs.top)
        if found is None:
            raise _MissingError("the two differ on fewer than two images, too few for an interval of a part")
        return found

    return _remembered(run, ["worse", metric, dict(where)], _state_of(before), compute)


def _standing_baseline(rule: Rule, metric: str, where: Condition, run: ScoredRun, folder: _Folder) -> ScoredRun:
    """The baseline's run, whose number is defined and not doubted.

    Raises:
        _MissingError: there is none.
    """
    before = _baseline_run(rule, run, folder)
    theirs = next(each for each in folder.baseline(rule.against).results if each.key == before.stored.key)
    try:
        _require_standing(theirs, _score(theirs, metric, where))
    except (_MissingError, _UnmatchedError) as error:
        raise _MissingError(f"the baseline's number: {error}") from None
    return before


@dataclass(frozen=True)
class _Pairs:
    """Values of two runs by image and cell, higher being worse, of the images that both have.

    Attributes:
        ids: ``(N,)`` of the images, sorted.
        mine, theirs: ``(N, M)``.
        weights: ``(M,)`` of the cells.
        top: the largest that a value can be.
    """

    ids: NDArray[np.object_]
    mine: NDArray[np.float64]
    theirs: NDArray[np.float64]
    weights: NDArray[np.float64]
    top: float


def _pairs(metric: str, where: Condition, run: ScoredRun, table: ImageTable, before: ScoredRun) -> _Pairs:
    """The images and cells by which a run is held against the baseline's.

    Raises:
        _MissingError: the baseline has other cells.
        _NoPictureError: it has none of the images.
        _UnmatchedError: the metric is no weighted sum of cells, or there is no such cell, group or class.
    """
    own, part = _weighed(table, metric, where, run)
    other, its = _weighed(before.table, metric, where, before)
    cells = [table.present[k] for k in part.cells]
    if cells != [before.table.present[k] for k in its.cells]:
        raise _MissingError("the baseline was run under other conditions")
    places = before.table.rows_of(table.ids)
    both = (places >= 0) & part.rows
    if not both.any():
        raise _NoPictureError("the baseline shares no picture")
    sign = -1.0 if own.higher_is_better else 1.0
    mine = np.asarray(own.values[both][:, part.cells], np.float64)
    theirs = np.asarray(other.values[places[both]][:, its.cells], np.float64)
    return _Pairs(table.ids[both], sign * mine, sign * theirs, own.weights[part.cells], own.top)


def _paired_measures(metric: str, where: Condition, mine: ScoredRun, theirs: ScoredRun) -> Evidence:
    """Of a score that sorts or divides, as calibration does."""
    tables = [(each.table, each.stored.run) for each in (mine, theirs) if len(each.table)]
    runs = [found for table, run in tables if (found := measured(table, run)) is not None]
    if len(runs) < 2:
        raise _MissingError("no image was evaluated under every condition")
    ids = np.intersect1d(runs[0].ids, runs[1].ids)
    scores = [s for each in runs for s in each.scores if (s.metric, s.condition) == (metric, where)]
    if len(scores) < 2 or not len(ids):
        raise _MissingError(f"{metric} is no score that two runs are compared by on the same images")
    (first, lacks), (second, lacks_too) = (run.estimate(score, ids) for run, score in zip(runs, scores, strict=True))
    span = max(score.span for score in scores)
    tested = difference(first, second, span, lacks or lacks_too)
    if tested.interval is None:
        raise _MissingError(f"no interval of the difference: {tested.reason}")
    value, low, high = tested.value, tested.interval.low, tested.interval.high
    if scores[0].higher_is_better:
        value, low, high = -value, -high, -low
    return Evidence.from_interval(value, Interval(low, high), tested.n, share=False)


class _UndecidableError(Exception):
    """Why no look at a part of the pictures decides a rule, in a line."""


def _look(
    rule: Rule, metric: str, where: Condition, run: ScoredRun, table: ImageTable, folder: _Folder
) -> Evidence | None:
    """The evidence that a part of a run's pictures gives, valid at every look; ``None`` while there is too little.

    Raises:
        _MissingError: no further picture gives any.
        _UndecidableError: the metric is no weighted sum of cell means over images.
        _UnmatchedError: the run has no such metric, cell, group or class.
    """
    try:
        if metric in FLIPS:
            flips, part = _flip_part(rule, run, table, _baseline_run(rule, run, folder))
            values = getattr(flips, FLIPS[metric])
            rows = part.rows if part else np.ones(len(flips.ids), bool)
            cells = part.cells if part else list(range(len(flips.conditions)))
            return Evidence.from_looks(flips.ids[rows], values[rows][:, cells], np.full(len(cells), 1 / len(cells)))
        if rule.kind == "worse_by_at_most":
            pairs = _pairs(metric, where, run, table, _standing_baseline(rule, metric, where, run, folder))
            return Evidence.from_looks(pairs.ids, pairs.mine - pairs.theirs, pairs.weights, pairs.top, paired=True)
        of, some = _weighed(table, metric, where, run)
        values = np.asarray(of.values[some.rows][:, some.cells], np.float64)
        return Evidence.from_looks(table.ids[some.rows], values, of.weights[some.cells], of.top)
    except _NoPictureError:
        return None
    except _UnmatchedError as error:
        known = {score.metric for score in run.scores(published_baseline(run.stored.run))[0]}
        if error.field == "metric" and metric in known:
            raise _UndecidableError(f"{metric} is no mean over pictures that a part of them could decide") from None
        raise


def _kept_look(rule: Rule, metric: str, where: Condition, run: ScoredRun, folder: _Folder) -> Evidence:
    """The evidence of a run that was stopped where the rules of a policy were decided.

    Raises:
        _MissingError: there is none that holds although the run was looked at.
    """

    def compute() -> Evidence:
        try:
            found = _look(rule, metric, where, run, run.table, folder)
        except _UndecidableError as error:
            raise _MissingError(
                f"{error}, and this run was stopped where rules were decided; the same 'hardiness run' without "
                "--until-decided evaluates the rest"
            ) from None
        if found is None:
            raise _MissingError("too few pictures to know how much it varies")
        return found

    before = _state_of(_baseline_run(rule, run, folder)) if rule.against else ""
    return _remembered(run, ["look", rule.kind, metric, dict(where)], before, compute)


@dataclass(frozen=True)
class PolicyLook:
    """The verdicts of a policy on runs while their pictures come in.

    Attributes:
        times: by how much the pictures must about grow until every rule is decided; 0 where every one is.
        outcomes: of each rule and run that pictures can decide.
        remarks: a line for each rule that no picture decides.
        whole: whether one of those needs all pictures, so that none of these runs may be stopped.
    """

    times: float
    outcomes: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    whole: bool = False


class PolicyWatch:
    """A policy, asked again and again of runs whose pictures come in.

    Args:
        policy: the rules.
        store: where every run that is to be evaluated has begun; the level is shared among all of them.
    """

    def __init__(self, policy: Policy, store: Store) -> None:
        self.policy, self._folder = policy, _Folder(store, policy)
        successors = self._folder.successors
        every = [(key, run.stored.run) for key, run in self._folder.runs.items()]
        self._family = sum(
            _speaks_of(rule, run) for rule in policy.rules for key, run in every if rule.run or key not in successors
        )

    def look(self, runs: Sequence[tuple[ScoredRun, ImageTable]]) -> PolicyLook:
        """What the rules say of some runs, each with the part of its image table that is looked at.

        Raises:
            ArgumentError: a rule matches nothing in them, or its limit is beyond what its metric can be.
        """
        cases: list[tuple[Evidence, Limit]] = []
        lacking, remarks, whole = 0, [], False
        for rule in self.policy.rules:
            for run, table in runs:
                if not _speaks_of(rule, run.stored.run):
                    continue
                place = self.policy.place(rule)
                try:
                    found = self._evidence(rule, run, table)
                except _UnmatchedError as error:
                    if rule.benchmark == ANY:
                        continue
                    raise _matches_nothing(place, self._folder, error) from None
                except _MissingError as error:
                    remarks.append(f"{place} of {run.stored.run.model.name}: no picture decides it: {error}")
                except _UndecidableError as error:
                    whole = True
                    name = run.stored.run.benchmark.name
                    remarks.append(f"{place}: {error}, so that {name} is evaluated whole")
                else:
                    lacking += found is None
                    side = -1 if rule.kind == "at_least" else 1
                    cases += [(found, Limit(rule.limit, side))] if found else []
        ruled = rulings(cases, self._family)
        open_ = [(each.n + ruling.more) / each.n for (each, _), ruling in zip(cases, ruled, strict=True) if ruling.more]
        outcomes = (*(ruling.outcome for ruling in ruled), *["cannot tell"] * lacking)
        times = max(open_, default=0.0) if not lacking else math.inf
        return PolicyLook(times, outcomes, tuple(dict.fromkeys(remarks)), whole)

    def unmatched(self, rule: Rule, run: ScoredRun) -> _UnmatchedError | None:
        """What of a rule without a baseline a run has not; ``None`` where it has everything."""
        try:
            self._evidence(rule, run, run.table)
        except _UnmatchedError as error:
            return error
        except (_MissingError, _UndecidableError):
            pass
        return None

    def require_limit(self, rule: Rule, run: ScoredRun, table: ImageTable | None = None) -> None:
        """Raise where the limit of a rule is beyond what its metric can be, as far as a run says which that is.

        Raises:
            ArgumentError: naming the rule and what its limit must be.
        """
        with suppress(_UndecidableError):
            metric, _ = self._metric_of(rule, run, run.table if table is None else table)
            _require_limit(self.policy.place(rule), rule, _measured_metric(metric, run.card, ()))

    def _evidence(self, rule: Rule, run: ScoredRun, table: ImageTable) -> Evidence | None:
        metric, where = self._metric_of(rule, run, table)
        self.require_limit(rule, run, table)
        if rule.metric == HEADLINE and metric.endswith(PARTIAL):
            if len(table.present) < len(run.stored.run.conditions) and not table.failures:
                return None  # conditions that no picture was evaluated under yet
            _require_whole_headline(rule, metric, run.stored.run.benchmark.name)
        return _look(rule, metric, where, run, table, self._folder)

    def _metric_of(self, rule: Rule, run: ScoredRun, table: ImageTable) -> tuple[str, Condition]:
        """The metric and condition that a rule means of a run.

        Raises:
            _UndecidableError: it means a headline that no part of the pictures decides.
        """
        if rule.metric != HEADLINE:
            return rule.metric, rule.where
        sums = run.card.sums(table, run.stored.run, published_baseline(run.stored.run))
        if not sums:
            raise _UndecidableError("its headline is no mean over pictures that a part of them could decide")
        return sums[0].metric, Condition(**{**sums[0].condition, **rule.where})


def _speaks_of(rule: Rule, run: Run) -> bool:
    """Whether a rule is about a run's benchmark and model."""
    name = run.model.name
    names = "", name, name if run.precision == "fp32" else f"{name} ({run.precision})"
    is_named = not rule.run or named_by(run, run.key, rule.run)
    return rule.benchmark in (ANY, run.benchmark.name) and rule.model in names and is_named


def require_policy_fits(
    policy: Policy, benchmarks: Sequence[str], models: Sequence[str], stored: Sequence[Run]
) -> None:
    """Raise unless every rule speaks of a benchmark and model that is evaluated or stored, and each benchmark has one.

    Args:
        policy: the rules.
        benchmarks, models: names of those that are to be evaluated.
        stored: the runs that there are.

    Raises:
        ArgumentError: naming the rule, the field and the nearest name; or the benchmark that no rule would stop.
    """
    known = sorted({*benchmarks, *(run.benchmark.name for run in stored)})
    named = sorted({*models, *(run.model.name for run in stored)})
    for rule in policy.rules:
        place = policy.place(rule)
        plain = rule.model.rpartition(" (")[0] or rule.model
        if rule.benchmark not in (ANY, *known):
            raise ArgumentError(
                f"{place}: benchmark {rule.benchmark!r} is neither run nor stored{suggestion(rule.benchmark, known)}"
            )
        if rule.model and not {rule.model, plain} & set(named):
            raise ArgumentError(
                f"{place}: model {rule.model!r} is neither run nor stored{suggestion(rule.model, named)}"
            )
    for name in benchmarks:
        if not any(rule.benchmark in (ANY, name) for rule in policy.rules):
            raise ArgumentError(
                f"{policy.source}: no rule speaks of {name}, so that nothing would stop it; add one, or leave it out "
                "of this command"
            )


def require_policy_matches(policy: Policy, rehearsals: Mapping[str, ScoredRun | None], store: Store) -> None:
    """Raise where a rule is on a metric, condition, group or class that no benchmark it speaks of gives.

    Args:
        policy: the rules.
        rehearsals: by each benchmark that is to be evaluated a run of made-up answers; ``None`` where there is none.
        store: of these runs.

    Raises:
        ArgumentError: naming the rule, the field and the nearest name, or what its limit must be.
    """
    watch = PolicyWatch(policy, store)
    for rule in policy.rules:
        runs = {name: run for name, run in rehearsals.items() if rule.benchmark in (ANY, name)}
        # How two runs differ is asked of the same cells and pictures as what each of them is.
        alone = replace(rule, kind="at_most", against="", metric="error" if rule.metric in FLIPS else rule.metric)
        known = [run for run in runs.values() if run and not is_of_one_set(run)]
        for run in known:
            watch.require_limit(rule, run)
        unmatched = [error for run in known if (error := watch.unmatched(alone, run))]
        if unmatched and len(unmatched) == len(runs):
            last = max(unmatched, key=lambda error: len(error.field))  # the run that has most of what the rule names
            near = sorted({name for error in unmatched if error.field == last.field for name in error.known})
            raise ArgumentError(
                f"{policy.place(rule)}: {last.field} {last.value!r} matches nothing in {', '.join(runs)}"
                f"{suggestion(last.value, near)}"
            )


def first_policy(store: Store, against: str = "", folder: str = "") -> str:
    """The TOML text of a policy that a folder's runs pass now: a limit on each headline, at the end of its interval.

    What the gate would call *missing* today, as of a run that was interrupted, gets no rule, and a comment says why.

    Args:
        store: the folder.
        against: the folder of a baseline; rules against it are written for what can be held against it, and an example
            as a comment where no baseline is given.
        folder: where the policy will lie, which paths in it are relative to; empty for the working folder.

    Raises:
        ArgumentError: there is nothing of which a rule could be made.
    """
    path = os.path.relpath(against, folder) if against and folder and _is_relative(against) else against
    judged = _Folder(store, Policy((), folder=folder))
    results = [result for result in judged.results if result.key not in judged.successors]
    drafts = [_draft(result, judged) for result in results]
    judgeable = [draft for draft in drafts if not draft.reason]
    held = [rule for draft in judgeable for rule in _rules_against(draft, path, judged)] if path else []
    family = len(judgeable) + sum(not rule.reason for rule in held)
    names = dict.fromkeys(result.name for result in results)
    lines = [
        "# Written by 'hardiness gate --write-policy' from what the folder holds. Each limit is the end of the",
        "# interval of the model that it is for: make it what you need. Values are fractions, 0.01 is one point; a",
        '# text may say percent, as in "75 %".',
    ]
    written = 0
    for (benchmark, name), alike in _grouped(drafts).items():
        about = {"model": name} if len(names) > 1 else {}
        lines += [f"# {benchmark}, {name}: no rule, since {draft.reason}" for draft in alike if draft.reason]
        known = [draft for draft in alike if not draft.reason]
        is_of_all = len(known) == len(alike) and len({(each.metric, each.condition) for each in known}) == 1
        # Where one of several runs of a name has no such number, a rule on all of them would call it missing.
        for some in [known] if is_of_all else [[draft] for draft in known]:
            more = about if is_of_all else {**about, "run": some[0].result.key}
            lines += ["", *_first_rule(some, more, family)]
            written += 1
    if not written:
        raise ArgumentError(f"{store.address} holds no headline score with an interval, of which a rule could be made")
    lines += ["", "# No score worse than the baseline's by more than a point, on the same images:"]
    if not path:
        example = {"benchmark": ANY, "against": "runs/main"}
        for given in ({"metric": HEADLINE, "worse_by_at_most": 0.01}, {"metric": "negative_flips", "at_most": 0.05}):
            lines += [*(f"# {line}" for line in ("[[rules]]", *_toml({**example, **given}))), ""]
    for text in dict.fromkeys(f"# {rule.reason}" if rule.reason else f"{rule.text}\n" for rule in held):
        lines += text.split("\n")
    lines += [
        *([""] if lines[-1] else []),
        "[policy]",
        'undecided = "fail"  # or "warn": what "cannot tell" does',
        'family = "holm"',
        "",
    ]
    return "\n".join(lines)


def _is_relative(address: str) -> bool:
    return "://" not in address and not os.path.isabs(address)


@dataclass(frozen=True)
class _Draft:
    """What a rule could be made of: the headline of a result, with its evidence or why there is none."""

    result: Result
    metric: str
    condition: Condition
    higher_is_better: bool
    evidence: Evidence | None = None
    reason: str = ""


def _draft(result: Result, folder: _Folder) -> _Draft:
    """The headline of a result as the gate would judge it."""
    column = card_of(result.run).headline_of(card_of(result.run).columns_of([result]))
    if column is None:
        reason = "it has no headline" if result.counts.images else "nothing was evaluated"
        return _Draft(result, HEADLINE, Condition(), True, reason=reason)
    score = next(s for s in result.scores if (s.metric, s.condition) == (column.metric, column.condition))
    rule = Rule(1, result.benchmark, column.metric, "at_least", 0.0, where=column.condition)
    case = _case(rule, result, folder)
    reason = "" if case.evidence else case.reason
    return _Draft(result, column.metric, column.condition, score.higher_is_better, case.evidence, reason)


def _grouped(drafts: Sequence[_Draft]) -> dict[tuple[str, str], list[_Draft]]:
    """The drafts that one rule would speak of, by benchmark and model."""
    found: dict[tuple[str, str], list[_Draft]] = {}
    for each in drafts:
        found.setdefault((each.result.benchmark, each.result.name), []).append(each)
    return found


@dataclass(frozen=True)
class _AgainstRule:
    """The text of a rule against a baseline, or why it could never match."""

    text: str
    reason: str = ""


def _rules_against(draft: _Draft, path: str, folder: _Folder) -> Iterator[_AgainstRule]:
    """The rules by which a result is held against a baseline: its headline, and what was right and is wrong now."""
    result = draft.result
    judged = {"benchmark": result.benchmark, "metric": draft.metric}
    where = {"where": draft.condition} if draft.condition else {}
    named = {"model": result.name, "against": path}
    named |= {"against_model": other} if (other := _only_other_model(result, path, folder)) else {}
    for number, given in enumerate(
        (
            {**judged, **where, **named, "worse_by_at_most": 0.01},
            {**judged, "metric": "negative_flips", **named, "at_most": 0.05},
        )
    ):
        text = "\n".join(("[[rules]]", *_toml(given)))
        (rule,) = parse_policy(text).rules
        try:
            case = _case(rule, result, folder)
        except _UnmatchedError as error:
            case = _absent(rule, result.name, result.data, f"no {error.field} {error.value!r}")
        reason = "" if case.evidence else f"{result.benchmark}, {result.name}: {case.reason}"
        if not number or not reason:
            yield _AgainstRule(text, reason)


def _only_other_model(result: Result, path: str, folder: _Folder) -> str:
    """The baseline's one model on a result's benchmark, where it is called otherwise than the result's; else empty."""
    with suppress(_MissingError):
        runs = [run.stored.run for run in folder.baseline(path).runs.values()]
        models = {run.model.name for run in runs if run.benchmark.name == result.benchmark}
        if len(models) == 1 and result.run.model.name not in models:
            return models.pop()
    return ""


def _toml(fields: Mapping[str, Any]) -> list[str]:
    """A line for each field of a rule."""

    def text_of(value: Any) -> str:
        if isinstance(value, Mapping):
            return f"{{ {', '.join(f'{_quoted(str(key))} = {text_of(each)}' for key, each in value.items())} }}"
        return _quoted(value) if isinstance(value, str) else f"{value}"

    return [f"{name} = {text_of(value)}" for name, value in fields.items()]


def _quoted(text: str) -> str:
    """As TOML writes it."""
    return json.dumps(text, ensure_ascii=False)


def _first_rule(drafts: Sequence[_Draft], about: Mapping[str, str], family: int) -> Iterator[str]:
    """The lines of a rule that these pass, in a policy of so many verdicts.

    Args:
        drafts: of one metric and condition, each with evidence.
        about: what the rule says of model and run.
        family: verdicts among which the level of those is shared that were looked at while their images came in.
    """
    known = [draft.evidence for draft in drafts if draft.evidence]
    ends = [Ruling("pass", each, family if each.looked else 1).interval for each in known]
    first = drafts[0]
    limit = (
        _rounded_out(min(each.low for each in ends), -1)
        if first.higher_is_better
        else _rounded_out(max(each.high for each in ends), 1)
    )
    if all(each.share for each in known):
        limit = min(limit, 1.0)
    where = {"where": first.condition} if first.condition else {}
    yield f"[[rules]]  # now {', '.join(f'{each.value:.4f}' for each in known)}"
    yield from _toml({"benchmark": first.result.benchmark, "metric": first.metric, **where})
    yield f"{'at_least' if first.higher_is_better else 'at_most'} = {limit:.4f}"
    yield from _toml(about)


def _rounded_out(value: float, side: int) -> float:
    """The next value of four digits after the point, away from what is good; 0 is not left."""
    found = (math.floor(value * 1e4 * side) + 1) / 1e4 * side
    return max(found, 0.0) if value >= 0 else found
