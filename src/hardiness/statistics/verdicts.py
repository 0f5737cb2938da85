"""Verdicts on limits: whether a number is known to be within its limit, beyond it, or neither yet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hardiness.core.result import Score
from hardiness.core.spread import Interval
from hardiness.statistics.cells import cell_estimate
from hardiness.statistics.clusters import Clusters, clustered_share, why_too_few
from hardiness.statistics.comparison import DifferenceTest, score_interval, score_statistic
from hardiness.statistics.estimate import Estimate, mean
from hardiness.statistics.intervals import (
    METHODS,
    at_any_level,
    clopper_pearson,
    clustered_proportion,
    level_reaching,
    normal_point,
    outermost,
    scaled,
    skewed_student_p,
    stretched,
    unseen_difference,
    within,
)
from hardiness.statistics.multiplicity import holm_levels
from hardiness.statistics.sequences import anytime_p, anytime_p_of_pairs, anytime_p_of_share, last_inside

LEVEL = 0.05
"""How seldom an interval of this module may miss its number: in one of twenty cases, half of them on either side."""

EQUIVALENCE_LEVEL = 0.1
"""One minus the coverage of the interval that shows equivalence: each of two one-sided tests is at half of it, 5 %."""

MOST_TIMES = 100
"""How many times the images that there are a verdict may need before it is said to need more than that."""

POWER = 0.8
"""Chance of a verdict after as many images more as are said to decide."""

SPREAD = 0.8
"""Confidence of the interval of a number from which the spread of the images that it needs is taken."""

TIGHTEST = 0.02
"""Half-width at which an interval that is looked at is tightest, as a share of all that a number can span."""

Method = Literal["interval", "lowest", "sequence", "share", "pairs"]
Outcome = Literal["pass", "fail", "cannot tell"]

_NORMAL = NormalDist()


def at_level(method: Sequence[Any], level: float) -> Interval:
    """The interval that a method gives at a level.

    Args:
        method: as `Interval.method` has it: the name of a function of this room and its arguments, of which those that
            are intervals are methods themselves.
        level: one minus the coverage, in (0, 1).
    """
    function, keyword = METHODS[method[0]]
    arguments = [at_level(argument, level) if isinstance(argument, list) else argument for argument in method[1:]]
    named = {keyword: 1 - level if keyword == "confidence" else level} if keyword else {}
    return function(*arguments, **named)


def level_at(method: Sequence[Any], value: float) -> float:
    """The level at which the interval of a method reaches a value: the two-sided p-value of "the number is this".

    Outermost ends reach it where one of the intervals does; Tango's is asked by its own test, which takes less time.

    Args:
        method: as of `at_level`.
        value: in the number's unit.
    """
    name, *facts = method
    if name == outermost.__name__:
        return max(level_at(each, value) for each in facts)
    if name == scaled.__name__:
        return level_at(facts[0], (value - facts[1]) / facts[2])
    if name == score_interval.__name__ and abs(value) < 1:
        errors = score_statistic(*(np.array([number], float) for number in (*facts, value)))
        return math.erfc(abs(float(errors[0])) / math.sqrt(2))
    return level_reaching(lambda level: at_level(method, level), value)


def _innermost(method: Sequence[Any]) -> Sequence[Any]:
    """The method of an interval before it was cut to a range."""
    return _innermost(method[1]) if method and method[0] == within.__name__ else method


@at_any_level
def lowest_clustered(*facts: float, level: float = 0.05) -> Interval:
    """The interval of the lowest of several shares whose images come in clusters, as of `Evidence.from_lowest`.

    Args:
        facts: of each share the first four arguments of `clustered_proportion`.
        level: one minus the coverage, in (0, 1).
    """
    rows = zip(*[iter(facts)] * 4, strict=True)
    shares = [(value, variance, int(n), int(clusters)) for value, variance, n, clusters in rows]
    lows = [clustered_proportion(*share, 1 - level).low for share in shares]
    highs = [clustered_proportion(*share, 1 - level / len(shares)).high for share in shares]
    return Interval(min(lows), min(highs))


@dataclass(frozen=True)
class Evidence:
    """A number and how well it is known, at any level.

    Attributes:
        value: the number.
        n: images that it rests on.
        method: ``interval``: by the method that gave its 95 % interval; ``lowest``: the lowest of several shares of
            images, or a single one, exact for any number of them; ``sequence``, ``share`` and ``pairs``: a mean, a
            share, and a difference of two shares of the same images, that were looked at while the images came in.
        facts: what the method needs: of ``interval`` as `Interval.method` has it, of the others numbers alone.
        share: whether it cannot leave [0, 1].
        clusters: that the images come in, over which it is known; 0 where each stands alone.
        span: of a difference, the most that an image can put the two apart; 0 where nothing bounds it, and of any other
            number.
        independent: images that show how seldom one does, or clusters as if all were of one size; 0 where ``span`` is.
    """

    value: float
    n: int
    method: Method
    facts: tuple[Any, ...]
    share: bool = False
    clusters: int = 0
    span: float = 0.0
    independent: float = 0.0

    @classmethod
    def from_interval(cls, value: float, interval: Interval, n: int, *, share: bool) -> Evidence:
        """Evidence on a number with its 95 % interval, of which those of other levels are by the same method.

        Where it is not known which that was, they reach as far as those of a normal number (`stretched`).
        """
        if not interval.method:
            interval = stretched(value, interval.low, interval.high)
            interval = within(interval) if share else interval
        return cls(value, n, "interval", tuple(interval.method), share)

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
        if estimate.differing > 1 and 0 < estimate.value < top:
            interval = outermost(interval, within(estimate.interval(), 0.0, top))
        return cls.from_interval(estimate.value, interval, estimate.n, share=share)

    @classmethod
    def from_share(cls, hits: int, n: int) -> Evidence:
        """Evidence on a share of images by the binomial distribution itself: near 0 and 1 no normal one is close."""
        return cls.from_lowest([hits], [n])

    @classmethod
    def from_lowest(cls, hits: Sequence[int], n: Sequence[int]) -> Evidence:
        """Evidence on the lowest of several shares, each of images of its own, as the recalls of classes are.

        It is surely below a limit where one share is, with the level shared among all; surely above it where each is.

        Args:
            hits: of each share.
            n: of each share.

        Source: Berger (1982), doi:10.1080/00401706.1982.10487790, for "each is"; Bonferroni for "one is".
        """
        shares = [a / b for a, b in zip(hits, n, strict=True)]
        lowest = shares.index(min(shares))
        facts = tuple(float(number) for pair in zip(hits, n, strict=True) for number in pair)
        return cls(shares[lowest], n[lowest], "lowest", facts, share=True)

    @classmethod
    def from_clustered_mean(
        cls, estimate: Estimate, clusters: Clusters, top: float = 1.0, *, share: bool = True
    ) -> Evidence | None:
        """Evidence on a mean over cells whose images come in clusters; ``None`` where these are too few.

        A share is judged by `clustered_proportion`, every other mean as `from_mean` does, with clusters in place of
        images.

        Args:
            estimate: of the mean, by image.
            clusters: of the images.
            top: the most that it can be; the least is 0.
            share: whether it cannot leave [0, 1].
        """
        by_cluster = clusters.collapse(estimate)
        if why_too_few(by_cluster.n):
            return None
        if top == 1 and estimate.is_share:
            interval = clustered_share(estimate, clusters).interval
            assert interval is not None, "there are enough clusters"
            evidence = cls.from_interval(estimate.value, interval, estimate.n, share=True)
        else:
            evidence = cls.from_mean(by_cluster, top, share=share)
        return replace(evidence, n=estimate.n, clusters=by_cluster.n)

    @classmethod
    def from_lowest_clustered(cls, recalls: Sequence[Score]) -> Evidence | None:
        """Evidence on the lowest of several shares whose images come in clusters, each share with its interval.

        ``None`` where one has no interval by `clustered_proportion`. See `from_lowest`.
        """
        methods = [_innermost(each.interval.method) if each.interval else () for each in recalls]
        if not methods or any(not method or method[0] != clustered_proportion.__name__ for method in methods):
            return None
        facts = [number for method in methods for number in method[1:]]
        lowest = min(recalls, key=lambda each: each.value or 0.0)
        evidence = cls.from_interval(lowest.value or 0.0, lowest_clustered(*facts), lowest.n, share=True)
        return replace(evidence, clusters=lowest.clusters)

    @classmethod
    def from_test(cls, test: DifferenceTest, worse: float = 1.0) -> Evidence:
        """Evidence on a difference that has an interval, by the one by which every rule decides.

        Args:
            test: of the difference.
            worse: 1, or -1 for its reverse.
        """
        assert test.rule_ends is not None, "the difference has an interval"
        interval = test.rule_ends(LEVEL) if worse == 1 else scaled(test.rule_ends(LEVEL), 0.0, worse)
        evidence = cls.from_interval(worse * test.value + 0.0, interval, test.n, share=False)  # no -0
        if test.guarded is None:
            return replace(evidence, clusters=test.clusters)
        return replace(evidence, clusters=test.clusters, span=test.span, independent=test.units)

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
        has_value = is_evaluated.any(axis=1)
        if not has_value.any() or not is_evaluated.any(axis=0).all():
            return None
        ids, values, is_evaluated = ids[has_value], values[has_value], is_evaluated[has_value]
        evaluated = values[is_evaluated]
        if len(weights) == 1 and weights[0] == 1 and bool(np.isin(evaluated, (-1, 0, 1) if paired else (0, 1)).all()):
            ups, downs = int(np.count_nonzero(evaluated == 1)), int(np.count_nonzero(evaluated == -1))
            return (
                cls.from_pair_looks(ups, downs, len(evaluated)) if paired else cls.from_share_looks(ups, len(evaluated))
            )
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
        return self.method in ("lowest", "share", "pairs")

    @property
    def looked(self) -> bool:
        """Whether the images were looked at while they came in, so that each verdict must hold at every look."""
        return self.method in ("sequence", "share", "pairs")

    @property
    def allows_for_unseen(self) -> bool:
        """Whether the interval is wider than what was seen, for losses that the images did not show."""
        return unseen_difference.__name__ in str(self.facts)

    @property
    def units(self) -> int:
        """The number of clusters, or of images where each stands alone: of these more may be needed."""
        return self.clusters or self.n

    @property
    def _counts(self) -> list[tuple[int, int]]:
        """Hits and images of each of several shares."""
        return list(zip(map(int, self.facts[::2]), map(int, self.facts[1::2]), strict=True))

    def p(self, limit: float, side: int) -> float:
        """The one-sided p-value of "the number is not beyond the limit".

        Args:
            limit: in the number's unit.
            side: 1 where beyond is above, -1 where it is below.

        Returns:
            Near 0 where the number is surely beyond; 1 of images that were looked at where it is not beyond, valid at
            every look.
        """
        if self.method == "lowest":
            chances = [binomial_p(hits, n, limit, side) for hits, n in self._counts]
            return max(chances) if side > 0 else min(1.0, len(chances) * min(chances))
        if self.method == "interval":
            p = level_at(self.facts, limit) / 2
            return p if side * (self.value - limit) > 0 else 1 - p
        if side * (self.value - limit) <= 0:
            return 1.0
        if self.method == "share":
            return anytime_p_of_share(int(self.facts[0]), self.n, limit)
        if self.method == "pairs":
            return anytime_p_of_pairs(int(self.facts[0]), int(self.facts[1]), self.n, limit)
        variance, tightest, *ends, skew, degrees = self.facts
        distance, error = abs(self.value - limit), math.sqrt(variance)
        if error > 0:
            p = skewed_student_p(side * distance, error, skew, degrees) / 2
            distance = error * -_NORMAL.inv_cdf(max(p, 1e-300))
        return max(anytime_p(distance, variance, tightest), self._p_of_unseen(limit, ends))

    def _p_of_unseen(self, limit: float, ends: Sequence[float]) -> float:
        """How likely none was seen of images at an end of the range, of which there are so many that the limit holds.

        They show in no spread. It is the same at every look: none was seen at the first at which a verdict could fall.

        Args:
            limit: in the number's unit.
            ends: of the range of an image's own value.
        """
        if limit == self.value:
            return 0.0
        furthest = ends[limit > self.value] - self.value
        return float((1 - min((limit - self.value) / furthest, 1.0)) ** self.n) if furthest else 0.0

    def ends(self, level: float) -> Interval:
        """The interval at a level: one minus the coverage of both sides together."""
        if self.method == "interval":
            return at_level(self.facts, level)
        if self.method == "lowest":
            # It is surely above what each is surely above, and below what one is surely below at its part of the level.
            lows = [clopper_pearson(hits, n, 1 - level).low for hits, n in self._counts]
            highs = [clopper_pearson(hits, n, 1 - level / len(lows)).high for hits, n in self._counts]
            return Interval(min(lows), min(highs))
        # Of what was looked at p-values are inverted, as far as the number can go.
        least, most = self.facts[2:4] if self.method == "sequence" else (0.0 if self.share else -1.0, 1.0)
        return Interval(
            last_inside(lambda limit: self.p(limit, 1) > level / 2, self.value, least),
            last_inside(lambda limit: self.p(limit, -1) > level / 2, self.value, most),
        )

    def end_of_next(self, side: int, chance: float, family: int = 1) -> float:
        """The end of the interval that decides on a new, equally good number of as many images.

        Args:
            side: 1 for the upper end, -1 for the lower one.
            chance: how seldom that end is further off, below 0.5. Of a share of images it is at most that seldom,
                whatever the share.
            family: rules over which the interval is simultaneous.

        Source: Thatcher (1964), Journal of the Royal Statistical Society B 26, 176-192, of a share of images. Else the
            two numbers differ by root two standard errors: this number's own interval at as many, and those of the
            level, ends where the next one's does. There its errors are the larger ones of a number that is further
            out, so that it is wide where images are few.
        """
        errors, level = -math.sqrt(2) * _NORMAL.inv_cdf(chance), LEVEL / family
        new = self
        if self.method == "lowest":
            hits = [next_hits(share_hits, n, side, chance * 2 / len(self.facts)) for share_hits, n in self._counts]
            new = Evidence.from_lowest(hits, [n for _, n in self._counts])
        elif self.method == "share":
            new = Evidence.from_share_looks(next_hits(int(self.facts[0]), self.n, side, chance), self.n)
        elif self.method == "pairs":
            first, second = map(int, self.facts)
            ends = score_interval(first, second, self.n, math.erfc(errors / math.sqrt(2)))
            more = math.ceil(self.n * abs((ends.high if side > 0 else ends.low) - self.value))
            first = min(first + more, self.n - second) if side > 0 else first
            second = min(second + more, self.n - first) if side < 0 else second
            new = Evidence.from_pair_looks(first, second, self.n)
        elif self.method == "sequence":
            new = replace(self, value=self.value + side * errors * math.sqrt(self.facts[0]))
        else:
            level = math.erfc((normal_point(level) + errors) / math.sqrt(2))
        ends = new.ends(level)
        return ends.high if side > 0 else ends.low

    def images_more(self, errors: float, level: float) -> int:
        """About how many images, or clusters, more decide at that level with an even chance, were it what it seems.

        The error falls as the root of the number of images does.

        Args:
            errors: by how many standard errors the number is on its side of the limit, as its p-value counts them.
            level: one-sided.

        Returns:
            At most `MOST_TIMES` as many as there are.
        """
        needed_errors = -_NORMAL.inv_cdf(level)
        if errors * math.sqrt(MOST_TIMES) < needed_errors:
            return MOST_TIMES * self.units
        return max(1, math.ceil(self.units * ((needed_errors / errors) ** 2 - 1)))

    def images_needed(self, errors: float, levels: tuple[float, float], further: float | None = None) -> ImagesMore:
        """How many images, or clusters, more decide with a chance of `POWER`, when the number is as uncertain as it is.

        Args:
            errors: as for `images_more`.
            levels: one-sided, of the verdict on the number's side of the limit and of that on the other one.
            further: by how many it is within the other end of a margin, which it must keep too; ``None`` for a limit.

        Source: Spiegelhalter, Freedman & Blackburn (1986), doi:10.1016/0197-2456(86)90003-6: the chance that a trial's
            end will be significant, over what its data so far leave possible, with a flat prior.
        """
        own_side, opposite = (-_NORMAL.inv_cdf(level) for level in levels)

        def chance(times: float) -> float:
            mean, spread = errors * math.sqrt(1 + times), math.sqrt(times)
            own = _NORMAL.cdf((mean - own_side) / spread)
            if further is not None:
                own = max(own + _NORMAL.cdf((further * math.sqrt(1 + times) - own_side) / spread) - 1, 0.0)
            return own + _NORMAL.cdf((-mean - opposite) / spread)

        def images_until(distance: float, needed_errors: float) -> int:
            return max(1, math.ceil(self.units * (((needed_errors + power) / distance) ** 2 - 1)))

        power, reach = _NORMAL.inv_cdf(POWER), _NORMAL.inv_cdf(0.5 + SPREAD / 2)
        low = min(
            images_until(errors + reach, own_side),
            images_until(reach - errors, opposite) if errors < reach else MOST_TIMES * self.units,
        )
        high = images_until(errors - reach, own_side) if errors > reach else None
        few, many = 1 / self.units, float(MOST_TIMES)
        if chance(many) < POWER:
            return ImagesMore(MOST_TIMES * self.units, True, min(low, MOST_TIMES * self.units), high)
        while (many - few) * self.units > 0.5:
            middle = (few + many) / 2
            few, many = (few, middle) if chance(middle) >= POWER else (middle, many)
        return ImagesMore(max(1, math.ceil(self.units * many - 0.5)), False, low, high)


@dataclass(frozen=True, slots=True)
class ImagesMore:
    """How many images more would decide a rule, or clusters where the images come in such.

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

    def no_fewer_than(self, least: int) -> ImagesMore:
        """The numbers where no fewer than so many more can decide."""
        high = None if self.high is None else max(self.high, least)
        return replace(self, count=max(self.count, least), low=max(self.low, least), high=high)


