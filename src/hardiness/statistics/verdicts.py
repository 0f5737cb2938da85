"""Verdicts on limits: whether a number is known to be within its limit, beyond it, or neither yet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hardiness.core import Interval
from hardiness.statistics.cells import cell_estimate
from hardiness.statistics.comparison import FEWEST_DIFFERING, mean_difference, score_statistic, tango
from hardiness.statistics.estimate import Estimate, mean
from hardiness.statistics.intervals import holm_levels, wilson_answers, wilson_of_share
from hardiness.statistics.stopping import (
    anytime_p,
    anytime_p_of_pairs,
    anytime_p_of_share,
    last_inside,
)

LEVEL = 0.05
"""Of all intervals here: one in twenty is beyond what it should hold, half of them on either side."""

MOST_TIMES = 100
"""How many times the images that there are a verdict may need before it is said to need more than that."""

POWER = 0.8
"""Chance of a verdict after as many images more as are said to decide."""

SPREAD = 0.8
"""Confidence of the interval of a number from which the spread of the images that it needs is taken."""

TIGHTEST = 0.02
"""Half-width at which an interval that is looked at is tightest, as a share of all that a number can span."""

Method = Literal["interval", "mean", "binomial", "lowest", "tango", "sequence", "share", "pairs"]

_NORMAL = NormalDist()
_Z = _NORMAL.inv_cdf(1 - LEVEL / 2)


@dataclass(frozen=True)
class Evidence:
    """A number and how well it is known, at any confidence.

    Attributes:
        value: the number.
        n: images that it rests on.
        method: ``interval``: from its 95 % interval; ``mean``: from that of a mean over cells, and from its skew too;
            ``binomial``: a share of images, exact for any number of them;
            ``lowest``: the lowest of several such shares; ``tango``: a difference of two shares of the same images,
            from counts; ``sequence``, ``share`` and ``pairs``: a mean, a share, and a difference of two shares of the
            same images, that were looked at while the images came in.
        facts: what the method needs, numbers alone.
        share: whether it cannot leave [0, 1].
    """

    value: float
    n: int
    method: Method
    facts: tuple[float, ...]
    share: bool = False

    @classmethod
    def from_interval(cls, value: float, interval: Interval, n: int, *, share: bool) -> Evidence:
        """Evidence on a number with its 95 % interval, whichever method gave that.

        Other confidences follow from it: a share's by Wilson's formula with as many answers as give that interval on
        either side, another number's by Student's t.
        """
        return cls(value, n, "interval", (interval.low, interval.high), share)

    @classmethod
    def from_mean(cls, estimate: Estimate, top: float = 1.0, *, share: bool = True) -> Evidence:
        """Evidence on a mean over cells by two tests, of which the one that tells less decides.

        Effective Wilson takes a few images that err everywhere for many answers, and would pass a mean on its limit in
        3 to 4 % of cases where too few of them were drawn; Student's t that knows skew holds there.

        Args:
            estimate: of the mean.
            top: the most that it can be; the least is 0.
            share: whether it cannot leave [0, 1].
        """
        interval = estimate.interval(0.0, top)
        evidence = cls.from_interval(estimate.value, interval, estimate.n, share=share)
        if estimate.differing < 2 or not 0 < estimate.value < top:
            return evidence
        facts = (interval.low, interval.high, estimate.error, estimate.skew, max(estimate.telling - 1, 1), top)
        return replace(evidence, method="mean", facts=facts)

    @classmethod
    def from_share(cls, hits: int, n: int) -> Evidence:
        """Evidence on a share of images by the binomial distribution itself: near 0 and 1 no normal one is close."""
        return cls(hits / n, n, "binomial", (hits,), share=True)

    @classmethod
    def from_lowest(cls, hits: Sequence[int], n: Sequence[int]) -> Evidence:
        """Evidence on the lowest of several shares, each of images of its own, as the recalls of classes are.

        It is surely below a limit where one share is, with the level shared among all; surely above it where each is.

        Args:
            hits, n: of each share.

        Source: Berger (1982), doi:10.1080/00401706.1982.10487790, for "each is"; Bonferroni for "one is".
        """
        shares = [a / b for a, b in zip(hits, n, strict=True)]
        lowest = shares.index(min(shares))
        facts = tuple(float(each) for pair in zip(hits, n, strict=True) for each in pair)
        return cls(shares[lowest], n[lowest], "lowest", facts, share=True)

    @classmethod
    def from_pairs(cls, first_only: int, second_only: int, n: int) -> Evidence:
        """Evidence on a difference of two shares, from the images of ``n`` that one of the two alone counts."""
        return cls((first_only - second_only) / n, n, "tango", (first_only, second_only))

    @classmethod
    def from_shares(cls, ids: NDArray[np.object_], values: NDArray[np.float64]) -> Evidence:
        """Evidence on the mean over cells, each weighing the same, of the share of images that count in each.

        Args:
            ids: ``(N,)`` of the images, sorted.
            values: ``(N, M)`` of 0 and 1; NaN where an image was not evaluated. Every cell has an image.
        """
        if values.shape[1] == 1:
            counts = values[~np.isnan(values)]
            return cls.from_share(int(counts.sum()), len(counts))
        return cls.from_mean(mean(ids, values))

    @classmethod
    def from_differences(
        cls,
        ids: NDArray[np.object_],
        first: NDArray[np.float64],
        second: NDArray[np.float64],
        weights: NDArray[np.float64],
        top: float = 1.0,
    ) -> Evidence | None:
        """Evidence on a weighted sum of cell means of one run less another's, paired; ``None`` where too few differ.

        Args:
            ids: ``(N,)`` of the images that both have, sorted.
            first, second: ``(N, M)``; NaN where one was not evaluated.
            weights: ``(M,)`` of the cells.
            top: the largest value of a cell; the least is 0.
        """
        apart = first - second
        shared = ~np.isnan(apart)
        if shared.all():
            if len(weights) == 1 and weights[0] == 1 and bool(np.isin(np.abs(first), (0, 1)).all()):
                return cls.from_pairs(int(np.sum(apart > 0)), int(np.sum(apart < 0)), len(ids))
            paired = mean_difference(apart @ weights, float(np.abs(weights).sum()) * top)
            assert paired.interval is not None, "a mean of differences has an interval"
            return cls.from_interval(paired.value, paired.interval, paired.n, share=False)
        if not shared.any(axis=0).all():
            return None
        estimate = mean(ids, apart, weights)
        if estimate.differing < FEWEST_DIFFERING:
            return None
        return cls.from_interval(estimate.value, estimate.interval(), estimate.n, share=False)

    @classmethod
    def from_looks(
        cls,
        ids: NDArray[np.object_],
        values: NDArray[np.float64],
        weights: NDArray[np.float64],
        top: float = 1.0,
        *,
        paired: bool = False,
    ) -> Evidence | None:
        """Evidence on a weighted sum of cell means while images come in; ``None`` while its spread is not known.

        Exact for any number of images where it is of one cell whose values are all 0 or 1, or -1, 0 or 1.

        Args:
            ids: ``(N,)`` of the images, sorted.
            values: ``(N, M)``; NaN where an image was not evaluated.
            weights: ``(M,)`` of the cells, none 0.
            top: the largest size of a value.
            paired: whether values are differences, which may be below 0.
        """
        is_evaluated = ~np.isnan(values)
        some = is_evaluated.any(axis=1)
        if not some.any() or not is_evaluated.any(axis=0).all():
            return None
        ids, values, is_evaluated = ids[some], values[some], is_evaluated[some]
        there = values[is_evaluated]
        if len(weights) == 1 and weights[0] == 1 and bool(np.isin(there, (-1, 0, 1) if paired else (0, 1)).all()):
            ups, downs = int(np.count_nonzero(there == 1)), int(np.count_nonzero(there == -1))
            return cls.from_pair_looks(ups, downs, len(there)) if paired else cls.from_share_looks(ups, len(there))
        estimate = cell_estimate(ids, values, weights)
        if estimate.thin:
            return None
        tightest = TIGHTEST * float(np.abs(weights).sum()) * top
        least, most = (top * float(weights[side].sum()) for side in (weights < 0, weights > 0))
        ends = (least - most, most - least) if paired else (least, most)
        of_spread = estimate.estimate.skew, max(estimate.estimate.telling - 1, 1)
        return cls(estimate.value, estimate.n, "sequence", (estimate.variance, tightest, *ends, *of_spread))

    @classmethod
    def from_share_looks(cls, hits: int, n: int) -> Evidence:
        """Evidence on a share of images while they come in; exact for any number of them."""
        return cls(hits / n, n, "share", (hits,), share=True)

    @classmethod
    def from_pair_looks(cls, first_only: int, second_only: int, n: int) -> Evidence:
        """Evidence on a difference of two shares of the same images while these come in; exact for any number."""
        return cls((first_only - second_only) / n, n, "pairs", (first_only, second_only))

    @property
    def exact(self) -> bool:
        """Whether p-values and intervals hold for any number of images, and not only for many."""
        return self.method in ("binomial", "lowest", "share", "pairs")

    @property
    def looked(self) -> bool:
        """Whether the images were looked at while they came in, so that each verdict must hold at every look."""
        return self.method in ("sequence", "share", "pairs")

    def p(self, limit: float, side: int) -> float:
        """The one-sided p-value of "the number is not beyond the limit".

        Args:
            limit: in the number's unit.
            side: 1 where beyond is above, -1 where it is below.

        Returns:
            Near 0 where the number is surely beyond, 1 where nothing speaks for that; valid at every look where
            images were looked at.
        """
        if side * (self.value - limit) <= 0 and self.looked:
            return 1.0
        if self.method == "binomial":
            return binomial_p(int(self.facts[0]), self.n, limit, side)
        if self.method == "lowest":
            pairs = zip(map(int, self.facts[::2]), map(int, self.facts[1::2]), strict=True)
            chances = [binomial_p(hits, n, limit, side) for hits, n in pairs]
            return max(chances) if side > 0 else min(1.0, len(chances) * min(chances))
        if self.method == "share":
            return anytime_p_of_share(int(self.facts[0]), self.n, limit)
        if self.method == "pairs":
            return anytime_p_of_pairs(int(self.facts[0]), int(self.facts[1]), self.n, limit)
        if self.method == "sequence":
            variance, tightest, _, _, skew, degrees = self.facts
            apart, error = self.value - limit, math.sqrt(variance)
            if error > 0:
                nearer = _nearer_with_skew(abs(apart) / error, side * skew)
                apart = error * max(_as_normal(nearer, int(degrees) + 1), 0.0)
            return max(anytime_p(apart, variance, tightest), self._p_of_unseen(limit))
        errors = side * self._errors(limit)
        p = 0.5 * math.erfc(errors / math.sqrt(2)) if errors < 38 else 0.0
        if self.method == "mean":
            error, skew, degrees = self.facts[2:5]
            nearer = _nearer_with_skew(side * (self.value - limit) / error, side * skew)
            tail = student_tail(abs(nearer), int(degrees))
            return max(p, tail if nearer > 0 else 1 - tail)
        return p

    def _p_of_unseen(self, limit: float) -> float:
        """How likely none was seen of images at an end of the range, of which there are so many that the limit holds.

        They show in no spread. It is the same at every look: none was seen at the first at which a verdict could fall.
        """
        if limit == self.value:
            return 0.0
        furthest = self._range[limit > self.value] - self.value
        return float((1 - min((limit - self.value) / furthest, 1.0)) ** self.n) if furthest else 0.0

    def _errors(self, limit: float) -> float:
        """By how many standard errors the number is above the limit, as its method counts them."""
        apart = self.value - limit
        if self.method == "tango":
            first, second = self.facts
            statistic = score_statistic(*(np.array([each], float) for each in (first, second, self.n, limit)))
            return math.copysign(math.inf, apart) if abs(limit) >= 1 else float(statistic[0])
        end = self.facts[0] if apart > 0 else self.facts[1]
        if apart == 0:
            return 0.0
        if self.share and not 0 < limit < 1:
            return math.copysign(math.inf, apart)
        if self.share and 0 < end < 1:
            return apart * math.sqrt(wilson_answers(self.value, end, _Z) / (limit * (1 - limit)))
        reach = abs(self.value - end)
        if reach == 0:
            return math.copysign(math.inf, apart) if math.isfinite(end) else 0.0
        return _as_normal(apart / reach * _student_point(self.n), self.n)

    def interval(self, confidence: float) -> Interval:
        """The interval of any confidence, both sides together."""
        if self.method == "tango":
            first, second = self.facts
            ends = tango(first, second, self.n, confidence)
            return Interval(float(ends[0]), float(ends[1]))
        if self.exact or self.method in ("mean", "sequence"):
            level, (least, most) = (1 - confidence) / 2, self._range
            return Interval(
                last_inside(lambda limit: self.p(limit, 1) > level, self.value, least),
                last_inside(lambda limit: self.p(limit, -1) > level, self.value, most),
            )
        z = _NORMAL.inv_cdf(0.5 + confidence / 2)
        low, high = self.facts
        if self.share:
            return Interval(_wilson_end(self.value, low, z), _wilson_end(self.value, high, z))
        times = _student_of(z, self.n) / _student_point(self.n)
        return Interval(self.value - times * (self.value - low), self.value + times * (high - self.value))

    @property
    def _range(self) -> tuple[float, float]:
        """The least and the most that the number can be, where its p-value is inverted."""
        if self.method == "sequence":
            return self.facts[2], self.facts[3]
        return (-1.0 if self.method == "pairs" else 0.0), self.facts[5] if self.method == "mean" else 1.0

    def next_equal(self, side: int, level: float) -> Evidence:
        """The evidence of a new, equally good number of as many images, where it falls as far to one side as it may.

        Args:
            side: 1 for above, -1 for below.
            level: how seldom the new number is further off, below 0.5. Of a share of images it is at most that seldom,
                whatever the share.

        Source: Thatcher (1964), Journal of the Royal Statistical Society B 26, 176-192, of a share of images. Else the
            two numbers differ by root two standard errors, of which a share's are those of the mean of the two.
        """
        if self.method in ("binomial", "share"):
            hits = next_hits(int(self.facts[0]), self.n, side, level)
            return replace(self, value=hits / self.n, facts=(float(hits),))
        if self.method == "lowest":
            pairs = list(zip(map(int, self.facts[::2]), map(int, self.facts[1::2]), strict=True))
            return Evidence.from_lowest(
                [next_hits(hits, n, side, level / len(pairs)) for hits, n in pairs], [n for _, n in pairs]
            )
        z = -math.sqrt(2) * _NORMAL.inv_cdf(level)
        if self.method in ("tango", "pairs"):
            first, second = map(int, self.facts)
            ends = tango(first, second, self.n, math.erf(z / math.sqrt(2)))
            more = math.ceil(self.n * abs(float(ends[side > 0]) - self.value))
            first = min(first + more, self.n - second) if side > 0 else first
            second = min(second + more, self.n - first) if side < 0 else second
            return replace(self, value=(first - second) / self.n, facts=(float(first), float(second)))
        if self.method == "sequence":
            return replace(self, value=self.value + side * z * math.sqrt(self.facts[0]))
        if self.method == "mean":
            following = replace(self, method="interval", facts=self.facts[:2]).next_equal(side, level)
            if following.value in (0.0, self.facts[5]):
                return following
            wider = (following.facts[1] - following.facts[0]) / (self.facts[1] - self.facts[0])
            facts = (*following.facts, wider * self.facts[2], *self.facts[3:])
            return replace(self, value=following.value, facts=facts)
        low, high = self.facts
        end = self.facts[side > 0]
        if end == self.value or (self.share and not 0 < end < 1):
            return replace(self, value=end, facts=(end, end))
        if self.share:
            answers = wilson_answers(self.value, end, _Z)
            value = _next_share(self.value, answers, side, z)
            # Where few images hold most of the spread, it grows with the share as if each were all right or all wrong.
            growth = max((1 - 2 * self.value) * (value - self.value) / self.n, 0.0)
            spread = self.value * (1 - self.value) / answers + growth
            if growth and 0 < value < 1:  # at its bounds it has no spread of its own to hold it against
                answers = min(answers, value * (1 - value) / spread)
            new = wilson_of_share(value, answers, _Z)
            return replace(self, value=value, facts=(new.low, new.high))
        # What the ends are apart from the middle tells of the skew, with which the variance grows with the number.
        above, below = high - self.value, self.value - low
        square, slope = above * below, above - below
        growth = slope * 3 * _Z**2 / (1 + 2 * _Z**2)
        times = (_student_of(z, self.n) / _student_point(self.n)) ** 2 / 2
        lean = times * growth * side
        further = side * (lean + math.sqrt(lean * lean + 8 * times * square)) / 2
        root = math.sqrt(slope * slope + 4 * max(square + growth * further, 0.0))
        value = self.value + further
        return replace(self, value=value, facts=(value - (root - slope) / 2, value + (root + slope) / 2))

    def images_more(self, limit: Limit, level: float, beyond: bool) -> int:
        """About how many images more decide at that level with an even chance, were the number what it seems.

        The error falls as the root of the number of images does.

        Returns:
            At most `MOST_TIMES` as many as there are.
        """
        distance, wanted = self._errors_off(limit.at, limit.side if beyond else -limit.side), -_NORMAL.inv_cdf(level)
        if distance * math.sqrt(MOST_TIMES) < wanted:
            return MOST_TIMES * self.n
        return max(1, math.ceil(self.n * ((wanted / distance) ** 2 - 1)))

    def _errors_off(self, limit: float, side: int) -> float:
        """By how many standard errors the number is beyond a limit, as its p-value counts them; 0 or more."""
        return -_NORMAL.inv_cdf(min(max(self.p(limit, side), 1e-300), 0.5))

    def images_needed(self, limit: Limit, levels: tuple[float, float]) -> ImagesMore:
        """How many images more decide with a chance of `POWER`, when the number itself is as uncertain as it is.

        Args:
            limit: what the number must not be beyond.
            levels: one-sided, of the verdict *pass* and of the verdict *fail*.

        Source: Spiegelhalter, Freedman & Blackburn (1986), doi:10.1016/0197-2456(86)90003-6: the chance that a trial's
            end will be significant, over what its data so far leave possible, with a flat prior.
        """
        beyond = limit.side * (self.value - limit.at) > 0
        distance = self._errors_off(limit.at, limit.side if beyond else -limit.side)
        there, opposite = (-_NORMAL.inv_cdf(each) for each in (reversed(levels) if beyond else levels))

        def chance(times: float) -> float:
            mean, spread = distance * math.sqrt(1 + times), math.sqrt(times)
            return _NORMAL.cdf((mean - there) / spread) + _NORMAL.cdf((-mean - opposite) / spread)

        def images_until(errors: float, wanted: float) -> int:
            return max(1, math.ceil(self.n * (((wanted + power) / errors) ** 2 - 1)))

        power, reach = _NORMAL.inv_cdf(POWER), _NORMAL.inv_cdf(0.5 + SPREAD / 2)
        low = min(
            images_until(distance + reach, there),
            images_until(reach - distance, opposite) if distance < reach else MOST_TIMES * self.n,
        )
        high = images_until(distance - reach, there) if distance > reach else None
        few, many = 1 / self.n, float(MOST_TIMES)
        if chance(many) < POWER:
            return ImagesMore(MOST_TIMES * self.n, True, min(low, MOST_TIMES * self.n), high)
        while (many - few) * self.n > 0.5:
            middle = (few + many) / 2
            few, many = (few, middle) if chance(middle) >= POWER else (middle, many)
        return ImagesMore(max(1, math.ceil(self.n * many - 0.5)), False, low, high)


@dataclass(frozen=True, slots=True)
class ImagesMore:
    """How many images more would decide a rule.

    Attributes:
        count: so many decide with a chance of `POWER`.
        at_least: whether it takes more than ``count``.
        low, high: between how many would decide with that chance were the true value known, as far as its interval of
            `SPREAD` reaches; ``high`` is ``None`` where that holds the limit, at which no number decides.
    """

    count: int
    at_least: bool
    low: int
    high: int | None


def next_hits(hits: int, n: int, side: int, level: float) -> int:
    """The last number of hits of ``n`` new images that is not further off than one in ``1 / level`` is.

    Args:
        hits: of as many images, with the same share behind them.
        side: 1 for the most of the new hits, -1 for the fewest.
        level: how seldom, at most, the new hits are beyond it, whatever the share.

    Source: Thatcher (1964), Journal of the Royal Statistical Society B 26, 176-192: those that Fisher's exact test does
        not tell apart.
    """
    if side > 0:
        return n - next_hits(n - hits, n, -1, level)
    few, many = -1, hits
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (few, middle) if _tail_of_two(hits, middle, n) > level else (middle, many)
    return many


def _tail_of_two(hits: int, fewer: int, n: int) -> float:
    """How likely the first of two samples of ``n`` has ``hits`` or more of all that both have, by luck alone."""
    every = hits + fewer
    size = 2 * math.lgamma(n + 1) + math.lgamma(every + 1) + math.lgamma(2 * n - every + 1) - math.lgamma(2 * n + 1)
    for count in (hits, n - hits, fewer, n - fewer):
        size -= math.lgamma(count + 1)
    term = total = math.exp(size)
    for count in range(hits, min(n, every)):
        term *= (n - count) * (every - count) / ((count + 1) * (n - every + count + 1))
        total += term
        if term < 1e-17 * total:
            break
    return total


def _next_share(share: float, answers: float, side: int, z: float) -> float:
    """The share of as many answers that is ``z`` standard errors of a mean of two off, with the variance of both."""
    near, square = share if side < 0 else 1 - share, z * z / 2
    slope = square * (2 * near - 1)
    root = math.sqrt(slope * slope + 8 * square * near * (1 - near) * (answers + square / 2))
    off = min((slope + root) / (2 * (answers + square / 2)), near)
    return share + side * off


def binomial_p(hits: int, n: int, limit: float, side: int) -> float:
    """The one-sided p-value of a share of images on the wrong side of a limit, exact for any number of images.

    How likely so many hits, or more, are where the share is the limit; so many or fewer where ``side`` is -1.

    Source: Clopper & Pearson (1934), doi:10.1093/biomet/26.4.404; the tail as an incomplete beta function, Abramowitz &
        Stegun (1964), 26.5.24.
    """
    if side < 0:
        return binomial_p(n - hits, n, 1 - limit, 1)
    if hits == 0 or limit >= 1:
        return 1.0
    return beta_tail(hits, n - hits + 1, limit) if limit > 0 else 0.0


def beta_tail(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function, how much of the beta distribution lies below ``x`` in [0, 1]."""
    if x >= 1:
        return 1.0
    if x > (a + 1) / (a + b + 2):  # there the fraction of the other side converges faster
        return 1 - _incomplete_beta(b, a, 1 - x)
    return _incomplete_beta(a, b, x)


