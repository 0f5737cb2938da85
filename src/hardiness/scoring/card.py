"""What a card is: one protocol, from rows to an image table, scores, findings and what a page shows of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from hardiness.core import (
    GROUPS,
    LAST,
    Chart,
    Column,
    Condition,
    Finding,
    Gallery,
    ImageTable,
    Note,
    Records,
    Registry,
    Result,
    Run,
    Saying,
    Score,
    Section,
)
from hardiness.reference import baseline, class_name
from hardiness.scoring.galleries import galleries
from hardiness.scoring.statistics.measurable import Measurable

IMAGENET_CLASSES = 1000

Baseline = Mapping[str, Any]
"""What ratios divide by, in the form of the card that divides."""


class Card(ABC):
    """Base of every card; a concrete one is final, has no state, and is registered under the name that runs carry.

    Class attributes:
        version: raised whenever equal rows would give another table, score or finding, so that no old one is reused.
        columns: names of what `table` reads of rows, besides sample, condition and label, so that the others stay on
            disk; ``None`` for all.
        divides: whether its scores are ratios to a baseline, so that `as_baseline` gives one.
        titles: of its metrics, where the name with spaces for underscores is not the usual term.
        keys: of its conditions, in the order in which they are shown.
        place: where its sections stand on a page: the order of the paper's experiments.
        group: what it is about, one of `GROUPS`, by which the overview groups benchmarks.
        explanations: its terms, each with what it means in a sentence or two.
    """

    version: ClassVar[int] = 1
    columns: ClassVar[tuple[str, ...] | None]
    divides: ClassVar[bool] = False
    titles: ClassVar[Mapping[str, str]] = {}
    keys: ClassVar[tuple[str, ...]] = ()
    place: ClassVar[int] = LAST
    group: ClassVar[str] = GROUPS[-1]
    explanations: ClassVar[Mapping[str, str]] = {}

    def table(self, records: Records, run: Run) -> ImageTable:
        """The image table of some of a run's rows; `ImageTable.join` makes one of those of all its shards."""
        if not len(records):
            return ImageTable.empty(run.conditions, records.failures)
        return self.filled_table(records, run)

    @abstractmethod
    def filled_table(self, records: Records, run: Run) -> ImageTable:
        """The same, of at least one row: right or wrong, the answer, and what else the scores need."""

    @abstractmethod
    def scores(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[Score]:
        """The scores of a run, headlines first; the same table, run and baseline always give the same.

        Args:
            table: of at least one image.
            run: what it is of.
            baseline: what ratios divide by; ``None`` where there is nothing.
        """

    def as_baseline(self, table: ImageTable, run: Run) -> Baseline | None:
        """What the run measured, as a baseline for others; ``None`` where nothing divides."""
        return None

    def measurables(self, table: ImageTable, run: Run) -> Sequence[Measurable]:
        """The scores by which runs are compared, as functions of images; none unless a card has some.

        Args:
            table: of images that all have every condition that any has.
            run: what it is of.
        """
        return ()

    def findings(self, table: ImageTable, scores: Sequence[Score], run: Run) -> list[Finding]:
        """The checks of how far the scores can be trusted, raised or not."""
        return []

    def details(self, table: ImageTable, run: Run) -> dict[str, Any]:
        """What a page shows beyond scores, as JSON by name; ``"galleries"`` are `Gallery` as dictionaries."""
        return {"galleries": [gallery.as_dict() for gallery in galleries(table, self.class_namer(run))]}

    def class_namer(self, run: Run) -> Callable[[int], str]:
        """The name of a class of a run's data by its index, without its synonyms."""
        if run.data.num_classes != IMAGENET_CLASSES:
            return lambda index: f"class {index}"
        return lambda index: class_name(index).partition(",")[0]

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
            sayings=tuple(Saying(r.name, text) for r in results if (text := self._said(r))),
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

    def saying_of(self, result: Result, known: Known) -> str:
        """What was found, in words with numbers, to follow the model's name; empty where there is nothing to say."""
        return ""

    def _said(self, result: Result) -> str:
        return self.saying_of(result, Known(result.scores)) if result.scores else ""

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
        doubts = [each for each in result.findings if each.raised or each.name == "verdict"]
        name = (result.name,)
        return [
            *(Note(warning, name) for warning in result.warnings),
            *(Note(f"{self.title(s)} is undefined: {s.reason}", name, self.is_headline(s)) for s in undefined),
            *(Note(f"{each.name}: {each.sentence}", name) for each in doubts),
        ]


class Known:
    """Scores as percentages in words, by metric and condition."""

    def __init__(self, scores: Sequence[Score]) -> None:
        self._values = {(score.metric, score.condition): score.value for score in scores}

    def value(self, metric: str, **condition: str | float) -> float | None:
        """The score's value; ``None`` where there is none."""
        return self._values.get((metric, Condition(**condition)))


def published_baseline(run: Run) -> Baseline | None:
    """What was published to divide a run's ratios by; ``None`` where nothing was, or its classes are other ones."""
    return baseline(run.benchmark.name) if run.data.num_classes == IMAGENET_CLASSES else None


registry: Registry[Card] = Registry("card", "hardiness.scoring.cards", "hardiness.cards")
"""By the name that benchmarks and runs carry."""


class Uninstalled(Card):
    """In place of a card that is not registered here: what it once computed is shown, nothing is computed."""

    version: ClassVar[int] = 0
    columns: ClassVar[tuple[str, ...] | None] = ()

    def filled_table(self, records: Records, run: Run) -> ImageTable:
        """A table without images: rows of an unknown card are not read."""
        return ImageTable.empty(run.conditions, records.failures)

    def scores(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[Score]:
        """No scores; those that were kept earlier are shown instead."""
        return []


def card_of(run: Run) -> Card:
    """The card that scores a run; `Uninstalled` where the package that brings it is not installed."""
    name = run.benchmark.card
    return registry.get(name) if name in registry else Uninstalled()


C = TypeVar("C", bound=Card)


def register(name: str) -> Callable[[type[C]], type[C]]:
    """Class decorator that adds a card under that name."""

    def decorate(card: type[C]) -> type[C]:
        registry.register(name, card(), f"{card.__module__}:{card.__qualname__}")
        return card

    return decorate
