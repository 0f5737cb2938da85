"""Places of models by a score, as far as chance lets them be told."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from hardiness.core.result import Score
from hardiness.statistics.comparison import ScoreComparison

LEVEL = 0.05
"""Chance that any two of some models are told apart that are alike."""


@dataclass(frozen=True, slots=True)
class PlaceRange:
    """The best and the worst place that a model can have, from 1."""

    best: int
    worst: int

    def __str__(self) -> str:
        return f"{self.best}" if self.best == self.worst else f"{self.best}–{self.worst}"


def ranks(scores: Mapping[str, Score]) -> dict[str, PlaceRange]:
    """The places of models by their scores of one metric; those without a value or an interval have none.

    A model stands behind another only where their intervals have no value in common. For models on the same images
    `places` asks a paired test instead.
    """
    comparable = {name: score for name, score in scores.items() if score.value is not None and score.interval}
    place_ranges = {}
    for name, score in comparable.items():
        better = sum(order_beyond_chance(other, score) > 0 for other in comparable.values())
        worse = sum(order_beyond_chance(score, other) > 0 for other in comparable.values())
        place_ranges[name] = PlaceRange(1 + better, len(comparable) - worse)
    return place_ranges


def places(compared: ScoreComparison, names: Collection[str]) -> dict[str, PlaceRange]:
    """The places that a paired comparison on the same images gives to some of its models.

    A model stands behind another only where the two are told apart.
    """
    return {name: PlaceRange(rank.rank, rank.worst) for name, rank in compared.ranks_among(names).items()}


def order_beyond_chance(first: Score, second: Score) -> int:
    """1 where the first is better than the second beyond chance, -1 where it is worse, else 0."""
    if not first.interval or not second.interval:
        return 0
    above = first.interval.low > second.interval.high
    below = first.interval.high < second.interval.low
    sign = 1 if first.higher_is_better else -1
    return sign * (above - below)
