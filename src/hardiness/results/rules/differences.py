"""The difference of a run's score from the baseline's, on the pictures that both have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardiness.core.codes import Missing
from hardiness.core.condition import Condition
from hardiness.core.fact import Fact
from hardiness.core.result import Score
from hardiness.core.table import ImageTable
from hardiness.results.measured import measures_of
from hardiness.results.policy import Rule
from hardiness.results.rules.baseline import standing_baseline
from hardiness.results.rules.cells import weighed
from hardiness.results.rules.errors import MissingNumberError, NoPictureError, UnmatchedError, without_interval
from hardiness.results.rules.folder import PolicyFolder
from hardiness.results.rules.kept_scores import kept_score, state_of
from hardiness.results.rules.scores import judged
from hardiness.results.rules.slices import slice_rows, why_no_picture
from hardiness.results.runs import ScoredRun
from hardiness.statistics.clusters import Clusters
from hardiness.statistics.comparison import Difference, difference
from hardiness.statistics.estimate import Estimate, mean
from hardiness.statistics.spreads.combined import Scaled


def score_of_difference(rule: Rule, metric: str, where: Condition, run: ScoredRun, folder: PolicyFolder) -> Score:
    """How much worse a run is than the baseline's, or how far apart the two are, on the same images.

    Either is by the one interval by which all rules on a difference decide.

    Raises:
        MissingNumberError: the baseline has no such number, or the difference no interval.
    """
    before = standing_baseline(rule, metric, where, run, folder)
    clusters = folder.clusters_of(rule, run, before)

    def compute() -> Score:
        try:
            pairs = pairs_of(metric, where, run, run.table, before, rule.slice)
        except UnmatchedError:
            tested, is_higher_better = _tested_measures(rule, metric, where, run, before, clusters)
        else:
            tested, is_higher_better = _tested_pairs(rule, pairs, clusters), pairs.higher_is_better
        if tested.spread is None:
            raise without_interval(tested.lack, of_difference=True)
        is_reversed = is_higher_better and rule.kind == "worse_by_at_most"
        spread = Scaled(tested.spread, 0.0, -1.0) if is_reversed else tested.spread
        return replace(judged(metric, run, tested.n, spread), clusters=tested.clusters)

    if rule.slice:  # columns may be others the next time
        return compute()
    return kept_score(run, [rule.kind, metric, dict(where), rule.moves_at_most], state_of(before), compute)


def _tested_pairs(rule: Rule, pairs: Pairs, clusters: Clusters | None) -> Difference:
    """A run's score less the baseline's."""
    mine, theirs = pairs.mine, pairs.theirs
    span = float(np.abs(pairs.weights).sum()) * pairs.top
    if rule.moves_at_most:
        span = _stated_span(rule, pairs.ids, np.nan_to_num(mine - theirs) @ pairs.weights, span)
    if not np.isnan(mine - theirs).any():
        first, second = (mean(pairs.ids, values, pairs.weights) for values in (mine, theirs))
        return difference(first, second, span, clusters=clusters)
    # An image with few of the cells may add more to the sum of their means than its own cells can put the two apart.
    estimate = mean(pairs.ids, mine - theirs, pairs.weights)
    nothing = Estimate(0.0, estimate.ids, np.zeros(estimate.n))
    return difference(estimate, nothing, clusters=clusters, unseen=span)


def _stated_span(rule: Rule, ids: NDArray[Any], by_image: NDArray[np.float64], span: float) -> float:
    """The most that a picture can put the two apart, as a person states it.

    Args:
        rule: which states it.
        ids: ``(n,)`` of the pictures.
        by_image: ``(n,)``, how far each puts the two apart.
        span: the most by the metric's own range.

    Raises:
        MissingNumberError: a picture moves the score by more.
    """
    largest = int(np.argmax(np.abs(by_image)))
    if abs(by_image[largest]) > rule.moves_at_most * (1 + 1e-9):
        moves = {"picture": str(ids[largest]), "moves": float(abs(by_image[largest]))}
        stated = {"moves_at_most": rule.moves_at_most, "in_percent": rule.in_percent}
        raise MissingNumberError(Fact(Missing.MOVES_MORE, moves | stated))
    return min(span, rule.moves_at_most)


@dataclass(frozen=True)
class Pairs:
    """Values of two runs by image and cell, of the images that both have.

    Attributes:
        ids: ``(N,)`` of the images, sorted.
        mine, theirs: ``(N, M)``.
        weights: ``(M,)`` of the cells.
        top: the largest that a value can be.
        higher_is_better: the score's direction.
    """

    ids: NDArray[np.object_]
    mine: NDArray[np.float64]
    theirs: NDArray[np.float64]
    weights: NDArray[np.float64]
    top: float
    higher_is_better: bool


def pairs_of(
    metric: str,
    where: Condition,
    run: ScoredRun,
    table: ImageTable,
    before: ScoredRun,
    in_slice: Mapping[str, str] | None = None,
) -> Pairs:
    """The images and cells by which a run is held against the baseline's, of all pictures or of a slice.

    Raises:
        MissingNumberError: the baseline has other cells.
        NoPictureError: it has none of the images.
        UnmatchedError: the metric is no weighted sum of cells, or there is no such cell, group or class.
    """
    own, part = weighed(table, metric, where, run)
    other, its = weighed(before.table, metric, where, before)
    cells = [table.present[k] for k in part.cells]
    if cells != [before.table.present[k] for k in its.cells]:
        raise MissingNumberError(Fact(Missing.BASELINE_CONDITIONS))
    places = before.table.rows_of(table.ids)
    both = (places >= 0) & part.rows
    if in_slice:
        both &= slice_rows(run, table, in_slice)
        if not both.any():
            raise NoPictureError(why_no_picture(run, in_slice))
    if not both.any():
        raise NoPictureError(Fact(Missing.NOTHING_SHARED))
    mine = np.asarray(own.values[both][:, part.cells], np.float64)
    theirs = np.asarray(other.values[places[both]][:, its.cells], np.float64)
    return Pairs(table.ids[both], mine, theirs, own.weights[part.cells], own.top, own.higher_is_better)


def _tested_measures(
    rule: Rule, metric: str, where: Condition, mine: ScoredRun, theirs: ScoredRun, clusters: Clusters | None
) -> tuple[Difference, bool]:
    """A score that sorts or divides, of a run less the baseline's, and whether higher is better."""
    runs = [values for each in (mine, theirs) if (values := measures_of(each)) is not None]
    if len(runs) < 2:
        raise MissingNumberError(Fact(Missing.INCOMPLETE))
    ids = np.intersect1d(runs[0].ids, runs[1].ids)
    if rule.slice:
        ids = np.intersect1d(ids, mine.table.ids[slice_rows(mine, mine.table, rule.slice)])
        if not len(ids):
            raise NoPictureError(why_no_picture(mine, rule.slice))
    if runs[0].conditions != runs[1].conditions and not mine.stored.run.model.has_answers:
        raise MissingNumberError(Fact(Missing.BASELINE_CONDITIONS))
    scores = [s for each in runs for s in (*each.scores, *each.parts) if (s.metric, s.condition) == (metric, where)]
    if len(scores) < 2 or not len(ids):
        raise MissingNumberError(Fact(Missing.NOT_COMPARED, {"metric": metric}))
    (first, lacks), (second, lacks_too) = (run.estimate(score, ids) for run, score in zip(runs, scores, strict=True))
    span = max(score.span for score in scores)
    if rule.moves_at_most and np.array_equal(first.ids, second.ids):
        by_image = first.influence - second.influence + (first.value - second.value)
        span = _stated_span(rule, first.ids, by_image, span)
    return difference(first, second, span, lacks or lacks_too, clusters), scores[0].higher_is_better
