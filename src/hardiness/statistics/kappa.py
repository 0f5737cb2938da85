"""Error consistency: do two observers err on the same stimuli, beyond what their accuracies explain?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hardiness.core import ArgumentError, Interval, rng
from hardiness.statistics.intervals import centred, resampled_means, student, variance_of, within

FEWEST_JOINT = 30
"""Images on which both err, or both are right, under some condition, without which no spread is trusted: with some 25
an interval held in 85 to 90 %."""

DRAWS = 4000
PRIOR = 0.5
"""Of each of the four cells of a two-by-two table: Jeffreys'."""

Draws = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class KappaInterval:
    """A number with its 95 % interval; both ``None`` where it is undefined, the interval alone where too few errors are
    behind it."""

    value: float | None
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class Consistency:
    """How far two observers agree on which stimuli they get right.

    Attributes:
        n: stimuli that both answered; for a mean over pairs the fewest of any.
        accuracies: share that each gets right.
        agreement: share of stimuli that both get right or both get wrong.
        expected: the agreement of two independent observers of these accuracies.
        kappa: what agreement there is beyond that, as a share of what there could be: Cohen's kappa, in [-1, 1];
            undefined where both are always right, or both always wrong.
    """

    n: int
    accuracies: tuple[float, float]
    agreement: KappaInterval
    expected: KappaInterval
    kappa: KappaInterval


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
    seen, chance = np.asarray(agreement, np.float64), np.asarray(expected, np.float64)
    certain = np.isclose(chance, 1.0, rtol=0, atol=1e-12)
    return np.where(certain, np.nan, (seen - chance) / np.where(certain, 1.0, 1 - chance))


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
    (found,) = pairwise(np.hstack([one, other]).astype(np.float64), [[(0, 1)]])
    return found


def pairwise(right: NDArray[np.float64], groups: Sequence[Sequence[tuple[int, int]]]) -> list[Consistency]:
    """The error consistency of pairs of observers, or its mean over several pairs, one for each group.

    Args:
        right: ``(N, O)`` 1 where an observer answered a stimulus right, 0 where wrong, NaN where it was not shown.
        groups: columns of the pairs in each group; every pair must share a stimulus.

    Returns:
        The interval of one pair is that of `two_by_two`, those of a mean over pairs are bootstraps over stimuli, in
        which all pairs move together.
    """
    pairs = list(dict.fromkeys(pair for group in groups for pair in group))
    first, second = right[:, [a for a, _ in pairs]], right[:, [b for _, b in pairs]]
    shown = ~(np.isnan(first) | np.isnan(second))
    columns = [np.where(shown, values, np.nan) for values in (first, second, first == second)]
    several = any(len(group) > 1 for group in groups)
    p, q, agreement = (
        np.vstack([np.nanmean(column, axis=0), *([resampled_means(column, "error consistency")] if several else [])])
        for column in columns
    )
    counts = shown.sum(axis=0)
    found = []
    for group in groups:
        chosen = [pairs.index(pair) for pair in group]
        if len(chosen) == 1:
            at = shown[:, chosen[0]]
            drawn = two_by_two(first[at, chosen[0]] == 1, second[at, chosen[0]] == 1)
            p_drawn, q_drawn, agreed = (
                np.append(known[0, chosen[0]], draws) for known, draws in zip((p, q, agreement), drawn, strict=True)
            )
            found.append(
                _consistency(p_drawn[:, None], q_drawn[:, None], agreed[:, None], int(counts[chosen[0]]), _plain)
            )
        else:
            found.append(_consistency(p[:, chosen], q[:, chosen], agreement[:, chosen], int(counts[chosen].min())))
    return found


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
    drawn = rng(0, "two by two", *cells).dirichlet(np.add(cells, PRIOR), DRAWS)
    return drawn[:, 0] + drawn[:, 1], drawn[:, 0] + drawn[:, 2], drawn[:, 0] + drawn[:, 3]


def _over_conditions(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> Consistency:
    """Over all conditions together, images as units: a bootstrap, where enough images have errors and right answers."""
    each = np.column_stack([side.mean(axis=1) for side in (first, second, first == second)])
    p, q, agreement = (column[:, None] for column in np.vstack([each.mean(axis=0), resampled_means(each, "kappa")]).T)
    # Kappa is made of what both answer alike beyond chance: it hangs on the images where both err, and both are right.
    joint = (first & second, ~first & ~second, first != second)
    fewest = min(int(np.sum(side.any(axis=1))) for side in joint)

    def spread(draws: Draws, estimate: float) -> Interval:
        return student(estimate, variance_of(draws, len(first)), fewest)

    found = _consistency(p, q, agreement, len(first), spread if fewest > 1 else centred)
    if fewest >= FEWEST_JOINT:
        return found
    bare = (KappaInterval(each.value, None) for each in (found.agreement, found.expected, found.kappa))
    return Consistency(found.n, found.accuracies, *bare)


def _consistency(
    p: Draws, q: Draws, agreement: Draws, n: int, interval: Callable[[Draws, float], Interval] = centred
) -> Consistency:
    """From accuracies and agreements of pairs, ``(1 + R, P)``: the estimate, then draws."""
    expected = expected_agreement(p, q)
    kappa = cohens_kappa(agreement, expected)
    return Consistency(
        n=n,
        accuracies=(float(p[0].mean()), float(q[0].mean())),
        agreement=_estimate(agreement.mean(axis=1), 0.0, interval),
        expected=_estimate(expected.mean(axis=1), 0.0, interval),
        kappa=_estimate(kappa.mean(axis=1), -1.0, interval),
    )


def _plain(draws: Draws, estimate: float) -> Interval:
    """The middle 95 % of draws from a posterior, and the estimate."""
    low, high = np.nanpercentile(draws, [2.5, 97.5])
    return Interval(float(min(low, estimate)), float(max(high, estimate)))


def _estimate(values: Draws, lowest: float, interval: Callable[[Draws, float], Interval]) -> KappaInterval:
    """From the estimate and its draws, ``(1 + R,)``, with the lowest value that there can be."""
    if np.isnan(values[0]):
        return KappaInterval(None, None)
    return KappaInterval(float(values[0]), within(interval(values[1:], float(values[0])), lowest, 1.0))