def next_hits(hits: int, n: int, side: int, level: float) -> int:
    """The furthest number of hits of ``n`` new images that is not rarer than ``level``.

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


def binomial_p(hits: int, n: int, limit: float, side: int) -> float:
    """The one-sided p-value of a share of images on the wrong side of a limit, exact for any number of images.

    How likely so many hits, or more, are where the share is the limit; so many or fewer where ``side`` is -1.

    Source: Clopper & Pearson (1934), doi:10.1093/biomet/26.4.404; the tail as an incomplete beta function, Abramowitz &
        Stegun (1964), 26.5.24.
    """
    from scipy.special import betainc

    if side < 0:
        return binomial_p(n - hits, n, 1 - limit, 1)
    if hits == 0 or limit >= 1:
        return 1.0
    return float(betainc(hits, n - hits + 1, limit)) if limit > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit that a number must not be above, where ``side`` is 1, or below, where it is -1.

    Where it is 0, the number must lie between the limit and its negative, and a *pass* is that of two one-sided tests,
    each at 5 %.

    Source: Schuirmann (1987), doi:10.1007/BF01068419, for the last.
    """

    at: float
    side: int

    @property
    def pass_level(self) -> float:
        """The level of a one-sided test that passes a number, of this rule alone."""
        return LEVEL / 2 if self.side else EQUIVALENCE_LEVEL / 2

    def p_beyond(self, evidence: Evidence) -> float:
        """The p-value of "the number is within the limit"."""
        if self.side:
            return evidence.p(self.at, self.side)
        return min(evidence.p(self.at, 1), evidence.p(-self.at, -1))

    def p_within(self, evidence: Evidence) -> float:
        """The p-value of "the number is beyond the limit"."""
        if self.side:
            return evidence.p(self.at, -self.side)
        return max(evidence.p(self.at, -1), evidence.p(-self.at, 1))

    def further_errors(self, evidence: Evidence) -> float | None:
        """By how many standard errors a number is within the further end of a margin; ``None`` of any other limit."""
        if self.side:
            return None
        p = min(evidence.p(self.at, -1), evidence.p(-self.at, 1))
        return -_NORMAL.inv_cdf(min(max(p, 1e-300), 0.5))

    def pass_needs(self, evidence: Evidence) -> int:
        """The fewest images, or clusters, at which a difference of 0 passes: of fewer a loss may be unseen.

        0 where nothing bounds what an image can add, or no number would do.
        """
        if not 0 < self.at < evidence.span:
            return 0
        least = math.log(self.pass_level) / math.log1p(-self.at / evidence.span)
        return math.ceil(least * evidence.units / evidence.independent - 1e-9)

    def is_beyond(self, value: float) -> bool:
        """Whether a number is beyond the limit."""
        return self.side * (value - self.at) > 0 if self.side else abs(value) > self.at


