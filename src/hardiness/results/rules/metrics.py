"""The metric that a rule of a policy is on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hardiness.benchmarks.card import Card, card_of
from hardiness.core.codes import Missing
from hardiness.core.condition import Condition
from hardiness.core.fact import Fact
from hardiness.core.result import PARTIAL, Metric, Result, Score
from hardiness.core.run import Run
from hardiness.metrics.picture_scores import SCORE
from hardiness.results.pair_scores import pair_entries
from hardiness.results.policy import HEADLINE, Rule, pair_metric_of
from hardiness.results.rules.errors import MissingNumberError

WRONG = {"error": True, "mean_error": True, "accuracy": False, "top1": False}
"""Metrics of rows with answers, over whichever cells and classes are asked for: do they count what is wrong?"""


def metrics_of_rows(run: Run) -> tuple[str, ...]:
    """The metrics that rows of a run give over whichever cells and classes are asked for."""
    return tuple(WRONG) if run.model.has_answers else (SCORE,)


def pair_names() -> list[str]:
    """The names of the metrics of two runs, which a rule with a baseline may name."""
    return [entry.name for entry in pair_entries()]


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


def metric_of(rule: Rule, result: Result) -> tuple[str, Condition]:
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
            Fact(Missing.NO_HEADLINE, {"benchmark": benchmark, "metric": whole, "of_part": metric})
        )
