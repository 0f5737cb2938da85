"""The score of two runs by a metric: of the baseline's and of the one that is judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from hardiness.core.codes import Lack, Missing
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError
from hardiness.core.fact import Fact, error_of
from hardiness.core.result import Score
from hardiness.core.run import Run
from hardiness.core.table import ImageTable
from hardiness.metrics.declaration import PairMetric, pair_registry
from hardiness.metrics.scoring import WeightedCells, as_cells, as_score
from hardiness.results.clustered import clustered_score
from hardiness.results.metric_scores import code_of
from hardiness.results.pair_scores import columns_of_pair, scorings_of
from hardiness.results.policy import Rule
from hardiness.results.rules.baseline import baseline_run
from hardiness.results.rules.cells import CellsOfImages, part_of
from hardiness.results.rules.errors import MissingNumberError, NoPictureError, UnmatchedError, no_mean
from hardiness.results.rules.folder import PolicyFolder
from hardiness.results.rules.kept_scores import kept_score, state_of
from hardiness.results.rules.scores import judged_mean, require_interval
from hardiness.results.rules.slices import slice_rows, why_no_picture
from hardiness.results.runs import ScoredRun
from hardiness.statistics.clusters import Clusters
from hardiness.statistics.estimate import mean
from hardiness.statistics.verdicts import spread_of_shares


def score_of_pair(entry: PairMetric, rule: Rule, run: ScoredRun, folder: PolicyFolder) -> Score:
    """The score of two runs by a metric: of the baseline's, and then of this one."""
    before = baseline_run(rule, run, folder)
    clusters = folder.clusters_of(rule, run, before)

    def compute() -> Score:
        outcome = pair_outcome(entry, rule, run, run.columns(*entry.table), before, clusters)
        if isinstance(outcome, Score):
            if rule.slice:
                raise MissingNumberError(no_mean(rule.metric))
            return require_interval(outcome)
        if rule.slice:
            outcome = _in_slice(outcome, run, rule.slice)
        has_value = ~np.isnan(outcome.values).all(axis=0)
        if not has_value.any():
            raise NoPictureError(Fact(Missing.NOTHING_SHARED))
        if outcome.is_mean_of_shares and clusters is None:
            spread = spread_of_shares(outcome.ids, outcome.values[:, has_value])
            n = int((~np.isnan(outcome.values)).any(axis=1).sum())
            return Score(entry.name, spread.value, entry.metric.unit, n, spread)
        estimate = mean(outcome.ids, outcome.values[:, has_value], outcome.weights[has_value])
        top = float(outcome.weights.sum()) * outcome.top
        return judged_mean(entry.name, run, clusters, estimate, top)

    if rule.slice or entry.columns:  # columns may be others the next time
        return compute()
    own = [] if pair_registry.ships(entry.name) else code_of(entry)
    return kept_score(run, [rule.metric, dict(rule.where), *own], state_of(before), compute)


def _in_slice(cells: CellsOfImages, run: ScoredRun, in_slice: Mapping[str, str]) -> CellsOfImages:
    """The cells of the pictures of a slice.

    Raises:
        NoPictureError: none is of it.
    """
    ids = run.table.ids[slice_rows(run, run.table, in_slice)]
    rows = np.isin(cells.ids, ids)
    if not rows.any():
        raise NoPictureError(why_no_picture(run, in_slice))
    return replace(cells, ids=cells.ids[rows], values=cells.values[rows])


def pair_outcome(
    entry: PairMetric,
    rule: Rule,
    run: ScoredRun,
    now: ImageTable,
    before: ScoredRun,
    clusters: Clusters | None = None,
) -> CellsOfImages | Score:
    """A metric of two runs: its cells, of the images and conditions that a rule is about, or its score.

    Args:
        entry: the metric.
        rule: what of it is asked.
        run: the later run, and what of its image table is looked at.
        now: that table.
        before: the earlier run.
        clusters: of the pictures of both; ``None`` where each stands alone.

    Raises:
        MissingNumberError: one of the two lacks what it needs, or it is undefined, or fails.
        NoPictureError: they share no picture.
        UnmatchedError: there is no such cell, group or class.
    """
    identity = run.stored.run
    earlier = before.columns(*entry.table)
    missing = entry.lacks(earlier, now)
    if not missing and entry.speaks_of(before.stored.run, identity):
        try:
            pictures = columns_of_pair(entry, before, run)
        except ArgumentError as error:
            raise MissingNumberError(Fact(Lack.UNAVAILABLE, {"why": error_of(error)})) from None
        if lacking := entry.lacks_columns(pictures.values):
            raise MissingNumberError(lacking)
        scorings = scorings_of(entry, (earlier, before.stored.run), (now, identity), pictures)
        if scorings is None:
            raise NoPictureError(Fact(Missing.NOTHING_SHARED))
        try:
            outcomes = entry(*scorings)
            outcome = outcomes.get(rule.where, outcomes.get(Condition()))
            if isinstance(outcome, WeightedCells) and min(outcome.weights.values()) >= 0:
                cells = as_cells(entry.metric, rule.where, outcome, scorings[1])
                all_cells = CellsOfImages(scorings[1].table.ids, tuple(outcome.weights), *cells)
                return all_cells if rule.where in outcomes else _chosen(all_cells, rule, scorings[1].table, identity)
            if outcome is not None and (rule.where in outcomes or not rule.where):
                score = as_score(entry.metric, rule.where, outcome, scorings[1])
                return score if clusters is None else clustered_score(score, clusters.among(scorings[1].table.ids))
        except (ArgumentError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            if pair_registry.ships(entry.name):
                raise
            raise MissingNumberError(
                Fact(Missing.METRIC_FAILED, {"metric": entry.name, "why": error_of(error)})
            ) from None
        if outcomes:
            raise UnmatchedError("where", str(rule.where), sorted(map(str, outcomes)))
    raise MissingNumberError(Fact(Lack.COLUMNS, {"table": tuple(missing or entry.table)}))


def _chosen(all_cells: CellsOfImages, rule: Rule, table: ImageTable, identity: Run) -> CellsOfImages:
    """The cells and images that a rule is about, of a metric that has no outcome for its condition.

    Raises:
        UnmatchedError: there is no such cell, group or class, or its cells do not weigh the same.
    """
    part = part_of(table, rule.where, identity)
    chosen = [
        all_cells.conditions.index(cell) for k in part.cells if (cell := table.present[k]) in all_cells.conditions
    ]
    if not chosen or len({*all_cells.weights.tolist()}) > 1:
        raise UnmatchedError("where", str(rule.where), sorted(map(str, all_cells.conditions)))
    conditions, weights = tuple(all_cells.conditions[k] for k in chosen), np.full(len(chosen), 1 / len(chosen))
    return CellsOfImages(
        all_cells.ids[part.rows], conditions, all_cells.values[part.rows][:, chosen], weights, all_cells.top
    )
