"""A cheap companion known for all images takes away what spread it explains."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hardiness.core import ArgumentError
from hardiness.scoring.stopping.cells import FEWEST_DEVIATING, CellEstimate


@dataclass(frozen=True, slots=True)
class Controlled:
    """A mean corrected by companions.

    Attributes:
        value: the corrected mean.
        variance: of it, over samples of as many images.
        explained: share of the variance that the companions took away, in [0, 1]: also the share of images saved.
    """

    value: float
    variance: float
    explained: float


def controlled(
    values: NDArray[np.floating], companions: NDArray[np.floating], known_means: NDArray[np.floating]
) -> Controlled:
    """The mean of what is dear on n images, corrected by what is cheap and known for all.

    Where the sampled images are easier for the cheap model than all images are, they are taken to be easier for the
    dear one too, by as much as the two go together in the sample.

    Args:
        values: ``(n,)`` of the dear model.
        companions: ``(n, k)`` of the same images: a cheap model's errors, or a published difficulty.
        known_means: ``(k,)`` means of those over all images.

    Raises:
        ArgumentError: there are no more images than companions and two.

    Source: Cochran (1977), Sampling Techniques, chapter 7, the regression estimator; Lavenberg & Welch (1981),
        doi:10.1287/mnsc.27.3.322, for control variates. Its bias is of order 1/n.
    """
    n, count = companions.shape
    if n < count + 3:
        raise ArgumentError(f"a correction by {count} companions needs {count + 3} images, had {n}")
    centred = companions - companions.mean(axis=0)
    slopes, *_ = np.linalg.lstsq(centred, values - values.mean(), rcond=None)
    rest = values - values.mean() - centred @ slopes
    variance = float(np.sum(rest**2)) / (n - count - 1) / n
    plain = float(np.var(values, ddof=1)) / n
    return Controlled(
        value=float(values.mean() - (companions.mean(axis=0) - known_means) @ slopes),
        variance=variance,
        explained=max(1 - variance / plain, 0.0) if plain > 0 else 0.0,
    )


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

    Source: as `controlled`; Cochran (1977), 12.6, for companions that are known on a larger sample alone.
    """
    n, count = own.shape
    if found.thin or n < FEWEST_DEVIATING + count:
        return found
    centred = own - own.mean(axis=0)
    slopes, *_ = np.linalg.lstsq(centred, found.deviations, rcond=None)
    rest = found.deviations - centred @ slopes
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
        value=float(found.value - (own.mean(axis=0) - companions.values.mean(axis=0)) @ slopes),
        variance=variance,
        between=between,
        within=within,
        deviations=rest,
    )
