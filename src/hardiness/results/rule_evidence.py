"""The evidence that a rule of a policy has of each stored run, or why there is none."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardiness import distortions
from hardiness.benchmarks.card import Card, card_of, published_baseline
from hardiness.benchmarks.operating_limits import levels_by_corruption
from hardiness.core.attack_plan import condition_text, is_same_condition
from hardiness.core.columns import NO_GROUPING, Grouping, SliceOfPictures
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError, HardinessError, line_of, suggestion
from hardiness.core.forms import fields_form, from_json, json_form
from hardiness.core.result import IN_PERCENT, PARTIAL, Interval, Metric, Result, Score
from hardiness.core.run import Run, spelled
from hardiness.core.table import RIGHT, ImageTable
from hardiness.distortions.levels import number_text
from hardiness.metrics.declaration import PairMetric, pair_registry
from hardiness.metrics.declaration import registry as metrics
from hardiness.metrics.picture_scores import SCORE
from hardiness.metrics.scoring import WeightedCells, as_cells, as_score
from hardiness.reference.sets import distortion_set, set_names
from hardiness.results.clustered import clustered_score
from hardiness.results.dependence import dependence_lines
from hardiness.results.equivalence import AMBIGUOUS
from hardiness.results.measured import measures_of
from hardiness.results.metric_scores import version_of, with_metrics
from hardiness.results.pair_scores import columns_of_pair, pair_entries, scorings_of
from hardiness.results.policy import ANY, HEADLINE, Policy, Rule, pair_metric_of
from hardiness.results.results import group_of, results_of_runs
from hardiness.results.rule_slices import missing_columns, slice_rows, slice_values, why_no_picture, why_unlike
from hardiness.results.run_names import differences_of, named_by, weights_label
from hardiness.results.runs import (
    ScoredRun,
    digest_of,
    evaluated_last,
    fit_groupings,
    question_of,
    successors_of,
    with_joined,
)
from hardiness.results.shared_clusters import clusters_of_runs
from hardiness.results.slices import SlicePartition, run_by_image
from hardiness.statistics.clusters import Clusters, why_too_few
from hardiness.statistics.comparison import DifferenceTest, difference, difference_test
from hardiness.statistics.equivalence import equivalence_ends
from hardiness.statistics.estimate import Estimate, mean
from hardiness.statistics.intervals import proportion, wilson
from hardiness.statistics.measures import WeightedSum
from hardiness.statistics.verdicts import LEVEL, Evidence, Limit
from hardiness.store.store import Store

VERSION = 8
"""Version of evidence, raised whenever the same rows would give another."""

WRONG = {"error": True, "mean_error": True, "accuracy": False, "top1": False}
"""Metrics of rows with answers, over whichever cells and classes are asked for: do they count what is wrong?"""


def metrics_of_rows(run: Run) -> tuple[str, ...]:
    """The metrics that rows of a run give over whichever cells and classes are asked for."""
    return tuple(WRONG) if run.model.has_answers else (SCORE,)


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


def labels_apart(own: JudgedRun | None, other: JudgedRun | None) -> tuple[str, str]:
    """The labels of two runs, with the first digits of the code's hash as well where only these tell them apart."""
    labels = tuple(run.label if run else "" for run in (own, other))
    if own and other and own.weights_sha256 == other.weights_sha256 and own.code_sha256 != other.code_sha256:
        labels = tuple(
            f"{weights_label(run.weights_sha256, '')} {weights_label('', run.code_sha256) or 'no code'}".strip()
            for run in (own, other)
        )
    return labels[0], labels[1]


MOST = 1.0001
"""Largest limit of a share: earlier versions wrote it of an interval that ends at 1."""

MOST_RATIO = 10.0
"""Largest limit of a ratio that is taken for one: 75 was meant as 75 %, and must say so."""


def require_limit(place: str, rule: Rule, metric: Metric) -> None:
    """Raise where a limit is beyond what a metric can be, or must be in percent: every model would pass it, or none.

    Args:
        place: how the message begins.
        rule: whose limit it is.
        metric: what is judged by it.

    Raises:
        ArgumentError: naming the rule and what its limit must be.
    """
    limit, is_difference, (least, most) = rule.limit, rule.is_difference, metric.range
    was = f"was {limit:g}" if metric.unit not in IN_PERCENT else f"was {limit:g}, which is {100 * limit:g} %"
    below = " below 100 %" if is_difference else ""
    if rule.in_percent and metric.unit not in IN_PERCENT:
        raise ArgumentError(
            f"{place}: {rule.kind} must be a number without %, as {metric.title} has the unit {metric.unit}; "
            f"was {100 * limit:g} %"
        )
    if metric.unit == "fraction" and (limit >= 1 if is_difference else not -MOST <= limit <= MOST):
        raise ArgumentError(
            f'{place}: {rule.kind} must be a share{below}, as 0.01 for one point, or a text as in "1 %", since '
            f"{metric.title} is one; {was}"
        )
    is_plain_margin = rule.kind == "equivalent_within" and not rule.in_percent and metric.unit in IN_PERCENT
    if is_plain_margin and limit >= AMBIGUOUS:
        raise ArgumentError(
            f'{place}: equivalent_within may be {limit:g} % or {100 * limit:g} %: write "{limit:g} %" or '
            f'"{100 * limit:g} %", whichever is meant; was {limit:g}'
        )
    if metric.unit == "ratio" and not rule.in_percent and (limit >= 1 if is_difference else abs(limit) > MOST_RATIO):
        raise ArgumentError(
            f'{place}: {rule.kind} must be a ratio, as 0.75 for 75 %, or a text as in "75 %", since '
            f"{metric.title} is one; {was}"
        )
    if limit < least and not is_difference:
        raise ArgumentError(f"{place}: {rule.kind} must be at least {least:g}, as {metric.title} always is; {was}")
    if limit > most * MOST:
        raise ArgumentError(f"{place}: {rule.kind} must be at most {most:g}, as {metric.title} always is; {was}")


def idle_line(place: str, rule: Rule, metric: Metric) -> str:
    """A line where no model can fail a rule, since its limit is the end of what a metric can be; else empty.

    Args:
        place: how the line begins.
        rule: whose limit it is.
        metric: what is judged by it.
    """
    least, most = metric.range
    if rule.is_difference:
        is_idle, why = rule.limit >= most - least, f"no two models differ by more in {metric.title}"
    elif rule.kind == "at_most":
        is_idle, why = rule.limit >= most, f"{metric.title} is never above {most:g}"
    else:
        is_idle, why = rule.limit <= least, f"{metric.title} is never below {least:g}"
    if not is_idle:
        return ""
    return f"{place} cannot fail: {why}, and {rule.kind} is {rule.limit:g}; give a limit that a model may miss"


def measured_metric(name: str, card: Card, scores: Sequence[Score]) -> Metric:
    """The metric that a rule names: as its card declares it, with the unit of a score where it declares none."""
    if name in WRONG:
        return Metric(name)
    if pair := pair_metric_of(name):
        return pair.metric
    metric, score = card.metric(name), next((each for each in scores if each.metric == name), None)
    if card.declared_metric(name):
        return metric
    return replace(metric, signed=True, unit=score.unit if score else metric.unit)


@dataclass(frozen=True)
class RuleCase:
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
    idle: str = ""  # a line where no model can fail the rule
    cluster: str = ""  # the column by which its pictures come in clusters


class UnmatchedError(Exception):
    """A field of a rule that fits no run: its name, its value, and the names that there are."""

    def __init__(self, field: str, value: str, names: Sequence[str]) -> None:
        super().__init__(field)
        self.field, self.value, self.names = field, value, list(dict.fromkeys(names))


class MissingNumberError(Exception):
    """Why a number is not there, in a line."""


class NoPictureError(MissingNumberError):
    """A number is not there, and more pictures might give it."""


