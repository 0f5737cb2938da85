"""Verdicts of an evidence file: the last gate of each folder, its goals, and models beside each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import Any

from hardiness.benchmarks.card import card_of
from hardiness.core.forms import json_form
from hardiness.core.result import Result
from hardiness.report.evidence.record import (
    ComparisonRecord,
    GateRecord,
    Order,
    OrderRecord,
    PairRecord,
)
from hardiness.report.evidence.tested import PictureFacts, sessions_behind
from hardiness.report.sections import BenchmarkSection
from hardiness.results.difference_json import finite
from hardiness.results.gate import Gate
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


def gate_record(
    gate: Gate, is_of_these_rows: bool, results: Iterable[Result], facts: Mapping[str, PictureFacts]
) -> GateRecord:
    """The last gate of a folder, and what sessions show of when its policy was stated.

    Args:
        gate: as it was kept.
        is_of_these_rows: whether rows are still those that were judged.
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
    return GateRecord(replace(gate, source=PurePath(gate.source).name), is_of_these_rows, order, ORDERS[order], runs)


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
        interval=difference.interval,
        p=difference.p,
        told_apart=is_told_apart,
        method=difference.method,
        lack=difference.lack,
    )
