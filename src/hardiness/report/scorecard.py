"""The overview: a row for each model, an entry for each section."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from hardiness.core.benchmark import GROUPS
from hardiness.report.sections import BenchmarkSection, OverviewEntry, are_by_clusters


@dataclass(frozen=True, slots=True)
class Head:
    """One column: the section it stands for, its number, and the group of benchmarks that it belongs to."""

    title: str
    full_title: str
    metric: str
    higher_is_better: bool
    anchor: str
    group: str = ""
    short: str = ""


@dataclass(frozen=True, slots=True)
class Scorecard:
    """The overview: a row for each model, an entry for each section, group by group."""

    heads: tuple[Head, ...]
    rows: tuple[tuple[str, tuple[OverviewEntry, ...]], ...]

    @property
    def groups(self) -> tuple[tuple[str, int], ...]:
        """Each group with how many columns it has, in their order."""
        return tuple((group, len(list(heads))) for group, heads in groupby(self.heads, key=lambda head: head.group))

    @property
    def by_clusters(self) -> bool:
        """Whether all of its intervals are by clusters."""
        return are_by_clusters(entry.score for _, entries in self.rows for entry in entries)

    @property
    def some_apart(self) -> tuple[bool, ...]:
        """Whether any model stands behind another beyond chance, column by column."""
        columns = zip(*(entries for _, entries in self.rows), strict=True)
        return tuple(any(entry.rank and entry.rank.best > 1 for entry in column) for column in columns)


def scorecard(shown: Sequence[BenchmarkSection]) -> Scorecard:
    """The overview of some sections; those without a number of their own are left out."""
    parts = [
        (each, column, group)
        for each in shown
        for group, column in ((each.section.group, each.section.headline), *each.section.others)
        if column is not None
    ]
    places = {group: place for place, group in enumerate(GROUPS)}
    ordered = sorted(parts, key=lambda part: places.get(part[2], len(places)))
    models = list(dict.fromkeys(result.name for each in shown for result in each.results))
    columns = [each.entries(column) for each, column, _ in ordered]
    titles = _titles([each for each, _, _ in ordered])
    heads = tuple(
        Head(title, each.full_heading, column.title, column.higher_is_better, each.anchor, group, each.short)
        for title, (each, column, group) in zip(titles, ordered, strict=True)
    )
    rows = tuple((model, tuple(column.get(model, OverviewEntry()) for column in columns)) for model in models)
    return Scorecard(heads, rows)


def _titles(shown: Sequence[BenchmarkSection]) -> list[str]:
    """A short title for each section: its benchmark, and what it needs to differ from others of that benchmark."""
    titles = []
    for each in shown:
        first = each.results[0]
        kin = [other for other in shown if other is not each and other.results[0].benchmark == first.benchmark]
        other_parts = [
            (other.results[0].data, *other.section.variant, f"protocol {other.results[0].protocol}") for other in kin
        ]
        telling = [
            part for part in dict.fromkeys(each.heading_parts()) if any(part not in others for others in other_parts)
        ]
        titles.append(", ".join([first.benchmark, *telling]))
    return titles