class PolicyFolder:
    """A folder's results and runs, by the clusters that are asked for, and the baselines that rules name, read once.

    A baseline's pictures have the columns of its own folder.
    """

    def __init__(self, store: Store, policy: Policy, grouping: Grouping = NO_GROUPING) -> None:
        self.store, self.policy, self.grouping = store, policy, grouping
        self._by_cluster = {grouping.cluster: self}
        runs = with_joined([ScoredRun(run, card_of(run.run), grouping=grouping) for run in store.runs()])
        fit_groupings(runs)
        self.runs = {run.stored.key: run for run in runs}
        self._baselines: dict[str, PolicyFolder | str] = {}

    def for_rule(self, rule: Rule) -> PolicyFolder:
        """The folder by the clusters of a rule, if the folder is asked for none itself.

        Raises:
            ArgumentError: no run's pictures have the column.
        """
        cluster = self.grouping.cluster or rule.cluster
        if cluster not in self._by_cluster:
            try:
                folder = PolicyFolder(self.store, self.policy, replace(self.grouping, cluster=cluster))
            except ArgumentError as error:
                raise ArgumentError(f"{self.policy.place(rule)}: cluster: {error}") from None
            folder._baselines = self._baselines
            self._by_cluster[cluster] = folder
        return self._by_cluster[cluster]

    def clusters_of(self, rule: Rule, run: ScoredRun, before: ScoredRun) -> Clusters | None:
        """The clusters of the pictures of a run and of the baseline's; ``None`` where each stands alone.

        Raises:
            MissingNumberError: their columns say different things of a picture.
        """
        if run.clusters is None:
            return None
        try:
            return clusters_of_runs({"this run": run, f"the baseline {rule.against}": before})[0]
        except ArgumentError as error:
            raise MissingNumberError(str(error)) from None

    @cached_property
    def results(self) -> list[Result]:
        """The results of all runs."""
        return results_of_runs(list(self.runs.values()), self.store)

    @cached_property
    def successors(self) -> dict[str, ScoredRun]:
        """By the key of each run that is not judged: the run of its name that was evaluated last."""
        return successors_of(list(self.runs.values()))

    def results_for(self, rule: Rule) -> list[Result]:
        """The results that a rule may speak of: of several runs of one name the last, or the one that it names.

        Raises:
            UnmatchedError: there is none that it names.
        """
        if not rule.run:
            return [result for result in self.results if result.key not in self.successors]
        results = [result for result in self.results if named_by(result.run, result.key, rule.run)]
        if not results:
            raise UnmatchedError("run", rule.run, [result.key for result in self.results])
        return results

    @property
    def column_remarks(self) -> tuple[str, ...]:
        """The lines on the columns of its pictures that a person should know."""
        runs = [run for folder in self._by_cluster.values() for run in folder.runs.values()]
        lines = dict.fromkeys(line for run in runs for line in run.column_remarks)
        return (*lines, *dependence_lines(runs))

    @cached_property
    def names(self) -> dict[str, str]:
        """By a run's key the model's name, with what tells it from others of its table that are judged."""
        last = [result for result in self.results if result.key not in self.successors]
        return {**_names_of(self.results), **_names_of(last)}

    def remarks_on(self, rules: Sequence[Rule]) -> tuple[str, ...]:
        """A line for each run that rules would speak of, had not another one of its name been evaluated later."""
        remarks = []
        for result in self.results:
            successor = self.successors.get(result.key)
            is_named = any(rule.run and named_by(result.run, result.key, rule.run) for rule in rules)
            if successor is None or is_named or not any(_is_about(rule, result) for rule in rules if not rule.run):
                continue
            old, new = JudgedRun.of(self.runs[result.key]), JudgedRun.of(successor)
            digits, (label, later) = old.key[:KEY_DIGITS], labels_apart(old, new)
            remarks.append(
                f"not judged: the run {digits} of {result.name} on {result.benchmark}"
                f"{f' ({label})' if label else ''}, since the run {new.key[:KEY_DIGITS]}"
                f'{f" ({later})" if later else ""} of that name was evaluated later; run = "{digits}" in a '
                f"rule judges it, 'hardiness data drop {self.store.address} {digits}' removes it"
            )
        return tuple(remarks)

    def baseline(self, address: str) -> PolicyFolder:
        """The folder that rules name so, relative to that of their policy.

        Raises:
            MissingNumberError: it holds no records.
        """
        if address not in self._baselines:
            try:
                self._baselines[address] = PolicyFolder(Store.open(self.policy.address_of(address)), self.policy)
            except HardinessError as error:
                self._baselines[address] = str(error)
        baseline = self._baselines[address]
        if isinstance(baseline, str):
            raise MissingNumberError(f"baseline: {baseline}")
        return baseline

    def save(self) -> None:
        """Keep what was computed of the runs."""
        for folder in self._by_cluster.values():
            for run in folder.runs.values():
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


def cases_of(policy: Policy, rule: Rule, folder: PolicyFolder) -> list[RuleCase]:
    """Every run that a rule speaks of.

    Raises:
        ArgumentError: there is none.
    """
    place, folder = policy.place(rule), folder.for_rule(rule)
    benchmarks = {result.benchmark for result in folder.results}
    if rule.benchmark not in (ANY, *benchmarks):
        raise matches_nothing(place, folder, UnmatchedError("benchmark", rule.benchmark, sorted(benchmarks)))
    models = {name for result in folder.results for name in (result.name, result.model)}
    if rule.model and rule.model not in models:
        raise matches_nothing(place, folder, UnmatchedError("model", rule.model, sorted(models)))
    cases: list[RuleCase] = []
    unmatched: list[tuple[Result, UnmatchedError]] = []
    try:
        results = folder.results_for(rule)
    except UnmatchedError as error:
        raise matches_nothing(place, folder, error) from None
    for result in results:
        if _is_about(rule, result):
            try:
                cases += [case_of(each, result, folder) for each in _rules_by_value(rule, result, folder)]
            except UnmatchedError as error:
                unmatched.append((result, error))
    if not cases and unmatched:
        raise matches_nothing(place, folder, unmatched[0][1])
    if rule.benchmark == ANY:
        return cases
    for result, absent in unmatched:
        reason = f"no {absent.field} {absent.value!r} in this run"
        cases.append(absent_case(rule, folder.names[result.key], result.data, reason))
    models_with_cases = {case.model for case in cases}
    plain = {result.name for result in results if result.benchmark == rule.benchmark}
    without_run = [r for r in results if rule.model in ("", r.name, r.model) and r.name not in plain]
    names = [name for name in dict.fromkeys(result.name for result in without_run) if name not in models_with_cases]
    reason = f"no run of {rule.benchmark}; run it, or say model = of the rule"
    cases.extend(absent_case(rule, name, "", reason) for name in names)
    return cases


def _rules_by_value(rule: Rule, result: Result, folder: PolicyFolder) -> list[Rule]:
    """The rule, and one for each value of a column, of this run's pictures and of the baseline's.

    A rule that names a column is about its values alone, and one that names a value about that. Any other is about all
    pictures, and, where its number can be that of a part of them, about each value of the columns of the gate too.

    Raises:
        UnmatchedError: the pictures of the run lack the column that the rule names.
    """
    run = folder.runs[result.key]
    if rule.each:
        _require_columns(run, [rule.each], "each")
        return _rules_of_values(rule, rule.each, run, folder)
    if rule.slice or not _has_parts_of_pictures(rule, result):
        return [rule]
    by_value = (_rules_of_values(rule, column, run, folder) for column in run.grouping.slices)
    return [rule, *(each for rules in by_value for each in rules)]


def _rules_of_values(rule: Rule, column: str, run: ScoredRun, folder: PolicyFolder) -> list[Rule]:
    values = slice_values(run, column)
    if rule.against:
        with suppress(MissingNumberError):
            before = _baseline_run(rule, run, folder)
            values += [] if missing_columns(before, column) else slice_values(before, column)
    return [replace(rule, each=column, slice={column: value}) for value in dict.fromkeys(values)]


def _has_parts_of_pictures(rule: Rule, result: Result) -> bool:
    """Whether the number of a rule can be that of a slice, as those of classes cannot."""
    metric, condition = _metric_of(rule, result)
    is_sliced = any((each.metric, each.condition) == (metric, condition) for each in result.slices)
    return is_sliced or metric in metrics_of_rows(result.run) or pair_metric_of(metric) is not None


