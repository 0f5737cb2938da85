"""Each run that a rule of a policy speaks of, with its number or why there is none."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace

from hardiness.core.codes import Missing
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError, suggestion
from hardiness.core.fact import Fact
from hardiness.core.result import Metric, Result, Score
from hardiness.results.policy import ANY, HEADLINE, Policy, Rule, pair_metric_of
from hardiness.results.rules.baseline import baseline_run
from hardiness.results.rules.differences import score_of_difference
from hardiness.results.rules.errors import MissingNumberError, UnmatchedError
from hardiness.results.rules.folder import PolicyFolder, is_about
from hardiness.results.rules.judged_runs import JudgedRun
from hardiness.results.rules.levels import score_of_levels
from hardiness.results.rules.limits import require_limit, why_idle
from hardiness.results.rules.looks import kept_look
from hardiness.results.rules.metrics import measured_metric, metric_of, metrics_of_rows, require_whole_headline
from hardiness.results.rules.pair_metrics import score_of_pair
from hardiness.results.rules.requirements import (
    require_accepted,
    require_clusters,
    require_columns,
    require_outputs,
    require_standing,
    require_whole,
)
from hardiness.results.rules.rows import score_from_rows, score_of_slice
from hardiness.results.rules.scores import require_interval, score_of
from hardiness.results.rules.slices import missing_columns, slice_values
from hardiness.results.rules.worst_class import WORST_CLASS, lowest_classes
from hardiness.results.runs import ScoredRun
from hardiness.statistics.verdicts import Limit


@dataclass(frozen=True)
class RuleCase:
    """One rule on one run: the score and the limit, or why there is none."""

    rule: Rule
    model: str
    benchmark: str
    data: str
    metric: str
    unit: str
    limit: Limit
    score: Score | None = None
    missing: Fact | None = None
    run: JudgedRun | None = None
    baseline: JudgedRun | None = None
    images_of: str = ""
    idle: Fact | None = None  # where no model can fail the rule
    cluster: str = ""  # the column by which its pictures come in clusters


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
        if is_about(rule, result):
            try:
                cases += [case_of(each, result, folder) for each in _rules_by_value(rule, result, folder)]
            except UnmatchedError as error:
                unmatched.append((result, error))
    if not cases and unmatched:
        raise matches_nothing(place, folder, unmatched[0][1])
    if rule.benchmark == ANY:
        return cases
    for result, absent in unmatched:
        missing = Fact(Missing.NO_SUCH, {"field": absent.field, "value": absent.value})
        cases.append(absent_case(rule, folder.names[result.key], result.data, missing))
    models_with_cases = {case.model for case in cases}
    plain = {result.name for result in results if result.benchmark == rule.benchmark}
    without_run = [r for r in results if rule.model in ("", r.name, r.model) and r.name not in plain]
    names = [name for name in dict.fromkeys(result.name for result in without_run) if name not in models_with_cases]
    missing = Fact(Missing.NO_RUN, {"benchmark": rule.benchmark})
    cases.extend(absent_case(rule, name, "", missing) for name in names)
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
        require_columns(run, [rule.each], "each")
        return _rules_of_values(rule, rule.each, run, folder)
    if rule.slice or not _has_parts_of_pictures(rule, result):
        return [rule]
    by_value = (_rules_of_values(rule, column, run, folder) for column in run.grouping.slices)
    return [rule, *(each for rules in by_value for each in rules)]


def _rules_of_values(rule: Rule, column: str, run: ScoredRun, folder: PolicyFolder) -> list[Rule]:
    values = slice_values(run, column)
    if rule.against:
        with suppress(MissingNumberError):
            before = baseline_run(rule, run, folder)
            values += [] if missing_columns(before, column) else slice_values(before, column)
    return [replace(rule, each=column, slice={column: value}) for value in dict.fromkeys(values)]


def _has_parts_of_pictures(rule: Rule, result: Result) -> bool:
    """Whether the number of a rule can be that of a slice, as those of classes cannot."""
    metric, condition = metric_of(rule, result)
    is_sliced = any((each.metric, each.condition) == (metric, condition) for each in result.slices)
    return is_sliced or metric in metrics_of_rows(result.run) or pair_metric_of(metric) is not None


def matches_nothing(place: str, folder: PolicyFolder, error: UnmatchedError) -> ArgumentError:
    """The error of a rule that no run of a folder has what it names of, with the nearest name and what is not read."""
    unread = "".join(f"; {line}" for line in folder.folder.problems)
    return ArgumentError(
        f"{place}: {error.field} {error.value!r} matches nothing in {folder.folder.address}"
        f"{suggestion(error.value, error.names)}{unread}"
    )


def absent_case(rule: Rule, model: str, data: str, missing: Fact) -> RuleCase:
    """A rule on a model that has no such run, and why."""
    limit = Limit(rule.limit, rule.side)
    return RuleCase(rule, model, rule.benchmark, data, rule.title, "fraction", limit, None, missing)


def case_of(rule: Rule, result: Result, folder: PolicyFolder) -> RuleCase:
    """One rule on one run.

    Raises:
        ArgumentError: the limit is beyond what the metric can be.
        UnmatchedError: the run has no such score, condition, group or class.
    """
    run = folder.runs[result.key]
    metric, condition = metric_of(rule, result)
    idle = None
    if metric != HEADLINE:  # a run without scores has none that says which metric is meant
        place = folder.policy.place(rule)
        measured = Metric("accuracy") if rule.holds_to else measured_metric(metric, run.card, result.scores)
        require_limit(place, rule, measured)
        idle = why_idle(place, rule, measured)
    limit = Limit(rule.limit, rule.side)
    case = RuleCase(rule, folder.names[result.key], result.benchmark, result.data, rule.title, "fraction", limit)
    of_class = f"class {condition['class']}" if "class" in condition else ""
    about = of_class or rule.slice_text or result.data
    case = replace(case, run=JudgedRun.of(run), images_of=about, idle=idle, cluster=run.grouping.cluster)
    require_columns(run, list(rule.slice), "where slice")
    try:
        require_accepted(run)
        require_outputs(run, metric, condition)
        require_clusters(run, folder)
        require_whole(result)
        require_whole_headline(rule, metric, result.benchmark)
        if rule.holds_to:
            return replace(case, score=score_of_levels(rule, run, folder))
        pair = pair_metric_of(metric)
        if pair:
            title = rule.titled(pair.metric.title)
            case = replace(case, metric=f"{title}, against {rule.against}", unit=pair.metric.unit)
        if rule.against:
            case = replace(case, baseline=JudgedRun.of(baseline_run(rule, run, folder)))
        is_looked_at = result.stop is not None and bool(result.stop.policy)
        if pair:
            look = is_looked_at and kept_look(rule, metric, condition, run, folder)
            return replace(case, score=look or score_of_pair(pair, rule, run, folder))
        score = score_of(result, metric, condition)
        require_standing(result, score)
        case = _titled(case, result, run, score, metric, condition)
        look = is_looked_at and kept_look(rule, metric, condition, run, folder)
        return replace(case, score=look or _judged(rule, score, metric, condition, run, folder))
    except MissingNumberError as error:
        return replace(case, missing=error.why)


def _titled(
    case: RuleCase, result: Result, run: ScoredRun, score: Score | None, metric: str, condition: Condition
) -> RuleCase:
    """A case with the title and unit of its number: of the score, or of the metric where rows give it."""
    rule, unit = case.rule, score.unit if score else "fraction"
    title = rule.name or run.card.title(score.metric if score else metric, score.condition if score else condition)
    title += f" ({rule.slice_text})" if rule.slice and (rule.each or not rule.name) else ""
    if metric == WORST_CLASS and score is not None and not rule.slice and (names := lowest_classes(result, score)):
        case = replace(case, images_of=f"class {names[0]}")
        title = f"{title} ({', '.join(names)})"
    if rule.kind == "worse_by_at_most":
        title = f"{title}, worse than {rule.against}"
    elif rule.is_difference:
        title = f"{title}, less that of {rule.against}"
    return replace(case, metric=title, unit=unit)


def _judged(
    rule: Rule, score: Score | None, metric: str, condition: Condition, run: ScoredRun, folder: PolicyFolder
) -> Score:
    """The number of one run, or its difference from a baseline's."""
    if rule.is_difference:
        return score_of_difference(rule, metric, condition, run, folder)
    if rule.slice:
        return score_of_slice(rule, metric, condition, run)
    return score_from_rows(run, metric, condition) if score is None else require_interval(score)
