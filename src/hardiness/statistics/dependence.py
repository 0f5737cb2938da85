"""Pictures of one value of a column, such as a patient, that are answered alike more often than chance allows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hardiness.core.random import rng
from hardiness.statistics.clusters import Clusters
from hardiness.statistics.estimate import mean
from hardiness.statistics.multiplicity import holm

FEWEST_VALUES = 30
"""The different values that a column must have: with fewer, intervals by cluster would say little."""

LEVEL = 0.05
"""The chance that any of several columns is told where pictures are independent."""

MOST_PERMUTATIONS, MOST_DRAWS = 1999, 10_000_000
"""The most permutations, and the most draws of all of them together; fewer are made of many pictures."""

PERMUTATIONS_PER_COLUMN = 40
"""The fewest permutations for each column that is tested, so that Holm's level can be reached."""

_ROWS = 1 << 20


@dataclass(frozen=True)
class Dependence:
    """The agreement of answers within the values of a column.

    Attributes:
        values: how many different ones pictures have.
        correlation: of the answers to two pictures of one value, beyond that of their classes.
        too_narrow: how many times too narrow the interval of the share of right answers is, were each picture to
            stand alone.
    """

    values: int
    correlation: float
    too_narrow: float


def dependences(
    answers: NDArray[np.float64], classes: NDArray[np.integer], columns: Mapping[str, NDArray[np.int64]]
) -> dict[str, Dependence]:
    """The columns whose values go with right or wrong answers, by name, the one that narrows intervals most first.

    The test is a permutation of answers within each class, with the sum over pairs of pictures of one value of the
    products of their deviations from the class's mean: exact for rare errors and values of unequal size. Columns are
    adjusted by Holm. Left out is a column of fewer than `FEWEST_VALUES` values, one that the class fixes, and one of
    which no two pictures have the same value; of two columns of which one lies within the other the first one stands.

    Args:
        answers: ``(N,)`` the share of right answers to each picture, in [0, 1]; NaN where it was not evaluated.
        classes: ``(N,)`` of each.
        columns: by name ``(N,)``, the value of each picture from 0; -1 where it has none.

    Source: the score test of a variance component, by permutation (Commenges & Jacqmin 1994, Biometrics 50:517).
    """
    evaluated = np.flatnonzero(~np.isnan(answers))
    labels = np.unique(classes[evaluated], return_inverse=True)[1]
    order = np.argsort(labels, kind="stable")
    rows, labels = evaluated[order], labels[order]
    strata = _Strata(answers[rows], labels)
    candidates = {
        name: column for name, codes in columns.items() if (column := strata.candidate(codes[rows])) is not None
    }
    if not candidates:
        return {}
    agreements = strata.agreements([codes for _, codes in candidates.values()])
    adjusted = holm([agreement.p for agreement in agreements])
    dependent: dict[str, Dependence] = {}
    for (name, (values, codes)), agreement, p in zip(candidates.items(), agreements, adjusted.tolist(), strict=True):
        if p < LEVEL:
            dependent[name] = Dependence(values, agreement.correlation, strata.too_narrow(codes))
    return _without_nested(dependent, {name: candidates[name][1] for name in dependent})


class _Agreement(NamedTuple):
    p: float
    correlation: float