def _require_columns(run: ScoredRun, columns: Sequence[str], field: str) -> None:
    """Raise where the pictures of a run lack a column that a slice is of.

    Raises:
        UnmatchedError: they do.
    """
    for column in columns:
        if missing := missing_columns(run, column):
            raise UnmatchedError(field, missing[0], sorted(run.picture_columns.values))


def matches_nothing(place: str, folder: PolicyFolder, error: UnmatchedError) -> ArgumentError:
    """The error of a rule that no run of a folder has what it names of, with the nearest name."""
    return ArgumentError(
        f"{place}: {error.field} {error.value!r} matches nothing in {folder.store.address}"
        f"{suggestion(error.value, error.names)}"
    )


def absent_case(rule: Rule, model: str, data: str, reason: str) -> RuleCase:
    """A rule on a model that has no such run, and why."""
    limit = Limit(rule.limit, rule.side)
    return RuleCase(rule, model, rule.benchmark, data, rule.title, "fraction", limit, None, reason)


def case_of(rule: Rule, result: Result, folder: PolicyFolder) -> RuleCase:
    """One rule on one run.

    Raises:
        ArgumentError: the limit is beyond what the metric can be.
        UnmatchedError: the run has no such score, condition, group or class.
    """
    run = folder.runs[result.key]
    metric, condition = _metric_of(rule, result)
    idle = ""
    if metric != HEADLINE:  # a run without scores has none that says which metric is meant
        place = folder.policy.place(rule)
        measured = Metric("accuracy") if rule.holds_to else measured_metric(metric, run.card, result.scores)
        require_limit(place, rule, measured)
        idle = idle_line(place, rule, measured)
    limit = Limit(rule.limit, rule.side)
    case = RuleCase(rule, folder.names[result.key], result.benchmark, result.data, rule.title, "fraction", limit)
    of_class = f"class {condition['class']}" if "class" in condition else ""
    about = of_class or rule.slice_text or result.data
    case = replace(case, run=JudgedRun.of(run), images_of=about, idle=idle, cluster=run.grouping.cluster)
    _require_columns(run, list(rule.slice), "where slice")
    try:
        _require_accepted(run)
        _require_outputs(run, metric, condition)
        _require_clusters(run, folder)
        _require_whole(result)
        require_whole_headline(rule, metric, result.benchmark)
        if rule.holds_to:
            return replace(case, evidence=_of_levels(rule, run, folder))
        pair = pair_metric_of(metric)
        if pair:
            title = rule.titled(pair.metric.title)
            case = replace(case, metric=f"{title}, against {rule.against}", unit=pair.metric.unit)
        if rule.against:
            case = replace(case, baseline=JudgedRun.of(_baseline_run(rule, run, folder)))
        is_looked_at = result.stop is not None and bool(result.stop.policy)
        if pair:
            if is_looked_at:
                return replace(case, evidence=_kept_look(rule, metric, condition, run, folder))
            return replace(case, evidence=_of_pair(pair, rule, run, folder))
        score = _score(result, metric, condition)
        require_standing(result, score)
        title = rule.name or _title(run, score, metric, condition)
        title += f" ({rule.slice_text})" if rule.slice and (rule.each or not rule.name) else ""
        if metric == WORST_CLASS and score is not None and not rule.slice and (names := _lowest_classes(result, score)):
            case = replace(case, images_of=f"class {names[0]}")
            title = f"{title} ({', '.join(names)})"
        if rule.kind == "worse_by_at_most":
            title = f"{title}, worse than {rule.against}"
        elif rule.is_difference:
            title = f"{title}, less that of {rule.against}"
        case = replace(case, metric=title, unit=score.unit if score else "fraction")
        if is_looked_at:
            return replace(case, evidence=_kept_look(rule, metric, condition, run, folder))
        if rule.kind == "worse_by_at_most":
            return replace(case, evidence=_paired(rule, metric, condition, run, folder))
        if rule.kind == "equivalent_within":
            return replace(case, evidence=_within_margin(rule, metric, condition, run, folder))
        if rule.slice:
            return replace(case, evidence=_of_slice(rule, metric, condition, run))
        if score is None:
            return replace(case, evidence=_from_rows(run, metric, condition))
        recalls = _recalls_beside(result, score) if metric == WORST_CLASS else []
        lowest = _of_lowest(recalls) if run.clusters is None else _of_lowest_clustered(recalls)
        return replace(case, evidence=lowest or _of_score(score, run))
    except MissingNumberError as error:
        return replace(case, reason=str(error))


def _was_not_run(corruption: str, level: str, benchmark: str, value: float) -> str:
    """Why a level has no number, with the option of ``run`` that gives it one."""
    return (
        f"{corruption} was not run at {level}; run -b {benchmark}:corruptions={corruption},levels={number_text(value)}"
    )


def _of_levels(rule: Rule, run: ScoredRun, folder: PolicyFolder) -> Evidence:
    """The evidence of the lowest accuracy over the levels of a corruption up to the one that a rule names.

    It passes where accuracy at each of these is surely not below the limit, and fails where one surely is, whether or
    not accuracy falls with the level.

    Raises:
        ArgumentError: the level is none of the corruption's quantity.
        MissingNumberError: the corruption was not run at that level, or pictures are too few.
        UnmatchedError: the corruption was not run, or has no quantity.
    """
    name, benchmark = str(rule.where["corruption"]), run.stored.run.benchmark.name
    by_name = {levels.corruption: levels for levels in levels_by_corruption(_tables_of(rule, run), run.quantities)}
    if name not in by_name:
        entry = distortions.corruptions.find(name)
        if entry is None or not any("corruption" in cell for cell in run.stored.run.conditions):
            raise UnmatchedError("where corruption", name, sorted(by_name))
        try:
            value = entry.known_quantity("holds_to").value_of(rule.holds_to, f"holds_to of {name}")
        except ArgumentError as error:
            raise ArgumentError(f"{folder.policy.place(rule)}: {error}") from None
        raise MissingNumberError(_was_not_run(name, rule.holds_to, benchmark, value))
    levels, clusters = by_name[name], run.clusters
    try:
        value = levels.quantity.value_of(rule.holds_to, f"holds_to of {name}")
    except ArgumentError as error:
        raise ArgumentError(f"{folder.policy.place(rule)}: {error}") from None
    up_to = levels.up_to(value)
    if not up_to or up_to[-1].value != value:
        raise MissingNumberError(_was_not_run(name, levels.text(value), benchmark, value))
    if any(not len(level.right) for level in up_to):
        raise MissingNumberError(why_no_picture(run, rule.slice) if rule.slice else "a level has no picture")
    if clusters is None:
        return Evidence.from_lowest(
            [int(np.count_nonzero(level.right)) for level in up_to], [len(level.right) for level in up_to]
        )
    if reason := why_too_few(clusters.count(up_to[-1].ids)):
        raise MissingNumberError(f"no interval: {reason}")
    scores = [
        replace(
            Metric("accuracy").score(level.accuracy, len(level.right), level.interval(clusters)),
            clusters=clusters.count(level.ids),
        )
        for level in up_to
    ]
    evidence = Evidence.from_lowest_clustered(scores)
    assert evidence is not None, "each level has an interval"
    return evidence


def _tables_of(rule: Rule, run: ScoredRun) -> Iterator[ImageTable]:
    """The tables of a run and of its single levels, of a rule on a slice with the pictures of that alone."""
    for each in (run, *run.levels):
        table = each.table
        yield table.of_rows(slice_rows(each, table, rule.slice)) if rule.slice else table


def _require_clusters(run: ScoredRun, folder: PolicyFolder) -> None:
    """Raise where clusters are asked for, and the pictures of a run lack the column."""
    if folder.grouping.cluster and not run.grouping.cluster:
        raise MissingNumberError(
            f"the pictures of {run.stored.run.data.name} have no column {folder.grouping.cluster}, which says the "
            "clusters; give a table that has it"
        )


