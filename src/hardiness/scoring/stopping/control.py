"""A cheap companion known for all images takes away what spread it explains."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hardiness.scoring.statistics.estimate import Estimate
from hardiness.scoring.stopping.cells import FEWEST_DEVIATING, CellEstimate


@dataclass(frozen=True)
class Companions:
    """What other models answered on every image of a set, each a column.

    Attributes:
        ids: of all images, sorted, object ``(N,)`` of str.
        values: float64 ``(N, k)``: each model's own score of each image.
    """

    ids: NDArray[np.object_]
    values: NDArray[np.float64]

    def of(self, ids: NDArray[np.object_]) -> NDArray[np.float64] | None:
        """The values of some images, ``(n, k)``; ``None`` where one of these is not among all."""
        place = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        return np.asarray(self.values[place]) if bool(np.all(self.ids[place] == ids)) else None


def with_companions(
    found: CellEstimate, own: NDArray[np.float64], companions: Companions, population: int | None = None
) -> CellEstimate:
    """The estimate corrected by companions, with what variance they leave; as it is where they cannot be trusted.

    They are trusted where the estimate is, and where what they leave open rests on 30 images and more: two models that
    differ on a handful of images would else seem to be known exactly.

    Args:
        found: of n images.
        own: ``(n, k)``, the companions' values of these images, in their order.
        companions: of all images.
        population: the size of the set whose value is asked for; ``None`` for all images like these, of which the
            companions' images are themselves a sample.

    Source: Cochran (1977), Sampling Techniques, chapter 7, the regression estimator, whose bias is of order 1/n, and
        12.6, for companions that are known on a larger sample alone; Lavenberg & Welch (1981),
        doi:10.1287/mnsc.27.3.322, for control variates.
    """
    n, count = own.shape
    ids = found.estimate.ids
    if found.thin or n < FEWEST_DEVIATING + count:
        return found
    centred = own - own.mean(axis=0)
    slopes, *_ = np.linalg.lstsq(centred, found.estimate.influence, rcond=None)
    rest = found.estimate.influence - centred @ slopes
    fourth = float(np.sum(rest**4))
    if not fourth > 0 or float(np.sum(rest**2)) ** 2 / fourth < FEWEST_DEVIATING:
        return found
    between = min(float(np.sum(rest**2)) / (n - count - 1), found.between)
    within = min(found.within, between)
    sampled = 0.0 if population is None else n / population
    variance = ((1 - sampled) * between + sampled * within) / n
    if population is None:
        variance += (found.between - between) / len(companions.ids)
    return replace(
        found,
        estimate=Estimate(float(found.value - (own.mean(axis=0) - companions.values.mean(axis=0)) @ slopes), ids, rest),
        variance=variance,
        between=between,
        within=within,
    )
