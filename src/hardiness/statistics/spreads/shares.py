"""Spreads of shares of images."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from hardiness.core.spread import Interval, Spread, kind_of_spread
from hardiness.statistics.binomial import binomial_p, next_hits
from hardiness.statistics.intervals import clopper_pearson, clustered_proportion, proportion, wilson
from hardiness.statistics.spreads.combined import SpreadByEnds


class _OfShare(SpreadByEnds):
    @property
    def range(self) -> tuple[float, float]:
        """That of a share."""
        return 0.0, 1.0


@dataclass(frozen=True)
class _Hits(_OfShare):
    """A share of images, of which so many count."""

    hits: float
    n: float

    @property
    def value(self) -> float:
        """The share."""
        return self.hits / self.n


@kind_of_spread("exact share")
@dataclass(frozen=True)
class ExactShare(_Hits):
    """A share of images with the exact interval, which never holds too seldom.

    Source: Clopper & Pearson (1934), doi:10.1093/biomet/26.4.404.
    """

    is_exact: ClassVar[bool] = True

    def ends(self, alpha: float) -> Interval:
        """The exact ends."""
        return clopper_pearson(self.hits, self.n, 1 - alpha)

    deciding_ends = ends

    def p(self, limit: float, side: int) -> float:
        """How likely so many images count, or more, where the share is the limit; fewer where ``side`` is -1."""
        return binomial_p(self.hits, self.n, limit, side)

    def end_of_next(self, side: int, chance: float, alpha: float) -> float:
        """The end of a share of as many new images, of which the furthest number counts that is not rarer."""
        new = ExactShare(next_hits(int(self.hits), int(self.n), side, chance), self.n).deciding_ends(alpha)
        return new.high if side > 0 else new.low

    @property
    def error(self) -> float | None:
        """The root of p (1 - p) / (n - 1), as `Estimate.error` has it."""
        variance = self.hits * (self.n - self.hits) / (self.n * self.n * (self.n - 1)) if self.n > 1 else 0.0
        return math.sqrt(variance) if variance > 0 else None


@kind_of_spread("share")
@dataclass(frozen=True)
class ShareOfImages(ExactShare):
    """A share of images: Wilson's interval, reaching to the exact one where few count or few do not; rules are exact.

    Source: Wilson (1927), doi:10.1080/01621459.1927.10502953; Clopper & Pearson (1934), doi:10.1093/biomet/26.4.404.
    """

    def ends(self, alpha: float) -> Interval:
        """The ends of `proportion`."""
        return proportion(self.hits, self.n, 1 - alpha)


@kind_of_spread("wilson")
@dataclass(frozen=True)
class WilsonShare(_Hits):
    """A share of images with Wilson's interval, as a part of a difference.

    Source: Wilson (1927), doi:10.1080/01621459.1927.10502953.
    """

    def ends(self, alpha: float) -> Interval:
        """Wilson's ends."""
        return wilson(self.hits, self.n, 1 - alpha)


@kind_of_spread("clustered share")
@dataclass(frozen=True)
class ClusteredShare(_OfShare):
    """A share of images that come in clusters, as of so many independent ones as would vary as much.

    Fields are the arguments of `clustered_proportion`.

    Source: Korn & Graubard (1998), Survey Methodology 24, 193-201.
    """

    value: float
    variance: float
    n: int
    clusters: float

    def ends(self, alpha: float) -> Interval:
        """The exact ends of as many independent answers as would vary as much."""
        return clustered_proportion(self.value, self.variance, self.n, self.clusters, 1 - alpha)

    @property
    def error(self) -> float | None:
        """The standard error over other clusters."""
        return math.sqrt(self.variance) if self.variance > 0 else None


@kind_of_spread("lowest")
@dataclass(frozen=True)
class LowestShare(_OfShare):
    """The lowest of several shares, each of images of its own, as the recalls of classes are.

    It is surely below a limit where one share is, with the level shared among all; surely above it where each is.
    Pages show bounds that hold for all shares at once.

    Attributes:
        parts: spreads of the shares.

    Source: Berger (1982), doi:10.1080/00401706.1982.10487790, for "each is"; Bonferroni for "one is".
    """

    parts: tuple[Spread, ...]

    @property
    def value(self) -> float:
        """The lowest share."""
        return min(part.value for part in self.parts)

    @property
    def is_exact(self) -> bool:  # type: ignore[override]
        """Whether each share is."""
        return all(part.is_exact for part in self.parts)

    def ends(self, alpha: float) -> Interval:
        """The lowest ends of bounds that hold for all shares at once."""
        shared = [part.deciding_ends(alpha / len(self.parts)) for part in self.parts]
        return Interval(min(each.low for each in shared), min(each.high for each in shared))

    def deciding_ends(self, alpha: float) -> Interval:
        """The lowest of the lower ends alone, and of the upper ends at their part of the level."""
        lows = [part.deciding_ends(alpha).low for part in self.parts]
        return Interval(min(lows), self.ends(alpha).high)

    def p(self, limit: float, side: int) -> float:
        """The largest p-value of "this share is above"; the smallest of "this share is below", times their number."""
        chances = [part.p(limit, side) for part in self.parts]
        return max(chances) if side > 0 else min(1.0, len(chances) * min(chances))

    def end_of_next(self, side: int, chance: float, alpha: float) -> float:
        """The end of the lowest of as many new shares."""
        if not self.is_exact:
            return super().end_of_next(side, chance, alpha)
        new = [next_hits(int(each.hits), int(each.n), side, chance / len(self.parts)) for each in self._exact]
        ends = LowestShare(tuple(ExactShare(hits, each.n) for hits, each in zip(new, self._exact, strict=True)))
        return ends.deciding_ends(alpha).high if side > 0 else ends.deciding_ends(alpha).low

    @property
    def _exact(self) -> list[ExactShare]:
        return [part for part in self.parts if isinstance(part, ExactShare)]
