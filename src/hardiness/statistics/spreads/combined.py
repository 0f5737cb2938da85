"""Spreads of which only two ends are known, and spreads that are made of others."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from hardiness.core.spread import Interval, Spread, kind_of_spread
from hardiness.statistics.intervals import level_reaching, normal_point, outermost, scaled, stretched, within


class SpreadByEnds(Spread):
    """A spread whose deciding interval is by default the shown one, and whose p-value is the level at which it ends."""

    def deciding_ends(self, alpha: float) -> Interval:
        """The interval by which rules decide."""
        return self.ends(alpha)

    @property
    def range(self) -> tuple[float, float]:
        """The least and the most that the shown and the deciding ends can be."""
        return -math.inf, math.inf

    def level_reaching(self, limit: float) -> float:
        """The two-sided p-value of "the number is this": the level at which the deciding interval reaches it."""
        return level_reaching(self.deciding_ends, limit)

    def p(self, limit: float, side: int) -> float:
        """Half of the level at which the deciding interval reaches the limit, on the number's own side of it."""
        half = self.level_reaching(limit) / 2
        return half if side * (self.value - limit) > 0 else 1 - half

    def end_of_next(self, side: int, chance: float, alpha: float) -> float:
        """The own end at as many standard errors as alpha has and as two equal numbers differ by.

        There its errors are the larger ones of a number that is further out, so that it is wide where images are few.
        """
        ends = self.deciding_ends(math.erfc((normal_point(alpha) + errors_apart(chance)) / math.sqrt(2)))
        return ends.high if side > 0 else ends.low


def errors_apart(chance: float) -> float:
    """How many standard errors of either two equal numbers are apart, or more, this seldom on one side."""
    return -math.sqrt(2) * NormalDist().inv_cdf(chance)


@kind_of_spread("ends")
@dataclass(frozen=True)
class TwoEnds(SpreadByEnds):
    """Two ends at 95 % of which nothing else is known: each side reaches as far at other levels as a normal's does."""

    value: float
    low: float
    high: float

    def ends(self, alpha: float) -> Interval:
        """The two ends, stretched."""
        return stretched(self.value, self.low, self.high, alpha)


@kind_of_spread("combined")
@dataclass(frozen=True)
class Combined(SpreadByEnds):
    """The outermost ends of several spreads of one number, cut to a range: it holds wherever one of them does.

    Attributes:
        parts: the spreads, of which the first has the value.
        least, most: the range; ``None`` where nothing bounds it.
    """

    parts: tuple[Spread, ...]
    least: float | None = None
    most: float | None = None

    @property
    def value(self) -> float:
        """The number."""
        return self.parts[0].value

    @property
    def range(self) -> tuple[float, float]:
        """The range, with infinite ends where nothing bounds it."""
        return -math.inf if self.least is None else self.least, math.inf if self.most is None else self.most

    def _within(self, interval: Interval) -> Interval:
        return within(interval, *self.range)

    def ends(self, alpha: float) -> Interval:
        """The outermost ends that are shown."""
        return self._within(outermost(*(part.ends(alpha) for part in self.parts)))

    def deciding_ends(self, alpha: float) -> Interval:
        """The outermost ends that decide."""
        return self._within(outermost(*(part.deciding_ends(alpha) for part in self.parts)))

    def p(self, limit: float, side: int) -> float:
        """The largest p-value of any part; beyond the range the limit is reached at no level."""
        if not self.range[0] <= limit <= self.range[1]:
            return super().p(limit, side)
        return max(part.p(limit, side) for part in self.parts)

    @property
    def error(self) -> float | None:
        """The standard error of the first part that has one."""
        return next(filter(None, (part.error for part in self.parts)), None)

    @property
    def bound(self) -> tuple[float, float] | None:
        """The bound of the part that has one."""
        return next(filter(None, (part.bound for part in self.parts)), None)

    @property
    def allows_for_unseen(self) -> bool:
        """Whether a part does."""
        return any(part.allows_for_unseen for part in self.parts)


