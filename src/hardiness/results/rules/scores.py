"""The stored score that a rule is on, and the evidence of it."""

from __future__ import annotations

import math
from dataclasses import replace

from hardiness.benchmarks.card import published_baseline
from hardiness.core.attack_plan import is_same_condition
from hardiness.core.condition import Condition
from hardiness.core.result import Result, Score
from hardiness.core.spread import Interval
from hardiness.metrics.declaration import registry as metrics
from hardiness.metrics.picture_scores import SCORE
from hardiness.results.policy import HEADLINE
from hardiness.results.rules.cells import unmatched_where
from hardiness.results.rules.errors import MissingNumberError, UnmatchedError
from hardiness.results.rules.kept_evidence import kept_evidence
from hardiness.results.rules.metrics import metrics_of_rows, pair_names
from hardiness.results.runs import ScoredRun
from hardiness.statistics.clusters import Clusters, why_too_few
from hardiness.statistics.estimate import Estimate, mean
from hardiness.statistics.intervals import proportion, wilson
from hardiness.statistics.verdicts import Evidence


def score_of(result: Result, metric: str, where: Condition) -> Score | None:
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
    raise unmatched_where(where, [score.condition for score in of_metric])


def evidence_of_score(score: Score, run: ScoredRun) -> Evidence:
    """The evidence of a stored score that has a value; of a mean over several cells its rows tell more.

    Raises:
        MissingNumberError: it has no interval.
    """
    by_interval = evidence_of_interval(score)
    assert score.value is not None and score.interval is not None  # noqa: PT018  # else there is no evidence
    share = by_interval.share
    if run.clusters is not None:
        return (_evidence_of_cells(run, score, share) if run.card.stops_on else None) or by_interval
    if share and (hits := hits_of(score.value, score.n, score.interval)) is not None:
        return Evidence.from_share(hits, score.n)
    if not run.card.stops_on:
        return by_interval
    name = ["cells", score.metric, dict(score.condition), score.value, score.interval.low, score.interval.high]
    return kept_evidence(run, name, "", lambda: _evidence_of_cells(run, score, share) or by_interval)


def _evidence_of_cells(run: ScoredRun, score: Score, share: bool) -> Evidence | None:
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
                return evidence_of_mean(run.clusters, estimate, top, share=share)
    return None


def evidence_of_mean(clusters: Clusters | None, estimate: Estimate, top: float, *, share: bool) -> Evidence:
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


def hits_of(value: float, n: int, interval: Interval) -> int | None:
    """The number of n images that a score counts; ``None`` where it is no share of them, as its interval shows."""
    hits = round(value * n)
    if n < 1 or not 0 <= hits <= n or abs(hits - value * n) > 1e-6:
        return None
    for of_share in (proportion(hits, n), wilson(hits, n)):
        ends = (of_share.low, interval.low), (of_share.high, interval.high)
        if all(math.isclose(*pair, rel_tol=0, abs_tol=1e-9) for pair in ends):
            return hits
    return None


def evidence_of_interval(score: Score) -> Evidence:
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