def _wilson_end(value: float, end: float, z: float) -> float:
    """The end of Wilson's interval at z standard errors, of a share whose end at 1.96 of them is known."""
    if not 0 < end < 1 or end == value:
        return end
    interval = wilson_of_share(value, wilson_answers(value, end, _Z), z)
    return interval.low if end < value else interval.high


def _nearer_with_skew(t: float, skew: float) -> float:
    """Student's t, or what it is without its skew where that is less: as the outer ends of `skewed_student`.

    Source: Hall (1992), doi:10.1111/j.2517-6161.1992.tb01872.x, the monotone cubic transformation.
    """
    return min(t, t + skew * t**2 / 3 + skew**2 * t**3 / 27 + skew / 6)


def _student_point(n: int) -> float:
    return _student_of(_Z, n)


@cache
def _student_of(z: float, n: int) -> float:
    """The point of Student's t of n images beyond which as much lies as beyond ``z``, above 0, of a normal."""
    wanted = 0.5 * math.erfc(z / math.sqrt(2))
    low, high = 0.0, max(1.0, 2 * z)
    while student_tail(high, max(n - 1, 1)) > wanted:
        low, high = high, 2 * high
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if student_tail(middle, max(n - 1, 1)) > wanted else (low, middle)
    return high


def _as_normal(t: float, n: int) -> float:
    """The point of a normal beyond which as much lies as beyond t of Student's."""
    tail = student_tail(abs(t), max(n - 1, 1))
    return math.copysign(-_NORMAL.inv_cdf(tail) if tail else math.inf, t)


