"""A cheap companion known for all images takes away what spread it explains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hardiness.core import ArgumentError


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
