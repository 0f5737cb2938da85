"""A line for each column, or stem of file names, whose pictures are answered alike: intervals are too narrow then."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from hardiness.benchmarks.card import MissingCard
from hardiness.core.codes import RunRemark
from hardiness.core.columns import Columns, codes_of, numbers_of
from hardiness.core.fact import Fact
from hardiness.core.stems import STEMS, stem_column
from hardiness.core.table import RIGHT, ImageTable
from hardiness.metrics.picture_scores import SCORE
from hardiness.results.runs import ScoredRun, digest_of
from hardiness.statistics.dependence import Dependence, dependences

LEAST_TOLD = 1.05
"""The least factor that is told: an interval that is a twentieth too narrow is as good as any."""


def dependent_pictures(runs: Iterable[ScoredRun]) -> list[Fact]:
    """A fact for each column of the pictures of some runs whose values go with right or wrong answers.

    Stems of file names count as columns where the classes are a person's own. Of several runs the one counts whose
    intervals are the most too narrow; of one that has clusters nothing is said.
    """
    worst: dict[str, tuple[Dependence, bool]] = {}
    for run in runs:
        has_answers = run.stored.run.model.has_answers
        for name, dependence in dependences_of(run).items():
            if name not in worst or worst[name][0].too_narrow < dependence.too_narrow:
                worst[name] = dependence, has_answers
    return [
        Fact(
            RunRemark.DEPENDENT_PICTURES,
            {
                "column": name,
                "values": each.values,
                "correlation": each.correlation,
                "too_narrow": each.too_narrow,
                "has_answers": has_answers,
            },
        )
        for name, (each, has_answers) in worst.items()
        if each.too_narrow >= LEAST_TOLD
    ]


NOT_LOOKED_FOR = "not looked for: the pictures have no columns, and their classes are not a person's own"
"""The note on a run of which nothing could tell that pictures belong together."""


def dependence_note(run: ScoredRun) -> str:
    """A line on where dependence among the pictures of a run was looked for."""
    if run.grouping.cluster:
        return f"not looked for beyond {run.grouping.cluster}: intervals are over clusters by it"
    if not _has_candidates(run):
        return NOT_LOOKED_FOR
    places = [*run.picture_columns.values, *(["the stems of file names"] if run.stored.run.data.classes else [])]
    return f"looked for in {', '.join(places)}"


def _has_candidates(run: ScoredRun) -> bool:
    """Whether anything may say which pictures of a run belong together."""
    is_scored = not (isinstance(run.card, MissingCard) or run.refusal) and bool(run.counts().images)
    return is_scored and (bool(run.picture_columns.values) or bool(run.stored.run.data.classes))


def dependences_of(run: ScoredRun) -> dict[str, Dependence]:
    """The columns of a run whose pictures are answered alike, by name, kept beside its rows.

    Stems of file names count as columns where the classes are a person's own; of a run that has clusters there are
    none.
    """
    if run.grouping.cluster or not _has_candidates(run):
        return {}
    columns, has_stems = run.picture_columns, bool(run.stored.run.data.classes)

    def compute() -> dict[str, Dependence]:
        has_answers = run.stored.run.model.has_answers
        table = run.columns(*(() if has_answers else (SCORE,)))
        candidates = _column_codes(columns, table.ids)
        if has_stems:
            candidates |= {name: codes_of(stem_column(table.ids.tolist(), name))[1] for name in STEMS}
        shares = _shares_right(table) if has_answers else _mean_scores(table)
        return dependences(shares, table.label, candidates)

    digest = digest_of([has_stems, _digests(columns)])
    return run.memo.record(dict[str, Dependence], "dependence", digest, compute)


def _digests(columns: Columns) -> list[list[str]]:
    """Names and digests of the cells: one file gives others where its lines or columns are chosen in another way."""
    arrays = {"": columns.ids, **columns.values} if columns else {}
    contents = {name: "\0".join(text or "" for text in column.tolist()) for name, column in arrays.items()}
    return [[name, sha256(contents[name].encode("utf-8", "surrogatepass")).hexdigest()] for name in sorted(contents)]


def _shares_right(table: ImageTable) -> NDArray[np.float64]:
    """The share of right answers to each picture over the cells in which it was evaluated; NaN where it was in none."""
    right = table[RIGHT]
    cells = np.count_nonzero(right >= 0, axis=1)
    hits = np.count_nonzero(right == 1, axis=1)
    return np.asarray(np.divide(hits, cells, out=np.full(len(right), np.nan), where=cells > 0), np.float64)


def _mean_scores(table: ImageTable) -> NDArray[np.float64]:
    """The mean score of each picture over the cells in which it has one."""
    return np.asarray(np.nanmean(table[SCORE], axis=1), np.float64)


def _column_codes(columns: Columns, ids: NDArray[np.object_]) -> dict[str, NDArray[np.int64]]:
    """The value of each picture by column, from 0; -1 where it has none. A measured number names no cluster."""
    placed = columns.at(ids)
    return {name: codes_of(values)[1] for name, values in placed.values.items() if not _is_measured(values)}


def _is_measured(column: NDArray[np.object_]) -> bool:
    """Whether a column holds numbers some of which are not whole, and no two texts of one number, as 1.1 and 1.10."""
    different = np.array(sorted({text for text in column.tolist() if text is not None}), object)
    numbers = numbers_of(different)
    return numbers is not None and bool(np.any(numbers % 1)) and len(np.unique(numbers)) == len(different)