@dataclass(frozen=True, slots=True)
class Ruling:
    """The verdict of evidence on a limit.

    Attributes:
        outcome: whether the number is surely within, surely beyond, or neither yet.
        evidence: of the number.
        family: rules over which the interval that decides is simultaneous; 1 where it is of this rule alone.
        level: one minus the coverage of that interval, before it is shared among rules.
        more: about how many images more would decide with an even chance, were the number what it seems, by which the
            next look is chosen; 0 where it is decided.
        needed: how many decide with a chance of `POWER`; ``None`` where it is decided.
    """

    outcome: Outcome
    evidence: Evidence
    family: int = 1
    more: int = 0
    needed: ImagesMore | None = None
    level: float = LEVEL

    @property
    def confidence(self) -> float:
        """The coverage of the interval that decides, both sides together."""
        return 1 - self.level / self.family

    @property
    def interval(self) -> Interval:
        """The interval that decides: for ``fail`` it is simultaneous over all rules, else of this rule alone."""
        return self.evidence.ends(self.level / self.family)


def rulings(cases: Sequence[tuple[Evidence, Limit]], family: int = 0) -> list[Ruling]:
    """The verdicts of evidence on limits, one for each case.

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
    fail_p = [limit.p_beyond(evidence) for evidence, limit in cases]
    # A rule of which nothing is known yet takes its share of the level, and is the last to be refused.
    levels = holm_levels([*fail_p, *[1.0] * (family - len(cases))], alone)
    verdicts = []
    for (evidence, limit), p, level in zip(cases, fail_p, levels.tolist(), strict=False):
        remaining = round(alone / level)
        is_certain = evidence.share and limit.side != 0 and (limit.at >= 1 if limit.side > 0 else limit.at <= 0)
        pass_p, pass_level = limit.p_within(evidence), limit.pass_level / (family if evidence.looked else 1)
        if p < level:
            verdicts.append(Ruling("fail", evidence, remaining))
        elif is_certain or pass_p <= pass_level:
            shared = family if evidence.looked else 1
            verdicts.append(Ruling("pass", evidence, shared, level=2 * limit.pass_level))
        else:
            is_beyond = limit.is_beyond(evidence.value)
            shared = family if not is_beyond and evidence.looked else remaining if is_beyond else 1
            errors = -_NORMAL.inv_cdf(min(max(p if is_beyond else pass_p, 1e-300), 0.5))
            own_level = LEVEL if is_beyond else 2 * limit.pass_level
            more = evidence.images_more(errors, own_level / 2 / shared)
            both = (level, pass_level) if is_beyond else (pass_level, level)
            needed = evidence.images_needed(errors, both, None if is_beyond else limit.further_errors(evidence))
            if not is_beyond:
                needed = needed.no_fewer_than(limit.pass_needs(evidence) - evidence.units)
            verdicts.append(Ruling("cannot tell", evidence, shared, more, needed, own_level))
    return verdicts
