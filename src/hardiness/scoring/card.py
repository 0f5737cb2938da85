"""What a card is: one protocol, from rows to an image table, scores, findings and what a page shows of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from hardiness.core import Finding, ImageTable, Records, Registry, Result, Run, Score, Section
from hardiness.reference import baseline, class_name
from hardiness.scoring.galleries import galleries
from hardiness.scoring.kept_views import shown_again
from hardiness.scoring.presentation import Presentation
from hardiness.scoring.presentation import ScoreTexts as ScoreTexts
from hardiness.scoring.statistics.measurable import Measurable
from hardiness.scoring.stopping.weighted_sum import WeightedSum

IMAGENET_CLASSES = 1000

Baseline = Mapping[str, Any]
"""What ratios divide by, in the form of the card that divides."""


class Card(Presentation, ABC):
    """Base of every card; a concrete one is final, has no state, and is registered under the name that runs carry.

    Class attributes:
        version: raised whenever equal rows would give another table, score or finding, so that no old one is reused.
        columns: names of what `table` reads of rows, besides sample, condition and label, so that the others stay on
            disk; ``None`` for all.
        stops_on: what the headline is called by which a run may be stopped early, the first of `sums`; empty where it
            may not.
        draws_cells: whether an image may then be evaluated in a few random cells instead of all.
        divides: whether its scores are ratios to a baseline, so that `as_baseline` gives one.
    """

    version: ClassVar[int] = 1
    columns: ClassVar[tuple[str, ...] | None]
    stops_on: ClassVar[str] = ""
    draws_cells: ClassVar[bool] = False
    divides: ClassVar[bool] = False

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

    def sums(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[WeightedSum]:
        """Those of its scores that are weighted sums of cell means, the headline first; arguments as for `scores`.

        Images may have any of their cells. By these a run can be stopped as soon as they are exact enough.
        """
        return []

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

    def measurables_over(self, table: ImageTable, run: Run, baseline: Baseline) -> Sequence[Measurable]:
        """The same, with ratios to this baseline and not to the published one; a card that divides has its own."""
        return self.measurables(table, run)

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

    def view(self, results: Sequence[Result]) -> Section:
        """What the card itself last showed of these results, where that was kept."""
        return shown_again(results, super().view(results))


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