def _require_outputs(run: ScoredRun, metric: str, condition: Condition) -> None:
    """Raise where a metric needs more than a score of each picture, and the run has nothing else."""
    if run.stored.run.model.has_answers or metric == HEADLINE:
        return
    pair = pair_metric_of(metric)
    declared = pair.metric if pair else measured_metric(metric, run.card, ())
    if reason := declared.why_unavailable(condition, run.outputs):
        raise MissingNumberError(reason)


def _require_accepted(run: ScoredRun) -> None:
    """Raise where the network was refused when it was last run: rows that are stored say nothing then."""
    if run.refusal:
        raise MissingNumberError(f"the network was refused: {run.refusal}")


def require_standing(result: Result, score: Score | None) -> None:
    """Raise where a number is undefined, or the report on an attack does not stand by it.

    Args:
        result: whose.
        score: the number; ``None`` where it is made of the rows, which are then all of an attack's.
    """
    if doubt := score.doubt if score else result.doubt:
        raise MissingNumberError(f"{doubt}: the report on the attack does not stand by the number")
    if score is not None and score.value is None:
        raise MissingNumberError(f"undefined: {score.reason}")


def _metric_of(rule: Rule, result: Result) -> tuple[str, Condition]:
    """The metric and condition that a rule means of a result."""
    if rule.metric != HEADLINE:
        return rule.metric, rule.where
    card = card_of(result.run)
    column = card.headline_of(card.columns_of([result]))
    if column is None:
        first = next(iter(result.scores), None)
        if first is None:
            return HEADLINE, rule.where
        return first.metric, Condition(**{**first.condition, **rule.where})
    return column.metric, Condition(**{**column.condition, **rule.where})


def require_whole_headline(rule: Rule, metric: str, benchmark: str) -> None:
    """Raise where a rule is on the headline, and a part of the benchmark was run, which has none.

    Raises:
        MissingNumberError: naming the score of the part.
    """
    if rule.metric == HEADLINE and metric.endswith(PARTIAL):
        whole = metric.removesuffix(PARTIAL)
        raise MissingNumberError(
            f"partial: only a part of {benchmark} was evaluated, which has no headline {whole}: run the whole, or "
            f'write metric = "{metric}"'
        )


WORST_CLASS = "worst_class"


def _lowest_classes(result: Result, worst: Score) -> list[str]:
    """The classes whose recall is the lowest one, by name; a few of many."""
    names = [str(each.condition["class"]) for each in _recalls_beside(result, worst) if each.value == worst.value]
    return names if len(names) <= MOST_CLASSES else [*names[:MOST_CLASSES], f"{len(names) - MOST_CLASSES} more"]


def _recalls_beside(result: Result, worst: Score) -> list[Score]:
    """The recall of each class under the condition of the lowest one."""
    return [
        score
        for score in result.scores
        if score.metric == "recall"
        and "class" in score.condition
        and {key: value for key, value in score.condition.items() if key != "class"} == dict(worst.condition)
    ]


def _of_lowest(recalls: Sequence[Score]) -> Evidence | None:
    """The evidence of the lowest of some recalls; ``None`` where one is no share of pictures, or there are many."""
    defined = [each for each in recalls if each.value is not None]  # of a class without pictures there is none
    counts = [
        (hits, each.n)
        for each in defined
        if each.value is not None
        and each.interval is not None
        and (hits := _hits(each.value, each.n, each.interval)) is not None
    ]
    if not counts or len(counts) < len(defined) or len(counts) > MOST_EXACT:
        return None
    return Evidence.from_lowest(*map(list, zip(*counts, strict=True)))


def _of_lowest_clustered(recalls: Sequence[Score]) -> Evidence | None:
    """The evidence of the lowest of some recalls of clusters; ``None`` where one has no interval, or there are many."""
    defined = [each for each in recalls if each.value is not None]
    return Evidence.from_lowest_clustered(defined) if len(defined) <= MOST_EXACT else None


MOST_EXACT = 300
"""Classes up to which the lowest recall is judged exactly: the ends of its interval take a millisecond for each."""

MOST_CLASSES = 3
"""Classes of one recall that are named."""


def _title(run: ScoredRun, score: Score | None, metric: str, condition: Condition) -> str:
    return run.card.title(score.metric, score.condition) if score else run.card.title(metric, condition)


def _require_whole(result: Result) -> None:
    """Raise where a run was cut off before it had what it was asked for."""
    counts = result.counts
    if not counts.images:
        raise MissingNumberError("nothing was evaluated")
    all_sessions = result.measured.get("sessions", ())
    # A session that was killed has kept that it began, and no rows.
    sessions = [session for session in all_sessions if session.get("rows")] or all_sessions
    limits = [session.get("limit") for session in sessions]
    if not limits or result.stop is not None or counts.complete:
        return
    requests = [session.get("asked", {}) for session in sessions]
    stopping = ("time_budget_s", "precision_target", "until_decided")
    if any(each.get(name) is not None for each in requests for name in stopping):
        return
    samples = result.run.data.samples
    requested = samples if None in limits else min(max(limits), samples)
    failed = len({failure.sample for failure in result.failures})
    if counts.images + failed < requested:
        raise MissingNumberError(
            f"partial: {counts.images:,} of {requested:,} images were evaluated; the same 'hardiness run' continues"
        )


def _score(result: Result, metric: str, where: Condition) -> Score | None:
    """The score of that metric and condition; ``None`` where rows must be asked.

    Raises:
        MissingNumberError: a part of the benchmark was run, so that there is no such score.
        UnmatchedError: neither scores nor rows have it.
    """
    of_metric = [score for score in result.scores if score.metric == metric]
    for score in of_metric:
        if is_same_condition(score.condition, where):
            return score
    if metric in metrics_of_rows(result.run) and (where or not of_metric or metric == SCORE):
        return None
    if any(score.metric == f"{metric}_partial" for score in result.scores):
        failed = len({failure.sample for failure in result.failures})
        which = f" (failed images: {failed:,})" if failed else ""
        raise MissingNumberError(
            f"partial: only a part of {result.benchmark} was evaluated{which}, which has no {metric}: mend that, or "
            f"name {metric}_partial"
        )
    if not of_metric:
        metrics.refuse_faulty(metric)
        names = {*(score.metric for score in result.scores), HEADLINE, *metrics_of_rows(result.run), *pair_names()}
        raise UnmatchedError("metric", metric, sorted(names))
    raise _unmatched_where(where, [score.condition for score in of_metric])


def _unmatched_where(where: Condition, conditions: Sequence[Mapping[str, Any]]) -> UnmatchedError:
    """Which word of a condition is the one that no score has."""
    keys = {key for each in conditions for key in each}
    for key, value in where.items():
        if key not in keys:
            return UnmatchedError("where", key, sorted(keys))
        of_key = [Condition(**{key: each[key]}) for each in conditions if key in each]
        if not any(is_same_condition(each, Condition(**{key: value})) for each in of_key):
            values = {condition_text(each).removeprefix(f"{key}=") for each in of_key}
            return UnmatchedError(f"where {key}", str(value), sorted(values))
    return UnmatchedError(
        "where", str(where), sorted({condition_text(Condition(**each)) for each in conditions} - {""})
    )


def _has_parts(cell: Condition, parts: Mapping[str, Any]) -> bool:
    """Whether a cell has these keys with these values, as a person writes them."""
    own = Condition(**{key: value for key, value in cell.items() if key in parts})
    return is_same_condition(own, Condition(**parts))


def _of_score(score: Score, run: ScoredRun) -> Evidence:
    """The evidence of a stored score that has a value; of a mean over several cells its rows tell more.

    Raises:
        MissingNumberError: it has no interval.
    """
    by_interval = _of_interval(score)
    assert score.value is not None and score.interval is not None  # noqa: PT018  # else there is no evidence
    share = by_interval.share
    if run.clusters is not None:
        return (_of_cells(run, score, share) if run.card.stops_on else None) or by_interval
    if share and (hits := _hits(score.value, score.n, score.interval)) is not None:
        return Evidence.from_share(hits, score.n)
    if not run.card.stops_on:
        return by_interval
    name = ["cells", score.metric, dict(score.condition), score.value, score.interval.low, score.interval.high]
    return _remembered(run, name, "", lambda: _of_cells(run, score, share) or by_interval)


