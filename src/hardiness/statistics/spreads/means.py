"""Spreads of means and sums over images, and of areas under curves, by how much they vary."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hardiness.core.spread import Interval, kind_of_spread
from hardiness.statistics.intervals import (
    area_interval,
    below_gamma,
    clopper_pearson,
    effective_answers,
    effective_wilson,
    hall,
    hall_p,
    normal_point,
    outermost,
    scaled,
    skewed_student,
    skewed_student_p,
    wilson_of_share,
    with_unseen,
    within,
)
from hardiness.statistics.spreads.combined import SpreadByEnds


@dataclass(frozen=True)
class _WithDegrees(SpreadByEnds):
    """A number by its standard error.

    Attributes:
        value: the number.
        standard_error: above 0.
        skew: of the number over other images like these.
        degrees: of freedom, at least 1.
    """

    value: float
    standard_error: float
    skew: float
    degrees: float

    @property
    def error(self) -> float | None:
        """The standard error."""
        return self.standard_error


@kind_of_spread("mean")
@dataclass(frozen=True)
class Mean(_WithDegrees):
    """A mean or sum that nothing bounds: Student's t, with and without skew.

    Source: Student (1908); Hall (1992), doi:10.1111/j.2517-6161.1992.tb01872.x.
    """

    def ends(self, alpha: float) -> Interval:
        """The outer ends of both."""
        return skewed_student(self.value, self.standard_error, self.skew, self.degrees, alpha)

    def level_reaching(self, limit: float) -> float:
        """The two-sided p-value of "the number is this"."""
        return skewed_student_p(self.value - limit, self.standard_error, self.skew, self.degrees)


@kind_of_spread("mean without skew")
@dataclass(frozen=True)
class MeanWithoutSkew(_WithDegrees):
    """A difference between slices: Student's t after the skew is removed.

    Source: Hall (1992), doi:10.1111/j.2517-6161.1992.tb01872.x.
    """

    def ends(self, alpha: float) -> Interval:
        """The ends."""
        return hall(self.value, self.standard_error, self.skew, self.degrees, alpha)

    def level_reaching(self, limit: float) -> float:
        """The two-sided p-value of "the number is this"."""
        return hall_p(self.value - limit, self.standard_error, self.skew, self.degrees)


@kind_of_spread("unseen")
@dataclass(frozen=True)
class Unseen(SpreadByEnds):
    """How far a mean of bounded values reaches with the images at either end that chance left out.

    Attributes:
        value: the mean.
        n: independent images, none of which was such a one.
        low, high: the least and the most that a value can be.
    """

    value: float
    n: float
    low: float
    high: float

    def ends(self, alpha: float) -> Interval:
        """The mean with as many of them as Wilson's interval gives for none of n."""
        unseen = wilson_of_share(0.0, self.n, normal_point(alpha)).high
        return Interval(self.value - (self.value - self.low) * unseen, self.value + (self.high - self.value) * unseen)


@kind_of_spread("bounded mean")
@dataclass(frozen=True)
class BoundedMean(SpreadByEnds):
    """A mean over images of values in a range, as a share of as many independent answers as would vary as much.

    Attributes:
        value: the mean.
        variance: of it, over other images like these.
        telling: images that tell of the variance.
        answers: independent answers that there are at least; 0 where nothing bounds the variance.
        unseen: independent images, of which chance may have left out some as `Unseen`; 0 where that is known.
        low, high: the range.

    Source: Wilson (1927), doi:10.1080/01621459.1927.10502953; Korn & Graubard (1998), Survey Methodology 24, 193-201.
    """

    value: float
    variance: float
    telling: int
    answers: int
    unseen: float = 0.0
    low: float = 0.0
    high: float = 1.0

    @property
    def range(self) -> tuple[float, float]:
        """The range."""
        return self.low, self.high

    def _share(self) -> tuple[float, float]:
        """The mean and its variance in units of the range."""
        width = self.high - self.low
        return min(max((self.value - self.low) / width, 0.0), 1.0), self.variance / width**2

    def _in_range(self, of_share: Interval, alpha: float) -> Interval:
        if self.unseen:
            of_share = with_unseen(of_share, self._share()[0], self.unseen, level=alpha)
        return scaled(of_share, self.low, self.high - self.low)

    def ends(self, alpha: float) -> Interval:
        """The ends of `effective_wilson` in the range."""
        return self._in_range(effective_wilson(*self._share(), self.telling, self.answers, 1 - alpha), alpha)

    @property
    def error(self) -> float | None:
        """The standard error."""
        return math.sqrt(self.variance) if self.variance > 0 else None


@kind_of_spread("exactly bounded mean")
@dataclass(frozen=True)
class ExactlyBoundedMean(BoundedMean):
    """A bounded mean among many, with the exact interval of as many answers: Wilson's tails are short there.

    Source: Clopper & Pearson (1934), doi:10.1093/biomet/26.4.404; Korn & Graubard (1998), Survey Methodology 24,
        193-201.
    """

    def ends(self, alpha: float) -> Interval:
        """The ends of `clopper_pearson` in the range."""
        share, variance = self._share()
        answers = effective_answers(share, variance, self.telling, self.answers, 1 - alpha)
        return self._in_range(clopper_pearson(share * answers, answers, 1 - alpha), alpha)


@kind_of_spread("mean of cells")
@dataclass(frozen=True)
class MeanOfCells(BoundedMean):
    """A mean over several cells, on which rules decide by two tests, of which the one that tells less counts.

    Effective Wilson takes a few images that err everywhere for many answers, and would pass a mean on its limit in 3 to
    4 % of cases where too few of them were drawn; Student's t that knows skew holds there.

    Attributes:
        skew, degrees: as of `Mean`.
    """

    skew: float = 0.0
    degrees: float = 1.0

    @property
    def _unbounded(self) -> Mean:
        return Mean(self.value, math.sqrt(self.variance), self.skew, self.degrees)

    def deciding_ends(self, alpha: float) -> Interval:
        """The outer ends of both."""
        return outermost(self.ends(alpha), within(self._unbounded.ends(alpha), self.low, self.high))


@kind_of_spread("area")
@dataclass(frozen=True)
class AreaUnderCurve(SpreadByEnds):
    """An area under the receiver operating curve, of which few images of a kind tell; fields as of `area_interval`.

    Source: Newcombe (2006), doi:10.1002/sim.2324, method 5; Hanley & McNeil (1982),
        doi:10.1148/radiology.143.1.7063747.
    """

    value: float
    first: float
    second: float
    share: float = 1.0

    @property
    def range(self) -> tuple[float, float]:
        """That of an area."""
        return 0.0, 1.0

    def ends(self, alpha: float) -> Interval:
        """The ends of `area_interval`."""
        return area_interval(self.value, self.first, self.second, self.share, alpha)


@kind_of_spread("gamma")
@dataclass(frozen=True)
class Gamma(SpreadByEnds):
    """How far above its value a weighted sum of rare errors reaches; fields as of `below_gamma`.

    Source: Tiwari, Clegg & Zou (2006), doi:10.1177/0962280206070621.
    """

    value: float
    mean: float
    variance: float

    def ends(self, alpha: float) -> Interval:
        """From the value to the point that the gamma variable stays below."""
        return below_gamma(self.value, self.mean, self.variance, alpha)
