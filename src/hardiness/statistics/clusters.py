"""Pictures that come in clusters, such as patients, scenes or bursts: what would be drawn anew are the clusters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardiness.core.errors import ArgumentError
from hardiness.statistics.estimate import Estimate


@dataclass(frozen=True, eq=False)
class Clusters:
    """The cluster of each picture.

    Attributes:
        ids: ``(N,)`` names of the pictures, sorted, each once.
        codes: ``(N,)`` int64, the cluster of each, from 0.
        name: of the column that says so.
    """

    ids: NDArray[Any]
    codes: NDArray[np.int64]
    name: str = "cluster"

    def codes_of(self, ids: NDArray[Any]) -> NDArray[np.int64]:
        """The cluster of each of some pictures ``(n,)``.

        Raises:
            ArgumentError: one of them has no cluster.
        """
        if ids is self.ids:
            return self.codes
        places = np.minimum(np.searchsorted(self.ids, ids), max(len(self.ids) - 1, 0))
        is_other = self.ids[places] != ids if len(self.ids) else np.ones(len(ids), bool)
        if np.any(is_other):
            picture = ids[np.flatnonzero(is_other)[0]]
            raise ArgumentError(f"each picture must have a {self.name}, and {picture!r} has none")
        return self.codes[places]

    def collapse(self, estimate: Estimate) -> Estimate:
        """The estimate as a number that rests on clusters, whose variance is that over other clusters like these.

        Differences, sums and ratios are formed by picture first and collapsed last. Clusters of one picture each leave
        every influence as it is, bit for bit.

        Args:
            estimate: whose ids are pictures.

        Source: Liang & Zeger (1986), doi:10.1093/biomet/73.1.13; Cameron & Miller (2015), doi:10.3368/jhr.50.2.317.
        """
        if not estimate.n:
            return estimate
        clusters, places = np.unique(self.codes_of(estimate.ids), return_inverse=True)
        sums = np.bincount(places, estimate.influence, len(clusters)).astype(np.float64, copy=False)
        if len(clusters) == estimate.n:
            return Estimate(estimate.value, clusters, sums)
        return Estimate(estimate.value, clusters, np.multiply(sums, len(clusters) / estimate.n))
