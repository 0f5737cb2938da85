"""A first policy, made of what a folder holds."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from hardiness.benchmarks.card import card_of
from hardiness.core.codes import Missing
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError
from hardiness.core.fact import Fact
from hardiness.core.result import Metric, Result, Score
from hardiness.report.words import text
from hardiness.results.folder import Folder
from hardiness.results.policy import ANY, HEADLINE, Policy, Rule, pair_metric_of, parse_policy, quoted
from hardiness.results.rules.cases import absent_case, case_of
from hardiness.results.rules.errors import MissingNumberError, UnmatchedError
from hardiness.results.rules.folder import PolicyFolder
from hardiness.results.rules.limits import require_limit
from hardiness.results.rules.metrics import measured_metric
from hardiness.statistics.verdicts import LEVEL, is_share, spread_of
from hardiness.store.store import Store

PASSED = 0.9
"""Chance with which a new, equally good model passes all rules of a policy that is written of today's numbers."""


def first_policy(store: Store, against: str = "", folder: str = "") -> str:
    """The TOML text of a policy that a folder's runs pass now: a limit on each headline.

    A new model that is as good, and has as many images, passes all of its rules with a chance of `PASSED`: each limit
    lies so far from today's number that the whole interval of the next one is within it, and comments say how far.

    What the gate would call *missing* today, as of a run that was interrupted, gets no rule, and a comment says why.

    Args:
        store: the folder.
        against: the folder of a baseline; rules against it are written for what can be held against it, and an example
            as a comment where no baseline is given.
        folder: where the policy will lie, which paths in it are relative to; empty for the working folder.

    Raises:
        ArgumentError: there is nothing of which a rule could be made.
        DataError: ``against`` holds no records.
    """
    if against:
        Store.open(against)  # a rule that is left out since its baseline is not there would never be missed
    path = os.path.relpath(against, folder) if against and folder and _is_relative(against) else against
    judged = PolicyFolder(Folder.open(store), Policy((), folder=folder))
    results = [result for result in judged.results if result.key not in judged.successors]
    drafts = [_draft(result, judged) for result in results]
    judgeable = [draft for draft in drafts if not draft.reason]
    rules_against = [rule for draft in judgeable for rule in _rules_against(draft, path, judged)] if path else []
    family = len(judgeable) + sum(rule.score is not None for rule in rules_against)
    names = dict.fromkeys(result.name for result in results)
    lines = [
        "# Written by 'hardiness gate --write-policy' from what the folder holds. The margin is how far a limit lies",
        "# from today's number: so far that a new model that is as good, and has as many images, passes all rules in",
        f"# {100 * PASSED:.0f} % of cases. Make it what you need; with more images equal models pass a smaller one.",
        '# Values are fractions, 0.01 is one point; a text may say percent, as in "75 %".',
    ]
    written, refused = 0, list[str]()
    for (benchmark, name), alike in _grouped(drafts).items():
        about = {"model": name} if len(names) > 1 else {}
        reasons, rules = [draft.reason for draft in alike if draft.reason], list[str]()
        usable = [draft for draft in alike if not draft.reason]
        is_of_all = len(usable) == len(alike) and len({(each.metric.name, each.condition) for each in usable}) == 1
        # Where one of several runs of a name has no such number, a rule on all of them would call it missing.
        for rule_drafts in [usable] if is_of_all else [[draft] for draft in usable]:
            more = about if is_of_all else {**about, "run": rule_drafts[0].result.key}
            rule = _first_rule(rule_drafts, more, family)
            if rule.reason:
                reasons.append(rule.reason)
            else:
                rules += ["", *rule.text]
        refused += [f"{benchmark}, {name}: no rule, since {reason}" for reason in reasons]
        lines += [*(f"# {line}" for line in refused[-len(reasons) :] if reasons), *rules]
        written += bool(rules)
    if not written:
        why = f": {refused[0]}" if refused else ""
        raise ArgumentError(f"{store.address} holds no headline of which a rule could be made{why}")
    lines += [
        "",
        "# No score worse than the baseline's by more than a point, on the same images, or by a margin as above:",
    ]
    if not path:
        example = {"benchmark": ANY, "against": "runs/main"}
        for limit in ({"metric": HEADLINE, "worse_by_at_most": 0.01}, {"metric": "negative_flips", "at_most": 0.05}):
            lines += [*(f"# {line}" for line in ("[[rules]]", *_toml({**example, **limit}))), ""]
    lines += _against_lines(rules_against, family)
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
    """The material of a rule: the headline of a result, as the gate judges it, or why there is none."""

    result: Result
    metric: Metric
    condition: Condition
    score: Score | None = None
    reason: str = ""


