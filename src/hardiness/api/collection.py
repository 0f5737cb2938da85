"""The results of one or more output folders, each run once, and their models beside each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path

from hardiness.core.columns import NO_GROUPING, Grouping
from hardiness.core.errors import ArgumentError, HardinessError
from hardiness.core.fact import Fact, error_of, lines_of
from hardiness.core.result import Result
from hardiness.report.gate import GateTable, gate_table
from hardiness.report.sections import with_own_names
from hardiness.results.comparison import BenchmarkComparison, kept_comparisons
from hardiness.results.folder import Folder
from hardiness.results.gate import kept_gate
from hardiness.results.policy import limit_of_text
from hardiness.results.results import group_of, published_results
from hardiness.store.lock import WAIT_S
from hardiness.store.store import Store
from hardiness.visualise.stored import folders


@dataclass(frozen=True)
class ResultCollection:
    """The results of one or more folders, each run once.

    Attributes:
        results: sorted by benchmark and data.
        problems: a fact for each thing that could not be read.
        comparisons: by score.
        remarks: what else to know of the folders.
        folder: the runs.
    """

    results: Sequence[Result]
    problems: Sequence[Fact]
    comparisons: Sequence[BenchmarkComparison]
    remarks: Sequence[Fact] = ()
    folder: Folder = field(default_factory=Folder.open)


def gate_tables(stores: Sequence[Store]) -> list[GateTable]:
    """The last gate of each folder, with a line where rows have come since."""
    return [gate_table(*last) for store in stores if (last := kept_gate(store))]


def stated_accuracy(text: str | None) -> float | None:
    """The accuracy of operating limits that ``--above`` states, in (0, 1); ``None`` where none is stated.

    Raises:
        ArgumentError: it is none.
    """
    return None if text is None else limit_of_text(text, "--above")


def collect_results(
    outs: Sequence[str],
    baseline: str | None = None,
    grouping: Grouping = NO_GROUPING,
    above: float | None = None,
) -> ResultCollection:
    """The results of one or more output folders, with comparisons of their models.

    Args:
        outs: the folders.
        baseline: a model whose stored runs ratios divide by, instead of the published baseline.
        grouping: the clusters and slices that results are asked for.
        above: the accuracy of operating limits; ``None`` for half of the clean one.

    Raises:
        DataError: the one folder, or each of them, holds no records.
    """
    stores, problems = open_stores(outs)
    folder = Folder.open(*stores, grouping=grouping, baseline=baseline, above=above)
    comparisons = comparisons_of(folder, details=False)
    about_tables = dict.fromkeys(
        fact
        for run in folder.runs
        for table in grouping.columns
        if len(run.ids)
        for fact in table.of_pictures(run.ids).remarks
    )
    return ResultCollection(
        folder.results, problems_of(folder, problems), comparisons, [*folder.renamed, *about_tables], folder
    )


def open_stores(
    outs: Sequence[str], may_be_none: bool = False, wait_s: float = WAIT_S
) -> tuple[list[Store], list[Fact]]:
    """The folders that hold records, and a fact for each of several that does not.

    Args:
        outs: the folders.
        may_be_none: whether it may be that none of them does.
        wait_s: how long to wait for one whose lock somebody else holds.

    Raises:
        DataError: the one folder holds no records.
        ArgumentError: none of several does.
    """
    stores: list[Store] = []
    problems: list[Fact] = []
    for out in outs:
        try:
            stores.append(Store.open(out, wait_s))
        except HardinessError as error:
            if folders(Path(out)):
                continue
            if len(outs) == 1:
                raise
            problems.append(error_of(error))
    if outs and not stores and not may_be_none:
        raise ArgumentError(lines_of(problems)[0])
    return stores, problems


def problems_of(folder: Folder, problems: Sequence[Fact] = ()) -> list[Fact]:
    """A fact for each thing of a folder that could not be read, behind others."""
    return [*problems, *folder.problems, *dict.fromkeys(fact for result in folder.results for fact in result.damage)]


def with_published(results: Sequence[Result]) -> list[Result]:
    """The results with the paper's own ones beside them, under names of their own."""
    of_paper = published_results()
    renamed = [replace(each, model=f"{each.model} (published)") if results else each for each in of_paper]
    return sorted([*results, *renamed], key=group_of)


DETAILED_MOST = 6
"""Models up to which a page says more of each pair than its scores: 15 pairs. Their number grows with its square."""


def comparisons_of(folder: Folder, details: bool = True) -> list[BenchmarkComparison]:
    """The models of one or more folders on the same images; none where there are fewer than two.

    Of more than `DETAILED_MOST` models nothing is said but their scores.

    Args:
        folder: the runs.
        details: whether what is said of single pairs is wanted, beside scores and places.
    """
    detailed = details and len({result.name for result in folder.results}) <= DETAILED_MOST
    compared = kept_comparisons(folder, details=detailed)
    if folder.is_one_place:
        return compared
    tables = (with_own_names(list(table)) for _, table in groupby(folder.results, key=group_of))
    names = {result.key: result.name for table in tables for result in table}
    return [_under_own_names(each, names) for each in compared]


def _under_own_names(comparison: BenchmarkComparison, names: Mapping[str, str]) -> BenchmarkComparison:
    """The scores of a comparison of several folders, under the names by which a page shows their runs, by key.

    Where a run has no name of its own there, no score is left: which of them is meant cannot be told.
    """
    own = {name: names[key] for name, key in comparison.keys.items() if key in names}
    if len(set(own.values())) < len(comparison.keys):
        return replace(comparison, scores=(), details=(), effective={}, flips=(), pair_scores=())
    scores = [
        replace(
            score,
            values={own[name]: value for name, value in score.values.items()},
            pairs={(own[first], own[second]): pair for (first, second), pair in score.pairs.items()},
        )
        for score in comparison.scores
    ]
    flips = [replace(pair, first=own[pair.first], second=own[pair.second]) for pair in comparison.flips]
    pairs = [replace(pair, first=own[pair.first], second=own[pair.second]) for pair in comparison.pair_scores]
    return replace(
        comparison, scores=tuple(scores), details=(), effective={}, flips=tuple(flips), pair_scores=tuple(pairs)
    )