class _Strata:
    """Answers, class by class.

    Args:
        answers: ``(N,)``, the classes one after the other.
        labels: ``(N,)``, of each, from 0, ascending.
    """

    def __init__(self, answers: NDArray[np.float64], labels: NDArray[np.intp]) -> None:
        self.answers, self.labels = answers, labels
        sizes = np.bincount(labels)
        self.ends = np.cumsum(sizes)
        self.deviations = answers - (np.bincount(labels, answers) / sizes)[labels]
        squares = np.bincount(labels, self.deviations**2)
        self.spreads = np.sqrt(squares / np.maximum(sizes - 1, 1))[labels]

    def candidate(self, codes: NDArray[np.int64]) -> tuple[int, NDArray[np.int64]] | None:
        """How many values a column has, and the value of each picture, from 0, with one of its own where it has none.

        ``None`` of a column that is left out.
        """
        values, numbered = np.unique(codes, return_inverse=True)
        has_value = codes >= 0
        count = len(values) - int(not has_value.all())
        if count < FEWEST_VALUES or count == np.count_nonzero(has_value):
            return None
        alone = np.flatnonzero(~has_value)
        numbered[alone] = len(values) + np.arange(len(alone))
        first = numbered[np.append(0, self.ends[:-1])]
        is_fixed = not np.any((numbered != first[self.labels]) & (self.spreads > 0))
        return None if is_fixed or not self._pairs(numbered) > 0 else (count, numbered.astype(np.int64, copy=False))

    def _pairs(self, codes: NDArray[np.int64]) -> float:
        """The sum over pairs of pictures of one value of the product of their spreads."""
        alone = float(self.spreads @ self.spreads)
        together = _sum_of_squares(codes, self.spreads) - alone
        return together if together > 1e-9 * alone else 0.0

    def agreements(self, columns: list[NDArray[np.int64]]) -> list[_Agreement]:
        """The p-value and the correlation of each column."""
        observed = np.array([_sum_of_squares(codes, self.deviations) for codes in columns])
        drawn = np.concatenate(
            [
                [[_sum_of_squares(codes, row) for codes in columns] for row in block]
                for block in self._permuted(len(columns))
            ]
        )
        rounding = 1e-9 * observed
        p = (1 + np.count_nonzero(drawn >= observed - rounding, axis=0)) / (1 + len(drawn))
        alike = observed - drawn.mean(axis=0)
        most = np.array([self._pairs(codes) for codes in columns])
        return [_Agreement(*pair) for pair in zip(p.tolist(), (alike / most).tolist(), strict=True)]

    def _permuted(self, columns: int) -> Iterator[NDArray[np.float64]]:
        """The deviations, permuted within each class, some rows ``(n, N)`` at a time."""
        count = max(min(MOST_PERMUTATIONS, MOST_DRAWS // len(self.labels)), PERMUTATIONS_PER_COLUMN * columns)
        generator, at_once = rng(0, "dependence"), max(_ROWS // len(self.labels), 1)
        for begin in range(0, count, at_once):
            block = np.tile(self.deviations, (min(at_once, count - begin), 1))
            for start, end in zip(np.append(0, self.ends[:-1]).tolist(), self.ends.tolist(), strict=True):
                block[:, start:end] = generator.permuted(block[:, start:end], axis=1)
            yield block

    def too_narrow(self, codes: NDArray[np.int64]) -> float:
        """The error of the share of right answers by cluster, over that of pictures that stand alone."""
        pictures = np.arange(len(self.answers))
        estimate = mean(pictures, self.answers)
        return math.sqrt(Clusters(pictures, codes).collapse(estimate).variance / estimate.variance)


def _sum_of_squares(codes: NDArray[np.int64], deviations: NDArray[np.float64]) -> float:
    """The sum over values of the squares of the sums of their pictures' deviations."""
    sums = np.bincount(codes, deviations)
    return float(sums @ sums)


def _without_nested(
    dependent: Mapping[str, Dependence], codes: Mapping[str, NDArray[np.int64]]
) -> dict[str, Dependence]:
    """The columns, that which narrows intervals most first, without those that lie within an earlier one or hold it."""
    chosen: dict[str, Dependence] = {}
    for name in sorted(dependent, key=lambda each: -dependent[each].too_narrow):
        others = [codes[other] for other in chosen]
        if not any(is_within(codes[name], other) or is_within(other, codes[name]) for other in others):
            chosen[name] = dependent[name]
    return chosen


def is_within(fine: NDArray[np.int64], coarse: NDArray[np.int64]) -> bool:
    """Whether the pictures of each value of one column have one value of the other; values from 0."""
    some = np.zeros(int(fine.max(initial=0)) + 1, np.int64)
    some[fine] = coarse
    return bool(np.all(some[fine] == coarse))
