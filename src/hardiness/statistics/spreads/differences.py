"""Spreads of differences of two models, on the same images or on different ones."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from hardiness.core.spread import Interval, Spread, kind_of_spread
from hardiness.statistics.intervals import (
    clopper_pearson,
    newcombe,
    outermost,
    scaled,
    unseen_difference,
    wilson,
    within,
)
from hardiness.statistics.paired_shares import score_interval, score_statistic
from hardiness.statistics.spreads.combined import SpreadByEnds


@kind_of_spread("paired shares")
@dataclass(frozen=True)
class PairedShares(SpreadByEnds):
    """A difference of two shares of the same images: Tango's score interval, and its test.

    Attributes:
        first_only, second_only: images that one of the two alone gets right.
        n: all images.

    Source: Tango (1998), doi:10.1002/(SICI)1097-0258(19980430)17:8<891::AID-SIM780>3.0.CO;2-B.
    """

    first_only: int
    second_only: int
    n: int

    @property
    def value(self) -> float:
        """The difference."""
        return (self.first_only - self.second_only) / self.n

    def ends(self, alpha: float) -> Interval:
        """Tango's ends."""
        return score_interval(self.first_only, self.second_only, self.n, alpha)

    def level_reaching(self, limit: float) -> float:
        """The two-sided p-value of the score test."""
        if not -1 < limit < 1:
            return super().level_reaching(limit)
        errors = score_statistic(self.first_only, self.second_only, self.n, limit)
        return math.erfc(abs(errors) / math.sqrt(2))


@kind_of_spread("sides")
@dataclass(frozen=True)
class TwoSides(SpreadByEnds):
    """A mean difference that few images decide, from Wilson's intervals of what either side is ahead by.

    Attributes:
        ahead, behind: what either of the two is ahead by, summed over images, in units of span.
        n: images, or independent answers that vary as much.
        span: the most that an image can put the two apart.

    Source: Newcombe (1998), doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I, method 10.
    """

    ahead: float
    behind: float
    n: float
    span: float = 1.0

    _of_share: ClassVar = staticmethod(wilson)

    @property
    def value(self) -> float:
        """The difference."""
        return (self.ahead - self.behind) / self.n * self.span

    def ends(self, alpha: float) -> Interval:
        """The ends of one side less the other."""
        first, second = self.ahead / self.n, self.behind / self.n
        sides = (self._of_share(side, self.n, 1 - alpha) for side in (self.ahead, self.behind))
        return scaled(within(newcombe(first, next(sides), second, next(sides)), -1.0), 0.0, self.span)


@kind_of_spread("exact sides")
@dataclass(frozen=True)
class ExactSides(TwoSides):
    """`TwoSides` with exact intervals: where no image differs it still reaches as far as a share that was not seen."""

    _of_share: ClassVar = staticmethod(clopper_pearson)

    @property
    def bound(self) -> tuple[float, float]:
        """The images, and the span."""
        return self.n, self.span


@kind_of_spread("unseen difference")
@dataclass(frozen=True)
class UnseenDifference(SpreadByEnds):
    """How far a mean difference reaches with units at either end of the range, of which chance showed none.

    Fields are those of `unseen_difference`.

    Source: Hanley & Lippman-Hand (1983), doi:10.1001/jama.1983.03330370053031.
    """

    value: float
    n: float
    span: float

    def ends(self, alpha: float) -> Interval:
        """The ends of `unseen_difference`."""
        return unseen_difference(self.value, self.n, self.span, alpha)

    @property
    def bound(self) -> tuple[float, float]:
        """The units, and the span."""
        return self.n, self.span

    @property
    def allows_for_unseen(self) -> bool:
        """That it does."""
        return True


@kind_of_spread("difference")
@dataclass(frozen=True)
class SpreadOfDifference(SpreadByEnds):
    """A difference with an exact test of "there is none", whose interval holds 0 where the test does not refuse.

    Attributes:
        shown: the spread that comparisons show.
        p_of_none: two-sided p-value of "there is no difference".
        deciding: the spread by which rules decide.
    """

    shown: Spread
    p_of_none: float
    deciding: Spread

    @property
    def value(self) -> float:
        """The difference."""
        return self.shown.value

    def ends(self, alpha: float) -> Interval:
        """The shown ends, as far as 0 where p is not below alpha."""
        return to_zero(self.shown.ends(alpha), self.p_of_none, alpha)

    def deciding_ends(self, alpha: float) -> Interval:
        """The deciding ends, as far as 0 where p is not below alpha."""
        return to_zero(self.deciding.deciding_ends(alpha), self.p_of_none, alpha)

    def p(self, limit: float, side: int) -> float:
        """The p-value by which rules decide; between 0 and the difference no smaller than that of "there is none"."""
        p = self.deciding.p(limit, side)
        return max(p, self.p_of_none / 2) if 0 <= side * limit < side * self.value else p

    @property
    def error(self) -> float | None:
        """The standard error."""
        return self.shown.error

    @property
    def bound(self) -> tuple[float, float] | None:
        """The bound of what decides."""
        return self.deciding.bound

    @property
    def allows_for_unseen(self) -> bool:
        """Whether what decides does."""
        return self.deciding.allows_for_unseen


def to_zero(interval: Interval, p: float, alpha: float) -> Interval:
    """An interval that holds 0 where ``p`` is not below alpha: of two methods the one that tells less decides."""
    return outermost(interval, Interval(0.0, 0.0)) if p >= alpha else interval
