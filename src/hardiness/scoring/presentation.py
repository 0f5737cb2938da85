"""What a page shows of a card's results: columns and their titles, notes, sentences and galleries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from hardiness.core import (
    GROUPS,
    LAST,
    Chart,
    Column,
    Condition,
    Gallery,
    Note,
    Result,
    Run,
    Saying,
    Score,
    Section,
)


class Presentation:
    """The half of a card that writes for people; each part has a default that a card may replace.

    Class attributes:
        titles: of its metrics, where the name with spaces for underscores is not the usual term.
        keys: of its conditions, in the order in which they are shown.
        place: where its sections stand on a page: the order of the paper's experiments.
        group: what it is about, one of `GROUPS`, by which the overview groups benchmarks.
        explanations: its terms, each with what it means in a sentence or two.
    """

    titles: ClassVar[Mapping[str, str]] = {}
    keys: ClassVar[tuple[str, ...]] = ()
    place: ClassVar[int] = LAST
    group: ClassVar[str] = GROUPS[-1]
    explanations: ClassVar[Mapping[str, str]] = {}

    def view(self, results: Sequence[Result]) -> Section:
        """What a page shows of results of this card: one benchmark, one data set, one protocol, one variant."""
        columns = self.columns_of(results)
        return Section(
            variant=self.variant(results[0].run),
            columns=columns,
            notes=tuple(note for result in results for note in self.notes_of(result)),
            place=self.place_of(results[0].run),
            headline=self.headline_of(columns),
            group=self.group_of(results[0].run),
            others=self.others_of(columns),
            sayings=tuple(saying for r in results if (saying := self._saying(r))),
            galleries=[(r.name, Gallery.from_dict(g)) for r in results for g in r.details.get("galleries", ())],
            explanations=tuple(self.explanations.items()),
        )

    def place_of(self, run: Run) -> int:
        """Where the section of such runs stands on a page."""
        return self.place

    def group_of(self, run: Run) -> str:
        """What the benchmark of such runs is about, one of `GROUPS`."""
        return self.group

    def others_of(self, columns: Sequence[Column]) -> tuple[tuple[str, Column], ...]:
        """Further columns of the overview, each with its group; usually none."""
        return ()

    def across(self, results: Sequence[Result]) -> list[Chart]:
        """Figures that need the results of several variants at once; they stand before those of the first variant."""
        return []

    def headline_of(self, columns: Sequence[Column]) -> Column | None:
        """The column that stands for the benchmark in the overview of models; by default the first."""
        return next((column for column in columns if column.headline), None)

    def saying_of(self, result: Result, known: ScoreTexts) -> str:
        """What was found, in words with numbers, to follow the model's name; empty where there is nothing to say."""
        return ""

    def saying_score(self, result: Result) -> Score | None:
        """The score that the sentence is about; by default the headline."""
        column = self.headline_of(self.columns_of([result]))
        if column is None:
            return None
        return next((s for s in result.scores if (s.metric, s.condition) == (column.metric, column.condition)), None)

    def _saying(self, result: Result) -> Saying | None:
        text = self.saying_of(result, ScoreTexts(result.scores)) if result.scores else ""
        if not text:
            return None
        score = self.saying_score(result)
        return Saying(result.name, text, score, self.title(score) if score else "")

    def variant(self, run: Run) -> tuple[str, ...]:
        """What tells runs of one benchmark and data set apart that must not stand in one table; usually nothing."""
        return ()

    def shown(self, key: str, value: Any) -> str:
        """One part of a condition as people write it."""
        return str(value)

    def title(self, score: Score) -> str:
        """The heading of a score: its metric and, where it has one, its condition."""
        name = self.titles.get(score.metric, score.metric.replace("_", " "))
        detail = self.named(score.condition)
        return f"{name} ({detail})" if detail else name

    def named(self, condition: Condition) -> str:
        """A condition as people write it, its keys in this card's order."""
        known = [key for key in self.keys if key in condition] + [key for key in condition if key not in self.keys]
        return ", ".join(self.shown(key, condition[key]) for key in known)

    def columns_of(self, results: Sequence[Result]) -> tuple[Column, ...]:
        """The scores that make the table's columns, in order of first appearance, where some model has a value."""
        scores = (s for result in results for s in self.column_scores(result.scores) if s.value is not None)
        found: dict[tuple[str, Condition], Column] = {}
        for s in scores:
            column = Column(s.metric, s.condition, self.title(s), s.higher_is_better, self.is_headline(s))
            found.setdefault((s.metric, s.condition), column)
        return tuple(found.values())

    def column_scores(self, scores: Sequence[Score]) -> list[Score]:
        """The scores that stand for their whole benchmark: no condition but a protocol and a decision rule."""
        return [score for score in scores if set(score.condition) <= {"protocol", "decision"}]

    def is_headline(self, score: Score) -> bool:
        """Whether a column is always shown: those of other decision rules are not."""
        return "decision" not in score.condition

    def notes_of(self, result: Result) -> list[Note]:
        """Warnings, the reasons of undefined columns, checks that found something, and the verdict."""
        undefined = [score for score in self.column_scores(result.scores) if score.value is None]
        bare = [score for score in self.column_scores(result.scores) if score.interval_reason]
        doubts = [each for each in result.findings if each.raised or each.name == "verdict"]
        name = (result.name,)
        return [
            *(Note(warning, name) for warning in result.warnings),
            *(Note(f"{self.title(s)} is undefined: {s.reason}", name, self.is_headline(s)) for s in undefined),
            *(Note(f"{self.title(s)} has no interval: {s.interval_reason}", name, self.is_headline(s)) for s in bare),
            *(Note(f"{each.name}: {each.sentence}", name) for each in doubts),
        ]


class ScoreTexts:
    """Scores as percentages in words, by metric and condition."""

    def __init__(self, scores: Sequence[Score]) -> None:
        self._values = {(score.metric, score.condition): score.value for score in scores}

    def value(self, metric: str, **condition: str | float) -> float | None:
        """The score's value; ``None`` where there is none."""
        return self._values.get((metric, Condition(**condition)))
