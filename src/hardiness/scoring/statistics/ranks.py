"""Places of several models, none better than what was told apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hardiness.scoring.statistics.multiplicity import holm


@dataclass(frozen=True, slots=True)
class Rank:
    """The place of one model among several; 1 is the best.

    Attributes:
        rank: one more than the models that are told to be better: no model rises by chance alone.
        worst: the number of models less those that are told to be worse.
        drawn: the 2.5 % and 97.5 % of its place in the resamples.
    """

    rank: int
    worst: int
    drawn: tuple[int, int]


def ranks(
    draws: NDArray[np.float64], p: NDArray[np.float64], higher_is_better: bool, level: float = 0.05
) -> list[Rank]:
    """The rank of each model, in the order given.

    Args:
        draws: ``(1 + R, K)`` each model's score, then its resamples, the same draws of images for all.
        p: ``(K, K)`` p-values of the paired differences; the upper triangle is read; NaN where there was no test.
        higher_is_better: direction of the score.
        level: chance that any two are told apart that are alike, over all pairs.

    Source: Holm (1979) over the pairs. Source of the idea that a rank rises only where a difference is told: the Arena
        leaderboards, Chiang et al. (2024), arXiv:2403.04132.
    """
    models = draws.shape[1]
    upper = np.triu_indices(models, 1)
    told = np.zeros((models, models), bool)
    told[upper] = np.nan_to_num(holm(p[upper]), nan=1.0) < level
    told |= told.T
    signed = draws if higher_is_better else -draws
    better = told & (signed[0][:, None] > signed[0][None, :])
    # The place in a resample: models that are strictly better.
    above = (signed[1:, None, :] > signed[1:, :, None]).sum(axis=2)
    low, high = np.nanpercentile(above + 1, [2.5, 97.5], axis=0, method="nearest").astype(int)
    return [
        Rank(
            rank=1 + int(better[:, k].sum()),
            worst=models - int(better[k].sum()),
            drawn=(int(low[k]), int(high[k])),
        )
        for k in range(models)
    ]
