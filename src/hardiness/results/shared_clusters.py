"""Clusters of the pictures of several runs, from the columns that each of them has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from hardiness.core.columns import NO_COLUMNS, NO_GROUPING, ColumnSource, is_empty, join_columns, pictures_text
from hardiness.core.errors import ArgumentError
from hardiness.core.stems import STEMS
from hardiness.results.grouping import clusters_of
from hardiness.results.runs import ScoredRun
from hardiness.statistics.clusters import Clusters


def clusters_of_runs(runs: Mapping[str, ScoredRun]) -> tuple[Clusters | None, tuple[ColumnSource, ...]]:
    """The clusters of all pictures of several runs, and where the column was read from; ``None`` where none is named.

    Each run has the columns of its own folder. One that lacks the column takes those of the others, for the pictures
    that they have.

    Args:
        runs: by the name that messages call each by.

    Raises:
        ArgumentError: two runs say otherwise of a picture that both have, or a run lacks the column and has pictures
            of its own.
    """
    grouping = next((run.grouping for run in runs.values() if run.grouping.cluster), NO_GROUPING)
    name = grouping.cluster
    if not name:
        return None, ()
    columns = NO_COLUMNS
    for run_name, run in runs.items():
        own = run.picture_columns
        own = replace(own, values={name: own.values[name]}, remarks=()) if name in own.values else NO_COLUMNS
        columns, disagreements = join_columns(columns, own)
        for pictures in disagreements.values():
            raise ArgumentError(
                f"{run_name}: {name} must be the same in all runs that have a picture, and is another than in "
                f"{' or '.join(each for each in runs if each != run_name)} for {pictures_text(pictures)}; mend the "
                "column in one of the folders, or give one table for all by --columns"
            )
    for run_name, run in runs.items():
        if name in run.picture_columns.values or (name in STEMS and not columns):
            continue
        unknown = run.ids[is_empty(columns.at(run.ids).values[name])] if columns else run.ids
        if len(unknown):
            raise ArgumentError(
                f"{run_name}: its pictures have no column {name}, and the other runs do not have "
                f"{pictures_text(unknown.tolist())}; give a table of them by --columns"
            )
    ids = np.unique(np.concatenate([run.ids for run in runs.values()]))
    return clusters_of(grouping, columns, ids), columns.sources
