"""The base of cards: one protocol, from rows to an image table, scores and findings."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypeVar, final

from hardiness.benchmarks.chat_answers import TABLE_COLUMNS, with_outcomes
from hardiness.benchmarks.galleries import galleries, galleries_kept
from hardiness.benchmarks.own_classes import class_gallery
from hardiness.benchmarks.presentation import Presentation
from hardiness.core.columns import NO_COLUMNS
from hardiness.core.columns import Columns as PictureColumns
from hardiness.core.fact import Fact
from hardiness.core.model import IMAGENET_CLASSES
from hardiness.core.registry import Registry, instance_or_subclass_of
from hardiness.core.result import PARTIAL, Score
from hardiness.core.run import Run
from hardiness.core.table import ImageTable, Records
from hardiness.metrics.declaration import registered_measurables
from hardiness.metrics.scoring import Scoring
from hardiness.reference.classes import class_name
from hardiness.reference.published_numbers import baseline
from hardiness.statistics.measures import Measurable, WeightedSum

Baseline = Mapping[str, Any]
"""The numbers that ratios divide by, in the form of the card that divides."""


class Card(Presentation, ABC):
    """Base of every card; a concrete one is final, has no state, and is registered under the name that runs carry.

    Class attributes:
        columns: names of what `table` reads of rows, besides sample, condition and label, so that the others stay on
            disk; ``None`` for all.
        stops_on: what the headline is called by which a run may be stopped early, the first sum of `measurables`; empty
            where it may not.
        draws_cells: whether an image may then be evaluated in a few random cells instead of all.
        divides: whether its scores are ratios to a baseline, so that `as_baseline` gives one.
        joined_with: the benchmark whose run of the same model is scored as one with its runs of single sets; empty
            where each run is scored by itself.
        people: by what its runs are set beside people who were asked the same: ``"kappa"`` of the answers to each
            stimulus, or ``"likeness"`` over sets of stimuli; empty where nobody was asked.
    """

    columns: ClassVar[tuple[str, ...] | None]
    stops_on: ClassVar[str] = ""
    draws_cells: ClassVar[bool] = False
    divides: ClassVar[bool] = False
    joined_with: ClassVar[str] = ""
    people: ClassVar[str] = ""

    def table(self, records: Records, run: Run) -> ImageTable:
        """The image table of some of a run's rows; `ImageTable.join` makes one of those of all its shards."""
        if not len(records):
            return ImageTable.empty(run.conditions, records.failures)
        filled = self.filled_table(records, run)
        return with_outcomes(filled, records) if run.model.is_chat else filled

    def columns_read(self, run: Run) -> tuple[str, ...] | None:
        """The columns of a run's rows that `table` reads: `columns` and, of a chat model, those about its answers."""
        return self.columns if self.columns is None or not run.model.is_chat else (*self.columns, *TABLE_COLUMNS)

    @abstractmethod
    def filled_table(self, records: Records, run: Run) -> ImageTable:
        """The image table of at least one row: right or wrong, the answer, and what else the scores need."""

    @abstractmethod
    def scores(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[Score]:
        """The scores of a run, headlines first; the same table, run and baseline always give the same.

        Args:
            table: of at least one image.
            run: the one that the table is of.
            baseline: the numbers that ratios divide by; ``None`` where there are none.
        """

    @final
    def sums(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[WeightedSum]:
        """The measurables that are weighted sums of cell means, the headline first; arguments as for `measurables`.

        By these a run can be stopped as soon as they are exact enough: none before an image tells of the headline.
        """
        if not self.stops_on:
            return []
        own = self.measurables(table, run, baseline)
        sums = [measurable for measurable in own if isinstance(measurable, WeightedSum)]
        if not sums or not sums[0].is_defined:
            return []
        others = self.registered_measurables(own, table, run, baseline)
        return [
            *sums,
            *(measurable for measurable in others if isinstance(measurable, WeightedSum) and measurable.is_defined),
        ]

    @final
    def registered_measurables(
        self,
        own: Sequence[Measurable],
        table: ImageTable,
        run: Run,
        baseline: Baseline | None,
        columns: PictureColumns = NO_COLUMNS,
    ) -> list[Measurable]:
        """The metrics that are registered for any run, as functions of images, beside its own measurables.

        Args:
            own: its own.
            table, run, baseline: as for `measurables`.
            columns: of the pictures.
        """
        if not len(table):
            return []
        whole = not any(measurable.metric.endswith(PARTIAL) for measurable in own)
        names = [metric.name for metric in self.declared]
        values = columns.at(table.ids).values if columns else {}
        return list(registered_measurables(Scoring(table, run, whole, baseline, values), names))

    def as_baseline(self, table: ImageTable, run: Run) -> Baseline | None:
        """The run's measurements as a baseline for others; ``None`` where nothing divides."""
        return None

    def measurables(self, table: ImageTable, run: Run, baseline: Baseline | None) -> Sequence[Measurable]:
        """The scores as functions of images, by which runs are compared and stopped; none unless a card has some.

        Of those that are weighted sums of cell means the headline comes first.

        Args:
            table: whose images may lack cells; what is no such sum is asked only of images that lack none.
            run: the one that the table is of.
            baseline: the numbers that ratios divide by; ``None`` where there are none.
        """
        return ()

    def findings(self, table: ImageTable, scores: Sequence[Score], run: Run) -> list[Fact]:
        """The checks of how far the scores can be trusted, raised or not."""
        return []

    def details(self, table: ImageTable, run: Run) -> dict[str, Any]:
        """Facts that a page shows beyond scores, as JSON by name, among them `galleries_kept`."""
        pairs = class_gallery(table, run.data.classes) if run.has_own_classes else None
        chosen = [*galleries(table, self.class_namer(run)), *([pairs] if pairs else [])]
        return galleries_kept(chosen)

    def class_namer(self, run: Run) -> Callable[[int], str]:
        """The name of a class of a run's data by its index, without its synonyms."""
        if self.by_category:
            category_of = {index: name for name, classes in run.data.categories.items() for index in classes}
            return lambda index: category_of.get(index, f"class {index}")
        if names := run.data.classes:
            return names.__getitem__
        if run.data.num_classes != IMAGENET_CLASSES:
            return lambda index: f"class {index}"
        return lambda index: class_name(index).partition(",")[0]


def published_baseline(run: Run) -> Baseline | None:
    """The published numbers that a run's ratios divide by; ``None`` where there are none, or for other classes."""
    has_imagenet_classes = run.data.num_classes == IMAGENET_CLASSES and not run.data.classes
    return baseline(run.benchmark.name) if has_imagenet_classes else None


cards: Registry[Card] = Registry("card", "hardiness.benchmarks", "hardiness.cards", instance_or_subclass_of(Card))
"""Cards by the name that benchmarks and runs carry."""


class MissingCard(Card):
    """The stand-in for a card that is not registered here: what it once computed is shown, nothing is computed."""

    columns: ClassVar[tuple[str, ...] | None] = ()

    def filled_table(self, records: Records, run: Run) -> ImageTable:
        """A table without images: rows of an unknown card are not read."""
        return ImageTable.empty(run.conditions, records.failures)

    def scores(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[Score]:
        """No scores; those that were kept earlier are shown instead."""
        return []


def card_of(run: Run) -> Card:
    """The card that scores a run; `MissingCard` where the package that brings it is not installed."""
    return cards.find(run.benchmark.card) or MissingCard()


def variant_of(run: Run) -> tuple[str, ...]:
    """The variant of a run's protocol, as its card says; that of `MissingCard` where one of somebody else's fails."""
    try:
        return card_of(run).variant(run)
    except Exception as error:
        if not cards.give_up(run.benchmark.card, error):
            raise
    return card_of(run).variant(run)


C = TypeVar("C", bound=Card)


def register(name: str) -> Callable[[type[C]], type[C]]:
    """Class decorator that adds a card under that name."""
    return cards.add(name)
