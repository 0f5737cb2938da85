"""The results of one or more output folders, each run once, and their models beside each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from hardiness.benchmarks.card import card_of
from hardiness.core.columns import NO_GROUPING, Grouping
from hardiness.core.errors import ArgumentError, HardinessError
from hardiness.core.result import Result
from hardiness.core.table import ImageTable
from hardiness.report.gate import GateTable, gate_table
from hardiness.report.results_file import rebuild_results
from hardiness.report.sections import with_own_names
from hardiness.results.comparison import BenchmarkComparison, kept_comparisons
from hardiness.results.gate import kept_gate
from hardiness.results.policy import limit_of_text
from hardiness.results.results import (
    each_once,
    group_of,
    published_results,
    results_of,
    with_limits_of,
)
from hardiness.results.runs import ScoredRun, with_levels
from hardiness.store.lock import WAIT_S
from hardiness.store.store import Store, surveyed
from hardiness.visualise.stored import folders


@dataclass(frozen=True)
class ResultCollection:
    """The results of one or more folders, each run once.

    Attributes:
        results: sorted by benchmark and data.
        problems: a line for each thing that could not be read.
        comparisons: by score.
        remarks: what else to know of the folders.
        stores: the folders.
    """

    results: Sequence[Result]
    problems: Sequence[str]
    comparisons: Sequence[BenchmarkComparison]
    remarks: Sequence[str] = ()
    stores: Sequence[Store] = ()

    def tables_of(self, result: Result) -> Sequence[ImageTable]:
        """The image tables of a result's run and of its levels; none where no folder holds it alone."""
        for store in self.stores:
            for run in with_levels([ScoredRun(stored, card_of(stored.run)) for stored in store.runs()]):
                if run.stored.key == result.key and not result.parts:
                    return [each.table for each in (run, *run.levels)]
        return []


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
    with surveyed(*stores):
        results, problems, remarks = results_in(stores, problems, baseline, grouping=grouping)
        results = results if above is None else with_limits_of(results, stores, above, grouping)
        comparisons = comparisons_of(stores, results, baseline, details=False, grouping=grouping)
        titles = tuple(f"{table.title}: " for table in grouping.columns)
        about_tables = dict.fromkeys(
            line for result in results for line in result.warnings if titles and line.startswith(titles)
        )
        return ResultCollection(results, problems, comparisons, [*remarks, *about_tables], stores)


def open_stores(
    outs: Sequence[str], may_be_none: bool = False, wait_s: float = WAIT_S
) -> tuple[list[Store], list[str]]:
    """The folders that hold records, and a line for each of several that does not.

    Args:
        outs: the folders.
        may_be_none: whether it may be that none of them does.
        wait_s: how long to wait for one whose lock somebody else holds.

    Raises:
        DataError: the one folder holds no records.
        ArgumentError: none of several does.
    """
    stores: list[Store] = []
    problems: list[str] = []
    for out in outs:
        try:
            stores.append(Store.open(out, wait_s))
        except HardinessError as error:
            if folders(Path(out)):
                continue
            if len(outs) == 1:
                raise
            problems.append(str(error))
    if outs and not stores and not may_be_none:
        raise ArgumentError(problems[0])
    return stores, problems


def results_in(
    stores: Sequence[Store],
    problems: Sequence[str],
    baseline: str | None = None,
    published: bool = False,
    rebuild: bool = False,
    grouping: Grouping = NO_GROUPING,
    verify: bool = False,
) -> tuple[list[Result], list[str], list[str]]:
    """The results of folders, a line for each thing that could not be read, and one for each folder that was renamed.

    Args:
        stores: the folders.
        problems: lines that stand before the others.
        baseline: a model whose stored runs ratios divide by, instead of the published baseline.
        published: whether the paper's own results stand beside them.
        rebuild: whether ``results.json`` of each folder is made anew too.
        grouping: the clusters and slices that results are asked for.
        verify: read every row again; goes without ``rebuild``.
    """
    every: list[Result] = []
    remarks: list[str] = []
    for store in stores:
        survey = store.survey()
        problems, remarks = [*problems, *survey.problems], [*remarks, *survey.renamed]
        # Page and results.json of a folder are of one baseline.
        of_store = (
            rebuild_results(store, baseline, grouping) if rebuild else results_of(store, baseline, verify, grouping)
        )
        problems = [*problems, *dict.fromkeys(line for result in of_store for line in result.damage)]
        every += of_store
    measured = each_once(every)
    of_paper = published_results() if published else []
    renamed = [replace(each, model=f"{each.model} (published)") if measured else each for each in of_paper]
    everything = [*measured, *renamed]
    order = {id(result): place for place, result in enumerate(everything)}
    results = sorted(everything, key=lambda result: (group_of(result), order[id(result)]))
    return results, list(problems), remarks


DETAILED_MOST = 6
"""Models up to which a page says more of each pair than its scores: 15 pairs. Their number grows with its square."""


def comparisons_of(
    stores: Sequence[Store],
    results: Sequence[Result],
    baseline: str | None = None,
    details: bool = True,
    grouping: Grouping = NO_GROUPING,
) -> list[BenchmarkComparison]:
    """The models of one or more folders on the same images; none where there are fewer than two.

    Of more than `DETAILED_MOST` models nothing is said but their scores. A folder of which earlier ones hold every run,
    such as a copy, is left out.

    Args:
        stores: the folders.
        results: what they hold.
        baseline: a model whose stored runs the ratios of ``results`` divide by, instead of the published baseline.
        details: whether what is said of single pairs is wanted, beside scores and places.
        grouping: the clusters and slices that comparisons are asked for.
    """
    models = {result.name for result in results if not result.measured.get("published")}
    detailed = details and len(models) <= DETAILED_MOST
    own: list[Store] = []
    keys_before: set[str] = set()
    for store in stores:
        keys = {run.run.key for run in store.runs()}
        if not keys <= keys_before:
            own.append(store)
        keys_before |= keys
    compared = kept_comparisons(own, baseline, details=detailed, grouping=grouping)
    if len(own) == 1:
        return compared
    tables = (with_own_names(list(table)) for _, table in groupby(results, key=group_of))
    names = {result.key: result.name for table in tables for result in table}
    return [_under_own_names(each, names) for each in compared]


def _under_own_names(comparison: BenchmarkComparison, names: Mapping[str, str]) -> BenchmarkComparison:
    """The scores of a comparison of several folders, under the names by which a page shows their runs, by key.

    Where a run has no name of its own there, no score is left: which of them is meant cannot be told.
    """
    own = {name: names[key] for name, key in comparison.keys.items() if key in names}
    if len(set(own.values())) < len(comparison.keys):
        return replace(comparison, scores=(), details=(), effective=(), flips=(), pair_scores=())
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
        comparison, scores=tuple(scores), details=(), effective=(), flips=tuple(flips), pair_scores=tuple(pairs)
    )