def _draft(result: Result, folder: PolicyFolder) -> _Draft:
    """The headline of a result as the gate would judge it."""
    column = card_of(result.run).headline_of(card_of(result.run).columns_of([result]))
    if column is None:
        refusal = folder.runs[result.key].refusal
        reason = f"the network was refused: {refusal}" if refusal else "it has no headline"
        reason = reason if result.counts.images or refusal else "nothing was evaluated"
        return _Draft(result, Metric(HEADLINE), Condition(), reason=reason)
    score = next(s for s in result.scores if (s.metric, s.condition) == (column.metric, column.condition))
    rule = Rule(1, result.benchmark, column.metric, "at_least", 0.0, where=column.condition)
    case = case_of(rule, result, folder)
    metric = replace(
        measured_metric(column.metric, card_of(result.run), result.scores), higher_is_better=score.higher_is_better
    )
    return _Draft(result, metric, column.condition, case.score, text(case.missing))


def _grouped(drafts: Sequence[_Draft]) -> dict[tuple[str, str], list[_Draft]]:
    """The drafts that one rule would speak of, by benchmark and model."""
    groups: dict[tuple[str, str], list[_Draft]] = {}
    for each in drafts:
        groups.setdefault((each.result.benchmark, each.result.name), []).append(each)
    return groups


@dataclass(frozen=True)
class _AgainstRule:
    """A rule against a baseline, without its limit.

    Attributes:
        fields: of the rule.
        wish: the limit that it has, unless an equal model needs a further one.
        metric: whose.
        score: how much worse the run is; ``None`` where there is none.
        reason: why there is none.
    """

    fields: Mapping[str, Any]
    wish: float
    metric: Metric
    score: Score | None = None
    reason: str = ""

    @property
    def kind(self) -> str:
        """The field of the limit."""
        return "at_most" if pair_metric_of(self.fields["metric"]) else "worse_by_at_most"


def _rules_against(draft: _Draft, path: str, folder: PolicyFolder) -> Iterator[_AgainstRule]:
    """The rules by which a result is held against a baseline: its headline, and what was right and is wrong now."""
    result = draft.result
    where = {"where": draft.condition} if draft.condition else {}
    shared = {"model": result.name, "against": path}
    shared |= {"against_model": other} if (other := _only_other_model(result, path, folder)) else {}
    for number, rule in enumerate(
        (
            _AgainstRule(
                {"benchmark": result.benchmark, "metric": draft.metric.name, **where, **shared}, 0.01, draft.metric
            ),
            _AgainstRule(
                {"benchmark": result.benchmark, "metric": "negative_flips", **shared}, 0.05, Metric("negative_flips")
            ),
        )
    ):
        (parsed,) = parse_policy("\n".join(("[[rules]]", *_toml({**rule.fields, rule.kind: rule.wish})))).rules
        try:
            case = case_of(parsed, result, folder)
        except UnmatchedError as error:
            why = Fact(Missing.NO_SUCH, {"field": error.field, "value": error.value})
            case = absent_case(parsed, result.name, result.data, why)
        if case.score:
            yield replace(rule, score=case.score)
        elif not number:
            yield replace(rule, reason=f"{result.benchmark}, {result.name}: {text(case.missing)}")


def _against_lines(rules_against: Sequence[_AgainstRule], family: int) -> Iterator[str]:
    """The lines of rules against a baseline; of several runs that one rule speaks of, it is one."""
    yield from dict.fromkeys(f"# {rule.reason}" for rule in rules_against if rule.reason)
    groups: dict[str, list[_AgainstRule]] = {}
    for rule in rules_against:
        if rule.score:
            groups.setdefault("\n".join(_toml(rule.fields)), []).append(rule)
    for rules in groups.values():
        first, scores = rules[0], [rule.score for rule in rules if rule.score]
        limited = _limited(first.fields, first.kind, scores, family, first.metric, first.wish)
        name = f"{first.fields['benchmark']}, {first.fields['model']}"
        yield from (
            (f"# {name}: no rule against the baseline, since {limited.reason}",)
            if limited.reason
            else (*limited.text, "")
        )


