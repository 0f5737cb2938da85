"""Scores of two stored runs on the same pictures, by the metrics that are registered for two runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from hardiness.core.codes import Lack
from hardiness.core.columns import NO_COLUMNS, Columns, join_columns, refuse_disagreement
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError
from hardiness.core.fact import Fact, error_of
from hardiness.core.result import Score
from hardiness.core.run import Run
from hardiness.core.table import RIGHT, ImageTable
from hardiness.metrics.declaration import PairMetric, pair_registry
from hardiness.metrics.scoring import Scoring
from hardiness.results.clustered import clustered_scores, without_bases
from hardiness.results.runs import ScoredRun
from hardiness.statistics.clusters import Clusters


@dataclass(frozen=True)
class PairScore:
    """A score of two models on the same pictures.

    Attributes:
        first, second: the earlier and the later model, by name.
        title: of the metric, with its condition.
        score: the number.
    """

    first: str
    second: str
    title: str
    score: Score


def pair_scores_of(runs: Mapping[str, ScoredRun], clusters: Clusters | None = None) -> tuple[PairScore, ...]:
    """The scores of every two of some models on one benchmark by each metric that is shown, the earlier named first.

    None of a metric that does not speak of the runs, or whose columns of rows they lack; one without a value where
    pictures lack a column that it asks for.

    Args:
        runs: by name.
        clusters: of all their pictures; ``None`` where each stands alone.
    """
    scores: list[PairScore] = []
    for entry in pair_entries():
        if not entry.metric.detail:
            for first, second in combinations(runs, 2):
                scores += [
                    PairScore(first, second, _title(entry, score), score)
                    for score in _scores(entry, runs[first], runs[second], clusters)
                ]
    return tuple(scores)


def pair_entries() -> list[PairMetric]:
    """The metrics of two runs, each once, sorted by name."""
    return [entry for name in pair_registry.names() if (entry := pair_registry.find(name)) and entry.name == name]


def columns_of_pair(entry: PairMetric, before: ScoredRun, now: ScoredRun) -> Columns:
    """The columns that a metric of two runs asks for, of the pictures of both: a picture is the same in both.

    Raises:
        ArgumentError: they say different things of a picture, or answers that it reads cannot be matched by class; the
            message is the reason.
    """
    if "answer" in entry.table and (why := before.stored.run.why_other_classes(now.stored.run)):
        raise ArgumentError(f"answers cannot be matched by class: {why}")
    if not entry.columns:
        return NO_COLUMNS
    sides = [run.picture_columns for run in (before, now)]
    columns, disagreements = join_columns(
        *(replace(side, values={n: v for n, v in side.values.items() if n in entry.columns}) for side in sides)
    )
    refuse_disagreement(disagreements, columns.title)
    return columns


def scorings_of(
    entry: PairMetric, before: tuple[ImageTable, Run], now: tuple[ImageTable, Run], columns: Columns = NO_COLUMNS
) -> tuple[Scoring, Scoring] | None:
    """Both sides of a metric of two runs, on the images and cells that both have; ``None`` where there is none.

    Args:
        entry: the metric.
        before: image table and identity of the earlier run.
        now: of the later one.
        columns: of the pictures, as of `columns_of_pair`.
    """
    shared = shared_tables(before[0], now[0], entry.table)
    if shared is None:
        return None
    values = columns.at(shared[1].ids).values
    return Scoring(shared[0], before[1], columns=values), Scoring(shared[1], now[1], columns=values)


def shared_tables(before: ImageTable, now: ImageTable, columns: Sequence[str]) -> tuple[ImageTable, ImageTable] | None:
    """Two image tables on the images and conditions that both have, evaluated where both were; ``None`` for none.

    Args:
        before: of the earlier run.
        now: of the later one.
        columns: that are taken, beside ``right``; both have them.
    """
    places = before.rows_of(now.ids)
    cells = tuple(cell for cell in now.present if cell in before.present)
    rows = np.flatnonzero(places >= 0)
    if not cells or not len(rows):
        return None
    sides = []
    for table, at in ((before, places[rows]), (now, rows)):
        across = [table.present.index(cell) for cell in cells]
        chosen = {name: table[name] for name in (RIGHT, *columns)}
        sides.append({name: each[at][:, across] if each.ndim == 2 else each[at] for name, each in chosen.items()})
    in_both = (sides[0][RIGHT] >= 0) & (sides[1][RIGHT] >= 0)
    tables = [
        ImageTable(
            now.ids[rows],
            now.label[rows],
            cells,
            np.arange(len(cells), dtype=np.int16),
            {name: _where(in_both, column) for name, column in side.items()},
        )
        for side in sides
    ]
    return tables[0], tables[1]


def _where(is_present: np.ndarray, column: np.ndarray) -> np.ndarray:
    """A column with nothing where an image is not there; as it is where it speaks of images alone."""
    if column.ndim < 2 or is_present.all():
        return column
    return np.where(is_present, column, np.array(np.nan if column.dtype.kind == "f" else -1, column.dtype))


def _scores(entry: PairMetric, before: ScoredRun, now: ScoredRun, clusters: Clusters | None) -> list[Score]:
    """The scores of two runs by one metric; none where it is somebody else's and fails."""
    identities = before.stored.run, now.stored.run
    try:
        if not entry.speaks_of(*identities):
            return []
        tables = before.columns(*entry.table), now.columns(*entry.table)
        if entry.lacks(*tables) or any(entry.metric.why_unavailable(Condition(), run.outputs) for run in (before, now)):
            return []
        try:
            columns = columns_of_pair(entry, before, now)
        except ArgumentError as error:
            return [entry.metric.score(None, len(tables[1]), lack=Fact(Lack.UNAVAILABLE, {"why": error_of(error)}))]
        if missing := entry.lacks_columns(columns.values):
            return [entry.metric.score(None, len(tables[1]), lack=missing)]
        scorings = scorings_of(entry, (tables[0], identities[0]), (tables[1], identities[1]), columns)
        scores = entry.scores(*scorings) if scorings else []
        if scorings and clusters is not None:
            return clustered_scores(scores, clusters.among(scorings[1].table.ids))
        return without_bases(scores)
    except Exception as error:
        if not pair_registry.give_up(entry.name, error):
            raise
        return []


def _title(entry: PairMetric, score: Score) -> str:
    condition = ", ".join(str(value) for value in score.condition.values())
    return f"{entry.metric.title} ({condition})" if condition else entry.metric.title
