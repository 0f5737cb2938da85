"""Results in sections, one for each table: what every renderer renders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from hardiness.core import Result, Section
from hardiness.scoring.card import card_of
from hardiness.scoring.results import group_of


@dataclass(frozen=True)
class Shown:
    """One benchmark on one data set: its results and what their card wants shown of them."""

    results: Sequence[Result]
    section: Section

    @property
    def heading(self) -> str:
        """Its heading."""
        first = self.results[0]
        return ", ".join([f"{first.benchmark} on {first.data}", *self.section.variant])

    def notes(self, everything: bool = True) -> list[str]:
        """Each note once, with the models it is about unless it is about all."""
        about: dict[str, list[str]] = {}
        for note in self.section.notes:
            if everything or note.headline:
                about.setdefault(note.text, []).extend(note.models)
        return [
            text if len(models) == len(self.results) else f"{', '.join(models)}: {text}"
            for text, models in about.items()
        ]


def sections(results: Sequence[Result]) -> Iterator[Shown]:
    """The sections of results that are sorted as `hardiness.scoring.results` gives them."""
    for _, group in groupby(results, key=group_of):
        together = list(group)
        yield Shown(together, card_of(together[0].run).view(together))
