"""Verdicts of an evidence file: the last gate of each folder, its goals, and models beside each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from hardiness.benchmarks.card import card_of
from hardiness.core.forms import json_form
from hardiness.core.result import Result
from hardiness.report.evidence.record import (
    ComparisonRecord,
    GateRecord,
    GoalRecord,
    GoalsRecord,
    Order,
    OrderRecord,
    PairRecord,
    VerdictRecord,
)
from hardiness.report.evidence.tested import PictureFacts, ends, sessions_behind
from hardiness.report.gate import gate_sentence
from hardiness.report.sections import BenchmarkSection
from hardiness.report.words import line, text
from hardiness.results.difference_json import finite
from hardiness.results.gate import Gate, GateVerdict
from hardiness.results.policy import Rule
from hardiness.statistics.comparison import Difference, ScoreComparison

ORDERS: Mapping[Order, str] = {
    "before all rows": "Every session that computed rows of these runs began with the digest of this policy: its rules "
    "stood before these rows. Whether anybody had seen other rows by then is not shown.",
    "before some rows": "Some sessions that computed rows of these runs began with the digest of this policy, and "
    "others did not: for the rows of these nothing shows that its rules stood before.",
    "another policy": "Sessions that computed rows of these runs began with the digest of another policy than the one "
    "that judges them: the rules were changed, or others were asked.",
    "not shown": "Nothing shows that these rules stood before the rows: no session began with the digest of a policy. "
    "Dates of files prove nothing. 'hardiness run --policy FILE' keeps the digest.",
}
"""The sentence on each order of policy and rows, the most that can be shown first."""

NO_GOALS = (
    "No policy was asked of these rows, so that no goal is stated and nothing is judged. 'hardiness gate OUT --policy "
    "FILE' asks one; 'hardiness run --policy FILE' before it shows that it stood before the rows."
)


def gate_record(gate: Gate, is_of_these_rows: bool) -> GateRecord:
    """The last verdicts of a folder."""
    return GateRecord(
        policy=PurePath(gate.source).name,
        policy_sha256=gate.policy_sha256,
        outcome=gate.outcome,  # type: ignore[arg-type]  # one of the words of a verdict
        sentence=gate_sentence(gate),
        of_these_rows=is_of_these_rows,
        undecided=gate.undecided,
        verdicts=tuple(map(_verdict_record, gate.verdicts)),
        remarks=tuple(map(line, gate.remarks)),
    )


def _verdict_record(each: GateVerdict) -> VerdictRecord:
    return VerdictRecord(
        rule=each.rule.number,
        name=each.metric,
        run=each.run.key if each.run else None,
        model=each.model,
        benchmark=each.benchmark,
        outcome=each.outcome,
        kind=each.rule.kind,
        limit=each.rule.limit,
        unit=each.unit,
        value=each.value,
        interval=ends(each.interval),
        interval_name=each.which_interval if each.interval else "",
        n=each.n,
        clusters=each.clusters,
        reason=text(each.missing),
    )


def goals_record(gate: Gate, results: Iterable[Result], facts: Mapping[str, PictureFacts]) -> GoalsRecord:
    """The goals of a gate, and what sessions show of when they were stated.

    Args:
        gate: the last one of a folder.
        results: of that folder.
        facts: about its runs, by key.
    """
    judged = {(each.model, each.benchmark) for each in gate.verdicts}
    keys = {each.run.key for each in gate.verdicts if each.run}
    runs = tuple(
        _order_record(result, sessions_behind(result, facts), gate.policy_sha256)
        for result in results
        if (result.key in keys if keys else (result.name, result.benchmark) in judged)
    )
    order: Order = max((each.order for each in runs), key=list(ORDERS).index, default="not shown")
    rules = {each.rule.number: each.rule for each in gate.verdicts}
    return GoalsRecord(
        policy=PurePath(gate.source).name,
        policy_sha256=gate.policy_sha256,
        order=order,
        statement=ORDERS[order],
        runs=runs,
        rules=tuple(_goal_record(rule) for rule in rules.values()),
    )


def _order_record(result: Result, sessions: Sequence[Mapping[str, Any]], digest: str) -> OrderRecord:
    digests = [session["policy"]["sha256"] if session.get("policy") else "" for session in sessions]
    with_policy = sum(each == digest for each in digests)
    others = tuple(dict.fromkeys(each for each in digests if each and each != digest))
    return OrderRecord(
        result.key, result.name, result.benchmark, _order(with_policy, others, len(sessions)), len(sessions),
        with_policy, others,
    )  # fmt: skip


def _order(with_policy: int, others: Sequence[str], sessions: int) -> Order:
    if with_policy and with_policy == sessions:
        return "before all rows"
    if with_policy:
        return "before some rows"
    return "another policy" if others else "not shown"


def _goal_record(rule: Rule) -> GoalRecord:
    return GoalRecord(
        number=rule.number,
        name=rule.name,
        benchmark=rule.benchmark,
        metric=rule.metric,
        condition=json_form(rule.where),
        model=rule.model,
        kind=rule.kind,
        limit=rule.limit,
        against=rule.against,
        part=", ".join(filter(None, [f"each {rule.each}" if rule.each else rule.slice_text, _up_to(rule)])),
        cluster=rule.cluster,
    )


def _up_to(rule: Rule) -> str:
    return f"up to {rule.holds_to}" if rule.holds_to else ""


def comparisons_of_headlines(shown: Sequence[BenchmarkSection]) -> tuple[ComparisonRecord, ...]:
    """Models beside each other by the scores that stand for benchmarks."""
    records = []
    for section in shown:
        column = section.section.headline
        score = section.comparison(column) if column else None
        if score is not None and score.pairs:
            records.append(_comparison_record(section, score))
    return tuple(records)


def _comparison_record(section: BenchmarkSection, score: ScoreComparison) -> ComparisonRecord:
    first = section.results[0]
    card = card_of(first.run)
    return ComparisonRecord(
        benchmark=first.benchmark,
        data=first.data,
        protocol=first.protocol,
        variant=section.section.variant,
        metric=score.metric,
        title=card.metric(score.metric).title,
        condition=json_form(score.condition),
        part=card.named(score.condition) if score.condition else "",
        unit=score.unit,
        higher_is_better=score.higher_is_better,
        n=score.n,
        clusters=score.clusters,
        pairs=tuple(_pair_record(pair, each, score.is_told_apart(pair)) for pair, each in score.pairs.items()),
    )


def _pair_record(pair: tuple[str, str], difference: Difference, is_told_apart: bool) -> PairRecord:
    return PairRecord(
        *pair,
        difference=finite(difference.value),
        interval=ends(difference.interval),
        p=difference.p,
        told_apart=is_told_apart,
        method=difference.method,
        reason=text(difference.lack),
    )