def _of_cells(run: ScoredRun, score: Score, share: bool) -> Evidence | None:
    """The evidence of a stored score that is a mean over several cells, from its rows; ``None`` for any other."""
    identity = run.stored.run
    for each in run.card.sums(run.table, identity, published_baseline(identity)):
        weights = each.weights[each.weights != 0]
        if (each.metric, each.condition) != (score.metric, score.condition) or len(weights) < 2 or weights.min() < 0:
            continue
        estimate, top = mean(run.table.ids, each.weighty, weights), float(weights.sum()) * each.top
        # Of ratios to another baseline, and of a mean with an interval of its own, the stored interval is used.
        if math.isclose(estimate.value, score.value or 0.0, rel_tol=0, abs_tol=1e-9) and score.interval is not None:
            usual = estimate if run.clusters is None else run.clusters.collapse(estimate)
            if math.isclose(usual.interval(0.0, top).low, score.interval.low, rel_tol=0, abs_tol=1e-9):
                return _of_mean(run.clusters, estimate, top, share=share)
    return None


def _of_mean(clusters: Clusters | None, estimate: Estimate, top: float, *, share: bool) -> Evidence:
    """The evidence of a mean over cells, whose pictures may come in clusters; arguments as of `Evidence.from_mean`.

    Raises:
        MissingNumberError: there are too few clusters for an interval.
    """
    if clusters is None:
        return Evidence.from_mean(estimate, top, share=share)
    evidence = Evidence.from_clustered_mean(estimate, clusters, top, share=share)
    if evidence is None:
        raise MissingNumberError(f"no interval: {why_too_few(clusters.count(estimate.ids))}")
    return evidence


def _hits(value: float, n: int, interval: Interval) -> int | None:
    """The number of n images that a score counts; ``None`` where it is no share of them, as its interval shows."""
    hits = round(value * n)
    if n < 1 or not 0 <= hits <= n or abs(hits - value * n) > 1e-6:
        return None
    for of_share in (proportion(hits, n), wilson(hits, n)):
        ends = (of_share.low, interval.low), (of_share.high, interval.high)
        if all(math.isclose(*pair, rel_tol=0, abs_tol=1e-9) for pair in ends):
            return hits
    return None


@dataclass(frozen=True)
class _Part:
    """Which cells and images of a table a rule is about."""

    cells: list[int]
    rows: NDArray[np.bool_]


def part_of(table: ImageTable, where: Condition, run: Run) -> _Part:
    """The cells and images that ``where`` names; without a word on cells all but the clean one, if there are others.

    Raises:
        UnmatchedError: there is no such cell, group or class.
    """
    rows = np.ones(len(table), bool)
    rest = dict(where)
    if "class" in rest:
        namer, group_or_class = card_of(run).class_namer(run), str(rest.pop("class"))
        # Of ImageNet's classes two are called crane, and two maillot: a rule on the name is on both.
        names = {int(label): namer(int(label)) for label in np.unique(table.label)}
        if group_or_class not in names.values():
            raise UnmatchedError("where class", group_or_class, sorted(names.values()))
        rows = np.isin(table.label, [label for label, name in names.items() if name == group_or_class])
    if "group" in rest:
        groups = _groups(run, table)
        group_or_class = str(rest.pop("group"))
        if group_or_class not in groups:
            raise UnmatchedError("where group", group_or_class, sorted(groups))
        cells = [k for k, cell in enumerate(table.present) if cell.get("corruption") in groups[group_or_class]]
    else:
        cells = list(range(len(table.present)))
    chosen = [place for place in cells if _has_parts(table.present[place], rest)]
    if not chosen:
        words = {**dict.fromkeys(("class", "group"), ""), **{k: "" for each in table.present for k in each}}
        if unknown := next((key for key in rest if key not in words), None):
            raise UnmatchedError("where", unknown, sorted(words))
        raise _unmatched_where(Condition(**rest), [table.present[k] for k in cells])
    if not (set(where) - {"class"}) and len(chosen) > 1:
        chosen = [k for k in chosen if table.present[k]]
    return _Part(chosen, rows)


def _groups(run: Run, table: ImageTable) -> Mapping[str, tuple[str, ...]]:
    """The groups of corruptions that a run's benchmark has, or any set that its corruptions are of."""
    corruptions = {str(cell.get("corruption")) for cell in table.present}
    for name in sorted(set_names(), key=lambda each: each != run.benchmark.name):
        groups = distortion_set(name).groups
        own = {group: members for group, members in groups.items() if corruptions & set(members)}
        if own:
            return own
    return {}


def _weighed(table: ImageTable, metric: str, where: Condition, run: ScoredRun) -> tuple[WeightedSum, _Part]:
    """A score as a weighted sum of cells over some images.

    Raises:
        UnmatchedError: it is no such sum, or there is no such cell, group or class.
    """
    identity = run.stored.run
    all_images = np.ones(len(table), bool)
    sums = run.card.sums(table, identity, published_baseline(identity))
    for each in sums:
        if each.metric == metric and each.condition == where:
            return each, _Part(np.flatnonzero(each.weights).tolist(), all_images)
    if metric not in metrics_of_rows(identity):
        metrics.refuse_faulty(metric)
        names = {*(each.metric for each in sums), *metrics_of_rows(identity), *pair_names()}
        raise UnmatchedError("metric", metric, sorted(names))
    part = part_of(table, where, identity)
    right, is_wrong = table[RIGHT], WRONG.get(metric, False)
    values = table[SCORE] if metric == SCORE else np.where(right < 0, np.nan, (right == 1) != is_wrong)
    weights = np.zeros(len(table.present))
    weights[part.cells] = 1 / len(part.cells)
    return WeightedSum(metric, values, weights, where, higher_is_better=not is_wrong), part


def _remembered(run: ScoredRun, name: Sequence[Any], state: str, compute: Any) -> Evidence:
    """Evidence that follows from rows, kept beside them; `MissingNumberError` is kept too.

    That of clusters is not kept: their column may be another the next time.
    """
    if run.clusters is not None:
        evidence: Evidence = compute()
        return evidence

    def compute_or_reason() -> list[Any]:
        try:
            return ["evidence", list(fields_form(compute()).values())]
        except MissingNumberError as error:
            return ["missing", str(error)]

    what, content = run.memo.value(f"gate {digest_of([VERSION, *name])}", state, compute_or_reason)
    if what == "missing":
        raise MissingNumberError(content)
    return from_json(Evidence, content, "the evidence")


def _from_rows(run: ScoredRun, metric: str, where: Condition) -> Evidence:
    """The evidence of an error or accuracy over some cells and one class or all."""

    def compute() -> Evidence:
        table = run.table
        weighted, part = _weighed(table, metric, where, run)
        values = np.asarray(weighted.values[part.rows][:, part.cells], np.float64)
        if not len(values) or np.isnan(values).all(axis=0).any():
            raise MissingNumberError("a condition has no picture")
        if run.clusters is not None:
            return _of_mean(run.clusters, mean(table.ids[part.rows], values), 1.0, share=True)
        if metric == SCORE:
            return Evidence.from_mean(mean(table.ids[part.rows], values), 1.0, share=True)
        return Evidence.from_shares(table.ids[part.rows], values)

    return _remembered(run, ["rows", metric, dict(where)], "", compute)