def student_tail(t: float, degrees: int) -> float:
    """How much of Student's t lies above ``t``, which is 0 or more.

    As scipy's `stdtr` to ten digits; that takes longer to import than a gate takes for all the rest.

    Source: Abramowitz & Stegun (1964), 26.5.8 and 26.7.1: half of an incomplete beta function, as a continued fraction.
    """
    a, b, x = degrees / 2, 0.5, degrees / (degrees + t * t)
    if x > (a + 1) / (a + b + 2):  # there the fraction of the other side converges faster
        return 0.5 - 0.5 * _incomplete_beta(b, a, t * t / (degrees + t * t))
    return 0.5 * _incomplete_beta(a, b, x)


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function where x is below (a + 1) / (a + b + 2)."""
    if x == 0:
        return 0.0
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1))
    fraction = d
    for m in range(1, 1000):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            c, d = 1 + term / c, 1 / (1 + term * d)
            fraction *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    size = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return fraction * math.exp(size) / a


@dataclass(frozen=True, slots=True)
class Limit:
    """What a number must not be beyond: above ``at`` where ``side`` is 1, below it where ``side`` is -1."""

    at: float
    side: int


Outcome = Literal["pass", "fail", "cannot tell"]


@dataclass(frozen=True, slots=True)
class Ruling:
    """What evidence says of a limit.

    Attributes:
        outcome: whether the number is surely within, surely beyond, or neither yet.
        evidence: of the number.
        family: rules over which the interval that decides is simultaneous; 1 where it is of this rule alone.
        more: about how many images more would decide with an even chance, were the number what it seems, by which the
            next look is chosen; 0 where it is decided.
        needed: how many decide with a chance of `POWER`; ``None`` where it is decided.
    """

    outcome: Outcome
    evidence: Evidence
    family: int = 1
    more: int = 0
    needed: ImagesMore | None = None

    @property
    def confidence(self) -> float:
        """Of the interval, both sides together."""
        return 1 - LEVEL / self.family

    @property
    def interval(self) -> Interval:
        """That which decides: for ``fail`` it is simultaneous over all rules, else of this rule alone."""
        return self.evidence.interval(self.confidence)


def rulings(cases: Sequence[tuple[Evidence, Limit]], family: int = 0) -> list[Ruling]:
    """What the evidence says of each limit.

    Args:
        cases: evidence and limit of each rule.
        family: how many rules there are, where of some there is no evidence yet; 0 for these.

    Rules are many tests, and a false *fail* among them must be rare: each is rejected at a level of 2.5 % that Holm's
    procedure shares among all. A *pass* of all is a pass only if each passes, so that each may be tested at 2.5 % by
    itself. Where images were looked at while they came in, passes share the level too: then no verdict at all is false
    in more than one of twenty runs.

    Source: Holm (1979), https://www.jstor.org/stable/4615733; Berger (1982), doi:10.1080/00401706.1982.10487790, for
        passes (intersection-union).
    """
    alone = LEVEL / 2
    family = max(family, len(cases))
    failing = [evidence.p(limit.at, limit.side) for evidence, limit in cases]
    # A rule of which nothing is known yet takes its share of the level, and is the last to be refused.
    levels = holm_levels([*failing, *[1.0] * (family - len(cases))], alone)
    verdicts = []
    for (evidence, limit), p, level in zip(cases, failing, levels.tolist(), strict=False):
        left = round(alone / level)
        certain = evidence.share and (limit.at >= 1 if limit.side > 0 else limit.at <= 0)
        passes = certain or evidence.p(limit.at, -limit.side) <= alone / (family if evidence.looked else 1)
        if p < level:
            verdicts.append(Ruling("fail", evidence, left))
        elif passes:
            verdicts.append(Ruling("pass", evidence, family if evidence.looked else 1))
        else:
            beyond = limit.side * (evidence.value - limit.at) > 0
            shared = family if not beyond and evidence.looked else left if beyond else 1
            more = evidence.images_more(limit, alone / shared, beyond)
            needed = evidence.images_needed(limit, (alone / (family if evidence.looked else 1), level))
            verdicts.append(Ruling("cannot tell", evidence, shared, more, needed))
    return verdicts
