"""Several models by one score: their values, every pair's difference, and their ranks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardiness.core import ArgumentError, Condition, Interval
from hardiness.scoring.intervals import RESAMPLES
from hardiness.scoring.statistics.differences import difference, unpaired
from hardiness.scoring.statistics.measures import Measure, OfMeans
from hardiness.scoring.statistics.multiplicity import benjamini_hochberg
from hardiness.scoring.statistics.proportions import EXACT, Difference, mcnemar, tango, unpaired_difference
from hardiness.scoring.statistics.ranks import Rank, ranks
from hardiness.scoring.statistics.resamples import Resamples


@dataclass(frozen=True)
class Compared:
    """What one score says of several models.

    Attributes:
        metric: its name.
        higher_is_better: its direction.
        values: of each model, in the order given.
        pairs: first minus second, of every two models.
        ranks: of each model, where all were measured on the same images.
        n: images that all were measured on; 0 where models have images of their own.
        condition: of the score.
        title: what people call it.
        noise: how far the protocol itself moves the score, where that was measured of one of the models; else 0.
    """

    metric: str
    higher_is_better: bool
    values: Mapping[str, float]
    pairs: Mapping[tuple[str, str], Difference]
    ranks: Mapping[str, Rank]
    n: int
    condition: Condition = Condition()
    title: str = ""
    noise: float = 0.0

    def is_nothing(self, found: Difference) -> bool:
        """Whether a difference is no larger than what the protocol itself moves the score by."""
        return self.noise > 0 and abs(found.value) <= self.noise

    def told(self, found: Difference) -> bool:
        """Whether a difference is told from none, and is larger than the protocol's own noise."""
        return found.told and not self.is_nothing(found)


@dataclass(frozen=True, slots=True)
class CellDifference:
    """The difference of two models' errors under one condition, with its p-value before and after adjustment."""

    condition: Condition
    difference: Difference
    adjusted: float


def shared_images(ids: Mapping[str, NDArray[Any]]) -> NDArray[np.str_]:
    """The images that all models were measured on, sorted; empty where there are none.

    Args:
        ids: of each model's images, each once.

    Raises:
        ArgumentError: there are fewer than two models.
    """
    if len(ids) < 2:
        raise ArgumentError(f"a comparison needs two models, had {', '.join(ids) or 'none'}")
    first, *others = ids.values()
    found = np.unique(first)
    for other in others:
        found = np.intersect1d(found, other)
    return found


def compared(metric: str, measures: Mapping[str, Measure], resamples: Resamples, higher_is_better: bool) -> Compared:
    """Several models on the same images by one score.

    Args:
        metric: its name.
        measures: of each model, all on the images of ``resamples``.
        resamples: the same for every score and benchmark of these images.
        higher_is_better: direction of the score.
    """
    pairs = {
        (first, second): difference(measures[first], measures[second], resamples)
        for first, second in combinations(measures, 2)
    }
    names = list(measures)
    draws = [
        np.full(RESAMPLES + 1, np.nan) if measure.undefined else measure.draws(resamples)
        for measure in measures.values()
    ]
    p = np.full((len(names), len(names)), np.nan)
    for (first, second), found in pairs.items():
        p[names.index(first), names.index(second)] = np.nan if found.p is None else found.p
    whole = not any(measure.undefined for measure in measures.values())
    placed = ranks(np.column_stack(draws), p, higher_is_better) if whole else []
    values = {name: float(drawn[0]) for name, drawn in zip(names, draws, strict=True)}
    return Compared(metric, higher_is_better, values, pairs, dict(zip(names, placed, strict=False)), resamples.n)


def compared_apart(metric: str, measures: Mapping[str, tuple[Measure, Resamples]], higher_is_better: bool) -> Compared:
    """Several models, each on photographs of its own, by one score: unpaired, and so far less is told."""
    draws = {
        name: np.full(1, np.nan) if measure.undefined else measure.draws(resamples)
        for name, (measure, resamples) in measures.items()
    }
    pairs = {}
    for first, second in combinations(measures, 2):
        one, other = measures[first][0], measures[second][0]
        if isinstance(one, OfMeans) and isinstance(other, OfMeans) and one.shares and other.shares:
            counts = [(int(np.sum(side.values)), side.n) for side in (one, other)]
            pairs[first, second] = unpaired_difference(counts[0], counts[1])
        else:
            pairs[first, second] = unpaired(draws[first], draws[second], (one.n, other.n))
    values = {name: float(found[0]) for name, found in draws.items()}
    return Compared(metric, higher_is_better, values, pairs, {}, 0)


def by_cell(
    first: NDArray[np.bool_], second: NDArray[np.bool_], conditions: Sequence[Condition]
) -> list[CellDifference]:
    """The difference of two models' errors under each condition, told or not after Benjamini & Hochberg over all.

    Args:
        first, second: ``(N, M)`` whether each answer of the two models is right.
        conditions: of the M cells.
    """
    only_first = np.sum(first & ~second, axis=0)
    only_second = np.sum(second & ~first, axis=0)
    n = len(first)
    p = mcnemar(only_first, only_second)
    low, high = tango(only_second, only_first, n)
    adjusted = benjamini_hochberg(p)
    return [
        CellDifference(
            condition,
            Difference(
                value=float((only_second[k] - only_first[k]) / n),
                interval=Interval(float(low[k]), float(high[k])),
                p=float(p[k]),
                n=n,
                method=EXACT,
            ),
            float(adjusted[k]),
        )
        for k, condition in enumerate(conditions)
    ]
