"""Models x benchmarks: one number each, with its interval, its place, and what is amiss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from hardiness.core import GROUPS, NOT_CHECKED, WITHDRAWN, Column, Result, Score
from hardiness.report import format as formatting
from hardiness.report.ranking import Standing
from hardiness.report.sections import BenchmarkSection, score_of
from hardiness.scoring.attack_checks.verdict import doubtful, trust


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
class OverviewEntry:
    """One number of the overview.

    Attributes:
        score: the number; ``None`` where there is none.
        rank: its place among the models, where it has an interval.
        marks: what is amiss, in a word each; see `marks_of`.
        reason: why there is no number.
        exported: the marks of a table that stands alone; see `marks_in_export`.
    """

    score: Score | None = None
    rank: Standing | None = None
    marks: tuple[str, ...] = ()
    reason: str = ""
    exported: tuple[str, ...] = ()

    @property
    def doubt(self) -> str:
        """The mark of a number that the report on an attack does not stand by; empty where there is none."""
        return next((mark for mark in self.marks if mark in (WITHDRAWN, NOT_CHECKED)), "")

    @property
    def text(self) -> str:
        """The value as people read it."""
        if self.score is None or self.score.value is None:
            return "undefined" if self.score else "–"
        return formatting.number(self.score.value, self.score.unit)

    @property
    def interval(self) -> str:
        """Its interval; empty where there is none."""
        return formatting.interval(self.score.interval, self.score.unit) if self.score and self.score.interval else ""

    @property
    def percent(self) -> float | None:
        """The value to sort by."""
        return None if self.score is None or self.score.value is None else round(100 * self.score.value, 6)


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
    def told_apart(self) -> tuple[bool, ...]:
        """Of each column, whether any model stands behind another beyond chance."""
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
    counted = sorted(parts, key=lambda part: places.get(part[2], len(places)))
    models = list(dict.fromkeys(result.name for each in shown for result in each.results))
    columns = [_entries(each, column) for each, column, _ in counted]
    titles = _titles([each for each, _, _ in counted])
    heads = tuple(
        Head(title, each.full_heading, column.title, column.higher_is_better, each.anchor, group, each.short)
        for title, (each, column, group) in zip(titles, counted, strict=True)
    )
    rows = tuple((model, tuple(column.get(model, OverviewEntry()) for column in columns)) for model in models)
    return Scorecard(heads, rows)


def _titles(shown: Sequence[BenchmarkSection]) -> list[str]:
    """A short title for each section: its benchmark, and what it needs to differ from others of that benchmark."""
    found = []
    for each in shown:
        first = each.results[0]
        kin = [other for other in shown if other is not each and other.results[0].benchmark == first.benchmark]
        theirs = [
            (other.results[0].data, *other.section.variant, f"protocol {other.results[0].protocol}") for other in kin
        ]
        telling = [part for part in dict.fromkeys(_parts(each)) if any(part not in others for others in theirs)]
        found.append(", ".join([first.benchmark, *telling]))
    return found


def _parts(shown: BenchmarkSection) -> tuple[str, ...]:
    """What a section's heading says beside its benchmark."""
    first = shown.results[0]
    return (first.data, *shown.section.variant, f"protocol {first.protocol}")


def _entries(shown: BenchmarkSection, column: Column) -> dict[str, OverviewEntry]:
    scores = {result.name: score for result in shown.results if (score := score_of(result, column)) is not None}
    places = shown.places(column)
    return {
        result.name: OverviewEntry(
            scores.get(result.name),
            places.get(result.name),
            marks_of(result, scores.get(result.name)),
            (scores[result.name].reason or "") if result.name in scores else "not evaluated",
            marks_in_export(result, scores.get(result.name)),
        )
        for result in shown.results
    }


DEMO = "demo-sized"


def marks_in_export(result: Result, score: Score | None = None) -> tuple[str, ...]:
    """What is amiss with a result where its table stands alone: the marks, and whether its data are those of the demo.

    The page says of the demo's data once for all.
    """
    is_demo = any(warning.startswith(DEMO) for warning in result.warnings)
    return (*marks_of(result, score), *((DEMO,) if is_demo else ()))


def marks_of(result: Result, score: Score | None = None) -> tuple[str, ...]:
    """What is amiss with a result, or one of its scores, in a word each, e.g. partial, withdrawn, doubt."""
    marks = []
    if result.counts.failed:
        marks.append("failed")
    if not result.counts.complete:
        marks.append("partial")
    said = trust(result.findings)
    if doubt := result.doubt if score is None else score.doubt:
        marks.append(doubt)
    elif said.startswith("no") or (said != "cannot tell" and doubtful(result.findings)):
        marks.append("doubt")
    elif said == "cannot tell":
        marks.append(said)
    return tuple(marks)
