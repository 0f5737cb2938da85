"""Results in sections, one for each table: what every renderer renders."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
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
    def anchor(self) -> str:
        """What links to it: its heading in plain letters."""
        return re.sub(r"[^a-z0-9]+", "-", self.full_heading.lower()).strip("-")

    @property
    def full_heading(self) -> str:
        """Its heading with the protocol, by which it differs from every other section."""
        first = self.results[0]
        return ", ".join([f"{first.benchmark} on {first.data}", *self.section.variant, first.protocol])

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


def sections(results: Sequence[Result]) -> list[Shown]:
    """The sections of results, in the order of the paper's experiments, then of their names.

    Args:
        results: sorted as `hardiness.scoring.results` gives them.
    """
    found = []
    for _, group in groupby(results, key=group_of):
        together = told_apart(list(group))
        found.append(Shown(together, card_of(together[0].run).view(together)))
    found.sort(key=lambda shown: (shown.section.place, shown.full_heading))
    return [_with_figures_across(shown, found) for shown in found]


def _with_figures_across(shown: Shown, all_shown: Sequence[Shown]) -> Shown:
    """The section; the first of several variants begins with the figures that need all of them."""
    kin = [other for other in all_shown if _kind(other) == _kind(shown)]
    if len(kin) < 2 or kin[0] is not shown:
        return shown
    results = [result for other in kin for result in other.results]
    charts = [*card_of(results[0].run).across(results), *shown.section.charts]
    return replace(shown, section=replace(shown.section, charts=charts))


def _kind(shown: Shown) -> tuple[str, ...]:
    first = shown.results[0]
    return first.benchmark, first.data, first.protocol


def told_apart(results: Sequence[Result]) -> list[Result]:
    """The results; several of one name get the beginning of their run's key behind it."""
    names = [result.name for result in results]
    return [
        replace(result, model=f"{result.model} ({result.key[:6]})") if names.count(result.name) > 1 else result
        for result in results
    ]
