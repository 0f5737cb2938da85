"""Error consistency: do two observers err on the same stimuli, beyond what their accuracies explain?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hardiness.core import ArgumentError, Interval
from hardiness.scoring.intervals import centred, resampled_means, within


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its 95 % interval; both ``None`` where it is undefined."""

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
    agreement: Estimate
    expected: Estimate
    kappa: Estimate


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
    """The error consistency of two observers, with bootstrap intervals over stimuli.

    Args:
        first, second: ``(N,)`` whether each answered right, stimulus by stimulus.

    Raises:
        ArgumentError: they are of unequal length or empty.
    """
    if first.shape != second.shape or not first.size:
        raise ArgumentError(
            f"error consistency needs two observers' answers to the same stimuli, had {first.size} and {second.size}"
        )
    (found,) = pairwise(np.stack([first, second], axis=1).astype(np.float64), [[(0, 1)]])
    return found


def pairwise(right: NDArray[np.float64], groups: Sequence[Sequence[tuple[int, int]]]) -> list[Consistency]:
    """The error consistency of pairs of observers, or its mean over several pairs, one for each group.

    Args:
        right: ``(N, O)`` 1 where an observer answered a stimulus right, 0 where wrong, NaN where it was not shown.
        groups: columns of the pairs in each group; every pair must share a stimulus.

    Returns:
        Intervals are bootstraps over stimuli, in which all pairs of all groups move together.
    """
    pairs = list(dict.fromkeys(pair for group in groups for pair in group))
    first, second = right[:, [a for a, _ in pairs]], right[:, [b for _, b in pairs]]
    shown = ~(np.isnan(first) | np.isnan(second))
    columns = [np.where(shown, values, np.nan) for values in (first, second, first == second)]
    p, q, agreement = (
        np.vstack([np.nanmean(column, axis=0), resampled_means(column, "error consistency")]) for column in columns
    )
    expected = expected_agreement(p, q)
    kappa = cohens_kappa(agreement, expected)
    counts = shown.sum(axis=0)
    found = []
    for group in groups:
        chosen = [pairs.index(pair) for pair in group]
        found.append(
            Consistency(
                n=int(counts[chosen].min()),
                accuracies=(float(p[0, chosen].mean()), float(q[0, chosen].mean())),
                agreement=_estimate(agreement[:, chosen].mean(axis=1), 0.0),
                expected=_estimate(expected[:, chosen].mean(axis=1), 0.0),
                kappa=_estimate(kappa[:, chosen].mean(axis=1), -1.0),
            )
        )
    return found


def _estimate(values: NDArray[np.float64], lowest: float) -> Estimate:
    """From the estimate and its resamples, ``(1 + R,)``, with the lowest value that there can be."""
    if np.isnan(values[0]):
        return Estimate(None, None)
    return Estimate(float(values[0]), within(centred(values[1:], float(values[0])), lowest, 1.0))
