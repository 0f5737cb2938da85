"""Spreads of numbers whose images were looked at while they came in, or whose run stopped by its width."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import ClassVar

from hardiness.core.spread import Interval, kind_of_spread
from hardiness.statistics.binomial import next_hits
from hardiness.statistics.intervals import skewed_student_p
from hardiness.statistics.paired_shares import score_interval
from hardiness.statistics.sequences import (
    anytime_p,
    anytime_p_of_pairs,
    anytime_p_of_share,
    last_inside,
    share_interval,
)
from hardiness.statistics.spreads.combined import SpreadByEnds, errors_apart


@dataclass(frozen=True)
class _AtEveryLook(SpreadByEnds):
    """A number whose p-values hold at every look; its interval inverts them."""

    is_sequential: ClassVar[bool] = True

    @property
    @abstractmethod
    def range(self) -> tuple[float, float]:
        """The least and the most that the number can be."""

    @abstractmethod
    def _p(self, limit: float) -> float:
        """The p-value on the number's own side of a limit."""

    def p(self, limit: float, side: int) -> float:
        """The p-value, valid at every look; 1 where the number is not beyond the limit."""
        return self._p(limit) if side * (self.value - limit) > 0 else 1.0

    def ends(self, alpha: float) -> Interval:
        """The last limits that are not refused."""
        least, most = self.range
        return Interval(
            last_inside(lambda limit: self.p(limit, 1) > alpha / 2, self.value, least),
            last_inside(lambda limit: self.p(limit, -1) > alpha / 2, self.value, most),
        )

    @abstractmethod
    def _next(self, side: int, chance: float) -> _AtEveryLook:
        """The spread of a new, equally good number of as many images that is so seldom further off."""

    def end_of_next(self, side: int, chance: float, alpha: float) -> float:
        """The end of the interval of the next number."""
        ends = self._next(side, chance).ends(alpha)
        return ends.high if side > 0 else ends.low


@kind_of_spread("share at every look")
@dataclass(frozen=True)
class ShareAtEveryLook(_AtEveryLook):
    """A share of images while they come in; exact for any number of them."""

    hits: int
    n: int

    is_exact: ClassVar[bool] = True
    range: ClassVar[tuple[float, float]] = (0.0, 1.0)

    @property
    def value(self) -> float:
        """The share."""
        return self.hits / self.n

    def _p(self, limit: float) -> float:
        return anytime_p_of_share(self.hits, self.n, limit)

    def _next(self, side: int, chance: float) -> ShareAtEveryLook:
        return ShareAtEveryLook(next_hits(self.hits, self.n, side, chance), self.n)


@kind_of_spread("paired shares at every look")
@dataclass(frozen=True)
class PairedSharesAtEveryLook(_AtEveryLook):
    """A difference of two shares of the same images while these come in, as `PairedShares`; exact for any number."""

    first_only: int
    second_only: int
    n: int

    is_exact: ClassVar[bool] = True
    range: ClassVar[tuple[float, float]] = (-1.0, 1.0)

    @property
    def value(self) -> float:
        """The difference."""
        return (self.first_only - self.second_only) / self.n

    def _p(self, limit: float) -> float:
        return anytime_p_of_pairs(self.first_only, self.second_only, self.n, limit)

    def _next(self, side: int, chance: float) -> PairedSharesAtEveryLook:
        first, second, n = self.first_only, self.second_only, self.n
        ends = score_interval(first, second, n, math.erfc(errors_apart(chance) / math.sqrt(2)))
        more = math.ceil(n * abs((ends.high if side > 0 else ends.low) - self.value))
        first = min(first + more, n - second) if side > 0 else first
        second = min(second + more, n - first) if side < 0 else second
        return PairedSharesAtEveryLook(first, second, n)


@kind_of_spread("sum at every look")
@dataclass(frozen=True)
class SumAtEveryLook(_AtEveryLook):
    """A weighted sum of cell means while images come in.

    Attributes:
        value: the sum.
        n: images.
        variance: of the sum.
        tightest: the half-width at which the sequence of intervals is tightest.
        low, high: the least and the most that the sum can be.
        skew, degrees: as of `Mean`.
    """

    value: float
    n: int
    variance: float
    tightest: float
    low: float
    high: float
    skew: float
    degrees: float

    @property
    def range(self) -> tuple[float, float]:
        """The least and the most that the sum can be."""
        return self.low, self.high

    def _p(self, limit: float) -> float:
        distance, error = abs(self.value - limit), math.sqrt(self.variance)
        if error > 0:
            side = 1 if self.value > limit else -1
            p = skewed_student_p(side * distance, error, self.skew, self.degrees) / 2
            distance = error * -NormalDist().inv_cdf(max(p, 1e-300))
        return max(anytime_p(distance, self.variance, self.tightest), self._p_of_unseen(limit))

    def _p_of_unseen(self, limit: float) -> float:
        """How likely none was seen of images at an end of the range, of which there are so many that the limit holds.

        They show in no spread. It is the same at every look: none was seen at the first at which a verdict could fall.
        """
        furthest = self.range[limit > self.value] - self.value
        return float((1 - min((limit - self.value) / furthest, 1.0)) ** self.n) if furthest else 0.0

    def _next(self, side: int, chance: float) -> SumAtEveryLook:
        return replace(self, value=self.value + side * errors_apart(chance) * math.sqrt(self.variance))


@kind_of_spread("share at a stop")
@dataclass(frozen=True)
class ShareAtStop(SpreadByEnds):
    """A share of a run that stopped by its width; fields as the arguments of `share_interval`."""

    hits: int
    n: int
    population: int | None

    @property
    def value(self) -> float:
        """The share."""
        return self.hits / self.n

    def ends(self, alpha: float) -> Interval:
        """The ends of `share_interval`."""
        return share_interval(self.hits, self.n, self.population, alpha)
