"""The scores that a part of a run's pictures gives while they come in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hardiness.benchmarks.card import published_baseline
from hardiness.core.codes import Missing
from hardiness.core.condition import Condition
from hardiness.core.fact import Fact
from hardiness.core.result import Score
from hardiness.core.table import ImageTable
from hardiness.results.metric_scores import with_metrics
from hardiness.results.policy import Rule, pair_metric_of
from hardiness.results.rules.baseline import baseline_run, standing_baseline
from hardiness.results.rules.cells import weighed
from hardiness.results.rules.differences import pairs_of
from hardiness.results.rules.errors import (
    MissingNumberError,
    NoPictureError,
    UndecidableError,
    UnmatchedError,
    judged_whole,
    no_mean,
)
from hardiness.results.rules.folder import PolicyFolder
from hardiness.results.rules.kept_scores import kept_score, state_of
from hardiness.results.rules.pair_metrics import pair_outcome
from hardiness.results.rules.scores import judged
from hardiness.results.runs import ScoredRun
from hardiness.statistics.verdicts import spread_of_looks


def score_of_look(
    rule: Rule, metric: str, where: Condition, run: ScoredRun, table: ImageTable, folder: PolicyFolder
) -> Score | None:
    """The score of a part of a run's pictures, whose p-values hold at every look; ``None`` while there are too few.

    Raises:
        MissingNumberError: no further picture gives one.
        UndecidableError: the metric is no weighted sum of cell means over images, or the rule is about slices.
        UnmatchedError: the run has no such metric, cell, group or class.
    """
    if rule.kind == "equivalent_within":
        raise judged_whole("equivalence")
    if rule.moves_at_most:
        raise judged_whole("moves_at_most")
    if rule.slice or rule.each:
        raise judged_whole("slices")
    try:
        if pair := pair_metric_of(metric):
            cells = pair_outcome(pair, rule, run, table, baseline_run(rule, run, folder))
            if isinstance(cells, Score):
                raise UndecidableError(no_mean(metric))
            return _score(metric, run, cells.ids, cells.values, cells.weights, cells.top)
        if rule.kind == "worse_by_at_most":
            pairs = pairs_of(metric, where, run, table, standing_baseline(rule, metric, where, run, folder))
            worse_by = pairs.theirs - pairs.mine if pairs.higher_is_better else pairs.mine - pairs.theirs
            return _score(metric, run, pairs.ids, worse_by, pairs.weights, pairs.top, paired=True)
        weighted, part = weighed(table, metric, where, run)
        values = np.asarray(weighted.values[part.rows][:, part.cells], np.float64)
        return _score(metric, run, table.ids[part.rows], values, weighted.weights[part.cells], weighted.top)
    except NoPictureError:
        return None
    except UnmatchedError as error:
        divisors = published_baseline(run.stored.run)
        scores = with_metrics(run, run.scores(divisors)[0], divisors)
        if error.field == "metric" and metric in {score.metric for score in scores}:
            raise UndecidableError(no_mean(metric)) from None
        raise


def _score(
    metric: str,
    run: ScoredRun,
    ids: NDArray[np.object_],
    values: NDArray[np.float64],
    weights: NDArray[np.float64],
    top: float,
    *,
    paired: bool = False,
) -> Score | None:
    """The score of a look; arguments as of `spread_of_looks`."""
    spread = spread_of_looks(ids, values, weights, top, paired=paired)
    return None if spread is None else judged(metric, run, int((~np.isnan(values)).any(axis=1).sum()), spread)


def kept_look(rule: Rule, metric: str, where: Condition, run: ScoredRun, folder: PolicyFolder) -> Score:
    """The score of a run that was stopped where the rules of a policy were decided.

    Raises:
        MissingNumberError: there is none that holds although the run was looked at.
    """
    if run.clusters is not None:
        raise MissingNumberError(Fact(Missing.STOPPED_EARLY, {"why": None}))

    def compute() -> Score:
        try:
            score = score_of_look(rule, metric, where, run, run.table, folder)
        except UndecidableError as error:
            raise MissingNumberError(Fact(Missing.STOPPED_EARLY, {"why": error.why})) from None
        if score is None:
            raise MissingNumberError(Fact(Missing.NO_VARIATION))
        return score

    before = state_of(baseline_run(rule, run, folder)) if rule.against else ""
    return kept_score(run, ["look", rule.kind, metric, dict(where)], before, compute)
