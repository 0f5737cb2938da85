"""Error consistency: do two observers err on the same stimuli, beyond what their accuracies explain?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hardiness.core.codes import Lack
from hardiness.core.errors import ArgumentError
from hardiness.core.fact import Fact, too_few
from hardiness.core.random import rng
from hardiness.core.result import Metric, Score
from hardiness.statistics.estimate import Estimate, mean
from hardiness.statistics.spreads.combined import TwoEnds, cut
from hardiness.statistics.spreads.means import Mean

FEWEST_JOINT = 30
"""Images on which both err, or both are right, under some condition, without which no spread is trusted: with some 25
an interval held in 85 to 90 %."""

FEWEST_OF_PAIRS = 5
"""Stimuli on which some pair errs together, and on which some is right together, without which the mean of kappa over
pairs has no interval: with two or three it held in 86 to 90 %."""

DRAWS = 4000
"""Number of draws from a posterior."""

PRIOR = 0.5
"""Jeffreys' prior count of each of the four cells of a two-by-two table."""

Draws = NDArray[np.float64]

OBSERVED = Metric("observed_consistency")
EXPECTED = Metric("expected_consistency")
KAPPA = Metric("error_consistency", unit="score", signed=True, largest=1.0)


@dataclass(frozen=True, slots=True)
class Consistency:
    """How far two observers agree on which stimuli they get right.

    Attributes:
        accuracies: share that each gets right.
        agreement: share of stimuli that both get right or both get wrong. Its n, as that of the others, are the stimuli
            that both answered; for a mean over pairs the fewest of any.
        expected: the agreement of two independent observers of these accuracies.
        kappa: what agreement there is beyond that, as a share of what there could be: Cohen's kappa, in [-1, 1];
            undefined where both are always right, or both always wrong.
    """

    accuracies: tuple[float, float]
    agreement: Score
    expected: Score
    kappa: Score

    @property
    def n(self) -> int:
        """Stimuli that both answered."""
        return self.kappa.n

    def without_intervals(self, lack: Fact) -> Consistency:
        """The numbers alone, and why they have no interval."""
        scores = (self.agreement, self.expected, self.kappa)
        return Consistency(self.accuracies, *(replace(score, spread=None, lack=lack) for score in scores))


def expected_agreement(first: ArrayLike, second: ArrayLike) -> NDArray[np.float64]:
    """The agreement by chance of two observers with these accuracies: ``p q + (1 - p) (1 - q)``.

    Source: Geirhos, Meding & Wichmann (2020), arXiv:2006.16736, equation 1.
    """
    p, q = np.asarray(first, np.float64), np.asarray(second, np.float64)
    return p * q + (1 - p) * (1 - q)


def cohens_kappa(agreement: ArrayLike, expected: ArrayLike) -> NDArray[np.float64]:
    """``(agreement - expected) / (1 - expected)``; NaN where 1 is expected.

    Source: Cohen (1960), doi:10.1177/001316446002000104; Geirhos, Meding & Wichmann (2020), equation 2.
    Differs: where 1 is expected, model-vs-human gives 1; nothing can be said there of anything beyond chance.
    """
    observed, chance = np.asarray(agreement, np.float64), np.asarray(expected, np.float64)
    certain = np.isclose(chance, 1.0, rtol=0, atol=1e-12)
    return np.where(certain, np.nan, (observed - chance) / np.where(certain, 1.0, 1 - chance))


