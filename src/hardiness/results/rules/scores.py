"""The score that a rule is on: one that is stored, or one that rows give."""

from __future__ import annotations

from dataclasses import replace

from hardiness.core.attack_plan import is_same_condition
from hardiness.core.codes import Missing
from hardiness.core.condition import Condition
from hardiness.core.fact import Fact
from hardiness.core.result import PARTIAL, Result, Score
from hardiness.core.spread import Spread
from hardiness.metrics.declaration import registry as metrics
from hardiness.metrics.picture_scores import SCORE
from hardiness.results.policy import HEADLINE
from hardiness.results.rules.cells import unmatched_where
from hardiness.results.rules.errors import MissingNumberError, UnmatchedError, undefined, without_interval
from hardiness.results.rules.metrics import measured_metric, metrics_of_rows, pair_names
from hardiness.results.runs import ScoredRun
from hardiness.statistics.clusters import Clusters, EstimateBasis
from hardiness.statistics.estimate import Estimate


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
    if any(score.metric == f"{metric}{PARTIAL}" for score in result.scores):
        failed = len({failure.sample for failure in result.failures})
        told = {"benchmark": result.benchmark, "metric": metric, "of_part": f"{metric}{PARTIAL}", "failed": failed}
        raise MissingNumberError(Fact(Missing.NO_HEADLINE, told))
    if not of_metric:
        metrics.refuse_faulty(metric)
        names = {*(score.metric for score in result.scores), HEADLINE, *metrics_of_rows(result.run), *pair_names()}
        raise UnmatchedError("metric", metric, sorted(names))
    raise unmatched_where(where, [score.condition for score in of_metric])


def judged_mean(metric: str, run: ScoredRun, clusters: Clusters | None, estimate: Estimate, top: float = 1.0) -> Score:
    """The score of a mean over cells that rows give, whose pictures may come in clusters.

    Args:
        metric: its name.
        run: whose.
        clusters: of its pictures; ``None`` where each stands alone.
        estimate: of the mean.
        top: the most that it can be; the least is 0.

    Raises:
        MissingNumberError: there are too few clusters for an interval.
    """
    if clusters is None:
        return judged(metric, run, estimate.n, estimate.spread_of_cells(top))
    basis = EstimateBasis(lambda: estimate, 0.0, top, has_two_tests=True)
    count, spread, lack = basis.spread(clusters)
    if spread is None:
        raise without_interval(lack)
    return replace(judged(metric, run, estimate.n, spread), clusters=count)


def judged(metric: str, run: ScoredRun, n: int, spread: Spread) -> Score:
    """The score of a metric that is made of rows for a rule alone."""
    unit = measured_metric(metric, run.card, ()).unit
    return Score(metric, spread.value, unit, n, spread)


def require_interval(score: Score) -> Score:
    """The score, which has an interval.

    Raises:
        MissingNumberError: it is undefined, or has no interval.
    """
    if score.value is None:
        raise undefined(score.lack)
    if score.spread is None:
        raise without_interval(score.lack)
    return score
