"""The scores that the rows of a run give over some cells, of one class, of a slice or of all pictures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hardiness.core.codes import Lack, Missing
from hardiness.core.columns import SliceOfPictures
from hardiness.core.condition import Condition
from hardiness.core.fact import Fact
from hardiness.core.result import Score
from hardiness.metrics.picture_scores import SCORE
from hardiness.results.policy import Rule
from hardiness.results.rules.cells import CellsOfImages, weighed
from hardiness.results.rules.errors import MissingNumberError, UnmatchedError, no_mean, without_interval
from hardiness.results.rules.kept_scores import kept_score
from hardiness.results.rules.scores import judged, judged_mean
from hardiness.results.rules.slices import slice_rows, why_no_picture
from hardiness.results.runs import ScoredRun
from hardiness.results.slices import SlicePartition, run_by_image
from hardiness.statistics.estimate import mean
from hardiness.statistics.verdicts import spread_of_shares


def score_from_rows(run: ScoredRun, metric: str, where: Condition) -> Score:
    """An error or accuracy over some cells and one class or all."""

    def compute() -> Score:
        table = run.table
        weighted, part = weighed(table, metric, where, run)
        values = np.asarray(weighted.values[part.rows][:, part.cells], np.float64)
        if not len(values) or np.isnan(values).all(axis=0).any():
            raise MissingNumberError(Fact(Lack.EMPTY_CONDITION))
        if run.clusters is not None or metric == SCORE:
            return judged_mean(metric, run, run.clusters, mean(table.ids[part.rows], values))
        return _judged_shares(metric, run, table.ids[part.rows], values)

    return kept_score(run, ["rows", metric, dict(where)], "", compute)


def _judged_shares(metric: str, run: ScoredRun, ids: NDArray[np.object_], values: NDArray[np.float64]) -> Score:
    """The mean over cells of shares of images; arguments as of `spread_of_shares`."""
    return judged(metric, run, int((~np.isnan(values)).any(axis=1).sum()), spread_of_shares(ids, values))


def score_of_slice(rule: Rule, metric: str, where: Condition, run: ScoredRun) -> Score:
    """A number of the pictures of a slice.

    Raises:
        MissingNumberError: no picture is of it, or they are too few for an interval.
    """
    table = run.table
    rows = slice_rows(run, table, rule.slice)
    if not rows.any():
        raise MissingNumberError(why_no_picture(run, rule.slice))
    try:
        weighted, part = weighed(table, metric, where, run)
    except UnmatchedError:
        return _measure_of_slice(rule, metric, where, run)
    values = np.asarray(weighted.values[part.rows & rows][:, part.cells], np.float64)
    weights, ids = weighted.weights[part.cells], table.ids[part.rows & rows]
    if not len(values) or np.isnan(values).all(axis=0).any():
        raise MissingNumberError(why_no_picture(run, rule.slice))
    cells = CellsOfImages(ids, tuple(table.present[k] for k in part.cells), values, weights, weighted.top)
    if run.clusters is None and cells.is_mean_of_shares:
        return _judged_shares(metric, run, ids, values)
    if weights.min() < 0:
        return _measure_of_slice(rule, metric, where, run)
    top = float(weights.sum()) * weighted.top
    return judged_mean(metric, run, run.clusters, mean(ids, values, weights), top)


def _measure_of_slice(rule: Rule, metric: str, where: Condition, run: ScoredRun) -> Score:
    """A score of a slice that sorts or divides, or in which cells count against others."""
    by_image = run_by_image(run)
    candidates = (*by_image.scores, *by_image.parts) if by_image else ()
    scores = [each for each in candidates if (each.metric, each.condition) == (metric, where)]
    if by_image is None or not scores:
        raise MissingNumberError(no_mean(metric))
    pictures = SliceOfPictures(
        rule.slice_text, [rule.slice_text], slice_rows(run, run.table, rule.slice).astype(int) - 1
    )
    codes = None if run.clusters is None else run.clusters.codes_of(by_image.ids)
    part = SlicePartition.of(pictures, np.searchsorted(run.table.ids, by_image.ids), codes)
    if not part.values:
        raise MissingNumberError(Fact(Missing.INCOMPLETE, {"values": tuple(rule.slice.items())}))
    estimate = part.estimate(scores[0], by_image)
    if lack := estimate.why_no_interval(0):
        raise without_interval(lack)
    clusters = 0 if codes is None else int(estimate.variation.units[0])
    return replace(judged(metric, run, int(estimate.n[0]), estimate.spread(0)), clusters=clusters)