def error_consistency(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> Consistency:
    """The error consistency of two observers, with intervals over stimuli.

    Args:
        first, second: ``(N,)`` whether each answered right, stimulus by stimulus; or ``(N, M)``, under M conditions,
            over which it is then taken together.

    Raises:
        ArgumentError: they are of unequal shape or empty.
    """
    if first.shape != second.shape or not first.size:
        raise ArgumentError(
            f"error consistency needs two observers' answers to the same stimuli, had {first.size} and {second.size}"
        )
    one, other = (side.reshape(len(side), -1) for side in (first, second))
    if one.shape[1] > 1:
        return _over_conditions(one, other)
    (consistency,) = pairwise(np.hstack([one, other]).astype(np.float64), [[(0, 1)]])
    return consistency


def pairwise(right: NDArray[np.float64], groups: Sequence[Sequence[tuple[int, int]]]) -> list[Consistency]:
    """The error consistency of pairs of observers, or its mean over several pairs, one for each group.

    Args:
        right: ``(N, O)`` 1 where an observer answered a stimulus right, 0 where wrong, NaN where it was not shown.
        groups: columns of the pairs in each group; every pair must share a stimulus.

    Returns:
        The interval of one pair is that of `two_by_two`; those of a mean over pairs follow from what each stimulus adds
        to it, by all pairs that saw it.
    """
    consistencies = []
    for group in groups:
        first, second = right[:, [a for a, _ in group]], right[:, [b for _, b in group]]
        is_shown = ~(np.isnan(first) | np.isnan(second))
        if len(group) > 1:
            consistencies.append(_over_pairs(np.where(is_shown, first, np.nan), np.where(is_shown, second, np.nan)))
            continue
        one, other = first[is_shown] == 1, second[is_shown] == 1
        shares = (float(answers.mean()) for answers in (one, other, one == other))
        p, q, agreed = (np.append(value, draws) for value, draws in zip(shares, two_by_two(one, other), strict=True))
        consistencies.append(_from_draws(p, q, agreed, len(one)))
    return consistencies


def _over_pairs(first: NDArray[np.float64], second: NDArray[np.float64]) -> Consistency:
    """The mean over pairs, a column each, NaN where a pair did not see a stimulus; no interval of too few joint errors.

    Source: Fleiss, Cohen & Everitt (1969), doi:10.1037/h0028106, for kappa's first order.
    """
    ids, is_shown = np.arange(len(first)), ~np.isnan(first)
    agreed = np.where(is_shown, first == second, np.nan)
    counts = is_shown.sum(axis=0)

    def mean_of(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        means = np.nanmean(values, axis=0)
        return means, np.where(is_shown, values - means, 0.0) * (len(values) / counts)

    (p, of_p), (q, of_q), (agreement, of_agreement) = map(mean_of, (first, second, agreed))
    expected, of_expected = expected_agreement(p, q), of_p * (2 * q - 1) + of_q * (2 * p - 1)
    kappa, room = cohens_kappa(agreement, expected), np.maximum(1 - expected, np.finfo(float).tiny)
    of_kappa = of_agreement / room - of_expected * ((1 - agreement) / room) / room

    def estimate(values: NDArray[np.float64], influence: NDArray[np.float64]) -> Estimate:
        return Estimate(float(values.mean()), ids, influence.mean(axis=1))

    both = (first + second)[is_shown.any(axis=1)]
    joint = min(int((both == rights).any(axis=1).sum()) for rights in (0, 2))
    agreement_of, expected_of, kappa_of = (
        estimate(agreement, of_agreement),
        estimate(expected, of_expected),
        estimate(kappa, of_kappa),
    )
    n = int(counts.min())
    return Consistency(
        (float(p.mean()), float(q.mean())),
        OBSERVED.score(agreement_of.value, n, agreement_of.spread(0.0, 1.0)),
        EXPECTED.score(expected_of.value, n, expected_of.spread(0.0, 1.0)),
        _score_by_joint(KAPPA, kappa_of, n, joint, FEWEST_OF_PAIRS, kappa_of.skew),
    )


def _score_by_joint(metric: Metric, estimate: Estimate, n: int, joint: int, fewest: int, skew: float = 0.0) -> Score:
    """The score of which as many images tell as are joint errors, or hits; without an interval where they are fewer."""
    if math.isnan(estimate.value):
        return metric.score(None, n, lack=Fact(Lack.NOTHING_BEYOND_CHANCE))
    if joint < fewest:
        return metric.score(estimate.value, n, lack=too_few((fewest, "joint errors"), had=(joint,)))
    return metric.score(estimate.value, n, cut(Mean(estimate.value, estimate.error, skew, joint - 1), *metric.range))


def two_by_two(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> tuple[Draws, Draws, Draws]:
    """Draws ``(DRAWS,)`` of both observers' accuracies and of their agreement, given the stimuli that were seen.

    The four cells of the table (both right, one, the other, neither) are drawn from their posterior under Jeffreys'
    prior. Unlike a bootstrap it knows that what was not seen may exist: with two errors in 50 stimuli a bootstrap of
    kappa holds its value in 55 % of cases, this in 97 %.

    Args:
        first, second: ``(N,)`` whether each answered right.

    Source: Jeffreys (1946), doi:10.1098/rspa.1946.0056; Brown, Cai & DasGupta (2001), doi:10.1214/ss/1009213286, for
        how often such intervals hold.
    """
    cells = [int(np.sum(a & b)) for a in (first, ~first) for b in (second, ~second)]
    shares = rng(0, "two by two", *cells).dirichlet(np.add(cells, PRIOR), DRAWS)
    return shares[:, 0] + shares[:, 1], shares[:, 0] + shares[:, 2], shares[:, 0] + shares[:, 3]


def _over_conditions(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> Consistency:
    """Error consistency over all conditions together, images as units; no interval where errors or hits are few.

    Source: Fleiss, Cohen & Everitt (1969), doi:10.1037/h0028106, for kappa's first order.
    """
    ids = np.arange(len(first))
    p, q, agreement = (mean(ids, side.mean(axis=1)) for side in (first, second, first == second))
    expected = p * q + (1 - p) * (1 - q)
    certain = bool(np.isnan(cohens_kappa(agreement.value, expected.value)))
    # Kappa is made of what both answer alike beyond chance: it hangs on the images where both err, and both are right.
    joint = (first & second, ~first & ~second, first != second)
    fewest = min(int(np.sum(side.any(axis=1))) for side in joint)
    beyond = agreement * math.nan if certain else (agreement - expected) / (1 - expected)
    numbers = ((OBSERVED, agreement), (EXPECTED, expected), (KAPPA, beyond))
    return Consistency(
        (p.value, q.value),
        *(_score_by_joint(metric, estimate, len(first), fewest, FEWEST_JOINT) for metric, estimate in numbers),
    )


def _from_draws(p: Draws, q: Draws, agreement: Draws, n: int) -> Consistency:
    """The consistency of a pair from its accuracies and agreement, ``(1 + R,)``: the estimate, then posterior draws."""
    expected = expected_agreement(p, q)
    draws = ((OBSERVED, agreement), (EXPECTED, expected), (KAPPA, cohens_kappa(agreement, expected)))
    return Consistency((float(p[0]), float(q[0])), *(_middle(metric, values, n) for metric, values in draws))


def _middle(metric: Metric, values: Draws, n: int) -> Score:
    """The estimate, with the middle 95 % of the draws that follow it as its interval, which reaches to it."""
    if np.isnan(values[0]):
        return metric.score(None, n, lack=Fact(Lack.NOTHING_BEYOND_CHANCE))
    value, low, high = map(float, (values[0], *np.nanpercentile(values[1:], [2.5, 97.5])))
    return metric.score(value, n, cut(TwoEnds(value, min(low, value), max(high, value)), *metric.range))