def _of_slice(rule: Rule, metric: str, where: Condition, run: ScoredRun) -> Evidence:
    """The evidence of a number of the pictures of a slice.

    Raises:
        MissingNumberError: no picture is of it, or they are too few for an interval.
    """
    table = run.table
    rows = slice_rows(run, table, rule.slice)
    if not rows.any():
        raise MissingNumberError(why_no_picture(run, rule.slice))
    try:
        weighted, part = _weighed(table, metric, where, run)
    except UnmatchedError:
        return _of_slice_measure(rule, metric, where, run)
    values = np.asarray(weighted.values[part.rows & rows][:, part.cells], np.float64)
    weights, ids = weighted.weights[part.cells], table.ids[part.rows & rows]
    if not len(values) or np.isnan(values).all(axis=0).any():
        raise MissingNumberError(f"a condition has no picture of {rule.slice_text}")
    cells = _Cells(ids, tuple(table.present[k] for k in part.cells), values, weights, weighted.top)
    if run.clusters is not None and weights.min() >= 0:
        share = measured_metric(metric, run.card, ()).unit == "fraction"
        top = float(weights.sum()) * weighted.top
        return _of_mean(run.clusters, mean(ids, values, weights), top, share=share)
    if cells.is_mean_of_shares:
        return Evidence.from_shares(ids, values)
    if weights.min() < 0:
        return _of_slice_measure(rule, metric, where, run)
    share = measured_metric(metric, run.card, ()).unit == "fraction"
    return Evidence.from_mean(mean(ids, values, weights), float(weights.sum()) * weighted.top, share=share)


def _of_slice_measure(rule: Rule, metric: str, where: Condition, run: ScoredRun) -> Evidence:
    """The evidence of a score of a slice that sorts or divides, or in which cells count against others."""
    by_image = run_by_image(run)
    candidates = (*by_image.scores, *by_image.parts) if by_image else ()
    scores = [each for each in candidates if (each.metric, each.condition) == (metric, where)]
    if by_image is None or not scores:
        raise MissingNumberError(f"{metric} is no score that a part of the pictures has")
    pictures = SliceOfPictures(
        rule.slice_text, [rule.slice_text], slice_rows(run, run.table, rule.slice).astype(int) - 1
    )
    codes = None if run.clusters is None else run.clusters.codes_of(by_image.ids)
    part = SlicePartition.of(pictures, np.searchsorted(run.table.ids, by_image.ids), codes)
    if not part.values:
        raise MissingNumberError(f"no picture of {rule.slice_text} has every condition")
    estimate = part.estimate(scores[0], by_image)
    if reason := estimate.why_no_interval(0):
        raise MissingNumberError(f"no interval: {reason}")
    share = by_image.unit(scores[0]) == "fraction" and estimate.range[0] >= 0
    evidence = Evidence.from_interval(float(estimate.value[0]), estimate.interval(0), int(estimate.n[0]), share=share)
    return evidence if codes is None else replace(evidence, clusters=int(estimate.spread.units[0]))


def pair_names() -> list[str]:
    """The names of the metrics of two runs, which a rule with a baseline may name."""
    return [entry.name for entry in pair_entries()]


NO_PICTURE = "the baseline shares no picture and condition"


@dataclass(frozen=True)
class _Cells:
    """A weighted sum of cell means of some images.

    Attributes:
        ids: ``(N,)`` of the images, sorted.
        conditions: of the M cells.
        values: ``(N, M)``; NaN where an image was not evaluated.
        weights: ``(M,)`` of the cells.
        top: the largest that a value can be.
    """

    ids: NDArray[np.object_]
    conditions: tuple[Condition, ...]
    values: NDArray[np.float64]
    weights: NDArray[np.float64]
    top: float

    @property
    def is_mean_of_shares(self) -> bool:
        """Whether it is the mean over cells, each weighing the same, of the share of images that count."""
        evaluated = self.values[~np.isnan(self.values)]
        alike = bool(np.allclose(self.weights, 1 / len(self.weights), rtol=0, atol=1e-12))
        return alike and bool(np.all((evaluated == 0) | (evaluated == 1)))


def _of_pair(entry: PairMetric, rule: Rule, run: ScoredRun, folder: PolicyFolder) -> Evidence:
    """The evidence of a metric of two runs: of the baseline's, and then of this one."""
    before = _baseline_run(rule, run, folder)
    clusters = folder.clusters_of(rule, run, before)

    def compute() -> Evidence:
        outcome = _pair_outcome(entry, rule, run, run.columns(*entry.table), before, clusters)
        if isinstance(outcome, Score):
            if rule.slice:
                raise MissingNumberError(f"{rule.metric} is no mean over pictures, which a slice could have")
            return _of_interval(outcome)
        if rule.slice:
            outcome = _in_slice(outcome, run, rule.slice)
        has_value = ~np.isnan(outcome.values).all(axis=0)
        if not has_value.any():
            raise NoPictureError(NO_PICTURE)
        if outcome.is_mean_of_shares and clusters is None:
            return Evidence.from_shares(outcome.ids, outcome.values[:, has_value])
        estimate = mean(outcome.ids, outcome.values[:, has_value], outcome.weights[has_value])
        top = float(outcome.weights.sum()) * outcome.top
        return _of_mean(clusters, estimate, top, share=entry.metric.unit == "fraction")

    if rule.slice or entry.columns:  # columns may be others the next time
        return compute()
    own = [] if pair_registry.ships(entry.name) else version_of(entry)
    return _remembered(run, [rule.metric, dict(rule.where), *own], _state_of(before), compute)


def _in_slice(cells: _Cells, run: ScoredRun, in_slice: Mapping[str, str]) -> _Cells:
    """The cells of the pictures of a slice.

    Raises:
        NoPictureError: none is of it.
    """
    ids = run.table.ids[slice_rows(run, run.table, in_slice)]
    rows = np.isin(cells.ids, ids)
    if not rows.any():
        raise NoPictureError(why_no_picture(run, in_slice))
    return replace(cells, ids=cells.ids[rows], values=cells.values[rows])


