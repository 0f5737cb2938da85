"""The view of a card: people's scores, figures and sentences, found by the card's name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from hardiness.core.registry import Registry, instance_or_subclass_of
from hardiness.core.result import Result, Score, TextTable
from hardiness.report.by_condition import scores_by_condition
from hardiness.report.charts import Chart, Grid
from hardiness.report.score_lookup import ScoreLookup


class CardView:
    """Base of every view, and the usual one: a card's metrics by condition, beside the table, notes and terms.

    A view is made of results alone, never of rows, and has no state.
    """

    def people(self, results: Sequence[Result]) -> str:
        """The scores of people in a sentence, which tables show too; empty where nothing is known of them.

        Args:
            results: of one benchmark, one data set, one protocol, one variant.
        """
        return ""

    def tables(self, results: Sequence[Result]) -> Sequence[TextTable]:
        """The tables that stand below that of the models wherever there is one; arguments as of `people`."""
        return ()

    def figures(self, results: Sequence[Result]) -> Iterator[Chart | Grid]:
        """The figures and grids of results as `people` takes them, in order; the first figure says the message."""
        yield from scores_by_condition(results)

    def figures_across(self, results: Sequence[Result]) -> Iterator[Chart]:
        """The figures that several variants of a protocol have in common, the first of which begins with them.

        Args:
            results: of one benchmark, one data set, one protocol, all variants.
        """
        yield from ()

    def sentence(self, result: Result, scores: ScoreLookup) -> str | tuple[str, Score | None]:
        """A finding in words with numbers, to follow the model's name; empty where there is nothing to say.

        With it the score that the sentence is about, where that is not the headline.
        """
        return ""


views: Registry[CardView] = Registry(
    "view", "hardiness.report.views", "hardiness.views", instance_or_subclass_of(CardView)
)
"""The views, by the name of the card whose results they show."""

V = TypeVar("V", bound=CardView)


def register(card: str) -> Callable[[type[V]], type[V]]:
    """Class decorator that adds the view of the card of that name."""
    return views.add(card)
