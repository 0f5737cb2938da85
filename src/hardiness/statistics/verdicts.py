"""Verdicts on limits: whether a number is known to be within its limit, beyond it, or neither yet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hardiness.core.result import Score
from hardiness.core.spread import Interval, Spread
from hardiness.statistics.cells import cell_estimate
from hardiness.statistics.estimate import mean
from hardiness.statistics.multiplicity import holm_levels
from hardiness.statistics.spreads.looks import PairedSharesAtEveryLook, ShareAtEveryLook, SumAtEveryLook
from hardiness.statistics.spreads.shares import ShareOfImages

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

Outcome = Literal["pass", "fail", "cannot tell"]

_NORMAL = NormalDist()


def spread_of_looks(
    ids: NDArray[np.object_],
    values: NDArray[np.float64],
    weights: NDArray[np.float64],
    top: float = 1.0,
    *,
    paired: bool = False,
) -> Spread | None:
    """How well a weighted sum of cell means is known while images come in; ``None`` while its variance is not known.

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
        n = len(evaluated)
        return PairedSharesAtEveryLook(ups, downs, n) if paired else ShareAtEveryLook(ups, n)
    cells = cell_estimate(ids, values, weights)
    if cells.thin:
        return None
    tightest = TIGHTEST * float(np.abs(weights).sum()) * top
    least, most = (top * float(weights[side].sum()) for side in (weights < 0, weights > 0))
    ends = (least - most, most - least) if paired else (least, most)
    degrees = max(cells.estimate.telling - 1, 1)
    return SumAtEveryLook(cells.value, cells.n, cells.variance, tightest, *ends, cells.estimate.skew, degrees)


def spread_of_shares(ids: NDArray[np.object_], values: NDArray[np.float64]) -> Spread:
    """How well the mean over cells, each weighing the same, of the share of images that count in each is known.

    Args:
        ids: ``(N,)`` of the images, sorted.
        values: ``(N, M)`` of 0 and 1; NaN where an image was not evaluated. Every cell has an image.
    """
    if values.shape[1] == 1:
        counts = values[~np.isnan(values)]
        return ShareOfImages(int(counts.sum()), len(counts))
    return mean(ids, values).spread_of_cells(1.0)


def images_more(units: int, errors: float, level: float) -> int:
    """About how many images, or clusters, more decide at that level with an even chance, were it what it seems.

    The error falls as the root of the number of images does.

    Args:
        units: images that there are, or clusters.
        errors: by how many standard errors the number is on its side of the limit, as its p-value counts them.
        level: one-sided.

    Returns:
        At most `MOST_TIMES` as many as there are.
    """
    needed_errors = -_NORMAL.inv_cdf(level)
    if errors * math.sqrt(MOST_TIMES) < needed_errors:
        return MOST_TIMES * units
    return max(1, math.ceil(units * ((needed_errors / errors) ** 2 - 1)))


