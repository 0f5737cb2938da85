"""Groups of pictures under the hypothesis that they are alike: what chance does where all have one spread."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class AlikeGroups:
    """The sums of K groups of pictures, and what they vary by if chance alone dealt the pictures to the groups.

    A group's own spread is not asked: one in which chance left no failure shows hardly any, and would surely differ
    from the rest. The spread is that of all pictures instead, or of all clusters.

    Attributes:
        n: ``(K,)`` pictures of each group.
        sums: ``(K,)`` of what each group's pictures are above the mean of all.
        variance: of a group's sum for each picture that it would have, were all groups small.
        cubes: the third central moment, likewise.
        excess: kurtosis of a picture's own value less 3; 0 where pictures come in clusters.
    """

    n: Floats
    sums: Floats
    variance: float
    cubes: float
    excess: float = 0.0

    @classmethod
    def of(cls, values: Floats, codes: Codes, count: int, clusters: Codes | None = None) -> AlikeGroups:
        """The groups of some pictures.

        Args:
            values: ``(N,)`` of each picture.
            codes: ``(N,)`` the group of each, from 0.
            count: K.
            clusters: ``(N,)`` of each picture, from 0; ``None`` where each stands alone.

        Source: of single pictures the exact moments of sampling without replacement. Of clusters those of what each
            cluster adds to a group's sum, over all groups, as each group has its share of the pictures: where a
            cluster has pictures of several groups, what it adds to all of them falls out.
        """
        n = np.bincount(codes, minlength=count).astype(np.float64)
        if np.count_nonzero(n) < 2:
            return cls(n, np.zeros(count), 0.0, 0.0)
        above = values - values.mean()
        above[np.abs(above) <= 1e-12 * np.abs(values).max(initial=0.0)] = 0.0
        sums, total = np.bincount(codes, above, count).astype(np.float64, copy=False), len(values)
        if clusters is None:
            squares, cubes, fourths = (float(np.sum(above**power)) for power in (2, 3, 4))
            variance = squares / max(total - 1, 1)
            excess = fourths / total / variance**2 - 3 if variance else 0.0
            return cls(n, sums, variance, cubes * total / max((total - 1) * (total - 2), 1), excess)
        _, places = np.unique(clusters, return_inverse=True)
        units = int(places.max()) + 1
        cells = np.bincount(places * count + codes, above, units * count).reshape(units, count)
        added = cells - cells.sum(axis=1, keepdims=True) * (n / total)
        weights, turns = n * (1 - n / total), 1 - 2 * n / total
        variance = float(np.sum(added**2)) / float(weights.sum()) * units / max(units - 1, 1)
        shares = float(np.abs(weights * turns).sum())
        cubes = float(np.sum(added**3, axis=0) @ np.sign(turns)) / shares if shares else 0.0
        return cls(n, sums, variance, cubes)

    @property
    def lead_variance(self) -> Floats:
        """``(K,)`` of a group's mean less that of all others; 0 of a group without pictures, and of all of them."""
        weights = self._weights
        return np.asarray(np.divide(self.variance, weights, out=np.zeros_like(weights), where=weights > 0))

    @property
    def _weights(self) -> Floats:
        """``(K,)`` pictures of each group times the share of those that are in another one."""
        return np.asarray(self.n * (1 - self.n / max(self.n.sum(), 1.0)))

    def p_as_rest(self) -> Floats:
        """``(K,)`` two-sided p-values of "this group is as all others": with and without skew, the larger one.

        Source: a Pearson curve of type III with the permutation distribution's moments, as in Mielke & Berry (2007),
            Permutation Methods, section 2.3. The curve ends on its short side, where the distribution may go on;
            there the normal decides.
        """
        from scipy.special import gammainc, gammaincc, ndtr

        deviations = np.sqrt(self.variance * self._weights)
        z = np.divide(self.sums, deviations, out=np.zeros_like(self.sums), where=deviations > 0)
        cubes = self.cubes * self._weights * (1 - 2 * self.n / max(self.n.sum(), 1.0))
        skew = np.divide(cubes, deviations**3, out=np.zeros_like(cubes), where=deviations > 0)
        z, skew = np.where(skew < 0, -z, z), np.maximum(np.abs(skew), 1e-4)
        shape = 4 / skew**2
        place = np.maximum(shape + z * np.sqrt(shape), 0.0)
        below = np.maximum(gammainc(shape, place), ndtr(z))
        above = np.maximum(gammaincc(shape, place), ndtr(-z))
        return np.asarray(np.minimum(2 * np.minimum(below, above), 1.0))

    def heterogeneity(self) -> float:
        """The p-value of "all groups are alike", from the mean and the variance of the sum of squares between groups.

        Source: Box & Andersen (1955), doi:10.1111/j.2517-6161.1955.tb00176.x, whose moments these are but for 1 / N.
        """
        from scipy.special import gammaincc

        if not self.variance or len(self.n) < 2:
            return 1.0
        between = float(np.sum(self.sums**2 / self.n)) / self.variance
        mean, groups = len(self.n) - 1, len(self.n)
        spread = 2 * mean + max(self.excess * float(np.sum(1 / self.n) - groups**2 / self.n.sum()), 0.0)
        return float(gammaincc(mean**2 / spread, between * mean / spread))


def shares_p_as_rest(hits: Codes, n: Codes) -> Floats:
    """``(K,)`` two-sided mid-p of "this group's share is as that of all others", where the pictures are the units.

    Args:
        hits: ``(K,)`` pictures of each group that count.
        n: ``(K,)`` pictures of each, at least 1.

    Source: Fisher (1935), the hypergeometric distribution; Lancaster (1961), doi:10.1080/01621459.1961.10482105, mid-p.
    """
    from scipy.special import gammaln

    total, counted = int(n.sum()), int(hits.sum())

    def ways(of: int, taken: NDArray[np.int64]) -> Floats:
        return np.asarray(gammaln(of + 1) - gammaln(taken + 1) - gammaln(of - taken + 1))

    p_values = np.ones(len(n))
    for k, (seen, pictures) in enumerate(zip(hits.tolist(), n.tolist(), strict=True)):
        least = max(0, pictures + counted - total)
        possible = np.arange(least, min(pictures, counted) + 1)
        logarithms = ways(counted, possible) + ways(total - counted, pictures - possible)
        chances = np.exp(logarithms - logarithms.max())
        chances /= chances.sum()
        half = chances[seen - least] / 2
        below, above = math.fsum(chances[: seen - least]), math.fsum(chances[seen - least + 1 :])
        p_values[k] = min(2 * (min(below, above) + half), 1.0)
    return p_values