def _only_other_model(result: Result, path: str, folder: PolicyFolder) -> str:
    """The baseline's one model on a result's benchmark, where it is called otherwise than the result's; else empty."""
    with suppress(MissingNumberError):
        runs = [run.stored.run for run in folder.baseline(path).runs.values()]
        models = {run.model.name for run in runs if run.benchmark.name == result.benchmark}
        if len(models) == 1 and result.run.model.name not in models:
            return models.pop()
    return ""


def _toml(fields: Mapping[str, Any]) -> list[str]:
    """A line for each field of a rule."""

    def text_of(value: Any) -> str:
        if isinstance(value, Mapping):
            return f"{{ {', '.join(f'{quoted(str(key))} = {text_of(each)}' for key, each in value.items())} }}"
        return quoted(value) if isinstance(value, str) else f"{value}"

    return [f"{name} = {text_of(value)}" for name, value in fields.items()]


@dataclass(frozen=True)
class _Limited:
    """The lines of a rule with its limit, or why there is none."""

    text: Sequence[str] = ()
    reason: str = ""


def _first_rule(drafts: Sequence[_Draft], about: Mapping[str, str], family: int) -> _Limited:
    """A rule that these pass, and that the next ones as good pass, in a policy of so many verdicts.

    Args:
        drafts: of one metric and condition, each with a score.
        about: what the rule says of model and run.
        family: verdicts in the policy.
    """
    first = drafts[0]
    where = {"where": first.condition} if first.condition else {}
    fields = {"benchmark": first.result.benchmark, "metric": first.metric.name, **where, **about}
    kind = "at_least" if first.metric.higher_is_better else "at_most"
    return _limited(fields, kind, [draft.score for draft in drafts if draft.score], family, first.metric)


def _limited(
    fields: Mapping[str, Any],
    kind: str,
    scores: Sequence[Score],
    family: int,
    metric: Metric,
    wish: float = -math.inf,
) -> _Limited:
    """A rule whose limit equal models keep.

    Args:
        fields: of the rule, without the limit.
        kind: the field of the limit.
        scores: of each run that the rule speaks of.
        family: verdicts in the policy, among which the chance that an equal model does not pass is shared, and the
            level of those that were looked at while their images came in.
        metric: the number's, which says what it can be.
        wish: a limit that is taken where it lies further out than the needed one.
    """
    side = -1 if kind == "at_least" else 1
    ends = [_end_of_next(each, side, family) for each in scores]
    limit = max(wish, _rounded_out(max(ends), 1)) if side > 0 else _rounded_out(min(ends), -1)
    least, most = metric.range
    are_shares = all(map(is_share, scores))
    limit = min(limit, 1.0) if are_shares and side > 0 else limit
    values = ", ".join(f"{spread_of(each).value:.4f}" for each in scores)
    margin = min(side * (limit - spread_of(each).value) for each in scores)
    few = f"{(count := max(each.n for each in scores)):,} image{'s' if count > 1 else ''}"
    lines = [f"[[rules]]  # now {values}; margin {margin:.4f}"]
    if are_shares and limit == (1.0 if side > 0 else 0.0):
        lines.append(f"# Every model passes it: {few} cannot tell an equal model from a worse one. Evaluate more.")
    elif kind != "worse_by_at_most" and not least <= limit <= most:
        return _Limited(reason=f"with {few} an equal model needs the limit {limit:.4f}, which is beyond {metric.title}")
    lines += _toml({**fields, kind: limit})
    (rule,) = parse_policy("\n".join(lines)).rules
    try:
        require_limit("", rule, metric)
    except ArgumentError:
        return _Limited(reason=f"with {few} an equal model needs the limit {limit:.4f}, which is none")
    return _Limited(lines)


def _end_of_next(score: Score, side: int, family: int) -> float:
    """The end of the interval that decides on an equally good number, in a policy of so many verdicts."""
    spread = spread_of(score)
    return spread.end_of_next(side, (1 - PASSED) / family, LEVEL / (family if spread.is_sequential else 1))


def _rounded_out(value: float, side: int) -> float:
    """The next value of four digits after the point, away from what is good; 0 is not left."""
    rounded = round((math.floor(value * 1e4 * side) + 1) / 1e4 * side, 4)
    return max(rounded, 0.0) if value >= 0 else rounded
