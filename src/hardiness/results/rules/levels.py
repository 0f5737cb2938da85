"""The lowest accuracy at any level of a corruption up to the one that a rule names."""

from __future__ import annotations

from collections.abc import Iterator

from hardiness import distortions
from hardiness.benchmarks.operating_limits import levels_by_corruption
from hardiness.core.codes import Lack, Missing
from hardiness.core.errors import ArgumentError
from hardiness.core.fact import Fact
from hardiness.core.result import Score
from hardiness.core.table import ImageTable
from hardiness.results.policy import Rule
from hardiness.results.rules.errors import MissingNumberError, UnmatchedError, without_interval
from hardiness.results.rules.folder import PolicyFolder
from hardiness.results.rules.slices import slice_rows, why_no_picture
from hardiness.results.runs import ScoredRun
from hardiness.statistics.clusters import why_too_few
from hardiness.statistics.spreads.shares import LowestShare


def score_of_levels(rule: Rule, run: ScoredRun, folder: PolicyFolder) -> Score:
    """The lowest accuracy over the levels of a corruption up to the one that a rule names.

    It passes where accuracy at each of these is surely not below the limit, and fails where one surely is, whether or
    not accuracy falls with the level.

    Raises:
        ArgumentError: the level is none of the corruption's quantity.
        MissingNumberError: the corruption was not run at that level, or pictures are too few.
        UnmatchedError: the corruption was not run, or has no quantity.
    """
    name, benchmark = str(rule.where["corruption"]), run.stored.run.benchmark.name
    by_name = {levels.corruption: levels for levels in levels_by_corruption(_tables_of(rule, run), run.quantities)}
    if name not in by_name:
        entry = distortions.corruptions.find(name)
        if entry is None or not any("corruption" in cell for cell in run.stored.run.conditions):
            raise UnmatchedError("where corruption", name, sorted(by_name))
        try:
            value = entry.known_quantity("holds_to").value_of(rule.holds_to, f"holds_to of {name}")
        except ArgumentError as error:
            raise ArgumentError(f"{folder.policy.place(rule)}: {error}") from None
        raise MissingNumberError(_was_not_run(name, rule.holds_to, benchmark, value))
    levels, clusters = by_name[name], run.clusters
    try:
        value = levels.quantity.value_of(rule.holds_to, f"holds_to of {name}")
    except ArgumentError as error:
        raise ArgumentError(f"{folder.policy.place(rule)}: {error}") from None
    up_to = levels.up_to(value)
    if not up_to or up_to[-1].value != value:
        raise MissingNumberError(_was_not_run(name, levels.quantity.text(value), benchmark, value))
    if any(not len(level.right) for level in up_to):
        raise MissingNumberError(why_no_picture(run, rule.slice) if rule.slice else Fact(Lack.EMPTY_CONDITION))
    if clusters is not None and (lack := why_too_few(clusters.count(up_to[-1].ids))):
        raise without_interval(lack)
    lowest = min(up_to, key=lambda level: level.accuracy)
    spread = LowestShare(tuple(level.spread(clusters) for level in up_to))
    in_clusters = 0 if clusters is None else clusters.count(lowest.ids)
    return Score("accuracy", lowest.accuracy, "fraction", len(lowest.right), spread, clusters=in_clusters)


def _tables_of(rule: Rule, run: ScoredRun) -> Iterator[ImageTable]:
    """The tables of a run's levels, of a rule on a slice with the pictures of that only."""
    for each in run.levels:
        table = each.table
        yield table.of_rows(slice_rows(each, table, rule.slice)) if rule.slice else table


def _was_not_run(corruption: str, level: str, benchmark: str, value: float) -> Fact:
    """Why a level has no number."""
    return Fact(
        Missing.LEVEL_NOT_RUN, {"corruption": corruption, "level": level, "benchmark": benchmark, "value": value}
    )