def images_needed(units: int, errors: float, levels: tuple[float, float], further: float | None = None) -> ImagesMore:
    """How many images, or clusters, more decide with a chance of `POWER`, when the number is as uncertain as it is.

    Args:
        units, errors: as for `images_more`.
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
        return max(1, math.ceil(units * (((needed_errors + power) / distance) ** 2 - 1)))

    power, reach = _NORMAL.inv_cdf(POWER), _NORMAL.inv_cdf(0.5 + SPREAD / 2)
    low = min(
        images_until(errors + reach, own_side),
        images_until(reach - errors, opposite) if errors < reach else MOST_TIMES * units,
    )
    high = images_until(errors - reach, own_side) if errors > reach else None
    few, many = 1 / units, float(MOST_TIMES)
    if chance(many) < POWER:
        return ImagesMore(MOST_TIMES * units, True, min(low, MOST_TIMES * units), high)
    while (many - few) * units > 0.5:
        middle = (few + many) / 2
        few, many = (few, middle) if chance(middle) >= POWER else (middle, many)
    return ImagesMore(max(1, math.ceil(units * many - 0.5)), False, low, high)


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

    def p_beyond(self, score: Score) -> float:
        """The p-value of "the number is within the limit"."""
        if self.side:
            return score.p(self.at, self.side)
        return min(score.p(self.at, 1), score.p(-self.at, -1))

    def p_within(self, score: Score) -> float:
        """The p-value of "the number is beyond the limit"."""
        if self.side:
            return score.p(self.at, -self.side)
        return equivalence_p(spread_of(score), self.at)

    def further_errors(self, score: Score) -> float | None:
        """By how many standard errors a number is within the further end of a margin; ``None`` of any other limit."""
        if self.side:
            return None
        p = min(score.p(self.at, -1), score.p(-self.at, 1))
        return -_NORMAL.inv_cdf(min(max(p, 1e-300), 0.5))

    def pass_needs(self, score: Score) -> int:
        """The fewest images, or clusters, at which a difference of 0 passes: of fewer a loss may be unseen.

        0 where nothing bounds what an image can add, or no number would do.
        """
        units, span = spread_of(score).bound or (0.0, 0.0)
        if not 0 < self.at < span:
            return 0
        least = math.log(self.pass_level) / math.log1p(-self.at / span)
        return math.ceil(least * score.units / units - 1e-9)

    def is_beyond(self, value: float) -> bool:
        """Whether a number is beyond the limit."""
        return self.side * (value - self.at) > 0 if self.side else abs(value) > self.at


@dataclass(frozen=True, slots=True)
class Ruling:
    """The verdict of a score on a limit.

    Attributes:
        outcome: whether the number is surely within, surely beyond, or neither yet.
        score: the number.
        family: rules over which the interval that decides is simultaneous; 1 where it is of this rule alone.
        level: one minus the coverage of that interval, before it is shared among rules.
        more: about how many images more would decide with an even chance, were the number what it seems, by which the
            next look is chosen; 0 where it is decided.
        needed: how many decide with a chance of `POWER`; ``None`` where it is decided.
    """

    outcome: Outcome
    score: Score
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
        return spread_of(self.score).deciding_ends(self.level / self.family)


def rulings(cases: Sequence[tuple[Score, Limit]], family: int = 0) -> list[Ruling]:
    """The verdicts of scores on limits, one for each case.

    Args:
        cases: score, which has a spread, and limit of each rule.
        family: how many rules there are, where some have no score yet; 0 for these.

    Rules are many tests, and a false *fail* among them must be rare: each is rejected at a level of 2.5 % that Holm's
    procedure shares among all. A *pass* of all is a pass only if each passes, so that each may be tested at 2.5 % by
    itself. Where images were looked at while they came in, passes share the level too: then no verdict at all is false
    in more than one of twenty runs.

    Source: Holm (1979), https://www.jstor.org/stable/4615733; Berger (1982), doi:10.1080/00401706.1982.10487790, for
        passes (intersection-union).
    """
    alone = LEVEL / 2
    family = max(family, len(cases))
    fail_p = [limit.p_beyond(score) for score, limit in cases]
    # A rule of which nothing is known yet takes its share of the level, and is the last to be refused.
    levels = holm_levels([*fail_p, *[1.0] * (family - len(cases))], alone)
    verdicts = []
    for (score, limit), p, level in zip(cases, fail_p, levels.tolist(), strict=False):
        remaining, looked = round(alone / level), spread_of(score).is_sequential
        is_certain = is_share(score) and limit.side != 0 and (limit.at >= 1 if limit.side > 0 else limit.at <= 0)
        pass_p, pass_level = limit.p_within(score), limit.pass_level / (family if looked else 1)
        if p < level:
            verdicts.append(Ruling("fail", score, remaining))
        elif is_certain or pass_p <= pass_level:
            shared = family if looked else 1
            verdicts.append(Ruling("pass", score, shared, level=2 * limit.pass_level))
        else:
            is_beyond = limit.is_beyond(score.value or 0.0)
            shared = family if not is_beyond and looked else remaining if is_beyond else 1
            errors = -_NORMAL.inv_cdf(min(max(p if is_beyond else pass_p, 1e-300), 0.5))
            own_level = LEVEL if is_beyond else 2 * limit.pass_level
            more = images_more(score.units, errors, own_level / 2 / shared)
            both = (level, pass_level) if is_beyond else (pass_level, level)
            needed = images_needed(score.units, errors, both, None if is_beyond else limit.further_errors(score))
            if not is_beyond:
                needed = needed.no_fewer_than(limit.pass_needs(score) - score.units)
            verdicts.append(Ruling("cannot tell", score, shared, more, needed, own_level))
    return verdicts


def equivalence_outcome(spread: Spread | None, margin: float) -> Outcome:
    """Whether a difference is known to lie within a margin on either side of 0, or wholly outside it.

    It is that of the interval of 90 % by which a gate's rules on the same difference decide. A difference on the edge
    of the margin passes in at most 5 % of cases (``bench/equal_models.py --only margin``).

    Args:
        spread: of the difference; ``None`` where it has no interval.
        margin: in the unit of the difference, above 0.

    Source: Schuirmann (1987), doi:10.1007/BF01068419, two one-sided tests.
    """
    if spread is None:
        return "cannot tell"
    ends = spread.deciding_ends(EQUIVALENCE_LEVEL)
    if -margin < ends.low and ends.high < margin:
        return "pass"
    return "fail" if ends.low > margin or ends.high < -margin else "cannot tell"


def equivalence_p(spread: Spread, margin: float) -> float:
    """The p-value of "the difference lies outside the margin": the larger of the two one-sided ones."""
    return max(spread.p(margin, -1), spread.p(-margin, 1))


def least_margin(spread: Spread) -> float:
    """The smallest margin within which a difference is known to lie."""
    ends = spread.deciding_ends(EQUIVALENCE_LEVEL)
    return max(-ends.low, ends.high, 0.0)


def spread_of(score: Score) -> Spread:
    """The spread of a score that is judged, which has one."""
    assert score.spread is not None, "what has no interval is judged by no rule"
    return score.spread


def is_share(score: Score) -> bool:
    """Whether a score cannot leave [0, 1]."""
    ends = spread_of(score).interval()
    return score.unit == "fraction" and 0 <= ends.low <= ends.high <= 1
