"""Places of models by one score: a place rises only where a difference is told apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from hardiness.core import Score
from hardiness.scoring.statistics.comparison import Compared
from hardiness.scoring.statistics.multiplicity import holm

LEVEL = 0.05
"""Chance that any two of some models are told apart that are alike."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The best and the worst place that a model can have, from 1."""

    best: int
    worst: int

    def __str__(self) -> str:
        return f"{self.best}" if self.best == self.worst else f"{self.best}–{self.worst}"


def ranks(scores: Mapping[str, Score]) -> dict[str, Standing]:
    """The places of models by their scores of one metric; those without a value or an interval have none.

    A model stands behind another only where their intervals have no value in common. For models on the same images
    `places` asks a paired test instead.
    """
    known = {name: score for name, score in scores.items() if score.value is not None and score.interval}
    found = {}
    for name, score in known.items():
        better = sum(told_apart(other, score) > 0 for other in known.values())
        worse = sum(told_apart(score, other) > 0 for other in known.values())
        found[name] = Standing(1 + better, len(known) - worse)
    return found


def places(compared: Compared, names: Collection[str]) -> dict[str, Standing]:
    """The places that a paired comparison on the same images gives to some of its models.

    A model stands behind another only where Holm's procedure over their pairs tells them apart.
    """
    if set(names) == set(compared.ranks):
        return {name: Standing(rank.rank, rank.worst) for name, rank in compared.ranks.items()}
    pairs = [pair for pair in compared.pairs if set(pair) <= set(names)]
    p = [compared.pairs[pair].p for pair in pairs]
    adjusted = holm(np.array([np.nan if each is None else each for each in p], float))
    told = [pair for pair, each in zip(pairs, adjusted, strict=True) if each < LEVEL]
    sign = 1 if compared.higher_is_better else -1
    ordered = [pair if sign * compared.pairs[pair].value > 0 else pair[::-1] for pair in told]
    better, worse = Counter(loser for _, loser in ordered), Counter(winner for winner, _ in ordered)
    return {name: Standing(1 + better[name], len(names) - worse[name]) for name in names}


def told_apart(first: Score, second: Score) -> int:
    """1 where the first is better than the second beyond chance, -1 where it is worse, else 0."""
    if not first.interval or not second.interval:
        return 0
    above = first.interval.low > second.interval.high
    below = first.interval.high < second.interval.low
    sign = 1 if first.higher_is_better else -1
    return sign * (above - below)