@kind_of_spread("among")
@dataclass(frozen=True)
class Among(SpreadByEnds):
    """The spread of one of several numbers that are read together: each has a share of what may miss.

    Attributes:
        of: the spread of the number by itself.
        share: of alpha, above 0 and at most 1.

    Source: Bonferroni, of equal shares; Holm (1979).
    """

    of: Spread
    share: float

    @property
    def value(self) -> float:
        """The number."""
        return self.of.value

    def ends(self, alpha: float) -> Interval:
        """The ends that are shown, of the number's share of alpha."""
        return self.of.ends(alpha * self.share)

    def deciding_ends(self, alpha: float) -> Interval:
        """The ends that decide, of the number's share of alpha."""
        return self.of.deciding_ends(alpha * self.share)

    def p(self, limit: float, side: int) -> float:
        """The p-value of the number by itself, as many times larger; at most 1."""
        return min(self.of.p(limit, side) / self.share, 1.0)


@kind_of_spread("scaled")
@dataclass(frozen=True)
class Scaled(SpreadByEnds):
    """The spread of ``start`` plus so many times a number, which may be below 0."""

    of: Spread
    start: float
    unit: float

    @property
    def value(self) -> float:
        """The number."""
        return self.start + self.of.value * self.unit

    @property
    def is_exact(self) -> bool:  # type: ignore[override]
        """Whether the spread of the number is."""
        return self.of.is_exact

    def ends(self, alpha: float) -> Interval:
        """The ends that are shown."""
        return scaled(self.of.ends(alpha), self.start, self.unit)

    def deciding_ends(self, alpha: float) -> Interval:
        """The ends that decide."""
        return scaled(self.of.deciding_ends(alpha), self.start, self.unit)

    def p(self, limit: float, side: int) -> float:
        """The p-value of the number at the limit in its own unit."""
        return self.of.p((limit - self.start) / self.unit, side if self.unit > 0 else -side)

    def end_of_next(self, side: int, chance: float, alpha: float) -> float:
        """The end of the next number, in the number's own unit."""
        return self.start + self.unit * self.of.end_of_next(side if self.unit > 0 else -side, chance, alpha)

    @property
    def error(self) -> float | None:
        """The standard error."""
        return None if self.of.error is None else abs(self.unit) * self.of.error

    @property
    def bound(self) -> tuple[float, float] | None:
        """The bound, in this unit."""
        return None if self.of.bound is None else (self.of.bound[0], self.of.bound[1] * abs(self.unit))

    @property
    def allows_for_unseen(self) -> bool:
        """Whether the spread of the number does."""
        return self.of.allows_for_unseen


@kind_of_spread("sum")
@dataclass(frozen=True)
class Sum(SpreadByEnds):
    """A number that errs in independent ways: either end is off by the root of the sum of all squares.

    Attributes:
        value: the number.
        added: spreads of what adds to it.
        taken: spreads of what is taken from it.

    Source: Newcombe (1998), doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I, method 10, of a
        difference; Zou & Donner (2008), doi:10.1002/sim.3095.
    """

    value: float
    added: tuple[Spread, ...]
    taken: tuple[Spread, ...] = ()

    def ends(self, alpha: float) -> Interval:
        """The ends, from those of all parts."""
        added, taken = ([(part.value, part.ends(alpha)) for part in side] for side in (self.added, self.taken))
        below = [value - ends.low for value, ends in added] + [ends.high - value for value, ends in taken]
        above = [ends.high - value for value, ends in added] + [value - ends.low for value, ends in taken]
        return Interval(self.value - math.hypot(*below), self.value + math.hypot(*above))

    @property
    def bound(self) -> tuple[float, float] | None:
        """The bound of the part that has one."""
        return next(filter(None, (part.bound for part in (*self.added, *self.taken))), None)

    @property
    def allows_for_unseen(self) -> bool:
        """Whether a part does."""
        return any(part.allows_for_unseen for part in (*self.added, *self.taken))


def cut(spread: Spread, least: float = 0.0, most: float = 1.0) -> Spread:
    """The spread of a number that has a range, whose ends may be infinite."""
    if isinstance(spread, TwoEnds):
        spread = TwoEnds(spread.value, max(spread.low, least), min(spread.high, most))
    if isinstance(spread, SpreadByEnds) and least <= spread.range[0] and spread.range[1] <= most:
        return spread
    ends = (None if math.isinf(end) else end for end in (least, most))
    return Combined((spread,), *ends)