def _pair_outcome(
    entry: PairMetric,
    rule: Rule,
    run: ScoredRun,
    now: ImageTable,
    before: ScoredRun,
    clusters: Clusters | None = None,
) -> _Cells | Score:
    """A metric of two runs: its cells, of the images and conditions that a rule is about, or its score.

    Args:
        entry: the metric.
        rule: what of it is asked.
        run: the later run, and what of its image table is looked at.
        now: that table.
        before: the earlier run.
        clusters: of the pictures of both; ``None`` where each stands alone.

    Raises:
        MissingNumberError: one of the two lacks what it needs, or it is undefined, or fails.
        NoPictureError: they share no picture.
        UnmatchedError: there is no such cell, group or class.
    """
    identity = run.stored.run
    earlier = before.columns(*entry.table)
    missing = entry.lacks(earlier, now)
    if not missing and entry.speaks_of(before.stored.run, identity):
        try:
            pictures = columns_of_pair(entry, before, run)
        except ArgumentError as error:
            raise MissingNumberError(f"not available: {error}") from None
        scorings = scorings_of(entry, (earlier, before.stored.run), (now, identity), pictures)
        if scorings is None:
            raise NoPictureError(NO_PICTURE)
        try:
            outcomes = entry(*scorings)
            outcome = outcomes.get(rule.where, outcomes.get(Condition()))
            if isinstance(outcome, WeightedCells) and min(outcome.weights.values()) >= 0:
                cells = as_cells(entry.metric, rule.where, outcome, scorings[1])
                all_cells = _Cells(scorings[1].table.ids, tuple(outcome.weights), *cells)
                return all_cells if rule.where in outcomes else _chosen(all_cells, rule, scorings[1].table, identity)
            if outcome is not None and (rule.where in outcomes or not rule.where):
                score = as_score(entry.metric, rule.where, outcome, scorings[1])
                return score if clusters is None else clustered_score(score, clusters.among(scorings[1].table.ids))
        except (ArgumentError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            if pair_registry.ships(entry.name):
                raise
            raise MissingNumberError(f"the metric {entry.name} failed: {line_of(error)}") from None
        if outcomes:
            raise UnmatchedError("where", str(rule.where), sorted(map(str, outcomes)))
    columns = " and no ".join(missing or entry.table)
    raise MissingNumberError(f"{identity.benchmark.name} keeps no {columns} for each picture and condition")


def _chosen(all_cells: _Cells, rule: Rule, table: ImageTable, identity: Run) -> _Cells:
    """The cells and images that a rule is about, of a metric that has no outcome for its condition.

    Raises:
        UnmatchedError: there is no such cell, group or class, or its cells do not weigh the same.
    """
    part = part_of(table, rule.where, identity)
    chosen = [
        all_cells.conditions.index(cell) for k in part.cells if (cell := table.present[k]) in all_cells.conditions
    ]
    if not chosen or len({*all_cells.weights.tolist()}) > 1:
        raise UnmatchedError("where", str(rule.where), sorted(map(str, all_cells.conditions)))
    conditions, weights = tuple(all_cells.conditions[k] for k in chosen), np.full(len(chosen), 1 / len(chosen))
    return _Cells(all_cells.ids[part.rows], conditions, all_cells.values[part.rows][:, chosen], weights, all_cells.top)


def _of_interval(score: Score) -> Evidence:
    """The evidence of a score by its interval.

    Raises:
        MissingNumberError: it is undefined, or has no interval.
    """
    if score.value is None:
        raise MissingNumberError(f"undefined: {score.reason}")
    if score.interval is None:
        raise MissingNumberError(f"no interval: {score.interval_reason or 'none is defined for this score'}")
    share = score.unit == "fraction" and 0 <= score.interval.low <= score.interval.high <= 1
    evidence = Evidence.from_interval(score.value, score.interval, score.n, share=share)
    return replace(evidence, clusters=score.clusters)


def _state_of(before: ScoredRun) -> str:
    return digest_of([before.stored.key, before.digest])


def _baseline_run(rule: Rule, run: ScoredRun, folder: PolicyFolder) -> ScoredRun:
    """The run of the baseline folder on the same pictures.

    Raises:
        MissingNumberError: there is none, and the message says what differs; or several that are equally new; or its
            pictures have other values of the rule's slice.
    """
    mine, baseline = run.stored.run, folder.baseline(rule.against)
    name = rule.baseline_model(mine.model.name)
    runs = [each for each in baseline.runs.values() if each.stored.run.benchmark.name == mine.benchmark.name]
    models = dict.fromkeys(each.stored.run.model.name for each in runs)
    runs_of_name = [each for each in runs if each.stored.run.model.name == name]
    if not runs_of_name:
        hint = (
            f"; it has {', '.join(models)}: name it, as in against_model = {quoted(next(iter(models)))}"
            if models
            else ""
        )
        raise MissingNumberError(f"the baseline {rule.against} has no run of {name} on {mine.benchmark.name}{hint}")
    if rule.against_run:
        keys = [each.stored.key[:KEY_DIGITS] for each in runs_of_name]
        runs_of_name = [each for each in runs_of_name if named_by(each.stored.run, each.stored.key, rule.against_run)]
        if not runs_of_name:
            raise MissingNumberError(
                f"the baseline {rule.against} has no run {rule.against_run} of {name} on {mine.benchmark.name}; it has "
                f"{', '.join(keys)}"
            )
    alike = [each for each in runs_of_name if question_of(each.stored.run) == question_of(mine)] or runs_of_name
    precise = [each for each in alike if each.stored.run.precision == mine.precision] or alike
    last = evaluated_last(precise)
    differing = {each.stored.key: list(_differing(run, each)) for each in last}
    fewest = min(map(len, differing.values()))
    nearest = [each for each in last if len(differing[each.stored.key]) == fewest]
    if fewest:
        raise MissingNumberError(
            f"the baseline {rule.against} differs in {'; '.join(differing[nearest[0].stored.key])}"
        )
    if len(nearest) > 1:
        names = ", ".join(f"{each.stored.key[:KEY_DIGITS]} ({JudgedRun.of(each).label})" for each in nearest)
        raise MissingNumberError(
            f"the baseline {rule.against} has {len(nearest)} runs of {name} on {mine.benchmark.name}, and nothing says "
            f"which was evaluated last: {names}; name one, as in against_run = "
            f"{quoted(nearest[0].stored.key[:KEY_DIGITS])}"
        )
    try:
        _require_accepted(nearest[0])
    except MissingNumberError as error:
        raise MissingNumberError(f"the baseline's number: {error}") from None
    if reason := why_unlike(nearest[0], run, rule.slice):
        raise MissingNumberError(f"the baseline {rule.against} {reason}")
    return nearest[0]


def _differing(run: ScoredRun, baseline: ScoredRun) -> Iterator[str]:
    """The fields by which the pictures of two runs, or what is asked of these, differ."""
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
    elif mine.shows_whole_pictures or theirs.shows_whole_pictures:  # the function resizes them, and has no view
        views = {}, {}
    elif _normalises_itself(run) or _normalises_itself(baseline):
        for each in views:
            for name in _NUMBERS:
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
            yield f"{what} ({_spelled(own)} here, {_spelled(other)} there)"


_NUMBERS = ("mean", "std", "range", "channel_order")


def _normalises_itself(run: ScoredRun) -> bool:
    """Whether the network behind a run takes pixels as they are because mean and std lie in its graph or code.

    A network of a library that takes them so was trained on other numbers than one that does not.
    """
    model = run.stored.run.model
    if (model.view.mean, model.view.std) != ((0.0,) * 3, (1.0,) * 3):
        return False
    model_texts = [str(session.get("asked", {}).get("model", "")) for session in run.sessions()]
    # While its first pictures come in no session is kept, and nothing speaks against it.
    return (
        model.view.range == "0..255"
        or bool(model.code_sha256)
        or not model_texts
        or any("onnx:" in each for each in model_texts)
    )


def _spelled(value: Any) -> str:
    return "none" if value in (None, "") else spelled(value, "/")


def _paired(rule: Rule, metric: str, where: Condition, run: ScoredRun, folder: PolicyFolder) -> Evidence:
    """The evidence of how much worse a run is than the baseline's, on the same images."""
    before = _standing_baseline(rule, metric, where, run, folder)
    clusters = folder.clusters_of(rule, run, before)

    def compute() -> Evidence:
        try:
            pairs = _pairs(metric, where, run, run.table, before, rule.slice)
        except UnmatchedError:
            return _paired_measures(metric, where, run, before, rule.slice, clusters)
        if clusters is not None:
            return _paired_by_clusters(pairs, clusters)
        evidence = Evidence.from_differences(pairs.ids, pairs.mine, pairs.theirs, pairs.weights, pairs.top)
        if evidence is None:
            raise MissingNumberError("the two differ on fewer than two images, too few for an interval of a part")
        return evidence

    if rule.slice:  # columns may be others the next time
        return compute()
    return _remembered(run, ["worse", metric, dict(where)], _state_of(before), compute)


def _paired_by_clusters(pairs: _Pairs, clusters: Clusters) -> Evidence:
    """The evidence of how much worse a run is than the baseline's, on pictures that come in clusters.

    Raises:
        MissingNumberError: there are too few clusters, or, where not all pictures have all cells, too few that differ.
    """
    differences = pairs.mine - pairs.theirs
    estimate = mean(pairs.ids, differences, pairs.weights)
    span = math.inf if np.isnan(differences).any() else float(np.abs(pairs.weights).sum()) * pairs.top
    nothing = Estimate(0.0, estimate.ids, np.zeros(estimate.n))
    tested = difference(estimate, nothing, span, clusters=clusters)
    if tested.interval is None:
        raise MissingNumberError(f"no interval of the difference: {tested.reason}")
    return Evidence.from_difference(tested)


def _within_margin(rule: Rule, metric: str, where: Condition, run: ScoredRun, folder: PolicyFolder) -> Evidence:
    """The evidence of the difference of a run from the baseline's, by the interval that equivalence is judged by."""
    before = _standing_baseline(rule, metric, where, run, folder)
    clusters = folder.clusters_of(rule, run, before)

    def compute() -> Evidence:
        try:
            pairs = _pairs(metric, where, run, run.table, before, rule.slice)
        except UnmatchedError:
            tested, _ = _tested_measures(metric, where, run, before, rule.slice, clusters)
        else:
            tested = _tested_pairs(pairs, clusters)
        if tested.ends is None:
            raise MissingNumberError(f"no interval of the difference: {tested.reason}")
        interval = equivalence_ends(tested, LEVEL)
        evidence = Evidence.from_interval(tested.value, interval, tested.n, share=False)
        return replace(evidence, clusters=tested.clusters)

    if rule.slice:  # columns may be others the next time
        return compute()
    return _remembered(run, ["within", metric, dict(where)], _state_of(before), compute)


def _tested_pairs(pairs: _Pairs, clusters: Clusters | None) -> DifferenceTest:
    """The test of a run's score less the baseline's, in the score's own direction."""
    sign = -1.0 if min(np.nanmin(pairs.mine), np.nanmin(pairs.theirs)) < 0 else 1.0
    mine, theirs = sign * pairs.mine, sign * pairs.theirs
    span = float(np.abs(pairs.weights).sum()) * pairs.top
    if not np.isnan(mine - theirs).any():
        sides = (mean(pairs.ids, values, pairs.weights) for values in (mine, theirs))
        return difference_test(next(sides), next(sides), span, clusters=clusters)
    estimate = mean(pairs.ids, mine - theirs, pairs.weights)
    nothing = Estimate(0.0, estimate.ids, np.zeros(estimate.n))
    return difference_test(estimate, nothing, math.inf, clusters=clusters)


def _standing_baseline(rule: Rule, metric: str, where: Condition, run: ScoredRun, folder: PolicyFolder) -> ScoredRun:
    """The baseline's run, whose number is defined and not doubted.

    Raises:
        MissingNumberError: there is none.
    """
    before = _baseline_run(rule, run, folder)
    theirs = next(each for each in folder.baseline(rule.against).results if each.key == before.stored.key)
    try:
        require_standing(theirs, _score(theirs, metric, where))
    except (MissingNumberError, UnmatchedError) as error:
        raise MissingNumberError(f"the baseline's number: {error}") from None
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


def _pairs(
    metric: str,
    where: Condition,
    run: ScoredRun,
    table: ImageTable,
    before: ScoredRun,
    in_slice: Mapping[str, str] | None = None,
) -> _Pairs:
    """The images and cells by which a run is held against the baseline's, of all pictures or of a slice.

    Raises:
        MissingNumberError: the baseline has other cells.
        NoPictureError: it has none of the images.
        UnmatchedError: the metric is no weighted sum of cells, or there is no such cell, group or class.
    """
    own, part = _weighed(table, metric, where, run)
    other, its = _weighed(before.table, metric, where, before)
    cells = [table.present[k] for k in part.cells]
    if cells != [before.table.present[k] for k in its.cells]:
        raise MissingNumberError("the baseline was run under other conditions")
    places = before.table.rows_of(table.ids)
    both = (places >= 0) & part.rows
    if in_slice:
        both &= slice_rows(run, table, in_slice)
        if not both.any():
            raise NoPictureError(why_no_picture(run, in_slice))
    if not both.any():
        raise NoPictureError("the baseline shares no picture")
    sign = -1.0 if own.higher_is_better else 1.0
    mine = np.asarray(own.values[both][:, part.cells], np.float64)
    theirs = np.asarray(other.values[places[both]][:, its.cells], np.float64)
    return _Pairs(table.ids[both], sign * mine, sign * theirs, own.weights[part.cells], own.top)


def _paired_measures(
    metric: str,
    where: Condition,
    mine: ScoredRun,
    theirs: ScoredRun,
    in_slice: Mapping[str, str],
    clusters: Clusters | None,
) -> Evidence:
    """The evidence of a score that sorts or divides, as calibration does, of all pictures or of a slice."""
    tested, is_higher_better = _tested_measures(metric, where, mine, theirs, in_slice, clusters)
    alone = tested.alone()
    if alone.interval is None:
        raise MissingNumberError(f"no interval of the difference: {alone.reason}")
    return Evidence.from_difference(alone, -1.0 if is_higher_better else 1.0)


def _tested_measures(
    metric: str,
    where: Condition,
    mine: ScoredRun,
    theirs: ScoredRun,
    in_slice: Mapping[str, str],
    clusters: Clusters | None,
) -> tuple[DifferenceTest, bool]:
    """The test of such a score of a run less the baseline's, and whether higher is better."""
    runs = [values for each in (mine, theirs) if (values := measures_of(each)) is not None]
    if len(runs) < 2:
        raise MissingNumberError("no image was evaluated under every condition")
    ids = np.intersect1d(runs[0].ids, runs[1].ids)
    if in_slice:
        ids = np.intersect1d(ids, mine.table.ids[slice_rows(mine, mine.table, in_slice)])
        if not len(ids):
            raise NoPictureError(why_no_picture(mine, in_slice))
    if runs[0].conditions != runs[1].conditions and not mine.stored.run.model.has_answers:
        raise MissingNumberError("the baseline was run under other conditions")
    scores = [s for each in runs for s in (*each.scores, *each.parts) if (s.metric, s.condition) == (metric, where)]
    if len(scores) < 2 or not len(ids):
        raise MissingNumberError(f"{metric} is no score that two runs are compared by on the same images")
    (first, lacks), (second, lacks_too) = (run.estimate(score, ids) for run, score in zip(runs, scores, strict=True))
    span = max(score.span for score in scores)
    return difference_test(first, second, span, lacks or lacks_too, clusters), scores[0].higher_is_better


class UndecidableError(Exception):
    """Why no look at a part of the pictures decides a rule, in a line."""


def look_evidence(
    rule: Rule, metric: str, where: Condition, run: ScoredRun, table: ImageTable, folder: PolicyFolder
) -> Evidence | None:
    """The evidence that a part of a run's pictures gives, valid at every look; ``None`` while there is too little.

    Raises:
        MissingNumberError: no further picture gives any.
        UndecidableError: the metric is no weighted sum of cell means over images, or the rule is about slices.
        UnmatchedError: the run has no such metric, cell, group or class.
    """
    if rule.kind == "equivalent_within":
        raise UndecidableError("equivalence is judged on all of the pictures")
    if rule.slice or rule.each:
        raise UndecidableError("a rule on slices of the pictures is judged on all of them")
    try:
        if pair := pair_metric_of(metric):
            cells = _pair_outcome(pair, rule, run, table, _baseline_run(rule, run, folder))
            if isinstance(cells, Score):
                raise UndecidableError(f"{metric} is no mean over pictures that a part of them could decide")
            return Evidence.from_looks(cells.ids, cells.values, cells.weights, cells.top)
        if rule.kind == "worse_by_at_most":
            pairs = _pairs(metric, where, run, table, _standing_baseline(rule, metric, where, run, folder))
            return Evidence.from_looks(pairs.ids, pairs.mine - pairs.theirs, pairs.weights, pairs.top, paired=True)
        weighted, part = _weighed(table, metric, where, run)
        values = np.asarray(weighted.values[part.rows][:, part.cells], np.float64)
        return Evidence.from_looks(table.ids[part.rows], values, weighted.weights[part.cells], weighted.top)
    except NoPictureError:
        return None
    except UnmatchedError as error:
        divisors = published_baseline(run.stored.run)
        scores = with_metrics(run, run.scores(divisors)[0], divisors)
        if error.field == "metric" and metric in {score.metric for score in scores}:
            raise UndecidableError(f"{metric} is no mean over pictures that a part of them could decide") from None
        raise


def _kept_look(rule: Rule, metric: str, where: Condition, run: ScoredRun, folder: PolicyFolder) -> Evidence:
    """The evidence of a run that was stopped where the rules of a policy were decided.

    Raises:
        MissingNumberError: there is none that holds although the run was looked at.
    """

    if run.clusters is not None:
        raise MissingNumberError(
            "this run was stopped where rules were decided of pictures that stand alone, and says nothing of clusters; "
            "the same 'hardiness run' without --until-decided evaluates the rest"
        )

    def compute() -> Evidence:
        try:
            evidence = look_evidence(rule, metric, where, run, run.table, folder)
        except UndecidableError as error:
            raise MissingNumberError(
                f"{error}, and this run was stopped where rules were decided; the same 'hardiness run' without "
                "--until-decided evaluates the rest"
            ) from None
        if evidence is None:
            raise MissingNumberError("too few pictures to know how much it varies")
        return evidence

    before = _state_of(_baseline_run(rule, run, folder)) if rule.against else ""
    return _remembered(run, ["look", rule.kind, metric, dict(where)], before, compute)


def quoted(text: str) -> str:
    """The text as TOML writes it."""
    return json.dumps(text, ensure_ascii=False)
