"""Scores of one run whose pictures come in clusters: an interval is over other clusters like these, or there is none.

An interval of independent pictures never stays: a score that says nothing of how it was made has no interval.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from hardiness.core.codes import Lack, RunRemark
from hardiness.core.fact import Fact
from hardiness.core.result import Score
from hardiness.core.table import RIGHT, ImageTable
from hardiness.statistics.clusters import ENOUGH_CLUSTERS, Clusters, basis_of_difference


def clustered_scores(scores: Iterable[Score], clusters: Clusters) -> list[Score]:
    """The scores with intervals over other clusters like these, and how many clusters each rests on.

    Args:
        scores: as a card or a metric makes them now; those that were kept have lost what an interval is made of.
        clusters: of the pictures of the run's table.

    Raises:
        ArgumentError: a picture has no cluster.
    """
    return [clustered_score(score, clusters) for score in scores]


def clustered_score(score: Score, clusters: Clusters) -> Score:
    """One such score; arguments and errors as of `clustered_scores`."""
    if score.value is None:
        return replace(score, basis=None)
    if score.basis is None:
        return without_interval(score)
    clustered = score.basis.spread(clusters)
    if score.spread is None and score.lack:  # what has no interval of pictures has none of clusters
        return replace(score, basis=None, clusters=clustered.clusters)
    return replace(score, basis=None, clusters=clustered.clusters, spread=clustered.spread, lack=clustered.lack)


def without_interval(score: Score, lack: Fact | None = None) -> Score:
    """The score without the interval that it may have had of independent pictures.

    Args:
        score: which.
        lack: why no method holds. What has no interval of pictures keeps its own.
    """
    if score.spread is None:  # as a mean over sets, which never has one
        return replace(score, basis=None)
    return replace(score, basis=None, spread=None, lack=lack or Fact(Lack.CLUSTERS))


def clustered_details(details: Mapping[str, Any], table: ImageTable, clusters: Clusters) -> dict[str, Any]:
    """The details of a run, whose curves are drawn without the intervals of independent pictures.

    How far confidence may be off accuracy by chance is that of clusters; where these say nothing it is left out.

    Args:
        details: as they are kept.
        table: of the run.
        clusters: of its pictures.
    """
    changed = dict(details)
    if "reliability" in details:
        changed["reliability"] = [point[:2] for point in details["reliability"]]
    if effort := details.get("effort"):
        curves = {name: [point[:2] for point in effort[name]] for name in ("steps", "starts")}
        changed["effort"] = {**effort, **curves, "noise": effort["noise"][:1]}
    if sureness := details.get("sureness"):
        confidence = table["confidence"][:, 0].astype(np.float64)
        is_number = np.isfinite(confidence)
        gap = confidence[is_number] - (table[RIGHT][is_number, 0] == 1)
        spread = basis_of_difference(table.ids[is_number], gap).spread(clusters).spread
        interval = spread.interval() if spread else None
        value = sureness["confidence"] - sureness["accuracy"]
        chance = max(interval.high - value, value - interval.low) if interval else 0.0
        changed["sureness"] = {**sureness, "chance": chance} if interval else {}
    return changed


def few_clusters(count: int, column: str, about: str = "") -> list[Fact]:
    """A fact where the clusters are so few that intervals hold less often than they say; none of single pictures."""
    if not 0 < count < ENOUGH_CLUSTERS:
        return []
    arguments = {"clusters": count, "column": column, "enough": ENOUGH_CLUSTERS}
    return [Fact(RunRemark.FEW_CLUSTERS, arguments, about)]


def without_bases(scores: Iterable[Score]) -> list[Score]:
    """The scores as they are kept: without what their intervals by clusters are made of, which would hold tables."""
    return [score if score.basis is None else replace(score, basis=None) for score in scores]
